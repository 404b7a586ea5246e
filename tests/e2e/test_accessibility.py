"""WCAG 2.2 AA of every page, by axe; and what only a person would notice: focus, and what is said."""

from __future__ import annotations

import re
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, Route, expect

from tests.e2e.conftest import Open

RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22a", "wcag22aa"]

# Fluent's focus sentinels: hidden from screen readers, and left by script as soon as they have the focus
# (microsoft/fluentui 27056).
NOT_OURS = ["[data-tabster-dummy]"]

# The name of an image says in a sentence what its strip shows in two words; nobody calls it by them.
SPOKEN_OTHERWISE = ("label-content-name-mismatch", 'role="option"')

AUDIT = """async ({ rules, notOurs }) => {
  // What fades in while axe looks would be measured half way; what it fades to is what people read.
  const still = new CSSStyleSheet();
  still.replaceSync("* { transition: none !important }");
  document.adoptedStyleSheets = [...document.adoptedStyleSheets, still];
  await Promise.all(document.getAnimations().map(one => one.finished.catch(() => undefined)));
  const { violations } = await axe.run(
    { exclude: notOurs.map(one => [one]) },
    {
      runOnly: { type: "tag", values: rules },
      rules: { "target-size": { enabled: true } },
      resultTypes: ["violations"],
    },
  );
  return violations.flatMap(({ id, nodes }) =>
    nodes.map(({ html, any }) => `${id}: ${html.slice(0, 160)} ${any[0]?.message ?? ""}`));
}"""

SAID = "[role=status][aria-live=polite]"
SIGHTS: list[dict[str, Any]] = [
    {"language": "en", "color_scheme": "light"},
    {"language": "ko", "color_scheme": "dark", "reduced_motion": "reduce"},
    {"language": "en", "color_scheme": "dark", "forced_colors": "active"},
]


def audit(page: Page, axe: str) -> list[str]:
    if not page.evaluate("'axe' in window"):
        page.evaluate(axe)
    faults: list[str] = page.evaluate(AUDIT, {"rules": RULES, "notOurs": NOT_OURS})
    return [fault for fault in faults if not all(part in fault for part in SPOKEN_OTHERWISE)]


def site(page: Page, path: str) -> str:
    return re.sub(r"(https?://[^/]+).*", rf"\1{path}", page.url)


def on_stage(page: Page) -> None:
    expect(page.locator("[role=option]").first).to_be_visible()


@pytest.mark.parametrize("sight", SIGHTS, ids=lambda one: "-".join(map(str, one.values())))
def test_no_page_breaks_a_rule(open_page: Open, axe: str, sight: dict[str, Any]) -> None:
    page = open_page("/", **sight)
    found: dict[str, list[str]] = {}
    for path in (
        "/",
        "/projects/new/details",
        "/projects/new/images",
        "/projects/new/people",
        "/projects/new/summary",
        "/projects/street",
        "/projects/rooms/data",
        "/projects/rooms/people",
        "/projects/rooms/details",
        "/projects/nothing-there",
    ):
        page.goto(site(page, path))
        expect(page.locator("h1, h2").first).to_be_visible()
        page.wait_for_timeout(200)
        found[path] = audit(page, axe)
    page.goto(site(page, "/.auth/logout"))
    expect(page.get_by_text("Microsoft")).to_be_visible()
    found["signed out"] = audit(page, axe)

    assert {path: faults for path, faults in found.items() if faults} == {}


@pytest.mark.parametrize("sight", SIGHTS, ids=lambda one: "-".join(map(str, one.values())))
def test_the_stage_and_its_dialogs_break_no_rule(
    open_page: Open, axe: str, sight: dict[str, Any]
) -> None:
    page = open_page("/projects/rooms/label", layout=9, instructions=True, **sight)
    dialog = page.get_by_role("dialog")
    expect(dialog).to_be_visible()
    found = {"instructions": audit(page, axe)}
    page.keyboard.press("Escape")
    on_stage(page)
    expect(dialog).to_be_hidden()
    page.keyboard.press("1")
    page.keyboard.press("s")
    found["nine"] = audit(page, axe)
    page.keyboard.press("Shift+Slash")
    expect(dialog).to_be_visible()
    found["help"] = audit(page, axe)
    dialog.get_by_role("button").first.click()
    expect(page.get_by_role("switch")).to_be_visible()
    dialog.get_by_role("listitem").nth(1).get_by_role("button").click()
    page.keyboard.press("n")
    found["keys"] = audit(page, axe)
    page.keyboard.press("Escape")
    page.evaluate("localStorage.setItem('labelry.layout', '1')")
    page.goto(site(page, "/projects/street/label"))
    page.get_by_role("dialog").get_by_role("button").last.click()
    on_stage(page)
    found["one"] = audit(page, axe)

    assert {name: faults for name, faults in found.items() if faults} == {}


