"""From an image to the things in it: the one way, by which a training validates and the app suggests.

An image is fitted into a square frame (letterbox). A first network proposes boxes, a second looks at each of
them twice and moves its edges, overlapping ones are dropped (non-maximum suppression), a third says what the
crop of each shows, and a logistic scorer how likely it is that a person would agree. Where polygons are drawn,
the second network gives a mask as well, whose outline is then what was found.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from itertools import product
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import shapely
from PIL import Image

from labeling.annotations.areas import polygon_of, shared
from labeling.assist.models import Scorer, UnfitModel
from labeling.assist.outlines import outline
from labeling.assist.preprocess import SIDE, decoded

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.floating]
    Pixels = NDArray[np.uint8]

FRAME = 320
"""Pixels of the square that an image is fitted into."""

MOST_CANDIDATES = 100
"""Boxes of an image that are looked at a second time, and so suggested at most."""

FEATURES = (
    "peak",
    "fit at first look",
    "fit at second look",
    "overlap of first and second look",
    "overlap of second look and third",
    "probability of the class",
    "ahead of the next class",
    "size",
)
"""What the scorer judges a box by."""

OF_MASKS = ("sureness of the mask", "overlap of last look and outline", "share of the box inside")
"""The same, of an outline besides."""

MARGIN = 0.2
"""Of a box's side that the second look sees beyond each edge: its masks divide that window."""

_GREY = 114  # around an image in its frame
_LEAST_PEAK = 0.06
_LEAST_SCORE = 0.04  # of peak times fits, to be worth a look at its class
_SAME = 0.5  # overlap from which on two boxes are of one thing
_SAME_AT_FIRST = 0.75  # the same, before their edges are right
_CONTEXT = 0.1  # of a box's longer side that a crop shows beyond it
_CROPS_AT_ONCE = 32
_SURE = 1e-4
_LIKELY = 0.5  # from which on a sample of a mask is inside
_OF_CLASS = {
    FEATURES.index("probability of the class"): [np.log(_SURE), -np.log(_SURE)],
    FEATURES.index("ahead of the next class"): [-1.0, 1.0],
}
"""Features that a crop tells, and the least and the most that each may be."""


@dataclass(frozen=True)
class Framed:
    """An image in its frame: at the top left, as large as fits."""

    pixels: Pixels
    """(FRAME, FRAME, 3), RGB."""
    width: int
    """Pixels of the frame that the image takes."""
    height: int
    least: float = 0.5
    """Pixels of the frame that a box is wide and high at least: a pixel of the image, where that is small."""

    def to_frame(self, boxes: Floats) -> NDArray[np.float32]:
        """Boxes (n, 4) in pixels of the frame, of boxes x0, y0, x1, y1 in fractions of the image."""
        return (np.asarray(boxes, np.float32).reshape(-1, 4) * self._size).astype(np.float32)

    def to_image(self, boxes: Floats) -> NDArray[np.float32]:
        """Boxes (n, 4) in fractions of the image, cut off at its border."""
        return np.clip(np.asarray(boxes, np.float32).reshape(-1, 4) / self._size, 0, 1)

    @property
    def _size(self) -> NDArray[np.float32]:
        return np.array([self.width, self.height, self.width, self.height], np.float32)


def framed(data: bytes) -> Framed:
    """An image file in its frame.

    Raises:
        Unseeable: damaged, of another kind, or too large to be decoded.
    """
    image = decoded(data, 2 * FRAME)
    scale = FRAME / max(image.size)
    width, height = (max(1, round(side * scale)) for side in image.size)
    small = image.resize((width, height), Image.Resampling.BILINEAR, reducing_gap=3.0)
    pixels = np.full((FRAME, FRAME, 3), _GREY, np.uint8)
    pixels[:height, :width] = np.asarray(small, np.uint8)
    return Framed(pixels, width, height, max(0.5, 1.01 * scale))


