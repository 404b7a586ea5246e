"""Models through onnxruntime: on a GPU where there is one, else on the processor. Imported when first used."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from labeling.assist.detection import FRAME, Looked, Networks, Refined
from labeling.assist.models import (
    BOXES,
    EMBEDDING,
    FITS,
    INPUT,
    MAPS,
    MASKS,
    PEAKS,
    REFINED,
    SCORES,
    ModelManifest,
    UnfitModel,
)
from labeling.assist.preprocess import SIDE

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from labeling.assist.inference import Predict

CUDA, PROCESSOR = "CUDAExecutionProvider", "CPUExecutionProvider"
_ERRORS_ONLY = 3

log = logging.getLogger("labelry")

_told: set[str] = set()


def open_model(manifest: ModelManifest, data: bytes) -> Predict:
    """Make a model's file ready: uint8 images in, scores out.

    Args:
        manifest: what the file is to be.
        data: the ONNX file.

    Raises:
        UnfitModel: it can't be read, or takes and gives something else than the manifest says.
    """
    session = open_session(data)
    inputs = {input_.name: input_ for input_ in session.get_inputs()}
    outputs = {output.name: output for output in session.get_outputs()}
    wanted = [manifest.side, manifest.side, 3]
    fits = (
        set(inputs) == {INPUT}
        and inputs[INPUT].type == "tensor(uint8)"
        and list(inputs[INPUT].shape[1:]) == wanted
        and {SCORES, EMBEDDING} <= set(outputs)
        and outputs[SCORES].shape[-1] in (len(manifest.classes), None)
    )
    if not fits:
        raise UnfitModel(
            f"the model takes {_shapes(inputs)} and gives {_shapes(outputs)}: it is none that Labelry "
            "exported for this project; train again"
        )
    return _scores_of(session)


def open_networks(
    classes: int, outlines: bool, finder: bytes, refiner: bytes, classifier: bytes
) -> Networks:
    """Make the three files of a model of boxes or polygons ready.

    Args:
        classes: that a crop may show.
        outlines: whether it is one of polygons.
        finder: the ONNX file that proposes boxes.
        refiner: the one that moves their edges, and gives a mask of each for a model of polygons.
        classifier: the one that says what a crop shows.

    Raises:
        UnfitModel: one can't be read, or takes and gives something else.
    """
    masks = {MASKS: None} if outlines else {}
    first, second, third = (open_session(data) for data in (finder, refiner, classifier))
    for session, inputs, outputs in (
        (first, {INPUT: [FRAME, FRAME, 3]}, {BOXES: 4, PEAKS: None, FITS: None}),
        (second, {BOXES: [None, 4], **dict.fromkeys(MAPS)}, {REFINED: 4, FITS: None} | masks),
        (third, {INPUT: [SIDE, SIDE, 3]}, {SCORES: classes + 1}),
    ):
        takes = {input_.name: input_ for input_ in session.get_inputs()}
        gives = {output.name: output for output in session.get_outputs()}
        fits = (
            set(takes) == set(inputs)
            and set(outputs) <= set(gives)
            and all(
                wanted is None or _fits(takes[name].shape[1:], wanted)
                for name, wanted in inputs.items()
            )
            and all(
                wanted is None or _fits(gives[name].shape[-1:], [wanted])
                for name, wanted in outputs.items()
            )
        )
        if not fits:
            raise UnfitModel(
                f"the model takes {_shapes(takes)} and gives {_shapes(gives)}: it is none that Labelry "
                "exported for this project; train again"
            )
    return _Networks(outlines, first, second, third)


def _fits(shape: Sequence[Any], wanted: Sequence[int | None]) -> bool:
    """Whether a shape is this one, where it is fixed at all."""
    return len(shape) == len(wanted) and all(
        want is None or not isinstance(have, int) or have == want
        for have, want in zip(shape, wanted, strict=True)
    )


@dataclass(frozen=True)
class _Networks:
    outlines: bool
    finder: Any
    refiner: Any
    classifier: Any

    def look(self, pixels: NDArray[np.uint8]) -> Looked:
        boxes, peaks, fits, *maps = self.finder.run([BOXES, PEAKS, FITS, *MAPS], {INPUT: pixels})
        return Looked(boxes, peaks, fits, tuple(maps))

    def refine(self, maps: Sequence[NDArray[np.float32]], boxes: NDArray[np.float32]) -> Refined:
        given = dict(zip(MAPS, maps, strict=True)) | {BOXES: boxes}
        return Refined(*self.refiner.run([REFINED, FITS, *[MASKS] * self.outlines], given))

    def classify(self, pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
        return self.classifier.run([SCORES], {INPUT: pixels})[0]


def _scores_of(session: Any) -> Callable[[NDArray[np.uint8]], NDArray[np.float32]]:
    def predict(pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
        return session.run([SCORES], {INPUT: pixels})[0]

    return predict


def open_session(data: bytes) -> Any:
    """A session of onnxruntime over an ONNX file, whose threads leave the processor to others.

    Raises:
        UnfitModel: the file can't be read.
    """
    onnxruntime = import_module("onnxruntime")
    onnxruntime.set_default_logger_severity(_ERRORS_ONLY)
    options = onnxruntime.SessionOptions()
    options.log_severity_level = _ERRORS_ONLY
    # Threads that spin while they wait take the processor from whoever decodes the next images.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    able = onnxruntime.get_available_providers()
    providers = [CUDA, PROCESSOR] if CUDA in able and _has_gpu() else [PROCESSOR]
    try:
        session = onnxruntime.InferenceSession(data, options, providers=providers)
    except Exception as error:
        # onnxruntime raises classes of its extension module, which no release keeps by name.
        raise UnfitModel(f"the model file can't be read: {str(error)[:200]}") from error
    used = session.get_providers()[0]
    if used not in _told:
        _told.add(used)
        log.info("models run on %s (onnxruntime %s)", used, onnxruntime.__version__)
    return session


def _has_gpu() -> bool:
    """Whether a driver is there: without, asking for CUDA costs a second and a page of warnings."""
    return any(Path(device).exists() for device in ("/dev/nvidiactl", "/dev/dxg"))


def _shapes(values: dict[str, Any]) -> str:
    return (
        ", ".join(f"{name} {value.type} {value.shape}" for name, value in values.items())
        or "nothing"
    )
