"""Label Studio's JSON: tasks with annotations and predictions. Places are percent of the image.

Beside the tasks is the labeling configuration that a project needs to show them.

Source: https://labelstud.io/guide/task_format and what label-studio-sdk 2.1.2 writes.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from labeling.annotations.shapes import Annotation, Box, Polygon, TaskType
from labeling.exchange.formats.format import (
    Described,
    File,
    Format,
    Remark,
    Ring,
    Shape,
    Subject,
    Writer,
)
from labeling.exchange.formats.rings import as_one
from labeling.exchange.formats.source import Source
from labeling.items.records import Item, Labeling

_CONTROLS: Mapping[TaskType, str] = {
    "multiclass": "Choices",
    "multilabel": "Choices",
    "boxes": "RectangleLabels",
    "polygons": "PolygonLabels",
}
"""What people label with there."""


class LabelStudioWriter(Writer):
    """Writes a task for each image, with one annotation that has all that was said of it."""

    def __init__(self, folder: Path, subject: Subject) -> None:
        self._subject = subject
        self._tasks = 0
        self._control = _CONTROLS[subject.task_type]
        container = subject.container.rpartition("/")[2]
        self._address = f"azure-blob://{container}/{subject.folder}"
        (folder / "config.xml").write_bytes(_configuration(subject, self._control))
        self._file = (folder / "tasks.json").open("wb")
        self._file.write(b"[")

    def close(self) -> None:
        """Let go of the file."""
        self._file.close()

    def add(self, item: Item, labeling: Labeling) -> int:
        """Write the task of an image. An annotation without results says that nothing is on it."""
        said = self._subject.said(labeling)
        self._tasks += 1
        task = {
            "id": self._tasks,
            "data": {"image": self._address + item.path},
            "annotations": [
                {
                    "id": self._tasks,
                    "created_at": labeling.saved_at.isoformat(),
                    "was_cancelled": False,
                    "result": list(self._results(said, item)),
                }
            ],
        }
        # ASCII only: its converters open files in the encoding of the machine they run on.
        line = json.dumps(task).encode("ascii")
        self._file.write((b",\n" if self._tasks > 1 else b"\n") + line)
        return len(said)

    def finish(self) -> None:
        """Close the file."""
        self._file.write(b"\n]\n")
        self._file.close()

    def _results(
        self, said: Sequence[tuple[int, Annotation]], item: Item
    ) -> Iterator[dict[str, Any]]:
        """What Label Studio keeps of shapes, one for each; of tags, all of them in one."""
        head = {
            "from_name": "label",
            "to_name": "image",
            "type": self._control.lower(),
            "original_width": item.width,
            "original_height": item.height,
            "image_rotation": 0,
        }
        names = [self._subject.classes[number].name for number, _ in said]
        if self._control == "Choices":
            if said:
                yield {**head, "id": said[0][1].annotation_id, "value": {"choices": names}}
            return
        for name, (_, one) in zip(names, said, strict=True):
            value = {**_place(one), self._control.lower(): [name]}
            yield {**head, "id": one.annotation_id, "value": value}


def _configuration(subject: Subject, control: str) -> bytes:
    """What a project shows to people there: the image, and the classes in order."""
    view = Element("View")
    SubElement(view, "Image", name="image", value="$image")
    chosen = SubElement(view, control, name="label", toName="image")
    if control == "Choices":
        chosen.set("choice", "single" if subject.task_type == "multiclass" else "multiple")
    for one in subject.classes:
        SubElement(chosen, "Choice" if control == "Choices" else "Label", value=one.name)
    indent(view)
    return tostring(view, encoding="utf-8") + b"\n"


def _place(one: Annotation) -> dict[str, Any]:
    """Where a thing is, in percent of the image.

    Each corner is rounded, so that `x + width` is as exact as `x`, and is the same when it is read and written.
    """
    match one.geometry:
        case Box() as box:
            left, top = _percent(box.x0), _percent(box.y0)
            width, height = _percent(box.x1) - left, _percent(box.y1) - top
            size = {"width": round(width, _DIGITS), "height": round(height, _DIGITS)}
            return {"x": left, "y": top, **size, "rotation": 0}
        case Polygon(parts=parts):
            return {
                "points": [[_percent(x), _percent(y)] for x, y in as_one(parts)],
                "closed": True,
            }
        case _:
            raise ValueError(f"annotation {one.annotation_id!r} says nothing of where it is")


_DIGITS = 10


def _percent(fraction: float) -> float:
    return round(fraction * 100, _DIGITS)


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
    if value.startswith("azure-blob://"):
        return value
    address = urlsplit(value)
    if address.path.endswith("/data/local-files/"):
        return parse_qs(address.query).get("d", [value])[0]
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
    files=(
        File("label_studio/tasks.json", "application/json"),
        File("label_studio/config.xml", "application/xml"),
    ),
    open=LabelStudioWriter,
    read=read_label_studio,
    fits=looks_like_label_studio,
    loses=("parts", "holes", "frames", "notes", "suggestions"),
)
