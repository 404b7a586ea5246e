"""How people sign in: what the site's configuration lets through."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from dev import ROOT
from dev.infra import sign_in

FILE = ROOT / "static_web/public/staticwebapp.config.json"


@pytest.fixture
def config() -> dict[str, Any]:
    return json.loads(FILE.read_text("utf-8"))


def test_only_entra_signs_people_in(config: dict[str, Any]) -> None:
    closed = {route["route"] for route in config["routes"] if route.get("statusCode") == 404}

    assert closed == {"/.auth/login/github", "/.auth/login/twitter"}


def test_no_script_runs_that_the_site_did_not_bring(config: dict[str, Any]) -> None:
    policy = {
        words[0]: words[1:]
        for directive in config["globalHeaders"]["Content-Security-Policy"].split(";")
        if (words := directive.split())
    }

    assert policy["script-src"] == ["'self'"]
    assert policy["object-src"] == policy["frame-ancestors"] == ["'none'"]
    assert "https://*.blob.core.windows.net" in policy["img-src"]
    text = FILE.read_text("utf-8")
    assert "127.0.0.1" not in text
    assert "localhost" not in text


def test_webassembly_is_for_the_decoder_of_clicks_alone(config: dict[str, Any]) -> None:
    allowing = {
        route["route"]: route["headers"]["Content-Security-Policy"]
        for route in config["routes"]
        if "Content-Security-Policy" in route.get("headers", {})
    }

    assert list(allowing) == ["/assets/clicks/*"]
    assert "script-src 'self' 'wasm-unsafe-eval';" in allowing["/assets/clicks/*"]
    assert "default-src 'none'" in allowing["/assets/clicks/*"]
    # The first rule that fits is taken.
    routes = [route["route"] for route in config["routes"]]
    assert routes.index("/assets/clicks/*") < routes.index("/assets/*")


def test_a_tenant_is_pinned_by_the_settings_the_site_is_given(
    config: dict[str, Any], tmp_path: Path
) -> None:
    file = tmp_path / sign_in.CONFIG
    file.write_text(json.dumps(config), "utf-8")
    tenant = "11111111-2222-3333-4444-555555555555"

    assert sign_in.main([str(tmp_path)], {"SIGN_IN_TENANT": tenant}) == 0

    pinned = json.loads(file.read_text("utf-8"))
    registration = pinned["auth"]["identityProviders"]["azureActiveDirectory"]["registration"]
    assert registration["openIdIssuer"] == f"https://login.microsoftonline.com/{tenant}/v2.0"
    bicep = (ROOT / "infra/bicep/site.bicep").read_text("utf-8")
    assert registration["clientIdSettingName"] in bicep
    assert registration["clientSecretSettingName"] in bicep
    assert pinned["routes"] == config["routes"]


def test_without_a_tenant_nothing_changes(tmp_path: Path) -> None:
    file = tmp_path / sign_in.CONFIG
    file.write_text("{}", "utf-8")

    assert sign_in.main([str(tmp_path)], {}) == 0
    assert file.read_text("utf-8") == "{}"


def test_what_is_no_tenant_is_refused(tmp_path: Path) -> None:
    assert sign_in.main([str(tmp_path)], {"SIGN_IN_TENANT": "a/../b"}) == 1
