"""Who does what in a run of the model: labelers, reviewers, cameras, runs that suggest labels."""

from __future__ import annotations

import json
import random
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

from labeling import layout
from labeling.annotations.acceptance import Acceptance
from labeling.annotations.shapes import Annotation, Origin
from labeling.items.items import Items
from labeling.items.records import Decision, Item, Labeling, Late, Rendered
from labeling.items.tasks import Finished, QueuedItem, Task
from labeling.layout import Kind
from labeling.media.header import Measured
from labeling.model import digest_id, milliseconds
from labeling.quality.assignment import Assignment, Audiences
from labeling.storage import Collision, Range, Row, Storage
from tests.model.ledger import (
    MERGED,
    SOURCES,
    Ledger,
    copies_of,
    damage_of,
    require,
    suggested,
    suggestion,
)

CONTAINER = "datasets"
PAGE = 4
SLOTS = 3
OUTCOMES = ("labeled", "labeled", "labeled", "skipped", "needs_review")


@dataclass
class World:
    """A project with some labelers, an admin, a camera that uploads, and hosts that die."""

    items: Items
    storage: Storage
    random: random.Random
    ledger: Ledger
    lease_ms: int
    users: Sequence[str]
    eagerness: int = 24
    honeypots: bool = True
    assigned: bool = False
    tags: dict[str, list[str]] = field(default_factory=lambda: defaultdict[str, list[str]](list))
    images: list[Item] = field(default_factory=list[Item])
    etags: dict[str, str] = field(default_factory=dict[str, str])
    tasks: dict[str, list[Task]] = field(default_factory=lambda: defaultdict[str, list[Task]](list))
    again: list[tuple[str, str, str, str]] = field(default_factory=list[tuple[str, str, str, str]])
    counts: Counter[str] = field(default_factory=Counter[str])
    number: int = 0

    def discover(self, count: int) -> None:
        """Give the project images to find."""
        for n in range(count):
            image = self.items.new_item(
                f"image-{n}.jpg", "e0", container=CONTAINER, size=1000 + n, media="image/jpeg"
            )
            self.images.append(image)
            self.etags[image.item_id] = "e0"

    def fresh(self, prefix: str) -> str:
        """A name that was not given before."""
        self.number += 1
        return f"{prefix}{self.number}-{self.random.getrandbits(24):06x}"

    # What may happen next.

    def next(self) -> Callable[[], None]:
        """Something that somebody does now."""
        choices = self._choices()
        names = list(choices)
        name = self.random.choices(names, [choices[name][0] for name in names])[0]
        self.counts[name] += 1
        return choices[name][1]()

    def _choices(self) -> dict[str, tuple[float, Callable[[], Callable[[], None]]]]:
        user, shard = self.random.choice(self.users), self.random.randrange(self.items.shards)
        image = self.random.choice(self.images)
        mine = self.tasks[user][-3:]
        task = self.random.choice(mine) if mine else None

        def repeated() -> Callable[[], None]:
            who, task_id, submission, digest = self.random.choice(self.again[-8:])
            return lambda: self.submit(who, task_id, submission, digest)

        choices: dict[str, tuple[float, Callable[[], Callable[[], None]]]] = {
            "register": (5, lambda: lambda: self.register(shard, self._batch(shard))),
            "measure": (6, lambda: lambda: self.measure(shard)),
            "render": (4, lambda: lambda: self.render(shard)),
            "hand out": (self.eagerness, lambda: lambda: self.hand_out(user, shard)),
            "expire": (6, lambda: lambda: self.expire(shard)),
            "reopen": (6, lambda: lambda: self.reopen(user, shard)),
            "reject": (8, lambda: lambda: self.reject(image.item_id)),
            "prelabel": (10, lambda: lambda: self.prelabel(shard)),
            "group": (6, lambda: lambda: self.group(shard)),
            "overwrite": (4, lambda: lambda: self.overwrite(image.item_id)),
            "approve": (3 * self.honeypots, lambda: lambda: self.approve(image.item_id)),
            "use as honeypot": (8 * self.honeypots, lambda: lambda: self.use_as_honeypot()),
            "flag": (3, lambda: lambda: self.flag(image.item_id)),
            "unreserve": (0.5, lambda: lambda: self.unreserve(user, shard)),
            "compact": (4, lambda: lambda: self.compact(shard)),
            "merge": (1, lambda: lambda: self.merge(shard)),
            "assign": (3 * self.assigned, lambda: self.assign),
            "move to queues": (4 * self.assigned, lambda: lambda: self.move(shard)),
            "give tags": (2 * self.assigned, lambda: lambda: self.give_tags(user)),
            "ask others": (2 * (self.items.overlap.most > 1), lambda: lambda: self.ask(shard)),
        }
        if task:
            choices["submit"] = (24, lambda: self.new_submission(task))
            choices["renew"] = (3, lambda: lambda: self.renew(task))
            choices["release"] = (4, lambda: lambda: self.release(task))
        if self.again:
            choices["submit again"] = (8, repeated)
        return choices

    def _batch(self, shard: int) -> list[Item]:
        here = [image for image in self.images if self.items.shard_of(image.item_id) == shard]
        return self.random.sample(here, min(len(here), 6))

    # What labelers do, as `labeling/tasks/` does it for them.

    def hand_out(self, user: str, shard: int) -> None:
        """Ask for a page."""
        request, avoid = self.fresh("r"), set[str]()
        for _ in range(6):
            tasks, returned = self.items.tasks_of(user, [shard])
            slot = self._free_slot(tasks)
            if slot is None:
                self.tasks[user] += tasks  # as after a reload
                return
            rules = len(self.ledger.rules) - 1
            mine = self.items.audiences.joined_by(self.tags[user])
            found = returned[:PAGE] or self._mixed(self._look(user, shard, avoid, mine), avoid)
            if not found:
                return
            self.ledger.audiences[request] = mine
            try:
                task = self.items.claim(
                    user,
                    slot,
                    shard,
                    found,
                    request_id=request,
                    lease_ms=self.lease_ms,
                    audiences=mine,
                )
            except Collision as collision:
                if layout.kind_of(collision.key) is Kind.LABELING:
                    avoid.add(layout.labeling_of(collision.key)[0])
                if layout.kind_of(collision.key) is Kind.CHECK:
                    avoid.add(layout.check_of(collision.key)[1])
                continue
            for item in task.held if not returned else ():
                theirs = any(it.of(item.item) in mine for it in self.ledger.rules[rules:])
                require(theirs, "given to somebody it is not for", user, item.item)
                self.counts["assigned"] += self.items.audiences.of(item.item) != ""
            self.tasks[user].append(task)
            self.counts["posed"] += sum(item.is_check for item in task.held)
            return

    def _mixed(self, found: list[QueuedItem], avoid: set[str]) -> list[QueuedItem]:
        """A page on which some images gave way to honeypots, of whatever shard."""
        if not self.honeypots or not found or self.random.random() < 0.2:
            return found
        keys = layout.all_of(Kind.HONEYPOT)
        wanted = [Range(self.items.partition(one), *keys) for one in range(self.items.shards)]
        pages = self.storage.tables.query_many(layout.ITEMS, wanted)
        on_page = {item.item.item_id for item in found}
        pool = [
            QueuedItem(row, found[0].item.priority)
            for rows in pages
            for row in rows
            if layout.item_of(row.key) not in avoid | on_page
            and self._whom(row) == self.items.audiences.of(found[0].item)
        ]
        chosen = self.random.sample(pool, min(len(pool), self.random.randint(1, len(found))))
        return [*chosen, *found[len(chosen) :]]

    def _free_slot(self, tasks: Sequence[Task]) -> int | None:
        busy = {task.slot for task in tasks}
        return next((slot for slot in range(SLOTS) if slot not in busy), None)

    def _whom(self, row: Row) -> str:
        return self.items.audiences.of(QueuedItem(row).item)

    def _look(
        self, user: str, shard: int, avoid: set[str], mine: Sequence[str]
    ) -> list[QueuedItem]:
        lane, strict = layout.shard_of(user, self.items.overlap.most), self.random.random() < 0.7
        partition = self.items.partition(shard)
        # Whoever looks by rules and tags of before learns of the new ones when they claim.
        blind = self.assigned and self.random.random() < 0.3
        audience = (
            self.random.choice(("first", "second", "") if blind else mine) if self.assigned else ""
        )
        first, end = layout.below(layout.queues_of(audience))
        low = layout.queue_start(self.random.choice("12469"), lane, audience=audience)
        rows = self.storage.tables.query(layout.ITEMS, Range(partition, low, end, 4 * PAGE))
        if not rows:
            rows = self.storage.tables.query(layout.ITEMS, Range(partition, first, end, 4 * PAGE))
        found = {
            layout.item_of(row.key): QueuedItem(row)
            for row in sorted(
                rows, key=lambda row: (layout.queue_place(row.key).lane == lane) is strict
            )
            if layout.item_of(row.key) not in avoid and (blind or self._whom(row) in mine)
        }
        at = self.random.randrange(max(1, len(found) - PAGE + 1))
        return list(found.values())[at : at + PAGE]

    def new_submission(self, task: Task) -> Callable[[], None]:
        """Work on a task, whole or in part; now and then under an id that was used before."""
        submission = self.fresh("s")
        used = [one[2] for one in self.again[-20:] if one[1] == task.task_id]
        if used and self.random.random() < 0.1:
            submission = self.random.choice(used)
        wanted = list(task.everything)
        if self.random.random() < 0.35:
            wanted = self.random.sample(wanted, self.random.randint(1, len(wanted)))
        elif self.random.random() < 0.8:
            self.tasks[task.user].remove(task)
        revisions = {item.item.item_id: item.item.revision for item in task.held}
        decisions: dict[str, Decision] = {}
        expected: dict[str, Labeling] = {}
        for item in wanted:
            labeling, expected[item] = self._label(item, task, submission)
            base = self.random.choice((None, revisions.get(item)))
            decisions[item] = Decision(item, base, labeling)
        digest = digest_id(*(repr(decision) for decision in decisions.values()))
        self.ledger.sent[submission, digest] = decisions
        self.ledger.expected[submission, digest] = expected
        self.again.append((task.user, task.task_id, submission, digest))
        return lambda: self.submit(task.user, task.task_id, submission, digest)

    def _label(self, item: str, task: Task, submission: str) -> tuple[Labeling, Labeling]:
        """Work on an image: what is sent, and what is to be kept of it.

        A suggestion the page shows is kept, changed or left out, in good faith or with false claims. There is
        no class `x` among the suggestions, so that what is added equals none of them.
        """
        run_id = task.shown.get(item)
        self.counts["suggested"] += bool(run_id)
        outcome = self.random.choice(OUTCOMES)
        sent: list[Annotation] = []
        kept: list[Annotation] = []
        became = Counter({"accepted": 0, "changed": 0, "removed": 0, "added": 0})
        shown = suggestion(run_id, item).items() if run_id else ()
        for name, class_id in shown:
            fate = self.random.choice(("accepted", "changed", "removed"))
            fate = "removed" if outcome == "skipped" else fate
            became[fate] += 1
            if fate == "removed":
                continue
            made = Annotation(
                annotation_id=f"of-{name}"[:64], class_id=class_id if fate == "accepted" else "x"
            )
            claim = Origin(prelabel=name, changed=self.random.random() < 0.5)
            truth = Origin(prelabel=name, run_id=run_id, changed=fate == "changed")
            sent.append(made.model_copy(update={"origin": claim}))
            kept.append(made.model_copy(update={"origin": truth}))
        for n in range(self.random.randint(0 if sent else 1, 2) if outcome != "skipped" else 0):
            made = Annotation(annotation_id=f"{n}", class_id=self.random.choice("xy"))
            claim = Origin(prelabel="of-nobody") if self.random.random() < 0.2 else None
            sent.append(made.model_copy(update={"origin": claim}))
            kept.append(made)
            became["added"] += 1
        labeling = Labeling(
            outcome=cast(Any, outcome),
            annotations=sent,
            labeler=task.user,
            saved_at=self.storage.clock.now(),
            classes_version=1,
            submission_id=submission,
        )
        acceptance = Acceptance(run_id=run_id, **became) if run_id else None
        return labeling, labeling.model_copy(update={"annotations": kept, "prelabel": acceptance})

    def submit(self, user: str, task_id: str, submission: str, digest: str) -> None:
        """Send a submission, for the first time or again."""
        decisions = self.ledger.sent[submission, digest]
        for _ in range(20):
            task = self.items.task(user, task_id)
            try:
                if task is None:
                    if self._answered_before(user, task_id, submission, digest):
                        return
                    self._submit_late(user, task_id, submission, digest)
                    return
                held = {item.item.item_id for item in task.held}
                open_ones = [
                    decision for decision in decisions.values() if decision.item_id in held
                ]
                if not open_ones:
                    known = self._answered_before(user, task_id, submission, digest)
                    require(
                        known or submission not in self.ledger.answered,
                        "accepted work was refused",
                        submission,
                    )
                    return
                late = Late(tuple(decision.item_id for decision in open_ones), ())
                self.items.submit(
                    task,
                    open_ones,
                    submission_id=submission,
                    answer=_encoded(late),
                    digest=digest,
                )
            except Collision as collision:
                saved = layout.kind_of(collision.key) is Kind.ANSWER
                if saved and self._answered_before(user, task_id, submission, digest):
                    return
                continue
            self.ledger.answer(submission, digest, late)
            self.counts["saved"] += 1
            return

    def _answered_before(self, user: str, task_id: str, submission: str, digest: str) -> bool:
        before = self.items.answer(user, task_id, submission)
        if before is None:
            return False
        if before[0] == digest:
            saved, superseded = json.loads(before[1])
            self.ledger.answer(submission, digest, Late(tuple(saved), tuple(superseded)))
            self.counts["answered again"] += 1
        return True

    def _submit_late(self, user: str, task_id: str, submission: str, digest: str) -> None:
        finished = self.items.finished(user, task_id)
        require(finished is not None, "a task is neither open nor over", user, task_id)
        late = self.items.submit_late(
            cast(Finished, finished),
            list(self.ledger.sent[submission, digest].values()),
            submission_id=submission,
            digest=digest,
            answer=_encoded,
        )
        self.ledger.answer(submission, digest, late)
        self.counts["saved late"] += len(late.saved)
        self.counts["superseded"] += len(late.superseded)

    def renew(self, task: Task) -> None:
        """Hold a task longer."""
        current = self.items.task(task.user, task.task_id)
        if current:
            until = milliseconds(self.storage.clock.now()) + self.lease_ms
            self.items.renew(current, until, drafted=self.random.random() < 0.5)

    def release(self, task: Task) -> None:
        """Give items back, all or some."""
        current = self.items.task(task.user, task.task_id)
        if not current:
            return
        named = None
        if self.random.random() < 0.4:
            named = [item.item.item_id for item in current.held[: self.random.randint(1, PAGE)]]
        self.items.give_back(current, "released", named)

    def reopen(self, user: str, shard: int) -> None:
        """Correct my own work."""
        done = layout.below(layout.finished(user, ""))
        rows = self.storage.tables.query(layout.ITEMS, Range(self.items.partition(shard), *done, 5))
        tasks, _ = self.items.tasks_of(user, [shard])
        slot = self._free_slot(tasks)
        if slot is None or not rows:
            return
        finished = Finished.of(self.random.choice(rows))
        task = self.items.reopen(
            user,
            slot,
            shard,
            list(finished.items),
            request_id=self.fresh("r"),
            lease_ms=self.lease_ms,
        )
        if task:
            self.tasks[user].append(task)

    # What others do.

    def register(self, shard: int, found: Sequence[Item]) -> None:
        """Find images; a batch may come twice, and share images with others."""
        if not found:
            return
        batch = f"b{self.random.randrange(40)}"
        mine = self.items.register(shard, found, batch).mine
        rows = self.storage.tables.get_many(
            layout.ITEMS,
            [(self.items.partition(shard), layout.truth(item.item_id)) for item in found],
        )
        of_batch = sum(1 for row in rows if row and row.text("batch") == batch)
        require(mine == of_batch, "not the number of a batch", batch, mine, of_batch)

    def measure(self, shard: int) -> None:
        """Measure images, of which some can't be read."""
        results = {
            item.item_id: Measured(self.etags[item.item_id], problem="not an image")
            if self.random.random() < 0.1
            else Measured(self.etags[item.item_id], self.random.randint(1, 99), 20)
            for item in self._batch(shard)
        }
        self.items.measured(shard, results)

    def render(self, shard: int) -> None:
        """Make smaller copies of images, some too late: of what they were before they were overwritten."""
        made = {
            item.item_id: self.etags[item.item_id] if self.random.random() < 0.9 else "e0"
            for item in self._batch(shard)
        }
        self.items.rendered(
            shard,
            {item: Rendered(etag, copies_of(etag), damage_of(etag)) for item, etag in made.items()},
        )

    def expire(self, shard: int) -> None:
        """Give back what was held too long."""
        now = milliseconds(self.storage.clock.now())
        for task in self.items.open_tasks([shard]):
            if task.until_ms < now:
                try:
                    self.items.give_back(task, "expired")
                except Collision:
                    continue

    def reject(self, item: str) -> None:
        """Send an image back to be labeled again."""
        one = self.items.read(item)
        if one:
            self.items.reject(
                item,
                by="admin",
                reason="look again",
                to_same_labeler=self.random.random() < 0.5,
                front=self.random.random() < 0.5,
                revision=self.random.choice((None, one.item.revision)),
            )

    def prelabel(self, shard: int) -> None:
        """Suggest labels, by a run that may be older than others, and may say so again."""
        run = self.random.choice(SOURCES)
        ids = [item.item_id for item in self._batch(shard)]
        became = self.items.suggest(
            shard, run, {one: suggested(run.run_id, one) for one in ids}, by="model"
        )
        self.counts["prelabeled"] += sum(one == "saved" for one in became.values())
        require("contradicts" not in became.values(), "the same was said", run, became)

    def group(self, shard: int) -> None:
        """Find that some images look alike, and that others look like nothing else any more."""
        places = {
            item.item_id: layout.group_place("0000", 0, self.random.randrange(4), place)
            if self.random.random() < 0.8
            else ""
            for place, item in enumerate(self._batch(shard))
        }
        self.counts["grouped"] += self.items.group(shard, places)

    def overwrite(self, item: str) -> None:
        """Upload other content under the same name."""
        self.etags[item] = self.fresh("e")
        self.items.overwritten(item, self.etags[item], self.random.randint(1, 9999))

    def approve(self, item: str) -> None:
        """Find labels good, or after all not."""
        self.items.approve(item, by="admin", revision=None, approved=self.random.random() < 0.8)

    def use_as_honeypot(self) -> None:
        """Have images mixed in among what people label, or no longer."""
        some = self.random.sample(self.images, min(len(self.images), 6))
        for stored in self.items.read_many([item.item_id for item in some]):
            if stored and stored.item.state == "labeled":
                item, wanted = stored.item.item_id, self.random.random() < 0.9
                self.items.approve(item, by="admin", revision=None, approved=True)
                self.items.use_as_honeypot(item, by="admin", revision=None, wanted=wanted)

    def flag(self, item: str) -> None:
        """Lose an image, or find it again."""
        self.items.note_missing(item, self.random.choice((True, False)))

    def unreserve(self, user: str, shard: int) -> None:
        """Give others what was returned to somebody."""
        self.items.unreserve(user, shard)

    def move(self, shard: int) -> None:
        """Have what waits do so for whom the rules say."""
        self.items.ask(shard, "", limit=1000)

    def assign(self) -> None:
        """Have other images labeled by those with a tag. The first rule is always there."""
        last = self.random.choice(({"class_id": self.random.choice("abc")}, {"share": 0.3}))
        said = [{"tag": "first", "share": 0.3}, {"tag": "second", **last}]
        self.items.audiences = Audiences.by([Assignment.model_validate(one) for one in said])
        self.ledger.rules.append(self.items.audiences)

    def give_tags(self, user: str) -> None:
        """Let somebody carry other tags."""
        self.tags[user] = [one for one in ("first", "second") if self.random.random() < 0.6]

    def ask(self, shard: int) -> None:
        """Have other images labeled by several from now on, as another host may know already or not yet."""
        share = self.random.choice((0.3, 0.7, 1.0))
        self.items.overlap = self.items.overlap.model_copy(update={"share": share})
        self.items.ask(shard, "", limit=1000)

    def merge(self, shard: int) -> None:
        """Let one class be another, as another host may know already or not yet."""
        self.items.merged = MERGED
        swept = self.items.merge(
            shard, "", class_id="y", into="x", reason="", by="admin", limit=1000
        )
        self.counts["merged"] += swept.done

    def compact(self, shard: int) -> None:
        """Fold the counters of a shard."""
        self.items.compact(shard)


def _encoded(late: Late) -> bytes:
    return json.dumps([late.saved, late.superseded]).encode()
