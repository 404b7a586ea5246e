"""How fast the labeling page is, in a real browser on the whole local system, with photos of 12 megapixels.

Milliseconds on a shared machine mean little by themselves: of several tries the best counts, and what the
machine takes for an idle frame stands beside them.
"""

from __future__ import annotations

import gzip
import re
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import numpy as np
from PIL import Image
from playwright.sync_api import Browser, BrowserContext, Page, Response, sync_playwright

from dev.bench.measure import Measure
from dev.browser import chromium_launch_options
from dev.client import Client, Person
from dev.cutouts import SAMPLES, only_one
from dev.samples import real_photos
from dev.site import build
from dev.stack import Stack
from functions.services import compose
from labeling.adapters.azure import connect
from labeling.settings import Settings

TRIES = 3
LAYOUTS = (4, 9)
DRAWING = 1
"""The layout of the drawing page: one image."""
PHOTOS = 45
"""The page that is shown, two ahead, and as many as are submitted, of nine each."""
DISTINCT = 15
COPIES_S = 180
SIZE = (4000, 3000)
QUALITY = 90
GRAIN = 5.0
"""Standard deviation of what is added, of 255: enlarged photos are smoother than any camera's."""

FIRST_PAGE_MS = 1_000
NEXT_PAGE_MS = 100
SCRIPT_KB = 240
"""Of 1,000 bytes, compressed."""
DRAWING_SCRIPT_KB = 310
"""With the drawing editor and the boolean operations on polygons (ADR-0008)."""
ADMIN_CHUNKS = re.compile(r"/(ProjectList|NewProject|ProjectRoute|upload)-")

ADMIN = Person("bench-admin", "admin@example.com", roles=("admin",))
CLASSES = ("cat", "dog", "bird")
_TIMEOUT_MS = 60_000

_WATCH = """
(() => {
  const shown = count => {
    const photos = [...document.querySelectorAll("[role=option] img, [role=application] img")]
      .filter(one => one.checkVisibility());
    return photos.length === count && photos.every(one => one.complete && one.naturalWidth) && photos;
  };
  const painted = () => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)));
  const names = () => [...document.querySelectorAll("[data-item]")].map(one => one.dataset.item).join();
  const frame = async ready => {
    for (;;) {
      const photos = ready();
      if (photos) {
        await Promise.all(photos.map(one => one.decode()));
        await painted();
        return performance.now();
      }
      await new Promise(done => requestAnimationFrame(done));
    }
  };
  window.bench = {
    first: count => frame(() => shown(count)),
    next: count => new Promise(done => addEventListener("keydown", async event => {
      const before = names(), start = event.timeStamp;
      done(await frame(() => names() !== before && shown(count)) - start);
    }, { capture: true, once: true })),
  };
})();
"""

_IDLE_FRAME = """async () => {
  const frame = () => new Promise(done => requestAnimationFrame(done));
  await frame();
  const start = await frame();
  for (let n = 1; n < 60; n++) await frame();
  return (await frame() - start) / 60;
}"""


def photos(folder: Path) -> list[Path]:
    """Photos of twelve megapixels with grain, as JPEG files; made once and kept in `.local/samples`."""
    kept = SAMPLES / f"large-{DISTINCT}"
    with only_one(kept.name):
        if not kept.exists():
            fresh = folder / "large"
            fresh.mkdir()
            random = np.random.default_rng(12)
            grain = random.normal(0, GRAIN, (SIZE[1], SIZE[0], 1)).astype(np.int16)
            for number, photo in enumerate(real_photos(folder / "small", DISTINCT)):
                with Image.open(photo) as small:
                    large = small.convert("RGB").resize(SIZE, Image.Resampling.BICUBIC)
                pixels = np.asarray(large) + np.roll(grain, 97 * number, (0, 1))
                image = Image.fromarray(pixels.clip(0, 255).astype(np.uint8))
                image.save(fresh / f"photo-{number:02}.jpg", quality=QUALITY)
            fresh.rename(kept)
    return sorted(kept.iterdir())


