"""Counts requests to the storage services: budgets are given in calls, not in seconds.

A request counts when it is sent, so one that is sent again counts again.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from threading import Lock
from typing import Any, Literal

from azure.core.pipeline import PipelineRequest
from azure.core.pipeline.policies import SansIOHTTPPolicy

Service = Literal["table", "blob", "queue"]


class Calls:
    """How many requests went to each service. Threads may count at once."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._counts: Counter[Service] = Counter()
        self.lost_races = 0
        """Transactions that found somebody else's writing."""

    def add(self, service: Service) -> None:
        """Count one request."""
        with self._lock:
            self._counts[service] += 1

    def add_lost_race(self) -> None:
        """Count one transaction that somebody else was ahead of."""
        with self._lock:
            self.lost_races += 1

    def __getitem__(self, service: Service) -> int:
        return self._counts[service]

    @property
    def by_service(self) -> Mapping[Service, int]:
        """Requests to each service that was asked at all."""
        return self._counts

    @property
    def total(self) -> int:
        """Requests to all services."""
        return self._counts.total()


_counting: ContextVar[tuple[Calls, ...]] = ContextVar("counting", default=())


@contextmanager
def counting() -> Generator[Calls]:
    """Count what is sent inside the block, by this thread and by those it hands work to.

    Blocks may be nested: each counts all that is sent inside it.
    """
    calls = Calls()
    token = _counting.set((*_counting.get(), calls))
    try:
        yield calls
    finally:
        _counting.reset(token)


def count(service: Service) -> None:
    """Count one request in every block that is open."""
    for calls in _counting.get():
        calls.add(service)


def count_lost_race() -> None:
    """Count one lost race in every block that is open."""
    for calls in _counting.get():
        calls.add_lost_race()


class CountingPolicy(SansIOHTTPPolicy[Any, Any]):
    """Part of an SDK client's pipeline, behind its retries: counts each request on its way out."""

    def __init__(self, service: Service) -> None:
        super().__init__()
        self._service: Service = service

    def on_request(self, request: PipelineRequest[Any]) -> None:
        """Count it."""
        count(self._service)
