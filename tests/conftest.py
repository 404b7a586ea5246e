"""What tests of several folders share: one storage emulator a worker."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from dev.azurite import Azurite


@dataclass(frozen=True)
class TestStorage:
    """A storage account that tests may fill: make names of your own, expect those of others."""

    __test__ = False

    connection_string: str


@pytest.fixture(scope="session")
def azurite() -> Iterator[TestStorage]:
    """The emulator, in memory, started when the first test of this worker asks for it.

    `LABELRY_TEST_STORAGE`, a connection string, takes its place when set.
    """
    if given := os.environ.get("LABELRY_TEST_STORAGE"):
        yield TestStorage(given)
        return
    name = f"azurite-{os.environ.get('PYTEST_XDIST_WORKER', 'tests')}-{os.getpid()}"
    with Azurite.start(name=name) as emulator:
        yield TestStorage(emulator.connection_string)
