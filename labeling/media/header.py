"""The size and the orientation of an image, read from the first bytes of its blob."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from io import BytesIO

from PIL.BmpImagePlugin import BmpImageFile
from PIL.ImageFile import ImageFile
from PIL.JpegImagePlugin import JpegImageFile
from PIL.PngImagePlugin import PngImageFile

from labeling.media.frames import Undecodable, packed_sizes
from labeling.media.guard import Read, shared
from labeling.media.patterns import SHOWN_BY_BROWSERS

FIRST_BYTES = 64 * 1024
"""Nearly every header is within these; each further range is as long as all read before."""

MAX_BYTES = 8 * 1024 * 1024
"""A header longer than this is not worth reading: no camera writes one."""

MAX_SIDE = 30_000
MAX_PIXELS = 500_000_000

_MAX_READS = 200_000  # Pillow looks for a JPEG's next marker byte by byte: 8 MiB would take 10 s
CUT_OFF = "the image is cut off or damaged"
"""Why an image can't be decoded that browsers may still show a part of."""

_TRUNCATED = "the file ends in the middle of its header"
_SIDEWAYS = range(5, 9)  # orientations that swap width and height


@dataclass(frozen=True)
class Measured:
    """What a blob's header says: the upright size in pixels, or why it can't be read.

    `frame_sizes` as in `frames.packed_sizes`: empty where all frames are of one size. `damage`: what can't be
    shown of a file so small that it was read whole. No copy is made of it, which would find that out.
    """

    blob_etag: str
    width: int = 0
    height: int = 0
    orientation: int = 1
    problem: str = ""
    frames: int = 1
    frame_sizes: str = ""
    damage: str = ""


class _JpegHeader(JpegImageFile):
    def _read_dpi_from_exif(self) -> None:
        """Nobody needs it, and looking for it warns about damage that does not matter here."""


# By class and not by `Image.open`, which warns of large images by a limit that is the process's.
_READERS: tuple[tuple[str, bytes, type[ImageFile]], ...] = (
    ("JPEG", b"\xff\xd8\xff", _JpegHeader),
    ("PNG", b"\x89PNG\r\n\x1a\n", PngImageFile),
    ("BMP", b"BM", BmpImageFile),
)

_OTHERS = (
    ("TIFF", 0, (b"II*\x00", b"MM\x00*")),
    ("GIF", 0, (b"GIF8",)),
    ("WebP", 8, (b"WEBP",)),
    ("HEIC", 4, (b"ftyphei", b"ftypmif1", b"ftyphevc")),
    ("AVIF", 4, (b"ftypavi",)),
    ("DICOM", 128, (b"DICM",)),
)
"""What is often found under the name of another: (name, offset, what stands there)."""


def measure(read: Read, size: int, media: str, blob_etag: str) -> Measured:
    """The upright size in pixels, the orientation and the frames of an image, or why it can't be read.

    No pixel is decoded, so a file that is cut behind its header is measured like a whole one. What
    the file holds counts, not what its name promises, among the media that can be labeled.

    Args:
        read: gives `length` bytes from `start`, fewer where the blob ends. What it raises is
            passed on: it says nothing about the image.
        size: of the blob, in bytes.
        media: what the blob's name promises (`patterns.media_of`).
        blob_etag: goes into the result, which is about this version of the blob.

    Returns:
        Sides of 1 to 30,000 and no more than 500 megapixels, or a `problem`. Never raises for
        what the bytes are.
    """
    if size and media not in SHOWN_BY_BROWSERS:
        return _measure_frames(read, size, media, blob_etag)
    data = b""
    while True:
        wanted = min(max(FIRST_BYTES, len(data)), min(size, MAX_BYTES) - len(data))
        more = read(len(data), wanted) if wanted > 0 else b""
        data += more
        if len(more) < wanted:
            size = len(data)  # the blob is shorter than it was when it was listed
        if not data:
            return Measured(blob_etag, problem="the file is empty")
        head = _Head(data)
        found = _look(head)
        if not head.is_short:
            break
        if len(data) >= size:
            return Measured(blob_etag, problem=_TRUNCATED)
        if len(data) >= MAX_BYTES:
            return Measured(
                blob_etag, problem=f"the header is longer than {MAX_BYTES // 2**20} MiB"
            )
    if isinstance(found, str):
        return Measured(blob_etag, problem=found)
    width, height, orientation = found
    if too_many := _too_many(width, height):
        return Measured(blob_etag, problem=too_many)
    if orientation in _SIDEWAYS:
        width, height = height, width
    cut = len(data) >= size and _ends_early(data)
    return Measured(blob_etag, width, height, orientation, damage=CUT_OFF if cut else "")


