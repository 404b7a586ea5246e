from __future__ import annotations

import math
import random
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from labeling.annotations.classes import NewClass
from labeling.errors import Conflict, Invalid, NotFound, TooLarge
from labeling.ingest.refresh import BlobEvent
from labeling.projects.access import Caller
from labeling.projects.record import AddClasses, Project
from labeling.review import RejectRequest
from labeling.tasks.images import SignRequest
from labeling.tasks.messages import ReleaseRequest, ReopenRequest
from labeling.tasks.views import Draft, DraftItem, TaskView
from tests.world import ADMIN, PHOTOS, Killed, World, box, decided, photo, tag


@pytest.fixture
def labeling(world: World) -> tuple[World, Project, Caller]:
    """A project of 30 images and somebody to label them."""
    project = world.project(images=30)
    return world, project, world.member(project, "ann")


Labeling = tuple[World, Project, Caller]


def ids(task: TaskView) -> list[str]:
    return [item.item_id for item in task.items]


def reject(world: World, project: Project, *items: str, **more: Any) -> None:
    request = RejectRequest(item_ids=list(items), reason="missed the tail", **more)
    opened = world.open(project, ADMIN)
    answer = world.services.review.reject(opened, request, by="boss")
    assert {result.status for result in answer.results} == {"rejected"}


def release(world: World, project: Project, who: Caller, task: str, *items: str) -> TaskView:
    request = ReleaseRequest(items=list(items) or None)
    return world.services.tasks.release(world.open(project, who), who, task, request)


def reopen(
    world: World, project: Project, who: Caller, task: str, *items: str, request: str = "o1"
) -> Any:
    wanted = ReopenRequest(request_id=request, items=list(items) or None)
    return world.services.tasks.reopen(world.open(project, who), who, task, wanted)


def lapse(world: World) -> None:
    """The lease ends, and the grace after it."""
    world.wait(world.settings.lease_seconds + world.settings.lease_grace_seconds + 1)


# Handing out.


@pytest.mark.parametrize("size", [1, 4, 6, 9, 24])
def test_a_page_has_the_size_that_was_wished_for(labeling: Labeling, size: int) -> None:
    world, project, ann = labeling

    assert len(world.task(project, ann, size=size).items) == size


def test_size_is_a_wish(world: World) -> None:
    project = world.project(images=5)
    ann = world.member(project, "ann")

    assert len(world.task(project, ann, size=9).items) == 5


def test_the_order_is_shuffled_and_the_same_for_the_same_seed(world: World) -> None:
    world.upload(*(f"{number:03d}.png" for number in range(200)))
    first, second = world.project("One"), world.project("Two")
    items = [world.items(project) for project in (first, second)]
    orders = [sorted(found, key=lambda path, of=found: of[path].order) for found in items]

    assert orders[0] != sorted(orders[0])
    assert orders[0] != orders[1]
    again = world.services.projects.items(first).new_item(
        "000.png", "0x1", container=PHOTOS, size=1, media="png"
    )
    assert again.order == items[0]["000.png"].order


def test_a_task_says_all_that_a_page_shows(labeling: Labeling) -> None:
    world, project, ann = labeling

    task = world.task(project, ann, size=1)

    one = task.items[0]
    assert (task.kind, task.state, task.classes_version) == ("manual", "open", 1)
    assert task.lease
    assert (task.lease.until - world.clock.now()).total_seconds() == world.settings.lease_seconds
    assert (one.width, one.height, one.media, one.revision) == (8, 6, "png", 0)
    assert one.images.preview.startswith(f"memory://{PHOTOS}/{one.path}")
    assert (one.annotations, one.defaults, one.returned, one.draft) == (None, None, None, None)


def test_the_same_request_gets_the_same_task(labeling: Labeling) -> None:
    world, project, ann = labeling

    first = world.task(project, ann, request_id="r-1")
    again = world.other().task(project, ann, request_id="r-1")

    assert (again.task_id, ids(again)) == (first.task_id, ids(first))
    assert len(world.rows(project, "T|ann|")) == 1


def test_the_same_request_gets_the_same_task_after_it_was_submitted(labeling: Labeling) -> None:
    world, project, ann = labeling
    first = world.task(project, ann, request_id="r-1")
    world.label(project, ann, first)

    again = world.task(project, ann, request_id="r-1")

    assert (again.task_id, again.state, again.items) == (first.task_id, "closed", [])
    world.services.projects.set_running(project.project_id, False)
    assert world.task(project, ann, request_id="r-1").task_id == first.task_id
    world.services.projects.set_running(project.project_id, True)
    world.finish(project, ann)
    assert world.task(project, ann, request_id="r-1").task_id == first.task_id
    assert world.ask(project, ann).why == "none_left"


def test_a_request_answered_long_ago_is_known_while_three_tasks_are_open(
    labeling: Labeling,
) -> None:
    world, project, ann = labeling
    first = world.task(project, ann, request_id="r-1")
    world.label(project, ann, first)
    for _ in range(3):
        world.task(project, ann, size=1)

    assert world.task(project, ann, request_id="r-1").task_id == first.task_id


def test_a_request_of_one_labeler_is_no_request_of_another(labeling: Labeling) -> None:
    world, project, ann = labeling
    bob = world.member(project, "bob")

    mine = world.task(project, ann, request_id="r-1")
    theirs = world.task(project, bob, request_id="r-1")

    assert not set(ids(mine)) & set(ids(theirs))


def test_the_same_request_from_two_hosts_at_once_makes_one_task(world: World) -> None:
    position = 0
    overtaken = True
    while overtaken:
        position += 1
        world = World()
        project = world.project(images=30)
        ann = world.member(project, "ann")
        other = world.other()
        overtaken = False

        def overtake(other: World = other, project: Project = project, ann: Caller = ann) -> None:
            nonlocal overtaken
            overtaken = True
            other.task(project, ann, request_id="r-1")

        world.watch.at(position, overtake)
        task = world.task(project, ann, request_id="r-1")
        world.watch.reset()

        assert len(world.rows(project, "T|ann|")) == 1, position
        assert len(ids(task)) == 9

    assert position > 2


def test_three_tasks_may_be_open(labeling: Labeling) -> None:
    world, project, ann = labeling
    tasks = [world.task(project, ann, size=2) for _ in range(3)]

    fourth = world.ask(project, ann, size=2)

    assert (fourth.task, fourth.why) == (None, "too_many_open")
    assert sorted(fourth.open_tasks) == sorted(task.task_id for task in tasks)
    assert len({item for task in tasks for item in ids(task)}) == 6
    world.label(project, ann, tasks[1])
    assert world.task(project, ann, size=2)


def test_labelers_at_once_get_every_image_once(world: World) -> None:
    project = world.project(images=120)
    callers = [world.member(project, f"ann{number}") for number in range(8)]

    def work(caller: Caller) -> list[str]:
        host, done = world.other(), list[str]()
        for number in range(300):
            answer = host.ask(project, caller, request_id=f"r{number}", size=4)
            if answer.task:
                decisions = [decided(one, tag()) for one in ids(answer.task)]
                host.submit(
                    project, caller, answer.task.task_id, *decisions, submission=f"s{number}"
                )
                done += ids(answer.task)
            elif answer.why == "none_left":
                return done
            else:
                world.wait(0.2)
                time.sleep(0.002)
        raise AssertionError("it never ended")

    with ThreadPoolExecutor(8) as pool:
        done = [item for items in pool.map(work, callers) for item in items]

    assert len(done) == len(set(done)) == 120
    assert world.counters(project) == world.recount(project)
    assert world.counters(project)["state:labeled"] == 120


