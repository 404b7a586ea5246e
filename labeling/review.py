"""Looking at items and sending them back: what reviewers do."""

from __future__ import annotations

import base64
import json
import unicodedata
from collections.abc import Collection, Iterator, Sequence
from datetime import UTC, date, datetime, time
from typing import Annotated, Literal, Self

from pydantic import Field, TypeAdapter, model_validator

from labeling import layout
from labeling.annotations.acceptance import Acceptance
from labeling.annotations.classes import LabelClass
from labeling.annotations.shapes import Annotation
from labeling.assist.doubts import Doubts
from labeling.errors import Conflict, Fault, Invalid, NotFound
from labeling.items.cells import packed_bytes
from labeling.items.labels import as_opinions
from labeling.items.records import (
    SETTLED,
    Item,
    ItemState,
    Outcome,
    Overtaken,
    Revision,
    Stored,
    stored,
)
from labeling.model import Id, Model, UtcTime, day_of, from_milliseconds, milliseconds
from labeling.names import key_of
from labeling.projects.projects import ProjectAccess, Projects
from labeling.projects.record import Project
from labeling.quality.consensus import merged, shared
from labeling.storage import Range, Row, Storage, check_key
from labeling.tasks.images import ImageLinks
from labeling.tasks.service import Tasks

LISTED: tuple[ItemState, ...] = (*SETTLED, "unreadable", "excluded")
_ALL, _ = layout.all_of(layout.Kind.TRUTH)


_DOUBT = "doubt-"
"""What places in the list of doubts begin with."""

FEW_BYTES = 16 * 1024
"""Compressed labels of an image that a list shows; larger ones are shown with the image itself."""


_Word = Annotated[str, Field(max_length=200)]


class ItemFilter(Model):
    """Which items are wanted; what is left out does not matter. `path` is that of one image, as it
    was uploaded or whole; `name` is a part of it, in any case.

    `labels`: with their annotations, where these are few. `disagrees`: labels with which the current model
    disagrees, the most doubtful first, of one class or several an image; approved ones only where asked for.
    `labeled_on`: those that are labeled since that day (UTC); `labeled_from`, `labeled_to`: since one of these
    days or of those between. `waits_for`: those that wait for people with this tag; `returned`: those that
    were sent back to their labeler, or to anyone, and wait. `suggested`: those with which a suggestion is
    shown, or none.
    `consensus`: those that several people labeled, and agree on or not; a reviewer may have decided since. Or
    those about which they differ, if only one from all others: then `class_id` is what they differ about, and
    `labeler` one who differs from somebody.
    """

    state: ItemState | None = None
    class_id: _Word | None = None
    labeler: _Word | None = None
    kind: _Word | None = None
    flag: _Word | None = None
    approved: bool | None = None
    honeypot: bool | None = None
    waits_for: _Word | None = None
    consensus: Literal["agreed", "disputed", "differing"] | None = None
    path: Annotated[str, Field(max_length=1_024)] | None = None
    name: _Word | None = None
    labels: bool = False
    disagrees: bool = False
    labeled_on: date | None = None
    labeled_from: date | None = None
    labeled_to: date | None = None
    suggested: bool | None = None
    returned: Literal["same_labeler", "anyone", "all"] | None = None
    cursor: str | None = None
    limit: Annotated[int, Field(ge=1, le=200)] = 50


class ItemLine(Model):
    """An item in a list. `classes` are ids of the classes it is labeled with.

    `labels` are its current annotations, where they were asked for and are few. `approved` is the reviewer
    who found them good, if one did. `honeypot`: it is mixed in among what people label. `seems`: the classes
    the model would give, where it was asked for labels that it disagrees with.
    """

    item_id: str
    path: str
    state: ItemState
    kind: str
    revision: int
    width: int
    height: int
    frames: int
    media: str
    flag: str
    reason: str
    classes: list[str]
    labelers: list[str]
    approved: str
    honeypot: bool
    changed_at: UtcTime
    images: ImageLinks
    labels: list[Annotation] | None = None
    seems: list[str] | None = None


class ItemPage(Model):
    """A page of items; it may be short and still have a cursor. Settled states: newest first.

    `searched` items were looked at to find these.
    """

    items: list[ItemLine]
    next_cursor: str | None
    searched: int = 0


