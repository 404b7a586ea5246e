"""Boxes and polygons that a model suggests: from drawn ones over the training asked for to a labeler's page."""

from __future__ import annotations

from hashlib import sha256
from typing import Any

import pytest
import shapely

from functions.services import compose
from labeling import layout
from labeling.annotations.areas import area_of, shared
from labeling.annotations.shapes import Box, Polygon
from labeling.assist.detection import FEATURES, FRAME, OF_MASKS
from labeling.assist.fitting import FitRequest
from labeling.assist.jobs import FeaturizeSpec, RunFinished, TrainSpec
from labeling.assist.models import FINDER, REFINER, Detection, Scorer, UnfitModel
from labeling.assist.runs import Run
from labeling.errors import Conflict, NotFound
from labeling.projects.access import Caller
from labeling.projects.assist import AssistSettings
from labeling.projects.projects import Project
from labeling.tasks.views import TaskItem, TaskView
from tests.colour_model import publish
from tests.red_things import RedThings, file_of
from tests.world import ADMIN, World, box, decided, watched

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
        assert {result.status for result in answer.results} == {"saved"}
    world.drain()


def trained(boxes: Boxes, *, bias: float = 3.0, **how: Any) -> str:
    """Label until a training is asked for; the job is done, and what follows as well. The model."""
    world, project, who = boxes
    label(world, project, who, 20)
    world.services.progress.on_tick()
    world.drain()
    return done(boxes, bias=bias, **how)


def done(boxes: Boxes, *, bias: float = 3.0, **how: Any) -> str:
    """The training that was asked for last is done, and what follows as well. The model."""
    world, project, _ = boxes
    spec = [job for job in world.jobs if isinstance(job, TrainSpec)][-1]
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


def suggested(world: World, project: Project) -> set[str]:
    """The paths of the images with which something is suggested."""
    return {path for path, item in world.items(project).items() if item.suggested}


