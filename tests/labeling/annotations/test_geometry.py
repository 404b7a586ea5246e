from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from labeling.annotations.geometry import fault_of
from labeling.annotations.shapes import Box, Polygon

CASES = json.loads((Path(__file__).parents[2] / "cases/geometry.json").read_text("utf-8"))


def shape(case: dict[str, Any]) -> Box | Polygon:
    if "box" in case:
        x0, y0, x1, y1 = case["box"]
        return Box(x0=x0, y0=y0, x1=x1, y1=y1)
    return Polygon.model_validate({"parts": case["parts"]})


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_a_shape_is_kept_or_refused_at_the_ring_that_is_wrong(case: dict[str, Any]) -> None:
    fault = fault_of(shape(case), *case["size"])

    found = {"code": fault.code, "pointer": fault.pointer} if fault else None
    assert found == case["fault"]


def test_an_image_that_is_not_measured_yet_refuses_rings_but_not_sizes() -> None:
    small = Box(x0=0.5, y0=0.5, x1=0.50001, y1=0.50001)
    bow_tie = Polygon.model_validate(
        {"parts": [{"outer": [(0.1, 0.1), (0.5, 0.5), (0.5, 0.1), (0.1, 0.45)]}]}
    )

    assert fault_of(small, 0, 0) is None
    assert fault_of(bow_tie, 0, 0) is not None


def test_an_outline_of_many_thousand_points_in_a_knot_is_refused_at_once() -> None:
    points = np.random.default_rng(0).random((50_000, 2)).tolist()
    knot = Polygon.model_validate({"parts": [{"outer": points}]})

    start = time.process_time()
    fault = fault_of(knot, 4_000, 3_000)

    assert fault is not None
    assert time.process_time() - start < 10


def test_a_long_smooth_outline_is_kept() -> None:
    turn = np.linspace(0, 2 * np.pi, 20_000, endpoint=False)
    points = np.stack([0.5 + 0.4 * np.cos(turn), 0.5 + 0.3 * np.sin(turn)], 1).tolist()

    assert fault_of(Polygon.model_validate({"parts": [{"outer": points}]}), 4_000, 3_000) is None
