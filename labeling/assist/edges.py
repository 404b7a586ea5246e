"""From a model's outline to the thing's edge in the image: GrabCut (Rother, Kolmogorov, Blake 2004), by OpenCV.

The outline says what is surely inside and what is not; what is near it goes by the colours of either side.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import shapely
from PIL import Image

from labeling.annotations.areas import pieces, shared
from labeling.assist.detection import FRAME
from labeling.assist.outlines import outline

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Pixels = NDArray[np.uint8]

AROUND = 0.25
"""Of a thing's side, on each side: whose colours are those of what it is not."""

SIDE = 256
"""Pixels of the longer side of what is looked at: more take longer and outline no better."""

_DOUBT = 3  # pixels to each side of the outline
_ROUNDS = 3
_SEED = 1  # of the clusters of colours: the same answer to the same question
_SAME_THING = (
    0.5  # of overlap with the outline; less: the colours of both sides are alike, and it ran away
)
_SUBPIXEL = 4  # bits
_NO_BOX = 0, 0, 0, 0  # the start is in the mask


def to_edges(image: Image.Image, area: Any) -> Any:
    """An outline, laid to the edges it is near; as it was, where the image shows none there.

    Args:
        image: RGB.
        area: what a model says that a thing in it covers, in fractions of the image.
    """
    size = np.array(image.size)
    low, high = np.reshape(shapely.bounds(area), (2, 2))
    around = AROUND * (high - low)
    x0, y0 = np.floor(np.clip(low - around, 0, 1) * size).astype(int).tolist()
    x1, y1 = np.ceil(np.clip(high + around, 0, 1) * size).astype(int).tolist()
    seen = image.crop((x0, y0, x1, y1))
    seen.thumbnail((SIDE, SIDE), Image.Resampling.BOX)
    scale = np.array(seen.size) / [x1 - x0, y1 - y0]
    drawn = shapely.transform(area, lambda at: (at * size - [x0, y0]) * scale)
    mask = _cut(np.asarray(seen, np.uint8), drawn)
    if mask is None:
        return area
    in_frame = FRAME / size.max()  # where outlines are as fine as a model's
    width, height = (size * in_frame).round().astype(int).tolist()
    window = np.array([x0, y0, x1, y1]) * in_frame
    found = outline(mask, window, (width, height))
    if found is None:
        return area
    found = shapely.transform(found, lambda at: np.clip(at / (size * in_frame), 0, 1))
    return found if shared([found], [area])[0, 0] >= _SAME_THING else area


def _cut(pixels: Pixels, drawn: Any) -> NDArray[np.float32] | None:
    """(h, w) in [0, 1], soft at its border: what GrabCut makes of an area in pixels of an image."""
    import cv2  # 150 MB on disk, and most processes fit nothing

    inside = np.zeros(pixels.shape[:2], np.uint8)
    for piece in pieces(drawn):
        rings = [shapely.get_coordinates(ring) for ring in (piece.exterior, *piece.interiors)]
        cv2.fillPoly(
            inside,
            [np.round((ring - 0.5) * 2**_SUBPIXEL).astype(np.int32) for ring in rings],
            [1],
            shift=_SUBPIXEL,
        )
    near = np.ones((2 * _DOUBT + 1,) * 2, np.uint8)
    said = np.full(inside.shape, cv2.GC_BGD, np.uint8)
    said[cv2.dilate(inside, near) > 0] = cv2.GC_PR_BGD
    said[inside > 0] = cv2.GC_PR_FGD
    said[cv2.erode(inside, near) > 0] = cv2.GC_FGD
    colours = np.zeros((1, 65)), np.zeros((1, 65))
    cv2.setRNGSeed(_SEED)
    try:
        cv2.grabCut(pixels, said, _NO_BOX, *colours, _ROUNDS, cv2.GC_INIT_WITH_MASK)
    except cv2.error:  # one side is nowhere: the thing is a few pixels, or all there is
        return None
    found = (said == cv2.GC_FGD) | (said == cv2.GC_PR_FGD)
    return cv2.GaussianBlur(found.astype(np.float32), (5, 5), 0)
