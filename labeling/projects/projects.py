"""Projects: one labeling job over one dataset."""

from __future__ import annotations

import hashlib
import json
import secrets
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Annotated, Literal, cast
from urllib.parse import urlsplit

from pydantic import Field, field_validator

from labeling import layout
from labeling.annotations.classes import ClassName, Examples, LabelClass, NewClass, with_added
from labeling.annotations.shapes import TaskType
from labeling.errors import Conflict, Fault, Invalid, NotFound, PreconditionFailed
from labeling.items.cells import pack, unpack
from labeling.items.items import Items
from labeling.media.header import measure
from labeling.media.patterns import SHOWN_BY_BROWSERS, Pattern, media_of
from labeling.model import Id, Model, UtcTime, digest_id, from_milliseconds, milliseconds, new_id
from labeling.projects.access import (
    INVITED,
    RANK,
    Access,
    Caller,
    Member,
    Role,
    member_of,
    require,
)
from labeling.projects.datasets import Name, Source
from labeling.settings import Settings
from labeling.storage import (
    Collision,
    Create,
    Delete,
    Merge,
    Operation,
    Range,
    Row,
    Storage,
    Value,
    check_transaction,
    insist,
)

ProjectState = Literal["initializing", "running", "paused", "updating", "failed", "deleted"]

ACTIVITY_NOTE_MS = 5 * 60 * 1000
"""How often a process says that a project is active; the timer forgets it after twice that."""

RESERVED_MS = 10 * 60 * 1000
"""A name stays reserved this long for a project that is about to be made: longer than a request lasts."""

NOTED_MS = 60 * 1000
"""A note of something about to be in a shard is kept this long: longer than a request lasts."""


class Instructions(Model):
    """What labelers read first: text, and a link to more."""

    text: Annotated[str, Field(max_length=20_000)] = ""
    link: Annotated[str, Field(max_length=2_000)] = ""

    @field_validator("link")
    @classmethod
    def _safe(cls, link: str) -> str:
        if link and urlsplit(link).scheme not in ("http", "https"):
            raise ValueError("the link must start with http:// or https://")
        return link


class NewProject(Model):
    """A project to be made. Its name can never be used again, its type and dataset never change."""

    name: Name
    task_type: TaskType
    dataset_id: Id
    classes: Annotated[list[NewClass], Field(max_length=2_000)] = []
    instructions: Instructions = Instructions()
    incremental_refresh: bool = True


class ProjectChange(Model):
    """What can be changed of a project; what is left out stays."""

    instructions: Instructions | None = None
    incremental_refresh: bool | None = None


class AddClasses(Model):
    """Classes to be added. `continue`: what was labeled stays as it is."""

    classes: Annotated[list[NewClass], Field(min_length=1, max_length=2_000)]
    then: Annotated[
        Literal["continue"], Field(description="what happens to labels made so far")
    ] = "continue"


class ClassChange(Model):
    """A class's new name (a path such as `Animal/Cat`), description or examples; what is left out stays."""

    name: ClassName | None = None
    description: Annotated[str, Field(max_length=2_000)] | None = None
    examples: Examples | None = None


class ClassExample(Model):
    """An image that shows what a class means, with a signed address valid until `expire_at`."""

    path: str
    url: str
    expire_at: UtcTime


class ClassView(Model):
    """A class as labelers see it."""

    class_id: str
    name: str
    description: str
    examples: list[ClassExample]


class Project(Model):
    """A project as it is kept."""

    schema_version: int = 1
    project_id: str
    name: str
    task_type: TaskType
    dataset_id: str
    source: Source
    classes: list[LabelClass]
    classes_version: int = 1
    instructions: Instructions
    instructions_version: int = 1
    state: ProjectState = "initializing"
    state_reason: str = ""
    incremental_refresh: bool
    seed: str
    shards: int = 0
    overlap: Annotated[int, Field(ge=1, le=5)] = 1
    queues: list[str] = [layout.MANUAL]
    created_at: UtcTime
    created_by: str
    request_digest: str = ""
    version: int = 1


