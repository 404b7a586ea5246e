"""What is exported and imported again says the same, as far as the format can say it."""

from __future__ import annotations

from collections.abc import Sequence
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from labeling.annotations.acceptance import PrelabelAnnotation
from labeling.annotations.classes import key_of_path
from labeling.annotations.shapes import Annotation, Box, Polygon, TaskType
from labeling.exchange.formats import FORMATS, guessed
from labeling.exchange.formats.format import Described, Format, Shape, of_first_frame
from labeling.exchange.formats.source import Source
from labeling.exchange.matching import plain, without_extension
from labeling.exchange.placing import placed
from labeling.items.records import Item, Labeling
from tests.labeling.exchange.formats.any_labels import NAMES, item, labelings, subject

EVERY = [
    pytest.param(one, task_type, id=f"{one.name}-{task_type}")
    for one in FORMATS.values()
    if one.open and one.read
    for task_type in one.task_types
    if not (task_type == "polygons" and "outlines" in one.loses)
]
CLASSES = {key_of_path(name): f"c{number}" for number, name in enumerate(NAMES, 1)}
PATH = "birds/images/owl 1.jpg"

WITHIN_PX = {"voc": 1.0, "coco": 0.011, "cvat": 0.011}
"""Pixels by which a format rounds; others keep fractions."""


def brought_back(
    made: Format, task_type: TaskType, one: Item, said: Labeling, *, look: bool = True
) -> list[PrelabelAnnotation] | None:
    """The labels after a way through a file; None where the format refuses them."""
    file = exported(made, task_type, one, said)
    return None if file is None else imported(made, task_type, one, file, look=look)


def exported(made: Format, task_type: TaskType, one: Item, said: Labeling) -> bytes | None:
    """The file of the labels of an image; None where the format refuses them."""
    assert made.open
    with TemporaryDirectory() as folder:
        with made.open(Path(folder), subject(task_type)) as writer:
            if writer.refuses(one, said):
                return None
            writer.add(one, said)
            writer.finish()
        return (Path(folder) / made.files[0].name.rpartition("/")[2]).read_bytes()


def imported(
    made: Format, task_type: TaskType, one: Item, content: bytes, *, look: bool = True
) -> list[PrelabelAnnotation]:
    """The labels that a file gives an image."""
    assert made.read
    source = Source(made.files[0].name.rpartition("/")[2], BytesIO(content))
    if look:
        assert guessed(source) is made
    found = list(made.read(source))
    assert all(isinstance(one, Described) for one in found), found
    pieces = [one for one in found if isinstance(one, Described)]
    for piece in pieces:
        whole = without_extension(one.path) if piece.stem else one.path
        assert plain(piece.path).endswith(whole)
    return placed(pieces, one, task_type, CLASSES).annotations


def kept(made: Format, said: Labeling) -> list[Annotation]:
    """Of labels, what a format has a word for."""
    return (of_first_frame(said) if "frames" in made.loses else said).annotations


def near(one: Any, other: Any, pixels: float) -> bool:
    size = (640, 480)
    if isinstance(one, Box) and isinstance(other, Box):
        pairs = zip(one.model_dump().values(), other.model_dump().values(), strict=True)
        return all(
            a == b if isinstance(a, str) else abs(a - b) * max(size) <= pixels + 1e-6
            for a, b in pairs
        )
    if isinstance(one, Polygon) and isinstance(other, Polygon):
        # A hole may come back as runs of pixels: what is covered counts.
        differs = shapely.symmetric_difference(area(one, size), area(other, size)).area
        return differs <= (pixels + 1e-6) * area(one, size).length + 0.5
    return type(one) is type(other)


