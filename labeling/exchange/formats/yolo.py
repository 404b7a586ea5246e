"""Archives that Ultralytics' YOLO is trained from: to detect boxes, to segment polygons, to classify.

For boxes and polygons: a text file of labels an image, lists of the images, and `data.yaml`. For tags, which
YOLO reads off the folder an image is in: a list of images and folders, and a script that fills the folders.

Source: https://docs.ultralytics.com/datasets/, and what ultralytics 8.4.190 does with what is there: an image
is dropped whole where a label of it can't be read.
"""

from __future__ import annotations

import csv
import json
import re
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from importlib.resources import files
from math import isfinite
from pathlib import PurePosixPath
from typing import Any, Literal

import yaml

from labeling.annotations.shapes import Annotation, Box, Polygon
from labeling.exchange.formats.archive import Archive, is_safe
from labeling.exchange.formats.format import (
    PARTS,
    Described,
    File,
    Format,
    Remark,
    Shape,
    Subject,
    Writer,
)
from labeling.exchange.formats.imagenet import class_folders, read_imagenet
from labeling.exchange.formats.output import Output
from labeling.exchange.formats.rings import as_one
from labeling.exchange.formats.source import Source, Unreadable
from labeling.items.records import Item, Labeling

_READ = re.compile(r".+\.(avif|bmp|dng|heic|heif|jp2|jpe?g|mpo|png|tiff?|webp)", re.IGNORECASE)
"""Names of images that are trained from; others are passed over without a word."""

_ABOUT = """\
# Put the images, as they lie in the container, into a folder `images` beside this file. Then:
#   yolo {task} train data=data.yaml
"""


class LabelsWriter(Writer):
    """Writes one text file an image: class and box, or class and outline, in fractions of the image."""

    def __init__(self, output: Output, subject: Subject) -> None:
        self._subject = subject
        self._archive = Archive(output, "labels.zip", subject.as_of)
        self._lists = {part: output.file(f".{part}") for part in PARTS}

    def close(self) -> None:
        """Complete the archive."""
        self._archive.close()

    def refuses(self, item: Item, labeling: Labeling) -> str | None:
        """Why an image would be passed over, or be given the labels of another one."""
        return _unread(item.path) or (
            "same_name_as_another" if label_path(item.path) in self._archive else None
        )

    def add(self, item: Item, labeling: Labeling) -> int:
        """Write the labels of an image. An empty file says that nothing is on it."""
        said = self._subject.said(labeling)
        rows = "".join(f"{number} {_row(annotation)}\n" for number, annotation in said)
        self._archive.write(label_path(item.path), rows.encode("ascii"))
        self._lists[self._subject.part(item)].write(f"./images/{item.path}\n".encode())
        return len(said)

    def finish(self) -> None:
        """Add the lists of images, and what tells where they are."""
        used = [part for part, file in self._lists.items() if file.tell() or part == "train"]
        for part in used:
            self._archive.copy(f"{part}.txt", self._lists[part])
        # Training wants images to validate with: where none are set apart, those it is trained on.
        lists = {"train": "train.txt", "val": "train.txt"} | {part: f"{part}.txt" for part in used}
        names = {number: class_.name for number, class_ in enumerate(self._subject.classes)}
        task = "detect" if self._subject.task_type == "boxes" else "segment"
        lines = [
            _ABOUT.format(task=task),
            *(f"{part}: {name}\n" for part, name in lists.items()),
            "names:\n" if names else "names: {}\n",
            *(f"  {number}: {quoted(name)}\n" for number, name in names.items()),
        ]
        self._archive.write("data.yaml", "".join(lines).encode())
        self._archive.close()


class FoldersWriter(Writer):
    """Writes which image goes into which folder, and a script that puts it there."""

    def __init__(self, output: Output, subject: Subject) -> None:
        self._subject = subject
        self._archive = Archive(output, "labels.zip", subject.as_of)
        self._names = [class_.name for class_ in subject.classes]
        self._folders = class_folders(self._names)
        self._list = output.file(".images")
        begun = self._list.tell()
        self._text = output.text(".images")
        self._rows = csv.writer(self._text)
        if not begun:
            self._rows.writerow(("image", "split", "folder"))

    def close(self) -> None:
        """Complete the archive."""
        self._archive.close()

    def refuses(self, item: Item, labeling: Labeling) -> str | None:
        """Why an image would not be trained from: of no class, there is no folder for it."""
        return _unread(item.path) or (None if labeling.annotations else "no_class")

    def add(self, item: Item, labeling: Labeling) -> int:
        """Write the folder of an image: that of the first of its classes, in the project's order."""
        number = min(number for number, _ in self._subject.said(labeling))
        self._rows.writerow((item.path, self._subject.part(item), self._folders[number]))
        return 1

    def finish(self) -> None:
        """Add the list, and what makes the folders."""
        self._text.flush()
        self._archive.copy("images.csv", self._list)
        names = {"folders": dict(zip(self._folders, self._names, strict=True))}
        self._archive.write("names.yaml", json.dumps(names).encode("ascii"))
        self._archive.write(
            "classes.txt", "".join(f"{folder}\n" for folder in self._folders).encode()
        )
        self._archive.write(
            "arrange.py", files("labeling.exchange.formats").joinpath("arrange.py").read_bytes()
        )
        self._archive.close()


