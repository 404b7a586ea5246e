#!/usr/bin/env bash
# pycocotools 2.0.11: masks that carry their own size are not scored without the size of their image.
#
# A compressed mask is {"size": [height, width], "counts": ...}: all that is needed to compare two of them. COCOeval
# asks the image for its height and width all the same, though only outlines have to be drawn on something, and
# throws them away. So a file whose images have ids alone scores boxes, and raises KeyError: 'height' for masks. Any
# numbers will do: those of another image, of which no mask could be, give the same score.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet pycocotools==2.0.11 numpy==2.3.5
"$work/venv/bin/python" - <<'PY'
import contextlib
import io
from importlib.metadata import version

import numpy as np
from pycocotools import mask
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

square = np.zeros((40, 60), np.uint8)
square[10:30, 10:30] = 1
run = mask.encode(np.asfortranarray(square))
run["counts"] = run["counts"].decode()


def score(kind, image):
    truth, results = COCO(), COCO()
    one = {"id": 1, "image_id": 0, "category_id": 1, "segmentation": run, "bbox": [10, 10, 20, 20], "area": 400, "iscrowd": 0}
    for data, annotations in ((truth, [one]), (results, [one | {"score": 0.9}])):
        data.dataset = {"images": [image], "categories": [{"id": 1}], "annotations": annotations}
        with contextlib.redirect_stdout(io.StringIO()):
            data.createIndex()
    with contextlib.redirect_stdout(io.StringIO()):
        judged = COCOeval(truth, results, kind)
        judged.evaluate()
        judged.accumulate()
        judged.summarize()
    return float(judged.stats[0])


def tried(*asked):
    try:
        return score(*asked)
    except KeyError as error:
        return f"KeyError: {error}"


bare, wrong = {"id": 0}, {"id": 0, "height": 1, "width": 1}
print("pycocotools", version("pycocotools"))
print("images with an id alone: boxes", tried("bbox", bare), "masks", tried("segm", bare))
print("images of a wrong size:  masks", tried("segm", wrong))
assert round(tried("bbox", bare), 6) == 1.0
assert tried("segm", bare) == "KeyError: 'height'", "scores masks by their own size now"
assert round(tried("segm", wrong), 6) == 1.0, "believes the size of the image now"
PY
