"""COCO files, written and read as they come: memory does not grow with the dataset.

Azure Machine Learning writes COCO of its own, with fractions instead of pixels and the addresses of images:
that is written when the option `azure` asks for it, and told by those addresses when it is read.
"""

from __future__ import annotations

import json
import shutil
import sqlite3
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from itertools import islice
from typing import Any, TypedDict
from urllib.parse import quote

import pycocotools.mask

from labeling.annotations.classes import LabelClass
from labeling.annotations.geometry import adds_up
from labeling.annotations.shapes import Box, Point, Polygon, Tag, ring_area
from labeling.exchange.formats.format import (
    Described,
    File,
    Format,
    Remark,
    Ring,
    RingsOfPart,
    Shape,
    Subject,
    Writer,
    for_all_types,
    scalar,
)
from labeling.exchange.formats.masks import decoded, outlines
from labeling.exchange.formats.output import Output
from labeling.exchange.formats.source import Source, Unreadable
from labeling.items.records import Item, Labeling
from labeling.media.frames import size_of
from labeling.model import from_milliseconds

_masks: Any = pycocotools.mask  # its stubs know neither lists of polygons nor lists of runs


class Rle(TypedDict):
    """A mask as pycocotools keeps it: [height, width], and run lengths in its own ASCII code."""

    size: list[int]
    counts: bytes


def to_pixels(fraction: float, side: int) -> float:
    """A coordinate in pixels of an upright image's side, to two decimals.

    >>> to_pixels(1 / 3, 640)
    213.33
    """
    return round(fraction * side, 2)


@dataclass(frozen=True)
class Units:
    """What numbers say where a thing is on an image of `width` x `height` pixels: pixels, or `fractions`."""

    width: int
    height: int
    fractions: bool = False

    def x(self, fraction: float) -> float:
        """A place along the width."""
        return self.rounded(fraction) if self.fractions else to_pixels(fraction, self.width)

    def y(self, fraction: float) -> float:
        """A place along the height."""
        return self.rounded(fraction) if self.fractions else to_pixels(fraction, self.height)

    def rounded(self, value: float) -> float:
        """A place, a length or an area."""
        return round(float(value), 10 if self.fractions else 2)

    @property
    def whole(self) -> int:
        """The area of the image."""
        return 1 if self.fractions else self.width * self.height


