"""Tries to break the invariants of `labeling/items/items.py`: `python -m dev.prove --seeds 60 --steps 4000`.

Many requests run at once, and change places at every storage call. Some are killed, before a call or
after its effect; some calls fail, before their effect or after it. After every transaction all that
is kept is compared: queue, listing, tasks and counters with the items, and the items with their
history and with what was answered. The same seed gives the same run. `--threads` uses real ones.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from threading import Lock, Thread
from types import SimpleNamespace
from typing import Any, Literal, cast

from greenlet import getcurrent, greenlet

from dev.azurite import Azurite
from labeling import layout
from labeling.adapters.azure import connect
from labeling.adapters.memory import MemoryClock, memory_storage
from labeling.annotations.acceptance import Acceptance, PrelabelAnnotation, encoded, small_copy
from labeling.annotations.shapes import Annotation, Origin
from labeling.errors import Unavailable
from labeling.items import items as items_module
from labeling.items.items import Items, day_key
from labeling.items.records import (
    Decision,
    Finished,
    Item,
    Labeling,
    Late,
    QueuedItem,
    Rendered,
    Task,
    split_tasks,
    unpack,
)
from labeling.items.records import (
    Run as Source,
)
from labeling.items.records import stored as stored_item
from labeling.layout import Kind
from labeling.media.header import Measured
from labeling.model import digest_id, milliseconds
from labeling.storage import Collision, Create, Operation, Range, Row, Storage, Tables

PROJECT = "p"
CONTAINER = "datasets"
PAGE = 4
SLOTS = 3
USERS = tuple(f"user{n}" for n in range(6))
LEASES_MS = (10_000, 40_000, 160_000)
AT_ONCE = 10
OUTCOMES = ("labeled", "labeled", "labeled", "skipped", "needs_review")
SOURCES = tuple(Source(f"run{n}", 1_000 + n % 7) for n in range(14))
"""Runs that suggest labels: two of each moment, and none of them in order."""
ORDER_OF = {one.run_id: one.order for one in SOURCES}
KEPT = (Kind.HISTORY, Kind.ANSWER, Kind.FINISHED, Kind.PRELABEL)
"""What is written once, and stays."""


def suggestion(run_id: str, item: str) -> dict[str, str]:
    """What a run suggests for an image: the class of each annotation. Always the same; one in four none."""
    chance = random.Random(f"{run_id}/{item}")
    count = chance.choice((0, 1, 2, 3)) if chance.random() < 0.9 else 90  # too large for a copy
    return {
        digest_id(run_id, item, str(n)) if count > 3 else f"p{n}": chance.choice("abc")
        for n in range(count)
    }


def suggested(run_id: str, item: str) -> bytes:
    """The same as it is kept."""
    return encoded(
        [
            PrelabelAnnotation(annotation_id=name, class_id=class_id)
            for name, class_id in suggestion(run_id, item).items()
        ]
    )


class Violation(AssertionError):
    """An invariant does not hold."""


class Lost(Unavailable):
    """A call that failed because it was told to."""


class Killed(BaseException):
    """The process that ran this request is gone. Not an `Exception`: nothing may catch it."""


def require(holds: bool, what: str, *facts: object) -> None:
    """Raise a `Violation` unless `holds`."""
    if not holds:
        raise Violation(f"{what}: {', '.join(map(repr, facts))}")


Fate = Literal["go", "lost", "unanswered", "killed after"]


@dataclass
class Watched:
    """Tables whose every call asks first what shall become of it, and whose changes are recorded.

    Several reads at once are several calls here, and other requests come in between.
    """

    tables: Tables
    ask: Callable[[], Fate]
    die: Callable[[], None]
    seen: Callable[[str, Sequence[Operation]], None]

    def _call(self, work: Callable[[], Any]) -> Any:
        fate = self.ask()
        if fate == "lost":
            raise Lost("lost on the way")
        result = work()
        if fate == "unanswered":
            raise Lost("the answer was lost")
        if fate == "killed after":
            self.die()
        return result

    def get(self, table: str, partition: str, key: str) -> Row | None:
        """The row, or None."""
        return self._call(lambda: self.tables.get(table, partition, key))

    def get_many(self, table: str, places: Sequence[tuple[str, str]]) -> list[Row | None]:
        """The rows, one after the other."""
        return [self.get(table, *place) for place in places]

    def query(self, table: str, wanted: Range) -> list[Row]:
        """The first rows of a range."""
        return self._call(lambda: self.tables.query(table, wanted))

    def query_many(self, table: str, wanted: Sequence[Range]) -> list[list[Row]]:
        """Several ranges, one after the other."""
        return [self.query(table, one) for one in wanted]

    def transact(self, table: str, partition: str, operations: Sequence[Operation]) -> None:
        """Do all of it or nothing."""

        def work() -> None:
            try:
                self.tables.transact(table, partition, operations)
            except ValueError as error:  # more than a transaction may hold, or a row twice
                raise Violation(f"storage refuses a transaction: {error}") from error
            self.seen(partition, operations)

        self._call(work)


@dataclass
class Ledger:
    """What was sent, what was answered, and what history says. Kept outside of the storage.

    `at_once`: an answer is compared when it is given; real threads see it before it is noted here.
    """

    at_once: bool = True
    sent: dict[tuple[str, str], dict[str, Decision]] = field(
        default_factory=dict[tuple[str, str], dict[str, Decision]]
    )
    answered: dict[str, tuple[str, Late]] = field(default_factory=dict[str, tuple[str, Late]])
    kept: dict[str, dict[str, str]] = field(default_factory=dict[str, dict[str, str]])
    history: dict[str, dict[str, Create]] = field(
        default_factory=lambda: defaultdict[str, dict[str, Create]](dict)
    )
    done: dict[str, Counter[str]] = field(
        default_factory=lambda: defaultdict[str, Counter[str]](Counter)
    )
    """What the counters say of what was done, and not of what is: by partition."""
    expected: dict[tuple[str, str], dict[str, Labeling]] = field(
        default_factory=dict[tuple[str, str], dict[str, Labeling]]
    )
    """What is to be kept of what was sent: with what it was made from."""
    largest: int = 0
    transactions: int = 0
    lock: Lock = field(default_factory=Lock)

    def saw(self, partition: str, operations: Sequence[Operation]) -> None:
        """Note a transaction that was done."""
        with self.lock:
            self.transactions += 1
            self.largest = max(self.largest, len(operations))
            became: dict[str, dict[str, str]] = defaultdict(dict)
            for operation in operations:
                kind = layout.kind_of(operation.key)
                if kind not in KEPT:
                    continue
                require(isinstance(operation, Create), "changed what is kept", operation.key)
                if kind is Kind.HISTORY and isinstance(operation, Create):
                    self._remember(partition, operation, became)
            for submission, items in became.items():
                require(submission not in self.kept, "saved twice", submission, items)
                self.kept[submission] = items

    def _remember(self, partition: str, row: Create, became: dict[str, dict[str, str]]) -> None:
        item = layout.history_place(row.key).item
        self.history[item][row.key] = row
        what = str(row.cells["what"])
        if what not in ("submitted", "superseded"):
            return
        labels = json.loads(unpack("labels", row.cells))
        became[labels["submission_id"]][item] = what
        if what == "submitted":
            done, by = self.done[partition], str(row.cells["by"])
            done[day_key(int(cast(int, row.cells["at_ms"])), by)] += 1
            if labels["prelabel"] and labels["outcome"] == "labeled":
                for name, count in labels["prelabel"].items():
                    if name != "run_id":
                        done[f"prelabel:{name}:{by}"] += count

    def answer(self, submission: str, digest: str, late: Late) -> None:
        """Note what a labeler was told, which must be what is kept."""
        with self.lock:
            before = self.answered.setdefault(submission, (digest, late))
        require(before == (digest, late), "answered in two ways", submission, before, late)
        if self.at_once:
            self.require_kept(submission)

    def require_kept(self, submission: str) -> None:
        """What was answered is in history, each item once, with the work that was sent."""
        digest, late = self.answered[submission]
        told = dict.fromkeys(late.saved, "submitted") | dict.fromkeys(late.superseded, "superseded")
        require(self.kept.get(submission) == told, "answered, not kept", submission, digest, told)
        sent = self.expected[submission, digest]
        for item in told:
            works = [
                labels
                for row in self.history[item].values()
                if (labels := unpack("labels", row.cells))
                and json.loads(labels)["submission_id"] == submission
            ]
            expected = sent[item].model_dump_json().encode()
            require(works == [expected], "not the work that was sent", submission, item, works)


@dataclass
class World:
    """A project with some labelers, an admin, a camera that uploads, and hosts that die."""

    items: Items
    storage: Storage
    random: random.Random
    ledger: Ledger
    lease_ms: int
    users: Sequence[str]
    eagerness: int = 24
    images: list[Item] = field(default_factory=list[Item])
    etags: dict[str, str] = field(default_factory=dict[str, str])
    tasks: dict[str, list[Task]] = field(default_factory=lambda: defaultdict[str, list[Task]](list))
    again: list[tuple[str, str, str, str]] = field(default_factory=list[tuple[str, str, str, str]])
    counts: Counter[str] = field(default_factory=Counter[str])
    number: int = 0

    def discover(self, count: int) -> None:
        """Give the project images to find."""
        for n in range(count):
            image = self.items.new_item(
                f"image-{n}.jpg", "e0", container=CONTAINER, size=1000 + n, media="image/jpeg"
            )
            self.images.append(image)
            self.etags[image.item_id] = "e0"

    def fresh(self, prefix: str) -> str:
        """A name that was not given before."""
        self.number += 1
        return f"{prefix}{self.number}-{self.random.getrandbits(24):06x}"

    # What may happen next.

    def next(self) -> Callable[[], None]:
        """Something that somebody does now."""
        choices = self._choices()
        names = list(choices)
        name = self.random.choices(names, [choices[name][0] for name in names])[0]
        self.counts[name] += 1
        return choices[name][1]()

    def _choices(self) -> dict[str, tuple[float, Callable[[], Callable[[], None]]]]:
        user, shard = self.random.choice(self.users), self.random.randrange(self.items.shards)
        image = self.random.choice(self.images)
        mine = self.tasks[user][-3:]
        task = self.random.choice(mine) if mine else None

        def repeated() -> Callable[[], None]:
            who, task_id, submission, digest = self.random.choice(self.again[-8:])
            return lambda: self.submit(who, task_id, submission, digest)

        choices: dict[str, tuple[float, Callable[[], Callable[[], None]]]] = {
            "register": (5, lambda: lambda: self.register(shard, self._batch(shard))),
            "measure": (6, lambda: lambda: self.measure(shard)),
            "render": (4, lambda: lambda: self.render(shard)),
            "hand out": (self.eagerness, lambda: lambda: self.hand_out(user, shard)),
            "expire": (6, lambda: lambda: self.expire(shard)),
            "reopen": (6, lambda: lambda: self.reopen(user, shard)),
            "reject": (8, lambda: lambda: self.reject(image.item_id)),
            "prelabel": (10, lambda: lambda: self.prelabel(shard)),
            "overwrite": (4, lambda: lambda: self.overwrite(image.item_id)),
            "flag": (3, lambda: lambda: self.flag(image.item_id)),
            "unreserve": (0.5, lambda: lambda: self.unreserve(user, shard)),
            "compact": (4, lambda: lambda: self.compact(shard)),
        }
        if task:
            choices["submit"] = (24, lambda: self.new_submission(task))
            choices["renew"] = (3, lambda: lambda: self.renew(task))
            choices["release"] = (4, lambda: lambda: self.release(task))
        if self.again:
            choices["submit again"] = (8, repeated)
        return choices

    def _batch(self, shard: int) -> list[Item]:
        here = [one for one in self.images if self.items.shard_of(one.item_id) == shard]
        return self.random.sample(here, min(len(here), 6))

    # What labelers do, as `labeling/tasks/service.py` does it for them.

    def hand_out(self, user: str, shard: int) -> None:
        """Ask for a page."""
        request, avoid = self.fresh("r"), set[str]()
        for _ in range(6):
            tasks, returned = self.items.tasks_of(user, [shard])
            slot = self._free_slot(tasks)
            if slot is None:
                self.tasks[user] += tasks  # as after a reload
                return
            found = returned[:PAGE] or self._look(user, shard, avoid)
            if not found:
                return
            try:
                task = self.items.claim(
                    user, slot, shard, found, request_id=request, lease_ms=self.lease_ms
                )
            except Collision as collision:
                if layout.kind_of(collision.key) is Kind.LABELING:
                    avoid.add(layout.labeling_of(collision.key)[0])
                continue
            self.tasks[user].append(task)
            return

    def _free_slot(self, tasks: Sequence[Task]) -> int | None:
        busy = {task.slot for task in tasks}
        return next((slot for slot in range(SLOTS) if slot not in busy), None)

    def _look(self, user: str, shard: int, avoid: set[str]) -> list[QueuedItem]:
        lane, strict = layout.shard_of(user, self.items.overlap), self.random.random() < 0.7
        partition = self.items.partition(shard)
        first, end = layout.all_of(Kind.QUEUED)
        low = layout.queue_start(self.random.choice("12469"), lane)
        rows = self.storage.tables.query(layout.ITEMS, Range(partition, low, end, 4 * PAGE))
        if not rows:
            rows = self.storage.tables.query(layout.ITEMS, Range(partition, first, end, 4 * PAGE))
        found = {
            layout.item_of(row.key): QueuedItem(row)
            for row in sorted(
                rows, key=lambda row: (layout.queue_place(row.key).lane == lane) is strict
            )
            if layout.item_of(row.key) not in avoid
        }
        at = self.random.randrange(max(1, len(found) - PAGE + 1))
        return list(found.values())[at : at + PAGE]

    def new_submission(self, task: Task) -> Callable[[], None]:
        """Work on a task, whole or in part; now and then under an id that was used before."""
        submission = self.fresh("s")
        used = [one[2] for one in self.again[-20:] if one[1] == task.task_id]
        if used and self.random.random() < 0.1:
            submission = self.random.choice(used)
        wanted = list(task.everything)
        if self.random.random() < 0.35:
            wanted = self.random.sample(wanted, self.random.randint(1, len(wanted)))
        elif self.random.random() < 0.8:
            self.tasks[task.user].remove(task)
        revisions = {one.item.item_id: one.item.revision for one in task.held}
        decisions: dict[str, Decision] = {}
        expected: dict[str, Labeling] = {}
        for item in wanted:
            labeling, expected[item] = self._label(item, task, submission)
            base = self.random.choice((None, revisions.get(item)))
            decisions[item] = Decision(item, base, labeling)
        digest = digest_id(*(repr(decision) for decision in decisions.values()))
        self.ledger.sent[submission, digest] = decisions
        self.ledger.expected[submission, digest] = expected
        self.again.append((task.user, task.task_id, submission, digest))
        return lambda: self.submit(task.user, task.task_id, submission, digest)

    def _label(self, item: str, task: Task, submission: str) -> tuple[Labeling, Labeling]:
        """Work on an image: what is sent, and what is to be kept of it.

        A suggestion the page shows is kept, changed or left out, in good faith or with false claims. There is
        no class `x` among the suggestions, so that what is added equals none of them.
        """
        run_id = task.shown.get(item)
        self.counts["suggested"] += bool(run_id)
        outcome = self.random.choice(OUTCOMES)
        sent: list[Annotation] = []
        kept: list[Annotation] = []
        became = Counter({"accepted": 0, "changed": 0, "removed": 0, "added": 0})
        shown = suggestion(run_id, item).items() if run_id else ()
        for name, class_id in shown:
            fate = self.random.choice(("accepted", "changed", "removed"))
            fate = "removed" if outcome == "skipped" else fate
            became[fate] += 1
            if fate == "removed":
                continue
            made = Annotation(
                annotation_id=f"of-{name}"[:64], class_id=class_id if fate == "accepted" else "x"
            )
            claim = Origin(prelabel=name, changed=self.random.random() < 0.5)
            truth = Origin(prelabel=name, run_id=run_id, changed=fate == "changed")
            sent.append(made.model_copy(update={"origin": claim}))
            kept.append(made.model_copy(update={"origin": truth}))
        for n in range(self.random.randint(0 if sent else 1, 2) if outcome != "skipped" else 0):
            made = Annotation(annotation_id=f"{n}", class_id="x")
            claim = Origin(prelabel="of-nobody") if self.random.random() < 0.2 else None
            sent.append(made.model_copy(update={"origin": claim}))
            kept.append(made)
            became["added"] += 1
        labeling = Labeling(
            outcome=cast(Any, outcome),
            annotations=sent,
            labeler=task.user,
            saved_at=self.storage.clock.now(),
            classes_version=1,
            submission_id=submission,
        )
        acceptance = Acceptance(run_id=run_id, **became) if run_id else None
        return labeling, labeling.model_copy(update={"annotations": kept, "prelabel": acceptance})

    def submit(self, user: str, task_id: str, submission: str, digest: str) -> None:
        """Send a submission, for the first time or again."""
        decisions = self.ledger.sent[submission, digest]
        for _ in range(20):
            task = self.items.task(user, task_id)
            try:
                if task is None:
                    if self._answered_before(user, task_id, submission, digest):
                        return
                    self._submit_late(user, task_id, submission, digest)
                    return
                held = {one.item.item_id for one in task.held}
                open_ones = [one for one in decisions.values() if one.item_id in held]
                if not open_ones:
                    known = self._answered_before(user, task_id, submission, digest)
                    require(
                        known or submission not in self.ledger.answered,
                        "accepted work was refused",
                        submission,
                    )
                    return
                late = Late(tuple(one.item_id for one in open_ones), ())
                self.items.submit(
                    task,
                    open_ones,
                    submission_id=submission,
                    answer=_encoded(late),
                    digest=digest,
                )
            except Collision as collision:
                saved = layout.kind_of(collision.key) is Kind.ANSWER
                if saved and self._answered_before(user, task_id, submission, digest):
                    return
                continue
            self.ledger.answer(submission, digest, late)
            self.counts["saved"] += 1
            return

    def _answered_before(self, user: str, task_id: str, submission: str, digest: str) -> bool:
        before = self.items.answer(user, task_id, submission)
        if before is None:
            return False
        if before[0] == digest:
            saved, superseded = json.loads(before[1])
            self.ledger.answer(submission, digest, Late(tuple(saved), tuple(superseded)))
            self.counts["answered again"] += 1
        return True

    def _submit_late(self, user: str, task_id: str, submission: str, digest: str) -> None:
        finished = self.items.finished(user, task_id)
        require(finished is not None, "a task is neither open nor over", user, task_id)
        late = self.items.submit_late(
            cast(Finished, finished),
            list(self.ledger.sent[submission, digest].values()),
            submission_id=submission,
            digest=digest,
            answer=_encoded,
        )
        self.ledger.answer(submission, digest, late)
        self.counts["saved late"] += len(late.saved)
        self.counts["superseded"] += len(late.superseded)

    def renew(self, task: Task) -> None:
        """Hold a task longer."""
        current = self.items.task(task.user, task.task_id)
        if current:
            until = milliseconds(self.storage.clock.now()) + self.lease_ms
            self.items.renew(current, until, drafted=self.random.random() < 0.5)

    def release(self, task: Task) -> None:
        """Give items back, all or some."""
        current = self.items.task(task.user, task.task_id)
        if not current:
            return
        named = None
        if self.random.random() < 0.4:
            named = [one.item.item_id for one in current.held[: self.random.randint(1, PAGE)]]
        self.items.give_back(current, "released", named)

    def reopen(self, user: str, shard: int) -> None:
        """Correct my own work."""
        done = layout.below(layout.finished(user, ""))
        rows = self.storage.tables.query(layout.ITEMS, Range(self.items.partition(shard), *done, 5))
        tasks, _ = self.items.tasks_of(user, [shard])
        slot = self._free_slot(tasks)
        if slot is None or not rows:
            return
        finished = Finished.of(self.random.choice(rows))
        task = self.items.reopen(
            user,
            slot,
            shard,
            list(finished.items),
            request_id=self.fresh("r"),
            lease_ms=self.lease_ms,
        )
        if task:
            self.tasks[user].append(task)

    # What others do.

    def register(self, shard: int, found: Sequence[Item]) -> None:
        """Find images; a batch may come twice, and share images with others."""
        if not found:
            return
        batch = f"b{self.random.randrange(40)}"
        mine = self.items.register(shard, found, batch)
        rows = self.storage.tables.get_many(
            layout.ITEMS,
            [(self.items.partition(shard), layout.truth(one.item_id)) for one in found],
        )
        of_batch = sum(1 for row in rows if row and row.text("batch") == batch)
        require(mine == of_batch, "not the number of a batch", batch, mine, of_batch)

    def measure(self, shard: int) -> None:
        """Measure images, of which some can't be read."""
        results = {
            one.item_id: Measured(self.etags[one.item_id], problem="not an image")
            if self.random.random() < 0.1
            else Measured(self.etags[one.item_id], self.random.randint(1, 99), 20)
            for one in self._batch(shard)
        }
        self.items.measured(shard, results)

    def render(self, shard: int) -> None:
        """Make smaller copies of images, some too late: of what they were before they were overwritten."""
        made = {
            one.item_id: self.etags[one.item_id] if self.random.random() < 0.9 else "e0"
            for one in self._batch(shard)
        }
        self.items.rendered(
            shard, {item: Rendered(etag, copies_of(etag)) for item, etag in made.items()}
        )

    def expire(self, shard: int) -> None:
        """Give back what was held too long."""
        now = milliseconds(self.storage.clock.now())
        for task in self.items.open_tasks([shard]):
            if task.until_ms < now:
                try:
                    self.items.give_back(task, "expired")
                except Collision:
                    continue

    def reject(self, item: str) -> None:
        """Send an image back to be labeled again."""
        one = self.items.read(item)
        if one:
            self.items.reject(
                item,
                by="admin",
                reason="look again",
                to_same_labeler=self.random.random() < 0.5,
                front=self.random.random() < 0.5,
                revision=self.random.choice((None, one.item.revision)),
            )

    def prelabel(self, shard: int) -> None:
        """Suggest labels, by a run that may be older than others, and may say so again."""
        run = self.random.choice(SOURCES)
        ids = [one.item_id for one in self._batch(shard)]
        became = self.items.suggest(
            shard, run, {one: suggested(run.run_id, one) for one in ids}, by="model"
        )
        self.counts["prelabeled"] += sum(one == "saved" for one in became.values())
        require("contradicts" not in became.values(), "the same was said", run, became)

    def overwrite(self, item: str) -> None:
        """Upload other content under the same name."""
        self.etags[item] = self.fresh("e")
        self.items.overwritten(item, self.etags[item], self.random.randint(1, 9999))

    def flag(self, item: str) -> None:
        """Lose an image, or find it again."""
        self.items.flag(item, self.random.choice(("missing", "")))

    def unreserve(self, user: str, shard: int) -> None:
        """Give others what was returned to somebody."""
        self.items.unreserve(user, shard)

    def compact(self, shard: int) -> None:
        """Fold the counters of a shard."""
        self.items.compact(shard)


