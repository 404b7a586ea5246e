"""`make simulate`: the whole job without a browser, by labelers that are processes of their own.

Photos of known truth are uploaded, labeled over HTTP by several at once, and exported. Then the
labelers' logs, and nothing else, are held against the items API and the exported COCO file.
Exits with 1 when something was leased twice, lost or exported wrongly; `.local/simulate.json` and
the table have the numbers:

    double_leased      pairs of tasks that had the same image at the same time
    lost               accepted work that is not kept as accepted, images nobody has finished, good
                       work refused, one submission with two answers
    export_mismatches  differences between the exported files and what was accepted
    labels             decisions answered `saved` or `saved_late`, skips and corrections too
    seconds            from the first request for a page to the end of the last labeler
    conflicts_retried  transactions of the host that met another writer while labelers worked (its
                       log tells), and answers 409 and 503 that labelers saw
    calls_per_handout  storage calls of a page handed out anew, in the mean; where images were not
                       measured yet, that is done first and counts
    calls_per_submit   storage calls of a submission that was sent once and saved, in the mean
    dry_polls          requests for a page answered with none
    hosts_killed       with `--chaos`: in the middle of whatever they did
    miscounted         with `--chaos`: what the dashboard counts otherwise than a recount of the images
    assist_mismatches  with `--prelabels`: suggestions not shown as they were sent, and what became of
                       them that the product counts otherwise than the labelers do
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from dataclasses import dataclass, field, replace
from pathlib import Path
from statistics import fmean, median
from tempfile import TemporaryDirectory, mkdtemp
from typing import Any, get_args
from urllib.parse import urlencode

import httpx
from rich.console import Console
from rich.table import Table

from dev import LOCAL, ROOT
from dev.child import Child, StartFailed
from dev.client import ApiError, Client, Person
from dev.samples import Truth, compose
from dev.simulate import judge, monkey
from dev.simulate.labeler import Plan, Role, person
from dev.simulate.monkey import Monkey
from dev.simulate.real import LOST_RACE
from dev.stack import Stack
from dev.suggestions import suggestions
from labeling.annotations.shapes import TaskType

ADMIN = Person("simulate-admin", "admin@example.com", roles=("admin",))
SABOTAGE = {"claim-without-etag": 2.0, "drop-item": 9.0}
"""What can be broken, and how long labelers then wait: in the first, images never come back."""

_HERE = Path(__file__).parent
_LEASE_S, _GRACE_S = 5, 1
_LEASE_SABOTAGED_S = 2  # nothing is learned from waiting there
_PATIENCE_S = 30.0  # more than lease, grace and how long a host believes there is nothing
_LARGE = 100  # images: from here on the labeler to be killed does some work first
_READY_S = 120
_TRIES_IN_CHAOS = 200  # a fifth of a second apart: a host takes a while to come back
_READERS = 8  # threads that read items
_SUGGESTED = {"first": 0.6, "second": 0.2, "third": 0.2}
"""Runs that suggest labels, and for which share of the images; the third comes while labelers work."""
_ROLES: tuple[Role, ...] = ("killed", "late", "prefetching")


@dataclass(frozen=True)
class Run:
    """What to simulate, and in which folder its traces go."""

    task_type: TaskType
    items: int
    labelers: int
    folder: Path
    seed: int = 1
    sabotage: str | None = None
    prelabels: bool = False
    chaos: bool = False

    @property
    def grace_s(self) -> int:
        """Waited after a lease: it has to be longer than hosts' clocks differ."""
        return monkey.GRACE_S if self.chaos else _GRACE_S


@dataclass(frozen=True)
class Result:
    """What a run found, with the sentences behind the counts."""

    numbers: Mapping[str, Any]
    findings: Mapping[str, Sequence[str]]
    notes: Sequence[str]

    @property
    def broken(self) -> bool:
        """Whether an invariant did not hold."""
        return any(self.findings.values())


