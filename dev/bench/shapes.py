"""Finding boxes on the processor: through the functions, beside the networks alone.

A detector is trained for it, which takes two minutes: how many things it finds is what the rest of the work
depends on. Storage is in memory, as in `assist.py`.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from hashlib import sha256
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from dev.bench.assist import at_least, file_of, in_turns, items_of, publish, taken_in
from dev.bench.measure import Measure
from dev.detected import taught
from dev.samples import compose
from labeling.assist.detection import FRAME, Detector, Framed, Looked, Networks, Refined, framed
from labeling.assist.inference import AT_ONCE
from labeling.assist.models import FINDER, MODEL, REFINER, Detection, Scorer

PARTS = 120, 30, 30
"""Photos that learn, score and judge."""
PHOTOS = 256
THRESHOLD = 0.6
BUDGET_MS = 90
_SEED = 5


def measures(photos: int = PHOTOS) -> Iterator[Measure]:
    """All rows; a model suggests for so many `photos`, of which the first 64 are not counted."""
    from gpu_jobs.embed import PACKAGED, backbone

    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        truth = compose("boxes", sum(PARTS) + photos, _SEED, folder)
        trained, networks = taught(truth, folder, PARTS, _SEED)
        others = [folder / scene.path for scene in truth.scenes[sum(PARTS) :]]
        services, project = taken_in("boxes", truth.classes, others)
    files = {FINDER: trained.finder, REFINER: trained.refiner, MODEL: trained.classifier}
    detection = Detection(
        frame=FRAME,
        overlap=0.5,
        scorer=trained.scorer,
        finder_sha256=sha256(trained.finder).hexdigest(),
        refiner_sha256=sha256(trained.refiner).hexdigest(),
    )
    run_id = publish(services, project, files, THRESHOLD, backbone(PACKAGED).feature_id, detection)
    seen = {item.item_id: framed(file_of(services, item)) for item in items_of(services, project)}

    def bare(item_ids: Sequence[str]) -> Callable[[], object]:
        images = [seen[item_id] for item_id in item_ids]
        return networks_alone(networks, trained.scorer, images)

    bare(list(seen)[:AT_ONCE])()
    turns = in_turns(services, project, run_id, bare)
    run = services.runs.get(project.project_id, run_id)
    print(f"boxes: {turns}; suggested in {run.metrics['suggested']} of {run.metrics['images']}")
    yield at_least("finding boxes / the networks alone", turns.ratio, 0.85)
    took = round(1000 * turns.ours_cpu_s / turns.images, 1)
    yield Measure("boxes with their class, an image", took, "CPU ms", BUDGET_MS, took <= BUDGET_MS)


def networks_alone(
    networks: Networks, scorer: Scorer, images: Sequence[Framed]
) -> Callable[[], object]:
    """What onnxruntime computes to find the boxes in images, and nothing of what is done between."""
    noted = _Noted(networks)
    for at in range(0, len(images), AT_ONCE):
        Detector(noted, scorer).find(images[at : at + AT_ONCE], THRESHOLD)

    def again() -> None:
        for call in noted.calls:
            call()

    return again


@dataclass(frozen=True)
class _Noted:
    """Networks whose calls can be made once more."""

    networks: Networks
    calls: list[Callable[[], object]] = field(default_factory=list[Callable[[], object]])

    @property
    def outlines(self) -> bool:
        return self.networks.outlines

    def look(self, pixels: NDArray[np.uint8]) -> Looked:
        self.calls.append(partial(self.networks.look, pixels))
        return self.networks.look(pixels)

    def refine(self, maps: Sequence[NDArray[np.float32]], boxes: NDArray[np.float32]) -> Refined:
        self.calls.append(partial(self.networks.refine, maps, boxes))
        return self.networks.refine(maps, boxes)

    def classify(self, pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
        self.calls.append(partial(self.networks.classify, pixels))
        return self.networks.classify(pixels)
