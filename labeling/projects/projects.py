"""Projects: one labeling job over one dataset. What is kept of one, and what may become of it: `record`."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import cast

from labeling import layout
from labeling.annotations.classes import with_added
from labeling.errors import Conflict, Invalid, NotFound
from labeling.items.items import Items
from labeling.model import digest_id, milliseconds, new_id
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
from labeling.projects.datasets import Source
from labeling.projects.directory import Directory, line
from labeling.projects.examples import check_example_paths, check_examples, with_meant
from labeling.projects.record import (
    NO_PROJECT,
    AddClasses,
    ClassChange,
    NewProject,
    Project,
    ProjectChange,
    ProjectLine,
    ProjectRecords,
    ProjectView,
    of_classes,
    patched,
    switched,
    undeleted,
    with_changed_class,
    with_classes,
    with_merged_class,
    with_queue,
)
from labeling.quality.honeypots import Standing
from labeling.settings import Settings
from labeling.storage import (
    Collision,
    Create,
    Merge,
    Operation,
    Row,
    Storage,
    Value,
    check_transaction,
    insist,
)

NOTED_MS = 60 * 1000
"""A note of something about to be in a shard is kept this long: longer than a request lasts."""


@dataclass(frozen=True)
class Whereabouts:
    """The shard somebody draws from, and where else something of theirs may be.

    It grants nothing: who is no member, a site admin or a token, has one too. `previous` is the shard they
    drew from before. `gone`: they left the project, so that nothing is to be returned to them. `standing`:
    what became of them for how they answer honeypots, by what they answered after `judged_ms`. `kept`: there
    is a row of it; one this process has just made is there, and its ETag is not known.
    """

    home: int | None = None
    previous: int | None = None
    shards: tuple[int, ...] = ()
    gone: bool = False
    standing: Standing = ""
    judged_ms: int = 0
    noted_ms: int = 0
    kept: bool = False
    etag: str = ""


@dataclass(frozen=True)
class ProjectAccess:
    """A project somebody may work in, their role, and their place in it."""

    project: Project
    role: Role
    member: Member | None
    whereabouts: Whereabouts
    items: Items

    @property
    def project_id(self) -> str:
        """The id of the project."""
        return self.project.project_id

    @property
    def audiences(self) -> tuple[str, ...]:
        """Whom the images wait for that they are given, in this order: who has a tag of theirs, everybody."""
        return self.items.audiences.joined_by(self.member.tags if self.member else ())

    def homes(self, user: str) -> tuple[int, int | None]:
        """The shard they draw from, and the one where open tasks of theirs may still be."""
        known = self.whereabouts
        if known.home is not None:
            return known.home, known.previous
        return layout.shard_of(user, self.project.shards), None


@dataclass(frozen=True)
class _Cached:
    """A row as it was read, made sense of once."""

    value: Project | Member | Whereabouts | None
    read_at: float


class Projects:
    """Projects and who may do what in them."""

    def __init__(self, storage: Storage, settings: Settings, access: Access) -> None:
        self._storage = storage
        self._settings = settings
        self._access = access
        self._records = ProjectRecords(storage)
        self.directory = Directory(storage, settings)
        self._cache: dict[tuple[str, str], _Cached] = {}

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
        self._require_click_model(new.assist.clicks)
        digest = hashlib.sha256(new.model_dump_json().encode()).hexdigest()
        project = self._records.get(project_id, layout.PROJECT)
        if project:
            if project.request_digest != digest:
                raise Invalid("this Idempotency-Key was used for another project; use a new one")
            if project.state == "deleted":
                raise Conflict("the project made with this Idempotency-Key was deleted")
        else:
            meant = with_meant(source, new.classes)
            check_examples(self._storage.blobs, source, meant)
            classes = with_added([], meant)
            project = Project(
                project_id=project_id,
                name=new.name,
                task_type=new.task_type,
                dataset_id=new.dataset_id,
                source=source,
                classes=classes,
                instructions=new.instructions,
                incremental_refresh=new.incremental_refresh,
                assist=new.assist,
                overlap=new.overlap,
                honeypots=new.honeypots,
                assignments=of_classes(new.assignments, classes),
                twins=new.twins,
                team=new.team,
                topics=new.topics,
                seed=secrets.token_hex(16),
                created_at=self._storage.clock.now(),
                created_by=by.user,
                request_digest=digest,
            )
            made = self._records.operation(layout.PROJECT, project, None)
            check_transaction(project_id, [made])  # what can't be kept uses up no name
            self.directory.reserve_name(project)
            try:
                self._records.write(project_id, [made])
            except Collision:
                return self.create(new, source, by=by, idempotency_key=idempotency_key)
        self._access.put_member(project_id, by.user, "admin", name=by.name, provider=by.provider)
        self.directory.show(project)
        self.directory.watch(project)
        return project

    def get(self, project_id: str) -> Project:
        """A project as it is now, whoever asks.

        Raises:
            NotFound: there is no such project, or it was deleted.
        """
        project = self.find(project_id)
        if project is None:
            raise NotFound(NO_PROJECT)
        return project

    def find(self, project_id: str) -> Project | None:
        """A project as it is now; None when there is none or it was deleted."""
        project = self._records.get(project_id, layout.PROJECT)
        return None if project is None or project.state == "deleted" else project

    def open(self, project_id: str, caller: Caller, least: Role, doing: str) -> ProjectAccess:
        """A project the caller may do something in. Rows are believed for up to 5 s.

        Raises:
            NotFound: no such project, or the caller is not a member.
            Forbidden: the caller's role is too small.
        """
        project, member, elsewhere = self._rows(project_id, caller.user)
        if project is None:
            raise NotFound(NO_PROJECT)
        role = self._role(project_id, caller, member)
        if project.state == "deleted":
            raise NotFound(NO_PROJECT)
        require(role, least, doing)
        assert role is not None
        return ProjectAccess(project, role, member, elsewhere, self.items(project))

    def whole(self, project: Project) -> ProjectAccess:
        """A project for what is done in it on behalf of nobody in particular, such as a queue's message."""
        return ProjectAccess(project, "admin", None, Whereabouts(), self.items(project))

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
            lanes=project.lanes,
            merged=project.merged,
            audiences=project.audiences,
        )

    def _rows(
        self, project_id: str, user: str
    ) -> tuple[Project | None, Member | None, Whereabouts]:
        keys = [
            (project_id, layout.PROJECT),
            (project_id, layout.member(user)),
            (project_id, layout.elsewhere(user)),
        ]
        now = self._storage.clock.now().timestamp()
        held = [self._cache.get(key) for key in keys]
        stale = [
            key
            for key, cached in zip(keys, held, strict=True)
            if cached is None or now - cached.read_at > self._settings.cache_seconds
        ]
        fresh = dict(zip(keys, held, strict=True))
        if stale:
            if len(self._cache) > 10_000:
                self._cache.clear()
            for key, row in zip(
                stale, self._storage.tables.get_many(layout.PROJECTS, stale), strict=True
            ):
                made = self._made(row) if row else None
                fresh[key] = self._cache[key] = _Cached(made, now)
        project, member, elsewhere = (one.value if (one := fresh[key]) else None for key in keys)
        return (
            project if isinstance(project, Project) else None,
            member if isinstance(member, Member) else None,
            elsewhere if isinstance(elsewhere, Whereabouts) else Whereabouts(),
        )

    def forget(self, project_id: str, user: str = "") -> None:
        """Read a project's row (and one member's) anew next time."""
        self._cache.pop((project_id, layout.PROJECT), None)
        self._cache.pop((project_id, layout.member(user)), None)
        self._cache.pop((project_id, layout.elsewhere(user)), None)

    def note_elsewhere(self, project_id: str, user: str, shard: int) -> bool:
        """Note, before it is so, that something of a labeler's is in a shard. False: they are gone."""
        key = layout.elsewhere(user)

        def noted() -> bool:
            row = self._storage.tables.get(layout.PROJECTS, project_id, key)
            known = _whereabouts(row) if row else Whereabouts()
            if known.gone:
                return False
            cells = _elsewhere_cells({*known.shards, shard}, self._now())
            change = Merge(key, cells, row.etag) if row else Create(key, cells)
            self._storage.tables.transact(layout.PROJECTS, project_id, [change])
            self.forget(project_id, user)
            return True

        return insist(self._storage, noted)

    def note_standing(
        self, project_id: str, user: str, standing: Standing, judged_ms: int | None = None
    ) -> None:
        """Note what becomes of somebody for how they answer honeypots.

        `judged_ms`: from now on by what they answer after that moment.
        """
        key = layout.elsewhere(user)
        cells: dict[str, Value] = {"standing": standing}
        if judged_ms is not None:
            cells["judged_ms"] = judged_ms

        def noted() -> None:
            row = self._storage.tables.get(layout.PROJECTS, project_id, key)
            change = (
                Merge(key, cells, row.etag)
                if row
                else Create(key, {**_elsewhere_cells((), 0), **cells})
            )
            self._storage.tables.transact(layout.PROJECTS, project_id, [change])

        insist(self._storage, noted)
        self.forget(project_id, user)

    def standings(self, project_id: str, users: Sequence[str]) -> dict[str, Standing]:
        """What became of people for how they answer honeypots, in one round trip."""
        places = [(project_id, layout.elsewhere(user)) for user in users]
        rows = self._storage.tables.get_many(layout.PROJECTS, places) if places else []
        return {
            user: _whereabouts(row).standing if row else ""
            for user, row in zip(users, rows, strict=True)
        }

    def nothing_elsewhere(
        self, opened: ProjectAccess, caller: Caller, shards: Sequence[int]
    ) -> None:
        """Forget shards where nothing of a labeler's was found, unless something is about to be there."""
        known = opened.whereabouts
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

    def free_from_the_gone(self, project: Project, users: Iterable[str]) -> None:
        """Let anybody have what is reserved for those of these who are gone.

        Who sends an item back may have seen its labeler as a member before they left, and write after that.
        """
        waiting = sorted(set(users))
        places = [(project.project_id, layout.elsewhere(user)) for user in waiting]
        rows = self._storage.tables.get_many(layout.PROJECTS, places) if places else []
        for user, row in zip(waiting, rows, strict=True):
            if row and _whereabouts(row).gone:
                self._give_everyone(project, user)

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
        """Note the shard a labeler draws from, and where open tasks of theirs may still be.

        Raises:
            Collision: no longer a member, or noted for the first time by another; they must look again.
        """
        project_id, known = opened.project.project_id, opened.whereabouts
        key, cells = layout.elsewhere(caller.user), _home_cells(home, previous)
        changes: list[Operation] = [
            Merge(key, cells)
            if known.kept
            else Create(key, {**_elsewhere_cells(known.shards, known.noted_ms), **cells})
        ]
        if opened.member:
            changes.append(Merge(layout.member(caller.user), {}))  # that they are one still
        try:
            self._storage.tables.transact(layout.PROJECTS, project_id, changes)
        except Collision:
            self.forget(project_id, caller.user)
            raise
        moved = replace(known, home=home, previous=previous, kept=True)
        self._cache[project_id, key] = _Cached(moved, self._storage.clock.now().timestamp())
        return replace(opened, whereabouts=moved)

    def note_activity(self, project_id: str, *, labeling: bool) -> None:
        """Let the timer know that this project is to be looked after, and ingestion that somebody labels."""
        self.directory.note_activity(project_id, labeling=labeling)

    def change(self, project_id: str, change: Callable[[Project], Project]) -> Project:
        """Change a project's record under its ETag; `change` may be called again.

        Raises:
            NotFound: it is gone.
        """

        def changed(old: Project) -> Project:
            if old.state == "deleted":
                raise NotFound(NO_PROJECT)
            new = change(old)
            return old if new == old else new.model_copy(update={"version": old.version + 1})

        old, new = self._records.step(project_id, layout.PROJECT, changed)
        if new != old:
            self.forget(project_id)
            self.directory.follow(old, new)
        return new

    def patch(self, project_id: str, change: ProjectChange, *, version: int) -> Project:
        """Change settings of a project.

        Raises:
            PreconditionFailed: somebody changed the project since `version`.
            Invalid: assist is not for this type of project, or no model is there for clicks.
        """
        self._require_click_model(change.assist is not None and bool(change.assist.clicks))
        return self.change(project_id, lambda old: patched(old, change, version=version))

    def _require_click_model(self, wanted: bool) -> None:
        if wanted and not self._settings.click_model:
            raise Invalid(
                "this deployment has no model that outlines what is clicked at: its operator names one by "
                "LABELRY_CLICK_MODEL"
            )

    def set_running(self, project_id: str, running: bool) -> Project:
        """Pause or resume. Safe to repeat.

        Raises:
            Conflict: it is neither running nor paused yet.
        """
        return self.change(project_id, lambda old: switched(old, running=running))

    def add_classes(self, project_id: str, added: AddClasses, *, by: str) -> Project:
        """Add classes. Where labeling starts over, the project waits for `starting_over.py` from now on.

        Raises:
            Invalid: a class is there already, or an example is no image of the project's source.
            Conflict: labeling can't start over, since the project is neither running nor paused.
        """
        if any(class_.examples for class_ in added.classes):
            source = self.get(project_id).source
            added = added.model_copy(update={"classes": with_meant(source, added.classes)})
            check_examples(self._storage.blobs, source, added.classes)
        return self.change(project_id, lambda old: with_classes(old, added, by=by))

    def change_class(
        self, project_id: str, class_id: str, change: ClassChange, *, version: int
    ) -> Project:
        """Change a class, or retire it. Labels hold its id, so none is touched.

        Raises:
            NotFound: there is no such class.
            Invalid: another class has this name, or a new example is no image of the project's source.
            PreconditionFailed: somebody changed the classes since `version` (`classes_version`).
        """
        if change.examples:
            project = self.get(project_id)
            meant = [project.source.meant(path) for path in change.examples]
            change = change.model_copy(update={"examples": meant})
            known = {
                path
                for class_ in project.classes
                if class_.class_id == class_id
                for path in class_.examples
            }
            check_example_paths(self._storage.blobs, project.source, meant, known=known)
        return self.change(
            project_id,
            lambda old: with_changed_class(old, class_id, change, version=version),
        )

    def merge_class(self, project_id: str, class_id: str, into: str, *, version: int) -> Project:
        """Let a class be another from now on. Labels follow by a sweep (`sweeps.py`). Safe to repeat.

        Raises:
            NotFound: there is no such class.
            Invalid: it can't become that one.
            PreconditionFailed: somebody changed the classes since `version` (`classes_version`).
        """
        return self.change(
            project_id, lambda old: with_merged_class(old, class_id, into, version=version)
        )

    def use_queue(self, project_id: str, kind: str) -> None:
        """Look for items of this kind of queue too, when handing out."""
        self.change(project_id, lambda old: with_queue(old, kind))

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
        """Take a project out of sight. Its name stays used; labels, images and exports stay where they are.

        The list hides it first: as long as the record is there, this can be asked for again. Upkeep will
        look whether it was finished.
        """
        self.directory.hide(self.get(project_id))
        self.change(project_id, lambda old: old.model_copy(update={"state": "deleted"}))

    def restore(self, project_id: str) -> Project:
        """Bring a deleted project back as it was: paused, or `updating` where that was cut short.

        Its images have to be looked for again. Safe to repeat.

        Raises:
            NotFound: no such project was deleted.
        """
        if all(project.project_id != project_id for project in self.directory.deleted()):
            raise NotFound("no such project was deleted, or it was brought back already")
        _, project = self._records.step(project_id, layout.PROJECT, undeleted)
        self.forget(project_id)
        counters = self.items(project).counters() if project.shards else {}
        self.directory.bring_back(project, counters)
        return project

    def bury(self, project_id: str) -> None:
        """Finish what a deletion that was cut short has left."""
        project = self._records.get(project_id, layout.PROJECT)
        if project and project.state == "deleted":
            self.directory.follow(project.model_copy(update={"state": "running"}), project)

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
            line(
                row,
                caller.user,
                "admin" if caller.site_admin else roles[project_id],
                self._storage.blobs,
            )
            for project_id, row in self.directory.lines()
            if caller.site_admin or project_id in roles
        ]
        return sorted(lines, key=lambda one: one.created_at, reverse=True)

    def _made(self, row: Row) -> Project | Member | Whereabouts:
        if row.key == layout.PROJECT:
            return self._records.of(row)
        is_member = layout.kind_of(row.key) is layout.Kind.MEMBER
        return member_of(row) if is_member else _whereabouts(row)


