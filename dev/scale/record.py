"""What the product asks of storage, recorded while its real code works on real rows in memory."""

from __future__ import annotations

import random
import time
import uuid
from collections import deque
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from io import BytesIO
from typing import Any

from PIL import Image

from functions.services import Services, compose
from labeling import layout
from labeling.adapters.memory import MemoryStorage, memory_storage
from labeling.annotations.classes import NewClass
from labeling.ingest.refresh import Measure, Refresh, Register
from labeling.model import Model
from labeling.projects.access import Caller
from labeling.projects.datasets import Source
from labeling.projects.record import NewProject, Project
from labeling.settings import Settings
from labeling.storage import Operation, Range, Row, Storage, Tables
from labeling.tasks.messages import TaskRequest
from labeling.tasks.submissions import SubmissionEnvelope

PAGE = 9
ADMIN = Caller(user="admin", name="admin", provider="scale", site_admin=True)
CONTAINER = "photos"
PASSED_OVER = (layout.RENDITIONS_QUEUE, layout.GPU_JOBS_QUEUE)
"""Queues whose work is decoding and training, which this is not about."""


@dataclass(frozen=True)
class Call:
    """One request to a service. `place` is a partition of a table, or empty; `entities` are written or read."""

    service: str
    place: str = ""
    entities: int = 1


Trip = tuple[Call, ...]
"""Requests that are under way at the same time."""


@dataclass
class Work:
    """What one request or message does: trips one after another, and seconds of CPU on this machine.

    `sends` are the messages that it leaves behind, with the seconds until they are seen.
    """

    what: str
    trips: list[Trip] = field(default_factory=list[Trip])
    cpu_s: float = 0.0
    sends: list[tuple[Work, int]] = field(default_factory=list[tuple["Work", int]])


class Recorder:
    """Keeps what is asked of storage for the work that is being done."""

    def __init__(self) -> None:
        self._work = Work("nothing")

    def trip(self, *calls: Call) -> None:
        """Some requests were sent."""
        if calls:
            self._work.trips.append(calls)

    @contextmanager
    def of(self, what: str) -> Generator[Work]:
        """Record what is done in here."""
        self._work = Work(what)
        begun = time.thread_time()
        yield self._work
        self._work.cpu_s = time.thread_time() - begun


class RecordedTables:
    """Tables that tell the recorder of every call."""

    def __init__(self, inner: Tables, recorder: Recorder) -> None:
        self._inner = inner
        self._recorder = recorder

    def get(self, table: str, partition: str, key: str) -> Row | None:
        """One call."""
        self._recorder.trip(_call(table, partition, 1))
        return self._inner.get(table, partition, key)

    def get_many(self, table: str, places: Sequence[tuple[str, str]]) -> list[Row | None]:
        """As many calls as places, in one round trip."""
        self._recorder.trip(*(_call(table, partition, 1) for partition, _ in places))
        return self._inner.get_many(table, places)

    def query(self, table: str, wanted: Range) -> list[Row]:
        """One call."""
        return self.query_many(table, [wanted])[0]

    def query_many(self, table: str, wanted: Sequence[Range]) -> list[list[Row]]:
        """As many calls as ranges, in one round trip."""
        found = self._inner.query_many(table, wanted)
        pairs = zip(wanted, found, strict=True)
        self._recorder.trip(*(_call(table, one.partition, len(rows)) for one, rows in pairs))
        return found

    def transact(self, table: str, partition: str, operations: Sequence[Operation]) -> list[str]:
        """One call."""
        self._recorder.trip(_call(table, partition, len(operations)))
        return self._inner.transact(table, partition, operations)


def _call(table: str, partition: str, entities: int) -> Call:
    return Call("table", f"{table}/{partition}", max(1, entities))


class _Recorded:
    """Blobs whose calls the recorder is told of."""

    def __init__(self, inner: object, recorder: Recorder) -> None:
        self._inner = inner
        self._recorder = recorder

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._inner, name)
        if not callable(found) or name in ("link", "upload_link"):
            return found

        def told(*args: Any, **more: Any) -> Any:
            self._recorder.trip(Call("blob"))
            return found(*args, **more)

        return told


class _Queues:
    """Queues that hand each message on at once, to whoever does its work."""

    def __init__(self, recorder: Recorder, waiting: deque[tuple[str, Model, int]]) -> None:
        self._recorder = recorder
        self._waiting = waiting

    def send(self, queue: str, message: Model, *, delay_s: int = 0) -> None:
        """Put a message on a queue."""
        self._recorder.trip(Call("queue"))
        self._waiting.append((queue, message, delay_s))


