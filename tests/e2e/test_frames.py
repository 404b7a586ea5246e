"""TIFF and DICOM files on the drawing page: window, frames and shapes by hand, and what is exported of it.

Also keeps the pictures that people look at: in both languages, on a desk and on a phone.
"""

from __future__ import annotations

import io
import re
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pydicom.data
import pytest
import tifffile
from numpy.typing import NDArray
from PIL import Image
from playwright.sync_api import Browser, Locator, Page, Route, expect
from playwright.sync_api import Error as BrowserError

from dev.client import Client, Person
from dev.site import build
from dev.stack import Stack
from labeling.annotations.shapes import TaskType
from tests.e2e.test_pages_fit import (
    CLIPPED,
    COLLIDING,
    DESK,
    PHONE,
    SCROLLS,
    TOUCH,
    picture,
)
from tests.labeling.media.test_dicom import dicom

INVERT = {"en": "Invert", "ko": "반전"}

ADMIN = Person("admin", "admin@example.com", roles=("admin",))
ARRIVES_MS = 30_000
PROMPT = {"AzureFunctionsJobHost__extensions__queues__maxPollingInterval": "00:00:00.200"}
SAMPLES = Path(pydicom.data.__file__).parent / "test_files"
SHOWN = [  # of pydicom's own files, one of each kind
    "CT_small.dcm",
    "MR_small_bigendian.dcm",
    "examples_overlay.dcm",
    "693_J2KI.dcm",
    "examples_palette.dcm",
    "image_dfl.dcm",
    "rtdose_rle.dcm",
    "examples_ybr_color.dcm",
]
FRAMES = 200


def scene(frame: int, frames: int, height: int, width: int) -> NDArray[np.uint16]:
    """A bright spot that wanders from left to right over a dim vessel, in values of 16 bits."""
    y, x = np.mgrid[0:height, 0:width]
    spot_x = width * (0.15 + 0.7 * frame / (frames - 1))
    spot = 30_000 * np.exp(-((x - spot_x) ** 2 + (y - height / 2) ** 2) / (2 * (height / 12) ** 2))
    wave = height / 2 + height / 5 * np.sin(x * 9 / width)
    vessel = 6_000 * np.exp(-((y - wave) ** 2) / (2 * (height / 60) ** 2))
    return (1_000 + x * 10 + spot + vessel).astype(np.uint16)


STACK = [scene(page, 12, 300, 400) for page in range(12)]


@pytest.fixture(scope="module")
def system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    logs = tmp_path_factory.mktemp("logs")
    with Stack(site=build(), logs=logs, name="frames", settings=PROMPT) as running:
        yield running


@pytest.fixture(scope="module")
def admin(system: Stack) -> Iterator[Client]:
    with Client(system.hosts[0].url, person=ADMIN) as client:
        yield client


Make = Callable[[str, TaskType, dict[str, Path]], str]


@pytest.fixture(scope="module")
def make(admin: Client) -> Make:
    """A project over some files."""

    def make(name: str, kind: TaskType, files: dict[str, Path]) -> str:
        dataset = admin.create_dataset(name, key=name)
        assert not admin.upload(dataset, files)
        project = admin.create_project(name, kind, dataset, ["Nodule", "Vessel"], key=name)
        admin.wait_until_running(project)
        return project

    return make


