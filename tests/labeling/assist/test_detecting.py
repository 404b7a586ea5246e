"""Boxes and polygons that a model suggests: from drawn ones over the training asked for to a labeler's page."""

from __future__ import annotations

from hashlib import sha256
from typing import Any

import pytest
import shapely

from functions.services import compose
from labeling import layout
from labeling.annotations.areas import area_of, shared
from labeling.annotations.shapes import Polygon
from labeling.assist.detection import FEATURES, FRAME, OF_MASKS
from labeling.assist.jobs import FeaturizeSpec, RunFinished, TrainSpec
from labeling.assist.models import FINDER, REFINER, Detection, Scorer, UnfitModel
from labeling.assist.runs import Run
from labeling.projects.access import Caller
from labeling.projects.assist import AssistSettings
from labeling.projects.projects import Project
from labeling.tasks.service import TaskView
from tests.colour_model import publish
from tests.red_things import RedThings, file_of
from tests.world import World, box, decided, watched

ON = AssistSettings(
    on=True, first_labels=20, next_labels=100, precision=0.9, overlap=0.7, blind_share=0
)
TWO = file_of(640, 320, (64, 64, 192, 192), (320, 32, 448, 256))
"""Two things of class c2."""

Boxes = tuple[World, Project, Caller]


def red_things(classes: int, outlines: bool, *_: object) -> RedThings:
    return RedThings(outlines=outlines)


@pytest.fixture
def boxes() -> Boxes:
    """A project of boxes in 30 images, each with two red things, and 5 with none; somebody to label them."""
    return begun("boxes")


def begun(task_type: str) -> Boxes:
    world = World()
    world.services = compose(
        watched(world.storage, world.watch), world.settings, open_networks=red_things
    )
    world.upload(*(f"red{n:02}.png" for n in range(30)), data=TWO)
    world.upload(*(f"blue{n}.png" for n in range(5)), data=file_of(640, 320))
    project = world.project(task_type=task_type, assist=ON)
    return world, project, world.member(project, "ann")


def label(world: World, project: Project, who: Caller, count: int) -> None:
    drawn = box()
    if project.task_type == "polygons":
        corners = [(0.1, 0.1), (0.5, 0.1), (0.5, 0.5)]
        drawn["geometry"] = {"kind": "polygon", "parts": [{"outer": corners}]}
    for _ in range(count):
        task = world.task(project, who, size=1)
        answer = world.submit(project, who, task.task_id, decided(task.items[0].item_id, drawn))
        assert {one.status for one in answer.results} == {"saved"}
    world.drain()


def trained(boxes: Boxes, *, bias: float = 3.0, **how: Any) -> str:
    """Label until a training is asked for; the job is done, and what follows as well. The model."""
    world, project, who = boxes
    label(world, project, who, 20)
    world.services.progress.on_tick()
    world.drain()
    (spec,) = (one for one in world.jobs if isinstance(one, TrainSpec))
    nothing = [0.0] * len(FEATURES + OF_MASKS * (project.task_type == "polygons"))
    detection = Detection(
        frame=FRAME,
        overlap=spec.overlap,
        scorer=Scorer(mean=nothing, scale=[1.0] * len(nothing), weight=nothing, bias=bias),
        finder_sha256=sha256(b"finder").hexdigest(),
        refiner_sha256=sha256(b"refiner").hexdigest(),
    )
    for name, data in ((FINDER, b"finder"), (REFINER, b"refiner")):
        place = layout.model_blob(project.project_id, spec.run_id, name)
        world.storage.blobs.write(layout.MODELS, place, data, content_type="")
    more: dict[str, Any] = {
        "task_type": project.task_type,
        "detection": detection.model_dump(),
        **how,
    }
    classes = more.pop("known", ("c1", "c2"))
    publish(world.storage, project.project_id, spec.run_id, classes=classes, **more)
    world.services.runs.finish(project.project_id, spec.validation_run_id, model_id=spec.run_id)
    world.services.runs.finish(project.project_id, spec.run_id, model_id=spec.run_id)
    told = RunFinished(project_id=project.project_id, run_id=spec.run_id)
    world.storage.queues.send(layout.RUN_FINISHED_QUEUE, told)
    world.drain()
    return spec.run_id


def inference(world: World, project: Project) -> Run:
    return next(
        one for one in world.services.runs.list(project.project_id) if one.kind == "inference"
    )


