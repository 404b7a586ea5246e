"""The exact counters of a project: one row a change, folded into a base row a shard."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable

from labeling import layout
from labeling.annotations.acceptance import Acceptance
from labeling.items.cells import as_json, pack, unpack
from labeling.items.change import Shards
from labeling.model import day_of
from labeling.storage import MAX_PAGE, Collision, Create, Delete, Merge, Operation, Range, Row


class Counters(Shards):
    """Counting, and keeping it quick."""

    def counters(self) -> Counter[str]:
        """The exact counters of the project, in one round trip of one call a shard."""
        total: Counter[str] = Counter()
        shards = range(self.shards)
        pages = self._pages(shards, layout.all_of(layout.Kind.COUNTER))
        for shard, rows in zip(shards, pages, strict=True):
            if len(rows) == MAX_PAGE:
                # A page that may be cut is not of one moment while compaction folds rows: fold first.
                self.compact(shard)
                return self.counters()
            total.update(_sum(rows))
        return Counter({name: count for name, count in total.items() if count})

    def compact(self, shard: int) -> int:
        """Fold up to 94 changes of a shard's counters into its base row. Returns how many were folded.

        One transaction, each row under its ETag: counted once, whoever else does the same.
        """
        folded = 0
        while True:
            rows = self._storage.tables.query(
                layout.ITEMS, Range(self.partition(shard), *layout.all_of(layout.Kind.COUNTER), 95)
            )
            changes = [row for row in rows if row.key != layout.COUNTER_BASE]
            if len(changes) < 2:
                return folded
            total = {name: count for name, count in sorted(_sum(rows).items()) if count}
            cells = pack("delta", as_json(total))
            has_base = rows[0].key == layout.COUNTER_BASE
            base: Operation = (
                Merge(layout.COUNTER_BASE, cells, rows[0].etag)
                if has_base
                else Create(layout.COUNTER_BASE, cells)
            )
            try:
                self._transact(shard, [base, *(Delete(row.key, row.etag) for row in changes)])
            except Collision:
                return folded
            folded += len(changes)


def _sum(rows: Iterable[Row]) -> Counter[str]:
    total: Counter[str] = Counter()
    for row in rows:
        total.update(json.loads(unpack("delta", row.cells)))
    return total


def prelabel_counts(acceptance: Acceptance, user: str) -> dict[str, int]:
    """What became of suggestions in a labeler's hands, for the counters: it never grows less."""
    return {
        f"prelabel:{what}:{user}": count
        for what, count in acceptance.model_dump(exclude={"run_id"}).items()
        if count
    }


def day_key(ms: int, user: str) -> str:
    """The counter of images that a labeler submitted on one UTC day, each once."""
    return f"day:{day_of(ms)}:{user}"


def active_key(ms: int, user: str) -> str:
    """The counter of milliseconds a labeler was active on what they submitted on one UTC day."""
    return f"day:active_ms:{day_of(ms)}:{user}"
