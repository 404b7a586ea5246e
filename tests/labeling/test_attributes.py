"""Attributes of classes, from setting them to what an export has."""

from __future__ import annotations

import json
from typing import Any

import pytest

from labeling import layout
from labeling.annotations.attributes import Attribute
from labeling.assist.prelabels import PrelabelEnvelope
from labeling.errors import Invalid
from labeling.exchange.exports import NewExport
from labeling.exchange.imports import ImportOptions, NewImport
from labeling.items.records import Outcome
from labeling.projects.record import ClassChange, Project
from labeling.quality.overlap import Overlap
from labeling.tasks.submissions import SubmitAnswer
from tests.world import ADMIN, World, box, decided, tag

MOOD = Attribute(name="mood", kind="choice", choices=["calm", "wild"], required=True)
SEEN = Attribute(name="seen", kind="yes_no")


@pytest.fixture
def world() -> World:
    return World()


def asking(world: World, project: Project, *attributes: Attribute) -> Project:
    """A project whose first class has these attributes now."""
    now = world.services.projects.get(project.project_id)
    change = ClassChange(attributes=list(attributes))
    return world.services.projects.change_class(
        now.project_id, "c1", change, version=now.classes_version
    )


def said(shape: dict[str, Any], **attributes: Any) -> dict[str, Any]:
    return {**shape, "attributes": attributes}


def submitted(
    world: World, project: Project, shape: dict[str, Any], outcome: Outcome = "labeled"
) -> SubmitAnswer:
    """What is answered to somebody who says that of the next image."""
    ann = world.member(project, "ann")
    task = world.task(project, ann, size=1)
    decision = decided(task.items[0].item_id, shape, outcome=outcome)
    return world.submit(project, ann, task.task_id, decision)


@pytest.mark.parametrize(("task_type", "shape"), [("multiclass", tag()), ("boxes", box())])
def test_what_is_said_of_an_attribute_is_kept_and_exported(
    world: World, task_type: Any, shape: dict[str, Any]
) -> None:
    project = asking(world, world.project(images=1, task_type=task_type), MOOD, SEEN)

    answer = submitted(world, project, said(shape, mood="wild", seen=False))
    world.wait(1)
    export = exported(world, project)

    assert [result.status for result in answer.results] == ["saved"]
    assert [annotation["attributes"] for annotation in export["annotations"]] == [
        {"mood": "wild", "seen": False}
    ]


def exported(world: World, project: Project) -> Any:
    """The COCO file of a project as it is now."""
    opened = world.open(project, ADMIN)
    made = world.services.exports.create(
        opened, NewExport(format="coco"), by=ADMIN.user, idempotency_key=None
    )
    world.drain()
    blob = layout.export_blob(project.project_id, made.export_id, "coco/annotations.json")
    return json.loads(world.storage.blobs.read(layout.EXPORTS, blob))


@pytest.mark.parametrize(
    ("attributes", "pointer", "code"),
    [
        ({}, "/items/0/annotations/0/attributes", "missing-attribute"),
        ({"mood": "shy"}, "/items/0/annotations/0/attributes/mood", "unfit-attribute"),
        ({"mood": "calm", "age": 2}, "/items/0/annotations/0/attributes/age", "unknown-attribute"),
        ({"mood": None}, "/items/0/annotations/0/attributes/mood", "unfit-attribute"),
    ],
)
def test_what_does_not_fit_is_refused_with_a_pointer_to_it(
    world: World, attributes: dict[str, Any], pointer: str, code: str
) -> None:
    project = asking(world, world.project(images=1), MOOD)

    with pytest.raises(Invalid) as error:
        submitted(world, project, said(tag(), **attributes))

    assert [(fault.pointer, fault.code) for fault in error.value.faults] == [(pointer, code)]


def test_who_asks_a_reviewer_may_leave_out_what_is_required(world: World) -> None:
    project = asking(world, world.project(images=1), MOOD)

    answer = submitted(world, project, tag(), "needs_review")

    assert [result.status for result in answer.results] == ["saved"]


