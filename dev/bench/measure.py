"""One row of the benchmark."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Measure:
    """One budget and what was found; `unit` says what was counted."""

    name: str
    value: float
    unit: str
    budget: float
    ok: bool
