"""A person uploads twenty photos in a browser, labels them, and downloads COCO: nothing is simulated."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from dev.client import Client, Person
from dev.samples import Truth, compose
from dev.site import build
from dev.stack import Stack

ADMIN = Person("admin", "admin@example.com", roles=("admin",))
ARRIVES_MS = 30_000  # two cores run storage, host, front door and browser at once
EVERY_PHOTO_IS_SHOWN = """count => {
  const photos = [...document.querySelectorAll("[role=option] img")];
  return photos.length === count && photos.every(one => one.complete && one.naturalWidth > 0);
}"""
TILE = re.compile(r"^Image (\d+) of (\d+), (?P<path>.*): ")


@pytest.fixture(scope="module")
def system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    logs = tmp_path_factory.mktemp("logs")
    with Stack(site=build(), logs=logs, name="e2e") as running:
        yield running


@pytest.fixture
def page(browser: Browser, system: Stack) -> Iterator[Page]:
    context = browser.new_context(
        locale="en-US", viewport={"width": 1440, "height": 900}, accept_downloads=True
    )
    context.add_cookies(
        [{"name": "StaticWebAppsAuthCookie", "value": ADMIN.cookie, "url": system.url}]
    )
    page = context.new_page()
    page.set_default_timeout(ARRIVES_MS)
    yield page
    context.close()


def photos(folder: Path) -> tuple[Truth, dict[str, Path]]:
    """Twenty photos, and where each lies by its name."""
    truth = compose("multiclass", 20, 3, folder)
    return truth, {scene.path: folder / scene.path for scene in truth.scenes}


def upload_as_new_project(page: Page, system: Stack, truth: Truth, files: list[Path]) -> None:
    page.goto(system.url)
    page.get_by_text("New project").first.click()
    page.get_by_role("textbox", name="Name").fill("Twenty photos")
    page.get_by_role("radio", name=re.compile("^One class per image")).check(force=True)
    page.get_by_role("button", name="Next").click()
    page.locator("input[type=file]").first.set_input_files(files)
    page.get_by_role("button", name="Next").click()
    page.get_by_role("textbox", name="One class a line").fill("\n".join(truth.classes))
    page.get_by_role("button", name="Create", exact=True).click()
    expect(page.get_by_text("0 of 20 images are labeled.")).to_be_visible(timeout=60_000)


def shown(page: Page) -> list[str]:
    """Names of the photos on the page, in order."""
    tiles = page.get_by_role("listbox", name="Images to label").get_by_role("option")
    expect(tiles.first).to_be_visible(timeout=ARRIVES_MS)
    names = [tile.get_attribute("aria-label") or "" for tile in tiles.all()]
    return [match["path"].rsplit("/", 1)[-1] for name in names if (match := TILE.match(name))]


def class_key(truth: Truth, name: str) -> str | None:
    """The key of the class a photo shows; None for the one that shows nothing."""
    scene = next(scene for scene in truth.scenes if scene.path.rsplit("/", 1)[-1] == name)
    if not scene.instances:
        return None
    return str(truth.classes.index(scene.instances[0].class_name) + 1)


def press(page: Page, truth: Truth, names: list[str]) -> None:
    """Give photos their classes, or skip them; the focus goes on to the next one by itself."""
    for name in names:
        page.keyboard.press(class_key(truth, name) or "s")


def test_twenty_photos_are_uploaded_labeled_by_keys_and_downloaded_as_coco(
    page: Page, system: Stack, tmp_path: Path
) -> None:
    truth, files = photos(tmp_path / "photos")
    upload_as_new_project(page, system, truth, list(files.values()))
    page.get_by_role("button", name="Open labeling").click()
    page.get_by_role("button", name="9 images at once").click()

    stage = page.get_by_role("listbox", name="Images to label").bounding_box()
    assert stage
    assert stage["width"] * stage["height"] >= 0.75 * 1440 * 900, "the images get the room"

    seen: list[str] = []
    reloaded = False
    while len(seen) < 20:
        expect(page.get_by_text(re.compile(r"^0 of \d+ labeled$"))).to_be_visible()
        names = shown(page)
        assert not set(names) & set(seen), "no photo comes twice"
        page.wait_for_function(EVERY_PHOTO_IS_SHOWN, arg=len(names))
        press(page, truth, names[:3])
        if len(seen) + len(names) >= 9 and not reloaded:
            reloaded = True
            page.reload()
            labeled = sum(class_key(truth, name) is not None for name in names[:3])
            expect(page.get_by_text(f"{labeled} of {len(names)} labeled")).to_be_visible()
            assert shown(page) == names, "the same page comes back after a reload"
        press(page, truth, names[3:])
        page.keyboard.press("Enter")
        seen += names
    expect(page.get_by_role("heading", name="No images are left for you")).to_be_visible()

    page.get_by_text("To the project").first.click()
    page.get_by_role("button", name="Export", exact=True).click()
    download = page.get_by_text("Download", exact=True).first
    expect(download).to_be_visible(timeout=60_000)
    with page.expect_download() as downloading:
        download.click()
    coco = json.loads(Path(downloading.value.path()).read_text())

    names = {category["id"]: category["name"] for category in coco["categories"]}
    images = {image["id"]: image["file_name"].rsplit("/", 1)[-1] for image in coco["images"]}
    exported = {images[a["image_id"]]: names[a["category_id"]] for a in coco["annotations"]}
    assert exported == {
        scene.path.rsplit("/", 1)[-1]: scene.instances[0].class_name
        for scene in truth.scenes
        if scene.instances
    }


def test_several_classes_are_given_by_keys_and_nothing_is_said_where_nothing_is(
    page: Page, system: Stack, tmp_path: Path
) -> None:
    truth = compose("multilabel", 9, 5, tmp_path / "photos")
    with Client(system.hosts[0].url, person=ADMIN) as admin:
        dataset = admin.create_dataset("Nine photos", key="nine")
        files = {scene.path: tmp_path / "photos" / scene.path for scene in truth.scenes}
        assert not admin.upload(dataset, files)
        project = admin.create_project("Nine", "multilabel", dataset, truth.classes, key="nine")
        admin.wait_until_running(project)
        items = f"/projects/{project}/items"
        while not all(item["width"] for item in admin.call("GET", items)["items"]):
            time.sleep(0.2)  # a page has what is measured: all nine on one
        page.add_init_script("localStorage.setItem('labelry.layout', '9')")
        page.goto(f"{system.url}/projects/{project}/label")
        wanted = {scene.path.rsplit("/", 1)[-1]: set(scene.tags) for scene in truth.scenes}
        for index, name in enumerate(shown(page)):
            page.get_by_role("option").nth(index).click()
            for tag in wanted[name]:
                page.keyboard.press(str(truth.classes.index(tag) + 1))
            if not wanted[name]:
                page.keyboard.press("n")
        page.keyboard.press("Enter")
        expect(page.get_by_role("heading", name="No images are left for you")).to_be_visible()

        about = admin.call("GET", f"/projects/{project}")
        names = {class_["class_id"]: class_["name"] for class_ in about["classes"]}
        saved: dict[str, set[str]] = {}
        for item in admin.call("GET", f"/projects/{project}/items")["items"]:
            full = admin.call("GET", f"/projects/{project}/items/{item['item_id']}")
            assert full["state"] == "labeled"
            tags = {names[annotation["class_id"]] for annotation in full["annotations"]}
            saved[item["path"].rsplit("/", 1)[-1]] = tags
    assert set() in wanted.values(), "one of them shows nothing"
    assert saved == wanted
