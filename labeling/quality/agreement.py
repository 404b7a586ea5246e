"""How well people agree: what is counted of each image, and coefficients made of the counts.

Everything that is counted adds up, so that it can be kept in counters and a dashboard never reads images.
Weights are in `UNIT`s: a value that m people can be compared on counts 1/(m - 1) a pair (Krippendorff,
Content Analysis, 4th ed., chapter 12: the coincidences of values), which is whole for up to five people.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from math import sqrt

from labeling.model import Model
from labeling.quality.shapes import Drawn

UNIT = 12
"""Weights are whole multiples of 1/12: of 1, 1/2, 1/3 and 1/4."""

Z95 = 1.959963984540054
"""Standard deviations of a normal distribution that hold 95 % of it."""


@dataclass(frozen=True)
class Compared:
    """What one image tells of the agreement of those who labeled it, in `UNIT`s.

    `values`: answers that can be compared. `all` and `same`, by class: how many of them name it, and in how
    many pairs both do. `found`, by class: of pairs of a shape and another person who labeled the image, in
    how many that person drew it too, and all. `iou`: of matched pairs the sum of intersections over unions
    in thousandths, and their number. `people`: of pairs of a person's answers with another's, those that
    agree, and all.
    """

    values: int = 0
    all: Mapping[str, int] = field(default_factory=dict[str, int])
    same: Mapping[str, int] = field(default_factory=dict[str, int])
    found: Mapping[str, tuple[int, int]] = field(default_factory=dict[str, tuple[int, int]])
    iou: tuple[int, int] = (0, 0)
    people: Mapping[str, tuple[int, int]] = field(default_factory=dict[str, tuple[int, int]])


def compared_tags(said: Sequence[Collection[tuple[int, str]]], names: Sequence[str]) -> Compared:
    """The agreement of people on the tags (frame, class) of an image; `names` are theirs."""
    people = len(said)
    if people < 2:
        return Compared()
    votes = Counter(class_id for tags in said for _, class_id in set(tags))
    same_sets = {
        name: sum(set(tags) == set(others) for at, others in enumerate(said) if at != number)
        for number, (name, tags) in enumerate(zip(names, said, strict=True))
    }
    return Compared(
        values=UNIT * people,
        all={name: UNIT * count for name, count in sorted(votes.items())},
        same={
            name: UNIT * count * (count - 1) // (people - 1)
            for name, count in sorted(votes.items())
        },
        people={name: (same, people - 1) for name, same in same_sets.items()},
    )


def compared_shapes(things: Sequence[Sequence[Drawn]], names: Sequence[str]) -> Compared:
    """How people agree on the shapes of an image, those of the same thing together; `names` are theirs."""
    people = len(names)
    if people < 2:
        return Compared()
    values = 0
    every, same, found, sought, agree, drawn = (defaultdict[str, int](int) for _ in range(6))
    likenesses: list[float] = []
    for thing in things:
        classes = Counter(one.annotation.class_id for one in thing)
        for class_id, count in classes.items():
            found[class_id] += count * (len(thing) - 1)
            sought[class_id] += count * (people - 1)
        for one in thing:
            agree[names[one.person]] += 2 * (classes[one.annotation.class_id] - 1)
            drawn[names[one.person]] += 1
        if len(thing) < 2:
            continue
        values += UNIT * len(thing)
        for class_id, count in classes.items():
            every[class_id] += UNIT * count
            same[class_id] += UNIT * count * (count - 1) // (len(thing) - 1)
        likenesses += [one.likeness(other) for one, other in combinations(thing, 2)]
    total = sum(drawn.values())
    return Compared(
        values=values,
        all=dict(sorted(every.items())),
        same={name: same[name] for name in sorted(every)},
        found={name: (found[name], sought[name]) for name in sorted(sought)},
        iou=(round(1000 * sum(likenesses)), len(likenesses)),
        people={name: (agree[name], total + (people - 2) * drawn[name]) for name in names},
    )


class Coefficient(Model):
    """Krippendorff's alpha with its 95 % interval, from how many comparable answers.

    1 is full agreement, 0 what chance would do, below 0 worse than chance. None where there is nothing to tell
    agreement from chance by: fewer than two answers, or all the same.
    """

    alpha: float | None
    low: float | None
    high: float | None
    answers: int


def nominal(all_of: Mapping[str, int], same: Mapping[str, int]) -> Coefficient:
    """Alpha of one choice among classes, missing answers allowed, in `UNIT`s as `Compared` has them."""
    n = sum(all_of.values())
    expected = n * n - sum(count * count for count in all_of.values())
    return _coefficient(n, n - sum(same.values()), expected)


def yes_or_no(values: int, all_of: Mapping[str, int], same: Mapping[str, int]) -> Coefficient:
    """Alpha of saying or not saying each of these classes, over all of them, of `values` answers a class."""
    n = values * len(all_of)
    yes = sum(all_of.values())
    apart = 2 * (yes - sum(same.values()))
    return _coefficient(n, apart, 2 * yes * (n - yes))


def _coefficient(n: int, apart: int, expected: int) -> Coefficient:
    """From the coincidences of differing values, seen and (times n - 1) expected by chance.

    The interval holds what is expected by chance and has Wilson's interval of the share of pairs that differ,
    as Hayes and Krippendorff (2007) resample them. An answer that is compared with one other is half a pair.
    """
    answers = n / UNIT
    if answers < 2 or not expected:
        return Coefficient(alpha=None, low=None, high=None, answers=round(answers))
    chance = expected / UNIT / UNIT / (answers - 1) / answers
    share = apart / n
    low, high = wilson(share, answers / 2)
    alphas = [round(1 - disagreement / chance, 4) for disagreement in (share, high, low)]
    return Coefficient(alpha=alphas[0], low=alphas[1], high=alphas[2], answers=round(answers))


def wilson(share: float, of: float) -> tuple[float, float]:
    """Wilson's 95 % interval (1927) of a share seen in so many independent tries.

    >>> [round(one, 3) for one in wilson(0.5, 10)]
    [0.237, 0.763]
    """
    if of <= 0:
        return 0.0, 1.0
    middle = share + Z95**2 / (2 * of)
    half = Z95 * sqrt(share * (1 - share) / of + Z95**2 / (4 * of * of))
    whole = 1 + Z95**2 / of
    return max(0.0, (middle - half) / whole), min(1.0, (middle + half) / whole)
