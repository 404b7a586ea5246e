from __future__ import annotations

import random

import pytest

from labeling.errors import TooLarge
from labeling.items.cells import MAX_KEPT_BYTES, pack, unpack
from labeling.storage import Collision, Create, Delete, Merge, Operation, Range, Value
from tests.contract.conftest import Place


def _fill(place: Place, partition: str, keys: list[str]) -> None:
    for start in range(0, len(keys), 100):
        some = [Create(key, {"name": key}) for key in keys[start : start + 100]]
        place.storage.tables.transact(place.table, partition, some)


def _keys(place: Place, partition: str) -> list[str]:
    rows = place.storage.tables.query(place.table, Range(partition, "", "\uffff"))
    return [row.key for row in rows]


def test_a_row_comes_back_as_it_was_written(place: Place) -> None:
    cells: dict[str, Value] = {
        "text": "naïve 漢字 '\"\\ \n 🦊",
        "empty": "",
        "small": 7,
        "large": 1_790_000_000_000,
        "negative": -(2**63),
        "fraction": 0.1 + 0.2,
        "whole": 3.0,
        "yes": True,
        "no": False,
        "bytes": bytes(range(256)),
        "no_bytes": b"",
    }
    partition = place.fresh()

    place.storage.tables.transact(place.table, partition, [Create("I|a", cells)])

    row = place.storage.tables.get(place.table, partition, "I|a")
    assert row is not None
    assert (row.key, dict(row.cells)) == ("I|a", cells)
    assert {name: type(value) for name, value in row.cells.items()} == {
        name: type(value) for name, value in cells.items()
    }
    assert row.etag


def test_a_transaction_tells_the_etags_that_its_rows_have_now(place: Place) -> None:
    tables, partition = place.storage.tables, place.fresh()
    tables.transact(place.table, partition, [Create("I|a", {"n": 1}), Create("I|b", {"n": 1})])

    told = tables.transact(
        place.table,
        partition,
        [Merge("I|b", {"n": 2}), Delete("I|a"), Create("I|c", {"n": 3})],
    )

    rows = [tables.get(place.table, partition, key) for key in ("I|b", "I|a", "I|c")]
    assert told == [row.etag if row else "" for row in rows]


def test_a_missing_row_is_none(place: Place) -> None:
    assert place.storage.tables.get(place.table, place.fresh(), "I|a") is None


def test_keys_may_hold_quotes_percents_and_letters_of_any_script(place: Place) -> None:
    partition = "it's|ü" + place.fresh()

    _fill(place, partition, ["o'neil", "50%", "é漢"])

    assert _keys(place, partition) == sorted(["o'neil", "50%", "é漢"])
    assert place.storage.tables.get(place.table, partition, "o'neil") is not None


def test_rows_are_found_in_order_of_their_places(place: Place) -> None:
    partition, other = place.fresh(), place.fresh()
    _fill(place, partition, ["a", "b"])
    _fill(place, other, ["c"])

    rows = place.storage.tables.get_many(
        place.table, [(other, "c"), (partition, "missing"), (partition, "b"), (partition, "a")]
    )

    assert [row and row.key for row in rows] == ["c", None, "b", "a"]


def test_a_range_has_its_low_end_and_not_its_high_one(place: Place) -> None:
    partition = place.fresh()
    _fill(place, partition, ["A|1", "A|2", "A|3", "B|1"])

    rows = place.storage.tables.query(place.table, Range(partition, "A|1", "A|3"))

    assert [row.key for row in rows] == ["A|1", "A|2"]


def test_a_prefix_up_to_the_end_sign_is_all_of_it(place: Place) -> None:
    partition = place.fresh()
    _fill(place, partition, ["A|z", "A|zz|9", "A", "B|1", "A}"])

    rows = place.storage.tables.query(place.table, Range(partition, "A|", "A|~"))

    assert [row.key for row in rows] == ["A|z", "A|zz|9"]


def test_a_range_gives_at_most_its_limit(place: Place) -> None:
    partition = place.fresh()
    _fill(place, partition, [f"{n:02d}" for n in range(20)])

    rows = place.storage.tables.query(place.table, Range(partition, "", "~", limit=7))

    assert [row.key for row in rows] == [f"{n:02d}" for n in range(7)]


def test_an_empty_range_is_empty(place: Place) -> None:
    assert place.storage.tables.query(place.table, Range(place.fresh(), "b", "a")) == []


def test_a_range_gives_only_the_columns_asked_for_and_an_etag(place: Place) -> None:
    partition = place.fresh()
    place.storage.tables.transact(
        place.table, partition, [Create("a", {"x": 1, "y": 2}), Create("b", {"y": 3})]
    )

    rows = place.storage.tables.query(place.table, Range(partition, "", "~", columns=("x",)))

    assert [dict(row.cells) for row in rows] == [{"x": 1}, {}]
    place.storage.tables.transact(place.table, partition, [Delete("a", rows[0].etag)])


