from __future__ import annotations

import logging
from contextlib import suppress
from datetime import timedelta

import pytest

from labeling.annotations.classes import NewClass
from labeling.progress import Compact, Progress
from labeling.projects.access import Caller
from labeling.projects.record import AddClasses, Project
from labeling.review import ItemFilter, RejectRequest
from labeling.tasks.service import ReopenRequest
from tests.world import ADMIN, Killed, World, decided, tag


def progress(world: World, project: Project) -> Progress:
    return world.services.progress.get(world.open(project, ADMIN))


def test_progress_counts_states_classes_labelers_and_the_day(world: World) -> None:
    world.upload("bad.png", data=b"no image")
    project = world.project(images=6, task_type="boxes")
    ann = world.member(project, "ann")
    task = world.task(project, ann, size=4)
    boxes = [
        {
            "annotation_id": f"a{number}",
            "class_id": "c1",
            "geometry": {"kind": "box", "x0": 0, "y0": 0, "x1": 0.5 + number / 10, "y1": 0.5},
        }
        for number in range(3)
    ]
    one, two, three, _ = (item.item_id for item in task.items)
    world.submit(
        project,
        ann,
        task.task_id,
        decided(one, *boxes),
        decided(two),
        decided(three, outcome="skipped"),
    )

    now = progress(world, project)

    assert now.states == {
        "available": 2,
        "labeled": 2,
        "leased": 1,
        "skipped": 1,
        "unreadable": 1,
    }
    assert now.total == 7
    assert [(c.class_id, c.images, c.instances) for c in now.classes] == [
        ("c1", 1, 3),
        ("c2", 0, 0),
        ("c3", 0, 0),
    ]
    assert [
        (labeler.user, labeler.name, labeler.labelings, labeler.today) for labeler in now.labelers
    ] == [("ann", "Ann", 3, 3)]
    assert (now.over_limit, now.state, now.queues) == (0, "running", {"6": 2})


def test_labelers_see_no_numbers_of_others(world: World) -> None:
    project = world.project(images=2)
    ann = world.member(project, "ann")
    world.finish(project, ann)

    assert world.services.progress.get(world.open(project, ann)).labelers == []


def test_today_is_of_today(world: World) -> None:
    project = world.project(images=4)
    ann = world.member(project, "ann")
    world.label(project, ann, world.task(project, ann, size=1))
    world.wait(86_400)
    world.label(project, ann, world.task(project, ann, size=2))

    assert [
        (labeler.labelings, labeler.today) for labeler in progress(world, project).labelers
    ] == [(3, 2)]


def test_today_tells_how_long_somebody_was_at_it(world: World) -> None:
    project = world.sharded(4, images=8)
    ann = world.member(project, "ann")
    for active_ms in (4_000, 1_500):
        task = world.task(project, ann, size=1)
        work = decided(task.items[0].item_id, tag(), active_ms=active_ms)
        world.submit(project, ann, task.task_id, work)

    [counted] = progress(world, project).labelers
    assert (counted.today, counted.today_active_ms) == (2, 5_500)
    world.wait(86_400)
    [counted] = progress(world, project).labelers
    assert (counted.today, counted.today_active_ms) == (0, 0)


@pytest.mark.parametrize("shards", [1, 4])
def test_counters_stay_exact_while_they_are_folded(world: World, shards: int) -> None:
    project = world.sharded(shards, images=40)
    ann = world.member(project, "ann")
    before = len(world.rows(project, "C|"))
    for _ in range(20):
        world.label(project, ann, world.task(project, ann, size=1))
    assert len(world.rows(project, "C|")) > before

    for shard in (*range(shards), 99):
        world.services.progress.on_compact(Compact(project_id=project.project_id, shard=shard))
        assert world.counters(project) == world.recount(project)

    assert len(world.rows(project, "C|")) <= 2 * shards


@pytest.mark.parametrize("stage", ["before", "after"])
def test_folding_that_is_killed_or_overtaken_anywhere_counts_nothing_twice(stage: str) -> None:
    for position in range(1, 6):
        world = World()
        project = world.project(images=12)
        ann = world.member(project, "ann")
        for _ in range(4):
            world.label(project, ann, world.task(project, ann, size=1))
        expected = world.recount(project)
        message = Compact(project_id=project.project_id, shard=0)
        other = world.other()
        overtaken = other.services.progress.on_compact

        if stage == "before":
            world.watch.at(position, lambda on=overtaken, it=message: on(it))  # type: ignore[misc]
        else:
            world.watch.kill(position, "after")
        with suppress(Killed):
            world.services.progress.on_compact(message)
        world.watch.reset()

        assert world.counters(project) == expected == world.recount(project)


def test_more_changes_than_a_page_holds_are_folded_before_they_are_read(world: World) -> None:
    project = world.sharded(1, images=3)
    items = world.services.projects.items(project)
    one = next(iter(world.items(project).values()))
    for number in range(1_010):
        items.note_missing(one.item_id, number % 2 == 0)
    assert len(world.rows(project, "C|")) > 1_000

    counted = world.counters(project)

    assert counted == world.recount(project)
    assert len(world.rows(project, "C|")) < 100


