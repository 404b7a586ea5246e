"""Asks what is known of holes in what is installed: `make audit`, by pip-audit and npm.

Exits with 1 where a package has a known hole, and with 2, saying so, where a registry has no advisories to
give: then nobody looked.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dev.environments import made

ROOT = Path(__file__).resolve().parent.parent
TOOL = "pip-audit==2.10.1"
PYTHON_LOCKS = ("requirements.txt", "gpu_jobs/requirements.txt", "dev/requirements.txt")
NPM_LOCKS = ("static_web", "dev/tools")


@dataclass(frozen=True)
class Verdict:
    """What a registry said of a lock file."""

    looked_at: int
    """Packages that advisories could be had of."""
    holes: tuple[str, ...]
    """A sentence for each."""


def main() -> int:
    """Ask for every lock file, and print a line for each and one for each hole."""
    python = made(ROOT / ".local/audit", [TOOL])
    verdicts = {lock: of_pip(_pip_audit(python, lock)) for lock in PYTHON_LOCKS}
    verdicts |= {f"{lock}/package-lock.json": of_npm(_npm_audit(lock)) for lock in NPM_LOCKS}
    for lock, verdict in verdicts.items():
        if verdict.looked_at:
            print(f"{lock}: {verdict.looked_at} packages, {len(verdict.holes)} known holes")
        else:
            print(f"{lock}: this registry has no advisories; ask where it has")
        for hole in verdict.holes:
            print(f"  {hole}")
    if any(verdict.holes for verdict in verdicts.values()):
        return 1
    return 0 if all(verdict.looked_at for verdict in verdicts.values()) else 2


def of_pip(answer: dict[str, Any]) -> Verdict:
    """What `pip-audit --format json` says."""
    asked = [package for package in answer["dependencies"] if "skip_reason" not in package]
    holes = [
        f"{package['name']} {package['version']}: {hole['id']}, mended in {_of(hole['fix_versions'])}"
        for package in asked
        for hole in package["vulns"]
    ]
    return Verdict(len(asked), tuple(holes))


def of_npm(answer: dict[str, Any]) -> Verdict:
    """What `npm audit --json` says; nothing was looked at where the registry refused."""
    if "metadata" not in answer:
        return Verdict(0, ())
    holes = [
        f"{name}: {hole['severity']}, {hole['range']}"
        for name, hole in answer["vulnerabilities"].items()
    ]
    return Verdict(answer["metadata"]["dependencies"]["total"], tuple(holes))


def _of(versions: Sequence[str]) -> str:
    return " or ".join(versions) or "no version yet"


def _pip_audit(python: Path, lock: str) -> dict[str, Any]:
    asked = [python, "-m", "pip_audit", "--requirement", ROOT / lock, "--no-deps", "--disable-pip"]
    return _json([*asked, "--format", "json", "--progress-spinner", "off"], ROOT)


def _npm_audit(folder: str) -> dict[str, Any]:
    return _json([shutil.which("npm") or "npm", "audit", "--json"], ROOT / folder)


def _json(command: Sequence[str | Path], folder: Path) -> dict[str, Any]:
    """Both end with 1 where there is a hole."""
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    try:
        return json.loads(done.stdout)
    except ValueError:
        sys.exit(f"{command[0]} gave no answer:\n{done.stderr}")


if __name__ == "__main__":
    sys.exit(main())
