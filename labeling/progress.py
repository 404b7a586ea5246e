"""How far a project is: exact numbers in one round trip, and the upkeep of counters and leases."""

from __future__ import annotations

import logging
from collections import Counter, defaultdict
from collections.abc import Iterable
from datetime import date

from labeling import layout
from labeling.annotations.task_types import TASK_TYPES
from labeling.assist.service import Assist
from labeling.ingest.refresh import Ingest, RefreshState, RefreshView
from labeling.items.items import Items
from labeling.model import Model, UtcTime
from labeling.names import key_of
from labeling.projects.access import RANK, Member, member_of
from labeling.projects.projects import ProjectAccess, Projects
from labeling.projects.record import Project, ProjectState
from labeling.projects.webhooks import Webhooks
from labeling.quality.agreement import Coefficient, nominal, yes_or_no
from labeling.quality.honeypots import has_honeypots, states_for_labelers
from labeling.storage import Range, Row, Storage
from labeling.tasks.service import Tasks

REFRESHED = ("initializing", "running", "paused")
"""States in which a refresh is started when it is due."""

log = logging.getLogger("labelry")


class Compact(Model):
    """A shard's counters have many changes to fold."""

    project_id: str
    shard: int


class ClassCount(Model):
    """How many labeled images have a class, and how many annotations of it there are."""

    class_id: str
    images: int
    instances: int


class PrelabelCount(Model):
    """What became of suggestions: kept as they were, changed, removed; and what was added to them."""

    accepted: int = 0
    changed: int = 0
    removed: int = 0
    added: int = 0


class DayCount(Model):
    """Images that have been labeled since one day (UTC)."""

    day: date
    images: int


class LabelerCount(Model):
    """What a labeler has done: labelings that stand, and images submitted today (UTC), each once however often
    it was corrected, in `today_active_ms` of work.

    `prelabels`: of all images they ever labeled with suggestions in front of them.
    """

    user: str
    name: str
    labelings: int
    today: int
    today_active_ms: int = 0
    prelabels: PrelabelCount


class ClassAgreement(Model):
    """How well people agree on a class.

    `found`: of each shape of it and each other person who labeled its image, the share in which that person
    drew it too; null where nothing was drawn.
    """

    class_id: str
    coefficient: Coefficient
    found: float | None


class LabelerAgreement(Model):
    """How often a labeler agrees with others: the share of `compared` answers or shapes."""

    user: str
    share: float
    compared: int


class Agreement(Model):
    """How well those agree who label the same images: `agreed` images, and `disputed` ones without a majority.

    `coefficient`: Krippendorff's alpha over all classes, of shapes where they match. `iou`: the mean
    intersection over union of shapes of two people that match.
    """

    agreed: int
    disputed: int
    coefficient: Coefficient
    iou: float | None
    classes: list[ClassAgreement]
    labelers: list[LabelerAgreement]


class AssignedCount(Model):
    """How many images wait for those with a tag, and how many members carry it.

    With fewer `people` than label each image, nobody finishes them.
    """

    tag: str
    waiting: int
    people: int


class Progress(Model):
    """Exact counts of a project at `at`. `over_limit`: images that found no place in the project.

    `agreement` is null where nobody labeled an image that another did too, and for labelers.

    `assigned` are the tags that rules name, and any for which images wait. `labelers` is empty for labelers:
    nobody else's numbers are theirs to see. So are `assigned`, `queues`, `classes` and `days`, and their
    `states` count what they can't tell from the project's images, so that no number tells which of them are
    honeypots. `days` are those since which
    images are labeled, in order; of an image that was labeled anew after it was sent back, the last one.
    """

    at: UtcTime
    state: ProjectState
    state_reason: str
    total: int
    states: dict[str, int]
    queues: dict[str, int]
    classes: list[ClassCount]
    labelers: list[LabelerCount]
    days: list[DayCount] = []
    assigned: list[AssignedCount] = []
    agreement: Agreement | None = None
    flags: dict[str, int]
    over_limit: int
    refresh: RefreshView | None


