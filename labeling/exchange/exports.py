"""Exports: all of a project's labels of one moment, as files behind a signed link."""

from __future__ import annotations

import hashlib
import json
import shutil
import tempfile
from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path, PurePosixPath
from typing import IO, Annotated, Any, Literal

from pydantic import AfterValidator, Field, StringConstraints

from labeling import layout
from labeling.annotations.shapes import TaskType
from labeling.documents import Documents
from labeling.errors import Conflict, Fault, Invalid, NotFound
from labeling.exchange.choice import Choice, check
from labeling.exchange.difference import Difference, difference
from labeling.exchange.formats import FORMATS
from labeling.exchange.formats.format import (
    ALWAYS,
    Feature,
    File,
    Format,
    OptionName,
    Options,
    Subject,
    Writer,
    features,
    of_first_frame,
)
from labeling.exchange.image_list import IMAGES, ImageList
from labeling.exchange.snapshots import About, Snapshots
from labeling.ingest.refresh import Ingest
from labeling.model import Id, Model, UtcTime, digest_id, new_id
from labeling.names import MAX_NAME
from labeling.projects.projects import ProjectAccess, Projects
from labeling.projects.record import Project
from labeling.storage import Collision, Delete, Storage

MANIFEST = File("manifest.json", "application/json")

TURN_S = 300
"""Seconds that one message gathers for: well below the time a function may run."""


class FormatView(Model):
    """A format that labels can be exported in, imported from, or both.

    `files` are what it makes, the labels themselves first. `loses` is what it can't say: that is written
    the nearest way, or not at all, and counted in the manifest.
    """

    name: str
    title: str
    writes: bool
    reads: bool
    files: list[str]
    task_types: list[TaskType]
    loses: list[Feature]
    options: list[OptionName]


class FormatList(Model):
    """The formats there are."""

    items: list[FormatView]


def formats() -> FormatList:
    """The formats there are; the one that exports are made in when nothing is said comes first."""
    return FormatList(
        items=[
            FormatView(
                name=one.name,
                title=one.title,
                writes=one.open is not None,
                reads=one.read is not None,
                files=[file.name for file in one.files],
                task_types=list(one.task_types),
                loses=list(one.loses),
                options=[*one.options, *ALWAYS],
            )
            for one in FORMATS.values()
        ]
    )


def _known(name: str) -> str:
    written = [one.name for one in FORMATS.values() if one.open]
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
    name: Annotated[str, StringConstraints(strip_whitespace=True, max_length=MAX_NAME)] = ""
    version: Id | None = None


class ExportFile(Model):
    """A file of an export."""

    name: str
    size: int
    sha256: str


