"""Exports that are killed, or take long, go on where they were, and end in the same bytes."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

import pytest

from labeling import layout
from labeling.exchange import exports, snapshots
from labeling.exchange.exports import Export
from labeling.projects.record import Project
from tests.labeling.exchange.test_exports import ask, data
from tests.world import Killed, World

Files = dict[str, bytes]


@pytest.fixture(autouse=True)
def small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(snapshots, "PART_ITEMS", 3)
    monkeypatch.setattr(snapshots, "AT_ONCE", 3)


def labeled(
    shards: int = 2, images: int = 14, format: str = "coco"
) -> tuple[World, Project, Export, Any]:
    """A project with labels, an export that is asked for, and the message that makes it."""
    world = World()
    project = world.sharded(shards, images=images)
    ann = world.member(project, "ann")
    for _ in range(2):
        world.label(project, ann, world.task(project, ann, size=4))
    world.wait(60)
    asked = ask(world, project, format=format)
    message = world.storage.queues.sent[layout.EXPORT_QUEUE].popleft().message
    return world, project, asked, message


def files(world: World, project: Project, asked: Export) -> Files:
    export = world.services.exports.get(project.project_id, asked.export_id)
    assert (export.state, export.items, export.exported) == ("done", 14, 8)
    labels = {file.name: data(world, project, export, file.name) for file in export.files}
    del labels["manifest.json"]  # has the id of the export
    return labels


def left_over(world: World) -> list[str]:
    rows = world.storage.tables.snapshot(layout.PROJECTS)
    kept = (layout.Kind.SNAPSHOT, layout.Kind.PROGRESS)
    return [
        *(
            blob.path
            for blob in world.storage.blobs.list(layout.EXPORTS).blobs
            if _is_part(blob.path)
        ),
        *(key for keys in rows.values() for key in keys if layout.kind_of(key) in kept),
    ]


def _is_part(path: str) -> bool:
    return "/snapshot/" in path or "/pieces/" in path


@pytest.fixture(scope="module", params=["coco", "yolo", "csv"])
def format(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture(scope="module")
def whole(format: str) -> Files:
    world, project, asked, message = labeled(format=format)
    world.handle(layout.EXPORT_QUEUE, message)
    return files(world, project, asked)


class Seen:
    """What an export reads: a query of rows for each part that is gathered, a part for each that is written."""

    def __init__(self, world: World) -> None:
        self.gathered = 0
        self.written: Counter[str] = Counter()
        world.watch.hook = self._see
        self._watch = world.watch

    def _see(self, number: int, name: str, stage: str) -> None:
        if stage == "before":
            self.gathered += name == "query"
            if name == "read" and "/snapshot/" in self._watch.arguments[1]:
                self.written[self._watch.arguments[1]] += 1


@pytest.mark.parametrize("stage", ["before", "after"])
def test_what_is_killed_anywhere_goes_on_behind_the_last_part(
    whole: Files, format: str, stage: str
) -> None:
    position = 0
    killed = True
    while killed:
        position += 1
        world, project, asked, message = labeled(format=format)

        world.watch.kill(position, stage)
        try:
            world.handle(layout.EXPORT_QUEUE, message)
            killed = False
        except Killed:
            world.watch.reset()
            done = world.services.exports.get(project.project_id, asked.export_id).items
            kept = written_parts(world, project, asked)
            seen = Seen(world)
            world.handle(layout.EXPORT_QUEUE, message)
            # Each part begins with a query, and so does each shard.
            assert seen.gathered <= -(-(14 - done) // 3) + 2 + 2, position
            # The project as it was is read once more, and each part whose piece was not kept, once.
            assert sum(seen.written.values()) <= 1 + PARTS - kept, position
            assert set(seen.written.values()) <= {1}, position
        world.watch.reset()

        assert files(world, project, asked) == whole, position
        assert left_over(world) == [], position

    assert position > 30


PARTS = 5
"""Of 14 items, three in each but the last."""


def written_parts(world: World, project: Project, asked: Export) -> int:
    """Parts whose pieces are kept."""
    rows = world.storage.tables.snapshot(layout.PROJECTS)[project.project_id]
    row = rows.get(layout.progress(asked.export_id))
    return len(json.loads(row.text("doc"))["pieces"]) if row else 0


def test_two_that_make_an_export_at_once_keep_each_part_once(whole: Files, format: str) -> None:
    position = 0
    reached = True
    while reached:
        position += 1
        world, project, asked, message = labeled(format=format)
        reached = False
        other = world.other()

        def make(other: World = other, message: Any = message) -> None:
            nonlocal reached
            reached = True
            other.handle(layout.EXPORT_QUEUE, message)

        world.watch.at(position, make)
        world.handle(layout.EXPORT_QUEUE, message)
        world.watch.reset()

        assert files(world, project, asked) == whole, position
        assert left_over(world) == [], position

    assert position > 20


def test_what_takes_long_goes_on_with_another_message(
    whole: Files, format: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exports, "TURN_S", -1)
    world, project, asked, message = labeled(format=format)

    world.handle(layout.EXPORT_QUEUE, message)

    waiting = world.services.exports.get(project.project_id, asked.export_id)
    assert (waiting.state, waiting.items) == ("waiting", 3)
    assert world.drain() >= 4 + PARTS
    assert files(world, project, asked) == whole
    assert left_over(world) == []


def test_an_export_that_failed_leaves_no_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exports, "TURN_S", -1)
    world, _, _, message = labeled()
    world.handle(layout.EXPORT_QUEUE, message)
    assert left_over(world)

    world.services.exports.fail(message, "OSError: see the log")

    assert left_over(world) == []
