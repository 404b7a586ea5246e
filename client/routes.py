"""The routes this client calls, with what it sends and what it reads of the answers.

A test holds each of them against openapi.json: the path, every field, and that nothing required is left out.
Answers may have more fields than are read here, so that a newer server does not break an older client.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Generic, Literal, TypeVar

from pydantic import BaseModel, ConfigDict

TaskType = Literal["multiclass", "multilabel", "boxes", "polygons"]
Role = Literal["labeler", "reviewer", "admin"]


class Sent(BaseModel):
    """The body of a request. What is None is not sent."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Read(BaseModel):
    """What is read of an answer."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class Source(Sent):
    """Where images are: a container and a pattern of paths in it."""

    container: str
    pattern: str = "**/*.*"


class NewDataset(Sent):
    """A dataset of images in storage, or of uploads to come."""

    name: str
    description: str | None = None
    source: Source | None = None
    upload: bool | None = None
    container: str | None = None


AttributeKind = Literal["choice", "number", "yes_no", "text"]


class Attribute(Sent):
    """What is asked of everything that has a class."""

    name: str
    kind: AttributeKind
    required: bool = False
    choices: list[str] = []


class Assignment(Sent):
    """Images that only members with a `tag` are given: of a folder, a class, or a share of all."""

    tag: str
    folder: str | None = None
    class_id: str | None = None
    share: float | None = None


class NewClass(Sent):
    """A class of a project that is made, or to be added."""

    name: str
    description: str | None = None
    attributes: list[Attribute] | None = None
    colour: int | None = None


class Instructions(Sent):
    """What labelers read first."""

    text: str = ""
    link: str = ""


class MergeClass(Sent):
    """The class that another becomes, with all of its labels."""

    into: str


ItemState = Literal[
    "available", "leased", "labeled", "skipped", "needs_review", "unreadable", "excluded"
]
SweepWhat = Literal["approve", "reject", "relabel", "revert", "first", "leave_out"]


Consensus = Literal["agreed", "disputed", "differing"]
SentBack = Literal["same_labeler", "anyone", "all"]


class ItemFilter(Sent):
    """Which images are meant; what is left out does not matter."""

    state: ItemState | None = None
    class_id: str | None = None
    labeler: str | None = None
    kind: str | None = None
    flag: str | None = None
    consensus: Consensus | None = None
    name: str | None = None
    approved: bool | None = None
    disagrees: bool | None = None
    labeled_on: date | None = None
    labeled_from: date | None = None
    labeled_to: date | None = None
    suggested: bool | None = None
    returned: SentBack | None = None


class SweepDo(Sent):
    """What shall be done with them: each of the other fields belongs to some of the deeds."""

    what: SweepWhat
    reason: str | None = None
    to: Literal["anyone", "same_labeler"] | None = None
    class_id: str | None = None
    into: str | None = None
    before: datetime | None = None


class NewSweep(Sent):
    """One change of all images that a filter means."""

    sweep_id: str
    filter: ItemFilter
    do: SweepDo


class NewProject(Sent):
    """A project to be made."""

    name: str
    task_type: TaskType
    dataset_id: str
    classes: list[NewClass]
    instructions: Instructions
    incremental_refresh: bool
    assist: dict[str, Any] | None = None
    overlap: dict[str, Any] | None = None
    honeypots: dict[str, Any] | None = None
    assignments: list[Assignment] | None = None
    twins: bool | None = None
    team: str | None = None
    topics: list[str] | None = None


class ProjectChange(Sent):
    """What is to be changed of a project."""

    instructions: Instructions | None = None
    incremental_refresh: bool | None = None
    assist: dict[str, Any] | None = None
    overlap: dict[str, Any] | None = None
    honeypots: dict[str, Any] | None = None
    assignments: list[Assignment] | None = None
    twins: bool | None = None
    team: str | None = None
    topics: list[str] | None = None


class AddClasses(Sent):
    """Classes to be added; labels made so far stay."""

    classes: list[NewClass]
    then: Literal["continue"] = "continue"


class ClassChange(Sent):
    """What is to be changed of a class; None: nothing."""

    description: str | None = None
    attributes: list[Attribute] | None = None
    colour: int | None = None


class MemberChange(Sent):
    """A member's new role; `tags` are all they carry from now on, None: those they have."""

    role: Role
    tags: list[str] | None = None


class Invitation(Sent):
    """Somebody to be a member from their first sign-in with this address."""

    email: str
    role: Role
    tags: list[str] | None = None


