"""Submissions: what a labeler's decisions must hold, and what is answered item by item.

One bad shape does not hold up the other images of a page: each item is checked on its own.
"""

from __future__ import annotations

import hashlib
import json
import zlib
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import Field, ValidationError

from labeling.annotations.acceptance import PrelabelAnnotation
from labeling.annotations.attributes import fault_of_values
from labeling.annotations.classes import LabelClass
from labeling.annotations.geometry import fault_of
from labeling.annotations.shapes import MAX_ANNOTATIONS, Annotation, TaskType
from labeling.annotations.task_types import TASK_TYPES
from labeling.annotations.twins import twin_of
from labeling.errors import Failure, Fault, Invalid, faults_of
from labeling.items.cells import MAX_LABELS_BYTES
from labeling.items.records import (
    Decision,
    Item,
    Labeling,
    Late,
    NotReopened,
    Outcome,
    Overtaken,
)
from labeling.items.tasks import Finished, LeasedItem, Task
from labeling.media.frames import size_of
from labeling.model import Id, Model, read
from labeling.projects.projects import Project

MAX_SIZE = 24
"""Items on a page: labels, history, listing and late work of each must fit one transaction of 100."""

MAX_SUBMISSION_BYTES = 8_000_000
"""Of one image with very many points. What can be kept is decided after compression."""


class SubmittedItem(Model):
    """What a labeler decided about one image."""

    item_id: Id
    base_revision: Annotated[int, Field(ge=0)] | None = None
    outcome: Outcome
    annotations: Annotated[list[Annotation], Field(max_length=MAX_ANNOTATIONS)] = []
    reason: Annotated[str, Field(max_length=2_000)] | None = None
    note: Annotated[str, Field(max_length=2_000)] | None = None
    active_ms: Annotated[int, Field(ge=0, le=86_400_000)] = 0


class Submission(Model):
    """Decisions on items of a task; those not named stay open. Safe to send again as it is."""

    submission_id: Id
    classes_version: Annotated[int, Field(ge=1)]
    items: Annotated[list[SubmittedItem], Field(min_length=1, max_length=MAX_SIZE)]


class SubmissionEnvelope(Model):
    """A submission whose items are checked one by one, so that one bad shape does not hold up the rest."""

    submission_id: Id
    classes_version: Annotated[int, Field(ge=1)]
    items: Annotated[list[dict[str, Any]], Field(min_length=1, max_length=MAX_SIZE)]


class Problem(Model):
    """Why an item was refused."""

    type: str
    pointer: str
    detail: str


class Result(Model):
    """What became of one item of a submission. `by`, in words, and `why` where it was superseded."""

    item_id: str
    status: Literal["saved", "saved_late", "superseded", "refused"]
    revision: int | None = None
    by: str | None = None
    why: Overtaken | None = None
    problem: Problem | None = None


class SubmitAnswer(Model):
    """What became of each item, in the order they were sent."""

    task_state: Literal["open", "closed"]
    results: list[Result]


def digest_of(envelope: SubmissionEnvelope) -> str:
    """What tells one submission from another, whatever the order of its fields."""
    # By hand: items are whatever was sent, perhaps text that is no Unicode, or nested very deep.
    whole = [envelope.submission_id, envelope.classes_version, envelope.items]
    canonical = json.dumps(whole, sort_keys=True, ensure_ascii=False, separators=(",", ":")).encode(
        errors="surrogatepass"
    )
    return hashlib.sha256(canonical).hexdigest()


def check(
    envelope: SubmissionEnvelope,
    project: Project,
    items: Mapping[str, Item],
    *,
    by: str,
    now: datetime,
) -> list[tuple[str, Decision | Problem]]:
    """Each item of a submission, with what was decided about it or what is wrong with that.

    Args:
        envelope: what was sent.
        project: it is for.
        items: of the task, by id; what is drawn must be on a frame of them and be seen there.
        by: the labeler.
        now: the moment.
    """
    checked: list[tuple[str, Decision | Problem]] = []
    known = {class_.class_id: class_ for class_ in project.classes}
    room = _Room()
    for index, raw in enumerate(envelope.items):
        item_id = str(raw.get("item_id", ""))[:64].encode("ascii", "replace").decode()
        try:
            one = read(SubmittedItem, raw)
            _follow_rules(one, project, known, items.get(one.item_id))
        except ValidationError as error:
            checked.append((item_id, problem_of(faults_of(error)[0], index)))
            continue
        except Invalid as error:
            checked.append((item_id, problem_of(error.faults[0], index)))
            continue
        labeling = Labeling(
            outcome=one.outcome,
            annotations=one.annotations,
            reason=one.reason,
            note=one.note,
            labeler=by,
            saved_at=now,
            active_ms=one.active_ms,
            classes_version=envelope.classes_version,
            submission_id=envelope.submission_id,
        )
        fault = room.take(labeling)
        checked.append(
            (one.item_id, problem_of(fault, index))
            if fault
            else (one.item_id, Decision(one.item_id, one.base_revision, labeling))
        )
    return checked