def overlaps(some: Floats, others: Floats) -> NDArray[np.float32]:
    """(n, m) intersection over union of boxes (n, 4) with boxes (m, 4).

    >>> overlaps(np.array([[0, 0, 2, 2]]), np.array([[0, 0, 2, 1], [5, 5, 6, 6]])).tolist()
    [[0.5, 0.0]]
    """
    a, b = (np.asarray(floats, np.float64).reshape(-1, 4) for floats in (some, others))
    low = np.maximum(a[:, None, :2], b[None, :, :2])
    high = np.minimum(a[:, None, 2:], b[None, :, 2:])
    both = np.clip(high - low, 0, None).prod(2)
    area_a, area_b = ((corners[:, 2:] - corners[:, :2]).clip(0).prod(1) for corners in (a, b))
    either = area_a[:, None] + area_b[None] - both
    return np.round(both / np.maximum(either, 1e-12), 6).astype(np.float32)


class Shaped(Protocol):
    """Things in an image: their boxes, and what they cover where that is known."""

    @property
    def boxes(self) -> NDArray[np.float32]:
        """(n, 4) in fractions of the image."""
        ...

    @property
    def areas(self) -> NDArray[np.object_] | None:
        """(n,) of `labeling.annotations.areas`."""
        ...


def agreement(some: Shaped, others: Shaped) -> NDArray[np.float32]:
    """(n, m) intersection over union: of areas where both are drawn by their outlines, else of boxes."""
    between = overlaps(some.boxes, others.boxes)
    if some.areas is None or others.areas is None:
        return between
    near = between > 0
    rows, columns = np.flatnonzero(near.any(1)), np.flatnonzero(near.any(0))
    exact = np.zeros_like(between)
    exact[np.ix_(rows, columns)] = shared(some.areas[rows].tolist(), others.areas[columns].tolist())
    return exact


def apart(boxes: Floats, scores: Floats, most: float) -> NDArray[np.int64]:
    """Numbers of the boxes (n, 4) that stay, best first: none overlaps a better one by more than `most`."""
    order = np.argsort(-np.asarray(scores), kind="stable")
    between = overlaps(boxes, boxes)
    kept: list[int] = []
    for index in order:
        if not kept or between[index, kept].max() <= most:
            kept.append(int(index))
    return np.array(kept, np.int64)


def matches(
    between: NDArray[np.float32],
    classes: NDArray[np.integer],
    scores: Floats,
    truth_classes: NDArray[np.integer],
    least: float,
) -> NDArray[np.int64]:
    """(n,) which true shape each shape is right about, or -1: of its class, and each true one once, best first.

    Args:
        between: (n, m) `agreement` of what was found with what people drew.
        classes: (n,)
        scores: (n,)
        truth_classes: (m,)
        least: overlap from which on a shape is right.
    """
    found = np.full(len(between), -1, np.int64)
    if not between.size:
        return found
    between = between.copy()
    between[np.asarray(classes)[:, None] != np.asarray(truth_classes)[None]] = 0
    for index in np.argsort(-np.asarray(scores), kind="stable"):
        best = int(between[index].argmax())
        if between[index, best] >= least:
            found[index] = best
            between[:, best] = 0
    return found


def crops(pixels: Pixels, boxes: Floats) -> Pixels:
    """(n, SIDE, SIDE, 3): squares around boxes (n, 4) in pixels, with some of what is beside them."""
    image = Image.fromarray(pixels)
    made = np.empty((len(boxes), SIDE, SIDE, 3), np.uint8)
    for number, (x0, y0, x1, y1) in enumerate(np.asarray(boxes, float)):
        side = max(x1 - x0, y1 - y0, 1.0) * (1 + 2 * _CONTEXT)
        left, top = (x0 + x1 - side) / 2, (y0 + y1 - side) / 2
        step = side / SIDE
        made[number] = np.asarray(
            image.transform(
                (SIDE, SIDE),
                Image.Transform.AFFINE,
                (step, 0, left, 0, step, top),
                Image.Resampling.BILINEAR,
                fillcolor=(_GREY,) * 3,
            )
        )
    return made


def windows(boxes: NDArray[np.float32]) -> NDArray[np.float32]:
    """What a second look at boxes (..., 4) sees: each with its surroundings, of a pixel at least."""
    size = np.maximum(boxes[..., 2:] - boxes[..., :2], 1)
    low = boxes[..., :2]
    return np.concatenate([low - MARGIN * size, low + (1 + MARGIN) * size], -1, dtype=np.float32)


