from __future__ import annotations

import pytest

from labeling.projects.access import Caller
from labeling.projects.record import Project
from labeling.review import RejectRequest
from labeling.tasks.messages import ReopenRequest
from labeling.tasks.my_work import MyWork
from labeling.tasks.views import TaskView
from tests.world import ADMIN, World, decided, tag


def mine(world: World, project: Project, who: Caller) -> MyWork:
    return world.services.mine.get(world.open(project, who), who)


def send_back(world: World, project: Project, *items: str, to: str = "same_labeler") -> None:
    request = RejectRequest.model_validate(
        {"item_ids": items, "reason": "missed the tail", "to": to}
    )
    answer = world.services.review.reject(world.open(project, ADMIN), request, by="boss")
    assert {result.status for result in answer.results} == {"rejected"}


def reopen(world: World, project: Project, who: Caller, task: str, *items: str) -> TaskView:
    request = ReopenRequest(request_id="o1", items=list(items))
    answer = world.services.tasks.reopen(world.open(project, who), who, task, request)
    assert answer.task, answer.why
    return answer.task


def test_today_counts_images_and_the_time_active_on_them(world: World) -> None:
    project = world.sharded(4, images=20)
    ann, bob = world.member(project, "ann"), world.member(project, "bob")
    yesterday = world.task(project, ann, size=1)
    world.label(project, ann, yesterday)
    world.label(project, bob, world.task(project, bob, size=2))
    world.wait(86_400)
    task = world.task(project, ann, size=2)
    one, two = (item.item_id for item in task.items)
    world.submit(project, ann, task.task_id, decided(one, tag(), active_ms=4_000))
    world.submit(project, ann, task.task_id, decided(two, outcome="skipped", active_ms=1_500))
    again = reopen(world, project, ann, task.task_id, one)
    world.submit(project, ann, again.task_id, decided(one, tag("c2"), active_ms=500))

    today = mine(world, project, ann).today

    assert (today.images, today.active_ms) == (2, 6_000), "a correction is work on the same image"
    assert today.since.isoformat() == f"{world.clock.now():%Y-%m-%d}T00:00:00+00:00"
    assert mine(world, project, bob).today.images == 0
    assert world.counters(project) == world.recount(project)


def test_the_last_images_are_shown_with_what_was_said_newest_first(world: World) -> None:
    project = world.sharded(1, images=6, task_type="multilabel")
    ann = world.member(project, "ann")
    first = world.task(project, ann, size=1)
    second = world.task(project, ann, size=2)
    ahead, skipped = (item.item_id for item in second.items)
    both = [tag("c1"), tag("c3", "a2")]
    world.submit(project, ann, second.task_id, decided(ahead, *both, note="two", active_ms=900))
    world.wait(1)
    asked = decided(skipped, outcome="needs_review", reason="too dark")
    world.submit(project, ann, second.task_id, asked)
    world.wait(1)
    world.submit(project, ann, first.task_id, decided(first.items[0].item_id, tag("c2")))

    recent = mine(world, project, ann).recent

    assert [item.item_id for item in recent] == [first.items[0].item_id, skipped, ahead]
    assert [[said.class_id for said in item.classes] for item in recent] == [
        ["c2"],
        [],
        ["c1", "c3"],
    ]
    assert [item.outcome for item in recent] == ["labeled", "needs_review", "labeled"]
    assert (recent[1].reason, recent[2].note, recent[2].active_ms) == ("too dark", "two", 900)
    assert recent[2].saved_at < recent[1].saved_at < recent[0].saved_at
    assert (recent[0].path, recent[0].images) == (first.items[0].path, first.items[0].images)
    assert all(item.can_reopen for item in recent)


def test_what_is_shown_can_be_reopened_by_its_task_and_then_is_open(world: World) -> None:
    project = world.project(images=4)
    ann = world.member(project, "ann")
    world.label(project, ann, world.task(project, ann, size=2))
    one = mine(world, project, ann).recent[1]
    world.wait(1)

    again = reopen(world, project, ann, one.task_id, one.item_id)

    now = {item.item_id: item for item in mine(world, project, ann).recent}[one.item_id]
    assert (now.open, now.can_reopen, now.task_id) == (True, False, again.task_id)
    world.submit(project, ann, again.task_id, decided(one.item_id, tag("c2")))
    corrected = mine(world, project, ann).recent[0]
    assert (corrected.item_id, corrected.classes[0].class_id) == (one.item_id, "c2")
    assert (corrected.can_reopen, corrected.task_id) == (True, again.task_id)


