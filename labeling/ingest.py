"""From blobs to items: refreshes, events, and measuring.

A refresh is queue work in steps, each safe to repeat: list the container into a manifest, compare it with
the last one, register what is new in batches, measure it. Nothing is registered twice, because an item's
id comes from its blob; never more than the limit, because a place is reserved before an item is made
(`_Capacity`). Events register single blobs by the same rules.
"""

from __future__ import annotations

import gzip
import json
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from dataclasses import dataclass, replace
from typing import Literal

from labeling import images, layout
from labeling.datasets import sift
from labeling.errors import Conflict, NotFound
from labeling.items import Item, Items, Measured, attempts
from labeling.model import Model, UtcTime, digest_id, new_id
from labeling.patterns import READABLE_NOW, Pattern, judge
from labeling.projects import Project, Projects
from labeling.settings import Settings
from labeling.storage import Collision, Create, Merge, Operation, Range, Row, Storage

PAGES_A_MESSAGE = 20
"""Pages of 5,000 blobs listed in one go: well within a function's time."""
KNOWN_A_PART = 5_000
CHANGES_A_PART = 2_000
MEASURED_A_MESSAGE = 200
REGISTERED_AT_ONCE = 40
MEASURED_AT_ONCE = 24
READERS = 8

SMALL_PROJECT, MEDIUM_PROJECT = 5_000, 100_000


class Refresh(Model):
    """A step of a refresh: list from `cursor` on, or compare when everything is listed."""

    project_id: str
    refresh_id: str
    cursor: str | None = None
    part: int = 0
    step: Literal["list", "compare"] = "list"


class Register(Model):
    """One batch of differences that a refresh found."""

    project_id: str
    refresh_id: str
    part: int


class Measure(Model):
    """Entries `start` to `stop` of a batch, to be measured."""

    project_id: str
    refresh_id: str
    part: int
    start: int
    stop: int


class BlobEvent(Model):
    """A blob landed, changed or went away."""

    container: str
    path: str
    deleted: bool = False


class RefreshState(Model):
    """What the last refresh did, or the running one does."""

    refresh_id: str
    state: Literal["listing", "registering", "done", "failed"] = "listing"
    problem: str = ""
    started_at: UtcTime
    finished_at: UtcTime | None = None
    images: int = 0
    new: int = 0
    changed: int = 0
    missing: int = 0
    over_limit: int = 0
    skipped: dict[str, int] = {}
    known_id: str = ""
    known_parts: int = 0
    batches: int = 0


class _Capacity(Model):
    """Places for items: taken, reserved by batches, and how many came too late for one."""

    used: int = 0
    reserved: dict[str, int] = {}
    over: int = 0


@dataclass(frozen=True)
class Entry:
    """A blob in a manifest; in a batch of differences, with what happened to it."""

    path: str
    etag: str
    size: int
    media: str
    change: Literal["new", "changed", "gone", "same"] = "new"


