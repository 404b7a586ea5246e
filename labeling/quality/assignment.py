"""Which images are labeled by whom: by those who carry a tag, or by everybody."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Annotated, Protocol

from pydantic import AfterValidator, Field, model_validator

from labeling.model import Id, Model
from labeling.names import different, key_of, spelled, without_comma

MOST_TAGS = 20
"""Tags that a member may carry."""

MOST_RULES = 50
"""Rules that a project may have."""


PersonTag = Annotated[
    str, Field(max_length=60), AfterValidator(without_comma), AfterValidator(spelled)
]
"""What tells some members from others, such as `radiologist`. Two are the same when `names.key_of` both is."""

PersonTags = Annotated[list[PersonTag], Field(max_length=MOST_TAGS), AfterValidator(different)]


class Assignment(Model):
    """Images that only members with a `tag` are given: those of a `folder` and all below it, those for which
    a class was suggested last, or a `share` of all images. One of the three.

    Shares add up: the second rule of a share begins where the first ended.
    """

    tag: PersonTag
    folder: Annotated[str, Field(min_length=1, max_length=1_024)] | None = None
    class_id: Id | None = None
    share: Annotated[float, Field(gt=0, le=1)] | None = None

    @model_validator(mode="after")
    def _one_of_three(self) -> Assignment:
        if sum(one is not None for one in (self.folder, self.class_id, self.share)) != 1:
            raise ValueError("say by folder, by class_id or by share which images are meant")
        return self


def _add_up(rules: list[Assignment]) -> list[Assignment]:
    if sum(rule.share or 0 for rule in rules) > 1 + 1e-9:
        raise ValueError("the shares of all rules together are more than 1")
    return rules


Assignments = Annotated[list[Assignment], Field(max_length=MOST_RULES), AfterValidator(_add_up)]
"""Rules of which the first that fits an image counts."""


class Image(Protocol):
    """What decides by whom an image is labeled."""

    @property
    def item_id(self) -> str: ...
    @property
    def path(self) -> str: ...
    @property
    def likely(self) -> str: ...


@dataclass(frozen=True)
class _Rule:
    audience: str
    folder: str
    classes: frozenset[str]
    first: float
    last: float

    def fits(self, image: Image) -> bool:
        if self.folder:
            return unicodedata.normalize("NFC", image.path).startswith(self.folder)
        if self.classes:
            return not self.classes.isdisjoint(image.likely.split(","))
        drawn = sha256(b"assignment" + image.item_id.encode()).digest()[:6]
        return self.first <= int.from_bytes(drawn, "big") / 2**48 < self.last


class Audiences:
    """Whom each image of a project waits for: its audience, which is a tag's `key_of`, or "" for everybody."""

    def __init__(self, rules: Sequence[_Rule] = ()) -> None:
        self._rules = rules

    @classmethod
    def by(
        cls,
        rules: Sequence[Assignment],
        *,
        folders: Mapping[str, str] = {},
        merged: Mapping[str, str] = {},
    ) -> Audiences:
        """Those that some rules make.

        Args:
            rules: of which the first that fits counts.
            folders: by folder as it was typed, what paths in it begin with.
            merged: by class that became another, which.
        """
        made: list[_Rule] = []
        drawn = 0.0
        for rule in rules:
            share = rule.share or 0.0
            class_id = rule.class_id and merged.get(rule.class_id, rule.class_id)
            made.append(
                _Rule(
                    audience=key_of(rule.tag),
                    folder=unicodedata.normalize("NFC", folders[rule.folder])
                    if rule.folder
                    else "",
                    classes=frozenset(
                        name
                        for name in (class_id, *merged)
                        if name and merged.get(name, name) == class_id
                    ),
                    first=drawn,
                    last=drawn + share,
                )
            )
            drawn += share
        return cls(made)

    def __bool__(self) -> bool:
        return bool(self._rules)

    @property
    def by_class(self) -> bool:
        """Whether what is suggested for an image matters."""
        return any(rule.classes for rule in self._rules)

    def of(self, image: Image) -> str:
        """Whom an image waits for."""
        return next((rule.audience for rule in self._rules if rule.fits(image)), "")

    def joined_by(self, tags: Sequence[str]) -> tuple[str, ...]:
        """The audiences that somebody with these tags is in, in the order they are given images of."""
        mine = {key_of(tag) for tag in tags}
        named = dict.fromkeys(rule.audience for rule in self._rules if rule.audience in mine)
        return (*named, "")


EVERYBODY = Audiences()
"""Where there are no rules."""
