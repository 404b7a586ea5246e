"""The files of an export, written part by part of the snapshot they are made from.

What each part adds to the files is kept as a piece. Writing goes on behind the last piece that was kept,
whoever was killed meanwhile, and a piece that two write at once is kept once: its name is in the row, or it is
nowhere.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from datetime import datetime
from functools import partial
from pathlib import Path, PurePosixPath
from types import TracebackType
from typing import IO, Any, Final, Literal, NamedTuple, Self

from labeling import layout
from labeling.documents import Documents
from labeling.errors import Invalid, NotFound, PreconditionFailed
from labeling.exchange.choice import Choice, flat
from labeling.exchange.formats import FORMATS
from labeling.exchange.formats.format import (
    Feature,
    File,
    Format,
    Options,
    Subject,
    Writer,
    features,
    of_first_frame,
    of_what_is_seen,
)
from labeling.exchange.formats.output import Output
from labeling.exchange.image_list import IMAGES, ImageList
from labeling.exchange.snapshots import About, Seen, Snapshots
from labeling.items.records import Item, Labeling
from labeling.model import Model, UtcTime, new_id
from labeling.storage import Blob, Collision, Delete, Storage

MANIFEST = File("manifest.json", "application/json")

_FOLDER = "pieces/"

DROPPED = 2_000
"""Files that are removed in one go: well below the time of a request."""


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
    lost: dict[Feature | Literal["unseen"], int] = {}
    files: list[ExportFile] = []
    images: str = ""
    """Container and folder of the copies of its images, where they are copied."""

    @property
    def snapshot_id(self) -> str:
        """What it is made from."""
        return self.version or self.export_id


class Progress(Model):
    """How far writing has come: the names of the pieces, one for each part of the snapshot."""

    pieces: list[str] = []


class ExportFiles:
    """Files of exports."""

    def __init__(self, storage: Storage, snapshots: Snapshots) -> None:
        self._storage = storage
        self._snapshots = snapshots
        self._documents = Documents(storage, layout.PROJECTS, Progress)

    def write(self, project_id: str, export: Export, *, until: datetime) -> Export | None:
        """Go on writing from a snapshot that is complete; the export when it is done.

        None where it stops behind the first part that ends after `until`.

        Raises:
            NotFound: the snapshot, or what was written, was dropped meanwhile.
            Invalid: the export is in a format of a later version of the product.
        """
        with suppress(Collision):  # it was begun before
            self._documents.create(project_id, layout.progress(export.export_id), Progress())
        while True:
            progress = self._documents.need(project_id, layout.progress(export.export_id))
            with tempfile.TemporaryDirectory() as folder, Output(Path(folder)) as output:
                for name in progress.pieces:
                    blob = layout.export_blob(project_id, export.export_id, name)
                    output.unpack(self._storage.blobs.read(layout.EXPORTS, blob))
                about = self._snapshots.about(project_id, export.snapshot_id)
                copies = self._copies(project_id, export)
                with _Writing(output, export, about, copies) as writing:
                    parts = self._snapshots.parts(project_id, export.snapshot_id)
                    for part in parts[len(progress.pieces) :]:
                        seen = partial(self._snapshots.part, project_id, export.snapshot_id, part)
                        lost = self._copy(writing, seen()) if copies else {}
                        for image in seen():
                            writing.add(image, lost.get(image.item.item_id))
                        kept = self._keep(project_id, export, output, progress)
                        if kept is None:
                            break
                        progress = kept
                        if self._storage.clock.now() > until:
                            return None
                    else:
                        return self._finish(project_id, export, writing)

    def _copies(self, project_id: str, export: Export) -> _Place | None:
        """Where images are copied to, if they are."""
        folder = _format(export)[0].folder(export.options)
        if not folder:
            return None
        inside = layout.export_blob(project_id, export.export_id, folder)
        address, _ = self._storage.blobs.link(layout.EXPORTS, inside + "blob")
        return _Place(layout.EXPORTS, inside, address.partition("?")[0].removesuffix("/blob"))

    def _copy(self, writing: _Writing, part: Iterator[Seen]) -> dict[str, str]:
        """Copy the images of a part that are to be written; which can't be, by their ids, and why.

        What was copied before somebody was killed is not copied again: a part of any size ends.
        """

        def copy(image: _Image) -> tuple[str, str] | None:
            about = writing.about
            try:
                self._storage.blobs.copy(
                    about.container,
                    about.folder + image.path,
                    writing.place.container,
                    writing.place.folder + image.target,
                    etag=image.etag,
                )
            except NotFound:
                return image.item_id, "image_gone"
            except PreconditionFailed:
                return image.item_id, "image_changed"
            return None

        return dict(filter(None, self._storage.each(copy, writing.images(part))))

    def drop_pieces(self, project_id: str, export_id: str) -> None:
        """Remove what is kept of an export while it is written, and what was left by whoever was killed."""
        # The row first: who writes finds it gone, and takes back what they have just kept.
        with suppress(Collision):  # it is not there
            self._documents.write(project_id, [Delete(layout.progress(export_id))])
        self._delete(layout.export_blob(project_id, export_id, _FOLDER))

    def drop(self, project_id: str, export_id: str) -> bool:
        """Remove what is kept of an export in files, some thousands at most; whether that was all of it."""
        self.drop_pieces(project_id, export_id)
        return self._delete(layout.export_blob(project_id, export_id, ""))

    def _delete(self, prefix: str) -> bool:
        found = self._storage.blobs.list(layout.EXPORTS, prefix=prefix, limit=DROPPED)

        def delete(blob: Blob) -> None:
            self._storage.blobs.delete(layout.EXPORTS, blob.path)

        self._storage.each(delete, found.blobs)
        return found.cursor is None

    def _keep(
        self, project_id: str, export: Export, output: Output, progress: Progress
    ) -> Progress | None:
        """Keep what was added to the files, unless somebody else has gone on meanwhile."""
        name = f"{_FOLDER}{new_id('w')}"
        blob = layout.export_blob(project_id, export.export_id, name)
        with tempfile.TemporaryFile() as piece:
            output.pack(piece)
            piece.seek(0)
            self._storage.blobs.write(
                layout.EXPORTS, blob, piece, content_type="application/octet-stream"
            )
        gone_on = Progress(pieces=[*progress.pieces, name])
        try:
            kept = self._documents.change(
                project_id,
                layout.progress(export.export_id),
                lambda known: gone_on if known == progress else known,
            )
        except NotFound:
            self._storage.blobs.delete(layout.EXPORTS, blob)
            raise
        if kept != gone_on:
            self._storage.blobs.delete(layout.EXPORTS, blob)
            return None
        return kept

    def _finish(self, project_id: str, export: Export, writing: _Writing) -> Export:
        done = writing.finish()
        for folder in writing.folders():
            empty = f"{writing.place.folder}{folder}/.keep"
            self._storage.blobs.write(layout.EXPORTS, empty, b"", content_type="text/plain")
        files = [self._upload(project_id, export, file, writing.output) for file in writing.made]
        done = done.model_copy(update={"files": files})
        _write_manifest(writing.output, project_id, writing.about, done)
        files.append(self._upload(project_id, export, MANIFEST, writing.output))
        now = self._storage.clock.now()
        return done.model_copy(update={"files": files, "finished_at": now})

    def _upload(self, project_id: str, export: Export, file: File, output: Output) -> ExportFile:
        output.flush()
        blob = layout.export_blob(project_id, export.export_id, file.name)
        path = output.folder / PurePosixPath(file.name).name
        with path.open("rb") as content:
            digest = hashlib.file_digest(content, "sha256").hexdigest()
            content.seek(0)
            self._storage.blobs.write(layout.EXPORTS, blob, content, content_type=file.media_type)
        return ExportFile(name=file.name, size=path.stat().st_size, sha256=digest)


class _Writing:
    """An export being written: all that it needs to know is in its output."""

    def __init__(self, output: Output, export: Export, about: About, copies: _Place | None) -> None:
        self.output = output
        self.about = about
        self.place = copies or _Place(about.container, about.folder, about.address)
        self._copied = copies is not None
        self._export = export
        self._format, opened = _format(export)
        self._choice = Choice(export.options, about.classes)
        self._flat = self._copied or (export.options.flat and "flat" in self._format.options)
        self._listed = ImageList(output, self.place.address)
        subject = Subject(
            project=about.project,
            task_type=about.task_type,
            classes=self._choice.classes,
            address=self.place.address,
            as_of=export.as_of,
            options=export.options,
            container=self.place.container,
            folder=self.place.folder,
        )
        self._writer = opened(output, subject)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        raised: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._writer.close()

    @property
    def made(self) -> tuple[File, ...]:
        """The files of the export but its manifest."""
        listed = self._flat or self._export.options.images != "none"
        return (*self._format.files, *([IMAGES] if listed else []))

    def images(self, part: Iterator[Seen]) -> Iterator[_Image]:
        """The images of a part that are to be written, and the place of a copy of each."""
        for seen in part:
            chosen = self._chosen(seen)
            if not isinstance(chosen, str):
                item = seen.item
                target = self._writer.place(chosen.named, chosen.said[0])
                yield _Image(item.item_id, item.path, item.blob_etag, target)

    def folders(self) -> Sequence[str]:
        """Folders that are there, whether an image lies in them or not."""
        return self._writer.folders() if self._copied else ()

    def add(self, seen: Seen, lost: str | None) -> None:
        """Write an image, or why it is left out: that it is `lost`, for one."""
        item, counts = seen.item, self.output.counts
        reason = lost or self._written(seen)
        if reason is None:
            counts["exported"] += 1
            if item.flag:
                line = {"item_id": item.item_id, "path": item.path, "flag": item.flag}
                _add(
                    self.output.file(".flagged"),
                    line | ({"why": item.damage} if item.damage else {}),
                )
            return
        counts[_OMITTED + reason.split(":")[0]] += 1
        line = {"item_id": item.item_id, "path": item.path, "reason": reason}
        _add(self.output.file(".omitted"), line)

    def _written(self, seen: Seen) -> str | None:
        """Why an image was not written, or None."""
        chosen = self._chosen(seen)
        if isinstance(chosen, str):
            return chosen
        named, found, unseen = chosen
        said = [self._sayable(labeling) for labeling in found]
        counts = self.output.counts
        counts[_THERE + _UNSEEN] += unseen
        each = self._export.options.labelings == "each"
        counts["said"] += (
            self._writer.add_each(named, said) if each else self._writer.add(named, said[0])
        )
        place = self._writer.place(named, said[0]) if self._copied else seen.item.path
        self._listed.add(seen.item, named.path, place)
        for labeling in found:
            for feature, number in features(labeling).items():
                counts[_THERE + feature] += number
        counts[_THERE + "metadata"] += bool(seen.item.about)
        return None

    def _chosen(self, seen: Seen) -> _Chosen | str:
        """An image as files name it, and its labels; or why it is not written."""
        found = self._choice.labelings(seen)
        if isinstance(found, str):
            return found
        there = [of_what_is_seen(seen.item, labeling) for labeling in found]
        unseen = _annotations(found) - _annotations(there)
        if unseen and not _annotations(there):
            return _UNSEEN  # it would say that nothing is on it
        named = flat(seen.item) if self._flat else seen.item
        why = self._writer.refuses(named, self._sayable(there[0]))
        return why or _Chosen(named, there, unseen)

    def _sayable(self, labeling: Labeling) -> Labeling:
        return of_first_frame(labeling) if "frames" in self._format.loses else labeling

    def finish(self) -> Export:
        """Complete the files; the export with what is counted in them."""
        self._writer.finish()
        counts = self.output.counts
        omitted = {
            name.removeprefix(_OMITTED): number
            for name, number in sorted(counts.items())
            if name.startswith(_OMITTED)
        }
        there = {lose: counts[_THERE + lose] for lose in (*self._format.loses, _UNSEEN)}
        return self._export.model_copy(
            update={
                "state": "done",
                "items": counts["exported"] + sum(omitted.values()),
                "exported": counts["exported"],
                "omitted": omitted,
                "annotations": counts["said"],
                "lost": {feature: number for feature, number in there.items() if number},
                "images": f"{self.place.container}/{self.place.folder}" if self._copied else "",
            }
        )


class _Place(NamedTuple):
    """Where images are: the container, the folder in it with its slash, and the folder's address."""

    container: str
    folder: str
    address: str


