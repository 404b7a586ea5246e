from __future__ import annotations

from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labeling.annotations.shapes import Annotation, Box, Part, Polygon
from labeling.quality.consensus import Opinion, Verdict, merged, shared, verdict
from labeling.quality.overlap import Overlap
from labeling.quality.shapes import same_things

THREE = Overlap(labelers=3)
Shape = tuple[str, float, float, float, float]


def tags(*names: str) -> list[Annotation]:
    return [Annotation(annotation_id=f"t-{name}", class_id=name) for name in names]


def boxes(*shapes: Shape) -> list[Annotation]:
    return [
        Annotation(annotation_id=f"b{at}", class_id=name, geometry=Box(x0=x0, y0=y0, x1=x1, y1=y1))
        for at, (name, x0, y0, x1, y1) in enumerate(shapes)
    ]


def polygons(*shapes: Shape) -> list[Annotation]:
    return [
        Annotation(
            annotation_id=f"o{at}",
            class_id=name,
            geometry=Polygon(parts=[Part(outer=[(x0, y0), (x1, y0), (x1, y1), (x0, y1)])]),
        )
        for at, (name, x0, y0, x1, y1) in enumerate(shapes)
    ]


def opinions_of(*said: list[Annotation] | str) -> list[Opinion]:
    """What people said: annotations each, or the word skipped or needs_review."""
    return [
        Opinion(f"p{number}", one, [])  # type: ignore[arg-type] # one of the outcomes
        if isinstance(one, str)
        else Opinion(f"p{number}", "labeled", one)
        for number, one in enumerate(said)
    ]


def asked(*said: list[Annotation] | str, overlap: Overlap = THREE) -> Verdict:
    """What people agree on."""
    return verdict(opinions_of(*said), overlap)


def classes(found: Verdict) -> list[str]:
    return sorted(annotation.class_id for annotation in found.annotations)


@pytest.mark.parametrize(
    ("said", "agreed"),
    [
        ([tags("cat"), tags("cat"), tags("dog")], ["cat"]),
        ([tags("cat", "dog"), tags("dog"), tags("dog", "cow")], ["dog"]),
        ([tags("cat"), tags("cat")], ["cat"]),
        ([tags(), tags()], []),
    ],
)
def test_a_class_carries_that_most_say(said: list[list[Annotation]], agreed: list[str]) -> None:
    found = asked(*said)

    assert (found.outcome, classes(found)) == ("labeled", agreed)


@pytest.mark.parametrize(
    "said",
    [
        [tags("cat"), tags("dog")],
        [tags("cat"), tags("dog"), tags("cow")],
        [tags("cat", "dog"), tags("cat")],
        [tags("cat"), "skipped"],
        [boxes(("cat", 0.1, 0.1, 0.3, 0.3)), boxes()],
        [boxes(("cat", 0.1, 0.1, 0.3, 0.3)), boxes(("dog", 0.1, 0.1, 0.3, 0.3))],
    ],
)
def test_where_nobody_has_most_a_reviewer_decides(said: list[list[Annotation] | str]) -> None:
    found = asked(*said)

    assert (found.outcome, found.disputed) == ("needs_review", True)


TYPES = {
    "classes": (tags("cat"), tags("cat"), tags("dog"), tags("cat")),
    "several classes": (
        *(tags("cat", "dog"), tags("cat", "cow"), tags("cat", "cow", "hen", "dog")),
        tags("cat"),
    ),
    "boxes": (
        boxes(("cat", 0.1, 0.1, 0.3, 0.3), ("dog", 0.6, 0.6, 0.8, 0.8)),
        boxes(("cat", 0.1, 0.1, 0.3, 0.3), ("cow", 0.6, 0.6, 0.8, 0.8)),
        boxes(("cat", 0.1, 0.1, 0.3, 0.3), ("hen", 0.6, 0.6, 0.8, 0.8)),
        boxes(("cat", 0.1, 0.1, 0.3, 0.3)),
    ),
    "polygons": (
        polygons(("cat", 0.1, 0.1, 0.3, 0.3), ("dog", 0.6, 0.6, 0.8, 0.8)),
        polygons(("cat", 0.1, 0.1, 0.3, 0.3), ("cow", 0.6, 0.6, 0.8, 0.8)),
        polygons(("cat", 0.1, 0.1, 0.3, 0.3), ("hen", 0.6, 0.6, 0.8, 0.8)),
        polygons(("cat", 0.1, 0.1, 0.3, 0.3)),
    ),
}


@pytest.mark.parametrize("task_type", TYPES)
def test_merged_is_what_consensus_makes_of_what_most_say_without_the_rest(task_type: str) -> None:
    *said, common = TYPES[task_type]
    opinions = [Opinion(f"p{number}", "labeled", one) for number, one in enumerate(said)]

    found = merged(opinions, THREE)

    agreed = verdict([Opinion(one.labeler, "labeled", common) for one in opinions], THREE)
    assert found is not None
    assert [(one.class_id, one.geometry) for one in found if one.class_id == "cat"] == [
        (one.class_id, one.geometry) for one in agreed.annotations
    ]


