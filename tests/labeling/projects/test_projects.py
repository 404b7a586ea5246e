from __future__ import annotations

import json
import random
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from pydantic import ValidationError

from labeling import layout
from labeling.annotations.classes import NewClass
from labeling.errors import Conflict, Failure, Invalid, NotFound, PreconditionFailed
from labeling.items.cells import pack
from labeling.projects.access import Caller
from labeling.projects.datasets import Source
from labeling.projects.examples import classes_of
from labeling.projects.record import (
    AddClasses,
    ClassChange,
    Instructions,
    NewProject,
    Project,
    ProjectChange,
)
from labeling.review import RejectRequest
from labeling.storage import Create, Delete, Merge
from tests.world import ADMIN, PHOTOS, Killed, World, person


def adding(*names: str) -> AddClasses:
    return AddClasses(classes=[NewClass(name=name) for name in names])


# Names.


@pytest.mark.parametrize(
    "twin", ["birds", "BIRDS", "  Birds ", "\uff22irds", "B\u0130RDS".replace("\u0130", "I")]
)
def test_a_name_is_unique_however_it_is_written(world: World, twin: str) -> None:
    world.new("Birds")

    with pytest.raises(Invalid) as refused:
        world.new(twin)

    assert [(fault.pointer, fault.code) for fault in refused.value.faults] == [
        ("/name", "name-used")
    ]


def test_a_name_stays_used_when_its_project_was_deleted(world: World) -> None:
    world.services.projects.delete(world.new("Birds").project_id)

    with pytest.raises(Invalid, match="is or was used"):
        world.new("Birds")


def test_of_two_who_want_a_name_at_once_one_gets_it(world: World) -> None:
    hosts = [world.other() for _ in range(8)]

    def make(host: World) -> str:
        try:
            return host.new("Birds").project_id
        except Invalid:
            return ""

    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(make, hosts))

    assert sum(bool(one) for one in made) == 1
    assert len(world.services.projects.list_for(ADMIN)) == 1


@pytest.mark.parametrize("name", ["", "   ", "x" * 201])
def test_a_name_has_a_length(world: World, name: str) -> None:
    with pytest.raises(ValidationError):
        world.new(name)


def test_a_request_that_is_refused_uses_up_no_name(world: World) -> None:
    with pytest.raises(Invalid):
        world.new("Birds", classes=["Owl", "owl"])

    assert world.new("Birds").name == "Birds"


# Making.


def test_the_same_key_of_the_same_person_makes_one_project(world: World) -> None:
    first = world.new("Birds", key="k1")

    again = world.other().new("Birds", key="k1")

    assert again.project_id == first.project_id
    assert len(world.services.projects.list_for(ADMIN)) == 1


def test_the_same_key_for_another_project_is_refused(world: World) -> None:
    world.new("Birds", key="k1")

    with pytest.raises(Invalid, match="Idempotency-Key"):
        world.new("Cats", key="k1")

    assert world.new("Cats", key="k2").name == "Cats"


def test_a_key_of_another_person_is_another_key(world: World) -> None:
    boss = Caller(user="boss", name="Boss", provider="test", site_admin=True)

    assert world.new("Birds", key="k1") != world.new("Cats", key="k1", by=boss)


def test_a_key_whose_project_was_deleted_does_not_bring_it_back(world: World) -> None:
    project = world.new("Birds", key="k1")
    world.services.projects.delete(project.project_id)

    with pytest.raises(Conflict, match="deleted"):
        world.new("Birds", key="k1")

    assert world.services.projects.list_for(ADMIN) == []


def test_the_same_key_for_two_projects_at_once_makes_one_and_refuses_the_other(
    world: World,
) -> None:
    other = world.other()
    world.watch.at(3, lambda: other.new("Cats", key="k1"))

    with pytest.raises(Invalid, match="Idempotency-Key"):
        world.new("Birds", key="k1")

    assert [line.name for line in world.services.projects.list_for(ADMIN)] == ["Cats"]


