"""Whatever is sent: every route of openapi.json answers with what it is for, or says what is wrong.

`LABELRY_LONG_TESTS=1` (`make fuzz`) sends 10,000 requests instead of some hundred.
"""

from __future__ import annotations

import json
import os
import re
from typing import Any

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from functions.openapi import document
from functions.web import ROUTES
from tests.functions.conftest import ADMIN, JSON, Api, api_of, signed_in
from tests.world import World

LONG = bool(os.environ.get("LABELRY_LONG_TESTS"))
A_WORLD = 20
"""Requests that follow each other in one world."""

API = json.loads(document())
OPERATIONS = [
    (path, method.upper(), operation)
    for path, methods in API["paths"].items()
    for method, operation in methods.items()
]
HUGE: list[Any] = [10**400, -(10**30), 1e308, "9" * 5_000, "\x00", "\ufffe", "../..", "a|b", "I|x"]
DEEP = "[" * 3_000 + "]" * 3_000
ODD_TEXT = [
    "",
    " ",
    "*",
    "0",
    "-1",
    "٣",
    "W/",
    "9" * 5_000,
    "é\u200b",
    "\ufffe",
    "L|",
    "a/../b",
    "🦉" * 300,
]

SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=12)
ODD = st.sampled_from(HUGE) | st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=6,
)


def value(schema: dict[str, Any], known: list[str]) -> st.SearchStrategy[Any]:
    """What fits a schema, now and then something else."""
    fitting = _fitting(schema, known)
    return st.integers(0, 14).flatmap(lambda roll: ODD if roll == 0 else fitting)


def _fitting(schema: dict[str, Any], known: list[str]) -> st.SearchStrategy[Any]:
    if "$ref" in schema:
        return _fitting(API["components"]["schemas"][schema["$ref"].rpartition("/")[2]], known)
    if "enum" in schema:
        return st.sampled_from(schema["enum"])
    if "const" in schema:
        return st.just(schema["const"])
    for several in ("anyOf", "oneOf"):
        if several in schema:
            return st.one_of([_fitting(one, known) for one in schema[several]])
    low, high = schema.get("minimum", 0), schema.get("maximum", 2**40)
    match schema.get("type"):
        case "null":
            return st.none()
        case "boolean":
            return st.booleans()
        case "integer":
            return st.integers(low, high) | st.integers(low, min(low + 3, high))
        case "number":
            return st.floats(low, schema.get("maximum", 1.0))
        case "array" if "prefixItems" in schema:
            return st.tuples(
                *(_fitting(prefixItem, known) for prefixItem in schema["prefixItems"])
            ).map(list)
        case "array":
            least = schema.get("minItems", 0)
            items = value(schema.get("items", {}), known)
            return st.lists(items, min_size=least, max_size=least + 2)
        case "object" if "properties" in schema:
            return _object(schema, known)
        case "object":
            inner = schema.get("additionalProperties", {})
            inside = value(inner, known) if isinstance(inner, dict) else ODD
            return st.dictionaries(st.sampled_from(known), inside, max_size=2)
        case "string" if schema.get("format") == "date-time":
            return st.datetimes().map(lambda at: f"{at.isoformat()}Z") | st.just(
                "0001-01-01T00:00:00+14:00"
            )
        case "string":
            return st.sampled_from(known) | st.text(max_size=12)
        case _:
            return ODD


def _object(schema: dict[str, Any], known: list[str]) -> st.SearchStrategy[Any]:
    fields: dict[str, Any] = schema["properties"]
    needed = {name: value(fields[name], known) for name in schema.get("required", [])}
    others = {name: value(field, known) for name, field in fields.items() if name not in needed}
    return st.fixed_dictionaries(needed, optional=others)


