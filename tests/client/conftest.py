"""The client on functions and storage in memory: no socket, every byte of HTTP."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from threading import current_thread, main_thread
from urllib.parse import unquote

import httpx
import pytest

from client.api import Api as Client
from client.api import Token
from tests.functions.conftest import Answer, Api, api_of, found
from tests.world import World


@dataclass
class Wire(httpx.BaseTransport):
    """Carries requests to the functions, and those with signed addresses to storage."""

    api: Api
    asked: list[str] = field(default_factory=list)
    breaks: Callable[[httpx.Request], httpx.Response | None] = lambda request: None
    """What happens to a request instead, if something does; may raise."""

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Answer as the host does, or as storage."""
        content = request.read()
        self.asked.append(f"{request.method} {request.url.path}")
        if odd := self.breaks(request):
            return odd
        if request.url.scheme == "memory":
            return self._storage(request, content)
        name, params = found(request.method, request.url.path.removeprefix("/api/"))
        query = dict(request.url.params)
        headers = dict(request.headers)
        answer: Answer = self.api.ask(name, request.method, params, content, query, headers)
        body = b"" if answer.body is None else json.dumps(answer.body).encode()
        return httpx.Response(answer.status, content=body)

    def _storage(self, request: httpx.Request, content: bytes) -> httpx.Response:
        container, path = request.url.host, unquote(request.url.path).removeprefix("/")
        blobs = self.api.world.storage.blobs
        if request.method == "GET":
            return httpx.Response(200, content=blobs.read(container, path))
        if blobs.find(container, path) and request.url.params["rights"] == "c":
            return httpx.Response(409, headers={"x-ms-error-code": "BlobAlreadyExists"})
        blobs.write(container, path, content, content_type=request.headers["content-type"])
        return httpx.Response(201)


@pytest.fixture
def wire() -> Wire:
    return Wire(api_of(World()))


@pytest.fixture
def client(wire: Wire, monkeypatch: pytest.MonkeyPatch) -> Client:
    """Calls with the token of a site admin, and connects commands so."""

    def waits(_: float) -> None:
        if current_thread() is main_thread():  # others wait for storage
            wire.api.world.drain()

    monkeypatch.setattr("time.sleep", waits)
    made = wire.api("POST", "tokens", {"name": "pipeline", "site_admin": True})
    client = Client("https://labels.example", Token(made["secret"]), transport=wire)
    monkeypatch.setattr("client.cli.connect", lambda: client)
    monkeypatch.setattr(client, "close", lambda: None)  # several commands share it
    return client
