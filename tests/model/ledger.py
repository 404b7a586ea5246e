"""What a run of the model knows outside of the storage: what was sent, answered and suggested."""

from __future__ import annotations

import json
import random
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from threading import Lock
from typing import cast

from labeling import layout
from labeling.annotations.acceptance import PrelabelAnnotation, encoded
from labeling.items.cells import unpack
from labeling.items.counters import day_key
from labeling.items.records import Decision, Labeling, Late
from labeling.items.records import Run as Source
from labeling.layout import Kind
from labeling.model import digest_id
from labeling.quality.assignment import EVERYBODY, Audiences
from labeling.storage import Create, Delete, Operation

SOURCES = tuple(Source(f"run{n}", 1_000 + n % 7) for n in range(14))
"""Runs that suggest labels: two of each moment, and none of them in order."""
ORDER_OF = {run.run_id: run.order for run in SOURCES}
MERGED = {"y": "x"}
"""The class that becomes another."""
KEPT = (Kind.HISTORY, Kind.ANSWER, Kind.FINISHED, Kind.PRELABEL, Kind.CHECKED)
"""What is written once, and stays."""


def suggestion(run_id: str, item: str) -> dict[str, str]:
    """What a run suggests for an image: the class of each annotation. Always the same; one in four none."""
    chance = random.Random(f"{run_id}/{item}")
    count = chance.choice((0, 1, 2, 3)) if chance.random() < 0.9 else 90  # too large for a copy
    return {
        digest_id(run_id, item, str(n)) if count > 3 else f"p{n}": chance.choice("abc")
        for n in range(count)
    }


def suggested(run_id: str, item: str) -> bytes:
    """The same as it is kept."""
    return encoded(
        [
            PrelabelAnnotation(annotation_id=name, class_id=class_id)
            for name, class_id in suggestion(run_id, item).items()
        ]
    )


class Violation(AssertionError):
    """An invariant does not hold."""


def require(holds: bool, what: str, *facts: object) -> None:
    """Raise a `Violation` unless `holds`."""
    if not holds:
        raise Violation(f"{what}: {', '.join(map(repr, facts))}")


