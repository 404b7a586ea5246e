"""What to hand out: a look at the queues of a project for one labeler.

A labeler draws from a home shard, at a random place while plenty is left, and moves on when it is dry.
What was found is remembered for a while by the whole process, so that waiting labelers cost little.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from labeling import layout
from labeling.items.records import Item, QueuedItem, Task, split_tasks
from labeling.model import milliseconds
from labeling.projects.access import Caller
from labeling.projects.projects import ProjectAccess
from labeling.storage import Clock, Range, Row, Storage

PLENTY = 8
"""Pages that must be left in a shard's queue for starting at a random place of it."""

GROUPS = 8
"""Pages of similar images looked at, so that labelers of a shard seldom choose the same."""

USED_UP_S = 15
"""How long a queue that was found empty is passed over. A look costs a call, and something may come."""

HANDING_OUT = ("running", "initializing")
"""States of a project in which items are handed out: while the first listing is registered, what is there."""

WhyNone = Literal["none_left", "all_leased", "paused", "initializing", "too_many_open"]


@dataclass(frozen=True)
class Nothing:
    """What a fruitless look found, believed for a few seconds by everyone in this process."""

    why: WhyNone
    until: float
    retry_after_s: int


class QueueCache:
    """What readers of this process have found in the queues."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._dry: dict[str, Nothing] = {}
        self._changes: dict[str, int] = {}
        self._left: dict[tuple[str, int, str], float] = {}
        self._used_up: dict[tuple[str, int, str], float] = {}

    def dry(self, key: str) -> Nothing | None:
        """What a fruitless look of a moment ago found."""
        dry = self._dry.get(key)
        return dry if dry and dry.until > self._clock.now().timestamp() else None

    def note_dry(self, key: str, nothing: Nothing) -> None:
        """Keep others from looking for up to five seconds."""
        self._dry[key] = nothing

    def changes(self, project_id: str) -> int:
        """How often `forget_dry` was called: a look that it overtook is not to be believed."""
        return self._changes.get(project_id, 0)

    def forget_dry(self, project_id: str) -> None:
        """Something changed that others may have waited for: look again."""
        self._changes[project_id] = self.changes(project_id) + 1
        for key in [key for key in self._dry if key.startswith(project_id)]:
            self._dry.pop(key, None)

    def left(self, project_id: str, shard: int, kind: str) -> float:
        """About how many items were left in a shard's queue when somebody here last looked; 0: not known."""
        return self._left.get((project_id, shard, kind), 0.0)

    def note_left(self, project_id: str, shard: int, kind: str, left: float) -> None:
        """Remember about how many items are left in a shard's queue."""
        self._left[project_id, shard, kind] = left
        self._used_up.pop((project_id, shard, kind), None)

    def used_up(self, project_id: str, shard: int, kind: str) -> bool:
        """Whether somebody here has lately found a shard's queue empty, though others may not be."""
        until = self._used_up.get((project_id, shard, kind), 0.0)
        return until > self._clock.now().timestamp()

    def note_used_up(self, project_id: str, shard: int, kind: str) -> None:
        """Look into other queues of the shard first, for a while."""
        until = self._clock.now().timestamp() + USED_UP_S
        self._used_up[project_id, shard, kind] = until


