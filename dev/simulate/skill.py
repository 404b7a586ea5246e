"""`make simulate TYPE=boxes OVERLAP=3`: people of known skill label the same images, in memory.

Six are good, one is careless, one says something else on purpose. What the product makes of their answers is
held against what theory says of such people, and exits with 1 where it is otherwise:

    consensus   the share of things it has right, and of images it leaves to a reviewer: what the chances of
                those who labeled each image make of it, within 4 standard deviations
    margin      by how much it is righter than the best person, of images that three good ones labeled
    edges       errors of the median of three equally good drawings: .670 of one's (1 - sqrt(3)/pi of the
                variance of a normal distribution), within 4 standard deviations
    alpha       that of the package krippendorff on the same table
    people      the careless and the contrary one are those who agree least
    honeypots   what people know of images whose answer is known: what their skill makes of it, within 4
                standard deviations; those two, and nobody else, know less than the limit
    counters    equal a recount; nobody labeled an image twice

With `--assign` (`make simulate OVERLAP=3 ARGS=--assign`) shares of the images are for people with a tag:

    for ...     the share that is, within 4 standard deviations of what its rule says, and who labeled it
    nobody      what is for a tag that nobody carries waits, and is told; when its rule is dropped it is labeled
"""

from __future__ import annotations

import argparse
import random
import sys
import uuid
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import product
from math import pi, sqrt
from statistics import fmean
from typing import Any, get_args

import krippendorff
import numpy as np
from rich.console import Console
from rich.table import Table

from dev.bench.handout import ADMIN, filled
from functions.services import Services
from labeling.adapters.memory import memory_storage
from labeling.annotations.shapes import Annotation, Box, Polygon, TaskType
from labeling.honeypots import HoneypotRequest
from labeling.items.records import Labeling
from labeling.projects.access import Caller
from labeling.projects.record import Project, ProjectChange
from labeling.quality.assignment import Assignment, Audiences
from labeling.quality.honeypots import HoneypotSettings
from labeling.quality.overlap import Overlap
from labeling.tasks.messages import TaskRequest
from labeling.tasks.submissions import SubmissionEnvelope

CLASSES = ("cat", "dog", "owl", "cow", "hen")
PEOPLE = 3
"""That label an image: of as many theory is worked out here."""
MEDIAN_OF_THREE = sqrt(1 - sqrt(3) / pi)
"""Standard deviation of the median of three of a normal distribution, in one's: its variance is
1 - sqrt(3) / pi (Kendall and Stuart, The Advanced Theory of Statistics)."""
SIGMAS = 4
HONEYPOTS = 100
"""Images whose answer is known; nobody is given one twice."""
RATE = 0.5
SIDE = 0.2
"""Of the things that are drawn, in fractions of the image; each has a place of its own."""
PLACES = ((0.1, 0.1), (0.6, 0.1), (0.1, 0.6), (0.6, 0.6))


@dataclass(frozen=True)
class Skill:
    """How well somebody labels: how often they say the right class, and else which; what they miss; by how
    much the edges they draw are off (standard deviation, in fractions of the image)."""

    right: float
    contrary: bool = False
    misses: float = 0.02
    edge: float = 0.01

    def says(self, true: int) -> list[float]:
        """Chances of each class where one is true."""
        others = len(CLASSES) - 1
        chances = [0.0 if self.contrary else (1 - self.right) / others for _ in CLASSES]
        if self.contrary:
            chances[(true + 1) % len(CLASSES)] = 1 - self.right
        chances[true] = self.right
        return chances


SKILLS: Mapping[str, Skill] = {
    "ann": Skill(0.90),
    "ben": Skill(0.88),
    "cid": Skill(0.86),
    "dan": Skill(0.84),
    "eva": Skill(0.86),
    "fay": Skill(0.88),
    "careless": Skill(0.45, misses=0.15, edge=0.015),
    "contrary": Skill(0.10, contrary=True),
}
GOOD = frozenset(name for name, skill in SKILLS.items() if skill.right > 0.5)

