"""Sabotage: a page is claimed without asking whether its images are still in the queue.

Lookers take from the head and take their time, so that labelers who ask at once meet there.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from dev.simulate.real import real_app
from functions import services
from labeling.adapters.azure import AzureTables
from labeling.items.items import Items
from labeling.items.tasks import Task
from labeling.layout import ITEMS, Kind, kind_of
from labeling.storage import Collision, Create, Delete, Operation, Storage

_PAUSE_S = 0.5  # between looking and claiming: everyone else has looked by then

_connect, _claim, _transact = services.connect, Items.claim, AzureTables.transact


def _from_the_head(connection: Any) -> Storage:
    return replace(_connect(connection), random=lambda: 0.0)


def _slow_claim(self: Items, *about: Any, **more: Any) -> Task:
    time.sleep(_PAUSE_S)
    return _claim(self, *about, **more)


def _careless(
    self: AzureTables, table: str, partition: str, operations: Sequence[Operation]
) -> list[str]:
    left = list(operations)
    first = left[0]
    of_items = table == ITEMS and isinstance(first, Create)
    if not (of_items and kind_of(first.key) is Kind.REQUEST):
        return _transact(self, table, partition, left)
    left = [
        Delete(operation.key) if isinstance(operation, Delete) else operation for operation in left
    ]
    while True:
        try:
            return _transact(self, table, partition, left)
        except Collision as gone:
            if kind_of(gone.key) is not Kind.QUEUED:
                raise
            left = [operation for operation in left if operation.key != gone.key]


services.connect = _from_the_head
Items.claim = _slow_claim
AzureTables.transact = _careless
app = real_app()
