"""Embeddings of a project's images, kept in blobs, so that each image goes through a network once.

They are written part by part while a job works: one that is killed begins where it was.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from gpu_jobs.embed import Backbone, embed
from gpu_jobs.snapshot import Source
from labeling import layout
from labeling.assist.preprocess import Unseeable, pixels_for_model
from labeling.errors import NotFound
from labeling.items.items import Items
from labeling.storage import Storage

PART = 256
"""Images of a part: what a killed job does again at most."""

_READERS = 8
_AT_ONCE = 32  # images given to the network

Vectors = NDArray[np.float16]
S = TypeVar("S", bound=Source)
T = TypeVar("T")


class Features:
    """The embeddings of a project by one backbone."""

    def __init__(self, storage: Storage, items: Items, network: Backbone) -> None:
        self._storage = storage
        self._items = items
        self._network = network

    def of(
        self, sources: Sequence[S], progress: Callable[[int, int], None] = lambda done, total: None
    ) -> tuple[list[S], Vectors]:
        """Those of the images that can be read, in order, and their embeddings (n, d).

        Missing ones are computed. What is held in memory is the answer and one part.

        Args:
            sources: the images, of whatever shards.
            progress: told now and then how many are done, of how many. What it raises comes out.
        """
        by_shard: defaultdict[int, list[int]] = defaultdict(list)
        for at, source in enumerate(sources):
            by_shard[self._items.shard_of(source.item_id)].append(at)
        found = _Found(len(sources))
        done, total = 0, len(sources)
        for shard, places in sorted(by_shard.items()):
            parts = self._stored(shard, {_key(sources[at]): at for at in places}, found)
            missing = [at for at in places if not found.known[at]]
            done += len(places) - len(missing)
            progress(done, total)
            for start in range(0, len(missing), PART):
                some = missing[start : start + PART]
                seen, vectors = self._compute(
                    [sources[at] for at in some],
                    lambda now, before=done: progress(before + now, total),
                )
                self._write(shard, parts, [sources[some[one]] for one in seen], vectors)
                found.put([some[one] for one in seen], vectors)
                parts += 1
                done += len(some)
                progress(done, total)
        readable = [source for source, known in zip(sources, found.known, strict=True) if known]
        return readable, found.vectors if found.known.all() else found.vectors[found.known]

    def _stored(self, shard: int, wanted: Mapping[tuple[str, str], int], found: _Found) -> int:
        """Take what is wanted of a shard, part by part, and count the parts.

        Args:
            shard: of the project.
            wanted: places by item and version of its blob.
            found: where it is put.
        """
        part = 0
        while True:
            try:
                data = self._storage.blobs.read(layout.MODELS, self._place(shard, part))
            except NotFound:
                return part
            with np.load(BytesIO(data), allow_pickle=False) as stored:
                ids, etags, vectors = stored["item_ids"], stored["etags"], stored["vectors"]
            keys = zip(map(str, ids), map(str, etags), strict=True)
            here = [(row, wanted[key]) for row, key in enumerate(keys) if key in wanted]
            found.put([place for _, place in here], vectors[[row for row, _ in here]])
            part += 1

    def _write(self, shard: int, part: int, sources: Sequence[Source], vectors: Vectors) -> None:
        file = BytesIO()
        np.savez(
            file,
            item_ids=np.array([source.item_id for source in sources], str),
            etags=np.array([source.blob_etag for source in sources], str),
            vectors=vectors,
        )
        self._storage.blobs.write(
            layout.MODELS,
            self._place(shard, part),
            file.getvalue(),
            content_type="application/octet-stream",
        )

    def _compute(
        self, sources: Sequence[Source], progress: Callable[[int], None]
    ) -> tuple[list[int], Vectors]:
        """Numbers of those that can be read, and their embeddings; the next are decoded meanwhile."""
        seen: list[int] = []

        def pixels() -> Iterator[NDArray[np.uint8]]:
            for at in range(0, len(sources), _AT_ONCE):
                progress(at)
                some = [one.result() for one in reading[at : at + _AT_ONCE]]
                seen.extend(at + n for n, image in enumerate(some) if image is not None)
                images = [image for image in some if image is not None]
                if images:
                    yield np.stack(images)

        pool = ThreadPoolExecutor(_READERS)
        try:
            reading = [
                pool.submit(seen_of, self._storage, source, pixels_for_model) for source in sources
            ]
            vectors = list(embed(self._network, pixels()))
        finally:
            pool.shutdown(cancel_futures=True)
        return seen, np.concatenate(vectors) if vectors else np.zeros((0, 1), np.float16)

    def _place(self, shard: int, part: int) -> str:
        return layout.embeddings_blob(self._items.project_id, self._network.feature_id, shard, part)


class _Found:
    """Embeddings by place, as they are found; `known` says which are there."""

    def __init__(self, n: int) -> None:
        self.known = np.zeros(n, bool)
        self.vectors: Vectors = np.zeros((n, 1), np.float16)

    def put(self, places: Sequence[int], vectors: Vectors) -> None:
        """Keep the embeddings (n, d) of n places."""
        if not len(places):
            return
        if self.vectors.shape[1] != vectors.shape[1]:
            self.vectors = np.zeros((len(self.known), vectors.shape[1]), np.float16)
        self.vectors[places] = vectors
        self.known[places] = True


def read(
    storage: Storage, sources: Sequence[Source], see: Callable[[bytes], T] = pixels_for_model
) -> list[T | None]:
    """What models see of images, in order; None for one that is gone or can't be decoded.

    Args:
        storage: where they are.
        sources: the images.
        see: makes it of a file: unless said otherwise, pixels (224, 224, 3).
    """
    with ThreadPoolExecutor(_READERS) as pool:
        return list(pool.map(lambda source: seen_of(storage, source, see), sources))


def seen_of(storage: Storage, source: Source, see: Callable[[bytes], T]) -> T | None:
    """What a model sees of an image; None where it is gone or can't be decoded."""
    try:
        return see(storage.blobs.read(source.container, source.path))
    except (Unseeable, NotFound):
        return None


def _key(source: Source) -> tuple[str, str]:
    return source.item_id, source.blob_etag
