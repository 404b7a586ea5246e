"""The tests, Python's and the web app's: `python -m dev.test [--fast] [PYTEST ARGUMENTS]`.

`--fast` leaves out what needs an emulator, a host, a browser, the long proof by a model or a drawn page.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from threading import Lock

from dev import ROOT
from dev.site import WEB

# Three for two cores, since half of the time they wait for browsers and processes. Each starts an
# emulator of its own; a module's system is started by one of them.
_WORKERS = ["-n", "3", "--dist", "loadscope", "--no-loadscope-reorder"]
_SLOWEST = "--durations=10"
# Hundreds of processes start, and torch alone takes each of them five seconds where a shell forbids to
# keep what was compiled.
_ENVIRONMENT = {**os.environ, "PYTHONDONTWRITEBYTECODE": ""}
_FAILED = ROOT / ".pytest_cache/v/cache/lastfailed"
_FEW = 5
"""So many failures may be those of a busy machine; more are the product's."""
_FAST = [
    "tests/test_rules.py",
    "tests/test_dependencies.py",
    "tests/test_docs.py",
    "tests/functions",
    "tests/labeling",
    "tests/contract",
    "-k",
    "not azurite",
    "--ignore=tests/contract/test_azure.py",
]


@dataclass(frozen=True)
class Run:
    """A command that judges something."""

    name: str
    command: Sequence[str]
    folder: Path = ROOT
    again: Sequence[str] = ()
    """Runs what failed once more, alone, where a few tests did; the outcome then is this one's."""


def main(arguments: Sequence[str]) -> int:
    """Run all, whatever fails, and say how each ended; 0 when all passed."""
    given = [argument for argument in arguments if argument != "--fast"]
    fast = "--fast" in arguments
    chosen = _FAST if fast else [_SLOWEST]
    pytest = [sys.executable, "-m", "pytest"]
    again = [] if fast or given else [*pytest, "--last-failed", "--last-failed-no-failures=none"]
    runs = [Run("pytest", [*pytest, *_WORKERS, *chosen, *given], again=again)]
    if (WEB / "package.json").exists():
        units = ["--", "--project", "rules"] if fast else []
        runs.append(Run("web", [shutil.which("npm") or "npm", "test", *units], WEB))
        if (
            not fast
        ):  # browsers are shown the build: else each worker would make it, at the same time
            runs.insert(0, Run("site", [sys.executable, "-m", "dev.site"]))
    return run_all(runs)


def run_all(runs: Sequence[Run], *, at_once: int = 1) -> int:
    """Run commands, then print a line for each, in order; 0 when all succeeded.

    Args:
        runs: of which none needs another's outcome, where several run at once.
        at_once: how many; what each prints is then shown when it ends.
    """
    shown = Lock() if at_once > 1 else None
    with ThreadPoolExecutor(at_once) as pool:
        ended = list(pool.map(partial(_run, shown=shown), runs))
    print("\n" + "\n".join(line for _, line in ended), flush=True)
    return int(any(status for status, _ in ended))


def _run(run: Run, shown: Lock | None) -> tuple[int, str]:
    """The exit status of a command, and what to say of it."""
    heading = f"\n{run.name}: {' '.join(run.command[1:])}"
    start = time.monotonic()
    if shown:
        done = subprocess.run(
            run.command,
            cwd=run.folder,
            env=_ENVIRONMENT,
            check=False,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            errors="replace",
        )
        with shown:
            print(heading, done.stdout, sep="\n", end="", flush=True)
    else:
        print(heading, flush=True)
        done = subprocess.run(run.command, cwd=run.folder, env=_ENVIRONMENT, check=False)
    status, and_alone = done.returncode, ""
    if status == 1 and run.again and 0 < len(failed := _last_failed()) <= _FEW:
        print(f"\n{run.name}, what failed, alone: {' '.join(run.again[1:])}", flush=True)
        status = subprocess.run(run.again, cwd=run.folder, env=_ENVIRONMENT, check=False).returncode
        still = _last_failed() if status else []
        and_alone = "".join(
            f"\n    failed beside others, {'FAILED' if name in still else 'passed'} alone: {name}"
            for name in failed
        )
    verdict = f"FAILED (exit {status})" if status else "passed"
    return status, f"  {run.name:<12} {verdict}, {time.monotonic() - start:.0f} s{and_alone}"


def _last_failed() -> list[str]:
    """What pytest remembers of the run that ended: the tests that failed, by name."""
    return sorted(json.loads(_FAILED.read_text("utf-8"))) if _FAILED.exists() else []


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
