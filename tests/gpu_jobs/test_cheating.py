"""Whether the judge of the simulation notices jobs that cheat, on points in a plane instead of photos."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

pytest.importorskip("torch", reason="gpu_jobs/requirements.txt is not installed")

import gpu_jobs.train
from dev.simulate.cheating import judged_by_easy_ones, judged_by_what_it_saw
from dev.simulate.jobs import is_broken
from gpu_jobs.train import train

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
