from __future__ import annotations

from collections import Counter

import krippendorff
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest

from labeling.annotations.shapes import Annotation, Box
from labeling.quality.agreement import (
    Compared,
    compared_shapes,
    compared_tags,
    nominal,
    wilson,
    yes_or_no,
)
from labeling.quality.shapes import same_things

CLASSES = "abc"
MISSING = st.none()
TABLE = st.lists(
    st.lists(st.one_of(MISSING, st.sampled_from(CLASSES)), min_size=3, max_size=3),
    min_size=2,
    max_size=30,
)


def added(images: list[Compared]) -> tuple[int, Counter[str], Counter[str]]:
    every, same = Counter[str](), Counter[str]()
    for compared in images:
        every.update(compared.all)
        same.update(compared.same)
    return sum(compared.values for compared in images), every, same


def image(row: list[str | None]) -> Compared:
    said = [{(0, name)} for name in row if name]
    return compared_tags(said, [f"p{number}" for number in range(len(said))])


@given(TABLE)
def test_alpha_of_one_class_is_that_of_the_library(table: list[list[str | None]]) -> None:
    _, every, same = added([image(row) for row in table])
    numbers = [[np.nan if one is None else CLASSES.index(one) for one in row] for row in table]

    found = nominal(every, same).alpha

    if found is None:
        assert len(every) < 2
        return
    known = krippendorff.alpha(np.array(numbers).T, level_of_measurement="nominal")
    assert found == pytest.approx(known, abs=1e-3)


@given(TABLE, st.sampled_from(CLASSES))
def test_alpha_of_saying_a_class_or_not_is_that_of_the_library(
    table: list[list[str | None]], name: str
) -> None:
    values, every, same = added([image(row) for row in table])
    numbers = [[np.nan if one is None else float(one == name) for one in row] for row in table]

    found = yes_or_no(values, {name: every[name]}, {name: same[name]}).alpha

    if found is None:
        assert every[name] in (0, values)
        return
    known = krippendorff.alpha(np.array(numbers).T, level_of_measurement="nominal")
    assert found == pytest.approx(known, abs=1e-3)


@given(st.integers(1, 500), st.data())
def test_the_interval_of_a_share_is_that_of_the_library(of: int, data: st.DataObject) -> None:
    count = data.draw(st.integers(0, of))

    known = binomtest(count, of).proportion_ci(method="wilson")

    assert wilson(count / of, of) == pytest.approx((known.low, known.high), abs=1e-9)


def test_the_interval_of_alpha_holds_it_and_narrows_with_more_images() -> None:
    rows: list[list[str | None]] = [["a", "a"], ["b", "b"], ["a", "b"]]
    few, many = (nominal(*added([image(row) for row in rows * n])[1:]) for n in (4, 400))

    for coefficient in (few, many):
        assert (coefficient.low or 1) < (coefficient.alpha or 0) < (coefficient.high or 0)
    assert (many.high or 0) - (many.low or 0) < 0.2 * ((few.high or 0) - (few.low or 0))


@pytest.mark.parametrize("rows", [[], [["a", "a"]] * 9, [["a", None]]], ids=["none", "same", "one"])
def test_where_agreement_can_t_be_told_from_chance_there_is_no_number(
    rows: list[list[str | None]],
) -> None:
    _, every, same = added([image(row) for row in rows])

    assert nominal(every, same).alpha is None


def test_people_who_say_the_same_of_an_image_agree_and_the_odd_one_does_not() -> None:
    said = [{(0, "a"), (0, "b")}, {(0, "b"), (0, "a")}, {(0, "a")}]

    found = compared_tags(said, ["ada", "ben", "eve"])

    assert found.people == {"ada": (1, 2), "ben": (1, 2), "eve": (0, 2)}


def boxes(*shapes: tuple[str, float]) -> list[Annotation]:
    return [
        Annotation(
            annotation_id=f"a{at}", class_id=name, geometry=Box(x0=x, y0=0.1, x1=x + 0.1, y1=0.3)
        )
        for at, (name, x) in enumerate(shapes)
    ]


def test_shapes_are_compared_where_they_match_and_missed_where_somebody_has_none() -> None:
    people = [boxes(("a", 0.1), ("b", 0.5)), boxes(("a", 0.1)), boxes(("a", 0.11))]

    found = compared_shapes(same_things(people, 0.5), ["ada", "ben", "eve"])

    assert found.found == {"a": (6, 6), "b": (0, 2)}
    assert found.iou[1] == 3
    assert found.people == {"ada": (4, 6), "ben": (4, 5), "eve": (4, 5)}


def test_an_image_without_shapes_divides_by_nothing() -> None:
    found = compared_shapes([], ["ada", "ben"])

    assert found.people == {"ada": (0, 0), "ben": (0, 0)}
    assert nominal(found.all, found.same).alpha is None
