"""Cohen's kappa is that of the library, its interval that of the delta method, and nothing divides by zero."""

from __future__ import annotations

import warnings
from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import cohen_kappa_score

from labeling.annotations.shapes import Annotation, TaskType
from labeling.quality.agreement import Z95
from labeling.quality.kappa import compared, kappa, word_for
from tests.world import box, tag

CLASSES = "abc"
ANSWERS = st.lists(
    st.tuples(st.sampled_from(CLASSES), st.sampled_from(CLASSES)), min_size=1, max_size=60
)


@given(ANSWERS)
def test_kappa_is_that_of_the_library(answers: list[tuple[str, str]]) -> None:
    found = kappa(Counter(answers))

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it warns where it divides by zero
        known = cohen_kappa_score([a for a, _ in answers], [b for _, b in answers])
    if found.kappa is None:
        assert np.isnan(known) or len({name for pair in answers for name in pair}) == 1
        return
    assert found.kappa == pytest.approx(known, abs=1e-4)


@given(st.lists(st.integers(1, 40), min_size=9, max_size=9))
def test_the_interval_is_what_the_delta_method_says(counts: list[int]) -> None:
    cells = [(a, b) for a in CLASSES for b in CLASSES]
    shares = np.array(counts) / sum(counts)

    found = kappa(dict(zip(cells, counts, strict=True)))

    def of(p: np.ndarray) -> float:
        table = p.reshape(3, 3) / p.sum()
        chance = float(table.sum(0) @ table.sum(1))
        return (float(np.trace(table)) - chance) / (1 - chance)

    step = 1e-6
    slopes = np.array(
        [(of(shares + step * one) - of(shares - step * one)) / (2 * step) for one in np.eye(9)]
    )
    spread = float(shares @ slopes**2 - (shares @ slopes) ** 2)
    half = Z95 * np.sqrt(max(0.0, spread) / sum(counts))
    value = of(shares)
    assert found.low == pytest.approx(max(-1.0, value - half), abs=2e-4)
    assert found.high == pytest.approx(min(1.0, value + half), abs=2e-4)


@pytest.mark.parametrize("table", [{}, {("a", "a"): 7}])
def test_who_said_nothing_or_one_thing_alone_has_no_kappa(
    table: dict[tuple[str, str], int],
) -> None:
    assert kappa(table).kappa is None


def test_who_never_says_what_the_other_says_agrees_less_than_chance() -> None:
    assert kappa({("a", "b"): 5, ("b", "a"): 5}).kappa == -1


def test_words_are_those_of_landis_and_koch() -> None:
    words = [word_for(value) for value in (-0.1, 0.0, 0.2, 0.21, 0.5, 0.8, 0.81)]

    assert words == [
        *("poor", "slight", "slight", "fair", "moderate", "substantial", "almost_perfect")
    ]


@pytest.mark.parametrize(
    ("task_type", "one", "other", "found"),
    [
        ("multiclass", [tag("a")], [tag("b")], {("a", "b"): 1}),
        (
            "multilabel",
            [tag("a"), tag("b", "2")],
            [tag("a")],
            {("yes", "yes"): 1, ("yes", "no"): 1, ("no", "no"): 1},
        ),
        ("multilabel", [], [], {("no", "no"): 3}),
        (
            "boxes",
            [box()],
            [box(0.12), {**box(0.6, 0.6, 0.9, 0.9), "annotation_id": "2"}],
            {("c1", "c1"): 1},
        ),
        ("boxes", [], [], {}),
    ],
)
def test_what_is_compared_is_what_both_could_say(
    task_type: TaskType, one: list[object], other: list[object], found: dict[tuple[str, str], int]
) -> None:
    mine, theirs = ([Annotation.model_validate(each) for each in them] for them in (one, other))

    assert compared(task_type, mine, theirs, CLASSES, 0.5).answers == found


@pytest.mark.parametrize(
    ("task_type", "one", "other", "found"),
    [
        ("multiclass", [tag("a")], [tag("a")], {}),
        ("multiclass", [tag("a")], [tag("b")], {("a", "b"): 1}),
        (
            "multilabel",
            [tag("a"), tag("b", "2")],
            [tag("a"), tag("c", "2")],
            {("b", ""): 1, ("", "c"): 1},
        ),
        (
            "boxes",
            [box(), {**box(0.6, 0.6, 0.9, 0.9), "annotation_id": "2"}],
            [
                {**box(0.12), "class_id": "c2"},
                {**box(0.6, 0.1, 0.9, 0.3), "class_id": "c3", "annotation_id": "2"},
            ],
            {("c1", "c2"): 1, ("c1", ""): 1, ("", "c3"): 1},
        ),
    ],
)
def test_what_two_people_say_apart_is_told_by_class_also_where_one_says_nothing(
    task_type: TaskType, one: list[object], other: list[object], found: dict[tuple[str, str], int]
) -> None:
    mine, theirs = ([Annotation.model_validate(each) for each in them] for them in (one, other))

    assert compared(task_type, mine, theirs, CLASSES, 0.5).apart == found
