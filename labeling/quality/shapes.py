"""Which shapes that several people drew on an image are of the same thing, and what they look like together."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations
from typing import Any, Literal

import numpy as np
import shapely
from numpy.typing import NDArray

from labeling.annotations.shapes import MIN_AREA, Annotation, Box, Part, Polygon

Floats = NDArray[np.float64]

MOST_POINTS = 2_000
"""Points of an outline made from several: more than anybody draws, and the union of many has more."""


class Drawn:
    """A shape that one of several people drew: `person` is their number, `at` its place among theirs."""

    def __init__(self, person: int, at: int, annotation: Annotation) -> None:
        self.person = person
        self.at = at
        self.annotation = annotation
        self.covers: Any = _covered(annotation.geometry)


def _covered(geometry: object) -> Any:
    """A shape as shapely has it, in fractions of the image."""
    if isinstance(geometry, Box):
        return shapely.box(geometry.x0, geometry.y0, geometry.x1, geometry.y1)
    assert isinstance(geometry, Polygon)
    parts: list[Any] = [
        shapely.Polygon(part.outer, [ring for ring in part.holes]) for part in geometry.parts
    ]
    # Rings that touch themselves are let pass where they are drawn, and not by every operation.
    return shapely.make_valid(shapely.union_all(parts) if len(parts) > 1 else parts[0])


def likeness(some: Sequence[Drawn], others: Sequence[Drawn]) -> Floats:
    """Intersection over union of each of some with each of others, (some, others); 0 across frames."""
    if not some or not others:
        return np.zeros((len(some), len(others)))
    frames = [np.array([one.annotation.frame for one in them]) for them in (some, others)]
    edges = [np.array([one.covers.bounds for one in them]) for them in (some, others)]
    low = np.maximum(edges[0][:, None, :2], edges[1][None, :, :2])
    high = np.minimum(edges[0][:, None, 2:], edges[1][None, :, 2:])
    sides = np.clip(high - low, 0, None)
    shared = sides[..., 0] * sides[..., 1]
    shared[frames[0][:, None] != frames[1][None, :]] = 0
    if not all(isinstance(one.annotation.geometry, Box) for one in (*some, *others)):
        rows, columns = np.nonzero(shared)
        first = np.array([one.covers for one in some], dtype=object)[rows]
        second = np.array([one.covers for one in others], dtype=object)[columns]
        shared[rows, columns] = shapely.area(shapely.intersection(first, second))
    areas = [np.array([one.covers.area for one in them]) for them in (some, others)]
    return shared / (areas[0][:, None] + areas[1][None, :] - shared)


def same_things(people: Sequence[Sequence[Drawn]], iou: float) -> list[list[Drawn]]:
    """The shapes of several people, those of the same thing together: at most one of each person.

    Matched one to one, two people at a time, by the optimal assignment (the Hungarian method as lapx has
    it), beginning with the person who agrees most with the others. A shape belongs to a thing from a mean
    intersection over union of `iou` with its shapes on; one of the same class is preferred. Every shape is
    in one thing; one nobody else drew is alone.
    """
    import lap  # most projects never need it

    order = sorted(range(len(people)), key=lambda one: (-_agreement(people, one), one))
    things: list[list[Drawn]] = [[one] for one in people[order[0]]] if order else []
    for person in order[1:]:
        mine = people[person]
        if not mine:
            continue
        if not things:
            things = [[one] for one in mine]
            continue
        every = [one for thing in things for one in thing]
        alike = likeness(every, mine)
        ends = np.cumsum([len(thing) for thing in things])
        means = np.array([rows.mean(axis=0) for rows in np.split(alike, ends[:-1])])
        same_class = np.array(
            [
                [
                    any(one.annotation.class_id == each.annotation.class_id for one in thing)
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
        things += [[one] for at, one in enumerate(mine) if at not in taken]
    return things


def _agreement(people: Sequence[Sequence[Drawn]], person: int) -> float:
    """How much of what one person drew the others drew too: the sum of the best likenesses."""
    mine = people[person]
    others = [them for number, them in enumerate(people) if number != person and them]
    if not mine:
        return 0.0
    return float(sum(likeness(mine, them).max(axis=1).sum() for them in others))


def together(thing: Sequence[Drawn], how: Literal["median", "best"]) -> Box | Polygon:
    """What the shapes of one thing are as one.

    Args:
        thing: shapes of one kind.
        how: `best` is the one most alike to the others. `median`: of boxes, the median of each edge; of
            polygons, what more than half of them cover, and of two the best.
    """
    best = _best(thing)
    if how == "best" or len(thing) < 2:
        return best
    boxes = [one.annotation.geometry for one in thing if isinstance(one.annotation.geometry, Box)]
    if len(boxes) == len(thing):
        edges = np.median([[one.x0, one.y0, one.x1, one.y1] for one in boxes], axis=0)
        x0, y0, x1, y1 = (float(edge) for edge in edges)
        return Box(x0=x0, y0=y0, x1=x1, y1=y1)
    if len(thing) == 2:
        return best
    return _covered_by_most([one.covers for one in thing]) or best


def _best(thing: Sequence[Drawn]) -> Box | Polygon:
    alike = likeness(thing, thing).sum(axis=1)
    geometry = thing[int(np.argmax(alike))].annotation.geometry
    assert isinstance(geometry, Box | Polygon)
    return geometry


def _covered_by_most(shapes: Sequence[Any]) -> Polygon | None:
    """What more than half of the shapes cover; None where that is no polygon that can be kept."""
    need = len(shapes) // 2 + 1
    common = [shapely.intersection_all(list(some)) for some in combinations(shapes, need)]
    covered = shapely.make_valid(shapely.union_all(common))
    pieces: list[Any] = [
        one
        for one in shapely.get_parts(covered)
        if one.geom_type == "Polygon" and one.area >= MIN_AREA
    ]
    if not pieces or sum(shapely.get_num_coordinates(pieces)) > MOST_POINTS:
        return None
    largest = max(one.area for one in pieces)
    # Slivers lie where edges of people run beside each other: no part of anything.
    parts = [
        Part(
            outer=_ring(one.exterior), holes=[_ring(hole) for hole in one.interiors if _wide(hole)]
        )
        for one in pieces
        if one.area >= 0.01 * largest
    ]
    return Polygon(parts=parts)


def _wide(hole: Any) -> bool:
    return bool(shapely.Polygon(hole).area >= MIN_AREA)


def _ring(ring: Any) -> list[tuple[float, float]]:
    points = np.clip(shapely.get_coordinates(ring)[:-1], 0.0, 1.0)
    return [(float(x), float(y)) for x, y in points]
