"""The jobs whole: real photos in storage, labels given through the product, models and groups out."""

from __future__ import annotations

import gzip
import json
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path

import numpy as np
import pytest

from dev.samples import Truth
from gpu_jobs.worker import Worker
from labeling import layout
from labeling.annotations.classes import NewClass
from labeling.annotations.shapes import TaskType
from labeling.assist.jobs import Group, TrainSpec
from labeling.assist.models import CARD, EMBEDDING, INPUT, SCORES, SNAPSHOT, load
from labeling.assist.preprocess import Unseeable, pixels_for_model
from labeling.assist.reports import report_of
from labeling.errors import NotFound
from labeling.projects.projects import Project
from labeling.projects.record import AddClasses, ClassChange
from tests.gpu_jobs.conftest import ask_to_group, ask_to_train, label, project_of
from tests.labeling.media.test_dicom import dicom
from tests.world import PHOTOS, World

pytest.importorskip("torch", reason="gpu_jobs/requirements.txt is not installed")

from gpu_jobs.jobs import HEAD
from gpu_jobs.snapshot import snapshot
from gpu_jobs.tune import tune

Photos = tuple[World, Project, Truth]


def work(world: World) -> None:
    Worker(world.storage, world.settings).work()


def truth_of(truth: Truth):
    return lambda path: list(truth.scene(path).tags)


def purity(pages: list[list[object]]) -> float:
    """Share of images that are of the most frequent class of their page."""
    return sum(max(page.count(one) for one in page) for page in pages) / sum(map(len, pages))


def chance_purity(tags: list[object]) -> float:
    """Of pages of four put together by chance."""
    random = np.random.default_rng(0)
    drawn = [[tags[one] for one in random.permutation(len(tags))] for _ in range(50)]
    pages = [[one[at : at + 4] for at in range(0, len(one), 4)] for one in drawn]
    return float(np.mean([purity(some) for some in pages]))


def groups_of(world: World, project: Project, run_id: str) -> list[Group]:
    prefix = layout.groups_blob(project.project_id, run_id, 0, 0).rpartition("groups-")[0]
    found: list[Group] = []
    for blob in world.storage.blobs.list(layout.MODELS, prefix=prefix).blobs:
        text = gzip.decompress(world.storage.blobs.read(layout.MODELS, blob.path))
        found += [Group.model_validate_json(line) for line in text.splitlines()]
    return found


@dataclass(frozen=True)
class Trained:
    """A project of which a model was made, three of whose labeled images can no longer be read."""

    world: World
    project: Project
    truth: Truth
    spec: TrainSpec
    labeled: int


@pytest.fixture(scope="module")
def trained(scenes: tuple[Path, Truth]) -> Trained:
    world, project, truth = project_of(scenes)
    label(world, project, truth_of(truth), most=40)
    labeled = [item for item in world.items(project).values() if item.state == "labeled"]
    for item in labeled[:3]:
        world.storage.blobs.write(PHOTOS, item.path, b"no image", content_type="image/jpeg")
        for side in filter(None, item.renditions.split(",")):
            place = layout.rendition(PHOTOS, item.path, item.blob_etag, int(side))
            world.storage.blobs.delete(layout.RENDITIONS, place)
    spec = ask_to_train(world, project)
    work(world)
    return Trained(world, project, truth, spec, len(labeled))


@pytest.fixture
def unexported(monkeypatch: pytest.MonkeyPatch) -> None:
    """Models have no network in their file: to export one takes longer than the training before it."""
    monkeypatch.setattr("gpu_jobs.jobs.export", lambda *_: b"no network")


def test_labels_become_a_model_that_onnxruntime_runs_on_the_original_photos(trained: Trained):
    import onnxruntime

    world, project, truth = trained.world, trained.project, trained.truth
    run = world.services.runs.get(project.project_id, trained.spec.run_id)
    assert (run.state, run.reason) == ("done", "")
    manifest, data = load(world.storage, project.project_id, trained.spec.run_id)
    assert [class_.name for class_ in manifest.classes] == list(truth.classes)
    session = onnxruntime.InferenceSession(data, providers=["CPUExecutionProvider"])
    shown: list[tuple[int, np.ndarray]] = []
    for scene in truth.scenes:
        with suppress(Unseeable):
            if scene.tags:
                pixels = pixels_for_model(world.storage.blobs.read(PHOTOS, scene.path))
                shown.append((truth.classes.index(scene.tags[0]), pixels))
    scores, embedding = session.run([SCORES, EMBEDDING], {INPUT: np.stack([p for _, p in shown])})
    assert embedding.shape == (len(shown), manifest.features)
    assert np.allclose(scores.sum(1), 1, atol=1e-4)
    assert np.mean(scores.argmax(1) == [best for best, _ in shown]) > 0.85


