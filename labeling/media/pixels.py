"""Smaller copies of images: upright, in sRGB, as WebP.

What it makes of a JPEG, PNG or BMP file looks like what a browser shows of the original, so that annotations
in fractions of the image fit both. TIFF and DICOM are decoded frame by frame (tiff.py, dicom.py).
"""

from __future__ import annotations

from collections.abc import Sequence
from io import BytesIO
from typing import Final

from PIL import Image, ImageCms

from labeling.media.frames import MAX_DECODED, Undecodable
from labeling.media.header import CUT_OFF, orientation_of, reader_of

CONTENT_TYPE = "image/webp"

QUALITY = 80
METHOD = 2
"""How hard the encoder tries, 0 to 6: from here on it takes longer and saves little (ADR-0006)."""

_UPRIGHT: Final[dict[int, Image.Transpose]] = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
"""What makes an image upright, by its EXIF orientation."""

_SRGB = ImageCms.createProfile("sRGB")


def shrink(data: bytes, sides: Sequence[int]) -> dict[int, bytes]:
    """Copies of an image whose longest sides have so many pixels, or fewer where it is smaller.

    Args:
        data: a JPEG, PNG or BMP file.
        sides: in pixels.

    Returns:
        WebP files by side.

    Raises:
        Undecodable: damaged, cut off, of another kind, or too large to be held in memory.
    """
    largest = max(sides)
    kind = reader_of(data)
    if kind is None:
        raise Undecodable("of a kind that can't be decoded")
    try:
        image: Image.Image = kind[1](BytesIO(data))
        orientation = orientation_of(image.info.get("exif") or b"")
        whole = image.size
        # A JPEG is decoded at 1/2, 1/4 or 1/8 of its size, as long as that is no less than is wanted.
        image.draft(None, _within(whole, largest))
        # The passes of a progressive one are gathered at full size before.
        held = whole if image.info.get("progressive") else image.size
        if held[0] * held[1] > MAX_DECODED:
            raise Undecodable(f"{whole[0]:,} x {whole[1]:,} pixels are too many to decode")
        copy = _resized(_plain(image), largest)
        copy = _in_srgb(copy, image.info.get("icc_profile"), image.mode)
        if orientation in _UPRIGHT:
            copy = copy.transpose(_UPRIGHT[orientation])
        return copies(copy, sides)
    except (MemoryError, Undecodable):
        raise
    except Exception as error:
        # Pillow raises what it likes for bad bytes: OSError, SyntaxError, ValueError, zlib.error...
        raise Undecodable(CUT_OFF) from error


def copies(image: Image.Image, sides: Sequence[int]) -> dict[int, bytes]:
    """Copies of a decoded image that is upright and in sRGB, by side."""
    return {side: _encoded(_resized(image, side)) for side in sides}


def _within(size: tuple[int, int], side: int) -> tuple[int, int]:
    """The size whose longest side is `side`, or the size itself where it is smaller."""
    scale = min(1.0, side / max(size))
    return max(1, round(size[0] * scale)), max(1, round(size[1] * scale))


def _resized(image: Image.Image, side: int) -> Image.Image:
    size = _within(image.size, side)
    if size == image.size:
        return image
    return image.resize(size, Image.Resampling.LANCZOS, reducing_gap=2.0)


def _plain(image: Image.Image) -> Image.Image:
    """The same pixels with eight bits a channel and without a palette: L, RGB, RGBA or CMYK."""
    if image.has_transparency_data:
        return image.convert("RGBA")
    if image.mode.startswith("I"):  # 16 bits of grey: browsers show the upper eight
        return image.convert("I").point(lambda value: value * (1 / 256)).convert("L")
    if image.mode in ("L", "RGB", "CMYK"):
        image.load()
        return image
    return image.convert("L" if image.mode == "1" else "RGB")


def _in_srgb(image: Image.Image, profile: object, stored_mode: str) -> Image.Image:
    """Its colours as a browser shows them. A profile that can't be used is dropped, as browsers do."""
    alpha = image.getchannel("A") if image.mode == "RGBA" else None
    colours = image.convert("RGB") if alpha else image
    fits = colours.mode == stored_mode or stored_mode in ("P", "RGBA")
    if isinstance(profile, bytes) and profile and fits:
        try:
            source = ImageCms.ImageCmsProfile(BytesIO(profile))
            if "sRGB" not in ImageCms.getProfileDescription(source):
                converted = ImageCms.profileToProfile(colours, source, _SRGB, outputMode="RGB")
                colours = converted or colours
        except (ImageCms.PyCMSError, OSError, ValueError):
            pass
    colours = colours.convert("RGB")
    if alpha:
        colours.putalpha(alpha)
    return colours


def _encoded(image: Image.Image) -> bytes:
    file = BytesIO()
    # Without its profile and EXIF: it is upright and in sRGB already.
    image.save(file, "WEBP", quality=QUALITY, method=METHOD, exif=b"", icc_profile=b"", xmp=b"")
    return file.getvalue()
