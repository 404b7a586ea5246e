from __future__ import annotations

from datetime import timedelta
from typing import Any

import numpy as np
import pytest

from labeling import layout
from labeling.annotations.acceptance import decoded
from labeling.assist.clicks import ClickRequest
from labeling.assist.inference import PrelabelMessage
from labeling.assist.jobs import EncodeSpec, FeaturizeSpec, RunFinished, TrainSpec
from labeling.assist.runs import ClickModel, Run
from labeling.assist.service import (
    AGAIN_AFTER,
    ENCODED_AGAIN_AFTER,
    MOST_FAILURES,
    SILENT,
    WAITING,
)
from labeling.errors import Conflict, Invalid, NotFound
from labeling.items.records import unpack
from labeling.projects.access import Caller
from labeling.projects.assist import AssistChange, AssistSettings
from labeling.projects.projects import Project, ProjectChange
from tests.colour_model import colour_model, publish
from tests.labeling.media.test_dicom import dicom
from tests.world import ADMIN, STEADY, World, photo

pytest.importorskip("onnxruntime", reason="needs onnxruntime, which runs the models")

RED, GREEN, DULL = photo(shade=250), photo(shade=0), photo(shade=90)
"""Of class c1, of class c2, and such that nothing is sure about it."""

ON = AssistSettings(on=True, first_labels=20, next_labels=20, blind_share=0)

Assisted = tuple[World, Project, Caller]


@pytest.fixture
def assisted(world: World) -> Assisted:
    """A project of 10 red, 10 green and 30 dull images with assist on, and somebody to label."""
    world.upload(*(f"red{n}.png" for n in range(10)), data=RED)
    world.upload(*(f"green{n}.png" for n in range(10)), data=GREEN)
    world.upload(*(f"dull{n:02}.png" for n in range(30)), data=DULL)
    project = world.project(assist=ON)
    return world, project, world.member(project, "ann")


def runs(world: World, project: Project) -> dict[str, Run]:
    """The newest run of each kind."""
    return {run.kind: run for run in reversed(world.services.runs.list(project.project_id))}


def label(world: World, project: Project, who: Caller, count: int) -> None:
    while count > 0:
        task = world.task(project, who, size=min(9, count))
        world.label(project, who, task)
        count -= len(task.items)


def tick(world: World) -> None:
    world.services.progress.on_tick()
    world.drain()


def asked(world: World, kind: type[Any]) -> Any:
    """The last job of a kind that was asked for."""
    return [job for job in world.jobs if isinstance(job, kind)][-1]


def trained(world: World, project: Project, **how: Any) -> str:
    """Train on demand; the job is done, and what follows from that as well. The model."""
    world.services.assist.train(world.open(project, ADMIN), ADMIN)
    return done(world, project, **how)


def done(world: World, project: Project, **how: Any) -> str:
    """The job of the training that was asked for ends well. The model."""
    world.drain()
    spec = asked(world, TrainSpec)
    own = world.services.runs
    publish(world.storage, project.project_id, spec.run_id, **how)
    own.finish(project.project_id, spec.validation_run_id, model_id=spec.run_id)
    own.finish(project.project_id, spec.run_id, model_id=spec.run_id)
    told = RunFinished(project_id=project.project_id, run_id=spec.run_id)
    world.storage.queues.send(layout.RUN_FINISHED_QUEUE, told)
    world.drain()
    return spec.run_id


def queue(world: World, project: Project) -> dict[str, int]:
    """How many items wait, by queue."""
    assert world.counters(project) == world.recount(project)
    return {
        name[6:]: count
        for name, count in world.counters(project).items()
        if name.startswith("queue:")
    }


def suggested(world: World, project: Project) -> dict[str, str]:
    """Which class is suggested for which image."""
    opened = world.open(project, ADMIN)
    found: dict[str, str] = {}
    for item in world.items(project).values():
        if item.suggested:
            row = world.storage.tables.get(
                layout.ITEMS,
                opened.items.partition(opened.items.shard_of(item.item_id)),
                layout.prelabel(item.item_id, item.suggested),
            )
            assert row
            (one,) = decoded(unpack("suggestion", row.cells))
            found[item.path] = one.class_id
    return found


