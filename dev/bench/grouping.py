"""One grouping, alone in its process: prints its CPU seconds, the most memory, and how pure pages of nine are.

python -m dev.bench.grouping 200000 1280 800      # images, length of an embedding, kinds of images
"""

from __future__ import annotations

import sys
import time

import numpy as np
from numpy.typing import NDArray

from dev.bench.measure import peak_mb

_CHUNK = 4_096
_SPREAD = 0.03  # of each entry: the cosine of two images of a kind is then about .5
_PAGE = 9


def kinds_of_images(n: int, d: int, kinds: int) -> tuple[NDArray[np.float16], NDArray[np.integer]]:
    """Embeddings (n, d) around one direction a kind, a few kinds much commoner than others; and the kinds."""
    random = np.random.default_rng(0)
    share = 1 / np.arange(1, kinds + 1) ** 0.5
    of = random.choice(kinds, size=n, p=share / share.sum())
    middle = random.normal(size=(kinds, d)).astype(np.float32)
    middle /= np.linalg.norm(middle, axis=1, keepdims=True)
    vectors = np.empty((n, d), np.float16)
    for at in range(0, n, _CHUNK):
        some = of[at : at + _CHUNK]
        noise = random.standard_normal((len(some), d), np.float32)
        vectors[at : at + _CHUNK] = middle[some] + _SPREAD * noise
    return vectors, of


def main() -> None:
    """Make, group, tell."""
    from gpu_jobs.group import groups

    vectors, of = kinds_of_images(*map(int, sys.argv[1:4]))
    began = time.process_time()
    found = groups(vectors)
    took = time.process_time() - began
    most = peak_mb()
    pages = [
        alike.members[at : at + _PAGE]
        for alike in found
        for at in range(0, len(alike.members), _PAGE)
    ]
    shuffled = np.random.default_rng(1).permutation(of)
    pure = [
        sum(int(np.unique(kinds[np.array(page)], return_counts=True)[1].max()) for page in pages)
        for kinds in (of, shuffled)
    ]
    print(f"{took:.1f} {most:.0f} {pure[0] / len(of):.3f} {pure[1] / len(of):.3f}")


if __name__ == "__main__":
    main()
