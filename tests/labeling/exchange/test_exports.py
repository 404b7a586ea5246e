from __future__ import annotations

import hashlib
import json
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pytest
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from labeling import layout
from labeling.annotations.shapes import TaskType
from labeling.errors import Conflict, Invalid, NotFound
from labeling.exchange.exports import Export, LinkRequest, NewExport, formats
from labeling.exchange.files import MANIFEST
from labeling.exchange.formats import FORMATS
from labeling.projects.record import Project
from labeling.review import ApproveRequest, RejectRequest
from labeling.tasks.messages import ReopenRequest
from tests.labeling.ingest.test_frames import tiff
from tests.world import ADMIN, PHOTOS, Killed, World, box, decided, photo, tag

COCO_FILE = "coco/annotations.json"


def ask(
    world: World,
    project: Project,
    as_of: datetime | None = None,
    key: str | None = None,
    **said: Any,
) -> Export:
    opened = world.open(project, ADMIN)
    new = NewExport(as_of=as_of, **said)
    return world.services.exports.create(opened, new, by="ada", idempotency_key=key)


def made(world: World, project: Project, as_of: datetime | None = None, **said: Any) -> Export:
    asked = ask(world, project, as_of, **said)
    world.drain()
    return world.services.exports.get(project.project_id, asked.export_id)


def data(world: World, project: Project, export: Export, name: str = COCO_FILE) -> bytes:
    path = layout.export_blob(project.project_id, export.export_id, name)
    return world.storage.blobs.read(layout.EXPORTS, path)


def coco(world: World, project: Project, export: Export) -> dict[str, Any]:
    return json.loads(data(world, project, export))


def manifest(world: World, project: Project, export: Export) -> dict[str, Any]:
    return json.loads(data(world, project, export, MANIFEST.name))


def tags(world: World, project: Project, export: Export) -> dict[str, str]:
    """Class names by file."""
    content = coco(world, project, export)
    names = {category["id"]: category["name"] for category in content["categories"]}
    files = {image["id"]: image["file_name"] for image in content["images"]}
    return {
        files[annotation["image_id"]]: names[annotation["category_id"]]
        for annotation in content["annotations"]
    }


@pytest.fixture(params=[1, 4])
def mixed(request: pytest.FixtureRequest, world: World) -> tuple[World, Project]:
    """Eight images: four labeled, one skipped, one for review, one leased, one left; and a bad one."""
    world.upload("bad.png", data=b"no image")
    project = world.sharded(request.param, images=8)
    ann = world.member(project, "ann")
    said: list[dict[str, Any]] = [
        *({"annotations": [tag(f"c{1 + number % 2}")]} for number in range(4)),
        {"outcome": "skipped", "annotations": [], "reason": "blurred"},
        {"outcome": "needs_review", "annotations": [tag()]},
    ]
    for one in said:
        task = world.task(project, ann, size=1)
        world.submit(project, ann, task.task_id, {**decided(task.items[0].item_id), **one})
    world.task(project, ann, size=1)
    world.wait(60)
    return world, project


def test_every_item_is_exported_or_left_out_with_a_reason(mixed: tuple[World, Project]) -> None:
    world, project = mixed

    export = made(world, project)

    kept = manifest(world, project, export)
    assert (export.state, export.items, export.exported, export.annotations) == ("done", 9, 4, 4)
    assert export.omitted == {"skipped": 1, "needs_review": 1, "available": 2, "unreadable": 1}
    assert kept["counts"]["omitted_by_reason"] == export.omitted
    assert kept["counts"]["items"] == 9
    files = {image["file_name"] for image in coco(world, project, export)["images"]}
    left = {one["path"] for one in kept["omitted"]}
    assert not files & left
    assert files | left == set(world.items(project))
    reasons = {one["reason"] for one in kept["omitted"]}
    assert "skipped: blurred" in reasons
    assert any(reason.startswith("unreadable: not a JPEG") for reason in reasons)


def test_the_manifest_names_what_the_files_are(mixed: tuple[World, Project]) -> None:
    world, project = mixed

    export = made(world, project)

    for file in export.files:
        content = data(world, project, export, file.name)
        assert (len(content), hashlib.sha256(content).hexdigest()) == (file.size, file.sha256)
    kept = manifest(world, project, export)
    assert kept["files"] == [export.files[0].model_dump()]
    assert kept["container"] == PHOTOS
    assert [category["name"] for category in coco(world, project, export)["categories"]] == [
        "Owl",
        "Robin",
        "Wren",
    ]


