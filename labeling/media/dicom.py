"""DICOM: the frames of a file, and the pixels of one.

pydicom reads the structure; which library decodes which transfer syntax is in ADR-0010. Nothing that
leaves here says anything of a patient: tags are read by a list, reasons are words written here.
"""

from __future__ import annotations

from os import SEEK_END
from typing import Any, BinaryIO, Final, Literal, cast

import numpy as np
from pydicom import dcmread
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.pixels.decoders.base import (
    JPEGExtended12BitDecoder,
    JPEGLosslessDecoder,
    JPEGLosslessSV1Decoder,
)
from pydicom.pixels.processing import apply_color_lut, apply_modality_lut
from pydicom.pixels.utils import pixel_array
from pydicom.uid import (
    HTJ2K,
    JPEG2000,
    UID,
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    HTJ2KLossless,
    HTJ2KLosslessRPCL,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGBaseline8Bit,
    JPEGExtended12Bit,
    JPEGLossless,
    JPEGLosslessSV1,
    JPEGLSLossless,
    JPEGLSNearLossless,
    RLELossless,
)

from labeling.media.frames import (
    MAX_DECODED,
    MAX_FRAMES,
    Frame,
    Grey,
    Header,
    Pixels,
    Undecodable,
    Window,
    in_two_bytes,
    light_of,
    whole_range,
)

DECODED_BY: Final[dict[UID, str]] = {
    ImplicitVRLittleEndian: "",
    ExplicitVRLittleEndian: "",
    ExplicitVRBigEndian: "",
    DeflatedExplicitVRLittleEndian: "",
    RLELossless: "pylibjpeg",
    JPEGBaseline8Bit: "pillow",
    JPEGExtended12Bit: "imagecodecs",
    JPEGLossless: "imagecodecs",
    JPEGLosslessSV1: "imagecodecs",
    JPEGLSLossless: "pyjpegls",
    JPEGLSNearLossless: "pyjpegls",
    JPEG2000Lossless: "pylibjpeg",
    JPEG2000: "pylibjpeg",
    HTJ2KLossless: "pylibjpeg",
    HTJ2KLosslessRPCL: "pylibjpeg",
    HTJ2K: "pylibjpeg",
}
"""Which of pydicom's plug-ins decodes a transfer syntax; the first four need none. Named, since the order
in which pydicom tries them decides the pixels of files that contradict themselves."""

for _decoder in (JPEGExtended12BitDecoder, JPEGLosslessDecoder, JPEGLosslessSV1Decoder):
    if "imagecodecs" not in _decoder.available_plugins:
        _decoder.add_plugin("imagecodecs", ("labeling.media.dicom_jpeg", "decode_frame"))

_IMAGE: Final = [
    "Rows",
    "Columns",
    "NumberOfFrames",
    "SamplesPerPixel",
    "PhotometricInterpretation",
    "BitsAllocated",
    "BitsStored",
    "HighBit",
    "PixelRepresentation",
]
_LIGHT: Final = [
    *_IMAGE,
    "Modality",
    "RescaleSlope",
    "RescaleIntercept",
    "RescaleType",
    "Units",
    "ModalityLUTSequence",
    "VOILUTSequence",
    "VOILUTFunction",
    "WindowCenter",
    "WindowWidth",
    "PixelPaddingValue",
    "PixelPaddingRangeLimit",
    "PresentationLUTShape",
    "RedPaletteColorLookupTableDescriptor",
    "GreenPaletteColorLookupTableDescriptor",
    "BluePaletteColorLookupTableDescriptor",
    "RedPaletteColorLookupTableData",
    "GreenPaletteColorLookupTableData",
    "BluePaletteColorLookupTableData",
    "SegmentedRedPaletteColorLookupTableData",
    "SegmentedGreenPaletteColorLookupTableData",
    "SegmentedBluePaletteColorLookupTableData",
    "SharedFunctionalGroupsSequence",
    "PerFrameFunctionalGroupsSequence",
]
_UNITS: Final = frozenset(
    {"HU", "OD", "MGML", "Z_EFF", "ED", "EDW", "HU_MOD", "PCT"}  # of Rescale Type
    | {
        "CNTS",
        "CM2",
        "PCNT",
        "CPS",
        "BQML",
        "MGMINML",
        "UMOLMINML",
        "MLMING",
        "MLG",
        "1CM",
        "UMOLML",
    }
    | {"PROPCNTS", "PROPCPS", "MLMINML", "MLML", "GML", "STDDEV"}  # of Units
)
"""Defined terms. Both fields take free text, which is not passed on."""

_LOOKED_AT: Final = 200_000_000
"""Bytes of pixels that are read to see whether there are more of them than stated."""

