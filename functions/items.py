"""Items: listing, looking at one, its history, and sending it back."""

from __future__ import annotations

import azure.functions as func

from functions.web import Call, checked, endpoint
from labeling.changes import ChangePage, ChangesQuery
from labeling.review import (
    AcceptRequest,
    AnswerRequest,
    ApproveRequest,
    History,
    ItemFilter,
    ItemPage,
    ItemView,
    OpinionList,
    RejectAnswer,
    RejectRequest,
    ResolveRequest,
    ReviewAnswer,
    ReviewResult,
)
from labeling.sweeps import NewSweep, Sweep, SweepList

bp = func.Blueprint()


@endpoint(
    bp,
    "GET",
    "projects/{project_id}/items",
    role="reviewer",
    doing="seeing items",
    query=ItemFilter,
)
def list_items(call: Call[None]) -> ItemPage:
    """Items by state, class, labeler, kind, flag or path."""
    return call.services.review.list(call.project, checked(ItemFilter, call.query))


@endpoint(
    bp,
    "GET",
    "projects/{project_id}/changes",
    role="reviewer",
    doing="seeing items",
    query=ChangesQuery,
)
def list_changes(call: Call[None]) -> ChangePage:
    """What was decided since a cursor, for whoever trains on it."""
    return call.services.changes.since(call.project, checked(ChangesQuery, call.query))


@endpoint(
    bp,
    "GET",
    "projects/{project_id}/items/{item_id}",
    role="reviewer",
    doing="seeing items",
    version_of="revision",
)
def get_item(call: Call[None]) -> ItemView:
    """One item with its labels."""
    return call.services.review.get(call.project, call.path["item_id"])


@endpoint(
    bp,
    "GET",
    "projects/{project_id}/items/{item_id}/history",
    role="reviewer",
    doing="seeing items",
)
def get_item_history(call: Call[None]) -> History:
    """Every change of an item."""
    return call.services.review.history(call.project, call.path["item_id"])


@endpoint(
    bp,
    "GET",
    "projects/{project_id}/items/{item_id}/opinions",
    role="reviewer",
    doing="seeing items",
)
def get_item_opinions(call: Call[None]) -> OpinionList:
    """What each person said about an item that several label."""
    return call.services.review.opinions(call.project, call.path["item_id"])


@endpoint(
    bp,
    "POST",
    "projects/{project_id}/items/{item_id}/resolve",
    role="reviewer",
    doing="deciding between labelers",
)
def resolve_item(call: Call[ResolveRequest]) -> ReviewResult:
    """Take what one person said as the labels of an item."""
    return call.services.review.resolve(
        call.project, call.path["item_id"], call.body, by=call.caller.user
    )


@endpoint(
    bp, "POST", "projects/{project_id}/items/reject", role="reviewer", doing="rejecting labels"
)
def reject_items(call: Call[RejectRequest]) -> RejectAnswer:
    """Send items back to be labeled again."""
    return call.services.review.reject(call.project, call.body, by=call.caller.user)


@endpoint(
    bp, "POST", "projects/{project_id}/items/approve", role="reviewer", doing="approving labels"
)
def approve_items(call: Call[ApproveRequest]) -> ReviewAnswer:
    """Note that labels are good, or take that back."""
    return call.services.review.approve(call.project, call.body, by=call.caller.user)


@endpoint(
    bp,
    "POST",
    "projects/{project_id}/items/accept",
    role="reviewer",
    doing="leaving images out",
)
def accept_skipped_items(call: Call[AcceptRequest]) -> ReviewAnswer:
    """Leave skipped items out of the project."""
    return call.services.review.accept_skipped(call.project, call.body, by=call.caller.user)


@endpoint(
    bp, "POST", "projects/{project_id}/items/answer", role="reviewer", doing="answering labelers"
)
def answer_items(call: Call[AnswerRequest]) -> RejectAnswer:
    """Answer what labelers asked; the items go back to them."""
    return call.services.review.answer(call.project, call.body, by=call.caller.user)


@endpoint(
    bp,
    "GET",
    "projects/{project_id}/sweeps",
    role="reviewer",
    doing="seeing changes of many images",
)
def list_sweeps(call: Call[None]) -> SweepList:
    """Changes of many items, newest first."""
    return call.services.sweeps.all(call.project.project_id)


@endpoint(
    bp,
    "GET",
    "projects/{project_id}/sweeps/{sweep_id}",
    role="reviewer",
    doing="seeing changes of many images",
)
def get_sweep(call: Call[None]) -> Sweep:
    """One change of many items."""
    return call.services.sweeps.get(call.project.project_id, call.path["sweep_id"])


@endpoint(
    bp,
    "POST",
    "projects/{project_id}/sweeps",
    role="reviewer",
    doing="changing many images",
    status=202,
)
def create_sweep(call: Call[NewSweep]) -> Sweep:
    """Approve, reject, put first or leave out all items that a filter means."""
    return call.services.sweeps.start(call.project, call.body, by=call.caller.user)