class ProjectView(Model):
    """A project as the API shows it."""

    project_id: str
    name: str
    task_type: TaskType
    dataset_id: str
    source: Source | None
    classes: list[LabelClass]
    classes_version: int
    instructions: Instructions
    instructions_version: int
    state: ProjectState
    state_reason: str
    incremental_refresh: bool
    created_at: UtcTime
    my_role: Role
    version: int


class ProjectLine(Model):
    """A project in the list, with its counts as of `counted_at` (a minute old at most)."""

    project_id: str
    name: str
    task_type: TaskType
    state: ProjectState
    my_role: Role
    total: int
    labeled: int
    waiting: int
    created_at: UtcTime
    counted_at: UtcTime | None


@dataclass(frozen=True)
class Elsewhere:
    """Shards, besides the one they draw from, where something of a labeler's may be.

    `gone`: they left the project, so that nothing is to be returned to them.
    """

    shards: tuple[int, ...] = ()
    gone: bool = False
    noted_ms: int = 0
    etag: str = ""


@dataclass(frozen=True)
class ProjectAccess:
    """A project somebody may work in, their role, and their place in it."""

    project: Project
    role: Role
    member: Member | None
    elsewhere: Elsewhere
    items: Items

    @property
    def project_id(self) -> str:
        """The id of the project."""
        return self.project.project_id


Opened = ProjectAccess


@dataclass(frozen=True)
class _Cached:
    """A row as it was read, made sense of once."""

    value: Project | Member | Elsewhere | None
    read_at: float


