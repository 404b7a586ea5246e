"""Items: what is known of each image, and the only code that writes it.

An item is one truth row whose key never moves. All other rows of it (queue, listing, flag) and its share of
the counters are *derived*: every change is `old -> new`, and `operations_for` gives the difference in rows,
for one transaction. So an item is in a queue exactly while it is available, and counters equal a recount, by
construction (ADR-0002 has the rules; `tests/model/test_model.py` tries to break them).

Who may write a truth row: whoever holds its ETag; or, where the project has no overlap, whoever deletes or
changes in the same transaction the queue row or the task row that stands for the right to change it.
"""

from __future__ import annotations

import json
import secrets
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Literal

from labeling import layout
from labeling.annotations.acceptance import (
    Acceptance,
    Prelabel,
    compare,
    decoded,
    inherited,
    of_copy,
    small_copy,
)
from labeling.annotations.shapes import Annotation
from labeling.items.records import (
    SCHEMA,
    SETTLED,
    AnswerOf,
    Batch,
    Decision,
    Finished,
    FinishedHow,
    Flag,
    Item,
    Labeling,
    Lane,
    Late,
    LeasedItem,
    QueuedItem,
    Rendered,
    Returned,
    Revision,
    Run,
    Stored,
    Suggested,
    Task,
    as_json,
    operations_for,
    pack,
    split_tasks,
    stored,
    unpack,
)
from labeling.media.header import Measured
from labeling.model import from_milliseconds, milliseconds
from labeling.storage import (
    MAX_PAGE,
    Collision,
    Create,
    Delete,
    Merge,
    Operation,
    Range,
    Row,
    Storage,
    Value,
    attempts,
)