def test_when_others_hold_all_that_is_left_it_says_when_to_ask_again(world: World) -> None:
    project = world.project(images=3)
    ann, bob = world.member(project, "ann"), world.member(project, "bob")
    task = world.task(project, ann)
    world.wait(world.settings.lease_seconds + world.settings.lease_grace_seconds - 7)

    answer = world.ask(project, bob)

    assert (answer.why, answer.retry_after_s) == ("all_leased", 7)
    world.label(project, ann, task)
    world.wait(5)
    assert world.ask(project, bob).why == "none_left"


@pytest.mark.parametrize("step", range(1, 8))
def test_who_asks_while_the_last_page_is_saved_hears_soon_that_nothing_is_left(
    world: World, step: int
) -> None:
    project = world.project(images=3)
    ann, bob = world.member(project, "ann"), world.member(project, "bob")
    task = world.task(project, ann)
    saved: list[object] = []

    world.watch.at(step, lambda: saved.append(world.label(project, ann, task)))
    world.ask(project, bob)
    if not saved:
        world.watch.reset()
        world.label(project, ann, task)

    assert world.ask(project, bob).why == "none_left"


BACK = ["released", "expired", "rejected", "landed", "refreshed", "reserved"]


@pytest.mark.parametrize("how", BACK)
@pytest.mark.parametrize("shards", [1, 4])
def test_what_comes_back_while_there_was_nothing_is_found_within_five_seconds(
    world: World, how: str, shards: int
) -> None:
    project = world.sharded(shards, images=6)
    ann, bob = world.member(project, "ann"), world.member(project, "bob")
    other = world.other()
    done: list[str] = []
    kept: TaskView | None = None
    while task := world.ask(project, ann, size=3).task:
        if how in ("released", "expired") and not done:
            done = ids(task)
            kept = task
            continue
        world.label(project, ann, task)
        done = done or ids(task)
    if how == "expired":
        world.wait(world.settings.lease_seconds + world.settings.lease_grace_seconds - 2)
    assert world.ask(project, bob).task is None
    assert other.ask(project, bob).task is None

    if how == "released":
        assert kept
        release(world.other(), project, ann, kept.task_id)
    elif how == "rejected":
        reject(world.other(), project, done[0])
    elif how == "reserved":
        reject(world.other(), project, done[0], to="same_labeler")
    elif how == "landed":
        world.upload("late.png")
        world.services.ingest.on_blob_event(BlobEvent(container=PHOTOS, path="late.png"))
    elif how == "refreshed":
        world.upload("late.png")
        world.services.ingest.start(project)
        world.drain()
    world.wait(5.1)

    who = ann if how == "reserved" else bob
    for host in (world, other):
        task = host.task(project, who, size=1)
        host.submit(project, who, task.task_id, decided(ids(task)[0], tag()))
        if how in ("landed", "refreshed", "rejected", "reserved"):
            break  # that was the only one


def test_a_task_that_ran_out_is_given_to_others_by_itself(labeling: Labeling) -> None:
    world, project, ann = labeling
    world.finish(project, world.member(project, "cat"), size=24)
    # all labeled; a new file comes, Ann takes it and goes home
    world.upload("late.png")
    world.services.ingest.start(project)
    world.drain()
    mine = world.task(project, ann)
    lapse(world)

    theirs = world.task(project, world.member(project, "bob"))

    assert ids(theirs) == ids(mine)


def test_the_timer_gives_back_what_ran_out_and_rests_afterwards(labeling: Labeling) -> None:
    world, project, ann = labeling
    world.task(project, ann)
    world.services.progress.on_tick()
    assert world.counters(project)["state:leased"] == 9

    lapse(world)
    world.services.progress.on_tick()

    assert "state:leased" not in world.counters(project)
    assert world.services.tasks.mine(world.open(project, ann), ann).items == []
    world.wait(601)
    world.services.progress.on_tick()
    world.watch.reset()
    world.services.progress.on_tick()
    assert world.watch.calls <= 2, "a resting system costs two calls"


def test_a_lease_is_not_taken_away_before_its_grace_is_over(labeling: Labeling) -> None:
    world, project, ann = labeling
    task = world.task(project, ann)
    world.wait(world.settings.lease_seconds + world.settings.lease_grace_seconds - 1)

    world.services.progress.on_tick()

    assert world.services.tasks.get(world.open(project, ann), ann, task.task_id).state == "open"


# Another's.


def test_another_labelers_task_does_not_exist(labeling: Labeling) -> None:
    world, project, ann = labeling
    bob = world.member(project, "bob")
    task = world.task(project, ann)
    opened = world.open(project, bob)
    tasks = world.services.tasks
    draft = Draft(client_id="t", seq=1, items=[])
    decision = decided(ids(task)[0], tag())

    for attempt in (
        lambda: tasks.get(opened, bob, task.task_id),
        lambda: tasks.renew(opened, bob, task.task_id),
        lambda: tasks.release(opened, bob, task.task_id, ReleaseRequest()),
        lambda: tasks.put_draft(opened, bob, task.task_id, draft),
        lambda: world.submit(project, bob, task.task_id, decision),
        lambda: reopen(world, project, bob, task.task_id),
    ):
        with pytest.raises(NotFound):
            attempt()


@pytest.mark.parametrize("task_id", ["x", "zz", "000", "ff0", "t-01J", "000123", "0" * 64, "٣٣٣"])
def test_a_task_that_never_was_does_not_exist(labeling: Labeling, task_id: str) -> None:
    world, project, ann = labeling
    opened = world.open(project, ann)

    for attempt in (
        lambda: world.services.tasks.get(opened, ann, task_id),
        lambda: world.services.tasks.renew(opened, ann, task_id),
        lambda: world.submit(project, ann, task_id, decided("i1", tag())),
        lambda: world.services.tasks.put_draft(
            opened, ann, task_id, Draft(client_id="t", seq=1, items=[])
        ),
    ):
        with pytest.raises(NotFound):
            attempt()


def test_a_labeler_signs_only_images_of_own_open_tasks(labeling: Labeling) -> None:
    world, project, ann = labeling
    bob = world.member(project, "bob")
    boss = world.member(project, "boss", "reviewer")
    mine, theirs = world.task(project, ann, size=2), world.task(project, bob, size=2)
    wanted = SignRequest(item_ids=[*ids(mine), *ids(theirs), "unknown"])

    signed = {
        who.user: set(
            world.services.tasks.images.sign(world.open(project, who), who, wanted).images
        )
        for who in (ann, boss)
    }

    assert signed == {"ann": set(ids(mine)), "boss": {*ids(mine), *ids(theirs)}}


def test_images_given_back_meanwhile_are_still_shown_to_who_worked_on_them(
    labeling: Labeling,
) -> None:
    world, project, ann = labeling
    bob = world.member(project, "bob")
    task = world.task(project, ann, size=2)
    release(world, project, ann, task.task_id)

    def signed(who: Caller, task_id: str | None) -> set[str]:
        wanted = SignRequest(item_ids=ids(task), task_id=task_id)
        return set(world.services.tasks.images.sign(world.open(project, who), who, wanted).images)

    assert signed(ann, task.task_id) == set(ids(task))
    assert signed(ann, None) == set()
    assert signed(bob, task.task_id) == set()


def test_a_labeler_never_sees_what_another_has_labeled(labeling: Labeling) -> None:
    world, project, ann = labeling
    bob = world.member(project, "bob")
    task = world.task(project, bob, size=2)
    world.label(project, bob, task)

    shown = [world.task(project, ann).model_dump_json()]
    opened = world.open(project, ann)
    shown.append(world.services.tasks.recent(opened, ann).model_dump_json())
    shown.append(world.services.progress.get(opened).model_dump_json())

    assert all("bob" not in one for one in shown)
    assert all(item not in one for one in shown for item in ids(task))


