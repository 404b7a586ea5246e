"""Which shapes that several people drew on an image are of the same thing, and what they look like together."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from itertools import combinations
from statistics import median
from typing import Any, Literal

import numpy as np
import shapely
from numpy.typing import NDArray

from labeling.annotations.shapes import MIN_AREA, Annotation, Box, Part, Polygon, Tag

Floats = NDArray[np.float64]

MOST_POINTS = 2_000
"""Points of an outline made from several: more than anybody draws, and the union of many has more."""


class Drawn:
    """A shape that one of several people drew: `person` is their number, `at` its place among theirs.

    `alike`, by person: its intersection over union with each of their shapes, once `same_things` has looked.
    """

    def __init__(self, person: int, at: int, annotation: Annotation) -> None:
        self.person = person
        self.at = at
        self.annotation = annotation
        self.alike: dict[int, Floats] = {}
        self.edges: tuple[float, float, float, float]
        self.area: float
        geometry = annotation.geometry
        if isinstance(geometry, Box):  # most shapes: they need no library
            self.edges = (geometry.x0, geometry.y0, geometry.x1, geometry.y1)
            self.area = (geometry.x1 - geometry.x0) * (geometry.y1 - geometry.y0)
        else:
            self.edges, self.area = self.covers.bounds, self.covers.area

    @cached_property
    def covers(self) -> Any:
        """As shapely has it, in fractions of the image."""
        geometry = self.annotation.geometry
        assert not isinstance(geometry, Tag)
        return shapely.box(*self.edges) if isinstance(geometry, Box) else _covered(geometry)


def _covered(geometry: Polygon) -> Any:
    parts: list[Any] = [
        shapely.Polygon(part.outer, part.holes)
        if part.holes
        else shapely.polygons(np.asarray(part.outer))
        for part in geometry.parts
    ]
    whole = shapely.union_all(parts) if len(parts) > 1 else parts[0]
    # Rings that touch themselves are let pass where they are drawn, and not by every operation.
    return whole if shapely.is_valid(whole) else shapely.make_valid(whole)


def likeness(some: Sequence[Drawn], others: Sequence[Drawn]) -> Floats:
    """Intersection over union of each of some with each of others, (some, others); 0 across frames."""
    if not some or not others:
        return np.zeros((len(some), len(others)))
    frames = [np.array([drawn.annotation.frame for drawn in them]) for them in (some, others)]
    edges = [np.array([drawn.edges for drawn in them]) for them in (some, others)]
    low = np.maximum(edges[0][:, None, :2], edges[1][None, :, :2])
    high = np.minimum(edges[0][:, None, 2:], edges[1][None, :, 2:])
    sides = np.maximum(high - low, 0)
    shared = sides[..., 0] * sides[..., 1]
    shared[frames[0][:, None] != frames[1][None, :]] = 0
    if not all(isinstance(other.annotation.geometry, Box) for other in (*some, *others)):
        rows, columns = np.nonzero(shared)
        first = np.array([drawn.covers for drawn in some], dtype=object)[rows]
        second = np.array([other.covers for other in others], dtype=object)[columns]
        shared[rows, columns] = shapely.area(shapely.intersection(first, second))
    areas = [np.array([drawn.area for drawn in them]) for them in (some, others)]
    return shared / (areas[0][:, None] + areas[1][None, :] - shared)


def same_things(people: Sequence[Sequence[Drawn]], iou: float) -> list[list[Drawn]]:
    """The shapes of several people, those of the same thing together: at most one of each person.

    Matched one to one, two people at a time, by the optimal assignment (the Hungarian method as lapx has
    it), beginning with the person who agrees most with the others. A shape belongs to a thing from a mean
    intersection over union of `iou` with its shapes on; one of the same class is preferred. Every shape is
    in one thing; one nobody else drew is alone.
    """
    import lap  # most projects never need it

    for one, other in combinations(range(len(people)), 2):
        found = likeness(people[one], people[other])
        for drawn in people[one]:
            drawn.alike[other] = found[drawn.at]
        for drawn in people[other]:
            drawn.alike[one] = found[:, drawn.at]
    shared = [sum(map(_likest, mine)) for mine in people]
    order = sorted(range(len(people)), key=lambda person: (-shared[person], person))
    things: list[list[Drawn]] = [[drawn] for drawn in people[order[0]]] if order else []
    for person in order[1:]:
        mine = people[person]
        if not mine:
            continue
        if not things:
            things = [[drawn] for drawn in mine]
            continue
        means = np.array(
            [sum(drawn.alike[person] for drawn in thing) / len(thing) for thing in things]
        )
        same_class = np.array(
            [
                [
                    any(drawn.annotation.class_id == each.annotation.class_id for drawn in thing)
                    for each in mine
                ]
                for thing in things
            ]
        )
        # Half a class is worth less than any difference in place that matters.
        cost = np.where(means >= iou, 1 - means + 0.05 * ~same_class, 2.0)
        _, chosen, _ = lap.lapjv(cost, extend_cost=True, cost_limit=1.1)
        taken: set[int] = set()
        for number, at in enumerate(chosen):
            if at >= 0 and means[number, at] >= iou:
                things[number].append(mine[at])
                taken.add(int(at))
        things += [[drawn] for at, drawn in enumerate(mine) if at not in taken]
    return things


def _likest(drawn: Drawn) -> float:
    """How much the others drew the same: the sum of its best likeness with each person's shapes."""
    return float(sum(max(found.tolist()) for found in drawn.alike.values() if found.size))


