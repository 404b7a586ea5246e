from __future__ import annotations

import struct
from io import BytesIO
from typing import Any

import numpy as np
import pytest
import tifffile
from numpy.typing import NDArray
from PIL import Image, ImageCms

from labeling.media import decoding
from labeling.media import tiff as tiff_module
from labeling.media.frames import Undecodable, upright
from labeling.media.tiff import decode, places, read_header

SHADES = np.arange(48 * 40, dtype=np.uint16).reshape(48, 40)
COLOURS = np.random.default_rng(7).integers(0, 256, (48, 40, 3), np.uint8)
COMPRESSIONS = [None, "lzw", "zlib", "packbits", "zstd", "lzma"]


def tiff(pixels: NDArray[Any], **how: Any) -> BytesIO:
    file = BytesIO()
    tifffile.imwrite(file, pixels, **how)
    return file


def by_pillow(image: Image.Image, **how: Any) -> BytesIO:
    file = BytesIO()
    image.save(file, "TIFF", **how)
    return file


def refusal(file: BytesIO, frame: int = 0) -> str:
    with pytest.raises(Undecodable) as caught:
        decode(file, frame)
    return str(caught.value)


@pytest.mark.parametrize("compression", COMPRESSIONS)
@pytest.mark.parametrize("planar", ["contig", "separate"])
@pytest.mark.parametrize("tile", [None, (16, 16)])
@pytest.mark.parametrize("bigtiff", [False, True])
def test_colours_of_8_bits_come_through_however_they_are_stored(
    compression: str | None, planar: str, tile: tuple[int, int] | None, bigtiff: bool
) -> None:
    pixels = COLOURS if planar == "contig" else np.moveaxis(COLOURS, -1, 0)
    file = tiff(
        pixels,
        photometric="rgb",
        planarconfig=planar,
        compression=compression,
        tile=tile,
        bigtiff=bigtiff,
    )

    assert (read_header(file).width, read_header(file).height) == (40, 48)
    assert np.array_equal(decode(file, 0).shown, COLOURS)


@pytest.mark.parametrize("compression", [None, "zlib"])
def test_colours_of_16_bits_in_planes_are_scaled(compression: str | None) -> None:
    """Pillow 13.0 shows noise for the uncompressed ones, without an error."""
    pixels = np.moveaxis(COLOURS.astype(np.uint16) * 257, -1, 0)
    file = tiff(pixels, photometric="rgb", planarconfig="separate", compression=compression)

    assert np.array_equal(decode(file, 0).shown, COLOURS)


@pytest.mark.parametrize("dtype", ["uint16", "int16", "uint32", "int32", "float32", "float64"])
@pytest.mark.parametrize("compression", [None, "lzw"])
def test_grey_of_any_type_is_windowed_to_what_is_in_it(dtype: str, compression: str | None) -> None:
    """Pillow 13.0 clips 16-bit grey at 255, wraps uint32 to negative and refuses float64."""
    pixels = (SHADES * 3).astype(dtype)

    found = decode(tiff(pixels, compression=compression), 0)

    assert found.values is not None
    assert found.grey is not None
    assert found.values.itemsize == 2
    assert (found.shown.min(), found.shown.max()) == (0, 255)
    real = found.values * found.grey.slope + found.grey.intercept
    assert np.abs(real - pixels).max() <= found.grey.slope / 2


def test_what_is_no_number_does_not_spoil_the_others() -> None:
    pixels = SHADES.astype(np.float32)
    pixels[0, 0], pixels[0, 1] = np.nan, np.inf

    found = decode(tiff(pixels), 0)

    assert found.grey is not None
    assert found.grey.windows[0].width == pytest.approx(1917)


@pytest.mark.parametrize("dtype", ["uint8", "uint16"])
def test_white_is_zero_is_inverted_once_at_every_depth(dtype: str) -> None:
    """Pillow 13.0 inverts 8 bits and not 16, tifffile 2026.3.3 neither."""
    pixels = np.array([[0, 100, 255]]).astype(dtype)

    shown = decode(tiff(pixels, photometric="miniswhite"), 0).shown

    assert shown[0, 0] == 255
    assert shown[0, 2] == 0


