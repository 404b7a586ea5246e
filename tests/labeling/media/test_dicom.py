from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
import pydicom.data
import pytest
from numpy.typing import NDArray
from pydicom import Dataset, FileMetaDataset, dcmread, dcmwrite
from pydicom.encaps import encapsulate
from pydicom.uid import (
    HTJ2K,
    UID,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    HTJ2KLossless,
    HTJ2KLosslessRPCL,
    ImplicitVRLittleEndian,
    JPEGLossless,
    JPEGLosslessSV1,
)

from labeling.media.dicom import DECODED_BY, decode, read_header
from labeling.media.frames import Frame, Undecodable

SAMPLES = Path(pydicom.data.__file__).parent / "test_files"
RAMP = np.arange(-1000, 1000, dtype=np.int16).reshape(40, 50)
SAID: dict[str, str] = {
    "JPEG2000-embedded-sequence-delimiter.dcm": "its pixels are cut off or damaged",
    "MR_truncated.dcm": "its pixels are cut off or damaged",
    "badVR.dcm": "its number of frames is no number",
}
"""Samples that hold an image and are refused: pydicom 3.0.2 itself fails on the first two's pixels, and
reads no number of frames from the third."""


@pytest.fixture(autouse=True)
def _quiet() -> Iterator[None]:
    """pydicom warns of odd files. In the product it does so in a child nobody hears."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def dicom(
    pixels: NDArray[Any] = RAMP,
    *,
    syntax: UID = ExplicitVRLittleEndian,
    data: bytes | None = None,
    **tags: Any,
) -> BytesIO:
    """A DICOM file of these pixels: (rows, columns), or with 3 samples, or frames before them."""
    dataset = Dataset()
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = syntax
    dataset.file_meta.MediaStorageSOPClassUID = UID("1.2.840.10008.5.1.4.1.1.7")
    dataset.file_meta.MediaStorageSOPInstanceUID = UID("1.2.3")
    colour = pixels.ndim > 2 and pixels.shape[-1] == 3
    shape = pixels.shape[:-1] if colour else pixels.shape
    dataset.Rows, dataset.Columns = shape[-2:]
    if len(shape) == 3:
        dataset.NumberOfFrames = shape[0]
    bits = pixels.dtype.itemsize * 8
    dataset.SamplesPerPixel = 3 if colour else 1
    dataset.PhotometricInterpretation = "RGB" if colour else "MONOCHROME2"
    if colour:
        dataset.PlanarConfiguration = 0
    dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit = bits, bits, bits - 1
    dataset.PixelRepresentation = int(pixels.dtype.kind == "i")
    for name, value in tags.items():
        setattr(dataset, name, value)
    order = ">" if syntax == ExplicitVRBigEndian else "<"
    dataset.PixelData = data or pixels.astype(pixels.dtype.newbyteorder(order)).tobytes()
    if data:
        dataset["PixelData"].VR = "OB"
    elif bits > 8:
        dataset["PixelData"].VR = "OW"
    file = BytesIO()
    dcmwrite(file, dataset, enforce_file_format=True)
    return file


def refusal(file: BytesIO, frame: int = 0) -> str:
    with pytest.raises(Undecodable) as caught:
        decode(file, frame)
    return str(caught.value)


def samples() -> list[Path]:
    """pydicom's own files that say of themselves that they are images."""
    found: list[Path] = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for path in sorted(SAMPLES.rglob("*")):
            if path.is_file() and path.suffix not in (".json", ".dump", ".gz", ".icc", ".txt"):
                header = dcmread(path, stop_before_pixels=True, force=True)
                found += [path] if "Rows" in header else []
    return found


@pytest.mark.parametrize("path", samples(), ids=lambda path: path.name)
def test_every_sample_of_pydicom_is_decoded_as_pydicom_does_or_refused_with_a_reason(
    path: Path,
) -> None:
    with path.open("rb") as file:
        if path.name in SAID:
            with pytest.raises(Undecodable, match=SAID[path.name]):
                decode(file, read_header(file).frames - 1)
            return
        frames = read_header(file).frames
        found = decode(file, frames - 1)

    dataset = dcmread(path, force=True)
    whole = dataset.pixel_array
    expected = whole[-1] if frames > 1 else whole
    assert found.shown.shape[:2] == (dataset.Rows, dataset.Columns)
    if found.values is not None and found.grey is not None:
        # Within half a step where 32 bits had to be rounded to 16; otherwise equal.
        slope = float(dataset.get("RescaleSlope") or 1)
        intercept = float(dataset.get("RescaleIntercept") or 0)
        real = found.values * found.grey.slope + found.grey.intercept
        step = found.grey.slope if "values_rounded" in found.notes else 0.0
        assert np.abs(real - (expected * slope + intercept)).max() <= step / 2 + 1e-9
    elif dataset.PhotometricInterpretation != "PALETTE COLOR":
        top = 2**dataset.BitsStored - 1
        assert np.abs(found.shown - expected * (255 / top)).max() <= 0.5


