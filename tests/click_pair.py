"""A tiny pair of the signature of Segment Anything, that outlines what has the colour of what is clicked at.

The encoder averages the colours of cells of 4 x 4 pixels. In the decoder's masks a cell is above 0 whose
colour is near to that of a point inside, and nearer than to any outside.

    python -m tests.click_pair FOLDER     # writes both files
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from labeling.assist.clicks import (
    BEFORE,
    DECODER_FILE,
    ENCODER_FILE,
    HAS_BEFORE,
    IMAGE_SIZE,
    MASKS,
    POINT_LABELS,
    POINTS,
    QUALITY,
    SEEN,
)

SIDE = 256
_CELL = 4
_NEAR = 0.4
"""How far colours of the same thing may lie from each other, in the encoder's units."""


def encoder() -> bytes:
    """The encoder: (1, 3, 256, 256) becomes (1, 3, 64, 64)."""
    pool = helper.make_node(
        "AveragePool", ["image"], [SEEN], kernel_shape=[_CELL] * 2, strides=[_CELL] * 2
    )
    return _file(
        [pool],
        [_value("image", [1, 3, SIDE, SIDE])],
        [_value(SEEN, [1, 3, SIDE // _CELL, SIDE // _CELL])],
    )


def decoder() -> bytes:
    """The decoder, with one mask."""
    cells = SIDE // _CELL
    constants = {
        "cell": np.float32(_CELL),
        "most": np.float32(cells - 1),
        "least": np.float32(0),
        "near": np.float32(_NEAR),
        "near_not": np.float32(-_NEAR),
        "far": np.float32(100),
        "inside": np.float32(1),
        "outside": np.float32(0),
        "flat": np.array([3, cells * cells], np.int64),
        "row": np.int64(cells),
        "zero": np.array([0], np.int64),
        "one": np.array([1], np.int64),
        "two": np.array([2], np.int64),
        "axes": np.array([2, 3], np.int64),
        "corner": np.array([0, 0], np.int64),
        "grid": np.array([1, 1, cells, cells], np.int64),
        "frame": np.array([1, 1, SIDE, SIDE], np.int64),
        "side": np.float32(SIDE),
        "none": np.array([], np.float32),
        "good": np.array([[0.9]], np.float32),
        "half": np.float32(0.5),
    }
    node = helper.make_node
    nodes = [
        # The colour of each point's cell, and how far every cell is from it.
        node("Div", [POINTS, "cell"], ["p1"]),
        node("Clip", ["p1", "least", "most"], ["p2"]),
        node("Cast", ["p2"], ["p3"], to=TensorProto.INT64),
        node("Squeeze", ["p3", "zero"], ["p4"]),
        node("Split", ["p4"], ["px", "py"], axis=1, num_outputs=2),
        node("Mul", ["py", "row"], ["py1"]),
        node("Add", ["py1", "px"], ["p5"]),
        node("Squeeze", ["p5", "one"], ["places"]),
        node("Reshape", [SEEN, "flat"], ["colours"]),
        node("Gather", ["colours", "places"], ["clicked"], axis=1),
        node("Unsqueeze", ["colours", "two"], ["c1"]),
        node("Unsqueeze", ["clicked", "one"], ["c2"]),
        node("Sub", ["c1", "c2"], ["c3"]),
        node("ReduceL2", ["c3", "zero"], ["apart"], keepdims=0),
        # To the nearest point inside, and to the nearest outside.
        node("Equal", [POINT_LABELS, "inside"], ["is_in"]),
        node("Equal", [POINT_LABELS, "outside"], ["is_out"]),
        node("Where", ["is_in", "apart", "far"], ["d1"]),
        node("Where", ["is_out", "apart", "far"], ["d2"]),
        node("ReduceMin", ["d1", "one"], ["to_in"], keepdims=0),
        node("ReduceMin", ["d2", "one"], ["to_out"], keepdims=0),
        node("Min", ["to_out", "near"], ["limit"]),
        node("Sub", ["limit", "to_in"], ["m1"]),
        node("Clip", ["m1", "near_not", "near"], ["m1b"]),  # so that edges lie in the middle
        node("Reshape", ["m1b", "grid"], ["m2"]),
        # As Segment Anything does: to the frame, without its empty part, to the size asked for.
        node("Resize", ["m2", "", "", "frame"], ["low_res_masks"], mode="linear"),
        node("ReduceMax", [IMAGE_SIZE, "zero"], ["longest"], keepdims=1),
        node("Div", [IMAGE_SIZE, "longest"], ["s1"]),
        node("Mul", ["s1", "side"], ["s2"]),
        node("Add", ["s2", "half"], ["s3"]),
        node("Cast", ["s3"], ["ends"], to=TensorProto.INT64),
        node("Slice", ["low_res_masks", "corner", "ends", "axes"], ["m3"]),
        node("Cast", [IMAGE_SIZE], ["wanted"], to=TensorProto.INT64),
        node("Concat", ["one", "one", "wanted"], ["sizes"], axis=0),
        node("Resize", ["m3", "", "", "sizes"], [MASKS], mode="linear"),
        node("Identity", ["good"], [QUALITY]),
    ]
    inputs = [
        _value(SEEN, [1, 3, cells, cells]),
        _value(POINTS, [1, "n", 2]),
        _value(POINT_LABELS, [1, "n"]),
        _value(BEFORE, [1, 1, 4 * cells, 4 * cells]),
        _value(HAS_BEFORE, [1]),
        _value(IMAGE_SIZE, [2]),
    ]
    outputs = [
        _value(MASKS, [1, 1, "height", "width"]),
        _value(QUALITY, [1, 1]),
        _value("low_res_masks", [1, 1, SIDE, SIDE]),
    ]
    kept = [
        numpy_helper.from_array(np.asarray(constant), name) for name, constant in constants.items()
    ]
    return _file(nodes, inputs, outputs, kept)


def _value(name: str, shape: Sequence[int | str]) -> onnx.ValueInfoProto:
    return helper.make_tensor_value_info(name, TensorProto.FLOAT, list(shape))


def _file(
    nodes: Sequence[onnx.NodeProto],
    inputs: Sequence[onnx.ValueInfoProto],
    outputs: Sequence[onnx.ValueInfoProto],
    constants: Sequence[onnx.TensorProto] = (),
) -> bytes:
    graph = helper.make_graph(nodes, "stand-in", inputs, outputs, constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)
    onnx.checker.check_model(model, full_check=True)
    return model.SerializeToString()


if __name__ == "__main__":
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    (folder / ENCODER_FILE).write_bytes(encoder())
    (folder / DECODER_FILE).write_bytes(decoder())