class Ingest:
    """Registers the images of projects."""

    def __init__(self, storage: Storage, projects: Projects, settings: Settings) -> None:
        self._storage = storage
        self._projects = projects
        self._settings = settings

    def start(self, project: Project) -> RefreshState:
        """Start a refresh, unless one is running; then that one is answered.

        Raises:
            Conflict: the project is deleted or failed for good.
        """
        now = self._storage.clock.now()
        for _ in attempts(self._storage):
            row = self._row(project.project_id, layout.REFRESH_STATE)
            last = _state(row) if row else None
            if last and last.state in ("listing", "registering"):
                age = (now - last.started_at).total_seconds()
                if age < 3600:
                    return last
            fresh = RefreshState(
                refresh_id=new_id("r"),
                started_at=now,
                known_id=last.known_id if last else "",
                known_parts=last.known_parts if last else 0,
                over_limit=last.over_limit if last else 0,
                skipped=last.skipped if last else {},
                images=last.images if last else 0,
            )
            try:
                self._write(project.project_id, layout.REFRESH_STATE, fresh, row)
            except Collision:
                continue
            self._storage.queues.send(
                layout.REFRESH_QUEUE,
                Refresh(project_id=project.project_id, refresh_id=fresh.refresh_id),
            )
            return fresh
        raise AssertionError("unreachable")

    def state(self, project_id: str) -> RefreshState | None:
        """What the last refresh of a project did."""
        row = self._row(project_id, layout.REFRESH_STATE)
        return _state(row) if row else None

    # The steps of a refresh.

    def on_refresh(self, message: Refresh) -> None:
        """List some pages, or compare what was listed with what is known."""
        project = self._projects.find(message.project_id)
        state = self.state(message.project_id)
        if project is None or state is None or state.refresh_id != message.refresh_id:
            return
        if message.step == "compare":
            self._compare(project, state, message.part)
            return
        try:
            cursor, part = self._list(project, message)
        except NotFound:
            self._fail(project, f"there is no container {project.source.container!r}")
            return
        self._storage.queues.send(
            layout.REFRESH_QUEUE,
            message.model_copy(
                update={"cursor": cursor, "part": part, "step": "list" if cursor else "compare"}
            ),
        )

    def _list(self, project: Project, message: Refresh) -> tuple[str | None, int]:
        pattern = Pattern.parse(project.source.pattern)
        cursor, part = message.cursor, message.part
        for _ in range(PAGES_A_MESSAGE):
            page = self._storage.blobs.list(
                project.source.container, prefix=pattern.prefix, cursor=cursor
            )
            accepted, skipped = sift(pattern, page.blobs)
            entries = [Entry(blob.path, blob.etag, blob.size, media) for blob, media in accepted]
            self.write_part(project, message.refresh_id, "listed", part, entries, skipped)
            cursor, part = page.cursor, part + 1
            if cursor is None:
                break
        return cursor, part

    def _fail(self, project: Project, problem: str) -> None:
        self._update(
            project.project_id,
            lambda state: state.model_copy(
                update={
                    "state": "failed",
                    "problem": problem,
                    "finished_at": self._storage.clock.now(),
                }
            ),
        )
        if project.state == "initializing":
            self._projects.change(
                project.project_id,
                lambda old: old.model_copy(update={"state": "failed", "state_reason": problem}),
            )

    def _compare(self, project: Project, state: RefreshState, listed_parts: int) -> None:
        if state.state == "registering":
            self._send_batches(project.project_id, state)
            return
        skipped: Counter[str] = Counter()
        images_found = 0
        for part in range(listed_parts):
            header, count = self._part_header(project, state.refresh_id, part)
            skipped.update(header)
            images_found += count
        project = self._with_shards(project, images_found)
        capacity = self._capacity(project.project_id)[0]
        mine = f"{state.refresh_id}/"
        free = self._settings.max_items - capacity.used
        free -= sum(n for batch, n in capacity.reserved.items() if not batch.startswith(mine))

        known = _PartWriter(self, project, state.refresh_id, "known", KNOWN_A_PART)
        batches = _PartWriter(self, project, state.refresh_id, "change", CHANGES_A_PART)
        counts: Counter[str] = Counter()
        reserve: Counter[str] = Counter()
        over = 0
        for entry in _differences(
            self._entries(project, state.known_id, "known", state.known_parts),
            self._entries(project, state.refresh_id, "listed", listed_parts),
        ):
            if entry.change == "new" and counts["new"] >= free:
                over += 1
                continue
            if entry.change != "gone":
                known.add(entry)
            if entry.change == "same":
                continue
            counts[entry.change] += 1
            batch = batches.add(
                Entry(entry.path, entry.etag, entry.size, entry.media, entry.change)
            )
            if entry.change == "new":
                reserve[f"{mine}{batch}"] += 1
        known_parts, batch_parts = known.close(), batches.close()

        # Every batch holds a place, if only of size 0: the last one to be confirmed ends the refresh.
        places = {f"{mine}{part}": reserve[f"{mine}{part}"] for part in range(batch_parts)}
        self._change_capacity(
            project.project_id,
            lambda old: old.model_copy(
                update={
                    "reserved": {
                        **{k: n for k, n in old.reserved.items() if not k.startswith(mine)},
                        **places,
                    },
                    "over": over,
                }
            ),
        )
        registering = self._update(
            project.project_id,
            lambda old: old.model_copy(
                update={
                    "state": "registering",
                    "images": images_found,
                    "new": counts["new"],
                    "changed": counts["changed"],
                    "missing": counts["gone"],
                    "over_limit": over,
                    "skipped": dict(skipped),
                    "known_id": state.refresh_id,
                    "known_parts": known_parts,
                    "batches": batch_parts,
                }
            ),
        )
        self._send_batches(project.project_id, registering)

    def _send_batches(self, project_id: str, state: RefreshState) -> None:
        for part in range(state.batches):
            self._storage.queues.send(
                layout.REGISTER_QUEUE,
                Register(project_id=project_id, refresh_id=state.refresh_id, part=part),
            )
        self._finish_if_done(project_id, state.refresh_id)

    def _with_shards(self, project: Project, images_found: int) -> Project:
        """Choose the number of shards, once and for life (ADR-0002)."""
        expected = min(images_found, self._settings.max_items)
        shards = 1 if expected <= SMALL_PROJECT else 4 if expected <= MEDIUM_PROJECT else 16
        return self._projects.change(
            project.project_id,
            lambda old: old if old.shards else old.model_copy(update={"shards": shards}),
        )

    def on_register(self, message: Register) -> None:
        """Make items of a batch's new blobs; note changed and missing ones."""
        project = self._projects.find(message.project_id)
        if project is None:
            return
        items = self._projects.items(project)
        entries = self._read_part(project, message.refresh_id, "change", message.part)
        batch = f"{message.refresh_id}/{message.part}"
        fresh = [entry for entry in entries if entry.change == "new"]
        made = self._register(items, project, fresh, batch)
        for entry in entries:
            item_id = layout.item_id(project.source.container, entry.path)
            if entry.change == "gone":
                # A listing is not of one moment, and its order may not be ours: look before saying so.
                if self._storage.blobs.find(project.source.container, entry.path) is None:
                    items.flag(item_id, "missing")
            elif entry.change == "changed":
                items.overwritten(item_id, entry.etag, entry.size)
        for start in range(0, len(entries), MEASURED_A_MESSAGE):
            self._storage.queues.send(
                layout.MEASURE_QUEUE,
                Measure(
                    project_id=message.project_id,
                    refresh_id=message.refresh_id,
                    part=message.part,
                    start=start,
                    stop=start + MEASURED_A_MESSAGE,
                ),
            )
        self._confirm(project.project_id, batch, made)
        self._finish_if_done(project.project_id, message.refresh_id)

    def _register(
        self, items: Items, project: Project, entries: Sequence[Entry], batch: str
    ) -> int:
        by_shard: defaultdict[int, list[Item]] = defaultdict(list)
        for entry in entries:
            item = items.new_item(
                entry.path,
                entry.etag,
                container=project.source.container,
                size=entry.size,
                media=entry.media,
            )
            by_shard[items.shard_of(item.item_id)].append(item)
        made = 0
        for shard, found in by_shard.items():
            for at in range(0, len(found), REGISTERED_AT_ONCE):
                some = found[at : at + REGISTERED_AT_ONCE]
                mine = items.register(shard, some, batch)
                made += mine
                if mine < len(some):
                    self._revisit(items, some)
        return made

    def _revisit(self, items: Items, found: Sequence[Item]) -> None:
        """Items that were known already: their blobs may have come back, or changed."""
        for item, one in zip(found, items.read_many([item.item_id for item in found]), strict=True):
            if one is None:
                continue
            if one.item.flag == "missing":
                items.flag(item.item_id, "")
            if one.item.blob_etag != item.blob_etag:
                items.overwritten(item.item_id, item.blob_etag, item.size)

    def _finish_if_done(self, project_id: str, refresh_id: str) -> None:
        capacity = self._capacity(project_id)[0]
        if any(batch.startswith(f"{refresh_id}/") for batch in capacity.reserved):
            return
        now = self._storage.clock.now()
        self._update(
            project_id,
            lambda old: (
                old
                if old.refresh_id != refresh_id or old.state != "registering"
                else old.model_copy(update={"state": "done", "finished_at": now})
            ),
        )
        project = self._projects.change(
            project_id,
            lambda old: (
                old if old.state != "initializing" else old.model_copy(update={"state": "running"})
            ),
        )
        self._projects.take_snapshot(project, dict(self._projects.items(project).counters()))

    # Measuring.

    def on_measure(self, message: Measure) -> None:
        """Read the headers of some images, so that they can be handed out."""
        project = self._projects.find(message.project_id)
        if project is None:
            return
        entries = self._read_part(project, message.refresh_id, "change", message.part)
        wanted = {
            layout.item_id(project.source.container, entry.path): entry
            for entry in entries[message.start : message.stop]
            if entry.change != "gone"
        }
        self.measure(
            project, [(item, e.path, e.etag, e.size, e.media) for item, e in wanted.items()]
        )

    def measure_items(self, project: Project, found: Sequence[Item]) -> int:
        """Measure items now, ahead of a labeler. Returns how many can be handed out."""
        return self.measure(
            project, [(one.item_id, one.path, one.blob_etag, one.size, one.media) for one in found]
        )

    def measure(self, project: Project, wanted: Sequence[tuple[str, str, str, int, str]]) -> int:
        """Read headers (item, path, etag, size, media) and note what they say."""

        def one(entry: tuple[str, str, str, int, str]) -> tuple[str, Measured]:
            item_id, path, etag, size, media = entry
            return item_id, self._measure_blob(project.source.container, path, etag, size, media)

        with ThreadPoolExecutor(READERS) as pool:
            reading = [pool.submit(copy_context().run, one, entry) for entry in wanted]
            results = dict(each.result() for each in reading)
        items = self._projects.items(project)
        by_shard: defaultdict[int, list[str]] = defaultdict(list)
        for item_id in results:
            by_shard[items.shard_of(item_id)].append(item_id)
        ready = 0
        for shard, ids in by_shard.items():
            for at in range(0, len(ids), MEASURED_AT_ONCE):
                some = ids[at : at + MEASURED_AT_ONCE]
                ready += items.measured(shard, {item_id: results[item_id] for item_id in some})
        return ready

    def _measure_blob(
        self, container: str, path: str, etag: str, size: int, media: str
    ) -> Measured:
        def read(start: int, length: int) -> bytes:
            return self._storage.blobs.read(container, path, start=start, length=length)

        try:
            return images.measure(read, size, media, etag)
        except NotFound:
            return Measured(blob_etag=etag, problem="the file is gone")

    # Events.

    def on_blob_event(self, event: BlobEvent) -> None:
        """Let every project that watches this container take up a blob, or note that it is gone."""
        verdict = judge(event.path, 1)
        if verdict.media not in READABLE_NOW:
            return
        watchers = list(
            self._storage.rows(
                layout.DIRECTORY, Range(layout.watchers(event.container), "", layout.END)
            )
        )
        for row in watchers:
            if row.cells.get("watching") and Pattern.parse(row.text("pattern")).matches(event.path):
                project = self._projects.find(row.key)
                if project is not None:
                    self._take_up(project, event, verdict.media)

    def _take_up(self, project: Project, event: BlobEvent, media: str) -> None:
        if not project.shards:
            # The first listing may have passed this name already: come back when it is done.
            self._storage.queues.send(layout.BLOB_EVENTS_QUEUE, event, delay_s=15)
            return
        items = self._projects.items(project)
        item_id = layout.item_id(event.container, event.path)
        known = items.read(item_id)
        # Events come late and in any order: what counts is what is there now.
        blob = self._storage.blobs.find(event.container, event.path)
        if blob is None:
            if known:
                items.flag(item_id, "missing")
            return
        if known is None:
            batch = f"event/{digest_id(item_id, blob.etag, length=12)}"
            if not self._reserve_one(project.project_id, batch):
                return
            entry = Entry(blob.path, blob.etag, blob.size, media)
            made = self._register(items, project, [entry], batch)
            self._confirm(project.project_id, batch, made)
        else:
            if known.item.flag == "missing":
                items.flag(item_id, "")
            if known.item.blob_etag == blob.etag and known.item.width:
                return
            items.overwritten(item_id, blob.etag, blob.size)
        self.measure(project, [(item_id, blob.path, blob.etag, blob.size, media)])

    # Places for items.

    def _reserve_one(self, project_id: str, batch: str) -> bool:
        limit = self._settings.max_items

        def reserved(old: _Capacity) -> _Capacity:
            if batch in old.reserved:
                return old
            if old.used + sum(old.reserved.values()) >= limit:
                return old.model_copy(update={"over": old.over + 1})
            return old.model_copy(update={"reserved": {**old.reserved, batch: 1}})

        return batch in self._change_capacity(project_id, reserved).reserved

    def _confirm(self, project_id: str, batch: str, made: int) -> None:
        def confirmed(old: _Capacity) -> _Capacity:
            if batch not in old.reserved:
                return old
            rest = {name: n for name, n in old.reserved.items() if name != batch}
            return old.model_copy(update={"used": old.used + made, "reserved": rest})

        self._change_capacity(project_id, confirmed)

    def over_limit_of(self, row: Row | None) -> int:
        """How many images found no place, by the project's capacity row."""
        return _capacity_of(row).over

    def _capacity(self, project_id: str) -> tuple[_Capacity, Row | None]:
        row = self._row(project_id, layout.CAPACITY)
        return _capacity_of(row), row

    def _change_capacity(
        self, project_id: str, change: Callable[[_Capacity], _Capacity]
    ) -> _Capacity:
        for _ in attempts(self._storage, 60):
            old, row = self._capacity(project_id)
            new = change(old)
            if new == old:
                return new
            try:
                self._write(project_id, layout.CAPACITY, new, row)
                return new
            except Collision:
                continue
        raise AssertionError("unreachable")

    # Records and manifests.

    def _row(self, project_id: str, key: str) -> Row | None:
        return self._storage.tables.get(layout.PROJECTS, project_id, key)

    def _write(self, project_id: str, key: str, record: Model, row: Row | None) -> None:
        cells = {"schema": 1, "doc": record.model_dump_json()}
        operation: Operation = Merge(key, cells, row.etag) if row else Create(key, cells)
        self._storage.tables.transact(layout.PROJECTS, project_id, [operation])

    def _update(
        self, project_id: str, change: Callable[[RefreshState], RefreshState]
    ) -> RefreshState:
        for _ in attempts(self._storage):
            row = self._row(project_id, layout.REFRESH_STATE)
            if row is None:
                raise Conflict("no refresh was started")
            old = _state(row)
            new = change(old)
            if new == old:
                return old
            try:
                self._write(project_id, layout.REFRESH_STATE, new, row)
                return new
            except Collision:
                continue
        raise AssertionError("unreachable")

    def write_part(
        self,
        project: Project,
        refresh_id: str,
        kind: str,
        part: int,
        entries: Sequence[Entry],
        skipped: Counter[str] | None = None,
    ) -> None:
        """Keep one part of a manifest, with how many blobs of it are no items, by reason."""
        lines = [json.dumps({"skipped": dict(skipped or {}), "count": len(entries)})]
        lines += [
            json.dumps([e.path, e.etag, e.size, e.media, e.change], ensure_ascii=False)
            for e in entries
        ]
        self._storage.blobs.write(
            layout.MANIFESTS,
            layout.manifest_blob(project.project_id, refresh_id, kind, part),
            gzip.compress("\n".join(lines).encode(), 5),
            content_type="application/gzip",
        )

    def _part_lines(self, project: Project, refresh_id: str, kind: str, part: int) -> list[str]:
        blob = layout.manifest_blob(project.project_id, refresh_id, kind, part)
        data = gzip.decompress(self._storage.blobs.read(layout.MANIFESTS, blob))
        return data.decode().split("\n")

    def _part_header(
        self, project: Project, refresh_id: str, part: int
    ) -> tuple[dict[str, int], int]:
        header = json.loads(self._part_lines(project, refresh_id, "listed", part)[0])
        return header["skipped"], header["count"]

    def _read_part(self, project: Project, refresh_id: str, kind: str, part: int) -> list[Entry]:
        lines = self._part_lines(project, refresh_id, kind, part)[1:]
        return [Entry(*json.loads(line)) for line in lines]

    def _entries(self, project: Project, refresh_id: str, kind: str, parts: int) -> Iterator[Entry]:
        for part in range(parts):
            yield from self._read_part(project, refresh_id, kind, part)