class ProgressService:
    """Counts, and what keeps them quick and leases honest."""

    def __init__(
        self,
        storage: Storage,
        projects: Projects,
        ingest: Ingest,
        tasks: Tasks,
        assist: Assist,
        webhooks: Webhooks,
    ) -> None:
        self._webhooks = webhooks
        self._storage = storage
        self._projects = projects
        self._ingest = ingest
        self._tasks = tasks
        self._assist = assist

    def get(self, opened: ProjectAccess) -> Progress:
        """Exact counts: one call a shard and one for the project's own rows, all at once."""
        project = opened.project
        rows, counters = self._storage.together(
            lambda: list(
                self._storage.rows(
                    layout.PROJECTS, Range(project.project_id, *layout.MEMBERS_AND_PROJECT)
                )
            ),
            lambda: opened.items.counters(),
        )
        members = {
            layout.member_user(row.key): member_of(row)
            for row in rows
            if layout.kind_of(row.key) is layout.Kind.MEMBER
        }
        records = {row.key: row for row in rows}
        refresh_row = records.get(layout.REFRESH_STATE)
        refresh = RefreshState.model_validate_json(refresh_row.text("doc")) if refresh_row else None
        sees = RANK[opened.role] > RANK["labeler"]
        # By what is counted of the project nobody shall tell which page had a honeypot.
        may_know = sees or not has_honeypots(counters, project.honeypots.rate)
        states = (
            _group(counters, "state")
            if may_know
            else states_for_labelers(counters, project.honeypots.rate)
        )
        return Progress(
            at=self._storage.clock.now(),
            state=project.state,
            state_reason=project.state_reason,
            total=sum(states.values()),
            states=states,
            queues=_group(counters, "queue") if may_know else {},
            classes=[
                ClassCount(
                    class_id=class_.class_id,
                    images=counters[f"class:{class_.class_id}"],
                    instances=counters[f"instances:{class_.class_id}"],
                )
                for class_ in project.classes
                if may_know and not class_.merged_into
            ],
            labelers=self._labelers(counters, members) if sees else [],
            days=[
                DayCount(day=_date(day), images=images)
                for day, images in _group(counters, "labeled").items()
                if may_know
            ],
            assigned=_assigned(project, counters, members.values()) if sees else [],
            agreement=_agreement(project, counters) if sees else None,
            flags=_group(counters, "flag"),
            over_limit=self._ingest.capacity.of(records.get(layout.CAPACITY)).over,
            refresh=refresh.view() if refresh else None,
        )

    def _labelers(self, counters: Counter[str], members: dict[str, Member]) -> list[LabelerCount]:
        today = f"{self._storage.clock.now():%Y%m%d}"
        standing = _group(counters, "labeler")
        per_day = _group(counters, f"day:{today}")
        active = _group(counters, f"day:active_ms:{today}")
        became = {what: _group(counters, f"prelabel:{what}") for what in PrelabelCount.model_fields}
        return sorted(
            (
                LabelerCount(
                    user=user,
                    name=members[user].name if user in members else "",
                    labelings=standing.get(user, 0),
                    today=per_day.get(user, 0),
                    today_active_ms=active.get(user, 0),
                    prelabels=PrelabelCount(
                        **{what: count.get(user, 0) for what, count in became.items()}
                    ),
                )
                for user in {*standing, *per_day}
            ),
            key=lambda count: (-count.labelings, count.user),
        )

    def on_compact(self, message: Compact) -> None:
        """Fold counters, and refresh the project's line in the list."""
        project = self._projects.find(message.project_id)
        if project is None or message.shard >= project.shards:
            return
        items = self._projects.items(project)
        items.compact(message.shard)
        self._snapshot(project, items)

    def _snapshot(self, project: Project, items: Items, *, active: int | None = None) -> None:
        counters = items.counters()
        self._projects.directory.take_snapshot(project, counters, active=active)
        self._projects.forget_empty_queues(project, counters)
        self._assist.consider(project, counters)
        self._tell_when_done(project, counters)

    def _tell_when_done(self, project: Project, counters: Counter[str]) -> None:
        """Once for each number of images that a project has had all labeled."""
        states = _group(counters, "state")
        left = sum(states.get(state, 0) for state in ("available", "leased", "needs_review"))
        if project.state == "running" and states.get("labeled") and not left:
            key = str(sum(states.values()))
            self._webhooks.told(project.project_id, "project.done", key, {"states": states})

    def on_tick(self) -> None:
        """Once a minute: end what nobody holds any more, keep the list current, start refreshes that are due.

        Looks only at projects that have, or lately had, open tasks: a resting system costs two calls.
        """
        for row in self._projects.directory.active():
            try:
                self._look_after(row)
            except Exception:
                log.exception("upkeep failed", extra={"project_id": row.key})  # the others go on
        for project_id in self._projects.directory.due_for_refresh():
            project = self._projects.find(project_id)
            if project is None:
                self._projects.bury(project_id)
            elif project.incremental_refresh and project.state in REFRESHED:
                self._ingest.start(project)

    def _look_after(self, row: Row) -> None:
        project = self._projects.find(row.key)
        if project is None or not project.shards:
            return
        items = self._projects.items(project)
        tasks, returned = items.in_hands(range(project.shards))
        self._projects.free_from_the_gone(project, (item.item.reserved for item in returned))
        ended = self._tasks.give_back_expired(items, tasks)
        for shard in range(project.shards):
            items.compact(shard)
        left = items.open_tasks(range(project.shards)) if ended else tasks
        self._snapshot(project, items, active=len({task.user for task in left}))
        if len(tasks) == ended:
            self._projects.directory.rest(row)
        log.info("looked after", extra={"project_id": row.key, "expired": ended})


