"""Every way in which the API says no has its words in the web app, in both languages."""

from __future__ import annotations

import ast
import json
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from functions.openapi import document
from labeling import errors

ROOT = Path(__file__).parent.parent.parent
LANGUAGES = ("en", "ko")

# What pydantic calls a place that does not keep to a keyword of its schema.
BY_KEYWORD = {
    "additionalProperties": "extra-forbidden",
    "enum": "literal-error",
    "maxItems": "too-long",
    "maxLength": "string-too-long",
    "maximum": "less-than-equal",
    "minItems": "too-short",
    "minLength": "string-too-short",
    "minimum": "greater-than-equal",
    "pattern": "string-pattern-mismatch",
    "required": "missing",
}
BY_VALIDATORS = {"value-error"}


def words(language: str) -> dict[str, dict[str, str]]:
    path = ROOT / f"static_web/src/i18n/{language}.json"
    return json.loads(path.read_text("utf-8"))["problems"]


def failure_types() -> set[str]:
    def below(kind: type[errors.Failure]) -> set[type[errors.Failure]]:
        return {kind}.union(*(below(subclass) for subclass in kind.__subclasses__()))

    return {failure.type for failure in below(errors.Failure)}


@cache
def own_codes() -> set[str]:
    """What `Fault`, `_refused`, `Problem` and `PydanticCustomError` are given as code, everywhere."""
    found: set[str] = set()
    for folder in ("labeling", "functions"):
        for path in (ROOT / folder).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text("utf-8"))):
                if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Name):
                    continue
                given: list[ast.expr] = []
                if node.func.id in ("Fault", "_refused"):
                    given = node.args[1:2]
                if node.func.id == "Problem":
                    given = [keyword.value for keyword in node.keywords if keyword.arg == "type"]
                if node.func.id == "PydanticCustomError":
                    given = node.args[:1]
                found |= {
                    str(one.value).replace("_", "-")
                    for one in given
                    if isinstance(one, ast.Constant)
                }
    return found


@cache
def codes_of_schemas() -> set[str]:
    """What pydantic may find wrong with a request, by the keywords of openapi.json."""
    found: set[str] = set()

    def visit(node: Any) -> None:
        for key, value in node.items() if isinstance(node, dict) else enumerate(node):
            if key in BY_KEYWORD:
                found.add(BY_KEYWORD[key])
            if isinstance(value, dict | list):
                visit(value)

    visit(json.loads(document())["components"]["schemas"])
    return found | BY_VALIDATORS


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_type_of_problem_has_words(language: str) -> None:
    assert set(words(language)["types"]) == failure_types()


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_code_of_a_fault_has_words(language: str) -> None:
    assert len(own_codes()) > 10
    assert set(words(language)["codes"]) == own_codes() | codes_of_schemas()