class CocoWriter(Writer):
    """Writes one COCO file.

    Images go straight into the file; annotations, which follow them there, wait in one beside it. So the
    folder needs room for the annotations twice.

    Source: the COCO data format, https://cocodataset.org/#format-data.
    """

    def __init__(self, output: Output, subject: Subject) -> None:
        """Start the file. All classes become categories 1, 2, ..., whether any image shows them or not."""
        self._subject = subject
        self._counts = output.counts
        self._file = output.file("annotations.json")
        self._waiting = output.file(".annotations")
        if self._file.tell():
            return
        info = {
            "description": subject.project,
            "contributor": "Labelry",
            "version": "1.0",
            "year": subject.as_of.year,
            "date_created": subject.as_of.isoformat(),
            "labelry_location": subject.location,
        }
        self._file.write(b'{"info": %b, "licenses": [], "images": [' % _json(info))

    def add(self, item: Item, labeling: Labeling) -> int:
        """Write an image and its annotations, all or nothing.

        An image labeled with no annotations is written too: nothing on it is something known. Of an image
        with several frames there is one entry for each frame with annotations, of the same file name.
        """
        return self._write(item, self._records(item, labeling), {})

    def add_each(self, item: Item, said: Sequence[Labeling]) -> int:
        """Write an image once; each annotation tells whose it is, and the image who has labeled it."""
        records = [
            (frame, record | {"labelry_annotator": labeling.labeler})
            for labeling in said
            for frame, record in self._records(item, labeling)
        ]
        return self._write(
            item, records, {"labelry_annotators": [labeling.labeler for labeling in said]}
        )

    def _write(
        self, item: Item, records: Sequence[tuple[int, dict[str, Any]]], more: dict[str, Any]
    ) -> int:
        """An entry for each frame of the records, with `more` about the image."""
        by_frame: defaultdict[int, list[dict[str, Any]]] = defaultdict(list)
        for frame, record in records:
            by_frame[frame].append(record)
        for frame in sorted(by_frame) or [0]:
            self._write_frame(item, frame, by_frame[frame], more)
        return len(records)

    def _write_frame(
        self, item: Item, frame: int, records: Sequence[dict[str, Any]], more: dict[str, Any]
    ) -> None:
        width, height = _size(item, frame)
        self._counts["images"] += 1
        number = self._counts["images"]
        image: dict[str, Any] = {
            "id": number,
            "file_name": item.path,
            "width": width,
            "height": height,
            "labelry_item_id": item.item_id,
        }
        if self._subject.options.azure:
            image |= self._addresses(item)
        if item.frames > 1:
            image |= {"labelry_frame": frame, "labelry_frames": item.frames}
        if item.flag:  # its image is gone, or is another than was labeled
            image["labelry_flag"] = item.flag
        if item.about:
            image["labelry_metadata"] = item.metadata
        if external_id := item.metadata.get("external_id"):
            image["labelry_external_id"] = external_id
        image |= more
        self._file.write(_separator(number) + _json(image))
        for record in records:
            self._counts["annotations"] += 1
            head = {"id": self._counts["annotations"], "image_id": number}
            self._waiting.write(_separator(head["id"]) + _json(head | record))

    def _addresses(self, item: Item) -> dict[str, str]:
        """What Azure Machine Learning has of an image besides.

        Nobody knows when it was taken: what is told is when it came.
        """
        options = self._subject.options
        https = f"{self._subject.address}/{quote(item.path)}"
        datastore = options.datastore.rpartition("/")[2]
        come = from_milliseconds(item.registered_ms)
        return {
            "coco_url": f"AmlDatastore://{datastore}/{self._subject.folder}{item.path}"
            if datastore
            else https,
            "absolute_url": https,
            "date_captured": f"{come:%Y-%m-%dT%H:%M:%S.%f}0Z",
        }

    def finish(self) -> None:
        """Put the annotations behind the images, and the categories behind them."""
        categories = [
            _category(number, class_) for number, class_ in enumerate(self._subject.classes, 1)
        ]
        self._file.write(b'\n], "annotations": [')
        self._waiting.seek(0)
        shutil.copyfileobj(self._waiting, self._file)
        self._file.write(b'\n], "categories": %b}\n' % _json(categories))

    def _records(self, item: Item, labeling: Labeling) -> list[tuple[int, dict[str, Any]]]:
        """COCO's annotations of an image, without their ids, with their frames."""
        records: list[tuple[int, dict[str, Any]]] = []
        for number, annotation in self._subject.said(labeling):
            units = Units(*_size(item, annotation.frame), fractions=self._subject.options.azure)
            record = {"category_id": number + 1, "iscrowd": 0} | _geometry(
                annotation.geometry, units
            )
            if annotation.attributes:  # as CVAT and Datumaro have them
                record["attributes"] = annotation.attributes
            if annotation.origin and annotation.origin.run_id:
                made_from = {
                    "run_id": annotation.origin.run_id,
                    "changed": annotation.origin.changed,
                }
                record["labelry_prelabel"] = made_from
            records.append((annotation.frame, record))
        return records


def _category(number: int, class_: LabelClass) -> dict[str, str | int]:
    return {"id": number, "name": class_.name, "supercategory": class_.name.rpartition("/")[0]}


def _json(value: object) -> bytes:
    # ASCII only: pycocotools opens files in the encoding of the machine it runs on.
    return json.dumps(value).encode("ascii")


def _separator(number: int) -> bytes:
    return b",\n" if number > 1 else b"\n"


def _size(item: Item, frame: int) -> tuple[int, int]:
    """The upright size of a frame in pixels."""
    return size_of(item.frame_sizes, frame) or (item.width, item.height)


def _geometry(geometry: Tag | Box | Polygon, units: Units) -> dict[str, Any]:
    """What COCO says of where a thing is on the upright image. Of a tag: nothing, or in fractions no area."""
    width, height = units.width, units.height
    if isinstance(geometry, Tag):
        return {"area": 0.0} if units.fractions else {}
    if isinstance(geometry, Box):
        bounds = _bounds([(geometry.x0, geometry.y0), (geometry.x1, geometry.y1)], units)
        return {"bbox": bounds, "area": units.rounded(bounds[2] * bounds[3]), "segmentation": []}
    bounds = _bounds([point for part in geometry.parts for point in part.outer], units)
    if not adds_up(geometry, width, height):  # kept before that was a rule
        mask = run_lengths(geometry, width, height)
        area = float(_masks.area(mask)) / (width * height) * units.whole
        return {"bbox": bounds, "area": units.rounded(area), "segmentation": mask}
    holed = any(part.holes for part in geometry.parts)
    share = sum(ring_area(part.outer) - sum(map(ring_area, part.holes)) for part in geometry.parts)
    return {
        "bbox": bounds,
        "area": units.rounded(share * units.whole),
        "segmentation": run_lengths(geometry, width, height)
        if holed
        else [_flat(part.outer, units) for part in geometry.parts],
    }


