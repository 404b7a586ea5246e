"""What the jobs do, step by step: from labels to a model, and from images to groups of similar ones.

Every step finds what an earlier try of the same run left behind, so that a job may be killed anywhere.
"""

from __future__ import annotations

import gzip
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256
from importlib.metadata import version
from io import BytesIO
from typing import cast
from zipfile import BadZipFile

import numpy as np
import torch
from numpy.typing import NDArray

from gpu_jobs import CannotFinish
from gpu_jobs.card import card
from gpu_jobs.embed import Backbone, backbone, device, embed
from gpu_jobs.encode import Encoder, encoder
from gpu_jobs.export import export
from gpu_jobs.features import PART, Features, read
from gpu_jobs.group import Joined, groups_in_samples, near_duplicates
from gpu_jobs.label_errors import label_errors
from gpu_jobs.shapes import Drawn, drawn_on, parts, train_detector, used
from gpu_jobs.snapshot import Line, labeled_unseen, snapshot, unlabeled
from gpu_jobs.threshold import Choice, budget
from gpu_jobs.train import MIN_LABELS, Head, Trained, calibrated, confused, train, validated
from gpu_jobs.tune import kept, tune
from labeling import layout
from labeling.annotations.task_types import TASK_TYPES
from labeling.assist.clicks import DECODER_FILE, ENCODER_FILE
from labeling.assist.detection import FRAME, framed
from labeling.assist.doubts import DOUBTS, Doubt, packed
from labeling.assist.jobs import EncodeSpec, FeaturizeSpec, Group, JobSpec, TrainSpec
from labeling.assist.models import (
    CARD,
    FINDER,
    IR,
    MANIFEST,
    MODEL,
    OPSET,
    REFINER,
    Detection,
    ModelManifest,
    answers,
)
from labeling.assist.preprocess import SIDE
from labeling.assist.reports import MOST_CONFUSED, REPORT, Confusion, CurvePoint, Findings
from labeling.assist.runs import ClickModel, Metrics, RunProgress, Runs
from labeling.errors import NotFound
from labeling.projects.projects import Project, Projects
from labeling.storage import Storage

HEAD, BACKBONE = "head.npz", "backbone.pt"
"""The last layer of a classifier, which groups images by what it takes them for, and the network, if tuned."""

TUNED_FROM = 1_000
"""Labels from which on a network is tuned, where there is a GPU."""

LEAST_JUDGES = 60
GROUPS_A_PART = 50
CLICKS_PART = 16  # images decoded together: a frame of 1,024 pixels takes 12 MB
_AT_ONCE = 4_096  # embeddings in single precision
_PHOTOS = 16  # that torch and onnxruntime are compared with
_LIBRARIES = ("torch", "timm", "onnx", "numpy")

Alive = Callable[[], None]
"""Called between steps: raises when this process is to stop, or another has taken the job over."""


@dataclass(frozen=True)
class Made:
    """A model, by its files, with what it may suggest and what was measured."""

    files: dict[str, bytes]
    features: int
    """Length of an embedding."""
    metrics: Metrics
    choice: Choice
    detection: Detection | None = None
    confused: NDArray[np.int64] | None = None

    @property
    def suggests(self) -> bool:
        """Whether it may suggest anything at all."""
        return self.choice.chosen is not None


