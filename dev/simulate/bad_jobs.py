"""The jobs of assist as they are, on a bad day: `python -m dev.simulate.bad_jobs`, for `make chaos`."""

from __future__ import annotations

import sys

import gpu_jobs.__main__
from dev.simulate.faults import break_storage

if __name__ == "__main__":
    gpu_jobs.__main__.connect = break_storage(gpu_jobs.__main__.connect)
    sys.exit(gpu_jobs.__main__.main())
