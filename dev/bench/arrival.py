"""Somebody labels while images arrive: how much slower it gets, and how much slower they arrive.

On the whole local system, without a browser. All of it in one run, as ratios: a machine's seconds mean little.
"""

from __future__ import annotations

import statistics
import tempfile
import time
import uuid
from collections.abc import Callable, Generator, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path

from azure.storage.blob import BlobServiceClient
from PIL import Image

from dev.bench.measure import Measure
from dev.client import Client, Person
from dev.stack import Stack
from functions.services import Services, compose
from labeling import layout
from labeling.adapters.azure import connect
from labeling.annotations.shapes import TaskType
from labeling.ingest.turns import LABELING_MS
from labeling.settings import Settings

ALONE_SHARE = 5
"""One image in so many is there first: its arrival is ingestion's own rate."""

IDLE_S = 12
"""Before, and once more when everything has arrived: a shared machine's idle drifts."""
MOST_S = 90
"""Labeling goes on beside ingestion until this, or until everything has arrived."""

ADMIN = Person("bench-admin", "admin@example.com", roles=("admin",))
LABELER = Person("bench-labeler", "labeler@example.com")
_CONTAINER = "bench"  # not the one of uploads: nothing arrives by events
_POLL_S = 1.0


@dataclass(frozen=True)
class Labeled:
    """Medians of what a labeler waited for, in milliseconds."""

    next_ms: float
    submit_ms: float

    @property
    def both_ms(self) -> float:
        """From submitting until the next page."""
        return self.next_ms + self.submit_ms


@dataclass
class Arrival:
    """A project, its labeler, and what is known of its items. `geometry` is what each image is labeled with."""

    services: Services
    admin: Client
    labeler: Client
    task_type: TaskType = "multiclass"
    geometry: Mapping[str, object] = field(default_factory=lambda: {"kind": "tag"})
    project_id: str = ""

    def fill(self, first: int, count: int) -> None:
        """Put tiny images into the container."""
        file = BytesIO()
        Image.new("RGB", (32, 24), (20, 90, 30)).save(file, "jpeg")
        data = file.getvalue()
        blobs = self.services.storage.blobs

        def write(number: int) -> None:
            blobs.write(_CONTAINER, f"{number:07d}.jpg", data, content_type="image/jpeg")

        with ThreadPoolExecutor(8) as pool:
            list(pool.map(write, range(first, first + count)))

    def begin(self) -> None:
        """Make the project; its first images arrive."""
        source = {"container": _CONTAINER, "pattern": "**/*.*"}
        headers = {"Idempotency-Key": "dataset"}
        dataset = self.admin.call(
            "POST", "/datasets", {"name": "arriving", "source": source}, headers=headers
        )
        self.project_id = self.admin.create_project(
            "Arriving", self.task_type, dataset["dataset_id"], ("cat", "dog"), key="project"
        )
        self.admin.add_member(self.project_id, LABELER)

    def steps_done(self) -> int:
        """Steps of ingestion that are done: an image is registered, then measured."""
        project = self.services.projects.find(self.project_id)
        if project is None or not project.shards:
            return 0
        counters = self.services.projects.items(project).counters()
        states = ("available", "leased", "labeled")
        known = sum(counters.get(f"state:{state}", 0) for state in states)
        return 2 * known - counters.get(f"queue:{layout.UNMEASURED}", 0)

    def wait_for(self, steps: int) -> None:
        """Return when so many steps are done."""
        while self.steps_done() < steps:
            time.sleep(_POLL_S)

    def label_until(self, over: Callable[[], bool], size: int = 1) -> Labeled:
        """Label page by page, of one image each unless said otherwise, as fast as the system answers."""
        nexts, submits = list[float](), list[float]()
        said = {"annotation_id": "a1", "class_id": "c1", "geometry": self.geometry}
        path = f"/projects/{self.project_id}/tasks"
        while not over():
            began = time.perf_counter()
            asked = {"request_id": uuid.uuid4().hex, "size": size}
            task = self.labeler.call("POST", path, asked)["task"]
            shown = time.perf_counter()
            if task is None:
                time.sleep(0.2)
                continue
            items = [
                {"item_id": item["item_id"], "outcome": "labeled", "annotations": [said]}
                for item in task["items"]
            ]
            body = {"submission_id": uuid.uuid4().hex, "classes_version": 1, "items": items}
            self.labeler.call("POST", f"{path}/{task['task_id']}/submit", body)
            nexts.append(shown - began)
            submits.append(time.perf_counter() - shown)
        return Labeled(1000 * statistics.median(nexts), 1000 * statistics.median(submits))


