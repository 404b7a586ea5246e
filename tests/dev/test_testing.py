"""How tests are run: the longest first; what failed beside others runs again alone, and is named either way."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from dev import test as running
from dev.test import Run, run_all
from tests.conftest import LONGEST, TESTS


@pytest.fixture(autouse=True)
def failed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where a run leaves the names of what failed."""
    place = tmp_path / "lastfailed"
    monkeypatch.setattr(running, "_FAILED", place)
    return place


def ending(status: int) -> list[str]:
    return [sys.executable, "-c", f"raise SystemExit({status})"]


def failures(place: Path, count: int) -> None:
    place.write_text(json.dumps({f"tests/test_{n}.py::test_it": True for n in range(count)}))


def test_a_test_that_passes_alone_is_named_and_fails_nothing(
    failed: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    failures(failed, 2)

    assert run_all([Run("pytest", ending(1), again=ending(0))]) == 0

    told = capfd.readouterr().out
    assert "failed beside others, passed alone: tests/test_0.py::test_it" in told
    assert "failed beside others, passed alone: tests/test_1.py::test_it" in told


def test_a_test_that_fails_alone_too_fails_the_run_and_no_other_is_named_so(
    failed: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    failures(failed, 2)
    write = f"__import__('pathlib').Path({str(failed)!r}).write_text"
    alone = [sys.executable, "-c", f"""{write}('{{"tests/test_0.py::test_it": true}}'); exit(1)"""]

    assert run_all([Run("pytest", ending(1), again=alone)]) == 1

    told = capfd.readouterr().out
    assert "FAILED alone: tests/test_0.py::test_it" in told
    assert "passed alone: tests/test_1.py::test_it" in told


@pytest.mark.parametrize("count", [0, 6])
def test_nothing_runs_again_where_many_failed_or_none_is_known(failed: Path, count: int) -> None:
    failures(failed, count)

    assert run_all([Run("pytest", ending(1), again=ending(0))]) == 1


@pytest.mark.parametrize("status", [2, 3, 4])
def test_a_run_that_broke_off_is_not_tried_again(failed: Path, status: int) -> None:
    failures(failed, 1)

    assert run_all([Run("pytest", ending(status), again=ending(0))]) == 1


def test_the_modules_that_are_run_first_are_there() -> None:
    assert [name for name in LONGEST if not (TESTS / name).is_file()] == []
