#!/usr/bin/env bash
# torchvision 0.29.2: the box that it makes of a mask is a pixel short, and its own detector may refuse it.
#
# Boxes of torchvision's transforms, detectors and IoU are edges: pixels 10 to 29 are the box 10..30. masks_to_boxes
# gives the first and the last pixel, 10..29. Nothing fails: a small object just loses area (10 x 10 pixels have an
# IoU of .81 with their own box), and whoever trains on such boxes learns to draw them short. An object one pixel
# wide becomes a box without width, at which the detectors of the same package stop the training.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet uv
"$work/venv/bin/uv" pip install --quiet --python "$work/venv/bin/python" torch==2.15.0 torchvision==0.29.2
"$work/venv/bin/python" - <<'PY'
import torch
import torchvision
from torchvision.models.detection import ssdlite320_mobilenet_v3_large
from torchvision.ops import box_iou, masks_to_boxes


def mask_of(box):
    """The pixels within a box of whole-numbered edges."""
    x0, y0, x1, y1 = box
    mask = torch.zeros(1, 64, 64, dtype=torch.bool)
    mask[0, y0:y1, x0:x1] = True
    return mask


print("torch", torch.__version__.split("+")[0], "| torchvision", torchvision.__version__.split("+")[0])
for box in ([10, 10, 20, 20], [10, 10, 50, 50]):
    made = masks_to_boxes(mask_of(box))
    overlap = box_iou(made, torch.tensor([box], dtype=torch.float)).item()
    print("box", box, "| made of its mask:", made[0].tolist(), "| IoU", round(overlap, 2))
    assert made[0].tolist() == [box[0], box[1], box[2] - 1, box[3] - 1], "the edges are right now"
thin = masks_to_boxes(mask_of([10, 10, 11, 40]))
print("a mask one pixel wide:", thin[0].tolist())
detector = ssdlite320_mobilenet_v3_large(weights=None, weights_backbone=None, num_classes=2).train()
try:
    detector([torch.zeros(3, 64, 64)], [{"boxes": thin, "labels": torch.ones(1, dtype=torch.long)}])
except (AssertionError, ValueError) as refused:
    print("its detector:", type(refused).__name__ + ":", str(refused)[:80])
    assert "positive height and width" in str(refused), "it is refused for another reason now"
else:
    raise SystemExit("the detector takes it now")
print("as described: one package, two meanings of a box")
PY
