"""Whether the judge of the simulation notices jobs that cheat, on points in a plane instead of photos."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

pytest.importorskip("torch", reason="gpu_jobs/requirements.txt is not installed")

import gpu_jobs.train
from dev.simulate.cheating import (
    judged_by_easy_ones,
    judged_by_what_it_saw,
    shapes_judged_by_easy_images,
    shapes_judged_by_touching,
)
from dev.simulate.jobs import is_broken
from gpu_jobs.shapes import Drawn, judged
from gpu_jobs.train import train
from labeling.assist.detection import Found

LABELS, WAITING, CLASSES, D = 300, 3_000, 4, 24


def images(seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Vectors of classes that overlap so much that about one in seven can't be told, and their classes."""
    random = np.random.default_rng(seed)
    classes = random.integers(CLASSES, size=LABELS + WAITING)
    vectors = np.eye(CLASSES, D)[classes] + 0.38 * random.normal(size=(len(classes), D))
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32), classes


def suggestions(training: Callable[..., Any], seed: int) -> tuple[int, int]:
    """How many suggestions a model makes for what waits, and how many of them are wrong."""
    vectors, classes = images(seed)
    truth = np.eye(CLASSES, dtype=bool)[classes[:LABELS]]
    made = training(vectors[:LABELS], truth, np.arange(LABELS), "multiclass", seed=seed)
    if made.choice.chosen is None:
        return 0, 0
    scores = made.head.scores(vectors[LABELS:])
    shown = scores.max(1) >= made.choice.chosen.threshold
    return int(shown.sum()), int((scores.argmax(1) != classes[LABELS:])[shown].sum())


def noticed(training: Callable[..., Any]) -> int:
    """In how many of three projects the judge says that the promise is broken."""
    return sum(is_broken(*suggestions(training, seed), precision=0.95) for seed in range(3))


def test_an_honest_training_is_not_accused() -> None:
    assert noticed(train) == 0
    assert suggestions(train, 0)[0] > 0


def test_a_model_that_is_judged_by_the_easiest_images_is_noticed() -> None:
    assert noticed(judged_by_easy_ones(train)) >= 2


def test_a_model_that_is_judged_by_what_it_was_trained_on_is_noticed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(gpu_jobs.train, "fit", judged_by_what_it_saw(gpu_jobs.train.fit))
    assert noticed(train) >= 2


SIDE = 0.2  # of the boxes of the things
JUDGING, THINGS = 150, 4


def boxes_found(images: int, seed: int) -> tuple[list[Drawn], list[Found]]:
    """Things of images, and boxes of them, of which one in four is off and has a lower score, mostly."""
    random = np.random.default_rng(seed)
    drawn: list[Drawn] = []
    found: list[Found] = []
    for _ in range(images):
        corners = np.arange(THINGS)[:, None] * SIDE + [[0.0, 0.1]]
        true = np.hstack([corners, corners + SIDE]).astype(np.float32)
        off = random.uniform(size=THINGS) < random.choice([0.0, 0.5])
        boxes = true + (0.5 * SIDE * off)[:, None].astype(np.float32)
        logit = random.normal(np.where(off, 0.3, 2.6), 1.0)
        score = (1 / (1 + np.exp(-logit))).astype(np.float32)
        classes = np.zeros(THINGS, np.int64)
        drawn.append(Drawn(None, true, classes))  # pyright: ignore[reportArgumentType] -- nobody looks at it
        found.append(Found(boxes, classes, np.zeros((THINGS, 1), np.float32), score))
    return drawn, found


def shapes_noticed(judging: Callable[..., Any]) -> int:
    """In how many of three projects the judge says that the promise of suggested boxes is broken."""
    count = 0
    for seed in range(3):
        choice, _ = judging(
            *boxes_found(JUDGING, seed), np.arange(JUDGING), overlap=0.5, precision=0.9, delta=0.05
        )
        if choice.chosen is None:
            continue
        drawn, found = boxes_found(1_000, seed + 100)
        shown = [one.scores >= choice.chosen.threshold for one in found]
        wrong = [abs(a.boxes - b.boxes).max(1) > 0.01 for a, b in zip(drawn, found, strict=True)]
        both = sum(int((a & b).sum()) for a, b in zip(shown, wrong, strict=True))
        count += is_broken(sum(int(one.sum()) for one in shown), both, precision=0.9)
    return count


def test_honest_judging_of_boxes_is_not_accused() -> None:
    assert shapes_noticed(judged) == 0


def test_boxes_that_are_judged_on_the_easiest_images_are_noticed() -> None:
    assert shapes_noticed(shapes_judged_by_easy_images(judged)) >= 2


def test_boxes_that_are_right_where_they_touch_a_thing_are_noticed() -> None:
    assert shapes_noticed(shapes_judged_by_touching(judged)) >= 2
