"""A copy of what is deployed, to spoil."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

import pytest

from dev import ROOT
from dev.infra.rules import Facts, problems
from tests.world import indexed

Spoil = Callable[[str, str, str], list[str]]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Without the grammar of Bicep nothing of this can be read."""
    if find_spec("tree_sitter_bicep") is None:
        why = pytest.mark.skip(reason="tree-sitter-bicep is not installed: run `make install`")
        for item in items:
            if "tests/infra" in str(item.path):
                item.add_marker(why)


@pytest.fixture(scope="session")
def functions() -> frozenset[str]:
    """Names of the functions of the app."""
    return frozenset(str(one.get_function_name()) for one in indexed())


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A checkout of the deployment alone."""
    shutil.copytree(ROOT / "infra", tmp_path / "infra")
    (tmp_path / "labeling").mkdir()
    shutil.copy(ROOT / "labeling/layout.json", tmp_path / "labeling")
    shutil.copy(ROOT / "azure.yaml", tmp_path)
    return tmp_path


@pytest.fixture
def spoil(copy: Path, functions: frozenset[str]) -> Spoil:
    """Replace a text of a file, which must be there, and say what the checks find."""

    def spoiled(file: str, old: str, new: str) -> list[str]:
        path = copy / file
        text = path.read_text("utf-8")
        assert old in text, f"{file} has no {old!r}"
        path.write_text(text.replace(old, new), "utf-8")
        return problems(Facts(copy, functions))

    return spoiled
