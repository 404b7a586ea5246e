"""Composed photos as a trained detector sees them: what it finds and what is there, computed once."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import shapely
from numpy.typing import NDArray

from dev.cutouts import SAMPLES, only_one
from dev.samples import Objects, Scene, Truth, compose
from dev.simulate.shapes import true_shape
from labeling.assist.detection import FRAME, Detector, Found, Framed, Networks, framed

if TYPE_CHECKING:
    from gpu_jobs.shapes import Drawn, TrainedDetector

ShapeType = Literal["boxes", "polygons"]

_PARTS = 240, 40, 60
"""Photos that learn, score and judge; the others are what is found in."""
_AT_ONCE = 8


def detected(
    kind: ShapeType, count: int, seed: int, objects: Objects = "all"
) -> list[tuple[Drawn, Found]]:
    """What was drawn and what was found in photos that taught the detector nothing, without their pixels.

    Scores are products of what the networks say: no scorer judged. It is kept in `.local/samples`. Needs the
    packages of the GPU jobs, and minutes.

    Args:
        kind: of the shapes.
        count: of photos that are found in.
        seed: of everything that is drawn by chance.
        objects: which things all photos show.
    """
    kept = SAMPLES / f"detected-{kind}-{count}-{seed}-{objects}.npz"
    with only_one(kept.stem):
        if not kept.exists():
            with tempfile.TemporaryDirectory() as folder:
                pairs = _detected(kind, count, seed, objects, Path(folder))
            columns: dict[str, Any] = {
                "there": np.cumsum([len(drawn.boxes) for drawn, _ in pairs]),
                "found": np.cumsum([len(found.boxes) for _, found in pairs]),
                "sizes": np.array([(drawn.image.width, drawn.image.height) for drawn, _ in pairs]),
                **_columns("drawn", [drawn for drawn, _ in pairs]),
                **_columns("seen", [found for _, found in pairs]),
                "features": np.concatenate([found.features for _, found in pairs]),
                "scores": np.concatenate([found.scores for _, found in pairs]),
            }
            np.savez(kept, **columns)
    with np.load(kept) as stored:
        return _restored({name: stored[name] for name in stored.files})


def drawn_in(truth: Truth, scene: Scene, folder: Path) -> Drawn:
    """A photo of the folder as the jobs take it from a person who draws its things to the pixel."""
    from gpu_jobs.shapes import drawn_on

    outlines = truth.task_type == "polygons"
    numbers = [truth.classes.index(instance.class_name) for instance in scene.instances]
    shapes = [true_shape(instance, truth.task_type) for instance in scene.instances]
    image = framed((folder / scene.path).read_bytes())
    return drawn_on(image, shapes, np.array(numbers, np.int64), outlines)


def taught(
    truth: Truth, folder: Path, parts: tuple[int, int, int], seed: int
) -> tuple[TrainedDetector, Networks]:
    """A detector of the first photos, and its networks.

    Args:
        truth: of boxes or polygons.
        folder: of the photos.
        parts: how many learn, score and judge.
        seed: of the training.
    """
    from gpu_jobs.embed import PACKAGED, backbone
    from gpu_jobs.shapes import train_detector
    from labeling.adapters.onnx import open_networks

    trained = train_detector(
        [drawn_in(truth, scene, folder) for scene in truth.scenes[: sum(parts)]],
        np.repeat(["learn", "score", "judge"], parts),
        np.arange(sum(parts)),
        backbone(PACKAGED),
        len(truth.classes),
        seed=seed,
    )
    files = trained.finder, trained.refiner, trained.classifier
    return trained, open_networks(len(truth.classes), truth.task_type == "polygons", *files)


def _detected(
    kind: ShapeType, count: int, seed: int, objects: Objects, folder: Path
) -> list[tuple[Drawn, Found]]:
    truth = compose(kind, sum(_PARTS) + count, seed, folder, objects=objects)
    _, networks = taught(truth, folder, _PARTS, seed)
    detector = Detector(networks)
    others = truth.scenes[sum(_PARTS) :]
    pairs: list[tuple[Drawn, Found]] = []
    for at in range(0, len(others), _AT_ONCE):
        some = [drawn_in(truth, scene, folder) for scene in others[at : at + _AT_ONCE]]
        pairs += zip(some, detector.find([each.image for each in some]), strict=True)
    return pairs


def _columns(name: str, rows: Sequence[Drawn | Found]) -> dict[str, NDArray[Any]]:
    columns = {
        f"{name}_boxes": np.concatenate([row.boxes for row in rows]),
        f"{name}_classes": np.concatenate([row.classes for row in rows]),
    }
    areas = [row.areas for row in rows if row.areas is not None]
    if areas:
        columns[f"{name}_areas"] = shapely.to_wkb(np.concatenate(areas), hex=True).astype(str)
    return columns


def _restored(columns: Mapping[str, NDArray[Any]]) -> list[tuple[Drawn, Found]]:
    from gpu_jobs.shapes import Drawn

    black = np.zeros((FRAME, FRAME, 3), np.uint8)

    def split(name: str, at: str) -> list[NDArray[Any]]:
        return np.split(columns[name], columns[at][:-1])

    def areas(name: str, at: str) -> Sequence[NDArray[np.object_] | None]:
        if name not in columns:
            return [None] * len(columns[at])
        return [np.array(shapely.from_wkb(few), object) for few in split(name, at)]

    images = [Framed(black, int(width), int(height)) for width, height in columns["sizes"]]
    drawn = map(
        Drawn,
        images,
        split("drawn_boxes", "there"),
        split("drawn_classes", "there"),
        areas("drawn_areas", "there"),
    )
    found = map(
        Found,
        split("seen_boxes", "found"),
        split("seen_classes", "found"),
        split("features", "found"),
        split("scores", "found"),
        areas("seen_areas", "found"),
    )
    return list(zip(drawn, found, strict=True))
