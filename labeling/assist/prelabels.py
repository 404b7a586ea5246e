"""Prelabels from anywhere: suggestions that a labeler accepts or mends instead of starting from nothing."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Annotated, Any, Literal

from pydantic import Field, ValidationError, model_validator

from labeling import layout
from labeling.annotations.acceptance import PrelabelAnnotation, decoded, encoded
from labeling.annotations.attributes import AttributeValues
from labeling.annotations.classes import key_of_path
from labeling.annotations.merging import remapped
from labeling.annotations.shapes import MAX_ANNOTATIONS, Geometry, Tag
from labeling.errors import Conflict, Fault, Invalid, TooLarge, faults_of
from labeling.items.cells import pack
from labeling.items.records import Run, Suggested
from labeling.model import Fraction, Id, Model, UtcTime, from_milliseconds, milliseconds, read
from labeling.projects.projects import Project, ProjectAccess, Projects
from labeling.storage import Create, Storage, insist
from labeling.tasks.submissions import (
    Problem,
    check_annotations,
    check_on_image,
    check_tags,
    problem_of,
)

MAX_ITEMS = 500
_CLOCKS = timedelta(minutes=5)  # by which another's may be ahead


class SuggestedAnnotation(Model):
    """One suggestion. The class by its id or by its name, such as `Animal/Cat`."""

    annotation_id: Id | None = None
    class_id: Id | None = None
    class_name: Annotated[str | None, Field(alias="class", max_length=2_000)] = None
    confidence: Fraction | None = None
    frame: Annotated[int, Field(ge=0)] = 0
    geometry: Geometry = Tag()
    attributes: AttributeValues = {}

    @model_validator(mode="after")
    def _of_one_class(self) -> SuggestedAnnotation:
        if (self.class_id is None) == (self.class_name is None):
            raise ValueError("name the class by class_id or by class")
        return self


class SuggestedItem(Model):
    """Suggestions for one image; none: take them away.

    It is named by its id or by its path: as it was uploaded, or in its container, with or without the folder
    that the project's dataset begins with.
    """

    item_id: Id | None = None
    path: Annotated[str, Field(min_length=1, max_length=1_024)] | None = None
    annotations: Annotated[list[SuggestedAnnotation], Field(max_length=MAX_ANNOTATIONS)]

    @model_validator(mode="after")
    def _one_name(self) -> SuggestedItem:
        if (self.item_id is None) == (self.path is None):
            raise ValueError("name the image by item_id or by path")
        return self


class PrelabelBatch(Model):
    """Suggestions of a run: a model, a script, an older system. Safe to send again as it is.

    Of two runs the one with the later `created_at` wins, whichever comes first; left out, it is the moment
    of the run's first batch. What a run has said about an image stands: to say otherwise, begin another.
    """

    run_id: Id
    created_at: UtcTime | None = None
    items: Annotated[list[SuggestedItem], Field(min_length=1, max_length=MAX_ITEMS)]


class PrelabelEnvelope(Model):
    """A batch whose items are checked one by one, so that one bad shape does not hold up the rest."""

    run_id: Id
    created_at: UtcTime | None = None
    items: Annotated[list[dict[str, Any]], Field(min_length=1, max_length=MAX_ITEMS)]


class PrelabelResult(Model):
    """What became of the suggestions for one image.

    `unchanged`: the run said so before. `superseded`: a newer run has spoken, or somebody has labeled it.
    `blind`: the image is kept without suggestions, so that their effect can be measured.
    """

    item_id: str
    status: Literal["saved", "unchanged", "superseded", "blind", "unknown_item", "refused"]
    by: str | None = None
    problem: Problem | None = None


class PrelabelAnswer(Model):
    """One result an item, in the order they were sent."""

    results: list[PrelabelResult]


class Prelabels:
    """Takes suggestions in."""

    def __init__(self, storage: Storage, projects: Projects) -> None:
        self._storage = storage
        self._projects = projects
        self._runs: dict[tuple[str, str], int] = {}

    def put(self, opened: ProjectAccess, batch: PrelabelEnvelope, *, by: str) -> PrelabelAnswer:
        """Keep the suggestions of a batch, each item on its own. Safe to repeat.

        Raises:
            Conflict: the project's images are not listed yet.
            Invalid: `created_at` lies in the future, or is another than the run had before.
        """
        project = opened.project
        if not project.shards:
            raise Conflict(f"the project is {project.state}; wait until its images are listed")
        run = self.run(project.project_id, batch.run_id, batch.created_at, by=by)
        results: dict[int, PrelabelResult] = {}
        ready: dict[str, tuple[int, bytes]] = {}
        check = _Check(project)
        for index, raw in enumerate(batch.items):
            found = check.item(raw, index)
            if isinstance(found, PrelabelResult):
                results[index] = found
            elif found[0] in ready:
                results[index] = _refused(found[0], _TWICE, index)
            else:
                ready[found[0]] = (index, found[1])
        for item_id, fault in self._misplaced(opened, ready).items():
            index = ready.pop(item_id)[0]
            results[index] = _refused(item_id, fault, index)
        data = {item_id: suggested for item_id, (_, suggested) in ready.items()}
        for item_id, became in self.keep(project, run, data, by=by).items():
            index, blind = ready[item_id][0], project.assist.is_blind(item_id)
            results[index] = _result(item_id, became, index, blind=blind)
        return PrelabelAnswer(results=[results[index] for index in range(len(batch.items))])

    def _misplaced(
        self, opened: ProjectAccess, ready: Mapping[str, tuple[int, bytes]]
    ) -> dict[str, Fault]:
        """What is wrong with where something is, by item: on no frame, not to be seen, not adding up.

        A tag of the first frame is on every image: those are not read.
        """
        said = {item_id: decoded(data) for item_id, (_, data) in ready.items()}
        places = {
            item_id: annotations
            for item_id, annotations in said.items()
            if any(
                annotation.frame or not isinstance(annotation.geometry, Tag)
                for annotation in annotations
            )
        }
        faults: dict[str, Fault] = {}
        for item_id, stored in zip(places, opened.items.read_many(list(places)), strict=True):
            try:
                if stored:
                    check_on_image(places[item_id], stored.item)
            except Invalid as error:
                faults[item_id] = error.faults[0]
        return faults

    def keep(
        self, project: Project, run: Run, data: Mapping[str, bytes], *, by: str
    ) -> dict[str, Suggested]:
        """Note what a run suggests for items, which was found to be in order; `encoded`, by item."""
        items = self._projects.items(project)
        blind = {item_id for item_id in data if project.assist.is_blind(item_id)}
        by_shard: defaultdict[int, list[str]] = defaultdict(list)
        for item_id in data:
            by_shard[items.shard_of(item_id)].append(item_id)
        # Before the first of them is there: whoever sends a batch again may find nothing left to write.
        if layout.PRELABELED not in project.queues and any(
            said for item_id, said in data.items() if item_id not in blind
        ):
            self._projects.use_queue(project.project_id, layout.PRELABELED)
        became: dict[str, Suggested] = {}
        for shard, ids in by_shard.items():
            for at in range(0, len(ids), items.most_suggested):
                some = {item_id: data[item_id] for item_id in ids[at : at + items.most_suggested]}
                became |= items.suggest(shard, run, some, by=by, blind=blind)
        return became

    def run(self, project_id: str, run_id: str, created_at: datetime | None, *, by: str) -> Run:
        """A run with its time, which its first batch decides for good.

        Raises:
            Invalid: `created_at` lies in the future, or is another than the run had before.
        """
        now = self._storage.clock.now()
        if created_at and created_at > now + _CLOCKS:
            raise _of_run("future", "created_at lies in the future; leave it out for now")
        known = (project_id, run_id)
        if known not in self._runs:
            if len(self._runs) > 1_000:
                self._runs.clear()
            self._runs[known] = self._first(*known, milliseconds(created_at or now), by)
        run = Run(run_id, self._runs[known])
        if created_at and milliseconds(created_at) != run.created_ms:
            began = from_milliseconds(run.created_ms).isoformat()
            raise _of_run("another-time", f"this run was created at {began}; use a new run_id")
        return run

    def _first(self, project_id: str, run_id: str, created_ms: int, by: str) -> int:
        key = layout.run(run_id)

        def once() -> int:
            row = self._storage.tables.get(layout.PROJECTS, project_id, key)
            if row:
                return row.number("created_ms")
            first_ms = milliseconds(self._storage.clock.now())
            cells = {"schema": 1, "created_ms": created_ms, "first_ms": first_ms, "by": by}
            # Where another batch of it is first, its time counts.
            self._storage.tables.transact(layout.PROJECTS, project_id, [Create(key, cells)])
            return created_ms

        return insist(self._storage, once)


def _of_run(code: str, detail: str) -> Invalid:
    return Invalid(detail, faults=(Fault("/created_at", code, detail),))


class _Check:
    """What a suggestion for an image of this project must hold."""

    def __init__(self, project: Project) -> None:
        self._project = project
        self._source = project.source
        self._ids = {class_.class_id: class_ for class_ in project.offered}
        self._merged = project.merged
        self._id_of = {
            key_of_path(class_.name): now
            for class_ in project.classes
            if (now := class_.merged_into or class_.class_id) in self._ids
        }

    def item(self, raw: Mapping[str, Any], index: int) -> tuple[str, bytes] | PrelabelResult:
        """The item and its suggestions, encoded; or why they are refused."""
        name, path = raw.get("item_id"), raw.get("path")
        item_id = str(name)[:64] if name or not path else self._item_of(str(path))
        try:
            one = read(SuggestedItem, raw)
            said = [self._annotation(*pair) for pair in enumerate(one.annotations)]
            annotations = remapped(said, self._merged)
            check_annotations(annotations, self._project, self._ids, complete=False)
            if annotations:
                check_tags(annotations, self._project.task_type)
            data = encoded(annotations)
            pack("suggestion", data)
        except ValidationError as error:
            return _refused(item_id, faults_of(error)[0], index)
        except Invalid as error:
            return _refused(item_id, error.faults[0], index)
        except TooLarge as error:
            return _refused(item_id, Fault("/annotations", "too-large", error.detail), index)
        return item_id, data

    def _item_of(self, path: str) -> str:
        return layout.item_id(self._source.container, self._source.meant(path))

    def _annotation(self, number: int, annotation: SuggestedAnnotation) -> PrelabelAnnotation:
        class_id = annotation.class_id or self._id_of.get(key_of_path(annotation.class_name or ""))
        if class_id is None:
            detail = f"there is no class {annotation.class_name!r}"
            fault = Fault(f"/annotations/{number}/class", "unknown-class", detail)
            raise Invalid(detail, faults=(fault,))
        return PrelabelAnnotation(
            annotation_id=annotation.annotation_id or f"p{number + 1}",
            class_id=class_id,
            confidence=annotation.confidence,
            frame=annotation.frame,
            geometry=annotation.geometry,
            attributes=annotation.attributes,
        )


_TWICE = Fault("", "duplicate", "this image is there twice")
_OTHERWISE = Fault(
    "/annotations", "said-otherwise", "this run has suggested something else; begin a new run"
)
_UNREADABLE = Fault("", "not-to-label", "this image is not to be labeled")


def _refused(item_id: str, fault: Fault, index: int) -> PrelabelResult:
    return PrelabelResult(item_id=item_id, status="refused", problem=problem_of(fault, index))


def _result(item_id: str, became: Suggested, index: int, *, blind: bool) -> PrelabelResult:
    match became:
        case "saved" | "unchanged":
            return PrelabelResult(item_id=item_id, status="blind" if blind else became)
        case "older":
            by = "a newer run has suggested something for it"
            return PrelabelResult(item_id=item_id, status="superseded", by=by)
        case "labeled":
            by = "somebody has labeled it"
            return PrelabelResult(item_id=item_id, status="superseded", by=by)
        case "contradicts":
            return _refused(item_id, _OTHERWISE, index)
        case "barred":
            return _refused(item_id, _UNREADABLE, index)
        case "unknown":
            return PrelabelResult(item_id=item_id, status="unknown_item")
