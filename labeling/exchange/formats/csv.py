"""Tables of comma-separated values: one row an annotation, and nothing lost but what no row can say.

Opened in a spreadsheet, text stays text: what could be taken for a formula begins with an apostrophe there.
`is_formula` and `plain` tell how to take that away again.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path

from labeling.annotations.shapes import Annotation, Box, Point, Polygon
from labeling.exchange.formats.format import File, Format, Subject, Writer
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

    def __init__(self, folder: Path, subject: Subject) -> None:
        self._subject = subject
        # With a byte-order mark: without one, spreadsheets take Hangul for something else.
        self._file = (folder / "labels.csv").open("w", encoding="utf-8-sig", newline="")
        self._rows = csv.writer(self._file)
        self._rows.writerow(COLUMNS)

    def close(self) -> None:
        """Let go of the files."""
        self._file.close()

    def add(self, item: Item, labeling: Labeling) -> int:
        """Write the rows of an image."""
        said = self._subject.said(labeling)
        image = (guarded(item.item_id), guarded(item.path), item.width, item.height)
        last = (labeling.labeler, labeling.saved_at.isoformat(), guarded(labeling.note or ""))
        for number, one in said:
            name = guarded(self._subject.classes[number].name)
            self._rows.writerow((*image, name, one.class_id, *_place(one), *_origin(one), *last))
        if not said:
            self._rows.writerow((*image, *[""] * 12, *last))
        return len(said)

    def finish(self) -> None:
        """Close the file."""
        self._file.close()


def _place(one: Annotation) -> Iterator[object]:
    """Kind, left, top, right and bottom in fractions of the image, outline, frame."""
    match one.geometry:
        case Box(x0=x0, y0=y0, x1=x1, y1=y1):
            yield from ("box", x0, y0, x1, y1, "")
        case Polygon() as polygon:
            points = [point for part in polygon.parts for point in part.outer]
            xs, ys = [x for x, _ in points], [y for _, y in points]
            yield from ("polygon", min(xs), min(ys), max(xs), max(ys), _well_known_text(polygon))
        case _:
            yield from ("tag", "", "", "", "", "")
    yield one.frame


def _origin(one: Annotation) -> tuple[str, str, str]:
    made = one.origin if one.origin and one.origin.run_id else None
    return (
        guarded(one.annotation_id),
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


CSV = Format(
    name="csv",
    title="CSV",
    files=(File("csv/labels.csv", "text/csv"),),
    open=CsvWriter,
)
