"""What happens to the image of an item: it is found, measured, copied smaller, overwritten, lost."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

from labeling import layout
from labeling.items import rules
from labeling.items.change import Shards, becomes
from labeling.items.records import Item, Lane, Rendered, Stored
from labeling.items.rows import Batch, Change
from labeling.media.header import Measured
from labeling.storage import Collision


class Registered(NamedTuple):
    """What became of a registration: how many items are of its batch, and those it made now."""

    mine: int
    made: Mapping[str, Stored]


class Images(Shards):
    """Changes that come from blobs."""

    def new_item(
        self, path: str, blob_etag: str, *, container: str, size: int, media: str, about: str = ""
    ) -> Item:
        """The item of a blob, not registered yet."""
        item_id = layout.item_id(container, path)
        return Item(
            item_id=item_id,
            path=path,
            blob_etag=blob_etag,
            order=layout.order_of(self.seed, item_id),
            media=media,
            size=size,
            about=about,
            lanes=tuple(Lane() for _ in range(self.overlap.places(item_id))),
            changed_ms=self._now(),
        )

    def register(self, shard: int, found: Sequence[Item], batch: str) -> Registered:
        """Make items of blobs, all of one shard, at most 40 at once.

        Items known already are left alone, whoever registered them. Safe to repeat.

        Returns:
            How many of them belong to `batch`, made now or by an earlier try of the same batch; and those
            made now, as they are kept.
        """
        moments = [(item, self._now()) for item in found]
        todo = [
            rules.assigned(
                replace(item, batch=batch, registered_ms=m, changed_ms=m), self.audiences
            )
            for item, m in moments
        ]
        mine = 0
        while todo:  # each time around fewer, for one that is known stays known
            work = Batch(self.audiences)
            for item in todo:
                work.add(None, Change(item))
            try:
                operations = work.finish(self._now())
                etags = self._transact(shard, operations)
            except Collision:
                known = self.read_many([item.item_id for item in todo])
                mine += sum(1 for stored in known if stored and stored.item.batch == batch)
                todo = [item for item, stored in zip(todo, known, strict=True) if stored is None]
                continue
            written = {
                operation.key: etag for operation, etag in zip(operations, etags, strict=True)
            }
            made = {
                item.item_id: Stored(item, written[layout.truth(item.item_id)], {}) for item in todo
            }
            return Registered(mine + len(todo), made)
        return Registered(mine, {})

    def measured(
        self, shard: int, results: Mapping[str, Measured], *, known: Mapping[str, Stored] = {}
    ) -> int:
        """Note the size of images, or why they can't be read; all of one shard, at most 33.

        An item that was measured meanwhile from a newer blob keeps that. Safe to repeat. Those `known`, as
        `register` gave them, need not be read.

        Returns:
            How many items became ready to be handed out.
        """

        def rule(stored: Stored) -> Change | None:
            result = results[stored.item.item_id]
            return becomes(stored, rules.measured(stored.item, result, self._now()))

        changes = self._change(shard, results, rule, known=known).values()
        return sum(1 for change in changes if change and not change.item.barred)

    def rendered(self, shard: int, made: Mapping[str, Rendered]) -> None:
        """Note which smaller copies of images are there, and what of them can't be decoded.

        All of one shard, at most 19.

        An item whose blob was overwritten meanwhile is left alone. Safe to repeat.
        """
        self._change(
            shard,
            made,
            lambda stored: becomes(stored, rules.rendered(stored.item, made[stored.item.item_id])),
        )

    def damaged(self, item_id: str, blob_etag: str, why: str) -> None:
        """Note what of this version of an image can't be decoded, in words; the first that was found stays."""
        self._change_one(
            item_id, lambda stored: becomes(stored, rules.damaged(stored.item, blob_etag, why))
        )

    def overwritten(self, item_id: str, blob_etag: str, size: int, about: str = "") -> None:
        """The blob of an item has new content: measure it anew; labels made before need a reviewer.

        What was suggested for the old content is forgotten.

        Safe to repeat; the older of two events changes nothing that the newer did only if the caller
        passes the ETag the blob has now.
        """
        self._change_one(
            item_id,
            lambda stored: becomes(
                stored, rules.overwritten(stored.item, blob_etag, size, self._now(), about)
            ),
        )

    def note_missing(self, item_id: str, missing: bool) -> None:
        """The blob of an item is gone, or is back. Labels are kept."""
        self._change_one(
            item_id, lambda stored: becomes(stored, rules.missing(stored.item, missing))
        )
