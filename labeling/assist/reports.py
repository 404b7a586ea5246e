"""What was found out about a model when it was trained, for whoever asks whether it can be trusted."""

from __future__ import annotations

from labeling import layout
from labeling.assist.models import CARD, MANIFEST, ModelManifest
from labeling.errors import NotFound
from labeling.model import Model
from labeling.storage import Storage

REPORT = "report.json"
"""Name of a model's file with what its manifest has no place for."""

MOST_CONFUSED = 30
"""Classes of a confusion matrix: those that people chose most."""


class CurvePoint(Model):
    """What suggesting from a confidence of `threshold` on would have done to the images that judged.

    `wrong` of the `suggested` were; the share of wrong ones in all is below `wrong_at_most` with the
    confidence asked for.
    """

    threshold: float
    suggested: int
    wrong: int
    precision: float
    coverage: float
    wrong_at_most: float


class Confusion(Model):
    """How often people chose one class and the model another, of images it had not seen.

    `counts[i][j]`: people said `class_ids[i]`, the model `class_ids[j]`. Classes people chose most come first,
    and no more than 30 of them.
    """

    class_ids: list[str]
    counts: list[list[int]]


class Findings(Model):
    """The file `REPORT` of a model."""

    curve: list[CurvePoint] = []
    confusion: Confusion | None = None


class ModelReport(Findings):
    """A model: what it may do, how that was found out, and its card (Markdown).

    `strict`: the curve and what is promised are of images, each right in all its shapes.
    """

    model_id: str
    strict: bool
    threshold: float | None
    precision: float
    confidence: float
    card: str


def report_of(storage: Storage, project_id: str, model_id: str) -> ModelReport:
    """What is known of a model.

    Raises:
        NotFound: there is no such model, or its training has not ended.
    """

    def read(name: str) -> bytes:
        return storage.blobs.read(layout.MODELS, layout.model_blob(project_id, model_id, name))

    try:
        manifest = ModelManifest.model_validate_json(read(MANIFEST))
        card = read(CARD).decode()
    except NotFound:
        raise NotFound("there is no such model; runs that are done name theirs") from None
    try:
        findings = Findings.model_validate_json(read(REPORT))
    except NotFound:  # trained by an older version
        findings = Findings()
    return ModelReport(
        model_id=model_id,
        strict=manifest.detection is not None and manifest.detection.strict,
        threshold=manifest.threshold,
        precision=manifest.precision,
        confidence=manifest.confidence,
        card=card,
        **findings.model_dump(),
    )
