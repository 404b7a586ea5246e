"""Compares all that is kept with itself, and with what a run of the model knows."""

from __future__ import annotations

import json
import random
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import product
from typing import Any, cast

from labeling import layout
from labeling.annotations.acceptance import small_copy
from labeling.items import rules
from labeling.items.cells import unpack
from labeling.items.checks import Check
from labeling.items.items import Items
from labeling.items.records import Item, Judged, Labeling
from labeling.items.records import stored as stored_item
from labeling.items.tasks import CHECK, QueuedItem, Task, split_tasks
from labeling.layout import Kind
from labeling.quality.consensus import Opinion, verdict
from labeling.storage import Range, Row, Storage, Tables
from tests.model.ledger import MERGED, ORDER_OF, Ledger, copies_of, damage_of, require, suggested


class Auditor:
    """Compares everything that is kept in a shard."""

    def __init__(self, items: Items, tables: Tables, ledger: Ledger) -> None:
        self._items = items
        self._storage = Storage(
            tables, cast(Any, None), cast(Any, None), cast(Any, None), random.random
        )
        self._ledger = ledger
        self._deltas: dict[tuple[str, str], Mapping[str, int]] = {}

    def _rows(self, shard: int, kind: Kind) -> dict[str, Row]:
        wanted = Range(self._items.partition(shard), *layout.all_of(kind))
        return {row.key: row for row in self._storage.rows(layout.ITEMS, wanted)}

    def shard(self, shard: int) -> None:
        """Audit a shard.

        Raises:
            Violation: something does not fit.
        """
        truths = {
            layout.item_of(key): stored_item(row)
            for key, row in self._rows(shard, Kind.TRUTH).items()
        }
        items = {item_id: truth.item for item_id, truth in truths.items()}
        for item in items.values():
            fit = ("", copies_of(item.blob_etag))
            require(item.renditions in fit, "copies of another version", item)
            require(item.damage in ("", damage_of(item.blob_etag)), "another's damage", item)
            # Whose turn to be moved has not come waits by rules of before.
            told = not item.waits or any(
                rule.of(item) == item.audience for rule in self._ledger.rules
            )
            require(told, "waits for nobody that any rule named", item)
        leases = self._rows(shard, Kind.LABELER)
        tasks, returned = split_tasks(leases.values(), shard)
        waiting = self._rows(shard, Kind.QUEUED) | self._rows(shard, Kind.ASSIGNED)
        self._queue(items, [*waiting.values(), *(item.row for item in returned)])
        checks = [Check.of(row, shard) for row in self._rows(shard, Kind.CHECK).values()]
        self._tasks(items, tasks)
        self._checks(tasks, checks)
        self._honeypots(items, self._rows(shard, Kind.HONEYPOT))
        self._listing(items, self._rows(shard, Kind.LISTED))
        self._flags(items, self._rows(shard, Kind.FLAG))
        self._labelings(items, self._rows(shard, Kind.LABELING))
        prelabels = self._rows(shard, Kind.PRELABEL)
        for item_id, truth in truths.items():
            self._prelabels(truth.item, [row for key, row in prelabels.items() if item_id in key])
            self._history(item_id, truth.item, unpack("labels", truth.cells))
        self._counters(shard, items, checks, self._rows(shard, Kind.COUNTER))

    def _queue(self, items: Mapping[str, Item], rows: Sequence[Row]) -> None:
        wanted = {key: item for item in items.values() for key in item.queue_keys().values()}
        found = {row.key: row for row in rows}
        require(found.keys() == wanted.keys(), "queue", found.keys() ^ wanted.keys())
        for key, row in found.items():
            copy = QueuedItem(row).item
            require(copy == wanted[key], "copy in the queue", copy, wanted[key])

    def _tasks(self, items: Mapping[str, Item], tasks: Sequence[Task]) -> None:
        held: dict[tuple[str, int], str] = {}
        for task in tasks:
            require(bool(task.held), "task of nothing", task.task_id)
            for one in task.held:
                if one.is_check:
                    continue
                place = one.item.item_id, one.lane
                require(place not in held, "leased twice", place)
                held[place] = task.task_id
                item = items[one.item.item_id]
                lane = item.lanes[one.lane]
                require(
                    (lane.task, lane.labeler) == (task.task_id, task.user),
                    "task and item",
                    task.task_id,
                    item,
                )
                require(task.everything.get(item.item_id) == one.lane, "items of task", task)
                shown = one.item.suggested if lane.state == "leased" else ""
                require(task.shown.get(item.item_id, "") == shown, "shown by the task", task)
                if not item.shared and lane.state == "leased" and not task.stale:
                    require(one.item == item, "copy in the task", one.item, item)
        wanted = {
            (item_id, number): lane.task
            for item_id, item in items.items()
            for number, lane in enumerate(item.lanes)
            if lane.task
        }
        require(held == wanted, "leases", held.items() ^ wanted.items())
        for item in items.values():
            leased = [lane for lane in item.lanes if lane.state == "leased"]
            require(all(lane.task for lane in leased), "leased to no task", item)
            people = [lane.labeler for lane in item.lanes if lane.state != "available"]
            require(len(people) == len(set(people)), "twice to the same labeler", item)

    def _checks(self, tasks: Sequence[Task], checks: Sequence[Check]) -> None:
        """Each honeypot in somebody's hands is in their task, and looks like nothing that was touched."""
        held: dict[tuple[str, str], str] = {}
        for task in tasks:
            for one in task.held:
                if not one.is_check:
                    continue
                item = one.item
                place = task.user, item.item_id
                require(place not in held, "the same honeypot twice", place)
                held[place] = task.task_id
                require(task.everything.get(item.item_id) == CHECK, "items of task", task)
                if not one.is_correction:
                    untouched = (item.revision, item.approved, item.honeypot, item.verdict)
                    require(untouched == (0, "", "", ""), "a honeypot shows", item)
        wanted = {(check.user, check.item_id): check.task for check in checks if check.task}
        require(held == wanted, "checks in hands", held.items() ^ wanted.items())
        for check in checks:
            require(check.answered or bool(check.task), "a check of nothing", check)
            if check.answered:
                key = layout.checked(check.user, check.item_id, check.revision)
                place = self._items.partition(check.shard), key
                said = self._ledger.checks[check.item_id].get(place)
                require(said is not None, "an answer that was not kept", check)
                last = unpack("labels", cast(Any, said).cells)
                require(unpack("labels", check.cells) == last, "labels of a check", check)

    def _honeypots(self, items: Mapping[str, Item], rows: Mapping[str, Row]) -> None:
        wanted = {item.honeypot_key: item for item in items.values() if item.honeypot_key}
        require(rows.keys() == wanted.keys(), "honeypots", rows.keys() ^ wanted.keys())
        for key, row in rows.items():
            copy = QueuedItem(row).item
            require(copy == wanted[key], "copy of a honeypot", copy, wanted[key])

    def _prelabels(self, item: Item, rows: Sequence[Row]) -> None:
        """What was suggested for an item is kept, and the newest of it stands, as long as it may."""
        said: dict[str, Row] = {}
        for row in rows:
            _, run_id = layout.prelabel_of(row.key)
            said[ORDER_OF[run_id]] = row
            data = unpack("suggestion", row.cells)
            require(data == suggested(run_id, item.item_id), "not what was suggested", row.key)
        newest = max(said, default="")
        require(item.newest_run == newest, "not the newest run", item, sorted(said))
        stands = newest and self._stands(item, said[newest])
        wanted = layout.prelabel_of(said[newest].key)[1] if stands else ""
        # One of several labelers may have been settled in all lanes, and been returned, in between.
        since = newest and item.revision > said[newest].number("revision")
        if item.shared and since and not item.suggested:
            wanted = ""
        require(item.suggested == wanted, "not the newest suggestion", item, sorted(said))
        copy = small_copy(suggested(wanted, item.item_id)) if wanted else ""
        require(item.suggestion == copy, "copy of a suggestion", item)
        if item.state in ("available", "leased") and item.priority != layout.FRONT:
            queue = (
                layout.UNMEASURED
                if not item.width
                else layout.PRELABELED
                if wanted
                else layout.CLUSTERED
                if item.group
                else layout.MANUAL
            )
            require(item.priority == queue, "in the wrong queue", item, queue)

    def _stands(self, item: Item, row: Row) -> bool:
        """Whether a suggestion that was the newest must be there still: nothing happened to its image."""
        same_image = item.blob_etag == row.text("blob_etag")
        # Of two lanes the one that waits keeps it, though what the item is as a whole is told by the other.
        were_it_there = replace(item, missing=False).state
        touched = were_it_there not in ("available", "leased", "unreadable") or bool(item.returned)
        return bool(row.number("suggestion")) and same_image and not touched

    def _listing(self, items: Mapping[str, Item], rows: Mapping[str, Row]) -> None:
        wanted = {item.listing: item for item in items.values() if item.listing}
        require(rows.keys() == wanted.keys(), "listing", rows.keys() ^ wanted.keys())
        for key, row in rows.items():
            copy = Item.of(layout.item_of(key), row.cells)
            require(copy == wanted[key], "copy in the listing", copy, wanted[key])

    def _flags(self, items: Mapping[str, Item], rows: Mapping[str, Row]) -> None:
        wanted = {layout.flagged(item.item_id): item.flag for item in items.values() if item.flag}
        found = {key: row.text("flag") for key, row in rows.items()}
        require(found == wanted, "flags", found.items() ^ wanted.items())

    def _labelings(self, items: Mapping[str, Item], rows: Mapping[str, Row]) -> None:
        wanted = {
            layout.labeling(item_id, lane.labeler): (
                number,
                lane.task if lane.state == "leased" else "",
            )
            for item_id, item in items.items()
            for number, lane in enumerate(item.lanes)
            if item.shared and lane.state != "available"
        }
        found = {key: (row.number("lane"), row.text("task")) for key, row in rows.items()}
        require(found == wanted, "labelings", found.items() ^ wanted.items())
        for key, row in rows.items():
            if not row.text("task"):
                item_id, user = layout.labeling_of(key)
                last = self._last_said(item_id, user)
                require(unpack("labels", row.cells) == last, "labels of a labeling", key)
        for item_id, item in items.items():
            # What was agreed on of an image that was overwritten is forgotten until somebody corrects it.
            if rules.complete(item) and (item.verdict or item.judged or not item.overwritten):
                said = [rows[layout.labeling(item_id, lane.labeler)] for lane in item.lanes]
                self._verdict(item, said)
            else:
                early = bool(item.verdict or item.judged)
                require(not early, "judged too early", item)

    def _verdict(self, item: Item, rows: Sequence[Row]) -> None:
        """What several people said is what is kept of them together."""
        said = [Labeling.model_validate_json(unpack("labels", row.cells)) for row in rows]
        # A class that became another counts as that once the item's turn has come, or once whoever submits
        # knows of it: here that may be in the middle of a submission.
        ways = product(*((labeling, labeling.merged(MERGED)) for labeling in said))
        fit = [self._is_verdict(item, way) for way in ways]
        require(any(fit), "not what they agree on", item, said)

    def _is_verdict(self, item: Item, said: Sequence[Labeling]) -> bool:
        opinions = [
            Opinion(labeling.labeler, labeling.outcome, labeling.annotations) for labeling in said
        ]
        found = verdict(opinions, self._items.overlap)
        tally = Counter(annotation.class_id for annotation in found.annotations)
        wanted = "needs_review" if found.disputed else found.outcome
        return (
            item.verdict == wanted
            and bool(item.judged)
            and Judged.of(item.judged).disputed == found.disputed
            and (wanted != "labeled" or dict(item.classes) == dict(tally))
        )

    def _history(self, item_id: str, item: Item, labels: bytes) -> None:
        rows = self._ledger.history[item_id]
        wanted = {layout.history(item_id, n) for n in range(1, item.revision + 1)}
        found = {key for key in rows if not layout.history_place(key).submission}
        require(found == wanted, "history", item_id, found ^ wanted)
        require(labels == self._last_said(item_id), "labels", item_id)
        times = [int(cast(int, rows[key].cells["at_ms"])) for key in sorted(found)]
        require(times == sorted(set(times)), "time goes back", item_id, times)

    def _last_said(self, item_id: str, user: str | None = None) -> bytes:
        """What a labeler said last of an item; without one, what anybody or all together did."""
        rows = [
            (key, row)
            for key, row in self._ledger.history[item_id].items()
            if (row.cells["what"] == "submitted" and user in (None, row.cells["by"]))
            or (row.cells["what"] in ("agreed", "disputed", "merged") and user is None)
        ]
        return unpack("labels", max(rows)[1].cells) if rows else b""

    def _counters(
        self,
        shard: int,
        items: Mapping[str, Item],
        checks: Sequence[Check],
        rows: Mapping[str, Row],
    ) -> None:
        found: Counter[str] = Counter()
        for row in rows.values():
            known = self._deltas.get((row.key, row.etag))
            if known is None:
                known = json.loads(unpack("delta", row.cells))
                self._deltas[row.key, row.etag] = known
            found.update(known)
        wanted: Counter[str] = Counter(self._ledger.done[self._items.partition(shard)])
        for item in items.values():
            wanted.update(item.facts())
        for check in checks:
            wanted.update(check.facts())
        found = Counter({name: count for name, count in found.items() if count})
        wanted = Counter({name: count for name, count in wanted.items() if count})
        require(found == wanted, "counters", shard, found.items() ^ wanted.items())

    def all(self) -> None:
        """Audit all shards, and that history and everything answered are there still.

        Raises:
            Violation: something does not fit.
        """
        written = {key: row for rows in self._ledger.history.values() for key, row in rows.items()}
        stored: dict[str, Row] = {}
        for shard in range(self._items.shards):
            self.shard(shard)
            stored |= self._rows(shard, Kind.HISTORY)
        require(stored.keys() == written.keys(), "history", stored.keys() ^ written.keys())
        for key, row in stored.items():
            require(dict(row.cells) == dict(written[key].cells), "history was changed", key)
        for submission in self._ledger.answered:
            self._ledger.require_kept(submission)
