"""A project's whole life by its pages alone: nobody here calls the API, as nobody who uses them does."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from azure.storage.blob import BlobServiceClient
from PIL import Image
from playwright.sync_api import Browser, Locator, Page, expect

from dev.client import Person
from dev.cutouts import package_photo
from dev.site import build
from dev.stack import Stack

ADMIN = Person("admin", "admin@example.com", roles=("admin",))
ANN, BORA = Person("ann", "ann@example.com"), Person("bora", "bora@example.com")
ARRIVES_MS = 30_000  # two cores run storage, host, front door and browsers at once
MADE_MS = 180_000
NAME = "Houses"
IMAGES = 300
PAGE = 9
IN_STORAGE = 24
PHOTOS = ("coffee.png", "chelsea.png", "china.jpg", "flower.jpg", "rocket.jpg")
QUESTION = "Is a shed a house?"
TILE = re.compile(r"^Image \d+ of \d+, (?P<path>.*?): ")

SignIn = Callable[[Person], Page]


@pytest.fixture(scope="module")
def system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    logs = tmp_path_factory.mktemp("logs")
    settings = {"LABELRY_CACHE_SECONDS": "1"}
    with Stack(site=build(), logs=logs, name="life", settings=settings) as running:
        yield running


@pytest.fixture
def sign_in(browser: Browser, system: Stack) -> Iterator[SignIn]:
    contexts = []
    expect.set_options(timeout=ARRIVES_MS)

    def signed_in(person: Person) -> Page:
        context = browser.new_context(
            locale="en-US", viewport={"width": 1440, "height": 900}, accept_downloads=True
        )
        contexts.append(context)
        context.add_cookies(
            [{"name": "StaticWebAppsAuthCookie", "value": person.cookie, "url": system.url}]
        )
        context.add_init_script("localStorage.setItem('labelry.layout', '9')")
        page = context.new_page()
        page.set_default_timeout(ARRIVES_MS)
        page.goto(system.url)
        return page

    yield signed_in
    for context in contexts:
        context.close()
    expect.set_options(timeout=5_000)


def photos(folder: Path) -> list[Path]:
    """Cuts of photos, no two alike, in a folder of two folders."""
    files = [folder / f"{2023 + number % 2}/house {number:03}.jpg" for number in range(IMAGES)]
    wholes = [Image.open(package_photo(name)).convert("RGB") for name in PHOTOS]
    for number, file in enumerate(files):
        file.parent.mkdir(parents=True, exist_ok=True)
        whole = wholes[number % len(wholes)]
        left, top = number * 7 % (whole.width - 240), number * 5 % (whole.height - 180)
        whole.crop((left, top, left + 240, top + 180)).save(file, quality=85)
    return files


class Labeler:
    """Somebody who labels by keys, and what they remember of it."""

    def __init__(self, page: Page, project: str) -> None:
        self.page, self.project = page, project
        self.labels: dict[str, str] = {}

    def begin(self) -> None:
        """Open the labeling page; the instructions are read once."""
        self.page.goto(f"{self.project}/label")
        start = self.page.get_by_role("button", name="Start labeling")
        tile = self.page.get_by_role("option").first
        expect(start.or_(tile).first).to_be_visible()
        if start.is_visible():
            start.click()
        expect(tile).to_be_visible()

    def tile(self, position: int) -> Locator:
        return self.page.get_by_role("option").nth(position)

    def shown(self) -> list[str]:
        said = [
            locator.get_attribute("aria-label") or ""
            for locator in self.page.get_by_role("option").all()
        ]
        return [match["path"].rsplit("/", 1)[-1] for one in said if (match := TILE.match(one))]

    def label(self, *keys: str) -> None:
        """Decide so about the next images, and submit page by page; the rest of the last page is of class 1.

        Pages may be short while the images are still being measured.
        """
        left = list(keys)
        while left:
            expect(self.page.locator("[role=option]:focus")).to_be_visible()
            names = self.shown()
            now = left[: len(names)] + ["1"] * (len(names) - len(left))
            left = left[len(names) :]
            for key in now:
                self.page.keyboard.press(key)
                if key == "a":
                    self.page.keyboard.type(QUESTION)
                    self.page.keyboard.press("Enter")
            self.submit(dict(zip(names, now, strict=True)))

    def submit(self, decided: dict[str, str]) -> None:
        """Send the page, and wait until it makes room for what comes next."""
        self.labels |= decided
        self.page.keyboard.press("Enter")
        self.page.wait_for_function(
            "names => ![...document.querySelectorAll('[role=option]')]"
            ".some(one => names.some(name => one.ariaLabel.includes(name)))",
            arg=list(decided),
        )

    def go_home(self) -> None:
        """Leave the labeling page, which would go on asking for images."""
        self.page.goto("about:blank")

    def label_page(self, key: str) -> int:
        """Give all images of the page the same class and submit them; how many they were."""
        expect(self.page.locator("[role=option]:focus")).to_be_visible()
        names = self.shown()
        self.page.keyboard.press("Control+a")
        self.page.keyboard.press(key)
        self.submit(dict.fromkeys(names, key))
        return len(names)

    def label_until(self, said: str) -> None:
        """Give class 1 page by page, until a page says this; that page is left to look at."""
        for _ in range(4):  # the open page, and the one that was fetched ahead
            expect(self.page.locator("[role=option]:focus")).to_be_visible()
            if said in self.said():
                return
            self.label_page("1")
        raise AssertionError(f"no page says {said!r}: {self.said()}")

    def said(self) -> str:
        """What the page says about its images."""
        return " ".join(
            locator.get_attribute("aria-label") or ""
            for locator in self.page.get_by_role("option").all()
        )

    def label_all(self, key: str) -> None:
        """Give every image that comes the same class, until none is left or others hold the rest."""
        ends = re.compile("No images are left for you|The remaining images are with others")
        done = self.page.get_by_role("heading", name=ends)
        while True:
            expect(self.tile(0).or_(done).first).to_be_visible()
            if done.is_visible():
                return self.go_home()
            self.label_page(key)


def browse(page: Page, system: Stack, files: list[Path]) -> None:
    """A project over a folder of a container that is made on the way, which holds photos and a note."""
    page.get_by_text("New project").first.click()
    page.get_by_role("textbox", name="Name").fill("Houses in storage")
    page.get_by_role("radio", name=re.compile("^One class per image")).check(force=True)
    page.get_by_role("button", name="Next").click()
    page.get_by_role("radio", name="In storage").check(force=True)
    page.get_by_role("button", name="New container").click()
    page.get_by_role("dialog").get_by_role("textbox", name="Name of the container").fill("archive")
    page.get_by_role("dialog").get_by_role("button", name="Add").click()
    expect(page.get_by_role("dialog")).to_be_hidden()
    with BlobServiceClient.from_connection_string(system.connection_string) as account:
        archive = account.get_container_client("archive")
        for file in files[:IN_STORAGE]:
            archive.upload_blob(f"houses/{file.parent.name}/{file.name}", file.read_bytes())
        archive.upload_blob("houses/notes.txt", b"no image")
        archive.upload_blob("other/house.jpg", files[0].read_bytes())
    page.reload()
    page.get_by_role("list", name="In this folder").get_by_role("button", name="houses").click()
    expect(page.get_by_test_id("preview-count")).to_contain_text(f"{IN_STORAGE} images")
    expect(page.get_by_text("1 file left out")).to_be_visible()
    expect(page.get_by_role("img", name=re.compile("house 000"))).to_be_visible()
    page.get_by_role("button", name="Next").click()
    page.get_by_role("textbox", name="One class a line").fill("House\nShed")
    page.get_by_role("button", name="Next").click()
    page.get_by_role("button", name="Create", exact=True).click()
    expect(page.get_by_text(f"0 of {IN_STORAGE} images are labeled.")).to_be_visible(
        timeout=MADE_MS
    )


def create(page: Page, folder: Path) -> str:
    """A project made by uploading a folder; its address."""
    page.get_by_text("New project").first.click()
    page.get_by_role("textbox", name="Name").fill(NAME)
    page.get_by_role("radio", name=re.compile("^One class per image")).check(force=True)
    page.get_by_role("button", name="Next").click()
    page.locator("input[webkitdirectory]").set_input_files(folder)
    expect(page.get_by_text(f"Found {IMAGES} images")).to_be_visible()
    page.get_by_role("button", name="Next").click()
    page.get_by_role("textbox", name="One class a line").fill("House\nShed")
    page.get_by_role("button", name="Next").click()
    page.get_by_role("textbox", name="What labelers read first").fill("Label what is in front.")
    page.get_by_role("button", name="Create", exact=True).click()
    expect(page.get_by_text(f"0 of {IMAGES} images are labeled.")).to_be_visible(timeout=MADE_MS)
    return page.url


def invite(page: Page, *people: Person) -> None:
    page.get_by_role("link", name="People").click()
    addresses = page.get_by_role("textbox", name="E-mail addresses")
    addresses.fill("\n".join(person.email for person in people))
    page.get_by_role("button", name=re.compile("^Invite")).click()
    for person in people:
        expect(page.locator(f"[data-member='{person.email}']")).to_be_visible()


def open_tab(page: Page, name: str) -> None:
    page.get_by_role("navigation", name="Pages of the project").get_by_role(
        "link", name=name, exact=True
    ).click()


def count(page: Page, name: str) -> int:
    text = page.get_by_test_id(name).text_content() or ""
    return int(text) if text.isdecimal() else -1


def open_image(page: Page, state: str, file: str) -> None:
    """The large view of an image in a state, from the list of those."""
    open_tab(page, "Data")
    page.get_by_role("combobox", name="State").select_option(state)
    page.get_by_role("searchbox", name="Part of the path").fill(file)
    page.keyboard.press("Enter")
    page.get_by_role("listitem").filter(has_text=file).get_by_role("link").click()
    expect(page.get_by_role("heading", name=file)).to_be_visible()


def back_to_list(page: Page) -> None:
    page.get_by_role("button", name="Back to the list").click()


def add_class(page: Page, name: str, way: str) -> None:
    open_tab(page, "Details")
    page.get_by_role("button", name="Add classes").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("textbox").fill(name)
    dialog.get_by_role("radio", name=way, exact=True).check(force=True)
    dialog.get_by_role("button", name="Add classes").click()
    expect(dialog).to_be_hidden()
    expect(page.get_by_text(name, exact=True)).to_be_visible()
    expect(page.get_by_text("Running", exact=True)).to_be_visible()


def leave_out_all(page: Page, state: str) -> None:
    """Leave every image in a state out, however many there are."""
    open_tab(page, "Data")
    page.get_by_role("combobox", name="State").select_option(state)
    expect(page).to_have_url(re.compile(f"state={state}"))
    expect(page.get_by_role("listitem").filter(has_text="house").first).to_be_visible()
    page.get_by_role("button", name="Whole filter").click()
    page.get_by_role("menuitem", name="Leave all out").click()
    page.get_by_role("dialog").get_by_role("button", name="Start").click()
    expect(page.get_by_text(re.compile("Leaving out: finished"))).to_be_visible(timeout=MADE_MS)


def merge_class(page: Page, name: str, into: str) -> None:
    """All labels of a class become another's."""
    open_tab(page, "Details")
    page.get_by_role("button", name=f"Edit {name}").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("combobox", name="Merge into another class").select_option(label=into)
    dialog.get_by_role("button", name=f"Merge into {into}").click()
    expect(dialog).to_be_hidden()
    expect(page.get_by_role("button", name=f"Edit {name}")).to_have_count(0)


