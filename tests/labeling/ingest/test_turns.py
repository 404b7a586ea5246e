from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from itertools import islice
from threading import Event
from typing import Any

import pytest

from labeling import layout
from labeling.ingest.refresh import MEASURED_IN_TURN, BlobEvent, Measure
from labeling.ingest.turns import (
    BELIEVED_MS,
    HELD_MS,
    LABELING_MS,
    PATIENCE_S,
    REST,
    WAITING,
    NotNow,
)
from labeling.projects.directory import LABELING_NOTE_MS
from labeling.projects.record import Project
from tests.world import PHOTOS, World, photo

WORK = list(range(20))


def labeled(world: World) -> Project:
    """A project in which somebody labels just now."""
    world.upload(*(f"first{n}.png" for n in range(9)))
    project = world.project()
    world.task(project, world.member(project, "ann"))
    world.wait(BELIEVED_MS / 1000)
    return project


def pieces(world: World, work: Any = None) -> list[int]:
    sizes: list[int] = []

    def note(some: Sequence[int]) -> None:
        sizes.append(len(some))
        if work:
            work()

    world.services.turns.each(WORK, 12, 3, note)
    return sizes


def keeps_working(holder: World, *, beside: World) -> None:
    """Whatever another process does, the one that has the turn goes on working."""

    def hook(number: int, name: str, stage: str) -> None:
        pieces(holder)

    beside.watch.hook = hook


def test_work_is_done_in_large_pieces_while_nobody_labels(world: World) -> None:
    assert pieces(world) == [12, 8]


def test_work_is_done_in_small_pieces_once_somebody_was_handed_a_page(world: World) -> None:
    labeled(world)

    assert pieces(world) == [3] * 6 + [2]


def test_images_that_arrive_are_no_sign_that_somebody_labels(world: World) -> None:
    world.upload(*(f"first{n}.png" for n in range(9)))
    world.project()
    world.wait(BELIEVED_MS / 1000)

    assert pieces(world)[0] == 12


def test_a_minute_of_nobody_asking_for_pages_is_not_taken_for_the_end_of_labeling(
    world: World,
) -> None:
    labeled(world)
    world.wait(LABELING_NOTE_MS / 1000)
    assert pieces(world)[0] == 3

    world.wait(LABELING_MS / 1000)
    assert pieces(world)[0] == 12


def test_the_sign_is_seen_by_another_process_and_for_another_project(world: World) -> None:
    labeled(world)

    assert pieces(world.other())[0] == 3


def test_work_that_began_before_anybody_labeled_goes_on_in_small_pieces(world: World) -> None:
    world.upload("a.png")
    project = world.project()
    ann = world.member(project, "ann")

    def somebody_comes() -> None:
        if not world.services.turns.somebody_labels():
            world.task(project, ann)
            world.wait(BELIEVED_MS / 1000)

    assert pieces(world, somebody_comes) == [12, 3, 3, 2]


def test_after_each_piece_it_rests_for_as_long_as_the_work_took_and_more(world: World) -> None:
    labeled(world)
    before = world.clock.now()

    count = len(pieces(world, lambda: world.wait(0.2)))

    passed = (world.clock.now() - before).total_seconds()
    assert passed == pytest.approx(count * 0.2 * (1 + REST))


def test_one_process_at_a_time_works_while_somebody_labels(world: World) -> None:
    labeled(world)
    other = world.other()
    pieces(world)
    before = other.clock.now()

    keeps_working(world, beside=other)
    with pytest.raises(NotNow):
        pieces(other)

    assert (other.clock.now() - before).total_seconds() >= PATIENCE_S


def test_a_process_that_died_in_its_turn_holds_nobody_up_for_long(world: World) -> None:
    labeled(world)
    pieces(world)
    other = world.other()
    before = other.clock.now()

    assert sum(pieces(other)) == len(WORK)

    assert (other.clock.now() - before).total_seconds() <= HELD_MS / 1000 + 1


def test_only_a_few_threads_wait_and_the_others_are_left_to_labelers(world: World) -> None:
    labeled(world)
    working, enough = Event(), Event()

    def hold() -> None:
        working.set()
        enough.wait(10)

    with ThreadPoolExecutor(WAITING + 3) as threads:
        first = threads.submit(pieces, world, hold)
        working.wait(10)
        later = [threads.submit(pieces, world) for _ in range(WAITING + 2)]
        put_back = [future.exception(10) for future in islice(as_completed(later, 10), 2)]
        enough.set()

    assert [type(exception) for exception in put_back] == [NotNow, NotNow]
    done = [future.result() for future in (first, *later) if not future.exception()]
    assert [sum(one) for one in done] == [len(WORK)] * (1 + WAITING)


def test_a_message_that_does_not_get_its_turn_comes_again_and_is_no_failed_try(
    world: World,
) -> None:
    project = labeled(world)
    event = BlobEvent(container=PHOTOS, path="first1.png")
    other = world.other()
    pieces(other)
    keeps_working(other, beside=world)
    step = Measure(
        project_id=project.project_id,
        manifest_id=_known(world, project),
        part=0,
        start=0,
        stop=9,
    )

    world.handle(layout.MEASURE_QUEUE, step)
    world.handle(layout.BLOB_EVENTS_QUEUE, event)

    world.watch.reset()
    queues = world.storage.queues.sent
    assert [sent.message for sent in queues[layout.MEASURE_QUEUE]] == [step]
    assert [sent.message for sent in queues[layout.BLOB_EVENTS_QUEUE]] == [event]
    state = world.services.ingest.state(project.project_id)
    assert state
    assert not state.problem


def test_images_that_arrive_while_somebody_labels_are_all_registered_and_measured(
    world: World,
) -> None:
    project = labeled(world)
    world.upload(*(f"later{n}.png" for n in range(3 * MEASURED_IN_TURN)), data=photo(20, 10))
    world.services.ingest.start(project)

    world.drain()

    items = world.items(project)
    assert len(items) == 9 + 3 * MEASURED_IN_TURN
    assert all(item.width for item in items.values())


def _known(world: World, project: Project) -> str:
    state = world.services.ingest.state(project.project_id)
    assert state
    return state.known_id
