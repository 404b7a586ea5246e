"""Which shapes that several people drew on an image are of the same thing, and what they look like together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import reduce
from itertools import accumulate, chain, combinations, pairwise, zip_longest
from statistics import median
from typing import Any, Literal

import numpy as np
import shapely

from labeling.annotations.shapes import MIN_AREA, Annotation, Box, Geometry, Part, Polygon, Tag

MOST_POINTS = 2_000
"""Points of an outline made from several: more than anybody draws, and the union of many has more."""

_NOTHING: Any = shapely.Polygon()  # made once: shapely parses text for it


class Drawn:
    """A shape that one of several people drew: `person` is their number, `at` its place among theirs.

    `alike`, by `key`, is its intersection over union with shapes of others, where it may not be 0. Of polygons,
    `covers` is the shape as shapely has it, in fractions of the image, and `shared`, by `key`, what shapes of
    those with a higher number cover too.
    """

    def __init__(self, person: int, at: int, annotation: Annotation) -> None:
        self.person = person
        self.at = at
        self.key = (person, at)
        self.annotation = annotation
        self.alike: dict[tuple[int, int], float] = {}
        self.covers: Any = None
        self.shared: dict[tuple[int, int], Any] = {}

    def likeness(self, other: Drawn) -> float:
        """Intersection over union with a shape of somebody else."""
        return self.alike.get(other.key, 0.0)


def same_things(people: Sequence[Sequence[Annotation]], iou: float) -> list[list[Drawn]]:
    """The shapes among what several people said, those of the same thing together: at most one of each person.

    Matched one to one, two people at a time, by the optimal assignment (the Hungarian method as lapx has
    it), beginning with the person who agrees most with the others. A shape belongs to a thing from a mean
    intersection over union of `iou` with its shapes on; one of the same class is preferred. Every shape is
    in one thing; one nobody else drew is alone.
    """
    drawn = [_drawn_by(number, said) for number, said in enumerate(people)]
    if not any(drawn):
        return []
    _compare(list(chain.from_iterable(drawn)))
    agrees = [sum(_agrees(shape, len(people)) for shape in mine) for mine in drawn]
    things: list[list[Drawn]] = []
    number_of: dict[tuple[int, int], int] = {}
    for person in sorted(range(len(people)), key=lambda person: (-agrees[person], person)):
        found = _assigned(things, number_of, drawn[person], iou)
        for shape in drawn[person]:
            number = found.get(shape.at, len(things))
            if number == len(things):
                things.append([])
            things[number].append(shape)
            number_of[shape.key] = number
    return things


def _drawn_by(person: int, said: Sequence[Annotation]) -> list[Drawn]:
    shapes = [annotation for annotation in said if not isinstance(annotation.geometry, Tag)]
    return [Drawn(person, at, shape) for at, shape in enumerate(shapes)]


def _compare(everything: Sequence[Drawn]) -> None:
    """Find out how alike shapes of different people are that lie in the same frame."""
    geometries = [drawn.annotation.geometry for drawn in everything]
    boxes = [(of.x0, of.y0, of.x1, of.y1) for of in geometries if isinstance(of, Box)]
    if len(boxes) == len(geometries):
        edges = np.array(boxes)
        covers = shapely.box(*edges.T)
        one, other = _close(everything, covers)
        low = np.maximum(edges[one, :2], edges[other, :2])
        high = np.minimum(edges[one, 2:], edges[other, 2:])
        shared = np.multiply.reduce(high - low, axis=1)
        areas = np.multiply.reduce(edges[:, 2:] - edges[:, :2], axis=1)
    else:
        covers = _covered(geometries)
        one, other = _close(everything, covers)
        common = shapely.intersection(covers[one], covers[other])
        shared, areas = shapely.area(common), shapely.area(covers)
        for drawn, covered in zip(everything, covers, strict=True):
            drawn.covers = covered
        for first, second, both in zip(one, other, common, strict=True):
            everything[first].shared[everything[second].key] = both
    alike = shared / (areas[one] + areas[other] - shared)
    for first, second, share in zip(one, other, alike.tolist(), strict=True):
        everything[first].alike[everything[second].key] = share
        everything[second].alike[everything[first].key] = share


def _close(everything: Sequence[Drawn], covers: Any) -> tuple[list[int], list[int]]:
    """Which shapes of two people may overlap: the first of each pair is that of the lower number."""
    one, other = shapely.STRtree(covers).query(covers)
    person = np.array([drawn.person for drawn in everything])
    frame = np.array([drawn.annotation.frame for drawn in everything])
    pairs = (person[one] < person[other]) & (frame[one] == frame[other])
    return one[pairs].tolist(), other[pairs].tolist()


def _covered(geometries: Sequence[Geometry]) -> Any:
    """What shapes cover, (shapes,) as shapely has it: all at once, since each call costs more than a shape."""
    parts = [_parts(geometry) for geometry in geometries]
    flat = list(chain.from_iterable(parts))
    outer = [part.outer for part in flat]
    pieces: Any = shapely.polygons(
        shapely.linearrings(
            np.array(list(chain.from_iterable(outer))),
            indices=np.repeat(np.arange(len(outer)), [len(ring) for ring in outer]),
        )
    )
    for number, part in enumerate(flat):
        if part.holes:
            pieces[number] = shapely.Polygon(part.outer, part.holes)
    # Rings that touch themselves are let pass where they are drawn, and not by every operation.
    if not shapely.is_valid(pieces).all():
        pieces = shapely.make_valid(pieces)
    if len(pieces) == len(geometries):
        return pieces
    ends = accumulate(map(len, parts), initial=0)
    whole = [shapely.union_all(pieces[start:end]) for start, end in pairwise(ends)]
    return np.array(whole, dtype=object)


def _parts(geometry: Geometry) -> Sequence[Part]:
    if isinstance(geometry, Polygon):
        return geometry.parts
    assert isinstance(geometry, Box)
    x0, y0, x1, y1 = geometry.x0, geometry.y0, geometry.x1, geometry.y1
    return [Part(outer=[(x0, y0), (x1, y0), (x1, y1), (x0, y1)])]


def _agrees(drawn: Drawn, people: int) -> float:
    """How much the others drew the same: the sum of its best likeness with each person's shapes."""
    best = [0.0] * people
    for (person, _), alike in drawn.alike.items():
        best[person] = max(best[person], alike)
    return sum(best)


