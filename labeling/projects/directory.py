"""What must be found without opening a project: names that are taken, the list, who is due, who watches."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from typing import cast

from labeling import layout
from labeling.annotations.shapes import TaskType
from labeling.errors import Fault, Invalid
from labeling.model import from_milliseconds, milliseconds
from labeling.projects.access import Role
from labeling.projects.record import DeletedProject, Project, ProjectLine, ProjectState
from labeling.quality.honeypots import states_for_labelers
from labeling.settings import Settings
from labeling.storage import (
    Blobs,
    Collision,
    Create,
    Delete,
    Merge,
    Operation,
    Range,
    Row,
    Storage,
)

ACTIVITY_NOTE_MS = 5 * 60 * 1000
"""How often a process says that a project is active; the timer forgets it after twice that."""

LABELING_NOTE_MS = 60 * 1000
"""How often a process says that somebody labels in a project."""

RESERVED_MS = 10 * 60 * 1000
"""A name stays reserved this long for a project that is about to be made: longer than a request lasts."""


COVER = 4
"""Images of a project that the list shows."""

RETURNED_TO = 500
"""People of whom the list knows what was sent back to them, those with most: a cell holds no more.

What was sent back to anyone is that of nobody: of the empty name."""

DAY = re.compile(r"day:\d{8}:")
"""Counters of what somebody submitted on one day."""


class Directory:
    """The table `directory`, as far as it is about projects."""

    def __init__(self, storage: Storage, settings: Settings) -> None:
        self._storage = storage
        self._settings = settings
        self._noted: dict[tuple[str, bool], int] = {}
        self._covered: set[str] = set()

    def reserve_name(self, project: Project) -> None:
        """Take a project's name, for ever. Safe to repeat.

        Raises:
            Invalid: another project has or had it.
        """
        key = layout.folded_name(project.name)
        now = milliseconds(self._storage.clock.now())
        mine: dict[str, str | int] = {"project": project.project_id, "at_ms": now}
        change: Operation = Create(key, mine)
        holder = None
        for _ in range(2):
            try:
                self._storage.tables.transact(layout.DIRECTORY, layout.NAMES, [change])
                return
            except Collision:
                holder = self._storage.tables.get(layout.DIRECTORY, layout.NAMES, key)
            if holder and holder.text("project") == project.project_id:
                return
            if holder is None or not self._abandoned(holder, now):
                break
            change = Merge(key, mine, holder.etag)
        raise Invalid(
            f"the name {project.name!r} is or was used by a project; choose another",
            faults=(Fault("/name", "name-used", "a project has or had this name"),),
        )

    def _abandoned(self, holder: Row, now: int) -> bool:
        """Whether a name was reserved for a project that was never made: its process ended before."""
        return now - holder.number("at_ms") > RESERVED_MS and not self._storage.tables.get(
            layout.PROJECTS, holder.text("project"), layout.PROJECT
        )

    def show(self, project: Project) -> None:
        """Show a new project in the list."""
        self._put(layout.ALL_PROJECTS, project.project_id, _line_cells(project, {}, None))

    def lines(self) -> Iterator[tuple[str, Row]]:
        """The projects of the list, by id, without those that were deleted. One call a thousand."""
        for row in self._storage.rows(layout.DIRECTORY, Range(layout.ALL_PROJECTS, "", layout.END)):
            if "name" in row.cells and row.text("state") != "deleted":
                yield row.key, row

    def hide(self, project: Project) -> None:
        """Take a project that is about to be deleted out of the list, and let upkeep look after it."""
        now, project_id = milliseconds(self._storage.clock.now()), project.project_id
        self._put(layout.DUE, project_id, {"due_ms": now})
        deleted = {"name": project.name, "task_type": project.task_type, "deleted_ms": now}
        self._put(layout.DELETED_PROJECTS, project_id, deleted)
        self._put(layout.ALL_PROJECTS, project_id, {"state": "deleted"})

    def deleted(self) -> list[DeletedProject]:
        """Projects that were deleted, the last one first."""
        rows = self._storage.rows(layout.DIRECTORY, Range(layout.DELETED_PROJECTS, "", layout.END))
        found = [
            DeletedProject(
                project_id=row.key,
                name=row.text("name"),
                task_type=cast(TaskType, row.text("task_type")),
                deleted_at=from_milliseconds(row.number("deleted_ms")),
            )
            for row in rows
        ]
        return sorted(found, key=lambda project: project.deleted_at, reverse=True)

    def bring_back(self, project: Project, counters: Mapping[str, int]) -> None:
        """List a project again that was deleted, and watch its files. Safe to repeat."""
        self.show(project)
        self.take_snapshot(project, counters)
        self.watch(project)
        self._drop(layout.DELETED_PROJECTS, project.project_id)

    def follow(self, old: Project, new: Project) -> None:
        """Let the list and the watchers follow a change of the record."""
        if new.state == "deleted":
            self._drop(layout.ALL_PROJECTS, new.project_id)
            self._drop(layout.ACTIVE, new.project_id)
        elif changed := dict(_said_cells(new).items() - _said_cells(old).items()):
            self._put(layout.ALL_PROJECTS, new.project_id, changed)
        if (new.incremental_refresh, new.state) != (old.incremental_refresh, old.state):
            self.watch(new)

    def watch(self, project: Project) -> None:
        """Keep what must be found from elsewhere: by a blob's container, and by the timer."""
        container = layout.watchers(project.source.container)
        if project.state == "deleted":
            self._drop(container, project.project_id)
            self._drop(layout.DUE, project.project_id)
            return
        watching = project.incremental_refresh
        self._put(
            container,
            project.project_id,
            {
                "pattern": project.source.pattern,
                "dataset": project.dataset_id,
                "watching": watching,
            },
        )
        if watching:
            due = milliseconds(self._storage.clock.now()) + self._settings.refresh_seconds * 1000
            self._put(layout.DUE, project.project_id, {"due_ms": due})
        else:
            self._drop(layout.DUE, project.project_id)

    def _put(self, partition: str, key: str, cells: Mapping[str, str | int | bool]) -> None:
        try:
            self._storage.tables.transact(layout.DIRECTORY, partition, [Create(key, cells)])
        except Collision:
            self._storage.tables.transact(layout.DIRECTORY, partition, [Merge(key, cells)])

    def _drop(self, partition: str, key: str) -> None:
        with suppress(Collision):
            self._storage.tables.transact(layout.DIRECTORY, partition, [Delete(key)])

    def note_activity(self, project_id: str, *, labeling: bool) -> None:
        """Let the timer know that this project is to be looked after, and ingestion that somebody labels.

        Each process says so once a minute; where nobody labels, once in five.
        """
        now = milliseconds(self._storage.clock.now())
        often, cells = ACTIVITY_NOTE_MS, {"active_ms": now}
        if labeling:
            often, cells = LABELING_NOTE_MS, {**cells, "labeling_ms": now}
        if now - self._noted.get((project_id, labeling), 0) < often:
            return
        self._put(layout.ACTIVE, project_id, cells)
        self._noted[project_id, labeling] = now

    def labeling_ms(self) -> int:
        """When it was noted last that somebody labels, in whichever project; 0: not lately."""
        return max((row.number("labeling_ms") for row in self.active()), default=0)

    def take_snapshot(
        self, project: Project, counters: Mapping[str, int], *, active: int | None = None
    ) -> None:
        """Keep a project's counts for the list, unless it was deleted meanwhile.

        Args:
            project: as it is now.
            counters: exact, as of now.
            active: how many people hold images; None: not looked.
        """
        cells = _line_cells(project, counters, milliseconds(self._storage.clock.now()))
        if active is not None:
            cells["active"] = active
        with suppress(Collision):
            self._storage.tables.transact(
                layout.DIRECTORY, layout.ALL_PROJECTS, [Merge(project.project_id, cells)]
            )

    def note_cover(self, project_id: str, blobs: Sequence[tuple[str, str]]) -> None:
        """Let the list show these images (container, path) of a project that has none to show yet."""
        if not blobs or project_id in self._covered:
            return
        row = self._storage.tables.get(layout.DIRECTORY, layout.ALL_PROJECTS, project_id)
        if row and "cover" not in row.cells:
            cells = {"cover": json.dumps(blobs[:COVER])}
            with suppress(Collision):  # deleted meanwhile
                self._storage.tables.transact(
                    layout.DIRECTORY, layout.ALL_PROJECTS, [Merge(project_id, cells)]
                )
        self._covered.add(project_id)

    def active(self) -> list[Row]:
        """Rows of projects that have, or lately had, open tasks."""
        return list(self._storage.rows(layout.DIRECTORY, Range(layout.ACTIVE, "", layout.END)))

    def rest(self, row: Row) -> None:
        """Forget the activity of a project, unless it was renewed meanwhile."""
        now = milliseconds(self._storage.clock.now())
        if now - row.number("active_ms") < 2 * ACTIVITY_NOTE_MS:
            return
        with suppress(Collision):
            self._storage.tables.transact(
                layout.DIRECTORY, layout.ACTIVE, [Delete(row.key, row.etag)]
            )

    def due_for_refresh(self) -> list[str]:
        """Projects whose refresh is due; each is given to one caller only, and is due again later."""
        now = milliseconds(self._storage.clock.now())
        taken: list[str] = []
        for row in self._storage.rows(layout.DIRECTORY, Range(layout.DUE, "", layout.END)):
            if row.number("due_ms") > now:
                continue
            later = now + self._settings.refresh_seconds * 1000
            try:
                self._storage.tables.transact(
                    layout.DIRECTORY, layout.DUE, [Merge(row.key, {"due_ms": later}, row.etag)]
                )
            except Collision:
                continue
            taken.append(row.key)
        return taken


