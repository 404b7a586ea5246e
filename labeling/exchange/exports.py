"""Exports: all of a project's labels of one moment, as files behind a signed link."""

from __future__ import annotations

import hashlib
import json
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import IO, Annotated, Any, Literal

from pydantic import Field

from labeling import layout
from labeling.errors import Conflict, Invalid, NotFound
from labeling.exchange.formats.coco import CocoWriter, Finished, left_out
from labeling.ingest.refresh import Ingest
from labeling.items.items import Items
from labeling.items.records import Item, Labeling, Stored
from labeling.model import Model, UtcTime, digest_id, milliseconds, new_id
from labeling.projects.projects import Project, ProjectAccess, Projects
from labeling.storage import (
    Collision,
    Create,
    Delete,
    Merge,
    Operation,
    Range,
    Row,
    Storage,
    attempts,
)

COCO_FILE = "coco/annotations.json"
MANIFEST_FILE = "manifest.json"
MEASURED_AT_ONCE = 200


class NewExport(Model):
    """Ask for an export. `as_of`: the moment it shows; now when left out."""

    format: Literal["coco"] = "coco"
    as_of: UtcTime | None = None


class ExportFile(Model):
    """A file of an export."""

    name: str
    size: int
    sha256: str


class Export(Model):
    """An export, being made or done."""

    schema_version: int = 1
    export_id: str
    format: Literal["coco"]
    as_of: UtcTime
    state: Literal["waiting", "done", "failed"] = "waiting"
    problem: str = ""
    created_at: UtcTime
    created_by: str
    finished_at: UtcTime | None = None
    items: int = 0
    exported: int = 0
    omitted: dict[str, int] = {}
    annotations: int = 0
    files: list[ExportFile] = []


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

    name: Annotated[str, Field(max_length=200)] = COCO_FILE


class MakeExport(Model):
    """Make the files of an export."""

    project_id: str
    export_id: str


