"""Installs what is missing, and nothing when nothing is: `python3 dev/install.py demo|jobs|test`.

Runs on the bare interpreter, before there is an environment: the standard library alone. What was
installed is remembered in `.local/installed.json`, by the hash of the requirements. Torch, which the GPU jobs
need, is several gigabytes: a demonstration starts without, and `jobs` brings it while that runs.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
STAMP = ROOT / ".local/installed.json"
VENV = ROOT / ".venv"
PYTHON = VENV / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
REQUIREMENTS = (ROOT / "dev/requirements.txt", ROOT / "requirements.txt")
JOBS = ROOT / "gpu_jobs/requirements.txt"
NODE_FROM = 20
SYSTEM_BROWSERS = ("chromium", "chromium-browser", "google-chrome")


class CannotInstall(Exception):
    """The message says what is missing and what to do about it."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Install for the purpose named; the exit status is 0, or 1 when a person must act."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("purpose", choices=["demo", "jobs", "test"], help="tests need all of it")
    purpose: str = parser.parse_args(arguments).purpose
    try:
        check_python(sys.version_info[:2])
        if purpose == "jobs":
            python_packages(jobs=True)
            return 0
        check_node(shutil.which("node"), shutil.which("npm"))
        python_packages(jobs=purpose == "test")
        node_packages(ROOT / "dev/tools")
        if (ROOT / "static_web/package.json").exists():
            node_packages(ROOT / "static_web")
        if purpose == "test":
            browser()
    except CannotInstall as error:
        print(f"cannot install: {error}", file=sys.stderr)
        return 1
    except subprocess.CalledProcessError as error:
        print(f"cannot install: {error}; its output is above", file=sys.stderr)
        return 1
    return 0


def check_python(version: Sequence[int]) -> None:
    """Refuse what the Functions runtime does not run."""
    if not (3, 11) <= tuple(version) <= (3, 13):
        found = ".".join(map(str, version))
        raise CannotInstall(
            f"this is Python {found}, and Azure Functions runs 3.11 to 3.13; install one of them "
            "and name it: `make demo PYTHON=python3.12`"
        )


def check_node(node: str | None, npm: str | None) -> None:
    """Refuse to go on without a Node.js that is new enough, and npm."""
    advice = f"install Node.js {NODE_FROM} or newer (https://nodejs.org)"
    if not node:
        raise CannotInstall(f"there is no `node`; {advice}")
    version = subprocess.run([node, "--version"], capture_output=True, text=True, check=True).stdout
    found = re.match(r"v(\d+)", version)
    if not found or int(found[1]) < NODE_FROM:
        raise CannotInstall(f"`node` is {version.strip()}; {advice}")
    if not npm:
        raise CannotInstall("there is `node` but no `npm`; install npm (Debian: `apt install npm`)")


def python_packages(*, jobs: bool) -> None:
    """Make `.venv` and bring it to what the requirements say, with `jobs` those of the GPU jobs too."""
    wanted = {
        str(file.relative_to(ROOT)): hashlib.sha256(file.read_bytes()).hexdigest()
        for file in (*REQUIREMENTS, *([JOBS] if jobs else []))
    }
    installed = _installed()
    if PYTHON.exists() and wanted.items() <= installed.items():
        return
    print("installing: Python packages" + (", torch among them" if jobs else ""), flush=True)
    pinned = re.search(r"^uv==\S+", REQUIREMENTS[0].read_text(), re.MULTILINE)
    if not pinned:
        raise CannotInstall("dev/requirements.txt does not pin uv; compile it again")
    if not PYTHON.exists():
        made = subprocess.run([sys.executable, "-m", "venv", VENV], check=False)
        if made.returncode:
            raise CannotInstall("no environment could be made (Debian: `apt install python3-venv`)")
    run([PYTHON, "-m", "pip", "install", "--quiet", pinned[0]])
    uv = [PYTHON, "-m", "uv", "pip", "install", "--quiet", "--python", PYTHON]
    run([*uv, "-r", REQUIREMENTS[0], *(["-r", JOBS] if jobs else [])])
    STAMP.parent.mkdir(exist_ok=True)
    STAMP.write_text(json.dumps(installed | wanted))


def _installed() -> dict[str, str]:
    """The hash of each file of requirements that was installed."""
    try:
        known = json.loads(STAMP.read_text())
    except (OSError, ValueError):
        return {}
    return known if isinstance(known, dict) else {}


def node_packages(folder: Path) -> None:
    """Bring `node_modules` to exactly what the lock file says."""
    if node_packages_are_current(folder):
        return
    print(f"installing: {folder.relative_to(ROOT)}/node_modules", flush=True)
    run(["npm", "ci", "--no-audit", "--no-fund", "--loglevel", "error"], cwd=folder)


def node_packages_are_current(folder: Path) -> bool:
    """Whether npm's own record of what it installed agrees with the lock file."""
    record = folder / "node_modules/.package-lock.json"
    if not record.exists():
        return False
    installed = _packages(record)
    return all(
        installed.get(path, {}).get("version") == package.get("version")
        for path, package in _packages(folder / "package-lock.json").items()
        if path.startswith("node_modules/")
        and not (package.get("optional") or package.get("devOptional"))  # of other systems
    )


def _packages(lock: Path) -> dict[str, dict[str, Any]]:
    return json.loads(lock.read_text(encoding="utf-8"))["packages"]


def browser() -> None:
    """The system's Chromium, else Playwright's own, else Debian's; and a Korean font for it."""
    missing: list[str] = []
    if not any(map(shutil.which, SYSTEM_BROWSERS)) and not playwright_browser():
        missing.append("chromium")
    if not has_korean_font():
        missing.append("fonts-nanum")
    if not missing:
        return
    apt = shutil.which("apt-get")
    am_root = hasattr(os, "geteuid") and os.geteuid() == 0
    sudo = [] if am_root else [path] if (path := shutil.which("sudo")) else None
    if not apt or sudo is None:
        raise CannotInstall(
            f"the tests need {' and '.join(missing)}, and there is no apt-get, or no right to use "
            "it, to get them; install a Chromium and a Korean font, then run this again"
        )
    print(f"installing: {' '.join(missing)}", flush=True)
    environment = [*sudo, "env", "DEBIAN_FRONTEND=noninteractive"]
    run([*environment, apt, "update", "-q"])
    run([*environment, apt, "install", "-q", "-y", "--no-install-recommends", *missing])


def playwright_browser() -> bool:
    """Whether Playwright's own Chromium can be had here, and starts."""
    start = (
        "from playwright.sync_api import sync_playwright\n"
        "with sync_playwright() as p: p.chromium.launch(args=['--no-sandbox']).close()"
    )
    commands = (["-m", "playwright", "install", "chromium"], ["-c", start])
    if all(not subprocess.run([PYTHON, *words], check=False).returncode for words in commands):
        return True
    # One that does not start, for want of system libraries, would be taken for a good one later.
    subprocess.run([PYTHON, "-m", "playwright", "uninstall"], check=False)
    return False


def has_korean_font() -> bool:
    """Without one, pages show boxes instead of Hangul."""
    if sys.platform != "linux":
        return True
    listing = shutil.which("fc-list")
    if not listing:
        return False
    fonts = subprocess.run([listing, ":lang=ko"], capture_output=True, text=True, check=False)
    return bool(fonts.stdout.strip())


def run(command: Sequence[str | Path], cwd: Path = ROOT) -> None:
    """Run to the end; raises CalledProcessError when it fails."""
    subprocess.run([str(word) for word in command], cwd=cwd, check=True)


if __name__ == "__main__":
    sys.exit(main())