# Renewing, releasing, drafts.


def test_renewing_holds_a_task_for_another_lease(labeling: Labeling) -> None:
    world, project, ann = labeling
    task = world.task(project, ann)
    opened = world.open(project, ann)
    world.wait(world.settings.lease_seconds - 10)

    renewed = world.services.tasks.renew(opened, ann, task.task_id)

    assert (renewed.lease.until - world.clock.now()).total_seconds() == 600
    world.wait(world.settings.lease_seconds - 10)
    world.services.progress.on_tick()
    assert len(world.services.tasks.get(opened, ann, task.task_id).items) == 9


def test_a_task_that_was_given_back_can_not_be_renewed(labeling: Labeling) -> None:
    world, project, ann = labeling
    task = world.task(project, ann)
    lapse(world)
    world.services.progress.on_tick()

    with pytest.raises(Conflict, match="over"):
        world.services.tasks.renew(world.open(project, ann), ann, task.task_id)


def test_releasing_gives_all_back_and_may_be_repeated(labeling: Labeling) -> None:
    world, project, ann = labeling
    task = world.task(project, ann)

    for _ in range(2):
        assert release(world, project, ann, task.task_id).state == "closed"

    assert world.counters(project) == {"state:available": 30, "queue:6": 30}


def test_releasing_some_keeps_the_others(labeling: Labeling) -> None:
    world, project, ann = labeling
    task = world.task(project, ann)

    for _ in range(2):
        left = release(world, project, ann, task.task_id, *ids(task)[:4])
        assert (left.state, ids(left)) == ("open", ids(task)[4:])

    assert release(world, project, ann, task.task_id, "stranger").state == "open"
    assert release(world, project, ann, task.task_id, *ids(task)[4:]).state == "closed"
    assert world.counters(project) == world.recount(project)


def test_an_admin_gives_back_what_somebody_holds(labeling: Labeling) -> None:
    world, project, ann = labeling
    task = world.task(project, ann)
    boss = world.member(project, "boss", "admin")
    opened = world.open(project, boss)
    held = world.services.tasks.leases(opened).items
    assert [(lease.task_id, lease.user, len(lease.item_ids)) for lease in held] == [
        (task.task_id, "ann", 9)
    ]

    world.services.tasks.release_for(opened, task.task_id)

    assert world.services.tasks.leases(opened).items == []
    with pytest.raises(NotFound):
        world.services.tasks.release_for(opened, task.task_id)


def draft(seq: int, item_id: str, client: str = "tab-1") -> Draft:
    return Draft(
        client_id=client, seq=seq, items=[DraftItem(item_id=item_id, reason=f"draft {seq}")]
    )


def test_a_draft_is_shown_with_its_task_and_renews_the_lease(labeling: Labeling) -> None:
    world, project, ann = labeling
    task = world.task(project, ann)
    opened = world.open(project, ann)
    world.wait(300)

    kept = world.services.tasks.put_draft(opened, ann, task.task_id, draft(41, ids(task)[3]))

    assert kept.seq == 41
    assert kept.lease
    assert (kept.lease.until - world.clock.now()).total_seconds() == 600
    shown = world.other().services.tasks.mine(opened, ann).items[0]
    assert shown.draft_seq == 41
    assert [item.draft and item.draft.reason for item in shown.items].count("draft 41") == 1


def test_of_two_drafts_the_newer_wins_and_the_older_is_told_the_newer(
    labeling: Labeling,
) -> None:
    world, project, ann = labeling
    task = world.task(project, ann)
    opened = world.open(project, ann)
    put = world.services.tasks.put_draft
    put(opened, ann, task.task_id, draft(55, ids(task)[0], "tab-7"))

    with pytest.raises(Conflict) as refused:
        put(opened, ann, task.task_id, draft(41, ids(task)[0], "tab-9"))

    newer = refused.value.extra["newer"]
    assert (newer["client_id"], newer["seq"], newer["items"][0]["reason"]) == (
        "tab-7",
        55,
        "draft 55",
    )
    assert put(opened, ann, task.task_id, draft(56, ids(task)[0])).seq == 56


def test_a_draft_is_taken_after_the_lease_and_during_a_pause(labeling: Labeling) -> None:
    world, project, ann = labeling
    task = world.task(project, ann)
    lapse(world)
    world.services.progress.on_tick()
    world.services.projects.set_running(project.project_id, False)

    kept = world.services.tasks.put_draft(
        world.open(project, ann), ann, task.task_id, draft(1, ids(task)[0])
    )

    assert (kept.seq, kept.lease) == (1, None)


def test_a_sequence_number_that_can_not_be_kept_is_refused() -> None:
    with pytest.raises(ValueError, match="seq"):
        draft(2**63, "i1")


def test_a_draft_that_is_too_large_is_refused_by_name(labeling: Labeling) -> None:
    world, project, ann = labeling
    task = world.task(project, ann)
    chance = random.Random(1)
    shapes = [
        {
            "annotation_id": f"a{number}",
            "class_id": "c1",
            "geometry": {
                "kind": "polygon",
                "parts": [{"outer": [(chance.random(), chance.random()) for _ in range(400)]}],
            },
        }
        for number in range(100)
    ]
    item = DraftItem.model_validate({"item_id": ids(task)[0], "annotations": shapes})
    big = Draft(client_id="t", seq=1, items=[item, item.model_copy(update={"item_id": "i2"})])
    big = big.model_copy(update={"items": [item] * 3})

    with pytest.raises(TooLarge, match="752,640"):
        world.services.tasks.put_draft(world.open(project, ann), ann, task.task_id, big)


# Submitting.


def test_a_submission_is_saved_with_all_that_was_said(labeling: Labeling) -> None:
    world, project, ann = labeling
    task = world.task(project, ann, size=3)
    one, two, three = ids(task)

    answer = world.submit(
        project,
        ann,
        task.task_id,
        decided(one, tag("c2"), active_ms=2100),
        decided(two, outcome="skipped", reason="blurred"),
        decided(three, tag("c1"), outcome="needs_review", note="a wren?"),
    )

    assert answer.task_state == "closed"
    assert [(result.status, result.revision) for result in answer.results] == [("saved", 1)] * 3
    views = [world.services.review.get(world.open(project, ADMIN), item) for item in ids(task)]
    assert [view.state for view in views] == ["labeled", "skipped", "needs_review"]
    assert [view.note for view in views] == [None, "blurred", "a wren?"]
    assert (views[0].active_ms, views[0].labelers) == (2100, ["ann"])
    assert world.counters(project) == world.recount(project)
    assert world.counters(project)["class:c2"] == 1
    assert "class:c1" not in world.counters(project)


def test_items_not_named_stay_open(labeling: Labeling) -> None:
    world, project, ann = labeling
    task = world.task(project, ann)

    first = world.submit(project, ann, task.task_id, decided(ids(task)[0], tag()))

    assert first.task_state == "open"
    assert ids(world.services.tasks.mine(world.open(project, ann), ann).items[0]) == ids(task)[1:]
    rest = [decided(one, tag()) for one in ids(task)[1:]]
    assert world.submit(project, ann, task.task_id, *rest).task_state == "closed"


@pytest.mark.parametrize("partial", [True, False])
def test_the_same_submission_again_is_answered_as_the_first_time(
    labeling: Labeling, partial: bool
) -> None:
    world, project, ann = labeling
    task = world.task(project, ann, size=4)
    decisions = [decided(one, tag()) for one in ids(task)[: 2 if partial else 4]]
    decisions.append(decided(ids(task)[0], tag()))
    first = world.submit(project, ann, task.task_id, *decisions, submission="s-1")
    before = world.rows(project, "")

    again = world.other().submit(project, ann, task.task_id, *decisions, submission="s-1")

    assert again == first
    assert world.rows(project, "") == before


