from __future__ import annotations

import re

import pytest

from functions.web import ROUTES, Route
from tests.functions.conftest import Api, signed_in

READS = [route for route in ROUTES if route.method == "GET" and not route.anonymous]


def path(route: Route, project: str = "p-unknown") -> str:
    return re.sub(r"{\w+}", "unknown", route.path.replace("{project_id}", project))


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: route.name)
def test_nobody_gets_anywhere_without_signing_in(api: Api, route: Route) -> None:
    answer = api(route.method, path(route), who={})

    assert answer.status == (200 if route.anonymous else 401)


@pytest.mark.parametrize(
    "route", [one for one in ROUTES if "{project_id}" in one.path], ids=lambda route: route.name
)
def test_a_project_of_others_is_told_from_none_by_no_route(api: Api, route: Route) -> None:
    project = api.project(1)
    body = None
    if route.body:
        body = FITTING.get(route.name, {})
    eve = signed_in("eve")

    known = api(route.method, path(route, project), body, who=eve, if_match='"1"')
    unknown = api(route.method, path(route), body, who=eve, if_match='"1"')

    assert (known.status, known.body) == (404, unknown.body)


FITTING: dict[str, object] = {
    "request_task": {"request_id": "r1"},
    "submit_task": {
        "submission_id": "s1",
        "classes_version": 1,
        "items": [{"item_id": "i1", "outcome": "skipped"}],
    },
    "reopen_task": {"request_id": "o1"},
    "put_draft": {"client_id": "t", "seq": 1, "items": []},
    "sign_images": {"item_ids": ["i1"]},
    "reject_items": {"item_ids": ["i1"]},
    "put_prelabels": {"run_id": "run-1", "items": [{"item_id": "i1", "annotations": []}]},
    "add_classes": {"classes": [{"name": "Heron"}]},
    "put_member": {"role": "labeler"},
    "invite_member": {"email": "bob@example.org"},
}


@pytest.mark.parametrize("route", READS, ids=lambda route: route.name)
def test_reading_never_writes(api: Api, route: Route) -> None:
    project = api.project(1)
    api.world.watch.reset()

    api("GET", path(route, project), query={"location": "photos"} if "browse" in route.path else {})

    assert not {"transact", "write", "delete", "send"} & set(api.world.watch.names)