class QueueReader:
    """Looks for something to hand out to a labeler, once."""

    def __init__(
        self,
        storage: Storage,
        cache: QueueCache,
        opened: ProjectAccess,
        caller: Caller,
        homes: tuple[int, int | None],
        avoid: set[str],
    ) -> None:
        self._storage = storage
        self._cache = cache
        self._tables = storage.tables
        self._random = storage.random
        self._project = opened.project
        self._items = opened.items
        self._user = caller.user
        self._home, self._previous = homes
        self._shards = list(
            dict.fromkeys(one for one in (*homes, *opened.whereabouts.shards) if one is not None)
        )
        self._avoid = avoid
        self._lane = layout.shard_of(caller.user, opened.project.lanes)
        self._kind = self._best_kind()
        self._left = cache.left(opened.project.project_id, self._home, self._kind)
        # With overlap an end for one is no end for another.
        mine = f"|{caller.user}" if opened.project.lanes > 1 else ""
        self._dry_key = opened.project.project_id + mine
        self._changes = cache.changes(opened.project.project_id)
        self._whole = False
        self._unmeasured: list[QueuedItem] = []

    def first(self, size: int) -> tuple[list[Task], dict[int, list[QueuedItem]], list[Row]]:
        """My open tasks, what was returned to me by shard, and rows of my queue, in one round trip.

        Where much is left, from a random place: so labelers neither compete for the head of a queue nor walk
        over what was deleted there. Else from the head, several pages of it: then nothing can be missed.
        """
        ranges = [self._items.tasks_range(self._user, shard) for shard in self._shards]
        if self._project.state in HANDING_OUT and not self.dry:
            # A place in the shuffle says nothing of where groups begin: those are taken from the head.
            self._whole = self._left < PLENTY * size or self._kind == layout.CLUSTERED
            if self._whole:
                ranges.append(self._whole_queue(self._home, size))
            else:
                front = [layout.FRONT] if layout.FRONT in self._project.queues else []
                ranges += [self._queue(kind, size) for kind in (*front, self._kind)]
        pages = self._tables.query_many(layout.ITEMS, ranges)
        tasks: list[Task] = []
        returned: dict[int, list[QueuedItem]] = {}
        for shard, rows in zip(self._shards, pages, strict=False):
            some, back = split_tasks(rows, shard)
            tasks += some
            returned |= {shard: back} if back else {}
        return tasks, returned, [row for rows in pages[len(self._shards) :] for row in rows]

    def _best_kind(self) -> str:
        """The kind to begin with: the best that there is, behind what a reviewer put in front."""
        kinds = [kind for kind in sorted(self._project.queues) if kind != layout.FRONT]
        project_id = self._project.project_id
        return next(
            (kind for kind in kinds if not self._cache.used_up(project_id, self._home, kind)),
            layout.MANUAL,
        )

    def _queue(self, kind: str, size: int) -> Range:
        if kind == layout.FRONT:  # few, and never to be missed: from the head
            head = layout.queue_start(kind, self._lane)
            partition = self._items.partition(self._home)
            return Range(partition, *layout.below(head), 4 * size)
        # Not so near the end that a page would not fill: going on from the beginning costs a call.
        start = self._random() * (1 - 4 * size / self._left)
        low = layout.queue_start(kind, self._lane, f"{int(start * 2**48):012x}")
        high = layout.queue_start(kind, self._lane) + layout.END
        return Range(self._items.partition(self._home), low, high, size)

    def _whole_queue(self, shard: int, size: int) -> Range:
        # With overlap the first rows may all be of items I had.
        pages = GROUPS if self._kind == layout.CLUSTERED else 4
        limit = 1000 if self._project.lanes > 1 else pages * size
        return Range(self._items.partition(shard), *layout.all_of(layout.Kind.QUEUED), limit)

    def page(self, queue: list[Row], size: int) -> list[QueuedItem]:
        """The items to claim from my shard; empty when it holds nothing that is ready."""
        if not self._whole and len(self._leading(queue)) < size:
            queue = self._tables.query(layout.ITEMS, self._whole_queue(self._home, size))
            self._whole = True
        self._note_left(queue, full=len(queue) >= (4 * size if self._whole else size))
        return self._choose(queue, size)

    def _note_left(self, queue: Sequence[Row], *, full: bool) -> None:
        """Remember what this look says about the queue that comes behind what is in front."""
        behind = [row for row in queue if _queue_of(row) != layout.FRONT]
        if not behind:
            return
        kind = _queue_of(behind[0])
        mine = [row for row in behind if _queue_of(row) == kind]
        # Where rows of another kind follow, these are all there are.
        left = _extrapolated(mine) if full and len(mine) == len(behind) else float(len(mine))
        place = (self._project.project_id, self._home)
        self._cache.note_left(*place, kind, left)
        if self._whole and kind > self._kind:
            self._cache.note_used_up(*place, self._kind)

    def _leading(self, queue: Sequence[Row]) -> list[Row]:
        """The rows of the best kind that is ready, of my lane first."""
        ready = [
            row
            for row in queue
            if _queue_of(row) != layout.UNMEASURED
            and layout.item_of(row.key) not in self._avoid
            and not self._had(row)
        ]
        if not ready:
            return []
        best = min(_queue_of(row) for row in ready)
        rows = [row for row in ready if _queue_of(row) == best]
        mine = [row for row in rows if layout.queue_place(row.key).lane == self._lane]
        return mine or rows

    def _had(self, row: Row) -> bool:
        """Whether another place of the item is or was mine: possible where several label it."""
        if self._user not in row.text("lanes"):  # most rows: nothing to be taken apart
            return False
        return any(lane.labeler == self._user for lane in QueuedItem(row).item.lanes)

    def _choose(self, queue: Sequence[Row], size: int) -> list[QueuedItem]:
        self._unmeasured += [
            QueuedItem(row) for row in queue if _queue_of(row) == layout.UNMEASURED
        ]
        rows = self._leading(queue)
        if rows and _queue_of(rows[0]) == layout.CLUSTERED:
            rows = self._one_group(rows, size)
        elif len(rows) > size:
            at = int(self._random() * (len(rows) - size + 1))
            rows = rows[at : at + size]
        found: dict[str, QueuedItem] = {}
        for row in rows:
            found.setdefault(layout.item_of(row.key), QueuedItem(row))
        return list(found.values())

    def _one_group(self, rows: Sequence[Row], size: int) -> list[Row]:
        """The next rows of one group: of those that fill a page any, else the largest."""
        groups: defaultdict[str, list[Row]] = defaultdict(list)
        for row in rows:
            groups[layout.group_of(layout.queue_place(row.key).order)].append(row)
        full = [group for group in groups.values() if len(group) >= size]
        if full:
            return full[int(self._random() * len(full))][:size]
        return max(groups.values(), key=len)

    def elsewhere(self, size: int) -> tuple[int, list[QueuedItem]]:
        """A shard and what to claim there, when mine is dry: looks at all others at once."""
        # The shard I came from was dry when I left it: it is looked at last.
        others = [
            shard
            for shard in range(self._project.shards)
            if shard not in (self._home, self._previous)
        ]
        pages = self._tables.query_many(
            layout.ITEMS, [self._whole_queue(shard, size) for shard in others]
        )
        ready = [
            (shard, found)
            for shard, rows in zip(others, pages, strict=True)
            if (found := self._choose(rows, size))
        ]
        if ready:
            return max(ready, key=lambda one: (len(one[1]), self._random()))
        if self._previous is not None and self._previous != self._home:
            rows = self._tables.query(layout.ITEMS, self._whole_queue(self._previous, size))
            return self._previous, self._choose(rows, size)
        return self._home, []

    def unmeasured(self, size: int) -> list[Item]:
        """Images I met that the second stage has not come to yet."""
        return list({one.item.item_id: one.item for one in self._unmeasured}.values())[: 2 * size]

    def nothing(self, leased: Sequence[Task], grace_ms: int, size: int) -> Nothing | None:
        """Why there is nothing, and when something may come back; None: there is something after all.

        The queues are looked at once more behind the leases: what was given back between the two looks
        was in neither.
        """
        shards = range(self._project.shards)
        pages = self._tables.query_many(
            layout.ITEMS, [self._whole_queue(shard, size) for shard in shards]
        )
        if any(self._choose(rows, size) for rows in pages):
            return None
        fresh = [one for one in leased if any(not held.is_correction for held in one.held)]
        if not fresh:
            return self._note_dry("none_left", 15)
        now = milliseconds(self._storage.clock.now())
        soonest = min(one.until_ms for one in fresh) + grace_ms - now
        return self._note_dry("all_leased", max(1, min(15, -(-soonest // 1000))))

    def _note_dry(self, why: WhyNone, retry_after_s: int) -> Nothing:
        until = self._storage.clock.now().timestamp() + min(retry_after_s, 5)
        nothing = Nothing(why, until, retry_after_s)
        if self._cache.changes(self._project.project_id) == self._changes:
            self._cache.note_dry(self._dry_key, nothing)
        return nothing

    @property
    def dry(self) -> Nothing | None:
        """What somebody in this process found a moment ago, when there was nothing."""
        return self._cache.dry(self._dry_key)


def _queue_of(row: Row) -> str:
    return layout.queue_place(row.key).priority


def _extrapolated(queue: Sequence[Row]) -> float:
    """About how many rows a queue has, from how close together these are in its shuffled order."""
    places = [int(layout.queue_place(row.key).order, 16) for row in queue]
    span = (max(places) - min(places)) / 2**48
    return len(places) / span if span else float(len(places))