@pytest.mark.parametrize("sight", SIGHTS, ids=lambda one: "-".join(map(str, one.values())))
@pytest.mark.parametrize("project", ["traffic", "leaves"])
def test_the_canvas_breaks_no_rule(
    open_page: Open, axe: str, project: str, sight: dict[str, Any]
) -> None:
    page = open_page(f"/projects/{project}/label", **sight)
    canvas = page.get_by_role("application")
    expect(canvas).to_be_focused()
    found = {"canvas": audit(page, axe)}
    page.keyboard.press("Tab")
    expect(page.locator("[data-shape][aria-pressed=true]")).to_have_count(1)
    found["a shape"] = audit(page, axe)
    page.keyboard.press("Delete")
    page.keyboard.press("a")
    expect(page.locator("footer input")).to_be_focused()
    found["asked"] = audit(page, axe)
    page.keyboard.press("Escape")
    page.keyboard.press("Shift+Slash")
    expect(page.get_by_role("dialog")).to_be_visible()
    found["help"] = audit(page, axe)
    page.keyboard.press("Escape")
    page.locator("[role=toolbar] button").last.click()
    expect(page.get_by_role("slider")).to_have_count(3)
    found["look"] = audit(page, axe)

    assert {name: faults for name, faults in found.items() if faults} == {}


def test_the_audit_finds_what_is_wrong(open_page: Open, axe: str) -> None:
    page = open_page("/")
    expect(page.locator("h1")).to_be_visible()
    page.evaluate(
        """() => document.querySelector("main").insertAdjacentHTML("beforeend",
          "<button style='width:10px'></button><p style='color:#999;background:#fff'>dim</p>")"""
    )

    assert {one.split(":")[0] for one in audit(page, axe)} >= {"button-name", "color-contrast"}


def test_dialogs_give_the_focus_back(open_page: Open) -> None:
    page = open_page("/projects/rooms/label")
    on_stage(page)
    first = page.locator("[role=option]").first
    expect(first).to_be_focused()
    for press in ("Shift+Slash", "i"):
        page.keyboard.press(press)
        expect(page.get_by_role("dialog")).to_be_visible()
        page.keyboard.press("Escape")
        expect(page.get_by_role("dialog")).to_have_count(0)
        expect(first).to_be_focused()
    account = page.get_by_role("button", name=re.compile("^Account"))
    account.click()
    page.get_by_role("menuitem", name="Keys").click()
    expect(page.get_by_role("switch")).to_be_focused()
    page.keyboard.press("Escape")
    expect(account).to_be_focused()


@pytest.mark.parametrize("project", ["rooms", "traffic"])
def test_a_dialog_that_opens_as_another_question_ends_keeps_the_keyboard(
    open_page: Open, project: str
) -> None:
    page = open_page(f"/projects/{project}/label")
    expect(page.locator("[role=option], [role=application]").first).to_be_focused()
    page.keyboard.press("a")
    expect(page.locator("footer input")).to_be_focused()
    page.evaluate(
        """() => {
          const frame = window.requestAnimationFrame; // of a busy machine
          window.requestAnimationFrame = run => setTimeout(() => frame(run), 60);
        }"""
    )
    page.keyboard.press("Escape")
    page.keyboard.press("Shift+Slash")
    expect(page.get_by_role("dialog")).to_be_visible()
    page.wait_for_timeout(400)

    expect(page.get_by_role("dialog").locator(":focus")).to_have_count(1)


@pytest.mark.parametrize("project", ["rooms", "traffic"])
def test_a_class_is_found_by_typing_also_where_the_classes_are_hidden(
    open_page: Open, project: str
) -> None:
    page = open_page(f"/projects/{project}/label")
    expect(page.locator("[role=option], [role=application]").first).to_be_focused()
    page.keyboard.press("Backslash")
    page.keyboard.press("Slash")
    page.keyboard.type("s")  # else it would skip the image

    expect(page.get_by_role("textbox", name="Find a class")).to_have_value("s")


