#!/usr/bin/env bash
# labelformat 0.1.17: whether a COCO mask is run lengths is decided by `iscrowd`, not by what is written.
#
# A single object with a hole can only be written as run lengths in COCO; pycocotools, datumaro and others write it
# with iscrowd 0, for it is no crowd. labelformat takes run lengths for granted where iscrowd is 1 and polygons where
# it is 0, goes through the keys of the object ("size", "counts") as if they were polygons, and stops the whole file
# with: could not convert string to float: 's'. The same mask with iscrowd 1 is read.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet labelformat==0.1.17 pycocotools==2.0.11
"$work/venv/bin/python" - "$work" <<'PY'
import json
import sys
from importlib.metadata import version
from pathlib import Path

from labelformat.formats.coco import COCOInstanceSegmentationInput
from pycocotools.coco import COCO

work = Path(sys.argv[1])
ring = {"size": [3, 3], "counts": [0, 4, 1, 4]}
mask = {"id": 1, "image_id": 1, "category_id": 1, "bbox": [0, 0, 3, 3], "area": 8, "segmentation": ring}


def written(iscrowd: int) -> Path:
    """The mask of a ring of eight pixels in a file of its own."""
    path = work / f"{iscrowd}.json"
    image = {"id": 1, "file_name": "a.png", "width": 3, "height": 3}
    labels = [{**mask, "iscrowd": iscrowd}]
    path.write_text(json.dumps({"images": [image], "categories": [{"id": 1, "name": "ring"}], "annotations": labels}))
    return path


print("labelformat", version("labelformat"), "| pycocotools", version("pycocotools"))
for iscrowd in (0, 1):
    opened = COCO(str(written(iscrowd)))
    print("iscrowd", iscrowd, "| pycocotools:", int(opened.annToMask(opened.anns[1]).sum()), "pixels")
print("iscrowd 1 | labelformat:", sum(len(i.objects) for i in COCOInstanceSegmentationInput(written(1)).get_labels()))
try:
    list(COCOInstanceSegmentationInput(written(0)).get_labels())
except ValueError as refused:
    print("iscrowd 0 | labelformat: ValueError:", refused)
    assert "convert string to float" in str(refused), "it is refused for another reason now"
else:
    raise SystemExit("iscrowd 0 is read now")
print("as described: one digit decides whether the file can be read")
PY
