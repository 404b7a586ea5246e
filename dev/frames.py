"""How smoothly the drawing editor follows the hand: `python -m dev.frames --shapes 500 2000 5000`.

Drags a point, pans and zooms with real mouse input among many polygons on a picture of 4,000 x 4,000,
drawn by the processor alone, and prints the times between frames beside those of the idle page.
Compare within one run: other work on the machine makes all of them longer.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from itertools import pairwise
from statistics import median
from typing import Any
from urllib.error import URLError
from urllib.request import urlopen

from playwright.sync_api import Page, sync_playwright
from rich.console import Console
from rich.table import Table

from dev import LOCAL
from dev.browser import chromium_launch_options
from dev.child import Child, free_port
from dev.site import WEB

SIDE = 4000
STEP_S = 1 / 60
RECORD = """() => {
  window.frames_ = [];
  const tick = (at) => { window.frames_.push(at); window.ticking = requestAnimationFrame(tick); };
  window.ticking = requestAnimationFrame(tick);
}"""
STOP = "() => { cancelAnimationFrame(window.ticking); return window.frames_; }"


def intervals(page: Page, act: Callable[[], None]) -> list[float]:
    """Milliseconds between the frames that a page shows while something is done."""
    page.evaluate(RECORD)
    act()
    times: list[float] = page.evaluate(STOP)
    return [later - earlier for earlier, later in pairwise(times)]


class Stage:
    """The page with the editor alone, and where its image lies on the screen."""

    def __init__(self, page: Page) -> None:
        self._page = page

    def at(self, x: float, y: float) -> tuple[float, float]:
        """Where a fraction of the fitted image is on the screen."""
        size = self._page.viewport_size
        assert size is not None
        across = self._page.evaluate("() => bench.view.scale") * SIDE
        return size["width"] / 2 + (x - 0.5) * across, size["height"] / 2 + (y - 0.5) * across

    def rest(self) -> None:
        """Wait until all is painted."""
        self._page.wait_for_timeout(700)

    def wander(self, x: float, y: float, *, steps: int = 60) -> None:
        """Move the mouse about a place, as fast as a hand does."""
        for step in range(steps):
            self._page.mouse.move(x + 60 * (step % 30) / 30, y + 40 * (step % 20) / 20)
            time.sleep(STEP_S)

    def idle(self) -> None:
        """Do nothing for a second."""
        time.sleep(1)

    def drag_point(self) -> None:
        """Pull the first point of a selected polygon."""
        page = self._page
        outer = page.evaluate("() => bench.shown().annotations[0].geometry.parts[0].outer")
        x, y = self.at(*outer[0])
        page.mouse.move(x, y)
        page.mouse.down()
        self.wander(x, y)
        page.mouse.up()
        change = page.evaluate("() => bench.said.at(-1)")
        if not change or change.get("what") != "points":
            raise RuntimeError(f"no point was dragged, but: {change}")

    def pan(self) -> None:
        """Drag the whole picture by the middle button."""
        x, y = self.at(0.5, 0.5)
        self._page.mouse.move(x, y)
        self._page.mouse.down(button="middle")
        self.wander(x, y)
        self._page.mouse.up(button="middle")

    def zoom(self) -> None:
        """Turn the wheel in and out."""
        self._page.mouse.move(*self.at(0.4, 0.6))
        for step in range(60):
            self._page.mouse.wheel(0, -60 if step % 40 < 20 else 60)
            time.sleep(STEP_S)


def percentile(values: Sequence[float], share: float) -> float:
    """The value that this share of all stays below."""
    return sorted(values)[min(len(values) - 1, int(share * len(values)))]


def measure(page: Page, url: str, shapes: int, points: int, table: Table) -> None:
    """Add the rows of one page to the table."""
    page.goto(f"{url}/tests/bench/index.html?n={shapes}&points={points}")
    page.wait_for_function("() => window.bench?.ready", timeout=60_000)
    stage = Stage(page)
    for name in ("idle", "drag_point", "pan", "zoom"):
        page.evaluate("() => bench.editor().fit()")
        page.evaluate("() => bench.set({ selection: ['shape-0'] })")
        stage.rest()
        times = intervals(page, getattr(stage, name))
        table.add_row(
            f"{shapes:,} x {points}",
            name.replace("_", " "),
            f"{median(times):.1f}",
            f"{percentile(times, 0.95):.1f}",
            f"{max(times):.1f}",
            str(len(times)),
        )


def main() -> None:
    """Serve the bench page, drive it, print a table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--shapes", type=int, nargs="+", default=[500, 2000, 5000])
    parser.add_argument("--points", type=int, default=20, help="points of each polygon")
    options = parser.parse_args()
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    vite = Child.start(
        "vite",
        ["npx", "vite", "--host", "127.0.0.1", "--port", str(port), "--strictPort"],
        log=LOCAL / "logs/frames-vite.log",
        cwd=WEB,
    )
    table = Table("polygons", "gesture", "p50 ms", "p95 ms", "max ms", "frames")
    try:
        vite.wait_until(lambda: _answers(url), timeout_s=60)
        launch: dict[str, Any] = chromium_launch_options()
        launch["args"] = [*launch["args"], "--disable-gpu"]
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(**launch)
            for shapes in options.shapes:
                page = browser.new_page(viewport={"width": 1440, "height": 900})
                measure(page, url, shapes, options.points, table)
                page.close()
            browser.close()
    finally:
        vite.stop()
    Console().print(table)


def _answers(url: str) -> bool:
    with suppress(URLError, OSError), urlopen(f"{url}/tests/bench/index.html", timeout=2):
        return True
    return False


if __name__ == "__main__":
    main()
