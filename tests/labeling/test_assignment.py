"""Images for those with a tag, from setting it to what becomes of them when these people leave."""

from __future__ import annotations

from typing import Any

import pytest

from labeling import layout
from labeling.assist.prelabels import PrelabelEnvelope
from labeling.errors import Invalid
from labeling.honeypots import HoneypotRequest
from labeling.items.records import Item
from labeling.progress import AssignedCount
from labeling.projects.access import Caller, Invitation
from labeling.projects.record import Project, ProjectChange
from labeling.quality.assignment import Assignment
from labeling.quality.honeypots import HoneypotSettings
from labeling.review import ApproveRequest, ItemFilter, RejectRequest
from labeling.storage import Merge, Range
from labeling.tasks.messages import ReleaseRequest
from tests.world import World, decided, person, photo, tag


def photos(
    world: World, shards: int = 1, *, xray: int = 12, other: int = 20, **more: Any
) -> Project:
    """A project of images, some of them in the folder `xray`."""
    world.upload(*(f"xray/{n:03d}.png" for n in range(xray)))
    return world.sharded(shards, images=other, **more)


def to(whom: str, **what: Any) -> Assignment:
    return Assignment(tag=whom, **what)


XRAYS = to("Radiologist", folder="xray")


def ruled(world: World, project: Project, *rules: Assignment, drained: bool = True) -> Project:
    """A project whose rules were changed in the page, and that is through with it where `drained`."""
    now = world.services.projects.get(project.project_id)
    change = ProjectChange(assignments=list(rules))
    changed = world.services.projects.patch(project.project_id, change, version=now.version)
    world.services.asking.start(changed)
    if drained:
        world.drain()
    return changed


def by_id(world: World, project: Project) -> dict[str, Item]:
    return {item.item_id: item for item in world.items(project).values()}


def labels_all(world: World, project: Project, who: Caller, size: int = 9) -> list[str]:
    items = by_id(world, project)
    return [items[one].path for one in world.finish(project, who, size)]


def suggests(
    world: World, project: Project, class_id: str, *item_ids: str, run: str = "r1"
) -> None:
    said = [
        {"item_id": item_id, "annotations": [{"class_id": class_id}] if class_id else []}
        for item_id in item_ids
    ]
    opened = world.open(project, person("boss"), "admin")
    world.services.prelabels.put(
        opened, PrelabelEnvelope.model_validate({"run_id": run, "items": said}), by="boss"
    )


def assigned(world: World, project: Project) -> list[AssignedCount]:
    return world.services.progress.get(world.open(project, person("boss"), "reviewer")).assigned


@pytest.fixture
def project(world: World) -> Project:
    made = photos(world)
    world.member(made, "boss", "admin")
    return ruled(world, made, XRAYS)


def test_images_of_a_folder_go_to_those_with_the_tag_and_to_nobody_else(
    world: World, project: Project
) -> None:
    ann, rae = world.member(project, "ann"), world.member(project, "rae", tags=["radiologist"])

    seen = labels_all(world, project, ann)

    assert len(seen) == 20
    assert not any(path.startswith("xray/") for path in seen)
    assert world.ask(project, ann).why == "none_left"
    assert len(labels_all(world, project, rae)) == 12
    assert world.counters(project) == world.recount(project)


@pytest.mark.parametrize("shards", [1, 4])
def test_whoever_has_a_tag_gets_those_images_first_and_then_everybodys(
    world: World, shards: int
) -> None:
    project = ruled(world, photos(world, shards), XRAYS)
    rae = world.member(project, "rae", tags=["Radiologist"])

    seen = labels_all(world, project, rae)

    assert [path.startswith("xray/") for path in seen] == [True] * 12 + [False] * 20


def test_rules_hold_from_the_first_image_on(world: World) -> None:
    project = photos(world, assignments=[XRAYS])
    ann = world.member(project, "ann")

    assert len(labels_all(world, project, ann)) == 20