def label_path(path: str) -> str:
    """Where the labels of an image are looked for, when the image lies at `images/path`.

    It is the last folder named `images` that is taken for `labels`.

    >>> label_path("owls/1.jpg"), label_path("images/1.jpg")
    ('labels/owls/1.txt', 'images/labels/1.txt')
    """
    *folders, name = ["images", *path.split("/")]
    last = len(folders) - 1 - folders[::-1].index("images")
    stem = PurePosixPath(name).stem
    return "/".join([*folders[:last], "labels", *folders[last + 1 :], f"{stem}.txt"])


def quoted(text: str) -> str:
    """Text as YAML reads it back, whatever is in it: JSON, with what YAML takes for no text escaped."""
    return re.sub(
        "[\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]",
        lambda found: f"\\u{ord(found[0]):04x}",
        json.dumps(text, ensure_ascii=False),
    )


def _unread(path: str) -> str | None:
    if not is_safe(path):
        return "unsafe_name"
    return None if _READ.fullmatch(path) else "not_read_by_yolo"


def _row(annotation: Annotation) -> str:
    match annotation.geometry:
        case Box(x0=x0, y0=y0, x1=x1, y1=y1):
            values = [(x0 + x1) / 2, (y0 + y1) / 2, x1 - x0, y1 - y0]
        case Polygon(parts=parts):
            values = [value for point in as_one(parts) for value in point]
        case _:
            raise ValueError(f"annotation {annotation.annotation_id!r} says nothing of where it is")
    return " ".join(str(round(value, 10)) for value in values)


def read_yolo(source: Source) -> Iterator[Described | Remark]:
    """What an archive says: text files of labels with the names of classes, or images in folders.

    Images of text files are found by the lists of images where there are some, else by name without extension.
    """
    lists = source.ending("images.csv")
    if lists and source.ending("names.yaml"):
        yield from _read_folders(source, lists[0])
    elif labels := _label_files(source):
        yield from _read_labels(source, labels)
    else:
        yield from read_imagenet(source)


def looks_like_yolo(source: Source) -> bool:
    """Whether there are text files of labels and names of classes, or our own list of folders."""
    if source.ending("images.csv") and source.ending("names.yaml"):
        return True
    return bool(_label_files(source)) and bool(_names_files(source))


_LISTS = tuple(f"{part}.txt" for part in PARTS)
_NO_LABELS = (
    *_LISTS,
    "classes.txt",
    "obj.names",
    "readme.txt",
    "readme.roboflow.txt",
    "readme.dataset.txt",
)


def _names_files(source: Source) -> list[str]:
    return source.ending(".yaml", ".yml", "classes.txt", "obj.names")


def _label_files(source: Source) -> list[str]:
    texts = [
        name for name in source.ending(".txt") if PurePosixPath(name).name.lower() not in _NO_LABELS
    ]
    below = [text for text in texts if "labels" in text.split("/")[:-1]]
    return below or texts


def _class_names(source: Source) -> list[str]:
    """Names of classes, by number.

    Raises:
        Invalid: they are nowhere.
    """
    for name in _names_files(source):
        text = source.read(name).decode("utf-8-sig")
        if not name.lower().endswith((".yaml", ".yml")):
            return [line.strip() for line in text.splitlines() if line.strip()]
        found: Any = yaml.safe_load(text)
        names = found.get("names") if isinstance(found, dict) else None
        if isinstance(names, dict):
            most = max((int(number) for number in names), default=-1)
            by_number = {int(number): str(name) for number, name in names.items()}
            return [by_number.get(number, "") for number in range(min(most, 100_000) + 1)]
        if isinstance(names, list):
            return [str(name) for name in names]
    raise Unreadable(
        "no_class_names", "the names of the classes are missing: put data.yaml into the archive"
    )