@pytest.mark.parametrize(
    "said",
    [
        [tags("cat"), tags("dog")],
        [boxes(("cat", 0.1, 0.1, 0.3, 0.3)), boxes(("cat", 0.6, 0.6, 0.8, 0.8))],
        [boxes(("cat", 0.1, 0.1, 0.3, 0.3)), boxes()],
        [tags("cat"), "skipped"],
    ],
)
def test_where_people_have_nothing_in_common_nothing_is_merged(
    said: list[list[Annotation] | str],
) -> None:
    assert merged(opinions_of(*said), Overlap(labelers=2)) is None


def test_most_may_say_there_is_nothing() -> None:
    assert merged(opinions_of(tags(), tags(), tags("cat")), THREE) == []


def test_it_is_told_of_each_annotation_whether_all_others_made_it_too() -> None:
    mine = boxes(("cat", 0.1, 0.1, 0.3, 0.3), ("dog", 0.6, 0.6, 0.8, 0.8))
    theirs = boxes(("cow", 0.6, 0.6, 0.8, 0.8), ("cat", 0.12, 0.1, 0.3, 0.3))

    assert shared(opinions_of(mine, theirs), THREE) == {"p0": {"b0"}, "p1": {"b1"}}
    both = shared(opinions_of(tags("cat", "dog"), tags("cat")), THREE)
    assert both == {"p0": {"t-cat"}, "p1": {"t-cat"}}
    assert shared(opinions_of(mine, "skipped"), THREE) == {"p0": set(), "p1": set()}


def test_with_a_quorum_of_all_one_who_differs_is_enough() -> None:
    said = [tags("cat"), tags("cat"), tags("dog")]

    assert asked(*said, overlap=Overlap(labelers=3, quorum=1)).disputed


def test_who_asks_a_reviewer_gets_one_and_it_is_no_dispute() -> None:
    found = asked(tags("cat"), tags("cat"), "needs_review")

    assert (found.outcome, found.disputed) == ("needs_review", False)


def test_an_image_that_most_skip_is_skipped() -> None:
    assert asked("skipped", "skipped", tags("cat")).outcome == "skipped"


def test_a_box_is_the_median_of_those_who_drew_it_and_one_that_one_drew_is_dropped() -> None:
    found = asked(
        boxes(("cat", 0.1, 0.1, 0.5, 0.5)),
        boxes(("cat", 0.12, 0.1, 0.5, 0.52), ("dog", 0.7, 0.7, 0.9, 0.9)),
        boxes(("cat", 0.14, 0.12, 0.5, 0.54)),
    )

    [one] = found.annotations
    assert isinstance(one.geometry, Box)
    edges = (one.geometry.x0, one.geometry.y0, one.geometry.x1, one.geometry.y1)
    assert edges == pytest.approx((0.12, 0.1, 0.5, 0.52))


def test_the_best_box_is_one_that_somebody_drew() -> None:
    said = [
        boxes(("cat", 0.1, 0.1, 0.5, 0.5)),
        boxes(("cat", 0.12, 0.1, 0.5, 0.52)),
        boxes(("cat", 0.14, 0.12, 0.5, 0.54)),
    ]

    found = asked(*said, overlap=Overlap(labelers=3, shape="best"))

    assert found.annotations[0].geometry == said[1][0].geometry


def test_two_things_side_by_side_are_matched_one_to_one() -> None:
    said = [
        boxes(("cat", 0.1, 0.1, 0.3, 0.3), ("cat", 0.16, 0.1, 0.36, 0.3)),
        boxes(("cat", 0.17, 0.1, 0.37, 0.3), ("cat", 0.1, 0.1, 0.31, 0.3)),
        boxes(("cat", 0.1, 0.1, 0.3, 0.3), ("cat", 0.16, 0.1, 0.36, 0.3)),
    ]

    found = asked(*said)

    assert (found.outcome, len(found.annotations)) == ("labeled", 2)


def triangle(*points: tuple[float, float]) -> list[Annotation]:
    shape = Polygon(parts=[Part(outer=list(points))])
    return [Annotation(annotation_id="p", class_id="cat", geometry=shape)]


def test_a_polygon_is_what_more_than_half_cover() -> None:
    left = triangle((0.1, 0.1), (0.5, 0.1), (0.5, 0.5), (0.1, 0.5))
    right = triangle((0.2, 0.1), (0.6, 0.1), (0.6, 0.5), (0.2, 0.5))
    middle = triangle((0.15, 0.1), (0.55, 0.1), (0.55, 0.5), (0.15, 0.5))

    found = asked(left, right, middle)

    [one] = found.annotations
    assert isinstance(one.geometry, Polygon)
    xs = [x for x, _ in one.geometry.parts[0].outer]
    assert (min(xs), max(xs)) == pytest.approx((0.15, 0.55))


