from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from labeling import layout
from labeling.annotations.shapes import Origin
from labeling.assist.prelabels import PrelabelEnvelope, PrelabelResult
from labeling.errors import Conflict, Invalid
from labeling.ingest.refresh import BlobEvent
from labeling.items.items import Items
from labeling.projects.access import Caller
from labeling.projects.assist import AssistSettings
from labeling.projects.record import ClassChange, Project
from labeling.review import RejectRequest
from labeling.tasks.messages import ReleaseRequest, ReopenRequest
from labeling.tasks.views import TaskView
from tests.world import ADMIN, PHOTOS, Killed, World, decided, photo, tag

Labeling = tuple[World, Project, Caller]


@pytest.fixture
def labeling(world: World) -> Labeling:
    """A project of 20 images to be tagged, and somebody to do it."""
    project = world.project(images=20)
    return world, project, world.member(project, "ann")


def put(
    world: World, project: Project, *items: dict[str, Any], run: str = "run-1", **more: Any
) -> list[PrelabelResult]:
    """What became of suggestions, by an admin."""
    batch = PrelabelEnvelope(run_id=run, items=list(items), **more)
    opened = world.open(project, ADMIN)
    return world.services.prelabels.put(opened, batch, by="boss").results


def path(number: int) -> str:
    return f"img{number:04d}.png"


def item_id(number: int) -> str:
    return layout.item_id(PHOTOS, path(number))


def suggest(number: int, class_id: str = "c1", **more: Any) -> dict[str, Any]:
    """A suggested tag for an image."""
    said = {"annotation_id": "p1", "class_id": class_id, "confidence": 0.9}
    return {"item_id": item_id(number), "annotations": [said], **more}


def boxes(number: int, count: int) -> dict[str, Any]:
    """Suggested boxes for an image, hard to compress."""
    shapes = [
        {"kind": "box", "x0": 0.1 + n / 7e3, "y0": 0.2 + n / 3e3, "x1": 0.7 + n / 9e3, "y1": 0.9}
        for n in range(count)
    ]
    said = [{"class": "owl", "geometry": shape} for shape in shapes]
    return {"path": path(number), "annotations": said}


def statuses(results: list[PrelabelResult]) -> list[str]:
    return [result.status for result in results]


def queue(world: World, project: Project) -> dict[str, int]:
    """How many items wait, by queue."""
    assert world.counters(project) == world.recount(project)
    return {
        name[6:]: count
        for name, count in world.counters(project).items()
        if name.startswith("queue:")
    }


def shown(task: TaskView) -> list[str]:
    """The runs whose suggestions a page shows, image by image."""
    return [item.prelabel.run_id if item.prelabel else "" for item in task.items]


def history(world: World, project: Project, item: str) -> Any:
    return world.services.review.history(world.open(project, ADMIN), item).items[-1]


# Taking suggestions in.


def test_suggestions_move_items_into_a_queue_of_their_own(labeling: Labeling) -> None:
    world, project, _ = labeling

    results = put(world, project, suggest(0), suggest(1, "c2"))

    assert statuses(results) == ["saved", "saved"]
    assert [result.item_id for result in results] == [item_id(0), item_id(1)]
    assert queue(world, project) == {layout.PRELABELED: 2, layout.MANUAL: 18}


def test_an_image_is_named_by_its_path_with_or_without_the_folder_of_the_dataset() -> None:
    world = World()
    world.upload("birds/owl.png", "birds/birds/owl.png")
    project = world.project(pattern="birds/**")
    said = [{"class": "Owl"}]

    results = put(
        world,
        project,
        {"path": "owl.png", "annotations": said},
        {"path": "birds/birds/owl.png", "annotations": said},
    )

    assert statuses(results) == ["saved", "saved"]
    found = {one: item.suggested for one, item in world.items(project).items()}
    assert all(found.values())