def relabel(world: World, project: Project, path: str, class_id: str) -> None:
    ann = world.member(project, "ann")
    opened = world.open(project, ann)
    item = world.items(project)[path]
    past = world.services.tasks.recent(opened, ann).recent
    task = next(task.task_id for task in past if item.item_id in task.item_ids)
    world.requests += 1
    request = ReopenRequest(request_id=f"o{world.requests}", items=[item.item_id])
    again = world.services.tasks.reopen(opened, ann, task, request).task
    assert again
    world.submit(project, ann, again.task_id, decided(item.item_id, tag(class_id)))


@pytest.mark.parametrize("shards", [1, 4])
def test_an_export_of_the_past_has_the_labels_of_that_moment(world: World, shards: int) -> None:
    project = world.sharded(shards, images=4)
    ann = world.member(project, "ann")
    for _ in range(3):
        world.label(project, ann, world.task(project, ann, size=1))
    task = world.task(project, ann, size=1)
    world.wait(60)
    then = world.clock.now()
    first = made(world, project)
    done = sorted(tags(world, project, first))
    assert len(done) == 3
    world.wait(60)

    relabel(world, project, done[0], "c3")
    item = world.items(project)[done[1]].item_id
    request = RejectRequest(item_ids=[item], reason="no")
    world.services.review.reject(world.open(project, ADMIN), request, by="boss")
    world.label(project, ann, task, "c2")
    world.upload("late.png")
    world.services.ingest.start(project)
    world.drain()
    world.wait(60)
    again = made(world, project, then)

    assert data(world, project, again) == data(world, project, first), "byte for byte"
    kept, before = manifest(world, project, again), manifest(world, project, first)
    assert {one["path"]: one["reason"] for one in kept["omitted"]} == {
        one["path"]: one["reason"] for one in before["omitted"]
    } | {"late.png": "arrived_later"}
    now = made(world, project)
    assert tags(world, project, now) == {
        done[0]: "Wren",
        done[2]: "Owl",
        task.items[0].path: "Robin",
    }


def test_the_same_moment_gives_the_same_bytes_whoever_holds_what_meanwhile(
    mixed: tuple[World, Project],
) -> None:
    world, project = mixed
    then = world.clock.now()
    first = made(world, project)
    world.wait(1_000)
    world.services.progress.on_tick()

    again = made(world, project, then)

    assert data(world, project, again) == data(world, project, first)
    for export in (first, again):
        assert manifest(world, project, export)["counts"]["omitted_by_reason"] == first.omitted
    assert manifest(world, project, again)["omitted"] == manifest(world, project, first)["omitted"]


def test_a_moment_in_the_future_is_refused(world: World) -> None:
    project = world.project()

    with pytest.raises(Invalid, match="future"):
        ask(world, project, world.clock.now() + timedelta(seconds=1))


def test_an_export_while_people_label_accounts_for_each_item_once() -> None:
    """Something is labeled, rejected, corrected or arrives before each storage call of the export."""
    world = World()
    project = world.sharded(4, images=24)
    ann, bob = world.member(project, "ann"), world.member(project, "bob")
    for _ in range(8):
        world.label(project, ann, world.task(project, ann, size=1))
    world.wait(60)
    other = world.other()
    asked = ask(world, project)
    expected = sorted(
        item.path for item in world.items(project).values() if item.state == "labeled"
    )
    arrived: list[str] = []

    def interfere(number: int, name: str, stage: str) -> None:
        if stage == "after":
            return
        world.wait(1)
        if number % 3 == 0 and (task := other.ask(project, bob, size=1).task):
            other.label(project, bob, task, "c3")
        elif number % 3 == 1 and expected:
            item = other.items(project)[expected[number % len(expected)]].item_id
            opened = other.open(project, ADMIN)
            other.services.review.reject(opened, RejectRequest(item_ids=[item]), by="boss")
        elif len(arrived) < 3:
            arrived.append(f"late{number}.png")
            other.upload(arrived[-1])
            other.services.ingest.start(project)
            other.drain()

    message = world.storage.queues.sent[layout.EXPORT_QUEUE].popleft().message
    world.watch.hook = interfere
    world.handle(layout.EXPORT_QUEUE, message)
    world.watch.reset()

    export = world.services.exports.get(project.project_id, asked.export_id)
    assert tags(world, project, export) == dict.fromkeys(expected, "Owl")
    left = [one["path"] for one in manifest(world, project, export)["omitted"]]
    assert len(left) == len(set(left))
    seen = {*left, *expected}
    assert len(seen) == export.items
    assert seen - {*arrived} == {one for one in world.items(project) if "late" not in one}


