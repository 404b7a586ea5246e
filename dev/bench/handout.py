"""What handing out, resuming, submitting and the dashboard cost: counted calls, the same on any machine."""

from __future__ import annotations

import random
import tempfile
import uuid
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import TypeVar

from dev.azurite import Azurite
from dev.bench.measure import Measure
from functions.services import Services, compose
from labeling import layout
from labeling.adapters.azure import connect
from labeling.adapters.calls import counting
from labeling.adapters.memory import memory_storage
from labeling.annotations.classes import NewClass
from labeling.annotations.shapes import TaskType
from labeling.assist.prelabels import MAX_ITEMS, PrelabelEnvelope
from labeling.items.records import Item
from labeling.media.header import Measured
from labeling.projects.access import Caller
from labeling.projects.datasets import Source
from labeling.projects.record import NewProject, Project
from labeling.quality.overlap import Overlap
from labeling.settings import Settings
from labeling.storage import Operation, Range, Row, Storage, Tables
from labeling.tasks.messages import TaskAnswer, TaskRequest
from labeling.tasks.submissions import SubmissionEnvelope, SubmitAnswer
from labeling.tasks.views import TaskView

PAGE = 9
HANDOUTS = 40
PROJECTS = 200
LISTED = 20
ADMIN = Caller(user="admin", name="admin", provider="bench", site_admin=True)


Answer = TypeVar("Answer")


class CountedTables:
    """Tables that count calls, and round trips: calls that wait for one another."""

    def __init__(self, inner: Tables) -> None:
        self._inner = inner
        self.calls = 0
        self.round_trips = 0

    def _count(self, calls: int) -> None:
        self.calls += calls
        self.round_trips += bool(calls)

    def get(self, table: str, partition: str, key: str) -> Row | None:
        """One call."""
        self._count(1)
        return self._inner.get(table, partition, key)

    def get_many(self, table: str, places: Sequence[tuple[str, str]]) -> list[Row | None]:
        """As many calls as places, in one round trip."""
        self._count(len(places))
        return self._inner.get_many(table, places)

    def query(self, table: str, wanted: Range) -> list[Row]:
        """One call."""
        self._count(1)
        return self._inner.query(table, wanted)

    def query_many(self, table: str, wanted: Sequence[Range]) -> list[list[Row]]:
        """As many calls as ranges, in one round trip."""
        self._count(len(wanted))
        return self._inner.query_many(table, wanted)

    def transact(self, table: str, partition: str, operations: Sequence[Operation]) -> list[str]:
        """One call."""
        self._count(1)
        return self._inner.transact(table, partition, operations)


@dataclass
class Bench:
    """A project of a given size over some storage, and labelers who work in it."""

    services: Services
    project: Project
    counted: CountedTables | None = None
    said: Sequence[Mapping[str, object]] = (
        {"annotation_id": "a1", "class_id": "c1", "geometry": {"kind": "tag"}},
    )
    """What each image is labeled with."""

    def warm(self, user: str) -> None:
        """Have the rows of the project and a member read within the last five seconds."""
        caller = Caller(user=user, name=user, provider="bench")
        self.services.projects.open(self.project.project_id, caller, "labeler", "it")

    def ask(self, user: str, *, request_id: str = "") -> TaskAnswer:
        """A page for a labeler."""
        caller = Caller(user=user, name=user, provider="bench")
        opened = self.services.projects.open(self.project.project_id, caller, "labeler", "it")
        request = TaskRequest(request_id=request_id or uuid.uuid4().hex, size=PAGE)
        return self.services.tasks.hand_out(opened, caller, request)

    def submit(self, user: str, task: TaskView) -> SubmitAnswer:
        """The same labels for a whole page."""
        caller = Caller(user=user, name=user, provider="bench")
        opened = self.services.projects.open(self.project.project_id, caller, "labeler", "it")
        envelope = SubmissionEnvelope(
            submission_id=uuid.uuid4().hex,
            classes_version=1,
            items=[
                {"item_id": item.item_id, "outcome": "labeled", "annotations": self.said}
                for item in task.items
            ],
        )
        return self.services.tasks.submit(opened, caller, task.task_id, envelope)

    def joined(self, user: str) -> None:
        """Make somebody a member."""
        self.services.access.put_member(self.project.project_id, user, "labeler", name=user)

    def calls(self, work: Callable[[], Answer]) -> tuple[Answer, int, int]:
        """Some work's answer, storage calls and round trips; queue messages are not counted."""
        if self.counted is None:
            with counting() as calls:
                answer = work()
            return answer, calls["table"] + calls["blob"], 0
        self.counted.calls = self.counted.round_trips = 0
        answer = work()
        return answer, self.counted.calls, self.counted.round_trips


