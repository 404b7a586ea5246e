"""`python -m dev.cost`: what Labelry costs a month, with all of its arithmetic, beside one that never sleeps.

Prices are assumptions in US dollars, near the list prices of West Europe, and are here to be replaced:
`--price gpu_hour=0.70`. What they are multiplied by comes from the product: calls a page from the budgets
of docs/architecture.md, sizes and timers from the deployment.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace


@dataclass(frozen=True)
class Prices:
    """US dollars."""

    gb_second: float = 0.000026
    """Of Flex Consumption, on demand."""
    million_runs: float = 0.40
    free_gb_seconds: float = 100_000
    free_runs: float = 250_000
    site: float = 9.0
    """A Standard static web app, a month."""
    registry: float = 5.0
    """A Basic registry, a month."""
    blob_gb: float = 0.023
    """Hot, three zones, a month."""
    table_gb: float = 0.056
    blob_10k_writes: float = 0.069
    blob_10k_reads: float = 0.006
    table_10k_calls: float = 0.00045
    queue_10k_calls: float = 0.0004
    event_million: float = 0.60
    log_gb: float = 2.99
    free_log_gb: float = 5.0
    alert: float = 0.50
    gpu_hour: float = 0.60
    """A serverless T4 with its eight cores."""
    always_on: float = 0.20
    """An hour of the peer's virtual machine, 4 cores and 16 GB."""
    database: float = 130.0
    """The peer's managed database, two cores, a month."""
    gpu_always_on: float = 0.53
    """An hour of the peer's virtual machine with a T4."""


HOURS = 730
MEMORY_GB = 2.0
TICK_S = 1.0
"""The least that a run is charged, and longer than a tick takes where nothing is active."""
TICKS = 60 * HOURS
ALERTS = 4

PAGE = 9
CALLS_A_PAGE = 3 + 2 + 4
"""Table calls: handing out, submitting, and two drafts."""
REQUESTS_A_PAGE = 5
REQUEST_S = 0.15
IMAGE_MB = 2.0
RENDITIONS_MB = 0.25
RENDITIONS = 3
TABLE_KB_AN_IMAGE = 4.0
INGEST_S = 0.35
"""Of one image: registered, measured, and made smaller."""
LOG_KB_A_REQUEST = 2.0
TRAININGS = 10
GPU_S_AN_IMAGE = 0.02
"""To look at it once, and to learn from it where it is labeled."""
START_GPU_S = 180


@dataclass(frozen=True)
class Month:
    """A month's work: images that arrive and are all labeled, by so many people."""

    images: int
    labelers: int


MONTHS = {
    "idle, 100,000 images kept": Month(0, 0),
    "10,000 images, 20 people": Month(10_000, 20),
    "100,000 images, 20 people": Month(100_000, 20),
    "100,000 images, 200 people": Month(100_000, 200),
    "500,000 images, 200 people": Month(500_000, 200),
}
KEPT = 100_000
"""Images that lie there in an idle month."""


def costs(month: Month, prices: Prices) -> dict[str, float]:
    """Dollars by what they are for. Images that arrive stay the whole month."""
    images = month.images
    kept = images or KEPT
    pages = images / PAGE
    requests = pages * REQUESTS_A_PAGE
    seconds = requests * REQUEST_S + images * INGEST_S + TICKS * TICK_S
    runs = requests + images / 20 * 3 + TICKS
    logs = (requests + TICKS) * LOG_KB_A_REQUEST / 1e6
    trainings = TRAININGS if images else 0
    gpu_s = trainings * (START_GPU_S + images * GPU_S_AN_IMAGE)
    table_calls = pages * CALLS_A_PAGE + images / 10 + TICKS * 2
    return {
        "functions": max(0.0, seconds * MEMORY_GB - prices.free_gb_seconds) * prices.gb_second
        + max(0.0, runs - prices.free_runs) / 1e6 * prices.million_runs,
        "gpu jobs": gpu_s / 3600 * prices.gpu_hour,
        "blobs": kept * (IMAGE_MB + RENDITIONS_MB) / 1024 * prices.blob_gb
        + images * (1 + RENDITIONS) / 1e4 * prices.blob_10k_writes
        + images * 6 / 1e4 * prices.blob_10k_reads,
        "tables, queues, events": kept * TABLE_KB_AN_IMAGE / 1024**2 * prices.table_gb
        + table_calls / 1e4 * prices.table_10k_calls
        + images / 5 / 1e4 * prices.queue_10k_calls
        + images * 2 / 1e6 * prices.event_million,
        "logs, alerts": max(0.0, logs - prices.free_log_gb) * prices.log_gb + ALERTS * prices.alert,
        "site": prices.site,
        "registry": prices.registry,
    }


def peer(month: Month, prices: Prices) -> float:
    """The same work by two machines, a database and a GPU that never sleep, on the same storage."""
    kept = month.images or KEPT
    machines = 2 * HOURS * prices.always_on + prices.database + HOURS * prices.gpu_always_on
    return machines + kept * IMAGE_MB / 1024 * prices.blob_gb


def table(prices: Prices) -> str:
    """All months, as Markdown."""
    rows = {name: costs(month, prices) for name, month in MONTHS.items()}
    parts = next(iter(rows.values()))
    head = ["a month of", *parts, "**in all**", "never asleep"]
    lines = [f"| {' | '.join(head)} |", f"|---|{'---:|' * (len(head) - 1)}"]
    for name, found in rows.items():
        cells = [*found.values(), sum(found.values()), peer(MONTHS[name], prices)]
        shown = [f"{cell:,.2f}" if cell < 100 else f"{cell:,.0f}" for cell in cells]
        shown[-2] = f"**{shown[-2]}**"
        lines.append(f"| {name} | {' | '.join(shown)} |")
    return "\n".join(lines)


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the table, and what it rests on."""
    parser = argparse.ArgumentParser(prog="python -m dev.cost", description=__doc__)
    parser.add_argument("--price", action="append", default=[], metavar="NAME=DOLLARS")
    options = parser.parse_args(arguments)
    known = {field.name for field in fields(Prices)}
    changed: dict[str, float] = {}
    for one in options.price:
        name, _, value = one.partition("=")
        if name not in known:
            parser.error(f"there is no price {name!r}; there are {', '.join(sorted(known))}")
        changed[name] = float(value)
    prices = replace(Prices(), **changed)
    print(table(prices))
    print()
    for field in fields(Prices):
        print(f"  {field.name:18} {getattr(prices, field.name):g}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
