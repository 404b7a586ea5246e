"""The labels of a project as they were at one moment: what a model is trained on, kept beside it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from gzip import GzipFile
from hashlib import sha256
from io import BytesIO
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
from labeling.projects.record import Project
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

    `page` names the labels given together on a page of similar images, which may be wrong together, where
    not the images were drawn by chance but the page was;
    `suggested`: a model's suggestion was seen before;
    `early`: labeled when not all images were there yet, so that chance drew it from some of them alone.
    """

    class_ids: list[str]
    shapes: list[DrawnShape] = []
    page: str = ""
    suggested: bool = False
    early: bool = False

    @property
    def judges(self) -> bool:
        """Whether the label may be held against a model's, rather than teach alone."""
        return not self.suggested and not self.early

    def now(self, project: Project) -> Line:
        """The same, of the classes that merged ones became since, and without retired ones.

        Nobody is to be suggested these, so that nothing is promised of them either.
        """
        into = project.merged
        gone = {class_.class_id for class_ in project.classes if class_.retired}
        if not (gone | into.keys()) & {*self.class_ids}:
            return self
        shapes = [
            shape.model_copy(update={"class_id": class_id})
            for shape in self.shapes
            if (class_id := into.get(shape.class_id, shape.class_id)) not in gone
        ]
        ids = {into.get(class_id, class_id) for class_id in self.class_ids} - gone
        return self.model_copy(update={"class_ids": sorted(ids), "shapes": shapes})


class Snapshot(Model):
    """All labels of a moment, sorted by image."""

    lines: list[Line]

    @property
    def packed(self) -> bytes:
        """As a gzip file of JSON lines: the same labels, the same bytes."""
        file = BytesIO()
        with GzipFile(fileobj=file, mode="wb", mtime=0) as packing:
            for line in self.lines:
                packing.write(line.model_dump_json().encode() + b"\n")
        return file.getvalue()

    @property
    def digest(self) -> str:
        """SHA-256 of the labels, in hex."""
        return sha256(self.packed).hexdigest()

    @classmethod
    def unpacked(cls, data: bytes) -> Snapshot:
        """What `packed` made."""
        with GzipFile(fileobj=BytesIO(data)) as packed:
            return cls(lines=[Line.model_validate_json(line) for line in packed])


def snapshot(storage: Storage, items: Items, project: Project, run_id: str) -> Snapshot:
    """The snapshot of a run: taken and kept the first time, the same from then on.

    Args:
        storage: where it is kept.
        items: of the project.
        project: whose labels it has.
        run_id: of the training.
    """
    place = layout.model_blob(items.project_id, run_id, SNAPSHOT)
    try:
        return Snapshot.unpacked(storage.blobs.read(layout.MODELS, place))
    except NotFound:
        taken = Snapshot(lines=sorted(_labeled(items, project), key=lambda line: line.item_id))
        storage.blobs.write(layout.MODELS, place, taken.packed, content_type="application/gzip")
        return taken


def unlabeled(items: Items, project: Project, shard: int, least: int = 1) -> list[Source]:
    """The images of a shard that wait to be labeled, in copies of `least` pixels at least."""
    return [
        _source(project.source.container, row.item, least)
        for row in items.all_rows(shard)
        if row.item.state == "available"
        and not row.item.flag
        and not row.item.reserved
        and project.assist.looks_at(row.item.media)
    ]


def labeled_unseen(items: Items, project: Project) -> int:
    """How many labeled images are of a kind that the project's models are not to look at."""
    return sum(
        row.item.state == "labeled" and not project.assist.looks_at(row.item.media)
        for shard in range(items.shards)
        for row in items.all_rows(shard)
    )


def _labeled(items: Items, project: Project) -> Sequence[Line]:
    lines: list[tuple[Line, tuple[int, str], int]] = []
    answered = Counter[tuple[int, str]]()
    for shard in range(items.shards):
        for row in items.all_rows(shard):
            sample = shard, layout.sample_of(row.item.group)
            answered[sample] += row.item.state in ("labeled", "skipped")
            said = row.labeling if row.item.state == "labeled" and not row.item.flag else None
            if said is None or said.outcome != "labeled":
                continue
            if not project.assist.looks_at(row.item.media):
                continue
            said = said.merged(items.merged)
            similar = row.item.priority == layout.CLUSTERED
            line = Line(
                **_source(project.source.container, row.item).model_dump(),
                class_ids=sorted({annotation.class_id for annotation in said.annotations}),
                shapes=[
                    DrawnShape(class_id=annotation.class_id, geometry=shape)
                    for annotation in said.annotations
                    if not isinstance(shape := annotation.geometry, Tag) and not annotation.frame
                ],
                page=said.submission_id if similar else "",
                suggested=said.prelabel is not None,
                early=not project.had_all(said.saved_at),
            )
            lines.append((line, sample, layout.sample_size(row.item.group)))
    # Of a sample that is answered whole each image was drawn by chance, of one hardly begun each page was:
    # in between, of the variance between pages as much is left as of the sample (Cochran, "Sampling
    # Techniques", 1977, on subsampling without replacement), and so many of the pages stay one.
    return [
        line.model_copy(update={"page": ""})
        if size and layout.drawn("page", line.page, answered[sample] / size)
        else line
        for line, sample, size in lines
    ]


def _source(container: str, item: Item, least: int = 1) -> Source:
    where, path = source_of(container, item, least)
    return Source(item_id=item.item_id, blob_etag=item.blob_etag, container=where, path=path)
