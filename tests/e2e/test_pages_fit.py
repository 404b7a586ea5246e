"""What people see fits: in both languages, in every layout, on a desk and on a phone."""

from __future__ import annotations

import shutil
import subprocess
from typing import Any

import pytest
from playwright.sync_api import Page, ViewportSize, expect

from dev import LOCAL
from tests.e2e.conftest import Open

SCREENS = LOCAL / "screens"
"""Where the pictures go, for people to look at."""

DESK: ViewportSize = {"width": 1440, "height": 900}
PHONE: ViewportSize = {"width": 390, "height": 844}
TOUCH: dict[str, Any] = {"has_touch": True, "is_mobile": True}
LAYOUTS = (1, 4, 6, 9)
IMAGES = "[role=listbox]"

PHOTOS_ARE_SHOWN = """() => {
  const photos = [...document.querySelectorAll("[role=option] img")];
  return photos.length > 0 && photos.every(one => one.complete && one.naturalWidth > 0);
}"""

CANVAS_IS_PAINTED = """() => {
  const photo = document.querySelector("[role=application] img");
  return photo?.complete && photo.naturalWidth > 0;
}"""

# Words that are wider than what holds them, unless it ends in an ellipsis on purpose.
CLIPPED = """() => {
  const shown = one => one.checkVisibility() && one.getBoundingClientRect().width > 0;
  const isCut = one => getComputedStyle(one).textOverflow === "ellipsis";
  const held = "button, a, kbd, label, h1, h2, h3, th, td, header *, footer *, [role=option] > :last-child *";
  return [...document.querySelectorAll(held)]
    .filter(one => shown(one) && one.textContent.trim() && !isCut(one) && !one.querySelector("input"))
    .filter(one => getComputedStyle(one).display !== "inline" && !one.closest("[aria-live], .fui-Button__icon"))
    .filter(one => one.scrollWidth > one.clientWidth + 1 && one.clientWidth > 1)
    .filter(one => ![...one.querySelectorAll("*")].some(isCut))
    .map(one => `${one.tagName} ${one.textContent.trim().slice(0, 60)} is ${one.scrollWidth} wide`);
}"""

# Controls that lie on each other or reach out of the window.
COLLIDING = """() => {
  const all = [...document.querySelectorAll("button, a, input, [role=option]")]
    .filter(one => one.checkVisibility({ visibilityProperty: true }) && !one.closest("[aria-hidden=true]"))
    .map(one => [one, one.getBoundingClientRect()])
    .filter(([, box]) => box.width > 1 && box.height > 1);
  const name = one => one.getAttribute("aria-label") ?? one.textContent.trim() ?? one.tagName;
  // What a list that scrolls holds lies under its edge, not on what comes after it.
  const bounds = one => {
    let { left, right, top, bottom } = one.getBoundingClientRect();
    for (let at = one.parentElement; at; at = at.parentElement)
      if (/auto|scroll|hidden/.test(getComputedStyle(at).overflowY)) {
        const clip = at.getBoundingClientRect();
        [top, bottom] = [Math.max(top, clip.top), Math.min(bottom, clip.bottom)];
        if (/auto|scroll/.test(getComputedStyle(at).overflowX))
          [left, right] = [Math.max(left, clip.left), Math.min(right, clip.right)];
      }
    return { left, right, top, bottom };
  };
  const boxes = all.map(([one]) => [one, bounds(one)])
    .filter(([, box]) => box.bottom > box.top && box.right > box.left);
  const found = [];
  boxes.forEach(([one, a], at) => {
    if (a.right > innerWidth + 1 || a.left < -1) found.push(`${name(one)} reaches out of the window`);
    for (const [other, b] of boxes.slice(at + 1))
      if (!one.contains(other) && !other.contains(one)
        && a.left < b.right - 1 && b.left < a.right - 1 && a.top < b.bottom - 1 && b.top < a.bottom - 1)
        found.push(`${name(one)} lies on ${name(other)}`);
  });
  return found;
}"""

SCROLLS = """() => {
  const page = document.scrollingElement;
  return [page.scrollWidth - innerWidth, page.scrollHeight - innerHeight];
}"""