def filled(
    storage: Storage,
    size: int,
    shards: int,
    task_type: TaskType = "multiclass",
    classes: Sequence[str] = ("cat", "dog"),
    overlap: Overlap | None = None,
) -> tuple[Services, Project]:
    """A running project of `size` measured items, registered by the product's own code."""
    services = compose(storage, Settings(cache_seconds=5))
    source = Source(container=layout.DATASETS, pattern="**/*.*")
    new = NewProject(
        name=f"bench {uuid.uuid4().hex}",
        task_type=task_type,
        dataset_id="d-bench",
        classes=[NewClass(name=class_) for class_ in classes],
        overlap=overlap or Overlap(),
    )
    made = services.projects.create(new, source, by=ADMIN, idempotency_key=None)
    project = services.projects.change(
        made.project_id,
        lambda old: old.model_copy(
            update={"state": "running", "shards": shards, "seed": "bench"}  # the same every time
        ),
    )
    items = services.projects.items(project)
    by_shard: dict[int, list[Item]] = {shard: [] for shard in range(shards)}
    for number in range(size):
        item = items.new_item(
            f"{number:07d}.jpg", "e1", container=layout.DATASETS, size=1000, media="jpeg"
        )
        by_shard[items.shard_of(item.item_id)].append(item)
    for shard, found in by_shard.items():
        at_once = 24 // items.lanes
        for at in range(0, len(found), at_once):
            some = found[at : at + at_once]
            items.register(shard, some, "bench")
            size_of = Measured(blob_etag="e1", width=640, height=480)
            items.measured(shard, {item.item_id: size_of for item in some})
    return services, project


@contextmanager
def in_memory(size: int, shards: int, task_type: TaskType = "multiclass") -> Generator[Bench]:
    """A project in memory, its table calls counted."""
    inner = memory_storage()
    counted = CountedTables(inner.tables)
    storage = Storage(counted, inner.blobs, inner.queues, inner.clock, random.Random(1).random)
    services, project = filled(storage, size, shards, task_type)
    yield Bench(services, project, counted)


@contextmanager
def on_azurite(size: int, shards: int) -> Generator[Bench]:
    """A project on the storage emulator, every request of the SDK counted."""
    with tempfile.TemporaryDirectory() as logs:
        azurite = Azurite.start(folder=None, ports=None, name="bench", logs=Path(logs))
        try:
            storage = connect(azurite.connection_string)
            storage.create_all()
            services, project = filled(storage, size, shards)
            yield Bench(services, project)
        finally:
            azurite.stop()


