"""A labeler's own page: what they did today, what they labeled last, what came back to them.

What a person sees here is theirs alone: labels of others are never shown, not even in place of their own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from labeling import layout
from labeling.items.cells import unpack
from labeling.items.counters import active_key, day_key
from labeling.items.records import SETTLED, Labeling, Outcome, Returned, Stored, Task, split_tasks
from labeling.model import Model, UtcTime, milliseconds
from labeling.projects.access import Caller
from labeling.projects.projects import ProjectAccess
from labeling.storage import Range, Row, Storage
from labeling.tasks.images import ImageLinks
from labeling.tasks.service import MAX_OPEN, RECENT, Tasks
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

    `can_reopen`: by reopening `task_id`, to correct it. `open`: that task is open already. `returned`: a
    reviewer sent it back. The annotations themselves come with the task that is reopened.
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
        """The caller's work, in two round trips: five calls a shard, then one for each image shown."""
        now = self._storage.clock.now()
        found, counters = self._storage.together(
            lambda: self._found(opened, caller.user), opened.items.counters
        )
        tasks, returned, submitted = found
        # What was returned and taken up again is in an open task; it still is what was returned.
        taken = [one.item.item_id for task in tasks for one in task.held if one.item.returned]
        back = list(dict.fromkeys([*returned, *taken]))[:RECENT]
        last = [one for one in submitted if one not in back][:RECENT]
        mine = self._items(opened, caller.user, [*back, *last], submitted, tasks)
        today = milliseconds(now)
        return MyWork(
            at=now,
            today=Today(
                since=now.replace(hour=0, minute=0, second=0, microsecond=0),
                images=counters[day_key(today, caller.user)],
                active_ms=counters[active_key(today, caller.user)],
            ),
            returned=[mine[one] for one in back if one in mine],
            recent=sorted(
                (mine[one] for one in last if one in mine),
                key=lambda one: (one.saved_at, one.item_id),
                reverse=True,
            ),
        )

    def _found(
        self, opened: ProjectAccess, user: str
    ) -> tuple[list[Task], list[str], dict[str, str]]:
        """My open tasks, items returned to me, and items I submitted with the task of each."""
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
        pages = self._storage.tables.query_many(layout.ITEMS, [*own, *answers])
        tasks: list[Task] = []
        returned: list[str] = []
        for shard, rows in zip(shards, pages, strict=False):
            some, back = split_tasks(rows, shard)
            tasks += some
            returned += [one.item.item_id for one in back]
        rows = [row for page in pages[len(own) :] for row in page]
        return tasks, returned, _submitted(rows)

    def _items(
        self,
        opened: ProjectAccess,
        user: str,
        item_ids: Sequence[str],
        submitted: Mapping[str, str],
        tasks: Sequence[Task],
    ) -> dict[str, MyItem]:
        """Those of the items whose labels are mine still."""
        found = [one for one in opened.items.read_many(item_ids) if one]
        own = {one.item.item_id: said for one in found if (said := one.labeling)}
        if shared := [one.item.item_id for one in found if one.item.shared]:
            own |= opened.items.labelings_of(user, shared)
        held = {one.item.item_id: task.task_id for task in tasks for one in task.held}
        ongoing = {task.task_id for task in tasks}
        mine: dict[str, MyItem] = {}
        for one in found:
            item_id = one.item.item_id
            said = own.get(item_id)
            if said and said.labeler == user:
                task_id = held.get(item_id) or submitted.get(item_id, "")
                is_open = task_id in ongoing
                mine[item_id] = self._item(opened, one, said, task_id, is_open=is_open)
        return mine

    def _item(
        self,
        opened: ProjectAccess,
        one: Stored,
        said: Labeling,
        task_id: str,
        *,
        is_open: bool,
    ) -> MyItem:
        item = one.item
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
        for one in answer.results:
            if one.status in ("saved", "saved_late"):
                submitted.setdefault(one.item_id, tasks[row.key])
    return submitted
