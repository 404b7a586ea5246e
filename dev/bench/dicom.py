"""How soon a DICOM image is there, and how its window follows the hand: 512 x 512 pixels of 16 bits.

The whole local system, and the built app in a browser without a graphics card. Times between frames mean
something beside those of the idle page, of the same run only.
"""

from __future__ import annotations

import io
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from statistics import median

import numpy as np
from playwright.sync_api import Page, sync_playwright
from pydicom import Dataset, FileMetaDataset, dcmwrite
from pydicom.uid import UID, ExplicitVRLittleEndian

from dev import LOCAL
from dev.bench.measure import Measure
from dev.browser import chromium_launch_options
from dev.client import Client, Person
from dev.frames import intervals, percentile
from dev.site import build
from dev.stack import Stack

SIDE = 512
IMAGES = 12
FIRST_PAINT_MS = 300
FRAME_MS = 1000 / 60
PAINTED = 0.9
"""Of the moves of the mouse that came in frames of their own, so many at least are painted."""
MOVES = 120
ADMIN = Person("admin", "admin@example.com", roles=("admin",))

COUNT_PAINTED = """
  const Before = Worker;
  window.painted = 0;
  window.Worker = class extends Before {
    constructor(...all) {
      super(...all);
      this.addEventListener("message", ({ data }) => { if (data.type === "shown") window.painted++; });
    }
  };
"""
# From the keys that submit until another image can be painted: its copy, or its values.
UNTIL_SHOWN = """() => new Promise((done) => {
  const stage = document.querySelector("[data-item]");
  const before = stage.dataset.item;
  const began = performance.now();
  const look = () => {
    const now = document.querySelector("[data-item]");
    const shown = [...document.querySelectorAll("[data-testid=picture] > *")]
      .some((one) => one.matches("canvas") || one.naturalWidth > 0);
    if (now && now.dataset.item !== before && shown) done(performance.now() - began);
    else requestAnimationFrame(look);
  };
  const keys = { code: "Enter", key: "Enter", ctrlKey: true, bubbles: true };
  document.activeElement.dispatchEvent(new KeyboardEvent("keydown", keys));
  requestAnimationFrame(look);
})"""


def scan(number: int) -> bytes:
    """A DICOM file like a slice of a tomogram, with grain."""
    y, x = np.mgrid[0:SIDE, 0:SIDE]
    body = 1000 * (((x - 256) ** 2 + (y - 256) ** 2) < (180 + number) ** 2)
    grain = np.random.default_rng(number).normal(0, 40, (SIDE, SIDE))
    pixels = (body - 1000 + grain + 200 * np.sin(x / 30)).astype("<i2")
    dataset = Dataset()
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset.file_meta.MediaStorageSOPClassUID = UID("1.2.840.10008.5.1.4.1.1.2")
    dataset.file_meta.MediaStorageSOPInstanceUID = UID(f"1.2.3.{number + 1}")
    dataset.Rows = dataset.Columns = SIDE
    dataset.SamplesPerPixel, dataset.PhotometricInterpretation = 1, "MONOCHROME2"
    dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit = 16, 16, 15
    dataset.PixelRepresentation = 1
    dataset.Modality, dataset.RescaleSlope, dataset.RescaleIntercept = "CT", 1, 0
    dataset.WindowCenter, dataset.WindowWidth = 40, 400
    dataset.PixelData = pixels.tobytes()
    dataset["PixelData"].VR = "OW"
    file = io.BytesIO()
    dcmwrite(file, dataset, enforce_file_format=True)
    return file.getvalue()


def measures() -> Iterator[Measure]:
    """All rows."""
    launch = chromium_launch_options()
    launch["args"] = [*launch["args"], "--disable-gpu"]
    with (
        tempfile.TemporaryDirectory() as folder,
        Stack(site=build(), logs=LOCAL / "logs", name="bench-dicom") as system,
        Client(system.hosts[0].url, person=ADMIN) as admin,
        sync_playwright() as playwright,
    ):
        files = {f"scan-{number}.dcm": Path(folder, f"{number}") for number in range(IMAGES)}
        for number, file in enumerate(files.values()):
            file.write_bytes(scan(number))
        dataset = admin.create_dataset("scans", key="scans")
        admin.upload(dataset, files)
        project = admin.create_project("scans", "boxes", dataset, ["Nodule"], key="scans")
        admin.wait_until_running(project)
        _wait_for_copies(admin, project)
        browser = playwright.chromium.launch(**launch)
        context = browser.new_context(locale="en-US", viewport={"width": 1440, "height": 900})
        context.set_default_timeout(60_000)
        context.add_cookies(
            [{"name": "StaticWebAppsAuthCookie", "value": ADMIN.cookie, "url": system.url}]
        )
        context.add_init_script(COUNT_PAINTED)
        page = context.new_page()
        page.goto(f"{system.url}/projects/{project}/label")
        page.locator("[data-testid=picture] canvas").wait_for()
        yield from _window(page)
        yield _first_paint(page)
        browser.close()


def _wait_for_copies(admin: Client, project: str) -> None:
    end = time.monotonic() + 120
    while not all(
        item["images"]["full"] for item in admin.call("GET", f"/projects/{project}/items")["items"]
    ):
        if time.monotonic() > end:
            raise TimeoutError("the first frames were not made")
        time.sleep(0.5)


def _window(page: Page) -> Iterator[Measure]:
    box = page.get_by_test_id("picture").bounding_box()
    assert box
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    idle = median(intervals(page, lambda: time.sleep(1)))
    page.keyboard.press("w")
    page.mouse.move(x, y)
    page.mouse.down()
    page.evaluate("window.painted = 0")

    def drag() -> None:
        for step in range(MOVES):
            page.mouse.move(x + 2 * step, y + step)
            time.sleep(1 / 60)

    times = intervals(page, drag)
    page.wait_for_timeout(200)
    painted = page.evaluate("window.painted") / min(MOVES, len(times))
    page.mouse.up()
    page.keyboard.press("Escape")
    between = percentile(times, 0.5)
    budget = max(FRAME_MS, idle) + 1
    yield Measure(
        f"window drag: median between frames, {idle:.1f} ms when idle",
        *(round(between, 1), "ms", round(budget, 1), between <= budget),
    )
    yield Measure(
        "window drag: pictures painted for each frame with a move",
        *(round(painted, 2), "", PAINTED, painted >= PAINTED),
    )


def _first_paint(page: Page) -> Measure:
    times: list[float] = []
    for _ in range(IMAGES - 2):
        page.locator("[data-testid=picture] canvas").wait_for()
        page.wait_for_timeout(1000)  # as one who looks; what comes next is fetched meanwhile
        page.keyboard.press("n")
        times.append(page.evaluate(UNTIL_SHOWN))
    value = median(times)
    return Measure(
        "DICOM of 512 x 512 x 16: submitting until the next one is shown",
        *(round(value, 1), "ms", FIRST_PAINT_MS, value <= FIRST_PAINT_MS),
    )
