from __future__ import annotations

import json
from typing import Any

import azure.functions as func
import pytest
from azure.functions.blob import InputStream

from labeling import layout
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
