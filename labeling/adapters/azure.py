"""Storage in Azure, or in its emulator. Azure's own exceptions stop here.

Every failure to reach a service becomes `Unavailable`; what the service refuses for a reason of
ours (a missing role, a table that was not made) becomes a plain `Failure` that names the reason.
"""

from __future__ import annotations

import contextvars
import os
import random
import re
import time
from collections.abc import Callable, Generator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from threading import Lock
from typing import IO, Any, TypeVar, cast
from urllib.parse import quote

import requests
from azure.core import MatchConditions
from azure.core.credentials import TokenCredential
from azure.core.exceptions import (
    AzureError,
    HttpResponseError,
    ResourceExistsError,
    ResourceNotFoundError,
    ServiceRequestError,
    ServiceResponseError,
    ServiceResponseTimeoutError,
)
from azure.core.pipeline.transport import HttpTransport, RequestsTransport
from azure.data.tables import (
    EdmType,
    EntityProperty,
    TableClient,
    TableServiceClient,
    TableTransactionError,
    UpdateMode,
)
from azure.storage.blob import (
    BlobClient,
    BlobPrefix,
    BlobProperties,
    BlobServiceClient,
    ContainerClient,
    ContentSettings,
    ExponentialRetry,
    UserDelegationKey,
    generate_blob_sas,
)
from azure.storage.queue import ExponentialRetry as QueueRetry
from azure.storage.queue import (
    QueueClient,
    QueueServiceClient,
    TextBase64DecodePolicy,
    TextBase64EncodePolicy,
)
from requests.adapters import HTTPAdapter
from urllib3.exceptions import ConnectTimeoutError, NewConnectionError
from urllib3.util import Retry

from labeling import layout
from labeling.adapters.calls import CountingPolicy, count_lost_race
from labeling.errors import Failure, NotFound, PreconditionFailed, Refused, TooLarge, Unavailable
from labeling.model import Model
from labeling.settings import Settings
from labeling.storage import (
    MAX_PAGE,
    UPLOAD_LINK_VALID,
    Blob,
    BlobPage,
    Clock,
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
    check_transaction,
    encode_message,
    link_window,
)

_T = TypeVar("_T")
_R = TypeVar("_R")

_CONNECTIONS = 64
"""Kept open per host: threads that find none left would pay for a new TLS handshake each time."""

_THREADS = 64

_TIMEOUTS = {"connection_timeout": 5, "read_timeout": 20}
"""Seconds. A request of ours has 45 (the front door's limit); the SDK's own are minutes."""

_BLOCK = 4 * 1024 * 1024

_COPY_S = 300
"""Seconds that a blob may take to be copied from another account."""

_EMULATOR = (
    "DefaultEndpointsProtocol=http;AccountName=devstoreaccount1;"
    # The emulator's well-known key, the same everywhere: no secret.
    "AccountKey=Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==;"
    "BlobEndpoint=http://127.0.0.1:10000/devstoreaccount1;"
    "QueueEndpoint=http://127.0.0.1:10001/devstoreaccount1;"
    "TableEndpoint=http://127.0.0.1:10002/devstoreaccount1;"
)

_BUSY = (408, 429, 500, 502, 503, 504)


@contextmanager
def _only_ours(what: str) -> Generator[None]:
    """Turn Azure's exceptions into ours. `what` begins what people are told: it names no key of a row."""
    try:
        yield
    except HttpResponseError as error:
        if _code(error) == "TableNotFound":
            raise Failure(f"{what}: the table was never made; run the deployment") from error
        if isinstance(error, ResourceNotFoundError):
            raise NotFound(f"{what}: it is not there") from error
        if error.status_code in _BUSY or error.status_code is None:
            raise Unavailable(_sorry(what)) from error
        if _code(error) in ("InvalidResourceName", "OutOfRangeInput"):
            raise NotFound(f"{what}: nothing can have that name") from error
        if _code(error) == "PopReceiptMismatch":
            raise NotFound(f"{what}: somebody else took it since") from error
        if error.status_code in (401, 403):
            code = _code(error) or str(error.status_code)
            raise Refused(f"{what}: storage refused ({code})", code=code) from error
        raise Failure(f"{what}: storage refused ({_code(error) or error.status_code})") from error
    except AzureError as error:
        raise Unavailable(_sorry(what)) from error


