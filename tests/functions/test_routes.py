from __future__ import annotations

import re

import pytest

from functions.web import ROUTES, Route
from labeling.projects.access import RANK, Role
from tests.functions.conftest import Api, signed_in

ROLES = {
    "anyone": """
        GET health
    """,
    "signed_in": """
        GET formats
        GET me
        GET projects
        GET task_types
    """,
    "labeler": """
        GET projects/{project_id}
        GET projects/{project_id}/classes
        POST projects/{project_id}/clicks
        POST projects/{project_id}/fit
        POST projects/{project_id}/images
        GET projects/{project_id}/mine
        GET projects/{project_id}/progress
        GET projects/{project_id}/tasks
        POST projects/{project_id}/tasks
        GET projects/{project_id}/tasks/{task_id}
        PUT projects/{project_id}/tasks/{task_id}/draft
        POST projects/{project_id}/tasks/{task_id}/release
        POST projects/{project_id}/tasks/{task_id}/renew
        POST projects/{project_id}/tasks/{task_id}/reopen
        POST projects/{project_id}/tasks/{task_id}/submit
    """,
    "reviewer": """
        GET projects/{project_id}/agreement/{member_id}/{other_id}
        GET projects/{project_id}/assist
        GET projects/{project_id}/changes
        GET projects/{project_id}/containers
        GET projects/{project_id}/models/{model_id}
        GET projects/{project_id}/runs
        GET projects/{project_id}/runs/{run_id}
        GET projects/{project_id}/exports
        POST projects/{project_id}/exports
        GET projects/{project_id}/exports/{export_id}
        GET projects/{project_id}/exports/{export_id}/difference/{older_id}
        POST projects/{project_id}/exports/{export_id}/difference/{older_id}
        POST projects/{project_id}/exports/{export_id}/link
        GET projects/{project_id}/items
        POST projects/{project_id}/items/accept
        POST projects/{project_id}/items/exclude
        POST projects/{project_id}/items/first
        POST projects/{project_id}/items/answer
        POST projects/{project_id}/items/relabel
        POST projects/{project_id}/items/revert
        POST projects/{project_id}/items/approve
        POST projects/{project_id}/items/reject
        GET projects/{project_id}/items/{item_id}
        GET projects/{project_id}/items/{item_id}/history
        GET projects/{project_id}/items/{item_id}/opinions
        POST projects/{project_id}/items/{item_id}/resolve
        GET projects/{project_id}/sweeps
        POST projects/{project_id}/sweeps
        GET projects/{project_id}/sweeps/{sweep_id}
        POST projects/{project_id}/sweeps/{sweep_id}/resume
    """,
    "admin": """
        DELETE projects/{project_id}
        PATCH projects/{project_id}
        POST projects/{project_id}/classes
        PATCH projects/{project_id}/classes/{class_id}
        POST projects/{project_id}/classes/{class_id}/merge
        DELETE projects/{project_id}/exports/{export_id}
        GET projects/{project_id}/imports
        POST projects/{project_id}/imports
        DELETE projects/{project_id}/imports/{import_id}
        GET projects/{project_id}/imports/{import_id}
        POST projects/{project_id}/imports/{import_id}/start
        GET projects/{project_id}/honeypots
        GET projects/{project_id}/honeypots/{member_id}
        POST projects/{project_id}/honeypots/{member_id}/resume
        POST projects/{project_id}/items/honeypots
        POST projects/{project_id}/invitations
        GET projects/{project_id}/leases
        GET projects/{project_id}/members
        DELETE projects/{project_id}/members/{member_id}
        GET projects/{project_id}/members/{member_id}
        PUT projects/{project_id}/members/{member_id}
        GET projects/{project_id}/tokens
        DELETE projects/{project_id}/tokens/{token_id}
        POST projects/{project_id}/pause
        POST projects/{project_id}/train
        POST projects/{project_id}/prelabels
        POST projects/{project_id}/refresh
        POST projects/{project_id}/resume
        POST projects/{project_id}/runs/{run_id}/again
        GET projects/{project_id}/webhook
        PUT projects/{project_id}/webhook
        DELETE projects/{project_id}/webhook
        GET projects/{project_id}/webhook/deliveries
        POST projects/{project_id}/webhook/deliveries/{delivery_id}/again
        POST projects/{project_id}/webhook/ping
    """,
    "site_admin": """
        GET deleted_projects
        POST deleted_projects/{deleted_id}/restore
        GET datasets
        POST datasets
        POST datasets/preview
        DELETE datasets/{dataset_id}
        GET datasets/{dataset_id}
        PATCH datasets/{dataset_id}
        POST datasets/{dataset_id}/uploads
        POST projects
        GET storage/accounts
        POST storage/accounts
        DELETE storage/accounts/{account}
        GET storage/browse
        GET storage/locations
        POST storage/locations
        GET tokens
        POST tokens
        DELETE tokens/{token_id}
        POST tokens/{token_id}/renew
    """,
}
"""Every route of the API, by what it asks of its caller."""

BELOW: dict[str, Role] = {"reviewer": "labeler", "admin": "reviewer", "site_admin": "admin"}

READS = [route for route in ROUTES if route.method == "GET" and route.role != "anyone"]


def path(route: Route, project: str = "p-unknown") -> str:
    return re.sub(r"{\w+}", "unknown", route.path.replace("{project_id}", project))


def test_each_route_asks_for_the_role_it_is_listed_with() -> None:
    listed = {
        line.strip(): role for role, lines in ROLES.items() for line in lines.strip().splitlines()
    }

    assert {f"{route.method} {route.path}": route.role for route in ROUTES} == listed


def test_who_works_in_a_project_needs_a_role_in_it() -> None:
    in_projects = {one.name for one in ROUTES if "{project_id}" in one.path}

    assert {one.name for one in ROUTES if one.role in RANK} == in_projects


@pytest.mark.parametrize(
    "route", [one for one in ROUTES if one.role in BELOW], ids=lambda route: route.name
)
def test_the_next_smaller_role_is_refused_by_name_before_anything_is_read(
    api: Api, route: Route
) -> None:
    project = api.project(1)
    who = api.member(project, "ann", BELOW[route.role])

    answer = api(route.method, path(route, project), who=who, raw=b"no JSON")

    assert (answer.status, answer["type"]) == (403, "forbidden")
    assert answer["detail"].startswith(f"{route.doing} needs ")


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: route.name)
def test_nobody_gets_anywhere_without_signing_in(api: Api, route: Route) -> None:
    answer = api(route.method, path(route), who={})

    assert answer.status == (200 if route.role == "anyone" else 401)


@pytest.mark.parametrize(
    "route", [one for one in ROUTES if "{project_id}" in one.path], ids=lambda route: route.name
)
def test_a_project_of_others_is_told_from_none_by_no_route(api: Api, route: Route) -> None:
    project = api.project(1)
    eve = signed_in("eve")

    known = api(route.method, path(route, project), {}, who=eve, if_match='"1"')
    unknown = api(route.method, path(route), {}, who=eve, if_match='"1"')

    assert (known.status, known.body) == (404, unknown.body)


@pytest.mark.parametrize("route", READS, ids=lambda route: route.name)
def test_reading_never_writes(api: Api, route: Route) -> None:
    project = api.project(1)
    api.world.watch.reset()

    api("GET", path(route, project), query={"location": "photos"} if "browse" in route.path else {})

    assert not {"transact", "write", "delete", "send"} & set(api.world.watch.names)