@dataclass
class Viewer:
    """The drawing page over a TIFF or DICOM file, and the hands of who looks at it."""

    page: Page

    @property
    def stage(self) -> Locator:
        return self.page.get_by_role("application")

    @property
    def window(self) -> str:
        """The window as the page words it."""
        return self.page.get_by_test_id("window").locator("option:checked").inner_text()

    @property
    def frame(self) -> int:
        """The number of the frame, from 1."""
        return int(self.page.get_by_test_id("frame").inner_text().split()[1])

    def wait_for_frame(self, number: int, of: int) -> None:
        """Until the values of this frame are painted."""
        expect(self.page.get_by_test_id("frame")).to_have_text(f"Frame {number} of {of}")
        self.page.wait_for_function(IS_PAINTED)

    def place(self, x: float, y: float) -> tuple[float, float]:
        """Where a fraction of the fitted image lies on the screen."""
        box = self.page.get_by_test_id("picture").bounding_box()
        assert box
        return box["x"] + x * box["width"], box["y"] + y * box["height"]

    def light(self, x: float, y: float) -> int:
        """How bright a place of the image is on the screen, 0 to 255."""
        at_x, at_y = self.place(x, y)
        self.page.mouse.move(2, 2)
        self.page.evaluate(
            "() => new Promise(d => requestAnimationFrame(() => requestAnimationFrame(d)))"
        )
        shot = self.page.screenshot(clip={"x": at_x, "y": at_y, "width": 1, "height": 1})
        return int(np.asarray(Image.open(io.BytesIO(shot)).convert("L"))[0, 0])

    def wait_for_light(self, x: float, y: float, wanted: Callable[[int], bool]) -> None:
        end = time.monotonic() + 10
        while not wanted(seen := self.light(x, y)):
            assert time.monotonic() < end, f"its light stays at {seen}"

    def drag(self, start: Sequence[float], end: Sequence[float]) -> None:
        self.page.mouse.move(*start)
        self.page.mouse.down()
        self.page.mouse.move(*end, steps=4)
        self.page.mouse.up()


# A sharp picture of the frame that is asked for, and its stored values where it has some.
IS_PAINTED = """() => {
  const values = document.querySelector("[data-testid=value]");
  const shown = [...document.querySelectorAll("[data-testid=picture] > *")];
  return shown.every(one => one.style.opacity !== "0.35")
    && shown.some(one => values ? one.matches("canvas") : one.naturalWidth > 0);
}"""

Json = dict[str, Any]
Look = Callable[..., Viewer]


@pytest.fixture
def look(system: Stack, browser: Browser) -> Iterator[Look]:
    """Opens a project's labeling page. Errors of the page fail the test."""
    contexts: list[Any] = []
    complaints: list[str] = []

    def open_at(project: str, *, language: str = "en", **options: Any) -> Viewer:
        options.setdefault("viewport", DESK)
        context = browser.new_context(locale=language, **options)
        contexts.append(context)
        context.set_default_timeout(ARRIVES_MS)
        context.add_cookies(
            [{"name": "StaticWebAppsAuthCookie", "value": ADMIN.cookie, "url": system.url}]
        )
        context.add_init_script(f"localStorage.setItem('labelry.language', '{language}')")
        page = context.new_page()
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.goto(f"{system.url}/projects/{project}/label")
        stage = page.get_by_role("application").or_(page.get_by_role("listbox"))
        expect(stage).to_be_visible(timeout=ARRIVES_MS)
        return Viewer(page)

    yield open_at
    for context in contexts:
        context.close()
    assert complaints == []


def coco(admin: Client, project: str) -> Json:
    """The finished COCO export of a project."""
    at = f"/projects/{project}/exports"
    export = f"{at}/{admin.call('POST', at, {'format': 'coco'})['export_id']}"
    end = time.monotonic() + 60
    while admin.call("GET", export)["state"] == "waiting":
        assert time.monotonic() < end, "the export took too long"
        time.sleep(0.2)
    return httpx.get(admin.call("POST", f"{export}/link", {})["url"], timeout=30).json()


