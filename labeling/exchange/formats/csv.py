"""Tables of comma-separated values: one row an annotation, and nothing lost but what no row can say.

Opened in a spreadsheet, text stays text: what could be taken for a formula begins with an apostrophe there.
`is_formula` and `plain` tell how to take that away again.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import shapely

from labeling.annotations.shapes import Annotation, Box, Point, Polygon
from labeling.exchange.formats.format import (
    Described,
    File,
    Format,
    Remark,
    RingsOfPart,
    Shape,
    Subject,
    Writer,
    for_all_types,
    scalar,
)
from labeling.exchange.formats.output import Output
from labeling.exchange.formats.source import MAX_SMALL, Source, Unreadable
from labeling.items.records import Item, Labeling

COLUMNS = (
    "item_id",
    "path",
    "width",
    "height",
    "class",
    "class_id",
    "kind",
    "x0",
    "y0",
    "x1",
    "y1",
    "outline",
    "frame",
    "annotation_id",
    "suggested_by",
    "suggestion_changed",
    "labeler",
    "labeled_at",
    "note",
    "location",
    "attributes",
    "external_id",
    "metadata",
)
"""In this order for ever; new ones come behind them."""

_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠", "'")  # noqa: RUF001


def guarded(text: str) -> str:
    """Text that no spreadsheet takes for a formula: an apostrophe is put before what it might.

    Source: OWASP, "CSV injection". The full-width signs are formulas in East Asian versions.

    >>> guarded("=1+1"), guarded("Owl")
    ("'=1+1", 'Owl')
    """
    return f"'{text}" if text.startswith(_FORMULA) else text


def plain(cell: str) -> str:
    """What `guarded` was given."""
    return cell.removeprefix("'")


class CsvWriter(Writer):
    """Writes one row an annotation; an image with nothing on it has one row without a class."""

    def __init__(self, output: Output, subject: Subject) -> None:
        self._subject = subject
        self._location = guarded(subject.location)
        # With a byte-order mark: without one, spreadsheets take Hangul for something else.
        begun = output.file("labels.csv").tell()
        self._rows = csv.writer(output.text("labels.csv", "utf-8-sig"))
        if not begun:
            self._rows.writerow(COLUMNS)

    def add(self, item: Item, labeling: Labeling) -> int:
        """Write the rows of an image."""
        said = self._subject.said(labeling)
        image = (guarded(item.item_id), guarded(item.path), item.width, item.height)
        last = (
            labeling.labeler,
            labeling.saved_at.isoformat(),
            guarded(labeling.note or ""),
            self._location,
        )
        metadata = json.dumps(item.metadata, ensure_ascii=False) if item.about else ""
        known = (guarded(item.metadata.get("external_id", "")), metadata)
        for number, annotation in said:
            name = guarded(self._subject.classes[number].name)
            told = (
                json.dumps(annotation.attributes, ensure_ascii=False)
                if annotation.attributes
                else ""
            )
            self._rows.writerow(
                [
                    *image,
                    name,
                    annotation.class_id,
                    *_place(annotation),
                    *_origin(annotation),
                    *last,
                    told,
                    *known,
                ]
            )
        if not said:
            self._rows.writerow([*image, *[""] * 12, *last, "", *known])
        return len(said)

    def finish(self) -> None:
        """Nothing follows the rows."""


def _place(annotation: Annotation) -> Iterator[object]:
    """Kind, left, top, right and bottom in fractions of the image, outline, frame."""
    match annotation.geometry:
        case Box(x0=x0, y0=y0, x1=x1, y1=y1):
            yield from ("box", x0, y0, x1, y1, "")
        case Polygon() as polygon:
            points = [point for part in polygon.parts for point in part.outer]
            xs, ys = [x for x, _ in points], [y for _, y in points]
            yield from ("polygon", min(xs), min(ys), max(xs), max(ys), _well_known_text(polygon))
        case _:
            yield from ("tag", "", "", "", "", "")
    yield annotation.frame


def _origin(annotation: Annotation) -> tuple[str, str, str]:
    made = annotation.origin if annotation.origin and annotation.origin.run_id else None
    return (
        guarded(annotation.annotation_id),
        guarded(made.run_id or "") if made else "",
        str(made.changed).lower() if made else "",
    )


def _well_known_text(polygon: Polygon) -> str:
    """An outline as `MULTIPOLYGON`, in fractions of the image; its rings end where they begin.

    Source: OGC 06-103r4, "Simple feature access", section 7.
    """
    parts = (
        f"({', '.join(_ring(ring) for ring in (part.outer, *part.holes))})"
        for part in polygon.parts
    )
    return f"MULTIPOLYGON ({', '.join(parts)})"


def _ring(ring: list[Point]) -> str:
    return f"({', '.join(f'{x} {y}' for x, y in (*ring, ring[0]))})"


_PATH = ("path", "image", "file_name", "filename", "image_path", "file")
_CLASS = ("class", "label", "class_name", "category")
_CONFIDENCE = ("confidence", "score")
_FRACTIONS = ("x0", "y0", "x1", "y1")
_PIXELS = ("xmin", "ymin", "xmax", "ymax")


def read_csv(source: Source) -> Iterator[Described | Remark]:
    """What tables say: our own, and those with a path, a class and perhaps corners in pixels (`xmin`, ...).

    Raises:
        Invalid: no column has paths of images.
    """
    csv.field_size_limit(MAX_SMALL)
    for name in source.ending(".csv", ".tsv", ".txt"):
        with source.text(name) as file:
            head = file.readline()
            file.seek(0)
            separator = max(",;\t", key=head.count)
            rows = csv.DictReader(file, delimiter=separator)
            columns = {
                str(fieldname).strip().lower(): fieldname for fieldname in rows.fieldnames or ()
            }
            path = _column(columns, _PATH)
            if path is None:
                raise Unreadable(
                    "no_paths", f"{name} has no column with paths of images; call it path"
                )
            for number, row in enumerate(rows, 2):
                said = {key: (row.get(column) or "").strip() for key, column in columns.items()}
                try:
                    yield _described(said, plain(said[path]), columns)
                except (TypeError, ValueError, shapely.errors.ShapelyError):
                    yield Remark("unreadable_row", f"{name}: row {number}")


def looks_like_csv(source: Source) -> bool:
    """Whether the first line of a table names a column of paths."""
    names = source.ending(".csv", ".tsv")
    if not names or len(source.names) > len(names):
        return False
    head = source.head_of(names[0]).decode("utf-8-sig", "replace").partition("\n")[0].lower()
    words = [
        word.strip().strip('"') for word in head.replace(";", ",").replace("\t", ",").split(",")
    ]
    return any(column in words for column in _PATH)


def _column(columns: Mapping[str, Any], names: tuple[str, ...]) -> str | None:
    return next((name for name in names if name in columns), None)


def _described(said: Mapping[str, str], path: str, columns: Mapping[str, Any]) -> Described:
    """A row. Raises ValueError where a number is none."""
    if not path:
        raise ValueError("a row needs the path of an image")
    name = plain(said.get(_column(columns, _CLASS) or "", ""))
    box: tuple[float, float, float, float] | None = None
    in_pixels = False
    for sides in (_FRACTIONS, _PIXELS):
        if all(said.get(side) for side in sides):
            numbers = [float(said[side]) for side in sides]
            box = (numbers[0], numbers[1], numbers[2], numbers[3])
            in_pixels = sides is _PIXELS
            break
    parts = _parts(said["outline"]) if said.get("outline") else []
    sure = said.get(_column(columns, _CONFIDENCE) or "", "")
    confidence = float(sure) if sure else None
    told: Any = json.loads(said.get("attributes") or "{}")
    attributes = {attribute: scalar(value) for attribute, value in dict[str, Any](told).items()}
    shape = Shape(name, box, parts, int(said.get("frame") or 0), confidence, attributes)
    return Described(
        path,
        [shape] if name else [],
        float(said.get("width") or 0),
        float(said.get("height") or 0),
        in_pixels=in_pixels,
        note=plain(said.get("note", "")),
    )


def _parts(text: str) -> list[RingsOfPart]:
    """Polygons of well-known text, each with its holes."""
    # What comes of numbers too large is no place, and told where places are looked at.
    with np.errstate(over="ignore", invalid="ignore"):
        outline: Any = shapely.from_wkt(text)
    return [
        (
            [(float(x), float(y)) for x, y in part.exterior.coords[:-1]],
            [[(float(x), float(y)) for x, y in hole.coords[:-1]] for hole in part.interiors],
        )
        for part in shapely.get_parts(outline)
        if part.geom_type == "Polygon"
    ]


CSV = Format(
    name="csv",
    title="CSV",
    files=(File("csv/labels.csv", "text/csv"),),
    open=CsvWriter,
    read=read_csv,
    fits=looks_like_csv,
    options=("labelings",),
    samples=for_all_types(
        """\
import pandas

table = pandas.read_csv("csv/labels.csv", keep_default_na=False)
for path, labels in table.groupby("path"):
    print(path, labels["class"].tolist())
"""
    ),
)
