from __future__ import annotations

import base64
import json
import unicodedata
from typing import Any

import pytest

from labeling import layout, review
from labeling.errors import Invalid, NotFound
from labeling.items.items import Items
from labeling.items.records import Item, Lane
from labeling.projects.access import Caller
from labeling.projects.record import Project
from labeling.review import (
    AcceptRequest,
    AnswerRequest,
    ApproveRequest,
    ItemFilter,
    ItemLine,
    ItemPage,
    LeaveOutRequest,
    PutFirstRequest,
    RejectRequest,
)
from labeling.storage import Create
from labeling.tasks.messages import ReopenRequest
from tests.labeling.assist.test_prelabels import path, put, suggest
from tests.world import ADMIN, PHOTOS, World, decided, tag

Labeled = tuple[World, Project, Caller]


@pytest.fixture(params=[1, 4])
def labeled(request: pytest.FixtureRequest, world: World) -> Labeled:
    """A project with 20 images labeled (classes in turn), 4 skipped and 6 left."""
    project = world.sharded(request.param, images=30)
    ann = world.member(project, "ann")
    for number in range(24):
        world.wait(1)
        item = world.task(project, ann, size=1)
        one = item.items[0].item_id
        said = (
            decided(one, outcome="skipped")
            if number % 6 == 5
            else decided(one, tag(f"c{1 + number % 3}"))
        )
        world.submit(project, ann, item.task_id, said)
    return world, project, ann


def page(world: World, project: Project, cursor: str | None = None, **wanted: Any) -> Any:
    found = ItemFilter.model_validate({"cursor": cursor, "limit": 7, **wanted})
    return world.services.review.list(world.open(project, ADMIN), found)


def pages(world: World, project: Project, **wanted: Any) -> list[ItemLine]:
    return [line for one in pages_of(world, project, **wanted) for line in one.items]


def pages_of(world: World, project: Project, **wanted: Any) -> list[ItemPage]:
    found: list[ItemPage] = []
    cursor = None
    for _ in range(100):
        one = page(world, project, cursor, **wanted)
        found.append(one)
        cursor = one.next_cursor
        if cursor is None:
            return found
    raise AssertionError("the pages never end")


def test_all_pages_together_hold_every_item_once(labeled: Labeled) -> None:
    world, project, _ = labeled

    found = pages(world, project)

    assert sorted(line.path for line in found) == list(world.items(project))


@pytest.mark.parametrize("limit", [1, 3, 200])
def test_settled_items_are_listed_newest_first(labeled: Labeled, limit: int) -> None:
    world, project, _ = labeled

    found = pages(world, project, state="labeled", limit=limit)

    times = [line.changed_at for line in found]
    assert len(found) == 20
    assert times == sorted(times, reverse=True)


@pytest.mark.parametrize(
    ("wanted", "count"),
    [
        ({"state": "skipped"}, 4),
        ({"state": "available"}, 6),
        ({"class_id": "c1"}, 8),
        ({"state": "labeled", "class_id": "c2"}, 8),
        ({"labeler": "ann"}, 24),
        ({"labeler": "bob"}, 0),
        ({"kind": "manual"}, 30),
        ({"flag": "missing"}, 0),
        ({"state": "unreadable"}, 0),
        ({"path": "img0003.png"}, 1),
        ({"path": "img0003.png", "class_id": "c9"}, 0),
        ({"path": "unknown.png"}, 0),
        ({"name": "IMG000"}, 10),
        ({"state": "labeled", "name": "nothing like it"}, 0),
    ],
)
def test_items_are_found_by_what_they_are(
    labeled: Labeled, wanted: dict[str, str], count: int
) -> None:
    world, project, _ = labeled

    assert len(pages(world, project, **wanted)) == count


