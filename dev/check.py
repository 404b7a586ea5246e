"""Everything that can be judged without running the product: `python -m dev.check`."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

from dev import ROOT
from dev.test import run_all


def main() -> int:
    """Run all checks, whatever fails, and say how each ended; 0 when all passed."""
    tools = Path(sys.executable).parent
    runs: list[tuple[str, list[str], Path]] = [
        ("format", [str(tools / "ruff"), "format", "--check", "."], ROOT),
        ("lint", [str(tools / "ruff"), "check", "."], ROOT),
        ("types", [str(tools / "pyright")], ROOT),
        ("imports", [str(tools / "lint-imports")], ROOT),
        ("openapi", [sys.executable, "-m", "dev.openapi", "--check"], ROOT),
        ("deployment", [sys.executable, "-m", "dev.infra"], ROOT),
    ]
    web = ROOT / "static_web"
    if (web / "package.json").exists():
        npx = [shutil.which("npx") or "npx", "--no-install"]
        schema = ["../openapi.json", "-o", "src/api/schema.d.ts"]
        runs.append(("web schema", [*npx, "openapi-typescript", *schema, "--check"], web))
        runs.append(("web types", [*npx, "tsc", "--noEmit"], web))
        runs.append(("web lint", [*npx, "eslint", "."], web))
        runs.append(("web format", [*npx, "prettier", "--check", "."], web))
    return run_all(runs)


if __name__ == "__main__":
    sys.exit(main())