def an_api() -> tuple[Api, list[str], list[dict[str, str]]]:
    """An API with a project in work, ids of all that is in it, and people of each kind."""
    api = api_of(World())
    project = api.project(6, task_type="polygons")
    ann = api.member(project, "ann")
    tasks = f"projects/{project}/tasks"
    task = api("POST", tasks, {"request_id": "r1", "size": 3}, who=ann)["task"]
    items = [item["item_id"] for item in task["items"]]
    one = {"item_id": items[0], "outcome": "skipped"}
    submission = {"submission_id": "s1", "classes_version": 1, "items": [one]}
    saved = api("POST", f"{tasks}/{task['task_id']}/submit", submission, who=ann)
    assert saved["results"][0]["status"] == "saved"
    token = api("POST", "tokens", {"name": "robot", "project_id": project, "role": "admin"})
    export = api("POST", f"projects/{project}/exports", {"format": "csv"})
    api.world.drain()
    known = [project, task["task_id"], *items, "c1", "r1", "s1", "photos", "img0001.png", "**/*.*"]
    known += [
        api("GET", "datasets")["items"][0]["dataset_id"],
        token["token_id"],
        export["export_id"],
    ]
    known += [api("GET", "me", who=ann)["user"]]
    people = [ADMIN, ADMIN, ann, signed_in("eve"), {"x-api-key": token["secret"]}, {}]
    return api, known, people


def send(data: st.DataObject, api: Api, known: list[str], people: list[dict[str, str]]) -> None:
    """One request, and what holds of every answer."""
    path, method, operation = data.draw(st.sampled_from(OPERATIONS))
    parameters = operation.get("parameters", [])
    names = [parameter["name"] for parameter in parameters if parameter["in"] == "path"]
    own = {"project_id": known[0], "task_id": known[1], "item_id": known[2], "class_id": "c1"}
    ids = st.sampled_from(known) | st.text(max_size=8)
    params = {
        name: data.draw(
            st.integers(0, 5).flatmap(lambda roll, name=name: _id(roll, name, own, ids))
        )
        for name in names
    }
    words = st.sampled_from(ODD_TEXT) | st.sampled_from(known) | st.text(max_size=12)
    query = {
        parameter["name"]: data.draw(value(parameter["schema"], known).map(_as_text) | words)
        for parameter in parameters
        if parameter["in"] == "query" and data.draw(st.booleans())
    }
    raw = b""
    if "requestBody" in operation:
        schema = operation["requestBody"]["content"]["application/json"]["schema"]
        body = data.draw(value(schema, known))
        raw = data.draw(
            st.integers(0, 19).map(lambda roll: DEEP.encode() if roll == 0 else _as_json(body))
        )
    headers = {
        name: data.draw(words | st.sampled_from(["1", '"1-x"']))
        for name in ("if-match", "idempotency-key", "x-worker", "if-none-match")
        if data.draw(st.integers(0, 2)) == 0
    }
    who = data.draw(st.sampled_from(people))

    name = operation["operationId"]
    answer = api.ask(name, method, params, raw, query, {**JSON, **who, **headers})

    assert answer.status < 500, (method, path, params, query, raw, answer.body)
    if answer.status >= 400:
        assert answer.headers["content-type"] == "application/problem+json"
        assert len(json.dumps(answer.body)) < 50_000
        assert not re.search(r"\b[A-Z]\|", answer["detail"]), "a key of storage"


def _id(roll: int, name: str, own: dict[str, str], ids: st.SearchStrategy[str]) -> Any:
    return ids if roll == 0 or name not in own else st.just(own[name])


def _as_text(one: Any) -> str:
    return one if isinstance(one, str) else json.dumps(one)


def _as_json(body: Any) -> bytes:
    return json.dumps(body).encode()


@settings(
    max_examples=500 if LONG else 25,
    database=None,
    derandomize=not LONG,
    phases=[Phase.generate, Phase.shrink] if LONG else [Phase.generate],
    suppress_health_check=[
        HealthCheck.too_slow,
        HealthCheck.data_too_large,
        HealthCheck.large_base_example,
    ],
)
@given(st.data())
def test_whatever_is_sent_no_route_breaks(data: st.DataObject) -> None:
    api, known, people = an_api()

    for _ in range(A_WORLD):
        send(data, api, known, people)


def test_every_route_is_among_those_that_are_tried() -> None:
    assert {operation["operationId"] for *_, operation in OPERATIONS} >= {
        route.name for route in ROUTES if route.name != "get_openapi"
    }