def test_a_new_project_has_rules_of_its_classes_which_are_numbered_in_their_order(
    world: World,
) -> None:
    with pytest.raises(Invalid, match="no class c4"):
        world.new(classes=["Owl", "Robin", "Wren"], assignments=[to("a", class_id="c4")])

    made = world.new(classes=["Owl", "Robin", "Wren"], assignments=[to("a", class_id="c2")])

    assert [class_.name for class_ in made.classes if class_.class_id == "c2"] == ["Robin"]
    assert made.assignments == [to("a", class_id="c2")]


def test_a_rule_names_a_class_that_is_there(world: World, project: Project) -> None:
    with pytest.raises(Invalid, match="no class c9"):
        ruled(world, project, to("a", class_id="c9"))


def test_new_rules_hold_before_anything_was_moved(world: World) -> None:
    project = photos(world)
    ann, rae = world.member(project, "ann"), world.member(project, "rae", tags=["radiologist"])

    ruled(world, project, XRAYS, drained=False)

    assert not any(one.startswith("xray/") for one in labels_all(world, project, ann))
    assert {item.audience for item in world.items(project).values()} == {""}
    world.drain()
    assert len(labels_all(world, project, rae)) == 12


def test_what_somebody_holds_stays_theirs_and_goes_to_its_audience_when_it_comes_back(
    world: World,
) -> None:
    project = photos(world, xray=4, other=0)
    ann, rae = world.member(project, "ann"), world.member(project, "rae", tags=["radiologist"])
    task = world.task(project, ann)

    ruled(world, project, XRAYS)

    first, *rest = task.items
    world.submit(project, ann, task.task_id, decided(first.item_id, tag()))
    opened = world.open(project, ann)
    world.services.tasks.release(opened, ann, task.task_id, ReleaseRequest())
    assert world.ask(project, ann).task is None
    assert len(world.task(project, rae).items) == len(rest) == 3
    assert world.counters(project) == world.recount(project)


def test_what_is_sent_back_goes_to_the_audience(world: World, project: Project) -> None:
    rae, ann = world.member(project, "rae", tags=["radiologist"]), world.member(project, "ann")
    labels_all(world, project, rae)
    ids = [item.item_id for item in world.items(project).values() if item.path.startswith("xray/")]
    opened = world.open(project, person("boss"), "admin")

    world.services.review.reject(opened, RejectRequest(item_ids=ids, reason=""), by="boss")

    assert world.ask(project, ann).task is None
    assert len(labels_all(world, project, rae)) == 12


def test_what_is_sent_back_to_its_labeler_is_theirs_whatever_tags_they_have(
    world: World, project: Project
) -> None:
    rae = world.member(project, "rae", tags=["radiologist"])
    task = world.task(project, rae, size=3)
    world.label(project, rae, task)
    world.member(project, "rae")
    opened = world.open(project, person("boss"), "admin")
    ids = [item.item_id for item in task.items]

    back = RejectRequest(item_ids=ids, reason="", to="same_labeler")
    world.services.review.reject(opened, back, by="boss")

    assert {item.item_id for item in world.task(project, rae).items} == set(ids)


def test_a_class_is_what_was_suggested_last_also_after_somebody_labeled_the_image(
    world: World,
) -> None:
    project = ruled(world, photos(world, xray=0, other=6), to("owls", class_id="c1"))
    world.member(project, "boss", "admin")
    ann, owen = world.member(project, "ann"), world.member(project, "owen", tags=["owls"])
    owls = sorted(by_id(world, project))[:2]
    suggests(world, project, "c1", *owls)

    assert not set(owls) & set(world.finish(project, ann))
    task = world.task(project, owen)
    assert {item.item_id for item in task.items} == set(owls)
    world.label(project, owen, task, "c2")
    opened = world.open(project, person("boss"), "admin")
    world.services.review.reject(opened, RejectRequest(item_ids=owls, reason=""), by="boss")
    assert world.ask(project, ann).task is None
    assert len(world.task(project, owen).items) == 2