def _after(seconds: float) -> Callable[[], bool]:
    end = time.monotonic() + seconds
    return lambda: time.monotonic() > end


@contextmanager
def running() -> Generator[tuple[Stack, Arrival]]:
    """A whole local system without a browser, with an empty container for what arrives."""
    with (
        tempfile.TemporaryDirectory() as logs,
        Stack(site=None, name="bench", logs=Path(logs)) as system,
        Client(system.hosts[0].url, person=ADMIN) as admin,
        Client(system.hosts[0].url, person=LABELER) as labeler,
    ):
        services = compose(connect(system.connection_string), Settings(cache_seconds=0))
        with BlobServiceClient.from_connection_string(system.connection_string) as blobs:
            blobs.create_container(_CONTAINER)
        yield system, Arrival(services, admin, labeler)


def measures(images: int) -> Iterator[Measure]:
    """Both ratios, with `images` arriving while somebody labels."""
    before = max(200, images // ALONE_SHARE)
    with running() as (_, arrival):
        arrival.fill(0, before)
        began = time.monotonic()
        arrival.begin()
        arrival.wait_for(2 * before)
        alone = 2 * before / (time.monotonic() - began)

        arrival.label_until(_after(2))  # warm
        idle = arrival.label_until(_after(IDLE_S))

        arrival.fill(before, images)
        began = time.monotonic()
        arrival.admin.call("POST", f"/projects/{arrival.project_id}/refresh")
        all_there = 2 * (before + images)
        polled, done = began, 2 * before

        def over() -> bool:
            nonlocal polled, done
            if time.monotonic() - polled > 2 * _POLL_S:
                polled, done = time.monotonic(), arrival.steps_done()
            return done >= all_there or time.monotonic() - began > MOST_S

        beside = arrival.label_until(over)
        rate = (arrival.steps_done() - 2 * before) / (time.monotonic() - began)
        time.sleep(LABELING_MS / 1000 + 1)  # until ingestion believes that nobody labels
        left = all_there - arrival.steps_done()
        began = time.monotonic()
        arrival.wait_for(all_there)
        # The emulator takes rows in more slowly the more it has.
        later = left / (time.monotonic() - began) if left > before else alone
        again = arrival.label_until(_after(IDLE_S))
        print(f"idle before: {idle.both_ms:.0f} ms, and after: {again.both_ms:.0f} ms")
        idle = Labeled(
            statistics.mean((idle.next_ms, again.next_ms)),
            statistics.mean((idle.submit_ms, again.submit_ms)),
        )
        print(
            f"idle: next {idle.next_ms:.0f} ms, submit {idle.submit_ms:.0f} ms; "
            f"while images arrive: {beside.next_ms:.0f} and {beside.submit_ms:.0f} ms; "
            f"images registered and measured a second: {rate / 2:.0f} beside, {alone / 2:.0f} alone before "
            f"and {later / 2:.0f} after"
        )
    slower = beside.both_ms / idle.both_ms
    name = f"next + submit while {images:,} images arrive / idle"
    yield Measure(name, round(slower, 2), "ratio", 1.5, slower <= 1.5)
    share = rate / statistics.mean((alone, later))
    yield Measure(
        "ingestion while somebody labels / alone", round(share, 2), "ratio", 0.3, share >= 0.3
    )
