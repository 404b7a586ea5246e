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
named = [one["label"] if isinstance(one, dict) else one for one in labels]
numbers = [
    value
    for one in labels
    if isinstance(one, dict)
    for value in (
        [one[corner] for corner in ("topX", "topY", "bottomX", "bottomY")]
        if "topX" in one
        else [value for ring in one["polygon"] for value in ring]
    )
]
print(
    json.dumps(
        {
            "images": len(table),
            "labels": len(labels),
            "classes": sorted(set(named)),
            "unread": sum(not isinstance(one, float) for one in numbers)
            + sum(one is None for one in table["image_url"]),
        }
    )
)
