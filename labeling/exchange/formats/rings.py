"""Outlines with holes, or of several parts, as one ring: for formats that know nothing else."""

from __future__ import annotations

from collections.abc import Sequence

from labeling.annotations.shapes import Part, Point


def with_seams(part: Part) -> list[Point]:
    """One ring around a part and its holes: to each hole and back along the same line, a seam without area.

    Holes run the other way round than the outline, so that whoever fills the ring leaves them out, by the
    even-odd rule as by the winding number; its area by the shoelace formula is that of the part.
    """
    if not part.holes:
        return list(part.outer)
    return _joined([_clockwise(part.outer), *(_clockwise(hole)[::-1] for hole in part.holes)])


def as_one(parts: Sequence[Part]) -> list[Point]:
    """One ring around several parts, with seams between them too."""
    if len(parts) == 1:
        return with_seams(parts[0])
    return _joined([_clockwise(with_seams(part)) for part in parts])


def _joined(rings: Sequence[list[Point]]) -> list[Point]:
    """The first ring, and from its start around each other one and back."""
    first, *others = rings
    start = first[0]
    return [*first, *(point for ring in others for point in (start, *ring, ring[0]))]


def _clockwise(ring: Sequence[Point]) -> list[Point]:
    """The ring, running clockwise on the screen."""
    doubled = sum(
        x0 * y1 - x1 * y0 for (x0, y0), (x1, y1) in zip(ring, (*ring[1:], ring[0]), strict=True)
    )
    return list(ring) if doubled > 0 else list(reversed(ring))
