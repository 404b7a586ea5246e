"""One id from a request through its messages into the log."""

from __future__ import annotations

import json
import logging
from pathlib import Path

import pytest
from azure.functions.queue import QueueMessage

from functions.logs import Structured, set_up
from functions.services import serving
from labeling import layout, trace
from labeling.errors import Unavailable
from labeling.ingest.refresh import Refresh
from labeling.storage import encode_message
from tests.functions.conftest import Api
from tests.world import triggers

ID = "0af7651916cd43dd8448eb211c80319c"
PARENT = {"traceparent": f"00-{ID}-b7ad6b7169203331-01"}


def test_an_answer_names_the_id_it_was_sent_with_or_a_new_one(api: Api) -> None:
    mine = api("GET", "me", **PARENT).headers["x-labelry-trace"]
    other = api("GET", "me", traceparent="nonsense").headers["x-labelry-trace"]

    assert mine == ID
    assert len(other) == 32
    assert other != ID


def test_a_message_carries_the_id_of_what_sent_it_to_whatever_it_brings_about(api: Api) -> None:
    project = api.project(1)
    trace.begin(ID)
    message = Refresh(project_id=project, refresh_id="r-1")
    text = encode_message(message)
    trace.begin()

    with serving(api.world.services):
        triggers()[layout.REFRESH_QUEUE](QueueMessage(body=text.encode(), dequeue_count=1))

    assert json.loads(text) == {**json.loads(message.model_dump_json()), "trace": ID}
    assert trace.current() == ID


def test_no_trigger_reads_a_message_without_taking_its_id_off() -> None:
    folder = Path(__file__).parents[2] / "functions"
    allowed = {"queues.py", "ingest.py"}  # which reads events of other systems, too

    found = {path.name for path in folder.glob("*.py") if ".get_body" in path.read_text("utf-8")}
    assert found - {"web.py"} == allowed


def test_a_message_without_an_id_begins_one(api: Api) -> None:
    trace.begin(ID)
    body = Refresh(project_id="p-none", refresh_id="r-1").model_dump_json().encode()

    with serving(api.world.services):
        triggers()[layout.REFRESH_QUEUE](QueueMessage(body=body, dequeue_count=1))

    assert trace.current() != ID


@pytest.mark.parametrize("text", ["{}", '{"a":1}', '{"a":{"b":"}"}}'])
def test_an_id_goes_onto_a_message_and_comes_off_again(text: str) -> None:
    trace.begin(ID)

    plain, found = trace.taken_off(trace.stamped(text))

    assert (json.loads(plain), found) == (json.loads(text), ID)


@pytest.mark.parametrize("text", ["[]", "x", '{"a":1}', "1", '[{"trace":"x"}]'])
def test_what_has_none_is_left_as_it_is(text: str) -> None:
    assert trace.taken_off(text) == (text, "")


def test_a_line_of_the_log_is_a_sentence_and_what_it_is_about() -> None:
    trace.begin(ID)
    record = logging.makeLogRecord({"msg": "looked after %s", "args": ("it",), "project_id": "p-1"})

    assert Structured().filter(record)

    sentence, _, about = record.getMessage().partition(" {")
    assert sentence == "looked after it"
    assert json.loads("{" + about) == {"project_id": "p-1", "trace": ID}


def test_setting_up_twice_is_setting_up_once() -> None:
    log = logging.getLogger("labelry")
    before = list(log.filters)
    try:
        set_up()
        set_up()
        assert sum(isinstance(one, Structured) for one in log.filters) == 1
        assert logging.getLogger("azure.core").getEffectiveLevel() == logging.WARNING
    finally:
        log.filters[:] = before


# What everything stands on.


def test_health_names_each_part(api: Api) -> None:
    answer = api("GET", "health", who={})

    assert (answer.status, answer["status"]) == (200, "ok")
    assert answer["parts"] == {"tables": "ok", "blobs": "ok", "queues": "ok"}


@pytest.mark.parametrize(
    ("call", "part"), [("get", "tables"), ("find", "blobs"), ("length", "queues")]
)
def test_a_part_that_does_not_answer_is_named(api: Api, call: str, part: str) -> None:
    def broken(number: int, name: str, stage: str) -> None:
        if name == call:
            raise Unavailable("no")

    api.world.watch.hook = broken
    answer = api("GET", "health", who={})

    assert (answer.status, answer["type"]) == (503, "unavailable")
    assert answer["detail"].startswith(f"{part} of")
    assert answer["parts"][part] == "unavailable"