EXPERTS, NIGHT, GONE = "experts", "night", "gone"
TAGS: Mapping[str, frozenset[str]] = {
    EXPERTS: frozenset({"ann", "ben", "cid", "careless"}),
    NIGHT: frozenset({"cid", "dan", "eva", "contrary"}),
    GONE: frozenset(),
}
"""Who carries a tag; fay, and whoever comes without one, is given everybody's images."""
RULES = (
    Assignment(tag=EXPERTS, share=0.3),
    Assignment(tag=NIGHT, share=0.2),
    Assignment(tag=GONE, share=0.1),
)

Thing = tuple[int, int]
"""A place of an image, and the class of what is there; of tags the place is the class's own."""


@dataclass
class Found:
    """What came out, in rows of a table, and what is otherwise than it should be."""

    rows: list[tuple[str, str, str]] = field(default_factory=list[tuple[str, str, str]])
    wrong: list[str] = field(default_factory=list[str])

    def within(self, what: str, seen: float, theory: float, sigma: float) -> None:
        """A number that may differ from theory by chance."""
        off = abs(seen - theory)
        self.note(
            what, f"{seen:.4f}", f"{theory:.4f} ± {SIGMAS * sigma:.4f}", off <= SIGMAS * sigma
        )

    def note(self, what: str, seen: str, wanted: str, holds: bool) -> None:
        """One line; one that doesn't hold is told."""
        self.rows.append((what, seen, wanted))
        if not holds:
            self.wrong.append(f"{what}: {seen}, should be {wanted}")


