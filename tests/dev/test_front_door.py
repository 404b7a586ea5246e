from __future__ import annotations

import base64
import json
from collections.abc import Iterator

import httpx
import pytest
from playwright.sync_api import Browser

from dev.client import Person
from dev.site import Choice, with_sign_in
from dev.stack import Stack

APP = """
import azure.functions as func

app = func.FunctionApp(http_auth_level=func.AuthLevel.ANONYMOUS)


@app.route("me")
def me(req: func.HttpRequest) -> func.HttpResponse:
    return func.HttpResponse(req.headers.get("x-ms-client-principal", "nobody"))
"""
CONFIG = '{"navigationFallback": {"rewrite": "/index.html", "exclude": ["/assets/*"]}}'
KIM = Person("u-1", "kim@example.com")


@pytest.fixture(scope="module")
def system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    folder = tmp_path_factory.mktemp("front-door")
    app, built = folder / "app", folder / "dist"
    for made, files in {
        app: {"function_app.py": APP, "host.json": '{"version": "2.0"}'},
        built: {
            "index.html": "<!doctype html><head></head><h1>the app</h1>",
            "staticwebapp.config.json": CONFIG,
        },
    }.items():
        made.mkdir()
        for name, text in files.items():
            (made / name).write_text(text)
    site = with_sign_in(built, [Choice(KIM, "한글", "English")], folder=folder / "site")
    with Stack(site=site, app=app, logs=folder) as running:
        yield running


def test_the_api_is_told_who_is_signed_in(system: Stack) -> None:
    told = httpx.get(f"{system.url}/api/me", cookies={"StaticWebAppsAuthCookie": KIM.cookie}).text

    assert json.loads(base64.b64decode(told)) == KIM.principal


def test_a_link_into_the_app_opens_the_app(system: Stack) -> None:
    assert "the app" in httpx.get(f"{system.url}/projects/p-1").text
    assert httpx.get(f"{system.url}/assets/none.js").status_code == 404


def test_signing_in_by_a_button_leads_back_to_where_one_wanted_to_go(
    system: Stack, browser: Browser
) -> None:
    page = browser.new_page()
    page.goto(system.url)

    page.evaluate("location.assign('/.auth/login/aad?post_login_redirect_uri=/projects/p-1')")
    page.get_by_role("button", name="kim@example.com").click()
    page.wait_for_url("**/projects/p-1")

    me = page.evaluate("fetch('/.auth/me').then(answer => answer.json())")
    page.close()
    assert me["clientPrincipal"]["userId"] == "u-1"
