"""The labels of a project as they were at one moment: what a model is trained on, kept beside it."""

from __future__ import annotations

import gzip
from collections.abc import Sequence, Set
from hashlib import sha256
from typing import Annotated

from pydantic import Field

from labeling import layout
from labeling.annotations.shapes import Box, Polygon, Tag
from labeling.assist.models import SNAPSHOT
from labeling.assist.preprocess import source_of
from labeling.errors import NotFound
from labeling.items.items import Items
from labeling.items.records import Item
from labeling.model import Model
from labeling.storage import Storage


class Source(Model):
    """An image, and where its pixels for a model lie."""

    item_id: str
    blob_etag: str
    container: str
    path: str


class DrawnShape(Model):
    """What a person drew on the first frame."""

    class_id: str
    geometry: Annotated[Box | Polygon, Field(discriminator="kind")]


class Line(Source):
    """An image and what people said of it.

    `page` names the labels given together on a page of similar images, which may be wrong together;
    `suggested`: a model's suggestion was seen before, so that the label does not judge a model.
    """

    class_ids: list[str]
    shapes: list[DrawnShape] = []
    page: str = ""
    suggested: bool = False

    def without(self, retired: Set[str]) -> Line:
        """The same but for what it says of retired classes: nobody is to be suggested these."""
        if not retired.intersection(self.class_ids):
            return self
        shapes = [one for one in self.shapes if one.class_id not in retired]
        ids = [one for one in self.class_ids if one not in retired]
        return self.model_copy(update={"class_ids": ids, "shapes": shapes})


class Snapshot(Model):
    """All labels of a moment, sorted by image."""

    lines: list[Line]

    @property
    def packed(self) -> bytes:
        """As a gzip file of JSON lines: the same labels, the same bytes."""
        text = "".join(line.model_dump_json() + "\n" for line in self.lines)
        return gzip.compress(text.encode(), mtime=0)

    @property
    def digest(self) -> str:
        """SHA-256 of the labels, in hex."""
        return sha256(self.packed).hexdigest()

    @classmethod
    def unpacked(cls, data: bytes) -> Snapshot:
        """What `packed` made."""
        return cls(
            lines=[Line.model_validate_json(one) for one in gzip.decompress(data).splitlines()]
        )


def snapshot(storage: Storage, items: Items, container: str, run_id: str) -> Snapshot:
    """The snapshot of a run: taken and kept the first time, the same from then on.

    Args:
        storage: where it is kept.
        items: of the project.
        container: of the project's images.
        run_id: of the training.
    """
    place = layout.model_blob(items.project_id, run_id, SNAPSHOT)
    try:
        return Snapshot.unpacked(storage.blobs.read(layout.MODELS, place))
    except NotFound:
        taken = Snapshot(lines=sorted(_labeled(items, container), key=lambda line: line.item_id))
        storage.blobs.write(layout.MODELS, place, taken.packed, content_type="application/gzip")
        return taken


def unlabeled(items: Items, container: str, shard: int) -> list[Source]:
    """The images of a shard that wait to be labeled."""
    return [
        _source(container, one.item)
        for one in items.all_rows(shard)
        if one.item.state == "available" and not one.item.flag and not one.item.reserved
    ]


def _labeled(items: Items, container: str) -> Sequence[Line]:
    lines: list[Line] = []
    for shard in range(items.shards):
        for one in items.all_rows(shard):
            said = one.labeling if one.item.state == "labeled" and not one.item.flag else None
            if said is None or said.outcome != "labeled":
                continue
            said = said.merged(items.merged)
            similar = one.item.priority == layout.CLUSTERED
            lines.append(
                Line(
                    **_source(container, one.item).model_dump(),
                    class_ids=sorted({annotation.class_id for annotation in said.annotations}),
                    shapes=[
                        DrawnShape(class_id=one.class_id, geometry=shape)
                        for one in said.annotations
                        if not isinstance(shape := one.geometry, Tag) and not one.frame
                    ],
                    page=said.submission_id if similar else "",
                    suggested=said.prelabel is not None,
                )
            )
    return lines


def _source(container: str, item: Item) -> Source:
    where, path = source_of(container, item)
    return Source(item_id=item.item_id, blob_etag=item.blob_etag, container=where, path=path)
