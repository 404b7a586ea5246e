from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from labeling.annotations.areas import shared
from labeling.annotations.geometry import fault_of
from labeling.annotations.shapes import Polygon
from labeling.assist.detection import (
    FEATURES,
    FRAME,
    MOST_CANDIDATES,
    OF_MASKS,
    Detector,
    agreement,
    apart,
    crops,
    framed,
    matches,
    overlaps,
)
from labeling.assist.models import Scorer, UnfitModel
from labeling.assist.preprocess import SIDE
from tests.red_things import BLUE, RedThings, file_of


@pytest.mark.parametrize(
    ("size", "taken"),
    [
        ((640, 480), (320, 240)),
        ((300, 900), (107, 320)),
        ((8, 6), (320, 240)),
        ((900, 1), (320, 1)),
    ],
)
def test_the_whole_image_is_in_the_frame_without_being_squeezed(
    size: tuple[int, int], taken: tuple[int, int]
) -> None:
    image = framed(file_of(*size))

    assert image.pixels.shape == (FRAME, FRAME, 3)
    assert (image.width, image.height) == taken
    assert (image.pixels[: image.height, : image.width] == BLUE).all()
    assert len(np.unique(image.pixels[image.height :].reshape(-1, 3), axis=0)) <= 1


def test_a_box_is_where_it_was_whatever_way_it_went() -> None:
    image = framed(file_of(1000, 500, (250, 100, 500, 300)))
    box = np.array([[0.25, 0.2, 0.5, 0.6]])

    x0, y0, x1, y1 = image.to_frame(box)[0].round().astype(int)

    assert (image.pixels[y0 + 1 : y1 - 1, x0 + 1 : x1 - 1, 0] > 250).all()
    assert image.pixels[:, : x0 - 1, 0].max() < 120
    assert np.allclose(image.to_image(image.to_frame(box)), box, atol=1e-6)


def test_a_box_across_the_border_ends_there() -> None:
    image = framed(file_of(640, 320))

    assert image.to_image(np.array([[-9.0, 80, 64, 999]])).tolist() == [
        [0, 0.5, pytest.approx(0.2), 1]
    ]


def test_of_boxes_that_overlap_the_best_stays() -> None:
    boxes = np.array([[0, 0, 10, 10], [1, 0, 11, 10], [20, 0, 30, 10], [0, 0, 10, 5.0]])

    assert apart(boxes, np.array([0.5, 0.9, 0.3, 0.4]), 0.5).tolist() == [1, 3, 2]


def test_a_persons_box_makes_one_box_right_and_only_of_its_class() -> None:
    truth = np.array([[0, 0, 10, 10], [20, 0, 30, 10.0]])
    boxes = np.array([[0, 0, 10, 9], [0, 0, 10, 10], [20, 0, 30, 10], [50, 0, 60, 10.0]])
    found = matches(
        overlaps(boxes, truth),
        np.array([0, 0, 1, 0]),
        np.array([0.9, 0.8, 0.7, 0.6]),
        np.array([0, 0]),
        0.5,
    )

    assert found.tolist() == [0, -1, -1, -1]
    assert (
        matches(
            overlaps(boxes[:0], truth), np.zeros(0, int), np.zeros(0), np.array([0, 0]), 0.5
        ).tolist()
        == []
    )


