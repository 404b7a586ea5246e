"""Lets the encoder of a click model look at images, through onnxruntime: on a GPU where there is one."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from gpu_jobs import CannotFinish
from labeling.adapters.onnx import open_session
from labeling.assist.clicks import (
    BEFORE,
    DECODER_FILE,
    ENCODER_FILE,
    HAS_BEFORE,
    IMAGE_SIZE,
    MASKS,
    MEAN,
    POINT_LABELS,
    POINTS,
    QUALITY,
    SEEN,
    SPREAD,
)
from labeling.assist.models import UnfitModel
from labeling.assist.preprocess import decoded
from labeling.assist.runs import ClickModel

_MASK_SCALE = 4
"""How many times finer than what the encoder gives a decoder's first mask is."""


@dataclass(frozen=True)
class Encoder:
    """An encoder that fits its decoder."""

    model: ClickModel
    _session: Any
    _input: str
    _output: str

    def framed(self, data: bytes) -> NDArray[np.float32]:
        """An image as the encoder takes it.

        Upright and in sRGB, scaled to the frame's side on its longer side, less the mean and divided by the
        spread of each colour, with zeros on the right or below.

        Args:
            data: a JPEG, PNG, BMP or WebP file.

        Returns:
            (3, side, side).

        Raises:
            Unseeable: damaged, of another kind, or too large to be decoded.
        """
        side = self.model.side
        image = decoded(data, side)
        scale = side / max(image.size)
        width, height = (max(1, round(one * scale)) for one in image.size)
        scaled = image.resize((width, height), Image.Resampling.BILINEAR, reducing_gap=3.0)
        pixels = (np.asarray(scaled, np.float32) - np.float32(MEAN)) / np.float32(SPREAD)
        frame = np.zeros((3, side, side), np.float32)
        frame[:, :height, :width] = pixels.transpose(2, 0, 1)
        return frame

    def seen(self, frame: NDArray[np.float32]) -> NDArray[np.float16]:
        """What the encoder makes of an image (3, side, side): an array of the model's shape.

        Raises:
            CannotFinish: it is no number, or too large for 16 bits.
        """
        (found,) = self._session.run([self._output], {self._input: frame[None]})
        with np.errstate(over="ignore"):
            small = found[0].astype(np.float16)
        if not np.isfinite(small).all():
            raise CannotFinish(
                f"what {ENCODER_FILE} gives can't be kept in 16 bits: it is no finite number below 65,504"
            )
        return small


def encoder(encoder_file: bytes, decoder_file: bytes) -> Encoder:
    """Make a pair ready, and prove that one takes what the other gives.

    Args:
        encoder_file: the ONNX file; one input, float32 (1, 3, side, side), and one output `image_embeddings`.
        decoder_file: the ONNX file, whose inputs and outputs are those that Segment Anything exports.

    Raises:
        CannotFinish: one can't be read, or they take and give something else.
    """
    try:
        looks, decodes = open_session(encoder_file), open_session(decoder_file)
    except UnfitModel as why:
        raise CannotFinish(f"{ENCODER_FILE} or {DECODER_FILE}: {why}") from why
    takes, gives = looks.get_inputs(), looks.get_outputs()
    shape = takes[0].shape if len(takes) == 1 else []
    fits = (
        len(shape) == 4
        and takes[0].type == "tensor(float)"
        and shape[1] == 3
        and isinstance(shape[2], int)
        and shape[2] == shape[3]
        and [give.name for give in gives] == [SEEN]
    )
    if not fits:
        raise CannotFinish(
            f"{ENCODER_FILE} must take one image as float (1, 3, side, side), its side fixed, and give "
            f"{SEEN}; it takes {_named(takes)} and gives {_named(gives)}"
        )
    wanted = {SEEN, POINTS, POINT_LABELS, BEFORE, HAS_BEFORE, IMAGE_SIZE}
    has = {one.name for one in decodes.get_inputs()}
    makes = {output.name for output in decodes.get_outputs()}
    if has != wanted or not {MASKS, QUALITY} <= makes:
        raise CannotFinish(
            f"{DECODER_FILE} must take {', '.join(sorted(wanted))} and give {MASKS} and {QUALITY}, as "
            f"Segment Anything exports it; it takes {_named(decodes.get_inputs())} and gives "
            f"{_named(decodes.get_outputs())}"
        )
    side = shape[2]
    try:
        (seen,) = looks.run([SEEN], {takes[0].name: np.zeros((1, 3, side, side), np.float32)})
        height, width = side // 2, side // 4
        masks, quality = decodes.run([MASKS, QUALITY], _question(seen, side, (height, width)))
    except Exception as error:
        # onnxruntime raises classes of its extension module, which no release keeps by name.
        raise CannotFinish(
            f"{ENCODER_FILE} and {DECODER_FILE} don't work together: {str(error)[:300]}"
        ) from error
    if masks.shape[2:] != (height, width) or masks.shape[1] != quality.shape[-1]:
        raise CannotFinish(
            f"{DECODER_FILE} gives masks {list(masks.shape)} and {QUALITY} {list(quality.shape)} where "
            f"(1, k, {height}, {width}) and (1, k) were asked for"
        )
    digest = sha256(sha256(encoder_file).digest() + sha256(decoder_file).digest()).hexdigest()
    model = ClickModel(model_id=digest[:16], side=side, shape=seen.shape[1:])
    return Encoder(model, looks, takes[0].name, SEEN)


def _question(
    seen: NDArray[np.float32], side: int, size: tuple[int, int]
) -> dict[str, NDArray[np.float32]]:
    """One click in the middle of an image."""
    height, width = (_MASK_SCALE * one for one in seen.shape[2:])
    return {
        SEEN: seen,
        POINTS: np.array([[[side / 8, side / 8], [0, 0]]], np.float32),
        POINT_LABELS: np.array([[1, -1]], np.float32),
        BEFORE: np.zeros((1, 1, height, width), np.float32),
        HAS_BEFORE: np.zeros(1, np.float32),
        IMAGE_SIZE: np.array(size, np.float32),
    }


def _named(values: Any) -> str:
    return ", ".join(f"{value.name} {value.type} {value.shape}" for value in values) or "nothing"
