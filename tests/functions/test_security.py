"""Guards of docs/security.md that have no other place."""

from __future__ import annotations

import logging
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, urlsplit

import pytest

from labeling.adapters.azure import connect
from tests.functions.conftest import Api

EMULATOR = "UseDevelopmentStorage=true"


def test_an_example_opens_nothing_but_images_of_the_projects_own_pattern(api: Api) -> None:
    api.world.upload("ours/a.png", "theirs/b.png")
    source = {"container": "photos", "pattern": "ours/**"}
    dataset = api("POST", "datasets", {"name": "ours", "source": source})["dataset_id"]
    wanted = {"name": "Ours", "task_type": "multiclass", "dataset_id": dataset}
    project = api("POST", "projects", {**wanted, "classes": [{"name": "Owl"}, {"name": "Wren"}]})
    api.world.drain()
    place = f"projects/{project['project_id']}"
    who = api.member(project["project_id"], "ann", "admin")

    def shown(path: str) -> int:
        version = api("GET", f"{place}/classes", who=who).headers["etag"]
        change = {"examples": [path]}
        return api("PATCH", f"{place}/classes/c1", change, who=who, if_match=version).status

    assert shown("theirs/b.png") == 422
    assert shown("ours/../theirs/b.png") == 422
    assert shown("ours/a.png") == 200


def test_a_link_is_for_one_blob_one_right_and_two_hours_at_most() -> None:
    blobs = connect(EMULATOR).blobs  # signs without asking anybody
    most = datetime.now(UTC) + timedelta(hours=2, minutes=1)
    reading, _ = blobs.link("photos", "a/b.jpg")
    sending, _ = blobs.upload_link("datasets", "d/c.jpg", overwrite=False)

    for url, right, path in (
        (reading, "r", "/photos/a/b.jpg"),
        (sending, "c", "/datasets/d/c.jpg"),
    ):
        signed = parse_qs(urlsplit(url).query)
        assert urlsplit(url).path.endswith(path)
        assert (signed["sr"], signed["sp"]) == (["b"], [right])
        assert datetime.fromisoformat(signed["se"][0]) <= most


def test_neither_links_nor_secrets_are_logged(api: Api, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    project = api.project(3)
    place = f"projects/{project}"
    token = api("POST", "tokens", {"name": "x", "project_id": project, "role": "admin"})["secret"]
    hook = api("PUT", f"{place}/webhook", {"url": "https://10.0.0.1/x"})["secret"]
    who = {"x-api-key": token}
    api("POST", f"{place}/tasks", {"request_id": "r"}, who=who)
    export = api("POST", f"{place}/exports", {}, who=who)["export_id"]
    api.world.drain()
    api("POST", f"{place}/exports/{export}/link", {}, who=who)
    api("GET", "me", who={"x-api-key": f"{token}x"})
    api("GET", "me", who={"x-authorization": "Bearer abc.def.ghi"})
    api.world.services.progress.on_tick()

    said = "\n".join(f"{record.getMessage()} {record.__dict__}" for record in caplog.records)
    for secret in (token, hook, hook.removeprefix("whsec_"), "memory://", "abc.def.ghi"):
        assert secret not in said


def test_a_link_in_instructions_is_an_address_of_the_web(api: Api) -> None:
    place = f"projects/{api.project(1)}"
    version = api("GET", place).headers["etag"]

    for link in ("javascript:alert(1)", "data:text/html,x", " javascript:alert(1)", "//x"):
        change = {"instructions": {"text": "", "link": link}}
        assert api("PATCH", place, change, if_match=version).status == 422
