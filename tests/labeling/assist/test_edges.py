from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import shapely
from PIL import Image, ImageDraw

from labeling.annotations.areas import area_of, polygon_of, shared
from labeling.annotations.geometry import fault_of
from labeling.assist.edges import to_edges

SIZE = (640, 480)
ROUGH = np.random.default_rng(3)
DISC = shapely.Point(320, 240).buffer(100)


def photo(thing: Any = DISC, *, of: str = "firebrick", on: str = "seagreen") -> Image.Image:
    """A thing of one colour on another, with the noise of a camera; its holes show what is behind it."""
    image = Image.new("RGB", SIZE, on)
    draw = ImageDraw.Draw(image)
    draw.polygon(list(thing.exterior.coords), fill=of)
    for hole in thing.interiors:
        draw.polygon(list(hole.coords), fill=on)
    noisy = np.asarray(image, float) + ROUGH.normal(0, 12, (*SIZE[::-1], 3))
    return Image.fromarray(noisy.clip(0, 255).astype(np.uint8))


def in_fractions(area: Any) -> Any:
    return shapely.transform(area, lambda at: at / SIZE)


def near(area: Any, other: Any) -> float:
    return float(shared([area], [in_fractions(other)])[0, 0])


@pytest.mark.parametrize("off", [-3, 3])
def test_an_outline_too_small_or_too_large_is_laid_to_the_edge(off: int) -> None:
    rough = in_fractions(DISC.buffer(off))

    assert near(rough, DISC) < 0.95
    assert near(to_edges(photo(), rough), DISC) > 0.97


def test_the_hole_of_a_ring_stays() -> None:
    ring = shapely.difference(DISC, shapely.Point(320, 240).buffer(50))

    found = to_edges(photo(ring), in_fractions(ring.buffer(3)))

    assert near(found, ring) > 0.95
    assert len(polygon_of(found).parts[0].holes) == 1


def test_where_the_image_shows_no_edge_the_outline_stays_as_it_was() -> None:
    rough = in_fractions(shapely.box(250, 180, 330, 300))

    assert near(to_edges(photo(of="grey", on="grey"), rough), shapely.box(250, 180, 330, 300)) > 0.5


@pytest.mark.parametrize(
    "area",
    [shapely.box(0, 0, 640, 480), shapely.box(10, 10, 12, 11), shapely.box(638, 0, 640, 480)],
)
def test_an_image_filled_by_a_thing_or_a_thing_of_some_pixels_has_an_outline_that_can_be_submitted(
    area: Any,
) -> None:
    polygon = polygon_of(to_edges(photo(), in_fractions(area)))

    assert fault_of(polygon, SIZE[0], SIZE[1]) is None
    assert near(area_of(polygon), area) >= 0.5


def test_the_same_question_has_the_same_answer() -> None:
    # GrabCut clusters colours by chance, which shows where many are on both sides (opencv 5.0.0.93).
    patches = Image.fromarray(ROUGH.integers(0, 255, (12, 16, 3), np.uint8))
    image = patches.resize(SIZE, Image.Resampling.NEAREST)
    rough = in_fractions(DISC)

    first, *others = [to_edges(image, rough) for _ in range(4)]

    assert all(other.equals(first) for other in others)
