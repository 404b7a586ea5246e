"""Runs: what a model does for a project, from being asked for to its end. One of a kind at a time.

Five kinds, as labelers and admins see them: training makes a model, validation decides whether its
suggestions are good enough and from which confidence on, inference suggests, featurization groups images that
look alike, and encoding prepares images for a tool that outlines what is clicked at. A run is a document
beside its project (`layout.run`); which of them are active, and which model is the current one, is in one
more (`layout.ASSIST_STATE`), and both change in one transaction.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from typing import Annotated, Literal

from pydantic import Field

from labeling import layout
from labeling.documents import Documents
from labeling.errors import Conflict, NotFound
from labeling.model import Id, Model, UtcTime, milliseconds
from labeling.storage import Range, Row, Storage, insist

RunKind = Literal["training", "validation", "inference", "featurization", "encoding"]
RunStatus = Literal["queued", "running", "done", "failed"]

JOB_KINDS: frozenset[RunKind] = frozenset({"training", "featurization", "encoding"})
"""Of runs done by jobs on machines of their own, which take time that counts."""

MetricName = Literal[
    "accuracy",
    "accuracy_frozen",
    "ap50",
    "ap75",
    "class_accuracy",
    "coverage",
    "coverage_ungrouped",
    "doubted_labels",
    "images",
    "independent_images",
    "independent_labels",
    "independent_shapes",
    "labels",
    "labels_missing",
    "learned_from",
    "mask_iou",
    "precision",
    "precision_at_least",
    "recall",
    "scored_by",
    "shapes",
    "sound_images",
    "sound_images_at_least",
    "suggested",
    "temperature",
    "unreadable",
    "unseeable",
    "validated",
]
"""All that runs measure. The pages have words for each (`metrics` of the admins' texts)."""

Metrics = dict[MetricName, float | int | str]

LOG_LINES = 50
LOG_CHARACTERS = 240
"""Of one line. 50 lines of them fit the 32,768 characters of a cell, however they are encoded."""

MAX_LISTED = 200


class RunProgress(Model):
    """How far a run is: `done` of `total` things of the kind `what` (`images`, `epochs`); total 0: unknown."""

    done: Annotated[int, Field(ge=0)] = 0
    total: Annotated[int, Field(ge=0)] = 0
    what: Annotated[str, Field(max_length=40)] = ""


class LogLine(Model):
    """Something a run said."""

    at: UtcTime
    text: str


class Run(Model):
    """A run as it is kept and shown.

    `reason` says in words why it failed, or why it ended without what it was for. `model_id` is the run that
    trained the model it made or used; a model is named like its training run. `active_at` moves with every
    sign of life. `parent_run_id`: the run that brought it about.
    """

    run_id: Id
    kind: RunKind
    state: RunStatus = "queued"
    reason: Annotated[str, Field(max_length=1_000)] = ""
    asked_by: str = ""
    progress: RunProgress = RunProgress()
    created_at: UtcTime
    started_at: UtcTime | None = None
    active_at: UtcTime
    finished_at: UtcTime | None = None
    tries: Annotated[int, Field(ge=0)] = 0
    parent_run_id: str = ""
    model_id: str = ""
    metrics: dict[str, float | int | str] = {}
    log: Annotated[list[LogLine], Field(max_length=LOG_LINES)] = []

    @property
    def over(self) -> bool:
        """Whether nothing more will happen to it."""
        return self.state in ("done", "failed")


class Failures(Model):
    """Runs of a kind that failed one after the other."""

    count: int
    last_at: UtcTime


class ClickModel(Model):
    """A model that outlines what is clicked at, by the digest of its files.

    Images of it are `side` pixels wide and high; of each, what browsers need is `shape` numbers of 16 bits.
    """

    model_id: Id
    side: Annotated[int, Field(ge=16)]
    shape: tuple[int, int, int]


class AssistState(Model):
    """What assist knows of a project.

    `active` holds the one run of each kind that is not over. `model_id` is the current model, "" before the
    first; `suggests`: whether its validation found a confidence from which on it may suggest.
    `labels_at_training` counts the labels there were when the last training was asked for, `trainings` all of
    them: each spends of the error budget. `featurized` is the newest run that grouped, or was to group, and
    `images_then` how many images there were; the current model has suggested for images registered until
    `inferred_until_ms`, and `images_inferred` is how many there were then. `lift_labels` is how many labels
    there were when its lift was last measured; `failures` counts, by kind, the runs that failed since one was
    done, and has the moment of the last; the classes `withdrawn` since make things worse, and why.
    `clicks` is the model that images were prepared for, from its first image on; when that was last begun at
    `encoded_at`, there were `images_encoded`.
    """

    active: dict[RunKind, str] = {}
    model_id: str = ""
    suggests: bool = False
    labels_at_training: int = 0
    trainings: int = 0
    featurized: str = ""
    images_then: int = 0
    inferred_until_ms: int = 0
    images_inferred: int = 0
    lift_labels: int = 0
    withdrawn: dict[str, str] = {}
    failures: dict[RunKind, Failures] = {}
    clicks: ClickModel | None = None
    images_encoded: int = 0
    encoded_at: UtcTime | None = None


class Runs:
    """The runs of projects. `over` is told of each that ends, perhaps more than once."""

    def __init__(
        self, storage: Storage, over: Callable[[str, Run], None] = lambda project_id, run: None
    ) -> None:
        self._storage = storage
        self.over = over
        self._runs = Documents(storage, layout.PROJECTS, Run)
        self._states = Documents(storage, layout.PROJECTS, AssistState)

    def state(self, project_id: str) -> AssistState:
        """What assist knows of a project."""
        return self._states.get(project_id, layout.ASSIST_STATE) or AssistState()

    def change_state(
        self, project_id: str, change: Callable[[AssistState], AssistState]
    ) -> AssistState:
        """Change it; `change` may be called again."""
        return self._states.change(project_id, layout.ASSIST_STATE, change, missing=AssistState())

    def new_id(self) -> str:
        """An id for a run; ids sort newest first."""
        now = milliseconds(self._storage.clock.now())
        return layout.run_id(now, f"{int(self._storage.random() * 32**4):05x}")

    def create(
        self,
        project_id: str,
        wanted: Mapping[RunKind, str],
        *,
        asked_by: str,
        parent_run_id: str = "",
        model_id: str = "",
        change: Callable[[AssistState], AssistState] = lambda state: state,
    ) -> list[Run]:
        """Begin runs of different kinds together, by the id each shall have; all or none. Safe to repeat.

        Args:
            project_id: of the project.
            wanted: the id of each kind's run, from `new_id`.
            asked_by: a user, or `labelry`.
            parent_run_id: the run that brings them about.
            model_id: the model they make or use.
            change: what else changes of the state in the same transaction.

        Raises:
            Conflict: a run of such a kind is active.
        """

        def once() -> list[Run]:
            known = [self.find(project_id, run_id) for run_id in wanted.values()]
            if all(known):
                return [run for run in known if run]
            row = self._states.row(project_id, layout.ASSIST_STATE)
            state = self._states.of(row) if row else AssistState()
            for kind in wanted:
                if kind in state.active:
                    raise Conflict(
                        f"a {kind} run is active ({state.active[kind]}); wait until it is over"
                    )
            now = self._storage.clock.now()
            made = [
                Run(
                    run_id=run_id,
                    kind=kind,
                    asked_by=asked_by,
                    created_at=now,
                    active_at=now,
                    parent_run_id=parent_run_id,
                    model_id=model_id,
                )
                for kind, run_id in wanted.items()
            ]
            new = change(state).model_copy(update={"active": {**state.active, **wanted}})
            self._runs.write(
                project_id,
                [
                    self._states.operation(layout.ASSIST_STATE, new, row),
                    *(self._runs.operation(_key(run), run, None, **_cells(run)) for run in made),
                ],
            )
            return made

        return insist(self._storage, once)

    def find(self, project_id: str, run_id: str) -> Run | None:
        """A run, or None: runs that suggested from elsewhere are none of ours."""
        row = self._runs.row(project_id, layout.run(run_id))
        return self._runs.of(row) if row and row.text("doc") else None

    def get(self, project_id: str, run_id: str) -> Run:
        """A run.

        Raises:
            NotFound: there is none.
        """
        run = self.find(project_id, run_id)
        if run is None:
            raise NotFound("there is no such run in this project")
        return run

    def list(self, project_id: str, most: int = MAX_LISTED) -> list[Run]:
        """The newest runs of a project, newest first."""
        low = layout.run(layout.OWN_RUNS)
        rows = self._storage.tables.query(
            layout.PROJECTS, Range(project_id, low, low + layout.END, most)
        )
        return [self._runs.of(row) for row in rows if row.text("doc")]

    def hours_of_jobs(self, project_id: str, most: int = 1_000) -> float:
        """Hours that jobs on machines of their own have taken this month (UTC), those at work included."""
        now = self._storage.clock.now()
        month = now.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
        seconds = 0.0
        for run in self.list(project_id, most):
            if run.kind in JOB_KINDS and run.started_at:
                end = run.finished_at or now
                seconds += max(0.0, (end - max(run.started_at, month)).total_seconds())
        return seconds / 3600

    def start(self, project_id: str, run_id: str, *, tries: int) -> Run:
        """Note that a run is at work, for the n-th time. A run that is over stays so: look at its state."""

        def started(run: Run) -> Run:
            now = self._storage.clock.now()
            return run.model_copy(
                update={
                    "state": "running",
                    "started_at": run.started_at or now,
                    "active_at": now,
                    "tries": max(run.tries, tries),
                }
            )

        return self._change(project_id, run_id, started)

    def note(
        self,
        project_id: str,
        run_id: str,
        *lines: str,
        progress: RunProgress | None = None,
        metrics: Mapping[MetricName, float | int | str] | None = None,
    ) -> Run:
        """Note a sign of life: lines of the log, how far it is, what was measured."""

        def noted(run: Run) -> Run:
            now = self._storage.clock.now()
            return run.model_copy(
                update={
                    "active_at": now,
                    "progress": progress or run.progress,
                    "metrics": {**run.metrics, **(metrics or {})},
                    "log": _longer(run.log, lines, now),
                }
            )

        return self._change(project_id, run_id, noted)

    def finish(
        self,
        project_id: str,
        run_id: str,
        *,
        metrics: Mapping[MetricName, float | int | str] | None = None,
        reason: str = "",
        model_id: str = "",
        change: Callable[[AssistState], AssistState] = lambda state: state,
    ) -> Run:
        """End a run well. `reason` where it ended without what it was for. Safe to repeat."""
        return self._end(project_id, run_id, "done", reason, metrics or {}, model_id, change)

    def fail(
        self,
        project_id: str,
        run_id: str,
        reason: str,
        *,
        metrics: Mapping[MetricName, float | int | str] | None = None,
    ) -> Run:
        """End a run that can't go on, with a reason that a person understands. Safe to repeat."""
        return self._end(
            project_id, run_id, "failed", reason, metrics or {}, "", lambda state: state
        )

    def silent(self, project_id: str, longer_than: timedelta) -> list[Run]:
        """Active runs of a project that gave no sign of life for so long."""
        before = self._storage.clock.now() - longer_than
        runs = [self.find(project_id, run_id) for run_id in self.state(project_id).active.values()]
        return [run for run in runs if run and not run.over and run.active_at < before]

    def _end(
        self,
        project_id: str,
        run_id: str,
        state: RunStatus,
        reason: str,
        metrics: Mapping[MetricName, float | int | str],
        model_id: str,
        change: Callable[[AssistState], AssistState],
    ) -> Run:
        def once() -> Run:
            row = self._row(project_id, run_id)
            run = self._runs.of(row)
            if run.over:
                return run
            now = self._storage.clock.now()
            new = run.model_copy(
                update={
                    "state": state,
                    "reason": reason[:1_000],
                    "metrics": {**run.metrics, **metrics},
                    "model_id": model_id or run.model_id,
                    "started_at": run.started_at or now,
                    "active_at": now,
                    "finished_at": now,
                    "log": _longer(run.log, [reason] if reason else [], now),
                }
            )
            state_row = self._states.row(project_id, layout.ASSIST_STATE)
            old = self._states.of(state_row) if state_row else AssistState()
            active = {
                kind: active_id for kind, active_id in old.active.items() if active_id != run_id
            }
            after = change(old).model_copy(
                update={"active": active, "failures": _failures(old, new, now)}
            )
            self._runs.write(
                project_id,
                [
                    self._runs.operation(row.key, new, row),
                    self._states.operation(layout.ASSIST_STATE, after, state_row),
                ],
            )
            return new

        ended = insist(self._storage, once)
        self.over(project_id, ended)
        return ended

    def _change(self, project_id: str, run_id: str, change: Callable[[Run], Run]) -> Run:
        return self._runs.change(
            project_id, layout.run(run_id), lambda run: run if run.over else change(run)
        )

    def _row(self, project_id: str, run_id: str) -> Row:
        row = self._runs.row(project_id, layout.run(run_id))
        if row is None or not row.text("doc"):
            raise NotFound("there is no such run in this project")
        return row


def _failures(state: AssistState, run: Run, now: UtcTime) -> dict[RunKind, Failures]:
    failures: dict[RunKind, Failures] = dict(state.failures)
    before = failures.pop(run.kind, None)
    if run.state == "failed":
        count = before.count + 1 if before else 1
        failures[run.kind] = Failures(count=count, last_at=now)
    return failures


def _key(run: Run) -> str:
    return layout.run(run.run_id)


def _cells(run: Run) -> dict[str, str | int]:
    """Beside the document: what tells which of two runs has the last word on an image."""
    created = milliseconds(run.created_at)
    return {"created_ms": created, "first_ms": created, "by": run.asked_by}


def _longer(log: Sequence[LogLine], lines: Sequence[str], at: UtcTime) -> list[LogLine]:
    added = [LogLine(at=at, text=line[:LOG_CHARACTERS]) for line in lines]
    return [*log, *added][-LOG_LINES:]
