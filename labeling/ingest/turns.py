"""While somebody labels, ingestion gives way: small pieces, one at a time, with a rest after each.

That somebody labels is seen in the directory, where handing out notes it, by whatever process it does. Then
those that ingest take turns: one process holds the turn, a row with an end, and in it one handler works at a
time. The others wait a while, and put their messages back (ADR-0016).
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from threading import BoundedSemaphore, Lock
from typing import Final, TypeVar

from labeling import layout
from labeling.model import Model, milliseconds, new_id
from labeling.projects.directory import LABELING_NOTE_MS, Directory
from labeling.storage import Collision, Create, Merge, Operation, Storage

One = TypeVar("One")

LABELING_MS: Final = 2 * LABELING_NOTE_MS
"""Somebody labels when it was noted so lately: two notes, for one may be on its way."""

BELIEVED_MS: Final = 2_000
"""How long a look for labelers, which costs a call, is believed by this process."""

HELD_MS: Final = 15_000
"""How long a turn is held from its last renewal on: should its holder die, the others wait no longer."""

PATIENCE_S: Final = 20.0
"""How long a message is held while it waits for its turn, before it is put back."""

WAITING: Final = 4
"""Messages of a process that wait at once. Each holds a thread, and labelers' requests need them, too."""

REST: Final = 0.5
"""Seconds of rest after a second of work."""

_LOOK_AGAIN_S: Final = 0.5


class NotNow(Exception):
    """It is somebody else's turn. Nothing was done; the message is to be put back."""


def gives_way(now_ms: int, labeling_ms: int) -> bool:
    """Whether ingestion gives way, where labeling was noted last at `labeling_ms`.

    >>> gives_way(1_000_000, 1_000_000 - LABELING_MS), gives_way(1_000_000, 999_000)
    (False, True)
    """
    return now_ms - labeling_ms < LABELING_MS


class Turns:
    """Who may ingest now, and how much at once. One for each process."""

    def __init__(self, storage: Storage, directory: Directory) -> None:
        self._storage = storage
        self._directory = directory
        self._me = new_id("h")
        self._one = Lock()
        self._places = BoundedSemaphore(WAITING)
        self._looked_ms = 0
        self._labeling_ms = 0
        self._held_until_ms = 0

    def each(
        self, todo: Sequence[One], most: int, few: int, work: Callable[[Sequence[One]], object]
    ) -> None:
        """Do some work piece by piece: `most` at once, or `few` in turn while somebody labels.

        Raises:
            NotNow: others had the turn for too long, and nothing was done yet.
        """
        at = 0
        while at < len(todo):
            if self.somebody_labels():
                with self._turn(begun=at > 0):
                    work(todo[at : at + few])
                at += few
            else:
                work(todo[at : at + most])
                at += most

    def somebody_labels(self) -> bool:
        """Whether somebody was handed a page lately, in any project and by any process."""
        now = self._now()
        if now - self._looked_ms >= BELIEVED_MS:
            self._labeling_ms = self._directory.labeling_ms()
            self._looked_ms = now
        return gives_way(now, self._labeling_ms)

    def put_back(self, queue: str, message: Model) -> None:
        """Let a message come again after about as long as others wait, as if for the first time."""
        delay_s = int(PATIENCE_S * (0.5 + self._storage.random() / 2))
        self._storage.queues.send(queue, message, delay_s=delay_s)

    @contextmanager
    def _turn(self, *, begun: bool) -> Generator[None]:
        # What is begun is brought to its end, though slowly: put back, it would begin anew.
        if begun:
            self._one.acquire()
        elif not self._wait():
            raise NotNow
        try:
            if not self._held() and not begun:
                raise NotNow
            began = self._now()
            yield
            self._storage.clock.sleep(REST * (self._now() - began) / 1000)
        finally:
            self._one.release()

    def _wait(self) -> bool:
        """Wait for the others of this process; False when patience ends, or enough of them wait."""
        if not self._places.acquire(blocking=False):
            return False
        try:
            return self._one.acquire(timeout=PATIENCE_S)
        finally:
            self._places.release()

    def _held(self) -> bool:
        """Hold the turn for this process, waiting for it; False when patience ends."""
        end = self._now() + PATIENCE_S * 1000
        while self._held_until_ms - self._now() < HELD_MS / 2 and not self._take():
            if self._now() >= end:
                return False
            self._storage.clock.sleep(_LOOK_AGAIN_S)
        return True

    def _take(self) -> bool:
        row = self._storage.tables.get(layout.DIRECTORY, layout.TURNS, layout.INGEST_TURN)
        now = self._now()
        if row and row.text("holder") != self._me and row.number("until_ms") > now:
            return False
        cells = {"holder": self._me, "until_ms": now + HELD_MS}
        mine: Operation = (
            Merge(row.key, cells, row.etag) if row else Create(layout.INGEST_TURN, cells)
        )
        try:
            self._storage.tables.transact(layout.DIRECTORY, layout.TURNS, [mine])
        except Collision:
            return False
        self._held_until_ms = now + HELD_MS
        return True

    def _now(self) -> int:
        return milliseconds(self._storage.clock.now())
