"""From the alpha of a cut-out to the polygon around it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import distance_transform_edt
from skimage.measure import approximate_polygon, find_contours, points_in_poly

from labeling.annotations.geometry import fault_of
from labeling.annotations.shapes import Polygon

Ring = tuple[tuple[float, float], ...]
Pixels = NDArray[np.uint8]
Points = NDArray[np.float64]

EDGE = 127.5
"""The alpha at which a thing begins."""

MOST_POINTS = 200
"""Of a ring, unless its parts would run into each other then."""

_FIRST_TOLERANCE_PX = 0.5
_MIN_AREA_PX = 9.0  # smaller rings are noise of the alpha channel


@dataclass(frozen=True)
class Part:
    """A connected region: its border, and the borders of the holes in it. Rings are not closed."""

    outer: Ring
    holes: tuple[Ring, ...] = ()


def outline(alpha: Pixels, offset: tuple[int, int], size: tuple[int, int]) -> tuple[Part, ...]:
    """The polygon around what is opaque, in fractions of the image it was pasted on.

    It follows the alpha within half a pixel, or as near as `MOST_POINTS` a ring come.

    Args:
        alpha: (height, width) of the cut-out, 0..255.
        offset: x and y of its top left corner on the image, in pixels.
        size: width and height of the image, in pixels.
    """
    # The border of zeros closes rings that touch it. Row and column become x and y, and the
    # middle of a pixel, which is where find_contours has its corners, lies half a pixel further.
    rings = [ring[:, ::-1] - 0.5 for ring in find_contours(np.pad(alpha, 1), EDGE)]
    areas = [_signed_area(ring) for ring in rings]
    # find_contours turns one way around what is opaque and the other way around what is not.
    outers = [ring for ring, area in zip(rings, areas, strict=True) if area > _MIN_AREA_PX]
    holes = [ring for ring, area in zip(rings, areas, strict=True) if area < -_MIN_AREA_PX]

    held = [_holder(hole, outers) for hole in holes]

    def parts(most: int) -> tuple[Part, ...]:
        def fractions(ring: Points) -> Ring:
            scaled = np.clip((_simplified(ring, most) + offset) / size, 0, 1)
            return tuple((float(x), float(y)) for x, y in scaled)

        return tuple(
            Part(
                fractions(outer),
                tuple(
                    fractions(hole) for hole, at in zip(holes, held, strict=True) if at == number
                ),
            )
            for number, outer in enumerate(outers)
        )

    # Rings are simplified each on its own: where two run close to each other they may then cross.
    tried = (parts(most) for most in (MOST_POINTS, 2 * MOST_POINTS, 4 * MOST_POINTS))
    return next((some for some in tried if _is_sound(some, size)), parts(16 * MOST_POINTS))


def _is_sound(parts: Sequence[Part], size: tuple[int, int]) -> bool:
    said = [{"outer": part.outer, "holes": part.holes} for part in parts]
    return fault_of(Polygon.model_validate({"parts": said}), *size) is None


def bounds(
    alpha: Pixels, offset: tuple[int, int], size: tuple[int, int]
) -> tuple[float, float, float, float]:
    """x0, y0, x1, y1 around the opaque pixels, in fractions of the image. See `outline`."""
    opaque = alpha > EDGE
    columns, rows = np.flatnonzero(opaque.any(axis=0)), np.flatnonzero(opaque.any(axis=1))
    return (
        (offset[0] + int(columns[0])) / size[0],
        (offset[1] + int(rows[0])) / size[1],
        (offset[0] + int(columns[-1]) + 1) / size[0],
        (offset[1] + int(rows[-1]) + 1) / size[1],
    )


def deepest(alpha: Pixels) -> tuple[int, int, float]:
    """x and y of the opaque pixel farthest from any edge, and that distance, all in pixels."""
    depth: Points = np.asarray(distance_transform_edt(np.pad(alpha > EDGE, 1)))[1:-1, 1:-1]
    row, column = np.unravel_index(int(depth.argmax()), depth.shape)
    return int(column), int(row), float(depth[row, column])


def _signed_area(ring: Points) -> float:
    """In square pixels; the sign tells the direction."""
    x, y = ring[:, 0], ring[:, 1]
    return float(np.dot(x[:-1], y[1:]) - np.dot(x[1:], y[:-1])) / 2


def _simplified(ring: Points, most: int) -> Points:
    tolerance = _FIRST_TOLERANCE_PX
    while len(simple := approximate_polygon(ring, tolerance)[:-1]) > most:
        tolerance *= 1.4
    return simple


def _holder(hole: Points, outers: Sequence[Points]) -> int:
    """The smallest region around the hole."""
    around = [n for n, outer in enumerate(outers) if points_in_poly(hole[:1], outer)[0]]
    return min(around, key=lambda n: abs(_signed_area(outers[n])), default=-1)
