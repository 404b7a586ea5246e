"""Records kept as documents: one model in one row, changed under the row's ETag.

The one loop that reads, changes, writes and tries again when somebody else was first.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Generic, TypeVar

from labeling import layout
from labeling.errors import NotFound
from labeling.model import Model
from labeling.storage import Create, Merge, Operation, Range, Row, Storage, Value, insist

Record = TypeVar("Record", bound=Model)

SCHEMA = 1
"""Version of the stored documents; a reader of another version migrates on read."""


class Documents(Generic[Record]):
    """Documents of one model in one table.

    Args:
        storage: that keeps them.
        table: of their rows.
        model: of each.
        absent: says that one is not there, to whoever asks for it.
    """

    def __init__(
        self, storage: Storage, table: str, model: type[Record], *, absent: str = ""
    ) -> None:
        self._storage = storage
        self._table = table
        self._model = model
        self._absent = absent or f"there is no {model.__name__.lower()} here"

    def get(self, partition: str, key: str) -> Record | None:
        """A document, or None."""
        row = self.row(partition, key)
        return self.of(row) if row else None

    def need(self, partition: str, key: str) -> Record:
        """A document. Raises NotFound when there is none."""
        return self.of(self.need_row(partition, key))

    def need_row(self, partition: str, key: str) -> Row:
        """The row of a document. Raises NotFound when there is none."""
        row = self.row(partition, key)
        if row is None:
            raise NotFound(self._absent)
        return row

    def all(self, partition: str, prefix: str = "") -> list[Record]:
        """The documents whose keys begin so, in the order of their keys."""
        found = Range(partition, *layout.below(prefix))
        return [self.of(row) for row in self._storage.rows(self._table, found)]

    def row(self, partition: str, key: str) -> Row | None:
        """The row of a document, for a transaction that writes it beside others."""
        return self._storage.tables.get(self._table, partition, key)

    def of(self, row: Row) -> Record:
        """The document of a row."""
        return self._model.model_validate_json(row.text("doc"))

    def cells(self, record: Record) -> Mapping[str, Value]:
        """The cells a document is kept in: what `of` reads."""
        return {"doc": record.model_dump_json()}

    def operation(
        self, key: str, record: Record, over: Row | None, **cells: Value
    ) -> Create | Merge:
        """What writes a document: over the row it was read from, or where there must be none.

        Args:
            key: of its row.
            record: what to keep.
            over: the row as it was read, or None.
            cells: what is kept beside the document, to be read without it.
        """
        content = {"schema": SCHEMA, **self.cells(record), **cells}
        return Merge(key, content, over.etag) if over else Create(key, content)

    def create(self, partition: str, key: str, record: Record) -> None:
        """Write a document that must not be there. Raises Collision when it is."""
        self.write(partition, [self.operation(key, record, None)])

    def write(self, partition: str, operations: list[Operation]) -> None:
        """One transaction. Raises Collision when somebody else was first."""
        self._storage.tables.transact(self._table, partition, operations)

    def change(
        self,
        partition: str,
        key: str,
        change: Callable[[Record], Record],
        *,
        missing: Record | None = None,
        most: int = 20,
    ) -> Record:
        """Change a document, however many others do the same; writes nothing when nothing changes.

        Args:
            partition: of the table.
            key: of the row.
            change: from what is kept to what shall be; may be called again.
            missing: what to begin with where there is none.
            most: how many tries.

        Raises:
            NotFound: there is none, and nothing to begin with.
            Unavailable: others were first each time.
        """
        return self.step(partition, key, change, missing=missing, most=most)[1]

    def step(
        self,
        partition: str,
        key: str,
        change: Callable[[Record], Record],
        *,
        missing: Record | None = None,
        most: int = 20,
    ) -> tuple[Record, Record]:
        """As `change`; what was there is given, too, for what must follow from the difference."""

        def once() -> tuple[Record, Record]:
            row = self.row(partition, key)
            old = self.of(row) if row else missing
            if old is None:
                raise NotFound(self._absent)
            new = change(old)
            if new != old:
                self.write(partition, [self.operation(key, new, row)])
            return old, new

        return insist(self._storage, once, most)
