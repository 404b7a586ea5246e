"""Assist: runs, training on demand, and what reacts when a job is done or images wait for suggestions."""

from __future__ import annotations

import azure.functions as func

from functions.queues import CONNECTION, received
from functions.services import services
from functions.web import Call, endpoint
from labeling import layout
from labeling.assist.clicks import ClickAnswer, ClickRequest
from labeling.assist.fitting import FitAnswer, FitRequest
from labeling.assist.grouping import ApplyGroups
from labeling.assist.inference import PrelabelMessage
from labeling.assist.jobs import RunFinished
from labeling.assist.reports import ModelReport, report_of
from labeling.assist.runs import Run
from labeling.assist.service import AssistView
from labeling.model import Model

bp = func.Blueprint()


class RunList(Model):
    """Runs of a project, newest first."""

    items: list[Run]
    next_cursor: str | None = None


@endpoint(bp, "GET", "projects/{project_id}/assist", role="reviewer", doing="seeing assist")
def get_assist(call: Call[None]) -> AssistView:
    """How assist stands: settings, labels until the next training, and what is at work."""
    return call.services.assist.view(call.project)


@endpoint(bp, "GET", "projects/{project_id}/runs", role="reviewer", doing="seeing runs")
def list_runs(call: Call[None]) -> RunList:
    """What models did for a project: trainings, validations, inference, grouping, preparing images."""
    return RunList(items=call.services.runs.list(call.project.project_id))


@endpoint(bp, "GET", "projects/{project_id}/runs/{run_id}", role="reviewer", doing="seeing runs")
def get_run(call: Call[None]) -> Run:
    """One run, with the last lines of its log."""
    return call.services.runs.get(call.project.project_id, call.path["run_id"])


@endpoint(
    bp, "GET", "projects/{project_id}/models/{model_id}", role="reviewer", doing="seeing models"
)
def get_model(call: Call[None]) -> ModelReport:
    """What was found out about a model: its thresholds, what it confuses, and its card."""
    return report_of(call.services.storage, call.project.project_id, call.path["model_id"])


@endpoint(bp, "POST", "projects/{project_id}/fit", role="labeler", doing="labeling")
def fit_shape(call: Call[FitRequest]) -> FitAnswer:
    """The thing that a box was drawn about, by the project's model."""
    return call.services.fitting.fit(call.project, call.caller, call.body)


@endpoint(bp, "POST", "projects/{project_id}/clicks", role="labeler", doing="seeing images")
def get_clicks(call: Call[ClickRequest]) -> ClickAnswer:
    """Where browsers find what outlines things that are clicked at, in some images."""
    return call.services.clicks.links(call.project, call.caller, call.body)


@endpoint(
    bp,
    "POST",
    "projects/{project_id}/train",
    role="admin",
    doing="training a model",
    status=202,
)
def train(call: Call[None]) -> RunList:
    """Train a model now, on the labels there are."""
    return RunList(items=call.services.assist.train(call.project, call.caller))


@endpoint(
    bp,
    "POST",
    "projects/{project_id}/runs/{run_id}/again",
    role="admin",
    doing="starting a run again",
    status=202,
)
def start_run_again(call: Call[None]) -> RunList:
    """Begin anew what a run failed to do."""
    again = call.services.assist.again(call.project, call.path["run_id"], call.caller)
    return RunList(items=again)


@bp.queue_trigger(arg_name="msg", queue_name=layout.RUN_FINISHED_QUEUE, connection=CONNECTION)
def on_run_finished(msg: func.QueueMessage) -> None:
    """Go on from a run that is over."""
    services().assist.on_run_finished(received(RunFinished, msg))


@bp.queue_trigger(arg_name="msg", queue_name=layout.PRELABEL_QUEUE, connection=CONNECTION)
def on_prelabel(msg: func.QueueMessage) -> None:
    """Let a model look at some images, or send the next ones to be looked at."""
    services().inference.on_message(received(PrelabelMessage, msg))


@bp.queue_trigger(arg_name="msg", queue_name=layout.GROUP_QUEUE, connection=CONNECTION)
def on_group(msg: func.QueueMessage) -> None:
    """Put some images that look alike beside each other."""
    services().grouping.on_message(received(ApplyGroups, msg))