@pytest.mark.parametrize("stage", ["before", "after"])
def test_making_that_is_killed_anywhere_ends_in_the_same_files(stage: str) -> None:
    position = 0
    killed = True
    while killed:
        position += 1
        world = World()
        project = world.project(images=4)
        ann = world.member(project, "ann")
        world.label(project, ann, world.task(project, ann, size=2))
        world.wait(1)
        asked = ask(world, project)
        message = world.storage.queues.sent[layout.EXPORT_QUEUE].popleft().message
        world.watch.kill(position, stage)
        try:
            world.handle(layout.EXPORT_QUEUE, message)
            killed = False
        except Killed:
            world.watch.reset()
            world.handle(layout.EXPORT_QUEUE, message)
        world.watch.reset()

        export = world.services.exports.get(project.project_id, asked.export_id)
        assert (export.state, export.exported) == ("done", 2), position
        for file in export.files:
            content = data(world, project, export, file.name)
            assert hashlib.sha256(content).hexdigest() == file.sha256

    assert position > 5


def test_the_message_again_changes_nothing(mixed: tuple[World, Project]) -> None:
    world, project = mixed
    asked = ask(world, project)
    message = world.storage.queues.sent[layout.EXPORT_QUEUE].popleft().message
    world.handle(layout.EXPORT_QUEUE, message)
    done = world.services.exports.get(project.project_id, asked.export_id)
    world.wait(60)

    world.handle(layout.EXPORT_QUEUE, message)

    assert world.services.exports.get(project.project_id, asked.export_id) == done


def test_the_same_key_asks_for_one_export(mixed: tuple[World, Project]) -> None:
    world, project = mixed

    first = ask(world, project, key="k")
    world.wait(1)
    again = ask(world, project, key="k")

    assert again == first
    world.drain()
    assert [item.state for item in world.services.exports.all(project.project_id).items] == ["done"]


def test_exports_are_listed_newest_first(mixed: tuple[World, Project]) -> None:
    world, project = mixed
    first = ask(world, project)
    world.wait(1)
    second = ask(world, project)

    listed = world.services.exports.all(project.project_id).items

    assert [export.export_id for export in listed] == [second.export_id, first.export_id]


def test_a_link_is_signed_anew_for_each_file_of_a_done_export(
    mixed: tuple[World, Project],
) -> None:
    world, project = mixed
    link = world.services.exports.link
    waiting = ask(world, project)
    with pytest.raises(Conflict, match="waiting"):
        link(project, waiting.export_id, LinkRequest())
    world.drain()

    first = link(project, waiting.export_id, LinkRequest())
    world.wait(7_200)
    later = link(project, waiting.export_id, LinkRequest())

    assert "as=birds-coco-annotations.json" in first.url
    assert later.expire_at > first.expire_at
    assert link(project, waiting.export_id, LinkRequest(name=MANIFEST.name)).url
    for missing in ("../secret", "coco/other.json", ""):
        with pytest.raises(NotFound):
            link(project, waiting.export_id, LinkRequest(name=missing))


def test_a_deleted_export_is_gone_with_its_files(mixed: tuple[World, Project]) -> None:
    world, project = mixed
    export = made(world, project)
    exports = world.services.exports

    exports.delete(project.project_id, export.export_id)

    assert world.storage.blobs.list(layout.EXPORTS).blobs == []
    for act in (exports.get, exports.delete):
        with pytest.raises(NotFound):
            act(project.project_id, export.export_id)


def test_an_export_deleted_while_it_is_made_leaves_nothing_behind() -> None:
    position = 0
    reached = True
    while reached:
        position += 1
        world = World()
        project = world.project(images=2)
        world.finish(project, world.member(project, "ann"))
        world.wait(1)
        asked = ask(world, project)
        message = world.storage.queues.sent[layout.EXPORT_QUEUE].popleft().message
        reached = False
        other = world.other()

        def delete(other: World = other, project: Project = project, one: Export = asked) -> None:
            nonlocal reached
            reached = True
            other.services.exports.delete(project.project_id, one.export_id)

        world.watch.at(position, delete)
        world.handle(layout.EXPORT_QUEUE, message)
        world.watch.reset()

        if reached:
            assert world.storage.blobs.list(layout.EXPORTS).blobs == [], position
            assert world.services.exports.all(project.project_id).items == []

    assert position > 5


