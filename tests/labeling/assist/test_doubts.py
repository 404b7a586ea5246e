from __future__ import annotations

import pytest

from labeling import layout
from labeling.assist.doubts import DOUBTS, Doubt, packed
from labeling.errors import Invalid
from labeling.projects.projects import Project
from labeling.review import ApproveRequest, ItemFilter, RejectRequest
from tests.world import ADMIN, World

Doubted = tuple[World, Project, list[str]]


@pytest.fixture
def doubted(world: World) -> Doubted:
    """A project of twelve images labeled c1, five of which its model would call c2, in this order."""
    project = world.project(images=12)
    ids = sorted(world.finish(project, world.member(project, "ann")))[:5]
    model(world, project, "run-b", [doubt(one) for one in ids])
    return world, project, ids


def doubt(item_id: str, said: str = "c1") -> Doubt:
    return Doubt(item_id=item_id, said=[said], seems=["c2"], score=1.0)


def model(world: World, project: Project, model_id: str, doubts: list[Doubt]) -> None:
    place = layout.model_blob(project.project_id, model_id, DOUBTS)
    world.storage.blobs.write(layout.MODELS, place, packed(doubts), content_type="application/gzip")
    world.services.runs.change_state(
        project.project_id, lambda old: old.model_copy(update={"model_id": model_id})
    )


def listed(world: World, project: Project, **wanted: object) -> list[str]:
    """All pages of what the model disagrees with."""
    opened = world.open(project, ADMIN)
    ids: list[str] = []
    cursor: str | None = None
    while True:
        given = ItemFilter.model_validate({"disagrees": True, "cursor": cursor, **wanted})
        page = world.services.review.list(opened, given)
        assert all(item.seems == ["c2"] for item in page.items)
        ids += [item.item_id for item in page.items]
        cursor = page.next_cursor
        if cursor is None:
            return ids


@pytest.mark.parametrize("limit", [1, 2, 50])
def test_labels_the_model_disagrees_with_are_listed_the_most_doubtful_first(
    doubted: Doubted, limit: int
) -> None:
    world, project, ids = doubted
    assert listed(world, project, limit=limit) == ids


def test_a_label_that_was_approved_or_given_back_is_doubted_no_more(doubted: Doubted) -> None:
    world, project, ids = doubted
    opened = world.open(project, ADMIN)
    world.services.review.approve(opened, ApproveRequest(item_ids=[ids[0]]), by="boss")
    world.services.review.reject(opened, RejectRequest(item_ids=[ids[1]]), by="boss")

    assert listed(world, project) == ids[2:]
    assert listed(world, project, approved=True) == [ids[0]]


def test_a_label_that_says_something_else_by_now_is_not_listed(doubted: Doubted) -> None:
    world, project, ids = doubted
    model(world, project, "run-a", [doubt(ids[0], said="c3"), doubt(ids[1])])

    assert listed(world, project) == [ids[1]]


def test_other_filters_narrow_the_list(doubted: Doubted) -> None:
    world, project, ids = doubted
    path = next(item.path for item in world.items(project).values() if item.item_id == ids[3])

    assert listed(world, project, name=path) == [ids[3]]
    assert listed(world, project, class_id="c2") == []


def test_without_a_model_or_from_one_that_wrote_none_there_are_no_doubts(world: World) -> None:
    project = world.project(images=3)
    assert listed(world, project) == []
    world.services.runs.change_state(
        project.project_id, lambda old: old.model_copy(update={"model_id": "run-old"})
    )
    assert listed(world, project) == []


def test_a_cursor_of_another_list_is_refused(doubted: Doubted) -> None:
    world, project, _ = doubted
    opened = world.open(project, ADMIN)
    other = world.services.review.list(opened, ItemFilter(limit=2)).next_cursor
    with pytest.raises(Invalid, match="cursor"):
        world.services.review.list(opened, ItemFilter(disagrees=True, cursor=other))