class UploadFile(Sent):
    """A file that is about to be uploaded."""

    path: str
    size: int


class UploadRequest(Sent):
    """Files to be uploaded, at most 500 a call."""

    files: list[UploadFile]
    overwrite: bool = False


ExportState = Literal["labeled", "needs_review", "available"]
ExportImages = Literal["none", "links", "copies"]
Labelings = Literal["agreed", "each"]


class Split(Sent):
    """Shares of the images that are set apart."""

    val: float
    test: float
    seed: str | None = None


class ExportOptions(Sent):
    """What is exported, and how it is laid out; classes are named by their ids, people by their keys."""

    azure: bool | None = None
    datastore: str | None = None
    split: Split | None = None
    classes: list[str] | None = None
    rename: dict[str, str] | None = None
    path: str | None = None
    labelers: list[str] | None = None
    since: str | None = None
    states: list[ExportState] | None = None
    labelings: Labelings | None = None
    flat: bool | None = None
    images: ExportImages | None = None


class NewExport(Sent):
    """Ask for an export; with a name it is a version, which `version` exports again."""

    format: str | None = None
    as_of: str | None = None
    options: ExportOptions | None = None
    name: str | None = None
    version: str | None = None


class LinkRequest(Sent):
    """Which file of an export."""

    name: str


class NewImport(Sent):
    """A file of labels that is about to be uploaded."""

    file_name: str


class ImportOptions(Sent):
    """How to take in what a file says."""

    format: str | None = None
    into: Literal["labels", "suggestions"] = "labels"
    unknown_classes: Literal["create", "refuse"] = "refuse"


class Me(Read):
    """The caller."""

    user: str
    name: str
    site_admin: bool


class ProjectLine(Read):
    """A project in the list."""

    project_id: str
    name: str
    team: str
    topics: list[str]


class ProjectList(Read):
    """Projects the caller may see."""

    items: list[ProjectLine]


class LabelClass(Read):
    """A class of a project."""

    class_id: str
    name: str
    description: str
    attributes: list[Attribute]
    colour: int
    merged_into: str


class KeptSource(Read):
    """Where a project's images are."""

    container: str
    pattern: str


class KeptInstructions(Read):
    """What labelers read first."""

    text: str
    link: str


class Project(Read):
    """A project. `source` is null for who may not know it, `honeypots` and `assignments` for all but admins."""

    project_id: str
    name: str
    task_type: TaskType
    dataset_id: str
    source: KeptSource | None
    classes: list[LabelClass]
    classes_version: int
    instructions: KeptInstructions
    incremental_refresh: bool
    assist: dict[str, Any]
    overlap: dict[str, Any]
    honeypots: dict[str, Any] | None
    assignments: list[Assignment] | None
    twins: bool
    team: str
    topics: list[str]
    state: str
    state_reason: str
    version: int


class Dataset(Read):
    """A dataset."""

    dataset_id: str
    name: str
    upload: bool


class ClassList(Read):
    """Classes of a project."""

    classes_version: int


class Member(Read):
    """A member, or somebody invited."""

    member_id: str
    role: Role
    name: str
    tags: list[str]
    invited: bool


class MemberList(Read):
    """Members of a project."""

    items: list[Member]


class Upload(Read):
    """Where to PUT a file, or why not."""

    path: str
    url: str | None
    refused: str | None
    code: str | None
    exists: bool
    differs: bool


class UploadAnswer(Read):
    """One entry a file, in order."""

    uploads: list[Upload]


class Refresh(Read):
    """The last time the project looked for images, or that it looks now."""

    finished_at: datetime | None


class Progress(Read):
    """Exact counts of a project."""

    state: str
    state_reason: str
    total: int
    states: dict[str, int]
    refresh: Refresh | None


class RunProgress(Read):
    """How far a run is."""

    done: int
    total: int
    what: str


class Run(Read):
    """A run of assisted labeling."""

    run_id: str
    kind: str
    state: str
    reason: str
    progress: RunProgress


class RunList(Read):
    """Runs of a project, newest first."""

    items: list[Run]


class ExportFile(Read):
    """A file of an export."""

    name: str
    size: int
    sha256: str


class Export(Read):
    """An export, being made or done."""

    export_id: str
    format: str
    name: str
    state: str
    problem: str
    as_of: datetime
    exported: int
    items: int
    omitted: dict[str, int]
    files: list[ExportFile]
    images: str


class ExportList(Read):
    """Exports of a project, newest first."""

    items: list[Export]


class ExportLink(Read):
    """A signed address of a file of an export."""

    url: str


