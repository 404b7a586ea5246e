"""Pages of a project with real labels: rules of WCAG, and words that fit, in both languages."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from PIL import Image, ImageDraw
from playwright.sync_api import Browser, Locator, Page, expect

from dev.client import Client, Person
from dev.site import WEB, build
from dev.stack import Stack
from labeling.annotations.shapes import TaskType
from tests.e2e.test_accessibility import audit
from tests.e2e.test_pages_fit import CLIPPED, DESK, PHONE, TOUCH, picture

ADMIN = Person("admin", "admin@example.com", roles=("admin",))
ANN = Person("ann", "ann.of.the.second.building@example.com")
ARRIVES_MS = 30_000
READY_S = 90
IMAGES = 8
CLASSES = ["House", "Animal/Cat", "Shed, barn and other small buildings"]

Json = dict[str, Any]


@dataclass(frozen=True)
class Site:
    """A running system in which Ann has labeled half of two projects, some of it twice."""

    url: str
    tags: str
    boxes: str


@pytest.fixture(scope="module")
def labeled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    logs = tmp_path_factory.mktemp("logs")
    settings = {
        "LABELRY_CACHE_SECONDS": "1",
        "AzureFunctionsJobHost__extensions__queues__maxPollingInterval": "00:00:00.200",
    }
    with Stack(site=build(), logs=logs, name="pages", settings=settings) as system:
        host = system.hosts[0].url
        with Client(host, person=ADMIN) as admin, Client(host, person=ANN) as ann:
            dataset = admin.create_dataset("pictures", key="pictures")
            assert not admin.upload(dataset, pictures(tmp_path_factory.mktemp("pictures")))
            tags, boxes = (
                label_half(admin, ann, kind, dataset) for kind in ("multiclass", "boxes")
            )
        yield Site(system.url, tags, boxes)


def pictures(folder: Path) -> dict[str, Path]:
    files: dict[str, Path] = {}
    for number in range(IMAGES):
        image = Image.new("RGB", (640, 480), (40 + 20 * number, 120, 200 - 20 * number))
        ImageDraw.Draw(image).rectangle((100, 120, 300 + 20 * number, 400), fill=(200, 90, 60))
        file = folder / f"IMG_{number:04}.png"
        image.save(file)
        files[f"2024/{file.name}"] = file
    return files


def label_half(admin: Client, ann: Client, kind: TaskType, dataset: str) -> str:
    """A project whose first class asks for two attributes; its id."""
    project = admin.create_project(f"Street scenes, {kind}", kind, dataset, CLASSES, key=kind)
    place = f"/projects/{project}"
    admin.add_member(project, ANN)
    admin.wait_until_running(project)
    end = time.monotonic() + READY_S
    while any(not one["width"] for one in measured(admin, place)):
        assert time.monotonic() < end, "no size was measured"
        time.sleep(0.2)
    hidden = {"name": "Hidden", "kind": "choice", "required": True, "choices": ["no", "half"]}
    attributes = [hidden, {"name": "Lit", "kind": "yes_no", "required": False, "choices": []}]
    version = admin.call("GET", f"{place}/classes")["classes_version"]
    admin.call(
        "PATCH",
        f"{place}/classes/c1",
        {"attributes": attributes},
        headers={"If-Match": f'"{version}"'},
    )
    task = ann.call("POST", f"{place}/tasks", {"request_id": "first", "size": IMAGES // 2})["task"]
    geometry: Json = {"kind": "tag"}
    if kind == "boxes":
        geometry = {"kind": "box", "x0": 0.15, "y0": 0.25, "x1": 0.6, "y1": 0.85}
    submit(ann, place, task, geometry, ["c1", "c1", "c2", None])
    reopened = ann.call(
        "POST",
        f"{place}/tasks/{task['task_id']}/reopen",
        {"request_id": "again", "items": [task["items"][0]["item_id"]]},
    )["task"]
    submit(ann, place, reopened, geometry, ["c2"])
    return project


def measured(admin: Client, place: str) -> list[Json]:
    items: list[Json] = admin.call("GET", f"{place}/items")["items"]
    return items if len(items) == IMAGES else [{"width": 0}]


def submit(ann: Client, place: str, task: Json, geometry: Json, said: list[str | None]) -> None:
    """Say a class of each image; of None: skip it."""

    def decision(item: Json, class_id: str | None) -> Json:
        one = {
            "annotation_id": "a1",
            "class_id": class_id,
            "geometry": geometry,
            "attributes": {"Hidden": "half"} if class_id == "c1" else {},
        }
        return {
            "item_id": item["item_id"],
            "outcome": "labeled" if class_id else "skipped",
            "annotations": [one] if class_id else [],
        }

    items = [decision(*each) for each in zip(task["items"], said, strict=True)]
    body = {"submission_id": task["task_id"], "classes_version": 2, "items": items}
    ann.call("POST", f"{place}/tasks/{task['task_id']}/submit", body)


def words_of(language: str) -> Callable[[str], str]:
    """What the page calls something, by its place in the texts: the words of a plural without its number."""
    texts: list[Json] = [
        json.loads((WEB / f"src/i18n/{file}.json").read_text("utf-8"))
        for file in (language, f"admin/{language}")
    ]

    def words(place: str) -> str:
        for found in texts:
            for name in place.split("."):
                found = found.get(name, {}) if isinstance(found, dict) else {}
            if isinstance(found, str):
                return found
        raise KeyError(place)

    return words


SIGHTS = [
    ("en", "light", "desk"),
    ("ko", "dark", "desk"),
    ("en", "dark", "phone"),
    ("ko", "light", "phone"),
]


class Walk:
    """Somebody who goes through the pages; each sight of them is examined, and kept for people to look at."""

    def __init__(self, page: Page, url: str, axe: str, language: str, size: str) -> None:
        self.page, self.url, self.axe = page, url, axe
        self.words, self.tag = words_of(language), f"{language}-{size}"
        self.found: dict[str, list[str]] = {}

    def go(self, path: str) -> None:
        self.page.goto(self.url + path)

    def button(self, words: str) -> Locator:
        return self.page.get_by_role("button", name=self.words(words), exact=True)

    def see(self, name: str, *, under_a_menu: bool = False) -> None:
        """Examine what is shown; `under_a_menu` things may be covered in part."""
        self.page.wait_for_timeout(300)
        picture(self.page, f"admin-{name}-{self.tag}")
        faults = audit(self.page, self.axe)
        faults += self.page.evaluate(CLIPPED)
        faults = [fault for fault in faults if not (under_a_menu and "partially obscured" in fault)]
        if faults:
            self.found[name] = faults

    def close(self) -> None:
        self.page.keyboard.press("Escape")
        expect(self.page.get_by_role("dialog")).to_have_count(0)


@pytest.mark.parametrize(("language", "scheme", "size"), SIGHTS, ids=["-".join(s) for s in SIGHTS])
def test_pages_and_dialogs_over_real_labels_break_no_rule_and_cut_no_word(
    labeled: Site, browser: Browser, axe: str, language: str, scheme: Any, size: str
) -> None:
    screen: dict[str, Any] = {"viewport": PHONE, **TOUCH} if size == "phone" else {"viewport": DESK}
    context = browser.new_context(locale=language, color_scheme=scheme, **screen)
    context.add_cookies(
        [{"name": "StaticWebAppsAuthCookie", "value": ADMIN.cookie, "url": labeled.url}]
    )
    context.add_init_script(
        f"localStorage.setItem('labelry.language', '{language}');"
        f"for (const id of ['{labeled.tags}', '{labeled.boxes}'])"
        " localStorage.setItem(`labelry.instructions.${id}`, '1')"
    )
    page = context.new_page()
    page.set_default_timeout(ARRIVES_MS)
    expect.set_options(timeout=ARRIVES_MS)
    try:
        found = walk(Walk(page, labeled.url, axe, language, size), labeled)
    finally:
        context.close()
        expect.set_options(timeout=5_000)

    assert found == {}


def walk(on: Walk, site: Site) -> dict[str, list[str]]:
    """Every page of a project and every dialog over its labels; what is wrong with each."""
    page, project = on.page, f"/projects/{site.tags}"
    dialog = page.get_by_role("dialog")
    on.go(project)
    expect(page.get_by_test_id("count-labeled")).to_have_text("3")
    on.see("dashboard")

    on.go(f"{project}/data")
    cards = page.get_by_role("listitem").filter(has=page.get_by_role("checkbox"))
    expect(cards.first).to_be_visible()
    on.see("data")
    page.keyboard.press("Control+a")
    on.see("selected")
    for deed in ("reject", "relabel", "revert"):
        on.button(f"data.{deed}").click()
        expect(dialog).to_be_visible()
        on.see(deed)
        on.close()
    on.button("bulk.all").click()
    on.see("whole-filter", under_a_menu=True)
    page.get_by_role("menuitem", name=on.words("bulk.relabel"), exact=True).click()
    expect(dialog).to_be_visible()
    on.see("bulk-relabel")
    on.close()
    corrected = page.get_by_role("link").filter(has=page.locator("img")).last
    corrected.click()
    expect(page.get_by_test_id("item-facts")).to_be_visible()
    on.see("large-view")

    on.go(f"{project}/people")
    expect(page.locator("[data-member]").first).to_be_visible()
    on.see("people")
    on.go(f"{project}/details")
    page.get_by_role("button", name=re.compile("House")).first.click()
    expect(dialog).to_be_visible()
    on.see("class")
    dialog.get_by_role("combobox").last.select_option("c2")
    on.button("classes.addAttribute").click()
    dialog.get_by_text(re.compile("Animal/Cat")).last.scroll_into_view_if_needed()
    on.see("class-merge")
    on.close()
    on.go(f"{project}/try")
    expect(page.get_by_role("option").first).to_be_visible()
    page.keyboard.press("1")
    page.keyboard.press("ArrowLeft")
    on.see("try")
    on.go(f"/projects/{site.boxes}/try")
    expect(page.get_by_role("application")).to_be_focused()
    for key in ("r", "ArrowDown", "Enter", "Shift+ArrowRight", "Shift+ArrowDown", "Enter", "y"):
        page.keyboard.press(key)
    expect(page.get_by_text("Hidden").first).to_be_visible()
    on.see("attributes")
    return on.found