@pytest.mark.parametrize("partial", [True, False])
def test_the_same_id_with_another_body_is_refused(labeling: Labeling, partial: bool) -> None:
    world, project, ann = labeling
    task = world.task(project, ann, size=4)
    decisions = [decided(one, tag()) for one in ids(task)[: 2 if partial else 4]]
    world.submit(project, ann, task.task_id, *decisions, submission="s-1")
    before = world.rows(project, "")

    for body in ([decided(ids(task)[3], tag("c2"))], [decided(ids(task)[0], tag("c2"))]):
        with pytest.raises(Invalid, match="another body"):
            world.submit(project, ann, task.task_id, *body, submission="s-1")

    assert world.rows(project, "") == before


def test_the_same_submission_from_two_hosts_at_once_is_saved_once() -> None:
    position = 0
    overtaken = True
    while overtaken:
        position += 1
        world = World()
        project = world.project(images=5)
        ann = world.member(project, "ann")
        task = world.task(project, ann)
        decisions = [decided(one, tag()) for one in ids(task)[:3]]
        other = world.other()
        overtaken = False
        answers: list[Any] = []

        def send(
            host: World,
            project: Project = project,
            ann: Caller = ann,
            task: TaskView = task,
            decisions: list[dict[str, Any]] = decisions,
            answers: list[Any] = answers,
        ) -> None:
            answers.append(host.submit(project, ann, task.task_id, *decisions, submission="s-1"))

        def overtake(other: World = other, send: Any = send) -> None:
            nonlocal overtaken
            overtaken = True
            send(other)

        world.watch.at(position, overtake)
        send(world)
        world.watch.reset()

        assert answers[0] == answers[-1]
        assert len(world.rows(project, "H|")) == 3, position
        assert world.counters(project) == world.recount(project)

    assert position > 2


@pytest.mark.parametrize("stage", ["before", "after"])
@pytest.mark.parametrize("what", ["ask", "submit", "release", "reopen", "draft", "late", "reject"])
def test_whatever_is_killed_at_any_storage_call_is_made_whole_by_the_same_request(
    what: str, stage: str
) -> None:
    position = 0
    killed = True
    while killed:
        position += 1
        world = World()
        project = world.project(images=4)
        ann = world.member(project, "ann")
        task = world.task(project, ann, request_id="r0", size=2)
        if what in ("reopen", "reject"):
            world.label(project, ann, task)
        if what == "late":
            lapse(world)
            world.services.progress.on_tick()
        decisions = [decided(one, tag()) for one in ids(task)]

        def act(
            world: World = world,
            project: Project = project,
            ann: Caller = ann,
            task: TaskView = task,
            decisions: list[dict[str, Any]] = decisions,
        ) -> None:
            opened = world.open(project, ann)
            if what == "ask":
                world.task(project, ann, request_id="r1", size=2)
            elif what in ("submit", "late"):
                world.submit(project, ann, task.task_id, *decisions, submission="s-1")
            elif what == "release":
                release(world, project, ann, task.task_id)
            elif what == "reopen":
                reopen(world, project, ann, task.task_id)
            elif what == "draft":
                world.services.tasks.put_draft(opened, ann, task.task_id, draft(3, ids(task)[0]))
            else:
                world.services.review.reject(
                    world.open(project, ADMIN), RejectRequest(item_ids=ids(task)), by="boss"
                )

        def end(world: World = world, project: Project = project) -> dict[str, int]:
            return world.counters(project)

        world.watch.kill(position, stage)
        try:
            act()
            killed = False
        except Killed:
            world.watch.reset()
            assert end() == world.recount(project), "nothing half-written"
            act()
        world.watch.reset()

        assert end() == world.recount(project)
        expected = {
            "ask": {"state:leased": 4},
            "submit": {"state:labeled": 2},
            "release": {"state:available": 4},
            "reopen": {"state:labeled": 2},
            "draft": {"state:leased": 2},
            "late": {"state:labeled": 2},
            "reject": {"state:available": 4},
        }[what]
        assert end().items() >= expected.items(), (what, stage, position)
        if what in ("submit", "late"):
            assert len(world.rows(project, "H|")) == 2
        if what in ("ask", "reopen"):
            assert len(world.rows(project, "T|ann|")) == {"ask": 2, "reopen": 1}[what]

    assert position > 1


# What a decision must hold.


@pytest.fixture(params=["multiclass", "multilabel", "boxes", "polygons"])
def typed(request: pytest.FixtureRequest, world: World) -> tuple[str, World, Project, Caller]:
    project = world.project(images=4, task_type=request.param)
    return request.param, world, project, world.member(project, "ann")


TRIANGLE = {
    "annotation_id": "a1",
    "class_id": "c1",
    "geometry": {"kind": "polygon", "parts": [{"outer": [[0, 0], [1, 0], [1, 1]]}]},
}
SAID: dict[str, list[dict[str, Any]]] = {
    "nothing": [],
    "a tag": [tag()],
    "two tags": [tag(), tag("c2", "a2")],
    "a tag twice": [tag(), tag("c1", "a2")],
    "a box": [box()],
    "a polygon": [TRIANGLE],
}
FINE = {
    "multiclass": {"a tag"},
    "multilabel": {"nothing", "a tag", "two tags"},
    "boxes": {"nothing", "a box"},
    "polygons": {"nothing", "a polygon"},
}
CODES = {
    ("multiclass", "nothing"): "one-tag",
    ("multiclass", "two tags"): "one-tag",
    ("multiclass", "a tag twice"): "one-tag",
    ("multilabel", "a tag twice"): "duplicate-tag",
}


@pytest.mark.parametrize("said", SAID)
def test_each_type_of_task_takes_its_annotations_and_no_others(
    typed: tuple[str, World, Project, Caller], said: str
) -> None:
    task_type, world, project, ann = typed
    task = world.task(project, ann, size=1)
    decision = decided(ids(task)[0], *SAID[said])

    if said in FINE[task_type]:
        answer = world.submit(project, ann, task.task_id, decision)
        assert answer.results[0].status == "saved"
        return
    with pytest.raises(Invalid) as refused:
        world.submit(project, ann, task.task_id, decision)
    fault = refused.value.faults[0]
    assert fault.code == CODES.get((task_type, said), "wrong-geometry")
    assert fault.pointer.startswith("/items/0/annotations")
    assert not world.rows(project, "H|")


BAD: list[tuple[dict[str, Any], str]] = [
    ({"annotations": [tag("c9")]}, "/items/0/annotations/0/class_id"),
    ({"annotations": [tag(), tag("c2", "a1")]}, "/items/0/annotations/1/annotation_id"),
    ({"annotations": [{**tag(), "color": "red"}]}, "/items/0/annotations/0/color"),
    ({"annotations": [box(0.2, 0.2, 1.2, 0.9)]}, "/items/0/annotations/0/geometry/x1"),
    ({"annotations": [box(0.2, 0.2, 0.2, 0.9)]}, "/items/0/annotations/0/geometry"),
    ({"annotations": "all"}, "/items/0/annotations"),
    ({"outcome": "done"}, "/items/0/outcome"),
    ({"outcome": "skipped"}, "/items/0/annotations"),
    ({"shape": 1}, "/items/0/shape"),
    ({"base_revision": -1}, "/items/0/base_revision"),
    ({"active_ms": 10**12}, "/items/0/active_ms"),
    ({"note": "x" * 2001}, "/items/0/note"),
    ({"note": "\ud800"}, "/items/0"),
    ({"item_id": None}, "/items/0/item_id"),
    ({"item_id": "stranger"}, "/items/0/item_id"),
    ({"item_id": "\ud800"}, "/items/0/item_id"),
    ({"item_id": ["x"]}, "/items/0/item_id"),
]


