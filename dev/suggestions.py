"""What a fairly good model would say about a scene: most of the truth, some of it wrong."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Protocol

from labeling.annotations.geometry import fault_of
from labeling.annotations.shapes import Polygon

if TYPE_CHECKING:
    from dev.outlines import Part
    from dev.samples import Instance, Scene, Truth

Json = dict[str, Any]
Points = Sequence[Sequence[float]]

_MISSED, _OTHER_CLASS, _POOR, _EXTRA = 0.08, 0.1, 0.15, 0.1  # shares of the things in a scene
NOISE_PX = 1.0
_SURE, _UNSURE = (0.8, 0.99), (0.35, 0.8)  # confidence


def suggestions(truth: Truth, seed: int, share: float = 1.0) -> list[Json]:
    """Suggestions for a share of the scenes, as `POST .../prelabels` takes them.

    Args:
        truth: the scenes.
        seed: of everything that is drawn by chance.
        share: of the scenes that get any, in [0, 1].
    """
    chance = random.Random(f"suggestions-{seed}")
    items: list[Json] = []
    for scene in truth.scenes:
        said = _shapes if truth.task_type in ("boxes", "polygons") else _tags
        annotations = said(scene, truth, chance)
        if annotations and chance.random() < share:
            items.append({"path": scene.path, "annotations": annotations})
    return items


def _tags(scene: Scene, truth: Truth, chance: random.Random) -> list[Json]:
    def tag(number: int, name: str, sure: tuple[float, float]) -> Json:
        return _said(f"t{number}", name, {"kind": "tag"}, sure, chance)

    others = [name for name in truth.classes if name not in scene.tags]
    if truth.task_type == "multiclass":
        if not scene.tags:
            return []
        wrong = bool(others) and chance.random() < 2 * _OTHER_CLASS
        name = chance.choice(others) if wrong else scene.tags[0]
        return [tag(0, name, _UNSURE if wrong else _SURE)]
    said = [tag(n, name, _SURE) for n, name in enumerate(scene.tags) if chance.random() > _MISSED]
    if others and chance.random() < _EXTRA:
        said.append(tag(len(scene.tags), chance.choice(others), _UNSURE))
    return said


def _shapes(scene: Scene, truth: Truth, chance: random.Random) -> list[Json]:
    said: list[Json] = []
    size = (scene.width, scene.height)
    boxes = truth.task_type == "boxes"
    for number, instance in enumerate(scene.instances):
        fate, name, sure = chance.random(), instance.class_name, _SURE
        others = [other for other in truth.classes if other != name]
        if fate < _MISSED:
            continue

        def shaped(points: Points, far: float = NOISE_PX) -> list[list[float]]:
            return noisy(points, size, chance, far)

        move = shaped
        if fate < _MISSED + _OTHER_CLASS and others:
            name, sure = chance.choice(others), _UNSURE
        elif fate < _MISSED + _OTHER_CLASS + _POOR:
            sure, middle = _UNSURE, _middle(instance)

            def shrunk(
                points: Points, far: float = 0, middle: tuple[float, float] = middle
            ) -> list[list[float]]:
                return [
                    [m + 0.8 * (at - m) for at, m in zip(p, middle, strict=True)] for p in points
                ]

            move = shrunk
        geometry = _box(instance, move) if boxes else sound(instance.polygon, move, size)
        said.append(_said(f"s{number}", name, geometry, sure, chance))
    if scene.instances and chance.random() < _EXTRA:
        x, y = chance.uniform(0, 0.8), chance.uniform(0, 0.8)
        corners = [[x, y], [x + 0.1, y], [x + 0.1, y + 0.12], [x, y + 0.12]]
        geometry = (
            {"kind": "box", "x0": x, "y0": y, "x1": x + 0.1, "y1": y + 0.12}
            if boxes
            else {"kind": "polygon", "parts": [{"outer": corners, "holes": []}]}
        )
        said.append(_said("x0", chance.choice(truth.classes), geometry, _UNSURE, chance))
    return said


def _said(
    name: str, class_name: str, geometry: Json, sure: tuple[float, float], chance: random.Random
) -> Json:
    return {
        "annotation_id": name,
        "class": class_name,
        "confidence": round(chance.uniform(*sure), 3),
        "geometry": geometry,
    }


def _middle(instance: Instance) -> tuple[float, float]:
    x0, y0, x1, y1 = instance.box
    return (x0 + x1) / 2, (y0 + y1) / 2


class Move(Protocol):
    """Moves points, each by up to so many pixels."""

    def __call__(self, points: Points, far: float = ...) -> list[list[float]]: ...


def _box(instance: Instance, move: Move) -> Json:
    x0, y0, x1, y1 = instance.box
    (x0, y0), (x1, y1) = move([(x0, y0), (x1, y1)])
    return {"kind": "box", "x0": x0, "y0": y0, "x1": x1, "y1": y1}


def sound(parts: Sequence[Part], move: Move, size: tuple[int, int]) -> Json:
    """A polygon whose points are moved by chance, less far where its outline would cross itself."""
    geometry: Json = {}
    for far in (NOISE_PX, NOISE_PX / 2, NOISE_PX / 4, 0.0):
        geometry = {
            "kind": "polygon",
            "parts": [
                {"outer": move(part.outer, far), "holes": [move(hole, far) for hole in part.holes]}
                for part in parts
            ],
        }
        if fault_of(Polygon.model_validate(geometry), *size) is None:
            break
    return geometry


def noisy(
    points: Points, size: tuple[int, int], chance: random.Random, far: float = NOISE_PX
) -> list[list[float]]:
    """The points, in fractions of an image of `size`, each off by up to `far` pixels, none outside of it."""

    def moved(point: Sequence[float]) -> list[float]:
        turn = chance.uniform(0, 2 * math.pi)
        off_by = far * math.sqrt(chance.random())
        off = (off_by * math.cos(turn), off_by * math.sin(turn))
        return [
            min(1.0, max(0.0, at + by / side))
            for at, by, side in zip(point, off, size, strict=True)
        ]

    return [moved(point) for point in points]
