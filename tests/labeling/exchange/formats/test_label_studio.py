from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from labeling.annotations.attributes import Attribute
from labeling.annotations.shapes import Box, Tag, TaskType
from labeling.exchange.formats import FORMATS
from labeling.exchange.formats.format import Described
from labeling.exchange.formats.label_studio import read_label_studio
from tests.labeling.exchange.formats.any_file import brought
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
    assert [annotation["result"] for annotation in task["annotations"]] == [[]], "nothing is on it"


def test_a_box_is_percent_of_the_image(tmp_path: Path) -> None:
    ((annotation,),) = (
        task["annotations"]
        for task in tasks(tmp_path, "boxes", said(Box(x0=1 / 3, y0=0, x1=1, y1=0.5), "c2"))
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
    image, chosen, *_ = view
    assert image.attrib == {"name": "image", "value": "$image"}
    assert (chosen.tag, chosen.get("toName")) == (control, "image")
    assert [element.get("value") for element in chosen] == list(NAMES)


def test_what_is_asked_of_a_class_is_a_control_of_its_regions(tmp_path: Path) -> None:
    asked = [
        Attribute(name="occluded", kind="yes_no", required=True),
        Attribute(name="wheels", kind="number"),
    ]
    subjects = replace(
        subject("boxes"),
        classes=[
            class_.model_copy(update={"attributes": asked}) for class_ in subject("boxes").classes
        ],
    )
    box = said(Box(x0=0, y0=0, x1=0.5, y1=0.5)).model_copy(
        update={"attributes": {"occluded": False, "wheels": 0.0}}
    )
    folder = written(tmp_path, LABEL_STUDIO, subjects, [(item(1, PATH), labeling(box))])

    view = ElementTree.parse(folder / "config.xml").getroot()
    occluded = view.find("Choices[@name='occluded']")
    assert occluded is not None
    assert (occluded.get("perRegion"), occluded.get("required")) == ("true", "true")
    assert [element.get("value") for element in occluded] == ["yes", "no"]
    (task,) = json.loads((folder / "tasks.json").read_text("ascii"))
    region, *others = task["annotations"][0]["result"]
    assert {other["id"] for other in others} == {region["id"]}
    told = {other["from_name"]: other["value"] for other in others}
    assert (told["occluded"]["choices"], told["wheels"]["number"]) == (["no"], 0)


@pytest.mark.parametrize(
    ("value", "found"),
    [
        ({"choices": ["yes"]}, {"occluded": "yes"}),
        ({"number": 0}, {"occluded": 0}),
        ({"text": ["left side"]}, {"occluded": "left side"}),
        ({"rating": 4}, {"occluded": 4}),
        ({"choices": ["a", "b"]}, {}),
    ],
)
def test_what_label_studio_keeps_of_a_region_is_said_of_the_shape(
    value: dict[str, Any], found: dict[str, Any]
) -> None:
    place = {"x": 10, "y": 10, "width": 20, "height": 20, "rotation": 0}
    region = {"id": "r1", "from_name": "label", "value": {**place, "rectanglelabels": ["Cat"]}}
    more = {"id": "r1", "from_name": "occluded", "value": {**place, **value}}
    task = {"data": {"image": "a.jpg"}, "annotations": [{"result": [region, more]}]}
    described = list(read_label_studio(brought("tasks.json", json.dumps([task]))))

    shapes = [each for one in described if isinstance(one, Described) for each in one.shapes]
    assert [(shape.class_name, dict(shape.attributes)) for shape in shapes if shape.box] == [
        ("Cat", found)
    ]
