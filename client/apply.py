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


def _in_a_role(entry: object) -> object:
    return {"role": entry} if isinstance(entry, str) else entry


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Images(_Part):
    """Where a project's images are: what a container holds, or uploads of its own, to a container if one is
    named. The description is of the dataset that is made of them.
    """

    upload: bool = False
    container: str | None = None
    pattern: str = "**/*.*"
    description: str | None = None

    @model_validator(mode="after")
    def _somewhere(self) -> Images:
        if not self.upload and self.container is None:
            raise ValueError("give upload: true, or a container")
        if self.upload and "pattern" in self.model_fields_set:
            raise ValueError("uploads have a folder of their own: leave the pattern out")
        return self

    @property
    def source(self) -> routes.Source | None:
        """Which images of a container, unless they are uploaded."""
        if self.upload or self.container is None:
            return None
        return routes.Source(container=self.container, pattern=self.pattern)

    @property
    def words(self) -> str:
        """For people: where they are."""
        if self.upload:
            return f"uploads to {self.container}" if self.container else "uploads"
        return f"{self.container}: {self.pattern}"


class Class(_Part):
    """A class, with what labelers are told of it, and are asked of everything that has it."""

    name: str
    description: str | None = None
    attributes: list[routes.Attribute] | None = None
    colour: int | None = None

    @property
    def said(self) -> dict[str, Any]:
        """What the file says of it besides its name."""
        return {
            name: value
            for name in ("description", "attributes", "colour")
            if (value := getattr(self, name)) is not None
        }


class Rule(_Part):
    """Images that only members with a tag are given: of a folder, of a class, or a share of all."""

    tag: str
    folder: str | None = None
    class_: str | None = Field(default=None, alias="class")
    share: float | None = None


class Person(_Part):
    """A member: their role, and all the tags they carry where that is said."""

    role: routes.Role
    tags: list[str] | None = None

    @property
    def words(self) -> str:
        """For people: the role, and tags in brackets."""
        return f"{self.role} [{', '.join(self.tags)}]" if self.tags else self.role


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
    overlap: dict[str, Any] | None = None
    honeypots: dict[str, Any] | None = None
    twins: bool | None = None
    team: str | None = None
    topics: list[str] | None = None
    assignments: list[Rule] | None = None
    members: dict[str, Annotated[Person, BeforeValidator(_in_a_role)]] = Field(
        default={}, description="role, or role and tags, by e-mail or user key"
    )


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
        *_rules(api, project, wanted),
        *_members(api, project.project_id, wanted.members),
    ]


