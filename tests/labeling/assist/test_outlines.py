from __future__ import annotations

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from labeling.annotations.areas import area_of, polygon_of, shared
from labeling.annotations.geometry import fault_of
from labeling.annotations.shapes import Polygon
from labeling.assist.outlines import outline

WINDOW = np.array([40.0, 20, 136, 116])
SIZE = (320, 240)


def disc(radius: float, hole: float = 0.0, side: int = 48) -> np.ndarray:
    """A disc in the middle of a mask, its radii in samples."""
    y, x = np.mgrid[:side, :side] + 0.5
    far = np.hypot(x - side / 2, y - side / 2)
    return np.clip(radius - far + 0.5, 0, 1) * np.clip(far - hole + 0.5, 0, 1)


def test_an_outline_is_where_the_mask_is_and_has_few_points() -> None:
    area = outline(disc(18), WINDOW, SIZE)

    middle = shapely.Point(88, 68).buffer(36)
    assert shared([area], [middle])[0, 0] > 0.96
    assert 8 <= len(shapely.get_coordinates(area)) <= 40


def test_a_hole_is_kept_and_a_speck_of_one_is_not() -> None:
    ring = outline(disc(18, hole=8), WINDOW, SIZE)
    speck = outline(disc(18, hole=0.7), WINDOW, SIZE)

    assert [len(geom.interiors) for geom in ring.geoms] == [1]
    assert [len(geom.interiors) for geom in speck.geoms] == [0]
    assert len(polygon_of(shapely.transform(ring, lambda at: at / SIZE)).parts[0].holes) == 1


def test_two_pieces_are_two_parts_and_specks_beside_them_are_dropped() -> None:
    mask = np.zeros((48, 48))
    mask[4:20, 4:40] = mask[28:44, 4:40] = mask[23:25, 10:12] = 1

    assert len(outline(mask, WINDOW, SIZE).geoms) == 2


def test_a_thing_across_the_border_ends_there() -> None:
    area = outline(disc(18), np.array([-48.0, 180, 48, 276]), SIZE)

    left, top, right, bottom = area.bounds
    assert (left, bottom) == (0, 240)
    assert (top, right) == pytest.approx((192, 36), abs=1)


def test_a_thing_that_fills_the_window_is_all_of_it_but_for_its_corners() -> None:
    area = outline(np.ones((48, 48)), WINDOW, SIZE)

    assert shared([area], [shapely.box(*WINDOW)])[0, 0] > 0.97


@pytest.mark.parametrize("window", [WINDOW, WINDOW + 400])
def test_where_there_is_nothing_there_is_no_outline(window: np.ndarray) -> None:
    mask = np.zeros((48, 48)) if window is WINDOW else np.ones((48, 48))
    assert outline(mask, window, SIZE) is None


def test_a_small_thing_keeps_its_shape() -> None:
    area = outline(disc(18), np.array([10.0, 10, 22, 22]), SIZE)

    assert shared([area], [shapely.Point(16, 16).buffer(4.5)])[0, 0] > 0.9


@settings(max_examples=60)
@given(
    seed=st.integers(0, 10_000),
    fine=st.integers(1, 4),
    far=st.floats(-60, 300),
    size=st.sampled_from([(320, 240), (107, 320), (320, 1)]),
)
def test_whatever_the_mask_its_outline_may_be_submitted(seed, fine, far, size) -> None:
    random = np.random.default_rng(seed)
    mask = np.kron(random.random((48 // (2 * fine), 48 // (2 * fine))), np.ones((fine, fine)))
    area = outline(mask, WINDOW * random.uniform(0.1, 2) + far, size)

    if area is not None and area.area > 1:
        polygon = polygon_of(shapely.transform(area, lambda at: at / size))
        assert fault_of(polygon, 0, 0) is None
        assert shared([area_of(polygon)], [shapely.transform(area, lambda at: at / size)]) > 0.999


def test_an_outline_that_touches_itself_is_measured_like_any() -> None:
    ring = [(0.0, 0.0), (0.5, 0.5), (1.0, 0.0), (1.0, 1.0), (0.5, 0.5), (0.0, 1.0)]
    touching = Polygon.model_validate({"kind": "polygon", "parts": [{"outer": ring}]})

    assert area_of(touching).area == pytest.approx(0.5)
    assert len(polygon_of(area_of(touching)).parts) == 2
