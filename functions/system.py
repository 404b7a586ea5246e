"""Who am I, is it up, and what does the API look like."""

from __future__ import annotations

import azure.functions as func

from functions.openapi import document
from functions.web import Call, endpoint
from labeling.model import Model
from labeling.projects.access import Role

bp = func.Blueprint()


class Health(Model):
    """The functions answer, and storage answers them."""

    status: str


class Me(Model):
    """The caller. `user` is their key in items, histories and members.

    `seen_ms`: how many milliseconds a suggestion is to be shown before submitting accepts it.
    """

    user: str
    name: str
    provider: str
    site_admin: bool
    token_project: str | None
    token_role: Role | None
    seen_ms: int


@endpoint(bp, "GET", "health", role="anyone")
def get_health(call: Call[None]) -> Health:
    """Whether functions and storage answer."""
    call.services.storage.tables.get("directory", "health", "health")
    return Health(status="ok")


@endpoint(bp, "GET", "me", role="signed_in")
def get_me(call: Call[None]) -> Me:
    """The caller; the first call of a person binds what their address was invited to."""
    call.services.access.bind_invitations(call.caller)
    return Me(
        user=call.caller.user,
        name=call.caller.name,
        provider=call.caller.provider,
        site_admin=call.caller.site_admin,
        token_project=call.caller.token_project or None,
        token_role=call.caller.token_role,
        seen_ms=call.services.settings.seen_ms,
    )


@bp.function_name("get_openapi")
@bp.route("openapi.json", methods=["GET"], auth_level=func.AuthLevel.ANONYMOUS)
def get_openapi(req: func.HttpRequest) -> func.HttpResponse:
    """The description of this API."""
    return func.HttpResponse(document(), mimetype="application/json")