def copies_of(etag: str) -> str:
    """What stands for the copies of one version of an image, so that they can be told apart."""
    return f"of {etag}"


def _encoded(late: Late) -> bytes:
    return json.dumps([late.saved, late.superseded]).encode()


class Auditor:
    """Compares everything that is kept in a shard."""

    def __init__(self, items: Items, tables: Tables, ledger: Ledger) -> None:
        self._items = items
        self._storage = Storage(
            tables, cast(Any, None), cast(Any, None), cast(Any, None), random.random
        )
        self._ledger = ledger
        self._deltas: dict[tuple[str, str], Mapping[str, int]] = {}

    def _rows(self, shard: int, kind: Kind) -> dict[str, Row]:
        wanted = Range(self._items.partition(shard), *layout.all_of(kind))
        return {row.key: row for row in self._storage.rows(layout.ITEMS, wanted)}

    def shard(self, shard: int) -> None:
        """Audit a shard.

        Raises:
            Violation: something does not fit.
        """
        truths = {
            layout.item_of(key): stored_item(row)
            for key, row in self._rows(shard, Kind.TRUTH).items()
        }
        items = {item_id: one.item for item_id, one in truths.items()}
        for item in items.values():
            fit = ("", copies_of(item.blob_etag))
            require(item.renditions in fit, "copies of another version", item)
        leases = self._rows(shard, Kind.LABELER)
        tasks, returned = split_tasks(leases.values(), shard)
        self._queue(
            items, [*self._rows(shard, Kind.QUEUED).values(), *(one.row for one in returned)]
        )
        self._tasks(items, tasks)
        self._listing(items, self._rows(shard, Kind.LISTED))
        self._flags(items, self._rows(shard, Kind.FLAG))
        self._labelings(items, self._rows(shard, Kind.LABELING))
        prelabels = self._rows(shard, Kind.PRELABEL)
        for item_id, one in truths.items():
            self._prelabels(one.item, [row for key, row in prelabels.items() if item_id in key])
            self._history(item_id, one.item, unpack("labels", one.cells))
        self._counters(shard, items, self._rows(shard, Kind.COUNTER))

    def _queue(self, items: Mapping[str, Item], rows: Sequence[Row]) -> None:
        wanted = {key: item for item in items.values() for key in item.queue_keys().values()}
        found = {row.key: row for row in rows}
        require(found.keys() == wanted.keys(), "queue", found.keys() ^ wanted.keys())
        for key, row in found.items():
            copy = QueuedItem(row).item
            require(copy == wanted[key], "copy in the queue", copy, wanted[key])

    def _tasks(self, items: Mapping[str, Item], tasks: Sequence[Task]) -> None:
        held: dict[tuple[str, int], str] = {}
        for task in tasks:
            require(bool(task.held), "task of nothing", task.task_id)
            for one in task.held:
                place = one.item.item_id, one.lane
                require(place not in held, "leased twice", place)
                held[place] = task.task_id
                item = items[one.item.item_id]
                lane = item.lanes[one.lane]
                require(
                    (lane.task, lane.labeler) == (task.task_id, task.user),
                    "task and item",
                    task.task_id,
                    item,
                )
                require(task.everything.get(item.item_id) == one.lane, "items of task", task)
                shown = one.item.suggested if lane.state == "leased" else ""
                require(task.shown.get(item.item_id, "") == shown, "shown by the task", task)
                if self._items.overlap == 1 and lane.state == "leased" and not task.stale:
                    require(one.item == item, "copy in the task", one.item, item)
        wanted = {
            (item_id, number): lane.task
            for item_id, item in items.items()
            for number, lane in enumerate(item.lanes)
            if lane.task
        }
        require(held == wanted, "leases", held.items() ^ wanted.items())
        for item in items.values():
            leased = [lane for lane in item.lanes if lane.state == "leased"]
            require(all(lane.task for lane in leased), "leased to no task", item)
            people = [lane.labeler for lane in item.lanes if lane.state != "available"]
            require(len(people) == len(set(people)), "twice to the same labeler", item)

    def _prelabels(self, item: Item, rows: Sequence[Row]) -> None:
        """What was suggested for an item is kept, and the newest of it stands, as long as it may."""
        said: dict[str, Row] = {}
        for row in rows:
            _, run_id = layout.prelabel_of(row.key)
            said[ORDER_OF[run_id]] = row
            data = unpack("suggestion", row.cells)
            require(data == suggested(run_id, item.item_id), "not what was suggested", row.key)
        newest = max(said, default="")
        require(item.newest_run == newest, "not the newest run", item, sorted(said))
        stands = newest and self._stands(item, said[newest])
        wanted = layout.prelabel_of(said[newest].key)[1] if stands else ""
        # With overlap it may have been settled in all lanes, and been returned, in between.
        since = newest and item.revision > said[newest].number("revision")
        if self._items.overlap > 1 and since and not item.suggested:
            wanted = ""
        require(item.suggested == wanted, "not the newest suggestion", item, sorted(said))
        copy = small_copy(suggested(wanted, item.item_id)) if wanted else ""
        require(item.suggestion == copy, "copy of a suggestion", item)
        if item.state in ("available", "leased") and item.priority != layout.FRONT:
            queue = (
                layout.UNMEASURED
                if not item.width
                else layout.PRELABELED
                if wanted
                else layout.MANUAL
            )
            require(item.priority == queue, "in the wrong queue", item, queue)

    def _stands(self, item: Item, row: Row) -> bool:
        """Whether a suggestion that was the newest must be there still: nothing happened to its image."""
        same_image = item.blob_etag == row.text("blob_etag")
        touched = item.state not in ("available", "leased", "unreadable") or bool(item.returned)
        return bool(row.number("suggestion")) and same_image and not touched

    def _listing(self, items: Mapping[str, Item], rows: Mapping[str, Row]) -> None:
        wanted = {item.listing: item for item in items.values() if item.listing}
        require(rows.keys() == wanted.keys(), "listing", rows.keys() ^ wanted.keys())
        for key, row in rows.items():
            copy = Item.of(layout.item_of(key), row.cells)
            require(copy == wanted[key], "copy in the listing", copy, wanted[key])

    def _flags(self, items: Mapping[str, Item], rows: Mapping[str, Row]) -> None:
        wanted = {layout.flagged(one.item_id): one.flag for one in items.values() if one.flag}
        found = {key: row.text("flag") for key, row in rows.items()}
        require(found == wanted, "flags", found.items() ^ wanted.items())

    def _labelings(self, items: Mapping[str, Item], rows: Mapping[str, Row]) -> None:
        wanted: dict[str, tuple[int, str]] = {}
        if self._items.overlap > 1:
            wanted = {
                layout.labeling(item_id, lane.labeler): (
                    number,
                    lane.task if lane.state == "leased" else "",
                )
                for item_id, item in items.items()
                for number, lane in enumerate(item.lanes)
                if lane.state != "available"
            }
        found = {key: (row.number("lane"), row.text("task")) for key, row in rows.items()}
        require(found == wanted, "labelings", found.items() ^ wanted.items())
        for key, row in rows.items():
            if not row.text("task"):
                item_id, user = layout.labeling_of(key)
                last = self._last_submitted(item_id, user)
                require(unpack("labels", row.cells) == last, "labels of a labeling", key)

    def _history(self, item_id: str, item: Item, labels: bytes) -> None:
        rows = self._ledger.history[item_id]
        wanted = {layout.history(item_id, n) for n in range(1, item.revision + 1)}
        found = {key for key in rows if not layout.history_place(key).submission}
        require(found == wanted, "history", item_id, found ^ wanted)
        require(labels == self._last_submitted(item_id), "labels", item_id)
        times = [int(cast(int, rows[key].cells["at_ms"])) for key in sorted(found)]
        require(times == sorted(set(times)), "time goes back", item_id, times)

    def _last_submitted(self, item_id: str, user: str | None = None) -> bytes:
        rows = [
            (key, row)
            for key, row in self._ledger.history[item_id].items()
            if row.cells["what"] == "submitted" and user in (None, row.cells["by"])
        ]
        return unpack("labels", max(rows)[1].cells) if rows else b""

    def _counters(self, shard: int, items: Mapping[str, Item], rows: Mapping[str, Row]) -> None:
        found: Counter[str] = Counter()
        for row in rows.values():
            known = self._deltas.get((row.key, row.etag))
            if known is None:
                known = json.loads(unpack("delta", row.cells))
                self._deltas[row.key, row.etag] = known
            found.update(known)
        wanted: Counter[str] = Counter(self._ledger.done[self._items.partition(shard)])
        for item in items.values():
            wanted.update(item.facts())
        found = Counter({name: count for name, count in found.items() if count})
        wanted = Counter({name: count for name, count in wanted.items() if count})
        require(found == wanted, "counters", shard, found.items() ^ wanted.items())

    def all(self) -> None:
        """Audit all shards, and that history and everything answered are there still.

        Raises:
            Violation: something does not fit.
        """
        written = {key: row for rows in self._ledger.history.values() for key, row in rows.items()}
        stored: dict[str, Row] = {}
        for shard in range(self._items.shards):
            self.shard(shard)
            stored |= self._rows(shard, Kind.HISTORY)
        require(stored.keys() == written.keys(), "history", stored.keys() ^ written.keys())
        for key, row in stored.items():
            require(dict(row.cells) == dict(written[key].cells), "history was changed", key)
        for submission in self._ledger.answered:
            self._ledger.require_kept(submission)


