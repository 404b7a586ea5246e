"""What MLTable makes of lines of JSON."""

# pyright: reportMissingImports=false

import json
import sys
from pathlib import Path
from typing import Any

import mltable

table: Any = mltable.load(str(Path(sys.argv[1]).resolve())).to_pandas_dataframe()
labels: list[Any] = []
for one in table["label"]:
    labels += [one] if isinstance(one, str) else list(one)
named = [label["label"] if isinstance(label, dict) else label for label in labels]
numbers = [
    value
    for label in labels
    if isinstance(label, dict)
    for value in (
        [label[corner] for corner in ("topX", "topY", "bottomX", "bottomY")]
        if "topX" in label
        else [value for ring in label["polygon"] for value in ring]
    )
]
print(
    json.dumps(
        {
            "images": len(table),
            "labels": len(labels),
            "classes": sorted(set(named)),
            "unread": sum(not isinstance(number, float) for number in numbers)
            + sum(one is None for one in table["image_url"]),
        }
    )
)
