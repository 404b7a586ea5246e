"""TIFF: its pages, and the pixels of one.

tifffile reads the structure, imagecodecs the compressed pieces (ADR-0010). What only libtiff reads goes to
Pillow: fax compression, and subsampled colour that is not JPEG's.
"""

from __future__ import annotations

from collections.abc import Sequence
from io import BytesIO
from typing import Any, BinaryIO, Final, cast

import numpy as np
import tifffile
from PIL import Image, ImageCms, TiffImagePlugin
from tifffile import COMPRESSION, PHOTOMETRIC, TiffFile, TiffPage

from labeling.media.frames import (
    MAX_DECODED,
    MAX_FRAMES,
    Frame,
    Grey,
    Header,
    Pixels,
    Undecodable,
    in_two_bytes,
    light_of,
    upright,
    whole_range,
)

_BY_PILLOW: Final = frozenset(
    {COMPRESSION.CCITTRLE, COMPRESSION.CCITT_T4, COMPRESSION.CCITT_T6, COMPRESSION.OJPEG}
)
_NOT_A_FRAME: Final = 1 | 4
"""Bits of NewSubfileType: a reduced copy of another page, a mask for one (TIFF 6.0, tag 254)."""

_KIND: Final = {
    PHOTOMETRIC.MINISWHITE: "grey",
    PHOTOMETRIC.MINISBLACK: "grey",
    PHOTOMETRIC.RGB: "RGB",
    PHOTOMETRIC.PALETTE: "palette",
    PHOTOMETRIC.SEPARATED: "CMYK",
    PHOTOMETRIC.YCBCR: "RGB",
    PHOTOMETRIC.CIELAB: "Lab",
}
_CHANNELS: Final = {"grey": 1, "RGB": 3, "palette": 1, "CMYK": 4, "Lab": 3}
_SRGB = ImageCms.createProfile("sRGB")


def read_header(file: BinaryIO) -> Header:
    """The pages of a TIFF and their upright sizes.

    Raises:
        Undecodable: it is none, or holds no page that can be shown.
    """
    with _opened(file) as tiff:
        pages = _pages(tiff)
        sizes = tuple(_upright_size(page) for page in pages)
        width, height = sizes[0]
        alike = all(size == sizes[0] for size in sizes)
        return Header(width, height, len(pages), _orientation(pages[0]), () if alike else sizes)


def places(file: BinaryIO) -> list[int]:
    """Where in the file the frames' pages begin: to find them costs a look at each page, for they are a chain.

    Raises:
        Undecodable: it is no TIFF, or holds no page that can be shown.
    """
    with _opened(file) as tiff:
        return [page.offset for page in _pages(tiff)]


def decode(file: BinaryIO, frame: int, known: Sequence[int] = ()) -> Frame:
    """One page, upright.

    Args:
        file: the TIFF.
        frame: which of its pages that are frames.
        known: `places` of the file, where they were found before: then no other page is read.

    Raises:
        Undecodable: there is no such page, it is damaged, or of a layout that is not shown.
    """
    with _opened(file) as tiff:
        if frame < len(known):
            page = _page_at(tiff, known[frame])
        else:
            pages = _pages(tiff, frame + 1)
            if frame >= len(pages):
                raise Undecodable(f"there is no page {frame + 1}: it has {len(pages):,}")
            page = pages[frame]
        if page.imagewidth * page.imagelength > MAX_DECODED:
            raise Undecodable(
                f"{page.imagewidth:,} x {page.imagelength:,} pixels are too many to decode"
            )
        kind = _kind(page)
        if _needs_pillow(page):
            # Pillow has turned it already: it heeds the tag itself, in TIFF alone.
            offsets = [page.offset for page in tiff.pages]
            return Frame(_by_pillow(file, offsets.index(page.offset)))
        try:
            pixels = page.asarray()
        except Exception as error:
            raise Undecodable(_why(page, error)) from None
        return _frame(page, kind, upright(_interleaved(page, pixels), _orientation(page)))


def _opened(file: BinaryIO) -> TiffFile:
    file.seek(0)
    try:
        return TiffFile(file)
    except Undecodable:
        raise
    except Exception:
        raise Undecodable("not a TIFF file, or its header is damaged") from None


