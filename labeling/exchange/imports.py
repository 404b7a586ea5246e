"""Imports: labels that were made elsewhere, as labels of a project or as suggestions.

An import is queue work in steps, each safe to repeat: read the file and find the item of each image, which
gives parts of some items of one shard; then take these in, of each shard one after the other and all shards at
once. What was saved is known by the import's id on it, so that a part that is taken in twice is counted once
(ADR-0021).
"""

from __future__ import annotations

import csv
import errno
import gzip
import io
import lzma
import struct
import tempfile
import zipfile
import zlib
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import IO, Annotated, Any, Literal, TypeVar, cast
from xml.etree import ElementTree

import ijson
import yaml
from pydantic import AfterValidator, Field, StringConstraints, model_validator

from labeling import layout
from labeling.annotations.acceptance import encoded
from labeling.annotations.classes import MAX_CLASSES, NewClass, key_of_path, path_of
from labeling.assist.prelabels import Prelabels
from labeling.documents import Documents
from labeling.errors import Conflict, Failure, Fault, Invalid, NotFound, TooLarge
from labeling.exchange.formats import FORMATS, guessed
from labeling.exchange.formats.format import Described, Format, RemarkKind
from labeling.exchange.formats.source import Problem, Source, Unreadable
from labeling.exchange.matching import Matched, Matching, Unmatched
from labeling.exchange.placing import Altered, LeftOut, NotTaken, Placed, placed
from labeling.ingest.refresh import Ingest
from labeling.ingest.turns import Turns
from labeling.items.cells import pack
from labeling.items.items import Items
from labeling.items.records import Imported, Labeling, Run, Stored, Suggested
from labeling.model import Id, Model, UtcTime, new_id
from labeling.projects.access import Caller
from labeling.projects.projects import ProjectAccess, Projects
from labeling.projects.record import AddClasses, Project, with_classes
from labeling.storage import Collision, Delete, Storage

PART_IMAGES, PART_BYTES = 1_000, 4_000_000
"""Of one part: what one message takes in."""

IN_TURN = 6
"""Items at once while somebody labels: as many operations as a labeler's own transactions have."""

AT_ONCE_BYTES = 1_000_000
"""Of labels in one transaction: they are in it twice."""

SPARSE = 20
"""Where a file speaks of fewer than one item in so many, they are read one by one."""

NAMED = 5
"""How many names are told of what is counted."""

NAMED_CLASSES = 50
LONGEST_NAME = 200

PIECE = 8 * 1024 * 1024
"""Bytes of a file that are fetched at once."""

LOOK = 256 * 1024
"""The same, while the format is guessed."""

MEASURED_AT_ONCE = 200

ImportState = Literal["waiting", "reading", "importing", "done", "failed"]
Into = Literal["labels", "suggestions"]
Kept = Literal["labeled", "leased", "barred", "unknown", "older", "contradicts", "blind"]
Reason = LeftOut | Unmatched | Kept | Literal["too_large_labels"]
Found = RemarkKind | Altered


class Told(Model):
    """How often something was found, and where first."""

    count: int = 0
    first: list[str] = []


def _readable(name: str | None) -> str | None:
    known = [format_.name for format_ in FORMATS.values() if format_.read]
    if name is not None and name not in known:
        raise ValueError(
            f"there is no format {name!r} that can be read; there are {', '.join(known)}"
        )
    return name


FormatName = Annotated[
    str | None,
    AfterValidator(_readable),
    Field(description="name of one of `GET /formats` that `reads`"),
]


class NewImport(Model):
    """A file that is about to be uploaded, to import labels from."""

    file_name: Annotated[str, StringConstraints(min_length=1, max_length=500)]


class ImportOptions(Model):
    """How to take in what a file says.

    `into`: labels count as labeled by whoever imports them, suggestions wait for labelers. `unknown_classes`:
    add them to the project, or leave out images that have one. `empty`: what an image without annotations
    means, nothing or that nothing is on it. `run_id` names the run of suggestions; the file's content does when
    left out, so that the same file suggests the same once.
    """

    format: FormatName = None
    into: Into = "labels"
    unknown_classes: Literal["create", "refuse"] = "refuse"
    empty: Literal["leave", "label"] = "leave"
    run_id: Id | None = None
    model: Annotated[str, Field(max_length=200)] = ""