def test_several_ranges_come_back_in_order(place: Place) -> None:
    partition, other = place.fresh(), place.fresh()
    _fill(place, partition, ["a", "b", "c"])
    _fill(place, other, ["d"])

    pages = place.storage.tables.query_many(
        place.table,
        [Range(other, "", "~"), Range(partition, "b", "~"), Range(place.fresh(), "", "~")],
    )

    assert [[row.key for row in page] for page in pages] == [["d"], ["b", "c"], []]


def test_all_rows_of_a_long_range_are_seen_once(place: Place) -> None:
    partition = place.fresh()
    keys = [f"I|{n:05d}" for n in range(2003)]
    _fill(place, partition, keys)

    rows = list(place.storage.rows(place.table, Range(partition, "I|", "I|~")))

    assert [row.key for row in rows] == keys


def test_a_merge_changes_some_cells_and_keeps_the_others(place: Place) -> None:
    partition = place.fresh()
    place.storage.tables.transact(place.table, partition, [Create("a", {"x": 1, "y": 2})])
    before = place.storage.tables.get(place.table, partition, "a")
    assert before is not None

    place.storage.tables.transact(
        place.table, partition, [Merge("a", {"y": 3, "z": 4}, before.etag)]
    )

    after = place.storage.tables.get(place.table, partition, "a")
    assert after is not None
    assert dict(after.cells) == {"x": 1, "y": 3, "z": 4}
    assert after.etag != before.etag


def test_an_etag_read_in_a_range_is_that_of_the_row(place: Place) -> None:
    partition = place.fresh()
    _fill(place, partition, ["a"])

    [row] = place.storage.tables.query(place.table, Range(partition, "", "~"))

    assert row == place.storage.tables.get(place.table, partition, "a")
    place.storage.tables.transact(place.table, partition, [Delete("a", row.etag)])


def test_a_row_made_again_has_another_etag(place: Place) -> None:
    partition = place.fresh()
    _fill(place, partition, ["a"])
    first = place.storage.tables.get(place.table, partition, "a")
    assert first is not None
    place.storage.tables.transact(place.table, partition, [Delete("a")])
    _fill(place, partition, ["a"])

    with pytest.raises(Collision):
        place.storage.tables.transact(place.table, partition, [Delete("a", first.etag)])


@pytest.mark.parametrize(
    "operation",
    [
        Create("there", {"x": 2}),
        Merge("missing", {"x": 2}),
        Merge("missing", {"x": 2}, 'W/"1"'),
        Merge("there", {"x": 2}, "stale"),
        Delete("missing"),
        Delete("missing", "stale"),
        Delete("there", "stale"),
    ],
    ids=repr,
)
@pytest.mark.parametrize("others", [0, 3], ids=["alone", "behind three"])
def test_a_condition_that_does_not_hold_collides_on_its_key_and_nothing_is_done(
    place: Place, operation: Operation, others: int
) -> None:
    partition = place.fresh()
    place.storage.tables.transact(place.table, partition, [Create("there", {"x": 1})])
    old = place.storage.tables.get(place.table, partition, "there")
    assert old is not None
    place.storage.tables.transact(place.table, partition, [Merge("there", {"x": 1}, old.etag)])
    before = place.storage.tables.query(place.table, Range(partition, "", "~"))
    if not isinstance(operation, Create) and operation.etag == "stale":
        operation = (
            Delete(operation.key, old.etag)
            if isinstance(operation, Delete)
            else Merge(operation.key, operation.cells, old.etag)
        )
    first = [Create(f"other-{n}", {"x": n}) for n in range(others)]

    with pytest.raises(Collision) as caught:
        place.storage.tables.transact(
            place.table, partition, [*first, operation, Create("last", {})]
        )

    assert caught.value.key == operation.key
    assert place.storage.tables.query(place.table, Range(partition, "", "~")) == before


def test_a_transaction_may_create_merge_and_delete_a_hundred_rows(place: Place) -> None:
    partition = place.fresh()
    _fill(place, partition, [f"{n:03d}" for n in range(66)])

    place.storage.tables.transact(
        place.table,
        partition,
        [
            *(Delete(f"{n:03d}") for n in range(33)),
            *(Merge(f"{n:03d}", {"x": 1}) for n in range(33, 66)),
            *(Create(f"{n:03d}", {}) for n in range(66, 100)),
        ],
    )

    assert _keys(place, partition) == [f"{n:03d}" for n in range(33, 100)]


