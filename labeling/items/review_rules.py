"""What reviewers and admins make of an item: like `rules.py`, functions from an item to an item."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from typing import Literal

from labeling import layout
from labeling.items import rules
from labeling.items.records import (
    Item,
    ItemState,
    Labeling,
    Lane,
    Returned,
)
from labeling.model import from_milliseconds

NoHoneypot = Literal["changed", "leased", "not_settled", "not_approved"]
"""Why an item can't be a honeypot."""


def why_not_reviewed(
    item: Item, revision: int | None, states: Collection[ItemState]
) -> Literal["changed", "leased", "not_settled"] | None:
    """Why a reviewer can't change an item; None where they can.

    `revision` is what they saw, `states` are those in which it can be done.
    """
    if revision is not None and item.revision != revision:
        return "changed"
    if any(lane.task for lane in item.lanes):
        return "leased"
    return "not_settled" if item.state not in states else None


def rejected(item: Item, *, reason: str, to_same_labeler: bool, front: bool, now: int) -> Item:
    """All lanes are available again, to anyone or, where there is one only, to who labeled it.

    What was left out is no longer.
    """
    now = rules.later(item, now)
    return replace(
        item,
        lanes=tuple(Lane() for _ in item.lanes),
        revision=item.revision + 1,
        changed_ms=now,
        reserved=item.lanes[0].labeler if to_same_labeler and len(item.lanes) == 1 else "",
        priority=layout.FRONT if front and item.width else rules.waiting_again(item),
        returned=Returned(reason=reason, at=from_milliseconds(now)).model_dump_json(),
        suggested="",  # where it is gone, one of several may have waited with a suggestion
        suggestion="",
        barred="",
        barred_reason="",
        approved="",
        honeypot="",
        honeypot_run="",
        overwritten=False,
        verdict="",
        judged="",
    )


def labeled_as_before(item: Item, said: Labeling) -> Item:
    """One whose image was overwritten, as it was before: its labels count again."""
    lane = replace(item.lanes[0], state=said.outcome, tally=said.tally())
    return item if item.state != "needs_review" else item.with_lane(0, lane)


def approved(item: Item, by: str, now: int) -> Item:
    """Somebody found its labels good; with an empty `by`, after all not."""
    if bool(item.approved) == bool(by):
        return item
    now = rules.later(item, now)
    new = replace(
        item,
        approved=by,
        overwritten=item.overwritten and not by,
        revision=item.revision + 1,
        changed_ms=now,
    )
    return new if by else replace(new, honeypot="", honeypot_run="")


def why_no_honeypot(item: Item, revision: int | None, *, imported: bool) -> NoHoneypot | None:
    """Why the answer of an item is not known well enough to see by it what others know; None where it is.

    It is final: a reviewer found it good, or it was `imported`.
    """
    if why := why_not_reviewed(item, revision, ("labeled",)):
        return why
    if item.flag:
        return "changed"
    return None if item.approved or imported else "not_approved"


def honeypot(item: Item, said: Labeling | None, by: str) -> Item:
    """It is mixed in among what people label, with what was suggested when it was labeled; or no longer."""
    run = said.prelabel.run_id if by and said and said.prelabel else ""
    return replace(item, honeypot=by, honeypot_run=run)


def left_out(item: Item, reason: str, now: int) -> Item:
    """It is no longer part of the project, for the reason it was skipped."""
    if item.barred:
        return item
    return replace(
        item,
        barred="excluded",
        barred_reason=reason,
        revision=item.revision + 1,
        changed_ms=rules.later(item, now),
    )


def put_first(item: Item) -> Item | None:
    """It is handed out before others; None where it does not wait for anybody."""
    if item.state != "available" or item.reserved or not item.width:
        return None
    return replace(item, priority=layout.FRONT)


def started_over(item: Item, *, keep: bool, now: int) -> Item:
    """All lanes are available to anyone; `keep`: its labels are what the next labeler begins with."""
    now = rules.later(item, now)
    returned = Returned(reason="", at=from_milliseconds(now), starts_over=True).model_dump_json()
    return replace(
        item,
        lanes=tuple(Lane() for _ in item.lanes),
        revision=item.revision + 1,
        changed_ms=now,
        reserved="",
        priority=rules.waiting_again(item),
        returned=returned if keep else "",
        suggested="",
        suggestion="",
        approved="",
        honeypot="",
        honeypot_run="",
        overwritten=False,
        verdict="",
        judged="",
    )


def unreserved(item: Item, user: str) -> Item:
    """What was returned to a labeler is anyone's."""
    if item.reserved != user:
        return item
    return replace(item, reserved="", priority=layout.FRONT if item.width else layout.UNMEASURED)