def test_items_are_found_by_the_days_since_which_they_are_labeled(world: World) -> None:
    project = world.sharded(4, images=30)
    ann = world.member(project, "ann")
    days = []
    for _ in range(4):
        days.append(world.clock.now().date())
        for _ in range(4):
            world.label(project, ann, world.task(project, ann, size=1))
        world.wait(86_400)
    approved = page(world, project, labeled_on=days[0], limit=1).items[0].item_id
    opened = world.open(project, ADMIN)
    world.services.review.approve(opened, ApproveRequest(item_ids=[approved]), by="ada")

    def between(first: int | None, last: int | None) -> int:
        wanted = {
            "labeled_from": None if first is None else days[first],
            "labeled_to": None if last is None else days[last],
        }
        return len(pages(world, project, **wanted))

    assert [between(*one) for one in [(0, 3), (1, 2), (2, None), (None, 0), (3, 0)]] == [
        *(16, 8, 8, 4, 0)
    ]
    assert pages(world, project, state="available", labeled_from=days[0]) == []
    since = pages_of(world, project, state="labeled", labeled_from=days[2])
    assert sum(one.searched for one in since) == 9, "what changed before that day is not looked at"


def test_items_with_which_a_suggestion_is_shown_are_found(world: World) -> None:
    project = world.project(images=5)
    put(world, project, suggest(1), suggest(3))

    found = pages(world, project, state="available", suggested=True)
    assert sorted(line.path for line in found) == [path(1), path(3)]
    assert len(pages(world, project, suggested=False)) == 3


def test_items_that_were_sent_back_are_found_until_they_are_labeled_again(labeled: Labeled) -> None:
    world, project, _ = labeled
    some = [line.item_id for line in pages(world, project, state="labeled")[:3]]
    opened = world.open(project, ADMIN)
    for item_ids, to in ((some[:2], "same_labeler"), (some[2:], "anyone")):
        request = RejectRequest.model_validate({"item_ids": item_ids, "to": to})
        world.services.review.reject(opened, request, by="ada")

    def found(returned: str) -> set[str]:
        return {line.item_id for line in pages(world, project, returned=returned)}

    assert found("same_labeler") == set(some[:2])
    assert found("anyone") == set(some[2:])
    assert found("all") == set(some)


def test_a_list_says_how_many_items_were_looked_at(labeled: Labeled) -> None:
    world, project, _ = labeled

    found = pages_of(world, project, state="labeled", class_id="c1")

    assert sum(one.searched for one in found) == 20
    assert sum(len(one.items) for one in found) == 8


def test_labels_are_listed_with_their_images_where_they_are_asked_for(labeled: Labeled) -> None:
    world, project, _ = labeled

    assert all(line.labels is None for line in pages(world, project, state="labeled"))
    found = pages(world, project, labels=True)

    for line in found:
        classes = None if line.labels is None else [label.class_id for label in line.labels]
        assert classes == (line.classes if line.state == "labeled" else None)


def test_labels_too_many_for_a_list_are_left_to_the_image_itself(
    labeled: Labeled, monkeypatch: pytest.MonkeyPatch
) -> None:
    world, project, _ = labeled
    monkeypatch.setattr(review, "FEW_BYTES", 10)

    found = pages(world, project, state="labeled", labels=True)

    assert all(line.labels is None for line in found)


def test_leased_items_are_listed_to_the_last(world: World) -> None:
    project = world.project(images=60)
    for number in range(3):
        world.task(project, world.member(project, f"ann{number}"), size=20)

    found = pages(world, project, state="leased")

    assert len({line.item_id for line in found}) == len(found) == 60
    assert {line.state for line in found} == {"leased"}


def test_a_page_stays_in_order_across_shards_when_it_has_to_skip_much(world: World) -> None:
    project = world.sharded(2, images=0)
    items = world.services.projects.items(project)
    for shard, times in ((0, range(1_000, 2_100)), (1, range(500, 510))):
        fill(world, items, shard, [5_000 - time for time in times])

    wanted = {"state": "labeled", "class_id": "c1", "limit": 200}
    found = [line.changed_at for line in pages(world, project, **wanted)]

    assert len(found) == 1_110
    assert found == sorted(found, reverse=True)