# A missing glyph looks the same for every character.
HANGUL_IS_DRAWN = """() => {
  const drawn = text => {
    const canvas = new OffscreenCanvas(64, 64);
    const context = canvas.getContext("2d");
    context.font = `48px ${getComputedStyle(document.querySelector("button")).fontFamily}`;
    context.fillText(text, 4, 52);
    return context.getImageData(0, 0, 64, 64).data.join();
  };
  return drawn("가") !== drawn("힣");
}"""


def picture(page: Page, name: str) -> None:
    SCREENS.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=SCREENS / f"{name}.png")


def on_stage(page: Page) -> None:
    expect(page.locator("[role=option]").first).to_be_visible()
    page.wait_for_function(PHOTOS_ARE_SHOWN)


@pytest.mark.parametrize("language", ["en", "ko"])
@pytest.mark.parametrize("layout", LAYOUTS)
def test_the_stage_fits_a_desk_and_gives_its_room_to_the_images(
    open_page: Open, language: str, layout: int
) -> None:
    project = "rooms" if language == "en" else "street"
    page = open_page(f"/projects/{project}/label", language=language, layout=layout)
    on_stage(page)
    picture(page, f"label-{layout}-{language}-desk")

    assert page.evaluate(CLIPPED) == []
    assert page.evaluate(COLLIDING) == []
    assert page.evaluate(SCROLLS) == [0, 0]
    images = page.locator(IMAGES).bounding_box()
    assert images
    assert images["width"] * images["height"] >= 0.75 * DESK["width"] * DESK["height"]


@pytest.mark.parametrize("language", ["en", "ko"])
@pytest.mark.parametrize("layout", LAYOUTS)
def test_the_stage_fits_a_phone(open_page: Open, language: str, layout: int) -> None:
    project = "rooms" if language == "en" else "street"
    path = f"/projects/{project}/label"
    page = open_page(path, language=language, layout=layout, viewport=PHONE, **TOUCH)
    on_stage(page)
    picture(page, f"label-{layout}-{language}-phone")

    assert page.evaluate(CLIPPED) == []
    assert page.evaluate(COLLIDING) == []
    assert page.evaluate(SCROLLS) == [0, 0]


BOX_TOOLS = {"select": "m", "rectangle": "r", "extremes": "e", "template": "t"}
POLYGON_TOOLS = {
    "select": "m",
    "polygon": "p",
    "points": "u",
    "freehand": "d",
    "add": "o",
    "cut": "x",
    "split": "j",
}
CANVAS = "[role=application]"


def begin_a_shape(page: Page, key: str) -> None:
    """Take a tool, select the first shape, and leave the tool in the middle of what it does."""
    page.keyboard.press(key)
    page.keyboard.press("Tab")
    stage = page.locator(CANVAS).bounding_box()
    assert stage
    x, y = stage["x"] + stage["width"] * 0.4, stage["y"] + stage["height"] * 0.4
    if key in ("p", "e", "o", "x"):
        for dx, dy in ((0, 0), (90, -40), (130, 60)):
            page.mouse.click(x + dx, y + dy)
        page.mouse.move(x + 40, y + 90)
    elif key in ("r", "d", "j"):
        page.mouse.move(x, y)
        page.mouse.down()
        page.mouse.move(x + 120, y + 50, steps=6)
        page.mouse.move(x + 90, y + 90, steps=6)


def give_up(page: Page) -> None:
    page.keyboard.press("Escape")
    page.mouse.up()


@pytest.mark.parametrize("language", ["en", "ko"])
@pytest.mark.parametrize("size", ["desk", "phone"])
@pytest.mark.parametrize(
    ("project", "tools"),
    [("traffic", BOX_TOOLS), ("leaves", POLYGON_TOOLS)],
    ids=["boxes", "polygons"],
)
def test_the_canvas_fits_with_every_tool(
    open_page: Open, language: str, size: str, project: str, tools: dict[str, str]
) -> None:
    path = f"/projects/{project}/label"
    phone: dict[str, Any] = {"viewport": PHONE, **TOUCH}
    page = open_page(path, language=language, **(phone if size == "phone" else {}))
    expect(page.locator(CANVAS)).to_be_focused()
    page.wait_for_function(CANVAS_IS_PAINTED)
    for tool, key in tools.items():
        begin_a_shape(page, key)
        picture(page, f"canvas-{tool}-{project}-{language}-{size}")

        assert (tool, page.evaluate(CLIPPED)) == (tool, [])
        assert (tool, page.evaluate(COLLIDING)) == (tool, [])
        assert page.evaluate(SCROLLS) == [0, 0]
        give_up(page)
    stage = page.locator(CANVAS).bounding_box()
    assert stage
    if size == "desk":
        assert stage["width"] * stage["height"] >= 0.75 * DESK["width"] * DESK["height"]
    else:
        assert stage["height"] >= 0.69 * PHONE["height"]


