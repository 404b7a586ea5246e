"""What of a project's labels is exported: of which images, of which classes, under which names."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from hashlib import sha256
from typing import Literal

from labeling.annotations.classes import LabelClass, key_of_path
from labeling.errors import Fault, Invalid
from labeling.exchange.formats.format import Options
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
        chosen = frozenset(options.classes or (one.class_id for one in classes))
        for one in classes:
            if one.class_id in chosen:
                name = options.rename.get(one.class_id, one.name)
                kept = named.setdefault(key_of_path(name), one.model_copy(update={"name": name}))
                self._as[one.class_id] = kept.class_id
        self.classes = list(named.values())
        self._all = len(chosen) == len(classes) and not options.rename

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
            one.model_copy(update={"class_id": self._as[one.class_id]})
            for one in labeling.annotations
            if one.class_id in self._as
        ]
        if labeling.annotations and not kept:
            return "no_chosen_class"
        return labeling.model_copy(update={"annotations": kept})

    def named(self, item: Item) -> Item:
        """The image, by the name that files have for it."""
        return replace(item, path=flat_name(item.path)) if self._options.flat else item


def flat_name(path: str) -> str:
    """A name without folders that no other path has, and no other without its suffix.

    >>> flat_name("owls/1.jpg"), flat_name("wrens/1.jpg"), flat_name("wrens/1.png")
    ('e387bd7bc27e-1.jpg', '33934d7c427c-1.jpg', '532a0cbea784-1.png')
    """
    return f"{sha256(path.encode()).hexdigest()[:12]}-{path.rpartition('/')[2]}"


def check(options: Options, classes: Sequence[LabelClass]) -> None:
    """Refuse options that name classes which a project has not.

    Raises:
        Invalid: they do.
    """
    known = {one.class_id for one in classes}
    faults = [
        Fault(pointer, "unknown_class", f"the project has no class {class_id!r}")
        for pointer, class_id in (
            *((f"/options/classes/{at}", one) for at, one in enumerate(options.classes)),
            *((f"/options/rename/{one}", one) for one in options.rename),
        )
        if class_id not in known
    ]
    if faults:
        raise Invalid(faults[0].detail, faults=tuple(faults))
