"""All checks of the deployment that need no subscription: `python -m dev.infra`."""

from __future__ import annotations

import sys

import function_app
from dev import ROOT
from dev.infra import arm_types, checkov
from dev.infra.arm_types import ArmTypes
from dev.infra.rules import Facts, problems


def main() -> int:
    """Print what is wrong; 0 when nothing is."""
    names = frozenset(
        str(function.get_function_name()) for function in function_app.app.get_functions()
    )
    facts = Facts(ROOT, names)
    found = problems(facts)
    if not found:
        found += _types(facts)
        try:
            checkov.install()
            found += checkov.problems(facts.files)
        except checkov.CannotRun as error:
            found.append(str(error))
    print("\n".join(found) or f"{len(facts.files)} Bicep files: nothing is wrong")
    return int(bool(found))


def _types(facts: Facts) -> list[str]:
    description = arm_types.find()
    if description is None:
        print("skipped: Azure's types are not on this machine; name them by LABELRY_ARM_TYPES")
        return []
    types = ArmTypes(description)
    resources = [resource for made in facts.deployments.values() for resource in made.resources]
    return list(
        dict.fromkeys(message for resource in resources for message in types.problems(resource))
    )


if __name__ == "__main__":
    sys.exit(main())