def test_images_that_can_not_be_read_are_counted_and_left_out(trained: Trained):
    run = trained.world.services.runs.get(trained.project.project_id, trained.spec.run_id)
    assert run.metrics["unreadable"] == 3
    assert run.metrics["labels"] == trained.labeled - 3
    assert any("can't be read" in line.text for line in run.log)


def test_few_labels_make_a_model_that_suggests_nothing_and_say_what_is_missing(trained: Trained):
    world, project, spec = trained.world, trained.project, trained.spec
    manifest, _ = load(world.storage, project.project_id, spec.run_id)
    assert not manifest.suggests
    validation = world.services.runs.get(project.project_id, spec.validation_run_id)
    assert validation.state == "done"
    assert validation.reason.startswith("no suggestions yet")
    card = world.storage.blobs.read(
        layout.MODELS, layout.model_blob(project.project_id, spec.run_id, CARD)
    ).decode()
    assert "Suggestions: none" in card
    assert "no promise for images of another kind" in card


def test_what_was_found_out_about_a_model_can_be_asked_for(trained: Trained):
    world, project, spec = trained.world, trained.project, trained.spec
    found = report_of(world.storage, project.project_id, spec.run_id)
    run = world.services.runs.get(project.project_id, spec.validation_run_id)

    assert found.threshold is None
    assert found.card.startswith(f"# Model {spec.run_id}")
    assert found.curve[0].threshold > found.curve[-1].threshold
    assert found.confusion
    counts = np.array(found.confusion.counts)
    assert counts.sum() == run.metrics["validated"]
    assert np.trace(counts) / counts.sum() == pytest.approx(run.metrics["accuracy"], abs=1e-4)
    assert counts.sum(1).tolist() == sorted(counts.sum(1).tolist(), reverse=True)


def test_a_model_that_is_not_there_has_no_report(trained: Trained):
    with pytest.raises(NotFound, match="no such model"):
        report_of(trained.world.storage, trained.project.project_id, "run-none")


def test_the_snapshot_is_kept_and_its_hash_is_in_the_manifest(trained: Trained):
    world, project, truth = trained.world, trained.project, trained.truth
    manifest, _ = load(world.storage, project.project_id, trained.spec.run_id)
    place = layout.model_blob(project.project_id, trained.spec.run_id, SNAPSHOT)
    data = world.storage.blobs.read(layout.MODELS, place)
    assert sha256(data).hexdigest() == manifest.snapshot_sha256
    paths = {item.item_id: path for path, item in world.items(project).items()}
    names = {class_.class_id: class_.name for class_ in project.classes}
    for line in (json.loads(line) for line in gzip.decompress(data).splitlines()):
        said = [names[class_id] for class_id in line["class_ids"]]
        assert said == list(truth.scene(paths[line["item_id"]]).tags)


def test_a_job_delivered_again_changes_nothing_and_tells_again_that_it_is_over(trained: Trained):
    world, project, spec = trained.world, trained.project, trained.spec
    before = world.services.runs.get(project.project_id, spec.run_id)
    world.storage.queues.sent[layout.RUN_FINISHED_QUEUE].clear()
    world.storage.queues.send(layout.GPU_JOBS_QUEUE, spec)

    work(world)

    assert world.services.runs.get(project.project_id, spec.run_id) == before
    told = [sent.message.run_id for sent in world.storage.queues.sent[layout.RUN_FINISHED_QUEUE]]
    assert told == [spec.validation_run_id, spec.run_id]


def test_a_model_groups_images_by_what_it_takes_them_for(trained: Trained):
    world, project, spec = trained.world, trained.project, trained.spec
    asked = ask_to_group(world, project, model_id=spec.run_id)

    work(world)

    run = world.services.runs.get(project.project_id, asked.run_id)
    assert (run.state, run.model_id) == ("done", spec.run_id)
    waiting = [item.item_id for item in world.items(project).values() if item.state == "available"]
    grouped = [item for group in groups_of(world, project, asked.run_id) for item in group.items]
    assert sorted(grouped) == sorted(waiting)


def test_a_model_whose_layer_is_damaged_groups_nothing_and_says_so(trained: Trained):
    world, project, spec = trained.world, trained.project, trained.spec
    place = layout.model_blob(project.project_id, spec.run_id, HEAD)
    whole = world.storage.blobs.read(layout.MODELS, place)
    world.storage.blobs.write(layout.MODELS, place, whole[:100], content_type="")
    asked = ask_to_group(world, project, model_id=spec.run_id)

    work(world)

    world.storage.blobs.write(layout.MODELS, place, whole, content_type="")
    run = world.services.runs.get(project.project_id, asked.run_id)
    assert run.state == "failed"
    assert "can't be read" in run.reason