def test_prelabeled_images_come_first_and_on_pages_of_their_own(labeling: Labeling) -> None:
    world, project, ann = labeling
    put(world, project, *(suggest(number) for number in (3, 5, 8)))

    first, second = world.task(project, ann), world.task(project, ann)

    assert (first.kind, second.kind) == ("prelabeled", "manual")
    assert {item.path for item in first.items} == {path(3), path(5), path(8)}
    assert shown(first) == ["run-1"] * 3
    assert shown(second) == [""] * 9


def test_a_page_shows_what_was_suggested(world: World) -> None:
    project = world.project(images=2, task_type="boxes")
    ann = world.member(project, "ann")
    put(world, project, boxes(0, 2))

    [item] = world.task(project, ann).items

    assert item.prelabel
    assert [
        (annotation.annotation_id, annotation.class_id) for annotation in item.prelabel.annotations
    ] == [
        ("p1", "c1"),
        ("p2", "c1"),
    ]
    assert item.prelabel.annotations[0].confidence is None
    assert item.prelabel.annotations[0].geometry.model_dump() == {
        "kind": "box",
        "x0": 0.1,
        "y0": 0.2,
        "x1": 0.7,
        "y1": 0.9,
    }


def test_large_suggestions_are_shown_too_and_cost_one_round_trip(world: World) -> None:
    project = world.project(images=40, task_type="boxes")
    ann = world.member(project, "ann")
    put(world, project, *(boxes(number, 300) for number in range(20)))
    world.task(project, ann)  # the first one is cold
    world.watch.reset()

    task = world.task(project, ann)

    assert [len(item.prelabel.annotations) for item in task.items if item.prelabel] == [300] * 9
    assert world.watch.names.count("get_many") == 1


def test_said_again_it_is_unchanged(labeling: Labeling) -> None:
    world, project, _ = labeling
    put(world, project, suggest(0))
    rows = world.rows(project, "")

    assert statuses(put(world, project, suggest(0))) == ["unchanged"]
    assert world.rows(project, "") == rows


@pytest.mark.parametrize("stage", ["before", "after"])
def test_a_batch_that_was_cut_off_anywhere_is_finished_by_sending_it_again(stage: str) -> None:
    for call in range(1, 30):
        world = World()
        project = world.sharded(2, images=60)
        ann = world.member(project, "ann")
        batch = [suggest(number) for number in range(60)]
        world.watch.kill(call, stage)
        try:
            put(world, project, *batch)
        except Killed:
            pass
        else:
            break

        host = world.other()
        assert set(statuses(put(host, project, *batch))) <= {"saved", "unchanged"}
        assert queue(host, project) == {layout.PRELABELED: 60}
        assert host.task(project, ann).kind == "prelabeled"
        assert layout.PRELABELED in host.services.projects.get(project.project_id).queues
    else:
        raise AssertionError("a batch takes more calls than that")
    assert call > 6


def test_what_a_run_said_it_cannot_unsay(labeling: Labeling) -> None:
    world, project, _ = labeling
    put(world, project, suggest(0))

    [result] = put(world, project, suggest(0, "c2"))

    assert result.status == "refused"
    assert result.problem
    assert (result.problem.type, result.problem.pointer) == (
        "said-otherwise",
        "/items/0/annotations",
    )


@pytest.mark.parametrize("older_first", [True, False])
def test_the_newer_run_wins_whichever_comes_first(labeling: Labeling, older_first: bool) -> None:
    world, project, ann = labeling
    now = world.clock.now()
    older, newer = ("old", "c1", 2), ("new", "c2", 1)

    results = [
        put(world, project, suggest(0, said), run=run, created_at=now - timedelta(hours=hours))
        for run, said, hours in ([older, newer] if older_first else [newer, older])
    ]

    assert statuses(results[-1]) == (["saved"] if older_first else ["superseded"])
    [item] = world.task(project, ann).items
    assert item.prelabel
    assert (item.prelabel.run_id, item.prelabel.annotations[0].class_id) == ("new", "c2")


def test_a_run_is_of_the_time_of_its_first_batch(labeling: Labeling) -> None:
    world, project, _ = labeling
    put(world, project, suggest(0), run="first")
    world.wait(60)
    put(world, project, suggest(1), run="second")
    world.wait(60)

    assert statuses(put(world.other(), project, suggest(1), run="first")) == ["superseded"]