@dataclass(frozen=True)
class Looked:
    """What the first network says of images: candidates, and maps that the second one looks at."""

    boxes: NDArray[np.float32]
    """(n, k, 4) in pixels of the frame."""
    peaks: NDArray[np.float32]
    """(n, k) in [0, 1]: whether there is the middle of a thing."""
    fits: NDArray[np.float32]
    """(n, k) in [0, 1]: how well the box fits."""
    maps: tuple[NDArray[np.float32], ...]
    """(n, channels, h, w) each."""


@dataclass(frozen=True)
class Refined:
    """What the second network says of boxes in images."""

    boxes: NDArray[np.float32]
    """(n, k, 4) in pixels of the frame: better ones."""
    fits: NDArray[np.float32]
    """(n, k) in [0, 1]: how well they fit."""
    masks: NDArray[np.float32] | None = None
    """(n, k, h, w) in [0, 1]: what the thing covers of the `windows` of the boxes that were looked at."""

    @property
    def is_of_numbers(self) -> bool:
        """Whether it says anything at all."""
        masks = True if self.masks is None else np.isfinite(self.masks).all()
        return bool(np.isfinite(self.boxes).all() and np.isfinite(self.fits).all() and masks)


class Networks(Protocol):
    """The three networks of a detector, ready to run."""

    @property
    def outlines(self) -> bool:
        """Whether the second one gives masks, whose outlines are what is found."""
        ...

    def look(self, pixels: Pixels) -> Looked:
        """Candidates in images (n, FRAME, FRAME, 3)."""
        ...

    def refine(self, maps: Sequence[NDArray[np.float32]], boxes: NDArray[np.float32]) -> Refined:
        """A closer look at boxes (n, k, 4), by the maps."""
        ...

    def classify(self, pixels: Pixels) -> NDArray[np.float32]:
        """Probabilities (n, classes + 1) of crops (n, SIDE, SIDE, 3); the last one: it shows no thing."""
        ...


@dataclass(frozen=True)
class Found:
    """The things found in an image."""

    boxes: NDArray[np.float32]
    """(n, 4) in fractions of the image."""
    classes: NDArray[np.int64]
    """(n,) numbers of classes."""
    features: NDArray[np.float32]
    """(n, len(FEATURES)), and of outlines `OF_MASKS` after them: what the scorer judges by."""
    scores: NDArray[np.float32]
    """(n,) in [0, 1]: how likely a thing is right where a scorer judged, else what the networks say."""
    areas: NDArray[np.object_] | None = None
    """(n,) what they cover, in fractions of the image, where polygons are drawn."""

    def geometry(self, number: int) -> dict[str, object]:
        """One of them as it is suggested: its polygon where it has one, else its box."""
        if self.areas is not None:
            return polygon_of(self.areas[number]).model_dump()
        corners = self.boxes[number].astype(float).round(6).tolist()
        return {"kind": "box", **dict(zip(("x0", "y0", "x1", "y1"), corners, strict=True))}


