"""The cloud as its documentation describes it: latencies, limits, instances that come when they are needed.

A simulation of discrete events (simpy): whatever works waits for a place on an instance, for its CPU, and for
storage, which refuses what is over its limits until it is asked again.
"""

from __future__ import annotations

import math
import random
from collections import Counter
from collections.abc import Generator, Sequence
from dataclasses import dataclass
from typing import Any

import simpy

from dev.scale.record import Call, Trip, Work

Events = Generator[simpy.Event, Any, Any]


@dataclass(frozen=True)
class Cloud:
    """What is assumed; limits are those of the services' documentation, times are seconds."""

    partition_entities: float = 2_000
    """Entities a second of one table partition."""
    account_requests: float = 20_000
    """Requests a second of one storage account."""
    call_s: float = 0.010
    """Median of a request to storage; a hundredth takes six times as long."""
    call_cpu_s: float = 0.002
    """CPU that the SDK takes for one."""
    cpu_factor: float = 1.0
    """Seconds of an instance's core for a second on the machine that recorded."""
    network_s: float = 0.030
    """Between a browser and an instance, there and back."""
    retry_s: float = 0.8
    """Waited before a refused request is sent again, doubled each time, as the SDK does."""
    instances: int = 40
    """Of each group that scales by itself: HTTP, and the function of each queue."""
    start_s: float = 4.0
    """From the decision for an instance to its first request."""
    http_at_once: int = 16
    """Requests on an instance at the same time (`perInstanceConcurrency`)."""
    messages_at_once: int = 6
    """Messages of a queue on an instance at the same time (`batchSize` and `newBatchThreshold`)."""
    queue_step: int = 4
    """Instances that are added to a queue's function at one decision."""
    queue_decides_s: float = 30.0
    """Between two decisions about a queue's function."""


class Bucket:
    """A limit of so many units a second, a second's worth of which may come at once."""

    def __init__(self, rate: float) -> None:
        self._rate = rate
        self._left = rate
        self._at = 0.0
        self.used = 0.0

    def take(self, now: float, units: float) -> bool:
        """Whether there is room for as many now. What is larger than a second's worth needs all of that."""
        self._left = min(self._rate, self._left + (now - self._at) * self._rate)
        self._at = now
        if self._left < min(units, self._rate):
            return False
        self._left -= units
        self.used += units
        return True


class _Instance:
    def __init__(self, env: simpy.Environment) -> None:
        self.core = simpy.Resource(env, 1)
        self.busy_s = 0.0


class Group:
    """Instances that scale together. `free` holds an entry for each place on one that nobody has."""

    def __init__(self, env: simpy.Environment, cloud: Cloud, at_once: int) -> None:
        self._env = env
        self._cloud = cloud
        self._at_once = at_once
        self._coming = 0
        self.free = simpy.Store(env)
        self.running: list[_Instance] = []
        self._open()

    def _open(self) -> None:
        instance = _Instance(self._env)
        self.running.append(instance)
        for _ in range(self._at_once):
            self.free.put(instance)

    def add(self, wanted: int) -> None:
        """Start as many more, as far as there may be."""
        room = self._cloud.instances - len(self.running) - self._coming
        for _ in range(min(wanted, room)):
            self._coming += 1
            self._env.process(self._start())

    def _start(self) -> Events:
        yield self._env.timeout(self._cloud.start_s)
        self._coming -= 1
        self._open()


