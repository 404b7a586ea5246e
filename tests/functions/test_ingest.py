from __future__ import annotations

import json
from typing import Any

import azure.functions as func
import pytest
from azure.functions.blob import InputStream
from azure.functions.queue import QueueMessage

from labeling import layout
from labeling.errors import Unavailable
from tests.functions.conftest import Api
from tests.world import PHOTOS, photo

GRID = {
    "eventType": "Microsoft.Storage.BlobCreated",
    "subject": f"/blobServices/default/containers/{PHOTOS}/blobs/late 새.png",
    "data": {"url": f"https://x.blob.core.windows.net/{PHOTOS}/late%20%EC%83%88.png"},
}
CLOUD = {"type": GRID["eventType"], "subject": GRID["subject"], "data": {}}
OURS = {"container": PHOTOS, "path": "late 새.png"}


def deliver(api: Api, content: Any) -> None:
    message = func.QueueMessage(body=json.dumps(content).encode())
    api.handlers["on_blob_event"](message)  # type: ignore[arg-type]


@pytest.mark.parametrize("content", [GRID, [GRID], CLOUD, OURS, [OURS, GRID]])
def test_an_event_in_any_of_its_forms_makes_an_item(api: Api, content: Any) -> None:
    project = api.project(1)
    api.world.upload("late 새.png")

    deliver(api, content)

    found = api("GET", f"projects/{project}/items", query={"path": "late 새.png"})["items"]
    assert [one["state"] for one in found] == ["available"]


@pytest.mark.parametrize("place", ["topic", "source"])
@pytest.mark.parametrize(("account", "items"), [("memory", 2), ("lab2", 1)])
def test_an_event_of_another_account_is_none_of_a_container_of_the_same_name(
    api: Api, place: str, account: str, items: int
) -> None:
    project = api.project(1)
    api.world.upload("late 새.png")
    topic = f"/subscriptions/s/providers/Microsoft.Storage/storageAccounts/{account}"

    deliver(api, (GRID if place == "topic" else CLOUD) | {place: topic})

    assert api("GET", f"projects/{project}/progress")["total"] == items


@pytest.mark.parametrize("kind", ["Microsoft.Storage.BlobDeleted", "Microsoft.Storage.BlobRenamed"])
def test_an_event_of_a_deletion_flags_the_item(api: Api, kind: str) -> None:
    project = api.project(1)
    api.world.storage.blobs.delete(PHOTOS, "img0000.png")

    subject = f"/blobServices/default/containers/{PHOTOS}/blobs/img0000.png"
    deliver(api, {"eventType": kind, "subject": subject, "data": {}})

    assert api("GET", f"projects/{project}/progress")["flags"] == {"missing": 1}


@pytest.mark.parametrize(
    "content",
    [
        None,
        [],
        "text",
        3,
        {},
        {"eventType": "Microsoft.EventGrid.SubscriptionValidationEvent", "subject": ""},
        {"eventType": "Microsoft.Storage.BlobCreated", "subject": "/blobs/x"},
        {"eventType": "Microsoft.Storage.BlobCreated", "subject": None, "data": None},
    ],
)
def test_what_is_no_event_of_a_blob_is_passed_over(api: Api, content: Any) -> None:
    project = api.project(1)

    deliver(api, content)

    assert api("GET", f"projects/{project}/progress")["total"] == 1


def test_a_blob_that_lands_in_our_own_container_becomes_an_item_and_elsewhere_not(
    api: Api,
) -> None:
    api.world.storage.blobs.create("datasets")
    dataset = api("POST", "datasets", {"name": "Mine", "upload": True})["dataset_id"]
    body = {"name": "Mine", "task_type": "boxes", "dataset_id": dataset}
    project = api("POST", "projects", body)["project_id"]
    api.world.drain()
    api.world.wait(6)
    api.world.upload(f"{dataset}/a.png", container="datasets")

    for name in (f"datasets/{dataset}/a.png", f"photos/{dataset}/a.png"):
        blob = InputStream(data=b"", name=name)
        api.handlers["on_dataset_blob"](blob)  # type: ignore[arg-type]

    assert api("GET", f"projects/{project}/progress")["total"] == 1


def test_a_message_makes_smaller_copies_that_the_next_page_shows(api: Api) -> None:
    api.world.upload("large.png", data=photo(900, 600))
    project = api.project(0)
    (item,) = api("GET", f"projects/{project}/items")["items"]

    message = {"project_id": project, "item_ids": [item["item_id"]]}
    for _ in range(2):
        api.handlers["on_render"](func.QueueMessage(body=json.dumps(message).encode()))  # type: ignore[arg-type]

    answer = api("POST", f"projects/{project}/tasks", {"request_id": "r1"})
    images = answer["task"]["items"][0]["images"]
    assert images["thumbnail"].startswith(f"memory://{layout.RENDITIONS}/")
    assert images["preview"] == images["full"], "900 pixels are no more than a preview has"