class Stretch(Model):
    """Parts of one shard, `first` to `end`, taken in one after the other; those from `next` on are left."""

    first: int
    next: int
    end: int


class Import(Model):
    """An import, and its report: what was taken, left out and altered, with the first names of each.

    One that failed says why: in words, and as a code where it is about the file.
    """

    schema_version: int = 1
    import_id: str
    file_name: str
    state: ImportState = "waiting"
    problem: str = ""
    problem_code: Problem | Literal["broken", ""] = ""
    options: ImportOptions = ImportOptions()
    created_at: UtcTime
    created_by: str
    finished_at: UtcTime | None = None
    parts: int = 0
    taken: int = 0
    stretches: list[Stretch] = []
    sparse: bool = False
    images: int = 0
    matched: int = 0
    saved: int = 0
    unchanged: int = 0
    annotations: int = 0
    left_out: dict[Reason, Told] = {}
    found: dict[Found, Told] = {}
    unknown_classes: dict[str, int] = {}
    new_classes: list[str] = []

    @model_validator(mode="before")
    @classmethod
    def _in_one_stretch(cls, raw: Any) -> Any:
        """One that was kept when all parts were taken in one after the other."""
        if isinstance(raw, dict) and "next_part" in raw:
            known = cast("dict[str, Any]", raw).copy()
            known["taken"] = known.pop("next_part")
            known["stretches"] = [
                {"first": 0, "next": known["taken"], "end": known.get("parts", 0)}
            ]
            return known
        return raw  # pyright: ignore[reportUnknownVariableType]

    def without(self, part: int) -> Import:
        """The same, when a part has been taken in that was the next of its stretch; else as it is."""
        left = [
            stretch.model_copy(update={"next": part + 1})
            if stretch.next == part < stretch.end
            else stretch
            for stretch in self.stretches
        ]
        if left == self.stretches:
            return self
        return self.model_copy(update={"stretches": left, "taken": self.taken + 1})

    def following(self, part: int | None) -> list[int]:
        """The parts to take in next where `part` is; of all stretches where none is named."""
        return [
            stretch.next
            for stretch in self.stretches
            if stretch.next < stretch.end
            and (part is None or stretch.first <= part == stretch.next - 1)
        ]


class ImportView(Import):
    """An import; while it waits for its file, the format that this looks like, once it is there."""

    uploaded: bool = False
    guess: str | None = None


class ImportMade(Import):
    """An import that waits for its file: PUT it to `url` (`x-ms-blob-type: BlockBlob`)."""

    url: str
    expire_at: UtcTime


class ImportList(Model):
    """Imports of a project, newest first."""

    items: list[Import]
    next_cursor: str | None = None


class ImportStep(Model):
    """Read the file of an import; or take in one part of what it says, and go on from there."""

    project_id: str
    import_id: str
    part: int | None = None


