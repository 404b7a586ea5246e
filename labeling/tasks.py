"""Handing out tasks and taking work back: what a labeler's page or a script talks to.

The rules of items are in `items.py`; here is who gets which, what a submission must hold, and what is
answered when a request comes twice, late, or for something that is over.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import Field, ValidationError

from labeling import layout
from labeling.access import Caller
from labeling.annotations import GEOMETRY_OF, MAX_ANNOTATIONS, Annotation, TaskType
from labeling.errors import Conflict, Failure, Fault, Invalid, NotFound, TooLarge, faults_of
from labeling.items import (
    Decision,
    Finished,
    Found,
    Held,
    Item,
    Items,
    Labeling,
    Late,
    Outcome,
    Returned,
    Stored,
    Task,
    attempts,
    pack,
    queued_item,
    split_tasks,
    unpack,
)
from labeling.model import Id, Model, UtcTime, from_milliseconds, milliseconds
from labeling.projects import Opened, Project, Projects
from labeling.settings import Settings
from labeling.storage import (
    Collision,
    Create,
    Merge,
    Operation,
    Range,
    Row,
    Storage,
)

MAX_SIZE = 24
"""Items on a page: labels, history, listing and late work of each must fit one transaction of 100."""

MAX_OPEN = 3
MAX_SUBMISSION_BYTES = 1_400_000
RECENT = 50
COMPACT_ONE_IN = 32

UNMEASURED = f"A|{layout.UNMEASURED}|"

PLENTY = 8
"""Pages that must be left in a shard's queue for starting at a random place of it."""

WhyNone = Literal["none_left", "all_leased", "paused", "initializing", "too_many_open"]


class TaskRequest(Model):
    """Ask for a page of items. The same `request_id` gives the same task, whatever was lost between."""

    request_id: Id
    size: Annotated[int, Field(ge=1, le=MAX_SIZE, description="a wish")] = 9
    purpose: Literal["next", "prefetch"] = "next"


class ImageLinks(Model):
    """Signed addresses of an image, valid until `expire_at`; the same within a window of time."""

    thumbnail: str
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
    active_ms: Annotated[int, Field(ge=0)] = 0