def _sorry(what: str) -> str:
    return f"{what}: storage did not answer; nothing is lost, send the same request again"


def _code(error: HttpResponseError) -> str:
    """The service's word for it, like `TableNotFound`; the SDK has an enum, a string or nothing."""
    code = getattr(error, "error_code", None)
    return str(getattr(code, "value", code) or "")


class AzureTables:
    """Tables of rows. Reads are repeated by the SDK; for writes see `transact`."""

    def __init__(self, client_of: Callable[[str], TableClient], *, threads: int = _THREADS) -> None:
        """Use the clients that `client_of` makes, one a table."""
        self._client_of = client_of
        self._clients: dict[str, TableClient] = {}
        self._pool = ThreadPoolExecutor(threads, "tables")

    def _table(self, name: str) -> TableClient:
        client = self._clients.get(name)
        if client is None:  # two threads may each make one: the last stays, both work
            client = self._clients[name] = self._client_of(name)
        return client

    def _at_once(self, work: Callable[[_T], _R], todo: Sequence[_T]) -> list[_R]:
        """Like `map`, in threads. They see the caller's context, so that calls are counted."""
        if len(todo) < 2:
            return [work(job) for job in todo]
        started = [self._pool.submit(contextvars.copy_context().run, work, job) for job in todo]
        return [future.result() for future in started]

    def get(self, table: str, partition: str, key: str) -> Row | None:
        """The row, or None."""
        check_key(partition)
        check_key(key)
        try:
            with _only_ours(f"reading table {table!r}"):
                return _row(self._table(table).get_entity(partition, key))
        except NotFound:
            return None

    def get_many(self, table: str, places: Sequence[tuple[str, str]]) -> list[Row | None]:
        """The rows at (partition, key), in order."""
        return self._at_once(lambda place: self.get(table, *place), places)

    def query(self, table: str, wanted: Range) -> list[Row]:
        """The first rows of a range; as many calls as the service gives pages."""
        limit = min(wanted.limit, MAX_PAGE)
        where = " and ".join(
            f"{column} {relation} '{value.replace(chr(39), chr(39) * 2)}'"
            for column, relation, value in (
                ("PartitionKey", "eq", wanted.partition),
                ("RowKey", "ge", wanted.low),
                ("RowKey", "lt", wanted.high),
            )
        )
        # A row's ETag is made of its time stamp; the service need not give it without.
        columns = ["RowKey", "Timestamp", *wanted.columns] if wanted.columns else None
        rows: list[Row] = []
        with _only_ours(f"reading table {table!r}"):
            found = self._table(table).query_entities(where, results_per_page=limit, select=columns)
            for page in found.by_page():  # an empty page may have a next one
                rows += map(_row, page)
                if len(rows) >= limit:
                    break
        return rows[:limit]

    def query_many(self, table: str, wanted: Sequence[Range]) -> list[list[Row]]:
        """Several ranges, in order."""
        return self._at_once(lambda span: self.query(table, span), wanted)

    def transact(self, table: str, partition: str, operations: Sequence[Operation]) -> list[str]:
        """Do all of it or nothing, in one call.

        The SDK's own retries are off: after a broken connection nobody knows whether the service
        did it, and a retry that met its own effect would be told as another writer's. So it is sent
        again here, but a collision that follows an attempt of unknown outcome is `Unavailable`,
        never `Collision`. A retry that succeeds proves that the attempt before it was not done, or
        (no operation had a condition) that it did the same. After a timeout nothing is sent again.

        Raises:
            Collision: a condition did not hold; `key` is that of the operation that failed.
            TooLarge: over a limit of the service.
            Unavailable: storage did not answer; it may or may not have been done.
        """
        check_transaction(partition, operations)
        what = f"writing table {table!r}"
        unknown = False
        for attempt in range(_ATTEMPTS):
            if attempt:
                time.sleep(0.1 * 3**attempt * random.uniform(0.5, 1.0))
            try:
                return self._submit(table, partition, operations, what)
            except Collision as collision:
                count_lost_race()
                if unknown:
                    raise Unavailable(_sorry(what)) from collision
                raise
            except _NoAnswer as failure:
                if not failure.send_again:
                    break
                unknown = unknown or failure.maybe_done
        raise Unavailable(_sorry(what))

    def _submit(
        self, table: str, partition: str, operations: Sequence[Operation], what: str
    ) -> list[str]:
        """Send a transaction once."""
        batch = [_batched(partition, operation) for operation in operations]
        try:
            with _only_ours(what):
                try:
                    done = self._table(table).submit_transaction(batch, retry_total=0)
                except ServiceResponseTimeoutError:
                    raise _NoAnswer(maybe_done=True, send_again=False) from None
                except (ServiceRequestError, ServiceResponseError) as error:
                    raise _NoAnswer(maybe_done=not _never_connected(error)) from error
                except HttpResponseError as error:
                    if error.status_code in (404, 409, 412) and _code(error) != "TableNotFound":
                        raise Collision(operations[_index(error)].key) from error
                    if error.status_code == 413 or _code(error) in _TOO_LARGE:
                        raise TooLarge(f"{what}: too large for storage ({_code(error)})") from error
                    if error.status_code == 429:
                        raise _NoAnswer(maybe_done=False) from error
                    raise
        except Unavailable as error:
            raise _NoAnswer(maybe_done=True) from error
        if len(done) != len(batch):  # the reply was cut
            raise _NoAnswer(maybe_done=True)
        return [str(mapping.get("etag") or "") for mapping in done]


