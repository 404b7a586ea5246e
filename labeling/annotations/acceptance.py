"""What a run suggests for an image, and what became of it in a labeler's hands.

Nobody has to be believed: an annotation names the suggestion it was made from, and whether it was kept or
changed is told by comparing the two (ADR-0007).
"""

from __future__ import annotations

import base64
import json
import zlib
from collections import Counter, defaultdict
from collections.abc import Sequence
from itertools import chain
from typing import Annotated

from pydantic import Field, TypeAdapter

from labeling.annotations.attributes import AttributeValues
from labeling.annotations.shapes import Annotation, Box, Geometry, Origin, Polygon, Tag
from labeling.model import Fraction, Id, Model

SAME = 1e-9
"""Coordinates that differ by less, in fractions of the image, are the same: what JSON may cost."""

MAX_COPY = 4 * 1024
"""Characters of a suggestion that rows for handing out carry along; a larger one is read when shown."""


class PrelabelAnnotation(Model):
    """One thing a run suggests. `confidence` as the run gave it, null where it gave none."""

    annotation_id: Id
    class_id: Id
    confidence: Fraction | None = None
    frame: Annotated[int, Field(ge=0)] = 0
    geometry: Geometry = Tag()
    attributes: AttributeValues = {}


class Prelabel(Model):
    """What a run suggests for an image."""

    run_id: Id
    annotations: list[PrelabelAnnotation]


class Acceptance(Model):
    """What became of an image's suggestions, counted by comparing them with what was submitted.

    `accepted` are as they were suggested, `changed` in class, place, shape or attributes, `removed` gone;
    `added` are annotations made from no suggestion.
    """

    run_id: Id
    accepted: int
    changed: int
    removed: int
    added: int


_SUGGESTED = TypeAdapter(list[PrelabelAnnotation])


def encoded(annotations: Sequence[PrelabelAnnotation]) -> bytes:
    """Suggestions as they are kept; empty where there are none."""
    return _SUGGESTED.dump_json(list(annotations)) if annotations else b""


def decoded(data: bytes) -> list[PrelabelAnnotation]:
    """Suggestions that were `encoded`."""
    return _SUGGESTED.validate_json(data) if data else []


def likely_classes(annotations: Sequence[PrelabelAnnotation]) -> str:
    """The classes of suggestions, those of most annotations first, by commas: of many the first 50."""
    counts = Counter(annotation.class_id for annotation in annotations)
    return ",".join(name for name, _ in counts.most_common(50))


def small_copy(data: bytes) -> str:
    """Encoded suggestions as one cell of text, or nothing where that would be too long."""
    text = base64.b64encode(zlib.compress(data)).decode() if data else ""
    return text if len(text) <= MAX_COPY else ""


def of_copy(text: str) -> list[PrelabelAnnotation]:
    """The suggestions of a `small_copy`."""
    return decoded(zlib.decompress(base64.b64decode(text)))


def compare(
    annotations: Sequence[Annotation], prelabel: Prelabel
) -> tuple[list[Annotation], Acceptance]:
    """Annotations with the suggestion each was truly made from, and how many of which kind there are.

    An annotation stands for the suggestion its `origin` names, if there is one of this id and no other
    annotation has a better claim; or for one that it equals. What is said of an unknown one is left out.
    """
    suggested = {annotation.annotation_id: annotation for annotation in prelabel.annotations}
    made: dict[str, int] = {}  # suggestion: the place of the annotation made from it
    for at, annotation in enumerate(annotations):
        source = suggested.get(annotation.origin.prelabel) if annotation.origin else None
        if source is None:
            continue
        first = made.setdefault(source.annotation_id, at)
        if not same(annotations[first], source) and same(annotation, source):
            made[source.annotation_id] = at
    _claim_equal(
        annotations,
        [suggested[annotation_id] for annotation_id in suggested if annotation_id not in made],
        made,
    )
    source_of = {at: suggested[name] for name, at in made.items()}
    credited: list[Annotation] = []
    for at, annotation in enumerate(annotations):
        source = source_of.get(at)
        origin = source and Origin(
            prelabel=source.annotation_id,
            run_id=prelabel.run_id,
            changed=not same(annotation, source),
        )
        credited.append(_from(annotation, origin))
    changed = sum(1 for annotation in credited if annotation.origin and annotation.origin.changed)
    return credited, Acceptance(
        run_id=prelabel.run_id,
        accepted=len(made) - changed,
        changed=changed,
        removed=len(suggested) - len(made),
        added=len(annotations) - len(made),
    )


def _claim_equal(
    annotations: Sequence[Annotation], left: Sequence[PrelabelAnnotation], made: dict[str, int]
) -> None:
    """Give suggestions nobody names to annotations that are just the same, such as a tag set by a key."""
    if not left or len(made) == len(annotations):
        return
    waiting: defaultdict[str, list[str]] = defaultdict(list)
    for annotation in reversed(left):
        waiting[_content(annotation)].append(annotation.annotation_id)
    taken = set(made.values())
    for at, annotation in enumerate(annotations):
        if at not in taken and (names := waiting.get(_content(annotation))):
            made[names.pop()] = at


def _content(annotation: Annotation | PrelabelAnnotation) -> str:
    attributes = json.dumps(annotation.attributes, sort_keys=True) if annotation.attributes else ""
    return f"{annotation.class_id}|{annotation.frame}|{annotation.geometry.model_dump_json()}|{attributes}"


def inherited(
    annotations: Sequence[Annotation], before: Sequence[Annotation] = ()
) -> list[Annotation]:
    """Annotations of somebody who was shown no suggestion, but perhaps annotations made from one.

    Those that were there before are still made from the same one, perhaps changed now; others from none.
    """
    known = {annotation.annotation_id: annotation for annotation in before if annotation.origin}
    kept: list[Annotation] = []
    for annotation in annotations:
        old = known.get(annotation.annotation_id)
        origin = old.origin if old else None
        if old and origin and not origin.changed and not same(annotation, old):
            origin = origin.model_copy(update={"changed": True})
        kept.append(_from(annotation, origin))
    return kept


def _from(annotation: Annotation, origin: Origin | None) -> Annotation:
    return (
        annotation
        if annotation.origin == origin
        else annotation.model_copy(update={"origin": origin})
    )


def same(one: Annotation | PrelabelAnnotation, other: Annotation | PrelabelAnnotation) -> bool:
    """Whether two annotations say the same: class, frame, attributes, and every coordinate within `SAME`."""
    return (
        (one.class_id, one.frame) == (other.class_id, other.frame)
        and one.attributes == other.attributes
        and _near(one.geometry, other.geometry)
    )


def _near(one: Tag | Box | Polygon, other: Tag | Box | Polygon) -> bool:
    if isinstance(one, Box) and isinstance(other, Box):
        pairs = [(one.x0, other.x0), (one.y0, other.y0), (one.x1, other.x1), (one.y1, other.y1)]
        return all(abs(a - b) <= SAME for a, b in pairs)
    if isinstance(one, Polygon) and isinstance(other, Polygon):
        rings, others = _rings(one), _rings(other)
        return [len(ring) for ring in rings] == [len(ring) for ring in others] and all(
            abs(a - b) <= SAME
            for ring, another in zip(rings, others, strict=True)
            for a, b in zip(chain(*ring), chain(*another), strict=True)
        )
    return isinstance(one, Tag) and isinstance(other, Tag)


def _rings(polygon: Polygon) -> list[list[tuple[float, float]]]:
    """Its rings, an empty one between parts, so that a hole is never taken for a part."""
    return [ring for part in polygon.parts for ring in ([], part.outer, *part.holes)]
