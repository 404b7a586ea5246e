"""What globox makes of a COCO file, of an archive like those of Pascal VOC and of CVAT's XML: boxes alone."""

# pyright: reportMissingImports=false

import json
import sys
from pathlib import Path
from typing import Any

from globox import AnnotationSet

folder = Path(sys.argv[1]).resolve()
if (folder / "annotations.json").exists():
    read: Any = AnnotationSet.from_coco(folder / "annotations.json")
elif (folder / "annotations.xml").exists():
    read = AnnotationSet.from_cvat(folder / "annotations.xml")
else:
    read = AnnotationSet.from_pascal_voc(folder / "Annotations")
boxes = [box for image in read for box in image.boxes]
print(
    json.dumps(
        {
            "images": len(read),
            "labels": len(boxes),
            "classes": sorted({box.label for box in boxes}),
        }
    )
)
