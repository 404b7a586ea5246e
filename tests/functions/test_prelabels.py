from __future__ import annotations

from typing import Any

import pytest

from tests.functions.conftest import Api, signed_in


def batch(*items: dict[str, Any], run: str = "run-1") -> dict[str, Any]:
    return {"run_id": run, "items": list(items)}


def suggest(path: str, name: str = "Owl") -> dict[str, Any]:
    return {"path": path, "annotations": [{"class": name, "confidence": 0.8}]}


def test_a_script_suggests_and_a_labeler_sees_it(api: Api) -> None:
    project = api.project(3)
    token = {"name": "model", "project_id": project, "role": "reviewer"}
    key = {"x-api-key": api("POST", "tokens", token)["secret"]}

    answer = api(
        "POST",
        f"projects/{project}/prelabels",
        batch(suggest("img0001.png"), suggest("img0002.png", "Emu"), suggest("other.png")),
        who=key,
    )

    assert answer.status == 200
    saved, refused, unknown = answer["results"]
    assert (saved["status"], unknown["status"]) == ("saved", "unknown_item")
    assert refused["problem"]["pointer"] == "/items/1/annotations/0/class"
    who = api.member(project, "ann")
    task = api("POST", f"projects/{project}/tasks", {"request_id": "r1"}, who=who)["task"]
    assert task["kind"] == "prelabeled"
    assert [item["prelabel"] for item in task["items"]] == [
        {
            "run_id": "run-1",
            "annotations": [
                {
                    "annotation_id": "p1",
                    "class_id": "c1",
                    "confidence": 0.8,
                    "frame": 0,
                    "geometry": {"kind": "tag"},
                    "attributes": {},
                }
            ],
        }
    ]


@pytest.mark.parametrize(("role", "status"), [("labeler", 403), ("reviewer", 403), ("admin", 200)])
def test_of_people_only_admins_suggest(api: Api, role: str, status: int) -> None:
    project = api.project(1)
    who = api.member(project, "ann", role)

    answer = api("POST", f"projects/{project}/prelabels", batch(suggest("img0000.png")), who=who)

    assert answer.status == status


@pytest.mark.parametrize(("role", "status"), [("labeler", 403), ("reviewer", 200), ("admin", 200)])
def test_of_tokens_those_that_may_review_suggest(api: Api, role: str, status: int) -> None:
    project = api.project(1)
    token = {"name": "model", "project_id": project, "role": role}
    key = {"x-api-key": api("POST", "tokens", token)["secret"]}

    answer = api("POST", f"projects/{project}/prelabels", batch(suggest("img0000.png")), who=key)

    assert answer.status == status


def test_a_batch_that_cannot_be_read_is_refused_whole(api: Api) -> None:
    project = api.project(1)
    route = f"projects/{project}/prelabels"

    for body in ({"run_id": "a b", "items": [{}]}, {"run_id": "r", "items": []}, {"items": [{}]}):
        assert api("POST", route, body).status == 422
    assert api("POST", route, batch(suggest("img0000.png")), who=signed_in("eve")).status == 404
