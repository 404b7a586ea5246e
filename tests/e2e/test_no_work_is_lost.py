"""A labeler's tab, connection, host and storage fail in every way we know, and no edit is lost or doubled.

Both kinds of labeling pages go through it: `hands.py` says what an edit is on each. What counts as
acknowledged is what the screen shows one frame after an edit. In the end every such edit must
be in the browser's journal or with the API, as it was shown last, and no submission may be there twice.

Each fault comes once, among some two hundred edits; with `LABELRY_LONG_TESTS=1` (`make chaos`) twice, among
more than a thousand.
"""

from __future__ import annotations

import json
import os
import random
import re
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import pytest
from PIL import Image
from playwright.sync_api import Browser, BrowserContext, Page, Response, Route, expect
from playwright.sync_api import Error as BrowserError

from dev.client import ApiError, Client, Person
from dev.site import build
from dev.stack import Stack
from tests.e2e.hands import CLASSES, OPEN, Canvas, Grid, Hand, press

ADMIN = Person("admin", "admin@example.com", roles=("admin",))
ANN = Person("ann", "ann@example.com")
BOB = Person("bob", "bob@example.com")
LONG = bool(os.environ.get("LABELRY_LONG_TESTS"))
ROUNDS, EDITS, AT_LEAST = (2, 46, 1_000) if LONG else (1, 14, 200)
"""How often each fault comes, how many edits come before each, and how many there are in the end."""
ARRIVES_MS = 45_000  # two cores run storage, host, front door and browser at once

SHOWN = """() => new Promise(done => requestAnimationFrame(() => done({
  coming: document.querySelector("main[aria-busy=true]") !== null,
  kept: document.querySelector("[data-testid=saved]")?.dataset.kept === "true",
  works: WORKS,
})))"""

WATCH = """() => {
  const seen = new Set();
  const look = () => WORKS.forEach(work => seen.add(JSON.stringify(work)));
  const observer = new MutationObserver(look);
  observer.observe(document.body, {subtree: true, childList: true, characterData: true, attributes: true});
  window.watched = () => {
    observer.disconnect();
    return [...seen].map(work => JSON.parse(work));
  };
}"""
"""What is on the page after each change of it, until `watched()` is asked."""

JOURNAL = """() => new Promise((done, fail) => {
  const opening = indexedDB.open("labelry");
  opening.onerror = () => fail(opening.error);
  opening.onsuccess = () => {
    const database = opening.result;
    const read = database.transaction(["work", "outgoing"]);
    const work = read.objectStore("work").getAll();
    const outgoing = read.objectStore("outgoing").getAll();
    read.oncomplete = () => {
      database.close();
      done({
        work: work.result.map(row => ({item: row.itemId, ...row.work})),
        outgoing: outgoing.result.flatMap(row =>
          row.outgoing.submission.items.map(one => ({item: one.item_id, ...one}))),
      });
    };
  };
})"""


REFUSED = """() => new Promise(done => {
  const opening = indexedDB.open("probe");
  opening.onupgradeneeded = () => opening.result.createObjectStore("rows", {autoIncrement: true});
  opening.onerror = () => done(true);
  opening.onsuccess = () => {
    const write = opening.result.transaction("rows", "readwrite");
    write.objectStore("rows").put("x".repeat(1000));
    const end = refused => () => { opening.result.close(); done(refused); };
    write.oncomplete = end(false);
    write.onabort = end(true);
  };
})"""
"""Whether the browser refuses to keep what is written to it."""


@pytest.fixture(scope="module")
def system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    logs = tmp_path_factory.mktemp("logs")
    with Stack(site=build(), logs=logs, name="faults") as running:
        yield running


@pytest.fixture(scope="module", params=[Grid(), Canvas()], ids=["grid", "canvas"])
def hand(request: pytest.FixtureRequest) -> Hand:
    return request.param


