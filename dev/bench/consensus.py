"""CPU seconds of what becomes of the answers of three people, for many images: pure, as in a submission."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator

from dev.bench.measure import Measure
from dev.simulate.skill import GOOD, Job
from labeling.annotations.shapes import TaskType
from labeling.quality.consensus import Opinion, verdict
from labeling.quality.overlap import Overlap

BUDGET_S = 60
DIFFERENT = 2_000
"""Images whose answers are made; they are gone through again and again."""


def measures(images: int) -> Iterator[Measure]:
    """For each kind of project, the consensus of `images` images that three people labeled."""
    kinds: tuple[TaskType, ...] = ("multiclass", "multilabel", "boxes", "polygons")
    for kind in kinds:
        answers = _answers(kind, min(images, DIFFERENT))
        overlap = Overlap(labelers=3)
        began = time.process_time()
        agreed = sum(
            verdict(answers[number % len(answers)], overlap).outcome == "labeled"
            for number in range(images)
        )
        took = time.process_time() - began
        assert agreed > images / 2
        name = f"consensus of {images:,} images of three people, {kind}"
        yield Measure(name, round(took, 1), "s of CPU", BUDGET_S, took <= BUDGET_S)


def _answers(kind: TaskType, images: int) -> list[list[Opinion]]:
    job = Job(kind, 0, 1)
    draw = random.Random(1)
    people = sorted(GOOD)
    return [
        [
            Opinion(
                name, "labeled", [annotation for _, annotation in job.drawn(name, f"i{number}")]
            )
            for name in draw.sample(people, 3)
        ]
        for number in range(images)
    ]
