"""Label classes: flat, or grouped up to six levels, any level selectable."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Annotated

from pydantic import AfterValidator, Field, StringConstraints

from labeling.annotations.attributes import Attributes
from labeling.errors import Fault, Invalid
from labeling.model import Id, Model
from labeling.names import key_of, spelled

MAX_DEPTH = 6
MAX_CLASSES = 2_000
MAX_EXAMPLES = 3

COLOURS = 24
"""Of classes that can be told apart: the page has so many."""


def path_of(name: str) -> str:
    """The path of a class as it is kept: levels spelled as names are, joined by `/`.

    Raises:
        ValueError: a level is empty or can't be a name, or there are too many.

    >>> path_of("Animal / Cat")
    'Animal/Cat'
    """
    levels = name.split("/")
    if not all(level.strip() for level in levels):
        raise ValueError("a class name has no empty level: write Animal/Cat")
    if len(levels) > MAX_DEPTH:
        raise ValueError(f"classes are grouped up to {MAX_DEPTH} levels")
    path = "/".join(spelled(level) for level in levels)
    return spelled(path)  # as a whole it is no longer than a name


def key_of_path(name: str) -> str:
    """Two classes are the same when these are. Finds a class by any text that it could be made with.

    >>> key_of_path(" animal/ CAT") == key_of_path("Animal / Cat")
    True
    """
    return "/".join(key_of(level) for level in name.split("/"))


ClassName = Annotated[str, AfterValidator(path_of)]


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
    that show labelers what is meant, `attributes` what is asked of everything that has it. `colour` is its
    place among those of the page. One that is `retired` is
    no longer offered; labels that have it keep it. One that was `merged_into` another is that: it is kept
    for what was said before, and for files that still name it.
    """

    class_id: Id
    name: str
    description: str = ""
    examples: list[str] = []
    attributes: Attributes = []
    colour: int = -1
    retired: bool = False
    merged_into: str = ""


def coloured(classes: Sequence[LabelClass]) -> list[LabelClass]:
    """The classes; those that were kept without a colour have that of their place."""
    return [
        class_ if class_.colour >= 0 else class_.model_copy(update={"colour": at % COLOURS})
        for at, class_ in enumerate(classes)
    ]


def with_colour(classes: Sequence[LabelClass], class_id: str, colour: int) -> list[LabelClass]:
    """The classes, one of them in another colour. The one that had this gets the other: two stay two."""
    before = next(class_.colour for class_ in classes if class_.class_id == class_id)
    owner = next((class_.class_id for class_ in classes if class_.colour == colour), "")
    given = {owner: before, class_id: colour}
    return [
        class_.model_copy(update={"colour": given.get(class_.class_id, class_.colour)})
        for class_ in classes
    ]


class NewClass(Model):
    """A class to be added; `name` is a path such as `Animal/Cat` (up to six levels). Without a `colour` it gets
    one that few others have."""

    name: ClassName
    description: Annotated[str, Field(max_length=2_000)] = ""
    examples: Examples = []
    attributes: Attributes = []
    colour: Annotated[int, Field(ge=0, lt=COLOURS)] | None = None


def with_added(classes: Sequence[LabelClass], added: Sequence[NewClass]) -> list[LabelClass]:
    """The classes and the new ones behind them. Ids are `c1`, `c2`, ... in order of arrival.

    A class that exists already (by `key_of_path`) is refused, not merged.

    Raises:
        Invalid: a name is there already, twice in `added`, or there would be too many.
    """
    result = list(classes)
    known = {key_of_path(class_.name) for class_ in result}
    for index, new in enumerate(added):
        if key_of_path(new.name) in known:
            raise Invalid(
                f"the class {new.name!r} is there already, perhaps retired; leave it out",
                faults=(Fault(f"/classes/{index}/name", "duplicate", "this class exists"),),
            )
        known.add(key_of_path(new.name))
        used = Counter(class_.colour for class_ in result)
        result.append(
            LabelClass(
                class_id=f"c{len(result) + 1}",
                name=new.name,
                description=new.description,
                examples=new.examples,
                attributes=new.attributes,
                colour=min(range(COLOURS), key=lambda colour: (used[colour], colour))
                if new.colour is None
                else new.colour,
            )
        )
    if len(result) > MAX_CLASSES:
        raise Invalid(f"a project has at most {MAX_CLASSES} classes")
    return result
