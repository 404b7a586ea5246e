from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from labeling.annotations.shapes import Annotation, Box, Polygon
from labeling.errors import faults_of
from tests.world import box

SQUARE = [[0.1, 0.1], [0.5, 0.1], [0.5, 0.5]]


@pytest.mark.parametrize(
    ("corners", "pointer"),
    [
        ({"x0": -0.01}, "/x0"),
        ({"y1": 1.000001}, "/y1"),
        ({"x1": float("nan")}, "/x1"),
        ({"x1": float("inf")}, "/x1"),
        ({"x1": 0.1}, ""),
        ({"x1": 0.05}, ""),
        ({"y1": 0.1 + 1e-13}, ""),
        ({"x0": "left"}, "/x0"),
        ({"x0": None}, "/x0"),
        ({"angle": 3}, "/angle"),
    ],
)
def test_a_box_outside_the_image_or_without_area_is_refused_where_it_is_wrong(
    corners: dict[str, Any], pointer: str
) -> None:
    with pytest.raises(ValidationError) as refused:
        Box.model_validate({**box()["geometry"], **corners})

    assert faults_of(refused.value)[0].pointer == pointer


def test_a_box_may_be_the_whole_image() -> None:
    assert Box(x0=0, y0=0, x1=1, y1=1).area == 1


def test_a_coordinate_keeps_all_its_bits() -> None:
    third = 0.1 + 0.2

    kept = Box.model_validate_json(Box(x0=0.1, y0=0.1, x1=third, y1=1 / 3).model_dump_json())

    assert (kept.x1, kept.y1) == (third, 1 / 3)


@pytest.mark.parametrize(
    ("parts", "pointer"),
    [
        ([], "/parts"),
        ([{"outer": SQUARE[:2]}], "/parts/0/outer"),
        ([{"outer": [[0.1, 0.1], [0.2, 0.2], [0.3, 0.3]]}], "/parts/0"),
        ([{"outer": [*SQUARE, [0.1, 1.5]]}], "/parts/0/outer/3/1"),
        ([{"outer": SQUARE}, {"outer": SQUARE, "holes": [SQUARE[:1]]}], "/parts/1/holes/0"),
        ([{"outer": SQUARE, "hole": []}], "/parts/0/hole"),
    ],
)
def test_a_polygon_that_encloses_nothing_is_refused_where_it_is_wrong(
    parts: list[Any], pointer: str
) -> None:
    with pytest.raises(ValidationError) as refused:
        Polygon.model_validate({"kind": "polygon", "parts": parts})

    assert faults_of(refused.value)[0].pointer == pointer


def test_a_polygon_has_parts_and_each_part_has_holes() -> None:
    hole = [[0.2, 0.15], [0.4, 0.15], [0.4, 0.3]]

    polygon = Polygon.model_validate({"parts": [{"outer": SQUARE, "holes": [hole]}] * 2})

    assert [len(part.holes) for part in polygon.parts] == [1, 1]


@pytest.mark.parametrize(
    ("more", "pointer"),
    [
        ({"geometry": {"kind": "circle"}}, "/geometry"),
        ({"geometry": {}}, "/geometry"),
        ({"geometry": None}, "/geometry"),
        ({"annotation_id": "a b"}, "/annotation_id"),
        ({"annotation_id": "x" * 65}, "/annotation_id"),
        ({"frame": -1}, "/frame"),
        ({"confidence": 1}, "/confidence"),
        ({"geometry": {"kind": "box", "x0": 2, "y0": 0, "x1": 1, "y1": 1}}, "/geometry/x0"),
    ],
)
def test_an_annotation_of_another_form_is_refused_where_it_is_wrong(
    more: dict[str, Any], pointer: str
) -> None:
    with pytest.raises(ValidationError) as refused:
        Annotation.model_validate({"annotation_id": "a1", "class_id": "c1", **more})

    assert faults_of(refused.value)[0].pointer == pointer
