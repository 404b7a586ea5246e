"""Projects, their classes and their progress."""

from __future__ import annotations

from typing import Any

import azure.functions as func

from functions.web import Call, endpoint
from labeling import layout
from labeling.annotations.task_types import TASK_TYPES, TaskTypeRules
from labeling.ingest.refresh import RefreshView
from labeling.model import Model
from labeling.progress import Progress
from labeling.projects.examples import classes_of
from labeling.projects.locations import ContainerView
from labeling.projects.projects import ProjectAccess, view
from labeling.projects.record import (
    AddClasses,
    ClassChange,
    ClassView,
    DeletedProject,
    MergeClass,
    NewProject,
    ProjectChange,
    ProjectLine,
    ProjectView,
)

bp = func.Blueprint()


class ProjectList(Model):
    """Projects the caller may see, newest first."""

    items: list[ProjectLine]
    next_cursor: str | None = None


class DeletedProjectList(Model):
    """Projects that were deleted, the last one first."""

    items: list[DeletedProject]


class ClassList(Model):
    """Classes of a project, in the order of their keys, with signed addresses of their examples."""

    items: list[ClassView]
    classes_version: int
    next_cursor: str | None = None


class ProjectContainers(Model):
    """Where a project's images are, and where its exports go."""

    images: ContainerView
    exports: ContainerView


class RefreshStarted(Model):
    """The refresh that runs now."""

    refresh: RefreshView


class TaskTypeList(Model):
    """The kinds of projects there are."""

    items: list[TaskTypeRules]


@endpoint(bp, "GET", "task_types", role="signed_in")
def list_task_types(call: Call[None]) -> TaskTypeList:
    """The kinds of projects, and what an image gets in each."""
    return TaskTypeList(items=list(TASK_TYPES.values()))


@endpoint(bp, "GET", "projects", role="signed_in")
def list_projects(call: Call[None]) -> ProjectList:
    """Projects the caller may see."""
    return ProjectList(items=call.services.projects.list_for(call.caller))


@endpoint(bp, "POST", "projects", role="site_admin", doing="making a project", status=201)
def create_project(call: Call[NewProject]) -> ProjectView:
    """Make a project; its images are listed at once."""
    own = call.services
    source = own.datasets.get(call.body.dataset_id).source
    own.locations.check(source.container, "/dataset_id")
    project = own.projects.create(
        call.body, source, by=call.caller, idempotency_key=call.idempotency_key
    )
    if project.state == "initializing":
        own.ingest.start(project)
    return _fresh(call, project.project_id)


@endpoint(bp, "GET", "projects/{project_id}", role="labeler", doing="seeing a project")
def get_project(call: Call[None]) -> ProjectView:
    """One project."""
    return view(call.project)


@endpoint(
    bp,
    "GET",
    "projects/{project_id}/containers",
    role="reviewer",
    doing="seeing where images are",
)
def get_containers(call: Call[None]) -> ProjectContainers:
    """The containers of a project's images and of its exports."""
    locations = call.services.locations
    return ProjectContainers(
        images=locations.container(call.project.project.source.container),
        exports=locations.container(layout.EXPORTS),
    )


@endpoint(bp, "PATCH", "projects/{project_id}", role="admin", doing="changing a project")
def change_project(call: Call[ProjectChange]) -> ProjectView:
    """Change settings of a project: what is said of it, how it is labeled and by whom."""
    own, project_id = call.services, call.project.project_id
    own.projects.patch(project_id, call.body, version=call.version())
    if call.body.assist is not None:
        own.assist.on_images(project_id)
    if call.body.overlap is not None or call.body.assignments is not None:
        own.asking.start(own.projects.get(project_id))
    return _fresh(call, project_id)


@endpoint(bp, "DELETE", "projects/{project_id}", role="admin", doing="deleting a project")
def delete_project(call: Call[None]) -> None:
    """Take a project out of sight; its name stays used, its labels are kept."""
    call.services.projects.delete(call.project.project_id)


@endpoint(bp, "GET", "deleted_projects", role="site_admin", doing="seeing what was deleted")
def list_deleted_projects(call: Call[None]) -> DeletedProjectList:
    """Projects that can be brought back."""
    return DeletedProjectList(items=call.services.projects.directory.deleted())


