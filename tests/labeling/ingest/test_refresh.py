from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partialmethod

import pytest

from labeling import layout
from labeling.adapters.memory import MemoryBlobs
from labeling.ingest import refresh as refreshing
from labeling.ingest.manifest import Entry, Manifests
from labeling.ingest.refresh import BlobEvent, Measure, Refresh, Register
from labeling.model import Model
from labeling.projects.access import Caller
from labeling.projects.record import Project
from labeling.review import RejectRequest
from labeling.settings import Settings
from labeling.tasks.messages import ReleaseRequest
from tests.world import ADMIN, PHOTOS, STEADY, Killed, World, decided, photo, tag


@pytest.fixture
def small() -> World:
    """A world whose projects have room for 50 images."""
    return World(STEADY.model_copy(update={"max_items": 50}))


def names(count: int, start: int = 0) -> list[str]:
    return [f"img{number:04d}.png" for number in range(start, start + count)]


def event(world: World, *paths: str, deleted: bool = False) -> None:
    for path in paths:
        message = BlobEvent(container=PHOTOS, path=path, deleted=deleted)
        world.storage.queues.send(layout.BLOB_EVENTS_QUEUE, message)


def land(world: World, *paths: str, data: bytes | None = None) -> None:
    """Files arrive, and their events with them."""
    world.upload(*paths, data=data)
    event(world, *paths)


def refresh(world: World, project: Project) -> None:
    world.services.ingest.start(project)
    world.drain()


def over(world: World, project: Project) -> int:
    return world.services.progress.get(
        world.open(project, world.member(project, "boss"))
    ).over_limit


# What becomes an item.


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("birds/", {"birds/owl.png"}),
        ("birds/**", {"birds/owl.png", "birds/2024/wren.png", "birds/2024/더운/새 #1.png"}),
        (
            "**/*.*",
            {"birds/owl.png", "birds/2024/wren.png", "birds/2024/더운/새 #1.png", "top.png"},
        ),
        ("/", {"top.png"}),
    ],
)
def test_the_pattern_decides_which_files_become_items(
    world: World, pattern: str, expected: set[str]
) -> None:
    world.upload("birds/owl.png", "birds/2024/wren.png", "birds/2024/더운/새 #1.png", "top.png")

    project = world.project(pattern=pattern)

    assert set(world.items(project)) == expected
    assert project.state == "running"


def test_the_preview_counts_what_ingestion_registers(world: World) -> None:
    world.upload("a.png", "b.txt", "c.tiff", "d.DCM", "e.JPG", "noise", "f.bmp")
    world.upload("folder", "empty.jpg", data=b"")

    project = world.project()

    preview = world.services.datasets.preview(project.source)
    state = world.services.ingest.state(project.project_id)
    assert state
    assert preview.images == state.images == len(world.items(project)) == 6
    assert {skipped.reason: skipped.count for skipped in preview.skipped} == state.skipped
    assert state.skipped == {"not_an_image": 2, "folder": 1}


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        (b"", "the file is empty"),
        (b"this is text", "not a JPEG, PNG or BMP image"),
        (photo()[:20], "the file ends in the middle of its header"),
        (b"II*\x00" + bytes(60), "it looks like TIFF"),
    ],
)
def test_a_file_that_cannot_be_read_is_an_item_with_a_reason_and_never_handed_out(
    world: World, data: bytes, problem: str
) -> None:
    world.upload("bad.jpg", data=data)
    world.upload("good.png")
    project = world.project()
    ann = world.member(project, "ann")

    item = world.items(project)["bad.jpg"]

    assert item.state == "unreadable"
    assert problem in item.barred_reason
    assert [item.path for item in world.task(project, ann).items] == ["good.png"]
    assert world.ask(project, ann).why == "all_leased"
    assert world.counters(project) == world.recount(project)


def test_sizes_are_those_of_the_upright_image(world: World) -> None:
    world.upload("wide.png", data=photo(40, 30))

    item = world.items(world.project())["wide.png"]

    assert (item.width, item.height) == (40, 30)


def test_six_thousand_images_are_spread_over_eight_shards(world: World) -> None:
    world.upload(*(f"{number:05d}.png" for number in range(6_000)))
    project = world.new()
    world.services.ingest.start(project)

    # Register only: headers are read in a second stage, which this test can do without.
    queues = world.storage.queues.sent
    while queues[layout.REFRESH_QUEUE] or queues[layout.REGISTER_QUEUE]:
        for queue in (layout.REFRESH_QUEUE, layout.REGISTER_QUEUE):
            while queues[queue]:
                world.handle(queue, queues[queue].popleft().message)

    assert world.services.projects.get(project.project_id).shards == 8
    partitions = world.storage.tables.snapshot(layout.ITEMS)
    sizes = [
        sum(key.startswith("I|") for key in partitions[f"{project.project_id}|{shard:02x}"])
        for shard in range(8)
    ]
    assert sum(sizes) == 6_000
    assert min(sizes) > 600
    assert world.counters(project) == {"state:available": 6_000, "queue:9": 6_000}