def test_a_palette_is_shown_in_its_colours() -> None:
    """tifffile 2026.3.3 gives the numbers and drops the colours."""
    palette = np.zeros((3, 256), np.uint16)
    palette[:, 7] = [65535, 32896, 0]
    pixels = np.full((4, 5), 7, np.uint8)

    found = decode(tiff(pixels, photometric="palette", colormap=palette), 0)

    assert found.shown[0, 0].tolist() == [255, 128, 0]


def test_cmyk_is_shown_in_rgb() -> None:
    pixels = np.zeros((4, 5, 4), np.uint8)
    pixels[..., 0] = 255

    found = decode(tiff(pixels, photometric="separated"), 0)

    assert found.shown[0, 0].tolist() == [0, 255, 255]


def test_a_profile_is_converted_to_srgb() -> None:
    lab = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")).tobytes()
    image = Image.new("LAB", (5, 4), (128, 128, 128))
    file = by_pillow(image, icc_profile=lab)

    shown = decode(file, 0).shown

    assert shown.shape == (4, 5, 3)
    assert np.ptp(shown[0, 0].astype(int)) < 6


def test_alpha_stays() -> None:
    pixels = np.dstack([COLOURS, np.full((48, 40), 9, np.uint8)])

    found = decode(tiff(pixels, photometric="rgb", extrasamples=["unassalpha"]), 0)

    assert found.shown.shape == (48, 40, 4)
    assert set(found.shown[..., 3].flatten().tolist()) == {9}


@pytest.mark.parametrize("compression", ["raw", "group3", "group4", "tiff_lzw"])
def test_pages_of_one_bit_are_shown_in_black_and_white(compression: str) -> None:
    image = Image.new("1", (40, 48))
    image.paste(1, (0, 0, 20, 48))

    found = decode(by_pillow(image, compression=compression), 0)

    assert np.array_equal(found.shown, np.asarray(image.convert("L")))


def test_a_jpeg_inside_is_decoded() -> None:
    image = Image.new("RGB", (64, 48), (200, 30, 30))

    found = decode(by_pillow(image, compression="jpeg", quality=95), 0)

    assert np.abs(found.shown.astype(int) - [200, 30, 30]).max() <= 3


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("dtype", ["uint8", "uint16"])
def test_pages_are_upright(orientation: int, dtype: str) -> None:
    """Pillow 13.0 scrambles uncompressed grey of orientations 5 to 8 opened by path; tifffile never turns."""
    pixels = np.arange(12).reshape(3, 4).astype(dtype) * 10
    file = tiff(pixels, extratags=[(274, "H", 1, orientation, True)])

    header = read_header(file)
    found = decode(file, 0)

    expected = upright(pixels, orientation)
    assert (header.width, header.height) == expected.shape[::-1]
    assert header.orientation == orientation
    assert np.array_equal(found.shown if found.values is None else found.values, expected)


def test_every_page_is_a_frame_also_one_written_later_or_of_another_size() -> None:
    """tifffile 2026.3.3's imread gives the first series only."""
    file = BytesIO()
    with tifffile.TiffWriter(file) as writer:
        writer.write(np.zeros((3, 30, 20), np.uint8), photometric="minisblack")
        writer.write(np.full((7, 9), 50, np.uint8), photometric="minisblack")

    header = read_header(file)

    assert header.frames == 4
    assert header.sizes == ((20, 30), (20, 30), (20, 30), (9, 7))
    assert decode(file, 3).shown.tolist() == np.full((7, 9), 50).tolist()
    assert refusal(file, 4) == "there is no page 5: it has 4"


def test_reduced_copies_and_masks_are_no_frames() -> None:
    file = BytesIO()
    with tifffile.TiffWriter(file) as writer:
        writer.write(np.zeros((30, 20), np.uint8), photometric="minisblack")
        writer.write(np.zeros((15, 10), np.uint8), photometric="minisblack", subfiletype=1)

    assert read_header(file).frames == 1


