"""`make simulate TYPE=boxes ASSIST=1`: drawn boxes make models, models suggest boxes, the truth judges them.

The real jobs, queues and functions work on photos whose boxes are known. A labeler takes page after page,
keeps, mends and removes what was suggested, draws what is missing, and pays at the prices below. Each round:

    labels          images a person has drawn in
    learned, scored, judged   how many of them taught the networks, taught the scorer, and judged
    AP50, AP75      of the boxes found in the images that judged, as COCO measures it
    threshold       the score from which on a box is suggested
    precision       share of the suggested boxes on waiting images that are true, with how many there are
    found           share of the true boxes of waiting images that are suggested
    unseen          AP50, AP75, precision and share found on photos of objects that the project has no photo
                    of: nothing is promised there
    processor       time that finding the boxes of such a photo takes, from its file on
    actions, seconds   an image in this round, and what drawing all of its boxes would have cost

Exits with 1 when a model suggests with a precision that can't be what was promised, or when nothing was
suggested.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory, mkdtemp
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dev import LOCAL
from dev.child import StartFailed
from dev.client import ApiError
from dev.samples import Scene, Truth, compose
from dev.simulate.jobs import LABELER, Json, System, is_broken, print_rounds, running
from labeling import layout
from labeling.adapters.onnx import open_networks
from labeling.annotations.acceptance import decoded
from labeling.annotations.shapes import Box
from labeling.assist.detection import Detector, framed, matches, overlaps
from labeling.assist.models import ModelManifest, load, load_detection
from labeling.items.records import unpack
from labeling.projects.access import Access
from labeling.projects.projects import Projects
from labeling.settings import Settings

Boxes = NDArray[np.floating]

DRAW_S, DRAW_ACTIONS = 7.0, 5
"""A box by its four extreme points (Papadopoulos et al., 2017), and the key of its class."""

VERIFY_S = 1.0
"""To see that a suggested box is right: a seventh of drawing it (Papadopoulos et al., 2016)."""

MEND_S, MEND_ACTIONS = 3.0, 2
"""To drag two edges of a box that is a little off."""

CHANGE_S, CHANGE_ACTIONS = 1.5, 2
"""To select a box and remove it, or give it another class."""

SUBMIT_S = 0.5

_GOOD = 0.85  # overlap from which on a labeler leaves a box as it is
_MENDED = 0.5  # the same, from which on dragging edges is less than drawing anew
_PAGE = 6
_LAST = 60  # labels given after the last training, to see what it is worth
_UNSEEN = 150
_WAIT_S = 3600


@dataclass(frozen=True)
class Plan:
    """What to simulate."""

    items: int
    rounds: tuple[int, ...]
    """Images drawn in before each training."""
    folder: Path
    seed: int = 1
    precision: float = 0.9
    overlap: float = 0.5
    unseen: int = _UNSEEN


@dataclass
class Round:
    """What one round of drawing and training came to."""

    images: int = 0
    seconds: float = 0.0
    actions: int = 0
    drawing_s: float = 0.0
    drawing_actions: int = 0
    suggested: int = 0
    numbers: dict[str, Any] = field(default_factory=dict[str, Any])


def main(arguments: Sequence[str] | None = None) -> int:
    """Simulate, print the table; 0 when the promise was kept."""
    parser = argparse.ArgumentParser(
        prog="python -m dev.simulate.boxes",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--type", choices=["boxes"], default="boxes")
    parser.add_argument("--items", type=int, default=900)
    parser.add_argument("--first", type=int, default=300, help="labels of the first training")
    parser.add_argument("--next", type=int, default=150, help="labels between trainings")
    parser.add_argument("--rounds", type=int, default=2, help="how many trainings")
    parser.add_argument("--precision", type=float, default=0.9)
    parser.add_argument("--overlap", type=float, default=0.5)
    parser.add_argument("--unseen", type=int, default=_UNSEEN, help="photos of other objects")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", type=Path, default=LOCAL / "simulate-boxes.json")
    parser.add_argument("--folder", type=Path, default=LOCAL / "simulate", help="logs")
    options = parser.parse_args(arguments)
    plan = Plan(
        options.items,
        (options.first, *[options.next] * (options.rounds - 1)),
        options.folder,
        seed=options.seed,
        precision=options.precision,
        overlap=options.overlap,
        unseen=options.unseen,
    )
    try:
        rounds, broken = simulate(plan)
    except (StartFailed, ApiError, TimeoutError) as error:
        print(f"the simulation ended: {error}", file=sys.stderr)
        return 1
    promise = f"{plan.precision:.0%} right at an overlap of {plan.overlap}"
    title = f"assist, boxes, {plan.items} images, {promise}"
    print_rounds(title, [one.numbers for one in rounds], broken)
    options.json.parent.mkdir(parents=True, exist_ok=True)
    options.json.write_text(json.dumps([one.numbers for one in rounds], indent=2) + "\n")
    return int(bool(broken))


def simulate(plan: Plan) -> tuple[list[Round], list[str]]:
    """The rounds, and sentences about every promise that was not kept.

    Raises:
        StartFailed: a part of the system did not come up.
        TimeoutError: a run did not end, or failed.
    """
    plan.folder.mkdir(parents=True, exist_ok=True)
    folder = Path(mkdtemp(prefix="boxes-", dir=plan.folder)).resolve()
    with TemporaryDirectory(dir=folder) as temporary:
        photos, strange = Path(temporary, "photos"), Path(temporary, "strange")
        truth = compose("boxes", plan.items, plan.seed, photos, objects="some")
        unseen = compose("boxes", plan.unseen, plan.seed + 1, strange, objects="others")
        with running(folder) as system:
            work = _Work(plan, photos, truth, system, strange, unseen)
            return work.all_rounds(), work.broken


@dataclass
class _Work:
    plan: Plan
    photos: Path
    truth: Truth
    system: System
    strange: Path
    unseen: Truth
    broken: list[str] = field(default_factory=list[str])
    project_id: str = ""
    prefix: str = ""
    ids: dict[str, str] = field(default_factory=dict[str, str])
    scenes: dict[str, Scene] = field(default_factory=dict[str, Scene])

    def all_rounds(self) -> list[Round]:
        self._begin()
        rounds: list[Round] = []
        labels = 0
        for wanted in self.plan.rounds:
            this = Round()
            labels += self._label(this, wanted)
            this.numbers = {"labels": labels} | self._trained(labels) | _effort(this)
            rounds.append(this)
        last = Round()
        labels += self._label(last, _LAST)
        last.numbers = {"labels": labels} | _effort(last)
        rounds.append(last)
        if not any(one.numbers.get("suggested") for one in rounds):
            self.broken.append("no model suggested anything")
        elif not last.suggested:
            self.broken.append("no suggestion reached the labeler")
        return rounds

    def _begin(self) -> None:
        self.scenes = {scene.path: scene for scene in self.truth.scenes}
        dataset_id = self.system.admin.create_dataset("simulation", key="simulation")
        self.prefix = f"{dataset_id}/"
        self.system.admin.upload(dataset_id, {path: self.photos / path for path in self.scenes})
        self.project_id = self.system.admin.create_project(
            "Assist", "boxes", dataset_id, self.truth.classes, key="simulation"
        )
        project = self.system.admin.call("GET", f"/projects/{self.project_id}")
        self.ids = {one["name"]: one["class_id"] for one in project["classes"]}
        rounds = self.plan.rounds
        settings = {
            "on": True,
            "first_labels": rounds[0],
            "next_labels": rounds[-1],
            "precision": self.plan.precision,
            "overlap": self.plan.overlap,
        }
        self.system.admin.call(
            "PATCH",
            f"/projects/{self.project_id}",
            {"assist": settings},
            headers={"If-Match": f'"{project["version"]}"'},
        )
        self.system.admin.wait_until_running(self.project_id, timeout_s=_WAIT_S)
        self.system.admin.add_member(self.project_id, LABELER)

    # The labeler.

    def _label(self, this: Round, images: int) -> int:
        path = f"/projects/{self.project_id}/tasks"
        dry = labeled = 0
        while labeled < images and dry < 60:
            size = min(_PAGE, images - labeled)
            body = {"request_id": f"r{time.time_ns()}", "size": size, "purpose": "next"}
            task: Json | None = self.system.labeler.call("POST", path, body)["task"]
            if task is None:
                dry += 1
                time.sleep(1)
                continue
            dry = 0
            answer = self.system.labeler.call(
                "POST",
                f"{path}/{task['task_id']}/submit",
                {
                    "submission_id": f"s{time.time_ns()}",
                    "classes_version": 1,
                    "items": [self._decision(this, item) for item in task["items"]],
                },
            )
            labeled += sum(one["status"] == "saved" for one in answer["results"])
            this.seconds += SUBMIT_S
            this.drawing_s += SUBMIT_S
        return labeled

    def _decision(self, this: Round, item: Json) -> Json:
        """What the labeler makes of an image and its suggestions, paid for in this round."""
        scene = self.scenes[str(item["path"]).removeprefix(self.prefix)]
        left = list(range(len(scene.instances)))
        this.images += 1
        this.drawing_s += DRAW_S * len(left)
        this.drawing_actions += DRAW_ACTIONS * len(left)
        shown = item["prelabel"]["annotations"] if item["prelabel"] else []
        this.suggested += len(shown)
        drawn: list[Json] = []
        for one in shown:
            this.seconds += VERIFY_S
            box = _box(one["geometry"])
            between = overlaps(box, np.array([scene.instances[n].box for n in left]).reshape(-1, 4))
            best = int(between[0].argmax()) if left else -1
            if best < 0 or between[0, best] < _MENDED:
                this.seconds += CHANGE_S
                this.actions += CHANGE_ACTIONS
                continue
            meant = scene.instances[left.pop(best)]
            right_class = one["class_id"] == self.ids[meant.class_name]
            good = between[0, best] >= _GOOD
            if not right_class:
                this.seconds += CHANGE_S
                this.actions += CHANGE_ACTIONS
            if not good:
                this.seconds += MEND_S
                this.actions += MEND_ACTIONS
            geometry = one["geometry"] if good else _geometry(meant.box)
            said = self._annotation(len(drawn), meant.class_name, geometry)
            drawn.append(said | {"origin": {"prelabel": one["annotation_id"]}})
        for number in left:
            this.seconds += DRAW_S
            this.actions += DRAW_ACTIONS
            meant = scene.instances[number]
            drawn.append(self._annotation(len(drawn), meant.class_name, _geometry(meant.box)))
        return {
            "item_id": item["item_id"],
            "base_revision": item["revision"],
            "active_ms": 900,
            "outcome": "labeled",
            "reason": None,
            "annotations": drawn,
        }

    def _annotation(self, number: int, class_name: str, geometry: Json) -> Json:
        return {
            "annotation_id": f"a{number}",
            "class_id": self.ids[class_name],
            "frame": 0,
            "geometry": geometry,
            "origin": None,
        }

    # The judge.

    def _trained(self, labels: int) -> Json:
        """Wait for the model of so many labels and what follows; hold it against the truth."""
        began = time.monotonic()
        run = self._done("training")
        metrics = run["metrics"]
        numbers: Json = {
            "learned, scored, judged": f"{metrics['learned_from']}, {metrics['scored_by']}, "
            f"{metrics['validated']}",
            "AP50": metrics["ap50"],
            "AP75": metrics["ap75"],
            "training, s of the clock": round(time.monotonic() - began),
        }
        manifest, classifier = load(self.system.storage, self.project_id, run["run_id"])
        numbers["threshold"] = manifest.threshold
        if manifest.suggests:
            self._done("inference", model_id=run["run_id"])
            shown, right, things = self._suggestions()
            wrong = shown - right
            if is_broken(shown, wrong, precision=self.plan.precision):
                self.broken.append(
                    f"with {labels} labels {right} of {shown} suggested boxes are right, "
                    f"and {self.plan.precision:.0%} were promised"
                )
            numbers |= {
                "suggested": shown,
                "precision": round(right / max(shown, 1), 3),
                "found": round(right / max(things, 1), 3),
            }
        else:
            numbers |= {"suggested": 0, "missing": metrics.get("labels_missing", "?")}
        return numbers | self._on_unseen(manifest, classifier)

    def _suggestions(self) -> tuple[int, int, int]:
        """Boxes suggested on waiting images, how many are right, and the true boxes there."""
        settings = Settings()
        projects = Projects(self.system.storage, settings, Access(self.system.storage, settings))
        items = projects.items(projects.get(self.project_id))
        names = list(self.ids.values())
        shown = right = things = 0
        for shard in range(items.shards):
            for one in items.all_rows(shard):
                item = one.item
                if item.state != "available":
                    continue
                scene = self.scenes[item.path.removeprefix(self.prefix)]
                things += len(scene.instances)
                if not item.suggested:
                    continue
                place = items.partition(shard), layout.prelabel(item.item_id, item.suggested)
                row = self.system.storage.tables.get(layout.ITEMS, *place)
                said = decoded(unpack("suggestion", row.cells)) if row else []
                boxes = np.array([_corners(a.geometry) for a in said]).reshape(-1, 4)
                classes = np.array([names.index(a.class_id) for a in said], np.int64)
                scores = np.array([a.confidence or 0 for a in said])
                shown += len(said)
                right += self._right(scene, boxes, classes, scores)
        return shown, right, things

    def _right(self, scene: Scene, boxes: Boxes, classes: NDArray[np.int64], scores: Boxes) -> int:
        """How many of these boxes (n, 4) are of a thing in the scene, each thing once."""
        names = list(self.ids)
        size = np.array([scene.width, scene.height] * 2)
        true = np.array([one.box for one in scene.instances]).reshape(-1, 4)
        of = np.array([names.index(one.class_name) for one in scene.instances], np.int64)
        found = matches(boxes * size, classes, scores, true * size, of, self.plan.overlap)
        return int((found >= 0).sum())

    def _on_unseen(self, manifest: ModelManifest, classifier: bytes) -> Json:
        """AP50, AP75, and precision and share found, on objects the project has no photo of; what it took."""
        from gpu_jobs.boxes import Drawn, average_precision

        assert manifest.detection
        files = load_detection(self.system.storage, manifest)
        networks = open_networks(len(manifest.classes), *files, classifier)
        detector = Detector(networks, manifest.detection.scorer)
        names = list(self.ids)
        least = 2.0 if manifest.threshold is None else manifest.threshold
        shown = right = things = 0
        images: list[Drawn] = []
        found: list[Any] = []
        began = time.process_time()
        for scene in self.unseen.scenes:
            image = framed((self.strange / scene.path).read_bytes())
            true = np.array([one.box for one in scene.instances], np.float32).reshape(-1, 4)
            of = np.array([names.index(one.class_name) for one in scene.instances], np.int64)
            (one,) = detector.find([image])
            images.append(Drawn(image, true, of))
            found.append(one)
            sure = one.scores >= least
            shown += int(sure.sum())
            things += len(true)
            right += self._right(scene, one.boxes[sure], one.classes[sure], one.scores[sure])
        spent = time.process_time() - began
        measured = average_precision(images, found, len(names))
        return {
            "unseen": f"{measured['ap50']:.3f}, {measured['ap75']:.3f}, "
            f"{right / max(shown, 1):.2f} of {right / max(things, 1):.2f}",
            "processor, ms an image": round(1000 * spent / len(images)),
        }

    # Waiting.

    def _done(self, kind: str, **like: str) -> Json:
        return self.system.done(self.project_id, kind, _WAIT_S, **like)


def _effort(this: Round) -> Json:
    images = max(this.images, 1)
    return {
        "suggested to the labeler": this.suggested,
        "actions": f"{this.actions / images:.1f} instead of {this.drawing_actions / images:.1f}",
        "seconds": f"{this.seconds / images:.1f} instead of {this.drawing_s / images:.1f}",
        "times faster": round(this.drawing_s / max(this.seconds, 1e-9), 2),
    }


def _box(geometry: Json) -> Boxes:
    return np.array([[geometry[side] for side in ("x0", "y0", "x1", "y1")]])


def _corners(geometry: object) -> tuple[float, float, float, float]:
    assert isinstance(geometry, Box)
    return geometry.x0, geometry.y0, geometry.x1, geometry.y1


def _geometry(box: Sequence[float]) -> Json:
    return {"kind": "box"} | dict(zip(("x0", "y0", "x1", "y1"), box, strict=True))


if __name__ == "__main__":
    sys.exit(main())
