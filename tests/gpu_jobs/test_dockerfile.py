"""The image of the jobs: what hadolint says of it, and whether what it installs can be installed."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from dev import ROOT

DOCKERFILE = ROOT / "gpu_jobs/Dockerfile"


def installs() -> list[str]:
    """The commands of the image that install packages, each on one line."""
    text = DOCKERFILE.read_text().replace("\\\n", " ")
    commands = [
        one.strip() for run in re.findall(r"^RUN (.*)$", text, re.M) for one in run.split("&&")
    ]
    return [command for command in commands if " install " in command]


def test_hadolint_finds_nothing() -> None:
    program = Path(sys.executable).with_name("hadolint")
    found = subprocess.run([program, DOCKERFILE], capture_output=True, text=True, check=False)
    assert (found.returncode, found.stdout + found.stderr) == (0, "")


def test_it_installs_with_the_uv_that_everything_else_is_installed_with() -> None:
    pinned = re.search(r"^uv==\S+", (ROOT / "dev/requirements.txt").read_text(), re.MULTILINE)
    assert pinned
    assert installs()[0].split()[-1] == pinned[0]


def test_everything_it_copies_is_there_and_let_through() -> None:
    copied = re.findall(r"^COPY (\S+) ", DOCKERFILE.read_text(), re.MULTILINE)
    let_through = (ROOT / "gpu_jobs/Dockerfile.dockerignore").read_text()
    for one in copied:
        assert (ROOT / one).exists()
        assert f"!{one.split('/')[0]}\n" in let_through


@pytest.mark.skipif(
    not os.environ.get("LABELRY_LONG_TESTS"),
    reason="installs gigabytes: set LABELRY_LONG_TESTS=1 to try it",
)
@pytest.mark.timeout(1800)
def test_its_packages_can_be_installed_and_its_program_starts(tmp_path: Path) -> None:
    subprocess.run([sys.executable, "-m", "venv", tmp_path], check=True)
    bin_folder = tmp_path / "bin"
    environment = {**os.environ, "PATH": f"{bin_folder}:{os.environ['PATH']}"}
    for command in installs():
        words = shlex.split(command.replace("--system", f"--python {bin_folder}/python"))
        subprocess.run(words, cwd=ROOT, env=environment, check=True)
    says = subprocess.run(
        [bin_folder / "python", "-m", "gpu_jobs", "--help"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert "--watch" in says.stdout
    for module in ("gpu_jobs.jobs", "gpu_jobs.embed"):
        subprocess.run([bin_folder / "python", "-c", f"import {module}"], cwd=ROOT, check=True)
