"""The process that decodes: `python -m labeling.media.child MODULE BYTES`. It ends with its parent."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Callable
from importlib import import_module
from typing import IO, Any, Final

from labeling.media.frames import Undecodable
from labeling.media.guard import receive, send

BLOCK: Final = 64 * 1024
"""Bytes read at a time, and kept: headers are read here and there."""
MUCH: Final = 4 * 2**20
"""From here on what is read is pixels, and read as it is asked for."""
LONGEST: Final = 280
"""Characters of a reason: it is kept in the row of an item."""

Answer = tuple[dict[str, Any], list[bytes]]


class Ranges(io.RawIOBase):
    """A file of which only those ranges are fetched that are read."""

    def __init__(self, read: Callable[[int, int], bytes], size: int) -> None:
        self._read = read
        self._size = size
        self._at = 0
        self._kept: dict[int, bytes] = {}
        self.fetched = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = os.SEEK_SET, /) -> int:
        base = {os.SEEK_SET: 0, os.SEEK_CUR: self._at, os.SEEK_END: self._size}[whence]
        if base + offset < 0:
            raise OSError("before the beginning")
        self._at = base + offset
        return self._at

    def tell(self) -> int:
        return self._at

    def read(self, size: int | None = -1, /) -> bytes:
        rest = max(0, self._size - self._at)
        length = rest if size is None or size < 0 else min(size, rest)
        if not length:
            return b""
        if length >= MUCH:
            data = self._fetch(self._at, length)
        else:
            first, last = self._at // BLOCK, (self._at + length - 1) // BLOCK
            self._keep(first, last)
            joined = b"".join(self._kept[block] for block in range(first, last + 1))
            data = joined[self._at - first * BLOCK :][:length]
        self._at += len(data)
        return data

    def readinto(self, buffer: Any, /) -> int:
        into = memoryview(buffer).cast("B")
        data = self.read(len(into))
        into[: len(data)] = data
        return len(data)

    def _keep(self, first: int, last: int) -> None:
        missing = [block for block in range(first, last + 1) if block not in self._kept]
        if missing:
            start, stop = missing[0], missing[-1] + 1
            data = self._fetch(
                start * BLOCK, min((stop - start) * BLOCK, self._size - start * BLOCK)
            )
            for block in range(start, stop):
                self._kept[block] = data[(block - start) * BLOCK :][:BLOCK]

    def _fetch(self, start: int, length: int) -> bytes:
        data = self._read(start, length)
        self.fetched += len(data)
        return data


def main(module: str, memory: int) -> None:
    """Answer calls until the parent is gone."""
    calls: IO[bytes] = os.fdopen(os.dup(0), "rb")
    answers: IO[bytes] = os.fdopen(os.dup(1), "wb")
    os.dup2(os.open(os.devnull, os.O_RDWR), 1)  # whatever a library prints is no answer
    functions: dict[str, Callable[..., Answer]] = import_module(module).CALLS
    _limit(memory)
    send(answers, {"ready": True})
    while True:
        try:
            request, _ = receive(calls)
        except EOFError:
            return

        def read(start: int, length: int) -> bytes:
            send(answers, {"read": [start, length]})
            message, blobs = receive(calls)
            if message.get("failed"):
                raise ConnectionError  # the parent has the reason
            return blobs[0]

        try:
            file = Ranges(read, request["size"])
            done, blobs = functions[request["call"]](file, **request["arguments"])
        except Undecodable as why:
            send(answers, {"problem": str(why)[:LONGEST]})
        except MemoryError:
            send(
                answers, {"problem": f"decoding needs more than {memory // 2**20:,} MiB of memory"}
            )
        except EOFError:
            return
        except (KeyboardInterrupt, SystemExit):
            raise
        except BaseException as error:  # libraries in Rust end so where they lose their way
            # Its kind and not its words, which may quote the file.
            send(answers, {"problem": f"the file is damaged ({type(error).__name__})"})
        else:
            send(answers, {"done": done}, *blobs)


def _limit(memory: int) -> None:
    try:
        import resource
    except ImportError:  # Windows has no such limit; the one of time holds
        return
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