@pytest.mark.parametrize("stage", ["before", "after"])
def test_making_that_is_killed_anywhere_is_finished_by_the_same_request(stage: str) -> None:
    position = 0
    killed = True
    while killed:
        position += 1
        world = World()
        world.upload("a.png")
        world.watch.kill(position, stage)
        try:
            project = world.new("Birds", key="k1")
            killed = False
        except Killed:
            world.watch.reset()
            project = world.new("Birds", key="k1")
        world.watch.reset()
        world.services.ingest.start(project)
        world.drain()

        lines = world.services.projects.list_for(ADMIN)
        assert [(line.name, line.state) for line in lines] == [("Birds", "running")], position
        assert world.services.access.roles_of("admin") == {project.project_id: "admin"}
        assert world.services.projects.directory.due_for_refresh() == []
        world.wait(world.settings.refresh_seconds)
        assert world.services.projects.directory.due_for_refresh() == [project.project_id], position

    assert position > 6


def test_a_name_reserved_by_a_process_that_died_can_be_used_after_a_while(world: World) -> None:
    world.watch.kill(3, "before")
    with pytest.raises(Killed):
        world.new("Birds")
    world.watch.reset()
    with pytest.raises(Invalid):
        world.new("Birds")

    world.wait(601)

    assert world.new("Birds").name == "Birds"
    with pytest.raises(Invalid):
        world.new("Birds")


@pytest.mark.parametrize("stage", ["before", "after"])
def test_deleting_that_is_killed_anywhere_is_finished_by_the_same_request(stage: str) -> None:
    position = 0
    killed = True
    while killed:
        position += 1
        world = World()
        project = world.project(images=1)
        world.watch.kill(position, stage)
        try:
            world.services.projects.delete(project.project_id)
            killed = False
        except Killed:
            world.watch.reset()
            if world.services.projects.find(project.project_id):
                world.services.projects.delete(project.project_id)
        world.watch.reset()
        world.wait(world.settings.refresh_seconds + 1)
        world.services.progress.on_tick()

        assert world.services.projects.list_for(ADMIN) == [], (stage, position)
        with pytest.raises(NotFound):
            world.other().open(project, ADMIN)
        left = world.storage.tables.snapshot(layout.DIRECTORY)
        assert not left[layout.watchers(PHOTOS)], "its dataset can be deleted"

    assert position > 3


def test_upkeep_does_not_bring_a_project_back_that_is_deleted_meanwhile() -> None:
    position = 0
    reached = True
    while reached:
        position += 1
        world = World()
        project = world.project(images=2)
        world.task(project, world.member(project, "ann"))
        other = world.other()
        reached = False

        def delete(other: World = other, project_id: str = project.project_id) -> None:
            nonlocal reached
            reached = True
            other.services.projects.delete(project_id)

        world.watch.at(position, delete)
        world.services.progress.on_tick()
        world.watch.reset()

        if reached:
            assert world.services.projects.list_for(ADMIN) == [], position

    assert position > 3


# Who sees what.


def test_people_see_their_projects_and_site_admins_all_newest_first(world: World) -> None:
    first = world.project("One", images=3)
    world.wait(1)
    second = world.project("Two")
    ann = world.member(first, "ann", "reviewer")
    world.member(second, "bob")

    mine = world.services.projects.list_for(ann)

    assert [(line.name, line.my_role, line.total, line.waiting) for line in mine] == [
        ("One", "reviewer", 3, 3)
    ]
    assert [line.name for line in world.services.projects.list_for(ADMIN)] == ["Two", "One"]
    assert world.services.projects.list_for(person("eve")) == []


def test_the_list_costs_at_most_two_calls(world: World) -> None:
    projects = [world.project(f"Project {number}") for number in range(5)]
    ann = world.member(projects[-1], "ann")
    costs: list[int] = []

    for caller in (ann, ADMIN, person("eve")):
        world.watch.reset()
        world.services.projects.list_for(caller)
        costs.append(world.watch.calls)

    assert max(costs) <= 2


# Running and pausing.


def test_a_pause_counts_at_once_here_and_within_five_seconds_elsewhere(world: World) -> None:
    project = world.project(images=30)
    ann = world.member(project, "ann")
    other = world.other()
    world.task(project, ann, size=1)
    other.task(project, ann, size=1)

    world.services.projects.set_running(project.project_id, False)

    assert world.ask(project, ann).why == "paused"
    world.wait(5.1)
    assert other.ask(project, ann).why == "paused"
    world.services.projects.set_running(project.project_id, True)
    world.wait(5.1)
    assert other.task(project, ann, size=1)


