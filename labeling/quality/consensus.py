"""What several people who labeled the same image agree on, and how well."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import Literal

from labeling.annotations.attributes import AttributeValue
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
    and each shape: that it is there, its class, and where; then each attribute of it. Where that many say
    neither yes nor no, it is disputed. Nothing, where everybody said something, is nobody's answer: disputed
    too.
    """
    labeled = [opinion for opinion in opinions if opinion.outcome == "labeled"]
    kept = sorted(labeled, key=lambda opinion: opinion.labeler)
    people: list[Sequence[Annotation]] = [opinion.annotations for opinion in kept]
    names = [opinion.labeler for opinion in kept]
    things = same_things(people, overlap.iou)
    tags = [_tags(said) for said in people]
    compared = compared_tags(tags, names) if not things else compared_shapes(things, names)
    best = _most_alike(people, compared, names)
    if any(opinion.outcome == "needs_review" for opinion in opinions):
        return Verdict("needs_review", best, compared=compared)
    skipped = len(opinions) - len(labeled)
    if overlap.carries(skipped, len(opinions)):
        return Verdict("skipped", compared=compared)
    if not overlap.carries(len(labeled), len(opinions)):
        return Verdict("needs_review", best, disputed=True, compared=compared)
    found, doubtful = _agreed(people, tags, things, overlap)
    nobodys = not found and all(people)
    if doubtful or nobodys:
        return Verdict("needs_review", best, disputed=True, compared=compared)
    return Verdict("labeled", found, compared=compared)


def merged(opinions: Sequence[Opinion], overlap: Overlap) -> list[Annotation] | None:
    """What carries of what those said who labeled an image, without the rest that makes it disputed.

    None where nothing carries: too few labeled it at all, or no two said the same.
    """
    people = _labeled(opinions)
    if not overlap.carries(len(people), len(opinions)):
        return None
    things = same_things(people, overlap.iou)
    found, doubtful = _agreed(people, [_tags(said) for said in people], things, overlap)
    return None if not found and (doubtful or all(people)) else found


def shared(opinions: Sequence[Opinion], overlap: Overlap) -> dict[str, set[str]]:
    """By labeler the ids of those of their annotations that all others made too: tags, and shapes of the same
    thing, with the same class and attributes. Nothing where somebody did not label the image.
    """
    kept = sorted(opinions, key=lambda opinion: opinion.labeler)
    same: dict[str, set[str]] = {opinion.labeler: set() for opinion in kept}
    if any(opinion.outcome != "labeled" for opinion in kept):
        return same
    things = same_things([opinion.annotations for opinion in kept], overlap.iou)
    of_all = [[(one.person, one.annotation) for one in thing] for thing in things]
    tags = [_tags(opinion.annotations) for opinion in kept]
    for name in {name for said in tags for name in said}:
        of_all.append([(at, said[name]) for at, said in enumerate(tags) if name in said])
    for thing in of_all:
        first = thing[0][1]
        if len(thing) == len(kept) and all(
            (one.class_id, one.attributes) == (first.class_id, first.attributes) for _, one in thing
        ):
            for person, one in thing:
                same[kept[person].labeler].add(one.annotation_id)
    return same


def _labeled(opinions: Sequence[Opinion]) -> list[Sequence[Annotation]]:
    """What those said who labeled an image, in order of their names."""
    kept = [opinion for opinion in opinions if opinion.outcome == "labeled"]
    return [opinion.annotations for opinion in sorted(kept, key=lambda one: one.labeler)]


def _agreed(
    people: Sequence[Sequence[Annotation]],
    tags: Sequence[Mapping[tuple[int, str], Annotation]],
    things: Sequence[Sequence[Drawn]],
    overlap: Overlap,
) -> tuple[list[Annotation], int]:
    """What carries, and of how much nobody can tell."""
    agreed = [*_voted(people, tags, overlap), *_decided(things, len(people), overlap)]
    found = [annotation for annotation in agreed if annotation is not None]
    return found, len(agreed) - len(found)


