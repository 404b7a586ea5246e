"""Everything that can be judged without running the product: `python -m dev.check`."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

from dev.site import WEB
from dev.test import Run, run_all

AT_ONCE = 2
"""Most of these keep one core busy, and some take 2 GB."""


def main() -> int:
    """Run all checks, whatever fails, and say how each ended; 0 when all passed."""
    tools = Path(sys.executable).parent
    runs = [  # the longest first: else one of them runs alone at the end
        Run("types", [str(tools / "pyright")]),
        Run("deployment", [sys.executable, "-m", "dev.infra"]),
        Run("imports", [str(tools / "lint-imports")]),
        Run("openapi", [sys.executable, "-m", "dev.openapi", "--check"]),
        Run("format", [str(tools / "ruff"), "format", "--check", "."]),
        Run("lint", [str(tools / "ruff"), "check", "."]),
    ]
    if (WEB / "package.json").exists():
        npx = [shutil.which("npx") or "npx", "--no-install"]
        schema = ["../openapi.json", "-o", "src/api/schema.d.ts"]
        runs[1:1] = [
            Run("web lint", [*npx, "eslint", "."], WEB),
            Run("web types", [*npx, "tsc", "--noEmit"], WEB),
            Run("web format", [*npx, "prettier", "--check", "."], WEB),
            Run("web schema", [*npx, "openapi-typescript", *schema, "--check"], WEB),
        ]
    return run_all(runs, at_once=AT_ONCE)


if __name__ == "__main__":
    sys.exit(main())
