"""Images for people with a tag, whole way: an admin sets a rule in the page, two people label in theirs, and
what waits when the tag's only one has left is freed."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import Browser, Page, expect

from dev.client import Client, Person
from dev.site import build
from dev.stack import Stack

ADMIN = Person("admin", "admin@example.com", roles=("admin",))
ANN = Person("ann", "ann@example.com")
RAE = Person("rae", "rae@example.com")
ARRIVES_MS = 30_000
READY_S = 90
XRAYS, OTHERS = 8, 4
PATH = re.compile(r"(xray|ward)/\d+\.png")

Open = Callable[[Person], Page]


@pytest.fixture(scope="module")
def system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    settings = {
        "LABELRY_CACHE_SECONDS": "1",
        "AzureFunctionsJobHost__extensions__queues__maxPollingInterval": "00:00:00.200",
    }
    logs = tmp_path_factory.mktemp("logs")
    with Stack(site=build(), logs=logs, name="assignment", settings=settings) as running:
        yield running


@pytest.fixture
def admin(system: Stack) -> Iterator[Client]:
    with Client(system.hosts[0].url, person=ADMIN) as client:
        yield client


@pytest.fixture
def project(admin: Client, tmp_path: Path) -> str:
    """Eight images in `xray` and four in `ward`, measured, and two labelers without a tag."""
    files: dict[str, Path] = {}
    for folder, count in (("xray", XRAYS), ("ward", OTHERS)):
        for number in range(count):
            file = tmp_path / f"{folder}{number}.png"
            Image.new("RGB", (320, 240), (30 * number, 90, 160)).save(file)
            files[f"{folder}/{number}.png"] = file
    dataset = admin.create_dataset("Clinic", key="clinic")
    assert not admin.upload(dataset, files)
    made = admin.create_project("Clinic", "multiclass", dataset, ["Clear", "Odd"], key="clinic")
    for person in (ANN, RAE):
        admin.add_member(made, person)
    admin.wait_until_running(made)
    items = f"/projects/{made}/items"
    wait_until(lambda: sum(bool(one["width"]) for one in admin.call("GET", items)["items"]) == 12)
    return made


@pytest.fixture
def open_as(system: Stack, browser: Browser) -> Iterator[Open]:
    """A page of somebody, in a browser of their own."""
    contexts = []

    def opened(person: Person) -> Page:
        context = browser.new_context(locale="en-US", viewport={"width": 1440, "height": 900})
        contexts.append(context)
        context.add_cookies(
            [{"name": "StaticWebAppsAuthCookie", "value": person.cookie, "url": system.url}]
        )
        context.add_init_script("localStorage.setItem('labelry.layout', '4')")
        page = context.new_page()
        page.set_default_timeout(ARRIVES_MS)
        return page

    expect.set_options(timeout=ARRIVES_MS)
    yield opened
    expect.set_options(timeout=5_000)
    for context in contexts:
        context.close()


def wait_until(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + READY_S
    while not condition():
        assert time.monotonic() < end, "it took too long"
        time.sleep(0.2)


def assigned(admin: Client, project: str) -> list[tuple[str, int, int]]:
    """By tag: how many images wait, and how many people carry it."""
    found = admin.call("GET", f"/projects/{project}/progress")["assigned"]
    return [(one["tag"], one["waiting"], one["people"]) for one in found]


def shown(page: Page) -> list[str]:
    """Paths of the images on a labeling page."""
    tiles = page.get_by_role("listbox", name="Images to label").get_by_role("option")
    expect(tiles.first).to_be_visible()
    names = [tile.get_attribute("aria-label") or "" for tile in tiles.all()]
    return [found[0] for name in names if (found := PATH.search(name))]


def label_page(page: Page) -> list[str]:
    """Give each image on a page its first class, and submit; their paths."""
    expect(page.get_by_text(re.compile(r"^0 of \d+ labeled$"))).to_be_visible()
    paths = shown(page)
    for _ in paths:
        page.keyboard.press("1")
    page.keyboard.press("Enter")
    return paths


def label_all(page: Page, url: str) -> list[str]:
    """Label until nothing is left; the paths of everything seen."""
    page.goto(url)
    done = page.get_by_role("heading", name="No images are left for you")
    seen: list[str] = []
    expect(done.or_(page.get_by_text(re.compile(r"^0 of \d+ labeled$")))).to_be_visible()
    while not done.is_visible():
        seen += label_page(page)
        expect(done.or_(page.get_by_text(re.compile(r"^0 of \d+ labeled$")))).to_be_visible()
    return seen


def test_images_of_a_folder_go_to_those_with_the_tag_alone_until_an_admin_frees_them(
    system: Stack, admin: Client, project: str, open_as: Open
) -> None:
    url = f"{system.url}/projects/{project}"
    boss, ann, rae = open_as(ADMIN), open_as(ANN), open_as(RAE)

    boss.goto(f"{url}/people")
    tags = boss.get_by_role("textbox", name=f"Tags of {RAE.email}, with commas between")
    tags.fill("Radiologist")
    tags.press("Enter")
    boss.goto(f"{url}/details")
    boss.get_by_role("button", name="Add a rule").click()
    boss.get_by_role("combobox", name="For people tagged").fill("radiologist")
    boss.get_by_role("textbox", name="Folder", exact=True).fill("xray")
    boss.get_by_role("button", name="Give them to these people").click()
    wait_until(lambda: assigned(admin, project) == [("radiologist", XRAYS, 1)])

    seen = label_all(ann, f"{url}/label")
    assert len(seen) == OTHERS
    assert not any(path.startswith("xray/") for path in seen)

    rae.goto(f"{url}/label")
    hers = label_page(rae)
    assert len(hers) == 4
    assert all(path.startswith("xray/") for path in hers)
    expect(rae.get_by_text(re.compile(r"^0 of \d+ labeled$"))).to_be_visible()
    rae.context.close()

    boss.goto(url)
    boss.get_by_role("button", name="Give back").first.click()
    wait_until(lambda: assigned(admin, project) == [("radiologist", XRAYS - 4, 1)])
    boss.goto(f"{url}/people")
    boss.get_by_role("button", name=f"Remove {RAE.email}").click()
    boss.get_by_role("dialog").get_by_role("button", name="Remove", exact=True).click()
    wait_until(lambda: assigned(admin, project) == [("radiologist", XRAYS - 4, 0)])
    boss.goto(url)
    expect(boss.get_by_role("link", name="4 images for radiologist")).to_be_visible()
    expect(boss.get_by_text("Nobody carries this tag")).to_be_visible()
    boss.get_by_role("button", name="Give to everybody: radiologist").click()
    wait_until(lambda: assigned(admin, project) == [])

    rest = label_all(ann, f"{url}/label")
    assert sorted({*hers, *rest}) == [f"xray/{number}.png" for number in range(XRAYS)]
    states = admin.call("GET", f"/projects/{project}/progress")["states"]
    assert {state: count for state, count in states.items() if count} == {"labeled": 12}
