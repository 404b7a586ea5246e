"""What the product asks of storage: tables with partition transactions, blobs, queues and a clock.

Two adapters keep these promises, checked by one suite (`tests/contract`): `adapters/memory.py` and
`adapters/azure.py`. There is no upsert, and no filter but a point or one range of one partition:
the emulator forgives what the service turns into a scan (ADR-0002).
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import IO, Protocol, TypeVar

from labeling import trace
from labeling.errors import TooLarge, Unavailable
from labeling.model import Model

First = TypeVar("First")
Second = TypeVar("Second")

Value = str | int | float | bool | bytes
"""What a cell holds. Integers are 64 bits."""

MAX_OPERATIONS = 100
MAX_TRANSACTION_BYTES = 4 * 1024 * 1024 - 64 * 1024
MAX_ENTITY_BYTES = 1024 * 1024
MAX_PROPERTY_BYTES = 64 * 1024
MAX_PROPERTIES = 252
MAX_KEY_UNITS = 512
"""Of a partition or row key, in UTF-16 units: 1 KiB."""
MAX_PAGE = 1000
MAX_MESSAGE_BYTES = 48 * 1024
"""Of a queue message, as JSON: base64 makes 64 KiB of it."""


@dataclass(frozen=True)
class Row:
    """A stored row: its key in the partition, its ETag and its cells."""

    key: str
    etag: str
    cells: Mapping[str, Value]

    def text(self, name: str, default: str = "") -> str:
        """The cell as a string, or `default` where it is missing."""
        return str(self.cells.get(name, default))

    def number(self, name: str, default: int = 0) -> int:
        """The cell as an integer, or `default` where it is missing."""
        return int(self.cells.get(name, default))


@dataclass(frozen=True)
class Create:
    """Insert a row that must not be there."""

    key: str
    cells: Mapping[str, Value]


@dataclass(frozen=True)
class Merge:
    """Change some cells of a row that must be there, unchanged since `etag` when one is given."""

    key: str
    cells: Mapping[str, Value]
    etag: str | None = None


@dataclass(frozen=True)
class Delete:
    """Remove a row that must be there, unchanged since `etag` when one is given."""

    key: str
    etag: str | None = None


Operation = Create | Merge | Delete


class Collision(Exception):
    """A transaction met a row that was there, was gone, or had changed. Nothing of it was done."""

    def __init__(self, key: str) -> None:
        super().__init__(f"another writer was first at {key!r}")
        self.key = key


@dataclass(frozen=True)
class Range:
    """Keys from `low` (included) to `high` (excluded) of one partition, at most `limit` rows."""

    partition: str
    low: str
    high: str
    limit: int = MAX_PAGE
    columns: tuple[str, ...] = ()


class Tables(Protocol):
    """Tables of rows, in partitions, sorted by key."""

    def get(self, table: str, partition: str, key: str) -> Row | None:
        """The row, or None. One call."""
        ...

    def get_many(self, table: str, places: Sequence[tuple[str, str]]) -> list[Row | None]:
        """The rows at (partition, key), in order: one call each, all in one round trip."""
        ...

    def query(self, table: str, wanted: Range) -> list[Row]:
        """The first rows of a range, at most `limit` (<= 1,000). Usually one call."""
        ...

    def query_many(self, table: str, wanted: Sequence[Range]) -> list[list[Row]]:
        """Several ranges, in order: one call each, all in one round trip."""
        ...

    def transact(self, table: str, partition: str, operations: Sequence[Operation]) -> list[str]:
        """Do all of it or nothing, in one call.

        Returns:
            The ETags that the rows have now, in order; empty for what was deleted.

        Raises:
            Collision: a condition did not hold.
            TooLarge: over a limit of the service (100 operations, 4 MiB, 1 MiB a row, ...).
        """
        ...


@dataclass(frozen=True)
class Blob:
    """A blob as a listing shows it, with what its owner wrote about it (`x-ms-meta-*`)."""

    path: str
    etag: str
    size: int
    content_type: str = ""
    metadata: Mapping[str, str] = field(default_factory=dict[str, str])


@dataclass(frozen=True)
class BlobPage:
    """One page of a listing; `folders` only when browsing; `cursor` is None on the last page."""

    blobs: Sequence[Blob]
    folders: Sequence[str] = ()
    cursor: str | None = None


class Blobs(Protocol):
    """Containers of blobs: `container` of our own account, or `account/container` of another.

    Any method raises `Refused` where storage does not let us.
    """

    @property
    def account(self) -> str:
        """The name of our own account."""
        ...

    def containers(self, account: str = "") -> list[str]:
        """Names of the containers of our own account, or of another, sorted.

        Raises:
            Unavailable: no such account answers.
        """
        ...

    def create(self, container: str) -> None:
        """Make a container, if it is not there."""
        ...

    def list(
        self, container: str, *, prefix: str = "", cursor: str | None = None, limit: int = 5000
    ) -> BlobPage:
        """Blobs below a prefix, in order of their names.

        Raises:
            NotFound: there is no such container.
        """
        ...

    def browse(
        self, container: str, *, prefix: str = "", cursor: str | None = None, limit: int = 1000
    ) -> BlobPage:
        """Blobs and folders directly in a folder (`prefix` is empty or ends with `/`)."""
        ...

    def find(self, container: str, path: str) -> Blob | None:
        """The blob, or None."""
        ...

    def read(
        self, container: str, path: str, *, start: int = 0, length: int | None = None
    ) -> bytes:
        """Bytes of a blob; fewer than `length` where it is shorter.

        Raises:
            NotFound: there is no such blob.
        """
        ...

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
        """Write a blob, replacing what was there; a stream is sent piece by piece.

        `cache_control` is what browsers are told of keeping it.
        """
        ...

    def copy(self, container: str, path: str, to: str, to_path: str, *, etag: str = "") -> None:
        """Have storage copy a blob into another container, `to`; nothing where it was copied before.

        Raises:
            NotFound: there is no such blob.
            PreconditionFailed: it has changed since it had this ETag.
        """
        ...

    def delete(self, container: str, path: str) -> None:
        """Remove a blob, if it is there."""
        ...

    def link(
        self, container: str, path: str, *, etag: str = "", download_as: str = ""
    ) -> tuple[str, datetime]:
        """A signed address to read a blob, the same within a window of time, and its end.

        Valid for 60 to 90 minutes. `etag` becomes part of the address, so that a changed blob has
        another one; `download_as` makes the browser save it under that name.
        """
        ...

    def upload_link(self, container: str, path: str, *, overwrite: bool) -> tuple[str, datetime]:
        """A signed address to PUT one blob to, and its end."""
        ...


@dataclass(frozen=True)
class Received:
    """A message taken from a queue, hidden from others until its time runs out.

    `receipt` is the service's proof that this reader holds it; `tries` counts how often it was taken.
    """

    queue: str
    message_id: str
    text: str
    tries: int
    receipt: str


class Queues(Protocol):
    """Message queues, at least once, in any order."""

    def send(self, queue: str, message: Model, *, delay_s: int = 0) -> None:
        """Put a message on a queue, visible after `delay_s` seconds."""
        ...

    def receive(self, queue: str, visible_for_s: int) -> Received | None:
        """Take a message, which nobody else sees for so many seconds; None when none is visible."""
        ...

    def renew(self, received: Received, visible_for_s: int) -> Received:
        """Hold a message for so many seconds from now on. Use what is returned from then on.

        Raises:
            NotFound: somebody else took it since, or it is gone.
        """
        ...

    def length(self, queue: str) -> int:
        """About how many messages are in a queue.

        Raises:
            NotFound: there is no such queue.
        """
        ...

    def delete(self, received: Received) -> None:
        """Take a message off its queue for good; nothing happens when somebody else took it since."""
        ...


class Clock(Protocol):
    """The time, and waiting: so that tests need not."""

    def now(self) -> datetime:
        """The aware UTC time."""
        ...

    def sleep(self, seconds: float) -> None:
        """Wait."""
        ...


@dataclass(frozen=True)
class Storage:
    """Everything kept, in one hand."""

    tables: Tables
    blobs: Blobs
    queues: Queues
    clock: Clock
    random: Callable[[], float] = field(repr=False)

    def together(
        self, first: Callable[[], First], second: Callable[[], Second]
    ) -> tuple[First, Second]:
        """Do two readings at the same time, so that they cost one round trip."""
        with ThreadPoolExecutor(1) as pool:
            other = pool.submit(copy_context().run, first)
            mine = second()
            return other.result(), mine

    def each(
        self, work: Callable[[First], Second], todo: Iterable[First], *, at_once: int = 8
    ) -> list[Second]:
        """The same done with each, several at a time; raises what the first of them has raised."""
        with ThreadPoolExecutor(at_once) as pool:
            begun = [pool.submit(copy_context().run, work, first) for first in todo]
            return [future.result() for future in begun]

    def rows(self, table: str, wanted: Range) -> Iterator[Row]:
        """All rows of a range, page by page; each key is seen at most once."""
        low = wanted.low
        while True:
            page = self.tables.query(
                table, Range(wanted.partition, low, wanted.high, MAX_PAGE, wanted.columns)
            )
            yield from page
            if len(page) < MAX_PAGE:
                return
            low = (
                page[-1].key + "!"
            )  # sorts behind the key itself and before any longer one of ours


def check_transaction(partition: str, operations: Sequence[Operation]) -> None:
    """Refuse here what the service would refuse; the emulator takes some of it.

    Raises:
        TooLarge: over a limit of the service, which is named.
        ValueError: no operation, a key twice, an empty ETag, or a key or value that can't be stored.
    """
    if not operations:
        raise ValueError("a transaction needs an operation")
    _at_most(MAX_OPERATIONS, len(operations), "operations in one transaction")
    check_key(partition)
    seen: set[str] = set()
    body = 0
    for operation in operations:
        check_key(operation.key)
        if operation.key in seen:
            raise ValueError(f"{operation.key!r} is twice in one transaction")
        if not isinstance(operation, Create) and operation.etag == "":
            raise ValueError(f"the ETag of {operation.key!r} was never read")
        seen.add(operation.key)
        body += _ENVELOPE_BYTES + len(partition) + len(operation.key)
        if not isinstance(operation, Delete):
            body += check_row(partition, operation.key, operation.cells)
    _at_most(MAX_TRANSACTION_BYTES, body, "bytes of one transaction")


_ENVELOPE_BYTES = 1024
"""Headers and address of one operation in a transaction's body; about 700 with short names."""

