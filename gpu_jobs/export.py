"""Writes a model as one ONNX file: pixels in, scores and embedding out; refused unless both sides agree.

The network cut at its last fully-connected layer comes free: one pass gives what is suggested and what
groups images. Weights and normalisation are inside the file, and the version is the one that the
deployed runtime reads.
"""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import onnx
import onnxruntime
import torch
from torch import nn

from gpu_jobs import CannotFinish
from gpu_jobs.embed import Backbone, Pixels
from gpu_jobs.train import Head
from labeling.assist.models import EMBEDDING, INPUT, IR, OPSET, SCORES
from labeling.assist.preprocess import SIDE

TOLERANCE = 1e-3
"""By which a score or a part of an embedding may differ between torch and onnxruntime. Different kernels
round differently, about 1e-6 here; a thousandth changes no decision that was proven on a grid."""


class Classifier(nn.Module):
    """A backbone with a head on it."""

    def __init__(self, network: Backbone, head: Head) -> None:
        super().__init__()
        self.network = network
        self.linear = nn.Linear(head.weight.shape[1], head.weight.shape[0])
        self.linear.weight.data = torch.from_numpy(head.weight)
        self.linear.bias.data = torch.from_numpy(head.bias)
        self.exclusive = head.task_type == "multiclass"

    def forward(self, images: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Scores (n, classes) and embeddings (n, d) of pixels (n, 224, 224, 3)."""
        embedding = self.network(images)  # (n, d)
        logits = self.linear(embedding)  # (n, classes)
        return (logits.softmax(-1) if self.exclusive else logits.sigmoid()), embedding


def export(network: Backbone, head: Head, photos: Pixels) -> bytes:
    """The ONNX file of a model.

    Args:
        network: what embeds.
        head: what it is followed by.
        photos: (n, 224, 224, 3) real ones, with which both sides are compared.

    Raises:
        CannotFinish: the file does not hold what it should, or does not compute the same.
    """
    model = Classifier(network, head).eval().cpu()
    # An example of one image would fix the size of the batch.
    example = torch.zeros(2, SIDE, SIDE, 3, dtype=torch.uint8)
    shapes = {INPUT: {0: torch.export.Dim("batch")}}
    data = onnx_of(model, (example,), [INPUT], [SCORES, EMBEDDING], shapes)
    _compare(data, model, photos)
    return data


def onnx_of(
    model: nn.Module,
    example: tuple[Any, ...],
    inputs: Sequence[str],
    outputs: Sequence[str],
    shapes: Any,
) -> bytes:
    """The ONNX file of a network, of the version that the deployed runtime reads, with its weights inside.

    Args:
        model: on the processor, not in training.
        example: what it takes, by which it is traced.
        inputs: names of what it takes, one a tensor.
        outputs: names of what it gives.
        shapes: which sizes of which input may change, by the names of `forward`.

    Raises:
        CannotFinish: the file does not hold what it should.
    """
    with TemporaryDirectory() as folder, _quietly(), _not_in_place(model):
        file = Path(folder, "model.onnx")
        torch.onnx.export(
            model,
            example,
            file,
            input_names=list(inputs),
            output_names=list(outputs),
            dynamic_shapes=shapes,
            opset_version=OPSET,
            dynamo=True,
            external_data=False,  # a second file beside it would be lost
            verbose=False,
        )
        made = onnx.load(file)
    made.ir_version = IR
    _check(made)
    return made.SerializeToString()


def _check(made: onnx.ModelProto) -> None:
    """An exporter that can't give the version asked for says so in a log only."""
    onnx.checker.check_model(made)
    versions = {proto.domain: proto.version for proto in made.opset_import}
    if versions.get("") != OPSET:
        raise CannotFinish(f"the export is of opset {versions.get('')}, and {OPSET} was asked for")
    if any(proto.data_location == onnx.TensorProto.EXTERNAL for proto in made.graph.initializer):
        raise CannotFinish("the export left weights outside its file")


def _compare(data: bytes, model: nn.Module, photos: Pixels) -> None:
    session = onnxruntime.InferenceSession(data, providers=["CPUExecutionProvider"])
    for batch in (photos, photos[:1]):
        with torch.inference_mode():
            expected = [one.numpy() for one in model(torch.from_numpy(batch))]
        found = session.run([SCORES, EMBEDDING], {INPUT: batch})
        for name, ours, theirs in zip((SCORES, EMBEDDING), expected, found, strict=True):
            apart = float(np.abs(ours - theirs).max()) if ours.shape == theirs.shape else np.inf
            if not apart <= TOLERANCE:  # NaN is not
                raise CannotFinish(
                    f"the exported model computes another {name} than the trained one: they are "
                    f"{apart:.2g} apart on {len(batch)} photos"
                )


@contextmanager
def _not_in_place(model: nn.Module) -> Iterator[None]:
    """What writes over its input takes the exporter twice as long (torch 2.15), to the same nodes."""
    saving = [part for part in model.modules() if getattr(part, "inplace", False)]
    for part in saving:
        part.inplace = False
    try:
        yield
    finally:
        for part in saving:
            part.inplace = True


@contextmanager
def _quietly() -> Iterator[None]:
    """The exporter prints pages about what goes well."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        before = logging.root.manager.disable
        logging.disable(logging.WARNING)
        try:
            yield
        finally:
            logging.disable(before)
