"""Asking more people, or fewer, about images that nobody has begun, after a project's overlap was changed."""

from __future__ import annotations

from labeling import layout
from labeling.model import Model
from labeling.projects.projects import Projects
from labeling.projects.record import Project
from labeling.storage import Storage

PIECE = 500
"""Items of a message: of half a minute's work at most."""


class Ask(Model):
    """Go on in a shard behind an item."""

    project_id: str
    shard: int
    after: str = ""


class Asking:
    """What brings the images of a project to the number of labelers that its overlap says.

    Safe to repeat, and in any order: each message goes by what the project says when it is read.
    """

    def __init__(self, storage: Storage, projects: Projects) -> None:
        self._storage = storage
        self._projects = projects

    def start(self, project: Project) -> None:
        """Begin in every shard."""
        for shard in range(project.shards):
            self._send(Ask(project_id=project.project_id, shard=shard))

    def _send(self, message: Ask) -> None:
        self._storage.queues.send(layout.ASK_QUEUE, message)

    def on_ask(self, message: Ask) -> None:
        """Bring some items of a shard to their number of labelers."""
        project = self._projects.find(message.project_id)
        if project is None or message.shard >= project.shards:
            return
        items = self._projects.items(project)
        after = items.ask(message.shard, message.after, limit=PIECE)
        if after is not None:
            self._send(message.model_copy(update={"after": after}))
