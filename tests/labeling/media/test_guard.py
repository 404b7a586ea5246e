from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from threading import Thread

import pytest

from labeling.media.frames import Undecodable
from labeling.media.guard import Guard

STAND_INS = "tests.labeling.media.stand_ins"
DATA = bytes(range(256)) * 1000


def read(start: int, length: int) -> bytes:
    return DATA[start : start + length]


@pytest.fixture
def guard() -> Iterator[Guard]:
    made = Guard(STAND_INS, time_s=1.0, memory=1024 * 2**20)
    yield made
    made.close()


def refusal(guard: Guard, name: str, **arguments: object) -> str:
    with pytest.raises(Undecodable) as caught:
        guard.call(name, read, len(DATA), **arguments)
    return str(caught.value)


def test_the_child_reads_the_file_through_its_parent_and_what_it_prints_is_no_answer(
    guard: Guard,
) -> None:
    assert guard.call("chatter", read, len(DATA)) == ({"bytes": len(DATA)}, [b"some", b""])


def test_only_the_ranges_that_are_needed_are_read() -> None:
    ranges: list[tuple[int, int]] = []

    def noting(start: int, length: int) -> bytes:
        ranges.append((start, length))
        return bytes(length)

    guard = Guard()
    with pytest.raises(Undecodable):
        guard.call("header", noting, 10**12, media="tiff")
    guard.close()

    assert ranges == [(0, 65536)]


def test_what_takes_too_long_ends_with_a_reason_while_a_neighbour_is_served(guard: Guard) -> None:
    neighbour = Guard(STAND_INS)
    neighbour.call("chatter", read, len(DATA))
    began = time.monotonic()
    slow = Thread(target=lambda: refusal(guard, "sleep", seconds=60))
    slow.start()

    served = neighbour.call("chatter", read, len(DATA))
    assert slow.is_alive()
    slow.join()

    assert served[0] == {"bytes": len(DATA)}
    assert time.monotonic() - began < 10
    assert refusal(guard, "sleep", seconds=60) == "decoding took longer than 1 seconds"
    neighbour.close()


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no limit of memory")
def test_what_needs_too_much_memory_ends_with_a_reason(guard: Guard) -> None:
    assert (
        refusal(guard, "allocate", mebibytes=2000) == "decoding needs more than 1,024 MiB of memory"
    )
    assert guard.call("allocate", read, 0, mebibytes=100)[0] == {"first": 0}


def test_a_child_that_dies_is_a_reason_and_the_next_file_is_decoded(guard: Guard) -> None:
    assert refusal(guard, "die") == "the decoder broke down on this file"
    assert guard.call("chatter", read, len(DATA))[0] == {"bytes": len(DATA)}


def test_reasons_are_in_our_words_never_in_those_of_what_broke_down(guard: Guard) -> None:
    assert refusal(guard, "refuse") == "in words"
    assert len(refusal(guard, "refuse_at_length")) < 300
    assert refusal(guard, "break_down") == "the file is damaged (KeyError)"
    assert refusal(guard, "panic") == "the file is damaged (Panic)"


def test_what_storage_raises_is_passed_on_and_the_next_file_is_decoded(guard: Guard) -> None:
    def gone(start: int, length: int) -> bytes:
        raise ConnectionError("storage is away")

    with pytest.raises(ConnectionError):
        guard.call("chatter", gone, 10)

    assert guard.call("chatter", read, len(DATA))[0] == {"bytes": len(DATA)}


def test_the_child_knows_no_secrets(guard: Guard, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LABELRY_STORAGE", "AccountKey=secret")

    assert "LABELRY_STORAGE" not in guard.call("environment", read, 0)[0]