class Detector:
    """Finds boxes. Without a scorer their scores are products of what the networks say."""

    def __init__(self, networks: Networks, scorer: Scorer | None = None) -> None:
        self._networks = networks
        self._scorer = scorer

    def find(self, images: Sequence[Framed], least: float = 0.0) -> list[Found]:
        """The boxes in each image, best first.

        Args:
            images: to look at.
            least: a score. What can't reach it, whatever its crop shows, is left out unseen.

        Raises:
            UnfitModel: the networks give no numbers.
        """
        looked = self._networks.look(np.stack([image.pixels for image in images]))
        return [self._refined(image, looked, row, least) for row, image in enumerate(images)]

    def fit(self, image: Framed, box: Floats) -> tuple[NDArray[np.float32], Any | None]:
        """The thing that somebody drew a box about: its box, and what it covers where polygons are drawn.

        Args:
            image: it is in.
            box: (4,) in fractions of the image, as drawn.

        Returns:
            Box (4,) and area, in fractions of the image; the area is None where there is nothing.

        Raises:
            UnfitModel: the networks give no numbers.
        """
        maps = self._networks.look(image.pixels[None]).maps
        once = self._networks.refine(maps, image.to_frame(box)[None])
        twice = self._networks.refine(maps, once.boxes)
        if not twice.is_of_numbers:
            raise UnfitModel("the model gives no boxes but what is no number; train again")
        found = image.to_image(twice.boxes[0])[0]
        if twice.masks is None:
            return found, None
        (window,) = windows(once.boxes[0])
        area = outline(twice.masks[0, 0], window, (image.width, image.height))
        if area is None:
            return found, None
        area = shapely.transform(area, lambda at: at / [image.width, image.height])
        return np.array(area.bounds, np.float32), area

    def _refined(self, image: Framed, looked: Looked, row: int, least: float) -> Found:
        """The boxes in one image of those that were looked at."""
        kept = _candidates(looked, row)
        if not len(kept):
            return _nothing(self._networks.outlines)
        maps = [array[row : row + 1] for array in looked.maps]
        boxes = looked.boxes[row : row + 1, kept]
        once = self._networks.refine(maps, boxes)
        twice = self._networks.refine(maps, once.boxes)
        if not twice.is_of_numbers:
            raise UnfitModel("the model gives no boxes but what is no number; train again")
        passes = [
            image.to_frame(image.to_image(edges[0])) for edges in (boxes, once.boxes, twice.boxes)
        ]
        peaks, first_fits = looked.peaks[row, kept], looked.fits[row, kept]
        found = _Seen(passes[0], passes[1], passes[2], peaks, first_fits, twice.fits[0])
        if twice.masks is not None:
            found = replace(found, masks=twice.masks[0], windows=windows(once.boxes[0]))
        return self._judged(image, found, least)

    def _judged(self, image: Framed, seen: _Seen, least: float) -> Found:
        score = seen.peaks * seen.fits
        large = (seen.twice[:, 2:] - seen.twice[:, :2]).min(1, initial=FRAME) >= image.least
        kept = apart(seen.twice, score * large, _SAME)
        seen = seen.at(kept[(score * large)[kept] >= _LEAST_SCORE])
        areas, of_masks = seen.outlines(image)
        if areas is not None:
            something = np.flatnonzero([area is not None for area in areas])
            seen, areas, of_masks = seen.at(something), areas[something], of_masks[something]
        if self._scorer:
            able = np.flatnonzero(reachable(self._scorer, _features(seen, of_masks)) >= least)
            seen, of_masks = seen.at(able), of_masks[able]
            areas = None if areas is None else areas[able]
        if not len(seen.twice):
            return _nothing(self._networks.outlines)
        shows = self._classified(crops(image.pixels, seen.twice))
        classes = shows[:, :-1].argmax(1)
        numbers = np.arange(len(classes))
        sure = shows[numbers, classes].copy()
        shows[numbers, classes] = 0
        features = _features(seen, of_masks, sure, sure - shows.max(1))
        scores = scored(self._scorer, features) if self._scorer else seen.peaks * seen.fits * sure
        best = np.argsort(-scores, kind="stable")
        boxes = image.to_image(seen.twice)
        if areas is not None:
            areas = areas[best]
            boxes[best] = shapely.bounds(areas)
        return Found(boxes[best], classes[best], features[best], scores[best], areas)

    def _classified(self, pixels: Pixels) -> NDArray[np.float32]:
        shows = np.concatenate(
            [
                self._networks.classify(pixels[at : at + _CROPS_AT_ONCE])
                for at in range(0, len(pixels), _CROPS_AT_ONCE)
            ]
        )
        if not np.isfinite(shows).all():
            raise UnfitModel("the model gives no probabilities for its classes; train again")
        return shows