def test_a_stack_of_16_bits_is_windowed_scrolled_drawn_on_and_exported(
    make: Make, admin: Client, look: Look, tmp_path: Path
) -> None:
    file = tmp_path / "stack.tif"
    with tifffile.TiffWriter(file) as writer:
        for array in STACK:
            writer.write(array, photometric="minisblack", metadata=None)
    project = make("stack", "boxes", {"stack.tif": file})
    viewer = look(project)
    page = viewer.page
    viewer.wait_for_frame(1, 12)

    page.mouse.move(*viewer.place(100.5 / 400, 200.5 / 300))
    expect(page.get_by_test_id("value")).to_have_text(f"(100, 200) {STACK[0][200, 100]:,}")

    plain = viewer.light(0.6, 0.9)
    page.keyboard.press("w")
    expect(page.get_by_test_id("window-drag")).to_be_visible()
    x, y = viewer.place(0.5, 0.5)
    viewer.drag((x, y), (x - 450, y - 180))
    assert viewer.window.startswith("Own")
    expect(page.get_by_test_id("value")).to_have_text(re.compile(r"^\(\d+, \d+\) [\d,]+$"))
    viewer.wait_for_light(0.6, 0.9, lambda light: light > plain + 20)
    brighter = viewer.light(0.6, 0.9)
    page.mouse.move(x, y)
    expect(page.get_by_test_id("value")).to_have_text(re.compile("^\\(200, 150\\)"))
    picture(page, "window-16-bit")
    page.mouse.wheel(0, 100)
    viewer.wait_for_frame(2, 12)
    page.mouse.wheel(0, -100)
    viewer.wait_for_frame(1, 12)
    page.keyboard.press("Shift+W")
    viewer.wait_for_light(0.6, 0.9, lambda light: abs(light - (255 - brighter)) <= 2)
    page.keyboard.press("Escape")
    page.keyboard.press("Shift+R")
    viewer.wait_for_light(0.6, 0.9, lambda light: light == plain)
    page.get_by_label("Window presets").select_option("0")
    expect(viewer.stage).to_be_focused()

    page.keyboard.press("Quote")
    viewer.wait_for_frame(2, 12)
    page.keyboard.press("r")
    viewer.drag(viewer.place(0.2, 0.4), viewer.place(0.3, 0.6))
    page.keyboard.press("Shift+Quote")
    viewer.wait_for_frame(3, 12)
    expect(page.locator("[data-shape]")).to_have_count(1)
    page.keyboard.press("Semicolon")
    page.keyboard.press("Semicolon")
    viewer.wait_for_frame(1, 12)
    expect(page.locator("[data-shape]")).to_have_count(0)
    page.keyboard.press("Control+Enter")
    expect(page.get_by_test_id("saved")).to_have_attribute("data-unsaved", "0")
    expect(page.get_by_text("stack.tif")).to_have_count(0)

    found = coco(admin, project)
    entries = [(image["labelry_frame"], image["labelry_frames"]) for image in found["images"]]
    assert entries == [(1, 12), (2, 12)]
    assert {image["file_name"] for image in found["images"]} == {found["images"][0]["file_name"]}
    boxes = [annotation["bbox"] for annotation in found["annotations"]]
    assert boxes[0] == boxes[1] == pytest.approx([80, 120, 40, 60], abs=1)
    assert [annotation["image_id"] for annotation in found["annotations"]] == [
        image["id"] for image in found["images"]
    ]


def test_a_wheel_that_turns_faster_than_frames_come_goes_through_them(
    make: Make, look: Look, tmp_path: Path
) -> None:
    file = tmp_path / "fast.tif"
    with tifffile.TiffWriter(file) as writer:
        for frame in STACK:
            writer.write(frame, photometric="minisblack", metadata=None)
    viewer = look(make("fast", "boxes", {"fast.tif": file}))
    page = viewer.page
    viewer.wait_for_frame(1, 12)
    held: list[Route] = []
    asks = "**/api/projects/*/images"
    page.route(asks, lambda route: held.append(route))
    page.keyboard.press("w")
    expect(page.get_by_test_id("window-drag")).to_be_visible()
    size = page.get_by_test_id("picture").bounding_box()
    page.mouse.move(*viewer.place(0.5, 0.5))

    end = time.monotonic() + 60
    while (before := viewer.frame) < 9:
        assert time.monotonic() < end, f"the wheel does not go beyond frame {before}"
        page.mouse.wheel(0, 100)  # nothing happens where the layer of the window is not there yet
        with suppress(AssertionError):
            expect(page.get_by_test_id("frame")).not_to_have_text(f"Frame {before} of 12")
        assert page.get_by_test_id("picture").bounding_box() == size, "the wheel zooms"

    expect(page.get_by_test_id("window-drag")).to_be_visible()
    while not held:  # frames are asked for one after another, and an answer may be on its way still
        assert time.monotonic() < end, "the last frames have come before they were looked at"
        page.wait_for_timeout(50)
    page.unroute(asks)
    for route in held:
        with suppress(BrowserError):  # given up by the page, which is further on
            route.continue_()
    viewer.wait_for_frame(viewer.frame, 12)