def test_each_waiting_image_is_in_one_group_and_groups_are_purer_than_chance(photos: Photos):
    world, project, truth = photos
    spec = ask_to_group(world, project)

    work(world)

    run = world.services.runs.get(project.project_id, spec.run_id)
    assert run.state == "done"
    found = groups_of(world, project, spec.run_id)
    grouped = [item for group in found for item in group.items]
    paths = {item.item_id: path for path, item in world.items(project).items()}
    assert sorted(grouped) == sorted(paths)
    assert [group.rank for group in found] == list(range(len(found)))
    pages = [group.items[at : at + 4] for group in found for at in range(0, len(group.items), 4)]
    tags = [[truth.scene(paths[one]).tags for one in page] for page in pages]
    assert purity(tags) > chance_purity([one for page in tags for one in page]) + 0.1


@pytest.mark.parametrize(
    ("labels", "said", "reason"),
    [
        (8, None, "8 labeled images are too few: training needs 20"),
        (40, ["cat"], "labels of one class only"),
    ],
)
def test_what_can_not_be_trained_on_fails_the_run_with_a_reason(photos, labels, said, reason):
    world, project, truth = photos
    label(
        world,
        project,
        lambda path: said or list(truth.scene(path).tags) or ["cat"],
        most=labels,
    )
    spec = ask_to_train(world, project)

    work(world)

    for run_id in (spec.run_id, spec.validation_run_id):
        run = world.services.runs.get(project.project_id, run_id)
        assert run.state == "failed"
        assert reason in run.reason
    assert world.services.runs.state(project.project_id).active == {}


def test_labels_of_dicom_alone_fail_the_run_naming_the_setting_that_takes_them_in():
    world = World()
    for number in range(24):
        pixels = np.full((24, 32, 3), (number * 9, 90, 30), np.uint8)
        world.upload(f"scan{number:02}.dcm", data=dicom(pixels).getvalue())
    project = world.project()
    label(world, project, lambda path: ["Owl"] if path < "scan12" else ["Wren"], most=24)
    spec = ask_to_train(world, project)

    work(world)

    run = world.services.runs.get(project.project_id, spec.run_id)
    assert run.reason.startswith("0 labeled images are too few, and 24 DICOM images are left out")


def test_a_class_that_is_gone_when_the_training_ends_fails_it(photos: Photos, monkeypatch):
    import gpu_jobs.jobs

    world, project, truth = photos
    label(world, project, truth_of(truth), most=40)
    spec = ask_to_train(world, project)

    def meanwhile(*_):
        world.alter(project, classes=project.classes[1:])
        return b""

    monkeypatch.setattr(gpu_jobs.jobs, "export", meanwhile)

    work(world)

    run = world.services.runs.get(project.project_id, spec.run_id)
    assert run.state == "failed"
    assert f"{project.classes[0].name} can no longer be chosen" in run.reason


@pytest.mark.usefixtures("unexported")
def test_labels_of_a_class_that_came_after_the_training_was_asked_for_are_left_out(photos: Photos):
    world, project, truth = photos
    added = AddClasses(classes=[NewClass(name="late")])
    grown = world.services.projects.add_classes(project.project_id, added, by="admin")
    late = {scene.path for scene in truth.scenes[::4]}

    label(world, grown, lambda path: ["late"] if path in late else truth_of(truth)(path), most=44)
    spec = ask_to_train(world, project)  # with the classes there were before
    work(world)

    run = world.services.runs.get(project.project_id, spec.run_id)
    assert run.state == "done", run.reason
    assert 20 <= run.metrics["labels"] < 40
    manifest, _ = load(world.storage, project.project_id, spec.run_id)
    assert [class_.name for class_ in manifest.classes] == [
        class_.name for class_ in project.classes
    ]


@pytest.mark.usefixtures("unexported")
def test_labels_count_as_what_their_classes_became_since_the_snapshot_was_taken(photos: Photos):
    world, project, truth = photos
    label(world, project, truth_of(truth), most=44)
    spec = ask_to_train(world, project)
    snapshot(world.storage, world.services.projects.items(project), project, spec.run_id)

    into, merged, retired = project.classes[:3]
    world.services.projects.merge_class(
        project.project_id, merged.class_id, into.class_id, version=project.classes_version
    )
    world.services.projects.change_class(
        project.project_id, retired.class_id, ClassChange(retired=True), version=2
    )
    work(world)

    run = world.services.runs.get(project.project_id, spec.run_id)
    assert run.state == "done", run.reason
    of_class = Counter(
        tag
        for item in world.items(project).values()
        if item.state == "labeled"
        for tag in truth.scene(item.path).tags
    )
    assert of_class[merged.name]
    assert of_class[retired.name]
    assert run.metrics["labels"] == of_class.total() - of_class[retired.name]
    judged = report_of(world.storage, project.project_id, spec.run_id).confusion
    assert judged
    counts = dict(zip(judged.class_ids, map(sum, judged.counts), strict=True))
    assert counts[into.class_id] == of_class[into.name] + of_class[merged.name]
    assert counts[merged.class_id] == counts[retired.class_id] == 0


