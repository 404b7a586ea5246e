"""Label Studio's JSON: tasks with annotations and predictions. Places are percent of the image.

Beside the tasks is the labeling configuration that a project needs to show them.

Source: https://labelstud.io/guide/task_format and what label-studio-sdk 2.1.2 writes.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from labeling.annotations.attributes import Attribute, AttributeKind, AttributeValue
from labeling.annotations.classes import LabelClass
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
    for_all_types,
    scalar,
)
from labeling.exchange.formats.output import Output
from labeling.exchange.formats.rings import as_one
from labeling.exchange.formats.source import Source
from labeling.items.records import Item, Labeling
from labeling.model import digest_id

_CONTROLS: Mapping[TaskType, str] = {
    "multiclass": "Choices",
    "multilabel": "Choices",
    "boxes": "RectangleLabels",
    "polygons": "PolygonLabels",
}
"""What people label with there."""


class LabelStudioWriter(Writer):
    """Writes a task for each image, with one annotation that has all that was said of it."""

    def __init__(self, output: Output, subject: Subject) -> None:
        self._subject = subject
        self._output = output
        self._control = _CONTROLS[subject.task_type]
        self._attributes = _Attributes(subject.classes, of_images=self._control == "Choices")
        container = subject.container.rpartition("/")[2]
        self._address = f"azure-blob://{container}/{subject.folder}"
        self._file = output.file("tasks.json")
        if not self._file.tell():
            self._file.write(b"[")

    def add(self, item: Item, labeling: Labeling) -> int:
        """Write the task of an image. An annotation without results says that nothing is on it."""
        said = self._subject.said(labeling)
        self._output.counts["tasks"] += 1
        number = self._output.counts["tasks"]
        task = {
            "id": number,
            "data": {"image": self._address + item.path, **_known(item)},
            "annotations": [
                {
                    "id": number,
                    "created_at": labeling.saved_at.isoformat(),
                    "was_cancelled": False,
                    "result": list(self._results(said, item)),
                }
            ],
        }
        # ASCII only: its converters open files in the encoding of the machine they run on.
        line = json.dumps(task).encode("ascii")
        self._file.write((b",\n" if number > 1 else b"\n") + line)
        return len(said)

    def finish(self) -> None:
        """End the file, and write the configuration."""
        self._file.write(b"\n]\n")
        configuration = _configuration(self._subject, self._control, self._attributes)
        self._output.file("config.xml").write(configuration)

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
        tags = self._control == "Choices"
        if tags and said:
            yield {**head, "id": said[0][1].annotation_id, "value": {"choices": names}}
        for name, (number, annotation) in zip(names, said, strict=True):
            place = {} if tags else _place(annotation)
            if not tags:
                value = {**place, self._control.lower(): [name]}
                yield {**head, "id": annotation.annotation_id, "value": value}
            asked = {each.name: each for each in self._subject.classes[number].attributes}
            for attribute, said_of_it in annotation.attributes.items():
                control = _control_of(attribute, said_of_it, asked.get(attribute))
                yield {
                    **head,
                    "id": digest_id(annotation.annotation_id, attribute)
                    if tags
                    else annotation.annotation_id,
                    "from_name": self._attributes.name_of(number, attribute),
                    "type": control.lower(),
                    "value": {**place, **_as_value(control, said_of_it)},
                }


def _known(item: Item) -> dict[str, Any]:
    """What its owner has written about an image: columns of Label Studio's list of tasks."""
    known: dict[str, Any] = {"metadata": item.metadata} if item.about else {}
    external_id = item.metadata.get("external_id")
    return {**known, "external_id": external_id} if external_id else known


class _Attributes:
    """What else is asked of what has a class: one control there for what is asked in the same way.

    A control has the attribute's name; with the class in brackets behind it where the attribute is of whole
    images, or another class asks for something else by that name.
    """

    def __init__(self, classes: Sequence[LabelClass], *, of_images: bool) -> None:
        self._classes = classes
        self._of_images = of_images
        self._first: dict[str, Attribute] = {}
        for class_ in classes:
            for attribute in class_.attributes:
                self._first.setdefault(attribute.name, attribute)

    def name_of(self, number: int, attribute: str) -> str:
        """The control for an attribute of a class."""
        label = self._classes[number]
        mine = next((known for known in label.attributes if known.name == attribute), None)
        shared = mine == self._first.get(attribute) and attribute not in ("label", "image")
        return attribute if shared and not self._of_images else f"{attribute} ({label.name})"

    def add_to(self, view: Element) -> None:
        """The controls, each shown where one of its classes is said."""
        of: dict[str, tuple[Attribute, list[str]]] = {}
        for number, label in enumerate(self._classes):
            for attribute in label.attributes:
                of.setdefault(self.name_of(number, attribute.name), (attribute, []))[1].append(
                    label.name
                )
        for name, (attribute, labels) in of.items():
            control = SubElement(view, _ASKED_BY[attribute.kind], name=name, toName="image")
            if attribute.required:
                control.set("required", "true")
            if attribute.kind in ("choice", "yes_no"):
                control.set("choice", "single")
                for choice in attribute.choices or (_YES, _NO):
                    SubElement(control, "Choice", value=choice)
            if self._of_images:
                control.set("visibleWhen", "choice-selected")
                control.set("whenTagName", "label")
                control.set("whenChoiceValue", labels[0])
            else:
                control.set("perRegion", "true")
                if not any("," in label for label in labels):
                    control.set("whenLabelValue", ",".join(labels))


_YES, _NO = "yes", "no"
_ASKED_BY: Mapping[AttributeKind, str] = {
    "choice": "Choices",
    "yes_no": "Choices",
    "number": "Number",
    "text": "TextArea",
}


