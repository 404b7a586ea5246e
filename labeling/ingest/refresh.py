"""From blobs to items: refreshes, events, and measuring.

A refresh is queue work in steps, each safe to repeat: list the container into a manifest, compare it with
the last one, register what is new in batches, measure it. Nothing is registered twice, because an item's
id comes from its blob; never more than the limit, because a place is reserved before an item is made
(`capacity.py`). Events register single blobs by the same rules.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from dataclasses import replace
from functools import partial
from itertools import islice
from typing import Literal

from labeling import layout
from labeling.documents import Documents
from labeling.errors import NotFound
from labeling.ingest.capacity import Capacity
from labeling.ingest.manifest import Entry, Manifests, about, differences
from labeling.ingest.renditions import ITEMS_A_MESSAGE, Render, needed
from labeling.ingest.turns import Turns
from labeling.items.images import Registered
from labeling.items.items import Items
from labeling.items.records import Item, Stored
from labeling.media import header
from labeling.media.header import Measured
from labeling.media.patterns import SHOWN_BY_BROWSERS, Pattern, judge, unstorable
from labeling.model import Model, UtcTime, new_id
from labeling.projects.asking import Ask
from labeling.projects.datasets import sift
from labeling.projects.directory import COVER
from labeling.projects.projects import Projects
from labeling.projects.record import Project
from labeling.settings import Settings
from labeling.storage import (
    MAX_OPERATIONS,
    Blob,
    Collision,
    Range,
    Storage,
)

PAGES_A_MESSAGE = 20
"""Pages of 5,000 blobs listed in one go: well within a function's time."""
KNOWN_A_PART = 5_000
FEWEST_A_PART, MOST_A_PART = 200, 2_000
"""Changes that one message registers: the host works on several, and the places of each are in one cell."""
MEASURED_A_MESSAGE = 200
REGISTERED_AT_ONCE = 49
REGISTERED_IN_TURN = 8
MEASURED_AT_ONCE = 33
MEASURED_IN_TURN = 6
"""While somebody labels: some 18 operations a transaction, as many as a labeler's own have."""
READERS = 8
LOOKED_UP_AT_ONCE = 100

SMALL_PROJECT = 5_000
SHARDS = 8
"""Of a project that is larger: more would leave each shard's part of a sample too small (ADR-0035)."""
EARLY = 200
"""Images that can be labeled while the rest of a first listing goes on: one message measures them."""
MANY = 1_000
"""Images of the first page of a listing that goes on, by which a project is taken for a larger one."""


class Refresh(Model):
    """A step of a refresh: list from `cursor` on, or compare when everything is listed."""

    project_id: str
    refresh_id: str
    cursor: str | None = None
    part: int = 0
    step: Literal["list", "compare"] = "list"


class Register(Model):
    """One batch of differences that a refresh found, as written into a manifest.

    `early`: of a listing that goes on, so that nothing waits for it.
    """

    project_id: str
    manifest_id: str
    part: int
    early: bool = False


class Measure(Model):
    """Entries `start` to `stop` of a batch, to be measured."""

    project_id: str
    manifest_id: str
    part: int
    start: int
    stop: int


class BlobEvent(Model):
    """A blob landed, changed or went away."""

    container: str
    path: str
    deleted: bool = False


Step = Refresh | Register | Measure | Render | Ask
"""Work on a project's images that may be given up, to be gone on with by the next refresh."""

QUEUE_OF: dict[type[Step], str] = {
    Refresh: layout.REFRESH_QUEUE,
    Register: layout.REGISTER_QUEUE,
    Measure: layout.MEASURE_QUEUE,
    Render: layout.RENDITIONS_QUEUE,
    Ask: layout.ASK_QUEUE,
}
"""The queue of each step."""
_COULD_NOT: dict[type[Step], str] = {
    Refresh: "the container could not be listed",
    Register: "images that were found could not be registered",
    Measure: "the headers of some images could not be read",
    Render: "smaller copies of some images could not be made",
    Ask: "some images are still for as many people as before",
}
MOST_LEFT = 20
"""Messages of up to some 600 characters: they must fit the state's cell."""


