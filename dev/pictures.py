"""Make pictures of the docs anew: `python -m dev.pictures [window data exports assist]`.

The local stack with projects over composed photos and a drawn stack of 16 bits, and a browser that does what a
picture shows; each page in English, and in Korean where a guide in Korean shows it. `assist` needs the packages
of the GPU jobs, which train a model on 300 labels, and some minutes. Look at what comes out before it is
committed: `docs/images/NAME.webp`, `NAME.ko.webp`.
"""

from __future__ import annotations

import argparse
import io
import os
import sys
import tempfile
import time
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import tifffile
from numpy.typing import NDArray
from PIL import Image
from playwright.sync_api import Browser, Locator, Page, expect, sync_playwright

from dev import LOCAL, ROOT
from dev.browser import chromium_launch_options
from dev.child import Child
from dev.client import Client, Person
from dev.demo_label import label
from dev.samples import compose
from dev.site import build
from dev.stack import Stack

IMAGES = ROOT / "docs/images"
ADMIN = Person("maria", "maria@example.com", roles=("admin",))
ANN = Person("ann", "ann@example.com")
DESK = {"width": 1440, "height": 900}
LANGUAGES = ("en", "ko")
FRAMES = 12
PAGE = 9
PHOTOS, LABELED = 60, 48
ALIKE, TAUGHT = 420, 300
"""Photos of the project that a model helps with, and how many of them teach it."""
MODEL_S = 900  # until it suggests
ARRIVES_MS = 60_000
QUALITY = 82
"""Of WebP: words stay sharp."""


def scene(frame: int) -> NDArray[np.uint16]:
    """A bright spot that wanders from left to right over a dim vessel, in values of 16 bits."""
    height, width = 900, 1200
    y, x = np.mgrid[0:height, 0:width]
    spot_x = width * (0.15 + 0.7 * frame / (FRAMES - 1))
    spot = 30_000 * np.exp(-((x - spot_x) ** 2 + (y - height / 2) ** 2) / (2 * (height / 12) ** 2))
    wave = height / 2 + height / 5 * np.sin(x * 9 / width)
    vessel = 6_000 * np.exp(-((y - wave) ** 2) / (2 * (height / 60) ** 2))
    return (1_000 + x * 3.3 + spot + vessel).astype(np.uint16)


class Studio:
    """A running system, and a browser that is photographed."""

    def __init__(self, system: Stack, admin: Client, browser: Browser, folder: Path) -> None:
        self._system, self._browser = system, browser
        self.admin, self.folder = admin, folder
        self._photos = ""

    @property
    def host(self) -> str:
        return self._system.hosts[0].url

    @contextmanager
    def jobs(self) -> Generator[None]:
        """The GPU jobs, beside the system."""
        child = Child.start(
            "gpu-jobs",
            [sys.executable, "-m", "gpu_jobs", "--watch"],
            log=LOCAL / "logs/pictures-gpu-jobs.log",
            env={
                "LABELRY_STORAGE": self._system.connection_string,
                "OMP_NUM_THREADS": os.environ.get("OMP_NUM_THREADS", "1"),
            },
        )
        try:
            yield
        finally:
            child.stop(grace_s=20)

    @contextmanager
    def page(self, path: str, language: str) -> Generator[Page]:
        """A page as the admin sees it."""
        context = self._browser.new_context(
            locale=language, viewport={"width": DESK["width"], "height": DESK["height"]}
        )
        context.set_default_timeout(ARRIVES_MS)
        url = self._system.url
        cookie = {"name": "StaticWebAppsAuthCookie", "value": ADMIN.cookie, "url": url}
        context.add_cookies([cookie])  # type: ignore[list-item]
        for name, chosen in (("language", language), ("layout", PAGE)):
            context.add_init_script(f"localStorage.setItem('labelry.{name}', '{chosen}')")
        page = context.new_page()
        page.goto(url + path)
        yield page
        context.close()

    def suggests(self, project: str) -> bool:
        """Whether a model has suggested all that it can."""
        runs = self.admin.call("GET", f"/projects/{project}/runs")["items"]
        return any(run["kind"] == "inference" and run["state"] == "done" for run in runs)

    def photos(self) -> str:
        """A project of boxes that Ann has labeled the most of; its id."""
        if not self._photos:
            # What the packages ship may be shown; the stamps are GPL and stay out of the repository.
            truth = compose("boxes", PHOTOS, 14, self.folder / "photos", source="packages")
            files = {one.path: self.folder / "photos" / one.path for one in truth.scenes}
            dataset = self.admin.create_dataset("Photos", key="photos")
            self.admin.upload(dataset, files)
            name = "Things on the table"
            self._photos = self.admin.create_project(
                name, "boxes", dataset, truth.classes, key="photos"
            )
            self.admin.wait_until_running(self._photos)
            self.admin.add_member(self._photos, ANN)
            with Client(self.host, person=ANN) as ann:
                label(ann, name, truth, LABELED)
        return self._photos


