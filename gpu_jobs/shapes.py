"""Trains a detector on boxes or outlines that people drew, and proves from which score on it may suggest.

Fitting networks takes minutes, so that not every label can be training and validation at once as with whole
images. Each labeled image has one part for good, by chance: most teach the networks, some the scorer that says
how likely a shape is right, and the others judge, in every training of the project. What judges is computed by
the very files that are kept, in the very way the app uses them (`labeling.assist.detection`).
"""

from __future__ import annotations

import contextlib
import io
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

import numpy as np
import shapely
import torch
from numpy.typing import NDArray
from PIL import Image, ImageDraw
from scipy.optimize import minimize

from gpu_jobs import CannotFinish
from gpu_jobs.detector import (
    DRAWN,
    Candidates,
    Pyramid,
    Refiner,
    Shown,
    shown,
    train_finder,
    train_refiner,
)
from gpu_jobs.embed import Backbone, embed
from gpu_jobs.export import TOLERANCE, export, onnx_of
from gpu_jobs.threshold import (
    Choice,
    budget,
    choose_as_shown,
    correlation,
    labels_missing,
    worth,
)
from gpu_jobs.train import MIN_LABELS, train
from labeling.adapters.onnx import open_networks
from labeling.annotations.areas import area_of, pieces, polygon_of
from labeling.annotations.shapes import Box, Polygon
from labeling.assist.detection import (
    FRAME,
    Detector,
    Found,
    Framed,
    Looked,
    Networks,
    Refined,
    agreement,
    crops,
    matches,
    overlaps,
)
from labeling.assist.models import BOXES, FITS, INPUT, MAPS, MASKS, PEAKS, REFINED, Scorer
from labeling.assist.runs import Metrics
from labeling.exchange.formats.coco import run_lengths

Alive = Callable[[], None]
Said = Callable[[str, int, int], None]
"""Told of what, how many of how many are done. What it raises comes out."""

SCORING, VALIDATION = 1 / 6, 1 / 3
"""Shares of the images that teach the scorer, and that judge."""

GRID: tuple[float, ...] = tuple(
    round(float(1 / (1 + np.exp(-logit))), 4) for logit in np.linspace(5.0, -0.8, 59)
)
"""Scores from .993 down to .31: among boxes of .6 and more, nine of ten may well be right."""

MOST = {"learn": 3_000, "score": 1_000, "judge": 3_000}
"""Images of each part that are used at most: the pixels of one take 0.3 MB, the feature maps of one that
teaches a megabyte besides. More than so many judge no better."""

_MOST_CROPS = 6_000
_CROPS_OF_AN_IMAGE = 20
_JITTER = 0.03  # of a box's side, by which crops to learn from are out of place
_BESIDE = 0.3  # overlap with things below which a crop shows none
_SMALLEST = 16  # pixels of a crop of nothing
_PIXELS = 0.1  # by which a box may differ between torch and onnxruntime
_SURE_PEAK = 0.05  # below it candidates are many, and their order is chance
_DETECTED_AT_ONCE = 8
_TAKEN_OFF = 0.5  # of the squared weights of the scorer, per weight


@dataclass(frozen=True)
class Drawn:
    """A labeled image."""

    image: Framed
    boxes: NDArray[np.float32]
    """(things, 4) in fractions of the image."""
    classes: NDArray[np.int64]
    """(things,) numbers of classes."""
    areas: NDArray[np.object_] | None = None
    """(things,) what they cover, in fractions of the image, where outlines were drawn."""


def drawn_on(
    image: Framed, shapes: Sequence[Box | Polygon], classes: NDArray[np.int64], outlines: bool
) -> Drawn:
    """A labeled image, of what was drawn on it: of polygons where `outlines`."""
    polygons = [shape for shape in shapes if isinstance(shape, Polygon)]
    if not outlines:
        boxes = [
            (shape.x0, shape.y0, shape.x1, shape.y1) for shape in shapes if isinstance(shape, Box)
        ]
        return Drawn(image, np.array(boxes, np.float32).reshape(-1, 4), classes)
    areas = np.empty(len(polygons), object)
    areas[:] = [area_of(polygon) for polygon in polygons]
    return Drawn(image, shapely.bounds(areas).astype(np.float32).reshape(-1, 4), classes, areas)