def fill(world: World, items: Items, shard: int, times: list[int]) -> None:
    """Listing rows of labeled items, as if they had been labeled at these moments."""
    rows: list[Create] = []
    for ms in times:
        item = Item(f"i{shard}x{ms}", "a.png", "0x1", "0", changed_ms=ms, revision=1)
        item = item.with_lane(0, Lane("labeled", "", "ann", {"c1": 1}))
        rows.append(Create(item.listing, item.cells()))
    for start in range(0, len(rows), 100):
        world.storage.tables.transact(
            layout.ITEMS, items.partition(shard), rows[start : start + 100]
        )


def cursor(*places: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(list(places)).encode()).decode()


@pytest.mark.parametrize(
    "bad",
    [
        "x",
        "!!!",
        "é",
        cursor(),
        cursor("", ""),
        cursor("C|"),
        cursor("A|6"),
        cursor(3),
        cursor({}),
        base64.urlsafe_b64encode(b"[" * 100_000).decode(),
        base64.urlsafe_b64encode(b"5").decode(),
        base64.urlsafe_b64encode(b'{"a": 1}').decode(),
        base64.urlsafe_b64encode(b'"' + b"L" * 5_000 + b'"').decode(),
        base64.urlsafe_b64encode(b"[" + b"9" * 10_000 + b"]").decode(),
        cursor("L|labeled|" + "x" * 2_000),
        cursor("L|labeled|\n"),
        base64.urlsafe_b64encode(b"null").decode(),
    ],
)
def test_a_cursor_that_is_none_of_ours_is_refused(world: World, bad: str) -> None:
    project = world.project(images=3)

    for state in ("labeled", "available"):
        with pytest.raises(Invalid, match="cursor"):
            page(world, project, bad, state=state)


def test_a_cursor_of_another_list_is_refused(labeled: Labeled) -> None:
    world, project, _ = labeled
    first = page(world, project, state="labeled").next_cursor

    with pytest.raises(Invalid, match="cursor"):
        page(world, project, first, state="skipped")


def test_an_item_is_shown_with_its_labels(labeled: Labeled) -> None:
    world, project, _ = labeled
    line = pages(world, project, state="labeled")[0]

    view = world.services.review.get(world.open(project, ADMIN), line.item_id)

    assert view.model_dump(include=set(ItemLine.model_fields)) == line.model_dump()
    assert [annotation.class_id for annotation in view.annotations] == view.classes
    assert (view.outcome, view.labelers) == ("labeled", ["ann"])


def test_an_item_without_labels_shows_none(labeled: Labeled) -> None:
    world, project, _ = labeled
    line = pages(world, project, state="available")[0]

    view = world.services.review.get(world.open(project, ADMIN), line.item_id)

    assert (view.outcome, view.annotations, view.saved_at) == (None, [], None)


@pytest.mark.parametrize("item_id", ["unknown", layout.item_id(PHOTOS, "elsewhere.png")])
def test_an_unknown_item_is_a_miss(world: World, item_id: str) -> None:
    opened = world.open(world.project(images=1), ADMIN)

    with pytest.raises(NotFound):
        world.services.review.get(opened, item_id)
    with pytest.raises(NotFound):
        world.services.review.history(opened, item_id)
    with pytest.raises(NotFound):
        world.services.review.get(world.open(world.new("Empty"), ADMIN), item_id)


