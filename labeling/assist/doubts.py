"""Doubts: labels with which the current model disagrees, as its training wrote them down beside it."""

from __future__ import annotations

import gzip
from collections.abc import Sequence

from labeling import layout
from labeling.assist.runs import Runs
from labeling.errors import NotFound
from labeling.model import Id, Model
from labeling.storage import Storage

DOUBTS = "doubts.jsonl.gz"
"""Name of a model's file, one `Doubt` a line, the most doubtful first."""

_KEPT = 8  # models whose doubts a process remembers


class Doubt(Model):
    """A label that is probably wrong: what was `said` of an image, and what it `seems` to be (class ids)."""

    item_id: Id
    said: list[str]
    seems: list[str]
    score: float


def packed(doubts: Sequence[Doubt]) -> bytes:
    """The file of these doubts."""
    text = "".join(doubt.model_dump_json() + "\n" for doubt in doubts)
    return gzip.compress(text.encode(), mtime=0)


class Doubts:
    """The doubts of projects' current models."""

    def __init__(self, storage: Storage, runs: Runs) -> None:
        self._storage = storage
        self._runs = runs
        self._known: dict[tuple[str, str], list[Doubt]] = {}

    def of(self, project_id: str) -> list[Doubt]:
        """Those of the current model, the most doubtful first; none before there is one."""
        return self.at(project_id, self.model_of(project_id))

    def model_of(self, project_id: str) -> str:
        """The current model of a project; empty before there is one."""
        return self._runs.state(project_id).model_id

    def at(self, project_id: str, model_id: str) -> list[Doubt]:
        """Those of one model, the most doubtful first; none of no model."""
        if not model_id:
            return []
        known = (project_id, model_id)
        if known not in self._known:
            while len(self._known) >= _KEPT:
                self._known.pop(next(iter(self._known)))
            self._known[known] = self._read(project_id, model_id)
        return self._known[known]

    def _read(self, project_id: str, model_id: str) -> list[Doubt]:
        place = layout.model_blob(project_id, model_id, DOUBTS)
        try:
            data = self._storage.blobs.read(layout.MODELS, place)
        except NotFound:
            return []  # trained before doubts were written down
        return [Doubt.model_validate_json(line) for line in gzip.decompress(data).splitlines()]