class Imports:
    """Imports of projects."""

    def __init__(
        self,
        storage: Storage,
        projects: Projects,
        ingest: Ingest,
        prelabels: Prelabels,
        turns: Turns,
        compact: Callable[[str, int], None],
    ) -> None:
        self._storage = storage
        self._projects = projects
        self._ingest = ingest
        self._prelabels = prelabels
        self._turns = turns
        self._compact = compact
        self._documents = Documents(
            storage, layout.PROJECTS, Import, absent="there is no such import in this project"
        )

    def create(self, opened: ProjectAccess, new: NewImport, caller: Caller) -> ImportMade:
        """Begin an import: its file is to be uploaded next.

        Raises:
            Conflict: the project's images are not listed yet.
        """
        project = opened.project
        if not project.shards:
            raise Conflict(f"the project is {project.state}; wait until its images are listed")
        made = Import(
            import_id=new_id("y"),
            file_name=new.file_name,
            created_at=self._storage.clock.now(),
            created_by=caller.user,
        )
        self._documents.create(project.project_id, layout.import_(made.import_id), made)
        blob = layout.import_blob(project.project_id, made.import_id)
        url, until = self._storage.blobs.upload_link(layout.IMPORTS, blob, overwrite=True)
        return ImportMade(**made.model_dump(), url=url, expire_at=until)

    def get(self, project_id: str, import_id: str) -> ImportView:
        """An import.

        Raises:
            NotFound: there is none.
        """
        known = self._documents.need(project_id, layout.import_(import_id))
        file = self._file(project_id, known) if known.state == "waiting" else None
        guess = _guess(known, file) if file else None
        return ImportView(**known.model_dump(), uploaded=file is not None, guess=guess)

    def all(self, project_id: str) -> ImportList:
        """Imports of a project, newest first."""
        found = self._documents.all(project_id, layout.import_(""))
        return ImportList(items=sorted(found, key=lambda import_: import_.created_at, reverse=True))

    def start(self, opened: ProjectAccess, import_id: str, options: ImportOptions) -> Import:
        """Import the file. Safe to repeat: one that was started goes on as it was.

        Raises:
            NotFound: there is no such import.
            Conflict: its file is not there yet.
            Invalid: nobody can tell the format; or labels are to be those of a project where several people
                label each image.
        """
        project = opened.project
        known = self._documents.need(project.project_id, layout.import_(import_id))
        if known.state == "waiting":
            file = self._file(project.project_id, known)
            if file is None:
                raise Conflict("the file is not there yet; upload it to its address first")
            if options.into == "labels" and project.overlap.labelers > 1:
                detail = "several people label each image of this project; import suggestions"
                raise Invalid(detail, faults=(Fault("/into", "unfit", detail),))
            chosen = options.format or _guess(known, file)
            if chosen is None:
                detail = (
                    "this file looks like none of the formats that can be read; say which it is"
                )
                raise Invalid(detail, faults=(Fault("/format", "unknown", detail),))
            options = options.model_copy(update={"format": chosen})
        known = self._change(
            project.project_id,
            import_id,
            lambda old: (
                old.model_copy(update={"state": "reading", "options": options})
                if old.state == "waiting"
                else old
            ),
        )
        if known.state in ("reading", "importing"):
            self._send(project.project_id, import_id)
        return known

    def delete(self, project_id: str, import_id: str) -> None:
        """Stop an import and forget it; what it has taken in stays.

        Raises:
            NotFound: there is none.
        """
        known = self._documents.need(project_id, layout.import_(import_id))
        try:
            self._documents.write(project_id, [Delete(layout.import_(import_id))])
        except Collision:
            raise NotFound("there is no such import in this project") from None
        self._drop_parts(project_id, known)
        self._storage.blobs.delete(layout.IMPORTS, layout.import_blob(project_id, import_id))

    def on_step(self, step: ImportStep) -> None:
        """Do one step of an import, and send the next. Safe to repeat.

        Raises:
            NotNow: it is not the turn of this message yet.
        """
        project = self._projects.find(step.project_id)
        known = self._documents.get(step.project_id, layout.import_(step.import_id))
        if project is None or known is None:
            return
        try:
            if known.state == "reading" and step.part is None:
                self._read(project, known)
            elif known.state == "importing":
                self._take_part(project, known, step.part)
        except NotFound:
            if self._documents.get(step.project_id, layout.import_(step.import_id)):
                raise
            # Deleted meanwhile: that stops it.

    def fail(self, step: ImportStep, problem: str) -> None:
        """Note that an import can't go on.

        Raises:
            NotFound: there is none any more.
        """
        self._fail(step.project_id, step.import_id, problem)

    # Reading the file.

    def _read(self, project: Project, known: Import) -> None:
        chosen = FORMATS.get(known.options.format or "")
        blob = layout.import_blob(project.project_id, known.import_id)
        with tempfile.TemporaryFile() as file, Matching() as matching:
            digest = self._download(blob, file)
            report = _Report()
            try:
                with Source(known.file_name, file) as source:
                    classes = self._gather(chosen, source, matching, report)
            except Failure as error:
                code = error.code if isinstance(error, Unreadable) else ""
                return self._fail(project.project_id, known.import_id, error.detail, code)
            except (OSError, *_BROKEN) as error:
                if not _is_of_file(error):
                    raise
                said = _in_one_line(str(error)) or type(error).__name__
                problem = f"the file can't be read as {known.options.format}: {said[:300]}"
                return self._fail(project.project_id, known.import_id, problem, "broken")
            project = self._with_classes(project, known, classes, report)
            items = self._projects.items(project)
            for shard in range(project.shards):
                matching.add_items((item_id, shard, path) for item_id, path in items.paths(shard))
            for why, name in matching.match(project.source.left_out):
                report.left_out(why, name)
            report.images = matching.images
            stretches, report.matched = self._write_parts(project, known, matching)
            sparse = report.matched * SPARSE < matching.items
        # The same file suggests the same, so it is the same run.
        of_file = f"import-{digest[:20]}" if known.options.into == "suggestions" else None
        run_id = known.options.run_id or of_file

        def importing(old: Import) -> Import:
            if old.state != "reading":
                return old
            update = {
                "state": "importing",
                "parts": stretches[-1].end if stretches else 0,
                "stretches": stretches,
                "sparse": sparse,
                "options": old.options.model_copy(update={"run_id": run_id}),
            }
            return report.added_to(old).model_copy(update=update)

        ready = self._change(project.project_id, known.import_id, importing)
        self._go_on(project.project_id, ready, None)

    def _gather(
        self, chosen: Format | None, source: Source, matching: Matching, report: _Report
    ) -> Counter[str]:
        """Put what a file says onto disk; gives how often each class is named.

        Raises:
            Invalid: nothing in it is of the format, or it has more classes than a project can.
        """
        if chosen is None or chosen.read is None:
            raise Unreadable(
                "unknown_format", "the format of this import is not known here any more"
            )
        classes: Counter[str] = Counter()
        for entry in chosen.read(source):
            if not isinstance(entry, Described):
                report.found(entry.kind, entry.where)
                continue
            matching.add(entry)
            classes.update(shape.class_name for shape in entry.shapes)
            if len(classes) > MAX_CLASSES:
                raise Unreadable(
                    "too_many_classes",
                    f"the file names more than {MAX_CLASSES:,} classes; is it this format?",
                )
        if not matching.images:
            raise Unreadable(
                "nothing_said",
                f"nothing in the file says anything of an image, read as {chosen.title}",
            )
        return classes

    def _with_classes(
        self, project: Project, known: Import, named: Mapping[str, int], report: _Report
    ) -> Project:
        """The project with what of the named classes it lacked, where that is wanted."""
        there = {key_of_path(class_.name) for class_ in project.classes}
        new: dict[str, str] = {}
        for name, count in named.items():
            key = key_of_path(name)
            if key in there or key in new:
                continue
            spelled = _class_name(name)
            if known.options.unknown_classes == "refuse" or spelled is None:
                report.unknown_classes[name[:200]] = count
            else:
                new[key] = spelled
        if not new:
            return project

        def added(old: Project) -> Project:
            mine = {key_of_path(class_.name) for class_ in old.classes}
            left = [NewClass(name=name) for key, name in new.items() if key not in mine]
            return with_classes(old, AddClasses(classes=left), by=known.created_by) if left else old

        # In the report before they are there: who does this again after a crash finds nothing to add.
        noted = {"new_classes": list(new.values())}
        self._change(project.project_id, known.import_id, lambda old: old.model_copy(update=noted))
        return self._projects.change(project.project_id, added)

    def _write_parts(
        self, project: Project, known: Import, matching: Matching
    ) -> tuple[list[Stretch], int]:
        """Keep what was found, shard by shard; gives the parts of each and how many images there are."""
        part = total = size = 0
        lines: list[str] = []
        shard = -1
        stretches: list[Stretch] = []

        def write() -> None:
            nonlocal part, size
            if lines:
                blob = layout.import_part(project.project_id, known.import_id, part)
                data = gzip.compress("\n".join([str(shard), *lines]).encode(), 5)
                self._storage.blobs.write(
                    layout.IMPORTS, blob, data, content_type="application/gzip"
                )
                part, size = part + 1, 0
                lines.clear()
                stretches[-1] = stretches[-1].model_copy(update={"end": part})

        for matched in matching.matched():
            if matched.shard != shard or len(lines) == PART_IMAGES or size > PART_BYTES:
                write()
            if matched.shard != shard:
                shard = matched.shard
                stretches.append(Stretch(first=part, next=part, end=part))
            lines.append(matched.line())
            size += len(lines[-1])
            total += 1
        write()
        return stretches, total

    # Taking in.

    def _take_part(self, project: Project, known: Import, part: int | None) -> None:
        """Take in a part, unless that was done, and let the next of its stretch follow; or that of all."""
        if part is not None and known.without(part) is not known:
            report = self._taken_in(project, known, part)

            def taken(old: Import) -> Import:
                left = old.without(part)
                return report.added_to(left) if left is not old else old

            place = layout.import_(known.import_id)
            before, known = self._documents.step(project.project_id, place, taken)
            if before.without(part) is before:
                return  # another process has taken it in meanwhile, and goes on
        self._go_on(project.project_id, known, part)

    def _go_on(self, project_id: str, known: Import, part: int | None) -> None:
        """Send what follows a part, or what is next of each stretch; the last one ends the import."""
        for following in known.following(part):
            self._send(project_id, known.import_id, following)
        if known.taken < known.parts:
            return
        now = self._storage.clock.now()
        self._change(
            project_id,
            known.import_id,
            lambda old: (
                old.model_copy(update={"state": "done", "finished_at": now})
                if old.state == "importing"
                else old
            ),
        )
        self._drop_parts(project_id, known)
        self._projects.note_activity(project_id, labeling=False)

    def _taken_in(self, project: Project, known: Import, part: int) -> _Report:
        blob = layout.import_part(project.project_id, known.import_id, part)
        head, *lines = (
            gzip.decompress(self._storage.blobs.read(layout.IMPORTS, blob)).decode().split("\n")
        )
        shard = int(head)
        report = _Report()
        self._take_in(project, known, shard, [Matched.of(shard, line) for line in lines], report)
        self._compact(project.project_id, shard)
        return report

    def _take_in(
        self,
        project: Project,
        known: Import,
        shard: int,
        matched: Sequence[Matched],
        report: _Report,
    ) -> None:
        items = self._projects.items(project)
        stored = self._stored(project, items, known, shard, matched)
        classes = {
            key_of_path(class_.name): class_.merged_into or class_.class_id
            for class_ in project.classes
        }
        attributes = {class_.class_id: class_.attributes for class_ in project.classes}
        ready: list[_Ready] = []
        for match in matched:
            item = stored.get(match.item_id)
            if item is None:
                report.left_out("not_in_project", match.name)
                continue
            try:
                taken = placed(
                    match.pieces,
                    item.item,
                    project.task_type,
                    classes,
                    attributes,
                    twins=project.twins,
                )
                if not taken.annotations and known.options.empty == "leave":
                    raise NotTaken("nothing_said")
                if not taken.annotations and project.task_type == "multiclass":
                    raise NotTaken("nothing_said")
                ready.append(self._made_ready(project, known, match, taken))
            except NotTaken as error:
                report.left_out(error.why, match.name)
                continue
            except TooLarge:
                report.left_out("too_large_labels", match.name)
                continue
            for kind in taken.altered:
                report.found(kind, match.name)
        if known.options.into == "labels":
            self._turns.each(
                ready,
                items.most_imported,
                IN_TURN,
                lambda some: self._save(items, shard, known, some, stored, report),
            )
        else:
            run_id = known.options.run_id or known.import_id
            run = self._prelabels.run(project.project_id, run_id, None, by=known.created_by)
            self._turns.each(
                ready,
                items.most_suggested,
                IN_TURN,
                lambda some: self._suggest(project, run, known, some, report),
            )

    def _stored(
        self,
        project: Project,
        items: Items,
        known: Import,
        shard: int,
        matched: Sequence[Matched],
    ) -> dict[str, Stored]:
        """The items as they are now; those that were not measured yet are, for sizes must be true."""
        wanted = [match.item_id for match in matched]
        found: dict[str, Stored] = {}
        if known.sparse:
            found = {stored.item.item_id: stored for stored in items.read_many(wanted) if stored}
        else:
            of_file = set(wanted)
            for stored in items.rows_between(shard, wanted[0], wanted[-1]):
                if stored.item.item_id in of_file:
                    found[stored.item.item_id] = stored
        waiting = [
            stored.item
            for stored in found.values()
            if not stored.item.width and not stored.item.barred
        ]
        for at in range(0, len(waiting), MEASURED_AT_ONCE):
            some = waiting[at : at + MEASURED_AT_ONCE]
            self._ingest.measure_items(project, some)
            fresh = items.read_many([item.item_id for item in some])
            found |= {stored.item.item_id: stored for stored in fresh if stored}
        return found

    def _made_ready(
        self, project: Project, known: Import, matched: Matched, taken: Placed
    ) -> _Ready:
        """What is to be kept of an image.

        Raises:
            TooLarge: more than is kept of one image.
        """
        if known.options.into == "suggestions":
            data = encoded(taken.annotations)
            pack("suggestion", data)
            return _Ready(matched.item_id, matched.name, len(taken.annotations), data=data)
        labeling = Labeling(
            outcome="labeled",
            annotations=taken.as_labels(),
            note=taken.note,
            labeler=known.created_by,
            saved_at=self._storage.clock.now(),
            classes_version=project.classes_version,
            submission_id=known.import_id,
        )
        data = labeling.model_dump_json().encode()
        pack("labels", data)
        return _Ready(matched.item_id, matched.name, len(taken.annotations), labeling, data)

    def _save(
        self,
        items: Items,
        shard: int,
        known: Import,
        some: Sequence[_Ready],
        stored: Mapping[str, Stored],
        report: _Report,
    ) -> None:
        for chunk in _fitting(some):
            became = items.take_in(
                shard,
                {ready.item_id: ready.labeling for ready in chunk if ready.labeling},
                by=known.created_by,
                known={ready.item_id: stored[ready.item_id] for ready in chunk},
            )
            for ready in chunk:
                report.became(ready, became[ready.item_id])

    def _suggest(
        self,
        project: Project,
        run: Run,
        known: Import,
        some: Sequence[_Ready],
        report: _Report,
    ) -> None:
        data = {ready.item_id: ready.data for ready in some}
        became = self._prelabels.keep(project, run, data, by=known.created_by)
        for ready in some:
            said = became[ready.item_id]
            blind = project.assist.is_blind(ready.item_id)
            report.became(ready, "blind" if said == "saved" and blind else said)

    # Keeping books.

    def _file(self, project_id: str, known: Import) -> Source | None:
        """The uploaded file, read as far as somebody looks into it; None while it is not there."""
        path = layout.import_blob(project_id, known.import_id)
        blob = self._storage.blobs.find(layout.IMPORTS, path)
        if blob is None:
            return None
        ranges = _Ranges(
            lambda start, length: self._storage.blobs.read(
                layout.IMPORTS, path, start=start, length=length
            ),
            blob.size,
        )
        return Source(known.file_name, io.BufferedReader(ranges, LOOK))

    def _download(self, blob: str, file: IO[bytes]) -> str:
        """Fetch a file piece by piece; gives the digest of what is in it."""
        digest = sha256()
        while piece := self._storage.blobs.read(
            layout.IMPORTS, blob, start=file.tell(), length=PIECE
        ):
            digest.update(piece)
            file.write(piece)
        return digest.hexdigest()

    def _change(
        self, project_id: str, import_id: str, change: Callable[[Import], Import]
    ) -> Import:
        return self._documents.change(project_id, layout.import_(import_id), change)

    def _send(self, project_id: str, import_id: str, part: int | None = None) -> None:
        step = ImportStep(project_id=project_id, import_id=import_id, part=part)
        self._storage.queues.send(layout.IMPORT_QUEUE, step)

    def _fail(
        self,
        project_id: str,
        import_id: str,
        problem: str,
        code: Problem | Literal["broken", ""] = "",
    ) -> None:
        said = {
            "state": "failed",
            "problem": problem,
            "problem_code": code,
            "finished_at": self._storage.clock.now(),
        }
        self._change(
            project_id,
            import_id,
            lambda old: (
                old.model_copy(update=said) if old.state in ("reading", "importing") else old
            ),
        )

    def _drop_parts(self, project_id: str, known: Import) -> None:
        for part in range(known.parts):
            blob = layout.import_part(project_id, known.import_id, part)
            self._storage.blobs.delete(layout.IMPORTS, blob)


