"""Scenes whose boxes and polygons are known exactly, composed from photographs.

Cut-outs (`dev/cutouts.py`) are placed on photos without overlap, so that the outline of each one's
alpha is the truth. Every set of eight scenes or more has the files that break systems: an empty
scene, a Unicode name, a name hostile to URLs, a photo stored rotated, and one of twelve megapixels.
"""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import Any, Literal

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from dev.cutouts import SAMPLES, Cutout, Library, Source, library, only_one
from dev.outlines import Part, Ring, bounds, deepest, outline

TaskType = Literal["multiclass", "multilabel", "boxes", "polygons"]
Objects = Literal["all", "some", "others"]
"""Which photographed things scenes show: two thirds of each class, the other third, or all."""

EMPTY, UNICODE, HOSTILE, ROTATED, HUGE, HOLED = 1, 2, 3, 4, 5, 6
"""Which scene of a set of eight or more is the special one."""

UNICODE_NAME = "유니코드/고양이와 café, ñandú 🐦.jpg"
HOSTILE_NAME = '100% of #1/it\'s a "photo" & more + less %20;=.jpg'

_VERSION = 1  # of what is drawn: a change makes the kept scenes stale
_SIZES = ((1280, 853), (1024, 768), (960, 1280), (800, 800), (640, 480), (1200, 900))
_HUGE_SIZE = (4000, 3000)
_MARGIN_PX = 3  # between things, and to the border, so that soft edges stay apart
_THROWS = 60  # before a thing is left out for want of room
_QUALITY = 90  # of JPEG
_ORIENTATION_TAG = 0x0112  # EXIF
_ROTATE_RIGHT = 6  # its value for "turn by 90 degrees clockwise to see it upright"
_IN_PARALLEL_FROM = 48  # scenes; below that, starting processes takes longer than it saves


@dataclass(frozen=True)
class Instance:
    """One thing in a scene."""

    class_name: str
    box: tuple[float, float, float, float]
    """x0, y0, x1, y1 in fractions of the upright image: the pixels that are mostly the thing's."""
    polygon: tuple[Part, ...]
    """The outline of its alpha: within a pixel, or as near as 200 points a ring come."""


@dataclass(frozen=True)
class Scene:
    """One file and what it shows."""

    path: str
    """Relative to the folder, with slashes."""
    width: int
    """Of the upright image, in pixels."""
    height: int
    instances: tuple[Instance, ...]

    @property
    def tags(self) -> tuple[str, ...]:
        """The classes that can be seen, each once, sorted."""
        return tuple(sorted({instance.class_name for instance in self.instances}))


@dataclass(frozen=True)
class Truth:
    """What a perfect labeler would answer."""

    task_type: TaskType
    classes: tuple[str, ...]
    scenes: tuple[Scene, ...]

    def scene(self, path: str) -> Scene:
        """The scene stored at `path`. Raises KeyError when there is none."""
        for scene in self.scenes:
            if scene.path == path:
                return scene
        raise KeyError(path)

    @classmethod
    def read(cls, file: Path) -> Truth:
        """What `compose` wrote as `truth.json`."""
        content: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
        return cls(
            content["task_type"],
            tuple(content["classes"]),
            tuple(_scene_from_json(path, entry) for path, entry in content["files"].items()),
        )

    def write(self, file: Path) -> None:
        """As JSON: `{task_type, classes, files: {path: {width, height, instances}}}`."""
        content = {
            "task_type": self.task_type,
            "classes": self.classes,
            "files": {scene.path: _scene_to_json(scene) for scene in self.scenes},
        }
        file.write_text(json.dumps(content, ensure_ascii=False), encoding="utf-8")


def compose(
    task_type: TaskType,
    count: int,
    seed: int,
    folder: Path,
    *,
    source: Source | None = None,
    objects: Objects = "all",
) -> Truth:
    """Write `count` scenes and `truth.json` into `folder`; the same arguments, the same bytes.

    A multi-class scene shows one thing, the others one to six. The scenes are kept in
    `.local/samples`, so that a second call only copies. In a set of eight or more one scene is
    empty, also in a multi-class set: a labeler skips it.

    Args:
        task_type: what the scenes are for.
        count: how many files.
        seed: of everything that is drawn by chance.
        folder: made when missing; files of the same names are overwritten.
        source: see `cutouts.library`.
        objects: which of the things.
    """
    chosen = library(source).source
    only = "" if objects == "all" else f"-{objects}"
    name = f"{task_type}-{count}-{seed}-{chosen}{only}-{_VERSION}"
    kept = SAMPLES / "scenes" / name
    with only_one(name):
        if not kept.exists():
            kept.parent.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryDirectory(dir=kept.parent) as temporary:
                fresh = Path(temporary, "scenes")
                fresh.mkdir()
                _compose_all(task_type, count, seed, fresh, chosen, objects).write(
                    fresh / "truth.json"
                )
                fresh.rename(kept)
    shutil.copytree(kept, folder, dirs_exist_ok=True)
    return Truth.read(folder / "truth.json")


