"""Items: listing, looking at one, its history, and sending it back."""

from __future__ import annotations

import azure.functions as func

from functions.web import Call, checked, endpoint
from labeling.review import (
    History,
    ItemFilter,
    ItemPage,
    ItemView,
    RejectAnswer,
    RejectRequest,
)

bp = func.Blueprint()


@endpoint(bp, "GET", "projects/{project_id}/items", query=ItemFilter)
def list_items(call: Call[None]) -> ItemPage:
    """Items by state, class, labeler, kind, flag or path."""
    opened = call.open("reviewer", "seeing items")
    return call.services.review.list(opened, checked(ItemFilter, call.query))


@endpoint(bp, "GET", "projects/{project_id}/items/{item_id}", version_of="revision")
def get_item(call: Call[None]) -> ItemView:
    """One item with its labels."""
    opened = call.open("reviewer", "seeing items")
    return call.services.review.get(opened, call.path["item_id"])


@endpoint(bp, "GET", "projects/{project_id}/items/{item_id}/history")
def get_item_history(call: Call[None]) -> History:
    """Every change of an item."""
    opened = call.open("reviewer", "seeing items")
    return call.services.review.history(opened, call.path["item_id"])


@endpoint(bp, "POST", "projects/{project_id}/items/reject")
def reject_items(call: Call[RejectRequest]) -> RejectAnswer:
    """Send items back to be labeled again."""
    opened = call.open("reviewer", "rejecting labels")
    return call.services.review.reject(opened, call.body, by=call.caller.user)