@pytest.mark.parametrize("name", ["rtplan.dcm", "test-SR.dcm", "waveform_ecg.dcm"])
def test_a_dicom_file_without_an_image_says_so(name: str) -> None:
    with pytest.raises(Undecodable, match="holds no image"), (SAMPLES / name).open("rb") as file:
        read_header(file)


@pytest.mark.parametrize("data", [b"", b"x" * 200, b"\0" * 128 + b"DICM" + b"\0" * 50])
def test_what_is_no_dicom_file_is_refused(data: bytes) -> None:
    with pytest.raises(Undecodable):
        read_header(BytesIO(data))


@pytest.mark.parametrize(
    "syntax", [ImplicitVRLittleEndian, ExplicitVRLittleEndian, ExplicitVRBigEndian]
)
def test_signed_values_come_through_in_both_byte_orders(syntax: UID) -> None:
    found = decode(dicom(syntax=syntax), 0)

    assert found.values is not None
    assert found.values.dtype == np.int16
    assert np.array_equal(found.values, RAMP)


@pytest.mark.parametrize("syntax", [HTJ2KLossless, HTJ2KLosslessRPCL, HTJ2K])
def test_high_throughput_jpeg_2000_is_decoded(syntax: UID) -> None:
    pixels = (RAMP + 1000).astype(np.uint16)
    stream = imagecodecs.htj2k_encode(pixels, reversible=True)

    found = decode(dicom(pixels, syntax=syntax, data=encapsulate([stream])), 0)

    assert np.array_equal(found.values, pixels)


@pytest.mark.parametrize("syntax", [JPEGLossless, JPEGLosslessSV1])
def test_lossless_jpeg_of_16_bits_is_decoded_exactly(syntax: UID) -> None:
    pixels = (RAMP.astype(np.int32) + 40_000).astype(np.uint16)
    stream = imagecodecs.jpeg8_encode(pixels, lossless=True, predictor=1, bitspersample=16)

    found = decode(dicom(pixels, syntax=syntax, data=encapsulate([stream])), 0)

    assert np.array_equal(found.values, pixels)


def test_lossless_jpeg_and_run_lengths_of_the_same_picture_agree() -> None:
    with (SAMPLES / "SC_rgb_jpeg_gdcm.dcm").open("rb") as one:
        jpeg = decode(one, 0)
    with (SAMPLES / "SC_rgb_rle.dcm").open("rb") as other:
        rle = decode(other, 0)

    assert np.array_equal(jpeg.shown, rle.shown)


@pytest.mark.parametrize(
    ("uid", "name"),
    [
        ("1.2.840.10008.1.2.1.98", "Encapsulated Uncompressed Explicit VR Little Endian"),
        ("1.2.840.10008.1.2.4.102", "MPEG-4 AVC/H.264 High Profile"),
    ],
)
def test_a_transfer_syntax_that_is_not_decoded_is_named(uid: str, name: str) -> None:
    """pydicom 3.0.2 reads neither encapsulated uncompressed pixels nor video."""
    file = dicom(syntax=UID(uid), data=encapsulate([RAMP.tobytes()]))

    with pytest.raises(Undecodable) as caught:
        read_header(file)

    assert name in str(caught.value)


def test_each_transfer_syntax_names_its_decoder() -> None:
    """pydicom lists plug-ins by alphabet and tries them in another order: which one it is decides the pixels
    of JPEG 2000 files whose sign flag contradicts the header."""
    from pydicom.pixels import get_decoder

    for syntax, plugin in DECODED_BY.items():
        assert not plugin or plugin in get_decoder(syntax).available_plugins, syntax.name


