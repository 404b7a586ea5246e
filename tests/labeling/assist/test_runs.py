from __future__ import annotations

from datetime import timedelta

import pytest

from labeling.adapters.memory import MemoryStorage, memory_storage
from labeling.assist.runs import LOG_CHARACTERS, LOG_LINES, RunProgress, Runs
from labeling.errors import Conflict, NotFound

P = "p-1"


@pytest.fixture
def storage() -> MemoryStorage:
    return memory_storage()


@pytest.fixture
def runs(storage: MemoryStorage) -> Runs:
    return Runs(storage)


def begun(runs: Runs) -> str:
    run_id = runs.new_id()
    runs.create(P, {"training": run_id}, asked_by="u1")
    return run_id


def test_one_run_of_a_kind_is_active(runs: Runs) -> None:
    first = begun(runs)

    with pytest.raises(Conflict, match=f"a training run is active \\({first}\\)"):
        begun(runs)

    runs.finish(P, first)
    second = begun(runs)
    assert runs.state(P).active == {"training": second}


def test_runs_that_begin_together_begin_all_or_none(runs: Runs) -> None:
    begun(runs)
    validation, training = runs.new_id(), runs.new_id()

    with pytest.raises(Conflict):
        runs.create(P, {"validation": validation, "training": training}, asked_by="u1")

    assert runs.find(P, validation) is None


def test_asking_again_for_the_same_run_gives_the_same(runs: Runs) -> None:
    run_id = begun(runs)

    (again,) = runs.create(P, {"training": run_id}, asked_by="u1")

    assert again == runs.get(P, run_id)


def test_runs_are_listed_newest_first(storage: MemoryStorage, runs: Runs) -> None:
    ids: list[str] = []
    for _ in range(3):
        ids.append(begun(runs))
        runs.finish(P, ids[-1])
        storage.clock.at += timedelta(milliseconds=1)

    assert [run.run_id for run in runs.list(P)] == ids[::-1]


def test_a_run_tells_how_far_it_is_and_what_it_said_last(runs: Runs) -> None:
    run_id = begun(runs)
    runs.start(P, run_id, tries=1)

    for number in range(60):
        progress = RunProgress(done=number, total=60, what="images")
        runs.note(P, run_id, f"line {number} " + "한" * 400, progress=progress)

    run = runs.get(P, run_id)
    assert (run.state, run.progress.done, len(run.log)) == ("running", 59, LOG_LINES)
    assert run.log[-1].text.startswith("line 59")
    assert len(run.log[-1].text) == LOG_CHARACTERS


def test_a_failed_run_keeps_its_reason_and_lets_the_next_one_begin(runs: Runs) -> None:
    run_id = begun(runs)

    runs.fail(P, run_id, "only one class has labels")
    runs.finish(P, run_id)

    run = runs.get(P, run_id)
    assert (run.state, run.reason) == ("failed", "only one class has labels")
    begun(runs)


def test_nothing_moves_in_a_run_that_is_over(runs: Runs) -> None:
    run_id = begun(runs)
    done = runs.finish(P, run_id, metrics={"accuracy": 0.9})

    runs.start(P, run_id, tries=2)
    runs.note(P, run_id, "too late")
    runs.fail(P, run_id, "too late")

    assert runs.get(P, run_id) == done


def test_a_run_that_gives_no_sign_of_life_is_found(storage: MemoryStorage, runs: Runs) -> None:
    run_id = begun(runs)
    storage.clock.at += timedelta(minutes=30)
    assert [run.run_id for run in runs.silent(P, timedelta(minutes=20))] == [run_id]

    runs.note(P, run_id)

    assert runs.silent(P, timedelta(minutes=20)) == []


def test_there_is_no_run_nobody_began(runs: Runs) -> None:
    with pytest.raises(NotFound):
        runs.get(P, "run-none")
