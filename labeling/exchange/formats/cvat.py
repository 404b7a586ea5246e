"""CVAT's XML for images, version 1.1: boxes, polygons, masks and tags, in pixels; tracks frame by frame.

An object of several parts, or with holes, is written as a mask: CVAT's polygons are one ring.

Source: https://docs.cvat.ai/docs/dataset_management/formats/format-cvat/
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace
from xml.etree.ElementTree import Element, ParseError, SubElement, indent, iterparse, tostring

from labeling.annotations.attributes import Attribute
from labeling.annotations.shapes import Annotation, Box, Part, Point, Polygon
from labeling.exchange.formats.archive import is_safe
from labeling.exchange.formats.coco import run_lengths, to_pixels
from labeling.exchange.formats.format import (
    Described,
    File,
    Format,
    Remark,
    Ring,
    Shape,
    Subject,
    Writer,
    for_all_types,
)
from labeling.exchange.formats.masks import columns, decoded, outlines
from labeling.exchange.formats.output import Output
from labeling.exchange.formats.source import Source, Unreadable
from labeling.items.records import Item, Labeling


class CvatWriter(Writer):
    """Writes one XML file."""

    def __init__(self, output: Output, subject: Subject) -> None:
        self._subject = subject
        self._counts = output.counts
        self._file = output.file("annotations.xml")
        if self._file.tell():
            return
        self._file.write(
            b"<?xml version='1.0' encoding='utf-8'?>\n<annotations>\n  <version>1.1</version>\n"
        )
        self._write(_about(subject))

    def refuses(self, item: Item, labeling: Labeling) -> str | None:
        """Why CVAT would not find an image: its name can't stand in XML, or leads out of the folder."""
        return None if is_safe(item.path) else "unsafe_name"

    def add(self, item: Item, labeling: Labeling) -> int:
        """Write an image. One without shapes says that nothing is on it."""
        said = self._subject.said(labeling)
        # Without `subset`: datumaro 1.13.12 drops images that have one.
        image = Element("image", id=str(self._counts["images"]), name=item.path)
        image.set("width", str(item.width))
        image.set("height", str(item.height))
        for number, annotation in said:
            _add_shape(image, self._subject.classes[number].name, annotation, item)
        self._write(image)
        self._counts["images"] += 1
        return len(said)

    def finish(self) -> None:
        """End the file."""
        self._file.write(b"</annotations>\n")

    def _write(self, element: Element) -> None:
        indent(element, level=1)
        self._file.write(b"  " + tostring(element, encoding="utf-8") + b"\n")


def _about(subject: Subject) -> Element:
    """The task and its labels, which a task or a project that is made anew there takes over."""
    meta = Element("meta")
    task = SubElement(meta, "task")
    SubElement(task, "name").text = subject.project
    SubElement(task, "mode").text = "annotation"
    labels = SubElement(task, "labels")
    for class_ in subject.classes:
        label = SubElement(labels, "label")
        SubElement(label, "name").text = class_.name
        SubElement(label, "type").text = "any"
        _add_attributes(SubElement(label, "attributes"), class_.attributes)
    SubElement(meta, "dumped").text = subject.as_of.isoformat()
    return meta


def _add_attributes(element: Element, attributes: Sequence[Attribute]) -> None:
    """What is asked for there. A number is a text: CVAT's numbers have a least, a most and a step."""
    kinds = {"choice": "select", "yes_no": "checkbox"}
    for one in attributes:
        attribute = SubElement(element, "attribute")
        SubElement(attribute, "name").text = one.name
        SubElement(attribute, "mutable").text = "False"
        SubElement(attribute, "input_type").text = kinds.get(one.kind, "text")
        SubElement(attribute, "default_value")
        SubElement(attribute, "values").text = "\n".join(one.choices)


def _add_shape(image: Element, name: str, annotation: Annotation, item: Item) -> None:
    width, height = item.width, item.height
    place = {"label": name, "source": "manual", "occluded": "0"}
    match annotation.geometry:
        case Box() as box:
            sides = {
                "xtl": to_pixels(box.x0, width),
                "ytl": to_pixels(box.y0, height),
                "xbr": to_pixels(box.x1, width),
                "ybr": to_pixels(box.y1, height),
            }
            numbers = {side: f"{value:.2f}" for side, value in sides.items()}
            shape = SubElement(image, "box", place | numbers | {"z_order": "0"})
        case Polygon(parts=[part]) if not part.holes:
            points = (
                f"{to_pixels(x, width):.2f},{to_pixels(y, height):.2f}" for x, y in part.outer
            )
            outline = {"points": ";".join(points), "z_order": "0"}
            shape = SubElement(image, "polygon", place | outline)
        case Polygon() as polygon:
            runs = _runs(polygon, width, height) | {"z_order": "0"}
            shape = SubElement(image, "mask", place | runs)
        case _:
            shape = SubElement(image, "tag", {"label": name, "source": "manual"})
    for attribute, value in annotation.attributes.items():
        text = str(value).lower() if isinstance(value, bool) else str(value)
        SubElement(shape, "attribute", name=attribute).text = text


