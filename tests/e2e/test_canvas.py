"""Shapes are drawn over marks of known pixels and are exported at those pixels, however the image is seen.

The test knows where the marks lie in an image, finds them on the screen by their colours alone, and goes
there with a mouse, a finger or the arrow keys. So it shares no arithmetic with the editor it examines.
"""

from __future__ import annotations

import io
import random
import re
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from PIL import Image, ImageDraw
from playwright.sync_api import (
    Browser,
    BrowserContext,
    CDPSession,
    FloatRect,
    Locator,
    Page,
    Route,
    expect,
)

from dev.client import Client, Person
from dev.site import build
from dev.stack import Stack
from labeling.annotations.shapes import TaskType

ADMIN = Person("admin", "admin@example.com", roles=("admin",))
ARRIVES_MS = 30_000  # two cores run storage, host, front door and browser at once
READY_S = 90
PROMPT = {  # each test waits for an export
    "AzureFunctionsJobHost__extensions__queues__maxPollingInterval": "00:00:00.200"
}
ORIGINALS = "**/devstoreaccount1/datasets/**"
WITHIN_PX = 1.0
"""Of the image's own pixels, also where a pixel of the screen is four of them: pointers and the middles
of marks are known to fractions of a pixel of the screen, and keys go by single pixels of the image."""
COPIES = 9  # of each picture: every test labels one, and the page fetches some ahead

GROUND = (128, 128, 128)
COLORS = ((255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 0, 255))
NEAR = 60  # in each of RGB: less than half of the way from a colour to the ground or to another

Point = tuple[float, float]
Json = dict[str, Any]


@dataclass(frozen=True)
class Picture:
    """A grey image with four coloured squares, whose middles are the marks."""

    width: int
    height: int
    marks: Sequence[Point]
    """Clockwise from the top left, in pixels of the upright image."""
    side: int
    """Of a square, in pixels."""
    orientation: int = 1
    """As EXIF says it: 6 is stored lying on its left side."""

    def draw(self, file: Path) -> None:
        image = Image.new("RGB", (self.width, self.height), GROUND)
        pen = ImageDraw.Draw(image)
        half = self.side // 2
        for (x, y), color in zip(self.marks, COLORS, strict=True):
            pen.rectangle((x - half, y - half, x + half - 1, y + half - 1), fill=color)
        if self.orientation == 1:
            image.save(file, compress_level=1)
            return
        exif = Image.Exif()
        exif[0x0112] = self.orientation
        lying = image.transpose(Image.Transpose.ROTATE_90)
        lying.save(file, "JPEG", quality=95, subsampling=0, exif=exif)


PICTURES = {
    "small": Picture(640, 480, ((331, 142), (528, 157), (513, 287), (352, 268)), 12),
    "odd": Picture(1237, 911, ((203, 347), (641, 311), (677, 633), (251, 597)), 16),
    "upright": Picture(701, 933, ((187, 405), (431, 421), (409, 733), (171, 697)), 14, 6),
    "large": Picture(4000, 3000, ((2604, 1871), (3303, 1928), (3257, 2399), (2688, 2333)), 36),
}
BOX_WAYS = ["drag", "two clicks", "four extremes", "finger", "keys"]
POLYGON_WAYS = ["clicks and Enter", "click on the first point", "finger", "keys"]


@pytest.fixture(scope="module")
def system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    logs = tmp_path_factory.mktemp("logs")
    with Stack(site=build(), logs=logs, name="canvas", settings=PROMPT) as running:
        yield running


@pytest.fixture(scope="module")
def admin(system: Stack) -> Iterator[Client]:
    with Client(system.hosts[0].url, person=ADMIN) as client:
        yield client


Projects = dict[tuple[str, TaskType], str]


@pytest.fixture(scope="module")
def projects(admin: Client, tmp_path_factory: pytest.TempPathFactory) -> Projects:
    """A project for boxes and one for polygons over the copies of each picture."""
    folder = tmp_path_factory.mktemp("pictures")
    made: Projects = {}
    for name, picture in PICTURES.items():
        file = folder / f"{name}.{'png' if picture.orientation == 1 else 'jpg'}"
        picture.draw(file)
        dataset = admin.create_dataset(name, key=name)
        copies = {f"{name}-{number}{file.suffix}": file for number in range(COPIES)}
        assert not admin.upload(dataset, copies)
        kinds: list[tuple[TaskType, list[str]]] = [("boxes", BOX_WAYS), ("polygons", POLYGON_WAYS)]
        for kind, ways in kinds:
            key = f"{name} {kind}"
            made[name, kind] = admin.create_project(key, kind, dataset, ways, key=key)
    for (name, _), project in made.items():
        admin.wait_until_running(project)
        wait_until(partial(all_measured, admin, project, PICTURES[name]))
    return made


