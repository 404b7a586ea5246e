"""The threshold keeps its word: simulated labels, where the truth is known exactly."""

import numpy as np
import pytest
from numpy.typing import NDArray

from gpu_jobs.threshold import (
    GRID,
    budget,
    choose,
    correlation,
    error_bound,
    labels_missing,
    needed,
    worth,
)

TARGET, DELTA = 0.95, 0.1


def simulated(
    random: np.random.Generator, n: int, *, groups: int | None = None
) -> tuple[NDArray[np.float64], NDArray[np.bool_], NDArray[np.int64]]:
    """Confidences that mean what they say; images of one group are right or wrong together."""
    group = np.arange(n) if groups is None else random.integers(groups, size=n)
    chance = 1 / (1 + np.exp(-random.normal(2.5, 1.5, group.max() + 1)))
    luck = random.random(group.max() + 1)
    return chance[group], (luck < chance)[group], group


def true_precision(threshold: float) -> float:
    chance, _, _ = simulated(np.random.default_rng(99), 400_000)
    return float(chance[chance >= threshold].mean())


@pytest.fixture(scope="module")
def precision_at() -> dict[float, float]:
    return {threshold: true_precision(threshold) for threshold in GRID}


def test_the_bound_knows_the_ends_where_the_distribution_has_none() -> None:
    assert error_bound(0, 45, 0.1) == pytest.approx(0.0499, abs=1e-4)
    assert error_bound(5, 5, 0.1) == 1.0
    assert error_bound(0, 0, 0.1) == 1.0
    assert [needed(k, 0.05, 0.1) for k in (0, 1, 2)] == [45, 77, 105]


def test_all_trainings_of_a_project_together_stay_within_its_confidence() -> None:
    spent = [budget(0.9, k) for k in range(5000)]
    assert sum(spent) < 0.1
    assert sum(spent) == pytest.approx(0.1, rel=1e-3)
    assert spent == sorted(spent, reverse=True)


@pytest.mark.parametrize(("n", "groups"), [(150, None), (300, None), (1000, None), (600, 250)])
def test_precision_falls_below_the_target_in_at_most_a_tenth_of_the_samples(
    n: int, groups: int | None, precision_at: dict[float, float]
) -> None:
    random = np.random.default_rng(5)
    below = 0
    for _ in range(400):
        confidence, right, group = simulated(random, n, groups=groups)
        chosen = choose(confidence, right, group, precision=TARGET, delta=DELTA).chosen
        below += chosen is not None and precision_at[chosen.threshold] < TARGET
    assert below / 400 <= 0.1


def test_taking_the_images_of_a_group_for_independent_would_break_the_promise(
    precision_at: dict[float, float],
) -> None:
    random = np.random.default_rng(6)
    below = 0
    for _ in range(400):
        confidence, right, _group = simulated(random, 600, groups=60)
        alone = np.arange(600)
        chosen = choose(confidence, right, alone, precision=TARGET, delta=DELTA).chosen
        below += chosen is not None and precision_at[chosen.threshold] < TARGET
    assert below / 400 > 0.1


def test_a_threshold_taken_from_the_observed_precision_alone_breaks_the_promise(
    precision_at: dict[float, float],
) -> None:
    random = np.random.default_rng(7)
    below = 0
    for _ in range(200):
        confidence, right, group = simulated(random, 300)
        curve = choose(confidence, right, group, precision=TARGET, delta=DELTA).curve
        naive = [p.threshold for p in curve if p.suggested and p.precision >= TARGET]
        below += bool(naive) and precision_at[min(naive)] < TARGET
    assert below / 200 > 0.3


def test_judging_by_images_first_that_people_agree_about_would_break_the_promise(
    precision_at: dict[float, float],
) -> None:
    """Which is why nothing is preferred that is known by what people said (ADR-0034)."""
    random = np.random.default_rng(8)
    below = {"all": 0, "agreed": 0}
    for _ in range(400):
        confidence, right, group = simulated(random, 600)
        # What is hard for a model is hard for people: of what it has wrong they agree about a half.
        agreed = random.random(600) < np.where(right, 0.95, 0.5)
        for name, judge in (("all", np.full(600, True)), ("agreed", agreed)):
            chosen = choose(
                confidence[judge], right[judge], group[judge], precision=TARGET, delta=DELTA
            ).chosen
            below[name] += chosen is not None and precision_at[chosen.threshold] < TARGET
    assert below["all"] / 400 <= 0.1
    assert below["agreed"] / 400 > 0.5


def test_few_labels_qualify_nothing_and_say_how_many_more_it_takes() -> None:
    confidence = np.full(30, 0.99)
    right = np.ones(30, bool)
    choice = choose(confidence, right, np.arange(30), precision=TARGET, delta=DELTA)
    assert choice.chosen is None
    missing = labels_missing(choice, 30, precision=TARGET, delta=DELTA)
    assert missing is not None
    assert 15 <= missing <= 90


def test_a_model_that_is_never_sure_enough_has_to_become_better_first() -> None:
    random = np.random.default_rng(0)
    right = random.random(500) < 0.6
    choice = choose(np.full(500, 0.6), right, np.arange(500), precision=TARGET, delta=DELTA)
    assert choice.chosen is None
    assert labels_missing(choice, 500, precision=TARGET, delta=DELTA) is None


def test_no_validated_image_at_all_qualifies_nothing() -> None:
    none = np.zeros(0)
    choice = choose(none, none.astype(bool), none.astype(int), precision=TARGET, delta=DELTA)
    assert choice.chosen is None
    assert labels_missing(choice, 0, precision=TARGET, delta=DELTA) is None
    assert all(point.coverage == 0 for point in choice.curve)


def test_a_thousand_copies_of_one_image_are_worth_one() -> None:
    group = np.zeros(1000, int)
    right = np.ones(1000, bool)
    assert worth(group, correlation(~right, group)) == pytest.approx(1, abs=0.01)
    choice = choose(np.full(1000, 0.999), right, group, precision=TARGET, delta=DELTA)
    assert choice.chosen is None


def test_images_that_fail_on_their_own_keep_nearly_all_their_worth_though_they_share_pages() -> (
    None
):
    random = np.random.default_rng(1)
    wrong = random.random(900) < 0.15
    group = np.repeat(np.arange(100), 9)
    assert worth(group, correlation(wrong, group)) > 450
