"""What every trigger that is not HTTP has in common: a loop that can be woken and stopped."""

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime

from azure.core.exceptions import AzureError

# What a storage that restarts can throw; OSError is where the errors of `requests` begin.
STORAGE_ERRORS = (AzureError, OSError)


def utc_now() -> datetime:
    """The time, aware."""
    return datetime.now(UTC)


@dataclass(frozen=True)
class Timing:
    """The host's clocks; defaults are Azure's unless a reason is given. Tests shorten them.

    Attributes:
        receive_visibility_s: how long a received queue message is hidden; renewed at half.
        first_poll_s: the shortest wait after an empty queue.
        blob_watch_s: between two listings of a container. Azure has no such poll: its storage
            tells Event Grid.
        lock_s: a timer's lease, 15 to 60; renewed at half.
        lock_retry_s: until a host without the lease asks again (60 in Azure; a developer who
            has just killed a host should not wait).
        now: the clock of schedules, aware.
    """

    receive_visibility_s: int = 600
    first_poll_s: float = 0.1
    blob_watch_s: float = 1.0
    lock_s: int = 60
    lock_retry_s: float = 5.0
    now: Callable[[], datetime] = utc_now


class Listener(ABC):
    """Something that waits for events and runs functions until it is stopped."""

    def __init__(self) -> None:
        self.stopping = False
        self._woken = asyncio.Event()

    @abstractmethod
    async def run(self) -> None:
        """Serve until `stop`; returns when everything this listener started has ended."""

    def stop(self) -> None:
        """Start nothing more."""
        self.stopping = True
        self.wake()

    def wake(self) -> None:
        """End the current pause."""
        self._woken.set()

    async def pause(self, duration_s: float) -> None:
        """Wait so many seconds, or until woken or stopped."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self._woken.wait(), duration_s)
        if not self.stopping:
            self._woken.clear()