def test_the_minute_tick_looks_after_open_tasks(api: Api) -> None:
    project = api.project(2)
    api("POST", f"projects/{project}/tasks", {"request_id": "r1"})
    api.world.wait(700)

    api.handlers["on_tick"](None)  # type: ignore[arg-type]

    assert api("GET", f"projects/{project}/progress")["states"] == {"available": 2}


def starting(api: Api) -> str:
    """A project just made, whose first message waits."""
    api.world.upload("a.png", "b.png")
    source = {"container": PHOTOS, "pattern": "**/*.*"}
    dataset = api("POST", "datasets", {"name": "Birds", "source": source})["dataset_id"]
    wanted = {"name": "Birds", "task_type": "multiclass", "dataset_id": dataset}
    made = api("POST", "projects", {**wanted, "classes": [{"name": "Owl"}, {"name": "Wren"}]})
    return str(made["project_id"])


HANDLERS = {
    layout.REFRESH_QUEUE: "on_refresh",
    layout.REGISTER_QUEUE: "on_register",
    layout.MEASURE_QUEUE: "on_measure",
    layout.START_OVER_QUEUE: "on_start_over",
    layout.SWEEP_QUEUE: "on_sweep",
    layout.ASK_QUEUE: "on_ask",
    layout.WEBHOOKS_QUEUE: "on_webhook",
}


def drop_behind_the_last_try(api: Api, queue: str) -> None:
    """What the host does with the first message of a queue: five tries, each met by the same failure."""
    body = api.world.storage.queues.sent[queue].popleft().message.model_dump_json().encode()
    for tries in range(1, 6):
        message = QueueMessage(body=body, dequeue_count=tries)
        with pytest.raises(Unavailable):
            api.handlers[HANDLERS[queue]](message)  # type: ignore[arg-type]


def down(*_: object, **__: object) -> None:
    raise Unavailable("storage answered 500")


def until(api: Api, queue: str) -> None:
    """Handle messages until one waits in this queue."""
    queues = api.world.storage.queues.sent
    while not queues[queue]:
        name, waiting = next((name, waiting) for name, waiting in queues.items() if waiting)
        api.world.handle(name, waiting.popleft().message)