_PALETTE: Final = "PALETTE COLOR"
_GREY: Final = ("MONOCHROME1", "MONOCHROME2")
_COLOURS: Final = ("RGB", "YBR_FULL", "YBR_FULL_422", "YBR_ICT", "YBR_RCT")


def read_header(file: BinaryIO) -> Header:
    """The size and the number of frames of a DICOM file.

    Raises:
        Undecodable: it is none, holds no image, or one that can't be shown.
    """
    dataset = _read(file, _IMAGE)
    return Header(int(dataset.Columns), int(dataset.Rows), _frames(dataset))


def decode(file: BinaryIO, frame: int) -> Frame:
    """One frame: modality step, window and inversion applied to what is shown.

    Raises:
        Undecodable: there is no such frame, it is damaged, or of a kind that is not shown.
    """
    dataset = _read(file, _LIGHT)
    frames = _frames(dataset)
    if frame >= frames:
        raise Undecodable(f"there is no frame {frame + 1}: it has {frames:,}")
    if int(dataset.Rows) * int(dataset.Columns) > MAX_DECODED:
        raise Undecodable(f"{dataset.Columns:,} x {dataset.Rows:,} pixels are too many to decode")
    pixels = _pixels(file, dataset, frame)
    notes: list[str] = []
    if int(dataset.HighBit) > int(dataset.BitsStored) - 1:
        notes.append("high_bit_ignored")
    if frame == 0 and _holds_more(file, dataset, frames):
        notes.append("more_frames")
    if dataset.PhotometricInterpretation in _GREY:
        return _grey(dataset, frame, pixels, notes)
    if dataset.PhotometricInterpretation == _PALETTE:
        try:
            return Frame(_high_byte(apply_color_lut(pixels, dataset)), notes=tuple(notes))
        except MemoryError:
            raise
        except Exception:
            raise Undecodable("its palette is missing or damaged") from None
    return Frame(_eight_bits(pixels, int(dataset.BitsStored)), notes=tuple(notes))


def _read(file: BinaryIO, tags: list[str]) -> Dataset:
    """The tags named, of a file that holds an image which can be shown."""
    file.seek(0)
    try:
        dataset = dcmread(file, force=True, stop_before_pixels=True, specific_tags=list(tags))
    except (MemoryError, Undecodable):
        raise
    except Exception:
        raise Undecodable("not a DICOM file, or its header is damaged") from None
    if not getattr(dataset, "file_meta", None):
        dataset.file_meta = FileMetaDataset()
    if "Rows" not in dataset or "Columns" not in dataset:
        named = "MediaStorageSOPClassUID" in dataset.file_meta
        raise Undecodable(
            "this DICOM file holds no image" if named else "not a DICOM image, or its header is cut"
        )
    if "TransferSyntaxUID" not in dataset.file_meta:
        dataset.file_meta.TransferSyntaxUID = _guessed(dataset)
    syntax = dataset.file_meta.TransferSyntaxUID
    if syntax not in DECODED_BY:
        known = syntax.is_transfer_syntax and not syntax.is_private
        raise Undecodable(
            f"{syntax.name if known else 'an unknown transfer syntax'} can't be decoded"
        )
    try:
        for tag in ("SamplesPerPixel", "BitsAllocated"):
            if not int(dataset[tag].value):
                raise ValueError
        dataset.BitsStored = int(dataset.get("BitsStored") or dataset.BitsAllocated)
        high = dataset.get("HighBit")
        dataset.HighBit = int(dataset.BitsStored - 1 if high is None else high)
        dataset.PixelRepresentation = int(dataset.get("PixelRepresentation") or 0)
        sides = int(dataset.Rows), int(dataset.Columns)
        colours = str(dataset.get("PhotometricInterpretation", ""))
    except Exception:
        raise Undecodable("the DICOM header doesn't describe its pixels") from None
    if not all(sides):
        raise Undecodable("its rows or columns are 0")
    if colours not in (*_GREY, _PALETTE, *_COLOURS):
        raise Undecodable("its photometric interpretation can't be shown")
    if (colours in _COLOURS) != (int(dataset.SamplesPerPixel) == 3):
        raise Undecodable("its samples per pixel contradict its photometric interpretation")
    return dataset


def _guessed(dataset: Dataset) -> UID:
    """The transfer syntax of a file that doesn't name one, as pydicom found it to be written."""
    implicit, little = dataset.original_encoding
    if implicit:
        return ImplicitVRLittleEndian
    return ExplicitVRLittleEndian if little else ExplicitVRBigEndian


def _frames(dataset: Dataset) -> int:
    try:
        frames = int(dataset.get("NumberOfFrames") or 1)
    except Exception:
        raise Undecodable("its number of frames is no number") from None
    if not 1 <= frames <= MAX_FRAMES:
        raise Undecodable(f"{frames:,} frames; from 1 to {MAX_FRAMES:,} can be labeled")
    return frames


