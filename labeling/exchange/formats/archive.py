"""Zip files of many small files, written as they come: memory does not grow with their number."""

from __future__ import annotations

import pickle
import re
import shutil
import sqlite3
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

_UNSAFE = re.compile(r"[\\\x00-\x1f\x7f-\x9f\u2028\u2029]")


def is_safe(path: str) -> bool:
    """Whether a path stays below the folder it is unpacked into, and is one line of a list of paths.

    >>> is_safe("owls/1.jpg"), is_safe("../1.jpg"), is_safe("/etc/passwd"), is_safe("a\\nb")
    (True, False, False, False)
    """
    parts = path.split("/")
    return not _UNSAFE.search(path) and not any(part.strip() in ("", ".", "..") for part in parts)


class Archive:
    """A zip file. The same files of the same moment give the same bytes."""

    def __init__(self, path: Path, moment: datetime) -> None:
        self._zip = ZipFile(path, "w", ZIP_DEFLATED)
        # Its own directory takes a kilobyte a file, in memory, until the end.
        self._zip.filelist = self._directory = _Directory(path.parent)
        self._zip.NameToInfo = _Nothing()
        self._time = moment.timetuple()[:6]

    def close(self) -> None:
        """Complete the file; again does nothing."""
        self._zip.close()
        self._directory.close()

    def write(self, name: str, content: bytes) -> None:
        """Add a file. Names must be safe, and each another one.

        Raises:
            ValueError: the name could be outside of the folder that this is unpacked into.
        """
        self._zip.writestr(self._entry(name), content)

    def copy(self, name: str, content: IO[bytes]) -> None:
        """Add a file that is copied from its beginning, piece by piece; names as for `write`."""
        content.seek(0)
        with self._zip.open(self._entry(name), "w", force_zip64=True) as target:
            shutil.copyfileobj(content, target)

    def _entry(self, name: str) -> ZipInfo:
        if not is_safe(name):
            raise ValueError(f"{name!r} is no name for a file in an archive")
        entry = ZipInfo(name, self._time)
        entry.compress_type = ZIP_DEFLATED
        entry.create_system = 3  # Unix, on every system: the bytes are the same
        entry.external_attr = 0o644 << 16
        return entry


class Names:
    """Names that were used, on disk."""

    def __init__(self) -> None:
        self._base = sqlite3.connect("")
        self._base.execute("CREATE TABLE names (name TEXT PRIMARY KEY) WITHOUT ROWID")

    def __contains__(self, name: str) -> bool:
        return bool(self._base.execute("SELECT 1 FROM names WHERE name = ?", (name,)).fetchone())

    def add(self, name: str) -> None:
        self._base.execute("INSERT INTO names VALUES (?)", (name,))

    def close(self) -> None:
        self._base.close()


class _Directory(list[ZipInfo]):
    """The entries of a zip file, on disk: it appends to them, and goes through them when it closes."""

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self._file = TemporaryFile(dir=folder)  # noqa: SIM115 - closed by its owner
        self._count = 0

    def append(self, entry: ZipInfo, /) -> None:
        pickle.dump(entry, self._file)
        self._count += 1

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator[ZipInfo]:
        self._file.seek(0)
        for _ in range(self._count):
            yield pickle.load(self._file)

    def close(self) -> None:
        self._file.close()


class _Nothing(dict[str, ZipInfo]):
    """Keeps nothing: names are each another one by what they are made of."""

    def __setitem__(self, name: str, entry: ZipInfo, /) -> None:
        pass
