from __future__ import annotations

import csv
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from labeling.annotations.shapes import Box, Part, Polygon, Tag, TaskType, ring_area
from labeling.exchange.formats.format import Options, Split
from labeling.exchange.formats.output import Output
from labeling.exchange.formats.yolo import YOLO, class_folders, label_path, quoted
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


def test_a_box_is_its_middle_and_its_sides(tmp_path: Path) -> None:
    written(tmp_path, YOLO, subject("boxes"), [(item(1, "a/1.jpg"), labeling(said(BOX, "c3")))])

    assert (tmp_path / "labels/a/1.txt").read_text() == "2 0.5 0.5 0.5 1.0\n"
    assert (tmp_path / "train.txt").read_text() == "./images/a/1.jpg\n"


def test_an_outline_is_its_points(tmp_path: Path) -> None:
    triangle = Polygon(parts=[Part(outer=[(0, 0), (1, 0), (1 / 3, 1)])])
    written(tmp_path, YOLO, subject("polygons"), [(item(1, "1.png"), labeling(said(triangle)))])

    assert (tmp_path / "labels/1.txt").read_text() == "0 0.0 0.0 1.0 0.0 0.3333333333 1.0\n"


def test_an_image_with_nothing_on_it_has_an_empty_file(tmp_path: Path) -> None:
    written(tmp_path, YOLO, subject("boxes"), [(item(1, "1.png"), labeling())])

    assert (tmp_path / "labels/1.txt").read_text() == ""


@pytest.mark.parametrize("task_type", ["boxes", "polygons"])
@settings(max_examples=40)  # it writes a file each time
@given(data=st.data())
def test_classes_and_places_come_back_within_a_ten_billionth(
    tmp_path_factory: pytest.TempPathFactory, task_type: TaskType, data: st.DataObject
) -> None:
    labels = data.draw(labelings(task_type))
    folder = tmp_path_factory.mktemp("yolo")
    written(folder, YOLO, subject(task_type), [(item(1, "1.jpg"), labels)])

    rows = [line.split() for line in (folder / "labels/1.txt").read_text().splitlines()]

    assert [int(row[0]) + 1 for row in rows] == [
        int(annotation.class_id[1:]) for annotation in labels.annotations
    ]
    for (_, *words), annotation in zip(rows, labels.annotations, strict=True):
        values = [float(word) for word in words]
        assert all(0 <= value <= 1 for value in values)
        if isinstance(annotation.geometry, Box):
            x, y, wide, high = values
            found = (x - wide / 2, y - high / 2, x + wide / 2, y + high / 2)
            box = annotation.geometry
            assert found == pytest.approx((box.x0, box.y0, box.x1, box.y1), abs=3e-10)
        elif isinstance(annotation.geometry, Polygon):
            parts = annotation.geometry.parts
            ring = list(zip(values[::2], values[1::2], strict=True))
            area = sum(ring_area(p.outer) - sum(map(ring_area, p.holes)) for p in parts)
            assert ring_area(ring) == pytest.approx(area, abs=1e-8)


@given(st.lists(st.sampled_from(["images", "labels", "a", "b.c"]), max_size=4))
def test_labels_lie_where_they_are_looked_for(folders: list[str]) -> None:
    """The way ultralytics 8.4.190 finds them: the last `/images/` of a path becomes `/labels/`."""
    path = "/".join([*folders, "owl.jpg"])

    looked_for = "/labels/".join(f"/data/images/{path}".rsplit("/images/", 1))

    assert f"/data/{label_path(path)}" == looked_for.removesuffix(".jpg") + ".txt"


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("../owl.jpg", "unsafe_name"),
        ("a\nb.jpg", "unsafe_name"),
        ("scan.dcm", "not_read_by_yolo"),
        ("owl.jfif", "not_read_by_yolo"),
        (".jpg", "not_read_by_yolo"),
    ],
)
@pytest.mark.parametrize("task_type", ["boxes", "multiclass"])
def test_an_image_that_would_be_passed_over_is_refused_with_a_reason(
    tmp_path: Path, path: str, reason: str, task_type: TaskType
) -> None:
    labels = labeling(said(Tag() if task_type == "multiclass" else BOX))

    with Output(tmp_path) as output, YOLO.open(output, subject(task_type)) as writer:
        assert writer.refuses(item(1, path), labels) == reason


