from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from labeling.annotations.shapes import Box, Tag, TaskType
from labeling.exchange.formats import FORMATS
from tests.labeling.exchange.formats.any_labels import (
    NAMES,
    item,
    labeling,
    said,
    subject,
    written,
)

LABEL_STUDIO = FORMATS["label_studio"]
PATH = "a b/#1 100%.jpg"


def tasks(tmp_path: Path, task_type: TaskType, *annotations: Any) -> list[dict[str, Any]]:
    images = [(item(1, PATH), labeling(*annotations))]
    folder = written(tmp_path, LABEL_STUDIO, subject(task_type), images)
    return json.loads((folder / "tasks.json").read_text("ascii"))


def test_an_image_is_where_azure_source_storage_finds_it(tmp_path: Path) -> None:
    (task,) = tasks(tmp_path, "boxes")

    assert task["data"] == {"image": f"azure-blob://photos/{PATH}"}
    assert [one["result"] for one in task["annotations"]] == [[]], "nothing is on it"


def test_a_box_is_percent_of_the_image(tmp_path: Path) -> None:
    ((annotation,),) = (
        one["annotations"]
        for one in tasks(tmp_path, "boxes", said(Box(x0=1 / 3, y0=0, x1=1, y1=0.5), "c2"))
    )
    (result,) = annotation["result"]

    assert result["value"] == {
        "x": 33.3333333333,
        "y": 0,
        "width": 66.6666666667,
        "height": 50,
        "rotation": 0,
        "rectanglelabels": ["Animal/Cat"],
    }
    assert (result["original_width"], result["original_height"]) == (640, 480)


def test_all_classes_of_an_image_are_one_choice(tmp_path: Path) -> None:
    (task,) = tasks(tmp_path, "multilabel", said(Tag()), said(Tag(), "c3"))

    (result,) = task["annotations"][0]["result"]
    assert result["value"] == {"choices": ["yes", "001"]}


@pytest.mark.parametrize(
    ("task_type", "control"),
    [("multiclass", "Choices"), ("boxes", "RectangleLabels"), ("polygons", "PolygonLabels")],
)
def test_the_configuration_has_the_classes_in_order(
    tmp_path: Path, task_type: TaskType, control: str
) -> None:
    tasks(tmp_path, task_type)

    view = ElementTree.parse(tmp_path / "config.xml").getroot()
    image, chosen = view
    assert image.attrib == {"name": "image", "value": "$image"}
    assert (chosen.tag, chosen.get("toName")) == (control, "image")
    assert [one.get("value") for one in chosen] == list(NAMES)
