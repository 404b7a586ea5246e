"""Folders of images, one for each class, as ImageNet's are and most trainers of classifiers read them.

The format is made of images: they are copied into `train`, and `val` and `test` where shares are set apart.

Source: torchvision 0.29.2, `ImageFolder`: classes are numbered by the sorted names of their folders.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Mapping, Sequence

from labeling.exchange.formats.csv import guarded, plain
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
from labeling.exchange.formats.output import Output
from labeling.exchange.formats.source import Source
from labeling.items.records import Item, Labeling

_READ = re.compile(r".+\.(jpe?g|png|bmp|tiff?)", re.IGNORECASE)
"""Names of images that torchvision trains from; others are passed over without a word."""

_FOUND = re.compile(
    r".+\.(avif|bmp|dcm|dib|dicom|gif|heic|jfif|jp2|jpe|jpe?g|pgm|png|ppm|tiff?|webp)",
    re.IGNORECASE,
)
"""Names of images that are taken for ones where folders are read."""


class ImageNetWriter(Writer):
    """Tells where each image is copied to, and which class each folder is of."""

    def __init__(self, output: Output, subject: Subject) -> None:
        self._subject = subject
        self._output = output
        self._folders = class_folders([class_.name for class_ in subject.classes])

    def refuses(self, item: Item, labeling: Labeling) -> str | None:
        """Why an image would be in no folder, or not be seen there."""
        if not _READ.fullmatch(item.path):
            return "not_read_from_folders"
        return None if labeling.annotations else "no_class"

    def place(self, item: Item, labeling: Labeling) -> str:
        """Its place below the folder of its class."""
        number = min(number for number, _ in self._subject.said(labeling))
        return f"{self._subject.part(item)}/{self._folders[number]}/{item.path}"

    def folders(self) -> Sequence[str]:
        """One for each class in each share that has images: without them classes had other numbers there."""
        counts = self._output.counts
        used = [part for part in PARTS if counts[part] or part == "train"]
        return [f"{part}/{folder}" for part in used for folder in self._folders]

    def add(self, item: Item, labeling: Labeling) -> int:
        """Count the image. Its folder says all of it."""
        said = self._subject.said(labeling)
        self._output.counts[self._subject.part(item)] += 1
        return min(1, len(said))

    def finish(self) -> None:
        """Write which class each folder is of, in the project's order."""
        rows = csv.writer(self._output.text("folders.csv", "utf-8-sig"))
        rows.writerow(("folder", "class", "class_id"))
        for folder, class_ in zip(self._folders, self._subject.classes, strict=True):
            rows.writerow((folder, guarded(class_.name), class_.class_id))


def class_folders(names: Sequence[str]) -> list[str]:
    """For each class a folder; sorted by name, as classes are numbered by it, they are in this order.

    >>> class_folders(["Owl", "Animal/Cat"])
    ['0-Owl', '1-Animal-Cat']
    """
    digits = len(str(max(0, len(names) - 1)))
    safe = (re.sub(r"[^\w -]+", "-", name)[:60].rstrip() for name in names)
    return [f"{number:0{digits}d}-{name}" for number, name in enumerate(safe)]


def read_imagenet(source: Source) -> Iterator[Described | Remark]:
    """An archive of images in folders: of the class of a folder in `folders.csv`, else of the last folder."""
    names = _names(source)
    for name in source.names:
        *folders, file = name.split("/")
        if folders and _FOUND.fullmatch(file):
            known = (names[folder] for folder in folders if folder in names)
            yield Described(name, [Shape(next(known, folders[-1]))])


def looks_like_imagenet(source: Source) -> bool:
    """Whether there are images in folders, and no files of labels beside them."""
    labels = [
        name
        for name in source.ending(".csv", ".json", ".jsonl", ".txt", ".xml", ".yaml", ".yml")
        if name.rpartition("/")[2] not in _OWN
    ]
    return len(source.names) > 1 and not labels


_OWN = ("folders.csv", "images.csv", "manifest.json")


def _names(source: Source) -> Mapping[str, str]:
    names: dict[str, str] = {}
    for name in source.ending("folders.csv"):
        with source.text(name) as file:
            for row in csv.DictReader(file):
                if row.get("folder") and row.get("class"):
                    names[row["folder"]] = plain(row["class"])
    return names


IMAGENET = Format(
    name="imagenet",
    title="ImageNet folders",
    files=(File("imagenet/folders.csv", "text/csv"),),
    open=ImageNetWriter,
    read=read_imagenet,
    fits=looks_like_imagenet,
    task_types=("multiclass",),
    loses=("frames", "attributes", "notes", "suggestions", "metadata"),
    options=("split",),
    images=None,
    samples={
        "multiclass": """\
from torchvision.datasets import ImageFolder

images = ImageFolder("imagenet/train", allow_empty=True)
for image, number in images:
    print(image.size, images.classes[number])
"""
    },
)
