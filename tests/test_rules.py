"""The rules of this repository that a machine can keep."""

from __future__ import annotations

import ast
import itertools
import re
from collections import Counter
from pathlib import Path

import azure.functions as func
import pytest

import function_app
from dev import openapi
from functions.openapi import document
from functions.web import ROUTES
from labeling import layout
from labeling.annotations.shapes import TaskType
from labeling.annotations.task_types import TASK_TYPES
from tests.world import indexed

ROOT = Path(__file__).parent.parent
CORE = sorted(
    path
    for path in (ROOT / "labeling").rglob("*.py")
    if "adapters" not in path.relative_to(ROOT).parts
)


def test_there_is_one_app_and_the_worker_finds_it() -> None:
    apps = [var for var in vars(function_app).values() if isinstance(var, func.FunctionApp)]

    assert apps == [function_app.app]


def test_the_worker_finds_every_function_under_a_name_of_its_own() -> None:
    names = Counter(one.get_function_name() for one in indexed())
    decorated = [
        node.name
        for path in (ROOT / "functions").glob("*.py")
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.FunctionDef)
        and any(
            re.match(r"endpoint\(|bp\.(\w+_trigger|route)\(", ast.unparse(one))
            for one in node.decorator_list
        )
    ]

    assert set(names) == set(decorated)
    assert set(names.values()) == {1}
    assert len(decorated) > 40


def bindings(kind: str) -> list[dict[str, object]]:
    return [
        binding.get_dict_repr()
        for one in indexed()
        for binding in one.get_bindings()
        if binding.get_dict_repr()["type"] == kind
    ]


def http() -> list[tuple[str, str, str]]:
    """Method, route and name of every HTTP function, the anonymous level among them."""
    return [
        (str(method), str(binding.get_dict_repr()["route"]), one.get_function_name())
        for one in indexed()
        for binding in one.get_bindings()
        if binding.get_dict_repr()["type"] == "httpTrigger"
        for method in binding.get_dict_repr()["methods"]
    ]


def overlap(one: str, two: str) -> bool:
    """Whether some path matches both templates; the host compares without regard to case."""
    first, second = one.lower().split("/"), two.lower().split("/")
    return len(first) == len(second) and all(
        a == b or "{" in a or "{" in b for a, b in zip(first, second, strict=True)
    )


def test_no_two_http_functions_answer_the_same_path() -> None:
    clashes = [
        (one, two)
        for one, two in itertools.combinations(http(), 2)
        if one[0] == two[0] and overlap(one[1], two[1])
    ]

    assert clashes == []


def test_every_template_is_plain() -> None:
    for _, route, _ in http():
        assert re.fullmatch(r"[a-z_./]*(\{[a-z_]+\}[a-z_./]*)*", route), route


def test_every_http_function_is_documented_and_the_other_way_round() -> None:
    known = {(route.method, route.path) for route in ROUTES} | {("GET", "openapi.json")}

    assert {(method, route) for method, route, _ in http()} == known


def test_every_queue_has_a_trigger_but_that_of_the_jobs_and_every_trigger_a_queue_of_ours() -> None:
    queues = [str(binding["queueName"]) for binding in bindings("queueTrigger")]

    assert sorted(queues) == sorted({*layout.QUEUES} - {layout.GPU_JOBS_QUEUE})
    assert {str(binding["connection"]) for binding in bindings("queueTrigger")} == {
        "LABELRY_STORAGE"
    }


def test_blobs_are_told_of_and_not_searched_for() -> None:
    assert [binding["source"] for binding in bindings("blobTrigger")] == ["EventGrid"]


@pytest.mark.parametrize("path", CORE, ids=lambda path: str(path.relative_to(ROOT)))
def test_the_core_imports_no_cloud_and_no_web(path: Path) -> None:
    imported = {
        name.split(".")[0] if not name.startswith("labeling.adapters") else name
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        for name in (
            [name.name for name in node.names]
            if isinstance(node, ast.Import)
            else [str(node.module)]
            if isinstance(node, ast.ImportFrom)
            else []
        )
    }

    forbidden = {"azure", "torch", "onnxruntime", "functions", "dev", "function_app"}
    assert not imported & forbidden
    assert not any(one.startswith("labeling.adapters") for one in imported)


