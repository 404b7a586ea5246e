"""Many people label at once: how much longer each waits for a page than one who is alone; how many lose races.

On the whole local system, over HTTP. First as fast as it answers, which is what it can do at most; then with as
much time to think as makes the load half of that. Requests are sent by threads of one process beside it: what
that takes of the machine is in the figures, for one labeler and for many.
"""

from __future__ import annotations

import random
import shutil
import statistics
import tempfile
import time
import uuid
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from dev import ROOT
from dev.bench.handout import PAGE, filled
from dev.bench.measure import Measure
from dev.client import Client, Person
from dev.simulate.real import LOST_RACE
from dev.stack import Host, Stack
from labeling.adapters.azure import connect

SHARDS = 4
WARM_S, MEASURED_S = 3.0, 20.0
_WATCHED = ROOT / "dev/simulate/watched/function_app.py"
"""The product's app, which tells in its log of transactions that lost a race."""


@dataclass(frozen=True)
class Waited:
    """What labelers waited for pages and for their answers, in seconds each, and for how long they did that."""

    handouts: Sequence[float]
    submits: Sequence[float]
    seconds: float

    @property
    def rate(self) -> float:
        """Pages a second."""
        return len(self.submits) / self.seconds

    @property
    def p95(self) -> float:
        """Of handouts."""
        return statistics.quantiles(self.handouts, n=20)[-1]


def measures(items: int, labelers: int) -> Iterator[Measure]:
    """The rows, of so many labelers in a project of so many items."""
    with tempfile.TemporaryDirectory() as folder:
        app = Path(folder, "app")
        app.mkdir()
        shutil.copy(_WATCHED, app)
        shutil.copy(ROOT / "host.json", app)
        with Stack(site=None, app=app, name="bench", logs=Path(folder)) as system:
            services, project = filled(connect(system.connection_string), items, SHARDS)
            people = [Person(f"labeler-{n}", f"l{n}@example.com") for n in range(labelers)]
            for person in people:
                services.access.put_member(project.project_id, person.member_id, "labeler")
            host = system.hosts[0]
            crowd = _Crowd(host, project.project_id, people)
            alone = crowd.label(1)
            most = crowd.label(labelers)
            crowd.label(labelers, WARM_S, cycle_s=2 * labelers / most.rate)
            races = crowd.lost_races()
            half = crowd.label(labelers, cycle_s=2 * labelers / most.rate)
            races = crowd.lost_races() - races
    print(
        f"one labeler: {alone.rate:.1f} pages of {PAGE} a second, p95 {1000 * alone.p95:.0f} ms; {labelers}: "
        f"{most.rate:.1f} a second at most, p95 {1000 * most.p95:.0f} ms; with time to think {half.rate:.1f} "
        f"a second, p95 {1000 * half.p95:.0f} ms, {races} of {2 * len(half.submits)} transactions lost a race"
    )
    slower = half.p95 / alone.p95
    yield Measure(
        f"p95 of a page for {labelers} labelers at half of what is possible / for one",
        round(slower, 2),
        "ratio",
        3,
        slower <= 3,
    )
    lost = 100 * races / max(2 * len(half.submits), 1)
    yield Measure("transactions of theirs that lost a race", round(lost, 2), "%", 2, lost <= 2)
    yield Measure(
        f"pages of {PAGE} for {labelers} labelers / for one, as fast as it answers",
        round(most.rate / alone.rate, 2),
        "ratio",
        0,
        True,
    )


@dataclass(frozen=True)
class _Crowd:
    host: Host
    project_id: str
    people: Sequence[Person]

    def label(self, count: int, seconds: float = MEASURED_S, *, cycle_s: float = 0.0) -> Waited:
        """Let so many label for so long; each begins a page once in `cycle_s`, in the mean."""
        end = time.monotonic() + seconds
        began = time.monotonic()
        with ThreadPoolExecutor(count) as pool:
            working = [pool.submit(self._label_one, one, end, cycle_s) for one in range(count)]
        found = [future.result() for future in working]
        return Waited(
            [handout for handouts, _ in found for handout in handouts],
            [submit for _, submits in found for submit in submits],
            time.monotonic() - began,
        )

    def _label_one(
        self, number: int, end: float, cycle_s: float
    ) -> tuple[list[float], list[float]]:
        chance = random.Random(number)
        handouts, submits = list[float](), list[float]()
        path = f"/projects/{self.project_id}/tasks"
        tag = {"annotation_id": "a1", "class_id": "c1", "geometry": {"kind": "tag"}}
        due = time.monotonic() + chance.uniform(0, cycle_s)
        with Client(self.host.url, person=self.people[number]) as labeler:
            while True:
                time.sleep(max(0.0, min(due, end) - time.monotonic()))
                if time.monotonic() >= end:
                    return handouts, submits
                due = max(due, time.monotonic() - cycle_s) + chance.uniform(0.5, 1.5) * cycle_s
                began = time.perf_counter()
                asked = {"request_id": uuid.uuid4().hex, "size": PAGE}
                task = labeler.call("POST", path, asked)["task"]
                assert task, "everything is labeled: ask for more items"
                shown = time.perf_counter()
                items = [
                    {"item_id": item["item_id"], "outcome": "labeled", "annotations": [tag]}
                    for item in task["items"]
                ]
                body = {"submission_id": uuid.uuid4().hex, "classes_version": 1, "items": items}
                labeler.call("POST", f"{path}/{task['task_id']}/submit", body)
                handouts.append(shown - began)
                submits.append(time.perf_counter() - shown)

    def lost_races(self) -> int:
        """So far."""
        return self.host.child.log.read_text("utf-8", "replace").count(LOST_RACE)
