from __future__ import annotations

import importlib.util
import json
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from dev import ROOT


@pytest.fixture
def install() -> ModuleType:
    spec = importlib.util.spec_from_file_location("install", ROOT / "dev/install.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("version", [(3, 10), (3, 14), (2, 7)])
def test_a_python_that_functions_do_not_run_is_refused(
    install: ModuleType, version: tuple[int, int]
) -> None:
    with pytest.raises(install.CannotInstall, match=r"3\.11 to 3\.13"):
        install.check_python(version)


def test_pythons_that_functions_run_pass(install: ModuleType) -> None:
    for minor in (11, 12, 13):
        install.check_python((3, minor))


def program(folder: Path, says: str) -> str:
    file = folder / "node"
    file.write_text(f"#!/bin/sh\necho {says}\n")
    file.chmod(0o755)
    return str(file)


def test_what_is_wrong_with_node_is_said(install: ModuleType, tmp_path: Path) -> None:
    with pytest.raises(install.CannotInstall, match="no `node`"):
        install.check_node(None, None)
    with pytest.raises(install.CannotInstall, match=r"v18\.1\.0.*20 or newer"):
        install.check_node(program(tmp_path, "v18.1.0"), "npm")
    with pytest.raises(install.CannotInstall, match="no `npm`"):
        install.check_node(program(tmp_path, "v20.0.0"), None)
    install.check_node(program(tmp_path, "v22.3.0"), "npm")


@pytest.mark.parametrize(
    ("installed", "current"),
    [
        ({"node_modules/a": {"version": "1"}}, True),
        ({"node_modules/a": {"version": "2"}}, False),
        ({}, False),
        (None, False),
    ],
)
def test_node_packages_are_installed_when_the_lock_file_says_otherwise(
    install: ModuleType, tmp_path: Path, installed: dict[str, Any] | None, current: bool
) -> None:
    wanted = {
        "": {"name": "app"},
        "node_modules/a": {"version": "1"},
        "node_modules/windows-only": {"version": "3", "optional": True},
    }
    (tmp_path / "package-lock.json").write_text(json.dumps({"packages": wanted}))
    (tmp_path / "node_modules").mkdir()
    if installed is not None:
        record = tmp_path / "node_modules/.package-lock.json"
        record.write_text(json.dumps({"packages": installed}))

    assert install.node_packages_are_current(tmp_path) is current
