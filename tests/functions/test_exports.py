from __future__ import annotations

import pytest
from azure.functions.queue import QueueMessage

from labeling import layout
from labeling.errors import Unavailable
from tests.functions.conftest import Api


def queued(api: Api, tries: int = 1) -> QueueMessage:
    message = api.world.storage.queues.sent[layout.EXPORT_QUEUE][0].message
    return QueueMessage(body=message.model_dump_json().encode(), dequeue_count=tries)


def test_an_export_is_asked_for_made_linked_and_deleted(api: Api) -> None:
    project = api.project(2)
    path = f"projects/{project}/exports"

    asked = api("POST", path, {}, idempotency_key="k")
    again = api("POST", path, {}, idempotency_key="k")
    waiting = api("POST", f"{path}/{asked['export_id']}/link", {})
    api.handlers["on_export"](queued(api))  # type: ignore[arg-type]
    done = api("GET", f"{path}/{asked['export_id']}")
    link = api("POST", f"{path}/{asked['export_id']}/link", {})

    assert (asked.status, again["export_id"]) == (202, asked["export_id"])
    assert (waiting.status, done["state"], done["items"]) == (409, "done", 2)
    assert link["url"].startswith("memory://exports/")
    assert [item["state"] for item in api("GET", path)["items"]] == ["done"]
    assert api("DELETE", f"{path}/{asked['export_id']}").status == 204
    assert api("GET", f"{path}/{asked['export_id']}").status == 404


def test_a_moment_is_a_time_with_its_zone_and_not_to_come(api: Api) -> None:
    project = api.project(1)

    for moment in ("2026-01-01T10:00:00", "yesterday", "2999-01-01T00:00:00Z", 1e30):
        assert api("POST", f"projects/{project}/exports", {"as_of": moment}).status == 422
    assert api("POST", f"projects/{project}/exports", {"format": "masks"}).status == 422


@pytest.mark.parametrize(("tries", "state"), [(1, "waiting"), (4, "waiting"), (5, "failed")])
def test_an_export_that_fails_is_tried_again_and_fails_at_last(
    api: Api, tries: int, state: str
) -> None:
    project = api.project(1)
    asked = api("POST", f"projects/{project}/exports", {})["export_id"]
    message = queued(api, tries)

    def fail(number: int, name: str, stage: str) -> None:
        if name == "write":
            raise Unavailable("storage did not answer")

    api.world.watch.hook = fail
    with pytest.raises(Unavailable):
        api.handlers["on_export"](message)  # type: ignore[arg-type]
    api.world.watch.reset()

    assert api("GET", f"projects/{project}/exports/{asked}")["state"] == state
