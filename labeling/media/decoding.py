"""What the child process can be asked for, by name (`CALLS`)."""

from __future__ import annotations

import gzip
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict
from functools import partial
from importlib import import_module
from typing import Any, BinaryIO, Final

from PIL import Image

from labeling.media.frames import Frame, Header, Undecodable
from labeling.media.pixels import copies, shrink

MAX_SIDE_SHOWN: Final = 16_383
"""Pixels of the longest side of a frame as shown: WebP has no more."""

Answer = tuple[dict[str, Any], list[bytes]]


def _module(media: str) -> Any:
    """What reads a medium. Imported when it is first needed: pydicom takes a second."""
    return import_module(f"labeling.media.{media}")


def header(file: BinaryIO, *, media: str) -> Answer:
    """The size and frames of a TIFF or DICOM file."""
    found: Header = _module(media).read_header(file)
    return asdict(found), []


def smaller(file: BinaryIO, *, sides: Sequence[int]) -> Answer:
    """Copies of a JPEG, PNG or BMP file, WebP, in the order of `sides`."""
    made = shrink(file.read(), sides)
    return {}, [made[side] for side in sides]


def frame(
    file: BinaryIO, *, media: str, number: int, sides: Sequence[int], version: str = ""
) -> Answer:
    """A frame as shown, its stored values (gzip; empty where there are none), and smaller copies of it.

    `version` names the file's content, so that what was learned of it is remembered for its next frame.
    """
    found: Frame = _decoder(file, media, number, version)(number)
    image = Image.fromarray(found.shown)
    whole = max(image.size)
    wanted = (min(whole, MAX_SIDE_SHOWN), *sides)
    made = copies(image, wanted)
    values = b""
    if found.values is not None:
        little = found.values.astype(found.values.dtype.newbyteorder("<"), copy=False)
        values = gzip.compress(little.tobytes(), 1, mtime=0)  # the same bytes at any time
    facts = {
        "width": image.width,
        "height": image.height,
        "grey": found.grey.model_dump() if found.grey else None,
        "notes": list(found.notes),
    }
    return facts, [made[wanted[0]], values, *(made[side] for side in sides)]


def damage(file: BinaryIO, *, media: str, frames: int, seconds: float) -> Answer:
    """Which frame but the first can't be decoded, and why: the last, else the first such one.

    The last frame is looked at first, since files are cut off more often than they are damaged within. Then the
    others in order, until the time is up.
    """
    until = time.monotonic() + seconds
    decode = None
    for number in (frames - 1, *range(1, frames - 1)):
        try:
            decode = decode or _decoder(file, media, number)
            decode(number)
        except Undecodable as why:
            return {"frame": number, "why": str(why)}, []
        if time.monotonic() > until:
            break
    return {"frame": None, "why": ""}, []


_REMEMBERED: Final = 32
"""Files of which this process knows where their pages are: those that people scroll through now."""

_places: dict[str, list[int]] = {}


def _decoder(file: BinaryIO, media: str, number: int, version: str = "") -> Callable[[int], Frame]:
    """What decodes frames of a file. Pages of a TIFF are found once, not anew for each of them."""
    module = _module(media)
    if media != "tiff" or (version and not number):  # the first page is found at once
        return partial(module.decode, file)
    known = _places.pop(version, None) or module.places(file)
    if version:
        _places[version] = known  # the last that was used is the last to be forgotten
        if len(_places) > _REMEMBERED:
            del _places[next(iter(_places))]
    return partial(module.decode, file, known=known)


CALLS: Final = {"header": header, "smaller": smaller, "frame": frame, "damage": damage}