class _NoAnswer(Exception):
    """A transaction was sent, and nothing certain came back."""

    def __init__(self, *, maybe_done: bool, send_again: bool = True) -> None:
        super().__init__()
        self.maybe_done = maybe_done
        self.send_again = send_again


_ATTEMPTS = 3

_TOO_LARGE = ("RequestBodyTooLarge", "EntityTooLarge", "PropertyValueTooLarge", "TooManyProperties")


def _never_connected(error: BaseException) -> bool:
    """Whether no connection was made, so that the service can't have seen the request."""
    inner = getattr(error, "inner_exception", None)
    return isinstance(inner, (NewConnectionError, ConnectTimeoutError))


def _index(error: HttpResponseError) -> int:
    """The place of the operation that failed. 0 where the service does not tell."""
    return error.index if isinstance(error, TableTransactionError) else 0


def _batched(partition: str, operation: Operation) -> tuple[str, dict[str, Any], dict[str, Any]]:
    """An operation as the SDK wants it."""
    entity: dict[str, Any] = {"PartitionKey": partition, "RowKey": operation.key}
    if isinstance(operation, Create):
        return "create", entity | _sent(operation.cells), {}
    how: dict[str, Any] = {}
    if operation.etag is not None:
        how = {"etag": operation.etag, "match_condition": MatchConditions.IfNotModified}
    if isinstance(operation, Delete):
        return "delete", entity, how
    return "update", entity | _sent(operation.cells), {"mode": UpdateMode.MERGE, **how}


def _sent(cells: Mapping[str, Value]) -> dict[str, Any]:
    """Cells as the SDK wants them. It makes 32 bits of a bare integer, and refuses larger ones."""
    return {
        name: EntityProperty(value, EdmType.INT64)
        if isinstance(value, int) and not isinstance(value, bool)
        else value
        for name, value in cells.items()
    }


def _row(entity: Mapping[str, Any]) -> Row:
    """The row of an entity as the SDK gives it."""
    cells = {
        name: value.value if isinstance(value, EntityProperty) else value
        for name, value in entity.items()
        if name not in ("PartitionKey", "RowKey")
    }
    return Row(entity["RowKey"], cast(Any, entity).metadata["etag"], cells)


