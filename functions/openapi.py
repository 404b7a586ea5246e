"""openapi.json, made of the routes and the models they name."""

from __future__ import annotations

import json
import re
from functools import cache
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from functions.web import ROUTES, Route

PROBLEM: dict[str, Any] = {
    "type": "object",
    "description": "RFC 9457. `retry`: `same` send it again, `later` read and decide anew, `never`. "
    "`errors` are the first 20 of `error_count`.",
    "required": ["type", "title", "status", "detail", "errors", "error_count", "retry"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["pointer", "code", "detail"],
                "properties": {
                    "pointer": {"type": "string"},
                    "code": {"type": "string"},
                    "detail": {"type": "string"},
                },
            },
        },
        "error_count": {"type": "integer"},
        "retry": {"type": "string", "enum": ["never", "same", "later"]},
    },
}


@cache
def document() -> str:
    """The OpenAPI 3.1 document of all registered routes, as JSON text."""
    bodies = {route.documented for route in ROUTES if route.documented}
    answers = {route.answer for route in ROUTES if route.answer}
    wanted = [(model, "validation") for model in sorted(bodies, key=lambda m: m.__name__)]
    wanted += [(model, "serialization") for model in sorted(answers, key=lambda m: m.__name__)]
    refs, schemas = models_json_schema(
        wanted,  # type: ignore[arg-type]
        ref_template="#/components/schemas/{model}",
    )
    paths: dict[str, dict[str, Any]] = {}
    for route in sorted(ROUTES, key=lambda route: (route.path, route.method)):
        paths.setdefault(f"/api/{route.path}", {})[route.method.lower()] = _operation(route, refs)
    whole = {
        "openapi": "3.1.0",
        "info": {"title": "Labelry", "version": "1"},
        "paths": paths,
        "components": {
            "schemas": {**schemas.get("$defs", {}), "ProblemDetails": PROBLEM},
            "securitySchemes": {"token": {"type": "apiKey", "in": "header", "name": "X-Api-Key"}},
        },
        "security": [{"token": []}],
    }
    return json.dumps(whole, indent=1, ensure_ascii=False, sort_keys=False) + "\n"


def _operation(route: Route, refs: dict[Any, Any]) -> dict[str, Any]:
    parameters: list[dict[str, Any]] = [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
        for name in re.findall(r"{(\w+)}", route.path)
    ]
    if route.query:
        parameters += _query(route.query)
    operation: dict[str, Any] = {
        "operationId": route.name,
        "summary": route.summary,
        "x-role": route.role,
        "responses": {
            "default": {
                "description": "why not",
                "content": {
                    "application/problem+json": {
                        "schema": {"$ref": "#/components/schemas/ProblemDetails"}
                    }
                },
            }
        },
    }
    if parameters:
        operation["parameters"] = parameters
    if route.role == "anyone":
        operation["security"] = []
    if route.documented:
        operation["requestBody"] = {
            "required": True,
            "content": {"application/json": {"schema": refs[route.documented, "validation"]}},
        }
    if route.answer:
        operation["responses"][str(route.status)] = {
            "description": "done",
            "content": {"application/json": {"schema": refs[route.answer, "serialization"]}},
        }
    else:
        operation["responses"]["204"] = {"description": "done"}
    return operation


def _query(model: type[BaseModel]) -> list[dict[str, Any]]:
    schema = model.model_json_schema()
    return [
        {"name": name, "in": "query", "required": False, "schema": _without_null(property_)}
        for name, property_ in schema["properties"].items()
    ]


def _without_null(schema: dict[str, Any]) -> dict[str, Any]:
    """A query parameter is there or not; it is never null."""
    kinds = [kind for kind in schema.get("anyOf", []) if kind != {"type": "null"}]
    return kinds[0] if len(kinds) == 1 else {k: v for k, v in schema.items() if k != "default"}