@dataclass
class Lab:
    """A project of large photos for each layout, and a browser."""

    system: Stack
    client: Client
    browser: Browser
    projects: dict[int, str] = field(default_factory=dict[int, str])

    def fill(self, folder: Path) -> None:
        """Upload photos and make the projects, by the same API as everybody."""
        large = photos(folder)
        files = {f"{n:03}.jpg": large[n % len(large)] for n in range(PHOTOS)}
        dataset = self.client.create_dataset("large photos", key="dataset")
        refused = self.client.upload(dataset, files)
        assert not refused, refused
        for layout in (*LAYOUTS, DRAWING):
            name = f"Pages of {layout}"
            key = f"project-{layout}"
            kind = "boxes" if layout == DRAWING else "multiclass"
            made = self.client.create_project(name, kind, dataset, CLASSES, key=key)
            self.client.wait_until_running(made)
            self._wait_for_copies(made)
            self.projects[layout] = made

    def _wait_for_copies(self, project_id: str) -> None:
        """Labelers are ahead of the smaller copies for the first minutes only: not what is measured."""
        services = compose(connect(self.system.connection_string), Settings())
        project = services.projects.find(project_id)
        assert project
        items = services.projects.items(project)
        end = time.monotonic() + COPIES_S
        while not all(
            row.item.renditions for shard in range(items.shards) for row in items.all_rows(shard)
        ):
            assert time.monotonic() < end, "the smaller copies were not made in time"
            time.sleep(1)

    def address(self, layout: int) -> str:
        """The labeling route of a layout's project."""
        return f"{self.system.url}/projects/{self.projects[layout]}/label"

    def visit(self, layout: int) -> BrowserContext:
        """A browser that was never here, with somebody signed in."""
        context = self.browser.new_context(
            locale="en-US", viewport={"width": 1440, "height": 900}, device_scale_factor=1
        )
        context.set_default_timeout(_TIMEOUT_MS)
        context.add_cookies(
            [{"name": "StaticWebAppsAuthCookie", "value": ADMIN.cookie, "url": self.system.url}]
        )
        context.add_init_script(f"localStorage.setItem('labelry.layout', '{layout}');{_WATCH}")
        return context

    def release(self, layout: int) -> None:
        """Give back what a browser left open."""
        tasks = f"/projects/{self.projects[layout]}/tasks"
        for task in self.client.call("GET", tasks, query={"mine": "true", "state": "open"})[
            "items"
        ]:
            self.client.call("POST", f"{tasks}/{task['task_id']}/release", {})


def first_page(lab: Lab, layout: int) -> float:
    """Milliseconds from opening the labeling route until its images are painted."""
    with lab.visit(layout) as context:
        page = context.new_page()
        page.goto(lab.address(layout), wait_until="commit")
        took = page.evaluate("count => bench.first(count)", layout)
    lab.release(layout)
    return float(took)


def next_pages(lab: Lab, layout: int) -> list[float]:
    """Milliseconds from submitting until the images of the next page are painted, page after page."""
    found: list[float] = []
    with lab.visit(layout) as context:
        page = context.new_page()
        page.goto(lab.address(layout))
        page.evaluate("count => bench.first(count)", layout)
        for _ in range(TRIES):
            _settle(page)
            for _ in range(layout):
                page.keyboard.press("n" if layout == DRAWING else "1")
            page.evaluate("count => { window.took = bench.next(count) }", layout)
            page.keyboard.press("Enter")
            found.append(float(page.evaluate("() => window.took")))
        _settle(page)  # what was submitted arrives
    lab.release(layout)
    return found


def _settle(page: Page) -> None:
    """Wait until the next page has come: a labeler takes longer than that for a decision."""
    page.wait_for_load_state("networkidle")
    page.wait_for_timeout(1_000)


def scripts(lab: Lab, layout: int) -> dict[str, int]:
    """Compressed bytes of every script that the labeling route loads, by path."""
    sizes: dict[str, int] = {}

    def note(response: Response) -> None:
        path = urlsplit(response.url).path
        if path.endswith(".js"):
            sizes[path] = len(gzip.compress(response.body(), 9))

    with lab.visit(layout) as context:
        page = context.new_page()
        page.on("response", note)
        page.goto(lab.address(layout))
        page.evaluate("count => bench.first(count)", layout)
        _settle(page)
    lab.release(layout)
    return sizes


def measures() -> Iterator[Measure]:
    """All rows."""
    with ExitStack() as ending:
        folder = Path(ending.enter_context(tempfile.TemporaryDirectory()))
        system = ending.enter_context(Stack(site=build(), data=folder / "data", name="bench"))
        client = ending.enter_context(Client(system.hosts[0].url, person=ADMIN))
        playwright = ending.enter_context(sync_playwright())
        browser = playwright.chromium.launch(**chromium_launch_options())
        ending.callback(browser.close)
        lab = Lab(system, client, browser)
        lab.fill(folder)
        idle = float(browser.new_page().evaluate(_IDLE_FRAME))
        beside = f"best of {TRIES}; an idle frame takes {idle:.1f} ms"
        pages = {**{layout: f"page of {layout}" for layout in LAYOUTS}, DRAWING: "image to draw on"}
        for layout, what in pages.items():
            best = min(first_page(lab, layout) for _ in range(TRIES))
            yield _row(f"first {what}, {beside}", best, FIRST_PAGE_MS)
        for layout, what in pages.items():
            best = min(next_pages(lab, layout))
            yield _row(f"next {what}, {beside}", best, NEXT_PAGE_MS)
        loaded = scripts(lab, LAYOUTS[0])
        total = sum(loaded.values()) / 1_000
        yield _row("scripts of the labeling route, gzip", total, SCRIPT_KB, unit="kB")
        drawing = sum(scripts(lab, DRAWING).values()) / 1_000
        yield _row("scripts of the drawing route, gzip", drawing, DRAWING_SCRIPT_KB, unit="kB")
        admin = sorted(path for path in loaded if ADMIN_CHUNKS.search(path))
        yield _row("chunks of the admin's pages among them", len(admin), 0, unit="files")


def _row(name: str, value: float, budget: float, unit: str = "ms") -> Measure:
    return Measure(name, round(value, 1), unit, budget, value <= budget)