@pytest.fixture(scope="module")
def project(system: Stack, hand: Hand, tmp_path_factory: pytest.TempPathFactory) -> str:
    """Small images, each of its own colour, in a project for Ann and Bob."""
    folder = tmp_path_factory.mktemp("images")
    chance = random.Random(7)
    for index in range(hand.images if LONG else hand.images // 4):
        color = tuple(chance.randrange(256) for _ in range(3))
        Image.new("RGB", hand.size, color).save(folder / f"{index:04d}.png")
    with Client(system.hosts[0].url, person=ADMIN) as admin:
        name = f"Trees, {hand.task_type}"
        dataset = admin.create_dataset(name, key=f"d-{hand.task_type}")
        files = {file.name: file for file in folder.iterdir()}
        assert not admin.upload(dataset, files)
        made = admin.create_project(name, hand.task_type, dataset, CLASSES, key=hand.task_type)
        admin.add_member(made, ANN)
        admin.add_member(made, BOB)
        admin.wait_until_running(made)
        suggestions = {name: hand.suggested(chance) for name in sorted(files)}
        admin.suggest(
            made,
            "a-model",
            [{"path": path, "annotations": some} for path, some in suggestions.items() if some],
        )
    return made


@pytest.fixture
def context(system: Stack, browser: Browser) -> Iterator[BrowserContext]:
    context = browser.new_context(locale="en-US", viewport={"width": 1440, "height": 900})
    context.add_cookies(
        [{"name": "StaticWebAppsAuthCookie", "value": ANN.cookie, "url": system.url}]
    )
    context.add_init_script(
        "localStorage.setItem('labelry.layout', '9');"
        "localStorage.setItem('labelry.language', 'en');"
    )
    context.set_default_timeout(ARRIVES_MS)
    yield context
    context.close()


def _is_late(result: dict[str, Any]) -> bool:
    """Whether the image was no longer the labeler's.

    What they have submitted before is something else: a browser that was full as it died did not note that, and
    shows what it had noted once more.
    """
    status = result["status"]
    return status == "saved_late" or (status == "superseded" and result["why"] != "submitted")


@dataclass
class Labeler:
    """Ann at her browser, who remembers what the screen told her."""

    context: BrowserContext
    address: str
    hand: Hand
    chance: random.Random
    page: Page = field(init=False)
    acknowledged: dict[str, str] = field(default_factory=dict[str, str])
    perhaps: dict[str, set[str]] = field(default_factory=dict[str, set[str]])
    """What was shown while the screen said that it is not kept yet."""
    sent: dict[str, dict[str, Any]] = field(default_factory=dict[str, dict[str, Any]])
    late: set[str] = field(default_factory=set[str])
    """Tasks that were no longer this labeler's when they were submitted."""
    calls: list[str] = field(default_factory=list[str])
    """What was seen, asked of the API and answered, for whoever looks for a fault."""
    edits: int = 0
    cut_off: bool = False
    """Nothing new comes: no connection, or the project is paused."""

    def __post_init__(self) -> None:
        self.open()

    def open(self) -> None:
        """A new tab on the labeling page."""
        self.page = self.context.new_page()
        self.page.on("request", self._remember)
        self.page.on("response", self._hear)
        self.page.clock.install()
        self.page.goto(self.address)
        self.arrive()

    def _remember(self, request: Any) -> None:
        if request.method == "POST" and request.url.endswith("/submit"):
            body = json.loads(request.post_data)
            if body["submission_id"] not in self.sent:
                self.calls += [
                    f"{time.monotonic():.2f} sends {one['item_id']}: {self.hand.said(one)}"
                    for one in body["items"]
                ]
            known = self.sent.setdefault(body["submission_id"], body)
            assert known == body, "a submission is replayed as it was"

    def _hear(self, response: Response) -> None:
        asked = response.request
        path = response.url.partition("/tasks")[2]
        if "/tasks" in response.url and "/api/" in response.url:
            with suppress(BrowserError):
                tasks = re.findall(r'"task_id":"(\w+)"', response.text())
                at = time.monotonic()
                body = (asked.post_data or "")[:60]
                said = f"{asked.method} {path} {body} -> {response.status} {tasks}"
                self.calls.append(f"{at:.2f} {said}")
        if response.request.method == "POST" and response.url.endswith("/submit") and response.ok:
            with suppress(BrowserError):  # the tab was killed meanwhile
                results = response.json()["results"]
                self.calls += [f"{time.monotonic():.2f} answered {result}" for result in results]
                if any(_is_late(result) for result in results):
                    self.late.add(response.url.split("/")[-2])

    def arrive(self) -> None:
        """Images are there, and those known already are shown as they were."""
        expect(self.page.locator("[data-item]").first).to_be_visible(timeout=ARRIVES_MS)
        self.look()

    def look(self) -> None:
        """Compare what is shown with what was acknowledged before."""
        for item, work in self._shown()["works"]:
            self._same(item, work)

    def _same(self, item: str, work: str) -> None:
        allowed = {self.acknowledged.get(item, work), *self.perhaps.get(item, set())}
        submitted = set(map(self.hand.comes_to, allowed))
        assert work in allowed | submitted, f"{item} was {sorted(allowed)} and is {work} now"

    def _shown(self) -> Any:
        """What is seen in the next frame, or when the page before has come back."""
        script = SHOWN.replace("WORKS", self.hand.shown)
        shown = self.page.evaluate(script)
        if shown["coming"]:
            expect(self.page.locator("main[aria-busy=true]")).to_have_count(0, timeout=ARRIVES_MS)
            shown = self.page.evaluate(script)
        return shown

    def edit(self, before: dict[str, str], *, strict: bool = True) -> None:
        """One random edit. `strict`: what is seen counts, whatever the page says about keeping it."""
        if not strict:  # an edit by several keys may be kept after any of them
            self.page.evaluate(WATCH.replace("WORKS", self.hand.shown))
        self.hand.edit(self.page, self.chance)
        if not strict:
            for item, work in self.page.evaluate("watched()"):
                self.perhaps.setdefault(item, set()).add(work)
        shown = self._shown()
        for item, work in shown["works"]:
            if item not in before:  # undone as far as the page before
                self._same(item, work)
                continue
            self.edits += before[item] != work
            self.calls.append(f"{time.monotonic():.2f} {item}, kept {shown['kept']}: {work}")
            if strict or shown["kept"]:
                self.acknowledged[item] = work
                self.perhaps.pop(item, None)
            elif before[item] != work:
                self.perhaps.setdefault(item, set()).add(work)

    def work(self, edits: int, *, strict: bool = True) -> None:
        """So many edits; a page that is decided is submitted now and then, whole or in part."""
        until = self.edits + edits
        while self.edits < until:
            shown = dict(self._shown()["works"])
            if not shown and self.cut_off:
                return
            if not shown:
                self.arrive()
                continue
            decided = sum(not work.startswith(OPEN) for work in shown.values())
            if keys := self.hand.submission(decided, len(shown), self.chance):
                press(self.page, keys)
            else:
                self.edit(shown, strict=strict)

    def saved(self) -> None:
        """Wait until the page says that all is saved."""
        mark = self.page.get_by_test_id("saved")
        expect(mark).to_have_attribute("data-unsaved", "0", timeout=ARRIVES_MS)

    def work_cut_off(self, edits: int) -> None:
        """So many edits, or fewer when there is nothing left to work on."""
        self.cut_off = True
        self.work(edits)
        self.cut_off = False

    def kill(self) -> None:
        """The tab dies: no handler of the page runs."""
        session = self.context.new_cdp_session(self.page)
        with suppress(BrowserError):
            session.send("Page.crash", timeout=2_000)
        self.page.close()


@dataclass
class World:
    """What can go wrong around a labeler."""

    system: Stack
    project: str
    labeler: Labeler
    given_back: set[str] = field(default_factory=set[str])
    """Tasks that an admin took away."""

    def tab_killed(self) -> None:
        self.labeler.kill()
        self.labeler.open()

    def reload(self) -> None:
        self.labeler.page.reload()
        self.labeler.arrive()

    def ten_minutes_offline(self) -> None:
        ann = self.labeler
        ann.context.set_offline(True)
        ann.work_cut_off(8)
        ann.page.clock.fast_forward("10:00")
        ann.work_cut_off(6)
        ann.context.set_offline(False)
        ann.page.clock.fast_forward("00:30")
        ann.saved()

    def signed_out(self) -> None:
        ann = self.labeler
        ann.context.route("**/api/**", lambda route: route.fulfill(status=401, json={}))
        ann.work_cut_off(8)
        ann.page.clock.fast_forward("00:06")
        expect(ann.page.get_by_text("You are signed out.")).to_be_visible()
        ann.context.unroute("**/api/**")
        ann.page.clock.fast_forward("00:30")
        ann.saved()

    def pictures_refused(self) -> None:
        ann = self.labeler
        pictures = "**/devstoreaccount1/**"

        def refuse(route: Route) -> None:
            route.fulfill(status=403, body="AuthenticationFailed")

        ann.context.route(pictures, refuse)
        ann.page.reload()
        ann.arrive()
        ann.work(8)
        ann.context.unroute(pictures)
        ann.page.clock.fast_forward("00:20")
        ann.saved()

    def lease_over(self) -> None:
        """The images are given back, and Bob takes some of them."""
        ann = self.labeler
        with Client(self.system.hosts[-1].url, person=ADMIN) as admin:
            for lease in admin.call("GET", f"/projects/{self.project}/leases")["items"]:
                self.given_back.add(lease["task_id"])
                with suppress(ApiError):  # submitted at this moment
                    task = f"/projects/{self.project}/tasks/{lease['task_id']}"
                    admin.call("POST", f"{task}/release", {})
        ann.work(8)
        ann.page.reload()
        ann.arrive()

    def project_paused(self) -> None:
        ann = self.labeler
        with Client(self.system.hosts[-1].url, person=ADMIN) as admin:
            admin.call("POST", f"/projects/{self.project}/pause", {})
            ann.work_cut_off(8)
            ann.page.reload()
            admin.call("POST", f"/projects/{self.project}/resume", {})
        ann.page.clock.fast_forward("00:30")
        ann.arrive()

    def host_killed(self) -> None:
        ann = self.labeler
        host = self.system.hosts[-1]
        host.kill()
        ann.work_cut_off(8)
        self.system.add_host(port=int(host.url.rsplit(":", 1)[1]))
        ann.page.clock.fast_forward("00:30")
        ann.saved()

    def second_tab(self) -> None:
        ann = self.labeler
        first = ann.page
        ann.open()
        ann.page.get_by_role("button", name="Take over").click()
        expect(first.get_by_role("button", name="Take over")).to_be_visible()
        ann.work(8)
        ann.hand.edit(first, ann.chance)  # only looks on
        first.close()

    def browser_full(self) -> None:
        ann = self.labeler
        session = ann.context.new_cdp_session(ann.page)
        origin = ann.address.split("/projects")[0]
        session.send("Storage.overrideQuotaForOrigin", {"origin": origin, "quotaSize": 1})
        # After a write Chromium does not look for 30 s whether there is room for the next (seen in 156).
        end = time.monotonic() + 90
        while not ann.page.evaluate(REFUSED):
            assert time.monotonic() < end, "a full browser still keeps what it is given"
            time.sleep(1)
        ann.work(20, strict=False)
        ann.page.clock.fast_forward("00:02")
        ann.saved()
        ann.work(1, strict=False)
        session.send("Storage.overrideQuotaForOrigin", {"origin": origin})
        ann.kill()
        ann.open()


FAULTS: list[Callable[[World], None]] = [
    World.tab_killed,
    World.reload,
    World.ten_minutes_offline,
    World.signed_out,
    World.pictures_refused,
    World.lease_over,
    World.project_paused,
    World.host_killed,
    World.second_tab,
    World.browser_full,
]


@pytest.mark.timeout(900)
def test_edits_survive_every_fault_and_none_is_doubled(
    system: Stack, project: str, hand: Hand, context: BrowserContext
) -> None:
    address = f"{system.url}/projects/{project}/label"
    labeler = Labeler(context, address, hand, random.Random(20))
    world = World(system, project, labeler)

    for fault in FAULTS * ROUNDS:
        began = time.monotonic()
        labeler.work(EDITS)
        labeler.calls.append(f"{time.monotonic():.2f} {fault.__name__}")
        fault(world)
        labeler.look()
        print(f"{fault.__name__}: {labeler.edits} edits, {time.monotonic() - began:.1f} s")

    labeler.page.clock.fast_forward("00:30")
    labeler.saved()
    kept = labeler.page.evaluate(JOURNAL)
    found = {one["item"]: {hand.said(one)} for one in [*kept["outgoing"], *kept["work"]]}
    twice: list[str] = []
    with Client(system.hosts[-1].url, person=ADMIN) as admin:
        for item in labeler.acknowledged:
            path = f"/projects/{project}/items/{item}/history"
            mine = [
                entry
                for entry in admin.call("GET", path)["items"]
                if entry.get("submission_id") in labeler.sent
            ]
            counts = Counter(entry["submission_id"] for entry in mine)
            twice += [f"{item} {one}" for one, count in counts.items() if count > 1]
            if item not in found and mine:
                found[item] = {hand.said(mine[-1])}
    lost = [
        f"{item}: {work} shown, {found.get(item)} found"
        for item, work in labeler.acknowledged.items()
        if not work.startswith(OPEN)
        and not set(map(hand.comes_to, found.get(item, set())))
        & set(map(hand.comes_to, {work, *labeler.perhaps.get(item, ())}))
    ]
    print(
        f"{labeler.edits} edits, {len(labeler.sent)} submissions, {len(lost)} lost, {len(twice)} doubled"
    )
    for item in (line.partition(":")[0] for line in lost):
        print(*(call for call in labeler.calls if item in call), sep="\n")
    assert (lost, twice) == ([], [])
    for task in labeler.late - world.given_back:
        print(
            f"what was asked about {task}:",
            *(call for call in labeler.calls if task in call),
            sep="\n  ",
        )
    assert labeler.late <= world.given_back, "worked on tasks that it had given back itself"
    assert labeler.edits >= AT_LEAST
    assert labeler.sent, "nothing was submitted"
