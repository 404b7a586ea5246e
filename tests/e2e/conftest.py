"""The built web app with an API in memory, and one browser, for tests of what people see."""

from __future__ import annotations

import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page

from dev.site import WEB, with_fake_api

SHOWN_WITHIN_MS = 20_000

Open = Callable[..., Page]


@pytest.fixture(scope="session")
def pages_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Where the built web app is served, with the API of `static_web/tests/fakeApi.ts`."""
    with with_fake_api(tmp_path_factory.mktemp("logs") / "pages.log") as url:
        yield url


@pytest.fixture
def open_page(browser: Browser, pages_url: str) -> Iterator[Open]:
    """Opens a path of the web app in a context of its own: as a person who comes back.

    `open_page(path, language="ko", layout=9, **context)`; `context` is what Playwright's `new_context`
    takes. Instructions count as read unless `instructions=True`.
    """
    contexts: list[Any] = []

    def open_at(
        path: str,
        *,
        language: str = "en",
        layout: int = 4,
        instructions: bool = False,
        **options: Any,
    ) -> Page:
        urllib.request.urlopen(f"{pages_url}/fake-begin", timeout=10).close()
        options.setdefault("viewport", {"width": 1440, "height": 900})
        context = browser.new_context(locale=language, **options)
        contexts.append(context)
        context.add_init_script(
            f"localStorage.setItem('labelry.language', '{language}');"
            f"localStorage.setItem('labelry.layout', '{layout}');"
            + (
                ""
                if instructions
                else "for (const id of ['rooms', 'street', 'small', 'traffic', 'leaves'])"
                " localStorage.setItem(`labelry.instructions.${id}`, '1');"
            )
        )
        page = context.new_page()
        page.set_default_timeout(SHOWN_WITHIN_MS)
        page.goto(pages_url + path)
        return page

    yield open_at
    for context in contexts:
        context.close()


@pytest.fixture(scope="session")
def axe() -> str:
    """The source of axe-core, which is evaluated in a page."""
    return Path(WEB / "node_modules/axe-core/axe.min.js").read_text("utf-8")
