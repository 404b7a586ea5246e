"""Things are outlined by clicks, whole way: a job prepares the images, a decoder runs in the browser, and
what is submitted lies where the thing does.

The model is a stand-in of the signature of Segment Anything, which goes by colours; no real weights are tried.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageDraw
from playwright.sync_api import Browser, BrowserContext, Page, Response, expect

from dev import ROOT
from dev.client import Client, Person
from dev.site import build
from dev.stack import Stack
from labeling import layout
from labeling.adapters.azure import connect
from labeling.annotations.shapes import TaskType
from labeling.assist.clicks import DECODER_FILE, ENCODER_FILE
from tests import click_pair

pytest.importorskip("torch", reason="gpu_jobs/requirements.txt is not installed")

ADMIN = Person("admin", "admin@example.com", roles=("admin",))
FOLDER = "clicks/stand-in"
ARRIVES_MS = 30_000
READY_S = 120
SIDE = 600
THING, OTHER = (120, 150, 300, 420), (380, 150, 500, 420)
"""Two things of the same colour; in pixels of an image of 600 x 600."""
PART = (180, 250, 240, 320)
"""Of the first, in another colour."""
WITHIN_PX = 10
"""The stand-in's encoder sees cells of a little less."""


def picture(file: Path) -> None:
    image = Image.new("RGB", (SIDE, SIDE), (120, 120, 120))
    pen = ImageDraw.Draw(image)
    for (x0, y0, x1, y1), colour in ((THING, "red"), (OTHER, "red"), (PART, "blue")):
        pen.rectangle((x0, y0, x1 - 1, y1 - 1), fill=colour)
    image.save(file)


@pytest.fixture(scope="module")
def system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    settings = {"LABELRY_CLICK_MODEL": FOLDER}
    logs = tmp_path_factory.mktemp("logs")
    with Stack(site=build(), logs=logs, name="clicks", settings=settings) as running:
        blobs = connect(running.connection_string).blobs
        for name, data in (
            (ENCODER_FILE, click_pair.encoder()),
            (DECODER_FILE, click_pair.decoder()),
        ):
            where = layout.click_file(FOLDER, name)
            blobs.write(layout.MODELS, where, data, content_type="application/octet-stream")
        yield running


@pytest.fixture(scope="module")
def admin(system: Stack) -> Iterator[Client]:
    with Client(system.hosts[0].url, person=ADMIN) as client:
        yield client


Projects = dict[TaskType, str]


@pytest.fixture(scope="module")
def projects(system: Stack, admin: Client, tmp_path_factory: pytest.TempPathFactory) -> Projects:
    """One for boxes and one for polygons, whose images a job has prepared."""
    file = tmp_path_factory.mktemp("pictures") / "things.png"
    picture(file)
    dataset = admin.create_dataset("things", key="things")
    assert not admin.upload(dataset, {f"{n}.png": file for n in range(6)})
    assist = {"on": True, "clicks": True}
    kinds: tuple[TaskType, ...] = ("boxes", "polygons")
    made = {
        kind: admin.create_project(kind, kind, dataset, ["Thing"], key=kind, assist=assist)
        for kind in kinds
    }
    for project in made.values():
        admin.wait_until_running(project)
        wait_until(lambda project=project: runs(admin, project) == ["queued"])
    command = [sys.executable, "-m", "gpu_jobs"]
    environment = {**os.environ, "LABELRY_STORAGE": system.connection_string}
    subprocess.run(command, cwd=ROOT, env=environment, check=True, timeout=300)
    for project in made.values():
        assert runs(admin, project) == ["done"]
    return made


def runs(admin: Client, project: str) -> list[str]:
    """The states of runs that prepared images."""
    found = admin.call("GET", f"/projects/{project}/runs")["items"]
    return [one["state"] for one in found if one["kind"] == "encoding"]


