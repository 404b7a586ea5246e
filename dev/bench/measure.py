"""One row of the benchmark."""

from __future__ import annotations

import resource
import sys
from dataclasses import dataclass
from pathlib import Path

_STATUS = Path("/proc/self/status")


@dataclass(frozen=True)
class Measure:
    """One budget and what was found; `unit` says what was counted."""

    name: str
    value: float
    unit: str
    budget: float
    ok: bool


def peak_mb() -> float:
    """The most memory this process has held so far, in MB.

    Not `ru_maxrss` where there is better: on Linux that begins with what its parent held when it was started.
    """
    if _STATUS.exists():
        lines = _STATUS.read_text().splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM:")) / 1024
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most / (1024**2 if sys.platform == "darwin" else 1024)
