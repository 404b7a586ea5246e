from __future__ import annotations

import gzip
import random
from itertools import groupby

import pytest

from labeling import layout
from labeling.assist.grouping import GROUPS_A_STEP, ApplyGroups
from labeling.assist.jobs import FeaturizeSpec, Group, RunFinished
from labeling.assist.prelabels import PrelabelEnvelope
from labeling.ingest.refresh import BlobEvent
from labeling.projects.access import Caller
from labeling.projects.assist import AssistSettings
from labeling.projects.projects import Project
from tests.world import ADMIN, PHOTOS, World, photo

ON = AssistSettings(on=True, blind_share=0)

Grouped = tuple[World, Project, Caller]


@pytest.fixture
def grouped(world: World) -> Grouped:
    """A project of 5 groups of 10 images and 10 images in no group; nothing is labeled yet."""
    project = world.project(images=60, assist=ON)
    found(world, project, {rank: paths(rank * 10, 10) for rank in range(5)})
    return world, project, world.member(project, "ann")


def paths(start: int, count: int) -> list[str]:
    return [f"img{n:04d}.png" for n in range(start, start + count)]


def found(world: World, project: Project, *samples: dict[int, list[str]]) -> None:
    """The featurization that was asked for ends with these groups, by their ranks in each sample."""
    spec = [job for job in world.jobs if isinstance(job, FeaturizeSpec)][-1]
    items = world.services.projects.items(project)
    for shard in range(project.shards):
        lines: list[str] = []
        for number, groups in enumerate(samples):
            sample = layout.sample(spec.run_id, number)
            for rank, names in groups.items():
                ids = [layout.item_id(PHOTOS, name) for name in names]
                mine = [one for one in ids if items.shard_of(one) == shard]
                lines.append(Group(sample=sample, rank=rank, items=mine).model_dump_json())
        world.storage.blobs.write(
            layout.MODELS,
            layout.groups_blob(project.project_id, spec.run_id, shard, 0),
            gzip.compress("\n".join(lines).encode()),
            content_type="application/gzip",
        )
    world.services.runs.finish(project.project_id, spec.run_id)
    told = RunFinished(project_id=project.project_id, run_id=spec.run_id)
    world.storage.queues.send(layout.RUN_FINISHED_QUEUE, told)
    world.drain()


def queue(world: World, project: Project) -> dict[str, int]:
    """How many items wait, by queue."""
    assert world.counters(project) == world.recount(project)
    return {
        name[6:]: count
        for name, count in world.counters(project).items()
        if name.startswith("queue:")
    }


def group_of(path: str) -> int:
    return int(path[3:7]) // 10


def test_images_that_look_alike_wait_together_and_the_others_by_themselves(
    grouped: Grouped,
) -> None:
    world, project, _ = grouped

    assert queue(world, project) == {layout.CLUSTERED: 50, layout.MANUAL: 10}


@pytest.mark.parametrize("size", [4, 6, 9])
def test_a_page_shows_the_next_images_of_one_group(grouped: Grouped, size: int) -> None:
    world, project, ann = grouped

    task = world.task(project, ann, size=size)

    assert task.kind == "clustered"
    (group,) = {group_of(item.path) for item in task.items}
    assert [item.path for item in task.items] == paths(group * 10, size)


def test_what_a_page_left_of_a_group_comes_later_and_then_what_is_in_no_group(
    grouped: Grouped,
) -> None:
    world, project, ann = grouped
    pages: list[tuple[str, int]] = []
    while task := world.ask(project, ann, size=6).task:
        groups = {group_of(item.path) for item in task.items}
        assert task.kind == "manual" or len(groups) == 1
        pages.append((task.kind, len(task.items)))
        world.label(project, ann, task)

    assert [(kind, len(list(some))) for kind, some in groupby(pages, lambda page: page[0])] == [
        ("clustered", 10),
        ("manual", 2),
    ]
    assert [count for _, count in pages] == [6] * 5 + [4] * 5 + [6, 4]