# When something begins.


def test_images_are_grouped_before_the_first_label(assisted: Assisted) -> None:
    world, project, _ = assisted

    (spec,) = world.jobs

    assert isinstance(spec, FeaturizeSpec)
    assert (spec.model_id, spec.backbone) == (None, "efficientnet-lite0")
    assert spec.sample == 36  # more than the 20 that the training waits for
    assert runs(world, project)["featurization"].state == "queued"


def test_a_project_without_assist_asks_nothing_of_anybody(world: World) -> None:
    project = world.project(images=40)
    ann = world.member(project, "ann")
    label(world, project, ann, 30)
    tick(world)

    assert world.jobs == []
    with pytest.raises(Conflict, match="assist is off"):
        world.services.assist.train(world.open(project, ADMIN), ADMIN)


def test_training_begins_by_itself_when_enough_images_are_labeled(assisted: Assisted) -> None:
    world, project, ann = assisted
    label(world, project, ann, 18)
    tick(world)
    assert "training" not in runs(world, project)

    label(world, project, ann, 2)
    tick(world)

    spec = asked(world, TrainSpec)
    assert [class_.class_id for class_ in spec.classes] == ["c1", "c2", "c3"]
    assert (spec.retrain, spec.precision, spec.confidence) == (0, 0.95, 0.9)
    assert {run.state for run in runs(world, project).values()} == {"queued"}


def test_the_next_training_waits_for_new_labels_and_spends_more_of_the_budget(
    assisted: Assisted,
) -> None:
    world, project, ann = assisted
    label(world, project, ann, 20)
    tick(world)
    done(world, project)
    tick(world)
    assert asked(world, TrainSpec).retrain == 0
    bar = world.services.assist.view(world.open(project, ADMIN))
    assert (bar.new_labels, bar.needed, bar.trainings) == (0, 20, 1)

    label(world, project, ann, 20)
    tick(world)

    assert asked(world, TrainSpec).retrain == 1


def test_one_training_at_a_time(assisted: Assisted) -> None:
    world, project, ann = assisted
    label(world, project, ann, 20)
    opened = world.open(project, ADMIN)
    world.services.assist.train(opened, ADMIN)

    with pytest.raises(Conflict, match="a training run is active"):
        world.services.assist.train(opened, ADMIN)


def test_too_few_labels_teach_nothing(assisted: Assisted) -> None:
    world, project, ann = assisted
    label(world, project, ann, 9)

    with pytest.raises(Conflict, match="9 images are labeled; a training needs 20"):
        world.services.assist.train(world.open(project, ADMIN), ADMIN)


def test_settings_are_changed_while_the_project_runs(assisted: Assisted) -> None:
    world, project, ann = assisted
    label(world, project, ann, 20)
    change = ProjectChange(assist=AssistChange(first_labels=100, precision=0.99))
    changed = world.services.projects.patch(
        project.project_id, change, version=world.services.projects.get(project.project_id).version
    )

    assert changed.assist == ON.model_copy(update={"first_labels": 100, "precision": 0.99})
    tick(world)
    assert "training" not in runs(world, project)


# What a model does.


def test_a_model_suggests_what_it_is_sure_of_and_labelers_get_that_first(
    assisted: Assisted,
) -> None:
    world, project, ann = assisted
    model = trained_after(world, project, ann)

    run = runs(world, project)["inference"]
    assert (run.state, run.model_id, run.parent_run_id) == ("done", model, model)
    assert queue(world, project)[layout.PRELABELED] == run.metrics["suggested"]
    said = suggested(world, project)
    assert said
    assert {path[:3]: class_id for path, class_id in said.items()} == {"red": "c1", "gre": "c2"}
    task = world.task(project, ann)
    assert task.kind == "prelabeled"
    assert {item.prelabel.run_id for item in task.items if item.prelabel} == {run.run_id}
    assert all(
        annotation.confidence and annotation.confidence >= 0.9
        for item in task.items
        if item.prelabel
        for annotation in item.prelabel.annotations
    )


