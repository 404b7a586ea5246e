from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from dev import demo, demo_label
from dev.client import ApiError, Client
from dev.samples import compose
from dev.stack import Stack


def measured_items(admin: Client, project_id: str) -> list[dict[str, Any]]:
    """The items, once their sizes are known: a project runs before that."""
    end = time.monotonic() + 60
    while True:
        items: list[dict[str, Any]] = admin.call("GET", f"/projects/{project_id}/items")["items"]
        if all(item["width"] for item in items) or time.monotonic() > end:
            return items
        time.sleep(0.2)


def test_a_second_start_finds_the_projects_of_the_first(tmp_path: Path) -> None:
    photos = tmp_path / "photos"
    truth = compose("multilabel", 8, 1, photos, source="packages")
    (photos / "notes.txt").write_text("not a photo")
    seen: list[list[str]] = []

    for _start in (1, 2):
        with (
            Stack(data=tmp_path / "data", site=None, logs=tmp_path) as system,
            Client(system.url, person=demo.ADMIN) as admin,
            Client(system.url, person=demo.LABELERS[1]) as labeler,
        ):
            demo.own_project(admin, photos, "multilabel", truth.classes)
            projects = labeler.call("GET", "/projects")["items"]
            seen.append([project["project_id"] for project in projects])
            items = measured_items(admin, seen[-1][0])
            wrong = [project for project in projects if project["state"] != "running"]

            assert wrong == []
            assert {item["path"] for item in items} == {scene.path for scene in truth.scenes}
            sizes = {item["path"]: (item["width"], item["height"]) for item in items}
            assert all(sizes[s.path] == (s.width, s.height) for s in truth.scenes)

    assert seen[0] == seen[1]
    assert len(seen[0]) == 1


@pytest.fixture(scope="module")
def system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    with Stack(site=None, logs=tmp_path_factory.mktemp("logs"), name="demo") as running:
        yield running


def test_a_project_is_suggested_labels_as_a_model_would(system: Stack, tmp_path: Path) -> None:
    truth = compose("boxes", 8, 1, tmp_path / "photos", source="packages")
    files = {scene.path: tmp_path / "photos" / scene.path for scene in truth.scenes}
    with (
        Client(system.url, person=demo.ADMIN) as admin,
        Client(system.url, person=demo.LABELERS[0]) as labeler,
    ):
        project_id = demo.make_project(admin, "Boxes", "boxes", files, truth.classes)
        admin.wait_until_running(project_id)
        measured_items(admin, project_id)
        for _twice in (1, 2):
            demo.suggest(admin, project_id, truth)
        tasks = f"/projects/{project_id}/tasks"
        page = labeler.call("POST", tasks, {"request_id": "r1", "size": 24})["task"]

    assert page["kind"] == "prelabeled"
    assert len(page["items"]) >= 6  # the empty scene has none
    shown = [annotation for item in page["items"] for annotation in item["prelabel"]["annotations"]]
    assert {one["geometry"]["kind"] for one in shown} == {"box"}
    assert all(0.3 < one["confidence"] < 1 for one in shown)


def test_projects_of_boxes_and_of_polygons_over_the_same_photos_are_drawn_in(
    system: Stack, tmp_path: Path
) -> None:
    truth = compose("boxes", 8, 1, tmp_path / "photos", source="packages")
    files = {scene.path: tmp_path / "photos" / scene.path for scene in truth.scenes}
    with Client(system.url, person=demo.ADMIN) as admin:
        datasets: set[str] = set()
        for task_type in ("boxes", "polygons"):
            name = f"Same photos, {task_type}"
            project_id = demo.make_project(
                admin, name, task_type, files, truth.classes, dataset="Things"
            )
            admin.wait_until_running(project_id)
            measured_items(admin, project_id)

            assert demo_label.label(admin, name, truth, 8) == 8
            items = admin.call("GET", f"/projects/{project_id}/items")["items"]
            assert [item["state"] for item in items] == ["labeled"] * 8
            datasets.add(admin.call("GET", f"/projects/{project_id}")["dataset_id"])
    assert len(datasets) == 1


def test_the_assisted_projects_of_shapes_are_over_the_same_photos() -> None:
    shapes = [one for one in demo.ASSISTED_SAMPLES if one.task_type in ("boxes", "polygons")]
    assert len({(one.dataset, demo.folder_of(one)) for one in shapes}) == 1
    assert len(shapes) == 2


def test_what_the_api_refuses_is_said(system: Stack) -> None:
    with (
        Client(system.url, person=demo.LABELERS[0]) as labeler,
        Client(system.url) as nobody,
    ):
        with pytest.raises(ApiError, match="site admin"):
            labeler.create_dataset("mine", key="k")
        with pytest.raises(ApiError, match="401"):
            nobody.call("GET", "/projects")


def test_a_folder_of_ones_own_needs_photos_and_classes(tmp_path: Path) -> None:
    with Client("http://127.0.0.1:9") as client:
        with pytest.raises(ValueError, match="CLASSES=cat,dog"):
            demo.own_project(client, tmp_path, "multilabel", ["cat"])
        with pytest.raises(ValueError, match="no photos"):
            demo.own_project(client, tmp_path, "boxes", ["cat"])
