"""What a shape must be to be kept: seen on its image, and of rings that add up.

An area is the sum of what outlines enclose less what holes enclose. It equals what is covered, and what a
mask of it holds, only where no ring crosses itself or another, holes lie within their part and parts
apart. So the rule compares areas: what touches or overlaps by less than a pixel's share is let pass.
The editor has the same rule (`static_web/src/annotate/sound.ts`); `tests/cases/geometry.json` tests both.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import shapely

from labeling.annotations.shapes import Box, Point, Polygon, Tag, ring_area
from labeling.errors import Fault

LEAST_PX = 0.99
"""A side of one pixel of the image, less what fractions cost."""

SLACK_PX = 0.5
"""Pixels by which areas may differ: below what a mask shows."""

_NOT_MEASURED = 256
"""A side to reckon with while the image's own is not known: small, to refuse nothing that may be kept."""

_LOOKED_AT = 64
"""Edges of an outline that are tried for crossings before these are cut out: knots take too long to undo."""


def fault_of(geometry: Tag | Box | Polygon, width: int, height: int) -> Fault | None:
    """Why a shape can't be kept, with a pointer into the geometry, or None.

    Args:
        geometry: of an annotation.
        width: of the upright image in pixels; 0 while not measured.
        height: of the upright image in pixels; 0 while not measured.
    """
    if isinstance(geometry, Tag):
        return None
    size = np.array([width or _NOT_MEASURED, height or _NOT_MEASURED], dtype=float)
    if isinstance(geometry, Box):
        sides = np.array([geometry.x1 - geometry.x0, geometry.y1 - geometry.y0]) * size
        if width and sides.min() < LEAST_PX:
            return Fault(
                "", "too-small", "a box must be at least one pixel of the image wide and high"
            )
        return None
    return _fault_of_polygon(geometry, size, measured=bool(width))


def is_seen(geometry: Tag | Box | Polygon, width: int, height: int) -> bool:
    """Whether a shape has a pixel of its image, as `fault_of` wants it: one that was drawn on a larger image,
    before that was overwritten, may have none.

    >>> is_seen(Box(x0=0.5, y0=0.5, x1=0.51, y1=0.51), 400, 300)
    True
    >>> is_seen(Box(x0=0.5, y0=0.5, x1=0.51, y1=0.51), 4, 3)
    False
    """
    if isinstance(geometry, Tag):
        return True
    if isinstance(geometry, Box):
        sides = (geometry.x1 - geometry.x0) * width, (geometry.y1 - geometry.y0) * height
        return min(sides) >= LEAST_PX
    size = np.array([width, height], dtype=float)
    return any(
        _sides(part.outer, size).min() >= LEAST_PX
        and ring_area(part.outer) * width * height >= LEAST_PX
        for part in geometry.parts
    )


def adds_up(polygon: Polygon, width: int, height: int) -> bool:
    """Whether the area of a polygon's rings is what the polygon covers."""
    fault = _fault_of_polygon(polygon, np.array([width, height], dtype=float), measured=False)
    return fault is None


def _fault_of_polygon(polygon: Polygon, size: Any, *, measured: bool) -> Fault | None:
    parts: list[Any] = []
    for number, part in enumerate(polygon.parts):
        at = f"/parts/{number}"
        outer = _covered(part.outer, size)
        if outer is None:
            return Fault(
                f"{at}/outer", "crosses-itself", "this outline crosses itself or runs twice"
            )
        if measured and (_sides(part.outer, size).min() < LEAST_PX or outer.area < LEAST_PX):
            detail = "a part must be at least one pixel of the image wide and high"
            return Fault(at, "too-small", detail)
        holes: list[Any] = []
        for index, ring in enumerate(part.holes):
            hole = _covered(ring, size)
            if hole is None:
                return Fault(
                    f"{at}/holes/{index}",
                    "crosses-itself",
                    "the edge of this hole crosses itself or runs twice",
                )
            if shapely.difference(hole, outer).area > SLACK_PX:
                detail = "this hole lies outside of its part, or sticks out"
                return Fault(f"{at}/holes/{index}", "hole-outside", detail)
            holes.append(hole)
        second = _overlapping(holes)
        if second is not None:
            detail = "this hole overlaps another of the same part"
            return Fault(f"{at}/holes/{second}", "holes-overlap", detail)
        parts.append(shapely.difference(outer, shapely.union_all(holes)) if holes else outer)
    second = _overlapping(parts)
    if second is not None:
        return Fault(f"/parts/{second}", "parts-overlap", "this part overlaps another of the shape")
    return None


def _pixels(ring: Sequence[Point], size: Any) -> Any:
    """The points of a ring, (points, 2), in pixels."""
    return np.asarray(ring, dtype=float) * size


def _sides(ring: Sequence[Point], size: Any) -> Any:
    return np.ptp(_pixels(ring, size), axis=0)


def _covered(ring: Sequence[Point], size: Any) -> Any | None:
    """What a ring covers, as shapely has it; None where that is not what it encloses."""
    points = _pixels(ring, size)
    outline = shapely.polygons(points)
    if shapely.is_valid(outline):
        return outline
    if _knotted(points):
        return None
    # Cuts out what is covered twice, as a mask made of the ring does (shapely 2.2.0).
    mended = shapely.make_valid(outline)
    return mended if abs(_enclosed(points) - mended.area) <= SLACK_PX else None


def _enclosed(points: Any) -> float:
    """The area by the shoelace formula."""
    following = np.roll(points, -1, axis=0)
    doubled = points[:, 0] * following[:, 1] - points[:, 1] * following[:, 0]
    return abs(float(doubled.sum())) / 2


def _knotted(points: Any) -> bool:
    """Whether edges cross so often that undoing it would take minutes: more than once each, by a sample."""
    edges: Any = shapely.linestrings(np.stack([points, np.roll(points, -1, axis=0)], axis=1))
    sample = edges[:: max(1, len(edges) // _LOOKED_AT)]
    crossing = shapely.STRtree(edges).query(sample, predicate="crosses")
    return crossing.shape[1] > len(sample)


def _overlapping(shapes: Sequence[Any]) -> int | None:
    """The index of a shape that covers what one before it covers, or None."""
    if len(shapes) < 2:
        return None
    first, second = shapely.STRtree(shapes).query(shapes, predicate="intersects")
    pairs = first < second
    if not pairs.any():
        return None
    all_shapes = np.asarray(shapes, dtype=object)
    shared = shapely.area(shapely.intersection(all_shapes[first[pairs]], all_shapes[second[pairs]]))
    over = np.flatnonzero(shared > SLACK_PX)
    return int(second[pairs][over].min()) if len(over) else None
