"""What runs suggest for items, which of them look alike, and what of that a labeler was shown (ADR-0007)."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

from labeling import layout
from labeling.annotations.acceptance import Prelabel, decoded, of_copy
from labeling.annotations.merging import remapped
from labeling.items import rules
from labeling.items.cells import pack, unpack
from labeling.items.change import Shards, becomes
from labeling.items.records import SCHEMA, Run, Stored, Suggested
from labeling.items.rows import Change
from labeling.items.tasks import Finished, Task
from labeling.storage import Create


class Suggestions(Shards):
    """Changes that come from runs."""

    @property
    def most_suggested(self) -> int:
        """Items whose suggestions fit into one transaction: truth, suggestion, and two rows a lane."""
        return 96 // (2 + 2 * self.lanes)

    def suggest(
        self,
        shard: int,
        run: Run,
        found: Mapping[str, bytes],
        *,
        by: str,
        blind: Collection[str] = (),
    ) -> dict[str, Suggested]:
        """Note what a run suggests for items of one shard, at most `most_suggested` at once.

        The newest run wins, in whatever order they come; empty suggestions take those of older runs away.
        An item that waits is prelabeled from now on; to one that is leased it is shown the next time, and
        one that somebody has labeled is left alone. What a run said about an item, it can't take back:
        that is kept for ever, for whoever was shown it. Of those that are `blind` it is noted, and nobody
        is shown it. Safe to repeat.
        """

        def key(item_id: str) -> str:
            return layout.prelabel(item_id, run.run_id)

        def rule(stored: Stored) -> Change | Suggested:
            old, data = stored.item, found[stored.item.item_id]
            known = unpack("suggestion", stored.beside.cells) if stored.beside else None
            became = rules.suggestible(old, run, data, known)
            if became != "saved":
                return became
            said = {
                "schema": SCHEMA,
                "by": by,
                "at_ms": self._now(),
                "revision": old.revision,
                "blob_etag": old.blob_etag,
                **pack("suggestion", data),
            }
            becomes = rules.withheld if old.item_id in blind else rules.suggested
            return Change(becomes(old, run, data), rows=[Create(key(old.item_id), said)])

        became: dict[str, Suggested] = dict.fromkeys(found, "unknown")
        for item_id, change in self._change(shard, found, rule, beside=key).items():
            became[item_id] = "saved" if isinstance(change, Change) else change
        return became

    @property
    def most_grouped(self) -> int:
        """Items whose move fits into one transaction: truth, and two rows a lane."""
        return 96 // (1 + 2 * self.lanes)

    def group(self, shard: int, places: Mapping[str, str]) -> int:
        """Give waiting items of one shard their places among images that look alike, `most_grouped` at once.

        Args:
            shard: of all of them.
            places: by item (`layout.group_place`); empty takes an item out of its group. Safe to repeat.

        Returns:
            How many were moved.
        """

        def rule(stored: Stored) -> Change | None:
            return becomes(stored, rules.grouped(stored.item, places[stored.item.item_id]))

        return sum(1 for change in self._change(shard, places, rule).values() if change)

    def shown(self, task: Task | Finished, item_ids: Iterable[str]) -> dict[str, Prelabel]:
        """What a labeler was shown of runs, as it was then, by item. Large ones are read, at once."""
        held = (
            {item.item.item_id: item.item for item in task.held} if isinstance(task, Task) else {}
        )
        known: dict[str, Prelabel] = {}
        large: list[tuple[str, str]] = []
        for item_id in item_ids:
            run_id = task.shown.get(item_id, "")
            if run_id and item_id in held and held[item_id].suggestion:
                annotations = remapped(of_copy(held[item_id].suggestion), self.merged)
                known[item_id] = Prelabel(run_id=run_id, annotations=annotations)
            elif run_id:
                large.append((item_id, run_id))
        return known | self.said(large)

    def said(self, of: list[tuple[str, str]]) -> dict[str, Prelabel]:
        """What runs said about items, read in one round trip."""
        if not of:
            return {}
        places = [(self._home(item_id), layout.prelabel(item_id, run)) for item_id, run in of]
        rows = self._storage.tables.get_many(layout.ITEMS, places)
        return {
            item_id: Prelabel(
                run_id=run,
                annotations=remapped(decoded(unpack("suggestion", row.cells)), self.merged),
            )
            for (item_id, run), row in zip(of, rows, strict=True)
            if row
        }
