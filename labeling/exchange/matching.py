"""Which item of a project each image of a file is: by its path, then by a name that no other image has."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any, Literal, Self
from urllib.parse import unquote, urlsplit

from labeling.exchange.formats.format import Described, Shape

Unmatched = Literal["not_in_project", "ambiguous"]


def plain(path: str) -> str:
    """A path as it may stand in a project: of an address what is behind its host, with slashes.

    >>> plain("azureml://subscriptions/s/datastores/d/paths/owls/1.jpg"), plain(".\\\\owls\\\\1.jpg")
    ('owls/1.jpg', 'owls/1.jpg')
    >>> plain("https://account.blob.core.windows.net/photos/a%20b.jpg?sv=1")
    'photos/a b.jpg'
    >>> plain("azure-blob://photos/owls/#1.jpg")
    'owls/#1.jpg'
    """
    scheme, separator, rest = path.partition("://")
    if separator:
        path = unquote(urlsplit(path).path) if scheme.startswith("http") else rest.partition("/")[2]
        path = path.partition("/paths/")[2] or path
    parts = path.replace("\\", "/").split("/")
    return "/".join(part for part in parts if part not in ("", "."))


def without_extension(path: str) -> str:
    """A path without the extension of its last part.

    >>> without_extension("a.b/owl.jpg"), without_extension("owl")
    ('a.b/owl', 'owl')
    """
    return str(PurePosixPath(path).with_suffix("")) if path else path


@dataclass(frozen=True)
class Matched:
    """An item, and all that a file says about it. `name` is as the file has it."""

    shard: int
    item_id: str
    name: str
    pieces: list[Described]

    def line(self) -> str:
        """As one line of JSON."""
        return json.dumps([self.item_id, self.name, [_record(piece) for piece in self.pieces]])

    @classmethod
    def of(cls, shard: int, line: str) -> Matched:
        """What was a `line`."""
        item_id, name, pieces = json.loads(line)
        return cls(shard, item_id, name, [_described(piece) for piece in pieces])


def _record(described: Described) -> dict[str, Any]:
    # `asdict` copies every coordinate, which takes longer than writing them.
    return vars(described) | {"shapes": [vars(shape) for shape in described.shapes]}


def _described(record: dict[str, Any]) -> Described:
    fields: dict[str, Any] = record | {"shapes": [Shape(**shape) for shape in record["shapes"]]}
    return Described(**fields)


class Matching:
    """What a file says, gathered by image, and the project's images to find it among. All of it is on disk."""

    def __init__(self) -> None:
        self._base = sqlite3.connect("")
        self._base.executescript("""
            CREATE TABLE pieces (name TEXT, stem INTEGER, piece TEXT);
            CREATE TABLE items (item_id TEXT, shard INTEGER, path TEXT, base TEXT, stem TEXT, base_stem TEXT);
            CREATE TABLE found (name TEXT, stem INTEGER, item_id TEXT, shard INTEGER, exact INTEGER);
        """)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *raised: object) -> None:
        self._base.close()

    def add(self, described: Described) -> None:
        """Something that the file says about an image."""
        row = (plain(described.path), described.stem, json.dumps(_record(described)))
        self._base.execute("INSERT INTO pieces VALUES (?, ?, ?)", row)

    def add_items(self, items: Iterable[tuple[str, int, str]]) -> None:
        """Items of the project: id, shard and path of each."""
        self._base.executemany(
            "INSERT INTO items VALUES (?, ?, ?, ?, ?, ?)",
            (
                (item_id, shard, path, _base(path), stem := without_extension(path), _base(stem))
                for item_id, shard, path in items
            ),
        )

    @property
    def images(self) -> int:
        """How many images the file speaks of."""
        return self._base.execute(
            "SELECT count(*) FROM (SELECT DISTINCT name, stem FROM pieces)"
        ).fetchone()[0]

    @property
    def items(self) -> int:
        """How many items there are to find them among."""
        return self._base.execute("SELECT count(*) FROM items").fetchone()[0]

    def match(self, folders: Sequence[str]) -> Iterator[tuple[Unmatched, str]]:
        """Find the item of each image; gives the names of those that have none, and why.

        Args:
            folders: what files may leave out at the begin of a path, empty first.
        """
        for column in ("path", "base", "stem", "base_stem"):
            self._base.execute(f"CREATE INDEX items_{column} ON items ({column})")
        names = self._base.execute("SELECT DISTINCT name, stem FROM pieces ORDER BY name, stem")
        for name, stem in names:
            found, exact = self._find(name, folders, bool(stem))
            if len(found) == 1:
                row = (name, stem, *found[0], exact)
                self._base.execute("INSERT INTO found VALUES (?, ?, ?, ?, ?)", row)
            else:
                yield ("ambiguous" if found else "not_in_project", name)
        self._base.execute("CREATE INDEX found_item ON found (item_id)")
        yield from self._twice()

    def _find(
        self, name: str, folders: Sequence[str], stem: bool
    ) -> tuple[list[tuple[str, int]], bool]:
        """Items of this name, at most two, and whether by more of their path than its last part."""
        whole, last = ("stem", "base_stem") if stem else ("path", "base")
        parts = name.split("/")
        for at in range(max(1, len(parts) - 1)):
            path = "/".join(parts[at:])
            for folder in folders:
                if found := self._items(whole, folder + path):
                    return found, True
        return self._items(last, parts[-1]), False

    def _items(self, column: str, value: str) -> list[tuple[str, int]]:
        wanted = f"SELECT item_id, shard FROM items WHERE {column} = ? LIMIT 2"
        return self._base.execute(wanted, (value,)).fetchall()

    def _twice(self) -> Iterator[tuple[Unmatched, str]]:
        """Take back names that were only guessed, of items that another name of the file is too."""
        guessed = """
            SELECT name, rowid FROM found AS one WHERE NOT exact AND EXISTS
            (SELECT 1 FROM found WHERE item_id = one.item_id AND rowid != one.rowid)
        """
        for name, row in self._base.execute(guessed).fetchall():
            self._base.execute("DELETE FROM found WHERE rowid = ?", (row,))
            yield "ambiguous", name

    def matched(self) -> Iterator[Matched]:
        """The items that were found, shard by shard, in the order of their ids."""
        self._base.execute("CREATE INDEX pieces_name ON pieces (name, stem)")
        rows = self._base.execute("""
            SELECT shard, item_id, name, piece FROM found JOIN pieces USING (name, stem)
            ORDER BY shard, item_id, pieces.rowid
        """)
        last: Matched | None = None
        for shard, item_id, name, piece in rows:
            if last is None or last.item_id != item_id:
                if last:
                    yield last
                last = Matched(shard, item_id, name, [])
            last.pieces.append(_described(json.loads(piece)))
        if last:
            yield last


def _base(path: str) -> str:
    return path.rpartition("/")[2]
