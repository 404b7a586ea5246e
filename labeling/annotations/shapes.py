"""What a person says about an image: tags, boxes and polygons, in fractions of the upright image."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from labeling.annotations.attributes import AttributeValues
from labeling.model import Fraction, Id, Model

TaskType = Literal["multiclass", "multilabel", "boxes", "polygons"]

MIN_AREA = 1e-12
"""Below this share of the image an area is zero: about 1/100 of a pixel of a 10-gigapixel image."""

MAX_ANNOTATIONS = 10_000
"""Annotations an image may carry: so many boxes of any place and id fit into what is kept of an image."""


class Tag(Model):
    """The whole image is of the class."""

    kind: Literal["tag"] = "tag"


class Box(Model):
    """An axis-aligned rectangle, in fractions of image width and height. Origin top-left."""

    kind: Literal["box"] = "box"
    x0: Fraction
    y0: Fraction
    x1: Fraction
    y1: Fraction

    @model_validator(mode="after")
    def _has_area(self) -> Box:
        if self.x1 <= self.x0 or self.y1 <= self.y0 or self.area < MIN_AREA:
            raise ValueError("a box needs x0 < x1 and y0 < y1")
        return self

    @property
    def area(self) -> float:
        """Share of the image, in (0, 1]."""
        return (self.x1 - self.x0) * (self.y1 - self.y0)


Point = tuple[Fraction, Fraction]
Ring = Annotated[list[Point], Field(min_length=3, max_length=50_000)]
"""A closed line; the last point is joined to the first."""


def ring_area(ring: list[Point]) -> float:
    """The area a ring encloses (shoelace formula), in shares of the image, never negative.

    >>> ring_area([(0.0, 0.0), (0.5, 0.0), (0.5, 0.5), (0.0, 0.5)])
    0.25
    """
    doubled = sum(
        x0 * y1 - x1 * y0 for (x0, y0), (x1, y1) in zip(ring, ring[1:] + ring[:1], strict=True)
    )
    return abs(doubled) / 2


class Part(Model):
    """One connected piece of an instance, with the holes cut out of it."""

    outer: Ring
    holes: list[Ring] = []

    @model_validator(mode="after")
    def _has_area(self) -> Part:
        if any(ring_area(ring) < MIN_AREA for ring in (self.outer, *self.holes)):
            raise ValueError("a polygon needs at least three points that enclose an area")
        return self


class Polygon(Model):
    """An instance drawn by its outline: one part or several, each with its holes."""

    kind: Literal["polygon"] = "polygon"
    parts: Annotated[list[Part], Field(min_length=1, max_length=1_000)]


Geometry = Annotated[Tag | Box | Polygon, Field(discriminator="kind")]


class Origin(Model):
    """Where an annotation came from: the id of the suggestion it was made from.

    A client says only that. Of what run it is, and whether it was changed, is found out by comparing; what
    a client says about it is not read.
    """

    prelabel: Id
    run_id: Id | None = None
    changed: bool = False


class Annotation(Model):
    """One thing said about an image."""

    annotation_id: Id
    class_id: Id
    frame: Annotated[int, Field(ge=0)] = 0
    geometry: Geometry = Tag()
    attributes: AttributeValues = {}
    origin: Origin | None = None