def test_pausing_twice_is_pausing_once(world: World) -> None:
    project = world.project()

    first = world.services.projects.set_running(project.project_id, False)
    again = world.services.projects.set_running(project.project_id, False)

    assert again == first


@pytest.mark.parametrize("state", ["initializing", "failed", "updating"])
def test_what_does_not_run_yet_can_be_neither_paused_nor_resumed(world: World, state: str) -> None:
    project = world.new()
    world.alter(project, state=state)

    for running in (True, False):
        with pytest.raises(Conflict, match=state):
            world.services.projects.set_running(project.project_id, running)


@pytest.mark.parametrize("state", ["paused", "updating", "failed"])
def test_a_project_that_waits_or_failed_hands_out_nothing(world: World, state: str) -> None:
    project = world.project(images=3)
    world.alter(project, state=state)

    answer = world.ask(project, world.member(project, "ann"))

    assert answer.task is None
    assert answer.why in ("paused", "initializing")


# Changing.


@pytest.mark.parametrize("field", ["task_type", "dataset_id", "name", "source", "seed", "shards"])
def test_type_and_dataset_can_not_be_changed(field: str) -> None:
    with pytest.raises(ValidationError, match="Extra inputs"):
        ProjectChange.model_validate({field: "boxes"})


def test_new_instructions_have_a_new_version(world: World) -> None:
    project = world.project()
    change = ProjectChange(instructions=Instructions(text="눈 먼저", link="https://example.org"))

    changed = world.services.projects.patch(project.project_id, change, version=project.version)

    assert changed.instructions_version == 2
    assert changed.instructions.text == "눈 먼저"
    same = world.services.projects.patch(project.project_id, change, version=changed.version)
    assert same.instructions_version == 2


def test_a_change_of_what_somebody_changed_meanwhile_is_refused(world: World) -> None:
    project = world.project()
    off = ProjectChange(incremental_refresh=False)
    world.services.projects.patch(project.project_id, off, version=project.version)

    with pytest.raises(PreconditionFailed):
        world.services.projects.patch(project.project_id, off, version=project.version)


def test_two_changes_at_the_same_time_are_one_and_a_refusal(world: World) -> None:
    project = world.project()
    text = ProjectChange(instructions=Instructions(text="mine"))
    other = world.other()

    def overtake() -> None:
        theirs = ProjectChange(instructions=Instructions(text="theirs"))
        other.services.projects.patch(project.project_id, theirs, version=project.version)

    world.watch.at(2, overtake)
    with pytest.raises(PreconditionFailed):
        world.services.projects.patch(project.project_id, text, version=project.version)

    assert world.services.projects.get(project.project_id).instructions.text == "theirs"


def test_without_incremental_refresh_the_timer_leaves_a_project_alone(world: World) -> None:
    project = world.project()
    off = ProjectChange(incremental_refresh=False)

    world.services.projects.patch(project.project_id, off, version=project.version)

    world.wait(10 * world.settings.refresh_seconds)
    assert world.services.projects.directory.due_for_refresh() == []


def test_the_list_follows_a_change_of_team_and_topics_at_once(world: World) -> None:
    project = world.project()
    change = ProjectChange(team="Field work", topics=["owls", "night"])

    changed = world.services.projects.patch(project.project_id, change, version=project.version)

    [line] = world.services.projects.list_for(ADMIN)
    assert (line.team, line.topics) == ("Field work", ["owls", "night"])
    nothing = ProjectChange(team="", topics=[])
    world.services.projects.patch(project.project_id, nothing, version=changed.version)
    [line] = world.services.projects.list_for(ADMIN)
    assert (line.team, line.topics) == ("", [])


def test_a_project_listed_before_there_were_teams_and_topics_has_none(world: World) -> None:
    project = world.project()
    table, key = (layout.DIRECTORY, layout.ALL_PROJECTS), project.project_id
    row = world.storage.tables.get(*table, key)
    assert row
    before = {name: cell for name, cell in row.cells.items() if name not in ("team", "topics")}
    world.storage.tables.transact(*table, [Delete(key)])
    world.storage.tables.transact(*table, [Create(key, before)])

    [line] = world.services.projects.list_for(ADMIN)

    assert (line.name, line.team, line.topics) == ("Birds", "", [])


