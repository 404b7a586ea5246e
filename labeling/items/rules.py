"""What an item may become: pure functions from an item to an item, and why one may not.

A rule that has nothing to say gives the item back as it is. Who keeps what comes out is in `change.py`.
Moments are milliseconds; `changed_ms` grows with every change that is listed, however clocks differ.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from typing import Literal

from labeling import layout
from labeling.annotations.acceptance import decoded, likely_classes, small_copy
from labeling.items.records import (
    SETTLED,
    Item,
    Judged,
    Labeling,
    Lane,
    NotReopened,
    Overtaken,
    Rendered,
    Run,
    Suggested,
)
from labeling.media.header import Measured
from labeling.model import day_of
from labeling.quality.agreement import Compared
from labeling.quality.assignment import Audiences
from labeling.quality.consensus import Verdict
from labeling.quality.overlap import Overlap


def later(item: Item, now: int) -> int:
    """The time of the next change of an item: after the last, whatever the clock says."""
    return max(now, item.changed_ms + 1)


def by_hand(priority: str) -> str:
    """The queue of an item for which nothing is suggested any more."""
    return layout.MANUAL if priority == layout.PRELABELED else priority


def unsuggested(item: Item) -> str:
    """The queue of an item for which nothing is suggested: with those that look like it, if there are."""
    return layout.CLUSTERED if item.group else layout.MANUAL


def waiting_again(item: Item) -> str:
    """The queue of an item that was labeled and waits for somebody once more."""
    if not item.width:
        return layout.UNMEASURED
    return item.priority if item.priority == layout.FRONT else unsuggested(item)


def assigned(item: Item, audiences: Audiences) -> Item:
    """An item that waits does so for its audience; in hands or settled it stays as it is."""
    audience = audiences.of(item)
    return replace(item, audience=audience) if item.waits and item.audience != audience else item


def placed(old: Item | None, new: Item, audiences: Audiences) -> Item:
    """An item that begins to wait, or for which something else is suggested now, with its audience.

    That of one which waits already is changed by nothing else: what it costs to move all its places in the
    queues would be more than a transaction of many such items holds.
    """
    begins = not (old and old.waits and old.likely == new.likely)
    return assigned(new, audiences) if begins else new


# What happens to the image.


def measured(item: Item, result: Measured, now: int) -> Item:
    """Its size is known, or why it can't be read. One measured meanwhile from a newer blob keeps that."""
    if item.blob_etag != result.blob_etag or (item.width and not result.problem):
        return item
    if result.problem:
        if item.barred or any(lane.state != "available" for lane in item.lanes):
            return item
        return replace(
            item,
            barred="unreadable",
            barred_reason=result.problem,
            changed_ms=later(item, now),
        )
    ready = layout.PRELABELED if item.suggested else unsuggested(item)
    return replace(
        item,
        width=result.width,
        height=result.height,
        orientation=result.orientation,
        frames=result.frames,
        frame_sizes=result.frame_sizes,
        barred="",
        barred_reason="",
        damage=item.damage or result.damage,
        priority=ready if item.priority == layout.UNMEASURED else item.priority,
    )


def rendered(item: Item, made: Rendered) -> Item:
    """Smaller copies are there; those of a blob that was overwritten meanwhile are none of its."""
    if item.blob_etag != made.blob_etag:
        return item
    return damaged(replace(item, renditions=made.renditions), made.blob_etag, made.damage)


def damaged(item: Item, blob_etag: str, why: str) -> Item:
    """Something of its image can't be decoded. What is known first stays; it can be labeled as it is."""
    if item.blob_etag != blob_etag or not why or item.damage:
        return item
    return replace(item, damage=why)


def overwritten(item: Item, blob_etag: str, size: int, now: int, about: str = "") -> Item:
    """Its blob is another: it is measured anew, labels need a reviewer, suggestions are forgotten."""
    if item.blob_etag == blob_etag:
        return item
    lanes = tuple(
        replace(lane, state="needs_review", tally={}) if lane.state in SETTLED else lane
        for lane in item.lanes
    )
    return replace(
        item,
        blob_etag=blob_etag,
        size=size,
        about=about,
        width=0,
        height=0,
        orientation=1,
        frames=1,
        frame_sizes="",
        barred="",
        barred_reason="",
        damage="",
        renditions="",
        approved="",
        honeypot="",
        honeypot_run="",
        verdict="",
        judged="",
        priority=layout.UNMEASURED,
        suggested="",
        suggestion="",
        withheld="",
        likely="",
        group="",
        lanes=lanes,
        missing=False,
        overwritten=any(lane.state != "available" for lane in lanes),
        changed_ms=later(item, now),
    )


def missing(item: Item, gone: bool) -> Item:
    """Its blob is gone, or is back. Labels are kept."""
    return replace(item, missing=gone)


