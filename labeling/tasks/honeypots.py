"""Which honeypots are mixed into a page, so that nothing tells them from the other images (ADR-0031).

What there are, and which of them somebody had, is remembered for a while by the whole process: a handout costs
the calls it would cost without them. Who had one that this process does not know of is met as a collision.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from labeling import layout
from labeling.items.tasks import QueuedItem
from labeling.projects.access import Caller
from labeling.projects.projects import ProjectAccess
from labeling.storage import Clock, Range, Row, Storage

POOL_S = 60
"""How long the honeypots of a project are believed to be these."""

HAD_S = 600
"""How long what somebody had is believed to be all they had."""

MOST = 1_000
"""Honeypots of a shard that are looked at."""

_FORGET = 10_000


@dataclass
class _PoolCache:
    until: float
    rows: Sequence[Row] = ()
    had: set[str] = field(default_factory=set[str])


class Honeypots:
    """Chooses honeypots for pages."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage
        self._clock: Clock = storage.clock
        self._pools: dict[str, _PoolCache] = {}
        self._had: dict[tuple[str, str], _PoolCache] = {}

    def mixed(
        self, opened: ProjectAccess, caller: Caller, found: Sequence[QueuedItem]
    ) -> list[QueuedItem]:
        """A page found in the queues of a shard, some images of which gave way to honeypots.

        Those are as many as chance has it, at the project's rate, and at places that chance has. What gives
        way stays where it is.
        """
        random = self._storage.random
        places = [at for at in range(len(found)) if random() < opened.project.honeypots.rate]
        page = list(found)
        if not places:
            return page
        pool, had = self._of(opened, caller)
        audiences = opened.items.audiences
        whom = audiences.of(found[0].item)
        fit = [
            honeypot
            for honeypot in pool
            if honeypot.item_id not in had
            and _fits(honeypot, found[0], caller.user)
            and (not audiences or audiences.of(QueuedItem(honeypot.row).item) == whom)
        ]
        priority = found[0].item.priority
        for at in places:
            if not fit:
                break
            chosen = fit.pop(int(random() * len(fit)))
            page[at] = QueuedItem(chosen.row, priority)
        return page

    def note_had(self, opened: ProjectAccess, caller: Caller, item_id: str) -> None:
        """Somebody has had a honeypot: they are not given it again."""
        known = self._had.get((opened.project_id, caller.user))
        if known:
            known.had.add(item_id)

    def _of(self, opened: ProjectAccess, caller: Caller) -> tuple[list[_Honeypot], set[str]]:
        """The honeypots of a project and those that the caller had, in one round trip at most.

        Of all shards: what an admin labeled to be known is where that admin drew from.
        """
        now = self._clock.now().timestamp()
        place, mine = opened.project_id, (opened.project_id, caller.user)
        pool, had = self._pools.get(place), self._had.get(mine)
        items, shards = opened.items, range(opened.project.shards)
        pools: list[Range] = []
        if pool is None or pool.until < now:
            keys = layout.all_of(layout.Kind.HONEYPOT)
            pool = None
            pools = [Range(items.partition(shard), *keys, MOST) for shard in shards]
        checks: list[Range] = []
        if had is None or had.until < now:
            had = None
            checks = [items.checks_range(caller.user, shard) for shard in shards]
        wanted = [*pools, *checks]
        pages = self._storage.tables.query_many(layout.ITEMS, wanted) if wanted else []
        for cache in (self._pools, self._had):
            if len(cache) > _FORGET:
                cache.clear()
        if pool is None:
            rows = [row for page in pages[: len(pools)] for row in page]
            pool = self._pools[place] = _PoolCache(now + POOL_S, rows)
        if had is None:
            keys_of = [row.key for page in pages[len(pools) :] for row in page]
            ids = {layout.item_of(key) for key in keys_of}
            had = self._had[mine] = _PoolCache(now + HAD_S, had=ids)
        return [_Honeypot(row) for row in pool.rows], had.had


@dataclass(frozen=True)
class _Honeypot:
    row: Row

    @property
    def item_id(self) -> str:
        return layout.item_of(self.row.key)


def _fits(honeypot: _Honeypot, first: QueuedItem, user: str) -> bool:
    """Whether a honeypot would not be told from the others of a page by what comes with it.

    A page of suggestions has one of each image, one of images that look alike has those. Nobody is asked what
    they have said themselves.
    """
    item = QueuedItem(honeypot.row).item
    if any(lane.labeler == user for lane in item.lanes):
        return False
    queue = first.item.priority
    if queue == layout.PRELABELED:
        return bool(item.honeypot_run)
    if queue == layout.CLUSTERED:
        return layout.group_of(item.group) == layout.group_of(first.item.group)
    return True