def _bounds(points: Sequence[Point], units: Units) -> list[float]:
    """[x, y, width, height]: each corner is rounded, so that x + width is as exact as x."""
    left, top = units.x(min(x for x, _ in points)), units.y(min(y for _, y in points))
    right, bottom = units.x(max(x for x, _ in points)), units.y(max(y for _, y in points))
    return [left, top, units.rounded(right - left), units.rounded(bottom - top)]


def _flat(ring: Sequence[Point], units: Units) -> list[float]:
    return [place for x, y in ring for place in (units.x(x), units.y(y))]


def run_lengths(polygon: Polygon, width: int, height: int) -> dict[str, Any]:
    """The mask of an instance, as compressed RLE: COCO's polygons can't have holes.

    Computed on run lengths throughout: a hole in an image of 500 megapixels costs no 500 MB.
    """
    units = Units(width, height)
    pieces: list[Rle] = []
    for part in polygon.parts:
        piece: Rle = _masks.frPyObjects([_flat(part.outer, units)], height, width)[0]
        if part.holes:
            holes = [_flat(hole, units) for hole in part.holes]
            cut: Rle = _masks.merge(_masks.frPyObjects(holes, height, width))
            piece = _masks.merge([piece, _complement(cut)], intersect=True)
        pieces.append(piece)
    whole: Rle = _masks.merge(pieces)
    return {"size": [height, width], "counts": whole["counts"].decode("ascii")}


def _complement(rle: Rle) -> Rle:
    """All pixels that a mask does not have. Runs alternate, and the first is of pixels outside."""
    runs = decoded(rle["counts"])
    runs = runs[1:] if runs[0] == 0 else [0, *runs]
    return _masks.frPyObjects({"size": rle["size"], "counts": runs}, *rle["size"])


def read_coco(source: Source) -> Iterator[Described | Remark]:
    """What COCO files say: one, or all JSON files of an archive. Annotations may come before their images.

    Azure Machine Learning's are told by the addresses of images: they have fractions instead of pixels.
    """
    for name in source.ending(".json"):
        with closing(sqlite3.connect("")) as images:
            yield from _read(source, name, images)


def _read(source: Source, name: str, images: sqlite3.Connection) -> Iterator[Described | Remark]:
    images.execute("CREATE TABLE images (id TEXT PRIMARY KEY, about TEXT) WITHOUT ROWID")
    classes = {
        str(category.get("id")): category.get("name")
        for category in source.json(name, "categories.item")
    }
    any_image = False
    for record in source.json(name, "images.item"):
        any_image = True
        about = _about(record)
        if about is None:
            yield Remark("unreadable_row", f"image {record.get('id')!r}")
            continue
        known = [about.path, about.width, about.height, record.get("labelry_frame", 0)]
        kept = json.dumps([*known, _from_azure(record)])
        images.execute("INSERT OR IGNORE INTO images VALUES (?, ?)", (str(record.get("id")), kept))
        yield about
    if not any_image:
        raise Unreadable(
            "no_images", f"{name} has no list of images: results alone don't say what they are of"
        )
    for record in source.json(name, "annotations.item"):
        found = images.execute(
            "SELECT about FROM images WHERE id = ?", (str(record.get("image_id")),)
        ).fetchone()
        if found is None:
            yield Remark("no_such_image", f"annotation {record.get('id')!r}")
            continue
        path, width, height, frame, fractions = json.loads(found[0])
        class_name = classes.get(str(record.get("category_id")))
        if class_name is None:
            yield Remark("no_such_class", f"{path}: category {record.get('category_id')!r}")
            continue
        try:
            shape, in_pixels = _shape(record, str(class_name), frame, height, fractions)
        except (KeyError, TypeError, ValueError):
            yield Remark("unreadable_shape", f"{path}: annotation {record.get('id')!r}")
            continue
        if record.get("iscrowd") == 1:
            yield Remark("crowd", f"{path}: annotation {record.get('id')!r}")
        yield Described(path, [shape], width, height, in_pixels=in_pixels)