class _PartWriter:
    """Writes entries as parts of a fixed size, holding one part in memory."""

    def __init__(
        self, ingest: Ingest, project: Project, refresh_id: str, kind: str, size: int
    ) -> None:
        self._ingest = ingest
        self._project = project
        self._refresh_id = refresh_id
        self._kind = kind
        self._size = size
        self._part = 0
        self._entries: list[Entry] = []

    def add(self, entry: Entry) -> int:
        """Add an entry; returns the number of its part."""
        if len(self._entries) == self._size:
            self._flush()
        self._entries.append(entry)
        return self._part

    def _flush(self) -> None:
        self._ingest.write_part(
            self._project, self._refresh_id, self._kind, self._part, self._entries
        )
        self._part += 1
        self._entries = []

    def close(self) -> int:
        """Write what is left; returns how many parts there are."""
        if self._entries:
            self._flush()
        return self._part


def _differences(known: Iterator[Entry], listed: Iterator[Entry]) -> Iterator[Entry]:
    """Merge-join of two listings sorted by name; memory does not grow with them."""
    old, new = next(known, None), next(listed, None)
    while old or new:
        if new is None or (old is not None and old.path < new.path):
            assert old is not None
            yield replace(old, change="gone")
            old = next(known, None)
        elif old is None or new.path < old.path:
            yield replace(new, change="new")
            new = next(listed, None)
        else:
            yield replace(new, change="same" if old.etag == new.etag else "changed")
            old, new = next(known, None), next(listed, None)


def _state(row: Row) -> RefreshState:
    return RefreshState.model_validate_json(row.text("doc"))


def _capacity_of(row: Row | None) -> _Capacity:
    return _Capacity.model_validate_json(row.text("doc")) if row else _Capacity()
