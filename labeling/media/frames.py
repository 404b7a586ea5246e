"""One frame of an image as decoded: what is shown of it, and what its values mean.

A frame is a page of a TIFF or a frame of a DICOM file; other files have one. Frames are upright, 8 bits a
channel, in sRGB. One channel with more to it than a screen shows comes with its stored values as well, so
that the page can move the window over them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import NDArray

from labeling.model import Model

Pixels = NDArray[Any]

MAX_DECODED = 100_000_000
"""Pixels held in memory at once: 300 MB as RGB."""

MAX_FRAMES = 10_000

SHADES: Final = 65_535
"""The highest value that two bytes hold."""


class Undecodable(Exception):
    """No pixels can be had of this image. The message says why in words made here: what a library says
    of a DICOM file may quote a patient's name."""


@dataclass(frozen=True)
class Header:
    """What a file says of itself before any pixel is decoded.

    `width` and `height` are those of the first frame, upright. `sizes` has (width, height) of every frame,
    and is empty where all are like the first.
    """

    width: int
    height: int
    frames: int = 1
    orientation: int = 1
    sizes: tuple[tuple[int, int], ...] = ()


def packed_sizes(sizes: Sequence[tuple[int, int]]) -> str:
    """Sizes of frames as text, equal neighbours together.

    >>> packed_sizes([(20, 30), (20, 30), (9, 7)])
    '20x30*2,9x7*1'
    """
    return ",".join(
        f"{width}x{height}*{sum(1 for _ in run)}" for (width, height), run in groupby(sizes)
    )


def size_of(packed: str, frame: int) -> tuple[int, int] | None:
    """The size of a frame in packed sizes; None where they don't say.

    >>> size_of("20x30*2,9x7*1", 2)
    (9, 7)
    """
    for run in packed.split(",") if packed else ():
        size, _, count = run.partition("*")
        if frame < int(count):
            width, _, height = size.partition("x")
            return int(width), int(height)
        frame -= int(count)
    return None


class Window(Model):
    """Which values are spread from black to white: `width` of them around `center`, in the image's unit.

    Source of the three functions: DICOM PS3.3, C.11.2.1.2 and C.11.2.1.3.
    """

    center: float
    width: float
    function: Literal["linear", "linear_exact", "sigmoid"] = "linear_exact"


class Grey(Model):
    """How the stored values of one channel become light.

    A stored value times `slope` plus `intercept` is in `unit` (empty where nobody says). `low` and `high` are
    the stored values there are, padding left out. `windows` has at least one; the preview shows the first.
    `inverted`: the lowest value is white. `padding` is a range of stored values that stand for no image.
    """

    type: Literal["uint8", "uint16", "int16"]
    low: int
    high: int
    slope: float = 1.0
    intercept: float = 0.0
    unit: str = ""
    windows: list[Window]
    inverted: bool = False
    padding: tuple[int, int] | None = None


@dataclass(frozen=True)
class Frame:
    """A decoded frame.

    `shown` is (height, width), (height, width, 3) or, with alpha, (height, width, 4) of uint8. `values` is
    (height, width) of what `grey.type` says; both are None where there is no more to see. `notes` are codes of
    what was found odd and put right: `window_ignored`, `rescale_ignored`, `values_rounded`, `high_bit_ignored`,
    `more_frames`.
    """

    shown: Pixels
    values: Pixels | None = None
    grey: Grey | None = None
    notes: tuple[str, ...] = field(default=())


def upright(pixels: Pixels, orientation: int) -> Pixels:
    """The pixels turned and mirrored as an EXIF or TIFF orientation (1 to 8) says.

    >>> upright(np.array([[1, 2], [3, 4]]), 6).tolist()
    [[3, 1], [4, 2]]
    """
    if orientation in (5, 6, 7, 8):
        pixels = pixels.swapaxes(0, 1)
    if orientation in (3, 4, 7, 8):
        pixels = pixels[::-1]
    if orientation in (2, 3, 6, 7):
        pixels = pixels[:, ::-1]
    return np.ascontiguousarray(pixels)


def windowed(values: Pixels, window: Window) -> Pixels:
    """Values in their unit as uint8, 0 below the window and 255 above it.

    >>> windowed(np.array([-200.0, 40.0, 300.0]), Window(center=40, width=400)).tolist()
    [0, 128, 255]
    """
    center, width = window.center, window.width
    if window.function == "sigmoid":
        light = 1 / (1 + np.exp(np.clip(-4 * (values - center) / width, -700, 700)))
    elif window.function == "linear" and width > 1:
        light = (values - (center - 0.5)) / (width - 1) + 0.5
    elif window.function == "linear":
        light = (values > center - 0.5).astype(np.float64)
    else:
        light = (values - center) / width + 0.5
    return np.rint(np.clip(light, 0, 1) * 255).astype(np.uint8)


def whole_range(low: float, high: float) -> Window:
    """The window that shows everything from `low` to `high`."""
    return Window(center=(low + high) / 2, width=max(high - low, 1e-12))


def in_two_bytes(values: Pixels) -> tuple[Pixels, float, float, bool]:
    """Whole or fractional numbers as uint8, uint16 or int16.

    Returns:
        The stored values; slope and intercept that lead back; whether something was lost by rounding.
        What is no number becomes the lowest value.

    >>> in_two_bytes(np.array([100_000, 100_200], dtype=np.uint32))[:3]
    (array([  0, 200], dtype=uint16), 1.0, 100000.0)
    """
    if values.dtype == np.bool_:
        values = values.astype(np.uint8)
    if values.dtype == np.int8:
        values = values.astype(np.int16)
    if values.dtype.name in ("uint8", "uint16", "int16"):
        return values, 1.0, 0.0, False
    exact = np.issubdtype(values.dtype, np.integer)
    finite = values if exact else values[np.isfinite(values)]
    low = float(finite.min()) if finite.size else 0.0
    high = float(finite.max()) if finite.size else 0.0
    if exact and high - low <= SHADES:
        return (values - values.min()).astype(np.uint16), 1.0, low, False
    slope = (high - low) / SHADES or 1.0
    scaled = (values.astype(np.float64) - low) / slope
    stored = np.rint(np.nan_to_num(np.clip(scaled, 0, SHADES), nan=0.0)).astype(np.uint16)
    return stored, slope, low, True


def light_of(values: Pixels, grey: Grey) -> Pixels:
    """The stored values as the first window shows them, uint8."""
    info = np.iinfo(values.dtype)
    every = np.arange(info.min, info.max + 1)
    table = windowed(every * grey.slope + grey.intercept, grey.windows[0])
    if grey.inverted:
        table = 255 - table
    if grey.padding:
        low, high = grey.padding
        table[(every >= low) & (every <= high)] = 0
    return table[values.astype(np.int32) - info.min]
