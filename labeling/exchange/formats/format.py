"""What a format is: data about it, a writer that takes one image after the other, and a reader that gives them.

What a format can't say is data too (`loses`): it is counted here, for all formats alike, and each writer
writes what comes nearest. A reader says what stands in a file and in its units; what becomes of that on an
image of a project is the same for all formats (`placing.py`).
"""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from hashlib import sha256
from typing import Annotated, Literal, Self, get_args

from pydantic import Field, model_validator

from labeling import layout
from labeling.annotations.classes import MAX_CLASSES, ClassName, LabelClass
from labeling.annotations.geometry import is_seen
from labeling.annotations.shapes import Annotation, Polygon, Tag, TaskType
from labeling.exchange.formats.output import Output
from labeling.exchange.formats.source import Source
from labeling.items.records import Item, Labeling
from labeling.media.frames import size_of
from labeling.model import Id, Model, UtcTime

Feature = Literal[
    "empty",
    "several_tags",
    "outlines",
    "parts",
    "holes",
    "frames",
    "attributes",
    "notes",
    "suggestions",
    "metadata",
]
"""What labels and images may have that some formats can't say, see `features`.

`metadata` is known of an image, whatever is said of it.
"""

ALL_TASK_TYPES: tuple[TaskType, ...] = get_args(TaskType)


Part = Literal["train", "val", "test"]
PARTS: tuple[Part, ...] = get_args(Part)

State = Literal["labeled", "needs_review", "available"]
"""Of images that can be exported."""

Share = Annotated[float, Field(ge=0.0, le=0.9)]


class Split(Model):
    """Shares of the images that are set apart, to validate with while training and to test with at last.

    An image is where a hash of its id and the seed puts it: the same in every export, whatever is labeled
    besides. Images that look alike are together, as far as they are grouped.
    """

    val: Share = 0.2
    test: Share = 0.0
    seed: Annotated[str, Field(max_length=100)] = ""

    @model_validator(mode="after")
    def _leaves_some(self) -> Split:
        if self.val + self.test > 0.95:
            raise ValueError("val and test together leave less than a twentieth to train with")
        return self

    def part(self, item: Item) -> Part:
        """Where an image is."""
        together = layout.group_of(item.group) or item.item_id
        place = int.from_bytes(sha256(f"{self.seed}|{together}".encode()).digest()[:8], "big")
        share = place / 2**64
        if share < self.test:
            return "test"
        return "val" if share < self.test + self.val else "train"


class Options(Model):
    """What may be chosen of an export; each format tells which of them it heeds."""

    azure: Annotated[
        bool,
        Field(
            description="COCO as Azure Machine Learning writes it: places in fractions of an image, and the "
            "addresses of images"
        ),
    ] = False
    datastore: Annotated[
        str,
        Field(
            max_length=500,
            pattern=r"^(azureml://subscriptions/\S+/datastores/[^\s/]+)?$",
            description="where Azure Machine Learning finds the images, in full: "
            "`azureml://subscriptions/../datastores/name`. Their addresses in storage when left out",
        ),
    ] = ""
    split: Annotated[
        Split | None, Field(description="all images are for training when left out")
    ] = None
    classes: Annotated[
        list[Id],
        Field(
            max_length=MAX_CLASSES,
            description="ids of those that are exported, with what is of them; all when left out",
        ),
    ] = []
    rename: Annotated[
        dict[Id, ClassName],
        Field(
            max_length=MAX_CLASSES,
            description="names that files have for classes, by id; those of one name become one class",
        ),
    ] = {}
    path: Annotated[
        str, Field(max_length=1_024, description="how the paths of exported images begin")
    ] = ""
    labelers: Annotated[
        list[Annotated[str, Field(max_length=200)]],
        Field(max_length=1_000, description="people whose labels are exported; all when left out"),
    ] = []
    since: Annotated[
        UtcTime | None, Field(description="labels that were saved before are not exported")
    ] = None
    states: Annotated[
        list[State],
        Field(
            min_length=1,
            description="of exported images; `available` are those that not everybody has labeled who is to",
        ),
    ] = ["labeled"]
    labelings: Annotated[
        Literal["agreed", "each"],
        Field(
            description="of images that several people label: what they agree on, or what each of them said"
        ),
    ] = "agreed"
    flat: Annotated[
        bool, Field(description="whether files name images without folders; `images.csv` tells how")
    ] = False
    images: Annotated[
        Literal["none", "links", "copies"],
        Field(
            description="`links`: `images.csv` has the address of each exported image in storage; `copies`: "
            "images are copied to where the files name them, under names without folders"
        ),
    ] = "none"


OptionName = Literal[
    "azure",
    "datastore",
    "split",
    "classes",
    "rename",
    "path",
    "labelers",
    "since",
    "states",
    "labelings",
    "flat",
    "images",
]

