"""The client's routes are the API's, field by field."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from client import routes
from client.routes import NOTHING, Route

API = json.loads((Path(__file__).parents[2] / "openapi.json").read_text("utf-8"))
ROUTES = {name: var for name, var in vars(routes).items() if isinstance(var, Route)}


def resolved(schema: dict[str, Any], whole: dict[str, Any]) -> dict[str, Any]:
    while "$ref" in schema:
        name = schema["$ref"].rsplit("/", 1)[1]
        schema = (whole.get("$defs") or whole["components"]["schemas"])[name]
    return schema


def kinds(schema: dict[str, Any]) -> set[str]:
    """Which JSON types a schema allows; empty where it does not say."""
    choices = schema.get("anyOf") or schema.get("oneOf") or [schema]
    return {choice["type"] for choice in choices if "type" in choice} | {
        "object" for choice in choices if "$ref" in choice
    }


def choices(schema: dict[str, Any]) -> set[str]:
    """The values a schema names; empty where it takes any."""
    return {schema["const"]} if "const" in schema else set(schema.get("enum", []))


def variants(schema: dict[str, Any], whole: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for one in schema.get("anyOf", [schema]):
        yield resolved(one, whole)


def differences(
    ours: dict[str, Any], theirs: dict[str, Any], mine: dict[str, Any], *, sent: bool, at: str
) -> Iterator[str]:
    """What does not fit between a schema of the client and the server's."""
    narrow, wide = (ours, theirs) if sent else (theirs, ours)
    if kinds(narrow) and kinds(wide) and not kinds(narrow) - {"null"} <= kinds(wide):
        yield f"{at}: {kinds(ours)} here, {kinds(theirs)} there"
    if not sent and "null" in kinds(theirs) and "null" not in kinds(ours):
        yield f"{at}: null is not expected"
    for left in variants(ours, mine):
        for right in variants(theirs, API):
            if left.get("type") != right.get("type"):
                continue
            small, large = (left, right) if sent else (right, left)
            if choices(large) and not (choices(small) and choices(small) <= choices(large)):
                yield f"{at}: {choices(small)} is more than {choices(large)}"
            if "items" in left and "items" in right:
                yield from differences(left["items"], right["items"], mine, sent=sent, at=f"{at}[]")
            if "properties" not in left:
                continue
            known = right.get("properties", {})
            for name, one in left["properties"].items():
                if name not in known:
                    yield f"{at}.{name} is not there"
                else:
                    yield from differences(one, known[name], mine, sent=sent, at=f"{at}.{name}")
            if sent:
                given = set(left["properties"])
                yield from (
                    f"{at}.{name} is missing" for name in set(right.get("required", [])) - given
                )


def of(route: Route[Any]) -> list[str]:
    operation = API["paths"].get(f"/api/{route.path}", {}).get(route.method.lower())
    if operation is None:
        return [f"{route.method} {route.path} is not there"]
    found: list[str] = []
    if route.body:
        ours = route.body.model_json_schema()
        theirs = operation["requestBody"]["content"]["application/json"]["schema"]
        found += differences(ours, theirs, ours, sent=True, at=route.path)
    elif "requestBody" in operation:
        found.append(f"{route.path} takes a body")
    good = next(
        response for status, response in operation["responses"].items() if status.startswith("2")
    )
    if route.answer is NOTHING:
        return [*found, *(["it answers something"] if "content" in good else [])]
    ours = route.answer.model_json_schema(mode="validation")
    theirs = good["content"]["application/json"]["schema"]
    return [*found, *differences(ours, theirs, ours, sent=False, at=route.path)]


@pytest.mark.parametrize("name", ROUTES)
def test_each_route_is_as_the_api_describes_it(name: str) -> None:
    assert of(ROUTES[name]) == []


def test_whatever_may_be_chosen_of_an_export_can_be_chosen_from_a_script() -> None:
    for model, name in (
        (routes.NewExport, "NewExport"),
        (routes.ExportOptions, "Options"),
        (routes.Split, "Split"),
    ):
        assert set(model.model_fields) == set(API["components"]["schemas"][name]["properties"])


class Lines(routes.Read):
    items: list[int]
    more: str


class Odd(routes.Sent):
    name: int


@pytest.mark.parametrize(
    ("route", "what"),
    [
        (Route("GET", "projectz", routes.ProjectList), "is not there"),
        (Route("POST", "projects", routes.Project, Odd), "missing"),
        (Route("GET", "projects", Lines), "more is not there"),
        (Route("GET", "projects", routes.ProjectLine), "name is not there"),
        (Route("POST", "projects", routes.Project), "takes a body"),
    ],
)
def test_a_route_that_is_not_the_apis_is_noticed(route: Route[Any], what: str) -> None:
    assert any(what in one for one in of(route)), of(route)