def handout(where: str, bench: Bench) -> Iterator[Measure]:
    """Calls of handing out, resuming and submitting in the middle of a project."""
    cold, warm, resume, submit = list[int](), list[int](), list[int](), list[int]()
    for number in range(HANDOUTS):
        user = f"labeler{number % 8}"
        first = number < 8
        if first:
            bench.joined(user)
        else:
            bench.warm(user)
        ask = partial(bench.ask, user, request_id=uuid.uuid4().hex)
        answer, calls, _ = bench.calls(ask)
        (cold if first else warm).append(calls)
        assert answer.task
        assert len(answer.task.items) == PAGE
        assert (answer.task.kind == "prelabeled") is all(
            item.prelabel for item in answer.task.items
        )
        bench.warm(user)
        resume.append(bench.calls(ask)[1])
        submit.append(bench.calls(partial(bench.submit, user, answer.task))[1])
    yield _row(f"handout of {PAGE}, {where}: warm, median", sorted(warm)[len(warm) // 2], 3)
    yield _row(f"handout of {PAGE}, {where}: warm, most", max(warm), 3)
    yield _row(
        f"handout of {PAGE}, {where}: cold (project and member row read, activity noted), most",
        max(cold),
        7,
    )
    yield _row(f"resume, {where}: most", max(resume), 2)
    yield _row(f"submit of {PAGE}, {where}: most (one message in 32 apart)", max(submit), 2)


def dashboard(where: str, bench: Bench) -> Iterator[Measure]:
    """Calls of the numbers of a project."""
    opened = bench.services.projects.open(bench.project.project_id, ADMIN, "admin", "it")
    progress, calls, _ = bench.calls(partial(bench.services.progress.get, opened))
    assert progress.states["labeled"] >= PAGE
    yield _row(f"dashboard, {where}", calls, 1 + bench.project.shards)


def suggest_everywhere(bench: Bench) -> None:
    """Suggest a label for every image of a project."""
    project = bench.project
    opened = bench.services.projects.open(project.project_id, ADMIN, "admin", "it")
    said = [{"class_id": "c1", "confidence": 0.9}]
    ids = [
        row.item.item_id for shard in range(project.shards) for row in opened.items.all_rows(shard)
    ]
    for at in range(0, len(ids), MAX_ITEMS):
        items = [{"item_id": one, "annotations": said} for one in ids[at : at + MAX_ITEMS]]
        batch = PrelabelEnvelope(run_id="bench", items=items)
        answer = bench.services.prelabels.put(opened, batch, by="bench")
        assert {result.status for result in answer.results} == {"saved"}


def project_list(where: str, bench: Bench) -> Iterator[Measure]:
    """Calls and time of the list of projects, by whoever sees all of them."""
    own = bench.services.projects
    source = Source(container=layout.DATASETS, pattern="**/*.*")
    for number in range(PROJECTS - len(own.list_for(ADMIN))):
        new = NewProject(
            name=f"listed {number}",
            task_type="multiclass",
            dataset_id="d-bench",
            classes=[NewClass(name="cat"), NewClass(name="dog")],
        )
        own.create(new, source, by=ADMIN, idempotency_key=None)
    took = list[float]()
    calls = 0
    for _ in range(LISTED):
        begun = perf_counter()
        lines, calls, _ = bench.calls(partial(own.list_for, ADMIN))
        took.append(1_000 * (perf_counter() - begun))
        assert len(lines) == PROJECTS
    yield _row(f"list of {PROJECTS} projects, {where}", calls, 2)
    yield _row(f"list of {PROJECTS} projects, {where}: median", median(took), 300, unit="ms")


def last_pages(shards: int) -> Iterator[Measure]:
    """Calls of the last handouts of a project that hand out something."""
    with in_memory(40 * shards, shards) as bench:
        bench.joined("ann")
        calls, trips = list[int](), list[int]()
        answer = bench.ask("ann")  # the first one is cold
        while answer.task:
            bench.submit("ann", answer.task)
            bench.warm("ann")
            answer, cost, round_trips = bench.calls(partial(bench.ask, "ann"))
            if answer.task:
                calls.append(cost)
                trips.append(round_trips)
    yield _row(f"last pages, {shards} shards: most calls", max(calls), 3 + shards)
    yield _row(f"last pages, {shards} shards: most round trips", max(trips), 4, unit="round trips")


def _row(name: str, value: float, budget: float, unit: str = "calls") -> Measure:
    return Measure(name, value, unit, budget, value <= budget)


def measures(big: int) -> Iterator[Measure]:
    """All rows, with a project of `big` items as the largest."""
    with in_memory(1_000, 1) as bench:
        yield from handout("1,000 items in memory", bench)
        yield from dashboard("1,000 items in memory, 1 shard", bench)
    with in_memory(1_000, 1) as bench:
        suggest_everywhere(bench)
        yield from handout("1,000 prelabeled items in memory", bench)
    with on_azurite(1_000, 1) as bench:
        yield from handout("1,000 items on the emulator", bench)
        yield from dashboard("1,000 items on the emulator, 1 shard", bench)
        yield from project_list("on the emulator", bench)
    with in_memory(big, 16) as bench:
        yield from handout(f"{big:,} items in memory", bench)
        yield from dashboard(f"{big:,} items in memory, 16 shards", bench)
    yield from last_pages(1)
    yield from last_pages(16)
