"""COCO files, written and read as they come: memory does not grow with the dataset."""

from __future__ import annotations

import json
import shutil
import sqlite3
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from itertools import islice
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any, TypedDict

import pycocotools.mask

from labeling.annotations.classes import LabelClass
from labeling.annotations.geometry import adds_up
from labeling.annotations.shapes import Box, Point, Polygon, Tag, ring_area
from labeling.errors import Invalid
from labeling.exchange.formats.format import (
    Described,
    File,
    Format,
    Remark,
    RingsOfPart,
    Shape,
    Subject,
    Writer,
)
from labeling.exchange.formats.masks import decoded, outlines
from labeling.exchange.formats.source import Source
from labeling.items.records import Item, Labeling
from labeling.media.frames import size_of

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


class CocoWriter(Writer):
    """Writes one COCO file.

    Images go straight into the file; annotations, which follow them there, wait in a nameless file
    beside it. So the folder needs room for the annotations twice.

    Source: the COCO data format, https://cocodataset.org/#format-data.
    """

    def __init__(self, folder: Path, subject: Subject) -> None:
        """Start the file. All classes become categories 1, 2, ..., whether any image shows them or not."""
        self._subject = subject
        self._images = self._annotations = 0
        self._file = (folder / "annotations.json").open("wb")
        self._waiting = TemporaryFile(dir=folder)  # noqa: SIM115 - close() closes it
        info = {
            "description": subject.project,
            "contributor": "Labelry",
            "version": "1.0",
            "year": subject.as_of.year,
            "date_created": subject.as_of.isoformat(),
            "labelry_location": subject.location,
        }
        self._file.write(b'{"info": %b, "licenses": [], "images": [' % _json(info))

    def close(self) -> None:
        """Let go of the files."""
        self._file.close()
        self._waiting.close()

    def add(self, item: Item, labeling: Labeling) -> int:
        """Write an image and its annotations, all or nothing.

        An image labeled with no annotations is written too: nothing on it is something known. Of an image
        with several frames there is one entry for each frame with annotations, of the same file name.
        """
        by_frame: defaultdict[int, list[dict[str, Any]]] = defaultdict(list)
        for frame, record in self._records(item, labeling):
            by_frame[frame].append(record)
        for frame in sorted(by_frame) or [0]:
            self._write_frame(item, frame, by_frame[frame])
        return sum(map(len, by_frame.values()))

    def _write_frame(self, item: Item, frame: int, records: Sequence[dict[str, Any]]) -> None:
        width, height = _size(item, frame)
        self._images += 1
        image: dict[str, Any] = {
            "id": self._images,
            "file_name": item.path,
            "width": width,
            "height": height,
            "labelry_item_id": item.item_id,
        }
        if item.frames > 1:
            image |= {"labelry_frame": frame, "labelry_frames": item.frames}
        if item.flag:  # its image is gone, or is another than was labeled
            image["labelry_flag"] = item.flag
        if item.about:
            image["labelry_metadata"] = item.metadata
        if external_id := item.metadata.get("external_id"):
            image["labelry_external_id"] = external_id
        self._file.write(_separator(self._images) + _json(image))
        for record in records:
            self._annotations += 1
            head = {"id": self._annotations, "image_id": self._images}
            self._waiting.write(_separator(self._annotations) + _json(head | record))

    def finish(self) -> None:
        """Put the annotations behind the images, and the categories behind them."""
        categories = [_category(number, one) for number, one in enumerate(self._subject.classes, 1)]
        self._file.write(b'\n], "annotations": [')
        self._waiting.seek(0)
        shutil.copyfileobj(self._waiting, self._file)
        self._file.write(b'\n], "categories": %b}\n' % _json(categories))
        self._file.close()

    def _records(self, item: Item, labeling: Labeling) -> list[tuple[int, dict[str, Any]]]:
        """COCO's annotations of an image, without their ids, with their frames."""
        records: list[tuple[int, dict[str, Any]]] = []
        for number, one in self._subject.said(labeling):
            record = {"category_id": number + 1, "iscrowd": 0} | _geometry(
                one.geometry, *_size(item, one.frame)
            )
            if one.origin and one.origin.run_id:
                made_from = {"run_id": one.origin.run_id, "changed": one.origin.changed}
                record["labelry_prelabel"] = made_from
            records.append((one.frame, record))
        return records


def _category(number: int, one: LabelClass) -> dict[str, str | int]:
    return {"id": number, "name": one.name, "supercategory": one.name.rpartition("/")[0]}


def _json(value: object) -> bytes:
    # ASCII only: pycocotools opens files in the encoding of the machine it runs on.
    return json.dumps(value).encode("ascii")