class ItemView(ItemLine):
    """One item with its current labels (`outcome` is null while there are none)."""

    outcome: Outcome | None = None
    annotations: list[Annotation] = []
    note: str | None = None
    saved_at: UtcTime | None = None
    active_ms: int = 0
    submission_id: str | None = None
    prelabel: Acceptance | None = None


class HistoryEntry(Model):
    """One change of an item, with the whole labels after it. `superseded`: late work that does not count, since
    it was `overtaken`."""

    revision: int
    what: str
    by: str
    at: UtcTime
    reason: str | None
    task_id: str | None
    submission_id: str | None
    outcome: Outcome | None
    annotations: list[Annotation]
    note: str | None
    active_ms: int
    prelabel: Acceptance | None
    overtaken: Overtaken | None


class History(Model):
    """All changes of an item, oldest first. `names`: of the people in it, who are members still."""

    items: list[HistoryEntry]
    names: dict[str, str]


class RejectRequest(Model):
    """Items to be labeled again. `revisions`: only where the item is still what the reviewer saw."""

    item_ids: Annotated[list[Id], Field(min_length=1, max_length=100)]
    reason: Annotated[str, Field(max_length=2_000)] = ""
    to: Literal["anyone", "same_labeler"] = "anyone"
    front: bool = True
    revisions: dict[str, int] = {}


class ApproveRequest(Model):
    """Labels that are good, or after all are not (`approved` false). `revisions` as for rejecting."""

    item_ids: Annotated[list[Id], Field(min_length=1, max_length=100)]
    approved: bool = True
    revisions: dict[str, int] = {}


class AcceptRequest(Model):
    """Skipped items to be left out of the project. Rejecting them later puts them back."""

    item_ids: Annotated[list[Id], Field(min_length=1, max_length=100)]
    revisions: dict[str, int] = {}


class LeaveOutRequest(Model):
    """Items that shall no longer be part of the project. Rejecting them later puts them back."""

    item_ids: Annotated[list[Id], Field(min_length=1, max_length=100)]
    reason: Annotated[str, Field(max_length=2_000)] = ""
    revisions: dict[str, int] = {}


class PutFirstRequest(Model):
    """Items that wait, to be labeled before others."""

    item_ids: Annotated[list[Id], Field(min_length=1, max_length=100)]


class AnswerRequest(Model):
    """What labelers asked about these items, answered: they go back to who asked, with the answer."""

    item_ids: Annotated[list[Id], Field(min_length=1, max_length=100)]
    answer: Annotated[str, Field(min_length=1, max_length=2_000)]
    revisions: dict[str, int] = {}


class RelabelRequest(Model):
    """Labels of which one class (`class_id`), or whatever they say (null), becomes another. `revisions` as for
    rejecting."""

    item_ids: Annotated[list[Id], Field(min_length=1, max_length=100)]
    class_id: Id | None = None
    into: Id
    revisions: dict[str, int] = {}


class RevertRequest(Model):
    """Labels to be again what they were at a moment; without one, what they were before the present ones.
    `revisions` as for rejecting."""

    item_ids: Annotated[list[Id], Field(min_length=1, max_length=100)]
    before: UtcTime | None = None
    revisions: dict[str, int] = {}


class ReviewResult(Model):
    """What became of one item; `done` also where it was so already. `leased`: it is being corrected now;
    `no_earlier`: it had no labels then."""

    item_id: str
    status: Literal["done", "changed", "leased", "not_settled", "no_earlier", "unknown"]


class OpinionView(Model):
    """What one of several people said about an image. `shared` are the ids of those annotations that all others
    made too.
    """

    labeler: str
    name: str
    outcome: Outcome
    annotations: list[Annotation]
    shared: list[str]
    note: str | None
    saved_at: UtcTime


class OpinionList(Model):
    """What all said who labeled an image; empty where one person labels it.

    `merged` is what most said alike, without the rest; null where that is nothing.
    """

    items: list[OpinionView]
    merged: list[Annotation] | None


class ResolveRequest(Model):
    """Take what this labeler said, or `merge`: what most said alike, without the rest. Of the item as it was at
    `revision` where that is given.
    """

    labeler: _Word | None = None
    merge: bool = False
    revision: int | None = None

    @model_validator(mode="after")
    def _one_of_both(self) -> Self:
        if (self.labeler is None) != self.merge:
            raise ValueError("say whose answer to take, or to merge them; not both")
        return self


