from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from labeling.annotations.merging import remapped
from labeling.annotations.shapes import Annotation
from labeling.annotations.twins import twin_of

CASES = json.loads((Path(__file__).parents[2] / "cases/twins.json").read_text("utf-8"))


def drawn(index: int, shape: dict[str, Any]) -> Annotation:
    about: dict[str, Any] = {"annotation_id": f"a{index}", "class_id": "c1", **shape}
    if "box" in about:
        x0, y0, x1, y1 = about.pop("box")
        geometry: dict[str, Any] = {"kind": "box", "x0": x0, "y0": y0, "x1": x1, "y1": y1}
    else:
        geometry = {"kind": "polygon", "parts": about.pop("parts")}
    return Annotation.model_validate({**about, "geometry": geometry})


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_what_lies_on_another_of_its_class_is_told(case: dict[str, Any]) -> None:
    assert twin_of([drawn(*pair) for pair in enumerate(case["shapes"])]) == case["twin"]


def test_classes_that_become_one_leave_twins_alone_that_were_there_before() -> None:
    place = {"box": [0.1, 0.1, 0.5, 0.5]}
    other = {"box": [0.2, 0.2, 0.5, 0.5]}
    shapes = [place, place, {**other, "class_id": "c2"}, other]

    found = remapped([drawn(*pair) for pair in enumerate(shapes)], {"c2": "c1"})

    assert [annotation.annotation_id for annotation in found] == ["a0", "a1", "a2"]