def _date(day: str) -> date:
    return date.fromisoformat(f"{day[:4]}-{day[4:6]}-{day[6:]}")


def _assigned(
    project: Project, counters: Counter[str], members: Iterable[Member]
) -> list[AssignedCount]:
    waiting = _group(counters, "audience")
    spelled = {key_of(assignment.tag): assignment.tag for assignment in project.assignments}
    people = Counter(key_of(tag) for member in members for tag in member.tags)
    return [
        AssignedCount(
            tag=spelled.get(audience, audience),
            waiting=waiting.get(audience, 0),
            people=people[audience],
        )
        for audience in {**spelled, **waiting}
    ]


def _agreement(project: Project, counters: Counter[str]) -> Agreement | None:
    agreed, disputed = counters["consensus:agreed"], counters["consensus:disputed"]
    if not agreed + disputed:
        return None
    every, same = _group(counters, "agree:all"), _group(counters, "agree:same")
    found, sought = _group(counters, "agree:found"), _group(counters, "agree:sought")
    shapes = TASK_TYPES[project.task_type].geometry != "tag"
    # A shape can be compared where it matches one; of each image, whether a tag was given or not.
    values = sum(every.values()) if shapes else counters["agree:values"]
    whole = (
        yes_or_no(values, every, same)
        if project.task_type == "multilabel"
        else nominal(every, same)
    )
    compared = _group(counters, "agree:of")
    with_others = _group(counters, "agree:with")
    pairs = counters["agree:pairs"]
    return Agreement(
        agreed=agreed,
        disputed=disputed,
        coefficient=whole,
        iou=counters["agree:iou"] / 1000 / pairs if pairs else None,
        classes=[
            ClassAgreement(
                class_id=name,
                coefficient=yes_or_no(
                    values, {name: every.get(name, 0)}, {name: same.get(name, 0)}
                ),
                found=found.get(name, 0) / sought[name] if sought.get(name) else None,
            )
            for class_ in project.classes
            if (name := class_.class_id) in every or name in sought
        ],
        labelers=[
            LabelerAgreement(user=user, share=with_others.get(user, 0) / count, compared=count)
            for user, count in compared.items()
        ],
    )


def _group(counters: Counter[str], name: str) -> dict[str, int]:
    groups: defaultdict[str, int] = defaultdict(int)
    for key, count in counters.items():
        if key.startswith(f"{name}:"):
            groups[key[len(name) + 1 :]] += count
    return dict(sorted(groups.items()))
