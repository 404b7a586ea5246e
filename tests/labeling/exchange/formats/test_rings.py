from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from PIL import Image, ImageDraw

from labeling.annotations.shapes import Part, Point, Polygon, ring_area
from labeling.exchange.formats.rings import as_one, with_seams
from tests.labeling.exchange.formats.any_labels import rectangles


def area(shape: Polygon) -> float:
    return sum(ring_area(part.outer) - sum(map(ring_area, part.holes)) for part in shape.parts)


@given(rectangles())
def test_a_ring_with_seams_has_the_area_of_its_part(shape: Polygon) -> None:
    for part in shape.parts:
        assert ring_area(with_seams(part)) == pytest.approx(area(Polygon(parts=[part])))
    assert ring_area(as_one(shape.parts)) == pytest.approx(area(shape))


@given(rectangles())
def test_a_ring_goes_through_the_points_of_its_parts_and_no_others(shape: Polygon) -> None:
    rings = [ring for part in shape.parts for ring in (part.outer, *part.holes)]

    assert set(as_one(shape.parts)) == {point for ring in rings for point in ring}


def test_an_outline_without_holes_stays_as_it_was_drawn() -> None:
    drawn: list[Point] = [(0, 0), (0, 1), (1, 1)]

    assert as_one([Part(outer=drawn)]) == with_seams(Part(outer=drawn)) == drawn


@given(rectangles())
def test_whoever_fills_the_ring_fills_the_parts_and_not_the_holes(shape: Polygon) -> None:
    def filled(*rings: list[Point]) -> np.ndarray:
        image = Image.new("1", (400, 400))
        draw = ImageDraw.Draw(image)
        for ring in rings:
            draw.polygon([(x * 400, y * 400) for x, y in ring], fill=1)
        return np.asarray(image)

    parts = filled(*(part.outer for part in shape.parts))
    holes = filled(*(hole for part in shape.parts for hole in part.holes))

    # Pillow fills the pixels of the outline as well, and so those of the seams.
    assert (filled(as_one(shape.parts)) != (parts & ~holes)).mean() < 0.02