def cut_by_hand(source: str) -> list[str]:
    """Where keys of rows are made or taken apart: `"I|..."`, `split("|")`, `key[2:]`."""

    def cuts(node: ast.AST) -> bool:
        match node:
            case ast.Constant(value=str(text)):
                return node not in prose and bool(re.match(r"\w+\|", text))
            case ast.Call(
                func=ast.Attribute(attr="split" | "rsplit" | "partition" | "rpartition"),
                args=[ast.Constant(value="|"), *_],
            ):
                return True
            case ast.Subscript(value=ast.Attribute(attr="key")):
                return True
        return False

    nodes = list(ast.walk(ast.parse(source)))
    prose = {node.value for node in nodes if isinstance(node, ast.Expr)}
    return [f"{node.lineno}: {ast.unparse(node)}" for node in nodes if cuts(node)]


@pytest.mark.parametrize(
    "line",
    ['low = "I|"', 'high = f"A|{kind}|"', '_, user = key.split("|")', "user = row.key[2:]"],
)
def test_a_key_that_is_cut_by_hand_is_found(line: str) -> None:
    assert cut_by_hand(line)


def test_keys_are_made_and_taken_apart_in_the_layout_alone() -> None:
    found = [
        f"{path.relative_to(ROOT)}:{place}"
        for room in ("labeling", "functions", "dev")
        for path in sorted((ROOT / room).rglob("*.py"))
        if path != ROOT / "labeling/layout.py"
        for place in cut_by_hand(path.read_text("utf-8"))
    ]

    assert found == []


def test_every_room_of_the_core_is_under_the_import_contract() -> None:
    contract = (ROOT / "pyproject.toml").read_text("utf-8")
    listed = set(re.findall(r'"labeling\.(\w+)"', contract))

    rooms = {path.relative_to(ROOT / "labeling").parts[0].removesuffix(".py") for path in CORE}
    assert rooms - {"__init__"} <= listed


def test_openapi_is_current() -> None:
    assert openapi.FILE.read_text("utf-8") == document(), "run `make openapi`"


def where() -> list[tuple[str, str]]:
    """Rows of README's table of where things are: what, and each path."""
    text = (ROOT / "README.md").read_text("utf-8")
    section = re.split(r"^#+ .*[Ww]here is.*$", text, maxsplit=1, flags=re.MULTILINE)[1]
    section = re.split(r"^#+ ", section, maxsplit=1, flags=re.MULTILINE)[0]
    rows = [line.split("|") for line in section.splitlines() if line.startswith("|")]
    return [(row[1].strip(), path) for row in rows[2:] for path in re.findall(r"`([^`]+)`", row[2])]


def test_everything_readme_names_is_where_it_says() -> None:
    rows = where()

    assert len(rows) >= 8
    missing = [path for _, path in rows if not list(ROOT.glob(path.split("::")[0].rstrip("/")))]
    assert missing == []


@pytest.mark.parametrize("kind", ["boxes", "polygons"])
def test_the_page_has_the_tools_that_a_kind_of_project_has(kind: TaskType) -> None:
    page = (ROOT / "static_web/src/features/label/canvas/drawing.ts").read_text("utf-8")
    boxes, polygons = page.split("export function toolsOf", 1)[1].split("return [", 2)[1:]
    shown = {"boxes": boxes, "polygons": polygons.split("];", 1)[0]}[kind]

    assert re.findall(r'tool: "(\w+)"', shown) == list(TASK_TYPES[kind].tools)


def test_every_decision_has_a_number_of_its_own() -> None:
    numbers = Counter(path.name[:4] for path in (ROOT / "docs/adr").glob("*.md"))

    assert set(numbers.values()) == {1}, numbers


def pins(path: Path) -> dict[str, set[str]]:
    """The versions that a lock file names, by package."""
    found: dict[str, set[str]] = {}
    for name, version in re.findall(
        r"^([\w.-]+)==([^\s;]+)", path.read_text("utf-8"), re.MULTILINE
    ):
        found.setdefault(name, set()).add(version)
    return found


def test_lock_files_that_are_installed_together_name_the_same_versions() -> None:
    app, dev, jobs = (
        pins(ROOT / path)
        for path in ("requirements.txt", "dev/requirements.txt", "gpu_jobs/requirements.txt")
    )

    for one, two in itertools.combinations((app, dev, jobs), 2):
        assert {name: one[name] for name in one if name in two and one[name] != two[name]} == {}
