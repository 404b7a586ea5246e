import json
import threading
import time
from typing import Any

import azure.functions as func
import pytest

from dev.host.listeners import Timing
from tests.dev.host.running import Account, Runner, eventually


def on_messages(queue: str, handle: Any) -> func.FunctionApp:
    """An app with one queue function, which calls `handle`."""
    app = func.FunctionApp()

    @app.queue_trigger("msg", queue, "")
    def on_message(msg: func.QueueMessage) -> None:
        handle(msg)

    return app


def test_a_message_arrives_with_its_metadata_and_is_deleted(
    runner: Runner, account: Account, name: str
) -> None:
    seen: list[func.QueueMessage] = []
    queue = account.send(name, "grüße")
    runner.start(on_messages(name, seen.append))

    [message] = eventually(lambda: seen)
    eventually(lambda: account.is_empty(name))

    assert message.get_body().decode() == "grüße"
    assert message.dequeue_count == 1
    assert message.expiration_time > message.insertion_time
    assert message.time_next_visible > message.insertion_time
    assert message.pop_receipt
    assert message.id
    assert not list(queue.peek_messages())


def test_a_message_that_always_fails_is_poison_after_exactly_five_runs(
    runner: Runner, account: Account, name: str
) -> None:
    tries: list[int] = []

    def fail(msg: func.QueueMessage) -> None:
        tries.append(msg.dequeue_count)
        raise ValueError("never")

    account.send(name, "bad")
    runner.start(on_messages(name, fail))

    assert eventually(lambda: account.take(f"{name}-poison")) == ["YmFk"]
    eventually(lambda: account.is_empty(name))
    assert tries == [1, 2, 3, 4, 5]


def test_a_failed_message_is_visible_again_after_the_visibility_timeout(
    runner: Runner, account: Account, name: str
) -> None:
    runner.write_host_json(queues={"visibilityTimeout": "00:00:01", "maxDequeueCount": 2})
    times: list[float] = []

    def fail(msg: func.QueueMessage) -> None:
        times.append(time.monotonic())
        raise ValueError("never")

    account.send(name, "bad")
    runner.start(on_messages(name, fail))
    eventually(lambda: account.take(f"{name}-poison"))

    first, second = times
    assert 0.9 < second - first < 3.5  # the next poll may be up to 2 s late


def test_twenty_four_messages_run_at_once_and_no_more(
    runner: Runner, account: Account, name: str
) -> None:
    running: list[str] = []
    gate = threading.Semaphore(0)

    def hold(msg: func.QueueMessage) -> None:
        running.append(msg.id)
        gate.acquire()
        running.remove(msg.id)

    account.send(name, *map(str, range(40)))
    runner.start(on_messages(name, hold), PYTHON_THREADPOOL_THREAD_COUNT="40")
    eventually(lambda: len(running) == 16)
    time.sleep(0.3)
    after_one_batch = len(running)
    for _ in range(8):
        gate.release()
    eventually(lambda: len(running) == 24)
    time.sleep(0.3)
    at_most = len(running)
    for _ in range(40):
        gate.release()
    eventually(lambda: account.is_empty(name))

    assert (after_one_batch, at_most) == (16, 24)


def test_one_at_a_time_is_a_batch_of_one_and_no_threshold(
    runner: Runner, account: Account, name: str
) -> None:
    runner.write_host_json(queues={"batchSize": 1, "newBatchThreshold": 0})
    running = 0
    most: list[int] = []

    def count(msg: func.QueueMessage) -> None:
        nonlocal running
        running += 1
        most.append(running)
        time.sleep(0.02)
        running -= 1

    account.send(name, *map(str, range(6)))
    runner.start(on_messages(name, count))
    eventually(lambda: account.is_empty(name))

    assert most == [1] * 6


def test_a_job_twice_as_long_as_the_visibility_runs_once(
    runner: Runner, account: Account, name: str
) -> None:
    tries: list[int] = []

    def work(msg: func.QueueMessage) -> None:
        tries.append(msg.dequeue_count)
        time.sleep(6.5)

    account.send(name, "long")
    # Renewed at half: on a busy machine a renewal has taken more than half a second.
    runner.start(on_messages(name, work), Timing(receive_visibility_s=3))
    eventually(lambda: account.is_empty(name))
    time.sleep(0.5)

    assert tries == [1]


def test_a_message_that_is_not_base64_is_poison_without_a_run(
    runner: Runner, account: Account, name: str
) -> None:
    seen: list[bytes] = []
    account.send(name, "{not base64}", encode=False)
    runner.start(on_messages(name, lambda msg: seen.append(msg.get_body())))

    assert eventually(lambda: account.take(f"{name}-poison")) == ["{not base64}"]
    assert seen == []


def test_plain_messages_arrive_when_host_json_says_so(
    runner: Runner, account: Account, name: str
) -> None:
    runner.write_host_json(queues={"messageEncoding": "none"})
    seen: list[bytes] = []
    account.send(name, "{not base64}", encode=False)
    runner.start(on_messages(name, lambda msg: seen.append(msg.get_body())))

    assert eventually(lambda: seen) == [b"{not base64}"]


def test_a_message_tried_too_often_before_is_poison_without_a_run(
    runner: Runner, account: Account, name: str
) -> None:
    runner.write_host_json(queues={"maxDequeueCount": 1})
    seen: list[bytes] = []
    queue = account.send(name, "crashes the host")
    queue.receive_message(visibility_timeout=1)  # a host took it and was never heard of again

    runner.start(on_messages(name, lambda msg: seen.append(msg.get_body())))

    assert eventually(lambda: account.take(f"{name}-poison"))
    assert seen == []


