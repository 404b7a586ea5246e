"""Who may do what: callers, members of projects and invitations. API tokens are in `tokens.py`.

Site admins create projects and tokens and see all. Everything else is membership of a project, kept in
our own tables; the sign-in service's other roles decide nothing. Unknown projects and those of others
look the same from outside: 404.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Annotated, Literal, cast

from pydantic import AfterValidator, StringConstraints

from labeling import layout
from labeling.errors import Conflict, Forbidden, NotFound
from labeling.model import Model, UtcTime, digest_id, from_milliseconds, milliseconds
from labeling.names import NameOrNone, different, same_address, spelled_address
from labeling.quality.assignment import MOST_TAGS, PersonTags
from labeling.storage import Collision, Create, Delete, Merge, Range, Row, Storage

Role = Literal["labeler", "reviewer", "admin"]
RANK: dict[str, int] = {"labeler": 1, "reviewer": 2, "admin": 3}
TOKEN = "token"
"""The provider of callers that are no people."""

INVITED = "invited:"
"""What the member id of somebody who has not signed in yet begins with."""

Email = Annotated[
    str,
    StringConstraints(strip_whitespace=True, pattern=r"^[^@\s]+@[^@\s]+$", max_length=254),
    AfterValidator(spelled_address),
]


@dataclass(frozen=True)
class Caller:
    """Who is calling: a person, or an API token with its role in one project.

    `user` is the key of this person (or of this worker of the token) in our tables.
    """

    user: str
    name: str
    provider: str
    user_id: str = ""
    email: str = ""
    site_admin: bool = False
    token_project: str = ""
    token_role: Role | None = None


class Member(Model):
    """A person's place in a project."""

    user: str
    role: Role
    name: str = ""
    provider: str = ""
    tags: PersonTags = []
    joined_at: UtcTime | None = None


class MemberView(Model):
    """A member as the API shows it. `member_id` is `user`, or `invited:...` until they sign in."""

    member_id: str
    role: Role
    name: str
    tags: PersonTags = []
    invited: bool = False


class MemberChange(Model):
    """A member's new role; `name` is shown to admins. `tags` are all they carry from now on; left out, they
    keep those they have."""

    role: Role
    tags: PersonTags | None = None
    name: NameOrNone = ""


class Invitation(Model):
    """Somebody to be a member from their first sign-in with this address.

    `tags` are all they will carry; left out, an invitation that is there keeps those it has.
    """

    email: Email
    role: Role = "labeler"
    tags: PersonTags | None = None


def _role(row: Row) -> Role:
    return cast(Role, row.text("role"))


def _tags(row: Row) -> list[str]:
    return json.loads(row.text("tags", "[]"))


def member_of(row: Row) -> Member:
    """The member of a row `m|user`."""
    return Member(
        user=layout.member_user(row.key),
        role=_role(row),
        name=row.text("name"),
        provider=row.text("provider"),
        tags=_tags(row),
        joined_at=from_milliseconds(row.number("joined_ms")),
    )


def _view(row: Row) -> MemberView:
    invited = layout.kind_of(row.key) is layout.Kind.INVITATION
    return MemberView(
        member_id=f"{INVITED}{layout.invited_address(row.key)}"
        if invited
        else layout.member_user(row.key),
        role=_role(row),
        name=row.text("name"),
        tags=_tags(row),
        invited=invited,
    )


