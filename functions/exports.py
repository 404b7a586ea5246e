"""Exports: asking for one, its link, and the job that makes it."""

from __future__ import annotations

from contextlib import suppress

import azure.functions as func

from functions.queues import CONNECTION, in_words, last_try, received
from functions.services import services
from functions.web import Call, endpoint
from labeling import layout
from labeling.errors import NotFound
from labeling.exchange.difference import Comparison
from labeling.exchange.exports import (
    Export,
    ExportLink,
    ExportList,
    FormatList,
    LinkRequest,
    MakeExport,
    NewExport,
    formats,
)

bp = func.Blueprint()


@endpoint(bp, "GET", "formats", role="signed_in")
def list_formats(call: Call[None]) -> FormatList:
    """Formats that labels are exported in and imported from, and what each can't say."""
    return formats()


@endpoint(bp, "GET", "projects/{project_id}/exports", role="reviewer", doing="exporting")
def list_exports(call: Call[None]) -> ExportList:
    """Exports of a project, newest first."""
    return call.services.exports.all(call.project.project_id)


@endpoint(
    bp, "POST", "projects/{project_id}/exports", role="reviewer", doing="exporting", status=202
)
def create_export(call: Call[NewExport]) -> Export:
    """Start an export."""
    return call.services.exports.create(
        call.project,
        call.body,
        by=call.caller.user,
        by_name=call.caller.name,
        idempotency_key=call.idempotency_key,
    )


@endpoint(
    bp, "GET", "projects/{project_id}/exports/{export_id}", role="reviewer", doing="exporting"
)
def get_export(call: Call[None]) -> Export:
    """One export."""
    return call.services.exports.get(call.project.project_id, call.path["export_id"])


@endpoint(
    bp,
    "DELETE",
    "projects/{project_id}/exports/{export_id}",
    role="admin",
    doing="deleting an export",
)
def delete_export(call: Call[None]) -> None:
    """Remove an export and its files."""
    call.services.exports.delete(call.project.project_id, call.path["export_id"])


@endpoint(
    bp, "POST", "projects/{project_id}/exports/{export_id}/link", role="reviewer", doing="exporting"
)
def link_export(call: Call[LinkRequest]) -> ExportLink:
    """A freshly signed link to a file of an export."""
    return call.services.exports.link(call.project.project, call.path["export_id"], call.body)


@endpoint(
    bp,
    "POST",
    "projects/{project_id}/exports/{export_id}/difference/{older_id}",
    role="reviewer",
    doing="exporting",
    status=202,
)
def compare_exports(call: Call[None]) -> Comparison:
    """Have a version compared with an older one."""
    return call.services.exports.compare(
        call.project.project_id, call.path["older_id"], call.path["export_id"]
    )


@endpoint(
    bp,
    "GET",
    "projects/{project_id}/exports/{export_id}/difference/{older_id}",
    role="reviewer",
    doing="exporting",
)
def get_comparison(call: Call[None]) -> Comparison:
    """What a version has otherwise than an older one: images that are added, changed and removed."""
    return call.services.exports.comparison(
        call.project.project_id, call.path["older_id"], call.path["export_id"]
    )


@bp.queue_trigger(arg_name="msg", queue_name=layout.EXPORT_QUEUE, connection=CONNECTION)
def on_export(msg: func.QueueMessage) -> None:
    """Make the files of an export, or compare it. A raise means: try again; after the last try it is failed."""
    message = received(MakeExport, msg)
    try:
        services().exports.on_make(message)
    except Exception as error:
        if last_try(msg):
            with suppress(NotFound):
                services().exports.fail(message, in_words(error))
        raise
