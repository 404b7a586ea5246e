from __future__ import annotations

import json
import struct
import tracemalloc
import zipfile
from io import BytesIO
from typing import Any

import pytest

from labeling import layout
from labeling.annotations.shapes import TaskType
from labeling.errors import Conflict, Invalid, NotFound
from labeling.exchange import imports
from labeling.exchange.imports import Import, ImportOptions, ImportStep, NewImport
from labeling.ingest.refresh import BlobEvent
from labeling.model import Model
from labeling.projects.projects import Project
from tests.functions.conftest import api_of
from tests.world import ADMIN, PHOTOS, Killed, World, decided, photo, tag

NAMES = ("Owl", "Robin", "Wren")


def coco(labels: dict[str, list[Any]], classes: tuple[str, ...] = NAMES) -> bytes:
    """A COCO file: for each path the classes that are on it, as tags or with a box (class, [x, y, w, h])."""
    images = [
        {"id": n, "file_name": path, "width": 8, "height": 6} for n, path in enumerate(labels)
    ]
    annotations: list[dict[str, Any]] = []
    for image, said in enumerate(labels.values()):
        for one in said:
            name, box = one if isinstance(one, tuple) else (one, None)
            record = {"image_id": image, "category_id": classes.index(name)}
            annotations.append(record | ({"bbox": box} if box else {}) | {"id": len(annotations)})
    categories = [{"id": n, "name": name} for n, name in enumerate(classes)]
    return json.dumps(
        {"images": images, "categories": categories, "annotations": annotations}
    ).encode()


def packed(files: dict[str, str]) -> bytes:
    """A zip archive."""
    made = BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        for name, text in files.items():
            archive.writestr(name, text)
    return made.getvalue()


def begun(
    world: World, project: Project, content: bytes, *, name: str = "labels.json", **options: Any
) -> Import:
    """An import of a file, uploaded and started."""
    opened, service = world.open(project, ADMIN), world.services.imports
    made = service.create(opened, NewImport(file_name=name), ADMIN)
    blob = layout.import_blob(project.project_id, made.import_id)
    world.storage.blobs.write(layout.IMPORTS, blob, content, content_type="application/json")
    return service.start(opened, made.import_id, ImportOptions(**options))


def imported(world: World, project: Project, content: bytes, **options: Any) -> Import:
    """An import, as it stands when its work is done."""
    started = begun(world, project, content, **options)
    world.drain()
    return world.services.imports.get(project.project_id, started.import_id)


def counters(world: World, project: Project) -> dict[str, int]:
    fresh = world.services.projects.get(project.project_id)
    return {k: n for k, n in world.services.projects.items(fresh).counters().items() if n}


def read(world: World, project: Project, path: str) -> Any:
    items = world.services.projects.items(world.services.projects.get(project.project_id))
    return items.read(layout.item_id(PHOTOS, path))


def test_final_labels_settle_items_with_history_and_counters(world: World) -> None:
    project = world.project(images=4)

    done = imported(world, project, coco({"img0000.png": ["Owl"], "img0001.png": ["Wren"]}))

    assert (done.state, done.saved, done.annotations, done.left_out) == ("done", 2, 2, {})
    one = read(world, project, "img0001.png")
    assert one.item.state == "labeled"
    assert [a.class_id for a in one.labeling.annotations] == ["c3"]
    assert (one.labeling.labeler, one.labeling.submission_id) == (ADMIN.user, done.import_id)
    items = world.services.projects.items(project)
    assert [(h.what, h.by) for h in items.history(one.item.item_id)] == [("imported", ADMIN.user)]
    counted = counters(world, project)
    assert counted["state:labeled"] == 2
    assert counted["class:c1"] == counted["class:c3"] == 1
    assert not any(name.startswith("day:") for name in counted), "nobody worked on them that day"


def test_the_same_file_again_changes_nothing(world: World) -> None:
    project = world.project(images=4)
    file = coco({"img0000.png": ["Owl"], "img0001.png": ["Wren"]})
    imported(world, project, file)
    before = counters(world, project)

    again = imported(world, project, file)

    assert (again.saved, again.unchanged) == (0, 2)
    assert counters(world, project) == before


