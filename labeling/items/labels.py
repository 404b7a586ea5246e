"""What people say about items: submissions in time and late, and sending back. Each is kept in history."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Literal, cast

from labeling import layout
from labeling.annotations.acceptance import Prelabel, compare, inherited, same
from labeling.annotations.merging import remapped
from labeling.annotations.shapes import Annotation
from labeling.items import review_rules, rules
from labeling.items.cells import MAX_KEPT_BYTES, pack, unpack
from labeling.items.change import Also, Answer
from labeling.items.checks import Answered, Check
from labeling.items.counters import active_key, day_key, prelabel_counts
from labeling.items.leases import Leases
from labeling.items.records import (
    SETTLED,
    AnswerOf,
    Decision,
    Imported,
    Item,
    ItemState,
    Labeling,
    Lane,
    Late,
    Outcome,
    Overtaken,
    Revision,
    Stored,
)
from labeling.items.rows import Batch, Change, remembered
from labeling.items.suggestions import Suggestions
from labeling.items.tasks import CHECK, Finished, LeasedItem, Task
from labeling.quality.consensus import Opinion, verdict
from labeling.storage import Collision, Create, Delete, Merge, Operation, Value


class Labels(Leases, Suggestions):
    """Changes that come from people who label and review."""

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
            Collision: the task was renewed, submitted to or ended meanwhile; or (key of an answer) this
                submission was saved before.
        """
        now = self._now()
        decided = {decision.item_id: self._as_now(decision) for decision in decisions}
        leaving, rest = task.split(decided)
        taken = [item for item in leaving if not item.is_check]
        work = Batch(self.audiences)
        shown = self.shown(task, decided)
        posed = [item.item.item_id for item in leaving if item.is_check]
        for answered in self._checked(task, posed, decided, shown):
            work.operations += answered.rows
            work.delta.update(answered.counts)
        found = self._fresh(task, taken)
        others = self._others(task.user, [old for old, _, _ in found])
        for item, (old, etag, before) in zip(taken, found, strict=True):
            decision = _credited(decided[old.item_id], shown.get(old.item_id), before)
            settled = self._settle(old, item.lane, decision, task, now, others.get(old.item_id, ()))
            work.add(old, settled, etag=etag)
        key = layout.answered(task.user, task.task_id, submission_id)
        self._transact(
            task.shard,
            [
                *self._leave(task, rest, "done", now),
                Create(key, _answer_cells(answer, digest)),
                *work.finish(now),
            ],
        )

    def _checked(
        self,
        task: Task,
        item_ids: Sequence[str],
        decided: Mapping[str, Decision],
        shown: Mapping[str, Prelabel],
    ) -> list[Answered]:
        """What is kept of answers to the honeypots of an open task."""
        found = self._with_checks(task.user, task.shard, item_ids)
        answered: list[Answered] = []
        for item_id, (stored, before) in zip(item_ids, found, strict=True):
            if before is None or before.task != task.task_id:
                raise Collision(task.key)  # given back meanwhile
            own = before.labeling.annotations if before.labeling else ()
            decision = _credited(decided[item_id], shown.get(item_id), own)
            answered.append(self._answered(stored, before, decision, task_id=task.task_id))
        return answered

    def _as_now(self, decision: Decision) -> Decision:
        """A decision with the classes there are now: whoever made it may have had older ones on the page."""
        return replace(decision, labeling=decision.labeling.merged(self.merged))

    def _fresh(
        self, task: Task, held: Sequence[LeasedItem]
    ) -> list[tuple[Item, str | None, Sequence[Annotation]]]:
        """The items of a task as they are now, the ETag to write them under, and what they held before.

        Where one person labels each, the copies in the task row are enough: whoever changes what they say
        while the task row stands marks it `stale`, so the transaction that changes that row needs no ETag of
        theirs. An item under correction is settled, so an overwritten blob may change it: it is read again.
        One that was returned is read for the labels it begins with.
        """
        if not task.stale and not any(
            item.is_correction or item.item.returned or item.item.shared for item in held
        ):
            return [(item.item, None, ()) for item in held]
        found = [
            stored for stored in self.read_many([item.item.item_id for item in held]) if stored
        ]
        before = {
            stored.item.item_id: stored.labeling for stored in found if not stored.item.shared
        }
        # The labels an item of several holds may be another's.
        shared = {stored.item.item_id for stored in found if stored.item.shared}
        mine = [item.item.item_id for item in held if item.is_correction]
        if own := [item_id for item_id in mine if item_id in shared]:
            before |= self.labelings_of(task.user, own)
        labels = [before.get(stored.item.item_id) for stored in found]
        return [
            (
                stored.item,
                stored.etag,
                remapped(labeling.annotations, self.merged) if labeling else (),
            )
            for stored, labeling in zip(found, labels, strict=True)
        ]

    def _others(self, user: str, items: Sequence[Item]) -> dict[str, list[Labeling]]:
        """What all others said of items that wait for this labeler alone, in one round trip."""
        waited_for = {
            item.item_id: [lane.labeler for lane in item.lanes if lane.labeler != user]
            for item in items
            if item.shared
            and all(lane.state in SETTLED or lane.labeler == user for lane in item.lanes)
        }
        named = [(item_id, labeler) for item_id, them in waited_for.items() for labeler in them]
        found: dict[str, list[Labeling]] = {item_id: [] for item_id in waited_for}
        if not named:
            return found
        places = [
            (self._home(item_id), layout.labeling(item_id, labeler)) for item_id, labeler in named
        ]
        rows = self._storage.tables.get_many(layout.ITEMS, places)
        for (item_id, _), row in zip(named, rows, strict=True):
            if row:
                data = unpack("labels", row.cells)
                found[item_id].append(Labeling.model_validate_json(data).merged(self.merged))
        return found

    def _settle(
        self,
        old: Item,
        lane: int,
        decision: Decision,
        task: Task | Finished,
        now: int,
        others: Sequence[Labeling],
    ) -> Change:
        """A decision on a lane of an item, with all that is kept of it.

        `others`: what all others said who label it, where this is the last answer.
        """
        labeling, user = decision.labeling, task.user
        settled, is_another = rules.submitted_today(
            rules.settled(old, lane, labeling, user=user, now=now), user
        )
        packed = pack("labels", labeling.model_dump_json().encode(), limit=MAX_KEPT_BYTES)
        new, holds, concluding = settled, packed, list[Operation]()
        if rules.complete(settled):
            new, agreed = self._concluded(settled, [labeling, *others])
            if agreed:
                data = agreed.model_dump_json().encode()
                holds = pack("labels", data, limit=MAX_KEPT_BYTES)
                what = "disputed" if agreed.outcome == "needs_review" else "agreed"
                concluding = [remembered(new, what, "", holds)]
        before = settled if concluding else new
        rows = [remembered(before, "submitted", user, packed, task_id=task.task_id), *concluding]
        if old.shared:
            mine = layout.labeling(new.item_id, user)
            cells: dict[str, Value] = {"lane": lane, "task": "", **packed}
            fresh = old.lanes[lane].state == "available"
            rows.append(Create(mine, cells) if fresh else Merge(mine, cells))
        counts: Counter[str] = Counter()
        counts[day_key(settled.changed_ms, user)] += is_another
        counts[active_key(settled.changed_ms, user)] += labeling.active_ms
        if labeling.prelabel and labeling.outcome == "labeled":
            counts.update(prelabel_counts(labeling.prelabel, user))
        return Change(new, holds, rows, counts)

    def _concluded(self, item: Item, said: Sequence[Labeling]) -> tuple[Item, Labeling | None]:
        """What comes of an item that all have labeled, and their labels as one.

        None of them where one more is asked.
        """
        found = verdict(as_opinions(said), self.overlap)
        new = rules.concluded(item, found, self.overlap)
        if not new.verdict:
            return new, None
        return new, together(cast(Outcome, new.verdict), found.annotations, said)

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
            Collision: with the key of an answer: this submission was saved before.
        """
        sent = {decision.item_id: self._as_now(decision) for decision in decisions}
        shown = self.shown(finished, sent)
        why: dict[str, Overtaken] = {}

        def rule(stored: Stored) -> Change:
            item_id, now = stored.item.item_id, self._now()
            decision = _credited(sent[item_id], shown.get(item_id))
            lane = finished.items[item_id]
            if rules.free_for_late_work(
                stored.item, lane, user=finished.user, base_revision=decision.base_revision
            ):
                others = self._others(
                    finished.user, [stored.item.with_lane(lane, Lane(labeler=finished.user))]
                )
                said = others.get(item_id, ())
                return self._settle(stored.item, lane, decision, finished, now, said)
            overtaken = why[item_id] = rules.overtaken_by(stored.item, user=finished.user)
            cells: dict[str, Value] = {
                "what": "superseded",
                "overtaken": overtaken,
                "by": finished.user,
                "at_ms": now,
                "task": finished.task_id,
                **pack(
                    "labels", decision.labeling.model_dump_json().encode(), limit=MAX_KEPT_BYTES
                ),
            }
            row = layout.superseded(item_id, stored.item.revision, submission_id)
            return Change(stored.item, rows=[Create(row, cells)])

        def cells(said: Mapping[str, Change]) -> Mapping[str, Value]:
            return _answer_cells(answer(late(said)), digest)

        shard = self._shard_of_task(finished.task_id)
        posed = {item_id for item_id in sent if finished.items.get(item_id) == CHECK}
        checked: list[str] = []

        def also() -> Also:
            known = self.checks(finished.user, shard, sorted(posed))
            checked[:] = sorted(posed - known.keys())
            for item_id in posed:
                check = known.get(item_id)
                why.pop(item_id, None)
                if check:
                    why[item_id] = "submitted" if check.answered else "open"
            truths = self.read_many(checked) if checked else []
            answers = [
                self._answered(
                    truth,
                    Check(item_id, finished.user, shard),
                    _credited(sent[item_id], shown.get(item_id)),
                    task_id=finished.task_id,
                )
                for item_id, truth in zip(checked, truths, strict=True)
            ]
            counts: Counter[str] = Counter()
            for answer in answers:
                counts.update(answer.counts)
            rows = [row for answer in answers for row in answer.rows]
            rows += [
                self._too_late(check, _credited(sent[item_id], shown.get(item_id)), finished)
                for item_id, check in known.items()
            ]
            return Also(rows, counts)

        def late(said: Mapping[str, Change]) -> Late:
            became = _late(said, why)
            gone = tuple(sorted(posed.difference(checked)))
            return Late((*became.saved, *checked), (*became.superseded, *gone), why)

        key = layout.answered(finished.user, finished.task_id, submission_id)
        others = [item_id for item_id in sent if item_id not in posed]
        said = self._change(
            shard, others, rule, answer=Answer(key, cells), also=also if posed else None
        )
        return late(said)

    @property
    def most_imported(self) -> int:
        """Items whose labels fit into one transaction: truth, listing, history, and a queue row a lane."""
        return 96 // (3 + self.lanes)

    def take_in(
        self,
        shard: int,
        found: Mapping[str, Labeling],
        *,
        by: str,
        known: Mapping[str, Stored] = {},
    ) -> dict[str, Imported]:
        """Settle items of one shard by labels that were made elsewhere, at most `most_imported` at once.

        One that somebody holds or has labeled is left alone. Safe to repeat: what this submission has saved is
        `saved` again. Nobody is counted as having worked on them that day. Those `known` need not be read.
        """

        def rule(stored: Stored) -> Change | Imported:
            labeling = found[stored.item.item_id]
            why = rules.why_not_imported(stored.item)
            if why == "labeled" and (kept := stored.labeling) and same_labels(kept, labeling):
                return "saved" if kept.submission_id == labeling.submission_id else "unchanged"
            if why:
                return why
            # What is known already, nobody else is asked about.
            alone = rules.asked_of(stored.item, 1)
            new = rules.settled(alone, 0, labeling, user=by, now=self._now())
            packed = pack("labels", labeling.model_dump_json().encode(), limit=MAX_KEPT_BYTES)
            return Change(new, packed, [remembered(new, "imported", by, packed)])

        became: dict[str, Imported] = dict.fromkeys(found, "unknown")
        for item_id, change in self._change(shard, found, rule, known=known).items():
            became[item_id] = "saved" if isinstance(change, Change) else change
        return became

    def _shard_of_task(self, task_id: str) -> int:
        place = layout.task_place(task_id)
        assert place is not None
        return place[0]

    def reject(
        self,
        item_id: str,
        *,
        by: str,
        reason: str,
        to_same_labeler: bool,
        front: bool,
        revision: int | None,
        answers: bool = False,
    ) -> Literal["rejected", "changed", "leased", "not_settled", "unknown"]:
        """Take a settled item back to be labeled again; its labels stay as defaults.

        One that was left out is put back so. `answers`: the reason answers what the labeler asked, and
        only an item that waits for that is taken. Safe to repeat: the second time it is no longer settled.
        """
        states: tuple[ItemState, ...] = ("needs_review",) if answers else (*SETTLED, "excluded")

        def rule(stored: Stored) -> Change | Literal["changed", "leased", "not_settled"]:
            old = stored.item
            if why := review_rules.why_not_reviewed(old, revision, states):
                return why
            new = review_rules.rejected(
                old,
                reason=reason,
                to_same_labeler=to_same_labeler,
                front=front,
                now=self._now(),
            )
            what = "answered" if answers else "rejected"
            rows = [remembered(new, what, by, {}, reason=reason), *labelings_deleted(old)]
            return Change(new, rows=rows)

        became = self._change_one(item_id, rule)
        return "rejected" if isinstance(became, Change) else became or "unknown"

    def answer(self, user: str, task_id: str, submission_id: str) -> tuple[str, bytes] | None:
        """The digest of a submission saved before and what was answered, or None."""
        row = self._row_of_task(task_id, layout.answered(user, task_id, submission_id))
        return (row.text("digest"), unpack("answer", row.cells)) if row else None

    def labelings_of(self, user: str, item_ids: Sequence[str]) -> dict[str, Labeling]:
        """What a labeler said about items of a project with overlap, in one round trip."""
        places = [(self._home(item_id), layout.labeling(item_id, user)) for item_id in item_ids]
        rows = self._storage.tables.get_many(layout.ITEMS, places)
        data = {
            item_id: unpack("labels", row.cells)
            for item_id, row in zip(item_ids, rows, strict=True)
            if row
        }
        return {
            item_id: Labeling.model_validate_json(raw).merged(self.merged)
            for item_id, raw in data.items()
            if raw
        }

    def opinions(self, item_id: str) -> list[Labeling]:
        """What each of several people said about an item, in order of their ids."""
        keys = layout.below(layout.labelings_of(item_id))
        found = [unpack("labels", row.cells) for row in self._rows(self.shard_of(item_id), keys)]
        return [Labeling.model_validate_json(data).merged(self.merged) for data in found if data]

    def opinions_between(self, shard: int, first: str, last: str) -> dict[str, list[Labeling]]:
        """The same of all items of a shard from one id to another: a call for a thousand of them."""
        keys = layout.labelings_of(first), layout.labelings_of(last) + layout.END
        found: dict[str, list[Labeling]] = {}
        for row in self._rows(shard, keys):
            if data := unpack("labels", row.cells):
                said = Labeling.model_validate_json(data).merged(self.merged)
                found.setdefault(layout.labeling_of(row.key)[0], []).append(said)
        return found

    def history(self, item_id: str) -> list[Revision]:
        """Every revision of an item, oldest first, and late work that was kept but not counted."""
        keys = layout.below(layout.history_of(item_id))
        return [Revision.of(row) for row in self._rows(self.shard_of(item_id), keys)]


def same_labels(one: Labeling, other: Labeling) -> bool:
    """Whether two labelings say the same, whatever their annotations are called."""
    if one.outcome != other.outcome or len(one.annotations) != len(other.annotations):
        return False
    left = list(other.annotations)
    for annotation in one.annotations:
        twin = next((at for at, it in enumerate(left) if same(annotation, it)), None)
        if twin is None:
            return False
        del left[twin]
    return True


def labelings_deleted(item: Item) -> list[Operation]:
    """The operations that forget what each of several people said of an item."""
    people = [lane.labeler for lane in item.lanes if lane.labeler] if item.shared else []
    return [Delete(layout.labeling(item.item_id, labeler)) for labeler in people]


def as_opinions(said: Sequence[Labeling]) -> list[Opinion]:
    """What several people said, as consensus takes it."""
    return [Opinion(each.labeler, each.outcome, each.annotations) for each in said]


def together(outcome: Outcome, annotations: list[Annotation], said: Sequence[Labeling]) -> Labeling:
    """What several people said as one labeling: the first given is whose it is, the time that of all."""
    last = said[0]
    words = next((labeling for labeling in said if labeling.outcome == outcome), None)
    return Labeling(
        outcome=outcome,
        annotations=annotations,
        reason=words.reason if words else None,
        note=words.note if words else None,
        labeler=last.labeler,
        labelers=sorted(labeling.labeler for labeling in said),
        saved_at=last.saved_at,
        active_ms=sum(labeling.active_ms for labeling in said),
        classes_version=max(labeling.classes_version for labeling in said),
        submission_id=last.submission_id,
    )


def _late(said: Mapping[str, Change], why: Mapping[str, Overtaken]) -> Late:
    """What became of late work: what is superseded leaves the labels of the item alone."""
    return Late(
        saved=tuple(item_id for item_id, change in said.items() if change.labels),
        superseded=tuple(item_id for item_id, change in said.items() if not change.labels),
        why=why,
    )


def _answer_cells(answer: bytes, digest: str) -> dict[str, Value]:
    return {"digest": digest, **pack("answer", answer)}


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