def _separator(number: int) -> bytes:
    return b",\n" if number > 1 else b"\n"


def _size(item: Item, frame: int) -> tuple[int, int]:
    """The upright size of a frame in pixels."""
    return size_of(item.frame_sizes, frame) or (item.width, item.height)


def _geometry(geometry: Tag | Box | Polygon, width: int, height: int) -> dict[str, Any]:
    """What COCO says of where a thing is, in pixels of the upright image. Of a tag: nothing."""
    if isinstance(geometry, Tag):
        return {}
    if isinstance(geometry, Box):
        bounds = _bounds([(geometry.x0, geometry.y0), (geometry.x1, geometry.y1)], width, height)
        return {"bbox": bounds, "area": round(bounds[2] * bounds[3], 2), "segmentation": []}
    bounds = _bounds([point for part in geometry.parts for point in part.outer], width, height)
    if not adds_up(geometry, width, height):  # kept before that was a rule
        mask = run_lengths(geometry, width, height)
        return {"bbox": bounds, "area": float(_masks.area(mask)), "segmentation": mask}
    holed = any(part.holes for part in geometry.parts)
    share = sum(ring_area(part.outer) - sum(map(ring_area, part.holes)) for part in geometry.parts)
    return {
        "bbox": bounds,
        "area": round(share * width * height, 2),
        "segmentation": run_lengths(geometry, width, height)
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


def run_lengths(polygon: Polygon, width: int, height: int) -> dict[str, Any]:
    """The mask of an instance, as compressed RLE: COCO's polygons can't have holes.

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
    runs = decoded(rle["counts"])
    runs = runs[1:] if runs[0] == 0 else [0, *runs]
    return _masks.frPyObjects({"size": rle["size"], "counts": runs}, *rle["size"])


def read_coco(source: Source) -> Iterator[Described | Remark]:
    """What COCO files say: one, or all JSON files of an archive. Annotations may come before their images.

    Azure Machine Learning's exports are told by the address of an image: they have fractions instead of pixels.
    """
    for name in source.ending(".json"):
        with closing(sqlite3.connect("")) as images:
            yield from _read(source, name, images)


def _read(source: Source, name: str, images: sqlite3.Connection) -> Iterator[Described | Remark]:
    images.execute("CREATE TABLE images (id TEXT PRIMARY KEY, about TEXT) WITHOUT ROWID")
    classes = {str(one.get("id")): one.get("name") for one in source.json(name, "categories.item")}
    any_image = False
    for record in source.json(name, "images.item"):
        any_image = True
        about = _about(record)
        if about is None:
            yield Remark("unreadable_row", f"image {record.get('id')!r}")
            continue
        known = [about.path, about.width, about.height, record.get("labelry_frame", 0)]
        kept = json.dumps([*known, _has_fractions(record)])
        images.execute("INSERT OR IGNORE INTO images VALUES (?, ?)", (str(record.get("id")), kept))
        yield about
    if not any_image:
        raise Invalid(f"{name} has no list of images: results alone don't say what they are of")
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
            shape = _shape(record, str(class_name), frame, height)
        except (KeyError, TypeError, ValueError):
            yield Remark("unreadable_shape", f"{path}: annotation {record.get('id')!r}")
            continue
        if record.get("iscrowd") == 1:
            yield Remark("crowd", f"{path}: annotation {record.get('id')!r}")
        in_pixels = not (fractions and _within_one(shape))
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


def _has_fractions(record: Mapping[str, Any]) -> bool:
    return str(record.get("coco_url", "")).startswith(("AmlDatastore://", "azureml://"))


def _within_one(shape: Shape) -> bool:
    points = [point for outer, holes in shape.parts for ring in (outer, *holes) for point in ring]
    numbers = [*(shape.box or ()), *(value for point in points for value in point)]
    return all(value <= 1 for value in numbers)


def _shape(record: Mapping[str, Any], class_name: str, frame: int, height: float) -> Shape:
    """An annotation. What has no place is of the whole image.

    Raises:
        ValueError, KeyError, TypeError: it says where it is in a way that nobody understands.
    """
    box = None
    if record.get("bbox"):
        left, top, width, length = (float(value) for value in record["bbox"])
        box = (left, top, left + width, top + length)
    outline = record.get("segmentation") or []
    parts = _of_mask(outline, height) if isinstance(outline, dict) else list(map(_part, outline))
    score = record.get("score")
    confidence = None if score is None else float(score)
    return Shape(class_name, box, parts, int(frame), confidence)


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
    options=("flat",),
)
