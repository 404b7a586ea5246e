"""Members of projects, invitations and API tokens."""

from __future__ import annotations

import azure.functions as func

from functions.web import Call, endpoint
from labeling.errors import Forbidden, NotFound
from labeling.model import Model
from labeling.projects.access import (
    TOKEN,
    Invitation,
    MemberChange,
    MemberView,
)
from labeling.projects.tokens import NewToken, TokenMade, TokenRenewal, TokenView

bp = func.Blueprint()


class MemberList(Model):
    """Members of a project, and people invited."""

    items: list[MemberView]
    next_cursor: str | None = None


class TokenList(Model):
    """API tokens, newest first."""

    items: list[TokenView]
    next_cursor: str | None = None


@endpoint(bp, "GET", "projects/{project_id}/members", role="admin", doing="seeing members")
def list_members(call: Call[None]) -> MemberList:
    """Members of a project."""
    return MemberList(items=call.services.access.members(call.project.project_id))


@endpoint(
    bp, "GET", "projects/{project_id}/members/{member_id}", role="admin", doing="seeing members"
)
def get_member(call: Call[None]) -> MemberView:
    """One member."""
    return call.services.access.member(call.project.project_id, call.path["member_id"])


@endpoint(
    bp, "PUT", "projects/{project_id}/members/{member_id}", role="admin", doing="changing members"
)
def put_member(call: Call[MemberChange]) -> MemberView:
    """Make somebody (by their `user` key) a member, or change their role and tags."""
    member_id = call.path["member_id"]
    if ":" in member_id:
        raise NotFound("nobody has this user key; to change an invitation, invite again")
    made = call.services.access.put_member(
        call.project.project_id,
        member_id,
        call.body.role,
        name=call.body.name,
        tags=call.body.tags,
    )
    call.services.projects.forget(call.project.project_id, member_id)
    return made


@endpoint(
    bp,
    "DELETE",
    "projects/{project_id}/members/{member_id}",
    role="admin",
    doing="changing members",
)
def delete_member(call: Call[None]) -> None:
    """Take somebody off a project; what they labeled stays, what was returned to them is for anyone."""
    call.services.projects.remove_member(call.project.project_id, call.path["member_id"])


@endpoint(
    bp,
    "POST",
    "projects/{project_id}/invitations",
    role="admin",
    doing="inviting people",
    status=201,
)
def invite_member(call: Call[Invitation]) -> MemberView:
    """Let an e-mail address in, from its first sign-in."""
    return call.services.access.invite(call.project.project_id, call.body)


@endpoint(bp, "GET", "projects/{project_id}/tokens", role="admin", doing="seeing tokens")
def list_project_tokens(call: Call[None]) -> TokenList:
    """API tokens of a project, without their secrets."""
    return TokenList(items=call.services.tokens.all(call.project.project_id))


@endpoint(
    bp,
    "DELETE",
    "projects/{project_id}/tokens/{token_id}",
    role="admin",
    doing="deleting a token",
)
def delete_project_token(call: Call[None]) -> None:
    """Make a token of a project useless."""
    call.services.tokens.delete(call.path["token_id"], project_id=call.project.project_id)


@endpoint(bp, "POST", "tokens/{token_id}/renew", role="site_admin", doing="renewing a token")
def renew_token(call: Call[TokenRenewal]) -> TokenView:
    """Let a token be valid for longer, by the secret it has. Only people renew tokens."""
    if call.caller.provider == TOKEN:
        raise Forbidden("a token can't renew tokens; sign in to renew one")
    return call.services.tokens.renew(call.path["token_id"], call.body)


@endpoint(bp, "GET", "tokens", role="site_admin", doing="seeing tokens")
def list_tokens(call: Call[None]) -> TokenList:
    """API tokens, without their secrets."""
    return TokenList(items=call.services.tokens.all())


@endpoint(bp, "POST", "tokens", role="site_admin", doing="making a token", status=201)
def create_token(call: Call[NewToken]) -> TokenMade:
    """Make an API token; its secret is shown this once. Only people make tokens."""
    if call.caller.provider == TOKEN:
        raise Forbidden("a token can't make tokens; sign in to make one")
    if call.body.project_id is not None:
        call.services.projects.get(call.body.project_id)
    return call.services.tokens.make(call.body)


@endpoint(bp, "DELETE", "tokens/{token_id}", role="site_admin", doing="deleting a token")
def delete_token(call: Call[None]) -> None:
    """Make a token useless."""
    call.services.tokens.delete(call.path["token_id"])
