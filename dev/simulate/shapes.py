"""`make simulate TYPE=boxes ASSIST=1`, or polygons: what is drawn makes models that suggest, the truth judges.

The real jobs, queues and functions work on photos whose shapes are known. A labeler takes page after page,
keeps, mends and removes what was suggested, draws what is missing, and pays at the prices below. Each round:

    labels          images a person has drawn in
    learned, scored, judged   how many of them taught the networks, taught the scorer, and judged
    AP50, AP75      of the shapes found in the images that judged, as COCO measures it
    mask IoU        of polygons: how well things are covered whose box is found, there and on unseen objects
    threshold       the score from which on a shape is suggested
    precision       share of the suggested shapes on waiting images that are true, with how many there are
    sound           share of the waiting images with suggestions that show no wrong one, with how many there are
    found           share of the true shapes of waiting images that are suggested
    unseen          AP50, AP75, precision and share found on photos of objects that the project has no photo
                    of: nothing is promised there
    fitted, unseen  overlap with the truth of a box drawn roughly, each edge off by 8 % of the thing's side, and
                    of what the model makes of it where it is asked to lay it to the thing, there
    processor       time that finding the shapes of such a photo takes, from its file on
    actions, seconds   an image in this round, and what drawing all of its shapes would have cost

Exits with 1 when a model suggests with a precision that can't be what was promised, or when nothing was
suggested. With `--strict` what is promised is that share of sound images, and it is held against that one.
With `--sabotage` the jobs cheat as a careless program might, and it must be noticed.
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
from typing import Any, Literal

import numpy as np
import shapely
from numpy.typing import NDArray

from dev import LOCAL
from dev.child import StartFailed
from dev.client import ApiError
from dev.samples import Instance, Scene, Truth, compose
from dev.simulate.jobs import LABELER, Json, System, is_broken, print_rounds, running
from labeling import layout
from labeling.adapters.onnx import open_networks
from labeling.annotations.acceptance import PrelabelAnnotation, decoded
from labeling.annotations.areas import area_of, polygon_of
from labeling.annotations.shapes import Box, Polygon
from labeling.assist.detection import Detector, Framed, agreement, framed, matches, overlaps
from labeling.assist.models import ModelManifest, load, load_detection
from labeling.items.records import unpack
from labeling.projects.access import Access
from labeling.projects.projects import Projects
from labeling.settings import Settings

Shape = Box | Polygon

SABOTAGE = ("easy-validation", "lax-overlap")

DRAW_S, DRAW_ACTIONS = 7.0, 5
"""A box by its four extreme points (Papadopoulos et al., 2017), and the key of its class."""

VERIFY_S = 1.0
"""To see that a suggested box is right: a seventh of drawing it (Papadopoulos et al., 2016)."""

MEND_S, MEND_ACTIONS = 3.0, 2
"""To drag two edges of a box that is a little off."""

CHANGE_S, CHANGE_ACTIONS = 1.5, 2
"""To select a box and remove it, or give it another class."""

SUBMIT_S = 0.5

POINT_S = 1.5
"""To set a point of an outline; people took about 80 s for one of COCO's (Lin et al., 2014)."""

CLASS_ACTIONS = 1
"""The key of its class, of an outline."""

POINT_PX = 2.0
"""Pixels of the photo by which an outline with as few points as people set may be off."""

_PROMISED = 0.9
_NEARLY_ALL = (
    0.97  # more than all that is found would keep: cheating that lets all of it through is noticed
)
_OFF_PX = 4.0  # by which a point of an outline has to be off to be mended
_ROUGH = 0.08  # of a side, how far off an edge is that is drawn in haste
_GOOD = 0.85  # overlap from which on a labeler leaves a shape as it is
_MENDED = 0.5  # the same, from which on mending is less than drawing anew
_PAGE = 6
_LAST = 60  # labels given after the last training, to see what it is worth
_UNSEEN = 150
_WAIT_S = 3600