def test_a_poison_queue_has_no_poison_queue(runner: Runner, account: Account, name: str) -> None:
    runner.write_host_json(queues={"maxDequeueCount": 1})
    tries: list[int] = []

    def fail(msg: func.QueueMessage) -> None:
        tries.append(msg.dequeue_count)
        raise ValueError("never")

    account.send(f"{name}-poison", "bad")
    runner.start(on_messages(f"{name}-poison", fail))
    eventually(lambda: tries)
    time.sleep(0.3)

    assert not account.is_empty(f"{name}-poison")
    assert account.take(f"{name}-poison-poison") == []
    assert tries == [1]


def test_a_queue_that_is_created_later_is_read(runner: Runner, account: Account, name: str) -> None:
    seen: list[bytes] = []
    runner.start(on_messages(name, lambda msg: seen.append(msg.get_body())))
    time.sleep(0.2)
    account.send(name, "late")

    assert eventually(lambda: seen) == [b"late"]


def test_the_fields_of_a_json_body_replace_metadata_of_the_same_name(
    runner: Runner, account: Account, name: str
) -> None:
    seen: list[tuple[str, int]] = []
    account.send(name, '{"id": "x", "dequeuecount": 7}')
    runner.start(on_messages(name, lambda msg: seen.append((msg.id, msg.dequeue_count))))

    assert eventually(lambda: seen) == [("x", 7)]


def test_a_json_body_whose_dequeue_count_is_no_number_never_runs(
    runner: Runner, account: Account, name: str
) -> None:
    seen: list[bytes] = []
    account.send(name, '{"dequeueCount": "n/a"}')
    runner.start(on_messages(name, lambda msg: seen.append(msg.get_body())))

    assert eventually(lambda: account.take(f"{name}-poison"))
    assert seen == []


@pytest.mark.parametrize(
    ("output", "messages"),
    [
        ("plain", ["plain"]),
        ('["a", {"b": 1}, 2]', ["a", '{\n  "b": 1\n}', "2"]),
        ('{"b":1}', ['{\n  "b": 1\n}']),
        ("{broken}", ["{broken}"]),
        (["a", "b"], ["a", "b"]),
        (b"\x00\xff", [b"\x00\xff"]),
    ],
)
def test_an_output_becomes_the_messages_azure_makes_of_it(
    runner: Runner, account: Account, name: str, output: Any, messages: list[str | bytes]
) -> None:
    app = func.FunctionApp(http_auth_level=func.AuthLevel.ANONYMOUS)
    seen: list[bytes] = []

    @app.route("send")
    @app.queue_output("out", name, "")
    def send(req: func.HttpRequest, out: func.Out[str]) -> str:
        out.set(output)
        return "sent"

    @app.queue_trigger("msg", name, "", data_type=func.DataType.BINARY)
    def receive(msg: func.QueueMessage) -> None:
        seen.append(msg.get_body())

    assert runner.start(app).get("/api/send").text == "sent"
    eventually(lambda: len(seen) == len(messages))

    expected = [text.encode() if isinstance(text, str) else text for text in messages]
    assert sorted(seen) == sorted(expected)


def test_an_output_is_not_written_when_the_function_fails(
    runner: Runner, account: Account, name: str
) -> None:
    app = func.FunctionApp(http_auth_level=func.AuthLevel.ANONYMOUS)
    account.send(name)

    @app.route("send")
    @app.queue_output("out", name, "")
    def send(req: func.HttpRequest, out: func.Out[str]) -> str:
        out.set("a")
        raise ValueError("after all")

    assert runner.start(app).get("/api/send").status_code == 500
    assert account.is_empty(name)


def test_an_output_wakes_the_listener_of_its_queue(
    runner: Runner, account: Account, name: str
) -> None:
    runner.write_host_json(queues={"maxPollingInterval": "00:01:00"})
    app = func.FunctionApp(http_auth_level=func.AuthLevel.ANONYMOUS)
    seen: list[bytes] = []
    account.send(name)

    @app.route("send")
    @app.queue_output("out", name, "")
    def send(req: func.HttpRequest, out: func.Out[str]) -> str:
        out.set("now")
        return "sent"

    @app.queue_trigger("msg", name, "")
    def receive(msg: func.QueueMessage) -> None:
        seen.append(msg.get_body())

    host = runner.start(app, Timing(first_poll_s=60))
    time.sleep(0.3)  # the first poll has found nothing; the next is a minute away
    host.get("/api/send")

    assert eventually(lambda: seen, within_s=5) == [b"now"]


def test_stopping_waits_for_a_running_function(runner: Runner, account: Account, name: str) -> None:
    seen: list[str] = []

    def work(msg: func.QueueMessage) -> None:
        seen.append("began")
        time.sleep(0.5)
        seen.append("ended")

    account.send(name, "long")
    host = runner.start(on_messages(name, work))
    eventually(lambda: seen)
    host.stop()

    assert seen == ["began", "ended"]
    assert account.is_empty(name)


def test_a_queue_function_runs_by_hand_with_the_master_key(
    runner: Runner, account: Account, name: str
) -> None:
    seen: list[Any] = []
    host = runner.start(on_messages(name, lambda msg: seen.append(msg.get_json())))
    body = {"input": json.dumps({"job_id": 1})}

    refused = host.post("/admin/functions/on_message", json=body)
    accepted = host.post(
        "/admin/functions/on_message", json=body, headers={"x-functions-key": "master"}
    )

    assert (refused.status_code, accepted.status_code) == (401, 202)
    assert eventually(lambda: seen) == [{"job_id": 1}]
