from __future__ import annotations

from typing import Any

import pytest

from labeling.annotations.acceptance import Prelabel, compare
from labeling.annotations.shapes import Annotation, Polygon
from labeling.assist.mending import Mending, Shapes, move

BOX = {"kind": "box", "x0": 0.1, "y0": 0.1, "x1": 0.5, "y1": 0.5}
WIDER = {**BOX, "x1": 0.6}
TRIANGLE = {"kind": "polygon", "parts": [{"outer": [(0.0, 0.0), (0.5, 0.0), (0.0, 0.5)]}]}


def said(*shapes: dict[str, Any]) -> Prelabel:
    annotations = [
        {"annotation_id": f"p{n}", "class_id": "c1", "geometry": shape}
        for n, shape in enumerate(shapes)
    ]
    return Prelabel.model_validate({"run_id": "r", "annotations": annotations})


def submitted(*shapes: dict[str, Any], made_of: str | None = None) -> list[Annotation]:
    origin = made_of and {"prelabel": made_of}
    return [
        Annotation.model_validate(
            {"annotation_id": f"a{n}", "class_id": "c1", "geometry": shape, "origin": origin}
        )
        for n, shape in enumerate(shapes)
    ]


def counted(shapes: list[Annotation], suggested: Prelabel) -> Shapes | None:
    mending = Mending()
    credited, _ = compare(shapes, suggested)
    mending.add(credited, suggested, (200, 100))
    assert mending.classes().get("c1") == mending.everything()
    return mending.everything()


def test_a_shape_left_as_it_was_is_kept_and_one_drawn_beside_it_is_added() -> None:
    other = {**BOX, "x0": 0.7, "x1": 0.9}

    assert counted(submitted(BOX, other), said(BOX)) == Shapes(kept=1, added=1)


def test_a_shape_that_is_gone_is_removed() -> None:
    assert counted([], said(BOX, WIDER)) == Shapes(removed=2)


def test_a_shape_that_was_dragged_says_how_far_it_was_off() -> None:
    found = counted(submitted(WIDER, made_of="p0"), said(BOX))

    assert found == Shapes(mended=1, overlap=0.8, moved_px=20, points=1)


def test_a_shape_of_another_class_is_mended_and_was_not_off() -> None:
    (one,) = submitted(BOX, made_of="p0")

    found = counted([one.model_copy(update={"class_id": "c2"})], said(BOX))

    assert found == Shapes(mended=1)


def test_where_nothing_was_suggested_there_is_nothing_to_say() -> None:
    assert counted(submitted(BOX), said()) is None


@pytest.mark.parametrize(
    ("outer", "points"),
    [
        ([(0.0, 0.0), (0.5, 0.0), (0.0, 0.4)], 1),
        ([(0.0, 0.0), (0.5, 0.0), (0.4, 0.4), (0.0, 0.5)], 1),
        ([(0.0, 0.0), (0.6, 0.0), (0.0, 0.4)], 2),
    ],
)
def test_points_of_an_outline_that_were_set_anew_are_counted(outer: Any, points: int) -> None:
    before = Polygon.model_validate(TRIANGLE)
    after = Polygon.model_validate({"kind": "polygon", "parts": [{"outer": outer}]})

    found = move(before, after, (100, 100))

    assert found
    overlap, moved_px, anew = found
    assert anew == points
    assert 0.5 < overlap < 1
    assert moved_px > 5
    assert move(before, before, (100, 100)) is None
