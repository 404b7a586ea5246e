from __future__ import annotations

import random
from typing import Any

import pytest

from labeling.annotations.acceptance import (
    MAX_COPY,
    Prelabel,
    PrelabelAnnotation,
    compare,
    decoded,
    encoded,
    inherited,
    of_copy,
    small_copy,
)
from labeling.annotations.shapes import Annotation, Box, Origin, Part, Polygon

TRIANGLE = [(0.1, 0.1), (0.5, 0.1), (0.3, 0.5)]
HOLE = [(0.28, 0.2), (0.32, 0.2), (0.3, 0.25)]


def box(x0: float = 0.1) -> Box:
    return Box(x0=x0, y0=0.1, x1=0.5, y1=0.5)


def suggested(*annotations: PrelabelAnnotation) -> Prelabel:
    return Prelabel(run_id="run-1", annotations=list(annotations))


def one(name: str = "p1", **more: Any) -> PrelabelAnnotation:
    return PrelabelAnnotation(annotation_id=name, **{"class_id": "c1", "geometry": box(), **more})


def made(name: str = "a1", origin: str | None = "p1", **more: Any) -> Annotation:
    source = Origin(prelabel=origin) if origin else None
    return Annotation(
        annotation_id=name, origin=source, **{"class_id": "c1", "geometry": box(), **more}
    )


def counts(annotations: list[Annotation], prelabel: Prelabel) -> tuple[int, int, int, int]:
    _, found = compare(annotations, prelabel)
    assert found.run_id == "run-1"
    return found.accepted, found.changed, found.removed, found.added


@pytest.mark.parametrize(
    ("annotation", "expected"),
    [
        (made(), (1, 0, 0, 0)),
        (made(geometry=box(0.1 + 5e-10)), (1, 0, 0, 0)),
        (made(geometry=box(0.1 + 5e-9)), (0, 1, 0, 0)),
        (made(class_id="c2"), (0, 1, 0, 0)),
        (made(frame=1), (0, 1, 0, 0)),
        (made(attributes={"occluded": True}), (0, 1, 0, 0)),
        (made(origin=None), (1, 0, 0, 0)),
        (made(origin=None, class_id="c2"), (0, 0, 1, 1)),
        (made(origin="p9", class_id="c2"), (0, 0, 1, 1)),
    ],
    ids=[
        "kept",
        "rounded",
        "moved",
        "of another class",
        "elsewhere",
        "with an attribute",
        "the same",
        "own",
        "unknown",
    ],
)
def test_an_annotation_is_compared_with_what_was_suggested(
    annotation: Annotation, expected: tuple[int, int, int, int]
) -> None:
    assert counts([annotation], suggested(one())) == expected


def test_suggestions_that_nothing_was_made_of_are_removed() -> None:
    assert counts([], suggested(one("p1"), one("p2"))) == (0, 0, 2, 0)


def test_of_two_made_from_one_suggestion_the_truer_counts() -> None:
    credited, found = compare([made("a1", geometry=box(0.2)), made("a2")], suggested(one()))

    assert (found.accepted, found.changed, found.added) == (1, 0, 1)
    assert [annotation.origin is not None for annotation in credited] == [False, True]


def test_what_it_was_made_from_is_found_out_and_not_believed() -> None:
    claims = Origin(prelabel="p1", run_id="mine", changed=False)
    annotation = made(class_id="c2").model_copy(update={"origin": claims})

    [credited], _ = compare([annotation], suggested(one()))

    assert credited.origin == Origin(prelabel="p1", run_id="run-1", changed=True)


@pytest.mark.parametrize(
    ("parts", "same"),
    [
        ([Part(outer=TRIANGLE, holes=[HOLE])], True),
        ([Part(outer=TRIANGLE)], False),
        ([Part(outer=TRIANGLE), Part(outer=HOLE)], False),
        ([Part(outer=[*TRIANGLE, (0.2, 0.3)], holes=[HOLE])], False),
        ([Part(outer=[(x + 1e-6, y) for x, y in TRIANGLE], holes=[HOLE])], False),
    ],
    ids=["same", "no hole", "a part for a hole", "a point more", "moved"],
)
def test_polygons_are_the_same_point_by_point(parts: list[Part], same: bool) -> None:
    polygon = Polygon(parts=[Part(outer=TRIANGLE, holes=[HOLE])])

    found = counts([made(geometry=Polygon(parts=parts))], suggested(one(geometry=polygon)))

    assert found == ((1, 0, 0, 0) if same else (0, 1, 0, 0))


def test_a_correction_inherits_what_annotations_were_made_from() -> None:
    origin = Origin(prelabel="p1", run_id="run-1", changed=False)
    before = [made("a1").model_copy(update={"origin": origin}), made("a2", origin=None)]

    kept, hers, new = inherited([made("a1", origin=None), made("a2"), made("a3")], before)
    [moved] = inherited([made("a1", geometry=box(0.2))], before)

    assert (kept.origin, hers.origin, new.origin) == (origin, None, None)
    assert moved.origin == Origin(prelabel="p1", run_id="run-1", changed=True)


def test_suggestions_come_back_as_they_were_kept() -> None:
    annotations = [one("p1", confidence=0.25), one("p2", geometry=box(1 / 3))]

    assert decoded(encoded(annotations)) == annotations
    assert of_copy(small_copy(encoded(annotations))) == annotations
    assert (encoded([]), decoded(b""), small_copy(b"")) == (b"", [], "")


def test_only_small_suggestions_are_copied() -> None:
    chance = random.Random(1)
    many = [one(f"p{n}", geometry=box(chance.random() / 10)) for n in range(400)]

    assert 0 < len(small_copy(encoded(many[:9]))) <= MAX_COPY
    assert small_copy(encoded(many)) == ""