class Items:
    """Every change of a project's items. One instance a project; holds nothing but its facts."""

    def __init__(
        self, storage: Storage, project_id: str, *, shards: int, seed: str, overlap: int = 1
    ) -> None:
        self._storage = storage
        self.project_id = project_id
        self.shards = shards
        self.seed = seed
        self.overlap = overlap

    def _now(self) -> int:
        return milliseconds(self._storage.clock.now())

    def partition(self, shard: int) -> str:
        """The partition of a shard."""
        return layout.shard_partition(self.project_id, shard)

    def shard_of(self, item_id: str) -> int:
        """The shard an item lives in, for life."""
        return layout.shard_of(item_id, self.shards)

    def _transact(self, shard: int, operations: Sequence[Operation]) -> None:
        self._storage.tables.transact(layout.ITEMS, self.partition(shard), operations)

    def read(self, item_id: str) -> Stored | None:
        """One item, or None."""
        return self.read_many([item_id])[0]

    def read_many(self, item_ids: Sequence[str]) -> list[Stored | None]:
        """Items by id, in order, in one round trip."""
        rows = self._storage.tables.get_many(
            layout.ITEMS,
            [(self.partition(self.shard_of(one)), layout.truth(one)) for one in item_ids],
        )
        return [stored(row) if row else None for row in rows]

    def _fresh(
        self, task: Task, held: Sequence[LeasedItem]
    ) -> list[tuple[Item, str | None, Sequence[Annotation]]]:
        """The items of a task as they are now, the ETag to write them under, and what they held before.

        Without overlap the copies in the task row are enough: whoever changes what they say while the
        task row stands marks it `stale`, so the transaction that changes that row needs no ETag of theirs.
        An item under correction is settled, so an overwritten blob may change it: it is read again. One
        that was returned is read for the labels it begins with.
        """
        fresh = all(
            one.item.lanes[one.lane].state == "leased" and not one.item.returned for one in held
        )
        if self.overlap == 1 and fresh and not task.stale:
            return [(one.item, None, ()) for one in held]
        found = [one for one in self.read_many([one.item.item_id for one in held]) if one]
        if self.overlap == 1:
            before = {one.item.item_id: one.labeling for one in found}
        else:  # the labels an item holds may be another's
            mine = [one.item.item_id for one in held if one.item.lanes[one.lane].state in SETTLED]
            before = self.labelings_of(task.user, mine)
        labels = [before.get(one.item.item_id) for one in found]
        return [
            (one.item, one.etag, labeling.annotations if labeling else ())
            for one, labeling in zip(found, labels, strict=True)
        ]

    def _outdate(self, items: Iterable[Item]) -> list[Operation]:
        """Mark the tasks that hold copies of items which change under their lease."""
        if self.overlap > 1:
            return []  # whoever submits reads the items again
        # Two items read one after the other may name two tasks that had the same row in turn.
        rows = {
            layout.lease(lane.labeler, place[1])
            for item in items
            for lane in item.lanes
            if lane.state == "leased" and (place := layout.task_place(lane.task))
        }
        return [Merge(row, {"stale": True}) for row in sorted(rows)]

    def register(self, shard: int, found: Sequence[Item], batch: str) -> int:
        """Make items of blobs, all of one shard, at most 40 at once.

        Items known already are left alone, whoever registered them. Safe to repeat.

        Returns:
            How many of them belong to `batch`: made now, or by an earlier try of the same batch.
        """
        todo = [replace(item, batch=batch, registered_ms=self._now()) for item in found]
        mine = 0
        while todo:
            work = Batch()
            for item in todo:
                work.change(None, item, operations_for(None, item, etag=None))
            try:
                self._transact(shard, work.finish(self._now()))
                return mine + len(todo)
            except Collision:
                known = self.read_many([item.item_id for item in todo])
                mine += sum(1 for one in known if one and one.item.batch == batch)
                todo = [item for item, one in zip(todo, known, strict=True) if one is None]
        return mine

    def new_item(self, path: str, blob_etag: str, *, container: str, size: int, media: str) -> Item:
        """The item of a blob, not registered yet."""
        item_id = layout.item_id(container, path)
        return Item(
            item_id=item_id,
            path=path,
            blob_etag=blob_etag,
            order=layout.order_of(self.seed, item_id),
            media=media,
            size=size,
            lanes=tuple(Lane() for _ in range(self.overlap)),
            changed_ms=self._now(),
        )

    def measured(self, shard: int, results: Mapping[str, Measured]) -> int:
        """Note the size of images, or why they can't be read; all of one shard, at most 24.

        An item that was measured meanwhile from a newer blob keeps that. Safe to repeat.

        Returns:
            How many items became ready to be handed out.
        """
        for _ in self._attempts():
            work, ready = Batch(), 0
            changed: list[Item] = []
            for one in self.read_many(list(results)):
                if one is None:
                    continue
                old, result = one.item, results[one.item.item_id]
                if old.blob_etag != result.blob_etag or (old.width and not result.problem):
                    continue
                if result.problem:
                    if old.barred or any(lane.state != "available" for lane in old.lanes):
                        continue
                    new = replace(
                        old,
                        barred="unreadable",
                        barred_reason=result.problem,
                        changed_ms=max(self._now(), old.changed_ms + 1),
                    )
                else:
                    new = replace(
                        old,
                        width=result.width,
                        height=result.height,
                        orientation=result.orientation,
                        barred="",
                        barred_reason="",
                        priority=old.priority
                        if old.priority != layout.UNMEASURED
                        else layout.PRELABELED
                        if old.suggested
                        else layout.MANUAL,
                    )
                    ready += 1
                changed.append(old)
                work.change(old, new, operations_for(old, new, etag=one.etag))
            if not work.operations:
                return ready
            work.operations += self._outdate(changed)
            try:
                self._transact(shard, work.finish(self._now()))
                return ready
            except Collision:
                continue
        raise AssertionError("unreachable")

    def rendered(self, shard: int, made: Mapping[str, Rendered]) -> None:
        """Note which smaller copies of images are there; all of one shard, at most 24.

        An item whose blob was overwritten meanwhile is left alone. Safe to repeat.
        """
        for _ in self._attempts():
            work = Batch()
            changed: list[Item] = []
            for one in self.read_many(list(made)):
                if one is None:
                    continue
                old, found = one.item, made[one.item.item_id]
                new = replace(old, renditions=found.renditions)
                if old.blob_etag == found.blob_etag and new != old:
                    changed.append(old)
                    work.change(old, new, operations_for(old, new, etag=one.etag))
            if not changed:
                return
            work.operations += self._outdate(changed)
            try:
                self._transact(shard, work.finish(self._now()))
                return
            except Collision:
                continue

    def overwritten(self, item_id: str, blob_etag: str, size: int) -> None:
        """The blob of an item has new content: measure it anew; labels made before need a reviewer.

        What was suggested for the old content is forgotten.

        Safe to repeat; the older of two events changes nothing that the newer did only if the caller
        passes the ETag the blob has now.
        """
        for _ in self._attempts():
            one = self.read(item_id)
            if one is None or one.item.blob_etag == blob_etag:
                return
            old = one.item
            lanes = tuple(
                replace(lane, state="needs_review", tally={}) if lane.state in SETTLED else lane
                for lane in old.lanes
            )
            new = replace(
                old,
                blob_etag=blob_etag,
                size=size,
                width=0,
                height=0,
                orientation=1,
                barred="",
                barred_reason="",
                renditions="",
                priority=layout.UNMEASURED,
                suggested="",
                suggestion="",
                lanes=lanes,
                flag="overwritten" if lanes != old.lanes or old.state == "leased" else old.flag,
                changed_ms=max(self._now(), old.changed_ms + 1),
            )
            work = Batch()
            work.change(old, new, operations_for(old, new, etag=one.etag))
            work.operations += self._outdate([old])
            try:
                self._transact(self.shard_of(item_id), work.finish(self._now()))
                return
            except Collision:
                continue

    def flag(self, item_id: str, flag: Flag | Literal[""]) -> None:
        """Mark an item whose blob is gone (or is back: the empty flag). Labels are kept."""
        for _ in self._attempts():
            one = self.read(item_id)
            if one is None or one.item.flag == flag:
                return
            new = replace(one.item, flag=flag)
            work = Batch()
            work.change(one.item, new, operations_for(one.item, new, etag=one.etag))
            work.operations += self._outdate([one.item])
            try:
                self._transact(self.shard_of(item_id), work.finish(self._now()))
                return
            except Collision:
                continue

    def suggest(
        self, shard: int, run: Run, found: Mapping[str, bytes], *, by: str
    ) -> dict[str, Suggested]:
        """Note what a run suggests for items of one shard, at most `most_suggested` at once.

        The newest run wins, in whatever order they come; empty suggestions take those of older runs away.
        An item that waits is prelabeled from now on; to one that is leased it is shown the next time, and
        one that somebody has labeled is left alone. What a run said about an item, it can't take back:
        that is kept for ever, for whoever was shown it. Safe to repeat.
        """
        for _ in self._attempts():
            now, work, changed = self._now(), Batch(), list[Item]()
            became: dict[str, Suggested] = {}
            rows = self._storage.tables.get_many(
                layout.ITEMS,
                [
                    (self.partition(shard), key)
                    for one in found
                    for key in (layout.truth(one), layout.prelabel(one, run.run_id))
                ],
            )
            for (item_id, data), truth, said in zip(
                found.items(), rows[::2], rows[1::2], strict=True
            ):
                old = stored(truth).item if truth else None
                known = unpack("suggestion", said.cells) if said else None
                became[item_id] = self._suggestible(old, run, data, known)
                if old is None or truth is None or became[item_id] != "saved":
                    continue
                new = replace(
                    old,
                    suggested=run.run_id if data else "",
                    suggestion=small_copy(data),
                    newest_run=run.order,
                    priority=old.priority
                    if old.priority in (layout.FRONT, layout.UNMEASURED)
                    else layout.PRELABELED
                    if data
                    else _by_hand(old.priority),
                )
                changed.append(old)
                work.change(old, new, operations_for(old, new, etag=truth.etag))
                cells = {
                    "schema": SCHEMA,
                    "by": by,
                    "at_ms": now,
                    "revision": old.revision,
                    "blob_etag": old.blob_etag,
                    **pack("suggestion", data),
                }
                work.operations.append(Create(layout.prelabel(item_id, run.run_id), cells))
            if not work.operations:
                return became
            work.operations += self._outdate(changed)
            try:
                self._transact(shard, work.finish(now))
                return became
            except Collision:
                continue
        raise AssertionError("unreachable")

    @property
    def most_suggested(self) -> int:
        """Items whose suggestions fit into one transaction: truth, suggestion, and two rows a lane."""
        return 96 // (2 + 2 * self.overlap)

    def _suggestible(
        self, item: Item | None, run: Run, data: bytes, known: bytes | None
    ) -> Suggested:
        """What becomes of a suggestion, where `known` is what the same run said before."""
        if item is None:
            return "unknown"
        if known is not None and known != data:
            return "contradicts"
        if self._outdated(item, run):
            return "older"
        if known is not None:
            return "unchanged"
        if item.barred:
            return "barred"
        return "labeled" if item.state in SETTLED or item.returned else "saved"

    def _outdated(self, item: Item, run: Run) -> bool:
        """Whether a newer run has said something about the item."""
        return run.order < item.newest_run

    def shown(self, task: Task | Finished, item_ids: Iterable[str]) -> dict[str, Prelabel]:
        """What a labeler was shown of runs, as it was then, by item. Large ones are read, at once."""
        held = {one.item.item_id: one.item for one in task.held} if isinstance(task, Task) else {}
        known: dict[str, Prelabel] = {}
        large: list[tuple[str, str]] = []
        for item_id in item_ids:
            run_id = task.shown.get(item_id, "")
            if run_id and item_id in held and held[item_id].suggestion:
                annotations = of_copy(held[item_id].suggestion)
                known[item_id] = Prelabel(run_id=run_id, annotations=annotations)
            elif run_id:
                large.append((item_id, run_id))
        if large:
            rows = self._storage.tables.get_many(
                layout.ITEMS,
                [
                    (self.partition(self.shard_of(item_id)), layout.prelabel(item_id, run_id))
                    for item_id, run_id in large
                ],
            )
            known |= {
                item_id: Prelabel(
                    run_id=run_id, annotations=decoded(unpack("suggestion", row.cells))
                )
                for (item_id, run_id), row in zip(large, rows, strict=True)
                if row
            }
        return known

    def claim(
        self,
        user: str,
        slot: int,
        shard: int,
        found: Sequence[QueuedItem],
        *,
        request_id: str,
        lease_ms: int,
    ) -> Task:
        """Lease the items of these queue rows to a labeler, all or none, in one call.

        Raises:
            Collision: somebody took one first; or this slot is taken (key `T|...`); or this request was
                answered before (key `R|...`); or, with overlap, the labeler had the item (key `V|...`).
        """
        now = self._now()
        task_id = layout.task_id(shard, slot, now, secrets.token_hex(6))
        work = Batch()
        held: list[LeasedItem] = []
        truths = (
            self.read_many([one.item.item_id for one in found])
            if self.overlap > 1
            else [None] * len(found)
        )
        for one, truth in zip(found, truths, strict=True):
            old = truth.item if truth else one.item
            number = layout.queue_place(one.row.key).lane
            if one.row.key not in old.queue_keys().values():
                raise Collision(one.row.key)
            new = replace(
                old.with_lane(number, Lane("leased", task_id, user)),
                reserved="" if old.reserved else old.reserved,
            )
            work.change(
                old,
                new,
                operations_for(
                    old,
                    new,
                    etag=truth.etag if truth else None,
                    queue_etags={one.row.key: one.row.etag},
                ),
            )
            if self.overlap > 1:
                work.operations.append(
                    Create(layout.labeling(new.item_id, user), {"lane": number, "task": task_id})
                )
            held.append(LeasedItem(new, number))
        task = Task(
            task_id=task_id,
            user=user,
            slot=slot,
            shard=shard,
            request_id=request_id,
            until_ms=now + lease_ms,
            held=tuple(held),
            kind="correction" if any(one.item.returned for one in held) else held[0].item.kind,
            created_ms=now,
            everything={one.item.item_id: one.lane for one in held},
            shown={one.item.item_id: one.item.suggested for one in held if one.item.suggested},
        )
        head: list[Operation] = [
            Create(layout.request(user, request_id), {"task": task_id}),
            Create(task.key, task.cells()),
        ]
        self._transact(shard, [*head, *work.finish(now)])
        return task

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
        now = self._now()
        task_id = layout.task_id(shard, slot, now, secrets.token_hex(6))
        work = Batch()
        held: list[LeasedItem] = []
        for one in self.read_many(item_ids):
            if one is None:
                continue
            number = next(
                (
                    n
                    for n, lane in enumerate(one.item.lanes)
                    if lane.state in SETTLED and lane.labeler == user and not lane.task
                ),
                None,
            )
            if number is None or one.item.barred:
                continue
            new = one.item.with_lane(number, replace(one.item.lanes[number], task=task_id))
            work.change(one.item, new, operations_for(one.item, new, etag=one.etag))
            held.append(LeasedItem(new, number))
        if not held:
            return None
        task = Task(
            task_id=task_id,
            user=user,
            slot=slot,
            shard=shard,
            request_id=request_id,
            until_ms=now + lease_ms,
            held=tuple(held),
            kind="correction",
            created_ms=now,
            everything={one.item.item_id: one.lane for one in held},
        )
        head: list[Operation] = [
            Create(layout.request(user, request_id), {"task": task_id}),
            Create(task.key, task.cells()),
        ]
        self._transact(shard, [*head, *work.finish(now)])
        return task

    def submit(
        self,
        task: Task,
        decisions: Sequence[Decision],
        *,
        submission_id: str,
        answer: bytes,
        digest: str,
    ) -> None:
        """Save decisions on items of an open task, all or none, in one call.

        The items not named stay leased. `answer` is kept with the submission's id and the `digest` of its
        body, for whoever sends it again.

        Raises:
            Collision: the task was renewed, submitted to or ended meanwhile; or (key `S|...`) this
                submission was saved before.
        """
        now = self._now()
        decided = {decision.item_id: decision for decision in decisions}
        taken = [one for one in task.held if one.item.item_id in decided]
        rest = tuple(one for one in task.held if one.item.item_id not in decided)
        work = Batch()
        shown = self.shown(task, decided)
        for one, (old, etag, before) in zip(taken, self._fresh(task, taken), strict=True):
            decision = _credited(decided[old.item_id], shown.get(old.item_id), before)
            self._settle(work, old, one.lane, decision, task, now, etag=etag)
        self._transact(
            task.shard,
            [
                *self._leave(task, rest, "done", now),
                self._answered(task.user, task.task_id, submission_id, answer, digest),
                *work.finish(now),
            ],
        )

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

    def _answered(
        self, user: str, task_id: str, submission_id: str, answer: bytes, digest: str
    ) -> Operation:
        return Create(
            layout.answered(user, task_id, submission_id),
            {"digest": digest, **pack("answer", answer)},
        )

    def _settle(
        self,
        work: Batch,
        old: Item,
        number: int,
        decision: Decision,
        task: Task | Finished,
        now: int,
        *,
        etag: str | None,
        queue_etags: Mapping[str, str] = {},
    ) -> None:
        labeling = decision.labeling
        lane = Lane(labeling.outcome, "", task.user, labeling.tally())
        new = replace(
            old.with_lane(number, lane),
            revision=old.revision + 1,
            changed_ms=max(now, old.changed_ms + 1),
            reserved="",
            returned="",
        )
        first = old.lanes[number].state not in SETTLED
        if (
            first and new.state in SETTLED
        ):  # nobody is shown it any more, the kind says how it was done
            priority = old.priority if labeling.prelabel else _by_hand(old.priority)
            new = replace(new, suggested="", suggestion="", priority=priority)
        packed = pack("labels", labeling.model_dump_json().encode())
        work.change(
            old, new, operations_for(old, new, etag=etag, queue_etags=queue_etags, labels=packed)
        )
        work.operations.append(
            self._remember(new, "submitted", task.user, packed, task_id=task.task_id)
        )
        if self.overlap > 1:
            mine = layout.labeling(new.item_id, task.user)
            cells: dict[str, Value] = {"lane": number, "task": "", **packed}
            fresh = old.lanes[number].state == "available"
            work.operations.append(Create(mine, cells) if fresh else Merge(mine, cells))
        work.delta[day_key(new.changed_ms, task.user)] += 1
        work.delta[active_key(new.changed_ms, task.user)] += labeling.active_ms
        if labeling.prelabel and labeling.outcome == "labeled":
            work.delta.update(_prelabel_counts(labeling.prelabel, task.user))

    def _remember(
        self,
        new: Item,
        what: str,
        by: str,
        packed: Mapping[str, Value],
        *,
        reason: str = "",
        task_id: str = "",
    ) -> Operation:
        return Create(
            layout.history(new.item_id, new.revision),
            {
                "schema": SCHEMA,
                "what": what,
                "by": by,
                "at_ms": new.changed_ms,
                "state": new.state,
                "reason": reason,
                "task": task_id,
                **packed,
            },
        )

    def submit_late(
        self,
        finished: Finished,
        decisions: Sequence[Decision],
        *,
        submission_id: str,
        digest: str,
        answer: AnswerOf,
    ) -> Late:
        """Save work whose items were given back before it came.

        Items nobody has touched since are taken and settled at once. The work on the others, and on those
        the labeler has got again in another lane, is kept in their history as `superseded` and counts
        nowhere. `answer` makes what is kept for whoever sends the submission again.

        Raises:
            Collision: with a key `S|...`: this submission was saved before.
        """
        shard = self._shard_of_task(finished.task_id)
        for _ in self._attempts():
            now = self._now()
            work = Batch()
            saved: list[str] = []
            lost: list[str] = []
            found = self.read_many([one.item_id for one in decisions])
            shown = self.shown(finished, [one.item_id for one in decisions])
            for sent, one in zip(decisions, found, strict=True):
                if one is None:
                    continue
                decision = _credited(sent, shown.get(sent.item_id))
                lane = finished.items[decision.item_id]
                free = (
                    one.item.lanes[lane].state == "available"
                    and not one.item.barred
                    and one.item.reserved in ("", finished.user)
                    and all(other.labeler != finished.user for other in one.item.lanes)
                    and decision.base_revision in (None, one.item.revision)
                    and all(other.labeler != finished.user for other in one.item.lanes)
                )
                if free:
                    self._settle(work, one.item, lane, decision, finished, now, etag=one.etag)
                    saved.append(decision.item_id)
                else:
                    lost.append(decision.item_id)
                    work.operations.append(
                        Create(
                            layout.superseded(decision.item_id, one.item.revision, submission_id),
                            {
                                "what": "superseded",
                                "by": finished.user,
                                "at_ms": now,
                                "task": finished.task_id,
                                **pack("labels", decision.labeling.model_dump_json().encode()),
                            },
                        )
                    )
            late = Late(tuple(saved), tuple(lost))
            kept = self._answered(
                finished.user, finished.task_id, submission_id, answer(late), digest
            )
            try:
                self._transact(shard, [kept, *work.finish(now)])
                return late
            except Collision as collision:
                if layout.kind_of(collision.key) is layout.Kind.ANSWER:
                    raise
        raise AssertionError("unreachable")

    def _shard_of_task(self, task_id: str) -> int:
        place = layout.task_place(task_id)
        assert place is not None
        return place[0]

    def give_back(
        self, task: Task, how: FinishedHow, item_ids: Iterable[str] | None = None
    ) -> None:
        """Return items of a task to where they came from: the queue, or labeled for a correction.

        Raises:
            Collision: the task was renewed, submitted to or ended meanwhile.
        """
        now = self._now()
        named = set(task.everything if item_ids is None else item_ids)
        leaving = [one for one in task.held if one.item.item_id in named]
        rest = tuple(one for one in task.held if one.item.item_id not in named)
        work = Batch()
        for one, fresh in zip(
            leaving, self.read_many([one.item.item_id for one in leaving]), strict=True
        ):
            if fresh is None or fresh.item.lanes[one.lane].task != task.task_id:
                raise Collision(task.key)
            lane = fresh.item.lanes[one.lane]
            free = lane.state == "leased"
            new = fresh.item.with_lane(one.lane, Lane() if free else replace(lane, task=""))
            work.change(fresh.item, new, operations_for(fresh.item, new, etag=fresh.etag))
            if self.overlap > 1 and free:
                work.operations.append(Delete(layout.labeling(new.item_id, task.user)))
        self._transact(task.shard, [*self._leave(task, rest, how, now), *work.finish(now)])

    def renew(self, task: Task, until_ms: int, *, drafted: bool = False) -> None:
        """Move the end of a lease. Raises Collision when the task changed meanwhile."""
        self._transact(task.shard, [self.renewal(task, until_ms, drafted=drafted)])

    def renewal(self, task: Task, until_ms: int, *, drafted: bool) -> Operation:
        """The operation of `renew`, to go with others in one transaction."""
        return Merge(
            task.key, {"until_ms": until_ms, "drafted": drafted or task.drafted}, task.etag
        )

    def reject(
        self,
        item_id: str,
        *,
        by: str,
        reason: str,
        to_same_labeler: bool,
        front: bool,
        revision: int | None,
    ) -> Literal["rejected", "changed", "leased", "not_settled", "unknown"]:
        """Take a settled item back to be labeled again; its labels stay as defaults.

        Safe to repeat: the second time the item is no longer settled.
        """
        for _ in self._attempts():
            one = self.read(item_id)
            if one is None:
                return "unknown"
            old = one.item
            if revision is not None and old.revision != revision:
                return "changed"
            if any(lane.task for lane in old.lanes):
                return "leased"
            if old.state not in SETTLED or old.barred:
                return "not_settled"
            now = max(self._now(), old.changed_ms + 1)
            returned = Returned(reason=reason, at=from_milliseconds(now))
            new = replace(
                old,
                lanes=tuple(Lane() for _ in old.lanes),
                revision=old.revision + 1,
                changed_ms=now,
                reserved=old.lanes[0].labeler if to_same_labeler and self.overlap == 1 else "",
                priority=layout.UNMEASURED
                if not old.width
                else layout.FRONT
                if front
                else _by_hand(old.priority),
                returned=returned.model_dump_json(),
            )
            work = Batch()
            work.change(old, new, operations_for(old, new, etag=one.etag))
            work.operations.append(self._remember(new, "rejected", by, {}, reason=reason))
            if self.overlap > 1:
                work.operations += [
                    Delete(layout.labeling(item_id, lane.labeler)) for lane in old.lanes
                ]
            try:
                self._transact(self.shard_of(item_id), work.finish(now))
                return "rejected"
            except Collision:
                continue
        raise AssertionError("unreachable")

    def unreserve(self, user: str, shard: int) -> int:
        """Give everyone what was returned to a labeler who is gone. Returns how many items."""
        freed = 0
        waiting = layout.below(layout.reserved(user, ""))
        for row in self._storage.rows(layout.ITEMS, Range(self.partition(shard), *waiting)):
            for _ in self._attempts():
                one = self.read(layout.item_of(row.key))
                if one is None or one.item.reserved != user:
                    break
                priority = layout.FRONT if one.item.width else layout.UNMEASURED
                new = replace(one.item, reserved="", priority=priority)
                work = Batch()
                work.change(one.item, new, operations_for(one.item, new, etag=one.etag))
                try:
                    self._transact(shard, work.finish(self._now()))
                except Collision:
                    continue
                freed += 1
                break
        return freed

    def tasks_of(self, user: str, shards: Sequence[int]) -> tuple[list[Task], list[QueuedItem]]:
        """A labeler's open tasks in these shards and what was returned to them, in one round trip."""
        pages = self._storage.tables.query_many(
            layout.ITEMS, [self.tasks_range(user, shard) for shard in shards]
        )
        tasks: list[Task] = []
        returned: list[QueuedItem] = []
        for shard, rows in zip(shards, pages, strict=True):
            some, more = split_tasks(rows, shard)
            tasks += some
            returned += more
        return tasks, returned

    def tasks_range(self, user: str, shard: int) -> Range:
        """Where a labeler's open tasks and returned items of a shard are."""
        return Range(self.partition(shard), *layout.below(layout.labelers_rows(user)), 64)

    def open_tasks(self, shards: Sequence[int]) -> list[Task]:
        """Every open task of these shards, in one round trip for up to 1,000 of each."""
        tasks: list[Task] = []
        low, high = layout.all_of(layout.Kind.LABELER)
        pages = self._storage.tables.query_many(
            layout.ITEMS, [Range(self.partition(shard), low, high) for shard in shards]
        )
        for shard, rows in zip(shards, pages, strict=True):
            if len(rows) == MAX_PAGE:
                rest = Range(self.partition(shard), rows[-1].key + "!", high)
                rows += self._storage.rows(layout.ITEMS, rest)
            tasks += split_tasks(rows, shard)[0]
        return tasks

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
        place = layout.task_place(task_id)
        if place is None or place[0] >= self.shards:
            return None
        row = self._storage.tables.get(
            layout.ITEMS, self.partition(place[0]), layout.finished(user, task_id)
        )
        return Finished.of(row) if row else None

    def answer(self, user: str, task_id: str, submission_id: str) -> tuple[str, bytes] | None:
        """The digest of a submission saved before and what was answered, or None."""
        place = layout.task_place(task_id)
        if place is None or place[0] >= self.shards:
            return None
        row = self._storage.tables.get(
            layout.ITEMS,
            self.partition(place[0]),
            layout.answered(user, task_id, submission_id),
        )
        return (row.text("digest"), unpack("answer", row.cells)) if row else None

    def labelings_of(self, user: str, item_ids: Sequence[str]) -> dict[str, Labeling]:
        """What a labeler said about items of a project with overlap, in one round trip."""
        rows = self._storage.tables.get_many(
            layout.ITEMS,
            [(self.partition(self.shard_of(one)), layout.labeling(one, user)) for one in item_ids],
        )
        data = {
            item_id: unpack("labels", row.cells)
            for item_id, row in zip(item_ids, rows, strict=True)
            if row
        }
        return {one: Labeling.model_validate_json(raw) for one, raw in data.items() if raw}

    def history(self, item_id: str) -> list[Revision]:
        """Every revision of an item, oldest first, and late work that was kept but not counted."""
        partition = self.partition(self.shard_of(item_id))
        all_of_it = Range(partition, *layout.below(layout.history_of(item_id)))
        return [_revision(row) for row in self._storage.rows(layout.ITEMS, all_of_it)]

    def all_rows(self, shard: int) -> Iterator[Stored]:
        """Every item of a shard once, in order of item ids, whatever happens meanwhile."""
        truths = layout.all_of(layout.Kind.TRUTH)
        for row in self._storage.rows(layout.ITEMS, Range(self.partition(shard), *truths)):
            yield stored(row)

    def counters(self) -> Counter[str]:
        """The exact counters of the project, in one round trip of one call a shard."""
        total: Counter[str] = Counter()
        shards = range(self.shards)
        pages = self._storage.tables.query_many(
            layout.ITEMS,
            [Range(self.partition(shard), *layout.all_of(layout.Kind.COUNTER)) for shard in shards],
        )
        for shard, rows in zip(shards, pages, strict=True):
            if len(rows) == MAX_PAGE:
                # A page that may be cut is not of one moment while compaction folds rows: fold first.
                self.compact(shard)
                return self.counters()
            for row in rows:
                total.update(json.loads(unpack("delta", row.cells)))
        return Counter({name: count for name, count in total.items() if count})

    def compact(self, shard: int) -> int:
        """Fold up to 94 changes of a shard's counters into its base row. Returns how many were folded.

        One transaction, each row under its ETag: counted once, whoever else does the same.
        """
        folded = 0
        while True:
            rows = self._storage.tables.query(
                layout.ITEMS,
                Range(self.partition(shard), *layout.all_of(layout.Kind.COUNTER), 95),
            )
            changes = [row for row in rows if row.key != layout.COUNTER_BASE]
            if len(changes) < 2:
                return folded
            total: Counter[str] = Counter()
            for row in rows:
                total.update(json.loads(unpack("delta", row.cells)))
            cells = pack("delta", as_json({k: v for k, v in sorted(total.items()) if v}))
            has_base = rows[0].key == layout.COUNTER_BASE
            base: Operation = (
                Merge(layout.COUNTER_BASE, cells, rows[0].etag)
                if has_base
                else Create(layout.COUNTER_BASE, cells)
            )
            try:
                self._transact(shard, [base, *(Delete(row.key, row.etag) for row in changes)])
            except Collision:
                return folded
            folded += len(changes)

    def _attempts(self) -> Iterator[int]:
        """Tries of a change that another writer may get in the way of, with growing random pauses.

        Raises:
            Unavailable: twenty tries met another writer each time.
        """
        return attempts(self._storage)


