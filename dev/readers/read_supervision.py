"""What supervision makes of a COCO file, of an archive for YOLO and of one like those of Pascal VOC."""

# pyright: reportMissingImports=false

import json
import sys
from pathlib import Path
from typing import Any

import supervision as sv

folder, task_type = Path(sys.argv[1]).resolve(), sys.argv[2]
outlines = task_type == "polygons"
images, labels = str(folder / "images"), str(folder / "labels")
read: Any
if (folder / "annotations.json").exists():
    read = sv.DetectionDataset.from_coco(
        images, str(folder / "annotations.json"), force_masks=outlines
    )
elif (folder / "data.yaml").exists():
    read = sv.DetectionDataset.from_yolo(
        images, labels, str(folder / "data.yaml"), force_masks=outlines
    )
else:
    read = sv.DetectionDataset.from_pascal_voc(
        str(folder / "JPEGImages"), str(folder / "Annotations")
    )
found = read.annotations.values()
masks = [mask for shapes in found if shapes.mask is not None for mask in shapes.mask]
print(
    json.dumps(
        {
            "images": len(read),
            "labels": sum(map(len, found)),
            "classes": read.classes,
            "areas": [float(mask.sum()) for mask in masks] if outlines else [],
        }
    )
)
