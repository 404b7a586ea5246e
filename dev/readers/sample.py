"""Small labeled projects, one of each type, that have everything in them that readers stumble over."""

from __future__ import annotations

import zipfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from PIL import Image, ImageDraw

from labeling.annotations.classes import LabelClass
from labeling.annotations.shapes import (
    Annotation,
    Box,
    Geometry,
    Part,
    Polygon,
    Tag,
    TaskType,
    ring_area,
)
from labeling.exchange import choice
from labeling.exchange.formats.format import Format, Options, Split, Subject
from labeling.exchange.formats.output import Output
from labeling.items.records import Item, Labeling

NAMES = ("yes", "Animal/Cat", "001", "올빼미", '"quoted": #no\\')
SIZE = (64, 48)
FILES = ("a/photo.jpg", "b/photo.jpg", "images/새 1.png", "c d/#3 100%.jpg", "e.JPG", "f.bmp")
SQUARE = [(0.0, 0.0), (1.0, 0.0), (1.0, 1.0), (0.0, 1.0)]
HOLE = [(0.25, 0.25), (0.75, 0.25), (0.75, 0.75), (0.25, 0.75)]
LEFT = [(0.0, 0.0), (0.25, 0.0), (0.25, 0.5), (0.0, 0.5)]
RIGHT = [(0.5, 0.5), (0.75, 0.5), (0.75, 1.0), (0.5, 1.0)]

BORDER = 0.15
"""Share of an area by which readers differ: some fill the pixels of the outline as well."""


def subject(task_type: TaskType) -> Subject:
    """A project, and everything that can be chosen."""
    return Subject(
        project="Sample",
        task_type=task_type,
        classes=[LabelClass(class_id=f"c{n}", name=name) for n, name in enumerate(NAMES, 1)],
        address="https://account.blob.core.windows.net/photos",
        container="photos",
        as_of=datetime(2026, 11, 28, tzinfo=UTC),
        options=Options(split=Split(val=0.3)),
    )


def labeled(task_type: TaskType) -> Iterator[tuple[Item, Labeling]]:
    """Its images, whole-number coordinates first, and one image with nothing on it where that may be."""
    said: dict[TaskType, list[list[tuple[str, Geometry]]]] = {
        "multiclass": [[("c1", Tag())], [("c2", Tag())], [("c3", Tag())], [("c4", Tag())]],
        "multilabel": [[("c1", Tag()), ("c2", Tag())], [], [("c4", Tag())], [("c5", Tag())]],
        "boxes": [
            [("c1", Box(x0=0, y0=0, x1=1, y1=1))],
            [],
            [("c2", Box(x0=0.1, y0=0.2, x1=1 / 3, y1=0.9)), ("c5", Box(x0=0, y0=0, x1=1, y1=0.3))],
        ],
        "polygons": [
            [("c1", Polygon(parts=[Part(outer=SQUARE)]))],
            [],
            [("c2", Polygon(parts=[Part(outer=SQUARE, holes=[HOLE])]))],
            [("c4", Polygon(parts=[Part(outer=LEFT), Part(outer=RIGHT)]))],
        ],
    }
    for number, path in enumerate(FILES):
        annotations = [
            Annotation(annotation_id=f"a{n}", class_id=class_id, geometry=geometry)
            for n, (class_id, geometry) in enumerate(said[task_type][number % len(said[task_type])])
        ]
        labeling = Labeling(
            outcome="labeled",
            annotations=annotations,
            note="=1+1" if number == 0 else None,
            labeler="ada",
            saved_at=datetime(2026, 11, 28, tzinfo=UTC),
            classes_version=1,
            submission_id="s1",
        )
        yield Item(f"i{number}", path, "0x1", "0", width=SIZE[0], height=SIZE[1]), labeling


def areas() -> list[float]:
    """Of the polygons that are labeled, in pixels."""
    return [
        sum(ring_area(part.outer) - sum(map(ring_area, part.holes)) for part in shape.parts)
        * (SIZE[0] * SIZE[1])
        for _, labeling in labeled("polygons")
        for annotation in labeling.annotations
        if isinstance(shape := annotation.geometry, Polygon)
    ]


@dataclass(frozen=True)
class Written:
    """How many images and labels were written, and how many images were refused, by reason."""

    images: int
    labels: int
    refused: Counter[str]


def write(folder: Path, made: Format, task_type: TaskType, *, flat: bool = False) -> Written:
    """Export the sample into a folder, unpacked, with the images beside; `flat`: all of them in one folder."""
    assert made.open, f"{made.name} is only read"
    folder.mkdir(parents=True)
    images = labels = 0
    refused: Counter[str] = Counter()
    places: list[Path] = []
    copies = folder / (made.images or "")
    with Output(folder) as output, made.open(output, subject(task_type)) as writer:
        for listed, labeling in labeled(task_type):
            item = choice.flat(listed) if flat else listed
            if why := writer.refuses(item, labeling):
                refused[why] += 1
                places.append(copies / item.path)
            else:
                images += 1
                labels += writer.add(item, labeling)
                places.append(copies / writer.place(item, labeling))
        writer.finish()
        for name in writer.folders():
            (copies / name).mkdir(parents=True, exist_ok=True)
    for archive in folder.glob("*.zip"):
        zipfile.ZipFile(archive).extractall(folder)
    for number, path in enumerate(places):
        path.parent.mkdir(parents=True, exist_ok=True)
        image = Image.new("RGB", SIZE, (40 * number, 90, 30))
        ImageDraw.Draw(image).ellipse((8, 8, 40, 40), fill=(250, 250, 40 * number))
        image.save(path)
    return Written(images, labels, refused)
