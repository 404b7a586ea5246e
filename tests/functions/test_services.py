from __future__ import annotations

import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread
from urllib.parse import parse_qs, urlsplit

import pytest

from labeling.adapters.azure import ServiceUris, connection, identity
from labeling.settings import Settings

MINE = "11111111-2222-3333-4444-555555555555"
OTHER = "99999999-8888-7777-6666-555555555555"


@pytest.fixture
def by_identity(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """Settings as a deployment makes them: services by address, no connection string."""
    for service in ("blob", "queue", "table"):
        address = f"https://acc.{service}.core.windows.net"
        monkeypatch.setenv(f"LABELRY_STORAGE__{service}ServiceUri", address)
    return monkeypatch


def test_storage_is_reached_by_the_identity_the_settings_name(
    by_identity: pytest.MonkeyPatch,
) -> None:
    by_identity.setenv("LABELRY_STORAGE__clientId", MINE)

    assert connection(Settings()) == ServiceUris(
        blob="https://acc.blob.core.windows.net",
        queue="https://acc.queue.core.windows.net",
        table="https://acc.table.core.windows.net",
        client_id=MINE,
    )


def test_a_connection_string_is_used_where_no_addresses_are_set(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("LABELRY_STORAGE", "UseDevelopmentStorage=true")

    assert connection(Settings()) == "UseDevelopmentStorage=true"


class IdentityEndpoint(BaseHTTPRequestHandler):
    """The endpoint that Azure gives to apps: it knows one user-assigned identity, and no system's."""

    def do_GET(self) -> None:
        asked = parse_qs(urlsplit(self.path).query).get("client_id", [""])[0]
        known = asked == MINE
        answer = (
            {"access_token": f"for {asked}", "expires_on": "4102444800", "token_type": "Bearer"}
            if known
            else {"error": "no such identity"}
        )
        self.send_response(200 if known else 400)
        self.send_header("Content-Type", "application/json")
        self.end_headers()
        self.wfile.write(json.dumps(answer).encode())

    def log_message(self, *args: object) -> None:
        """Say nothing."""


@pytest.fixture
def user_assigned_only(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """An app in Azure whose one identity is a user-assigned one."""
    with HTTPServer(("127.0.0.1", 0), IdentityEndpoint) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        monkeypatch.setenv("IDENTITY_ENDPOINT", f"http://127.0.0.1:{server.server_port}/token")
        monkeypatch.setenv("IDENTITY_HEADER", "secret")
        yield
        server.shutdown()


@pytest.mark.parametrize(
    ("named", "environment"), [(MINE, None), (None, MINE), (MINE, OTHER)], ids=str
)
def test_a_user_assigned_identity_signs_in_whoever_names_it(
    user_assigned_only: None,
    monkeypatch: pytest.MonkeyPatch,
    named: str | None,
    environment: str | None,
) -> None:
    if environment:
        monkeypatch.setenv("AZURE_CLIENT_ID", environment)

    token = identity(named).get_token("https://storage.azure.com/.default")

    assert token.token == f"for {MINE}"
