"""What datumaro makes of an archive like those of Pascal VOC."""

# pyright: reportMissingImports=false

import json
import sys
from pathlib import Path
from typing import Any

from datumaro import Dataset
from datumaro.components.annotation import AnnotationType

folder = Path(sys.argv[1])
(folder / "images").rename(folder / "JPEGImages")
data: Any = Dataset.import_from(str(folder), "voc_detection")
boxes = [one for item in data for one in item.annotations if one.type == AnnotationType.bbox]
names = [label.name for label in data.categories()[AnnotationType.label]]
print(
    json.dumps(
        {
            "images": len(data),
            "labels": len(boxes),
            "classes": [name for name in names if name != "background"],
        }
    )
)
