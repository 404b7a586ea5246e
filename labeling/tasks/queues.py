"""What is there to hand out: a look at the queues of a project for one labeler.

A labeler draws from a home shard, at a random place while plenty is left, and moves on when it is dry. Who has
tags looks for what waits for those who carry them first, in all shards, and then for everybody's (ADR-0032).
What was found is remembered for a while by the whole process, so that waiting labelers cost little.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

from labeling import layout
from labeling.items.records import Item
from labeling.items.tasks import QueuedItem, Task, split_tasks
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

WhyNone = Literal["none_left", "all_leased", "paused", "initializing", "too_many_open", "held_back"]


Queue = tuple[str, int, str, str]
"""A queue of a shard: project, shard, audience and kind."""

Whole = tuple[str, str]
"""All that waits for an audience, as far as one labeler is concerned: whose (`_dry_key`), and the audience."""


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
        self._left: dict[Queue, float] = {}
        self._used_up: dict[Queue | Whole, float] = {}

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

    def left(self, queue: Queue) -> float:
        """About how many items were left in a shard's queue when somebody here last looked; 0: not known."""
        return self._left.get(queue, 0.0)

    def note_left(self, queue: Queue, left: float) -> None:
        """Remember about how many items are left in a shard's queue."""
        self._left[queue] = left
        self._used_up.pop(queue, None)

    def used_up(self, queue: Queue | Whole) -> bool:
        """Whether somebody here has lately found a queue empty, though others may not be."""
        return self._used_up.get(queue, 0.0) > self._clock.now().timestamp()

    def note_used_up(self, queue: Queue | Whole) -> None:
        """Look into other queues first, for a while."""
        self._used_up[queue] = self._clock.now().timestamp() + USED_UP_S


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
            dict.fromkeys(home for home in (*homes, *opened.whereabouts.shards) if home is not None)
        )
        self._avoid = avoid
        self._lane = layout.shard_of(caller.user, opened.project.lanes)
        self._mine = opened.audiences
        # With overlap, or with tags, an end for one is no end for another.
        mine = f"|{caller.user}" if opened.project.lanes > 1 or len(self._mine) > 1 else ""
        self._dry_key = opened.project.project_id + mine
        left = [one for one in self._mine if not cache.used_up((self._dry_key, one))]
        self._look_for(next(iter(left or self._mine)))
        self._changes = cache.changes(opened.project.project_id)
        self._unmeasured: list[QueuedItem] = []
        self._met_others = False

    def _look_for(self, audience: str) -> None:
        """Look for what waits for an audience from now on."""
        self._audience = audience
        self._kind = self._best_kind()
        self._left = self._cache.left(self._home_queue(self._kind))
        self._whole = False

    def _home_queue(self, kind: str) -> Queue:
        return self._project.project_id, self._home, self._audience, kind

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
        return next(
            (kind for kind in kinds if not self._cache.used_up(self._home_queue(kind))),
            layout.MANUAL,
        )

    def _queue(self, kind: str, size: int) -> Range:
        if kind == layout.FRONT:  # few, and never to be missed: from the head
            head = layout.queue_start(kind, self._lane, audience=self._audience)
            partition = self._items.partition(self._home)
            return Range(partition, *layout.below(head), 4 * size)
        # Not so near the end that a page would not fill: going on from the beginning costs a call.
        start = self._random() * (1 - 4 * size / self._left)
        order = f"{int(start * 2**48):012x}"
        low = layout.queue_start(kind, self._lane, order, self._audience)
        high = layout.queue_start(kind, self._lane, audience=self._audience) + layout.END
        return Range(self._items.partition(self._home), low, high, size)

    def _whole_queue(self, shard: int, size: int, audience: str | None = None) -> Range:
        # With overlap the first rows may all be of items I had; under new rules, of items that are others' now.
        pages = GROUPS if self._kind == layout.CLUSTERED else 4
        limit = 1000 if self._project.lanes > 1 or self._met_others else pages * size
        queues = layout.queues_of(self._audience if audience is None else audience)
        return Range(self._items.partition(shard), *layout.below(queues), limit)

    def found(self, queue: list[Row], size: int) -> tuple[int, list[QueuedItem]]:
        """A shard and what to claim there, of the first audience I am in that anything is ready for; nothing
        where somebody in this process found nothing a moment ago.

        `queue` are the rows that `first` has found in my shard.
        """
        for audience in self._mine[self._mine.index(self._audience) :]:
            if audience != self._audience:
                self._look_for(audience)
                queue = []
            if items := self._page(queue, size):
                return self._home, items
            if self.dry:
                break
            shard, items = self._elsewhere(size)
            if items:
                return shard, items
            self._cache.note_used_up((self._dry_key, audience))
        return self._home, []

    def _page(self, queue: list[Row], size: int) -> list[QueuedItem]:
        """The items to claim from my shard; empty when it holds nothing that is ready."""
        if len(self._leading(queue)) < size and (not self._whole or self._met_others):
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
        self._cache.note_left(self._home_queue(kind), left)
        if self._whole and kind > self._kind:
            self._cache.note_used_up(self._home_queue(self._kind))

    def _leading(self, queue: Sequence[Row]) -> list[Row]:
        """The rows of the best kind that is ready, of my lane first."""
        ready = [
            row
            for row in queue
            if _queue_of(row) != layout.UNMEASURED
            and layout.item_of(row.key) not in self._avoid
            and not self._had(row)
            and not self._is_others(row)
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

    def _is_others(self, row: Row) -> bool:
        """Whether by the rules as they are now it waits for others: its turn to be moved will come."""
        audiences = self._items.audiences
        others = bool(audiences) and audiences.of(_image_of(row)) not in self._mine
        self._met_others = self._met_others or others
        return others

    def _choose(self, queue: Sequence[Row], size: int) -> list[QueuedItem]:
        self._unmeasured += [
            QueuedItem(row)
            for row in queue
            if _queue_of(row) == layout.UNMEASURED and not self._is_others(row)
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
        """The next rows of one group of the first sample: of those that fill a page any, else the largest.

        A sample is finished before the next is begun: only whole ones say what the images are like.
        """
        groups: defaultdict[str, list[Row]] = defaultdict(list)
        for row in rows:
            groups[layout.group_of(layout.queue_place(row.key).order)].append(row)
        sample = layout.sample_of(min(groups))
        first = [group for place, group in groups.items() if layout.sample_of(place) == sample]
        full = [group for group in first if len(group) >= size]
        if full:
            return full[int(self._random() * len(full))][:size]
        return max(first, key=len)

    def _elsewhere(self, size: int) -> tuple[int, list[QueuedItem]]:
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
            return max(ready, key=lambda queue: (len(queue[1]), self._random()))
        if self._previous is not None and self._previous != self._home:
            rows = self._tables.query(layout.ITEMS, self._whole_queue(self._previous, size))
            return self._previous, self._choose(rows, size)
        return self._home, []

    def unmeasured(self, size: int) -> list[Item]:
        """Images I met that the second stage has not come to yet."""
        return list({item.item.item_id: item.item for item in self._unmeasured}.values())[
            : 2 * size
        ]

    def nothing(self, leased: Sequence[Task], grace_ms: int, size: int) -> Nothing | None:
        """Why there is nothing, and when something may come back; None: there is something after all.

        The queues are looked at once more behind the leases: what was given back between the two looks
        was in neither.
        """
        wanted = [
            self._whole_queue(shard, size, audience)
            for audience in self._mine
            for shard in range(self._project.shards)
        ]
        pages = self._tables.query_many(layout.ITEMS, wanted)
        if any(self._choose(rows, size) for rows in pages):
            return None
        fresh = [
            task
            for task in leased
            if any(
                not held.is_correction
                and not held.is_check
                and self._items.audiences.of(held.item) in self._mine
                for held in task.held
            )
        ]
        if not fresh:
            return self._note_dry("none_left", 15)
        now = milliseconds(self._storage.clock.now())
        soonest = min(task.until_ms for task in fresh) + grace_ms - now
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


class _Image(NamedTuple):
    """What of a row's item says whom it waits for: all of it would take longer to read."""

    item_id: str
    path: str
    likely: str


def _image_of(row: Row) -> _Image:
    return _Image(layout.item_of(row.key), row.text("path"), row.text("likely"))


def _queue_of(row: Row) -> str:
    return layout.queue_place(row.key).priority


def _extrapolated(queue: Sequence[Row]) -> float:
    """About how many rows a queue has, from how close together these are in its shuffled order."""
    places = [int(layout.queue_place(row.key).order, 16) for row in queue]
    span = (max(places) - min(places)) / 2**48
    return len(places) / span if span else float(len(places))
