from __future__ import annotations

from typing import Any

import pytest

from tests.functions.conftest import ADMIN, Api, signed_in


def decided(item: dict[str, Any], class_id: str = "c1") -> dict[str, Any]:
    tag = {"annotation_id": "a1", "class_id": class_id}
    return {"item_id": item["item_id"], "outcome": "labeled", "annotations": [tag]}


def submission(task: dict[str, Any], name: str = "s1", class_id: str = "c1") -> dict[str, Any]:
    items = [decided(item, class_id) for item in task["items"]]
    return {"submission_id": name, "classes_version": 1, "items": items}


def test_a_page_is_asked_for_drafted_submitted_and_reopened(api: Api) -> None:
    project = api.project()
    who = api.member(project, "ann")
    base = f"projects/{project}/tasks"
    task = api("POST", base, {"request_id": "r1", "size": 2}, who=who)["task"]
    path = f"{base}/{task['task_id']}"

    draft = {"client_id": "tab", "seq": 4, "items": [{"item_id": task["items"][0]["item_id"]}]}
    assert api("PUT", f"{path}/draft", draft, who=who)["seq"] == 4
    shown = api("GET", base, who=who, query={"mine": "true", "state": "open"})
    assert shown["items"][0]["draft_seq"] == 4
    older = api("PUT", f"{path}/draft", {**draft, "seq": 3}, who=who)
    assert (older.status, older["newer"]["seq"]) == (409, 4)
    assert api("POST", f"{path}/renew", who=who)["lease"]["renew_after_s"] == 240
    assert api("POST", f"{path}/submit", submission(task), who=who)["task_state"] == "closed"
    recent = api("GET", base, who=who, query={"state": "recent"})["recent"]
    assert [one["task_id"] for one in recent] == [task["task_id"]]
    again = api("POST", f"{path}/reopen", {"request_id": "o1"}, who=who)["task"]
    assert (again["kind"], len(again["items"])) == ("correction", 2)
    given = api("POST", f"{base}/{again['task_id']}/release", who=who)
    assert given["state"] == "closed"


def test_labelers_see_their_own_work(api: Api) -> None:
    project = api.project()
    who = api.member(project, "ann")
    task = api("POST", f"projects/{project}/tasks", {"request_id": "r1", "size": 2}, who=who)
    task = task["task"]
    api("POST", f"projects/{project}/tasks/{task['task_id']}/submit", submission(task), who=who)

    mine = api("GET", f"projects/{project}/mine", who=who)

    assert (mine.status, mine["today"]["images"], mine["returned"]) == (200, 2, [])
    assert [one["classes"] for one in mine["recent"]] == [
        [{"class_id": "c1", "annotations": 1}]
    ] * 2
    assert api("GET", f"projects/{project}/mine")["recent"] == [], "an admin's are the admin's"
    assert api("GET", f"projects/{project}/mine", who=signed_in("eve")).status == 404


def test_a_submission_again_is_answered_the_same_and_another_body_refused(api: Api) -> None:
    project = api.project()
    task = api("POST", f"projects/{project}/tasks", {"request_id": "r1", "size": 2})["task"]
    path = f"projects/{project}/tasks/{task['task_id']}/submit"

    first = api("POST", path, submission(task))
    again = api("POST", path, submission(task))
    other = api("POST", path, submission(task, class_id="c2"))

    assert (again.status, again.body) == (200, first.body)
    assert (other.status, other["type"]) == (422, "invalid")


def test_an_unknown_class_is_refused_where_it_stands(api: Api) -> None:
    project = api.project()
    task = api("POST", f"projects/{project}/tasks", {"request_id": "r1", "size": 2})["task"]

    answer = api(
        "POST",
        f"projects/{project}/tasks/{task['task_id']}/submit",
        submission(task, class_id="c9"),
    )

    assert answer.status == 422
    assert [(error["pointer"], error["code"]) for error in answer["errors"]] == [
        ("/items/0/annotations/0/class_id", "unknown-class"),
        ("/items/1/annotations/0/class_id", "unknown-class"),
    ]


@pytest.mark.parametrize("depth", [50, 400, 900])
def test_an_item_nested_deeper_than_anything_is_refused(api: Api, depth: int) -> None:
    project = api.project()
    task = api("POST", f"projects/{project}/tasks", {"request_id": "r1", "size": 1})["task"]
    deep = b'{"submission_id":"s","classes_version":1,"items":[{"item_id":' + (
        b"[" * depth + b"]" * depth
    )

    answer = api("POST", f"projects/{project}/tasks/{task['task_id']}/submit", raw=deep + b"}]}")

    assert answer.status in (400, 422)


@pytest.mark.parametrize("verb", ["submit", "renew", "release", "reopen", "draft"])
def test_another_labelers_task_does_not_exist(api: Api, verb: str) -> None:
    project = api.project()
    task = api("POST", f"projects/{project}/tasks", {"request_id": "r1", "size": 2})["task"]
    bob = api.member(project, "bob")
    bodies: dict[str, Any] = {
        "submit": submission(task),
        "reopen": {"request_id": "o1"},
        "draft": {"client_id": "t", "seq": 1, "items": []},
    }

    answer = api(
        "PUT" if verb == "draft" else "POST",
        f"projects/{project}/tasks/{task['task_id']}/{verb}",
        bodies.get(verb),
        who=bob,
    )

    assert (answer.status, answer["type"]) == (404, "not-found")


def test_an_admin_releases_anyones_task_and_their_own_twice(api: Api) -> None:
    project = api.project()
    bob = api.member(project, "bob")
    base = f"projects/{project}/tasks"
    theirs = api("POST", base, {"request_id": "r1", "size": 2}, who=bob)["task"]["task_id"]
    mine = api("POST", base, {"request_id": "r1", "size": 2})["task"]["task_id"]
    leases = api("GET", f"projects/{project}/leases")["items"]
    assert {lease["task_id"] for lease in leases} == {theirs, mine}

    for task in (theirs, mine, mine):
        answer = api("POST", f"{base}/{task}/release")
        assert (answer.status, answer["state"]) == (200, "closed")

    assert api("GET", f"projects/{project}/leases")["items"] == []
    assert api("GET", f"projects/{project}/leases", who=bob).status == 403


def test_tasks_of_others_are_not_listed_here(api: Api) -> None:
    project = api.project()

    assert api("GET", f"projects/{project}/tasks", query={"mine": "false"}).status == 422


def test_images_are_signed_for_who_may_see_them(api: Api) -> None:
    project = api.project()
    who = api.member(project, "ann")
    task = api("POST", f"projects/{project}/tasks", {"request_id": "r1", "size": 2}, who=who)
    mine = [item["item_id"] for item in task["task"]["items"]]
    wanted = {"item_ids": [*mine, "unknown"]}

    assert set(api("POST", f"projects/{project}/images", wanted, who=who)["images"]) == set(mine)
    assert set(api("POST", f"projects/{project}/images", wanted)["images"]) == set(mine)
    too_many = {"item_ids": [f"i{n}" for n in range(101)]}
    assert api("POST", f"projects/{project}/images", too_many).status == 422


def test_strangers_find_nothing(api: Api) -> None:
    project = api.project()

    for who, path in ((signed_in("eve"), project), (ADMIN, "p-unknown")):
        answer = api("POST", f"projects/{path}/tasks", {"request_id": "r1"}, who=who)
        assert answer.status == 404
