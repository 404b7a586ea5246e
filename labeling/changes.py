"""What was decided since a moment, for whoever trains on it: paged, and as cheap for half a million images.

A sweep goes through the listings of all shards and states between two moments, a piece of each at a time. The
next sweep begins a little before the end of this one, for transactions that were on their way: an item may come
twice, never not at all. What has no listing, an item that waits to be labeled again, is not told of.
"""

from __future__ import annotations

import base64
from typing import Annotated

from pydantic import Field, ValidationError

from labeling import layout
from labeling.annotations.shapes import Annotation
from labeling.errors import Invalid
from labeling.items.records import SETTLED, Item, ItemState
from labeling.model import Model, UtcTime, from_milliseconds, milliseconds
from labeling.projects.projects import ProjectAccess
from labeling.storage import Range, Storage

OVERLAP_MS = 60_000
"""How long a transaction may be on its way, and clocks may differ."""

STATES: tuple[ItemState, ...] = (*SETTLED, "unreadable", "excluded")


class ChangesQuery(Model):
    """`since`: the `next_cursor` of the answer before; everything when left out. `labels`: with annotations."""

    since: Annotated[str, Field(max_length=20_000)] | None = None
    labels: bool = False
    limit: Annotated[int, Field(ge=1, le=500)] = 200


class ItemChange(Model):
    """An item as it is now. `classes` are ids; `annotations` are null where they were not asked for."""

    item_id: str
    path: str
    state: ItemState
    revision: int
    changed_at: UtcTime
    classes: list[str]
    labelers: list[str]
    approved: str
    flag: str
    annotations: list[Annotation] | None = None


class ChangePage(Model):
    """Some of what changed, in no order. `more`: ask again at once; else whenever you like."""

    items: list[ItemChange]
    next_cursor: str
    more: bool


class _Cursor(Model):
    """Between which moments (ms) a sweep goes, and where in each listing it is; None: through with it."""

    since: Annotated[int, Field(ge=0, le=9_999_999_999_999)] = 0
    until: Annotated[int, Field(ge=0, le=9_999_999_999_999)] = 0
    places: list[Annotated[str, Field(max_length=200, pattern=r"^[\w|~-]*$")] | None] = []


class Changes:
    """The changes of projects' items."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage

    def since(self, opened: ProjectAccess, wanted: ChangesQuery) -> ChangePage:
        """What changed since a cursor: one round trip, and with `labels` a second one.

        Raises:
            Invalid: the cursor is not one of this project.
        """
        shards = opened.project.shards
        listings: list[tuple[int, ItemState]] = [
            (shard, state) for shard in range(shards) for state in STATES
        ]
        at = _read(wanted.since, len(listings))
        if not at.places:
            now = milliseconds(self._storage.clock.now())
            at = _Cursor(since=at.since, until=now, places=[""] * len(listings))
        live = [n for n, place in enumerate(at.places) if place is not None]
        some = live[: wanted.limit]
        each = max(1, wanted.limit // max(1, len(some)))
        pages = self._storage.tables.query_many(
            layout.ITEMS,
            [self._range(opened, listings[n], at, at.places[n], each) for n in some],
        )
        places = list(at.places)
        items: list[Item] = []
        for n, page in zip(some, pages, strict=True):
            places[n] = page[-1].key if len(page) == each else None
            items += [Item.of(layout.item_of(row.key), row.cells) for row in page]
        more = any(place is not None for place in places)
        then = _Cursor(since=max(0, at.until - OVERLAP_MS))
        return ChangePage(
            items=self._shown(opened, items, labels=wanted.labels),
            next_cursor=_written(at.model_copy(update={"places": places}) if more else then),
            more=more,
        )

    def _range(
        self,
        opened: ProjectAccess,
        listing: tuple[int, ItemState],
        at: _Cursor,
        place: str | None,
        most: int,
    ) -> Range:
        shard, state = listing
        low, high = layout.listed_between(state, at.since, at.until)
        if place and not low <= place < high:
            raise Invalid("this cursor is not one of this project; start again without it")
        begin = f"{place}!" if place else low
        return Range(opened.items.partition(shard), begin, high, most)

    def _shown(self, opened: ProjectAccess, items: list[Item], *, labels: bool) -> list[ItemChange]:
        if not labels:
            return [_change(opened, item, None) for item in items]
        labeled = [item.item_id for item in items if item.state == "labeled"]
        found = {
            stored.item.item_id: stored for stored in opened.items.read_many(labeled) if stored
        }
        shown: list[ItemChange] = []
        for item in items:
            now = found.get(item.item_id)
            labeling = now.labeling if now and now.item.revision == item.revision else None
            shown.append(_change(opened, item, list(labeling.annotations) if labeling else []))
        return shown


def _change(opened: ProjectAccess, item: Item, annotations: list[Annotation] | None) -> ItemChange:
    return ItemChange(
        item_id=item.item_id,
        path=opened.project.source.shown(item.path),
        state=item.state,
        revision=item.revision,
        changed_at=from_milliseconds(item.changed_ms),
        classes=sorted(item.classes),
        labelers=[lane.labeler for lane in item.lanes if lane.labeler],
        approved=item.approved,
        flag=item.flag,
        annotations=annotations,
    )


def _written(cursor: _Cursor) -> str:
    return base64.urlsafe_b64encode(cursor.model_dump_json().encode()).decode()


def _read(cursor: str | None, listings: int) -> _Cursor:
    if not cursor:
        return _Cursor()
    try:
        raw = base64.b64decode(cursor, altchars=b"-_", validate=True)
        found = _Cursor.model_validate_json(raw, strict=True)
    except (ValueError, ValidationError):
        found = None
    if found is None or len(found.places) not in (0, listings):
        raise Invalid("this cursor is not one of this project; start again without it")
    return found
