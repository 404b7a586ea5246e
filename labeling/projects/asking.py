"""Asking more people, or fewer, or others about images that wait, after a project's settings were changed."""

from __future__ import annotations

from labeling import layout
from labeling.model import Model
from labeling.projects.projects import Projects
from labeling.projects.record import Project
from labeling.storage import Storage

PIECE = 500
"""Items of a message: of half a minute's work at most."""


STALE_S = 10
"""After so long no process believes in the settings of before: what was put back by them is moved then."""


class Ask(Model):
    """Go on in a shard behind an item."""

    project_id: str
    shard: int
    after: str = ""


class Asking:
    """What brings the images of a project to the number of labelers that its overlap says, and to the queues of
    those whom its assignments say.

    Safe to repeat, and in any order: each message goes by what the project says when it is read.
    """

    def __init__(self, storage: Storage, projects: Projects) -> None:
        self._storage = storage
        self._projects = projects

    def start(self, project: Project) -> None:
        """Begin in every shard, and once more when everybody knows of it."""
        for shard in range(project.shards):
            for delay_s in (0, STALE_S):
                self._send(Ask(project_id=project.project_id, shard=shard), delay_s=delay_s)

    def _send(self, message: Ask, *, delay_s: int = 0) -> None:
        self._storage.queues.send(layout.ASK_QUEUE, message, delay_s=delay_s)

    def on_ask(self, message: Ask) -> None:
        """Bring some items of a shard to their number of labelers and to their queues."""
        project = self._projects.find(message.project_id)
        if project is None or message.shard >= project.shards:
            return
        items = self._projects.items(project)
        after = items.ask(message.shard, message.after, limit=PIECE)
        if after is not None:
            self._send(message.model_copy(update={"after": after}))
