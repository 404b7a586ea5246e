"""Labels that are probably wrong: confident learning on out-of-fold scores (Northcutt et al., 2021).

A class is confidently there where it scores at least what images labeled with it score on average. An
image that confidently shows another class than its label says is doubted, those first whose label is furthest
off. Averages of classes with few labels are drawn towards that of all, so that these can be doubted too.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.floating]
Bools = NDArray[np.bool_]

FEW = 5
"""Labels: the average over all classes counts as much as so many of them."""


@dataclass(frozen=True)
class Doubted:
    """A label that is probably wrong: the number of its image, what it should say, and how far off it is."""

    image: int
    seems: tuple[int, ...]
    score: float


def label_errors(
    scores: Floats, truth: Bools, task_type: Literal["multiclass", "multilabel"]
) -> list[Doubted]:
    """Doubted labels, the most doubtful first.

    Args:
        scores: (n, classes) in [0, 1], of each image by a model that has not seen it.
        truth: (n, classes) what people said.
        task_type: one class an image, or any number.

    >>> said = np.eye(2, dtype=bool)[[0, 0, 0, 1, 1, 0]]
    >>> sure = np.array([[.9, .1]] * 3 + [[.1, .9]] * 2 + [[.05, .95]])
    >>> [(one.image, one.seems) for one in label_errors(sure, said, "multiclass")]
    [(5, (1,))]
    """
    found = _exclusive(scores, truth) if task_type == "multiclass" else _tags(scores, truth)
    return sorted(found, key=lambda doubted: (-doubted.score, doubted.image))


def _exclusive(scores: Floats, truth: Bools) -> list[Doubted]:
    usual = _usual(scores, truth)  # (classes,)
    above = scores - usual  # (n, classes)
    given = truth.argmax(1)
    rivals = np.where(truth, -np.inf, above)
    best = rivals.argmax(1)
    n = np.arange(len(scores))
    gap = rivals[n, best] - above[n, given]
    doubted = (rivals[n, best] >= 0) & (scores[n, best] > scores[n, given])
    return [Doubted(int(i), (int(best[i]),), round(float(gap[i]), 4)) for i in n[doubted]]


def _tags(scores: Floats, truth: Bools) -> list[Doubted]:
    """Each class by itself: shown or not."""
    shown = scores - _usual(scores, truth)  # (n, classes)
    absent = (1 - scores) - _usual(1 - scores, ~truth)
    off = np.where(truth, absent - shown, shown - absent)
    sure = np.where(truth, absent >= 0, shown >= 0) & ((scores >= 0.5) != truth)
    off = np.where(sure, off, -np.inf)  # (n, classes)
    return [
        Doubted(
            int(i),
            tuple(np.flatnonzero(truth[i] ^ sure[i]).tolist()),
            round(float(off[i].max()), 4),
        )
        for i in np.flatnonzero(sure.any(1))
    ]


def _usual(scores: Floats, truth: Bools) -> Floats:
    """(classes,) the average score of images that are labeled with each class."""
    own = np.where(truth, scores, 0.0).sum(0)
    overall = own.sum() / max(int(truth.sum()), 1)
    return (own + FEW * overall) / (truth.sum(0) + FEW)