def test_a_killed_job_goes_on_where_its_files_end(photos: Photos, monkeypatch):
    import gpu_jobs.features
    import gpu_jobs.jobs

    class Dies(BaseException):
        """What no process survives."""

    world, project, _ = photos
    monkeypatch.setattr(gpu_jobs.features, "PART", 16)
    computed: list[int] = []
    real = gpu_jobs.features.Features._compute

    def counted(self, sources, progress):
        if len(computed) == 2:
            computed.append(0)
            raise Dies
        computed.append(len(sources))
        return real(self, sources, progress)

    monkeypatch.setattr(gpu_jobs.features.Features, "_compute", counted)
    spec = ask_to_group(world, project)

    with pytest.raises(Dies):
        work(world)
    work(world)
    assert world.services.runs.get(project.project_id, spec.run_id).state == "running"
    world.wait(61)
    work(world)

    run = world.services.runs.get(project.project_id, spec.run_id)
    assert (run.state, run.tries) == ("done", 2)
    assert computed == [16, 16, 0, 16]


@pytest.mark.parametrize("task_type", ["multiclass", "multilabel"])
def test_a_loss_that_is_no_number_fails_the_run_in_words_and_labeling_goes_on(
    scenes: tuple[Path, Truth], ruined: str, task_type: TaskType
):
    world, project, truth = project_of(scenes, task_type)
    label(world, project, truth_of(truth), most=40)
    spec = ask_to_train(world, project, backbone=ruined)
    work(world)

    for run_id in (spec.run_id, spec.validation_run_id):
        run = world.services.runs.get(project.project_id, run_id)
        assert run.state == "failed"
        assert run.reason.startswith("the training lost its way: its loss is not a number")
        assert run.tries == 1
    assert world.ask(project, world.member(project, "kim")).task


def test_damaged_weights_fail_the_run_with_a_reason(photos: Photos, tmp_path: Path):
    world, project, _ = photos
    (tmp_path / "weights.pth").write_bytes(b"not weights")
    spec = ask_to_group(world, project, backbone=f"efficientnet-lite0@{tmp_path}/weights.pth")

    work(world)

    run = world.services.runs.get(project.project_id, spec.run_id)
    assert run.state == "failed"
    assert "can't be read" in run.reason


@pytest.mark.parametrize("better", [True, False])
def test_a_network_is_tuned_where_asked_and_used_only_if_it_is_right_more_often(
    photos: Photos, monkeypatch, better
):
    import gpu_jobs.jobs

    world, project, truth = photos
    real = gpu_jobs.jobs.train

    def doubtful(*arguments, candidates=1, **more):
        made = real(*arguments, candidates=candidates, **more)
        return replace(made, scores=1 - made.scores) if better and candidates == 2 else made

    def brief(*arguments, **more):
        made = tune(*arguments, epochs=1, **more)
        lost = replace(made.head, weight=-made.head.weight)
        return made if better else replace(made, head=lost)

    monkeypatch.setattr(gpu_jobs.jobs, "train", doubtful)
    monkeypatch.setattr(gpu_jobs.jobs, "tune", brief)
    monkeypatch.setattr(gpu_jobs.jobs, "LEAST_JUDGES", 3)
    label(world, project, truth_of(truth), most=40)
    spec = ask_to_train(world, project, fine_tune="always")
    work(world)

    run = world.services.runs.get(project.project_id, spec.run_id)
    assert run.state == "done", run.reason
    assert any("with the frozen network" in line.text for line in run.log)
    manifest, _ = load(world.storage, project.project_id, spec.run_id)
    own = f"efficientnet-lite0-1-{spec.run_id}"
    assert manifest.backbone == (own if better else "efficientnet-lite0-1")

    again = ask_to_group(world, project, model_id=spec.run_id)
    work(world)
    assert world.services.runs.get(project.project_id, again.run_id).state == "done"
    place = layout.embeddings_blob(project.project_id, own, 0, 0).rpartition("/")[0]
    assert bool(world.storage.blobs.list(layout.MODELS, prefix=place).blobs) == better


@pytest.mark.usefixtures("unexported")
def test_too_few_labels_to_judge_a_tuned_network_leave_the_frozen_one(photos: Photos):
    world, project, truth = photos
    label(world, project, truth_of(truth), most=40)
    spec = ask_to_train(world, project, fine_tune="always")
    work(world)

    run = world.services.runs.get(project.project_id, spec.run_id)
    assert run.state == "done"
    assert any("the frozen one is kept" in line.text for line in run.log)