@dataclass(frozen=True)
class _Ready:
    """What is to be kept of an image: labels, or suggestions as `data`."""

    item_id: str
    name: str
    annotations: int
    labeling: Labeling | None = None
    data: bytes = b""


class _Report:
    """What one step of an import found, to be added to its report."""

    def __init__(self) -> None:
        self.images = self.matched = self.saved = self.unchanged = self.annotations = 0
        self.unknown_classes: dict[str, int] = {}
        self._left_out: dict[Reason, Told] = {}
        self._found: dict[Found, Told] = {}

    def left_out(self, why: Reason, name: str) -> None:
        """An image that is not taken in."""
        _tell(self._left_out, why, name)

    def found(self, kind: Found, where: str) -> None:
        """Something that was left out of an image, or taken as something else."""
        _tell(self._found, kind, where)

    def became(self, ready: _Ready, what: Imported | Suggested | Literal["blind"]) -> None:
        """What became of an image that was ready."""
        if what == "saved":
            self.saved += 1
            self.annotations += ready.annotations
        elif what == "unchanged":
            self.unchanged += 1
        else:
            self.left_out(what, ready.name)

    def added_to(self, known: Import) -> Import:
        """The import with what was found."""
        numbers = ("images", "matched", "saved", "unchanged", "annotations")
        names = sorted(self.unknown_classes.items(), key=lambda counted: -counted[1])[
            :NAMED_CLASSES
        ]
        return known.model_copy(
            update={
                **{name: getattr(known, name) + getattr(self, name) for name in numbers},
                "left_out": _merged(known.left_out, self._left_out),
                "found": _merged(known.found, self._found),
                "unknown_classes": known.unknown_classes | dict(names),
            }
        )


