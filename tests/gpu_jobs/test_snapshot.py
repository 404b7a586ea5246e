"""Which labels of a snapshot count as one where a model is judged."""

from __future__ import annotations

import pytest

from labeling import layout
from labeling.projects.assist import AssistSettings
from labeling.projects.projects import Project
from tests.world import ADMIN, World, decided, tag

pytest.importorskip("torch", reason="gpu_jobs/requirements.txt is not installed")

from gpu_jobs.snapshot import Line, snapshot

IMAGES, PAGE = 360, 9


@pytest.fixture
def alike() -> tuple[World, Project]:
    """A project all of whose images are one sample, in groups that fill two pages."""
    world = World()
    project = world.project(images=IMAGES, assist=AssistSettings(on=True, blind_share=0))
    items = world.services.projects.items(project)
    waiting = sorted(item.item_id for item in world.items(project).values())
    places = {
        one: layout.group_place("0000", IMAGES, at // (2 * PAGE), at % (2 * PAGE))
        for at, one in enumerate(waiting)
    }
    for at in range(0, IMAGES, items.most_grouped):
        items.group(0, dict(list(places.items())[at : at + items.most_grouped]))
    world.services.projects.use_queue(project.project_id, layout.CLUSTERED)
    return world, world.open(project, ADMIN).project


def lines_after(world: World, project: Project, pages: int) -> list[Line]:
    """The labels there are once somebody has labeled so many more pages."""
    ann = world.member(project, "ann")
    for _ in range(pages):
        task = world.ask(project, ann, size=PAGE).task
        assert task
        decisions = [decided(item.item_id, tag("c1")) for item in task.items]
        world.submit(project, ann, task.task_id, *decisions)
    items = world.services.projects.items(project)
    return snapshot(world.storage, items, project, f"run-{pages}").lines


def test_a_page_of_a_sample_hardly_begun_counts_as_one(alike: tuple[World, Project]) -> None:
    lines = lines_after(*alike, pages=2)

    assert len(lines) == 2 * PAGE
    assert len({line.page for line in lines if line.page}) == 2


def test_the_fuller_a_sample_the_fewer_of_its_pages_count_as_one(
    alike: tuple[World, Project],
) -> None:
    lines = lines_after(*alike, pages=IMAGES // PAGE // 2)

    joined = {line.page for line in lines if line.page}
    assert len(lines) == IMAGES // 2
    assert 4 <= len(joined) <= 16  # about ten of twenty
    assert len([line for line in lines if line.page]) == PAGE * len(joined)


def test_of_a_sample_that_is_answered_whole_each_image_counts(
    alike: tuple[World, Project],
) -> None:
    lines = lines_after(*alike, pages=IMAGES // PAGE)

    assert len(lines) == IMAGES
    assert not any(line.page for line in lines)


def test_a_sample_is_no_fuller_for_images_that_newer_groups_took_from_it(
    alike: tuple[World, Project],
) -> None:
    world, project = alike
    before = lines_after(world, project, pages=IMAGES // PAGE // 2)
    items = world.services.projects.items(project)
    left = [one.item_id for one in world.items(project).values() if one.state == "available"]
    for at in range(0, len(left), items.most_grouped):
        some = left[at : at + items.most_grouped]
        items.group(0, {one: layout.group_place("0100", len(left), 0, 0) for one in some})

    after = snapshot(world.storage, items, project, "run-later").lines

    assert after == before


def test_what_was_labeled_before_all_images_were_there_teaches_but_does_not_judge() -> None:
    world = World()
    world.upload(*(f"img{n:04d}.png" for n in range(450)))
    project = world.new()
    world.services.ingest.start(project)
    world.step(layout.REFRESH_QUEUE)  # listed
    world.step(layout.REFRESH_QUEUE)  # compared
    world.step(layout.REGISTER_QUEUE)
    world.step(layout.MEASURE_QUEUE)
    ann = world.member(project, "ann")
    task = world.task(project, ann, size=PAGE)
    world.label(project, ann, task)
    world.wait(10)
    world.drain()

    lines = lines_after(world, world.services.projects.get(project.project_id), pages=1)

    first = {item.item_id for item in task.items}
    assert len(lines) == 2 * PAGE
    assert {line.item_id for line in lines if not line.judges} == first
