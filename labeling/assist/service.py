"""The loop of assist: labels make a model, the model suggests, what labelers make of that makes the next one.

Everything that may have changed something asks `consider`; it starts what is due, one run of a kind at a
time, and ends runs whose job died. Jobs with a network of their own take their messages from
`layout.GPU_JOBS_QUEUE` and tell when they are done; suggesting is done here (`inference.py`).
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from datetime import timedelta
from typing import Protocol

from labeling import layout
from labeling.annotations.task_types import TASK_TYPES
from labeling.assist.grouping import Grouping
from labeling.assist.inference import Inference, covers_until_ms
from labeling.assist.jobs import (
    EncodeSpec,
    FeaturizeSpec,
    JobClass,
    JobSpec,
    RunFinished,
    TrainSpec,
)
from labeling.assist.lift import Lift, Lifts
from labeling.assist.models import UnfitModel, load
from labeling.assist.runs import JOB_KINDS, AssistState, Run, RunKind, Runs
from labeling.errors import Conflict
from labeling.model import Model
from labeling.projects.access import Caller
from labeling.projects.assist import AssistSettings
from labeling.projects.projects import Project, ProjectAccess, Projects
from labeling.storage import Storage

LABELRY = "labelry"
"""Who asks, where nobody did."""

SILENT = timedelta(minutes=30)
"""A run that gives no sign of life for so long is failed: its job died, and nobody took it up again."""

WAITING = timedelta(hours=6)
"""A run that no job takes for so long is failed: machines may be scarce for a while."""

UNTAKEN = (
    f"no job took it for {WAITING.seconds // 3600} hours: "
    "see whether the container job for assist is deployed and can start"
)
GIVEN_UP = (
    f"it gave no sign of life for {SILENT.seconds // 60} minutes and was given up; "
    "the logs of the job tell why, and it may be started again"
)

UNSENT = timedelta(minutes=1)
"""A run whose message was not sent by then never had it sent: whoever made it was stopped between."""

GROWN = 1.2
SAMPLE = 36
"""Images of a shard, at least: four pages of nine. Among fewer, hardly any are alike."""
"""Images are grouped anew when there are so many times more."""

ENCODED_AGAIN_AFTER = timedelta(hours=1)
"""Fewer new images than that wait so long until they are prepared for clicks: a machine starts for it."""

AGAIN_AFTER = timedelta(minutes=10)
MOST_FAILURES = 3
"""Suggesting or grouping that failed is begun again by itself after so long, until it failed so often."""

_SPENT = "jobs have had their hours of this month; raise the limit in the settings, or wait for the next month"

MEASURED_EVERY = 20
"""Labels, or a tenth more than there were: then it is measured again what suggestions came to."""

LEAST_LABELS = 20
"""Fewer teach nothing: asking for a training is refused."""


class Begin(Protocol):
    """Creates a run of a model and gets it going."""

    def __call__(self, project: Project, model_id: str, images: int, *, parent: str) -> Run:
        """Raises Conflict when one of its kind is active."""
        ...


class AssistView(Model):
    """Where a project stands: how many new labels there are of those that the next training waits for.

    `model_id` is the training run of the current model, empty before the first; `suggests`: whether it was
    found sure enough to suggest anything. `lift`: what suggestions came to, null while there were none.
    `withdrawn`: classes it no longer suggests, since that made things worse. `hours`: what jobs have taken
    this month, where there is a limit. `click_model`: whether the deployment has one, so that a tool may
    outline what is clicked at.
    """

    settings: AssistSettings
    new_labels: int
    needed: int
    trainings: int
    model_id: str
    suggests: bool
    active: list[Run]
    lift: Lift | None
    withdrawn: dict[str, str]
    hours: float | None
    click_model: bool


class Assist:
    """Lets models help with a project's labels."""

    def __init__(
        self,
        storage: Storage,
        projects: Projects,
        runs: Runs,
        inference: Inference,
        grouping: Grouping,
        lifts: Lifts,
        *,
        click_model: str = "",
    ) -> None:
        self._storage = storage
        self._projects = projects
        self._runs = runs
        self._inference = inference
        self._grouping = grouping
        self._lifts = lifts
        self._click_model = click_model

    def view(self, opened: ProjectAccess) -> AssistView:
        """Where a project stands."""
        project = opened.project
        state, counters = self._storage.together(
            lambda: self._runs.state(project.project_id), lambda: opened.items.counters()
        )
        active = [self._runs.find(project.project_id, run_id) for run_id in state.active.values()]
        return AssistView(
            settings=project.assist,
            new_labels=max(0, counters["state:labeled"] - state.labels_at_training),
            needed=project.assist.needed(state.trainings),
            trainings=state.trainings,
            model_id=state.model_id,
            suggests=state.suggests,
            active=[run for run in active if run],
            lift=self._lifts.get(project.project_id) if state.lift_labels else None,
            withdrawn=state.withdrawn,
            hours=None
            if project.assist.hours_a_month is None
            else round(self._runs.hours_of_jobs(project.project_id), 2),
            click_model=bool(self._click_model),
        )

    def train(self, opened: ProjectAccess, caller: Caller) -> list[Run]:
        """Train now, whatever is still missing of the labels that the next training waits for.

        Raises:
            Conflict: assist is off, there are too few labels, or a training is at work.
        """
        project = opened.project
        if not project.assist.on:
            raise Conflict("assist is off for this project; switch it on first")
        labels = opened.items.counters()["state:labeled"]
        if labels < LEAST_LABELS:
            raise Conflict(f"{labels} images are labeled; a training needs {LEAST_LABELS} at least")
        if self._spent(project):
            raise Conflict(_SPENT)
        return self._train(project, labels, asked_by=caller.user)

    def again(self, opened: ProjectAccess, run_id: str, caller: Caller) -> list[Run]:
        """Begin anew what a run failed to do: a training with its validation, inference, or grouping.

        Raises:
            NotFound: there is no such run.
            Conflict: it has not failed, a newer one of its kind was begun, or assist is off.
        """
        project = opened.project
        run = self._runs.get(project.project_id, run_id)
        if run.state != "failed":
            raise Conflict(f"this run is {run.state}; only one that failed can be started again")
        if not project.assist.on:
            raise Conflict("assist is off for this project; switch it on first")
        if any(
            newer.kind == run.kind and newer.run_id < run_id
            for newer in self._runs.list(project.project_id)
        ):
            raise Conflict("a newer run of this kind was begun since; look at that one")
        if run.kind in ("training", "validation"):
            return self.train(opened, caller)
        if run.kind == "encoding" and not self._clicks(project):
            raise Conflict(
                "images of this project are not prepared for clicks; switch that on first"
            )
        if run.kind == "inference" and not self._runs.state(project.project_id).suggests:
            raise Conflict("no model of this project may suggest; train one first")
        if run.kind in JOB_KINDS and self._spent(project):
            raise Conflict(_SPENT)
        return [self._anew(project, run.kind, self._images(project), asked_by=caller.user)]

    def consider(self, project: Project, counters: Mapping[str, int] | None = None) -> None:
        """Start what is due for a project, and end what died. Safe to repeat, by several at once."""
        state = self._runs.state(project.project_id)
        self._look_after_runs(project, state)
        if not project.assist.on or project.state not in ("running", "paused"):
            return
        self._projects.note_activity(project.project_id, labeling=False)
        counts = counters or self._projects.items(project).counters()
        labels = counts.get("state:labeled", 0)
        settings = project.assist
        try:
            trains = labels - state.labels_at_training >= settings.needed(state.trainings) and not (
                {"training", "validation"} & {*state.active}
            )
            if trains and not self._spent(project):
                self._train(project, labels, asked_by=LABELRY)
            if counts.get(f"queue:{layout.UNMEASURED}", 0):
                return  # images are still being read: they are taken up together
            images = sum(count for name, count in counts.items() if name.startswith("state:"))
            if images and self._due_for_groups(project, state, images) and not self._spent(project):
                self._featurize(project, state.model_id, images, parent="")
            if images and self._due_for_clicks(project, state, images) and not self._spent(project):
                self._encode(project, images)
            for kind in ("featurization", "inference", "encoding"):
                if self._due_again(project, state, kind) and not (
                    kind in JOB_KINDS and self._spent(project)
                ):
                    self._anew(project, kind, images, asked_by=LABELRY)
            state = self._measured(project, state, labels)
            if (
                state.model_id
                and state.suggests
                and self._due_for_suggestions(project, state, images)
            ):
                self._suggest(project, state.model_id, images, parent="")
        except Conflict:
            return  # somebody else was first

    def on_images(self, project_id: str) -> None:
        """Look at a project whose images were registered or measured."""
        project = self._projects.find(project_id)
        if project and project.assist.on:
            self.consider(project)

    def on_run_finished(self, message: RunFinished) -> None:
        """Go on from a run that is over. Safe to repeat, and in any order."""
        project = self._projects.find(message.project_id)
        run = self._runs.find(message.project_id, message.run_id)
        if project is None or run is None:
            return
        if run.over:
            self._runs.over(project.project_id, run)  # a job, which ended it, tells nobody
        if run.state != "done":
            return
        if run.kind == "training":
            self._use(project, run)
        elif run.kind == "featurization":
            self._grouping.begin(project, run)

    def _use(self, project: Project, run: Run) -> None:
        """Make a freshly trained model the current one, unless a newer one is, and let it work."""
        followed = {
            child.kind
            for child in self._runs.list(project.project_id)
            if child.parent_run_id == run.run_id
        }
        try:
            manifest, _ = load(self._storage, project.project_id, run.run_id)
        except UnfitModel as why:
            if "inference" not in followed:
                self._unfit(project, run, str(why))
            return

        def newer(state: AssistState) -> AssistState:
            if state.model_id and state.model_id <= run.run_id:  # ids sort newest first
                return state
            return state.model_copy(
                update={
                    "model_id": run.run_id,
                    "suggests": manifest.suggests,
                    "inferred_until_ms": 0,
                    "images_inferred": 0,
                    "withdrawn": {},
                }
            )

        state = self._runs.change_state(project.project_id, newer)
        if state.model_id != run.run_id or not project.assist.on:
            return
        former = state.active.get("inference")
        if former and self._runs.get(project.project_id, former).model_id != run.run_id:
            self._runs.finish(project.project_id, former, reason="a newer model took over")
        images = self._images(project)
        if manifest.suggests and "inference" not in followed:
            self._begin(self._suggest, project, run.run_id, images, run.run_id)
        if _groups(project) and "featurization" not in followed and not self._spent(project):
            self._begin(self._featurize, project, run.run_id, images, run.run_id)

    def _unfit(self, project: Project, run: Run, why: str) -> None:
        """Let the run fail that could not begin, so that it is seen why nothing is suggested."""
        run_id = self._runs.new_id()
        with suppress(Conflict):  # that of the model before is at work, and goes on
            self._runs.create(
                project.project_id,
                {"inference": run_id},
                asked_by=LABELRY,
                parent_run_id=run.run_id,
                model_id=run.run_id,
            )
            self._runs.fail(project.project_id, run_id, why)

    def _begin(
        self, begin: Begin, project: Project, model_id: str, images: int, parent: str
    ) -> None:
        with suppress(Conflict):  # one of the kind is at work: `consider` comes again
            begin(project, model_id, images, parent=parent)

    def _due_for_groups(self, project: Project, state: AssistState, images: int) -> bool:
        if not _groups(project) or not (project.assist.similar_first or state.model_id):
            return False
        return "featurization" not in state.active and images > GROWN * state.images_then

    def _due_for_suggestions(self, project: Project, state: AssistState, images: int) -> bool:
        """Whether images came that the model was not shown, and that it may suggest for."""
        if "inference" in state.active or images <= state.images_inferred:
            return False
        return state.inferred_until_ms < covers_until_ms(self._runs, project, state.model_id)

    def _due_for_clicks(self, project: Project, state: AssistState, images: int) -> bool:
        """Whether many images wait to be prepared for clicks, or some have waited for long."""
        if not self._clicks(project) or "encoding" in state.active:
            return False
        since = state.encoded_at
        return images > GROWN * state.images_encoded or (
            images > state.images_encoded
            and (since is None or self._storage.clock.now() - since > ENCODED_AGAIN_AFTER)
        )

    def _clicks(self, project: Project) -> bool:
        """Whether images are to be prepared for clicks: where things are drawn, and there is a model."""
        return bool(self._click_model) and project.assist.clicks and not _groups(project)

    def _measured(self, project: Project, state: AssistState, labels: int) -> AssistState:
        """Measure what suggestions came to, now and then; a class that fares worse with them gets none.

        The next model may suggest it again: only what the current one said counts against it.
        """
        grown = labels - state.lift_labels >= max(MEASURED_EVERY, state.lift_labels // 10)
        # While a model suggests, what is to be withdrawn might be suggested anew behind it.
        if not state.suggests or not grown or "inference" in state.active:
            return state
        runs = self._runs.list(project.project_id)
        lift = self._lifts.measure(
            project,
            self._projects.items(project),
            labels,
            runs=[run.run_id for run in runs if run.model_id == state.model_id],
            precision=project.assist.precision,
            strict=project.assist.strict,
        )
        worse = {class_.class_id: class_.worse for class_ in lift.classes if class_.worse}

        def noted(old: AssistState) -> AssistState:
            if old.model_id != state.model_id:
                return old
            new = old.model_copy(
                update={"lift_labels": labels, "withdrawn": {**worse, **old.withdrawn}}
            )
            if {*new.withdrawn} == {*old.withdrawn}:
                return new
            # All that waits is looked at again, so that what was suggested is taken away.
            return new.model_copy(update={"inferred_until_ms": 0, "images_inferred": 0})

        return self._runs.change_state(project.project_id, noted)

    def _spent(self, project: Project) -> bool:
        """Whether jobs have had their hours of this month."""
        limit = project.assist.hours_a_month
        return limit is not None and self._runs.hours_of_jobs(project.project_id) >= limit

    def _images(self, project: Project) -> int:
        counts = self._projects.items(project).counters()
        return sum(count for name, count in counts.items() if name.startswith("state:"))

    def _due_again(self, project: Project, state: AssistState, kind: RunKind) -> bool:
        """Whether what failed is to be tried once more: a disturbance may have passed."""
        failed = state.failures.get(kind)
        if failed is None or failed.count >= MOST_FAILURES or kind in state.active:
            return False
        if kind == "inference" and not state.suggests:
            return False
        if kind == "encoding" and not self._clicks(project):
            return False
        return self._storage.clock.now() - failed.last_at > AGAIN_AFTER * failed.count

    def _anew(self, project: Project, kind: RunKind, images: int, *, asked_by: str) -> Run:
        if kind == "encoding":
            return self._encode(project, images, asked_by=asked_by)
        begin = self._featurize if kind == "featurization" else self._suggest
        model_id = self._runs.state(project.project_id).model_id
        return begin(project, model_id, images, parent="", asked_by=asked_by)

    def _train(self, project: Project, labels: int, *, asked_by: str) -> list[Run]:
        training, validation = self._runs.new_id(), self._runs.new_id()

        def spent(state: AssistState) -> AssistState:
            return state.model_copy(
                update={"labels_at_training": labels, "trainings": state.trainings + 1}
            )

        wanted: dict[RunKind, str] = {"training": training, "validation": validation}
        runs = self._runs.create(
            project.project_id, wanted, asked_by=asked_by, model_id=training, change=spent
        )
        self._send_job(project, runs[0])
        return runs

    def _featurize(
        self,
        project: Project,
        model_id: str,
        images: int,
        *,
        parent: str,
        asked_by: str = LABELRY,
    ) -> Run:
        run_id = self._runs.new_id()
        (run,) = self._runs.create(
            project.project_id,
            {"featurization": run_id},
            asked_by=asked_by,
            parent_run_id=parent,
            model_id=model_id,
            change=lambda state: state.model_copy(
                update={"featurized": run_id, "images_then": images}
            ),
        )
        self._send_job(project, run)
        return run

    def _encode(self, project: Project, images: int, *, asked_by: str = LABELRY) -> Run:
        now = self._storage.clock.now()
        (run,) = self._runs.create(
            project.project_id,
            {"encoding": self._runs.new_id()},
            asked_by=asked_by,
            change=lambda state: state.model_copy(
                update={"images_encoded": images, "encoded_at": now}
            ),
        )
        self._send_job(project, run)
        return run

    def _suggest(
        self,
        project: Project,
        model_id: str,
        images: int,
        *,
        parent: str,
        asked_by: str = LABELRY,
    ) -> Run:
        (run,) = self._runs.create(
            project.project_id,
            {"inference": self._runs.new_id()},
            asked_by=asked_by,
            parent_run_id=parent,
            model_id=model_id,
            change=lambda state: state.model_copy(update={"images_inferred": images}),
        )
        self._start_inference(project, run)
        return run

    def _start_inference(self, project: Project, run: Run) -> None:
        since = self._runs.state(project.project_id).inferred_until_ms
        self._inference.start(project, run, since)
        self._runs.note(project.project_id, run.run_id, "planning the batches")

    def _send_job(self, project: Project, run: Run) -> None:
        """Ask a job to do a run; its log begins with that, so that a run never asked for is known."""
        state = self._runs.state(project.project_id)
        settings = project.assist
        spec: JobSpec
        if run.kind == "encoding":
            spec = EncodeSpec(
                project_id=project.project_id, run_id=run.run_id, folder=self._click_model
            )
        elif run.kind == "training":
            spec = TrainSpec(
                project_id=project.project_id,
                run_id=run.run_id,
                validation_run_id=state.active["validation"],
                task_type=project.task_type,
                classes=[
                    JobClass(class_id=class_.class_id, name=class_.name)
                    for class_ in project.offered
                ],
                backbone=settings.backbone,
                precision=settings.precision,
                confidence=settings.confidence,
                overlap=settings.overlap,
                strict=settings.strict,
                fine_tune=settings.fine_tune,
                retrain=max(0, state.trainings - 1),
            )
        else:
            spec = FeaturizeSpec(
                project_id=project.project_id,
                run_id=run.run_id,
                backbone=settings.backbone,
                model_id=run.model_id or None,
                sample=0 if state.suggests else _sample(project, state),
            )
        self._storage.queues.send(layout.GPU_JOBS_QUEUE, spec)
        self._runs.note(project.project_id, run.run_id, "waiting for a job to take it")

    def _look_after_runs(self, project: Project, state: AssistState) -> None:
        """End runs that gave no sign of life, and send what was never sent."""
        now = self._storage.clock.now()
        runs = [self._runs.find(project.project_id, run_id) for run_id in state.active.values()]
        active = {run.kind: run for run in runs if run and not run.over}
        validation = active.pop("validation", None) if "training" in active else None
        for run in active.values():
            quiet = now - run.active_at
            if run.state == "queued" and not run.log and quiet > UNSENT:
                if run.kind == "inference":
                    self._start_inference(project, run)
                else:
                    self._send_job(project, run)
                continue
            queued = run.state == "queued" and run.kind in JOB_KINDS
            if quiet <= (WAITING if queued else SILENT):
                continue
            why = UNTAKEN if queued else GIVEN_UP
            self._runs.fail(project.project_id, run.run_id, why)
            if run.kind == "training" and validation:
                self._runs.fail(project.project_id, validation.run_id, why)


def _sample(project: Project, state: AssistState) -> int:
    """Images of a shard that the next training can expect: while no model suggests, they are to be a sample.

    Those of a page that was chosen from all images for its likeness teach little more than one of them would,
    and judge a model no better. What is chosen for its likeness within a sample is still a sample.
    """
    return max(SAMPLE, project.assist.needed(state.trainings) // max(project.shards, 1))


def _groups(project: Project) -> bool:
    """Whether similar images come on one page: where whole images are labeled, not things in them."""
    return TASK_TYPES[project.task_type].geometry == "tag"
