"""Puts images into one folder for each class, as image classifiers are trained from them.

    python arrange.py IMAGES

IMAGES is the folder with the images as they lie in the container. Folders `train`, and `val` and `test`
if there are such images, are made beside this file by `images.csv`. Images are hard links where that
works, else copies.
"""

import csv
import os
import shutil
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent


def main(images: Path) -> int:
    """Arrange the images; 1 where some are not there, which are named."""
    names = HERE.joinpath("classes.txt").read_text(encoding="utf-8").splitlines()
    missing = 0
    with HERE.joinpath("images.csv").open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            source = images / row["image"]
            if not source.is_file():
                print("not there:", source, file=sys.stderr)
                missing += 1
                continue
            for name in names:  # those without images too: classes are numbered by their folders
                HERE.joinpath(row["split"], name).mkdir(parents=True, exist_ok=True)
            put(source, HERE / row["split"] / row["folder"] / row["image"])
    return 1 if missing else 0


def put(source: Path, target: Path) -> None:
    """Link a file, or copy it."""
    target.parent.mkdir(parents=True, exist_ok=True)
    target.unlink(missing_ok=True)
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    sys.exit(main(Path(sys.argv[1])))
