from __future__ import annotations

import pytest
from pydantic import ValidationError

from labeling.annotations.classes import MAX_CLASSES, LabelClass, NewClass, with_added
from labeling.errors import Invalid


def named(*names: str) -> list[NewClass]:
    return [NewClass(name=name) for name in names]


def test_classes_get_ids_in_order_of_arrival_and_keep_them() -> None:
    first = with_added([], named("Owl", "Animal/Cat"))

    both = with_added(first, named("Animal"))

    assert [(class_.class_id, class_.name) for class_ in both] == [
        ("c1", "Owl"),
        ("c2", "Animal/Cat"),
        ("c3", "Animal"),
    ]


def test_classes_are_grouped_up_to_six_levels() -> None:
    assert NewClass(name="a/b/c/d/e/f").name == "a/b/c/d/e/f"
    with pytest.raises(ValidationError, match="6 levels"):
        NewClass(name="a/b/c/d/e/f/g")


@pytest.mark.parametrize("name", ["", "  ", "/", "a/", "/a", "a//b", "a/ /b", "x" * 201])
def test_a_name_has_no_empty_level_and_an_end(name: str) -> None:
    with pytest.raises(ValidationError):
        NewClass(name=name)


def test_space_around_levels_does_not_count_and_unicode_has_one_form() -> None:
    assert NewClass(name="  Animal / Cat ").name == "Animal/Cat"
    assert NewClass(name="e\u0301").name == "é"


@pytest.mark.parametrize("twin", ["owl", "OWL", " Owl ", "\uff2f\uff57\uff4c"])
def test_a_class_that_is_there_is_refused_with_a_pointer(twin: str) -> None:
    with pytest.raises(Invalid) as refused:
        with_added([LabelClass(class_id="c1", name="Owl")], named("Wren", twin))

    assert refused.value.faults[0].pointer == "/classes/1/name"


def test_a_class_twice_in_one_request_is_refused() -> None:
    with pytest.raises(Invalid, match="there already"):
        with_added([], named("Straße", "STRASSE"))


def test_there_is_a_limit_to_classes_and_it_is_named() -> None:
    many = named(*(f"class {number}" for number in range(MAX_CLASSES)))
    full = with_added([], many)

    with pytest.raises(Invalid, match="2000"):
        with_added(full, named("one more"))


def test_a_class_that_is_added_with_a_colour_keeps_it() -> None:
    made = with_added(
        [], [NewClass(name="a", colour=5), NewClass(name="b"), NewClass(name="c", colour=5)]
    )

    assert [class_.colour for class_ in made] == [5, 0, 5]
