from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from labeling.annotations.shapes import Box, Part, Polygon, TaskType
from labeling.exchange.formats.format import Options, Split
from labeling.exchange.formats.output import Output
from labeling.exchange.formats.voc import VOC
from tests.labeling.exchange.formats.any_labels import (
    NAMES,
    item,
    labeling,
    labelings,
    said,
    subject,
    written,
)

BOX = Box(x0=0.25, y0=0, x1=0.75, y1=1)


def boxes(path: Path) -> list[tuple[str, list[int]]]:
    return [
        (
            str(element.findtext("name")),
            [
                int(element.findtext(f"bndbox/{side}") or "")
                for side in ("xmin", "ymin", "xmax", "ymax")
            ],
        )
        for element in ElementTree.parse(path).iter("object")
    ]


def test_a_box_is_its_corners_in_whole_pixels(tmp_path: Path) -> None:
    written(tmp_path, VOC, subject("boxes"), [(item(1, "a/1.jpg"), labeling(said(BOX, "c2")))])

    tree = ElementTree.parse(tmp_path / "Annotations/a/1.xml")
    assert boxes(tmp_path / "Annotations/a/1.xml") == [("Animal/Cat", [160, 0, 480, 480])]
    assert (tree.findtext("folder"), tree.findtext("filename")) == ("a", "1.jpg")
    assert [tree.findtext(f"size/{one}") for one in ("width", "height", "depth")] == [
        "640",
        "480",
        "3",
    ]
    assert (tmp_path / "ImageSets/Main/train.txt").read_text() == "a/1\n"


def test_a_polygon_is_the_box_around_all_of_it(tmp_path: Path) -> None:
    parts = [Part(outer=[(0, 0), (0.5, 0), (0, 0.5)]), Part(outer=[(1, 1), (0.75, 1), (1, 0.75)])]
    shape = said(Polygon(parts=parts))
    written(tmp_path, VOC, subject("polygons"), [(item(1, "1.jpg"), labeling(shape))])

    assert boxes(tmp_path / "Annotations/1.xml") == [("yes", [0, 0, 640, 480])]


@pytest.mark.parametrize("task_type", ["boxes", "polygons"])
@settings(max_examples=40)  # it writes a file each time
@given(data=st.data())
def test_boxes_come_back_within_half_a_pixel_and_have_an_area(
    tmp_path_factory: pytest.TempPathFactory, task_type: TaskType, data: st.DataObject
) -> None:
    labels = data.draw(labelings(task_type))
    folder = tmp_path_factory.mktemp("voc")
    written(folder, VOC, subject(task_type), [(item(1, "1.jpg"), labels)])

    found = boxes(folder / "Annotations/1.xml")

    assert [name for name, _ in found] == [
        NAMES[int(annotation.class_id[1:]) - 1] for annotation in labels.annotations
    ]
    for (_, corners), annotation in zip(found, labels.annotations, strict=True):
        x0, y0, x1, y1 = corners
        assert 0 <= x0 < x1 <= 640
        assert 0 <= y0 < y1 <= 480
        if isinstance(box := annotation.geometry, Box):
            true = (box.x0 * 640, box.y0 * 480, box.x1 * 640, box.y1 * 480)
            assert corners == pytest.approx(true, abs=0.5001)


def test_a_box_of_less_than_a_pixel_is_one(tmp_path: Path) -> None:
    thin = Box(x0=0.9999, y0=0.5, x1=1, y1=0.5001)
    written(tmp_path, VOC, subject("boxes"), [(item(1, "1.jpg"), labeling(said(thin)))])

    assert boxes(tmp_path / "Annotations/1.xml") == [("yes", [639, 240, 640, 241])]


@pytest.mark.parametrize(
    ("path", "reason"),
    [("../owl.jpg", "unsafe_name"), ("a/owl.png", "same_name_as_another"), ("owl.jpg", None)],
)
def test_an_image_without_a_file_of_its_own_is_refused(
    tmp_path: Path, path: str, reason: str | None
) -> None:
    labels = labeling(said(BOX))

    with Output(tmp_path) as output, VOC.open(output, subject("boxes")) as writer:
        writer.add(item(1, "a/owl.jpg"), labels)
        assert writer.refuses(item(2, path), labels) == reason


def test_lists_tell_which_images_are_for_what(tmp_path: Path) -> None:
    split = Split(val=0.4)
    images = [(item(number, f"{number}.jpg"), labeling(said(BOX))) for number in range(30)]
    written(tmp_path, VOC, subject("boxes", Options(split=split)), images)

    for part in ("train", "val"):
        listed = (tmp_path / f"ImageSets/Main/{part}.txt").read_text().split()
        assert listed == [str(n) for n in range(30) if split.part(item(n)) == part]
    assert not (tmp_path / "ImageSets/Main/test.txt").exists()
    assert (tmp_path / "labelmap.txt").read_text("utf-8").splitlines()[1:] == [
        f"{name}:::" for name in NAMES
    ]
