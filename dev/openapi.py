"""Write openapi.json from the routes, or check (`--check`) that it is current."""

from __future__ import annotations

import sys
from pathlib import Path

import function_app
from functions.openapi import document

FILE = Path(__file__).parent.parent / "openapi.json"


def main() -> int:
    """Write the file; with `--check` only compare. Returns the exit status."""
    assert function_app.app  # importing it registers the routes
    text = document()
    if "--check" not in sys.argv:
        FILE.write_text(text, "utf-8")
        return 0
    if FILE.exists() and FILE.read_text("utf-8") == text:
        return 0
    print("openapi.json is not current: run `make openapi` and commit it")
    return 1


if __name__ == "__main__":
    sys.exit(main())