class Job:
    """Images of known truth, and people who label them through the product's own services."""

    def __init__(
        self, task_type: TaskType, images: int, seed: int, *, assign: bool = False
    ) -> None:
        self.found = Found()
        self.audiences = Audiences.by(RULES if assign else ())
        self.random = random.Random(seed)
        self.task_type: TaskType = task_type
        memory = memory_storage()
        storage = replace(memory, random=self.random.random)
        self.services: Services
        self.project: Project
        self.services, self.project = filled(
            storage, images + HONEYPOTS, 1, task_type, CLASSES, Overlap(labelers=PEOPLE)
        )
        self.known: set[str] = set()
        self.truth: dict[str, list[Thing]] = {}
        self.said: dict[str, dict[str, list[tuple[Thing, Annotation]]]] = defaultdict(dict)

    def run(self) -> None:
        """Everybody labels until nothing is left for them."""
        self._pose()
        for name in SKILLS:
            tags = [tag for tag, people in TAGS.items() if name in people]
            self.services.access.put_member(
                self.project.project_id, name, "labeler", name=name, tags=tags
            )
        if self.audiences:
            self._assign(RULES)
        self._label()
        if self.audiences:
            self._look_at_what_waits()
            self._assign([rule for rule in RULES if rule.tag != GONE])
            self._label()

    def _label(self) -> None:
        waiting = list(SKILLS)
        while waiting:
            name = self.random.choice(waiting)
            if not self._page(name):
                waiting.remove(name)

    def _pose(self) -> None:
        """Some images are imported with their true labels, and mixed in among what people label."""
        project_id = self.project.project_id
        opened = self.services.projects.open(project_id, ADMIN, "admin", "it")
        self.known = {stored.item.item_id for stored in opened.items.next_of(0, "", HONEYPOTS)}
        for item_id in sorted(self.known):
            labeling = Labeling(
                outcome="labeled",
                annotations=list(self.truly(item_id)),
                labeler=ADMIN.user,
                saved_at=opened.project.created_at,
                classes_version=1,
                submission_id="y-known",
            )
            opened.items.take_in(0, {item_id: labeling}, by=ADMIN.user)
        request = HoneypotRequest(item_ids=sorted(self.known))
        answer = self.services.honeypots.choose(opened, request, by=ADMIN.user)
        assert {result.status for result in answer.results} == {"done"}, answer
        mixed = ProjectChange(honeypots=HoneypotSettings(rate=RATE))
        self.services.projects.patch(project_id, mixed, version=opened.project.version)

    def _assign(self, rules: Sequence[Assignment]) -> None:
        """Change the rules, and have the sweep come, as the queue does."""
        projects, project_id = self.services.projects, self.project.project_id
        change = ProjectChange(assignments=list(rules))
        project = projects.patch(project_id, change, version=projects.get(project_id).version)
        after: str | None = ""
        while after is not None:
            after = projects.items(project).ask(0, after, limit=500)

    def _look_at_what_waits(self) -> None:
        """Nobody finds an image any more: those are left that are for a tag which nobody carries."""
        opened = self.services.projects.open(self.project.project_id, ADMIN, "admin", "it")
        items = [row.item for row in opened.items.all_rows(0)]
        left = sum(self.audiences.of(item) == GONE and item.waits for item in items)
        others = sum(self.audiences.of(item) != GONE and item.waits for item in items)
        told = [
            f"{one.waiting} for {one.people} people"
            for one in self.services.progress.get(opened).assigned
            if one.waiting
        ]
        self.found.note("left for nobody", ", ".join(told), f"{left} for 0 people", left > 0)
        self.found.note("left for others", str(others), "0", others == 0)
        self.found.note("counters then", *_counters(self))

    def truly(self, item_id: str) -> Iterator[Annotation]:
        """What whoever knows says of an image."""
        for place, class_ in self.true_things(item_id):
            match self.task_type:
                case "multiclass" | "multilabel":
                    yield _annotation(place, class_, None)
                case _:
                    yield _annotation(place, class_, self._shape(_true_edges(place)))

    def _page(self, name: str) -> bool:
        caller = Caller(user=name, name=name, provider="simulate")
        opened = self.services.projects.open(self.project.project_id, caller, "labeler", "it")
        request = TaskRequest(request_id=uuid.uuid4().hex, size=4)
        task = self.services.tasks.hand_out(opened, caller, request).task
        if task is None:
            return False
        items: list[dict[str, Any]] = []
        for item in task.items:
            assert name not in self.said.get(item.item_id, ()), "nobody gets an image twice"
            drawn = list(self.drawn(name, item.item_id))
            if item.item_id not in self.known:
                self.said[item.item_id][name] = drawn
            annotations = [each.model_dump(mode="json") for _, each in drawn]
            items.append(
                {"item_id": item.item_id, "outcome": "labeled", "annotations": annotations}
            )
        envelope = SubmissionEnvelope(
            submission_id=uuid.uuid4().hex, classes_version=1, items=items
        )
        answer = self.services.tasks.submit(opened, caller, task.task_id, envelope)
        assert {result.status for result in answer.results} == {"saved"}, answer
        return True

    def true_things(self, item_id: str) -> list[Thing]:
        """What is on an image."""
        if item_id not in self.truth:
            draw = random.Random(f"{item_id} {self.task_type}")
            classes = range(len(CLASSES))
            match self.task_type:
                case "multiclass":
                    things = [(0, draw.choice(classes))]
                case "multilabel":
                    things = [(one, one) for one in draw.sample(classes, 2)]
                case _:
                    places = draw.sample(range(len(PLACES)), 2)
                    things = [(place, draw.choice(classes)) for place in places]
            self.truth[item_id] = things
        return self.truth[item_id]

    def drawn(self, name: str, item_id: str) -> Iterator[tuple[Thing, Annotation]]:
        """What somebody says of an image, each with what it means."""
        skill, true = SKILLS[name], self.true_things(item_id)
        if self.task_type == "multilabel":
            there = {one for _, one in true}
            for one in range(len(CLASSES)):
                if (one in there) == (self.random.random() < skill.right):
                    yield (one, one), _annotation(one, one, None)
            return
        for place, class_ in true:
            shapes = self.task_type != "multiclass"
            if shapes and self.random.random() < skill.misses:
                continue
            [said] = self.random.choices(range(len(CLASSES)), skill.says(class_))
            edges = self._edges(place, skill.edge) if shapes else None
            yield (place, class_), _annotation(place, said, self._shape(edges) if edges else None)

    def _edges(self, place: int, off: float) -> list[float]:
        return [true + self.random.gauss(0, off) for true in _true_edges(place)]

    def _shape(self, edges: Sequence[float]) -> dict[str, Any]:
        x0, y0, x1, y1 = edges
        if self.task_type == "boxes":
            return {"kind": "box", "x0": x0, "y0": y0, "x1": x1, "y1": y1}
        outer = [(x0, y0), (x1, y0), (x1, y1), (x0, y1)]
        return {"kind": "polygon", "parts": [{"outer": outer}]}