ALWAYS: tuple[OptionName, ...] = (
    "classes",
    "rename",
    "path",
    "labelers",
    "since",
    "states",
    "images",
)
"""What can be chosen of every format."""


@dataclass(frozen=True)
class Subject:
    """What is exported, and how it was asked for."""

    project: str
    """Its name."""
    task_type: TaskType
    classes: Sequence[LabelClass]
    """All of the project's, in its order: they are numbered by it, whether an image shows them or not."""
    address: str
    """Of the folder of the images' paths: that of their container, with `folder` in it."""
    as_of: datetime
    options: Options
    container: str
    folder: str = ""
    """Of the container, what goes before all paths and nobody typed, with its slash."""

    @property
    def location(self) -> str:
        """Where the paths begin: the container, and the folder in it."""
        return f"{self.container}/{self.folder}".removesuffix("/")

    @cached_property
    def _numbers(self) -> Mapping[str, int]:
        return {class_.class_id: number for number, class_ in enumerate(self.classes)}

    def number(self, annotation: Annotation) -> int:
        """The place of an annotation's class among the classes, from 0.

        Raises:
            ValueError: it is of a class that isn't among them.
        """
        number = self._numbers.get(annotation.class_id)
        if number is None:
            raise ValueError(
                f"annotation {annotation.annotation_id!r} is of class {annotation.class_id!r}, "
                "which is not among the classes given"
            )
        return number

    def part(self, item: Item) -> Part:
        """Whether an image is to train, to validate or to test with."""
        return self.options.split.part(item) if self.options.split else "train"

    def said(self, labeling: Labeling) -> list[tuple[int, Annotation]]:
        """The annotations with the numbers of their classes; a tag said twice is said once.

        Raises:
            ValueError: one is of a class that isn't among the classes.
        """
        said: list[tuple[int, Annotation]] = []
        tagged: set[int] = set()
        for annotation in labeling.annotations:
            number = self.number(annotation)
            if isinstance(annotation.geometry, Tag):
                if number in tagged:
                    continue
                tagged.add(number)
            said.append((number, annotation))
        return said


class Writer(ABC):
    """Writes the files of one export; all of them are there when it is finished.

    One that is opened on what another has left goes on behind it: all that it needs to know is in the files
    and counts of its output.
    """

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *raised: object) -> None:
        self.close()

    def refuses(self, item: Item, labeling: Labeling) -> str | None:
        """Why a labeled image can't be in these files, in one word, or None."""
        return None

    def place(self, item: Item, labeling: Labeling) -> str:
        """Where an image that is copied lies, in the folder of copies."""
        return item.path

    def folders(self) -> Sequence[str]:
        """Folders that readers look for in that of copies, whether an image lies in them or not."""
        return ()

    @abstractmethod
    def add(self, item: Item, labeling: Labeling) -> int:
        """Write a labeled, measured image that is not refused; the number of annotations written.

        Raises:
            ValueError: an annotation is of a class that isn't among the classes. Nothing is written.
        """

    def add_each(self, item: Item, said: Sequence[Labeling]) -> int:
        """Write an image with what each of several people said of it, as `add`.

        Only formats that heed `labelings` are given that.
        """
        return sum(self.add(item, labeling) for labeling in said)

    @abstractmethod
    def finish(self) -> None:
        """Complete the files. Nothing can be added afterwards."""

    def close(self) -> None:  # noqa: B027 - most hold nothing open
        """Let go of what is open besides the files, whether it was finished or not."""


Ring = list[tuple[float, float]]
RingsOfPart = tuple[Ring, list[Ring]]
"""An outline, and the holes in it."""


@dataclass(frozen=True)
class Shape:
    """One thing that a file says to be on an image; with neither box nor parts, of the whole image.

    `box` is left, top, right and bottom. What has both says the same twice: whoever takes it chooses.
    `attributes` are as the file has them, by name.
    """

    class_name: str
    box: tuple[float, float, float, float] | None = None
    parts: list[RingsOfPart] = field(default_factory=list[RingsOfPart])
    frame: int = 0
    confidence: float | None = None
    attributes: Mapping[str, str | float | bool] = field(
        default_factory=dict[str, "str | float | bool"]
    )


def scalar(value: object) -> str | float | bool:
    """What a file says of an attribute, as `Shape` has it: of lists and objects their JSON."""
    return value if isinstance(value, str | int | float) else json.dumps(value)


@dataclass(frozen=True)
class Described:
    """What a file says about an image. It may say it in several pieces, in any order.

    `path` is as the file has it; a `stem` is one without its extension. `width` and `height` are those of the
    upright image, 0 where the file doesn't say. Shapes are `in_pixels`, or in fractions of the image.
    """

    path: str
    shapes: Sequence[Shape] = ()
    width: float = 0
    height: float = 0
    in_pixels: bool = False
    stem: bool = False
    note: str = ""