@pytest.mark.parametrize("size", [4, 6, 9])
def test_a_sample_is_finished_before_the_next_is_begun(world: World, size: int) -> None:
    project = world.project(images=60, assist=ON)
    samples = [{rank: paths(at + rank * 10, 10) for rank in range(2)} for at in (0, 20, 40)]
    found(world, project, *samples)
    ann = world.member(project, "ann")

    seen: list[str] = []
    while task := world.ask(project, ann, size=size).task:
        seen += [item.path for item in task.items]
        world.label(project, ann, task)

    assert [sorted(seen[at : at + 20]) for at in (0, 20, 40)] == [
        paths(at, 20) for at in (0, 20, 40)
    ]


def test_labelers_at_the_same_time_get_different_images(grouped: Grouped) -> None:
    world, project, _ = grouped

    tasks = [world.task(project, world.member(project, f"l{n}"), size=9) for n in range(6)]

    everything = [item.item_id for task in tasks for item in task.items]
    assert len(everything) == len(set(everything))
    assert {task.kind for task in tasks} == {"clustered"}


def test_a_suggestion_comes_before_likeness_and_gives_it_back_when_taken_away(
    grouped: Grouped,
) -> None:
    world, project, _ = grouped
    opened = world.open(project, ADMIN)
    item_id = layout.item_id(PHOTOS, "img0000.png")

    def suggest(run: str, *classes: str) -> None:
        said = [{"class_id": class_} for class_ in classes]
        batch = PrelabelEnvelope(run_id=run, items=[{"item_id": item_id, "annotations": said}])
        world.services.prelabels.put(opened, batch, by="boss")

    suggest("a", "c1")
    assert queue(world, project)[layout.PRELABELED] == 1
    world.wait(1)

    suggest("b")

    assert queue(world, project) == {layout.CLUSTERED: 50, layout.MANUAL: 10}


def test_newer_groups_replace_older_ones_and_leave_labeled_images_alone(
    grouped: Grouped,
) -> None:
    world, project, ann = grouped
    task = world.task(project, ann, size=9)
    world.label(project, ann, task)
    before = {item.item_id: world.items(project)[item.path] for item in task.items}
    world.upload(*paths(60, 20))
    world.services.ingest.start(project)
    world.drain()

    found(world, project, {7: paths(0, 80)[::-1]})

    after = world.items(project)
    assert all(after[item.path] == before[item.item_id] for item in task.items)
    waiting = [item for item in after.values() if item.state == "available"]
    assert {layout.group_of(item.group)[4:] for item in waiting} == {"0007"}
    assert queue(world, project) == {layout.CLUSTERED: 71}


def test_groups_are_applied_once_however_often_and_in_whatever_order(world: World) -> None:
    world.upload(*paths(0, 200))
    project = world.sharded(2, images=0, assist=ON)
    groups = {rank: paths(rank * 2, 2) for rank in range(100)}
    handle, seen = world.handle, list[tuple[str, object]]()

    def twice(name: str, message: object) -> None:
        seen.append((name, message))
        handle(name, message)  # type: ignore[arg-type]

    world.handle = twice  # type: ignore[method-assign]
    found(world, project, groups)
    once = world.items(project)
    applied = [(n, m) for n, m in seen if isinstance(m, ApplyGroups)]
    random.Random(4).shuffle(applied)
    for name, message in applied:
        handle(name, message)  # type: ignore[arg-type]
    world.storage.queues.sent[layout.GROUP_QUEUE].clear()

    assert len(applied) == 2 * -(-100 // GROUPS_A_STEP)
    assert world.items(project) == once
    assert queue(world, project) == {layout.CLUSTERED: 200}


def test_an_image_that_was_overwritten_is_in_no_group_any_more(grouped: Grouped) -> None:
    world, project, _ = grouped
    world.upload("img0000.png", data=photo(shade=200))

    event = BlobEvent(container=PHOTOS, path="img0000.png")
    world.storage.queues.send(layout.BLOB_EVENTS_QUEUE, event)
    world.drain()

    assert world.items(project)["img0000.png"].group == ""
    assert queue(world, project) == {layout.CLUSTERED: 49, layout.MANUAL: 11}


def test_groups_of_a_run_that_was_overtaken_are_passed_over(grouped: Grouped) -> None:
    world, project, _ = grouped
    before = world.items(project)
    late = ApplyGroups(project_id=project.project_id, run_id="run-older", shard=0, part=0)

    world.handle(layout.GROUP_QUEUE, late)

    assert world.items(project) == before