def window(studio: Studio) -> None:
    """A stack of 16 bits on the drawing page, its window moved by hand, the value under the pointer."""
    file = studio.folder / "stack.tif"
    with tifffile.TiffWriter(file) as writer:
        for number in range(FRAMES):
            writer.write(scene(number), photometric="minisblack", metadata=None)
    dataset = studio.admin.create_dataset("Scans", key="scans")
    studio.admin.upload(dataset, {"stack.tif": file})
    classes = ["Nodule", "Vessel"]
    project = studio.admin.create_project("Scans", "boxes", dataset, classes, key="scans")
    studio.admin.wait_until_running(project)
    with studio.page(f"/projects/{project}/label", "en") as page:
        stage = page.get_by_role("application")
        expect(stage).to_be_focused()
        for number in range(2, 7):
            page.keyboard.press("Quote")
            expect(page.get_by_test_id("frame")).to_have_text(f"Frame {number} of {FRAMES}")
        expect(page.locator("[data-testid=picture] canvas")).to_be_visible()
        box = page.get_by_test_id("picture").bounding_box()
        assert box

        def at(x: float, y: float) -> tuple[float, float]:
            return box["x"] + x * box["width"], box["y"] + y * box["height"]

        def drag(start: tuple[float, float], end: tuple[float, float]) -> None:
            page.mouse.move(*start)
            page.mouse.down()
            page.mouse.move(*end, steps=6)
            page.mouse.up()

        page.keyboard.press("r")
        drag(at(0.36, 0.32), at(0.58, 0.68))
        page.keyboard.press("w")
        expect(page.get_by_test_id("window-drag")).to_be_visible()
        drag(at(0.6, 0.6), at(0.3, 0.53))
        page.mouse.move(*at(0.47, 0.5))
        expect(page.get_by_test_id("value")).not_to_be_empty()
        keep(page, "window")


def data(studio: Studio) -> None:
    """The Data tab over labeled photos."""
    for language in LANGUAGES:
        with studio.page(f"/projects/{studio.photos()}/data?state=labeled", language) as page:
            shown = page.locator("[role=listitem][data-item] img")
            expect(shown.nth(9)).to_be_visible()
            page.wait_for_function(
                "() => [...document.querySelectorAll('[data-item] img')].every(one => one.complete)"
            )
            keep(page, "data", language)


def exports(studio: Studio) -> None:
    """An export that is done, and the options of the next: a part of the dashboard."""
    project = f"/projects/{studio.photos()}"
    studio.admin.call("POST", f"{project}/exports", {"format": "coco", "name": "First half"})
    for language in LANGUAGES:
        with studio.page(project, language) as page:
            done = page.locator("[data-testid=export][data-state=done]")
            expect(done).to_be_visible()
            keep(page.locator("section", has=done), "exports", language)


def assist(studio: Studio) -> None:
    """A page of suggestions by a model that learned from what Ann labeled."""
    folder = studio.folder / "alike"
    truth = compose("multiclass", ALIKE, 14, folder, source="packages")
    dataset = studio.admin.create_dataset("Desk", key="desk")
    studio.admin.upload(dataset, {one.path: folder / one.path for one in truth.scenes})
    name, settings = "One thing a photo", {"on": True, "first_labels": TAUGHT}
    project = studio.admin.create_project(
        name, "multiclass", dataset, truth.classes, key="desk", assist=settings
    )
    studio.admin.wait_until_running(project, timeout_s=MODEL_S)
    studio.admin.add_member(project, ANN)
    with studio.jobs(), Client(studio.host, person=ANN) as ann:
        label(ann, name, truth, TAUGHT + PAGE)  # a photo of nothing is skipped, and teaches nothing
        until = time.monotonic() + MODEL_S
        while not studio.suggests(project):
            assert time.monotonic() < until, "nothing was suggested"
            time.sleep(2)
    for language in LANGUAGES:
        with studio.page(f"/projects/{project}/label", language) as page:
            expect(page.get_by_role("option")).to_have_count(PAGE)
            page.wait_for_function(
                "() => [...document.querySelectorAll('[role=option] img')].every(one => one.complete)"
            )
            keep(page, "assist", language)


def keep(seen: Page | Locator, name: str, language: str = "en") -> None:
    """Write what is shown as a picture of the docs."""
    page = seen if isinstance(seen, Page) else seen.page
    page.wait_for_timeout(1_500)  # all is painted, and nothing fades any more
    ending = "" if language == "en" else f".{language}"
    shot = Image.open(io.BytesIO(seen.screenshot())).convert("RGB")
    file = IMAGES / f"{name}{ending}.webp"
    shot.save(file, quality=QUALITY, method=6)
    print(file.relative_to(ROOT))


PICTURES: dict[str, Callable[[Studio], None]] = {
    "window": window,
    "data": data,
    "exports": exports,
    "assist": assist,
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Make the pictures that are named, or all."""
    parser = argparse.ArgumentParser(prog="python -m dev.pictures", description=__doc__)
    parser.add_argument("names", nargs="*", default=list(PICTURES), metavar="NAME")
    names: list[str] = parser.parse_args(arguments).names
    with (
        tempfile.TemporaryDirectory() as folder,
        Stack(site=build(), name="pictures") as system,
        Client(system.hosts[0].url, person=ADMIN) as admin,
        sync_playwright() as playwright,
    ):
        browser = playwright.chromium.launch(**chromium_launch_options())
        studio = Studio(system, admin, browser, Path(folder))
        for name in names:
            PICTURES[name](studio)
        browser.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
