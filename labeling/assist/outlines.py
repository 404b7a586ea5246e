"""From a mask to an outline: where between its samples the mask is as likely as not, with its holes.

The one way for training and suggesting alike. Contours come from contourpy, everything after that from shapely.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import shapely
from contourpy import FillType, contour_generator

from labeling.annotations.areas import pieces

if TYPE_CHECKING:
    from numpy.typing import NDArray

TOLERANCE = 1.0
"""Pixels of the frame by which an outline may be off to have fewer points: about two of a photo on a screen."""

_OF_SIDE = 1 / 40  # the same, of a small thing's longer side
_LEAST_PART = 0.1  # of the largest part; smaller ones are specks
_LEAST_HOLE = 0.005  # of the part, and
_LEAST_HOLE_PX = 6.0  # square pixels; smaller ones are noise
_LIKELY = 0.5


def outline(
    mask: NDArray[np.floating], window: NDArray[np.floating], size: tuple[int, int]
) -> Any | None:
    """The area that a mask covers, as a valid polygon of shapely in pixels of the frame; None: nothing.

    Args:
        mask: (h, w) how likely each sample is inside, in [0, 1].
        window: (4,) x0, y0, x1, y1 that the mask divides into h x w equal rectangles, sampled in the middle.
        size: width and height of the image in its frame: nothing lies beyond.
    """
    height, width = mask.shape
    x0, y0, x1, y1 = map(float, window)
    step_x, step_y = (x1 - x0) / width, (y1 - y0) / height
    # Zeros around close what the window cuts off, half a step beyond its border.
    contours = contour_generator(
        x=x0 + (np.arange(-1, width + 1) + 0.5) * step_x,
        y=y0 + (np.arange(-1, height + 1) + 0.5) * step_y,
        z=np.pad(np.asarray(mask, np.float64), 1),
        fill_type=FillType.OuterOffset,
    )
    found = [
        shapely.Polygon(rings[0], rings[1:])
        for points, offsets in zip(*contours.filled(_LIKELY, 2.0), strict=True)
        for rings in [np.split(points, offsets[1:-1])]
    ]
    if not found:
        return None
    largest = max(polygon.area for polygon in found)
    parts = [_without_specks(polygon) for polygon in found if polygon.area >= _LEAST_PART * largest]
    whole = shapely.make_valid(shapely.union_all(np.array(parts)), method="structure")
    seen = list(pieces(shapely.intersection(whole, shapely.box(0, 0, *size))))
    if not seen:
        return None
    area = shapely.MultiPolygon(seen)
    left, top, right, bottom = area.bounds
    tolerance = min(TOLERANCE, _OF_SIDE * max(right - left, bottom - top))
    simple = list(pieces(shapely.simplify(area, tolerance, preserve_topology=True)))
    return shapely.MultiPolygon(simple) if simple else None


def _without_specks(part: Any) -> Any:
    least = max(_LEAST_HOLE_PX, _LEAST_HOLE * part.area)
    holes = [interior for interior in part.interiors if shapely.Polygon(interior).area >= least]
    return shapely.Polygon(part.exterior, holes)