def _said_cells(project: Project) -> dict[str, str | int | bool]:
    """What the list shows of a project's record."""
    return {
        "name": project.name,
        "team": project.team,
        "topics": json.dumps(project.topics),
        "task_type": project.task_type,
        "state": project.state,
        "created_ms": milliseconds(project.created_at),
    }


def _line_cells(
    project: Project, counters: Mapping[str, int], counted_ms: int | None
) -> dict[str, str | int | bool]:
    counts = {name: n for name, n in counters.items() if name.startswith("state:")}
    cells = _said_cells(project)
    if counted_ms is not None:
        days = [name.split(":")[1] for name, n in counters.items() if n and DAY.match(name)]
        returned = Counter(
            {
                name.removeprefix(_RETURNED): n
                for name, n in counters.items()
                if name.startswith(_RETURNED)
            }
        )
        cells |= {
            "counts": json.dumps(counts),
            "returned": json.dumps(dict(returned.most_common(RETURNED_TO))),
            "shown": json.dumps(states_for_labelers(counters, project.honeypots.rate)),
            "counted_ms": counted_ms,
            "day": max(days, default=""),
        }
    return cells


_RETURNED = "returned:"
_UNUSABLE = ("state:unreadable", "state:excluded")


def line(row: Row, user: str, role: Role, blobs: Blobs) -> ProjectLine:
    """A project of the list, as somebody with this role sees it."""
    counts: dict[str, int] = json.loads(row.text("counts", "{}"))
    if role == "labeler" and row.text("shown"):
        shown: dict[str, int] = json.loads(row.text("shown"))
        counts = {f"state:{name}": count for name, count in shown.items()}
    unusable = sum(counts.get(state, 0) for state in _UNUSABLE)
    returned: dict[str, int] = json.loads(row.text("returned", "{}"))
    cover = json.loads(row.text("cover", "[]")) if role != "labeler" else []
    counted = row.number("counted_ms")
    return ProjectLine(
        project_id=row.key,
        name=row.text("name"),
        team=row.text("team"),
        topics=json.loads(row.text("topics", "[]")),
        task_type=cast(TaskType, row.text("task_type")),
        state=cast(ProjectState, row.text("state")),
        my_role=role,
        total=sum(counts.values()) - unusable,
        unusable=unusable,
        labeled=counts.get("state:labeled", 0),
        waiting=counts.get("state:available", 0) + counts.get("state:leased", 0),
        returned=sum(returned.values()) if role != "labeler" else None,
        returned_to_me=returned.get(user, 0),
        active=row.number("active"),
        last_day=datetime.strptime(day, "%Y%m%d").date() if (day := row.text("day")) else None,
        cover=[blobs.link(*place)[0] for place in cover],
        created_at=from_milliseconds(row.number("created_ms")),
        counted_at=from_milliseconds(counted) if counted else None,
    )