def test_people_go_before_files(world: World) -> None:
    project = world.project(images=3, task_type="multilabel")
    ann = world.member(project, "ann")
    task = world.task(project, ann, size=2)
    labeled, held = (item.item_id for item in task.items)
    world.submit(project, ann, task.task_id, decided(labeled, tag("c2")))
    paths = [f"img{n:04d}.png" for n in range(3)]

    done = imported(world, project, coco({path: ["Owl"] for path in paths}))

    assert done.saved == 1
    assert {why: told.count for why, told in done.left_out.items()} == {"labeled": 1, "leased": 1}
    items = world.services.projects.items(project)
    by_ann = items.read(labeled)
    assert by_ann
    assert by_ann.labeling
    assert by_ann.labeling.labeler == ann.user
    still = items.read(held)
    assert still
    assert still.item.state == "leased"


@pytest.mark.parametrize(
    ("pattern", "stored", "said"),
    [
        ("**/*.*", "a/b/1.png", "a/b/1.png"),
        ("a/**", "a/b/1.png", "b/1.png"),
        ("**/*.*", "a/b/1.png", "https://x.blob.core.windows.net/photos/a/b/1.png?sig=1"),
        ("**/*.*", "a/b/1.png", "AmlDatastore://store/a/b/1.png"),
        ("**/*.*", "a/b/1.png", ".\\a\\b\\1.png"),
        ("**/*.*", "a/b/1.png", "elsewhere/1.png"),
    ],
)
def test_images_are_found_by_path_with_and_without_prefix_and_then_by_name(
    world: World, pattern: str, stored: str, said: str
) -> None:
    world.upload(stored, "a/other/2.png")
    project = world.project(pattern=pattern)

    assert imported(world, project, coco({said: ["Owl"]})).saved == 1


def test_names_that_could_be_several_images_are_told(world: World) -> None:
    world.upload("a/1.png", "b/1.png", "b/2.png", "c/3.png")
    project = world.project()

    done = imported(
        world,
        project,
        coco(
            {
                "1.png": ["Owl"],
                "x/2.png": ["Owl"],
                "y/2.png": ["Owl"],
                "9.png": [],
                "c/3.png": ["Owl"],
            }
        ),
    )

    assert done.saved == 1
    assert done.left_out["ambiguous"].first == ["1.png", "x/2.png", "y/2.png"]
    assert done.left_out["not_in_project"].first == ["9.png"]
    assert (done.images, done.matched) == (5, 1)


def test_unknown_classes_leave_their_images_out_or_are_added(world: World) -> None:
    project = world.project(images=3)
    file = coco({"img0000.png": ["Emu"], "img0001.png": ["owl"]}, ("Emu", "owl"))

    refused = imported(world, project, file)
    added = imported(world, project, file, unknown_classes="create")

    assert refused.unknown_classes == {"Emu": 1}
    assert refused.left_out["unknown_class"].first == ["img0000.png"]
    assert (refused.saved, added.saved, added.unchanged) == (1, 1, 1)
    assert added.new_classes == ["Emu"]
    names = [class_.name for class_ in world.services.projects.get(project.project_id).classes]
    assert names == [*NAMES, "Emu"]


def test_an_image_without_annotations_is_left_alone_unless_that_means_something(
    world: World,
) -> None:
    project = world.project(images=2, task_type="boxes")
    file = coco({"img0000.png": [], "img0001.png": [("Owl", [1, 1, 3, 3])]})

    left = imported(world, project, file)
    labeled = imported(world, project, file, empty="label")

    assert (left.saved, left.left_out["nothing_said"].count) == (1, 1)
    assert (labeled.saved, labeled.unchanged) == (1, 1)
    assert read(world, project, "img0000.png").labeling.annotations == []


def test_boxes_are_fractions_cut_at_the_edge_and_told_when_nothing_is_left(world: World) -> None:
    project = world.project(images=1, task_type="boxes")
    boxes = [("Owl", [2, 3, 4, 3]), ("Owl", [6, 0, 20, 3]), ("Wren", [1, 1, 0, 2])]

    done = imported(world, project, coco({"img0000.png": boxes}))

    said = read(world, project, "img0000.png").labeling.annotations
    assert [one.geometry.model_dump(exclude={"kind"}) for one in said] == [
        {"x0": 0.25, "y0": 0.5, "x1": 0.75, "y1": 1.0},
        {"x0": 0.75, "y0": 0.0, "x1": 1.0, "y1": 0.5},
    ]
    assert {kind: told.count for kind, told in done.found.items()} == {"clipped": 1, "too_small": 1}


