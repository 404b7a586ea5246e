"""Handing out tasks and taking work back: what a labeler's page or a script talks to.

How a page is handed out is in `handout.py`, what it shows in `views.py`, what a submission must hold in
`submissions.py`, what may happen to items in `items/`; here is what is answered, also to a request that comes
twice, late, or too late.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from labeling import layout
from labeling.errors import Conflict, Failure, Fault, Invalid, NotFound
from labeling.items.cells import pack, unpack
from labeling.items.items import Items
from labeling.items.records import Decision, Item, Late
from labeling.items.tasks import Finished, Task
from labeling.model import from_milliseconds, milliseconds
from labeling.projects.access import Caller
from labeling.projects.projects import ProjectAccess, Projects
from labeling.quality.honeypots import standing
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
from labeling.tasks.handout import (
    MAX_OPEN,
    Handout,
    MeasureNow,
    asked_for,
    free_slot,
    too_many_open,
)
from labeling.tasks.images import DecodeFrame, Images
from labeling.tasks.messages import (
    DraftAnswer,
    LeaseList,
    OpenLease,
    RecentTask,
    ReleaseRequest,
    RenewAnswer,
    ReopenRequest,
    TaskAnswer,
    TaskList,
    TaskRequest,
)
from labeling.tasks.submissions import (
    NOT_REOPENED,
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
from labeling.tasks.views import Draft, TaskView, Views

RECENT = 50
COMPACT_ONE_IN = 32


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
        self._compact = compact
        self.images = Images(storage, frame)
        self._views = Views(storage, settings, self.images)
        self._handout = Handout(storage, projects, settings, self._views, measure=measure)

    def hand_out(self, opened: ProjectAccess, caller: Caller, request: TaskRequest) -> TaskAnswer:
        """The caller's task for this request: the one it was answered with before, or a new one."""
        return self._handout.answer(opened, caller, request)

    def give_back_expired(self, items: Items, tasks: Sequence[Task]) -> int:
        """End leases that are over, with a grace for clocks that differ. Returns how many."""
        return self._handout.give_back_expired(items, tasks)

    # Looking at what is open.

    def mine(self, opened: ProjectAccess, caller: Caller) -> TaskList:
        """The caller's open tasks, with their drafts; corrections, which were asked for, come first."""
        if not opened.project.shards:
            return TaskList()
        tasks, _ = opened.items.tasks_of(caller.user, shards_of(opened, caller))
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
        finished.sort(key=lambda finished: finished.ended_ms, reverse=True)
        recent: list[RecentTask] = []
        count = 0
        for task in finished:
            if task.how != "done" or count >= RECENT:
                continue
            count += len(task.items)
            recent.append(
                RecentTask(
                    task_id=task.task_id,
                    how=task.how,
                    ended_at=from_milliseconds(task.ended_ms),
                    item_ids=list(task.items),
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
                    item_ids=[item.item.item_id for item in task.held],
                )
                for task in sorted(tasks, key=lambda task: task.until_ms)
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
            if not any(item.item.item_id in named for item in task.held):
                return self._views.open(opened, task)
            opened.items.give_back(task, "released", named)
            self._handout.look_again(opened.project.project_id)
            return self.get(opened, caller, task_id)

        return insist(self._storage, once)

    def release_for(self, opened: ProjectAccess, task_id: str) -> TaskView:
        """End somebody's lease, as an admin.

        Raises:
            NotFound: there is no such open task.
        """

        def once() -> TaskView:
            tasks = opened.items.open_tasks(range(opened.project.shards))
            task = next((task for task in tasks if task.task_id == task_id), None)
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
            held = [item.item for item in task.held]
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
            self._handout.look_again(opened.project.project_id)
            if any(item.is_check for item in task.held):
                self._judge(opened, caller)
            if self._storage.random() < 1 / COMPACT_ONE_IN:
                self._compact(opened.project.project_id, task.shard)
            return answer

        return insist(self._storage, once)

    def _judge(self, opened: ProjectAccess, caller: Caller) -> None:
        """Look at how somebody answers honeypots, where anything is to come of it."""
        settings = opened.project.honeypots
        known = opened.whereabouts
        if settings.below == "nothing" or known.standing == "paused":
            return
        checks = opened.items.checks_by(caller.user)
        scored = sorted(
            (one.at_ms, one.score)
            for one in checks
            if one.score is not None and one.at_ms > known.judged_ms
        )
        now = standing([score / 1000 for _, score in scored], settings)
        if now != known.standing:
            self._projects.note_standing(opened.project_id, caller.user, now)

    def _checked(
        self,
        opened: ProjectAccess,
        caller: Caller,
        envelope: SubmissionEnvelope,
        items: Sequence[Item],
    ) -> list[tuple[str, Decision | Problem]]:
        now = self._storage.clock.now()
        by_id = {item.item_id: item for item in items}
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
        held = [stored.item for stored in opened.items.read_many(sorted(finished.items)) if stored]
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
            Invalid: none of the items is of this task.
            Conflict: none of them can be corrected by the caller any more, and why.
        """
        place = layout.task_place(task_id)
        ended = self._ended(opened, caller, task_id)
        if place is None or not ended:
            raise NotFound("there is no such finished task of yours")
        shard = place[0]
        wanted = {
            item_id: lane
            for item_id, lane in ended.items()
            if request.items is None or item_id in request.items
        }

        def once() -> TaskAnswer:
            tasks, _returned = opened.items.tasks_of(caller.user, [shard])
            known = asked_for(tasks, request.request_id)
            if known:
                return TaskAnswer(task=self._views.open(opened, known))
            answered = self._handout.answered_before(opened, caller, request.request_id, shard)
            if answered:
                return answered
            slot = free_slot(tasks)
            if slot is None:
                return too_many_open(tasks)
            self._stay_visible(opened, caller, shard)
            task = opened.items.reopen(
                caller.user,
                slot,
                shard,
                list(wanted),
                request_id=request.request_id,
                lease_ms=self._settings.lease_seconds * 1000,
            )
            if task is None:
                raise self._not_reopened(opened, caller, task_id, wanted)
            self._projects.note_activity(opened.project.project_id, labeling=True)
            return TaskAnswer(task=self._views.open(opened, task))

        return insist(self._storage, once)

    def _not_reopened(
        self, opened: ProjectAccess, caller: Caller, task_id: str, wanted: Mapping[str, int]
    ) -> Failure:
        """Why none of these items of a task can be corrected."""
        if wanted:
            place = layout.task_place(task_id)
            assert place is not None
            fault = NOT_REOPENED[opened.items.why_not_reopened(caller.user, place[0], wanted)]
            return Conflict(fault.detail, faults=(fault,))
        detail = "none of these items was submitted with this task; name some that were"
        return Invalid(detail, faults=(Fault("/items", "not-in-task", detail),))

    def _ended(self, opened: ProjectAccess, caller: Caller, task_id: str) -> Mapping[str, int]:
        """Items of a task that are no longer held by it, with their lanes: all of one that is over."""
        finished = opened.items.finished(caller.user, task_id)
        if finished:
            return finished.items
        task = opened.items.task(caller.user, task_id)
        held = {item.item.item_id for item in task.held} if task else set[str]()
        return (
            {item_id: at for item_id, at in task.everything.items() if item_id not in held}
            if task
            else {}
        )

    def _stay_visible(self, opened: ProjectAccess, caller: Caller, shard: int) -> None:
        """A task reopened in a former home is looked for there after a reload."""
        if shard not in shards_of(opened, caller):
            self._projects.note_elsewhere(opened.project.project_id, caller.user, shard)


def shards_of(opened: ProjectAccess, caller: Caller) -> list[int]:
    """Where something of a labeler's may be: the shard they draw from comes first."""
    home, previous = opened.homes(caller.user)
    others = [] if previous is None else [previous]
    return list(dict.fromkeys([home, *others, *opened.whereabouts.shards]))
