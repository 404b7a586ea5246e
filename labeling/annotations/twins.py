"""Annotations that say the very same: one of them is one too many, and no eye can tell.

The editor has the same rule (`static_web/src/annotate/twins.ts`); `tests/cases/twins.json` tests both.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence

from labeling.annotations.acceptance import PrelabelAnnotation
from labeling.annotations.shapes import Annotation, Box, Point, Polygon

_PLACES = 9
"""Decimals of the image's side that are compared."""

_STARTS = 8
"""Points that a ring is tried from, where it comes to its leftmost one several times."""


def twin_of(annotations: Sequence[Annotation | PrelabelAnnotation]) -> int | None:
    """The index of the first that `twins_of` finds; or None."""
    return next(twins_of(annotations), None)


def twins_of(annotations: Sequence[Annotation | PrelabelAnnotation]) -> Iterator[int]:
    """The index of each box or polygon of the same class and frame as one before it, and of its outline.

    An outline is the same wherever it begins and whichever way it runs.
    """
    seen: set[Hashable] = set()
    for index, annotation in enumerate(annotations):
        match annotation.geometry:
            case Box(x0=x0, y0=y0, x1=x1, y1=y1):
                outline: Hashable = tuple(round(value, _PLACES) for value in (x0, y0, x1, y1))
            case Polygon(parts=parts):
                outline = frozenset(
                    (_ring(part.outer), frozenset(_ring(hole) for hole in part.holes))
                    for part in parts
                )
            case _:
                continue
        key = (annotation.class_id, annotation.frame, outline)
        if key in seen:
            yield index
        seen.add(key)


def _ring(points: Sequence[Point]) -> tuple[Point, ...]:
    """A ring from its leftmost point on, in the direction that is smaller."""
    ring = [(round(x, _PLACES), round(y, _PLACES)) for x, y in points]
    first = min(ring)
    ways = (ring, ring[::-1])
    return min(
        tuple(way[at:] + way[:at])
        for way in ways
        for at in [at for at, point in enumerate(way) if point == first][:_STARTS]
    )
