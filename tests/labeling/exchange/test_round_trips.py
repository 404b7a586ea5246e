"""What is exported and imported again says the same, as far as the format can say it."""

from __future__ import annotations

from collections.abc import Sequence
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from zipfile import ZipFile, ZipInfo

import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from labeling.annotations.acceptance import PrelabelAnnotation
from labeling.annotations.classes import key_of_path
from labeling.annotations.shapes import Annotation, Box, Polygon, TaskType
from labeling.exchange.formats import FORMATS, guessed
from labeling.exchange.formats.format import Described, Format, Options, Shape, of_first_frame
from labeling.exchange.formats.output import Output
from labeling.exchange.formats.source import Source
from labeling.exchange.matching import plain, without_extension
from labeling.exchange.placing import placed
from labeling.items.records import Item, Labeling
from tests.labeling.exchange.formats.any_labels import ATTRIBUTES, NAMES, item, labelings, subject

AZURE = Options(azure=True, datastore="azureml://subscriptions/s/datastores/birds")
EVERY = [
    pytest.param(one, task_type, options, id=f"{one.name}-{task_type}{'-azure' * options.azure}")
    for one in FORMATS.values()
    if one.open and one.read
    for task_type in one.task_types
    if not (task_type == "polygons" and "outlines" in one.loses)
    for options in (Options(), AZURE)
    if not options.azure or "azure" in one.options
]
every_way = pytest.mark.parametrize(("made", "task_type", "options"), EVERY)
CLASSES = {key_of_path(name): f"c{number}" for number, name in enumerate(NAMES, 1)}
ATTRIBUTES_OF = dict.fromkeys(CLASSES.values(), ATTRIBUTES)
PATH = "birds/images/owl 1.jpg"

WITHIN_PX = {"voc": 1.0, "coco": 0.011, "cvat": 0.011}
"""Pixels by which a format rounds; others keep fractions."""


def brought_back(
    made: Format, task_type: TaskType, options: Options, one: Item, said: Labeling
) -> list[PrelabelAnnotation] | None:
    """The labels after a way through a file; None where the format refuses them."""
    file = exported(made, task_type, one, said, options)
    return None if file is None else imported(made, task_type, one, file)


def exported(
    made: Format, task_type: TaskType, one: Item, said: Labeling, options: Options | None = None
) -> bytes | None:
    """The file of the labels of an image; None where the format refuses them."""
    assert made.open
    about = subject(task_type, options)
    with TemporaryDirectory() as folder:
        with Output(Path(folder)) as output, made.open(output, about) as writer:
            if writer.refuses(one, said):
                return None
            writer.add(one, said)
            writer.finish()
            place = writer.place(one, said)
        content = (Path(folder) / made.files[0].name.rpartition("/")[2]).read_bytes()
        return content if made.images else _packed(made, content, place)


def _packed(made: Format, content: bytes, place: str) -> bytes:
    """A format that is made of images, as people bring it: its folder in an archive."""
    archive = BytesIO()
    with ZipFile(archive, "w") as packed:
        for name, what in ((made.files[0].name, content), (f"{made.name}/{place}", b"")):
            packed.writestr(ZipInfo(name), what)  # of no time: the same bytes whenever it is packed
    return archive.getvalue()


def imported(
    made: Format, task_type: TaskType, one: Item, content: bytes
) -> list[PrelabelAnnotation]:
    """The labels that a file gives an image."""
    assert made.read
    source = Source(made.files[0].name.rpartition("/")[2], BytesIO(content))
    assert guessed(source) is made
    found = list(made.read(source))
    assert all(isinstance(one, Described) for one in found), found
    pieces = [one for one in found if isinstance(one, Described)]
    for piece in pieces:
        whole = without_extension(one.path) if piece.stem else one.path
        assert plain(piece.path).endswith(whole)
    return placed(pieces, one, task_type, CLASSES, ATTRIBUTES_OF).annotations


def kept(made: Format, said: Labeling) -> list[Annotation]:
    """Of labels, what a format has a word for."""
    annotations = (of_first_frame(said) if "frames" in made.loses else said).annotations
    if "attributes" not in made.loses:
        return annotations
    return [annotation.model_copy(update={"attributes": {}}) for annotation in annotations]


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
            shapely.make_valid(
                shapely.Polygon(ring(part.outer), [ring(hole) for hole in part.holes])
            )
            for part in polygon.parts
        ]
    )


@every_way
@settings(max_examples=40)
@given(data=st.data())
def test_labels_come_back_from_a_file(
    made: Format, task_type: TaskType, options: Options, data: st.DataObject
) -> None:
    said = data.draw(labelings(task_type))
    one = Item("i1", PATH, "0x8D", "0", width=640, height=480, frames=3)
    before = kept(made, said)

    sayable = of_first_frame(said) if "frames" in made.loses else said
    after = brought_back(made, task_type, options, one, sayable)

    if after is None:
        return
    pixels = 0.0 if options.azure else WITHIN_PX.get(made.name, 0.0)
    if task_type == "polygons" and made.name in ("coco", "cvat"):
        pixels = 1.0  # holes are runs of pixels
    if "several_tags" in made.loses and task_type == "multilabel":
        assert {annotation.class_id for annotation in after} <= {
            annotation.class_id for annotation in before
        }
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
                and twin.attributes == annotation.attributes
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


def _has_seams(annotation: Annotation) -> bool:
    parts = annotation.geometry.parts if isinstance(annotation.geometry, Polygon) else []
    return len(parts) > 1 or any(part.holes for part in parts)


@every_way
@settings(max_examples=25)
@given(data=st.data())
def test_what_was_imported_is_exported_as_the_same_bytes_ever_after(
    made: Format, task_type: TaskType, options: Options, data: st.DataObject
) -> None:
    one = Item("i1", PATH, "0x8D", "0", width=640, height=480)
    said = of_first_frame(data.draw(labelings(task_type)))
    if {"holes", "parts"} & {*made.loses}:  # they come back as what they cover, by other points
        simple = [annotation for annotation in said.annotations if not _has_seams(annotation)]
        said = said.model_copy(update={"annotations": simple})
    files: list[bytes] = []

    for _ in range(3):
        file = exported(made, task_type, one, said, options)
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

    done = placed(pieces, one, "boxes", {"owl": "c1"}, {})

    assert [annotation.annotation_id for annotation in done.annotations] == ["i1", "i2"]
    assert done.altered["twin"] == 1
    both = placed(pieces, one, "boxes", {"owl": "c1"}, {}, twins=True)
    assert (len(both.annotations), both.altered["twin"]) == (3, 0)


@every_way
def test_what_can_be_said_of_nothing_is_read_as_nothing(
    made: Format, task_type: TaskType, options: Options
) -> None:
    if task_type == "multiclass":
        return
    said = Labeling(
        outcome="labeled",
        labeler="ada",
        saved_at=subject(task_type).as_of,
        classes_version=1,
        submission_id="s1",
    )

    assert brought_back(made, task_type, options, item(path=PATH), said) in ([], None)
