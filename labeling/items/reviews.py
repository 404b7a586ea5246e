"""What reviewers and admins make of items: approving, leaving out, having everything labeled again.

Sending back is in `labels.py`, beside what it undoes. Each change is a revision of its own.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

from labeling import layout
from labeling.annotations.acceptance import likely_classes
from labeling.annotations.attributes import Attribute
from labeling.annotations.merging import remapped
from labeling.annotations.shapes import Annotation
from labeling.items import review_rules, rules
from labeling.items.cells import MAX_KEPT_BYTES, pack, packed_bytes, unpack
from labeling.items.change import becomes
from labeling.items.labels import Labels, as_opinions, labelings_deleted, same_labels, together
from labeling.items.records import SETTLED, Item, Labeling, Stored, stored
from labeling.items.rows import Change, remembered
from labeling.model import UtcTime
from labeling.quality.consensus import merged, verdict
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
        """Note that somebody found the labels of an item good, or take that back. Safe to repeat.

        Labels of an image that was overwritten since fit the one that is there now, too.
        """

        def rule(record: Stored) -> Change | Literal["changed", "leased", "not_settled"]:
            fits = (
                approved and record.item.overwritten and not record.item.shared and record.labeling
            )
            item = review_rules.labeled_as_before(record.item, fits) if fits else record.item
            if why := review_rules.why_not_reviewed(item, revision, ("labeled",)):
                return why
            new = review_rules.approved(item, by if approved else "", self._now())
            return _with_history(record, new, "approved" if approved else "unapproved", by)

        return _done(self._change_one(item_id, rule))

    def use_as_honeypot(
        self, item_id: str, *, by: str, revision: int | None, wanted: bool
    ) -> Reviewed | Literal["not_approved"]:
        """Mix an item whose labels are final in among what people label, or no longer. Safe to repeat."""

        def rule(record: Stored) -> Change | review_rules.NoHoneypot:
            if not wanted:
                return Change(review_rules.honeypot(record.item, None, ""))
            imported = not record.item.approved and self._is_imported(item_id)
            if why := review_rules.why_no_honeypot(record.item, revision, imported=imported):
                return why
            return Change(
                review_rules.honeypot(record.item, record.labeling, record.item.honeypot or by)
            )

        became = self._change_one(item_id, rule)
        return "not_approved" if became == "not_approved" else _done(became)

    def _is_imported(self, item_id: str) -> bool:
        """Whether the labels of an item were made elsewhere."""
        states = [revision for revision in self.history(item_id) if not revision.overtaken]
        return bool(states) and states[-1].what == "imported"

    def accept_skipped(self, item_id: str, *, by: str, revision: int | None) -> Reviewed:
        """Leave a skipped item out of the project, for the labeler's reason; `reject` puts it back.

        Safe to repeat.
        """

        def rule(record: Stored) -> Change | Literal["changed", "leased", "not_settled"]:
            if why := review_rules.why_not_reviewed(record.item, revision, ("skipped", "excluded")):
                return why
            said = record.labeling
            reason = (said.reason or said.note or "") if said else ""
            return _with_history(
                record, review_rules.left_out(record.item, reason, self._now()), "excluded", by
            )

        return _done(self._change_one(item_id, rule))

    def leave_out(self, item_id: str, *, by: str, reason: str, revision: int | None) -> Reviewed:
        """Leave an item that nobody holds out of the project; `reject` puts it back. Safe to repeat."""

        def rule(record: Stored) -> Change | Literal["changed", "leased", "not_settled"]:
            states = (*SETTLED, "available", "excluded")
            if why := review_rules.why_not_reviewed(record.item, revision, states):
                return why
            return _with_history(
                record, review_rules.left_out(record.item, reason, self._now()), "excluded", by
            )

        return _done(self._change_one(item_id, rule))

    def put_first(self, item_id: str) -> Reviewed:
        """Have an item that waits for anybody labeled before others. Safe to repeat."""

        def rule(record: Stored) -> Change | Literal["not_settled"]:
            return Change(new) if (new := review_rules.put_first(record.item)) else "not_settled"

        became = self._change_one(item_id, rule)
        return "done" if isinstance(became, Change) else became or "unknown"

    def resolve(
        self, item_id: str, labeler: str, *, by: str, revision: int | None
    ) -> Reviewed | Literal["no_opinion"]:
        """Make what one of several people said the labels of an item. Safe to repeat.

        Only of one that all have labeled; `no_opinion`: that person did not.
        """

        def rule(
            record: Stored,
        ) -> Change | Literal["changed", "leased", "not_settled", "no_opinion"]:
            # Only a name that the item has may become a key.
            if all(lane.labeler != labeler for lane in record.item.lanes):
                return "no_opinion"
            if why := review_rules.why_not_reviewed(record.item, revision, SETTLED):
                return why
            opinion = self.labelings_of(labeler, [item_id]).get(item_id)
            if opinion is None:
                return "no_opinion"
            if not rules.complete(record.item):
                return "not_settled"
            now = self._now()
            new = rules.resolved(record.item, opinion, now)
            chosen = opinion.model_copy(update={"labelers": [labeler]})
            holds = pack("labels", chosen.model_dump_json().encode(), limit=MAX_KEPT_BYTES)
            return Change(new, holds, [remembered(new, "resolved", by, holds)])

        became = self._change_one(item_id, rule)
        return "no_opinion" if became == "no_opinion" else _done(became)

    def resolve_merged(
        self, item_id: str, *, by: str, revision: int | None
    ) -> Reviewed | Literal["nothing_common"]:
        """Make what most of several people said alike the labels of an item, without the rest. Safe to repeat.

        Only of one that all have labeled. `nothing_common`: no two said the same.
        """

        def rule(
            record: Stored,
        ) -> Change | Literal["changed", "leased", "not_settled", "nothing_common"]:
            if why := review_rules.why_not_reviewed(record.item, revision, SETTLED):
                return why
            if not rules.complete(record.item):
                return "not_settled"
            said = sorted(self.opinions(item_id), key=lambda each: each.saved_at, reverse=True)
            common = merged(as_opinions(said), self.overlap)
            if common is None:
                return "nothing_common"
            return self._restated(record, together("labeled", common, said), "resolved", by)

        became = self._change_one(item_id, rule)
        return "nothing_common" if became == "nothing_common" else _done(became)

    def relabel(
        self,
        item_id: str,
        *,
        class_id: str | None,
        into: str,
        attributes: Sequence[Attribute],
        by: str,
        revision: int | None,
    ) -> Reviewed:
        """Say another class instead of one, or of all that is said, in the labels of an item. Safe to repeat.

        Of what else was said of a thing stays what is an attribute of the other class too.
        """

        def rule(record: Stored) -> Change | Literal["changed", "leased", "not_settled"]:
            if why := review_rules.why_not_reviewed(record.item, revision, ("labeled",)):
                return why
            said = record.labeling
            if said is None:
                return "not_settled"
            named = {each.class_id for each in said.annotations} - {into}
            of = {each: into for each in named if class_id in (None, each)}
            new = remapped([_with_those(each, attributes, of) for each in said.annotations], of)
            said = said.model_copy(update={"annotations": new})
            return self._restated(record, said, "relabeled", by)

        return _done(self._change_one(item_id, rule))

    def revert(
        self, item_id: str, *, before: UtcTime | None, by: str, revision: int | None
    ) -> Reviewed | Literal["no_earlier"]:
        """Make the labels of an item what they were at a moment, or before the present ones.

        Also of one that was sent back since and waits to be labeled. Of one that several label, only what came
        of all they said; `no_earlier`: there were no labels then.
        """

        def rule(
            record: Stored,
        ) -> Change | Literal["changed", "leased", "not_settled", "no_earlier"]:
            if why := review_rules.why_not_reviewed(record.item, revision, (*SETTLED, "available")):
                return why
            if record.item.shared and not record.item.judged:
                return "not_settled"
            past = self._past(record, before)
            return "no_earlier" if past is None else self._restated(record, past, "reverted", by)

        became = self._change_one(item_id, rule)
        return "no_earlier" if became == "no_earlier" else _done(became)

    def _past(self, record: Stored, before: UtcTime | None) -> Labeling | None:
        """The labels of an item at a moment; without one, the last that were others than those now."""
        settled = record.item.state in SETTLED
        now = record.labeling if settled else None
        for entry in reversed(self.history(record.item.item_id)):
            said = entry.labeling
            # What one of several people said is not what came of it.
            if (
                said is None
                or entry.overtaken
                or (record.item.shared and entry.what == "submitted")
            ):
                continue
            said = said.merged(self.merged)
            if entry.at <= before if before else not (now and same_labels(said, now)):
                return said
        return None

    def _restated(self, record: Stored, said: Labeling, what: str, by: str) -> Change:
        """A reviewer has said what the labels of an item are."""
        item = record.item
        if item.state == said.outcome and record.labeling and same_labels(said, record.labeling):
            return Change(item)
        if item.shared:
            # Theirs alone: what the others said no longer makes it another.
            said = said.model_copy(update={"labelers": [by]})
            new = rules.resolved(item, said, self._now())
        else:
            new = rules.settled(item, 0, said, user=said.labeler, now=self._now())
        holds = pack("labels", said.model_dump_json().encode(), limit=MAX_KEPT_BYTES)
        return Change(new, holds, [remembered(new, what, by, holds)])

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

        def rule(record: Stored) -> Change | None:
            # A correction that was begun at this very moment is left to whoever began it.
            if not _is_outdated(record, before_version) or any(
                lane.task for lane in record.item.lanes
            ):
                return None
            new = review_rules.started_over(record.item, keep=keep, now=self._now())
            rows = [remembered(new, "started_over", by, {})]
            rows += labelings_deleted(record.item)
            return Change(new, None if keep else {"labels": 0}, rows)

        # Of each: the truth, the listing anew, history, and two rows a place: its labeling, and in the queue.
        at_once = min(STARTED_OVER_AT_ONCE, (MAX_OPERATIONS - 1) // (5 + 2 * self.lanes))
        for at in range(0, len(found), at_once):
            some = found[at : at + at_once]
            self._end_corrections(
                [record for record in some if _is_outdated(record, before_version)]
            )
            self._change(shard, [record.item.item_id for record in some], rule)
        return found[-1].item.item_id if len(found) == limit else None

    def ask(self, shard: int, after: str, *, limit: int) -> str | None:
        """Have the next items of a shard that nobody has begun labeled by as many as `overlap` says now, and
        those that wait by whom `audiences` says.

        Safe to repeat.

        Args:
            shard: whose items.
            after: the item to go on behind; empty at the beginning.
            limit: items to look at.

        Returns:
            The item to go on behind; None at the end.
        """

        def rule(record: Stored) -> Change | None:
            item = replace(
                record.item, likely=record.item.likely or likely.get(record.item.item_id, "")
            )
            asked = rules.asked_of(item, self.overlap.places(item.item_id))
            return becomes(record, rules.assigned(asked, self.audiences))

        found = self.next_of(shard, after, limit)
        likely = self._likely(found)
        # Of each: the truth, and two rows a place in the queues.
        at_once = min(STARTED_OVER_AT_ONCE, (MAX_OPERATIONS - 1) // (1 + 2 * self.lanes))
        for at in range(0, len(found), at_once):
            some = found[at : at + at_once]
            differ = {
                record.item.item_id: record for record in some if isinstance(rule(record), Change)
            }
            self._change(shard, differ, rule, known=differ)
        return found[-1].item.item_id if len(found) == limit else None

    def _likely(self, found: Sequence[Stored]) -> Mapping[str, str]:
        """The classes suggested for items that do not say so themselves yet, where it matters."""
        if not self.audiences.by_class:
            return {}
        items = [
            record.item for record in found if record.item.suggested and not record.item.likely
        ]
        said = self.said([(item.item_id, item.suggested) for item in items])
        return {item_id: likely_classes(prelabel.annotations) for item_id, prelabel in said.items()}

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

        def rule(record: Stored) -> Change | None:
            if not _says(record, class_id):
                return None
            labeling = record.labeling
            said = labeling.merged(merged) if labeling else None
            people = [each.merged(merged) for each in self._opinions_of(record.item)]
            tallies = {each.labeler: each.tally() for each in people}
            if not record.item.shared and said:
                tallies = {record.item.lanes[0].labeler: said.tally()}
            new = rules.merged(record.item, tallies, self._now())
            if new.judged:
                found = verdict(as_opinions(people), self.overlap)
                chosen = said if said and len(said.labelers) == 1 else None
                new = rules.judged_anew(new, found, chosen)
                told = {"outcome": new.verdict, "annotations": found.annotations}
                said = chosen or (said.model_copy(update=told) if said else None)
            holds = pack(
                "labels", said.model_dump_json().encode() if said else b"", limit=MAX_KEPT_BYTES
            )
            return Change(new, holds, [remembered(new, "merged", by, holds, reason=reason)])

        found = self.next_of(shard, after, limit)
        those = [record for record in found if _says(record, class_id)]
        for some in _batches(those):
            self._change(shard, [record.item.item_id for record in some], rule)
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
        held = {
            (lane.labeler, lane.task) for item in items for lane in item.item.lanes if lane.task
        }
        for user, task_id in sorted(held):
            while task := self.task(user, task_id):
                try:
                    self.give_back(task, "released")
                except Collision:
                    continue  # submitted to or renewed at this moment: look again


def _with_those(
    said: Annotation, attributes: Sequence[Attribute], of: Collection[str]
) -> Annotation:
    """What is said of one of these classes, with no other attributes than these."""
    if said.class_id not in of or not said.attributes:
        return said
    known = {attribute.name: attribute for attribute in attributes}
    stay = {
        name: value
        for name, value in said.attributes.items()
        if name in known and known[name].takes(value)
    }
    return said.model_copy(update={"attributes": stay})


def _is_outdated(record: Stored, version: int) -> bool:
    """Whether an item was labeled with classes of before a version."""
    labeling = record.labeling
    return (
        labeling is not None
        and labeling.classes_version < version
        and not record.item.barred
        and any(lane.state in SETTLED for lane in record.item.lanes)
    )


def _says(record: Stored, class_id: str) -> bool:
    """Whether labels that count say something of a class, anybody's of several."""
    item = record.item
    if not any(lane.state in SETTLED for lane in item.lanes):
        return False
    if class_id in item.classes or any(class_id in lane.tally for lane in item.lanes):
        return True
    said = record.labeling
    return said is not None and any(each.class_id == class_id for each in said.annotations)


def _batches(items: Sequence[Stored]) -> Iterator[list[Stored]]:
    """Items that fit into one transaction each time, those with large labels alone."""
    some: list[Stored] = []
    for item in items:
        if packed_bytes("labels", item.cells) > LARGE:
            yield [item]
            continue
        some.append(item)
        if len(some) == STARTED_OVER_AT_ONCE:
            yield some
            some = []
    if some:
        yield some


def _with_history(record: Stored, new: Item, what: str, by: str) -> Change:
    """A change that leaves the labels as they are: history has them again."""
    if new == record.item:
        return Change(new)
    labels = pack("labels", unpack("labels", record.cells))
    return Change(new, rows=[remembered(new, what, by, labels)])


def _done(became: Change | Literal["changed", "leased", "not_settled"] | None) -> Reviewed:
    return "done" if isinstance(became, Change) else became or "unknown"
