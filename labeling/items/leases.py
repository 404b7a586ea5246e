"""Leases: items in labelers' hands. The row of a task is the lock on its items.

Whoever claims, reopens, gives back or renews meets another writer with a `Collision`, and decides with what
is there then; nothing is tried again here.
"""

from __future__ import annotations

import secrets
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from labeling import layout
from labeling.items import review_rules, rules
from labeling.items.change import becomes
from labeling.items.checks import Check, Checks, as_answered
from labeling.items.records import SETTLED, Item, NotReopened
from labeling.items.rows import Batch, Change
from labeling.items.tasks import (
    CHECK,
    Finished,
    FinishedHow,
    LeasedItem,
    QueuedItem,
    Task,
    split_tasks,
)
from labeling.storage import (
    MAX_OPERATIONS,
    MAX_PAGE,
    Collision,
    Create,
    Delete,
    Merge,
    Operation,
    Range,
    Row,
)

MAX_SHARED = 12
"""Images that several people label on a page: with five places each, as many as one transaction leases."""

_CLAIMED_AT_ONCE = MAX_OPERATIONS - 3  # beside the items: the task, its request, the counters


def that_fit(found: Sequence[QueuedItem]) -> Sequence[QueuedItem]:
    """The first of these items, as many as one transaction leases.

    A page may be chosen for a project whose images had fewer places a moment ago.
    """
    left = _CLAIMED_AT_ONCE
    for number, item in enumerate(found):
        # The truth, its place in the list, a row of the queue a place, and that it is this labeler's.
        left -= 1 if item.is_check else 2 + len(item.item.lanes) + item.item.shared
        if left < 0:
            return found[:number]
    return found


@dataclass(frozen=True)
class _Opening:
    """A task that is about to be opened: what it will be called, and what it takes."""

    task_id: str
    now: int
    batch: Batch
    held: list[LeasedItem] = field(default_factory=list[LeasedItem])