class AzureBlobs:
    """Containers of blobs. Everything is repeated by the SDK: all of it may be done twice.

    Args:
        service: the client of our own account.
        clock: what links are of the time of.
        open_account: makes the client of another account, by its name.
    """

    def __init__(
        self,
        service: BlobServiceClient,
        clock: Clock,
        open_account: Callable[[str], BlobServiceClient],
    ) -> None:
        self._own = service
        self._clock = clock
        self._open_account = open_account
        self._others: dict[str, BlobServiceClient] = {}
        self._lock = Lock()
        self._keys: dict[str, tuple[datetime, UserDelegationKey]] = {}

    @property
    def account(self) -> str:
        """The name of our own account."""
        return str(self._own.account_name)

    def _service(self, account: str) -> BlobServiceClient:
        if not account:
            return self._own
        found = self._others.get(account)
        if found is None:  # two threads may each make one: the last stays, both work
            found = self._others[account] = self._open_account(account)
        return found

    def _container(self, container: str) -> ContainerClient:
        account, _, name = container.rpartition("/")
        return self._service(account).get_container_client(name)

    def _blob_client(self, container: str, path: str) -> BlobClient:
        account, _, name = container.rpartition("/")
        return self._service(account).get_blob_client(name, path)

    def containers(self, account: str = "") -> list[str]:
        """Names of the containers of an account, sorted."""
        with _only_ours(f"listing the containers of {account or self.account!r}"):
            return sorted(
                str(container.name) for container in self._service(account).list_containers()
            )

    def create(self, container: str) -> None:
        """Make a container, if it is not there."""
        with _only_ours(f"making container {container!r}"), suppress(ResourceExistsError):
            self._container(container).create_container()

    def list(
        self, container: str, *, prefix: str = "", cursor: str | None = None, limit: int = 5000
    ) -> BlobPage:
        """Blobs below a prefix, in order of their names."""
        with _only_ours(f"listing container {container!r}"):
            found = self._container(container).list_blobs(
                name_starts_with=prefix or None, include=["metadata"], results_per_page=limit
            )
            entries, following = _page(found, cursor)
        return BlobPage([_blob(entry) for entry in entries], (), following)

    def browse(
        self, container: str, *, prefix: str = "", cursor: str | None = None, limit: int = 1000
    ) -> BlobPage:
        """Blobs and folders directly in a folder."""
        with _only_ours(f"listing container {container!r}"):
            found = self._container(container).walk_blobs(
                name_starts_with=prefix or None, delimiter="/", results_per_page=limit
            )
            entries, following = _page(found, cursor)
        folders = [str(entry.name) for entry in entries if isinstance(entry, BlobPrefix)]
        blobs = [_blob(entry) for entry in entries if not isinstance(entry, BlobPrefix)]
        return BlobPage(blobs, folders, following)

    def find(self, container: str, path: str) -> Blob | None:
        """The blob, or None."""
        try:
            with _only_ours(f"looking for blob {path!r} in {container!r}"):
                return _blob(self._blob_client(container, path).get_blob_properties())
        except NotFound:
            return None

    def read(
        self, container: str, path: str, *, start: int = 0, length: int | None = None
    ) -> bytes:
        """Bytes of a blob."""
        with _only_ours(f"reading blob {path!r} in {container!r}"):
            blob = self._blob_client(container, path)
            try:
                return blob.download_blob(offset=start, length=length, max_concurrency=1).readall()
            except HttpResponseError as error:
                if error.status_code == 416:  # it ends before the range starts
                    return b""
                raise

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
        """Write a blob, replacing what was there; a stream is sent in blocks of 4 MiB."""
        with _only_ours(f"writing blob {path!r} in {container!r}"):
            self._blob_client(container, path).upload_blob(
                data,
                overwrite=True,
                max_concurrency=1,
                metadata=dict(metadata),
                content_settings=ContentSettings(
                    content_type=content_type, cache_control=cache_control or None
                ),
            )

    def copy(self, container: str, path: str, to: str, to_path: str, *, etag: str = "") -> None:
        """Have the service copy a blob, of this account or another, and wait until it has."""
        address, _ = self.link(container, path)
        target = self._blob_client(to, to_path)
        unchanged = {
            "source_etag": f'"{etag}"',
            "source_match_condition": MatchConditions.IfNotModified,
        }
        begin = partial(target.start_copy_from_url, address, **(unchanged if etag else {}))
        with _only_ours(f"copying blob {path!r} of {container!r}"):
            try:
                status = begin(match_condition=MatchConditions.IfMissing)["copy_status"]
            except ResourceExistsError:
                status = target.get_blob_properties().copy.status or "success"
                if status not in ("success", "pending"):
                    status = begin()["copy_status"]
            except HttpResponseError as error:
                if error.status_code == 412:
                    raise PreconditionFailed(
                        f"blob {path!r} in {container!r} has changed"
                    ) from error
                raise
            for _ in range(_COPY_S):  # within an account it is done at once
                if status != "pending":
                    break
                self._clock.sleep(1)
                status = target.get_blob_properties().copy.status
            if status == "pending":
                raise Unavailable(_sorry(f"copying blob {path!r} of {container!r}"))
            if status != "success":
                raise Failure(f"copying blob {path!r} of {container!r}: the copy has {status}")

    def delete(self, container: str, path: str) -> None:
        """Remove a blob, if it is there."""
        with suppress(NotFound), _only_ours(f"deleting blob {path!r} in {container!r}"):
            self._blob_client(container, path).delete_blob(delete_snapshots="include")

    def link(
        self, container: str, path: str, *, etag: str = "", download_as: str = ""
    ) -> tuple[str, datetime]:
        """A signed address to read a blob, the same within half an hour, and its end."""
        start, end = link_window(self._clock.now())
        as_file = f"attachment; filename*=UTF-8''{quote(download_as)}" if download_as else None
        address = self._signed(container, path, "r", start, end, content_disposition=as_file)
        return f"{address}&v={quote(etag, safe='')}" if etag else address, end

    def upload_link(self, container: str, path: str, *, overwrite: bool) -> tuple[str, datetime]:
        """A signed address to PUT one blob to, and its end two hours from now."""
        now = self._clock.now()
        start, end = now - timedelta(minutes=15), now + UPLOAD_LINK_VALID
        return self._signed(container, path, "cw" if overwrite else "c", start, end), end

    def _signed(
        self,
        container: str,
        path: str,
        permission: str,
        start: datetime,
        end: datetime,
        *,
        content_disposition: str | None = None,
    ) -> str:
        account, _, name = container.rpartition("/")
        service = self._service(account)
        account_key = getattr(service.credential, "account_key", None)
        signature = generate_blob_sas(
            account_name=str(service.account_name),
            container_name=name,
            blob_name=path,
            account_key=account_key,
            user_delegation_key=None if account_key else self._delegation_key(account),
            permission=permission,
            start=start,
            expiry=end,
            content_disposition=content_disposition,
        )
        return f"{self._blob_client(container, path).url}?{signature}"

    def _delegation_key(self, account: str) -> UserDelegationKey:
        """A key to sign with. It changes on the hour, so that links stay the same in between."""
        now = self._clock.now()
        hour = now.replace(minute=0, second=0, microsecond=0)
        with self._lock:
            known = self._keys.get(account)
            if not known or known[0] != hour:
                with _only_ours("getting a key for links"):
                    key = self._service(account).get_user_delegation_key(
                        hour - timedelta(minutes=15), hour + timedelta(hours=4)
                    )
                known = self._keys[account] = hour, key
            return known[1]