@dataclass
class Ledger:
    """What was sent, what was answered, and what history says. Kept outside of the storage.

    `at_once`: an answer is compared when it is given; real threads see it before it is noted here.
    """

    at_once: bool = True
    sent: dict[tuple[str, str], dict[str, Decision]] = field(
        default_factory=dict[tuple[str, str], dict[str, Decision]]
    )
    answered: dict[str, tuple[str, Late]] = field(default_factory=dict[str, tuple[str, Late]])
    kept: dict[str, dict[str, str]] = field(default_factory=dict[str, dict[str, str]])
    history: dict[str, dict[str, Create]] = field(
        default_factory=lambda: defaultdict[str, dict[str, Create]](dict)
    )
    checks: dict[str, dict[tuple[str, str], Create]] = field(
        default_factory=lambda: defaultdict[str, dict[tuple[str, str], Create]](dict)
    )
    """What was said of honeypots, by item: in which partition, under which key."""
    done: dict[str, Counter[str]] = field(
        default_factory=lambda: defaultdict[str, Counter[str]](Counter)
    )
    """What the counters say of what was done, and not of what is: by partition."""
    submitted: set[tuple[str, str]] = field(default_factory=set[tuple[str, str]])
    """Who submitted what on which day."""
    expected: dict[tuple[str, str], dict[str, Labeling]] = field(
        default_factory=dict[tuple[str, str], dict[str, Labeling]]
    )
    """What is to be kept of what was sent: with what it was made from."""
    rules: list[Audiences] = field(default_factory=lambda: [EVERYBODY])
    """Whom images wait for: by the rules that there were, in order."""
    audiences: dict[str, tuple[str, ...]] = field(default_factory=dict[str, tuple[str, ...]])
    """Those that whoever asks for a page is in, by request."""
    largest: int = 0
    transactions: int = 0
    lock: Lock = field(default_factory=Lock)

    def saw(self, partition: str, operations: Sequence[Operation]) -> None:
        """Note a transaction that was done."""
        with self.lock:
            self.transactions += 1
            self.largest = max(self.largest, len(operations))
            became: dict[str, dict[str, str]] = defaultdict(dict)
            self._require_theirs(operations)
            for operation in operations:
                kind = layout.kind_of(operation.key)
                if kind not in KEPT:
                    continue
                require(isinstance(operation, Create), "changed what is kept", operation.key)
                if kind is Kind.HISTORY and isinstance(operation, Create):
                    self._remember(partition, operation, became)
                if kind is Kind.CHECKED and isinstance(operation, Create):
                    self._remember_check(partition, operation, became)
            for submission, items in became.items():
                require(submission not in self.kept, "saved twice", submission, items)
                self.kept[submission] = items

    def _require_theirs(self, operations: Sequence[Operation]) -> None:
        """Whoever claims an image takes it from a queue of an audience they are in."""
        asked = [
            operation.key.split("|")[2]
            for operation in operations
            if layout.kind_of(operation.key) is Kind.REQUEST
        ]
        queues = tuple(map(layout.queues_of, ("", *self.audiences.get("".join(asked), ()))))
        for operation in operations:
            waited = layout.kind_of(operation.key) in (Kind.QUEUED, Kind.ASSIGNED)
            if asked and waited and isinstance(operation, Delete):
                require(operation.key.startswith(queues), "taken from others", operation.key, asked)

    def _remember(self, partition: str, row: Create, became: dict[str, dict[str, str]]) -> None:
        item = layout.history_place(row.key).item
        self.history[item][row.key] = row
        what = str(row.cells["what"])
        if what not in ("submitted", "superseded"):
            return
        labels = json.loads(unpack("labels", row.cells))
        became[labels["submission_id"]][item] = what
        if what == "submitted":
            done, by = self.done[partition], str(row.cells["by"])
            done[day_key(int(cast(int, row.cells["at_ms"])), by)] += self._is_first(row, item, by)
            if labels["prelabel"] and labels["outcome"] == "labeled":
                for name, count in labels["prelabel"].items():
                    if name != "run_id":
                        done[f"prelabel:{name}:{by}"] += count

    def _remember_check(
        self, partition: str, row: Create, became: dict[str, dict[str, str]]
    ) -> None:
        _, user, item, _, *late = row.key.split("|")
        self.checks[item][partition, row.key] = row
        labels = json.loads(unpack("labels", row.cells))
        became[labels["submission_id"]][item] = "superseded" if late else "submitted"
        if not late:
            at_ms = int(cast(int, row.cells["at_ms"]))
            self.done[partition][day_key(at_ms, user)] += self._is_first(
                row, f"{partition} check {item}", user
            )

    def _is_first(self, row: Create, item: str, user: str) -> bool:
        """Whether somebody submitted an image for the first time that day."""
        what = (day_key(int(cast(int, row.cells["at_ms"])), user), item)
        known = what in self.submitted
        self.submitted.add(what)
        return not known

    def answer(self, submission: str, digest: str, late: Late) -> None:
        """Note what a labeler was told, which must be what is kept."""
        with self.lock:
            before = self.answered.setdefault(submission, (digest, late))
        require(before == (digest, late), "answered in two ways", submission, before, late)
        if self.at_once:
            self.require_kept(submission)

    def require_kept(self, submission: str) -> None:
        """What was answered is in history, each item once, with the work that was sent."""
        digest, late = self.answered[submission]
        told = dict.fromkeys(late.saved, "submitted") | dict.fromkeys(late.superseded, "superseded")
        require(self.kept.get(submission) == told, "answered, not kept", submission, digest, told)
        sent = self.expected[submission, digest]
        for item in told:
            works = [
                labels
                for row in (*self.history[item].values(), *self.checks[item].values())
                if row.cells.get("what", "submitted") in ("submitted", "superseded")
                and (labels := unpack("labels", row.cells))
                and json.loads(labels)["submission_id"] == submission
            ]
            ways = (sent[item], _with_merged(sent[item]))
            expected = [[way.model_dump_json().encode()] for way in ways]
            require(works in expected, "not the work that was sent", submission, item, works)


def _with_merged(sent: Labeling) -> Labeling:
    """Work as it is kept once a class has become another: what then says the same twice is said once."""
    kept = sent.merged(MERGED)
    gone = len(sent.annotations) - len(kept.annotations)
    if not sent.prelabel or not gone:
        return kept
    added = sent.prelabel.model_copy(update={"added": sent.prelabel.added - gone})
    return kept.model_copy(update={"prelabel": added})


def copies_of(etag: str) -> str:
    """What stands for the copies of one version of an image, so that they can be told apart."""
    return f"of {etag}"


def damage_of(etag: str) -> str:
    """What stands for the words about the damage of one version of an image: every other one has some."""
    return "" if int(etag[-1], 16) % 2 else f"cut off {etag}"