def trained_after(world: World, project: Project, who: Caller, **how: Any) -> str:
    """A model of 20 labels."""
    label(world, project, who, 20)
    return trained(world, project, **how)


def test_when_suggestions_run_out_labelers_are_on_manual_pages_again(assisted: Assisted) -> None:
    world, project, ann = assisted
    trained_after(world, project, ann)
    waiting = queue(world, project)[layout.PRELABELED]
    kinds: list[str] = []
    while task := world.ask(project, ann, size=4).task:
        kinds += [task.kind] * len(task.items)
        world.label(project, ann, task)

    assert kinds == ["prelabeled"] * waiting + ["manual"] * (30 - waiting)


def test_a_model_that_is_never_sure_suggests_nothing(assisted: Assisted) -> None:
    world, project, ann = assisted

    trained_after(world, project, ann, threshold=None)

    assert "inference" not in runs(world, project)
    assert queue(world, project) == {layout.MANUAL: 30}
    assert asked(world, FeaturizeSpec).model_id is None  # the first one is still at work


def test_images_are_grouped_anew_by_the_new_model(assisted: Assisted) -> None:
    world, project, ann = assisted
    first = asked(world, FeaturizeSpec)
    world.services.runs.finish(project.project_id, first.run_id)

    model = trained_after(world, project, ann)

    assert asked(world, FeaturizeSpec).model_id == model
    assert not asked(world, FeaturizeSpec).sample  # a model that suggests needs none


def test_of_several_classes_each_is_suggested_that_is_sure(
    world: World,
) -> None:
    world.upload(*(f"red{n}.png" for n in range(20)), data=RED)
    world.upload(*(f"dull{n}.png" for n in range(20)), data=DULL)
    project = world.project(task_type="multilabel", assist=ON)
    ann = world.member(project, "ann")

    trained_after(world, project, ann, task_type="multilabel")

    said = suggested(world, project)
    assert said
    assert {path[:3] for path in said} == {"red"}
    assert set(said.values()) == {"c1"}


def test_a_newer_model_replaces_older_suggestions_and_no_human_work(assisted: Assisted) -> None:
    world, project, ann = assisted
    trained_after(world, project, ann)
    before = suggested(world, project)
    task = world.task(project, ann, size=4)
    world.label(project, ann, task, "c3")
    mine = {item.path for item in task.items}
    world.wait(60)

    # It has the classes the other way round, and is sure of less.
    trained(world, project, classes=("c2", "c1", "c3"), data=colour_model(sharpness=0.03))

    after = suggested(world, project)
    assert set(after) < set(before) - mine
    assert all(after[path] != before[path] for path in after)
    tallies = [item.lanes[0].tally for item in world.items(project).values() if item.path in mine]
    assert tallies == [{"c3": 1}] * 4
    assert queue(world, project)[layout.PRELABELED] == len(after)


def test_new_images_are_looked_at_when_they_arrive(assisted: Assisted) -> None:
    world, project, ann = assisted
    world.wait(60)
    trained_after(world, project, ann)
    world.wait(60)
    world.upload("red-late.png", data=RED)
    world.services.ingest.start(project)
    world.drain()

    run = runs(world, project)["inference"]
    assert suggested(world, project)["red-late.png"] == "c1"
    assert (run.state, run.metrics["images"]) == ("done", 1)


def red_dicom() -> bytes:
    """A small DICOM file, all of it red."""
    return dicom(np.full((24, 32, 3), (250, 90, 30), np.uint8)).getvalue()


def late(world: World, project: Project, ann: Caller, **files: bytes) -> dict[str, str]:
    """What is suggested for images that come after a model."""
    world.wait(60)
    trained_after(world, project, ann)
    world.wait(60)
    for name, data in files.items():
        world.upload(name.replace("_", "."), data=data)
    world.services.ingest.start(project)
    world.drain()
    return suggested(world, project)


def test_a_small_tiff_is_seen_though_no_browser_shows_it(assisted: Assisted) -> None:
    found = late(*assisted, late_tif=photo(32, 24, "tiff", shade=250))

    assert found["late.tif"] == "c1"


