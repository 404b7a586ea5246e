"""A real model, small enough to be made on the spot: it tells red, green and blue images apart."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any, Literal

import pytest

from labeling import layout
from labeling.assist.jobs import JobClass
from labeling.assist.models import (
    EMBEDDING,
    INPUT,
    IR,
    MANIFEST,
    MODEL,
    OPSET,
    SCORES,
    ModelManifest,
)
from labeling.assist.preprocess import SIDE
from labeling.storage import Storage


def colour_model(sharpness: float = 0.05) -> bytes:
    """An ONNX file: scores are the softmax (of `sharpness` times) the mean red, green and blue."""
    onnx = pytest.importorskip("onnx", reason="needs the package onnx, which makes the model")
    make, kinds = onnx.helper, onnx.TensorProto
    nodes = [
        make.make_node("Cast", [INPUT], ["floats"], to=kinds.FLOAT),
        make.make_node("ReduceMean", ["floats", "axes"], [EMBEDDING], keepdims=0),
        make.make_node("Mul", [EMBEDDING, "sharpness"], ["logits"]),
        make.make_node("Softmax", ["logits"], [SCORES], axis=-1),
    ]
    graph = make.make_graph(
        nodes,
        "colours",
        [make.make_tensor_value_info(INPUT, kinds.UINT8, ["batch", SIDE, SIDE, 3])],
        [
            make.make_tensor_value_info(SCORES, kinds.FLOAT, ["batch", 3]),
            make.make_tensor_value_info(EMBEDDING, kinds.FLOAT, ["batch", 3]),
        ],
        [
            make.make_tensor("axes", kinds.INT64, [2], [1, 2]),
            make.make_tensor("sharpness", kinds.FLOAT, [1], [sharpness]),
        ],
    )
    model = make.make_model(graph, opset_imports=[make.make_opsetid("", OPSET)], ir_version=IR)
    return model.SerializeToString()


def publish(
    storage: Storage,
    project_id: str,
    run_id: str,
    *,
    classes: tuple[str, ...] = ("c1", "c2", "c3"),
    threshold: float | None = 0.9,
    task_type: Literal["multiclass", "multilabel"] = "multiclass",
    data: bytes | None = None,
    **changed: Any,
) -> ModelManifest:
    """Put a model where a training job would."""
    file = colour_model() if data is None else data
    manifest = ModelManifest(
        model_id=run_id,
        project_id=project_id,
        task_type=task_type,
        classes=[JobClass(class_id=class_, name=class_) for class_ in classes],
        side=SIDE,
        features=3,
        threshold=threshold,
        precision=0.95,
        confidence=0.9,
        snapshot_sha256="0" * 64,
        onnx_sha256=sha256(file).hexdigest(),
        opset=OPSET,
        ir=IR,
        backbone="colours",
        created_at=datetime(2026, 1, 1, tzinfo=UTC),
    )
    text = json.dumps({**manifest.model_dump(mode="json"), **changed}).encode()
    for name, content in ((MODEL, file), (MANIFEST, text)):
        path = layout.model_blob(project_id, run_id, name)
        storage.blobs.write(layout.MODELS, path, content, content_type="application/octet-stream")
    return manifest
