#!/usr/bin/env bash
# labelformat 0.1.17: pycocotools cannot open the COCO files that labelformat writes.
#
# The annotations it writes have neither `id` nor `area`, and detection files no `iscrowd` either, although the file
# it read had all of them. pycocotools 2.0.11, which most training code opens COCO with, stops in its constructor
# with KeyError 'id'; supervision 0.31.2 opens the same file. So a file that one tool shows well fails in the trainer.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet labelformat==0.1.17 pycocotools==2.0.11 supervision==0.31.2
cat > "$work/in.json" <<'JSON'
{"images": [{"id": 1, "file_name": "a.png", "width": 100, "height": 80}],
 "categories": [{"id": 1, "name": "cat"}],
 "annotations": [{"id": 1, "image_id": 1, "category_id": 1, "bbox": [10, 10, 20, 20], "area": 400, "iscrowd": 0}]}
JSON
"$work/venv/bin/python" - "$work" <<'PY'
import json
import sys
from importlib.metadata import version
from pathlib import Path

import supervision
from labelformat.formats.coco import COCOObjectDetectionInput, COCOObjectDetectionOutput
from PIL import Image
from pycocotools.coco import COCO

work = Path(sys.argv[1])
Image.new("RGB", (100, 80)).save(work / "a.png")
read = COCOObjectDetectionInput(input_file=work / "in.json")
COCOObjectDetectionOutput(output_file=work / "out.json").save(label_input=read)
(written,) = json.loads((work / "out.json").read_text())["annotations"]
print(*(f"{name} {version(name)}" for name in ("labelformat", "pycocotools", "supervision")), sep=" | ")
print("keys of the annotation written:", sorted(written))
data = supervision.DetectionDataset.from_coco(str(work), str(work / "out.json"))
print("supervision opens it:", sum(len(found) for _, _, found in data), "box")
COCO(str(work / "in.json"))
try:
    COCO(str(work / "out.json"))
except KeyError as missing:
    print("pycocotools: KeyError", missing)
else:
    raise SystemExit("pycocotools opens it now")
assert sorted(written) == ["bbox", "category_id", "image_id"], "other keys are written now"
print("as described: the file that was read opens, the one written from it does not")
PY