def test_a_run_keeps_its_time(labeling: Labeling) -> None:
    world, project, _ = labeling
    put(world, project, suggest(0))

    with pytest.raises(Invalid, match="new run_id"):
        put(world, project, suggest(1), created_at=world.clock.now() - timedelta(days=1))
    with pytest.raises(Invalid, match="future"):
        put(world, project, suggest(1), run="x", created_at=world.clock.now() + timedelta(days=1))


def test_suggesting_nothing_takes_a_suggestion_away(labeling: Labeling) -> None:
    world, project, ann = labeling
    put(world, project, suggest(0))
    world.wait(1)

    nothing = {"item_id": item_id(0), "annotations": []}

    assert statuses(put(world, project, nothing, run="run-2")) == ["saved"]
    assert queue(world, project) == {layout.MANUAL: 20}
    assert shown(world.task(project, ann)) == [""] * 9


@pytest.mark.parametrize(
    ("change", "code", "pointer"),
    [
        ({"class_id": "c9"}, "unknown-class", "/items/1/annotations/0/class_id"),
        ({"class_id": None, "class": "Emu"}, "unknown-class", "/items/1/annotations/0/class"),
        ({"class": "Owl"}, "value-error", "/items/1/annotations/0"),
        (
            {"geometry": {"kind": "box", "x0": 0, "y0": 0, "x1": 1, "y1": 1}},
            "wrong-geometry",
            "/items/1/annotations/0/geometry/kind",
        ),
        ({"confidence": 2}, "less-than-equal", "/items/1/annotations/0/confidence"),
        ({"score": 2}, "extra-forbidden", "/items/1/annotations/0/score"),
    ],
)
def test_one_bad_suggestion_does_not_hold_up_the_others(
    labeling: Labeling, change: dict[str, Any], code: str, pointer: str
) -> None:
    world, project, _ = labeling
    bad = suggest(1)
    bad["annotations"][0] |= change

    good, refused, unknown = put(
        world, project, suggest(0), bad, {"path": "nowhere.png", "annotations": []}
    )

    assert (good.status, refused.status, unknown.status) == ("saved", "refused", "unknown_item")
    assert refused.item_id == item_id(1)
    assert refused.problem
    assert (refused.problem.type, refused.problem.pointer) == (code, pointer)


def test_a_retired_class_is_suggested_to_nobody(labeling: Labeling) -> None:
    world, project, _ = labeling
    world.services.projects.change_class(
        project.project_id, "c1", ClassChange(retired=True), version=1
    )

    [refused] = put(world, project, suggest(0))

    assert refused.problem
    assert refused.problem.type == "unknown-class"


def test_the_rules_of_the_type_hold_for_suggestions(labeling: Labeling) -> None:
    world, project, _ = labeling
    two = {"path": path(0), "annotations": [{"class": "owl"}, {"class": "WREN"}]}
    both = {"path": path(1), "item_id": item_id(1), "annotations": []}

    results = put(world, project, two, both, suggest(2), suggest(2))

    codes = [result.problem.type if result.problem else result.status for result in results]
    assert codes == ["one-tag", "value-error", "saved", "duplicate"]


def test_a_share_of_the_images_stays_blind(world: World) -> None:
    project = world.project(images=20, assist=AssistSettings(blind_share=0.5))

    results = put(world, project, *(suggest(number) for number in range(20)))

    blind = {result.item_id for result in results if result.status == "blind"}
    assert 3 < len(blind) < 17
    assert {result.status for result in results} == {"blind", "saved"}
    again = put(world, project, *(suggest(number) for number in range(20)), run="run-2")
    assert {result.item_id for result in again if result.status == "blind"} == blind


def test_a_project_not_listed_yet_takes_none(world: World) -> None:
    project = world.new()

    with pytest.raises(Conflict, match="initializing"):
        put(world, project, suggest(0))


