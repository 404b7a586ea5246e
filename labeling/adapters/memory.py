"""Storage in memory, with the semantics of the service: for tests, and for looking around.

Kept honest by `tests/contract`, which runs the same suite on this and on `adapters/azure.py`.
"""

from __future__ import annotations

import random
from bisect import bisect_left, insort
from collections import defaultdict, deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from itertools import count
from threading import RLock
from typing import IO
from urllib.parse import quote

from labeling import layout, trace
from labeling.adapters.calls import count_lost_race
from labeling.errors import NotFound, PreconditionFailed, Refused, Unavailable
from labeling.model import Model
from labeling.storage import (
    MAX_PAGE,
    UPLOAD_LINK_VALID,
    Blob,
    BlobPage,
    Collision,
    Create,
    Delete,
    Operation,
    Range,
    Received,
    Row,
    Storage,
    Value,
    check_key,
    check_row,
    check_transaction,
    encode_message,
    link_window,
)


class MemoryClock:
    """A clock that stands still until it is told otherwise; to sleep is to set it forward."""

    def __init__(self, at: datetime = datetime(2026, 1, 1, 12, tzinfo=UTC)) -> None:
        self.at = at

    def now(self) -> datetime:
        """The time it was set to."""
        return self.at

    def sleep(self, seconds: float) -> None:
        """Set it forward, and return at once."""
        self.at += timedelta(seconds=seconds)


@dataclass
class _Partition:
    keys: list[str] = field(default_factory=list[str])
    rows: dict[str, Row] = field(default_factory=dict[str, Row])


class MemoryTables:
    """Tables of rows. Tables and partitions are there as soon as something is written."""

    def __init__(self) -> None:
        self._lock = RLock()
        self._partitions: defaultdict[tuple[str, str], _Partition] = defaultdict(_Partition)
        self._writes = 0

    def get(self, table: str, partition: str, key: str) -> Row | None:
        """The row, or None."""
        check_key(partition)
        check_key(key)
        with self._lock:
            return self._partitions[table, partition].rows.get(key)

    def get_many(self, table: str, places: Sequence[tuple[str, str]]) -> list[Row | None]:
        """The rows at (partition, key), in order."""
        return [self.get(table, partition, key) for partition, key in places]

    def query(self, table: str, wanted: Range) -> list[Row]:
        """The first rows of a range."""
        with self._lock:
            place = self._partitions[table, wanted.partition]
            start = bisect_left(place.keys, wanted.low)
            end = bisect_left(place.keys, wanted.high)
            keys = place.keys[start : min(end, start + min(wanted.limit, MAX_PAGE))]
            return [_chosen(place.rows[key], wanted.columns) for key in keys]

    def query_many(self, table: str, wanted: Sequence[Range]) -> list[list[Row]]:
        """Several ranges, in order."""
        return [self.query(table, span) for span in wanted]

    def transact(self, table: str, partition: str, operations: Sequence[Operation]) -> list[str]:
        """Do all of it or nothing."""
        check_transaction(partition, operations)
        with self._lock:
            place = self._partitions[table, partition]
            for operation in operations:
                _require(operation, place.rows.get(operation.key))
            after: dict[str, Mapping[str, Value]] = {}
            for operation in operations:
                if isinstance(operation, Delete):
                    continue
                was = place.rows.get(operation.key)
                after[operation.key] = {**(was.cells if was else {}), **operation.cells}
                check_row(partition, operation.key, after[operation.key])
            etags: list[str] = []
            for operation in operations:
                key = operation.key
                if isinstance(operation, Delete):
                    del place.rows[key]
                    del place.keys[bisect_left(place.keys, key)]
                    etags.append("")
                    continue
                if isinstance(operation, Create):
                    insort(place.keys, key)
                self._writes += 1
                place.rows[key] = Row(key, f'W/"{self._writes}"', after[key])
                etags.append(place.rows[key].etag)
            return etags

    def snapshot(self, table: str) -> dict[str, dict[str, Row]]:
        """All rows of a table at one moment: partition to key to row."""
        with self._lock:
            return {
                partition: dict(place.rows)
                for (name, partition), place in self._partitions.items()
                if name == table
            }


def _chosen(row: Row, columns: tuple[str, ...]) -> Row:
    if not columns:
        return row
    return Row(row.key, row.etag, {name: row.cells[name] for name in columns if name in row.cells})


def _require(operation: Operation, row: Row | None) -> None:
    if isinstance(operation, Create):
        if not row:
            return
    elif row and operation.etag in (None, row.etag):
        return
    count_lost_race()
    raise Collision(operation.key)


@dataclass(frozen=True)
class _Content:
    blob: Blob
    data: bytes