class _Room:
    """What is left of what one transaction holds, for images with very many points.

    Those of a page that come with little fit beside them however many they are.
    """

    def __init__(self) -> None:
        self._left = MAX_LABELS_BYTES

    def take(self, labeling: Labeling) -> Fault | None:
        """Take the room that labels need, or say why there is none."""
        data = labeling.model_dump_json().encode()
        if len(data) <= _LITTLE:
            return None
        size = len(zlib.compress(data, 6))
        if size > MAX_LABELS_BYTES:
            detail = (
                f"the labels of this image have {size:,} bytes after compression; at most "
                f"{MAX_LABELS_BYTES:,} are kept of one image: simplify outlines, or draw fewer"
            )
            return Fault("/annotations", "too-large", detail)
        if size > self._left:
            detail = (
                "the labels of this image don't fit beside those before it; submit it once more"
            )
            return Fault("/annotations", "too-large-together", detail)
        self._left -= size
        return None


_LITTLE = 32 * 1024


def judge(
    checked: Sequence[tuple[str, Decision | Problem]], task: Task
) -> tuple[SubmitAnswer, list[Decision]]:
    """What to save of a submission for an open task, and what is answered once it is saved."""
    held = {item.item.item_id: item for item in task.held}
    results: list[Result] = []
    decisions: list[Decision] = []
    seen: set[str] = set()
    for index, (item_id, decision) in enumerate(checked):
        result = _not_open(item_id, held, task, index) or _twice(item_id, seen, index)
        seen.add(item_id)
        if result is None and isinstance(decision, Problem):
            result = Result(item_id=item_id, status="refused", problem=decision)
        if result is None:
            assert isinstance(decision, Decision)
            decisions.append(decision)
            revision = held[item_id].item.revision + 1
            result = Result(item_id=item_id, status="saved", revision=revision)
        results.append(result)
    left = len(held) - len(decisions)
    return SubmitAnswer(task_state="open" if left else "closed", results=results), decisions


def judge_late(
    checked: Sequence[tuple[str, Decision | Problem]], finished: Finished
) -> tuple[list[Decision], Callable[[Late], SubmitAnswer]]:
    """What may be saved of a submission for a task that is over, and how to answer what became of it."""
    decisions: list[Decision] = []
    refused: dict[int, Result] = {}
    for index, (item_id, decision) in enumerate(checked):
        twice = _twice(item_id, {other for other, _ in checked[:index]}, index)
        if item_id not in finished.items:
            refused[index] = _stranger(item_id, index)
        elif twice:
            refused[index] = twice
        elif isinstance(decision, Problem):
            refused[index] = Result(item_id=item_id, status="refused", problem=decision)
        else:
            decisions.append(decision)

    def answer(late: Late) -> SubmitAnswer:
        by_item = {item_id: Result(item_id=item_id, status="saved_late") for item_id in late.saved}
        by_item |= {
            item_id: Result(
                item_id=item_id,
                status="superseded",
                why=(why := late.why.get(item_id, "somebody")),
                by=_OVERTAKEN[why],
            )
            for item_id in late.superseded
        }
        return SubmitAnswer(
            task_state="closed",
            results=[
                refused.get(index) or by_item[item_id]
                for index, (item_id, _) in enumerate(checked)
                if index in refused or item_id in by_item
            ],
        )

    return decisions, answer


_OVERTAKEN: dict[Overtaken, str] = {
    "submitted": "you have submitted this image before; open it again to change it",
    "open": "you have this image open in another page",
    "unusable": "the image can't be used any more",
    "changed": "the image has changed since, or a reviewer sent it back",
    "somebody": "the image was given to somebody else while you were away",
}


NOT_REOPENED: Mapping[NotReopened, Fault] = {
    "open": Fault(
        "/items", "open-elsewhere", "you have this image open in another page; go on there"
    ),
    "unusable": Fault("/items", "unusable", "the image can't be used any more"),
    "waiting": Fault(
        "/items", "waits-again", "the image waits to be labeled anew; ask for the next page"
    ),
    "somebody": Fault("/items", "somebody-else", "somebody else has had the image since"),
}


def as_before(before: tuple[str, bytes], digest: str) -> SubmitAnswer:
    """The answer a submission was given the first time.

    Raises:
        Invalid: its id was used with another body.
    """
    if before[0] != digest:
        raise Invalid("this submission_id was used with another body; use a new one")
    return SubmitAnswer.model_validate_json(before[1])


def nothing_saved(answer: SubmitAnswer) -> Failure:
    """The failure of a submission of which nothing could be saved, pointing at each reason."""
    problems = [result.problem for result in answer.results if result.problem]
    detail = problems[0].detail if problems else "nothing in this submission could be saved"
    return Invalid(
        f"nothing was saved: {detail}",
        faults=tuple(Fault(problem.pointer, problem.type, problem.detail) for problem in problems),
    )


