"""The rows that follow from an item, and what goes with a change of it in one transaction.

`operations_for(old, new)` is the difference between two states, in rows: queue, listing, flag, honeypot.
Whatever is derived from an item is derived here and in `Item.queue_keys`, `Item.listing` and `Item.facts`
(ADR-0002).
"""

from __future__ import annotations

import secrets
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from labeling import layout
from labeling.items import rules
from labeling.items.cells import as_json, lean, pack
from labeling.items.records import SCHEMA, Item
from labeling.quality.assignment import Audiences
from labeling.storage import Create, Delete, Merge, Operation, Value

_SHOWN = (
    "path",
    "blob_etag",
    "order",
    "media",
    "size",
    "width",
    "height",
    "orientation",
    "frames",
    "frame_sizes",
    "revision",
    "priority",
    "reserved",
    "lanes",
    "missing",
    "overwritten",
    "damage",
    "changed_ms",
    "registered_ms",
    "batch",
    "returned",
    "approved",
    "honeypot",
    "honeypot_run",
    "renditions",
    "suggested",
    "suggestion",
    "newest_run",
    "group",
    "audience",
    "likely",
    "verdict",
    "judged",
    "labeled_ms",
    "submitters",
)


def _shown(item: Item) -> dict[str, Value]:
    """The copy that queue and listing rows carry, so that showing an item need not read the truth."""
    cells = item.cells()
    return {name: cells[name] for name in _SHOWN}


def _listing_cells(item: Item) -> dict[str, Value]:
    return {
        **_shown(item),
        "classes": "," + ",".join(sorted(item.classes)) + ",",
        "labeler": item.lanes[-1].labeler if item.lanes else "",
        "barred": item.barred,
        "barred_reason": item.barred_reason,
    }


def _difference(before: Mapping[str, Value], after: Mapping[str, Value]) -> dict[str, Value]:
    """The cells to merge; those that became empty too, for a merge leaves alone what it does not name."""
    return {name: value for name, value in after.items() if before.get(name) != value}


def operations_for(
    old: Item | None,
    new: Item,
    *,
    etag: str | None,
    queue_etags: Mapping[str, str] = {},
    labels: Mapping[str, Value] | None = None,
) -> list[Operation]:
    """The rows to write so that everything derived from an item follows `old -> new`.

    Args:
        old: the item as it is kept; None for one that is not there yet.
        new: as it shall be.
        etag: of the truth row; None where another row of the transaction gives the right to write it.
        queue_etags: of queue rows that must be as they were read.
        labels: cells of the labels the truth row holds from now on.
    """
    after = {**new.cells(), **(labels or {})}
    if old is None:
        operations: list[Operation] = [Create(layout.truth(new.item_id), after)]
    else:
        changed = _difference(old.cells(), after)
        operations = [Merge(layout.truth(new.item_id), changed, etag)] if changed else []
    return [
        *operations,
        *_queue(old, new, queue_etags),
        *_listing(old, new),
        *_flag(old.flag if old else "", new),
        *_honeypot(old, new),
    ]


def _queue(old: Item | None, new: Item, etags: Mapping[str, str]) -> list[Operation]:
    before = set(old.queue_keys().values()) if old else set[str]()
    after = set(new.queue_keys().values())
    operations: list[Operation] = [Delete(key, etags.get(key)) for key in sorted(before - after)]
    operations += [Create(key, lean(_shown(new))) for key in sorted(after - before)]
    if old and (changes := _difference(_shown(old), _shown(new))):
        operations += [Merge(key, changes) for key in sorted(before & after)]
    return operations


def _listing(old: Item | None, new: Item) -> list[Operation]:
    before = old.listing if old else ""
    if old and before == new.listing:
        changes = _difference(_listing_cells(old), _listing_cells(new)) if before else {}
        return [Merge(before, changes)] if changes else []
    operations: list[Operation] = [Delete(before)] if before else []
    if new.listing:
        operations.append(Create(new.listing, lean(_listing_cells(new))))
    return operations


def _flag(before: str, new: Item) -> list[Operation]:
    if before == new.flag:
        return []
    key = layout.flagged(new.item_id)
    if not new.flag:
        return [Delete(key)]
    cells: dict[str, Value] = {"flag": new.flag}
    return [Merge(key, cells) if before else Create(key, cells)]


def _honeypot(old: Item | None, new: Item) -> list[Operation]:
    before = old.honeypot_key if old else ""
    if old and before and before == new.honeypot_key:
        changes = _difference(_shown(old), _shown(new))
        return [Merge(before, changes)] if changes else []
    operations: list[Operation] = [Delete(before)] if before else []
    if new.honeypot_key:
        operations.append(Create(new.honeypot_key, lean(_shown(new))))
    return operations


def remembered(
    new: Item,
    what: str,
    by: str,
    labels: Mapping[str, Value],
    *,
    reason: str = "",
    task_id: str = "",
) -> Operation:
    """The history row of a new revision of an item, with the labels it has now."""
    return Create(
        layout.history(new.item_id, new.revision),
        {
            "schema": SCHEMA,
            "what": what,
            "by": by,
            "at_ms": new.changed_ms,
            "state": new.state,
            "reason": reason,
            "task": task_id,
            **labels,
        },
    )


@dataclass(frozen=True)
class Change:
    """What becomes of an item, and what is written with that.

    `labels` are cells of its truth row, `rows` stand beside it, `counts` come on top of what the counters
    learn from the item itself.
    """

    item: Item
    labels: Mapping[str, Value] | None = None
    rows: Sequence[Operation] = ()
    counts: Mapping[str, int] = field(default_factory=dict[str, int])


@dataclass
class Batch:
    """Changes of items of one shard, for one transaction. What begins to wait does so for its audience."""

    audiences: Audiences
    operations: list[Operation] = field(default_factory=list[Operation])
    delta: Counter[str] = field(default_factory=Counter[str])

    def add(
        self,
        old: Item | None,
        change: Change,
        *,
        etag: str | None = None,
        queue_etags: Mapping[str, str] = {},
    ) -> None:
        """One more change; `etag` and `queue_etags` as in `operations_for`."""
        new = rules.placed(old, change.item.following(old), self.audiences)
        self.operations += operations_for(
            old, new, etag=etag, queue_etags=queue_etags, labels=change.labels
        )
        self.operations += change.rows
        self.delta.update(new.facts())
        if old:
            self.delta.subtract(old.facts())
        self.delta.update(change.counts)

    def finish(self, now_ms: int) -> list[Operation]:
        """All operations, with that of the counters."""
        delta = {name: count for name, count in sorted(self.delta.items()) if count}
        if not delta:
            return self.operations
        row = layout.counter_change(now_ms, secrets.token_hex(6))
        return [*self.operations, Create(row, pack("delta", as_json(delta)))]