@dataclass(frozen=True)
class Plan:
    """What to simulate."""

    task_type: Literal["boxes", "polygons"]
    items: int
    rounds: tuple[int, ...]
    """Images drawn in before each training."""
    folder: Path
    seed: int = 1
    precision: float = 0.9
    overlap: float = 0.5
    strict: bool = False
    unseen: int = _UNSEEN
    sabotage: str | None = None


@dataclass
class Waiting:
    """What is suggested on images that wait, and what the truth says of it.

    `shown` are shapes of which so many are `right`, out of `things` there are; `images` show any, and of these
    so many are `sound`, without a wrong one.
    """

    shown: int = 0
    right: int = 0
    things: int = 0
    images: int = 0
    sound: int = 0


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
        prog="python -m dev.simulate.shapes",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--type", choices=["boxes", "polygons"], default="boxes")
    parser.add_argument("--items", type=int, default=900)
    parser.add_argument("--first", type=int, default=300, help="labels of the first training")
    parser.add_argument("--next", type=int, default=150, help="labels between trainings")
    parser.add_argument("--rounds", type=int, default=2, help="how many trainings")
    parser.add_argument(
        "--precision", type=float, help=f"{_PROMISED}, of jobs that cheat {_NEARLY_ALL}"
    )
    parser.add_argument("--overlap", type=float, default=0.5)
    parser.add_argument(
        "--strict", action="store_true", help="promise images without a wrong shape"
    )
    parser.add_argument("--unseen", type=int, default=_UNSEEN, help="photos of other objects")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--sabotage", choices=SABOTAGE, help="let the jobs cheat")
    parser.add_argument("--json", type=Path, default=LOCAL / "simulate-shapes.json")
    parser.add_argument("--folder", type=Path, default=LOCAL / "simulate", help="logs")
    options = parser.parse_args(arguments)
    plan = Plan(
        options.type,
        options.items,
        (options.first, *[options.next] * (options.rounds - 1)),
        options.folder,
        seed=options.seed,
        precision=options.precision or (_NEARLY_ALL if options.sabotage else _PROMISED),
        overlap=options.overlap,
        strict=options.strict,
        unseen=options.unseen,
        sabotage=options.sabotage,
    )
    try:
        rounds, broken = simulate(plan)
    except (StartFailed, ApiError, TimeoutError) as error:
        print(f"the simulation ended: {error}", file=sys.stderr)
        return 1
    promised = "of the images without a wrong shape" if plan.strict else "right"
    promise = f"{plan.precision:.0%} {promised} at an overlap of {plan.overlap}"
    cheats = f", {plan.sabotage}" if plan.sabotage else ""
    title = f"assist, {plan.task_type}, {plan.items} images, {promise}{cheats}"
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
    folder = Path(mkdtemp(prefix=f"{plan.task_type}-", dir=plan.folder)).resolve()
    with TemporaryDirectory(dir=folder) as temporary:
        photos, strange = Path(temporary, "photos"), Path(temporary, "strange")
        truth = compose(plan.task_type, plan.items, plan.seed, photos, objects="some")
        unseen = compose(plan.task_type, plan.unseen, plan.seed + 1, strange, objects="others")
        with running(
            folder,
            jobs="dev.simulate.cheating" if plan.sabotage else "gpu_jobs",
            LABELRY_SABOTAGE=plan.sabotage or "",
        ) as system:
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
            "Assist", self.plan.task_type, dataset_id, self.truth.classes, key="simulation"
        )
        project = self.system.admin.call("GET", f"/projects/{self.project_id}")
        self.ids = {class_["name"]: class_["class_id"] for class_ in project["classes"]}
        rounds = self.plan.rounds
        settings = {
            "on": True,
            "first_labels": rounds[0],
            "next_labels": rounds[-1],
            "precision": self.plan.precision,
            "overlap": self.plan.overlap,
            "strict": self.plan.strict,
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
            labeled += sum(result["status"] == "saved" for result in answer["results"])
            this.seconds += SUBMIT_S
            this.drawing_s += SUBMIT_S
        return labeled

    def _decision(self, this: Round, item: Json) -> Json:
        """What the labeler makes of an image and its suggestions, paid for in this round."""
        scene = self.scenes[item["path"]]
        left = [self._drawn(instance, scene) for instance in scene.instances]
        this.images += 1
        for one in left:
            seconds, actions = cost_of_drawing(one.shape)
            this.drawing_s += seconds
            this.drawing_actions += actions
        shown = item["prelabel"]["annotations"] if item["prelabel"] else []
        this.suggested += len(shown)
        drawn: list[Json] = []
        for one in shown:
            this.seconds += VERIFY_S
            kind = Box if self.plan.task_type == "boxes" else Polygon
            shape = kind.model_validate(one["geometry"])
            between = agreement(Things.of([shape]), Things.of([each.shape for each in left]))
            best = int(between[0].argmax()) if left else -1
            if best < 0 or between[0, best] < _MENDED:
                this.seconds += CHANGE_S
                this.actions += CHANGE_ACTIONS
                continue
            meant = left.pop(best)
            good = between[0, best] >= _GOOD
            if one["class_id"] != self.ids[meant.class_name]:
                this.seconds += CHANGE_S
                this.actions += CHANGE_ACTIONS
            if not good:
                seconds, actions = cost_of_mending(shape, meant.shape, (scene.width, scene.height))
                this.seconds += seconds
                this.actions += actions
            said = self._annotation(len(drawn), meant.class_name, shape if good else meant.shape)
            drawn.append(said | {"origin": {"prelabel": one["annotation_id"]}})
        for one in left:
            seconds, actions = cost_of_drawing(one.shape)
            this.seconds += seconds
            this.actions += actions
            drawn.append(self._annotation(len(drawn), one.class_name, one.shape))
        return {
            "item_id": item["item_id"],
            "base_revision": item["revision"],
            "active_ms": 900,
            "outcome": "labeled",
            "reason": None,
            "annotations": drawn,
        }

    def _drawn(self, instance: Instance, scene: Scene) -> Meant:
        shape = true_shape(instance, self.plan.task_type)
        if isinstance(shape, Polygon):
            shape = with_few_points(shape, (scene.width, scene.height))
        return Meant(instance.class_name, shape)

    def _annotation(self, number: int, class_name: str, shape: Shape) -> Json:
        return {
            "annotation_id": f"a{number}",
            "class_id": self.ids[class_name],
            "frame": 0,
            "geometry": shape.model_dump(),
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
            "mask IoU": metrics.get("mask_iou", ""),
            "training, s of the clock": round(time.monotonic() - began),
        }
        manifest, classifier = load(self.system.storage, self.project_id, run["run_id"])
        numbers["threshold"] = manifest.threshold
        if manifest.suggests:
            self._done("inference", model_id=run["run_id"])
            waiting = self._suggestions()
            of, right, what = (
                (waiting.images, waiting.sound, "images with suggestions show no wrong one")
                if self.plan.strict
                else (waiting.shown, waiting.right, "suggested shapes are right")
            )
            if is_broken(of, of - right, precision=self.plan.precision):
                self.broken.append(
                    f"with {labels} labels {right} of {of} {what}, "
                    f"and {self.plan.precision:.0%} were promised"
                )
            numbers |= {
                "suggested": waiting.shown,
                "precision": round(waiting.right / max(waiting.shown, 1), 3),
                "found": round(waiting.right / max(waiting.things, 1), 3),
                "sound": f"{waiting.sound / max(waiting.images, 1):.3f} of {waiting.images}",
            }
        else:
            numbers |= {"suggested": 0, "missing": metrics.get("labels_missing", "?")}
        return numbers | self._on_unseen(manifest, classifier)

    def _suggestions(self) -> Waiting:
        settings = Settings()
        projects = Projects(self.system.storage, settings, Access(self.system.storage))
        items = projects.items(projects.get(self.project_id))
        names = list(self.ids.values())
        waiting = Waiting()
        for shard in range(items.shards):
            for stored in items.all_rows(shard):
                item = stored.item
                if item.state != "available":
                    continue
                scene = self.scenes[item.path.removeprefix(self.prefix)]
                waiting.things += len(scene.instances)
                if not item.suggested:
                    continue
                place = items.partition(shard), layout.prelabel(item.item_id, item.suggested)
                row = self.system.storage.tables.get(layout.ITEMS, *place)
                said = decoded(unpack("suggestion", row.cells)) if row else []
                classes = np.array([names.index(a.class_id) for a in said], np.int64)
                scores = np.array([a.confidence or 0 for a in said])
                right = self._right(scene, Things.of(_shapes(said)), classes, scores)
                waiting.shown += len(said)
                waiting.right += right
                waiting.images += bool(said)
                waiting.sound += bool(said) and right == len(said)
        return waiting

    def _true(self, scene: Scene) -> tuple[list[Shape], NDArray[np.int64]]:
        """What is to be found in a scene, and the number of each one's class."""
        names = list(self.ids)
        shapes = [true_shape(instance, self.plan.task_type) for instance in scene.instances]
        of = np.array([names.index(instance.class_name) for instance in scene.instances], np.int64)
        return shapes, of

    def _right(
        self,
        scene: Scene,
        shown: Things,
        classes: NDArray[np.int64],
        scores: NDArray[np.floating],
    ) -> int:
        """How many of these shapes are of a thing in the scene, each thing once."""
        true, of = self._true(scene)
        between = agreement(shown, Things.of(true))
        return int((matches(between, classes, scores, of, self.plan.overlap) >= 0).sum())

    def _on_unseen(self, manifest: ModelManifest, classifier: bytes) -> Json:
        """AP50, AP75, and precision and share found, on objects the project has no photo of; what it took."""
        from gpu_jobs.shapes import Drawn, average_precision, drawn_on, mask_iou

        assert manifest.detection
        files = load_detection(self.system.storage, manifest)
        outlines = self.plan.task_type == "polygons"
        networks = open_networks(len(manifest.classes), outlines, *files, classifier)
        detector = Detector(networks, manifest.detection.scorer)
        names = list(self.ids)
        least = 2.0 if manifest.threshold is None else manifest.threshold
        shown = right = things = 0
        chance = np.random.default_rng(self.plan.seed)
        before: list[float] = []
        after: list[float] = []
        images: list[Drawn] = []
        found: list[Any] = []
        spent = 0.0
        for scene in self.unseen.scenes:
            began = time.process_time()
            image = framed((self.strange / scene.path).read_bytes())
            (one,) = detector.find([image])
            spent += time.process_time() - began
            true, of = self._true(scene)
            images.append(drawn_on(image, true, of, outlines))
            found.append(one)
            sure = one.scores >= least
            shown += int(sure.sum())
            things += len(true)
            befores, afters = self._fitted(detector, image, true, chance)
            before += befores
            after += afters
            areas = None if one.areas is None else one.areas[sure]
            some = Things(one.boxes[sure], areas)
            right += self._right(scene, some, one.classes[sure], one.scores[sure])
        measured = average_precision(images, found, len(names)) | mask_iou(images, found)
        return {
            "unseen": f"{measured['ap50']:.3f}, {measured['ap75']:.3f}, "
            f"{right / max(shown, 1):.2f} of {right / max(things, 1):.2f}",
            "mask IoU, unseen": measured.get("mask_iou", ""),
            "fitted, unseen": f"{np.mean(after):.3f} from {np.mean(before):.3f}",
            "processor, ms an image": round(1000 * spent / len(images)),
        }

    def _fitted(
        self,
        detector: Detector,
        image: Framed,
        true: Sequence[Shape],
        chance: np.random.Generator,
    ) -> tuple[list[float], list[float]]:
        """Overlaps with the truth of boxes drawn roughly about things, and of what the model makes of each."""
        boxes = Things.of(true).boxes
        size = np.tile(boxes[:, 2:] - boxes[:, :2], 2)
        rough = boxes + chance.normal(0, _ROUGH, boxes.shape).astype(np.float32) * size
        rough = np.clip(rough, 0, 1)
        made: list[Shape] = []
        for box in rough:
            found, area = detector.fit(image, box)
            corners = dict(zip(("x0", "y0", "x1", "y1"), found.tolist(), strict=True))
            made.append(Box(**corners) if area is None else polygon_of(area))
        befores = overlaps(rough, boxes).diagonal().tolist()
        afters = [
            float(agreement(Things.of([shape]), Things.of([meant]))[0, 0])
            for shape, meant in zip(made, true, strict=True)
        ]
        return befores, afters

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


@dataclass(frozen=True)
class Things:
    """Shapes in an image, as `agreement` takes them."""

    boxes: NDArray[np.float32]
    areas: NDArray[np.object_] | None

    @classmethod
    def of(cls, shapes: Sequence[Shape]) -> Things:
        """All boxes, or all polygons."""
        if not any(isinstance(shape, Polygon) for shape in shapes):
            boxes = [
                (shape.x0, shape.y0, shape.x1, shape.y1)
                for shape in shapes
                if isinstance(shape, Box)
            ]
            return cls(np.array(boxes, np.float32).reshape(-1, 4), None)
        areas = np.empty(len(shapes), object)
        areas[:] = [area_of(shape) for shape in shapes if isinstance(shape, Polygon)]
        return cls(shapely.bounds(areas).astype(np.float32), areas)


@dataclass(frozen=True)
class Meant:
    """What a labeler wants to be there."""

    class_name: str
    shape: Shape


def true_shape(instance: Instance, task_type: str) -> Shape:
    """A thing as nobody draws it: to the pixel."""
    if task_type == "boxes":
        x0, y0, x1, y1 = instance.box
        return Box(x0=x0, y0=y0, x1=x1, y1=y1)
    parts = [{"outer": part.outer, "holes": part.holes} for part in instance.polygon]
    return Polygon.model_validate({"parts": parts})


def with_few_points(polygon: Polygon, size: tuple[int, int]) -> Polygon:
    """The polygon with the points that a person would set."""
    pixels = shapely.transform(area_of(polygon), lambda at: at * size)
    simple = shapely.simplify(pixels, POINT_PX, preserve_topology=True)
    return polygon_of(shapely.transform(simple, lambda at: at / size))


def cost_of_drawing(shape: Shape) -> tuple[float, int]:
    """Seconds and actions."""
    if isinstance(shape, Box):
        return DRAW_S, DRAW_ACTIONS
    points = len(_points(shape))
    return POINT_S * points, points + CLASS_ACTIONS


def cost_of_mending(shape: Shape, meant: Shape, size: tuple[int, int]) -> tuple[float, int]:
    """Seconds and actions to make of a suggestion what is meant: each point of it that is off is set anew."""
    if isinstance(shape, Box) or isinstance(meant, Box):
        return MEND_S, MEND_ACTIONS
    outline = shapely.boundary(shapely.transform(area_of(shape), lambda at: at * size))
    far = shapely.distance(outline, shapely.points(_points(meant) * size))
    off = int((far > _OFF_PX).sum())
    return POINT_S * (off + 1), off + 1  # and to choose it


def _points(polygon: Polygon) -> NDArray[np.float64]:
    """(points, 2) of all rings."""
    return np.array(
        [at for part in polygon.parts for ring in (part.outer, *part.holes) for at in ring]
    )


def _shapes(said: Sequence[PrelabelAnnotation]) -> list[Shape]:
    return [
        annotation.geometry for annotation in said if isinstance(annotation.geometry, Box | Polygon)
    ]


if __name__ == "__main__":
    sys.exit(main())
