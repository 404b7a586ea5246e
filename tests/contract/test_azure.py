"""What only the adapter for Azure has: signed links, lost answers, pages, and counted calls."""

from __future__ import annotations

import base64
import json
import uuid
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from types import SimpleNamespace
from typing import Any, cast
from urllib.parse import parse_qs, urlsplit

import pytest
import requests
from azure.core.credentials import AzureNamedKeyCredential
from azure.core.exceptions import ServiceResponseError, ServiceResponseTimeoutError
from azure.core.pipeline.transport import RequestsTransport
from azure.data.tables import TableClient
from azure.storage.blob import BlobServiceClient, UserDelegationKey

from dev.child import free_port
from labeling import layout
from labeling.adapters import azure as adapter
from labeling.adapters.azure import AzureBlobs, AzureStorage, AzureTables, ServiceUris, connect
from labeling.adapters.calls import counting
from labeling.adapters.memory import MemoryClock
from labeling.errors import Failure, NotFound, Unavailable
from labeling.storage import Collision, Create, Delete, Merge, Range
from tests.conftest import TestStorage
from tests.contract.conftest import Place
from tests.contract.test_queues import Note

pytestmark = pytest.mark.parametrize("place", ["azurite"], indirect=True)


class Faulty(RequestsTransport):
    """A connection that fails as told, transaction by transaction: before or after it is done."""

    def __init__(self, *faults: str) -> None:
        super().__init__()
        self.faults = list(faults)
        self.sent = 0

    def send(self, request: Any, **kwargs: Any) -> Any:
        fault = self.faults.pop(0) if self.faults and request.url.endswith("$batch") else ""
        self.sent += 1
        if fault == "lost on the way":
            raise ServiceResponseError("connection reset")
        response = super().send(request, **kwargs)
        if fault == "answer lost":
            raise ServiceResponseError("connection reset")
        if fault == "answer late":
            raise ServiceResponseTimeoutError("read timed out")
        return response


@pytest.fixture
def faulty(
    place: Place, azurite: TestStorage, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[..., tuple[AzureTables, Faulty]]]:
    """Makes tables behind a connection with these faults."""
    opened: list[Faulty] = []

    def make(*faults: str) -> tuple[AzureTables, Faulty]:
        transport = Faulty(*faults)
        opened.append(transport)
        tables = AzureTables(
            lambda name: TableClient.from_connection_string(
                azurite.connection_string, name, transport=transport
            )
        )
        return tables, transport

    monkeypatch.setattr(adapter.time, "sleep", _at_once)
    yield make
    for transport in opened:
        transport.close()


def _has(place: Place, partition: str, key: str) -> bool:
    return place.storage.tables.get(place.table, partition, key) is not None


@pytest.mark.parametrize("fault", ["answer lost", "answer late"])
def test_a_transaction_whose_answer_is_lost_is_never_told_as_another_writers(
    place: Place, faulty: Callable[..., tuple[AzureTables, Faulty]], fault: str
) -> None:
    tables, _ = faulty(fault)
    partition = place.fresh()

    with pytest.raises(Unavailable, match="send the same request again"):
        tables.transact(place.table, partition, [Create("a", {})])

    assert _has(place, partition, "a")


def test_a_transaction_lost_on_the_way_is_sent_again(
    place: Place, faulty: Callable[..., tuple[AzureTables, Faulty]]
) -> None:
    tables, transport = faulty("lost on the way", "lost on the way")
    partition = place.fresh()

    tables.transact(place.table, partition, [Create("a", {})])

    assert _has(place, partition, "a")
    assert transport.sent == 3


def test_a_transaction_lost_three_times_is_given_up(
    place: Place, faulty: Callable[..., tuple[AzureTables, Faulty]]
) -> None:
    tables, transport = faulty(*["lost on the way"] * 3)
    partition = place.fresh()

    with pytest.raises(Unavailable):
        tables.transact(place.table, partition, [Create("a", {})])

    assert not _has(place, partition, "a")
    assert transport.sent == 3


