from __future__ import annotations

import pytest

from tests.functions.conftest import Api

SOURCE = {"container": "photos", "pattern": "birds/**"}


def test_a_dataset_is_previewed_made_renamed_and_deleted(api: Api) -> None:
    api.world.upload("birds/a.png", "birds/b.txt", "c.png")

    preview = api("POST", "datasets/preview", {"source": SOURCE})
    made = api("POST", "datasets", {"name": "Birds", "source": SOURCE})
    path = f"datasets/{made['dataset_id']}"
    renamed = api("PATCH", path, {"name": "Owls"}, if_match=made.headers["etag"])
    stale = api("PATCH", path, {"name": "Cats"}, if_match=made.headers["etag"])

    assert (preview["images"], preview["skipped"][0]["reason"]) == (1, "not_an_image")
    assert (made.status, renamed["name"], stale.status) == (201, "Owls", 412)
    assert [item["name"] for item in api("GET", "datasets")["items"]] == ["Owls"]
    assert api("DELETE", path).status == 204
    assert api("GET", path).status == 404


def test_a_pattern_that_is_none_is_refused_where_it_stands(api: Api) -> None:
    body = {"name": "x", "source": {"container": "photos", "pattern": "*.png"}}

    answer = api("POST", "datasets", body)

    assert (answer.status, answer["errors"][0]["pointer"]) == (422, "/source/pattern")


def test_storage_is_browsed_by_location_and_folder(api: Api) -> None:
    api.world.upload("birds/a.png", "top.png")

    top = api("GET", "storage/browse", query={"location": "photos"})
    missing = api("GET", "storage/browse", query={"location": "missing"})
    without = api("GET", "storage/browse")

    assert [folder["prefix"] for folder in top["folders"]] == ["birds/"]
    assert (missing.status, without.status) == (404, 422)
    assert {"location": "photos"} in api("GET", "storage/locations")["items"]


UNSTORABLE = ["a\x07", "a\n", "a\x7f", "a\ufffe", "\uffffa", "x" * 1_025]


@pytest.mark.parametrize("name", UNSTORABLE)
def test_what_storage_can_not_take_is_refused_at_every_door(api: Api, name: str) -> None:
    made = api("POST", "datasets", {"name": "Mine", "upload": True})["dataset_id"]
    source = {"container": "photos", "pattern": f"{name}/**"}

    dataset = api("POST", "datasets", {"name": "x", "source": source})
    preview = api("POST", "datasets/preview", {"source": source})
    prefix = api("GET", "storage/browse", query={"location": "photos", "prefix": name})
    cursor = api("GET", "storage/browse", query={"location": "photos", "cursor": name})
    upload = api(
        "POST", f"datasets/{made}/uploads", {"files": [{"path": f"{name[:800]}.png", "size": 1}]}
    )

    assert (dataset.status, dataset["errors"][0]["pointer"]) == (422, "/source/pattern")
    assert preview.status == 422
    assert (prefix.status, prefix["errors"][0]["pointer"]) == (422, "/prefix")
    assert (cursor.status, cursor["errors"][0]["pointer"]) == (422, "/cursor")
    assert len(name) > 800 or "character that storage" in upload["uploads"][0]["refused"]


@pytest.mark.parametrize("location", ["../models", "Photos", "a?b", "$logs", ""])
def test_a_location_is_the_name_of_a_container(api: Api, location: str) -> None:
    assert api("GET", "storage/browse", query={"location": location}).status == 422


@pytest.mark.parametrize(
    "location", ["models", "exports", "manifests", "renditions", "azure-webjobs-secrets"]
)
def test_nobody_looks_into_the_systems_own_containers(api: Api, location: str) -> None:
    source = {"container": location, "pattern": "**/*.*"}

    browsed = api("GET", "storage/browse", query={"location": location})
    dataset = api("POST", "datasets", {"name": "x", "source": source})

    assert browsed.status == 404
    assert (dataset.status, dataset["errors"][0]["code"]) == (422, "reserved")


def test_uploads_get_an_address_each(api: Api) -> None:
    made = api("POST", "datasets", {"name": "Mine", "upload": True})["dataset_id"]
    files = [{"path": "a.png", "size": 1}, {"path": "b.exe", "size": 1}]

    answer = api("POST", f"datasets/{made}/uploads", {"files": files})["uploads"]

    assert answer[0]["url"]
    assert answer[1]["refused"]
