from __future__ import annotations

import struct
import zlib
from io import BytesIO
from typing import Any

import numpy as np
import pytest
import tifffile
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from labeling.errors import Unavailable
from labeling.media.header import (
    CUT_OFF,
    FIRST_BYTES,
    MAX_BYTES,
    MAX_PIXELS,
    MAX_SIDE,
    Measured,
    measure,
    orientation_of,
)

ETAG = "0x8D"
CUT = "the file ends in the middle of its header"


class Bytes:
    """A blob, and the ranges that were read of it."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.ranges: list[tuple[int, int]] = []

    def __call__(self, start: int, length: int) -> bytes:
        self.ranges.append((start, length))
        return self.data[start : start + length]


def measured(data: bytes, media: str = "jpeg") -> Measured:
    return measure(Bytes(data), len(data), media, ETAG)


def encoded(form: str, size: tuple[int, int] = (40, 30), mode: str = "RGB", **how: Any) -> bytes:
    file = BytesIO()
    Image.new(mode, size).save(file, form, **how)
    return file.getvalue()


def exif(orientation: int) -> Image.Exif:
    made = Image.Exif()
    made[0x0112] = orientation
    return made


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def directory(kind: int, value: int) -> bytes:
    """A TIFF structure of one entry: the orientation, as a value of this TIFF type."""
    return b"MM\x00*" + struct.pack(">IHHHIHH", 8, 1, 0x0112, kind, 1, value, 0)


def png_of(width: int, height: int) -> bytes:
    """A PNG that says it is this large, without the pixels."""
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", b"") + chunk(b"IEND", b"")


def with_segments(jpeg: bytes, *segments: bytes) -> bytes:
    """A JPEG with these APP15 segments before everything else."""
    made = b"".join(
        b"\xff\xef" + struct.pack(">H", len(segment) + 2) + segment for segment in segments
    )
    return jpeg[:2] + made + jpeg[2:]


def header_length(whole: bytes) -> int:
    """Where the pixels begin: of a JPEG and a PNG, the segment or chunk that holds them."""
    if whole.startswith(b"BM"):
        return int.from_bytes(whole[10:14], "little")
    return whole.index(b"IDAT" if whole.startswith(b"\x89PNG") else b"\xff\xda")


WHOLE = {
    "baseline JPEG": encoded("JPEG"),
    "progressive JPEG": encoded("JPEG", progressive=True),
    "grey JPEG": encoded("JPEG", mode="L"),
    "CMYK JPEG": encoded("JPEG", mode="CMYK"),
    "JPEG with EXIF": encoded("JPEG", exif=exif(6)),
    "PNG": encoded("PNG"),
    "transparent PNG": encoded("PNG", mode="RGBA"),
    "palette PNG": encoded("PNG", mode="P"),
    "16-bit PNG": encoded("PNG", mode="I;16"),
    "PNG with EXIF": encoded("PNG", exif=exif(8)),
    "BMP": encoded("BMP"),
    "palette BMP": encoded("BMP", mode="P"),
    "1-bit BMP": encoded("BMP", mode="1"),
}
HEADERS = [data[:900] for data in WHOLE.values()]


@pytest.mark.parametrize("name", [name for name in WHOLE if "EXIF" not in name])
def test_the_size_is_read_of(name: str) -> None:
    assert measured(WHOLE[name]) == Measured(ETAG, 40, 30)


@pytest.mark.parametrize("form", ["JPEG", "PNG"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_the_size_is_that_of_the_upright_image(form: str, orientation: int) -> None:
    upright = (40, 30) if orientation < 5 else (30, 40)

    found = measured(encoded(form, exif=exif(orientation)))

    assert found == Measured(ETAG, *upright, orientation)


def test_a_bmp_stored_from_the_top_down_has_a_positive_height() -> None:
    bmp = bytearray(encoded("BMP"))
    struct.pack_into("<i", bmp, 22, -30)

    assert measured(bytes(bmp)) == Measured(ETAG, 40, 30)


@pytest.mark.parametrize("orientation", [0, 9, 255, 65535])
def test_an_orientation_that_is_none_counts_as_upright(orientation: int) -> None:
    assert measured(encoded("JPEG", exif=exif(orientation))) == Measured(ETAG, 40, 30)


def test_an_orientation_in_xmp_is_ignored_as_browsers_do() -> None:
    xmp = b'<x:xmpmeta xmlns:x="adobe:ns:meta/" tiff:Orientation="6"/>'

    assert measured(encoded("JPEG", xmp=xmp)) == Measured(ETAG, 40, 30)


def test_a_png_without_exif_is_not_decoded_in_search_of_it() -> None:
    whole = encoded("PNG", size=(400, 300))
    pixels = whole.index(b"IDAT") + 4

    found = measured(whole[:pixels] + b"not a zlib stream")
    assert found == Measured(ETAG, 400, 300, damage=CUT_OFF)


def test_text_named_exif_is_not_exif() -> None:
    whole = png_of(40, 30)
    text = chunk(b"tEXt", b"exif\x00a text" + directory(kind=3, value=6))

    assert measured(whole[:33] + text + whole[33:]) == Measured(ETAG, 40, 30)


def test_damaged_exif_does_not_make_an_image_unreadable() -> None:
    whole = bytearray(encoded("JPEG", exif=exif(6)))
    directory = whole.index(b"Exif\x00\x00") + 6 + 8
    whole[directory : directory + 4] = b"\xff" * 4  # 65,535 entries, the first of no known tag

    assert measured(bytes(whole)) == Measured(ETAG, 40, 30)


@pytest.mark.parametrize(("kind", "orientation"), [(1, 1), (3, 6), (4, 1), (8, 1)])
def test_only_a_short_is_an_orientation(kind: int, orientation: int) -> None:
    assert orientation_of(b"Exif\x00\x00" + directory(kind, value=6)) == orientation


@given(st.binary(max_size=64))
def test_any_bytes_of_exif_have_an_orientation(tail: bytes) -> None:
    assert orientation_of(b"Exif\x00\x00II*\x00" + tail) in range(1, 9)


def test_what_the_file_holds_counts_not_what_its_name_promises() -> None:
    for media in ("jpeg", "png", "bmp"):
        assert measured(WHOLE["PNG"], media) == Measured(ETAG, 40, 30)


@pytest.mark.parametrize("media", ["tiff", "dicom"])
def test_a_file_that_is_not_what_its_name_promises_is_a_problem(media: str) -> None:
    found = measured(WHOLE["PNG"], media)

    assert found.width == 0
    assert found.problem.startswith("not a ")


def test_a_tiff_is_measured_with_its_pages_upright_from_its_first_bytes() -> None:
    file = BytesIO()
    with tifffile.TiffWriter(file) as writer:
        for size in ((30, 20), (30, 20), (7, 9)):
            writer.write(
                np.zeros(size, np.uint16), metadata=None, extratags=[(274, "H", 1, 6, True)]
            )
    blob = Bytes(file.getvalue() + bytes(10**7))

    found = measure(blob, len(blob.data), "tiff", ETAG)

    assert found == Measured(ETAG, 30, 20, 6, frames=3, frame_sizes="30x20*2,7x9*1")
    assert blob.ranges == [(0, FIRST_BYTES)]


@pytest.mark.parametrize(("width", "height"), [(30_001, 10), (29_000, 29_000)])
def test_a_tiff_that_claims_too_many_pixels_is_a_problem(width: int, height: int) -> None:
    whole = bytearray()
    file = BytesIO()
    tifffile.imwrite(file, np.zeros((4, 4), np.uint8), metadata=None)
    whole = bytearray(file.getvalue())
    (first,) = struct.unpack_from("<I", whole, 4)
    for entry in range(struct.unpack_from("<H", whole, first)[0]):
        at = first + 2 + 12 * entry
        tag = struct.unpack_from("<H", whole, at)[0]
        if tag in (256, 257):
            struct.pack_into("<HII", whole, at + 2, 4, 1, width if tag == 256 else height)

    assert "pixels are too many" in measured(bytes(whole), "tiff").problem


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        (b"", "the file is empty"),
        (b"hello, world", "not a JPEG, PNG or BMP image"),
        (bytes(100_000), "not a JPEG, PNG or BMP image"),
        (encoded("GIF"), "not a JPEG, PNG or BMP image; it looks like GIF"),
        (encoded("TIFF"), "not a JPEG, PNG or BMP image; it looks like TIFF"),
        (encoded("WEBP"), "not a JPEG, PNG or BMP image; it looks like WebP"),
        (
            b"\x00\x00\x00\x18ftypheic\x00\x00\x00\x00mif1heic",
            "not a JPEG, PNG or BMP image; it looks like HEIC",
        ),
        (bytes(128) + b"DICM", "not a JPEG, PNG or BMP image; it looks like DICOM"),
        (b"\xff", CUT),
        (b"\x89PNG", CUT),
        (b"BM", CUT),
        (
            b"BMW is a car, " + bytes(200),
            "the BMP header is damaged, or of a kind that can't be read",
        ),
        (
            WHOLE["PNG"].replace(b"\x00\x00\x00\x28", b"\x00\x00\x00\x29", 1),
            "the PNG header is damaged, or of a kind that can't be read",
        ),
        (png_of(0, 30), "the PNG header is damaged, or of a kind that can't be read"),
    ],
)
def test_a_file_that_is_no_image_has_a_problem_that_says_why(data: bytes, problem: str) -> None:
    assert measured(data) == Measured(ETAG, problem=problem)


@pytest.mark.parametrize("name", WHOLE)
def test_a_file_cut_in_its_header_is_a_problem(name: str) -> None:
    whole = WHOLE[name]

    for length in range(1, header_length(whole)):
        assert measured(whole[:length]).problem == CUT


def test_a_file_cut_behind_its_header_is_measured_and_said_to_be_cut_off() -> None:
    whole = encoded("JPEG", size=(400, 300))
    pixels = whole.index(b"\xff\xda") + 20

    assert measured(whole[:pixels]) == Measured(ETAG, 400, 300, damage=CUT_OFF)
    assert not measured(whole).damage


def test_a_usual_header_takes_one_range_of_64_kib() -> None:
    blob = Bytes(WHOLE["baseline JPEG"] + bytes(10 * FIRST_BYTES))

    measure(blob, len(blob.data), "jpeg", ETAG)

    assert blob.ranges == [(0, FIRST_BYTES)]


def test_a_small_file_is_not_read_past_its_end() -> None:
    blob = Bytes(WHOLE["PNG"])

    measure(blob, len(blob.data), "png", ETAG)

    assert blob.ranges == [(0, len(blob.data))]


def test_a_long_header_is_read_on_by_growing_ranges() -> None:
    icc = bytes(range(256)) * 1200  # five segments
    blob = Bytes(encoded("JPEG", exif=exif(6), icc_profile=icc) + bytes(2**20))

    found = measure(blob, len(blob.data), "jpeg", ETAG)

    kib = 1024
    assert found == Measured(ETAG, 30, 40, 6)
    assert blob.ranges == [
        (0, 64 * kib),
        (64 * kib, 64 * kib),
        (128 * kib, 128 * kib),
        (256 * kib, 256 * kib),
    ]


def test_a_header_of_more_than_8_mib_is_a_problem_and_not_read_further() -> None:
    blob = Bytes(with_segments(WHOLE["baseline JPEG"], *[bytes(65_000)] * 200))

    found = measure(blob, len(blob.data), "jpeg", ETAG)

    assert found == Measured(ETAG, problem="the header is longer than 8 MiB")
    assert sum(length for _, length in blob.ranges) == MAX_BYTES


def test_a_jpeg_of_nothing_but_padding_is_given_up_early() -> None:
    blob = Bytes(b"\xff\xd8\xff" + b"\xff" * MAX_BYTES)

    found = measure(blob, len(blob.data), "jpeg", ETAG)

    assert found.problem == "the JPEG header is damaged, or of a kind that can't be read"
    assert sum(length for _, length in blob.ranges) < 2**20


def test_a_chunk_that_claims_to_be_longer_than_the_file_is_a_cut_file() -> None:
    whole = png_of(40, 30)
    endless = struct.pack(">I", 2**31 - 1) + b"teSt"

    assert measured(whole[:33] + endless + whole[33:]).problem == CUT


def test_a_blob_that_became_shorter_than_its_listing_says_is_a_cut_file() -> None:
    blob = Bytes(WHOLE["PNG"][:40])

    assert measure(blob, 5_000_000, "png", ETAG).problem == CUT


def test_a_blob_that_became_empty_is_empty() -> None:
    assert measure(Bytes(b""), 5_000_000, "png", ETAG).problem == "the file is empty"


@pytest.mark.parametrize(("width", "height"), [(MAX_SIDE, 1), (1, MAX_SIDE), (25_000, 20_000)])
def test_the_largest_image_has_500_megapixels_and_30_000_a_side(width: int, height: int) -> None:
    assert width * height <= MAX_PIXELS
    assert measured(png_of(width, height)) == Measured(ETAG, width, height)


@pytest.mark.parametrize(
    ("width", "height", "said"),
    [
        (MAX_SIDE + 1, 1, "30,001 x 1 pixels"),
        (1, MAX_SIDE + 1, "1 x 30,001 pixels"),
        (25_000, 20_001, "25,000 x 20,001 pixels"),
    ],
)
def test_a_larger_image_is_a_problem_that_names_the_limit(
    width: int, height: int, said: str
) -> None:
    found = measured(png_of(width, height))

    assert found.problem.startswith(said)
    assert "30,000 a side and 500 megapixels" in found.problem
    assert (found.width, found.height, found.orientation) == (0, 0, 1)


def test_what_reading_raises_is_passed_on_since_the_image_may_be_fine() -> None:
    def read(start: int, length: int) -> bytes:
        if start:
            raise Unavailable("storage did not answer")
        return with_segments(WHOLE["baseline JPEG"], *[bytes(65_000)] * 2)[:length]

    with pytest.raises(Unavailable):
        measure(read, 200_000, "jpeg", ETAG)


@settings(max_examples=400)
@given(
    st.sampled_from(HEADERS),
    st.lists(st.tuples(st.integers(0, 900), st.binary(min_size=1, max_size=4)), max_size=6),
    st.integers(0, 900),
    st.binary(max_size=40),
)
def test_no_bytes_make_it_raise(
    header: bytes, changes: list[tuple[int, bytes]], length: int, tail: bytes
) -> None:
    data = bytearray(header[:length])
    for at, new in changes:
        data[at : at + len(new)] = new
    found = measured(bytes(data) + tail)

    if found.problem:
        assert found == Measured(ETAG, problem=found.problem)
    else:
        assert min(found.width, found.height) >= 1
        assert max(found.width, found.height) <= MAX_SIDE
        assert found.orientation in range(1, 9)


@given(st.sampled_from([b"", b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"BM"]), st.binary())
def test_random_bytes_never_make_it_raise(magic: bytes, data: bytes) -> None:
    assert measured(magic + data).blob_etag == ETAG
