from __future__ import annotations

import base64
from datetime import timedelta

import pytest
from azure.storage.queue import QueueClient

from labeling.adapters.memory import MemoryClock, MemoryQueues
from labeling.errors import NotFound, TooLarge
from labeling.model import Model
from tests.conftest import TestStorage
from tests.contract.conftest import Place


class Note(Model):
    text: str


def test_a_message_may_be_sent_to_a_queue_nobody_made(place: Place) -> None:
    place.storage.queues.send(place.queue, Note(text="hello"))
    place.storage.queues.send(place.queue, Note(text="later"), delay_s=30)


def test_a_message_may_have_48_kibibytes(place: Place) -> None:
    room = 48 * 1024 - len(Note(text="").model_dump_json())
    place.storage.queues.send(place.queue, Note(text="x" * room))

    with pytest.raises(TooLarge, match=r"49,153 bytes in one queue message; at most 49,152"):
        place.storage.queues.send(place.queue, Note(text="x" * (room + 1)))


@pytest.mark.parametrize("place", ["azurite"], indirect=True)
def test_the_service_holds_messages_as_json_in_base64(place: Place, azurite: TestStorage) -> None:
    queue = f"{place.queue}-raw"
    place.storage.queues.send(queue, Note(text="naïve"))
    place.storage.queues.send(queue, Note(text="later"), delay_s=30)

    client = QueueClient.from_connection_string(azurite.connection_string, queue)
    messages = [message.content for message in client.receive_messages(max_messages=32)]

    assert [Note.model_validate_json(base64.b64decode(message)) for message in messages] == [
        Note(text="naïve")
    ]


def test_a_message_is_taken_by_one_reader_only(place: Place) -> None:
    queues, queue = place.storage.queues, f"{place.queue}-taken"
    assert queues.receive(queue, 30) is None
    queues.send(queue, Note(text="naïve"))

    taken = queues.receive(queue, 30)

    assert taken
    assert (Note.model_validate_json(taken.text), taken.tries) == (Note(text="naïve"), 1)
    assert queues.receive(queue, 30) is None


def test_a_message_whose_time_ran_out_is_taken_again_and_counts_its_tries(place: Place) -> None:
    queues, queue = place.storage.queues, f"{place.queue}-again"
    queues.send(queue, Note(text="a"))

    first = queues.receive(queue, 1)
    place.storage.clock.sleep(1.5)
    second = queues.receive(queue, 30)

    assert first
    assert second
    assert (second.message_id, second.text) == (first.message_id, first.text)
    assert second.tries == 2


def test_who_renews_a_message_keeps_it(place: Place) -> None:
    queues, queue = place.storage.queues, f"{place.queue}-kept"
    queues.send(queue, Note(text="a"))

    taken = queues.receive(queue, 1)
    assert taken
    renewed = queues.renew(taken, 30)
    place.storage.clock.sleep(1.5)

    assert queues.receive(queue, 30) is None
    queues.delete(renewed)
    assert renewed.text == taken.text


def test_who_lost_a_message_can_neither_renew_nor_delete_it(place: Place) -> None:
    queues, queue = place.storage.queues, f"{place.queue}-lost"
    queues.send(queue, Note(text="a"))
    lost = queues.receive(queue, 1)
    place.storage.clock.sleep(1.5)
    held = queues.receive(queue, 30)
    assert lost
    assert held

    with pytest.raises(NotFound):
        queues.renew(lost, 30)
    queues.delete(lost)

    queues.renew(held, 30)


def test_a_deleted_message_never_comes_back(place: Place) -> None:
    queues, queue = place.storage.queues, f"{place.queue}-done"
    queues.send(queue, Note(text="a"))
    taken = queues.receive(queue, 1)
    assert taken
    queues.delete(taken)
    place.storage.clock.sleep(1.5)

    assert queues.receive(queue, 1) is None


def test_draining_hands_over_what_is_visible_and_what_that_sends() -> None:
    clock = MemoryClock()
    queues = MemoryQueues(clock)
    queues.send("first", Note(text="a"))
    queues.send("first", Note(text="late"), delay_s=60)
    seen: list[tuple[str, Model]] = []

    def handle(queue: str, message: Model) -> None:
        seen.append((queue, message))
        if queue == "first":
            queues.send("second", message)

    assert queues.drain(handle) == 2
    assert seen == [("first", Note(text="a")), ("second", Note(text="a"))]
    clock.at += timedelta(minutes=1)
    assert queues.drain(handle) == 2
    assert not any(queues.sent.values())


def test_a_message_whose_handler_fails_stays() -> None:
    queues = MemoryQueues(MemoryClock())
    queues.send("first", Note(text="a"))

    def fail(queue: str, message: Model) -> None:
        raise RuntimeError("broken")

    with pytest.raises(RuntimeError, match="broken"):
        queues.drain(fail)

    assert [sent.message for sent in queues.sent["first"]] == [Note(text="a")]


def test_the_length_of_a_queue_is_how_many_messages_are_in_it(place: Place) -> None:
    queue = f"{place.queue}-length"
    for text in ("one", "two"):
        place.storage.queues.send(queue, Note(text=text))

    assert place.storage.queues.length(queue) == 2
