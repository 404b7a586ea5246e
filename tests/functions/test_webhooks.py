from __future__ import annotations

import base64
import hashlib
import hmac
import json
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import pytest

from labeling import layout
from labeling.adapters import webhooks as adapter
from labeling.adapters.webhooks import Caller, is_public
from labeling.projects.webhooks import RETRY_S, Undeliverable
from tests.functions.conftest import Api, api_of
from tests.world import STEADY, World


@dataclass
class Receiver:
    """A server of somebody who wants to know; answers `status`, and keeps what came."""

    port: int = 0
    status: int = 204
    came: list[tuple[dict[str, str], bytes]] = field(default_factory=list)
    wait_s: float = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/hook?of=labelry"

    def said(self) -> list[dict[str, Any]]:
        return [json.loads(body) for _, body in self.came]


@contextmanager
def receiving() -> Iterator[Receiver]:
    receiver = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            receiver.came.append(({k.lower(): v for k, v in self.headers.items()}, body))
            time.sleep(receiver.wait_s)
            self.send_response(receiver.status)
            self.send_header("location", "http://127.0.0.1:1/elsewhere")
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    receiver.port = server.server_address[1]
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield receiver
    finally:
        server.shutdown()
        server.server_close()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as found:
        yield found


@pytest.fixture
def api(receiver: Receiver) -> Api:
    trusted = f"127.0.0.1:{receiver.port}"
    return api_of(World(STEADY.model_copy(update={"webhook_hosts": trusted})))


@pytest.fixture
def hooked(api: Api, receiver: Receiver) -> str:
    """A project of two images that tells the receiver; its path."""
    place = f"projects/{api.project(2)}"
    assert api("PUT", f"{place}/webhook", {"url": receiver.url}).status == 200
    return place


def pass_time(api: Api, hours: float) -> None:
    """Let time pass, and handle what becomes due meanwhile."""
    end = api.world.clock.at.timestamp() + hours * 3600
    while api.world.clock.at.timestamp() < end:
        api.world.drain()
        api.world.wait(10)


def label_all(api: Api, place: str) -> None:
    task = api("POST", f"{place}/tasks", {"request_id": "r", "size": 9})["task"]
    tag = [{"annotation_id": "a", "class_id": "c1", "geometry": {"kind": "tag"}}]
    items = [
        {"item_id": item["item_id"], "outcome": "labeled", "annotations": tag}
        for item in task["items"]
    ]
    body = {"submission_id": "s", "classes_version": 1, "items": items}
    assert api("POST", f"{place}/tasks/{task['task_id']}/submit", body).status == 200


def test_an_export_that_is_done_is_told_signed_and_once(
    api: Api, hooked: str, receiver: Receiver
) -> None:
    made = api("PUT", f"{hooked}/webhook", {"url": receiver.url, "new_secret": True})
    export = api("POST", f"{hooked}/exports", {})["export_id"]
    api("POST", f"{hooked}/exports", {}, idempotency_key="x")
    api.world.drain()

    (headers, body), _ = receiver.came
    told = json.loads(body)
    assert (told["type"], told["data"]["export_id"]) == ("export.finished", export)
    assert told["data"]["state"] == "done"
    key = base64.b64decode(made["secret"].removeprefix("whsec_"))
    content = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    digest = base64.b64encode(hmac.new(key, content, hashlib.sha256).digest()).decode()
    assert headers["webhook-signature"] == f"v1,{digest}"
    assert abs(int(headers["webhook-timestamp"]) - api.world.clock.at.timestamp()) < 2


def test_a_project_with_nothing_left_is_told_once_for_its_number_of_images(
    api: Api, hooked: str, receiver: Receiver
) -> None:
    label_all(api, hooked)
    for _ in range(3):
        api.world.wait(60)
        api.world.services.progress.on_tick()
        api.world.drain()

    assert [one["type"] for one in receiver.said()] == ["project.done"]
    assert receiver.said()[0]["data"]["states"] == {"labeled": 2}


def test_a_run_that_ends_is_told_whoever_ends_it(api: Api, hooked: str, receiver: Receiver) -> None:
    runs = api.world.services.runs
    project = hooked.removeprefix("projects/")
    runs.create(project, {"training": "run-1"}, asked_by="ada")
    runs.fail(project, "run-1", "no space")
    api.world.services.assist.on_run_finished(_finished(project, "run-1"))
    api.world.drain()

    (said,) = receiver.said()
    assert said["type"] == "run.finished"
    assert said["data"] == {
        "project_id": project,
        "run_id": "run-1",
        "kind": "training",
        "state": "failed",
        "reason": "no space",
        "model_id": "",
    }