class Product:
    """Labelry over storage in memory that records."""

    def __init__(self, seed: int = 0) -> None:
        self.recorder = Recorder()
        self._memory: MemoryStorage = memory_storage(seed=seed)
        self._waiting: deque[tuple[str, Model, int]] = deque()
        blobs: Any = _Recorded(self._memory.blobs, self.recorder)
        queues: Any = _Queues(self.recorder, self._waiting)
        tables = RecordedTables(self._memory.tables, self.recorder)
        chance = random.Random(seed).random
        self.services: Services = compose(
            Storage(tables, blobs, queues, self._memory.clock, chance), Settings(storage="")
        )

    def _handle(self, queue: str, message: Model) -> None:
        """What the function of a queue does with a message that waits for its turn nowhere."""
        match message:
            case Refresh():
                self.services.ingest.on_refresh(message)
            case Register():
                self.services.ingest.on_register(message)
                self.services.assist.on_images(message.project_id)
            case Measure():
                self.services.ingest.on_measure(message)
                self.services.assist.on_images(message.project_id)
            case _:
                raise ValueError(f"nobody handles what is on {queue}: {message!r}")

    def ingested(self, images: int) -> tuple[Project, Work]:
        """A project of so many images that runs, and all that was done for it, from its first message on."""
        self._memory.blobs.create(CONTAINER)
        file = BytesIO()
        Image.new("RGB", (640, 480)).save(file, "jpeg")
        for number in range(images):
            path = f"{number % 1000:03d}/{number:07d}.jpg"
            self._memory.blobs.write(CONTAINER, path, file.getvalue(), content_type="image/jpeg")
        new = NewProject(
            name="scale",
            task_type="multiclass",
            dataset_id="d-scale",
            classes=[NewClass(name="cat"), NewClass(name="dog")],
        )
        source = Source(container=CONTAINER, pattern="**/*.*")
        project = self.services.projects.create(new, source, by=ADMIN, idempotency_key=None)
        with self.recorder.of("create") as first:
            self.services.ingest.start(project)
        left = deque(self._messages_of(first))
        while left:
            work, queue, message = left.popleft()
            self._memory.clock.sleep(0.01)
            with self.recorder.of(queue) as done:
                self._handle(queue, message)
            work.trips, work.cpu_s = done.trips, done.cpu_s
            left.extend(self._messages_of(work))
        return self.services.projects.get(project.project_id), first

    def _messages_of(self, work: Work) -> Iterator[tuple[Work, str, Model]]:
        """What some work has just sent, noted as its doing."""
        while self._waiting:
            queue, message, delay_s = self._waiting.popleft()
            if queue in PASSED_OVER:
                continue
            child = Work(queue)
            work.sends.append((child, delay_s))
            yield child, queue, message

    def labeled(self, project: Project, people: int, rounds: int) -> dict[str, list[Work]]:
        """Pages handed out and submitted by so many people at once: by person, hand out and submit in turn.

        The first pages, for which everything is read the first time, are not among them.
        """
        found: dict[str, list[Work]] = {}
        for number in range(people):
            user = f"labeler{number}"
            self.services.access.put_member(project.project_id, user, "labeler", name=user)
            self._page(project, user)
        for _ in range(rounds):
            for number in range(people):
                self._memory.clock.sleep(30 / people)
                user = f"labeler{number}"
                found.setdefault(user, []).extend(self._page(project, user))
        self._waiting.clear()
        return found

    def _page(self, project: Project, user: str) -> list[Work]:
        caller = Caller(user=user, name=user, provider="scale")
        services = self.services
        with self.recorder.of("hand out") as asked:
            opened = services.projects.open(project.project_id, caller, "labeler", "labeling")
            request = TaskRequest(request_id=uuid.uuid4().hex, size=PAGE)
            task = services.tasks.hand_out(opened, caller, request).task
        assert task, "nothing is left: fewer people or rounds, or more images"
        tag = {"annotation_id": "a1", "class_id": "c1", "geometry": {"kind": "tag"}}
        items = [
            {"item_id": item.item_id, "outcome": "labeled", "annotations": [tag]}
            for item in task.items
        ]
        envelope = SubmissionEnvelope(
            submission_id=uuid.uuid4().hex, classes_version=1, items=items
        )
        with self.recorder.of("submit") as submitted:
            opened = services.projects.open(project.project_id, caller, "labeler", "labeling")
            services.tasks.submit(opened, caller, task.task_id, envelope)
        return [asked, submitted]