def test_an_export_that_can_not_be_made_says_so(mixed: tuple[World, Project]) -> None:
    world, project = mixed
    asked = ask(world, project)
    message = world.storage.queues.sent[layout.EXPORT_QUEUE].popleft().message

    world.services.exports.fail(message, "OSError: see the log")  # type: ignore[arg-type]

    failed = world.services.exports.get(project.project_id, asked.export_id)
    assert (failed.state, failed.problem) == ("failed", "OSError: see the log")
    with pytest.raises(Conflict, match="OSError"):
        world.services.exports.link(project, asked.export_id, LinkRequest())


def test_an_overwritten_image_is_measured_before_it_is_exported(world: World) -> None:
    project = world.project(images=1)
    ann = world.member(project, "ann")
    task = world.task(project, ann)
    world.upload("img0000.png", data=photo(50, 40, shade=3))
    world.services.ingest.start(project)
    for queue in (layout.REFRESH_QUEUE, layout.REFRESH_QUEUE, layout.REGISTER_QUEUE):
        world.handle(queue, world.storage.queues.sent[queue].popleft().message)
    world.label(project, ann, task)
    world.storage.queues.sent[layout.MEASURE_QUEUE].clear()
    assert world.items(project)["img0000.png"].width == 0
    world.wait(1)

    export = made(world, project)

    image = coco(world, project, export)["images"][0]
    assert (image["width"], image["height"]) == (50, 40)


def test_a_deleted_image_keeps_its_labels_in_an_export(world: World) -> None:
    project = world.project(images=1)
    world.finish(project, world.member(project, "ann"))
    world.storage.blobs.delete(PHOTOS, "img0000.png")
    world.services.ingest.start(project)
    world.drain()
    world.wait(1)

    assert tags(world, project, made(world, project)) == {"img0000.png": "Owl"}


def test_an_empty_project_has_an_empty_export(world: World) -> None:
    project = world.project()

    export = made(world, project)

    assert (export.state, export.items, export.annotations) == ("done", 0, 0)
    assert coco(world, project, export)["images"] == []


def test_every_format_is_listed_with_what_it_makes_and_what_it_loses() -> None:
    listed = formats().items

    assert [one.name for one in listed] == list(FORMATS)
    assert listed[0].name == "coco", "what is made when nothing is said"
    for one in listed:
        assert one.writes == bool(one.files)
        assert one.task_types


def test_a_format_that_is_not_known_is_refused_with_those_that_are() -> None:
    with pytest.raises(ValueError, match="no format 'masks'; there are coco"):
        NewExport(format="masks")


def test_a_format_is_refused_where_it_is_not_for_what_is_labeled(world: World) -> None:
    project = world.project()

    with pytest.raises(Invalid, match="voc is not for multiclass; choose another format"):
        ask(world, project, format="voc")


def test_an_export_of_a_format_that_went_away_is_deleted_all_the_same(
    mixed: tuple[World, Project], monkeypatch: pytest.MonkeyPatch
) -> None:
    world, project = mixed
    export = made(world, project)
    monkeypatch.setattr("labeling.exchange.exports.FORMATS", {})

    world.services.exports.delete(project.project_id, export.export_id)

    assert world.storage.blobs.list(layout.EXPORTS).blobs == []


def test_what_a_format_can_not_say_is_counted(world: World) -> None:
    project = world.project(images=2)
    ann = world.member(project, "ann")
    task = world.task(project, ann)
    first, second = (item.item_id for item in task.items)
    world.submit(project, ann, task.task_id, decided(first, tag(), note="behind the branch"))
    world.submit(project, ann, task.task_id, decided(second, tag()))
    world.wait(1)

    export = made(world, project)

    assert export.lost == {"notes": 1}
    assert manifest(world, project, export)["lost"] == export.lost


SAID: dict[TaskType, dict[str, Any]] = {
    "multiclass": tag(),
    "multilabel": tag(),
    "boxes": box(),
    "polygons": {
        "annotation_id": "a1",
        "class_id": "c1",
        "geometry": {
            "kind": "polygon",
            "parts": [{"outer": [[0, 0], [1, 0], [1, 1], [0, 1]], "holes": []}],
        },
    },
}