def test_a_suggestion_that_is_taken_away_gives_the_image_to_everybody(world: World) -> None:
    project = ruled(world, photos(world, xray=0, other=3), to("owls", class_id="c1"))
    world.member(project, "boss", "admin")
    ids = list(by_id(world, project))
    suggests(world, project, "c1", *ids)
    world.wait(1)
    suggests(world, project, "", *ids, run="r2")

    assert len(world.finish(project, world.member(project, "ann"))) == 3


def test_suggestions_made_before_there_was_a_rule_count(world: World) -> None:
    project = photos(world, xray=0, other=4)
    world.member(project, "boss", "admin")
    ids = list(by_id(world, project))
    suggests(world, project, "c1", *ids)
    for one in ids:  # as it was kept before anybody could be assigned
        shard = world.open(project, person("boss"), "admin").items.shard_of(one)
        forgets(world, project, shard, one)

    ruled(world, project, to("owls", class_id="c1"))

    assert world.ask(project, world.member(project, "ann")).task is None
    owen = world.member(project, "owen", tags=["owls"])
    assert len(world.task(project, owen).items) == 4


def forgets(world: World, project: Project, shard: int, item_id: str) -> None:
    """Take away from an item, and from its place in a queue, what was not kept before."""
    tables = world.storage.tables
    partition = layout.shard_partition(project.project_id, shard)
    rows = tables.query(layout.ITEMS, Range(partition, "", layout.END))
    keys = [row.key for row in rows if row.key.endswith(item_id) and "likely" in row.cells]
    assert keys
    tables.transact(layout.ITEMS, partition, [Merge(key, {"likely": ""}) for key in keys])


def test_two_halves_are_all_images(world: World) -> None:
    rules = to("a", share=0.5), to("b", share=0.5)
    project = ruled(world, photos(world, xray=0, other=60), *rules)
    ann, ben = (world.member(project, one, tags=[one[0]]) for one in ("ann", "ben"))
    cid = world.member(project, "cid")

    assert world.ask(project, cid).why == "none_left"
    mine, theirs = world.finish(project, ann), world.finish(project, ben)
    assert len(mine) + len(theirs) == 60
    assert min(len(mine), len(theirs)) > 10


def test_several_people_with_the_tag_label_each_image(world: World) -> None:
    project = photos(world, xray=4, other=2, overlap=2)
    ruled(world, project, XRAYS)
    doctors = [world.member(project, one, tags=["radiologist"]) for one in ("rae", "roy")]
    ann, ben = world.member(project, "ann"), world.member(project, "ben")

    for who in (ann, ben):
        assert len(world.finish(project, who)) == 2
    for who in doctors:
        assert len(world.finish(project, who)) == 4
    assert {item.state for item in world.items(project).values()} == {"labeled"}


def test_honeypots_are_mixed_in_among_images_of_their_own_audience(world: World) -> None:
    project = photos(world, xray=12, other=24)
    boss = world.member(project, "boss", "admin", tags=["radiologist"])
    ruled(world, project, XRAYS)
    known: list[str] = []
    for _ in range(4):
        task = world.task(project, boss, size=3)
        world.label(project, boss, task)
        known += [item.item_id for item in task.items]
    task = world.task(project, boss, size=8)
    world.label(project, boss, task)
    known += [item.item_id for item in task.items]
    opened = world.open(project, boss, "admin")
    world.services.review.approve(opened, ApproveRequest(item_ids=known), by="boss")
    world.services.honeypots.choose(opened, HoneypotRequest(item_ids=known), by="boss")
    now = world.services.projects.get(project.project_id)
    change = ProjectChange(honeypots=HoneypotSettings(rate=0.5))
    world.services.projects.patch(project.project_id, change, version=now.version)

    seen = labels_all(world, project, world.member(project, "ann"), 4)

    assert len(seen) > 16, "honeypots among them"
    assert not any(path.startswith("xray/") for path in seen)


