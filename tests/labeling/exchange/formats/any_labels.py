"""Labels of every kind, for tests of formats."""

from __future__ import annotations

import shutil
import zipfile
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path

from hypothesis import strategies as st

from labeling.annotations.attributes import Attribute, AttributeValue, is_line
from labeling.annotations.classes import LabelClass
from labeling.annotations.shapes import (
    Annotation,
    Box,
    Geometry,
    Origin,
    Part,
    Polygon,
    Tag,
    TaskType,
)
from labeling.exchange.formats.format import Format, Options, Subject
from labeling.exchange.formats.output import Output
from labeling.items.records import Item, Labeling

MOMENT = datetime(2026, 5, 4, tzinfo=UTC)
NAMES = ("yes", "Animal/Cat", "001", "=올빼미", "NA")
ATTRIBUTES = [
    Attribute(name="가려짐", kind="yes_no"),
    Attribute(name="weight, kg", kind="number"),
    Attribute(name="=mood", kind="choice", choices=["calm", "=올빼미", "<b>"]),
    Attribute(name="plate", kind="text"),
]
ADDRESS = "https://account.blob.core.windows.net/photos"


def subject(task_type: TaskType, options: Options | None = None) -> Subject:
    return Subject(
        project="Birds",
        task_type=task_type,
        classes=[
            LabelClass(class_id=f"c{n}", name=name, attributes=ATTRIBUTES)
            for n, name in enumerate(NAMES, 1)
        ],
        address=ADDRESS,
        as_of=MOMENT,
        options=options or Options(),
        container="photos",
    )


def item(number: int = 1, path: str = "birds/owl.jpg") -> Item:
    return Item(f"i{number}", path, "0x8D", "0", width=640, height=480)


def labeling(*annotations: Annotation, note: str | None = None) -> Labeling:
    return Labeling(
        outcome="labeled",
        annotations=list(annotations),
        note=note,
        labeler="ada",
        saved_at=MOMENT,
        classes_version=1,
        submission_id="s1",
    )


def said(geometry: Geometry, class_id: str = "c1", number: int = 1) -> Annotation:
    return Annotation(annotation_id=f"a{number}", class_id=class_id, geometry=geometry)


Images = Iterable[tuple[Item, Labeling]]


def written(folder: Path, made: Format, about: Subject, images: Images) -> Path:
    """Write a format into an empty folder, with what an archive holds beside it."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    with Output(folder) as output, made.open(output, about) as writer:
        for one, labels in images:
            if writer.refuses(one, labels) is None:
                writer.add(one, labels)
        writer.finish()
    for archive in folder.glob("*.zip"):
        with zipfile.ZipFile(archive) as packed:
            packed.extractall(folder)
    return folder


fractions = st.one_of(st.sampled_from([0.0, 1.0, 0.5, 1 / 3]), st.floats(0, 1))


@st.composite
def boxes(draw: st.DrawFn) -> Box:
    x0, x1 = sorted(draw(st.lists(fractions, min_size=2, max_size=2)))
    y0, y1 = sorted(draw(st.lists(fractions, min_size=2, max_size=2)))
    return Box(
        x0=min(x0, 0.9),
        y0=min(y0, 0.9),
        x1=max(x1, min(x0, 0.9) + 0.01),
        y1=max(y1, min(y0, 0.9) + 0.01),
    )


@st.composite
def rectangles(draw: st.DrawFn, most_parts: int = 3) -> Polygon:
    """Parts beside each other, some with a hole, running either way round."""
    parts: list[Part] = []
    count = draw(st.integers(1, most_parts))
    for number in range(count):
        left, right = number / count, (number + 0.9) / count
        top, bottom = draw(st.floats(0, 0.4)), draw(st.floats(0.6, 1))
        outer = [(left, top), (right, top), (right, bottom), (left, bottom)]
        middle = (left + right) / 2
        hole = [(middle, 0.45), (middle + 0.2 / count, 0.5), (middle, 0.55)]
        rings = [outer, *([hole] if draw(st.booleans()) else [])]
        turned = [ring[::-1] if draw(st.booleans()) else ring for ring in rings]
        parts.append(Part(outer=turned[0], holes=turned[1:]))
    return Polygon(parts=parts)


origins = st.none() | st.builds(
    Origin, prelabel=st.just("p1"), run_id=st.none() | st.just("run-1"), changed=st.booleans()
)


values: dict[str, st.SearchStrategy[AttributeValue]] = {
    "yes_no": st.booleans(),
    "number": st.floats(allow_nan=False, allow_infinity=False).map(lambda one: one + 0.0),
    "choice": st.sampled_from(ATTRIBUTES[2].choices),
    "text": st.text(min_size=1, max_size=20).filter(is_line),
}
attributes = st.fixed_dictionaries(
    {}, optional={attribute.name: values[attribute.kind] for attribute in ATTRIBUTES}
)


@st.composite
def labelings(draw: st.DrawFn, task_type: TaskType) -> Labeling:
    """What a labeler may have said in a project of a type."""
    shapes: dict[TaskType, st.SearchStrategy[Geometry]] = {
        "multiclass": st.just(Tag()),
        "multilabel": st.just(Tag()),
        "boxes": boxes(),
        "polygons": rectangles(),
    }
    least, most = (1, 1) if task_type == "multiclass" else (0, 4)
    classes = draw(
        st.lists(
            st.sampled_from([f"c{n}" for n in range(1, len(NAMES) + 1)]),
            min_size=least,
            max_size=most,
            unique=task_type == "multilabel",
        )
    )
    annotations = [
        Annotation(
            annotation_id=f"a{number}",
            class_id=class_id,
            geometry=draw(shapes[task_type]),
            frame=draw(st.integers(0, 2)),
            attributes=draw(attributes),
            origin=draw(origins),
        )
        for number, class_id in enumerate(classes)
    ]
    return labeling(*annotations, note=draw(st.none() | st.text(max_size=20)))
