from __future__ import annotations

import json
from typing import Any

import pytest
from azure.functions.queue import QueueMessage

from labeling import layout
from labeling.errors import Unavailable
from labeling.exchange.imports import ImportStep
from tests.functions.conftest import Api

FILE = {
    "images": [{"id": 1, "file_name": "img0000.png"}],
    "categories": [{"id": 1, "name": "Owl"}],
    "annotations": [{"id": 1, "image_id": 1, "category_id": 1}],
}


def brought(api: Api, project: str) -> str:
    """The path of an import whose file is there."""
    made = api("POST", f"projects/{project}/imports", {"file_name": "labels.json"})
    assert made.status == 201
    assert made["url"].startswith("memory://imports/")
    blob = layout.import_blob(project, made["import_id"])
    content = json.dumps(FILE).encode()
    api.world.storage.blobs.write(layout.IMPORTS, blob, content, content_type="application/json")
    return f"projects/{project}/imports/{made['import_id']}"


def test_a_file_is_brought_looked_at_taken_in_and_forgotten(api: Api) -> None:
    project = api.project(1)
    path = brought(api, project)

    looked_at = api("GET", path)
    started = api("POST", f"{path}/start", {})
    api.world.drain()
    done = api("GET", path)

    assert (looked_at["state"], looked_at["guess"]) == ("waiting", "coco")
    assert (started.status, started["state"]) == (202, "reading")
    assert (done["state"], done["saved"]) == ("done", 1)
    assert len(api("GET", f"projects/{project}/imports")["items"]) == 1
    assert api("DELETE", path).status == 204
    assert api("GET", path).status == 404


@pytest.mark.parametrize(
    "options", [{"format": "masks"}, {"into": "both"}, {"unknown_classes": "guess"}, {"more": 1}]
)
def test_options_that_are_none_are_refused(api: Api, options: dict[str, Any]) -> None:
    path = brought(api, api.project(1))

    assert api("POST", f"{path}/start", options).status == 422


@pytest.mark.parametrize(("tries", "state"), [(1, "reading"), (5, "failed")])
def test_a_step_that_fails_is_tried_again_and_fails_at_last(
    api: Api, tries: int, state: str
) -> None:
    project = api.project(1)
    path = brought(api, project)
    api("POST", f"{path}/start", {})
    step = ImportStep(project_id=project, import_id=path.rpartition("/")[2])
    message = QueueMessage(body=step.model_dump_json().encode(), dequeue_count=tries)

    def fail(number: int, name: str, stage: str) -> None:
        if name == "write":
            raise Unavailable("storage did not answer")

    api.world.watch.hook = fail
    with pytest.raises(Unavailable):
        api.handlers["on_import"](message)  # type: ignore[arg-type]
    api.world.watch.reset()

    assert api("GET", path)["state"] == state
