"""COCO files made of labels, written as they come: memory does not grow with the dataset."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryFile
from types import TracebackType
from typing import Any, Literal, TypedDict

import pycocotools.mask

from labeling.annotations.classes import LabelClass
from labeling.annotations.geometry import adds_up
from labeling.annotations.shapes import Annotation, Box, Point, Polygon, Tag, ring_area
from labeling.items.records import Item, Labeling

LeftOut = Literal["not_labeled", "not_measured"]

_masks: Any = pycocotools.mask  # its stubs know neither lists of polygons nor lists of runs
_PIECE = 1024 * 1024  # bytes copied at a time


@dataclass(frozen=True)
class Finished:
    """A COCO file that is complete: its place, SHA-256 (hex), size in bytes, and what is in it."""

    path: Path
    sha256: str
    size: int
    images: int
    annotations: int


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


def left_out(item: Item, labeling: Labeling | None) -> LeftOut | None:
    """Why an item has no place in a COCO file, or None if it has one."""
    if labeling is None or labeling.outcome != "labeled":
        return "not_labeled"
    return None if item.width and item.height else "not_measured"


class CocoWriter:
    """Writes one COCO file. A file of that name appears when it is finished, and not before.

    Images go straight into the file; annotations, which follow them there, wait in a nameless file
    beside it. So the folder needs room for the annotations twice.

    Source: the COCO data format, https://cocodataset.org/#format-data.
    """

    def __init__(
        self, path: Path, classes: Sequence[LabelClass], *, info: Mapping[str, str | int]
    ) -> None:
        """Start a file.

        Args:
            path: of the file to be, in a folder that is there. A file already there is replaced.
            classes: all of the project's; they become categories 1, 2, ... in this order, whether
                any image shows them or not.
            info: COCO's `info`: year, version, description, contributor, url, date_created.
        """
        self._path = path
        self._categories = [_category(number, one) for number, one in enumerate(classes, 1)]
        self._category_of = {one.class_id: number for number, one in enumerate(classes, 1)}
        self._digest = hashlib.sha256()
        self._size = self._images = self._annotations = 0
        self._partial = path.with_name(path.name + ".partial")
        self._file = self._partial.open("wb")
        self._waiting = TemporaryFile(dir=path.parent)  # noqa: SIM115 - __exit__ closes it
        self._write(b'{"info": %b, "licenses": [], "images": [' % _json(dict(info)))

    def __enter__(self) -> CocoWriter:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._file.close()
        self._waiting.close()
        self._partial.unlink(missing_ok=True)

    def add_image(self, item: Item, labeling: Labeling | None) -> int:
        """Write an image and its annotations, all or nothing.

        An image labeled with no annotations is written too: nothing on it is something known.

        Returns:
            The image's id, counted from 1; 0 where `left_out` gives a reason to write nothing.

        Raises:
            ValueError: an annotation is of a class that isn't among the classes.
        """
        if labeling is None or left_out(item, labeling):
            return 0
        number = self._images + 1
        records = self._records(item, labeling.annotations)
        image = {
            "id": number,
            "file_name": item.path,
            "width": item.width,
            "height": item.height,
            "labelry_item_id": item.item_id,
        }
        self._write(_separator(self._images) + _json(image))
        for record in records:
            head = {"id": self._annotations + 1, "image_id": number}
            self._waiting.write(_separator(self._annotations) + _json(head | record))
            self._annotations += 1
        self._images = number
        return number

    def finish(self) -> Finished:
        """Complete the file and give it its name. Nothing can be added afterwards."""
        self._write(b'\n], "annotations": [')
        self._waiting.seek(0)
        while piece := self._waiting.read(_PIECE):
            self._write(piece)
        self._write(b'\n], "categories": %b}\n' % _json(self._categories))
        self._file.close()
        os.replace(self._partial, self._path)
        return Finished(
            self._path, self._digest.hexdigest(), self._size, self._images, self._annotations
        )

    def _write(self, data: bytes) -> None:
        self._file.write(data)
        self._digest.update(data)
        self._size += len(data)

    def _records(self, item: Item, annotations: Sequence[Annotation]) -> list[dict[str, Any]]:
        """COCO's annotations of an image, without their ids."""
        records: list[dict[str, Any]] = []
        tagged: set[int] = set()
        for one in annotations:
            category = self._category_of.get(one.class_id)
            if category is None:
                raise ValueError(
                    f"annotation {one.annotation_id!r} of item {item.item_id!r} is of class "
                    f"{one.class_id!r}, which is not among the classes given"
                )
            if isinstance(one.geometry, Tag):
                if category in tagged:
                    continue
                tagged.add(category)
            record = {"category_id": category, "iscrowd": 0} | _geometry(one.geometry, item)
            if one.origin and one.origin.run_id:
                made_from = {"run_id": one.origin.run_id, "changed": one.origin.changed}
                record["labelry_prelabel"] = made_from
            records.append(record)
        return records


