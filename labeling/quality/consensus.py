"""What several people who labeled the same image agree on, and how well."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from labeling.annotations.shapes import Annotation, Tag
from labeling.model import digest_id
from labeling.quality.agreement import Compared, compared_shapes, compared_tags
from labeling.quality.overlap import Overlap
from labeling.quality.shapes import Drawn, same_things, together

Outcome = Literal["labeled", "skipped", "needs_review"]


@dataclass(frozen=True)
class Opinion:
    """What one person said about an image."""

    labeler: str
    outcome: Outcome
    annotations: Sequence[Annotation] = ()


@dataclass(frozen=True)
class Verdict:
    """What opinions are as one. `disputed`: there is no majority, and `annotations` are the best of theirs.

    `disputed` items are a reviewer's, and so are those for which somebody asked one. `compared` is how well
    those who labeled the image agree.
    """

    outcome: Outcome
    annotations: list[Annotation] = field(default_factory=list[Annotation])
    disputed: bool = False
    compared: Compared = field(default_factory=Compared)


def verdict(opinions: Sequence[Opinion], overlap: Overlap) -> Verdict:
    """What so many people say about an image.

    Whoever asks a reviewer gets one. Else what decides is whether to label it, then each class of an image,
    and each shape: that it is there, its class, and where. Where that many say neither yes nor no, it is
    disputed. Nothing, where everybody said something, is nobody's answer: disputed too.
    """
    labeled = [one for one in opinions if one.outcome == "labeled"]
    kept = sorted(labeled, key=lambda one: one.labeler)
    people: list[Sequence[Annotation]] = [one.annotations for one in kept]
    names = [one.labeler for one in kept]
    drawn = [_drawn(number, said) for number, said in enumerate(people)]
    things = same_things(drawn, overlap.iou) if any(drawn) else []
    tags = [_tags(said) for said in people]
    compared = compared_tags(tags, names) if not things else compared_shapes(things, drawn, names)
    best = _most_alike(people, compared, names)
    if any(one.outcome == "needs_review" for one in opinions):
        return Verdict("needs_review", best, compared=compared)
    skipped = len(opinions) - len(labeled)
    if overlap.carries(skipped, len(opinions)):
        return Verdict("skipped", compared=compared)
    if not overlap.carries(len(labeled), len(opinions)):
        return Verdict("needs_review", best, disputed=True, compared=compared)
    agreed = [*_voted(people, tags, overlap), *_decided(things, len(people), overlap)]
    found = [one for one in agreed if one is not None]
    nobodys = not found and all(people)
    if len(found) < len(agreed) or nobodys:
        return Verdict("needs_review", best, disputed=True, compared=compared)
    return Verdict("labeled", found, compared=compared)


def _drawn(person: int, said: Sequence[Annotation]) -> list[Drawn]:
    shapes = [one for one in said if not isinstance(one.geometry, Tag)]
    return [Drawn(person, at, one) for at, one in enumerate(shapes)]


def _tags(said: Sequence[Annotation]) -> dict[tuple[int, str], Annotation]:
    return {(one.frame, one.class_id): one for one in said if isinstance(one.geometry, Tag)}


def _voted(
    people: Sequence[Sequence[Annotation]],
    tags: Sequence[Mapping[tuple[int, str], Annotation]],
    overlap: Overlap,
) -> list[Annotation | None]:
    """The tags that carry; None for each that neither does nor fails to."""
    votes = Counter(name for said in tags for name in said)
    result: list[Annotation | None] = []
    for name, count in sorted(votes.items()):
        if overlap.carries(count, len(people)):
            first = next(said[name] for said in tags if name in said)
            result.append(_own(first, *map(str, name)))
        elif not overlap.carries(len(people) - count, len(people)):
            result.append(None)
    return result


def _decided(
    things: Sequence[Sequence[Drawn]], people: int, overlap: Overlap
) -> list[Annotation | None]:
    """The things that are there, as one shape each; None for each of which nobody can tell."""
    result: list[Annotation | None] = []
    for thing in things:
        if not overlap.carries(len(thing), people):
            if not overlap.carries(people - len(thing), people):
                result.append(None)
            continue
        classes = Counter(one.annotation.class_id for one in thing)
        class_id, votes = min(classes.items(), key=lambda one: (-one[1], one[0]))
        if not overlap.carries(votes, len(thing)):
            result.append(None)
            continue
        shape = together(thing, overlap.shape)
        first = next(
            (one.annotation for one in thing if one.annotation.geometry == shape),
            thing[0].annotation.model_copy(update={"origin": None}),
        )
        of = sorted(f"{one.person}/{one.annotation.annotation_id}" for one in thing)
        result.append(_own(first.model_copy(update={"geometry": shape, "class_id": class_id}), *of))
    return result


def _own(one: Annotation, *made_of: str) -> Annotation:
    """An annotation under an id of its own: those of several people may have the same."""
    return one.model_copy(update={"annotation_id": digest_id("agreed", *made_of)})


def _most_alike(
    people: Sequence[Sequence[Annotation]], compared: Compared, names: Sequence[str]
) -> list[Annotation]:
    """What the one said who agrees most with the others."""
    if not people:
        return []
    shares: defaultdict[str, float] = defaultdict(float)
    for name, (same, every) in compared.people.items():
        shares[name] = same / every if every else 0.0
    best = max(range(len(people)), key=lambda one: (shares[names[one]], -one))
    return list(people[best])
