"""What torchvision makes of folders of images, with the same classes in each share, and of a COCO file."""

# pyright: reportMissingImports=false

import json
import sys
from pathlib import Path
from typing import Any

from torchvision.datasets import CocoDetection, ImageFolder

folder = Path(sys.argv[1]).resolve()
found: dict[str, Any]
if (folder / "annotations.json").exists():
    read: Any = CocoDetection(str(folder / "images"), str(folder / "annotations.json"))
    labels = [label for number in range(len(read)) for label in read[number][1]]
    found = {
        "images": len(read),
        "labels": len(labels),
        "classes": [read.coco.cats[number]["name"] for number in sorted(read.coco.cats)],
        "areas": [label["area"] for label in labels if "area" in label],
    }
else:
    shares = [
        ImageFolder(str(path), allow_empty=True)
        for path in sorted(folder.iterdir())
        if path.is_dir()
    ]
    for share in shares:
        for number in range(len(share)):
            image, _ = share[number]
            image.load()
    found = {
        "images": sum(map(len, shares)),
        "labels": sum(map(len, shares)),
        "classes": shares[0].classes,
    }
    if any(share.class_to_idx != shares[0].class_to_idx for share in shares):
        found["classes"] = ["numbered otherwise in each share"]
print(json.dumps(found))