def test_labels_of_another_picture_are_left_out(world: World) -> None:
    project = world.project(images=1, task_type="boxes")
    file = coco({"img0000.png": [("Owl", [1, 1, 3, 3])]}).replace(b'"width": 8', b'"width": 6')

    assert set(imported(world, project, file).left_out) == {"other_size"}


def test_suggestions_wait_for_labelers_once(world: World) -> None:
    project = world.project(images=3)
    file = coco({"img0000.png": ["Owl"], "img0001.png": ["Wren"]})

    done = imported(world, project, file, into="suggestions")
    again = imported(world, project, file, into="suggestions")

    assert (done.saved, again.saved, again.unchanged) == (2, 0, 2)
    assert done.options.run_id == again.options.run_id
    project = world.services.projects.get(project.project_id)
    task = world.task(project, world.member(project, "ann"), size=2)
    assert task.kind == "prelabeled"
    assert {item.prelabel.run_id for item in task.items if item.prelabel} == {done.options.run_id}


def test_images_not_measured_yet_are_measured_first(world: World) -> None:
    project = world.project(images=1, task_type="boxes")
    world.upload("img0000.png", data=photo(16, 12))
    world.services.ingest.start(project)
    world.services.ingest.on_blob_event(BlobEvent(container=PHOTOS, path="img0000.png"))
    items = world.services.projects.items(project)
    items.overwritten(layout.item_id(PHOTOS, "img0000.png"), "other", 9)
    file = coco({"img0000.png": [("Owl", [1, 1, 3, 3])]})

    assert imported(world, project, file).found["scaled"].count == 1


@pytest.mark.parametrize("content", [b"{", b"", b"PK\x03\x04", b'{"images": [1]}', b"\xff\xfe\x00"])
def test_a_broken_file_fails_in_words_and_changes_nothing(world: World, content: bytes) -> None:
    project = world.project(images=1)

    done = imported(world, project, content, format="coco")

    assert done.state == "failed"
    assert done.problem
    assert done.problem_code
    assert done.saved == 0


@pytest.mark.parametrize(
    ("name", "format", "content", "code"),
    [
        ("a.json", "coco", b'{"annotations": []}', "no_images"),
        ("a.csv", "csv", b"a,b\n1,2\n", "no_paths"),
        ("a.xml", "cvat", b"<annotations>", "no_xml"),
        ("a.zip", "coco", b"PK\x03\x04", "no_zip"),
        ("a.xml", "cvat", b"<annotations></annotations>", "nothing_said"),
        ("a.json", "coco", b'{"images": [1]}', "broken"),
    ],
)
def test_what_is_wrong_with_a_file_has_a_code_for_every_language(
    world: World, name: str, format: str, content: bytes, code: str
) -> None:
    done = imported(world, world.project(images=1), content, format=format, name=name)

    assert (done.state, done.problem_code) == ("failed", code)


def moved(archive: bytes) -> bytes:
    """An archive whose files would lie before its beginning."""
    at = archive.rindex(b"PK\x05\x06")
    (offset,) = struct.unpack_from("<L", archive, at + 16)
    return archive[: at + 16] + struct.pack("<L", offset + 1_000) + archive[at + 20 :]


@pytest.mark.parametrize(
    ("name", "format", "content"),
    [
        ("a.xml", "cvat", b'<?xml version="1.0" encoding="utf-9"?><annotations/>'),
        ("a.zip", "yolo", moved(packed({"data.yaml": "names: [Owl]", "labels/a.txt": "0"}))),
        ("a.zip", "coco", moved(packed({"a.json": "{}"}))),
    ],
)
def test_what_a_file_breaks_in_its_parser_is_the_files_fault(
    world: World, name: str, format: str, content: bytes
) -> None:
    api = api_of(world)
    project = world.project(images=1)
    opened = world.open(project, ADMIN)
    made = world.services.imports.create(opened, NewImport(file_name=name), ADMIN)
    blob = layout.import_blob(project.project_id, made.import_id)
    world.storage.blobs.write(layout.IMPORTS, blob, content, content_type="application/zip")

    looked_at = api("GET", f"projects/{project.project_id}/imports/{made.import_id}")
    done = imported(world, project, content, format=format, name=name)

    assert looked_at.status == 200
    assert (done.state, done.problem_code) in (("failed", "broken"), ("failed", "no_zip"))


