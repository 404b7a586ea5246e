"""`labelry apply`: a project as a YAML file says, made or changed; the difference is known before.

What is in the file is brought about, what is not in it is left alone: a member or a class that the file does
not name stays, and is said to. Applying the same file again changes nothing.
"""

from __future__ import annotations

import difflib
import hashlib
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import yaml
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from . import routes
from .api import Api, ApiError
from .named import folded, member_named


def _spelled_out(entry: object) -> object:
    return {"name": entry} if isinstance(entry, str) else entry


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Images(_Part):
    """Where a project's images are: uploads of its own, or what a container holds."""

    upload: bool = False
    container: str | None = None
    pattern: str = "**/*.*"

    @model_validator(mode="after")
    def _one_of_both(self) -> Images:
        if self.upload == (self.container is not None):
            raise ValueError("give either upload: true, or a container")
        return self


class Class(_Part):
    """A class, with what labelers are told of it."""

    name: str
    description: str | None = None


class Wanted(_Part):
    """A project as the file says. What the server checks is left to the server."""

    name: str
    type: routes.TaskType
    images: Images
    classes: list[Annotated[Class, BeforeValidator(_spelled_out)]] = []
    instructions: str | None = None
    link: str | None = None
    refresh: bool | None = None
    assist: dict[str, Any] | None = None
    members: dict[str, routes.Role] = Field(default={}, description="role by e-mail or user key")


class _Loader(yaml.SafeLoader):
    """As YAML 1.2 has it, only `true` and `false` are that: `on` is a key of assist, `No` may be a class."""


_BOOL = "tag:yaml.org,2002:bool"
_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in known if tag != _BOOL]
    for first, known in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
_Loader.add_implicit_resolver(_BOOL, re.compile(r"^(?:true|false)$"), ["t", "f"])


def read(path: Path) -> Wanted:
    """What a file says.

    Raises:
        ApiError: it can't be read, and where it is wrong.
    """
    try:
        content = yaml.load(path.read_text("utf-8"), _Loader)
        return Wanted.model_validate(content, strict=True)
    except OSError as error:
        raise ApiError(f"{path} can't be read: {error.strerror}") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ApiError(f"{path} is no YAML: {error}") from None
    except ValidationError as error:
        lines = [
            f"  {'.'.join(map(str, details['loc']))}: {details['msg']}"
            for details in error.errors()
        ]
        raise ApiError("\n".join([f"{path} is not what a project needs:", *lines])) from None


@dataclass(frozen=True)
class Step:
    """One difference: what people are told, and what brings it about (None: it is only told)."""

    text: str
    do: Callable[[], object] | None = None


def plan(api: Api, wanted: Wanted) -> list[Step]:
    """The differences between a file and what is there, in the order in which they are brought about.

    Raises:
        ApiError: something differs that can't be changed.
    """
    found = api.project_named(wanted.name)
    if found is None:
        return [_made(api, wanted)]
    project = api.call(routes.GET_PROJECT, project_id=found.project_id)
    _check_fixed(project, wanted)
    return [
        *_record(api, project, wanted),
        *_classes(api, project, wanted),
        *_members(api, project.project_id, wanted.members),
    ]


def _made(api: Api, wanted: Wanted) -> Step:
    where = (
        "uploads" if wanted.images.upload else f"{wanted.images.container}: {wanted.images.pattern}"
    )
    lines = [
        f"+ project {wanted.name} ({wanted.type}), images: {where}",
        *(f"+   class {class_.name}" for class_ in wanted.classes),
        *(f"+   {role} {who}" for who, role in wanted.members.items()),
    ]

    def make() -> None:
        images = wanted.images
        source = (
            routes.Source(container=images.container, pattern=images.pattern)
            if images.container
            else None
        )
        dataset = api.call(
            routes.CREATE_DATASET,
            routes.NewDataset(name=wanted.name, source=source, upload=images.upload or None),
            key=_key(wanted.name, images.model_dump_json()),
        )
        project = api.call(
            routes.CREATE_PROJECT,
            routes.NewProject(
                name=wanted.name,
                task_type=wanted.type,
                dataset_id=dataset.dataset_id,
                classes=[
                    routes.NewClass(name=class_.name, description=class_.description or "")
                    for class_ in wanted.classes
                ],
                instructions=routes.Instructions(
                    text=wanted.instructions or "", link=wanted.link or ""
                ),
                incremental_refresh=wanted.refresh is not False,
                assist=wanted.assist,
            ),
            key=_key(wanted.name, "project"),
        )
        for step in _members(api, project.project_id, wanted.members):
            if step.do:
                step.do()

    return Step("\n".join(lines), make)


def _key(*parts: str) -> str:
    return f"apply-{hashlib.sha256('/'.join(parts).encode()).hexdigest()[:32]}"