def _pages(tiff: TiffFile, most: int = MAX_FRAMES) -> list[TiffPage]:
    """The first pages that are frames, in order. Series are not asked for: they leave out unlike pages."""
    found: list[TiffPage] = []
    seen: set[int] = set()
    try:
        for page in tiff.pages:
            whole = cast(TiffPage, page)
            if whole.offset in seen:
                break  # a page that leads back to an earlier one is the last
            seen.add(whole.offset)
            if len(seen) > MAX_FRAMES:
                raise Undecodable(f"more than {MAX_FRAMES:,} pages")
            if not int(whole.subfiletype) & _NOT_A_FRAME and whole.imagewidth > 0:
                found.append(whole)
                if len(found) == most < MAX_FRAMES:
                    break
    except Undecodable:
        raise
    except Exception:
        if not found:
            raise Undecodable("its list of pages is damaged") from None
    if not found:
        raise Undecodable("it holds no page")
    return found


def _page_at(tiff: TiffFile, offset: int) -> TiffPage:
    try:
        tiff.filehandle.seek(offset)
        return TiffPage(tiff, index=0)
    except Exception:
        raise Undecodable("the page is cut off or damaged") from None


def _orientation(page: TiffPage) -> int:
    tag = page.tags.get(274)
    value = tag.value if tag else 1
    return value if isinstance(value, int) and 1 <= value <= 8 else 1


def _upright_size(page: TiffPage) -> tuple[int, int]:
    width, height = page.imagewidth, page.imagelength
    return (height, width) if _orientation(page) >= 5 else (width, height)


def _kind(page: TiffPage) -> str:
    """What its channels are, among those that can be shown."""
    if page.imagedepth > 1:
        raise Undecodable("a volume in one page can't be shown; save each slice as a page")
    kind = _KIND.get(cast(PHOTOMETRIC, page.photometric))
    if kind is None:
        raise Undecodable(f"colours of kind {_named(page.photometric)} can't be shown")
    extra = page.samplesperpixel - _CHANNELS[kind]
    if extra < 0 or extra > 1 or (extra == 1 and not page.extrasamples):
        raise Undecodable(
            f"{page.samplesperpixel} channels can't be shown as {kind}: grey, RGB and CMYK can be, "
            "with or without alpha"
        )
    return kind


def _needs_pillow(page: TiffPage) -> bool:
    subsampled = page.photometric == PHOTOMETRIC.YCBCR and page.compression != COMPRESSION.JPEG
    return page.compression in _BY_PILLOW or subsampled


def _by_pillow(file: BinaryIO, number: int) -> Pixels:
    """A page as libtiff decodes it. From bytes: opened by path, Pillow turns some layouts wrongly."""
    try:
        file.seek(0)
        image = TiffImagePlugin.TiffImageFile(BytesIO(file.read()))
        image.seek(number)
        image.load()
        return np.asarray(image.convert("L" if image.mode in ("1", "L") else "RGB"))
    except Exception:
        raise Undecodable("the page is damaged, or of a layout that can't be decoded") from None


def _interleaved(page: TiffPage, pixels: Pixels) -> Pixels:
    """(height, width) or (height, width, channels), however they are stored."""
    if pixels.ndim == 3 and page.axes.startswith("S"):
        pixels = np.moveaxis(pixels, 0, -1)
    if pixels.ndim == 3 and pixels.shape[-1] == 1:
        pixels = pixels[..., 0]
    if pixels.ndim not in (2, 3) or pixels.shape[:2] != (page.imagelength, page.imagewidth):
        raise Undecodable("the page is of a layout that can't be shown")
    if np.iscomplexobj(pixels):
        raise Undecodable("complex numbers can't be shown")
    return pixels


def _frame(page: TiffPage, kind: str, pixels: Pixels) -> Frame:
    if kind == "palette":
        return Frame(_coloured(page, pixels if pixels.ndim == 2 else pixels[..., 0]))
    if kind == "grey":
        return _grey(page, pixels)
    channels = _CHANNELS[kind]
    colours = _eight_bits(page, pixels[..., :channels], kind)
    image = Image.fromarray(colours, {"RGB": "RGB", "CMYK": "CMYK", "Lab": "LAB"}[kind])
    shown = np.asarray(_in_srgb(image, page.iccprofile))
    if pixels.shape[-1] > channels and int(page.extrasamples[0]) in (1, 2):
        alpha = _eight_bits(page, pixels[..., channels], "RGB")
        shown = np.dstack([shown, alpha])
    return Frame(shown)


