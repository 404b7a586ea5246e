"""Budgets of docs/architecture.md, measured: `make bench ONLY=handout`.

Writes `.local/bench.json`, a list of `{name, value, unit, budget, ok}`, and exits non-zero when one is over.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from dataclasses import asdict
from typing import get_args

from rich.console import Console
from rich.table import Table

from dev import LOCAL
from dev.bench import (
    arrival,
    assist,
    canvas,
    consensus,
    crowd,
    data,
    dicom,
    export,
    handout,
    imports,
    ingest,
    label,
    loop,
    outlines,
    peer,
    shapes,
)
from dev.bench.measure import Measure
from labeling.annotations.shapes import TaskType


def measures(
    only: str, big: int, images: int, grouped: int, labeled: int, task_type: TaskType, labelers: int
) -> Iterator[Measure]:
    """All measures of a group, or of all groups, as they come."""
    if only in ("", "handout"):
        yield from handout.measures(big)
    if only in ("", "label"):
        yield from label.measures()
    if only in ("", "canvas"):
        yield from canvas.measures()
    if only in ("", "data"):
        yield from data.measures()
    if only in ("", "dicom"):
        yield from dicom.measures()
    if only in ("", "ingest"):
        yield from ingest.measures(min(images, 3_000))
    if only in ("", "assist"):
        yield from assist.measures(grouped)
    if only in ("", "shapes"):
        yield from shapes.measures()
    if only in ("", "loop"):
        yield from loop.measures(min(images, loop.IMAGES))
    if only in ("", "consensus"):
        yield from consensus.measures(labeled)
    if only in ("", "export"):
        yield from export.measures(labeled, task_type)
    if only in ("", "import"):
        yield from imports.measures(min(images, 5_000))
        yield from imports.large(5 * images)
    if only in ("", "arrival"):
        yield from arrival.measures(images)
    if only in ("", "crowd"):
        yield from crowd.measures(2 * images, labelers)
    if only == "outlines":  # 150 MB of another program
        yield from outlines.measures()
    if only == "peer":  # some 700 MB of another program: when it is asked for alone
        yield from peer.measures(images)
    if only == "peer-export":
        yield from peer.exports(labeled)


def main() -> int:
    """Measure, print, write `.local/bench.json`; 1 when something is over its budget."""
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument(
        "--only",
        default="",
        choices=[
            "",
            "handout",
            "label",
            "loop",
            "canvas",
            "data",
            "dicom",
            "ingest",
            "arrival",
            "assist",
            "consensus",
            "crowd",
            "export",
            "import",
            "outlines",
            "peer",
            "peer-export",
            "shapes",
        ],
    )
    parser.add_argument("--big", type=int, default=500_000, help="items of the large project")
    parser.add_argument("--images", type=int, default=10_000, help="that arrive")
    parser.add_argument("--grouped", type=int, default=200_000, help="embeddings that are grouped")
    parser.add_argument("--labeled", type=int, default=100_000, help="images that are exported")
    parser.add_argument("--type", choices=get_args(TaskType), default="multiclass", help="of them")
    parser.add_argument("--labelers", type=int, default=32, help="that label at once")
    options = parser.parse_args()
    console = Console()
    found: list[Measure] = []
    table = Table("measure", "value", "budget", "ok")
    for measure in measures(
        options.only,
        options.big,
        options.images,
        options.grouped,
        options.labeled,
        options.type,
        options.labelers,
    ):
        found.append(measure)
        table.add_row(
            measure.name,
            f"{measure.value:g} {measure.unit}",
            f"{measure.budget:g}",
            "yes" if measure.ok else "NO",
        )
    console.print(table)
    LOCAL.mkdir(exist_ok=True)
    (LOCAL / "bench.json").write_text(
        json.dumps([asdict(measure) for measure in found], indent=1) + "\n"
    )
    return 0 if all(measure.ok for measure in found) else 1


if __name__ == "__main__":
    sys.exit(main())