RemarkKind = Literal[
    "no_such_image",
    "no_such_class",
    "unreadable_row",
    "unreadable_shape",
    "not_a_shape",
    "crowd",
    "rotated",
]
"""What readers find that is not as it should be. A `crowd` is taken as one object, what was `rotated` by its
corners; the others are left out."""


@dataclass(frozen=True)
class Remark:
    """Something of a file that is left out, or taken as something else. `where` names it for a person."""

    kind: RemarkKind
    where: str


Read = Callable[[Source], Iterator[Described | Remark]]
"""Reads a file, holding little of it in memory.

Raises `Invalid` where it is not of the format; whatever else a parser raises at a broken file is told as such.
"""


@dataclass(frozen=True)
class File:
    """A file of a format: its name in the export, and its media type."""

    name: str
    media_type: str


@dataclass(frozen=True)
class Format:
    """A format, as it is listed: what writes it, and what reads it.

    One that can't be written has no `open`, one that can't be read no `read`. `fits` tells whether a file looks
    like one, from its name, its first bytes and the names in it.
    """

    name: str
    title: str
    """A proper name, the same in every language."""
    files: tuple[File, ...] = ()
    """The labels themselves first."""
    open: Callable[[Output, Subject], Writer] | None = None
    read: Read | None = None
    fits: Callable[[Source], bool] = lambda _: False
    task_types: tuple[TaskType, ...] = ALL_TASK_TYPES
    loses: tuple[Feature, ...] = ()
    options: tuple[OptionName, ...] = ()
    images: str | None = "images"
    """Where readers look for images beside the files; None where the format is made of images."""
    samples: Mapping[TaskType, str] = field(default_factory=dict[TaskType, str])
    """Python that loads what is written, run where the files of the export are."""

    def chosen(self, options: Options) -> Options:
        """Those options, as far as the format leaves a choice."""
        return options if self.images else options.model_copy(update={"images": "copies"})

    def folder(self, options: Options) -> str:
        """Where images are copied to, with its slash; empty where they are not."""
        if options.images != "copies":
            return ""
        return "/".join([self.name, *([self.images] if self.images else []), ""])


def for_all_types(sample: str) -> Mapping[TaskType, str]:
    """Samples of a format whose files are loaded the same way, whatever is labeled."""
    return dict.fromkeys(ALL_TASK_TYPES, sample)


def of_first_frame(labeling: Labeling) -> Labeling:
    """What a format that has no frames can say: all tags, and the shapes of the first frame.

    Its readers open the first frame of a file alone, and would take the shapes of others for what is on that.
    """
    kept = [
        annotation
        for annotation in labeling.annotations
        if not annotation.frame or isinstance(annotation.geometry, Tag)
    ]
    return labeling.model_copy(update={"annotations": kept})


def of_what_is_seen(item: Item, labeling: Labeling) -> Labeling:
    """What of the labels is on the image: on a frame that it has, and a pixel large at least.

    All of it is while the image is the one that was labeled. Since it was overwritten it may be smaller.
    """

    def seen(annotation: Annotation) -> bool:
        if isinstance(annotation.geometry, Tag):
            return True
        size = size_of(item.frame_sizes, annotation.frame) or (item.width, item.height)
        return annotation.frame < item.frames and is_seen(annotation.geometry, *size)

    kept = [annotation for annotation in labeling.annotations if seen(annotation)]
    if len(kept) == len(labeling.annotations):
        return labeling
    return labeling.model_copy(update={"annotations": kept})


def features(labeling: Labeling) -> Counter[Feature]:
    """How much of what some formats can't say there is in the labels of an image.

    `empty` and `several_tags` and `notes` count images, the others annotations: outlines that are polygons,
    those in several parts, those with holes, those of another frame than the first, those with attributes,
    those made from a suggestion.
    """
    found: Counter[Feature] = Counter()
    tagged: set[str] = set()
    for annotation in labeling.annotations:
        if isinstance(annotation.geometry, Tag):
            tagged.add(annotation.class_id)
        elif isinstance(annotation.geometry, Polygon):
            found["outlines"] += 1
            found["parts"] += len(annotation.geometry.parts) > 1
            found["holes"] += any(part.holes for part in annotation.geometry.parts)
        found["frames"] += annotation.frame > 0
        found["attributes"] += bool(annotation.attributes)
        found["suggestions"] += bool(annotation.origin and annotation.origin.run_id)
    found["empty"] = not labeling.annotations
    found["several_tags"] = len(tagged) > 1
    found["notes"] = bool(labeling.note)
    return found
