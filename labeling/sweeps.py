"""Sweeps: one change made of many items, piece by piece, with progress; it goes on where it was cut short.

A message looks at some items of a shard, changes those that are meant, notes how far it came and sends the
next. Each is safe to repeat: one that finds its place noted already sends for the place that is.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from typing import Annotated, Literal

from pydantic import Field

from labeling import layout
from labeling.assist.doubts import Doubts
from labeling.documents import Documents
from labeling.errors import Fault, Invalid, NotFound
from labeling.items.items import Items
from labeling.items.records import Item, Stored
from labeling.items.reviews import Swept
from labeling.model import Id, Model, UtcTime, milliseconds
from labeling.projects.projects import ProjectAccess, Projects
from labeling.review import ItemFilter, RejectRequest, Review, class_for_relabel, fits, stands
from labeling.storage import Collision, Storage

PIECE = 200
"""Items that a message looks at: of half a minute's work at most."""

STALE_S = 10
"""After so long no process believes in a project as it was before: then nobody says the old class any more."""

MOST_ROUNDS = 5
"""Of a merge, for what was labeled while it went through."""


class Merging(Model):
    """Labels of a class become labels of another."""

    what: Literal["merge"] = "merge"
    class_id: Id
    into: Id


class Approving(Model):
    """Labels are found good."""

    what: Literal["approve"] = "approve"


class Rejecting(Model):
    """Labels go back to be made again."""

    what: Literal["reject"] = "reject"
    reason: Annotated[str, Field(max_length=2_000)] = ""
    to: Literal["anyone", "same_labeler"] = "anyone"
    front: bool = True


class PuttingFirst(Model):
    """Images that wait are labeled before others."""

    what: Literal["first"] = "first"


class LeavingOut(Model):
    """Images are no longer part of the project; rejecting them puts them back."""

    what: Literal["leave_out"] = "leave_out"
    reason: Annotated[str, Field(max_length=2_000)] = ""


class Relabeling(Model):
    """One class, or whatever the labels say (null), becomes another in them."""

    what: Literal["relabel"] = "relabel"
    class_id: Id | None = None
    into: Id


class Reverting(Model):
    """Labels become what they were at a moment; without one, what they were before the present ones."""

    what: Literal["revert"] = "revert"
    before: UtcTime | None = None


Bulk = Annotated[
    Approving | Rejecting | PuttingFirst | LeavingOut | Relabeling | Reverting,
    Field(discriminator="what"),
]


class NewSweep(Model):
    """One change of all items that a filter means, as they are now: what changes until it is their turn is
    left alone."""

    sweep_id: Id
    filter: ItemFilter
    do: Bulk


class Place(Model):
    """How far a sweep is in a shard."""

    after: str = ""
    over: bool = False


class SweepRecord(Model):
    """A sweep as it is kept, with its place in each shard. `left`: how many were left alone, by why.
    `model_id`: whose disagreement is meant, where the filter asks for that.
    """

    schema_version: int = 1
    sweep_id: Id
    do: Annotated[
        Merging | Approving | Rejecting | PuttingFirst | LeavingOut | Relabeling | Reverting,
        Field(discriminator="what"),
    ]
    filter: ItemFilter = ItemFilter()
    model_id: str = ""
    by: str
    created_at: UtcTime
    moved_at: UtcTime | None = None
    finished_at: UtcTime | None = None
    items: int
    looked: int = 0
    done: int = 0
    left: dict[str, int] = {}
    problem: str = ""
    rounds: int = 1
    places: list[Place]


class Sweep(Model):
    """A change of many items: `looked` at so many of `items`, `done` so many; the others that were meant were
    `left` as they are, by why. `moved_at`: when it last came forward. `problem`: why it came to a stop, in
    words; empty while it goes on."""

    sweep_id: str
    what: Literal["merge", "approve", "reject", "first", "leave_out", "relabel", "revert"]
    class_id: str | None
    into: str | None
    by: str
    created_at: UtcTime
    moved_at: UtcTime
    finished_at: UtcTime | None
    items: int
    looked: int
    done: int
    left: dict[str, int]
    problem: str


class SweepList(Model):
    """The sweeps of a project, newest first."""

    items: list[Sweep]


class SweepOn(Model):
    """Go on in a shard behind an item."""

    project_id: str
    sweep_id: str
    shard: int
    after: str = ""
    round: int = 1


