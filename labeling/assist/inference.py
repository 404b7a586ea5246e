"""Inference: a model's suggestions for the images that wait, in batches of queue messages.

A run is planned in steps that each send some batches; every message may come twice, late, or in another
order. Which batches are done is a row of bits, so that each counts once and the last one ends the run.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Iterator, Sequence, Set
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from dataclasses import dataclass, replace
from threading import Lock
from typing import TYPE_CHECKING, Annotated, Any, Literal, Protocol

import numpy as np
from pydantic import Field

from labeling import layout
from labeling.annotations.areas import polygon_of
from labeling.annotations.shapes import Box, Polygon
from labeling.annotations.task_types import TASK_TYPES
from labeling.assist.detection import Detector, Found, Framed, Networks, framed
from labeling.assist.edges import to_edges
from labeling.assist.models import ModelManifest, UnfitModel, load, load_detection, suggested
from labeling.assist.prelabels import PrelabelEnvelope, Prelabels
from labeling.assist.preprocess import Unseeable, decoded, pixels_for_model, source_of
from labeling.assist.runs import Metrics, Run, RunProgress, Runs
from labeling.documents import Documents
from labeling.errors import NotFound
from labeling.ingest.renditions import PREVIEW, Renditions
from labeling.items.records import SETTLED, Item
from labeling.media.frames import Undecodable
from labeling.media.patterns import SHOWN_BY_BROWSERS
from labeling.model import Id, Model
from labeling.projects.projects import Project, ProjectAccess, Projects, Whereabouts
from labeling.storage import Range, Storage

if TYPE_CHECKING:
    from numpy.typing import NDArray

BATCH = 64
"""Images a message: some seconds of work on a processor, so that several instances share a run."""
BATCHES_A_STEP = 15
"""Batches that one step of the plan sends: their items are one page of storage."""
AT_ONCE = 16
"""Images the network sees at once: more gain nothing on a processor."""
READERS = 4
KEPT_MODELS = 2

BY = "labelry"
"""Who suggests, where a model of the project does."""

log = logging.getLogger("labelry")

Predict = Callable[["NDArray[np.uint8]"], "NDArray[np.float32]"]
"""From uint8 (n, 224, 224, 3) to scores (n, classes) in [0, 1]."""

OpenModel = Callable[[ModelManifest, bytes], Predict]
"""Makes a model's file ready. Raises UnfitModel."""

OpenNetworks = Callable[[int, bool, bytes, bytes, bytes], Networks]
"""Makes the files of a model of shapes ready, of so many classes, of polygons or not. Raises UnfitModel."""

Said = list[dict[str, object]]
"""Annotations as `Prelabels.put` takes them, without ids."""


class Suggester(Protocol):
    """A model that is ready: what it sees of an image file, and what it says of what it saw."""

    def see(self, data: bytes) -> Any:
        """What it looks at. Raises Unseeable."""
        ...

    def suggest(self, seen: Sequence[Any], known: Set[str]) -> list[Said]:
        """What to suggest for each image: nothing where it is not sure, and only of known classes.

        Raises:
            UnfitModel: what it computes is none of what it should.
        """
        ...


class Plan(Model):
    """The next step of a plan: look at the next items, and send batches of them."""

    what: Literal["plan"] = "plan"
    project_id: Id
    run_id: Id
    step: int


class Infer(Model):
    """One batch of a run."""

    what: Literal["infer"] = "infer"
    project_id: Id
    run_id: Id
    batch: Annotated[int, Field(ge=0)]
    item_ids: Annotated[list[Id], Field(max_length=BATCH)]


class PrelabelMessage(Model):
    """Message of `layout.PRELABEL_QUEUE`."""

    do: Annotated[Plan | Infer, Field(discriminator="what")]


class Batches(Model):
    """How far a run is: its plan, and its batches.

    `since_ms` leaves out items registered before; `next_since_ms` is where the next run of the same model
    takes up. `done` has one bit a batch, as a hexadecimal number.
    """

    since_ms: int = 0
    next_since_ms: int = 0
    step: int = 0
    shard: int = 0
    after: str = ""
    planned: bool = False
    sent: int = 0
    images: int = 0
    done: str = "0"
    seen: int = 0
    unseeable: int = 0
    suggested: int = 0

    @property
    def finished(self) -> bool:
        """Whether every batch is done, and no more will be sent."""
        return self.planned and int(self.done, 16) == (1 << self.sent) - 1


