"""Sabotage: of the first submission of several images, the last is answered `saved` and not kept."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from dev.simulate.real import real_app
from labeling.items.items import Items
from labeling.items.records import Decision
from labeling.items.tasks import Task

_submit = Items.submit
_dropped: list[str] = []


def _forgetful(self: Items, task: Task, decisions: Sequence[Decision], **more: Any) -> None:
    if _dropped or len(decisions) < 2:
        _submit(self, task, decisions, **more)
        return
    _submit(self, task, decisions[:-1], **more)
    # Not before: one that lost a race comes again, and would be kept whole.
    _dropped.append(decisions[-1].item_id)


Items.submit = _forgetful
app = real_app()
