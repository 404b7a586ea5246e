"""The rules of `items.py` hold whatever comes in between, and the proof of it notices when they don't."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import pytest

from dev.prove import Run, ThreadedRun, Violation
from labeling import items as module
from labeling import layout
from labeling.adapters.azure import connect
from labeling.errors import Unavailable
from labeling.items import (
    Decision,
    Item,
    Items,
    Late,
    Stored,
    pack,
)
from labeling.storage import Collision, Create, Delete, Merge, Operation
from tests.conftest import TestStorage


@pytest.mark.parametrize("seed", range(12))
def test_no_interleaving_and_no_kill_breaks_an_invariant(seed: int) -> None:
    report = Run(seed).go(2000, audit_one_in=2)

    assert report.transactions > 50
    assert report.largest <= 100


def test_the_same_seed_gives_the_same_run() -> None:
    assert str(Run(7).go(600)) == str(Run(7).go(600))


@pytest.mark.parametrize("overlap", [1, 2])
def test_no_interleaving_of_threads_breaks_an_invariant(azurite: TestStorage, overlap: int) -> None:
    storage = connect(azurite.connection_string)
    storage.create_all()

    run = ThreadedRun(overlap, storage, project=uuid.uuid4().hex, overlap=overlap)
    report = run.go(4.0)

    assert report.transactions > 20


# Breaking a rule at a time: each must be noticed.

Change = Callable[[Operation], Operation | None]


class Changed(Items):
    """Items whose transactions are changed on their way."""

    def change(self, operations: Sequence[Operation]) -> Sequence[Operation]:
        """What is sent instead."""
        raise NotImplementedError

    def _transact(self, shard: int, operations: Sequence[Operation]) -> None:
        changed = self.change(operations)
        if changed:
            super()._transact(shard, changed)


def _without_etag(operation: Operation) -> Operation:
    return operation if isinstance(operation, Create) else replace(operation, etag=None)


def _ends(operations: Sequence[Operation], *how: str) -> bool:
    """Whether a transaction ends a task in this way."""
    return any(
        isinstance(one, Create) and one.key.startswith("K|") and one.cells["how"] in how
        for one in operations
    )


def _remembers(operations: Sequence[Operation], what: str) -> bool:
    """Whether a transaction writes history of this kind."""
    return any(
        isinstance(one, Create) and one.key.startswith("H|") and one.cells["what"] == what
        for one in operations
    )


class ClaimsLeaveTheQueueRow(Changed):
    def change(self, operations: Sequence[Operation]) -> Sequence[Operation]:
        claims = any(isinstance(o, Create) and o.key.startswith("T|") for o in operations)
        gone = [o for o in operations if isinstance(o, Delete) and o.key.startswith("A|")]
        return [o for o in operations if not claims or o not in gone]


class ClaimsIgnoreTheEtagOfTheQueueRow(Changed):
    def change(self, operations: Sequence[Operation]) -> Sequence[Operation]:
        return [_without_etag(o) if o.key.startswith("A|") else o for o in operations]


class EndsIgnoreTheTaskRow(Changed):
    """Whoever ends a task or a part of it neither deletes its row nor asks for its ETag."""

    def change(self, operations: Sequence[Operation]) -> Sequence[Operation]:
        return [
            _without_etag(o)
            for o in operations
            if not (isinstance(o, Delete) and o.key.startswith("T|") and "|r|" not in o.key)
        ]


class EndsIgnoreTheEtagOfTheTaskRow(Changed):
    """The task row is deleted and changed, but whatever it is by then."""

    def change(self, operations: Sequence[Operation]) -> Sequence[Operation]:
        return [_without_etag(o) if o.key.startswith("T|") else o for o in operations]


class GivingBackIgnoresTheEtagOfTheTruth(Changed):
    def change(self, operations: Sequence[Operation]) -> Sequence[Operation]:
        if not _ends(operations, "expired", "released"):
            return operations
        return [_without_etag(o) if o.key.startswith("I|") else o for o in operations]


class RejectingIgnoresTheEtagOfTheTruth(Changed):
    def change(self, operations: Sequence[Operation]) -> Sequence[Operation]:
        if not _remembers(operations, "rejected"):
            return operations
        return [_without_etag(o) if o.key.startswith("I|") else o for o in operations]


class RejectingForgetsTheCounters(Changed):
    def change(self, operations: Sequence[Operation]) -> Sequence[Operation]:
        if not _remembers(operations, "rejected"):
            return operations
        return [o for o in operations if not o.key.startswith("C|")]


class CompactionInTwoTransactions(Changed):
    def _transact(self, shard: int, operations: Sequence[Operation]) -> None:
        if operations[0].key == layout.COUNTER_BASE:
            Items._transact(self, shard, operations[:1])
            operations = operations[1:]
        Items._transact(self, shard, operations)


class CompactionTakesWhatAnotherTook(Changed):
    """The base is written whatever it is by then, and changes folded by another are folded again."""

    def _transact(self, shard: int, operations: Sequence[Operation]) -> None:
        base, *rest = operations
        while base.key == layout.COUNTER_BASE and isinstance(base, Merge):
            try:
                return Items._transact(self, shard, [_without_etag(base), *rest])
            except Collision as collision:
                rest = [one for one in rest if one.key != collision.key]
        return Items._transact(self, shard, operations)


class RegisteringCountsKnownOnesAgain(Items):
    def register(self, shard: int, found: Sequence[Item], batch: str) -> int:
        known = [one for one in self.read_many([one.item_id for one in found]) if one]
        made = super().register(shard, found, batch)
        if known:
            delta = {"state:available": len(known)}
            key = layout.counter_change(self._now(), module.secrets.token_hex(6))
            self._transact(shard, [Create(key, pack("delta", json.dumps(delta).encode()))])
        return made


class SubmissionsAreNotRemembered(Changed):
    def change(self, operations: Sequence[Operation]) -> Sequence[Operation]:
        return [o for o in operations if not o.key.startswith("S|")]


class SubmissionsWriteNoHistory(Changed):
    def change(self, operations: Sequence[Operation]) -> Sequence[Operation]:
        return [o for o in operations if not o.key.startswith("H|")]


class ExpiredCorrectionsGoToTheQueue(Items):
    def read_many(self, item_ids: Sequence[str]) -> list[Stored | None]:
        """Forget, where a task is given back, that a lane was settled before."""
        found = super().read_many(item_ids)
        return [one and replace(one, item=self._forget(one.item)) for one in found]

    def _forget(self, item: Item) -> Item:
        lanes = tuple(replace(one, state="leased") if one.task else one for one in item.lanes)
        return replace(item, lanes=lanes)


class LateWorkIgnoresWhoHasTheItem(Items):
    """Late work is saved on items that somebody has touched since."""

    def _settle(self, work: Any, old: Item, number: int, *rest: Any, **more: Any) -> None:
        super()._settle(work, old, number, *rest, **more)

    def submit_late(self, finished: Any, decisions: Sequence[Decision], **more: Any) -> Late:
        free = [replace(one, base_revision=None) for one in decisions]
        reading = self.read_many
        self.read_many = lambda ids: [
            one and replace(one, item=replace(one.item, lanes=self._freed(one.item)))
            for one in reading(ids)
        ]
        try:
            return super().submit_late(finished, free, **more)
        finally:
            del self.read_many

    def _freed(self, item: Item) -> Any:
        return tuple(module.Lane() for _ in item.lanes)


class NobodyTellsTheTask(Items):
    """An item is overwritten, flagged or measured under a lease, and the task is not told."""

    def _outdate(self, items: Any) -> list[Operation]:
        return []


class CopiesKeepWhatBecameEmpty(Changed):
    def change(self, operations: Sequence[Operation]) -> Sequence[Operation]:
        return [
            replace(o, cells={k: v for k, v in o.cells.items() if v not in ("", 0)})
            if isinstance(o, Merge) and o.key[:2] in ("A|", "L|", "T|")
            else o
            for o in operations
        ]


class ClaimsWriteNoLabeling(Changed):
    """With overlap, nothing says that the labeler has the item."""

    def change(self, operations: Sequence[Operation]) -> Sequence[Operation]:
        return [o for o in operations if not (isinstance(o, Create) and o.key.startswith("V|"))]


MUTATIONS = [
    ClaimsLeaveTheQueueRow,
    ClaimsIgnoreTheEtagOfTheQueueRow,
    EndsIgnoreTheTaskRow,
    EndsIgnoreTheEtagOfTheTaskRow,
    GivingBackIgnoresTheEtagOfTheTruth,
    RejectingIgnoresTheEtagOfTheTruth,
    RejectingForgetsTheCounters,
    CompactionInTwoTransactions,
    CompactionTakesWhatAnotherTook,
    RegisteringCountsKnownOnesAgain,
    SubmissionsAreNotRemembered,
    SubmissionsWriteNoHistory,
    ExpiredCorrectionsGoToTheQueue,
    NobodyTellsTheTask,
    CopiesKeepWhatBecameEmpty,
    ClaimsWriteNoLabeling,
]


@pytest.mark.parametrize("mutation", MUTATIONS)
def test_a_broken_rule_is_noticed(mutation: type[Items]) -> None:
    with pytest.raises((Violation, Collision, Unavailable, KeyError, ValueError)) as caught:
        for seed in range(40):
            Run(seed, items_of=mutation).go(4000)
    print(mutation.__name__, "seed", seed, repr(caught.value)[:200])
