"""The composition root: the one place where settings, adapters and services meet.

Built at first use, never at import: an import that fails would take every function with it.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from functools import cache, partial
from typing import TYPE_CHECKING

from functions import logs, metrics
from labeling import layout
from labeling.adapters.azure import connect, connection
from labeling.adapters.webhooks import Caller
from labeling.agreement import Agreements
from labeling.assist.clicks import Clicks
from labeling.assist.detection import Networks
from labeling.assist.doubts import Doubts
from labeling.assist.fitting import Fitting
from labeling.assist.grouping import Grouping
from labeling.assist.inference import Inference, OpenModel, OpenNetworks, Predict
from labeling.assist.lift import Lifts
from labeling.assist.models import ModelManifest
from labeling.assist.prelabels import Prelabels
from labeling.assist.runs import Run, Runs
from labeling.assist.service import Assist
from labeling.changes import Changes
from labeling.exchange.exports import Export, Exports
from labeling.exchange.imports import Imports
from labeling.honeypots import Honeypots
from labeling.ingest.refresh import Ingest
from labeling.ingest.renditions import Renditions
from labeling.ingest.turns import Turns
from labeling.progress import Compact, ProgressService
from labeling.projects.access import Access
from labeling.projects.asking import Asking
from labeling.projects.datasets import Datasets
from labeling.projects.locations import Locations
from labeling.projects.projects import Projects
from labeling.projects.starting_over import StartingOver
from labeling.projects.tokens import Tokens
from labeling.projects.webhooks import Post, Webhooks
from labeling.review import Review
from labeling.settings import Settings
from labeling.storage import Storage
from labeling.sweeps import Sweeps
from labeling.tasks.my_work import Mine
from labeling.tasks.service import Tasks

if TYPE_CHECKING:
    from labeling.adapters.entra import Entra


@dataclass(frozen=True)
class Services:
    """Everything a trigger may call."""

    settings: Settings
    storage: Storage
    access: Access
    tokens: Tokens
    locations: Locations
    datasets: Datasets
    projects: Projects
    starting_over: StartingOver
    asking: Asking
    turns: Turns
    ingest: Ingest
    renditions: Renditions
    tasks: Tasks
    mine: Mine
    review: Review
    honeypots: Honeypots
    agreements: Agreements
    sweeps: Sweeps
    prelabels: Prelabels
    runs: Runs
    inference: Inference
    grouping: Grouping
    fitting: Fitting
    clicks: Clicks
    assist: Assist
    progress: ProgressService
    exports: Exports
    imports: Imports
    webhooks: Webhooks
    changes: Changes
    entra: Callable[[], Entra]


def open_model(manifest: ModelManifest, data: bytes) -> Predict:
    """Make a model ready; onnxruntime is imported by the first one, not when a worker starts."""
    from labeling.adapters.onnx import open_model as opened

    return opened(manifest, data)


def open_networks(
    classes: int, outlines: bool, finder: bytes, refiner: bytes, classifier: bytes
) -> Networks:
    """Make the files of a model of shapes ready, as `open_model`."""
    from labeling.adapters.onnx import open_networks as opened

    return opened(classes, outlines, finder, refiner, classifier)


def open_entra(settings: Settings) -> Entra:
    """What knows tokens of Entra ID; its library is imported by the first one."""
    from labeling.adapters.entra import Entra

    return Entra(settings)


def compose(
    storage: Storage,
    settings: Settings,
    *,
    open_model: OpenModel = open_model,
    open_networks: OpenNetworks = open_networks,
    post: Post | None = None,
) -> Services:
    """The services over a storage: Azure's, or the one in memory."""
    access = Access(storage)
    locations = Locations(storage, settings)
    projects = Projects(storage, settings, access)
    turns = Turns(storage, projects.directory)
    ingest = Ingest(storage, projects, settings, turns)

    def compact(project_id: str, shard: int) -> None:
        storage.queues.send(layout.COMPACT_QUEUE, Compact(project_id=project_id, shard=shard))

    webhooks = Webhooks(storage, post or Caller(settings))

    def run_over(project_id: str, run: Run) -> None:
        said = run.model_dump(
            mode="json", include={"run_id", "kind", "state", "reason", "model_id"}
        )
        webhooks.told(project_id, "run.finished", run.run_id, said)
        metrics.run_over(run.kind, run.state)

    def export_finished(project_id: str, export: Export) -> None:
        about = {"export_id", "format", "state", "problem", "as_of", "items", "exported", "files"}
        said = export.model_dump(mode="json", include=about)
        webhooks.told(project_id, "export.finished", export.export_id, said)

    runs = Runs(storage, run_over)
    renditions = Renditions(storage, projects, turns)
    prelabels = Prelabels(storage, projects)
    inference = Inference(storage, projects, runs, prelabels, renditions, open_model, open_networks)
    grouping = Grouping(storage, projects, runs)
    assist = Assist(
        storage,
        projects,
        runs,
        inference,
        grouping,
        Lifts(storage),
        click_model=settings.click_model,
    )
    tasks = Tasks(
        storage,
        projects,
        settings,
        measure=ingest.measure_items,
        compact=compact,
        frame=renditions.frame,
    )
    doubts = Doubts(storage, runs)
    review = Review(storage, projects, tasks, doubts)
    return Services(
        settings=settings,
        storage=storage,
        access=access,
        tokens=Tokens(storage, settings),
        locations=locations,
        datasets=Datasets(storage, locations),
        projects=projects,
        starting_over=StartingOver(storage, projects),
        asking=Asking(storage, projects),
        turns=turns,
        ingest=ingest,
        renditions=renditions,
        tasks=tasks,
        mine=Mine(storage, tasks),
        review=review,
        honeypots=Honeypots(storage, projects, tasks),
        agreements=Agreements(storage, tasks),
        sweeps=Sweeps(storage, projects, review, doubts),
        prelabels=prelabels,
        runs=runs,
        inference=inference,
        grouping=grouping,
        fitting=Fitting(runs, inference, tasks.images),
        clicks=Clicks(storage, runs, tasks.images),
        assist=assist,
        imports=Imports(storage, projects, ingest, prelabels, turns, compact),
        progress=ProgressService(storage, projects, ingest, tasks, assist, webhooks),
        exports=Exports(storage, projects, ingest, export_finished),
        webhooks=webhooks,
        changes=Changes(storage),
        entra=cache(partial(open_entra, settings)),
    )


@cache
def _of_this_process() -> Services:
    logs.set_up()
    metrics.set_up()
    settings = Settings()
    return compose(connect(connection(settings)), settings)


_serving: ContextVar[Services | None] = ContextVar("_serving", default=None)


def services() -> Services:
    """The services that triggers call: of this process, unless others are `serving`."""
    return _serving.get() or _of_this_process()


@contextmanager
def serving(own: Services) -> Generator[None]:
    """Let triggers that are called in here, in this thread, call these services."""
    before = _serving.set(own)
    try:
        yield
    finally:
        _serving.reset(before)