def area(polygon: Polygon, size: tuple[int, int]) -> Any:
    def ring(points: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
        return [(x * size[0], y * size[1]) for x, y in points]

    return shapely.union_all(
        [
            shapely.make_valid(shapely.Polygon(ring(one.outer), [ring(hole) for hole in one.holes]))
            for one in polygon.parts
        ]
    )


@pytest.mark.parametrize(("made", "task_type"), EVERY)
@settings(max_examples=40, deadline=None)
@given(data=st.data())
def test_labels_come_back_from_a_file(
    made: Format, task_type: TaskType, data: st.DataObject
) -> None:
    said = data.draw(labelings(task_type))
    one = Item("i1", PATH, "0x8D", "0", width=640, height=480, frames=3)
    before = kept(made, said)

    after = brought_back(
        made, task_type, one, of_first_frame(said) if "frames" in made.loses else said
    )

    if after is None:
        return
    pixels = WITHIN_PX.get(made.name, 0.0)
    if task_type == "polygons" and made.name in ("coco", "cvat"):
        pixels = 1.0  # holes are runs of pixels
    if "several_tags" in made.loses and task_type == "multilabel":
        assert {one.class_id for one in after} <= {one.class_id for one in before}
        return
    tagged = task_type in ("multiclass", "multilabel")
    left = list(after)
    for annotation in before:
        found = next(
            (
                twin
                for twin in left
                if twin.class_id == annotation.class_id
                and (tagged or twin.frame == annotation.frame)
                and near(annotation.geometry, twin.geometry, pixels)
            ),
            None,
        )
        if found is None:
            # The same shape twice is said once.
            assert any(
                near(annotation.geometry, twin.geometry, pixels)
                for twin in after
                if twin.class_id == annotation.class_id
            ), (annotation, after)
            continue
        left.remove(found)
    assert not left


def _has_seams(one: Annotation) -> bool:
    parts = one.geometry.parts if isinstance(one.geometry, Polygon) else []
    return len(parts) > 1 or any(part.holes for part in parts)


@pytest.mark.parametrize(("made", "task_type"), EVERY)
@settings(max_examples=25, deadline=None)
@given(data=st.data())
def test_what_was_imported_is_exported_as_the_same_bytes_ever_after(
    made: Format, task_type: TaskType, data: st.DataObject
) -> None:
    one = Item("i1", PATH, "0x8D", "0", width=640, height=480)
    said = of_first_frame(data.draw(labelings(task_type)))
    if {"holes", "parts"} & {*made.loses}:  # they come back as what they cover, by other points
        simple = [one for one in said.annotations if not _has_seams(one)]
        said = said.model_copy(update={"annotations": simple})
    files: list[bytes] = []

    for _ in range(3):
        file = exported(made, task_type, one, said)
        if file is None:
            return
        files.append(file)
        annotations = imported(made, task_type, one, file)
        said = said.model_copy(
            update={
                "annotations": [
                    Annotation(**each.model_dump(exclude={"confidence"})) for each in annotations
                ]
            }
        )

    assert files[1] == files[2]


def test_what_stays_of_shapes_said_twice_is_numbered_without_a_gap() -> None:
    one = Item("i1", PATH, "0x8D", "0", width=640, height=480)
    box = Shape("Owl", (1, 1, 9, 9))
    pieces = [Described(PATH, [box, box, Shape("Owl", (2, 2, 9, 9))], 640, 480, in_pixels=True)]

    done = placed(pieces, one, "boxes", {"owl": "c1"})

    assert [one.annotation_id for one in done.annotations] == ["i1", "i2"]
    assert done.altered["twin"] == 1


@pytest.mark.parametrize(("made", "task_type"), EVERY)
def test_what_can_be_said_of_nothing_is_read_as_nothing(made: Format, task_type: TaskType) -> None:
    if task_type == "multiclass":
        return
    said = Labeling(
        outcome="labeled",
        labeler="ada",
        saved_at=subject(task_type).as_of,
        classes_version=1,
        submission_id="s1",
    )

    assert brought_back(made, task_type, item(path=PATH), said) in ([], None)