def test_a_listing_that_failed_to_the_end_is_told_and_gone_on_with(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = starting(api)
    with monkeypatch.context() as broken:
        broken.setattr(api.world.storage.blobs, "list", down)
        drop_behind_the_last_try(api, layout.REFRESH_QUEUE)

    seen = api("GET", f"projects/{project}")
    assert seen["state"] == "failed"
    assert "could not be listed: storage answered 500" in seen["state_reason"]
    progress = api("GET", f"projects/{project}/progress")
    assert progress["refresh"]["state"] == "failed"
    assert "could not be listed" in progress["refresh"]["problem"]

    assert api("POST", f"projects/{project}/refresh").status == 202
    api.world.drain()
    api.world.wait(6)

    assert api("GET", f"projects/{project}")["state"] == "running"
    assert api("GET", f"projects/{project}/progress")["total"] == 2


def test_a_registration_that_failed_to_the_end_is_gone_on_with_by_the_next_refresh(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = starting(api)
    until(api, layout.REGISTER_QUEUE)
    with monkeypatch.context() as broken:
        broken.setattr(api.world.storage.tables, "transact", down)
        body = api.world.storage.queues.sent[layout.REGISTER_QUEUE][0].message
        for tries in range(1, 5):
            message = QueueMessage(body=body.model_dump_json().encode(), dequeue_count=tries)
            with pytest.raises(Unavailable):
                api.handlers["on_register"](message)  # type: ignore[arg-type]
    api.world.storage.queues.sent[layout.REGISTER_QUEUE].popleft()
    with monkeypatch.context() as broken:
        broken.setattr(api.world.services.ingest, "on_register", down)
        message = QueueMessage(body=body.model_dump_json().encode(), dequeue_count=5)
        with pytest.raises(Unavailable):
            api.handlers["on_register"](message)  # type: ignore[arg-type]

    assert "could not be registered" in api("GET", f"projects/{project}")["state_reason"]

    api("POST", f"projects/{project}/refresh")
    api.world.drain()
    api.world.wait(6)

    assert api("GET", f"projects/{project}")["state"] == "running"
    assert api("GET", f"projects/{project}/progress")["states"] == {"available": 2}


def test_images_that_could_not_be_read_are_told_of_and_read_by_the_next_refresh(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = starting(api)
    until(api, layout.MEASURE_QUEUE)
    with monkeypatch.context() as broken:
        broken.setattr(api.world.storage.blobs, "read", down)
        drop_behind_the_last_try(api, layout.MEASURE_QUEUE)

    progress = api("GET", f"projects/{project}/progress")
    assert progress["refresh"]["state"] == "done"
    assert "headers of some images could not be read" in progress["refresh"]["problem"]
    assert progress["queues"] == {layout.UNMEASURED: 2}

    api("POST", f"projects/{project}/refresh")
    api.world.drain()
    api.world.wait(6)

    progress = api("GET", f"projects/{project}/progress")
    assert progress["refresh"]["problem"] == ""
    assert progress["queues"] == {layout.MANUAL: 2}


def give_up(api: Api, monkeypatch: pytest.MonkeyPatch, queue: str) -> None:
    """All tries of the first message of a queue fail where items are to be read, or a page is to be called."""
    own = api.world.services
    with monkeypatch.context() as broken:
        for what, name in (
            (own.starting_over, "on_start_over"),
            (own.sweeps, "on_sweep"),
            (own.asking, "on_ask"),
            (own.webhooks, "on_deliver"),
        ):
            broken.setattr(what, name, down)
        drop_behind_the_last_try(api, queue)


def test_starting_over_that_failed_to_the_end_is_told_and_resumed(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = api.project(2)
    added = {"classes": [{"name": "Robin"}], "then": "start_over_keeping"}
    api("POST", f"projects/{project}/classes", added)
    give_up(api, monkeypatch, layout.START_OVER_QUEUE)

    seen = api("GET", f"projects/{project}")
    assert seen["state"] == "updating"
    assert "labeled again: storage answered 500. Resume to go on" in seen["state_reason"]

    assert api("POST", f"projects/{project}/resume")["state_reason"] == ""
    api.world.drain()
    api.world.wait(6)

    seen = api("GET", f"projects/{project}")
    assert (seen["state"], seen["state_reason"]) == ("running", "")


def test_a_change_of_many_images_that_failed_to_the_end_is_told_and_resumed(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = api.project(2)
    sweeps = f"projects/{project}/sweeps"
    api("POST", sweeps, {"sweep_id": "w1", "filter": {}, "do": {"what": "first"}})
    give_up(api, monkeypatch, layout.SWEEP_QUEUE)

    stopped = api("GET", f"{sweeps}/w1")
    assert (stopped["problem"], stopped["finished_at"]) == ("storage answered 500", None)

    assert api("POST", f"{sweeps}/w1/resume")["problem"] == ""
    api.world.drain()

    done = api("GET", f"{sweeps}/w1")
    assert (done["done"], done["problem"]) == (2, "")
    assert done["finished_at"]


def test_images_that_could_not_be_made_for_more_people_are_told_of_and_gone_on_with_by_the_next_refresh(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = api.project(2)
    more = {"overlap": {"labelers": 2}}
    version = str(api("GET", f"projects/{project}")["version"])
    assert api("PATCH", f"projects/{project}", more, if_match=version).status == 200
    give_up(api, monkeypatch, layout.ASK_QUEUE)

    problem = api("GET", f"projects/{project}/progress")["refresh"]["problem"]
    assert "for as many people as before: storage answered 500. Refresh to go on" in problem

    api("POST", f"projects/{project}/refresh")
    api.world.drain()

    opened = api.world.services.projects.get(project)
    assert {len(item.lanes) for item in api.world.items(opened).values()} == {2}
    assert api("GET", f"projects/{project}/progress")["refresh"]["problem"] == ""


def test_a_delivery_that_could_not_even_be_tried_has_failed_and_is_begun_anew(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = api.project(1)
    hook = f"projects/{project}/webhook"
    api("PUT", hook, {"url": "https://example.org/labelry"})
    api("POST", f"{hook}/ping")
    give_up(api, monkeypatch, layout.WEBHOOKS_QUEUE)

    (failed,) = api("GET", f"{hook}/deliveries")["items"]
    assert (failed["state"], failed["problem"]) == ("failed", "storage answered 500")

    again = api("POST", f"{hook}/deliveries/{failed['delivery_id']}/again")
    assert (again.status, again["state"]) == (202, "waiting")
    assert api.world.storage.queues.sent[layout.WEBHOOKS_QUEUE]


@pytest.mark.parametrize("kind", ["jpeg", "png"])
def test_a_small_file_that_is_cut_off_is_flagged_though_no_copy_is_made_of_it(
    api: Api, kind: str
) -> None:
    whole = photo(60, 40, kind)
    api.world.upload(f"whole.{kind}", data=whole)
    api.world.upload(f"cut.{kind}", data=whole[:-8])
    project = api.project(0)

    found = api("GET", f"projects/{project}/items")["items"]

    assert {(one["path"], one["state"], one["flag"]) for one in found} == {
        (f"whole.{kind}", "available", ""),
        (f"cut.{kind}", "available", "damaged"),
    }
    assert api("GET", f"projects/{project}/progress")["flags"] == {"damaged": 1}