def _true_edges(place: int) -> tuple[float, float, float, float]:
    x, y = PLACES[place]
    return x, y, x + SIDE, y + SIDE


def _annotation(place: int, class_: int, geometry: dict[str, Any] | None) -> Annotation:
    said = {"annotation_id": f"a{place}", "class_id": f"c{class_ + 1}"}
    return Annotation.model_validate({**said, "geometry": geometry or {"kind": "tag"}})


# What theory says.


@dataclass(frozen=True)
class Chance:
    """Of an image: that it is agreed on, and how many decisions are right then, together with that."""

    agreed: float
    right: float
    decisions: int


def chance_of_thing(true: int, people: Sequence[Skill], *, drawn: bool) -> tuple[float, float]:
    """That a thing is decided, and that it is decided rightly: by most of those who drew it, if most did."""
    decided = right = 0.0
    answers = range(-1 if drawn else 0, len(CLASSES))
    for said in product(answers, repeat=len(people)):
        chance = 1.0
        for skill, one in zip(people, said, strict=True):
            seen = 1 - skill.misses if drawn else 1.0
            chance *= 1 - seen if one < 0 else seen * skill.says(true)[one]
        votes = Counter(one for one in said if one >= 0)
        there = sum(votes.values())
        if 2 * there < len(people):
            decided += chance  # that it is not there
            continue
        class_, most = votes.most_common(1)[0]
        if 2 * most > there:
            decided += chance
            right += chance * (class_ == true)
    return decided, right


def chance_of_classes(true: set[int], people: Sequence[Skill]) -> Chance:
    """Of an image with any number of classes: each is voted on.

    Nothing, where all said something, is disputed.
    """
    # By whether a class was found and who said one: the chance, and right decisions times the chance.
    states = {(False, (False,) * len(people)): (1.0, 0.0)}
    for one in range(len(CLASSES)):
        after: defaultdict[Any, tuple[float, float]] = defaultdict(lambda: (0.0, 0.0))
        for (found, spoke), (chance, right) in states.items():
            for said in product((False, True), repeat=len(people)):
                this = chance_of_answers(said, people, one in true)
                carries = 2 * sum(said) > len(people)
                key = (found or carries, tuple(a or b for a, b in zip(spoke, said, strict=True)))
                before = after[key]
                gained = right + chance * (carries == (one in true))
                after[key] = (before[0] + chance * this, before[1] + gained * this)
        states = dict(after)
    disputed = states.get((False, (True,) * len(people)), (0.0, 0.0))
    agreed = 1 - disputed[0]
    right = sum(one for _, one in states.values()) - disputed[1]
    return Chance(agreed, right, len(CLASSES))


def chance_of_answers(said: Sequence[bool], people: Sequence[Skill], true: bool) -> float:
    """That people say yes or no so where one of them is true."""
    chance = 1.0
    for skill, one in zip(people, said, strict=True):
        chance *= skill.right if one == true else 1 - skill.right
    return chance


def chance_of_image(task_type: TaskType, true: Sequence[Thing], people: Sequence[Skill]) -> Chance:
    """What theory says of an image."""
    if task_type == "multilabel":
        return chance_of_classes({one for _, one in true}, people)
    each = [chance_of_thing(one, people, drawn=task_type != "multiclass") for _, one in true]
    agreed = float(np.prod([decided for decided, _ in each]))
    right = sum(agreed * right / decided for decided, right in each)
    return Chance(agreed, right, len(true))


def score_of(task_type: TaskType, skill: Skill) -> tuple[float, float]:
    """What somebody knows of a honeypot with two things, or one class: the mean, and the standard deviation."""
    if task_type in ("multiclass", "multilabel"):
        right = skill.right ** (len(CLASSES) if task_type == "multilabel" else 1)
        return right, sqrt(right * (1 - right))
    seen = 1 - skill.misses
    fates = {(0, 0): skill.misses, (1, 1): seen * skill.right, (1, 0): seen * (1 - skill.right)}
    scores: list[tuple[float, float]] = []
    for (one, first), (other, second) in product(fates.items(), repeat=2):
        drawn, right = one[0] + other[0], one[1] + other[1]
        scores.append((2 * right / (2 + drawn), first * second))
    mean = sum(score * chance for score, chance in scores)
    return mean, sqrt(sum(chance * (score - mean) ** 2 for score, chance in scores))