@dataclass(frozen=True)
class Jobs:
    """Does jobs over a storage."""

    storage: Storage
    projects: Projects
    runs: Runs

    def training(self, spec: TrainSpec, alive: Alive) -> None:
        """Train a model, find its threshold, write it down.

        Raises:
            CannotFinish: there is nothing to be trained with, or something is damaged.
        """
        project = self._project(spec.project_id)
        items = self.projects.items(project)
        taken = snapshot(self.storage, items, project, spec.run_id)
        known = [class_.class_id for class_ in spec.classes]
        said = [line.now(project) for line in taken.lines]
        usable = [line for line in said if _usable(line, known, spec.task_type)]
        self._say(
            spec, f"{len(taken.lines)} labeled images, {len(usable)} of the classes asked for"
        )
        if len(usable) < MIN_LABELS and (left_out := labeled_unseen(items, project)):
            raise CannotFinish(
                f"{len(usable)} labeled images are too few, and {left_out} DICOM images are left out: "
                "let models look at DICOM in the settings of assist"
            )
        network = backbone(spec.backbone)

        def progress(done: int, total: int) -> None:
            alive()
            self._progress(spec, done, total)

        lines, embeddings = Features(self.storage, items, network).of(usable, progress)
        if len(lines) < len(usable):
            self._say(spec, f"{len(usable) - len(lines)} images can't be read and are left out")
        alive()
        if TASK_TYPES[spec.task_type].geometry != "tag":
            model = self._detector(spec, lines, embeddings, network, alive)
        else:
            network, model = self._classifier(spec, lines, embeddings, network, alive)
        model.metrics["unreadable"] = len(usable) - len(lines)
        self._say(spec, ", ".join(f"{name} {value}" for name, value in model.metrics.items()))
        alive()
        self._still_fits(spec)
        self._keep(spec, model, taken.digest, network)
        reason = "" if model.suggests else _not_yet(model.metrics, spec)
        self.runs.finish(
            spec.project_id,
            spec.validation_run_id,
            metrics=model.metrics,
            reason=reason,
            model_id=spec.run_id,
        )
        self.runs.finish(spec.project_id, spec.run_id, metrics=model.metrics, model_id=spec.run_id)

    def _classifier(
        self,
        spec: TrainSpec,
        lines: list[Line],
        embeddings: NDArray[np.float16],
        network: Backbone,
        alive: Alive,
    ) -> tuple[Backbone, Made]:
        known = [class_.class_id for class_ in spec.classes]
        assert spec.task_type == "multiclass" or spec.task_type == "multilabel"
        truth = np.array([[one in line.class_ids for one in known] for line in lines], bool)
        truth = truth.reshape(len(lines), len(known))
        group = _together(lines, embeddings)
        validates = np.array([line.judges for line in lines], bool)
        tunes = spec.fine_tune == "always" or (
            spec.fine_tune == "auto" and len(lines) >= TUNED_FROM and device().type == "cuda"
        )
        trained = train(
            embeddings.astype(np.float32),
            truth,
            group,
            spec.task_type,
            validates=validates,
            precision=spec.precision,
            confidence=spec.confidence,
            retrain=spec.retrain,
            candidates=1 + tunes,
            seed=spec.seed,
        )
        files: dict[str, bytes] = {}
        if tunes:
            judges = parts([line.item_id for line in lines], group, validates) == "judge"
            try:
                better = self._tuned(
                    spec, lines, embeddings, truth, group, judges, network, trained, alive
                )
            except CannotFinish as why:
                self._say(spec, f"tuning the network was given up, the frozen one is kept: {why}")
            else:
                if better:
                    network, trained = better
                    weights = BytesIO()
                    torch.save(network.state_dict(), weights)
                    files[BACKBONE] = weights.getvalue()
        doubts = _doubts(lines, truth, trained.scores, spec)
        trained.metrics["doubted_labels"] = len(doubts)
        photos = [array for array in read(self.storage, lines[:_PHOTOS]) if array is not None]
        data = export(network, trained.head, np.stack(photos))
        self._say(spec, f"exported, {len(data) / 1e6:.1f} MB, the same on {len(photos)} photos")
        head = BytesIO()
        np.savez(head, weight=trained.head.weight, bias=trained.head.bias)
        return network, Made(
            {MODEL: data, HEAD: head.getvalue(), DOUBTS: packed(doubts), **files},
            trained.head.weight.shape[1],
            trained.metrics,
            trained.choice,
            confused=trained.confused,
        )

    def _tuned(
        self,
        spec: TrainSpec,
        lines: list[Line],
        embeddings: NDArray[np.float16],
        truth: NDArray[np.bool_],
        group: NDArray[np.int64],
        judges: NDArray[np.bool_],
        network: Backbone,
        frozen: Trained,
        alive: Alive,
    ) -> tuple[Backbone, Trained] | None:
        """A network tuned on what does not judge, if it is right more often on what does; else None."""
        assert spec.task_type == "multiclass" or spec.task_type == "multilabel"
        if judges.sum() < LEAST_JUDGES:
            raise CannotFinish(f"{judges.sum()} labels that may judge it are too few")
        teach = np.flatnonzero(~judges)
        first = train(
            embeddings[teach].astype(np.float32), truth[teach], group[teach], spec.task_type
        )
        order = np.concatenate([teach, np.flatnonzero(judges)])
        began = time.perf_counter()
        with kept(self._pixels([lines[at] for at in order], alive), len(order)) as pixels:
            decoded = len(order) / (time.perf_counter() - began)

            def said(done: int, total: int) -> None:
                progress = RunProgress(done=done, total=total, what="epochs")
                self.runs.note(spec.project_id, spec.run_id, progress=progress)

            tuned = tune(
                network,
                first.head,
                pixels[: len(teach)],
                truth[teach],
                f"{network.feature_id}-{spec.run_id}",
                seed=spec.seed,
                alive=alive,
                said=said,
            )
            batches = (pixels[at : at + PART] for at in range(len(teach), len(order), PART))
            seen = np.concatenate(list(embed(tuned.network, batches)))
        head = calibrated(tuned.head, seen, truth[judges])
        scores = head.scores(seen)
        right, right_frozen = (
            float((answers(array, spec.task_type) == truth[judges]).all(1).mean())
            for array in (scores, frozen.scores[judges])
        )
        self._say(
            spec,
            f"tuned at {tuned.rate:.0f} images/s, decoded at {decoded:.0f}; of {judges.sum()} images "
            f"neither has seen, right are {right:.1%}, with the frozen network {right_frozen:.1%}",
        )
        if right <= right_frozen:
            return None
        choice, metrics = validated(
            scores,
            truth[judges],
            group[judges],
            spec.task_type,
            precision=spec.precision,
            delta=budget(spec.confidence, spec.retrain) / 2,
        )
        metrics |= {"labels": len(lines), "accuracy_frozen": round(right_frozen, 4)}
        of_one = confused(scores, truth[judges]) if spec.task_type == "multiclass" else None
        return tuned.network, Trained(head, frozen.scores, choice, metrics, of_one)

    def _pixels(self, lines: Sequence[Line], alive: Alive) -> Iterator[NDArray[np.uint8]]:
        """What a model sees of images, in order; black for one that is gone meanwhile."""
        for at in range(0, len(lines), PART):
            alive()
            gone = np.zeros((SIDE, SIDE, 3), np.uint8)
            some = read(self.storage, lines[at : at + PART])
            yield np.stack([gone if array is None else array for array in some])

    def _detector(
        self,
        spec: TrainSpec,
        lines: list[Line],
        embeddings: NDArray[np.float16],
        network: Backbone,
        alive: Alive,
    ) -> Made:
        group = _together(lines, embeddings)
        number = {class_.class_id: at for at, class_ in enumerate(spec.classes)}
        unseen = np.array([line.judges for line in lines], bool)
        part = parts([line.item_id for line in lines], group, unseen)
        chosen = used(part, spec.seed)
        images: list[Drawn] = []
        seen: list[int] = []
        for start in range(0, len(chosen), PART):
            alive()
            some = chosen[start : start + PART]
            frames = read(self.storage, [lines[at] for at in some], framed)
            for at, image in zip(some, frames, strict=True):
                if image is not None:
                    shapes = lines[at].shapes
                    seen.append(int(at))
                    classes = np.array([number[shape.class_id] for shape in shapes], np.int64)
                    drawn = [shape.geometry for shape in shapes]
                    images.append(drawn_on(image, drawn, classes, spec.task_type == "polygons"))

        def said(what: str, done: int, total: int) -> None:
            self.runs.note(
                spec.project_id,
                spec.run_id,
                progress=RunProgress(done=done, total=total, what=what),
            )

        trained = train_detector(
            images,
            part[seen],
            group[seen],
            network,
            len(spec.classes),
            overlap=spec.overlap,
            precision=spec.precision,
            confidence=spec.confidence,
            retrain=spec.retrain,
            strict=spec.strict,
            seed=spec.seed,
            alive=alive,
            said=said,
        )
        files = {
            FINDER: trained.finder,
            REFINER: trained.refiner,
            MODEL: trained.classifier,
        }
        size = sum(map(len, files.values())) / 1e6
        self._say(spec, f"exported, {size:.1f} MB, the same on photos")
        detection = Detection(
            frame=FRAME,
            overlap=spec.overlap,
            strict=spec.strict,
            scorer=trained.scorer,
            finder_sha256=sha256(trained.finder).hexdigest(),
            refiner_sha256=sha256(trained.refiner).hexdigest(),
        )
        trained.metrics["labels"] = len(lines)
        dimensions = embeddings.shape[1]
        return Made(files, dimensions, trained.metrics, trained.choice, detection)

    def featurization(self, spec: FeaturizeSpec, alive: Alive) -> None:
        """Embed all images that wait to be labeled, and group them, shard by shard.

        Raises:
            CannotFinish: the weights or the model are missing or damaged.
        """
        project = self._project(spec.project_id)
        items = self.projects.items(project)
        network, head = backbone(spec.backbone), None
        if spec.model_id:
            network, head = self._of_model(spec.project_id, spec.model_id, network)
        features = Features(self.storage, items, network)
        done = grouped = 0
        waiting = items.counters()["state:available"]
        for shard in range(items.shards):
            sources = unlabeled(items, project, shard)
            before = done

            def progress(now: int, _: int, before: int = before) -> None:
                alive()
                self._progress(spec, before + now, waiting)

            readable, embeddings = features.of(sources, progress)
            done += len(sources)
            if not readable:
                continue
            vectors = embeddings if head is None else with_opinion(embeddings, head)
            samples = groups_in_samples(vectors, spec.sample, seed=shard)
            found = [
                Group(
                    sample=layout.sample(spec.run_id, number),
                    size=sum(len(alike.members) for alike in some),
                    rank=rank,
                    items=[readable[member].item_id for member in alike.members],
                    duplicates=[readable[duplicate].item_id for duplicate in alike.duplicates],
                )
                for number, some in enumerate(samples)
                for rank, alike in enumerate(some)
            ]
            alive()
            for at in range(0, len(found), GROUPS_A_PART):
                part = at // GROUPS_A_PART
                self._write_groups(spec, shard, part, found[at : at + GROUPS_A_PART])
            grouped += len(readable)
        self.runs.finish(
            spec.project_id,
            spec.run_id,
            metrics={"images": grouped, "unreadable": done - grouped},
            model_id=spec.model_id or "",
            change=lambda state: state.model_copy(update={"feature_id": network.feature_id}),
        )

    def encoding(self, spec: EncodeSpec, alive: Alive) -> None:
        """Prepare all images that wait to be labeled, and were not yet, for a tool that outlines things.

        Raises:
            CannotFinish: the files of the model are missing, damaged, or of another kind.
        """
        project = self._project(spec.project_id)
        items = self.projects.items(project)
        looks, decoder = self._click_model(spec)
        model = looks.model
        place = layout.click_decoder(spec.project_id, model.model_id)
        self._write(place, decoder)
        self.runs.change_state(
            spec.project_id, lambda state: state.model_copy(update={"clicks": model})
        )
        prepared = self._encoded(spec.project_id, model)
        images = items.counters()["state:available"]
        done = unreadable = 0
        for shard in range(items.shards):
            waiting = {
                layout.click_image(
                    spec.project_id, model.model_id, source.item_id, source.blob_etag
                ): source
                for source in unlabeled(items, project, shard, model.side)
            }
            missing = [one for one in waiting if one not in prepared]
            done += len(waiting) - len(missing)
            for at in range(0, len(missing), CLICKS_PART):
                some = missing[at : at + CLICKS_PART]
                frames = read(self.storage, [waiting[one] for one in some], looks.framed)
                for name, frame in zip(some, frames, strict=True):
                    alive()
                    if frame is None:
                        unreadable += 1
                    else:
                        self._write(name, looks.seen(frame).astype("<f2").tobytes())
                done += len(some)
                self._progress(spec, done, images)
        self.runs.finish(
            spec.project_id,
            spec.run_id,
            metrics={"images": done - unreadable, "unreadable": unreadable},
            model_id=model.model_id,
        )

    def _click_model(self, spec: EncodeSpec) -> tuple[Encoder, bytes]:
        """The encoder that a deployment brought, and its decoder's file."""
        try:
            first, second = (
                self.storage.blobs.read(layout.MODELS, layout.click_file(spec.folder, name))
                for name in (ENCODER_FILE, DECODER_FILE)
            )
        except NotFound as error:
            raise CannotFinish(
                f"{ENCODER_FILE} and {DECODER_FILE} must lie in the folder {spec.folder} of the container "
                f"{layout.MODELS}, as LABELRY_CLICK_MODEL says"
            ) from error
        return encoder(first, second), second

    def _encoded(self, project_id: str, model: ClickModel) -> set[str]:
        """The names of all that was prepared by a model."""
        prefix, found, cursor = layout.click_images(project_id, model.model_id), set[str](), None
        while True:
            page = self.storage.blobs.list(layout.MODELS, prefix=prefix, cursor=cursor)
            found |= {blob.path for blob in page.blobs}
            cursor = page.cursor
            if cursor is None:
                return found

    def _write(self, place: str, data: bytes) -> None:
        self.storage.blobs.write(
            layout.MODELS,
            place,
            data,
            content_type="application/octet-stream",
            cache_control="private, max-age=31536000, immutable",
        )

    def _project(self, project_id: str) -> Project:
        project = self.projects.find(project_id)
        if project is None:
            raise CannotFinish("the project is gone")
        return project

    def _still_fits(self, spec: TrainSpec) -> None:
        """A model of classes that are gone would suggest what nobody can choose."""
        self.projects.forget(spec.project_id)
        now = {class_.class_id for class_ in self._project(spec.project_id).classes}
        gone = [class_.name for class_ in spec.classes if class_.class_id not in now]
        if gone:
            raise CannotFinish(
                f"{', '.join(gone)} can no longer be chosen since the training began: train again"
            )

    def _keep(self, spec: TrainSpec, model: Made, digest: str, network: Backbone) -> None:
        """Write the files of a model, the manifest last: without it there is no model."""
        manifest = ModelManifest(
            model_id=spec.run_id,
            project_id=spec.project_id,
            task_type=spec.task_type,
            classes=spec.classes,
            side=SIDE,
            features=model.features,
            threshold=model.choice.chosen.threshold if model.choice.chosen else None,
            detection=model.detection,
            precision=spec.precision,
            confidence=spec.confidence,
            metrics={str(name): value for name, value in model.metrics.items()},
            snapshot_sha256=digest,
            onnx_sha256=sha256(model.files[MODEL]).hexdigest(),
            opset=OPSET,
            ir=IR,
            backbone=network.feature_id,
            versions={name: version(name) for name in _LIBRARIES},
            created_at=self.storage.clock.now(),
        )
        files = [(name, data, "application/octet-stream") for name, data in model.files.items()]
        for name, content, kind in (
            *files,
            (CARD, card(manifest, model.choice).encode(), "text/markdown; charset=utf-8"),
            (REPORT, _findings(spec, model).model_dump_json().encode(), "application/json"),
            (MANIFEST, manifest.model_dump_json(indent=2).encode(), "application/json"),
        ):
            place = layout.model_blob(spec.project_id, spec.run_id, name)
            self.storage.blobs.write(layout.MODELS, place, content, content_type=kind)

    def _of_model(self, project_id: str, model_id: str, network: Backbone) -> tuple[Backbone, Head]:
        """The network of a model, tuned where it was, and its head."""
        try:
            manifest = ModelManifest.model_validate_json(
                self.storage.blobs.read(
                    layout.MODELS, layout.model_blob(project_id, model_id, MANIFEST)
                )
            )
            data = self.storage.blobs.read(
                layout.MODELS, layout.model_blob(project_id, model_id, HEAD)
            )
            with np.load(BytesIO(data), allow_pickle=False) as stored:
                task_type = "multilabel" if manifest.task_type == "multilabel" else "multiclass"
                head = Head(stored["weight"], stored["bias"], task_type)
            place = layout.model_blob(project_id, model_id, BACKBONE)
            if self.storage.blobs.find(layout.MODELS, place):
                weights = self.storage.blobs.read(layout.MODELS, place)
                network.load_state_dict(torch.load(BytesIO(weights), weights_only=True))
                network.feature_id = manifest.backbone
            return network, head
        except (NotFound, ValueError, KeyError, OSError, RuntimeError, BadZipFile) as error:
            raise CannotFinish(f"the model {model_id} can't be read: {error}") from error

    def _write_groups(
        self, spec: FeaturizeSpec, shard: int, part: int, some: Sequence[Group]
    ) -> None:
        text = "".join(group.model_dump_json() + "\n" for group in some)
        self.storage.blobs.write(
            layout.MODELS,
            layout.groups_blob(spec.project_id, spec.run_id, shard, part),
            gzip.compress(text.encode(), mtime=0),
            content_type="application/gzip",
        )

    def _say(self, spec: JobSpec, *lines: str) -> None:
        self.runs.note(spec.project_id, spec.run_id, *lines)

    def _progress(self, spec: JobSpec, done: int, total: int) -> None:
        self.runs.note(
            spec.project_id,
            spec.run_id,
            # More may have come since they were counted.
            progress=RunProgress(done=done, total=max(done, total), what="images"),
        )


