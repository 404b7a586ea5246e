"""What the layout makes a key of, it gives back."""

from __future__ import annotations

import pytest

from labeling import layout
from labeling.layout import Kind, kind_of
from labeling.model import digest_id


def test_a_key_tells_what_its_row_is() -> None:
    assert kind_of(layout.truth("i")) is Kind.TRUTH
    assert kind_of(layout.lease("ann", 0)) is Kind.LABELER
    assert kind_of(layout.COUNTER_BASE) is Kind.COUNTER
    assert kind_of(layout.PROJECT) is Kind.PROJECT
    assert kind_of(layout.member("ann")) is Kind.MEMBER


def test_a_row_of_no_kind_of_ours_is_no_row_of_ours() -> None:
    with pytest.raises(ValueError, match="not a valid Kind"):
        kind_of("Z|i")


@pytest.mark.parametrize(
    "key",
    [
        layout.truth("i"),
        layout.queued("6", 1, "0a0b", "i"),
        layout.reserved("ann", "i"),
        layout.listed("labeled", 1, 2, "i"),
    ],
)
def test_truth_queue_and_listing_name_their_item(key: str) -> None:
    assert layout.item_of(key) == "i"


def test_a_queue_row_tells_its_place() -> None:
    assert layout.queue_place(layout.queued("6", 1, "0a0b", "i")) == ("6", 1, "0a0b")
    assert layout.queue_place(layout.reserved("ann", "i")) == ("", 0, "")


def test_a_task_is_told_from_what_was_returned() -> None:
    assert layout.lease_place(layout.lease("ann", 2)) == ("ann", 2)
    assert layout.lease_place(layout.reserved("ann", "i")) is None


def test_rows_of_a_task_name_it_and_its_labeler() -> None:
    for key in (
        layout.draft("ann", "t"),
        layout.finished("ann", "t"),
        layout.answered("ann", "t", "s"),
    ):
        assert layout.task_of(key) == ("ann", "t")


def test_a_history_row_tells_its_place() -> None:
    assert layout.history_place(layout.history("i", 7)) == ("i", 7, "")
    assert layout.history_place(layout.superseded("i", 7, "s")) == ("i", 7, "s")


def test_what_was_said_of_an_item_names_who_said_it() -> None:
    assert layout.labeling_of(layout.labeling("i", "ann")) == ("i", "ann")
    assert layout.prelabel_of(layout.prelabel("i", "run")) == ("i", "run")


def test_rows_of_a_project_name_whose_they_are() -> None:
    assert layout.member_user(layout.member("ann")) == "ann"
    assert layout.invited_address(layout.invitation("ab12")) == "ab12"


def test_a_partition_tells_its_shard() -> None:
    assert layout.shard_of_partition(layout.shard_partition("p", 15)) == 15


@pytest.mark.parametrize(
    ("both", "inside"),
    [
        (layout.INVITATIONS_AND_MEMBERS, [layout.invitation("zz"), layout.member("zz")]),
        (
            layout.MEMBERS_AND_PROJECT,
            [layout.member("a"), layout.PROJECT, layout.CAPACITY, layout.REFRESH_STATE],
        ),
    ],
)
def test_a_range_of_two_kinds_holds_both_and_no_other(
    both: tuple[str, str], inside: list[str]
) -> None:
    others = [layout.elsewhere("a"), layout.run("a"), layout.export("a")]

    assert all(both[0] <= key < both[1] for key in inside)
    assert not any(both[0] <= key < both[1] for key in others)


def test_a_share_that_is_drawn_is_about_as_large_as_asked_and_grows_by_adding() -> None:
    items = [digest_id("photos", f"{number}.png") for number in range(4_000)]
    few, more = ({one for one in items if layout.drawn("blind", one, of)} for of in (0.03, 0.1))

    assert 80 < len(few) < 160
    assert 330 < len(more) < 470
    assert few < more


def test_lots_draw_without_regard_to_each_other() -> None:
    items = [digest_id("photos", f"{number}.png") for number in range(4_000)]
    one, other = ({item for item in items if layout.drawn(lot, item, 0.5)} for lot in ("a", "b"))

    assert 900 < len(one & other) < 1_100
