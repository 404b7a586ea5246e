"""What is kept of a project, and what may become of it: pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, StringConstraints, field_validator

from labeling import layout
from labeling.annotations.attributes import Attribute, Attributes
from labeling.annotations.classes import (
    COLOURS,
    MAX_CLASSES,
    ClassName,
    Examples,
    LabelClass,
    NewClass,
    coloured,
    with_added,
    with_colour,
)
from labeling.annotations.shapes import TaskType
from labeling.documents import Documents
from labeling.errors import Conflict, Fault, Invalid, NotFound, PreconditionFailed
from labeling.items.cells import pack, unpack
from labeling.model import Id, Model, UtcTime
from labeling.names import Name, different, spelled, without_comma
from labeling.projects.access import Role
from labeling.projects.assist import AssistChange, AssistSettings
from labeling.projects.datasets import Source
from labeling.quality.assignment import Assignments, Audiences
from labeling.quality.honeypots import HoneypotSettings
from labeling.quality.overlap import Overlap
from labeling.storage import Row, Storage, Value

ProjectState = Literal["initializing", "running", "paused", "updating", "failed", "deleted"]


MOST_TOPICS = 20
"""Topics that a project may have."""

Team = Annotated[
    str,
    StringConstraints(strip_whitespace=True, max_length=80),
    AfterValidator(lambda name: spelled(name) if name else ""),
]
"""Whose project it is; may be empty."""

Topic = Annotated[
    str,
    StringConstraints(strip_whitespace=True, max_length=40),
    AfterValidator(without_comma),
    AfterValidator(spelled),
]

Topics = Annotated[list[Topic], Field(max_length=MOST_TOPICS), AfterValidator(different)]
"""Words to find a project by. Two are the same when `names.key_of` both is."""


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
    """A project to be made. Its name can never be used again, its type and dataset never change.

    Its classes get the ids `c1`, `c2`, ... in their order. `assignments`, which may name these, hold from the
    first image on.
    `twins`: a shape may lie exactly on another of its class, as things that can't be told apart do.
    `team` and `topics`: words to find it by.
    """

    name: Name
    task_type: TaskType
    dataset_id: Id
    classes: Annotated[list[NewClass], Field(max_length=2_000)] = []
    instructions: Instructions = Instructions()
    incremental_refresh: bool = True
    assist: AssistSettings = AssistSettings()
    overlap: Overlap = Overlap()
    honeypots: HoneypotSettings = HoneypotSettings()
    assignments: Assignments = []
    twins: bool = False
    team: Team = ""
    topics: Topics = []


class ProjectChange(Model):
    """What can be changed of a project; what is left out stays.

    `overlap` holds for images that nobody has begun: what is in hands or labeled keeps the number it has.
    `assignments` are all rules there are from now on; what is in hands stays there. So are `topics` all topics.
    """

    instructions: Instructions | None = None
    incremental_refresh: bool | None = None
    assist: AssistChange | None = None
    overlap: Overlap | None = None
    honeypots: HoneypotSettings | None = None
    assignments: Assignments | None = None
    twins: bool | None = None
    team: Team | None = None
    topics: Topics | None = None


class AddClasses(Model):
    """Classes to be added. `continue`: what was labeled stays as it is, the rest has the new classes too.

    `start_over_keeping`: everything is labeled again, beginning with the labels it has. `start_over_removing`:
    everything is labeled again from nothing; history keeps the labels. Until that is done the project is
    `updating` and hands out nothing. What labelers hold at that moment stays theirs to submit.
    """

    classes: Annotated[list[NewClass], Field(min_length=1, max_length=2_000)]
    then: Annotated[
        Literal["continue", "start_over_keeping", "start_over_removing"],
        Field(description="what happens to labels made so far"),
    ] = "continue"


class ClassChange(Model):
    """A class's new name (a path such as `Animal/Cat`), description, examples, attributes, place or colour;
    what is left out stays.

    `attributes` are all that it has from now on. Labels keep what was said of one that is no longer there.

    `position` is its place in the order of keys, from 1; the last one where there are fewer. Whichever class
    has the `colour` gets this one's. What is `retired` is no longer offered nor suggested, and labels that have
    it keep it; with `retired` false it is offered again.
    """

    name: ClassName | None = None
    description: Annotated[str, Field(max_length=2_000)] | None = None
    examples: Examples | None = None
    attributes: Attributes | None = None
    position: Annotated[int, Field(ge=1, le=MAX_CLASSES)] | None = None
    colour: Annotated[int, Field(ge=0, lt=COLOURS)] | None = None
    retired: bool | None = None


class MergeClass(Model):
    """All labels of a class become those of `into`. It can't be undone; history keeps what was said before."""

    into: Id


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
    attributes: list[Attribute]
    colour: int
    retired: bool
    merged_into: str


class Restart(Model):
    """Labeling that starts over: what was labeled with classes before `version`, in the shards `left`."""

    version: int
    keep: bool
    by: str
    left: list[int]
    then: Literal["running", "paused"]