def test_dicom_is_left_out_unless_the_project_switches_it_on(assisted: Assisted) -> None:
    world, project, _ = assisted
    assert "late.dcm" not in late(*assisted, late_dcm=red_dicom())

    own = world.services.projects
    change = ProjectChange(assist=AssistChange(dicom=True))
    own.patch(project.project_id, change, version=own.get(project.project_id).version)
    trained(world, project)
    assert suggested(world, project)["late.dcm"] == "c1"


def test_a_class_that_is_gone_is_not_suggested(assisted: Assisted) -> None:
    world, project, ann = assisted

    trained_after(world, project, ann, classes=("c1", "gone", "c3"))

    assert set(suggested(world, project).values()) == {"c1"}
    assert runs(world, project)["inference"].state == "done"


def test_an_image_that_cannot_be_seen_stops_nobody(assisted: Assisted) -> None:
    world, project, ann = assisted
    label(world, project, ann, 20)
    left = [item for item in world.items(project).values() if item.state == "available"]
    world.storage.blobs.delete("photos", left[0].path)
    world.upload(left[1].path, data=b"no image any more")

    trained(world, project)

    run = runs(world, project)["inference"]
    assert (run.state, run.metrics["unseeable"]) == ("done", 2)


# Messages that come twice, late, or in another order.


def test_messages_that_come_twice_and_in_any_order_change_nothing(world: World) -> None:
    world.upload(*(f"red{n:03}.png" for n in range(150)), data=RED)
    world.upload(*(f"dull{n:03}.png" for n in range(150)), data=DULL)
    project = world.sharded(2, images=0, assist=ON)
    ann = world.member(project, "ann")
    label(world, project, ann, 20)
    world.services.assist.train(world.open(project, ADMIN), ADMIN)
    spec = asked_after_drain(world)
    publish(world.storage, project.project_id, spec.run_id)
    world.services.runs.finish(project.project_id, spec.validation_run_id)
    world.services.runs.finish(project.project_id, spec.run_id, model_id=spec.run_id)
    told = RunFinished(project_id=project.project_id, run_id=spec.run_id)

    waiting: list[Any] = [(layout.RUN_FINISHED_QUEUE, told)] * 2
    seen: list[Any] = []
    while waiting:
        name, message = waiting.pop()  # the newest first
        world.handle(name, message)
        seen.append((name, message))
        for name in (layout.PRELABEL_QUEUE, layout.RUN_FINISHED_QUEUE):
            sent = world.storage.queues.sent[name]
            waiting += [(name, one.message) for one in sent]
            sent.clear()
    for name, message in seen:
        world.handle(name, message)

    run = runs(world, project)["inference"]
    red = [item for item in world.items(project).values() if item.path.startswith("red")]
    assert len([one for _, one in seen if isinstance(one, PrelabelMessage)]) > 6
    assert (run.state, run.progress.done, run.metrics["images"]) == ("done", 280, 280)
    assert run.metrics["suggested"] == sum(item.state == "available" for item in red)
    assert len(world.services.runs.list(project.project_id)) == len(runs(world, project))
    queue(world, project)


def asked_after_drain(world: World) -> TrainSpec:
    world.drain()
    return asked(world, TrainSpec)


def test_suggesting_goes_on_after_the_process_was_killed_anywhere(assisted: Assisted) -> None:
    world, project, ann = assisted
    label(world, project, ann, 20)
    world.services.assist.train(world.open(project, ADMIN), ADMIN)
    spec = asked_after_drain(world)
    publish(world.storage, project.project_id, spec.run_id)
    world.services.runs.finish(project.project_id, spec.validation_run_id)
    world.services.runs.finish(project.project_id, spec.run_id, model_id=spec.run_id)
    told = RunFinished(project_id=project.project_id, run_id=spec.run_id)
    world.storage.queues.send(layout.RUN_FINISHED_QUEUE, told)

    kills = 0
    for at in range(1, 200):
        world.watch.kill(1 + at % 7, "after" if at % 2 else "before")
        try:
            world.drain()
            break
        except Exception:
            kills += 1
    world.watch.reset()
    world.drain()
    world.wait(120)
    tick(world)

    assert kills > 5
    assert runs(world, project)["inference"].state == "done"
    assert set(suggested(world, project).values()) == {"c1", "c2"}
    queue(world, project)


