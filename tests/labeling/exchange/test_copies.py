"""Exports with copies of their images: each lies where the files name it, whatever it was called."""

from __future__ import annotations

import csv
import json
from io import BytesIO, StringIO
from pathlib import PurePosixPath, PureWindowsPath
from typing import Any
from zipfile import ZipFile

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from labeling import layout
from labeling.exchange import files, snapshots
from labeling.exchange.choice import flat_name
from labeling.exchange.exports import Export
from labeling.exchange.formats.archive import is_safe
from labeling.projects.record import Project
from tests.labeling.exchange.test_exports import ask, data, made, manifest
from tests.world import PHOTOS, Killed, World, box, decided, photo, tag

NAMES = ["a/owl.jpg", "b/owl.jpg", "b/owl.png", "..\\..\\up.jpg", "=1+1 새.jpg"]
COPIES = {"images": "copies"}


def labeled(names: list[str], said: Any = None, **more: Any) -> tuple[World, Project]:
    """A project whose images are all labeled."""
    world = World()
    for number, name in enumerate(names):
        world.upload(name, data=photo(60 + number, 40))
    project = world.project(**more)
    ann = world.member(project, "ann")
    while task := world.ask(project, ann, size=4).task:
        world.submit(
            project, ann, task.task_id, *(decided(i.item_id, said or tag()) for i in task.items)
        )
    world.wait(60)
    return world, project


def copied(world: World, project: Project, export: Export, folder: str) -> dict[str, bytes]:
    """The copies of an export by their names in a folder of it."""
    prefix = layout.export_blob(project.project_id, export.export_id, folder)
    found = world.storage.blobs.list(layout.EXPORTS, prefix=prefix).blobs
    blobs = world.storage.blobs
    return {blob.path.removeprefix(prefix): blobs.read(layout.EXPORTS, blob.path) for blob in found}


def test_each_image_lies_where_the_file_names_it() -> None:
    world, project = labeled(NAMES)

    export = made(world, project, options=COPIES)

    images = copied(world, project, export, "coco/images/")
    file = json.loads(data(world, project, export))
    assert {image["file_name"] for image in file["images"]} == set(images)
    rows = csv.DictReader(StringIO(data(world, project, export, "images.csv").decode("utf-8-sig")))
    meant = {row["path"].removeprefix("'"): row["name"].removeprefix("'") for row in rows}
    assert set(meant) == set(NAMES)
    for path, name in meant.items():
        assert images[name] == world.storage.blobs.read(PHOTOS, path)
    folder = layout.export_blob(project.project_id, export.export_id, "coco/images/")
    assert export.images == manifest(world, project, export)["images"] == f"exports/{folder}"


@pytest.mark.parametrize(
    ("format", "folder"),
    [("yolo", "yolo/images/"), ("voc", "voc/JPEGImages/"), ("azureml", "azureml/images/")],
)
def test_images_lie_where_readers_of_the_format_look(format: str, folder: str) -> None:
    world, project = labeled(NAMES, box(), task_type="boxes")

    export = made(world, project, format=format, options=COPIES)

    assert export.omitted == {}
    assert set(copied(world, project, export, folder)) == set(map(flat_name, NAMES))


def test_azures_lines_have_the_addresses_of_the_copies() -> None:
    world, project = labeled(["a/owl.jpg"])

    export = made(world, project, format="azureml", options=COPIES)

    line = json.loads(data(world, project, export, "azureml/labels.jsonl"))
    place = layout.export_blob(project.project_id, export.export_id, "azureml/images")
    assert line["image_url"] == f"memory://exports/{place}/{flat_name('a/owl.jpg')}"