class Inference:
    """Lets a project's model suggest."""

    def __init__(
        self,
        storage: Storage,
        projects: Projects,
        runs: Runs,
        prelabels: Prelabels,
        renditions: Renditions,
        open_model: OpenModel,
        open_networks: OpenNetworks,
    ) -> None:
        self._storage = storage
        self._projects = projects
        self._runs = runs
        self._prelabels = prelabels
        self._renditions = renditions
        self._open_model = open_model
        self._open_networks = open_networks
        self._batches = Documents(storage, layout.PROJECTS, Batches)
        self._models: dict[str, Suggester] = {}
        self._loading = Lock()

    def start(self, project: Project, run: Run, since_ms: int) -> None:
        """Begin a run that was created, over items registered at `since_ms` or later. Safe to repeat."""
        self._batches.change(
            project.project_id,
            layout.batches(run.run_id),
            lambda old: (
                old.model_copy(update={"since_ms": since_ms, "next_since_ms": _ms(run)})
                if old.step == 0
                else old
            ),
            missing=Batches(),
        )
        self._send(Plan(project_id=project.project_id, run_id=run.run_id, step=0))

    def batches(self, project_id: str, run_id: str) -> Batches:
        """How far a run is."""
        return self._batches.get(project_id, layout.batches(run_id)) or Batches()

    def on_message(self, message: PrelabelMessage) -> None:
        """Do a step of a plan, or a batch. Safe to repeat; a model that can't be used fails its run."""
        do = message.do
        project = self._projects.find(do.project_id)
        run = self._runs.find(do.project_id, do.run_id)
        if project is None or run is None or run.over:
            return
        try:
            if isinstance(do, Plan):
                self._plan(project, run, do)
            else:
                self._infer(project, run, do)
        except UnfitModel as why:
            self._runs.fail(do.project_id, do.run_id, str(why))

    def _plan(self, project: Project, run: Run, message: Plan) -> None:
        """Send the batches of the next items; the next step comes by a message of its own."""
        state = self.batches(project.project_id, run.run_id)
        if state.planned:
            self._end_if_finished(project, run, state)
            return
        if message.step == state.step:
            state = self._planned_further(project, run, state)
            if state is None:
                return
        if not state.planned:
            self._send(Plan(project_id=project.project_id, run_id=run.run_id, step=state.step))

    def _planned_further(self, project: Project, run: Run, old: Batches) -> Batches | None:
        rows = self._storage.tables.query(
            layout.ITEMS,
            Range(
                self._projects.items(project).partition(old.shard),
                layout.truth(old.after) + "!" if old.after else layout.truth(""),
                layout.truth(layout.END),
                BATCH * BATCHES_A_STEP,
                ("state", "width", "registered_ms"),
            ),
        )
        until_ms = covers_until_ms(self._runs, project, run.model_id)
        recent = [row for row in rows if old.since_ms <= row.number("registered_ms") <= until_ms]
        waiting = [row for row in recent if row.text("state") in ("available", "leased")]
        ready = [layout.item_of(row.key) for row in waiting if row.number("width")]
        sent = old.sent
        for at in range(0, len(ready), BATCH):
            self._send(
                Infer(
                    project_id=project.project_id,
                    run_id=run.run_id,
                    batch=sent,
                    item_ids=ready[at : at + BATCH],
                )
            )
            sent += 1
        through = len(rows) < BATCH * BATCHES_A_STEP
        last = through and old.shard + 1 >= project.shards
        unmeasured = [row.number("registered_ms") for row in waiting if not row.number("width")]
        new = old.model_copy(
            update={
                "step": old.step + 1,
                "shard": old.shard + 1 if through and not last else old.shard,
                "after": "" if through else layout.item_of(rows[-1].key),
                "planned": last,
                "sent": sent,
                "images": old.images + len(ready),
                "next_since_ms": min([old.next_since_ms, *unmeasured]),
            }
        )

        def stepped(now: Batches) -> Batches:
            if now.step != old.step:  # this message came twice, and the other was faster
                return now
            return new.model_copy(
                update={name: getattr(now, name) for name in ("done", "seen", "suggested")}
                | {"unseeable": now.unseeable}
            )

        state = self._batches.change(project.project_id, layout.batches(run.run_id), stepped)
        progress = RunProgress(done=state.seen, total=state.images, what="images")
        self._runs.note(project.project_id, run.run_id, progress=progress)
        if state.planned:
            self._end_if_finished(project, run, state)
            return None
        return state

    def _infer(self, project: Project, run: Run, message: Infer) -> None:
        """Suggest for the items of a batch, and count it once."""
        if self._has(self.batches(project.project_id, run.run_id), message.batch):
            return
        found = self._projects.items(project).read_many(message.item_ids)
        items = [
            stored.item
            for stored in found
            if stored and _to_be_seen(stored.item) and project.assist.looks_at(stored.item.media)
        ]
        unseeable, said = self._suggestions(project, self._model(project, run.model_id), items)
        taken = 0
        if said:
            opened = ProjectAccess(
                project, "admin", None, Whereabouts(), self._projects.items(project)
            )
            envelope = PrelabelEnvelope(run_id=run.run_id, items=said)
            results = self._prelabels.put(opened, envelope, by=BY).results
            taken = sum(
                result.status in ("saved", "unchanged") and bool(item["annotations"])
                for result, item in zip(results, said, strict=True)
            )

        def counted(old: Batches) -> Batches:
            if self._has(old, message.batch):
                return old
            return old.model_copy(
                update={
                    "done": f"{int(old.done, 16) | 1 << message.batch:x}",
                    "seen": old.seen + len(message.item_ids),
                    "unseeable": old.unseeable + unseeable,
                    "suggested": old.suggested + taken,
                }
            )

        state = self._batches.change(project.project_id, layout.batches(run.run_id), counted)
        progress = RunProgress(done=state.seen, total=state.images, what="images")
        self._runs.note(project.project_id, run.run_id, progress=progress)
        self._end_if_finished(project, run, state)

    def _has(self, state: Batches, batch: int) -> bool:
        return bool(int(state.done, 16) >> batch & 1)

    def _end_if_finished(self, project: Project, run: Run, state: Batches) -> None:
        if not state.finished:
            return
        metrics: Metrics = {
            "images": state.images,
            "suggested": state.suggested,
            "unseeable": state.unseeable,
            "coverage": round(state.suggested / state.images, 4) if state.images else 0.0,
        }
        self._runs.finish(
            project.project_id,
            run.run_id,
            metrics=metrics,
            change=lambda old: (
                old.model_copy(update={"inferred_until_ms": state.next_since_ms})
                if old.model_id == run.model_id
                else old
            ),
        )

    def fit(self, project: Project, model_id: str, item: Item, box: Box) -> Box | Polygon | None:
        """The thing that somebody drew a box about, by a model of shapes: None where it sees none.

        An outline is laid to the edges that the image shows near it.

        Raises:
            UnfitModel: the model can't be used.
            Unseeable: nor can the image.
            NotFound: it is gone.
        """
        model = self._model(project, model_id)
        if not isinstance(model, Detecting):
            raise UnfitModel("the model is of whole images, not of things in them; train again")
        polygons = project.task_type == "polygons"
        data = self._file(project, item, least=PREVIEW if polygons else 1)
        corners = np.array([box.x0, box.y0, box.x1, box.y1], np.float32)
        found, area = model.detector.fit(model.see(data), corners)
        if polygons:
            return None if area is None else polygon_of(to_edges(decoded(data, PREVIEW), area))
        x0, y0, x1, y1 = found.astype(float).round(6).tolist()
        return Box(x0=x0, y0=y0, x1=x1, y1=y1) if x1 > x0 and y1 > y0 else None

    def _model(self, project: Project, model_id: str) -> Suggester:
        """A model of a project, loaded once by this process."""
        with self._loading:
            if model_id not in self._models:
                manifest, data = load(self._storage, project.project_id, model_id)
                model = self._opened(manifest, data)
                while len(self._models) >= KEPT_MODELS:
                    self._models.pop(next(iter(self._models)))
                self._models[model_id] = model
            return self._models[model_id]

    def _opened(self, manifest: ModelManifest, data: bytes) -> Suggester:
        if manifest.detection is None:
            return Classifying(manifest, self._open_model(manifest, data))
        files = load_detection(self._storage, manifest)
        outlines = manifest.task_type == "polygons"
        networks = self._open_networks(len(manifest.classes), outlines, *files, data)
        return Detecting(manifest, Detector(networks, manifest.detection.scorer))

    def _suggestions(
        self, project: Project, model: Suggester, items: Sequence[Item]
    ) -> tuple[int, list[dict[str, object]]]:
        """How many can't be seen, and what to send of the others: also that a former model was wrong."""
        withdrawn = self._runs.state(project.project_id).withdrawn
        known = {class_.class_id for class_ in project.offered} - {*withdrawn}
        known |= {class_id for class_id, into in project.merged.items() if into in known}
        said: list[dict[str, object]] = []
        unseeable = 0
        for some, seen, lost in self._seen(project, model, items):
            unseeable += lost
            if not some:
                continue
            for item, sure in zip(some, model.suggest(seen, known), strict=True):
                if sure or item.suggested.startswith(layout.OWN_RUNS):
                    said.append({"item_id": item.item_id, "annotations": sure})
        return unseeable, said

    def _seen(
        self, project: Project, model: Suggester, items: Sequence[Item]
    ) -> Iterator[tuple[list[Item], list[Any], int]]:
        """Items with what is seen of them, some at once; the next are decoded meanwhile."""

        def seen_of(item: Item) -> Any:
            try:
                return model.see(self._file(project, item))
            except (NotFound, Unseeable) as why:
                log.info("not seen: %s", why, extra={"item_id": item.item_id})
                return None

        with ThreadPoolExecutor(READERS) as pool:
            reading = [(item, pool.submit(copy_context().run, seen_of, item)) for item in items]
            for at in range(0, len(reading), AT_ONCE):
                some = [(item, each.result()) for item, each in reading[at : at + AT_ONCE]]
                good = [(item, seen) for item, seen in some if seen is not None]
                yield [item for item, _ in good], [seen for _, seen in good], len(some) - len(good)

    def _file(self, project: Project, item: Item, least: int = 1) -> bytes:
        """What a model sees of an item: its smallest copy of `least` pixels, or the original where none is.

        Of what no browser shows, the first frame is made where it is not there yet.

        Raises:
            NotFound: it is gone, or was overwritten.
            Unseeable: its first frame can't be decoded.
        """
        container, path = source_of(project.source.container, item, least)
        try:
            return self._storage.blobs.read(container, path)
        except NotFound:
            if item.media in SHOWN_BY_BROWSERS:
                return self._storage.blobs.read(project.source.container, item.path)
            try:
                self._renditions.frame(project, item, 0, "background")
            except Undecodable as why:
                raise Unseeable(str(why)) from why
            uncopied = replace(item, renditions="")
            return self._storage.blobs.read(*source_of(project.source.container, uncopied))

    def _send(self, do: Plan | Infer) -> None:
        self._storage.queues.send(layout.PRELABEL_QUEUE, PrelabelMessage(do=do))