def test_an_image_whose_labels_would_be_anothers_is_refused(tmp_path: Path) -> None:
    labels = labeling(said(BOX))

    with Output(tmp_path) as output, YOLO.open(output, subject("boxes")) as writer:
        writer.add(item(1, "a/owl.jpg"), labels)
        assert writer.refuses(item(2, "a/owl.png"), labels) == "same_name_as_another"
        assert writer.refuses(item(3, "b/owl.jpg"), labels) is None


def test_lists_tell_which_images_are_for_what(tmp_path: Path) -> None:
    split = Split(val=0.3, test=0.2, seed="7")
    labels = labeling(said(BOX))
    images = [(item(number, f"{number}.jpg"), labels) for number in range(60)]
    written(tmp_path, YOLO, subject("boxes", Options(split=split)), images)

    for part in ("train", "val", "test"):
        listed = (tmp_path / f"{part}.txt").read_text().splitlines()
        assert listed == [f"./images/{n}.jpg" for n in range(60) if split.part(item(n)) == part]
        assert f"\n{part}: {part}.txt\n" in (tmp_path / "data.yaml").read_text()


def test_without_images_set_apart_those_for_training_validate(tmp_path: Path) -> None:
    written(tmp_path, YOLO, subject("boxes"), [(item(), labeling(said(BOX)))])

    data = (tmp_path / "data.yaml").read_text("utf-8")
    assert "train: train.txt\nval: train.txt\n" in data
    assert 'names:\n  0: "yes"\n  1: "Animal/Cat"\n  2: "001"\n' in data


@given(st.text(st.characters(exclude_categories=("Cs",))))
def test_a_name_is_read_as_text_by_yaml_whatever_it_is(name: str) -> None:
    """PyYAML takes JSON's strings, but only of characters that YAML 1.1 calls printable."""
    printable = re.compile("[\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]*")

    assert json.loads(quoted(name)) == name
    assert printable.fullmatch(quoted(name))
    assert len(quoted(name).splitlines()) == 1


@given(st.lists(st.text(max_size=9), max_size=12))
def test_folders_of_classes_sort_as_the_classes_do(names: list[str]) -> None:
    folders = class_folders(names)

    assert sorted(folders) == folders
    assert len(set(folders)) == len(names)
    assert all(re.fullmatch(r"[\w -]+", folder) and folder == folder.strip() for folder in folders)


def test_images_are_put_into_the_folders_of_their_classes(tmp_path: Path) -> None:
    images = [
        (item(1, "a/owl.jpg"), labeling(said(Tag(), "c4"))),
        (item(2, "b/owl.jpg"), labeling(said(Tag(), "c5", 1), said(Tag(), "c2", 2))),
    ]
    written(tmp_path, YOLO, subject("multilabel"), images)
    for one, _ in images:
        (tmp_path / "photos" / one.path).parent.mkdir(parents=True)
        (tmp_path / "photos" / one.path).write_bytes(one.path.encode())

    done = subprocess.run(
        [sys.executable, tmp_path / "arrange.py", tmp_path / "photos"], check=False
    )

    assert done.returncode == 0
    train = tmp_path / "train"
    assert sorted(path.name for path in train.iterdir()) == class_folders(NAMES)
    found = {str(path.relative_to(train)): path.read_bytes() for path in train.rglob("*.jpg")}
    assert found == {"3--올빼미/a/owl.jpg": b"a/owl.jpg", "1-Animal-Cat/b/owl.jpg": b"b/owl.jpg"}


def test_images_that_are_not_there_are_named(tmp_path: Path) -> None:
    written(tmp_path, YOLO, subject("multiclass"), [(item(1, "a.jpg"), labeling(said(Tag())))])

    done = subprocess.run(
        [sys.executable, tmp_path / "arrange.py", tmp_path],
        check=False,
        capture_output=True,
        text=True,
    )

    assert done.returncode == 1
    assert f"not there: {tmp_path / 'a.jpg'}" in done.stderr


def test_an_image_of_no_class_has_no_folder_and_is_refused(tmp_path: Path) -> None:
    with Output(tmp_path) as output, YOLO.open(output, subject("multilabel")) as writer:
        assert writer.refuses(item(), labeling()) == "no_class"


def test_the_list_of_folders_is_read_back_with_any_name(tmp_path: Path) -> None:
    path = 'c d/"#3", 100%.jpg'
    written(tmp_path, YOLO, subject("multiclass"), [(item(1, path), labeling(said(Tag())))])

    with (tmp_path / "images.csv").open(encoding="utf-8", newline="") as file:
        assert list(csv.DictReader(file)) == [{"image": path, "split": "train", "folder": "0-yes"}]
