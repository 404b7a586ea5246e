"""What is made of the answers of pip-audit and npm."""

from __future__ import annotations

from dev.audit import of_npm, of_pip

HOLED = {
    "name": "pillow",
    "version": "9.0.0",
    "vulns": [{"id": "PYSEC-2022-42979", "fix_versions": ["9.2.0"], "aliases": []}],
}
SOUND = {"name": "numpy", "version": "2.4.0", "vulns": []}
UNKNOWN = {"name": "torch", "skip_reason": "Dependency not found on PyPI"}


def test_a_hole_is_named_with_the_version_that_mends_it() -> None:
    verdict = of_pip({"dependencies": [HOLED, SOUND, UNKNOWN], "fixes": []})

    assert verdict.looked_at == 2
    assert verdict.holes == ("pillow 9.0.0: PYSEC-2022-42979, mended in 9.2.0",)


def test_a_registry_without_advisories_has_looked_at_nothing() -> None:
    assert of_pip({"dependencies": [UNKNOWN], "fixes": []}).looked_at == 0
    assert of_npm({"message": "405 Method Not Allowed", "method": "POST"}).looked_at == 0


def test_holes_of_npm_are_named_with_the_versions_they_are_in() -> None:
    verdict = of_npm(
        {
            "vulnerabilities": {"vite": {"severity": "high", "range": "<5.0.0"}},
            "metadata": {"dependencies": {"total": 812}},
        }
    )

    assert verdict.looked_at == 812
    assert verdict.holes == ("vite: high, <5.0.0",)
