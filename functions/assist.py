"""Assist: what reacts when a job is done."""

from __future__ import annotations

import azure.functions as func

from functions.ingest import CONNECTION
from functions.services import services
from labeling import layout
from labeling.assist.jobs import RunFinished

bp = func.Blueprint()


@bp.queue_trigger(arg_name="msg", queue_name=layout.RUN_FINISHED_QUEUE, connection=CONNECTION)
def on_run_finished(msg: func.QueueMessage) -> None:
    """Go on from a run that is over."""
    services().assist.on_run_finished(RunFinished.model_validate_json(msg.get_body()))
