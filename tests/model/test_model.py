"""The rules of items hold whatever comes in between, and the proof of it notices when they don't."""

# pyright: reportUnknownLambdaType=false

from __future__ import annotations

import json
import secrets
import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from labeling import layout
from labeling.adapters.azure import connect
from labeling.adapters.memory import memory_storage
from labeling.annotations.acceptance import Prelabel
from labeling.items import review_rules, rules
from labeling.items.cells import pack
from labeling.items.images import Registered
from labeling.items.items import Items
from labeling.items.records import (
    Decision,
    Item,
    Labeling,
    Lane,
    Late,
    Rendered,
    Stored,
)
from labeling.items.tasks import Finished, QueuedItem, Task
from labeling.layout import Kind, kind_of
from labeling.media.header import Measured
from labeling.quality.overlap import Overlap
from labeling.storage import Collision, Create, Delete, Merge, Operation, Range, Value
from tests.conftest import TestStorage
from tests.model.prove import Run, ThreadedRun, Violation


@pytest.mark.parametrize("seed", range(12))
def test_no_interleaving_and_no_kill_breaks_an_invariant(seed: int) -> None:
    report = Run(seed).go(2000, audit_one_in=2)

    assert report.transactions > 50
    assert report.largest <= 100


@pytest.mark.parametrize("seed", range(6))
def test_three_labelers_an_image_and_more_where_they_disagree_break_none_either(seed: int) -> None:
    report = Run(seed, overlap=Overlap(labelers=3, most=3 + seed % 3)).go(2000, audit_one_in=2)

    assert report.transactions > 50
    assert report.largest <= 100


def test_the_same_seed_gives_the_same_run() -> None:
    assert str(Run(7).go(600)) == str(Run(7).go(600))


