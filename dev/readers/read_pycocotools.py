"""What pycocotools makes of a COCO file."""

import json
import sys
from pathlib import Path
from typing import Any

from pycocotools.coco import COCO

coco: Any = COCO(str(Path(sys.argv[1]) / "annotations.json"))
masks = [float(coco.annToMask(ann).sum()) for ann in coco.anns.values() if ann.get("segmentation")]
print(
    json.dumps(
        {
            "images": len(coco.imgs),
            "labels": len(coco.anns),
            "classes": [coco.cats[number]["name"] for number in sorted(coco.cats)],
            "areas": masks,
        }
    )
)
