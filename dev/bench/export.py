"""How fast labeled items become a COCO file, beside the bare SDK reading and parsing their rows; peak memory.

Items are registered and labeled by the product's code in memory, and their rows are put on the emulator. Each
measure is a process of its own, so that its memory is nobody else's.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

from azure.data.tables import TableClient

from dev.azurite import Azurite
from dev.bench.handout import ADMIN, Bench, in_memory
from dev.bench.measure import Measure
from functions.services import compose
from labeling import layout
from labeling.adapters.azure import connect
from labeling.exchange.exports import MakeExport, NewExport
from labeling.settings import Settings
from labeling.storage import MAX_OPERATIONS, Create, Range, Storage

SHARDS = 4
TAKEN = 3
"""How often each is measured; the fastest counts: the machine may do other things."""


def measures(count: int) -> Iterator[Measure]:
    """An export of `count` labeled images, and of a tenth of them."""
    peaks: list[float] = []
    for size in (count // 10, count):
        with tempfile.TemporaryDirectory() as logs:
            azurite = Azurite.start(folder=None, ports=None, name="bench", logs=Path(logs))
            try:
                project_id = labeled(connect(azurite.connection_string), size)
                runs = {
                    way: [_child(azurite.connection_string, project_id, way) for _ in range(TAKEN)]
                    for way in ("bare", "ours")
                }
            finally:
                azurite.stop()
        ours, bare = (min(one["seconds"] for one in runs[way]) for way in ("ours", "bare"))
        peaks.append(max(one["peak_mb"] for one in runs["ours"]))
        name = f"export of {size:,} labeled images, COCO"
        if size == count:
            ratio = ours / bare
            yield Measure(
                f"{name} / reading and parsing their rows", round(ratio, 2), "", 2, ratio <= 2
            )
        yield Measure(f"{name}: peak memory", round(peaks[-1]), "MB", 300, peaks[-1] <= 300)
    grown = peaks[1] / peaks[0]
    yield Measure(
        "peak memory of it / for a tenth of the images", round(grown, 2), "", 1.2, grown <= 1.2
    )


def labeled(target: Storage, size: int) -> str:
    """A project whose images are all labeled, on a storage; its id."""
    target.create_all()  # type: ignore[attr-defined]  # what `connect` gives has it
    with in_memory(size, SHARDS) as bench:
        _label(bench)
        for table, partitions in (
            (layout.PROJECTS, [bench.project.project_id]),
            (
                layout.ITEMS,
                [layout.shard_partition(bench.project.project_id, one) for one in range(SHARDS)],
            ),
        ):
            for partition in partitions:
                wanted = Range(partition, " ", layout.END)
                rows = bench.services.storage.rows(table, wanted)
                while some := list(islice(rows, MAX_OPERATIONS)):
                    target.tables.transact(
                        table, partition, [Create(one.key, one.cells) for one in some]
                    )
        return bench.project.project_id


def _label(bench: Bench) -> None:
    bench.joined("ann")
    while task := bench.ask("ann").task:
        bench.submit("ann", task)


def _child(connection: str, project_id: str, way: str) -> dict[str, float]:
    ran = subprocess.run(
        [sys.executable, "-m", "dev.bench.export", connection, project_id, way],
        capture_output=True,
        text=True,
        check=True,
    )
    return json.loads(ran.stdout.splitlines()[-1])


def _ours(connection: str, project_id: str) -> None:
    """Make an export, as the function of its queue does."""
    services = compose(connect(connection), Settings(storage=connection))
    opened = services.projects.open(project_id, ADMIN, "reviewer", "exporting")
    made = services.exports.create(opened, NewExport(), by="bench", idempotency_key=None)
    message = MakeExport(project_id=project_id, export_id=made.export_id)
    while services.exports.get(project_id, made.export_id).state == "waiting":
        services.exports.on_make(message)


def _bare(connection: str, project_id: str) -> None:
    """Read the rows of all items, and parse the JSON in them."""
    with TableClient.from_connection_string(connection, layout.ITEMS) as table:
        low, high = layout.all_of(layout.Kind.TRUTH)
        for shard in range(SHARDS):
            partition = layout.shard_partition(project_id, shard)
            asked = f"PartitionKey eq '{partition}' and RowKey ge '{low}' and RowKey lt '{high}'"
            for row in table.query_entities(asked):
                _parsed(row)


def _parsed(row: Any) -> list[Any]:
    texts = [value for value in row.values() if isinstance(value, str) and value[:1] in "{["]
    return [json.loads(one) for one in texts if one]


if __name__ == "__main__":
    began = time.perf_counter()
    {"ours": _ours, "bare": _bare}[sys.argv[3]](sys.argv[1], sys.argv[2])
    seconds = time.perf_counter() - began
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"seconds": seconds, "peak_mb": peak}))
