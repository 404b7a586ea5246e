"""Exports of what each person said, and of images in other states than labeled."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import pytest

from labeling.errors import Invalid
from labeling.exchange.exports import Export
from labeling.projects.access import Caller
from labeling.projects.record import Project
from labeling.review import RejectRequest
from labeling.tasks.views import TaskItem
from tests.labeling.exchange.test_exports import ask, coco, data, made
from tests.world import World, decided, person, tag

ANN, BOB = person("ann").user, person("bob").user
EACH: dict[str, Any] = {"labelings": "each", "states": ["labeled", "needs_review", "available"]}


Said = tuple[str, str, str]
"""Image, class and person."""


@dataclass(frozen=True)
class Birds:
    """Ann and bob agree on the first image, not on the second; bob alone has labeled the third."""

    world: World
    project: Project
    images: Sequence[TaskItem]
    ann: Caller

    @property
    def said(self) -> set[Said]:
        first, second, third, _ = (image.path for image in self.images)
        return {
            (first, "Owl", ANN),
            (first, "Owl", BOB),
            (second, "Owl", ANN),
            (second, "Robin", BOB),
            (third, "Wren", BOB),
        }

    def export(self, moment: datetime | None = None, **options: Any) -> set[Said]:
        return told(self, made(self.world, self.project, moment, options=EACH | options))


@pytest.fixture
def birds(world: World) -> Birds:
    project = world.sharded(1, images=4, overlap=2)
    ann, bob = world.member(project, "ann"), world.member(project, "bob")
    mine = world.task(project, ann, size=2)
    world.label(project, ann, mine)
    yours = world.task(project, bob)
    both = {item.item_id for item in mine.items}
    images = sorted(yours.items, key=lambda item: item.item_id not in both)
    said = [
        decided(image.item_id, tag(id))
        for image, id in zip(images, ("c1", "c2", "c3"), strict=False)
    ]
    world.submit(project, bob, yours.task_id, *said)
    world.wait(60)
    return Birds(world, project, images, ann)


def told(birds: Birds, export: Export) -> set[Said]:
    """What the annotations of a COCO file say."""
    content = coco(birds.world, birds.project, export)
    names = {category["id"]: category["name"] for category in content["categories"]}
    files = {image["id"]: image["file_name"] for image in content["images"]}
    assert len(set(files.values())) == len(files), "each image once"
    return {
        (
            files[annotation["image_id"]],
            names[annotation["category_id"]],
            annotation["labelry_annotator"],
        )
        for annotation in content["annotations"]
    }


def test_what_each_person_said_is_told_beside_their_name(birds: Birds) -> None:
    export = made(birds.world, birds.project, options=EACH)

    assert told(birds, export) == birds.said
    assert (export.exported, export.annotations, export.omitted) == (3, 5, {"available": 1})
    images = coco(birds.world, birds.project, export)["images"]
    assert sorted(len(image["labelry_annotators"]) for image in images) == [1, 2, 2]


def test_a_table_has_a_row_for_each_of_them(birds: Birds) -> None:
    export = made(birds.world, birds.project, format="csv", options=EACH)

    text = data(birds.world, birds.project, export, "csv/labels.csv").decode("utf-8-sig")
    rows = csv.DictReader(io.StringIO(text))
    assert {(row["path"], row["class"], row["labeler"]) for row in rows} == birds.said


def test_people_and_states_are_chosen_of_what_each_said(birds: Birds) -> None:
    assert birds.export(labelers=[ANN]) == {said for said in birds.said if said[2] == ANN}
    wrens = {said for said in birds.said if said[1] == "Wren"}
    assert birds.export(states=["available"]) == wrens
    assert birds.export(states=["labeled", "needs_review"]) == birds.said - wrens


def test_a_moment_is_shown_as_it_was_whatever_was_said_or_sent_back_since(birds: Birds) -> None:
    world, project = birds.world, birds.project
    moment = world.clock.now()
    world.wait(60)
    world.label(project, birds.ann, world.task(project, birds.ann, size=1), "c2")
    boss = world.member(project, "boss", "reviewer")
    sent_back = birds.images[0]
    world.services.review.reject(
        world.open(project, boss, "reviewer"),
        RejectRequest(item_ids=[sent_back.item_id], reason="look again"),
        by=boss.user,
    )
    world.wait(60)

    assert birds.export(moment) == birds.said
    now = birds.export()
    assert {said for said in birds.said if said[0] == sent_back.path} == birds.said - now
    assert [(name, who) for _, name, who in now - birds.said] == [("Robin", ANN)]


def test_a_version_has_what_each_said_then(birds: Birds) -> None:
    world, project = birds.world, birds.project
    version = made(world, project, name="before")
    world.label(project, birds.ann, world.task(project, birds.ann, size=1), "c2")

    again = made(world, project, version=version.export_id, options=EACH)

    assert told(birds, again) == birds.said


def test_formats_that_know_no_people_refuse_them(birds: Birds) -> None:
    with pytest.raises(Invalid, match="choose one of coco, csv"):
        ask(birds.world, birds.project, format="cvat", options={"labelings": "each"})


def test_one_person_an_image_is_that_person(world: World) -> None:
    project = world.project(images=1)
    ann = world.member(project, "ann")
    world.label(project, ann, world.task(project, ann))
    world.wait(60)

    export = made(world, project, options={"labelings": "each"})

    content = coco(world, project, export)
    assert [annotation["labelry_annotator"] for annotation in content["annotations"]] == [ANN]


def test_labels_that_wait_for_a_reviewer_are_exported_when_chosen(world: World) -> None:
    project = world.project(images=2)
    ann = world.member(project, "ann")
    task = world.task(project, ann, size=2)
    unsure, sure = (decided(item.item_id, tag("c1")) for item in task.items)
    world.submit(project, ann, task.task_id, unsure | {"outcome": "needs_review"}, sure)
    world.wait(60)

    usual, both, one = (
        made(world, project, options={"states": states} if states else {})
        for states in ([], ["labeled", "needs_review"], ["needs_review"])
    )

    assert (usual.exported, usual.omitted) == (1, {"needs_review": 1})
    assert (both.exported, both.omitted) == (2, {})
    assert (one.exported, one.omitted) == (1, {"not_chosen": 1})
