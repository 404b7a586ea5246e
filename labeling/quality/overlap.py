"""How many people label an image, and when what they say is one answer."""

from __future__ import annotations

from hashlib import sha256
from typing import Annotated, Literal

from pydantic import Field, model_validator

from labeling.model import Model

MOST_LABELERS = 5
"""People who may label one image."""


class Overlap(Model):
    """How many people label an image of a project, and what makes their answers one.

    A `share` of the images is labeled by `labelers` people, the others by one. Where these disagree, one more
    is asked at a time, until `most` have labeled the image. Something is agreed on that more than `quorum` of
    those who labeled an image say, or all of them; shapes are of the same thing from an intersection over
    union of `iou` on. `shape` is what their answer looks like: the `median` of theirs, or the `best`, whose
    author agrees most with the others.
    """

    labelers: Annotated[int, Field(ge=1, le=MOST_LABELERS)] = 1
    share: Annotated[float, Field(gt=0, le=1)] = 1.0
    most: Annotated[int, Field(ge=1, le=MOST_LABELERS)] = 1
    quorum: Annotated[float, Field(ge=0.5, le=1)] = 0.5
    iou: Annotated[float, Field(ge=0.5, lt=1)] = 0.5
    shape: Literal["median", "best"] = "median"

    @model_validator(mode="before")
    @classmethod
    def _at_least_as_many(cls, sent: object) -> object:
        # Said to be fewer than those who are asked anyway, it means: no more of them.
        if isinstance(sent, dict):
            fields: dict[str, object] = sent
            labelers, most = fields.get("labelers", 1), fields.get("most", 1)
            if isinstance(labelers, int) and isinstance(most, int) and most < labelers:
                return {**fields, "most": labelers}
        return sent

    def places(self, item_id: str) -> int:
        """People who are to label an item. Decided by the item alone: a smaller share is part of a larger.

        >>> Overlap(labelers=3).places("abc"), Overlap(labelers=3, share=1e-9).places("abc")
        (3, 1)
        """
        drawn = int.from_bytes(sha256(b"overlap" + item_id.encode()).digest()[:6], "big")
        return self.labelers if drawn < self.share * 2**48 else 1

    def carries(self, votes: int, people: int) -> bool:
        """Whether so many of the people who labeled an image decide."""
        return votes == people or votes > self.quorum * people