@dataclass(frozen=True)
class TrainedDetector:
    """A detector, what it may suggest, and how that was found out."""

    finder: bytes
    refiner: bytes
    classifier: bytes
    """The three ONNX files."""
    scorer: Scorer
    choice: Choice
    metrics: Metrics


def parts(
    item_ids: Sequence[str], group: NDArray[np.integer], judges: NDArray[np.bool_]
) -> NDArray[Any]:
    """(n,) `learn`, `score` or `judge`: the same for an image in every training.

    Args:
        item_ids: of the images.
        group: (n,) images that may fail together have the same number, and one part.
        judges: (n,) whether a label was given without a suggestion in sight; the others only teach.
    """
    found = np.full(len(item_ids), "learn", dtype="<U5")
    first: dict[int, str] = {}
    for item_id, number in zip(item_ids, group, strict=True):
        first[int(number)] = min(item_id, first.get(int(number), item_id))
    barred = {int(one) for one in group[~judges]}
    for one, number in enumerate(group):
        if int(number) in barred:
            continue
        digest = sha256(b"part" + first[int(number)].encode()).digest()
        place = int.from_bytes(digest[:6], "big") / 2**48
        if place < VALIDATION:
            found[one] = "judge"
        elif place < VALIDATION + SCORING:
            found[one] = "score"
    return found


def used(part: NDArray[Any], seed: int) -> NDArray[np.int64]:
    """Numbers of the images that are used, in order: of each part, (n,) as `parts` says, `MOST` by chance.

    >>> used(np.array(["learn", "judge", "learn"]), seed=0).tolist()
    [0, 1, 2]
    """
    random = np.random.default_rng(seed)
    return np.sort(
        np.concatenate(
            [random.permutation(np.flatnonzero(part == name))[:most] for name, most in MOST.items()]
        )
    )


def train_detector(
    images: Sequence[Drawn],
    part: NDArray[Any],
    group: NDArray[np.integer],
    network: Backbone,
    classes: int,
    *,
    overlap: float = 0.5,
    precision: float = 0.95,
    confidence: float = 0.90,
    retrain: int = 0,
    strict: bool = False,
    seed: int = 0,
    alive: Alive = lambda: None,
    said: Said = lambda what, done, total: None,
    epochs: int | None = None,
) -> TrainedDetector:
    """Train, export, validate what was exported.

    Args:
        images: that are labeled, with and without things in them, no more of a part than `MOST`.
        part: (n,) as `parts` says.
        group: (n,) images that may fail together have the same number.
        network: the backbone.
        classes: how many there are.
        overlap: from which on a shape is right about a person's of its class.
        precision: the share of right shapes among those suggested that is promised, or of images without a
            wrong one among those that have any suggested.
        confidence: with which it is promised, over all trainings of the project.
        retrain: how often the project trained before.
        strict: whether it is promised of images.
        seed: of everything that is drawn by chance.
        alive: called now and then.
        said: told how far it is.
        epochs: how often each image is seen, where not as many times as usual.

    Raises:
        CannotFinish: there is too little to learn from or to judge by, or an export is not the same.
    """
    learn, score, judge = (
        [image for image, which in zip(images, part, strict=True) if which == name]
        for name in ("learn", "score", "judge")
    )
    _check(images, learn, score, judge)
    pyramid = Pyramid(network).eval()
    seen = shown(
        pyramid,
        [drawn.image.pixels for drawn in learn],
        [drawn.image.to_frame(drawn.boxes) for drawn in learn],
        alive,
        masks_of(learn),
    )

    def of(what: str) -> Callable[[int, int], None]:
        def told(done: int, total: int) -> None:
            alive()
            said(what, done, total)

        return told

    finder = train_finder(seen, of("epochs"), seed=seed, epochs=epochs)
    refiner = train_refiner(seen, of("epochs of the second look"), seed=seed, epochs=epochs)
    candidates, refiner = Candidates(pyramid, finder).eval().cpu(), refiner.cpu()
    files = export_detector(candidates, refiner, seen)
    seen_outlines = seen.masks is not None
    del seen
    alive()
    classifier, class_accuracy = train_classifier(learn, network, classes, seed, alive)
    alive()
    networks = open_networks(classes, seen_outlines, *files, classifier)
    photos = np.stack([image.image.pixels for image in images[:_DETECTED_AT_ONCE]])
    compare(networks, TorchNetworks(candidates, refiner), photos)

    def found_in(some: Sequence[Drawn], what: str, scorer: Scorer | None) -> list[Found]:
        detector, found = Detector(networks, scorer), list[Found]()
        for at in range(0, len(some), _DETECTED_AT_ONCE):
            of(what)(at, len(some))
            found += detector.find([drawn.image for drawn in some[at : at + _DETECTED_AT_ONCE]])
        return found

    scorer = fit_scorer(score, found_in(score, "images to score", None), overlap)
    found = found_in(judge, "images to judge by", scorer)
    delta = budget(confidence, retrain)
    choice, proven = judged(
        judge,
        found,
        group[part == "judge"],
        overlap=overlap,
        precision=precision,
        delta=delta,
        strict=strict,
    )
    metrics: Metrics = {
        "labels": len(images),
        "learned_from": len(learn),
        "scored_by": len(score),
        "validated": len(judge),
        "class_accuracy": class_accuracy,
        **average_precision(judge, found, classes),
        **mask_iou(judge, found),
        **proven,
    }
    missing = labels_missing(choice, len(images), precision=precision, delta=delta)
    if missing is not None:
        metrics["labels_missing"] = missing
    return TrainedDetector(*files, classifier, scorer, choice, metrics)


