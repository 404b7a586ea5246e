"""One labeler, as a process: `python -m dev.simulate.labeler PLAN.json`.

Knows nothing but what the API tells it, and the truth about the photos. Writes down, line by line
and at once, everything it asks, receives, sends and is answered: the judge has nothing else.
"""

from __future__ import annotations

import json
import math
import random
import sys
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from datetime import datetime
from http.client import HTTPConnection
from pathlib import Path
from threading import Lock
from typing import Any, Literal
from urllib.parse import urlsplit

import httpx

from dev.client import Person
from dev.outlines import Part
from dev.suggestions import NOISE_PX, noisy, sound

Role = Literal["worker", "killed", "late", "prefetching"]
Json = dict[str, Any]

CALLS = "x-labelry-calls"
"""The header that tells how many storage calls an answer took (LABELRY_COUNT_CALLS)."""

_PAGES = (1, 4, 6, 9)
_THINK_S = (0.02, 0.2)  # a page
_LOGGED = ("item_id", "revision", "path", "width", "height", "prelabel")  # of an image on a page
_SKIPPED = 0.05  # of the images
_WRONG = 0.03  # of the images get another class
_WAIT_S = 2.0  # at most, before asking again
_DRY_S = 6.0  # a host believes this long that there is nothing
_TIMEOUT_S = 60


@dataclass(frozen=True)
class Plan:
    """What a labeler is told at its start."""

    number: int
    user_id: str
    role: Role
    seed: int
    url: str
    project_id: str
    task_type: str
    truth: str
    """The file `truth.json`."""
    """What the API puts before the paths of the truth."""
    log: str
    go: str
    """A file; the work begins when it is there."""
    grace_s: float
    """After the end of a lease, before its images are given to others."""
    patience_s: float
    """How long to wait for work that others hold."""
    hold_at: int
    """Which page the one to be killed waits at."""
    tries: int = 3
    """Of a request that is answered 5xx, or not at all."""

    def write(self, file: Path) -> None:
        """For the process to read."""
        file.write_text(json.dumps(asdict(self)), encoding="utf-8")

    @classmethod
    def read(cls, file: Path) -> Plan:
        """What `write` wrote."""
        return cls(**json.loads(file.read_text(encoding="utf-8")))


def person(user_id: str) -> Person:
    """The labeler as the sign-in service describes them."""
    return Person(user_id, f"{user_id}@example.com")


@dataclass
class Page:
    """A task in hand."""

    task_id: str
    items: list[Json]
    until: float
    correction: bool = False
    made: dict[str, Json] = field(default_factory=dict[str, Json])
    """Of images with suggestions: what became of them, see `acceptance.Acceptance`."""


