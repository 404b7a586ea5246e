"""The shards of a project's items, and the one loop that changes what is in them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from labeling import layout
from labeling.items.records import Item, Stored, stored
from labeling.items.rows import Batch, Change
from labeling.model import milliseconds
from labeling.quality.assignment import EVERYBODY, Audiences
from labeling.quality.overlap import Overlap
from labeling.storage import (
    Create,
    Merge,
    Operation,
    Range,
    Row,
    Storage,
    Value,
    insist,
)

Said = TypeVar("Said")

Rule = Callable[[Stored], Said]
"""What becomes of an item: a `Change`, or whatever tells why there is none."""


def becomes(record: Stored, new: Item) -> Change | None:
    """The change of an item into `new`; None where it is that already."""
    return Change(new) if new != record.item else None


@dataclass(frozen=True)
class Answer(Generic[Said]):
    """A row that is written with a change and tells that it was made, and how it went."""

    key: str
    cells: Callable[[Mapping[str, Said]], Mapping[str, Value]]


@dataclass(frozen=True)
class Also:
    """Rows that go with a change of items and belong to none of them, and what the counters learn."""

    rows: Sequence[Operation]
    counts: Mapping[str, int]


class Shards:
    """Items in their shards: a project's facts, reading, and changing under the ETag of the truth."""

    def __init__(
        self,
        storage: Storage,
        project_id: str,
        *,
        shards: int,
        seed: str,
        overlap: Overlap | None = None,
        lanes: int = 1,
        merged: Mapping[str, str] | None = None,
        audiences: Audiences = EVERYBODY,
    ) -> None:
        self._storage = storage
        self.project_id = project_id
        self.shards = shards
        self.seed = seed
        self.overlap = overlap or Overlap()
        self.lanes = max(lanes, self.overlap.most)
        self.audiences = audiences
        self.merged = merged or {}
        """By class that became another, which: what is said of the one is said of the other."""

    def _now(self) -> int:
        return milliseconds(self._storage.clock.now())

    def partition(self, shard: int) -> str:
        """The partition of a shard."""
        return layout.shard_partition(self.project_id, shard)

    def shard_of(self, item_id: str) -> int:
        """The shard an item lives in, for life."""
        return layout.shard_of(item_id, self.shards)

    def _home(self, item_id: str) -> str:
        return self.partition(self.shard_of(item_id))

    def read(self, item_id: str) -> Stored | None:
        """One item, or None."""
        return self.read_many([item_id])[0]

    def read_many(self, item_ids: Sequence[str]) -> list[Stored | None]:
        """Items by id, in order, in one round trip."""
        places = [(self._home(item_id), layout.truth(item_id)) for item_id in item_ids]
        rows = self._storage.tables.get_many(layout.ITEMS, places)
        return [stored(row) if row else None for row in rows]

    def _read_but(self, known: Mapping[str, Stored], wanted: Sequence[str]) -> list[Stored | None]:
        """Items by id, of which those that are known need not be read."""
        unknown = [item_id for item_id in wanted if item_id not in known]
        read = self.read_many(unknown) if unknown else []
        return [*(known[item_id] for item_id in wanted if item_id in known), *read]

    def _read_beside(
        self, item_ids: Sequence[str], beside: Callable[[str], str]
    ) -> list[Stored | None]:
        """Items with the row of each that `beside` names, in one round trip."""
        places = [
            (self._home(item_id), key)
            for item_id in item_ids
            for key in (layout.truth(item_id), beside(item_id))
        ]
        rows = self._storage.tables.get_many(layout.ITEMS, places)
        pairs = zip(rows[::2], rows[1::2], strict=True)
        return [stored(truth, other) if truth else None for truth, other in pairs]

    def all_rows(self, shard: int) -> Iterator[Stored]:
        """Every item of a shard once, in order of item ids, whatever happens meanwhile."""
        for row in self._rows(shard, layout.all_of(layout.Kind.TRUTH)):
            yield stored(row)

    def rows_between(self, shard: int, first: str, last: str) -> Iterator[Stored]:
        """The items of a shard from one id to another, in order: a call for a thousand of them."""
        low, high = layout.truth(first), layout.truth(last) + layout.END
        for row in self._rows(shard, (low, high)):
            yield stored(row)

    def rows_after(self, shard: int, item_id: str) -> Iterator[Stored]:
        """The items of a shard behind one, in order of item ids; all of them behind ""."""
        low, high = layout.all_of(layout.Kind.TRUTH)
        if item_id:
            low = layout.truth(item_id) + "!"  # sorts behind the key itself
        for row in self._rows(shard, (low, high)):
            yield stored(row)

    def paths(self, shard: int) -> Iterator[tuple[str, str]]:
        """Id and path of every item of a shard, and nothing else of them."""
        keys = layout.all_of(layout.Kind.TRUTH)
        wanted = Range(self.partition(shard), *keys, columns=("path",))
        for row in self._storage.rows(layout.ITEMS, wanted):
            yield layout.item_of(row.key), row.text("path")

    def _rows(self, shard: int, keys: tuple[str, str]) -> Iterator[Row]:
        return self._storage.rows(layout.ITEMS, Range(self.partition(shard), *keys))

    def _pages(self, shards: Iterable[int], keys: tuple[str, str]) -> list[list[Row]]:
        """The first page of a range of each of these shards, in one round trip."""
        return self._storage.tables.query_many(
            layout.ITEMS, [Range(self.partition(shard), *keys) for shard in shards]
        )

    def _transact(self, shard: int, operations: Sequence[Operation]) -> Sequence[str]:
        return self._storage.tables.transact(layout.ITEMS, self.partition(shard), operations)

    def _change(
        self,
        shard: int,
        item_ids: Iterable[str],
        rule: Rule[Said],
        *,
        beside: Callable[[str], str] | None = None,
        answer: Answer[Said] | None = None,
        known: Mapping[str, Stored] = {},
        also: Callable[[], Also] | None = None,
    ) -> dict[str, Said]:
        """Change items of one shard, all or none, however many others do the same.

        Args:
            shard: where they are.
            item_ids: of the items; as many as one transaction can hold.
            rule: says of each that is there what becomes of it; asked again after another writer was first.
            beside: for an item, the key of a row to read together with it.
            answer: a row to write, whatever the rule says.
            known: how some of them were a moment ago: not read, unless that turns out to be no longer so.
            also: what else is written with them; asked again as the rule is.

        Returns:
            What the rule said in the end, by item.

        Raises:
            Collision: at the key of the answer: this change was made before.
            Unavailable: others were first each time.
        """
        wanted = list(item_ids)
        believed = dict(known)

        def once() -> dict[str, Said]:
            found = (
                self._read_beside(wanted, beside) if beside else self._read_but(believed, wanted)
            )
            believed.clear()
            said: dict[str, Said] = {}
            batch, outdated = Batch(self.audiences), list[Item]()
            for record in found:
                if record is None:
                    continue
                item = record.item
                said[item.item_id] = change = rule(record)
                if isinstance(change, Change):
                    batch.add(item, change, etag=record.etag)
                    outdated += [item] if change.item != item else []
            batch.operations += self._outdate(outdated)
            if also:
                more = also()
                batch.operations += more.rows
                batch.delta.update(more.counts)
            first = [Create(answer.key, answer.cells(said))] if answer else []
            if operations := [*first, *batch.finish(self._now())]:
                self._transact(shard, operations)
            return said

        return insist(self._storage, once, final=answer.key if answer else "")

    def _change_one(self, item_id: str, rule: Rule[Said]) -> Said | None:
        """Change one item; None where there is none."""
        return self._change(self.shard_of(item_id), [item_id], rule).get(item_id)

    def _outdate(self, items: Iterable[Item]) -> list[Operation]:
        """Mark the tasks that hold copies of items which change under their lease."""
        # Two items read one after the other may name two tasks that had the same row in turn.
        rows = {
            layout.lease(lane.labeler, place[1])
            for item in items
            if not item.shared  # whoever submits those reads them again
            for lane in item.lanes
            if lane.state == "leased" and (place := layout.task_place(lane.task))
        }
        return [Merge(row, {"stale": True}) for row in sorted(rows)]
