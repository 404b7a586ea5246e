from __future__ import annotations

from typing import Any

import pytest

from labeling import layout
from labeling.assist.lift import Lift, Lifts, verdict
from labeling.assist.prelabels import PrelabelEnvelope
from labeling.projects.access import Caller
from labeling.projects.assist import AssistChange, AssistSettings
from labeling.projects.projects import Project, ProjectChange
from tests.labeling.assist.test_service import runs, tick, trained
from tests.world import ADMIN, World, box, decided, photo, tag

pytest.importorskip("onnxruntime", reason="needs onnxruntime, which runs the models")

RED, GREEN = photo(shade=250), photo(shade=0)
HALF = AssistSettings(on=True, first_labels=20, next_labels=500, blind_share=0.5)


@pytest.fixture
def halved(world: World) -> tuple[World, Project, Caller]:
    """A project of 80 red and 80 green images, half of which stay blind, 20 of them labeled by ann."""
    for colour, data in (("red", RED), ("green", GREEN)):
        world.upload(*(f"{colour}{n:02}.png" for n in range(80)), data=data)
    project = world.project(assist=HALF)
    ann = world.member(project, "ann")
    answer(world, project, ann, 20)
    return world, project, ann


def answer(
    world: World,
    project: Project,
    who: Caller,
    count: int,
    *,
    wrong: str = "",
    ms: tuple[int, int] = (1_000, 1_000),
) -> None:
    """Label so many images: the truth, but Wren for what is called `wrong`; in so many ms, helped or not."""
    paths = {item.item_id: item.path for item in world.items(project).values()}
    while count > 0:
        task = world.task(project, who, size=min(9, count))
        decisions: list[dict[str, Any]] = []
        for item in task.items:
            path = paths[item.item_id]
            truth = "c1" if path.startswith("red") else "c2"
            class_id = "c3" if wrong and path.startswith(wrong) else truth
            took = ms[0] if item.prelabel else ms[1]
            decisions.append(decided(item.item_id, tag(class_id), active_ms=took + 7 * count))
        world.submit(project, who, task.task_id, *decisions)
        count -= len(task.items)


def suggested_classes(world: World, project: Project) -> set[str]:
    """The colours of the images for which something is suggested."""
    return {item.path[:3] for item in world.items(project).values() if item.suggested}


def lift(world: World, project: Project) -> Lift:
    found = world.services.assist.view(world.open(project, ADMIN)).lift
    assert found
    return found


def withdrawn(world: World, project: Project) -> dict[str, str]:
    return world.services.assist.view(world.open(project, ADMIN)).withdrawn


def test_blind_images_wait_without_suggestions_and_what_was_withheld_is_told_to_nobody(
    halved: tuple[World, Project, Caller],
) -> None:
    world, project, ann = halved
    trained(world, project)

    for item in world.items(project).values():
        if item.state == "available":
            assert bool(item.suggested) is not layout.drawn("blind", item.item_id, 0.5)
            assert bool(item.withheld) is layout.drawn("blind", item.item_id, 0.5)
    seen = 0
    while task := world.ask(project, ann).task:
        blind = [item for item in task.items if layout.drawn("blind", item.item_id, 0.5)]
        assert all(item.prelabel is None for item in blind)
        assert "withheld" not in task.model_dump_json()
        assert not blind or task.kind == "manual"
        seen += len(blind)
        world.label(project, ann, task)
    assert seen > 40


def test_lift_holds_blind_images_against_assisted_ones(
    halved: tuple[World, Project, Caller],
) -> None:
    world, project, ann = halved
    trained(world, project)

    answer(world, project, ann, 140, ms=(1_000, 3_000))
    tick(world)

    found = lift(world, project)
    assert found.labels == 160
    assert found.assisted.images + found.blind.images == 140
    assert found.assisted.agreed == found.assisted.images
    assert found.blind.agreed == found.blind.images
    assert found.corrections == 0
    assert (found.assisted.seconds or 9) < 2.1 < 3 < (found.blind.seconds or 0)
    assert {class_.class_id for class_ in found.classes} == {"c1", "c2"}
    assert withdrawn(world, project) == {}