@pytest.mark.parametrize("link", ["javascript:alert(1)", "example.org", "//example.org", "ftp://x"])
def test_a_link_that_is_no_web_address_is_refused(link: str) -> None:
    with pytest.raises(ValidationError):
        Instructions(link=link)


# Classes.


def test_classes_are_added_and_what_was_labeled_stays(world: World) -> None:
    project = world.project(images=3)
    ann = world.member(project, "ann")
    world.label(project, ann, world.task(project, ann, size=2))

    changed = world.services.projects.add_classes(
        project.project_id, adding("Heron", "A/b/c"), by="boss"
    )

    assert changed.classes_version == 2
    assert [class_.class_id for class_ in changed.classes] == ["c1", "c2", "c3", "c4", "c5"]
    assert world.counters(project)["class:c1"] == 2
    task = world.task(changed, ann)
    assert task.classes_version == 2
    world.label(changed, ann, task, "c5")


def test_adding_a_class_that_is_there_adds_none(world: World) -> None:
    project = world.project()

    with pytest.raises(Invalid) as refused:
        world.services.projects.add_classes(project.project_id, adding("Heron", "owl"), by="boss")

    assert refused.value.faults[0].pointer == "/classes/1/name"
    assert world.services.projects.get(project.project_id).classes == project.classes


def test_two_who_add_classes_at_the_same_time_add_both(world: World) -> None:
    project = world.project()
    other = world.other()
    world.watch.at(
        2,
        lambda: other.services.projects.add_classes(project.project_id, adding("Heron"), by="boss"),
    )

    changed = world.services.projects.add_classes(project.project_id, adding("Stork"), by="boss")

    assert [class_.name for class_ in changed.classes[3:]] == ["Heron", "Stork"]
    assert len({class_.class_id for class_ in changed.classes}) == 5


def test_adding_knows_no_other_way_yet_than_to_continue() -> None:
    with pytest.raises(ValidationError):
        AddClasses.model_validate({"classes": [{"name": "Heron"}], "then": "start_over"})


def rename(world: World, class_id: str, version: int = 1, **change: Any) -> Any:
    project_id = world.services.projects.list_for(ADMIN)[0].project_id
    return world.services.projects.change_class(
        project_id, class_id, ClassChange.model_validate(change), version=version
    )


def test_a_class_is_renamed_without_touching_a_label(world: World) -> None:
    project = world.project(images=1)
    world.finish(project, world.member(project, "ann"))
    before = world.rows(project, "")

    changed = rename(world, "c1", name=" Raptor / Owl ")

    assert (changed.classes[0].class_id, changed.classes[0].name) == ("c1", "Raptor/Owl")
    assert world.rows(project, "") == before
    with pytest.raises(PreconditionFailed):
        rename(world, "c1", name="Late")


def test_labels_keep_a_retired_class_and_who_has_the_page_open_may_say_it_still(
    world: World,
) -> None:
    project = world.project(images=3)
    ann = world.member(project, "ann")
    world.label(project, ann, world.task(project, ann, size=1))
    task = world.task(project, ann, size=1)

    changed = rename(world, "c1", retired=True)

    world.label(changed, ann, task)
    assert [one.class_id for one in changed.offered] == ["c2", "c3"]
    assert world.counters(changed)["class:c1"] == 2


def test_a_project_of_before_colours_has_those_of_its_order(world: World) -> None:
    project = world.project()
    old = [class_.model_copy(update={"colour": -1}) for class_ in project.classes]
    kept = project.model_copy(update={"classes": old}).model_dump_json()

    assert [class_.colour for class_ in Project.model_validate_json(kept).classes] == [0, 1, 2]


def test_a_class_may_be_renamed_to_another_spelling_of_itself(world: World) -> None:
    world.project()

    assert rename(world, "c1", name="OWL").classes[0].name == "OWL"


@pytest.mark.parametrize("name", ["robin", "a//b", "/", "x" * 201, "a/b/c/d/e/f/g", " "])
def test_a_name_that_no_new_class_could_have_is_refused_for_an_old_one(
    world: World, name: str
) -> None:
    world.project()

    with pytest.raises((Invalid, ValidationError)) as refused:
        rename(world, "c1", name=name)

    if isinstance(refused.value, Failure):
        assert refused.value.faults[0].pointer == "/name"
    else:
        assert refused.value.title == "ClassChange"


