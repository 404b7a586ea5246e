"""Handing out: the next page for a labeler, claimed for them alone, the same for a request that comes twice.

Where a page is found is in `queues.py`, what it shows in `views.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace

from labeling import layout
from labeling.items.items import Items
from labeling.items.leases import MAX_SHARED
from labeling.items.records import Item
from labeling.items.tasks import QueuedItem, Task
from labeling.model import milliseconds
from labeling.projects.access import Caller
from labeling.projects.projects import Project, ProjectAccess, Projects
from labeling.settings import Settings
from labeling.storage import Collision, Row, Storage, insist
from labeling.tasks.honeypots import Honeypots
from labeling.tasks.messages import TaskAnswer, TaskRequest
from labeling.tasks.queues import HANDING_OUT, Nothing, QueueCache, QueueReader
from labeling.tasks.submissions import MAX_SIZE
from labeling.tasks.views import Views

MAX_OPEN = 3
"""Pages one person may hold at a time: the one at work, the next, and a correction."""

MeasureNow = Callable[[Project, Sequence[Item]], int]


@dataclass(frozen=True)
class Page:
    """What may be claimed next, all of one shard, and which of the labeler's places it takes."""

    slot: int
    shard: int
    items: Sequence[QueuedItem]


class Handout:
    """Hands out pages."""

    def __init__(
        self,
        storage: Storage,
        projects: Projects,
        settings: Settings,
        views: Views,
        *,
        measure: MeasureNow,
    ) -> None:
        self._storage = storage
        self._projects = projects
        self._settings = settings
        self._views = views
        self._measure = measure
        self._cache = QueueCache(storage.clock)
        self._honeypots = Honeypots(storage)

    def answer(self, opened: ProjectAccess, caller: Caller, request: TaskRequest) -> TaskAnswer:
        """The caller's task for this request: the one it was answered with before, or a new one."""
        project = opened.project
        size = min(request.size, MAX_SHARED if project.lanes > 1 else MAX_SIZE)
        if not project.shards:
            return TaskAnswer(task=None, why="initializing", retry_after_s=3)
        avoid: set[str] = set()

        def once() -> TaskAnswer:
            nonlocal opened
            home, previous = opened.homes(caller.user)
            reader = QueueReader(
                self._storage, self._cache, opened, caller, (home, previous), avoid
            )
            tasks, returned, queue = reader.first(size)
            known = asked_for(tasks, request.request_id)
            if known:
                return TaskAnswer(task=self._views.open(opened, known))
            used = {task.shard for task in tasks} | set(returned)
            self._projects.nothing_elsewhere(
                opened, caller, [shard for shard in opened.whereabouts.shards if shard not in used]
            )
            slot = free_slot(tasks)
            page: Page | TaskAnswer
            if project.state not in HANDING_OUT:
                why = "initializing" if project.state == "failed" else "paused"
                page = TaskAnswer(task=None, why=why, retry_after_s=5)
            elif opened.whereabouts.standing == "paused":
                page = TaskAnswer(task=None, why="held_back", retry_after_s=60, look_again=True)
            elif slot is None:
                page = too_many_open(tasks)
            else:
                page = self._page(reader, opened, slot, returned, queue, size)
            if isinstance(page, Page) and not returned and project.honeypots.rate:
                items = self._honeypots.mixed(opened, caller, page.items)
                page = replace(page, items=items)
            if isinstance(page, TaskAnswer):
                before = self.answered_before(opened, caller, request.request_id, home)
                return before or page
            if page.shard != home and not returned:
                # Noted before the claim: after a crash between them a resume still looks in both.
                try:
                    opened = self._projects.move_home(opened, caller, page.shard, home)
                except Collision:
                    opened = self._projects.open(project.project_id, caller, "labeler", "labeling")
                    raise
            try:
                task = opened.items.claim(
                    caller.user,
                    page.slot,
                    page.shard,
                    page.items,
                    request_id=request.request_id,
                    lease_ms=self._settings.lease_seconds * 1000,
                    audiences=opened.audiences,
                )
            except Collision as collision:
                taken = layout.kind_of(collision.key)
                if taken is layout.Kind.REQUEST:
                    before = self.answered_before(opened, caller, request.request_id, page.shard)
                    if before:
                        return before
                if taken is layout.Kind.CHECK:
                    _, had = layout.check_of(collision.key)
                    self._honeypots.note_had(opened, caller, had)
                if taken is layout.Kind.LABELING:
                    avoid.add(layout.labeling_of(collision.key)[0])
                raise
            for item in task.held:
                if item.is_check:
                    self._honeypots.note_had(opened, caller, item.item.item_id)
            left = previous is not None and all(task.shard != previous for task in tasks)
            if page.shard == home and left:
                with suppress(Collision):  # no longer a member, or on another host at the same time
                    self._projects.move_home(opened, caller, home, None)
            self._projects.note_activity(opened.project.project_id, labeling=True)
            told = opened.whereabouts.standing == "told"
            return TaskAnswer(task=self._views.open(opened, task), look_again=told)

        return insist(self._storage, once, 40)

    def _page(
        self,
        reader: QueueReader,
        opened: ProjectAccess,
        slot: int,
        returned: dict[int, list[QueuedItem]],
        queue: list[Row],
        size: int,
    ) -> Page | TaskAnswer:
        """What to claim: what came back to the caller, else what is found; or why not."""
        if returned:
            shard, back = next(iter(returned.items()))
            return Page(slot, shard, back[:size])
        page = Page(slot, *reader.found(queue, size))
        none = None
        if not page.items:
            none = reader.dry or self._nothing(reader, opened, size)
            if none is None and not page.items:  # something has just been made ready: look again
                raise Collision(layout.all_of(layout.Kind.QUEUED)[0])
        if opened.project.state == "initializing" and len(page.items) < size:
            # The rest of a page is seconds away: nobody should get three pages of one image.
            return TaskAnswer(task=None, why="initializing", retry_after_s=3)
        if none:
            return TaskAnswer(task=None, why=none.why, retry_after_s=none.retry_after_s)
        return page

    def _nothing(self, reader: QueueReader, opened: ProjectAccess, size: int) -> Nothing | None:
        """No queue holds anything that is ready: make something ready, or say why there is nothing."""
        waiting = reader.unmeasured(size)
        if waiting:
            self._measure(opened.project, waiting)
            return None
        leased = opened.items.open_tasks(range(opened.project.shards))
        if self.give_back_expired(opened.items, leased):
            return None
        return reader.nothing(leased, self._grace_ms(), size)

    def answered_before(
        self, opened: ProjectAccess, caller: Caller, request_id: str, shard: int
    ) -> TaskAnswer | None:
        """What a request was answered with whose task is over."""
        partition = opened.items.partition(shard)
        row = self._storage.tables.get(
            layout.ITEMS, partition, layout.request(caller.user, request_id)
        )
        if row is None:
            return None
        task = opened.items.task(caller.user, row.text("task"))
        if task:
            return TaskAnswer(task=self._views.open(opened, task))
        return TaskAnswer(task=self._views.closed(opened, row.text("task")))

    def look_again(self, project_id: str) -> None:
        """Something changed that others may have waited for."""
        self._cache.forget_dry(project_id)

    def _grace_ms(self) -> int:
        """Waited after a lease's end before its items are given back: hosts' clocks differ."""
        return min(self._settings.lease_grace_seconds, self._settings.lease_seconds) * 1000

    def give_back_expired(self, items: Items, tasks: Sequence[Task]) -> int:
        """End leases that are over, with a grace for clocks that differ. Returns how many."""
        now = milliseconds(self._storage.clock.now())
        ended = 0
        for task in tasks:
            if task.until_ms + self._grace_ms() >= now:
                continue
            try:
                items.give_back(task, "expired")
                ended += 1
            except Collision:
                continue  # renewed, submitted or given back by somebody else at this moment
        return ended


def asked_for(tasks: Sequence[Task], request_id: str) -> Task | None:
    """The open task that this request was answered with."""
    return next((task for task in tasks if task.request_id == request_id), None)


def free_slot(tasks: Sequence[Task]) -> int | None:
    """A place for one more page of a labeler who holds these; None: they hold as many as one may."""
    taken = {task.slot for task in tasks}
    return next((slot for slot in range(MAX_OPEN) if slot not in taken), None)


def too_many_open(tasks: Sequence[Task]) -> TaskAnswer:
    """The answer to somebody who holds as many pages as one may."""
    return TaskAnswer(task=None, why="too_many_open", open_tasks=[task.task_id for task in tasks])