@pytest.mark.parametrize(("change", "pointer"), BAD)
def test_when_nothing_can_be_saved_it_is_said_where_it_is_wrong(
    labeling: Labeling, change: dict[str, Any], pointer: str
) -> None:
    world, project, ann = labeling
    task = world.task(project, ann, size=2)
    before = world.rows(project, "")

    with pytest.raises(Invalid) as refused:
        world.submit(project, ann, task.task_id, {**decided(ids(task)[0], tag()), **change})

    assert refused.value.faults[0].pointer == pointer
    assert world.rows(project, "") == before


@pytest.mark.parametrize(("change", "pointer"), BAD)
def test_one_bad_item_does_not_hold_up_the_others(
    labeling: Labeling, change: dict[str, Any], pointer: str
) -> None:
    world, project, ann = labeling
    task = world.task(project, ann, size=2)
    bad = {**decided(ids(task)[0], tag()), **change}

    answer = world.submit(project, ann, task.task_id, bad, decided(ids(task)[1], tag()))

    assert [result.status for result in answer.results] == ["refused", "saved"]
    problem = answer.results[0].problem
    assert problem
    assert problem.pointer == pointer
    assert answer.task_state == "open"


@pytest.mark.parametrize("over", [False, True])
def test_an_item_twice_in_a_submission_is_taken_once(labeling: Labeling, over: bool) -> None:
    world, project, ann = labeling
    task = world.task(project, ann, size=2)
    one = ids(task)[0]
    if over:
        lapse(world)
        world.services.progress.on_tick()

    answer = world.submit(
        project, ann, task.task_id, decided(one, tag("c1")), decided(one, tag("c2"))
    )

    assert [result.status for result in answer.results] == [
        "saved_late" if over else "saved",
        "refused",
    ]
    problem = answer.results[1].problem
    assert problem
    assert problem.type == "duplicate"
    view = world.services.review.get(world.open(project, ADMIN), one)
    assert view.classes == ["c1"]


def jagged(shapes: int, points: int) -> list[dict[str, Any]]:
    """Polygons with coordinates of all digits, as an editor makes them."""
    chance = random.Random(5)

    def outline() -> list[list[float]]:
        turns = [2 * math.pi * (n + 0.9 * chance.random()) / points for n in range(points)]
        far = [chance.uniform(0.2, 0.5) for _ in turns]
        return [
            [0.5 + r * math.cos(turn), 0.5 + r * math.sin(turn)]
            for r, turn in zip(far, turns, strict=True)
        ]

    return [
        {
            "annotation_id": f"p{number}",
            "class_id": "c1",
            "geometry": {"kind": "polygon", "parts": [{"outer": outline()}]},
        }
        for number in range(shapes)
    ]


def test_an_image_with_two_thousand_polygons_is_saved(world: World) -> None:
    project = world.project(task_type="polygons", images=1)
    ann = world.member(project, "ann")
    task = world.task(project, ann, size=1)
    decision = decided(ids(task)[0], *jagged(2_000, 20))

    answer = world.submit(project, ann, task.task_id, decision)

    assert answer.results[0].status == "saved"


def test_labels_too_large_are_refused_with_the_limit_and_a_way_out_and_the_others_are_saved(
    world: World,
) -> None:
    project = world.project(task_type="polygons", images=3)
    ann = world.member(project, "ann")
    task = world.task(project, ann, size=3)
    small, large, other = ids(task)
    said = [decided(small), decided(large, *jagged(3_600, 20)), decided(other, *jagged(2, 20))]

    answer = world.submit(project, ann, task.task_id, *said)

    assert [result.status for result in answer.results] == ["saved", "refused", "saved"]
    problem = answer.results[1].problem
    assert problem
    assert (problem.type, problem.pointer) == ("too-large", "/items/1/annotations")
    assert "at most 752,640 are kept of one image: simplify outlines" in problem.detail


def test_of_large_images_that_do_not_fit_at_once_the_first_are_saved(world: World) -> None:
    project = world.project(task_type="polygons", images=3)
    ann = world.member(project, "ann")
    task = world.task(project, ann, size=3)
    one, two, small = ids(task)
    said = [decided(one, *jagged(2_000, 20)), decided(two, *jagged(2_000, 20)), decided(small)]

    answer = world.submit(project, ann, task.task_id, *said)
    again = world.submit(project, ann, task.task_id, said[1], submission="again")

    assert [result.status for result in answer.results] == ["saved", "refused", "saved"]
    assert answer.results[1].problem
    assert answer.results[1].problem.type == "too-large-together"
    assert [result.status for result in again.results] == ["saved"]


def test_a_shape_that_is_there_twice_is_taken_by_a_project_that_wants_it(world: World) -> None:
    project = world.alter(world.project(task_type="boxes", images=1), twins=True)
    ann = world.member(project, "ann")
    task = world.task(project, ann)
    second = {**box(), "annotation_id": "a2"}

    world.submit(project, ann, task.task_id, decided(task.items[0].item_id, box(), second))

    kept = world.services.review.get(world.open(project, ADMIN), task.items[0].item_id)
    assert [annotation.annotation_id for annotation in kept.annotations] == [
        box()["annotation_id"],
        "a2",
    ]


@pytest.mark.parametrize("late", [False, True])
def test_a_shape_that_is_there_twice_or_on_no_frame_is_refused_in_time_and_late(
    world: World, late: bool
) -> None:
    project = world.project(task_type="boxes", images=3)
    ann = world.member(project, "ann")
    task = world.task(project, ann, size=3)
    twin, beyond, fine = ids(task)
    second = {**box(), "annotation_id": "a2"}
    said = [decided(twin, box(), second), decided(beyond, {**box(), "frame": 7}), decided(fine)]
    if late:
        release(world, project, ann, task.task_id)

    answer = world.submit(project, ann, task.task_id, *said)

    assert [
        result.problem and (result.problem.type, result.problem.pointer)
        for result in answer.results
    ] == [
        ("twin", "/items/0/annotations/1/geometry"),
        ("no-such-frame", "/items/1/annotations/0/frame"),
        None,
    ]


def test_classes_from_the_future_are_refused(labeling: Labeling) -> None:
    world, project, ann = labeling
    task = world.task(project, ann, size=1)

    with pytest.raises(Invalid) as refused:
        world.submit(project, ann, task.task_id, decided(ids(task)[0], tag()), classes_version=99)

    assert refused.value.faults[0].pointer == "/classes_version"


def test_a_class_that_was_just_added_elsewhere_is_known(labeling: Labeling) -> None:
    world, project, ann = labeling
    task = world.task(project, ann, size=1)
    added = AddClasses(classes=[NewClass(name="Heron")])
    version = (
        world.other()
        .services.projects.add_classes(project.project_id, added, by="boss")
        .classes_version
    )

    answer = world.submit(
        project, ann, task.task_id, decided(ids(task)[0], tag("c4")), classes_version=version
    )

    assert answer.results[0].status == "saved"


def test_twenty_four_corrections_fit_one_submission(world: World) -> None:
    project = world.project(images=24)
    ann = world.member(project, "ann")
    task = world.task(project, ann, size=24)
    world.label(project, ann, task)

    again = reopen(world, project, ann, task.task_id).task
    world.label(project, ann, again, "c2")

    assert world.counters(project)["class:c2"] == 24


# Late work.