def _page(found: Any, cursor: str | None) -> tuple[list[Any], str | None]:
    """The first page with something in it, and where the next one starts."""
    pages = found.by_page(cursor)
    for page in pages:
        entries = list(page)
        if entries or not pages.continuation_token:
            return entries, pages.continuation_token or None
    return [], None


def _blob(properties: BlobProperties) -> Blob:
    return Blob(
        path=str(properties.name),
        # Quoted in one reply of the service and bare in another.
        etag=str(properties.etag).strip('"'),
        size=int(properties.size),
        content_type=str(properties.content_settings.content_type or ""),
        metadata=dict(properties.metadata or {}),
    )


class AzureQueues:
    """Message queues. A message may be sent twice when an answer is lost: handlers expect that."""

    def __init__(self, service: QueueServiceClient) -> None:
        """Use this client."""
        self._service = service
        self._clients: dict[str, QueueClient] = {}

    def send(self, queue: str, message: Model, *, delay_s: int = 0) -> None:
        """Put a message on a queue, which is made if it is not there."""
        text = encode_message(message)
        client = self._client(queue)
        with _only_ours(f"sending to queue {queue!r}"):
            try:
                client.send_message(text, visibility_timeout=delay_s or None)
            except ResourceNotFoundError:
                with suppress(ResourceExistsError):
                    client.create_queue()
                client.send_message(text, visibility_timeout=delay_s or None)

    def receive(self, queue: str, visible_for_s: int) -> Received | None:
        """Take a message; None when none is visible, or nobody made the queue."""
        try:
            with _only_ours(f"reading queue {queue!r}"):
                got = self._client(queue).receive_message(visibility_timeout=visible_for_s)
        except NotFound:
            return None
        if got is None:
            return None
        return Received(
            queue, got.id, got.content, int(got.dequeue_count or 1), str(got.pop_receipt)
        )

    def renew(self, received: Received, visible_for_s: int) -> Received:
        """Hold a message longer."""
        with _only_ours(f"holding a message of queue {received.queue!r}"):
            held = self._client(received.queue).update_message(
                received.message_id,
                received.receipt,
                content=received.text,
                visibility_timeout=visible_for_s,
            )
        return replace(received, receipt=str(held.pop_receipt))

    def delete(self, received: Received) -> None:
        """Take a message off its queue."""
        with (
            suppress(NotFound),
            _only_ours(f"taking a message off queue {received.queue!r}"),
        ):
            self._client(received.queue).delete_message(received.message_id, received.receipt)

    def length(self, queue: str) -> int:
        """About how many messages are in a queue."""
        with _only_ours(f"looking at queue {queue!r}"):
            return self._client(queue).get_queue_properties().approximate_message_count or 0

    def _client(self, queue: str) -> QueueClient:
        client = self._clients.get(queue)
        if client is None:
            client = self._clients[queue] = self._service.get_queue_client(
                queue,
                message_encode_policy=TextBase64EncodePolicy(),
                message_decode_policy=TextBase64DecodePolicy(),
            )
        return client