# What labelers do.


def claimed(item: Item, lane: int, *, task: str, user: str) -> Item:
    """A lane that was available is leased."""
    return replace(item.with_lane(lane, Lane("leased", task, user)), reserved="")


def reopened(item: Item, lane: int, *, task: str) -> Item:
    """A settled lane is being corrected: it stays as it is until the correction comes."""
    return item.with_lane(lane, replace(item.lanes[lane], task=task))


def why_not_reopened(item: Item, *, user: str) -> NotReopened:
    """What became of an item that a labeler had and can't correct."""
    if any(lane.labeler == user and lane.task for lane in item.lanes):
        return "open"
    if item.barred:
        return "unusable"
    return "waiting" if any(lane.state == "available" for lane in item.lanes) else "somebody"


def given_back(item: Item, lane: int) -> Item:
    """A lane goes back to where it came from: the queue, or labeled where it was being corrected."""
    old = item.lanes[lane]
    new = item.with_lane(lane, Lane() if old.state == "leased" else replace(old, task=""))
    begun = any(each.state != "available" for each in new.lanes)
    return replace(new, overwritten=new.overwritten and begun)


def settled(item: Item, lane: int, labeling: Labeling, *, user: str, now: int) -> Item:
    """A lane has an outcome, for the first time or corrected."""
    new = replace(
        item.with_lane(lane, Lane(labeling.outcome, "", user, labeling.tally())),
        revision=item.revision + 1,
        changed_ms=later(item, now),
        reserved="",
        returned="",
        approved="",
        honeypot="",
        honeypot_run="",
        verdict="",
        judged="",
    )
    if item.lanes[lane].state in SETTLED or new.state not in SETTLED:
        return new
    # Nobody is shown a suggestion any more; the kind says how it was done.
    priority = item.priority if labeling.prelabel else by_hand(item.priority)
    return replace(new, suggested="", suggestion="", priority=priority)


def submitted_today(item: Item, user: str) -> tuple[Item, bool]:
    """The item with the note that somebody submitted it at its last change; and whether that day for the first
    time: whoever corrects an image has not labeled two."""
    day = day_of(item.changed_ms)
    before, *people = item.submitters.split() or [""]
    known = people if before == day else []
    if user in known:
        return item, False
    return replace(item, submitters=" ".join([day, *known, user])), True


def why_not_imported(item: Item) -> Literal["barred", "leased", "labeled"] | None:
    """Why labels from elsewhere are not taken for an item: people go before files. None where they are."""
    if any(lane.state in SETTLED for lane in item.lanes) or item.returned:
        return "labeled"
    if item.barred or item.missing:
        return "barred"
    return "leased" if any(lane.state == "leased" for lane in item.lanes) else None


def complete(item: Item) -> bool:
    """Whether all who were asked about an image have answered: what they say together can be told."""
    return item.shared and not item.barred and all(lane.state in SETTLED for lane in item.lanes)


def concluded(item: Item, said: Verdict, overlap: Overlap) -> Item:
    """What came of an image that all have labeled. Where they disagree, one more is asked, if there may be."""
    if said.disputed and len(item.lanes) < overlap.most:
        # Nothing is suggested to whoever comes: what was is forgotten when all have answered.
        return replace(item, lanes=(*item.lanes, Lane()), priority=waiting_again(item))
    lanes = {lane.labeler: str(number) for number, lane in enumerate(item.lanes)}
    people = {lanes[name]: pairs for name, pairs in said.compared.people.items()}
    outcome = "needs_review" if said.disputed else said.outcome
    tally = (
        Counter(annotation.class_id for annotation in said.annotations)
        if outcome == "labeled"
        else {}
    )
    judged = Judged(dict(tally), replace(said.compared, people=people), said.disputed)
    return replace(
        item,
        verdict=outcome,
        judged=judged.text(),
        revision=item.revision + 1,
        changed_ms=item.changed_ms + 1,
    )


def resolved(item: Item, opinion: Labeling, now: int) -> Item:
    """A reviewer took what one of several people said; that they disagreed is still counted.

    How well they agreed on an image that was overwritten since is no longer known: it counts as one that a
    reviewer had to decide.
    """
    judged = Judged.of(item.judged) if item.judged else Judged({}, Compared(), disputed=True)
    return replace(
        item,
        verdict=opinion.outcome,
        judged=replace(judged, tally=opinion.tally()).text(),
        revision=item.revision + 1,
        changed_ms=later(item, now),
        approved="",
        honeypot="",
        honeypot_run="",
        overwritten=False,
    )


