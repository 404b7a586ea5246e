"""What a file says about an image, as annotations of an item: in fractions of it, by the project's rules.

The same for all formats. A shape that sticks out of its image is cut, one that crosses itself is mended, one
that nothing is left of is dropped; each is told. What would make an image's labels other than the file means
leaves the image out.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, cast

import numpy as np
import shapely
from pydantic import ValidationError

from labeling.annotations.acceptance import PrelabelAnnotation
from labeling.annotations.attributes import Attribute, AttributeValue, understood
from labeling.annotations.classes import key_of_path
from labeling.annotations.geometry import SLACK_PX, fault_of
from labeling.annotations.shapes import (
    MAX_ANNOTATIONS,
    Annotation,
    Box,
    Part,
    Polygon,
    Tag,
    TaskType,
)
from labeling.annotations.task_types import TASK_TYPES
from labeling.annotations.twins import twins_of
from labeling.exchange.formats.format import Described, RingsOfPart, Shape
from labeling.items.records import Item
from labeling.media.frames import size_of
from labeling.names import key_of

LeftOut = Literal[
    "unknown_class", "wrong_kind", "other_size", "several_tags", "nothing_said", "too_many"
]
"""Why an image is left out as a whole."""

Altered = Literal[
    "attribute",
    "clipped",
    "mended",
    "boxed",
    "scaled",
    "twin",
    "too_small",
    "no_such_frame",
    "too_large",
    "unreadable_shape",
]
"""What happened to shapes. The last five are left out: the same twice, smaller than a pixel, on a frame that is
not there, of too many points, of numbers that are no place. Of an `attribute` that the class has not, or whose
value it doesn't take, that alone is."""

_OUTSIDE_PX = 1.0
"""Pixels by which a shape may stick out before that is told: rounding."""

_FARTHEST = 1e9
"""No place is further away, in whatever unit; nor is one that is infinite, or no number."""


class NotTaken(Exception):
    """An image is left out; `why` and, where that helps, what it is about."""

    def __init__(self, why: LeftOut, about: str = "") -> None:
        super().__init__(why)
        self.why: LeftOut = why
        self.about = about


@dataclass
class Placed:
    """The annotations of an image, and what happened to them on the way."""

    annotations: list[PrelabelAnnotation] = field(default_factory=list[PrelabelAnnotation])
    altered: Counter[Altered] = field(default_factory=Counter[Altered])
    note: str | None = None

    def as_labels(self) -> list[Annotation]:
        """The annotations as somebody's labels."""
        return [
            Annotation.model_validate(annotation.model_dump(exclude={"confidence"}))
            for annotation in self.annotations
        ]


def placed(
    pieces: Sequence[Described],
    item: Item,
    task_type: TaskType,
    classes: Mapping[str, str],
    attributes: Mapping[str, Sequence[Attribute]],
    *,
    twins: bool = False,
) -> Placed:
    """What was said about an image, as annotations of its item.

    Args:
        pieces: of what was said.
        item: measured, if anything of it has a place.
        task_type: of the project: what an image of it gets.
        classes: their ids by `key_of_path`.
        attributes: of each class, by its id.
        twins: a shape that lies exactly on another of its class is taken too.

    Raises:
        NotTaken: the labels would be other than the file means.
    """
    done = Placed(note=next((piece.note for piece in pieces if piece.note), None))
    wanted = TASK_TYPES[task_type]
    for piece in pieces:
        for shape in piece.shapes:
            class_id = classes.get(key_of_path(shape.class_name))
            if class_id is None:
                raise NotTaken("unknown_class", shape.class_name)
            geometry = _geometry(piece, shape, item, wanted.geometry, done.altered)
            if geometry is not None:
                done.annotations.append(
                    PrelabelAnnotation(
                        annotation_id=f"i{len(done.annotations) + 1}",
                        class_id=class_id,
                        confidence=_confidence(shape.confidence),
                        frame=shape.frame,
                        geometry=geometry,
                        attributes=_attributes(shape, attributes.get(class_id, ()), done.altered),
                    )
                )
    if len(done.annotations) > MAX_ANNOTATIONS:
        raise NotTaken("too_many")
    if wanted.geometry == "tag":
        _each_tag_once(done)
        if wanted.classes == "one" and len(done.annotations) > 1:
            raise NotTaken("several_tags")
    again = set[int]() if twins else set(twins_of(done.annotations))
    done.altered.update("twin" for _ in again)
    # Numbered when it is known what stays: else the same labels, written and read again, had other ids.
    staying = [annotation for at, annotation in enumerate(done.annotations) if at not in again]
    done.annotations = [
        annotation.model_copy(update={"annotation_id": f"i{number}"})
        for number, annotation in enumerate(staying, 1)
    ]
    return done


