"""Trains a classifier on frozen embeddings, and proves from which confidence on it may suggest.

    python -m gpu_jobs.train vectors.npz      # vectors (n, d) and labels (n,): prints what it reaches

Every labeled image is scored by a head that has not seen it, nor anything of its group: these out-of-fold
scores are the validation sample, so no label is set aside for it. All folds and the head that is
shipped are trained at once, as one convex problem: a matrix product of (n, d) by (d, heads * classes).
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional

from gpu_jobs import CannotFinish
from gpu_jobs.threshold import (
    Choice,
    budget,
    choose,
    correlation,
    labels_missing,
    worth,
)
from labeling.assist.models import answers
from labeling.assist.runs import Metrics

FOLDS = 5  # each head sees 80 % of the labels: more folds take longer and gain little
DECAY = (
    1e-2  # of the squared weights: what three backbones liked; the best is flat from 3e-3 to 3e-2
)
SCALE = 30  # embeddings of unit length have entries around 1/30: brings them to about 1
STEPS = 60  # of L-BFGS, which has converged by then
MIN_LABELS = 20
MIN_OF_A_CLASS = 2  # one to learn from, one to be judged by

TaskType = Literal["multiclass", "multilabel"]


@dataclass(frozen=True)
class Head:
    """A linear layer on embeddings of unit length, calibrated: softmax or sigmoid gives probabilities."""

    weight: NDArray[np.float32]
    """(classes, d)"""
    bias: NDArray[np.float32]
    """(classes,)"""
    task_type: TaskType

    def scores(self, embeddings: NDArray[np.floating]) -> NDArray[np.float32]:
        """(n, classes) in [0, 1] of embeddings (n, d)."""
        logits = torch.from_numpy(embeddings.astype(np.float32) @ self.weight.T + self.bias)
        return _probabilities(logits, self.task_type).numpy()


@dataclass(frozen=True)
class Trained:
    """A head, what it may suggest, and how that was found out."""

    head: Head
    scores: NDArray[np.float32]
    """(n, classes): of each labeled image by a head that has not seen it."""
    choice: Choice
    metrics: Metrics
    confused: NDArray[np.int64] | None = None
    """(classes, classes) images that judged, by what people and what the model chose of one class an image."""


def confused(scores: NDArray[np.floating], truth: NDArray[np.bool_]) -> NDArray[np.int64]:
    """How many images are of which class for people (rows) and for a model (columns).

    Args:
        scores: (n, classes) of images that the model has not seen.
        truth: (n, classes) what people said, one class an image.

    >>> confused(np.array([[.9, .1], [.8, .2], [.3, .7]]), np.array([[1, 0], [0, 1], [0, 1]], bool)).tolist()
    [[1, 0], [1, 1]]
    """
    counts = np.zeros((truth.shape[1], truth.shape[1]), np.int64)
    np.add.at(counts, (truth.argmax(1), scores.argmax(1)), 1)
    return counts


def train(
    embeddings: NDArray[np.floating],
    truth: NDArray[np.bool_],
    group: NDArray[np.integer],
    task_type: TaskType,
    *,
    validates: NDArray[np.bool_] | None = None,
    precision: float = 0.95,
    confidence: float = 0.90,
    retrain: int = 0,
    candidates: int = 1,
    seed: int = 0,
) -> Trained:
    """Train, calibrate, validate.

    Args:
        embeddings: (n, d) of unit length.
        truth: (n, classes) what people said; of one class each image has exactly one.
        group: (n,) images that are near-duplicates or were picked together have the same number.
        task_type: one class an image, or any number.
        validates: (n,) which labels judge the model: those given without seeing a suggestion, for the
            others are of images that a model found easy. All, unless said otherwise.
        precision: the share of right suggestions that is promised.
        confidence: with which it is promised, over all trainings of the project.
        retrain: how often the project trained before.
        candidates: models that the same labels judge, of which one is used: they share the error budget.
        seed: of the folds.

    Raises:
        CannotFinish: too few labels, one class only, or numbers that are none.
    """
    truth = truth.astype(bool)
    _check(truth, task_type)
    folds = folds_of(group, seed)
    weights, biases, center = fit(embeddings, truth, folds, task_type)

    x = torch.from_numpy(embeddings.astype(np.float32)) - center  # (n, d)
    held_out = _held_out(x * SCALE, folds, weights, biases)  # (n, classes)
    temperature = _temperature(held_out, truth, task_type)
    scores = _probabilities(held_out / temperature, task_type).numpy()

    final = weights[-1].T / temperature * SCALE  # (classes, d), which saw all labels
    bias = biases[-1] / temperature - final @ center
    head = Head(final.numpy(), bias.numpy(), task_type)

    judges = np.ones(len(truth), bool) if validates is None else validates
    if not judges.any():
        raise CannotFinish(
            "every label was given after a suggestion was seen: none is left to validate with"
        )
    choice, metrics = validated(
        scores[judges],
        truth[judges],
        group[judges],
        task_type,
        precision=precision,
        delta=budget(confidence, retrain) / candidates,
    )
    metrics |= {"labels": len(embeddings), "temperature": round(float(temperature), 3)}
    of_one = confused(scores[judges], truth[judges]) if task_type == "multiclass" else None
    return Trained(head, scores, choice, metrics, of_one)


def validated(
    scores: NDArray[np.floating],
    truth: NDArray[np.bool_],
    group: NDArray[np.integer],
    task_type: TaskType,
    *,
    precision: float,
    delta: float,
) -> tuple[Choice, Metrics]:
    """The threshold that may be used, and what was measured.

    Each class that is said of an image is right or wrong on its own; those of an image may fail together.
    Where images look alike, `coverage_ungrouped` is what might be covered if each were taken for a stranger.

    Args:
        scores: (n, classes) of images that the model has not seen.
        truth: (n, classes) what people said.
        group: (n,) which images may fail together.
        task_type: one class an image, or any number.
        precision: the share of right suggestions that must hold.
        delta: the chance that it does not.
    """
    said = answers(scores, task_type)
    image, of = np.nonzero(said)
    sure, right, group = scores[image, of], truth[image, of], group[image]
    choice = choose(sure, right, group, precision=precision, delta=delta)
    metrics: Metrics = {
        "validated": len(truth),
        "accuracy": round(float((said == truth).all(1).mean()), 4),
        "independent_labels": round(worth(group, correlation(~right, group)), 1),
    }
    if len(np.unique(group)) < len(np.unique(image)):
        # Images that look alike prove less together than as many strangers: what that costs is said.
        alone = choose(sure, right, image, precision=precision, delta=delta).chosen
        covered = image[sure >= alone.threshold] if alone else image[:0]
        metrics["coverage_ungrouped"] = round(len(np.unique(covered)) / len(truth), 4)
    if chosen := choice.chosen:
        shown = sure >= chosen.threshold
        metrics |= {
            "coverage": round(len(np.unique(image[shown])) / len(truth), 4),
            "recall": round(float(right[shown].sum() / truth.sum()), 4),
            "precision": round(chosen.precision, 4),
            "precision_at_least": round(1 - chosen.bound, 4),
        }
    missing = labels_missing(choice, len(truth), precision=precision, delta=delta)
    if missing is not None:
        metrics["labels_missing"] = missing
    return choice, metrics


def calibrated(head: Head, embeddings: NDArray[np.floating], truth: NDArray[np.bool_]) -> Head:
    """The head with confidences that mean what they say on embeddings (n, d) it has not seen."""
    logits = torch.from_numpy(embeddings.astype(np.float32) @ head.weight.T + head.bias)
    by = float(_temperature(logits, truth, head.task_type))
    return Head(head.weight / by, head.bias / by, head.task_type)


def fit(
    embeddings: NDArray[np.floating],
    truth: NDArray[np.bool_],
    folds: NDArray[np.integer],
    task_type: TaskType,
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Heads that each leave out one fold, and a last one that leaves out none.

    Returns:
        weights (heads, d, classes), biases (heads, classes), and the mean (d,) to take off embeddings.
    """
    x = torch.from_numpy(embeddings.astype(np.float32))  # (n, d)
    center = x.mean(0)  # (d,)
    x = (x - center) * SCALE
    y = torch.from_numpy(truth.astype(np.float32))  # (n, classes)
    heads, classes = int(folds.max()) + 2, y.shape[1]

    seen = torch.ones(heads, len(x))  # (heads, n): 1 where a head may look
    seen[torch.from_numpy(folds), torch.arange(len(x))] = 0
    seen /= seen.sum(1, keepdim=True)

    # A head's weights are sums of images (the gradient is): below d images, coordinates in their span do.
    basis = torch.linalg.qr(x.T).Q if len(x) < x.shape[1] else None  # (d, n)
    z = x if basis is None else x @ basis  # (n, d) or (n, n)
    w = torch.zeros(z.shape[1], heads * classes, requires_grad=True)
    b = torch.zeros(heads * classes, requires_grad=True)
    optimizer = torch.optim.LBFGS([w, b], max_iter=STEPS, line_search_fn="strong_wolfe")

    def loss() -> torch.Tensor:
        optimizer.zero_grad()
        logits = (z @ w + b).view(-1, heads, classes).transpose(0, 1)  # (heads, n, classes)
        if task_type == "multiclass":
            each = -(functional.log_softmax(logits, -1) * y).sum(-1)  # (heads, n)
        else:
            each = functional.binary_cross_entropy_with_logits(
                logits, y.expand_as(logits), reduction="none"
            ).sum(-1)  # (heads, n)
        total = (each * seen).sum() + DECAY / 2 * (w**2).sum()
        if not torch.isfinite(total):
            raise CannotFinish(
                "the training lost its way: its loss is not a number, as when an embedding is none"
            )
        total.backward()
        return total

    optimizer.step(loss)
    weights = w.detach() if basis is None else basis @ w.detach()  # (d, heads * classes)
    weights = weights.view(-1, heads, classes).transpose(0, 1)  # (heads, d, classes)
    return weights, b.detach().view(heads, classes), center