class Left(Model):
    """A message that was given up, as it was sent."""

    step: Step


class RefreshView(Model):
    """The last refresh, or the one that is running."""

    refresh_id: str
    state: str
    problem: str
    started_at: UtcTime
    finished_at: UtcTime | None
    images: int
    new: int
    changed: int
    missing: int
    skipped: dict[str, int]


class RefreshState(Model):
    """What the last refresh did, or the running one does. `known_id`: the manifest of what is known.

    `left` are steps given up that hold up no refresh; the next one takes them up again.
    """

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
    failed_in: Literal["", "listing", "registering"] = ""
    left: list[Left] = []

    @property
    def running(self) -> bool:
        """Whether there is still something to do."""
        return self.state in ("listing", "registering")

    @property
    def knows_its_own(self) -> bool:
        """Whether what is known are images that this refresh has registered while it lists."""
        return self.known_id.startswith(f"{self.refresh_id}-")

    def view(self) -> RefreshView:
        """What people are shown of it."""
        return RefreshView(**{name: getattr(self, name) for name in RefreshView.model_fields})


def changes_a_part(images_found: int) -> int:
    """How many changes one message registers: a small folder is shared between messages, too.

    >>> changes_a_part(50), changes_a_part(6_000), changes_a_part(500_000)
    (200, 1000, 2000)
    """
    return min(MOST_A_PART, max(FEWEST_A_PART, images_found // 6))


class Ingest:
    """Registers the images of projects."""

    def __init__(
        self, storage: Storage, projects: Projects, settings: Settings, turns: Turns
    ) -> None:
        self._storage = storage
        self._projects = projects
        self._turns = turns
        self._settings = settings
        self.capacity = Capacity(storage, settings.max_items)
        self._states = Documents(storage, layout.PROJECTS, RefreshState)

    def start(self, project: Project) -> RefreshState:
        """Start a refresh, unless one is running; then that one is answered.

        The running one is sent its message again, which does no harm: the process that was to send it
        may have ended before. One that failed while it registered goes on there, for what it found is
        noted as known; and what the last one gave up is tried again.
        """
        now = self._storage.clock.now()
        last = self.state(project.project_id)
        for left in last.left if last else []:
            self._storage.queues.send(QUEUE_OF[type(left.step)], left.step)

        def started(last: RefreshState) -> RefreshState:
            if last.running:
                return last
            if last.failed_in == "registering":
                going_on = {"state": "registering", "failed_in": "", "problem": "", "left": []}
                return last.model_copy(update={**going_on, "finished_at": None})
            return RefreshState(
                refresh_id=new_id("r"),
                started_at=now,
                known_id=last.known_id,
                known_parts=last.known_parts,
                over_limit=last.over_limit,
                skipped=last.skipped,
                images=last.images,
            )

        none = RefreshState(refresh_id="", state="done", started_at=now)
        state = self._states.change(project.project_id, layout.REFRESH_STATE, started, missing=none)
        self._storage.queues.send(
            layout.REFRESH_QUEUE,
            Refresh(
                project_id=project.project_id,
                refresh_id=state.refresh_id,
                step="list" if state.state == "listing" else "compare",
            ),
        )
        return state

    def state(self, project_id: str) -> RefreshState | None:
        """What the last refresh of a project did."""
        return self._states.get(project_id, layout.REFRESH_STATE)

    # The steps of a refresh.

    def on_refresh(self, message: Refresh) -> None:
        """List some pages, or compare what was listed with what is known."""
        project = self._projects.find(message.project_id)
        state = self.state(message.project_id)
        if project is None or state is None or state.refresh_id != message.refresh_id:
            return
        if state.state == "registering":
            self._send_batches(project.project_id, state)
        elif state.state == "listing" and message.step == "compare":
            self._compare(project, state, message.part)
        elif state.state == "listing":
            self._list_on(project, message)

    def _list_on(self, project: Project, message: Refresh) -> None:
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
        manifests = self._manifests(project)
        cursor, part = message.cursor, message.part
        for _ in range(PAGES_A_MESSAGE):
            page = self._storage.blobs.list(
                project.source.container, prefix=pattern.prefix, cursor=cursor
            )
            accepted, skipped = sift(pattern, page.blobs)
            entries = [Entry.of(blob, media) for blob, media in accepted]
            counts = {reason: len(paths) for reason, paths in skipped.items()}
            manifests.write(message.refresh_id, "listed", part, entries, counts)
            if part == 0 and page.cursor and len(entries) >= MANY:
                self._begin(project, message.refresh_id, entries)
            cursor, part = page.cursor, part + 1
            if cursor is None:
                break
        return cursor, part

    def _begin(self, project: Project, refresh_id: str, listed: Sequence[Entry]) -> None:
        """Register some images of a first listing, so that people can label while the rest is listed.

        They count as known then, which is how the comparison to come finds them. Safe to repeat.
        """
        state = self.state(project.project_id)
        if state is None or state.refresh_id != refresh_id:
            return
        if state.known_id and not state.knows_its_own:
            return
        early_id = state.known_id
        if not early_id:
            # Of its own: another process may be here at the same time, and have listed other images.
            early_id = f"{refresh_id}-{new_id('f')}"
            project = self._with_shards(project, SMALL_PROJECT + 1)
            places, places_row = self.capacity.read(project.project_id)
            free = max(0, self.capacity.limit - places.taken)
            some = listed[:: max(1, len(listed) // EARLY)][: min(EARLY, free)]
            manifests = self._manifests(project)
            manifests.write(early_id, "known", 0, some)
            manifests.write(early_id, "change", 0, some)
            begun = state.model_copy(update={"known_id": early_id, "known_parts": 1})
            state_row = self._states.row(project.project_id, layout.REFRESH_STATE)
            if state_row is None or self._states.of(state_row) != state:
                return  # another process was first
            wanted = {f"{early_id}/0": len(some)}
            try:
                self._states.write(
                    project.project_id,
                    [
                        self._states.operation(layout.REFRESH_STATE, begun, state_row),
                        self.capacity.reserved(places, wanted, places.over, places_row),
                    ],
                )
            except Collision:
                return
        self._storage.queues.send(
            layout.REGISTER_QUEUE,
            Register(project_id=project.project_id, manifest_id=early_id, part=0, early=True),
        )

    def _fail(self, project: Project, problem: str) -> None:
        now = self._storage.clock.now()

        def failed(state: RefreshState) -> RefreshState:
            if state.state not in ("listing", "registering"):
                return state
            update = {"state": "failed", "failed_in": state.state, "problem": problem}
            return state.model_copy(update={**update, "finished_at": now})

        self._update(project.project_id, failed)
        if project.state == "initializing":
            self._projects.change(
                project.project_id,
                lambda old: old.model_copy(update={"state": "failed", "state_reason": problem}),
            )

    def give_up(self, step: Step, why: str) -> None:
        """A step failed as often as it may: say so where people look, and keep it to be gone on with.

        Args:
            step: what its queue will not bring again.
            why: in words, or the name of what was raised.
        """
        project = self._projects.find(step.project_id)
        state = self.state(step.project_id)
        if project is None or state is None:
            return
        problem = f"{_COULD_NOT[type(step)]}: {why}. Refresh to go on"
        if isinstance(step, Refresh):
            if step.refresh_id == state.refresh_id:
                self._fail(project, problem)
        elif isinstance(step, Register) and not step.early:
            if step.manifest_id == state.known_id:
                self._fail(project, problem)
        else:
            kept = Left(step=step)

            def noted(old: RefreshState) -> RefreshState:
                left = [*(left for left in old.left if left != kept), kept][-MOST_LEFT:]
                return old.model_copy(update={"problem": problem, "left": left})

            self._update(step.project_id, noted)

    def _compare(self, project: Project, state: RefreshState, listed_parts: int) -> None:
        manifests = self._manifests(project)
        images_found, skipped = manifests.counts(state.refresh_id, "listed", listed_parts)
        project = self._with_shards(project, images_found)
        places, places_row = self.capacity.read(project.project_id)
        free = self.capacity.limit - places.taken

        # Of its own: another process may be comparing at the same time, with other places left.
        manifest_id = new_id("f")
        known = manifests.writer(manifest_id, "known", KNOWN_A_PART)
        batches = manifests.writer(manifest_id, "change", changes_a_part(images_found))
        counts: Counter[str] = Counter()
        reserve: Counter[str] = Counter()
        over = early = 0
        found = differences(
            manifests.entries(state.known_id, "known", state.known_parts),
            manifests.entries(state.refresh_id, "listed", listed_parts),
        )
        for entry in self._known_by_events(project, found, places.by_events):
            if entry.change == "gone" and not entry.etag:
                known.add(entry)  # noted before
                continue
            if entry.change == "new" and counts["new"] >= free:
                over += 1
                continue
            known.add(replace(entry, etag="") if entry.change == "gone" else entry)
            early += entry.change != "new" and state.knows_its_own
            if entry.change == "same":
                continue
            counts[entry.change] += 1
            batch = batches.add(entry)
            if entry.change == "new":
                reserve[f"{manifest_id}/{batch}"] += 1
        known_parts, batch_parts = known.close(), batches.close()

        # Every batch holds a place, if only of size 0: the last one to be confirmed ends the refresh.
        wanted = {
            batch: reserve[batch] for batch in (f"{manifest_id}/{n}" for n in range(batch_parts))
        }
        registering = state.model_copy(
            update={
                "state": "registering",
                "images": images_found,
                "new": counts["new"] + early,
                "changed": counts["changed"],
                "missing": counts["gone"],
                "over_limit": over,
                "skipped": dict(skipped),
                "known_id": manifest_id,
                "known_parts": known_parts,
                "batches": batch_parts,
            }
        )
        state_row = self._states.row(project.project_id, layout.REFRESH_STATE)
        if state_row is None or self._states.of(state_row) != state:
            return self._again(project, state, listed_parts)  # another process was first
        try:
            self._states.write(
                project.project_id,
                [
                    self._states.operation(layout.REFRESH_STATE, registering, state_row),
                    self.capacity.reserved(places, wanted, over, places_row),
                ],
            )
        except Collision:
            return self._again(project, state, listed_parts)  # places were taken meanwhile
        self._send_batches(project.project_id, registering)

    def _known_by_events(
        self, project: Project, found: Iterator[Entry], expected: int
    ) -> Iterator[Entry]:
        """The differences, where what events have made items of already is not new.

        Looks items up until it has found as many as events have made: mostly none, so it reads nothing.
        """
        items = self._projects.items(project)
        while some := list(islice(found, LOOKED_UP_AT_ONCE)):
            ids = [
                layout.item_id(project.source.container, entry.path)
                for entry in some
                if expected > 0 and entry.change == "new"
            ]
            known = {stored.item.path: stored.item for stored in items.read_many(ids) if stored}
            expected -= len(known)
            for entry in some:
                item = known.get(entry.path)
                if item is None:
                    yield entry
                else:
                    same = item.blob_etag == entry.etag and not item.missing
                    yield replace(entry, change="same" if same else "changed")

    def _again(self, project: Project, state: RefreshState, listed_parts: int) -> None:
        """Compare anew, in a message of its own: a function has so much time."""
        self._storage.queues.send(
            layout.REFRESH_QUEUE,
            Refresh(
                project_id=project.project_id,
                refresh_id=state.refresh_id,
                part=listed_parts,
                step="compare",
            ),
        )

    def _send_batches(self, project_id: str, state: RefreshState) -> None:
        for part in range(state.batches):
            self._storage.queues.send(
                layout.REGISTER_QUEUE,
                Register(project_id=project_id, manifest_id=state.known_id, part=part),
            )
        self._finish_if_done(project_id, state.known_id)

    def _with_shards(self, project: Project, images_found: int) -> Project:
        """Choose the number of shards, once and for life (ADR-0002)."""
        expected = min(images_found, self._settings.max_items)
        shards = 1 if expected <= SMALL_PROJECT else SHARDS
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
        entries = self._manifests(project).read(message.manifest_id, "change", message.part)
        batch = f"{message.manifest_id}/{message.part}"
        fresh = [entry for entry in entries if entry.change == "new"]
        mine, made = self._register(items, project, fresh, batch)
        self._manifests(project).write(
            message.manifest_id,
            "registered",
            message.part,
            [self._with_item(project, entry, made) for entry in entries],
        )
        for entry in entries:
            if entry.change in ("gone", "changed"):
                self._follow(items, project, entry.path)
        for start in range(0, len(entries), MEASURED_A_MESSAGE):
            self._storage.queues.send(
                layout.MEASURE_QUEUE,
                Measure(
                    project_id=message.project_id,
                    manifest_id=message.manifest_id,
                    part=message.part,
                    start=start,
                    stop=start + MEASURED_A_MESSAGE,
                ),
            )
        self.capacity.confirm(project.project_id, batch, mine)
        if not message.early:
            self._finish_if_done(project.project_id, message.manifest_id)

    def _with_item(self, project: Project, entry: Entry, made: Mapping[str, Stored]) -> Entry:
        one = made.get(layout.item_id(project.source.container, entry.path))
        if one is None:
            return entry
        return replace(entry, item_etag=one.etag, registered_ms=one.item.registered_ms)

    def _register(
        self, items: Items, project: Project, entries: Sequence[Entry], batch: str
    ) -> Registered:
        by_shard: defaultdict[int, dict[str, Item]] = defaultdict(dict)
        for entry in entries:
            item = self._item_of(items, project, entry)
            by_shard[items.shard_of(item.item_id)][item.item_id] = item
        mine, made = 0, dict[str, Stored]()

        def register(shard: int, some: Sequence[Item]) -> None:
            nonlocal mine
            registered = items.register(shard, some, batch)
            mine += registered.mine
            made.update(registered.made)
            if registered.mine < len(some):
                self._revisit(items, project, some)

        most = min(REGISTERED_AT_ONCE, (MAX_OPERATIONS - 1) // (1 + items.lanes))
        few = min(REGISTERED_IN_TURN, most)
        for shard, of_shard in by_shard.items():
            self._turns.each(list(of_shard.values()), most, few, partial(register, shard))
        return Registered(mine, made)

    def _item_of(self, items: Items, project: Project, entry: Entry) -> Item:
        """The item of a blob, as it is before it is registered."""
        return items.new_item(
            entry.path,
            entry.etag,
            container=project.source.container,
            size=entry.size,
            media=entry.media,
            about=entry.about,
        )

    def _revisit(self, items: Items, project: Project, found: Sequence[Item]) -> None:
        """Items that were known already: their blobs may have come back, or changed."""
        for item, stored in zip(
            found, items.read_many([item.item_id for item in found]), strict=True
        ):
            if stored and (stored.item.missing or stored.item.blob_etag != item.blob_etag):
                self._follow(items, project, item.path)

    def _follow(self, items: Items, project: Project, path: str) -> Blob | None:
        """Let an item follow its blob as it is now, and give that, or None where it is gone.

        Messages come late, and a listing is not of one moment: what they say is only a reason to look.
        """
        item_id = layout.item_id(project.source.container, path)
        known = items.read(item_id)
        blob = self._storage.blobs.find(project.source.container, path)
        if known and blob is None:
            items.note_missing(item_id, True)
        elif known and blob:
            if known.item.missing:
                items.note_missing(item_id, False)
            items.overwritten(item_id, blob.etag, blob.size, about(blob))
        return blob

    def _finish_if_done(self, project_id: str, manifest_id: str) -> None:
        places = self.capacity.read(project_id)[0]
        if any(batch.startswith(f"{manifest_id}/") for batch in places.reserved):
            return
        now = self._storage.clock.now()
        state = self._update(
            project_id,
            lambda old: (
                old
                if old.known_id != manifest_id or old.state != "registering"
                else old.model_copy(update={"state": "done", "finished_at": now})
            ),
        )
        known = self._projects.find(project_id)
        if known and known.state not in ("initializing", "failed") and not state.batches:
            return  # nothing changed: what the list shows is not counted again
        project = self._projects.change(
            project_id,
            lambda old: (
                old.model_copy(
                    update={
                        "state": "running",
                        "state_reason": "",
                        "complete_at": old.complete_at or now,
                    }
                )
                if old.state in ("initializing", "failed")
                else old
            ),
        )
        self._projects.directory.take_snapshot(
            project, dict(self._projects.items(project).counters())
        )

    # Measuring.

    def on_measure(self, message: Measure) -> None:
        """Read the headers of some images, so that they can be handed out."""
        project = self._projects.find(message.project_id)
        if project is None:
            return
        entries = self._manifests(project).read(message.manifest_id, "registered", message.part)
        some = [e for e in entries[message.start : message.stop] if e.change != "gone"]
        items = self._projects.items(project)
        batch = f"{message.manifest_id}/{message.part}"
        known = {
            stored.item.item_id: stored
            for stored in (self._as_registered(items, project, entry, batch) for entry in some)
            if stored
        }
        wanted = [
            (layout.item_id(project.source.container, e.path), e.path, e.etag, e.size, e.media)
            for e in some
        ]
        wanted.sort(key=lambda entry: items.shard_of(entry[0]))  # so that a piece is of one shard
        self._turns.each(
            wanted,
            MEASURED_A_MESSAGE,
            MEASURED_IN_TURN,
            partial(self.measure, project, known=known),
        )

    def _as_registered(
        self, items: Items, project: Project, entry: Entry, batch: str
    ) -> Stored | None:
        """The item of an entry as it was made, or None where another had made it before."""
        if not entry.item_etag:
            return None
        item = self._item_of(items, project, entry)
        moment = entry.registered_ms
        item = replace(item, batch=batch, registered_ms=moment, changed_ms=moment)
        return Stored(item, entry.item_etag, {})

    def measure_items(self, project: Project, found: Sequence[Item]) -> int:
        """Measure items now, ahead of a labeler. Returns how many can be handed out."""
        return self.measure(
            project,
            [(item.item_id, item.path, item.blob_etag, item.size, item.media) for item in found],
        )

    def measure(
        self,
        project: Project,
        wanted: Sequence[tuple[str, str, str, int, str]],
        *,
        known: Mapping[str, Stored] = {},
    ) -> int:
        """Read headers (item, path, etag, size, media) and note what they say.

        Args:
            project: whose items they are.
            wanted: what to read.
            known: of some, the item as it was registered: it is read only where it has changed since.

        Returns:
            How many items became ready to be handed out.
        """

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
            step = min(MEASURED_AT_ONCE, (MAX_OPERATIONS - 1) // (1 + 2 * items.lanes))
            for at in range(0, len(ids), step):
                some = ids[at : at + step]
                ready += items.measured(
                    shard,
                    {item_id: results[item_id] for item_id in some},
                    known={item_id: known[item_id] for item_id in some if item_id in known},
                )
        self._show_first(project, wanted, results)
        self._send_for_rendering(project, wanted, results)
        self._projects.note_activity(project.project_id, labeling=False)  # the list counts them too
        return ready

    def _show_first(
        self,
        project: Project,
        wanted: Sequence[tuple[str, str, str, int, str]],
        results: Mapping[str, Measured],
    ) -> None:
        """Let the list of projects show the first of these images that can be seen.

        Only what is in our own account: the list of all projects must not depend on another's.
        """
        container, shown = project.source.container, list[tuple[str, str]]()
        for item_id, path, etag, size, media in wanted:
            found = results[item_id]
            if not found.width or len(shown) == COVER:
                continue
            if sides := needed(found.width, found.height, size, media):
                copy = layout.rendition(container, path, etag, min(sides))
                shown.append((layout.RENDITIONS, copy))
            elif media in SHOWN_BY_BROWSERS and "/" not in container:
                shown.append((container, path))
        self._projects.directory.note_cover(project.project_id, shown)

    def _send_for_rendering(
        self,
        project: Project,
        wanted: Sequence[tuple[str, str, str, int, str]],
        results: Mapping[str, Measured],
    ) -> None:
        """Ask for smaller copies of what was measured, where they are needed."""
        todo = [
            item_id
            for item_id, _, _, size, media in wanted
            if (found := results[item_id]).width
            and (media not in SHOWN_BY_BROWSERS or needed(found.width, found.height, size, media))
        ]
        for at in range(0, len(todo), ITEMS_A_MESSAGE):
            self._storage.queues.send(
                layout.RENDITIONS_QUEUE,
                Render(project_id=project.project_id, item_ids=todo[at : at + ITEMS_A_MESSAGE]),
            )

    def _measure_blob(
        self, container: str, path: str, etag: str, size: int, media: str
    ) -> Measured:
        def read(start: int, length: int) -> bytes:
            return self._storage.blobs.read(container, path, start=start, length=length)

        try:
            return header.measure(read, size, media, etag)
        except NotFound:
            return Measured(blob_etag=etag, problem="the file is gone")

    # Events.

    def on_blob_event(self, event: BlobEvent) -> None:
        """Let every project that watches this container take up a blob, or note that it is gone.

        Raises:
            NotNow: it is not the turn of this message yet.
        """
        verdict = judge(event.path, 1)
        if unstorable(event.path) or not verdict.media:
            return
        self._turns.each([event], 1, 1, lambda _: self._let_watchers_know(event, verdict.media))

    def _let_watchers_know(self, event: BlobEvent, media: str) -> None:
        watchers = list(
            self._storage.rows(
                layout.DIRECTORY, Range(layout.watchers(event.container), "", layout.END)
            )
        )
        for row in watchers:
            if row.cells.get("watching") and Pattern.parse(row.text("pattern")).matches(event.path):
                project = self._projects.find(row.key)
                if project is not None:
                    self._take_up(project, event, media)

    def _take_up(self, project: Project, event: BlobEvent, media: str) -> None:
        if project.state == "failed":
            return  # the refresh that revives it lists everything
        if not project.shards or project.state == "initializing":
            # The first listing may have passed this name already: come back when all of it is registered,
            # rather than compete with it for places.
            self._storage.queues.send(layout.BLOB_EVENTS_QUEUE, event, delay_s=15)
            return
        items = self._projects.items(project)
        item_id = layout.item_id(event.container, event.path)
        known = items.read(item_id)
        if known is None:
            blob = self._storage.blobs.find(event.container, event.path)
            if blob is None:
                return
            batch = self.capacity.reserve_one(project.project_id, item_id)
            if batch is None:
                return
            entry = Entry.of(blob, media)
            mine, _ = self._register(items, project, [entry], batch)
            self.capacity.settle_one(project.project_id, item_id, batch if mine else "")
        else:
            self.capacity.settle_one(project.project_id, item_id, known.item.batch)
            blob = self._follow(items, project, event.path)
            if blob is None or (known.item.blob_etag == blob.etag and known.item.width):
                return
        self.measure(project, [(item_id, blob.path, blob.etag, blob.size, media)])

    def _update(
        self, project_id: str, change: Callable[[RefreshState], RefreshState]
    ) -> RefreshState:
        return self._states.change(project_id, layout.REFRESH_STATE, change)

    def _manifests(self, project: Project) -> Manifests:
        return Manifests(self._storage.blobs, project.project_id)