def _control_of(name: str, value: AttributeValue, asked: Attribute | None) -> str:
    """What a value is chosen or typed by; of an attribute that the class has no more, by what it is."""
    if asked and asked.takes(value):
        return _ASKED_BY[asked.kind]
    match value:
        case bool():
            return "Choices"
        case float() | int():
            return "Number"
        case _:
            return "TextArea"


def _as_value(control: str, value: AttributeValue) -> dict[str, Any]:
    if isinstance(value, bool):
        return {"choices": [_YES if value else _NO]}
    match control:
        case "Choices":
            return {"choices": [value]}
        case "Number":
            return {"number": value}
        case _:
            return {"text": [value]}


def _configuration(subject: Subject, control: str, attributes: _Attributes) -> bytes:
    """What a project shows to people there: the image, the classes in order, and what is asked of each."""
    view = Element("View")
    SubElement(view, "Image", name="image", value="$image")
    chosen = SubElement(view, control, name="label", toName="image")
    if control == "Choices":
        chosen.set("choice", "single" if subject.task_type == "multiclass" else "multiple")
    for class_ in subject.classes:
        SubElement(chosen, "Choice" if control == "Choices" else "Label", value=class_.name)
    attributes.add_to(view)
    indent(view)
    return tostring(view, encoding="utf-8") + b"\n"


def _place(annotation: Annotation) -> dict[str, Any]:
    """Where a thing is, in percent of the image.

    Each corner is rounded, so that `x + width` is as exact as `x`, and is the same when it is read and written.
    """
    match annotation.geometry:
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
            raise ValueError(f"annotation {annotation.annotation_id!r} says nothing of where it is")


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
    said = [
        annotation
        for annotation in task.get("annotations") or []
        if not annotation.get("was_cancelled")
    ]
    for prediction in said or task.get("predictions") or []:
        results: Sequence[Mapping[str, Any]] = prediction.get("result") or []
        known = _Said(results)
        for result in results:
            place = f"{path}: task {number}"
            try:
                if known.is_attribute(result):
                    continue
                shapes = [
                    known.completed(each, result)
                    for each in _shapes(result, prediction.get("score"))
                ]
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


class _Said:
    """What the results of an annotation say of others of them: attributes of a region or of a class."""

    def __init__(self, results: Sequence[Mapping[str, Any]]) -> None:
        # What is unreadable is told where it is read as a shape.
        results = [
            result
            for result in results
            if isinstance(result, dict) and isinstance(result.get("value"), dict)
        ]
        self._regions = {
            result["id"]: str(name)
            for result in results
            if result.get("id") and (name := _label_of(result.get("value")))
        }
        whole = [result for result in results if _is_of_image(result)]
        self._tags = {
            str(name)
            for result in whole
            for name in result["value"].get("choices") or ()
            if not str(result.get("from_name")).endswith(")")
        }
        self._values: dict[str, dict[str, str | float | bool]] = {}
        for result in results:
            if self.is_attribute(result):
                of, name = self._place(result)
                self._values.setdefault(of, {})[name] = _value_of(result["value"])

    def is_attribute(self, result: Mapping[str, Any]) -> bool:
        """Whether a result is said of a region, or of a class of the image, that another result gives."""
        value = result.get("value")
        if not isinstance(value, dict) or _label_of(value) or _value_of(value) == _NOTHING:
            return False
        return bool(self._place(result)[0])

    def completed(self, shape: Shape, result: Mapping[str, Any]) -> Shape:
        """A shape with its attributes."""
        of = (
            f"region {result.get('id')}"
            if _label_of(result["value"])
            else f"tag {shape.class_name}"
        )
        return replace(shape, attributes=self._values.get(of, {}))

    def _place(self, result: Mapping[str, Any]) -> tuple[str, str]:
        """Of what, and the attribute's name; of nothing where the result stands for itself."""
        name = str(result.get("from_name") or "")
        if label := self._regions.get(str(result.get("id"))):
            return f"region {result['id']}", name.removesuffix(f" ({label})")
        if not _is_of_image(result):
            return "", ""
        tag = next((tag for tag in sorted(self._tags) if name.endswith(f" ({tag})")), None)
        return (f"tag {tag}", name.removesuffix(f" ({tag})")) if tag else ("", "")


_NOTHING = ""


def _label_of(value: object) -> object:
    """The class of a region; nothing where a value is of no region."""
    if not isinstance(value, dict):
        return None
    said: dict[str, Any] = value
    names = next((said[name] for name in _NAMES if name != "choices" and said.get(name)), None)
    return names[0] if isinstance(names, list) else names


def _is_of_image(result: Mapping[str, Any]) -> bool:
    value = result.get("value")
    return isinstance(value, dict) and not {"x", "points"} & value.keys()


def _value_of(value: Mapping[str, Any]) -> str | float | bool:
    """What is said of an attribute; nothing where that is more than one thing, or none."""
    said = value.get("choices") or value.get("text") or value.get("number", value.get("rating"))
    if isinstance(said, list):
        items: list[object] = said
        said = items[0] if len(items) == 1 else None
    return _NOTHING if said is None else scalar(said)


def _path(data: Mapping[str, Any]) -> str:
    """The image of a task: the first value that looks like one, without what Label Studio adds to it."""
    values = [value for value in data.values() if isinstance(value, str)]
    value = str(data.get("image") or next((value for value in values if "." in value), values[0]))
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
    samples=for_all_types(
        """\
import json

with open("label_studio/tasks.json", encoding="utf-8") as file:
    tasks = json.load(file)
for task in tasks:
    print(task["data"]["image"], [said["result"] for said in task["annotations"]])
"""
    ),
)
