"""Archives like those of the Pascal VOC challenges: an XML file of boxes an image, and lists of the images.

A polygon is written as the box around it. Corners are whole pixels, counted from 0, of which the right and the
bottom one are not inside any more: `xmax - xmin` is the width, as torchvision and datumaro take it.

Source: "The PASCAL VOC2012 development kit", section 3 and 4.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import PurePosixPath
from xml.etree.ElementTree import Element, ParseError, SubElement, fromstring, indent, tostring

from labeling.annotations.shapes import Annotation, Box, Polygon
from labeling.exchange.formats.archive import Archive, is_safe
from labeling.exchange.formats.format import (
    PARTS,
    Described,
    File,
    Format,
    Remark,
    Shape,
    Subject,
    Writer,
)
from labeling.exchange.formats.output import Output
from labeling.exchange.formats.source import Source
from labeling.items.records import Item, Labeling


class VocWriter(Writer):
    """Writes one XML file an image."""

    def __init__(self, output: Output, subject: Subject) -> None:
        self._subject = subject
        self._archive = Archive(output, "labels.zip", subject.as_of)
        self._lists = {part: output.file(f".{part}") for part in PARTS}

    def close(self) -> None:
        """Complete the archive."""
        self._archive.close()

    def refuses(self, item: Item, labeling: Labeling) -> str | None:
        """Why an image can't have a file of its own: its name without suffix is another's, or unsafe."""
        if not is_safe(item.path):
            return "unsafe_name"
        return "same_name_as_another" if _file_of(item.path) in self._archive else None

    def add(self, item: Item, labeling: Labeling) -> int:
        """Write the file of an image. One without objects says that nothing is on it."""
        said = self._subject.said(labeling)
        tree = _image(item)
        for number, annotation in said:
            _object(tree, self._subject.classes[number].name, annotation, item)
        indent(tree)
        self._archive.write(_file_of(item.path), tostring(tree, encoding="utf-8"))
        self._lists[self._subject.part(item)].write(f"{_stem(item.path)}\n".encode())
        return len(said)

    def finish(self) -> None:
        """Add the lists of images, and the classes in order."""
        for part, file in self._lists.items():
            if file.tell() or part == "train":
                self._archive.copy(f"ImageSets/Main/{part}.txt", file)
        names = "".join(f"{_text(class_.name)}:::\n" for class_ in self._subject.classes)
        self._archive.write("labelmap.txt", f"# label:color_rgb:parts:actions\n{names}".encode())
        self._archive.close()


def _file_of(path: str) -> str:
    return f"Annotations/{_stem(path)}.xml"


def _stem(path: str) -> str:
    return str(PurePosixPath(path).with_suffix(""))


def _image(item: Item) -> Element:
    path = PurePosixPath(item.path)
    tree = Element("annotation")
    SubElement(tree, "folder").text = str(path.parent)
    SubElement(tree, "filename").text = path.name
    size = SubElement(tree, "size")
    for name, value in (("width", item.width), ("height", item.height), ("depth", 3)):
        SubElement(size, name).text = str(value)
    SubElement(tree, "segmented").text = "0"
    return tree


def _object(tree: Element, name: str, annotation: Annotation, item: Item) -> None:
    thing = SubElement(tree, "object")
    SubElement(thing, "name").text = _text(name)
    for flag, value in (("pose", "Unspecified"), ("truncated", "0"), ("difficult", "0")):
        SubElement(thing, flag).text = value
    box = SubElement(thing, "bndbox")
    x0, y0, x1, y1 = _bounds(annotation)
    left, right = _pixels(x0, x1, item.width)
    top, bottom = _pixels(y0, y1, item.height)
    for side, value in (("xmin", left), ("ymin", top), ("xmax", right), ("ymax", bottom)):
        SubElement(box, side).text = str(value)


def _bounds(annotation: Annotation) -> tuple[float, float, float, float]:
    match annotation.geometry:
        case Box(x0=x0, y0=y0, x1=x1, y1=y1):
            return x0, y0, x1, y1
        case Polygon(parts=parts):
            xs = [x for part in parts for x, _ in part.outer]
            ys = [y for part in parts for _, y in part.outer]
            return min(xs), min(ys), max(xs), max(ys)
        case _:
            raise ValueError(f"annotation {annotation.annotation_id!r} says nothing of where it is")


def _pixels(low: float, high: float, side: int) -> tuple[int, int]:
    """Both ends in whole pixels, at least one apart.

    >>> _pixels(0.1, 0.5, 640), _pixels(0.999, 1.0, 100)
    ((64, 320), (99, 100))
    """
    start = min(round(low * side), side - 1)
    return start, max(round(high * side), start + 1)


_IN_NO_XML = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ufffe\uffff]")


def _text(name: str) -> str:
    """A name as it can stand in XML and in a list of classes, which has no way to say `:` or a first `#`.

    >>> _text("#1: owl") == "\\uff031\\uff1a owl"
    True
    """
    safe = _IN_NO_XML.sub("\N{REPLACEMENT CHARACTER}", name)
    return re.sub("^#", "\uff03", safe).replace(":", "\uff1a")


def read_voc(source: Source) -> Iterator[Described | Remark]:
    """What XML files say, one for each image. Corners are taken as they are written, see above."""
    for name in source.ending(".xml"):
        try:
            tree = fromstring(source.read(name))
            yield _described(tree, name)
            yield from _remarks(tree, name)
        except (ParseError, TypeError, ValueError):
            yield Remark("unreadable_row", name)


def looks_like_voc(source: Source) -> bool:
    """Whether the first XML file of it is of one image."""
    names = source.ending(".xml")
    return bool(names) and b"<annotation>" in source.head_of(names[0])


def _described(tree: Element, name: str) -> Described:
    """An image. Where its file does not name it, it is called like the file."""
    file_name = tree.findtext("filename", "").strip()
    folder = tree.findtext("folder", "").strip()
    width, height = (float(tree.findtext(f"size/{side}") or 0) for side in ("width", "height"))
    shapes = [shape for element in tree.iter("object") if (shape := _read_object(element))]
    path = str(PurePosixPath(folder) / file_name) if file_name else _stem(name)
    return Described(path, shapes, width, height, in_pixels=True, stem=not file_name)


def _remarks(tree: Element, name: str) -> Iterator[Remark]:
    for element in tree.iter("object"):
        if _read_object(element) is None:
            yield Remark("unreadable_shape", f"{name}: {element.findtext('name', '')}")


def _read_object(thing: Element) -> Shape | None:
    try:
        left, top, right, bottom = (
            float(thing.findtext(f"bndbox/{side}", "")) for side in ("xmin", "ymin", "xmax", "ymax")
        )
    except ValueError:
        return None
    name = thing.findtext("name", "").strip()
    return Shape(name, (left, top, right, bottom)) if name else None


VOC = Format(
    name="voc",
    title="Pascal VOC",
    files=(File("voc/labels.zip", "application/zip"),),
    open=VocWriter,
    read=read_voc,
    fits=looks_like_voc,
    task_types=("boxes", "polygons"),
    loses=(
        "outlines",
        "parts",
        "holes",
        "frames",
        "attributes",
        "notes",
        "suggestions",
        "metadata",
    ),
    options=("split", "flat"),
    images="JPEGImages",
    samples=dict.fromkeys(
        ("boxes", "polygons"),
        """\
from xml.etree import ElementTree
from zipfile import ZipFile

with ZipFile("voc/labels.zip") as archive:
    for name in archive.namelist():
        if name.startswith("Annotations/"):
            image = ElementTree.fromstring(archive.read(name))
            things = [thing.findtext("name") for thing in image.iter("object")]
            print(image.findtext("filename"), things)
""",
    ),
)