class Export(Model):
    """An export, being made or done."""

    schema_version: int = 1
    export_id: str
    format: str
    options: Options = Options()
    as_of: UtcTime
    name: str = ""
    version: str | None = None
    state: Literal["waiting", "done", "failed"] = "waiting"
    problem: str = ""
    created_at: UtcTime
    created_by: str
    created_by_name: str = ""
    finished_at: UtcTime | None = None
    items: int = 0
    exported: int = 0
    omitted: dict[str, int] = {}
    annotations: int = 0
    lost: dict[Feature, int] = {}
    files: list[ExportFile] = []

    @property
    def snapshot_id(self) -> str:
        """What it is made from."""
        return self.version or self.export_id


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
    """Make the files of an export."""

    project_id: str
    export_id: str


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
            Invalid: `as_of` lies in the future, the format is not for what the project labels, an option
                names a class that is not there, or there is no such version.
        """
        now = self._storage.clock.now()
        if new.as_of and new.as_of > now:
            raise Invalid("as_of lies in the future; leave it out for now")
        project_id = opened.project.project_id
        if opened.project.task_type not in FORMATS[new.format].task_types:
            detail = f"{new.format} is not for {opened.project.task_type}; choose another format"
            raise Invalid(detail, faults=(Fault("/format", "unfit", detail),))
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
        export = Export(
            export_id=export_id,
            format=new.format,
            options=new.options,
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

    def difference(self, project_id: str, older: str, newer: str) -> Difference:
        """What one version has otherwise than another.

        Raises:
            Invalid: one of them is no version.
        """
        for one in (older, newer):
            self._version(project_id, one)
        return difference(
            self._snapshots.labels(project_id, older), self._snapshots.labels(project_id, newer)
        )

    def _so_far(self, project_id: str, export: Export) -> Export:
        if export.state != "waiting":
            return export
        gathered = self._snapshots.items(project_id, export.snapshot_id)
        return export.model_copy(update={"items": gathered})

    def all(self, project_id: str) -> ExportList:
        """Exports of a project, newest first."""
        kept = self._documents.all(project_id, layout.export(""))
        found = [self._so_far(project_id, one) for one in kept]
        return ExportList(items=sorted(found, key=lambda one: one.created_at, reverse=True))

    def delete(self, project_id: str, export_id: str) -> None:
        """Remove an export and its files.

        Raises:
            NotFound: there is none.
        """
        export = self.get(project_id, export_id)
        self._drop_files(project_id, export)
        try:
            self._documents.write(project_id, [Delete(layout.export(export_id))])
        except Collision:
            raise NotFound("there is no such export in this project") from None
        # Once more, for one that was done in between.
        self._drop_files(project_id, export)

    def _drop_files(self, project_id: str, export: Export) -> None:
        known = FORMATS.get(export.format)
        expected = (*(known.files if known else ()), IMAGES, MANIFEST)
        names = {file.name for file in (*expected, *export.files)}
        self._snapshots.drop(project_id, export.export_id)
        for name in sorted(names):
            blob = layout.export_blob(project_id, export.export_id, name)
            self._storage.blobs.delete(layout.EXPORTS, blob)

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

        What takes longer than a turn goes on with another message, and what is killed behind the last part of
        its snapshot.
        """
        project = self._projects.find(message.project_id)
        if project is None:
            return
        export = self._documents.get(message.project_id, layout.export(message.export_id))
        if export is None:
            return  # deleted before it was made
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
            with tempfile.TemporaryDirectory() as folder:
                done = self._make(project, export, Path(folder))
            self._change(message, lambda _: done)
        except NotFound:
            known = self._documents.get(message.project_id, layout.export(message.export_id))
            if known is None:  # deleted while it was made
                self._drop_files(message.project_id, done)
            elif known.state == "waiting":
                raise
            # Else another process made it. What this one gathered since is nobody's.
            self._let_go(message.project_id, export)
            return
        self._let_go(message.project_id, done)
        self._finished(message.project_id, done)

    def _let_go(self, project_id: str, export: Export) -> None:
        """Drop what an export was made from, unless it is a version."""
        if not export.name:
            self._snapshots.drop(project_id, export.export_id)

    def fail(self, message: MakeExport, problem: str) -> None:
        """Note that an export can't be made.

        Raises:
            NotFound: there is none any more.
        """
        said = {"state": "failed", "problem": problem, "finished_at": self._storage.clock.now()}
        failed = self._change(
            message,
            lambda export: export.model_copy(update=said) if export.state == "waiting" else export,
        )
        self._snapshots.drop(message.project_id, message.export_id)
        self._finished(message.project_id, failed)

    def _change(self, message: MakeExport, change: Callable[[Export], Export]) -> Export:
        place = layout.export(message.export_id)
        return self._documents.change(message.project_id, place, change)

    def _make(self, project: Project, export: Export, folder: Path) -> Export:
        """Write the files of an export from its snapshot."""
        omitted: Counter[str] = Counter()
        there: Counter[Feature] = Counter()
        images = annotations = 0
        chosen, opened = _format(export)
        about = self._snapshots.about(project.project_id, export.snapshot_id)
        choice = Choice(export.options, about.classes)
        flat = export.options.flat and "flat" in chosen.options
        subject = Subject(
            project=about.project,
            task_type=about.task_type,
            classes=choice.classes,
            address=about.address,
            as_of=export.as_of,
            options=export.options,
            container=about.container,
            folder=about.folder,
        )
        with (
            tempfile.TemporaryFile() as left,
            tempfile.TemporaryFile() as flagged,
            ImageList(folder, about.address) as listed,
            opened(folder, subject) as writer,
        ):
            for item, kept, why in self._snapshots.all(project.project_id, export.snapshot_id):
                found = choice.of(item, kept) if kept else why or "not_labeled"
                named = choice.named(item) if flat else item
                if isinstance(found, str):
                    reason = found
                else:
                    said = of_first_frame(found) if "frames" in chosen.loses else found
                    reason = writer.refuses(named, said)
                    if reason is None:
                        annotations += writer.add(named, said)
                        listed.add(item, named.path)
                        there += features(found)
                        images += 1
                if reason is None:
                    if item.flag:
                        line = {"item_id": item.item_id, "path": item.path, "flag": item.flag}
                        _add(flagged, line | ({"why": item.damage} if item.damage else {}))
                    continue
                omitted[reason.split(":")[0]] += 1
                line = {"item_id": item.item_id, "path": item.path, "reason": reason}
                _add(left, line)
            writer.finish()
            listed.close()
            made = (*chosen.files, *([IMAGES] if flat or export.options.images == "links" else []))
            done = export.model_copy(
                update={
                    "state": "done",
                    "items": images + omitted.total(),
                    "exported": images,
                    "omitted": dict(sorted(omitted.items())),
                    "annotations": annotations,
                    "lost": {one: there[one] for one in chosen.loses if there[one]},
                    "files": [self._upload(project, export, one, folder) for one in made],
                }
            )
            _write_manifest(folder, project.project_id, about, done, left, flagged)
        files = [*done.files, self._upload(project, export, MANIFEST, folder)]
        now = self._storage.clock.now()
        return done.model_copy(update={"files": files, "finished_at": now})

    def _upload(self, project: Project, export: Export, file: File, folder: Path) -> ExportFile:
        blob = layout.export_blob(project.project_id, export.export_id, file.name)
        path = folder / PurePosixPath(file.name).name
        with path.open("rb") as content:
            digest = hashlib.file_digest(content, "sha256").hexdigest()
            content.seek(0)
            self._storage.blobs.write(layout.EXPORTS, blob, content, content_type=file.media_type)
        return ExportFile(name=file.name, size=path.stat().st_size, sha256=digest)