@dataclass(frozen=True)
class _Seen:
    """What the networks said of candidates in an image, one a row."""

    first: NDArray[np.float32]
    """(n, 4) in pixels of the frame, as the next two."""
    once: NDArray[np.float32]
    twice: NDArray[np.float32]
    peaks: NDArray[np.float32]
    first_fits: NDArray[np.float32]
    fits: NDArray[np.float32]
    masks: NDArray[np.float32] | None = None
    """(n, h, w), and the (n, 4) windows they divide."""
    windows: NDArray[np.float32] | None = None

    def at(self, which: NDArray[np.integer]) -> _Seen:
        """These candidates alone."""
        columns = {field.name: getattr(self, field.name) for field in fields(self)}
        chosen: dict[str, Any] = {
            name: None if column is None else column[which] for name, column in columns.items()
        }
        return _Seen(**chosen)

    def outlines(self, image: Framed) -> tuple[NDArray[np.object_] | None, NDArray[np.float64]]:
        """(n,) what each covers, None where it is nothing, and (n, len(OF_MASKS)); None without masks."""
        if self.masks is None or self.windows is None:
            return None, np.zeros((len(self.twice), 0))
        areas = np.empty(len(self.twice), object)
        features = np.zeros((len(self.twice), len(OF_MASKS)))
        for row, (mask, window) in enumerate(zip(self.masks, self.windows, strict=True)):
            area = outline(mask, window, (image.width, image.height))
            if area is None or np.ptp(np.reshape(area.bounds, (2, 2)), axis=0).min() < image.least:
                continue
            bounds = np.array([area.bounds], np.float32)
            inside = mask[mask > _LIKELY]
            features[row] = (
                _logit(np.array(inside.mean() if inside.size else 0.5)),
                overlaps(bounds, self.twice[row])[0, 0],
                area.area / max(float((bounds[:, 2:] - bounds[:, :2]).prod()), 1e-6),
            )
            areas[row] = shapely.transform(area, lambda at: at / [image.width, image.height])
        return areas, features


def scored(scorer: Scorer, features: Floats) -> NDArray[np.float32]:
    """(n,) how likely things with these features, (n, features), are right."""
    z = (np.asarray(features, np.float64) - scorer.mean) / scorer.scale
    return (1 / (1 + np.exp(-(z @ np.array(scorer.weight) + scorer.bias)))).astype(np.float32)


def reachable(scorer: Scorer, features: Floats) -> NDArray[np.float32]:
    """(n,) the highest score of things with these features, (n, features), whatever class they are of."""
    best = np.full(len(features), 0.0, np.float32)
    for of_class in product(*_OF_CLASS.values()):
        said = np.array(features)
        said[:, list(_OF_CLASS)] = of_class
        best = np.maximum(best, scored(scorer, said))
    return best


def _features(
    seen: _Seen, of_masks: Floats, sure: Floats | float = 0.0, ahead: Floats | float = 0.0
) -> NDArray[np.float32]:
    """(n, features) what the scorer judges by; `sure` and `ahead` are what crops say of classes."""
    columns = np.broadcast_arrays(
        _logit(seen.peaks),
        _logit(seen.first_fits),
        _logit(seen.fits),
        _pairs(seen.first, seen.once),
        _pairs(seen.once, seen.twice),
        _logit(np.asarray(sure)),
        ahead,
        np.log(np.sqrt((seen.twice[:, 2:] - seen.twice[:, :2]).prod(1)) / FRAME),
    )
    return np.column_stack([*columns, of_masks]).astype(np.float32)


def _candidates(looked: Looked, row: int) -> NDArray[np.int64]:
    """Numbers of the candidates of an image that deserve a second look."""
    if not np.isfinite(looked.peaks[row]).all():
        raise UnfitModel("the model gives no boxes but what is no number; train again")
    high = np.flatnonzero(looked.peaks[row] >= _LEAST_PEAK)
    return high[apart(looked.boxes[row, high], looked.peaks[row, high], _SAME_AT_FIRST)]


def _nothing(outlines: bool) -> Found:
    features = len(FEATURES) + len(OF_MASKS) * outlines
    return Found(
        np.zeros((0, 4), np.float32),
        np.zeros(0, np.int64),
        np.zeros((0, features), np.float32),
        np.zeros(0, np.float32),
        np.zeros(0, object) if outlines else None,
    )


def _pairs(some: Floats, others: Floats) -> NDArray[np.float32]:
    return overlaps(some, others).diagonal()


def _logit(share: Floats) -> NDArray[np.float64]:
    share = np.clip(np.asarray(share, np.float64), _SURE, 1 - _SURE)
    return np.log(share / (1 - share))
