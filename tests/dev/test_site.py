from __future__ import annotations

import base64
import json
from pathlib import Path

import pytest

from dev.client import Person
from dev.site import WEB, Choice, config_for_one_machine, with_sign_in

KIM = Choice(Person("u-1", "김@example.com", roles=("admin",)), "관리자", "admin")


@pytest.fixture
def build(tmp_path: Path) -> Path:
    folder = tmp_path / "dist"
    folder.mkdir()
    (folder / "index.html").write_text("<head><title>Labelry</title></head>")
    config = {
        "routes": [
            {"route": "/w/*", "headers": {"Content-Security-Policy": "connect-src 'self'"}},
            {"route": "/*", "allowedRoles": ["authenticated"]},
        ],
        "globalHeaders": {"Content-Security-Policy": "default-src 'self'; img-src 'self' blob:"},
    }
    (folder / "staticwebapp.config.json").write_text(json.dumps(config))
    return folder


def test_the_build_itself_stays_as_it_was(build: Path, tmp_path: Path) -> None:
    before = {file.name: file.read_bytes() for file in build.iterdir()}

    with_sign_in(build, [KIM], folder=tmp_path / "site")

    assert {file.name: file.read_bytes() for file in build.iterdir()} == before
    assert (tmp_path / "site/dev-signin.html").exists()


def test_a_button_signs_in_as_its_person(build: Path, tmp_path: Path) -> None:
    site = with_sign_in(build, [KIM], folder=tmp_path / "site")

    button = json.loads((site / "dev-signin.json").read_text("utf-8"))[0]
    assert json.loads(base64.b64decode(button["cookie"])) == {
        "identityProvider": "aad",
        "userId": "u-1",
        "userDetails": "김@example.com",
        "userRoles": ["anonymous", "authenticated", "admin"],
        "claims": [],
    }


def test_the_sign_in_page_is_open(build: Path, tmp_path: Path) -> None:
    site = with_sign_in(build, [KIM], folder=tmp_path / "site")

    config = json.loads((site / "staticwebapp.config.json").read_text())
    assert config["routes"][0]["route"] == "/dev-signin.*"
    assert "anonymous" in config["routes"][0]["allowedRoles"]


def test_pages_reach_storage_on_this_machine_and_only_here(build: Path, tmp_path: Path) -> None:
    folder = config_for_one_machine(build, tmp_path / "config")

    for_local, for_production = (
        json.loads((path / "staticwebapp.config.json").read_text("utf-8"))
        for path in (folder, build)
    )
    local, production = for_local["globalHeaders"], for_production["globalHeaders"]
    assert for_local["routes"][0]["headers"]["Content-Security-Policy"] == (
        "connect-src 'self' http://127.0.0.1:* http://localhost:*"
    )
    assert local["Content-Security-Policy"] == (
        "default-src 'self'; img-src 'self' blob: http://127.0.0.1:* http://localhost:*"
    )
    assert production["Content-Security-Policy"] == "default-src 'self'; img-src 'self' blob:"


def test_no_production_build_can_sign_anybody_in() -> None:
    folders = [WEB / name for name in ("src", "public", "dist") if (WEB / name).exists()]
    files = [file for folder in folders for file in folder.rglob("*.*") if file.is_file()]

    assert not [file for file in files if file.name.startswith("dev-signin")]
    assert not [file for file in files if b"StaticWebAppsAuthCookie" in file.read_bytes()]