class ReviewAnswer(Model):
    """One result an item, in order."""

    results: list[ReviewResult]


class RejectResult(Model):
    """What became of one item. `leased`: it is being corrected at this moment; try later."""

    item_id: str
    status: Literal["rejected", "changed", "leased", "not_settled", "unknown"]


class RejectAnswer(Model):
    """One result an item, in order."""

    results: list[RejectResult]


class Review:
    """Items of a project, for those who look after them."""

    def __init__(self, storage: Storage, projects: Projects, tasks: Tasks, doubts: Doubts) -> None:
        self._storage = storage
        self._doubts = doubts
        self._projects = projects
        self._tasks = tasks

    def list(self, opened: ProjectAccess, wanted: ItemFilter) -> ItemPage:
        """A page of items.

        Raises:
            Invalid: the cursor is not one of ours.
        """
        if not opened.project.shards:
            return ItemPage(items=[], next_cursor=None)
        if wanted.path is not None:
            source = opened.project.source
            item_id = layout.item_id(source.container, source.meant(wanted.path))
            one = opened.items.read(item_id)
            found = [one.item] if one and fits(opened, one.item, wanted) else []
            return ItemPage(
                items=[*self._lines(opened, found, wanted)], next_cursor=None, searched=1
            )
        if wanted.disagrees:
            return self._doubted(opened, wanted)
        if wanted.state == "leased":
            return self._leased(opened, wanted)
        keys = _keys(wanted)
        places = _read_cursor(wanted.cursor, opened.project.shards, keys[0])
        found, places, searched = self._merge(opened, keys, places, wanted)
        return ItemPage(
            items=[*self._lines(opened, found, wanted)],
            next_cursor=_write_cursor(places)
            if any(place is not None for place in places)
            else None,
            searched=searched,
        )

    def _doubted(self, opened: ProjectAccess, wanted: ItemFilter) -> ItemPage:
        """Labels the model disagrees with, where they are still what the model saw."""
        doubts = self._doubts.of(opened.project.project_id)
        begin = _doubt_at(wanted.cursor)
        seems: dict[str, list[str]] = {}
        found: list[Item] = []
        at = begin
        while at < len(doubts) and not found:
            some = doubts[at : at + wanted.limit]
            stored = opened.items.read_many([doubt.item_id for doubt in some])
            for doubt, record in zip(some, stored, strict=True):
                if (
                    record
                    and fits(opened, record.item, wanted)
                    and stands(record, doubt.said, wanted)
                ):
                    found.append(record.item)
                    seems[doubt.item_id] = doubt.seems
            at += len(some)
        lines = self._lines(opened, found, wanted)
        return ItemPage(
            items=[line.model_copy(update={"seems": seems[line.item_id]}) for line in lines],
            next_cursor=_write_cursor([f"{_DOUBT}{at}"]) if at < len(doubts) else None,
            searched=at - begin,
        )

    def _leased(self, opened: ProjectAccess, wanted: ItemFilter) -> ItemPage:
        after = _read_cursor(wanted.cursor, 1, "")[0] or ""
        tasks = opened.items.open_tasks(range(opened.project.shards))
        held = {
            item.item.item_id: item.item
            for task in tasks
            for item in task.held
            if item.item.item_id > after
            and item.item.state == "leased"
            and not item.is_check
            and fits(opened, item.item, wanted)
        }
        ids = sorted(held)
        some = ids[: wanted.limit]
        return ItemPage(
            items=[*self._lines(opened, [held[item_id] for item_id in some], wanted)],
            next_cursor=_write_cursor([some[-1]]) if len(ids) > len(some) else None,
            searched=len(some),
        )

    def _merge(
        self,
        opened: ProjectAccess,
        keys: tuple[str, str],
        places: Sequence[str | None],
        wanted: ItemFilter,
    ) -> tuple[Sequence[Item], list[str | None], int]:
        """The next items of all shards in order of their keys, and how many were looked at.

        At most one storage page a shard.
        """
        prefix, behind = keys
        asked = wanted.model_dump(
            exclude={"state", "labels", "cursor", "limit"}, exclude_defaults=True
        )
        narrow = bool(asked) or (wanted.state is not None and prefix == _ALL)
        size = 1000 if narrow else wanted.limit
        live = [shard for shard, place in enumerate(places) if place is not None]
        pages = self._storage.tables.query_many(
            layout.ITEMS,
            [
                Range(
                    opened.items.partition(shard),
                    (places[shard] or prefix) + ("!" if places[shard] else ""),
                    behind,
                    size,
                )
                for shard in live
            ],
        )
        after: list[str | None] = list(places)
        found: list[Item] = []
        searched = 0
        # Behind the last row of a page that is full, more of that shard may follow.
        end = min((rows[-1].key for rows in pages if len(rows) == size), default=behind)
        for row, shard in _in_order(live, pages):
            item = _item(row)
            if len(found) == wanted.limit or row.key > end:
                break
            after[shard] = row.key
            searched += 1
            if fits(opened, item, wanted):
                found.append(item)
        for shard, rows in zip(live, pages, strict=True):
            if len(rows) < size and (not rows or after[shard] == rows[-1].key):
                after[shard] = None  # this shard has been seen to its end
        return found, after, searched

    def _lines(
        self, opened: ProjectAccess, items: Sequence[Item], wanted: ItemFilter
    ) -> Sequence[ItemLine]:
        if not wanted.labels:
            return [self._line(opened, item) for item in items]
        labeled = [item.item_id for item in items if item.state == "labeled"]
        found = {
            record.item.item_id: record for record in opened.items.read_many(labeled) if record
        }
        return [self._line(opened, item, _few(found.get(item.item_id))) for item in items]

    def _line(
        self, opened: ProjectAccess, item: Item, labels: Sequence[Annotation] | None = None
    ) -> ItemLine:
        return ItemLine(
            item_id=item.item_id,
            path=opened.project.source.shown(item.path),
            state=item.state,
            kind=item.kind,
            revision=item.revision,
            width=item.width,
            height=item.height,
            frames=item.frames,
            media=item.media,
            flag=item.flag,
            reason=item.reason or item.damage,
            classes=sorted(item.classes),
            labelers=[lane.labeler for lane in item.lanes if lane.labeler],
            approved=item.approved,
            honeypot=bool(item.honeypot_key),
            changed_at=from_milliseconds(item.changed_ms),
            images=self._tasks.images.links(opened.project, item),
            labels=None if labels is None else [*labels],
        )

    def _stored(self, opened: ProjectAccess, item_id: str) -> Stored:
        one = opened.items.read(item_id) if opened.project.shards else None
        if one is None:
            raise NotFound("there is no such item in this project")
        return one

    def get(self, opened: ProjectAccess, item_id: str) -> ItemView:
        """One item with its labels.

        Raises:
            NotFound: there is no such item.
        """
        one = self._stored(opened, item_id)
        line = self._line(opened, one.item).model_dump()
        labeling = one.labeling
        if labeling is None or one.item.state not in SETTLED:
            return ItemView(**line)
        return ItemView(
            **line,
            outcome=labeling.outcome,
            annotations=labeling.annotations,
            note=labeling.note or labeling.reason,
            saved_at=labeling.saved_at,
            active_ms=labeling.active_ms,
            submission_id=labeling.submission_id,
            prelabel=labeling.prelabel,
        )

    def opinions(self, opened: ProjectAccess, item_id: str) -> OpinionList:
        """What each person said about an item that several label.

        Raises:
            NotFound: there is no such item.
        """
        self._stored(opened, item_id)
        said = opened.items.opinions(item_id)
        names = self._names(opened, {labeling.labeler for labeling in said})
        opinions = as_opinions(said)
        alike = shared(opinions, opened.items.overlap)
        return OpinionList(
            items=[
                OpinionView(
                    labeler=labeling.labeler,
                    name=names.get(labeling.labeler, ""),
                    outcome=labeling.outcome,
                    annotations=labeling.annotations,
                    shared=sorted(alike[labeling.labeler]),
                    note=labeling.note or labeling.reason,
                    saved_at=labeling.saved_at,
                )
                for labeling in said
            ],
            merged=merged(opinions, opened.items.overlap) if said else None,
        )

    def resolve(
        self, opened: ProjectAccess, item_id: str, request: ResolveRequest, *, by: str
    ) -> ReviewResult:
        """Take what one person said, or what most said alike, as the labels of an item.

        Raises:
            NotFound: there is no such item, or that person said nothing about it.
            Conflict: there is nothing that most said alike.
        """
        if request.labeler is None:
            status = opened.items.resolve_merged(item_id, by=by, revision=request.revision)
        else:
            labeler = request.labeler
            status = opened.items.resolve(item_id, labeler, by=by, revision=request.revision)
        if status == "unknown":
            raise NotFound("there is no such item in this project")
        if status == "nothing_common":
            raise Conflict(
                "those who labeled the image have nothing in common; take one's answer, or send it back"
            )
        if status == "no_opinion":
            raise NotFound("this person has not labeled the image; look at it again")
        return ReviewResult(item_id=item_id, status=status)

    def _names(self, opened: ProjectAccess, users: Collection[str]) -> dict[str, str]:
        people = sorted(users)
        members = self._storage.tables.get_many(
            layout.PROJECTS,
            [(opened.project.project_id, layout.member(person)) for person in people],
        )
        return {
            person: row.text("name") for person, row in zip(people, members, strict=True) if row
        }

    def history(self, opened: ProjectAccess, item_id: str) -> History:
        """Every change of an item.

        Raises:
            NotFound: there is no such item.
        """
        self._stored(opened, item_id)
        entries = [_entry(revision) for revision in opened.items.history(item_id)]
        names = self._names(opened, {entry.by for entry in entries if entry.by})
        return History(items=entries, names=names)

    def approve(self, opened: ProjectAccess, request: ApproveRequest, *, by: str) -> ReviewAnswer:
        """Note that labels are good, or take that back; one result an item."""
        return ReviewAnswer(
            results=[
                ReviewResult(
                    item_id=fromkey,
                    status=opened.items.approve(
                        fromkey,
                        by=by,
                        revision=request.revisions.get(fromkey),
                        approved=request.approved,
                    ),
                )
                for fromkey in dict.fromkeys(request.item_ids)
            ]
        )

    def accept_skipped(
        self, opened: ProjectAccess, request: AcceptRequest, *, by: str
    ) -> ReviewAnswer:
        """Leave skipped items out of the project; one result an item."""
        return ReviewAnswer(
            results=[
                ReviewResult(
                    item_id=fromkey,
                    status=opened.items.accept_skipped(
                        fromkey, by=by, revision=request.revisions.get(fromkey)
                    ),
                )
                for fromkey in dict.fromkeys(request.item_ids)
            ]
        )

    def leave_out(
        self, opened: ProjectAccess, request: LeaveOutRequest, *, by: str
    ) -> ReviewAnswer:
        """Leave items that nobody holds out of the project; one result an item."""
        return ReviewAnswer(
            results=[
                ReviewResult(
                    item_id=fromkey,
                    status=opened.items.leave_out(
                        fromkey,
                        by=by,
                        reason=request.reason,
                        revision=request.revisions.get(fromkey),
                    ),
                )
                for fromkey in dict.fromkeys(request.item_ids)
            ]
        )

    def put_first(self, opened: ProjectAccess, request: PutFirstRequest) -> ReviewAnswer:
        """Have items that wait labeled before others; one result an item."""
        results = [
            ReviewResult(item_id=fromkey, status=opened.items.put_first(fromkey))
            for fromkey in dict.fromkeys(request.item_ids)
        ]
        if any(result.status == "done" for result in results):
            self._projects.use_queue(opened.project_id, layout.FRONT)
        return ReviewAnswer(results=results)

    def relabel(self, opened: ProjectAccess, request: RelabelRequest, *, by: str) -> ReviewAnswer:
        """Say another class in labels; one result an item.

        Raises:
            Invalid: there is no such class to be said.
        """
        attributes = class_for_relabel(opened.project, request.class_id, request.into).attributes
        return ReviewAnswer(
            results=[
                ReviewResult(
                    item_id=fromkey,
                    status=opened.items.relabel(
                        fromkey,
                        class_id=request.class_id,
                        into=request.into,
                        attributes=attributes,
                        by=by,
                        revision=request.revisions.get(fromkey),
                    ),
                )
                for fromkey in dict.fromkeys(request.item_ids)
            ]
        )

    def revert(self, opened: ProjectAccess, request: RevertRequest, *, by: str) -> ReviewAnswer:
        """Make labels what they were before; one result an item."""
        return ReviewAnswer(
            results=[
                ReviewResult(
                    item_id=fromkey,
                    status=opened.items.revert(
                        fromkey,
                        before=request.before,
                        by=by,
                        revision=request.revisions.get(fromkey),
                    ),
                )
                for fromkey in dict.fromkeys(request.item_ids)
            ]
        )

    def answer(self, opened: ProjectAccess, request: AnswerRequest, *, by: str) -> RejectAnswer:
        """Send items back to who asked about them, with an answer; one result an item."""
        back = RejectRequest(
            item_ids=request.item_ids,
            reason=request.answer,
            to="same_labeler",
            revisions=request.revisions,
        )
        return self.reject(opened, back, by=by, answers=True)

    def reject(
        self, opened: ProjectAccess, request: RejectRequest, *, by: str, answers: bool = False
    ) -> RejectAnswer:
        """Send items back to be labeled again, each on its own; one result an item."""
        item_ids = list(dict.fromkeys(request.item_ids))
        revisions = dict(request.revisions)
        keeps: set[str] = set()
        if request.to == "same_labeler":
            for record in opened.items.read_many(item_ids):
                if record and self._returns_to_labeler(opened, record.item):
                    keeps.add(record.item.item_id)
                    revisions.setdefault(record.item.item_id, record.item.revision)
        results = [
            RejectResult(
                item_id=item_id,
                status=opened.items.reject(
                    item_id,
                    by=by,
                    reason=request.reason,
                    to_same_labeler=item_id in keeps,
                    front=request.front,
                    revision=revisions.get(item_id),
                    answers=answers,
                ),
            )
            for item_id in item_ids
        ]
        if request.front and any(result.status == "rejected" for result in results):
            self._projects.use_queue(opened.project.project_id, layout.FRONT)
        return RejectAnswer(results=results)

    def _returns_to_labeler(self, opened: ProjectAccess, item: Item) -> bool:
        """Note where the labeler will find it; False where there is nobody to return it to."""
        labeler = item.lanes[0].labeler
        self._projects.note_activity(
            opened.project.project_id, labeling=False
        )  # upkeep sees whether they stay
        shard = opened.items.shard_of(item.item_id)
        return bool(labeler) and self._projects.note_elsewhere(
            opened.project.project_id, labeler, shard
        )