def test_work_that_comes_after_the_lease_is_saved_while_the_task_stands(
    labeling: Labeling,
) -> None:
    world, project, ann = labeling
    task = world.task(project, ann, size=1)
    lapse(world)

    answer = world.submit(project, ann, task.task_id, decided(ids(task)[0], tag()))

    assert answer.results[0].status == "saved"


def test_a_page_that_is_sent_again_from_another_tab_is_told_so_and_not_of_somebody_else(
    labeling: Labeling,
) -> None:
    world, project, ann = labeling
    task = world.task(project, ann, size=3)
    done, reopened, rejected = ids(task)
    world.label(project, ann, task)
    reopen(world, project, ann, task.task_id, reopened)
    reject(world, project, rejected)

    said = [decided(one, tag("c2"), base_revision=0) for one in ids(task)]
    answer = world.submit(project, ann, task.task_id, *said, submission="tab-2")

    assert {result.item_id: (result.status, result.why) for result in answer.results} == {
        done: ("superseded", "submitted"),
        reopened: ("superseded", "submitted"),
        rejected: ("superseded", "changed"),
    }
    assert not any("somebody" in (result.by or "") for result in answer.results)
    for item_id, overtaken in ((done, "submitted"), (reopened, "submitted"), (rejected, "changed")):
        history = world.services.review.history(world.open(project, ADMIN), item_id).items
        late = [entry.overtaken for entry in history if entry.what == "superseded"]
        assert late == [overtaken], "history agrees with what was answered"


def test_late_work_on_an_image_that_is_open_again_says_so(world: World) -> None:
    project = world.project(images=3)
    ann = world.member(project, "ann")
    task = world.task(project, ann, size=1)
    release(world, project, ann, task.task_id)
    again = world.task(project, ann, size=24)
    assert ids(task)[0] in ids(again)

    late = decided(ids(task)[0], tag("c2"))
    answer = world.submit(project, ann, task.task_id, late, submission="late")

    assert [(result.status, result.why) for result in answer.results] == [("superseded", "open")]


def test_late_work_on_free_items_is_saved_and_on_others_kept_in_history(world: World) -> None:
    project = world.project(images=4)
    ann, bob = world.member(project, "ann"), world.member(project, "bob")
    task = world.task(project, ann, size=4)
    lapse(world)
    world.services.progress.on_tick()
    theirs = world.task(project, bob, size=2)
    done, held = ids(theirs)
    world.submit(project, bob, theirs.task_id, decided(done, tag("c2")))
    decisions = [decided(one, tag("c3"), base_revision=0) for one in ids(task)]

    answer = world.submit(project, ann, task.task_id, *decisions, submission="s-1")

    status = {result.item_id: result.status for result in answer.results}
    free = set(ids(task)) - {done, held}
    assert status == dict.fromkeys(free, "saved_late") | dict.fromkeys((done, held), "superseded")
    assert {result.why for result in answer.results} == {None, "somebody"}
    assert world.submit(project, ann, task.task_id, *decisions, submission="s-1") == answer
    history = world.services.review.history(world.open(project, ADMIN), done).items
    assert [(entry.what, entry.by) for entry in history] == [
        ("submitted", "bob"),
        ("superseded", "ann"),
    ]
    assert [entry.overtaken for entry in history] == [None, "somebody"]
    assert [annotation.class_id for annotation in history[1].annotations] == ["c3"]
    assert world.counters(project) == world.recount(project)
    assert world.counters(project)["class:c3"] == 2
    world.submit(project, bob, theirs.task_id, decided(held, tag("c2")))
    assert world.counters(project)["class:c2"] == 2


def test_late_work_where_nothing_is_right_is_refused_with_pointers(labeling: Labeling) -> None:
    world, project, ann = labeling
    task = world.task(project, ann, size=1)
    release(world, project, ann, task.task_id)

    with pytest.raises(Invalid) as refused:
        world.submit(project, ann, task.task_id, decided(ids(task)[0], tag("c9")))

    assert refused.value.faults[0].pointer == "/items/0/annotations/0/class_id"


def test_late_work_does_not_undo_a_reject_that_came_later(labeling: Labeling) -> None:
    world, project, ann = labeling
    bob = world.member(project, "bob")
    task = world.task(project, ann, size=1)
    item = ids(task)[0]
    lapse(world)
    world.services.progress.on_tick()
    world.finish(project, bob, size=24)
    reject(world, project, item)

    answer = world.submit(project, ann, task.task_id, decided(item, tag("c3"), base_revision=0))

    assert answer.results[0].status == "superseded"


def test_a_pause_lets_open_work_be_renewed_drafted_and_submitted(labeling: Labeling) -> None:
    world, project, ann = labeling
    task = world.task(project, ann, size=1)
    world.services.projects.set_running(project.project_id, False)
    opened = world.open(project, ann)

    assert world.ask(project, ann).why == "paused"
    assert world.services.tasks.renew(opened, ann, task.task_id)
    assert world.services.tasks.put_draft(opened, ann, task.task_id, draft(1, ids(task)[0])).lease
    answer = world.submit(project, ann, task.task_id, decided(ids(task)[0], tag()))
    assert answer.results[0].status == "saved"


# Corrections: reopened, and returned.


def test_my_last_tasks_are_listed_newest_first(labeling: Labeling) -> None:
    world, project, ann = labeling
    tasks = [world.task(project, ann, size=2)]
    for _ in range(2):
        world.label(project, ann, tasks[-1])
        world.wait(1)
        tasks.append(world.task(project, ann, size=2))

    recent = world.services.tasks.recent(world.open(project, ann), ann).recent

    assert [task.task_id for task in recent] == [tasks[1].task_id, tasks[0].task_id]
    assert set(recent[0].item_ids) == set(ids(tasks[1]))


def test_a_reopened_item_stays_labeled_until_the_correction_is_submitted(
    labeling: Labeling,
) -> None:
    world, project, ann = labeling
    task = world.task(project, ann, size=2)
    one, _ = ids(task)
    world.label(project, ann, task)

    again = reopen(world, project, ann, task.task_id, one).task

    assert (again.kind, ids(again)) == ("correction", [one])
    assert [a.class_id for a in again.items[0].annotations] == ["c1"]
    assert again.items[0].revision == 1
    assert world.counters(project)["state:labeled"] == 2
    answer = world.submit(project, ann, again.task_id, decided(one, tag("c2"), base_revision=1))
    assert (answer.results[0].status, answer.results[0].revision) == ("saved", 2)
    counters = world.counters(project)
    assert counters == world.recount(project)
    assert (counters["class:c1"], counters["class:c2"], counters["state:labeled"]) == (1, 1, 2)
    history = world.services.review.history(world.open(project, ADMIN), one).items
    assert [[a.class_id for a in h.annotations] for h in history] == [["c1"], ["c2"]]


def test_what_was_submitted_of_a_task_that_is_still_open_can_be_reopened(
    labeling: Labeling,
) -> None:
    world, project, ann = labeling
    task = world.task(project, ann, size=3)
    one, *rest = ids(task)
    world.submit(project, ann, task.task_id, decided(one, tag()))

    again = reopen(world, project, ann, task.task_id).task

    assert (again.kind, ids(again)) == ("correction", [one])
    mine = world.services.tasks.mine(world.open(project, ann), ann).items
    assert [ids(held) for held in mine] == [[one], rest]


def test_a_skipped_image_comes_back_for_correction_as_it_was_decided(labeling: Labeling) -> None:
    world, project, ann = labeling
    task = world.task(project, ann, size=1)
    (one,) = ids(task)
    skipped = {"item_id": one, "outcome": "skipped", "reason": "blurred", "note": "left half"}
    world.submit(project, ann, task.task_id, skipped)

    (item,) = reopen(world, project, ann, task.task_id).task.items

    assert (item.outcome, item.reason, item.note) == ("skipped", "blurred", "left half")
    assert item.annotations == []


