from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from labeling.annotations.attributes import (
    Attribute,
    AttributeKind,
    AttributeValue,
    fault_of_values,
    understood,
)
from labeling.annotations.classes import NewClass
from labeling.annotations.shapes import Annotation
from labeling.errors import faults_of
from labeling.model import read
from tests.labeling.exchange.formats.any_labels import ATTRIBUTES, attributes

MOOD = Attribute(name="mood", kind="choice", choices=["calm", "wild"], required=True)
SEEN = Attribute(name="seen", kind="yes_no")


def sent(value: Any) -> Annotation:
    return read(Annotation, {"annotation_id": "a", "class_id": "c1", "attributes": {"x": value}})


@pytest.mark.parametrize("value", [True, 0, 1, -2.5, "1", "true", "a b", "올빼미"])
def test_what_is_said_of_an_attribute_keeps_its_kind(value: AttributeValue) -> None:
    kept = sent(value)
    again = Annotation.model_validate_json(kept.model_dump_json())

    assert again.attributes["x"] == value
    assert isinstance(again.attributes["x"], bool) == isinstance(value, bool)
    assert isinstance(again.attributes["x"], str) == isinstance(value, str)


@pytest.mark.parametrize(
    "value", [None, [], {}, "", " a", "a\nb", "a\x00", "\uffff", "x" * 1_001, 10**400]
)
def test_what_is_no_value_is_refused_in_one_place(value: Any) -> None:
    with pytest.raises(ValidationError) as error:
        sent(value)

    (fault,) = faults_of(error.value)
    assert (fault.pointer, fault.code) == ("/attributes/x", "unfit-attribute")


@pytest.mark.parametrize(
    ("values", "complete", "pointer", "code"),
    [
        ({}, True, "/attributes", "missing-attribute"),
        ({"mood": "shy"}, True, "/attributes/mood", "unfit-attribute"),
        ({"mood": True}, False, "/attributes/mood", "unfit-attribute"),
        ({"seen": 1.0}, False, "/attributes/seen", "unfit-attribute"),
        ({"a/b~c": True}, False, "/attributes/a~1b~0c", "unknown-attribute"),
    ],
)
def test_what_does_not_fit_the_class_is_pointed_at(
    values: dict[str, AttributeValue], complete: bool, pointer: str, code: str
) -> None:
    fault = fault_of_values(values, [MOOD, SEEN], complete=complete)

    assert fault
    assert (fault.pointer, fault.code) == (pointer, code)


def test_a_required_attribute_is_missed_only_where_all_has_to_be_said() -> None:
    assert fault_of_values({}, [MOOD, SEEN], complete=False) is None
    assert fault_of_values({"mood": "wild"}, [MOOD, SEEN], complete=True) is None


@pytest.mark.parametrize(
    "wrong",
    [
        [{"name": "a", "kind": "choice"}],
        [{"name": "a", "kind": "number", "choices": ["b"]}],
        [{"name": "a", "kind": "choice", "choices": ["b", "B"]}],
        [{"name": "a", "kind": "text"}, {"name": " A", "kind": "number"}],
        [{"name": str(n), "kind": "text"} for n in range(21)],
    ],
)
def test_attributes_that_cannot_be_told_apart_or_answered_are_refused(
    wrong: list[dict[str, Any]],
) -> None:
    with pytest.raises(ValidationError):
        NewClass.model_validate({"name": "Owl", "attributes": wrong})


@pytest.mark.parametrize(
    ("said", "kind", "meant"),
    [
        ("Yes", "yes_no", True),
        (0, "yes_no", False),
        ("maybe", "yes_no", None),
        ("2.50", "number", 2.5),
        (True, "number", None),
        ("1e999", "number", None),
        (10**400, "number", None),
        (7, "text", "7"),
        ("", "text", None),
    ],
)
def test_a_value_of_a_file_is_understood_as_the_attribute_takes_it(
    said: object, kind: AttributeKind, meant: AttributeValue | None
) -> None:
    found = understood(said, Attribute(name="x", kind=kind))

    assert found == meant
    assert type(found) is type(meant)


@given(attributes, st.sampled_from([str, lambda one: one]))
def test_whatever_is_said_is_understood_again(
    values: dict[str, AttributeValue], written: Any
) -> None:
    for attribute in ATTRIBUTES:
        if attribute.name in values:
            assert understood(written(values[attribute.name]), attribute) == values[attribute.name]
