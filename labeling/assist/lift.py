"""Lift: whether suggestions help, told by images that are kept without any.

A share of the images stays blind (`AssistSettings.is_blind`): what a model would have suggested for them is
noted and never shown. How labelers answer there, and how long they take, is held against images on which they
saw the suggestion. Where a class fares worse with suggestions than without, it gets none (`verdict`).
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from math import comb, log, sqrt
from statistics import NormalDist, fmean, median, variance
from typing import Literal

from labeling import layout
from labeling.annotations.acceptance import Prelabel, compare, of_copy
from labeling.assist.mending import Mending, Shapes
from labeling.documents import Documents
from labeling.items.cells import pack, unpack
from labeling.items.items import Items
from labeling.items.records import Labeling, Stored
from labeling.model import Model, UtcTime
from labeling.projects.record import Project
from labeling.storage import Row, Storage, Value, insist

ENOUGH = 20
"""Images of a class on each side from which on it is judged."""

CHANCE = 0.01
"""A class is taken for worse where what was seen would, were it not, come about less often than so."""

Worse = Literal["", "wrong", "slow"]
"""Why a class gets no suggestions: too many of them were mended, or labeling took longer with them."""


class Side(Model):
    """Images labeled one way: how many, on how many the labeler said what the model did.

    Of shapes it is enough that they are of the same classes, as many of each: no two people draw alike.

    `seconds` is the median of the active time an image took; null where nobody measured it.
    """

    images: int = 0
    agreed: int = 0
    seconds: float | None = None


class ClassLift(Model):
    """What suggestions of a class, by the current model, came to."""

    class_id: str
    assisted: Side
    blind: Side
    worse: Worse = ""
    shapes: Shapes | None = None


class Lift(Model):
    """What suggestions came to, as of `at`, among the first `labels` labels.

    `corrections` are annotations changed, removed or added on images with a suggestion; `shapes` says more of
    them where boxes or polygons are drawn.
    """

    at: UtcTime
    labels: int
    assisted: Side
    blind: Side
    corrections: int
    classes: list[ClassLift]
    shapes: Shapes | None = None


@dataclass
class _Tally:
    agreed: list[bool] = field(default_factory=list[bool])
    seconds: list[float] = field(default_factory=list[float])

    def add(self, agreed: bool, active_ms: int) -> None:
        self.agreed.append(agreed)
        if active_ms > 0:
            self.seconds.append(active_ms / 1000)

    def side(self) -> Side:
        return Side(
            images=len(self.agreed),
            agreed=sum(self.agreed),
            seconds=round(median(self.seconds), 2) if self.seconds else None,
        )


@dataclass(frozen=True)
class _Answer:
    """What a labeler said of an image, beside what a run had said."""

    labeling: Labeling
    said: Prelabel
    blind: bool
    size: tuple[int, int] = (0, 0)
    """Of the image, in pixels."""


class _Kept(Documents[Lift]):
    """Compressed, as projects are: of up to 2,000 classes."""

    def of(self, row: Row) -> Lift:
        return Lift.model_validate_json(unpack("doc", row.cells))

    def cells(self, record: Lift) -> Mapping[str, Value]:
        return pack("doc", record.model_dump_json().encode())


class Lifts:
    """Measures what suggestions came to, and keeps it."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage
        self._lifts = _Kept(storage, layout.PROJECTS, Lift)

    def get(self, project_id: str) -> Lift | None:
        """What was last measured."""
        return self._lifts.get(project_id, layout.LIFT)

    def measure(
        self,
        project: Project,
        items: Items,
        labels: int,
        *,
        runs: Iterable[str],
        precision: float,
        strict: bool = False,
    ) -> Lift:
        """Look at every labeled image, and keep what comes out.

        Args:
            project: whose.
            items: of the project.
            labels: how many there are.
            runs: that suggested for the current model: classes are judged by these alone.
            precision: that was promised of its suggestions.
            strict: whether it was promised of images: one that lost any suggestion of a class is then wrong
                for it, else one that lost them all.
        """
        own = set(runs)
        sides = {True: _Tally(), False: _Tally()}
        classes: dict[bool, defaultdict[str, _Tally]] = {
            blind: defaultdict(_Tally) for blind in sides
        }
        corrections = 0
        mending = {"all": Mending(), "own": Mending()}
        for answer in self._answers(items):
            credited, became = compare(answer.labeling.annotations, answer.said)
            mended = became.changed + became.removed + became.added
            said = sorted(each.class_id for each in answer.said.annotations)
            agreed = said == sorted(each.class_id for each in answer.labeling.annotations)
            sides[answer.blind].add(agreed, answer.labeling.active_ms)
            corrections += 0 if answer.blind else mended
            if not answer.blind:
                mending["all"].add(credited, answer.said, answer.size)
            if answer.said.run_id in own:
                if not answer.blind:
                    mending["own"].add(credited, answer.said, answer.size)
                given = Counter(each.class_id for each in answer.labeling.annotations)
                for class_id, count in Counter(said).items():
                    kept = given[class_id] >= (count if strict else 1)
                    classes[answer.blind][class_id].add(kept, answer.labeling.active_ms)
        lift = Lift(
            at=self._storage.clock.now(),
            labels=labels,
            assisted=sides[False].side(),
            blind=sides[True].side(),
            corrections=corrections,
            classes=[
                _class_lift(class_.class_id, classes, precision, mending["own"].classes())
                for class_ in project.classes
                if class_.class_id in classes[False]
            ],
            shapes=mending["all"].everything(),
        )
        insist(self._storage, lambda: self._keep(project.project_id, lift))
        return lift

    def _keep(self, project_id: str, lift: Lift) -> None:
        row = self._lifts.row(project_id, layout.LIFT)
        self._lifts.write(project_id, [self._lifts.operation(layout.LIFT, lift, row)])

    def _answers(self, items: Items) -> Iterable[_Answer]:
        for shard in range(items.shards):
            mended: list[tuple[str, str, Labeling, tuple[int, int]]] = []
            for row in items.all_rows(shard):
                said = row.labeling if row.item.state == "labeled" else None
                if said is None or said.outcome != "labeled":
                    continue
                if said.prelabel is not None:
                    size = row.item.width, row.item.height
                    mended.append((row.item.item_id, said.prelabel.run_id, said, size))
                elif row.item.withheld:
                    yield _Answer(said, _withheld(row), blind=True)
            shown = items.said([(item_id, run_id) for item_id, run_id, *_ in mended])
            for item_id, _, labeling, size in mended:
                if item_id in shown:
                    yield _Answer(labeling, shown[item_id], blind=False, size=size)