# What goes wrong, and is said.


@pytest.mark.parametrize(
    ("how", "reason"),
    [
        ({"data": b"no model"}, "the model file can't be read"),
        ({"classes": ("c1", "c2")}, "none that Labelry exported for this project"),
        ({"manifest_version": 7}, "another version of Labelry"),
        ({"onnx_sha256": "f" * 64}, "damaged"),
        ({"model_id": "other"}, "that of another model"),
    ],
)
def test_a_model_that_cannot_be_used_fails_in_words_and_harms_no_labeling(
    assisted: Assisted, how: dict[str, Any], reason: str
) -> None:
    world, project, ann = assisted

    trained_after(world, project, ann, **how)

    run = runs(world, project)["inference"]
    assert run.state == "failed"
    assert reason in run.reason
    assert queue(world, project) == {layout.MANUAL: 30}
    label(world, project, ann, 9)


def test_a_job_that_died_fails_its_runs_in_words_and_lets_the_next_begin(
    assisted: Assisted,
) -> None:
    world, project, ann = assisted
    label(world, project, ann, 20)
    tick(world)
    spec = asked(world, TrainSpec)
    world.services.runs.start(project.project_id, spec.run_id, tries=1)
    world.wait((SILENT + timedelta(minutes=1)).total_seconds())
    tick(world)

    found = runs(world, project)
    assert found["training"].state == found["validation"].state == "failed"
    assert "no sign of life for 30 minutes" in found["training"].reason
    label(world, project, ann, 20)
    tick(world)
    assert asked(world, TrainSpec).run_id != spec.run_id


def test_a_run_that_no_job_takes_is_given_up_after_hours(
    assisted: Assisted,
) -> None:
    world, project, _ = assisted
    world.wait(WAITING.total_seconds() - 120)
    world.services.assist.consider(project)
    assert runs(world, project)["featurization"].state == "queued"

    world.wait(300)
    world.services.assist.consider(project)

    run = runs(world, project)["featurization"]
    assert (run.state, run.reason[:34]) == ("failed", "no job took it for 6 hours: see wh")


def test_a_job_that_was_never_asked_for_is_asked_for_later(assisted: Assisted) -> None:
    world, project, ann = assisted
    label(world, project, ann, 20)

    def lost(number: int, name: str, stage: str) -> None:
        if name == "send":
            raise ConnectionError("the process ends here")

    world.watch.hook = lost
    with pytest.raises(ConnectionError):
        world.services.assist.train(world.open(project, ADMIN), ADMIN)
    world.watch.reset()
    world.wait(90)
    tick(world)

    assert asked(world, TrainSpec).run_id == runs(world, project)["training"].run_id


# When something failed.


def test_grouping_that_failed_is_begun_again_a_few_times_and_then_no_more(
    assisted: Assisted,
) -> None:
    world, project, _ = assisted
    begun: list[str] = []
    for _ in range(5):
        spec = asked(world, FeaturizeSpec)
        begun.append(spec.run_id)
        world.services.runs.fail(project.project_id, spec.run_id, "the storage was away")
        world.services.assist.consider(project)
        world.drain()
        assert asked(world, FeaturizeSpec) == spec  # not at once

        world.wait(AGAIN_AFTER.total_seconds() * 4)
        world.services.assist.consider(project)
        world.drain()

    assert len({*begun}) == MOST_FAILURES


