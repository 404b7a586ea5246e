from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from dev import ROOT
from dev.child import Child, StartFailed

SLEEPER = "import time; print('up', flush=True); time.sleep(600)"


def test_a_program_that_ends_at_once_is_reported_with_its_last_words(tmp_path: Path) -> None:
    child = Child.start(
        "talker",
        [sys.executable, "-c", "raise SystemExit('no such thing')"],
        log=tmp_path / "talker.log",
    )

    with pytest.raises(StartFailed, match="no such thing"):
        child.wait_until(lambda: False, timeout_s=20)


def test_a_program_that_does_not_listen_is_killed(tmp_path: Path) -> None:
    deaf = f"import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); {SLEEPER}"
    child = Child.start("deaf", [sys.executable, "-c", deaf], log=tmp_path / "deaf.log")
    child.wait_until(lambda: "up" in child.log_tail(), timeout_s=20)

    child.stop(grace_s=0.2)

    assert child.process.returncode == -signal.SIGKILL


@pytest.mark.skipif(sys.platform != "linux", reason="Linux alone tells children of a death")
def test_programs_end_when_we_are_killed(tmp_path: Path) -> None:
    script = (
        "import sys, time; from pathlib import Path; from dev.child import Child;"
        f"c = Child.start('s', [sys.executable, '-c', {SLEEPER!r}], "
        f"log=Path({str(tmp_path)!r}) / 's.log');"
        "c.wait_until(lambda: 'up' in c.log_tail(), timeout_s=20);"
        "print(c.process.pid, flush=True); time.sleep(600)"
    )
    with subprocess.Popen(
        [sys.executable, "-c", script], cwd=ROOT, stdout=subprocess.PIPE, text=True
    ) as parent:
        assert parent.stdout is not None
        grandchild = int(parent.stdout.readline())

        parent.kill()

    assert _ends(grandchild)


def _ends(pid: int) -> bool:
    for _ in range(100):
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return True
        if "\nState:\tZ" in Path(f"/proc/{pid}/status").read_text():
            return True
        time.sleep(0.05)
    return False