def _entry(revision: Revision) -> HistoryEntry:
    labeling = revision.labeling
    return HistoryEntry(
        revision=revision.revision,
        what=revision.what,
        by=revision.by,
        at=revision.at,
        reason=revision.reason,
        task_id=revision.task_id,
        submission_id=labeling.submission_id if labeling else None,
        outcome=labeling.outcome if labeling else None,
        annotations=labeling.annotations if labeling else [],
        note=labeling.note or labeling.reason if labeling else None,
        active_ms=labeling.active_ms if labeling else 0,
        prelabel=labeling.prelabel if labeling else None,
        overtaken=revision.overtaken,
    )


def _item(row: Row) -> Item:
    if layout.kind_of(row.key) is layout.Kind.TRUTH:
        return stored(row).item
    return Item.of(layout.item_of(row.key), row.cells)


def _few(record: Stored | None) -> Sequence[Annotation] | None:
    """The current annotations of an item, unless they are too many for a list."""
    if (
        record is None
        or record.item.state != "labeled"
        or packed_bytes("labels", record.cells) > FEW_BYTES
    ):
        return None
    labeling = record.labeling
    return labeling.annotations if labeling else None


def _doubt_at(cursor: str | None) -> int:
    place = (_read_cursor(cursor, 1, _DOUBT)[0] or "").removeprefix(_DOUBT)
    if place and not place.isdecimal():
        raise Invalid("this cursor is not one of this list; start again without it")
    return int(place or 0)


