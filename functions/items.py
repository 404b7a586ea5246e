"""Items: listing, looking at one, its history, and sending it back."""

from __future__ import annotations

import azure.functions as func

from functions.web import Call, checked, endpoint
from labeling.agreement import PairAgreement
from labeling.changes import ChangePage, ChangesQuery
from labeling.honeypots import CheckList, HoneypotAnswer, HoneypotReport, HoneypotRequest
from labeling.review import (
    AcceptRequest,
    AnswerRequest,
    ApproveRequest,
    History,
    ItemFilter,
    ItemPage,
    ItemView,
    LeaveOutRequest,
    OpinionList,
    PutFirstRequest,
    RejectAnswer,
    RejectRequest,
    RelabelRequest,
    ResolveRequest,
    RevertRequest,
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
    """Take what one person said, or what most said alike, as the labels of an item."""
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
    "projects/{project_id}/items/honeypots",
    role="admin",
    doing="choosing honeypots",
)
def choose_honeypots(call: Call[HoneypotRequest]) -> HoneypotAnswer:
    """Mix images whose answer is known in among what people label, or no longer."""
    return call.services.honeypots.choose(call.project, call.body, by=call.caller.user)


@endpoint(
    bp, "GET", "projects/{project_id}/honeypots", role="admin", doing="seeing what people know"
)
def get_honeypots(call: Call[None]) -> HoneypotReport:
    """How well people know the answers of honeypots."""
    return call.services.honeypots.report(call.project)


@endpoint(
    bp,
    "GET",
    "projects/{project_id}/agreement/{member_id}/{other_id}",
    role="reviewer",
    doing="comparing people",
)
def compare_people(call: Call[None]) -> PairAgreement:
    """How far two people agree who labeled the same images: Cohen's kappa, and where they differ."""
    path = call.path
    return call.services.agreements.of(call.project, path["member_id"], path["other_id"])


@endpoint(
    bp,
    "GET",
    "projects/{project_id}/honeypots/{member_id}",
    role="admin",
    doing="seeing what people know",
)
def list_checks(call: Call[None]) -> CheckList:
    """What somebody said about honeypots, beside what is known."""
    return call.services.honeypots.checks(call.project, call.path["member_id"])


@endpoint(
    bp,
    "POST",
    "projects/{project_id}/honeypots/{member_id}/resume",
    role="admin",
    doing="giving people images again",
)
def resume_member(call: Call[None]) -> None:
    """Give somebody images again who did not know enough honeypots."""
    call.services.honeypots.let_go_on(call.project, call.path["member_id"])


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
    bp,
    "POST",
    "projects/{project_id}/items/exclude",
    role="reviewer",
    doing="leaving images out",
)
def leave_items_out(call: Call[LeaveOutRequest]) -> ReviewAnswer:
    """Leave items out of the project, whatever is said of them."""
    return call.services.review.leave_out(call.project, call.body, by=call.caller.user)


@endpoint(
    bp,
    "POST",
    "projects/{project_id}/items/first",
    role="reviewer",
    doing="choosing what is labeled first",
)
def put_items_first(call: Call[PutFirstRequest]) -> ReviewAnswer:
    """Have items that wait labeled before others."""
    return call.services.review.put_first(call.project, call.body)


@endpoint(
    bp, "POST", "projects/{project_id}/items/relabel", role="reviewer", doing="changing labels"
)
def relabel_items(call: Call[RelabelRequest]) -> ReviewAnswer:
    """Say another class in labels, in place."""
    return call.services.review.relabel(call.project, call.body, by=call.caller.user)


@endpoint(
    bp, "POST", "projects/{project_id}/items/revert", role="reviewer", doing="changing labels"
)
def revert_items(call: Call[RevertRequest]) -> ReviewAnswer:
    """Make labels what they were before."""
    return call.services.review.revert(call.project, call.body, by=call.caller.user)


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
    """Approve, reject, put first, leave out, relabel or revert all items that a filter means."""
    return call.services.sweeps.start(call.project, call.body, by=call.caller.user)


@endpoint(
    bp,
    "POST",
    "projects/{project_id}/sweeps/{sweep_id}/resume",
    role="reviewer",
    doing="changing many images",
    status=202,
)
def resume_sweep(call: Call[None]) -> Sweep:
    """Have a change of many items go on where it came to a stop."""
    return call.services.sweeps.resume(call.project.project_id, call.path["sweep_id"])
