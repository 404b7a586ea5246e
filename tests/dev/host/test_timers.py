import json
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import azure.functions as func
import pytest

from dev.host.listeners import Timing
from dev.host.settings import HOST_ID_SETTING, HostError
from dev.host.timers import schedule_of
from tests.dev.host.running import Account, Runner, eventually

HOURLY = "0 0 * * * *"


def on_timer(schedule: str, handle: Callable[[func.TimerRequest], Any], **options: Any):
    """An app with one timer function, which calls `handle`."""
    app = func.FunctionApp()

    @app.timer_trigger("timer", schedule, **options)
    def on_tick(timer: func.TimerRequest) -> None:
        handle(timer)

    return app


def store_status(account: Account, runner: Runner, **status: str) -> None:
    """Leave what an earlier host would have left about its timer."""
    container = account.blobs.get_container_client("azure-webjobs-hosts")
    if not container.exists():
        container.create_container()
    path = f"timers/{runner.settings[HOST_ID_SETTING]}/Host.Functions.on_tick.Listener/status"
    container.upload_blob(path, json.dumps(status))


@pytest.mark.parametrize(
    ("schedule", "expected"),
    [
        ("*/10 * * * * *", "2026-01-01T00:00:10"),  # a Thursday
        ("0 30 9 * * 1-5", "2026-01-01T09:30:00"),
        ("0 0 9 * * Mon", "2026-01-05T09:00:00"),
        ("0 0 0 13 * 5", "2026-02-13T00:00:00"),  # both the day and the weekday
        ("*/5 * * * *", "2026-01-01T00:05:00"),
        ("01:30:00", "2026-01-01T01:30:00"),
    ],
)
def test_a_schedule_gives_the_occurrence_after_a_moment(schedule: str, expected: str) -> None:
    new_year = datetime(2026, 1, 1, tzinfo=UTC)

    assert schedule_of(schedule)(new_year) == datetime.fromisoformat(expected).replace(tzinfo=UTC)


def test_a_schedule_that_cannot_be_read_is_refused() -> None:
    with pytest.raises(HostError, match="every minute"):
        schedule_of("every minute")


def test_two_hosts_run_each_occurrence_once(runner: Runner, account: Account) -> None:
    ticks: list[int] = []
    for _ in range(2):
        app = on_timer("* * * * * *", lambda timer: ticks.append(int(time.time())))
        runner.start(app, Timing(lock_retry_s=0.1))

    eventually(lambda: len(ticks) >= 3)

    assert len(set(ticks)) == len(ticks)


def test_the_second_host_takes_over_when_the_first_stops(runner: Runner, account: Account) -> None:
    first: list[bool] = []
    second: list[bool] = []
    host = runner.start(on_timer("* * * * * *", lambda timer: first.append(True)))
    eventually(lambda: first)
    runner.start(
        on_timer("* * * * * *", lambda timer: second.append(True)), Timing(lock_retry_s=0.1)
    )
    host.stop()

    assert eventually(lambda: second)


def test_missed_occurrences_are_made_up_by_one_run(runner: Runner, account: Account) -> None:
    hour = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
    missed = hour - timedelta(hours=7)
    last = (missed - timedelta(hours=1)).isoformat()
    store_status(account, runner, Last=last, Next=missed.isoformat(), LastUpdated=last)
    runs: list[func.TimerRequest] = []
    runner.start(on_timer(HOURLY, runs.append))

    eventually(lambda: runs)
    time.sleep(0.3)

    assert [run.past_due for run in runs] == [True]
    assert runs[0].schedule_status["Last"] == last


def test_a_changed_schedule_has_missed_nothing(runner: Runner, account: Account) -> None:
    last = datetime.now(UTC).replace(minute=17, second=0, microsecond=0) - timedelta(days=2)
    missed = last + timedelta(minutes=1)  # it ran each minute then
    store_status(
        account,
        runner,
        Last=last.isoformat(),
        Next=missed.isoformat(),
        LastUpdated=last.isoformat(),
    )
    runs: list[func.TimerRequest] = []
    runner.start(on_timer(HOURLY, runs.append))
    time.sleep(0.5)

    assert runs == []


def test_run_on_startup_runs_at_once_and_is_not_past_due(runner: Runner, account: Account) -> None:
    runs: list[func.TimerRequest] = []
    runner.start(on_timer(HOURLY, runs.append, run_on_startup=True))

    assert [run.past_due for run in eventually(lambda: runs)] == [False]


def test_a_failing_run_does_not_end_the_schedule(runner: Runner, account: Account) -> None:
    runs: list[bool] = []

    def fail(timer: func.TimerRequest) -> None:
        runs.append(timer.past_due)
        raise ValueError("this time")

    runner.start(on_timer("* * * * * *", fail))

    eventually(lambda: len(runs) == 2)


def test_a_due_time_is_the_clocks_and_is_remembered(runner: Runner, account: Account) -> None:
    ahead = datetime(2030, 1, 1, 23, 59, 59, 500000, tzinfo=UTC) - datetime.now(UTC)
    runs: list[func.TimerRequest] = []
    runner.start(
        on_timer("0 0 0 * * *", runs.append), Timing(now=lambda: datetime.now(UTC) + ahead)
    )
    eventually(lambda: runs)
    status = account.blobs.get_blob_client(
        "azure-webjobs-hosts",
        f"timers/{runner.settings[HOST_ID_SETTING]}/Host.Functions.on_tick.Listener/status",
    )

    def stored() -> dict[str, str]:
        return json.loads(status.download_blob().readall())

    eventually(lambda: stored()["Next"] == "2030-01-03T00:00:00+00:00")
    assert stored()["Last"].startswith("2030-01-02T00:00:00")