def test_an_unknown_class_is_a_miss(world: World) -> None:
    world.project()

    with pytest.raises(NotFound):
        rename(world, "c9", name="Heron")


def test_classes_too_many_to_keep_use_up_no_name(world: World) -> None:
    chance = random.Random(1)
    long = ["".join(chance.choices("abcdefghijklmnop0123456789", k=1900)) for _ in range(1_000)]
    wanted = NewProject(
        name="Birds",
        task_type="boxes",
        dataset_id="d",
        classes=[NewClass(name=str(n), description=text) for n, text in enumerate(long)],
    )
    source = world.new("Other").source

    with pytest.raises(Failure) as refused:
        world.services.projects.create(wanted, source, by=ADMIN, idempotency_key=None)

    assert refused.value.status == 413
    assert world.new("Birds").name == "Birds"


def test_no_name_of_a_project_stands_in_a_key(world: World) -> None:
    world.new("Birds")

    keys = repr(sorted(world.storage.tables.snapshot(layout.DIRECTORY)[layout.NAMES]))

    assert "irds" not in keys


# Examples of classes.


def test_a_class_shows_up_to_three_images_of_the_project(world: World) -> None:
    project = world.project(images=4)

    changed = rename(world, "c1", description="Big eyes", examples=["img0002.png", "img0000.png"])

    assert changed.classes[0].examples == ["img0002.png", "img0000.png"]
    assert (changed.classes[0].name, changed.classes_version) == ("Owl", 2)
    shown = classes_of(world.storage.blobs, changed)
    assert [example.path for example in shown[0].examples] == ["img0002.png", "img0000.png"]
    assert "img0002.png?until=" in shown[0].examples[0].url
    assert shown[0].examples[0].expire_at - world.clock.now() >= timedelta(hours=1)
    assert rename(world, "c1", 2, name="Raptor").classes[0].examples == changed.classes[0].examples
    assert rename(world, "c1", 3, examples=[]).classes[0].examples == []
    assert world.counters(project) == world.recount(project)


@pytest.mark.parametrize(
    ("path", "why"),
    [
        ("birds/gone.png", "no such image"),
        ("secret/a.png", "no such image"),
        ("birds/../secret/a.png", "no such image"),
        ("birds/a.tif", "browsers can't show it"),
        ("birds/a.txt", "browsers can't show it"),
        ("birds/text.png", "not a JPEG, PNG or BMP image"),
        ("birds/empty.png", "the file is empty"),
    ],
)
def test_an_example_is_an_image_of_the_projects_own_data_that_a_browser_can_show(
    world: World, path: str, why: str
) -> None:
    world.upload("birds/a.png", "birds/a.tif", "birds/a.txt", "secret/a.png")
    world.upload("birds/../secret/a.png")
    world.upload("birds/text.png", data=b"not an image, whatever its name")
    world.upload("birds/empty.png", data=b"")
    project = world.project(pattern="birds/**")

    with pytest.raises(Invalid, match=why) as refused:
        rename(world, "c1", examples=["birds/a.png", path])

    assert refused.value.faults[0].pointer == "/examples/1"
    added = AddClasses(classes=[NewClass(name="Heron", examples=[path])])
    with pytest.raises(Invalid, match=why) as refused:
        world.services.projects.add_classes(project.project_id, added, by="boss")
    assert refused.value.faults[0].pointer == "/classes/0/examples/0"
    assert world.services.projects.get(project.project_id).classes_version == 1


def test_an_example_that_is_gone_does_not_keep_a_class_from_being_changed(world: World) -> None:
    world.project(images=2)
    rename(world, "c1", examples=["img0000.png"])
    world.storage.blobs.delete(PHOTOS, "img0000.png")

    both = rename(world, "c1", 2, examples=["img0000.png", "img0001.png"])

    assert both.classes[0].examples == ["img0000.png", "img0001.png"]
    with pytest.raises(Invalid):
        rename(world, "c2", 3, examples=["img0000.png"])


@pytest.mark.parametrize("examples", [["a", "b", "c", "d"], ["a", "a"], [""], ["a\n"]])
def test_examples_are_few_and_each_another_image(examples: list[str]) -> None:
    with pytest.raises(ValidationError):
        ClassChange(examples=examples)