def _confidence(said: float | None) -> float | None:
    return said if said is not None and 0 <= said <= 1 else None


def _attributes(
    shape: Shape, known: Sequence[Attribute], altered: Counter[Altered]
) -> dict[str, AttributeValue]:
    """What is said of a shape, in the words of its class."""
    by_key = {key_of(attribute.name): attribute for attribute in known}
    values: dict[str, AttributeValue] = {}
    for name, said in shape.attributes.items():
        attribute = by_key.get(key_of(name))
        value = understood(said, attribute) if attribute else None
        if attribute is None or value is None:
            altered["attribute"] += 1
        else:
            values[attribute.name] = value
    return values


def _each_tag_once(done: Placed) -> None:
    by_class = {annotation.class_id: annotation for annotation in reversed(done.annotations)}
    done.annotations = [
        annotation for annotation in done.annotations if by_class[annotation.class_id] is annotation
    ]


def _geometry(
    piece: Described, shape: Shape, item: Item, wanted: str, altered: Counter[Altered]
) -> Tag | Box | Polygon | None:
    """A shape of the kind the project takes, or None where nothing of it is left."""
    if wanted == "tag":
        if shape.box or shape.parts:
            raise NotTaken("wrong_kind")
        return Tag()
    if not shape.parts and not (wanted == "box" and shape.box):
        raise NotTaken("wrong_kind")
    if shape.frame and shape.frame >= item.frames:
        altered["no_such_frame"] += 1
        return None
    if not _is_somewhere(shape):
        altered["unreadable_shape"] += 1
        return None
    size = size_of(item.frame_sizes, shape.frame) or (item.width, item.height)
    scale = _scale(piece, size, altered)
    if wanted == "polygon":
        return _polygon(shape.parts, scale, size, altered)
    box = shape.box
    if box is None:
        points = [point for outer, _ in shape.parts for point in outer]
        xs, ys = [x for x, _ in points], [y for _, y in points]
        box = (min(xs), min(ys), max(xs), max(ys))
        altered["boxed"] += 1
    return _box(box, scale, size, altered)


def _is_somewhere(shape: Shape) -> bool:
    """Whether all that it says of places are places. Files have `nan` and `1e999`, and Python reads them."""
    rings = [ring for outer, holes in shape.parts for ring in (outer, *holes)]
    return all(abs(value) <= _FARTHEST for value in shape.box or ()) and all(
        bool(np.all(np.abs(np.asarray(ring, dtype=float)) <= _FARTHEST)) for ring in rings
    )


def _scale(
    piece: Described, size: tuple[int, int], altered: Counter[Altered]
) -> tuple[float, float]:
    """What numbers of a piece are multiplied by to be fractions of an image of this size.

    Raises:
        NotTaken: the file is about an image of another shape: turned, cut, or simply another one.
    """
    said = (piece.width, piece.height)
    if not all(0 <= side <= _FARTHEST for side in said):
        raise NotTaken("other_size")
    if all(said) and said != size:
        # The same picture, smaller or larger: sides of whole pixels are half a pixel off at most.
        off = abs(said[0] * size[1] - said[1] * size[0])
        if off > max(sum(size), sum(said)) / 2:
            raise NotTaken("other_size")
        altered["scaled"] += 1
    if not piece.in_pixels:
        return 1.0, 1.0
    width, height = said if all(said) else size
    return 1 / width, 1 / height


def _box(
    box: Sequence[float],
    scale: tuple[float, float],
    size: tuple[int, int],
    altered: Counter[Altered],
) -> Box | None:
    x0, x1 = sorted((box[0] * scale[0], box[2] * scale[0]))
    y0, y1 = sorted((box[1] * scale[1], box[3] * scale[1]))
    inside = (min(1.0, max(0.0, value)) for value in (x0, y0, x1, y1))
    left, top, right, bottom = inside
    out = max((left - x0), (x1 - right)) * size[0], max((top - y0), (y1 - bottom)) * size[1]
    try:
        made = Box(x0=left, y0=top, x1=right, y1=bottom)
    except ValidationError:
        made = None
    if made is None or fault_of(made, *size):
        altered["too_small"] += 1
        return None
    altered["clipped"] += max(out) > _OUTSIDE_PX
    return made


