"""How fast images become items, beside the same requests of the bare SDK and the same pixels in bare Pillow.

Ours and the bare ones take turns on one emulator, so that whatever else the machine does meets both.
"""

from __future__ import annotations

import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from dataclasses import dataclass, field
from functools import partial
from io import BytesIO
from pathlib import Path
from typing import Any, TypeVar, cast

import numpy as np
from azure.data.tables import EdmType, EntityProperty, TableClient
from azure.storage.blob import BlobServiceClient
from PIL import Image

from dev.azurite import Azurite
from dev.bench.handout import ADMIN
from dev.bench.measure import Measure
from functions.services import Services, compose
from labeling import layout
from labeling.adapters.azure import connect
from labeling.adapters.calls import counting
from labeling.annotations.classes import NewClass
from labeling.ingest.refresh import READERS, Refresh, Register
from labeling.ingest.refresh import Measure as MeasureStep
from labeling.media.guard import Guard
from labeling.media.header import FIRST_BYTES, measure
from labeling.media.pixels import METHOD, QUALITY
from labeling.model import Model
from labeling.projects.datasets import Source
from labeling.projects.record import NewProject, Project
from labeling.settings import Settings
from labeling.storage import Blobs, Create, Delete, Operation, Range, Row, Storage, Tables

AT_ONCE = 3
"""Messages, as the host has several in work."""
PHOTOS = 12
SIDES = (1600, 800, 400)

_CONTAINER = "bench"
_BATCH = 98
"""Rows the bare SDK sends at once: whole images, as many as a transaction holds."""

Batches = list[tuple[str, Sequence[Operation]]]
Message = TypeVar("Message", bound=Model)
One = TypeVar("One")


@dataclass
class Recorded:
    """Tables that remember what was written into items, and how often these were read."""

    tables: Tables
    batches: Batches = field(default_factory=Batches)
    reads: int = 0

    def get(self, table: str, partition: str, key: str) -> Row | None:
        """Read."""
        self.reads += table == layout.ITEMS
        return self.tables.get(table, partition, key)

    def get_many(self, table: str, places: Sequence[tuple[str, str]]) -> list[Row | None]:
        """Read."""
        self.reads += len(places) * (table == layout.ITEMS)
        return self.tables.get_many(table, places)

    def query(self, table: str, wanted: Range) -> list[Row]:
        """Read."""
        self.reads += table == layout.ITEMS
        return self.tables.query(table, wanted)

    def query_many(self, table: str, wanted: Sequence[Range]) -> list[list[Row]]:
        """Read."""
        self.reads += len(wanted) * (table == layout.ITEMS)
        return self.tables.query_many(table, wanted)

    def transact(self, table: str, partition: str, operations: Sequence[Operation]) -> list[str]:
        """Write, and remember what was written."""
        etags = self.tables.transact(table, partition, operations)
        if table == layout.ITEMS:
            self.batches.append((partition, operations))
        return etags

    def taken(self) -> Batches:
        """What was written since this was asked last."""
        found, self.batches = self.batches, []
        return found


class WatchedBlobs:
    """Blobs that count how often an image was read."""

    def __init__(self, blobs: Blobs) -> None:
        self._blobs = blobs
        self.images_read = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._blobs, name)

    def read(self, container: str, path: str, **how: Any) -> bytes:
        """Read."""
        self.images_read += container == _CONTAINER
        return self._blobs.read(container, path, **how)


