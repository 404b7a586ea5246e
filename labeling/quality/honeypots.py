"""How well people know the answers of images whose answer is known."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Literal, Protocol

from pydantic import Field

from labeling.annotations.shapes import Annotation
from labeling.model import Model
from labeling.quality.consensus import Opinion, Outcome, verdict
from labeling.quality.overlap import Overlap

Standing = Literal["", "told", "paused"]
"""Whether somebody is asked to read the instructions again, or gets no images until an admin lets them."""


class HoneypotSettings(Model):
    """How often a project mixes honeypots in, and what becomes of people who do not know their answers.

    `rate`: the share of images on a page that are honeypots, on average; with 0 there are none. Who knew less
    than `limit` of the last `after` of theirs is asked to read the instructions again (`tell`), or gets no more
    images until an admin lets them (`pause`).
    """

    rate: Annotated[float, Field(ge=0, le=0.5)] = 0.0
    limit: Annotated[float, Field(ge=0, le=1)] = 0.7
    after: Annotated[int, Field(ge=3, le=200)] = 10
    below: Literal["nothing", "tell", "pause"] = "nothing"


class Said(Protocol):
    """What somebody said about an image."""

    @property
    def outcome(self) -> Outcome: ...
    @property
    def annotations(self) -> Sequence[Annotation]: ...


def score(known: Said, said: Said, overlap: Overlap) -> float | None:
    """How much of a known answer somebody knew, in [0, 1].

    Of classes of an image all or nothing. Of shapes the F1 score: those of the same class that match, from an
    intersection over union of `overlap.iou` on, against all of both. Attributes are not looked at. None where
    they asked a reviewer: that they did not know is what they said.
    """
    if said.outcome == "needs_review":
        return None
    if said.outcome != known.outcome:
        return 0.0
    opinions = [
        Opinion("known", known.outcome, known.annotations),
        Opinion("said", said.outcome, said.annotations),
    ]
    same, every = verdict(opinions, overlap).compared.people.get("said", (0, 0))
    return same / every if every else 1.0


def has_honeypots(counters: Mapping[str, int], rate: float) -> bool:
    """Whether a project mixes honeypots in, or did."""
    return rate > 0 or any(name.startswith("checks:") for name in counters)


def states_for_labelers(counters: Mapping[str, int], rate: float) -> dict[str, int]:
    """How many items are in which state, as whoever may not know of honeypots is told it.

    What people hold and answer counts as if it were the project's, and so many more as chance has it seem to
    wait: by no number can a page be told on which there is a honeypot.
    """
    states = {
        name.removeprefix("state:"): count
        for name, count in counters.items()
        if name.startswith("state:")
    }
    answers = {
        state: counters.get(f"checks:{state}", 0)
        for state in ("leased", "labeled", "skipped", "needs_review")
    }
    waiting = states.get("available", 0)
    expected = round(sum(states.values()) * rate / (1 - rate))
    more = {"available": max(0, expected - sum(answers.values())) if waiting else 0, **answers}
    total = {name: states.get(name, 0) + more.get(name, 0) for name in {*states, *more}}
    return {name: count for name, count in sorted(total.items()) if count}


def standing(scores: Sequence[float], settings: HoneypotSettings) -> Standing:
    """What becomes of somebody with these scores, the newest last."""
    last = scores[-settings.after :]
    if settings.below == "nothing" or len(last) < settings.after:
        return ""
    if sum(last) / len(last) >= settings.limit:
        return ""
    return "told" if settings.below == "tell" else "paused"
