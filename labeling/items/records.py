"""What is kept of items. What is kept of tasks is in `tasks.py`.

An item is one truth row whose key never moves. All other rows of it (queue, listing, flag) and its share
of the counters are *derived*: from `Item.queue_keys`, `Item.listing` and `Item.facts`, by `rows.py`. What an
item may become is in `rules.py` (ADR-0002).
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Literal, cast

from pydantic import BaseModel

from labeling import layout
from labeling.annotations.acceptance import Acceptance
from labeling.annotations.merging import remapped
from labeling.annotations.shapes import Annotation
from labeling.items.cells import as_text, unpack
from labeling.model import Id, Model, UtcTime, day_of, from_milliseconds
from labeling.quality.agreement import Compared
from labeling.storage import Row, Value

SCHEMA = 1
"""Version of the stored records; a reader of another version migrates on read."""

ItemState = Literal[
    "available", "leased", "labeled", "skipped", "needs_review", "unreadable", "excluded"
]
Outcome = Literal["labeled", "skipped", "needs_review"]
GONE = "the file is gone"

SETTLED: tuple[ItemState, ...] = ("labeled", "skipped", "needs_review")
Flag = Literal["overwritten", "missing", "damaged"]


class Labeling(Model):
    """What was said about one image at one moment; `prelabel` where suggestions were shown.

    `labelers` are those whose answers it was made of, where several people label an image; without them it
    is one person's.
    """

    schema_version: int = SCHEMA
    outcome: Outcome
    annotations: list[Annotation] = []
    reason: str | None = None
    note: str | None = None
    labeler: str
    labelers: list[str] = []
    saved_at: UtcTime
    active_ms: int = 0
    classes_version: int
    submission_id: Id
    prelabel: Acceptance | None = None

    def merged(self, into: Mapping[str, str]) -> Labeling:
        """The same, of the classes that those which were merged became."""
        annotations = remapped(self.annotations, into)
        return (
            self
            if annotations == self.annotations
            else self.model_copy(update={"annotations": annotations})
        )

    def tally(self) -> dict[str, int]:
        """Annotations by class; empty unless the image counts as labeled."""
        if self.outcome != "labeled":
            return {}
        return dict(Counter(annotation.class_id for annotation in self.annotations))


class Returned(Model):
    """Why an item came back to be labeled again. `starts_over`: as all labels of its project did."""

    reason: str
    at: UtcTime
    starts_over: bool = False


SentBack = Literal["same_labeler", "anyone"]
"""Whom an item waits for that a reviewer sent back."""


Overtaken = Literal["submitted", "open", "unusable", "changed", "somebody"]
"""What came before late work: the labeler's own submission or open page, a file that can't be used, other
content or a reviewer, or somebody else."""


NotReopened = Literal["open", "unusable", "waiting", "somebody"]
"""Why a labeler can't correct an item: it is open in another page of theirs, can't be used, waits to be labeled
anew, or is somebody else's."""


class Revision(BaseModel):
    """One entry of an item's history: the whole state after a change.

    `state` is the item's from then on; where several people label it, one's labeling alone does not say it.
    `overtaken` says of late work why it does not count.
    """

    revision: int
    what: str
    by: str
    at: UtcTime
    reason: str | None = None
    task_id: str | None = None
    labeling: Labeling | None = None
    state: str = ""
    overtaken: Overtaken | None = None

    @classmethod
    def of(cls, row: Row) -> Revision:
        """The entry that a row of the history keeps."""
        labels = unpack("labels", row.cells)
        return cls(
            revision=layout.history_place(row.key).revision,
            what=row.text("what"),
            by=row.text("by"),
            at=from_milliseconds(row.number("at_ms")),
            reason=row.text("reason") or None,
            task_id=row.text("task") or None,
            labeling=Labeling.model_validate_json(labels) if labels else None,
            state=row.text("state"),
            overtaken=cast(Overtaken | None, row.text("overtaken") or None),
        )


@dataclass(frozen=True)
class Lane:
    """One of the `overlap` places an item has for labelers.

    `task` is the open lease, if any; a settled lane with a task is being corrected and stays settled.
    """

    state: Literal["available", "leased", "labeled", "skipped", "needs_review"] = "available"
    task: str = ""
    labeler: str = ""
    tally: Mapping[str, int] = field(default_factory=dict[str, int])


Consensus = Literal["agreed", "disputed"]
"""Whether several people who labeled an image agree on it."""


