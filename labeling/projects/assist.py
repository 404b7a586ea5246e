"""What an admin chooses of assist: whether models help to label a project, when, and how sure they must be."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from labeling import layout
from labeling.model import Model

DEFAULT_BACKBONE = "efficientnet-lite0"
BLIND_SHARE = 0.05

LabelsNeeded = Annotated[int, Field(ge=20, le=500_000)]
Likelihood = Annotated[float, Field(ge=0.6, le=0.999)]
Share = Annotated[float, Field(ge=0, le=0.5)]
Overlap = Annotated[float, Field(ge=0.5, le=0.95)]
Hours = Annotated[float, Field(ge=0, le=744)]
FineTune = Literal["auto", "always", "never"]
Backbone = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._/@-]{0,255}$")]


class AssistSettings(Model):
    """Assist of a project.

    `similar_first`: images that look alike come on one page, before the first label already. A model is
    trained when `first_labels` images are labeled, and again after each `next_labels` more. It suggests only
    from a confidence on at which, with probability `confidence`, `precision` of what it suggests is right.
    `blind_share` of the images get no suggestions, always the same ones, so that what suggestions do can be
    measured; null: 5 % while assist is on, else none. Training and grouping begin only while those of this
    month (UTC) have taken less than `hours_a_month` in all; null: no limit.
    A shape is right that a person's of its class overlaps by `overlap` (intersection over union). `strict`: of
    the images in which shapes are suggested, `precision` have no wrong one; else that share of shapes is right.
    `fine_tune`: whether the network is tuned on the labels of whole images, and kept where that makes it
    better; `auto`: on a GPU, from a thousand labels on.
    `dicom`: whether models look at DICOM images too, through the file's first window; else they are left out of
    all of this.
    `clicks`: images are prepared for a tool that outlines what is clicked at, where the deployment has a
    model for it.
    """

    on: bool = False
    similar_first: bool = True
    first_labels: LabelsNeeded = 300
    next_labels: LabelsNeeded = 300
    precision: Likelihood = 0.95
    confidence: Likelihood = 0.90
    overlap: Overlap = 0.5
    strict: bool = False
    backbone: Backbone = DEFAULT_BACKBONE
    fine_tune: FineTune = "auto"
    blind_share: Share | None = None
    hours_a_month: Hours | None = None
    clicks: bool = False
    dicom: bool = False

    @property
    def blind(self) -> float:
        """The share of images that get no suggestions."""
        if self.blind_share is None:
            return BLIND_SHARE if self.on else 0.0
        return self.blind_share

    def is_blind(self, item_id: str) -> bool:
        """Whether an image is one of those that get none, so that their effect can be measured."""
        return layout.drawn("blind", item_id, self.blind)

    def looks_at(self, media: str) -> bool:
        """Whether models look at images of this kind (`patterns.media_of`)."""
        return self.dicom or media != "dicom"

    def needed(self, trainings: int) -> int:
        """How many new labels the next training waits for, after so many trainings."""
        return self.next_labels if trainings else self.first_labels


class AssistChange(Model):
    """What can be changed of assist; what is left out stays.

    null stands for that too, but takes `blind_share` and `hours_a_month` away.
    """

    on: bool | None = None
    similar_first: bool | None = None
    first_labels: LabelsNeeded | None = None
    next_labels: LabelsNeeded | None = None
    precision: Likelihood | None = None
    confidence: Likelihood | None = None
    overlap: Overlap | None = None
    strict: bool | None = None
    backbone: Backbone | None = None
    fine_tune: FineTune | None = None
    blind_share: Share | None = None
    hours_a_month: Hours | None = None
    clicks: bool | None = None
    dicom: bool | None = None

    def applied(self, old: AssistSettings) -> AssistSettings:
        """The settings with what is named here changed."""
        named = self.model_dump(exclude_unset=True)
        optional = {"blind_share", "hours_a_month"}
        return old.model_copy(
            update={
                name: setting
                for name, setting in named.items()
                if setting is not None or name in optional
            }
        )