# How much of what two icons cover they cover both, the most alike first: [share, one, other].
ALIKE = """() => {
  const inked = svg => {
    const canvas = new OffscreenCanvas(40, 40);
    const context = canvas.getContext("2d");
    context.scale(2, 2);
    context.lineWidth = 2;
    context.stroke(new Path2D(svg.querySelector("path").getAttribute("d")));
    return context.getImageData(0, 0, 40, 40).data.filter((_, at) => at % 4 === 3).map(a => a > 99);
  };
  const name = one => one.getAttribute("aria-label") ?? one.textContent;
  const all = [...document.querySelectorAll("[role=toolbar] button, footer button")]
    .filter(one => one.querySelector("svg"))
    .map(one => [name(one), inked(one.querySelector("svg"))]);
  return all.flatMap(([one, a], at) => all.slice(at + 1).map(([other, b]) => {
    const both = a.filter((ink, pixel) => ink && b[pixel]).length;
    const any = a.filter((ink, pixel) => ink || b[pixel]).length;
    return [both / any, one, other];
  })).sort((a, b) => b[0] - a[0]);
}"""


def test_no_two_icons_of_the_drawing_page_look_alike(open_page: Open) -> None:
    page = open_page("/projects/leaves/label")
    expect(page.locator(CANVAS)).to_be_focused()
    page.keyboard.press("Control+a")
    expect(page.get_by_role("button", name="Merge polygons")).to_be_visible()

    share, *names = page.evaluate(ALIKE)[0]

    assert share < 0.5, names


@pytest.mark.parametrize("viewport", [DESK, PHONE], ids=["desk", "phone"])
def test_the_classes_are_on_the_same_side_wherever_one_labels(
    open_page: Open, viewport: Any
) -> None:
    def place(project: str) -> tuple[float, bool]:
        page = open_page(f"/projects/{project}/label", viewport=viewport)
        classes = page.get_by_role("region", name="Classes")
        expect(classes).to_be_visible()
        box = classes.bounding_box()
        assert box
        return box["x"], box["y"] > viewport["height"] / 2

    assert place("rooms") == place("leaves") == (0, viewport is PHONE)


@pytest.mark.parametrize("language", ["en", "ko"])
def test_the_other_pages_fit_too(open_page: Open, language: str) -> None:
    page = open_page("/", language=language)
    tabs = [f"/projects/rooms/{tab}" for tab in ("data", "people", "details")]
    for path in ("/", "/projects/new", "/projects/street", *tabs):
        page.goto(page.url.split("/", 3)[0] + "//" + page.url.split("/", 3)[2] + path)
        expect(page.locator("h1")).to_be_visible()
        for width, height in ((1440, 900), (390, 844), (320, 640)):
            page.set_viewport_size({"width": width, "height": height})
            page.wait_for_timeout(100)
            name = path.strip("/").replace("/", "-") or "list"
            picture(page, f"{name}-{language}-{width}")

            assert (path, width, page.evaluate(CLIPPED)) == (path, width, [])
            assert page.evaluate(SCROLLS)[0] <= 0, f"{path} scrolls sideways at {width} px"


@pytest.mark.parametrize("language", ["en", "ko"])
@pytest.mark.parametrize(("width", "height"), [(320, 640), (720, 450), (3840, 2160)])
def test_the_stage_loses_nothing_when_zoomed_or_very_large(
    open_page: Open, language: str, width: int, height: int
) -> None:
    """320 px: 400 % of 1280; 720 x 450: 200 % of 1440 x 900; and a screen of 4K."""
    viewport = {"width": width, "height": height}
    page = open_page("/projects/rooms/label", language=language, viewport=viewport)
    on_stage(page)
    picture(page, f"label-4-{language}-{width}")

    assert page.evaluate(CLIPPED) == []
    assert page.evaluate(COLLIDING) == []
    assert page.evaluate(SCROLLS) == [0, 0]
    images = page.locator(IMAGES).bounding_box()
    assert images
    assert images["height"] >= 0.4 * height