@pytest.mark.parametrize(
    ("name", "task_type"),
    [(name, kind) for name, made in FORMATS.items() if made.open for kind in made.task_types],
)
def test_every_format_comes_from_every_type_of_project(
    world: World, name: str, task_type: TaskType
) -> None:
    world.upload("a/owl.jpg", "b/owl.jpg", "=c.png")
    project = world.project(task_type=task_type)
    ann = world.member(project, "ann")
    task = world.task(project, ann)
    said = [decided(item.item_id, SAID[task_type]) for item in task.items]
    world.submit(project, ann, task.task_id, *said)
    world.wait(1)

    export = made(world, project, format=name)

    assert (export.state, export.exported, export.annotations) == ("done", 3, 3)
    assert [file.name for file in export.files] == [
        *(file.name for file in FORMATS[name].files),
        *([] if FORMATS[name].images else ["images.csv"]),
        MANIFEST.name,
    ]
    kept = manifest(world, project, export)
    assert (kept["format"], kept["omitted"]) == (name, [])
    outlines = task_type == "polygons" and "outlines" in FORMATS[name].loses
    assert kept["lost"] == ({"outlines": 3} if outlines else {})
    for file in export.files:
        content = data(world, project, export, file.name)
        assert hashlib.sha256(content).hexdigest() == file.sha256
    world.services.exports.delete(project.project_id, export.export_id)
    assert world.storage.blobs.list(layout.EXPORTS).blobs == []


def test_an_image_a_format_refuses_is_left_out_with_the_reason(world: World) -> None:
    world.upload("owl.jpg", "owl.png")
    project = world.project(task_type="boxes")
    ann = world.member(project, "ann")
    task = world.task(project, ann)
    world.submit(project, ann, task.task_id, *(decided(item.item_id, box()) for item in task.items))
    world.wait(1)

    export = made(world, project, format="yolo")

    assert (export.exported, export.omitted) == (1, {"same_name_as_another": 1})
    left = manifest(world, project, export)["omitted"]
    assert [one["reason"] for one in left] == ["same_name_as_another"]


def test_images_have_the_addresses_they_have_in_storage(world: World) -> None:
    project = world.project(images=1)
    world.finish(project, world.member(project, "ann"))
    world.wait(1)

    export = made(world, project, format="azureml")

    line = json.loads(data(world, project, export, "azureml/labels.jsonl"))
    assert line["image_url"] == f"memory://{PHOTOS}/img0000.png"


@pytest.mark.parametrize(
    ("format", "written"),
    [
        (name, 1 if "frames" in one.loses else 3)
        for name, one in FORMATS.items()
        if "boxes" in one.task_types
    ],
)
def test_shapes_of_later_frames_are_never_written_as_if_they_were_of_the_first(
    world: World, format: str, written: int
) -> None:
    world.upload("scan.tif", data=tiff(*[np.zeros((60, 80), np.uint8)] * 3))
    project = world.project(task_type="boxes")
    ann = world.member(project, "ann")
    task = world.task(project, ann)
    shapes = [{**box(), "annotation_id": f"a{frame}", "frame": frame} for frame in range(3)]
    world.submit(project, ann, task.task_id, decided(task.items[0].item_id, *shapes))
    world.wait(60)

    export = made(world, project, format=format)

    assert (export.exported, export.annotations) == (1, written)
    assert export.lost.get("frames", 0) == 3 - written
    assert manifest(world, project, export)["lost"].get("frames", 0) == 3 - written


def test_an_image_that_is_exported_with_a_flag_is_listed_with_the_reason(world: World) -> None:
    pages = [np.zeros((60, 80), np.uint8)] * 3
    world.upload("cut.tif", data=tiff(*pages)[:-100])
    world.upload("whole.tif", data=tiff(*pages))
    project = world.project()
    world.finish(project, world.member(project, "ann"))
    world.wait(60)

    export = made(world, project)

    assert export.exported == 2
    (flagged,) = manifest(world, project, export)["flagged"]
    assert (flagged["path"], flagged["flag"]) == ("cut.tif", "damaged")
    assert flagged["why"] == "frame 3 of 3: the page is cut off or damaged"
    named = {
        image["file_name"]: image.get("labelry_flag")
        for image in coco(world, project, export)["images"]
    }
    assert named == {"cut.tif": "damaged", "whole.tif": None}


