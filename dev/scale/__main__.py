"""A large project in the cloud, simulated: `python -m dev.scale --images 500000 --labelers 200`.

The product's own code registers and measures every image, hands out and takes back real pages, over storage
in memory. What it asks of storage is then asked of simulated services, with the latencies and limits in
`cloud.py`, by as many instances as there may be.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path

from rich.console import Console
from rich.table import Table

from dev.cost import Month, Prices, costs
from dev.scale.cloud import Cloud, Simulation
from dev.scale.record import PAGE, Product, Work

FILE = Path(".local/scale.json")
SETTLES_S = 120.0
"""Left out at the beginning: instances are still coming."""


@dataclass(frozen=True)
class Initialized:
    """How a project was taken in. Times are seconds from the first message on."""

    images: int
    first_page_s: float
    """Until the first images can be handed out."""
    all_s: float
    requests: int
    refused: int
    bottleneck: str
    share: float


@dataclass(frozen=True)
class Labeled:
    """How many people were served. Times are seconds, `share` is that of the limit nearest to its end."""

    labelers: int
    images_an_hour: float
    handout_median: float
    handout_p95: float
    submit_p95: float
    refused: float
    instances: int
    bottleneck: str
    share: float


def initialized(images: int, first: Work, cloud: Cloud) -> Initialized:
    """Take a project in."""
    run = Simulation(cloud)
    run.send(first)
    run.env.run(run.idle)
    name, share = run.bottleneck()
    ready = run.ended.get("measure", [run.env.now])[0]
    return Initialized(images, ready, run.env.now, run.requests, run.refused, name, share)


def labeled(
    pages: Mapping[str, Sequence[Work]], labelers: int, page_s: float, minutes: float, cloud: Cloud
) -> Labeled:
    """Let so many people label; where more are asked for than were recorded, several do the same."""
    run = Simulation(cloud)
    recorded = list(pages.values())
    for number in range(labelers):
        run.env.process(run.labeler(recorded[number % len(recorded)], page_s))
    run.env.run(SETTLES_S)
    run.forget()
    run.env.run(SETTLES_S + minutes * 60)
    handouts, submits = (sorted(run.took[what]) for what in ("hand out", "submit"))
    name, share = run.bottleneck()
    return Labeled(
        labelers,
        len(submits) * PAGE / minutes * 60,
        handouts[len(handouts) // 2],
        handouts[int(len(handouts) * 0.95)],
        submits[int(len(submits) * 0.95)],
        run.refused / run.requests,
        run.instances(),
        name,
        share,
    )


def shown(title: str, rows: Sequence[Initialized | Labeled]) -> Table:
    """Rows as a table, ratios as percents."""
    table = Table(title=title)
    names = [field.name.removesuffix("_s").replace("_", " ") for field in fields(rows[0])]
    for name in names:
        table.add_column(name, justify="left" if name == "bottleneck" else "right")
    for row in rows:
        cells: list[str] = []
        for name, value in asdict(row).items():
            if name in ("share", "refused") and isinstance(value, float):
                cells.append(f"{value:.1%}")
            elif isinstance(value, float):
                cells.append(f"{value:,.0f}" if value >= 100 else f"{value:.2f}")
            else:
                cells.append(f"{value:,}" if isinstance(value, int) else str(value))
        table.add_row(*cells)
    return table


def main(arguments: Sequence[str] | None = None) -> int:
    """Record, simulate, print, and write `.local/scale.json`."""
    parser = argparse.ArgumentParser(prog="python -m dev.scale", description=__doc__)
    parser.add_argument("--images", type=int, default=500_000)
    parser.add_argument("--labelers", type=int, default=200)
    parser.add_argument("--page-s", type=float, default=20.0, help=f"seconds on a page of {PAGE}")
    parser.add_argument("--minutes", type=float, default=5.0, help="that are simulated")
    parser.add_argument("--rounds", type=int, default=3, help="pages recorded of each labeler")
    for field in fields(Cloud):
        default = field.default
        option = "--" + field.name.replace("_", "-")
        parser.add_argument(option, type=type(default), default=default)
    options = parser.parse_args(arguments)
    cloud = Cloud(**{field.name: getattr(options, field.name) for field in fields(Cloud)})
    product = Product()
    project, first = product.ingested(options.images)
    taken = initialized(options.images, first, cloud)
    pages = product.labeled(project, options.labelers, options.rounds)
    served = [
        labeled(pages, options.labelers * times, options.page_s, options.minutes, cloud)
        for times in (1, 5, 25)
    ]
    console = Console(width=160)
    console.print(shown("Taking images in", [taken]))
    console.print(shown("Labeling", served))
    month = costs(Month(options.images, options.labelers), Prices())
    console.print(f"A month with these images and people: {sum(month.values()):,.0f} US dollars")
    FILE.parent.mkdir(exist_ok=True)
    found = {
        "cloud": asdict(cloud),
        "initialized": asdict(taken),
        "labeled": [asdict(one) for one in served],
        "month": month,
    }
    FILE.write_text(json.dumps(found, indent=1))
    return 0


if __name__ == "__main__":
    sys.exit(main())
