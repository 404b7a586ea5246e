from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from labeling.annotations.shapes import (
    Box,
    Geometry,
    Part,
    Polygon,
    Tag,
    TaskType,
    ring_area,
)
from labeling.exchange.formats.azureml import AZURE_ML
from labeling.exchange.formats.format import ALL_TASK_TYPES, Options
from tests.labeling.exchange.formats.any_labels import (
    ADDRESS,
    NAMES,
    item,
    labeling,
    labelings,
    said,
    subject,
    written,
)

WORKSPACE = "azureml://subscriptions/s/resourcegroups/g/workspaces/w/datastores/photos"


def line(folder: Path, task_type: TaskType, *geometries: Geometry, path: str = "a/owl.JPG") -> Any:
    labels = labeling(*(said(geometry, f"c{n}") for n, geometry in enumerate(geometries, 1)))
    written(folder, AZURE_ML, subject(task_type), [(item(1, path), labels)])
    return json.loads((folder / "labels.jsonl").read_bytes())


def head(**label: Any) -> dict[str, Any]:
    return {
        "image_url": f"{ADDRESS}/a/owl.JPG",
        "image_details": {"format": "jpg", "width": "640px", "height": "480px"},
        **label,
    }


def test_one_class_is_a_word(tmp_path: Path) -> None:
    assert line(tmp_path, "multiclass", Tag()) == head(label="yes", label_confidence=1.0)


def test_several_classes_are_a_list(tmp_path: Path) -> None:
    assert line(tmp_path, "multilabel", Tag(), Tag()) == head(
        label=["yes", "Animal/Cat"], label_confidence=[1.0, 1.0]
    )


def test_a_box_is_two_corners_in_fractions(tmp_path: Path) -> None:
    assert line(tmp_path, "boxes", Box(x0=0, y0=0.25, x1=1, y1=0.75)) == head(
        label=[
            {
                "label": "yes",
                "topX": 0.0,
                "topY": 0.25,
                "bottomX": 1.0,
                "bottomY": 0.75,
                "isCrowd": 0,
            }
        ]
    )


def test_an_outline_is_a_ring_for_each_part(tmp_path: Path) -> None:
    parts = [Part(outer=[(0, 0), (1, 0), (1, 0.5)]), Part(outer=[(0, 0.5), (0.5, 1), (0, 1)])]

    assert line(tmp_path, "polygons", Polygon(parts=parts)) == head(
        label=[
            {
                "label": "yes",
                "isCrowd": 0,
                "polygon": [[0.0, 0.0, 1.0, 0.0, 1.0, 0.5], [0.0, 0.5, 0.5, 1.0, 0.0, 1.0]],
            }
        ]
    )


def test_an_image_with_nothing_on_it_has_a_line(tmp_path: Path) -> None:
    assert line(tmp_path, "boxes")["label"] == []


@pytest.mark.parametrize("task_type", ALL_TASK_TYPES)
@settings(max_examples=40)  # it writes a file each time
@given(data=st.data())
def test_classes_and_places_come_back(
    tmp_path_factory: pytest.TempPathFactory, task_type: TaskType, data: st.DataObject
) -> None:
    labels = data.draw(labelings(task_type))
    folder = tmp_path_factory.mktemp("aml")
    written(folder, AZURE_ML, subject(task_type), [(item(), labels)])

    text = (folder / "labels.jsonl").read_text("utf-8")
    found = json.loads(text)["label"]

    names = [NAMES[int(annotation.class_id[1:]) - 1] for annotation in labels.annotations]
    if task_type == "multiclass":
        assert [found] == names
    elif task_type == "multilabel":
        assert found == names
    else:
        assert [one["label"] for one in found] == names
        for one, annotation in zip(found, labels.annotations, strict=True):
            geometry = annotation.geometry
            if isinstance(geometry, Box):
                corners = ("topX", "topY", "bottomX", "bottomY")
                x0, y0, x1, y1 = (one[corner] for corner in corners)
                assert Box(x0=x0, y0=y0, x1=x1, y1=y1) == geometry
            elif isinstance(geometry, Polygon):
                assert len(one["polygon"]) == len(geometry.parts)
                for flat, part in zip(one["polygon"], geometry.parts, strict=True):
                    ring = list(zip(flat[::2], flat[1::2], strict=True))
                    area = ring_area(part.outer) - sum(map(ring_area, part.holes))
                    assert ring_area(ring) == pytest.approx(area)
                    if not part.holes:
                        assert ring == part.outer
        # mltable 1.7.0 makes nothing of fractions in a column that began with a whole number.
        places = re.sub(r'"isCrowd": 0|"(width|height)": "\d+px"|"[^"]*"', "", text)
        assert not re.findall(r"[\[ ]\d+[,\]}]", places)


def test_with_a_datastore_images_are_found_through_it(tmp_path: Path) -> None:
    about = subject("multiclass", Options(datastore=WORKSPACE))
    written(tmp_path, AZURE_ML, about, [(item(1, "c d/#3 100%.jpg"), labeling(said(Tag())))])

    found = json.loads((tmp_path / "labels.jsonl").read_bytes())
    assert found["image_url"] == f"{WORKSPACE}/paths/c d/#3 100%.jpg"


def test_without_one_they_have_the_addresses_they_have_in_storage(tmp_path: Path) -> None:
    found = line(tmp_path, "multiclass", Tag(), path="c d/#3 100%.jpg")

    assert found["image_url"] == f"{ADDRESS}/c%20d/%233%20100%25.jpg"


@pytest.mark.parametrize(
    "datastore",
    [
        "https://example.org/x",
        "azureml://datastores/d",
        f"{WORKSPACE}/",
        f"{WORKSPACE}/paths/x",
        "x",
    ],
)
def test_what_is_no_full_address_of_a_datastore_is_refused(datastore: str) -> None:
    with pytest.raises(ValueError, match="datastore"):
        Options(datastore=datastore)


def test_the_table_reads_the_lines_beside_it_and_takes_addresses_for_streams(
    tmp_path: Path,
) -> None:
    written(tmp_path, AZURE_ML, subject("boxes"), [])

    table = (tmp_path / "MLTable").read_text()
    assert "file: ./labels.jsonl" in table
    assert "column_type: stream_info" in table
