"""Exports: all of a project's labels of one moment, as files behind a signed link."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Annotated

from pydantic import AfterValidator, Field

from labeling import layout
from labeling.annotations.shapes import TaskType
from labeling.documents import Documents
from labeling.errors import Conflict, Fault, Invalid, NotFound
from labeling.exchange.choice import check
from labeling.exchange.difference import Comparison, difference
from labeling.exchange.files import Export, ExportFiles
from labeling.exchange.formats import FORMATS
from labeling.exchange.formats.format import (
    ALWAYS,
    Feature,
    OptionName,
    Options,
)
from labeling.exchange.snapshots import Snapshots
from labeling.ingest.refresh import Ingest
from labeling.model import Id, Model, UtcTime, digest_id, new_id
from labeling.names import NameOrNone
from labeling.projects.projects import ProjectAccess, Projects
from labeling.projects.record import Project
from labeling.storage import Collision, Delete, Storage

DROP_AGAIN_S = 30
"""Until the row of an export that is being deleted is gone for sure."""

TURN_S = 300
"""Seconds that one message gathers for: well below the time a function may run."""


class FormatView(Model):
    """A format that labels can be exported in, imported from, or both.

    `files` are what it makes, the labels themselves first. `loses` is what it can't say: that is written
    the nearest way, or not at all, and counted in the manifest. One without the option `images` is made of
    images: they are always copied. `samples`: Python that loads the files, for each type of project, run
    where the folder of the export was put.
    """

    name: str
    title: str
    writes: bool
    reads: bool
    files: list[str]
    task_types: list[TaskType]
    loses: list[Feature]
    options: list[OptionName]
    samples: dict[TaskType, str]


class FormatList(Model):
    """The formats there are."""

    items: list[FormatView]


def formats() -> FormatList:
    """The formats there are; the one that exports are made in when nothing is said comes first."""
    return FormatList(
        items=[
            FormatView(
                name=format_.name,
                title=format_.title,
                writes=format_.open is not None,
                reads=format_.read is not None,
                files=[file.name for file in format_.files],
                task_types=list(format_.task_types),
                loses=list(format_.loses),
                samples=dict(format_.samples),
                options=[
                    *format_.options,
                    *(option for option in ALWAYS if format_.images or option != "images"),
                ],
            )
            for format_ in FORMATS.values()
        ]
    )


def _known(name: str) -> str:
    written = [format_.name for format_ in FORMATS.values() if format_.open]
    if name not in written:
        raise ValueError(f"there is no format {name!r}; there are {', '.join(written)}")
    return name


class NewExport(Model):
    """Ask for an export. `as_of`: the moment it shows; now when left out.

    One with a `name` is a version: what it was made from is kept. `version` is the id of such a one, whose
    labels are exported again, byte for byte where format and options are the same.
    """

    format: Annotated[
        str, AfterValidator(_known), Field(description="name of one of `GET /formats`")
    ] = next(iter(FORMATS))
    as_of: UtcTime | None = None
    options: Options = Options()
    name: NameOrNone = ""
    version: Id | None = None


class ExportList(Model):
    """Exports of a project, newest first."""

    items: list[Export]
    next_cursor: str | None = None


class ExportLink(Model):
    """A freshly signed address of a file of an export."""

    name: str
    url: str
    expire_at: UtcTime


class LinkRequest(Model):
    """Which file of an export; the labels themselves when left out."""

    name: Annotated[str, Field(max_length=200)] | None = None


class MakeExport(Model):
    """Make the files of an export; or, where there is an `older_id`, compare it with that."""

    project_id: str
    export_id: str
    older_id: str = ""


class Exports:
    """Exports of projects."""

    def __init__(
        self,
        storage: Storage,
        projects: Projects,
        ingest: Ingest,
        finished: Callable[[str, Export], None] = lambda project_id, export: None,
    ) -> None:
        """`finished` is told of each export that is done or failed, perhaps more than once."""
        self._storage = storage
        self._projects = projects
        self._snapshots = Snapshots(storage, projects, ingest)
        self._files = ExportFiles(storage, self._snapshots)
        self._finished = finished
        self._documents = Documents(
            storage, layout.PROJECTS, Export, absent="there is no such export in this project"
        )

    def create(
        self,
        opened: ProjectAccess,
        new: NewExport,
        *,
        by: str,
        by_name: str = "",
        idempotency_key: str | None,
    ) -> Export:
        """Start an export. The same idempotency key of the same person gives the same export.

        Raises:
            Invalid: `as_of` lies in the future, the format is not for what the project labels or can't tell
                who said what, an option names a class that is not there, or there is no such version.
        """
        now = self._storage.clock.now()
        if new.as_of and new.as_of > now:
            raise Invalid("as_of lies in the future; leave it out for now")
        project_id = opened.project.project_id
        if opened.project.task_type not in FORMATS[new.format].task_types:
            detail = f"{new.format} is not for {opened.project.task_type}; choose another format"
            raise Invalid(detail, faults=(Fault("/format", "unfit", detail),))
        if new.options.labelings == "each" and "labelings" not in FORMATS[new.format].options:
            able = ", ".join(
                format_.name for format_ in FORMATS.values() if "labelings" in format_.options
            )
            detail = f"{new.format} can't tell who said what; choose one of {able}"
            raise Invalid(detail, faults=(Fault("/options/labelings", "unfit", detail),))
        check(new.options, opened.project.classes)
        as_of = new.as_of or now
        if new.version:
            as_of = self._version(project_id, new.version).as_of
            if new.as_of not in (None, as_of):
                raise Invalid("a version is of its own moment; leave as_of out")
        export_id = (
            f"e-{digest_id('export', project_id, by, idempotency_key, length=16)}"
            if idempotency_key
            else new_id("e")
        )
        path = opened.project.source.shown(new.options.path)
        options = new.options.model_copy(update={"path": path})
        export = Export(
            export_id=export_id,
            format=new.format,
            options=FORMATS[new.format].chosen(options),
            as_of=as_of,
            name=new.name,
            version=new.version,
            created_at=now,
            created_by=by,
            created_by_name=by_name,
        )
        try:
            self._documents.create(project_id, layout.export(export_id), export)
        except Collision:
            export = self.get(project_id, export_id)
        if export.state == "waiting":
            self._storage.queues.send(
                layout.EXPORT_QUEUE, MakeExport(project_id=project_id, export_id=export_id)
            )
        return export

    def get(self, project_id: str, export_id: str) -> Export:
        """An export. While it is made, `items` counts those that were gathered.

        Raises:
            NotFound: there is none.
        """
        return self._so_far(project_id, self._documents.need(project_id, layout.export(export_id)))

    def _version(self, project_id: str, export_id: str) -> Export:
        """A version that is done.

        Raises:
            Invalid: there is none.
        """
        found = self._documents.get(project_id, layout.export(export_id))
        if found is None or not found.name or found.version or found.state != "done":
            detail = f"there is no version {export_id!r}; export one with a name first"
            raise Invalid(detail, faults=(Fault("/version", "unknown_version", detail),))
        return found

    def compare(self, project_id: str, older: str, newer: str) -> Comparison:
        """Have two versions compared. Safe to repeat: one that is done stays, one that failed is tried again.

        Raises:
            Invalid: one of them is no version.
        """
        for version in (older, newer):
            self._version(project_id, version)
        known = self._compared(project_id, older, newer)
        if known and known.state == "done":
            return known
        waiting = self._note(project_id, older, newer, Comparison())
        self._storage.queues.send(
            layout.EXPORT_QUEUE,
            MakeExport(project_id=project_id, export_id=newer, older_id=older),
        )
        return waiting

    def comparison(self, project_id: str, older: str, newer: str) -> Comparison:
        """What came of comparing two versions so far.

        Raises:
            NotFound: nobody has asked for that.
        """
        known = self._compared(project_id, older, newer)
        if known is None:
            raise NotFound("these two were not compared; ask for that first")
        return known

    def _compared(self, project_id: str, older: str, newer: str) -> Comparison | None:
        blob = layout.export_blob(project_id, newer, _compared_with(older))
        try:
            return Comparison.model_validate_json(self._storage.blobs.read(layout.EXPORTS, blob))
        except NotFound:
            return None

    def _note(self, project_id: str, older: str, newer: str, said: Comparison) -> Comparison:
        blob = layout.export_blob(project_id, newer, _compared_with(older))
        data = said.model_dump_json().encode()
        self._storage.blobs.write(layout.EXPORTS, blob, data, content_type="application/json")
        return said

    def _so_far(self, project_id: str, export: Export) -> Export:
        if export.state != "waiting":
            return export
        gathered = self._snapshots.items(project_id, export.snapshot_id)
        return export.model_copy(update={"items": gathered})

    def all(self, project_id: str) -> ExportList:
        """Exports of a project, newest first."""
        kept = self._documents.all(project_id, layout.export(""))
        found = [self._so_far(project_id, export) for export in kept]
        return ExportList(items=sorted(found, key=lambda export: export.created_at, reverse=True))

    def delete(self, project_id: str, export_id: str) -> None:
        """Remove an export and its files.

        Raises:
            NotFound: there is none.
        """
        self.get(project_id, export_id)
        self._drop_files(project_id, export_id, delay_s=DROP_AGAIN_S)
        try:
            self._documents.write(project_id, [Delete(layout.export(export_id))])
        except Collision:
            raise NotFound("there is no such export in this project") from None
        # Once more, for one that was done in between.
        self._drop_files(project_id, export_id)

    def _drop_files(self, project_id: str, export_id: str, *, delay_s: int = 0) -> None:
        """Remove the files of an export whose row is gone, or will be in so many seconds.

        Of many, the rest is removed by a message.
        """
        self._snapshots.drop(project_id, export_id)
        if not self._files.drop(project_id, export_id):
            message = MakeExport(project_id=project_id, export_id=export_id)
            self._storage.queues.send(layout.EXPORT_QUEUE, message, delay_s=delay_s)

    def link(self, project: Project, export_id: str, request: LinkRequest) -> ExportLink:
        """Sign the address of a file anew.

        Raises:
            NotFound: there is no such export, or no such file in it.
            Conflict: it is not done yet.
        """
        export = self.get(project.project_id, export_id)
        if export.state != "done":
            raise Conflict(f"the export is {export.state}: {export.problem or 'wait a moment'}")
        name = request.name if request.name is not None else export.files[0].name
        if name not in {file.name for file in export.files}:
            raise NotFound(f"this export has no file {name!r}")
        safe = "".join(c if c.isalnum() else "-" for c in project.name.lower()).strip("-")
        url, until = self._storage.blobs.link(
            layout.EXPORTS,
            layout.export_blob(project.project_id, export_id, name),
            download_as=f"{safe or 'labelry'}-{name.replace('/', '-')}",
        )
        return ExportLink(name=name, url=url, expire_at=until)

    def on_make(self, message: MakeExport) -> None:
        """Make the files of an export. Safe to repeat: the same moment gives the same files.

        What takes longer than a turn goes on with another message, and what is killed behind the last part that
        was gathered, or written.
        """
        project = self._projects.find(message.project_id)
        if project is None:
            return
        if message.older_id:
            return self._compare(message.project_id, message.older_id, message.export_id)
        export = self._documents.get(message.project_id, layout.export(message.export_id))
        if export is None:  # deleted before it was made
            return self._drop_files(message.project_id, message.export_id)
        if export.state != "waiting":
            self._let_go(message.project_id, export)
            self._finished(message.project_id, export)  # the last try may have ended before it did
            return
        done = export
        try:
            until = self._storage.clock.now() + timedelta(seconds=TURN_S)
            if not export.version and not self._snapshots.gather(
                project, export.export_id, export.as_of, until=until
            ):
                self._storage.queues.send(layout.EXPORT_QUEUE, message)
                return
            written = self._files.write(message.project_id, export, until=until)
            if written is None:
                self._storage.queues.send(layout.EXPORT_QUEUE, message)
                return
            done = written
            self._change(message, lambda _: done)
        except NotFound:
            known = self._documents.get(message.project_id, layout.export(message.export_id))
            if known is None:  # deleted while it was made
                self._drop_files(message.project_id, message.export_id)
            elif known.state == "waiting":
                raise
            # Else another process made it. What this one gathered since is nobody's.
            self._let_go(message.project_id, export)
            return
        self._let_go(message.project_id, done)
        self._finished(message.project_id, done)

    def _compare(self, project_id: str, older: str, newer: str) -> None:
        known = self._compared(project_id, older, newer)
        if known is None or known.state == "done":
            return
        try:
            found = difference(
                self._snapshots.labels(project_id, older), self._snapshots.labels(project_id, newer)
            )
            said = Comparison(state="done", difference=found)
        except NotFound:
            said = Comparison(state="failed", problem="one of the versions was deleted")
        self._note(project_id, older, newer, said)
        if self._documents.get(project_id, layout.export(newer)) is None:  # deleted meanwhile
            blob = layout.export_blob(project_id, newer, _compared_with(older))
            self._storage.blobs.delete(layout.EXPORTS, blob)

    def _let_go(self, project_id: str, export: Export) -> None:
        """Drop what an export was made from, unless it is a version."""
        self._files.drop_pieces(project_id, export.export_id)
        if not export.name:
            self._snapshots.drop(project_id, export.export_id)

    def fail(self, message: MakeExport, problem: str) -> None:
        """Note that an export can't be made, or not be compared.

        Raises:
            NotFound: there is none any more.
        """
        if message.older_id:
            said = Comparison(state="failed", problem=problem)
            self._note(message.project_id, message.older_id, message.export_id, said)
            return
        update = {"state": "failed", "problem": problem, "finished_at": self._storage.clock.now()}
        failed = self._change(
            message,
            lambda export: (
                export.model_copy(update=update) if export.state == "waiting" else export
            ),
        )
        self._files.drop_pieces(message.project_id, message.export_id)
        self._snapshots.drop(message.project_id, message.export_id)
        self._finished(message.project_id, failed)

    def _change(self, message: MakeExport, change: Callable[[Export], Export]) -> Export:
        place = layout.export(message.export_id)
        return self._documents.change(message.project_id, place, change)


_COMPARED = "difference/"


def _compared_with(older: str) -> str:
    """The file of a version that has what it has otherwise than an older one."""
    return f"{_COMPARED}{older}.json"
