from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from labeling.annotations.classes import ClassName, key_of_path
from labeling.errors import faults_of
from labeling.names import Name, key_of

CASES = json.loads((Path(__file__).parents[1] / "cases/names.json").read_text("utf-8"))


@pytest.mark.parametrize("case", CASES, ids=lambda case: ascii(case["typed"]))
def test_a_name_is_spelled_in_one_way_or_refused(case: dict[str, Any]) -> None:
    if "fault" in case:
        with pytest.raises(ValidationError) as refused:
            TypeAdapter(Name).validate_python(case["typed"])
        assert [fault.code for fault in faults_of(refused.value)] == [case["fault"]]
    else:
        assert TypeAdapter(Name).validate_python(case["typed"]) == case["spelled"]


@pytest.mark.parametrize("case", CASES, ids=lambda case: ascii(case["typed"]))
def test_names_that_look_the_same_are_the_same(case: dict[str, Any]) -> None:
    assert {key_of(one) for one in case.get("same", [])} <= {key_of(case["typed"])}
    assert key_of(case["typed"]) not in {key_of(one) for one in case.get("other", [])}


@pytest.mark.parametrize("case", [case for case in CASES if "spelled" in case], ids=ascii)
def test_a_level_of_a_class_is_a_name_and_a_class_is_found_by_what_it_was_made_with(
    case: dict[str, Any],
) -> None:
    typed = f" Animal / {case['typed']} "

    kept = TypeAdapter(ClassName).validate_python(typed)

    assert kept == f"Animal/{case['spelled']}"
    assert key_of_path(kept) == key_of_path(typed)


def test_a_name_ends_at_200_characters_of_whatever_size() -> None:
    assert TypeAdapter(Name).validate_python("🦉" * 200) == "🦉" * 200
    with pytest.raises(ValidationError, match="200"):
        TypeAdapter(Name).validate_python("🦉" * 201)
