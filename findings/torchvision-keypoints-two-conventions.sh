#!/usr/bin/env bash
# torchvision 0.29.2: flips and rotations of KeyPoints count the same coordinates differently.
#
# A half turn is a horizontal and a vertical flip: true of images, of boxes, and of masks in transforms.v2. For
# tv_tensors.KeyPoints it is off by one pixel: a flip takes x to width - 1 - x (points are pixels), a rotation takes it to
# width - x (points are corners of pixels, like boxes). So a polygon's outline put in as key points, which is the only
# tv_tensor for it, moves by a pixel against its own box when flipped, and the point at the image's edge leaves it.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet uv
"$work/venv/bin/uv" pip install --quiet --python "$work/venv/bin/python" torch==2.15.0 torchvision==0.29.2
"$work/venv/bin/python" - <<'PY'
import torch
import torchvision
from torchvision import tv_tensors
from torchvision.transforms.v2 import functional as F

HEIGHT, WIDTH = 80, 100
size = (HEIGHT, WIDTH)
box = tv_tensors.BoundingBoxes(torch.tensor([[10.0, 20.0, 30.0, 50.0]]), format="XYXY", canvas_size=size)
outline = tv_tensors.KeyPoints(torch.tensor([[10.0, 20.0], [30.0, 20.0], [30.0, 50.0], [10.0, 50.0]]), canvas_size=size)


def around(points):
    """The box around the points."""
    return [*points.amin(0).tolist(), *points.amax(0).tolist()]


def flipped(thing):
    """A half turn as two flips."""
    return F.vertical_flip(F.horizontal_flip(thing))


def turned(thing):
    """A half turn as a rotation."""
    return F.rotate(thing, 180)


print("torch", torch.__version__.split("+")[0], "| torchvision", torchvision.__version__.split("+")[0])
print("box, flipped twice:   ", flipped(box)[0].tolist())
print("box, half a turn:     ", turned(box)[0].tolist())
print("outline, flipped twice:", around(flipped(outline)))
print("outline, half a turn:  ", around(turned(outline)))
assert torch.allclose(flipped(box), turned(box), atol=1e-3), "boxes differ too"
assert torch.allclose(torch.tensor(around(turned(outline))), turned(box)[0], atol=1e-3), "the rotation is another now"
apart = (turned(outline) - flipped(outline)).abs()
assert torch.allclose(apart, torch.ones_like(apart), atol=1e-3), "flips and rotations agree now"
print("as described: the same half turn of the same points, one pixel apart")
PY
