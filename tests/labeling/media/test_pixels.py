from __future__ import annotations

import struct
from io import BytesIO
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageCms

from labeling.media import pixels
from labeling.media.pixels import Undecodable, shrink

RED, BLUE = (200, 30, 30), (30, 30, 200)


def encoded(image: Image.Image, kind: str, **how: Any) -> bytes:
    file = BytesIO()
    image.save(file, kind, **how)
    return file.getvalue()


def halves(width: int = 640, height: int = 480) -> Image.Image:
    """Red on the left, blue on the right."""
    image = Image.new("RGB", (width, height), RED)
    image.paste(BLUE, (width // 2, 0, width, height))
    return image


def copy(data: bytes, side: int = 100) -> Image.Image:
    image = Image.open(BytesIO(shrink(data, (side,))[side]))
    assert image.format == "WEBP"
    return image


def near(image: Image.Image, place: tuple[int, int], colour: tuple[int, ...]) -> bool:
    found = image.getpixel(place)
    assert isinstance(found, tuple)
    return bool(np.abs(np.subtract(found[:3], colour)).max() <= 12)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "BMP"])
def test_a_copy_has_the_longest_side_asked_for_and_looks_the_same(kind: str) -> None:
    small = copy(encoded(halves(), kind))

    assert small.size == (100, 75)
    assert near(small, (20, 40), RED)
    assert near(small, (80, 40), BLUE)


def test_several_copies_are_made_of_one_decoding_and_none_is_larger_than_the_image() -> None:
    made = shrink(encoded(halves(300, 600), "PNG"), (1600, 400))

    sizes = {side: Image.open(BytesIO(data)).size for side, data in made.items()}
    assert sizes == {1600: (300, 600), 400: (200, 400)}


def test_a_line_of_pixels_keeps_one_of_them() -> None:
    assert copy(encoded(Image.new("RGB", (3000, 2)), "PNG")).size == (100, 1)


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
def test_a_copy_is_upright_whatever_the_camera_did(kind: str, orientation: int) -> None:
    upright = halves(400, 200)
    stored = {
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_90,
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_270,
    }
    exif = Image.Exif()
    exif[0x0112] = orientation
    image = upright.transpose(stored[orientation]) if orientation > 1 else upright

    small = copy(encoded(image, kind, exif=exif))

    assert small.size == (100, 50)
    assert near(small, (20, 25), RED)
    assert near(small, (80, 25), BLUE)
    assert not small.getexif(), "a browser would turn it again"


@pytest.mark.parametrize("mode", ["1", "L", "P", "I;16", "CMYK"])
def test_every_way_of_storing_grey_shows_the_same_grey(mode: str) -> None:
    grey = np.full((60, 80), 0 if mode == "1" else 100, np.uint8)
    image = (
        Image.fromarray(grey.astype(np.uint16) * 256)
        if mode == "I;16"
        else Image.fromarray(grey).convert(mode)
    )

    small = copy(encoded(image, "JPEG" if mode == "CMYK" else "PNG"))

    assert near(small.convert("RGB"), (40, 30), (int(grey[0, 0]),) * 3)


@pytest.mark.parametrize("mode", ["RGBA", "LA", "P"])
def test_what_is_transparent_stays_so(mode: str) -> None:
    image = Image.new("RGBA", (200, 200), (0, 0, 0, 0))
    image.paste((*RED, 255), (0, 0, 100, 200))

    small = copy(encoded(image.convert(mode), "PNG"))

    alpha = small.convert("RGBA").getchannel("A")
    assert alpha.getpixel((20, 50)) == 255
    assert alpha.getpixel((80, 50)) == 0


def swapped_profile() -> bytes:
    """sRGB, but what it calls red is blue."""
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    names = {b"rXYZ": b"bXYZ", b"bXYZ": b"rXYZ"}
    (tags,) = struct.unpack_from(">I", profile, 128)
    for at in range(132, 132 + 12 * tags, 12):
        name = profile[at : at + 4]
        profile = profile[:at] + names.get(name, name) + profile[at + 4 :]
    return profile.replace("sRGB".encode("utf-16-be"), "swap".encode("utf-16-be"))


@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
def test_colours_of_another_profile_are_shown_as_they_are_meant(kind: str) -> None:
    small = copy(encoded(halves(), kind, icc_profile=swapped_profile()))

    assert near(small, (20, 40), BLUE)
    assert near(small, (80, 40), RED)
    assert "icc_profile" not in small.info


def test_a_profile_that_is_none_is_passed_over() -> None:
    small = copy(encoded(halves(), "PNG", icc_profile=b"no profile at all"))

    assert near(small, (20, 40), RED)


@pytest.mark.parametrize(
    "data",
    [b"", b"this is text", encoded(halves(), "JPEG")[:2000], encoded(halves(), "PNG")[:600]],
    ids=["nothing", "text", "half a JPEG", "half a PNG"],
)
def test_what_cannot_be_decoded_is_said_and_nothing_else_is_raised(data: bytes) -> None:
    with pytest.raises(Undecodable):
        shrink(data, (400,))


def test_no_more_pixels_are_held_than_there_is_memory_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pixels, "MAX_DECODED", 640 * 480 // 2)

    assert copy(encoded(halves(), "JPEG")).size == (100, 75), "decoded at a fraction of its size"
    for data in (encoded(halves(), "PNG"), encoded(halves(), "JPEG", progressive=True)):
        with pytest.raises(Undecodable, match="640 x 480 pixels are too many"):
            shrink(data, (100,))
