from __future__ import annotations

from typing import Any

import pytest

from tests.functions.conftest import Api


def label(api: Api, project: str, number: int, size: int, outcome: str = "labeled") -> list[str]:
    """Label a page; the ids of its items."""
    base = f"projects/{project}"
    task = api("POST", f"{base}/tasks", {"request_id": f"r{number}", "size": size})["task"]
    tag = [{"annotation_id": "a", "class_id": "c1", "geometry": {"kind": "tag"}}]
    ids = [item["item_id"] for item in task["items"]]
    items = [
        {"item_id": one, "outcome": outcome, "annotations": tag if outcome == "labeled" else []}
        for one in ids
    ]
    body = {"submission_id": f"s{number}", "classes_version": 1, "items": items}
    assert api("POST", f"{base}/tasks/{task['task_id']}/submit", body).status == 200
    api.world.wait(1)
    return ids


def sweep(
    api: Api, project: str, since: str = "", **query: str
) -> tuple[list[dict[str, Any]], str]:
    """All pages of a sweep, and the cursor for the next one."""
    found: list[dict[str, Any]] = []
    while True:
        asked = {**query, **({"since": since} if since else {})}
        page = api("GET", f"projects/{project}/changes", query=asked)
        assert page.status == 200, page.body
        found += page["items"]
        since = page["next_cursor"]
        if not page["more"]:
            return found, since


def test_what_was_decided_since_a_cursor_is_told_and_what_was_before_is_not(api: Api) -> None:
    project = api.project(9)
    first = label(api, project, 1, 4)
    api.world.wait(120)
    found, cursor = sweep(api, project)
    api.world.wait(120)
    second = label(api, project, 2, 3, "skipped")
    api.world.wait(120)
    later, cursor = sweep(api, project, cursor)
    api.world.wait(120)
    nothing, _ = sweep(api, project, cursor)

    assert {one["item_id"] for one in found} == set(first)
    assert {one["item_id"]: one["state"] for one in later} == dict.fromkeys(second, "skipped")
    assert nothing == []


def test_a_change_that_was_on_its_way_is_told_later_and_may_come_twice(api: Api) -> None:
    project = api.project(4)
    ids = label(api, project, 1, 2)
    _, cursor = sweep(api, project)

    again, _ = sweep(api, project, cursor)

    assert {one["item_id"] for one in again} == set(ids)


@pytest.mark.parametrize("limit", ["1", "2", "3", "7"])
def test_every_change_is_on_some_page_whatever_its_size(api: Api, limit: str) -> None:
    project = api.project(12)
    ids = {one for number in range(4) for one in label(api, project, number, 3)}

    found, _ = sweep(api, project, limit=limit)

    assert sorted(one["item_id"] for one in found) == sorted(ids)


def test_with_labels_each_labeled_item_has_its_annotations(api: Api) -> None:
    project = api.project(4)
    label(api, project, 1, 2)
    label(api, project, 2, 1, "skipped")

    plain, _ = sweep(api, project)
    full, _ = sweep(api, project, labels="true")

    assert {one["annotations"] is None for one in plain} == {True}
    said = {one["state"]: [two["class_id"] for two in one["annotations"]] for one in full}
    assert said == {"labeled": ["c1"], "skipped": []}


def test_a_sweep_costs_the_same_calls_however_much_is_labeled(api: Api) -> None:
    calls: list[int] = []
    for images in (3, 60):
        project = api.project(images, name=f"of {images}")
        label(api, project, 1, 3)
        sweep(api, project)
        api.world.watch.reset()
        api("GET", f"projects/{project}/changes")
        calls.append(api.world.watch.calls)

    assert calls[0] == calls[1]


@pytest.mark.parametrize("cursor", ["x", "e30", "eyJzaW5jZSI6LTF9", "W10=", "bnVsbA=="])
def test_a_cursor_that_is_none_is_refused(api: Api, cursor: str) -> None:
    project = api.project(1)

    assert api("GET", f"projects/{project}/changes", query={"since": cursor}).status == 422
