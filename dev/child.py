"""A program run beside us: started, awaited, and surely ended."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from dev import ROOT

_POLL_S = 0.05
_LOG_TAIL_LINES = 20


class StartFailed(RuntimeError):
    """A program did not come up; the message says which, why, and what to do."""


@dataclass(frozen=True)
class Child:
    """A running program in a process group of its own, so that Ctrl-C in the terminal
    reaches us alone and we choose the order in which things end."""

    name: str
    process: subprocess.Popen[bytes]
    log: Path

    @classmethod
    def start(
        cls,
        name: str,
        command: Sequence[str | Path],
        *,
        log: Path,
        env: Mapping[str, str] | None = None,
        cwd: Path = ROOT,
    ) -> Child:
        """Start `command`, its output going to `log` (begun anew).

        The thread that calls this must live as long as the program should: Linux counts
        the end of that thread as the death of the parent.
        """
        log.parent.mkdir(parents=True, exist_ok=True)
        tether = [sys.executable, "-I", "-S", Path(__file__).with_name("tether.py")]
        with log.open("wb") as output:
            process = subprocess.Popen(
                [str(word) for word in [*tether, str(os.getpid()), *command]],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env={**os.environ, **(env or {})},
                cwd=cwd,
                start_new_session=True,
            )
        return cls(name, process, log)

    def wait_until(self, ready: Callable[[], bool], *, timeout_s: float) -> None:
        """Return when `ready()` is true; end the program and complain when it never is.

        Raises:
            StartFailed: the program ended by itself, or was not ready in time.
        """
        end = time.monotonic() + timeout_s
        try:
            while not ready():
                if self.process.poll() is not None:
                    raise StartFailed(
                        f"{self.name} ended at once (exit {self.process.returncode}); "
                        f"the end of {self.log}:\n{self.log_tail()}"
                    )
                if time.monotonic() > end:
                    raise StartFailed(
                        f"{self.name} was not ready after {timeout_s:.0f} s; "
                        f"the end of {self.log}:\n{self.log_tail()}"
                    )
                time.sleep(_POLL_S)
        except BaseException:
            self.stop(grace_s=2)
            raise

    def stop(self, *, grace_s: float = 15) -> None:
        """Ask the program to end, wait, and kill what is left of its group. Safe to repeat."""
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(grace_s)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        try:
            os.killpg(self.process.pid, signal.SIGKILL)
        except (ProcessLookupError, PermissionError):  # macOS answers EPERM for a group of zombies
            return

    def kill(self) -> None:
        """End the program as a power cut would: nothing is saved, nobody is told."""
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def log_tail(self) -> str:
        """The last lines the program wrote."""
        lines = self.log.read_text(encoding="utf-8", errors="replace").splitlines()
        return "\n".join(f"  {line}" for line in lines[-_LOG_TAIL_LINES:])


def free_port() -> int:
    """A port of 127.0.0.1 that nobody listens on right now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def port_answers(port: int) -> bool:
    """Whether something listens on this port of 127.0.0.1."""
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0


def require_port(port: int, *, what: str) -> None:
    """Refuse to go on when somebody else has the port.

    Raises:
        StartFailed: it is taken; the message names it.
    """
    if port_answers(port):
        raise StartFailed(
            f"port {port}, wanted for {what}, is in use: another `make demo` may be running. "
            f"End the program that has it (`ss -ltnp 'sport = :{port}'` shows which) "
            "or choose another port."
        )
