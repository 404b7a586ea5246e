"""What one version of a project's labels has otherwise than another."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from contextlib import closing
from typing import Literal, NamedTuple

from labeling.model import Model

NAMED = 100
"""How many paths are told of each kind."""


class Labels(NamedTuple):
    """An image that is exported, and a digest of what is said about it."""

    item_id: str
    path: str
    digest: str


class Images(Model):
    """How many images, and the paths of the first of them."""

    count: int = 0
    first: list[str] = []

    def with_one(self, path: str) -> Images:
        """One more."""
        first = [*self.first, path] if self.count < NAMED else self.first
        return Images(count=self.count + 1, first=first)


class Difference(Model):
    """Images that are exported in the newer alone, in both but otherwise, and in the older alone."""

    added: Images
    changed: Images
    removed: Images
    unchanged: int


class Comparison(Model):
    """Two versions that are compared, and what came of it when that is done."""

    state: Literal["waiting", "done", "failed"] = "waiting"
    problem: str = ""
    difference: Difference | None = None


def difference(older: Iterable[Labels], newer: Iterable[Labels]) -> Difference:
    """What the newer has otherwise. The older is kept on disk meanwhile; the newer is gone through once."""
    added = changed = removed = Images()
    unchanged = 0
    with closing(sqlite3.connect("")) as base:
        base.execute(
            "CREATE TABLE older (item TEXT PRIMARY KEY, path TEXT, digest TEXT) WITHOUT ROWID"
        )
        base.executemany("INSERT INTO older VALUES (?, ?, ?)", older)
        for item_id, path, digest in newer:
            found = base.execute("SELECT digest FROM older WHERE item = ?", (item_id,)).fetchone()
            if found is None:
                added = added.with_one(path)
                continue
            base.execute("DELETE FROM older WHERE item = ?", (item_id,))
            if found[0] == digest:
                unchanged += 1
            else:
                changed = changed.with_one(path)
        for (path,) in base.execute("SELECT path FROM older ORDER BY path"):
            removed = removed.with_one(path)
    return Difference(added=added, changed=changed, removed=removed, unchanged=unchanged)