def test_folders_of_imagenet_hold_the_images_of_their_classes() -> None:
    world, project = labeled(["a/owl.jpg", "b/owl.jpg", "scan.jfif"])

    export = made(world, project, format="imagenet", options={"split": {"val": 0.3}})

    assert export.options.images == "copies"
    assert (export.exported, export.omitted) == (2, {"not_read_from_folders": 1})
    there = copied(world, project, export, "imagenet/")
    images = {name for name in there if name.endswith(".jpg")}
    assert {name.rpartition("/")[2] for name in images} == {
        flat_name("a/owl.jpg"),
        flat_name("b/owl.jpg"),
    }
    assert {name.split("/")[1] for name in images} == {"0-Owl"}
    shares = {name.split("/")[0] for name in images} | {"train"}
    assert {name for name in there if name.endswith(".keep")} == {
        f"{share}/{folder}/.keep" for share in shares for folder in ("0-Owl", "1-Robin", "2-Wren")
    }
    assert there["folders.csv"].decode("utf-8-sig").splitlines()[1] == "0-Owl,Owl,c1"


def test_an_image_that_is_gone_or_another_one_is_left_out_with_the_reason() -> None:
    world, project = labeled(["a.jpg", "b.jpg", "c.jpg"])
    world.storage.blobs.delete(PHOTOS, "a.jpg")
    world.storage.blobs.write(PHOTOS, "b.jpg", photo(9, 9), content_type="image/jpeg")

    export = made(world, project, options=COPIES)

    assert export.omitted == {"image_changed": 1, "image_gone": 1}
    assert list(copied(world, project, export, "coco/images/")) == [flat_name("c.jpg")]


def test_whoever_is_killed_while_copying_copies_one_part_again_at_most(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(snapshots, "PART_ITEMS", 3)
    monkeypatch.setattr(snapshots, "AT_ONCE", 3)
    names = [f"{number}.jpg" for number in range(10)]

    def begun() -> tuple[World, Project, Export, Any]:
        world, project = labeled(names)
        asked = ask(world, project, options=COPIES)
        return (
            world,
            project,
            asked,
            world.storage.queues.sent[layout.EXPORT_QUEUE].popleft().message,
        )

    for position in range(1, 200, 7):
        world, project, asked, message = begun()
        world.watch.kill(position, "after")
        try:
            world.handle(layout.EXPORT_QUEUE, message)
        except Killed:
            before = world.watch.names.count("copy")
            world.watch.reset()
            world.handle(layout.EXPORT_QUEUE, message)
            assert before + world.watch.names.count("copy") <= 10 + 3, position
        world.watch.reset()
        export = world.services.exports.get(project.project_id, asked.export_id)
        assert (export.state, export.exported) == ("done", 10), position
        assert set(copied(world, project, export, "coco/images/")) == set(map(flat_name, names))


def test_many_copies_are_removed_in_several_goes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "DROPPED", 3)
    world, project = labeled([f"{number}.jpg" for number in range(10)])
    export = made(world, project, options=COPIES)

    world.services.exports.delete(project.project_id, export.export_id)
    assert world.storage.blobs.list(layout.EXPORTS).blobs
    world.wait(60)
    world.drain()

    assert world.storage.blobs.list(layout.EXPORTS).blobs == []


@given(st.text(min_size=1, max_size=300))
def test_a_flat_name_is_a_file_in_its_folder_on_every_system(path: str) -> None:
    name = flat_name(path)

    assert is_safe(name) or "." not in path
    assert PurePosixPath(name).name == name == PureWindowsPath(name).name
    assert len(name.encode("utf-8", "surrogatepass")) <= 255


def test_yolo_names_its_copies_and_where_they_are() -> None:
    world, project = labeled(NAMES[:2], box(), task_type="boxes")

    export = made(world, project, format="yolo", options=COPIES)

    archive = ZipFile(BytesIO(data(world, project, export, "yolo/labels.zip")))
    listed = archive.read("train.txt").decode().split()
    images = copied(world, project, export, "yolo/images/")
    assert {one.removeprefix("./images/") for one in listed} == set(images)
    assert yaml.safe_load(archive.read("data.yaml"))["train"] == "train.txt"