def _holds_more(file: BinaryIO, dataset: Dataset, frames: int) -> bool:
    """Whether a file holds whole frames beyond the number that it states. Compressed ones are not counted."""
    if DECODED_BY[dataset.file_meta.TransferSyntaxUID]:
        return False
    samples = int(dataset.Rows) * int(dataset.Columns) * int(dataset.SamplesPerPixel)
    enough = (frames + 1) * samples * int(dataset.BitsAllocated) // 8
    if file.seek(0, SEEK_END) < enough or enough > _LOOKED_AT:
        return False
    file.seek(0)
    try:
        found: Any = dcmread(file, force=True, specific_tags=["PixelData"]).get_item("PixelData")
        return len(found.value) >= enough
    except MemoryError:
        raise
    except Exception:
        return False


def _pixels(file: BinaryIO, dataset: Dataset, frame: int) -> Pixels:
    """The stored values of a frame, colours as RGB whatever the file says they are."""
    syntax = dataset.file_meta.TransferSyntaxUID
    how: Any = {"index": frame, "decoding_plugin": DECODED_BY[syntax]}
    try:
        file.seek(0)
        return _native(pixel_array(file, **how))
    except (MemoryError, Undecodable):
        raise
    except Exception:
        pass  # files that are packed as a whole, or begin in the middle, are read as a whole
    try:
        file.seek(0)
        whole = dcmread(file, force=True)
        if not getattr(whole, "file_meta", None):
            whole.file_meta = FileMetaDataset()
        whole.file_meta.TransferSyntaxUID = syntax
        for tag in ("BitsStored", "HighBit", "PixelRepresentation"):
            setattr(whole, tag, getattr(dataset, tag))
        if "PixelData" not in whole:
            raise Undecodable("this DICOM file holds no pixels, or none that can be shown")
        return _native(pixel_array(whole, **how))
    except (MemoryError, Undecodable):
        raise
    except Exception:
        raise Undecodable("its pixels are cut off or damaged") from None


def _native(pixels: Pixels) -> Pixels:
    return pixels.astype(pixels.dtype.newbyteorder("="), copy=False)


def _grey(dataset: Dataset, frame: int, pixels: Pixels, notes: list[str]) -> Frame:
    settings = _Light(dataset, frame)
    padding = _padding(dataset, pixels)
    slope, intercept = settings.rescale(notes)
    if settings.modality_lut:
        try:
            pixels, slope, intercept = apply_modality_lut(pixels, dataset), 1.0, 0.0
            padding = None
        except Exception:
            notes.append("rescale_ignored")
    values, factor, offset, rounded = in_two_bytes(pixels)
    if rounded:
        notes.append("values_rounded")
    if factor != 1.0 or offset:
        padding = None
        intercept, slope = intercept + offset * slope, slope * factor
    image = values[(values < padding[0]) | (values > padding[1])] if padding else values
    image = image if image.size else values
    low, high = int(image.min()), int(image.max())
    ends = sorted((low * slope + intercept, high * slope + intercept))
    table = settings.voi_lut(notes)
    windows = [*([table.domain] if table else []), *settings.windows(notes)]
    grey = Grey(
        type=cast(Literal["uint8", "uint16", "int16"], values.dtype.name),
        low=low,
        high=high,
        slope=slope,
        intercept=intercept,
        unit=settings.unit,
        windows=windows or [whole_range(*ends)],
        inverted=settings.inverted,
        padding=padding,
    )
    if table is None:
        return Frame(light_of(values, grey), values, grey, tuple(notes))
    light = table.light(values * slope + intercept)
    shown = 255 - light if grey.inverted else light
    if padding:
        shown[(values >= padding[0]) & (values <= padding[1])] = 0
    return Frame(shown, values, grey, tuple(notes))


def _padding(dataset: Dataset, pixels: Pixels) -> tuple[int, int] | None:
    """The range of stored values that stand for no image (PS3.3, C.7.5.1.1.2)."""
    try:
        one = dataset.get("PixelPaddingValue")
        if one is None:
            return None
        other = dataset.get("PixelPaddingRangeLimit")
        ends = sorted((int(one), int(one if other is None else other)))
    except Exception:
        return None
    # Written unsigned beside signed pixels, or the reverse, it means the same bits.
    info = np.iinfo(pixels.dtype)
    span = int(info.max) - int(info.min) + 1
    first, last = (
        end - span if end > info.max else end + span if end < info.min else end for end in ends
    )
    return (first, last) if info.min <= first <= last <= info.max else None


