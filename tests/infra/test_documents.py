"""The deployment page and the deployment say the same."""

from __future__ import annotations

import re

from dev import ROOT
from dev.infra import bicep
from dev.infra.rules import SIZES

PAGE = (ROOT / "docs/deployment.md").read_text("utf-8")


def declared(kind: str) -> set[str]:
    root = bicep.parse(ROOT / "infra/bicep/main.bicep")
    return {
        bicep.text_of(node.named_children[0]) for node in root.named_children if node.type == kind
    }


def test_every_parameter_is_on_the_page_and_no_other() -> None:
    section = PAGE.split("## Parameters")[1].split("\n## ")[0]
    rows = [line.split("|")[1] for line in section.splitlines() if line.startswith("| `")]
    named = {name for row in rows for name in re.findall(r"`(\w+)`", row)}

    assert named == declared("parameter_declaration")


def test_the_outputs_that_commands_use_are_made() -> None:
    used = set(re.findall(r"\$\(out (\w+)\)", PAGE))

    assert used
    assert used <= declared("output_declaration")


def test_every_size_is_on_the_page() -> None:
    assert {f"`{size}`" for size in SIZES} <= set(re.findall(r"`\w+`", PAGE))


def test_the_modules_the_page_runs_are_there() -> None:
    for module in re.findall(r"-m (dev\.[\w.]+)", PAGE):
        assert (ROOT / (module.replace(".", "/") + ".py")).exists(), module
