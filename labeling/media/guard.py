"""Decoding in a child process that can be killed.

What decodes files is written in C, reads what strangers made, and can't be interrupted. So it runs in a
process of its own with a limit of memory, and is killed when its time is up: the host lives, and the file
gets a reason. The child asks for the ranges it reads, since it knows neither storage nor its keys (ADR-0010).
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import cache
from threading import Lock, Timer
from typing import IO, Any, Final, Literal
from weakref import finalize

from labeling.media.frames import Undecodable

Read = Callable[[int, int], bytes]
"""Gives `length` bytes from `start`, fewer where the file ends."""

TIME_S: Final = 8.0
"""Of the child's own time; what it waits for storage is not counted."""
START_S: Final = 30.0
MEMORY: Final = 1536 * 2**20
"""Of addresses: what libraries take at rest is 200 MiB of it."""

DECODING: Final = "labeling.media.decoding"


class Guard:
    """One child process, started when it is first needed and again after it was killed.

    One call at a time: memory is that of one file, whatever comes. What may not wait for another's file has
    a guard of its own.
    """

    def __init__(
        self, module: str = DECODING, *, time_s: float = TIME_S, memory: int = MEMORY
    ) -> None:
        """`module` has the functions that can be called, in a mapping named `CALLS`."""
        self._module = module
        self._time_s = time_s
        self._memory = memory
        self._child: subprocess.Popen[bytes] | None = None
        self._turn = Lock()

    def call(
        self, name: str, read: Read, size: int, **arguments: object
    ) -> tuple[dict[str, Any], list[bytes]]:
        """What a function of the module makes of a file: a JSON object, and bytes.

        Raises:
            Undecodable: the function said so; or it took too much time or memory, or broke down.
            Exception: whatever `read` raises.
        """
        request = {"call": name, "size": size, "arguments": arguments}
        with self._turn:
            try:
                message, blobs = self._talk(self._child or self._started(), request, read)
            except (BrokenPipeError, EOFError, ValueError) as error:
                self._kill()
                raise Undecodable("the decoder broke down on this file") from error
            except Undecodable:
                self._kill()
                raise
        if "problem" in message:
            raise Undecodable(message["problem"])
        return message["done"], blobs

    def close(self) -> None:
        """End the child."""
        with self._turn:
            self._kill()

    def _started(self) -> subprocess.Popen[bytes]:
        paths = {"PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
        one_thread = dict.fromkeys(("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS"), "1")
        self._child = subprocess.Popen(
            [sys.executable, "-m", "labeling.media.child", self._module, str(self._memory)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            # What libraries print may quote the file, patients' names among it.
            stderr=subprocess.DEVNULL,
            env={**_without_secrets(os.environ), **paths, **one_thread},
        )
        self._end = finalize(self, _end, self._child)
        _Exchange(self._child, START_S).receive()
        return self._child

    def _talk(
        self, child: subprocess.Popen[bytes], request: Mapping[str, object], read: Read
    ) -> tuple[dict[str, Any], list[bytes]]:
        exchange = _Exchange(child, self._time_s)
        exchange.send(request)
        while True:
            message, blobs = exchange.receive()
            if "read" not in message:
                return message, blobs
            start, length = message["read"]
            try:
                data = read(start, length)
            except Exception:
                exchange.send({"failed": True})
                while "read" in exchange.receive()[0]:
                    exchange.send({"failed": True})
                raise
            exchange.send({}, data)

    def _kill(self) -> None:
        if self._child:
            self._child = None
            self._end()


@cache
def shared(lane: Literal["people", "background"]) -> Guard:
    """The guard of this process for what somebody waits for, or for what nobody does."""
    return Guard()


def _end(child: subprocess.Popen[bytes]) -> None:
    child.kill()
    child.wait()
    for pipe in (child.stdin, child.stdout):
        with suppress(OSError):
            if pipe:
                pipe.close()


class _Exchange:
    """Messages with a child, which is killed when it has used up its seconds."""

    def __init__(self, child: subprocess.Popen[bytes], seconds: float) -> None:
        assert child.stdin
        assert child.stdout
        self._child = child
        self._to: IO[bytes] = child.stdin
        self._from: IO[bytes] = child.stdout
        self._limit = seconds
        self._left = seconds

    def send(self, message: Mapping[str, object], data: bytes | None = None) -> None:
        with _killed_after(self._child, max(self._left, 1.0)):
            send(self._to, message, *(() if data is None else (data,)))

    def receive(self) -> tuple[dict[str, Any], list[bytes]]:
        began = time.monotonic()
        with _killed_after(self._child, self._left) as killing:
            try:
                return receive(self._from)
            except EOFError:
                if killing.fired:
                    raise Undecodable(
                        f"decoding took longer than {self._limit:g} seconds"
                    ) from None
                raise
            finally:
                self._left -= time.monotonic() - began


class _killed_after:
    """Kills a child unless the block ends in time."""

    def __init__(self, child: subprocess.Popen[bytes], seconds: float) -> None:
        self.fired = False
        self._child = child
        self._timer = Timer(max(seconds, 0.0), self._fire)
        self._timer.daemon = True

    def _fire(self) -> None:
        self.fired = True
        self._child.kill()

    def __enter__(self) -> _killed_after:
        self._timer.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._timer.cancel()


def _without_secrets(environment: Mapping[str, str]) -> dict[str, str]:
    """What a process needs to run; no connection string or identity, of which a decoder has no need."""
    wanted = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "TEMP", "SYSTEMROOT", "LD_LIBRARY_PATH")
    return {name: value for name, value in environment.items() if name.upper() in wanted}


def send(to: IO[bytes], message: Mapping[str, object], *blobs: bytes) -> None:
    """Write a message: one line of JSON with the lengths of the bytes that follow it."""
    line = json.dumps({**message, "lengths": [len(blob) for blob in blobs]})
    to.write(line.encode() + b"\n")
    for blob in blobs:
        to.write(blob)
    to.flush()


def receive(source: IO[bytes]) -> tuple[dict[str, Any], list[bytes]]:
    """Read a message and the bytes that follow it.

    Raises:
        EOFError: the other side is gone.
    """
    line = source.readline(1_000_000)
    if not line.endswith(b"\n"):
        raise EOFError
    message = json.loads(line)
    blobs: list[bytes] = []
    for length in message.pop("lengths"):
        blob = source.read(length)
        if len(blob) < length:
            raise EOFError
        blobs.append(blob)
    return message, blobs