def wait_until(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + READY_S
    while not condition():
        assert time.monotonic() < end, "it took too long"
        time.sleep(0.2)


@pytest.fixture
def context(system: Stack, browser: Browser) -> Iterator[BrowserContext]:
    made = browser.new_context(
        locale="en-US", viewport={"width": 1280, "height": 800}, has_touch=True
    )
    made.add_cookies(
        [{"name": "StaticWebAppsAuthCookie", "value": ADMIN.cookie, "url": system.url}]
    )
    made.add_init_script("localStorage.setItem('labelry.language', 'en')")
    made.set_default_timeout(ARRIVES_MS)
    yield made
    made.close()


@pytest.fixture
def open_page(system: Stack, projects: Projects, context: BrowserContext) -> Callable[..., Page]:
    def open_at(kind: TaskType) -> Page:
        page = context.new_page()
        page.goto(f"{system.url}/projects/{projects[kind]}/label")
        expect(page.get_by_role("application")).to_be_visible(timeout=ARRIVES_MS)
        page.wait_for_function(
            "() => [...document.querySelectorAll('[role=application] img')].some(one => one.naturalWidth)"
        )
        return page

    return open_at


def at(page: Page, x: float, y: float) -> tuple[float, float]:
    """Where a pixel of the image is on the screen: it fills the stage, in the middle."""
    seen = page.locator("[role=application] img").first.bounding_box()
    assert seen
    return seen["x"] + x / SIDE * seen["width"], seen["y"] + y / SIDE * seen["height"]


def middle(box: tuple[int, int, int, int]) -> tuple[float, float]:
    return (box[0] + box[2]) / 2, (box[1] + box[3]) / 2


def says(page: Page, words: str) -> None:
    expect(page.get_by_test_id("clicks")).to_contain_text(words, timeout=ARRIVES_MS)


def can_be_taken(page: Page) -> None:
    expect(page.get_by_role("button", name="Take", exact=True)).to_be_enabled(timeout=ARRIVES_MS)


def submitted(page: Page, admin: Client, project: str) -> list[dict[str, Any]]:
    """What is submitted of the image that is shown."""
    item = page.locator("[data-item]").get_attribute("data-item")
    page.keyboard.press("Control+Enter")
    expect(page.locator(f"[data-item='{item}']")).to_have_count(0, timeout=ARRIVES_MS)
    expect(page.get_by_test_id("saved")).to_have_attribute("data-unsaved", "0", timeout=ARRIVES_MS)
    found = admin.call("GET", f"/projects/{project}/items/{item}")
    return found["annotations"]


def bounds(geometry: dict[str, Any]) -> tuple[float, ...]:
    """In pixels of the image."""
    if geometry["kind"] == "box":
        return tuple(SIDE * geometry[side] for side in ("x0", "y0", "x1", "y1"))
    points = np.array([one for part in geometry["parts"] for one in part["outer"]]) * SIDE
    return (*points.min(0), *points.max(0))


def is_about(found: dict[str, Any], wanted: tuple[float, ...]) -> bool:
    return bool(np.abs(np.subtract(bounds(found["geometry"]), wanted)).max() <= WITHIN_PX)


BOTH = (THING[0], THING[1], OTHER[2], OTHER[3])


def test_a_click_and_enter_make_a_polygon_of_what_is_clicked_at(open_page, admin, projects):
    page: Page = open_page("polygons")
    policies: list[str] = []

    def seen(response: Response) -> None:
        if "/assets/clicks/" in response.url:
            policies.append(response.headers["content-security-policy"])

    page.on("response", seen)
    assert not [worker for worker in page.workers if "/clicks/" in worker.url]
    page.keyboard.press("Shift+P")
    says(page, "Click at a thing")
    page.mouse.click(*at(page, *middle((120, 150, 300, 240))))
    can_be_taken(page)
    expect(page.locator("[data-shape]")).to_have_count(0)
    # Both things and the hole are of one colour and another; what is clicked at beside it is taken away.
    page.keyboard.press("Enter")
    expect(page.locator("[data-shape]")).to_have_count(1)
    page.keyboard.press("Control+z")
    expect(page.locator("[data-shape]")).to_have_count(0)
    page.keyboard.press("Control+Shift+z")
    (shape,) = submitted(page, admin, projects["polygons"])
    assert is_about(shape, BOTH)
    holes = [hole for part in shape["geometry"]["parts"] for hole in part["holes"]]
    assert len(shape["geometry"]["parts"]) == 2
    ((low, high),) = [
        (np.array(hole).min(0) * SIDE, np.array(hole).max(0) * SIDE) for hole in holes
    ]
    assert np.abs(np.subtract((*low, *high), PART)).max() <= WITHIN_PX
    assert ["wasm-unsafe-eval" in policy for policy in policies] == [True]


def test_only_the_decoders_script_may_run_webassembly(open_page):
    page: Page = open_page("polygons")
    compiled = page.evaluate(
        "() => WebAssembly.compile(new Uint8Array([0, 97, 115, 109, 1, 0, 0, 0]))"
        ".then(() => 'compiled', error => error.name)"
    )
    assert compiled == "CompileError"


def test_clicks_beside_and_within_change_the_outline_and_are_taken_back(open_page, admin, projects):
    page: Page = open_page("polygons")
    page.get_by_role("button", name="Outline by clicks").click()
    says(page, "Click at a thing")
    page.mouse.click(*at(page, *middle(PART)))
    can_be_taken(page)
    says(page, "Click beside the outline")
    page.mouse.click(*at(page, *middle(OTHER)))  # the red ones too
    page.keyboard.press("Control+z")  # and not
    page.wait_for_timeout(500)
    page.get_by_role("button", name="Take", exact=True).click()
    (shape,) = submitted(page, admin, projects["polygons"])
    assert is_about(shape, PART)


def test_a_finger_gets_a_box_where_boxes_are_drawn(open_page, admin, projects):
    page: Page = open_page("boxes")
    page.get_by_role("button", name="Outline by clicks").tap()
    says(page, "Click at a thing")
    page.touchscreen.tap(*at(page, *middle(PART)))
    can_be_taken(page)
    page.get_by_role("button", name="Take", exact=True).tap()
    (shape,) = submitted(page, admin, projects["boxes"])
    assert shape["geometry"]["kind"] == "box"
    assert is_about(shape, PART)


def test_by_keys_alone(open_page, admin, projects):
    page: Page = open_page("boxes")
    page.keyboard.press("Shift+P")
    says(page, "Click at a thing")
    x, y = at(page, *middle(PART))
    stage = page.get_by_role("application").bounding_box()
    assert stage
    for key, steps in (
        ("ArrowLeft", (stage["x"] + stage["width"] / 2 - x) / 6),
        ("ArrowUp", (stage["y"] + stage["height"] / 2 - y) / 6),
    ):
        for _ in range(round(steps)):
            page.keyboard.press(key)
    page.keyboard.press("Enter")
    can_be_taken(page)
    page.keyboard.press("Enter")
    expect(page.locator("[data-shape]")).to_have_count(1, timeout=ARRIVES_MS)
    (shape,) = submitted(page, admin, projects["boxes"])
    assert is_about(shape, PART)


def test_what_is_given_up_or_not_taken_is_not_submitted(open_page, admin, projects):
    page: Page = open_page("boxes")
    page.keyboard.press("Shift+P")
    says(page, "Click at a thing")
    page.mouse.click(*at(page, *middle(PART)))
    can_be_taken(page)
    item = page.locator("[data-item]").get_attribute("data-item")
    page.keyboard.press("Control+Enter")
    assert page.locator("[data-item]").get_attribute("data-item") == item
    page.get_by_role("button", name="Give up").click()
    expect(page.get_by_role("button", name="Give up")).to_have_count(0)
    page.keyboard.press("n")
    assert submitted(page, admin, projects["boxes"]) == []


def test_before_the_first_model_nothing_is_fitted_and_the_page_says_so(open_page):
    page: Page = open_page("boxes")
    page.keyboard.press("r")
    page.mouse.move(*at(page, 150, 150))
    page.mouse.down()
    page.mouse.move(*at(page, 250, 300))
    page.mouse.move(*at(page, 300, 420))
    page.mouse.up()
    expect(page.locator("[data-shape]")).to_have_count(1)
    page.get_by_role("button", name="Fit to the thing").click()
    expect(page.get_by_test_id("hint")).to_contain_text("There is no model for this yet")


def test_where_an_image_was_not_prepared_the_page_says_so(open_page, context, projects):
    def nothing(route: Any) -> None:
        answer = route.fetch()
        route.fulfill(response=answer, json={**answer.json(), "images": {}})

    context.route(f"**/api/projects/{projects['polygons']}/clicks", nothing)
    page: Page = open_page("polygons")
    page.keyboard.press("Shift+P")
    says(page, "was not prepared")


def test_where_the_decoder_can_not_be_had_the_page_says_so(open_page, context, projects):
    def nowhere(route: Any) -> None:
        answer = route.fetch()
        decoder = answer.json()["decoder"].replace("decoder.onnx", "none.onnx")
        route.fulfill(response=answer, json={**answer.json(), "decoder": decoder})

    context.route(f"**/api/projects/{projects['polygons']}/clicks", nowhere)
    page: Page = open_page("polygons")
    page.keyboard.press("Shift+P")
    says(page, "do not work here")
