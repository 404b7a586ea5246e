"""How two people who labeled the same images agree."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from labeling import layout
from labeling.errors import Invalid
from labeling.items.cells import unpack
from labeling.items.records import Labeling
from labeling.model import Model
from labeling.projects.projects import ProjectAccess
from labeling.quality.kappa import Kappa, compared, kappa
from labeling.storage import MAX_PAGE, Range, Row, Storage
from labeling.tasks.images import ImageLinks
from labeling.tasks.service import Tasks

MOST_LABELINGS = 40_000
"""Labelings that are read to compare two people. Items lie in no order, so that these are a sample of all."""


SHOWN = 100
"""Images on which two people differ that are shown."""


class Difference(Model):
    """How often the first said one class where the second said another; empty where they said nothing."""

    first: str
    second: str
    count: int


class DifferingImage(Model):
    """An image of which two people do not say the same, and where they don't."""

    item_id: str
    path: str
    images: ImageLinks
    differences: list[Difference]


class PairAgreement(Model):
    """How two people agree on the `images` that both labeled; `sampled`: more were not looked at.

    They do not say the same of `differing` of them, the first of which are `items`. `differences` are those of
    all, the most frequent first.
    """

    images: int
    sampled: bool
    kappa: Kappa
    differing: int
    differences: list[Difference]
    items: list[DifferingImage]


class Agreements:
    """Compares people."""

    def __init__(self, storage: Storage, tasks: Tasks) -> None:
        self._storage = storage
        self._tasks = tasks

    def of(self, opened: ProjectAccess, first: str, second: str) -> PairAgreement:
        """How two people agree, who are named by their user keys. A call for a thousand labelings a shard.

        Raises:
            Invalid: they are one.
        """
        if first == second:
            raise Invalid("choose two different people to compare")
        table: Counter[tuple[str, str]] = Counter()
        every: Counter[tuple[str, str]] = Counter()
        differing: dict[str, Counter[tuple[str, str]]] = {}
        images, read, sampled = 0, 0, False
        project = opened.project
        class_ids = [class_.class_id for class_ in project.classes if not class_.merged_into]
        keys = layout.all_of(layout.Kind.LABELING)
        lows = dict.fromkeys(range(project.shards), keys[0])
        mine: dict[str, dict[str, Row]] = {}
        while lows:
            if read >= MOST_LABELINGS:
                sampled = True
                break
            ranges = [
                Range(opened.items.partition(shard), low, keys[1]) for shard, low in lows.items()
            ]
            pages = self._storage.tables.query_many(layout.ITEMS, ranges)
            left = {
                shard: rows[-1].key + "!"
                for shard, rows in zip(lows, pages, strict=True)
                if len(rows) == MAX_PAGE
            }
            for row in (row for rows in pages for row in rows):
                read += 1
                item_id, user = layout.labeling_of(row.key)
                if user in (first, second):
                    mine.setdefault(item_id, {})[user] = row
            lows = left
        for item_id, rows in sorted(mine.items()):
            said = [_said(rows.get(user)) for user in (first, second)]
            a, b = (labeling.merged(project.merged) if labeling else None for labeling in said)
            if a and b and a.outcome == b.outcome == "labeled":
                images += 1
                beside = compared(
                    project.task_type, a.annotations, b.annotations, class_ids, project.overlap.iou
                )
                table.update(beside.answers)
                every.update(beside.apart)
                if beside.apart:
                    differing[item_id] = beside.apart
        return PairAgreement(
            images=images,
            sampled=sampled,
            kappa=kappa(table),
            differing=len(differing),
            differences=_differences(every)[:20],
            items=self._shown(opened, dict(list(differing.items())[:SHOWN])),
        )

    def _shown(
        self, opened: ProjectAccess, differing: Mapping[str, Counter[tuple[str, str]]]
    ) -> list[DifferingImage]:
        found = opened.items.read_many(list(differing))
        return [
            DifferingImage(
                item_id=stored.item.item_id,
                path=opened.project.source.shown(stored.item.path),
                images=self._tasks.images.links(opened.project, stored.item),
                differences=_differences(differing[stored.item.item_id]),
            )
            for stored in found
            if stored
        ]


def _differences(counted: Counter[tuple[str, str]]) -> list[Difference]:
    return [
        Difference(first=one, second=other, count=count)
        for (one, other), count in counted.most_common()
    ]


def _said(row: Row | None) -> Labeling | None:
    data = unpack("labels", row.cells) if row else b""
    return Labeling.model_validate_json(data) if data else None