class TaskItem(Model):
    """One image of a task. Sizes in pixels of the upright image.

    `annotations` are the current labels of an item under correction; `defaults` the former labels of one
    that was returned.
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
    defaults: list[Annotation] | None = None
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


class SubmittedItem(Model):
    """What a labeler decided about one image."""

    item_id: Id
    base_revision: Annotated[int, Field(ge=0)] | None = None
    outcome: Outcome
    annotations: Annotated[list[Annotation], Field(max_length=MAX_ANNOTATIONS)] = []
    reason: Annotated[str, Field(max_length=2_000)] | None = None
    note: Annotated[str, Field(max_length=2_000)] | None = None
    active_ms: Annotated[int, Field(ge=0, le=86_400_000)] = 0


class Submission(Model):
    """Decisions on items of a task; those not named stay open. Safe to send again as it is."""

    submission_id: Id
    classes_version: Annotated[int, Field(ge=1)]
    items: Annotated[list[SubmittedItem], Field(min_length=1, max_length=MAX_SIZE)]


class SubmissionEnvelope(Model):
    """A submission whose items are checked one by one, so that one bad shape does not hold up the rest."""

    submission_id: Id
    classes_version: Annotated[int, Field(ge=1)]
    items: Annotated[list[dict[str, Any]], Field(min_length=1, max_length=MAX_SIZE)]


class Problem(Model):
    """Why an item was refused."""

    type: str
    pointer: str
    detail: str


class Result(Model):
    """What became of one item of a submission."""

    item_id: str
    status: Literal["saved", "saved_late", "superseded", "refused"]
    revision: int | None = None
    by: str | None = None
    problem: Problem | None = None


class SubmitAnswer(Model):
    """What became of each item, in the order they were sent."""

    task_state: Literal["open", "closed"]
    results: list[Result]


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


class SignRequest(Model):
    """Items whose images shall be signed again."""

    item_ids: Annotated[list[Id], Field(min_length=1, max_length=100)]


class SignAnswer(Model):
    """Signed addresses by item; items the caller may not see are left out."""

    images: dict[str, ImageLinks]


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


@dataclass(frozen=True)
class _Dry:
    """What a fruitless look found, believed for a few seconds by everyone in this process."""

    why: WhyNone
    until: float
    retry_after_s: int


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
    ) -> None:
        self._storage = storage
        self._projects = projects
        self._settings = settings
        self._measure = measure
        self._compact = compact
        self._dry: dict[str, _Dry] = {}
        self._left: dict[tuple[str, int], float] = {}

    # Handing out.

    def hand_out(self, opened: Opened, caller: Caller, request: TaskRequest) -> TaskAnswer:
        """The caller's task for this request: the one it was answered with before, or a new one."""
        project = opened.project
        size = min(request.size, 12 if project.overlap > 1 else MAX_SIZE)
        if not project.shards:
            return TaskAnswer(task=None, why="initializing", retry_after_s=3)
        avoid: set[str] = set()
        for _ in attempts(self._storage, 40):
            home, previous = self._homes(opened, caller)
            look = _Look(self, opened, caller, (home, previous), avoid)
            tasks, returned, queue = look.first(size)
            known = next((one for one in tasks if one.request_id == request.request_id), None)
            if known:
                return TaskAnswer(task=self._view(opened, known))
            used = {one.shard for one in tasks} | set(returned)
            self._projects.nothing_elsewhere(
                opened, caller, [one for one in opened.elsewhere.shards if one not in used]
            )
            if project.state != "running":
                answered = self._answered_before(opened, caller, request.request_id, home)
                if answered:
                    return answered
                why: WhyNone = "paused" if project.state == "paused" else "initializing"
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
                found = look.page(queue, size)
                if not found:
                    shard, found, none = look.elsewhere(size)
                    if none:
                        answered = self._answered_before(opened, caller, request.request_id, home)
                        return answered or none
                    if not found:
                        continue
            if shard != home and not returned:
                # Noted before the claim: after a crash between them a resume still looks in both.
                try:
                    opened = self._projects.move_home(opened, caller, shard, home)
                except Collision:
                    opened = self._projects.open(project.project_id, caller, "labeler", "labeling")
                    continue
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
                if collision.key.startswith("R|"):
                    answered = self._answered_before(opened, caller, request.request_id, shard)
                    if answered:
                        return answered
                if collision.key.startswith("V|"):
                    avoid.add(collision.key.split("|")[1])
                continue
            if shard == home and previous is not None and all(t.shard != previous for t in tasks):
                with suppress(Collision):  # no longer a member, or on another host at the same time
                    self._projects.move_home(opened, caller, home, None)
            self._projects.note_activity(opened.project.project_id)
            return TaskAnswer(task=self._view(opened, task))
        raise AssertionError("unreachable")

    def _homes(self, opened: Opened, caller: Caller) -> tuple[int, int | None]:
        """The shard the caller draws from, and the one where open tasks of theirs may still be."""
        member = opened.member
        if member and member.home is not None:
            return member.home, member.previous_home
        return layout.shard_of(caller.user, opened.project.shards), None

    def _shards(self, opened: Opened, caller: Caller) -> list[int]:
        """Where something of the caller's may be: the shard they draw from comes first."""
        home, previous = self._homes(opened, caller)
        others = [] if previous is None else [previous]
        return list(dict.fromkeys([home, *others, *opened.elsewhere.shards]))

    def _answered_before(
        self, opened: Opened, caller: Caller, request_id: str, shard: int
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

    # What others in this process found out.

    def dry(self, key: str) -> _Dry | None:
        """What a fruitless look of a moment ago found."""
        dry = self._dry.get(key)
        return dry if dry and dry.until > self._storage.clock.now().timestamp() else None

    def note_dry(self, key: str, why: WhyNone, retry_after_s: int) -> None:
        """Keep others from looking for a while."""
        until = self._storage.clock.now().timestamp() + min(retry_after_s, 5)
        self._dry[key] = _Dry(why, until, retry_after_s)

    def forget_dry(self, project_id: str) -> None:
        """Something changed that others may have waited for: look again."""
        for key in [key for key in self._dry if key.startswith(project_id)]:
            self._dry.pop(key, None)

    def left(self, project_id: str, shard: int) -> float:
        """About how many items were left in a shard's queue when somebody here last looked; 0: not known."""
        return self._left.get((project_id, shard), 0.0)

    def note_left(self, project_id: str, shard: int, left: float) -> None:
        """Remember about how many items are left in a shard's queue."""
        self._left[project_id, shard] = left

    @property
    def storage(self) -> Storage:
        """Where everything is kept."""
        return self._storage

    @property
    def settings(self) -> Settings:
        """The settings in force."""
        return self._settings

    def grace_ms(self) -> int:
        """Waited after a lease's end before its items are given back: hosts' clocks differ."""
        return min(self._settings.lease_grace_seconds, self._settings.lease_seconds) * 1000

    def measure_now(self, project: Project, found: Sequence[Item]) -> int:
        """Measure items at once, so that they can be handed out."""
        return self._measure(project, found)

    def give_back_expired(self, items: Items, tasks: Sequence[Task]) -> int:
        """End leases that are over, with a grace for clocks that differ. Returns how many."""
        now = milliseconds(self._storage.clock.now())
        ended = 0
        for task in tasks:
            if task.until_ms + self.grace_ms() >= now:
                continue
            try:
                items.give_back(task, "expired")
                ended += 1
            except Collision:
                continue  # renewed, submitted or given back by somebody else at this moment
        return ended

    # Looking at what is open.

    def mine(self, opened: Opened, caller: Caller) -> TaskList:
        """The caller's open tasks, with their drafts."""
        if not opened.project.shards:
            return TaskList()
        tasks, _ = opened.items.tasks_of(caller.user, self._shards(opened, caller))
        tasks.sort(key=lambda task: (task.created_ms, task.slot))
        return TaskList(items=[self._view(opened, task) for task in tasks])

    def recent(self, opened: Opened, caller: Caller) -> TaskList:
        """The caller's last finished tasks, of the last 50 images, newest first."""
        prefix = layout.finished(caller.user, "")
        shards = range(opened.project.shards)
        pages = self._storage.tables.query_many(
            layout.ITEMS,
            [
                Range(opened.items.partition(shard), prefix, prefix + layout.END, RECENT)
                for shard in shards
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

    def get(self, opened: Opened, caller: Caller, task_id: str) -> TaskView:
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

    def _closed(self, opened: Opened, task_id: str) -> TaskView:
        return TaskView(
            task_id=task_id,
            kind="manual",
            state="closed",
            classes_version=opened.project.classes_version,
            instructions_version=opened.project.instructions_version,
        )

    def leases(self, opened: Opened) -> LeaseList:
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

    def renew(self, opened: Opened, caller: Caller, task_id: str) -> RenewAnswer:
        """Hold a task for another lease.

        Raises:
            NotFound: no such task of the caller's.
            Conflict: its items were given back.
        """
        for _ in attempts(self._storage):
            task = self._open_task(opened, caller, task_id)
            until = milliseconds(self._storage.clock.now()) + self._settings.lease_seconds * 1000
            try:
                opened.items.renew(task, until)
            except Collision:
                continue
            return RenewAnswer(lease=self._lease(until))
        raise AssertionError("unreachable")

    def _open_task(self, opened: Opened, caller: Caller, task_id: str) -> Task:
        task = opened.items.task(caller.user, task_id)
        if task is None:
            if opened.items.finished(caller.user, task_id) is None:
                raise NotFound("there is no such task of yours")
            raise Conflict("this task is over; submit what you have, then ask for the next one")
        return task

    def release(
        self, opened: Opened, caller: Caller, task_id: str, request: ReleaseRequest
    ) -> TaskView:
        """Give items back for others to label. Safe to repeat.

        Raises:
            NotFound: no such task of the caller's.
        """
        for _ in attempts(self._storage):
            task = opened.items.task(caller.user, task_id)
            if task is None:
                return self.get(opened, caller, task_id)
            named = set(request.items) if request.items is not None else set(task.everything)
            if not any(one.item.item_id in named for one in task.held):
                return self._view(opened, task)
            try:
                opened.items.give_back(task, "released", named)
            except Collision:
                continue
            self.forget_dry(opened.project.project_id)
        raise AssertionError("unreachable")

    def release_for(self, opened: Opened, task_id: str) -> TaskView:
        """End somebody's lease, as an admin.

        Raises:
            NotFound: there is no such open task.
        """
        for _ in attempts(self._storage):
            tasks = opened.items.open_tasks(range(opened.project.shards))
            task = next((one for one in tasks if one.task_id == task_id), None)
            if task is None:
                raise NotFound("there is no such open task")
            try:
                opened.items.give_back(task, "released")
            except Collision:
                continue
            return self._closed(opened, task_id)
        raise AssertionError("unreachable")

    def put_draft(self, opened: Opened, caller: Caller, task_id: str, draft: Draft) -> DraftAnswer:
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
        for _ in attempts(self._storage):
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
            try:
                self._storage.tables.transact(layout.ITEMS, partition, work)
            except Collision:
                continue
            return DraftAnswer(seq=draft.seq, lease=self._lease(until) if task else None)
        raise AssertionError("unreachable")

    # Submitting.

    def submit(
        self, opened: Opened, caller: Caller, task_id: str, envelope: SubmissionEnvelope
    ) -> SubmitAnswer:
        """Save decisions. The same submission again is answered as it was the first time.

        Raises:
            NotFound: no such task of the caller's.
            Invalid: nothing in it could be saved; or this id was used with another body.
            TooLarge: more than 1.4 MB.
        """
        # By hand: items are whatever was sent, perhaps text that is no Unicode, or nested very deep.
        whole = [envelope.submission_id, envelope.classes_version, envelope.items]
        canonical = json.dumps(
            whole, sort_keys=True, ensure_ascii=False, separators=(",", ":")
        ).encode(errors="surrogatepass")
        if len(canonical) > MAX_SUBMISSION_BYTES:
            raise TooLarge(
                f"the submission has {len(canonical):,} bytes; at most {MAX_SUBMISSION_BYTES:,} fit: "
                "submit fewer images at once"
            )
        digest = hashlib.sha256(canonical).hexdigest()
        if envelope.classes_version > opened.project.classes_version:
            self._projects.forget(opened.project.project_id)  # classes were added a moment ago
            project_id = opened.project.project_id
            opened = self._projects.open(project_id, caller, "labeler", "labeling")
        for _ in attempts(self._storage):
            task = opened.items.task(caller.user, task_id)
            if task is None:
                return self._submit_over(opened, caller, task_id, envelope, digest)
            answer, decisions = self._judge(opened, caller, task, envelope)
            if not decisions:
                before = opened.items.answer(caller.user, task_id, envelope.submission_id)
                if before:
                    return _same(before, digest)
                raise _all_refused(answer)
            try:
                opened.items.submit(
                    task,
                    decisions,
                    submission_id=envelope.submission_id,
                    answer=answer.model_dump_json().encode(),
                    digest=digest,
                )
            except Collision as collision:
                if collision.key.startswith("S|"):
                    before = opened.items.answer(caller.user, task_id, envelope.submission_id)
                    if before:
                        return _same(before, digest)
                continue
            self.forget_dry(opened.project.project_id)
            if self._storage.random() < 1 / COMPACT_ONE_IN:
                self._compact(opened.project.project_id, task.shard)
            return answer
        raise AssertionError("unreachable")

    def _judge(
        self, opened: Opened, caller: Caller, task: Task, envelope: SubmissionEnvelope
    ) -> tuple[SubmitAnswer, list[Decision]]:
        """Check each item of a submission against the task and the project's rules."""
        held = {one.item.item_id: one for one in task.held}
        results: list[Result] = []
        decisions: list[Decision] = []
        seen: set[str] = set()
        for index, (item_id, checked) in enumerate(self._checked(opened, caller, envelope)):
            result = _not_open(item_id, held, task, index) or _twice(item_id, seen, index)
            seen.add(item_id)
            if result is None and isinstance(checked, Problem):
                result = Result(item_id=item_id, status="refused", problem=checked)
            if result is None:
                assert isinstance(checked, Decision)
                decisions.append(checked)
                revision = held[item_id].item.revision + 1
                result = Result(item_id=item_id, status="saved", revision=revision)
            results.append(result)
        left = len(held) - len(decisions)
        return SubmitAnswer(task_state="open" if left else "closed", results=results), decisions

    def _checked(
        self, opened: Opened, caller: Caller, envelope: SubmissionEnvelope
    ) -> list[tuple[str, Decision | Problem]]:
        now = self._storage.clock.now()
        checked: list[tuple[str, Decision | Problem]] = []
        known = {one.class_id for one in opened.project.classes}
        for index, raw in enumerate(envelope.items):
            item_id = str(raw.get("item_id", ""))[:64].encode("ascii", "replace").decode()
            try:
                one = SubmittedItem.model_validate(raw)
                _follow_rules(one, opened.project.task_type, known)
            except ValidationError as error:
                checked.append((item_id, _problem(faults_of(error)[0], index)))
                continue
            except Invalid as error:
                checked.append((item_id, _problem(error.faults[0], index)))
                continue
            labeling = Labeling(
                outcome=one.outcome,
                annotations=one.annotations,
                reason=one.reason,
                note=one.note,
                labeler=caller.user,
                saved_at=now,
                active_ms=one.active_ms,
                classes_version=envelope.classes_version,
                submission_id=envelope.submission_id,
            )
            checked.append((one.item_id, Decision(one.item_id, one.base_revision, labeling)))
        return checked

    def _submit_over(
        self,
        opened: Opened,
        caller: Caller,
        task_id: str,
        envelope: SubmissionEnvelope,
        digest: str,
    ) -> SubmitAnswer:
        """A submission for a task that is over: said before, or late work."""
        before = opened.items.answer(caller.user, task_id, envelope.submission_id)
        if before:
            return _same(before, digest)
        finished = opened.items.finished(caller.user, task_id)
        if finished is None:
            raise NotFound("there is no such task of yours")
        checked = self._checked(opened, caller, envelope)
        decisions: list[Decision] = []
        refused: dict[int, Result] = {}
        for index, (item_id, one) in enumerate(checked):
            twice = _twice(item_id, {other for other, _ in checked[:index]}, index)
            if item_id not in finished.items:
                refused[index] = _stranger(item_id, index)
            elif twice:
                refused[index] = twice
            elif isinstance(one, Problem):
                refused[index] = Result(item_id=item_id, status="refused", problem=one)
            else:
                decisions.append(one)
        order = [item_id for item_id, _ in checked]

        def answer(late: Late) -> SubmitAnswer:
            by_item = {one: Result(item_id=one, status="saved_late") for one in late.saved}
            by_item |= {
                one: Result(
                    item_id=one,
                    status="superseded",
                    by="the image was given to somebody else while you were away",
                )
                for one in late.superseded
            }
            return SubmitAnswer(
                task_state="closed",
                results=[
                    refused.get(index) or by_item[one]
                    for index, one in enumerate(order)
                    if index in refused or one in by_item
                ],
            )

        if not decisions:
            raise _all_refused(answer(Late((), ())))
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
            return _same(before, digest)
        return answer(late)

    def reopen(
        self, opened: Opened, caller: Caller, task_id: str, request: ReopenRequest
    ) -> TaskAnswer:
        """Take one's own finished items up again. They stay labeled until the correction is submitted.

        Raises:
            NotFound: no such finished task of the caller's.
            Conflict: somebody else has changed them all since, or three tasks are open.
        """
        finished = opened.items.finished(caller.user, task_id)
        if finished is None:
            raise NotFound("there is no such finished task of yours")
        place = layout.task_place(task_id)
        assert place is not None
        shard = place[0]
        wanted = [one for one in finished.items if request.items is None or one in request.items]
        for _ in attempts(self._storage):
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
            try:
                task = opened.items.reopen(
                    caller.user,
                    slot,
                    shard,
                    wanted,
                    request_id=request.request_id,
                    lease_ms=self._settings.lease_seconds * 1000,
                )
            except Collision:
                continue
            if task is None:
                raise Conflict("these items have been changed by somebody else since")
            self._projects.note_activity(opened.project.project_id)
            return TaskAnswer(task=self._view(opened, task))
        raise AssertionError("unreachable")

    def _stay_visible(self, opened: Opened, caller: Caller, shard: int) -> None:
        """A task reopened in a former home is looked for there after a reload."""
        if shard not in self._shards(opened, caller):
            self._projects.note_elsewhere(opened.project.project_id, caller.user, shard)

    # Views.

    def _lease(self, until_ms: int) -> Lease:
        renew = max(1, int(self._settings.lease_seconds * 0.4))
        return Lease(until=from_milliseconds(until_ms), renew_after_s=renew)

    def _view(self, opened: Opened, task: Task) -> TaskView:
        """A task with all its page needs; what thin rows leave out is read only where there is any."""
        draft = self._draft(opened, task) if task.drafted else None
        drafts = {one.item_id: one for one in draft.items} if draft else {}
        rich = [one for one in task.held if task.stale or one.item.returned or _settled(one)]
        truths: dict[str, Stored] = {}
        if rich:
            found = opened.items.read_many([one.item.item_id for one in rich])
            truths = {one.item.item_id: one for one in found if one}
        own = self._own_labels(opened, task)
        return TaskView(
            task_id=task.task_id,
            kind=task.kind,  # type: ignore[arg-type]
            state="open",
            classes_version=opened.project.classes_version,
            instructions_version=opened.project.instructions_version,
            lease=self._lease(task.until_ms),
            draft_seq=draft.seq if draft else 0,
            items=[
                self._item(opened.project, one, truths.get(one.item.item_id), own, drafts)
                for one in task.held
            ],
        )

    def _own_labels(self, opened: Opened, task: Task) -> dict[str, Labeling]:
        """With overlap, an item's current labels may be another's: what is corrected are one's own."""
        if opened.project.overlap == 1:
            return {}
        mine = [one.item.item_id for one in task.held if _settled(one)]
        return opened.items.labelings_of(task.user, mine) if mine else {}

    def _draft(self, opened: Opened, task: Task) -> Draft | None:
        row = self._storage.tables.get(
            layout.ITEMS,
            opened.items.partition(task.shard),
            layout.draft(task.user, task.task_id),
        )
        return Draft.model_validate_json(unpack("draft", row.cells)) if row else None

    def _item(
        self,
        project: Project,
        held: Held,
        truth: Stored | None,
        own: Mapping[str, Labeling],
        drafts: Mapping[str, DraftItem],
    ) -> TaskItem:
        item = truth.item if truth else held.item
        settled = _settled(held)
        labeling = own.get(item.item_id) or (truth.labeling if truth else None)
        shown = settled or item.returned
        annotations = labeling.annotations if labeling and shown else None
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
            defaults=None if settled else annotations,
            returned=Returned.model_validate_json(item.returned) if item.returned else None,
            draft=drafts.get(item.item_id),
        )

    def links(self, project: Project, item: Item) -> ImageLinks:
        """Signed addresses of an item's image."""
        url, until = self._storage.blobs.link(
            project.source.container, item.path, etag=item.blob_etag
        )
        return ImageLinks(thumbnail=url, preview=url, full=url, expire_at=until)

    def sign(self, opened: Opened, caller: Caller, request: SignRequest) -> SignAnswer:
        """Sign images again: for labelers those of their own open tasks, for reviewers any."""
        wanted = list(dict.fromkeys(request.item_ids))
        if opened.role == "labeler":
            shards = sorted({opened.items.shard_of(one) for one in wanted})
            tasks, _ = opened.items.tasks_of(caller.user, shards)
            mine = {one.item.item_id: one.item for task in tasks for one in task.held}
            found = [mine[one] for one in wanted if one in mine]
        else:
            found = [one.item for one in opened.items.read_many(wanted) if one]
        return SignAnswer(images={one.item_id: self.links(opened.project, one) for one in found})


class _Look:
    """One look for something to hand out to a labeler."""

    def __init__(
        self,
        tasks: Tasks,
        opened: Opened,
        caller: Caller,
        homes: tuple[int, int | None],
        avoid: set[str],
    ) -> None:
        self._tasks = tasks
        self._tables = tasks.storage.tables
        self._random = tasks.storage.random
        self._project = opened.project
        self._items = opened.items
        self._user = caller.user
        self._home, self._previous = homes
        self._shards = list(
            dict.fromkeys(one for one in (*homes, *opened.elsewhere.shards) if one is not None)
        )
        self._avoid = avoid
        self._lane = layout.shard_of(caller.user, max(1, opened.project.overlap))
        self._left = tasks.left(opened.project.project_id, self._home)
        # With overlap an end for one is no end for another.
        mine = f"|{caller.user}" if opened.project.overlap > 1 else ""
        self._dry_key = opened.project.project_id + mine
        self._whole = False
        self._unmeasured: list[Found] = []

    def first(self, size: int) -> tuple[list[Task], dict[int, list[Found]], list[Row]]:
        """My open tasks, what was returned to me by shard, and rows of my queue, in one round trip.

        Where much is left, from a random place: so labelers neither compete for the head of a queue nor walk
        over what was deleted there. Else from the head, several pages of it: then nothing can be missed.
        """
        ranges = [self._items.tasks_range(self._user, shard) for shard in self._shards]
        dry = self._tasks.dry(self._dry_key)
        if self._project.state == "running" and not dry:
            self._whole = self._left < PLENTY * size
            if self._whole:
                ranges.append(self._whole_queue(self._home, size))
            else:
                ranges += [self._queue(kind, size) for kind in sorted(self._project.queues)]
        pages = self._tables.query_many(layout.ITEMS, ranges)
        tasks: list[Task] = []
        returned: dict[int, list[Found]] = {}
        for shard, rows in zip(self._shards, pages, strict=False):
            some, back = split_tasks(rows, shard)
            tasks += some
            returned |= {shard: back} if back else {}
        return tasks, returned, [row for rows in pages[len(self._shards) :] for row in rows]

    def _queue(self, kind: str, size: int) -> Range:
        if kind == layout.FRONT:  # few, and never to be missed: from the head
            head = layout.queue_start(kind, self._lane)
            partition = self._items.partition(self._home)
            return Range(partition, head, head + layout.END, 4 * size)
        # Not so near the end that a page would not fill: going on from the beginning costs a call.
        start = self._random() * (1 - 4 * size / self._left)
        low = layout.queue_start(kind, self._lane, f"{int(start * 2**48):012x}")
        high = layout.queue_start(kind, self._lane) + layout.END
        return Range(self._items.partition(self._home), low, high, size)

    def _whole_queue(self, shard: int, size: int) -> Range:
        # With overlap the first rows may all be of items I had.
        limit = 1000 if self._project.overlap > 1 else 4 * size
        return Range(self._items.partition(shard), "A|", "A|" + layout.END, limit)

    def page(self, queue: list[Row], size: int) -> list[Found]:
        """The items to claim from my shard; empty when it holds nothing that is ready."""
        if not self._whole and len(self._leading(queue)) < size:
            queue = self._tables.query(layout.ITEMS, self._whole_queue(self._home, size))
            self._whole = True
        full = len(queue) >= (4 * size if self._whole else size)
        self._tasks.note_left(
            self._project.project_id, self._home, _extrapolated(queue) if full else len(queue)
        )
        return self._choose(queue, size)

    def _leading(self, queue: Sequence[Row]) -> list[Row]:
        """The rows of the best kind that is ready, of my lane first."""
        ready = [
            row
            for row in queue
            if not row.key.startswith(UNMEASURED)
            and layout.listed_item(row.key) not in self._avoid
            and not self._had(row)
        ]
        if not ready:
            return []
        best = min(row.key.split("|", 2)[1] for row in ready)
        rows = [row for row in ready if row.key.startswith(f"A|{best}|")]
        mine = [row for row in rows if row.key.startswith(f"A|{best}|{self._lane}|")]
        return mine or rows

    def _had(self, row: Row) -> bool:
        """Whether another copy of the item is or was mine: possible with overlap only."""
        return self._project.overlap > 1 and any(
            lane.labeler == self._user for lane in queued_item(row).lanes
        )

    def _choose(self, queue: Sequence[Row], size: int) -> list[Found]:
        self._unmeasured += [Found(row) for row in queue if row.key.startswith(UNMEASURED)]
        rows = self._leading(queue)
        if len(rows) > size:
            at = int(self._random() * (len(rows) - size + 1))
            rows = rows[at : at + size]
        found: dict[str, Found] = {}
        for row in rows:
            found.setdefault(layout.listed_item(row.key), Found(row))
        return list(found.values())

    def elsewhere(self, size: int) -> tuple[int, list[Found], TaskAnswer | None]:
        """My shard is dry: look at all others at once, then at what is not measured, or leased too long.

        Returns a shard and what to claim there; or nothing, to look again; or why there is nothing.
        """
        dry = self._tasks.dry(self._dry_key)
        if dry:
            none = TaskAnswer(task=None, why=dry.why, retry_after_s=dry.retry_after_s)
            return self._home, [], none
        # The shard I came from was dry when I left it.
        others = [
            shard
            for shard in range(self._project.shards)
            if shard not in (self._home, self._previous)
        ]
        pages = self._tables.query_many(
            layout.ITEMS, [self._whole_queue(shard, size) for shard in others]
        )
        ready = [
            (shard, found)
            for shard, rows in zip(others, pages, strict=True)
            if (found := self._choose(rows, size))
        ]
        if ready:
            shard, found = max(ready, key=lambda one: (len(one[1]), self._random()))
            return shard, found, None
        if self._previous is not None and self._previous != self._home:
            rows = self._tables.query(layout.ITEMS, self._whole_queue(self._previous, size))
            found = self._choose(rows, size)
            if found:
                return self._previous, found, None
        if self._measure_some(size):
            return self._home, [], None
        leased = self._items.open_tasks(range(self._project.shards))
        if self._tasks.give_back_expired(self._items, leased):
            return self._home, [], None
        return self._home, [], self._nothing(leased)

    def _measure_some(self, size: int) -> bool:
        """Make images ready that the second stage has not come to yet. True when there were any."""
        found = {one.item.item_id: one.item for one in self._unmeasured}
        if found:
            self._tasks.measure_now(self._project, list(found.values())[: 2 * size])
        return bool(found)

    def _nothing(self, leased: Sequence[Task]) -> TaskAnswer:
        """Say why there is nothing, and when something may come back."""
        fresh = [one for one in leased if any(not _settled(held) for held in one.held)]
        if not fresh:
            why, retry = "none_left", 15
        else:
            grace = self._tasks.grace_ms()
            now = milliseconds(self._tasks.storage.clock.now())
            soonest = min(one.until_ms for one in fresh) + grace - now
            why, retry = "all_leased", max(1, min(15, -(-soonest // 1000)))
        self._tasks.note_dry(self._dry_key, why, retry)
        return TaskAnswer(task=None, why=why, retry_after_s=retry)


def _extrapolated(queue: Sequence[Row]) -> float:
    """About how many rows a queue has, from how close together these are in its shuffled order."""
    kind = queue[0].key.split("|", 2)[1]
    places = [int(row.key.split("|")[3], 16) for row in queue if row.key.split("|", 2)[1] == kind]
    span = (max(places) - min(places)) / 2**48
    return len(places) / span if span else float(len(places))


def _problem(fault: Fault, index: int) -> Problem:
    return Problem(type=fault.code, pointer=f"/items/{index}{fault.pointer}", detail=fault.detail)


def _settled(held: Held) -> bool:
    return held.item.lanes[held.lane].state != "leased"


def _same(before: tuple[str, bytes], digest: str) -> SubmitAnswer:
    if before[0] != digest:
        raise Invalid("this submission_id was used with another body; use a new one")
    return SubmitAnswer.model_validate_json(before[1])


def _all_refused(answer: SubmitAnswer) -> Failure:
    problems = [one.problem for one in answer.results if one.problem]
    detail = problems[0].detail if problems else "nothing in this submission could be saved"
    return Invalid(
        f"nothing was saved: {detail}",
        faults=tuple(Fault(one.pointer, one.type, one.detail) for one in problems),
    )


def _not_open(item_id: str, held: Mapping[str, Held], task: Task, index: int) -> Result | None:
    if item_id in held:
        return None
    if item_id not in task.everything:
        return _stranger(item_id, index)
    problem = Problem(
        type="not-open",
        pointer=f"/items/{index}/item_id",
        detail="this item was submitted or given back before; reopen it to change it",
    )
    return Result(item_id=item_id, status="refused", problem=problem)


def _stranger(item_id: str, index: int) -> Result:
    problem = Problem(
        type="not-in-task",
        pointer=f"/items/{index}/item_id",
        detail="this item is not part of the task",
    )
    return Result(item_id=item_id, status="refused", problem=problem)


def _twice(item_id: str, seen: set[str], index: int) -> Result | None:
    if item_id not in seen:
        return None
    problem = Problem(
        type="duplicate", pointer=f"/items/{index}/item_id", detail="this item is there twice"
    )
    return Result(item_id=item_id, status="refused", problem=problem)


def _follow_rules(one: SubmittedItem, task_type: TaskType, classes: set[str]) -> None:
    """What a decision must hold, beyond its form.

    Raises:
        Invalid: with one fault that points into the item.
    """

    def refuse(pointer: str, code: str, detail: str) -> Invalid:
        return Invalid(detail, faults=(Fault(pointer, code, detail),))

    ids: set[str] = set()
    for index, annotation in enumerate(one.annotations):
        at = f"/annotations/{index}"
        if annotation.class_id not in classes:
            raise refuse(
                f"{at}/class_id", "unknown-class", f"there is no class {annotation.class_id!r}"
            )
        if annotation.geometry.kind != GEOMETRY_OF[task_type]:
            raise refuse(
                f"{at}/geometry/kind",
                "wrong-geometry",
                f"this project takes {GEOMETRY_OF[task_type]} annotations",
            )
        if annotation.annotation_id in ids:
            raise refuse(f"{at}/annotation_id", "duplicate", "this annotation_id is there twice")
        ids.add(annotation.annotation_id)
    if one.outcome == "skipped" and one.annotations:
        raise refuse("/annotations", "skipped-with-labels", "a skipped image has no annotations")
    if one.outcome != "labeled":
        return
    tags = [annotation.class_id for annotation in one.annotations]
    if task_type == "multiclass" and len(tags) != 1:
        raise refuse("/annotations", "one-tag", "an image of this project gets exactly one tag")
    if task_type == "multilabel" and not tags:
        raise refuse("/annotations", "no-tag", "an image of this project gets at least one tag")
    if task_type == "multilabel" and len(set(tags)) != len(tags):
        raise refuse("/annotations", "duplicate-tag", "a tag is there twice")
