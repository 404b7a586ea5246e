"""The tests, Python's and the web app's: `python -m dev.test [--fast] [PYTEST ARGUMENTS]`.

`--fast` leaves out what needs an emulator, a host, a browser or the long proof by a model.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from dev import ROOT

# Each starts an emulator of its own; a module's system is started by one of them.
_WORKERS = ["-n", "2", "--dist", "loadscope", "--no-loadscope-reorder"]
_SLOWEST = "--durations=10"
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


def main(arguments: Sequence[str]) -> int:
    """Run all, whatever fails, and say how each ended; 0 when all passed."""
    given = [one for one in arguments if one != "--fast"]
    chosen = _FAST if "--fast" in arguments else [_SLOWEST]
    runs: list[tuple[str, list[str], Path]] = [
        ("pytest", [sys.executable, "-m", "pytest", *_WORKERS, *chosen, *given], ROOT)
    ]
    if (ROOT / "static_web/package.json").exists():
        runs.append(("web", [shutil.which("npm") or "npm", "test"], ROOT / "static_web"))
    return run_all(runs)


def run_all(runs: Sequence[tuple[str, Sequence[str], Path]]) -> int:
    """Run commands one after another, then print a line for each; 0 when all succeeded.

    Args:
        runs: name, command and working folder of each.
    """
    lines: list[str] = []
    failed = False
    for name, command, folder in runs:
        print(f"\n{name}: {' '.join(command[1:])}", flush=True)
        start = time.monotonic()
        status = subprocess.run(command, cwd=folder, check=False).returncode
        failed = failed or status != 0
        verdict = "passed" if status == 0 else f"FAILED (exit {status})"
        lines.append(f"  {name:<12} {verdict}, {time.monotonic() - start:.0f} s")
    print("\n" + "\n".join(lines), flush=True)
    return int(failed)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
