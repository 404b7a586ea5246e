"""Holds evaluated resources against Azure's own description of its types.

The description (`arm_types.json`, made from Azure/bicep-types-az) is not in this repository: it is named
by `LABELRY_ARM_TYPES`, or lies in `../shared/reference/` beside the checkout.
"""

from __future__ import annotations

import json
import os
from collections.abc import Generator
from pathlib import Path
from typing import Any

from dev import ROOT
from dev.infra.bicep import Resource, Symbol

_BESIDE = ROOT.parent / "shared/reference/arm_types.json"


def find() -> Path | None:
    """Where the description is on this machine; None when it is not."""
    named = os.environ.get("LABELRY_ARM_TYPES")
    path = Path(named) if named else _BESIDE
    return path if path.exists() else None


class ArmTypes:
    """The types and versions of the description."""

    def __init__(self, path: Path) -> None:
        """Read it."""
        content = json.loads(path.read_text("utf-8"))
        self._resources: dict[str, Any] = content["resources"]
        self._definitions: dict[str, Any] = content["defs"]

    def problems(self, resource: Resource) -> Generator[str]:
        """What of a resource Azure would refuse, or not know."""
        where = f"{resource.file}:{resource.line}: {resource.type}"
        known = self._resources.get(resource.type)
        if known is None:
            yield f"{where}: no such type is known here"
        elif resource.version not in known["types"]:
            yield f"{where}: version {resource.version} is none of {', '.join(known['types'])}"
        elif not resource.existing:
            body = {**resource.body, "name": resource.name}
            top = ("id", "type", "apiVersion")
            for one in self._object(body, known["types"][resource.version], ""):
                if not one.startswith(tuple(f"{name} is required" for name in top)):
                    yield f"{where}: {one}"

    def _object(self, value: dict[str, Any], key: str, path: str) -> Generator[str]:
        definition = self._definitions[key]
        properties: dict[str, Any] = dict(definition.get("props", {}))
        if by := definition.get("by"):
            properties.setdefault(by, {"t": "string", "required": 1})
            chosen = definition["of"].get(value.get(by))
            if chosen is None:
                yield f"{path}{by} is {value.get(by)!r}, not one of {', '.join(definition['of'])}"
                return
            properties = {**properties, **self._definitions[chosen["ref"]].get("props", {})}
        for name, one in properties.items():
            if one.get("required") and name not in value:
                yield f"{path}{name} is required"
        for name, content in value.items():
            if name in properties:
                if properties[name].get("readonly") and content is not None:
                    yield f"{path}{name} can only be read"
                yield from self._value(content, properties[name]["t"], f"{path}{name}")
            elif "more" in definition:
                yield from self._value(content, definition["more"], f"{path}{name}")
            else:
                yield f"{path}{name} is not a property"

    def _value(self, value: Any, wanted: Any, path: str) -> Generator[str]:
        if value is None or isinstance(value, Symbol) or wanted in ("any", "null"):
            return
        if isinstance(wanted, dict) and "ref" in wanted:
            if isinstance(value, dict):
                yield from self._object(value, wanted["ref"], f"{path}.")
            else:
                yield f"{path} is {value!r}, not an object"
        elif isinstance(wanted, dict) and "array" in wanted:
            if not isinstance(value, list):
                yield f"{path} is {value!r}, not an array"
                return
            for place, one in enumerate(value):
                yield from self._value(one, wanted["array"], f"{path}[{place}]")
        elif isinstance(wanted, dict) and "anyOf" in wanted:
            answers = [list(self._value(value, one, path)) for one in wanted["anyOf"]]
            if all(answers):
                yield answers[0][0]
        elif isinstance(wanted, dict) and "enum" in wanted:
            if value not in wanted["enum"]:
                yield f"{path} is {value!r}, not one of {', '.join(map(str, wanted['enum']))}"
        else:
            kind = next(iter(wanted)) if isinstance(wanted, dict) else wanted
            if not isinstance(value, {"string": str, "int": int, "bool": bool}[kind]):
                yield f"{path} is {value!r}, not {kind}"
