"""Groups of images that look alike, so that a page of them is labeled with few keys.

Embeddings are made shorter (PCA), every image's nearest others are found (of very many on a processor nearly
all), and greedily the image with the nearest neighbours not yet taken becomes the first of a group. A group
is an ordered list: a page takes its next 4, 6 or 9.

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

Vectors = NDArray[np.floating]

DIMENSIONS = 128
FITTED_ON = 20_000
"""Images that the shorter coordinates are found with."""

NEAREST = 48
SIZE = 18
"""Of a group: three pages of six, two of nine. Larger ones are less alike."""

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


@dataclass(frozen=True)
class Alike:
    """A group: numbers of images, the most typical first, and those that show the same as an earlier one."""

    members: tuple[int, ...]
    duplicates: tuple[int, ...]


def groups(embeddings: Vectors, *, size: int = SIZE, seed: int = 0) -> list[Alike]:
    """All images, each in one group, in random order of groups.

    Args:
        embeddings: (n, d).
        size: of a group at most.
        seed: of the order.
    """
    n = len(embeddings)
    if not n:
        return []
    vectors = shorter(embeddings)
    near, similar = nearest(vectors, min(NEAREST, n))
    found = list(_greedy(near, similar, min(size, n)))
    left = np.setdiff1d(np.arange(n), np.concatenate([*found, np.zeros(0, int)]))
    found += list(_bisected(vectors, left, size))
    order = np.random.default_rng(seed).permutation(len(found))
    return [_alike(_in_order(found[one], vectors), embeddings) for one in order]


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


def nearest(vectors: NDArray[np.float32], k: int) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
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


def _nearest_on_gpu(
    vectors: NDArray[np.float32], k: int
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
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
    joined = Joined(n)
    chunk = _rows(n)
    for at in range(0, n, chunk):
        rows, columns = np.nonzero(unit[at : at + chunk] @ unit.T >= least)
        for one, other in zip(rows + at, columns, strict=True):
            joined.join(int(one), int(other))
    return joined.numbers()


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


def _greedy(
    near: NDArray[np.int64], similar: NDArray[np.float32], size: int
) -> Iterator[NDArray[np.int64]]:
    """Groups of images with enough free neighbours, those with the nearest first."""
    free = np.ones(len(near), bool)
    least = min(9, size)
    for seed in np.argsort(-similar[:, 1:least].mean(1), kind="stable") if least > 1 else ():
        if free[seed]:
            found = near[seed][near[seed] >= 0]
            members = found[free[found]][:size]
            if len(members) >= least:
                free[members] = False
                yield members


def _bisected(
    vectors: NDArray[np.float32], members: NDArray[np.int64], size: int
) -> Iterator[NDArray[np.int64]]:
    """What found no neighbours, halved along where it differs most until it fits."""
    if len(members) <= size:
        if len(members):
            yield members
        return
    centred = vectors[members] - vectors[members].mean(0)
    direction = centred[np.argmax((centred**2).sum(1))]
    order = members[np.argsort(centred @ direction, kind="stable")]
    half = len(order) // 2
    yield from _bisected(vectors, order[:half], size)
    yield from _bisected(vectors, order[half:], size)


def _in_order(members: NDArray[np.int64], vectors: NDArray[np.float32]) -> Sequence[int]:
    """The most typical first, then always the one most similar to those before it."""
    own = vectors[members]
    similar = own @ own.T
    order = [int(similar.sum(1).argmax())]
    for _ in range(len(members) - 1):
        near = similar[order[-_REMEMBERED:]].sum(0)
        near[order] = -np.inf
        order.append(int(near.argmax()))
    return members[order].tolist()


_REMEMBERED = 4  # of the images before: a page of four is as alike as can be


def _alike(members: Sequence[int], embeddings: Vectors) -> Alike:
    own = _unit(np.asarray(embeddings[np.array(members)], np.float32))
    same = np.tril(own @ own.T >= DUPLICATE, -1).any(1)
    return Alike(tuple(members), tuple(np.array(members)[same].tolist()))


def _unit(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    return vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-9)