def test_a_frame_is_read_without_the_others() -> None:
    stack = np.arange(200, dtype=np.uint16)[:, None, None] + np.zeros((200, 64, 64), np.uint16)
    file = Counting(dicom(stack).getvalue())

    found = decode(file, 150)

    assert found.values is not None
    assert set(found.values.flatten().tolist()) == {150}
    assert file.taken < 100_000 < len(file.getvalue())


class Counting(BytesIO):
    taken = 0

    def read(self, size: int | None = -1, /) -> bytes:
        data = super().read(size)
        self.taken += len(data)
        return data


def test_the_modality_step_comes_before_the_window_and_the_result_spans_8_bits() -> None:
    """pydicom 3.0.2 windows onto the modality range, as float64, and without the modality step shows white."""
    file = dicom(RescaleSlope=1, RescaleIntercept=-24, WindowCenter=40, WindowWidth=400)

    found = decode(file, 0)

    # PS3.3, C.11.2.1.2.1
    expected = ((RAMP - 24.0 - 39.5) / 399 + 0.5).clip(0, 1) * 255
    assert np.array_equal(found.shown, np.rint(expected))
    assert (found.shown.min(), found.shown.max()) == (0, 255)


@pytest.mark.parametrize(
    ("function", "light"),
    [
        ("LINEAR_EXACT", lambda x: (x - 40) / 400 + 0.5),
        ("SIGMOID", lambda x: 1 / (1 + np.exp(-4 * (x - 40) / 400))),
    ],
)
def test_the_functions_of_a_window_are_those_of_the_standard(
    function: str, light: Callable[[NDArray[Any]], NDArray[Any]]
) -> None:
    found = decode(dicom(WindowCenter=40, WindowWidth=400, VOILUTFunction=function), 0)

    assert np.array_equal(found.shown, np.rint(light(RAMP.astype(float)).clip(0, 1) * 255))


def test_several_windows_are_all_offered_the_first_is_shown() -> None:
    found = decode(dicom(WindowCenter=[40, -600], WindowWidth=[400, 1500]), 0)

    assert found.grey is not None
    assert [(window.center, window.width) for window in found.grey.windows] == [
        (40, 400),
        (-600, 1500),
    ]


@pytest.mark.parametrize(
    "tags",
    [
        {"WindowCenter": 40, "WindowWidth": 0},
        {"WindowCenter": None, "WindowWidth": 400},
        {"WindowCenter": 40},
    ],
)
def test_a_window_that_means_nothing_falls_back_to_all_there_is_and_says_so(
    tags: dict[str, Any],
) -> None:
    """pydicom 3.0.2 raises for a width below 1, and silently windows nothing for an empty center."""
    found = decode(dicom(**tags), 0)

    assert found.grey is not None
    assert [(window.center, window.width) for window in found.grey.windows] == [(-0.5, 1999)]
    assert found.notes == ("window_ignored",)


@pytest.mark.parametrize("slope", [None, 0])
def test_an_empty_or_zero_slope_is_left_out(slope: float | None) -> None:
    """pydicom 3.0.2 raises TypeError for an empty RescaleSlope."""
    found = decode(dicom(RescaleSlope=slope, RescaleIntercept=0), 0)

    assert found.grey is not None
    assert found.grey.slope == 1
    assert found.notes == (("rescale_ignored",) if slope == 0 else ())


def test_a_table_wins_over_a_window_and_is_scaled_by_its_own_bits() -> None:
    """pydicom 3.0.2 lets VOILUTSequence win too, and leaves its values as they are: here 10 bits."""
    table = Dataset()
    table.LUTDescriptor = [3, 10, 10]
    table.LUTData = np.array([0, 512, 1023], "<u2").tobytes()
    pixels = np.array([[9, 10, 11, 12, 13]], dtype=np.uint16)

    found = decode(dicom(pixels, VOILUTSequence=[table], WindowCenter=1, WindowWidth=2), 0)

    assert found.shown.tolist() == [[0, 0, 128, 255, 255]]


def test_monochrome1_is_inverted_once() -> None:
    """pydicom 3.0.2 never inverts; highdicom 0.28 does by default."""
    found = decode(dicom(PhotometricInterpretation="MONOCHROME1"), 0)
    plain = decode(dicom(), 0)

    assert found.grey is not None
    assert found.grey.inverted
    assert np.array_equal(found.shown, 255 - plain.shown)
    assert np.array_equal(found.values, RAMP)


