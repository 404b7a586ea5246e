"""How the drawing page keeps up with the hand among very many polygons: list, session and journal included.

The built app with its API in memory, a photo of 4,000 x 4,000 and real mouse input, drawn by the processor
alone. Times between frames mean something beside those of the idle page, of the same run only.
`dev/frames.py` measures the editor without the page around it.
"""

from __future__ import annotations

import io
import json
import math
import random
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from statistics import median
from typing import Any

import numpy as np
from PIL import Image
from playwright.sync_api import FloatRect, Page, Route, sync_playwright

from dev import LOCAL
from dev.bench.measure import Measure
from dev.browser import chromium_launch_options
from dev.frames import intervals, percentile
from dev.site import with_fake_api

SIDE = 4000
POINT_MS, VIEW_MS = 20, 33
"""p95 of the times between frames while a point is dragged, and while the view moves."""
USABLE_MS = 50
"""The same for more shapes than anybody should have to look at."""
LOADS_MS = 5_000
STEP_S = 1 / 60
STAGE = "[role=application]"
_MARGIN_PX = 16  # around a fitted image: annotate/viewport.ts

Json = dict[str, Any]


@dataclass(frozen=True)
class Crowd:
    """Polygons on one image."""

    shapes: int
    points: int
    point_ms: float
    view_ms: float

    @property
    def name(self) -> str:
        return f"{self.shapes:,} polygons of {self.points:,} points"

    def annotations(self) -> list[Json]:
        """Blobs all over the image, the same in every run."""
        chance = random.Random(7)
        radius = min(0.04, 0.8 / math.sqrt(self.shapes))
        # Outlines of very many points are smooth, as those are that people or models draw.
        roughness = 0.5 * math.sqrt(20 / max(20, self.points))
        return [self._blob(number, chance, radius, roughness) for number in range(self.shapes)]

    def _blob(self, number: int, chance: random.Random, radius: float, roughness: float) -> Json:
        x, y = (chance.uniform(radius, 1 - radius) for _ in range(2))
        outer: list[list[float]] = []
        for step in range(self.points):
            angle, far = (
                2 * math.pi * step / self.points,
                radius * (1 - roughness * chance.random()),
            )
            outer.append([x + far * math.cos(angle), y + far * math.sin(angle)])
        return {
            "annotation_id": f"p{number}",
            "class_id": f"c{number % 2 + 1}",
            "frame": 0,
            "confidence": 0.9,
            "geometry": {"kind": "polygon", "parts": [{"outer": outer, "holes": []}]},
        }


CROWDS = (
    Crowd(200, 40, POINT_MS, POINT_MS),
    Crowd(500, 20, POINT_MS, VIEW_MS),
    Crowd(2_000, 20, POINT_MS, VIEW_MS),
    Crowd(5_000, 20, USABLE_MS, USABLE_MS),
    Crowd(20, 5_000, USABLE_MS, USABLE_MS),
)


def photo() -> bytes:
    """A JPEG of 16 megapixels with grain."""
    chance = np.random.default_rng(3)
    coarse = chance.integers(40, 200, (40, 40, 3), np.uint8)
    smooth = Image.fromarray(coarse).resize((SIDE, SIDE), Image.Resampling.BICUBIC)
    grain = chance.normal(0, 5, (SIDE, SIDE, 1)).astype(np.int16)
    pixels = (np.asarray(smooth) + grain).clip(0, 255).astype(np.uint8)
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "JPEG", quality=90)
    return file.getvalue()