def test_suggesting_that_failed_is_begun_again_and_ends_well(assisted: Assisted) -> None:
    world, project, ann = assisted
    label(world, project, ann, 20)
    world.services.assist.train(world.open(project, ADMIN), ADMIN)
    world.drain()
    spec = asked(world, TrainSpec)
    publish(world.storage, project.project_id, spec.run_id)
    own = world.services.runs
    own.finish(project.project_id, spec.run_id, model_id=spec.run_id)
    told = RunFinished(project_id=project.project_id, run_id=spec.run_id)
    world.services.assist.on_run_finished(told)
    own.fail(project.project_id, runs(world, project)["inference"].run_id, "gave no sign of life")
    world.drain()
    assert queue(world, project).get(layout.PRELABELED, 0) == 0

    world.wait(AGAIN_AFTER.total_seconds() + 1)
    tick(world)
    world.drain()

    assert runs(world, project)["inference"].state == "done"
    assert len(suggested(world, project)) > 0
    assert own.state(project.project_id).failures == {}


def test_an_admin_starts_a_failed_run_again_but_no_other(assisted: Assisted) -> None:
    world, project, _ = assisted
    opened = world.open(project, ADMIN)
    first = asked(world, FeaturizeSpec).run_id
    with pytest.raises(Conflict, match="only one that failed"):
        world.services.assist.again(opened, first, ADMIN)
    world.services.runs.fail(project.project_id, first, "out of memory")
    world.wait(1)

    (second,) = world.services.assist.again(opened, first, ADMIN)

    assert (second.kind, second.asked_by) == ("featurization", ADMIN.user)
    world.drain()
    assert asked(world, FeaturizeSpec).run_id == second.run_id
    with pytest.raises(Conflict, match="newer run"):
        world.services.assist.again(opened, first, ADMIN)


def test_a_failed_training_is_started_again_with_its_validation(assisted: Assisted) -> None:
    world, project, ann = assisted
    label(world, project, ann, 20)
    tick(world)
    spec = asked(world, TrainSpec)
    for run_id in (spec.validation_run_id, spec.run_id):
        world.services.runs.fail(project.project_id, run_id, "the labels are of one class only")
    world.wait(1)

    again = world.services.assist.again(world.open(project, ADMIN), spec.run_id, ADMIN)

    assert {run.kind for run in again} == {"training", "validation"}


def test_jobs_begin_only_while_hours_of_the_month_are_left(assisted: Assisted) -> None:
    world, project, ann = assisted
    own, assist = world.services.runs, world.services.assist
    version = world.open(project, ADMIN).project.version
    limited = ProjectChange(assist=AssistChange(hours_a_month=2))
    project = world.services.projects.patch(project.project_id, limited, version=version)
    first = asked(world, FeaturizeSpec).run_id
    own.start(project.project_id, first, tries=1)
    world.wait(3 * 3600)
    own.finish(project.project_id, first)
    label(world, project, ann, 20)
    tick(world)

    assert "training" not in runs(world, project)
    view = assist.view(world.open(project, ADMIN))
    assert view.hours == 3.0
    with pytest.raises(Conflict, match="hours of this month"):
        assist.train(world.open(project, ADMIN), ADMIN)

    world.wait(31 * 24 * 3600)
    world.services.assist.consider(project)
    assert runs(world, project)["training"].state == "queued"
    assert assist.view(world.open(project, ADMIN)).hours == 0


def test_a_limit_of_hours_can_be_taken_away_again_and_what_is_not_named_stays() -> None:
    limited = AssistChange(hours_a_month=2, blind_share=0.2).applied(AssistSettings(on=True))
    assert AssistChange(first_labels=100).applied(limited).hours_a_month == 2

    free = AssistChange.model_validate({"hours_a_month": None, "on": None}).applied(limited)

    assert (free.hours_a_month, free.blind_share, free.on) == (None, 0.2, True)


# Clicks.


CLICKS = AssistSettings(on=True, clicks=True, similar_first=False)


@pytest.fixture
def clicking() -> tuple[World, Project]:
    """A project of ten images with shapes, in a deployment with a model for clicks."""
    world = World(STEADY.model_copy(update={"click_model": "clicks/small"}))
    world.upload(*(f"{n}.png" for n in range(10)))
    return world, world.project(task_type="boxes", assist=CLICKS)


def encodings(world: World) -> list[EncodeSpec]:
    return [job for job in world.jobs if isinstance(job, EncodeSpec)]