@dataclass(frozen=True)
class Judged:
    """What the counters learn when all who were asked have labeled an image.

    `tally` is of the labels they agree on, `compared` how well they do, people by the number of their lane.
    """

    tally: Mapping[str, int]
    compared: Compared
    disputed: bool

    @property
    def consensus(self) -> Consensus:
        """Whether they agree."""
        return "disputed" if self.disputed else "agreed"

    @property
    def differing(self) -> frozenset[str]:
        """The classes about which they differ: not all who could named or drew them."""
        one = self.compared
        named = (name for name, count in one.all.items() if one.same.get(name, 0) < count)
        drawn = (name for name, (found, sought) in one.found.items() if found < sought)
        return frozenset([*named, *drawn])

    def text(self) -> str:
        """As one cell."""
        return as_text([self.tally, asdict(self.compared), self.disputed])

    @classmethod
    def of(cls, text: str) -> Judged:
        """Of its cell."""
        tally, compared, disputed = json.loads(text)
        return cls(tally, Compared(**compared), disputed)

    def facts(self, lanes: Sequence[Lane]) -> Counter[str]:
        """Its share of the counters."""
        one = self.compared
        facts: Counter[str] = Counter({f"consensus:{self.consensus}": 1})
        facts["agree:values"] = one.values
        facts["agree:iou"], facts["agree:pairs"] = one.iou
        for class_id, count in one.all.items():
            facts[f"agree:all:{class_id}"] = count
            facts[f"agree:same:{class_id}"] = one.same.get(class_id, 0)
        for class_id, (found, sought) in one.found.items():
            facts[f"agree:found:{class_id}"] = found
            facts[f"agree:sought:{class_id}"] = sought
        for lane, (same, every) in one.people.items():
            labeler = lanes[int(lane)].labeler
            facts[f"agree:with:{labeler}"] += same
            facts[f"agree:of:{labeler}"] += every
        return +facts