class Simulation:
    """Work that is done in the cloud."""

    def __init__(self, cloud: Cloud, seed: int = 0) -> None:
        self.env = simpy.Environment()
        self.cloud = cloud
        self._chance = random.Random(seed)
        self._partitions: dict[str, Bucket] = {}
        self._account = Bucket(cloud.account_requests)
        self._groups: dict[str, Group] = {}
        self._waiting: Counter[str] = Counter()
        self._left = 0
        self._since = 0.0
        self.requests = 0
        self.refused = 0
        self.idle = self.env.event()
        self.ended: dict[str, list[float]] = {}
        """When messages of each queue were done."""
        self.took: dict[str, list[float]] = {}
        """How long requests of each kind took."""

    # Storage.

    def _call(self, call: Call) -> Events:
        """One request, sent again while it is refused."""
        partition = None
        if call.place:
            limit = self.cloud.partition_entities
            partition = self._partitions.setdefault(call.place, Bucket(limit))
        wait = self.cloud.retry_s
        while True:
            self.requests += 1
            yield self.env.timeout(self._chance.lognormvariate(math.log(self.cloud.call_s), 0.77))
            now = self.env.now
            if self._account.take(now, 1) and (
                partition is None or partition.take(now, call.entities)
            ):
                return
            self.refused += 1
            yield self.env.timeout(wait * self._chance.uniform(0.8, 1.2))
            wait *= 2

    def _do(self, work: Work, group: Group) -> Events:
        """All trips of some work on an instance of a group, with its CPU before each."""
        instance = yield group.free.get()
        calls = sum(map(len, work.trips))
        cpu_s = work.cpu_s * self.cloud.cpu_factor + calls * self.cloud.call_cpu_s
        part = cpu_s / (len(work.trips) + 1)
        for trip in [*work.trips, None]:
            with instance.core.request() as core:
                yield core
                yield self.env.timeout(part)
                instance.busy_s += part
            if trip:
                yield from self._trip(trip)
        group.free.put(instance)

    def _trip(self, trip: Trip) -> Events:
        if len(trip) == 1:
            yield from self._call(trip[0])
        else:
            yield self.env.all_of([self.env.process(self._call(call)) for call in trip])

    # Messages.

    def send(self, work: Work, delay_s: float = 0.0) -> None:
        """Put a message on a queue; `idle` happens when it and all that follow from it are done."""
        self._left += 1
        self.env.process(self._message(work, delay_s))

    def _message(self, work: Work, delay_s: float) -> Events:
        yield self.env.timeout(delay_s + self.cloud.call_s)
        group = self._group(work.what)
        self._waiting[work.what] += 1
        yield from self._do(work, group)
        self._waiting[work.what] -= 1
        self.ended.setdefault(work.what, []).append(self.env.now)
        for child, later in work.sends:
            self.send(child, later)
        self._left -= 1
        if not self._left:
            self.idle.succeed()

    def _group(self, queue: str) -> Group:
        if queue not in self._groups:
            self._groups[queue] = Group(self.env, self.cloud, self.cloud.messages_at_once)
            self.env.process(self._scale(queue))
        return self._groups[queue]

    def _scale(self, queue: str) -> Events:
        """Instances by the length of a queue, a few at a time."""
        group = self._groups[queue]
        while True:
            wanted = math.ceil(self._waiting[queue] / self.cloud.messages_at_once)
            more = wanted - len(group.running)
            group.add(min(more, self.cloud.queue_step))
            yield self.env.timeout(self.cloud.queue_decides_s)

    # Requests.

    def request(self, work: Work) -> Events:
        """A request of a browser; how long its answer took is noted."""
        begun = self.env.now
        yield self.env.timeout(self.cloud.network_s / 2)
        group = self._groups.setdefault(
            "http", Group(self.env, self.cloud, self.cloud.http_at_once)
        )
        if len(group.free.items) < self.cloud.http_at_once / 4:
            group.add(1)
        yield from self._do(work, group)
        yield self.env.timeout(self.cloud.network_s / 2)
        self.took.setdefault(work.what, []).append(self.env.now - begun)

    def labeler(self, pages: Sequence[Work], page_s: float) -> Events:
        """Somebody who labels for ever: works on a page, submits it, and gets the next."""
        yield self.env.timeout(self._chance.uniform(0, page_s))
        at = self._chance.randrange(len(pages) // 2) * 2
        while True:
            yield from self.request(pages[at])
            yield self.env.timeout(self._chance.lognormvariate(math.log(page_s), 0.4))
            yield from self.request(pages[at + 1])
            at = (at + 2) % len(pages)

    # What came of it.

    def forget(self) -> None:
        """Count from now on."""
        self._since = self.env.now
        self.requests = self.refused = 0
        self.took.clear()
        for bucket in (*self._partitions.values(), self._account):
            bucket.used = 0.0
        for group in self._groups.values():
            for one in group.running:
                one.busy_s = 0.0

    def bottleneck(self) -> tuple[str, float]:
        """The limit that is nearest to its end, and how much of it was used on average: of the busiest
        partition, of the account, and of the cores of all instances that there may be."""
        past = self.env.now - self._since
        busiest = max((partition.used for partition in self._partitions.values()), default=0.0)
        shares = {
            "a table partition": busiest / (past * self.cloud.partition_entities),
            "the storage account": self._account.used / (past * self.cloud.account_requests),
        }
        for name, group in self._groups.items():
            busy = sum(one.busy_s for one in group.running)
            shares[f"the cores for {name}"] = busy / (past * self.cloud.instances)
        return max(shares.items(), key=lambda one: one[1])

    def instances(self) -> int:
        """Instances that run now."""
        return sum(len(group.running) for group in self._groups.values())