Kind = TypeVar("Kind", bound=str)


def _tell(tally: dict[Kind, Told], kind: Kind, name: str) -> None:
    told = tally.get(kind, Told())
    named = [name[:LONGEST_NAME]] if len(told.first) < NAMED else []
    tally[kind] = Told(count=told.count + 1, first=[*told.first, *named])


def _merged(one: Mapping[Kind, Told], other: Mapping[Kind, Told]) -> dict[Kind, Told]:
    return {
        kind: Told(
            count=sum(told.count for told in both),
            first=[name for told in both for name in told.first][:NAMED],
        )
        for kind in sorted({*one, *other})
        if (both := [tally[kind] for tally in (one, other) if kind in tally])
    }


def _fitting(some: Sequence[_Ready]) -> Iterator[list[_Ready]]:
    """As many at a time as one transaction has room for."""
    chunk: list[_Ready] = []
    size = 0
    for ready in some:
        if chunk and size + len(ready.data) > AT_ONCE_BYTES:
            yield chunk
            chunk, size = [], 0
        chunk.append(ready)
        size += len(ready.data)
    if chunk:
        yield chunk


def _in_one_line(text: str) -> str:
    """What a parser says, which quotes the file: without what nobody sees, or what breaks lines."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())


def _class_name(name: str) -> str | None:
    """A class's name as a project has it, or None where it can't be one."""
    try:
        return path_of(name)
    except ValueError:
        return None


def _guess(known: Import, file: Source) -> str | None:
    try:
        found = guessed(file)
    except Failure:
        return None
    except (OSError, *_BROKEN) as error:
        if not _is_of_file(error):
            raise
        return None
    return found.name if found else None


_BROKEN = (
    ValueError,
    LookupError,  # of an encoding that nobody knows, too
    TypeError,
    AttributeError,
    ArithmeticError,
    EOFError,
    RuntimeError,
    NotImplementedError,
    csv.Error,
    ijson.JSONError,
    yaml.YAMLError,
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
    struct.error,
    ElementTree.ParseError,
)
"""What parsers raise at a file that is not as it should be."""


def _is_of_file(error: Exception) -> bool:
    """Whether an error tells of what is in a file: an archive may have parts before its beginning, or bz2 that
    is none. Others tell of what it lies on."""
    return not isinstance(error, OSError) or error.errno in (None, errno.EINVAL)


"""What parsers raise at a file that is not what it seems; zipfile at one with a password (RuntimeError)."""


class _Ranges(io.RawIOBase):
    """A blob as a file that can be sought in: what is read of it is fetched."""

    def __init__(self, read: Callable[[int, int], bytes], size: int) -> None:
        self._read, self._size, self._at = read, size, 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        at = offset + (0, self._at, self._size)[whence]
        if at < 0:
            raise OSError(errno.EINVAL, "before the beginning")
        self._at = at
        return at

    def readinto(self, buffer: Any, /) -> int:
        length = min(len(buffer), self._size - self._at)
        data = self._read(self._at, length) if length > 0 else b""
        buffer[: len(data)] = data
        self._at += len(data)
        return len(data)
