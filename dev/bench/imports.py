"""How fast a file of labels becomes labels of a project, beside the bare SDK writing the same rows.

A COCO file with boxes on every image is taken in on the emulator, by as many messages at once as the host has
in work. Then the bare SDK writes the same rows on the same emulator, in transactions as large as they may be.
"""

from __future__ import annotations

import json
import random
import tempfile
import time
from collections.abc import Iterator
from functools import partial
from itertools import islice
from pathlib import Path
from threading import Lock
from typing import Any, cast

from azure.data.tables import TableClient
from azure.storage.blob import BlobServiceClient

from dev.azurite import Azurite
from dev.bench.handout import ADMIN, filled
from dev.bench.ingest import AT_ONCE, Bench, Recorded, WatchedBlobs, at_once, seconds
from dev.bench.measure import Measure, peak_mb
from functions.services import Services
from labeling import layout
from labeling.adapters.azure import connect
from labeling.adapters.calls import counting
from labeling.adapters.memory import memory_storage
from labeling.exchange.imports import ImportOptions, ImportStep, NewImport
from labeling.storage import MAX_OPERATIONS, Create, Range, Storage

SHARDS = 4
BOXES = 4
"""Of each image."""


def measures(images: int) -> Iterator[Measure]:
    """An import of labels of so many images."""
    with tempfile.TemporaryDirectory() as logs:
        azurite = Azurite.start(folder=None, ports=None, name="bench", logs=Path(logs))
        try:
            yield from importing(_opened(azurite.connection_string, images), images)
        finally:
            azurite.stop()


def large(images: int) -> Iterator[Measure]:
    """An import of four boxes on each of so many images, by one message after the other, on storage in memory.

    What the product itself takes: the emulator takes ever longer for each row that it holds.
    """
    storage = memory_storage()
    services, project = filled(storage, images, SHARDS, task_type="boxes")
    import_id = _begun(services, project.project_id, images)
    held, began = peak_mb(), time.perf_counter()
    while received := storage.queues.receive(layout.IMPORT_QUEUE, 600):
        services.imports.on_step(ImportStep.model_validate_json(received.text))
        storage.queues.delete(received)
    took = time.perf_counter() - began
    done = services.imports.get(project.project_id, import_id)
    assert done.saved == images, done
    print(f"its memory, and that of the labels it leaves: {peak_mb() - held:.0f} MB")
    name = f"import of COCO, {done.annotations:,} boxes, storage in memory"
    yield Measure(name, round(took), "s", 600, took <= 600)


def importing(bench: Bench, images: int) -> Iterator[Measure]:
    """Taking in, and writing the same rows once more."""
    import_id = _begun(bench.services, bench.project_id, images)
    bench.recorded.taken()
    with counting() as calls:
        work = partial(_work, bench, import_id, Lock())
        ours = seconds(partial(at_once, work, range(AT_ONCE)))
    asked = calls["table"] + calls["blob"]
    done = bench.services.imports.get(bench.project_id, import_id)
    assert done.saved == images, done
    bare = seconds(partial(bench.write_bare, bench.recorded.taken()))
    print(
        f"importing: {images / ours:.0f} images/s, {done.annotations / ours:.0f} labels/s; "
        f"bare {images / bare:.0f} images/s"
    )
    ratio = bare / ours
    name = f"import of COCO, {done.annotations:,} boxes"
    yield Measure(
        f"{name} / the same rows with the bare SDK, at least",
        round(ratio, 2),
        "ratio",
        0.5,
        ratio >= 0.5,
    )
    each = asked / done.annotations
    yield Measure(f"{name}: storage calls a label", round(each, 4), "calls", 0.03, each <= 0.03)


def _opened(connection: str, images: int) -> Bench:
    """A project on the emulator whose images wait, and a copy of its rows for the bare SDK."""
    inner = connect(connection)
    inner.create_all()
    recorded, watched = Recorded(inner.tables), WatchedBlobs(inner.blobs)
    storage = Storage(recorded, cast(Any, watched), inner.queues, inner.clock, random.random)
    services, project = filled(storage, images, SHARDS, task_type="boxes")
    for shard in range(SHARDS):
        partition = layout.shard_partition(project.project_id, shard)
        rows = inner.rows(layout.ITEMS, Range(partition, " ", layout.END))
        while some := list(islice(rows, MAX_OPERATIONS)):
            copies = [Create(row.key, row.cells) for row in some]
            inner.tables.transact(layout.ITEMS, f"bare{partition}", copies)
    return Bench(
        services,
        recorded,
        watched,
        TableClient.from_connection_string(connection, layout.ITEMS),
        BlobServiceClient.from_connection_string(connection),
        project.project_id,
    )


def _begun(services: Services, project_id: str, images: int) -> str:
    """An import that waits in its queue; its id."""
    opened = services.projects.open(project_id, ADMIN, "admin", "importing")
    made = services.imports.create(opened, NewImport(file_name="instances.json"), ADMIN)
    blob = layout.import_blob(project_id, made.import_id)
    file = json.dumps(_coco(images)).encode()
    services.storage.blobs.write(layout.IMPORTS, blob, file, content_type="application/json")
    services.imports.start(opened, made.import_id, ImportOptions())
    return made.import_id


def _coco(images: int) -> dict[str, Any]:
    boxes = [[10.5 + 60 * n, 20.25 + 50 * n, 100.75, 90.5] for n in range(BOXES)]
    return {
        "images": [
            {"id": n, "file_name": f"{n:07d}.jpg", "width": 640, "height": 480}
            for n in range(images)
        ],
        "categories": [{"id": 1, "name": "cat"}, {"id": 2, "name": "dog"}],
        "annotations": [
            {"id": n * BOXES + k, "image_id": n, "category_id": 1 + k % 2, "bbox": box}
            for n in range(images)
            for k, box in enumerate(boxes)
        ],
    }


def _work(bench: Bench, import_id: str, polling: Lock, _: int) -> None:
    """Handle messages as the host does, until the import has ended."""
    queues = bench.services.storage.queues
    while True:
        with polling:  # as the host, which asks in one place
            received = queues.receive(layout.IMPORT_QUEUE, 600)
        if received:
            bench.services.imports.on_step(ImportStep.model_validate_json(received.text))
            queues.delete(received)
        elif bench.services.imports.get(bench.project_id, import_id).finished_at:
            return
        else:
            time.sleep(0.05)