class Exports:
    """Exports of projects."""

    def __init__(self, storage: Storage, projects: Projects, ingest: Ingest) -> None:
        self._storage = storage
        self._projects = projects
        self._ingest = ingest

    def create(
        self, opened: ProjectAccess, new: NewExport, *, by: str, idempotency_key: str | None
    ) -> Export:
        """Start an export. The same idempotency key of the same person gives the same export.

        Raises:
            Invalid: `as_of` lies in the future.
        """
        now = self._storage.clock.now()
        if new.as_of and new.as_of > now:
            raise Invalid("as_of lies in the future; leave it out for now")
        project_id = opened.project.project_id
        export_id = (
            f"e-{digest_id('export', project_id, by, idempotency_key, length=16)}"
            if idempotency_key
            else new_id("e")
        )
        export = Export(
            export_id=export_id,
            format=new.format,
            as_of=new.as_of or now,
            created_at=now,
            created_by=by,
        )
        try:
            self._write(project_id, export, None)
        except Collision:
            export = self.get(project_id, export_id)
        if export.state == "waiting":
            self._storage.queues.send(
                layout.EXPORT_QUEUE, MakeExport(project_id=project_id, export_id=export_id)
            )
        return export

    def _write(self, project_id: str, export: Export, row: Row | None) -> None:
        key = layout.export(export.export_id)
        cells = {"schema": 1, "doc": export.model_dump_json()}
        operation: Operation = Merge(key, cells, row.etag) if row else Create(key, cells)
        self._storage.tables.transact(layout.PROJECTS, project_id, [operation])

    def _row(self, project_id: str, export_id: str) -> Row:
        row = self._storage.tables.get(layout.PROJECTS, project_id, layout.export(export_id))
        if row is None:
            raise NotFound("there is no such export in this project")
        return row

    def get(self, project_id: str, export_id: str) -> Export:
        """An export.

        Raises:
            NotFound: there is none.
        """
        return _export(self._row(project_id, export_id))

    def all(self, project_id: str) -> ExportList:
        """Exports of a project, newest first."""
        rows = self._storage.rows(layout.PROJECTS, Range(project_id, "x|", "x|" + layout.END))
        exports = sorted((_export(row) for row in rows), key=lambda e: e.created_at, reverse=True)
        return ExportList(items=exports)

    def delete(self, project_id: str, export_id: str) -> None:
        """Remove an export and its files.

        Raises:
            NotFound: there is none.
        """
        row = self._row(project_id, export_id)
        self._drop_files(project_id, _export(row))
        try:
            self._storage.tables.transact(layout.PROJECTS, project_id, [Delete(row.key)])
        except Collision:
            raise NotFound("there is no such export in this project") from None
        # Once more, for one that was done in between.
        self._drop_files(project_id, _export(row))

    def _drop_files(self, project_id: str, export: Export) -> None:
        for name in (COCO_FILE, MANIFEST_FILE):
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
        if request.name not in {file.name for file in export.files}:
            raise NotFound(f"this export has no file {request.name!r}")
        safe = "".join(c if c.isalnum() else "-" for c in project.name.lower()).strip("-")
        url, until = self._storage.blobs.link(
            layout.EXPORTS,
            layout.export_blob(project.project_id, export_id, request.name),
            download_as=f"{safe or 'labelry'}-{request.name.replace('/', '-')}",
        )
        return ExportLink(name=request.name, url=url, expire_at=until)

    def on_make(self, message: MakeExport) -> None:
        """Make the files of an export. Safe to repeat: the same moment gives the same files."""
        project = self._projects.find(message.project_id)
        if project is None:
            return
        try:
            export = self.get(message.project_id, message.export_id)
        except NotFound:
            return  # deleted before it was made
        if export.state != "waiting":
            return
        with tempfile.TemporaryDirectory() as folder:
            done = self._make(project, export, Path(folder))
        for _ in attempts(self._storage):
            try:
                row = self._row(message.project_id, message.export_id)
                self._write(message.project_id, done, row)
            except Collision:
                continue
            except NotFound:
                self._drop_files(message.project_id, done)  # deleted while it was made
            return

    def fail(self, message: MakeExport, problem: str) -> None:
        """Note that an export can't be made."""
        row = self._row(message.project_id, message.export_id)
        export = _export(row)
        if export.state == "waiting":
            failed = export.model_copy(
                update={
                    "state": "failed",
                    "problem": problem,
                    "finished_at": self._storage.clock.now(),
                }
            )
            self._write(message.project_id, failed, row)

    def _make(self, project: Project, export: Export, folder: Path) -> Export:
        omitted: Counter[str] = Counter()
        items = self._projects.items(project)
        labels = folder / "annotations.json"
        with (
            (folder / "omitted.jsonl").open("w+b") as left,
            CocoWriter(labels, project.classes, info=_info(project, export)) as writer,
        ):
            total = 0
            for item, labeling, reason in self._as_of(project, items, export.as_of):
                total += 1
                if reason is None:
                    writer.add_image(item, labeling)
                    continue
                omitted[reason.split(":")[0]] += 1
                line = {"item_id": item.item_id, "path": item.path, "reason": reason}
                left.write((b",\n" if left.tell() else b"") + _json(line))
            written = writer.finish()
            self._upload(project, export, COCO_FILE, labels)
            coco = ExportFile(name=COCO_FILE, size=written.size, sha256=written.sha256)
            manifest = folder / "manifest.json"
            _write_manifest(manifest, project, export, coco, written, omitted, total, left)
        self._upload(project, export, MANIFEST_FILE, manifest)
        return export.model_copy(
            update={
                "state": "done",
                "finished_at": self._storage.clock.now(),
                "items": total,
                "exported": written.images,
                "omitted": dict(omitted),
                "annotations": written.annotations,
                "files": [coco, _file(MANIFEST_FILE, manifest)],
            }
        )

    def _upload(self, project: Project, export: Export, name: str, path: Path) -> None:
        blob = layout.export_blob(project.project_id, export.export_id, name)
        with path.open("rb") as file:
            self._storage.blobs.write(layout.EXPORTS, blob, file, content_type="application/json")

    def _as_of(
        self, project: Project, items: Items, as_of: datetime
    ) -> Iterator[tuple[Item, Labeling | None, str | None]]:
        """Every item once as it was at a moment, with why it is left out, or None."""
        moment = milliseconds(as_of)
        for shard in range(project.shards):
            waiting: list[Stored] = []
            for one in items.all_rows(shard):
                if one.item.width or one.item.barred:
                    yield self._at(items, one, moment)
                    continue
                waiting.append(one)
                if len(waiting) == MEASURED_AT_ONCE:
                    yield from self._measured_first(project, items, waiting, moment)
                    waiting = []
            yield from self._measured_first(project, items, waiting, moment)

    def _measured_first(
        self, project: Project, items: Items, waiting: Sequence[Stored], moment: int
    ) -> Iterator[tuple[Item, Labeling | None, str | None]]:
        """Labels of images not measured yet (their blob was overwritten): sizes must be true."""
        labeled = [one.item for one in waiting if one.item.revision]
        if labeled:
            self._ingest.measure_items(project, labeled)
            fresh = items.read_many([one.item.item_id for one in waiting])
            waiting = [one for one in fresh if one]
        for one in waiting:
            yield self._at(items, one, moment)

    def _at(
        self, items: Items, one: Stored, moment: int
    ) -> tuple[Item, Labeling | None, str | None]:
        item = one.item
        state, labeling = str(item.state), one.labeling
        if item.changed_ms > moment:
            if item.registered_ms > moment:
                return item, None, "arrived_later"
            state, labeling = _before(items, item, moment)
        if item.barred:
            return item, None, f"{item.barred}: {item.barred_reason}"
        if state == "leased":
            state = (
                "available"  # who holds what is not kept: the same moment must give the same files
            )
        if state != "labeled" or labeling is None:
            said = (
                f": {labeling.reason}"
                if state == "skipped" and labeling and labeling.reason
                else ""
            )
            return item, None, f"{state}{said}"
        return item, labeling, left_out(item, labeling)


