"""Training on embeddings: what it learns, what judges it, and what it refuses."""

from __future__ import annotations

import numpy as np
import pytest

from tests.gpu_jobs.conftest import noise

pytest.importorskip("torch", reason="gpu_jobs/requirements.txt is not installed")

from gpu_jobs import CannotFinish
from gpu_jobs.train import folds_of, train


def labeled(n: int, classes: int = 3, spread: float = 0.8, seed: int = 0):
    """Embeddings around one direction a class, and what people said."""
    of = np.random.default_rng(seed).integers(classes, size=n)
    vectors = noise(99, classes)[of] + spread * noise(seed, n)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    return vectors.astype(np.float32), np.eye(classes, dtype=bool)[of]


def alone(n: int) -> np.ndarray:
    return np.arange(n)


def test_the_shipped_head_is_right_on_what_it_has_not_seen():
    vectors, truth = labeled(300)
    trained = train(vectors, truth, alone(300), "multiclass")
    fresh, answers = labeled(500, seed=1)
    right = trained.head.scores(fresh).argmax(1) == answers.argmax(1)
    assert right.mean() > 0.95
    assert trained.metrics["accuracy"] == pytest.approx(right.mean(), abs=0.05)
    assert trained.choice.chosen is not None


def test_an_image_is_scored_by_a_head_that_has_not_seen_it_nor_its_copies():
    vectors, truth = (
        noise(3, 60),
        np.eye(2, dtype=bool)[np.random.default_rng(0).integers(2, size=60)],
    )
    twice, said, group = np.tile(vectors, (2, 1)), np.tile(truth, (2, 1)), np.tile(alone(60), 2)

    fair = train(twice, said, group, "multiclass").metrics["accuracy"]
    leaking = train(twice, said, alone(120), "multiclass").metrics["accuracy"]

    assert fair < 0.65  # nothing can be learned from noise
    assert leaking > 0.8


def test_labels_given_after_a_suggestion_was_seen_judge_nothing():
    vectors, truth = labeled(300)
    truth[100:] = np.roll(truth[100:], 1, axis=1)  # whatever they say
    judges = np.arange(300) < 100
    trained = train(vectors, truth, alone(300), "multiclass", validates=judges)
    assert trained.metrics["validated"] == 100
    with pytest.raises(CannotFinish, match="none is left to validate with"):
        train(vectors, truth, alone(300), "multiclass", validates=np.zeros(300, bool))


def test_a_later_training_has_less_of_the_error_budget_and_asks_for_more():
    vectors, truth = labeled(400, spread=1.6)
    first, later = (
        train(vectors, truth, alone(400), "multiclass", retrain=k).choice for k in (0, 9)
    )
    assert first
    assert later
    assert all(a.bound <= b.bound for a, b in zip(first.curve, later.curve, strict=True))


def several(n: int, spread: float = 0.5, seed: int = 0):
    """Embeddings that are the sum of one or two directions of four, and which."""
    random = np.random.default_rng(seed)
    truth = random.random((n, 4)) < 0.4
    truth[np.arange(n), random.integers(4, size=n)] = True
    vectors = truth @ noise(99, 4) + spread * noise(seed, n)
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32), truth


def test_of_several_tags_each_keeps_the_promise():
    vectors, truth = several(600)
    trained = train(vectors, truth, alone(600), "multilabel")
    assert trained.choice.chosen
    fresh, answered = several(2000, seed=1)
    shown = trained.head.scores(fresh) >= trained.choice.chosen.threshold
    assert answered[shown].mean() > 0.95
    assert shown[answered].mean() == pytest.approx(trained.metrics["recall"], abs=0.05)
    assert shown.any(1).mean() == pytest.approx(trained.metrics["coverage"], abs=0.05)


def test_tags_that_are_wrong_together_in_an_image_are_worth_fewer():
    vectors, truth = several(600)
    vague = np.random.default_rng(5).random(600) < 0.3
    vectors[vague] = noise(6, 600)[vague]  # nothing of what it shows can be seen in it
    trained = train(vectors, truth, alone(600), "multilabel")
    said = (trained.scores >= 0.5).sum()
    assert trained.metrics["independent_labels"] < 0.95 * said


def test_what_images_that_look_alike_cost_in_coverage_is_said():
    vectors, truth = labeled(300, spread=1.2)
    alike = np.arange(300) // 3
    together = train(vectors, truth, alike, "multiclass").metrics
    strangers = train(vectors, truth, alone(300), "multiclass").metrics

    assert together["coverage_ungrouped"] >= together.get("coverage", 0)
    assert "coverage_ungrouped" not in strangers


def test_confidences_mean_what_they_say():
    vectors, truth = labeled(2000, spread=2.0)
    head = train(vectors, truth, alone(2000), "multiclass").head
    fresh, answers = labeled(4000, spread=2.0, seed=1)
    scores = head.scores(fresh)
    right = scores.argmax(1) == answers.argmax(1)
    assert scores.max(1).mean() == pytest.approx(right.mean(), abs=0.03)


def test_the_same_labels_make_the_same_model():
    vectors, truth = labeled(200)
    one, other = (train(vectors, truth, alone(200), "multiclass") for _ in range(2))
    assert np.array_equal(one.head.weight, other.head.weight)
    assert one.metrics == other.metrics


def test_folds_never_divide_a_group_and_are_about_equal():
    group = np.random.default_rng(0).integers(40, size=400)
    fold = folds_of(group, seed=0)
    assert all(len(set(fold[group == one])) == 1 for one in range(40))
    assert np.bincount(fold).min() > 60


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda v, t: (v[:10], t[:10]), "10 labeled images are too few"),
        (
            lambda v, t: (v, np.eye(3, dtype=bool)[np.zeros(len(v), int)]),
            "labels of one class only",
        ),
        (lambda v, t: (v * np.nan, t), "loss is not a number"),
    ],
)
def test_what_can_not_be_learned_from_is_refused_in_words(change, reason):
    vectors, truth = change(*labeled(100))
    with pytest.raises(CannotFinish, match=reason):
        train(vectors, truth, alone(len(vectors)), "multiclass")


def test_near_duplicates_only_leave_nothing_to_validate_with():
    vectors, truth = labeled(100)
    with pytest.raises(CannotFinish, match="near-duplicates of each other"):
        train(vectors, truth, np.zeros(100, int), "multiclass")


def test_a_class_seen_in_one_fold_only_does_no_harm():
    vectors, truth = labeled(100)
    rare = np.zeros((100, 1), bool)
    rare[0] = True
    truth = np.concatenate([truth, rare], axis=1)
    truth[0, :3] = False
    assert train(vectors, truth, alone(100), "multiclass").head.weight.shape[0] == 4