def _polygon(
    parts: Sequence[RingsOfPart],
    scale: tuple[float, float],
    size: tuple[int, int],
    altered: Counter[Altered],
) -> Polygon | None:
    rings = [
        (_points(outer, scale), [_points(hole, scale) for hole in holes]) for outer, holes in parts
    ]
    outers = [outer for outer, _ in rings if len(outer)]
    sides = np.array(size)
    out = max(
        (float((np.abs(outer - np.clip(outer, 0, 1)) * sides).max()) for outer in outers),
        default=0.0,
    )
    if out <= _OUTSIDE_PX:
        rings = [
            (np.clip(outer, 0, 1), [np.clip(hole, 0, 1) for hole in holes])
            for outer, holes in rings
        ]
        made = _made(rings)
        if made and not fault_of(made, *size):
            return made if _is_simple(made) else _mended(rings, size, altered) or made
        altered["mended"] += 1
    else:
        altered["clipped"] += 1
    return _mended(rings, size, altered)


def _is_simple(polygon: Polygon) -> bool:
    """Whether no ring touches itself: one that goes to its holes and back by seams does."""
    rings = [ring for part in polygon.parts for ring in (part.outer, *part.holes)]
    return all(shapely.is_valid(shapely.polygons(np.asarray(ring))) for ring in rings)


def _points(ring: Sequence[Sequence[float]], scale: tuple[float, float]) -> Any:
    """The points of a ring, (points, 2), in fractions; the last one is not the first again."""
    points = np.asarray(ring, dtype=float).reshape(-1, 2) * scale
    return points[:-1] if len(points) > 1 and np.array_equal(points[0], points[-1]) else points


def _made(rings: Sequence[tuple[Any, Sequence[Any]]]) -> Polygon | None:
    try:
        return Polygon(
            parts=[
                Part(outer=_pairs(outer), holes=[_pairs(hole) for hole in holes])
                for outer, holes in rings
            ]
        )
    except ValidationError:
        return None


def _pairs(points: Any) -> list[tuple[float, float]]:
    return cast("list[tuple[float, float]]", [tuple(point) for point in points.tolist()])


def _mended(
    rings: Sequence[tuple[Any, Sequence[Any]]], size: tuple[int, int], altered: Counter[Altered]
) -> Polygon | None:
    """What the rings cover of the image, as parts that add up; without what is smaller than a pixel."""
    sides = np.array(size)
    covered: Any = shapely.union_all(
        [
            shapely.difference(
                _area(outer * sides), shapely.union_all([_area(hole * sides) for hole in holes])
            )
            for outer, holes in rings
        ]
    )
    seen = shapely.intersection(covered, shapely.box(0, 0, *size))
    parts = [
        part
        for part in shapely.get_parts(seen, return_index=False)
        if part.geom_type == "Polygon" and part.area >= 1
    ]
    made = _made(
        [
            (
                np.clip(np.array(part.exterior.coords[:-1]) / sides, 0, 1),
                [
                    np.clip(np.array(hole.coords[:-1]) / sides, 0, 1)
                    for hole in part.interiors
                    if shapely.Polygon(hole).area >= 1
                ],
            )
            for part in parts
        ]
    )
    if made is None or fault_of(made, *size):
        altered["too_large" if parts and made is None else "too_small"] += 1
        return None
    return made


def _area(points: Any) -> Any:
    """What a ring covers.

    Of one that touches or crosses itself, that which its area by the shoelace formula says: so seams to holes
    and between parts leave nothing behind. Else what is covered twice is cut out, as a mask made of it does.
    """
    if len(points) < 3:
        return shapely.Polygon()
    outline: Any = shapely.polygons(points)
    if shapely.is_valid(outline):
        return outline
    cut = shapely.make_valid(outline)
    filled = shapely.make_valid(outline, method="structure", keep_collapsed=False)
    return filled if abs(filled.area - outline.area) <= SLACK_PX else cut
