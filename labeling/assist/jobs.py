"""What is asked of the jobs that run beside the app, and what they answer: these models are the messages."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, TypeAdapter

from labeling.annotations.shapes import TaskType
from labeling.model import Id, Model
from labeling.projects.assist import DEFAULT_BACKBONE, FineTune

PAGE_SIZES = (4, 6, 9)
"""Images of a page that a labeler may choose; a group is an ordered list that each of them takes from."""


class JobClass(Model):
    """A class at the moment of asking."""

    class_id: Id
    name: str


class TrainSpec(Model):
    """Train a model on the human labels there are, and find the confidence from which on it may suggest.

    `precision` is to hold among what it suggests, with `confidence`: the share of such promises that are
    kept. A shape is right that a person's of its class overlaps by `overlap` (intersection over union); where
    `strict`, `precision` is the share of images that are right in all their shapes, among those that have any
    suggested.
    `retrain` counts the trainings before this one: after k of them one spends
    `(1 - confidence) / ((k + 1) (k + 2))` of the error budget, so that all together stay within it.
    `fine_tune`: whether the network is tuned too; `auto`: on a GPU, from a thousand labels on.
    """

    kind: Literal["training"] = "training"
    project_id: Id
    run_id: Id
    validation_run_id: Id
    task_type: TaskType
    classes: Annotated[list[JobClass], Field(max_length=2_000)]
    backbone: str = DEFAULT_BACKBONE
    precision: Annotated[float, Field(gt=0.5, lt=1)] = 0.95
    confidence: Annotated[float, Field(gt=0.5, lt=1)] = 0.90
    overlap: Annotated[float, Field(ge=0.5, lt=1)] = 0.5
    strict: bool = False
    retrain: Annotated[int, Field(ge=0)] = 0
    fine_tune: FineTune = "auto"
    seed: int = 0


class FeaturizeSpec(Model):
    """Find out which images look alike: by a model of the project, or by the backbone before there is one.

    `sample`: groups are made within samples of so many images that chance draws, one sample after the other;
    0: among all images at once.
    """

    kind: Literal["featurization"] = "featurization"
    project_id: Id
    run_id: Id
    backbone: str = DEFAULT_BACKBONE
    model_id: Id | None = None
    sample: Annotated[int, Field(ge=0)] = 0
    page_sizes: tuple[int, ...] = PAGE_SIZES


class EncodeSpec(Model):
    """Prepare images for the tool that outlines what is clicked at, by the model in a `folder` of `models`."""

    kind: Literal["encoding"] = "encoding"
    project_id: Id
    run_id: Id
    folder: str


JobSpec = TrainSpec | FeaturizeSpec | EncodeSpec

_SPEC: TypeAdapter[JobSpec] = TypeAdapter(Annotated[JobSpec, Field(discriminator="kind")])


def job_spec(text: str) -> JobSpec:
    """The spec of a message of `layout.GPU_JOBS_QUEUE`. Raises pydantic's ValidationError for anything else.

    >>> job_spec('{"kind": "featurization", "project_id": "p1", "run_id": "run-1"}').kind
    'featurization'
    """
    return _SPEC.validate_json(text)


class RunFinished(Model):
    """A run is over, well or not: look at its record. Message of `layout.RUN_FINISHED_QUEUE`."""

    project_id: Id
    run_id: Id


class Group(Model):
    """Items that look alike, the most typical first; one line of a `layout.groups_blob`.

    All of one shard, for a page is, and of one `sample` (`layout.sample`) of `size` items. `rank` orders its
    groups by chance: labels of the tightest alone would be no sample to prove anything with. `duplicates` are
    those that show the same as an earlier one of the list.
    """

    sample: Annotated[str, Field(pattern="^[0-9a-f]{4}$")] = "0000"
    size: Annotated[int, Field(ge=0)] = 0
    rank: Annotated[int, Field(ge=0)]
    items: list[str]
    duplicates: list[str] = []
