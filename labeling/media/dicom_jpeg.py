"""A decoder for pydicom of the two JPEG processes that its other plug-ins under a fitting licence don't read:
12 bits (process 4) and lossless (process 14). By imagecodecs, which has libjpeg-turbo."""

from __future__ import annotations

import imagecodecs
from pydicom import uid
from pydicom.pixels.decoders.base import DecodeRunner

DECODER_DEPENDENCIES = {
    uid.JPEGExtended12Bit: ("imagecodecs",),
    uid.JPEGLossless: ("imagecodecs",),
    uid.JPEGLosslessSV1: ("imagecodecs",),
}


def is_available(transfer_syntax: str) -> bool:
    """Whether this decodes a transfer syntax."""
    return transfer_syntax in DECODER_DEPENDENCIES


def decode_frame(src: bytes, runner: DecodeRunner) -> bytes | bytearray:
    """The pixels of one frame, little endian, channels interleaved."""
    pixels = imagecodecs.jpeg8_decode(src)
    runner.set_option("bits_allocated", pixels.dtype.itemsize * 8)
    return pixels.tobytes()
