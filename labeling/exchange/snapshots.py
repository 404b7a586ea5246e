"""Snapshots: every item of a project as it was at one moment, gathered in parts.

What exports are made from. A part is some items of some shards, in the order of their ids. Gathering goes on
behind the last part that was kept, whoever was killed meanwhile, and a part that two gather at once is kept
once: its name is in the snapshot's row, or it is nowhere.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from hashlib import sha256
from itertools import islice
from typing import Any, NamedTuple

from labeling import layout
from labeling.annotations.classes import LabelClass
from labeling.annotations.shapes import TaskType
from labeling.documents import Documents
from labeling.errors import NotFound
from labeling.exchange.difference import Labels
from labeling.ingest.refresh import Ingest
from labeling.items.items import Items
from labeling.items.records import SETTLED, Item, Labeling, Revision, Stored
from labeling.model import Model, UtcTime, milliseconds, new_id
from labeling.projects.datasets import Source
from labeling.projects.projects import Projects
from labeling.projects.record import Project
from labeling.storage import Collision, Delete, Storage

PART_ITEMS, PART_BYTES = 5_000, 4_000_000
"""Of one part, before it is compressed: what is done twice when its process is killed, and held in memory."""

AT_ONCE = 200
"""Items that are measured at once, where they are not."""

_FOLDER = "snapshot/"

_KEPT = (
    "item_id",
    "path",
    "blob_etag",
    "order",
    "width",
    "height",
    "frames",
    "frame_sizes",
    "missing",
    "overwritten",
    "damage",
    "group",
    "about",
)
"""What files tell of an item."""


class About(Model):
    """The project as it was when gathering began."""

    project: str
    task_type: TaskType
    container: str
    folder: str
    address: str
    """Of the folder that paths begin in."""
    classes: list[LabelClass]


class Snapshot(Model):
    """How far gathering has come: `parts` are the names of what is kept, the project itself first."""

    as_of: UtcTime
    parts: list[str]
    shard: int = 0
    after: str = ""
    items: int = 0
    complete: bool = False


class Seen(NamedTuple):
    """An item, what was said about it, and, unless that is to be exported as it is, why not.

    `agreed` are its labels, if it has any; `each` those of each person, which is the same where one labels it.
    """

    item: Item
    reason: str | None
    agreed: list[Labeling] = []
    each: list[Labeling] = []

    @property
    def state(self) -> str:
        """The word for its state: the first of the reason."""
        return self.reason.partition(":")[0] if self.reason else "labeled"


class Snapshots:
    """Snapshots of projects."""

    def __init__(self, storage: Storage, projects: Projects, ingest: Ingest) -> None:
        self._storage = storage
        self._projects = projects
        self._ingest = ingest
        self._documents = Documents(storage, layout.PROJECTS, Snapshot)

    def gather(
        self, project: Project, snapshot_id: str, as_of: datetime, *, until: datetime
    ) -> bool:
        """Go on gathering; whether all of it is there. It stops behind the first part that ends after `until`.

        Raises:
            NotFound: it was dropped meanwhile.
        """
        state = self._documents.get(project.project_id, layout.snapshot(snapshot_id))
        if state is None:
            state = self._begin(project, snapshot_id, as_of)
        while not state.complete:
            state = self._add_part(project, snapshot_id, state)
            if self._storage.clock.now() > until:
                break
        return state.complete

    def about(self, project_id: str, snapshot_id: str) -> About:
        """The project of a snapshot, as it was when gathering began."""
        state = self._documents.need(project_id, layout.snapshot(snapshot_id))
        return About.model_validate_json(self._read(project_id, snapshot_id, state.parts[0]))

    def items(self, project_id: str, snapshot_id: str) -> int:
        """How many items were gathered so far."""
        state = self._documents.get(project_id, layout.snapshot(snapshot_id))
        return state.items if state else 0

    def parts(self, project_id: str, snapshot_id: str) -> list[str]:
        """Names of the parts that were gathered, in the order of shards and ids.

        Raises:
            NotFound: there is no such snapshot.
        """
        return self._documents.need(project_id, layout.snapshot(snapshot_id)).parts[1:]

    def part(self, project_id: str, snapshot_id: str, name: str) -> Iterator[Seen]:
        """The items of a part, in the order of their ids.

        Raises:
            NotFound: it was dropped.
        """
        for line in self._read(project_id, snapshot_id, name).splitlines():
            yield _seen(line)

    def labels(self, project_id: str, snapshot_id: str) -> Iterator[Labels]:
        """Every image that is exported, with a digest of what is said about it: classes, shapes and frames.

        Raises:
            NotFound: there is no such snapshot.
        """
        for name in self.parts(project_id, snapshot_id):
            for line in self._read(project_id, snapshot_id, name).splitlines():
                item, reason, said, *_ = json.loads(line)
                if said and not reason:
                    yield Labels(item["item_id"], item["path"], _digest(said))

    def drop(self, project_id: str, snapshot_id: str) -> None:
        """Remove a snapshot, if it is there, and what was left of one by whoever was killed."""
        # Its row first: who gathers finds it gone, and takes back what they have just written.
        with suppress(Collision):  # it is not there
            self._documents.write(project_id, [Delete(layout.snapshot(snapshot_id))])
        prefix = layout.export_blob(project_id, snapshot_id, _FOLDER)
        for blob in self._storage.blobs.list(layout.EXPORTS, prefix=prefix).blobs:
            self._storage.blobs.delete(layout.EXPORTS, blob.path)

    def _begin(self, project: Project, snapshot_id: str, as_of: datetime) -> Snapshot:
        source = project.source
        url, _ = self._storage.blobs.link(source.container, source.unseen + "blob")
        about = About(
            project=project.name,
            task_type=project.task_type,
            container=source.container,
            folder=source.unseen,
            address=url.partition("?")[0].removesuffix("/blob"),
            classes=[class_ for class_ in project.classes if not class_.merged_into],
        )
        name = self._write(project.project_id, snapshot_id, about.model_dump_json().encode())
        begun = Snapshot(as_of=as_of, parts=[name])
        try:
            self._documents.create(project.project_id, layout.snapshot(snapshot_id), begun)
        except Collision:  # another process began it
            self._delete(project.project_id, snapshot_id, name)
            return self._documents.need(project.project_id, layout.snapshot(snapshot_id))
        return begun

    def _add_part(self, project: Project, snapshot_id: str, state: Snapshot) -> Snapshot:
        """Gather one more part, and keep it if nobody else has gone on meanwhile."""
        items = self._projects.items(project)
        moment = milliseconds(state.as_of)
        shard, after = state.shard, state.after
        lines: list[bytes] = []
        size = 0
        while shard < project.shards and not _is_full(lines, size):
            rows = items.rows_after(shard, after)
            while batch := list(islice(rows, AT_ONCE)):
                each = _labelings(items, shard, batch)
                found = [
                    _line(_at(items, stored, moment, each), project.source)
                    for stored in self._measured(project, items, batch)
                ]
                lines += found
                size += sum(map(len, found))
                after = batch[-1].item.item_id
                if _is_full(lines, size):
                    break
            else:
                shard, after = shard + 1, ""
        data = b"\n".join(lines)
        name = self._write(project.project_id, snapshot_id, data) if lines else ""
        gone_on = state.model_copy(
            update={
                "parts": [*state.parts, *([name] if name else [])],
                "shard": shard,
                "after": after,
                "items": state.items + len(lines),
                "complete": shard == project.shards,
            }
        )
        try:
            kept = self._documents.change(
                project.project_id,
                layout.snapshot(snapshot_id),
                lambda known: gone_on if known == state else known,
            )
        except NotFound:
            self._delete(project.project_id, snapshot_id, name)
            raise
        if kept != gone_on:
            self._delete(project.project_id, snapshot_id, name)
        return kept

    def _measured(self, project: Project, items: Items, rows: Sequence[Stored]) -> Iterator[Stored]:
        """The same items, measured where they are labeled and were not (their blob was overwritten)."""
        waiting = [
            row.item
            for row in rows
            if row.item.revision and not row.item.width and not row.item.barred
        ]
        if not waiting:
            yield from rows
            return
        self._ingest.measure_items(project, waiting)
        ids = [item.item_id for item in waiting]
        fresh = dict(zip(ids, items.read_many(ids), strict=True))
        for row in rows:
            yield fresh.get(row.item.item_id) or row

    def _read(self, project_id: str, snapshot_id: str, name: str) -> bytes:
        blob = layout.export_blob(project_id, snapshot_id, name)
        return gzip.decompress(self._storage.blobs.read(layout.EXPORTS, blob))

    def _write(self, project_id: str, snapshot_id: str, data: bytes) -> str:
        """Keep a part; gives its name, which nobody else gives."""
        name = f"{_FOLDER}{new_id('s')}.gz"
        blob = layout.export_blob(project_id, snapshot_id, name)
        packed = gzip.compress(data, 5, mtime=0)
        self._storage.blobs.write(layout.EXPORTS, blob, packed, content_type="application/gzip")
        return name

    def _delete(self, project_id: str, snapshot_id: str, name: str) -> None:
        if name:
            blob = layout.export_blob(project_id, snapshot_id, name)
            self._storage.blobs.delete(layout.EXPORTS, blob)


def _is_full(lines: Sequence[bytes], size: int) -> bool:
    return len(lines) >= PART_ITEMS or size >= PART_BYTES


def _line(seen: Seen, source: Source) -> bytes:
    """Item, reason, labels, and those of each person where several label it."""
    item = {name: value for name in _KEPT if (value := getattr(seen.item, name))}
    item["path"] = source.shown(seen.item.path)
    said = seen.agreed[0].model_dump_json() if seen.agreed else "null"
    each = (
        [] if seen.each == seen.agreed else [labeling.model_dump_json() for labeling in seen.each]
    )
    more = f", [{', '.join(each)}]" if each else ""
    return f"{json.dumps([item, seen.reason])[:-1]}, {said}{more}]".encode()


def _digest(said: Mapping[str, Any]) -> str:
    """The same for the same shapes in any order, whoever drew them."""
    shapes = sorted(
        json.dumps(
            [annotation["class_id"], annotation["frame"], annotation["geometry"]], sort_keys=True
        )
        for annotation in said["annotations"]
    )
    return sha256("\n".join(shapes).encode()).hexdigest()


def _seen(line: bytes) -> Seen:
    item, reason, said, *each = json.loads(line)
    agreed = [] if said is None else [Labeling.model_validate(said)]
    people = [Labeling.model_validate(labeling) for labeling in each[0]] if each else agreed
    return Seen(Item(**_NOTHING | item), reason, agreed, people)


_NOTHING = {"blob_etag": "", "order": ""}


def _labelings(items: Items, shard: int, batch: Sequence[Stored]) -> dict[str, list[Labeling]]:
    """What each person said of those of some items that several label."""
    if not any(stored.item.shared for stored in batch):
        return {}
    return items.opinions_between(shard, batch[0].item.item_id, batch[-1].item.item_id)


def _at(
    items: Items, stored: Stored, moment: int, labelings: Mapping[str, Sequence[Labeling]]
) -> Seen:
    """An item as it was at a moment. `labelings`: of people, as they are now."""
    item = stored.item
    state, labeling = str(item.state), stored.labeling
    each = [*labelings.get(item.item_id, ())]
    later = item.changed_ms > moment
    if item.registered_ms > moment:
        return Seen(item, "arrived_later")
    if later or (item.shared and not _are_its(item, each, moment)):
        past = _past(items, item, moment)
        each = _each(past)
        if later:
            state, labeling = _before(past)
    if item.reason:
        return Seen(item, f"{item.state}: {item.reason}")
    if state == "leased":
        # Who holds what is not kept: the same moment must give the same files.
        state = "available"
    agreed = [labeling.merged(items.merged)] if labeling and state in _EXPORTED else []
    each = (
        [labeling.merged(items.merged) for labeling in each if labeling.outcome != "skipped"]
        if item.shared
        else agreed
    )
    if state == "labeled" and agreed and not (item.width and item.height):
        return Seen(item, "not_measured")
    if not (item.width and item.height):
        agreed = each = []
    if state == "labeled" and agreed:
        return Seen(item, None, agreed, each)
    because = labeling.reason if state == "skipped" and labeling else None
    return Seen(item, f"{state}: {because}" if because else state, agreed, each)


_EXPORTED = ("labeled", "needs_review")
"""States whose labels can be exported. Those that an item keeps while it waits are defaults, nobody's word."""


def _are_its(item: Item, each: Sequence[Labeling], moment: int) -> bool:
    """Whether labelings that were read after their item are those that it had then, at this moment."""
    settled = {lane.labeler for lane in item.lanes if lane.state in SETTLED}
    return {labeling.labeler for labeling in each} == settled and all(
        milliseconds(labeling.saved_at) <= moment for labeling in each
    )


def _past(items: Items, item: Item, moment: int) -> list[Revision]:
    """What became of an item until a moment, oldest first."""
    return [
        revision
        for revision in items.history(item.item_id)
        if milliseconds(revision.at) <= moment and revision.what != "superseded"
    ]


def _before(past: Sequence[Revision]) -> tuple[str, Labeling | None]:
    """The state and labels that an item had then."""
    if not past or past[-1].labeling is None:
        return "available", None
    return past[-1].state, past[-1].labeling


def _each(past: Sequence[Revision]) -> list[Labeling]:
    """What each person had said then, since the item was given out anew."""
    said: dict[str, Labeling] = {}
    for revision in past:
        if revision.what == "submitted" and revision.labeling:
            said[revision.by] = revision.labeling
        elif revision.labeling is None:  # sent back: what they said is forgotten
            said.clear()
    return [said[labeler] for labeler in sorted(said)]