def test_images_are_handed_out_while_the_rest_of_a_large_container_is_listed(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    few_at_a_time(monkeypatch)
    world.upload(*names(50))
    project = world.new()
    ann = world.member(project, "ann")
    world.services.ingest.start(project)

    for queue in (layout.REFRESH_QUEUE, layout.REGISTER_QUEUE, layout.MEASURE_QUEUE):
        world.step(queue)
    labeled = world.finish(project, ann, size=1)
    state = world.services.ingest.state(project.project_id)

    assert state
    assert state.state == "listing"
    assert set(world.items(project)) == {"img0000.png", "img0002.png"}
    assert len(labeled) == 2
    assert world.ask(project, ann).why == "initializing"
    world.drain()
    assert list(world.items(project)) == names(50)
    state = world.services.ingest.state(project.project_id)
    assert state
    assert (state.state, state.images, state.new, state.changed) == ("done", 50, 50, 0)
    assert world.counters(project) == world.recount(project)
    assert world.counters(project)["state:labeled"] == 2


def test_early_images_that_were_given_up_hold_nothing_up_and_come_with_the_next_refresh(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    few_at_a_time(monkeypatch)
    world.upload(*names(12))
    project = world.new()
    world.services.ingest.start(project)
    world.step(layout.REFRESH_QUEUE)
    early = world.storage.queues.sent[layout.REGISTER_QUEUE].popleft().message
    assert isinstance(early, Register)

    world.services.ingest.give_up(early, "storage is busy")
    world.drain()

    state = world.services.ingest.state(project.project_id)
    assert state
    assert (state.state, state.new) == ("done", 12)
    assert state.problem.startswith("images that were found could not be registered")
    assert len(world.items(project)) == 10
    refresh(world, project)
    assert list(world.items(project)) == names(12)
    assert '"used":12,"reserved":{}' in world.settled(project)["capacity"]


def test_the_first_images_are_handed_out_while_the_listing_is_registered(world: World) -> None:
    world.upload(*names(450))
    project = world.new()
    ann = world.member(project, "ann")
    world.services.ingest.start(project)
    queues = world.storage.queues.sent
    while queues[layout.REFRESH_QUEUE]:
        world.handle(layout.REFRESH_QUEUE, queues[layout.REFRESH_QUEUE].popleft().message)
    world.wait(6)
    assert world.ask(project, ann).why == "initializing", "listed, and nothing registered"
    assert len(queues[layout.REGISTER_QUEUE]) == 3

    world.handle(layout.REGISTER_QUEUE, queues[layout.REGISTER_QUEUE].popleft().message)
    world.wait(6)
    held = 0
    while task := world.ask(project, ann, size=24).task:
        world.label(project, ann, task)
        held += len(task.items)

    assert held == 192, "all full pages of the first batch: the rest of the next is on its way"
    assert world.services.projects.get(project.project_id).state == "initializing"
    world.wait(6)
    assert world.ask(project, ann).why == "initializing", "more is on its way: this is not the end"
    world.drain()
    world.wait(6)
    assert world.services.projects.get(project.project_id).state == "running"
    assert world.counters(project)["state:labeled"] == 192
    assert world.counters(project)["state:available"] == 258
    assert world.ask(project, ann).task


def test_a_project_runs_as_soon_as_the_first_listing_is_registered(world: World) -> None:
    world.upload(*names(3))
    project = world.new()
    ann = world.member(project, "ann")
    assert world.ask(project, ann).why == "initializing"

    world.services.ingest.start(project)
    queues = world.storage.queues.sent
    while queues[layout.REFRESH_QUEUE]:
        world.handle(layout.REFRESH_QUEUE, queues[layout.REFRESH_QUEUE].popleft().message)
    world.handle(layout.REGISTER_QUEUE, queues[layout.REGISTER_QUEUE].popleft().message)
    world.wait(6)

    assert queues[layout.MEASURE_QUEUE], "the second stage has not begun"
    assert world.services.projects.get(project.project_id).state == "running"
    assert len(world.task(project, ann).items) == 3, "they were measured ahead of the labeler"
    assert all(item.width for item in world.items(project).values())


def test_an_empty_folder_makes_a_project_that_runs_and_has_nothing_to_label(world: World) -> None:
    project = world.project()

    assert project.state == "running"
    assert world.ask(project, world.member(project, "ann")).why == "none_left"


# Later: events and refreshes.


def test_a_file_that_lands_becomes_an_item_that_can_be_labeled(world: World) -> None:
    project = world.project(images=1)

    land(world, "late.png")
    world.drain()

    assert world.items(project)["late.png"].width == 8
    assert world.counters(project) == world.recount(project)


def test_a_file_that_lands_outside_the_pattern_changes_nothing(world: World) -> None:
    world.upload("birds/a.png")
    project = world.project(pattern="birds/**")

    land(world, "cats/b.png", "birds/readme.txt")
    world.drain()

    assert set(world.items(project)) == {"birds/a.png"}


def test_events_change_nothing_where_incremental_refresh_is_off_and_refresh_now_does(
    world: World,
) -> None:
    project = world.project(images=1, refresh=False)
    land(world, "late.png")
    world.drain()
    assert set(world.items(project)) == {"img0000.png"}

    refresh(world, project)

    assert set(world.items(project)) == {"img0000.png", "late.png"}


def test_a_file_that_lands_during_the_first_listing_is_taken_up_afterwards(world: World) -> None:
    world.upload("b.png")
    project = world.new()
    world.services.ingest.start(project)
    land(world, "a.png")

    world.shuffle(7)

    assert set(world.items(project)) == {"a.png", "b.png"}
    assert world.counters(project) == world.recount(project)


def test_a_refresh_registers_only_what_is_new_and_is_kept(world: World) -> None:
    project = world.project(images=3)
    world.upload("late1.png", "late2.png")
    world.upload("img0001.png", data=photo(shade=200))
    world.storage.blobs.delete(PHOTOS, "img0002.png")
    world.wait(60)

    refresh(world, project)

    progress = world.services.progress.get(world.open(project, world.member(project, "boss")))
    assert progress.refresh
    kept = progress.refresh
    assert (kept.state, kept.images, kept.new, kept.changed, kept.missing) == ("done", 4, 2, 1, 1)
    assert kept.finished_at == world.clock.now()
    assert progress.flags == {"missing": 1}
    assert world.counters(project) == world.recount(project)


def test_refresh_now_while_one_runs_is_answered_with_the_one_that_runs(world: World) -> None:
    project = world.new()

    first = world.services.ingest.start(project)
    second = world.services.ingest.start(project)

    assert second.refresh_id == first.refresh_id


def test_the_timer_refreshes_what_is_due_once(world: World) -> None:
    project = world.project(images=1)
    world.upload("late.png")
    world.services.progress.on_tick()
    world.drain()
    assert "late.png" not in world.items(project)

    world.wait(world.settings.refresh_seconds + 1)
    world.services.progress.on_tick()
    world.other().services.progress.on_tick()

    assert len(world.storage.queues.sent[layout.REFRESH_QUEUE]) == 1
    world.drain()
    assert "late.png" in world.items(project)


def labeled_then_overwritten(world: World, images: int = 1) -> tuple[Project, Caller]:
    project = world.project(images=images)
    ann = world.member(project, "ann")
    world.finish(project, ann)
    for number in range(images):
        land(world, f"img{number:04}.png", data=photo(20, 10, shade=9))
    world.shuffle(1)
    return project, ann


def test_a_labeled_image_that_is_overwritten_keeps_its_labels_and_needs_a_reviewer(
    world: World,
) -> None:
    project, ann = labeled_then_overwritten(world)

    item = world.items(project)["img0000.png"]
    assert (item.state, item.flag, item.width) == ("needs_review", "overwritten", 20)
    view = world.services.review.get(world.open(project, ann), item.item_id)
    assert [annotation.class_id for annotation in view.annotations] == ["c1"]
    assert world.counters(project) == world.recount(project)


def test_an_image_that_was_overwritten_is_still_that_once_it_was_missing_and_is_back(
    world: World,
) -> None:
    project, _ = labeled_then_overwritten(world)
    items, item_id = world.services.projects.items(project), layout.item_id(PHOTOS, "img0000.png")

    items.note_missing(item_id, True)
    assert world.items(project)["img0000.png"].flag == "missing"

    items.note_missing(item_id, False)
    assert world.items(project)["img0000.png"].flag == "overwritten"
    assert world.counters(project) == world.recount(project)


def test_an_image_whose_labelers_asked_a_reviewer_is_flagged_when_it_is_overwritten(
    world: World,
) -> None:
    project = world.project(images=1)
    ann = world.member(project, "ann")
    task = world.task(project, ann)
    asked = decided(task.items[0].item_id, outcome="needs_review", note="a fox?")
    world.submit(project, ann, task.task_id, asked)

    land(world, "img0000.png", data=photo(20, 10, shade=9))
    world.shuffle(1)

    assert world.items(project)["img0000.png"].flag == "overwritten"


def test_an_image_is_no_longer_overwritten_once_a_reviewer_has_seen_it(world: World) -> None:
    project, _ = labeled_then_overwritten(world, images=2)
    items = world.services.projects.items(project)
    first, second = (layout.item_id(PHOTOS, name) for name in ("img0000.png", "img0001.png"))

    items.reject(first, by="rob", reason="", to_same_labeler=False, front=False, revision=None)
    items.approve(second, by="rob", revision=None, approved=True)

    now = world.items(project).values()
    assert [(item.flag, item.state) for item in now] == [("", "available"), ("", "labeled")]
    assert world.counters(project) == world.recount(project)


def test_a_labeled_image_that_is_deleted_is_flagged_and_keeps_its_labels_until_it_is_back(
    world: World,
) -> None:
    project = world.project(images=1)
    ann = world.member(project, "ann")
    world.finish(project, ann)
    content = world.storage.blobs.read(PHOTOS, "img0000.png")
    world.storage.blobs.delete(PHOTOS, "img0000.png")

    event(world, "img0000.png", deleted=True)
    world.drain()

    item = world.items(project)["img0000.png"]
    assert (item.state, item.flag) == ("labeled", "missing")
    assert world.counters(project)["class:c1"] == 1

    land(world, "img0000.png", data=content)
    world.drain()

    assert world.items(project)["img0000.png"].flag != "missing"
    assert world.counters(project) == world.recount(project)


Way = Callable[[World, Project, Caller], None]


def rejected(world: World, project: Project, ann: Caller) -> None:
    world.label(project, ann, world.task(project, ann))
    lost(world)
    item_id = world.items(project)["img0000.png"].item_id
    request = RejectRequest(item_ids=[item_id], reason="look again", to="same_labeler")
    world.services.review.reject(world.open(project, ADMIN), request, by="boss")


def released(world: World, project: Project, ann: Caller) -> None:
    task = world.task(project, ann)
    lost(world)
    opened = world.open(project, ann)
    world.services.tasks.release(opened, ann, task.task_id, ReleaseRequest(items=None))


def expired(world: World, project: Project, ann: Caller) -> None:
    world.task(project, ann)
    lost(world)
    world.wait(3_600)
    world.services.progress.on_tick()


def waiting(world: World, project: Project, ann: Caller) -> None:
    lost(world)


def lost(world: World) -> None:
    world.storage.blobs.delete(PHOTOS, "img0000.png")
    event(world, "img0000.png", deleted=True)
    world.drain()


@pytest.mark.parametrize("way", [rejected, released, expired, waiting])
def test_an_image_that_is_gone_is_handed_out_again_when_it_is_back_and_not_before(
    world: World, way: Way
) -> None:
    project = world.project(images=1)
    ann, ben = world.member(project, "ann"), world.member(project, "ben")
    content = world.storage.blobs.read(PHOTOS, "img0000.png")

    way(world, project, ann)
    world.wait(30)

    assert [world.ask(project, who).task for who in (ann, ben)] == [None, None]
    assert world.counters(project) == world.recount(project)
    item = world.items(project)["img0000.png"]
    assert (item.state, item.reason) == ("unreadable", "the file is gone")

    land(world, "img0000.png", data=content)
    world.drain()
    world.wait(30)

    assert world.ask(project, ann).task or world.ask(project, ben).task
    assert world.counters(project) == world.recount(project)


def test_an_event_of_a_deletion_that_comes_after_the_file_is_back_flags_nothing(
    world: World,
) -> None:
    project = world.project(images=1)

    event(world, "img0000.png", deleted=True)
    world.drain()

    assert world.items(project)["img0000.png"].flag == ""


def test_a_listing_older_than_an_event_does_not_take_an_image_back(world: World) -> None:
    project = world.project(images=1)
    world.upload("img0000.png", data=photo(10, 10, shade=1))
    world.services.ingest.start(project)
    queues = world.storage.queues.sent
    while queues[layout.REFRESH_QUEUE]:
        world.handle(layout.REFRESH_QUEUE, queues[layout.REFRESH_QUEUE].popleft().message)
    late = queues[layout.REGISTER_QUEUE].popleft()

    land(world, "img0000.png", data=photo(30, 30, shade=2))
    world.drain()
    ann = world.member(project, "ann")
    world.finish(project, ann)
    world.handle(layout.REGISTER_QUEUE, late.message)
    world.drain()

    item = world.items(project)["img0000.png"]
    blob = world.storage.blobs.find(PHOTOS, "img0000.png")
    assert blob
    assert (item.blob_etag, item.width, item.state) == (blob.etag, 30, "labeled")


def test_a_project_whose_container_is_gone_fails_with_a_reason(world: World) -> None:
    world.storage.blobs.create("scans")
    project = world.new()
    project = world.alter(
        project, source=project.source.model_copy(update={"container": "vanished"})
    )

    refresh(world, project)

    failed = world.services.projects.get(project.project_id)
    assert failed.state == "failed"
    assert "vanished" in failed.state_reason
    progress = world.services.progress.get(world.open(failed, world.member(project, "boss")))
    assert progress.refresh
    assert (progress.refresh.state, progress.state) == ("failed", "failed")


def test_a_failed_project_runs_when_its_container_is_back_and_it_is_refreshed(
    world: World,
) -> None:
    project = world.new()
    project = world.alter(
        project, source=project.source.model_copy(update={"container": "vanished"})
    )
    refresh(world, project)
    world.storage.blobs.create("vanished")
    world.upload("a.png", container="vanished")

    refresh(world, world.services.projects.get(project.project_id))

    back = world.services.projects.get(project.project_id)
    assert (back.state, back.state_reason) == ("running", "")
    assert set(world.items(project)) == {"a.png"}


def test_an_event_for_a_failed_project_does_not_come_back_for_ever(world: World) -> None:
    project = world.new()
    world.alter(project, state="failed")

    land(world, "a.png")
    world.shuffle(1)  # raises when the messages never end


def test_a_running_project_whose_container_is_gone_keeps_running_and_says_so(world: World) -> None:
    project = world.project(images=2)
    world.alter(project, source=project.source.model_copy(update={"container": "vanished"}))

    refresh(world, world.services.projects.get(project.project_id))

    assert world.services.projects.get(project.project_id).state == "running"
    state = world.services.ingest.state(project.project_id)
    assert state
    assert (state.state, "vanished" in state.problem) == ("failed", True)


def test_messages_for_a_deleted_project_do_nothing(world: World) -> None:
    world.upload(*names(3))
    project = world.new()
    world.services.ingest.start(project)
    world.services.projects.delete(project.project_id)

    land(world, "late.png")
    world.shuffle(3)

    assert world.storage.tables.snapshot(layout.ITEMS) == {}


# No more than the limit.


def test_the_first_in_order_of_names_become_items_and_the_others_are_counted(
    small: World,
) -> None:
    small.upload(*reversed(names(60)))

    project = small.project()

    assert list(small.items(project)) == names(50)
    assert over(small, project) == 10


def test_later_arrivals_fill_what_is_left_and_never_more(small: World) -> None:
    project = small.project(images=48)

    land(small, "late1.png", "late2.png", "late3.png")
    small.shuffle(5)

    assert len(small.items(project)) == 50
    assert over(small, project) == 1
    refresh(small, project)
    assert len(small.items(project)) == 50
    assert over(small, project) == 1


def test_an_event_told_twice_is_counted_once_among_those_over_the_limit(small: World) -> None:
    project = small.project(images=50)

    for _ in range(3):
        land(small, "late.png")
        small.drain()

    assert over(small, project) == 1


@pytest.mark.parametrize("seed", range(12))
def test_there_are_never_more_items_than_the_limit_with_events_and_refreshes_on_two_hosts(
    small: World, seed: int
) -> None:
    small.upload(*names(40))
    other = small.other()
    project = small.new()
    small.services.ingest.start(project)
    land(small, *names(15, start=40))

    small.shuffle(seed, small, other)
    land(small, *names(5, start=60))
    other.services.ingest.start(project)
    small.shuffle(seed + 100, small, other)

    assert len(small.items(project)) == 50
    assert small.counters(project) == small.recount(project)
    capacity = small.settled(project)["capacity"]
    assert '"used":50' in capacity
    assert '"reserved":{}' in capacity


def test_threads_on_two_hosts_register_no_more_than_the_limit(small: World) -> None:
    project = small.project(images=30)
    hosts = (small, small.other())
    small.upload(*names(40, start=30))
    events = [BlobEvent(container=PHOTOS, path=path) for path in names(40, start=30)]

    with ThreadPoolExecutor(8) as pool:
        jobs = [
            pool.submit(hosts[number % 2].services.ingest.on_blob_event, one)
            for number, one in enumerate([*events, *events])
        ]
        jobs.append(pool.submit(refresh, hosts[1], project))
        for job in jobs:
            job.result()
    small.drain()

    assert len(small.items(project)) == 50
    assert small.counters(project) == small.recount(project)
    assert '"used":50,"reserved":{}' in small.settled(project)["capacity"]


def test_what_events_took_up_takes_no_place_from_what_a_refresh_finds(small: World) -> None:
    project = small.project(images=40)
    land(small, *(f"early{number}.png" for number in range(5)))
    small.drain()
    small.upload(*names(5, start=100))

    refresh(small, project)

    assert len(small.items(project)) == 50
    assert over(small, project) == 0


def test_a_deleted_image_that_is_back_is_found_though_there_is_no_room(small: World) -> None:
    project = small.project(images=50, refresh=False)
    content = small.storage.blobs.read(PHOTOS, "img0007.png")
    small.storage.blobs.delete(PHOTOS, "img0007.png")
    refresh(small, project)
    refresh(small, project)
    assert small.items(project)["img0007.png"].flag == "missing"

    small.upload("img0007.png", data=content)
    refresh(small, project)

    assert small.items(project)["img0007.png"].flag == ""
    assert over(small, project) == 0


def test_a_listing_that_names_a_file_twice_makes_one_item(world: World) -> None:
    world.upload(*names(3))
    project = world.new()
    world.services.ingest.start(project)
    queues = world.storage.queues.sent
    listing = queues[layout.REFRESH_QUEUE].popleft().message
    world.handle(layout.REFRESH_QUEUE, listing)
    assert isinstance(listing, Refresh)
    blobs = world.storage.blobs.list(PHOTOS).blobs
    entries = [Entry(blob.path, blob.etag, blob.size, "png") for blob in blobs]
    manifests = Manifests(world.storage.blobs, project.project_id)
    manifests.write(listing.refresh_id, "listed", 0, [*entries, *entries])

    world.drain()

    assert list(world.items(project)) == names(3)
    assert world.services.projects.get(project.project_id).state == "running"
    assert world.counters(project) == world.recount(project)


# Twice, in any order, and killed anywhere.


def prepared(limit: int = 8) -> tuple[World, Project]:
    """A project with a refresh to come that finds new, changed, missing and too many images."""
    world = World(STEADY.model_copy(update={"max_items": limit}))
    world.upload(*names(5), "bad.png")
    world.upload("bad.png", data=b"no image")
    project = world.project()
    world.upload("img0001.png", data=photo(9, 9, shade=3))
    world.storage.blobs.delete(PHOTOS, "img0002.png")
    world.upload(*names(6, start=10), "notes.txt")
    world.services.ingest.start(project)
    return world, project


def begun(limit: int = 8) -> tuple[World, Project]:
    """A project whose first listing is to come, which has too many images, and takes several pages."""
    world = World(STEADY.model_copy(update={"max_items": limit}))
    world.upload("bad.png", data=b"no image")
    world.upload(*names(11), "notes.txt")
    project = world.new()
    world.services.ingest.start(project)
    return world, project


Started = Callable[[], tuple[World, Project]]


@pytest.fixture(scope="module", params=["another", "the first"])
def started(request: pytest.FixtureRequest) -> Iterator[Started]:
    """Starts a refresh: another one, or a first one that registers some images before all are listed."""
    if request.param == "another":
        yield prepared
        return
    with pytest.MonkeyPatch.context() as patch:
        few_at_a_time(patch)
        yield begun


def few_at_a_time(patch: pytest.MonkeyPatch) -> None:
    """Let a page of a listing have four blobs, of which two are registered early."""
    patch.setattr(MemoryBlobs, "list", partialmethod(MemoryBlobs.list, limit=4))
    patch.setattr(refreshing, "PAGES_A_MESSAGE", 1)
    patch.setattr(refreshing, "MANY", 4)
    patch.setattr(refreshing, "EARLY", 2)


@pytest.fixture(scope="module")
def straight(started: Started) -> dict[str, object]:
    """How the refresh ends when each message comes once and in order."""
    world, project = started()
    world.drain()
    return world.settled(project)


def test_the_refresh_of_these_tests_has_something_of_everything(
    straight: dict[str, object], request: pytest.FixtureRequest
) -> None:
    first = "the first" in request.node.name
    assert straight["refresh"] == {
        "state": "done",
        "images": 12 if first else 11,
        "new": 8 if first else 2,
        "changed": 0 if first else 1,
        "missing": 0 if first else 1,
        "over_limit": 4,
        "skipped": {"not_an_image": 1},
    }


@pytest.mark.parametrize("seed", range(25))
def test_messages_that_come_twice_and_in_any_order_lead_to_the_same_end(
    started: Started, straight: dict[str, object], seed: int
) -> None:
    world, project = started()

    world.shuffle(seed, world, world.other())

    assert world.settled(project) == straight


def test_a_message_from_long_ago_changes_nothing(
    started: Started, straight: dict[str, object]
) -> None:
    world, project = started()
    sent: list[tuple[str, Model]] = []

    def handle(queue: str, message: Model) -> None:
        sent.append((queue, message))
        world.handle(queue, message)

    world.storage.queues.drain(handle)
    for queue, message in random.Random(4).sample(sent, len(sent)):
        world.handle(queue, message)
        world.drain()

    assert world.settled(project) == straight


KINDS = {"refresh": Refresh, "register": Register, "measure": Measure}


@pytest.mark.parametrize("stage", ["before", "after"])
@pytest.mark.parametrize("kind", KINDS)
def test_a_handler_killed_at_any_storage_call_and_tried_again_leads_to_the_same_end(
    started: Started, straight: dict[str, object], kind: str, stage: str
) -> None:
    position = 0
    killed = True
    while killed:
        position += 1
        world, project = started()
        killed = False

        def handle(queue: str, message: Model, world: World = world, at: int = position) -> None:
            nonlocal killed
            if isinstance(message, KINDS[kind]) and not killed:
                world.watch.kill(at, stage)
                try:
                    world.handle(queue, message)
                except Killed:
                    killed = True
                world.watch.reset()
            world.handle(queue, message)

        world.storage.queues.drain(handle)
        assert world.settled(project) == straight, (kind, stage, position)

    assert position > 3


@pytest.mark.parametrize("kind", KINDS)
def test_a_message_handled_twice_at_the_same_time_leads_to_the_same_end(
    started: Started, straight: dict[str, object], kind: str
) -> None:
    """Between any two storage calls of a handler, another host handles the same message to its end."""
    position = 0
    overtaken = True
    while overtaken:
        position += 1
        world, project = started()
        other = world.other()
        overtaken = False

        def handle(
            queue: str,
            message: Model,
            world: World = world,
            other: World = other,
            at: int = position,
        ) -> None:
            def overtake() -> None:
                nonlocal overtaken
                overtaken = True
                other.handle(queue, message)
                waiting = world.storage.queues.sent
                for name in (layout.REGISTER_QUEUE, layout.MEASURE_QUEUE):
                    for sent in list(waiting[name]):
                        if sent.message != message:
                            other.handle(name, sent.message)

            if isinstance(message, KINDS[kind]) and not overtaken:
                world.watch.at(at, overtake)
            world.handle(queue, message)
            world.watch.reset()

        world.storage.queues.drain(handle)
        assert world.settled(project) == straight, (kind, position)

    assert position > 3


def test_an_event_told_twice_at_the_same_time_makes_one_item_in_one_place() -> None:
    position = 0
    overtaken = True
    while overtaken:
        position += 1
        world = World(STEADY.model_copy(update={"max_items": 4}))
        project = world.project(images=2)
        world.upload("late.png")
        message = BlobEvent(container=PHOTOS, path="late.png")
        overtaken = False
        other = world.other()

        def overtake(other: World = other, message: BlobEvent = message) -> None:
            nonlocal overtaken
            overtaken = True
            other.services.ingest.on_blob_event(message)

        world.watch.at(position, overtake)
        world.services.ingest.on_blob_event(message)
        world.watch.reset()

        assert len(world.items(project)) == 3
        assert '"used":3,"reserved":{}' in world.settled(project)["capacity"], position

    assert position > 5


@pytest.mark.parametrize("stage", ["before", "after"])
def test_an_event_killed_at_any_storage_call_and_told_again_makes_one_item(stage: str) -> None:
    position = 0
    killed = True
    while killed:
        position += 1
        world = World(STEADY.model_copy(update={"max_items": 3}))
        project = world.project(images=2)
        world.upload("late.png")
        message = BlobEvent(container=PHOTOS, path="late.png")
        world.watch.kill(position, stage)
        try:
            world.services.ingest.on_blob_event(message)
            killed = False
        except Killed:
            pass
        world.watch.reset()

        world.services.ingest.on_blob_event(message)

        assert set(world.items(project)) == {"img0000.png", "img0001.png", "late.png"}
        assert world.counters(project) == world.recount(project)
        assert '"used":3,"reserved":{}' in world.settled(project)["capacity"], (stage, position)

    assert position > 5


@pytest.mark.parametrize("stage", ["before", "after"])
def test_a_refresh_whose_start_was_killed_anywhere_is_started_by_asking_again(stage: str) -> None:
    for position in range(1, 4):
        world = World()
        world.upload("a.png")
        project = world.new()
        world.watch.kill(position, stage)
        with suppress(Killed):
            world.services.ingest.start(project)
        world.watch.reset()

        world.services.ingest.start(project)
        world.drain()

        assert set(world.items(project)) == {"a.png"}, (stage, position)
        assert world.services.projects.get(project.project_id).state == "running"


def test_the_timer_starts_the_first_listing_that_nobody_started(world: World) -> None:
    world.upload("a.png")
    project = world.new()

    world.wait(world.settings.refresh_seconds + 1)
    world.services.progress.on_tick()
    world.drain()

    assert world.services.projects.get(project.project_id).state == "running"


def test_a_refresh_that_died_does_not_keep_others_from_starting_for_ever(world: World) -> None:
    project = world.project(images=1)
    world.services.ingest.start(project)
    world.storage.queues.sent[layout.REFRESH_QUEUE].clear()
    world.upload("late.png")

    world.wait(3_601)
    refresh(world, project)

    assert "late.png" in world.items(project)


def test_overwritten_while_it_is_labeled_it_is_flagged_and_the_work_is_kept(world: World) -> None:
    project = world.project(images=1)
    ann = world.member(project, "ann")
    task = world.task(project, ann)

    land(world, "img0000.png", data=photo(12, 12, shade=5))
    world.shuffle(2)
    answer = world.submit(project, ann, task.task_id, decided(task.items[0].item_id, tag()))

    assert answer.results[0].status == "saved"
    item = world.items(project)["img0000.png"]
    assert (item.flag, item.width) == ("overwritten", 12)
    assert world.counters(project) == world.recount(project)


def test_a_setting_of_no_room_at_all_is_refused() -> None:
    with pytest.raises(ValueError, match="max_items"):
        Settings(max_items=0)


# What its owner wrote about a blob.


def described(world: World, path: str, shade: int = 0, **metadata: str) -> None:
    world.storage.blobs.write(
        PHOTOS, path, photo(shade=shade), content_type="image/png", metadata=metadata
    )


@pytest.mark.parametrize("way", ["a refresh", "an event"])
def test_an_item_keeps_the_metadata_of_its_blob(world: World, way: str) -> None:
    world.upload("plain.png")
    project = world.project()
    described(world, "scan.png", external_id="case 7", site="north")
    if way == "an event":
        event(world, "scan.png")
        world.drain()
    else:
        refresh(world, project)

    items = world.items(project)

    assert items["scan.png"].metadata == {"external_id": "case 7", "site": "north"}
    assert items["scan.png"].width
    assert items["plain.png"].metadata == {}


def test_labels_and_metadata_of_an_item_do_not_lose_each_other(world: World) -> None:
    described(world, "scan.png", external_id="case 7")
    project = world.project()
    ann = world.member(project, "ann")

    world.finish(project, ann)

    assert world.items(project)["scan.png"].metadata == {"external_id": "case 7"}


def test_an_overwritten_blob_brings_its_own_metadata(world: World) -> None:
    described(world, "scan.png", external_id="case 7")
    project = world.project()

    described(world, "scan.png", shade=9, external_id="case 8")
    refresh(world, project)

    assert world.items(project)["scan.png"].metadata == {"external_id": "case 8"}


# What it costs.


def all_but_measuring(world: World) -> list[Model]:
    """Handle what waits, but for the messages that ask for measuring, which are given back."""
    queues = world.storage.queues.sent
    left: list[Model] = []
    while waiting := [(queue, sent.popleft()) for queue, sent in queues.items() if sent]:
        for queue, one in waiting:
            if queue == layout.MEASURE_QUEUE:
                left.append(one.message)
            else:
                world.handle(queue, one.message)
    return left


def test_measuring_reads_no_item_that_is_still_as_it_was_registered(world: World) -> None:
    world.upload(*names(30))
    project = world.new()
    world.services.ingest.start(project)
    messages = all_but_measuring(world)

    world.watch.reset()
    for message in messages:
        world.handle(layout.MEASURE_QUEUE, message)

    assert [item.width for item in world.items(project).values()] == [8] * 30
    assert "get_many" not in world.watch.names
    assert world.counters(project) == world.recount(project)


def test_an_item_that_was_overwritten_since_it_was_registered_is_read_before_it_is_measured(
    world: World,
) -> None:
    world.upload(*names(3))
    project = world.new()
    world.services.ingest.start(project)
    messages = all_but_measuring(world)
    land(world, *names(1), data=photo(40, 30))
    all_but_measuring(world)

    for message in messages:
        world.handle(layout.MEASURE_QUEUE, message)

    found = world.items(project)
    assert [found[name].width for name in names(3)] == [40, 8, 8]
    assert world.counters(project) == world.recount(project)


def test_a_batch_that_is_registered_twice_is_still_measured(world: World) -> None:
    world.upload(*names(3))
    project = world.new()
    world.services.ingest.start(project)
    messages = all_but_measuring(world)
    state = world.services.ingest.state(project.project_id)
    assert state
    again = Register(project_id=project.project_id, manifest_id=state.known_id, part=0)
    world.handle(layout.REGISTER_QUEUE, again)

    for message in messages:
        world.handle(layout.MEASURE_QUEUE, message)

    assert all(item.width for item in world.items(project).values())