def test_history_has_every_change_with_the_labels_after_it(world: World) -> None:
    project = world.project(images=1)
    ann, bob = world.member(project, "ann"), world.member(project, "bob")
    world.finish(project, ann)
    item = world.items(project)["img0000.png"].item_id
    opened = world.open(project, ADMIN)
    world.wait(1)
    world.services.review.reject(
        opened, RejectRequest(item_ids=[item], reason="look again"), by="boss"
    )
    world.wait(5.1)
    task = world.task(project, bob)
    world.submit(project, bob, task.task_id, decided(item, tag("c2"), note="sure", active_ms=7))

    found = world.services.review.history(opened, item)

    history = found.items
    assert found.names == {"ann": "Ann", "bob": "Bob"}, "the boss is no member"
    assert [(entry.revision, entry.what, entry.by, entry.reason) for entry in history] == [
        (1, "submitted", "ann", None),
        (2, "rejected", "boss", "look again"),
        (3, "submitted", "bob", None),
    ]
    assert [[a.class_id for a in entry.annotations] for entry in history] == [["c1"], [], ["c2"]]
    assert (history[2].note, history[2].active_ms) == ("sure", 7)
    assert history[0].at < history[1].at < history[2].at


def test_history_says_why_an_image_was_skipped(world: World) -> None:
    project = world.project(images=1)
    ann = world.member(project, "ann")
    task = world.task(project, ann)
    item = task.items[0].item_id
    world.submit(
        project, ann, task.task_id, decided(item, outcome="skipped", reason="the lens is wet")
    )

    history = world.services.review.history(world.open(project, ADMIN), item).items

    assert [(entry.outcome, entry.note) for entry in history] == [("skipped", "the lens is wet")]


def reject(world: World, project: Project, *items: str, **more: Any) -> list[str]:
    request = RejectRequest.model_validate({"item_ids": items, "reason": "no", **more})
    answer = world.services.review.reject(world.open(project, ADMIN), request, by="boss")
    return [result.status for result in answer.results]


def test_each_item_of_a_reject_has_a_result_of_its_own(world: World) -> None:
    project = world.project(images=4)
    ann = world.member(project, "ann")
    task = world.task(project, ann, size=3)
    one, two, three = (item.item_id for item in task.items)
    world.label(project, ann, task)
    free = next(i.item_id for i in world.items(project).values() if i.state == "available")
    world.services.review.reject(
        world.open(project, ADMIN), RejectRequest(item_ids=[three]), by="boss"
    )

    assert reject(world, project, one, two, one, free, "unknown", three, revisions={two: 7}) == [
        "rejected",
        "changed",
        "not_settled",
        "unknown",
        "not_settled",
    ]
    assert world.counters(project) == world.recount(project)


@pytest.mark.parametrize("to", ["anyone", "same_labeler"])
def test_a_reject_twice_is_one(world: World, to: str) -> None:
    project = world.project(images=2)
    world.finish(project, world.member(project, "ann"))
    items = [item.item_id for item in world.items(project).values()]

    assert reject(world, project, *items, to=to) == ["rejected", "rejected"]
    assert reject(world, project, *items, to=to) == ["not_settled", "not_settled"]
    assert len(world.rows(project, "H|")) == 4


def test_what_is_being_corrected_is_not_taken_away(world: World) -> None:
    project = world.project(images=2)
    ann = world.member(project, "ann")
    task = world.task(project, ann)
    world.label(project, ann, task)
    opened = world.open(project, ann)
    world.services.tasks.reopen(opened, ann, task.task_id, ReopenRequest(request_id="o1"))

    assert reject(world, project, task.items[0].item_id) == ["leased"]


@pytest.mark.parametrize("to", ["anyone", "same_labeler"])
def test_what_leaves_is_uncounted_at_once(world: World, to: str) -> None:
    project = world.project(images=3)
    world.finish(project, world.member(project, "ann"))

    reject(world, project, *(item.item_id for item in world.items(project).values()), to=to)

    counters = world.counters(project)
    assert counters == world.recount(project)
    assert not [name for name in counters if name.startswith(("class:", "labeler:"))]


def test_unreadable_images_are_listed_with_their_reason(world: World) -> None:
    world.upload("bad.png", data=b"no image")
    project = world.project(images=1)

    found = pages(world, project, state="unreadable")

    assert [(line.path, line.state) for line in found] == [("bad.png", "unreadable")]
    assert "not a JPEG" in found[0].reason


