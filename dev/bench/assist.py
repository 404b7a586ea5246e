"""Assist on the processor: suggesting, grouping, training and embedding, beside what they can't be faster than.

Storage is in memory: what is compared is our work on the processor, not an emulator's.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from dev.bench.handout import ADMIN
from dev.bench.measure import Measure
from dev.embedded import embedded
from dev.samples import compose as composed
from functions.services import Services, compose
from labeling import layout
from labeling.adapters.memory import MemoryQueues, memory_storage
from labeling.annotations.classes import NewClass
from labeling.annotations.shapes import TaskType
from labeling.assist.inference import AT_ONCE, BATCH, PrelabelMessage
from labeling.assist.jobs import JobClass
from labeling.assist.models import IR, MANIFEST, MODEL, OPSET, Detection, ModelManifest
from labeling.assist.preprocess import SIDE, pixels_for_model, source_of
from labeling.ingest.refresh import Measure as MeasureStep
from labeling.ingest.refresh import Refresh, Register
from labeling.ingest.renditions import Render
from labeling.items.records import Item
from labeling.model import Model
from labeling.projects.datasets import Source
from labeling.projects.record import NewProject, Project
from labeling.settings import Settings

PHOTOS = 192
LABELS = 3_000
TRAINING_CPU_S = 10
"""5 seconds on two cores."""
IMAGES, D, KINDS = 200_000, 1280, 800
GROUPING_CPU_S, GROUPING_MB = 80, 2_000
"""40 seconds on two cores."""
PAGE = 9
POOL, FIRST = 900, 300
"""Images that pages are made of, and labels of the model that groups them anew."""

_CONTAINER = layout.DATASETS

Pixels = NDArray[np.uint8]


def measures(images: int) -> Iterator[Measure]:
    """All rows; `images` are grouped."""
    yield training()
    yield from grouping(images)
    bench = Bench.begin()
    yield bench.featurization()
    yield bench.inference()
    yield from purity()


def training() -> Measure:
    """From 3,000 embeddings with labels to a model with its threshold."""
    from gpu_jobs.train import train

    random = np.random.default_rng(0)
    of = random.integers(6, size=LABELS)
    vectors = random.normal(size=(6, D))[of] + 2 * random.normal(size=(LABELS, D))
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    truth = np.eye(6, dtype=bool)[of]

    def once() -> None:
        train(vectors.astype(np.float32), truth, np.arange(LABELS), "multiclass")

    took = cpu(once)
    ok = took <= TRAINING_CPU_S
    return Measure(f"training on {LABELS:,} labels", round(took, 1), "CPU s", TRAINING_CPU_S, ok)


def grouping(images: int) -> Iterator[Measure]:
    """Grouping in a process of its own, whose memory is told by the system."""
    found = subprocess.run(
        [sys.executable, "-m", "dev.bench.grouping", str(images), str(D), str(KINDS)],
        check=True,
        capture_output=True,
        text=True,
    )
    cpu_s, megabytes, alike, chance = map(float, found.stdout.split())
    print(f"grouping {images:,}: {alike:.2f} of a page are of one kind, by chance {chance:.2f}")
    what = f"grouping {images:,} embeddings of {D}"
    limit = GROUPING_CPU_S * max(1.0, images / IMAGES)
    yield Measure(what, cpu_s, "CPU s", limit, cpu_s <= limit)
    yield Measure(f"{what}: memory", megabytes, "MB", GROUPING_MB, megabytes <= GROUPING_MB)


@dataclass(frozen=True)
class Bench:
    """A project in memory whose photos are registered, measured and have their copies."""

    services: Services
    project: Project
    pixels: Pixels
    """(n, 224, 224, 3) of all its photos."""

    @classmethod
    def begin(cls) -> Bench:
        """Compose photos, and take them in."""
        with tempfile.TemporaryDirectory() as folder:
            truth = composed("multiclass", PHOTOS, 5, Path(folder))
            services, project = taken_in(
                "multiclass", truth.classes, [Path(folder, scene.path) for scene in truth.scenes]
            )
        seen = [pixels_for_model(file_of(services, item)) for item in items_of(services, project)]
        return cls(services, project, np.stack(seen))

    def featurization(self) -> Measure:
        """Embedding from the copies, in turns with the network alone on the same pixels."""
        from gpu_jobs.embed import PACKAGED, backbone, embed
        from gpu_jobs.features import Features
        from gpu_jobs.snapshot import unlabeled

        network = backbone(PACKAGED)
        items = self.services.projects.items(self.project)
        features = Features(self.services.storage, items, network)
        sources = [
            source
            for shard in range(items.shards)
            for source in unlabeled(items, self.project, shard)
        ]
        list(embed(network, [self.pixels[:AT_ONCE]]))
        ours = bare = 0.0
        for at in range(0, len(sources), 64):
            some = sources[at : at + 64]
            ours += seconds(lambda some=some: features.of(some))
            bare += seconds(lambda at=at: list(embed(network, [self.pixels[at : at + 64]])))
        print(f"featurization: {len(sources) / ours:.0f} images/s; bare {len(sources) / bare:.0f}")
        return at_least("embedding from copies / the network alone", bare / ours, 0.9)

    def inference(self) -> Measure:
        """Batches of a run in turns with a bare loop of onnxruntime over the same decoded pixels."""
        from gpu_jobs.embed import PACKAGED, backbone
        from gpu_jobs.export import export
        from gpu_jobs.train import Head

        network = backbone(PACKAGED)
        classes = len(self.project.classes)
        weight = np.random.default_rng(0).normal(size=(classes, D)).astype(np.float32)
        head = Head(weight, np.zeros(classes, np.float32), "multiclass")
        data = export(network, head, self.pixels[:AT_ONCE])
        run_id = publish(self.services, self.project, {MODEL: data}, 0.01, network.feature_id)
        session = onnxruntime.InferenceSession(data, providers=["CPUExecutionProvider"])

        def bare_loop() -> None:
            for at in range(0, BATCH, AT_ONCE):
                session.run(["scores"], {"images": self.pixels[at : at + AT_ONCE]})

        bare_loop()
        turns = in_turns(self.services, self.project, run_id, lambda _: bare_loop)
        print(f"inference: {turns}")
        return at_least("inference / a bare loop of onnxruntime", turns.ratio, 0.85)


@dataclass(frozen=True)
class Turns:
    """Images that a run looked at in turns with something bare, and what both took."""

    images: int
    ours_s: float
    ours_cpu_s: float
    bare_s: float

    @property
    def ratio(self) -> float:
        """How fast ours is, of the bare one."""
        return self.bare_s / self.ours_s

    def __str__(self) -> str:
        ours, bare = self.images / self.ours_s, self.images / self.bare_s
        return f"{ours:.0f} images/s; bare {bare:.0f}"


def in_turns(
    services: Services,
    project: Project,
    run_id: str,
    bare: Callable[[Sequence[str]], Callable[[], object]],
) -> Turns:
    """Let a model suggest, batch by batch, in turns with what that can't be faster than.

    Args:
        services: of a project in memory.
        project: whose model it is.
        run_id: names model and run.
        bare: makes ready, of the items of a batch, what is timed.
    """
    (run,) = services.runs.create(
        project.project_id, {"inference": run_id}, asked_by="bench", model_id=run_id
    )
    services.inference.start(project, run, 0)
    ours = ours_cpu = theirs = 0.0
    batches = 0

    def handle(queue: str, message: Model) -> None:
        nonlocal ours, ours_cpu, theirs, batches
        assert isinstance(message, PrelabelMessage)
        began, began_cpu = time.perf_counter(), time.process_time()
        services.inference.on_message(message)
        took, took_cpu = time.perf_counter() - began, time.process_time() - began_cpu
        if message.do.what == "infer" and len(message.do.item_ids) == BATCH:
            batches += 1
            if batches > 1:  # the first one loads the model
                ours += took
                ours_cpu += took_cpu
                theirs += seconds(bare(message.do.item_ids))

    _queues(services).drain(handle)
    return Turns(BATCH * (batches - 1), ours, ours_cpu, theirs)


def publish(
    services: Services,
    project: Project,
    files: Mapping[str, bytes],
    threshold: float,
    feature_id: str,
    detection: Detection | None = None,
) -> str:
    """Put a model that suggests from a threshold on where a training would put it; its id."""
    run_id = services.runs.new_id()
    manifest = ModelManifest(
        model_id=run_id,
        project_id=project.project_id,
        task_type=project.task_type,
        classes=[
            JobClass(class_id=class_.class_id, name=class_.name) for class_ in project.classes
        ],
        side=SIDE,
        features=D,
        threshold=threshold,
        detection=detection,
        precision=0.95,
        confidence=0.9,
        snapshot_sha256="0" * 64,
        onnx_sha256=sha256(files[MODEL]).hexdigest(),
        opset=OPSET,
        ir=IR,
        backbone=feature_id,
        created_at=datetime.now(UTC),
    )
    for name, content in {**files, MANIFEST: manifest.model_dump_json().encode()}.items():
        place = layout.model_blob(project.project_id, run_id, name)
        services.storage.blobs.write(
            layout.MODELS, place, content, content_type="application/octet-stream"
        )
    return run_id


def purity() -> Iterator[Measure]:
    """Share of a page of similar images that is of its commonest class, and what chance gives."""
    from gpu_jobs.group import groups
    from gpu_jobs.jobs import with_opinion
    from gpu_jobs.train import train

    some, shows = embedded("multiclass", POOL + FIRST, 5, "some")
    labeled = train(some[:FIRST], shows[:FIRST], np.arange(FIRST), "multiclass")
    others = embedded("multiclass", POOL, 8, "others")
    recurring, unseen = (some[FIRST:], shows[FIRST:]), others
    for what, (vectors, truth) in (("recurring", recurring), ("never seen", unseen)):
        classes = truth.argmax(1)
        opinion = with_opinion(vectors.astype(np.float16), labeled.head)
        for when, seen_by, goal in (
            ("before the first model", vectors, 0.77),
            (f"after {FIRST} labels", opinion, 0.85),
        ):
            pages = [
                group.members[at : at + PAGE]
                for group in groups(seen_by)
                for at in range(0, len(group.members), PAGE)
            ]
            found = pure(pages, classes)
            by_chance = pure(pages, np.random.default_rng(0).permutation(classes))
            print(f"pages of nine, objects {what}, {when}: {found:.3f}, by chance {by_chance:.3f}")
            yield at_least(f"a page of nine of one class, objects {what}, {when}", found, goal)


def pure(pages: Sequence[Sequence[int]], classes: NDArray[np.integer]) -> float:
    """Share of images of the commonest class of their page."""
    common = sum(int(np.bincount(classes[np.array(page)]).max()) for page in pages)
    return common / sum(map(len, pages))


def taken_in(
    task_type: TaskType, classes: Sequence[str], photos: Sequence[Path]
) -> tuple[Services, Project]:
    """A project in memory whose photos are registered, measured and have their copies."""
    storage = memory_storage()
    services = compose(storage, Settings())
    for photo in photos:
        storage.blobs.write(_CONTAINER, photo.name, photo.read_bytes(), content_type="image/jpeg")
    new = NewProject(
        name="bench",
        task_type=task_type,
        dataset_id="d-bench",
        classes=[NewClass(name=name) for name in classes],
    )
    source = Source(container=_CONTAINER, pattern="**/*.*")
    project = services.projects.create(new, source, by=ADMIN, idempotency_key=None)
    services.ingest.start(project)
    drain(services)
    services.projects.forget(project.project_id)
    found = services.projects.find(project.project_id)
    assert found
    return services, found


def drain(services: Services) -> None:
    """Do what ingestion asks for until nothing waits."""

    def handle(queue: str, message: Model) -> None:
        if isinstance(message, Refresh):
            services.ingest.on_refresh(message)
        elif isinstance(message, Register):
            services.ingest.on_register(message)
        elif isinstance(message, MeasureStep):
            services.ingest.on_measure(message)
        elif isinstance(message, Render):
            services.renditions.on_render(message)

    _queues(services).drain(handle)


def file_of(services: Services, item: Item) -> bytes:
    """What a model is given of an item."""
    return services.storage.blobs.read(*source_of(_CONTAINER, item))


def seconds(work: Callable[[], object]) -> float:
    """How long some work takes."""
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def cpu(work: Callable[[], object]) -> float:
    """Seconds of a processor that some work takes."""
    began = time.process_time()
    work()
    return time.process_time() - began


def items_of(services: Services, project: Project) -> list[Item]:
    """All items of a project that have a size."""
    items = services.projects.items(project)
    found = [row.item for shard in range(items.shards) for row in items.all_rows(shard)]
    return [item for item in found if item.width]


def _queues(services: Services) -> MemoryQueues:
    assert isinstance(services.storage.queues, MemoryQueues)
    return services.storage.queues


def at_least(name: str, value: float, budget: float) -> Measure:
    """A row of a ratio that is to be so large."""
    return Measure(f"{name}, at least", round(value, 2), "ratio", budget, value >= budget)
