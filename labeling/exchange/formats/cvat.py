"""CVAT's XML for images, version 1.1: boxes, polygons, masks and tags, in pixels; tracks frame by frame.

Source: https://docs.cvat.ai/docs/dataset_management/formats/format-cvat/
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from xml.etree.ElementTree import Element, ParseError, iterparse

from labeling.errors import Invalid
from labeling.exchange.formats.format import Described, Format, Remark, Ring, Shape
from labeling.exchange.formats.masks import outlines
from labeling.exchange.formats.source import Source

_OTHERS = ("polyline", "points", "cuboid", "skeleton")


def read_cvat(source: Source) -> Iterator[Described | Remark]:
    """What an XML file says, alone or in an archive: image by image, or track by track.

    Raises:
        Invalid: the file is broken.
    """
    for name in source.ending(".xml"):
        with source.open(name) as file:
            try:
                yield from _read(iterparse(file, events=("start", "end")))
            except ParseError as error:
                raise Invalid(f"{name} is no XML that can be read: {error}") from None


def looks_like_cvat(source: Source) -> bool:
    """Whether an XML file begins with the root of CVAT's."""
    names = source.ending(".xml")
    return bool(names) and b"<annotations>" in source.head_of(names[0])


def _read(events: Iterator[tuple[str, Element]]) -> Iterator[Described | Remark]:
    root: Element | None = None
    size = (0.0, 0.0)
    for event, one in events:
        if root is None:
            root = one
        if event == "start":
            continue
        if one.tag == "original_size":
            size = (float(one.findtext("width") or 0), float(one.findtext("height") or 0))
        elif one.tag == "image":
            yield from _read_image(one)
        elif one.tag == "track":
            yield from _read_track(one, size)
        if one.tag in ("image", "track"):
            one.clear()
            root.clear()  # what was read is held no longer


def _read_image(image: Element) -> Iterator[Described | Remark]:
    path = image.get("name", "")
    width, height = float(image.get("width") or 0), float(image.get("height") or 0)
    shapes: list[Shape] = []
    for one in image:
        where = f"{path}: {one.tag} {one.get('label', '')}"
        if one.tag in _OTHERS:
            yield Remark("not_a_shape", where)
            continue
        try:
            shape = _shape(one, height)
        except (TypeError, ValueError):
            yield Remark("unreadable_shape", where)
            continue
        if shape:
            if float(one.get("rotation") or 0) % 360:
                yield Remark("rotated", where)
            shapes.append(shape)
    yield Described(path, shapes, width, height, in_pixels=True)


def _read_track(track: Element, size: tuple[float, float]) -> Iterator[Described | Remark]:
    """What a track says of the frames it is seen on, which are named by their numbers."""
    label = track.get("label", "")
    for one in track:
        if one.get("outside") == "1":
            continue
        path = f"frame_{int(one.get('frame') or 0):06d}"
        if one.tag in _OTHERS:
            yield Remark("not_a_shape", f"{path}: {one.tag} {label}")
            continue
        one.set("label", label)
        try:
            shape = _shape(one, size[1])
        except (TypeError, ValueError):
            yield Remark("unreadable_shape", f"{path}: {one.tag} {label}")
            continue
        if shape:
            yield Described(path, [shape], *size, in_pixels=True, stem=True)


def _shape(one: Element, height: float) -> Shape | None:
    """A shape of an image; None where an element is none, as attributes are.

    Raises:
        ValueError, TypeError: a number is missing or is none.
    """
    label = one.get("label", "")
    match one.tag:
        case "tag":
            return Shape(label)
        case "box":
            left, top, right, bottom = (
                float(one.get(side, "")) for side in ("xtl", "ytl", "xbr", "ybr")
            )
            angle = math.radians(float(one.get("rotation") or 0))
            if not angle % math.tau:
                return Shape(label, (left, top, right, bottom))
            return Shape(label, parts=[(_turned((left, top, right, bottom), angle), [])])
        case "polygon":
            pairs = (pair.split(",") for pair in one.get("points", "").split(";") if pair)
            return Shape(label, parts=[([(float(x), float(y)) for x, y in pairs], [])])
        case "ellipse":
            return Shape(label, parts=[(_ellipse(one), [])])
        case "mask":
            return Shape(label, parts=_mask(one, int(height)))
        case _:
            return None


def _turned(box: tuple[float, float, float, float], angle: float) -> Ring:
    """The corners of a box that is turned around its middle."""
    left, top, right, bottom = box
    x, y = (left + right) / 2, (top + bottom) / 2
    return [
        (
            x + (across - x) * math.cos(angle) - (down - y) * math.sin(angle),
            y + (across - x) * math.sin(angle) + (down - y) * math.cos(angle),
        )
        for across, down in ((left, top), (right, top), (right, bottom), (left, bottom))
    ]


def _ellipse(one: Element) -> Ring:
    x, y, across, down = (float(one.get(side, "")) for side in ("cx", "cy", "rx", "ry"))
    angle = math.radians(float(one.get("rotation") or 0))
    ring: Ring = []
    for step in range(72):
        turn = math.tau * step / 72
        dx, dy = across * math.cos(turn), down * math.sin(turn)
        ring.append(
            (
                x + dx * math.cos(angle) - dy * math.sin(angle),
                y + dx * math.sin(angle) + dy * math.cos(angle),
            )
        )
    return ring


def _mask(one: Element, height: int) -> list[tuple[Ring, list[Ring]]]:
    """Runs of pixels, row by row, of a window of the image: as outlines in the image."""
    runs = [int(run) for run in one.get("rle", "").replace(",", " ").split()]
    left, top, width = (int(float(one.get(side, ""))) for side in ("left", "top", "width"))
    # Rows for columns: the outlines come out with x and y exchanged.
    found = outlines(runs, width)
    return [
        (
            [(left + x, top + y) for y, x in outer],
            [[(left + x, top + y) for y, x in hole] for hole in holes],
        )
        for outer, holes in found
    ]


CVAT = Format(
    name="cvat",
    title="CVAT (XML)",
    read=read_cvat,
    fits=looks_like_cvat,
)
