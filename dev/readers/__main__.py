"""Give a sample of every format and type of task to its real reader, and say what that makes of it.

`python -m dev.readers [--only yolo]`, or `make readers`. It ends with 1 where a reader saw something else than
was written. The readers are installed below `.local/readers`, some gigabytes with all that they need.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from dev import ROOT, environments
from dev.readers import sample
from labeling.annotations.shapes import TaskType
from labeling.exchange.formats import FORMATS

HERE = Path(__file__).parent
FOLDER = ROOT / ".local/readers"


@dataclass(frozen=True)
class Reader:
    """A program that reads a format, and what it takes to install it."""

    format: str
    name: str
    packages: tuple[str, ...]
    without: tuple[str, ...] = ()
    """What it asks for and does not need here."""
    task_types: tuple[TaskType, ...] = ()
    """Those it reads of the format; all of the format's unless they are named."""
    flat: bool = False
    """Images in folders are none for it: the sample has all in one."""


_NO_SCREEN = ("opencv-python",)
"""It needs a screen's libraries; its headless twin is installed instead."""

_SHAPES: tuple[TaskType, ...] = ("boxes", "polygons")
_SUPERVISION = ("supervision==0.31.2",)
_GLOBOX = ("globox==2.9.0",)

READERS = (
    Reader("coco", "pycocotools", ("pycocotools==2.0.11",)),
    Reader("coco", "torchvision", ("torchvision==0.29.2", "pycocotools==2.0.11")),
    Reader("coco", "supervision", _SUPERVISION, task_types=_SHAPES),
    Reader("coco", "globox", _GLOBOX, task_types=_SHAPES),
    Reader("azureml", "mltable", ("mltable==1.7.0", "pandas==3.1.1")),
    Reader("csv", "pandas", ("pandas==3.1.1",)),
    Reader(
        "yolo",
        "ultralytics",
        ("ultralytics==8.4.190", "opencv-python-headless"),
        without=_NO_SCREEN,
    ),
    Reader("yolo", "supervision", _SUPERVISION, task_types=_SHAPES, flat=True),
    Reader("imagenet", "torchvision", ("torchvision==0.29.2", "pycocotools==2.0.11")),
    Reader("voc", "datumaro", ("datumaro==1.13.12", "opencv-python-headless"), _NO_SCREEN),
    Reader("voc", "supervision", _SUPERVISION, flat=True),
    Reader("voc", "globox", _GLOBOX, flat=True),
    Reader(
        "label_studio",
        "label_studio_sdk",
        ("label-studio-sdk==2.1.2", "opencv-python-headless"),
        _NO_SCREEN,
    ),
    Reader("cvat", "datumaro", ("datumaro==1.13.12", "opencv-python-headless"), _NO_SCREEN),
    Reader("cvat", "globox", _GLOBOX, task_types=("boxes",)),
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the readers and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", choices=list(FORMATS), help="one format alone")
    only: str | None = parser.parse_args(arguments).only
    table = Table(
        "format", "reader", "task type", "images", "labels", "classes", "left out", "differences"
    )
    differ = False
    for reader in READERS:
        if only in (None, reader.format):
            home = FOLDER / "environments" / reader.name
            python = environments.made(home, reader.packages, reader.without)
            for task_type in reader.task_types or FORMATS[reader.format].task_types:
                differ |= compare(reader, python, task_type, table)
    Console(width=150).print(table)
    return 1 if differ else 0


def compare(reader: Reader, python: Path, task_type: TaskType, table: Table) -> bool:
    """Add a row to the table: whether the reader saw something else than was written."""
    folder = FOLDER / "samples" / reader.format / task_type
    shutil.rmtree(folder, ignore_errors=True)
    written = sample.write(folder, FORMATS[reader.format], task_type, flat=reader.flat)
    script = HERE / f"read_{reader.name}.py"
    ran = subprocess.run(
        [python, script, folder, task_type],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "YOLO_CONFIG_DIR": str(FOLDER)},
    )
    version = reader.packages[0]
    if ran.returncode:
        lines = ran.stderr.strip().splitlines()
        table.add_row(reader.format, version, task_type, "", "", "", "", f"fails: {lines[-1]}")
        return True
    seen: dict[str, Any] = json.loads(ran.stdout.strip().splitlines()[-1])
    differences = list(differing(seen, written, task_type))
    table.add_row(
        reader.format,
        version,
        task_type,
        f"{seen['images']} of {written.images}",
        f"{seen['labels']} of {written.labels}",
        seen["classes_are"],
        ", ".join(f"{count} {reason}" for reason, count in written.refused.items()) or "none",
        "; ".join(differences) or "none",
    )
    return bool(differences)


def differing(seen: dict[str, Any], written: sample.Written, task_type: TaskType) -> list[str]:
    """What the reader sees otherwise than it was written; notes how it has the classes."""
    found: list[str] = []
    if seen["images"] != written.images:
        found.append(f"{written.images - seen['images']} images are dropped")
    if seen["labels"] != written.labels:
        found.append(f"{written.labels - seen['labels']} labels are dropped")
    names: list[str] = seen["classes"]
    full_width = [name.replace(":", "\uff1a") for name in sample.NAMES]
    if names == full_width != list(sample.NAMES):
        seen["classes_are"] = "in order, `:` full-width"
    elif names == list(sample.NAMES):
        seen["classes_are"] = "in order, by name"
    elif [name.partition("-")[0] for name in names] == [str(n) for n in range(len(sample.NAMES))]:
        seen["classes_are"] = "in order, by folder"
    elif set(names) <= set(sample.NAMES):
        seen["classes_are"] = "by name"
    elif set(names) <= set(full_width):
        seen["classes_are"] = "by name, `:` full-width"
    else:
        seen["classes_are"] = "?"
        found.append(f"classes are {names}")
    if seen.get("unread"):
        found.append(f"{seen['unread']} values are not read")
    true = sorted(sample.areas())
    if task_type == "polygons" and len(seen.get("areas", ())) == len(true):
        off = [
            f"{area:.0f} for {wanted:.0f}"
            for area, wanted in zip(sorted(seen["areas"]), true, strict=True)
            if abs(area - wanted) > sample.BORDER * wanted
        ]
        if off:
            found.append(f"areas are {', '.join(off)} pixels")
    return found


if __name__ == "__main__":
    sys.exit(main())
