"""Classes that are merged, and one change made of many images: by messages that may come twice, or be lost."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest

from labeling import layout
from labeling.errors import Invalid
from labeling.exchange.exports import NewExport
from labeling.projects.access import Caller
from labeling.projects.record import Project
from labeling.review import ItemFilter, RevertRequest
from labeling.sweeps import NewSweep, Sweep, SweepOn
from labeling.tasks.messages import ReopenRequest
from tests.labeling.assist.test_doubts import doubt, model
from tests.world import ADMIN, Killed, World, box, decided


def merge(world: World, project: Project, class_id: str = "c1", into: str = "c2") -> Sweep:
    version = world.services.projects.get(project.project_id).classes_version
    own = world.services
    own.projects.merge_class(project.project_id, class_id, into, version=version)
    begun = own.sweeps.merge(world.open(project, ADMIN), class_id, into, by=ADMIN.user)
    world.wait(10.1)
    world.drain()
    return own.sweeps.get(project.project_id, begun.sweep_id)


def sweep(world: World, project: Project, wanted: ItemFilter, **do: Any) -> Sweep:
    new = NewSweep.model_validate({"sweep_id": f"s-{do['what']}", "filter": wanted, "do": do})
    world.wait(1)
    world.services.sweeps.start(world.open(project, ADMIN), new, by=ADMIN.user)
    world.drain()
    return world.services.sweeps.get(project.project_id, new.sweep_id)


def labeled(world: World, shards: int = 2, images: int = 24, **more: Any) -> tuple[Project, Caller]:
    project = world.sharded(shards, images=images, **more)
    ann = world.member(project, "ann")
    for number in range(images - 4):
        task = world.task(project, ann, size=1)
        world.label(project, ann, task, f"c{1 + number % 2}")
    return project, ann


def class_of(world: World, project: Project, item_id: str) -> list[str]:
    return world.services.review.get(world.open(project, ADMIN), item_id).classes


def test_labels_of_a_class_become_those_of_another_with_history_and_counters() -> None:
    world = World()
    project, _ = labeled(world)

    done = merge(world, project)

    assert done.finished_at
    assert (done.items, done.looked, done.done) == (24, 24, 10)
    counters = world.counters(project)
    assert counters == world.recount(project)
    assert (counters.get("class:c1", 0), counters["class:c2"]) == (0, 20)
    opened = world.open(project, ADMIN)
    labels = {
        item.classes[0]
        for item in world.services.review.list(opened, ItemFilter(state="labeled", limit=200)).items
    }
    assert labels == {"c2"}
    page = world.services.review.list(opened, ItemFilter(class_id="c2", limit=200)).items
    whats = [
        [entry.what for entry in world.services.review.history(opened, item.item_id).items]
        for item in page
    ]
    assert sorted(whats) == [["submitted"]] * 10 + [["submitted", "merged"]] * 10


def test_an_editor_opened_before_maps_the_old_class_and_loses_nothing() -> None:
    world = World()
    project, ann = labeled(world)
    task = world.task(project, ann, size=1)
    merge(world, project)
    world.wait(6)

    world.label(project, ann, task, "c1")

    item_id = task.items[0].item_id
    assert class_of(world, project, item_id) == ["c2"]
    assert world.counters(project) == world.recount(project)


def test_a_correction_in_hand_shows_the_other_class_and_is_saved() -> None:
    world = World()
    project = world.sharded(1, images=3, task_type="boxes")
    ann = world.member(project, "ann")
    task = world.task(project, ann, size=1)
    item_id = task.items[0].item_id
    twice = [box(), {**box(), "class_id": "c2", "annotation_id": "a2"}]
    world.submit(project, ann, task.task_id, decided(item_id, *twice))
    tasks = world.services.tasks
    again = tasks.reopen(
        world.open(project, ann), ann, task.task_id, ReopenRequest(request_id="again")
    ).task
    assert again
    merge(world, project)

    shown = tasks.get(world.open(project, ann), ann, again.task_id).items[0].annotations or []
    assert [annotation.class_id for annotation in shown] == [
        "c2"
    ]  # two in the same place were one too many
    world.submit(project, ann, again.task_id, decided(item_id, *twice))
    assert world.counters(project)["instances:c2"] == 1
    assert world.counters(project) == world.recount(project)


def test_what_several_people_said_is_judged_anew() -> None:
    world = World()
    project = world.sharded(1, images=1, overlap=2)
    ann, bob = world.member(project, "ann"), world.member(project, "bob")
    world.label(project, ann, world.task(project, ann, size=1), "c1")
    world.label(project, bob, world.task(project, bob, size=1), "c2")
    [item] = world.items(project).values()
    assert item.state == "needs_review"

    merge(world, project)

    [item] = world.items(project).values()
    assert (item.state, dict(item.classes)) == ("labeled", {"c2": 1})
    assert world.counters(project) == world.recount(project)
    assert world.services.review.get(world.open(project, ADMIN), item.item_id).annotations


@pytest.mark.parametrize("stage", ["before", "after"])
def test_a_merge_that_is_cut_short_anywhere_goes_on(stage: str) -> None:
    at = 0
    while True:
        at += 1
        world = World()
        project, _ = labeled(world, shards=1, images=8)
        message = SweepOn(project_id=project.project_id, sweep_id="merge-c1-c2", shard=0)
        own = world.services
        own.projects.merge_class(project.project_id, "c1", "c2", version=1)
        own.sweeps.merge(world.open(project, ADMIN), "c1", "c2", by=ADMIN.user)
        world.watch.kill(at, stage)
        try:
            own.sweeps.on_sweep(message)
            killed = False
        except Killed:
            killed = True
        world.watch.reset()
        world.wait(10.1)
        world.drain()
        assert own.sweeps.get(project.project_id, "merge-c1-c2").finished_at
        assert world.counters(project).get("class:c1", 0) == 0
        assert world.counters(project) == world.recount(project)
        if not killed:
            return


def test_exports_know_the_other_class_only() -> None:
    world = World()
    project, _ = labeled(world)
    own = world.services
    own.projects.merge_class(project.project_id, "c1", "c2", version=1)
    world.wait(1)
    opened = world.open(project, ADMIN)

    made = own.exports.create(opened, NewExport(format="coco"), by="boss", idempotency_key=None)
    world.drain()

    made = own.exports.get(project.project_id, made.export_id)
    name = next(file.name for file in made.files if file.name.endswith("annotations.json"))
    place = f"{project.project_id}/{made.export_id}/{name}"
    coco = json.loads(world.storage.blobs.read("exports", place))
    assert [category["name"] for category in coco["categories"]] == ["Robin", "Wren"]
    assert {annotation["category_id"] for annotation in coco["annotations"]} == {1}


def test_all_that_a_filter_means_is_approved_but_what_changed_since() -> None:
    world = World()
    project, ann = labeled(world)
    new = NewSweep.model_validate(
        {"sweep_id": "s1", "filter": {"class_id": "c1"}, "do": {"what": "approve"}}
    )
    world.wait(1)
    world.services.sweeps.start(world.open(project, ADMIN), new, by=ADMIN.user)
    world.wait(1)
    world.label(project, ann, world.task(project, ann, size=1), "c1")

    world.drain()

    done = world.services.sweeps.get(project.project_id, "s1")
    assert done.finished_at
    assert (done.done, done.left) == (10, {"changed": 1})
    assert world.counters(project)["review:approved"] == 10
    world.services.sweeps.start(world.open(project, ADMIN), new, by=ADMIN.user)
    world.drain()
    assert world.services.sweeps.get(project.project_id, "s1") == done


def test_days_and_suggestions_mean_the_same_images_to_a_sweep_as_to_a_list() -> None:
    world = World()
    project, ann = labeled(world)
    world.wait(86_400)
    world.label(project, ann, world.task(project, ann, size=1))
    opened = world.open(project, ADMIN)
    wanted = ItemFilter(labeled_to=(world.clock.now() - timedelta(days=1)).date(), suggested=False)

    done = sweep(world, project, wanted, what="approve")

    assert done.done == 20
    approved = world.services.review.list(opened, ItemFilter(approved=True, limit=200)).items
    meant = world.services.review.list(opened, wanted.model_copy(update={"limit": 200})).items
    assert {one.item_id for one in approved} == {one.item_id for one in meant}


def test_all_that_a_filter_means_is_sent_back_with_a_reason() -> None:
    world = World()
    project, ann = labeled(world)

    done = sweep(
        world, project, ItemFilter(state="labeled"), what="reject", reason="too dark", front=True
    )

    assert (done.done, done.left) == (20, {})
    assert world.counters(project)["state:available"] == 24
    assert world.counters(project) == world.recount(project)
    world.wait(6)
    returned = world.task(project, ann, size=1).items[0].returned
    assert returned
    assert returned.reason == "too dark"


def test_what_waits_is_put_first_or_left_out() -> None:
    world = World()
    project, _ = labeled(world)
    wanted = ItemFilter(state="available", name="IMG")

    first = sweep(world, project, wanted, what="first")
    out = sweep(world, project, wanted, what="leave_out", reason="blurred")

    assert (first.done, out.done) == (4, 4)
    assert world.counters(project)["state:excluded"] == 4
    assert world.counters(project) == world.recount(project)


def test_all_that_a_filter_means_says_another_class_in_place() -> None:
    world = World()
    project, _ = labeled(world)

    done = sweep(world, project, ItemFilter(class_id="c1"), what="relabel", into="c3")

    assert (done.what, done.into, done.done) == ("relabel", "c3", 10)
    counters = world.counters(project)
    assert (counters.get("class:c1", 0), counters["class:c2"], counters["class:c3"]) == (0, 10, 10)
    assert counters["labeler:ann"] == 20, "it stays the work of who labeled it"
    assert counters == world.recount(project)


def test_labels_become_what_they_were_at_a_moment_even_if_they_were_sent_back() -> None:
    world = World()
    project, _ = labeled(world)
    world.wait(1)
    moment = world.clock.now()
    sweep(world, project, ItemFilter(class_id="c1"), what="relabel", into="c2")
    sweep(world, project, ItemFilter(state="labeled"), what="reject", reason="a mistake")

    done = sweep(world, project, ItemFilter(), what="revert", before=moment)

    assert (done.done, done.left) == (20, {"no_earlier": 4})
    counters = world.counters(project)
    assert (counters["class:c1"], counters["class:c2"], counters["state:labeled"]) == (10, 10, 20)
    assert counters == world.recount(project)
    world.wait(6)
    ann = world.member(project, "ann")
    assert len(world.finish(project, ann)) == 4, "nobody is asked about the others again"


def test_without_a_moment_labels_become_what_they_were_before() -> None:
    world = World()
    project, _ = labeled(world, images=6)
    wanted = ItemFilter(class_id="c1")
    sweep(world, project, wanted, what="relabel", into="c2")

    opened = world.open(project, ADMIN)
    page = world.services.review.list(opened, ItemFilter(state="labeled", limit=200)).items
    request = RevertRequest(item_ids=[*(line.item_id for line in page), "nowhere"])
    became = world.services.review.revert(opened, request, by="boss").results

    assert sorted(result.status for result in became) == ["done", "no_earlier", "unknown"]
    assert world.counters(project)["class:c1"] == 1
    assert world.counters(project) == world.recount(project)


def test_what_several_people_agreed_on_is_relabeled_and_reverted_as_a_reviewers_choice() -> None:
    world = World()
    project = world.sharded(1, images=1, overlap=2)
    for name in ("ann", "bob"):
        who = world.member(project, name)
        world.label(project, who, world.task(project, who, size=1), "c1")
    [item] = world.items(project).values()

    sweep(world, project, ItemFilter(), what="relabel", class_id="c1", into="c2")
    assert class_of(world, project, item.item_id) == ["c2"]
    merge(world, project, "c1", "c3")
    assert class_of(world, project, item.item_id) == ["c2"]
    assert world.counters(project) == world.recount(project)


def test_labels_that_the_model_disagrees_with_are_meant_as_one_model_saw_them() -> None:
    world = World()
    project, _ = labeled(world, images=10)
    opened = world.open(project, ADMIN)
    page = world.services.review.list(opened, ItemFilter(class_id="c1")).items
    doubted = [line.item_id for line in page[:2]]
    model(world, project, "run-a", [doubt(one) for one in doubted])
    new = NewSweep.model_validate(
        {
            "sweep_id": "s1",
            "filter": {"disagrees": True, "state": "labeled"},
            "do": {"what": "relabel", "into": "c2"},
        }
    )
    world.wait(1)
    world.services.sweeps.start(opened, new, by=ADMIN.user)
    model(world, project, "run-b", [])

    world.drain()

    assert world.services.sweeps.get(project.project_id, "s1").done == 2
    assert [class_of(world, project, one) for one in doubted] == [["c2"], ["c2"]]
    assert world.counters(project) == world.recount(project)


def test_a_sweep_that_came_to_a_stop_goes_on_when_it_is_told_to() -> None:
    world = World()
    project, _ = labeled(world)
    new = NewSweep.model_validate({"sweep_id": "s1", "filter": {}, "do": {"what": "approve"}})
    world.wait(1)
    begun = world.services.sweeps.start(world.open(project, ADMIN), new, by=ADMIN.user)
    assert begun.moved_at == begun.created_at
    world.storage.queues.sent[layout.SWEEP_QUEUE].clear()
    world.drain()
    assert world.services.sweeps.get(project.project_id, "s1").finished_at is None

    for _ in range(2):
        world.services.sweeps.resume(project.project_id, "s1")
    world.wait(5)
    world.drain()

    done = world.services.sweeps.get(project.project_id, "s1")
    assert (done.done, done.finished_at) == (20, done.moved_at)


def test_nobody_can_relabel_into_a_class_that_is_not_given() -> None:
    world = World()
    project, _ = labeled(world, images=5)
    world.services.projects.merge_class(project.project_id, "c1", "c2", version=1)
    world.wait(6)

    for do in ({"into": "c1"}, {"into": "c9"}, {"class_id": "c9", "into": "c2"}):
        with pytest.raises(Invalid):
            sweep(world, project, ItemFilter(), what="relabel", **do)


def test_sweeps_and_exports_of_a_project_are_listed_each_for_themselves() -> None:
    world = World()
    project, _ = labeled(world)
    opened = world.open(project, ADMIN)
    export = world.services.exports.create(
        opened, NewExport(name="v1"), by=ADMIN.user, idempotency_key=None
    )
    swept = sweep(world, project, ItemFilter(state="labeled"), what="approve")

    listed = world.services.sweeps.all(project.project_id).items
    assert [one.sweep_id for one in listed] == [swept.sweep_id]
    exports = world.services.exports.all(project.project_id)
    assert [item.export_id for item in exports.items] == [export.export_id]
