"""A whole Labelry in memory: services over storage that tests can watch, break and set the clock of."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import cache
from io import BytesIO
from threading import RLock
from typing import Any, cast

from azure.functions.queue import QueueMessage
from PIL import Image

import function_app
from functions.services import Services, compose, serving
from labeling import layout, trace
from labeling.adapters.memory import MemoryClock, MemoryStorage, Sent, memory_storage
from labeling.annotations.classes import NewClass
from labeling.annotations.shapes import TaskType
from labeling.assist.jobs import JobSpec, job_spec
from labeling.items.checks import Check
from labeling.items.records import Item, stored
from labeling.model import Model
from labeling.projects.access import Caller, Role
from labeling.projects.assist import AssistSettings
from labeling.projects.datasets import Source
from labeling.projects.projects import ProjectAccess
from labeling.projects.record import NewProject, Project
from labeling.quality.assignment import Assignment
from labeling.quality.overlap import Overlap
from labeling.settings import Settings
from labeling.storage import Storage
from labeling.tasks.messages import TaskAnswer, TaskRequest
from labeling.tasks.submissions import SubmissionEnvelope, SubmitAnswer
from labeling.tasks.views import TaskView

PHOTOS = "photos"
ADMIN = Caller(user="admin", name="Ada", provider="test", site_admin=True)

STEADY = Settings(storage="", trust_swa_header=True, cache_seconds=5)


class Killed(Exception):
    """What a test makes of a storage call: the process ends here."""


class Watch:
    """Sees every storage call: counts it, and lets `hook(number, name, stage)` act around it.

    `stage` is "before" or "after". What the hook raises comes out of the call.
    """

    def __init__(self) -> None:
        self.calls = 0
        self.steps = 0
        self.names: list[str] = []
        self.arguments: tuple[Any, ...] = ()
        self.hook: Callable[[int, str, str], None] | None = None
        self._lock = RLock()

    def reset(self) -> None:
        """Count from nothing, without a hook."""
        self.calls = self.steps = 0
        self.names = []
        self.hook = None

    def around(self, name: str, call: Callable[..., Any], *args: Any, **more: Any) -> Any:
        """Make a call, with the hook before and after it."""
        with self._lock:
            self.calls += len(args[1]) if name in ("get_many", "query_many") else 1
            self.steps += 1
            number = self.steps
            self.names.append(name)
            self.arguments = args
        if self.hook:
            self.hook(number, name, "before")
        try:
            return call(*args, **more)
        finally:
            if self.hook:
                self.hook(number, name, "after")

    def kill(self, at: int, stage: str) -> None:
        """End the process at the `at`-th call from now, before it or after it took effect."""
        self.reset()

        def hook(number: int, name: str, when: str) -> None:
            if number == at and when == stage:
                raise Killed(f"{stage} call {number}, {name}")

        self.hook = hook

    def at(self, step: int, then: Callable[[], object]) -> None:
        """Let something else happen just before the `step`-th call from now, once."""
        self.reset()

        def hook(number: int, name: str, when: str) -> None:
            if number == step and when == "before":
                self.hook = None
                then()

        self.hook = hook


class _Seen:
    """An adapter whose calls are watched."""

    def __init__(self, inner: object, watch: Watch) -> None:
        self._inner = inner
        self._watch = watch

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._inner, name)
        if not callable(found) or name in ("link", "upload_link", "snapshot"):
            return found

        def seen(*args: Any, **more: Any) -> Any:
            return self._watch.around(name, found, *args, **more)

        return seen


def watched(storage: Storage, watch: Watch) -> Storage:
    """The same storage, seen through a watch."""
    return Storage(
        tables=cast(Any, _Seen(storage.tables, watch)),
        blobs=cast(Any, _Seen(storage.blobs, watch)),
        queues=cast(Any, _Seen(storage.queues, watch)),
        clock=storage.clock,
        random=storage.random,
    )


@cache
def indexed() -> tuple[Any, ...]:
    """Every function of the app, as the worker finds them: it may look only once."""
    return tuple(function_app.app.get_functions())


@cache
def triggers() -> dict[str, Callable[[QueueMessage], None]]:
    """The app's function of each queue, by the queue's name."""
    return {
        str(described["queueName"]): function.get_user_function()
        for function in indexed()
        for described in (binding.get_dict_repr() for binding in function.get_bindings())
        if described["type"] == "queueTrigger"
    }


@cache
def photo(width: int = 8, height: int = 6, kind: str = "png", shade: int = 0) -> bytes:
    """A small image file; another `shade` is another content."""
    file = BytesIO()
    Image.new("RGB", (width, height), (shade, 90, 30)).save(file, kind)
    return file.getvalue()


def person(name: str) -> Caller:
    """Somebody signed in."""
    return Caller(user=name, name=name.title(), provider="test", email=f"{name}@example.org")


def tag(class_id: str = "c1", annotation_id: str = "a1") -> dict[str, Any]:
    """A tag as a client sends it."""
    return {"annotation_id": annotation_id, "class_id": class_id, "geometry": {"kind": "tag"}}


def box(x0: float = 0.1, y0: float = 0.1, x1: float = 0.5, y1: float = 0.5) -> dict[str, Any]:
    """A box as a client sends it."""
    shape = {"kind": "box", "x0": x0, "y0": y0, "x1": x1, "y1": y1}
    return {"annotation_id": "a1", "class_id": "c1", "geometry": shape}


def decided(item_id: str, *annotations: dict[str, Any], **more: Any) -> dict[str, Any]:
    """A decision as a client sends it; one tag unless said otherwise."""
    said = {"item_id": item_id, "outcome": "labeled", "annotations": list(annotations)}
    return {**said, **more}


@dataclass
class World:
    """Services over one storage in memory, with a watch on every call they make.

    `other()` makes a second host over the same storage.
    """

    settings: Settings = STEADY
    storage: MemoryStorage = field(default_factory=memory_storage)
    watch: Watch = field(default_factory=Watch)
    services: Services = field(init=False)
    requests: int = 0
    jobs: list[JobSpec] = field(default_factory=list)
    """What was asked of jobs, which do not run here."""

    def __post_init__(self) -> None:
        self.storage.blobs.create(PHOTOS)
        self.services = compose(watched(self.storage, self.watch), self.settings)

    @property
    def clock(self) -> MemoryClock:
        """The clock of this world."""
        return self.storage.clock

    def wait(self, seconds: float) -> None:
        """Let time pass."""
        self.clock.at += timedelta(seconds=seconds)

    def other(self, **changed: Any) -> World:
        """Another host over the same storage: nothing cached, perhaps other settings."""
        return World(self.settings.model_copy(update=changed), self.storage)

    # Making things.

    def upload(self, *paths: str, data: bytes | None = None, container: str = PHOTOS) -> None:
        """Put image files into a container."""
        for path in paths:
            self.storage.blobs.write(
                container, path, photo() if data is None else data, content_type="image/png"
            )

    def new(
        self,
        name: str = "Birds",
        *,
        task_type: TaskType = "multiclass",
        pattern: str = "**/*.*",
        classes: Sequence[str] = ("Owl", "Robin", "Wren"),
        refresh: bool = True,
        container: str = PHOTOS,
        key: str | None = None,
        by: Caller = ADMIN,
        assist: AssistSettings | None = None,
        overlap: Overlap | None = None,
        assignments: Sequence[Assignment] = (),
    ) -> Project:
        """A project, just made: nothing is listed yet."""
        source = Source(container=container, pattern=pattern)
        wanted = NewProject(
            name=name,
            task_type=task_type,
            dataset_id="d-photos",
            classes=[NewClass(name=class_) for class_ in classes],
            incremental_refresh=refresh,
            assist=assist or AssistSettings(),
            overlap=overlap or Overlap(),
            assignments=list(assignments),
        )
        return self.services.projects.create(wanted, source, by=by, idempotency_key=key)

    def project(self, name: str = "Birds", *, images: int = 0, **more: Any) -> Project:
        """A project that runs, over the files in `photos` (and `images` more)."""
        self.upload(*(f"img{n:04d}.png" for n in range(images)))
        project = self.new(name, **more)
        self.services.ingest.start(project)
        self.drain()
        return self.services.projects.get(project.project_id)

    def alter(self, project: Project, **changes: Any) -> Project:
        """Change a project's record in a way no page does."""
        for_ever = self.services.projects.change(
            project.project_id, lambda old: old.model_copy(update=changes)
        )
        return for_ever

    def sharded(self, shards: int, *, images: int, overlap: int = 1, **more: Any) -> Project:
        """A project that runs, with as many shards as the test wants, however small it is."""
        self.upload(*(f"img{n:04d}.png" for n in range(images)))
        project = self.new(**more)
        project = self.alter(project, shards=shards, overlap=Overlap(labelers=overlap))
        self.services.ingest.start(project)
        self.drain()
        return self.services.projects.get(project.project_id)

    def member(
        self, project: Project, name: str, role: Role = "labeler", *, tags: Sequence[str] = ()
    ) -> Caller:
        """Somebody with a role in a project, and with tags."""
        who = person(name)
        self.services.access.put_member(
            project.project_id, who.user, role, name=who.name, tags=tags
        )
        self.services.projects.forget(project.project_id, who.user)
        return who

    def open(self, project: Project, caller: Caller, least: Role = "labeler") -> ProjectAccess:
        """A project as somebody works in it."""
        return self.services.projects.open(project.project_id, caller, least, "testing")

    # Labeling.

    def ask(
        self, project: Project, caller: Caller, request_id: str = "", size: int = 9
    ) -> TaskAnswer:
        """Ask for a task, by a request of its own unless one is given."""
        self.requests += 1
        request = TaskRequest(request_id=request_id or f"r{self.requests}", size=size)
        return self.services.tasks.hand_out(self.open(project, caller), caller, request)

    def task(self, project: Project, caller: Caller, **more: Any) -> TaskView:
        """A task, which there must be."""
        answer = self.ask(project, caller, **more)
        assert answer.task, answer.why
        return answer.task

    def submit(
        self,
        project: Project,
        caller: Caller,
        task_id: str,
        *items: dict[str, Any],
        submission: str = "",
        classes_version: int = 1,
    ) -> SubmitAnswer:
        """Submit decisions, under an id of their own unless one is given."""
        self.requests += 1
        envelope = SubmissionEnvelope(
            submission_id=submission or f"s{self.requests}",
            classes_version=classes_version,
            items=list(items),
        )
        opened = self.open(project, caller)
        return self.services.tasks.submit(opened, caller, task_id, envelope)

    def label(self, project: Project, caller: Caller, task: TaskView, class_id: str = "c1") -> None:
        """Tag every image of a task."""
        decisions = [decided(item.item_id, tag(class_id)) for item in task.items]
        answer = self.submit(project, caller, task.task_id, *decisions)
        assert {result.status for result in answer.results} == {"saved"}, answer

    def finish(self, project: Project, caller: Caller, size: int = 9) -> list[str]:
        """Label until nothing is left; the items, in order."""
        done: list[str] = []
        while task := self.ask(project, caller, size=size).task:
            self.label(project, caller, task)
            done += [item.item_id for item in task.items]
        return done

    # Messages.

    def handle(self, queue: str, message: Model) -> None:
        """What the function of a queue does with a message."""
        if queue == layout.GPU_JOBS_QUEUE:
            self.jobs.append(job_spec(message.model_dump_json()))
            return
        trace.begin()  # as the adapter stamps every message
        body = trace.stamped(message.model_dump_json()).encode()
        msg = QueueMessage(body=body, dequeue_count=1)
        with serving(self.services):
            triggers()[queue](msg)

    def step(self, queue: str) -> None:
        """Handle the next message of a queue."""
        self.handle(queue, self.storage.queues.sent[queue].popleft().message)

    def drain(self) -> int:
        """Handle what waits, and what that sends, in order; what is delayed stays."""
        return self.storage.queues.drain(self.handle)

    def shuffle(self, seed: int, *hosts: World) -> None:
        """Handle what waits in random order, each message twice, by any of the hosts."""
        chance = random.Random(seed)
        hosts = hosts or (self,)
        once: list[tuple[str, Sent]] = []
        again: list[tuple[str, Sent]] = []
        queues = self.storage.queues.sent
        for _ in range(5_000):
            for queue, waiting in queues.items():
                while waiting:
                    once.append((queue, waiting.popleft()))
            pending = [*once, *again]
            if not pending:
                return
            ready = [one for one in pending if one[1].visible_at <= self.clock.at]
            if not ready:
                self.clock.at = min(one[1].visible_at for one in pending)
                continue
            chosen = chance.choice(ready)
            first = any(one is chosen for one in once)
            chance.choice(hosts).handle(chosen[0], chosen[1].message)
            if first:
                once = [one for one in once if one is not chosen]
                again.append(chosen)
            else:
                again = [one for one in again if one is not chosen]
        raise AssertionError("the messages never end")

    # Looking at what is kept, past the services.

    def items(self, project: Project) -> dict[str, Item]:
        """All items of a project by path, as their truth rows have them."""
        snapshot = self.storage.tables.snapshot(layout.ITEMS)
        found = [
            stored(row).item
            for partition, rows in snapshot.items()
            if partition.startswith(f"{project.project_id}|")
            for key, row in rows.items()
            if key.startswith("I|")
        ]
        assert len({item.path for item in found}) == len(found)
        return {item.path: item for item in sorted(found, key=lambda item: item.path)}

    def rows(self, project: Project, prefix: str) -> list[str]:
        """Keys of a project's item rows that begin so, in all shards."""
        snapshot = self.storage.tables.snapshot(layout.ITEMS)
        return sorted(
            key
            for partition, rows in snapshot.items()
            if partition.startswith(f"{project.project_id}|")
            for key in rows
            if key.startswith(prefix)
        )

    def counters(self, project: Project) -> dict[str, int]:
        """The counters, without those that count what was done and not what is."""
        now = self.services.projects.get(project.project_id)
        counted = self.services.projects.items(now).counters() if now.shards else Counter[str]()
        done = ("day:", "prelabel:")
        return {name: n for name, n in sorted(counted.items()) if not name.startswith(done)}

    def recount(self, project: Project) -> dict[str, int]:
        """What the counters must be."""
        total: Counter[str] = Counter()
        for item in self.items(project).values():
            total.update(item.facts())
        for partition, rows in self.storage.tables.snapshot(layout.ITEMS).items():
            if partition.startswith(f"{project.project_id}|"):
                for key, row in rows.items():
                    if layout.kind_of(key) is layout.Kind.CHECK:
                        total.update(Check.of(row, 0).facts())
        return {name: n for name, n in sorted(total.items()) if n}

    def settled(self, project: Project) -> dict[str, Any]:
        """All that ingestion decides, to compare two ways to the same end."""
        items = {
            path: replace(item, registered_ms=0, changed_ms=0, batch="", order="")
            for path, item in self.items(project).items()
        }
        capacity = self.storage.tables.get(layout.PROJECTS, project.project_id, layout.CAPACITY)
        assert self.counters(project) == self.recount(project)
        refresh = self.services.ingest.state(project.project_id)
        assert refresh is not None
        return {
            "items": items,
            "capacity": capacity.text("doc") if capacity else "",
            "state": self.services.projects.get(project.project_id).state,
            "refresh": refresh.model_dump(
                include={"state", "images", "new", "changed", "missing", "over_limit", "skipped"}
            ),
        }
