"""The same work on Labelry and on Label Studio, in one run on one machine, as ratios.

Label Studio comes from PyPI into an environment of its own below `.local/peers`, and runs as it comes: its own
server, SQLite. Both are asked over HTTP on 127.0.0.1, in turns, since a machine is not equally fast all the
time. Label Studio is sent addresses of images and never opens them; Labelry lists and registers real files.
"""

from __future__ import annotations

import os
import secrets
import socket
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from dev import ROOT, environments
from dev.bench.arrival import Arrival, running
from dev.bench.export import SHAPES, labeled
from dev.bench.measure import Measure
from dev.child import Child
from labeling.adapters.azure import connect

PACKAGES = ("label-studio==1.23.2",)
TURNS = 5
SINGLE = 30
PAGES = 8
"""A turn: so many pages of one image each on both, then so many of nine on ours."""
PAGE = 9
EXPORTS = 3
"""How often each exports; the fastest counts."""
_READY_S = 240
_BOX = {"kind": "box", "x0": 0.1, "y0": 0.1, "x1": 0.3, "y1": 0.3}
_CONFIG = """<View><Image name="image" value="$image"/><RectangleLabels name="label" toName="image">
<Label value="cat"/><Label value="dog"/></RectangleLabels></View>"""
_RESULT = {
    "from_name": "label",
    "to_name": "image",
    "type": "rectanglelabels",
    "original_width": 32,
    "original_height": 24,
    "value": {
        "x": 10,
        "y": 10,
        "width": 20,
        "height": 20,
        "rotation": 0,
        "rectanglelabels": ["cat"],
    },
}


@dataclass
class LabelStudio:
    """A running Label Studio with a project of boxes."""

    child: Child
    api: httpx.Client
    project: int = 0
    both_s: list[float] = field(default_factory=list[float])
    """From asking for an image until its box is saved, for each image."""

    @classmethod
    def start(cls, folder: Path) -> LabelStudio:
        """Install what is missing, and wait until it answers."""
        python = environments.made(ROOT / ".local/peers/label-studio", PACKAGES)
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        url, token = f"http://127.0.0.1:{port}", secrets.token_hex(20)
        command = [
            *(python.with_name("label-studio"), "start", "--no-browser", "--port", str(port)),
            *("--host", url, "--internal-host", "127.0.0.1", "--data-dir", str(folder)),
            *("--username", "bench@example.com", "--password", secrets.token_hex(16)),
            *("--user-token", token, "--log-level", "ERROR"),
        ]
        env = {
            "LABEL_STUDIO_ENABLE_LEGACY_API_TOKEN": "true",
            "COLLECT_ANALYTICS": "false",
            "LATEST_VERSION_CHECK": "false",
        }
        log = folder / "label-studio.log"
        child = Child.start("label-studio", command, log=log, env=env)
        api = httpx.Client(
            base_url=f"{url}/api",
            headers={"Authorization": f"Token {token}"},
            timeout=300,
            follow_redirects=True,
        )

        def answers() -> bool:
            try:
                return api.get("/projects/").is_success
            except httpx.TransportError:
                return False

        child.wait_until(answers, timeout_s=_READY_S)
        return cls(child, api)

    def fill(self, images: int) -> float:
        """Make a project of so many tasks; how many seconds it took to take them in."""
        made = self.api.post("/projects/", json={"title": "Bench", "label_config": _CONFIG})
        self.project = made.raise_for_status().json()["id"]
        tasks = [{"data": {"image": f"http://127.0.0.1:1/{n}.jpg"}} for n in range(images)]
        began = time.perf_counter()
        self.api.post(f"/projects/{self.project}/import", json=tasks).raise_for_status()
        return time.perf_counter() - began

    def label_until(self, over: Callable[[], bool]) -> None:
        """Label image by image, as fast as it answers."""
        while not over():
            began = time.perf_counter()
            task = self.api.get(f"/projects/{self.project}/next/").raise_for_status().json()["id"]
            body = {"result": [_RESULT]}
            self.api.post(f"/tasks/{task}/annotations/", json=body).raise_for_status()
            self.both_s.append(time.perf_counter() - began)

    def label_all(self, images: int, boxes: int = 1) -> float:
        """In a project of its own, take in so many tasks with so many boxes each; in how many seconds."""
        made = self.api.post("/projects/", json={"title": "Labeled", "label_config": _CONFIG})
        self.project = made.raise_for_status().json()["id"]
        tasks = [
            {
                "data": {"image": f"http://127.0.0.1:1/{n}.jpg"},
                "annotations": [{"result": [_RESULT] * boxes}],
            }
            for n in range(images)
        ]
        began = time.perf_counter()
        self.api.post(f"/projects/{self.project}/import", json=tasks).raise_for_status()
        return time.perf_counter() - began

    def export(self) -> float:
        """Take out all labels as COCO; in how many seconds."""
        began = time.perf_counter()
        asked = {"exportType": "COCO"}
        answer = self.api.get(f"/projects/{self.project}/export", params=asked)
        assert answer.raise_for_status().content[:2] == b"PK"
        return time.perf_counter() - began

    def stop(self) -> None:
        """End it."""
        self.api.close()
        self.child.stop()


