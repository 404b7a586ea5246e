"""Imports: bringing a file of labels, starting to take it in, its report, and the steps of that."""

from __future__ import annotations

from contextlib import suppress

import azure.functions as func

from functions.queues import CONNECTION, in_words, last_try, received
from functions.services import services
from functions.web import Call, endpoint
from labeling import layout
from labeling.errors import NotFound
from labeling.exchange.imports import (
    Import,
    ImportList,
    ImportMade,
    ImportOptions,
    ImportStep,
    ImportView,
    NewImport,
)
from labeling.ingest.turns import NotNow

bp = func.Blueprint()


@endpoint(bp, "GET", "projects/{project_id}/imports", role="admin", doing="importing labels")
def list_imports(call: Call[None]) -> ImportList:
    """Imports of a project, newest first."""
    return call.services.imports.all(call.project.project_id)


@endpoint(
    bp, "POST", "projects/{project_id}/imports", role="admin", doing="importing labels", status=201
)
def create_import(call: Call[NewImport]) -> ImportMade:
    """Begin an import: the answer tells where to upload its file."""
    return call.services.imports.create(call.project, call.body, call.caller)


@endpoint(
    bp, "GET", "projects/{project_id}/imports/{import_id}", role="admin", doing="importing labels"
)
def get_import(call: Call[None]) -> ImportView:
    """An import and its report; before it is started, the format that its file looks like."""
    return call.services.imports.get(call.project.project_id, call.path["import_id"])


@endpoint(
    bp,
    "POST",
    "projects/{project_id}/imports/{import_id}/start",
    role="admin",
    doing="importing labels",
    status=202,
)
def start_import(call: Call[ImportOptions]) -> Import:
    """Take in the uploaded file, as labels or as suggestions."""
    return call.services.imports.start(call.project, call.path["import_id"], call.body)


@endpoint(
    bp,
    "DELETE",
    "projects/{project_id}/imports/{import_id}",
    role="admin",
    doing="importing labels",
)
def delete_import(call: Call[None]) -> None:
    """Stop an import and forget it; what it has taken in stays."""
    call.services.imports.delete(call.project.project_id, call.path["import_id"])


@bp.queue_trigger(arg_name="msg", queue_name=layout.IMPORT_QUEUE, connection=CONNECTION)
def on_import(msg: func.QueueMessage) -> None:
    """One step of an import. A raise means: try again; after the last try it is failed."""
    step = received(ImportStep, msg)
    try:
        services().imports.on_step(step)
    except NotNow:
        services().turns.put_back(layout.IMPORT_QUEUE, step)
    except Exception as error:
        if last_try(msg):
            with suppress(NotFound):
                services().imports.fail(step, in_words(error))
        raise
