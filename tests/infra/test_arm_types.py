"""Azure's own description of its types is believed, where it is at hand."""

from __future__ import annotations

from pathlib import Path

import pytest

from dev import ROOT
from dev.infra import arm_types
from dev.infra.arm_types import ArmTypes
from dev.infra.rules import Facts


@pytest.fixture(scope="module")
def types() -> ArmTypes:
    description = arm_types.find()
    if description is None:
        pytest.skip("Azure's types are not on this machine: name them by LABELRY_ARM_TYPES")
    return ArmTypes(description)


def found(types: ArmTypes, facts: Facts) -> list[str]:
    return [
        message
        for made in facts.deployments.values()
        for resource in made.resources
        for message in types.problems(resource)
    ]


def test_azure_knows_everything_that_is_written(types: ArmTypes, functions: frozenset[str]) -> None:
    assert found(types, Facts(ROOT, functions)) == []


@pytest.mark.parametrize(
    ("file", "right", "wrong", "said"),
    [
        ("link.bicep", "region: location", "regoin: location", "regoin is not a property"),
        ("storage.bicep", "kind: 'StorageV2'\n", "", "kind is required"),
        ("storage.bicep", "'TLS1_2'", "'TLS1.2'", "'TLS1.2', not one of"),
        ("budget.bicep", "timeGrain: 'Monthly'", "timeGrain: 30", "timeGrain is 30"),
        (
            "site.bicep",
            "sku: {\n    name: 'Standard'",
            "sku: {\n    names: 'Standard'",
            "sku.names",
        ),
        ("job.bicep", "pollingInterval: 30", "pollingInterval: '30'", "not int"),
        ("job.bicep", "jobs@2026-01-01", "jobs@2019-01-01", "version 2019-01-01 is none of"),
        ("registry.bicep", "registries@2025", "registry@2025", "no such type is known"),
        (
            "registry.bicep",
            "anonymousPullEnabled: false",
            "loginServer: 'x'",
            "loginServer can only be read",
        ),
    ],
)
def test_what_azure_does_not_know_is_noticed(
    types: ArmTypes,
    copy: Path,
    functions: frozenset[str],
    file: str,
    right: str,
    wrong: str,
    said: str,
) -> None:
    path = copy / "infra/bicep" / file
    text = path.read_text("utf-8")
    assert right in text
    path.write_text(text.replace(right, wrong), "utf-8")

    assert any(said in one for one in found(types, Facts(copy, functions)))