def expect_counts(page: Page, states: dict[str, int], people: dict[str, int]) -> None:
    """What the dashboard says: a recount of what was labeled."""
    open_tab(page, "Dashboard")
    expect(page).to_have_title(f"Dashboard · {NAME} · Labelry")
    for state, number in states.items():
        expect(page.get_by_test_id(f"count-{state}")).to_have_text(str(number))
    for person, number in people.items():
        row = page.get_by_role("row").filter(has_text=person)
        expect(row.get_by_role("cell").nth(1)).to_have_text(str(number))


def test_a_project_lives_from_its_making_to_its_end(
    sign_in: SignIn, system: Stack, tmp_path: Path
) -> None:
    admin = sign_in(ADMIN)
    files = photos(tmp_path / "houses")
    browse(admin, system, files)
    admin.goto(system.url)
    project = create(admin, tmp_path / "houses")
    invite(admin, ANN, BORA)

    ann, bora = Labeler(sign_in(ANN), project), Labeler(sign_in(BORA), project)
    ann.begin()
    bora.begin()
    ann.label("1", "2", "1", "s", "2", "2", "a", "1", "1")
    bora.label_page("1")
    bora.label_page("2")
    ann.label_page("2")
    bora.label_page("1")
    bora.go_home()
    ann.go_home()
    assert not {*ann.labels} & {*bora.labels}, "no image came twice"

    recount = Counter([*ann.labels.values(), *bora.labels.values()])
    labeled = recount["1"] + recount["2"]
    expect_counts(
        admin,
        {"labeled": labeled, "skipped": 1, "needs_review": 1, "left": IMAGES - labeled - 2},
        {ANN.email: len(ann.labels), BORA.email: len(bora.labels)},
    )
    assert [count(admin, f"class-c{key}") for key in (1, 2)] == [recount["1"], recount["2"]]

    asked, skipped, wrong = (
        next(name for name, key in ann.labels.items() if key == wanted) for wanted in "as2"
    )
    open_image(admin, "needs_review", asked)
    expect(admin.get_by_test_id("item-facts")).to_contain_text(QUESTION)
    admin.get_by_role("button", name="Answer").click()
    admin.get_by_role("dialog").get_by_role("textbox").fill("Yes, it is.")
    admin.get_by_role("dialog").get_by_role("button", name="Answer").click()
    expect(admin.get_by_role("dialog")).to_be_hidden()
    open_image(admin, "skipped", skipped)
    admin.get_by_role("button", name="Accept the skip").click()
    open_image(admin, "labeled", wrong)
    admin.get_by_role("button", name="Send back").click()
    admin.get_by_role("dialog").get_by_role("textbox").fill("Look at the roof.")
    admin.get_by_role("dialog").get_by_role("button", name="Send back").click()
    expect(admin.get_by_role("dialog")).to_be_hidden()
    good = next(name for name, key in bora.labels.items() if key == "1")
    open_image(admin, "labeled", good)
    admin.get_by_role("button", name="Approve").click()
    expect(admin.get_by_text("1 image approved.")).to_be_attached()
    back_to_list(admin)
    approved = admin.get_by_role("listitem").filter(has_text=good)
    expect(approved.get_by_title("Approved")).to_be_visible()

    ann.begin()
    ann.label_until("Returned: ")
    assert "Returned: Yes, it is." in ann.said()
    assert "Returned: Look at the roof." in ann.said()
    ann.label_page("1")
    ann.go_home()
    del ann.labels[skipped]
    leave_out_all(admin, "available")
    for labeler in (ann, bora):  # whichever of them holds the last
        labeler.page.goto(f"{project}/label")
        labeler.label_all("1")
    recount = Counter([*ann.labels.values(), *bora.labels.values()])
    left = recount["1"] + recount["2"]
    expect_counts(
        admin,
        {"labeled": left, "skipped": 0, "needs_review": 0, "left": 0},
        {ANN.email: len(ann.labels) + 1, BORA.email: len(bora.labels)},  # hers was a skip, too
    )

    add_class(admin, "Barn", "Stays as it is")
    expect_counts(admin, {"labeled": left, "left": 0}, {})
    add_class(admin, "Tower", "Is labeled again, beginning with its labels")
    expect_counts(admin, {"labeled": 0, "left": left}, {})
    ann.begin()
    expect(ann.tile(0)).to_have_attribute("aria-label", re.compile("(House|Shed). Back to be"))
    ann.label_all("4")
    expect_counts(admin, {"labeled": left, "left": 0}, {ANN.email: left + 1})
    assert count(admin, "class-c4") == left
    add_class(admin, "Castle", "Is labeled again from nothing")
    expect_counts(admin, {"labeled": 0, "left": left}, {})
    ann.begin()
    expect(ann.tile(0)).to_have_attribute("aria-label", re.compile("No label yet$"))
    again = ann.label_page("5")
    ann.go_home()
    expect_counts(admin, {"labeled": again, "left": left - again}, {})
    assert [count(admin, f"class-c{key}") for key in (3, 5)] == [0, again]
    merge_class(admin, "Castle", into="Barn")
    open_tab(admin, "Dashboard")
    expect(admin.get_by_test_id("class-c3")).to_have_text(str(again))
    expect(admin.get_by_test_id("class-c5")).to_have_count(0)

    admin.get_by_role("button", name="Pause").click()
    expect(admin.get_by_text("Paused", exact=True)).to_be_visible()
    bora.page.goto(f"{project}/label")
    expect(bora.page.get_by_role("heading", name="This project is paused")).to_be_visible()

    open_tab(admin, "Dashboard")
    admin.get_by_role("button", name="Export", exact=True).click()
    download = admin.get_by_text("Download", exact=True).first
    expect(download).to_be_visible(timeout=60_000)
    with admin.expect_download() as downloading:
        download.click()
    coco = json.loads(Path(downloading.value.path()).read_text())
    assert [annotation["category_id"] for annotation in coco["annotations"]] == [3] * again

    open_tab(admin, "Details")
    admin.get_by_role("textbox", name=f"To delete it, type its name: {NAME}").fill(NAME)
    admin.get_by_role("button", name="Delete project").click()
    expect(admin.get_by_role("heading", name=f"{NAME} was deleted")).to_be_visible()
    bora.page.goto(project)
    expect(bora.page.get_by_role("heading", name="This project can't be opened")).to_be_visible()
