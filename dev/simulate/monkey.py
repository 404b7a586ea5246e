"""Whoever kills hosts and jobs while people are simulated who label, and whoever still gets through to them."""

from __future__ import annotations

import json
import os
import random
import re
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from threading import Event, Thread
from types import TracebackType
from typing import Any

import httpx

from dev.child import Child
from dev.client import ApiError, Client
from dev.stack import Stack

PATIENCE_S = 90
"""How long something is asked again while no host can answer it."""

SKEWS_S = (0.0, 1.5)
"""How wrong the clock of each host is."""

GRACE_S = 4
"""More than clocks differ: with one second, leases overlapped by half a second, and that was noticed."""

HIDDEN_S = 15
"""How long what a killed host had in hand is not seen by others; ten minutes in Azure."""

_BETWEEN_S = (5.0, 12.0)
"""Between two kills. A host takes some of it to start."""


def settings(seed: int, number: int, **more: float) -> dict[str, str]:
    """What a host is told of its bad day."""
    told = {"seed": seed * 10 + number, "skew_s": SKEWS_S[number % len(SKEWS_S)], **more}
    return {"LABELRY_FAULTS": json.dumps(told)}


class PatientClient(Client):
    """Asks again while a host is dead or storage is busy: what it asks for is safe to repeat."""

    def call(self, method: str, path: str, body: object = None, **more: Any) -> Any:
        """Call a route."""
        end = time.monotonic() + PATIENCE_S
        while True:
            try:
                return super().call(method, path, body, **more)
            except (ApiError, httpx.TransportError) as error:
                refused = isinstance(error, ApiError) and error.status < 500
                if refused or time.monotonic() > end:
                    raise
            time.sleep(0.3)


class _Troublemaker:
    """Something that makes trouble in a thread of its own, until the context ends."""

    def __init__(self, seed: int) -> None:
        self._chance = random.Random(seed)
        self._over = Event()
        self._thread = Thread(target=self._run, name=type(self).__name__)
        self.kills = 0
        self.failure: BaseException | None = None

    def __enter__(self) -> Any:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._over.set()
        self._thread.join()
        if self.failure:  # whatever else went wrong, it did for that
            raise self.failure

    def _run(self) -> None:
        try:
            self._trouble()
        except BaseException as failure:  # told to whoever waits
            self.failure = failure

    def _trouble(self) -> None:
        raise NotImplementedError


class Monkey(_Troublemaker):
    """Kills the hosts of a system in turn, at random moments, and starts them again. A context manager."""

    def __init__(
        self, system: Stack, seed: int, told: Callable[[int, int], dict[str, str]] = settings
    ) -> None:
        """`told` gives what a host is told, by a seed and its number."""
        super().__init__(seed)
        self._system = system
        self._seed = seed
        self._told = told
        self._hosts = list(system.hosts)

    def _trouble(self) -> None:
        while not self._over.wait(self._chance.uniform(*_BETWEEN_S)):
            number = self._chance.randrange(len(self._hosts))
            host = self._hosts[number]
            host.kill()
            self.kills += 1
            port = int(host.url.rsplit(":", 1)[1])
            told = self._told(self._seed + self.kills, number)
            self._hosts[number] = self._system.add_host(port=port, settings=told)


HELD_S = 6
"""How long a message stays hidden that a killed job had; a minute in Azure."""

_KILLED_AFTER_S = (0.0, 15.0)
"""Of a job's work. Those that are done sooner are not killed."""
MOST_KILLS = 3
"""Of the jobs of one run: five, and it is given up, as it should be."""
_TAKEN = re.compile(r" (\S+) of project \S+, try \d+")
"""How the log tells that a job was begun."""


class JobsMonkey(_Troublemaker):
    """Starts the jobs of assist, kills them at random moments of their work, and starts them again.

    A context manager. `killed` are the runs whose jobs were, and how often.
    """

    def __init__(
        self,
        connection: str,
        seed: int,
        logs: Path,
        told: dict[str, str],
        *,
        most: int = MOST_KILLS,
    ) -> None:
        """Of the storage at `connection`.

        Args:
            connection: to it.
            seed: of chance.
            logs: the folder of their logs.
            told: what they are told of their bad day.
            most: how often the jobs of one run are killed.
        """
        super().__init__(seed)
        self._env = {
            "LABELRY_STORAGE": connection,
            "OMP_NUM_THREADS": os.environ.get("OMP_NUM_THREADS", "1"),
            **told,
        }
        self._logs = logs
        self._most = most
        self.killed: Counter[str] = Counter()

    def _trouble(self) -> None:
        number = 0
        while not self._over.is_set():
            number += 1
            child = Child.start(
                f"gpu-jobs-{number}",
                [sys.executable, "-m", "dev.simulate.bad_jobs", "--watch", "--held", str(HELD_S)],
                log=self._logs / f"gpu-jobs-{number}.log",
                env=self._env,
            )
            try:
                self._until_killed(child)
            finally:
                child.stop(grace_s=5)

    def _until_killed(self, child: Child) -> None:
        """Kill it in the middle of a job, sooner or later."""
        begun = 0
        at = float("inf")
        run_id = ""
        while not self._over.wait(0.1) and child.process.poll() is None:
            taken = _TAKEN.findall(child.log.read_text("utf-8", "replace"))
            if len(taken) > begun:
                begun, run_id = len(taken), taken[-1]
                at = time.monotonic() + self._chance.uniform(*_KILLED_AFTER_S)
            if time.monotonic() >= at and self.killed[run_id] < self._most:
                child.kill()
                self.kills += 1
                self.killed[run_id] += 1
                return
