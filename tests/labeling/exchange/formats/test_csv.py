from __future__ import annotations

import csv
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely import wkt

from labeling.annotations.shapes import Box, Polygon, TaskType
from labeling.exchange.formats.csv import COLUMNS, CSV, guarded, plain
from labeling.exchange.formats.format import ALL_TASK_TYPES
from labeling.items.records import Labeling
from tests.labeling.exchange.formats.any_labels import (
    NAMES,
    item,
    labeling,
    labelings,
    said,
    subject,
    written,
)


def rows(folder: Path) -> list[dict[str, str]]:
    with (folder / "labels.csv").open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


@given(st.text())
def test_text_comes_back_and_is_never_a_formula(text: str) -> None:
    assert plain(guarded(text)) == text
    assert not guarded(text).startswith(
        ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")
    )


@pytest.mark.parametrize("task_type", ALL_TASK_TYPES)
@settings(max_examples=40)  # it writes a file each time
@given(data=st.data())
def test_nothing_of_an_annotation_is_lost(
    tmp_path_factory: pytest.TempPathFactory, task_type: TaskType, data: st.DataObject
) -> None:
    labels: Labeling = data.draw(labelings(task_type))
    path = data.draw(st.text(st.characters(exclude_categories=("Cs",)), min_size=1, max_size=20))
    folder = written(
        tmp_path_factory.mktemp("csv"), CSV, subject(task_type), [(item(7, path), labels)]
    )

    found = rows(folder)

    assert {plain(row["path"]) for row in found} == {path}
    assert {plain(row["note"]) for row in found} == {labels.note or ""}
    assert {row["item_id"] for row in found} == {"i7"}
    if not labels.annotations:
        assert [row["kind"] for row in found] == [""]
        return
    for row, annotation in zip(found, labels.annotations, strict=True):
        assert plain(row["class"]) == NAMES[int(annotation.class_id[1:]) - 1]
        assert (row["class_id"], row["annotation_id"]) == (
            annotation.class_id,
            annotation.annotation_id,
        )
        assert (row["kind"], row["frame"]) == (annotation.geometry.kind, str(annotation.frame))
        run = annotation.origin.run_id if annotation.origin else None
        assert row["suggested_by"] == (run or "")
        if isinstance(annotation.geometry, Box):
            bounds = [float(row[name]) for name in ("x0", "y0", "x1", "y1")]
            assert (
                Box(x0=bounds[0], y0=bounds[1], x1=bounds[2], y1=bounds[3]) == annotation.geometry
            )
        if isinstance(annotation.geometry, Polygon):
            assert read(row["outline"]) == annotation.geometry


def read(outline: str) -> Polygon:
    parts = [
        {
            "outer": list(part.exterior.coords)[:-1],
            "holes": [list(hole.coords)[:-1] for hole in part.interiors],
        }
        for part in wkt.loads(outline).geoms
    ]
    return Polygon.model_validate({"parts": parts})


def test_the_columns_are_those_that_are_documented(tmp_path: Path) -> None:
    written(tmp_path, CSV, subject("boxes"), [])

    assert (tmp_path / "labels.csv").read_bytes() == (
        b"\xef\xbb\xbf" + ",".join(COLUMNS).encode() + b"\r\n"
    )
    documents = (Path(__file__).parents[4] / "docs/exports.md").read_text("utf-8")
    assert [name for name in COLUMNS if f"`{name}`" not in documents] == []


def test_each_row_has_all_columns(tmp_path: Path) -> None:
    box = said(Box(x0=0, y0=0, x1=1, y1=1))
    written(tmp_path, CSV, subject("boxes"), [(item(), labeling(box)), (item(2), labeling())])

    with (tmp_path / "labels.csv").open(encoding="utf-8-sig", newline="") as file:
        assert {len(row) for row in csv.reader(file)} == {len(COLUMNS)}