class Project(Model):
    """A project as it is kept. `restart`: while it is `updating`, what is to be labeled again."""

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
    restart: Restart | None = None
    assist: AssistSettings = AssistSettings()
    seed: str
    shards: int = 0
    overlap: Overlap = Overlap()
    honeypots: HoneypotSettings = HoneypotSettings()
    assignments: Assignments = []
    twins: bool = False
    team: str = ""
    topics: list[str] = []
    lanes_before: int = 1
    """The most places that an earlier `overlap` gave an item."""
    queues: list[str] = [layout.MANUAL]
    created_at: UtcTime
    created_by: str
    complete_at: UtcTime | None = None
    """When all images of the first listing were there. Projects made before this was kept have none."""
    request_digest: str = ""
    version: int = 1

    @property
    def offered(self) -> list[LabelClass]:
        """The classes that labelers can choose."""
        return [class_ for class_ in self.classes if not class_.retired and not class_.merged_into]

    def had_all(self, moment: UtcTime) -> bool:
        """Whether all images of the first listing were there: else chance drew from some of them alone."""
        if self.complete_at is None:
            return self.state not in ("initializing", "failed")
        return moment >= self.complete_at

    @property
    def audiences(self) -> Audiences:
        """Whom its images wait for."""
        typed = [assignment.folder for assignment in self.assignments if assignment.folder]
        folders = {one: self.source.meant(f"{one.strip('/')}/") for one in typed}
        return Audiences.by(self.assignments, folders=folders, merged=self.merged)

    @property
    def merged(self) -> Mapping[str, str]:
        """By class that became another, which."""
        return {
            class_.class_id: class_.merged_into for class_ in self.classes if class_.merged_into
        }

    @field_validator("classes")
    @classmethod
    def _coloured(cls, classes: list[LabelClass]) -> list[LabelClass]:
        return coloured(classes)

    @field_validator("overlap", mode="before")
    @classmethod
    def _of_a_number(cls, kept: object) -> object:
        # Projects made before labelers could disagree kept a number.
        return {"labelers": kept} if isinstance(kept, int) else kept

    @property
    def lanes(self) -> int:
        """Places that an item may have: one that was begun keeps them when `overlap` gives fewer."""
        return max(self.lanes_before, self.overlap.most)


class ProjectView(Model):
    """A project as the API shows it. `honeypots` and `assignments` are null for all but admins."""

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
    assist: AssistSettings
    overlap: Overlap
    honeypots: HoneypotSettings | None
    assignments: Assignments | None
    twins: bool
    team: str
    topics: list[str]
    created_at: UtcTime
    my_role: Role
    version: int


class DeletedProject(Model):
    """A project that was deleted: its labels are kept, and it can be brought back."""

    project_id: str
    name: str
    task_type: TaskType
    deleted_at: UtcTime


class ProjectLine(Model):
    """A project in the list, with its counts as of `counted_at` (a minute old at most).

    `total` is of images to be labeled, without those that can't be used or are left out, as on its own page.
    Those are `unusable`. `returned`: images that were sent back and wait for their labeler or for anyone, null
    for labelers; `returned_to_me`: those that wait for the caller. `active`: people who hold images.
    `last_day`: when somebody labeled last (UTC). `cover`: signed addresses of up to four of its images, for
    reviewers and admins.
    """

    project_id: str
    name: str
    team: str
    topics: list[str]
    task_type: TaskType
    state: ProjectState
    my_role: Role
    total: int
    unusable: int
    labeled: int
    waiting: int
    returned: int | None
    returned_to_me: int
    active: int
    last_day: date | None
    cover: list[str]
    created_at: UtcTime
    counted_at: UtcTime | None


def patched(old: Project, change: ProjectChange, *, version: int) -> Project:
    """A project with some of its settings changed.

    Raises:
        Invalid: assist is not for this type of project, or a rule names a class that is not there.
        PreconditionFailed: somebody changed the project since `version`.
    """
    if old.version != version:
        raise PreconditionFailed("somebody changed this project; load it again")
    update: dict[str, object] = {}
    if change.instructions is not None and change.instructions != old.instructions:
        update["instructions"] = change.instructions
        update["instructions_version"] = old.instructions_version + 1
    if change.assist is not None:
        update["assist"] = change.assist.applied(old.assist)
    if change.assignments is not None:
        update["assignments"] = of_classes(change.assignments, old.classes)
    for setting in ("incremental_refresh", "honeypots", "twins", "team", "topics"):
        if (wanted := getattr(change, setting)) is not None:
            update[setting] = wanted
    if change.overlap is not None:
        update["overlap"] = change.overlap
        update["lanes_before"] = old.lanes
    return old.model_copy(update=update)


def of_classes(rules: Assignments, classes: Sequence[LabelClass]) -> Assignments:
    """The rules of a project that has these classes.

    Raises:
        Invalid: one names another class.
    """
    known = {class_.class_id for class_ in classes}
    faults = [
        Fault(f"/assignments/{at}/class_id", "unknown-class", f"there is no class {rule.class_id}")
        for at, rule in enumerate(rules)
        if rule.class_id and rule.class_id not in known
    ]
    if faults:
        raise Invalid(faults[0].detail, faults=tuple(faults))
    return rules


