"""What datumaro makes of an archive like those of Pascal VOC, and of CVAT's XML."""

# pyright: reportMissingImports=false

import json
import sys
from pathlib import Path
from typing import Any

from datumaro import Dataset
from datumaro.components.annotation import AnnotationType

folder = Path(sys.argv[1])
from_cvat = (folder / "annotations.xml").exists()
data: Any = Dataset.import_from(str(folder), "cvat" if from_cvat else "voc_detection")
kinds = ("label", "bbox", "polygon", "mask") if from_cvat else ("bbox",)
found = [
    annotation for item in data for annotation in item.annotations if annotation.type.name in kinds
]
names = [label.name for label in data.categories()[AnnotationType.label]]
print(
    json.dumps(
        {
            "images": len(data),
            "labels": len(found),
            "classes": [name for name in names if name != "background"],
        }
        | (
            {"areas": [float(one.get_area()) for one in found if one.type.name != "label"]}
            if from_cvat
            else {}
        )
    )
)