# What came out.


def judged(job: Job) -> Found:
    """What the product made of the answers, held against theory."""
    found = job.found
    opened = job.services.projects.open(job.project.project_id, ADMIN, "admin", "it")
    rows = list(opened.items.all_rows(0))
    stored = [row for row in rows if row.item.item_id not in job.known]
    _consensus(job, stored, found)
    if job.task_type in ("boxes", "polygons"):
        _edges(job, stored, found)
    agreement = job.services.progress.get(opened).agreement
    assert agreement is not None
    alpha = float(krippendorff.alpha(reliability_data=_table(job), level_of_measurement="nominal"))
    seen = agreement.coefficient.alpha or 0.0
    found.note("alpha", f"{seen:.4f}", f"{alpha:.4f}, by krippendorff", abs(seen - alpha) < 1e-3)
    by_share = sorted(agreement.labelers, key=lambda labeler: labeler.share)
    least = sorted(agreement.user for agreement in by_share[:2])
    found.note(
        "agree least", ", ".join(least), "careless, contrary", least == ["careless", "contrary"]
    )
    _honeypots(job, found)
    found.note("counters", *_counters(job))
    people = Counter(len(one) for one in job.said.values())
    found.note("people an image", str(dict(people)), str(PEOPLE), set(people) == {PEOPLE})
    if job.audiences:
        _assigned(job, stored, found)
    return found


def _counters(job: Job) -> tuple[str, str, bool]:
    """Whether counters are what counting anew gives."""
    opened = job.services.projects.open(job.project.project_id, ADMIN, "admin", "it")
    done = ("day:", "day.", "prelabel:")
    counted = {n: c for n, c in opened.items.counters().items() if not n.startswith(done)}
    recount: Counter[str] = Counter()
    for row in opened.items.all_rows(0):
        recount.update(row.item.facts())
    for check in (check for name in SKILLS for check in opened.items.checks_by(name)):
        recount.update(check.facts())
    same = counted == dict(+recount)
    return "equal a recount" if same else "do not", "equal a recount", same


def _assigned(job: Job, stored: Sequence[Any], found: Found) -> None:
    """How many images were for people with a tag, and who labeled them."""
    for rule in RULES:
        theirs = [one for one in stored if job.audiences.of(one.item) == rule.tag]
        share = rule.share or 0.0
        sigma = sqrt(share * (1 - share) / len(stored))
        found.within(f"for {rule.tag}", len(theirs) / len(stored), share, sigma)
        people = {name for one in theirs for name in job.said[one.item.item_id]}
        carriers = TAGS[rule.tag] or frozenset(SKILLS)  # freed
        found.note(
            f"labeled by, {rule.tag}",
            ", ".join(sorted(people)),
            f"some of {', '.join(sorted(carriers))}",
            bool(people) and people <= carriers,
        )
    labeled = sum(bool(one.item.revision) and not one.item.waits for one in stored)
    found.note("stuck", str(len(stored) - labeled), "0", labeled == len(stored))


def _honeypots(job: Job, found: Found) -> None:
    opened = job.services.projects.open(job.project.project_id, ADMIN, "admin", "it")
    people = {person.user: person for person in job.services.honeypots.report(opened).people}
    theory = {name: score_of(job.task_type, skill) for name, skill in SKILLS.items()}
    for name in ("careless", "contrary"):
        mean, spread = theory[name]
        one = people[name]
        found.within(f"honeypots: {name}", one.accuracy, mean, spread / sqrt(one.answers))
    good = [people[name] for name in sorted(GOOD)]
    answers = sum(person.answers for person in good)
    seen = sum(person.accuracy * person.answers for person in good) / answers
    mean = sum(theory[person.user][0] * person.answers for person in good) / answers
    variance = sum(theory[person.user][1] ** 2 * person.answers for person in good) / answers**2
    found.within("honeypots: the good", seen, mean, sqrt(variance))
    # An admin who knows the task asks for what is between the least good person and the careless one.
    least = min(theory[name][0] for name in GOOD)
    limit = (least + max(mean for name, (mean, _) in theory.items() if name not in GOOD)) / 2
    below = sorted(person.user for person in people.values() if person.accuracy < limit)
    wanted = ["careless", "contrary"]
    found.note(
        f"honeypots: below {limit:.2f}", ", ".join(below), ", ".join(wanted), below == wanted
    )


