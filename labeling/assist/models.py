"""A trained model as it is kept: one ONNX file, and a manifest that says what it is and what it may do.

Both lie in the container `models` under the run that trained it (`layout.model_blob`), with a card for people
and the snapshot of labels it was made from.
"""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256
from typing import Annotated, Literal

from pydantic import Field, ValidationError

from labeling import layout
from labeling.assist.jobs import JobClass
from labeling.errors import NotFound
from labeling.model import Fraction, Id, Model, UtcTime
from labeling.storage import Storage

MODEL, MANIFEST, CARD, SNAPSHOT = "model.onnx", "manifest.json", "card.md", "snapshot.jsonl.gz"
"""Names of a model's files."""

FINDER, REFINER = "finder.onnx", "refiner.onnx"
"""Of a model of boxes too; its `MODEL` classifies crops."""

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
then its `MAPS`. A refiner takes `MAPS` and `BOXES` and gives `REFINED` and `FITS`."""

MAPS = ("map4", "map8", "map16", "map32")
REFINED = "refined"


class Band(Model):
    """Scores of a class of which nothing is known for sure: from `low` on up to `high`.

    Below `low` the class is absent, from `high` on present; null: it can never be said.
    """

    low: Fraction | None
    high: Fraction | None


class Scorer(Model):
    """A logistic regression on features of a box, in their order: how likely it is that the box is right."""

    mean: list[float]
    scale: list[float]
    weight: list[float]
    bias: float


class Detection(Model):
    """What a model of boxes has besides: images are fitted into a square of `frame` pixels.

    A box counts as right from an `overlap` (intersection over union) with a person's box of its class on.
    """

    frame: int
    overlap: Fraction
    scorer: Scorer
    finder_sha256: str
    refiner_sha256: str


class ModelManifest(Model):
    """What a model is and what it may do.

    `classes` in the order of the scores. Several classes exclude each other (multiclass): an image is
    suggested its best class where that scores `threshold` or more; null: never. Otherwise (multilabel) one
    band a class. Of boxes each is suggested that scores `threshold` or more. `precision` and `confidence` are
    what was asked for, `metrics` what was measured.
    """

    manifest_version: Literal[1] = 1
    model_id: Id
    project_id: Id
    task_type: Literal["multiclass", "multilabel", "boxes"]
    classes: Annotated[list[JobClass], Field(min_length=1)]
    side: int
    features: int
    threshold: Fraction | None = None
    bands: list[Band] = []
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
        return self.threshold is not None or any(one.high is not None for one in self.bands)


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
    if manifest.task_type == "multilabel" and len(manifest.bands) != len(manifest.classes):
        raise UnfitModel("the model's manifest has no band for each class; train again")
    if (manifest.task_type == "boxes") != (manifest.detection is not None):
        raise UnfitModel("the model's manifest is of another kind of project; train again")
    return manifest, data


def load_detection(storage: Storage, manifest: ModelManifest) -> tuple[bytes, bytes]:
    """The ONNX files of the finder and the refiner of a model of boxes.

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


def suggested(manifest: ModelManifest, scores: Sequence[float]) -> list[tuple[str, float]] | None:
    """What a model suggests for an image: classes with their confidence; None where it is not sure.

    Args:
        manifest: of the model.
        scores: one a class, in [0, 1].

    Returns:
        For several labels an empty list where no class is there for sure: nothing to show.
    """
    pairs = [
        (one.class_id, float(score)) for one, score in zip(manifest.classes, scores, strict=True)
    ]
    if manifest.task_type == "multiclass":
        best = max(pairs, key=lambda pair: pair[1])
        sure = manifest.threshold is not None and best[1] >= manifest.threshold
        return [best] if sure else None
    found: list[tuple[str, float]] = []
    for (class_id, score), band in zip(pairs, manifest.bands, strict=True):
        if band.high is not None and score >= band.high:
            found.append((class_id, score))
        elif band.low is None or score >= band.low:
            return None
    return found
