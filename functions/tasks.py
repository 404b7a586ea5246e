"""Tasks: handing out, keeping, submitting, reopening; and signing their images."""

from __future__ import annotations

from typing import Literal

import azure.functions as func

from functions.web import Call, checked, endpoint
from labeling.errors import Invalid, NotFound
from labeling.model import Model
from labeling.tasks.my_work import MyWork
from labeling.tasks.service import (
    Draft,
    DraftAnswer,
    LeaseList,
    ReleaseRequest,
    RenewAnswer,
    ReopenRequest,
    SignAnswer,
    SignRequest,
    TaskAnswer,
    TaskList,
    TaskRequest,
    TaskView,
)
from labeling.tasks.submissions import (
    MAX_SUBMISSION_BYTES,
    Submission,
    SubmissionEnvelope,
    SubmitAnswer,
)

bp = func.Blueprint()


class TaskQuery(Model):
    """Which of my tasks: those that are open, or those I finished last."""

    mine: str = ""
    state: Literal["open", "recent"] = "open"


@endpoint(bp, "POST", "projects/{project_id}/tasks")
def request_task(call: Call[TaskRequest]) -> TaskAnswer:
    """A page of items to label, or why there is none."""
    opened = call.open("labeler", "labeling")
    return call.services.tasks.hand_out(opened, call.caller, call.body)


@endpoint(bp, "GET", "projects/{project_id}/tasks", query=TaskQuery)
def list_tasks(call: Call[None]) -> TaskList:
    """My open tasks with their drafts, or what I finished last."""
    opened = call.open("labeler", "labeling")
    wanted = checked(TaskQuery, call.query)
    if wanted.mine in ("false", "0"):
        raise Invalid("tasks of others are listed at /leases")
    if wanted.state == "recent":
        return call.services.tasks.recent(opened, call.caller)
    return call.services.tasks.mine(opened, call.caller)


@endpoint(bp, "GET", "projects/{project_id}/mine")
def get_my_work(call: Call[None]) -> MyWork:
    """What I did today, what I labeled last, and what was returned to me."""
    return call.services.mine.get(call.open("labeler", "seeing one's own work"), call.caller)


@endpoint(bp, "GET", "projects/{project_id}/tasks/{task_id}")
def get_task(call: Call[None]) -> TaskView:
    """One of my tasks."""
    opened = call.open("labeler", "labeling")
    return call.services.tasks.get(opened, call.caller, call.path["task_id"])


@endpoint(
    bp,
    "POST",
    "projects/{project_id}/tasks/{task_id}/submit",
    documented=Submission,
    most_bytes=MAX_SUBMISSION_BYTES,
)
def submit_task(call: Call[SubmissionEnvelope]) -> SubmitAnswer:
    """Save decisions; safe to send again as it is."""
    opened = call.open("labeler", "labeling")
    return call.services.tasks.submit(opened, call.caller, call.path["task_id"], call.body)


@endpoint(bp, "POST", "projects/{project_id}/tasks/{task_id}/renew")
def renew_task(call: Call[None]) -> RenewAnswer:
    """Hold a task for another lease."""
    opened = call.open("labeler", "labeling")
    return call.services.tasks.renew(opened, call.caller, call.path["task_id"])


@endpoint(bp, "POST", "projects/{project_id}/tasks/{task_id}/release")
def release_task(call: Call[ReleaseRequest]) -> TaskView:
    """Give items back; an admin may give back anyone's."""
    opened = call.open("labeler", "labeling")
    own = call.services.tasks
    task_id = call.path["task_id"]
    try:
        return own.release(opened, call.caller, task_id, call.body)
    except NotFound:
        if opened.role != "admin":
            raise
        return own.release_for(opened, task_id)


@endpoint(bp, "POST", "projects/{project_id}/tasks/{task_id}/reopen")
def reopen_task(call: Call[ReopenRequest]) -> TaskAnswer:
    """Correct items I submitted; they stay labeled until then."""
    opened = call.open("labeler", "labeling")
    return call.services.tasks.reopen(opened, call.caller, call.path["task_id"], call.body)


@endpoint(bp, "PUT", "projects/{project_id}/tasks/{task_id}/draft", most_bytes=MAX_SUBMISSION_BYTES)
def put_draft(call: Call[Draft]) -> DraftAnswer:
    """Keep unfinished work."""
    opened = call.open("labeler", "labeling")
    return call.services.tasks.put_draft(opened, call.caller, call.path["task_id"], call.body)


@endpoint(bp, "POST", "projects/{project_id}/images")
def sign_images(call: Call[SignRequest]) -> SignAnswer:
    """Sign the addresses of images anew."""
    opened = call.open("labeler", "seeing images")
    return call.services.tasks.sign(opened, call.caller, call.body)


@endpoint(bp, "GET", "projects/{project_id}/leases")
def list_leases(call: Call[None]) -> LeaseList:
    """Who holds what."""
    return call.services.tasks.leases(call.open("admin", "seeing leases"))