def test_images_not_measured_yet_are_prelabeled_once_they_are(world: World) -> None:
    world.upload("a.png")
    project = world.project(images=3)
    items: Items = world.services.projects.items(project)
    world.upload(path(0), data=photo(20, 10))
    found = world.storage.blobs.find(PHOTOS, path(0))
    assert found
    items.overwritten(item_id(0), found.etag, found.size)

    put(world, project, suggest(0))
    before = queue(world, project)
    world.services.ingest.measure_items(project, [world.items(project)[path(0)]])

    assert before == {layout.MANUAL: 3, layout.UNMEASURED: 1}
    assert queue(world, project) == {layout.PRELABELED: 1, layout.MANUAL: 3}


# While somebody has the image.


def test_a_suggestion_for_a_leased_image_is_shown_the_next_time(labeling: Labeling) -> None:
    world, project, ann = labeling
    task = world.task(project, ann, size=20)

    assert statuses(put(world, project, suggest(0))) == ["saved"]
    [same] = world.services.tasks.mine(world.open(project, ann), ann).items
    world.services.tasks.release(world.open(project, ann), ann, task.task_id, ReleaseRequest())

    assert shown(same) == [""] * 20
    assert queue(world, project) == {layout.PRELABELED: 1, layout.MANUAL: 19}
    assert shown(world.task(project, ann)) == ["run-1"]


def test_an_open_page_keeps_what_it_shows(labeling: Labeling) -> None:
    world, project, ann = labeling
    put(world, project, suggest(0))
    task = world.task(project, ann)
    world.wait(1)
    put(world, project, suggest(0, "c2"), run="run-2")

    [same] = world.services.tasks.mine(world.open(project, ann), ann).items
    world.submit(project, ann, task.task_id, decided(item_id(0), tag("c1")))

    assert same.items[0].prelabel == task.items[0].prelabel
    entry = history(world, project, item_id(0))
    assert entry.prelabel.model_dump() == {
        "run_id": "run-1",
        "accepted": 1,
        "changed": 0,
        "removed": 0,
        "added": 0,
    }
    assert world.counters(project) == world.recount(project)


def test_released_and_expired_images_are_prelabeled_again(labeling: Labeling) -> None:
    world, project, ann = labeling
    put(world, project, suggest(0), suggest(1))
    task = world.task(project, ann)

    release = ReleaseRequest(items=[item_id(0)])
    world.services.tasks.release(world.open(project, ann), ann, task.task_id, release)
    world.wait(3600)
    world.services.progress.on_tick()

    assert queue(world, project) == {layout.PRELABELED: 2, layout.MANUAL: 18}
    assert shown(world.task(project, ann)) == ["run-1", "run-1"]


def test_what_comes_back_after_the_last_one_went_is_handed_out_first(labeling: Labeling) -> None:
    world, project, ann = labeling
    put(world, project, suggest(0))
    task = world.task(project, ann)
    world.services.progress.on_tick()
    world.wait(6)
    manual = world.task(project, ann, size=1)
    world.services.tasks.release(world.open(project, ann), ann, task.task_id, ReleaseRequest())
    world.wait(16)

    assert (task.kind, manual.kind) == ("prelabeled", "manual")
    assert world.task(project, ann).kind == "prelabeled"


def test_labeled_images_take_no_suggestions(labeling: Labeling) -> None:
    world, project, ann = labeling
    task = world.task(project, ann, size=20)
    world.label(project, ann, task)

    [result] = put(world, project, suggest(0))

    assert (result.status, result.by) == ("superseded", "somebody has labeled it")


@pytest.mark.parametrize("front", [True, False])
def test_a_rejected_image_begins_with_its_labels_and_not_with_the_suggestion(
    labeling: Labeling, front: bool
) -> None:
    world, project, ann = labeling
    put(world, project, suggest(0))
    task = world.task(project, ann)
    world.label(project, ann, task, "c2")
    request = RejectRequest(item_ids=[item_id(0)], front=front)
    world.services.review.reject(world.open(project, ADMIN), request, by="boss")

    assert statuses(put(world, project, suggest(0, "c3"), run="run-2")) == ["superseded"]
    assert queue(world, project) == (
        {layout.FRONT: 1, layout.MANUAL: 19} if front else {layout.MANUAL: 20}
    )
    items = world.task(project, ann, size=20).items
    [again] = [item for item in items if item.item_id == item_id(0)]
    assert again.prelabel is None
    assert again.defaults
    assert again.defaults[0].class_id == "c2"


