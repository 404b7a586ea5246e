"""Checks: what people make of honeypots, which are items whose answer is known (ADR-0031).

A check is a row of its own, of one person and one item. It stands for all that a lane of an item would: who
holds it, what they said, and what the counters learn. The item itself never changes by it, so that it may be
in another shard than the page it is on: the check is in the shard of the task.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from labeling import layout
from labeling.items import rules
from labeling.items.cells import MAX_KEPT_BYTES, as_text, pack, unpack
from labeling.items.change import Shards
from labeling.items.counters import active_key, day_key
from labeling.items.records import SCHEMA, Decision, Item, Labeling, Lane, Stored, stored
from labeling.items.tasks import Finished
from labeling.model import day_of
from labeling.quality.honeypots import score
from labeling.storage import Create, Merge, Operation, Range, Row, Value


@dataclass(frozen=True)
class Check:
    """One person and one honeypot. `task` is the open lease on it, if any.

    Once it is `answered`, `revision` tells how often, `lane` what was said last, and `score` how much of the
    known answer that was, in thousandths; None where nothing was known to compare it with.
    """

    item_id: str
    user: str
    shard: int
    task: str = ""
    revision: int = 0
    lane: Lane = field(default_factory=Lane)
    score: int | None = None
    at_ms: int = 0
    etag: str = ""
    cells: Mapping[str, Value] = field(default_factory=dict[str, Value], compare=False)

    @property
    def answered(self) -> bool:
        """Whether the person has said something."""
        return self.revision > 0

    @property
    def labeling(self) -> Labeling | None:
        """What they said last."""
        data = unpack("labels", self.cells)
        return Labeling.model_validate_json(data) if data else None

    def facts(self) -> Counter[str]:
        """Its share of the counters."""
        facts = Counter({f"checks:{self.lane.state if self.answered else 'leased'}": 1})
        if self.score is not None:
            day = day_of(self.at_ms)
            facts[f"checks:scored:{day}:{self.user}"] = 1
            facts[f"checks:score:{day}:{self.user}"] = self.score
        return +facts

    def row(self) -> dict[str, Value]:
        """Its row's cells, without what was said."""
        return {
            "schema": SCHEMA,
            "task": self.task,
            "revision": self.revision,
            "state": self.lane.state,
            "tally": as_text(dict(self.lane.tally)),
            "score": -1 if self.score is None else self.score,
            "at_ms": self.at_ms,
        }

    @classmethod
    def of(cls, row: Row, shard: int) -> Check:
        """The check of a row."""
        user, item_id = layout.check_of(row.key)
        revision, known = row.number("revision"), row.number("score")
        tally = json.loads(row.text("tally", "{}"))
        lane = Lane(row.text("state"), "", user, tally) if revision else Lane()  # type: ignore[arg-type]
        return cls(
            item_id=item_id,
            user=user,
            shard=shard,
            task=row.text("task"),
            revision=revision,
            lane=lane,
            score=None if known < 0 else known,
            at_ms=row.number("at_ms"),
            etag=row.etag,
            cells=row.cells,
        )


@dataclass(frozen=True)
class Answered:
    """A check that is about to be answered: the rows to write, and what the counters learn."""

    check: Check
    rows: Sequence[Operation]
    counts: Counter[str]


class Checks(Shards):
    """Reading checks, and answering them."""

    def checks(self, user: str, shard: int, item_ids: Sequence[str]) -> dict[str, Check]:
        """A person's checks of these items in tasks of a shard, in one round trip."""
        places = [(self.partition(shard), layout.check(user, item_id)) for item_id in item_ids]
        rows = self._storage.tables.get_many(layout.ITEMS, places) if places else []
        found = [Check.of(row, shard) for row in rows if row]
        return {check.item_id: check for check in found}

    def _with_checks(
        self, user: str, shard: int, item_ids: Sequence[str]
    ) -> list[tuple[Stored | None, Check | None]]:
        """Items with a person's check of each in tasks of a shard, in one round trip."""
        places = [
            place
            for item_id in item_ids
            for place in (
                (self._home(item_id), layout.truth(item_id)),
                (self.partition(shard), layout.check(user, item_id)),
            )
        ]
        rows = self._storage.tables.get_many(layout.ITEMS, places) if places else []
        return [
            (stored(truth) if truth else None, Check.of(check, shard) if check else None)
            for truth, check in zip(rows[::2], rows[1::2], strict=True)
        ]

    def checks_range(self, user: str, shard: int) -> Range:
        """Where a person's checks of a shard are."""
        return Range(self.partition(shard), *layout.below(layout.checks_of(user)))

    def checks_by(self, user: str) -> list[Check]:
        """All checks of a person, in one round trip for up to 1,000 a shard."""
        shards = range(self.shards)
        pages = self._pages(shards, layout.below(layout.checks_of(user)))
        return [
            Check.of(row, shard) for shard, rows in zip(shards, pages, strict=True) for row in rows
        ]

    def _answered(
        self, check: Stored | None, before: Check, decision: Decision, *, task_id: str
    ) -> Answered:
        """What is kept of an answer to a honeypot.

        Args:
            check: the item as it is now; its labels are what is known.
            before: the check so far.
            decision: what was said.
            task_id: in which task.
        """
        said, now = decision.labeling, max(self._now(), before.at_ms + 1)
        known = check.labeling if check and check.item.honeypot_key else None
        found = score(known.merged(self.merged), said, self.overlap) if known else None
        lane = Lane(said.outcome, "", before.user, said.tally())
        after = replace(
            before,
            task="",
            revision=before.revision + 1,
            lane=lane,
            score=None if found is None else round(1000 * found),
            at_ms=now,
        )
        packed = _packed(said)
        key = layout.check(before.user, before.item_id)
        cells = {**after.row(), **packed}
        rows: list[Operation] = [
            Merge(key, cells, before.etag) if before.etag else Create(key, cells)
        ]
        place = layout.checked(before.user, before.item_id, after.revision)
        rows.append(Create(place, _kept(now, task_id, packed)))
        counts = after.facts()
        if before.etag:
            counts.subtract(before.facts())
        # It is work like any other of theirs, though nothing of the project is done by it.
        again = before.answered and day_of(before.at_ms) == day_of(now)
        counts[day_key(now, before.user)] += not again
        counts[active_key(now, before.user)] += said.active_ms
        return Answered(after, rows, counts)

    def _too_late(self, check: Check, decision: Decision, finished: Finished) -> Operation:
        """Keep late work on a honeypot that the person has answered, or holds, since."""
        said = decision.labeling
        place = layout.checked(check.user, check.item_id, check.revision, said.submission_id)
        return Create(place, _kept(self._now(), finished.task_id, _packed(said)))


def _packed(said: Labeling) -> dict[str, Value]:
    return pack("labels", said.model_dump_json().encode(), limit=MAX_KEPT_BYTES)


def _kept(now: int, task_id: str, packed: Mapping[str, Value]) -> dict[str, Value]:
    return {"schema": SCHEMA, "at_ms": now, "task": task_id, **packed}


def as_answered(item: Item, check: Check) -> Item:
    """A honeypot as the person sees it who answered it."""
    return rules.answered(item, replace(check.lane, task=check.task), check.revision)