def merged(item: Item, tallies: Mapping[str, Mapping[str, int]], now: int) -> Item:
    """A class of its labels became another: each lane has the classes that its labeler's answer has now."""
    lanes = tuple(
        replace(lane, tally=tallies[lane.labeler])
        if lane.labeler in tallies and lane.state == "labeled"
        else lane
        for lane in item.lanes
    )
    return replace(item, lanes=lanes, revision=item.revision + 1, changed_ms=later(item, now))


def judged_anew(item: Item, said: Verdict, chosen: Labeling | None) -> Item:
    """What several people say together, after their classes changed; a reviewer's choice stays that."""
    alone = replace(item, verdict="", judged="")
    most = Overlap(labelers=len(item.lanes), most=len(item.lanes))
    new = replace(concluded(alone, said, most), revision=item.revision, changed_ms=item.changed_ms)
    if chosen is None:
        return new
    judged = replace(Judged.of(new.judged), tally=chosen.tally())
    return replace(new, verdict=chosen.outcome, judged=judged.text())


def asked_of(item: Item, places: int) -> Item:
    """An image that nobody has begun is for so many people; any other stays as it is."""
    begun = any(lane.state != "available" for lane in item.lanes) or item.returned
    if begun or item.barred or len(item.lanes) == places:
        return item
    return replace(item, lanes=tuple(Lane() for _ in range(places)))


def free_for_late_work(item: Item, lane: int, *, user: str, base_revision: int | None) -> bool:
    """Whether work that came after its task was over may settle a lane: nobody has touched it since."""
    return (
        lane < len(item.lanes)
        and item.lanes[lane].state == "available"
        and not item.barred
        and item.reserved in ("", user)
        and base_revision in (None, item.revision)
        and all(other.labeler != user for other in item.lanes)
    )


def overtaken_by(item: Item, *, user: str) -> Overtaken:
    """What came before late work on an item that is not free for it any more."""
    own = [lane for lane in item.lanes if lane.labeler == user]
    if own:
        return "submitted" if any(lane.state in SETTLED for lane in own) else "open"
    if item.barred or item.state == "excluded":
        return "unusable"
    if all(lane.state == "available" for lane in item.lanes) and item.reserved in ("", user):
        return "changed"
    return "somebody"


def posed(item: Item, priority: str, *, task: str, user: str) -> Item:
    """A honeypot as a person is given it: like an item of this queue that nobody has touched."""
    suggested = item.honeypot_run if priority == layout.PRELABELED else ""
    return _untouched(item, priority, suggested, Lane("leased", task, user))


def answered(item: Item, lane: Lane, revision: int) -> Item:
    """A honeypot as the person who answered sees it: theirs, whatever became of the item."""
    return replace(_untouched(item, layout.MANUAL, "", lane), revision=revision)


def _untouched(item: Item, priority: str, suggested: str, lane: Lane) -> Item:
    return replace(
        item,
        revision=0,
        priority=priority,
        reserved="",
        lanes=(lane,),
        barred="",
        barred_reason="",
        returned="",
        approved="",
        honeypot="",
        honeypot_run="",
        suggested=suggested,
        suggestion="",
        withheld="",
        verdict="",
        judged="",
        labeled_ms=0,
    )


# What runs do.


def outdated(item: Item, run: Run) -> bool:
    """Whether a newer run has said something about the item."""
    return run.order < item.newest_run


def suggestible(item: Item, run: Run, data: bytes, known: bytes | None) -> Suggested:
    """What becomes of a suggestion, where `known` is what the same run said before."""
    if known is not None and known != data:
        return "contradicts"
    if outdated(item, run):
        return "older"
    if known is not None:
        return "unchanged"
    if item.barred:
        return "barred"
    return "labeled" if item.state in SETTLED or item.returned else "saved"


def suggested(item: Item, run: Run, data: bytes) -> Item:
    """A run has spoken; empty `data` takes away what older ones suggested."""
    ready = layout.PRELABELED if data else unsuggested(item)
    stays = item.priority in (layout.FRONT, layout.UNMEASURED)
    return replace(
        item,
        suggested=run.run_id if data else "",
        suggestion=small_copy(data),
        withheld="",
        likely=likely_classes(decoded(data)),
        newest_run=run.order,
        priority=item.priority if stays else ready,
    )


def withheld(item: Item, run: Run, data: bytes) -> Item:
    """A run has spoken of an image that is kept blind: it is noted, and what older ones suggested is gone."""
    return replace(suggested(item, run, b""), withheld=small_copy(data))


def grouped(item: Item, place: str) -> Item:
    """Its place among images that look alike is known; empty: it looks like none any more.

    One that is leased, settled or barred stays as it is, and so does the queue of one that comes before.
    """
    if item.barred or any(lane.state != "available" for lane in item.lanes):
        return item
    new = replace(item, group=place)
    waits_by_hand = item.priority in (layout.CLUSTERED, layout.MANUAL)
    return replace(new, priority=unsuggested(new)) if waits_by_hand else new