def test_an_admin_sees_what_nobody_is_there_for_and_gives_it_to_everybody(
    world: World, project: Project
) -> None:
    rae, ann = world.member(project, "rae", tags=["radiologist"]), world.member(project, "ann")
    assert assigned(world, project) == [AssignedCount(tag="Radiologist", waiting=12, people=1)]
    world.label(project, rae, world.task(project, rae, size=5))
    world.services.projects.remove_member(project.project_id, rae.user)

    assert assigned(world, project) == [AssignedCount(tag="Radiologist", waiting=7, people=0)]
    opened = world.open(project, person("boss"), "reviewer")
    wanted = ItemFilter(state="available", waits_for="radiologist")
    assert len(world.services.review.list(opened, wanted).items) == 7
    ruled(world, project)
    assert assigned(world, project) == []
    assert len(labels_all(world, project, ann)) == 27


def test_labelers_are_not_told_what_is_whose(world: World, project: Project) -> None:
    opened = world.open(project, world.member(project, "ann"))

    assert world.services.progress.get(opened).assigned == []


def test_who_leaves_takes_nothing_of_the_others_along(world: World, project: Project) -> None:
    """What was returned to somebody who left goes to those with the tag."""
    rae = world.member(project, "rae", tags=["radiologist"])
    roy, ann = world.member(project, "roy", tags=["radiologist"]), world.member(project, "ann")
    task = world.task(project, rae, size=12)
    world.label(project, rae, task)
    ids = [item.item_id for item in task.items]
    opened = world.open(project, person("boss"), "admin")
    back = RejectRequest(item_ids=ids, reason="", to="same_labeler")
    world.services.review.reject(opened, back, by="boss")

    world.services.projects.remove_member(project.project_id, rae.user)

    assert len(labels_all(world, project, ann)) == 20
    assert len(labels_all(world, project, roy)) == 12


def test_an_invitation_carries_tags_to_whoever_it_was_for(world: World, project: Project) -> None:
    invited = Invitation(email="rae@example.org", tags=["Radiologist"])
    world.services.access.invite(project.project_id, invited)
    rae = Caller("rae", "Rae", "aad", email="rae@example.org")

    world.services.access.bind_invitations(rae)

    assert world.services.access.member(project.project_id, "rae").tags == ["Radiologist"]
    assert len(world.task(project, rae, size=12).items) == 12


def test_a_changed_role_leaves_the_tags(world: World, project: Project) -> None:
    rae = world.member(project, "rae", tags=["Radiologist"])

    changed = world.services.access.put_member(project.project_id, rae.user, "reviewer")

    assert (changed.role, changed.tags) == ("reviewer", ["Radiologist"])


@pytest.mark.parametrize("tags", [[], ["radiologist"], ["radiologist", "other"]])
@pytest.mark.parametrize("shards", [1, 4])
def test_handing_out_costs_three_calls_whoever_it_is_for(
    world: World, shards: int, tags: list[str]
) -> None:
    rules = [to("other", folder="none"), XRAYS]
    project = photos(world, shards, xray=60 * shards, other=60 * shards, assignments=rules)
    ann = world.member(project, "ann", tags=tags)

    def costs_of(pages: int) -> list[int]:
        costs: list[int] = []
        for _ in range(pages):
            world.open(project, ann)
            world.watch.reset()
            task = world.task(project, ann)
            costs.append(world.watch.calls)
            world.label(project, ann, task)
        return costs

    first, *others = costs_of(4)
    assert others == [3] * 3
    assert first <= 5 + len(tags) * (1 + shards)
    if tags:
        while any(one.startswith("xray/") for one in waiting(world, project)):
            world.label(project, ann, world.task(project, ann, size=24))
        first, second, *others = costs_of(4)
        assert others == [3] * 2
        assert max(first, second) <= 5 + len(tags) * (1 + shards)


def waiting(world: World, project: Project) -> list[str]:
    return [item.path for item in world.items(project).values() if item.state == "available"]


def test_an_upload_later_waits_for_its_audience(world: World, project: Project) -> None:
    world.upload("xray/late.png", "late.png", data=photo(9, 7))
    world.services.ingest.start(project)
    world.drain()

    whom = {item.path: item.audience for item in world.items(project).values()}
    assert (whom["xray/late.png"], whom["late.png"]) == ("radiologist", "")