class Projects:
    """Projects and who may do what in them."""

    def __init__(self, storage: Storage, settings: Settings, access: Access) -> None:
        self._storage = storage
        self._settings = settings
        self._access = access
        self._cache: dict[tuple[str, str], _Cached] = {}
        self._noted: dict[str, int] = {}

    def create(
        self, new: NewProject, source: Source, *, by: Caller, idempotency_key: str | None
    ) -> Project:
        """Make a project; listing its images starts at once. Safe to repeat with the same key.

        Raises:
            Invalid: the name was used before (by a deleted project too), or the classes are not right, or
                an example is no image of the source.
            Conflict: the project made with this key was deleted.
        """
        project_id = (
            f"p-{digest_id('project', by.user, idempotency_key, length=16)}"
            if idempotency_key
            else new_id("p")
        )
        digest = hashlib.sha256(new.model_dump_json().encode()).hexdigest()
        known = self._storage.tables.get(layout.PROJECTS, project_id, layout.PROJECT)
        if known:
            project = _project(known)
            if project.request_digest != digest:
                raise Invalid("this Idempotency-Key was used for another project; use a new one")
            if project.state == "deleted":
                raise Conflict("the project made with this Idempotency-Key was deleted")
        else:
            self._check_new(source, new.classes)
            project = Project(
                project_id=project_id,
                name=new.name,
                task_type=new.task_type,
                dataset_id=new.dataset_id,
                source=source,
                classes=with_added([], new.classes),
                instructions=new.instructions,
                incremental_refresh=new.incremental_refresh,
                seed=secrets.token_hex(16),
                created_at=self._storage.clock.now(),
                created_by=by.user,
                request_digest=digest,
            )
            made = Create(layout.PROJECT, _cells(project))
            check_transaction(project_id, [made])  # what can't be kept uses up no name
            self._reserve_name(project)
            try:
                self._storage.tables.transact(layout.PROJECTS, project_id, [made])
            except Collision:
                return self.create(new, source, by=by, idempotency_key=idempotency_key)
        self._access.put_member(project_id, by.user, "admin", name=by.name, provider=by.provider)
        self._put(layout.ALL_PROJECTS, project_id, _line_cells(project, {}, None))
        self._watch(project)
        return project

    def _reserve_name(self, project: Project) -> None:
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

    def _watch(self, project: Project) -> None:
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

    def _put(self, partition: str, key: str, cells: dict[str, str | int | bool]) -> None:
        try:
            self._storage.tables.transact(layout.DIRECTORY, partition, [Create(key, cells)])
        except Collision:
            self._storage.tables.transact(layout.DIRECTORY, partition, [Merge(key, cells)])

    def _drop(self, partition: str, key: str) -> None:
        try:
            self._storage.tables.transact(layout.DIRECTORY, partition, [Delete(key)])
        except Collision:
            return

    def get(self, project_id: str) -> Project:
        """A project as it is now, whoever asks.

        Raises:
            NotFound: there is no such project, or it was deleted.
        """
        project = self.find(project_id)
        if project is None:
            raise NotFound("there is no such project, or you are not a member of it")
        return project

    def find(self, project_id: str) -> Project | None:
        """A project as it is now; None when there is none or it was deleted."""
        row = self._storage.tables.get(layout.PROJECTS, project_id, layout.PROJECT)
        project = _project(row) if row else None
        return None if project is None or project.state == "deleted" else project

    def open(self, project_id: str, caller: Caller, least: Role, doing: str) -> ProjectAccess:
        """A project the caller may do something in. Rows are believed for up to 5 s.

        Raises:
            NotFound: no such project, or the caller is not a member.
            Forbidden: the caller's role is too small.
        """
        project, member, elsewhere = self._rows(project_id, caller.user)
        if project is None:
            raise NotFound("there is no such project, or you are not a member of it")
        role = self._role(project_id, caller, member)
        if project.state == "deleted":
            raise NotFound("there is no such project, or you are not a member of it")
        require(role, least, doing)
        assert role is not None
        return ProjectAccess(project, role, member, elsewhere, self.items(project))

    def _role(self, project_id: str, caller: Caller, member: Member | None) -> Role | None:
        if caller.site_admin:
            return "admin"
        if caller.token_role:
            return caller.token_role if caller.token_project == project_id else None
        return member.role if member else None

    def items(self, project: Project) -> Items:
        """The items of a project."""
        return Items(
            self._storage,
            project.project_id,
            shards=project.shards,
            seed=project.seed,
            overlap=project.overlap,
        )

    def _rows(self, project_id: str, user: str) -> tuple[Project | None, Member | None, Elsewhere]:
        keys = [
            (project_id, layout.PROJECT),
            (project_id, layout.member(user)),
            (project_id, layout.elsewhere(user)),
        ]
        now = self._storage.clock.now().timestamp()
        held = [self._cache.get(key) for key in keys]
        stale = [
            key
            for key, one in zip(keys, held, strict=True)
            if one is None or now - one.read_at > self._settings.cache_seconds
        ]
        fresh = dict(zip(keys, held, strict=True))
        if stale:
            if len(self._cache) > 10_000:
                self._cache.clear()
            for key, row in zip(
                stale, self._storage.tables.get_many(layout.PROJECTS, stale), strict=True
            ):
                made = _made(row) if row else None
                fresh[key] = self._cache[key] = _Cached(made, now)
        project, member, elsewhere = (one.value if (one := fresh[key]) else None for key in keys)
        return (
            project if isinstance(project, Project) else None,
            member if isinstance(member, Member) else None,
            elsewhere if isinstance(elsewhere, Elsewhere) else Elsewhere(),
        )

    def forget(self, project_id: str, user: str = "") -> None:
        """Read a project's row (and one member's) anew next time."""
        self._cache.pop((project_id, layout.PROJECT), None)
        self._cache.pop((project_id, layout.member(user)), None)
        self._cache.pop((project_id, layout.elsewhere(user)), None)

    def note_elsewhere(self, project_id: str, user: str, shard: int) -> bool:
        """Note, before it is so, that something of a labeler's is in a shard. False: they are gone."""
        key = layout.elsewhere(user)

        def once() -> bool:
            row = self._storage.tables.get(layout.PROJECTS, project_id, key)
            known = _elsewhere(row) if row else Elsewhere()
            if known.gone:
                return False
            cells = _elsewhere_cells({*known.shards, shard}, self._now())
            self._storage.tables.transact(
                layout.PROJECTS,
                project_id,
                [Merge(key, cells, row.etag) if row else Create(key, cells)],
            )
            self.forget(project_id, user)
            return True

        return insist(self._storage, once)

    def nothing_elsewhere(
        self, opened: ProjectAccess, caller: Caller, shards: Sequence[int]
    ) -> None:
        """Forget shards where nothing of a labeler's was found, unless something is about to be there."""
        known = opened.elsewhere
        if not shards or self._now() - known.noted_ms < NOTED_MS:
            return
        cells = _elsewhere_cells({*known.shards} - {*shards}, known.noted_ms)
        project_id = opened.project.project_id
        with suppress(Collision):  # noted anew meanwhile
            self._storage.tables.transact(
                layout.PROJECTS,
                project_id,
                [Merge(layout.elsewhere(caller.user), cells, known.etag)],
            )
        self.forget(project_id, caller.user)

    def _now(self) -> int:
        return milliseconds(self._storage.clock.now())

    def remove_member(self, project_id: str, member_id: str) -> None:
        """Take somebody off a project; what they labeled stays, what was returned to them is for anyone.

        Safe to repeat until it is done: they are listed as a member to the end.

        Raises:
            NotFound: there is no such member, nor anybody invited with this id.
        """
        if member_id.startswith(INVITED):
            self._access.withdraw_invitation(project_id, member_id)
            return
        self._access.begin_leaving(project_id, member_id)
        self._give_everyone(self.get(project_id), member_id)
        self._access.finish_leaving(project_id, member_id)
        self.forget(project_id, member_id)

    def _give_everyone(self, project: Project, user: str) -> None:
        """Let anybody have what was returned to a labeler, before others' turn."""
        items, shards = self.items(project), range(project.shards)
        _, returned = items.tasks_of(user, shards)
        if returned:
            self.use_queue(project.project_id, layout.FRONT)
        for shard in shards:
            items.unreserve(user, shard)

    def move_home(
        self, opened: ProjectAccess, caller: Caller, home: int, previous: int | None
    ) -> ProjectAccess:
        """Note the shard a labeler draws from, and where open tasks of theirs may still be."""
        project_id = opened.project.project_id
        cells = {"home": home, "previous_home": -1 if previous is None else previous}
        key = layout.member(caller.user)
        now = self._storage.clock.now()
        member = opened.member
        if member:
            change: Operation = Merge(key, cells)
        else:
            member = Member(user=caller.user, role=opened.role, name=caller.name, joined_at=now)
            change = Create(
                key,
                {
                    **cells,
                    "role": opened.role,
                    "name": caller.name,
                    "provider": caller.provider,
                    "joined_ms": milliseconds(now),
                },
            )
        try:
            self._storage.tables.transact(layout.PROJECTS, project_id, [change])
        except Collision:
            self.forget(project_id, caller.user)  # a member since, or no longer: look again
            raise
        moved = member.model_copy(update={"home": home, "previous_home": previous})
        self._cache[project_id, key] = _Cached(moved, now.timestamp())
        return replace(opened, member=moved)

    def note_activity(self, project_id: str) -> None:
        """Let the timer know that this project has open tasks. Each process says so once in five minutes."""
        now = milliseconds(self._storage.clock.now())
        if now - self._noted.get(project_id, 0) < ACTIVITY_NOTE_MS:
            return
        self._put(layout.ACTIVE, project_id, {"active_ms": now})
        self._noted[project_id] = now

    def change(self, project_id: str, change: Callable[[Project], Project]) -> Project:
        """Change a project's record under its ETag; `change` may be called again.

        Raises:
            NotFound: it is gone.
        """

        def once() -> tuple[Project, Project]:
            row = self._storage.tables.get(layout.PROJECTS, project_id, layout.PROJECT)
            if row is None or _project(row).state == "deleted":
                raise NotFound("there is no such project, or you are not a member of it")
            old = _project(row)
            new = change(old)
            if new == old:
                return old, old
            new = new.model_copy(update={"version": old.version + 1})
            self._storage.tables.transact(
                layout.PROJECTS, project_id, [Merge(layout.PROJECT, _cells(new), row.etag)]
            )
            return old, new

        old, new = insist(self._storage, once)
        if new != old:
            self.forget(project_id)
            self._show(new, old)
        return new

    def _show(self, new: Project, old: Project) -> None:
        """Let the list and the watchers follow a change of the record."""
        if new.state == "deleted":
            self._drop(layout.ALL_PROJECTS, new.project_id)
            self._drop(layout.ACTIVE, new.project_id)
        elif new.state != old.state:
            self._put(layout.ALL_PROJECTS, new.project_id, {"state": new.state})
        if (new.incremental_refresh, new.state) != (old.incremental_refresh, old.state):
            self._watch(new)

    def patch(self, project_id: str, change: ProjectChange, *, version: int) -> Project:
        """Change instructions or refreshing.

        Raises:
            PreconditionFailed: somebody changed the project since `version`.
        """

        def patched(old: Project) -> Project:
            _same_version(old, version)
            update: dict[str, object] = {}
            if change.instructions is not None and change.instructions != old.instructions:
                update["instructions"] = change.instructions
                update["instructions_version"] = old.instructions_version + 1
            if change.incremental_refresh is not None:
                update["incremental_refresh"] = change.incremental_refresh
            return old.model_copy(update=update)

        return self.change(project_id, patched)

    def set_running(self, project_id: str, running: bool) -> Project:
        """Pause or resume. Safe to repeat.

        Raises:
            Conflict: it is neither running nor paused yet.
        """

        def switched(old: Project) -> Project:
            if old.state not in ("running", "paused"):
                raise Conflict(f"the project is {old.state}; wait until it is running")
            return old.model_copy(update={"state": "running" if running else "paused"})

        return self.change(project_id, switched)

    def add_classes(self, project_id: str, added: AddClasses) -> Project:
        """Add classes; labels made so far stay as they are.

        Raises:
            Invalid: a class is there already, or an example is no image of the project's source.
        """
        if any(one.examples for one in added.classes):
            self._check_new(self.get(project_id).source, added.classes)

        def grown(old: Project) -> Project:
            return old.model_copy(
                update={
                    "classes": with_added(old.classes, added.classes),
                    "classes_version": old.classes_version + 1,
                }
            )

        return self.change(project_id, grown)

    def change_class(
        self, project_id: str, class_id: str, change: ClassChange, *, version: int
    ) -> Project:
        """Rename, describe or illustrate a class. Labels hold its id, so none is touched.

        Raises:
            NotFound: there is no such class.
            Invalid: another class has this name, or a new example is no image of the project's source.
            PreconditionFailed: somebody changed the classes since `version` (`classes_version`).
        """
        if change.examples:
            project = self.get(project_id)
            mine = (one.examples for one in project.classes if one.class_id == class_id)
            # An example whose blob has gone since does not keep the others from being changed.
            self._check_examples(project.source, change.examples, known=next(mine, []))

        def renamed(old: Project) -> Project:
            if old.classes_version != version:
                raise PreconditionFailed("somebody changed the classes; load them again")
            if class_id not in {one.class_id for one in old.classes}:
                raise NotFound("there is no such class in this project")
            others = [one for one in old.classes if one.class_id != class_id]
            mine = next(one for one in old.classes if one.class_id == class_id)
            new = NewClass(
                name=change.name or mine.name,
                description=mine.description if change.description is None else change.description,
                examples=mine.examples if change.examples is None else change.examples,
            )
            try:
                with_added(others, [new])
            except Invalid as error:
                fault = Fault("/name", "duplicate", "this class exists")
                raise Invalid(error.detail, faults=(fault,)) from None
            update = new.model_dump()
            classes = [
                one.model_copy(update=update) if one.class_id == class_id else one
                for one in old.classes
            ]
            return old.model_copy(
                update={"classes": classes, "classes_version": old.classes_version + 1}
            )

        return self.change(project_id, renamed)

    def _check_new(self, source: Source, classes: Sequence[NewClass]) -> None:
        for index, one in enumerate(classes):
            self._check_examples(source, one.examples, at=f"/classes/{index}")

    def _check_examples(
        self, source: Source, paths: Sequence[str], *, known: Sequence[str] = (), at: str = ""
    ) -> None:
        for index, path in enumerate(paths):
            problem = "" if path in known else self._unfit(source, path)
            if problem:
                detail = f"{path!r} can't be an example: {problem}"
                fault = Fault(f"{at}/examples/{index}", "no-example", detail)
                raise Invalid(detail, faults=(fault,))

    def _unfit(self, source: Source, path: str) -> str:
        """Why labelers could not be shown this image of a source; empty when they can.

        Only what the source means is looked at: an example must not open the rest of its container.
        """
        inside = Pattern.parse(source.pattern).matches(path)
        detour = {".", ".."} & set(path.split("/"))  # an address takes them out: another path
        blobs, container = self._storage.blobs, source.container
        blob = blobs.find(container, path) if inside and not detour else None
        if blob is None:
            return "there is no such image in the project's data source"
        media = media_of(path)
        if media not in SHOWN_BY_BROWSERS:
            return "browsers can't show it; use a JPEG, PNG or BMP image"
        return measure(
            lambda start, length: blobs.read(container, path, start=start, length=length),
            blob.size,
            media,
            blob.etag,
        ).problem

    def classes_of(self, project: Project) -> list[ClassView]:
        """The classes with addresses of their examples, signed without a call."""

        def signed(path: str) -> ClassExample:
            url, until = self._storage.blobs.link(project.source.container, path)
            return ClassExample(path=path, url=url, expire_at=until)

        return [
            ClassView(
                class_id=one.class_id,
                name=one.name,
                description=one.description,
                examples=[signed(path) for path in one.examples],
            )
            for one in project.classes
        ]

    def use_queue(self, project_id: str, kind: str) -> None:
        """Look for items of this kind of queue too, when handing out."""
        self.change(
            project_id,
            lambda old: (
                old
                if kind in old.queues
                else old.model_copy(update={"queues": sorted([*old.queues, kind])})
            ),
        )

    def forget_empty_queues(self, project: Project, counters: Mapping[str, int]) -> None:
        """Stop looking for what is in front where nothing is left: it costs a call a handout.

        What comes into such a queue at this very moment is found all the same, only not first. Other kinds
        cost a call now and then, and may come back: by a release, or when images are measured.
        """
        kept = [
            kind
            for kind in project.queues
            if kind != layout.FRONT or counters.get(f"queue:{kind}", 0) > 0
        ]
        if kept != project.queues:
            self.change(
                project.project_id,
                lambda old: (
                    old
                    if old.version != project.version
                    else old.model_copy(update={"queues": kept})
                ),
            )

    def delete(self, project_id: str) -> None:
        """Take a project out of sight. Its name stays used; images and exports stay where they are.

        The list hides it first: as long as the record is there, this can be asked for again. Upkeep will
        look whether it was finished.
        """
        self.get(project_id)
        self._put(layout.DUE, project_id, {"due_ms": milliseconds(self._storage.clock.now())})
        self._put(layout.ALL_PROJECTS, project_id, {"state": "deleted"})
        self.change(project_id, lambda old: old.model_copy(update={"state": "deleted"}))

    def bury(self, project_id: str) -> None:
        """Finish what a deletion that was cut short has left."""
        row = self._storage.tables.get(layout.PROJECTS, project_id, layout.PROJECT)
        project = _project(row) if row else None
        if project and project.state == "deleted":
            self._show(project, project.model_copy(update={"state": "running"}))

    def list_for(self, caller: Caller) -> list[ProjectLine]:
        """Projects the caller may see, newest first. At most two calls."""
        roles: Mapping[str, Role] = (
            {caller.token_project: caller.token_role}
            if caller.token_role is not None
            else {}
            if caller.site_admin
            else self._access.roles_of(caller.user)
        )
        if not roles and not caller.site_admin:
            return []
        lines = [
            _line(row, "admin" if caller.site_admin else roles[row.key])
            for row in self._storage.rows(
                layout.DIRECTORY, Range(layout.ALL_PROJECTS, "", layout.END)
            )
            if (caller.site_admin or row.key in roles)
            and "name" in row.cells
            and row.text("state") != "deleted"
        ]
        return sorted(lines, key=lambda line: line.created_at, reverse=True)

    def take_snapshot(self, project: Project, counters: Mapping[str, int]) -> None:
        """Keep a project's counts for the list, unless it was deleted meanwhile."""
        cells = _line_cells(project, counters, milliseconds(self._storage.clock.now()))
        try:
            self._storage.tables.transact(
                layout.DIRECTORY, layout.ALL_PROJECTS, [Merge(project.project_id, cells)]
            )
        except Collision:
            return

    def active(self) -> list[Row]:
        """Rows of projects that have, or lately had, open tasks."""
        return list(self._storage.rows(layout.DIRECTORY, Range(layout.ACTIVE, "", layout.END)))

    def rest(self, row: Row) -> None:
        """Forget the activity of a project, unless it was renewed meanwhile."""
        now = milliseconds(self._storage.clock.now())
        if now - row.number("active_ms") < 2 * ACTIVITY_NOTE_MS:
            return
        try:
            self._storage.tables.transact(
                layout.DIRECTORY, layout.ACTIVE, [Delete(row.key, row.etag)]
            )
        except Collision:
            return

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


