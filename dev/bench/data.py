"""How fast the Data tab shows its images, and how it keeps up with a scroll through very many.

The built app in a browser, drawn by the processor alone, with an API in memory that knows 10,000 images with
boxes on them, and thumbnails as storage gives them: JPEG, over HTTP.
"""

from __future__ import annotations

import io
import json
import time
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any
from urllib.parse import parse_qs, urlsplit

import numpy as np
from PIL import Image
from playwright.sync_api import Page, Route, sync_playwright

from dev import LOCAL
from dev.bench.measure import Measure
from dev.browser import chromium_launch_options
from dev.frames import intervals, percentile
from dev.site import with_fake_api

IMAGES = 10_000
FIRST = 60
"""So many are in sight at first, in a window that is tall enough."""
TALL = {"width": 1440, "height": 2800}
DESK = {"width": 1440, "height": 900}
TRIES = 3
PAINTED_MS = 800
FRAME_MS = 20
"""p95 of the times between frames while all images are scrolled through."""
WHEEL_PX = 400
STEP_S = 1 / 60
PROJECT = "traffic"

Json = dict[str, Any]

CLICKED = (
    "() => addEventListener('click', e => { window.clicked = e.timeStamp }, { capture: true })"
)
# Until so many thumbnails are there and have been painted: when that was, since the last click.
PAINTED = """async count => {
  const frame = () => new Promise(done => requestAnimationFrame(done));
  for (;;) {
    const shown = [...document.querySelectorAll("[role=listitem][data-item] img")];
    if (shown.length >= count && shown.every(one => one.complete && one.naturalWidth)) {
      await Promise.all(shown.map(one => one.decode()));
      await frame();
      await frame();
      return performance.now() - (window.clicked ?? 0);
    }
    await frame();
  }
}"""


def thumbnails() -> list[bytes]:
    """JPEG files of 400 x 300 pixels with some detail."""
    chance = np.random.default_rng(5)
    made: list[bytes] = []
    for _ in range(FIRST):
        coarse = Image.fromarray(chance.integers(0, 255, (24, 32, 3), np.uint8))
        file = io.BytesIO()
        coarse.resize((400, 300), Image.Resampling.BICUBIC).save(file, "JPEG", quality=80)
        made.append(file.getvalue())
    return made


@contextmanager
def storage(pictures: list[bytes]) -> Generator[str]:
    """Where any number of thumbnails are served: `/17.jpg`."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        wbufsize = -1  # head and body in one piece: else each waits for a delayed acknowledgement
        disable_nagle_algorithm = True

        def do_GET(self) -> None:
            number = int(self.path.strip("/").removesuffix(".jpg"))
            body = pictures[number % len(pictures)]
            self.send_response(200)
            self.send_header("Content-Type", "image/jpeg")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            """Nothing: there are ten thousand."""

    class Server(ThreadingHTTPServer):
        def handle_error(self, request: object, client_address: object) -> None:
            """Nothing: a browser breaks off what has scrolled out of sight."""

    server = Server(("127.0.0.1", 0), Handler)
    Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()


def line(number: int, images: str) -> Json:
    """An image as the Data tab is told of it, with two boxes on it."""
    at = (number % 7) / 20
    boxes = [
        {
            "annotation_id": f"a{one}",
            "class_id": f"c{one + 1}",
            "frame": 0,
            "geometry": {
                "kind": "box",
                "x0": at + one / 4,
                "y0": 0.2,
                "x1": at + one / 4 + 0.2,
                "y1": 0.7,
            },
            "attributes": {},
        }
        for one in range(2)
    ]
    thumbnail = f"{images}/{number}.jpg"
    return {
        "item_id": f"i{number}",
        "path": f"2024/IMG_{number:05}.jpg",
        "state": "labeled",
        "kind": "manual",
        "revision": 1,
        "width": 1600,
        "height": 1200,
        "media": "jpeg",
        "flag": "",
        "reason": "",
        "classes": ["c1", "c2"],
        "labels": boxes,
        "labelers": ["u2"],
        "changed_at": "2026-11-20T09:00:00Z",
        "images": dict.fromkeys(("full", "preview", "medium", "thumbnail"), thumbnail),
    }


def answer(route: Route, images: str) -> None:
    """A page of the list, as long as was asked for."""
    query = parse_qs(urlsplit(route.request.url).query)
    first, size = int(query.get("cursor", ["0"])[0]), int(query.get("limit", ["50"])[0])
    end = min(first + size, IMAGES)
    body = {
        "items": [line(number, images) for number in range(first, end)],
        "next_cursor": None if end == IMAGES else str(end),
    }
    route.fulfill(body=json.dumps(body), content_type="application/json")


def scroll(page: Page) -> None:
    """Turn the wheel until the last image is there."""
    last = page.locator(f"[data-item=i{IMAGES - 1}]")
    page.mouse.move(DESK["width"] / 2, DESK["height"] / 2)
    turns = 0
    while turns % 60 or not last.count():
        page.mouse.wheel(0, WHEEL_PX)
        time.sleep(STEP_S)
        turns += 1


def measures() -> Iterator[Measure]:
    """All rows."""
    launch = chromium_launch_options()
    launch["args"] = [*launch["args"], "--disable-gpu"]
    log = LOCAL / "logs/bench-pages.log"
    with (
        with_fake_api(log) as url,
        storage(thumbnails()) as images,
        sync_playwright() as playwright,
    ):
        browser = playwright.chromium.launch(**launch)

        def opened(viewport: Any, tab: str = "") -> Page:
            page = browser.new_context(locale="en-US", viewport=viewport).new_page()
            page.set_default_timeout(60_000)
            page.route("**/api/projects/*/items?*", lambda route: answer(route, images))
            page.goto(f"{url}/projects/{PROJECT}{tab}")
            return page

        tries: list[float] = []
        for _ in range(TRIES):
            page = opened(TALL)
            data = page.get_by_role("link", name="Data", exact=True)
            data.wait_for()
            page.wait_for_timeout(500)  # the dashboard is done
            page.evaluate(CLICKED)
            data.click()
            tries.append(page.evaluate(PAINTED, FIRST))
            page.context.close()
        name = f"from opening the Data tab until {FIRST} thumbnails are painted, best of {TRIES}"
        yield _row(name, min(tries), PAINTED_MS)

        page = opened(DESK, "/data")
        page.evaluate(PAINTED, 1)
        idle = percentile(intervals(page, lambda: time.sleep(1)), 0.5)
        times = intervals(page, lambda: scroll(page))
        name = f"scrolling through {IMAGES:,} images, p95 between frames, {idle:.1f} ms when idle"
        yield _row(name, percentile(times, 0.95), FRAME_MS)
        browser.close()


def _row(name: str, value: float, budget: float) -> Measure:
    return Measure(name, round(value, 1), "ms", budget, value <= budget)