@dataclass
class Labeler:
    """Works until there is nothing left."""

    plan: Plan
    _log_lock: Lock = field(default_factory=Lock)

    def __post_init__(self) -> None:
        plan = self.plan
        self._log_file = Path(plan.log).open("a", encoding="utf-8")  # noqa: SIM115 - till the end
        self._random = random.Random(f"{plan.seed}-{plan.number}")
        self._headers = {
            "x-ms-client-principal": person(plan.user_id).header,
            "Content-Type": "application/json",
        }
        self._tasks = f"/api/projects/{plan.project_id}/tasks"
        self._api = self._connection()
        content: Json = json.loads(Path(plan.truth).read_text(encoding="utf-8"))
        self._truth: dict[str, Json] = content["files"]
        self._classes: dict[str, str] = {}
        self._submissions = self._pages = 0
        self._released_at = 0.0
        self._corrected = False

    def log(self, event: str, **facts: Any) -> None:
        """Write a line down, so that it survives our death."""
        line = {"at": time.time(), "labeler": self.plan.user_id, "event": event, **facts}
        with self._log_lock:
            self._log_file.write(json.dumps(line, ensure_ascii=False) + "\n")
            self._log_file.flush()

    def run(self) -> None:
        """Wait for the start, label, and say how it ended."""
        project = self._send("GET", f"/api/projects/{self.plan.project_id}")
        if project is None:
            self.log("ended", why="no project")
            return
        self._classes = {class_["name"]: class_["class_id"] for class_ in project.json()["classes"]}
        self.log("ready")
        while not Path(self.plan.go).exists():
            time.sleep(0.01)
        self.log("ended", why=self._work())

    # The day.

    def _work(self) -> str:
        aside: Page | None = None
        ahead: list[Page] = []
        last = time.monotonic()
        nothing_left = 0
        while True:
            page = ahead.pop(0) if ahead else self._next()
            if isinstance(page, Page):
                last, nothing_left = time.monotonic(), 0
                self._pages += 1
                if self.plan.role == "killed" and self._pages == self.plan.hold_at:
                    self.log("holding", task_id=page.task_id)
                    time.sleep(600)
                if self.plan.role == "prefetching":
                    more = self._next("prefetch")
                    ahead += [more] if isinstance(more, Page) else []
                if self.plan.role == "late" and aside is None:
                    aside = page
                    continue
                self._label(page)
                continue
            if aside:
                # Others may have its images by then.
                time.sleep(max(0.0, aside.until + self.plan.grace_s + 1 - time.time()))
                self._submit(aside, self._decide(aside))
                aside = None
                continue
            settled = time.monotonic() > self._released_at + _DRY_S
            nothing_left += page.get("why") == "none_left" and settled
            if nothing_left == 2:
                return "none_left"
            # Too many are open, and none of them in hand: those were given up, the host was broken.
            given_up = page.get("why") == "too_many_open"
            if given_up or time.monotonic() - last > self.plan.patience_s:
                return "gave_up"
            time.sleep(min(page.get("retry_after_s") or 1, _WAIT_S))

    def _next(self, purpose: str = "next") -> Page | Json:
        """A page, or the answer why there is none."""
        request_id = self._id("r")
        size = self._random.choice(_PAGES)
        body = {"request_id": request_id, "size": size, "purpose": purpose}
        self.log("asked", **body)
        again = self._random.random() < 0.05
        if again:
            self._lose_answer(self._tasks, body)
        answer = self._send("POST", self._tasks, body)
        return self._received(answer, request_id, again=again)

    def _received(
        self, answer: httpx.Response | None, request_id: str, *, again: bool
    ) -> Page | Json:
        if answer is None or answer.status_code != 200:
            return {}
        content: Json = answer.json()
        calls = int(answer.headers[CALLS])
        task: Json | None = content["task"]
        if task is None:
            self.log("none", request_id=request_id, why=content["why"], calls=calls)
            return content
        until = _timestamp(task["lease"]["until"]) if task["lease"] else 0.0
        self.log(
            "task",
            request_id=request_id,
            task_id=task["task_id"],
            kind=task["kind"],
            state=task["state"],
            until=until,
            items=[{name: item[name] for name in _LOGGED} for item in task["items"]],
            calls=calls,
            again=again,
        )
        return Page(task["task_id"], task["items"], until)

    def _label(self, page: Page) -> None:
        """Decide about a page and send it, with all that a page may go through on the way."""
        chance = self._random.random
        time.sleep(self._random.uniform(*_THINK_S))
        decisions = self._decide(page)
        if chance() < 0.15:
            self._draft(page, decisions)
        if chance() < 0.05:
            self._renew(page)
        if chance() < 0.05:
            self._release(page)
            if chance() < 0.5:
                self._submit(page, decisions)
            return
        if len(decisions) > 1 and chance() < 0.15:
            half = len(decisions) // 2
            if not self._submit(page, decisions[:half]):
                return
            decisions = decisions[half:]
        if self._submit(page, decisions):
            self._maybe_correct(page)

    def _maybe_correct(self, page: Page) -> None:
        """Once: take something up again that was done, and change it."""
        if self._corrected or page.correction:
            return
        self._corrected = True
        request_id = self._id("r")
        body = {"request_id": request_id, "items": [item["item_id"] for item in page.items[:2]]}
        self.log("asked", purpose="correction", **body)
        answer = self._send("POST", f"{self._tasks}/{page.task_id}/reopen", body)
        found = self._received(answer, request_id, again=True)
        if isinstance(found, Page):
            found.correction = True
            self._submit(found, self._decide(found))

    # What is said about images.

    def _decide(self, page: Page) -> list[Json]:
        return [self._decision(item, page) for item in page.items]

    def _decision(self, item: Json, page: Page) -> Json:
        annotations = self._annotations(item, correction=page.correction)
        decision: Json = {
            "item_id": item["item_id"],
            "base_revision": item["revision"],
            "active_ms": self._random.randrange(500, 5000),
        }
        nothing_to_say = not annotations and self.plan.task_type in ("multiclass", "multilabel")
        skipped = nothing_to_say or self._random.random() < _SKIPPED
        if item["prelabel"]:
            made = [] if skipped else annotations
            page.made[item["item_id"]] = self._mend(item["prelabel"], made, item["path"])
        if skipped:
            reason = "nothing to see" if nothing_to_say else self._random.choice(["흐림", "a blur"])
            return {**decision, "outcome": "skipped", "reason": reason, "annotations": []}
        return {**decision, "outcome": "labeled", "reason": None, "annotations": annotations}

    def _annotations(self, item: Json, *, correction: bool) -> list[Json]:
        truth = self._truth[item["path"]]
        shown: list[Json] = truth["instances"]
        if self.plan.task_type in ("boxes", "polygons"):
            size = (truth["width"], truth["height"])
            geometry = self._box if self.plan.task_type == "boxes" else self._polygon
            found = [(one["class"], geometry(one, size)) for one in shown]
        else:
            names = sorted({str(one["class"]) for one in shown})
            if names and (correction or self._random.random() < _WRONG):
                other = [class_ for class_ in self._classes if class_ not in names]
                names = [self._random.choice(other), *names[1:]] if other else names[1:]
            found = [(name, {"kind": "tag"}) for name in names]
        return [
            {
                "annotation_id": f"a{number}",
                "class_id": self._classes[name],
                "frame": 0,
                "geometry": geometry,
                "attributes": {},
                "origin": None,
            }
            for number, (name, geometry) in enumerate(found, 1)
        ]

    def _mend(self, prelabel: Json, annotations: Sequence[Json], path: str) -> Json:
        """Keep of the suggestions what is right, and say of the rest what it was made from, or nothing.

        Returns:
            What became of the suggestions.
        """
        left: dict[str, Json] = {
            annotation["annotation_id"]: annotation for annotation in prelabel["annotations"]
        }
        became = Counter({"accepted": 0, "changed": 0, "removed": 0, "added": 0})
        unmade: list[tuple[int, Json]] = []
        for number, annotation in enumerate(annotations):
            name = self._right(annotation, number, left, path)
            if name is None:
                unmade.append((number, annotation))
                continue
            annotation["geometry"] = left.pop(name)["geometry"]
            became["accepted"] += 1
            if self._random.random() < 0.8:  # whether it is said or not
                annotation["origin"] = {"prelabel": name}
        tags = self.plan.task_type in ("multiclass", "multilabel")
        for number, one in unmade:
            name = next(iter(left), "") if tags else f"s{number}"
            if name in left and self._random.random() < 0.8:
                del left[name]
                one["origin"] = {"prelabel": name}
                became["changed"] += 1
            else:
                became["added"] += 1
        became["removed"] = len(left)
        return {"run_id": prelabel["run_id"], **became}

    def _right(self, one: Json, number: int, left: Mapping[str, Json], path: str) -> str | None:
        """The suggestion that is as good as what is to be said: no point of it off by more than a pixel."""
        if one["geometry"]["kind"] == "tag":
            same = (name for name in left if left[name]["class_id"] == one["class_id"])
            return next(same, None)
        name, entry = f"s{number}", self._truth[path]
        if name not in left or left[name]["class_id"] != one["class_id"]:
            return None
        size = (entry["width"], entry["height"])
        points = _points(left[name]["geometry"])
        true = _points_of_truth(entry["instances"][number], self.plan.task_type)
        near = len(points) == len(true) and all(
            math.dist([x * size[0], y * size[1]], [tx * size[0], ty * size[1]]) < 1.001
            for (x, y), (tx, ty) in zip(points, true, strict=True)
        )
        return name if near else None

    def _box(self, one: Json, size: tuple[int, int]) -> Json:
        box: Mapping[str, float] = one["box"]
        (x0, y0), (x1, y1) = self._ring([(box["x0"], box["y0"]), (box["x1"], box["y1"])], size)
        return {"kind": "box", "x0": x0, "y0": y0, "x1": x1, "y1": y1}

    def _polygon(self, one: Json, size: tuple[int, int]) -> Json:
        parts = [Part(part["outer"], tuple(part["holes"])) for part in one["polygon"]]
        return sound(
            parts, lambda points, far=NOISE_PX: noisy(points, size, self._random, far), size
        )

    def _ring(self, points: Sequence[Sequence[float]], size: tuple[int, int]) -> list[list[float]]:
        return noisy(points, size, self._random)

    # What is sent.

    def _submit(self, page: Page, decisions: Sequence[Json]) -> bool:
        """Send decisions: once, twice, twice at a time, or with the first answer lost.

        Returns whether all was saved as it should be.
        """
        path = f"{self._tasks}/{page.task_id}/submit"
        body: Json = {
            "submission_id": self._id("s"),
            "classes_version": 1,
            "items": list(decisions),
        }
        turn = (self._submissions + 3 * self.plan.number) % 10
        self._submissions += 1
        how = {2: "repeated", 5: "parallel", 8: "answer lost"}.get(turn, "once")
        made = {decision["item_id"]: page.made.get(decision["item_id"]) for decision in decisions}
        self.log("sending", task_id=page.task_id, how=how, body=body, made=made)
        if how == "parallel":
            with self._connection() as other, ThreadPoolExecutor(1) as pool:
                second = pool.submit(self._submit_once, page, path, body, how, other)
                statuses = self._submit_once(page, path, body, how, self._api)
                second.result()
        elif how == "answer lost":
            self._lose_answer(path, body)
            statuses = self._submit_once(page, path, body, how, self._api)
        else:
            statuses = self._submit_once(page, path, body, how, self._api)
            if how == "repeated":
                self._submit_once(page, path, body, how, self._api)
        return statuses == {"saved"}

    def _submit_once(
        self, page: Page, path: str, body: Json, how: str, api: httpx.Client
    ) -> set[str]:
        answer = self._send("POST", path, body, api=api)
        if answer is None:
            return set()
        content: Json = answer.json()
        self.log(
            "answered",
            task_id=page.task_id,
            submission_id=body["submission_id"],
            status=answer.status_code,
            answer=content,
            calls=int(answer.headers[CALLS]),
            how=how,
        )
        return {result["status"] for result in content.get("results", [])}

    def _draft(self, page: Page, decisions: Sequence[Json]) -> None:
        kept = ("item_id", "annotations", "outcome", "active_ms")
        items = [{name: decision[name] for name in kept} for decision in decisions[:2]]
        body = {"client_id": self.plan.user_id, "seq": self._pages, "items": items}
        self._renewed(page, self._send("PUT", f"{self._tasks}/{page.task_id}/draft", body))

    def _renew(self, page: Page) -> None:
        self._renewed(page, self._send("POST", f"{self._tasks}/{page.task_id}/renew", {}))

    def _renewed(self, page: Page, answer: httpx.Response | None) -> None:
        if answer is None or answer.status_code != 200:
            return
        lease: Json | None = answer.json()["lease"]
        if lease:
            page.until = _timestamp(lease["until"])
            self.log("renewed", task_id=page.task_id, until=page.until)

    def _release(self, page: Page) -> None:
        items = [item["item_id"] for item in page.items]
        self.log("releasing", task_id=page.task_id, items=items)
        answer = self._send("POST", f"{self._tasks}/{page.task_id}/release", {})
        if answer:
            self.log("released", task_id=page.task_id, status=answer.status_code)
        self._released_at = time.monotonic()

    def _send(
        self, method: str, path: str, body: object = None, *, api: httpx.Client | None = None
    ) -> httpx.Response | None:
        """Send a request, again while the host cannot; None when it never could."""
        for _ in range(self.plan.tries):
            try:
                answer = (api or self._api).request(method, path, json=body)
            except httpx.TransportError as error:
                self.log("refused", path=path, status=0, problem=repr(error))
            else:
                if answer.status_code < 400:
                    return answer
                self.log("refused", path=path, status=answer.status_code, problem=answer.text)
                if answer.status_code < 500:
                    return answer
            time.sleep(0.2)
        return None

    def _lose_answer(self, path: str, body: object) -> None:
        """Send a request and hang up before the answer: it may or may not be done, and a host may be dead."""
        self.log("hung up", path=path)
        address = urlsplit(self.plan.url)
        line = HTTPConnection(address.hostname or "", address.port, timeout=_TIMEOUT_S)
        try:
            line.request("POST", path, json.dumps(body).encode(), self._headers)
        except OSError as error:
            self.log("refused", path=path, status=0, problem=repr(error))
        finally:
            line.close()

    def _connection(self) -> httpx.Client:
        return httpx.Client(base_url=self.plan.url, headers=self._headers, timeout=_TIMEOUT_S)

    def _id(self, prefix: str) -> str:
        return f"{prefix}-{self.plan.number}-{self._random.getrandbits(64):016x}"


def _points(geometry: Json) -> list[list[float]]:
    """All points of a shape, in order."""
    if geometry["kind"] == "box":
        return [[geometry["x0"], geometry["y0"]], [geometry["x1"], geometry["y1"]]]
    rings = [ring for part in geometry["parts"] for ring in (part["outer"], *part["holes"])]
    return [point for ring in rings for point in ring]


def _points_of_truth(instance: Json, task_type: str) -> list[list[float]]:
    if task_type == "boxes":
        return _points({"kind": "box", **instance["box"]})
    return _points({"kind": "polygon", "parts": instance["polygon"]})


def _timestamp(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()


if __name__ == "__main__":
    Labeler(Plan.read(Path(sys.argv[1]))).run()