def real_photos(folder: Path, count: int) -> tuple[Path, ...]:
    """Write `count` good-looking photos for a demonstration: scenes of some things each."""
    truth = compose("boxes", count, 2024, folder)
    return tuple(folder / scene.path for scene in truth.scenes)


def _compose_all(
    task_type: TaskType, count: int, seed: int, folder: Path, source: Source, objects: Objects
) -> Truth:
    things = library(source)
    work = partial(_compose_one, task_type, count, seed, folder, source, objects)
    if count < _IN_PARALLEL_FROM:
        scenes = [work(index) for index in range(count)]
    else:
        workers = os.cpu_count() or 1
        with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
            scenes = list(pool.map(work, range(count), chunksize=4))
    return Truth(task_type, tuple(things.things), tuple(scenes))


def _compose_one(
    task_type: TaskType,
    count: int,
    seed: int,
    folder: Path,
    source: Source,
    objects: Objects,
    index: int,
) -> Scene:
    special = index if count >= 8 else None
    random = np.random.default_rng([seed, index])
    things = library(source)
    size = _HUGE_SIZE if special == HUGE else _SIZES[random.integers(len(_SIZES))]
    canvas = _ground(things, size, random)
    how_many = 1 if task_type == "multiclass" else int(random.integers(1, 7))
    if special == EMPTY:
        how_many = 0
    instances = _place(
        canvas, _draw(_only(things, objects), index, how_many, random), special == HOLED, random
    )
    path = _path(index, special, random)
    _save(canvas, folder / path, rotated=special == ROTATED)
    return Scene(path, *canvas.size, tuple(instances))


def _path(index: int, special: int | None, random: np.random.Generator) -> str:
    if special == UNICODE:
        return UNICODE_NAME
    if special == HOSTILE:
        return HOSTILE_NAME
    jpeg = special in (ROTATED, HUGE)
    kind = "jpg" if jpeg else random.choice(["jpg", "png", "bmp"], p=[0.85, 0.1, 0.05])
    return f"batch-{index // 100 + 1}/scene-{index:04}.{kind}"


def _only(things: Library, objects: Objects) -> Library:
    """Every third thing of a class is one of the others."""
    if objects == "all":
        return things
    kept = {
        name: tuple(
            cutout
            for place, cutout in enumerate(of_class)
            if (place % 3 == 2) == (objects == "others")
        )
        for name, of_class in things.things.items()
    }
    return replace(things, things=kept)


def _draw(
    things: Library, index: int, how_many: int, random: np.random.Generator
) -> list[tuple[str, Cutout]]:
    """Things to place; the first one's class goes round, so that classes are equally frequent."""
    classes = list(things.things)
    names = [classes[index % len(classes)], *random.choice(classes, size=max(how_many - 1, 0))]
    return [
        (name, things.things[name][random.integers(len(things.things[name]))])
        for name in names[:how_many]
    ]


def _ground(things: Library, size: tuple[int, int], random: np.random.Generator) -> Image.Image:
    """A random part of a photo, mirrored by chance, a little out of focus, brighter or darker."""
    photo = things.grounds[random.integers(len(things.grounds))]
    scale = random.uniform(0.6, 1.0) * min(photo.width / size[0], photo.height / size[1])
    width, height = scale * size[0], scale * size[1]
    left = random.uniform(0, photo.width - width)
    top = random.uniform(0, photo.height - height)
    ground = photo.resize(
        size, Image.Resampling.BICUBIC, box=(left, top, left + width, top + height)
    )
    if random.random() < 0.5:
        ground = ground.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    brightness = random.uniform(0.75, 1.1)
    return ground.filter(ImageFilter.BoxBlur(random.uniform(0, 2))).point(
        [min(255, round(value * brightness)) for value in range(256)] * 3
    )


