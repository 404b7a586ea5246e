"""What admins see of honeypots: which there are, and how well people know their answers (ADR-0031)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Annotated, Literal

from pydantic import Field

from labeling import layout
from labeling.annotations.shapes import Annotation
from labeling.errors import NotFound
from labeling.items.checks import Check
from labeling.items.records import Outcome, Stored
from labeling.model import Id, Model, UtcTime, from_milliseconds, milliseconds
from labeling.projects.projects import ProjectAccess, Projects
from labeling.quality.agreement import wilson
from labeling.quality.honeypots import Standing
from labeling.storage import Storage
from labeling.tasks.images import ImageLinks
from labeling.tasks.service import Tasks

SHOWN = 200
"""The last answers of a person that are shown."""


class HoneypotRequest(Model):
    """Images with final labels to be mixed in among what people label, or no longer (`honeypot` false).

    Final: a reviewer approved them, or they were imported. `revisions` as for rejecting.
    """

    item_ids: Annotated[list[Id], Field(min_length=1, max_length=100)]
    honeypot: bool = True
    revisions: dict[str, int] = {}


class HoneypotResult(Model):
    """What became of one image; `done` also where it was so already."""

    item_id: str
    status: Literal["done", "changed", "leased", "not_settled", "not_approved", "unknown"]


class HoneypotAnswer(Model):
    """One result an image, in order."""

    results: list[HoneypotResult]


class HoneypotDay(Model):
    """How much somebody knew of the honeypots they answered on one day (UTC)."""

    day: date
    answers: int
    accuracy: float


class HoneypotPerson(Model):
    """How much somebody knew of all honeypots they answered: the mean of their scores, with its 95 % interval.

    `standing`: `told` to read the instructions again, or `paused`: they get no more images.
    """

    user: str
    name: str
    answers: int
    accuracy: float
    low: float
    high: float
    standing: Standing
    days: list[HoneypotDay]


class HoneypotReport(Model):
    """Honeypots there are, and how well people know their answers; who knows least comes first."""

    honeypots: int
    people: list[HoneypotPerson]


class CheckView(Model):
    """What somebody said about a honeypot, beside what is known. `score` in [0, 1]; null where it has none."""

    item_id: str
    path: str
    width: int
    height: int
    media: str
    images: ImageLinks
    at: UtcTime
    score: float | None
    outcome: Outcome
    said: list[Annotation]
    known: list[Annotation]


class CheckList(Model):
    """The last honeypots that somebody answered, newest first."""

    user: str
    name: str
    standing: Standing
    items: list[CheckView]


class Honeypots:
    """Honeypots of a project, for its admins."""

    def __init__(self, storage: Storage, projects: Projects, tasks: Tasks) -> None:
        self._storage = storage
        self._projects = projects
        self._tasks = tasks

    def choose(self, opened: ProjectAccess, request: HoneypotRequest, *, by: str) -> HoneypotAnswer:
        """Mix images in, or no longer; one result an image."""
        return HoneypotAnswer(
            results=[
                HoneypotResult(
                    item_id=fromkey,
                    status=opened.items.use_as_honeypot(
                        fromkey,
                        by=by,
                        revision=request.revisions.get(fromkey),
                        wanted=request.honeypot,
                    ),
                )
                for fromkey in dict.fromkeys(request.item_ids)
            ]
        )

    def report(self, opened: ProjectAccess) -> HoneypotReport:
        """How well people know the answers: a call a shard and two a person, in two round trips."""
        counters = opened.items.counters()
        days: dict[str, list[HoneypotDay]] = {}
        for name, answers in sorted(counters.items()):
            if not name.startswith("checks:scored:"):
                continue
            day, user = name.removeprefix("checks:scored:").split(":", 1)
            points = counters[f"checks:score:{day}:{user}"]
            days.setdefault(user, []).append(
                HoneypotDay(
                    day=date.fromisoformat(day), answers=answers, accuracy=points / 1000 / answers
                )
            )
        users = sorted(days)
        names = self._names(opened, users)
        standings = self._projects.standings(opened.project_id, users)
        people = [
            _person(user, names.get(user, ""), standings[user], of) for user, of in days.items()
        ]
        return HoneypotReport(
            honeypots=counters["checks:honeypots"],
            people=sorted(people, key=lambda person: (person.accuracy, person.user)),
        )

    def checks(self, opened: ProjectAccess, user: str) -> CheckList:
        """What somebody said about honeypots.

        Raises:
            NotFound: they answered none.
        """
        answered = [check for check in opened.items.checks_by(user) if check.answered]
        if not answered:
            raise NotFound("this person has answered no image whose answer is known")
        last = sorted(answered, key=lambda check: -check.at_ms)[:SHOWN]
        truths = opened.items.read_many([check.item_id for check in last])
        return CheckList(
            user=user,
            name=self._names(opened, [user]).get(user, ""),
            standing=self._projects.standings(opened.project_id, [user])[user],
            items=[
                self._view(opened, check, truth)
                for check, truth in zip(last, truths, strict=True)
                if truth
            ],
        )

    def let_go_on(self, opened: ProjectAccess, user: str) -> None:
        """Give somebody images again; what they answered until now does not hold them back any more.

        Safe to repeat.

        Raises:
            NotFound: they answered no honeypot.
        """
        if not any(check.answered for check in opened.items.checks_by(user)):
            raise NotFound("this person has answered no image whose answer is known")
        now = milliseconds(self._storage.clock.now())
        self._projects.note_standing(opened.project_id, user, "", judged_ms=now)

    def _view(self, opened: ProjectAccess, check: Check, stored: Stored) -> CheckView:
        said, known = check.labeling, stored.labeling
        assert said is not None
        merged = opened.project.merged
        return CheckView(
            item_id=check.item_id,
            path=opened.project.source.shown(stored.item.path),
            width=stored.item.width,
            height=stored.item.height,
            media=stored.item.media,
            images=self._tasks.images.links(opened.project, stored.item),
            at=from_milliseconds(check.at_ms),
            score=None if check.score is None else check.score / 1000,
            outcome=said.outcome,
            said=said.merged(merged).annotations,
            known=known.merged(merged).annotations
            if known and stored.item.state == "labeled"
            else [],
        )

    def _names(self, opened: ProjectAccess, users: Sequence[str]) -> dict[str, str]:
        places = [(opened.project_id, layout.member(user)) for user in users]
        rows = self._storage.tables.get_many(layout.PROJECTS, places) if places else []
        return {user: row.text("name") for user, row in zip(users, rows, strict=True) if row}


def _person(
    user: str, name: str, standing: Standing, days: Sequence[HoneypotDay]
) -> HoneypotPerson:
    answers = sum(day.answers for day in days)
    points = sum(day.accuracy * day.answers for day in days)
    low, high = wilson(points / answers, answers)
    return HoneypotPerson(
        user=user,
        name=name,
        answers=answers,
        accuracy=points / answers,
        low=low,
        high=high,
        standing=standing,
        days=list(days),
    )
