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
from collections.abc import Sequence
from importlib.resources import files
from io import TextIOWrapper
from pathlib import Path, PurePosixPath
from tempfile import TemporaryFile

from labeling.annotations.shapes import Annotation, Box, Polygon
from labeling.exchange.formats.archive import Archive, Names, is_safe
from labeling.exchange.formats.format import PARTS, File, Format, Subject, Writer
from labeling.exchange.formats.rings import as_one
from labeling.items.records import Item, Labeling

_READ = re.compile(r".+\.(avif|bmp|dng|heic|heif|jp2|jpe?g|mpo|png|tiff?|webp)", re.IGNORECASE)
"""Names of images that are trained from; others are passed over without a word."""

_ABOUT = """\
# Put the images, as they lie in the container, into a folder `images` beside this file. Then:
#   yolo {task} train data=data.yaml
"""


class LabelsWriter(Writer):
    """Writes one text file an image: class and box, or class and outline, in fractions of the image."""

    def __init__(self, folder: Path, subject: Subject) -> None:
        self._subject = subject
        self._archive = Archive(folder / "labels.zip", subject.as_of)
        self._lists = {
            part: TemporaryFile(dir=folder)  # noqa: SIM115 - close() closes them
            for part in PARTS
        }
        self._names = Names()

    def close(self) -> None:
        """Let go of the files."""
        self._archive.close()
        self._names.close()
        for file in self._lists.values():
            file.close()

    def refuses(self, item: Item, labeling: Labeling) -> str | None:
        """Why an image would be passed over, or be given the labels of another one."""
        return _unread(item.path) or (
            "same_name_as_another" if label_path(item.path) in self._names else None
        )

    def add(self, item: Item, labeling: Labeling) -> int:
        """Write the labels of an image. An empty file says that nothing is on it."""
        said = self._subject.said(labeling)
        name = label_path(item.path)
        self._names.add(name)
        rows = "".join(f"{number} {_row(one)}\n" for number, one in said)
        self._archive.write(name, rows.encode("ascii"))
        self._lists[self._subject.part(item)].write(f"./images/{item.path}\n".encode())
        return len(said)

    def finish(self) -> None:
        """Add the lists of images, and what tells where they are."""
        used = [part for part, file in self._lists.items() if file.tell() or part == "train"]
        for part in used:
            self._archive.copy(f"{part}.txt", self._lists[part])
        # Training wants images to validate with: where none are set apart, those it is trained on.
        lists = {"train": "train.txt", "val": "train.txt"} | {part: f"{part}.txt" for part in used}
        names = {number: one.name for number, one in enumerate(self._subject.classes)}
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

    def __init__(self, folder: Path, subject: Subject) -> None:
        self._subject = subject
        self._archive = Archive(folder / "labels.zip", subject.as_of)
        self._folders = class_folders([one.name for one in subject.classes])
        self._list = TemporaryFile(dir=folder)  # noqa: SIM115 - close() closes it
        self._text = TextIOWrapper(self._list, "utf-8", newline="")
        self._rows = csv.writer(self._text)
        self._rows.writerow(("image", "split", "folder"))

    def close(self) -> None:
        """Let go of the files."""
        self._archive.close()
        self._text.close()

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
        self._archive.write("classes.txt", "".join(f"{one}\n" for one in self._folders).encode())
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


def class_folders(names: Sequence[str]) -> list[str]:
    """For each class a folder; sorted by name, as classes are numbered by it, they are in this order.

    >>> class_folders(["Owl", "Animal/Cat"])
    ['0-Owl', '1-Animal-Cat']
    """
    digits = len(str(max(0, len(names) - 1)))
    safe = (re.sub(r"[^\w -]+", "-", name)[:60].rstrip() for name in names)
    return [f"{number:0{digits}d}-{name}" for number, name in enumerate(safe)]


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


def _row(one: Annotation) -> str:
    match one.geometry:
        case Box(x0=x0, y0=y0, x1=x1, y1=y1):
            values = [(x0 + x1) / 2, (y0 + y1) / 2, x1 - x0, y1 - y0]
        case Polygon(parts=parts):
            values = [value for point in as_one(parts) for value in point]
        case _:
            raise ValueError(f"annotation {one.annotation_id!r} says nothing of where it is")
    return " ".join(str(round(value, 10)) for value in values)


def _open(folder: Path, subject: Subject) -> LabelsWriter | FoldersWriter:
    drawn = subject.task_type in ("boxes", "polygons")
    return LabelsWriter(folder, subject) if drawn else FoldersWriter(folder, subject)


YOLO = Format(
    name="yolo",
    title="YOLO",
    files=(File("yolo/labels.zip", "application/zip"),),
    open=_open,
    loses=("several_tags", "parts", "holes", "frames", "notes", "suggestions"),
    options=("split",),
)