class SystemClock:
    """The clock of this machine."""

    def now(self) -> datetime:
        """The aware UTC time."""
        return datetime.now(UTC)

    def sleep(self, seconds: float) -> None:
        """Wait."""
        time.sleep(seconds)


@dataclass(frozen=True)
class ServiceUris:
    """The three services of an account, which is reached as the identity this process has.

    `client_id` names a user-assigned identity, where there are several.
    """

    blob: str
    queue: str
    table: str
    client_id: str | None = None


@dataclass(frozen=True)
class AzureStorage(Storage):
    """Everything kept, in an account of Azure or of the emulator."""

    tables: AzureTables
    blobs: AzureBlobs
    queues: AzureQueues
    clock: SystemClock
    _creators: Sequence[Callable[[], object]] = ()

    def create_all(self) -> None:
        """Make the tables, containers and queues of `layout` that are not there.

        The deployment does it in Azure; this is for the emulator. Safe to repeat.

        Raises:
            Unavailable: storage did not answer.
        """

        def make(create: Callable[[], object]) -> None:
            with (
                _only_ours("creating tables, containers and queues"),
                suppress(ResourceExistsError),
            ):
                create()

        with ThreadPoolExecutor(8) as pool:
            list(pool.map(make, self._creators))


def connection(settings: Settings) -> str | ServiceUris:
    """How storage is reached: by the names that the Functions host reads for its triggers, too.

    `LABELRY_STORAGE` is a connection string; or `LABELRY_STORAGE__blobServiceUri`, `__queueServiceUri` and
    `__tableServiceUri` are reached by identity, which `__clientId` names where it is a user-assigned one.
    """
    own = {
        name: os.environ.get(f"LABELRY_STORAGE__{name}", "")
        for name in ("blobServiceUri", "queueServiceUri", "tableServiceUri", "clientId")
    }
    blob, queue, table, client_id = own.values()
    if blob and queue and table:
        return ServiceUris(blob=blob, queue=queue, table=table, client_id=client_id or None)
    return settings.storage