@dataclass(frozen=True)
class Classifying:
    """Suggests classes of whole images."""

    manifest: ModelManifest
    predict: Predict

    def see(self, data: bytes) -> NDArray[np.uint8]:
        """As `Suggester`."""
        return pixels_for_model(data)

    def suggest(self, seen: Sequence[NDArray[np.uint8]], known: Set[str]) -> list[Said]:
        """As `Suggester`. A class that is gone, or of no help, is left out, the others are not."""
        scores = self.predict(np.stack(seen))
        if scores.shape != (len(seen), len(self.manifest.classes)) or not np.isfinite(scores).all():
            raise UnfitModel("the model gives no probabilities for its classes; train again")
        return [
            [
                {"class_id": class_id, "confidence": round(score, 4)}
                for class_id, score in sure
                if class_id in known
            ]
            for sure in suggested(self.manifest, np.clip(scores, 0, 1))
        ]


@dataclass(frozen=True)
class Detecting:
    """Suggests boxes or polygons, each on its own."""

    manifest: ModelManifest
    detector: Detector

    def see(self, data: bytes) -> Framed:
        """As `Suggester`."""
        return framed(data)

    def suggest(self, seen: Sequence[Framed], known: Set[str]) -> list[Said]:
        """As `Suggester`. A shape of a class that is gone is left out, the others are not."""
        return [
            self._sure(found, known)
            for found in self.detector.find(seen, self.manifest.threshold or 0)
        ]

    def _sure(self, found: Found, known: Set[str]) -> Said:
        least = self.manifest.threshold
        return [
            {
                "class_id": self.manifest.classes[of_class].class_id,
                "confidence": round(float(score), 4),
                "geometry": found.geometry(number),
            }
            for number, (of_class, score) in enumerate(
                zip(found.classes.tolist(), found.scores, strict=True)
            )
            if least is not None
            and score >= least
            and self.manifest.classes[of_class].class_id in known
        ]


def covers_until_ms(runs: Runs, project: Project, model_id: str) -> float:
    """When the last images were registered that a model may suggest for.

    A shape is promised for images like those that judged the model (ADR-0015): what came after its labels were
    taken waits for the next one.
    """
    if TASK_TYPES[project.task_type].geometry == "tag":
        return math.inf
    training = runs.find(project.project_id, model_id)
    return _ms(training) if training else math.inf


def _to_be_seen(item: Item) -> bool:
    """Whether somebody may still be shown what is suggested for it."""
    return bool(item.width) and not item.barred and item.state not in SETTLED


def _ms(run: Run) -> int:
    return int(run.created_at.timestamp() * 1000)
