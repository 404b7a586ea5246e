"""Whatever an image file has in it, it ends decoded or refused with a reason, and its neighbour is served."""

from __future__ import annotations

import struct
import time
from collections import Counter
from collections.abc import Callable, Iterator
from io import BytesIO
from typing import Any, Final

import numpy as np
import pytest
import tifffile
from PIL import Image
from pydicom.encaps import encapsulate
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ImplicitVRLittleEndian,
    RLELossless,
)

from labeling.media.frames import Undecodable
from labeling.media.guard import START_S, TIME_S, Guard
from labeling.media.header import MAX_PIXELS, MAX_SIDE, measure
from tests.fuzz.mutations import budget, mutated, told
from tests.labeling.media.test_dicom import dicom
from tests.world import photo

GREY: Final = np.arange(48 * 40, dtype=np.uint16).reshape(48, 40)
COLOURS: Final = np.random.default_rng(7).integers(0, 256, (48, 40, 3), np.uint8)
STACK: Final = np.stack([GREY, GREY[::-1], GREY // 2])


def picture(kind: str, pixels: Any = COLOURS, **how: Any) -> bytes:
    file = BytesIO()
    Image.fromarray(pixels).save(file, kind, **how)
    return file.getvalue()


def tiff(pixels: Any, **how: Any) -> bytes:
    file = BytesIO()
    tifffile.imwrite(file, pixels, **how)
    return file.getvalue()


def exif(orientation: int) -> Image.Exif:
    made = Image.Exif()
    made[0x112] = orientation
    return made


def files(media: str) -> list[bytes]:
    """Good files of a medium, of several kinds."""
    match media:
        case "jpeg":
            turned = picture("jpeg", exif=exif(6))
            return [photo(kind="jpeg"), turned, picture("jpeg", progressive=True)]
        case "png":
            return [
                *(picture("png", one) for one in (COLOURS, GREY, COLOURS[..., 0] > 127)),
                picture("png", exif=exif(3)),
            ]
        case "bmp":
            return [picture("bmp"), picture("bmp", COLOURS[..., 0])]
        case "tiff":
            return [
                *(tiff(GREY, compression=one) for one in ("lzw", "zlib", "packbits", "zstd")),
                tiff(COLOURS, photometric="rgb", tile=(16, 16), compression="lzma"),
                tiff(COLOURS, photometric="rgb", bigtiff=True, byteorder=">"),
                tiff(STACK, photometric="minisblack"),
                picture("tiff", compression="jpeg"),
            ]
        case _:
            made = [
                dicom(GREY, WindowCenter=900, WindowWidth=300, RescaleSlope=2),
                dicom(STACK),
                dicom(COLOURS),
                dicom(GREY, syntax=ImplicitVRLittleEndian),
                dicom(GREY, syntax=ExplicitVRBigEndian),
                dicom(GREY, syntax=DeflatedExplicitVRLittleEndian),
                dicom(GREY, syntax=RLELossless, data=encapsulate([run_lengths()])),
            ]
            return [io.getvalue() for io in made]


def run_lengths() -> bytes:
    """GREY as DICOM packs it: a header of two planes, and each of them as literal runs."""
    planes = [(GREY >> 8).astype(np.uint8).tobytes(), (GREY & 255).astype(np.uint8).tobytes()]
    packed = [
        b"".join(b"\x77" + plane[at : at + 120] for at in range(0, 1920, 120)) for plane in planes
    ]
    offsets = [2, 64, 64 + len(packed[0]), *[0] * 13]
    return struct.pack("<16L", *offsets) + b"".join(packed)


def ranges(data: bytes) -> Callable[[int, int], bytes]:
    return lambda start, length: data[start : start + length]


def count(media: str, *, in_child: bool) -> int:
    """How many files: fewer where a process is asked about each."""
    return budget(60 if in_child or media in ("tiff", "dicom") else 300)


@pytest.fixture(scope="module")
def guard() -> Iterator[Guard]:
    made = Guard()
    yield made
    made.close()


MEDIA: Final = ("jpeg", "png", "bmp", "tiff", "dicom")
NEIGHBOUR: Final = 20
"""So many files lie between two looks at a good one."""


@pytest.mark.parametrize("media", MEDIA)
def test_of_any_file_the_size_is_measured_or_a_reason_given(media: str) -> None:
    ends: Counter[str] = Counter()
    for data in mutated(files(media), count(media, in_child=False), f"size/{media}"):
        began = time.process_time()

        found = measure(ranges(data), len(data), media, "etag")

        assert time.process_time() - began < 5, "the host itself was kept busy"
        if found.problem:
            assert found.problem.isprintable()
            assert len(found.problem) < 300
        else:
            assert min(found.width, found.height) >= 1
            assert max(found.width, found.height) <= MAX_SIDE
            assert found.width * found.height <= MAX_PIXELS
            assert found.frames >= 1
        ends[found.problem or "measured"] += 1
    told(f"size of {media}", ends)
    assert 0 < ends["measured"] < ends.total()


@pytest.mark.parametrize("media", MEDIA)
def test_any_file_is_decoded_or_refused_with_a_reason_and_its_neighbour_served(
    media: str, guard: Guard
) -> None:
    good = files(media)
    expected = decoded(guard, media, good[0])
    ends: Counter[str] = Counter()
    for number, data in enumerate(mutated(good, count(media, in_child=True), f"pixels/{media}")):
        began = time.monotonic()
        try:
            decoded(guard, media, data)
            end = "decoded"
        except Undecodable as why:
            end = str(why)
        ends[end] += 1
        assert end.isprintable()
        assert 0 < len(end) < 300

        # Each of its calls has so long, and a child that was killed before has to start.
        assert time.monotonic() - began < 3 * (TIME_S + START_S)
        if number % NEIGHBOUR == 0:
            assert decoded(guard, media, good[0]) == expected
    told(f"pixels of {media}", ends)
    assert 0 < ends["decoded"] < ends.total()
    assert decoded(guard, media, good[0]) == expected


def decoded(guard: Guard, media: str, data: bytes) -> list[bytes]:
    """What is made of an image when it is shown, and what is looked at besides.

    Raises:
        Undecodable: nothing, with the reason.
    """
    read, size = ranges(data), len(data)
    if media not in ("tiff", "dicom"):
        return guard.call("smaller", read, size, sides=[32])[1]
    found, _ = guard.call("header", read, size, media=media)
    frames = min(found["frames"], 100)
    _, pictures = guard.call("frame", read, size, media=media, number=frames - 1, sides=[32])
    guard.call("damage", read, size, media=media, frames=frames, seconds=1.0)
    return pictures
