"""docs/security.md: each line has its tests, and what a machine can see of the tree itself."""

from __future__ import annotations

import ast
import re
import subprocess
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
TEXT = (ROOT / "docs/security.md").read_text("utf-8")
ROWS = [
    [cell.strip() for cell in line.strip("| ").split(" | ")]
    for line in TEXT.splitlines()
    if line.startswith("| ") and "what could happen" not in line
]


@cache
def names_in(file: str) -> set[str]:
    tree = ast.parse((ROOT / file).read_text("utf-8"))
    return {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0])
def test_each_threat_has_a_test_that_is_there(row: list[str]) -> None:
    named = re.findall(r"`(tests/[\w/]+\.py)::(test_\w+)`", row[-1])

    assert len(row) == 3
    assert named
    assert [one for file, one in named if one not in names_in(file)] == []


def tracked() -> list[Path]:
    """The files of the repository; those on disk where there is no repository."""
    found = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    names = found.stdout.split("\0") if found.returncode == 0 else []
    return [ROOT / name for name in names if name and (ROOT / name).is_file()]


SECRETS = {
    "a private key": r"-----BEGIN (?:RSA |EC |OPENSSH )?PRIVATE KEY-----",
    "a storage key": r"AccountKey=(?!Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq)"
    r"[A-Za-z0-9+/]{60,}",
    "a signed address": r"[?&]sig=[A-Za-z0-9%+/]{20,}",
    "a token of ours": r"\blbl_[A-Za-z0-9_-]{40,}",
    "a token of GitHub": r"\bgh[pousr]_[A-Za-z0-9]{36}",
    "a token of a registry": r"\b(?:npm_[A-Za-z0-9]{36}|pypi-[A-Za-z0-9_-]{50,})",
    "a secret of Entra ID": r"\b[A-Za-z0-9_~.-]{3}\dQ~[A-Za-z0-9_~.-]{31,34}",
    "a key of AWS": r"\bAKIA[0-9A-Z]{16}\b",
}
"""The emulator's own key, which everybody has, is none."""


def secrets_in(text: str) -> list[str]:
    return [what for what, pattern in SECRETS.items() if re.search(pattern, text)]


def test_no_file_holds_what_looks_like_a_secret() -> None:
    found = {
        str(path.relative_to(ROOT)): what
        for path in tracked()
        if path.suffix not in (".webp", ".png", ".jpg")
        and (what := secrets_in(path.read_text("utf-8", errors="replace")))
    }

    assert found == {}


@pytest.mark.parametrize(
    "text",
    [
        "-----BEGIN " + "PRIVATE KEY-----",
        "AccountKey=" + "a" * 64,
        "?sv=1&sig=" + "b" * 43,
        "lbl_" + "c" * 43,
        "ghp_" + "d" * 36,
        "npm_" + "e" * 36,
        "abc8Q~" + "f" * 34,
        "AKIA" + "G" * 16,
    ],
)
def test_a_secret_would_be_found(text: str) -> None:
    assert secrets_in(f"x = '{text}'")


def test_the_web_app_shows_no_text_as_html() -> None:
    sources = [*(ROOT / "static_web/src").rglob("*.ts"), *(ROOT / "static_web/src").rglob("*.tsx")]
    ways = re.compile(
        r"dangerouslySetInnerHTML|\.(?:inner|outer)HTML\s*=|insertAdjacentHTML|document\.write|\beval\("
    )

    assert len(sources) > 50
    assert [str(one) for one in sources if ways.search(one.read_text("utf-8"))] == []
