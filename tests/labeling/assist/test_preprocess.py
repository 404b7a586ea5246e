from __future__ import annotations

from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from labeling import layout
from labeling.assist.preprocess import SIDE, Unseeable, pixels_for_model, source_of
from labeling.items.records import Item


def file_of(image: Image.Image, kind: str = "PNG", **how: object) -> bytes:
    file = BytesIO()
    image.save(file, kind, **how)
    return file.getvalue()


def quarters(width: int, height: int) -> Image.Image:
    """Red, green, blue and white, as one reads."""
    image = Image.new("RGB", (width, height), "white")
    image.paste((255, 0, 0), (0, 0, width // 2, height // 2))
    image.paste((0, 255, 0), (width // 2, 0, width, height // 2))
    image.paste((0, 0, 255), (0, height // 2, width // 2, height))
    return image


def seen(pixels: np.ndarray) -> list[tuple[int, ...]]:
    """The colours in the middle of each quarter, as one reads, each channel 0 or 255."""
    at = (SIDE // 4, 3 * SIDE // 4)
    return [tuple(int(v > 127) * 255 for v in pixels[y, x]) for y in at for x in at]


RED, GREEN, BLUE, WHITE = (255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 255)


@pytest.mark.parametrize("size", [(640, 480), (300, 900), (50, 40)])
def test_the_whole_image_is_seen_whatever_its_shape(size: tuple[int, int]) -> None:
    pixels = pixels_for_model(file_of(quarters(*size)))

    assert (pixels.shape, pixels.dtype) == ((SIDE, SIDE, 3), np.uint8)
    assert seen(pixels) == [RED, GREEN, BLUE, WHITE]
    assert tuple(pixels[0, 0]) == RED
    assert tuple(pixels[-1, -1]) == WHITE


def test_an_image_stored_sideways_is_seen_upright() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    stored = quarters(480, 640).transpose(Image.Transpose.ROTATE_90)

    pixels = pixels_for_model(file_of(stored, "JPEG", exif=exif, quality=95))

    assert seen(pixels) == [RED, GREEN, BLUE, WHITE]


@pytest.mark.parametrize("kind", ["JPEG", "BMP", "WEBP"])
def test_the_kind_of_file_makes_no_difference(kind: str) -> None:
    image = quarters(400, 300)
    wanted = pixels_for_model(file_of(image)).astype(int)

    got = pixels_for_model(file_of(image, kind, **({"quality": 95} if kind != "BMP" else {})))

    assert abs(got - wanted).mean() < 3


def test_a_large_jpeg_decoded_at_a_fraction_looks_the_same() -> None:
    image = quarters(4000, 3000)

    large = pixels_for_model(file_of(image, "JPEG", quality=95)).astype(int)

    assert abs(large - pixels_for_model(file_of(quarters(400, 300)))).mean() < 3


def test_what_is_transparent_is_white_and_grey_has_three_channels() -> None:
    clear = pixels_for_model(file_of(Image.new("RGBA", (90, 90), (255, 0, 0, 0))))
    grey = pixels_for_model(file_of(Image.new("I;16", (90, 90), 128 * 256)))

    assert clear.min() == 255
    assert set(np.unique(grey)) == {128}


@pytest.mark.parametrize("data", [b"", b"no image", file_of(quarters(90, 90), "JPEG")[:200]])
def test_what_cannot_be_seen_is_said(data: bytes) -> None:
    with pytest.raises(Unseeable, match="damaged, or of a kind"):
        pixels_for_model(data)


def test_the_smallest_copy_is_seen_and_the_original_where_there_is_none() -> None:
    copied = Item("i1", "a.png", "e1", "0", renditions="1600,800,400")

    assert source_of("photos", copied) == (
        layout.RENDITIONS,
        layout.rendition("photos", "a.png", "e1", 400),
    )
    assert source_of("photos", Item("i1", "a.png", "e1", "0")) == ("photos", "a.png")