def _not_open(
    item_id: str, held: Mapping[str, LeasedItem], task: Task, index: int
) -> Result | None:
    if item_id in held:
        return None
    if item_id not in task.everything:
        return _stranger(item_id, index)
    problem = Problem(
        type="not-open",
        pointer=f"/items/{index}/item_id",
        detail="this item was submitted or given back before; if you submitted it, reopen it to change it",
    )
    return Result(item_id=item_id, status="refused", problem=problem)


def _stranger(item_id: str, index: int) -> Result:
    problem = Problem(
        type="not-in-task",
        pointer=f"/items/{index}/item_id",
        detail="this item is not part of the task",
    )
    return Result(item_id=item_id, status="refused", problem=problem)


def _twice(item_id: str, seen: set[str], index: int) -> Result | None:
    if item_id not in seen:
        return None
    problem = Problem(
        type="duplicate", pointer=f"/items/{index}/item_id", detail="this item is there twice"
    )
    return Result(item_id=item_id, status="refused", problem=problem)


def _follow_rules(
    one: SubmittedItem, project: Project, classes: Mapping[str, LabelClass], item: Item | None
) -> None:
    """What a decision must hold, beyond its form.

    Raises:
        Invalid: with one fault that points into the item.
    """
    check_annotations(one.annotations, project, classes, complete=one.outcome == "labeled")
    if item:
        check_on_image(one.annotations, item)
    if one.outcome == "skipped" and one.annotations:
        raise _refused("/annotations", "skipped-with-labels", "a skipped image has no annotations")
    if one.outcome == "labeled":
        check_tags(one.annotations, project.task_type)


def _refused(pointer: str, code: str, detail: str) -> Invalid:
    return Invalid(detail, faults=(Fault(pointer, code, detail),))


def check_annotations(
    annotations: Sequence[Annotation | PrelabelAnnotation],
    project: Project,
    classes: Mapping[str, LabelClass],
    *,
    complete: bool,
) -> None:
    """What each annotation must hold: a class of the project, what that asks of it, its kind of geometry,
    its own id and, unless the project takes twins, its own place. Where it has to be `complete`, nothing that
    is required is left out.

    Raises:
        Invalid: with one fault that points into the item.
    """
    ids: set[str] = set()
    for index, annotation in enumerate(annotations):
        at = f"/annotations/{index}"
        if annotation.class_id not in classes:
            raise _refused(
                f"{at}/class_id", "unknown-class", f"there is no class {annotation.class_id!r}"
            )
        wanted = TASK_TYPES[project.task_type].geometry
        if annotation.geometry.kind != wanted:
            raise _refused(
                f"{at}/geometry/kind",
                "wrong-geometry",
                f"this project takes {wanted} annotations",
            )
        fault = fault_of_values(
            annotation.attributes, classes[annotation.class_id].attributes, complete=complete
        )
        if fault:
            raise _refused(f"{at}{fault.pointer}", fault.code, fault.detail)
        if annotation.annotation_id in ids:
            raise _refused(f"{at}/annotation_id", "duplicate", "this annotation_id is there twice")
        ids.add(annotation.annotation_id)
    twin = None if project.twins else twin_of(annotations)
    if twin is not None:
        detail = "this shape lies exactly on another of its class; take one of them away"
        raise _refused(f"/annotations/{twin}/geometry", "twin", detail)


def check_on_image(annotations: Sequence[Annotation | PrelabelAnnotation], item: Item) -> None:
    """That each annotation is on a frame of the image, its shape can be seen there and its rings add up.

    Raises:
        Invalid: with one fault that points into the item.
    """
    for index, annotation in enumerate(annotations):
        at = f"/annotations/{index}"
        if annotation.frame and item.width and annotation.frame >= item.frames:
            frames = f"{item.frames} frame{'s' if item.frames > 1 else ''}"
            detail = f"the image has {frames}, counted from 0"
            raise _refused(f"{at}/frame", "no-such-frame", detail)
        size = size_of(item.frame_sizes, annotation.frame) or (item.width, item.height)
        fault = fault_of(annotation.geometry, *size)
        if fault:
            raise _refused(f"{at}/geometry{fault.pointer}", fault.code, fault.detail)


def check_tags(annotations: Sequence[Annotation | PrelabelAnnotation], task_type: TaskType) -> None:
    """How many tags, where the project takes tags. None of several says that nothing is there.

    Raises:
        Invalid: with one fault that points into the item.
    """
    rules = TASK_TYPES[task_type]
    if rules.geometry != "tag":
        return
    tags = [annotation.class_id for annotation in annotations]
    if rules.classes == "one" and len(tags) != 1:
        raise _refused("/annotations", "one-tag", "an image of this project gets exactly one tag")
    if len(set(tags)) != len(tags):
        raise _refused("/annotations", "duplicate-tag", "a tag is there twice")


def problem_of(fault: Fault, index: int) -> Problem:
    """A fault in an item as a problem of what was sent."""
    return Problem(type=fault.code, pointer=f"/items/{index}{fault.pointer}", detail=fault.detail)
