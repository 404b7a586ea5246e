"""The adapters under contract: the same tests run on storage in memory and on the emulator."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass

import pytest
from azure.data.tables import TableServiceClient
from azure.storage.blob import BlobServiceClient

from labeling.adapters.azure import AzureStorage, connect
from labeling.adapters.memory import MemoryStorage, memory_storage
from labeling.storage import Storage


@dataclass(frozen=True)
class Place:
    """A storage with a table, a container and a name for a queue that nobody else uses."""

    storage: Storage
    table: str
    container: str
    queue: str

    def fresh(self) -> str:
        """A partition nobody has used."""
        return uuid.uuid4().hex


@pytest.fixture(scope="module", params=["memory", "azurite"])
def place(request: pytest.FixtureRequest) -> Place:
    unique = uuid.uuid4().hex[:12]
    if request.param == "memory":
        storage: Storage = memory_storage()
        assert isinstance(storage, MemoryStorage)
        storage.blobs.create(f"c{unique}")
    else:
        connection = request.getfixturevalue("azurite").connection_string
        storage = connect(connection)
        TableServiceClient.from_connection_string(connection).create_table(f"t{unique}")
        BlobServiceClient.from_connection_string(connection).create_container(f"c{unique}")
    return Place(storage, f"t{unique}", f"c{unique}", f"q{unique}")


@pytest.fixture
def azure(request: pytest.FixtureRequest) -> Callable[[], AzureStorage]:
    """Makes storages in the emulator, each with connections of its own."""
    connection = request.getfixturevalue("azurite").connection_string
    return lambda: connect(connection)
