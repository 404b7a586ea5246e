"""Datasets for Azure Machine Learning: a line of JSON for each image, and the MLTable file to read them by.

The fields are those that automated machine learning trains image models from, for each type of task.

Source: "Data schemas to train computer vision models with automated machine learning (v1)" of 2021-09-30,
and its successor for version 2, which differs in `image_url`.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from urllib.parse import quote

from labeling.annotations.shapes import Annotation, Box, Point, Polygon
from labeling.exchange.formats.format import File, Format, Subject, Writer
from labeling.exchange.formats.rings import with_seams
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

    def __init__(self, folder: Path, subject: Subject) -> None:
        self._subject = subject
        self._file = (folder / "labels.jsonl").open("wb")
        (folder / "MLTable").write_text(_MLTABLE, "utf-8")

    def close(self) -> None:
        """Let go of the files."""
        self._file.close()

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
        """Close the file."""
        self._file.close()

    def _address(self, item: Item) -> str:
        """Where an image is.

        Not `AmlDatastore://`, the form of version 1: mltable 1.7.0 makes nothing of it, without a word.
        """
        datastore = self._subject.options.datastore
        if datastore:
            return f"{datastore}/paths/{item.path}"
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
                        {"label": name, **_place(one)}
                        for name, (_, one) in zip(names, said, strict=True)
                    ]
                }


def _place(one: Annotation) -> dict[str, Any]:
    """Where a thing is, in fractions of the image.

    All of them are written as floats: MLTable takes the type of a column from the first number that it
    meets, and makes nothing of fractions that come after a whole one.
    """
    match one.geometry:
        case Box(x0=x0, y0=y0, x1=x1, y1=y1):
            corners = {"topX": x0, "topY": y0, "bottomX": x1, "bottomY": y1}
            return {name: float(value) for name, value in corners.items()} | {"isCrowd": 0}
        case Polygon(parts=parts):
            return {"isCrowd": 0, "polygon": [_flat(with_seams(part)) for part in parts]}
        case _:
            raise ValueError(f"annotation {one.annotation_id!r} says nothing of where it is")


def _flat(ring: list[Point]) -> list[float]:
    return [float(value) for point in ring for value in point]


AZURE_ML = Format(
    name="azureml",
    title="Azure ML (JSONL, MLTable)",
    files=(
        File("azureml/labels.jsonl", "application/jsonl"),
        File("azureml/MLTable", "application/yaml"),
    ),
    open=AzureMlWriter,
    loses=("holes", "frames", "notes", "suggestions"),
    options=("datastore",),
)