class Access:
    """Members and invitations."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage
        self._tables = storage.tables

    def members(self, project_id: str) -> list[MemberView]:
        """Members and people invited, by name."""
        rows = self._storage.rows(
            layout.PROJECTS, Range(project_id, *layout.INVITATIONS_AND_MEMBERS)
        )
        views = [_view(row) for row in rows]
        return sorted(views, key=lambda view: (view.name.casefold(), view.member_id))

    def member(self, project_id: str, member_id: str) -> MemberView:
        """One member, or somebody invited.

        Raises:
            NotFound: there is no such member.
        """
        found = next(
            (member for member in self.members(project_id) if member.member_id == member_id), None
        )
        if found is None:
            raise NotFound("there is no such member in this project")
        return found

    def put_member(
        self,
        project_id: str,
        user: str,
        role: Role,
        *,
        name: str = "",
        provider: str = "",
        tags: Sequence[str] | None = None,
    ) -> MemberView:
        """Make somebody a member, or change their role, and which tags they carry. Safe to repeat.

        Raises:
            Conflict: they are the project's last admin, and would be none.
        """
        if role != "admin":
            self._step_down(project_id, user, role)
        cells = {"role": role} | ({"name": name} if name else {})
        kept = {} if tags is None else {"tags": json.dumps(list(tags))}
        fresh = {
            "name": name,
            **cells,
            **kept,
            "provider": provider,
            "joined_ms": milliseconds(self._storage.clock.now()),
        }
        self._put(layout.PROJECTS, project_id, layout.member(user), fresh, {**cells, **kept})
        self._put(layout.DIRECTORY, layout.projects_of(user), project_id, cells, cells)
        with suppress(Collision):  # most have no such row
            self._tables.transact(
                layout.PROJECTS, project_id, [Merge(layout.elsewhere(user), {"gone": False})]
            )
        row = self._tables.get(layout.PROJECTS, project_id, layout.member(user))
        return (
            _view(row)
            if row
            else MemberView(member_id=user, role=role, name=name, tags=list(tags or []))
        )

    def _step_down(self, project_id: str, user: str, role: Role) -> None:
        """Make an admin something less, while another person is one: of two who leave at once one stays.

        Raises:
            Conflict: there is no other.
        """
        members = layout.all_of(layout.Kind.MEMBER)
        while True:
            people = [
                row
                for row in self._storage.rows(layout.PROJECTS, Range(project_id, *members))
                if row.text("role") == "admin" and row.text("provider") != TOKEN
            ]
            known = next((row for row in people if layout.member_user(row.key) == user), None)
            if known is None:
                return
            other = next((row for row in people if row.key != known.key), None)
            if other is None:
                raise Conflict("this is the last admin of the project; name another admin first")
            stays = Merge(other.key, {"role": "admin"}, other.etag)
            steps = Merge(known.key, {"role": role}, known.etag)
            with suppress(Collision):
                self._tables.transact(layout.PROJECTS, project_id, [stays, steps])
                return

    def begin_leaving(self, project_id: str, user: str) -> None:
        """Note that somebody is leaving a project: from here on nothing is returned to them.

        Raises:
            NotFound: they are no member.
            Conflict: they are the project's last admin.
        """
        if not self._tables.get(layout.PROJECTS, project_id, layout.member(user)):
            raise NotFound("there is no such member in this project")
        self._step_down(project_id, user, "labeler")
        gone = {"gone": True}
        self._put(layout.PROJECTS, project_id, layout.elsewhere(user), gone, gone)

    def finish_leaving(self, project_id: str, user: str) -> None:
        """Take somebody off a project. Their row in it goes last: as long as it is there, this can be
        asked for again.

        Raises:
            NotFound: they are no member.
        """
        self._drop(layout.DIRECTORY, layout.projects_of(user), project_id)
        if not self._drop(layout.PROJECTS, project_id, layout.member(user)):
            raise NotFound("there is no such member in this project")

    def withdraw_invitation(self, project_id: str, member_id: str) -> None:
        """Let an address in no longer; `member_id` is the `invited:...` it is listed by.

        Raises:
            NotFound: nobody is invited with this id.
        """
        key = layout.invitation(member_id.removeprefix(INVITED))
        row = self._tables.get(layout.PROJECTS, project_id, key)
        if row is None:
            raise NotFound("nobody is invited with this id")
        self._drop(layout.DIRECTORY, layout.invitations(row.text("name")), project_id)
        self._drop(layout.PROJECTS, project_id, row.key)

    def invite(self, project_id: str, invitation: Invitation) -> MemberView:
        """Let an address in: whoever first signs in with it becomes a member."""
        key = digest_id(same_address(invitation.email))
        cells = {"role": invitation.role, "name": invitation.email}
        if invitation.tags is not None:
            cells["tags"] = json.dumps(invitation.tags)
        self._put(layout.PROJECTS, project_id, layout.invitation(key), cells, cells)
        self._put(layout.DIRECTORY, layout.invitations(invitation.email), project_id, cells, cells)
        return self.member(project_id, f"{INVITED}{key}")

    def bind_invitations(self, caller: Caller) -> None:
        """Turn what an address was invited to into memberships of the person behind it.

        Who is a member already keeps the larger of the two roles.
        """
        if not caller.email:
            return
        partition = layout.invitations(caller.email)
        for row in self._storage.rows(layout.DIRECTORY, Range(partition, "", layout.END)):
            known = self._tables.get(layout.PROJECTS, row.key, layout.member(caller.user))
            roles: list[Role] = [_role(row), _role(known or row)]
            self.put_member(
                row.key,
                caller.user,
                max(roles, key=lambda role: RANK[role]),
                name=caller.name,
                provider=caller.provider,
                tags=different([*(_tags(known) if known else []), *_tags(row)])[:MOST_TAGS],
            )
            address = digest_id(same_address(caller.email))
            self._drop(layout.PROJECTS, row.key, layout.invitation(address))
            self._drop(layout.DIRECTORY, partition, row.key)

    def roles_of(self, user: str) -> dict[str, Role]:
        """The projects somebody is a member of, with their role. One call."""
        rows = self._storage.rows(layout.DIRECTORY, Range(layout.projects_of(user), "", layout.END))
        return {row.key: _role(row) for row in rows}

    def _put(
        self,
        table: str,
        partition: str,
        key: str,
        fresh: Mapping[str, str | int],
        change: Mapping[str, str | int],
    ) -> None:
        try:
            self._tables.transact(table, partition, [Create(key, fresh)])
        except Collision:
            self._tables.transact(table, partition, [Merge(key, change)])

    def _drop(self, table: str, partition: str, key: str) -> bool:
        try:
            self._tables.transact(table, partition, [Delete(key)])
        except Collision:
            return False
        return True


def require(role: Role | None, least: Role, doing: str) -> None:
    """Let pass who has at least this role in the project.

    Raises:
        NotFound: not a member: the project must not be told from one that does not exist.
        Forbidden: a member with too small a role.
    """
    if role is None:
        raise NotFound("there is no such project, or you are not a member of it")
    if RANK[role] < RANK[least]:
        raise Forbidden(f"{doing} needs the role {least}; yours here is {role}")


def require_site_admin(caller: Caller, doing: str) -> None:
    """Let site admins pass.

    Raises:
        Forbidden: the caller is not one.
    """
    if not caller.site_admin:
        raise Forbidden(f"{doing} needs a site admin; ask one, or see LABELRY_ADMINS")