_FORBIDDEN_IN_KEYS = re.compile(r"[/\\#?\x00-\x1f\x7f-\x9f]")


def check_key(key: str) -> None:
    """Refuse a key that the service would refuse.

    Raises:
        ValueError: longer than 1 KiB, or with `/`, `\\`, `#`, `?` or a control character.
    """
    if _units(key) > MAX_KEY_UNITS:
        raise ValueError(f"{key[:40]!r}... is longer than the {MAX_KEY_UNITS} a key may be")
    if _FORBIDDEN_IN_KEYS.search(key):
        raise ValueError(f"{key!r} has a character that no key may have")


def check_row(partition: str, key: str, cells: Mapping[str, Value]) -> int:
    """Refuse a row that the service would refuse, and tell the length of its JSON in bytes.

    What is said of a limit may reach people: it names no key.

    Raises:
        TooLarge: over a limit of the service, which is named.
        ValueError: an integer of more than 64 bits.

    Source: "Understanding the Table service data model", for what counts as the size of an entity.
    """
    _at_most(MAX_PROPERTIES, len(cells), "cells in one row")
    stored = 4 + 2 * (_units(partition) + _units(key))
    sent = 0
    for name, value in cells.items():
        stored += 8 + 2 * len(name)
        sent += 2 * len(name) + 48  # twice, for its type stands beside it
        if isinstance(value, str):
            size = 2 * _units(value)
            stored += size + 4
            sent += len(json.dumps(value))
        elif isinstance(value, bytes):
            size = len(value)
            stored += size + 4
            sent += size * 4 // 3 + 4
        else:
            if not isinstance(value, float) and not -(2**63) <= value < 2**63:
                raise ValueError(f"{name!r} of row {key!r} has more than 64 bits")
            size = 8
            stored += size
            sent += 24
        _at_most(MAX_PROPERTY_BYTES, size, "bytes in one cell")
    _at_most(MAX_ENTITY_BYTES, stored, "bytes in one row")
    return sent