def pages(world: World, project: Project, who: Caller, keep: int = 0) -> list[TaskView]:
    """All pages that are left, each skipped after it was seen; only the first `keep`, which are not."""
    seen: list[TaskView] = []
    while task := world.ask(project, who, size=1).task:
        seen.append(task)
        if len(seen) == keep:
            break
        skip = decided(task.items[0].item_id, outcome="skipped", reason="seen")
        world.submit(project, who, task.task_id, skip)
    return seen


def test_enough_drawn_images_ask_for_a_training_and_nothing_groups_them(boxes: Boxes) -> None:
    world, project, who = boxes
    label(world, project, who, 20)
    world.services.progress.on_tick()
    world.drain()

    (spec,) = world.jobs
    assert isinstance(spec, TrainSpec)
    assert (spec.task_type, spec.precision, spec.overlap) == ("boxes", 0.9, 0.7)
    assert not any(isinstance(one, FeaturizeSpec) for one in world.jobs)


def test_each_sure_box_is_suggested_with_its_class_and_confidence_where_the_thing_is(
    boxes: Boxes,
) -> None:
    world, project, who = boxes
    trained(boxes)

    run = inference(world, project)
    shown = [one.items[0] for one in pages(world, project, who)]
    said = [one.prelabel.annotations for one in shown if one.prelabel]
    assert (run.state, run.metrics["images"]) == ("done", 15)
    assert len(said) == run.metrics["suggested"] == sum("red" in one.path for one in shown)
    assert said
    for sure in said:
        assert {one.class_id for one in sure} == {"c2"}
        assert [one.confidence for one in sure] == [pytest.approx(0.9526, abs=1e-3)] * 2
        found = sorted(one.geometry.model_dump()["x0"] for one in sure)
        assert found == pytest.approx([0.1, 0.5], abs=0.01)


def test_a_polygon_is_suggested_around_each_thing_and_may_be_submitted_as_it_is() -> None:
    world, project, who = begun("polygons")
    trained((world, project, who))

    task = next(one for one in pages(world, project, who, keep=1) if one.items[0].prelabel)
    (item,) = task.items
    assert item.prelabel
    said = item.prelabel.annotations
    assert [one.geometry.kind for one in said] == ["polygon"] * 2
    areas = [area_of(one.geometry) for one in said if isinstance(one.geometry, Polygon)]
    things = [shapely.box(0.1, 0.2, 0.3, 0.6), shapely.box(0.5, 0.1, 0.7, 0.8)]
    assert shared(areas, things).max(0).min() > 0.95
    kept = [one.model_dump(mode="json", exclude={"confidence"}) for one in said]
    answer = world.submit(project, who, task.task_id, decided(item.item_id, *kept))
    assert [one.status for one in answer.results] == ["saved"]


@pytest.mark.parametrize(
    ("how", "images"), [({"threshold": None}, 0), ({"bias": 1.0}, 0), ({"threshold": 0.2}, 1)]
)
def test_a_box_below_the_threshold_is_not_suggested(
    boxes: Boxes, how: dict[str, Any], images: int
) -> None:
    world, project, _ = boxes
    trained(boxes, **how)

    assert bool(world.counters(project).get(f"queue:{layout.PRELABELED}", 0)) == bool(images)


def test_a_box_of_a_class_that_is_gone_is_left_out(boxes: Boxes) -> None:
    world, project, _ = boxes
    trained(boxes, known=("c1", "gone"))

    assert inference(world, project).state == "done"
    assert not world.counters(project).get(f"queue:{layout.PRELABELED}", 0)


@pytest.mark.parametrize(
    ("how", "reason"),
    [
        ({"detection": None}, "of another kind of project"),
        ({"manifest_version": 7}, "another version of Labelry"),
    ],
)
def test_a_model_that_can_not_be_used_fails_in_words_and_labeling_goes_on(
    boxes: Boxes, how: dict[str, Any], reason: str
) -> None:
    world, project, who = boxes
    trained(boxes, **how)

    run = inference(world, project)
    assert run.state == "failed"
    assert reason in run.reason
    label(world, project, who, 2)


def test_a_model_of_another_input_size_fails_in_words_and_labeling_goes_on(boxes: Boxes) -> None:
    world, project, who = boxes

    def refused(*_: object) -> RedThings:
        raise UnfitModel("the model takes images [8, 8]: train again")

    world.services = compose(
        watched(world.storage, world.watch), world.settings, open_networks=refused
    )
    trained((world, project, who))

    run = inference(world, project)
    assert (run.state, run.reason) == ("failed", "the model takes images [8, 8]: train again")
    label(world, project, who, 2)
