"""What a fairly good model would say about a scene: most of the truth, some of it wrong."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dev.samples import Instance, Scene, Truth

Json = dict[str, Any]
Points = Sequence[Sequence[float]]

_MISSED, _OTHER_CLASS, _POOR, _EXTRA = 0.08, 0.1, 0.15, 0.1  # shares of the things in a scene
_NOISE_PX = 1.0
_SURE, _UNSURE = (0.8, 0.99), (0.35, 0.8)  # confidence


def suggestions(truth: Truth, prefix: str, seed: int, share: float = 1.0) -> list[Json]:
    """Suggestions for a share of the scenes, as `POST .../prelabels` takes them.

    Args:
        truth: the scenes.
        prefix: what the API puts before their paths.
        seed: of everything that is drawn by chance.
        share: of the scenes that get any, in [0, 1].
    """
    chance = random.Random(f"suggestions-{seed}")
    items: list[Json] = []
    for scene in truth.scenes:
        said = _shapes if truth.task_type in ("boxes", "polygons") else _tags
        annotations = said(scene, truth, chance)
        if annotations and chance.random() < share:
            items.append({"path": prefix + scene.path, "annotations": annotations})
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

        def shaped(points: Points) -> list[list[float]]:
            return noisy(points, size, chance)

        move = shaped
        if fate < _MISSED + _OTHER_CLASS and others:
            name, sure = chance.choice(others), _UNSURE
        elif fate < _MISSED + _OTHER_CLASS + _POOR:
            sure, middle = _UNSURE, _middle(instance)

            def shrunk(points: Points, middle: tuple[float, float] = middle) -> list[list[float]]:
                return [
                    [m + 0.8 * (at - m) for at, m in zip(p, middle, strict=True)] for p in points
                ]

            move = shrunk
        geometry = _box(instance, move) if boxes else _polygon(instance, move)
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


Move = Callable[[Points], list[list[float]]]


def _box(instance: Instance, move: Move) -> Json:
    x0, y0, x1, y1 = instance.box
    (x0, y0), (x1, y1) = move([(x0, y0), (x1, y1)])
    return {"kind": "box", "x0": x0, "y0": y0, "x1": x1, "y1": y1}


def _polygon(instance: Instance, move: Move) -> Json:
    parts = [
        {"outer": move(part.outer), "holes": [move(hole) for hole in part.holes]}
        for part in instance.polygon
    ]
    return {"kind": "polygon", "parts": parts}


def noisy(points: Points, size: tuple[int, int], chance: random.Random) -> list[list[float]]:
    """The points, in fractions of an image of `size`, each off by up to a pixel, and none outside of it."""

    def moved(point: Sequence[float]) -> list[float]:
        turn = chance.uniform(0, 2 * math.pi)
        far = _NOISE_PX * math.sqrt(chance.random())
        off = (far * math.cos(turn), far * math.sin(turn))
        return [
            min(1.0, max(0.0, at + by / side))
            for at, by, side in zip(point, off, size, strict=True)
        ]

    return [moved(point) for point in points]
