"""What became of suggested shapes: kept, mended, removed; what labelers added; how far they were off."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import TYPE_CHECKING, Any

import numpy as np
import shapely

from labeling.annotations.acceptance import SAME, Prelabel, PrelabelAnnotation
from labeling.annotations.areas import area_of, shared
from labeling.annotations.shapes import Annotation, Box, Polygon, Tag
from labeling.model import Model

if TYPE_CHECKING:
    from numpy.typing import NDArray

MEASURED = 200
"""Mended shapes of a class that are measured, the first ones that come: enough for a median."""


class Shapes(Model):
    """What became of suggested shapes, of one class or of all.

    `kept` are as suggested; `mended` in class, place or outline; `removed` gone; `added` drawn on images with a
    suggestion and made from none. Of mended ones the medians: `overlap` of the suggestion with what it became
    (intersection over union), `moved_px` by which the farthest point of its edge moved, in pixels of the image,
    `points` that were set anew (edges of a box). Null: none was moved.
    """

    kept: int = 0
    mended: int = 0
    removed: int = 0
    added: int = 0
    overlap: float | None = None
    moved_px: float | None = None
    points: float | None = None

    @property
    def suggested(self) -> int:
        """How many were shown."""
        return self.kept + self.mended + self.removed


@dataclass
class _Tally:
    kept: int = 0
    mended: int = 0
    removed: int = 0
    added: int = 0
    moves: list[tuple[float, float, int]] = field(default_factory=list[tuple[float, float, int]])

    def shapes(self) -> Shapes:
        overlap, moved, points = zip(*self.moves, strict=True) if self.moves else ((), (), ())
        return Shapes(
            kept=self.kept,
            mended=self.mended,
            removed=self.removed,
            added=self.added,
            overlap=round(median(overlap), 3) if overlap else None,
            moved_px=round(median(moved), 1) if moved else None,
            points=median(points) if points else None,
        )


class Mending:
    """Counts what became of the shapes suggested for images."""

    def __init__(self) -> None:
        self._all = _Tally()
        self._classes: defaultdict[str, _Tally] = defaultdict(_Tally)

    def add(self, credited: Sequence[Annotation], said: Prelabel, size: tuple[int, int]) -> None:
        """Count an image that was labeled with a suggestion in sight.

        Args:
            credited: what was submitted, with the suggestion each was truly made from (`acceptance.compare`).
            said: what was suggested.
            size: width and height of the image in pixels.
        """
        made = {
            annotation.origin.prelabel: annotation for annotation in credited if annotation.origin
        }
        for annotation in said.annotations:
            if isinstance(annotation.geometry, Tag):
                continue
            became = made.get(annotation.annotation_id)
            for tally in (self._all, self._classes[annotation.class_id]):
                if became is None:
                    tally.removed += 1
                elif became.origin and became.origin.changed:
                    tally.mended += 1
                    self._measure(tally, annotation, became, size)
                else:
                    tally.kept += 1
        for annotation in credited:
            if annotation.origin is None and not isinstance(annotation.geometry, Tag):
                self._all.added += 1
                self._classes[annotation.class_id].added += 1

    def _measure(
        self,
        tally: _Tally,
        said: PrelabelAnnotation,
        became: Annotation,
        size: tuple[int, int],
    ) -> None:
        if len(tally.moves) < MEASURED and (found := move(said.geometry, became.geometry, size)):
            tally.moves.append(found)

    def everything(self) -> Shapes | None:
        """Of all classes; null where no shape was suggested."""
        found = self._all.shapes()
        return found if found.suggested else None

    def classes(self) -> Mapping[str, Shapes]:
        """By class, those alone of which something was suggested."""
        found = {class_id: tally.shapes() for class_id, tally in self._classes.items()}
        return {class_id: shapes for class_id, shapes in found.items() if shapes.suggested}


def move(
    said: Tag | Box | Polygon, became: Tag | Box | Polygon, size: tuple[int, int]
) -> tuple[float, float, int] | None:
    """Overlap of two shapes, pixels by which the edge moved at most, points set anew; None: neither was moved.

    >>> box = Box(x0=0, y0=0, x1=0.5, y1=1)
    >>> move(box, Box(x0=0, y0=0, x1=0.4, y1=1), (100, 50))
    (0.8, 10.0, 1)
    """
    if isinstance(said, Tag) or isinstance(became, Tag):
        return None
    anew = _points_anew(said, became)
    if not anew:
        return None
    areas = [_area(geometry) for geometry in (said, became)]
    edges = [shapely.boundary(shapely.transform(area, lambda at: at * size)) for area in areas]
    far = float(shapely.hausdorff_distance(*edges))
    return round(float(shared([areas[0]], [areas[1]])[0, 0]), 6), round(far, 6), anew


def _points_anew(said: Box | Polygon, became: Box | Polygon) -> int:
    """How many edges of a box, or points of a polygon, are not where they were; or were taken away."""
    if isinstance(said, Box) and isinstance(became, Box):
        pairs = zip(_numbers(said), _numbers(became), strict=True)
        return sum(abs(a - b) > SAME for a, b in pairs)
    before, after = _points(said), _points(became)
    far = np.abs(after[:, None] - before[None]).max(2) > SAME
    return int(far.all(1).sum()) or int(far.all(0).sum())


def _numbers(box: Box) -> tuple[float, float, float, float]:
    return box.x0, box.y0, box.x1, box.y1


def _area(shape: Box | Polygon) -> Any:
    return shapely.box(*_numbers(shape)) if isinstance(shape, Box) else area_of(shape)


def _points(shape: Box | Polygon) -> NDArray[np.float64]:
    """(points, 2) of all rings."""
    if isinstance(shape, Box):
        return np.array([(x, y) for x in (shape.x0, shape.x1) for y in (shape.y0, shape.y1)])
    rings = [ring for part in shape.parts for ring in (part.outer, *part.holes)]
    return np.array([at for ring in rings for at in ring])