@dataclass
class Bench:
    """A project on the emulator, whose images are in a manifest, and the bare SDK on the same tables."""

    services: Services
    recorded: Recorded
    watched: WatchedBlobs
    bare: TableClient
    blobs: BlobServiceClient
    project_id: str = ""

    @property
    def project(self) -> Project:
        """As it is now."""
        found = self.services.projects.find(self.project_id)
        assert found
        return found

    def upload(self, count: int) -> None:
        """Tiny images."""
        file = BytesIO()
        Image.new("RGB", (32, 24), (20, 90, 30)).save(file, "jpeg")
        container = self.blobs.get_container_client(_CONTAINER)

        def put(number: int) -> None:
            container.upload_blob(f"{number:07d}.jpg", file.getvalue())

        with ThreadPoolExecutor(8) as pool:
            list(pool.map(put, range(count)))

    def begin(self) -> list[Register]:
        """Make a project and compare: what is to be registered."""
        new = NewProject(
            name="bench",
            task_type="multiclass",
            dataset_id="d-bench",
            classes=[NewClass(name="cat")],
        )
        source = Source(container=_CONTAINER, pattern="**/*.*")
        project = self.services.projects.create(new, source, by=ADMIN, idempotency_key=None)
        self.project_id = project.project_id
        self.services.ingest.start(project)
        return self.listed()

    def listed(self) -> list[Register]:
        """Handle the messages of a refresh as they come: the registrations it asks for."""
        while refreshes := self.messages(layout.REFRESH_QUEUE, Refresh):
            for refresh in refreshes:
                self.services.ingest.on_refresh(refresh)
        return self.messages(layout.REGISTER_QUEUE, Register)

    def messages(self, queue: str, kind: type[Message]) -> list[Message]:
        """Take all messages of a queue."""
        queues = self.services.storage.queues
        found: list[Message] = []
        while received := queues.receive(queue, 600):
            queues.delete(received)
            found.append(kind.model_validate_json(received.text))
        return found

    def write_bare(self, batches: Batches) -> None:
        """The same rows beside them, in transactions as large as they may be."""
        by_partition: defaultdict[str, list[Operation]] = defaultdict(list)
        for partition, operations in batches:
            # The counters' row may be there twice; what is to be compared are the items'.
            by_partition["bare" + partition] += [
                operation
                for operation in operations
                if layout.kind_of(operation.key) is not layout.Kind.COUNTER
            ]
        pieces = [
            [_bare(partition, operation) for operation in operations[at : at + _BATCH]]
            for partition, operations in by_partition.items()
            for at in range(0, len(operations), _BATCH)
        ]
        at_once(self.bare.submit_transaction, pieces)


def _bare(partition: str, operation: Operation) -> Any:
    entity: dict[str, Any] = {"PartitionKey": partition, "RowKey": operation.key}
    if isinstance(operation, Delete):
        return "delete", entity
    for name, value in operation.cells.items():
        whole = isinstance(value, int) and not isinstance(value, bool)
        entity[name] = EntityProperty(value, EdmType.INT64) if whole else value
    return ("create" if isinstance(operation, Create) else "update"), entity


def at_once(work: Callable[[One], object], todo: Sequence[One]) -> None:
    """Some work in as many threads as the host has messages in work; calls are counted in them, too."""
    with ThreadPoolExecutor(AT_ONCE) as pool:
        started = [pool.submit(copy_context().run, work, one) for one in todo]
        for future in started:
            future.result()


def seconds(work: Callable[[], object]) -> float:
    """How long some work takes."""
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def registering(bench: Bench, steps: Sequence[Register]) -> Iterator[Measure]:
    """Registering in turns with the bare SDK."""
    ours = bare = 0.0
    rows = 0
    for at in range(0, len(steps), AT_ONCE):
        some = steps[at : at + AT_ONCE]
        bench.recorded.taken()
        ours += seconds(partial(at_once, bench.services.ingest.on_register, some))
        written = bench.recorded.taken()
        rows += sum(len(operations) for _, operations in written)
        bare += seconds(partial(bench.write_bare, written))
    images = bench.services.projects.items(bench.project).counters()["state:available"]
    print(
        f"registering: {images / ours:.0f} images/s, {rows / ours:.0f} rows/s; bare {rows / bare:.0f}"
    )
    yield _at_least("registering / the same rows with the bare SDK", bare / ours, 0.8)


def measuring(bench: Bench) -> Iterator[Measure]:
    """Measuring in turns with the bare SDK; and what it asks of storage for each image."""
    steps = bench.messages(layout.MEASURE_QUEUE, MeasureStep)
    ours = bare = 0.0
    images = 0
    table_calls = blob_calls = 0
    container = bench.blobs.get_container_client(_CONTAINER)
    names = list(container.list_blob_names())

    def read(name: str) -> None:
        data = container.download_blob(name, 0, FIRST_BYTES).readall()
        assert measure(
            lambda start, length: data[start : start + length], len(data), "jpeg", "e"
        ).width

    def again(some: Sequence[str], written: Batches) -> None:
        with ThreadPoolExecutor(READERS) as pool:
            list(pool.map(read, some))
        bench.write_bare(written)

    for at in range(0, len(steps), AT_ONCE):
        some = steps[at : at + AT_ONCE]
        bench.recorded.taken()
        with counting() as counted:
            work = bench.services.ingest.on_measure
            ours += seconds(partial(at_once, work, some))
        table_calls += counted["table"]
        blob_calls += counted["blob"]
        written = bench.recorded.taken()
        done = sum(
            layout.kind_of(operation.key) is layout.Kind.TRUTH
            for _, ops in written
            for operation in ops
        )
        bare += seconds(partial(again, names[images : images + done], written))
        images += done
    print(f"measuring: {images / ours:.0f} images/s; bare {images / bare:.0f}")
    yield _at_least("measuring / the same reads and rows with the bare SDK", bare / ours, 0.8)
    yield _at_most("table calls an image measured", table_calls / images, 0.1, "calls")
    yield _at_most("blob calls an image measured", blob_calls / images, 1.1, "calls")


