"""COCO files made of labels, written as they come: memory does not grow with the dataset."""

from __future__ import annotations

import json
import shutil
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any, TypedDict

import pycocotools.mask

from labeling.annotations.classes import LabelClass
from labeling.annotations.geometry import adds_up
from labeling.annotations.shapes import Box, Point, Polygon, Tag, ring_area
from labeling.exchange.formats.format import File, Format, Subject, Writer
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


COCO = Format(
    name="coco",
    title="COCO",
    files=(File("coco/annotations.json", "application/json"),),
    open=CocoWriter,
    loses=("notes",),
)


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