def _made(api: Api, wanted: Wanted) -> Step:
    lines = [
        f"+ project {wanted.name} ({wanted.type}), images: {wanted.images.words}",
        *(f"+   class {class_.name}" for class_ in wanted.classes),
        *(f"+   {_rule_in_words(rule)}" for rule in wanted.assignments or ()),
        *(f"+   {person.words} {who}" for who, person in wanted.members.items()),
    ]
    # A new project's classes have the ids c1, c2, ... in their order.
    ids = {folded(one.name): f"c{number}" for number, one in enumerate(wanted.classes, 1)}
    rules = _assigned(wanted.assignments or (), ids)

    def make() -> None:
        images = wanted.images
        dataset = api.call(
            routes.CREATE_DATASET,
            routes.NewDataset(
                name=wanted.name,
                description=images.description,
                source=images.source,
                upload=images.upload or None,
                container=images.container if images.upload else None,
            ),
            key=_key(wanted.name, images.model_dump_json()),
        )
        project = api.call(
            routes.CREATE_PROJECT,
            routes.NewProject(
                name=wanted.name,
                task_type=wanted.type,
                dataset_id=dataset.dataset_id,
                classes=[routes.NewClass(name=one.name, **one.said) for one in wanted.classes],
                instructions=routes.Instructions(
                    text=wanted.instructions or "", link=wanted.link or ""
                ),
                incremental_refresh=wanted.refresh is not False,
                assist=wanted.assist,
                overlap=wanted.overlap,
                honeypots=wanted.honeypots,
                assignments=rules,
                twins=wanted.twins,
                team=wanted.team,
                topics=wanted.topics,
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
    there, images = project.source, wanted.images
    if there and images.container:
        elsewhere = there.container != images.container or (
            images.source and there.pattern != images.source.pattern
        )
        if elsewhere:
            raise ApiError(
                f"{project.name} has its images from {there.container}: {there.pattern}, which can't be "
                "changed; make another project"
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
    for name in ("twins", "team", "topics"):
        before, value = getattr(project, name), getattr(wanted, name)
        if value not in (None, before):
            change[name] = value
            lines.append(f"~ {name}: {_word(before)} -> {_word(value)}")
    for name in ("assist", "overlap", "honeypots"):
        kept = getattr(project, name) or {}
        other = {
            one: value
            for one, value in (getattr(wanted, name) or {}).items()
            if kept.get(one) != value
        }
        if other:
            # Of assist the server keeps what is not named, of the others it takes all.
            change[name] = other if name == "assist" else {**kept, **other}
            lines += [
                f"~ {name}.{one}: {_word(kept.get(one))} -> {_word(value)}"
                for one, value in other.items()
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
        other = {
            name: value
            for name, value in class_.said.items()
            if there and getattr(there, name) != value
        }
        if there and other:
            yield Step(
                "\n".join(f"~ class {there.name}: {_of_class(*one)}" for one in other.items()),
                lambda class_id=there.class_id, other=other: _change_class(
                    api, project.project_id, class_id, other
                ),
            )
    if fresh:
        body = routes.AddClasses(
            classes=[routes.NewClass(name=one.name, **one.said) for one in fresh]
        )
        yield Step(
            "\n".join(f"+ class {class_.name}" for class_ in fresh),
            lambda: api.call(routes.ADD_CLASSES, body, project_id=project.project_id),
        )
    for name, class_ in known.items():
        if wanted.classes and name not in named:
            yield Step(f"  class {class_.name} is not in the file; it stays")


def _of_class(name: str, value: Any) -> str:
    if name == "description":
        return str(value)
    if name == "attributes":
        return f"attributes {', '.join(attribute.name for attribute in value) or 'none'}"
    return f"{name} {_word(value)}"


def _change_class(api: Api, project_id: str, class_id: str, change: Mapping[str, Any]) -> None:
    """Each change of a class makes a new version of all, so the newest is asked for."""
    now = api.call(routes.GET_PROJECT, project_id=project_id)
    api.call(
        routes.CHANGE_CLASS,
        routes.ClassChange(**change),
        version=now.classes_version,
        project_id=project_id,
        class_id=class_id,
    )


def _rules(api: Api, project: routes.Project, wanted: Wanted) -> Iterator[Step]:
    """Behind the classes, which rules may name."""
    if wanted.assignments is None:
        return
    rules = wanted.assignments
    fresh = {folded(one.name): "" for one in wanted.classes}
    if _assigned(rules, {**fresh, **_class_ids(project)}) == project.assignments:
        return

    def assign() -> None:
        now = api.call(routes.GET_PROJECT, project_id=project.project_id)
        change = routes.ProjectChange(assignments=_assigned(rules, _class_ids(now)))
        api.call(routes.CHANGE_PROJECT, change, version=now.version, project_id=now.project_id)

    names = {class_.class_id: class_.name for class_ in project.classes}
    there = [
        _rule_in_words(
            Rule(tag=one.tag, folder=one.folder, share=one.share), names.get(one.class_id or "")
        )
        for one in project.assignments or ()
    ]
    text = _text_difference("\n".join(there), "\n".join(map(_rule_in_words, rules)))
    yield Step("\n".join(["~ assignments", *text]), assign)


def _class_ids(project: routes.Project) -> dict[str, str]:
    """By folded name; a class that was merged is the one that it became."""
    return {folded(one.name): one.merged_into or one.class_id for one in project.classes}


def _assigned(rules: Sequence[Rule], class_ids: Mapping[str, str]) -> list[routes.Assignment]:
    """Rules as the server takes them. Raises ApiError where one names a class that is not there."""
    unknown = [one.class_ for one in rules if one.class_ and folded(one.class_) not in class_ids]
    if unknown:
        raise ApiError(f"assignments: there is no class {unknown[0]!r}")
    return [
        routes.Assignment(
            tag=one.tag,
            folder=one.folder,
            class_id=class_ids[folded(one.class_)] if one.class_ else None,
            share=one.share,
        )
        for one in rules
    ]


def _rule_in_words(rule: Rule, class_name: str | None = None) -> str:
    named = rule.class_ or class_name
    what = (
        f"folder {rule.folder}"
        if rule.folder
        else f"class {named}"
        if named
        else f"a share of {rule.share}"
    )
    return f"{what} for {rule.tag}"


def _members(api: Api, project_id: str, wanted: Mapping[str, Person]) -> Iterator[Step]:
    if not wanted:
        return
    known = api.call(routes.LIST_MEMBERS, project_id=project_id).items
    for who, person in wanted.items():
        there = member_named(known, who)
        if there and there.role == person.role and person.tags in (None, there.tags):
            continue
        before = there and Person(role=there.role, tags=there.tags).words
        yield Step(
            f"~ {who}: {before} -> {person.words}" if there else f"+ {person.words} {who}",
            lambda who=who, person=person: admit(
                api, project_id, known, who, person.role, person.tags
            ),
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
