from __future__ import annotations

import json
import tracemalloc
from typing import Any

import pytest

from labeling import layout
from labeling.errors import Conflict, Invalid, NotFound
from labeling.exchange.imports import Import, ImportOptions, ImportStep, NewImport
from labeling.ingest.refresh import BlobEvent
from labeling.projects.projects import Project
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


def begun(
    world: World, project: Project, content: bytes, *, name: str = "labels.json", **options: Any
) -> Import:
    """An import of a file, uploaded and started."""
    imports, opened = world.services.imports, world.open(project, ADMIN)
    made = imports.create(opened, NewImport(file_name=name), ADMIN)
    blob = layout.import_blob(project.project_id, made.import_id)
    world.storage.blobs.write(layout.IMPORTS, blob, content, content_type="application/json")
    return imports.start(opened, made.import_id, ImportOptions(**options))


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
    labeled, held = (one.item_id for one in task.items)
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
    names = [one.name for one in world.services.projects.get(project.project_id).classes]
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
    assert {one.prelabel.run_id for one in task.items if one.prelabel} == {done.options.run_id}


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
    assert done.saved == 0


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
    opened, imports = world.open(project, ADMIN), world.services.imports
    made = imports.create(opened, NewImport(file_name="a.json"), ADMIN)
    before = imports.get(project.project_id, made.import_id)
    blob = layout.import_blob(project.project_id, made.import_id)
    world.storage.blobs.write(layout.IMPORTS, blob, coco({}), content_type="application/json")
    after = imports.get(project.project_id, made.import_id)

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
        steps = [
            ImportStep(project_id=project.project_id, import_id=started.import_id, part=part)
            for part in (None, 0, 1, 2)
        ]
        world.watch.kill(at, stage)
        try:
            world.drain()
        except Killed:
            world.watch.reset()
            for _ in steps:  # whichever of them the host shows again
                for step in steps:
                    world.services.imports.on_step(step)
            world.drain()
            done = world.services.imports.get(project.project_id, started.import_id)
            assert (done.state, done.saved, done.new_classes) == ("done", 6, ["Emu"]), (at, done)
            assert counters(world, project)["state:labeled"] == 6
        else:
            return
    raise AssertionError("it never came to its end unharmed")


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