@pytest.mark.parametrize(
    ("pixels", "how", "said"),
    [
        (np.zeros((5, 6, 5), np.uint8), {"photometric": "minisblack"}, "5 channels"),
        (np.zeros((5, 6), np.complex64), {}, "complex"),
        (
            np.zeros((4, 16, 16), np.uint8),
            {"volumetric": True, "tile": (16, 16, 16), "photometric": "minisblack"},
            "volume",
        ),
    ],
)
def test_a_layout_that_is_not_shown_is_a_reason(
    pixels: NDArray[Any], how: dict[str, Any], said: str
) -> None:
    if said == "5 channels":
        how = {**how, "planarconfig": "contig"}

    assert said in refusal(tiff(pixels, **how))


def test_pages_that_lead_to_each_other_come_to_an_end() -> None:
    whole = bytearray(tiff(np.zeros((3, 3), np.uint8), metadata=None).getvalue())
    (first,) = struct.unpack_from("<I", whole, 4)
    (entries,) = struct.unpack_from("<H", whole, first)
    struct.pack_into("<I", whole, first + 2 + 12 * entries, first)

    assert read_header(BytesIO(whole)).frames == 1


@pytest.mark.parametrize("data", [b"", b"II*\0", b"II*\0\x08\0\0\0", b"not a TIFF file at all" * 9])
def test_what_is_no_tiff_is_refused(data: bytes) -> None:
    with pytest.raises(Undecodable):
        read_header(BytesIO(data))


@pytest.mark.parametrize("compression", [None, "zlib", "lzw"])
def test_a_page_that_is_cut_off_is_refused(compression: str | None) -> None:
    whole = tiff(COLOURS, photometric="rgb", compression=compression).getvalue()

    assert refusal(BytesIO(whole[:-1000])) == "the page is cut off or damaged"


def scrolled(pages: int) -> BytesIO:
    """A file whose pages were written one by one, the second half smaller."""
    file = BytesIO()
    with tifffile.TiffWriter(file) as writer:
        for number in range(pages):
            side = 16 if number < pages // 2 else 8
            writer.write(np.full((side, side), number, np.uint8), contiguous=False)
    return file


def test_a_page_whose_place_is_known_is_decoded_like_one_that_is_looked_for() -> None:
    file = scrolled(9)
    known = places(file)

    assert len(known) == 9
    for number in range(9):
        found = decode(file, number, known).shown
        assert np.array_equal(found, decode(file, number).shown)
        assert found[0, 0] == number


def test_the_list_of_pages_is_read_once_while_somebody_scrolls(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    looked: list[int] = []

    def counted(file: Any) -> list[int]:
        looked.append(1)
        return places(file)

    monkeypatch.setattr(tiff_module, "places", counted)
    file = scrolled(12)

    for number in (*range(1, 12), 3, 2):
        decoding.frame(file, media="tiff", number=number, sides=(), version="scrolled")
    assert len(looked) == 1
    decoding.damage(file, media="tiff", frames=12, seconds=60)
    assert len(looked) == 2, "once for all frames that are looked through"


def test_the_first_page_needs_no_list(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tiff_module, "places", None)

    decoding.frame(scrolled(3), media="tiff", number=0, sides=(), version="first")


def test_values_of_a_frame_are_packed_as_the_same_bytes_at_any_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    packed: list[list[bytes]] = []
    for now in (1e9, 2e9):
        monkeypatch.setattr("time.time", lambda now=now: now)
        packed.append(decoding.frame(tiff(SHADES), media="tiff", number=0, sides=())[1])

    assert packed[0] == packed[1]


def test_a_tag_that_does_not_say_one_thing_is_unknown() -> None:
    whole = tiff(SHADES).getvalue()
    one_kind = struct.pack("<HHLL", 262, 3, 1, 1)
    assert one_kind in whole

    damaged = whole.replace(one_kind, struct.pack("<HHLL", 262, 3, 0, 1))

    assert refusal(BytesIO(damaged)) == "colours of kind unknown can't be shown"