@pytest.mark.parametrize("number", ["nan", "inf", "-inf", "1e999", "1e300"])
@pytest.mark.parametrize("task_type", ["boxes", "polygons"])
def test_a_place_that_is_none_is_left_out_and_what_stands_beside_it_taken(
    world: World, number: str, task_type: TaskType
) -> None:
    project = world.project(images=2, task_type=task_type, classes=["Owl"])
    square = '"MULTIPOLYGON (((0.1 0.1, 0.5 0.1, 0.5 0.5, 0.1 0.1)))"'
    odd = f'"MULTIPOLYGON ((({number} 0.1, 0.5 0.1, 0.5 0.5, {number} 0.1)))"'
    kind = "box" if task_type == "boxes" else "polygon"
    table = (
        "path,class,kind,x0,y0,x1,y1,outline\n"
        f"img0000.png,Owl,{kind},"
        f"{number},0.1,0.5,0.5,{odd if task_type == 'polygons' else ''}\n"
        f"img0000.png,Owl,{kind},"
        f"0.1,0.1,0.5,0.5,{square if task_type == 'polygons' else ''}\n"
    )

    done = imported(world, project, table.encode(), format="csv", name="labels.csv")

    assert (done.state, done.saved, done.annotations) == ("done", 1, 1)
    assert sum(told.count for kind, told in done.found.items() if "unreadable" in kind) == 1


@pytest.mark.parametrize("size", ["nan", "inf", "-8"])
def test_an_image_of_no_size_is_another_than_is_meant(world: World, size: str) -> None:
    project = world.project(images=1, task_type="boxes", classes=["Owl"])
    file = f"""<annotations><image name="img0000.png" width="{size}" height="6">
        <box label="Owl" xtl="1" ytl="1" xbr="4" ybr="4"/></image></annotations>"""

    done = imported(world, project, file.encode(), format="cvat", name="labels.xml")

    assert (done.state, done.saved) == ("done", 0)
    assert done.left_out["other_size"].count == 1


def test_a_class_that_a_file_names_by_no_text_is_one_nobody_knows(world: World) -> None:
    archive = {
        "images.csv": "image,folder\nimg0000.png,0-Owl\n",
        "names.yaml": "folders: {0-Owl: ~}",
    }

    done = imported(
        world, world.project(images=1), packed(archive), format="yolo", name="labels.zip"
    )

    assert (done.state, done.unknown_classes) == ("done", {"None": 1})


def test_what_a_parser_says_of_a_file_is_told_in_one_line(world: World) -> None:
    file = b'{"images": [{"file_name": "\n\x01\xe2\x80\xa8a.jpg"}]}'

    done = imported(world, world.project(images=1), file, format="coco")

    assert done.problem_code == "broken"
    assert done.problem.isprintable()
    assert "  " not in done.problem


def test_a_file_of_no_known_format_is_asked_about(world: World) -> None:
    project = world.project(images=1)

    with pytest.raises(Invalid, match="say which"):
        begun(world, project, b"what is this")


def test_nothing_is_started_without_its_file(world: World) -> None:
    project = world.project(images=1)
    opened = world.open(project, ADMIN)
    made = world.services.imports.create(opened, NewImport(file_name="a.json"), ADMIN)

    with pytest.raises(Conflict, match="not there yet"):
        world.services.imports.start(opened, made.import_id, ImportOptions())


def test_the_format_is_guessed_when_the_file_is_there(world: World) -> None:
    project = world.project(images=1)
    opened, service = world.open(project, ADMIN), world.services.imports
    made = service.create(opened, NewImport(file_name="a.json"), ADMIN)
    before = service.get(project.project_id, made.import_id)
    blob = layout.import_blob(project.project_id, made.import_id)
    world.storage.blobs.write(layout.IMPORTS, blob, coco({}), content_type="application/json")
    after = service.get(project.project_id, made.import_id)

    assert (before.uploaded, before.guess) == (False, None)
    assert (after.uploaded, after.guess) == (True, "coco")


