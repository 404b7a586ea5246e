"""A file of labels that somebody brought: itself, or a zip archive of files, read piece by piece."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cached_property
from io import TextIOWrapper
from pathlib import PurePosixPath
from typing import IO, Any, Literal, Self
from zipfile import BadZipFile, ZipFile

import ijson

from labeling.errors import Invalid

MAX_SMALL = 64 * 1024 * 1024
"""Bytes of a file that is read as a whole: the labels of one image, a list of names."""

_HEAD = 64 * 1024


Problem = Literal[
    "no_images",
    "no_paths",
    "no_xml",
    "no_zip",
    "too_large",
    "no_class_names",
    "unknown_format",
    "too_many_classes",
    "nothing_said",
]
"""Why nothing of a file can be taken in."""


class Unreadable(Invalid):
    """A file that nothing can be taken from: `code` for those who have words of their own, `detail` in ours."""

    def __init__(self, code: Problem, detail: str) -> None:
        super().__init__(detail)
        self.code: Problem = code


class Source:
    """What was brought: an open file that can be sought in, and the name it had.

    What reads in it raises `Invalid` where it begins like an archive and is none.
    """

    def __init__(self, name: str, file: IO[bytes]) -> None:
        self.name = name
        self._file = file

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *raised: object) -> None:
        if self.__dict__.get("_zip"):
            self.__dict__["_zip"].close()

    @cached_property
    def _zip(self) -> ZipFile | None:
        self._file.seek(0)
        if self._file.read(2) != b"PK":
            return None
        try:
            return ZipFile(self._file)
        except BadZipFile as error:
            raise Unreadable(
                "no_zip", f"{self.name} is no zip archive that can be opened: {error}"
            ) from None

    @cached_property
    def names(self) -> Sequence[str]:
        """Names of the files in it, as an archive has them; of any other file its own."""
        if self._zip is None:
            return [PurePosixPath(self.name).name]
        return [name for name in self._zip.namelist() if not _is_litter(name)]

    def ending(self, *suffixes: str) -> list[str]:
        """Names of the files in it that end so, in whatever case."""
        return [name for name in self.names if name.lower().endswith(suffixes)]

    def open(self, name: str) -> IO[bytes]:
        """One of its files, from the beginning."""
        if self._zip is None:
            self._file.seek(0)
            return _Unclosed(self._file)  # type: ignore[return-value]  # what of IO readers need
        return self._zip.open(name)

    def head_of(self, name: str) -> bytes:
        """The first bytes of one of its files."""
        with self.open(name) as file:
            return file.read(_HEAD)

    def read(self, name: str) -> bytes:
        """One of its files as a whole.

        Raises:
            Invalid: it is longer than the labels of one image ever are.
        """
        with self.open(name) as file:
            data = file.read(MAX_SMALL + 1)
        if len(data) > MAX_SMALL:
            raise Unreadable(
                "too_large",
                f"{name} has more than {MAX_SMALL:,} bytes: it can't be what it should be",
            )
        return data

    def text(self, name: str) -> TextIOWrapper:
        """One of its files as text: UTF-8, with or without a byte-order mark."""
        return TextIOWrapper(self.open(name), "utf-8-sig", errors="replace", newline="")

    def lines(self, name: str) -> Iterator[tuple[int, str]]:
        """The lines of one of its files, counted from 1.

        Raises:
            Invalid: one is longer than what is said of one image ever is.
        """
        with self.text(name) as file:
            number = 0
            while line := file.readline(MAX_SMALL):
                number += 1
                if len(line) == MAX_SMALL:
                    raise Unreadable(
                        "too_large", f"{name} has a line of more than {MAX_SMALL:,} characters"
                    )
                yield number, line

    def json(self, name: str, prefix: str) -> Iterator[Any]:
        """The values at a place of a JSON file (`annotations.item`), one after the other.

        Numbers are floats, and integers where they are written so.
        """
        with self.open(name) as file:
            yield from ijson.items(file, prefix, use_float=True)


class _Unclosed:
    """A file that its reader may close, and that stays open for the next one."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self.closed = False

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)

    def __iter__(self) -> Iterator[bytes]:
        return iter(self._file)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *raised: object) -> None:
        pass

    def close(self) -> None:
        """Be done with it: its owner closes the file. TextIOWrapper asks whether it is `closed`."""
        self.closed = True


def _is_litter(name: str) -> bool:
    """Whether a name is that of a folder, or of what a system leaves in archives for itself."""
    parts = name.split("/")
    return name.endswith("/") or parts[0] == "__MACOSX" or parts[-1].startswith("._")