@dataclass
class Report:
    """What a run did."""

    steps: int = 0
    transactions: int = 0
    largest: int = 0
    fates: Counter[str] = field(default_factory=Counter[str])
    counts: Counter[str] = field(default_factory=Counter[str])

    def add(self, other: Report) -> None:
        """Sum two runs."""
        self.steps += other.steps
        self.transactions += other.transactions
        self.largest = max(self.largest, other.largest)
        self.fates.update(other.fates)
        self.counts.update(other.counts)

    def __str__(self) -> str:
        fates = ", ".join(f"{count:,} {name}" for name, count in sorted(self.fates.items()))
        counts = ", ".join(f"{name} {count:,}" for name, count in sorted(self.counts.items()))
        return (
            f"{self.steps:,} storage calls, {self.transactions:,} transactions done "
            f"(at most {self.largest} operations); {fates}\n{counts}"
        )


ItemsOf = Callable[..., Items]


@dataclass
class _Clocks:
    """The clocks of many hosts: they differ by seconds. To wait is to let others go on."""

    clock: MemoryClock
    random: random.Random
    nap: Callable[[], None]

    def now(self) -> datetime:
        """The time on one of them."""
        return self.clock.now() + timedelta(milliseconds=self.random.randint(-1500, 1500))

    def sleep(self, seconds: float) -> None:
        """Let others go on."""
        self.nap()


