"""Budgets of docs/architecture.md, measured: `make bench ONLY=handout`.

Writes `.local/bench.json`, a list of `{name, value, unit, budget, ok}`, and exits non-zero when one is over.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from dataclasses import asdict

from rich.console import Console
from rich.table import Table

from dev import LOCAL
from dev.bench import arrival, assist, canvas, dicom, export, handout, ingest, label, peer
from dev.bench.measure import Measure


def measures(only: str, big: int, images: int, grouped: int, labeled: int) -> Iterator[Measure]:
    """All measures of a group, or of all groups, as they come."""
    if only in ("", "handout"):
        yield from handout.measures(big)
    if only in ("", "label"):
        yield from label.measures()
    if only in ("", "canvas"):
        yield from canvas.measures()
    if only in ("", "dicom"):
        yield from dicom.measures()
    if only in ("", "ingest"):
        yield from ingest.measures(min(images, 3_000))
    if only in ("", "assist"):
        yield from assist.measures(grouped)
    if only in ("", "export"):
        yield from export.measures(labeled)
    if only in ("", "arrival"):
        yield from arrival.measures(images)
    if only == "peer":  # some 700 MB of another program: when it is asked for alone
        yield from peer.measures(min(images, 2_000))


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
            "canvas",
            "dicom",
            "ingest",
            "arrival",
            "assist",
            "export",
            "peer",
        ],
    )
    parser.add_argument("--big", type=int, default=500_000, help="items of the large project")
    parser.add_argument("--images", type=int, default=10_000, help="that arrive")
    parser.add_argument("--grouped", type=int, default=200_000, help="embeddings that are grouped")
    parser.add_argument("--labeled", type=int, default=100_000, help="images that are exported")
    options = parser.parse_args()
    console = Console()
    found: list[Measure] = []
    table = Table("measure", "value", "budget", "ok")
    for one in measures(
        options.only, options.big, options.images, options.grouped, options.labeled
    ):
        found.append(one)
        table.add_row(
            one.name, f"{one.value:g} {one.unit}", f"{one.budget:g}", "yes" if one.ok else "NO"
        )
    console.print(table)
    LOCAL.mkdir(exist_ok=True)
    (LOCAL / "bench.json").write_text(json.dumps([asdict(one) for one in found], indent=1) + "\n")
    return 0 if all(one.ok for one in found) else 1


if __name__ == "__main__":
    sys.exit(main())