def _withheld(stored: Stored) -> Prelabel:
    run_id = layout.ordered_run(stored.item.newest_run)
    return Prelabel(run_id=run_id, annotations=of_copy(stored.item.withheld))


def _class_lift(
    class_id: str,
    classes: Mapping[bool, Mapping[str, _Tally]],
    precision: float,
    shapes: Mapping[str, Shapes],
) -> ClassLift:
    assisted, blind = (classes[is_blind].get(class_id) or _Tally() for is_blind in (False, True))
    wrong = len(assisted.agreed) - sum(assisted.agreed)
    return ClassLift(
        class_id=class_id,
        assisted=assisted.side(),
        blind=blind.side(),
        worse=verdict(
            len(assisted.agreed), wrong, assisted.seconds, blind.seconds, precision=precision
        ),
        shapes=shapes.get(class_id),
    )


def verdict(
    shown: int,
    wrong: int,
    assisted_s: Sequence[float],
    blind_s: Sequence[float],
    *,
    precision: float,
) -> Worse:
    """Whether suggestions of a class make things worse.

    They are `wrong` where so many of those shown were taken away that the promised precision can't hold
    (exact binomial test), and `slow` where images took longer with a suggestion than blind ones (Welch's
    test of the logarithms, one-sided); both at a level of `CHANCE`, from `ENOUGH` images on.

    >>> verdict(20, 5, [], [], precision=0.95), verdict(20, 3, [], [], precision=0.95)
    ('wrong', '')
    >>> verdict(20, 0, [4.0, 5.0] * 10, [2.0, 3.0] * 10, precision=0.95)
    'slow'
    """
    if shown >= ENOUGH and _at_least(wrong, shown, 1 - precision) < CHANCE:
        return "wrong"
    if min(len(assisted_s), len(blind_s)) >= ENOUGH and _slower(assisted_s, blind_s) < CHANCE:
        return "slow"
    return ""


def _at_least(wrong: int, n: int, share: float) -> float:
    """The chance of so many wrong ones of n or more, where each is wrong with this share."""
    return 1 - sum(comb(n, k) * share**k * (1 - share) ** (n - k) for k in range(wrong))


def _slower(some: Sequence[float], others: Sequence[float]) -> float:
    """The chance of such a difference, were `some` no longer than `others`."""
    a, b = [log(value) for value in some], [log(other) for other in others]
    spread = sqrt(variance(a) / len(a) + variance(b) / len(b))
    difference = fmean(a) - fmean(b)
    if not spread:
        return 0.0 if difference > 0 else 1.0
    return 1 - NormalDist().cdf(difference / spread)
