"""What people name on the command line, by its name or its id: classes, members and versions of a project."""

from __future__ import annotations

from collections.abc import Sequence

from . import routes
from .api import Api, ApiError


def project_named(api: Api, name: str) -> routes.Project:
    """All of a project. Raises ApiError where there is none."""
    return api.call(routes.GET_PROJECT, project_id=api.need_project(name).project_id)


def class_named(project: routes.Project, name: str) -> str:
    """The id of a class. Raises ApiError where there is none."""
    for class_ in project.classes:
        if name in (class_.name, class_.class_id):
            return class_.class_id
    raise ApiError(f"there is no class {name!r} in {project.name}")


def member_named(known: Sequence[routes.Member], who: str) -> routes.Member | None:
    """The member of this e-mail address or user key."""
    return next(
        (
            member
            for member in known
            if who == member.member_id or folded(who) == folded(member.name)
        ),
        None,
    )


def version_named(exports: Sequence[routes.Export], name: str) -> str:
    """The id of a version; of several of one name the newest. Raises ApiError where there is none."""
    for export in exports:
        if export.name and name in (export.name, export.export_id):
            return export.export_id
    raise ApiError(f"there is no version {name!r}; `labelry export --name` makes one")


def folded(name: str) -> str:
    """A name as the server compares it: whatever its case, and the room around its levels."""
    return "/".join(level.strip() for level in name.split("/")).casefold()
