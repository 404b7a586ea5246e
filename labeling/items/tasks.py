"""What is kept of tasks: the page in a labeler's hands, what became of it, and what waits to be on one."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal, cast

from labeling import layout
from labeling.items.cells import as_json, as_text, lean, pack, unpack
from labeling.items.records import SCHEMA, Item
from labeling.storage import Row, Value

CHECK = -1
"""The lane of a honeypot in a task: none of the item's own, and the last one of what the labeler sees of it."""


@dataclass(frozen=True)
class LeasedItem:
    """An item of an open task: a copy of the item as it was handed out, and the lane that was taken."""

    item: Item
    lane: int

    @property
    def is_check(self) -> bool:
        """Whether it is a honeypot: then `item` is what the labeler sees of it, and no lane of it is taken."""
        return self.lane == CHECK

    @property
    def is_correction(self) -> bool:
        """Whether it was settled before: it stays so until the correction is submitted."""
        return self.item.lanes[self.lane].state != "leased"


@dataclass(frozen=True)
class Task:
    """One page of items in a labeler's hands. Its row is the lock on them.

    `held` is what is still open of `everything` (item to lane) that was handed out. `stale` tells that an
    item was overwritten, flagged, measured, rendered or prelabeled since, so that the copies in `held` are
    not to be built on. `shown` are the runs whose prelabels the labeler sees, by item: those that stood when
    the page was handed out, whatever came since.
    """

    task_id: str
    user: str
    slot: int
    shard: int
    request_id: str
    until_ms: int
    held: tuple[LeasedItem, ...]
    kind: str
    created_ms: int
    everything: Mapping[str, int]
    shown: Mapping[str, str] = field(default_factory=dict[str, str])
    drafted: bool = False
    stale: bool = False
    etag: str = ""

    @property
    def key(self) -> str:
        """Its row."""
        return layout.lease(self.user, self.slot)

    def split(self, item_ids: Iterable[str]) -> tuple[list[LeasedItem], tuple[LeasedItem, ...]]:
        """What it holds of these items, and the rest."""
        named = set(item_ids)
        some = [item for item in self.held if item.item.item_id in named]
        return some, tuple(item for item in self.held if item.item.item_id not in named)

    def cells(self) -> dict[str, Value]:
        """Its row's cells."""
        return {
            "schema": SCHEMA,
            "task": self.task_id,
            "request": self.request_id,
            "until_ms": self.until_ms,
            "kind": self.kind,
            "created_ms": self.created_ms,
            "drafted": self.drafted,
            "stale": self.stale,
            "everything": as_text(dict(self.everything)),
            "shown": as_text(dict(self.shown)),
            **pack(
                "held",
                as_json(
                    [[item.item.item_id, item.lane, lean(item.item.cells())] for item in self.held]
                ),
            ),
        }

    @classmethod
    def of(cls, row: Row, shard: int) -> Task:
        """The task of a row `T|user|slot`."""
        place = layout.lease_place(row.key)
        assert place is not None, row.key
        user, slot = place
        return cls(
            task_id=row.text("task"),
            user=user,
            slot=slot,
            shard=shard,
            request_id=row.text("request"),
            until_ms=row.number("until_ms"),
            kind=row.text("kind"),
            created_ms=row.number("created_ms"),
            drafted=bool(row.cells.get("drafted", False)),
            stale=bool(row.cells.get("stale", False)),
            everything=json.loads(row.text("everything")),
            shown=json.loads(row.text("shown", "{}")),
            held=tuple(
                LeasedItem(Item.of(item, cells), lane)
                for item, lane, cells in json.loads(unpack("held", row.cells))
            ),
            etag=row.etag,
        )


FinishedHow = Literal["done", "expired", "released", "open"]


@dataclass(frozen=True)
class Finished:
    """What became of a task, which items (with their lanes) it was made of, and what was `shown` of runs."""

    task_id: str
    user: str
    how: FinishedHow
    items: Mapping[str, int]
    request_id: str
    ended_ms: int
    shown: Mapping[str, str] = field(default_factory=dict[str, str])

    def cells(self) -> dict[str, Value]:
        """Its row's cells."""
        return {
            "schema": SCHEMA,
            "how": self.how,
            "request": self.request_id,
            "ended_ms": self.ended_ms,
            "shown": as_text(dict(self.shown)),
            **pack("items", as_json(self.items)),
        }

    @classmethod
    def of(cls, row: Row) -> Finished:
        """What became of the task of a row `K|user|task`."""
        user, task = layout.task_of(row.key)
        return cls(
            task_id=task,
            user=user,
            how=cast(FinishedHow, row.text("how")),
            request_id=row.text("request"),
            ended_ms=row.number("ended_ms"),
            items=json.loads(unpack("items", row.cells)),
            shown=json.loads(row.text("shown", "{}")),
        )


@dataclass(frozen=True)
class QueuedItem:
    """An item that waits in a queue or for the labeler it was returned to: its row, and what that shows.

    Of a honeypot the row by which it is found, and the queue (`priority`) it is to look like it came from.
    """

    row: Row
    priority: str = ""

    @property
    def is_check(self) -> bool:
        """Whether it is a honeypot, which is in no queue."""
        return layout.kind_of(self.row.key) is layout.Kind.HONEYPOT

    @property
    def item(self) -> Item:
        """The item as the queue row shows it."""
        return Item.of(layout.item_of(self.row.key), self.row.cells)


def split_tasks(rows: Iterable[Row], shard: int) -> tuple[list[Task], list[QueuedItem]]:
    """Rows `T|...` as open tasks and items returned to a labeler."""
    tasks: list[Task] = []
    returned: list[QueuedItem] = []
    for row in rows:
        if layout.lease_place(row.key) is None:
            returned.append(QueuedItem(row))
        else:
            tasks.append(Task.of(row, shard))
    return tasks, returned