def _finished(project: str, run: str) -> Any:
    from labeling.assist.jobs import RunFinished

    return RunFinished(project_id=project, run_id=run)


def test_what_is_not_wanted_is_not_told(api: Api, hooked: str, receiver: Receiver) -> None:
    api("PUT", f"{hooked}/webhook", {"url": receiver.url, "events": ["run.finished"]})
    api("POST", f"{hooked}/exports", {})
    api.world.drain()

    assert receiver.came == []


def test_without_a_webhook_an_event_costs_one_look(api: Api) -> None:
    project = api.project(1)
    api.world.watch.reset()

    api.world.services.webhooks.told(project, "project.done", "1", {})

    assert api.world.watch.names == ["get"]


def test_what_fails_is_tried_again_for_hours_then_given_up_and_sent_again_by_hand(
    api: Api, hooked: str, receiver: Receiver
) -> None:
    receiver.status = 500
    api("POST", f"{hooked}/webhook/ping")
    api.world.drain()
    first = api("GET", f"{hooked}/webhook/deliveries")["items"][0]
    pass_time(api, 10)
    last = api("GET", f"{hooked}/webhook/deliveries")["items"][0]

    assert (first["state"], first["tries"], first["status"]) == ("waiting", 1, 500)
    assert first["next_at"] is not None
    assert (last["state"], last["tries"]) == ("failed", 1 + len(RETRY_S))
    assert len({headers["webhook-id"] for headers, _ in receiver.came}) == 1
    assert len({body for _, body in receiver.came}) == 1

    receiver.status = 200
    again = f"{hooked}/webhook/deliveries/{last['delivery_id']}/again"
    assert api("POST", again)["state"] == "waiting"
    api.world.drain()
    assert api("GET", f"{hooked}/webhook/deliveries")["items"][0]["state"] == "delivered"
    assert api("POST", again).status == 409


def test_a_message_that_comes_twice_makes_one_chain_of_tries(
    api: Api, hooked: str, receiver: Receiver
) -> None:
    receiver.status = 500
    api("POST", f"{hooked}/webhook/ping")
    (sent,) = api.world.storage.queues.sent[layout.WEBHOOKS_QUEUE]
    for _ in range(3):
        api.world.handle(layout.WEBHOOKS_QUEUE, sent.message)

    assert len(receiver.came) == 1


def test_a_redirect_is_not_followed(api: Api, hooked: str, receiver: Receiver) -> None:
    receiver.status = 307
    api("POST", f"{hooked}/webhook/ping")
    api.world.drain()

    one = api("GET", f"{hooked}/webhook/deliveries")["items"][0]
    assert "none is followed" in one["problem"]
    assert len(receiver.came) == 1


def test_the_secret_is_shown_when_it_is_made_and_never_again(
    api: Api, hooked: str, receiver: Receiver
) -> None:
    api("POST", f"{hooked}/webhook/ping")
    kept = api("PUT", f"{hooked}/webhook", {"url": receiver.url})
    fresh = api("PUT", f"{hooked}/webhook", {"url": receiver.url, "new_secret": True})

    assert kept["secret"] is None
    assert str(fresh["secret"]).startswith("whsec_")
    for path in ("webhook", "webhook/deliveries"):
        assert "secret" not in json.dumps(api("GET", f"{hooked}/{path}").body)


def test_without_its_webhook_nothing_more_is_sent(
    api: Api, hooked: str, receiver: Receiver
) -> None:
    api("POST", f"{hooked}/webhook/ping")
    assert api("DELETE", f"{hooked}/webhook").status == 204
    api.world.drain()

    assert receiver.came == []
    assert api("GET", f"{hooked}/webhook/deliveries")["items"][0]["state"] == "failed"
    assert api("POST", f"{hooked}/webhook/ping").status == 404
    assert api("DELETE", f"{hooked}/webhook").status == 404


def test_only_the_newest_deliveries_are_kept(api: Api, hooked: str) -> None:
    for _ in range(103):
        api("POST", f"{hooked}/webhook/ping")
        api.world.wait(1)

    assert len(api("GET", f"{hooked}/webhook/deliveries")["items"]) == 100


