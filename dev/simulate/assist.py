"""`make simulate TYPE=multiclass ASSIST=1`: labels make models, models make labels, and the truth judges them.

The real jobs, queues and functions work on photos whose truth is known. A labeler takes page after page,
mends what was suggested, and pays for every look and key at the prices below. After each training:

    labels      images a person has labeled
    accuracy    share of out-of-fold answers that were right, as the training measured it
    threshold   the confidence from which on the model suggests
    precision   share of the classes it suggests for waiting images that are true, with how many there are
    coverage    share of the waiting images that have a suggestion
    unseen      accuracy, and precision at the threshold, on photos of objects that the project has no photo
                of: nothing is promised there
    keys, seconds   an image in this round, and what the same images would have cost on pages put together by
                chance, without a suggestion
    purity      share of images of the most frequent class of their page, on pages of similar images, and
                what chance would give

Exits with 1 when a model suggests with a precision that can't be what was promised, or when nothing was
suggested. With `--sabotage` the jobs cheat as a careless program might, and it must be noticed.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import fmean
from tempfile import TemporaryDirectory, mkdtemp
from typing import Any, Literal

import numpy as np
import onnxruntime

from dev import LOCAL
from dev.child import StartFailed
from dev.client import ApiError
from dev.samples import Truth, compose
from dev.simulate.jobs import LABELER, Json, System, is_broken, print_rounds, running
from labeling.annotations.acceptance import of_copy
from labeling.assist.models import ModelManifest, load, suggested
from labeling.assist.preprocess import pixels_for_model
from labeling.layout import CLUSTERED
from labeling.projects.access import Access
from labeling.projects.projects import Projects
from labeling.settings import Settings

Kind = Literal["multiclass", "multilabel"]

SABOTAGE = ("easy-validation", "threshold-from-training")

LOOK_S, GLANCE_S, KEY_S = 0.8, 0.4, 0.5
"""To decide what an image shows, to see that a suggestion is right, and to press a key or click."""

_PAGE = 9
_LAST = 90  # labels given after the last training, to see what it is worth
_WAIT_S = 900
_RESTING_S = 5
_TIMES_BY_CHANCE = 20


@dataclass(frozen=True)
class Plan:
    """What to simulate."""

    kind: Kind
    items: int
    rounds: tuple[int, ...]
    """Images labeled before each training."""
    folder: Path
    seed: int = 1
    sabotage: str | None = None
    precision: float = 0.95


@dataclass
class Round:
    """What one round of labeling and training came to."""

    seconds: float = 0.0
    keys: int = 0
    images: int = 0
    pages: list[list[str]] = field(default_factory=list[list[str]])
    similar: list[list[str]] = field(default_factory=list[list[str]])
    kinds: Counter[str] = field(default_factory=Counter[str])
    numbers: dict[str, Any] = field(default_factory=dict[str, Any])


def main(arguments: Sequence[str] | None = None) -> int:
    """Simulate, print the table; 0 when the promise was kept."""
    parser = argparse.ArgumentParser(
        prog="python -m dev.simulate.assist",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--type", choices=["multiclass", "multilabel"], default="multiclass")
    parser.add_argument("--items", type=int, default=900)
    parser.add_argument("--first", type=int, default=300, help="labels of the first training")
    parser.add_argument("--next", type=int, default=150, help="labels between trainings")
    parser.add_argument("--rounds", type=int, default=2, help="how many trainings")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--sabotage", choices=SABOTAGE, help="let the jobs cheat")
    parser.add_argument("--json", type=Path, default=LOCAL / "simulate-assist.json")
    parser.add_argument("--folder", type=Path, default=LOCAL / "simulate", help="logs")
    options = parser.parse_args(arguments)
    plan = Plan(
        options.type,
        options.items,
        (options.first, *[options.next] * (options.rounds - 1)),
        options.folder,
        seed=options.seed,
        sabotage=options.sabotage,
    )
    try:
        rounds, broken = simulate(plan)
    except (StartFailed, ApiError, TimeoutError) as error:
        print(f"the simulation ended: {error}", file=sys.stderr)
        return 1
    cheats = f", {plan.sabotage}" if plan.sabotage else ""
    title = f"assist, {plan.kind}, {plan.items} images{cheats}"
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
    folder = Path(mkdtemp(prefix=f"assist-{plan.sabotage or 'clean'}-", dir=plan.folder)).resolve()
    with TemporaryDirectory(dir=folder) as temporary:
        photos, strange = Path(temporary, "photos"), Path(temporary, "strange")
        truth = compose(plan.kind, plan.items, plan.seed, photos, objects="some")
        unseen = compose(plan.kind, 150, plan.seed + 1, strange, objects="others")
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

    def all_rounds(self) -> list[Round]:
        self._begin()
        rounds: list[Round] = []
        labels = 0
        for wanted in self.plan.rounds:
            this = Round()
            labels += self._label(this, wanted)
            this.numbers = {"labels": labels} | self._trained(labels) | self._effort(this)
            rounds.append(this)
        last = Round()
        labels += self._label(last, _LAST)
        last.numbers = {"labels": labels} | self._effort(last)
        rounds.append(last)
        if not any(one.numbers.get("suggested") for one in rounds):
            self.broken.append("no model suggested anything")
        elif not last.kinds["prelabeled"]:
            self.broken.append("no suggestion reached the labeler")
        return rounds

    def _begin(self) -> None:
        dataset_id = self.system.admin.create_dataset("simulation", key="simulation")
        self.prefix = f"{dataset_id}/"
        files = {scene.path: self.photos / scene.path for scene in self.truth.scenes}
        self.system.admin.upload(dataset_id, files)
        self.project_id = self.system.admin.create_project(
            "Assist", self.plan.kind, dataset_id, self.truth.classes, key="simulation"
        )
        self._switch_on()
        self.system.admin.wait_until_running(self.project_id, timeout_s=_WAIT_S)
        self.system.admin.add_member(self.project_id, LABELER)
        self._done("featurization")
        self._grouped()

    def _switch_on(self) -> None:
        project = self.system.admin.call("GET", f"/projects/{self.project_id}")
        rounds = self.plan.rounds
        settings = {"on": True, "first_labels": rounds[0], "next_labels": rounds[-1]}
        self.system.admin.call(
            "PATCH",
            f"/projects/{self.project_id}",
            {"assist": settings},
            headers={"If-Match": f'"{project["version"]}"'},
        )

    # The labeler.

    def _label(self, this: Round, images: int) -> int:
        path = f"/projects/{self.project_id}/tasks"
        classes = {
            class_["name"]: class_["class_id"]
            for class_ in self.system.admin.call("GET", f"/projects/{self.project_id}")["classes"]
        }
        dry = labeled = 0
        while labeled < images and dry < 20:
            body = {"request_id": f"r{time.time_ns()}", "size": _PAGE, "purpose": "next"}
            task: Json | None = self.system.labeler.call("POST", path, body)["task"]
            if task is None:
                dry += 1
                time.sleep(1)
                continue
            dry = 0
            said = [self.truth.scene(item["path"]).tags for item in task["items"]]
            self._pay(this, task, said)
            decisions = [
                self._decision(item, [classes[name] for name in names])
                for item, names in zip(task["items"], said, strict=True)
            ]
            answer = self.system.labeler.call(
                "POST",
                f"{path}/{task['task_id']}/submit",
                {
                    "submission_id": f"s{time.time_ns()}",
                    "classes_version": 1,
                    "items": decisions,
                },
            )
            this.images += sum(result["status"] == "saved" for result in answer["results"])
            labeled += sum(bool(names) for names in said)
        return labeled

    def _pay(self, this: Round, task: Json, said: Sequence[Sequence[str]]) -> None:
        """Looks and keys."""
        this.kinds[task["kind"]] += 1
        page = [",".join(sorted(names)) for names in said]
        this.pages.append(page)
        if task["kind"] == "clustered":
            this.similar.append(page)
        names_of = (
            {
                class_["class_id"]: class_["name"]
                for class_ in self.system.admin.call("GET", f"/projects/{self.project_id}")[
                    "classes"
                ]
            }
            if any(item["prelabel"] for item in task["items"])
            else {}
        )
        guesses = [
            ",".join(sorted(names_of[one["class_id"]] for one in shown["annotations"]))
            if (shown := item["prelabel"])
            else None
            for item in task["items"]
        ]
        keys, seconds = cost_of_page(page, guesses)
        this.keys += keys
        this.seconds += seconds

    def _decision(self, item: Json, class_ids: Sequence[str]) -> Json:
        base = {"item_id": item["item_id"], "base_revision": item["revision"], "active_ms": 900}
        if not class_ids:
            return {**base, "outcome": "skipped", "reason": "nothing to see", "annotations": []}
        annotations = [
            {
                "annotation_id": f"a{number}",
                "class_id": class_id,
                "frame": 0,
                "geometry": {"kind": "tag"},
                "origin": None,
            }
            for number, class_id in enumerate(class_ids)
        ]
        return {**base, "outcome": "labeled", "reason": None, "annotations": annotations}

    # The judge.

    def _effort(self, this: Round) -> Json:
        flat = [one for page in this.pages for one in page]
        random = np.random.default_rng(0)
        shuffled = [
            [flat[at] for at in random.permutation(len(flat))] for _ in range(_TIMES_BY_CHANCE)
        ]
        chance = [_purity(answers, this.similar) for answers in shuffled]
        keys, seconds = np.mean([_unassisted(answers) for answers in shuffled], axis=0)
        images = max(this.images, 1)
        return {
            "keys": f"{this.keys / images:.2f} instead of {keys / images:.2f}",
            "seconds": f"{this.seconds / images:.2f} instead of {seconds / images:.2f}",
            "times faster": round(float(seconds) / max(this.seconds, 1e-9), 2),
            "pages": dict(this.kinds),
        } | (
            {
                "purity": round(
                    _purity([one for page in this.similar for one in page], this.similar), 3
                ),
                "purity_by_chance": round(fmean(chance), 3),
            }
            if this.similar
            else {}
        )

    def _trained(self, labels: int) -> Json:
        """Wait for the model of so many labels and what follows; hold it against the truth."""
        run = self._done("training")
        numbers: Json = {"accuracy": run["metrics"]["accuracy"]}
        manifest, data = load(self.system.storage, self.project_id, run["run_id"])
        numbers["threshold"] = manifest.threshold or "none"
        if not manifest.suggests:
            return {**numbers, "suggested": 0, "missing": run["metrics"].get("labels_missing", "?")}
        self._done("inference", model_id=run["run_id"])
        self._done("featurization")
        self._grouped()
        coverage, shown, right = self._suggestions(manifest)
        wrong = shown - right
        if is_broken(shown, wrong, precision=self.plan.precision):
            self.broken.append(
                f"with {labels} labels {right} of {shown} suggestions are right, "
                f"and {self.plan.precision:.0%} were promised"
            )
        return {
            **numbers,
            "suggested": shown,
            "precision": round(right / max(shown, 1), 3),
            "coverage": round(coverage, 3),
            "unseen": self._on_unseen(manifest, data),
        }

    def _suggestions(self, manifest: ModelManifest) -> tuple[float, int, int]:
        """The share of waiting images with a suggestion, the suggested classes, and the right ones."""
        settings = Settings()
        projects = Projects(self.system.storage, settings, Access(self.system.storage))
        items = projects.items(projects.get(self.project_id))
        names = {class_.class_id: class_.name for class_ in manifest.classes}
        waiting = covered = shown = right = 0
        for shard in range(items.shards):
            for row in items.all_rows(shard):
                item = row.item
                if item.state != "available":
                    continue
                waiting += 1
                if item.suggestion:
                    covered += 1
                    said = [names[tag.class_id] for tag in of_copy(item.suggestion)]
                    path = item.path.removeprefix(self.prefix)
                    shown += len(said)
                    right += len({*said} & {*self.truth.scene(path).tags})
        return covered / max(waiting, 1), shown, right

    def _on_unseen(self, manifest: ModelManifest, data: bytes) -> str:
        """Accuracy, and precision and coverage of suggestions, on objects the project has no photo of."""
        session = onnxruntime.InferenceSession(data, providers=["CPUExecutionProvider"])
        names = {class_.class_id: class_.name for class_ in manifest.classes}
        scenes = [scene for scene in self.unseen.scenes if scene.tags]
        best = covered = shown = right = 0
        for scene in scenes:
            pixels = pixels_for_model((self.strange / scene.path).read_bytes())
            scores = np.asarray(session.run(["scores"], {"images": pixels[None]})[0])[0]
            best += manifest.classes[int(scores.argmax())].name in scene.tags
            (found,) = suggested(manifest, scores[None])
            covered += bool(found)
            shown += len(found)
            right += sum(names[class_id] in scene.tags for class_id, _ in found)
        share = covered / len(scenes)
        return f"{best / len(scenes):.2f}, {right / max(shown, 1):.2f} of {share:.2f}"

    # Waiting.

    def _done(self, kind: str, **like: str) -> Json:
        return self.system.done(self.project_id, kind, _WAIT_S, **like)

    def _grouped(self) -> None:
        """Wait until groups have reached the queues: a person would take longer for a page.

        Raises:
            TimeoutError: they did not come to rest in time.
        """
        end = time.monotonic() + _WAIT_S
        before: Json = {}
        while time.monotonic() < end:
            queues: Json = self.system.admin.call("GET", f"/projects/{self.project_id}/progress")[
                "queues"
            ]
            if queues == before and queues.get(CLUSTERED):
                return
            before = queues
            time.sleep(_RESTING_S)
        raise TimeoutError(f"groups did not reach the queues within {_WAIT_S} s")


def cost_of_page(said: Sequence[str], guesses: Sequence[str | None]) -> tuple[int, float]:
    """Keys and seconds of a page: of images without a suggestion all are given the commonest answer at once.

    Args:
        said: what is to be said of each image, its classes with commas between.
        guesses: what is suggested, the same way; None where nothing is.

    >>> cost_of_page(["cat", "cat", "dog"], ["cat", "cat", "dog"])  # a glance at each, and a key to submit
    (1, 1.7)
    >>> cost_of_page(["cat", "cat", "dog"], [None, None, None])[0]  # all, cat; the dog, dog; submit
    5
    """
    keys, seconds = 1, 0.0  # to submit
    bare: list[str] = []
    for one, guess in zip(said, guesses, strict=True):
        seconds += GLANCE_S if guess == one else LOOK_S
        if guess is None:
            bare.append(one)
        elif guess != one:
            keys += 1 + len({*guess.split(",")} ^ {*one.split(",")})
    if bare:
        (common, _), *_rest = Counter(bare).most_common()
        keys += 1 + common.count(",") + 1
        others = [one for one in bare if one != common]
        keys += len(others) + sum(other.count(",") + 1 for other in set(others))
    return keys, round(seconds + keys * KEY_S, 3)


def _unassisted(answers: Sequence[str]) -> tuple[int, float]:
    """Keys and seconds where images come on pages in this order, and nothing is suggested."""
    pages = [answers[at : at + _PAGE] for at in range(0, len(answers), _PAGE)]
    costs = [cost_of_page(page, [None] * len(page)) for page in pages]
    return sum(keys for keys, _ in costs), sum(seconds for _, seconds in costs)


def _purity(answers: Sequence[str], pages: Sequence[Sequence[str]]) -> float:
    """Share of the commonest answer of each page, where pages take these answers in order."""
    at = pure = 0
    for page in pages:
        some = answers[at : at + len(page)]
        pure += max(Counter(some).values(), default=0)
        at += len(page)
    return pure / max(at, 1)


if __name__ == "__main__":
    sys.exit(main())