def view(opened: ProjectAccess) -> ProjectView:
    """A project as somebody with this role sees it: where images are is for reviewers and admins."""
    project = opened.project
    return ProjectView(
        **{
            name: getattr(project, name)
            for name in ProjectView.model_fields
            if name not in ("my_role", "source")
        },
        source=project.source if RANK[opened.role] > RANK["labeler"] else None,
        my_role=opened.role,
    )


def _same_version(project: Project, version: int) -> None:
    if project.version != version:
        raise PreconditionFailed("somebody changed this project; load it again")


def _cells(project: Project) -> dict[str, Value]:
    return {
        "schema": project.schema_version,
        **pack("doc", project.model_dump_json().encode()),
    }


def _project(row: Row) -> Project:
    return Project.model_validate_json(unpack("doc", row.cells))


def _made(row: Row) -> Project | Member | Elsewhere:
    if row.key == layout.PROJECT:
        return _project(row)
    is_member = layout.kind_of(row.key) is layout.Kind.MEMBER
    return member_of(row) if is_member else _elsewhere(row)


def _elsewhere(row: Row) -> Elsewhere:
    shards = tuple(int(one) for one in row.text("shards").split(",") if one)
    gone = bool(row.cells.get("gone", False))
    return Elsewhere(shards, gone, row.number("noted_ms"), row.etag)