class _Chosen(NamedTuple):
    """An image as files name it, its labels, and how many annotations of it can't be seen on it."""

    named: Item
    said: list[Labeling]
    unseen: int


class _Image(NamedTuple):
    """An image to be copied: its path, what it was when it was labeled, and its place among the copies."""

    item_id: str
    path: str
    etag: str
    target: str


_OMITTED, _THERE = "omitted:", "there:"
"""How counts of an output begin: of images left out, by reason; of what formats may lose."""

_UNSEEN: Final = "unseen"
"""Under which shapes are counted that no format writes, and images of which nothing else is left."""


def _annotations(said: Sequence[Labeling]) -> int:
    return sum(len(labeling.annotations) for labeling in said)


def _format(export: Export) -> tuple[Format, Callable[[Output, Subject], Writer]]:
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


def _write_manifest(output: Output, project_id: str, about: About, export: Export) -> None:
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
        "images": export.images,
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
    file = output.file(MANIFEST.name)
    file.write(_json(head)[:-1])
    for name in ("flagged", "omitted"):
        lines = output.file(f".{name}")
        lines.seek(0)
        file.write(b',"%s":[\n' % name.encode())
        shutil.copyfileobj(lines, file)
        file.write(b"\n]")
    file.write(b"}\n")


def _json(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
