"""From an image to the boxes of things in it: the one way, by which a training validates and the app suggests.

An image is fitted into a square frame (letterbox). A first network proposes boxes, a second looks at each of
them twice and moves its edges, overlapping ones are dropped (non-maximum suppression), a third says what the
crop of each shows, and a logistic scorer how likely it is that a person would agree.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np
from PIL import Image

from labeling.assist.models import Scorer, UnfitModel
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

_GREY = 114  # around an image in its frame
_LEAST_PEAK = 0.06
_LEAST_SCORE = 0.04  # of peak times fits, to be worth a look at its class
_SAME = 0.5  # overlap from which on two boxes are of one thing
_SAME_AT_FIRST = 0.75  # the same, before their edges are right
_CONTEXT = 0.1  # of a box's longer side that a crop shows beyond it
_CROPS_AT_ONCE = 32
_SURE = 1e-4


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
    a, b = (np.asarray(one, np.float64).reshape(-1, 4) for one in (some, others))
    low = np.maximum(a[:, None, :2], b[None, :, :2])
    high = np.minimum(a[:, None, 2:], b[None, :, 2:])
    both = np.clip(high - low, 0, None).prod(2)
    area_a, area_b = ((one[:, 2:] - one[:, :2]).clip(0).prod(1) for one in (a, b))
    either = area_a[:, None] + area_b[None] - both
    return np.round(both / np.maximum(either, 1e-12), 6).astype(np.float32)


def apart(boxes: Floats, scores: Floats, most: float) -> NDArray[np.int64]:
    """Numbers of the boxes (n, 4) that stay, best first: none overlaps a better one by more than `most`."""
    order = np.argsort(-np.asarray(scores), kind="stable")
    between = overlaps(boxes, boxes)
    kept: list[int] = []
    for one in order:
        if not kept or between[one, kept].max() <= most:
            kept.append(int(one))
    return np.array(kept, np.int64)


def matches(
    boxes: Floats,
    classes: NDArray[np.integer],
    scores: Floats,
    truth: Floats,
    truth_classes: NDArray[np.integer],
    least: float,
) -> NDArray[np.int64]:
    """(n,) which true box each box is right about, or -1: of its class, and each true box once, best first.

    Args:
        boxes: (n, 4)
        classes: (n,)
        scores: (n,)
        truth: (m, 4) what people drew.
        truth_classes: (m,)
        least: overlap from which on a box is right.
    """
    found = np.full(len(boxes), -1, np.int64)
    if not len(boxes) or not len(truth):
        return found
    between = overlaps(boxes, truth)
    between[np.asarray(classes)[:, None] != np.asarray(truth_classes)[None]] = 0
    for one in np.argsort(-np.asarray(scores), kind="stable"):
        best = int(between[one].argmax())
        if between[one, best] >= least:
            found[one] = best
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


class Networks(Protocol):
    """The three networks of a detector, ready to run."""

    def look(self, pixels: Pixels) -> Looked:
        """Candidates in images (n, FRAME, FRAME, 3)."""
        ...

    def refine(
        self, maps: Sequence[NDArray[np.float32]], boxes: NDArray[np.float32]
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Better boxes (n, k, 4) and how well they fit (n, k), of maps and boxes (n, k, 4)."""
        ...

    def classify(self, pixels: Pixels) -> NDArray[np.float32]:
        """Probabilities (n, classes + 1) of crops (n, SIDE, SIDE, 3); the last one: it shows no thing."""
        ...


@dataclass(frozen=True)
class Found:
    """The boxes found in an image."""

    boxes: NDArray[np.float32]
    """(n, 4) in fractions of the image."""
    classes: NDArray[np.int64]
    """(n,) numbers of classes."""
    features: NDArray[np.float32]
    """(n, len(FEATURES)), what the scorer judges by."""
    scores: NDArray[np.float32]
    """(n,) in [0, 1]: how likely a box is right where a scorer judged, else what the networks say."""


