from collections.abc import Iterator
from pathlib import Path
from typing import Protocol
from uuid import uuid4

import pytest
from azure.storage.blob import BlobServiceClient
from azure.storage.queue import QueueServiceClient

from dev.host.settings import HOST_ID_SETTING, HOST_STORAGE
from tests.dev.host.running import Account, Runner


class Azurite(Protocol):
    connection_string: str


@pytest.fixture(scope="session")
def account(azurite: Azurite) -> Iterator[Account]:
    text = azurite.connection_string
    with (
        BlobServiceClient.from_connection_string(text) as blobs,
        QueueServiceClient.from_connection_string(text) as queues,
    ):
        yield Account(text, blobs, queues)


@pytest.fixture
def name() -> str:
    """A name for a queue or a container that nobody else uses."""
    return f"host-{uuid4().hex[:12]}"


@pytest.fixture
def bare(tmp_path: Path) -> Iterator[Runner]:
    """Hosts without storage."""
    runner = Runner(tmp_path, {HOST_ID_SETTING: uuid4().hex})
    runner.write_host_json()
    yield runner
    for host in runner.running:
        host.stop()


@pytest.fixture
def runner(bare: Runner, account: Account) -> Runner:
    """Hosts with the test account as their storage."""
    bare.settings[HOST_STORAGE] = account.connection_string
    return bare
