"""Which rule an image falls under."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from labeling.projects.access import MemberChange
from labeling.projects.record import ProjectChange
from labeling.quality.assignment import Assignment, Audiences


@dataclass(frozen=True)
class Photo:
    item_id: str = "i"
    path: str = "a.jpg"
    likely: str = ""


def audiences(*rules: dict[str, Any], **more: Any) -> Audiences:
    made = [Assignment.model_validate(rule) for rule in rules]
    folders = {
        assignment.folder: f"{assignment.folder}/" for assignment in made if assignment.folder
    }
    return Audiences.by(made, folders=folders, **more)


def test_the_first_rule_that_fits_counts() -> None:
    found = audiences(
        {"tag": "a", "folder": "x"}, {"tag": "b", "folder": "x/y"}, {"tag": "c", "share": 1}
    )

    assert [found.of(Photo(path=path)) for path in ("x/y/1.jpg", "z/1.jpg")] == ["a", "c"]


def test_a_folder_is_no_part_of_a_name() -> None:
    found = audiences({"tag": "a", "folder": "x"})

    assert [found.of(Photo(path=path)) for path in ("x/1.jpg", "xy/1.jpg")] == ["a", ""]


def test_a_folder_is_found_however_its_letters_are_put_together() -> None:
    found = audiences({"tag": "a", "folder": "\u00e9t\u00e9"})

    assert found.of(Photo(path="e\u0301te\u0301/1.jpg")) == "a"


def test_an_image_is_of_each_class_that_is_suggested_for_it() -> None:
    found = audiences({"tag": "a", "class_id": "c2"})

    assert [found.of(Photo(likely=one)) for one in ("c1,c2", "c22", "")] == ["a", "", ""]


def test_a_class_that_became_another_is_that_in_rules_and_in_suggestions() -> None:
    merged = {"c1": "c3", "c2": "c3"}
    found = audiences({"tag": "a", "class_id": "c1"}, merged=merged)

    assert [found.of(Photo(likely=one)) for one in ("c1", "c2", "c3", "c4")] == ["a", "a", "a", ""]


@given(
    st.lists(st.floats(0.01, 0.3), min_size=1, max_size=3),
    st.text("abcdefgh234567", min_size=26, max_size=26),
)
def test_shares_lie_beside_each_other_and_grow_at_their_end(
    shares: list[float], item_id: str
) -> None:
    image = Photo(item_id=item_id)

    def whom(shares: list[float]) -> str:
        rules = ({"tag": f"t{at}", "share": share} for at, share in enumerate(shares))
        return audiences(*rules).of(image)

    found = whom(shares)
    assert bool(found) == bool(whom([sum(shares)]))
    assert whom([*shares[:-1], shares[-1] + 0.05]) == found or not found


def test_a_share_is_about_that_much() -> None:
    found = audiences({"tag": "a", "share": 0.25}, {"tag": "b", "share": 0.5})
    drawn = [found.of(Photo(item_id=f"item{n}")) for n in range(4_000)]

    # Four standard deviations of 4,000 draws.
    assert abs(drawn.count("a") / 4_000 - 0.25) < 0.028
    assert abs(drawn.count("b") / 4_000 - 0.5) < 0.032


def test_people_are_in_the_audiences_of_their_tags_however_these_are_written() -> None:
    found = audiences({"tag": "B", "share": 0.5}, {"tag": "Great Owl", "share": 0.5})

    assert found.joined_by(["\uff27reat  owl", "other", "b"]) == ("b", "great owl", "")
    assert found.joined_by([]) == ("",)


@pytest.mark.parametrize(
    "rule",
    [
        {"tag": "a"},
        {"tag": "a", "folder": "x", "share": 0.5},
        {"tag": "a", "folder": ""},
        {"tag": "a", "share": 0},
        {"tag": "a,b", "share": 0.5},
        {"tag": " ", "share": 0.5},
    ],
)
def test_a_rule_says_one_thing(rule: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Assignment.model_validate(rule)


def test_there_is_no_more_than_all_to_share() -> None:
    rules = [Assignment(tag="a", share=0.6), Assignment(tag="b", share=0.6)]

    with pytest.raises(ValidationError, match="more than 1"):
        ProjectChange(assignments=rules)


def test_a_tag_is_carried_once() -> None:
    change = MemberChange(role="labeler", tags=["Owls", "x", "owls"])

    assert change.tags == ["Owls", "x"]
