"""Where an export is written: whoever goes on with it needs only the pieces that were kept."""

from __future__ import annotations

import json
import os
import shutil
from collections import Counter
from io import TextIOWrapper
from pathlib import Path
from typing import IO, Self


class Output:
    """Files in a folder that only grow until they are complete, and counts.

    A file whose name begins with a dot is none of the export: its writer needs it until the end.
    """

    def __init__(self, folder: Path) -> None:
        """Begin in an empty folder."""
        self.folder = folder
        self.counts: Counter[str] = Counter()
        self._files: dict[str, IO[bytes]] = {}
        self._texts: dict[str, TextIOWrapper] = {}
        self._packed: Counter[str] = Counter()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *raised: object) -> None:
        for file in (*self._texts.values(), *self._files.values()):
            file.close()

    def file(self, name: str) -> IO[bytes]:
        """A file, at its end; empty at first. It may be read, too, when nothing is added any more."""
        if name not in self._files:
            path = self.folder / name
            path.touch()
            self._files[name] = file = path.open("r+b")
            file.seek(0, os.SEEK_END)
        return self._files[name]

    def text(self, name: str, encoding: str = "utf-8") -> TextIOWrapper:
        """The same as text, with line ends as they are written."""
        if name not in self._texts:
            self._texts[name] = TextIOWrapper(self.file(name), encoding, newline="")
        return self._texts[name]

    def flush(self) -> None:
        """Let readers of the folder see all that was written."""
        for file in (*self._texts.values(), *self._files.values()):
            file.flush()

    def pack(self, piece: IO[bytes]) -> None:
        """Write what was added since the last time, and the counts as they are."""
        self.flush()
        sizes = {name: (self.folder / name).stat().st_size for name in sorted(self._files)}
        added = {name: size - self._packed[name] for name, size in sizes.items()}
        piece.write(json.dumps({"counts": self.counts, "added": added}).encode() + b"\n")
        for name in added:
            with (self.folder / name).open("rb") as file:
                file.seek(self._packed[name])
                shutil.copyfileobj(file, piece)
        self._packed = Counter(sizes)

    def unpack(self, piece: bytes) -> None:
        """Take in the next piece. Before any file is opened: writers find each as it was left."""
        head, _, content = piece.partition(b"\n")
        told = json.loads(head)
        self.counts = Counter(told["counts"])
        start = 0
        for name, added in told["added"].items():
            with (self.folder / name).open("ab") as file:
                file.write(content[start : start + added])
            start += added
            self._packed[name] += added
