"""Polygons as areas that can be measured, and back: what two shapes share, whatever they are drawn by.

An area is a polygon of shapely, of one part or several, in fractions of the image. What two of them share of
what either covers (intersection over union) is the same in pixels, since a side stretches both alike.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import shapely

from labeling.annotations.shapes import Part, Point, Polygon

if TYPE_CHECKING:
    from numpy.typing import NDArray

_DIGITS = 6  # of a coordinate: a hundredth of a pixel of an image of 10,000


def area_of(polygon: Polygon) -> Any:
    """What a polygon covers: kept outlines may run over themselves by less than a pixel."""
    parts = [shapely.Polygon(part.outer, part.holes) for part in polygon.parts]
    return shapely.union_all(shapely.make_valid(np.array(parts), method="structure"))


def polygon_of(area: Any) -> Polygon:
    """The polygon around an area that covers something, its points rounded."""
    return Polygon(
        parts=[
            Part(outer=_ring(piece.exterior), holes=[_ring(hole) for hole in piece.interiors])
            for piece in pieces(area)
        ]
    )


def pieces(area: Any) -> Iterator[Any]:
    """The connected pieces of an area; lines and points, which cutting leaves behind, are none."""
    for part in shapely.get_parts(area):
        if part.geom_type == "Polygon":
            yield part
        elif part.geom_type != "Point" and part.geom_type != "LineString":
            yield from pieces(part)


def shared(some: Sequence[Any], others: Sequence[Any]) -> NDArray[np.float32]:
    """(n, m) intersection over union of areas.

    >>> half = shapely.box(0, 0, 1, 0.5)
    >>> shared([half], [shapely.box(0, 0, 1, 1), half, shapely.box(0, 0.5, 1, 1)]).tolist()
    [[0.5, 1.0, 0.0]]
    """
    n, m = len(some), len(others)
    if not n or not m:
        return np.zeros((n, m), np.float32)
    a, b = _column(some)[:, None], _column(others)[None]
    both = shapely.area(shapely.intersection(a, b))
    either = shapely.area(a) + shapely.area(b) - both
    return np.round(both / np.maximum(either, 1e-12), 6).astype(np.float32)


def _column(areas: Sequence[Any]) -> NDArray[Any]:
    column = np.empty(len(areas), object)
    column[:] = list(areas)
    return column


def _ring(ring: Any) -> list[Point]:
    """Its points, none twice: shapely closes a ring with its first."""
    points = np.clip(shapely.get_coordinates(ring)[:-1], 0, 1).round(_DIGITS)
    return [(float(x), float(y)) for x, y in points]