def test_a_crop_shows_the_box_with_some_of_what_is_beside_it_and_grey_beyond_the_border() -> None:
    image = framed(file_of(320, 320, (0, 100, 100, 200)))

    (crop,) = crops(image.pixels, np.array([[0, 100, 100, 200]]))

    assert crop.shape == (SIDE, SIDE, 3)
    assert crop[SIDE // 2, SIDE // 2].tolist() == [255, 0, 0]
    assert crop[SIDE // 2, -3].tolist() == [0, 0, 255]
    assert len(set(crop[SIDE // 2, 3].tolist())) == 1


def test_things_are_found_where_they_are_with_their_class_each_image_its_own() -> None:
    images = [
        framed(file_of(640, 320, (64, 64, 192, 192), (320, 32, 448, 256))),
        framed(file_of(320, 640)),
        framed(file_of(320, 640, (32, 320, 160, 480))),
    ]

    found = Detector(RedThings()).find(images)

    assert [len(one.boxes) for one in found] == [2, 0, 1]
    assert np.allclose(found[2].boxes, [[0.1, 0.5, 0.5, 0.75]], atol=0.02)
    assert (
        overlaps(found[0].boxes, np.array([[0.1, 0.2, 0.3, 0.6], [0.5, 0.1, 0.7, 0.8]]))
        .max(0)
        .min()
        > 0.9
    )
    assert {int(class_) for each in found for class_ in each.classes} == {1}
    assert found[0].features.shape == (2, len(FEATURES))
    assert found[0].scores == pytest.approx([0.9 * 0.8 * 0.8] * 2)


def test_where_polygons_are_drawn_each_thing_has_its_outline_and_features_of_its_mask() -> None:
    images = [framed(file_of(640, 320, (64, 64, 192, 192))), framed(file_of(320, 640))]

    found, nothing = Detector(RedThings(outlines=True)).find(images)

    assert found.areas is not None
    assert nothing.areas is not None
    assert len(nothing.areas) == 0
    assert shared(found.areas.tolist(), [shapely.box(0.1, 0.2, 0.3, 0.6)])[0, 0] > 0.95
    assert np.allclose(found.boxes, [[0.1, 0.2, 0.3, 0.6]], atol=0.01)
    assert found.features.shape[1] == nothing.features.shape[1] == len(FEATURES) + len(OF_MASKS)
    drawn = found.geometry(0)
    assert fault_of(Polygon.model_validate(drawn), 640, 320) is None


def test_polygons_agree_by_what_they_cover_and_not_by_their_boxes() -> None:
    (found,) = Detector(RedThings(outlines=True)).find(
        [framed(file_of(320, 320, (0, 0, 100, 100)))]
    )
    half = shapely.Polygon([(0, 0), (100 / 320, 0), (0, 100 / 320)])
    areas = np.array([half], object)
    triangle = replace(found, areas=areas)

    assert agreement(found, triangle) == pytest.approx(0.5, abs=0.03)
    assert agreement(found, replace(found, areas=None)) == pytest.approx(1)


def test_a_mask_of_nothing_is_no_thing() -> None:
    class Blind(RedThings):
        def refine(self, maps, boxes):
            refined = super().refine(maps, boxes)
            return replace(refined, masks=np.zeros_like(refined.masks))

    (found,) = Detector(Blind(outlines=True)).find([framed(file_of(640, 320, (64, 64, 192, 192)))])

    assert len(found.boxes) == 0


def test_the_scorer_has_the_last_word() -> None:
    weight = [0.0] * len(FEATURES)
    scorer = Scorer(mean=weight, scale=[1.0] * len(FEATURES), weight=weight, bias=2.0)

    (found,) = Detector(RedThings(), scorer).find([framed(file_of(640, 320, (64, 64, 192, 192)))])

    assert found.scores == pytest.approx([1 / (1 + np.exp(-2))])


@given(st.data())
@settings(max_examples=40)
def test_crops_of_what_can_not_be_suggested_are_not_looked_at_and_all_else_is_as_without(
    data: st.DataObject,
) -> None:
    numbers = st.floats(-2, 2, width=16)
    weight = data.draw(st.lists(numbers, min_size=len(FEATURES), max_size=len(FEATURES)))
    bias, least = data.draw(numbers), data.draw(st.floats(0, 1))
    zeros = [0.0] * len(FEATURES)
    scorer = Scorer(mean=zeros, scale=[1.0] * len(FEATURES), weight=weight, bias=bias)
    image = framed(file_of(640, 320, (64, 64, 192, 192), (320, 32, 330, 42)))
    seen = Counting()

    (every,) = Detector(RedThings(), scorer).find([image])
    (some,) = Detector(seen, scorer).find([image], least)

    sure = every.scores >= least
    assert some.scores[some.scores >= least].tolist() == every.scores[sure].tolist()
    assert some.boxes[some.scores >= least].tolist() == every.boxes[sure].tolist()
    assert seen.crops == len(some.scores)


def test_where_nothing_can_be_suggested_no_crop_is_looked_at() -> None:
    weight = [0.0] * len(FEATURES)
    scorer = Scorer(mean=weight, scale=[1.0] * len(FEATURES), weight=weight, bias=-2.0)
    seen = Counting()

    (found,) = Detector(seen, scorer).find([framed(file_of(640, 320, (64, 64, 192, 192)))], 0.5)

    assert len(found.boxes) == 0
    assert seen.crops == 0


class Counting(RedThings):
    """Counts the crops that were looked at."""

    crops = 0

    def classify(self, pixels: np.ndarray) -> np.ndarray:
        self.crops += len(pixels)
        return super().classify(pixels)


def test_hundreds_of_things_are_found_up_to_the_most_that_are_looked_at() -> None:
    boxes = [(at, 0, at + 2, 200) for at in range(0, 320, 3)]

    (found,) = Detector(RedThings(off=0)).find(
        [framed(file_of(320, 320, *boxes[:MOST_CANDIDATES]))]
    )

    assert len(found.boxes) == MOST_CANDIDATES


def test_a_network_that_gives_no_numbers_is_refused_in_words() -> None:
    image = framed(file_of(640, 320, (64, 64, 192, 192)))

    with pytest.raises(UnfitModel, match="what is no number; train again"):
        Detector(RedThings(value=float("nan"))).find([image])


def test_no_box_is_smaller_than_a_pixel_of_a_tiny_image() -> None:
    (found,) = Detector(RedThings()).find([framed(file_of(8, 4, (2, 1, 3, 2), (5, 1, 7, 3)))])

    assert ((found.boxes[:, 2:] - found.boxes[:, :2]) * [8, 4]).min() >= 1
    assert len(found.boxes) >= 1