def _tags(said: Sequence[Annotation]) -> dict[tuple[int, str], Annotation]:
    return {
        (annotation.frame, annotation.class_id): annotation
        for annotation in said
        if isinstance(annotation.geometry, Tag)
    }


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
            given = [said[name] for said in tags if name in said]
            attributes = _attributes(given, overlap)
            result.append(
                _own(given[0], map(str, name), attributes=attributes)
                if attributes is not None
                else None
            )
        elif not overlap.carries(len(people) - count, len(people)):
            result.append(None)
    return result


def _decided(
    things: Sequence[Sequence[Drawn]], people: int, overlap: Overlap
) -> list[Annotation | None]:
    """The things that are there, as one shape each; None for each of which nobody can tell."""
    result: list[Annotation | None] = []
    carried: list[tuple[Sequence[Drawn], str, dict[str, AttributeValue]]] = []
    for thing in things:
        if not overlap.carries(len(thing), people):
            if not overlap.carries(people - len(thing), people):
                result.append(None)
            continue
        classes = Counter(drawn.annotation.class_id for drawn in thing)
        class_id, votes = min(classes.items(), key=lambda counted: (-counted[1], counted[0]))
        of_class = [drawn.annotation for drawn in thing if drawn.annotation.class_id == class_id]
        attributes = _attributes(of_class, overlap) if overlap.carries(votes, len(thing)) else None
        if attributes is None:
            result.append(None)
        else:
            carried.append((thing, class_id, attributes))
    shapes = together([thing for thing, _, _ in carried], overlap.shape)
    for (thing, class_id, attributes), shape in zip(carried, shapes, strict=True):
        first = next(
            (drawn.annotation for drawn in thing if drawn.annotation.geometry == shape), None
        )
        of = sorted(f"{drawn.person}/{drawn.annotation.annotation_id}" for drawn in thing)
        agreed: dict[str, object] = {
            "geometry": shape,
            "class_id": class_id,
            "attributes": attributes,
        }
        if first is None:  # nobody's, so it came from no suggestion
            agreed["origin"] = None
        result.append(_own(first or thing[0].annotation, of, **agreed))
    return result


def _attributes(same: Sequence[Annotation], overlap: Overlap) -> dict[str, AttributeValue] | None:
    """What annotations of one thing say of it together; None where they don't agree.

    Each attribute by vote, leaving it out is a vote too. Of numbers the median.
    """
    agreed: dict[str, AttributeValue] = {}
    for name in sorted({name for annotation in same for name in annotation.attributes}):
        said = [annotation.attributes[name] for annotation in same if name in annotation.attributes]
        if not overlap.carries(len(said), len(same)):
            if not overlap.carries(len(same) - len(said), len(same)):
                return None
            continue
        numbers = [value for value in said if isinstance(value, float)]
        if len(numbers) == len(said):
            agreed[name] = median(numbers)
            continue
        # By their kind too: 1 is not true.
        votes = Counter((type(value).__name__, value) for value in said)
        (_, value), count = min(votes.items(), key=lambda counted: (-counted[1], str(counted[0])))
        if not overlap.carries(count, len(said)):
            return None
        agreed[name] = value
    return agreed


def _own(annotation: Annotation, made_of: Iterable[str], **agreed: object) -> Annotation:
    """What is agreed on, under an id of its own: annotations of several people may have the same."""
    own_id = digest_id("agreed", *made_of)
    return annotation.model_copy(update={"annotation_id": own_id, **agreed})


def _most_alike(
    people: Sequence[Sequence[Annotation]], compared: Compared, names: Sequence[str]
) -> list[Annotation]:
    """What the one said who agrees most with the others."""
    if not people:
        return []
    shares: defaultdict[str, float] = defaultdict(float)
    for name, (same, every) in compared.people.items():
        shares[name] = same / every if every else 0.0
    best = max(range(len(people)), key=lambda person: (shares[names[person]], -person))
    return list(people[best])