def _format(export: Export) -> tuple[Format, Callable[[Path, Subject], Writer]]:
    """Its format, and what writes it.

    Raises:
        Invalid: it is of a later version of the product.
    """
    known = FORMATS.get(export.format)
    if known is None or known.open is None:
        raise Invalid(f"the format {export.format!r} is not known here any more")
    return known, known.open


def _add(to: IO[bytes], line: dict[str, Any]) -> None:
    """One more element of a list that is written piece by piece."""
    to.write((b",\n" if to.tell() else b"") + _json(line))


def _write_manifest(
    folder: Path,
    project_id: str,
    about: About,
    export: Export,
    left: IO[bytes],
    flagged: IO[bytes],
) -> None:
    """What an export holds and, item by item, what it does not, and what is exported with a flag.

    Streamed: it may be long.
    """
    head: dict[str, Any] = {
        "project_id": project_id,
        "project": about.project,
        "task_type": about.task_type,
        "export_id": export.export_id,
        "format": export.format,
        "options": export.options.model_dump(mode="json"),
        "as_of": export.as_of.isoformat(),
        "version": export.version or (export.export_id if export.name else None),
        "container": about.container,
        "folder": about.folder,
        "counts": {
            "items": export.items,
            "exported": export.exported,
            "omitted": sum(export.omitted.values()),
            "annotations": export.annotations,
            "omitted_by_reason": export.omitted,
        },
        "lost": export.lost,
        "files": [file.model_dump() for file in export.files],
    }
    with (folder / MANIFEST.name).open("wb") as file:
        file.write(_json(head)[:-1])
        for name, lines in (("flagged", flagged), ("omitted", left)):
            lines.seek(0)
            file.write(b',"%s":[\n' % name.encode())
            shutil.copyfileobj(lines, file)
            file.write(b"\n]")
        file.write(b"}\n")


def _json(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