def test_the_list_counts_what_is_to_be_labeled_though_nobody_labels_yet(world: World) -> None:
    world.upload("broken.png", data=b"no image")
    world.project(images=3)

    world.services.progress.on_tick()

    line = world.services.projects.list_for(ADMIN)[0]
    assert (line.total, line.unusable, line.labeled, line.waiting) == (3, 1, 0, 3)


def test_the_tick_brings_the_list_up_to_date(world: World) -> None:
    project = world.project(images=3)
    world.finish(project, world.member(project, "ann"))

    world.wait(60)
    world.services.progress.on_tick()

    line = world.services.projects.list_for(ADMIN)[0]
    assert (line.total, line.labeled, line.waiting) == (3, 3, 0)
    assert line.counted_at == world.clock.now()


def test_what_fails_for_one_project_does_not_keep_the_others_from_their_upkeep(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    projects = [world.project(name, images=2) for name in ("One", "Two", "Three")]
    for project in projects:
        world.task(project, world.member(project, "ann"))
    broken = projects[1]
    world.wait(700)

    def fail(number: int, name: str, stage: str) -> None:
        if stage == "before" and broken.project_id in str(world.watch.arguments):
            raise ConnectionError("storage does not answer for this one")

    world.watch.hook = fail
    with caplog.at_level(logging.ERROR):
        world.services.progress.on_tick()
    world.watch.reset()

    states = [world.counters(project) for project in projects]
    assert [state.get("state:available", 0) for state in states] == [2, 0, 2]
    assert "upkeep failed" in caplog.text


def test_the_dashboard_says_why_a_project_failed(world: World) -> None:
    project = world.new()
    world.alter(project, state="failed", state_reason="there is no container 'x'")

    now = progress(world, project)

    assert (now.state, now.state_reason, now.total) == ("failed", "there is no container 'x'", 0)


def test_the_dashboard_survives_a_class_being_labeled_while_it_is_read(world: World) -> None:
    project = world.project(images=4)
    ann = world.member(project, "ann")
    other = world.other()
    task = world.task(project, ann, size=2)
    world.open(project, ADMIN)
    world.watch.at(
        1, lambda: other.submit(project, ann, task.task_id, decided(task.items[0].item_id, tag()))
    )

    now = progress(world, project)

    assert now.total == sum(now.states.values()) == 4


def test_the_dashboard_of_a_project_with_very_many_members_has_its_refresh(world: World) -> None:
    project = world.project(images=1)
    for number in range(1_001):
        world.services.access.put_member(project.project_id, f"user{number}", "labeler")

    assert progress(world, project).refresh


def test_the_list_tells_who_holds_images_and_when_somebody_labeled_last(world: World) -> None:
    project = world.project(images=6)
    ann, bob = world.member(project, "ann"), world.member(project, "bob")
    task = world.task(project, ann, size=1)
    world.task(project, bob, size=1)
    world.submit(project, ann, task.task_id, decided(task.items[0].item_id, tag()))

    world.services.progress.on_tick()

    line = world.services.projects.list_for(ADMIN)[0]
    assert (line.active, line.last_day) == (1, world.clock.now().date())


def test_the_list_tells_how_many_images_were_sent_back_to_me_and_in_all(world: World) -> None:
    project = world.project(images=6)
    ann, bob = world.member(project, "ann"), world.member(project, "bob")
    rob = world.member(project, "rob", "reviewer")
    sent_back = {}
    for person, size in ((ann, 3), (bob, 1)):
        task = world.task(project, person, size=size)
        world.label(project, person, task)
        sent_back[person.user] = [item.item_id for item in task.items]
    opened = world.open(project, ADMIN)
    for item_ids in sent_back.values():
        request = RejectRequest(item_ids=item_ids, to="same_labeler")
        world.services.review.reject(opened, request, by="ada")
    world.services.progress.on_tick()

    def returned(caller: Caller) -> tuple[int | None, int]:
        (line,) = world.services.projects.list_for(caller)
        return line.returned, line.returned_to_me

    assert [returned(caller) for caller in (ann, bob, rob, ADMIN)] == [
        *((None, 3), (None, 1), (4, 0), (4, 0))
    ]
    world.label(project, ann, world.task(project, ann, size=6))
    world.services.progress.on_tick()
    assert [returned(caller) for caller in (ann, ADMIN)] == [(None, 0), (1, 0)]
    assert world.counters(project) == world.recount(project)


def test_the_list_counts_images_that_were_sent_back_to_anyone_until_they_are_in_hands(
    world: World,
) -> None:
    project = world.project(images=6)
    ann, bob = world.member(project, "ann"), world.member(project, "bob")
    task = world.task(project, ann, size=3)
    world.label(project, ann, task)
    first, second, third = (item.item_id for item in task.items)
    opened = world.open(project, ADMIN)
    for item_ids, to in (([first, second], "anyone"), ([third], "same_labeler")):
        request = RejectRequest.model_validate({"item_ids": item_ids, "to": to, "front": True})
        world.services.review.reject(opened, request, by="ada")

    def returned(caller: Caller) -> tuple[int | None, int]:
        world.services.progress.on_tick()
        (line,) = world.services.projects.list_for(caller)
        return line.returned, line.returned_to_me

    assert (returned(ADMIN), returned(ann)) == ((3, 0), (None, 1))
    held = world.task(project, bob, size=1)
    assert held.items[0].item_id in (first, second)
    assert returned(ADMIN) == (2, 0)
    world.label(project, bob, held)
    assert returned(ADMIN) == (2, 0)
    assert world.counters(project) == world.recount(project)


def test_what_is_labeled_again_since_all_starts_over_was_not_sent_back(world: World) -> None:
    project = world.project(images=3)
    ann = world.member(project, "ann")
    world.label(project, ann, world.task(project, ann, size=3))
    added = AddClasses(classes=[NewClass(name="Newt")], then="start_over_keeping")
    changed = world.services.projects.add_classes(project.project_id, added, by="ada")
    world.services.starting_over.start(changed)
    world.drain()
    world.services.progress.on_tick()

    (line,) = world.services.projects.list_for(ADMIN)

    assert (line.waiting, line.returned) == (3, 0)


def test_the_list_shows_the_first_images_of_a_project(world: World) -> None:
    world.upload("bad.png", data=b"no image")
    world.project(images=6)

    cover = world.services.projects.list_for(ADMIN)[0].cover

    assert len(cover) == 4
    assert all(url.startswith("memory://photos/img000") for url in cover)


def test_the_list_shows_labelers_no_images_that_they_do_not_hold(world: World) -> None:
    project = world.project(images=6)
    ann = world.member(project, "ann")

    assert world.services.projects.list_for(ann)[0].cover == []


def test_days_tell_since_when_images_are_labeled_whatever_is_corrected_later(world: World) -> None:
    project = world.project(images=5)
    ann = world.member(project, "ann")
    first = world.task(project, ann, size=3)
    world.label(project, ann, first)
    day = world.clock.now().date()
    world.wait(86_400)
    world.label(project, ann, world.task(project, ann, size=1))
    wanted = ReopenRequest(request_id="again", items=[first.items[0].item_id])
    opened = world.open(project, ann)
    again = world.services.tasks.reopen(opened, ann, first.task_id, wanted).task
    assert again
    world.label(project, ann, again, class_id="c2")
    sent_back = RejectRequest(item_ids=[first.items[1].item_id])
    world.services.review.reject(world.open(project, ADMIN), sent_back, by="ada")

    days = [(day.day, day.images) for day in progress(world, project).days]
    assert days == [(day, 2), (day + timedelta(days=1), 1)]

    opened = world.open(project, ADMIN)
    for since, images in days:
        page = world.services.review.list(opened, ItemFilter(labeled_on=since))
        assert len(page.items) == images
    assert world.counters(project) == world.recount(project)


@pytest.mark.parametrize(("shards", "images"), [(1, 6), (4, 60)])
def test_the_dashboard_costs_a_call_a_shard_and_one_however_many_days_were_labeled(
    world: World, shards: int, images: int
) -> None:
    project = world.sharded(shards, images=images)
    ann = world.member(project, "ann")
    for _ in range(5):
        world.label(project, ann, world.task(project, ann, size=1))
        world.wait(86_400)
    opened = world.open(project, ADMIN)
    world.watch.reset()

    assert len(world.services.progress.get(opened).days) == 5

    assert world.watch.calls == 1 + shards


def test_an_image_that_is_corrected_or_labeled_anew_counts_once_a_day(world: World) -> None:
    project = world.project(images=2)
    ann = world.member(project, "ann")
    opened = world.open(project, ann)
    task = world.task(project, ann, size=1)
    item_id = task.items[0].item_id
    world.label(project, ann, task)
    for number in range(2):
        request = ReopenRequest(request_id=f"r{number}", items=[item_id])
        found = world.services.tasks.reopen(opened, ann, task.task_id, request).task
        assert found
        task = found
        world.submit(project, ann, task.task_id, decided(item_id, tag("c2")))
    items = world.services.projects.items(project)
    items.reject(item_id, by="rob", reason="", to_same_labeler=True, front=False, revision=None)
    world.label(project, ann, world.task(project, ann, size=1))
    assert [labeler.today for labeler in progress(world, project).labelers] == [1]

    world.wait(86_400)
    items.reject(item_id, by="rob", reason="", to_same_labeler=True, front=False, revision=None)
    world.label(project, ann, world.task(project, ann, size=1))
    assert [labeler.today for labeler in progress(world, project).labelers] == [1]
    assert world.counters(project) == world.recount(project)