class _Table:
    """A VOI LUT: what each value becomes (PS3.3, C.11.2)."""

    def __init__(self, first: int, bits: int, data: list[int]) -> None:
        self._first = first
        top = max(2**bits - 1, max(data))
        self._light = np.rint(np.array(data) * (255 / top)).astype(np.uint8)
        self.domain = whole_range(first, first + len(data) - 1)

    def light(self, values: Pixels) -> Pixels:
        """Values in their unit as uint8; those outside the table become its ends."""
        at = np.clip(np.rint(values).astype(np.int64) - self._first, 0, len(self._light) - 1)
        return self._light[at]


class _Light:
    """Where a frame's modality and VOI settings stand: in the file, for all its frames, or for this one."""

    def __init__(self, dataset: Dataset, frame: int) -> None:
        self._dataset = dataset
        self._groups: list[Dataset] = []
        each = dataset.get("PerFrameFunctionalGroupsSequence") or []
        if frame < len(each):
            self._groups.append(each[frame])
        self._groups += list(dataset.get("SharedFunctionalGroupsSequence") or [])[:1]

    def _holder(self, sequence: str) -> Dataset:
        for group in self._groups:
            found = group.get(sequence)
            if found:
                return found[0]
        return self._dataset

    @property
    def modality_lut(self) -> bool:
        return bool(self._dataset.get("ModalityLUTSequence"))

    @property
    def inverted(self) -> bool:
        shape = self._dataset.get("PresentationLUTShape")
        if shape in ("INVERSE", "IDENTITY"):
            return shape == "INVERSE"
        return self._dataset.PhotometricInterpretation == "MONOCHROME1"

    @property
    def unit(self) -> str:
        holder = self._holder("PixelValueTransformationSequence")
        try:
            term = str(holder.get("RescaleType") or self._dataset.get("Units") or "").strip()
            plain = self._dataset.get("Modality") == "CT" and "RescaleSlope" in holder
        except Exception:
            return ""
        # A CT image without a type is in Hounsfield units (PS3.3, C.8.2.1.1.2).
        return term if term in _UNITS else "HU" if plain and not term else ""

    def rescale(self, notes: list[str]) -> tuple[float, float]:
        holder = self._holder("PixelValueTransformationSequence")
        try:
            slope, intercept = holder.get("RescaleSlope"), holder.get("RescaleIntercept")
            if slope is None and intercept is None:
                return 1.0, 0.0
            found = float(1 if slope is None else slope), float(intercept or 0)
        except Exception:
            found = (0.0, 0.0)
        if not found[0] or not np.isfinite(found).all():
            notes.append("rescale_ignored")
            return 1.0, 0.0
        return found

    def windows(self, notes: list[str]) -> list[Window]:
        holder = self._holder("FrameVOILUTSequence")
        try:
            function = str(holder.get("VOILUTFunction") or "LINEAR").strip().lower()
            centers, widths = (
                _numbers(holder.get("WindowCenter")),
                _numbers(holder.get("WindowWidth")),
            )
        except Exception:
            notes.append("window_ignored")
            return []
        if function not in ("linear", "linear_exact", "sigmoid"):
            function = "linear"
        least = 1 if function == "linear" else 0
        found = [
            Window(center=center, width=width, function=cast(Any, function))
            for center, width in zip(centers, widths, strict=False)
            if np.isfinite([center, width]).all() and width >= least and width > 0
        ]
        if len(found) != max(len(centers), len(widths)):
            notes.append("window_ignored")
        unique = {(window.center, window.width): window for window in found}
        return list(unique.values())

    def voi_lut(self, notes: list[str]) -> _Table | None:
        holder = self._holder("FrameVOILUTSequence")
        tables = holder.get("VOILUTSequence")
        if not tables:
            return None
        try:
            size, first, bits = (int(n) for n in tables[0].LUTDescriptor)
            data = tables[0].LUTData
            if isinstance(data, bytes):
                data = np.frombuffer(data, "<u2").tolist()
            return _Table(first, bits, [int(n) for n in data][: size or 65_536])
        except Exception:
            notes.append("window_ignored")
            return None


def _numbers(value: Any) -> list[float]:
    if value is None or value == "":
        return []
    many = value if hasattr(value, "__iter__") and not isinstance(value, str) else [value]
    return [float(one) for one in many]


def _high_byte(colours: Pixels) -> Pixels:
    """A palette's colours as uint8. Some that say 16 bits fill only the lower eight."""
    if colours.dtype == np.uint8:
        return colours[..., :3]
    return (colours >> 8 if colours.max() > 255 else colours).astype(np.uint8)[..., :3]


def _eight_bits(colours: Pixels, bits: int) -> Pixels:
    if colours.dtype == np.uint8 and bits == 8:
        return colours
    return np.rint(colours.astype(np.float64) * (255 / (2**bits - 1))).clip(0, 255).astype(np.uint8)