class Leases(Checks):
    """Opening, holding and ending tasks."""

    def claim(
        self,
        user: str,
        slot: int,
        shard: int,
        found: Sequence[QueuedItem],
        *,
        request_id: str,
        lease_ms: int,
        audiences: Collection[str] = ("",),
    ) -> Task:
        """Lease the items of these queue rows to a labeler, all or none of those `that_fit`, in one call.

        Of honeypots among them nothing changes: what the labeler holds is a check. `audiences` are those the
        labeler is in; what waits for another they are not given, unless it was returned to them.

        Raises:
            Collision: somebody took one first, or it is for others; or this slot is taken (key of a task); or
                this request was
                answered before (key of a request); or, with overlap, the labeler had the item (key of a
                labeling); or they had a honeypot before (key of a check).
        """
        opening = self._opening(shard, slot)
        found = that_fit(found)
        shared = [item.item.item_id for item in found if item.item.shared and not item.is_check]
        truths = dict(zip(shared, self.read_many(shared) if shared else [], strict=True))
        for item in found:
            truth = truths.get(item.item.item_id)
            old, etag = (truth.item, truth.etag) if truth else (item.item, None)
            whom = {self.audiences.of(old), "" if item.is_check else old.audience}
            if not old.reserved and not whom <= {"", *audiences}:
                raise Collision(item.row.key)
            if item.is_check:
                self._pose(opening, user, item)
                continue
            number = layout.queue_place(item.row.key).lane
            if item.row.key not in old.queue_keys().values():
                raise Collision(item.row.key)
            new = rules.claimed(old, number, task=opening.task_id, user=user)
            rows: list[Operation] = []
            if old.shared:
                cells = {"lane": number, "task": opening.task_id}
                rows.append(Create(layout.labeling(new.item_id, user), cells))
            opening.batch.add(
                old,
                Change(new, rows=rows),
                etag=etag,
                queue_etags={item.row.key: item.row.etag},
            )
            opening.held.append(LeasedItem(new, number))
        return self._open(opening, user, slot, shard, request_id=request_id, lease_ms=lease_ms)

    def _pose(self, opening: _Opening, user: str, item: QueuedItem) -> None:
        """Give a honeypot to a labeler."""
        item_id = item.item.item_id
        place = layout.task_place(opening.task_id)
        assert place is not None
        check = Check(item_id, user, place[0], task=opening.task_id)
        opening.batch.operations.append(Create(layout.check(user, item_id), check.row()))
        opening.batch.delta.update(check.facts())
        seen = rules.posed(item.item, item.priority, task=opening.task_id, user=user)
        opening.held.append(LeasedItem(seen, CHECK))

    def reopen(
        self,
        user: str,
        slot: int,
        shard: int,
        item_ids: Sequence[str],
        *,
        request_id: str,
        lease_ms: int,
    ) -> Task | None:
        """Lease items to the labeler who labeled them, so that they correct their own work.

        They stay as they are until the correction is submitted. Items that somebody else has changed
        since, or that are being corrected already, are left out; None when none is left.

        Raises:
            Collision: as `claim`.
        """
        opening = self._opening(shard, slot)
        for stored, check in self._with_checks(user, shard, item_ids):
            number = _settled_by(user, stored.item) if stored else None
            if stored and number is None and check and check.answered and not check.task:
                taken = replace(check, task=opening.task_id)
                key = layout.check(user, check.item_id)
                opening.batch.operations.append(Merge(key, {"task": opening.task_id}, check.etag))
                opening.held.append(LeasedItem(as_answered(stored.item, taken), CHECK))
                continue
            if stored is None or number is None or self.shard_of(stored.item.item_id) != shard:
                continue
            new = rules.reopened(stored.item, number, task=opening.task_id)
            opening.batch.add(stored.item, Change(new), etag=stored.etag)
            opening.held.append(LeasedItem(new, number))
        if not opening.held:
            return None
        return self._open(opening, user, slot, shard, request_id=request_id, lease_ms=lease_ms)

    def why_not_reopened(self, user: str, shard: int, had: Mapping[str, int]) -> NotReopened:
        """What became of items of one of a labeler's tasks, where `reopen` left all of them out: of the first.

        Args:
            user: whose task it was.
            shard: of the task.
            had: the items, each with its lane in the task.
        """
        for stored, check in self._with_checks(user, shard, list(had)):
            if stored and had[stored.item.item_id] == CHECK:
                # As of any other image that was given back: nobody is to tell a honeypot by it.
                return "open" if check and check.task else "waiting"
            if stored:
                return rules.why_not_reopened(stored.item, user=user)
        return "unusable"

    def _opening(self, shard: int, slot: int) -> _Opening:
        now = self._now()
        task_id = layout.task_id(shard, slot, now, secrets.token_hex(6))
        return _Opening(task_id, now, Batch(self.audiences))

    def _open(
        self,
        opening: _Opening,
        user: str,
        slot: int,
        shard: int,
        *,
        request_id: str,
        lease_ms: int,
    ) -> Task:
        """Write a task with the items it takes, and which request it answers."""
        held = tuple(opening.held)
        corrects = any(item.is_correction or item.item.returned for item in held)
        task = Task(
            task_id=opening.task_id,
            user=user,
            slot=slot,
            shard=shard,
            request_id=request_id,
            until_ms=opening.now + lease_ms,
            held=held,
            kind="correction" if corrects else held[0].item.kind,
            created_ms=opening.now,
            everything={item.item.item_id: item.lane for item in held},
            shown={
                item.item.item_id: item.item.suggested
                for item in held
                if item.item.suggested and not item.is_correction
            },
        )
        head: list[Operation] = [
            Create(layout.request(user, request_id), {"task": task.task_id}),
            Create(task.key, task.cells()),
        ]
        self._transact(shard, [*head, *opening.batch.finish(opening.now)])
        return task

    def _leave(
        self, task: Task, rest: tuple[LeasedItem, ...], how: FinishedHow, now: int
    ) -> list[Operation]:
        """Keep the rest of a task, or end it. Conditional on its ETag either way: the task row is the lock."""
        if rest:
            return [Merge(task.key, replace(task, held=rest).cells(), task.etag)]
        row = Finished(
            task.task_id, task.user, how, task.everything, task.request_id, now, task.shown
        )
        return [
            Delete(task.key, task.etag),
            Create(layout.finished(task.user, task.task_id), row.cells()),
        ]

    def give_back(
        self, task: Task, how: FinishedHow, item_ids: Iterable[str] | None = None
    ) -> None:
        """Return items of a task to where they came from: the queue, or labeled for a correction.

        Raises:
            Collision: the task was renewed, submitted to or ended meanwhile.
        """
        now = self._now()
        leaving, rest = task.split(task.everything if item_ids is None else item_ids)
        work = Batch(self.audiences)
        for item in leaving:
            if item.is_check:
                self._take_back(task, item, work)
        leaving = [item for item in leaving if not item.is_check]
        for item, fresh in zip(
            leaving, self.read_many([item.item.item_id for item in leaving]), strict=True
        ):
            if fresh is None or fresh.item.lanes[item.lane].task != task.task_id:
                raise Collision(task.key)
            rows: list[Operation] = []
            if fresh.item.shared and fresh.item.lanes[item.lane].state == "leased":
                rows.append(Delete(layout.labeling(item.item.item_id, task.user)))
            new = rules.given_back(fresh.item, item.lane)
            work.add(fresh.item, Change(new, rows=rows), etag=fresh.etag)
        self._transact(task.shard, [*self._leave(task, rest, how, now), *work.finish(now)])

    def _take_back(self, task: Task, item: LeasedItem, work: Batch) -> None:
        """Undo that a honeypot is in a labeler's hands. Whoever holds the task row holds its check."""
        key = layout.check(task.user, item.item.item_id)
        if item.is_correction:
            work.operations.append(Merge(key, {"task": ""}))
        else:
            work.operations.append(Delete(key))
            work.delta.subtract(
                Check(item.item.item_id, task.user, task.shard, task=task.task_id).facts()
            )

    def renew(self, task: Task, until_ms: int, *, drafted: bool = False) -> None:
        """Move the end of a lease. Raises Collision when the task changed meanwhile."""
        self._transact(task.shard, [self.renewal(task, until_ms, drafted=drafted)])

    def renewal(self, task: Task, until_ms: int, *, drafted: bool) -> Operation:
        """The operation of `renew`, to go with others in one transaction."""
        return Merge(
            task.key, {"until_ms": until_ms, "drafted": drafted or task.drafted}, task.etag
        )

    def unreserve(self, user: str, shard: int) -> int:
        """Give everyone what was returned to a labeler who is gone. Returns how many items."""
        freed = 0
        for row in self._rows(shard, layout.below(layout.reserved(user, ""))):
            item_id = layout.item_of(row.key)
            change = self._change_one(
                item_id, lambda stored: becomes(stored, review_rules.unreserved(stored.item, user))
            )
            freed += change is not None
        return freed

    def tasks_of(self, user: str, shards: Sequence[int]) -> tuple[list[Task], list[QueuedItem]]:
        """A labeler's open tasks in these shards and what was returned to them, in one round trip."""
        pages = self._storage.tables.query_many(
            layout.ITEMS, [self.tasks_range(user, shard) for shard in shards]
        )
        return _tasks_in(shards, pages)

    def tasks_range(self, user: str, shard: int) -> Range:
        """Where a labeler's open tasks and returned items of a shard are."""
        return Range(self.partition(shard), *layout.below(layout.labelers_rows(user)), 64)

    def open_tasks(self, shards: Sequence[int]) -> list[Task]:
        """Every open task of these shards, in one round trip for up to 1,000 of each."""
        return self.in_hands(shards)[0]

    def in_hands(self, shards: Sequence[int]) -> tuple[list[Task], list[QueuedItem]]:
        """Every open task of these shards, and every item that was returned to its labeler."""
        low, high = layout.all_of(layout.Kind.LABELER)
        pages = self._pages(shards, (low, high))
        for shard, rows in zip(shards, pages, strict=True):
            if len(rows) == MAX_PAGE:
                rows += self._rows(shard, (rows[-1].key + "!", high))
        return _tasks_in(shards, pages)

    def task(self, user: str, task_id: str) -> Task | None:
        """An open task by its id, or None."""
        place = layout.task_place(task_id)
        if place is None or place[0] >= self.shards:
            return None
        shard, slot = place
        row = self._storage.tables.get(
            layout.ITEMS, self.partition(shard), layout.lease(user, slot)
        )
        return Task.of(row, shard) if row and row.text("task") == task_id else None

    def finished(self, user: str, task_id: str) -> Finished | None:
        """What became of a task that is no longer open, or None."""
        row = self._row_of_task(task_id, layout.finished(user, task_id))
        return Finished.of(row) if row else None

    def _row_of_task(self, task_id: str, key: str) -> Row | None:
        """A row in the shard that the id of a task tells; None where it can be no id of ours."""
        place = layout.task_place(task_id)
        if place is None or place[0] >= self.shards:
            return None
        return self._storage.tables.get(layout.ITEMS, self.partition(place[0]), key)


def _settled_by(user: str, item: Item) -> int | None:
    """The lane a labeler settled and may correct."""
    mine = (
        number
        for number, lane in enumerate(item.lanes)
        if lane.state in SETTLED and lane.labeler == user and not lane.task
    )
    return None if item.barred else next(mine, None)


def _tasks_in(
    shards: Iterable[int], pages: Iterable[Sequence[Row]]
) -> tuple[list[Task], list[QueuedItem]]:
    tasks: list[Task] = []
    returned: list[QueuedItem] = []
    for shard, rows in zip(shards, pages, strict=True):
        some, more = split_tasks(rows, shard)
        tasks += some
        returned += more
    return tasks, returned