def main(arguments: Sequence[str] | None = None) -> int:
    """Run, print the table, write the numbers; 0 when nothing was broken."""
    parser = argparse.ArgumentParser(
        prog="python -m dev.simulate",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--type", choices=get_args(TaskType), default="multilabel")
    parser.add_argument("--items", type=_at_least(8), default=300)
    parser.add_argument("--labelers", type=_at_least(2), default=4)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument(
        "--prelabels", action="store_true", help="suggest labels, some of them wrong"
    )
    parser.add_argument(
        "--chaos",
        action="store_true",
        help="kill hosts, break storage, turn the clock while it goes on",
    )
    parser.add_argument("--sabotage", choices=SABOTAGE, help="break the product, to see it noticed")
    parser.add_argument("--json", type=Path, default=LOCAL / "simulate.json", help="the numbers")
    parser.add_argument("--folder", type=Path, default=LOCAL / "simulate", help="logs and exports")
    options = parser.parse_args(arguments)
    run = Run(
        options.type,
        options.items,
        options.labelers,
        options.folder,
        seed=options.seed,
        sabotage=options.sabotage,
        prelabels=options.prelabels,
        chaos=options.chaos,
    )
    try:
        result = simulate(run)
    except (StartFailed, ApiError, TimeoutError, httpx.TransportError) as error:
        print(f"the simulation ended: {error}", file=sys.stderr)
        return 1
    _print(run, result)
    options.json.parent.mkdir(parents=True, exist_ok=True)
    options.json.write_text(json.dumps(result.numbers, indent=2) + "\n", encoding="utf-8")
    return int(result.broken)


def _at_least(least: int) -> Any:
    def number(text: str) -> int:
        value = int(text)
        if value < least:
            raise argparse.ArgumentTypeError(f"at least {least}")
        return value

    return number


def simulate(run: Run) -> Result:
    """Do the whole job once.

    Raises:
        StartFailed: a part of the system did not come up, or a labeler did not end.
        ApiError: the API refused what an admin may do.
        TimeoutError: the project or its export did not come to an end.
    """
    run.folder.mkdir(parents=True, exist_ok=True)
    kind = run.sabotage or ("chaos" if run.chaos else "clean")
    name = f"{time.strftime('%Y%m%d-%H%M%S')}-{run.task_type}-{kind}-"
    folder = Path(mkdtemp(prefix=name, dir=run.folder)).resolve()
    with TemporaryDirectory(dir=folder) as photos:
        truth = compose(run.task_type, run.items, run.seed, Path(photos))
        with Stack(
            site=None,
            app=_app(run, folder),
            logs=folder,
            hidden_s=monkey.HIDDEN_S if run.chaos else Stack.hidden_s,
            settings={
                "LABELRY_COUNT_CALLS": "1",
                "LABELRY_LEASE_SECONDS": str(_LEASE_SABOTAGED_S if run.sabotage else _LEASE_S),
                "LABELRY_LEASE_GRACE_SECONDS": str(run.grace_s),
                **(monkey.settings(run.seed, 0) if run.chaos else {}),
            },
        ) as system:
            if run.chaos:
                system.add_host(settings=monkey.settings(run.seed, 1))
            with (monkey.PatientClient if run.chaos else Client)(
                system.hosts[0].url, person=ADMIN
            ) as admin:
                return _Simulation(run, folder, Path(photos), truth, system, admin).result()


def _app(run: Run, folder: Path) -> Path:
    """A folder for the host: an app of ours, with the product's host.json."""
    app = folder / "app"
    app.mkdir()
    ours = _HERE / ("bad_day" if run.chaos else "watched")
    if run.sabotage:
        ours = _HERE / "sabotage" / run.sabotage
    shutil.copy(ours / "function_app.py", app)
    shutil.copy(ROOT / "host.json", app)
    return app


@dataclass
class _Simulation:
    run: Run
    folder: Path
    photos: Path
    truth: Truth
    system: Stack
    admin: Client
    suggested: dict[str, list[Any]] = field(default_factory=dict[str, list[Any]])
    """What may be shown of each image: more than one thing where it changed while labelers worked."""

    def result(self) -> Result:
        dataset_id = self.admin.create_dataset("simulation", key="simulation")
        files = {scene.path: self.photos / scene.path for scene in self.truth.scenes}
        refused = self.admin.upload(dataset_id, files)
        if refused:
            raise StartFailed(f"photos were refused: {refused}")
        project_id = self.admin.create_project(
            "Simulation", self.run.task_type, dataset_id, self.truth.classes, key="simulation"
        )
        with Monkey(self.system, self.run.seed) if self.run.chaos else nullcontext() as chaos:
            self.admin.wait_until_running(project_id)
            if self.run.prelabels:
                for run_id in ("first", "second"):
                    self._suggest(project_id, run_id, while_labeling=False)
            before = self._lost_races()
            logs = self._label(project_id)
            races = self._lost_races() - before
            result = self._judge(project_id, logs, races)
        killed = {"hosts_killed": chaos.kills} if chaos else {}
        return replace(result, numbers={**killed, **result.numbers})

    def _suggest(self, project_id: str, run_id: str, *, while_labeling: bool) -> None:
        """Suggest labels for a share of the images, other ones than the runs before."""
        number = list(_SUGGESTED).index(run_id)
        items = suggestions(self.truth, self.run.seed + number, _SUGGESTED[run_id])
        became = self.admin.suggest(project_id, run_id, items)
        if not became.keys() <= {"saved", *(["superseded"] if while_labeling else [])}:
            raise StartFailed(f"suggestions were not taken: {became}")
        project = self.admin.call("GET", f"/projects/{project_id}")
        class_ids = {class_["name"]: class_["class_id"] for class_ in project["classes"]}
        for item in items:
            annotations = [
                {
                    "annotation_id": annotation["annotation_id"],
                    "class_id": class_ids[annotation["class"]],
                    "confidence": annotation["confidence"],
                    "frame": 0,
                    "geometry": annotation["geometry"],
                    "attributes": {},
                }
                for annotation in item["annotations"]
            ]
            said = {"run_id": run_id, "annotations": annotations}
            before = self.suggested.get(item["path"], [None]) if while_labeling else []
            self.suggested[item["path"]] = [*before, said]

    # The labelers.

    def _label(self, project_id: str) -> list[Path]:
        go = self.folder / "go"
        plans = [
            Plan(
                number=number,
                user_id=f"labeler-{number + 1}",
                role=_ROLES[number] if number < len(_ROLES) else "worker",
                seed=self.run.seed,
                url=self.system.hosts[number % 2 if self.run.chaos else 0].url,
                project_id=project_id,
                task_type=self.run.task_type,
                truth=str(self.photos / "truth.json"),
                log=str(self.folder / f"labeler-{number + 1}.jsonl"),
                go=str(go),
                grace_s=self.run.grace_s,
                patience_s=SABOTAGE[self.run.sabotage] if self.run.sabotage else _PATIENCE_S,
                hold_at=3 if self.run.items >= _LARGE else 1,
                tries=_TRIES_IN_CHAOS if self.run.chaos else Plan.tries,
            )
            for number in range(self.run.labelers)
        ]
        children: list[Child] = []
        try:
            for plan in plans:
                self.admin.add_member(project_id, person(plan.user_id))
                children.append(self._start(plan))
            logs = [Path(plan.log) for plan in plans]
            for child, log in zip(children, logs, strict=True):
                child.wait_until(lambda log=log: _says(log, "ready"), timeout_s=_READY_S)
            go.touch()
            self._watch(children, logs, project_id)
        finally:
            for child in children:
                child.stop(grace_s=1)
        return logs

    def _start(self, plan: Plan) -> Child:
        file = self.folder / f"{plan.user_id}.json"
        plan.write(file)
        command = [sys.executable, "-m", "dev.simulate.labeler", file]
        return Child.start(plan.user_id, command, log=self.folder / f"{plan.user_id}.log")

    def _watch(self, children: Sequence[Child], logs: Sequence[Path], project_id: str) -> None:
        """Kill the one to be killed when it has a page in hand; wait for the others."""
        end = time.monotonic() + 120 + 2 * self.run.items
        victim = children[0]
        suggest_more = self.run.prelabels
        while any(child.process.poll() is None for child in children):
            if victim.process.poll() is None and _says(logs[0], "holding"):
                victim.kill()
            if suggest_more and any(_says(log, "answered") for log in logs):
                suggest_more = False
                self._suggest(project_id, "third", while_labeling=True)
            if time.monotonic() > end:
                raise StartFailed(f"labelers did not end; see {self.folder}")
            time.sleep(0.05)
        for child, log in zip(children, logs, strict=True):
            if not _says(log, "ended") and not _says(log, "holding"):
                raise StartFailed(f"{child.name} broke down:\n{child.log_tail()}")

    def _lost_races(self) -> int:
        logs = [host.child.log for host in self.system.hosts]
        return sum(log.read_text("utf-8", "replace").count(LOST_RACE) for log in logs)

    # The judgement.

    def _judge(self, project_id: str, logs: Sequence[Path], races: int) -> Result:
        events = judge.read_logs(logs)
        said = judge.submissions(events)
        kept = self._kept(project_id)
        truth: dict[str, Any] = json.loads((self.photos / "truth.json").read_text("utf-8"))
        entries = truth["files"]
        coco, manifest = self._export(project_id, "coco")
        project = self.admin.call("GET", f"/projects/{project_id}")
        compared = judge.compare_export(
            judge.Exported(
                coco,
                manifest,
                entries,
                {class_["class_id"]: class_["name"] for class_ in project["classes"]},
                {one.view["item_id"]: one.view["path"] for one in kept},
            ),
            said.last(),
        )
        held = judge.holds(events)
        findings = {
            "double_leased": judge.double_leases(held),
            "lost": judge.lost(said, kept, entries),
            "export_mismatches": compared.findings + self._other_formats(project_id),
        }
        if self.run.chaos:
            findings["miscounted"] = self._miscounted(project_id, kept)
        if self.run.prelabels:
            progress = self.admin.call("GET", f"/projects/{project_id}/progress")
            counted = {labeler["user"]: labeler["prelabels"] for labeler in progress["labelers"]}
            findings["assist_mismatches"] = judge.unassisted(
                events, said, kept, self.suggested, counted
            )
        # Where hosts are killed, that labeler's may be gone until the others have finished.
        calm = not self.run.sabotage and not self.run.chaos
        if calm and not _says(logs[0], "holding"):
            findings["lost"].append("the labeler to be killed never had a page: nothing is proved")
        effort = judge.effort(events, said)
        numbers = {
            "type": self.run.task_type,
            "items": self.run.items,
            "labelers": self.run.labelers,
            "seconds": round(effort.seconds, 1),
            "labels": effort.labels,
            "conflicts_retried": races + effort.conflicts_seen,
            "calls_per_handout": round(fmean(effort.handout_calls or [0]), 2),
            "calls_per_submit": round(fmean(effort.submit_calls or [0]), 2),
            "dry_polls": effort.dry_polls,
            **{name: len(found) for name, found in findings.items()},
        }
        notes = _notes(events, said, effort, compared)
        if self.run.prelabels:
            made = Counter[str]()
            for decision in said.decisions:
                made.update({k: v for k, v in (decision.made or {}).items() if k != "run_id"})
            notes.append("suggestions: " + ", ".join(f"{name} {n}" for name, n in made.items()))
        return Result(numbers, findings, notes)

    def _miscounted(self, project_id: str, kept: Sequence[judge.Kept]) -> list[str]:
        """What the dashboard counts otherwise than a recount of all images."""
        counted = self.admin.call("GET", f"/projects/{project_id}/progress")["states"]
        found = Counter(one.view["state"] for one in kept)
        return [
            f"{state}: counted {counted.get(state, 0)}, found {found[state]}"
            for state in sorted({*found, *counted})
            if counted.get(state, 0) != found[state]
        ]

    def _kept(self, project_id: str) -> list[judge.Kept]:
        """Every item with its history."""
        ids: list[str] = []
        cursor: str | None = ""
        while cursor is not None:
            query = urlencode({"limit": 200} | ({"cursor": cursor} if cursor else {}))
            page = self.admin.call("GET", f"/projects/{project_id}/items?{query}")
            ids += [item["item_id"] for item in page["items"]]
            cursor = page["next_cursor"]

        def read(item_id: str) -> judge.Kept:
            at = f"/projects/{project_id}/items/{item_id}"
            history = self.admin.call("GET", f"{at}/history")
            return judge.Kept(self.admin.call("GET", at), history["items"])

        with ThreadPoolExecutor(_READERS) as pool:
            return list(pool.map(read, ids))

    def _export(self, project_id: str, name: str) -> tuple[Path, ...]:
        """The files of an export in a format, downloaded; the manifest is the last one."""
        exports = f"/projects/{project_id}/exports"
        export = self.admin.call("POST", exports, {"format": name})
        end = time.monotonic() + _READY_S
        while export["state"] == "waiting":
            if time.monotonic() > end:
                raise TimeoutError("the export was not done in time")
            time.sleep(0.2)
            export = self.admin.call("GET", f"{exports}/{export['export_id']}")
        if export["state"] != "done":
            raise TimeoutError(f"the export failed: {export['problem']}")
        folder = self.folder / "exports" / name
        folder.mkdir(parents=True, exist_ok=True)
        files = tuple(folder / Path(file["name"]).name for file in export["files"])
        for file, one in zip(files, export["files"], strict=True):
            asked = {"name": one["name"]}
            link = self.admin.call("POST", f"{exports}/{export['export_id']}/link", asked)
            file.write_bytes(httpx.get(link["url"]).raise_for_status().content)
        return files

    def _other_formats(self, project_id: str) -> list[str]:
        """What does not add up in the exports of all other formats that fit the project."""
        findings: list[str] = []
        for item in self.admin.call("GET", "/formats")["items"]:
            if (
                item["name"] != "coco"
                and item["writes"]
                and self.run.task_type in item["task_types"]
            ):
                *labels, manifest = self._export(project_id, item["name"])
                findings += judge.unaccounted(labels, manifest, self.run.items)
        return findings


def _says(log: Path, event: str) -> bool:
    return log.exists() and f'"event": "{event}"' in log.read_text(encoding="utf-8")


def _notes(
    events: Sequence[judge.Json],
    said: judge.Submissions,
    effort: judge.Effort,
    compared: judge.Comparison,
) -> list[str]:
    """What happened on the way, so that a reader sees what was tried."""
    kinds = Counter(str(event["event"]) for event in events)
    ways = Counter(str(event["how"]) for event in events if event["event"] == "sending")
    statuses = Counter(decision.status for decision in said.decisions)
    ends = Counter(str(event["why"]) for event in events if event["event"] == "ended")
    killed = [event for event in events if event["event"] == "holding"]
    task_ids = {event["task_id"] for event in killed}
    left = {
        item["item_id"]
        for event in events
        if event["event"] == "task" and event["task_id"] in task_ids
        for item in event["items"]
    }
    finished = len(left & said.last().keys())

    def listed(counts: Counter[str]) -> str:
        return ", ".join(f"{name} {count}" for name, count in sorted(counts.items()))

    notes = [
        f"submissions: {listed(ways)}",
        f"decisions: {listed(statuses)}",
        f"labelers: {listed(ends)}, killed {len(killed)} with {len(left)} images in hand, "
        f"{finished} of them finished by others",
        f"pages {kinds['task']}, released {kinds['releasing']}, renewed {kinds['renewed']}, "
        f"answers not waited for {kinds['hung up']}",
    ]
    if effort.handout_calls and effort.submit_calls:
        notes.append(
            f"calls, median: handout {median(effort.handout_calls):g}, "
            f"submit {median(effort.submit_calls):g}"
        )
    if compared.overlaps:
        notes.append(
            f"overlap with the truth: mean {fmean(compared.overlaps):.4f}, "
            f"least {min(compared.overlaps):.3f}, of {len(compared.overlaps)} shapes"
        )
    return notes


def _print(run: Run, result: Result) -> None:
    console = Console(width=100)
    table = Table(title=f"simulate {run.task_type}{f', {run.sabotage}' if run.sabotage else ''}")
    table.add_column("what")
    table.add_column("number", justify="right")
    for name, value in result.numbers.items():
        wrong = bool(result.findings.get(name))
        table.add_row(name, str(value), style="bold red" if wrong else None)
    console.print(table)
    for note in result.notes:
        console.print(f"  {note}", markup=False, highlight=False)
    for name, findings in result.findings.items():
        for finding in findings[:10]:
            console.print(f"  {name}: {finding}", markup=False, highlight=False, soft_wrap=True)
        if len(findings) > 10:
            console.print(f"  {name}: and {len(findings) - 10} more")


if __name__ == "__main__":
    sys.exit(main())