def _place(
    canvas: Image.Image,
    drawn: Sequence[tuple[str, Cutout]],
    holed: bool,
    random: np.random.Generator,
) -> list[Instance]:
    """Paste what finds room on the canvas. The first thing always does: the canvas is free."""
    taken: list[tuple[int, int, int, int]] = []
    instances: list[Instance] = []
    largest = 0.75 if len(drawn) == 1 else 0.55 if len(drawn) <= 3 else 0.4
    for class_name, cutout in drawn:
        side = min(canvas.size) * random.uniform(0.6, 1.0) * largest
        image = _turned(cutout.image, side, random)
        if holed and not instances:
            image = _with_hole(image)
        spot = _free_spot(canvas.size, image.size, taken, random)
        if spot is None:
            continue
        taken.append((*spot, spot[0] + image.width, spot[1] + image.height))
        canvas.paste(image, spot, image)
        place = (np.asarray(image.getchannel("A")), spot, canvas.size)
        instances.append(Instance(class_name, bounds(*place), outline(*place)))
    return instances


def _turned(image: Image.Image, side: float, random: np.random.Generator) -> Image.Image:
    """Scaled to `side` pixels at the longest, mirrored by chance and tilted a little."""
    scale = side / max(image.size)
    image = image.resize(
        (max(2, round(image.width * scale)), max(2, round(image.height * scale))),
        Image.Resampling.LANCZOS,
    )
    if random.random() < 0.5:
        image = image.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    image = image.rotate(random.uniform(-12, 12), Image.Resampling.BICUBIC, expand=True)
    return image.crop(image.getchannel("A").getbbox())


def _with_hole(image: Image.Image) -> Image.Image:
    """With an elliptic window where it is thickest, through which the ground is seen."""
    alpha = image.getchannel("A")
    x, y, reach = deepest(np.asarray(alpha))
    rx, ry = 0.7 * reach, 0.5 * reach
    ImageDraw.Draw(alpha).ellipse((x - rx, y - ry, x + rx, y + ry), fill=0)
    image.putalpha(alpha)
    return image


def _free_spot(
    canvas: tuple[int, int],
    size: tuple[int, int],
    taken: Sequence[tuple[int, int, int, int]],
    random: np.random.Generator,
) -> tuple[int, int] | None:
    """Top left corner of a place that touches nothing; None when a number of throws find none."""
    width, height = size
    room = (canvas[0] - width - 2 * _MARGIN_PX, canvas[1] - height - 2 * _MARGIN_PX)
    if min(room) < 0:
        return None
    for _ in range(_THROWS):
        x = _MARGIN_PX + int(random.integers(room[0] + 1))
        y = _MARGIN_PX + int(random.integers(room[1] + 1))
        if all(
            x + width + _MARGIN_PX <= left
            or right + _MARGIN_PX <= x
            or y + height + _MARGIN_PX <= top
            or bottom + _MARGIN_PX <= y
            for left, top, right, bottom in taken
        ):
            return x, y
    return None


def _save(canvas: Image.Image, file: Path, *, rotated: bool) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    if file.suffix == ".png":
        canvas.save(file, compress_level=1)
    elif file.suffix == ".bmp":
        canvas.save(file)
    elif rotated:
        exif = Image.Exif()
        exif[_ORIENTATION_TAG] = _ROTATE_RIGHT
        canvas.transpose(Image.Transpose.ROTATE_90).save(file, quality=_QUALITY, exif=exif)
    else:
        canvas.save(file, quality=_QUALITY)


def _scene_to_json(scene: Scene) -> dict[str, Any]:
    return {
        "width": scene.width,
        "height": scene.height,
        "instances": [
            {
                "class": instance.class_name,
                "box": dict(zip(("x0", "y0", "x1", "y1"), instance.box, strict=True)),
                "polygon": [
                    {"outer": part.outer, "holes": part.holes} for part in instance.polygon
                ],
            }
            for instance in scene.instances
        ],
    }


def _scene_from_json(path: str, entry: dict[str, Any]) -> Scene:
    def ring(points: list[list[float]]) -> Ring:
        return tuple((x, y) for x, y in points)

    return Scene(
        path,
        entry["width"],
        entry["height"],
        tuple(
            Instance(
                instance["class"],
                (*(instance["box"][side] for side in ("x0", "y0", "x1", "y1")),),
                tuple(
                    Part(ring(part["outer"]), tuple(ring(hole) for hole in part["holes"]))
                    for part in instance["polygon"]
                ),
            )
            for instance in entry["instances"]
        ),
    )
