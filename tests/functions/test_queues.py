from __future__ import annotations

import json
from pathlib import Path

import pytest
from azure.functions.queue import QueueMessage

from functions.queues import last_try

HOST = json.loads((Path(__file__).parents[2] / "host.json").read_text("utf-8"))
MOST = HOST["extensions"]["queues"]["maxDequeueCount"]


@pytest.mark.parametrize(("tries", "last"), [(1, False), (MOST - 1, False), (MOST, True)])
def test_the_last_try_is_the_one_after_which_the_host_gives_up(tries: int, last: bool) -> None:
    assert last_try(QueueMessage(body=b"{}", dequeue_count=tries)) is last


def test_a_setting_of_the_host_wins_over_its_file(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AzureFunctionsJobHost__extensions__queues__maxDequeueCount", "2")

    assert last_try(QueueMessage(body=b"{}", dequeue_count=2))
    assert not last_try(QueueMessage(body=b"{}", dequeue_count=1))
