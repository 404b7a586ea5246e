"""The web app as the front door of one machine serves it: built, and with a sign-in page.

`python -m dev.site` builds it where that is due, so that tests that run side by side find it built.

The Static Web Apps CLI has a sign-in form of its own, which needs scripts from the internet. Ours
(`dev/signin`) is added to a copy of the build, so that no production build can ever contain it.
"""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Generator, Iterable, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from dev import LOCAL, ROOT
from dev.child import Child, StartFailed, free_port
from dev.client import Person

WEB = ROOT / "static_web"
_SIGN_IN = ROOT / "dev/signin"
_SOURCES = ("src", "public", "index.html", "package-lock.json", "vite.config.ts", "tsconfig.json")
_CONFIG = "staticwebapp.config.json"


_UP_WITHIN_S = 60


@contextmanager
def with_fake_api(log: Path) -> Generator[str]:
    """Where the built web app is served, with the API in memory of `static_web/tests/fakeApi.ts`.

    Raises:
        StartFailed: it could not be built, or did not come up; `log` says why.
    """
    build()
    url = f"http://127.0.0.1:{(port := free_port())}"
    vite = WEB / "node_modules/vite/bin/vite.js"
    options = ["--mode", "fake", "--host", "127.0.0.1", "--port", str(port), "--strictPort"]
    node = shutil.which("node") or "node"
    server = Child.start("pages", [node, vite, "preview", *options], log=log, cwd=WEB)
    try:
        server.wait_until(lambda: _answers(url), timeout_s=_UP_WITHIN_S)
        yield url
    finally:
        server.stop()


def _answers(url: str) -> bool:
    try:
        return httpx.get(url, timeout=5).is_success
    except httpx.TransportError:
        return False


@dataclass(frozen=True)
class Choice:
    """One button of the sign-in page."""

    person: Person
    ko: str
    """What this person does, in Korean."""
    en: str


def build() -> Path:
    """Build the web app when its sources are newer than the last build; the folder of the build.

    Its types are judged by `make check`, which takes as long again as the build.

    Raises:
        StartFailed: the build failed; Vite has said why.
    """
    built = WEB / "dist/index.html"
    if not built.exists() or built.stat().st_mtime < _newest(WEB / name for name in _SOURCES):
        print("building the web app", flush=True)
        vite = [shutil.which("npx") or "npx", "--no-install", "vite", "build"]
        if subprocess.run([*vite, "--logLevel", "warn"], cwd=WEB, check=False).returncode:
            raise StartFailed("the web app could not be built; see above")
    return built.parent


def with_sign_in(
    build: Path,
    choices: Sequence[Choice],
    *,
    folder: Path = LOCAL / "site",
) -> Path:
    """A copy of the build with `/dev-signin.html`, where anybody may become one of `choices`.

    Args:
        build: what Vite made.
        choices: the buttons, from the top.
        folder: where the copy goes; what is there is replaced.
    """
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(build, folder)
    shutil.copy(_SIGN_IN / "index.html", folder / "dev-signin.html")
    shutil.copy(_SIGN_IN / "signin.css", folder / "dev-signin.css")
    shutil.copy(_SIGN_IN / "signin.js", folder / "dev-signin.js")
    shutil.copy(_SIGN_IN / "redirect.js", folder / "dev-signin-redirect.js")
    page = folder / "index.html"
    script = '<script src="/dev-signin-redirect.js"></script>'
    page.write_text(page.read_text("utf-8").replace("</head>", f"{script}</head>", 1), "utf-8")
    people = [
        {"principal": c.person.principal, "cookie": c.person.cookie, "ko": c.ko, "en": c.en}
        for c in choices
    ]
    (folder / "dev-signin.json").write_text(json.dumps(people, ensure_ascii=False), "utf-8")
    config = folder / _CONFIG
    known: dict[str, Any] = json.loads(config.read_text("utf-8")) if config.exists() else {}
    sign_in = {"route": "/dev-signin.*", "allowedRoles": ["anonymous", "authenticated"]}
    known["routes"] = [sign_in, *known.get("routes", [])]
    config.write_text(json.dumps(known, indent=2), "utf-8")
    return folder


def config_for_one_machine(site: Path, folder: Path) -> Path:
    """The site's configuration with local storage allowed to its pages, in a folder of its own.

    Args:
        site: what is served; a configuration in it is that of production.
        folder: where the other one goes; it is made.
    """
    file = site / _CONFIG
    config: dict[str, Any] = json.loads(file.read_text("utf-8")) if file.exists() else {}
    own = [route.get("headers", {}) for route in config.get("routes", [])]
    for headers in (config.get("globalHeaders", {}), *own):
        for name in headers:
            if name.lower() == "content-security-policy":
                headers[name] = _allowing(headers[name], "http://127.0.0.1:* http://localhost:*")
    folder.mkdir(parents=True, exist_ok=True)
    (folder / _CONFIG).write_text(json.dumps(config, indent=2), "utf-8")
    return folder


def _allowing(policy: str, origins: str) -> str:
    """The content security policy with more origins for images and requests."""
    directives = [directive.strip() for directive in policy.split(";") if directive.strip()]
    return "; ".join(
        f"{directive} {origins}"
        if directive.split()[0] in ("img-src", "connect-src", "media-src")
        else directive
        for directive in directives
    )


def _newest(places: Iterable[Path]) -> float:
    """When the last of these files, or of the files in these folders, was changed."""
    files = (file for place in places for file in (place, *place.rglob("*")) if file.exists())
    return max((file.stat().st_mtime for file in files), default=0)


if __name__ == "__main__":
    build()