def test_more_than_a_hundred_operations_are_too_many(place: Place) -> None:
    with pytest.raises(TooLarge, match=r"101 operations .* at most 100"):
        _fill_at_once(place, [Create(f"{n:03d}", {}) for n in range(101)])


def test_a_key_twice_in_a_transaction_is_a_mistake(place: Place) -> None:
    with pytest.raises(ValueError, match="twice"):
        _fill_at_once(place, [Create("a", {}), Delete("a")])


def test_an_etag_that_was_never_read_is_a_mistake(place: Place) -> None:
    with pytest.raises(ValueError, match="never read"):
        _fill_at_once(place, [Delete("a", "")])


def test_a_transaction_of_nothing_is_a_mistake(place: Place) -> None:
    with pytest.raises(ValueError, match="needs an operation"):
        _fill_at_once(place, [])


@pytest.mark.parametrize(
    "key", ["a/b", "a\\b", "a#b", "a?b", "a\nb", "a\x7fb", "a\x85b", "é" * 513]
)
def test_keys_the_service_would_refuse_are_a_mistake(place: Place, key: str) -> None:
    with pytest.raises(ValueError, match="key"):
        _fill_at_once(place, [Create(key, {})])
    with pytest.raises(ValueError, match="key"):
        place.storage.tables.get(place.table, key, "a")


def test_a_key_may_have_512_units(place: Place) -> None:
    _fill_at_once(place, [Create("k" * 512, {})])


def test_a_string_cell_may_have_32768_utf16_units(place: Place) -> None:
    _fill_at_once(place, [Create("a", {"x": "k" * 32_768, "y": "🦊" * 16_384})])

    with pytest.raises(TooLarge, match=r"65,538 bytes in one cell; at most 65,536"):
        _fill_at_once(place, [Create("a", {"x": "k" * 32_769})])
    with pytest.raises(TooLarge, match="in one cell"):
        _fill_at_once(place, [Create("a", {"x": "🦊" * 16_385})])


def test_a_binary_cell_may_have_65536_bytes(place: Place) -> None:
    _fill_at_once(place, [Create("a", {"x": bytes(65_536)})])

    with pytest.raises(TooLarge, match="in one cell"):
        _fill_at_once(place, [Create("a", {"x": bytes(65_537)})])


def test_a_row_may_have_252_cells(place: Place) -> None:
    _fill_at_once(place, [Create("a", {f"c{n}": n for n in range(252)})])

    with pytest.raises(TooLarge, match="253 cells"):
        _fill_at_once(place, [Create("a", {f"c{n}": n for n in range(253)})])


def test_a_row_may_have_a_mebibyte(place: Place) -> None:
    _fill_at_once(place, [Create("a", {f"c{n}": bytes(65_000) for n in range(16)})])

    with pytest.raises(TooLarge, match="bytes in one row"):
        _fill_at_once(place, [Create("a", {f"c{n}": bytes(65_536) for n in range(16)})])


def test_a_transaction_may_have_nearly_four_mebibytes_as_the_service_counts(place: Place) -> None:
    _fill_at_once(place, [_row_of(f"{n}", 998_000) for n in range(3)])

    with pytest.raises(TooLarge, match="bytes of one transaction"):
        _fill_at_once(place, [_row_of(f"{n}", 1_040_000) for n in range(3)])


def test_an_integer_of_more_than_64_bits_is_a_mistake(place: Place) -> None:
    with pytest.raises(ValueError, match="64 bits"):
        _fill_at_once(place, [Create("a", {"x": 2**63})])


def _fill_at_once(place: Place, operations: list[Create | Merge | Delete]) -> None:
    place.storage.tables.transact(place.table, place.fresh(), operations)


def _row_of(key: str, size: int) -> Create:
    whole, rest = divmod(size, 65_536)
    return Create(key, {**{f"c{n}": bytes(65_536) for n in range(whole)}, f"c{whole}": bytes(rest)})


def test_labels_as_large_as_are_kept_fit_a_row_and_three_of_them_a_transaction(
    place: Place,
) -> None:
    data = random.Random(1).randbytes(MAX_KEPT_BYTES - 1_000)  # what is random gets no smaller
    labels = pack("labels", data, limit=MAX_KEPT_BYTES)
    about = {"path": "가" * 1_024, "suggestion": "x" * 4_096, "lanes": "x" * 2_000}
    partition = place.fresh()
    place.storage.tables.transact(place.table, partition, [Create("I|1", {**about, "labels": 0})])

    place.storage.tables.transact(
        place.table,
        partition,
        [Merge("I|1", {**about, **labels}), Create("H|1", labels), Create("V|1", labels)],
    )

    row = place.storage.tables.get(place.table, partition, "I|1")
    assert row
    assert unpack("labels", row.cells) == data
