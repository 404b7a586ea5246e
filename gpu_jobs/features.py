"""Embeddings of a project's images, kept in blobs, so that each image goes through a network once.

They are written part by part while a job works: one that is killed begins where it was.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
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
_AHEAD = 32  # images decoded before the network wants them

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
    ) -> tuple[list[S], NDArray[np.float16]]:
        """Those of the images that can be read, and their embeddings (n, d); missing ones are computed.

        Args:
            sources: the images, of whatever shards.
            progress: told now and then how many are done, of how many. What it raises comes out.
        """
        by_shard: defaultdict[int, list[S]] = defaultdict(list)
        for one in sources:
            by_shard[self._items.shard_of(one.item_id)].append(one)
        done, total = 0, len(sources)
        readable: list[S] = []
        vectors: list[NDArray[np.float16]] = []
        for shard, of_shard in sorted(by_shard.items()):
            known, parts = self._stored(shard)
            missing = [one for one in of_shard if (one.item_id, one.blob_etag) not in known]
            done += len(of_shard) - len(missing)
            progress(done, total)
            for at in range(0, len(missing), PART):
                some = missing[at : at + PART]
                found = self._compute(some, lambda now, before=done: progress(before + now, total))
                self._write(shard, parts, found)
                known |= found
                parts += 1
                done += len(some)
                progress(done, total)
            for one in of_shard:
                vector = known.get((one.item_id, one.blob_etag))
                if vector is not None:
                    readable.append(one)
                    vectors.append(vector)
        return readable, np.stack(vectors) if vectors else np.zeros((0, 1), np.float16)

    def _stored(self, shard: int) -> tuple[dict[tuple[str, str], NDArray[np.float16]], int]:
        """The embeddings of a shard by item and version of its blob, and how many parts they are in."""
        known: dict[tuple[str, str], NDArray[np.float16]] = {}
        part = 0
        while True:
            try:
                data = self._storage.blobs.read(layout.MODELS, self._place(shard, part))
            except NotFound:
                return known, part
            with np.load(BytesIO(data), allow_pickle=False) as stored:
                ids, etags, vectors = stored["item_ids"], stored["etags"], stored["vectors"]
            known |= {
                (str(one), str(etag)): vector
                for one, etag, vector in zip(ids, etags, vectors, strict=True)
            }
            part += 1

    def _write(
        self, shard: int, part: int, found: dict[tuple[str, str], NDArray[np.float16]]
    ) -> None:
        file = BytesIO()
        np.savez(
            file,
            item_ids=np.array([item_id for item_id, _ in found], str),
            etags=np.array([etag for _, etag in found], str),
            vectors=np.stack(list(found.values())) if found else np.zeros((0, 1), np.float16),
        )
        self._storage.blobs.write(
            layout.MODELS,
            self._place(shard, part),
            file.getvalue(),
            content_type="application/octet-stream",
        )

    def _compute(
        self, sources: Sequence[Source], progress: Callable[[int], None]
    ) -> dict[tuple[str, str], NDArray[np.float16]]:
        seen: list[Source] = []

        def pixels() -> Iterator[NDArray[np.uint8]]:
            for at in range(0, len(sources), _AHEAD):
                progress(at)
                some = sources[at : at + _AHEAD]
                decoded = zip(some, read(self._storage, some), strict=True)
                images = [(one, image) for one, image in decoded if image is not None]
                seen.extend(one for one, _ in images)
                if images:
                    yield np.stack([image for _, image in images])

        vectors = [vector for batch in embed(self._network, pixels()) for vector in batch]
        return {
            (one.item_id, one.blob_etag): vector for one, vector in zip(seen, vectors, strict=True)
        }

    def _place(self, shard: int, part: int) -> str:
        return layout.embeddings_blob(self._items.project_id, self._network.feature_id, shard, part)


def read(
    storage: Storage, sources: Sequence[Source], seen: Callable[[bytes], T] = pixels_for_model
) -> list[T | None]:
    """What models see of images, in order; None for one that is gone or can't be decoded.

    Args:
        storage: where they are.
        sources: the images.
        seen: makes it of a file: unless said otherwise, pixels (224, 224, 3).
    """

    def one(source: Source) -> T | None:
        try:
            return seen(storage.blobs.read(source.container, source.path))
        except (Unseeable, NotFound):
            return None

    with ThreadPoolExecutor(_READERS) as pool:
        return list(pool.map(one, sources))