def test_a_collision_after_a_connection_that_was_never_made_is_a_collision(
    place: Place,
    azurite: TestStorage,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    partition = place.fresh()
    place.storage.tables.transact(place.table, partition, [Create("a", {})])
    closed = f"http://127.0.0.1:{free_port()}/devstoreaccount1"
    nowhere = TableClient.from_connection_string(
        "DefaultEndpointsProtocol=http;AccountName=devstoreaccount1;AccountKey=a2V5;"
        f"TableEndpoint={closed}",
        place.table,
    )
    real = TableClient.from_connection_string(azurite.connection_string, place.table)
    tables = AzureTables(lambda _: nowhere)

    def open_the_port(_: float) -> None:
        tables._clients[place.table] = real  # pyright: ignore[reportPrivateUsage]

    monkeypatch.setattr(adapter.time, "sleep", open_the_port)
    with closing(nowhere), closing(real), pytest.raises(Collision):
        tables.transact(place.table, partition, [Create("a", {})])


def test_a_service_that_is_not_there_is_unavailable(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    closed = f"http://127.0.0.1:{free_port()}/devstoreaccount1"
    storage = connect(
        "DefaultEndpointsProtocol=http;AccountName=devstoreaccount1;AccountKey=a2V5;"
        f"TableEndpoint={closed};BlobEndpoint={closed};QueueEndpoint={closed}"
    )
    monkeypatch.setattr("time.sleep", _at_once)

    with pytest.raises(Unavailable):
        storage.tables.get("items", "p", "k")
    with pytest.raises(Unavailable):
        storage.tables.transact("items", "p", [Create("k", {})])
    with pytest.raises(Unavailable):
        storage.blobs.find("datasets", "a")


def test_a_table_nobody_made_is_not_another_writer(place: Place) -> None:
    with pytest.raises(Failure, match="never made"):
        place.storage.tables.transact("nosuchtable", "p", [Merge("k", {})])
    with pytest.raises(Failure, match="never made"):
        place.storage.tables.query("nosuchtable", Range("p", "", "~"))


class _Pages(BaseHTTPRequestHandler):
    """A table service whose first page is empty and has a next one, as it may be."""

    asked: list[str]

    def do_GET(self) -> None:
        self.asked.append(self.path)
        page = int(parse_qs(urlsplit(self.path).query).get("NextRowKey", ["0"])[0])
        rows = [{"PartitionKey": "p", "RowKey": f"k{page}", "odata.etag": "e", "n": page}]
        body = json.dumps({"value": rows if page else []}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        if page < 3:
            self.send_header("x-ms-continuation-NextPartitionKey", "p")
            self.send_header("x-ms-continuation-NextRowKey", str(page + 1))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


@pytest.mark.parametrize(("limit", "keys"), [(1000, ["k1", "k2", "k3"]), (2, ["k1", "k2"])])
def test_a_range_goes_on_behind_an_empty_page(place: Place, limit: int, keys: list[str]) -> None:
    handler = type("Handler", (_Pages,), {"asked": []})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        client = TableClient(
            f"http://127.0.0.1:{server.server_port}/account",
            "items",
            credential=AzureNamedKeyCredential("account", "a2V5"),
        )
        with closing(client):
            rows = AzureTables(lambda _: client).query("items", Range("p", "", "~", limit))
        server.shutdown()

    assert [row.key for row in rows] == keys
    assert len(handler.asked) == len(keys) + 1


def test_a_link_lets_anyone_read_and_nobody_write(place: Place) -> None:
    path = "a ü/b+c#%.png"
    place.storage.blobs.write(place.container, path, b"pixels", content_type="image/png")

    address, _ = place.storage.blobs.link(
        place.container, path, etag='0x8D"', download_as="naïve name.png"
    )

    read = requests.get(address, timeout=10)
    assert (read.status_code, read.content) == (200, b"pixels")
    assert read.headers["Content-Disposition"] == (
        "attachment; filename*=UTF-8''na%C3%AFve%20name.png"
    )
    assert _put(address).status_code == 403


def test_a_browser_is_told_how_long_to_keep_a_blob(place: Place) -> None:
    forever = "private, max-age=31536000, immutable"
    path = f"{uuid.uuid4().hex}.webp"
    place.storage.blobs.write(
        place.container, path, b"x", content_type="image/webp", cache_control=forever
    )

    answer = requests.get(place.storage.blobs.link(place.container, path)[0], timeout=10)

    assert answer.headers["Cache-Control"] == forever


@pytest.mark.parametrize(("overwrite", "second"), [(True, 201), (False, 403)])
def test_an_upload_link_lets_anyone_write_one_blob(
    place: Place, overwrite: bool, second: int
) -> None:
    path = uuid.uuid4().hex
    address, _ = place.storage.blobs.upload_link(place.container, path, overwrite=overwrite)

    assert _put(address).status_code == 201
    assert place.storage.blobs.read(place.container, path) == b"data"
    assert _put(address).status_code == second
    assert requests.get(address, timeout=10).status_code == 403


def _put(address: str) -> requests.Response:
    return requests.put(address, data=b"data", headers={"x-ms-blob-type": "BlockBlob"}, timeout=10)


def _at_once(_: float) -> None:
    """Instead of waiting."""


class _Keys:
    """A blob service that is reached by identity: it gives keys to sign with."""

    credential = None
    account_name = "account"

    def __init__(self) -> None:
        self.given: list[tuple[datetime, datetime]] = []

    def get_user_delegation_key(self, start: datetime, expiry: datetime) -> UserDelegationKey:
        self.given.append((start, expiry))
        key = UserDelegationKey()
        key.signed_oid = key.signed_tid = "00000000-0000-0000-0000-000000000000"
        key.signed_start, key.signed_expiry = start.isoformat(), expiry.isoformat()
        key.signed_service, key.signed_version = "b", "2024-11-04"
        key.value = base64.b64encode(f"key {len(self.given)}".encode()).decode()
        return key

    def get_blob_client(self, container: str, path: str) -> SimpleNamespace:
        return SimpleNamespace(url=f"https://account.blob/{container}/{path}")


def test_without_an_account_key_links_are_signed_with_a_key_of_the_identity(place: Place) -> None:
    service, clock = _Keys(), MemoryClock()
    blobs = AzureBlobs(
        cast(BlobServiceClient, service), clock, lambda _: cast(BlobServiceClient, service)
    )

    addresses: list[str] = []
    for _ in range(4):
        addresses += [blobs.link("c", "a")[0], blobs.link("c", "a")[0]]
        assert service.given[-1][0] < clock.now() - timedelta(minutes=5)
        assert service.given[-1][1] > blobs.upload_link("c", "a", overwrite=True)[1]
        assert service.given[-1][1] > blobs.link("c", "a")[1]
        clock.at += timedelta(minutes=29, seconds=59)

    assert len(service.given) == 2
    assert [addresses.index(address) for address in addresses] == [0, 0, 0, 0, 4, 4, 6, 6]
    assert "skoid=" in addresses[0]


def test_calls_are_counted_by_service_and_across_threads(place: Place) -> None:
    tables, partition = place.storage.tables, place.fresh()
    place.storage.queues.send(place.queue, Note(text="x"))

    with counting() as outer:
        tables.transact(place.table, partition, [Create("a", {}), Create("b", {})])
        with counting() as inner:
            tables.get_many(place.table, [(partition, key) for key in "abc"])
            tables.query_many(place.table, [Range(partition, "", "~"), Range("x", "", "~")])
        place.storage.blobs.write(place.container, "a", b"x", content_type="a/b")
        place.storage.blobs.read(place.container, "a")
        place.storage.queues.send(place.queue, Note(text="x"))
    tables.get(place.table, partition, "a")

    assert (inner["table"], inner["blob"], inner["queue"]) == (5, 0, 0)
    assert (outer["table"], outer["blob"], outer["queue"]) == (6, 2, 1)
    assert outer.total == 9


def test_writers_in_threads_lose_nothing(place: Place) -> None:
    tables, partition = place.storage.tables, place.fresh()
    tables.transact(place.table, partition, [Create("n", {"n": 0})])

    def add_five() -> None:
        done = 0
        while done < 5:
            row = tables.get(place.table, partition, "n")
            assert row is not None
            try:
                tables.transact(
                    place.table,
                    partition,
                    [
                        Merge("n", {"n": row.number("n") + 1}, row.etag),
                        Create(f"k{row.number('n')}", {}),
                    ],
                )
                done += 1
            except Collision:
                continue

    threads = [Thread(target=add_five) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    row = tables.get(place.table, partition, "n")
    assert row is not None
    assert row.number("n") == 20
    assert len(tables.query(place.table, Range(partition, "k", "l"))) == 20
    tables.transact(place.table, partition, [Delete("n", row.etag)])


def test_everything_of_the_layout_can_be_made_again_and_again(
    place: Place, azure: Callable[[], AzureStorage]
) -> None:
    storage = azure()

    storage.create_all()
    storage.create_all()

    assert set(layout.CONTAINERS) <= set(storage.blobs.containers())
    for table in layout.TABLES:
        assert storage.tables.get(table, "p", "nothing") is None
    with pytest.raises(NotFound):
        storage.blobs.read(layout.DATASETS, "nothing")


@pytest.mark.parametrize(
    "connection",
    [
        "UseDevelopmentStorage=true",
        "usedevelopmentstorage=TRUE;",
        ServiceUris(
            "https://a.blob.core.windows.net",
            "https://a.queue.core.windows.net",
            "https://a.table.core.windows.net",
            client_id="00000000-0000-0000-0000-000000000000",
        ),
    ],
    ids=["emulator", "emulator in other letters", "identity"],
)
def test_connecting_calls_nobody(place: Place, connection: str | ServiceUris) -> None:
    with counting() as calls:
        connect(connection)

    assert calls.total == 0
