"""Several people an image, from setting it to what a reviewer decides."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from pydantic import ValidationError

from labeling.errors import Conflict, Invalid, NotFound
from labeling.exchange.exports import NewExport
from labeling.progress import Agreement
from labeling.projects.access import Caller
from labeling.projects.record import Project, ProjectChange
from labeling.quality.overlap import Overlap
from labeling.review import ItemFilter, ResolveRequest
from labeling.sweeps import Approving, NewSweep
from labeling.tasks.messages import TaskRequest
from tests.world import World, box, decided, person, photo, tag


@pytest.fixture
def world() -> World:
    return World()


def asked(world: World, project: Project, **overlap: Any) -> Project:
    """A project of which the overlap was changed in the page, and that is through with it."""
    now = world.services.projects.get(project.project_id)
    change = ProjectChange(overlap=Overlap(**overlap))
    world.services.projects.patch(project.project_id, change, version=now.version)
    changed = world.services.projects.get(project.project_id)
    world.services.asking.start(changed)
    world.drain()
    return changed


def says(world: World, project: Project, caller: Caller, *annotations: dict[str, Any]) -> str:
    """Somebody says the same of the next image they get."""
    task = world.task(project, caller, size=1)
    [item] = task.items
    world.submit(project, caller, task.task_id, decided(item.item_id, *annotations))
    return item.item_id


def agreement(world: World, project: Project) -> Agreement:
    opened = world.open(project, person("boss"), "reviewer")
    found = world.services.progress.get(opened).agreement
    assert found is not None
    return found


def states(world: World, project: Project) -> list[str]:
    return [item.state for item in world.items(project).values()]


def reviewed(world: World, project: Project) -> Project:
    world.member(project, "boss", "admin")
    return project


def test_a_project_made_before_people_could_disagree_is_read(world: World) -> None:
    project = world.sharded(1, images=1)
    old = project.model_dump(mode="json") | {"overlap": 3}

    assert Project.model_validate(old).overlap == Overlap(labelers=3)


def test_images_nobody_has_begun_are_for_as_many_as_the_setting_says(world: World) -> None:
    project = world.sharded(2, images=40)
    ann = world.member(project, "ann")
    world.label(project, ann, world.task(project, ann, size=4))
    held = world.task(project, ann, size=3)

    asked(world, project, labelers=2)

    places = [len(item.lanes) for item in world.items(project).values()]
    assert (places.count(1), places.count(2)) == (7, 33)
    assert world.counters(project) == world.recount(project)
    world.label(project, ann, held)
    asked(world, project, labelers=1)
    assert {len(item.lanes) for item in world.items(project).values()} == {1}
    assert world.counters(project) == world.recount(project)


def test_what_was_begun_by_several_is_finished_by_them_when_fewer_are_asked(world: World) -> None:
    project = world.sharded(1, images=30)
    ann, ben = world.member(project, "ann"), world.member(project, "ben")
    asked(world, project, labelers=5)
    for _ in range(2):
        world.label(project, ann, world.task(project, ann, size=24))

    asked(world, project, labelers=1)

    begun = [item for item in world.items(project).values() if len(item.lanes) == 5]
    assert len(begun) == 24
    theirs = [world.task(project, ben, size=24) for _ in range(3)]
    assert sum(len(task.items) for task in theirs) == 30
    for task in theirs:
        world.label(project, ben, task)
    assert world.counters(project) == world.recount(project)


def test_images_that_five_people_labeled_are_started_over(world: World) -> None:
    project = world.sharded(1, images=12, overlap=5)
    for name in ("ann", "bob", "cid", "dot", "eve"):
        labeler = world.member(project, name)
        world.label(project, labeler, world.task(project, labeler, size=12))
    items = world.services.projects.items(project)

    items.start_over(0, "", keep=False, before_version=2, by="boss", limit=12)

    assert states(world, project) == ["available"] * 12
    assert world.counters(project) == world.recount(project)


def test_a_page_chosen_before_more_people_were_asked_still_fits_a_transaction(
    world: World,
) -> None:
    project = world.sharded(1, images=30)
    ann = world.member(project, "ann")
    early = world.open(project, ann)
    asked(world, project, labelers=5)

    request = TaskRequest(request_id="r-early", size=24)
    answer = world.services.tasks.hand_out(early, ann, request)

    assert answer.task is not None
    assert 12 <= len(answer.task.items) < 24


def test_nobody_decides_by_a_name_that_storage_could_not_even_keep(world: World) -> None:
    project = reviewed(world, world.sharded(1, images=1, overlap=2))
    item_id = says(world, project, world.member(project, "ann"), tag())
    opened = world.open(project, person("boss"), "reviewer")
    world.watch.reset()

    nobody = ResolveRequest(labeler="\x01/\t#")
    with pytest.raises(NotFound):
        world.services.review.resolve(opened, item_id, nobody, by="boss")

    assert world.watch.calls == 1  # of the item, and none with that name in it


def test_a_share_of_the_images_is_for_several(world: World) -> None:
    project = world.sharded(1, images=60)

    asked(world, project, labelers=3, share=0.5)

    places = [len(item.lanes) for item in world.items(project).values()]
    assert 15 < places.count(3) < 45
    assert places.count(1) == 60 - places.count(3)


def test_what_two_people_agree_on_is_the_label(world: World) -> None:
    project = reviewed(world, world.sharded(1, images=1, overlap=2))
    item_id = says(world, project, world.member(project, "ann"), tag("c1"))
    assert states(world, project) == ["available"]

    says(world, project, world.member(project, "bob"), tag("c1"))

    view = world.services.review.get(world.open(project, person("boss"), "reviewer"), item_id)
    assert (view.state, [annotation.class_id for annotation in view.annotations or []]) == (
        "labeled",
        ["c1"],
    )
    assert world.counters(project)["class:c1"] == 1
    found = agreement(world, project)
    assert (found.agreed, found.disputed) == (1, 0)
    assert {labeler.user: labeler.share for labeler in found.labelers} == {"ann": 1.0, "bob": 1.0}


def test_where_two_disagree_a_reviewer_takes_what_one_of_them_said(world: World) -> None:
    project = reviewed(world, world.sharded(1, images=1, overlap=2))
    item_id = says(world, project, world.member(project, "ann"), tag("c1"))
    says(world, project, world.member(project, "bob"), tag("c2"))
    assert states(world, project) == ["needs_review"]
    opened = world.open(project, person("boss"), "reviewer")

    said = world.services.review.opinions(opened, item_id).items
    done = world.services.review.resolve(opened, item_id, ResolveRequest(labeler="bob"), by="boss")

    assert [(opinion.name, opinion.annotations[0].class_id) for opinion in said] == [
        ("Ann", "c1"),
        ("Bob", "c2"),
    ]
    assert done.status == "done"
    view = world.services.review.get(opened, item_id)
    assert (view.state, [annotation.class_id for annotation in view.annotations or []]) == (
        "labeled",
        ["c2"],
    )
    assert world.counters(project) == world.recount(project)
    assert (agreement(world, project).agreed, agreement(world, project).disputed) == (0, 1)
    history = world.services.review.history(opened, item_id).items
    assert [entry.what for entry in history] == ["submitted", "submitted", "disputed", "resolved"]


def test_a_reviewer_takes_what_two_have_in_common_and_leaves_the_rest(world: World) -> None:
    project = reviewed(world, world.sharded(1, images=1, overlap=2, task_type="boxes"))
    common, extra = box(0.1, 0.1, 0.5, 0.5), box(0.6, 0.6, 0.9, 0.9) | {"annotation_id": "b2"}
    item_id = says(world, project, world.member(project, "ann"), common, extra)
    says(world, project, world.member(project, "bob"), common)
    opened = world.open(project, person("boss"), "reviewer")
    seen = world.services.review.opinions(opened, item_id)
    assert seen.merged
    assert [len(one.shared) for one in seen.items] == [1, 1]

    merge = ResolveRequest(merge=True)
    done = world.services.review.resolve(opened, item_id, merge, by="boss")

    view = world.services.review.get(opened, item_id)
    assert (done.status, view.state) == ("done", "labeled")
    assert view.annotations == seen.merged
    assert world.counters(project) == world.recount(project)
    assert (agreement(world, project).agreed, agreement(world, project).disputed) == (0, 1)
    history = world.services.review.history(opened, item_id).items
    assert [(entry.what, entry.by) for entry in history[-1:]] == [("resolved", "boss")]
    assert world.services.review.resolve(opened, item_id, merge, by="boss").status == "done"
    assert len(world.services.review.history(opened, item_id).items) == len(history)


def test_what_has_nothing_in_common_is_not_merged_and_says_what_to_do(world: World) -> None:
    project = reviewed(world, world.sharded(1, images=1, overlap=2))
    item_id = says(world, project, world.member(project, "ann"), tag("c1"))
    says(world, project, world.member(project, "bob"), tag("c2"))
    opened = world.open(project, person("boss"), "reviewer")

    with pytest.raises(Conflict, match="take one's answer, or send it back"):
        world.services.review.resolve(opened, item_id, ResolveRequest(merge=True), by="boss")

    assert states(world, project) == ["needs_review"]


def test_a_reviewer_says_whose_answer_or_to_merge_and_not_both() -> None:
    for said in ({}, {"labeler": "ann", "merge": True}):
        with pytest.raises(ValidationError, match="not both"):
            ResolveRequest.model_validate(said)


def test_images_are_found_by_whether_people_agree_on_them_also_once_one_is_decided(
    world: World,
) -> None:
    project = reviewed(world, world.sharded(1, images=4, overlap=2))
    ann, bob = world.member(project, "ann"), world.member(project, "bob")
    disputed = says(world, project, ann, tag("c1"))
    agreed = says(world, project, ann, tag("c1"))
    task = world.task(project, bob, size=4)
    said = {disputed: "c2", agreed: "c1"}
    world.submit(
        *(project, bob, task.task_id),
        *(decided(item.item_id, tag(said.get(item.item_id, "c1"))) for item in task.items),
    )
    opened = world.open(project, person("boss"), "reviewer")

    def found(**wanted: Any) -> list[str]:
        page = world.services.review.list(opened, ItemFilter(**wanted))
        return [line.item_id for line in page.items]

    assert (found(consensus="agreed"), found(consensus="disputed")) == ([agreed], [disputed])
    taken = ResolveRequest(labeler="bob")
    world.services.review.resolve(opened, disputed, taken, by="boss")
    assert found(consensus="disputed", state="labeled") == [disputed]
    assert found(consensus="disputed", state="needs_review") == []
    world.wait(1)
    wanted = ItemFilter(state="labeled", consensus="disputed")
    sweep = NewSweep(sweep_id="s-1", filter=wanted, do=Approving())
    world.services.sweeps.start(opened, sweep, by="boss")
    world.drain()
    assert found(approved=True) == [disputed]


def test_images_are_found_by_the_class_and_the_person_that_people_differ_about(
    world: World,
) -> None:
    project = reviewed(world, world.sharded(1, images=3, overlap=3))
    people = [world.member(project, name) for name in ("ann", "bob", "cid")]
    alike, outvoted, disputed = (item.item_id for item in world.items(project).values())
    said = {
        alike: ("c1", "c1", "c1"),
        outvoted: ("c1", "c1", "c2"),
        disputed: ("c1", "c2", "c3"),
    }
    for number, who in enumerate(people):
        task = world.task(project, who, size=3)
        labels = [decided(one.item_id, tag(said[one.item_id][number])) for one in task.items]
        world.submit(project, who, task.task_id, *labels)
    opened = world.open(project, person("boss"), "reviewer")

    def found(**wanted: Any) -> set[str]:
        page = world.services.review.list(opened, ItemFilter(**wanted))
        return {line.item_id for line in page.items}

    assert found(consensus="differing") == {outvoted, disputed}
    assert found(consensus="differing", class_id="c2") == {outvoted, disputed}
    assert found(consensus="differing", class_id="c3") == {disputed}
    assert found(consensus="differing", labeler="cid") == {outvoted, disputed}
    assert found(consensus="differing", state="labeled") == {outvoted}
    assert found(class_id="c3", state="needs_review") == {disputed}  # which somebody gave it


def test_a_reviewer_takes_what_one_said_also_after_the_image_changed(world: World) -> None:
    project = reviewed(world, world.sharded(1, images=1, overlap=2))
    item_id = says(world, project, world.member(project, "ann"), tag("c1"))
    says(world, project, world.member(project, "bob"), tag("c1"))
    world.upload("img0000.png", data=photo(20, 10, shade=9))
    world.services.ingest.start(project)
    world.drain()
    opened = world.open(project, person("boss"), "reviewer")
    assert states(world, project) == ["needs_review"]

    done = world.services.review.resolve(opened, item_id, ResolveRequest(labeler="bob"), by="boss")

    assert done.status == "done"
    view = world.services.review.get(opened, item_id)
    assert (view.state, [annotation.class_id for annotation in view.annotations or []]) == (
        "labeled",
        ["c1"],
    )
    assert world.counters(project) == world.recount(project)


def test_nobody_decides_for_somebody_who_said_nothing(world: World) -> None:
    project = reviewed(world, world.sharded(1, images=1, overlap=2))
    item_id = says(world, project, world.member(project, "ann"), tag("c1"))
    opened = world.open(project, person("boss"), "reviewer")

    early = world.services.review.resolve(opened, item_id, ResolveRequest(labeler="ann"), by="boss")

    assert early.status == "not_settled"
    with pytest.raises(NotFound):
        world.services.review.resolve(opened, item_id, ResolveRequest(labeler="eve"), by="boss")


def test_a_third_person_is_asked_only_where_two_disagree(world: World) -> None:
    project = world.sharded(1, images=2, overlap=2)
    project = world.alter(project, overlap=Overlap(labelers=2, most=3))
    ann, bob, cat = (world.member(project, name) for name in ("ann", "bob", "cat"))
    for who in (ann, bob):
        task = world.task(project, who, size=2)
        first, second = sorted(item.item_id for item in task.items)
        other = tag("c1" if who is ann else "c2")
        world.submit(project, who, task.task_id, decided(first, tag("c1")), decided(second, other))
    assert sorted(states(world, project)) == ["available", "labeled"]

    says(world, project, cat, tag("c2"))

    assert states(world, project) == ["labeled", "labeled"]
    assert world.ask(project, world.member(project, "dan")).why == "none_left"
    assert world.counters(project) == world.recount(project)
    assert (world.counters(project)["class:c1"], world.counters(project)["class:c2"]) == (1, 1)


def test_somebody_who_corrects_themselves_changes_what_is_agreed(world: World) -> None:
    project = reviewed(world, world.sharded(1, images=1, overlap=2))
    ann = world.member(project, "ann")
    task = world.task(project, ann)
    world.label(project, ann, task, "c1")
    says(world, project, world.member(project, "bob"), tag("c2"))
    assert states(world, project) == ["needs_review"]

    from labeling.tasks.messages import ReopenRequest

    again = world.services.tasks.reopen(
        world.open(project, ann), ann, task.task_id, ReopenRequest(request_id="again")
    ).task
    assert again
    world.label(project, ann, again, "c2")

    assert states(world, project) == ["labeled"]
    assert world.counters(project) == world.recount(project)
    found = agreement(world, project)
    assert (found.agreed, found.disputed) == (1, 0)


def test_an_export_of_a_moment_before_all_had_answered_leaves_the_image_out(world: World) -> None:
    project = reviewed(world, world.sharded(1, images=1, overlap=2))
    says(world, project, world.member(project, "ann"), tag("c1"))
    between = world.clock.at + timedelta(seconds=30)
    world.clock.at += timedelta(minutes=1)
    says(world, project, world.member(project, "bob"), tag("c1"))
    opened = world.open(project, person("boss"), "admin")

    made = [
        world.services.exports.create(
            opened, NewExport(format="coco", as_of=moment), by="boss", idempotency_key=None
        )
        for moment in (between, None)
    ]
    world.drain()

    exported = [world.services.exports.get(project.project_id, export.export_id) for export in made]
    assert [export.exported for export in exported] == [0, 1]


def test_boxes_of_two_people_become_one(world: World) -> None:
    project = reviewed(world, world.sharded(1, images=1, overlap=2, task_type="boxes"))
    item_id = says(world, project, world.member(project, "ann"), box(0.1, 0.1, 0.5, 0.5))
    says(world, project, world.member(project, "bob"), box(0.12, 0.1, 0.5, 0.5))

    view = world.services.review.get(world.open(project, person("boss"), "reviewer"), item_id)

    assert view.annotations
    [one] = view.annotations
    assert one.geometry.model_dump()["x0"] == pytest.approx(0.11)
    found = agreement(world, project)
    assert found.iou == pytest.approx(0.95, abs=0.01)
    assert found.classes[0].found == 1.0


def test_items_that_are_disputed_are_found_among_those_that_need_review(world: World) -> None:
    project = reviewed(world, world.sharded(1, images=1, overlap=2))
    item_id = says(world, project, world.member(project, "ann"), tag("c1"))
    says(world, project, world.member(project, "bob"), tag("c2"))

    page = world.services.review.list(
        world.open(project, person("boss"), "reviewer"), ItemFilter(state="needs_review")
    )

    assert [item.item_id for item in page.items] == [item_id]


def test_two_people_are_compared_on_the_images_that_both_labeled(world: World) -> None:
    project = reviewed(world, world.sharded(4, images=24, overlap=2))
    ann, ben = world.member(project, "ann"), world.member(project, "ben")
    for who, odd in ((ann, "c1"), (ben, "c2")):
        while task := world.ask(project, who, size=6).task:
            for item in task.items:
                said = tag(odd if item.item_id < "m" else "c3")
                world.submit(project, who, task.task_id, decided(item.item_id, said))
    apart = sum(item.item_id < "m" for item in world.items(project).values())

    found = world.services.agreements.of(
        world.open(project, person("boss"), "reviewer"), ann.user, ben.user
    )

    assert (found.images, found.sampled) == (24, False)
    assert (found.kappa.answers, found.kappa.agreed) == (24, 24 - apart)
    assert [
        (difference.first, difference.second, difference.count) for difference in found.differences
    ] == [("c1", "c2", apart)]
    assert found.differing == len(found.items) == apart
    assert {item.item_id for item in found.items} == {
        item.item_id for item in world.items(project).values() if item.item_id < "m"
    }
    assert all(item.differences == found.items[0].differences for item in found.items)
    with pytest.raises(Invalid):
        world.services.agreements.of(world.open(project, ann), ann.user, ann.user)