def _ends_early(data: bytes) -> bool:
    """Whether a whole JPEG or PNG file lacks its end. Within the pixels of a JPEG there is no such mark."""
    if data.startswith(b"\xff\xd8"):
        return data.find(b"\xff\xd9", data.rfind(b"\xff\xda")) < 0
    return data.startswith(b"\x89PNG") and b"IEND" not in data


def _measure_frames(read: Read, size: int, media: str, blob_etag: str) -> Measured:
    """The same of a TIFF or DICOM file. Read in the child process: what their libraries say of a file may
    quote it."""
    try:
        found, _ = shared("people").call("header", read, size, media=media)
    except Undecodable as why:
        return Measured(blob_etag, problem=str(why))
    sizes = [(width, height) for width, height in found["sizes"]]
    width, height = found["width"], found["height"]
    for each in sizes or [(width, height)]:
        if too_many := _too_many(*each):
            return Measured(blob_etag, problem=too_many)
    return Measured(
        blob_etag,
        width,
        height,
        found["orientation"],
        frames=found["frames"],
        frame_sizes=packed_sizes(sizes),
    )


def _too_many(width: int, height: int) -> str:
    """Why a size is not taken; empty where it is."""
    if min(width, height) < 1:
        return "it has no pixels"
    if max(width, height) > MAX_SIDE or width * height > MAX_PIXELS:
        return (
            f"{width:,} x {height:,} pixels are too many: at most {MAX_SIDE:,} a side "
            f"and {MAX_PIXELS // 1_000_000} megapixels can be labeled"
        )
    return ""


class _Head(BytesIO):
    """The first bytes of a file; notes whether a reader wanted more than there are."""

    is_short = False
    _reads = 0

    def read(self, size: int | None = -1, /) -> bytes:
        self._reads += 1
        if self._reads > _MAX_READS:
            raise ValueError("this is no header")
        data = super().read(size)
        self.is_short = self.is_short or (size is not None and len(data) < size)
        return data


def _look(head: _Head) -> tuple[int, int, int] | str:
    """The stored width and height and the orientation, or a problem."""
    start = head.getvalue()[:132]
    if any(len(start) < len(magic) and magic.startswith(start) for _, magic, _ in _READERS):
        return _TRUNCATED
    kind = reader_of(start)
    if kind is None:
        return "not a JPEG, PNG or BMP image" + _likely(start)
    name, reader = kind
    try:
        image = reader(head)
    except Exception:
        # Pillow raises what it likes for bad bytes: OSError, SyntaxError, ValueError, zlib.error...
        return f"the {name} header is damaged, or of a kind that can't be read"
    # Not `getexif`: it decodes a PNG to its end, and believes XMP, which browsers don't.
    exif = image.info.get("exif")
    return (*image.size, orientation_of(exif) if isinstance(exif, bytes) else 1)


def reader_of(start: bytes) -> tuple[str, type[ImageFile]] | None:
    """The name of a file's kind and what reads it, by its first bytes, or None."""
    return next(
        ((name, reader) for name, magic, reader in _READERS if start.startswith(magic)), None
    )


def _likely(start: bytes) -> str:
    for name, offset, signs in _OTHERS:
        if start[offset:].startswith(signs):
            return f"; it looks like {name}"
    return ""


def orientation_of(exif: bytes) -> int:
    """How an image is to be turned to be upright: 1 (as stored) to 8; 1 where `exif` doesn't say.

    Args:
        exif: `Exif`, two zero bytes, and a TIFF structure, as in a JPEG's APP1 segment.

    Source: Exif 2.32 (CIPA DC-008), tag 0x0112 of the 0th IFD: one SHORT. TIFF 6.0, section 2.

    >>> directory = bytes.fromhex("0001 0112 0003 00000001 0006 0000")
    >>> orientation_of(b"Exif\\0\\0MM\\0*\\0\\0\\0\\x08" + directory)
    6
    """
    prefix, tiff = exif[:6], exif[6:]
    order = {b"II*\x00": "<", b"MM\x00*": ">"}.get(tiff[:4])
    if prefix != b"Exif\x00\x00" or order is None:
        return 1
    try:
        (offset,) = struct.unpack_from(order + "I", tiff, 4)
        (entries,) = struct.unpack_from(order + "H", tiff, offset)
        for number in range(entries):
            tag, kind, count, value = struct.unpack_from(
                order + "HHIH", tiff, offset + 2 + 12 * number
            )
            if tag == 0x0112:
                return value if (kind, count) == (3, 1) and 1 <= value <= 8 else 1
    except struct.error:  # it ends before it should
        pass
    return 1
