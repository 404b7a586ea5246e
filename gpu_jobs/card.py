"""The model card: what a model is, what it was made from and what was proven of it, for people."""

from __future__ import annotations

from gpu_jobs.threshold import Choice
from labeling.assist.models import ModelManifest

_ROWS = 24  # of the table of thresholds


def card(manifest: ModelManifest, choice: Choice) -> str:
    """The card of a model, as Markdown."""
    strict = manifest.detection is not None and manifest.detection.strict
    of_what = "of the images right in all their shapes" if strict else "right"
    promise = f"{manifest.precision:.0%} {of_what} with {manifest.confidence:.0%} confidence"
    lines = [
        f"# Model {manifest.model_id}",
        "",
        _does(manifest),
        "",
        "Validated on images that people labeled without seeing a suggestion, each scored by a model that "
        "has seen neither it nor its near-duplicates. What is promised holds for images like those: a "
        "random sample of the project. It is no promise for images of another kind that come later.",
        "",
        f"Suggestions: {_suggestions(manifest)} (asked for: {promise}).",
        "",
        "| measured | |",
        "|---|---|",
        *(f"| {name} | {value} |" for name, value in manifest.metrics.items()),
        f"| snapshot | {manifest.snapshot_sha256} |",
        *(f"| {name} | {value} |" for name, value in manifest.versions.items()),
    ]
    counted = "Counted are images: one is wrong where a shape suggested in it is."
    lines += ["", *([counted, ""] if strict else []), *_table(choice)]
    return "\n".join(lines) + "\n"


def _does(manifest: ModelManifest) -> str:
    classes = f"{len(manifest.classes)} classes"
    if manifest.detection:
        frame, overlap = manifest.detection.frame, manifest.detection.overlap
        return (
            f"Draws {manifest.task_type} around things of {classes} in a frame of {frame} x {frame} "
            f"pixels, on {manifest.backbone}. One is right from an overlap of {overlap} with a person's on."
        )
    which = "one of" if manifest.task_type == "multiclass" else "any number of"
    return (
        f"Classifies {manifest.side} x {manifest.side} pixels as {which} {classes}: a linear layer on "
        f"{manifest.backbone}."
    )


def _suggestions(manifest: ModelManifest) -> str:
    if not manifest.suggests:
        return "none"
    return f"from a confidence of {manifest.threshold} on"


def _table(choice: Choice) -> list[str]:
    step = max(1, len(choice.curve) // _ROWS)
    return [
        "| confidence | suggested | wrong | precision | recall | coverage | wrong at most |",
        "|---|---|---|---|---|---|---|",
        *(
            f"| {point.threshold} | {point.suggested} | {point.wrong} | {point.precision:.3f} "
            f"| {point.coverage * point.precision:.3f} | {point.coverage:.3f} | {point.bound:.3f} |"
            for point in choice.curve[::step]
        ),
    ]
