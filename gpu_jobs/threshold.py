"""From which confidence on suggestions are shown: the loosest that keeps a precision, and proves it.

Fixed-sequence testing (Angelopoulos et al., "Learn then Test", 2021): thresholds are written down before any
label is seen and tested from the strictest on; the first that fails ends the search. A test passes when
the Clopper-Pearson bound on the share of wrong suggestions stays below what is allowed. Images of one
group (near-duplicates, images labeled as one similar page) fail together, so that n of them are worth
n / (1 + (m - 1) rho) independent ones: the design effect of survey sampling (Kish, 1965).

What is proven holds for a random sample of the very images that get suggestions, and for no others.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray
from scipy.special import betaincinv

Floats = NDArray[np.floating]
Bools = NDArray[np.bool_]
Ints = NDArray[np.integer]

GRID: tuple[float, ...] = tuple(
    round(float(1 / (1 + np.exp(-logit))), 4) for logit in np.linspace(6.9, 0.0, 70)
)
"""Confidences from .999 down to .5, in even steps of their logits."""

_ERRORS_BORNE = (
    1  # by the first threshold that is tested: with none, one mishap would end the search
)


_FAR = 30
_TIMES = np.geomspace(1.02, _FAR, 100)  # as many labels, in `labels_missing`


@dataclass(frozen=True)
class Point:
    """What a threshold does to the validated images."""

    threshold: float
    suggested: int
    wrong: int
    worth: float
    """How many independent images the suggested ones are worth."""
    bound: float
    """The share of wrong suggestions is below this, with the confidence asked for."""
    coverage: float
    """Share of what the model said of validated images that it may suggest, in [0, 1]."""

    @property
    def precision(self) -> float:
        """Share of the suggestions that were right; 1 where there are none."""
        return 1 - self.wrong / self.suggested if self.suggested else 1.0


@dataclass(frozen=True)
class Choice:
    """The threshold that may be used, and every threshold that was considered, strictest first."""

    chosen: Point | None
    curve: tuple[Point, ...]


def budget(confidence: float, retrain: int) -> float:
    """The chance of being wrong that the threshold of one training may take.

    A project trains again and again, and each training chooses anew. Shares of 1 / ((k + 1)(k + 2)) sum to
    one, so that all thresholds a project ever uses hold together with `confidence`.

    Args:
        confidence: in (0, 1), of all trainings together.
        retrain: 0 for the first training of a project.

    >>> round(budget(0.9, 0), 4), round(budget(0.9, 1), 4)
    (0.05, 0.0167)
    """
    return (1 - confidence) / ((retrain + 1) * (retrain + 2))


def error_bound(wrong: float, n: float, delta: float) -> float:
    """The Clopper-Pearson upper bound on a share of which `wrong` of `n` were seen, at level 1 - `delta`.

    >>> round(error_bound(0, 45, 0.1), 3), error_bound(3, 3, 0.1), error_bound(0, 0, 0.1)
    (0.05, 1.0, 1.0)
    """
    if n <= 0 or wrong >= n:
        return 1.0
    if wrong <= 0:
        return float(1 - delta ** (1 / n))
    return float(betaincinv(wrong + 1, n - wrong, 1 - delta))


@cache
def needed(wrong: int, allowed: float, delta: float) -> int:
    """How many independent images it takes to prove that at most `allowed` are wrong.

    >>> needed(0, 0.05, 0.1), needed(1, 0.05, 0.1), needed(2, 0.05, 0.1)
    (45, 77, 105)
    """
    n = wrong + 1
    while error_bound(wrong, n, delta) > allowed:
        n += 1
    return n


def correlation(wrong: Bools, group: Ints) -> float:
    """How much images of one group are wrong together, rho in [0, 1].

    Estimated from all validated images, where errors are plenty, not from the few above a threshold. One
    more group of typical size is counted as all wrong, so that few groups can't pass for independent.

    Args:
        wrong: (n,) whether the model was wrong.
        group: (n,) group numbers.
    """
    _, index = np.unique(group, return_inverse=True)
    sizes = np.bincount(index).astype(float)
    typical = float((sizes**2).sum() / sizes.sum())
    if typical <= 1:
        return 0.0
    errors = np.append(np.bincount(index, weights=wrong), typical)
    sizes = np.append(sizes, typical)
    share = errors.sum() / sizes.sum()
    if share >= 1:
        return 1.0
    spread = ((errors - share * sizes) ** 2).sum() / (share * (1 - share) * sizes.sum())
    return float(np.clip((spread - 1) / (typical - 1), 0, 1))


def worth(group: Ints, rho: float) -> float:
    """How many independent images these are worth: n over the design effect.

    >>> worth(np.array([0, 0, 0, 1, 1, 1]), 1.0), worth(np.array([0, 0, 0, 1, 1, 1]), 0.0)
    (2.0, 6.0)
    """
    if not len(group):
        return 0.0
    _, sizes = np.unique(group, return_counts=True)
    typical = float((sizes**2).sum() / sizes.sum())
    return len(group) / (1 + (typical - 1) * rho)


def choose(
    confidence: Floats,
    right: Bools,
    group: Ints,
    *,
    precision: float,
    delta: float,
    grid: tuple[float, ...] = GRID,
) -> Choice:
    """The loosest threshold whose precision holds with probability 1 - `delta`.

    Args:
        confidence: (n,) of the model in its answer, in [0, 1], from folds that have not seen the image.
        right: (n,) whether a person gave the same answer.
        group: (n,) which images may fail together; all different when they are independent.
        precision: the share of right suggestions that must hold, in (0, 1).
        delta: the chance that it does not, in (0, 1).
        grid: thresholds, strictest first, fixed before `right` was looked at.
    """
    spoilt = np.where(right, -np.inf, np.inf)
    return choose_as_shown(confidence, spoilt, group, precision=precision, delta=delta, grid=grid)


def choose_as_shown(
    confidence: Floats,
    spoilt: Floats,
    group: Ints,
    *,
    precision: float,
    delta: float,
    grid: tuple[float, ...] = GRID,
) -> Choice:
    """The same where it depends on the threshold what is shown of an image, and so whether all of it is right.

    Args:
        confidence: (n,) from which threshold on down anything is shown of an image.
        spoilt: (n,) from which on down something wrong is; minus infinity where nothing is.
        group: as for `choose`.
        precision: as for `choose`.
        delta: as for `choose`.
        grid: as for `choose`.
    """
    allowed = 1 - precision
    rho = correlation(spoilt >= grid[-1], group) if len(spoilt) else 0.0
    first = needed(_ERRORS_BORNE, allowed, delta)
    curve: list[Point] = []
    chosen: Point | None = None
    searching = True
    for threshold in grid:
        shown = confidence >= threshold
        wrong = shown & (spoilt >= threshold)
        point = _point(threshold, shown, wrong, worth(group[shown], rho), delta)
        curve.append(point)
        # Where the search starts depends on the confidences alone, never on who was right.
        if searching and point.worth >= first:
            if point.bound <= allowed:
                chosen = point
            else:
                searching = False
    return Choice(chosen, tuple(curve))


def labels_missing(choice: Choice, labels: int, *, precision: float, delta: float) -> int | None:
    """About how many more labels it takes until a threshold qualifies, in tens; 0 when one does.

    As if with m times the labels errors fell by the square root of m, as they usually do. None: not even
    `_FAR` times as many would do.

    Args:
        choice: what `choose` found with `labels` labels.
        labels: how many there are.
        precision: as given to `choose`.
        delta: as given to `choose`, or what the next training may spend.
    """
    if choice.chosen:
        return 0
    enough = np.zeros(len(_TIMES), bool)
    for point in choice.curve:
        if point.suggested:
            # Half an error more than was seen: where few images were, none wrong is not yet perfect.
            share = (point.wrong + 0.5) / (point.suggested + 1) / np.sqrt(_TIMES)
            worth = point.worth * _TIMES
            bound = betaincinv(share * worth + 1, (1 - share) * worth, 1 - delta)
            enough |= bound <= 1 - precision
    return (
        max(10, 10 * round((_TIMES[enough.argmax()] - 1) * labels / 10)) if enough.any() else None
    )


def _point(threshold: float, shown: Bools, wrong: Bools, value: float, delta: float) -> Point:
    suggested, errors = int(shown.sum()), int(wrong.sum())
    share = value / suggested if suggested else 0.0
    bound = error_bound(errors * share, value, delta)
    return Point(threshold, suggested, errors, value, bound, suggested / max(len(shown), 1))
