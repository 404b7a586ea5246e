"""The formats of exports and imports: each is one file here, and one word in this list."""

from __future__ import annotations

from collections.abc import Mapping

from labeling.exchange.formats.azureml import AZURE_ML
from labeling.exchange.formats.coco import COCO
from labeling.exchange.formats.csv import CSV
from labeling.exchange.formats.cvat import CVAT
from labeling.exchange.formats.format import Format
from labeling.exchange.formats.imagenet import IMAGENET
from labeling.exchange.formats.label_studio import LABEL_STUDIO
from labeling.exchange.formats.source import Source
from labeling.exchange.formats.voc import VOC
from labeling.exchange.formats.yolo import YOLO

FORMATS: Mapping[str, Format] = {
    format_.name: format_
    for format_ in (COCO, AZURE_ML, CSV, YOLO, IMAGENET, VOC, LABEL_STUDIO, CVAT)
}
"""By name; the first is what is made when nothing is said."""


def guessed(source: Source) -> Format | None:
    """The format that a file looks like, of those that can be read."""
    return next(
        (format_ for format_ in FORMATS.values() if format_.read and format_.fits(source)), None
    )