class MemoryBlobs:
    """Containers of blobs."""

    def __init__(self, clock: MemoryClock, containers: Iterable[str] = ()) -> None:
        self._lock = RLock()
        self._clock = clock
        self._containers: dict[str, dict[str, _Content]] = {name: {} for name in containers}
        self._refused: dict[tuple[str, str], str] = {}
        self._writes = 0

    @property
    def account(self) -> str:
        """The name of our own account."""
        return "memory"

    def refuse(
        self, place: str, *calls: str, code: str = "AuthorizationPermissionMismatch"
    ) -> None:
        """Refuse these calls (`list`, `read`, ...) to a container or an account from now on."""
        with self._lock:
            self._refused |= {(place, call): code for call in calls}

    def _check(self, container: str, call: str) -> None:
        account = container.rpartition("/")[0]
        code = self._refused.get((container, call)) or self._refused.get((account, call))
        if code:
            raise Refused(f"{call} of {container!r}: storage refused ({code})", code=code)

    def create(self, container: str) -> None:
        """Make a container, if it is not there."""
        self._check(container, "create")
        with self._lock:
            self._containers.setdefault(container, {})

    def containers(self, account: str = "") -> list[str]:
        """Names of the containers of an account, sorted."""
        with self._lock:
            split = [name.rpartition("/") for name in self._containers]
            found = sorted(name for there, _, name in split if there == account)
            if account and not found:
                raise Unavailable(f"no account {account!r} answers")
            self._check(f"{account}/", "containers")
            return found

    def _in(self, container: str) -> dict[str, _Content]:
        if container not in self._containers:
            raise NotFound(f"there is no container {container!r}")
        return self._containers[container]

    def list(
        self, container: str, *, prefix: str = "", cursor: str | None = None, limit: int = 5000
    ) -> BlobPage:
        """Blobs below a prefix, in order of their names."""
        with self._lock:
            self._check(container, "list")
            contents = self._in(container)
            names = sorted(name for name in contents if name.startswith(prefix))
            page = [name for name in names if name > (cursor or "")][:limit]
            more = bool(page) and page[-1] != names[-1]
            return BlobPage([contents[name].blob for name in page], (), page[-1] if more else None)

    def browse(
        self, container: str, *, prefix: str = "", cursor: str | None = None, limit: int = 1000
    ) -> BlobPage:
        """Blobs and folders directly in a folder."""
        with self._lock:
            self._check(container, "list")
            contents = self._in(container)
            entries = sorted({_entry(n, prefix) for n in contents if n.startswith(prefix)})
            page = [name for name in entries if name > (cursor or "")][:limit]
            more = bool(page) and page[-1] != entries[-1]
            return BlobPage(
                [contents[name].blob for name in page if not name.endswith("/")],
                [name for name in page if name.endswith("/")],
                page[-1] if more else None,
            )

    def find(self, container: str, path: str) -> Blob | None:
        """The blob, or None."""
        with self._lock:
            content = self._containers.get(container, {}).get(path)
            return content.blob if content else None

    def read(
        self, container: str, path: str, *, start: int = 0, length: int | None = None
    ) -> bytes:
        """Bytes of a blob."""
        with self._lock:
            self._check(container, "read")
            content = self._in(container).get(path)
        if not content:
            raise NotFound(f"there is no blob {path!r} in {container!r}")
        return content.data[start : None if length is None else start + length]

    def write(
        self,
        container: str,
        path: str,
        data: bytes | IO[bytes],
        *,
        content_type: str,
        cache_control: str = "",
        metadata: Mapping[str, str] = {},
    ) -> None:
        """Write a blob, replacing what was there. No browser reads it, so none is told to keep it."""
        whole = data if isinstance(data, bytes) else data.read()
        with self._lock:
            self._check(container, "write")
            contents = self._in(container)
            self._writes += 1
            etag = f"0x{self._writes:015X}"
            blob = Blob(path, etag, len(whole), content_type, dict(metadata))
            contents[path] = _Content(blob, whole)

    def copy(self, container: str, path: str, to: str, to_path: str, *, etag: str = "") -> None:
        """Copy a blob into another container, unless there is one."""
        with self._lock:
            self._check(container, "read")
            content = self._in(container).get(path)
            if not content:
                raise NotFound(f"there is no blob {path!r} in {container!r}")
            if etag not in ("", content.blob.etag):
                raise PreconditionFailed(f"blob {path!r} in {container!r} has changed")
            if to_path not in self._in(to):
                about = content.blob
                self.write(
                    to,
                    to_path,
                    content.data,
                    content_type=about.content_type,
                    metadata=about.metadata,
                )

    def delete(self, container: str, path: str) -> None:
        """Remove a blob, if it is there."""
        with self._lock:
            self._check(container, "delete")
            self._containers.get(container, {}).pop(path, None)

    def link(
        self, container: str, path: str, *, etag: str = "", download_as: str = ""
    ) -> tuple[str, datetime]:
        """An address `memory://...`, and its end."""
        self._check(container, "link")
        _, end = link_window(self._clock.now())
        name = f"&as={quote(download_as)}" if download_as else ""
        version = f"&v={quote(etag)}" if etag else ""
        return f"memory://{container}/{quote(path)}?until={_stamp(end)}{name}{version}", end

    def upload_link(self, container: str, path: str, *, overwrite: bool) -> tuple[str, datetime]:
        """An address `memory://...`, and its end."""
        end = self._clock.now() + UPLOAD_LINK_VALID
        rights = "cw" if overwrite else "c"
        return f"memory://{container}/{quote(path)}?until={_stamp(end)}&rights={rights}", end


