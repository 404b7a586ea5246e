"""Grouping: images that look alike come on one page. What a job found is applied in steps of queue messages."""

from __future__ import annotations

import gzip
from collections.abc import Iterable
from itertools import islice

from labeling import layout
from labeling.assist.jobs import Group
from labeling.assist.runs import Run, Runs
from labeling.model import Id, Model
from labeling.projects.projects import Project, Projects
from labeling.storage import Storage

GROUPS_A_STEP = 40
"""Groups that one message applies: some seconds of writing."""


class ApplyGroups(Model):
    """Give the items of some groups their places: those from line `start` on of a part of a shard."""

    project_id: Id
    run_id: Id
    shard: int
    part: int
    start: int = 0


class Grouping:
    """Puts items that wait into the queue of similar images, group by group."""

    def __init__(self, storage: Storage, projects: Projects, runs: Runs) -> None:
        self._storage = storage
        self._projects = projects
        self._runs = runs

    def begin(self, project: Project, run: Run) -> None:
        """Apply what a featurization found. Safe to repeat."""
        for shard in range(project.shards):
            for part in self._parts(project.project_id, run.run_id, shard):
                self._storage.queues.send(
                    layout.GROUP_QUEUE,
                    ApplyGroups(
                        project_id=project.project_id, run_id=run.run_id, shard=shard, part=part
                    ),
                )

    def on_message(self, message: ApplyGroups) -> None:
        """Apply some groups; the next ones come by a message of their own. Safe to repeat.

        Groups of an older run than the newest are passed over: they would mix with the newer ones.
        """
        project = self._projects.find(message.project_id)
        state = self._runs.state(message.project_id)
        if project is None or state.featurized != message.run_id or message.shard >= project.shards:
            return
        path = layout.groups_blob(message.project_id, message.run_id, message.shard, message.part)
        lines = gzip.decompress(self._storage.blobs.read(layout.MODELS, path)).splitlines()
        some = [Group.model_validate_json(line) for line in islice(lines, message.start, None)]
        last = len(some) <= GROUPS_A_STEP
        # Before the first of them is there, so that nobody overlooks it.
        if layout.CLUSTERED not in project.queues:
            self._projects.use_queue(project.project_id, layout.CLUSTERED)
        self._apply(project, message.shard, some[:GROUPS_A_STEP])
        if not last:
            start = message.start + GROUPS_A_STEP
            self._storage.queues.send(
                layout.GROUP_QUEUE, message.model_copy(update={"start": start})
            )

    def _apply(self, project: Project, shard: int, groups: Iterable[Group]) -> None:
        items = self._projects.items(project)
        places = [
            (item_id, layout.group_place(group.sample, group.size, group.rank, position))
            for group in groups
            for position, item_id in enumerate(group.items)
            if items.shard_of(item_id) == shard
        ]
        for at in range(0, len(places), items.most_grouped):
            items.group(shard, dict(places[at : at + items.most_grouped]))

    def _parts(self, project_id: str, run_id: str, shard: int) -> list[int]:
        found: list[int] = []
        while self._storage.blobs.find(
            layout.MODELS, layout.groups_blob(project_id, run_id, shard, len(found))
        ):
            found.append(len(found))
        return found