def all_measured(admin: Client, project: str, picture: Picture) -> bool:
    """Whether the size of every image is known, and every preview made that is needed."""
    items = admin.call("GET", f"/projects/{project}/items")["items"]
    large = picture.width > 1600
    return len(items) == COPIES and all(
        item["width"] == picture.width
        and (not large or "/renditions/" in item["images"]["preview"])
        for item in items
    )


def wait_until(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + READY_S
    while not condition():
        assert time.monotonic() < end, "it took too long"
        time.sleep(0.2)


@pytest.fixture(scope="module")
def contexts(system: Stack, browser: Browser) -> Iterator[dict[int, BrowserContext]]:
    """A browser with a mouse and a touch screen, by the pixels of the screen for one of CSS."""
    made: dict[int, BrowserContext] = {}
    for ratio, width, height in ((1, 1440, 900), (2, 1080, 760)):
        made[ratio] = browser.new_context(
            locale="en-US",
            viewport={"width": width, "height": height},
            device_scale_factor=ratio,
            has_touch=True,
        )
        made[ratio].add_cookies(
            [{"name": "StaticWebAppsAuthCookie", "value": ADMIN.cookie, "url": system.url}]
        )
        made[ratio].add_init_script("localStorage.setItem('labelry.language', 'en')")
        made[ratio].set_default_timeout(ARRIVES_MS)
    yield made
    for context in made.values():
        context.close()


@dataclass
class Desk:
    """The drawing page as somebody sees it, and their hands."""

    page: Page
    picture: Picture
    stage: Locator = field(init=False)
    touch: CDPSession = field(init=False)

    def __post_init__(self) -> None:
        self.stage = self.page.get_by_role("application")
        self.touch = self.page.context.new_cdp_session(self.page)

    def press(self, *keys: str) -> None:
        for key in keys:
            self.page.keyboard.press(key)

    def shapes(self) -> Locator:
        """What the list beside the image says is on it."""
        return self.page.locator("[data-shape]")

    def look(self, *wanted: int) -> list[Point]:
        """Where the marks are on the screen, or those of these numbers."""
        self.page.wait_for_function(f"() => {SHOWN_WIDTH} > 0")
        self.page.mouse.move(2, 2)  # off the image: lines through the pointer would hide something
        self.page.keyboard.down("h")
        self.page.evaluate(TWO_FRAMES)
        area = self.area()
        shot = self.page.screenshot(clip=area)
        self.page.keyboard.up("h")
        pixels = np.asarray(Image.open(io.BytesIO(shot)).convert("RGB"), dtype=np.int16)
        ratio = pixels.shape[1] / area["width"]
        middles = [middle_of(pixels, COLORS[one]) for one in wanted or range(4)]
        return [(area["x"] + x / ratio, area["y"] + y / ratio) for x, y in middles]

    def area(self) -> FloatRect:
        """Where the stage lies on the page."""
        box = self.stage.bounding_box()
        assert box
        return box

    def middle(self) -> Point:
        """Of the stage, where the crosshair of the keyboard begins."""
        area = self.area()
        return area["x"] + area["width"] / 2, area["y"] + area["height"] / 2

    def scale(self, seen: Sequence[Point]) -> float:
        """Screen pixels for a pixel of the image, by how far apart two marks are seen."""
        return distance(seen[0], seen[2]) / distance(self.picture.marks[0], self.picture.marks[2])

    def click(self, at: Point) -> None:
        self.page.mouse.click(*at)

    def drag(self, start: Point, end: Point, button: Any = "left") -> None:
        self.page.mouse.move(*start)
        self.page.mouse.down(button=button)
        self.page.mouse.move(*between(start, end))
        self.page.mouse.move(*end)
        self.page.mouse.up(button=button)

    def finger(self, *way: Point) -> None:
        """Put a finger down, lead it along, and lift it."""
        self.fingers(*([at] for at in way))

    def fingers(self, *ways: Sequence[Point]) -> None:
        """Several fingers at once: where they are put down, and where they are led."""
        for number, points in enumerate(ways):
            self._touch("touchMove" if number else "touchStart", points)
        self._touch("touchEnd", [])

    def _touch(self, kind: str, points: Sequence[Point]) -> None:
        each = [{"x": x, "y": y, "id": number} for number, (x, y) in enumerate(points)]
        self.touch.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": each})

    def walk(self, start: Point, end: Point, scale: float) -> Point:
        """Lead the crosshair of the keyboard by the arrow keys; where it comes to stand."""
        x = self._walk(start[0], end[0], scale, ("ArrowLeft", "ArrowRight"))
        y = self._walk(start[1], end[1], scale, ("ArrowUp", "ArrowDown"))
        return x, y

    def _walk(self, start: float, end: float, scale: float, keys: tuple[str, str]) -> float:
        at = start
        for held, step in (("Shift+", 48), ("", 6), ("Control+", scale)):
            steps = round((end - at) / step)
            for _ in range(abs(steps)):
                self.page.keyboard.press(held + keys[steps > 0])
            at += steps * step
        return at

    def item(self) -> str:
        """The path of the image that is shown."""
        return (self.stage.get_attribute("aria-label") or "").split(", ", 1)[1]

    def submit(self, key: str = "Control+Enter") -> str:
        """By the keyboard; the path of what is now with the API."""
        item = self.item()
        self.press(key)
        expect(self.page.get_by_label(item)).to_have_count(0, timeout=ARRIVES_MS)
        saved = self.page.get_by_test_id("saved")
        expect(saved).to_have_attribute("data-unsaved", "0", timeout=ARRIVES_MS)
        return item


# Of the sharpest copy of the image that is on the screen.
SHOWN_WIDTH = """Math.max(0, ...[...document.querySelectorAll("[role=application] img")]
  .map(one => one.naturalWidth))"""
TWO_FRAMES = "() => new Promise(d => requestAnimationFrame(() => requestAnimationFrame(d)))"


def middle_of(pixels: np.ndarray[Any, Any], color: tuple[int, int, int]) -> Point:
    """The middle of a square of a colour, in pixels of the screenshot, to fractions of one."""
    off = np.abs(pixels - np.array(color, np.int16)).max(axis=2)
    rows, columns = np.nonzero(off < NEAR)
    assert len(rows), f"no mark of colour {color} is in view"
    rim = 3
    top, left = rows.min() - rim, columns.min() - rim
    bottom, right = rows.max() + rim, columns.max() + rim
    assert min(top, left) >= 0, "the mark is cut off"
    assert bottom < pixels.shape[0], "the mark is cut off"
    assert right < pixels.shape[1], "the mark is cut off"
    # At the rim a pixel counts by how much of it the mark covers.
    toward = np.subtract(color, GROUND)
    patch = pixels[top : bottom + 1, left : right + 1] - GROUND
    share = (patch @ toward / (toward @ toward)).clip(0, 1)
    down, across = np.indices(share.shape) + 0.5
    return (
        float(left + (share * across).sum() / share.sum()),
        float(top + (share * down).sum() / share.sum()),
    )


def distance(a: Point, b: Point) -> float:
    return float(np.hypot(a[0] - b[0], a[1] - b[1]))


def between(a: Point, b: Point) -> Point:
    return (a[0] + b[0]) / 2, (a[1] + b[1]) / 2


def middle_of_all(points: Sequence[Point]) -> Point:
    x, y = np.mean(points, axis=0)
    return float(x), float(y)


Open = Callable[..., Desk]


@pytest.fixture
def open_desk(
    system: Stack, projects: Projects, contexts: dict[int, BrowserContext]
) -> Iterator[Open]:
    """Opens the drawing page on a copy of a picture nobody has labeled: `open_desk("odd", "boxes")`.

    `project` is one of its own over this picture; `on_original` is asked for files as they were uploaded.
    """
    pages: list[Page] = []

    def open_at(
        picture: str,
        kind: TaskType,
        *,
        project: str | None = None,
        ratio: int = 1,
        on_original: Callable[[Route], None] | None = None,
    ) -> Desk:
        page = contexts[ratio].new_page()
        pages.append(page)
        if on_original:
            page.route(ORIGINALS, on_original)
        page.goto(f"{system.url}/projects/{project or projects[picture, kind]}/label")
        expect(page.get_by_role("application")).to_be_visible(timeout=ARRIVES_MS)
        return Desk(page, PICTURES[picture])

    yield open_at
    for page in pages:
        page.close()


def exported(admin: Client, project: str, path: str) -> dict[str, list[Json]]:
    """What the COCO export says is on an image, by the name of the class."""
    at = f"/projects/{project}/exports"
    export = f"{at}/{admin.call('POST', at, {'format': 'coco'})['export_id']}"
    wait_until(lambda: admin.call("GET", export)["state"] != "waiting")
    link = admin.call("POST", f"{export}/link", {})
    coco = httpx.get(link["url"]).raise_for_status().json()
    image = next(image for image in coco["images"] if image["file_name"] == path)
    names = {category["id"]: category["name"] for category in coco["categories"]}
    found: dict[str, list[Json]] = {}
    for annotation in coco["annotations"]:
        if annotation["image_id"] == image["id"]:
            found.setdefault(names[annotation["category_id"]], []).append(annotation)
    return found


def corners(box: Json) -> list[Point]:
    x, y, width, height = box["bbox"]
    return [(x, y), (x + width, y + height)]


def outline(polygon: Json) -> list[Point]:
    (ring,) = polygon["segmentation"]
    return list(zip(ring[::2], ring[1::2], strict=True))


def furthest(found: Sequence[Point], wanted: Sequence[Point]) -> float:
    """By how many pixels of the image a coordinate is off at most."""
    assert len(found) == len(wanted)
    return float(np.abs(np.subtract(found, wanted)).max())


def nearer_by_wheel(desk: Desk) -> None:
    """The wheel turns over the marks until they fill the stage, and the middle button pulls them there."""
    seen = desk.look()
    at = middle_of_all(seen)
    width, height = np.ptp(seen, axis=0)
    area = desk.area()
    factor = min(0.7 * area["width"] / width, 0.7 * area["height"] / height)
    desk.page.mouse.move(*at)
    desk.page.mouse.wheel(0, -625 * np.log(factor))
    desk.drag(at, desk.middle(), button="middle")


def nearer_by_keys(desk: Desk) -> None:
    """With Space held the picture is pulled to the middle; then the key + does the rest."""
    at = middle_of_all(desk.look())
    desk.page.keyboard.down("Space")
    desk.drag(at, desk.middle())
    desk.page.keyboard.up("Space")
    desk.press("+", "+")


def nearer_by_fingers(desk: Desk) -> None:
    """Two fingers beside the marks go apart, and take the picture along to the middle."""
    (x, y), (to_x, to_y) = middle_of_all(desk.look()), desk.middle()
    desk.fingers([(x - 90, y), (x + 90, y)], [(to_x - 190, to_y), (to_x + 190, to_y)])


def turned(*keys: str) -> Callable[[Desk], None]:
    return lambda desk: desk.press(*keys)


@dataclass(frozen=True)
class View:
    """A picture, how it is brought before the eye, and on what screen."""

    picture: str
    moves: Sequence[Callable[[Desk], None]] = ()
    ratio: int = 1
    width: int | None = None
    """Of the copy that is to be seen, where that is not the only one."""
    only_preview: bool = False


VIEWS = {
    "fitted": View("small"),
    "near": View("small", [nearer_by_wheel]),
    "odd, near, on a fine screen": View("odd", [nearer_by_keys], ratio=2),
    "odd, turned right": View("odd", [turned(".")]),
    "odd, turned left and near": View("odd", [turned(","), nearer_by_wheel]),
    "upside down on a fine screen": View("small", [turned(".", ".")], ratio=2),
    "upright by EXIF": View("upright"),
    "upright by EXIF, turned and pinched": View("upright", [turned("."), nearer_by_fingers]),
    "large, by its preview": View("large", width=1600),
    "large and near, by its preview": View(
        "large", [nearer_by_wheel], width=1600, only_preview=True
    ),
    "large and near, in full": View("large", [nearer_by_wheel], width=4000),
    "large, turned, in full on a fine screen": View(
        "large", [turned(","), nearer_by_wheel], ratio=2, width=4000
    ),
}
# Half of them do for polygons: what brings a point of the screen to a pixel is the same for all shapes.
SOME = [
    "fitted",
    "odd, near, on a fine screen",
    "odd, turned left and near",
    "upright by EXIF, turned and pinched",
    "large and near, by its preview",
    "large, turned, in full on a fine screen",
]


def refuse(route: Route) -> None:
    route.abort()


def hold(route: Route) -> None:
    """What is asked for stays on its way until the page is unrouted."""


def seen_as(view: View, kind: TaskType, open_desk: Open) -> tuple[Desk, list[Point]]:
    """The desk, and where the marks are seen."""
    on_original = refuse if view.only_preview else None
    desk = open_desk(view.picture, kind, ratio=view.ratio, on_original=on_original)
    for move in view.moves:
        move(desk)
    if view.width:
        desk.page.wait_for_function(f"() => {SHOWN_WIDTH} === {view.width}")
    return desk, desk.look()


@pytest.mark.parametrize("view", VIEWS.values(), ids=VIEWS)
def test_boxes_are_exact_however_they_are_drawn_and_seen(
    view: View, open_desk: Open, projects: Projects, admin: Client
) -> None:
    desk, seen = seen_as(view, "boxes", open_desk)
    start, end = seen[0], seen[2]
    beside, below = (between(start, end)[0], start[1]), (start[0], between(start, end)[1])

    desk.press("r", "1")
    desk.drag(start, end)
    desk.press("Escape", "2")
    desk.click(start)
    desk.click(end)
    desk.press("Escape", "e", "3")
    for extreme in (beside, below, (end[0], below[1]), (beside[0], end[1])):
        desk.click(extreme)
    desk.press("Escape", "r", "4")
    desk.finger(start, between(start, end), end)
    desk.press("Escape", "5")
    scale = desk.scale(seen)
    stood = desk.walk(desk.middle(), start, scale)
    desk.press("Enter")
    desk.walk(stood, end, scale)
    desk.press("Enter")
    item = desk.submit()

    found = exported(admin, projects[view.picture, "boxes"], item)
    off = {
        way: furthest(corners(box), [desk.picture.marks[0], desk.picture.marks[2]])
        for way, (box,) in found.items()
    }
    assert off.keys() == set(BOX_WAYS)
    assert max(off.values()) <= WITHIN_PX


@pytest.mark.parametrize("view", [VIEWS[one] for one in SOME], ids=SOME)
def test_polygons_are_exact_however_they_are_drawn_and_seen(
    view: View, open_desk: Open, projects: Projects, admin: Client
) -> None:
    desk, seen = seen_as(view, "polygons", open_desk)

    desk.press("p", "1")
    for at in seen:
        desk.click(at)
    desk.press("Enter", "Escape", "2")
    for at in [*seen, seen[0]]:
        desk.click(at)
    desk.press("Escape", "3")
    for at in [*seen, seen[0]]:
        desk.finger(at)
    desk.press("Escape", "4")
    desk.page.mouse.move(2, 2)
    stood, scale = desk.middle(), desk.scale(seen)
    for at in seen:
        stood = desk.walk(stood, at, scale)
        desk.press("Enter")
    desk.press("Enter")
    item = desk.submit()

    found = exported(admin, projects[view.picture, "polygons"], item)
    off = {way: furthest(outline(polygon), desk.picture.marks) for way, (polygon,) in found.items()}
    assert off.keys() == set(POLYGON_WAYS)
    assert max(off.values()) <= WITHIN_PX


def test_turning_panning_and_zooming_in_the_middle_of_a_polygon_lose_no_point(
    open_desk: Open, projects: Projects, admin: Client
) -> None:
    desk = open_desk("small", "polygons")
    seen = desk.look()

    desk.press("p", "1")
    desk.click(seen[0])
    nearer_by_wheel(desk)
    (at,) = desk.look(1)
    desk.click(at)
    desk.press(".")
    (at,) = desk.look(2)
    desk.finger(at)
    desk.press("f")
    nearer_by_keys(desk)
    (at,) = desk.look(3)
    desk.click(at)
    desk.press("Enter")
    item = desk.submit()

    ((polygon,),) = exported(admin, projects["small", "polygons"], item).values()
    assert furthest(outline(polygon), desk.picture.marks) <= WITHIN_PX


def test_undo_takes_back_points_before_shapes_and_redo_disturbs_no_draft(
    open_desk: Open, projects: Projects, admin: Client
) -> None:
    desk = open_desk("small", "polygons")
    seen = desk.look()

    desk.press("p", "1")
    for at in (seen[0], seen[1], between(seen[0], seen[2])):
        desk.click(at)
    desk.press("Control+z")
    desk.click(seen[2])
    desk.click(seen[3])
    desk.press("Enter", "Escape")
    expect(desk.shapes()).to_have_count(1)

    desk.click(seen[0])
    desk.click(seen[1])
    desk.press("Control+z", "Control+z")
    expect(desk.shapes()).to_have_count(1)
    desk.press("Control+z")
    expect(desk.shapes()).to_have_count(0)

    desk.press("2")
    desk.click(seen[0])
    desk.click(seen[1])
    desk.press("Control+Shift+z")
    expect(desk.shapes()).to_have_count(1)
    desk.click(seen[2])
    desk.click(seen[3])
    desk.press("Enter")
    item = desk.submit()

    found = exported(admin, projects["small", "polygons"], item)
    assert found.keys() == set(POLYGON_WAYS[:2])
    for (polygon,) in found.values():
        assert furthest(outline(polygon), desk.picture.marks) <= WITHIN_PX


def test_a_reload_in_the_middle_of_a_polygon_loses_no_point_and_undo_brings_back_what_was_erased(
    open_desk: Open, projects: Projects, admin: Client
) -> None:
    desk = open_desk("small", "polygons")
    seen = desk.look()
    desk.press("p", "1")
    for at in (seen[0], seen[1], seen[2]):
        desk.click(at)
    desk.press("Backspace", "Backspace", "Control+z", "Control+z")

    desk.page.reload()
    expect(desk.stage).to_be_visible(timeout=ARRIVES_MS)
    seen = desk.look()
    desk.click(seen[3])
    desk.press("Enter")
    expect(desk.shapes()).to_have_count(1)
    desk.press("2")
    item = desk.submit()

    ((name, (polygon,)),) = exported(admin, projects["small", "polygons"], item).items()
    assert name == POLYGON_WAYS[1], "the class pressed after drawing is that of what was drawn"
    assert furthest(outline(polygon), desk.picture.marks) <= WITHIN_PX


def test_a_draft_is_not_submitted_and_after_esc_all_else_is(
    open_desk: Open, projects: Projects, admin: Client
) -> None:
    desk = open_desk("small", "boxes")
    seen = desk.look()
    item = desk.item()

    desk.press("r", "1")
    desk.drag(seen[0], seen[2])
    desk.press("Escape", "2")
    desk.click(seen[1])
    desk.press("Control+Enter")
    expect(desk.page.get_by_test_id("hint")).to_contain_text("Close the shape first")
    assert desk.item() == item
    desk.press("Escape")
    assert desk.submit("Enter") == item

    ((box,),) = exported(admin, projects["small", "boxes"], item).values()
    assert furthest(corners(box), [desk.picture.marks[0], desk.picture.marks[2]]) <= WITHIN_PX


def test_who_draws_by_keys_leaves_by_esc_and_submits_by_enter(
    open_desk: Open, projects: Projects, admin: Client
) -> None:
    desk = open_desk("small", "boxes")
    expect(desk.stage).to_be_focused()

    desk.press("r", "ArrowRight", "Enter", "Shift+ArrowRight", "Shift+ArrowDown", "Enter")
    expect(desk.shapes()).to_have_count(1)
    desk.press("Escape", "Escape")
    item = desk.submit("Enter")

    assert len(exported(admin, projects["small", "boxes"], item)) == 1


@pytest.mark.parametrize("kind", ["boxes", "polygons"])
def test_slips_of_the_hand_leave_no_shape_and_nothing_gets_one_without_area(
    kind: TaskType, open_desk: Open, projects: Projects, admin: Client
) -> None:
    desk = open_desk("small", kind)
    item = desk.item()
    tool = "r" if kind == "boxes" else "p"
    edge = desk.area()["x"] + 4  # beside the image, whose border is as near as a point can come

    def nothing_comes_of(*clicks: Point) -> None:
        for at in clicks:
            desk.click(at)
        desk.press("Enter", "Escape")
        desk.drag(clicks[0], clicks[-1])
        desk.press("Enter", "Escape")
        desk.finger(*clicks)
        desk.press("Enter", "Escape")
        expect(desk.shapes()).to_have_count(0)

    desk.press(tool)
    nothing_comes_of((edge, 300), (edge, 400), (edge, 350), (edge, 500))
    nearer_by_wheel(desk)
    at, *_ = desk.look()
    nothing_comes_of(at, at, at, at)
    nothing_comes_of(at, (at[0] + 1, at[1] + 1))
    nothing_comes_of(*((at[0] + x, at[1]) for x in (0, 20, 60, 40)))

    chance = random.Random(11)

    def near() -> Point:
        return at[0] + chance.uniform(-9, 9), at[1] + chance.uniform(-9, 9)

    slips: list[Callable[[], None]] = [
        lambda: desk.click(near()),
        lambda: desk.drag(near(), near()),
        lambda: desk.finger(near(), near()),
        lambda: desk.fingers([near()], [near(), near()]),
        lambda: desk.press(chance.choice(["Escape", "Control+z", "Control+Shift+z", "Backspace"])),
        lambda: desk.press(chance.choice([tool, tool, tool, "m", "u", "e", "d"])),
    ]
    for _ in range(60):
        chance.choice(slips)()
    desk.press("Escape", "Escape", "f", tool)
    start, _, end, _ = desk.look()
    if kind == "boxes":
        desk.drag(start, end)
    else:
        for corner in (start, (end[0], start[1]), end):
            desk.click(corner)
        desk.press("Enter")
    assert desk.submit() == item

    found = exported(admin, projects["small", kind], item)
    shapes = [one for of_class in found.values() for one in of_class]
    assert min(shape["area"] for shape in shapes) >= 0.99  # pixels, rounded to two places
    assert kind == "polygons" or min(side for shape in shapes for side in shape["bbox"][2:]) >= 0.99


def test_enter_right_after_the_click_that_closed_a_polygon_submits_nothing(
    open_desk: Open,
) -> None:
    desk = open_desk("small", "polygons")
    seen = desk.look()
    item = desk.item()
    desk.press("p")
    for at in [*seen, seen[0]]:
        desk.click(at)
    desk.press("Enter")
    expect(desk.shapes()).to_have_count(1)
    assert desk.item() == item, "it was to close the polygon"

    desk.page.wait_for_timeout(700)  # longer than an Enter is taken for that
    assert desk.submit("Enter") == item


def test_suggestions_are_submitted_once_seen_and_the_history_says_what_became_of_each(
    open_desk: Open, admin: Client
) -> None:
    small = PICTURES["small"]
    dataset = admin.create_dataset("small", key="small")
    project = admin.create_project("Suggested", "boxes", dataset, BOX_WAYS, key="suggested")
    admin.wait_until_running(project)
    items = f"/projects/{project}/items"
    wait_until(partial(all_measured, admin, project, small))
    ids = {item["path"]: item["item_id"] for item in admin.call("GET", items)["items"]}
    suggested = [
        {
            "annotation_id": f"s{number}",
            "class": BOX_WAYS[number],
            "confidence": 0.7 + number / 10,  # Tab goes to the least sure first
            "geometry": {
                "kind": "box",
                "x0": (x - 20) / small.width,
                "y0": (y - 15) / small.height,
                "x1": (x + 20) / small.width,
                "y1": (y + 15) / small.height,
            },
        }
        for number, (x, y) in enumerate(small.marks[:3])
    ]
    said = [{"item_id": one, "annotations": suggested} for one in ids.values()]
    assert admin.suggest(project, "a-model", said) == {"saved": COPIES}

    desk = open_desk("small", "boxes", project=project, on_original=hold)
    unseen = desk.page.locator("[data-unseen]")
    expect(unseen).to_have_count(3)
    first = desk.item()
    for key in ("Enter", "Control+Enter"):
        desk.press(key)
        expect(desk.page.get_by_test_id("hint")).to_contain_text("not looked at yet")
        expect(desk.page.get_by_test_id("status")).to_contain_text("Box 1 of 3")
    assert desk.item() == first
    desk.page.unroute(ORIGINALS)
    expect(unseen).to_have_count(0, timeout=ARRIVES_MS)
    accepted = desk.submit("Enter")
    expect(unseen).to_have_count(0, timeout=ARRIVES_MS)

    dashed = desk.stage.locator("g path[stroke-dasharray='6 4']")
    status = desk.page.get_by_test_id("status")
    desk.press("m", "Tab")
    expect(status).to_have_text("Box 1 of 3, drag, suggested 70%")
    expect(dashed).to_have_count(1)
    desk.press("Tab", "ArrowRight")
    expect(status).to_have_text("Box 2 of 3, two clicks")
    expect(dashed).to_have_count(0)
    desk.press("Tab", "Delete")
    expect(desk.shapes()).to_have_count(2)
    seen = desk.look()
    desk.press("r", "5")
    desk.drag(seen[2], seen[3])
    expect(desk.shapes()).to_have_count(3)
    mended = desk.submit("Enter")

    def became(path: str) -> tuple[Json, list[Json]]:
        last = admin.call("GET", f"{items}/{ids[path]}/history")["items"][-1]
        return last["prelabel"], [annotation["origin"] for annotation in last["annotations"]]

    def origin(number: int, changed: bool) -> Json:
        return {"prelabel": f"s{number}", "run_id": "a-model", "changed": changed}

    counts = {"run_id": "a-model", "accepted": 3, "changed": 0, "removed": 0, "added": 0}
    assert became(accepted) == (counts, [origin(number, False) for number in range(3)])
    counts = {"run_id": "a-model", "accepted": 1, "changed": 1, "removed": 1, "added": 1}
    assert became(mended) == (counts, [origin(0, False), origin(1, True), None])


THINGS = Picture(640, 480, ((120, 120), (430, 140), (410, 350), (150, 330)), 64)
"""Four things that a box is drawn about."""
FIRST_TIME = 10


@pytest.fixture(scope="module")
def things(admin: Client, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, str]:
    """Two projects over the same ten images: a model suggests in the first, nobody in the second."""
    file = tmp_path_factory.mktemp("things") / "things.png"
    THINGS.draw(file)
    dataset = admin.create_dataset("things", key="things")
    assert not admin.upload(dataset, {f"thing-{n}.png": file for n in range(FIRST_TIME)})
    made = tuple(
        admin.create_project(name, "boxes", dataset, ["Thing"], key=name)
        for name in ("helped", "alone")
    )
    for project in made:
        admin.wait_until_running(project)
    return made[0], made[1]


def box_of(mark: Point, off: float = 0) -> Json:
    """About a thing; its lower right corner is off by so many pixels."""
    (x, y), half = mark, THINGS.side / 2
    return {
        "kind": "box",
        "x0": (x - half) / THINGS.width,
        "y0": (y - half) / THINGS.height,
        "x1": (x + half + off) / THINGS.width,
        "y1": (y + half + off) / THINGS.height,
    }


@dataclass
class FirstTime:
    """Somebody who uses what is to be seen on the page, and whose every press counts."""

    desk: Desk
    presses: int = 0

    def click(self, on: Locator) -> None:
        on.click()
        self.presses += 1

    def drag(self, start: Point, end: Point) -> None:
        self.desk.drag(start, end)
        self.presses += 1

    def submit(self) -> None:
        item = self.desk.item()
        self.click(self.desk.page.get_by_role("button", name="Submit"))
        expect(self.desk.page.get_by_label(item)).to_have_count(0, timeout=ARRIVES_MS)

    def on_screen(self, seen: Sequence[Point]) -> Callable[[Point], Point]:
        """From pixels of the image to the screen."""
        scale = distance(seen[0], seen[2]) / distance(THINGS.marks[0], THINGS.marks[2])
        (left, top), (x0, y0) = seen[0], THINGS.marks[0]
        return lambda at: (left + (at[0] - x0) * scale, top + (at[1] - y0) * scale)


def test_a_first_time_user_corrects_ten_suggested_images_with_fewer_presses_than_drawing_them(
    system: Stack, admin: Client, things: tuple[str, str], contexts: dict[int, BrowserContext]
) -> None:
    """Of the forty things on ten images three are missed and three boxes are off; two are about nothing."""
    helped, alone = things
    wait_until(lambda: len(measured_items(admin, helped)) == FIRST_TIME)
    wait_until(lambda: len(measured_items(admin, alone)) == FIRST_TIME)
    half = THINGS.side / 2
    said: list[Json] = []
    for number, item_id in enumerate(measured_items(admin, helped)):
        boxes = [
            {"confidence": 0.95, "geometry": box_of(mark, 20 * (number in (1, 4, 7) and at == 0))}
            for at, mark in enumerate(THINGS.marks)
            if not (number in (2, 5, 8) and at == 3)
        ]
        if number in (3, 6):
            boxes.append({"confidence": 0.7, "geometry": box_of((560, 420))})
        annotations = [
            {"annotation_id": f"s{at}", "class": "Thing"} | box for at, box in enumerate(boxes)
        ]
        said.append({"item_id": item_id, "annotations": annotations})
    assert admin.suggest(helped, "a-model", said) == {"saved": FIRST_TIME}

    presses: dict[str, int] = {}
    for project in (alone, helped):
        page = contexts[1].new_page()
        page.goto(f"{system.url}/projects/{project}/label")
        expect(page.get_by_role("application")).to_be_visible(timeout=ARRIVES_MS)
        somebody = FirstTime(Desk(page, THINGS))
        for _ in range(FIRST_TIME):
            desk = somebody.desk
            desk.look()  # the image is there
            expect(page.locator("[data-unseen]")).to_have_count(0, timeout=ARRIVES_MS)
            to_screen = somebody.on_screen(desk.look())  # where it came to rest
            shapes = {
                shape_place(locator): page.locator(
                    f"[data-shape='{locator.get_attribute('data-shape')}']"
                )
                for locator in desk.shapes().all()
            }
            for mark in THINGS.marks:
                x, y = mark[0] - half, mark[1] - half
                about = [place for place in shapes if np.hypot(place[0] - x, place[1] - y) < 5]
                corners = (to_screen((x, y)), to_screen((mark[0] + half, mark[1] + half)))
                if not about:
                    somebody.drag(*corners)
                    continue
                (place,) = about
                row = shapes.pop(place)
                if place[2] > THINGS.side + 5:
                    somebody.click(row)
                    expect(row).to_have_attribute("aria-pressed", "true")
                    page.evaluate(TWO_FRAMES)  # until its handles are to be seen
                    wrong = to_screen((x + place[2], y + place[3]))
                    somebody.drag(wrong, corners[1])
            for row in shapes.values():  # about nothing
                row.hover()  # else its buttons are not there
                somebody.click(page.locator("li").filter(has=row).get_by_title("Reject"))
            somebody.submit()
        presses[project] = somebody.presses
        expect(page.get_by_test_id("saved")).to_have_attribute(
            "data-unsaved", "0", timeout=ARRIVES_MS
        )
        page.close()

    for project in things:
        for item_id in measured_items(admin, project):
            found = admin.call("GET", f"/projects/{project}/items/{item_id}")["annotations"]
            drawn = sorted(pixels_of(one["geometry"]) for one in found)
            true = sorted(pixels_of(box_of(mark)) for mark in THINGS.marks)
            assert len(drawn) == len(true), (project, drawn)
            assert np.abs(np.subtract(drawn, true)).max() <= 2, (project, drawn)
    assert presses[alone] == 5 * FIRST_TIME
    assert presses[helped] <= presses[alone] / 2, presses


def measured_items(admin: Client, project: str) -> list[str]:
    """Those whose size is known, in order of their paths."""
    items = admin.call("GET", f"/projects/{project}/items")["items"]
    ready = sorted((item["path"], item["item_id"]) for item in items if item["width"])
    return [item_id for _, item_id in ready]


def shape_place(row: Locator) -> tuple[float, ...]:
    """x, y, width and height of a shape, in pixels, as the list tells them."""
    width, height, x, y = map(int, re.findall(r"\d+", row.get_attribute("title") or ""))
    return x, y, width, height


def pixels_of(box: Json) -> tuple[float, ...]:
    across, down = THINGS.width, THINGS.height
    return box["x0"] * across, box["y0"] * down, box["x1"] * across, box["y1"] * down