def _category(number: int, one: LabelClass) -> dict[str, str | int]:
    return {"id": number, "name": one.name, "supercategory": one.name.rpartition("/")[0]}


def _json(value: object) -> bytes:
    # ASCII only: pycocotools opens files in the encoding of the machine it runs on.
    return json.dumps(value).encode("ascii")


def _separator(count: int) -> bytes:
    return b",\n" if count else b"\n"


def _geometry(geometry: Tag | Box | Polygon, item: Item) -> dict[str, Any]:
    """What COCO says of where a thing is, in pixels of the upright image. Of a tag: nothing."""
    width, height = item.width, item.height
    if isinstance(geometry, Tag):
        return {}
    if isinstance(geometry, Box):
        bounds = _bounds([(geometry.x0, geometry.y0), (geometry.x1, geometry.y1)], width, height)
        return {"bbox": bounds, "area": round(bounds[2] * bounds[3], 2), "segmentation": []}
    bounds = _bounds([point for part in geometry.parts for point in part.outer], width, height)
    if not adds_up(geometry, width, height):  # kept before that was a rule
        mask = _run_lengths(geometry, width, height)
        return {"bbox": bounds, "area": float(_masks.area(mask)), "segmentation": mask}
    holed = any(part.holes for part in geometry.parts)
    share = sum(ring_area(part.outer) - sum(map(ring_area, part.holes)) for part in geometry.parts)
    return {
        "bbox": bounds,
        "area": round(share * width * height, 2),
        "segmentation": _run_lengths(geometry, width, height)
        if holed
        else [_flat(part.outer, width, height) for part in geometry.parts],
    }


def _bounds(points: Sequence[Point], width: int, height: int) -> list[float]:
    """[x, y, width, height]: each corner is rounded, so that x + width is as exact as x."""
    left = to_pixels(min(x for x, _ in points), width)
    top = to_pixels(min(y for _, y in points), height)
    right = to_pixels(max(x for x, _ in points), width)
    bottom = to_pixels(max(y for _, y in points), height)
    return [left, top, round(right - left, 2), round(bottom - top, 2)]


def _flat(ring: Sequence[Point], width: int, height: int) -> list[float]:
    return [pixels for x, y in ring for pixels in (to_pixels(x, width), to_pixels(y, height))]


def _run_lengths(polygon: Polygon, width: int, height: int) -> dict[str, Any]:
    """The mask of an instance with holes, as compressed RLE: COCO's polygons can't have holes.

    Computed on run lengths throughout: a hole in an image of 500 megapixels costs no 500 MB.
    """
    pieces: list[Rle] = []
    for part in polygon.parts:
        piece: Rle = _masks.frPyObjects([_flat(part.outer, width, height)], height, width)[0]
        if part.holes:
            holes = [_flat(hole, width, height) for hole in part.holes]
            cut: Rle = _masks.merge(_masks.frPyObjects(holes, height, width))
            piece = _masks.merge([piece, _complement(cut)], intersect=True)
        pieces.append(piece)
    whole: Rle = _masks.merge(pieces)
    return {"size": [height, width], "counts": whole["counts"].decode("ascii")}


def _complement(rle: Rle) -> Rle:
    """All pixels that a mask does not have. Runs alternate, and the first is of pixels outside."""
    runs = _decoded(rle["counts"])
    runs = runs[1:] if runs[0] == 0 else [0, *runs]
    return _masks.frPyObjects({"size": rle["size"], "counts": runs}, *rle["size"])


def _decoded(counts: bytes) -> list[int]:
    """Run lengths from pycocotools' ASCII code of them, which it can't give back itself.

    Each number is written in groups of five bits, lowest first, as a character 48 + group; 32 is
    added where more groups follow, and bit 16 of the last one is the sign. From the fourth number
    on it is the difference to the number two before.

    Source: cocoapi, `rleToString` in common/maskApi.c.
    """
    runs: list[int] = []
    value = shift = 0
    for char in counts:
        group = char - 48
        value |= (group & 31) << shift
        shift += 5
        if group & 32:
            continue
        if group & 16:
            value -= 1 << shift
        runs.append(value + (runs[-2] if len(runs) > 2 else 0))
        value = shift = 0
    return runs