def inference(world: World, project: Project) -> Run:
    return next(
        run for run in world.services.runs.list(project.project_id) if run.kind == "inference"
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
    assert not any(isinstance(job, FeaturizeSpec) for job in world.jobs)


def test_each_sure_box_is_suggested_with_its_class_and_confidence_where_the_thing_is(
    boxes: Boxes,
) -> None:
    world, project, who = boxes
    trained(boxes)

    run = inference(world, project)
    shown = [page.items[0] for page in pages(world, project, who)]
    said = [item.prelabel.annotations for item in shown if item.prelabel]
    assert (run.state, run.metrics["images"]) == ("done", 15)
    assert len(said) == run.metrics["suggested"] == sum("red" in item.path for item in shown)
    assert said
    for sure in said:
        assert {annotation.class_id for annotation in sure} == {"c2"}
        assert [annotation.confidence for annotation in sure] == [
            pytest.approx(0.9526, abs=1e-3)
        ] * 2
        found = sorted(annotation.geometry.model_dump()["x0"] for annotation in sure)
        assert found == pytest.approx([0.1, 0.5], abs=0.01)


def test_a_polygon_is_suggested_around_each_thing_and_may_be_submitted_as_it_is() -> None:
    world, project, who = begun("polygons")
    trained((world, project, who))

    task = next(page for page in pages(world, project, who, keep=1) if page.items[0].prelabel)
    (item,) = task.items
    assert item.prelabel
    said = item.prelabel.annotations
    assert [annotation.geometry.kind for annotation in said] == ["polygon"] * 2
    areas = [
        area_of(annotation.geometry)
        for annotation in said
        if isinstance(annotation.geometry, Polygon)
    ]
    things = [shapely.box(0.1, 0.2, 0.3, 0.6), shapely.box(0.5, 0.1, 0.7, 0.8)]
    assert shared(areas, things).max(0).min() > 0.95
    kept = [annotation.model_dump(mode="json", exclude={"confidence"}) for annotation in said]
    answer = world.submit(project, who, task.task_id, decided(item.item_id, *kept))
    assert [result.status for result in answer.results] == ["saved"]


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


def test_what_came_after_the_labels_were_taken_waits_for_the_next_model(boxes: Boxes) -> None:
    world, project, _ = boxes
    world.wait(60)
    trained(boxes)
    first = inference(world, project)
    world.wait(60)
    world.upload("red-late.png", data=TWO)
    world.services.ingest.start(project)
    world.drain()
    world.services.progress.on_tick()
    world.drain()
    assert suggested(world, project)
    assert "red-late.png" not in suggested(world, project)
    assert inference(world, project) == first

    world.wait(60)
    world.services.assist.train(world.open(project, ADMIN, "admin"), ADMIN)
    world.drain()
    done(boxes)

    assert "red-late.png" in suggested(world, project)


# Laying what was drawn to the thing it is about.


def red_item(boxes: Boxes) -> TaskItem:
    """The next image that shows two red things, in hand; those before it are skipped, so that few are open."""
    world, project, who = boxes
    while (task := world.task(project, who, size=1)) and not task.items[0].path.startswith("red"):
        skip = decided(task.items[0].item_id, outcome="skipped", reason="nothing red")
        world.submit(project, who, task.task_id, skip)
    return task.items[0]


def fitted(boxes: Boxes, drawn: Box) -> Box | Polygon | None:
    """What the model makes of a box on an image in somebody's hands that shows the two red things."""
    world, project, who = boxes
    item = red_item(boxes)
    assert world.items(project)[item.path].width == 640
    wanted = FitRequest(item_id=item.item_id, box=drawn)
    return world.services.fitting.fit(world.open(project, who), who, wanted).geometry


def test_a_box_drawn_roughly_is_laid_to_the_thing(boxes: Boxes) -> None:
    trained(boxes)

    found = fitted(boxes, Box(x0=0.12, y0=0.15, x1=0.33, y1=0.55))

    assert isinstance(found, Box)
    corners = [found.x0 * 640, found.y0 * 320, found.x1 * 640, found.y1 * 320]
    assert corners == pytest.approx((64, 64, 192, 192), abs=3)


def test_of_a_box_where_polygons_are_drawn_comes_the_outline_of_the_thing() -> None:
    polygons = begun("polygons")
    trained(polygons)

    found = fitted(polygons, Box(x0=0.12, y0=0.15, x1=0.33, y1=0.55))

    assert isinstance(found, Polygon)
    truth = Polygon.model_validate(
        {"parts": [{"outer": [(0.1, 0.2), (0.3, 0.2), (0.3, 0.6), (0.1, 0.6)], "holes": []}]}
    )
    assert shared([area_of(found)], [area_of(truth)])[0, 0] > 0.95


def test_nothing_is_fitted_before_the_first_model_nor_where_whole_images_are_labeled(
    boxes: Boxes,
) -> None:
    with pytest.raises(Conflict, match="no model yet"):
        fitted(boxes, Box(x0=0.1, y0=0.1, x1=0.3, y1=0.3))
    world = World()
    world.upload("a.png")
    project = world.project()
    ann = world.member(project, "ann")
    task = world.task(project, ann, size=1)
    wanted = FitRequest(item_id=task.items[0].item_id, box=Box(x0=0, y0=0, x1=1, y1=1))
    with pytest.raises(Conflict, match="no model yet"):
        world.services.fitting.fit(world.open(project, ann), ann, wanted)


def test_nobody_has_shapes_fitted_on_images_of_others(boxes: Boxes) -> None:
    trained(boxes)
    world, project, who = boxes
    bob = world.member(project, "bob")
    item = world.task(project, who, size=1).items[0]
    wanted = FitRequest(item_id=item.item_id, box=Box(x0=0.1, y0=0.1, x1=0.3, y1=0.3))

    with pytest.raises(NotFound):
        world.services.fitting.fit(world.open(project, bob), bob, wanted)


@pytest.mark.parametrize(
    ("damage", "why"), [("model", "can't be used"), ("image", "can't see this image")]
)
def test_what_can_not_be_fitted_is_said_in_words(boxes: Boxes, damage: str, why: str) -> None:
    world, project, who = boxes
    model = trained(boxes)
    item = world.task(project, who, size=1).items[0]
    if damage == "model":
        place = layout.model_blob(project.project_id, model, FINDER)
        world.storage.blobs.write(layout.MODELS, place, b"other", content_type="")
        world.services = compose(
            watched(world.storage, world.watch), world.settings, open_networks=red_things
        )
    else:
        world.upload(item.path, data=b"no image")
        kept = world.items(project)[item.path]
        for side in filter(None, kept.renditions.split(",")):
            copy = layout.rendition("photos", item.path, kept.blob_etag, int(side))
            world.storage.blobs.delete(layout.RENDITIONS, copy)
    wanted = FitRequest(item_id=item.item_id, box=Box(x0=0.1, y0=0.1, x1=0.3, y1=0.3))

    with pytest.raises(Conflict, match=why):
        world.services.fitting.fit(world.open(project, who), who, wanted)