def _grey(page: TiffPage, pixels: Pixels) -> Frame:
    """One channel. Eight bits are shown as they are, more by a window over what is there."""
    alpha = None
    if pixels.ndim == 3:
        alpha = _eight_bits(page, pixels[..., 1], "grey")
        pixels = pixels[..., 0]
    inverted = page.photometric == PHOTOMETRIC.MINISWHITE
    bits = page.bitspersample
    if bits <= 8 and pixels.dtype.kind in "bu":
        shown = (pixels.astype(np.uint16) * 255 // (2**bits - 1)).astype(np.uint8)
        shown = 255 - shown if inverted else shown
        return Frame(shown if alpha is None else np.dstack([shown, shown, shown, alpha]))
    values, slope, intercept, rounded = in_two_bytes(pixels)
    low, high = int(values.min()), int(values.max())
    grey = Grey(
        type=cast(Any, values.dtype.name),
        low=low,
        high=high,
        slope=slope,
        intercept=intercept,
        windows=[whole_range(low * slope + intercept, high * slope + intercept)],
        inverted=inverted,
    )
    return Frame(light_of(values, grey), values, grey, ("values_rounded",) if rounded else ())


def _coloured(page: TiffPage, pixels: Pixels) -> Pixels:
    """Palette numbers as RGB. A colour map has 16 bits a channel (TIFF 6.0, tag 320)."""
    if page.colormap is None:
        raise Undecodable("its palette is missing")
    colours = np.asarray(page.colormap)
    # Some writers fill the map with 8 bits a channel.
    eight = colours if colours.max() < 256 else colours >> 8
    return np.moveaxis(eight.astype(np.uint8)[:, pixels.astype(np.int64)], 0, -1)


def _eight_bits(page: TiffPage, pixels: Pixels, kind: str) -> Pixels:
    """Channels of any type as uint8."""
    if pixels.dtype == np.uint8 and page.bitspersample == 8:
        return np.ascontiguousarray(pixels)
    if kind == "Lab":
        raise Undecodable("Lab colours of more than 8 bits can't be shown")
    if pixels.dtype.kind == "f":
        finite = pixels[np.isfinite(pixels)]
        top = 1.0 if not finite.size or finite.max() <= 1 else float(finite.max())
        return np.rint(np.nan_to_num(np.clip(pixels / top, 0, 1)) * 255).astype(np.uint8)
    if pixels.dtype.kind not in "bu":
        raise Undecodable("colours with signed numbers can't be shown")
    return (pixels.astype(np.float32) * (255 / (2**page.bitspersample - 1)) + 0.5).astype(np.uint8)


def _in_srgb(image: Image.Image, profile: object) -> Image.Image:
    if isinstance(profile, bytes) and profile:
        try:
            source = ImageCms.ImageCmsProfile(BytesIO(profile))
            converted = ImageCms.profileToProfile(image, source, _SRGB, outputMode="RGB")
            return converted or image.convert("RGB")
        except (ImageCms.PyCMSError, OSError, ValueError):
            pass  # as a browser does: a profile that can't be used is dropped
    if image.mode == "LAB":
        lab = ImageCms.createProfile("LAB")
        return cast(Image.Image, ImageCms.profileToProfile(image, lab, _SRGB, outputMode="RGB"))
    return image.convert("RGB")


def _why(page: TiffPage, error: Exception) -> str:
    if isinstance(error, MemoryError):
        raise error
    if (
        isinstance(error, ValueError | KeyError)
        and page.compression not in tifffile.TIFF.DECOMPRESSORS
    ):
        return f"compression {_named(page.compression)} can't be decoded"
    return "the page is cut off or damaged"


def _named(tag: object) -> str:
    """What a tag says that should say one thing: a damaged one may say thousands."""
    return str(getattr(tag, "name", tag if isinstance(tag, int) else "unknown"))