class Detector:
    """Finds boxes. Without a scorer their scores are products of what the networks say."""

    def __init__(self, networks: Networks, scorer: Scorer | None = None) -> None:
        self._networks = networks
        self._scorer = scorer

    def find(self, images: Sequence[Framed]) -> list[Found]:
        """The boxes in each image, best first.

        Raises:
            UnfitModel: the networks give no numbers.
        """
        looked = self._networks.look(np.stack([one.pixels for one in images]))
        return [self._refined(image, looked, row) for row, image in enumerate(images)]

    def _refined(self, image: Framed, looked: Looked, row: int) -> Found:
        """The boxes in one image of those that were looked at."""
        kept = _candidates(looked, row)
        if not len(kept):
            return _nothing()
        maps = [one[row : row + 1] for one in looked.maps]
        boxes = looked.boxes[row : row + 1, kept]
        once, _ = self._networks.refine(maps, boxes)
        twice, fits = self._networks.refine(maps, once)
        if not (np.isfinite(twice).all() and np.isfinite(fits).all()):
            raise UnfitModel("the model gives no boxes but what is no number; train again")
        passes = boxes[0], once[0], twice[0]
        return self._judged(image, passes, looked.peaks[row, kept], looked.fits[row, kept], fits[0])

    def _judged(
        self,
        image: Framed,
        passes: Sequence[NDArray[np.float32]],
        peaks: NDArray[np.float32],
        first_fits: NDArray[np.float32],
        fits: NDArray[np.float32],
    ) -> Found:
        passes = [image.to_frame(image.to_image(one)) for one in passes]
        large = (passes[2][:, 2:] - passes[2][:, :2]).min(1, initial=FRAME) >= image.least
        score = peaks * fits * large
        kept = apart(passes[2], score, _SAME)
        kept = kept[score[kept] >= _LEAST_SCORE]
        if not len(kept):
            return _nothing()
        boxes = passes[2][kept]
        shows = self._classified(crops(image.pixels, boxes))
        classes = shows[:, :-1].argmax(1)
        numbers = np.arange(len(kept))
        sure = shows[numbers, classes].copy()
        shows[numbers, classes] = 0
        features = np.stack(
            [
                _logit(peaks[kept]),
                _logit(first_fits[kept]),
                _logit(fits[kept]),
                _pairs(passes[0][kept], passes[1][kept]),
                _pairs(passes[1][kept], boxes),
                _logit(sure),
                sure - shows.max(1),
                np.log(np.sqrt((boxes[:, 2:] - boxes[:, :2]).prod(1)) / FRAME),
            ],
            1,
        ).astype(np.float32)
        scores = scored(self._scorer, features) if self._scorer else score[kept] * sure
        best = np.argsort(-scores, kind="stable")
        return Found(image.to_image(boxes)[best], classes[best], features[best], scores[best])

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


def scored(scorer: Scorer, features: Floats) -> NDArray[np.float32]:
    """(n,) how likely boxes with these features (n, len(FEATURES)) are right."""
    z = (np.asarray(features, np.float64) - scorer.mean) / scorer.scale
    return (1 / (1 + np.exp(-(z @ np.array(scorer.weight) + scorer.bias)))).astype(np.float32)


def _candidates(looked: Looked, row: int) -> NDArray[np.int64]:
    """Numbers of the candidates of an image that deserve a second look."""
    if not np.isfinite(looked.peaks[row]).all():
        raise UnfitModel("the model gives no boxes but what is no number; train again")
    high = np.flatnonzero(looked.peaks[row] >= _LEAST_PEAK)
    return high[apart(looked.boxes[row, high], looked.peaks[row, high], _SAME_AT_FIRST)]


def _nothing() -> Found:
    return Found(
        np.zeros((0, 4), np.float32),
        np.zeros(0, np.int64),
        np.zeros((0, len(FEATURES)), np.float32),
        np.zeros(0, np.float32),
    )


def _pairs(some: Floats, others: Floats) -> NDArray[np.float32]:
    return overlaps(some, others).diagonal()


def _logit(share: Floats) -> NDArray[np.float64]:
    share = np.clip(np.asarray(share, np.float64), _SURE, 1 - _SURE)
    return np.log(share / (1 - share))