@endpoint(
    bp,
    "POST",
    "deleted_projects/{deleted_id}/restore",
    role="site_admin",
    doing="bringing a project back",
)
def restore_project(call: Call[None]) -> ProjectView:
    """Bring a deleted project back, paused, with all its labels; its images are looked for at once."""
    own = call.services
    project = own.projects.restore(call.path["deleted_id"])
    own.ingest.start(project)
    own.starting_over.start(project)
    return _fresh(call, project.project_id)


@endpoint(bp, "POST", "projects/{project_id}/pause", role="admin", doing="pausing a project")
def pause_project(call: Call[None]) -> ProjectView:
    """Hand out nothing new, within five seconds everywhere."""
    call.services.projects.set_running(call.project.project_id, False)
    return _fresh(call, call.project.project_id)


@endpoint(bp, "POST", "projects/{project_id}/resume", role="admin", doing="resuming a project")
def resume_project(call: Call[None]) -> ProjectView:
    """Hand out again; while labeling starts over, go on with that where it was cut short."""
    if call.project.project.state == "updating":
        call.services.starting_over.start(call.project.project)
    else:
        call.services.projects.set_running(call.project.project_id, True)
    return _fresh(call, call.project.project_id)


@endpoint(
    bp,
    "POST",
    "projects/{project_id}/refresh",
    role="admin",
    doing="refreshing a project",
    status=202,
)
def refresh_project(call: Call[None]) -> RefreshStarted:
    """Look for new, changed and missing images now."""
    return RefreshStarted(refresh=call.services.ingest.start(call.project.project).view())


@endpoint(bp, "GET", "projects/{project_id}/progress", role="labeler", doing="seeing progress")
def get_progress(call: Call[None]) -> Progress:
    """Exact counts."""
    return call.services.progress.get(call.project)


@endpoint(
    bp,
    "GET",
    "projects/{project_id}/classes",
    role="labeler",
    doing="seeing classes",
    version_of="classes_version",
)
def list_classes(call: Call[None]) -> ClassList:
    """Classes of a project, with their examples."""
    return _classes(call, call.project)


@endpoint(
    bp,
    "POST",
    "projects/{project_id}/classes",
    role="admin",
    doing="adding classes",
    version_of="classes_version",
)
def add_classes(call: Call[AddClasses]) -> ClassList:
    """Add classes, and go on with what is labeled or start over."""
    changed = call.services.projects.add_classes(
        call.project.project_id, call.body, by=call.caller.user
    )
    call.services.starting_over.start(changed)
    return _classes(call, _reopened(call, call.project.project_id))


@endpoint(
    bp,
    "PATCH",
    "projects/{project_id}/classes/{class_id}",
    role="admin",
    doing="changing a class",
    version_of="classes_version",
)
def change_class(call: Call[ClassChange]) -> ClassList:
    """Rename, describe, illustrate, move, recolour or retire a class; no label is touched."""
    call.services.projects.change_class(
        call.project.project_id, call.path["class_id"], call.body, version=call.version()
    )
    return _classes(call, _reopened(call, call.project.project_id))


@endpoint(
    bp,
    "POST",
    "projects/{project_id}/classes/{class_id}/merge",
    role="admin",
    doing="merging classes",
    version_of="classes_version",
)
def merge_class(call: Call[MergeClass]) -> ClassList:
    """Let a class be another from now on; a sweep makes all of its labels labels of that."""
    project_id, class_id, into = call.project.project_id, call.path["class_id"], call.body.into
    call.services.projects.merge_class(project_id, class_id, into, version=call.version())
    reopened = _reopened(call, project_id)
    call.services.sweeps.merge(reopened, class_id, into, by=call.caller.user)
    if reopened.project.audiences.by_class:
        call.services.asking.start(reopened.project)
    return _classes(call, reopened)


def _reopened(call: Call[Any], project_id: str) -> ProjectAccess:
    call.services.projects.forget(project_id, call.caller.user)
    return call.services.projects.open(project_id, call.caller, "labeler", "seeing a project")


def _fresh(call: Call[Any], project_id: str) -> ProjectView:
    return view(_reopened(call, project_id))


def _classes(call: Call[Any], access: ProjectAccess) -> ClassList:
    project = access.project
    items = classes_of(call.services.storage.blobs, project)
    return ClassList(items=items, classes_version=project.classes_version)
