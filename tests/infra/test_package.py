"""What is deployed to the Functions app, and which onnxruntime is in it."""

from __future__ import annotations

from pathlib import Path

import pytest

from dev import ROOT
from dev.infra import package

LOCKED = "numpy==2.5.5\nonnxruntime-gpu==1.31.1 ; python_full_version >= '3.11'\nonnx==1.20\n"


def test_without_a_gpu_the_same_version_is_taken_that_needs_none() -> None:
    chosen = package.requirements(LOCKED, "cpu")

    assert chosen == LOCKED.replace("onnxruntime-gpu==", "onnxruntime==")


def test_for_a_gpu_what_is_locked_stays() -> None:
    assert package.requirements(LOCKED, "gpu") == LOCKED


def test_what_other_systems_lock_stays_beside_it() -> None:
    both = (
        "onnxruntime==1.31.1 ; sys_platform != 'linux'\n"
        "onnxruntime-gpu==1.31.1 ; sys_platform == 'linux'\n"
    )

    assert package.requirements(both, "cpu") == both.replace("onnxruntime-gpu", "onnxruntime")


def test_funcignore_lets_the_product_in_and_nothing_else() -> None:
    let_in = package.included((ROOT / ".funcignore").read_text("utf-8"))

    assert sorted(let_in) == ["function_app.py", "functions", "host.json", "labeling"]
    assert all((ROOT / name).exists() for name in let_in)


def test_libraries_of_another_python_are_refused(tmp_path: Path) -> None:
    (tmp_path / "core.cpython-311-x86_64-linux-gnu.so").touch()

    with pytest.raises(package.CannotPackage, match="another Python"):
        package.check(tmp_path, "cpu")


def test_the_wrong_onnxruntime_is_refused_and_never_are_there_both(tmp_path: Path) -> None:
    (tmp_path / "onnxruntime_gpu-1.31.1.dist-info").mkdir()

    package.check(tmp_path, "gpu")
    with pytest.raises(package.CannotPackage, match="although inference is on cpu"):
        package.check(tmp_path, "cpu")

    (tmp_path / "onnxruntime-1.31.1.dist-info").mkdir()
    with pytest.raises(package.CannotPackage, match="although inference is on gpu"):
        package.check(tmp_path, "gpu")


def test_every_import_of_the_product_is_deployed_with_it() -> None:
    """The folders that functions import are let in."""
    let_in = package.included((ROOT / ".funcignore").read_text("utf-8"))
    ours = {path.name for path in ROOT.iterdir() if (path / "__init__.py").exists()}
    used = {
        name
        for folder in ("functions", "labeling")
        for path in (ROOT / folder).rglob("*.py")
        for name in ours
        if f"\nfrom {name}" in (text := path.read_text("utf-8")) or f"\nimport {name}" in text
    }

    assert used <= set(let_in)
