from __future__ import annotations

import json
import re
from typing import Any

import azure.functions as func

from functions.openapi import document
from functions.web import ROUTES
from tests.functions.conftest import Api


def whole() -> dict[str, Any]:
    return json.loads(document())


def test_every_route_is_described_with_its_parameters() -> None:
    paths = whole()["paths"]

    for route in ROUTES:
        operation = paths[f"/api/{route.path}"][route.method.lower()]
        assert operation["operationId"] == route.name
        assert operation["summary"]
        told = {
            parameter["name"]
            for parameter in operation.get("parameters", [])
            if parameter["in"] == "path"
        }
        assert told == set(re.findall(r"{(\w+)}", route.path))
        assert ("requestBody" in operation) == (route.body is not None)
        assert "default" in operation["responses"]


def test_every_reference_leads_somewhere() -> None:
    schemas = whole()["components"]["schemas"]

    referred = set(re.findall(r"#/components/schemas/([^\"]+)", document()))

    assert referred <= set(schemas)
    assert {"Submission", "ProblemDetails", "TaskAnswer"} <= set(schemas)


def test_what_can_be_asked_without_signing_in_says_so() -> None:
    operations = [
        (path, method) for path, methods in whole()["paths"].items() for method in methods.values()
    ]

    assert {path for path, one in operations if one.get("security") == []} == {"/api/health"}


def test_the_description_is_served(api: Api) -> None:

    request = func.HttpRequest(method="GET", url="http://test/api/openapi.json", body=b"")

    assert api.handlers["get_openapi"](request).get_body().decode() == document()