def switched(old: Project, *, running: bool) -> Project:
    """A project paused, or running again.

    Raises:
        Conflict: it is neither running nor paused yet.
    """
    if old.state not in ("running", "paused"):
        raise Conflict(f"the project is {old.state}; wait until it is running")
    return old.model_copy(update={"state": "running" if running else "paused"})


def undeleted(old: Project) -> Project:
    """A deleted project as it was: it hands out nothing until somebody lets it run."""
    if old.state != "deleted":
        return old
    state = "updating" if old.restart else "paused" if old.shards else "initializing"
    return old.model_copy(update={"state": state, "version": old.version + 1})


def with_classes(old: Project, added: AddClasses, *, by: str) -> Project:
    """A project with more classes. Where labeling starts over, it waits for `starting_over.py` from now on.

    Raises:
        Invalid: a class is there already.
        Conflict: labeling can't start over, since the project is neither running nor paused.
    """
    new = _reclassed(old, with_added(old.classes, added.classes))
    if added.then == "continue":
        return new
    if old.state not in ("running", "paused"):
        raise Conflict(f"the project is {old.state}; wait until it is running")
    restart = Restart(
        version=new.classes_version,
        keep=added.then == "start_over_keeping",
        by=by,
        left=list(range(old.shards)),
        then=old.state,
    )
    return new.model_copy(update={"state": "updating", "restart": restart})


def with_changed_class(
    old: Project, class_id: str, change: ClassChange, *, version: int
) -> Project:
    """A project with a class renamed, described, illustrated, moved, recoloured, retired or offered again.

    Labels hold its id: none is touched.

    Raises:
        NotFound: there is no such class.
        Invalid: another class has this name.
        PreconditionFailed: somebody changed the classes since `version` (`classes_version`).
    """
    if old.classes_version != version:
        raise PreconditionFailed("somebody changed the classes; load them again")
    mine = next((class_ for class_ in old.classes if class_.class_id == class_id), None)
    if mine is None or mine.merged_into:
        raise NotFound("there is no such class in this project")
    if change.name is not None:
        try:
            others = [class_ for class_ in old.classes if class_ is not mine]
            with_added(others, [NewClass(name=change.name)])
        except Invalid as error:
            fault = Fault("/name", "duplicate", "this class exists")
            raise Invalid(error.detail, faults=(fault,)) from None
    named = change.model_fields_set - {"position", "colour"}
    update = {name: new for name in named if (new := getattr(change, name)) is not None}
    classes = [class_ for class_ in old.classes if class_ is not mine]
    place = old.classes.index(mine) if change.position is None else change.position - 1
    classes.insert(place, mine.model_copy(update=update))
    if change.colour is not None:
        classes = with_colour(classes, class_id, change.colour)
    return _reclassed(old, classes)


def with_merged_class(old: Project, class_id: str, into: str, *, version: int) -> Project:
    """A project in which a class is another from now on. Safe to repeat.

    Raises:
        NotFound: there is no such class.
        Invalid: it can't become that one.
        PreconditionFailed: somebody changed the classes since `version` (`classes_version`).
    """
    known = {class_.class_id: class_ for class_ in old.classes}
    if class_id not in known:
        raise NotFound("there is no such class in this project")
    if known[class_id].merged_into == into:
        return old
    if old.classes_version != version:
        raise PreconditionFailed("somebody changed the classes; load them again")
    target = known.get(into)
    if known[class_id].merged_into or target is None or target.merged_into or into == class_id:
        detail = "choose another class that is still there"
        raise Invalid(detail, faults=(Fault("/into", "not-mergeable", detail),))
    merged = {class_id} | {
        merged_id for merged_id, other in old.merged.items() if other == class_id
    }
    classes = [
        class_.model_copy(update={"merged_into": into}) if class_.class_id in merged else class_
        for class_ in old.classes
    ]
    # Behind those that are there still: keys and numbers have no gap.
    return _reclassed(old, sorted(classes, key=lambda class_: bool(class_.merged_into)))


def _reclassed(old: Project, classes: list[LabelClass]) -> Project:
    return old.model_copy(update={"classes": classes, "classes_version": old.classes_version + 1})


def with_queue(old: Project, kind: str) -> Project:
    """A project in which items of this kind of queue are looked for too, when handing out."""
    if kind in old.queues:
        return old
    return old.model_copy(update={"queues": sorted([*old.queues, kind])})


NO_PROJECT = "there is no such project, or you are not a member of it"


class ProjectRecords(Documents[Project]):
    """Projects as they are kept: compressed, for a project may have 2,000 classes."""

    def __init__(self, storage: Storage) -> None:
        super().__init__(storage, layout.PROJECTS, Project, absent=NO_PROJECT)

    def of(self, row: Row) -> Project:
        """The project of its row."""
        return Project.model_validate_json(unpack("doc", row.cells))

    def cells(self, record: Project) -> Mapping[str, Value]:
        """The cells a project is kept in."""
        return pack("doc", record.model_dump_json().encode())