@dataclass(frozen=True)
class Item:
    """What is known of one image, without its annotations.

    `width` and `height` are those of the upright image in pixels, 0 while not measured.
    `changed_ms` grows with every revision; `order` is the place in the project's shuffle. `suggested` is the
    run whose prelabel waits to be shown, `suggestion` a copy of that where it is small; `newest_run` sorts
    runs by their time, and is the last that said anything, were it that there is nothing to suggest.
    `withheld` is such a copy of what that run said of an image that is kept blind: nobody is shown it.
    `approved` is the reviewer who found its labels good, until they change. `honeypot` is the admin who has it
    mixed in among what people label, to see whether they know its answer, until that changes; `honeypot_run` is
    the run whose suggestion is shown with it then.
    `frame_sizes` are those of all frames where they differ (`frames.packed_sizes`). `renditions` are the
    longest sides of the smaller copies that are there, as in `1600,800,400`; with `frame`, the first frame in
    full is there too. `missing`: its blob is gone; `overwritten`: what was labeled, or is being labeled, is a
    blob that was there before. `damage` says in words what of the file can't be decoded, where the rest can.
    `group` is the place among images that look alike (`layout.group_place`), empty where it has none.
    `audience` is whom it waits for: those with a tag, or everybody where it is empty; and `likely` are the
    classes that were last suggested for it, by commas, also once nobody is shown that any more. `about`
    is the metadata of its blob, as JSON: read with the truth row only. `labeled_ms` is since when it has been
    labeled, 0 while it is not. Where several people label it, `verdict` is what came of it when all have, and
    `judged` what the counters learn from that (`Judged`). `submitters` are the day of the last submission and
    who submitted it on that day (`rules.submitted_today`).
    """

    item_id: str
    path: str
    blob_etag: str
    order: str
    media: str = ""
    size: int = 0
    width: int = 0
    height: int = 0
    orientation: int = 1
    frames: int = 1
    frame_sizes: str = ""
    revision: int = 0
    priority: str = layout.UNMEASURED
    reserved: str = ""
    lanes: tuple[Lane, ...] = (Lane(),)
    barred: str = ""
    barred_reason: str = ""
    missing: bool = False
    overwritten: bool = False
    damage: str = ""
    changed_ms: int = 0
    registered_ms: int = 0
    batch: str = ""
    returned: str = ""
    approved: str = ""
    honeypot: str = ""
    honeypot_run: str = ""
    renditions: str = ""
    suggested: str = ""
    suggestion: str = ""
    withheld: str = ""
    newest_run: str = ""
    group: str = ""
    audience: str = ""
    likely: str = ""
    about: str = ""
    verdict: str = ""
    judged: str = ""
    labeled_ms: int = 0
    submitters: str = ""

    @property
    def shared(self) -> bool:
        """Whether several people label it: then each has a labeling of their own beside the item's."""
        return len(self.lanes) > 1

    @property
    def waits(self) -> bool:
        """Whether it is still for somebody to label."""
        return any(lane.state == "available" for lane in self.lanes)

    @property
    def waits_for(self) -> str:
        """The tag of those who can be given it now; empty where that is everybody, or one person, or nobody."""
        return self.audience if not self.reserved and self.queue_keys() else ""

    @property
    def sent_back(self) -> SentBack | None:
        """Whom it was sent back to, while it waits for them."""
        if not self.returned or not self.queue_keys():
            return None
        if self.reserved:
            return "same_labeler"
        return None if Returned.model_validate_json(self.returned).starts_over else "anyone"

    @property
    def classes(self) -> Mapping[str, int]:
        """Annotations by class of its labels; of anybody's while several people agree on none."""
        if self.judged and self.verdict != "needs_review":
            return Judged.of(self.judged).tally
        tallies = [lane.tally for lane in self.lanes]
        return {name: count for tally in tallies for name, count in tally.items()}

    @property
    def consensus(self) -> Consensus | Literal[""]:
        """Whether several people agree on it; empty where one labels it, or not all have answered."""
        return Judged.of(self.judged).consensus if self.judged else ""

    def differs(self, *, class_id: str | None = None, labeler: str | None = None) -> bool:
        """Whether people who labeled it differ, if only one from all others: about that class, where one is
        named, and that labeler from somebody.
        """
        if not self.judged:
            return False
        judged = Judged.of(self.judged)
        classes, people = judged.differing, judged.compared.people
        apart = {
            self.lanes[int(lane)].labeler for lane, (same, every) in people.items() if same < every
        }
        return (
            bool(classes or apart)
            and (class_id is None or class_id in classes)
            and (labeler is None or labeler in apart)
        )

    @property
    def metadata(self) -> dict[str, str]:
        """What the owner of its blob wrote about it; `external_id` is what they call it."""
        return json.loads(self.about) if self.about else {}

    @property
    def flag(self) -> Flag | Literal[""]:
        """What people should know of its blob: the worst of it; empty where there is nothing."""
        if self.missing:
            return "missing"
        return "overwritten" if self.overwritten else "damaged" if self.damage else ""

    @property
    def state(self) -> ItemState:
        """The state of the item as a whole. One that waits for a labeler can't be read while it is gone."""
        if self.barred:
            return cast(ItemState, self.barred)
        states = {lane.state for lane in self.lanes}
        if "available" in states and self.missing:
            states.remove("available")
            if not states:
                return "unreadable"
        if "available" in states:
            return "available"
        if "leased" in states:
            return "leased"
        if self.verdict:
            return cast(ItemState, self.verdict)
        return next(s for s in ("needs_review", "labeled", "skipped") if s in states)

    @property
    def reason(self) -> str:
        """Why it is not to be labeled, in words; empty where it is."""
        return self.barred_reason or (GONE if self.state == "unreadable" else "")

    @property
    def kind(self) -> str:
        """Which kind of task it is for."""
        return layout.KIND_OF[self.priority]

    @property
    def listing(self) -> str:
        """The key of its listing row; empty while nothing is settled."""
        state = self.state
        if state in ("available", "leased"):
            return ""
        return layout.listed(state, self.changed_ms, self.revision, self.item_id)

    @property
    def honeypot_key(self) -> str:
        """The row by which it is found to be mixed in; empty while it is not."""
        known = self.honeypot and self.state == "labeled" and not self.flag
        return layout.honeypot(self.item_id) if known else ""

    def queue_keys(self) -> dict[int, str]:
        """For each available lane its queue row."""
        if self.barred or self.missing:
            return {}
        place = self.group if self.priority == layout.CLUSTERED else self.order
        return {
            number: layout.reserved(self.reserved, self.item_id)
            if self.reserved
            else layout.queued(self.priority, number, place, self.item_id, self.audience)
            for number, lane in enumerate(self.lanes)
            if lane.state == "available"
        }

    def facts(self) -> Counter[str]:
        """Its share of the counters."""
        facts: Counter[str] = Counter({f"state:{self.state}": 1})
        queue = "queue:returned" if self.reserved else f"queue:{self.priority}"
        for lane in self.lanes:
            if lane.state == "available":
                facts[queue] += not self.barred and not self.missing
            elif lane.state in SETTLED:
                facts[f"labeler:{lane.labeler}"] += 1
        if not self.shared or self.state == "labeled":
            for class_id, count in self.classes.items():
                facts[f"class:{class_id}"] += 1
                facts[f"instances:{class_id}"] += count
        if self.waits_for:
            facts[f"audience:{self.waits_for}"] = 1
        if self.sent_back:
            facts[f"returned:{self.reserved}"] = 1
        if self.judged:
            facts.update(Judged.of(self.judged).facts(self.lanes))
        if self.labeled_ms:
            facts[f"labeled:{day_of(self.labeled_ms)}"] += 1
        if self.flag:
            facts[f"flag:{self.flag}"] += 1
        if self.approved:
            facts["review:approved"] += 1
        if self.honeypot_key:
            facts["checks:honeypots"] += 1
        return +facts

    def following(self, old: Item | None) -> Item:
        """The same, with the moment since when it is labeled: a correction of labels does not move that."""
        if self.state != "labeled":
            since = 0
        elif old and old.state == "labeled":
            since = old.labeled_ms
        else:
            since = self.changed_ms
        return self if since == self.labeled_ms else replace(self, labeled_ms=since)

    def with_lane(self, number: int, lane: Lane) -> Item:
        """The item with one lane changed."""
        return replace(
            self, lanes=tuple(lane if n == number else old for n, old in enumerate(self.lanes))
        )

    def cells(self) -> dict[str, Value]:
        """The truth row, without the annotations."""
        cells: dict[str, Any] = {"schema": SCHEMA, "state": self.state, **vars(self)}
        del cells["item_id"]
        lanes = [[lane.state, lane.task, lane.labeler, dict(lane.tally)] for lane in self.lanes]
        return {**cells, "lanes": as_text(lanes)}

    @classmethod
    def of(cls, item_id: str, cells: Mapping[str, Value]) -> Item:
        """The item of a truth row's (or a copy's) cells."""
        lanes = tuple(
            Lane(state, task, labeler, tally)
            for state, task, labeler, tally in json.loads(str(cells["lanes"]))
        )
        known = {
            name: cells[name]
            for name in cls.__dataclass_fields__
            if name in cells and name not in ("item_id", "lanes")
        }
        return cls(item_id=item_id, lanes=lanes, **cast(dict[str, Any], known))


