"""Make pages of docs/, and refuse links that lead nowhere: `python -m dev.pages`.

Sphinx runs in an environment of its own in `.local/pages/env`, from `requirements.txt` beside this file.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from dev.environments import made

ROOT = Path(__file__).resolve().parent.parent.parent
HERE = Path(__file__).parent
HOME = ROOT / ".local/pages"


def main() -> int:
    """Make the pages; the exit status is Sphinx's, which takes a warning for an error."""
    locked = (HERE / "requirements.txt").read_text("utf-8").splitlines()
    python = made(HOME / "env", [one for one in locked if one and not one.lstrip().startswith("#")])
    site = HOME / "site"
    build = [python, "-m", "sphinx", "--fail-on-warning", "--keep-going", "--quiet"]
    ended = subprocess.run([*build, "-c", HERE, "-d", HOME / "parsed", ROOT / "docs", site])
    if ended.returncode == 0:
        print(f"open {(site / 'index.html').relative_to(ROOT)}")
    return ended.returncode


if __name__ == "__main__":
    sys.exit(main())