def encoded(world: World, project: Project) -> None:
    """The job that was asked for last ends well."""
    run_id = encodings(world)[-1].run_id
    world.services.runs.finish(project.project_id, run_id)


def test_images_are_prepared_for_clicks_where_the_project_wants_it(clicking) -> None:
    world, project = clicking

    (spec,) = encodings(world)

    assert (spec.project_id, spec.folder) == (project.project_id, "clicks/small")
    assert runs(world, project)["encoding"].state == "queued"
    assert world.services.assist.view(world.open(project, ADMIN)).click_model


def test_new_images_are_prepared_when_they_are_many_or_have_waited_an_hour(clicking) -> None:
    world, project = clicking
    encoded(world, project)
    world.upload("late.png")
    world.services.ingest.start(project)
    world.drain()
    tick(world)
    assert len(encodings(world)) == 1

    world.wait(ENCODED_AGAIN_AFTER.total_seconds() + 60)
    tick(world)

    assert len(encodings(world)) == 2


@pytest.mark.parametrize(
    ("task_type", "assist"),
    [("boxes", ON), ("boxes", CLICKS.model_copy(update={"on": False})), ("multiclass", CLICKS)],
)
def test_nothing_is_prepared_for_clicks_where_nobody_clicks(task_type, assist) -> None:
    world = World(STEADY.model_copy(update={"click_model": "clicks/small"}))
    world.upload(*(f"{n}.png" for n in range(10)))
    world.project(task_type=task_type, assist=assist)

    assert encodings(world) == []


def test_preparing_that_failed_is_begun_again_and_by_an_admin_too(clicking) -> None:
    world, project = clicking
    own = world.services.runs
    own.fail(project.project_id, encodings(world)[-1].run_id, "the files are missing")
    world.services.assist.again(
        world.open(project, ADMIN), runs(world, project)["encoding"].run_id, ADMIN
    )
    world.drain()
    assert len(encodings(world)) == 2
    own.fail(project.project_id, encodings(world)[-1].run_id, "the files are missing")

    world.wait(2 * AGAIN_AFTER.total_seconds() + 60)
    tick(world)

    assert len(encodings(world)) == 3


def test_clicks_are_refused_in_words_where_the_deployment_has_no_model(world: World) -> None:
    world.upload("a.png")
    with pytest.raises(Invalid, match="LABELRY_CLICK_MODEL"):
        world.project(task_type="boxes", assist=CLICKS)
    project = world.project(task_type="boxes")
    change = ProjectChange(assist=AssistChange(clicks=True))
    with pytest.raises(Invalid, match="LABELRY_CLICK_MODEL"):
        world.services.projects.patch(project.project_id, change, version=project.version)
    assert not world.services.assist.view(world.open(project, ADMIN)).click_model


def test_a_labeler_is_given_what_was_prepared_of_their_own_images_alone(clicking) -> None:
    world, project = clicking
    ann = world.member(project, "ann")
    mine = world.task(project, ann, size=1).items[0]
    opened = world.open(project, ann)
    ids = sorted(one.item_id for one in world.items(project).values())[:9]
    wanted = ClickRequest(item_ids=list(dict.fromkeys([mine.item_id, *ids]))[:9])
    with pytest.raises(NotFound, match="no image of this project was prepared"):
        world.services.clicks.links(opened, ann, wanted)
    model = ClickModel(model_id="m1", side=64, shape=(3, 16, 16))
    world.services.runs.change_state(
        project.project_id, lambda state: state.model_copy(update={"clicks": model})
    )
    assert world.services.clicks.links(opened, ann, wanted).images == {}
    for item in world.items(project).values():
        place = layout.click_image(project.project_id, "m1", item.item_id, item.blob_etag)
        world.storage.blobs.write(layout.MODELS, place, b"12", content_type="a/b")

    answer = world.services.clicks.links(opened, ann, wanted)

    assert list(answer.images) == [mine.item_id]
    assert layout.click_decoder(project.project_id, "m1") in answer.decoder
    reviewer = world.services.clicks.links(world.open(project, ADMIN), ADMIN, wanted)
    assert set(reviewer.images) == {*wanted.item_ids}
