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
from dev.samples import Objects, Scene, compose
from dev.simulate.shapes import true_shape
from labeling.assist.detection import FRAME, Found, Framed, framed

if TYPE_CHECKING:
    from gpu_jobs.shapes import Drawn

ShapeType = Literal["boxes", "polygons"]

_LEARN, _SCORE, _JUDGE = 240, 40, 60
"""Photos of the training; the others are what is found in."""
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


def _detected(
    kind: ShapeType, count: int, seed: int, objects: Objects, folder: Path
) -> list[tuple[Drawn, Found]]:
    from gpu_jobs.embed import PACKAGED, backbone
    from gpu_jobs.shapes import drawn_on, train_detector
    from labeling.adapters.onnx import open_networks
    from labeling.assist.detection import Detector

    taught = _LEARN + _SCORE + _JUDGE
    truth = compose(kind, taught + count, seed, folder, objects=objects)

    def drawn(scene: Scene) -> Drawn:
        numbers = [truth.classes.index(instance.class_name) for instance in scene.instances]
        shapes = [true_shape(instance, kind) for instance in scene.instances]
        image = framed((folder / scene.path).read_bytes())
        return drawn_on(image, shapes, np.array(numbers, np.int64), kind == "polygons")

    learned = [drawn(scene) for scene in truth.scenes[:taught]]
    trained = train_detector(
        learned,
        np.repeat(["learn", "score", "judge"], [_LEARN, _SCORE, _JUDGE]),
        np.arange(taught),
        backbone(PACKAGED),
        len(truth.classes),
        seed=seed,
    )
    files = trained.finder, trained.refiner, trained.classifier
    detector = Detector(open_networks(len(truth.classes), kind == "polygons", *files))
    others = truth.scenes[taught:]
    pairs: list[tuple[Drawn, Found]] = []
    for at in range(0, len(others), _AT_ONCE):
        some = [drawn(scene) for scene in others[at : at + _AT_ONCE]]
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
