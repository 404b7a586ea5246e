"""The path that people know an image by: as they uploaded it, on every way in and out."""

from __future__ import annotations

import csv
import io
import json
from typing import Any

import pytest
from azure.functions.queue import QueueMessage

from labeling import layout
from tests.functions.conftest import Api
from tests.world import decided, tag

UPLOADED = "birds/올빼미 1.png"


@pytest.fixture
def dataset(api: Api) -> str:
    api.world.storage.blobs.create(layout.DATASETS)
    dataset = api("POST", "datasets", {"name": "Mine", "upload": True})["dataset_id"]
    api.world.upload(f"{dataset}/{UPLOADED}", f"{dataset}/d-2.png", container=layout.DATASETS)
    return str(dataset)


@pytest.fixture
def project(api: Api, dataset: str) -> str:
    return project_of(api, dataset, examples=[UPLOADED])


def project_of(api: Api, dataset: str, name: str = "Mine", examples: Any = ()) -> str:
    made = api(
        "POST",
        "projects",
        {
            "name": name,
            "task_type": "multiclass",
            "dataset_id": dataset,
            "classes": [{"name": "Owl", "examples": list(examples)}, {"name": "Wren"}],
        },
    )
    assert made.status == 201, made.body
    api.world.drain()
    api.world.wait(6)
    return str(made["project_id"])


def paths(answer: Any) -> list[str]:
    return sorted(item["path"] for item in answer["items"])


def test_an_image_is_found_by_the_path_it_was_uploaded_with(
    api: Api, project: str, dataset: str
) -> None:
    items = f"projects/{project}/items"

    everything = api("GET", items)
    whole = api("GET", items, query={"path": f"{dataset}/{UPLOADED}"})
    named = api("GET", items, query={"path": UPLOADED})
    by_dataset = api("GET", items, query={"name": dataset[:6]})
    changed = api("GET", f"projects/{project}/changes")

    assert paths(everything) == sorted([UPLOADED, "d-2.png"])
    assert paths(named) == paths(whole) == [UPLOADED]
    assert paths(by_dataset) == [], "nobody typed the name of the dataset's folder"
    assert paths(api("GET", items, query={"name": "d-"})) == ["d-2.png"]
    assert api("GET", f"{items}/{named['items'][0]['item_id']}")["path"] == UPLOADED
    assert set(paths(changed)) <= set(paths(everything))


def test_labelers_see_the_path_and_examples_and_suggestions_name_it(api: Api, project: str) -> None:
    suggested = {"path": UPLOADED, "annotations": [{"class": "Owl"}]}
    batch = {"run_id": "r1", "items": [suggested]}

    sent = api("POST", f"projects/{project}/prelabels", batch)
    task = api("POST", f"projects/{project}/tasks", {"request_id": "r1"})["task"]
    (example,) = api("GET", f"projects/{project}/classes")["items"][0]["examples"]

    assert [result["status"] for result in sent["results"]] == ["saved"]
    assert paths(task) == [UPLOADED]
    assert example["path"] == UPLOADED
    assert example["url"].startswith(f"memory://{layout.DATASETS}/d-")


def exported(api: Api, project: str, **asked: Any) -> dict[str, bytes]:
    made = api("POST", f"projects/{project}/exports", asked)["export_id"]
    message = api.world.storage.queues.sent[layout.EXPORT_QUEUE][-1].message
    api.handlers["on_export"](QueueMessage(body=message.model_dump_json().encode()))  # type: ignore[arg-type]
    done = api("GET", f"projects/{project}/exports/{made}")
    return {
        file["name"]: api.world.storage.blobs.read(
            layout.EXPORTS, layout.export_blob(project, made, file["name"])
        )
        for file in done["files"]
    }