def _entry(path: str, prefix: str) -> str:
    """What stands for a blob in the listing of a folder: itself, or the folder it is in."""
    first, slash, _ = path[len(prefix) :].partition("/")
    return prefix + first + slash


def _stamp(moment: datetime) -> str:
    return f"{moment:%Y%m%dT%H%M%SZ}"


@dataclass(frozen=True)
class Sent:
    """A message that waits in a queue."""

    message: Model
    visible_at: datetime
    number: int = 0
    tries: int = 0
    receipt: int = 0


class MemoryQueues:
    """Message queues. `sent` shows what waits in each, in the order it was sent."""

    def __init__(self, clock: MemoryClock) -> None:
        self._lock = RLock()
        self._clock = clock
        self._numbers = count(1)
        self.sent: defaultdict[str, deque[Sent]] = defaultdict(deque)

    def send(self, queue: str, message: Model, *, delay_s: int = 0) -> None:
        """Put a message on a queue, visible after `delay_s` seconds."""
        text, _ = trace.taken_off(encode_message(message))
        copy = type(message).model_validate_json(text)
        with self._lock:
            visible_at = self._clock.now() + timedelta(seconds=delay_s)
            self.sent[queue].append(Sent(copy, visible_at, next(self._numbers)))

    def length(self, queue: str) -> int:
        """How many messages are in a queue."""
        with self._lock:
            return len(self.sent[queue])

    def receive(self, queue: str, visible_for_s: int) -> Received | None:
        """Take a message, which nobody else sees for so many seconds; None when none is visible."""
        with self._lock:
            now = self._clock.now()
            for place, sent in enumerate(self.sent[queue]):
                if sent.visible_at <= now:
                    until = now + timedelta(seconds=visible_for_s)
                    taken = replace(
                        sent, visible_at=until, tries=sent.tries + 1, receipt=next(self._numbers)
                    )
                    self.sent[queue][place] = taken
                    text = encode_message(taken.message)
                    return Received(queue, str(taken.number), text, taken.tries, str(taken.receipt))
            return None

    def renew(self, received: Received, visible_for_s: int) -> Received:
        """Hold a message for so many seconds from now on. Raises NotFound when another took it since."""
        with self._lock:
            place = self._held(received)
            if place is None:
                raise NotFound(f"holding a message of queue {received.queue!r}: it is not there")
            waiting = self.sent[received.queue]
            until = self._clock.now() + timedelta(seconds=visible_for_s)
            waiting[place] = replace(waiting[place], visible_at=until, receipt=next(self._numbers))
            return replace(received, receipt=str(waiting[place].receipt))

    def delete(self, received: Received) -> None:
        """Take a message off its queue, unless somebody else took it since."""
        with self._lock:
            place = self._held(received)
            if place is not None:
                del self.sent[received.queue][place]

    def _held(self, received: Received) -> int | None:
        """The place of a message in its queue while this receipt is its newest."""
        return next(
            (
                place
                for place, sent in enumerate(self.sent[received.queue])
                if (str(sent.number), str(sent.receipt)) == (received.message_id, received.receipt)
            ),
            None,
        )

    def drain(self, handler: Callable[[str, Model], None]) -> int:
        """Hand (queue, message) to a handler until none is visible, those it sends included.

        A message whose handler raises stays where it was, and the exception comes out.

        Returns:
            How many were handled.
        """
        handled = 0
        while found := self._next():
            queue, sent = found
            handler(queue, sent.message)
            with self._lock:
                self.sent[queue].remove(sent)
            handled += 1
        return handled

    def _next(self) -> tuple[str, Sent] | None:
        with self._lock:
            now = self._clock.now()
            return next(
                (
                    (queue, sent)
                    for queue, waiting in self.sent.items()
                    for sent in waiting
                    if sent.visible_at <= now
                ),
                None,
            )


@dataclass(frozen=True)
class MemoryStorage(Storage):
    """Everything kept, with what only the adapters in memory can do."""

    tables: MemoryTables
    blobs: MemoryBlobs
    queues: MemoryQueues
    clock: MemoryClock


def memory_storage(*, clock: MemoryClock | None = None, seed: int = 0) -> MemoryStorage:
    """An empty storage with the containers of `layout`. `seed` is of its random numbers."""
    clock = clock or MemoryClock()
    return MemoryStorage(
        tables=MemoryTables(),
        blobs=MemoryBlobs(clock, layout.CONTAINERS),
        queues=MemoryQueues(clock),
        clock=clock,
        random=random.Random(seed).random,
    )
