"""Label classes: flat, or grouped up to six levels, any level selectable."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from typing import Annotated

from pydantic import AfterValidator, Field, StringConstraints

from labeling.errors import Fault, Invalid
from labeling.model import Id, Model

MAX_DEPTH = 6
MAX_CLASSES = 2_000
MAX_EXAMPLES = 3


def tidy(name: str) -> str:
    """A path of classes without space around its parts, in one form of Unicode.

    Raises:
        ValueError: an empty part, or too many.

    >>> tidy("Animal / Cat")
    'Animal/Cat'
    """
    parts = [part.strip() for part in unicodedata.normalize("NFC", name).split("/")]
    if not all(parts):
        raise ValueError("a class name has no empty level: write Animal/Cat")
    if len(parts) > MAX_DEPTH:
        raise ValueError(f"classes are grouped up to {MAX_DEPTH} levels")
    return "/".join(parts)


ClassName = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=200),
    AfterValidator(tidy),
]


def _each_once(paths: list[str]) -> list[str]:
    if len(set(paths)) < len(paths):
        raise ValueError("an example is there twice")
    return paths


Examples = Annotated[
    list[Annotated[str, StringConstraints(pattern=r"^[^\x00-\x1f\x7f]+$", max_length=1_024)]],
    Field(max_length=MAX_EXAMPLES, description="paths of images in the project's data source"),
    AfterValidator(_each_once),
]


class LabelClass(Model):
    """A class a labeler can choose. Labels hold its id, so renaming costs nothing.

    `name` is the path from the root, parts joined by `/`: `Animal/Cat`. `examples` are paths of images
    that show labelers what is meant.
    """

    class_id: Id
    name: str
    description: str = ""
    examples: list[str] = []


class NewClass(Model):
    """A class to be added; `name` is a path such as `Animal/Cat` (up to six levels)."""

    name: ClassName
    description: Annotated[str, Field(max_length=2_000)] = ""
    examples: Examples = []


def with_added(classes: Sequence[LabelClass], added: Sequence[NewClass]) -> list[LabelClass]:
    """The classes and the new ones behind them. Ids are `c1`, `c2`, ... in order of arrival.

    A class that exists already (names compared case-folded) is refused, not merged.

    Raises:
        Invalid: a name is there already, twice in `added`, or there would be too many.
    """
    result = list(classes)
    known = {fold(one.name) for one in result}
    for index, new in enumerate(added):
        if fold(new.name) in known:
            raise Invalid(
                f"the class {new.name!r} is there already; leave it out",
                faults=(Fault(f"/classes/{index}/name", "duplicate", "this class exists"),),
            )
        known.add(fold(new.name))
        result.append(
            LabelClass(
                class_id=f"c{len(result) + 1}",
                name=new.name,
                description=new.description,
                examples=new.examples,
            )
        )
    if len(result) > MAX_CLASSES:
        raise Invalid(f"a project has at most {MAX_CLASSES} classes")
    return result


def fold(name: str) -> str:
    """Two class names are the same when these are: NFKC, case-folded."""
    return unicodedata.normalize("NFKC", name).casefold()