def stands(record: Stored, said: Sequence[str], wanted: ItemFilter) -> bool:
    """Whether a label is what a model doubted, and nobody has found it good since."""
    labeling = record.labeling
    if record.item.state != "labeled" or labeling is None:
        return False
    same = sorted({annotation.class_id for annotation in labeling.annotations}) == sorted(said)
    return same and (wanted.approved is not None or not record.item.approved)


def fits(opened: ProjectAccess, item: Item, wanted: ItemFilter) -> bool:
    """Whether a filter means an item, but for what `ItemFilter.disagrees` says."""
    differing = wanted.consensus == "differing"
    return (
        (wanted.state is None or item.state == wanted.state)
        and (wanted.class_id is None or differing or wanted.class_id in item.classes)
        and (wanted.labeler is None or any(wanted.labeler == lane.labeler for lane in item.lanes))
        and (wanted.kind is None or item.kind == wanted.kind)
        and (wanted.flag is None or item.flag == wanted.flag)
        and (wanted.approved is None or bool(item.approved) == wanted.approved)
        and (wanted.honeypot is None or bool(item.honeypot_key) == wanted.honeypot)
        and (wanted.waits_for is None or item.waits_for == key_of(wanted.waits_for))
        and _labeled_then(item, wanted)
        and (wanted.suggested is None or bool(item.suggested) == wanted.suggested)
        and (
            wanted.returned in (None, item.sent_back)
            or (wanted.returned == "all" and bool(item.sent_back))
        )
        and (wanted.consensus is None or differing or item.consensus == wanted.consensus)
        and (not differing or item.differs(class_id=wanted.class_id, labeler=wanted.labeler))
        and (
            wanted.name is None
            or _as_typed(wanted.name) in _as_typed(opened.project.source.shown(item.path))
        )
    )