def _read_labels(source: Source, labels: Sequence[str]) -> Iterator[Described | Remark]:
    names = _class_names(source)
    with closing(sqlite3.connect("")) as base:
        base.execute("CREATE TABLE images (label TEXT PRIMARY KEY, path TEXT) WITHOUT ROWID")
        for one in source.ending(*_LISTS):
            for _, line in source.lines(one):
                path = line.strip().replace("\\", "/").removeprefix("./")
                if path:
                    known = (_label_of(path), path)
                    base.execute("INSERT OR IGNORE INTO images VALUES (?, ?)", known)
        for name in labels:
            row = base.execute("SELECT path FROM images WHERE label = ?", (name,)).fetchone()
            path = row[0] if row else _stem_of(name)
            shapes: list[Shape] = []
            for number, line in source.lines(name):
                shape = _read_row(line, names)
                if isinstance(shape, Shape):
                    shapes.append(shape)
                elif shape:
                    yield Remark(shape, f"{name}: line {number}")
            yield Described(_below_images(path), shapes, stem=row is None)


def _label_of(image: str) -> str:
    """The text file of an image as it stands in a list."""
    *folders, name = image.split("/")
    if "images" in folders:
        last = len(folders) - 1 - folders[::-1].index("images")
        folders[last] = "labels"
    return "/".join([*folders, f"{PurePosixPath(name).stem}.txt"])


def _stem_of(label: str) -> str:
    """The image of a text file, without its extension."""
    *folders, name = label.split("/")
    if "labels" in folders:
        last = len(folders) - 1 - folders[::-1].index("labels")
        folders[last] = "images"
    return "/".join([*folders, PurePosixPath(name).stem])


def _below_images(path: str) -> str:
    """A path from the folder `images` on, which is where images were put for training."""
    return path.removeprefix("images/") or path


def _read_row(
    line: str, names: Sequence[str]
) -> Shape | Literal["unreadable_row", "no_such_class"] | None:
    """A row of a text file: a class, then a box or an outline, perhaps how sure a model was."""
    words = line.split()
    if not words:
        return None
    try:
        number, values = int(float(words[0])), list(map(float, words[1:]))
    except (ValueError, OverflowError):
        return "unreadable_row"
    if len(values) < 4 or not all(map(isfinite, values)):
        return "unreadable_row"
    if not (0 <= number < len(names) and names[number]):
        return "no_such_class"
    sure = values.pop() if len(values) % 2 else None
    if len(values) == 4:
        x, y, width, height = values
        box = (x - width / 2, y - height / 2, x + width / 2, y + height / 2)
        return Shape(names[number], box, confidence=sure)
    ring = list(zip(values[::2], values[1::2], strict=True))
    return Shape(names[number], parts=[(ring, [])], confidence=sure)


def _read_folders(source: Source, name: str) -> Iterator[Described | Remark]:
    """Our own lists of images and the folders they are in."""
    names: Mapping[str, str] = yaml.safe_load(source.read(source.ending("names.yaml")[0]))[
        "folders"
    ]
    with source.text(name) as file:
        for number, row in enumerate(csv.DictReader(file), 2):
            if row["folder"] in names:
                yield Described(row["image"], [Shape(str(names[row["folder"]]))])
            else:
                yield Remark("no_such_class", f"{name}: row {number}")


def _open(output: Output, subject: Subject) -> LabelsWriter | FoldersWriter:
    drawn = subject.task_type in ("boxes", "polygons")
    return LabelsWriter(output, subject) if drawn else FoldersWriter(output, subject)


_TRAINS = """\
from zipfile import ZipFile

from ultralytics import YOLO

ZipFile("yolo/labels.zip").extractall("yolo")  # the images belong into yolo/images
YOLO("{weights}").train(data="yolo/data.yaml")
"""

_LOADS_FOLDERS = """\
import subprocess
import sys
from zipfile import ZipFile

from torchvision.datasets import ImageFolder

ZipFile("yolo/labels.zip").extractall("yolo")
subprocess.run([sys.executable, "yolo/arrange.py", "yolo/images"], check=True)
images = ImageFolder("yolo/train", allow_empty=True)
for image, number in images:
    print(image.size, images.classes[number])
"""

YOLO = Format(
    name="yolo",
    title="YOLO",
    files=(File("yolo/labels.zip", "application/zip"),),
    open=_open,
    read=read_yolo,
    fits=looks_like_yolo,
    loses=(
        "several_tags",
        "parts",
        "holes",
        "frames",
        "attributes",
        "notes",
        "suggestions",
        "metadata",
    ),
    options=("split", "flat"),
    samples={
        **dict.fromkeys(("multiclass", "multilabel"), _LOADS_FOLDERS),
        "boxes": _TRAINS.format(weights="yolo11n.pt"),
        "polygons": _TRAINS.format(weights="yolo11n-seg.pt"),
    },
)