def _elsewhere_cells(shards: set[int], noted_ms: int) -> dict[str, Value]:
    return {"shards": ",".join(str(one) for one in sorted(shards)), "noted_ms": noted_ms}


def _line_cells(
    project: Project, counters: Mapping[str, int], counted_ms: int | None
) -> dict[str, str | int | bool]:
    counts = {name: n for name, n in counters.items() if name.startswith("state:")}
    cells: dict[str, str | int | bool] = {
        "name": project.name,
        "task_type": project.task_type,
        "state": project.state,
        "created_ms": milliseconds(project.created_at),
    }
    if counted_ms is not None:
        cells |= {"counts": json.dumps(counts), "counted_ms": counted_ms}
    return cells


def _line(row: Row, role: Role) -> ProjectLine:
    counts: dict[str, int] = json.loads(row.text("counts", "{}"))
    counted = row.number("counted_ms")
    return ProjectLine(
        project_id=row.key,
        name=row.text("name"),
        task_type=cast(TaskType, row.text("task_type")),
        state=cast(ProjectState, row.text("state")),
        my_role=role,
        total=sum(counts.values()),
        labeled=counts.get("state:labeled", 0),
        waiting=counts.get("state:available", 0) + counts.get("state:leased", 0),
        created_at=from_milliseconds(row.number("created_ms")),
        counted_at=from_milliseconds(counted) if counted else None,
    )
