"""What tests of several folders share: one storage emulator and one browser a worker."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings

# Each worker has a core or less: threads of torch that wait for each other by spinning take it from
# the other workers. Said before anything imports torch.
os.environ.setdefault("OMP_NUM_THREADS", "1")

from dev.azurite import Azurite
from dev.browser import chromium_launch_options
from labeling import trace

if TYPE_CHECKING:
    from playwright.sync_api import Browser

# How long an example takes says how busy the machine is.
settings.register_profile("labelry", deadline=None)
settings.load_profile("labelry")


TESTS = Path(__file__).parent
LONGEST = [
    "dev/test_killed.py",
    "e2e/test_no_work_is_lost.py",
    "dev/test_simulate.py",
    "gpu_jobs/test_shapes.py",
    "gpu_jobs/test_jobs.py",
    "e2e/test_whole_life.py",
    "e2e/test_accessibility.py",
    "e2e/test_automation.py",
    "e2e/test_admin_pages.py",
]
"""Modules that take minutes, the longest first."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the longest: else two workers wait for the third at the end."""
    rank = {TESTS / name: place for place, name in enumerate(LONGEST)}
    items.sort(key=lambda item: rank.get(item.path, len(rank)))


@dataclass(frozen=True)
class TestStorage:
    """A storage account that tests may fill: make names of your own, expect those of others."""

    __test__ = False

    connection_string: str


@pytest.fixture(autouse=True)
def nothing_began() -> None:
    """Each test begins where nothing was brought about by anything."""
    trace._current.set("")


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """One for all tests of this worker: a second Playwright can't be started beside it."""
    from playwright.sync_api import sync_playwright  # most runs of few tests need none

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(**chromium_launch_options())
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def azurite(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestStorage]:
    """The emulator, in memory, started when the first test of this worker asks for it.

    `LABELRY_TEST_STORAGE`, a connection string, takes its place when set.
    """
    if given := os.environ.get("LABELRY_TEST_STORAGE"):
        yield TestStorage(given)
        return
    with Azurite.start(logs=tmp_path_factory.mktemp("logs")) as emulator:
        yield TestStorage(emulator.connection_string)
