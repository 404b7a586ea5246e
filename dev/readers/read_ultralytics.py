"""What ultralytics makes of an archive for YOLO, by its own check of a data set and its own loader."""

# pyright: reportMissingImports=false

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from ultralytics.cfg import get_cfg
from ultralytics.data.dataset import ClassificationDataset, YOLODataset
from ultralytics.data.utils import check_cls_dataset, check_det_dataset, polygon2mask

folder, task_type = Path(sys.argv[1]).resolve(), sys.argv[2]
found: dict[str, Any] = {"images": 0, "labels": 0, "areas": []}
if task_type in ("boxes", "polygons"):
    task = "detect" if task_type == "boxes" else "segment"
    data: Any = check_det_dataset(str(folder / "data.yaml"))
    for path in dict.fromkeys([data["train"], data["val"]]):
        loaded: Any = YOLODataset(img_path=path, data=data, task=task, augment=False, imgsz=64)
        found["images"] += len(loaded.labels)
        for label in loaded.labels:
            found["labels"] += len(label["cls"])
            height, width = label["shape"]
            found["areas"] += [
                float(polygon2mask((height, width), [ring * (width, height)]).sum())
                for ring in label["segments"]
            ]
else:
    subprocess.run([sys.executable, folder / "arrange.py", folder / "images"], check=True)
    data = check_cls_dataset(str(folder))
    for path in {data["train"], data["val"]} - {None}:
        loaded = ClassificationDataset(str(path), get_cfg(overrides={"imgsz": 64}))
        found["images"] += len(loaded.samples)
        found["labels"] += len(loaded.samples)
found["classes"] = [data["names"][number] for number in sorted(data["names"])]
print(json.dumps(found))
