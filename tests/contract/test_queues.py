from __future__ import annotations

import base64
from datetime import timedelta

import pytest
from azure.storage.queue import QueueClient

from labeling.adapters.memory import MemoryClock, MemoryQueues
from labeling.errors import TooLarge
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

    assert [Note.model_validate_json(base64.b64decode(one)) for one in messages] == [
        Note(text="naïve")
    ]


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
