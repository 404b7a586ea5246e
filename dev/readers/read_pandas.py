"""What pandas makes of a CSV file."""

# pyright: reportMissingImports=false

import json
import sys
from pathlib import Path

import pandas as pd

table = pd.read_csv(Path(sys.argv[1]) / "labels.csv", keep_default_na=False)
labeled = table[table["kind"] != ""]
names = labeled.drop_duplicates("class_id").sort_values("class_id")["class"]
print(
    json.dumps(
        {
            "images": int(table["path"].nunique()),
            "labels": len(labeled),
            "classes": [str(name) for name in names],
        }
    )
)
