"""Versions: exports with a name, exported again with the same bytes, and compared."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labeling import layout
from labeling.errors import Invalid, NotFound
from labeling.exchange.difference import Difference, Labels, difference
from labeling.exchange.exports import Export
from labeling.projects.record import ClassChange, Project
from labeling.review import RejectRequest
from tests.labeling.exchange.test_exports import ask, coco, data, made, manifest, relabel, tags
from tests.world import ADMIN, World


def files(world: World, project: Project, export: Export) -> dict[str, bytes]:
    names = [file.name for file in export.files if file.name != "manifest.json"]
    return {name: data(world, project, export, name) for name in names}


def compared(world: World, project: Project, older: Export, newer: Export) -> Difference:
    versions = (project.project_id, older.export_id, newer.export_id)
    world.services.exports.compare(*versions)
    world.drain()
    found = world.services.exports.comparison(*versions)
    assert (found.state, found.problem) == ("done", "")
    assert found.difference
    return found.difference


@pytest.fixture
def birds(world: World) -> tuple[World, Project, Export]:
    """Four labeled images and two others, and a version of that."""
    project = world.project(images=6)
    ann = world.member(project, "ann")
    for _ in range(4):
        world.label(project, ann, world.task(project, ann, size=1))
    world.wait(60)
    return world, project, made(world, project, name=" first ")


def test_a_version_is_exported_again_whatever_happened_since(
    birds: tuple[World, Project, Export],
) -> None:
    world, project, version = birds
    assert (version.name, version.exported) == ("first", 4)
    done = sorted(tags(world, project, version))
    relabel(world, project, done[0], "c3")
    world.services.projects.change_class(
        project.project_id, "c1", ClassChange(name="Eagle owl"), version=project.classes_version
    )
    world.wait(60)

    again = made(world, project, version=version.export_id)

    assert files(world, project, again) == files(world, project, version)
    assert (again.as_of, again.exported, again.name) == (version.as_of, 4, "")
    assert manifest(world, project, again)["version"] == version.export_id
    assert "Eagle owl" in {
        category["name"] for category in coco(world, project, made(world, project))["categories"]
    }


def test_a_version_is_exported_in_another_format_with_other_options(
    birds: tuple[World, Project, Export],
) -> None:
    world, project, version = birds

    again = made(
        world, project, version=version.export_id, format="csv", options={"path": "img0000"}
    )

    assert again.files[0].name == "csv/labels.csv"
    assert again.exported + again.omitted.get("not_chosen", 0) == 4


def test_a_deleted_version_is_gone_with_all_that_was_kept(
    birds: tuple[World, Project, Export],
) -> None:
    world, project, version = birds
    assert [
        blob for blob in world.storage.blobs.list(layout.EXPORTS).blobs if "snapshot" in blob.path
    ]

    world.services.exports.delete(project.project_id, version.export_id)

    assert world.storage.blobs.list(layout.EXPORTS).blobs == []
    with pytest.raises(Invalid, match="no version"):
        ask(world, project, version=version.export_id)


def test_only_what_has_a_name_and_is_done_is_a_version(
    birds: tuple[World, Project, Export],
) -> None:
    world, project, version = birds
    plain = made(world, project)
    again = made(world, project, version=version.export_id, name="second")
    waiting = ask(world, project, name="third")

    for export in (plain, again, waiting):
        with pytest.raises(Invalid, match="no version") as refused:
            ask(world, project, version=export.export_id)
        assert [fault.pointer for fault in refused.value.faults] == ["/version"]
    with pytest.raises(Invalid, match="its own moment"):
        ask(world, project, version.as_of - timedelta(seconds=1), version=version.export_id)


def test_a_difference_says_what_was_added_changed_and_removed(
    birds: tuple[World, Project, Export],
) -> None:
    world, project, version = birds
    before = sorted(tags(world, project, version))
    relabel(world, project, before[0], "c3")
    relabel(world, project, before[1], "c1")  # as it was
    item = world.items(project)[before[2]].item_id
    request = RejectRequest(item_ids=[item], reason="no")
    world.services.review.reject(world.open(project, ADMIN), request, by="boss")
    bob = world.member(project, "bob")
    world.label(project, bob, world.task(project, bob, size=1))
    world.wait(60)
    newer = made(world, project, name="second")
    after = set(tags(world, project, newer))

    found = compared(world, project, version, newer)

    assert found.added.first == sorted(after - set(before))
    assert (found.changed.first, found.changed.count) == ([before[0]], 1)
    assert found.removed.first == sorted(set(before) - after)
    assert found.unchanged == len(after & set(before)) - 1
    same = compared(world, project, newer, newer)
    assert (same.added.count, same.changed.count, same.removed.count) == (0, 0, 0)


def test_comparing_is_work_of_the_queue_and_done_once(
    birds: tuple[World, Project, Export],
) -> None:
    world, project, version = birds
    newer = made(world, project, name="second")
    versions = (project.project_id, version.export_id, newer.export_id)
    with pytest.raises(NotFound, match="ask for that first"):
        world.services.exports.comparison(*versions)
    world.watch.reset()

    asked = [world.services.exports.compare(*versions).state for _ in range(2)]

    assert asked == ["waiting", "waiting"]
    assert world.watch.calls < 14, "no look at what is compared"
    world.drain()
    assert world.services.exports.compare(*versions).state == "done"
    assert not world.storage.queues.sent[layout.EXPORT_QUEUE]


def test_a_version_that_is_deleted_while_it_is_compared_leaves_nothing(
    birds: tuple[World, Project, Export],
) -> None:
    world, project, _ = birds
    for gone in ("older", "newer"):
        newer = made(world, project, name="second")
        older = made(world, project, name="third")
        versions = (project.project_id, older.export_id, newer.export_id)
        world.services.exports.compare(*versions)
        world.services.exports.delete(
            project.project_id, (older if gone == "older" else newer).export_id
        )

        world.drain()

        if gone == "older":
            found = world.services.exports.comparison(*versions)
            assert (found.state, found.problem) == ("failed", "one of the versions was deleted")
        else:
            with pytest.raises(NotFound):
                world.services.exports.comparison(*versions)
            left = [blob.path for blob in world.storage.blobs.list(layout.EXPORTS).blobs]
            assert not any(newer.export_id in one for one in left)


labels = st.dictionaries(st.integers(0, 30), st.sampled_from("abc"), max_size=20)


@given(labels, labels)
def test_differences_are_those_of_dictionaries(older: Any, newer: Any) -> None:
    def of(some: dict[int, str]) -> list[Labels]:
        return [Labels(f"i{one}", f"{one:02}.jpg", digest) for one, digest in some.items()]

    found = difference(of(older), of(newer))

    both = older.keys() & newer.keys()
    assert found.added.count == len(newer.keys() - older.keys())
    assert found.removed.first == [f"{one:02}.jpg" for one in sorted(older.keys() - newer.keys())]
    assert found.changed.count == sum(older[one] != newer[one] for one in both)
    assert found.unchanged == sum(older[one] == newer[one] for one in both)
