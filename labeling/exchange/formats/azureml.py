"""Datasets for Azure Machine Learning: a line of JSON for each image, and the MLTable file to read them by.

The fields are those that automated machine learning trains image models from, for each type of task.

Source: "Data schemas to train computer vision models with automated machine learning (v1)" of 2021-09-30,
and its successor for version 2, which differs in `image_url`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import quote

from labeling.annotations.shapes import Annotation, Box, Point, Polygon
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
)
from labeling.exchange.formats.output import Output
from labeling.exchange.formats.rings import with_seams
from labeling.exchange.formats.source import Source
from labeling.items.records import Item, Labeling

# `image_url` as a stream is what makes automated machine learning fetch the images.
_MLTABLE = """\
type: mltable
paths:
  - file: ./labels.jsonl
transformations:
  - read_json_lines:
      encoding: utf8
      invalid_lines: error
      include_path_column: false
  - convert_column_types:
      - columns: image_url
        column_type: stream_info
"""


class AzureMlWriter(Writer):
    """Writes one line an image."""

    def __init__(self, output: Output, subject: Subject) -> None:
        self._subject = subject
        self._output = output
        self._file = output.file("labels.jsonl")

    def add(self, item: Item, labeling: Labeling) -> int:
        """Write the line of an image."""
        said = self._subject.said(labeling)
        line = {
            "image_url": self._address(item),
            "image_details": {
                "format": item.path.rpartition(".")[2].lower(),
                "width": f"{item.width}px",
                "height": f"{item.height}px",
            },
            **self._label(said),
        }
        self._file.write(json.dumps(line, ensure_ascii=False).encode() + b"\n")
        return len(said)

    def finish(self) -> None:
        """Add what tells how the lines are read."""
        self._output.file("MLTable").write(_MLTABLE.encode())

    def _address(self, item: Item) -> str:
        """Where an image is.

        Not `AmlDatastore://`, the form of version 1: mltable 1.7.0 makes nothing of it, without a word.
        """
        datastore = self._subject.options.datastore
        if datastore:
            return f"{datastore}/paths/{self._subject.folder}{item.path}"
        return f"{self._subject.address}/{quote(item.path)}"

    def _label(self, said: list[tuple[int, Annotation]]) -> dict[str, Any]:
        names = [self._subject.classes[number].name for number, _ in said]
        match self._subject.task_type:
            case "multiclass":
                return {"label": names[0], "label_confidence": 1.0}
            case "multilabel":
                return {"label": names, "label_confidence": [1.0] * len(names)}
            case "boxes" | "polygons":
                return {
                    "label": [
                        {"label": name, **_place(annotation)}
                        for name, (_, annotation) in zip(names, said, strict=True)
                    ]
                }


def _place(annotation: Annotation) -> dict[str, Any]:
    """Where a thing is, in fractions of the image.

    All of them are written as floats: MLTable takes the type of a column from the first number that it
    meets, and makes nothing of fractions that come after a whole one.
    """
    match annotation.geometry:
        case Box(x0=x0, y0=y0, x1=x1, y1=y1):
            corners = {"topX": x0, "topY": y0, "bottomX": x1, "bottomY": y1}
            return {name: float(value) for name, value in corners.items()} | {"isCrowd": 0}
        case Polygon(parts=parts):
            return {"isCrowd": 0, "polygon": [_flat(with_seams(part)) for part in parts]}
        case _:
            raise ValueError(f"annotation {annotation.annotation_id!r} says nothing of where it is")


def _flat(ring: list[Point]) -> list[float]:
    return [float(value) for point in ring for value in point]


def read_azure_ml(source: Source) -> Iterator[Described | Remark]:
    """What lines of JSON say, with what versions 1 and 2 of the schemas and SDKs differ in."""
    for name in source.ending(".jsonl", ".ndjson", ".json"):
        for number, line in source.lines(name):
            if not line.strip():
                continue
            try:
                yield from _read_line(json.loads(line), number)
            except (AttributeError, KeyError, TypeError, ValueError):
                yield Remark("unreadable_row", f"{name}: line {number}")


def looks_like_azure_ml(source: Source) -> bool:
    """Whether a file of lines begins with an object that has the address of an image."""
    names = source.ending(".jsonl", ".ndjson", ".json")
    first = source.head_of(names[0]).lstrip().partition(b"\n")[0] if names else b""
    return first.startswith(b"{") and b'"image_url"' in first


def _read_line(record: Mapping[str, Any], number: int) -> Iterator[Described | Remark]:
    path = str(record["image_url"])
    details = record.get("image_details") or {}
    width, height = (_pixels(details.get(side)) for side in ("width", "height"))
    said: Any = record.get("label") or []
    labels: list[Any] = [said] if isinstance(said, str) else list(said)
    sure: Any = record.get("label_confidence")
    confidences: list[Any] = sure if isinstance(sure, list) else [sure] * len(labels)
    shapes: list[Shape] = []
    for place, label in enumerate(labels):
        given = confidences[place] if place < len(confidences) else None
        confidence = None if given is None else float(given)
        if isinstance(label, str):
            shapes.append(Shape(label, confidence=confidence))
            continue
        if str(label.get("isCrowd", 0)).lower() in ("1", "true"):
            yield Remark("crowd", f"{path}: line {number}")
        shapes.append(_read_shape(label, confidence))
    yield Described(path, shapes, width, height)


def _read_shape(label: Mapping[str, Any], confidence: float | None) -> Shape:
    name = str(label["label"])
    if label.get("polygon"):
        rings = [_read_ring(flat) for flat in label["polygon"]]
        return Shape(name, parts=[(ring, []) for ring in rings], confidence=confidence)
    corners = tuple(float(label[side]) for side in ("topX", "topY", "bottomX", "bottomY"))
    return Shape(name, (corners[0], corners[1], corners[2], corners[3]), confidence=confidence)


def _read_ring(flat: Sequence[float]) -> Ring:
    numbers = list(map(float, flat))
    return list(zip(numbers[::2], numbers[1::2], strict=True))


def _pixels(side: object) -> float:
    """A side as it is written: `400`, `"400px"`, or not at all."""
    found = re.match(r"\d+", str(side or ""))
    return float(found[0]) if found else 0.0


AZURE_ML = Format(
    name="azureml",
    title="Azure ML (JSONL, MLTable)",
    files=(
        File("azureml/labels.jsonl", "application/jsonl"),
        File("azureml/MLTable", "application/yaml"),
    ),
    open=AzureMlWriter,
    read=read_azure_ml,
    fits=looks_like_azure_ml,
    loses=("holes", "frames", "attributes", "notes", "suggestions", "metadata"),
    options=("datastore",),
    samples=for_all_types(
        """\
import mltable

table = mltable.load("azureml").to_pandas_dataframe()
print(table[["image_url", "label"]])
"""
    ),
)
