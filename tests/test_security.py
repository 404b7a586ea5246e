"""docs/security.md: each line has its tests, and what a machine can see of the tree itself."""

from __future__ import annotations

import ast
import re
import subprocess
from functools import cache
from pathlib import Path

import pytest
from detect_secrets.core.plugins.util import get_mapping_from_secret_type_to_class

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


GUESSES = {
    "Base64 High Entropy String",
    "Hex High Entropy String",
    "Secret Keyword",
    "Public IP (ipv4)",
}
"""Detectors that take a digest, an id or a test's password for a secret, and what is none."""

KNOWN_TO_ALL = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq"
"""How the key of the storage emulator begins: everybody has it."""

ALLOWED = "pragma: allowlist secret"
"""Behind what a line holds that only looks like one, as detect-secrets has it."""

OURS = {
    "a signed address": r"[?&]sig=[A-Za-z0-9%+/]{20,}",
    "a token of ours": r"\blbl_[A-Za-z0-9_-]{40,}",
    "a secret of Entra ID": r"\b[A-Za-z0-9_~.-]{3}\dQ~[A-Za-z0-9_~.-]{31,34}",
}
"""What detect-secrets has no detector for."""

DETECTORS = [
    detector()
    for what, detector in get_mapping_from_secret_type_to_class().items()
    if what not in GUESSES
]


def secrets_in(text: str) -> list[str]:
    known = [
        secret.type
        for detector in DETECTORS
        for line in text.splitlines()
        for secret in detector.analyze_line(filename="", line=line)
        if KNOWN_TO_ALL not in line and ALLOWED not in line
    ]
    return known + [what for what, pattern in OURS.items() if re.search(pattern, text)]


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
        "AccountKey=" + "a" * 86 + "==",
        "?sv=1&sig=" + "b" * 43,
        "lbl_" + "c" * 43,
        "ghp_" + "d" * 36,
        "//registry.npmjs.org/:_auth" + "Token=npm_" + "e" * 36,
        "eyJhbGciOiJIUzI1NiJ9." + "eyJzdWIiOiJhbm4ifQ.c2lnbmVk",
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
    assert [str(source) for source in sources if ways.search(source.read_text("utf-8"))] == []