def test_deleting_an_import_stops_it_and_leaves_no_file(world: World) -> None:
    project = world.project(images=2)
    started = begun(world, project, coco({"img0000.png": ["Owl"]}))

    world.services.imports.delete(project.project_id, started.import_id)
    world.drain()

    assert counters(world, project)["state:available"] == 2
    assert not world.storage.blobs.list(layout.IMPORTS).blobs
    with pytest.raises(NotFound):
        world.services.imports.get(project.project_id, started.import_id)


@pytest.mark.parametrize("stage", ["before", "after"])
def test_a_kill_at_any_call_is_gone_on_from_and_counted_once(stage: str) -> None:
    file = coco({f"img{n:04d}.png": ["Emu" if n % 2 else "Owl"] for n in range(6)}, ("Emu", "Owl"))

    for at in range(1, 200):
        world = World()
        project = world.sharded(2, images=6)
        started = begun(world, project, file, unknown_classes="create")
        world.watch.kill(at, stage)
        try:
            world.drain()
        except Killed:
            world.watch.reset()
            world.drain()  # the host shows again the one message that was in work
            done = world.services.imports.get(project.project_id, started.import_id)
            assert (done.state, done.saved, done.new_classes) == ("done", 6, ["Emu"]), (at, done)
            assert counters(world, project)["state:labeled"] == 6
        else:
            return
    raise AssertionError("it never came to its end unharmed")


def test_all_shards_are_taken_in_at_once_each_part_in_one_message(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(imports, "PART_IMAGES", 2)
    project = world.sharded(4, images=40)
    started = begun(world, project, coco({f"img{n:04d}.png": ["Owl"] for n in range(40)}))
    handled: list[int | None] = []
    most_waiting = 0

    def handle(queue: str, message: Model) -> None:
        nonlocal most_waiting
        if isinstance(message, ImportStep):
            handled.append(message.part)
            most_waiting = max(most_waiting, len(world.storage.queues.sent[queue]))
        world.handle(queue, message)

    world.storage.queues.drain(handle)

    done = world.services.imports.get(project.project_id, started.import_id)
    assert sorted(one for one in handled if one is not None) == list(range(done.parts))
    assert most_waiting == 4
    assert (done.state, done.saved, done.taken) == ("done", 40, done.parts)


def test_messages_that_come_twice_and_in_any_order_are_counted_once(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(imports, "PART_IMAGES", 2)
    project = world.sharded(4, images=40)
    started = begun(world, project, coco({f"img{n:04d}.png": ["Owl"] for n in range(40)}))

    world.shuffle(7, world, world.other())

    done = world.services.imports.get(project.project_id, started.import_id)
    assert (done.state, done.saved, done.annotations) == ("done", 40, 40)
    assert counters(world, project)["state:labeled"] == 40


def test_an_import_begun_before_parts_were_taken_in_by_shard_goes_on(world: World) -> None:
    project = world.project(images=2)
    done = imported(world, project, coco({"img0000.png": ["Owl"]}))
    kept = done.model_dump(mode="json", exclude={"taken", "stretches", "uploaded", "guess"})

    before = Import.model_validate_json(json.dumps(kept | {"parts": 5, "next_part": 2}))

    assert (before.taken, before.following(None), before.following(1)) == (2, [2], [2])


@pytest.mark.parametrize("into", ["labels", "suggestions"])
def test_a_thousand_images_cost_some_calls_each_hundred(world: World, into: str) -> None:
    project = world.project(images=1_000)
    file = coco({f"img{n:04d}.png": ["Owl"] for n in range(1_000)})
    begun(world, project, file, into=into)
    world.watch.reset()

    world.drain()

    # Labels: two looks at a thousand rows, and a transaction for 24 images. Suggestions are read beside each
    # item, so that what a run said before is known.
    assert world.watch.calls < (80 if into == "labels" else 2_200)


def test_memory_does_not_grow_with_the_file(world: World) -> None:
    project = world.project(images=2)

    def peak(count: int) -> int:
        file = coco({f"elsewhere/{n:06d}.png": ["Owl", "Wren"] for n in range(count)})
        begun(world, project, file)
        tracemalloc.start()
        world.drain()
        most = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return most - len(file)  # storage in memory gives the file at once

    peak(10)
    assert peak(8_000) < peak(1_000) + 1_000_000