def connect(connection: str | ServiceUris) -> AzureStorage:
    """Storage in an account, without calling it yet.

    Args:
        connection: a connection string (`UseDevelopmentStorage=true` is the emulator at its usual
            ports), or where the services are, to be reached by identity.

    Raises:
        ValueError: not a connection string.
    """
    transport = _transport()

    def blob_options() -> dict[str, Any]:
        """Made for each account: a policy belongs to one pipeline, and sends by the last that took it in."""
        return {
            "transport": transport,
            "retry_policy": ExponentialRetry(0, 2, retry_total=3, random_jitter_range=1),
            "_additional_pipeline_policies": [CountingPolicy("blob")],
            # A stream is held in memory one block at a time.
            "max_single_put_size": _BLOCK,
            "max_block_size": _BLOCK,
            **_TIMEOUTS,
        }

    queue_options: dict[str, Any] = {
        "transport": transport,
        "retry_policy": QueueRetry(0, 2, retry_total=3, random_jitter_range=1),
        "_additional_pipeline_policies": [CountingPolicy("queue")],
        **_TIMEOUTS,
    }
    table_options: dict[str, Any] = {
        "transport": transport,
        "retry_total": 3,
        "retry_backoff_factor": 0.2,
        "per_retry_policies": [CountingPolicy("table")],
        **_TIMEOUTS,
    }
    if isinstance(connection, ServiceUris):
        credential = identity(connection.client_id)
        table_service = TableServiceClient(connection.table, credential=credential, **table_options)
        blob_service = BlobServiceClient(connection.blob, credential, **blob_options())
        queue_service = QueueServiceClient(connection.queue, credential, **queue_options)

        def table_client(name: str) -> TableClient:
            return TableClient(connection.table, name, credential=credential, **table_options)
    else:
        text = _EMULATOR if re.match(r"(?i)UseDevelopmentStorage=true", connection) else connection
        table_service = TableServiceClient.from_connection_string(text, **table_options)
        blob_service = BlobServiceClient.from_connection_string(text, **blob_options())
        queue_service = QueueServiceClient.from_connection_string(text, **queue_options)

        def table_client(name: str) -> TableClient:
            return TableClient.from_connection_string(text, name, **table_options)

    def open_account(name: str) -> BlobServiceClient:
        """Another account beside our own, as the same identity; the emulator's have one key in common."""
        own = str(blob_service.account_name)
        url = re.sub(rf"(?<=/){re.escape(own)}(?=[./]|$)", name, str(blob_service.url), count=1)
        credential: Any = blob_service.credential
        if key := getattr(credential, "account_key", None):
            credential = {"account_name": name, "account_key": key}
        return BlobServiceClient(url, credential, **blob_options())

    clock = SystemClock()
    creators: list[Callable[[], object]] = [
        *(partial(table_service.create_table, name) for name in layout.TABLES),
        *(partial(blob_service.create_container, name) for name in layout.CONTAINERS),
        *(partial(queue_service.create_queue, name) for name in layout.QUEUES),
    ]
    return AzureStorage(
        tables=AzureTables(table_client),
        blobs=AzureBlobs(blob_service, clock, open_account),
        queues=AzureQueues(queue_service),
        clock=clock,
        random=random.random,
        _creators=creators,
    )


def _transport() -> HttpTransport[Any, Any]:
    """One pool of connections for all clients, large enough for the threads of a host.

    The SDK's own keeps ten a host, and throws away what comes back above that.
    """
    session = requests.Session()
    # The SDK's policies retry; below them nothing may, or a transaction is sent twice unseen.
    adapter = HTTPAdapter(pool_maxsize=_CONNECTIONS, max_retries=Retry(total=False, redirect=False))
    session.mount("http://", adapter)
    session.mount("https://", adapter)
    return RequestsTransport(session=session)


def identity(client_id: str | None) -> TokenCredential:
    """The identity of this process: a managed one in Azure, a developer's own elsewhere.

    Args:
        client_id: of a user-assigned identity; else the one `AZURE_CLIENT_ID` names, else the system's.
    """
    # Only where there are identities: it takes a third of a second to import.
    from azure.identity import DefaultAzureCredential

    chosen = {"managed_identity_client_id": client_id} if client_id else {}  # None would be one too
    return cast(TokenCredential, DefaultAzureCredential(**chosen))