def test_a_correction_is_resumed_before_the_pages_that_were_open_already(
    labeling: Labeling,
) -> None:
    world, project, ann = labeling
    task = world.task(project, ann, size=2)
    world.label(project, ann, task)
    world.wait(1)
    page = world.task(project, ann, size=2)
    world.wait(1)

    again = reopen(world, project, ann, task.task_id).task

    mine = world.services.tasks.mine(world.open(project, ann), ann).items
    assert [task.task_id for task in mine] == [again.task_id, page.task_id]


def test_reopening_again_with_the_same_request_gives_the_same_task(labeling: Labeling) -> None:
    world, project, ann = labeling
    task = world.task(project, ann, size=2)
    world.label(project, ann, task)

    first = reopen(world, project, ann, task.task_id).task
    again = reopen(world, project, ann, task.task_id).task
    assert (again.task_id, ids(again)) == (first.task_id, ids(first))
    world.label(project, ann, first)

    closed = reopen(world, project, ann, task.task_id).task
    assert (closed.task_id, closed.state) == (first.task_id, "closed")


@pytest.mark.parametrize("how", ["release", "expire"])
def test_a_correction_given_up_leaves_the_labels_as_they_were(labeling: Labeling, how: str) -> None:
    world, project, ann = labeling
    task = world.task(project, ann, size=2)
    world.label(project, ann, task)
    again = reopen(world, project, ann, task.task_id).task

    if how == "release":
        release(world, project, ann, again.task_id)
    else:
        lapse(world)
        world.services.progress.on_tick()

    counters = world.counters(project)
    assert counters == world.recount(project)
    assert (counters["state:labeled"], counters["class:c1"]) == (2, 2)
    assert reopen(world, project, ann, task.task_id, request="o2").task.kind == "correction"


def test_what_somebody_else_has_changed_since_can_not_be_reopened(labeling: Labeling) -> None:
    world, project, ann = labeling
    task = world.task(project, ann, size=1)
    world.label(project, ann, task)
    reject(world, project, *ids(task))
    bob = world.member(project, "bob")
    world.finish(project, bob, size=24)

    with pytest.raises(Conflict):
        reopen(world, project, ann, task.task_id)


def why(world: World, project: Project, who: Caller, task: TaskView, *items: str) -> str:
    """Why items can't be reopened, by its code."""
    with pytest.raises((Conflict, Invalid)) as refused:
        reopen(world, project, who, task.task_id, *items, request="o2")
    assert refused.value.faults[0].pointer == "/items"
    return refused.value.faults[0].code


def test_each_reason_why_an_image_can_not_be_corrected_has_words_of_its_own(
    labeling: Labeling,
) -> None:
    world, project, ann = labeling
    task = world.task(project, ann, size=4)
    opened, back, gone, other = ids(task)
    release(world, project, ann, task.task_id, back)
    said = [decided(one, tag()) for one in (opened, gone, other)]
    world.submit(project, ann, task.task_id, *said)
    reopen(world, project, ann, task.task_id, opened)
    for one in (gone, other):
        reject(world, project, one)
    world.services.projects.items(project).leave_out(gone, by="ada", reason="", revision=None)
    bob = world.member(project, "bob")
    world.label(project, bob, world.task(project, bob, size=1))  # what was rejected comes first

    assert {
        "open": why(world, project, ann, task, opened),
        "back": why(world, project, ann, task, back),
        "gone": why(world, project, ann, task, gone),
        "other": why(world, project, ann, task, other),
        "none": why(world, project, ann, task, "i-of-another-task"),
    } == {
        "open": "open-elsewhere",
        "back": "waits-again",
        "gone": "unusable",
        "other": "somebody-else",
        "none": "not-in-task",
    }


def test_what_is_returned_to_the_same_labeler_comes_first_with_reason_and_defaults(
    labeling: Labeling,
) -> None:
    world, project, ann = labeling
    bob = world.member(project, "bob")
    task = world.task(project, ann, size=2)
    world.label(project, ann, task, "c3")
    item = ids(task)[0]

    reject(world, project, item, to="same_labeler")

    assert item not in ids(world.task(project, bob, size=24))
    mine = world.task(project, ann, size=4)
    assert ids(mine) == [item], "pages never mix kinds"
    one = mine.items[0]
    assert mine.kind == "correction"
    assert one.returned
    assert one.returned.reason == "missed the tail"
    assert [a.class_id for a in one.defaults or []] == ["c3"]
    assert one.annotations is None
    world.label(project, ann, mine)
    assert world.items(project)[one.path].returned == ""


def test_what_is_rejected_to_anyone_goes_in_front_and_names_nobody(labeling: Labeling) -> None:
    world, project, _ = labeling
    bob, zelda = world.member(project, "bob"), world.member(project, "zelda")
    task = world.task(project, zelda, size=2)
    world.label(project, zelda, task, "c3")
    item = ids(task)[0]

    reject(world, project, item)
    world.wait(5.1)

    theirs = world.task(project, bob, size=4)
    assert ids(theirs) == [item]
    assert theirs.items[0].defaults
    assert "zelda" not in theirs.model_dump_json()
    assert world.counters(project) == world.recount(project)


def test_what_is_rejected_without_front_waits_its_turn(labeling: Labeling) -> None:
    world, project, ann = labeling
    task = world.task(project, ann, size=2)
    world.label(project, ann, task)

    reject(world, project, ids(task)[0], front=False)

    assert world.counters(project)["queue:6"] == 29
    assert len(world.finish(project, world.member(project, "bob"))) == 29


@pytest.mark.parametrize("shards", [1, 4])
def test_what_is_returned_to_a_labeler_who_works_elsewhere_by_now_is_found_first(
    world: World, shards: int
) -> None:
    project = world.sharded(shards, images=24)
    ann = world.member(project, "ann")
    first = world.task(project, ann, size=1)
    world.label(project, ann, first)
    while True:
        task = world.task(project, ann, size=3)
        world.label(project, ann, task)
        left = world.counters(project)["state:available"]
        if left <= 8:
            break

    reject(world, project, *ids(first), to="same_labeler")
    world.wait(5.1)

    assert ids(world.task(project, ann, size=3)) == ids(first)
    assert world.counters(project) == world.recount(project)


def test_what_was_returned_to_a_labeler_who_is_gone_is_for_anyone(world: World) -> None:
    project = world.project(images=3)
    ann, bob = world.member(project, "ann"), world.member(project, "bob")
    task = world.task(project, ann, size=3)
    world.label(project, ann, task)
    world.services.projects.remove_member(project.project_id, "ann")
    world.wait(5.1)

    reject(world, project, ids(task)[0], to="same_labeler")
    world.wait(5.1)

    assert ids(world.task(project, bob)) == ids(task)[:1]


# Near the end, and overlap.


def test_images_that_are_not_measured_yet_are_measured_for_the_labeler(world: World) -> None:
    world.upload(*(f"{number}.png" for number in range(20)))
    world.upload("a.png", "b.png", data=b"no image")
    project = world.new()
    world.services.ingest.start(project)
    queues = world.storage.queues.sent
    for queue in ("refresh", "refresh", "register"):
        world.handle(queue, queues[queue].popleft().message)
    world.wait(6)

    done = world.finish(project, world.member(project, "ann"))

    assert len(done) == 20
    assert world.counters(project)["state:unreadable"] == 2


