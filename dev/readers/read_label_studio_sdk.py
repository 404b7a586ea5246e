"""What the converters of Label Studio make of its tasks and its labeling configuration."""

# pyright: reportMissingImports=false

import json
import sys
from pathlib import Path
from typing import Any

from label_studio_sdk.converter import Converter

folder, task_type = Path(sys.argv[1]).resolve(), sys.argv[2]
drawn = task_type in ("boxes", "polygons")
converter: Any = Converter(str(folder / "config.xml"), str(folder), download_resources=False)
tasks = list(converter.iter_from_json_file(str(folder / "tasks.json")))
found: dict[str, Any] = {"images": len({task["input"]["image"] for task in tasks})}
((_, about),) = converter._schema.items()
found["classes"] = about["labels"]
labels = [one for task in tasks for said in task["output"].values() for one in said]
if drawn:
    converter.convert_to_coco(
        str(folder / "tasks.json"), str(folder / "coco"), str(folder / "images"), is_dir=False
    )
    coco = json.loads((folder / "coco/result.json").read_text())
    found["labels"] = len(coco["annotations"])
    found["areas"] = [annotation["area"] for annotation in coco["annotations"]]
else:
    found["labels"] = sum(
        1 if isinstance(label["choices"], str) else len(label["choices"]) for label in labels
    )
print(json.dumps(found))
