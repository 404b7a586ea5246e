"""The routes this client calls, with what it sends and what it reads of the answers.

A test holds each of them against openapi.json: the path, every field, and that nothing required is left out.
Answers may have more fields than are read here, so that a newer server does not break an older client.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
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
    source: Source | None = None
    upload: bool | None = None


class NewClass(Sent):
    """A class of a project that is made, or to be added."""

    name: str
    description: str = ""


class Instructions(Sent):
    """What labelers read first."""

    text: str = ""
    link: str = ""


class NewProject(Sent):
    """A project to be made."""

    name: str
    task_type: TaskType
    dataset_id: str
    classes: list[NewClass]
    instructions: Instructions
    incremental_refresh: bool
    assist: dict[str, Any] | None = None


class ProjectChange(Sent):
    """What is to be changed of a project."""

    instructions: Instructions | None = None
    incremental_refresh: bool | None = None
    assist: dict[str, Any] | None = None


class AddClasses(Sent):
    """Classes to be added; labels made so far stay."""

    classes: list[NewClass]
    then: Literal["continue"] = "continue"


class ClassChange(Sent):
    """What is to be changed of a class."""

    description: str


class MemberChange(Sent):
    """A member's new role."""

    role: Role


class Invitation(Sent):
    """Somebody to be a member from their first sign-in with this address."""

    email: str
    role: Role


class UploadFile(Sent):
    """A file that is about to be uploaded."""

    path: str
    size: int


class UploadRequest(Sent):
    """Files to be uploaded, at most 500 a call."""

    files: list[UploadFile]
    overwrite: bool = False


class NewExport(Sent):
    """Ask for an export."""

    format: str | None = None
    as_of: str | None = None


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


class ProjectList(Read):
    """Projects the caller may see."""

    items: list[ProjectLine]


class LabelClass(Read):
    """A class of a project."""

    class_id: str
    name: str
    description: str


class KeptSource(Read):
    """Where a project's images are."""

    container: str
    pattern: str


class KeptInstructions(Read):
    """What labelers read first."""

    text: str
    link: str


class Project(Read):
    """A project. `source` is null for who may not know it."""

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
    invited: bool


class MemberList(Read):
    """Members of a project."""

    items: list[Member]


class Upload(Read):
    """Where to PUT a file, or why not."""

    path: str
    url: str | None
    refused: str | None
    exists: bool


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
    state: str
    problem: str
    as_of: datetime
    exported: int
    items: int
    files: list[ExportFile]


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
