"""From a box to an outline: by the project's own model, and by GrabCut, which Labelry does not have.

A detector is trained on the outlines of some photos; on others, every thing gets a box as roughly drawn as by
a hand, and each way makes an outline of it, which is held against the truth. Photos are composed: their
edges are cleaner than a camera's, which is kind to GrabCut above all.
"""

from __future__ import annotations

import json
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from dev import LOCAL, environments
from dev.bench.measure import Measure
from dev.samples import Instance, Scene, Truth, compose
from dev.simulate.shapes import true_shape
from labeling.adapters.onnx import open_networks
from labeling.annotations.areas import area_of, pieces
from labeling.annotations.shapes import Polygon
from labeling.assist.detection import Detector, framed

OPENCV = ["opencv-python-headless==5.0.0.93", "numpy"]
LEARN, SCORE, JUDGE = 200, 40, 40
PHOTOS = 80
ROUGH = 0.04
"""Standard deviation of each side of a drawn box, in box sides."""
AROUND = 0.25
"""Of a box side, on each side: the window in which all is compared."""
OFFERED_FROM = 0.8
_SEED = 5


def measures(photos: int = PHOTOS) -> Iterator[Measure]:
    """The mean overlap (intersection over union) with the truth of each way; a way is offered from .8 on."""
    random = np.random.default_rng(1)
    filled: list[float] = []
    model: list[float] = []
    with tempfile.TemporaryDirectory() as temporary:
        folder, windows = Path(temporary, "photos"), Path(temporary, "windows")
        windows.mkdir()
        truth = compose("polygons", LEARN + SCORE + JUDGE + photos, _SEED, folder)
        detector = _trained(truth, folder)
        for scene in truth.scenes[-photos:]:
            for instance in scene.instances:
                window = _window(detector, folder, scene, instance, random)
                if window is not None:
                    np.savez(windows / f"{len(model):05}.npz", allow_pickle=False, **window)
                    filled.append(_overlap(window["box"], window["truth"]))
                    model.append(_overlap(window["mask"], window["truth"]))
        python = environments.made(LOCAL / "bench/opencv", OPENCV)
        done = subprocess.run(
            [python, Path(__file__).with_name("grabcut.py"), windows],
            check=True,
            capture_output=True,
            text=True,
        )
    found = json.loads(done.stdout)
    took = {name: 1000 * seconds / len(model) for name, seconds in found["seconds"].items()}
    print(
        f"outlines: {len(model)} things; the boxes overlap the truth by {np.mean(filled):.3f}; GrabCut "
        f"takes {took['mask']:.0f} ms of CPU from a model's outline, {took['box']:.0f} from a box"
    )
    for name, overlaps in (
        ("the project's model", model),
        ("GrabCut from the model's outline", found["overlaps"]["mask"]),
        ("GrabCut from the box", found["overlaps"]["box"]),
    ):
        mean = round(float(np.mean(overlaps)), 3)
        yield Measure(
            f"{name}, overlap with the truth", mean, "", OFFERED_FROM, mean >= OFFERED_FROM
        )


def _trained(truth: Truth, folder: Path) -> Detector:
    from gpu_jobs.embed import PACKAGED, backbone
    from gpu_jobs.shapes import Drawn, drawn_on, train_detector

    def drawn(scene: Scene) -> Drawn:
        image = framed(Path(folder, scene.path).read_bytes())
        shapes = [true_shape(instance, "polygons") for instance in scene.instances]
        of = [truth.classes.index(instance.class_name) for instance in scene.instances]
        return drawn_on(image, shapes, np.array(of, np.int64), outlines=True)

    taught = LEARN + SCORE + JUDGE
    trained = train_detector(
        [drawn(scene) for scene in truth.scenes[:taught]],
        np.repeat(["learn", "score", "judge"], [LEARN, SCORE, JUDGE]),
        np.arange(taught),
        backbone(PACKAGED),
        len(truth.classes),
        seed=_SEED,
    )
    files = trained.finder, trained.refiner, trained.classifier
    return Detector(open_networks(len(truth.classes), True, *files))


def _window(
    detector: Detector,
    folder: Path,
    scene: Scene,
    instance: Instance,
    random: np.random.Generator,
) -> dict[str, NDArray[np.uint8]] | None:
    """What is around a roughly drawn box: image (h, w, 3), and 0 and 1 of box, model and truth (h, w).

    None where the model finds nothing to outline.
    """
    size = np.array([scene.width, scene.height])
    shape = true_shape(instance, "polygons")
    assert isinstance(shape, Polygon)
    covers = area_of(shape)
    bounds = np.array(covers.bounds)
    sides = np.tile(bounds[2:] - bounds[:2], 2)
    box = np.clip(bounds + random.normal(0, ROUGH, 4) * sides, 0, 1).astype(np.float32)
    data = Path(folder, scene.path).read_bytes()
    _, area = detector.fit(framed(data), box)
    if area is None:
        return None
    grown = box + AROUND * sides * [-1, -1, 1, 1]
    x0, y0, x1, y1 = np.round(np.clip(grown, 0, 1) * np.tile(size, 2)).astype(int)
    with Image.open(Path(folder, scene.path)) as photo:
        pixels = np.asarray(photo.convert("RGB"))
    if pixels.shape[:2] != (scene.height, scene.width):  # stored rotated: one photo of the set
        return None
    window = {
        "image": pixels,
        "box": _filled(shapely.box(*box), size),
        "mask": _filled(area, size),
        "truth": _filled(covers, size),
    }
    window = {name: np.ascontiguousarray(one[y0:y1, x0:x1]) for name, one in window.items()}
    return window if all(window[name].any() for name in ("box", "mask", "truth")) else None


def _filled(area: Any, size: NDArray[np.integer]) -> NDArray[np.uint8]:
    """(h, w) 1 where an area in fractions of the image is."""
    image = Image.new("L", (int(size[0]), int(size[1])))
    draw = ImageDraw.Draw(image)
    for piece in pieces(area):
        draw.polygon([tuple(at) for at in np.asarray(piece.exterior.coords) * size], fill=1)
        for hole in piece.interiors:
            draw.polygon([tuple(at) for at in np.asarray(hole.coords) * size], fill=0)
    return np.asarray(image)


def _overlap(one: NDArray[np.uint8], other: NDArray[np.uint8]) -> float:
    return float((one & other).sum() / max((one | other).sum(), 1))