def test_an_overwritten_image_forgets_what_was_suggested(labeling: Labeling) -> None:
    world, project, ann = labeling
    put(world, project, suggest(0))
    world.upload(path(0), data=photo(20, 10))
    world.services.ingest.on_blob_event(BlobEvent(container=PHOTOS, path=path(0)))
    world.drain()

    assert queue(world, project) == {layout.MANUAL: 20}
    assert shown(world.task(project, ann)) == [""] * 9


# What became of it.


def test_history_says_what_was_made_of_a_suggestion(labeling: Labeling) -> None:
    world, project, ann = labeling
    put(world, project, suggest(0), suggest(1), suggest(2))
    task = world.task(project, ann)
    accepted = tag("c1") | {"origin": {"prelabel": "p1"}}
    changed = tag("c2") | {"origin": {"prelabel": "p1"}}
    unknown = tag("c3") | {"origin": {"prelabel": "nobody"}}
    sent = [accepted, changed, unknown]
    decisions = [decided(item_id(n), said) for n, said in enumerate(sent)]
    world.submit(project, ann, task.task_id, *decisions)

    entries = [history(world, project, item_id(n)) for n in range(3)]

    found = [entry.prelabel.model_dump(exclude={"run_id"}) for entry in entries]
    assert [tuple(one.values()) for one in found] == [(1, 0, 0, 0), (0, 1, 0, 0), (0, 0, 1, 1)]
    assert [entry.annotations[0].origin for entry in entries] == [
        Origin(prelabel="p1", run_id="run-1", changed=False),
        Origin(prelabel="p1", run_id="run-1", changed=True),
        None,
    ]


def test_late_work_is_compared_with_what_was_shown_then(labeling: Labeling) -> None:
    world, project, ann = labeling
    put(world, project, suggest(0))
    task = world.task(project, ann)
    world.wait(3600)
    world.services.progress.on_tick()
    put(world, project, suggest(0, "c2"), run="run-2")

    answer = world.submit(project, ann, task.task_id, decided(item_id(0), tag("c1")))

    assert [result.status for result in answer.results] == ["saved_late"]
    entry = history(world, project, item_id(0))
    assert (entry.prelabel.run_id, entry.prelabel.accepted) == ("run-1", 1)


def test_a_correction_remembers_what_was_suggested_first(labeling: Labeling) -> None:
    world, project, ann = labeling
    put(world, project, suggest(0))
    task = world.task(project, ann)
    world.submit(project, ann, task.task_id, decided(item_id(0), tag("c1")))
    request = ReopenRequest(request_id="o1")
    answer = world.services.tasks.reopen(world.open(project, ann), ann, task.task_id, request)
    assert answer.task

    world.submit(project, ann, answer.task.task_id, decided(item_id(0), tag("c2")))

    entry = history(world, project, item_id(0))
    assert entry.prelabel is None
    assert entry.annotations[0].origin == Origin(prelabel="p1", run_id="run-1", changed=True)
    assert world.items(project)[path(0)].kind == "prelabeled"


def test_labels_sent_back_remember_what_was_suggested_first(labeling: Labeling) -> None:
    world, project, ann = labeling
    put(world, project, suggest(0))
    world.label(project, ann, world.task(project, ann))
    request = RejectRequest(item_ids=[item_id(0)], to="same_labeler")
    world.services.review.reject(world.open(project, ADMIN), request, by="boss")

    world.label(project, ann, world.task(project, ann))

    entry = history(world, project, item_id(0))
    assert entry.annotations[0].origin == Origin(prelabel="p1", run_id="run-1", changed=False)