def _label_all(arrival: Arrival, images: int) -> float:
    """Take in a COCO file with a box in each image that nobody has labeled yet; in how many seconds."""
    file = {
        "images": [
            {"id": n, "file_name": f"{n:07d}.jpg", "width": 32, "height": 24} for n in range(images)
        ],
        "annotations": [
            {"id": n, "image_id": n, "category_id": 1, "bbox": [3, 2, 6, 5]} for n in range(images)
        ],
        "categories": [{"id": 1, "name": "cat"}],
    }
    began = time.perf_counter()
    path = f"/projects/{arrival.project_id}/imports"
    made = arrival.admin.call("POST", path, {"file_name": "labels.json"})
    blob = {"x-ms-blob-type": "BlockBlob"}
    httpx.put(made["url"], json=file, headers=blob, timeout=60).raise_for_status()
    one = f"{path}/{made['import_id']}"
    now = arrival.admin.call("POST", f"{one}/start", {"format": "coco", "into": "labels"})
    while now["state"] not in ("done", "failed"):
        time.sleep(0.1)
        now = arrival.admin.call("GET", one)
    assert now["state"] == "done", now["problem"]
    return time.perf_counter() - began


def _export(arrival: Arrival) -> float:
    """Take out all labels of ours as COCO, all its files read; in how many seconds."""
    began = time.perf_counter()
    path = f"/projects/{arrival.project_id}/exports"
    export = arrival.admin.call("POST", path, {"format": "coco"})
    while export["state"] == "waiting":
        time.sleep(0.05)
        export = arrival.admin.call("GET", f"{path}/{export['export_id']}")
    assert export["state"] == "done", export["problem"]
    for file in export["files"]:
        asked = {"name": file["name"]}
        link = arrival.admin.call("POST", f"{path}/{export['export_id']}/link", asked)
        httpx.get(link["url"]).raise_for_status()
    return time.perf_counter() - began


def _memory_mb(child: Child) -> float:
    """What a program and those it started hold in memory; of pages they share each counts its own."""
    pages = 0
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if os.getpgid(int(process.name)) == child.process.pid:
                pages += int((process / "statm").read_text().split()[1])
        except (ProcessLookupError, FileNotFoundError):
            continue
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def _pages(count: int) -> Callable[[], bool]:
    left = iter(range(count))
    return lambda: next(left, None) is None


def measures(images: int) -> Iterator[Measure]:
    """Each row says how many times as fast as Label Studio Labelry is, both holding `images` images."""
    with tempfile.TemporaryDirectory() as folder, running() as (system, ours):
        ours.task_type, ours.geometry = "boxes", _BOX
        ours.fill(0, images)
        theirs = LabelStudio.start(Path(folder) / "label-studio")
        try:
            yield from _compared(ours, theirs, images, system.hosts[0].child)
        finally:
            theirs.stop()


def exports(images: int) -> Iterator[Measure]:
    """How many times as fast as Label Studio so many labeled images come out as COCO, two boxes on each.

    Ours are put where ingestion and labeling would have put them: the emulator takes an hour for that.
    """
    with tempfile.TemporaryDirectory() as folder, running() as (system, ours):
        ours.project_id = labeled(connect(system.connection_string), images, "boxes")
        theirs = LabelStudio.start(Path(folder) / "label-studio")
        try:
            theirs.label_all(images, SHAPES)
            turns = [(_export(ours), theirs.export()) for _ in range(EXPORTS)]
            memory = _memory_mb(system.hosts[0].child), _memory_mb(theirs.child)
        finally:
            theirs.stop()
    our_s, their_s = (min(seconds) for seconds in zip(*turns, strict=True))
    print(f"{images:,} images of {SHAPES} boxes as COCO: {our_s:.1f} s, theirs {their_s:.1f} s")
    print(f"memory after it {memory[0]:.0f} MB, theirs {memory[1]:.0f} MB")
    ratio = their_s / our_s
    name = f"COCO of {images:,} labeled images, times as fast as Label Studio"
    yield Measure(name, round(ratio, 2), "ratio", 10, ratio >= 10)


def _compared(ours: Arrival, theirs: LabelStudio, images: int, host: Child) -> Iterator[Measure]:
    taken_in = theirs.fill(images)
    began = time.perf_counter()
    ours.begin()
    ours.wait_for(images)
    registered = time.perf_counter() - began
    ours.wait_for(2 * images)

    # Before anybody labels: what is taken in gives way to people.
    labeled = images // 2
    our_import = _label_all(ours, labeled)
    our_export = _export(ours)
    tasks = theirs.project
    their_import, their_export = theirs.label_all(labeled), theirs.export()
    theirs.project = tasks

    ours.label_until(_pages(10))  # warm
    theirs.label_until(_pages(10))
    theirs.both_s.clear()
    single, page = list[float](), list[float]()
    for _ in range(TURNS):
        single.append(ours.label_until(_pages(SINGLE)).both_ms)
        theirs.label_until(_pages(SINGLE))
        page.append(ours.label_until(_pages(PAGES), PAGE).both_ms / PAGE)
    their_ms = 1000 * statistics.median(theirs.both_s)
    our_ms, our_page_ms = statistics.median(single), statistics.median(page)
    print(f"{images:,} images: registered in {registered:.1f} s, as tasks in {taken_in:.1f} s")
    print(f"{labeled:,} of them: labels in {our_import:.1f} s, theirs in {their_import:.1f} s")
    print(f"... and out as COCO in {our_export:.1f} s, theirs in {their_export:.1f} s")
    print(f"next + submit {our_ms:.0f} ms, theirs {their_ms:.0f} ms; {our_page_ms:.1f} ms on pages")
    print(f"memory {_memory_mb(host):.0f} MB, theirs {_memory_mb(theirs.child):.0f} MB")
    for name, value, least in (
        ("next + submit of one image", their_ms / our_ms, 4.5),
        (f"an image on a page of {PAGE}", their_ms / our_page_ms, 18.0),
        ("labels taken in", their_import / our_import, 0.0),
        ("labels taken out as COCO", their_export / our_export, 1.0),
        ("images taken in", taken_in / registered, 0.0),
    ):
        yield Measure(
            f"{name}, times as fast as Label Studio",
            round(value, 2),
            "ratio",
            least,
            value >= least,
        )
