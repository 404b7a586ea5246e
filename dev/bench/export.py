"""How fast labeled items become a COCO file, beside the bare SDK reading and parsing their rows; peak memory.

Items are registered and labeled by the product's code in memory, and their rows are put on the emulator. Each
measure is a process of its own, so that its memory is nobody else's.
"""

from __future__ import annotations

import json
import math
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
from dev.bench.measure import Measure, peak_mb
from functions.services import compose
from labeling import layout
from labeling.adapters.azure import connect
from labeling.annotations.shapes import TaskType
from labeling.exchange.exports import MakeExport, NewExport
from labeling.settings import Settings
from labeling.storage import MAX_OPERATIONS, Create, Range, Storage

SHARDS = 4
FEW = 10_000
"""Images that fill what is held of an export in memory: a part of its snapshot."""
TAKEN = 3
"""How often each is measured; the fastest counts: the machine may do other things."""


SHAPES = 2
POINTS = 40
"""On each image are so many boxes or polygons, of so many points."""


def measures(count: int, task_type: TaskType = "multiclass") -> Iterator[Measure]:
    """An export of `count` labeled images, and of fewer, by which it is seen whether memory grows."""
    peaks: list[float] = []
    for size in (min(count // 2, FEW), count):
        with tempfile.TemporaryDirectory() as logs:
            azurite = Azurite.start(folder=None, ports=None, name="bench", logs=Path(logs))
            try:
                project_id = labeled(connect(azurite.connection_string), size, task_type)
                runs = {
                    way: [_child(azurite.connection_string, project_id, way) for _ in range(TAKEN)]
                    for way in ("bare", "ours")
                }
            finally:
                azurite.stop()
        ours, bare = (min(one["seconds"] for one in runs[way]) for way in ("ours", "bare"))
        peaks.append(max(our["peak_mb"] for our in runs["ours"]))
        name = f"export of {size:,} labeled images, {task_type}, COCO"
        if size == count:
            ratio = ours / bare
            most = 0 if task_type == "polygons" else 2  # of polygons it is only reported
            yield Measure(
                f"{name} / reading and parsing their rows",
                round(ratio, 2),
                "",
                most,
                not most or ratio <= most,
            )
        yield Measure(f"{name}: peak memory", round(peaks[-1]), "MB", 300, peaks[-1] <= 300)
    grown = peaks[1] / peaks[0]
    yield Measure(
        f"peak memory of it / for {min(count // 2, FEW):,} images",
        round(grown, 2),
        "",
        1.2,
        grown <= 1.2,
    )


def labeled(target: Storage, size: int, task_type: TaskType = "multiclass") -> str:
    """A project of a type whose images are all labeled, on a storage; its id."""
    target.create_all()  # type: ignore[attr-defined]  # what `connect` gives has it
    with in_memory(size, SHARDS, task_type) as bench:
        _label(bench, task_type)
        project_id = bench.project.project_id
        partitions = [layout.shard_partition(project_id, one) for one in range(SHARDS)]
        for table, partition, wanted in (
            (layout.PROJECTS, project_id, (" ", layout.END)),
            # Exports of now read no other rows, and the emulator takes ever longer for each that it holds.
            *(
                (layout.ITEMS, partition, layout.all_of(layout.Kind.TRUTH))
                for partition in partitions
            ),
        ):
            rows = bench.services.storage.rows(table, Range(partition, *wanted))
            while some := list(islice(rows, MAX_OPERATIONS)):
                target.tables.transact(
                    table, partition, [Create(row.key, row.cells) for row in some]
                )
        return project_id


def _label(bench: Bench, task_type: TaskType) -> None:
    if task_type in ("boxes", "polygons"):
        bench.said = [_shape(task_type, number) for number in range(SHAPES)]
    bench.joined("ann")
    while task := bench.ask("ann").task:
        bench.submit("ann", task)


def _shape(task_type: TaskType, number: int) -> dict[str, object]:
    """A box, or what is nearly a circle."""
    x, y, radius = 0.2 + number / (2 * SHAPES), 0.5, 0.1234567
    geometry: dict[str, object] = {
        "kind": "box",
        "x0": x - radius,
        "y0": y - radius,
        "x1": x + radius,
        "y1": y + radius,
    }
    if task_type == "polygons":
        turns = [2 * math.pi * at / POINTS for at in range(POINTS)]
        outer = [(x + radius * math.cos(turn), y + radius * math.sin(turn)) for turn in turns]
        geometry = {"kind": "polygon", "parts": [{"outer": outer, "holes": []}]}
    return {"annotation_id": f"a{number}", "class_id": "c1", "geometry": geometry}


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
    return [json.loads(text) for text in texts if text]


if __name__ == "__main__":
    began = time.perf_counter()
    {"ours": _ours, "bare": _bare}[sys.argv[3]](sys.argv[1], sys.argv[2])
    seconds = time.perf_counter() - began
    print(json.dumps({"seconds": seconds, "peak_mb": peak_mb()}))