def test_approved_labels_are_found_and_counted_until_they_change(labeled: Labeled) -> None:
    world, project, _ = labeled
    first, second = pages(world, project, state="labeled")[:2]
    assert approve(world, project, first.item_id, second.item_id) == ["done", "done"]
    assert approve(world, project, first.item_id) == ["done"], "twice is once"

    found = pages(world, project, state="labeled", approved=True)
    assert {line.item_id for line in found} == {first.item_id, second.item_id}
    assert {line.approved for line in found} == {"boss"}
    assert len(pages(world, project, state="labeled", approved=False)) == 18
    assert world.counters(project)["review:approved"] == 2

    assert approve(world, project, first.item_id, approved=False) == ["done"]
    assert reject(world, project, second.item_id) == ["rejected"]
    assert pages(world, project, approved=True) == []
    assert world.counters(project) == world.recount(project)


def test_approving_keeps_the_labels_and_is_kept_with_them_in_history(labeled: Labeled) -> None:
    world, project, _ = labeled
    line = pages(world, project, state="labeled")[0]
    approve(world, project, line.item_id)

    opened = world.open(project, ADMIN)
    view = world.services.review.get(opened, line.item_id)
    last = world.services.review.history(opened, line.item_id).items[-1]

    assert (view.state, [annotation.class_id for annotation in view.annotations]) == (
        "labeled",
        line.classes,
    )
    assert (last.what, last.by, last.annotations) == ("approved", "boss", view.annotations)


def test_a_correction_takes_the_approval_away(world: World) -> None:
    project = world.project(images=1)
    ann = world.member(project, "ann")
    task = world.task(project, ann)
    world.label(project, ann, task)
    item = task.items[0].item_id
    approve(world, project, item)
    again = world.services.tasks.reopen(
        world.open(project, ann), ann, task.task_id, ReopenRequest(request_id="o1")
    ).task
    assert again
    assert approve(world, project, item) == ["leased"]
    world.submit(project, ann, again.task_id, decided(item, tag("c2")))

    assert pages(world, project, approved=True) == []
    assert world.counters(project) == world.recount(project)


@pytest.mark.parametrize("state", ["skipped", "available"])
def test_only_what_is_labeled_can_be_approved(labeled: Labeled, state: str) -> None:
    world, project, _ = labeled
    line = pages(world, project, state=state)[0]

    assert approve(world, project, line.item_id) == ["not_settled"]
    assert approve(world, project, "unknown") == ["unknown"]


def test_what_changed_since_the_reviewer_saw_it_is_left_as_it_is(labeled: Labeled) -> None:
    world, project, _ = labeled
    line = pages(world, project, state="labeled")[0]

    assert approve(world, project, line.item_id, revisions={line.item_id: 7}) == ["changed"]
    assert pages(world, project, approved=True) == []


def test_a_skip_that_is_accepted_leaves_the_item_out_until_it_is_sent_back(world: World) -> None:
    project = world.project(images=2)
    ann = world.member(project, "ann")
    task = world.task(project, ann, size=1)
    item = task.items[0].item_id
    world.submit(project, ann, task.task_id, decided(item, outcome="skipped", reason="blurred"))

    assert accept(world, project, item) == ["done"]
    assert accept(world, project, item) == ["done"], "twice is once"
    line = pages(world, project, state="excluded")[0]
    assert (line.item_id, line.reason) == (item, "blurred")
    assert world.counters(project) == world.recount(project)
    other = world.task(project, ann, size=9)
    assert item not in {item.item_id for item in other.items}

    assert reject(world, project, item, to="anyone", reason="label it all the same") == ["rejected"]
    assert [line.item_id for line in pages(world, project, state="available")] == [item]
    assert world.counters(project) == world.recount(project)


