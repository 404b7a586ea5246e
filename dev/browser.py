"""Which browser the tests drive: Playwright's own where there is one, else the system's."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any

_SYSTEM_PROGRAMS = ("chromium", "chromium-browser", "google-chrome")


def chromium_launch_options() -> dict[str, Any]:
    """What to pass to `playwright.chromium.launch`.

    Raises:
        FileNotFoundError: there is no browser; the message says how to get one.
    """
    # Chromium refuses its sandbox to root, as in a container.
    options: dict[str, Any] = {"args": ["--no-sandbox"] if os.geteuid() == 0 else []}
    if _playwright_has_its_own():
        return options
    for name in _SYSTEM_PROGRAMS:
        if path := shutil.which(name):
            return {**options, "executable_path": path}
    raise FileNotFoundError("no browser: run `python3 dev/install.py test`")


@cache
def _playwright_has_its_own() -> bool:
    # Asked by its command line: a second Playwright cannot be started inside a running one.
    plan = subprocess.run(
        [sys.executable, "-m", "playwright", "install", "--dry-run", "chromium"],
        capture_output=True,
        text=True,
        check=False,
    )
    places = re.findall(r"Install location:\s*(\S.*)", plan.stdout)
    return bool(places) and all(Path(place, "INSTALLATION_COMPLETE").exists() for place in places)