def judged(
    images: Sequence[Drawn],
    found: Sequence[Found],
    group: NDArray[np.integer],
    *,
    overlap: float,
    precision: float,
    delta: float,
    strict: bool = False,
) -> tuple[Choice, Metrics]:
    """The threshold that holds for shapes, or for whole images, and what was measured.

    Shapes of one image, and of images that may fail together, are wrong together: n of them are worth n over
    the design effect.

    Args:
        images: (n) that judge.
        found: (n) what was found in them, with scores of the scorer.
        group: (n,) images that may fail together have the same number.
        overlap: from which on a shape is right.
        precision: as for `threshold.choose`.
        delta: as for `threshold.choose`.
        strict: an image counts that anything is shown of, as wrong where one of its shapes is; else each shape.
    """
    scores = np.concatenate([one.scores for one in found] or [np.zeros(0)])
    right = np.concatenate(
        [_right(*pair, overlap) for pair in zip(images, found, strict=True)] or [np.zeros(0, bool)]
    )
    image = np.repeat(np.arange(len(found)), [len(one.scores) for one in found])
    worthy = (
        scores >= GRID[-1]
    )  # errors of shapes that are never suggested say nothing about the others
    scores, right, image = scores[worthy], right[worthy], image[worthy]
    shown, spoilt = scores, np.where(right, -np.inf, scores)
    if strict:
        image, of_image = np.unique(image, return_inverse=True)
        shown, spoilt = (_highest(some, of_image, len(image)) for some in (shown, spoilt))
    groups = group[image].astype(np.int64)
    choice = choose_as_shown(shown, spoilt, groups, precision=precision, delta=delta, grid=GRID)
    rho = correlation(spoilt >= GRID[-1], groups) if len(shown) else 0.0
    drawn = sum(len(one.boxes) for one in images)
    metrics: Metrics = {
        "shapes": drawn,
        "independent_images" if strict else "independent_shapes": round(worth(groups, rho), 1),
    }
    if chosen := choice.chosen:
        suggested = right[scores >= chosen.threshold]
        metrics |= {
            "coverage": round(float(suggested.sum()) / max(drawn, 1), 4),
            "precision": round(float(suggested.mean()), 4),
        }
        if strict:
            metrics["sound_images"] = round(chosen.precision, 4)
        metrics["sound_images_at_least" if strict else "precision_at_least"] = round(
            1 - chosen.bound, 4
        )
    return choice, metrics


def _highest(
    scores: NDArray[np.floating], of_image: NDArray[np.integer], images: int
) -> NDArray[Any]:
    """(images,) the highest of the scores (n,) of each."""
    highest = np.full(images, -np.inf, scores.dtype)
    np.maximum.at(highest, of_image, scores)
    return highest