def together(thing: Sequence[Drawn], how: Literal["median", "best"]) -> Box | Polygon:
    """What the shapes of one thing are as one.

    Args:
        thing: shapes of one kind.
        how: `best` is the one most alike to the others. `median`: of boxes, the median of each edge; of
            polygons, what more than half of them cover, and of two the best.
    """
    if how == "best" or len(thing) < 2:
        return _best(thing)
    boxes = [
        drawn.annotation.geometry for drawn in thing if isinstance(drawn.annotation.geometry, Box)
    ]
    if len(boxes) == len(thing):
        return Box(
            x0=median(box.x0 for box in boxes),
            y0=median(box.y0 for box in boxes),
            x1=median(box.x1 for box in boxes),
            y1=median(box.y1 for box in boxes),
        )
    covered = _covered_by_most([drawn.covers for drawn in thing]) if len(thing) > 2 else None
    return covered or _best(thing)


def _best(thing: Sequence[Drawn]) -> Box | Polygon:
    def shared(drawn: Drawn) -> float:
        return sum(float(drawn.alike[it.person][it.at]) for it in thing if it is not drawn)

    geometry = max(thing, key=shared).annotation.geometry
    assert isinstance(geometry, Box | Polygon)
    return geometry


def _covered_by_most(shapes: Sequence[Any]) -> Polygon | None:
    """What more than half of the shapes cover; None where that is no polygon that can be kept."""
    need = len(shapes) // 2 + 1
    common = [shapely.intersection_all(list(some)) for some in combinations(shapes, need)]
    covered = shapely.make_valid(shapely.union_all(common))
    pieces: list[Any] = [
        part
        for part in shapely.get_parts(covered)
        if part.geom_type == "Polygon" and part.area >= MIN_AREA
    ]
    if not pieces or sum(shapely.get_num_coordinates(pieces)) > MOST_POINTS:
        return None
    largest = max(piece.area for piece in pieces)
    # Slivers lie where edges of people run beside each other: no part of anything.
    parts = [
        Part(
            outer=_ring(piece.exterior),
            holes=[_ring(hole) for hole in piece.interiors if _wide(hole)],
        )
        for piece in pieces
        if piece.area >= 0.01 * largest
    ]
    return Polygon(parts=parts)


def _wide(hole: Any) -> bool:
    return bool(shapely.Polygon(hole).area >= MIN_AREA)


def _ring(ring: Any) -> list[tuple[float, float]]:
    points = np.clip(shapely.get_coordinates(ring)[:-1], 0.0, 1.0)
    return [(float(x), float(y)) for x, y in points]