def _usable(line: Line, known: list[str], task_type: str) -> bool:
    """Whether a label speaks of these classes: one that names a class added since does not."""
    ours = [class_id in known for class_id in line.class_ids]
    return all(ours) and (task_type != "multiclass" or len(ours) == 1)


def _together(lines: list[Line], embeddings: NDArray[np.float16]) -> NDArray[np.int64]:
    """(n,) the same number for images that may fail together: near-duplicates, pages of similar ones."""
    together = Joined(len(lines))
    for one, other in enumerate(near_duplicates(embeddings)):
        together.join(one, int(other))
    first: dict[str, int] = {}
    for one, line in enumerate(lines):
        if line.page:
            together.join(first.setdefault(line.page, one), one)
    return together.numbers()


def _doubts(
    lines: Sequence[Line],
    truth: NDArray[np.bool_],
    scores: NDArray[np.float32],
    spec: TrainSpec,
) -> list[Doubt]:
    assert spec.task_type == "multiclass" or spec.task_type == "multilabel"
    return [
        Doubt(
            item_id=lines[error.image].item_id,
            said=lines[error.image].class_ids,
            seems=[spec.classes[k].class_id for k in error.seems],
            score=error.score,
        )
        for error in label_errors(scores, truth, spec.task_type)
    ]


