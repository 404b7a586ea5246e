"""How far two people agree beyond what chance would do: Cohen's kappa, and where they differ."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from math import sqrt
from typing import Literal, NamedTuple

from labeling.annotations.shapes import Annotation, TaskType
from labeling.model import Model
from labeling.quality.agreement import Z95
from labeling.quality.shapes import same_things

Word = Literal["poor", "slight", "fair", "moderate", "substantial", "almost_perfect"]


class Kappa(Model):
    """Cohen's kappa of two people with its 95 % interval, from how many answers of both.

    1 is full agreement, 0 what chance would do. `word` is that of Landis and Koch (1977). None where nothing
    tells agreement from chance: no answers, or both always said the same one thing.
    """

    kappa: float | None
    low: float | None
    high: float | None
    word: Word | None
    answers: int
    agreed: int


def kappa(table: Mapping[tuple[str, str], int]) -> Kappa:
    """Kappa of how often the one person said one thing where the other said another.

    The interval is that of Fleiss, Cohen and Everitt (1969), cut to [-1, 1].
    """
    n = sum(table.values())
    same = sum(count for (one, other), count in table.items() if one == other)
    first, second = Counter[str](), Counter[str]()
    for (one, other), count in table.items():
        first[one] += count
        second[other] += count
    by_chance = sum(first[name] * second[name] for name in first)
    if not n or by_chance == n * n:
        return Kappa(kappa=None, low=None, high=None, word=None, answers=n, agreed=same)
    seen, chance = same / n, by_chance / n / n
    value = (seen - chance) / (1 - chance)
    diagonal = apart = 0.0
    for (one, other), count in table.items():
        share = count / n
        if one == other:
            margins = (first[one] + second[one]) / n
            diagonal += share * ((1 - chance) - margins * (1 - seen)) ** 2
        else:
            apart += share * ((second[one] + first[other]) / n) ** 2
    spread = diagonal + (1 - seen) ** 2 * apart - (seen * chance - 2 * chance + seen) ** 2
    half = Z95 * sqrt(max(0.0, spread) / n) / (1 - chance) ** 2
    return Kappa(
        kappa=round(value, 4),
        low=round(max(-1.0, value - half), 4),
        high=round(min(1.0, value + half), 4),
        word=word_for(value),
        answers=n,
        agreed=same,
    )


def word_for(value: float) -> Word:
    """What Landis and Koch (Biometrics 33, 1977, p. 165) call a kappa."""
    if value < 0:
        return "poor"
    words: tuple[tuple[float, Word], ...] = (
        (0.2, "slight"),
        (0.4, "fair"),
        (0.6, "moderate"),
        (0.8, "substantial"),
    )
    for most, word in words:
        if value <= most:
            return word
    return "almost_perfect"


class SideBySide(NamedTuple):
    """What two people said of one image: `answers` are those that kappa is of, `apart` what they differ about,
    by class; empty where one of them said nothing.
    """

    answers: Counter[tuple[str, str]]
    apart: Counter[tuple[str, str]]


def compared(
    task_type: TaskType,
    one: Sequence[Annotation],
    other: Sequence[Annotation],
    class_ids: Sequence[str],
    iou: float,
) -> SideBySide:
    """What two people said of one image, side by side.

    Answers are the class, where an image has one; where it has several, of each class whether it was given
    (`yes` or `no`); of shapes the classes of those that match.
    """
    if task_type == "multilabel":
        given, taken = ({(each.frame, each.class_id) for each in said} for said in (one, other))
        frames = {frame for frame, _ in given | taken} or {0}
        answers = Counter(
            (_yes((frame, class_id) in given), _yes((frame, class_id) in taken))
            for frame in frames
            for class_id in class_ids
        )
        alone = [(class_id, "") for _, class_id in given - taken]
        return SideBySide(
            answers, Counter(alone + [("", class_id) for _, class_id in taken - given])
        )
    if task_type == "multiclass":
        first, second = ({each.frame: each.class_id for each in said} for said in (one, other))
        pairs = [(first.get(at, ""), second.get(at, "")) for at in {**first, **second}]
    else:
        things = same_things([one, other], iou)
        drawn = ({each.person: each.annotation.class_id for each in thing} for thing in things)
        pairs = [(thing.get(0, ""), thing.get(1, "")) for thing in drawn]
    return SideBySide(
        Counter(pair for pair in pairs if all(pair)),
        Counter(pair for pair in pairs if pair[0] != pair[1]),
    )


def _yes(given: bool) -> str:
    return "yes" if given else "no"
