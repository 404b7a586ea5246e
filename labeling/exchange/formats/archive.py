"""Zip files of many small files, written as they come: memory does not grow with their number."""

from __future__ import annotations

import json
import re
import shutil
import sqlite3
from collections.abc import Iterator
from datetime import datetime
from typing import IO
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

from labeling.exchange.formats.output import Output

_UNSAFE = re.compile(r"[\\\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
"""Of these, halves of surrogate pairs can't be written at all."""


def is_safe(path: str) -> bool:
    """Whether a path stays below the folder it is unpacked into, and is one line of a list of paths.

    >>> is_safe("owls/1.jpg"), is_safe("../1.jpg"), is_safe("/etc/passwd"), is_safe("a\\nb")
    (True, False, False, False)
    """
    parts = path.split("/")
    return not _UNSAFE.search(path) and not any(part.strip() in ("", ".", "..") for part in parts)


class Archive:
    """A zip file. The same files of the same moment give the same bytes, whoever goes on with it."""

    def __init__(self, output: Output, name: str, moment: datetime) -> None:
        self._zip = ZipFile(output.file(name), "w", ZIP_DEFLATED)
        # Its own directory takes a kilobyte a file, in memory, until the end.
        self._zip.filelist = self._directory = _Directory(output.file(f".{name}.entries"))
        self._zip.NameToInfo = _Nothing()
        self._time = moment.timetuple()[:6]

    def __contains__(self, name: str) -> bool:
        return self._directory.has(name)

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


_TOLD = (
    "filename",
    "date_time",
    "compress_type",
    "create_system",
    "external_attr",
    "create_version",
    "extract_version",
    "flag_bits",
    "CRC",
    "compress_size",
    "file_size",
    "header_offset",
)
"""What the directory of a zip file tells of an entry."""


class _Directory(list[ZipInfo]):
    """The entries of a zip file, on disk: it appends to them, and goes through them when it closes."""

    def __init__(self, file: IO[bytes]) -> None:
        super().__init__()
        self._file = file
        self._base = sqlite3.connect("")
        self._base.execute("CREATE TABLE names (name TEXT PRIMARY KEY) WITHOUT ROWID")
        file.seek(0)
        names = ((json.loads(line)[0],) for line in file)
        self._count = self._base.executemany("INSERT INTO names VALUES (?)", names).rowcount

    def has(self, name: str) -> bool:
        found = self._base.execute("SELECT 1 FROM names WHERE name = ?", (name,))
        return bool(found.fetchone())

    def append(self, entry: ZipInfo, /) -> None:
        self._base.execute("INSERT INTO names VALUES (?)", (entry.filename,))
        self._file.write(json.dumps([getattr(entry, name) for name in _TOLD]).encode() + b"\n")
        self._count += 1

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator[ZipInfo]:
        self._file.seek(0)
        for line in self._file:
            entry = ZipInfo()
            for name, value in zip(_TOLD, json.loads(line), strict=True):
                setattr(entry, name, value)
            yield entry

    def close(self) -> None:
        self._base.close()


class _Nothing(dict[str, ZipInfo]):
    """Keeps nothing: names are each another one by what they are made of."""

    def __setitem__(self, name: str, entry: ZipInfo, /) -> None:
        pass