class Told(Read):
    """How often something happened."""

    count: int


class Import(Read):
    """An import and its report."""

    import_id: str
    state: str
    problem: str
    images: int
    saved: int
    unchanged: int
    annotations: int
    left_out: dict[str, Told]
    unknown_classes: dict[str, int]


class ImportMade(Import):
    """An import that waits for its file."""

    url: str


class ItemChange(Read):
    """An item that was decided."""

    model_config = ConfigDict(frozen=True, extra="allow")

    item_id: str
    revision: int


class ChangePage(Read):
    """Some of what changed, and where to go on."""

    items: list[ItemChange]
    next_cursor: str
    more: bool


class Sweep(Read):
    """A change of many images, under way or done."""

    sweep_id: str
    what: str
    class_id: str | None
    into: str | None
    created_at: datetime
    moved_at: datetime
    finished_at: datetime | None
    items: int
    looked: int
    done: int
    left: dict[str, int]


class SweepList(Read):
    """Changes of many images, newest first."""

    items: list[Sweep]


class RefreshStarted(Read):
    """A refresh that runs now."""


Answer = TypeVar("Answer", bound=Read | None, covariant=True)


@dataclass(frozen=True)
class Route(Generic[Answer]):
    """A route: `path` below `/api/`, and the models of what is sent and answered."""

    method: str
    path: str
    answer: type[Answer]
    body: type[Sent] | None = None


_PROJECT = "projects/{project_id}"
NOTHING: type[None] = type(None)

GET_ME = Route("GET", "me", Me)
CREATE_DATASET = Route("POST", "datasets", Dataset, NewDataset)
REQUEST_UPLOADS = Route("POST", "datasets/{dataset_id}/uploads", UploadAnswer, UploadRequest)
LIST_PROJECTS = Route("GET", "projects", ProjectList)
CREATE_PROJECT = Route("POST", "projects", Project, NewProject)
GET_PROJECT = Route("GET", _PROJECT, Project)
CHANGE_PROJECT = Route("PATCH", _PROJECT, Project, ProjectChange)
REFRESH_PROJECT = Route("POST", f"{_PROJECT}/refresh", RefreshStarted)
GET_PROGRESS = Route("GET", f"{_PROJECT}/progress", Progress)
ADD_CLASSES = Route("POST", f"{_PROJECT}/classes", ClassList, AddClasses)
CHANGE_CLASS = Route("PATCH", f"{_PROJECT}/classes/{{class_id}}", ClassList, ClassChange)
MERGE_CLASS = Route("POST", f"{_PROJECT}/classes/{{class_id}}/merge", ClassList, MergeClass)
LIST_SWEEPS = Route("GET", f"{_PROJECT}/sweeps", SweepList)
CREATE_SWEEP = Route("POST", f"{_PROJECT}/sweeps", Sweep, NewSweep)
GET_SWEEP = Route("GET", f"{_PROJECT}/sweeps/{{sweep_id}}", Sweep)
RESUME_SWEEP = Route("POST", f"{_PROJECT}/sweeps/{{sweep_id}}/resume", Sweep)
LIST_MEMBERS = Route("GET", f"{_PROJECT}/members", MemberList)
PUT_MEMBER = Route("PUT", f"{_PROJECT}/members/{{member_id}}", Member, MemberChange)
DELETE_MEMBER = Route("DELETE", f"{_PROJECT}/members/{{member_id}}", NOTHING)
INVITE_MEMBER = Route("POST", f"{_PROJECT}/invitations", Member, Invitation)
CREATE_IMPORT = Route("POST", f"{_PROJECT}/imports", ImportMade, NewImport)
START_IMPORT = Route("POST", f"{_PROJECT}/imports/{{import_id}}/start", Import, ImportOptions)
GET_IMPORT = Route("GET", f"{_PROJECT}/imports/{{import_id}}", Import)
LIST_CHANGES = Route("GET", f"{_PROJECT}/changes", ChangePage)
TRAIN = Route("POST", f"{_PROJECT}/train", RunList)
GET_RUN = Route("GET", f"{_PROJECT}/runs/{{run_id}}", Run)
LIST_EXPORTS = Route("GET", f"{_PROJECT}/exports", ExportList)
CREATE_EXPORT = Route("POST", f"{_PROJECT}/exports", Export, NewExport)
GET_EXPORT = Route("GET", f"{_PROJECT}/exports/{{export_id}}", Export)
LINK_EXPORT = Route("POST", f"{_PROJECT}/exports/{{export_id}}/link", ExportLink, LinkRequest)