def _assigned(
    things: Sequence[Sequence[Drawn]],
    number_of: Mapping[tuple[int, int], int],
    mine: Sequence[Drawn],
    iou: float,
) -> dict[int, int]:
    """By place of a shape of somebody's the number of the thing it is of, if any."""
    near: list[tuple[int, int, float]] = []
    for shape in mine:
        for number in {number_of[other] for other in shape.alike if other in number_of}:
            thing = things[number]
            mean = sum(shape.likeness(drawn) for drawn in thing) / len(thing)
            if mean >= iou:
                near.append((number, shape.at, mean))
    found = {at: number for number, at, _ in near}
    if len(found) == len(near) == len({*found.values()}):  # nothing to choose between
        return found
    import lap  # most projects never need it

    cost = np.full((len(things), len(mine)), 2.0)
    for number, at, mean in near:
        classes = {drawn.annotation.class_id for drawn in things[number]}
        # Half a class is worth less than any difference in place that matters.
        cost[number, at] = 1 - mean + 0.05 * (mine[at].annotation.class_id not in classes)
    _, chosen, _ = lap.lapjv(cost, extend_cost=True, cost_limit=1.1)
    return {int(at): row for row, at in enumerate(chosen) if at >= 0 and cost[row, at] < 2}


def together(
    things: Sequence[Sequence[Drawn]], how: Literal["median", "best"]
) -> list[Box | Polygon]:
    """What the shapes of each thing are as one.

    Args:
        things: shapes of one kind each.
        how: `best` is the one most alike to the others. `median`: of boxes, the median of each edge; of
            polygons, what more than half of them cover, and of two the best.
    """
    if how == "best":
        return [_best(thing) for thing in things]
    shapes: list[Box | Polygon | None] = [_median(thing) for thing in things]
    outlined = [at for at, thing in enumerate(things) if not shapes[at] and len(thing) > 2]
    for at, polygon in zip(
        outlined, _covered_by_most([things[at] for at in outlined]), strict=True
    ):
        shapes[at] = polygon
    return [shape or _best(thing) for shape, thing in zip(shapes, things, strict=True)]


def _best(thing: Sequence[Drawn]) -> Box | Polygon:
    def shared(drawn: Drawn) -> float:
        return sum(drawn.likeness(other) for other in thing if other is not drawn)

    geometry = max(thing, key=shared).annotation.geometry
    assert isinstance(geometry, Box | Polygon)
    return geometry


def _median(thing: Sequence[Drawn]) -> Box | None:
    boxes = [
        drawn.annotation.geometry for drawn in thing if isinstance(drawn.annotation.geometry, Box)
    ]
    if len(boxes) < max(2, len(thing)):
        return None
    return Box(
        x0=median(box.x0 for box in boxes),
        y0=median(box.y0 for box in boxes),
        x1=median(box.x1 for box in boxes),
        y1=median(box.y1 for box in boxes),
    )


def _covered_by_most(things: Sequence[Sequence[Drawn]]) -> list[Polygon | None]:
    """What more than half of the shapes of each thing cover; None where that is no polygon that can be kept."""
    common = zip_longest(*map(_in_common, things), fillvalue=_NOTHING)
    columns = [np.array(column, dtype=object) for column in common]
    return (
        [_kept(covered) for covered in reduce(shapely.union, columns)]
        if columns
        else [None] * len(things)
    )


def _in_common(thing: Sequence[Drawn]) -> list[Any]:
    """What each choice of more than half of the shapes covers."""
    common: list[Any] = []
    in_order = sorted(thing, key=lambda drawn: drawn.person)
    for first, second, *others in combinations(in_order, len(thing) // 2 + 1):
        both = first.shared.get(second.key)
        if both is not None:
            covers = [both, *(drawn.covers for drawn in others)]
            common.append(shapely.intersection_all(covers) if others else both)
    return common


def _kept(covered: Any) -> Polygon | None:
    pieces: list[Any] = [
        piece
        for piece in getattr(covered, "geoms", [covered])
        if piece.geom_type == "Polygon" and piece.area >= MIN_AREA
    ]
    if not pieces or sum(map(shapely.get_num_coordinates, pieces)) > MOST_POINTS:
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
    points = shapely.get_coordinates(ring)[:-1].clip(0.0, 1.0)
    return [(x, y) for x, y in points.tolist()]