def test_two_hundred_frames_scroll_by_held_keys_the_slider_and_as_a_film(
    make: Make, look: Look, tmp_path: Path
) -> None:
    file = tmp_path / "cine.dcm"
    frames = np.stack([scene(number, FRAMES, 96, 128) for number in range(FRAMES)])
    settings: Json = {"WindowCenter": [16_000, 4_000], "WindowWidth": [32_000, 8_000]}
    file.write_bytes(dicom(frames, RescaleSlope=1, RescaleIntercept=-1024, **settings).getvalue())
    viewer = look(make("cine", "boxes", {"cine.dcm": file}))
    page = viewer.page
    viewer.wait_for_frame(1, FRAMES)
    assert viewer.window == "File 1: 16,000 / 32,000"
    page.mouse.move(*viewer.place(10.5 / 128, 20.5 / 96))
    expect(page.get_by_test_id("value")).to_have_text(f"(10, 20) {frames[0][20, 10] - 1024:,}")

    page.keyboard.down("Quote")
    end = time.monotonic() + 20
    while viewer.frame < 12:
        assert time.monotonic() < end, "a held key does not scroll"
        page.keyboard.down("Quote")
        page.wait_for_timeout(30)
    page.keyboard.up("Quote")
    viewer.wait_for_frame(viewer.frame, FRAMES)

    slider = page.get_by_label("Frame", exact=True)
    for number in range(20, FRAMES + 1, 4):
        slider.fill(str(number))
    viewer.wait_for_frame(FRAMES, FRAMES)
    viewer.wait_for_light(0.85, 0.5, lambda light: light > 200)
    viewer.wait_for_light(0.15, 0.5, lambda light: light < 120)

    page.get_by_label("Window presets").select_option("1")
    viewer.wait_for_light(0.6, 0.9, lambda light: light > 15)
    page.keyboard.press("c")
    end = time.monotonic() + 20
    while viewer.frame in (FRAMES, 1, 2, 3):
        assert time.monotonic() < end, "the film does not play"
        page.wait_for_timeout(50)
    page.keyboard.press("c")
    assert viewer.window == "File 2: 4,000 / 8,000"


def test_the_samples_of_pydicom_are_seen_in_both_languages_at_a_desk_and_on_a_phone(
    make: Make, look: Look
) -> None:
    project = make("samples", "polygons", {name: SAMPLES / name for name in SHOWN})
    for language, notice in (("en", "Not a medical device"), ("ko", "의료 기기가 아닙니다")):
        for size, options in ((DESK, {}), (PHONE, TOUCH)):
            viewer = look(project, language=language, viewport=size, **options)
            page = viewer.page
            page.wait_for_function(IS_PAINTED)
            expect(page.get_by_text(notice)).to_be_visible()
            page.wait_for_timeout(200)
            picture(page, f"dicom-{language}-{size['width']}")
            assert (language, size, page.evaluate(CLIPPED)) == (language, size, [])
            assert (language, size, page.evaluate(COLLIDING)) == (language, size, [])
            assert max(page.evaluate(SCROLLS)) <= 0
            page.context.close()

    viewer = look(project)
    page = viewer.page
    for number in range(len(SHOWN)):
        page.wait_for_function(IS_PAINTED)
        expect(page.get_by_role("alert")).to_have_count(0)
        name = viewer.stage.get_attribute("aria-label") or ""
        picture(page, f"dicom-sample-{number}")
        page.keyboard.press("n")
        page.keyboard.press("Control+Enter")
        expect(page.get_by_label(name)).to_have_count(0)


