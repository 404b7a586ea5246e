from __future__ import annotations

from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest
from hypothesis import given, settings

from labeling.annotations.shapes import Box, Part, Polygon, Tag
from labeling.exchange.formats import FORMATS
from labeling.exchange.formats.output import Output
from tests.labeling.exchange.formats.any_labels import (
    item,
    labeling,
    rectangles,
    said,
    subject,
    written,
)

CVAT = FORMATS["cvat"]


def shapes(tmp_path: Path, task_type: Any, *annotations: Any) -> list[ElementTree.Element]:
    images = [(item(1, 'a/<1>& "owl".jpg'), labeling(*annotations))]
    tree = ElementTree.parse(
        written(tmp_path, CVAT, subject(task_type), images) / "annotations.xml"
    )
    (image,) = tree.iter("image")
    assert image.attrib == {
        "id": "0",
        "name": 'a/<1>& "owl".jpg',
        "width": "640",
        "height": "480",
    }
    assert [element.findtext("name") for element in tree.iter("label")][:2] == ["yes", "Animal/Cat"]
    return list(image)


def test_boxes_are_their_corners_in_pixels(tmp_path: Path) -> None:
    (box,) = shapes(tmp_path, "boxes", said(Box(x0=0.25, y0=0, x1=1 / 3, y1=1), "c2"))

    assert (box.tag, box.get("label")) == ("box", "Animal/Cat")
    assert [box.get(side) for side in ("xtl", "ytl", "xbr", "ybr")] == [
        "160.00",
        "0.00",
        "213.33",
        "480.00",
    ]


def test_outlines_are_polygons_and_classes_tags(tmp_path: Path) -> None:
    corner = Polygon(parts=[Part(outer=[(0, 0), (0.5, 0), (0, 0.5)])])
    (polygon,) = shapes(tmp_path, "polygons", said(corner))
    (tag,) = shapes(tmp_path, "multiclass", said(Tag(), "c3"))

    assert (polygon.tag, polygon.get("points")) == (
        "polygon",
        "0.00,0.00;320.00,0.00;0.00,240.00",
    )
    assert (tag.tag, tag.get("label")) == ("tag", "001")


def bitmap(mask: ElementTree.Element) -> Any:
    """The pixels of a mask, as CVAT decodes it: row by row, in its window."""
    runs = [int(run) for run in mask.get("rle", "").split(", ")]
    left, top, width, height = (
        int(mask.get(side, "")) for side in ("left", "top", "width", "height")
    )
    flat = np.repeat(np.arange(len(runs)) % 2 == 1, runs)
    found = np.zeros((480, 640), bool)
    found[top : top + height, left : left + width] = flat.reshape(height, width)
    return found


@settings(max_examples=30)
@given(polygon=rectangles())
def test_a_mask_has_the_pixels_of_all_parts_without_those_of_holes(
    tmp_path_factory: pytest.TempPathFactory, polygon: Polygon
) -> None:
    (one,) = shapes(tmp_path_factory.mktemp("cvat"), "polygons", said(polygon))
    if one.tag == "polygon":
        assert len(polygon.parts) == 1
        assert not polygon.parts[0].holes
        return

    found = bitmap(one)

    y, x = np.mgrid[0:480, 0:640]
    middles = np.stack([(x + 0.5) / 640, (y + 0.5) / 480], -1)
    wanted = np.zeros((480, 640), bool)
    for part in polygon.parts:
        (left, top), (right, bottom) = np.min(part.outer, 0), np.max(part.outer, 0)
        wanted |= ((middles > (left, top)) & (middles < (right, bottom))).all(-1)
    off = int((found & ~wanted).sum())
    holes = [hole for part in polygon.parts for hole in part.holes]
    assert off <= 4 * len(polygon.parts) * 1120  # along the edges alone
    for hole in holes:
        middle = np.mean(hole, 0)
        assert not found[int(middle[1] * 480), int(middle[0] * 640)]
    if not holes:
        assert int((wanted & ~found).sum()) <= 4 * len(polygon.parts) * 1120


def test_an_object_smaller_than_a_pixel_is_the_pixel_that_it_is_in(tmp_path: Path) -> None:
    def speck(x: float) -> Part:
        return Part(outer=[(x, 0.5), (x + 1e-5, 0.5), (x, 0.50001)])

    (one,) = shapes(tmp_path, "polygons", said(Polygon(parts=[speck(0.5), speck(0.6)])))

    assert np.argwhere(bitmap(one)).tolist() == [[240, 320]]


@pytest.mark.parametrize(("path", "reason"), [("../1.jpg", "unsafe_name"), ("a/1.jpg", None)])
def test_a_path_that_leads_out_of_the_folder_is_refused(
    tmp_path: Path, path: str, reason: str | None
) -> None:
    with Output(tmp_path) as output, CVAT.open(output, subject("boxes")) as writer:
        assert writer.refuses(item(1, path), labeling()) == reason


def test_attributes_stand_in_shapes_and_what_they_may_be_in_labels(tmp_path: Path) -> None:
    one = said(Tag()).model_copy(
        update={"attributes": {"가려짐": False, "weight, kg": 2.5, "=mood": "<b>"}}
    )
    (tag,) = shapes(tmp_path, "multiclass", one)

    assert {each.get("name"): each.text for each in tag} == {
        "가려짐": "false",
        "weight, kg": "2.5",
        "=mood": "<b>",
    }
    label = next(ElementTree.parse(tmp_path / "annotations.xml").iter("label"))
    assert [
        (each.findtext("name"), each.findtext("input_type"), each.findtext("values"))
        for each in label.iter("attribute")
    ] == [
        ("가려짐", "checkbox", ""),
        ("weight, kg", "text", ""),
        ("=mood", "select", "calm\n=올빼미\n<b>"),
        ("plate", "text", ""),
    ]