def is_marked(control: Locator) -> bool:
    """Whether a control that has the focus shows it: by an outline, a border or a shadow of its own."""
    return control.evaluate(
        """one => {
          const look = () => [one, ...one.querySelectorAll("*"), one.parentElement].flatMap(at =>
            ["", "::after", "::before"].map(part => {
              const style = getComputedStyle(at, part);
              const marks = ["outline", "boxShadow", "borderColor", "transform", "textDecoration"];
              return marks.map(one => style[one]).join();
            })).join();
          const with_ = look();
          one.blur();
          return look() !== with_;
        }"""
    )


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/projects/new/details",
        "/projects/new/images",
        "/projects/new/people",
        "/projects/new/summary",
        "/projects/rooms",
        "/projects/rooms/label",
        "/projects/leaves/label",
    ],
)
def test_every_control_the_tab_key_reaches_shows_the_focus(open_page: Open, path: str) -> None:
    page = open_page(path, reduced_motion="reduce")
    expect(page.locator("button").nth(2)).to_be_visible()
    page.wait_for_timeout(300)
    page.keyboard.press("Escape")  # the Tab key goes through the shapes on a canvas
    seen: list[str] = []
    unmarked: list[str] = []
    for _ in range(14):
        page.keyboard.press("Tab")
        focused = page.locator(":focus")
        if not focused.count() or focused.get_attribute("data-tabster-dummy") is not None:
            continue
        page.wait_for_timeout(60)
        name = focused.evaluate(
            "one => one.getAttribute('aria-label') ?? one.outerHTML.slice(0, 120)"
        )
        handle = focused.element_handle()
        if not is_marked(focused):
            unmarked.append(name)
        seen.append(name)
        assert handle
        handle.focus()

    assert len(set(seen)) > 4
    assert unmarked == []


def test_what_happens_is_said(open_page: Open) -> None:
    page = open_page("/projects/rooms/label", layout=4)
    on_stage(page)
    said = page.locator(SAID)
    page.keyboard.press("2")
    expect(said).to_have_text("Image 1: Bathroom. 1 of 4 done.")
    page.keyboard.press("Control+z")
    expect(said).to_have_text("Image 1: No label yet. 0 of 4 done.")
    page.keyboard.press("Enter")
    expect(said).to_have_text("4 images are still open.")
    page.keyboard.press("Control+Enter")
    expect(said).to_have_text("Nothing is labeled yet.")
    page.keyboard.press("Control+a")
    page.keyboard.press("s")
    expect(said).to_have_text("4 images: Skipped. 4 of 4 done.")
    page.keyboard.press("Enter")
    expect(said).to_have_text("Submitted. 4 new images.")


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("en", "The remaining images are with others"),
        ("ko", "남은 이미지는 다른 작업자가 작업 중입니다"),
    ],
)
def test_it_is_said_why_no_image_comes(open_page: Open, language: str, words: str) -> None:
    page = open_page("/", language=language)

    def nothing(route: Route) -> None:
        if route.request.method == "GET":
            route.fulfill(json={"items": [], "recent": [], "next_cursor": None})
        else:
            answer = {"task": None, "why": "all_leased", "retry_after_s": 15, "open_tasks": []}
            route.fulfill(json=answer)

    page.route("**/api/projects/rooms/tasks*", nothing)
    page.goto(site(page, "/projects/rooms/label"))

    expect(page.locator(SAID)).to_contain_text(words)


def test_errors_and_a_lost_connection_are_said_in_the_language_of_the_page(open_page: Open) -> None:
    page = open_page("/projects/rooms/label", language="ko")
    on_stage(page)
    problem = {
        "type": "invalid",
        "title": "invalid",
        "status": 422,
        "detail": "nothing was saved",
        "errors": [{"pointer": "/items/0", "code": "unknown-class", "detail": "no class 'c9'"}],
        "retry": "never",
    }
    page.route(
        "**/submit",
        lambda route: route.fulfill(
            status=422, json=problem, content_type="application/problem+json"
        ),
    )
    page.keyboard.press("Control+a")
    page.keyboard.press("1")
    page.keyboard.press("Enter")
    refused = page.get_by_role("alert").filter(has_text="이미지 4개를 저장하지 못했습니다")
    expect(refused.first).to_be_visible(timeout=20_000)
    page.route("**/api/**", lambda route: route.abort())
    page.keyboard.press("1")
    expect(page.locator(SAID)).to_have_text("연결 끊김", timeout=20_000)