def unchanged(bench: Bench, images: int) -> Iterator[Measure]:
    """What a refresh asks for where nothing has changed."""
    bench.recorded.reads = bench.watched.images_read = 0
    project = bench.project
    with counting() as calls:
        bench.services.ingest.start(project)
        steps = bench.listed()
    assert not steps
    state = bench.services.ingest.state(project.project_id)
    assert state
    assert state.state == "done"
    listed = f"refresh of {images:,} unchanged files"
    yield _at_most(f"{listed}: calls to the table of items", bench.recorded.reads, 0, "calls")
    yield _at_most(f"{listed}: images read", bench.watched.images_read, 0, "reads")
    yield _at_most(
        f"{listed}: all calls but of queues", calls["table"] + calls["blob"], 25, "calls"
    )


def _photo(number: int) -> bytes:
    """A photo of six megapixels with grain."""
    random = np.random.default_rng(number)
    smooth = Image.fromarray(random.integers(0, 255, (20, 30, 3), np.uint8)).resize((3000, 2000))
    pixels = np.asarray(smooth) + random.normal(0, 5, (2000, 3000, 1))
    file = BytesIO()
    Image.fromarray(pixels.clip(0, 255).astype(np.uint8)).save(file, "jpeg", quality=90)
    return file.getvalue()


def _shrunk_by_pillow(data: bytes) -> list[bytes]:
    copies: list[bytes] = []
    with Image.open(BytesIO(data)) as image:
        image.draft("RGB", (SIDES[0], SIDES[0]))
        for side in SIDES:
            copy = image.copy()
            copy.thumbnail((side, side), Image.Resampling.LANCZOS)
            file = BytesIO()
            copy.save(file, "webp", quality=QUALITY, method=METHOD)
            copies.append(file.getvalue())
    return copies


def rendering() -> Iterator[Measure]:
    """Smaller copies, in the child that makes them, in turns with bare Pillow."""
    ours = bare = 0.0
    guard = Guard()

    def render(data: bytes) -> list[bytes]:
        def read(start: int, length: int) -> bytes:
            return data[start : start + length]

        return guard.call("smaller", read, len(data), sides=SIDES)[1]

    render(_photo(PHOTOS))  # starts the child
    for number in range(PHOTOS):
        data = _photo(number)
        ours += seconds(partial(render, data))
        bare += seconds(partial(_shrunk_by_pillow, data))
    print(f"renditions: {PHOTOS / ours:.1f} photos of 6 megapixels/s; bare {PHOTOS / bare:.1f}")
    yield _at_least("renditions / a bare loop of Pillow", bare / ours, 0.8)


def _at_least(name: str, value: float, budget: float) -> Measure:
    return Measure(f"{name}, at least", round(value, 2), "ratio", budget, value >= budget)


def _at_most(name: str, value: float, budget: float, unit: str) -> Measure:
    return Measure(name, round(value, 2), unit, budget, value <= budget)


def measures(images: int) -> Iterator[Measure]:
    """All rows, for a folder of so many images."""
    yield from rendering()
    with tempfile.TemporaryDirectory() as logs:
        azurite = Azurite.start(folder=None, ports=None, name="bench", logs=Path(logs))
        try:
            inner = connect(azurite.connection_string)
            inner.create_all()
            recorded, watched = Recorded(inner.tables), WatchedBlobs(inner.blobs)
            storage = Storage(recorded, cast(Any, watched), inner.queues, inner.clock, inner.random)
            bench = Bench(
                compose(storage, Settings()),
                recorded,
                watched,
                TableClient.from_connection_string(azurite.connection_string, layout.ITEMS),
                BlobServiceClient.from_connection_string(azurite.connection_string),
            )
            bench.blobs.create_container(_CONTAINER)
            bench.upload(images)
            yield from registering(bench, bench.begin())
            yield from measuring(bench)
            yield from unchanged(bench, images)
        finally:
            azurite.stop()