@dataclass(frozen=True)
class Stored:
    """An item as read: with the ETag of its truth row and the labels it holds, if they were read.

    `beside` is another row that was read together with it.
    """

    item: Item
    etag: str
    cells: Mapping[str, Value]
    beside: Row | None = None

    @property
    def labeling(self) -> Labeling | None:
        """The labels the row holds: current where the item is settled, else defaults."""
        data = unpack("labels", self.cells)
        return Labeling.model_validate_json(data) if data else None


def stored(row: Row, beside: Row | None = None) -> Stored:
    """The item of a truth row."""
    return Stored(Item.of(layout.item_of(row.key), row.cells), row.etag, row.cells, beside)


@dataclass(frozen=True)
class Decision:
    """What a labeler decided about one item, checked against the project's rules."""

    item_id: str
    base_revision: int | None
    labeling: Labeling


@dataclass(frozen=True)
class Run:
    """Who suggests labels: a model at work, or a batch of suggestions from elsewhere."""

    run_id: str
    created_ms: int

    @property
    def order(self) -> str:
        """Sorts runs by their time."""
        return layout.run_order(self.created_ms, self.run_id)


Suggested = Literal["saved", "unchanged", "older", "labeled", "barred", "contradicts", "unknown"]
"""What became of a suggestion. `older`: a newer run has spoken; `contradicts`: the same run said otherwise."""


Imported = Literal["saved", "unchanged", "labeled", "leased", "barred", "unknown"]
"""What became of labels from elsewhere. `unchanged`: the item has these; `labeled`: it has others."""


@dataclass(frozen=True)
class Rendered:
    """Which smaller copies of this version of a blob are there, as `Item.renditions` has them, and what of it
    can't be decoded, in words."""

    blob_etag: str
    renditions: str
    damage: str = ""


@dataclass(frozen=True)
class Late:
    """What became of work that came after its items had been given back; `why` of those superseded."""

    saved: tuple[str, ...]
    superseded: tuple[str, ...]
    why: Mapping[str, Overtaken] = field(default_factory=dict[str, "Overtaken"], compare=False)


AnswerOf = Callable[[Late], bytes]
