from __future__ import annotations

from typing import Literal

import numpy as np
import pytest

pytest.importorskip("torch", reason="gpu_jobs/requirements.txt is not installed")

from gpu_jobs.label_errors import label_errors
from gpu_jobs.train import train


def clusters(
    sizes: list[int], seed: int = 0, spread: float = 0.09
) -> tuple[np.ndarray, np.ndarray]:
    """Vectors of unit length around one centre a class, and the class of each."""
    random = np.random.default_rng(seed)
    classes = np.repeat(np.arange(len(sizes)), sizes)
    centres = np.eye(64, dtype=np.float32)[: len(sizes)]
    vectors = centres[classes] + spread * random.normal(size=(len(classes), 64))
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32), classes


def one_hot(classes: np.ndarray) -> np.ndarray:
    return np.eye(classes.max() + 1, dtype=bool)[classes]


def test_wrong_labels_are_found_and_few_right_ones_are_doubted() -> None:
    vectors, classes = clusters([120, 120, 120])
    wrong = np.random.default_rng(1).choice(len(classes), 18, replace=False)
    said = classes.copy()
    said[wrong] = (said[wrong] + 1) % 3
    truth = one_hot(said)

    found = label_errors(
        train(vectors, truth, np.arange(len(said)), "multiclass").scores, truth, "multiclass"
    )

    doubted = [doubted.image for doubted in found]
    assert len({*doubted} & {*wrong.tolist()}) >= 16
    assert len({*doubted} - {*wrong.tolist()}) <= 4
    assert {*doubted[:10]} <= {*wrong.tolist()}
    assert all(
        doubted.seems == (classes[doubted.image],) for doubted in found if doubted.image in wrong
    )


def test_a_class_of_three_images_can_be_doubted_and_its_right_labels_come_after() -> None:
    vectors, classes = clusters([150, 150, 3])
    said = classes.copy()
    stray = 0  # of class 0, labeled as the rare one
    said[stray] = 2
    truth = one_hot(said)

    found = label_errors(
        train(vectors, truth, np.arange(len(said)), "multiclass").scores, truth, "multiclass"
    )

    assert found[0].image == stray
    assert found[0].seems == (0,)


def test_of_several_classes_a_tag_too_many_and_one_too_few_are_found() -> None:
    vectors, classes = clusters([100, 100, 100])
    truth = one_hot(classes)
    truth[0, 1] = True  # too many
    truth[150, 1] = False  # too few
    scores = train(vectors, truth, np.arange(len(truth)), "multilabel").scores

    found = {error.image: error.seems for error in label_errors(scores, truth, "multilabel")}

    assert found[0] == (0,)
    assert found[150] == (1,)
    assert len(found) <= 6


@pytest.mark.parametrize("task_type", ["multiclass", "multilabel"])
def test_labels_that_fit_are_not_doubted(task_type: Literal["multiclass", "multilabel"]) -> None:
    vectors, classes = clusters([60, 60], spread=0.02)
    truth = one_hot(classes)
    scores = train(vectors, truth, np.arange(len(truth)), task_type).scores

    assert label_errors(scores, truth, task_type) == []
