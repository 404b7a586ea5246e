"""What reviewers and admins make of items: approving, leaving out, having everything labeled again.

Sending back is in `labels.py`, beside what it undoes. Each change is a revision of its own.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from labeling import layout
from labeling.items import rules
from labeling.items.cells import MAX_KEPT_BYTES, pack, packed_bytes, unpack
from labeling.items.change import becomes
from labeling.items.labels import Labels, labelings_deleted
from labeling.items.records import SETTLED, Item, Labeling, Stored, stored
from labeling.items.rows import Change, remembered
from labeling.quality.consensus import Opinion, verdict
from labeling.storage import MAX_OPERATIONS, Collision, Range

STARTED_OVER_AT_ONCE = 10
"""Items in one transaction, however many labeled each: truth, queue, listing, history, their labels."""

LARGE = 32 * 1024
"""Compressed labels of an image that is changed in a transaction of its own."""

Reviewed = Literal["done", "changed", "leased", "not_settled", "unknown"]


@dataclass(frozen=True)
class Swept:
    """What became of a piece of a sweep: the item to go on behind, None at the end; how many were looked at,
    changed, and left alone by why."""

    after: str | None
    looked: int
    done: int
    left: Mapping[str, int] = field(default_factory=dict[str, int])


class Reviews(Labels):
    """Changes that come from people who look after labels."""

    def approve(self, item_id: str, *, by: str, revision: int | None, approved: bool) -> Reviewed:
        """Note that somebody found the labels of an item good, or take that back. Safe to repeat."""

        def rule(one: Stored) -> Change | Literal["changed", "leased", "not_settled"]:
            if why := rules.why_not_reviewed(one.item, revision, ("labeled",)):
                return why
            new = rules.approved(one.item, by if approved else "", self._now())
            return _with_history(one, new, "approved" if approved else "unapproved", by)

        return _done(self._change_one(item_id, rule))

    def accept_skipped(self, item_id: str, *, by: str, revision: int | None) -> Reviewed:
        """Leave a skipped item out of the project, for the labeler's reason; `reject` puts it back.

        Safe to repeat.
        """

        def rule(one: Stored) -> Change | Literal["changed", "leased", "not_settled"]:
            if why := rules.why_not_reviewed(one.item, revision, ("skipped", "excluded")):
                return why
            said = one.labeling
            reason = (said.reason or said.note or "") if said else ""
            return _with_history(one, rules.left_out(one.item, reason, self._now()), "excluded", by)

        return _done(self._change_one(item_id, rule))

    def leave_out(self, item_id: str, *, by: str, reason: str, revision: int | None) -> Reviewed:
        """Leave an item that nobody holds out of the project; `reject` puts it back. Safe to repeat."""

        def rule(one: Stored) -> Change | Literal["changed", "leased", "not_settled"]:
            states = (*SETTLED, "available", "excluded")
            if why := rules.why_not_reviewed(one.item, revision, states):
                return why
            return _with_history(one, rules.left_out(one.item, reason, self._now()), "excluded", by)

        return _done(self._change_one(item_id, rule))

    def put_first(self, item_id: str) -> Reviewed:
        """Have an item that waits for anybody labeled before others. Safe to repeat."""

        def rule(one: Stored) -> Change | Literal["not_settled"]:
            return Change(new) if (new := rules.put_first(one.item)) else "not_settled"

        became = self._change_one(item_id, rule)
        return "done" if isinstance(became, Change) else became or "unknown"

    def resolve(
        self, item_id: str, labeler: str, *, by: str, revision: int | None
    ) -> Reviewed | Literal["no_opinion"]:
        """Make what one of several people said the labels of an item. Safe to repeat.

        Only of one that all have labeled; `no_opinion`: that person did not.
        """

        def rule(
            one: Stored,
        ) -> Change | Literal["changed", "leased", "not_settled", "no_opinion"]:
            # Only a name that the item has may become a key.
            if all(lane.labeler != labeler for lane in one.item.lanes):
                return "no_opinion"
            if why := rules.why_not_reviewed(one.item, revision, SETTLED):
                return why
            opinion = self.labelings_of(labeler, [item_id]).get(item_id)
            if opinion is None:
                return "no_opinion"
            if not rules.complete(one.item):
                return "not_settled"
            now = self._now()
            new = rules.resolved(one.item, opinion, now)
            chosen = opinion.model_copy(update={"labelers": [labeler]})
            holds = pack("labels", chosen.model_dump_json().encode(), limit=MAX_KEPT_BYTES)
            return Change(new, holds, [remembered(new, "resolved", by, holds)])

        became = self._change_one(item_id, rule)
        return "no_opinion" if became == "no_opinion" else _done(became)

    def start_over(
        self, shard: int, after: str, *, keep: bool, before_version: int, by: str, limit: int
    ) -> str | None:
        """Have the next settled items of a shard labeled again, in order of their ids.

        What was labeled with the classes of `before_version` or later stays. What is being corrected is
        given back first: that work comes late, and is kept in history. Safe to repeat.

        Args:
            shard: whose items.
            after: the item to go on behind; empty at the beginning.
            keep: the labels stay as defaults, else only history has them.
            before_version: of the classes.
            by: who wanted it.
            limit: items to look at.

        Returns:
            The item to go on behind; None at the end.
        """
        found = self.next_of(shard, after, limit)

        def rule(one: Stored) -> Change | None:
            # A correction that was begun at this very moment is left to whoever began it.
            if not _is_outdated(one, before_version) or any(lane.task for lane in one.item.lanes):
                return None
            new = rules.started_over(one.item, keep=keep, now=self._now())
            rows = [remembered(new, "started_over", by, {})]
            rows += labelings_deleted(one.item)
            return Change(new, None if keep else {"labels": 0}, rows)

        # Of each: the truth, the listing anew, history, and two rows a place: its labeling, and in the queue.
        at_once = min(STARTED_OVER_AT_ONCE, (MAX_OPERATIONS - 1) // (5 + 2 * self.lanes))
        for at in range(0, len(found), at_once):
            some = found[at : at + at_once]
            self._end_corrections([one for one in some if _is_outdated(one, before_version)])
            self._change(shard, [one.item.item_id for one in some], rule)
        return found[-1].item.item_id if len(found) == limit else None

    def ask(self, shard: int, after: str, *, limit: int) -> str | None:
        """Have the next items of a shard that nobody has begun labeled by as many as `overlap` says now.

        Safe to repeat.

        Args:
            shard: whose items.
            after: the item to go on behind; empty at the beginning.
            limit: items to look at.

        Returns:
            The item to go on behind; None at the end.
        """

        def rule(one: Stored) -> Change | None:
            places = self.overlap.places(one.item.item_id)
            return becomes(one, rules.asked_of(one.item, places))

        found = self.next_of(shard, after, limit)
        for at in range(0, len(found), STARTED_OVER_AT_ONCE):
            some = found[at : at + STARTED_OVER_AT_ONCE]
            differ = {one.item.item_id: one for one in some if isinstance(rule(one), Change)}
            self._change(shard, differ, rule, known=differ)
        return found[-1].item.item_id if len(found) == limit else None

    def merge(
        self, shard: int, after: str, *, class_id: str, into: str, reason: str, by: str, limit: int
    ) -> Swept:
        """Make labels of a class labels of another, in the next items of a shard in order of their ids.

        What is in somebody's hands as a correction changes as well: the task is told. What each of several
        people said stays as it is, and is read as the other class. Safe to repeat.

        Args:
            shard: whose items.
            after: the item to go on behind; empty at the beginning.
            class_id: that becomes another.
            into: which.
            reason: what history says of it.
            by: who wanted it.
            limit: items to look at.
        """
        merged = {**self.merged, class_id: into}

        def rule(one: Stored) -> Change | None:
            if not _says(one, class_id):
                return None
            labeling = one.labeling
            said = labeling.merged(merged) if labeling else None
            people = [each.merged(merged) for each in self._opinions_of(one.item)]
            tallies = {each.labeler: each.tally() for each in people}
            if not one.item.shared and said:
                tallies = {one.item.lanes[0].labeler: said.tally()}
            new = rules.merged(one.item, tallies, self._now())
            if new.judged:
                opinions = [
                    Opinion(each.labeler, each.outcome, each.annotations) for each in people
                ]
                found = verdict(opinions, self.overlap)
                chosen = said if said and len(said.labelers) == 1 else None
                new = rules.judged_anew(new, found, chosen)
                told = {"outcome": new.verdict, "annotations": found.annotations}
                said = chosen or (said.model_copy(update=told) if said else None)
            holds = pack(
                "labels", said.model_dump_json().encode() if said else b"", limit=MAX_KEPT_BYTES
            )
            return Change(new, holds, [remembered(new, "merged", by, holds, reason=reason)])

        found = self.next_of(shard, after, limit)
        those = [one for one in found if _says(one, class_id)]
        for some in _batches(those):
            self._change(shard, [one.item.item_id for one in some], rule)
        last = found[-1].item.item_id if len(found) == limit else None
        return Swept(after=last, looked=len(found), done=len(those))

    def _opinions_of(self, item: Item) -> list[Labeling]:
        return self.opinions(item.item_id) if item.shared else []

    def next_of(self, shard: int, after: str, limit: int) -> list[Stored]:
        """The next items of a shard behind one, in order of their ids."""
        low, high = layout.all_of(layout.Kind.TRUTH)
        start = layout.truth(after) + "!" if after else low
        rows = self._storage.tables.query(
            layout.ITEMS, Range(self.partition(shard), start, high, limit)
        )
        return [stored(row) for row in rows]

    def _end_corrections(self, items: Sequence[Stored]) -> None:
        """Take back what is in hands of these items."""
        held = {(lane.labeler, lane.task) for one in items for lane in one.item.lanes if lane.task}
        for user, task_id in sorted(held):
            while task := self.task(user, task_id):
                try:
                    self.give_back(task, "released")
                except Collision:
                    continue  # submitted to or renewed at this moment: look again


def _is_outdated(one: Stored, version: int) -> bool:
    """Whether an item was labeled with classes of before a version."""
    labeling = one.labeling
    return (
        labeling is not None
        and labeling.classes_version < version
        and not one.item.barred
        and any(lane.state in SETTLED for lane in one.item.lanes)
    )


def _says(one: Stored, class_id: str) -> bool:
    """Whether labels that count say something of a class, anybody's of several."""
    item = one.item
    if not any(lane.state in SETTLED for lane in item.lanes):
        return False
    if class_id in item.classes or any(class_id in lane.tally for lane in item.lanes):
        return True
    said = one.labeling
    return said is not None and any(each.class_id == class_id for each in said.annotations)


def _batches(items: Sequence[Stored]) -> Iterator[list[Stored]]:
    """Items that fit into one transaction each time, those with large labels alone."""
    some: list[Stored] = []
    for one in items:
        if packed_bytes("labels", one.cells) > LARGE:
            yield [one]
            continue
        some.append(one)
        if len(some) == STARTED_OVER_AT_ONCE:
            yield some
            some = []
    if some:
        yield some


def _with_history(one: Stored, new: Item, what: str, by: str) -> Change:
    """A change that leaves the labels as they are: history has them again."""
    if new == one.item:
        return Change(new)
    labels = pack("labels", unpack("labels", one.cells))
    return Change(new, rows=[remembered(new, what, by, labels)])


def _done(became: Change | Literal["changed", "leased", "not_settled"] | None) -> Reviewed:
    return "done" if isinstance(became, Change) else became or "unknown"
