"""The table of what each format can say, in docs/exports.md, is true cell by cell.

What a format can say comes back from its files as it was; what it can't is counted in the manifest.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Mapping
from io import BytesIO
from pathlib import Path
from typing import Any, cast

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from labeling.annotations.shapes import Annotation, Polygon, Tag, TaskType
from labeling.exchange.formats import FORMATS
from labeling.exchange.formats.format import (
    Described,
    Feature,
    Format,
    Options,
    of_what_is_seen,
)
from labeling.exchange.formats.source import Source
from labeling.exchange.placing import Placed, placed
from labeling.items.records import Item, Labeling
from tests.labeling.exchange.formats.any_labels import NAMES, labelings
from tests.labeling.exchange.test_exports import made, manifest
from tests.labeling.exchange.test_round_trips import (
    ATTRIBUTES_OF,
    AZURE,
    CLASSES,
    PATH,
    exported,
    near,
)
from tests.world import ADMIN, PHOTOS, World, photo

DOCS = Path(__file__).parents[3] / "docs/exports.md"
SIZE = (640, 480)
METADATA = '{"external_id": "A-7", "site": "=north"}'


def table() -> Mapping[tuple[str, Feature], str]:
    """What stands in each cell, by format and feature."""
    text = DOCS.read_text("utf-8").partition("## What each can't say")[2]
    head, _, *rows = [
        [cell.strip() for cell in line.split("|")[1:-1]]
        for line in re.findall(r"(?m)^\|.*\|$", text)
    ]
    named = re.compile(r"`(\w+)`")
    return {
        (named.findall(head[at])[0], cast(Feature, named.findall(row[0])[0])): cell
        for row in rows
        for at, cell in enumerate(row)
        if at
    }


TABLE = table()
SHOWN_IN: dict[Feature, tuple[TaskType, ...]] = {
    "empty": ("multilabel", "boxes", "polygons"),
    "several_tags": ("multilabel",),
    "outlines": ("polygons",),
    "parts": ("polygons",),
    "holes": ("polygons",),
    "frames": ("boxes", "polygons"),
    "attributes": ("boxes",),
    "notes": ("multiclass", "boxes"),
    "suggestions": ("multiclass", "boxes"),
    "metadata": ("multiclass", "boxes"),
}
"""Types of task whose labels can have it."""


def cells(wanted: str) -> list[Any]:
    return [
        pytest.param(
            FORMATS[name],
            feature,
            task_type,
            options,
            id=f"{name}-{feature}-{task_type}{'-azure' * options.azure}",
        )
        for (name, feature), cell in TABLE.items()
        if cell == wanted
        for task_type in SHOWN_IN[feature]
        if task_type in FORMATS[name].task_types
        for options in (Options(), AZURE)
        if not options.azure or "azure" in FORMATS[name].options
    ]


def count(said: Labeling) -> Counter[str]:
    """How much of each feature there is: of images, or of annotations."""
    shapes = [
        annotation.geometry
        for annotation in said.annotations
        if isinstance(annotation.geometry, Polygon)
    ]
    tags = {
        annotation.class_id
        for annotation in said.annotations
        if isinstance(annotation.geometry, Tag)
    }
    return Counter(
        empty=not said.annotations,
        several_tags=len(tags) > 1,
        outlines=len(shapes),
        parts=sum(len(shape.parts) > 1 for shape in shapes),
        holes=sum(any(part.holes for part in shape.parts) for shape in shapes),
        frames=sum(annotation.frame > 0 for annotation in said.annotations),
        attributes=sum(bool(annotation.attributes) for annotation in said.annotations),
        notes=bool(said.note),
        suggestions=sum(
            bool(annotation.origin and annotation.origin.run_id) for annotation in said.annotations
        ),
    )


def read(format: Format, task_type: TaskType, item: Item, content: bytes) -> Placed:
    assert format.read
    found = list(format.read(Source(format.files[0].name.rpartition("/")[2], BytesIO(content))))
    pieces = [one for one in found if isinstance(one, Described)]
    assert len(pieces) == len(found)
    return placed(pieces, item, task_type, CLASSES, ATTRIBUTES_OF)


def covers(said: Labeling, back: Placed) -> bool:
    """Whether objects of the same classes come back that cover the same, whatever their points are."""
    left = list(back.annotations)
    for annotation in said.annotations:
        twin = next(
            (
                other
                for other in left
                if other.class_id == annotation.class_id
                and near(annotation.geometry, other.geometry, 1.0)
            ),
            None,
        )
        if twin is None:
            return False
        left.remove(twin)
    return not left


def by_class(of: Callable[[Any], Any]) -> Callable[[Labeling, Placed, bytes], bool]:
    """Whether something is the same of all annotations."""

    def same(said: Labeling, back: Placed, _: bytes) -> bool:
        told = [
            [(one.class_id, of(one)) for one in some]
            for some in (said.annotations, back.annotations)
        ]
        return sorted(told[0], key=repr) == sorted(told[1], key=repr)

    return same


SAME: dict[Feature, Callable[[Labeling, Placed, bytes], bool]] = {
    "empty": lambda said, back, _: back.annotations == [],
    "several_tags": by_class(lambda one: None),
    "outlines": lambda said, back, _: covers(said, back),
    "parts": lambda said, back, _: covers(said, back),
    "holes": lambda said, back, _: covers(said, back),
    "frames": by_class(lambda one: one.frame),
    "attributes": by_class(lambda one: one.attributes),
    # Readers of tables take spaces at the ends of cells away.
    "notes": lambda said, back, _: (back.note or "").strip() == (said.note or "").strip(),
    # Whoever imports labels has made them: that they were suggested is told by the file.
    "suggestions": lambda said, _, file: file.count(b"run-1") == count(said)["suggestions"],
    "metadata": lambda said, _, file: all(
        one in file for one in (b"A-7", b"external_id", b"north")
    ),
}


def plainly(said: Labeling, feature: Feature) -> Labeling:
    """Labels without what formats make of the same twice, and without other features."""
    kept: dict[Any, Annotation] = {}
    for annotation in said.annotations:
        frame = annotation.frame if feature == "frames" else 0
        geometry = annotation.geometry
        if isinstance(geometry, Polygon) and feature not in ("holes", "parts"):
            geometry = Polygon(parts=[geometry.parts[0].model_copy(update={"holes": []})])
        if isinstance(geometry, Polygon) and feature == "holes":
            geometry = Polygon(parts=geometry.parts[:1])
        if isinstance(geometry, Polygon) and feature == "parts":
            parts = [part.model_copy(update={"holes": []}) for part in geometry.parts]
            geometry = Polygon(parts=parts)
        attributes = annotation.attributes if feature == "attributes" else {}
        change = {"frame": frame, "geometry": geometry, "attributes": attributes}
        kept[annotation.class_id] = annotation.model_copy(update=change)
    return said.model_copy(update={"annotations": list(kept.values())})


@pytest.mark.parametrize(("format", "feature", "task_type", "options"), cells("yes"))
@settings(max_examples=5)
@given(data=st.data())
def test_what_a_format_can_say_comes_back(
    format: Format,
    feature: Feature,
    task_type: TaskType,
    options: Options,
    data: st.DataObject,
) -> None:
    said = plainly(data.draw(labelings(task_type)), feature)
    if feature == "empty":
        said = said.model_copy(update={"annotations": []})
    about = METADATA if feature == "metadata" else ""
    item = Item("i1", PATH, "0x8D", "0", width=SIZE[0], height=SIZE[1], frames=3, about=about)

    content = exported(format, task_type, item, said, options)

    if content is None:  # refused as a whole, with a reason: nothing of it is said
        assert not said.annotations
        return
    assert SAME[feature](said, read(format, task_type, item, content), content)


@pytest.mark.parametrize(
    ("format", "task_type"),
    [
        pytest.param(one, task_type, id=f"{one.name}-{task_type}")
        for one in FORMATS.values()
        if one.open
        for task_type in one.task_types
    ],
)
@settings(max_examples=2, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_what_a_format_cannot_say_is_counted_in_the_manifest(
    format: Format, task_type: TaskType, data: st.DataObject
) -> None:
    world = World()
    world.storage.blobs.write(
        PHOTOS, "known.png", photo(), content_type="image/png", metadata={"external_id": "A-7"}
    )
    project = world.project(images=2, task_type=task_type, classes=NAMES)
    items = world.services.projects.items(project)
    said = {item.item_id: data.draw(labelings(task_type)) for item in world.items(project).values()}
    assert set(items.take_in(0, said, by=ADMIN.user).values()) == {"saved"}
    world.wait(60)

    export = made(world, project, format=format.name)

    told = manifest(world, project, export)
    left = {one["item_id"] for one in told["omitted"]}
    # These images have a single frame, and few pixels.
    known = {item.item_id: item for item in world.items(project).values()}
    seen = {
        item_id: of_what_is_seen(known[item_id], labeling)
        for item_id, labeling in said.items()
        if item_id not in left
    }
    there = sum(map(count, seen.values()), Counter[str]())
    there["metadata"] = int(world.items(project)["known.png"].item_id not in left)
    lost = {
        feature: there[feature]
        for (name, feature), cell in TABLE.items()
        if name == format.name and cell.startswith("no") and there[feature]
    }
    unseen = sum(
        len(said[at].annotations) - len(labeling.annotations) for at, labeling in seen.items()
    )
    assert told["lost"] == lost | ({"unseen": unseen} if unseen else {})
    assert told["counts"]["items"] == 3 == told["counts"]["exported"] + len(left)
