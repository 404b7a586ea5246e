from __future__ import annotations

import json
from typing import Any

import numpy as np
import pycocotools.mask
import pytest
from hypothesis import given
from hypothesis import strategies as st

from labeling.errors import Invalid
from labeling.exchange.formats import guessed
from labeling.exchange.formats.coco import COCO
from labeling.exchange.formats.format import Remark, Shape
from labeling.exchange.formats.masks import decoded, outlines
from tests.labeling.exchange.formats.any_file import brought, packed, read, shapes_of

masks: Any = pycocotools.mask

IMAGES = [{"id": 7, "file_name": "birds/owl.jpg", "width": 100, "height": 50}]
CATEGORIES = [{"id": 3, "name": "owl"}]


def coco(*annotations: dict[str, Any], images: Any = IMAGES) -> dict[str, Any]:
    said = [
        {"id": n, "image_id": 7, "category_id": 3, **annotation}
        for n, annotation in enumerate(annotations)
    ]
    return {"annotations": said, "images": images, "categories": CATEGORIES}


def test_boxes_and_outlines_are_in_pixels_and_tags_have_no_place() -> None:
    square = [10, 10, 20, 10, 20, 20, 10, 20]
    file = brought(
        "a.json",
        coco(
            {"bbox": [10, 20, 30, 5]},
            {"segmentation": [square, [0, 0, 5, 0, 5, 5]], "score": 0.5},
            {},
        ),
    )

    described, remarks = read(COCO, file)

    assert not remarks
    assert {(one.path, one.width, one.height, one.in_pixels) for one in described} == {
        ("birds/owl.jpg", 100.0, 50.0, True)
    }
    assert [shape for one in described for shape in one.shapes] == [
        Shape("owl", (10, 20, 40, 25)),
        Shape(
            "owl",
            parts=[
                ([(10, 10), (20, 10), (20, 20), (10, 20)], []),
                ([(0, 0), (5, 0), (5, 5)], []),
            ],
            confidence=0.5,
        ),
        Shape("owl"),
    ]


def test_an_image_without_annotations_is_told_of_too() -> None:
    assert shapes_of(COCO, brought("a.json", coco())) == {"owl.jpg": []}


def test_what_azure_exports_has_fractions() -> None:
    image = {"id": 7, "file_name": "owl.jpg", "width": 0.0, "height": 0.0}
    azure = [{**image, "coco_url": "AmlDatastore://birds/owl.jpg"}]
    described, _ = read(COCO, brought("a.json", coco({"bbox": [0.1, 0.1, 0.2, 0.3]}, images=azure)))

    assert [one.in_pixels for one in described if one.shapes] == [False]


@pytest.mark.parametrize(
    "address",
    [
        {"coco_url": "AmlDatastore://birds/owl.jpg"},
        {"coco_url": "azureml://subscriptions/s/datastores/d/paths/owl.jpg"},
        {"absolute_url": "https://account.blob.core.windows.net/birds/owl.jpg"},
    ],
)
def test_a_fraction_that_was_rounded_up_is_one_still(address: dict[str, str]) -> None:
    images = [{"id": 7, "file_name": "owl.jpg", "width": 640, "height": 480, **address}]
    file = coco(
        {"bbox": [0.33334, 0.5, 0.66667, 0.5]},  # in five decimals, as its documentation has it
        {"segmentation": [[0.0, 0.0, 1.0000001, 0.0, 1.0, 1.0]]},
        {"bbox": [10, 20, 30, 5]},
        {"bbox": [0.25, 0.5, 0.5, 0.5], "segmentation": {"size": [480, 640], "counts": [240, 240]}},
        {"bbox": [0, 240, 1, 240], "segmentation": {"size": [480, 640], "counts": [240, 240]}},
        images=images,
    )

    described, _ = read(COCO, brought("a.json", file))

    told = [(one.in_pixels, one.shapes[0].parts) for one in described if one.shapes]
    assert [in_pixels for in_pixels, _ in told] == [False, False, True, False, True]
    xs = [sorted({x for outer, _ in parts for x, _ in outer}) for _, parts in told[-2:]]
    assert xs == [[0.0, 1 / 640], [0.0, 1.0]]


def test_what_makes_no_sense_is_told_and_the_rest_is_read() -> None:
    file = brought(
        "a.json",
        coco(
            {"bbox": [1, 2, 3]},
            {"bbox": [1, 2, 3, 4], "image_id": 8},
            {"bbox": [1, 2, 3, 4], "category_id": 4},
            {"bbox": [1, 2, 3, 4], "iscrowd": 1},
            {"segmentation": [[1, 2, 3, 4]]},
            {"segmentation": {"size": [9, 9], "counts": [81]}},
        ),
    )

    described, remarks = read(COCO, file)

    assert [len(one.shapes) for one in described] == [0, 1]
    assert remarks == [
        Remark("unreadable_shape", "birds/owl.jpg: annotation 0"),
        Remark("no_such_image", "annotation 1"),
        Remark("no_such_class", "birds/owl.jpg: category 4"),
        Remark("crowd", "birds/owl.jpg: annotation 3"),
        Remark("unreadable_shape", "birds/owl.jpg: annotation 4"),
        Remark("unreadable_shape", "birds/owl.jpg: annotation 5"),
    ]


def test_results_without_their_images_are_refused() -> None:
    with pytest.raises(Invalid, match="no list of images"):
        read(COCO, brought("a.json", {"annotations": []}))


def test_archives_of_json_files_are_read_whole() -> None:
    one = json.dumps(coco({"bbox": [1, 2, 3, 4]}))
    archive = packed(
        {"annotations/train.json": one, "annotations/val.json": one, "__MACOSX/a.json": ""}
    )

    assert len(shapes_of(COCO, archive)["owl.jpg"]) == 2
    assert guessed(archive) is COCO
    assert guessed(brought("a.json", one)) is COCO
    assert guessed(brought("a.json", "[1, 2]")) is not COCO


@given(st.integers(1, 7), st.integers(1, 7), st.data())
def test_a_mask_is_outlined_to_the_pixel(width: int, height: int, data: st.DataObject) -> None:
    inside = data.draw(st.lists(st.booleans(), min_size=width * height, max_size=width * height))
    mask = np.array(inside, dtype=np.uint8).reshape(height, width)
    rle = masks.encode(np.asfortranarray(mask))

    parts = outlines(decoded(rle["counts"]), height)

    filled = np.zeros_like(mask)
    for y in range(height):
        for x in range(width):
            rings = [ring for outer, holes in parts for ring in (outer, *holes)]
            filled[y, x] = sum(_left_of(ring, x + 0.5, y + 0.5) for ring in rings) % 2
    assert np.array_equal(filled, mask)


def _left_of(ring: list[tuple[float, float]], x: float, y: float) -> int:
    """How many edges of a ring a ray to the left crosses."""
    return sum(
        (y0 > y) != (y1 > y) and x0 + (y - y0) * (x1 - x0) / (y1 - y0) < x
        for (x0, y0), (x1, y1) in zip(ring, ring[1:] + ring[:1], strict=True)
    )