def _held_out(
    x: torch.Tensor, folds: NDArray[np.integer], weights: torch.Tensor, biases: torch.Tensor
) -> torch.Tensor:
    """(n, classes) logits of each image (n, d) by the head that has not seen its fold."""
    logits = x.new_empty(len(x), biases.shape[1])
    for fold in np.unique(folds):
        mine = torch.from_numpy(folds == fold)
        logits[mine] = x[mine] @ weights[fold] + biases[fold]
    return logits


def folds_of(group: NDArray[np.integer], seed: int) -> NDArray[np.integer]:
    """(n,) the fold of each image: groups are never divided, largest first into the emptiest fold.

    Raises:
        CannotFinish: all images are of one group, so nothing is left to validate with.
    """
    numbers, index, sizes = np.unique(group, return_inverse=True, return_counts=True)
    if len(numbers) < 2:
        raise CannotFinish(
            "all labeled images are near-duplicates of each other: none is left to validate with"
        )
    shuffled = np.random.default_rng(seed).permutation(len(numbers))
    filled = np.zeros(min(FOLDS, len(numbers)))
    fold = np.zeros(len(numbers), int)
    for one in shuffled[np.argsort(-sizes[shuffled], kind="stable")]:
        fold[one] = filled.argmin()
        filled[fold[one]] += sizes[one]
    return fold[index]


