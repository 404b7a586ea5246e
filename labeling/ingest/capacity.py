"""Places for items: a project never has more than its limit, for a place is reserved before an item is made."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from labeling import layout
from labeling.documents import Documents
from labeling.model import Model, new_id
from labeling.storage import Create, Merge, Row, Storage

REMEMBERED_LATE = 500
"""Item ids of 26 characters: well within the 32,768 that a cell holds."""

MOST_TRIES = 60
"""Of a change: every batch of a refresh and every event of a folder writes this one row."""


class Places(Model):
    """Places taken, reserved by batches, and how many images came too late for one.

    `late` are the last of those that events told of: told again, they are not counted again. `by_events`
    counts the items made of events, which the manifest of what is known does not have yet.
    """

    used: int = 0
    reserved: dict[str, int] = {}
    over: int = 0
    late: list[str] = []
    by_events: int = 0

    @property
    def taken(self) -> int:
        """Places that nobody else can have."""
        return self.used + sum(self.reserved.values())


class Capacity:
    """The places of projects."""

    def __init__(self, storage: Storage, limit: int) -> None:
        self.limit = limit
        self._documents = Documents(storage, layout.PROJECTS, Places)

    def of(self, row: Row | None) -> Places:
        """The places a project's capacity row tells of."""
        return self._documents.of(row) if row else Places()

    def read(self, project_id: str) -> tuple[Places, Row | None]:
        """The places of a project, and the row to write over."""
        row = self._documents.row(project_id, layout.CAPACITY)
        return self.of(row), row

    def reserved(
        self, places: Places, batches: Mapping[str, int], over: int, row: Row | None
    ) -> Create | Merge:
        """The write that reserves places for the batches a refresh found, and forgets what events made."""
        update = {"reserved": {**places.reserved, **batches}, "over": over, "by_events": 0}
        return self._documents.operation(layout.CAPACITY, places.model_copy(update=update), row)

    def reserve_one(self, project_id: str, item_id: str) -> str | None:
        """A place for the item of an event, as the batch to register it by, or None.

        A place that an earlier try left behind is taken over. Otherwise the batch is a new one, so that an
        item made by another was not made in it.
        """
        mine = _of_event(item_id)
        batch = mine + new_id("e")

        def reserved(old: Places) -> Places:
            if any(name.startswith(mine) for name in old.reserved):
                return old
            if old.taken < self.limit:
                return old.model_copy(update={"reserved": {**old.reserved, batch: 1}})
            if item_id in old.late:
                return old
            late = [*old.late, item_id][-REMEMBERED_LATE:]
            return old.model_copy(update={"over": old.over + 1, "late": late})

        places = self._change(project_id, reserved).reserved
        return next((name for name in places if name.startswith(mine)), None)

    def settle_one(self, project_id: str, item_id: str, made_in: str) -> None:
        """An event's item is there: free its places, and count it if it was made in one of them."""

        def settled(old: Places) -> Places:
            mine = _of_event(item_id)
            rest = {name: n for name, n in old.reserved.items() if not name.startswith(mine)}
            if len(rest) == len(old.reserved):
                return old
            made = int(made_in in old.reserved)
            return old.model_copy(
                update={
                    "used": old.used + made,
                    "by_events": old.by_events + made,
                    "reserved": rest,
                }
            )

        self._change(project_id, settled)

    def confirm(self, project_id: str, batch: str, made: int) -> None:
        """A batch is registered: its places are taken by what was made, the others are free."""

        def confirmed(old: Places) -> Places:
            if batch not in old.reserved:
                return old
            rest = {name: n for name, n in old.reserved.items() if name != batch}
            return old.model_copy(update={"used": old.used + made, "reserved": rest})

        self._change(project_id, confirmed)

    def _change(self, project_id: str, change: Callable[[Places], Places]) -> Places:
        return self._documents.change(
            project_id, layout.CAPACITY, change, missing=Places(), most=MOST_TRIES
        )


def _of_event(item_id: str) -> str:
    return f"event/{item_id}/"
