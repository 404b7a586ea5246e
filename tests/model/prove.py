"""Tries to break the invariants of `labeling/items/`.

    python -m tests.model.prove --seeds 60 --steps 4000

Many requests run at once, and change places at every storage call. Some are killed, before a call or
after its effect; some calls fail, before their effect or after it. After every transaction all that
is kept is compared: queue, listing, tasks and counters with the items, and the items with their
history and with what was answered. The same seed gives the same run. `--threads` uses real ones.
"""

from __future__ import annotations

import argparse
import random
import sys
import time
from collections import Counter
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from threading import Thread
from types import SimpleNamespace
from typing import Any, Literal, cast

from greenlet import getcurrent, greenlet

from dev.azurite import Azurite
from labeling import layout
from labeling.adapters.azure import connect
from labeling.adapters.memory import MemoryClock, memory_storage
from labeling.errors import Unavailable
from labeling.items import leases, rows
from labeling.items.items import Items
from labeling.model import digest_id
from labeling.quality.overlap import Overlap
from labeling.storage import Collision, Operation, Range, Row, Storage, Tables
from tests.model.audit import Auditor
from tests.model.ledger import Ledger, Violation
from tests.model.world import World

PROJECT = "p"
USERS = tuple(f"user{n}" for n in range(6))
LEASES_MS = (10_000, 40_000, 160_000)
AT_ONCE = 10


class Lost(Unavailable):
    """A call that failed because it was told to."""


class Killed(BaseException):
    """The process that ran this request is gone. Not an `Exception`: nothing may catch it."""


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

    def transact(self, table: str, partition: str, operations: Sequence[Operation]) -> list[str]:
        """Do all of it or nothing."""

        def work() -> list[str]:
            try:
                etags = self.tables.transact(table, partition, operations)
            except ValueError as error:  # more than a transaction may hold, or a row twice
                raise Violation(f"storage refuses a transaction: {error}") from error
            self.seen(partition, operations)
            return etags

        return self._call(work)


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


def _overlap(seed: int) -> Overlap:
    """One labeler an image, or two, or three where two disagree; in some runs that changes meanwhile."""
    labelers = 2 if seed % 4 == 3 else 1
    return Overlap(labelers=labelers, most=labelers + (seed % 8 == 7))


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
        overlap: Overlap | None = None,
    ) -> None:
        """Prepare a run.

        Args:
            seed: decides everything: shards, how many label an image, who does what, whether images
                whose answer is known are mixed in or some are for those with a tag, and who dies.
            items_of: what makes `Items`; the place to break a rule.
            tables: where to keep things; in memory when left out.
            project: its name in the tables.
            faults: how often each of four things goes wrong at a call, in [0, 0.25].
            overlap: how many label an image, whatever the seed says.
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
        overlap = overlap or _overlap(seed)
        items = items_of(storage, project, shards=1 + seed % 3, seed="seed", overlap=overlap)
        self._world = World(
            items,
            storage,
            self.random,
            self._ledger,
            lease_ms=self.random.choice(LEASES_MS),
            users=USERS[: self.random.randint(2, 6)],
            eagerness=self.random.choice((6, 24)),
            honeypots=seed % 3 == 2,
            assigned=seed % 5 == 4,
        )
        if seed % 5 == 4:
            self._ledger.rules.clear()
            self._world.assign()
        self._world.discover(self.random.randint(4, 16) * items.shards)
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
                    image
                    for image in self._world.images
                    if self._world.items.shard_of(image.item_id) == shard
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

    modules = [cast(Any, kind) for kind in (leases, rows)]
    before = [module.secrets for module in modules]
    for module in modules:
        module.secrets = SimpleNamespace(token_hex=token_hex)
    try:
        yield
    finally:
        for module, known_before in zip(modules, before, strict=True):
            module.secrets = known_before


class ThreadedRun:
    """The same with real threads, on any storage, for some seconds; audited at the end."""

    def __init__(self, seed: int, storage: Storage, *, project: str, overlap: Overlap) -> None:
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
    parser = argparse.ArgumentParser(prog="python -m tests.model.prove", description=__doc__)
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
        run = ThreadedRun(seed, storage, project=project, overlap=_overlap(seed))
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
