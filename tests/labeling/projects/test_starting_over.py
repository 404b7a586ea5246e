from __future__ import annotations

import pytest

from labeling import layout
from labeling.annotations.classes import NewClass
from labeling.errors import Conflict
from labeling.projects import starting_over
from labeling.projects.access import Caller
from labeling.projects.record import AddClasses, Project
from labeling.projects.starting_over import StartOver
from labeling.tasks.messages import ReopenRequest
from tests.world import ADMIN, World, decided, tag


def add(world: World, project: Project, then: str, name: str = "Heron") -> None:
    """Add a class, and let all of it become so."""
    begin(world, project, then, name)
    world.drain()
    world.wait(5.1)


def begin(world: World, project: Project, then: str, name: str = "Heron") -> None:
    added = AddClasses.model_validate({"classes": [NewClass(name=name)], "then": then})
    own = world.services
    own.starting_over.start(own.projects.add_classes(project.project_id, added, by="boss"))
    world.wait(5.1)


def labeled(world: World, shards: int = 1) -> tuple[Project, Caller]:
    """A project of which some images are labeled, some skipped, one asked about, and some left."""
    project = world.sharded(shards, images=25)
    ann = world.member(project, "ann")
    for number in range(20):
        task = world.task(project, ann, size=1)
        item = task.items[0].item_id
        outcome = {3: "skipped", 4: "needs_review"}.get(number, "labeled")
        tags = [tag("c1")] if outcome == "labeled" else []
        world.submit(project, ann, task.task_id, decided(item, *tags, outcome=outcome))
    return project, ann


def states(world: World, project: Project) -> set[str]:
    return {item.state for item in world.items(project).values()}


def test_labeling_goes_on_where_classes_are_added_to_continue(world: World) -> None:
    project, _ = labeled(world)
    before = world.counters(project)

    add(world, project, "continue")

    now = world.services.projects.get(project.project_id)
    assert (now.state, [class_.name for class_ in now.classes][-1]) == ("running", "Heron")
    assert world.counters(project) == before


@pytest.mark.parametrize("shards", [1, 4])
@pytest.mark.parametrize("then", ["start_over_keeping", "start_over_removing"])
def test_everything_is_labeled_again_where_labeling_starts_over(
    world: World, shards: int, then: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(starting_over, "PIECE", 3)
    project, ann = labeled(world, shards)

    add(world, project, then)

    now = world.services.projects.get(project.project_id)
    assert (now.state, now.restart) == ("running", None)
    assert states(world, project) == {"available"}
    assert world.counters(project) == world.recount(project)
    begun: list[bool] = []
    while task := world.ask(project, ann, size=9).task:
        begun += [bool(item.defaults) for item in task.items]
        world.label(project, ann, task)
    assert sum(begun) == (18 if then == "start_over_keeping" else 0)


def test_labels_that_were_removed_are_in_history_still(world: World) -> None:
    project = world.project(images=1)
    ann = world.member(project, "ann")
    world.finish(project, ann)
    item = next(iter(world.items(project).values())).item_id

    add(world, project, "start_over_removing")

    history = world.services.review.history(world.open(project, ADMIN), item).items
    assert [(entry.what, entry.by) for entry in history] == [
        ("submitted", "ann"),
        ("started_over", "boss"),
    ]
    assert [annotation.class_id for annotation in history[0].annotations] == ["c1"]


def test_nothing_is_handed_out_until_all_is_through(world: World) -> None:
    project, ann = labeled(world)
    begin(world, project, "start_over_removing")

    assert world.ask(project, ann).why == "paused"
    with pytest.raises(Conflict):
        world.services.projects.set_running(project.project_id, True)
    with pytest.raises(Conflict):
        begin(world, project, "start_over_removing", "Ibis")

    world.drain()
    world.wait(5.1)
    assert world.ask(project, ann).task


def test_a_paused_project_is_paused_afterwards(world: World) -> None:
    project, _ = labeled(world)
    world.services.projects.set_running(project.project_id, False)

    add(world, project, "start_over_keeping")

    assert world.services.projects.get(project.project_id).state == "paused"


def test_what_is_being_corrected_is_labeled_again_too(world: World) -> None:
    project = world.project(images=1)
    ann = world.member(project, "ann")
    task = world.task(project, ann)
    world.label(project, ann, task)
    world.services.tasks.reopen(
        world.open(project, ann), ann, task.task_id, ReopenRequest(request_id="o1")
    )

    add(world, project, "start_over_removing")

    assert states(world, project) == {"available"}
    assert world.counters(project) == world.recount(project)


def test_what_a_labeler_holds_stays_theirs_to_submit(world: World) -> None:
    project = world.project(images=2)
    ann = world.member(project, "ann")
    task = world.task(project, ann, size=2)

    add(world, project, "start_over_removing")
    world.label(project, ann, task)

    assert states(world, project) == {"labeled"}


def test_every_message_may_come_twice_and_late(world: World) -> None:
    project, ann = labeled(world, 2)
    begin(world, project, "start_over_keeping")
    world.shuffle(7)
    world.wait(5.1)
    world.finish(project, ann)

    world.handle(
        layout.START_OVER_QUEUE,
        StartOver(project_id=project.project_id, version=2, shard=0),
    )

    assert states(world, project) == {"labeled"}
    assert world.counters(project) == world.recount(project)


def test_one_that_was_cut_short_goes_on_when_it_is_asked_for_again(world: World) -> None:
    project, _ = labeled(world)
    begin(world, project, "start_over_removing")
    world.storage.queues.sent[layout.START_OVER_QUEUE].clear()

    world.services.starting_over.start(world.services.projects.get(project.project_id))
    world.drain()

    assert world.services.projects.get(project.project_id).state == "running"
    assert states(world, project) == {"available"}