def test_progress_says_what_labelers_made_of_suggestions(labeling: Labeling) -> None:
    world, project, ann = labeling
    put(world, project, *(suggest(number) for number in range(4)))
    task = world.task(project, ann)
    decisions = [decided(item_id(n), tag("c1" if n else "c2")) for n in range(3)]
    decisions.append(decided(item_id(3), outcome="skipped"))
    world.submit(project, ann, task.task_id, *decisions)

    [count] = world.services.progress.get(world.open(project, ADMIN)).labelers

    assert (count.labelings, count.prelabels.model_dump()) == (
        4,
        {"accepted": 2, "changed": 0, "removed": 1, "added": 1},
    )


def test_with_overlap_each_labeler_is_shown_the_suggestion(world: World) -> None:
    project = world.sharded(1, images=4, overlap=2)
    put(world, project, *(suggest(number) for number in range(4)))

    for name in ("ann", "bob"):
        who = world.member(project, name)
        task = world.task(project, who)
        assert shown(task) == ["run-1"] * 4
        world.label(project, who, task)

    assert world.counters(project) == world.recount(project)
    assert {item.suggested for item in world.items(project).values()} == {""}


# What it costs.


def calls_of_pages(
    world: World, project: Project, ann: Caller, pages: int
) -> list[tuple[str, int]]:
    """The kind of each next page, and the calls it took."""
    found: list[tuple[str, int]] = []
    for _ in range(pages):
        world.open(project, ann)
        world.watch.reset()
        task = world.task(project, ann)
        found.append((task.kind, world.watch.calls))
        world.label(project, ann, task)
    return found


def test_a_page_of_small_suggestions_costs_no_more_than_any_other(world: World) -> None:
    project = world.project(images=300)
    ann = world.member(project, "ann")
    put(world, project, *(suggest(number) for number in range(200)))

    pages = calls_of_pages(world, project, ann, 15)

    assert {kind for kind, _ in pages} == {"prelabeled"}
    assert max(calls for _, calls in pages[1:]) == 3


def test_when_the_suggestions_are_used_up_pages_cost_what_they_did(world: World) -> None:
    project = world.project(images=300)
    ann = world.member(project, "ann")
    put(world, project, *(suggest(number) for number in range(20)))

    pages = calls_of_pages(world, project, ann, 10)

    assert [kind for kind, _ in pages] == ["prelabeled"] * 3 + ["manual"] * 7
    assert max(calls for _, calls in pages[5:]) == 3


def test_suggestions_that_come_later_are_handed_out_before_long(world: World) -> None:
    project = world.project(images=300)
    ann = world.member(project, "ann")
    calls_of_pages(world, project, ann, 2)
    left = [item.item_id for item in world.items(project).values() if item.state == "available"]
    said = [{"class_id": "c1"}]

    put(world, project, *({"item_id": one, "annotations": said} for one in left))
    world.wait(6)

    assert [kind for kind, _ in calls_of_pages(world, project, ann, 2)] == ["prelabeled"] * 2


@pytest.mark.parametrize(
    "text", [" Animal / Cat ", "animal/cat", "\uff21nimal/CAT", "Animal/ca\u200dt"]
)
def test_a_class_is_found_by_the_text_it_was_made_with(world: World, text: str) -> None:
    project = world.project(images=1, classes=[" Animal / Cat "])

    [result] = put(world, project, {"path": path(0), "annotations": [{"class": text}]})

    assert result.status == "saved", result


def test_a_suggestion_on_no_frame_or_there_twice_is_refused(world: World) -> None:
    project = world.project(task_type="boxes", images=2)
    shape = {"kind": "box", "x0": 0.1, "y0": 0.1, "x1": 0.5, "y1": 0.5}
    beyond = {"path": path(0), "annotations": [{"class": "owl", "geometry": shape, "frame": 7}]}
    twice = {"path": path(1), "annotations": [{"class": "owl", "geometry": shape}] * 2}

    results = put(world, project, beyond, twice)

    assert [
        result.problem and (result.problem.type, result.problem.pointer) for result in results
    ] == [
        ("no-such-frame", "/items/0/annotations/0/frame"),
        ("twin", "/items/1/annotations/1/geometry"),
    ]
