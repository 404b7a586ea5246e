from __future__ import annotations

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
    assert [one["name"] for one in api("GET", "datasets")["items"]] == ["Owls"]
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

    assert [one["prefix"] for one in top["folders"]] == ["birds/"]
    assert (missing.status, without.status) == (404, 422)
    assert {"location": "photos"} in api("GET", "storage/locations")["items"]


def test_uploads_get_an_address_each(api: Api) -> None:
    made = api("POST", "datasets", {"name": "Mine", "upload": True})["dataset_id"]
    files = [{"path": "a.png", "size": 1}, {"path": "b.exe", "size": 1}]

    answer = api("POST", f"datasets/{made}/uploads", {"files": files})["uploads"]

    assert answer[0]["url"]
    assert answer[1]["refused"]
