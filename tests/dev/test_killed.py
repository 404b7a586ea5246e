"""Jobs of assist are killed as they train: every run ends, and what must not be is seen."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from dev.simulate import killed

Json = dict[str, Any]


@pytest.mark.timeout(1_200)
def test_runs_end_though_jobs_are_killed_as_they_train_and_messages_are_lost(
    tmp_path: Path,
) -> None:
    pytest.importorskip("torch", reason="gpu_jobs/requirements.txt is not installed")
    numbers = tmp_path / "killed.json"

    status = killed.main(
        ["--items", "32", "--short", "--folder", str(tmp_path), "--json", str(numbers)]
    )

    found = json.loads(numbers.read_text("utf-8"))
    assert status == 0, found
    assert found["jobs_killed"] > 0
    assert found["messages_lost"] > 0


def a_run(kind: str = "training", state: str = "done", reason: str = "") -> Json:
    return {"run_id": "r1", "kind": kind, "state": state, "reason": reason}


@pytest.mark.parametrize(
    ("runs", "states", "found"),
    [
        ([a_run()], {"i1": "labeled", "i2": "available"}, ""),
        ([a_run(), a_run("inference", "failed", "gone")], {"i1": "labeled", "i2": "available"}, ""),
        ([a_run(), a_run("inference", "running")], {"i1": "labeled", "i2": "available"}, "unended"),
        ([a_run(), a_run("inference", "failed")], {"i1": "labeled", "i2": "available"}, "unended"),
        ([a_run("training", "failed", "x")], {"i1": "labeled", "i2": "available"}, "untrained"),
        ([a_run()], {"i1": "skipped", "i2": "available"}, "lost"),
        ([a_run()], {"i1": "labeled", "i2": "labeled"}, "miscounted"),
    ],
)
def test_runs_without_an_end_and_labels_without_a_trace_are_seen(
    runs: list[Json], states: dict[str, str], found: str
) -> None:
    judged = killed.judged(runs, {"i1"}, states, {"labeled": 1, "available": 1})

    seen = {name for name, sentences in judged.items() if sentences}
    assert (found in seen) if found else not seen
