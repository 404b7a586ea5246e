"""The lines of docs/automation.md do what the page says, on the whole local system."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from dev.samples import compose
from dev.simulate.jobs import running

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docs/automation.md").read_text("utf-8")
LINES = re.findall(r"^```sh\n(.*?)^```", TEXT, re.MULTILINE | re.DOTALL)
SHELL = """
set -eu
labelry() { "$PYTHON" -m client "$@"; }
"""


@pytest.mark.timeout(900)
def test_the_example_makes_fills_labels_trains_and_exports(tmp_path: Path) -> None:
    pytest.importorskip("torch", reason="the job that trains needs torch: make install")
    compose("multiclass", 30, 7, tmp_path / "photos")
    (script,) = LINES
    script = script.replace(".local/", f"{tmp_path}/").replace(".venv/bin/python", '"$PYTHON"')

    with running(tmp_path) as system:
        token = system.admin.call("POST", "/tokens", {"name": "example", "site_admin": True})
        ran = subprocess.run(
            ["bash", "-c", SHELL + script],
            cwd=ROOT,
            env={
                **os.environ,
                "LABELRY_URL": system.url,
                "LABELRY_TOKEN": token["secret"],
                "PHOTOS": str(tmp_path / "photos"),
                "PYTHON": sys.executable,
            },
            capture_output=True,
            text=True,
            timeout=600,
            check=False,
        )

    print(ran.stdout, ran.stderr)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    manifest = json.loads((tmp_path / "things/manifest.json").read_text("utf-8"))
    assert manifest["counts"]["exported"] >= 20
    assert re.search(r"training .*: done", ran.stdout)
    assert "applied" in ran.stdout
