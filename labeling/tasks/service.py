"""Handing out tasks and taking work back: what a labeler's page or a script talks to.

Where a page comes from is in `handout.py`, what a submission must hold in `submissions.py`, what may happen
to items in `items.py`; here is what is answered, also to a request that comes twice, late, or too late.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Annotated, Literal

from pydantic import Field, model_validator

from labeling import layout
from labeling.annotations.acceptance import Prelabel
from labeling.annotations.shapes import MAX_ANNOTATIONS, Annotation
from labeling.errors import Conflict, Fault, Invalid, NotFound
from labeling.ingest.renditions import (
    FIRST_FRAME,
    MEDIUM,
    PREVIEW,
    THUMBNAIL,
    FrameFacts,
    has_copy,
)
from labeling.items.cells import pack, unpack
from labeling.items.items import Items
from labeling.items.records import (
    Decision,
    Finished,
    Item,
    Labeling,
    Late,
    LeasedItem,
    Outcome,
    Returned,
    Stored,
    Task,
)
from labeling.media.frames import Undecodable
from labeling.media.patterns import SHOWN_BY_BROWSERS
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
from labeling.tasks.handout import Nothing, QueueCache, QueueReader, WhyNone
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

MAX_OPEN = 3
RECENT = 50
COMPACT_ONE_IN = 32


class TaskRequest(Model):
    """Ask for a page of items. The same `request_id` gives the same task, whatever was lost between."""

    request_id: Id
    size: Annotated[int, Field(ge=1, le=MAX_SIZE, description="a wish")] = 9
    purpose: Literal["next", "prefetch"] = "next"


class ImageLinks(Model):
    """Signed addresses of an image, valid until `expire_at`; the same within a window of time.

    `thumbnail`, `medium` and `preview` are copies whose longest sides have 400, 800 and 1,600 pixels, or the
    image itself where it is small enough, or while they are not made yet. `full` is the original, or the first
    frame of a TIFF or DICOM file, which itself is given to nobody; all are empty while that is not made: asking
    for frame 0 makes it.
    """

    thumbnail: str
    medium: str
    preview: str
    full: str
    expire_at: UtcTime


class DraftItem(Model):
    """Unfinished work on one image."""

    item_id: Id
    annotations: Annotated[list[Annotation], Field(max_length=MAX_ANNOTATIONS)] = []
    outcome: Outcome | None = None
    reason: Annotated[str, Field(max_length=2_000)] | None = None
    note: Annotated[str, Field(max_length=2_000)] | None = None
    active_ms: Annotated[int, Field(ge=0, le=86_400_000)] = 0


class TaskItem(Model):
    """One image of a task. Sizes in pixels of the upright image.

    `annotations` are the current labels of an item under correction, `outcome` with its `reason` and `note`
    what was decided about it; `defaults` are the former labels of one that was returned; `prelabel` what a
    run suggests, the same as long as the task is open.
    """

    item_id: str
    revision: int
    path: str
    width: int
    height: int
    frames: int
    media: str
    images: ImageLinks
    annotations: list[Annotation] | None = None
    outcome: Outcome | None = None
    reason: str | None = None
    note: str | None = None
    defaults: list[Annotation] | None = None
    prelabel: Prelabel | None = None
    returned: Returned | None = None
    draft: DraftItem | None = None


class Lease(Model):
    """Until when a task is held, and when to renew it."""

    until: UtcTime
    renew_after_s: int


class TaskView(Model):
    """A task as its labeler sees it."""

    task_id: str
    kind: Literal["manual", "clustered", "prelabeled", "correction"]
    state: Literal["open", "closed"]
    classes_version: int
    instructions_version: int
    lease: Lease | None = None
    draft_seq: int = 0
    items: list[TaskItem] = []


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


class Draft(Model):
    """Unfinished work on a task; of two, the one with the larger `seq` wins."""

    client_id: Id
    seq: Annotated[int, Field(ge=0, le=2**53)]
    items: Annotated[list[DraftItem], Field(max_length=MAX_SIZE)]


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


FRAMES_AT_ONCE = 9
"""Frames that one request may have decoded."""


class SignRequest(Model):
    """Items whose images shall be signed again; naming a task of mine that is over, those of it too.

    With `frame`, this frame of at most 9 items, from 0, instead: of TIFF and DICOM, decoded where it never was.
    """

    item_ids: Annotated[list[Id], Field(min_length=1, max_length=100)]
    task_id: Id | None = None
    frame: Annotated[int, Field(ge=0)] | None = None

    @model_validator(mode="after")
    def _few_frames(self) -> SignRequest:
        if self.frame is not None and len(self.item_ids) > FRAMES_AT_ONCE:
            raise ValueError(f"ask for a frame of at most {FRAMES_AT_ONCE} items at once")
        return self


class FrameView(Model):
    """One frame of an image: `url` shows it in 8 bits, `values` has the stored values where there are more.

    `values` leads to a gzip file of width times height numbers of the type `facts.grey` names, little endian,
    row by row from the top. `problem` says why the frame can't be shown; then there is nothing else.
    """

    frame: int
    url: str = ""
    values: str | None = None
    facts: FrameFacts | None = None
    problem: str | None = None


class SignAnswer(Model):
    """Signed addresses by item; items the caller may not see are left out. `frames` where one was asked for."""

    images: dict[str, ImageLinks]
    frames: dict[str, FrameView] = {}


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
DecodeFrame = Callable[[Project, Item, int], FrameFacts]


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
        self._frame = frame
        self._cache = QueueCache(storage.clock)

    # Handing out.

    def hand_out(self, opened: ProjectAccess, caller: Caller, request: TaskRequest) -> TaskAnswer:
        """The caller's task for this request: the one it was answered with before, or a new one."""
        project = opened.project
        size = min(request.size, 12 if project.overlap > 1 else MAX_SIZE)
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
                return TaskAnswer(task=self._view(opened, known))
            used = {one.shard for one in tasks} | set(returned)
            self._projects.nothing_elsewhere(
                opened, caller, [one for one in opened.whereabouts.shards if one not in used]
            )
            if project.state != "running":
                answered = self._answered_before(opened, caller, request.request_id, home)
                if answered:
                    return answered
                waits = project.state in ("paused", "updating")
                why: WhyNone = "paused" if waits else "initializing"
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
                        return answered or TaskAnswer(
                            task=None, why=none.why, retry_after_s=none.retry_after_s
                        )
                    if not found:  # something has just been made ready: look again
                        raise Collision(layout.all_of(layout.Kind.QUEUED)[0])
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
            self._projects.note_activity(opened.project.project_id)
            return TaskAnswer(task=self._view(opened, task))

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
            return TaskAnswer(task=self._view(opened, task))
        return TaskAnswer(task=self._closed(opened, row.text("task")))

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
        return TaskList(items=[self._view(opened, task) for task in tasks])

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
            return self._view(opened, task)
        if opened.items.finished(caller.user, task_id) is None:
            raise NotFound("there is no such task of yours")
        return self._closed(opened, task_id)

    def _closed(self, opened: ProjectAccess, task_id: str) -> TaskView:
        return TaskView(
            task_id=task_id,
            kind="manual",
            state="closed",
            classes_version=opened.project.classes_version,
            instructions_version=opened.project.instructions_version,
        )

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
            return RenewAnswer(lease=self._lease(until))

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
                return self._view(opened, task)
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
            return self._closed(opened, task_id)

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
            return DraftAnswer(seq=draft.seq, lease=self._lease(until) if task else None)

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
                return TaskAnswer(task=self._view(opened, known))
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
            self._projects.note_activity(opened.project.project_id)
            return TaskAnswer(task=self._view(opened, task))

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

    # Views.

    def _lease(self, until_ms: int) -> Lease:
        renew = max(1, int(self._settings.lease_seconds * 0.4))
        return Lease(until=from_milliseconds(until_ms), renew_after_s=renew)

    def _view(self, opened: ProjectAccess, task: Task) -> TaskView:
        """A task with all its page needs; what thin rows leave out is read only where there is any."""
        draft = self._draft(opened, task) if task.drafted else None
        drafts = {one.item_id: one for one in draft.items} if draft else {}
        rich = [one for one in task.held if task.stale or one.item.returned or one.is_correction]
        truths: dict[str, Stored] = {}
        if rich:
            found = opened.items.read_many([one.item.item_id for one in rich])
            truths = {one.item.item_id: one for one in found if one}
        own = self._own_labels(opened, task)
        shown = opened.items.shown(task, [one.item.item_id for one in task.held])
        return TaskView(
            task_id=task.task_id,
            kind=task.kind,  # type: ignore[arg-type]
            state="open",
            classes_version=opened.project.classes_version,
            instructions_version=opened.project.instructions_version,
            lease=self._lease(task.until_ms),
            draft_seq=draft.seq if draft else 0,
            items=[
                self._item(
                    opened.project,
                    one,
                    truths.get(one.item.item_id),
                    own,
                    shown.get(one.item.item_id),
                    drafts,
                )
                for one in task.held
            ],
        )

    def _own_labels(self, opened: ProjectAccess, task: Task) -> dict[str, Labeling]:
        """With overlap, an item's current labels may be another's: what is corrected are one's own."""
        if opened.project.overlap == 1:
            return {}
        mine = [one.item.item_id for one in task.held if one.is_correction]
        return opened.items.labelings_of(task.user, mine) if mine else {}

    def _draft(self, opened: ProjectAccess, task: Task) -> Draft | None:
        row = self._storage.tables.get(
            layout.ITEMS,
            opened.items.partition(task.shard),
            layout.draft(task.user, task.task_id),
        )
        return Draft.model_validate_json(unpack("draft", row.cells)) if row else None

    def _item(
        self,
        project: Project,
        held: LeasedItem,
        truth: Stored | None,
        own: Mapping[str, Labeling],
        shown: Prelabel | None,
        drafts: Mapping[str, DraftItem],
    ) -> TaskItem:
        item = truth.item if truth else held.item
        settled = held.is_correction
        labeling = own.get(item.item_id) or (truth.labeling if truth else None)
        begun = settled or item.returned
        annotations = labeling.annotations if labeling and begun else None
        decided = labeling if settled else None
        return TaskItem(
            item_id=item.item_id,
            revision=item.revision,
            path=item.path,
            width=item.width,
            height=item.height,
            frames=item.frames,
            media=item.media,
            images=self.links(project, item),
            annotations=annotations if settled else None,
            outcome=decided.outcome if decided else None,
            reason=decided.reason if decided else None,
            note=decided.note if decided else None,
            defaults=None if settled else annotations,
            # It was made for what the image was then.
            prelabel=shown if item.blob_etag == held.item.blob_etag else None,
            returned=Returned.model_validate_json(item.returned) if item.returned else None,
            draft=drafts.get(item.item_id),
        )

    def links(self, project: Project, item: Item) -> ImageLinks:
        """Signed addresses of an item's image: of its smaller copies where they are there."""
        container, blobs = project.source.container, self._storage.blobs
        full, until = blobs.link(container, item.path, etag=item.blob_etag)
        if item.media not in SHOWN_BY_BROWSERS:
            made = has_copy(item, FIRST_FRAME)
            full = self._frame_link(project, item, 0, "webp") if made else ""

        def copy(least: int) -> str:
            larger = (one for one in (THUMBNAIL, MEDIUM, PREVIEW) if one >= least)
            side = next((one for one in larger if has_copy(item, one)), None)
            if side is None:
                return full
            name = layout.rendition(container, item.path, item.blob_etag, side)
            return blobs.link(layout.RENDITIONS, name)[0]

        return ImageLinks(
            thumbnail=copy(THUMBNAIL),
            medium=copy(MEDIUM),
            preview=copy(PREVIEW),
            full=full,
            expire_at=until,
        )

    def sign(self, opened: ProjectAccess, caller: Caller, request: SignRequest) -> SignAnswer:
        """Sign images again: for labelers those of their own open tasks, for reviewers any."""
        wanted = list(dict.fromkeys(request.item_ids))
        if opened.role == "labeler":
            shards = sorted({opened.items.shard_of(one) for one in wanted})
            tasks, _ = opened.items.tasks_of(caller.user, shards)
            mine = {one.item.item_id: one.item for task in tasks for one in task.held}
            found = [mine[one] for one in wanted if one in mine]
            if request.task_id and len(found) < len(wanted):
                # Work on images that were given back meanwhile is still shown to who did it.
                over = opened.items.finished(caller.user, request.task_id)
                seen = [one for one in wanted if over and one in over.items and one not in mine]
                found += [one.item for one in opened.items.read_many(seen) if one]
        else:
            found = [one.item for one in opened.items.read_many(wanted) if one]
        if request.frame is not None:
            number = request.frame
            return SignAnswer(
                images={},
                frames={one.item_id: self._shown(opened.project, one, number) for one in found},
            )
        return SignAnswer(images={one.item_id: self.links(opened.project, one) for one in found})

    def _shown(self, project: Project, item: Item, number: int) -> FrameView:
        """A frame with its addresses, or why it can't be shown."""
        try:
            facts = self._frame(project, item, number)
        except (Undecodable, NotFound) as why:
            return FrameView(frame=number, problem=str(why))
        return FrameView(
            frame=number,
            url=self._frame_link(project, item, number, "webp"),
            values=self._frame_link(project, item, number, "values") if facts.grey else None,
            facts=facts,
        )

    def _frame_link(self, project: Project, item: Item, number: int, kind: str) -> str:
        name = layout.frame_blob(project.source.container, item.path, item.blob_etag, number, kind)
        return self._storage.blobs.link(layout.RENDITIONS, name)[0]
