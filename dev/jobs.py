"""The GPU jobs of the demo: torch is installed behind the running demo, then jobs are taken as they come."""

from __future__ import annotations

import os
import subprocess
import sys

from dev import ROOT


def main() -> int:
    """Install what the jobs need, and become them."""
    installed = subprocess.run([sys.executable, ROOT / "dev/install.py", "jobs"], check=False)
    if installed.returncode:
        print("assist stays without jobs: torch could not be installed", file=sys.stderr)
        return installed.returncode
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    os.execv(sys.executable, [sys.executable, "-m", "gpu_jobs", "--watch"])


if __name__ == "__main__":
    sys.exit(main())
