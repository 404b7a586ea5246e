"""What runs the system is in docs/operations.md: all of it, with the values it has."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from labeling import layout
from labeling.settings import Settings

ROOT = Path(__file__).parent.parent
TEXT = (ROOT / "docs/operations.md").read_text("utf-8")


def section(title: str) -> str:
    """The part of the document below a heading."""
    return re.split(r"^## ", TEXT.split(f"## {title}\n", 1)[1], maxsplit=1, flags=re.MULTILINE)[0]


@pytest.mark.parametrize("name", Settings.model_fields)
def test_every_setting_is_explained(name: str) -> None:
    assert f"| `LABELRY_{name.upper()}` |" in section("Settings")


def test_no_setting_is_explained_that_is_none() -> None:
    explained = re.findall(r"^\| `LABELRY_(\w+)` ", section("Settings"), flags=re.MULTILINE)

    assert {one.lower() for one in explained} == set(Settings.model_fields)


@pytest.mark.parametrize("name", [*layout.QUEUES, *layout.CONTAINERS, *layout.TABLES])
def test_every_queue_container_and_table_is_explained(name: str) -> None:
    rows = re.findall(r"^\| (.*?) \|", section("Queues, containers and tables"), flags=re.MULTILINE)

    assert any(f"`{name}`" in row for row in rows)


TARGETS = re.findall(r"^([a-z-]+):$", (ROOT / "Makefile").read_text("utf-8"), flags=re.MULTILINE)


@pytest.mark.parametrize("target", TARGETS)
def test_every_target_of_make_is_explained(target: str) -> None:
    assert re.search(rf"`make {target}[ `]", section("Commands"))


def test_the_makefile_was_read() -> None:
    assert {"demo", "test", "check"} <= set(TARGETS)


def numbers(content: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Name and value of each number and duration of host.json, a duration as 15 s or 30 min."""
    for name, value in content.items():
        if isinstance(value, dict):
            yield from numbers(value)
        elif isinstance(value, int):
            yield name, str(value)
        elif found := re.fullmatch(r"(\d\d):(\d\d):(\d\d)", str(value)):
            hours, minutes, seconds = map(int, found.groups())
            whole = hours * 60 + minutes
            yield name, f"{seconds} s" if seconds else f"{whole} min"


HOST = dict(numbers(json.loads((ROOT / "host.json").read_text("utf-8"))))


@pytest.mark.parametrize("name", HOST)
def test_every_number_of_host_json_is_explained(name: str) -> None:
    assert re.search(rf"^\|.*`(\w+\.)?{name}` {HOST[name]}\b", section("host.json"), re.MULTILINE)


def test_every_page_is_in_the_contents() -> None:
    index = (ROOT / "docs/index.md").read_text("utf-8")
    listed = set(re.findall(r"^([\w./-]+)$", index, flags=re.MULTILINE))
    pages = {
        str(path.relative_to(ROOT / "docs").with_suffix(""))
        for path in (ROOT / "docs").rglob("*.md")
        if path.parent.name != "adr" and path.name != "index.md"
    }

    assert pages <= listed