def _check_fixed(project: routes.Project, wanted: Wanted) -> None:
    if project.task_type != wanted.type:
        raise ApiError(
            f"{project.name} is of type {project.task_type}, which can't be changed to {wanted.type}; "
            "make another project"
        )
    source = project.source
    if source and wanted.images.container:
        there, asked = (
            (source.container, source.pattern),
            (wanted.images.container, wanted.images.pattern),
        )
        if there != asked:
            raise ApiError(
                f"{project.name} has its images from {there[0]}: {there[1]}, which can't be changed; "
                "make another project"
            )


def _record(api: Api, project: routes.Project, wanted: Wanted) -> Iterator[Step]:
    said = project.instructions
    text = said.text if wanted.instructions is None else wanted.instructions
    link = said.link if wanted.link is None else wanted.link
    lines: list[str] = []
    change: dict[str, Any] = {}
    if (text, link) != (said.text, said.link):
        change["instructions"] = routes.Instructions(text=text, link=link)
        lines += [
            "~ instructions",
            *_text_difference(f"{said.text}\n{said.link}", f"{text}\n{link}"),
        ]
    if wanted.refresh not in (None, project.incremental_refresh):
        change["incremental_refresh"] = wanted.refresh
        lines.append(f"~ refresh: {_word(project.incremental_refresh)} -> {_word(wanted.refresh)}")
    assist = {
        name: value
        for name, value in (wanted.assist or {}).items()
        if project.assist.get(name) != value
    }
    if assist:
        change["assist"] = assist
        lines += [
            f"~ assist.{name}: {_word(project.assist.get(name))} -> {_word(value)}"
            for name, value in assist.items()
        ]
    if change:
        yield Step(
            "\n".join(lines),
            lambda: api.call(
                routes.CHANGE_PROJECT,
                routes.ProjectChange(**change),
                version=project.version,
                project_id=project.project_id,
            ),
        )


def _text_difference(old: str, new: str) -> Iterator[str]:
    lines = difflib.ndiff(old.splitlines(), new.splitlines())
    return (f"    {line}" for line in lines if line[:1] in "+-")


def _word(value: object) -> str:
    return yaml.safe_dump(value, default_flow_style=True).removesuffix("\n...\n").strip()


def _classes(api: Api, project: routes.Project, wanted: Wanted) -> Iterator[Step]:
    known = {folded(class_.name): class_ for class_ in project.classes}
    named = {folded(class_.name) for class_ in wanted.classes}
    fresh = [class_ for class_ in wanted.classes if folded(class_.name) not in known]
    for class_ in wanted.classes:
        there = known.get(folded(class_.name))
        if there and class_.description is not None and class_.description != there.description:
            yield Step(
                f"~ class {there.name}: {class_.description}",
                lambda class_id=there.class_id, description=class_.description: _describe(
                    api, project.project_id, class_id, description
                ),
            )
    if fresh:
        body = routes.AddClasses(
            classes=[
                routes.NewClass(name=class_.name, description=class_.description or "")
                for class_ in fresh
            ]
        )
        yield Step(
            "\n".join(f"+ class {class_.name}" for class_ in fresh),
            lambda: api.call(routes.ADD_CLASSES, body, project_id=project.project_id),
        )
    for name, class_ in known.items():
        if wanted.classes and name not in named:
            yield Step(f"  class {class_.name} is not in the file; it stays")


def _describe(api: Api, project_id: str, class_id: str, description: str) -> None:
    """Each change of a class makes a new version of all, so the newest is asked for."""
    now = api.call(routes.GET_PROJECT, project_id=project_id)
    api.call(
        routes.CHANGE_CLASS,
        routes.ClassChange(description=description),
        version=now.classes_version,
        project_id=project_id,
        class_id=class_id,
    )


def _members(api: Api, project_id: str, wanted: Mapping[str, routes.Role]) -> Iterator[Step]:
    if not wanted:
        return
    known = api.call(routes.LIST_MEMBERS, project_id=project_id).items
    for who, role in wanted.items():
        there = member_named(known, who)
        if there is None:
            yield Step(
                f"+ {role} {who}",
                lambda who=who, role=role: admit(api, project_id, known, who, role),
            )
        elif there.role != role:
            yield Step(
                f"~ {who}: {there.role} -> {role}",
                lambda who=who, role=role: admit(api, project_id, known, who, role),
            )
    named = {one.member_id for who in wanted if (one := member_named(known, who))}
    named.add(api.call(routes.GET_ME).user)  # who makes a project is a member of it
    for one in known:
        if one.member_id not in named:
            yield Step(f"  {one.role} {one.name or one.member_id} is not in the file, and stays")


def admit(
    api: Api,
    project_id: str,
    known: Sequence[routes.Member],
    who: str,
    role: routes.Role,
    tags: list[str] | None = None,
) -> routes.Member:
    """Give somebody, by e-mail address or user key, a role in a project, and tags unless they keep theirs."""
    there = member_named(known, who)
    if there and not there.invited:
        who = there.member_id
    elif "@" in who:
        invitation = routes.Invitation(email=who, role=role, tags=tags)
        return api.call(routes.INVITE_MEMBER, invitation, project_id=project_id)
    change = routes.MemberChange(role=role, tags=tags)
    return api.call(routes.PUT_MEMBER, change, project_id=project_id, member_id=who)