class Sweeps:
    """Making, seeing and going through sweeps."""

    def __init__(
        self, storage: Storage, projects: Projects, review: Review, doubts: Doubts
    ) -> None:
        self._storage = storage
        self._doubts = doubts
        self._projects = projects
        self._review = review
        self._documents = Documents(
            storage, layout.PROJECTS, SweepRecord, absent="there is no such change of many images"
        )

    def all(self, project_id: str) -> SweepList:
        """The sweeps of a project, newest first."""
        found = self._documents.all(project_id, layout.SWEEPS)
        newest = sorted(found, key=lambda sweep: sweep.created_at, reverse=True)
        return SweepList(items=[_view(sweep) for sweep in newest])

    def get(self, project_id: str, sweep_id: str) -> Sweep:
        """One sweep.

        Raises:
            NotFound: there is no such sweep.
        """
        return _view(self._documents.need(project_id, layout.sweep(sweep_id)))

    def start(self, opened: ProjectAccess, new: NewSweep, *, by: str) -> Sweep:
        """Begin a change of many items. Safe to repeat with the same id: what was cut short goes on.

        Raises:
            Invalid: the filter is none that every item can be asked about, or there is no class to be said.
        """
        if new.filter.path is not None:
            detail = "many images are meant by what they are, not by one path"
            raise Invalid(detail, faults=(Fault("/filter", "not-sweepable", detail),))
        if isinstance(new.do, Relabeling):
            class_for_relabel(opened.project, new.do.class_id, new.do.into)
        return self._begin(opened, new.sweep_id, new.do, new.filter, by=by, delay_s=0)

    def merge(self, opened: ProjectAccess, class_id: str, into: str, *, by: str) -> Sweep:
        """Have labels follow a class that became another. Safe to repeat."""
        do = Merging(class_id=class_id, into=into)
        sweep_id = f"merge-{class_id}-{into}"
        return self._begin(opened, sweep_id, do, ItemFilter(), by=by, delay_s=STALE_S)

    def resume(self, project_id: str, sweep_id: str) -> Sweep:
        """Have a sweep go on that came to a stop. Safe to repeat, also where it did not.

        Raises:
            NotFound: there is no such sweep.
        """
        record = self._documents.change(project_id, layout.sweep(sweep_id), _going_on)
        self._send_all(project_id, record)
        return _view(record)

    def give_up(self, message: SweepOn, why: str) -> None:
        """A message failed as often as it may: say so where people look. Resuming goes on.

        Args:
            message: what its queue will not bring again.
            why: in words, or the name of what was raised.
        """

        def stopped(old: SweepRecord) -> SweepRecord:
            if old.rounds != message.round or old.places[message.shard].over:
                return old
            return old.model_copy(update={"problem": why})

        with suppress(NotFound):
            self._documents.change(message.project_id, layout.sweep(message.sweep_id), stopped)

    def _begin(
        self,
        opened: ProjectAccess,
        sweep_id: str,
        do: Bulk | Merging,
        wanted: ItemFilter,
        *,
        by: str,
        delay_s: int,
    ) -> Sweep:
        project = opened.project
        counters = opened.items.counters() if project.shards else Counter[str]()
        record = SweepRecord(
            sweep_id=sweep_id,
            do=do,
            filter=wanted,
            model_id=self._doubts.model_of(project.project_id) if wanted.disagrees else "",
            by=by,
            created_at=self._storage.clock.now(),
            finished_at=None if project.shards else self._storage.clock.now(),
            items=sum(count for name, count in counters.items() if name.startswith("state:")),
            places=[Place() for _ in range(project.shards)],
        )
        try:
            self._documents.create(project.project_id, layout.sweep(sweep_id), record)
        except Collision:
            record = self._documents.change(project.project_id, layout.sweep(sweep_id), _going_on)
        self._send_all(project.project_id, record, delay_s=delay_s)
        return _view(record)

    def _send_all(self, project_id: str, record: SweepRecord, *, delay_s: int = 0) -> None:
        for shard, place in enumerate(record.places):
            if not place.over:
                self._send(project_id, record, shard, delay_s=delay_s)

    def _send(self, project_id: str, record: SweepRecord, shard: int, *, delay_s: int = 0) -> None:
        message = SweepOn(
            project_id=project_id,
            sweep_id=record.sweep_id,
            shard=shard,
            after=record.places[shard].after,
            round=record.rounds,
        )
        self._storage.queues.send(layout.SWEEP_QUEUE, message, delay_s=delay_s)

    def on_sweep(self, message: SweepOn) -> None:
        """Go through some items of a shard."""
        project = self._projects.find(message.project_id)
        key = layout.sweep(message.sweep_id)
        record = self._documents.get(message.project_id, key) if project else None
        if project is None or record is None or message.round != record.rounds:
            return
        place = record.places[message.shard]
        if place.over:
            return
        if place.after != message.after:
            self._send(project.project_id, record, message.shard)
            return
        opened = self._projects.whole(project)
        if isinstance(record.do, Merging):
            names = {class_.class_id: class_.name for class_ in project.classes}
            into = project.merged.get(record.do.class_id, record.do.into)
            swept = opened.items.merge(
                message.shard,
                message.after,
                class_id=record.do.class_id,
                into=into,
                reason=f"{names[record.do.class_id]} → {names[into]}",
                by=record.by,
                limit=PIECE,
            )
        else:
            swept = self._bulk(opened, record, record.do, message)
        self._note(opened.items, message, swept)

    def _bulk(
        self,
        opened: ProjectAccess,
        record: SweepRecord,
        do: Bulk,
        message: SweepOn,
    ) -> Swept:
        found = opened.items.next_of(message.shard, message.after, PIECE)
        until = milliseconds(record.created_at)
        meant = self._meant(opened, record, found)
        ready = [item for item in meant if item.changed_ms <= until]
        left = Counter(changed=len(meant) - len(ready))
        done = 0
        for some in (ready[at : at + 100] for at in range(0, len(ready), 100)):
            revisions = {item.item_id: item.revision for item in some}
            ids = list(revisions)
            if isinstance(do, Rejecting):
                request = RejectRequest(
                    item_ids=ids, reason=do.reason, to=do.to, front=do.front, revisions=revisions
                )
                results = self._review.reject(opened, request, by=record.by).results
                became = [
                    "done" if result.status == "rejected" else result.status for result in results
                ]
            elif isinstance(do, PuttingFirst):
                became = [opened.items.put_first(item_id) for item_id in ids]
                if "done" in became:
                    self._projects.use_queue(opened.project_id, layout.FRONT)
            elif isinstance(do, LeavingOut):
                became = [
                    opened.items.leave_out(
                        item_id, by=record.by, reason=do.reason, revision=revisions[item_id]
                    )
                    for item_id in ids
                ]
            elif isinstance(do, Relabeling):
                # It may have become another since.
                into = opened.project.merged.get(do.into, do.into)
                known = {class_.class_id: class_ for class_ in opened.project.classes}
                became = [
                    opened.items.relabel(
                        item_id,
                        class_id=do.class_id,
                        into=into,
                        attributes=known[into].attributes,
                        by=record.by,
                        revision=revisions[item_id],
                    )
                    for item_id in ids
                ]
            elif isinstance(do, Reverting):
                became = [
                    opened.items.revert(
                        item_id, before=do.before, by=record.by, revision=revisions[item_id]
                    )
                    for item_id in ids
                ]
            else:
                became = [
                    opened.items.approve(
                        item_id, by=record.by, revision=revisions[item_id], approved=True
                    )
                    for item_id in ids
                ]
            done += became.count("done")
            left.update(outcome for outcome in became if outcome != "done")
        last = found[-1].item.item_id if len(found) == PIECE else None
        return Swept(after=last, looked=len(found), done=done, left=left)

    def _meant(
        self, opened: ProjectAccess, record: SweepRecord, found: Sequence[Stored]
    ) -> list[Item]:
        wanted = record.filter
        fitting = [stored for stored in found if fits(opened, stored.item, wanted)]
        if not wanted.disagrees:
            return [stored.item for stored in fitting]
        doubts = self._doubts.at(opened.project_id, record.model_id)
        said = {doubt.item_id: doubt.said for doubt in doubts}
        return [
            stored.item
            for stored in fitting
            if stored.item.item_id in said and stands(stored, said[stored.item.item_id], wanted)
        ]

    def _note(self, items: Items, message: SweepOn, swept: Swept) -> None:
        """Note how far a sweep is; send for what follows, or find it finished."""
        noted = Place(after=swept.after or message.after, over=swept.after is None)
        key = layout.sweep(message.sweep_id)

        def moved(old: SweepRecord) -> SweepRecord:
            place = old.places[message.shard]
            if place.over or place.after != message.after or old.rounds != message.round:
                return old
            places = list(old.places)
            places[message.shard] = noted
            counts = Counter(old.left)
            counts.update(swept.left)
            first = old.rounds == 1
            new = old.model_copy(
                update={
                    "places": places,
                    "moved_at": self._storage.clock.now(),
                    "looked": old.looked + (swept.looked if first else 0),
                    "done": old.done + swept.done,
                    "left": {why: count for why, count in counts.items() if count},
                }
            )
            return new if any(not place.over for place in places) else self._ended(items, new)

        try:
            old, new = self._documents.step(message.project_id, key, moved)
        except NotFound:
            return
        if new == old:
            return
        if new.rounds != message.round:
            for shard in range(len(new.places)):
                self._send(message.project_id, new, shard, delay_s=STALE_S)
        elif not new.places[message.shard].over:
            self._send(message.project_id, new, message.shard)

    def _ended(self, items: Items, record: SweepRecord) -> SweepRecord:
        """A sweep that went through all shards: a merge once more, where the class is still said somewhere."""
        do = record.do
        again = isinstance(do, Merging) and items.counters()[f"class:{do.class_id}"] > 0
        if again and record.rounds < MOST_ROUNDS:
            places = [Place() for _ in record.places]
            return record.model_copy(update={"places": places, "rounds": record.rounds + 1})
        return record.model_copy(update={"finished_at": self._storage.clock.now()})


def _going_on(old: SweepRecord) -> SweepRecord:
    return old.model_copy(update={"problem": ""})


def _view(sweep: SweepRecord) -> Sweep:
    merging = sweep.do if isinstance(sweep.do, (Merging, Relabeling)) else None
    return Sweep(
        sweep_id=sweep.sweep_id,
        what=sweep.do.what,
        class_id=merging.class_id if merging else None,
        into=merging.into if merging else None,
        by=sweep.by,
        created_at=sweep.created_at,
        moved_at=sweep.moved_at or sweep.created_at,
        finished_at=sweep.finished_at,
        items=sweep.items,
        looked=min(sweep.looked, sweep.items),
        done=sweep.done,
        left=sweep.left,
        problem=sweep.problem,
    )