class Canvas:
    """The drawing page with a crowd on its image."""

    def __init__(self, page: Page, url: str, crowd: Crowd, picture: bytes) -> None:
        self._page = page
        self._crowd = crowd
        self._annotations = crowd.annotations()
        page.route("**/fake-image*", lambda route: route.fulfill(body=picture))
        page.route("**/api/projects/leaves/tasks*", self._with_crowd)
        page.request.get(f"{url}/fake-begin")
        start = time.monotonic()
        page.goto(f"{url}/projects/leaves/label")
        page.locator("[data-shape]").first.wait_for()
        page.wait_for_function(
            f"document.querySelector('{STAGE} img')?.complete && !document.querySelector('[data-unseen]')"
        )
        self.loaded_ms = 1000 * (time.monotonic() - start)
        box = page.locator(STAGE).bounding_box()
        assert box
        self._stage: FloatRect = box
        page.keyboard.press("m")

    def _with_crowd(self, route: Route) -> None:
        answer = route.fetch()
        body: Json = answer.json()
        tasks: list[Json] = [body["task"]] if body.get("task") else []
        for item in (item for task in tasks for item in task["items"]):
            item["width"] = item["height"] = SIDE
            item["prelabel"] = {"run_id": "crowd", "annotations": self._annotations}
        route.fulfill(response=answer, body=json.dumps(body))

    def measure(self, gesture: Callable[[Canvas], None]) -> list[float]:
        """Milliseconds between the frames of a gesture, with the first polygon in hand."""
        page = self._page
        page.keyboard.press("f")
        page.keyboard.press("Escape")
        page.locator(STAGE).focus()
        page.keyboard.press("Tab")
        page.wait_for_timeout(800)
        return intervals(page, lambda: gesture(self))

    def idle(self) -> None:
        """Do nothing for a second."""
        time.sleep(1)

    def drag_a_point(self) -> None:
        """Pull the first point of the selected polygon."""
        fx, fy = self._annotations[0]["geometry"]["parts"][0]["outer"][0]
        x, y, width, height = (self._stage[side] for side in ("x", "y", "width", "height"))
        across = min(width, height) - 2 * _MARGIN_PX
        at = x + width / 2 + (fx - 0.5) * across, y + height / 2 + (fy - 0.5) * across
        self._page.mouse.move(*at)
        self._page.mouse.down()
        self._wander(*at)
        self._page.mouse.up()

    def pan(self) -> None:
        """Drag the whole image by the middle button."""
        at = self._middle()
        self._page.mouse.move(*at)
        self._page.mouse.down(button="middle")
        self._wander(*at)
        self._page.mouse.up(button="middle")

    def zoom(self) -> None:
        """Turn the wheel in and out."""
        self._page.mouse.move(*self._middle())
        for step in range(60):
            self._page.mouse.wheel(0, -60 if step % 40 < 20 else 60)
            time.sleep(STEP_S)

    def is_changed(self) -> bool:
        """Whether the first polygon is no longer what was suggested."""
        return "suggested" not in self._page.get_by_test_id("status").inner_text()

    def _middle(self) -> tuple[float, float]:
        x, y, width, height = (self._stage[side] for side in ("x", "y", "width", "height"))
        return x + width / 2, y + height / 2

    def _wander(self, x: float, y: float) -> None:
        for step in range(60):
            self._page.mouse.move(x + 60 * (step % 30) / 30, y + 40 * (step % 20) / 20)
            time.sleep(STEP_S)


def measures() -> Iterator[Measure]:
    """All rows."""
    picture = photo()
    launch = chromium_launch_options()
    launch["args"] = [*launch["args"], "--disable-gpu"]
    with with_fake_api(LOCAL / "logs/bench-pages.log") as url, sync_playwright() as playwright:
        browser = playwright.chromium.launch(**launch)
        for crowd in CROWDS:
            context = browser.new_context(
                locale="en-US", viewport={"width": 1440, "height": 900}, device_scale_factor=1
            )
            context.set_default_timeout(60_000)
            context.add_init_script("localStorage.setItem('labelry.instructions.leaves', '1')")
            canvas = Canvas(context.new_page(), url, crowd, picture)
            yield _row(f"{crowd.name}: until the image is shown", canvas.loaded_ms, LOADS_MS)
            idle = median(canvas.measure(Canvas.idle))
            beside = f"p95 between frames, {idle:.1f} ms when idle"
            pan, zoom = canvas.measure(Canvas.pan), canvas.measure(Canvas.zoom)
            drag = canvas.measure(Canvas.drag_a_point)
            assert canvas.is_changed(), "no point was dragged"
            for what, times, budget in (
                ("dragging a point", drag, crowd.point_ms),
                ("panning", pan, crowd.view_ms),
                ("zooming", zoom, crowd.view_ms),
            ):
                yield _row(f"{crowd.name}: {what}, {beside}", percentile(times, 0.95), budget)
            context.close()
        browser.close()


def _row(name: str, value: float, budget: float) -> Measure:
    return Measure(name, round(value, 1), "ms", budget, value <= budget)