class Run:
    """One run on one seed: requests as greenlets, and a scheduler that decides about each call."""

    def __init__(
        self,
        seed: int,
        *,
        items_of: ItemsOf = Items,
        tables: Tables | None = None,
        project: str = PROJECT,
        faults: float = 0.01,
    ) -> None:
        """Prepare a run.

        Args:
            seed: decides everything: shards, overlap, who does what, and who dies.
            items_of: what makes `Items`; the place to break a rule.
            tables: where to keep things; in memory when left out.
            project: its name in the tables.
            faults: how often each of four things goes wrong at a call, in [0, 0.25].
        """
        self.random = random.Random(seed)
        self.report = Report()
        self._faults = faults
        self._hub = getcurrent()
        self._live: list[greenlet] = []
        self._changed: set[str] = set()
        self._ledger = Ledger()
        inner = tables or memory_storage().tables
        self._clock = MemoryClock()
        storage = Storage(
            tables=Watched(inner, self._ask, self._die, self._saw),
            blobs=cast(Any, None),
            queues=cast(Any, None),
            clock=_Clocks(self._clock, self.random, self._nap),
            random=self.random.random,
        )
        shards, overlap = 1 + seed % 3, 2 if seed % 4 == 3 else 1
        items = items_of(storage, project, shards=shards, seed="seed", overlap=overlap)
        self._world = World(
            items,
            storage,
            self.random,
            self._ledger,
            lease_ms=self.random.choice(LEASES_MS),
            users=USERS[: self.random.randint(2, 6)],
            eagerness=self.random.choice((6, 24)),
        )
        self._world.discover(self.random.randint(4, 16) * shards)
        self._auditor = Auditor(items, inner, self._ledger)

    def _ask(self) -> Fate:
        """Called by a request before a storage call: wait for one's turn and learn one's fate."""
        return self._hub.switch() if getcurrent() is not self._hub else "go"

    def _die(self) -> None:
        self._hub.switch("dead")

    def _nap(self) -> None:
        self._hub.switch()

    def _saw(self, partition: str, operations: Sequence[Operation]) -> None:
        self._ledger.saw(partition, operations)
        self._changed.add(partition)

    def go(self, steps: int, *, audit_one_in: int = 1) -> Report:
        """Do so many storage calls, and audit after each transaction, or one in `audit_one_in`.

        Raises:
            Violation: an invariant was broken.
        """
        with _known_random(self.random):
            for shard in range(self._world.items.shards):
                here = [
                    one
                    for one in self._world.images
                    if self._world.items.shard_of(one.item_id) == shard
                ]
                if here[: len(here) // 2]:
                    self._world.items.register(shard, here[: len(here) // 2], "b0")
            for _ in range(steps):
                self._step()
                if self._changed and self.random.random() * audit_one_in < 1:
                    self._audit()
            self._live.clear()
        self._auditor.all()
        self.report.steps = steps
        self.report.transactions = self._ledger.transactions
        self.report.largest = self._ledger.largest
        self.report.counts.update(self._world.counts)
        return self.report

    def _audit(self) -> None:
        for partition in self._changed:
            self._auditor.shard(layout.shard_of_partition(partition))
        self._changed.clear()

    def _step(self) -> None:
        self._clock.at += timedelta(milliseconds=self.random.randint(0, 700))
        while len(self._live) < AT_ONCE:
            work = self._world.next()
            request = greenlet(_expected(work))
            request.switch()
            if not request.dead:
                self._live.append(request)
        at = self.random.randrange(len(self._live))
        chance = self.random.random() / self._faults
        if chance < 1:
            self.report.fates["killed before"] += 1
            del self._live[at]  # nobody will ever resume it
            return
        fates: tuple[Fate, ...] = ("killed after", "lost", "unanswered")
        fate = fates[int(chance) - 1] if chance < 4 else "go"
        if fate != "go":
            self.report.fates[fate] += 1
        request = self._live[at]
        if request.switch(fate) == "dead" or request.dead:
            del self._live[at]


def _expected(work: Callable[[], None]) -> Callable[[], None]:
    """What a request does, with the failures that its caller may see."""

    def run() -> None:
        try:
            work()
        except (Lost, Collision):
            return  # the caller is told to try again, or that somebody was first

    return run


@contextmanager
def _known_random(known: random.Random) -> Generator[None]:
    """Make the random parts of ids known, so that a run can be repeated."""

    def token_hex(size: int) -> str:
        return f"{known.getrandbits(8 * size):0{2 * size}x}"

    module = cast(Any, items_module)
    before = module.secrets
    module.secrets = SimpleNamespace(token_hex=token_hex)
    try:
        yield
    finally:
        module.secrets = before


class ThreadedRun:
    """The same with real threads, on any storage, for some seconds; audited at the end."""

    def __init__(self, seed: int, storage: Storage, *, project: str, overlap: int = 1) -> None:
        self.report = Report()
        self._storage = storage
        self._random = random.Random(seed)
        self._ledger = Ledger(at_once=False)
        self._failures: list[BaseException] = []
        watched = replace(
            storage, tables=Watched(storage.tables, self._ask, self._die, self._ledger.saw)
        )
        items = Items(watched, project, shards=2, seed="seed", overlap=overlap)
        self._world = World(items, watched, self._random, self._ledger, 1000, USERS)
        self._world.discover(24)
        self._auditor = Auditor(items, storage.tables, self._ledger)

    def _ask(self) -> Fate:
        self.report.steps += 1
        chance = self._random.random()
        if chance > 0.02:
            return "go"
        if chance < 0.005:
            self.report.fates["killed before"] += 1
            raise Killed
        fates: tuple[Fate, ...] = ("killed after", "lost", "unanswered")
        fate = fates[int(chance / 0.005) - 1] if chance < 0.02 else "go"
        self.report.fates[fate] += 1
        return fate

    def _die(self) -> None:
        raise Killed

    def go(self, seconds: float, threads: int = 8) -> Report:
        """Let threads work for a while.

        Raises:
            Violation: an invariant was broken.
        """
        until = time.monotonic() + seconds
        workers = [Thread(target=self._work, args=(until,)) for _ in range(threads)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
        if self._failures:
            raise self._failures[0]
        self._auditor.all()
        self.report.transactions = self._ledger.transactions
        self.report.largest = self._ledger.largest
        self.report.counts.update(self._world.counts)
        return self.report

    def _work(self, until: float) -> None:
        while time.monotonic() < until and not self._failures:
            work = self._world.next()
            try:
                _expected(work)()
            except Killed:
                continue
            except BaseException as failure:
                self._failures.append(failure)


def main(arguments: Sequence[str] | None = None) -> int:
    """The command. 0 when no invariant was broken."""
    parser = argparse.ArgumentParser(prog="python -m dev.prove", description=__doc__)
    parser.add_argument("--seeds", type=int, default=60, help="how many runs")
    parser.add_argument("--first", type=int, default=0, help="the seed of the first")
    parser.add_argument("--steps", type=int, default=4000, help="storage calls of a run")
    parser.add_argument("--store", choices=("memory", "azurite"), default="memory")
    parser.add_argument("--threads", type=int, default=0, help="real ones, instead of a scheduler")
    parser.add_argument("--seconds", type=float, default=20, help="of a run with threads")
    options = parser.parse_args(arguments)
    total, started = Report(), time.monotonic()
    with _storages(options.store) as make:
        for seed in range(options.first, options.first + options.seeds):
            try:
                total.add(_one(seed, make(), options))
            except Exception as failure:
                print(f"seed {seed}: {type(failure).__name__}: {failure}", flush=True)
                return 1
    print(f"no violation in {time.monotonic() - started:.0f} s: {total}")
    return 0


def _one(seed: int, storage: Storage, options: argparse.Namespace) -> Report:
    project = digest_id(str(time.time_ns()), length=8)
    if options.threads:
        overlap = 2 if seed % 4 == 3 else 1
        run = ThreadedRun(seed, storage, project=project, overlap=overlap)
        return run.go(options.seconds, options.threads)
    one_in = 1 if options.store == "memory" else 25
    return Run(seed, tables=storage.tables, project=project).go(options.steps, audit_one_in=one_in)


@contextmanager
def _storages(store: str) -> Generator[Callable[[], Storage]]:
    if store == "memory":
        yield memory_storage
        return
    with Azurite.start(name="azurite-prove") as emulator:
        storage = connect(emulator.connection_string)
        storage.create_all()
        yield lambda: storage


if __name__ == "__main__":
    sys.exit(main())