def with_opinion(embeddings: NDArray[np.float16], head: Head) -> NDArray[np.float16]:
    """(n, d + classes): what an image looks like, and what the model takes it for, of equal weight."""
    n, d = embeddings.shape
    both = np.empty((n, d + len(head.bias)), np.float16)
    for at in range(0, n, _AT_ONCE):
        some = embeddings[at : at + _AT_ONCE]
        both[at : at + _AT_ONCE, :d] = some
        both[at : at + _AT_ONCE, d:] = head.scores(some)
    return both


def _not_yet(metrics: Metrics, spec: TrainSpec) -> str:
    missing = cast("int | None", metrics.get("labels_missing"))
    of_what = "of the images right in all their shapes" if spec.strict else "right"
    words = (
        f"no suggestions yet: {spec.precision:.0%} {of_what} can't be promised with these labels"
    )
    if missing is None:
        return f"{words}; the model has to become better first"
    return f"{words}; it probably takes about {missing} more"


def _findings(spec: TrainSpec, model: Made) -> Findings:
    """What is kept of how a model was judged, for people to look at."""
    curve = [
        CurvePoint(
            threshold=point.threshold,
            suggested=point.suggested,
            wrong=point.wrong,
            precision=round(point.precision, 4),
            coverage=round(point.coverage, 4),
            wrong_at_most=round(point.bound, 4),
        )
        for point in model.choice.curve
    ]
    if model.confused is None:
        return Findings(curve=curve)
    most = np.argsort(-model.confused.sum(1), kind="stable")[:MOST_CONFUSED]
    return Findings(
        curve=curve,
        confusion=Confusion(
            class_ids=[spec.classes[at].class_id for at in most],
            counts=model.confused[np.ix_(most, most)].tolist(),
        ),
    )