def looks_like_coco(source: Source) -> bool:
    """Whether one of its JSON files begins with lists that COCO has; their order is anybody's."""
    words = (b'"images"', b'"categories"', b'"annotations"')
    heads = (source.head_of(name).lstrip() for name in source.ending(".json"))
    return any(
        head.startswith(b"{") and any(word in head for word in words) for head in islice(heads, 3)
    )


def _about(record: Mapping[str, Any]) -> Described | None:
    """An image, without what is on it."""
    path = record.get("file_name") or record.get("coco_url")
    try:
        width, height = float(record.get("width") or 0), float(record.get("height") or 0)
    except (TypeError, ValueError):
        return None
    return Described(str(path), (), width, height, in_pixels=True) if path else None


def _from_azure(record: Mapping[str, Any]) -> bool:
    """Whether Azure Machine Learning wrote that of an image: then its places may be fractions."""
    address = str(record.get("coco_url", ""))
    return "absolute_url" in record or address.startswith(("AmlDatastore://", "azureml://"))


_WITHIN = 1.01
"""What no fraction is above, rounded as it may be."""


def _shape(
    record: Mapping[str, Any], class_name: str, frame: int, height: float, azure: bool
) -> tuple[Shape, bool]:
    """An annotation, and whether it is in pixels. What has no place is of the whole image.

    Raises:
        ValueError, KeyError, TypeError: it says where it is in a way that nobody understands.
    """
    box = None
    if record.get("bbox"):
        left, top, width, length = (float(value) for value in record["bbox"])
        box = (left, top, left + width, top + length)
    outline = record.get("segmentation") or []
    mask = outline if isinstance(outline, dict) else None
    parts = [] if mask else list(map(_part, outline))
    points = (point for ring, _ in parts for point in ring)
    in_pixels = not azure or any(one > _WITHIN for point in (box or (), *points) for one in point)
    if mask:  # which is of pixels, whatever its box is in
        parts = _of_mask(mask, height)
        if not in_pixels:
            parts = _shrunk(parts, int(mask["size"][1]), int(mask["size"][0]))
    score = record.get("score")
    confidence = None if score is None else float(score)
    said = record.get("attributes")
    attributes = {
        str(name): scalar(value) for name, value in (said.items() if isinstance(said, dict) else ())
    }
    return Shape(class_name, box, parts, int(frame), confidence, attributes), in_pixels


def _shrunk(parts: Sequence[RingsOfPart], width: int, height: int) -> list[RingsOfPart]:
    """Places in pixels as fractions."""

    def ring(points: Ring) -> Ring:
        return [(x / width, y / height) for x, y in points]

    return [(ring(outer), [ring(hole) for hole in holes]) for outer, holes in parts]


def _part(flat: Sequence[float]) -> RingsOfPart:
    if len(flat) < 6 or len(flat) % 2:
        raise ValueError("an outline needs three points of two numbers each")
    numbers = list(map(float, flat))
    return list(zip(numbers[::2], numbers[1::2], strict=True)), []


def _of_mask(mask: Mapping[str, Any], height: float) -> list[RingsOfPart]:
    rows = int(mask["size"][0])
    if height and rows != height:
        raise ValueError("a mask has another height than its image")
    counts = mask["counts"]
    return outlines(decoded(counts.encode()) if isinstance(counts, str) else counts, rows)


COCO = Format(
    name="coco",
    title="COCO",
    files=(File("coco/annotations.json", "application/json"),),
    open=CocoWriter,
    read=read_coco,
    fits=looks_like_coco,
    loses=("notes",),
    options=("azure", "datastore", "flat", "labelings"),
    samples=for_all_types(
        """\
from pycocotools.coco import COCO

coco = COCO("coco/annotations.json")
for image in coco.loadImgs(coco.getImgIds()):
    labels = coco.loadAnns(coco.getAnnIds(imgIds=image["id"]))
    print(image["file_name"], [coco.cats[label["category_id"]]["name"] for label in labels])
"""
    ),
)