def _before(items: Items, item: Item, moment: int) -> tuple[str, Labeling | None]:
    """The state and labels of an item at a moment before its last change, from its history."""
    past = [
        one
        for one in items.history(item.item_id)
        if milliseconds(one.at) <= moment and one.what != "superseded"
    ]
    if not past or past[-1].labeling is None:
        return "available", None
    return past[-1].labeling.outcome, past[-1].labeling


def _info(project: Project, export: Export) -> dict[str, str | int]:
    return {
        "description": project.name,
        "contributor": "Labelry",
        "version": "1.0",
        "year": export.as_of.year,
        "date_created": export.as_of.isoformat(),
    }


def _write_manifest(
    path: Path,
    project: Project,
    export: Export,
    coco: ExportFile,
    written: Finished,
    omitted: Counter[str],
    total: int,
    left: IO[bytes],
) -> None:
    """What an export holds and, item by item, what it does not; streamed, it may be long."""
    head: dict[str, Any] = {
        "project_id": project.project_id,
        "project": project.name,
        "task_type": project.task_type,
        "export_id": export.export_id,
        "format": export.format,
        "as_of": export.as_of.isoformat(),
        "container": project.source.container,
        "counts": {
            "items": total,
            "exported": written.images,
            "omitted": sum(omitted.values()),
            "annotations": written.annotations,
            "omitted_by_reason": dict(sorted(omitted.items())),
        },
        "files": [coco.model_dump()],
    }
    left.seek(0)
    with path.open("wb") as file:
        file.write(_json(head)[:-1] + b',"omitted":[\n')
        while piece := left.read(1 << 20):
            file.write(piece)
        file.write(b"\n]}\n")


def _file(name: str, path: Path) -> ExportFile:
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return ExportFile(name=name, size=path.stat().st_size, sha256=digest)


def _json(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def _export(row: Row) -> Export:
    return Export.model_validate_json(row.text("doc"))
