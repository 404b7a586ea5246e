"""What is asked about tasks over HTTP, and answered."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from labeling.model import Id, Model, UtcTime
from labeling.tasks.queues import WhyNone
from labeling.tasks.submissions import MAX_SIZE
from labeling.tasks.views import Lease, TaskView


class TaskRequest(Model):
    """Ask for a page of items. The same `request_id` gives the same task, whatever was lost between."""

    request_id: Id
    size: Annotated[int, Field(ge=1, le=MAX_SIZE, description="a wish")] = 9
    purpose: Literal["next", "prefetch"] = "next"


class TaskAnswer(Model):
    """A task, or why there is none and when to ask again.

    `look_again`: the person's labels differ often from what is known to be right, and they are asked to read
    the instructions again; where `why` is `held_back`, they get no more images until an admin lets them.
    """

    task: TaskView | None
    why: WhyNone | None = None
    retry_after_s: int | None = None
    open_tasks: list[str] = []
    look_again: bool = False


class RecentTask(Model):
    """A task I finished."""

    task_id: str
    how: Literal["done", "expired", "released", "open"]
    ended_at: UtcTime
    item_ids: list[str]


class TaskList(Model):
    """My open tasks, or those I finished last, newest first."""

    items: list[TaskView] = []
    recent: list[RecentTask] = []
    next_cursor: str | None = None


class DraftAnswer(Model):
    """What is kept now, and the renewed lease while the task is open."""

    seq: int
    lease: Lease | None


class RenewAnswer(Model):
    """The renewed lease."""

    lease: Lease


class ReleaseRequest(Model):
    """Items to give back; all when left out."""

    items: list[Id] | None = None


class ReopenRequest(Model):
    """Items of a finished task to correct; all of them when left out."""

    request_id: Id
    items: Annotated[list[Id], Field(max_length=MAX_SIZE)] | None = None


class OpenLease(Model):
    """Who holds what."""

    task_id: str
    user: str
    until: UtcTime
    kind: str
    item_ids: list[str]


class LeaseList(Model):
    """All open tasks of a project."""

    items: list[OpenLease]
