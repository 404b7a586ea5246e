"""A trained model as it is kept: one ONNX file, and a manifest that says what it is and what it may do.

Both lie in the container `models` under the run that trained it (`layout.model_blob`), with a card for people
and the snapshot of labels it was made from.
"""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING, Annotated, Literal

import numpy as np
from pydantic import Field, ValidationError

from labeling import layout
from labeling.annotations.shapes import TaskType
from labeling.annotations.task_types import TASK_TYPES
from labeling.assist.jobs import JobClass
from labeling.errors import NotFound
from labeling.model import Fraction, Id, Model, UtcTime
from labeling.storage import Storage

if TYPE_CHECKING:
    from numpy.typing import NDArray

MODEL, MANIFEST, CARD, SNAPSHOT = "model.onnx", "manifest.json", "card.md", "snapshot.jsonl.gz"
"""Names of a model's files."""

FINDER, REFINER = "finder.onnx", "refiner.onnx"
"""Of a model of boxes or polygons too; its `MODEL` classifies crops."""

SCHEMA = 1
"""Version of the manifest and of what the ONNX file takes and gives."""

OPSET, IR = 18, 10
"""Of the ONNX files: what every onnxruntime of the deployment reads."""

INPUT = "images"
"""uint8 (batch, 224, 224, 3), RGB as `preprocess.pixels_for_model` makes them; the graph normalises."""

SCORES, EMBEDDING = "scores", "embedding"
"""float32 (batch, classes), calibrated probabilities; float32 (batch, features)."""


BOXES, PEAKS, FITS = "boxes", "peaks", "fits"
"""What a finder gives of images: float32 (n, candidates, 4) in pixels, and twice (n, candidates) in [0, 1];
then its `MAPS`. A refiner takes `MAPS` and `BOXES` and gives `REFINED` and `FITS`, and where polygons are
drawn float32 (n, boxes, h, w) `MASKS` in [0, 1]."""

MAPS = ("map4", "map8", "map16", "map32")
REFINED, MASKS = "refined", "masks"


class Scorer(Model):
    """A logistic regression on features of a shape, in their order: how likely the shape is right."""

    mean: list[float]
    scale: list[float]
    weight: list[float]
    bias: float


class Detection(Model):
    """What a model of boxes or polygons has besides: images are fitted into a square of `frame` pixels.

    A shape counts as right from an `overlap` (intersection over union) with a person's of its class on.
    `strict`: what is promised is promised of images, each right in all its shapes; else of shapes.
    """

    frame: int
    overlap: Fraction
    strict: bool = False
    scorer: Scorer
    finder_sha256: str
    refiner_sha256: str


class ModelManifest(Model):
    """What a model is and what it may do.

    `classes` in the order of the scores. Each class or shape is suggested on its own that scores `threshold`
    or more; null: never. `precision` and `confidence` are what was asked for, `metrics` what was measured.
    """

    manifest_version: Literal[2] = 2
    model_id: Id
    project_id: Id
    task_type: TaskType
    classes: Annotated[list[JobClass], Field(min_length=1)]
    side: int
    features: int
    threshold: Fraction | None = None
    detection: Detection | None = None
    precision: Fraction
    confidence: Fraction
    metrics: dict[str, float | int | str] = {}
    snapshot_sha256: str
    onnx_sha256: str
    opset: int
    ir: int
    backbone: str
    versions: dict[str, str] = {}
    created_at: UtcTime

    @property
    def suggests(self) -> bool:
        """Whether it may suggest anything at all."""
        return self.threshold is not None


class UnfitModel(Exception):
    """A model that can't be used; the message says why, in words for a person."""


def load(storage: Storage, project_id: str, model_id: str) -> tuple[ModelManifest, bytes]:
    """A model's manifest and its ONNX file.

    Raises:
        UnfitModel: a file is missing, is not what the manifest says, or is of another version or project.
    """
    try:
        text = storage.blobs.read(layout.MODELS, layout.model_blob(project_id, model_id, MANIFEST))
        data = storage.blobs.read(layout.MODELS, layout.model_blob(project_id, model_id, MODEL))
    except NotFound as error:
        raise UnfitModel(f"a file of the model is missing ({error.detail}); train again") from error
    try:
        manifest = ModelManifest.model_validate_json(text)
    except ValidationError as error:
        raise UnfitModel(
            "the model's manifest is of another version of Labelry; train again"
        ) from error
    if (manifest.project_id, manifest.model_id) != (project_id, model_id):
        raise UnfitModel("the model's manifest is that of another model; train again")
    if sha256(data).hexdigest() != manifest.onnx_sha256:
        raise UnfitModel(
            "the model file is damaged: it is not the one that was exported; train again"
        )
    if (TASK_TYPES[manifest.task_type].geometry == "tag") != (manifest.detection is None):
        raise UnfitModel("the model's manifest is of another kind of project; train again")
    return manifest, data


def load_detection(storage: Storage, manifest: ModelManifest) -> tuple[bytes, bytes]:
    """The ONNX files of the finder and the refiner of a model of boxes or polygons.

    Raises:
        UnfitModel: a file is missing or is not what the manifest says.
    """
    assert manifest.detection
    files: list[bytes] = []
    for name, wanted in (
        (FINDER, manifest.detection.finder_sha256),
        (REFINER, manifest.detection.refiner_sha256),
    ):
        place = layout.model_blob(manifest.project_id, manifest.model_id, name)
        try:
            data = storage.blobs.read(layout.MODELS, place)
        except NotFound as error:
            raise UnfitModel(
                f"a file of the model is missing ({error.detail}); train again"
            ) from error
        if sha256(data).hexdigest() != wanted:
            raise UnfitModel(
                "the model file is damaged: it is not the one that was exported; train again"
            )
        files.append(data)
    return files[0], files[1]


def answers(
    scores: NDArray[np.floating], task_type: Literal["multiclass", "multilabel"]
) -> NDArray[np.bool_]:
    """(n, classes) what a model would say of images: the likeliest class, or all likelier there than not.

    Args:
        scores: (n, classes) in [0, 1].
        task_type: one class an image, or any number.

    >>> answers(np.array([[0.9, 0.6], [0.3, 0.1]]), "multilabel").tolist()
    [[True, True], [False, False]]
    """
    if task_type == "multiclass":
        return np.eye(scores.shape[1], dtype=bool)[scores.argmax(1)]
    return scores >= 0.5


def suggested(
    manifest: ModelManifest, scores: NDArray[np.floating]
) -> list[list[tuple[str, float]]]:
    """What a model suggests for images: classes with their confidence; nothing where it is not sure.

    Args:
        manifest: of a model of whole images.
        scores: (n, classes) in [0, 1].
    """
    assert manifest.task_type == "multiclass" or manifest.task_type == "multilabel"
    if manifest.threshold is None:
        return [[] for _ in scores]
    sure = answers(scores, manifest.task_type) & (scores >= manifest.threshold)
    ids = [class_.class_id for class_ in manifest.classes]
    return [
        [(ids[at], float(row[at])) for at in np.flatnonzero(shown)]
        for row, shown in zip(scores, sure, strict=True)
    ]
