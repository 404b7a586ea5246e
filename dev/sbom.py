"""Lists what each deployed part is made of, as CycloneDX files in `.local/sbom`: `python -m dev.sbom`."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

from dev.environments import made
from dev.site import WEB

ROOT = Path(__file__).resolve().parent.parent
OUT = ROOT / ".local/sbom"
TOOL = "cyclonedx-bom==7.5.0"
PYTHON_PARTS = {
    "functions": ("requirements.txt", "3.13"),
    "gpu-jobs": ("gpu_jobs/requirements.txt", "3.11"),
}
"""What each part is installed from, and the Python that it runs on."""


def main() -> int:
    """Write a file for each part, and print how many components it names."""
    OUT.mkdir(parents=True, exist_ok=True)
    python = made(OUT / "env", [TOOL])
    for part, (requirements, version) in PYTHON_PARTS.items():
        # cyclonedx-bom 7.5.0 passes over markers: of a lock for all platforms it would name both versions.
        locked = OUT / f"{part}.txt"
        uv = [sys.executable, "-m", "uv", "pip", "compile", "--quiet", "--no-deps", "--no-header"]
        target = ["--python-platform", "linux", "--python-version", version]
        subprocess.run([*uv, *target, ROOT / requirements, "--output-file", locked], check=True)
        listed = [python, "-m", "cyclonedx_py", "requirements", locked]
        subprocess.run([*listed, "--output-file", OUT / f"{part}.json"], check=True)
    npm = [
        shutil.which("npm") or "npm",
        "sbom",
        "--omit",
        "dev",
        "--package-lock-only",
        "--sbom-format",
        "cyclonedx",
    ]
    web = subprocess.run(npm, cwd=WEB, check=True, capture_output=True, text=True).stdout
    (OUT / "web.json").write_text(web, "utf-8")
    for file in sorted(OUT.glob("*.json")):
        components = json.loads(file.read_text("utf-8"))["components"]
        print(f"{file.relative_to(ROOT)}: {len(components)} components")
    return 0


if __name__ == "__main__":
    sys.exit(main())