def test_all_of_a_project_of_many_shards_is_labeled_and_then_it_says_so(world: World) -> None:
    project = world.sharded(16, images=60)
    ann, bob = world.member(project, "ann"), world.member(project, "bob")
    done: list[str] = []
    answers: list[str | None] = [None, None]
    while None in answers:
        for number, who in enumerate((ann, bob)):
            answer = world.ask(project, who, size=4)
            if answer.task:
                world.label(project, who, answer.task)
                done += ids(answer.task)
            else:
                answers[number] = answer.why

    assert answers == ["none_left", "none_left"]
    assert len(done) == len(set(done)) == 60
    assert world.counters(project) == world.recount(project)


def test_open_tasks_in_two_shards_are_both_shown_after_a_reload(world: World) -> None:
    project = world.sharded(4, images=12)
    ann = world.member(project, "ann")
    tasks = [world.task(project, ann, size=9)]
    tasks.append(world.task(project, ann, size=9))
    assert tasks[0].task_id[:2] != tasks[1].task_id[:2], "the second is of another shard"

    shown = world.other().services.tasks.mine(world.open(project, ann), ann).items

    assert [task.task_id for task in shown] == [task.task_id for task in tasks]
    for task in shown:
        world.label(project, ann, task)


@pytest.mark.parametrize(("images", "shards"), [(7, 1), (60, 1), (30, 4)])
def test_with_overlap_two_labelers_get_each_image_once_and_a_third_none(
    world: World, images: int, shards: int
) -> None:
    project = world.sharded(shards, images=images, overlap=2)
    callers = [world.member(project, name) for name in ("ann", "bob", "cat")]
    items = {item.item_id for item in world.items(project).values()}

    first = world.finish(project, callers[0], size=5)
    assert sorted(first) == sorted(items), "everything once"
    second = world.finish(project, callers[1], size=5)
    assert sorted(second) == sorted(items)
    assert world.ask(project, callers[2]).why == "none_left"
    assert world.counters(project) == world.recount(project)
    assert world.counters(project)["state:labeled"] == images


def test_with_overlap_labelers_side_by_side_never_get_an_image_twice(world: World) -> None:
    project = world.sharded(1, images=20, overlap=2)
    callers = [world.member(project, name) for name in ("ann", "bob", "cat", "dan")]
    seen: dict[str, list[str]] = {caller.user: [] for caller in callers}
    busy = True
    while busy:
        busy = False
        for who in callers:
            answer = world.ask(project, who, size=3)
            if answer.task:
                world.label(project, who, answer.task)
                seen[who.user] += ids(answer.task)
                busy = True

    assert all(len(one) == len(set(one)) for one in seen.values())
    assert sum(len(one) for one in seen.values()) == 40
    assert world.counters(project) == world.recount(project)


def test_with_overlap_an_end_for_one_is_no_end_for_another(world: World) -> None:
    project = world.sharded(1, images=6, overlap=2)
    ann, bob = world.member(project, "ann"), world.member(project, "bob")
    world.ask(project, bob, size=1)
    world.finish(project, ann)

    assert world.ask(project, bob).task


def test_with_overlap_late_work_on_an_image_taken_up_again_does_not_block(world: World) -> None:
    project = world.sharded(1, images=1, overlap=2)
    ann = world.member(project, "ann")
    first = world.task(project, ann)
    lapse(world)
    world.services.progress.on_tick()
    world.upload("x.png")
    bob = world.member(project, "bob")
    # Bob takes the lane Ann had, Ann gets the other one, Bob gives his back
    theirs = world.task(project, bob)
    mine = world.task(project, ann)
    release(world, project, bob, theirs.task_id)
    item = ids(first)[0]

    answer = world.submit(project, ann, first.task_id, decided(item, tag("c2")))

    assert answer.results[0].status in ("superseded", "saved_late")
    assert world.counters(project) == world.recount(project)
    world.label(project, ann, mine)
    labelers = [lane.labeler for lane in world.items(project)["img0000.png"].lanes]
    assert labelers.count("ann") == 1


def test_with_overlap_a_correction_shows_ones_own_labels_not_the_latest(world: World) -> None:
    project = world.sharded(1, images=1, overlap=2)
    ann, bob = world.member(project, "ann"), world.member(project, "bob")
    mine = world.task(project, ann)
    world.label(project, ann, mine, class_id="c1")
    world.label(project, bob, world.task(project, bob), class_id="c2")

    again = world.services.tasks.reopen(
        world.open(project, ann), ann, mine.task_id, ReopenRequest(request_id="again")
    ).task

    assert again
    assert again.items[0].annotations
    assert [annotation.class_id for annotation in again.items[0].annotations] == ["c1"]


def test_an_image_overwritten_under_a_lease_is_shown_as_it_is_now(world: World) -> None:
    project = world.project(images=1)
    ann = world.member(project, "ann")
    task = world.task(project, ann)
    name = task.items[0].path
    world.upload(name, data=photo(64, 48))
    world.services.ingest.on_blob_event(BlobEvent(container=PHOTOS, path=name))

    shown = world.services.tasks.mine(world.open(project, ann), ann).items[0].items[0]

    assert (shown.width, shown.height) == (64, 48)
    assert shown.images.full != task.items[0].images.full


# What it costs.


@pytest.mark.parametrize("shards", [1, 16])
def test_calls_do_not_depend_on_how_large_a_project_is(world: World, shards: int) -> None:
    project = world.sharded(shards, images=600)
    ann = world.member(project, "ann")
    world.label(project, ann, world.task(project, ann))

    cost: dict[str, int] = {}

    def measured(name: str, act: Any) -> Any:
        world.open(project, ann)  # the project's and the member's row are warm
        world.watch.reset()
        answer = act()
        cost[name] = world.watch.calls
        return answer

    task = measured("hand out", lambda: world.task(project, ann))
    measured("resume", lambda: world.services.tasks.mine(world.open(project, ann), ann))
    world.services.tasks.put_draft(
        world.open(project, ann), ann, task.task_id, draft(1, ids(task)[0])
    )
    measured("resume drafted", lambda: world.services.tasks.mine(world.open(project, ann), ann))
    measured("submit", lambda: world.label(project, ann, task))
    measured("dashboard", lambda: world.services.progress.get(world.open(project, ann)))

    assert cost["hand out"] <= 3
    assert cost["resume"] <= 2
    assert cost["resume drafted"] <= 2
    assert cost["submit"] <= 2
    assert cost["dashboard"] <= 1 + shards


def test_the_last_pages_of_a_project_of_sixteen_shards_cost_a_call_a_shard_more(
    world: World,
) -> None:
    project = world.sharded(16, images=80)
    callers = [world.member(project, name) for name in ("ann", "bob")]
    for who in callers:
        world.label(project, who, world.task(project, who, size=1))
    costs: list[tuple[int, int]] = []
    while True:
        who = callers[len(costs) % 2]
        world.open(project, who)
        world.watch.reset()
        answer = world.ask(project, who, size=9)
        if answer.task is None:
            break
        costs.append((world.watch.calls, world.watch.steps))
        world.watch.reset()
        world.label(project, who, answer.task)
        assert world.watch.calls <= 3, "and a message where due"

    assert max(calls for calls, _ in costs) <= 3 + 16, costs
    assert max(trips for _, trips in costs) <= 5, costs


def test_waiting_labelers_cost_little_while_there_is_nothing(world: World) -> None:
    project = world.sharded(16, images=4)
    ann, bob = world.member(project, "ann"), world.member(project, "bob")
    while world.ask(project, ann).task:
        pass
    world.ask(project, bob)
    world.open(project, bob)
    world.watch.reset()

    world.ask(project, bob)

    assert world.watch.calls <= 3