def _units(text: str) -> int:
    """Its length in UTF-16 units, two bytes each."""
    return len(text) if text.isascii() else len(text.encode("utf-16-le", "surrogatepass")) // 2


def _at_most(limit: int, size: int, what: str) -> None:
    if size > limit:
        raise TooLarge(f"{size:,} {what}; at most {limit:,} can be stored")


def encode_message(message: Model) -> str:
    """A queue message as JSON, with the id of what brought it about.

    Raises:
        TooLarge: more than a queue message may be.
    """
    text = trace.stamped(message.model_dump_json())
    _at_most(MAX_MESSAGE_BYTES, len(text.encode()), "bytes in one queue message")
    return text


_WINDOW = timedelta(minutes=30)
UPLOAD_LINK_VALID = timedelta(hours=2)


def link_window(now: datetime) -> tuple[datetime, datetime]:
    """Start and end of a link to read, the same for half an hour, so that browsers can cache by it.

    It starts a quarter of an hour early, for clocks that differ.
    """
    start = now - (now - datetime(1970, 1, 1, tzinfo=UTC)) % _WINDOW
    return start - timedelta(minutes=15), start + 3 * _WINDOW


Result = TypeVar("Result")


def insist(
    storage: Storage, attempt: Callable[[], Result], most: int = 20, *, final: str = ""
) -> Result:
    """The result of `attempt`, made again after growing random pauses while another writer is first.

    Args:
        storage: whose clock waits between the tries.
        attempt: reads, decides and writes.
        most: how many tries.
        final: a key where another writer is the end of it: what was to be done has been done.

    Raises:
        Collision: at the key `final`.
        Unavailable: after `most` tries that all met another writer.
    """
    for number in range(most):
        if number:
            storage.clock.sleep(storage.random() * min(1.0, 0.01 * 2**number))
        try:
            return attempt()
        except Collision as collision:
            if collision.key == final:
                raise
    raise Unavailable("too many others are writing here at once; send the same request again")
