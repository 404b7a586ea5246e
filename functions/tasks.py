"""Tasks: handing out, keeping, submitting, reopening; and signing their images."""

from __future__ import annotations

from typing import Literal

import azure.functions as func

from functions.web import Call, checked, endpoint
from labeling.errors import Invalid, NotFound
from labeling.model import Model
from labeling.tasks.images import SignAnswer, SignRequest
from labeling.tasks.messages import (
    DraftAnswer,
    LeaseList,
    ReleaseRequest,
    RenewAnswer,
    ReopenRequest,
    TaskAnswer,
    TaskList,
    TaskRequest,
)
from labeling.tasks.my_work import MyWork
from labeling.tasks.submissions import (
    MAX_SUBMISSION_BYTES,
    Submission,
    SubmissionEnvelope,
    SubmitAnswer,
)
from labeling.tasks.views import Draft, TaskView

bp = func.Blueprint()


class TaskQuery(Model):
    """Which of my tasks: those that are open, or those I finished last."""

    mine: str = ""
    state: Literal["open", "recent"] = "open"


@endpoint(bp, "POST", "projects/{project_id}/tasks", role="labeler", doing="labeling")
def request_task(call: Call[TaskRequest]) -> TaskAnswer:
    """A page of items to label, or why there is none."""
    return call.services.tasks.hand_out(call.project, call.caller, call.body)


@endpoint(
    bp, "GET", "projects/{project_id}/tasks", role="labeler", doing="labeling", query=TaskQuery
)
def list_tasks(call: Call[None]) -> TaskList:
    """My open tasks with their drafts, or what I finished last."""
    wanted = checked(TaskQuery, call.query)
    if wanted.mine in ("false", "0"):
        raise Invalid("tasks of others are listed at /leases")
    if wanted.state == "recent":
        return call.services.tasks.recent(call.project, call.caller)
    return call.services.tasks.mine(call.project, call.caller)


@endpoint(bp, "GET", "projects/{project_id}/mine", role="labeler", doing="seeing one's own work")
def get_my_work(call: Call[None]) -> MyWork:
    """What I did today, what I labeled last, and what was returned to me."""
    return call.services.mine.get(call.project, call.caller)


@endpoint(bp, "GET", "projects/{project_id}/tasks/{task_id}", role="labeler", doing="labeling")
def get_task(call: Call[None]) -> TaskView:
    """One of my tasks."""
    return call.services.tasks.get(call.project, call.caller, call.path["task_id"])


@endpoint(
    bp,
    "POST",
    "projects/{project_id}/tasks/{task_id}/submit",
    role="labeler",
    doing="labeling",
    documented=Submission,
    most_bytes=MAX_SUBMISSION_BYTES,
)
def submit_task(call: Call[SubmissionEnvelope]) -> SubmitAnswer:
    """Save decisions; safe to send again as it is."""
    return call.services.tasks.submit(call.project, call.caller, call.path["task_id"], call.body)


@endpoint(
    bp, "POST", "projects/{project_id}/tasks/{task_id}/renew", role="labeler", doing="labeling"
)
def renew_task(call: Call[None]) -> RenewAnswer:
    """Hold a task for another lease."""
    return call.services.tasks.renew(call.project, call.caller, call.path["task_id"])


@endpoint(
    bp, "POST", "projects/{project_id}/tasks/{task_id}/release", role="labeler", doing="labeling"
)
def release_task(call: Call[ReleaseRequest]) -> TaskView:
    """Give items back; an admin may give back anyone's."""
    own = call.services.tasks
    task_id = call.path["task_id"]
    try:
        return own.release(call.project, call.caller, task_id, call.body)
    except NotFound:
        if call.project.role != "admin":
            raise
        return own.release_for(call.project, task_id)


@endpoint(
    bp, "POST", "projects/{project_id}/tasks/{task_id}/reopen", role="labeler", doing="labeling"
)
def reopen_task(call: Call[ReopenRequest]) -> TaskAnswer:
    """Correct items I submitted; they stay labeled until then."""
    return call.services.tasks.reopen(call.project, call.caller, call.path["task_id"], call.body)


@endpoint(
    bp,
    "PUT",
    "projects/{project_id}/tasks/{task_id}/draft",
    role="labeler",
    doing="labeling",
    most_bytes=MAX_SUBMISSION_BYTES,
)
def put_draft(call: Call[Draft]) -> DraftAnswer:
    """Keep unfinished work."""
    return call.services.tasks.put_draft(call.project, call.caller, call.path["task_id"], call.body)


@endpoint(bp, "POST", "projects/{project_id}/images", role="labeler", doing="seeing images")
def sign_images(call: Call[SignRequest]) -> SignAnswer:
    """Sign the addresses of images anew."""
    return call.services.tasks.images.sign(call.project, call.caller, call.body)


@endpoint(bp, "GET", "projects/{project_id}/leases", role="admin", doing="seeing leases")
def list_leases(call: Call[None]) -> LeaseList:
    """Who holds what."""
    return call.services.tasks.leases(call.project)