def test_whatever_is_said_of_an_image_it_is_left_out_with_a_reason_until_it_is_sent_back(
    labeled: Labeled,
) -> None:
    world, project, _ = labeled
    seen = pages(world, project, state="labeled")[0]
    item = seen.item_id

    assert leave_out(world, project, item, reason="a test card") == ["done"]
    assert leave_out(world, project, item, reason="a test card") == ["done"], "twice is once"
    line = pages(world, project, state="excluded")[0]
    assert (line.item_id, line.reason) == (item, "a test card")
    assert world.counters(project) == world.recount(project)

    assert reject(world, project, item, to="anyone", reason="after all") == ["rejected"]
    stale = {item: seen.revision}
    assert leave_out(world, project, item, reason="late", revisions=stale) == ["changed"]
    assert item not in {line.item_id for line in pages(world, project, state="excluded")}


def test_an_image_that_waits_is_put_before_others_and_one_that_is_labeled_is_not(
    world: World,
) -> None:
    project = world.project(images=6)
    ann = world.member(project, "ann")
    waiting = [line.item_id for line in pages(world, project, state="available")]
    last = waiting[-1]
    request = PutFirstRequest(item_ids=[last])
    answer = world.services.review.put_first(world.open(project, ADMIN), request)
    assert [result.status for result in answer.results] == ["done"]

    task = world.task(project, ann, size=1)
    assert [item.item_id for item in task.items] == [last]

    world.submit(project, ann, task.task_id, decided(last, tag("c1")))
    answer = world.services.review.put_first(world.open(project, ADMIN), request)
    assert [result.status for result in answer.results] == ["not_settled"]


def test_only_a_skip_can_be_accepted(labeled: Labeled) -> None:
    world, project, _ = labeled
    line = pages(world, project, state="labeled")[0]

    assert accept(world, project, line.item_id) == ["not_settled"]


def test_who_asked_gets_the_answer_with_the_image(world: World) -> None:
    project = world.project(images=2)
    ann, bob = world.member(project, "ann"), world.member(project, "bob")
    task = world.task(project, ann, size=2)
    asked, done = (item.item_id for item in task.items)
    world.submit(
        project,
        ann,
        task.task_id,
        decided(asked, outcome="needs_review", note="is this a heron?"),
        decided(done, tag("c1")),
    )
    request = AnswerRequest(item_ids=[asked, done], answer="it is")
    answer = world.services.review.answer(world.open(project, ADMIN), request, by="boss")

    assert [result.status for result in answer.results] == ["rejected", "not_settled"]
    world.wait(5.1)
    assert world.ask(project, bob).task is None
    again = world.task(project, ann)
    assert [item.item_id for item in again.items] == [asked]
    returned = again.items[0].returned
    assert returned
    assert returned.reason == "it is"
    history = world.services.review.history(world.open(project, ADMIN), asked).items
    assert [entry.what for entry in history] == ["submitted", "answered"]


def approve(world: World, project: Project, *items: str, **more: Any) -> list[str]:
    request = ApproveRequest.model_validate({"item_ids": items, **more})
    answer = world.services.review.approve(world.open(project, ADMIN), request, by="boss")
    return [result.status for result in answer.results]


def accept(world: World, project: Project, *items: str) -> list[str]:
    request = AcceptRequest(item_ids=list(items))
    answer = world.services.review.accept_skipped(world.open(project, ADMIN), request, by="boss")
    return [result.status for result in answer.results]


def leave_out(world: World, project: Project, *items: str, **more: Any) -> list[str]:
    request = LeaveOutRequest.model_validate({"item_ids": items, **more})
    answer = world.services.review.leave_out(world.open(project, ADMIN), request, by="boss")
    return [result.status for result in answer.results]


def test_a_file_named_in_parts_of_letters_is_found_by_what_is_typed(world: World) -> None:
    named = unicodedata.normalize("NFD", "고양이/École.png")  # as macOS writes it
    world.upload(named)
    project = world.project()

    for typed in ("고양", "école", unicodedata.normalize("NFD", "ÉCOLE")):
        assert [line.path for line in pages(world, project, name=typed)] == [named]
