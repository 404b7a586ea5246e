#!/usr/bin/env bash
# onnxruntime 1.32.0 (CPU): the largest of some scores is a number although one of them is NaN.
#
# torch and numpy answer NaN, and the place of the NaN, for the maximum of a row that has one. ReduceMax and ArgMax of
# onnxruntime leave it out and give the largest of the others; TopK with k = 1 gives the NaN. So a model
# whose weights went wrong for one class, and whose graph ends in a maximum (score and class), gives confident answers
# in onnxruntime where the same model in torch says NaN: a comparison of the two on healthy input can't see it.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet onnxruntime==1.32.0 onnx==1.23.2 numpy==2.4.6
"$work/venv/bin/python" - <<'PY'
import numpy
import onnx
import onnxruntime
from onnx import TensorProto, helper

SCORES = numpy.array([[0.1, numpy.nan, 0.7, 0.2]], numpy.float32)


def answer(operator, outputs, type=TensorProto.FLOAT, more=(), **attributes):
    """What onnxruntime's operator makes of the scores."""
    inputs = ["scores", *(name for name, _ in more)]
    node = helper.make_node(operator, inputs, outputs, **attributes)
    given = [helper.make_tensor_value_info("scores", TensorProto.FLOAT, [1, 4])]
    given += [helper.make_tensor_value_info(name, TensorProto.INT64, [1]) for name, _ in more]
    graph = helper.make_graph([node], "g", given, [helper.make_tensor_value_info(outputs[0], type, None)])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=10)
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    return session.run(None, {"scores": SCORES, **dict(more)})[0].ravel()[0]


print("onnxruntime", onnxruntime.__version__, "| onnx", onnx.__version__, "| numpy", numpy.__version__)
print("numpy       max", SCORES.max(), "| argmax", SCORES.argmax())
largest = answer("ReduceMax", ["largest"], keepdims=0)
where = answer("ArgMax", ["where"], TensorProto.INT64, axis=1)
first = answer("TopK", ["first", "at"], more=[("k", numpy.array([1]))])
print("onnxruntime ReduceMax", largest, "| ArgMax", where, "| TopK", first)
assert numpy.isnan(SCORES.max()) and SCORES.argmax() == 1
assert largest == numpy.float32(0.7) and where == 2, "the NaN is seen now"
assert numpy.isnan(first), "TopK leaves the NaN out as well now"
print("as described: two operators leave the NaN out, one puts it first")
PY
