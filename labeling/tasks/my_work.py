"""A labeler's own page: what they did today, what they labeled last, what came back to them.

What a person sees here is theirs alone: labels of others are never shown, not even in place of their own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from labeling import layout
from labeling.items.cells import unpack
from labeling.items.checks import Check, as_answered
from labeling.items.counters import active_key, day_key
from labeling.items.records import SETTLED, Labeling, Outcome, Returned, Stored
from labeling.items.tasks import Task, split_tasks
from labeling.model import Model, UtcTime, milliseconds
from labeling.projects.access import Caller
from labeling.projects.projects import ProjectAccess
from labeling.storage import Range, Row, Storage
from labeling.tasks.handout import MAX_OPEN
from labeling.tasks.images import ImageLinks
from labeling.tasks.service import RECENT, Tasks
from labeling.tasks.submissions import SubmitAnswer


class Today(Model):
    """What I submitted since the day began, in UTC: images, and milliseconds I was active on them."""

    since: UtcTime
    images: int
    active_ms: int


class ClassUse(Model):
    """A class I said, and how many annotations of it there are."""

    class_id: str
    annotations: int


class MyItem(Model):
    """An image I labeled, and what I said about it last.

    `can_reopen`: by reopening `task_id`, to correct it. `open`: it is on that page, which is open already.
    `returned`: a reviewer sent it back. The annotations themselves come with the task that is reopened.
    """

    item_id: str
    task_id: str
    path: str
    width: int
    height: int
    images: ImageLinks
    can_reopen: bool
    open: bool
    returned: Returned | None
    outcome: Outcome
    classes: list[ClassUse]
    reason: str | None
    note: str | None
    saved_at: UtcTime
    active_ms: int


class MyWork(Model):
    """What I did and what waits for me. `recent`: my last 50 images, newest first, less those returned."""

    at: UtcTime
    today: Today
    returned: list[MyItem]
    recent: list[MyItem]


class Mine:
    """The work of one labeler in a project."""

    def __init__(self, storage: Storage, tasks: Tasks) -> None:
        self._storage = storage
        self._tasks = tasks

    def get(self, opened: ProjectAccess, caller: Caller) -> MyWork:
        """The caller's work, in two round trips: six calls a shard, then one for each image shown."""
        now = self._storage.clock.now()
        found, counters = self._storage.together(
            lambda: self._found(opened, caller.user), opened.items.counters
        )
        tasks, returned, submitted, checks = found
        # What was returned and taken up again is in an open task; it still is what was returned.
        taken = [item.item.item_id for task in tasks for item in task.held if item.item.returned]
        back = list(dict.fromkeys([*returned, *taken]))[:RECENT]
        last = [item_id for item_id in submitted if item_id not in back][:RECENT]
        mine = self._items(opened, caller.user, [*back, *last], submitted, tasks, checks)
        today = milliseconds(now)
        return MyWork(
            at=now,
            today=Today(
                since=now.replace(hour=0, minute=0, second=0, microsecond=0),
                images=counters[day_key(today, caller.user)],
                active_ms=counters[active_key(today, caller.user)],
            ),
            returned=[mine[item_id] for item_id in back if item_id in mine],
            recent=sorted(
                (mine[item_id] for item_id in last if item_id in mine),
                key=lambda item: (item.saved_at, item.item_id),
                reverse=True,
            ),
        )

    def _found(
        self, opened: ProjectAccess, user: str
    ) -> tuple[list[Task], list[str], dict[str, str], dict[str, Check]]:
        """My open tasks, items returned to me, items I submitted with the task of each, and my checks."""
        items = opened.items
        shards = range(items.shards)
        answers = [
            Range(
                items.partition(shard), *layout.below(layout.answers_of(user, shard, slot)), RECENT
            )
            for shard in shards
            for slot in range(MAX_OPEN)
        ]
        own = [items.tasks_range(user, shard) for shard in shards]
        posed = [items.checks_range(user, shard) for shard in shards]
        pages = self._storage.tables.query_many(layout.ITEMS, [*own, *answers, *posed])
        tasks: list[Task] = []
        returned: list[str] = []
        for shard, rows in zip(shards, pages, strict=False):
            some, back = split_tasks(rows, shard)
            tasks += some
            returned += [item.item.item_id for item in back]
        rows = [row for page in pages[len(own) : -len(posed)] for row in page]
        checks = [
            Check.of(row, shard)
            for shard, page in zip(shards, pages[-len(posed) :], strict=True)
            for row in page
        ]
        return tasks, returned, _submitted(rows), {check.item_id: check for check in checks}

    def _items(
        self,
        opened: ProjectAccess,
        user: str,
        item_ids: Sequence[str],
        submitted: Mapping[str, str],
        tasks: Sequence[Task],
        checks: Mapping[str, Check],
    ) -> dict[str, MyItem]:
        """Those of the items whose labels are mine still."""
        found = [stored for stored in opened.items.read_many(item_ids) if stored]
        own = {stored.item.item_id: said for stored in found if (said := stored.labeling)}
        if shared := [stored.item.item_id for stored in found if stored.item.shared]:
            own |= opened.items.labelings_of(user, shared)
        held = {item.item.item_id: task.task_id for task in tasks for item in task.held}
        mine: dict[str, MyItem] = {}
        for stored in found:
            item_id = stored.item.item_id
            said = own.get(item_id)
            check = checks.get(item_id)
            if check and check.answered and not (said and said.labeler == user):
                # What became of the image is nothing to whoever answered only to be checked.
                said = check.labeling
                stored = replace(stored, item=as_answered(stored.item, check))
            if said and said.labeler == user:
                # What was submitted of a page that is still open is no longer on it.
                is_open = item_id in held
                task_id = held[item_id] if is_open else submitted.get(item_id, "")
                mine[item_id] = self._item(opened, stored, said, task_id, is_open=is_open)
        return mine

    def _item(
        self,
        opened: ProjectAccess,
        stored: Stored,
        said: Labeling,
        task_id: str,
        *,
        is_open: bool,
    ) -> MyItem:
        item = stored.item
        settled = any(
            lane.state in SETTLED and lane.labeler == said.labeler and not lane.task
            for lane in item.lanes
        )
        return MyItem(
            item_id=item.item_id,
            task_id=task_id,
            path=opened.project.source.shown(item.path),
            width=item.width,
            height=item.height,
            images=self._tasks.images.links(opened.project, item),
            can_reopen=bool(task_id) and not is_open and settled and not item.barred,
            open=is_open,
            returned=Returned.model_validate_json(item.returned) if item.returned else None,
            outcome=said.outcome,
            classes=[
                ClassUse(class_id=class_id, annotations=count)
                for class_id, count in said.tally().items()
            ],
            reason=said.reason,
            note=said.note,
            saved_at=said.saved_at,
            active_ms=said.active_ms,
        )


def _submitted(rows: Sequence[Row]) -> dict[str, str]:
    """Items saved by submissions, of the newest tasks first, each with the last task it was in."""
    tasks = {row.key: layout.task_of(row.key)[1] for row in rows}
    newest = sorted(rows, key=lambda row: layout.task_time(tasks[row.key]))
    submitted: dict[str, str] = {}
    for row in newest:
        answer = SubmitAnswer.model_validate_json(unpack("answer", row.cells))
        for result in answer.results:
            if result.status in ("saved", "saved_late"):
                submitted.setdefault(result.item_id, tasks[row.key])
    return submitted
