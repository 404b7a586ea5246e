"""What of a project's labels is exported: of which images, of which classes, under which names."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from hashlib import sha256
from typing import Literal

from labeling.annotations.classes import LabelClass, key_of_path
from labeling.errors import Fault, Invalid
from labeling.exchange.formats.format import Options
from labeling.exchange.snapshots import Seen
from labeling.items.records import Item, Labeling

NotChosen = Literal["not_chosen", "no_chosen_class"]
"""Why a labeled image is left out: by a filter, or since all that is on it is of other classes."""


class Choice:
    """What options choose of a project with these classes.

    `classes` are those that files have, in the project's order. Of classes that are given one name the first
    stands for all.
    """

    def __init__(self, options: Options, classes: Sequence[LabelClass]) -> None:
        self._options = options
        self._people = frozenset(options.labelers)
        self._as: dict[str, str] = {}
        named: dict[str, LabelClass] = {}
        chosen = frozenset(options.classes or (class_.class_id for class_ in classes))
        for class_ in classes:
            if class_.class_id in chosen:
                name = options.rename.get(class_.class_id, class_.name)
                kept = named.setdefault(key_of_path(name), class_.model_copy(update={"name": name}))
                self._as[class_.class_id] = kept.class_id
        self.classes = list(named.values())
        self._all = len(chosen) == len(classes) and not options.rename

    def labelings(self, seen: Seen) -> list[Labeling] | str:
        """What is exported of an image: its labels, or those of each person; or why nothing is."""
        said = seen.each if self._options.labelings == "each" else seen.agreed
        if seen.state not in self._options.states:
            return seen.reason or "not_chosen"
        if not said:
            return seen.reason or "not_labeled"
        chosen = [self.of(seen.item, labeling) for labeling in said]
        kept = [labeling for labeling in chosen if not isinstance(labeling, str)]
        return kept or next(labeling for labeling in chosen if isinstance(labeling, str))

    def of(self, item: Item, labeling: Labeling) -> Labeling | NotChosen:
        """What is exported of the labels of an image, or why nothing is."""
        options = self._options
        if (
            not item.path.startswith(options.path)
            or (options.since and labeling.saved_at < options.since)
            or (self._people and self._people.isdisjoint({labeling.labeler, *labeling.labelers}))
        ):
            return "not_chosen"
        if self._all:
            return labeling
        kept = [
            annotation.model_copy(update={"class_id": self._as[annotation.class_id]})
            for annotation in labeling.annotations
            if annotation.class_id in self._as
        ]
        if labeling.annotations and not kept:
            return "no_chosen_class"
        return labeling.model_copy(update={"annotations": kept})


def flat(item: Item) -> Item:
    """The image, by a name without folders."""
    return replace(item, path=flat_name(item.path))


def flat_name(path: str) -> str:
    """A name without folders that no other path has, and no other without its suffix.

    It is a file's name on every system, whatever was in the path.

    >>> flat_name("owls/1.jpg"), flat_name("wrens/1.jpg"), flat_name("wrens/..\\\\1.png")
    ('e387bd7bc27e9f4c-1.jpg', '33934d7c427cd871-1.jpg', 'f83eda86088bb673-..-1.png')
    """
    stem, dot, suffix = path.rpartition("/")[2].rpartition(".")
    kept = f"{_IN_NO_NAME.sub('-', stem)[:50]}{dot}{_IN_NO_NAME.sub('-', suffix)[:10]}"
    return f"{sha256(path.encode()).hexdigest()[:16]}-{kept}"


_IN_NO_NAME = re.compile(r'[\\/:*?"<>|\x00-\x1f\x7f-\x9f\u2028\u2029]')
"""Characters that no name of a file has on Windows, and that break lines."""


def check(options: Options, classes: Sequence[LabelClass]) -> None:
    """Refuse options that name classes which a project has not.

    Raises:
        Invalid: they do.
    """
    known = {class_.class_id for class_ in classes}
    faults = [
        Fault(pointer, "unknown_class", f"the project has no class {class_id!r}")
        for pointer, class_id in (
            *((f"/options/classes/{at}", class_) for at, class_ in enumerate(options.classes)),
            *((f"/options/rename/{class_id}", class_id) for class_id in options.rename),
        )
        if class_id not in known
    ]
    if faults:
        raise Invalid(faults[0].detail, faults=tuple(faults))