def _consensus(job: Job, stored: Sequence[Any], found: Found) -> None:
    every, good = _Tally(job), _Tally(job)
    for one in stored:
        every.add(one)
        if set(job.said[one.item.item_id]) <= GOOD:
            good.add(one)
    found.within("images agreed on", *every.agreed_on)
    found.within("consensus right", *every.right)
    found.within("of three good people", *good.right)
    # By the images that it is right of, and by what is known of people.
    best = max(GOOD, key=lambda name: SKILLS[name].right)
    seen, theory, sigma = good.right
    single, known = good.single(best), single_right(job.task_type, SKILLS[best])
    spread = sqrt(sigma**2 + known * (1 - known) / max(1, good.answers(best)))
    margin = f"margin over {best}, the best"
    found.within(margin, seen - single, theory - known, spread)
    found.note("more than the best", f"{seen - single:+.4f}", "more than 0", seen > single)


class _Tally:
    """Images, what is right of what was made of them, and what theory expects."""

    def __init__(self, job: Job) -> None:
        self._job = job
        self._stored: list[str] = []
        self._agreed = self._right = self._decisions = 0
        self._chances: list[Chance] = []

    def add(self, one: Any) -> None:
        """An image as it is kept."""
        item_id, job = one.item.item_id, self._job
        true = job.truth[item_id]
        chance = chance_of_image(job.task_type, true, [SKILLS[name] for name in job.said[item_id]])
        self._stored.append(item_id)
        self._chances.append(chance)
        if one.item.state == "labeled":
            self._agreed += 1
            self._decisions += chance.decisions
            self._right += _right(job.task_type, true, one.labeling.annotations)

    @property
    def agreed_on(self) -> tuple[float, float, float]:
        """The share of images that are agreed on; that of theory, and its standard deviation."""
        images = len(self._chances)
        chances = [chance.agreed for chance in self._chances]
        spread = sqrt(sum(chance * (1 - chance) for chance in chances))
        return self._agreed / images, fmean(chances), spread / images

    @property
    def right(self) -> tuple[float, float, float]:
        """The share of decisions that are right where images are agreed on; that of theory, its deviation."""
        expected = sum(chance.agreed * chance.decisions for chance in self._chances)
        share = sum(chance.right for chance in self._chances) / expected
        each = [chance.right / chance.agreed / chance.decisions for chance in self._chances]
        pairs = zip(self._chances, each, strict=True)
        spread = sqrt(sum(chance.agreed * chance.decisions * p * (1 - p) for chance, p in pairs))
        return self._right / self._decisions, share, spread / expected

    def single(self, name: str) -> float:
        """The share of somebody's own decisions that are right, on these images."""
        job = self._job
        right = sum(
            _right(job.task_type, job.truth[one], [each for _, each in job.said[one][name]])
            for one in self._stored
            if name in job.said[one]
        )
        return right / self.answers(name)

    def answers(self, name: str) -> int:
        """How many decisions somebody made on these images."""
        theirs = [name in self._job.said[one] for one in self._stored]
        return sum(
            chance.decisions for chance, mine in zip(self._chances, theirs, strict=True) if mine
        )


def single_right(task_type: TaskType, skill: Skill) -> float:
    """The chance of somebody's decision to be right: of things that are drawn, when they are not missed."""
    return skill.right * (1 - skill.misses if task_type in ("boxes", "polygons") else 1)