def _keys(wanted: ItemFilter) -> tuple[str, str]:
    """What the keys begin with among which all items are that a filter means, and the first behind these."""
    first = max(filter(None, (wanted.labeled_on, wanted.labeled_from)), default=None)
    by_day = first or wanted.labeled_to
    state = wanted.state or ("labeled" if by_day else None)
    if state not in LISTED:
        return _ALL, _ALL + layout.END
    prefix = layout.listings_of(state)
    if state == "labeled" and first:
        # Newest change first: what has not changed since that day was labeled before it.
        begin = milliseconds(datetime.combine(first, time(), UTC))
        return prefix, layout.listed_between(state, begin - 1, begin)[1]
    return prefix, prefix + layout.END


def _labeled_then(item: Item, wanted: ItemFilter) -> bool:
    """Whether an item is labeled since one of the days that are wanted."""
    on, first, last = wanted.labeled_on, wanted.labeled_from, wanted.labeled_to
    if on is first is last is None:
        return True
    day = day_of(item.labeled_ms)
    return (
        bool(item.labeled_ms)
        and (on is None or day == f"{on:%Y%m%d}")
        and (first is None or day >= f"{first:%Y%m%d}")
        and (last is None or day <= f"{last:%Y%m%d}")
    )


def class_for_relabel(project: Project, class_id: str | None, into: str) -> LabelClass:
    """The class that labels shall say instead of another, or of all.

    Raises:
        Invalid: one of them is none of the project's, or nobody can say it any more.
    """
    known = {class_.class_id: class_ for class_ in project.classes}
    for at, name in (("/class_id", class_id), ("/into", into)):
        if name is not None and name not in known:
            detail = f"there is no class {name!r} in this project"
            raise Invalid(detail, faults=(Fault(at, "unknown-class", detail),))
    if known[into].retired or known[into].merged_into:
        detail = f"the class {known[into].name!r} is no longer given; choose another"
        raise Invalid(detail, faults=(Fault("/into", "retired-class", detail),))
    return known[into]


def _as_typed(path: str) -> str:
    """A path to be compared with what was typed: macOS writes names of files in parts of letters."""
    return unicodedata.normalize("NFC", path).casefold()


def _in_order(shards: Sequence[int], pages: Sequence[Sequence[Row]]) -> Iterator[tuple[Row, int]]:
    rows = [(row, shard) for shard, page in zip(shards, pages, strict=True) for row in page]
    yield from sorted(rows, key=lambda row: row[0].key)


def _write_cursor(places: Sequence[str | None]) -> str:
    return base64.urlsafe_b64encode(json.dumps(list(places)).encode()).decode()


def _read_cursor(cursor: str | None, shards: int, prefix: str) -> list[str | None]:
    """Places in the ranges of keys below `prefix`, one a shard."""
    if not cursor:
        return [""] * shards
    try:
        raw = base64.b64decode(cursor, altchars=b"-_", validate=True)
        places = _PLACES.validate_json(raw, strict=True)
        for place in places:
            check_key(place or "")
    except ValueError:
        places = []
    if len(places) != shards or not all((place or prefix).startswith(prefix) for place in places):
        raise Invalid("this cursor is not one of this list; start again without it")
    return places


_PLACES = TypeAdapter(list[str | None])