def test_a_project_can_be_made_with_examples_and_is_not_made_with_wrong_ones(world: World) -> None:
    world.upload("a.png")
    source = Source(container=PHOTOS, pattern="**/*.*")

    def make(example: str) -> Project:
        new = NewProject(
            name="Birds",
            task_type="boxes",
            dataset_id="d",
            classes=[NewClass(name="Owl"), NewClass(name="Wren", examples=[example])],
        )
        return world.services.projects.create(new, source, by=ADMIN, idempotency_key=None)

    with pytest.raises(Invalid) as refused:
        make("b.png")

    assert refused.value.faults[0].pointer == "/classes/1/examples/0"
    assert make("a.png").classes[1].examples == ["a.png"]


def test_a_project_stored_before_there_were_examples_still_loads(world: World) -> None:
    project = world.project(images=1)
    doc = project.model_dump(mode="json")
    for class_ in doc["classes"]:
        del class_["examples"]
    old = Merge(layout.PROJECT, pack("doc", json.dumps(doc).encode()))
    world.storage.tables.transact(layout.PROJECTS, project.project_id, [old])

    loaded = world.services.projects.get(project.project_id)

    assert [class_.examples for class_ in loaded.classes] == [[], [], []]
    assert rename(world, "c1", examples=["img0000.png"]).classes[0].examples == ["img0000.png"]


# Who leaves.


@pytest.mark.parametrize("stage", ["before", "after"])
def test_removing_a_member_that_is_killed_anywhere_leaves_nothing_reserved_for_them(
    stage: str,
) -> None:
    position = 0
    killed = True
    while killed:
        position += 1
        world = World()
        project = world.sharded(3, images=24)
        ann, bob = world.member(project, "ann"), world.member(project, "bob")
        labeled = world.finish(project, ann)
        for item_id in labeled[::4]:
            request = RejectRequest(item_ids=[item_id], to="same_labeler")
            world.services.review.reject(world.open(project, ADMIN), request, by="admin")
        world.watch.kill(position, stage)
        try:
            world.services.projects.remove_member(project.project_id, "ann")
            killed = False
        except Killed:
            world.watch.reset()
            world = world.other()
            if "ann" in {
                member.member_id for member in world.services.access.members(project.project_id)
            }:
                world.services.projects.remove_member(project.project_id, "ann")
        world.watch.reset()
        world.wait(6)

        assert [item.path for item in world.items(project).values() if item.reserved] == [], (
            position
        )
        assert set(world.finish(project, bob)) == set(labeled[::4]), position
        assert world.counters(project) == world.recount(project)
        with pytest.raises(NotFound):
            world.open(project, ann)

    assert position > 6


@pytest.mark.parametrize("killed", [False, True])
def test_what_is_sent_back_to_somebody_who_leaves_at_that_moment_is_soon_for_anyone(
    killed: bool,
) -> None:
    step = 0
    left = True
    while left:
        step += 1
        left = False
        world = World()
        project = world.sharded(3, images=6)
        ann, bob = world.member(project, "ann"), world.member(project, "bob")
        item_id = world.finish(project, ann)[0]
        world.wait(1_300)
        world.services.progress.on_tick()  # the project rests
        world.wait(1_300)
        leave = partial(world.other().services.projects.remove_member, project.project_id, "ann")

        def hook(
            number: int, name: str, stage: str, step: int = step, leave: Callable[[], None] = leave
        ) -> None:
            nonlocal left
            if number == step and stage == "before":
                left = True
                leave()
            if killed and number == step and stage == "after":
                raise Killed(f"after call {number}, {name}")

        opened = world.open(project, ADMIN)
        world.watch.reset()
        world.watch.hook = hook
        request = RejectRequest(item_ids=[item_id], to="same_labeler")
        with suppress(Killed):
            world.services.review.reject(opened, request, by="admin")
        world.watch.reset()
        world.wait(60)
        world.other().services.progress.on_tick()
        world.wait(6)

        back = [item for item in world.items(project).values() if item.state == "available"]
        if left:
            assert [item.reserved for item in back if item.reserved] == [], step
            assert world.finish(project, bob) == [item.item_id for item in back], step
        else:
            assert {item.reserved for item in back} == {"ann"}
        assert world.counters(project) == world.recount(project)

    assert step > 3
