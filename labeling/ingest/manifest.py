"""Manifests: listings and batches of differences, as parts in the container `manifests`."""

from __future__ import annotations

import gzip
import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from labeling import layout
from labeling.items.cells import as_text
from labeling.storage import Blob, Blobs

Kind = Literal["listed", "known", "change", "registered"]


@dataclass(frozen=True)
class Entry:
    """A blob in a manifest; in a batch of differences, with what happened to it.

    In a batch that is registered, with the ETag and the moment of the item that was made of it: who measures
    it next need not read it.
    """

    path: str
    etag: str
    size: int
    media: str
    change: Literal["new", "changed", "gone", "same"] = "new"
    item_etag: str = ""
    registered_ms: int = 0
    about: str = ""

    @classmethod
    def of(cls, blob: Blob, media: str) -> Entry:
        """The entry of a blob, with its metadata as `about`."""
        return cls(blob.path, blob.etag, blob.size, media, about=about(blob))


def about(blob: Blob) -> str:
    """What its owner wrote about a blob, as an item keeps it.

    >>> about(Blob("a.png", "e1", 3, metadata={"external_id": "7"}))
    '{"external_id":"7"}'
    """
    return as_text(dict(sorted(blob.metadata.items()))) if blob.metadata else ""


class Manifests:
    """The manifests of one project. A part is written once and read whole."""

    def __init__(self, blobs: Blobs, project_id: str) -> None:
        self._blobs = blobs
        self._project_id = project_id

    def write(
        self,
        manifest_id: str,
        kind: Kind,
        part: int,
        entries: Sequence[Entry],
        skipped: Mapping[str, int] | None = None,
    ) -> None:
        """Keep one part, with how many blobs of it are no items, by reason."""
        lines = [json.dumps({"skipped": dict(skipped or {}), "count": len(entries)})]
        lines += [
            json.dumps(
                [e.path, e.etag, e.size, e.media, e.change]
                + ([e.item_etag, e.registered_ms, e.about] if e.item_etag or e.about else []),
                ensure_ascii=False,
            )
            for e in entries
        ]
        self._blobs.write(
            layout.MANIFESTS,
            layout.manifest_blob(self._project_id, manifest_id, kind, part),
            gzip.compress("\n".join(lines).encode(), 5),
            content_type="application/gzip",
        )

    def _lines(self, manifest_id: str, kind: Kind, part: int) -> list[str]:
        blob = layout.manifest_blob(self._project_id, manifest_id, kind, part)
        return gzip.decompress(self._blobs.read(layout.MANIFESTS, blob)).decode().split("\n")

    def counts(self, manifest_id: str, kind: Kind, parts: int) -> tuple[int, Counter[str]]:
        """How many entries the parts have, and how many blobs are no items, by reason."""
        count, skipped = 0, Counter[str]()
        for part in range(parts):
            header = json.loads(self._lines(manifest_id, kind, part)[0])
            count += header["count"]
            skipped.update(header["skipped"])
        return count, skipped

    def read(self, manifest_id: str, kind: Kind, part: int) -> list[Entry]:
        """The entries of one part."""
        return [Entry(*json.loads(line)) for line in self._lines(manifest_id, kind, part)[1:]]

    def entries(self, manifest_id: str, kind: Kind, parts: int) -> Iterator[Entry]:
        """The entries of all parts, holding one part in memory."""
        for part in range(parts):
            yield from self.read(manifest_id, kind, part)

    def writer(self, manifest_id: str, kind: Kind, size: int) -> ManifestWriter:
        """Writes entries one by one, as parts of `size`."""
        return ManifestWriter(self, manifest_id, kind, size)


class ManifestWriter:
    """Writes entries as parts of a fixed size, holding one part in memory."""

    def __init__(self, manifests: Manifests, manifest_id: str, kind: Kind, size: int) -> None:
        self._manifests = manifests
        self._manifest_id = manifest_id
        self._kind: Kind = kind
        self._size = size
        self._part = 0
        self._entries: list[Entry] = []

    def add(self, entry: Entry) -> int:
        """Add an entry; returns the number of its part."""
        if len(self._entries) == self._size:
            self._flush()
        self._entries.append(entry)
        return self._part

    def _flush(self) -> None:
        self._manifests.write(self._manifest_id, self._kind, self._part, self._entries)
        self._part += 1
        self._entries = []

    def close(self) -> int:
        """Write what is left; returns how many parts there are."""
        if self._entries:
            self._flush()
        return self._part


def differences(known: Iterator[Entry], listed: Iterator[Entry]) -> Iterator[Entry]:
    """Merge-join of two listings sorted by name; memory does not grow with them."""
    old, new = next(known, None), next(listed, None)
    while old or new:
        if new is None or (old is not None and old.path < new.path):
            assert old is not None
            yield replace(old, change="gone")
            old = next(known, None)
        elif old is None or new.path < old.path:
            yield replace(new, change="new")
            new = next(listed, None)
        else:
            yield replace(new, change="same" if old.etag == new.etag else "changed")
            old, new = next(known, None), next(listed, None)
