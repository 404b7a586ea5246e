"""Handing out tasks and taking work back: what a labeler's page or a script talks to.

Where a page comes from is in `handout.py`, what it shows in `views.py`, what a submission must hold in
`submissions.py`, what may happen to items in `items/`; here is what is answered, also to a request that comes
twice, late, or too late.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Annotated, Literal

from pydantic import Field

from labeling import layout
from labeling.errors import Conflict, Fault, Invalid, NotFound
from labeling.items.cells import pack, unpack
from labeling.items.items import Items
from labeling.items.leases import MAX_SHARED
from labeling.items.records import (
    Decision,
    Finished,
    Item,
    Late,
    Task,
)
from labeling.model import Id, Model, UtcTime, from_milliseconds, milliseconds
from labeling.projects.access import Caller
from labeling.projects.projects import Project, ProjectAccess, Projects
from labeling.settings import Settings
from labeling.storage import (
    Collision,
    Create,
    Merge,
    Operation,
    Range,
    Storage,
    insist,
)
from labeling.tasks.handout import HANDING_OUT, Nothing, QueueCache, QueueReader, WhyNone
from labeling.tasks.images import DecodeFrame, Images
from labeling.tasks.submissions import (
    MAX_SIZE,
    Problem,
    SubmissionEnvelope,
    SubmitAnswer,
    as_before,
    check,
    digest_of,
    judge,
    judge_late,
    nothing_saved,
)
from labeling.tasks.views import Draft, Lease, TaskView, Views

MAX_OPEN = 3
RECENT = 50
COMPACT_ONE_IN = 32


class TaskRequest(Model):
    """Ask for a page of items. The same `request_id` gives the same task, whatever was lost between."""

    request_id: Id
    size: Annotated[int, Field(ge=1, le=MAX_SIZE, description="a wish")] = 9
    purpose: Literal["next", "prefetch"] = "next"


class TaskAnswer(Model):
    """A task, or why there is none and when to ask again."""

    task: TaskView | None
    why: WhyNone | None = None
    retry_after_s: int | None = None
    open_tasks: list[str] = []


class RecentTask(Model):
    """A task I finished."""

    task_id: str
    how: Literal["done", "expired", "released", "open"]
    ended_at: UtcTime
    item_ids: list[str]


class TaskList(Model):
    """My open tasks, or those I finished last, newest first."""

    items: list[TaskView] = []
    recent: list[RecentTask] = []
    next_cursor: str | None = None


class DraftAnswer(Model):
    """What is kept now, and the renewed lease while the task is open."""

    seq: int
    lease: Lease | None


class RenewAnswer(Model):
    """The renewed lease."""

    lease: Lease


class ReleaseRequest(Model):
    """Items to give back; all when left out."""

    items: list[Id] | None = None


class ReopenRequest(Model):
    """Items of a finished task to correct; all of them when left out."""

    request_id: Id
    items: Annotated[list[Id], Field(max_length=MAX_SIZE)] | None = None


class OpenLease(Model):
    """Who holds what."""

    task_id: str
    user: str
    until: UtcTime
    kind: str
    item_ids: list[str]


class LeaseList(Model):
    """All open tasks of a project."""

    items: list[OpenLease]


MeasureNow = Callable[[Project, Sequence[Item]], int]
SendCompact = Callable[[str, int], None]


class Tasks:
    """Tasks of labelers."""

    def __init__(
        self,
        storage: Storage,
        projects: Projects,
        settings: Settings,
        *,
        measure: MeasureNow,
        compact: SendCompact,
        frame: DecodeFrame,
    ) -> None:
        self._storage = storage
        self._projects = projects
        self._settings = settings
        self._measure = measure
        self._compact = compact
        self.images = Images(storage, frame)
        self._views = Views(storage, settings, self.images)
        self._cache = QueueCache(storage.clock)

    # Handing out.

    def hand_out(self, opened: ProjectAccess, caller: Caller, request: TaskRequest) -> TaskAnswer:
        """The caller's task for this request: the one it was answered with before, or a new one."""
        project = opened.project
        size = min(request.size, MAX_SHARED if project.lanes > 1 else MAX_SIZE)
        if not project.shards:
            return TaskAnswer(task=None, why="initializing", retry_after_s=3)
        avoid: set[str] = set()

        def once() -> TaskAnswer:
            nonlocal opened
            home, previous = self._homes(opened, caller)
            reader = QueueReader(
                self._storage, self._cache, opened, caller, (home, previous), avoid
            )
            tasks, returned, queue = reader.first(size)
            known = next((one for one in tasks if one.request_id == request.request_id), None)
            if known:
                return TaskAnswer(task=self._views.open(opened, known))
            used = {one.shard for one in tasks} | set(returned)
            self._projects.nothing_elsewhere(
                opened, caller, [one for one in opened.whereabouts.shards if one not in used]
            )
            if project.state not in HANDING_OUT:
                answered = self._answered_before(opened, caller, request.request_id, home)
                if answered:
                    return answered
                why: WhyNone = "initializing" if project.state == "failed" else "paused"
                return TaskAnswer(task=None, why=why, retry_after_s=5)
            slots = {one.slot for one in tasks}
            slot = next((n for n in range(MAX_OPEN) if n not in slots), None)
            if slot is None:
                return self._answered_before(
                    opened, caller, request.request_id, home
                ) or TaskAnswer(
                    task=None,
                    why="too_many_open",
                    open_tasks=[one.task_id for one in tasks],
                )
            shard = home
            if returned:
                shard = next(iter(returned))
                found = returned[shard][:size]
            else:
                found = reader.page(queue, size)
                if not found:
                    none = reader.dry
                    if none is None:
                        shard, found = reader.elsewhere(size)
                        none = None if found else self._nothing(reader, opened, size)
                    if none:
                        answered = self._answered_before(opened, caller, request.request_id, home)
                        if answered:
                            return answered
                        if project.state == "initializing":  # more is on its way
                            return TaskAnswer(task=None, why="initializing", retry_after_s=3)
                        return TaskAnswer(task=None, why=none.why, retry_after_s=none.retry_after_s)
                    if not found:  # something has just been made ready: look again
                        raise Collision(layout.all_of(layout.Kind.QUEUED)[0])
                if project.state == "initializing" and len(found) < size:
                    # The rest of a page is seconds away: nobody should get three pages of one image.
                    return TaskAnswer(task=None, why="initializing", retry_after_s=3)
            if shard != home and not returned:
                # Noted before the claim: after a crash between them a resume still looks in both.
                try:
                    opened = self._projects.move_home(opened, caller, shard, home)
                except Collision:
                    opened = self._projects.open(project.project_id, caller, "labeler", "labeling")
                    raise
            try:
                task = opened.items.claim(
                    caller.user,
                    slot,
                    shard,
                    found,
                    request_id=request.request_id,
                    lease_ms=self._settings.lease_seconds * 1000,
                )
            except Collision as collision:
                taken = layout.kind_of(collision.key)
                if taken is layout.Kind.REQUEST:
                    answered = self._answered_before(opened, caller, request.request_id, shard)
                    if answered:
                        return answered
                if taken is layout.Kind.LABELING:
                    avoid.add(layout.labeling_of(collision.key)[0])
                raise
            if shard == home and previous is not None and all(t.shard != previous for t in tasks):
                with suppress(Collision):  # no longer a member, or on another host at the same time
                    self._projects.move_home(opened, caller, home, None)
            self._projects.note_activity(opened.project.project_id, labeling=True)
            return TaskAnswer(task=self._views.open(opened, task))

        return insist(self._storage, once, 40)

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

    def _homes(self, opened: ProjectAccess, caller: Caller) -> tuple[int, int | None]:
        """The shard the caller draws from, and the one where open tasks of theirs may still be."""
        known = opened.whereabouts
        if known.home is not None:
            return known.home, known.previous
        return layout.shard_of(caller.user, opened.project.shards), None

    def _shards(self, opened: ProjectAccess, caller: Caller) -> list[int]:
        """Where something of the caller's may be: the shard they draw from comes first."""
        home, previous = self._homes(opened, caller)
        others = [] if previous is None else [previous]
        return list(dict.fromkeys([home, *others, *opened.whereabouts.shards]))

    def _answered_before(
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

    # Looking at what is open.

    def mine(self, opened: ProjectAccess, caller: Caller) -> TaskList:
        """The caller's open tasks, with their drafts; corrections, which were asked for, come first."""
        if not opened.project.shards:
            return TaskList()
        tasks, _ = opened.items.tasks_of(caller.user, self._shards(opened, caller))
        tasks.sort(key=lambda task: (task.kind != "correction", task.created_ms, task.slot))
        return TaskList(items=[self._views.open(opened, task) for task in tasks])

    def recent(self, opened: ProjectAccess, caller: Caller) -> TaskList:
        """The caller's last finished tasks, of the last 50 images, newest first."""
        pages = self._storage.tables.query_many(
            layout.ITEMS,
            [
                Range(
                    opened.items.partition(shard),
                    *layout.below(layout.finished_of(caller.user, shard, slot)),
                    RECENT,
                )
                for shard in range(opened.project.shards)
                for slot in range(MAX_OPEN)
            ],
        )
        finished = [Finished.of(row) for rows in pages for row in rows]
        finished.sort(key=lambda one: one.ended_ms, reverse=True)
        recent: list[RecentTask] = []
        count = 0
        for one in finished:
            if one.how != "done" or count >= RECENT:
                continue
            count += len(one.items)
            recent.append(
                RecentTask(
                    task_id=one.task_id,
                    how=one.how,
                    ended_at=from_milliseconds(one.ended_ms),
                    item_ids=list(one.items),
                )
            )
        return TaskList(recent=recent)

    def get(self, opened: ProjectAccess, caller: Caller, task_id: str) -> TaskView:
        """One of the caller's tasks.

        Raises:
            NotFound: no such task, or another's.
        """
        task = opened.items.task(caller.user, task_id)
        if task:
            return self._views.open(opened, task)
        if opened.items.finished(caller.user, task_id) is None:
            raise NotFound("there is no such task of yours")
        return self._views.closed(opened, task_id)

    def leases(self, opened: ProjectAccess) -> LeaseList:
        """Who holds what in a project."""
        tasks = opened.items.open_tasks(range(opened.project.shards))
        return LeaseList(
            items=[
                OpenLease(
                    task_id=task.task_id,
                    user=task.user,
                    until=from_milliseconds(task.until_ms),
                    kind=task.kind,
                    item_ids=[one.item.item_id for one in task.held],
                )
                for task in sorted(tasks, key=lambda one: one.until_ms)
            ]
        )

    # Keeping, and giving back.

    def renew(self, opened: ProjectAccess, caller: Caller, task_id: str) -> RenewAnswer:
        """Hold a task for another lease.

        Raises:
            NotFound: no such task of the caller's.
            Conflict: its items were given back.
        """

        def once() -> RenewAnswer:
            task = self._open_task(opened, caller, task_id)
            until = milliseconds(self._storage.clock.now()) + self._settings.lease_seconds * 1000
            opened.items.renew(task, until)
            return RenewAnswer(lease=self._views.lease(until))

        return insist(self._storage, once)

    def _open_task(self, opened: ProjectAccess, caller: Caller, task_id: str) -> Task:
        task = opened.items.task(caller.user, task_id)
        if task is None:
            if opened.items.finished(caller.user, task_id) is None:
                raise NotFound("there is no such task of yours")
            raise Conflict("this task is over; submit what you have, then ask for the next one")
        return task

    def release(
        self, opened: ProjectAccess, caller: Caller, task_id: str, request: ReleaseRequest
    ) -> TaskView:
        """Give items back for others to label. Safe to repeat.

        Raises:
            NotFound: no such task of the caller's.
        """

        def once() -> TaskView:
            task = opened.items.task(caller.user, task_id)
            if task is None:
                return self.get(opened, caller, task_id)
            named = set(request.items) if request.items is not None else set(task.everything)
            if not any(one.item.item_id in named for one in task.held):
                return self._views.open(opened, task)
            opened.items.give_back(task, "released", named)
            self._cache.forget_dry(opened.project.project_id)
            return self.get(opened, caller, task_id)

        return insist(self._storage, once)

    def release_for(self, opened: ProjectAccess, task_id: str) -> TaskView:
        """End somebody's lease, as an admin.

        Raises:
            NotFound: there is no such open task.
        """

        def once() -> TaskView:
            tasks = opened.items.open_tasks(range(opened.project.shards))
            task = next((one for one in tasks if one.task_id == task_id), None)
            if task is None:
                raise NotFound("there is no such open task")
            opened.items.give_back(task, "released")
            return self._views.closed(opened, task_id)

        return insist(self._storage, once)

    def put_draft(
        self, opened: ProjectAccess, caller: Caller, task_id: str, draft: Draft
    ) -> DraftAnswer:
        """Keep unfinished work, and renew the lease. Taken for any task that was ever the caller's.

        Raises:
            NotFound: no such task of the caller's.
            Conflict: a newer draft is there; `extra` carries it.
            TooLarge: more than fits.
        """
        place = layout.task_place(task_id)
        if place is None or place[0] >= opened.project.shards:
            raise NotFound("there is no such task of yours")
        partition = opened.items.partition(place[0])
        key = layout.draft(caller.user, task_id)
        body = pack("draft", draft.model_dump_json().encode())

        def once() -> DraftAnswer:
            task_row, row = self._storage.tables.get_many(
                layout.ITEMS,
                [(partition, layout.lease(caller.user, place[1])), (partition, key)],
            )
            task = Task.of(task_row, place[0]) if task_row else None
            if task is None or task.task_id != task_id:
                task = None
                if opened.items.finished(caller.user, task_id) is None:
                    raise NotFound("there is no such task of yours")
            if row and row.number("seq") > draft.seq:
                newer = Draft.model_validate_json(unpack("draft", row.cells))
                raise Conflict(
                    "a newer draft of this task is kept already; take that one up",
                    extra={"newer": newer.model_dump(mode="json")},
                )
            cells = {"seq": draft.seq, **body}
            until = milliseconds(self._storage.clock.now()) + self._settings.lease_seconds * 1000
            work: list[Operation] = [Merge(key, cells, row.etag) if row else Create(key, cells)]
            if task:
                work.append(opened.items.renewal(task, until, drafted=True))
            self._storage.tables.transact(layout.ITEMS, partition, work)
            return DraftAnswer(seq=draft.seq, lease=self._views.lease(until) if task else None)

        return insist(self._storage, once)

    # Submitting.

    def submit(
        self, opened: ProjectAccess, caller: Caller, task_id: str, envelope: SubmissionEnvelope
    ) -> SubmitAnswer:
        """Save decisions. The same submission again is answered as it was the first time.

        Raises:
            NotFound: no such task of the caller's.
            Invalid: nothing in it could be saved; this id was used with another body; or it knows of
                classes that there are not yet.
        """
        digest = digest_of(envelope)
        if envelope.classes_version > opened.project.classes_version:
            self._projects.forget(opened.project.project_id)  # classes were added a moment ago
            project_id = opened.project.project_id
            opened = self._projects.open(project_id, caller, "labeler", "labeling")
        if envelope.classes_version > opened.project.classes_version:
            detail = f"the project has classes_version {opened.project.classes_version}"
            raise Invalid(detail, faults=(Fault("/classes_version", "from-the-future", detail),))

        def once() -> SubmitAnswer:
            task = opened.items.task(caller.user, task_id)
            if task is None:
                return self._submit_over(opened, caller, task_id, envelope, digest)
            held = [one.item for one in task.held]
            answer, decisions = judge(self._checked(opened, caller, envelope, held), task)
            if not decisions:
                before = opened.items.answer(caller.user, task_id, envelope.submission_id)
                if before:
                    return as_before(before, digest)
                raise nothing_saved(answer)
            try:
                opened.items.submit(
                    task,
                    decisions,
                    submission_id=envelope.submission_id,
                    answer=answer.model_dump_json().encode(),
                    digest=digest,
                )
            except Collision as collision:
                if layout.kind_of(collision.key) is layout.Kind.ANSWER:
                    before = opened.items.answer(caller.user, task_id, envelope.submission_id)
                    if before:
                        return as_before(before, digest)
                raise
            self._cache.forget_dry(opened.project.project_id)
            if self._storage.random() < 1 / COMPACT_ONE_IN:
                self._compact(opened.project.project_id, task.shard)
            return answer

        return insist(self._storage, once)

    def _checked(
        self,
        opened: ProjectAccess,
        caller: Caller,
        envelope: SubmissionEnvelope,
        items: Sequence[Item],
    ) -> list[tuple[str, Decision | Problem]]:
        now = self._storage.clock.now()
        by_id = {one.item_id: one for one in items}
        return check(envelope, opened.project, by_id, by=caller.user, now=now)

    def _submit_over(
        self,
        opened: ProjectAccess,
        caller: Caller,
        task_id: str,
        envelope: SubmissionEnvelope,
        digest: str,
    ) -> SubmitAnswer:
        """A submission for a task that is over: said before, or late work."""
        before = opened.items.answer(caller.user, task_id, envelope.submission_id)
        if before:
            return as_before(before, digest)
        finished = opened.items.finished(caller.user, task_id)
        if finished is None:
            raise NotFound("there is no such task of yours")
        held = [one.item for one in opened.items.read_many(sorted(finished.items)) if one]
        decisions, answer = judge_late(self._checked(opened, caller, envelope, held), finished)
        if not decisions:
            raise nothing_saved(answer(Late((), ())))
        try:
            late = opened.items.submit_late(
                finished,
                decisions,
                submission_id=envelope.submission_id,
                digest=digest,
                answer=lambda outcome: answer(outcome).model_dump_json().encode(),
            )
        except Collision:
            before = opened.items.answer(caller.user, task_id, envelope.submission_id)
            if before is None:
                raise
            return as_before(before, digest)
        return answer(late)

    def reopen(
        self, opened: ProjectAccess, caller: Caller, task_id: str, request: ReopenRequest
    ) -> TaskAnswer:
        """Take one's own finished items up again. They stay labeled until the correction is submitted.

        Of a task that is still open, those that were submitted already.

        Raises:
            NotFound: no such finished task of the caller's.
            Conflict: somebody else has changed them all since, or three tasks are open.
        """
        place = layout.task_place(task_id)
        ended = self._ended(opened, caller, task_id)
        if place is None or not ended:
            raise NotFound("there is no such finished task of yours")
        shard = place[0]
        wanted = [one for one in ended if request.items is None or one in request.items]

        def once() -> TaskAnswer:
            tasks, _returned = opened.items.tasks_of(caller.user, [shard])
            known = next((one for one in tasks if one.request_id == request.request_id), None)
            if known:
                return TaskAnswer(task=self._views.open(opened, known))
            answered = self._answered_before(opened, caller, request.request_id, shard)
            if answered:
                return answered
            slots = {one.slot for one in tasks}
            slot = next((n for n in range(MAX_OPEN) if n not in slots), None)
            if slot is None:
                return TaskAnswer(
                    task=None, why="too_many_open", open_tasks=[one.task_id for one in tasks]
                )
            self._stay_visible(opened, caller, shard)
            task = opened.items.reopen(
                caller.user,
                slot,
                shard,
                wanted,
                request_id=request.request_id,
                lease_ms=self._settings.lease_seconds * 1000,
            )
            if task is None:
                raise Conflict("these items have been changed by somebody else since")
            self._projects.note_activity(opened.project.project_id, labeling=True)
            return TaskAnswer(task=self._views.open(opened, task))

        return insist(self._storage, once)

    def _ended(self, opened: ProjectAccess, caller: Caller, task_id: str) -> list[str]:
        """Items of a task that are no longer held by it: all of one that is over."""
        finished = opened.items.finished(caller.user, task_id)
        if finished:
            return list(finished.items)
        task = opened.items.task(caller.user, task_id)
        held = {one.item.item_id for one in task.held} if task else set[str]()
        return [one for one in task.everything if one not in held] if task else []

    def _stay_visible(self, opened: ProjectAccess, caller: Caller, shard: int) -> None:
        """A task reopened in a former home is looked for there after a reload."""
        if shard not in self._shards(opened, caller):
            self._projects.note_elsewhere(opened.project.project_id, caller.user, shard)