@pytest.mark.parametrize("labelers", [4, 5])
def test_of_four_people_and_five_three_cover_what_is_kept_of_a_polygon(labelers: int) -> None:
    edges = [0.5, 0.52, 0.54, 0.56, 0.58][:labelers]

    found = asked(*(polygons(("cat", 0.1, 0.1, edge, 0.5)) for edge in edges))

    [one] = found.annotations
    assert isinstance(one.geometry, Polygon)
    assert max(x for x, _ in one.geometry.parts[0].outer) == sorted(edges)[-3]


def test_a_polygon_with_a_part_that_crosses_itself_is_compared_too() -> None:
    crossed = Part(outer=[(0.1, 0.1), (0.3, 0.1), (0.15, 0.3), (0.25, 0.3), (0.1, 0.15)])
    beside = Part(outer=[(0.2, 0.05), (0.5, 0.05), (0.5, 0.25), (0.2, 0.25)])
    said = Annotation(annotation_id="p", class_id="cat", geometry=Polygon(parts=[crossed, beside]))

    found = asked([said], [said], [said])

    assert (found.outcome, classes(found)) == ("labeled", ["cat"])


def test_annotations_of_several_people_get_ids_of_their_own() -> None:
    shape = ("cat", 0.1, 0.1, 0.3, 0.3)
    other = ("cat", 0.6, 0.6, 0.8, 0.8)

    found = asked(boxes(shape, other), boxes(other, shape))

    assert len({annotation.annotation_id for annotation in found.annotations}) == 2


ANY_BOX = st.tuples(
    st.sampled_from(["cat", "dog"]), st.integers(0, 6), st.integers(0, 6), st.integers(1, 3)
).map(
    lambda one: (one[0], one[1] / 10, one[2] / 10, (one[1] + one[3]) / 10, (one[2] + one[3]) / 10)
)
PEOPLE = st.lists(st.lists(ANY_BOX, max_size=4), min_size=2, max_size=4)


@given(PEOPLE)
def test_who_says_exactly_the_same_agrees_on_it(people: list[list[Shape]]) -> None:
    said = boxes(*dict.fromkeys(people[0]))

    found = asked(said, said, said)

    assert found.outcome == "labeled"
    shapes = {(annotation.class_id, annotation.geometry.model_dump_json()) for annotation in said}
    assert {
        (annotation.class_id, annotation.geometry.model_dump_json())
        for annotation in found.annotations
    } == shapes


@given(PEOPLE)
def test_every_shape_is_in_one_thing_and_no_thing_has_two_of_a_person(
    people: list[list[Shape]],
) -> None:
    things = same_things([boxes(*said) for said in people], 0.5)

    members = sorted((drawn.person, drawn.at) for thing in things for drawn in thing)
    assert members == [
        (number, at) for number, said in enumerate(people) for at in range(len(said))
    ]
    for thing in things:
        assert len({drawn.person for drawn in thing}) == len(thing)


@given(st.lists(st.sampled_from(["cat", "dog", "cow"]), min_size=2, max_size=4))
def test_the_order_of_people_decides_nothing_about_classes(said: list[str]) -> None:
    found = {
        (one.outcome, tuple(classes(one)) if one.outcome == "labeled" else ())
        for order in permutations(said)
        for one in [asked(*(tags(name) for name in order))]
    }

    assert len(found) == 1


def occluded(**attributes: bool | float | str) -> list[Annotation]:
    """A cat of which that is said."""
    geometry = Box(x0=0.1, y0=0.1, x1=0.3, y1=0.3)
    one = Annotation(annotation_id="b1", class_id="cat", geometry=geometry, attributes=attributes)
    return [one]


@pytest.mark.parametrize(
    ("said", "agreed"),
    [
        ([{"seen": True}, {"seen": True}, {"seen": False}], {"seen": True}),
        ([{"age": 2.0}, {"age": 9.0}, {"age": 3.0}], {"age": 3.0}),
        ([{"mood": "calm"}, {}, {"mood": "calm"}], {"mood": "calm"}),
        ([{"mood": "calm"}, {}, {}], {}),
    ],
)
def test_each_attribute_is_decided_by_vote_and_a_number_is_their_median(
    said: list[dict[str, bool | float | str]], agreed: dict[str, bool | float | str]
) -> None:
    found = asked(*(occluded(**one) for one in said))

    assert (found.outcome, found.annotations[0].attributes) == ("labeled", agreed)


@pytest.mark.parametrize(
    "said",
    [
        [{"mood": "calm"}, {"mood": "wild"}, {"mood": "shy"}],
        [{"seen": True}, {"seen": False}],
        [{"seen": True}, {}],
        [{"on": True}, {"on": 1.0}],
    ],
)
def test_where_an_attribute_has_no_majority_a_reviewer_decides(
    said: list[dict[str, bool | float | str]],
) -> None:
    found = asked(*(occluded(**one) for one in said))

    assert (found.outcome, found.disputed) == ("needs_review", True)