def _right(task_type: TaskType, true: Sequence[Thing], said: Sequence[Annotation]) -> int:
    """Decisions that are right: classes given or not, things of their class in their place."""
    if task_type == "multilabel":
        there, given = (
            {f"c{one + 1}" for _, one in true},
            {annotation.class_id for annotation in said},
        )
        return len(CLASSES) - len(there ^ given)
    if task_type == "multiclass":
        return int([annotation.class_id for annotation in said] == [f"c{true[0][1] + 1}"])
    found = {(_place(annotation), annotation.class_id) for annotation in said}
    return sum((place, f"c{class_ + 1}") in found for place, class_ in true)


def _bounds(annotation: Annotation) -> list[float]:
    match annotation.geometry:
        case Box(x0=x0, y0=y0, x1=x1, y1=y1):
            return [x0, y0, x1, y1]
        case Polygon(parts=parts):
            points = [point for part in parts for point in part.outer]
            low = [min(point[side] for point in points) for side in (0, 1)]
            return [*low, *(max(point[side] for point in points) for side in (0, 1))]
        case _:
            raise ValueError("a tag is nowhere")


def _place(annotation: Annotation) -> int:
    x0, y0, _, _ = _bounds(annotation)
    return min(range(len(PLACES)), key=lambda at: abs(PLACES[at][0] - x0) + abs(PLACES[at][1] - y0))


def _edges(job: Job, stored: Sequence[Any], found: Found) -> None:
    """Errors of edges where three good people drew a thing: of their median, and of each."""
    together: list[float] = []
    alone: list[float] = []
    for one in stored:
        said = job.said[one.item.item_id]
        if one.item.state != "labeled" or not set(said) <= set(GOOD):
            continue
        for each in one.labeling.annotations:
            place = _place(each)
            drawn = [a for people in said.values() for (at, _), a in people if at == place]
            if len(drawn) == PEOPLE:
                together += _off(each, place)
                alone += [off for a in drawn for off in _off(a, place)]
    ratio = sqrt(fmean(off * off for off in together) / fmean(off * off for off in alone))
    # The relative error of a standard deviation from n values is 1 / sqrt(2 n).
    found.within("edges off / one's", ratio, MEDIAN_OF_THREE, ratio / sqrt(2 * len(together)))


def _off(annotation: Annotation, place: int) -> list[float]:
    return [seen - true for seen, true in zip(_bounds(annotation), _true_edges(place), strict=True)]


def _table(job: Job) -> list[list[float]]:
    """What each person said (rows) of each thing that could be said (columns); NaN where they said nothing."""
    columns: list[dict[str, float]] = []
    for item_id, people in job.said.items():
        if job.task_type == "multilabel":
            for class_ in range(len(CLASSES)):
                given = {n: {at for (at, _), _ in said} for n, said in people.items()}
                columns.append({name: float(class_ in classes) for name, classes in given.items()})
            continue
        for place, _ in job.truth[item_id]:
            columns.append(
                {
                    name: float(a.class_id[1:])
                    for name, said in people.items()
                    for (at, _), a in said
                    if at == place
                }
            )
    return [[column.get(name, float("nan")) for column in columns] for name in SKILLS]


def simulate(task_type: TaskType, images: int, seed: int = 1, *, assign: bool = False) -> Found:
    """A job from beginning to end."""
    job = Job(task_type, images, seed, assign=assign)
    job.run()
    return judged(job)


def main(arguments: Sequence[str] | None = None) -> int:
    """Simulate, print the table; 1 when something is otherwise than theory says."""
    parser = argparse.ArgumentParser(
        prog="python -m dev.simulate.skill",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--type", choices=get_args(TaskType), default="multiclass")
    parser.add_argument("--items", type=int, default=300)
    parser.add_argument("--overlap", type=int, choices=(PEOPLE,), default=PEOPLE)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument(
        "--assign", action="store_true", help="shares of the images are for people with a tag"
    )
    options = parser.parse_args(arguments)
    found = simulate(options.type, options.items, options.seed, assign=options.assign)
    table = Table("what", "seen", "should be")
    for row in found.rows:
        table.add_row(*row)
    Console().print(table)
    for one in found.wrong:
        print(one, file=sys.stderr)
    return int(bool(found.wrong))


if __name__ == "__main__":
    sys.exit(main())
