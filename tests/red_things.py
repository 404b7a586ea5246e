"""Stand-ins for the networks of a detector: they find what is red in an image."""

from __future__ import annotations

from collections.abc import Sequence
from io import BytesIO

import numpy as np
from PIL import Image

from labeling.assist.detection import FRAME, MOST_CANDIDATES, Looked, Refined, windows
from labeling.assist.preprocess import SIDE

RED, BLUE = (255, 0, 0), (0, 0, 255)
_MASK = 48


def file_of(width: int, height: int, *boxes: tuple[int, int, int, int]) -> bytes:
    """Blue, with red boxes."""
    image = Image.new("RGB", (width, height), BLUE)
    for box in boxes:
        image.paste(RED, box)
    file = BytesIO()
    image.save(file, "PNG")
    return file.getvalue()


class RedThings:
    """Networks that find red things; the first look is off by `off` pixels, the second puts it right.

    With `outlines` the second look gives masks of what is red.
    """

    def __init__(
        self, off: float = 6, value: float | None = None, *, outlines: bool = False
    ) -> None:
        self.outlines = outlines
        self._images = np.zeros((0, FRAME, FRAME, 3), np.uint8)
        self._off = off
        self._value = value
        self._true: list[np.ndarray] = []

    def look(self, pixels: np.ndarray) -> Looked:
        boxes = np.zeros((len(pixels), MOST_CANDIDATES, 4), np.float32)
        peaks = np.zeros((len(pixels), MOST_CANDIDATES), np.float32)
        self._true = []
        self._images = pixels
        for row, image in enumerate(pixels):
            found = things(image)
            self._true.append(found)
            boxes[row, : len(found)] = found + self._off
            peaks[row, : len(found)] = 0.9 if self._value is None else self._value
        return Looked(boxes, peaks, peaks, (np.arange(len(pixels), dtype=np.float32),))

    def refine(self, maps: Sequence[np.ndarray], boxes: np.ndarray) -> Refined:
        better = boxes.copy()
        for row, number in enumerate(maps[0]):
            found = self._true[int(number)]
            for one in range(boxes.shape[1] if len(found) else 0):
                better[row, one] = found[np.abs(found - boxes[row, one]).sum(1).argmin()]
        masks = [self._mask(int(maps[0][0]), one) for one in windows(boxes)[0]]
        return Refined(
            better,
            np.full(boxes.shape[:2], 0.8, np.float32),
            np.array([masks], np.float32) if self.outlines else None,
        )

    def _mask(self, number: int, window: np.ndarray) -> np.ndarray:
        x, y = (
            window[axis] + (np.arange(_MASK) + 0.5) / _MASK * (window[axis + 2] - window[axis])
            for axis in (0, 1)
        )
        columns, rows = (np.clip(at, 0, FRAME - 1).astype(int) for at in (x, y))
        red = self._images[number][np.ix_(rows, columns)][..., 0] > 200
        within = (y >= 0)[:, None] & (y < FRAME)[:, None] & (x >= 0) & (x < FRAME)
        return red & within

    def classify(self, pixels: np.ndarray) -> np.ndarray:
        red = (pixels[:, SIDE // 2, SIDE // 2, 0] > 200).astype(np.float32)
        return np.stack([0.1 + 0 * red, 0.8 * red, 0.9 - 0.8 * red], 1)


def things(image: np.ndarray) -> np.ndarray:
    """Boxes of what is red, seen column by column."""
    columns = np.flatnonzero((image[..., 0] > 200).any(0))
    found = []
    for run in np.split(columns, np.flatnonzero(np.diff(columns) > 1) + 1):
        if len(run):
            rows = np.flatnonzero((image[:, run, 0] > 200).any(1))
            found.append([run[0], rows[0], run[-1] + 1, rows[-1] + 1])
    return np.array(found, np.float32).reshape(-1, 4)