@pytest.mark.parametrize("labelers", [1, 2, 3])
def test_no_interleaving_of_threads_breaks_an_invariant(
    azurite: TestStorage, labelers: int
) -> None:
    storage = connect(azurite.connection_string)
    storage.create_all()

    overlap = Overlap(labelers=labelers, most=3 + labelers // 3)
    run = ThreadedRun(labelers, storage, project=uuid.uuid4().hex, overlap=overlap)
    report = run.go(3.0)
    while report.transactions <= 5 and report.steps < 5_000:
        report = run.go(3.0)  # how far it comes says more about the machine

    assert report.transactions > 5


# Breaking a rule at a time: each must be noticed.


class Changed(Items):
    """Items whose transactions are changed on their way."""

    def instead(self, operations: Sequence[Operation]) -> Sequence[Operation]:
        """What is sent instead."""
        raise NotImplementedError

    def _transact(self, shard: int, operations: Sequence[Operation]) -> Sequence[str]:
        changed = self.instead(operations)
        etags = super()._transact(shard, changed) if changed else []
        written = {operation.key: etag for operation, etag in zip(changed, etags, strict=True)}
        return [written.get(operation.key, "") for operation in operations]


def _without_etag(operation: Operation) -> Operation:
    return operation if isinstance(operation, Create) else replace(operation, etag=None)


def _is_task(key: str) -> bool:
    return kind_of(key) is Kind.LABELER and layout.lease_place(key) is not None


def _ends(operations: Sequence[Operation], *how: str) -> bool:
    """Whether a transaction ends a task in this way."""
    return any(
        isinstance(operation, Create)
        and kind_of(operation.key) is Kind.FINISHED
        and operation.cells["how"] in how
        for operation in operations
    )


def _remembers(operations: Sequence[Operation], what: str) -> bool:
    """Whether a transaction writes history of this kind."""
    return any(
        isinstance(operation, Create)
        and kind_of(operation.key) is Kind.HISTORY
        and operation.cells["what"] == what
        for operation in operations
    )


class ClaimsLeaveTheQueueRow(Changed):
    def instead(self, operations: Sequence[Operation]) -> Sequence[Operation]:
        claims = any(isinstance(o, Create) and kind_of(o.key) is Kind.LABELER for o in operations)
        gone = [o for o in operations if isinstance(o, Delete) and kind_of(o.key) is Kind.QUEUED]
        return [o for o in operations if not claims or o not in gone]


class ClaimsIgnoreTheEtagOfTheQueueRow(Changed):
    def instead(self, operations: Sequence[Operation]) -> Sequence[Operation]:
        return [_without_etag(o) if kind_of(o.key) is Kind.QUEUED else o for o in operations]


class EndsIgnoreTheTaskRow(Changed):
    """Whoever ends a task or a part of it neither deletes its row nor asks for its ETag."""

    def instead(self, operations: Sequence[Operation]) -> Sequence[Operation]:
        return [
            _without_etag(o) for o in operations if not (isinstance(o, Delete) and _is_task(o.key))
        ]


class EndsIgnoreTheEtagOfTheTaskRow(Changed):
    """The task row is deleted and changed, but whatever it is by then."""

    def instead(self, operations: Sequence[Operation]) -> Sequence[Operation]:
        return [_without_etag(o) if kind_of(o.key) is Kind.LABELER else o for o in operations]


class GivingBackIgnoresTheEtagOfTheTruth(Changed):
    def instead(self, operations: Sequence[Operation]) -> Sequence[Operation]:
        if not _ends(operations, "expired", "released"):
            return operations
        return [_without_etag(o) if kind_of(o.key) is Kind.TRUTH else o for o in operations]


class GivingBackLeavesTheCheck(Changed):
    def instead(self, operations: Sequence[Operation]) -> Sequence[Operation]:
        return [
            o for o in operations if not isinstance(o, Delete) or kind_of(o.key) is not Kind.CHECK
        ]


class AnswersToHoneypotsAreNotKept(Changed):
    def instead(self, operations: Sequence[Operation]) -> Sequence[Operation]:
        return [o for o in operations if kind_of(o.key) is not Kind.CHECKED]


class ChangedLabelsLeaveTheHoneypot(Changed):
    def instead(self, operations: Sequence[Operation]) -> Sequence[Operation]:
        return [
            o
            for o in operations
            if not isinstance(o, Delete) or kind_of(o.key) is not Kind.HONEYPOT
        ]


class RejectingIgnoresTheEtagOfTheTruth(Changed):
    def instead(self, operations: Sequence[Operation]) -> Sequence[Operation]:
        if not _remembers(operations, "rejected"):
            return operations
        return [_without_etag(o) if kind_of(o.key) is Kind.TRUTH else o for o in operations]


class RejectingForgetsTheCounters(Changed):
    def instead(self, operations: Sequence[Operation]) -> Sequence[Operation]:
        if not _remembers(operations, "rejected"):
            return operations
        return [o for o in operations if kind_of(o.key) is not Kind.COUNTER]


class CompactionInTwoTransactions(Changed):
    def _transact(self, shard: int, operations: Sequence[Operation]) -> Sequence[str]:
        if operations[0].key == layout.COUNTER_BASE:
            Items._transact(self, shard, operations[:1])
            operations = operations[1:]
        return Items._transact(self, shard, operations)


class CompactionTakesWhatAnotherTook(Changed):
    """The base is written whatever it is by then, and changes folded by another are folded again."""

    def _transact(self, shard: int, operations: Sequence[Operation]) -> Sequence[str]:
        base, *rest = operations
        while base.key == layout.COUNTER_BASE and isinstance(base, Merge):
            try:
                return Items._transact(self, shard, [_without_etag(base), *rest])
            except Collision as collision:
                rest = [operation for operation in rest if operation.key != collision.key]
        return Items._transact(self, shard, operations)


class RegisteringCountsKnownOnesAgain(Items):
    def register(self, shard: int, found: Sequence[Item], batch: str) -> Registered:
        known = [stored for stored in self.read_many([item.item_id for item in found]) if stored]
        made = super().register(shard, found, batch)
        if known:
            delta = {"state:available": len(known)}
            key = layout.counter_change(self._now(), secrets.token_hex(6))
            self._transact(shard, [Create(key, pack("delta", json.dumps(delta).encode()))])
        return made


class SubmissionsAreNotRemembered(Changed):
    def instead(self, operations: Sequence[Operation]) -> Sequence[Operation]:
        return [o for o in operations if kind_of(o.key) is not Kind.ANSWER]


class SubmissionsWriteNoHistory(Changed):
    def instead(self, operations: Sequence[Operation]) -> Sequence[Operation]:
        return [o for o in operations if kind_of(o.key) is not Kind.HISTORY]


class NobodyTellsTheTask(Items):
    """An item is overwritten, flagged or measured under a lease, and the task is not told."""

    def _outdate(self, items: Any) -> list[Operation]:
        return []


class CopiesKeepWhatBecameEmpty(Changed):
    def instead(self, operations: Sequence[Operation]) -> Sequence[Operation]:
        return [
            replace(o, cells={k: v for k, v in o.cells.items() if v not in ("", 0)})
            if isinstance(o, Merge) and kind_of(o.key) in (Kind.QUEUED, Kind.LISTED, Kind.LABELER)
            else o
            for o in operations
        ]


class ClaimsWriteNoLabeling(Changed):
    """With overlap, nothing says that the labeler has the item."""

    def instead(self, operations: Sequence[Operation]) -> Sequence[Operation]:
        return [
            o for o in operations if not (isinstance(o, Create) and kind_of(o.key) is Kind.LABELING)
        ]


class OverwritingKeepsTheCopies(Changed):
    """An image is shown as it was before."""

    def instead(self, operations: Sequence[Operation]) -> Sequence[Operation]:
        def kept(cells: Mapping[str, Value]) -> dict[str, Value]:
            forgotten = cells.get("renditions") == ""
            return {k: v for k, v in cells.items() if not (forgotten and k == "renditions")}

        return [replace(o, cells=kept(o.cells)) if isinstance(o, Merge) else o for o in operations]


class CopiesAreNotedWithoutTheEtag(Changed):
    """Noting the copies meets an image that was overwritten in between."""

    def instead(self, operations: Sequence[Operation]) -> Sequence[Operation]:
        notes = any(isinstance(o, Merge) and o.cells.get("renditions") for o in operations)
        return [_without_etag(o) if notes else o for o in operations]


def _suggests(operations: Sequence[Operation]) -> bool:
    """Whether a transaction notes a suggestion."""
    return any(
        isinstance(operation, Create) and kind_of(operation.key) is Kind.PRELABEL
        for operation in operations
    )


class SuggestingIgnoresTheEtagOfTheTruth(Changed):
    def instead(self, operations: Sequence[Operation]) -> Sequence[Operation]:
        if not _suggests(operations):
            return operations
        return [_without_etag(o) if kind_of(o.key) is Kind.TRUTH else o for o in operations]


class SuggestingLeavesTheQueueRow(Changed):
    def instead(self, operations: Sequence[Operation]) -> Sequence[Operation]:
        gone = [o for o in operations if isinstance(o, Delete) and kind_of(o.key) is Kind.QUEUED]
        return [o for o in operations if not _suggests(operations) or o not in gone]


class SuggestionsAreNotKept(Changed):
    """The item says what is suggested now; what others were shown is forgotten."""

    def instead(self, operations: Sequence[Operation]) -> Sequence[Operation]:
        return [o for o in operations if kind_of(o.key) is not Kind.PRELABEL]


class WorkIsComparedWithWhatIsSuggestedNow(Items):
    def shown(self, task: Task | Finished, item_ids: Iterable[str]) -> dict[str, Prelabel]:
        ids = list(item_ids)
        now = {
            stored.item.item_id: stored.item.suggested for stored in self.read_many(ids) if stored
        }
        finished = self.finished(task.user, task.task_id) or Finished(
            task.task_id, task.user, "open", {}, "", 0
        )
        return super().shown(replace(finished, shown=now), ids)


class LateWorkIsComparedWithNothing(Items):
    def shown(self, task: Task | Finished, item_ids: Iterable[str]) -> dict[str, Prelabel]:
        return super().shown(task, item_ids) if isinstance(task, Task) else {}


class OverwrittenImagesKeepWhatWasSuggested(Changed):
    def instead(self, operations: Sequence[Operation]) -> Sequence[Operation]:
        kept = ("suggested", "suggestion")
        return [
            replace(o, cells={k: v for k, v in o.cells.items() if k not in kept})
            if isinstance(o, Merge) and kind_of(o.key) is Kind.TRUTH and "blob_etag" in o.cells
            else o
            for o in operations
        ]


class ClaimsAreOfWhateverWaits(Items):
    """Whoever claims is taken to be one of those that everything is for."""

    def claim(self, *what: Any, **more: Any) -> Task:
        return super().claim(*what, **{**more, "audiences": ("first", "second")})


MUTATIONS = [
    ClaimsAreOfWhateverWaits,
    ClaimsLeaveTheQueueRow,
    ClaimsIgnoreTheEtagOfTheQueueRow,
    EndsIgnoreTheTaskRow,
    EndsIgnoreTheEtagOfTheTaskRow,
    GivingBackIgnoresTheEtagOfTheTruth,
    RejectingIgnoresTheEtagOfTheTruth,
    GivingBackLeavesTheCheck,
    AnswersToHoneypotsAreNotKept,
    ChangedLabelsLeaveTheHoneypot,
    RejectingForgetsTheCounters,
    CompactionInTwoTransactions,
    CompactionTakesWhatAnotherTook,
    RegisteringCountsKnownOnesAgain,
    SubmissionsAreNotRemembered,
    SubmissionsWriteNoHistory,
    NobodyTellsTheTask,
    CopiesKeepWhatBecameEmpty,
    ClaimsWriteNoLabeling,
    OverwritingKeepsTheCopies,
    CopiesAreNotedWithoutTheEtag,
    SuggestingIgnoresTheEtagOfTheTruth,
    SuggestingLeavesTheQueueRow,
    SuggestionsAreNotKept,
    WorkIsComparedWithWhatIsSuggestedNow,
    LateWorkIsComparedWithNothing,
    OverwrittenImagesKeepWhatWasSuggested,
]


@pytest.mark.parametrize("mutation", MUTATIONS)
def test_a_broken_transaction_is_noticed(mutation: type[Items]) -> None:
    with pytest.raises(Violation):
        _run_until_noticed(mutation)


def _settled_without_a_revision(item: Item, *what: Any, **more: Any) -> Item:
    return replace(_settled(item, *what, **more), revision=item.revision)


def _settled_at_no_other_time(item: Item, *what: Any, **more: Any) -> Item:
    return replace(_settled(item, *what, **more), changed_ms=item.changed_ms)


_settled, _overwritten, _suggested = rules.settled, rules.overwritten, rules.suggested
_concluded = rules.concluded
_free = rules.free_for_late_work
_rendered = rules.rendered

BROKEN_RULES: dict[str, tuple[str, Callable[..., Any]]] = {
    "corrections given back go to the queue": (
        "given_back",
        lambda item, lane: item.with_lane(lane, Lane()),
    ),
    "the last run to come wins": ("outdated", lambda item, run: False),
    "a run is shown in the queue of those without": (
        "suggested",
        lambda item, *run: replace(_suggested(item, *run), priority=item.priority),
    ),
    "a submission is no revision": ("settled", _settled_without_a_revision),
    "a submission is at no other time": ("settled", _settled_at_no_other_time),
    "an overwritten image keeps its size": (
        "overwritten",
        lambda item, *blob: replace(_overwritten(item, *blob), width=item.width),
    ),
    "copies are those of any image": (
        "rendered",
        lambda item, made: replace(item, renditions=made.renditions),
    ),
    "damage is that of any image": (
        "rendered",
        lambda item, made: rules.damaged(_rendered(item, made), item.blob_etag, made.damage),
    ),
    "late work is saved whoever works on it now": (
        "free_for_late_work",
        lambda item, lane, **more: (
            (len(item.lanes) == 1 and not item.barred) or _free(item, lane, **more)
        ),
    ),
    "what waits again does so for everybody": (
        "placed",
        lambda old, new, audiences: replace(new, audience=""),
    ),
    "who disagrees is overruled": (
        "concluded",
        lambda item, said, overlap: _concluded(item, replace(said, disputed=False), overlap),
    ),
    "a correction leaves the verdict as it was": (
        "settled",
        lambda item, lane, labeling, **more: replace(
            _settled(item, lane, labeling, **more), judged=item.judged
        ),
    ),
    "what is under correction is sent back": (
        "why_not_reviewed",
        lambda item, revision, states: None if item.state in states else "not_settled",
    ),
}


@pytest.mark.parametrize("what", BROKEN_RULES)
def test_a_broken_rule_is_noticed(what: str, monkeypatch: pytest.MonkeyPatch) -> None:
    name, broken = BROKEN_RULES[what]
    monkeypatch.setattr(review_rules if hasattr(review_rules, name) else rules, name, broken)

    with pytest.raises(Violation):
        _run_until_noticed(Items)


def _run_until_noticed(mutation: type[Items]) -> None:
    for seed in (3, 4, 23, 48, 55, *range(20)):  # 3, 23 and 55 have an overlap of two
        Run(seed, items_of=mutation).go(3000)


# What the proof has found once.


class Shop:
    """One image in a project, to be labeled by so many, and what is kept of it."""

    def __init__(self, labelers: int = 1) -> None:
        self.storage = memory_storage()
        self.items = Items(
            self.storage, "p", shards=1, seed="seed", overlap=Overlap(labelers=labelers)
        )
        image = self.items.new_item("a.jpg", "e1", container="c", size=1, media="image/jpeg")
        self.items.register(0, [image], "batch")
        self.item_id = image.item_id
        self.measure("e1")

    def measure(self, etag: str) -> None:
        self.items.measured(0, {self.item_id: Measured(etag, width=40, height=30)})

    def all_waiting(self) -> list[QueuedItem]:
        rows = self.storage.tables.query(
            layout.ITEMS, Range(self.items.partition(0), *layout.all_of(Kind.QUEUED))
        )
        return [QueuedItem(row) for row in rows]

    def waiting(self, lane: int = 0) -> QueuedItem:
        return next(
            item for item in self.all_waiting() if layout.queue_place(item.row.key).lane == lane
        )

    def take(self, user: str, found: QueuedItem) -> Task:
        task = self.items.claim(user, 0, 0, [found], request_id=uuid.uuid4().hex, lease_ms=1000)
        return self.task(user, task.task_id)

    def task(self, user: str, task_id: str) -> Task:
        task = self.items.task(user, task_id)
        assert task is not None
        return task

    def decide(self, user: str, submission: str) -> Decision:
        labeling = Labeling(
            outcome="needs_review",
            labeler=user,
            saved_at=datetime(2026, 1, 1, tzinfo=UTC),
            classes_version=1,
            submission_id=submission,
        )
        return Decision(self.item_id, None, labeling)

    def submit(self, task: Task) -> None:
        self.items.submit(
            task,
            [self.decide(task.user, "s1")],
            submission_id="s1",
            answer=b"saved",
            digest="digest",
        )

    def listed(self) -> Item:
        [row] = self.storage.tables.query(
            layout.ITEMS, Range(self.items.partition(0), *layout.all_of(Kind.LISTED))
        )
        return Item.of(layout.item_of(row.key), row.cells)

    def truth(self) -> Item:
        stored = self.items.read(self.item_id)
        assert stored is not None
        return stored.item


def test_late_work_on_an_item_one_has_again_in_another_lane_is_superseded() -> None:
    shop = Shop(labelers=2)
    first = shop.take("ada", shop.waiting(lane=0))
    shop.items.give_back(first, "expired")
    shop.take("ada", shop.waiting(lane=1))
    finished = shop.items.finished("ada", first.task_id)
    assert finished is not None

    late = shop.items.submit_late(
        finished,
        [shop.decide("ada", "s1")],
        submission_id="s1",
        digest="digest",
        answer=lambda _: b"",
    )

    assert late == Late(saved=(), superseded=(shop.item_id,))


def test_a_flag_that_is_taken_away_is_gone_from_the_queue_too() -> None:
    shop = Shop()
    shop.items.note_missing(shop.item_id, True)

    shop.items.note_missing(shop.item_id, False)

    assert shop.waiting().item == shop.truth()


def test_an_overwritten_item_that_waits_for_its_labeler_shows_no_old_size() -> None:
    shop = Shop()
    shop.submit(shop.take("ada", shop.waiting()))
    shop.items.reject(
        shop.item_id, by="eve", reason="", to_same_labeler=True, front=False, revision=None
    )

    shop.items.overwritten(shop.item_id, "e2", 2)

    _, [returned] = shop.items.tasks_of("ada", [0])
    assert returned.item == shop.truth()
    assert returned.item.width == 0


def test_an_item_overwritten_under_a_lease_is_listed_as_it_is() -> None:
    shop = Shop()
    task = shop.take("ada", shop.waiting())
    shop.items.overwritten(shop.item_id, "e2", 2)

    with pytest.raises(Collision):
        shop.submit(task)
    shop.submit(shop.task("ada", task.task_id))

    assert shop.listed() == shop.truth()
    assert (shop.listed().flag, shop.listed().blob_etag) == ("overwritten", "e2")


def test_a_flag_on_a_labeled_item_is_listed() -> None:
    shop = Shop()
    shop.submit(shop.take("ada", shop.waiting()))

    shop.items.note_missing(shop.item_id, True)

    assert shop.listed() == shop.truth()


class Torn(Items):
    """Reads items one after the other, and once somebody works in between."""

    between: Callable[[], None] = staticmethod(lambda: None)

    def read_many(self, item_ids: Sequence[str]) -> list[Stored | None]:
        found = [super(Torn, self).read_many([item_id])[0] for item_id in item_ids[:1]]
        work, self.between = self.between, lambda: None
        work()
        return [*found, *super().read_many(item_ids[1:])]


def test_a_task_that_followed_another_between_two_reads_is_told_once() -> None:
    shop = Shop()
    other = shop.items.new_item("b.jpg", "e1", container="c", size=1, media="image/jpeg")
    shop.items.register(0, [other], "batch")
    shop.items.measured(0, {other.item_id: Measured("e1", width=40, height=30)})
    [mine, its] = [
        next(item for item in shop.all_waiting() if item.item.item_id == item_id)
        for item_id in (shop.item_id, other.item_id)
    ]
    first = shop.take("ada", mine)
    torn = Torn(shop.storage, "p", shards=1, seed="seed")

    def follow() -> None:
        shop.items.give_back(first, "released")
        shop.take("ada", its)

    torn.between = follow
    torn.rendered(0, {one: Rendered("e1", "400") for one in (shop.item_id, other.item_id)})

    assert shop.truth().renditions == "400"