def test_what_was_submitted_of_a_page_that_is_still_open_can_be_corrected(world: World) -> None:
    project = world.project(images=4)
    ann = world.member(project, "ann")
    task = world.task(project, ann, size=2)
    one = task.items[0].item_id
    world.submit(project, ann, task.task_id, decided(one, tag()))

    (shown,) = mine(world, project, ann).recent
    assert (shown.item_id, shown.open, shown.can_reopen) == (one, False, True)
    again = reopen(world, project, ann, shown.task_id, one)

    assert [item.item_id for item in again.items] == [one]
    (shown,) = mine(world, project, ann).recent
    assert (shown.open, shown.can_reopen, shown.task_id) == (True, False, again.task_id)


def test_what_was_returned_is_shown_with_its_reason_until_it_is_labeled_again(world: World) -> None:
    project = world.project(images=6)
    ann = world.member(project, "ann")
    task = world.task(project, ann, size=3)
    world.label(project, ann, task, "c2")
    back = task.items[1].item_id
    send_back(world, project, back)
    world.wait(6)

    waiting = mine(world, project, ann)
    again = world.task(project, ann)
    taken = mine(world, project, ann)
    world.label(project, ann, again, "c3")
    done = mine(world, project, ann)

    assert [item.item_id for item in again.items] == [back], "it comes first"
    assert again.items[0].returned
    for shown in (waiting, taken):
        assert [item.item_id for item in shown.returned] == [back]
        assert shown.returned[0].returned
        assert shown.returned[0].returned.reason == "missed the tail"
        assert [said.class_id for said in shown.returned[0].classes] == ["c2"]
        assert not shown.returned[0].can_reopen
        assert len(shown.recent) == 2
    assert (waiting.returned[0].open, taken.returned[0].open) == (False, True)
    assert (done.returned, done.recent[0].item_id, len(done.recent)) == ([], back, 3)


def test_what_others_are_to_label_again_is_shown_until_they_did_and_then_it_is_theirs(
    world: World,
) -> None:
    project = world.project(images=3)
    ann, bob = world.member(project, "ann"), world.member(project, "bob")
    task = world.task(project, ann, size=3)
    world.label(project, ann, task)
    item = task.items[0].item_id
    send_back(world, project, item, to="anyone")

    waiting = {item.item_id: item for item in mine(world, project, ann).recent}[item]
    world.wait(6)
    world.finish(project, bob)

    assert (waiting.can_reopen, waiting.open) == (False, False)
    assert waiting.returned
    assert waiting.returned.reason == "missed the tail"
    left = mine(world, project, ann)
    assert item not in {item.item_id for item in left.recent}
    assert "bob" not in left.model_dump_json()
    assert [item.item_id for item in mine(world, project, bob).recent] == [item]


def test_with_overlap_everybody_sees_what_they_said_themselves(world: World) -> None:
    project = world.sharded(1, images=3, overlap=2)
    ann, bob = world.member(project, "ann"), world.member(project, "bob")
    for who, class_id in ((ann, "c1"), (bob, "c2")):
        world.label(project, who, world.task(project, who), class_id)

    for who, class_id in ((ann, "c1"), (bob, "c2")):
        recent = mine(world, project, who).recent
        assert [item.classes[0].class_id for item in recent] == [class_id] * 3
        assert all(item.can_reopen for item in recent)


def test_work_of_pages_ahead_is_among_the_last_however_many_came_before(world: World) -> None:
    project = world.sharded(1, images=60)
    ann = world.member(project, "ann")
    for _ in range(54):
        world.label(project, ann, world.task(project, ann, size=1))
        world.wait(1)
    world.task(project, ann, size=1)
    ahead = world.task(project, ann, size=2)
    world.label(project, ann, ahead)

    work = mine(world, project, ann)
    tasks = world.services.tasks.recent(world.open(project, ann), ann).recent

    assert len(work.recent) == 50
    assert {item.item_id for item in work.recent[:2]} == {item.item_id for item in ahead.items}
    assert tasks[0].task_id == ahead.task_id


def test_a_project_that_is_still_read_has_no_work_yet(world: World) -> None:
    project = world.new()

    work = mine(world, project, world.member(project, "ann"))

    assert (work.today.images, work.recent, work.returned) == (0, [], [])


@pytest.mark.parametrize(("shards", "images"), [(1, 120), (1, 600), (16, 600)])
def test_it_costs_six_calls_a_shard_and_one_an_image_shown(
    world: World, shards: int, images: int
) -> None:
    project = world.sharded(shards, images=images)
    ann = world.member(project, "ann")
    for _ in range(10):
        world.label(project, ann, world.task(project, ann))
    world.open(project, ann)
    world.watch.reset()

    work = mine(world, project, ann)

    assert len(work.recent) == 50
    assert world.watch.calls == 6 * shards + 50
    assert world.watch.steps == 3, "the first two at the same time"
