"""What torchvision makes of folders of images, and whether it sees the same classes in each share."""

# pyright: reportMissingImports=false

import json
import sys
from pathlib import Path
from typing import Any

from torchvision.datasets import ImageFolder

folder = Path(sys.argv[1]).resolve()
shares = [
    ImageFolder(str(path), allow_empty=True) for path in sorted(folder.iterdir()) if path.is_dir()
]
for share in shares:
    for number in range(len(share)):
        image, _ = share[number]
        image.load()
found: dict[str, Any] = {
    "images": sum(map(len, shares)),
    "labels": sum(map(len, shares)),
    "classes": shares[0].classes,
}
if any(share.class_to_idx != shares[0].class_to_idx for share in shares):
    found["classes"] = ["numbered otherwise in each share"]
print(json.dumps(found))