def test_labels_keep_what_was_said_of_an_attribute_that_is_gone(world: World) -> None:
    project = asking(world, world.project(images=1), SEEN)
    submitted(world, project, said(tag(), seen=True))

    project = asking(world, project)
    world.wait(1)

    assert [class_.attributes for class_ in project.classes] == [[], [], []]
    assert [annotation["attributes"] for annotation in exported(world, project)["annotations"]] == [
        {"seen": True}
    ]


def test_a_change_of_the_name_leaves_the_attributes(world: World) -> None:
    project = asking(world, world.project(images=1), MOOD)

    renamed = world.services.projects.change_class(
        project.project_id, "c1", ClassChange(name="Eagle"), version=project.classes_version
    )

    assert (renamed.classes[0].name, renamed.classes[0].attributes) == ("Eagle", [MOOD])


def test_suggestions_may_say_some_of_the_attributes(world: World) -> None:
    project = asking(world, world.project(images=2), MOOD, SEEN)
    paths = ("img0000.png", "img0001.png")
    items = [
        {"path": path, "annotations": [{"class": "owl", "attributes": one}]}
        for path, one in zip(paths, ({"seen": True}, {"seen": "no"}), strict=True)
    ]

    opened = world.open(project, ADMIN)
    batch = PrelabelEnvelope(run_id="r1", items=items)
    saved, refused = world.services.prelabels.put(opened, batch, by=ADMIN.user).results

    assert (saved.status, refused.status) == ("saved", "refused")
    assert refused.problem
    assert refused.problem.pointer == "/items/1/annotations/0/attributes/seen"
    task = world.task(project, world.member(project, "ann"), size=1)
    assert task.items[0].prelabel
    assert task.items[0].prelabel.annotations[0].attributes == {"seen": True}


def test_an_import_takes_attributes_that_the_class_has_and_tells_of_others(world: World) -> None:
    project = asking(world, world.project(images=1), MOOD, SEEN)
    attributes = {"Mood": "Wild", "seen": "yes", "occluded": False}
    record = {"id": 1, "image_id": 1, "category_id": 1, "attributes": attributes}
    file = {
        "images": [{"id": 1, "file_name": "img0000.png", "width": 8, "height": 6}],
        "categories": [{"id": 1, "name": "Owl"}],
        "annotations": [record],
    }

    imports, opened = world.services.imports, world.open(project, ADMIN)
    made = imports.create(opened, NewImport(file_name="labels.json"), ADMIN)
    blob = layout.import_blob(project.project_id, made.import_id)
    content = json.dumps(file).encode()
    world.storage.blobs.write(layout.IMPORTS, blob, content, content_type="application/json")
    imports.start(opened, made.import_id, ImportOptions(into="labels"))
    world.drain()
    world.wait(1)

    done = imports.get(project.project_id, made.import_id)
    assert (done.saved, {kind: told.count for kind, told in done.found.items()}) == (
        1,
        {"attribute": 1},
    )
    [kept] = exported(world, project)["annotations"]
    assert kept["attributes"] == {"mood": "wild", "seen": True}


def test_several_people_agree_on_attributes_too(world: World) -> None:
    project = world.sharded(1, images=1, overlap=3)
    project = asking(world, project, SEEN)

    for name, seen in (("ann", True), ("ben", False), ("cid", True)):
        who = world.member(project, name)
        task = world.task(project, who, size=1)
        decision = decided(task.items[0].item_id, said(tag(), seen=seen))
        world.submit(project, who, task.task_id, decision)
    world.wait(1)

    assert [annotation["attributes"] for annotation in exported(world, project)["annotations"]] == [
        {"seen": True}
    ]


def test_a_project_is_made_with_as_many_people_an_image_as_asked_for(world: World) -> None:
    project = world.project(images=1, overlap=Overlap(labelers=2))

    assert project.overlap.labelers == 2
    assert [len(item.lanes) for item in world.items(project).values()] == [2]
