"""Groups of images that look alike, so that a page of them is labeled with few keys.

Embeddings are made shorter (PCA), every image's nearest others are found (of very many on a processor nearly
all), and greedily the image with the nearest neighbours becomes the first of a page, which grows by what is
most like all on it. A group is an ordered list: a page takes its next 4, 6 or 9.

Groups come in random order. Were the tightest first, the first labels would be those of the easiest images,
and no sample to prove anything with.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import faiss
import numpy as np
import torch
from numpy.typing import NDArray
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

Vectors = NDArray[np.floating]
Ints = NDArray[np.integer]

DIMENSIONS = 128
FITTED_ON = 20_000
"""Images that the shorter coordinates are found with."""

NEAREST = 48
PAGE = 9
"""Images that are put together: the largest page. A group is two of them: three pages of six."""

SAMPLES = 12
"""After which the rest is one: it would take long to find the groups of thousands."""

_PASSES = 3  # over what is left, whose neighbours were all taken
_PARTNERS = 8

DUPLICATE = 0.97
"""Cosine from which on two images show the same."""

EXACT = 25_000
"""Images of which a processor compares each with all."""

_FOR_A_CELL = 64  # vectors that its middle is found with
_CELLS_LOOKED_INTO = 8  # of 4 sqrt(n)

_CHUNK = 2_048  # rows of vectors at a time
_CELLS = (
    2**26
)  # similarities at a time: 256 MB, and twice that for their order, with however many images
_OF_A_PAIR = 8  # times as much memory a pair takes as a similarity, should all images be alike


@dataclass(frozen=True)
class Alike:
    """A group: numbers of images, alike ones side by side, and those that show the same as an earlier one."""

    members: tuple[int, ...]
    duplicates: tuple[int, ...]


def groups(embeddings: Vectors, *, seed: int = 0) -> list[Alike]:
    """All images, each in one group, in random order of groups.

    Args:
        embeddings: (n, d).
        seed: of the order.
    """
    (found,) = groups_in_samples(embeddings, 0, seed=seed)
    return found


def groups_in_samples(embeddings: Vectors, size: int, *, seed: int = 0) -> list[list[Alike]]:
    """Images drawn by chance for one sample after the other, in groups within their sample, as `groups` are.

    Groups among all images are the purer ones, but a page of one says hardly more about the others than one
    of its images does. After some samples the rest is one, for a label is seldom given that late without a
    model, and so is what would be a very small last one.

    Args:
        embeddings: (n, d).
        size: images of a sample; 0: all are one.
        seed: of all that is drawn.
    """
    n = len(embeddings)
    vectors = shorter(embeddings) if n else embeddings
    random = np.random.default_rng(seed)
    parts = [np.arange(n)]
    if size:
        ends = [end for end in range(size, n - size // 2, size)][:SAMPLES]
        parts = np.split(random.permutation(n), ends)
    found = [list(_groups(vectors, np.sort(part))) for part in parts]
    return [
        [_alike(some[one], embeddings) for one in random.permutation(len(some))] for some in found
    ]


def _groups(vectors: Vectors, part: Ints) -> Iterator[Ints]:
    """The groups of a part of all images, by their numbers."""
    if not len(part):
        return
    pages: list[Ints] = []
    left = part
    for _ in range(_PASSES):
        if len(left) > PAGE:
            near, similar = nearest(vectors[left], min(NEAREST, len(left)))
            grown = [left[ints] for ints in _grown(near, similar, vectors[left])]
            pages += grown
            left = np.setdiff1d(left, np.concatenate([*grown, left[:0]]))
    pages += _bisected(vectors, left)
    yield from _paired(pages, vectors)


def shorter(embeddings: Vectors, dimensions: int = DIMENSIONS) -> NDArray[np.float32]:
    """(n, at most `dimensions`) of unit length: the directions in which embeddings (n, d) differ most."""
    step = max(1, len(embeddings) // FITTED_ON)
    some = _unit(np.asarray(embeddings[::step], np.float32))
    mean = some.mean(0)
    covariance = (some - mean).T @ (some - mean)
    _, directions = np.linalg.eigh(covariance)
    wanted = directions[:, ::-1][:, :dimensions].astype(np.float32)
    result = np.empty((len(embeddings), wanted.shape[1]), np.float32)
    for at in range(0, len(embeddings), _CHUNK):
        part = _unit(np.asarray(embeddings[at : at + _CHUNK], np.float32))
        result[at : at + _CHUNK] = _unit((part - mean) @ wanted)
    return result


def nearest(vectors: NDArray[np.float32], k: int) -> tuple[Ints, NDArray[np.float32]]:
    """The k most similar of each, itself included: numbers (n, k) and cosines (n, k), most similar first.

    Exact on a GPU, and for up to `EXACT` vectors; of more, a processor compares each with those of the
    nearest cells only, which finds about nine of ten. Numbers are -1 where these hold fewer.
    """
    n, d = vectors.shape
    if torch.cuda.is_available():
        return _nearest_on_gpu(vectors, k)
    index: faiss.Index = faiss.IndexFlatIP(d)
    if n > EXACT:
        cells = int(4 * np.sqrt(n))
        index = faiss.IndexIVFFlat(index, d, cells, faiss.METRIC_INNER_PRODUCT)
        index.train(vectors[:: max(1, n // (_FOR_A_CELL * cells))])
        index.nprobe = _CELLS_LOOKED_INTO
    index.add(vectors)
    cosines, numbers = index.search(vectors, k)
    return numbers, np.maximum(cosines, -1)  # of none it is the smallest number there is


def _nearest_on_gpu(vectors: NDArray[np.float32], k: int) -> tuple[Ints, NDArray[np.float32]]:
    on_gpu = torch.from_numpy(vectors).cuda()
    numbers = np.empty((len(vectors), k), np.int64)
    cosines = np.empty((len(vectors), k), np.float32)
    chunk = _rows(len(vectors))
    for at in range(0, len(vectors), chunk):
        best = (on_gpu[at : at + chunk] @ on_gpu.T).topk(k)
        numbers[at : at + chunk] = best.indices.cpu().numpy()
        cosines[at : at + chunk] = best.values.cpu().numpy()
    return numbers, cosines


def near_duplicates(embeddings: Vectors, *, least: float = DUPLICATE) -> NDArray[np.int64]:
    """(n,) numbers that are the same for images joined by a chain of near-duplicates.

    Args:
        embeddings: (n, d).
        least: cosine from which on two are duplicates.
    """
    n = len(embeddings)
    unit = _unit(np.asarray(embeddings, np.float32))
    numbers = every = np.arange(n)
    chunk = max(1, _rows(n) // _OF_A_PAIR)
    for at in range(0, n, chunk):
        rows, others = np.nonzero(unit[at : at + chunk] @ unit[at:].T >= least)
        two = rows < others
        if not two.any():
            continue
        # Each is joined to the first of its set, too, so that pairs of earlier rows need not be kept.
        rows, others = (
            np.concatenate(ends) for ends in ((rows[two] + at, every), (others[two] + at, numbers))
        )
        joined = coo_matrix((np.ones(len(rows), bool), (rows, others)), (n, n))
        _, first, index = np.unique(
            connected_components(joined, directed=False)[1], return_index=True, return_inverse=True
        )
        numbers = first[index]
    return numbers.astype(np.int64)


def _rows(n: int) -> int:
    """Rows of the matrix of similarities of n images that fit into the memory meant for them."""
    return max(1, min(_CHUNK, _CELLS // max(n, 1)))


class Joined:
    """Numbers that belong together because a chain of pairs says so (union-find)."""

    def __init__(self, n: int) -> None:
        self._parent = list(range(n))

    def join(self, one: int, other: int) -> None:
        """Put the sets of two numbers together."""
        self._parent[self._root(one)] = self._root(other)

    def numbers(self) -> NDArray[np.int64]:
        """(n,) the same number for all of a set."""
        return np.array([self._root(one) for one in range(len(self._parent))], np.int64)

    def _root(self, one: int) -> int:
        while self._parent[one] != one:
            self._parent[one] = self._parent[self._parent[one]]
            one = self._parent[one]
        return one


def _grown(near: Ints, similar: NDArray[np.float32], vectors: Vectors) -> Iterator[Ints]:
    """Full pages, those with the nearest neighbours first: each time what is most like all on it.

    A page is looked for among the free neighbours of what it has; one that does not get full is left.
    """
    free = np.ones(len(near), bool)
    for seed in np.argsort(-similar[:, 1:PAGE].mean(1), kind="stable"):
        if not free[seed]:
            continue
        members = [int(seed)]
        total = vectors[seed].copy()
        around = near[seed]
        free[seed] = False
        while len(members) < PAGE:
            around = around[(around >= 0) & free[around]]
            if not len(around):
                break
            best = int(around[(vectors[around] @ total).argmax()])
            members.append(best)
            total += vectors[best]
            free[best] = False
            around = np.union1d(around, near[best])
        if len(members) == PAGE:
            yield np.array(members)
        else:
            free[members[1:]] = True  # for others; the seed itself would fail again


def _bisected(vectors: Vectors, members: Ints) -> Iterator[Ints]:
    """What found no neighbours, halved along where it differs most until it fits a page."""
    if len(members) <= PAGE:
        if len(members):
            yield members
        return
    centred = vectors[members] - vectors[members].mean(0)
    direction = centred[np.argmax((centred**2).sum(1))]
    order = members[np.argsort(centred @ direction, kind="stable")]
    half = len(order) // 2
    yield from _bisected(vectors, order[:half])
    yield from _bisected(vectors, order[half:])


def _paired(pages: Sequence[Ints], vectors: Vectors) -> Iterator[Ints]:
    """Each page followed by the one most like it that is free."""
    means = _unit(np.stack([vectors[page].mean(0) for page in pages]))
    near, _ = nearest(means, min(_PARTNERS, len(pages)))
    free = np.ones(len(pages), bool)
    for one, others in enumerate(near):
        if free[one]:
            free[one] = False
            partner = [other for other in others if other >= 0 and free[other]][:1]
            free[partner] = False
            yield np.concatenate([pages[one], *(pages[other] for other in partner)])


def _alike(members: Ints, embeddings: Vectors) -> Alike:
    own = _unit(np.asarray(embeddings[members], np.float32))
    same = np.tril(own @ own.T >= DUPLICATE, -1).any(1)
    return Alike(tuple(members.tolist()), tuple(members[same].tolist()))


def _unit(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    return vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-9)