# Names of what differs that lie on each other.
NAMES_COLLIDE = """() => {
  const names = [...document.querySelectorAll("[data-testid=difference]")]
    .map(one => [one.textContent, one.getBoundingClientRect()]);
  return names.flatMap(([one, a], at) => names.slice(at + 1)
    .filter(([, b]) => a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom)
    .map(([other]) => `${one} lies on ${other}`));
}"""


@pytest.mark.parametrize("language", ["en", "ko"])
def test_an_image_about_which_people_disagree_fits(open_page: Open, language: str) -> None:
    for project, differing in (("street", 0), ("traffic", 6), ("leaves", 6)):
        page = open_page(f"/projects/{project}/data?state=all&item=disputed", language=language)
        expect(page.locator("[aria-keyshortcuts='3']")).to_be_visible()
        expect(page.get_by_test_id("difference")).to_have_count(differing)
        for size in (DESK, PHONE):
            page.set_viewport_size(size)
            page.wait_for_timeout(100)
            picture(page, f"disputed-{project}-{language}-{size['width']}")

            assert page.evaluate(CLIPPED) == []
            assert page.evaluate(COLLIDING) == []
            assert page.evaluate(NAMES_COLLIDE) == []


@pytest.mark.parametrize("language", ["en", "ko"])
def test_dialogs_fit_a_phone_and_a_narrow_window(open_page: Open, language: str) -> None:
    page = open_page("/projects/rooms/label", language=language)
    on_stage(page)
    page.keyboard.press("Shift+Slash")
    dialog = page.get_by_role("dialog")
    for name in ("help", "keys"):
        for width, height in ((1440, 900), (390, 844), (320, 480)):
            page.set_viewport_size({"width": width, "height": height})
            page.wait_for_timeout(100)
            picture(page, f"{name}-{language}-{width}")
            assert (name, width, page.evaluate(CLIPPED)) == (name, width, [])
            box = dialog.bounding_box()
            assert box
            assert box["x"] >= 0
            assert box["x"] + box["width"] <= width
            assert box["y"] + box["height"] <= height
        page.set_viewport_size(DESK)
        if name == "help":
            dialog.get_by_role("button").first.click()


def test_korean_is_drawn_in_a_korean_font(open_page: Open) -> None:
    page = open_page("/", language="ko")
    expect(page.get_by_role("heading", name="프로젝트")).to_be_visible()

    assert page.evaluate(HANGUL_IS_DRAWN)
    if fonts := shutil.which("fc-list"):
        found = subprocess.run([fonts, ":lang=ko"], capture_output=True, text=True, check=True)
        assert found.stdout, "install a Korean font: apt-get install fonts-nanum"


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/projects/new/details",
        "/projects/new/images",
        "/projects/new/assist",
        "/projects/new/people",
        "/projects/new/summary",
        "/projects/rooms",
        "/projects/rooms/data",
        "/projects/rooms/people",
        "/projects/rooms/details",
        "/projects/rooms/label",
        "/projects/traffic/label",
        "/projects/leaves/label",
        "/projects/traffic/data?state=all&item=disputed",
    ],
)
def test_everything_is_large_enough_for_a_finger(open_page: Open, path: str) -> None:
    page = open_page(path, viewport=PHONE, **TOUCH)
    expect(page.locator("button:visible").nth(1)).to_be_visible()
    page.wait_for_timeout(200)

    small = page.evaluate(
        """() => [...document.querySelectorAll("button, a, input, textarea, [role=option]")]
          .filter(one => one.checkVisibility() && !one.closest("[aria-hidden=true]"))
          .map(one => one.matches("input")
            ? one.closest(".fui-Input, .fui-Radio, .fui-Switch, .fui-Checkbox") ?? one : one)
          .map(one => [one.getAttribute("aria-label") ?? one.textContent, one.getBoundingClientRect()])
          .filter(([, box]) => box.width > 1 && (box.height < 43.5 || box.width < 43.5))
          .map(([name, box]) => `${name}: ${box.width} x ${box.height}`)"""
    )
    assert small == []
