"""What checkov could not read is not taken for good."""

from __future__ import annotations

from pathlib import Path

import pytest

from dev.infra import checkov


@pytest.mark.skipif(not checkov.installed(), reason="checkov is installed by `make check`")
def test_findings_and_what_was_not_read_are_told(copy: Path) -> None:
    folder = copy / "infra/bicep"
    open_account = folder / "storage.bicep"
    text = open_account.read_text("utf-8")
    open_account.write_text(text.replace("  // checkov:skip=CKV_AZURE_35", "  // "), "utf-8")

    said = "\n".join(checkov.problems([open_account, folder / "registry.bicep"]))

    assert "CKV_AZURE_35" in said
    assert "registry.bicep" not in said


@pytest.mark.skipif(not checkov.installed(), reason="checkov is installed by `make check`")
def test_a_file_of_which_checkov_reads_nothing_is_told(tmp_path: Path) -> None:
    file = tmp_path / "modern.bicep"
    file.write_text(
        "param names string[]\n\n"
        "resource one 'Microsoft.Storage/storageAccounts@2025-06-01' = {\n  name: names[0]\n}\n",
        "utf-8",
    )

    said = list(checkov.problems([file]))

    assert said == ["modern.bicep: checkov can't read it; keep to plainer syntax"]
