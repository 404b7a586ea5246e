"""From an image to what a model sees: the one rule, for training, featurization and inference alike.

A model sees the item's smallest copy, which is upright and in sRGB already, or the original where there is no
copy: by `THUMBNAIL` that is a small image itself, so that originals are hardly ever decoded. Of TIFF and DICOM
it sees the first frame, as people see it before they move the window.
"""

from __future__ import annotations

from io import BytesIO
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image, ImageCms, ImageOps

from labeling import layout
from labeling.ingest.renditions import MEDIUM, PREVIEW, THUMBNAIL, has_copy
from labeling.media.patterns import SHOWN_BY_BROWSERS

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from labeling.items.records import Item

SIDE = 224
"""Pixels of the square a model sees."""

MAX_PIXELS = 100_000_000
"""Decoded at once; a JPEG is decoded at a fraction of its size."""

KINDS = ("JPEG", "PNG", "BMP", "WEBP")

_SRGB = ImageCms.createProfile("sRGB")


class Unseeable(Exception):
    """An image that no model can see; the message says why."""


def source_of(container: str, item: Item, least: int = 1) -> tuple[str, str]:
    """Container and path of what a model sees of an item.

    Its smallest copy whose longest side has `least` pixels, or the original: of a file that no browser shows,
    its first frame, which need not be there yet.
    """
    for side in (THUMBNAIL, MEDIUM, PREVIEW):
        if side >= least and has_copy(item, side):
            return layout.RENDITIONS, layout.rendition(container, item.path, item.blob_etag, side)
    if item.media and item.media not in SHOWN_BY_BROWSERS:
        frame = layout.frame_blob(container, item.path, item.blob_etag, 0, "webp")
        return layout.RENDITIONS, frame
    return container, item.path


def pixels_for_model(data: bytes) -> NDArray[np.uint8]:
    """An image as a model sees it.

    Upright, in sRGB, the whole of it squeezed into a square: an object at the edge is labeled like one in the
    middle, so nothing is cut away. A JPEG much larger than that is decoded at a fraction of its size; alpha is
    laid over white.

    Args:
        data: a JPEG, PNG, BMP or WebP file.

    Returns:
        uint8 (224, 224, 3), RGB.

    Raises:
        Unseeable: damaged, of another kind, or too large to be decoded.
    """
    square = decoded(data, 2 * SIDE).resize(
        (SIDE, SIDE), Image.Resampling.BILINEAR, reducing_gap=3.0
    )
    return np.asarray(square, dtype=np.uint8)


def decoded(data: bytes, least: int) -> Image.Image:
    """An image upright, in sRGB, RGB, its alpha over white; a larger JPEG at a fraction of its size.

    Args:
        data: a JPEG, PNG, BMP or WebP file.
        least: pixels that neither side of a JPEG is made smaller than.

    Raises:
        Unseeable: damaged, of another kind, or too large to be decoded.
    """
    try:
        with Image.open(BytesIO(data), formats=KINDS) as opened:
            profile = opened.info.get("icc_profile")
            opened.draft("RGB" if opened.mode != "L" else "L", (least, least))
            if opened.width * opened.height > MAX_PIXELS:
                raise Unseeable(f"{opened.width:,} x {opened.height:,} pixels are too many")
            image = ImageOps.exif_transpose(opened)
        return _in_srgb(_opaque(image), profile)
    except (MemoryError, Unseeable):
        raise
    except Exception as error:
        # Pillow raises what it likes for bad bytes: OSError, SyntaxError, ValueError, zlib.error...
        raise Unseeable(f"damaged, or of a kind that can't be decoded: {error}") from error


def _opaque(image: Image.Image) -> Image.Image:
    """The image in RGB, eight bits a channel."""
    if image.has_transparency_data:
        image = image.convert("RGBA")
        white = Image.new("RGBA", image.size, "white")
        return Image.alpha_composite(white, image).convert("RGB")
    if image.mode.startswith("I"):  # 16 bits of grey: browsers show the upper eight
        image = image.convert("I").point(lambda value: value * (1 / 256)).convert("L")
    return image.convert("RGB")


def _in_srgb(image: Image.Image, profile: object) -> Image.Image:
    """Its colours in sRGB. A profile that can't be used is dropped, as browsers do."""
    if not isinstance(profile, bytes) or not profile:
        return image
    try:
        source = ImageCms.ImageCmsProfile(BytesIO(profile))
        if "sRGB" in ImageCms.getProfileDescription(source):
            return image
        return ImageCms.profileToProfile(image, source, _SRGB, outputMode="RGB") or image
    except (ImageCms.PyCMSError, OSError, ValueError):
        return image