@pytest.mark.parametrize(
    "url",
    [
        "ftp://example.org/x",
        "https://",
        "example.org",
        "https://me:secret@example.org/x",  # pragma: allowlist secret
        "https://example.org/x#y",
        "https://example.org/a b",
        "https://example.org:0/",
        "https://example.org:99999/",
        "https://exämple.org/\n",
    ],
)
def test_what_is_no_address_is_refused(api: Api, hooked: str, url: str) -> None:
    answer = api("PUT", f"{hooked}/webhook", {"url": url})

    assert (answer.status, answer["errors"][0]["pointer"]) == (422, "/url")


# Who may be called.


@pytest.mark.parametrize(
    "address",
    [
        *("127.0.0.1", "127.8.8.8", "0.0.0.0", "10.1.2.3", "172.16.0.1", "192.168.1.1"),
        *("169.254.169.254", "168.63.129.16", "100.64.0.1", "224.0.0.1", "255.255.255.255"),
        *("::1", "::", "fe80::1%eth0", "fd00::1", "ff02::1", "::ffff:10.0.0.1"),
        *("64:ff9b::a9fe:a9fe", "2002:7f00:0001::", "2002:a9fe:a9fe::1"),
    ],
)
def test_an_address_of_the_inside_is_not_public(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize("address", ["8.8.8.8", "2606:4700:4700::1111", "::ffff:8.8.8.8"])
def test_an_address_of_the_internet_is_public(address: str) -> None:
    assert is_public(address)


STRICT = Caller(STEADY)


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "localhost", "[::1]", "0x7f.1", "2130706433", "169.254.169.254"]
)
def test_the_inside_is_not_called_however_it_is_written(host: str, receiver: Receiver) -> None:
    with pytest.raises(Undeliverable, match=r"not public|no host"):
        STRICT(f"https://{host}:{receiver.port}/", {}, b"")

    assert receiver.came == []


def test_a_name_that_leads_inside_once_among_others_is_not_called(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(socket, "getaddrinfo", _leads_to("8.8.8.8", "10.0.0.1"))

    with pytest.raises(Undeliverable, match="not public"):
        STRICT("https://example.org/", {}, b"")


def test_a_name_is_looked_up_once_so_that_it_can_not_lead_elsewhere_then(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    connected: list[Any] = []

    def connect(address: Any, timeout: float) -> socket.socket:
        connected.append(address)
        raise OSError

    monkeypatch.setattr(socket, "getaddrinfo", _leads_to("8.8.8.8"))
    monkeypatch.setattr(socket, "create_connection", connect)
    with pytest.raises(Undeliverable, match="did not answer"):
        STRICT("https://example.org/", {}, b"")

    assert connected == [("8.8.8.8", 443)]


def _leads_to(*addresses: str) -> Any:
    return lambda host, port, type: [
        (socket.AF_INET, type, 6, "", (address, port)) for address in addresses
    ]


def test_nothing_is_sent_without_tls_but_where_a_setting_says_so(receiver: Receiver) -> None:
    with pytest.raises(Undeliverable, match="https"):
        STRICT(receiver.url, {}, b"")

    trusting = Caller(STEADY.model_copy(update={"webhook_hosts": f"127.0.0.1:{receiver.port}"}))
    assert trusting(receiver.url, {}, b"{}") == 204


def test_trust_is_in_a_host_with_its_port(receiver: Receiver) -> None:
    other = Caller(STEADY.model_copy(update={"webhook_hosts": "127.0.0.1:1"}))

    with pytest.raises(Undeliverable):
        other(receiver.url, {}, b"")


def test_a_server_that_never_answers_is_left(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(adapter, "MOST_S", 0.2)
    receiver.wait_s = 1
    trusting = Caller(STEADY.model_copy(update={"webhook_hosts": f"127.0.0.1:{receiver.port}"}))

    begun = time.monotonic()
    with pytest.raises(Undeliverable, match="did not answer"):
        trusting(receiver.url, {}, b"")
    assert time.monotonic() - begun < 0.9


def test_a_header_can_not_be_slipped_in(api: Api, hooked: str) -> None:
    answer = api("PUT", f"{hooked}/webhook", {"url": "https://example.org/\r\nx-evil:1"})

    assert answer.status == 422