def test_a_class_that_is_mostly_mended_is_no_longer_suggested_until_the_next_model(
    halved: tuple[World, Project, Caller],
) -> None:
    world, project, ann = halved
    trained(world, project)
    assert suggested_classes(world, project) == {"red", "gre"}

    answer(world, project, ann, 60, wrong="red")
    world.wait(10)
    tick(world)
    tick(world)

    assert withdrawn(world, project) == {"c1": "wrong"}
    assert suggested_classes(world, project) == {"gre"}
    assert lift(world, project).corrections > 20

    world.wait(10)
    trained(world, project)
    assert withdrawn(world, project) == {}
    assert suggested_classes(world, project) == {"red", "gre"}
    assert runs(world, project)["inference"].state == "done"


def test_a_class_that_takes_longer_with_suggestions_is_no_longer_suggested(
    halved: tuple[World, Project, Caller],
) -> None:
    world, project, ann = halved
    trained(world, project)

    answer(world, project, ann, 140, ms=(9_000, 3_000))
    tick(world)

    assert set(withdrawn(world, project).values()) == {"slow"}


def test_a_class_is_judged_neither_early_nor_by_chance() -> None:
    assert verdict(19, 19, [9.0] * 19, [1.0] * 19, precision=0.95) == ""
    assert verdict(100, 8, [], [], precision=0.95) == ""
    assert verdict(100, 15, [], [], precision=0.95) == "wrong"
    assert verdict(50, 0, [2.0, 9.0] * 25, [2.0, 8.0] * 25, precision=0.95) == ""


def test_the_blind_share_is_five_percent_with_assist_on_and_none_without(world: World) -> None:
    assert AssistSettings(on=True).blind == 0.05
    assert AssistSettings().blind == 0
    assert AssistSettings(blind_share=0.1).blind == 0.1


def test_a_smaller_blind_share_holds_from_the_next_run_on(
    halved: tuple[World, Project, Caller],
) -> None:
    world, project, _ = halved
    trained(world, project)
    none = ProjectChange(assist=AssistChange(blind_share=0))
    opened = world.open(project, ADMIN)

    world.services.projects.patch(project.project_id, none, version=opened.project.version)
    world.wait(10)
    trained(world, project)

    waiting = [item for item in world.items(project).values() if item.state == "available"]
    assert all(item.suggested for item in waiting)
    assert not any(item.withheld for item in waiting)


def test_of_boxes_the_same_classes_are_agreement_however_they_are_drawn(world: World) -> None:
    project = world.project(images=20, task_type="boxes", assist=AssistSettings(blind_share=0.5))
    ann, opened = world.member(project, "ann"), world.open(project, ADMIN)
    said = [
        {
            "item_id": item.item_id,
            "annotations": [{"class_id": "c1", "geometry": box(x1=0.5)["geometry"]}],
        }
        for item in world.items(project).values()
    ]
    world.services.prelabels.put(opened, PrelabelEnvelope(run_id="r", items=said), by="boss")
    while task := world.ask(project, ann, size=1).task:
        (one,) = task.items
        world.submit(project, ann, task.task_id, decided(one.item_id, box(x1=0.6)))

    found = Lifts(world.storage).measure(project, opened.items, 20, runs=["r"], precision=0.95)

    assert found.assisted.images + found.blind.images == 20
    assert found.blind.agreed == found.blind.images > 0
    assert found.assisted.agreed == found.assisted.images > 0
    assert found.corrections > 0
    assert found.shapes
    assert found.shapes.mended + found.shapes.kept + found.shapes.removed == found.assisted.images
    (of_class,) = found.classes
    assert of_class.shapes == found.shapes


@pytest.mark.parametrize(("strict", "worse"), [(False, ""), (True, "wrong")])
def test_where_images_without_a_wrong_shape_were_promised_one_wrong_shape_tells_against_an_image(
    world: World, strict: bool, worse: str
) -> None:
    project = world.project(images=20, task_type="boxes")
    ann, opened = world.member(project, "ann"), world.open(project, ADMIN)
    here, there = box(x1=0.5), box(x0=0.6, x1=0.9)
    said = [
        {
            "item_id": item.item_id,
            "annotations": [
                {"class_id": "c1", "geometry": shape["geometry"]} for shape in (here, there)
            ],
        }
        for item in world.items(project).values()
    ]
    world.services.prelabels.put(opened, PrelabelEnvelope(run_id="r", items=said), by="boss")
    while task := world.ask(project, ann, size=1).task:
        (one,) = task.items
        world.submit(project, ann, task.task_id, decided(one.item_id, here))

    found = Lifts(world.storage).measure(
        project, opened.items, 20, runs=["r"], precision=0.95, strict=strict
    )

    (of_class,) = found.classes
    assert (of_class.assisted.images, of_class.worse) == (20, worse)
