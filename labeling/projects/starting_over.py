"""Starting over: everything labeled is labeled again, piece by piece, with what the labels were or without.

A message has some items of a shard labeled again and sends the next; each is safe to repeat, for an item that
waits again is left alone. Until all shards are through, the project is `updating` and hands out nothing.
"""

from __future__ import annotations

from contextlib import suppress

from labeling import layout
from labeling.errors import NotFound
from labeling.model import Model
from labeling.projects.projects import Projects
from labeling.projects.record import Project
from labeling.storage import Storage

PIECE = 200
"""Items of a message: of half a minute's work at most."""


class StartOver(Model):
    """Go on in a shard behind an item, for the classes of `version`."""

    project_id: str
    version: int
    shard: int
    after: str = ""


class StartingOver:
    """What makes labeling start over."""

    def __init__(self, storage: Storage, projects: Projects) -> None:
        self._storage = storage
        self._projects = projects

    def start(self, project: Project) -> None:
        """Begin, or go on where it was cut short: does nothing where there is nothing to do. Safe to repeat."""
        if project.restart is None:
            return
        if project.state_reason:
            self._projects.change(project.project_id, _without_reason)
        for shard in project.restart.left:
            self._send(
                StartOver(
                    project_id=project.project_id, version=project.restart.version, shard=shard
                )
            )

    def _send(self, message: StartOver) -> None:
        self._storage.queues.send(layout.START_OVER_QUEUE, message)

    def on_start_over(self, message: StartOver) -> None:
        """Have some items of a shard labeled again."""
        project = self._projects.find(message.project_id)
        restart = project.restart if project else None
        if project is None or restart is None or restart.version != message.version:
            return
        if message.shard not in restart.left:
            return
        after = self._projects.items(project).start_over(
            message.shard,
            message.after,
            keep=restart.keep,
            before_version=restart.version,
            by=restart.by,
            limit=PIECE,
        )
        if after is not None:
            self._send(message.model_copy(update={"after": after}))
            return
        self._projects.change(project.project_id, lambda old: _without(old, message))

    def give_up(self, message: StartOver, why: str) -> None:
        """A message failed as often as it may: say so where people look. Resuming goes on.

        Args:
            message: what its queue will not bring again.
            why: in words, or the name of what was raised.
        """
        reason = f"some images could not be made ready to be labeled again: {why}. Resume to go on"

        def noted(old: Project) -> Project:
            if old.restart is None or old.restart.version != message.version:
                return old
            return old.model_copy(update={"state_reason": reason})

        with suppress(NotFound):  # it was deleted meanwhile
            self._projects.change(message.project_id, noted)


def _without_reason(old: Project) -> Project:
    return old.model_copy(update={"state_reason": ""})


def _without(old: Project, done: StartOver) -> Project:
    """The project when a shard is through, and as it was before when all are."""
    if old.restart is None or old.restart.version != done.version:
        return old
    left = [shard for shard in old.restart.left if shard != done.shard]
    if left:
        return old.model_copy(update={"restart": old.restart.model_copy(update={"left": left})})
    return old.model_copy(update={"restart": None, "state": old.restart.then, "state_reason": ""})
