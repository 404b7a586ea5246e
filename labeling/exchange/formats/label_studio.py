"""Label Studio's JSON: tasks with annotations and predictions. Places are percent of the image.

Source: https://labelstud.io/guide/task_format and what label-studio-sdk 2.1.2 writes.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from labeling.exchange.formats.format import Described, Format, Remark, Ring, Shape
from labeling.exchange.formats.source import Source

_UPLOADED = re.compile(r"^[0-9a-f]{8}-")
"""What Label Studio puts before the name of a file that was uploaded to it."""

_NAMES = ("rectanglelabels", "polygonlabels", "brushlabels", "ellipselabels", "choices", "labels")


def read_label_studio(source: Source) -> Iterator[Described | Remark]:
    """What tasks say: of each its annotations that were not cancelled, else its predictions."""
    for name in source.ending(".json"):
        for number, task in enumerate(source.json(name, "item"), 1):
            try:
                yield from _read_task(task, number)
            except (AttributeError, KeyError, TypeError, ValueError):
                yield Remark("unreadable_row", f"{name}: task {number}")


def looks_like_label_studio(source: Source) -> bool:
    """Whether a JSON file begins with a list of tasks."""
    names = source.ending(".json")
    head = source.head_of(names[0]).lstrip() if names else b""
    words = (b'"data"', b'"annotations"', b'"predictions"', b'"completions"')
    return head.startswith(b"[") and any(word in head for word in words)


def _read_task(task: Mapping[str, Any], number: int) -> Iterator[Described | Remark]:
    path = _path(task["data"])
    said = [one for one in task.get("annotations") or [] if not one.get("was_cancelled")]
    for one in said or task.get("predictions") or []:
        results: Sequence[Mapping[str, Any]] = one.get("result") or []
        for result in results:
            place = f"{path}: task {number}"
            try:
                shapes = list(_shapes(result, one.get("score")))
            except (AttributeError, KeyError, TypeError, ValueError):
                yield Remark("unreadable_shape", place)
                continue
            if not shapes:
                yield Remark("not_a_shape", place)
            if shapes and float(result["value"].get("rotation") or 0) % 360:
                yield Remark("rotated", place)
            size = [_side(result.get(side)) for side in ("original_width", "original_height")]
            yield Described(path, shapes, *_turned(size, result))
    yield Described(path)


def _path(data: Mapping[str, Any]) -> str:
    """The image of a task: the first value that looks like one, without what Label Studio adds to it."""
    values = [value for value in data.values() if isinstance(value, str)]
    value = str(data.get("image") or next((one for one in values if "." in one), values[0]))
    address = urlsplit(value)
    if "d" in (asked := parse_qs(address.query)):  # a file of local storage
        return asked["d"][0]
    if "/data/upload/" in address.path:
        return _UPLOADED.sub("", unquote(address.path).rpartition("/")[2])
    return value


def _side(value: object) -> float:
    return float(value) if isinstance(value, int | float) else 0.0


def _turned(size: Sequence[float], result: Mapping[str, Any]) -> tuple[float, float]:
    """The size of the image as it was labeled: somebody may have turned it."""
    quarter = float(result.get("image_rotation") or 0) % 180 == 90
    return (size[1], size[0]) if quarter else (size[0], size[1])


def _shapes(result: Mapping[str, Any], score: object) -> Iterator[Shape]:
    """What a result says, once for each of its classes; nothing where it is of another kind."""
    value: Mapping[str, Any] = result["value"]
    names: Any = next((value[name] for name in _NAMES if value.get(name)), [])
    sure = result.get("score", score)
    confidence = float(sure) if isinstance(sure, int | float) else None
    for name in [names] if isinstance(names, str) else names:
        if value.get("choices"):
            yield Shape(str(name), confidence=confidence)
        elif value.get("points"):
            ring = [(float(x) / 100, float(y) / 100) for x, y in value["points"]]
            yield Shape(str(name), parts=[(ring, [])], confidence=confidence)
        elif "radiusX" in value:
            yield Shape(str(name), parts=[(_ellipse(value), [])], confidence=confidence)
        elif "width" in value and "height" in value:
            yield _rectangle(str(name), result, value, confidence)


def _rectangle(
    name: str, result: Mapping[str, Any], value: Mapping[str, Any], confidence: float | None
) -> Shape:
    x, y, width, height = (float(value[side]) / 100 for side in ("x", "y", "width", "height"))
    angle = math.radians(float(value.get("rotation") or 0))
    if not angle % math.tau:
        return Shape(name, (x, y, x + width, y + height), confidence=confidence)
    # It is turned around its upper left corner, in pixels.
    sides = (_side(result.get("original_width")) or 1, _side(result.get("original_height")) or 1)
    ring: Ring = []
    for dx, dy in ((0, 0), (width, 0), (width, height), (0, height)):
        across, down = dx * sides[0], dy * sides[1]
        ring.append(
            (
                x + (across * math.cos(angle) - down * math.sin(angle)) / sides[0],
                y + (across * math.sin(angle) + down * math.cos(angle)) / sides[1],
            )
        )
    return Shape(name, parts=[(ring, [])], confidence=confidence)


def _ellipse(value: Mapping[str, Any]) -> Ring:
    x, y, across, down = (float(value[side]) / 100 for side in ("x", "y", "radiusX", "radiusY"))
    steps = (math.tau * step / 72 for step in range(72))
    return [(x + across * math.cos(step), y + down * math.sin(step)) for step in steps]


LABEL_STUDIO = Format(
    name="label_studio",
    title="Label Studio",
    read=read_label_studio,
    fits=looks_like_label_studio,
)
