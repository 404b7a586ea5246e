"""The product's own FunctionApp, told to say in its log when a transaction lost a race.

Each folder beside this file that a host can run has a `function_app.py` which changes what it
wants to change and then takes the app from here.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from importlib.util import module_from_spec, spec_from_file_location

import azure.functions as func

from dev import ROOT
from labeling.adapters.azure import AzureTables
from labeling.storage import Collision, Operation

LOST_RACE = "a transaction lost a race at"
"""How such a line of the host's log can be told from others."""

_log = logging.getLogger("dev.simulate")


def real_app() -> func.FunctionApp:
    """What `function_app.py` of the checkout makes; that module name is taken by who asks."""
    _tell_lost_races()
    spec = spec_from_file_location("product_function_app", ROOT / "function_app.py")
    assert spec
    assert spec.loader
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.app


def _tell_lost_races() -> None:
    transact = AzureTables.transact

    def telling(
        self: AzureTables, table: str, partition: str, operations: Sequence[Operation]
    ) -> list[str]:
        try:
            return transact(self, table, partition, operations)
        except Collision as collision:
            _log.info("%s %r", LOST_RACE, collision.key)
            raise

    AzureTables.transact = telling