def _runs(polygon: Polygon, width: int, height: int) -> dict[str, str]:
    """The pixels of an object, row by row, in the window around them."""
    # Run lengths go down the columns: with x and y exchanged, along the rows.
    turned = run_lengths(_turned_over(polygon), height, width)
    pieces = [
        (row + down, left, right)
        for row, left, bottom, right in columns(decoded(turned["counts"].encode()), width)
        for down in range(bottom - row)
    ]
    if not pieces:  # of less than a pixel: the one that it is in
        x, y = polygon.parts[0].outer[0]
        pieces = [(min(int(y * height), height - 1), at := min(int(x * width), width - 1), at + 1)]
    top, bottom = pieces[0][0], pieces[-1][0] + 1
    left, right = min(piece[1] for piece in pieces), max(piece[2] for piece in pieces)
    counts: list[int] = []
    end = 0
    for row, first, stop in pieces:
        start = (row - top) * (right - left) + first - left
        if counts and start == end:
            counts[-1] += stop - first
        else:
            counts += [start - end, stop - first]
        end = start + stop - first
    rest = (bottom - top) * (right - left) - end
    return {
        "rle": ", ".join(map(str, [*counts, *([rest] if rest else [])])),
        "left": str(left),
        "top": str(top),
        "width": str(right - left),
        "height": str(bottom - top),
    }


def _turned_over(polygon: Polygon) -> Polygon:
    """The polygon with x and y exchanged."""

    def ring(points: Sequence[Point]) -> list[Point]:
        return [(y, x) for x, y in points]

    parts = [
        Part(outer=ring(part.outer), holes=[ring(hole) for hole in part.holes])
        for part in polygon.parts
    ]
    return Polygon(parts=parts)


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
                raise Unreadable("no_xml", f"{name} is no XML that can be read: {error}") from None


def looks_like_cvat(source: Source) -> bool:
    """Whether an XML file begins with the root of CVAT's."""
    names = source.ending(".xml")
    return bool(names) and b"<annotations>" in source.head_of(names[0])


def _read(events: Iterator[tuple[str, Element]]) -> Iterator[Described | Remark]:
    root: Element | None = None
    size = (0.0, 0.0)
    for event, element in events:
        if root is None:
            root = element
        if event == "start":
            continue
        if element.tag == "original_size":
            size = (float(element.findtext("width") or 0), float(element.findtext("height") or 0))
        elif element.tag == "image":
            yield from _read_image(element)
        elif element.tag == "track":
            yield from _read_track(element, size)
        if element.tag in ("image", "track"):
            element.clear()
            root.clear()  # what was read is held no longer


def _read_image(image: Element) -> Iterator[Described | Remark]:
    path = image.get("name", "")
    width, height = float(image.get("width") or 0), float(image.get("height") or 0)
    shapes: list[Shape] = []
    for element in image:
        where = f"{path}: {element.tag} {element.get('label', '')}"
        if element.tag in _OTHERS:
            yield Remark("not_a_shape", where)
            continue
        try:
            shape = _shape(element, height)
        except (TypeError, ValueError):
            yield Remark("unreadable_shape", where)
            continue
        if shape:
            if float(element.get("rotation") or 0) % 360:
                yield Remark("rotated", where)
            shapes.append(shape)
    yield Described(path, shapes, width, height, in_pixels=True)


def _read_track(track: Element, size: tuple[float, float]) -> Iterator[Described | Remark]:
    """What a track says of the frames it is seen on, which are named by their numbers."""
    label = track.get("label", "")
    for element in track:
        if element.get("outside") == "1":
            continue
        path = f"frame_{int(element.get('frame') or 0):06d}"
        if element.tag in _OTHERS:
            yield Remark("not_a_shape", f"{path}: {element.tag} {label}")
            continue
        element.set("label", label)
        try:
            shape = _shape(element, size[1])
        except (TypeError, ValueError):
            yield Remark("unreadable_shape", f"{path}: {element.tag} {label}")
            continue
        if shape:
            yield Described(path, [shape], *size, in_pixels=True, stem=True)


def _shape(element: Element, height: float) -> Shape | None:
    """A shape of an image with its attributes; None where an element is none.

    Raises:
        ValueError, TypeError: a number is missing or is none.
    """
    shape = _bare_shape(element, height)
    said = {each.get("name", ""): each.text or "" for each in element.iter("attribute")}
    return replace(shape, attributes=said) if shape and said else shape


def _bare_shape(element: Element, height: float) -> Shape | None:
    label = element.get("label", "")
    match element.tag:
        case "tag":
            return Shape(label)
        case "box":
            left, top, right, bottom = (
                float(element.get(side, "")) for side in ("xtl", "ytl", "xbr", "ybr")
            )
            angle = math.radians(float(element.get("rotation") or 0))
            if not angle % math.tau:
                return Shape(label, (left, top, right, bottom))
            return Shape(label, parts=[(_turned((left, top, right, bottom), angle), [])])
        case "polygon":
            pairs = (pair.split(",") for pair in element.get("points", "").split(";") if pair)
            return Shape(label, parts=[([(float(x), float(y)) for x, y in pairs], [])])
        case "ellipse":
            return Shape(label, parts=[(_ellipse(element), [])])
        case "mask":
            return Shape(label, parts=_mask(element, int(height)))
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


def _ellipse(element: Element) -> Ring:
    x, y, across, down = (float(element.get(side, "")) for side in ("cx", "cy", "rx", "ry"))
    angle = math.radians(float(element.get("rotation") or 0))
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


def _mask(element: Element, height: int) -> list[tuple[Ring, list[Ring]]]:
    """Runs of pixels, row by row, of a window of the image: as outlines in the image."""
    runs = [int(run) for run in element.get("rle", "").replace(",", " ").split()]
    left, top, width = (int(float(element.get(side, ""))) for side in ("left", "top", "width"))
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
    files=(File("cvat/annotations.xml", "application/xml"),),
    open=CvatWriter,
    read=read_cvat,
    fits=looks_like_cvat,
    loses=("frames", "notes", "suggestions", "metadata"),
    options=("flat",),
    samples=for_all_types(
        """\
from xml.etree import ElementTree

for image in ElementTree.parse("cvat/annotations.xml").iter("image"):
    print(image.get("name"), [shape.get("label") for shape in image])
"""
    ),
)
