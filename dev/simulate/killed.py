"""`make chaos`: jobs of assist are killed as they train, hosts too, and messages come late, twice, or never.

Photos are labeled, models are trained, suggest and group, by the real jobs on the processor. Jobs are killed
with -9 at a random moment of their work and started again, hosts are killed, storage is busy or silent, and of
the messages to the jobs some are lost, which storage never does. Exits with 1 when:

    unended       a run has neither ended, nor failed with a reason
    untrained     no model was trained after all, though what failed was started again
    lost          an image whose label was answered `saved` is not labeled
    miscounted    the dashboard counts otherwise than a recount of the images
    unharmed      no job was killed: then nothing was tried
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import time
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory, mkdtemp
from typing import Any

import httpx
from rich.console import Console
from rich.table import Table

from dev import LOCAL, ROOT
from dev.child import StartFailed
from dev.client import ApiError
from dev.samples import Truth, compose
from dev.simulate import monkey
from dev.simulate.__main__ import ADMIN
from dev.simulate.faults import LOST_MESSAGE
from dev.simulate.jobs import LABELER, Json
from dev.simulate.monkey import MOST_KILLS, JobsMonkey, Monkey, PatientClient
from dev.stack import Stack

_PAGE = 6
_FIRST, _NEXT = 24, 24
"""Labels of the first training, and until the next."""
_PATIENCE_S = 60
"""After which a run is given up that no job takes, or that is silent; hours and half an hour in Azure."""
_SHORT: dict[str, float] = {"untaken_s": 20, "lost": 1}
"""What hosts are told besides in the short form: it is not by chance how long it waits for what is lost."""
_WAIT_S = 600
_AGAIN = (
    5  # times that what failed is started again: a message is lost so often in one of 1,400 runs
)
_DRY = 60


@dataclass(frozen=True)
class Plan:
    """What to simulate, and where its logs go."""

    items: int
    folder: Path
    seed: int = 1
    short: bool = False
    """One training, on hosts that live: each loses one message to jobs, and each job is killed once."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run, print the table, write the numbers; 0 when every run ended as it should."""
    parser = argparse.ArgumentParser(
        prog="python -m dev.simulate.killed",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--items", type=int, default=84)
    parser.add_argument(
        "--short",
        action="store_true",
        help="one training on hosts that live; each job is killed once, each host loses one message",
    )
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", type=Path, default=LOCAL / "simulate-killed.json")
    parser.add_argument("--folder", type=Path, default=LOCAL / "simulate", help="logs")
    options = parser.parse_args(arguments)
    try:
        plan = Plan(options.items, options.folder, options.seed, options.short)
        numbers, findings, notes = simulate(plan)
    except (StartFailed, ApiError, TimeoutError, httpx.TransportError) as error:
        print(f"the simulation ended: {error}", file=sys.stderr)
        return 1
    console = Console(width=110)
    table = Table("what", "number", title="chaos, assist")
    for name, value in numbers.items():
        table.add_row(name, str(value), style="bold red" if findings.get(name) else None)
    console.print(table)
    for note in notes:
        console.print(f"  {note}", markup=False, highlight=False, soft_wrap=True)
    for name, sentences in findings.items():
        for sentence in sentences:
            console.print(f"  {name}: {sentence}", markup=False, highlight=False, soft_wrap=True)
    options.json.parent.mkdir(parents=True, exist_ok=True)
    options.json.write_text(json.dumps(numbers, indent=2) + "\n", encoding="utf-8")
    return int(any(findings.values()))


def simulate(plan: Plan) -> tuple[dict[str, Any], dict[str, list[str]], list[str]]:
    """What happened in numbers, sentences about what must not be, and why runs failed.

    Raises:
        StartFailed: a part of the system did not come up.
        TimeoutError: the project was not ready, or nothing was handed out.
    """
    plan.folder.mkdir(parents=True, exist_ok=True)
    folder = Path(mkdtemp(prefix="killed-", dir=plan.folder)).resolve()
    app = folder / "app"
    app.mkdir()
    shutil.copy(Path(__file__).parent / "bad_day/function_app.py", app)
    shutil.copy(ROOT / "host.json", app)

    def told(seed: int, number: int) -> dict[str, str]:
        short = _SHORT if plan.short else {}
        return monkey.settings(seed, number, patience_s=_PATIENCE_S, **short)

    with (
        TemporaryDirectory(dir=folder) as photos,
        Stack(
            site=None,
            app=app,
            logs=folder,
            hidden_s=monkey.HIDDEN_S,
            settings={"LABELRY_LEASE_GRACE_SECONDS": str(monkey.GRACE_S), **told(plan.seed, 0)},
        ) as system,
    ):
        truth = compose("multiclass", plan.items, plan.seed, Path(photos), objects="some")
        system.add_host(settings=told(plan.seed, 1))
        url = system.hosts[0].url
        with (
            PatientClient(url, person=ADMIN) as admin,
            PatientClient(url, person=LABELER) as labeler,
        ):
            work = _Work(admin, labeler, truth, Path(photos))
            work.begin()
            with (
                nullcontext() if plan.short else Monkey(system, plan.seed, told) as hosts,
                JobsMonkey(
                    system.connection_string,
                    plan.seed,
                    folder,
                    told(plan.seed, 2),
                    most=1 if plan.short else MOST_KILLS,
                ) as jobs,
            ):
                for number in range(1 if plan.short else 2):
                    work.label(_NEXT + _PAGE if number else _FIRST)
                    work.until_quiet(trainings=number + 1)
                work.trained_at_last()
                # Within: the hosts that a monkey has started end with it.
                findings = work.findings()
    if not jobs.kills:
        findings["unharmed"] = ["no job was killed"]
    kinds = {run["run_id"]: run["kind"] for run in work.runs}
    killed: Counter[str] = Counter()
    for run_id, times in jobs.killed.items():
        killed[kinds.get(run_id, "unknown")] += times
    runs = Counter(f"{run['kind']} {run['state']}" for run in work.runs)
    logs = [host.child.log.read_text("utf-8", "replace") for host in system.hosts]
    numbers: dict[str, Any] = {
        "hosts_killed": hosts.kills if hosts else 0,
        "messages_lost": sum(log.count(LOST_MESSAGE) for log in logs),
        "jobs_killed": jobs.kills,
        **{f"killed: {kind}": count for kind, count in sorted(killed.items())},
        "labeled": len(work.saved),
        **{f"runs: {name}": count for name, count in sorted(runs.items())},
        "started_again": work.again,
        **{name: len(findings.get(name, [])) for name in ("unended", "untrained", "lost")},
        **{name: len(findings.get(name, [])) for name in ("miscounted", "unharmed")},
    }
    return numbers, findings, work.why()


def reasons(runs: Sequence[Json]) -> list[str]:
    """Why runs failed."""
    return [f"{run['kind']} failed: {run['reason']}" for run in runs if run["reason"]]


def judged(
    runs: Sequence[Json],
    saved: Collection[str],
    states: Mapping[str, str],
    counted: Mapping[str, int],
) -> dict[str, list[str]]:
    """What must not be, by its name.

    Args:
        runs: as the API lists them.
        saved: ids of images whose labels were answered `saved`.
        states: of all images, by their ids.
        counted: how many images the dashboard says are in each state.
    """
    unended = [
        f"{run['kind']} {run['run_id']} is {run['state']} ({run['reason'] or 'no reason'})"
        for run in runs
        if run["state"] != "done" and not (run["state"] == "failed" and run["reason"])
    ]
    trained = any((run["kind"], run["state"]) == ("training", "done") for run in runs)
    found = Counter(states.values())
    return {
        "unended": unended,
        "untrained": [] if trained else ["no training was done", *reasons(runs)],
        "lost": [f"{one} is {states.get(one)}" for one in saved if states.get(one) != "labeled"],
        "miscounted": [
            f"{state}: counted {counted.get(state, 0)}, found {found[state]}"
            for state in sorted({*found, *counted})
            if counted.get(state, 0) != found[state]
        ],
    }


@dataclass
class _Work:
    admin: PatientClient
    labeler: PatientClient
    truth: Truth
    photos: Path
    project: str = ""
    saved: set[str] = field(default_factory=set[str])
    runs: list[Json] = field(default_factory=list[Json])
    again: int = 0

    def begin(self) -> None:
        """A project with assist on, whose images are ready."""
        dataset_id = self.admin.create_dataset("chaos", key="chaos")
        files = {scene.path: self.photos / scene.path for scene in self.truth.scenes}
        self.admin.upload(dataset_id, files)
        self.project = self.admin.create_project(
            "Chaos", "multiclass", dataset_id, self.truth.classes, key="chaos"
        )
        self._switch_on()
        self.admin.wait_until_running(self.project, timeout_s=_WAIT_S)
        self.admin.add_member(self.project, LABELER)

    def _switch_on(self) -> None:
        """Turn assist on; where an answer was lost it is on already, and the version another."""
        settings = {"on": True, "first_labels": _FIRST, "next_labels": _NEXT}
        while True:
            project = self.admin.call("GET", f"/projects/{self.project}")
            if project["assist"]["on"]:
                return
            version = {"If-Match": f'"{project["version"]}"'}
            try:
                path = f"/projects/{self.project}"
                self.admin.call("PATCH", path, {"assist": settings}, headers=version)
            except ApiError as error:
                if error.status not in (409, 412):
                    raise

    def label(self, images: int) -> None:
        """Label so many images as they are."""
        path = f"/projects/{self.project}/tasks"
        classes = {
            class_["name"]: class_["class_id"]
            for class_ in self.admin.call("GET", f"/projects/{self.project}")["classes"]
        }
        wanted = len(self.saved) + images
        end = time.monotonic() + _WAIT_S
        while len(self.saved) < wanted:
            if time.monotonic() > end:
                raise TimeoutError(f"only {len(self.saved)} of {wanted} images could be labeled")
            body = {"request_id": f"r{time.time_ns()}", "size": _PAGE, "purpose": "next"}
            task: Json | None = self.labeler.call("POST", path, body)["task"]
            if task is None:
                time.sleep(0.5)
                continue
            decisions = [self._decision(item, classes) for item in task["items"]]
            sent = {"submission_id": f"s{time.time_ns()}", "classes_version": 1, "items": decisions}
            try:
                answer = self.labeler.call("POST", f"{path}/{task['task_id']}/submit", sent)
            except ApiError as error:
                if error.status != 409:  # too late: another page then
                    raise
                continue
            labeled = {
                decision["item_id"] for decision in decisions if decision["outcome"] == "labeled"
            }
            kept = {
                result["item_id"] for result in answer["results"] if result["status"] == "saved"
            }
            self.saved |= kept & labeled

    def _decision(self, item: Json, classes: dict[str, str]) -> Json:
        names = self.truth.scene(item["path"]).tags
        base = {"item_id": item["item_id"], "base_revision": item["revision"], "active_ms": 900}
        if not names:
            return {**base, "outcome": "skipped", "reason": "nothing to see", "annotations": []}
        tag = {
            "annotation_id": "a0",
            "class_id": classes[names[0]],
            "frame": 0,
            "geometry": {"kind": "tag"},
            "origin": None,
        }
        return {**base, "outcome": "labeled", "reason": None, "annotations": [tag]}

    # Runs.

    def until_quiet(self, trainings: int) -> None:
        """Wait until so many trainings have ended and no run is under way, or for as long as that may take."""
        self._wait(lambda: len(self._trainings()) >= trainings and not self._open())

    def trained_at_last(self) -> None:
        """Start again what failed, as an admin does who reads why."""
        while not self._trained() and self.again < _AGAIN:
            failed = [training for training in self._trainings() if training["state"] == "failed"]
            if not failed:
                return
            self.again += 1
            path = f"/projects/{self.project}/runs/{failed[0]['run_id']}/again"
            try:
                self.admin.call("POST", path)
            except ApiError as error:
                if error.status != 409:  # an answer was lost, and it is under way
                    raise
            self.until_quiet(trainings=1)

    def _trainings(self) -> list[Json]:
        return [run for run in self.runs if run["kind"] == "training"]

    def _open(self) -> list[Json]:
        return [run for run in self.runs if run["state"] not in ("done", "failed")]

    def _trained(self) -> bool:
        return any(training["state"] == "done" for training in self._trainings())

    def _wait(self, ready: Callable[[], bool]) -> None:
        end = time.monotonic() + _WAIT_S
        quiet = 0
        while time.monotonic() < end and quiet < 5:  # one ends, and the next begins a little later
            self.runs = self.admin.call("GET", f"/projects/{self.project}/runs")["items"]
            quiet = quiet + 1 if ready() else 0
            time.sleep(1)

    # The judgement.

    def findings(self) -> dict[str, list[str]]:
        """What must not be, by its name."""
        counted = self.admin.call("GET", f"/projects/{self.project}/progress")["states"]
        return judged(self.runs, self.saved, self._states(), counted)

    def why(self) -> list[str]:
        """Why runs failed."""
        return reasons(self.runs)

    def _states(self) -> dict[str, str]:
        page = self.admin.call("GET", f"/projects/{self.project}/items", query={"limit": 200})
        return {item["item_id"]: item["state"] for item in page["items"]}


if __name__ == "__main__":
    sys.exit(main())