def fit_scorer(images: Sequence[Drawn], found: Sequence[Found], overlap: float) -> Scorer:
    """The logistic regression of "this shape is right" on its features, a little drawn to zero.

    Args:
        images: (n) that teach it, one at least.
        found: (n) what was found in them.
        overlap: from which on a shape is right.
    """
    x = np.concatenate([one.features for one in found]).astype(float)
    y = np.concatenate([_right(*pair, overlap) for pair in zip(images, found, strict=True)])
    mean = x.mean(0) if len(x) else np.zeros(x.shape[1])
    scale = x.std(0) + 1e-3 if len(x) else np.ones(x.shape[1])
    z = (x - mean) / scale

    def loss(w: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        logit = z @ w[:-1] + w[-1]
        apart = 1 / (1 + np.exp(-logit)) - y
        value = (np.logaddexp(0, logit) - y * logit).sum() + _TAKEN_OFF * (w**2).sum()
        return float(value), np.append(z.T @ apart, apart.sum()) + 2 * _TAKEN_OFF * w

    w: NDArray[np.float64] = minimize(loss, np.zeros(z.shape[1] + 1), jac=True).x
    return Scorer(
        mean=mean.tolist(), scale=scale.tolist(), weight=w[:-1].tolist(), bias=float(w[-1])
    )


def average_precision(images: Sequence[Drawn], found: Sequence[Found], classes: int) -> Metrics:
    """`ap50` and `ap75` as COCO measures them, of what was found in images: of masks where there are any."""
    from pycocotools.coco import COCO
    from pycocotools.cocoeval import COCOeval

    truth: list[dict[str, Any]] = []
    answers: list[dict[str, Any]] = []
    for number, (image, one) in enumerate(zip(images, found, strict=True)):
        truth += [
            said | {"id": len(truth) + at + 1}
            for at, said in enumerate(_coco(number, image, image))
        ]
        answers += [
            said | {"score": float(score)}
            for said, score in zip(_coco(number, image, one), one.scores, strict=True)
        ]
    if not truth or not answers:
        return {"ap50": 0.0, "ap75": 0.0}
    with contextlib.redirect_stdout(io.StringIO()):
        coco: Any = COCO()
        coco.dataset = {
            # Their sizes are looked at for every mask, also for one that has its own.
            "images": [
                {"id": number, "width": image.image.width, "height": image.image.height}
                for number, image in enumerate(images)
            ],
            "categories": [{"id": number + 1} for number in range(classes)],
            "annotations": truth,
        }
        coco.createIndex()
        kind = "bbox" if images[0].areas is None else "segm"
        evaluation = COCOeval(coco, coco.loadRes(answers), kind)
        evaluation.evaluate()
        evaluation.accumulate()
        evaluation.summarize()
    ap50, ap75 = (round(max(0.0, float(evaluation.stats[at])), 4) for at in (1, 2))
    return {"ap50": ap50, "ap75": ap75}


def mask_iou(images: Sequence[Drawn], found: Sequence[Found]) -> Metrics:
    """`mask_iou`: how well things are covered whose box is found at all, on average; nothing of boxes."""
    if not images or images[0].areas is None:
        return {}
    covered: list[float] = []
    for image, one in zip(images, found, strict=True):
        if len(one.boxes) and len(image.boxes):
            there = overlaps(image.boxes, one.boxes).max(1) >= 0.5
            covered += agreement(image, one).max(1)[there].tolist()
    return {"mask_iou": round(float(np.mean(covered)), 4) if covered else 0.0}


def _coco(number: int, image: Drawn, shapes: Drawn | Found) -> list[dict[str, Any]]:
    """Shapes of an image as COCO has them: boxes, and masks of outlines, in pixels of the frame."""
    width, height = image.image.width, image.image.height
    said: list[dict[str, Any]] = []
    for at, (box, of_class) in enumerate(
        zip(image.image.to_frame(shapes.boxes), shapes.classes, strict=True)
    ):
        x0, y0, x1, y1 = map(float, box)
        one: dict[str, Any] = {
            "image_id": number,
            "category_id": int(of_class) + 1,
            "bbox": [x0, y0, x1 - x0, y1 - y0],
            "area": (x1 - x0) * (y1 - y0),
            "iscrowd": 0,
        }
        if shapes.areas is not None:
            one["segmentation"] = run_lengths(polygon_of(shapes.areas[at]), width, height)
        said.append(one)
    return said


_DRAWN_FINER = 4


def masks_of(images: Sequence[Drawn]) -> list[NDArray[np.uint8]] | None:
    """What things cover of their boxes, (things, DRAWN, DRAWN) an image; None where only boxes were drawn."""
    masks: list[NDArray[np.uint8]] = []
    for image in images:
        if image.areas is None:
            return None
        masks.append(
            np.array(
                [_mask(*pair) for pair in zip(image.areas, image.boxes, strict=True)], np.uint8
            ).reshape(-1, DRAWN, DRAWN)
        )
    return masks


def _mask(area: Any, box: NDArray[np.float32]) -> NDArray[np.uint8]:
    side = DRAWN * _DRAWN_FINER
    low, size = box[:2].astype(float), np.maximum(box[2:] - box[:2], 1e-6).astype(float)
    canvas = Image.new("L", (side, side))
    pen = ImageDraw.Draw(canvas)
    for part in pieces(area):
        for ring, fill in ((part.exterior, 255), *((hole, 0) for hole in part.interiors)):
            points = (shapely.get_coordinates(ring) - low) / size * side
            pen.polygon([tuple(point) for point in points.tolist()], fill=fill)
    return np.asarray(canvas.reduce(_DRAWN_FINER))


def export_detector(candidates: Candidates, refiner: Refiner, seen: Shown) -> tuple[bytes, bytes]:
    """The ONNX files of the finder with its backbone, and of the refiner.

    Raises:
        CannotFinish: one does not hold what it should.
    """
    batch = {0: torch.export.Dim("images")}
    first = onnx_of(
        candidates,
        (torch.zeros(2, FRAME, FRAME, 3, dtype=torch.uint8),),
        [INPUT],
        [BOXES, PEAKS, FITS, *MAPS],
        {INPUT: batch},
    )
    boxes = torch.tensor([[[20.0, 30.0, 90.0, 80.0]] * 3] * 2)
    second = onnx_of(
        refiner,
        ([tensor[:2].float() for tensor in seen.maps], boxes),
        [*MAPS, BOXES],
        [REFINED, FITS, *[MASKS] * (seen.masks is not None)],
        {"maps": [batch] * len(MAPS), "boxes": {**batch, 1: torch.export.Dim("boxes")}},
    )
    return first, second


@dataclass(frozen=True)
class TorchNetworks:
    """A detector as it was trained: what its exported files are held against."""

    candidates: Candidates
    refiner: Refiner

    @torch.inference_mode()
    def look(self, pixels: NDArray[np.uint8]) -> Looked:
        """As `Networks`."""
        boxes, peaks, fits, *maps = (
            candidate.numpy() for candidate in self.candidates(torch.from_numpy(pixels))
        )
        return Looked(boxes, peaks, fits, tuple(maps))

    @torch.inference_mode()
    def refine(self, maps: Sequence[NDArray[np.float32]], boxes: NDArray[np.float32]) -> Refined:
        """As `Networks`."""
        answers = self.refiner([torch.from_numpy(array) for array in maps], torch.from_numpy(boxes))
        return Refined(*(answer.numpy() for answer in answers))

    @property
    def outlines(self) -> bool:
        """As `Networks`."""
        return self.refiner.mask is not None

    def classify(self, pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Nothing: the classifier is compared where it is exported."""
        return np.full((len(pixels), 2), 0.5, np.float32)


def compare(ours: Networks, trained: Networks, photos: NDArray[np.uint8]) -> None:
    """Hold exported networks against those they were made from.

    Args:
        ours: the exported ones.
        trained: those in torch.
        photos: (n, FRAME, FRAME, 3) real ones.

    Raises:
        CannotFinish: they find other boxes.
    """
    for batch in (photos, photos[:1]):
        here, there = ours.look(batch), trained.look(batch)
        _same("peak", np.abs(here.peaks - there.peaks).max(), TOLERANCE)
        for row in range(len(batch)):
            sure = there.peaks[row] > _SURE_PEAK
            # Two peaks of the same height may come in either order: the nearest is the same.
            between = np.abs(there.boxes[row, sure][:, None] - here.boxes[row][None]).max(2)
            _same("box", between.min(1).max(initial=0), _PIXELS)
        some = there.boxes[:, :5]
        here, there = ours.refine(there.maps, some), trained.refine(there.maps, some)
        _same("refined box", np.abs(here.boxes - there.boxes).max(), _PIXELS)
        _same("fit", np.abs(here.fits - there.fits).max(), TOLERANCE)
        if here.masks is not None and there.masks is not None:
            _same("mask", np.abs(here.masks - there.masks).max(), TOLERANCE)


def _same(what: str, apart: float, most: float) -> None:
    if not apart <= most:  # NaN is not
        raise CannotFinish(
            f"the exported model computes another {what} than the trained one: they are {apart:.2g} apart"
        )


def train_classifier(
    images: Sequence[Drawn], network: Backbone, classes: int, seed: int, alive: Alive
) -> tuple[bytes, float]:
    """The ONNX file that says what a crop shows, its last class being nothing, and its accuracy out of folds.

    Raises:
        CannotFinish: the export does not compute the same.
    """
    random = np.random.default_rng(seed)
    said: list[int] = []
    group: list[int] = []
    first: list[NDArray[np.uint8]] = []

    def of_images() -> Iterator[NDArray[np.uint8]]:
        for one in random.permutation(len(images)):
            alive()
            drawn = images[one]
            some = random.permutation(len(drawn.boxes))[:_CROPS_OF_AN_IMAGE]
            boxes = drawn.image.to_frame(drawn.boxes)
            things = boxes[some]
            moved = things + _JITTER * random.normal(size=things.shape) * np.tile(
                things[:, 2:] - things[:, :2], 2
            )
            beside = _beside(boxes, drawn.image, random)
            said.extend([*map(int, drawn.classes[some]), *[classes] * len(beside)])
            group.extend([int(one)] * (len(moved) + len(beside)))
            shown = crops(drawn.image.pixels, np.concatenate([moved, beside]))
            first.extend(shown[: _DETECTED_AT_ONCE - len(first)])
            yield shown
            if len(said) >= _MOST_CROPS:
                return

    embeddings = np.concatenate(list(embed(network, of_images()))).astype(np.float32)
    truth = np.eye(classes + 1, dtype=bool)[said]
    trained = train(embeddings, truth, np.array(group), "multiclass", seed=seed)
    return export(network, trained.head, np.stack(first)), float(trained.metrics["accuracy"])


def _beside(
    things: NDArray[np.float32], image: Framed, random: np.random.Generator
) -> NDArray[np.float32]:
    """(0 or 1, 4) a box in pixels, somewhere in the image, that shows no thing."""
    corners = np.sort(random.uniform(size=(8, 2, 2)), axis=1).reshape(-1, 4)
    boxes = image.to_frame(corners)
    large = (boxes[:, 2:] - boxes[:, :2]).min(1) >= _SMALLEST
    free = overlaps(boxes, things).max(1) < _BESIDE if len(things) else True
    return boxes[large & free][:1]


def _check(
    images: Sequence[Drawn], learn: Sequence[Drawn], score: Sequence[Drawn], judge: Sequence[Drawn]
) -> None:
    with_things = sum(bool(len(image.boxes)) for image in images)
    if with_things < MIN_LABELS:
        raise CannotFinish(
            f"{with_things} labeled images with a box are too few: training needs {MIN_LABELS}"
        )
    for some, why in ((learn, "learn from"), (score, "score by"), (judge, "validate with")):
        if not any(len(drawn.boxes) for drawn in some):
            raise CannotFinish(
                f"no image with a box is left to {why}: it takes images labeled without a suggestion in "
                "sight that are no near-duplicates of each other"
            )


def _right(image: Drawn, found: Found, overlap: float) -> NDArray[np.bool_]:
    """(n,) whether each shape that was found is one that a person drew."""
    between = agreement(found, image)
    return matches(between, found.classes, found.scores, image.classes, overlap) >= 0