def view(opened: ProjectAccess) -> ProjectView:
    """A project as somebody with this role sees it.

    Where images are is for reviewers and admins, which are honeypots or somebody's alone is for admins.
    """
    project = opened.project
    return ProjectView(
        **{
            name: getattr(project, name)
            for name in ProjectView.model_fields
            if name not in ("my_role", "source", "honeypots", "assignments")
        },
        honeypots=project.honeypots if opened.role == "admin" else None,
        assignments=project.assignments if opened.role == "admin" else None,
        source=project.source if RANK[opened.role] > RANK["labeler"] else None,
        my_role=opened.role,
    )


def _whereabouts(row: Row) -> Whereabouts:
    home, previous = row.number("home", -1), row.number("previous", -1)
    return Whereabouts(
        home=home if home >= 0 else None,
        previous=previous if previous >= 0 else None,
        shards=tuple(int(shard) for shard in row.text("shards").split(",") if shard),
        gone=bool(row.cells.get("gone", False)),
        standing=cast(Standing, row.text("standing")),
        judged_ms=row.number("judged_ms"),
        noted_ms=row.number("noted_ms"),
        kept=True,
        etag=row.etag,
    )


def _elsewhere_cells(shards: Iterable[int], noted_ms: int) -> dict[str, Value]:
    return {"shards": ",".join(str(shard) for shard in sorted(shards)), "noted_ms": noted_ms}


def _home_cells(home: int, previous: int | None) -> dict[str, Value]:
    return {"home": home, "previous": -1 if previous is None else previous}