def _check(truth: NDArray[np.bool_], task_type: TaskType) -> None:
    if len(truth) < MIN_LABELS:
        raise CannotFinish(f"{len(truth)} labeled images are too few: training needs {MIN_LABELS}")
    per_class = truth.sum(0)
    if task_type == "multiclass" and (per_class >= MIN_OF_A_CLASS).sum() < 2:
        raise CannotFinish(
            f"labels of one class only: training needs {MIN_OF_A_CLASS} images of two classes or more"
        )
    if task_type == "multilabel" and not ((per_class > 0) & (per_class < len(truth))).any():
        raise CannotFinish("every image has the same tags: there is nothing to learn from them")


def _probabilities(logits: torch.Tensor, task_type: TaskType) -> torch.Tensor:
    return logits.softmax(-1) if task_type == "multiclass" else logits.sigmoid()


def _temperature(
    logits: torch.Tensor, truth: NDArray[np.bool_], task_type: TaskType
) -> torch.Tensor:
    """By what to divide logits so that confidences mean what they say (Guo et al., 2017)."""
    y = torch.from_numpy(truth.astype(np.float32))
    tried = torch.logspace(-1, 1, 81)

    def loss(t: torch.Tensor) -> torch.Tensor:
        if task_type == "multiclass":
            return -(functional.log_softmax(logits / t, -1) * y).sum()
        return functional.binary_cross_entropy_with_logits(logits / t, y)

    return tried[torch.stack([loss(t) for t in tried]).argmin()]


if __name__ == "__main__":
    data = np.load(sys.argv[1])
    vectors = data["vectors"] / np.linalg.norm(data["vectors"], axis=1, keepdims=True)
    _, labels = np.unique(data["labels"], return_inverse=True)
    result = train(
        vectors, np.eye(labels.max() + 1, dtype=bool)[labels], np.arange(len(labels)), "multiclass"
    )
    for name, value in result.metrics.items():
        print(f"{name:20} {value}")