def test_exports_name_it_with_the_container_beside_it(api: Api, project: str, dataset: str) -> None:
    task = api("POST", f"projects/{project}/tasks", {"request_id": "r1"})["task"]
    (owl,) = [item["item_id"] for item in task["items"] if item["path"] == UPLOADED]
    answer = {"submission_id": "s1", "classes_version": 1, "items": [decided(owl, tag())]}
    said = api("POST", f"projects/{project}/tasks/{task['task_id']}/submit", answer)
    assert said.status == 200, said.body

    coco = exported(api, project)
    content = json.loads(coco["coco/annotations.json"])
    manifest = json.loads(coco["manifest.json"])
    table = exported(api, project, format="csv")["csv/labels.csv"].decode("utf-8-sig")
    (row,) = csv.DictReader(io.StringIO(table))
    by_address = exported(api, project, format="azureml")["azureml/labels.jsonl"]
    store = "azureml://subscriptions/s/resourcegroups/g/workspaces/w/datastores/uploads"
    by_store = exported(api, project, format="azureml", options={"datastore": store})

    assert [image["file_name"] for image in content["images"]] == [UPLOADED]
    assert content["info"]["labelry_location"] == f"datasets/{dataset}"
    assert (manifest["container"], manifest["folder"]) == ("datasets", f"{dataset}/")
    assert [one["path"] for one in manifest["omitted"]] == ["d-2.png"]
    assert (row["path"], row["location"]) == (UPLOADED, f"datasets/{dataset}")
    # Addresses are whole: who trains fetches the blob by them.
    assert f"/{dataset}/birds/" in json.loads(by_address)["image_url"]
    line = json.loads(by_store["azureml/labels.jsonl"])
    assert line["image_url"] == f"{store}/paths/{dataset}/{UPLOADED}"


def test_exports_of_a_folder_take_its_path_with_or_without_the_datasets(
    api: Api, project: str, dataset: str
) -> None:
    exports = f"projects/{project}/exports"
    for path in ("birds/", f"{dataset}/birds/"):
        made = api("POST", exports, {"format": "csv", "options": {"path": path}})
        assert made.status == 202, made.body
        assert api("GET", f"{exports}/{made['export_id']}")["options"]["path"] == "birds/"


def test_over_two_datasets_paths_stay_whole_and_an_upload_never_begins_with_its_own(
    api: Api, project: str, dataset: str
) -> None:
    other = api("POST", "datasets", {"name": "Other", "upload": True})["dataset_id"]
    api.world.upload(f"{other}/{UPLOADED}", container=layout.DATASETS)
    both = {"container": layout.DATASETS, "pattern": "**/*.*"}
    of_both = api("POST", "datasets", {"name": "Both", "source": both})["dataset_id"]
    over = project_of(api, of_both, "Both")
    files = {"files": [{"path": f"{dataset}/a.png", "size": 1}]}

    refused = api("POST", f"datasets/{dataset}/uploads", files)["uploads"][0]["refused"]

    assert "leave it out" in refused
    assert {f"{dataset}/{UPLOADED}", f"{other}/{UPLOADED}"} <= set(
        paths(api("GET", f"projects/{over}/items"))
    )
    found = api("GET", f"projects/{over}/items", query={"path": UPLOADED})
    assert paths(found) == [], "two images have it: the path alone means neither"


@pytest.mark.parametrize(
    ("pattern", "given", "blob"),
    [
        ("owls/**", "1.png", "owls/1.png"),
        ("owls/**", "owls/1.png", "owls/1.png"),
        ("owls/**", "owls/owls/1.png", "owls/owls/1.png"),
        ("**/*.*", "1.png", "1.png"),
    ],
)
def test_elsewhere_a_path_is_that_of_its_container(
    api: Api, pattern: str, given: str, blob: str
) -> None:
    api.world.upload("owls/1.png", "owls/owls/1.png", "1.png")
    source = {"container": "photos", "pattern": pattern}
    project = project_of(
        api, api("POST", "datasets", {"name": "D", "source": source})["dataset_id"]
    )

    found = api("GET", f"projects/{project}/items", query={"path": given})

    assert paths(found) == [blob]