def test_padding_is_black_and_does_not_count() -> None:
    pixels = np.array([[-2000, 0, 100]], dtype=np.int16)

    found = decode(
        dicom(pixels, PixelPaddingValue=-2000, PhotometricInterpretation="MONOCHROME1"), 0
    )

    assert found.grey is not None
    assert (found.grey.low, found.grey.high) == (0, 100)
    assert found.shown.tolist() == [[0, 255, 0]]


def test_a_palette_of_16_bits_is_shown_with_8() -> None:
    """pydicom 3.0.2's apply_color_lut gives uint16."""
    palette: dict[str, Any] = {}
    for name, data in (("Red", [0, 65535]), ("Green", [65535, 0]), ("Blue", [0, 32896])):
        palette[f"{name}PaletteColorLookupTableDescriptor"] = [2, 0, 16]
        palette[f"{name}PaletteColorLookupTableData"] = np.array(data, "<u2").tobytes()
    pixels = np.array([[0, 1]], dtype=np.uint8)

    found = decode(dicom(pixels, PhotometricInterpretation="PALETTE COLOR", **palette), 0)

    assert found.shown.tolist() == [[[0, 255, 0], [255, 0, 128]]]


def test_a_palette_that_is_missing_is_a_reason() -> None:
    pixels = np.array([[0, 1]], dtype=np.uint8)

    assert "palette" in refusal(dicom(pixels, PhotometricInterpretation="PALETTE COLOR"))


def test_ybr_is_converted_once() -> None:
    """pydicom 3.0.2 gives RGB for YBR_FULL, and leaves PhotometricInterpretation as it was."""
    red = np.array([[[76, 85, 255], [76, 85, 255]]], dtype=np.uint8)

    found = decode(dicom(red, PhotometricInterpretation="YBR_FULL"), 0)

    assert np.abs(found.shown[0, 0].astype(int) - [254, 0, 0]).max() <= 1


def test_frames_of_an_enhanced_file_have_their_own_values_and_windows() -> None:
    """pydicom 3.0.2 returns them unchanged, silently."""

    def group(intercept: int, center: int) -> Dataset:
        values, window, one = Dataset(), Dataset(), Dataset()
        values.RescaleSlope, values.RescaleIntercept, values.RescaleType = 2, intercept, "HU"
        window.WindowCenter, window.WindowWidth = center, 100
        one.PixelValueTransformationSequence = [values]
        one.FrameVOILUTSequence = [window]
        return one

    stack = np.stack([RAMP, RAMP])
    file = dicom(stack, PerFrameFunctionalGroupsSequence=[group(10, 40), group(-500, 300)])

    found = [decode(file, number).grey for number in range(2)]

    assert [(g.slope, g.intercept, g.unit, g.windows[0].center) for g in found if g] == [
        (2, 10, "HU", 40),
        (2, -500, "HU", 300),
    ]


def test_frames_beyond_the_number_stated_are_not_there() -> None:
    """pydicom 3.0.2 warns, and its two ways to read them differ."""
    stack = np.stack([RAMP, RAMP, RAMP])
    file = dicom(stack, NumberOfFrames=2)

    assert read_header(file).frames == 2
    assert decode(file, 1).shown.shape == (40, 50)
    assert decode(file, 0).notes == ("more_frames",)
    assert decode(dicom(stack), 0).notes == ()
    assert refusal(file, 2) == "there is no frame 3: it has 2"


def test_a_high_bit_that_is_ignored_is_noted() -> None:
    found = decode(dicom(BitsStored=12, HighBit=15), 0)

    assert "high_bit_ignored" in found.notes


def test_a_file_cut_off_in_its_pixels_is_refused() -> None:
    whole = dicom().getvalue()

    assert refusal(BytesIO(whole[:-100])) == "its pixels are cut off or damaged"


def test_free_text_beside_the_pixels_is_not_passed_on() -> None:
    file = dicom(
        RescaleSlope=1,
        RescaleIntercept=0,
        RescaleType="MARIE CURIE",
        WindowCenter=[1, 2],
        WindowWidth=[10, 20],
        WindowCenterWidthExplanation=["MARIE", "CURIE"],
    )

    found: Frame = decode(file, 0)

    assert "CURIE" not in str(found.grey)
    assert found.grey is not None
    assert found.grey.unit == ""