@pytest.mark.parametrize(
    ("format", "task_type"),
    [
        (one.name, task_type)
        for one in FORMATS.values()
        for task_type in one.task_types
        if one.open and task_type in ("boxes", "polygons")
    ],
)
def test_what_can_not_be_seen_on_a_smaller_image_that_came_since_is_not_written_but_counted(
    world: World, format: str, task_type: TaskType
) -> None:
    world.upload("one.png", "two.png", data=photo(400, 300))
    project = world.project(task_type=task_type)
    task = world.task(project, ann := world.member(project, "ann"))
    large, tiny = shape(task_type, 0.1, 0.9), {**shape(task_type, 0.5, 0.51), "annotation_id": "a2"}
    for item, shapes in zip(task.items, ([large, tiny], [tiny]), strict=True):
        world.submit(project, ann, task.task_id, decided(item.item_id, *shapes))
    world.upload("one.png", "two.png", data=photo(4, 3, shade=7))
    world.services.ingest.start(project)
    world.drain()
    approve = ApproveRequest(item_ids=[item.item_id for item in task.items])
    world.services.review.approve(world.open(project, ADMIN), approve, by="ada")
    world.wait(60)

    export = made(world, project, format=format)

    assert (export.exported, export.annotations, export.omitted) == (1, 1, {"unseen": 1})
    assert export.lost["unseen"] == 1
    assert manifest(world, project, export)["lost"]["unseen"] == 1


@pytest.mark.parametrize(("task_type", "kind"), [("boxes", "bbox"), ("polygons", "segm")])
def test_a_coco_file_is_right_by_itself_to_who_scores_it(
    world: World, task_type: TaskType, kind: Literal["bbox", "segm"], tmp_path: Path
) -> None:
    world.upload("large.png", "smaller.png", data=photo(400, 300))
    project = world.project(task_type=task_type)
    task = world.task(project, ann := world.member(project, "ann"))
    sides = [(0.1, 0.9), (0.5, 0.5034), (0.2, 0.25)]  # the second of about a pixel
    shapes = [
        {**shape(task_type, *side), "annotation_id": f"a{at}"} for at, side in enumerate(sides)
    ]
    world.submit(
        project, ann, task.task_id, *(decided(item.item_id, *shapes) for item in task.items)
    )
    world.upload("smaller.png", data=photo(40, 30, shade=7))
    world.services.ingest.start(project)
    world.drain()
    approve = ApproveRequest(item_ids=[item.item_id for item in task.items])
    world.services.review.approve(world.open(project, ADMIN), approve, by="ada")
    world.wait(60)

    file = tmp_path / "annotations.json"
    file.write_bytes(data(world, project, made(world, project)))

    truth = COCO(str(file))
    answers = [
        {**annotation, "score": 1.0} for annotation in json.loads(file.read_bytes())["annotations"]
    ]
    results = tmp_path / "results.json"
    results.write_text(json.dumps(answers))
    scored = COCOeval(truth, truth.loadRes(str(results)), kind)
    scored.evaluate()
    scored.accumulate()
    scored.summarize()
    assert len(answers) == 5
    assert scored.stats[0] == pytest.approx(1.0)


def test_what_is_on_a_frame_that_the_image_no_longer_has_is_not_written(world: World) -> None:
    page = np.zeros((60, 80), np.uint8)
    world.upload("scan.tif", data=tiff(page, page, page))
    project = world.project(task_type="boxes")
    task = world.task(project, ann := world.member(project, "ann"))
    shapes = [{**box(), "annotation_id": f"a{frame}", "frame": frame} for frame in range(3)]
    world.submit(project, ann, task.task_id, decided(task.items[0].item_id, *shapes))
    world.upload("scan.tif", data=tiff(page))
    world.services.ingest.start(project)
    world.drain()
    approve = ApproveRequest(item_ids=[task.items[0].item_id])
    world.services.review.approve(world.open(project, ADMIN), approve, by="ada")
    world.wait(60)

    export = made(world, project)

    assert (export.annotations, export.lost) == (1, {"unseen": 2})
    assert len(coco(world, project, export)["images"]) == 1


def shape(task_type: TaskType, start: float, end: float) -> dict[str, Any]:
    """A square of a side that is a share of the image's."""
    if task_type == "boxes":
        return box(start, start, end, end)
    outer = [[start, start], [end, start], [end, end], [start, end]]
    geometry = {"kind": "polygon", "parts": [{"outer": outer, "holes": []}]}
    return {**box(), "geometry": geometry}
