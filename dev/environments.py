"""Environments of their own for programs that Labelry is held against, and that it never imports."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path


def made(home: Path, packages: Sequence[str], without: Sequence[str] = ()) -> Path:
    """The Python of the environment in `home`, which is made where it is not there.

    Args:
        home: its folder; the last part of it is its name.
        packages: requirements, pinned.
        without: packages these ask for and do not need here.
    """
    python = home / "bin/python"
    stamp = home / "installed.json"
    wanted = json.dumps([packages, without])
    if stamp.exists() and stamp.read_text() == wanted:
        return python
    print(f"installing: {home.name}", flush=True)
    uv = [sys.executable, "-m", "uv"]
    subprocess.run([*uv, "venv", "--quiet", "--clear", home], check=True)
    overrides = home / "without.txt"
    overrides.write_text("".join(f"{one}; python_version < '3'\n" for one in without))
    install = [*uv, "pip", "install", "--quiet", "--python", python, "--override", overrides]
    subprocess.run([*install, *packages], check=True)
    stamp.write_text(wanted)
    return python
