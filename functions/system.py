"""Who am I, is it up, and what does the API look like."""

from __future__ import annotations

from collections.abc import Callable

import azure.functions as func

from functions.openapi import document
from functions.web import Call, endpoint
from labeling import layout
from labeling.annotations.shapes import MAX_ANNOTATIONS
from labeling.errors import Failure, Unavailable
from labeling.items.cells import MAX_LABELS_BYTES
from labeling.model import Model
from labeling.projects.access import Role

bp = func.Blueprint()


class Health(Model):
    """The functions answer, and what they stand on answers them: tables, blobs and queues."""

    status: str
    parts: dict[str, str]


class Me(Model):
    """The caller. `user` is their key in items, histories and members.

    `seen_ms`: how many milliseconds a suggestion is to be shown before submitting accepts it. Of one image at
    most `max_annotations` are kept, and `max_labels_bytes` of them, as JSON compressed by zlib.
    """

    user: str
    name: str
    provider: str
    site_admin: bool
    token_project: str | None
    token_role: Role | None
    seen_ms: int
    max_annotations: int = MAX_ANNOTATIONS
    max_labels_bytes: int = MAX_LABELS_BYTES


@endpoint(bp, "GET", "health", role="anyone")
def get_health(call: Call[None]) -> Health:
    """Whether functions answer, and what they stand on; 503 names what does not."""
    storage = call.services.storage
    looks: dict[str, Callable[[], object]] = {
        "tables": lambda: storage.tables.get(layout.DIRECTORY, "health", "health"),
        "blobs": lambda: storage.blobs.find(layout.DATASETS, "health"),
        "queues": lambda: storage.queues.length(layout.REFRESH_QUEUE),
    }
    parts = {name: _answers(look) for name, look in looks.items()}
    if wrong := [name for name, said in parts.items() if said != "ok"]:
        said = " and ".join(wrong)
        raise Unavailable(f"{said} of the storage account can't be used", extra={"parts": parts})
    return Health(status="ok", parts=parts)


def _answers(look: Callable[[], object]) -> str:
    try:
        look()
    except Failure as failure:
        return failure.type
    return "ok"


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