def window_by_hand(viewer: Viewer) -> None:
    """The value under the pointer, and the window by dragging, where `STACK` fills the page at its frame 7."""
    page = viewer.page
    value = page.get_by_test_id("value")
    canvas = page.get_by_test_id("painted").locator("canvas")
    frame = canvas.bounding_box()
    assert frame
    scale = min(frame["width"] / 400, frame["height"] / 300)  # the picture is fitted into its box
    left = frame["x"] + (frame["width"] - 400 * scale) / 2
    top = frame["y"] + (frame["height"] - 300 * scale) / 2
    page.mouse.move(left + 100.5 * scale, top + 200.5 * scale)
    expect(value).to_have_text(f"(100, 200) {STACK[6][200, 100]:,}")
    page.keyboard.press("w")
    expect(page.get_by_test_id("window-drag")).to_be_visible()
    before = viewer.window
    viewer.drag((left + 200, top + 200), (left + 350, top + 120))
    assert viewer.window != before
    expect(value).to_have_text(re.compile(r"^\(\d+, \d+\) [\d,]+$"))
    page.keyboard.press("Escape")
    page.keyboard.press("Shift+R")
    assert viewer.window == before


def test_frames_are_looked_through_where_a_class_is_chosen_for_the_whole_file(
    make: Make, look: Look, tmp_path: Path
) -> None:
    file = tmp_path / "scan.tif"
    with tifffile.TiffWriter(file) as writer:
        for array in STACK:
            writer.write(array, photometric="minisblack", metadata=None)
    files = {"scan.tif": file, "ct.dcm": SAMPLES / "CT_small.dcm"}
    project = make("classes", "multiclass", files)
    for language, size, options in (("ko", DESK, {}), ("en", PHONE, TOUCH)):
        viewer = look(project, language=language, viewport=size, **options)
        page = viewer.page
        scan = page.locator("[role=option]", has=page.get_by_test_id("frames"))
        expect(scan.get_by_test_id("frames")).to_have_text("1 / 12")
        scan.click(position={"x": 30, "y": 60})
        slider = page.get_by_role("slider")
        slider.fill("6")
        expect(scan.get_by_test_id("frames")).to_have_text("6 / 12")
        expect(scan.locator("img")).to_have_attribute("src", re.compile(r"/frame-5\.webp"))
        scan.focus()
        page.keyboard.press("Quote")
        expect(scan.locator("img")).to_have_attribute("src", re.compile(r"/frame-6\.webp"))
        page.wait_for_timeout(300)
        picture(page, f"classes-{language}-{size['width']}")
        scan.dblclick(position={"x": 30, "y": 60})
        expect(page.get_by_test_id("painted")).to_be_visible()
        seen = page.get_by_test_id("painted").screenshot()
        page.get_by_role("button", name=INVERT[language], exact=True).click()
        page.wait_for_timeout(500)
        assert page.get_by_test_id("painted").screenshot() != seen
        if size is DESK:
            window_by_hand(viewer)
        page.keyboard.press("Quote")
        expect(scan.get_by_test_id("frames")).to_have_text("8 / 12")
        page.wait_for_timeout(500)
        picture(page, f"classes-large-{language}-{size['width']}")
        assert page.evaluate(CLIPPED) == []
        assert page.evaluate(COLLIDING) == []
        assert max(page.evaluate(SCROLLS)) <= 0
        page.context.close()
