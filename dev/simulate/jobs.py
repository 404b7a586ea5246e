"""What the simulations of assist share: a system with real jobs, waiting for runs, the promise, the table."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table
from scipy.special import betainc

from dev.child import Child
from dev.client import Client
from dev.simulate.__main__ import ADMIN
from dev.simulate.labeler import person
from dev.stack import Stack
from labeling.adapters.azure import connect
from labeling.storage import Storage

Json = dict[str, Any]

LABELER = person("labeler-1")

_MOST_WRONG_BY_CHANCE = (
    0.01  # chance of so many wrong suggestions, were the promise kept, that is believed
)


@dataclass
class System:
    """A running system: its storage, and an admin and a labeler at its API."""

    storage: Storage
    admin: Client
    labeler: Client
    url: str
    awaited: set[str] = field(default_factory=set[str])

    def done(self, project_id: str, kind: str, wait_s: float, **like: str) -> Json:
        """The newest run of a kind that was not awaited before, once it is done.

        Raises:
            TimeoutError: it failed, or did not end in time.
        """
        end = time.monotonic() + wait_s
        while time.monotonic() < end:
            runs: list[Json] = self.admin.call("GET", f"/projects/{project_id}/runs")["items"]
            for run in runs:
                fits = run["kind"] == kind and all(run[name] == one for name, one in like.items())
                if fits and run["run_id"] not in self.awaited:
                    if run["state"] == "failed":
                        raise TimeoutError(f"the {kind} failed: {run['reason']}")
                    if run["state"] == "done":
                        self.awaited.add(run["run_id"])
                        return run
            time.sleep(2)
        raise TimeoutError(f"no {kind} was done within {wait_s} s")


@contextmanager
def running(logs: Path, *, jobs: str = "gpu_jobs", **env: str) -> Generator[System]:
    """A system beside which the module `jobs` works as the GPU jobs do.

    Raises:
        StartFailed: a part of the system did not come up.
    """
    with Stack(site=None, logs=logs) as stack:
        child = Child.start(
            "gpu-jobs",
            [sys.executable, "-m", jobs, "--watch"],
            log=logs / "gpu-jobs.log",
            env={
                "LABELRY_STORAGE": stack.connection_string,
                "OMP_NUM_THREADS": os.environ.get("OMP_NUM_THREADS", "1"),
                **env,
            },
        )
        try:
            url = stack.hosts[0].url
            with Client(url, person=ADMIN) as admin, Client(url, person=LABELER) as labeler:
                yield System(connect(stack.connection_string), admin, labeler, url)
        finally:
            child.stop(grace_s=20)


def is_broken(shown: int, wrong: int, *, precision: float) -> bool:
    """Whether so many wrong suggestions can't be, were the precision what was promised."""
    if not wrong:
        return False
    chance = float(betainc(wrong, shown - wrong + 1, 1 - precision))
    return chance < _MOST_WRONG_BY_CHANCE


def print_rounds(title: str, rounds: Sequence[Mapping[str, Any]], broken: Sequence[str]) -> None:
    """A table of the rounds' numbers, and a sentence for each promise that was not kept."""
    console = Console(width=150)
    table = Table(title=title)
    table.add_column("")
    for number in range(len(rounds)):
        table.add_column(f"round {number + 1}", justify="right")
    for name in dict.fromkeys(name for numbers in rounds for name in numbers):
        table.add_row(name, *(str(numbers.get(name, "")) for numbers in rounds))
    console.print(table)
    for sentence in broken:
        console.print(f"  {sentence}", markup=False, highlight=False)