def _by_hand(priority: str) -> str:
    """The queue of an item for which nothing is suggested any more."""
    return layout.MANUAL if priority == layout.PRELABELED else priority


def _credited(
    decision: Decision, shown: Prelabel | None, before: Sequence[Annotation] = ()
) -> Decision:
    """A decision that says truly what of it was suggested, and what became of that."""
    sent = decision.labeling
    if shown is None:
        annotations, acceptance = inherited(sent.annotations, before), None
    else:
        annotations, acceptance = compare(sent.annotations, shown)
    labeling = sent.model_copy(update={"annotations": annotations, "prelabel": acceptance})
    return replace(decision, labeling=labeling)


def _prelabel_counts(acceptance: Acceptance, user: str) -> dict[str, int]:
    """What became of suggestions in a labeler's hands, for the counters: it never grows less."""
    return {
        f"prelabel:{what}:{user}": count
        for what, count in acceptance.model_dump(exclude={"run_id"}).items()
        if count
    }


def day_key(ms: int, user: str) -> str:
    """The counter of what a labeler submitted on one UTC day."""
    return f"day:{from_milliseconds(ms):%Y%m%d}:{user}"


def active_key(ms: int, user: str) -> str:
    """The counter of milliseconds a labeler was active on what they submitted on one UTC day."""
    return f"day:active_ms:{from_milliseconds(ms):%Y%m%d}:{user}"


def _revision(row: Row) -> Revision:
    labels = unpack("labels", row.cells)
    return Revision(
        revision=layout.history_place(row.key).revision,
        what=row.text("what"),
        by=row.text("by"),
        at=from_milliseconds(row.number("at_ms")),
        reason=row.text("reason") or None,
        task_id=row.text("task") or None,
        labeling=Labeling.model_validate_json(labels) if labels else None,
    )
