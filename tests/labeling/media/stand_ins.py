"""What a decoder might do to its host, done on demand, and harmless: no file that crashes other software."""

from __future__ import annotations

import os
import time
from typing import Any, BinaryIO

from labeling.media.frames import Undecodable

Answer = tuple[dict[str, Any], list[bytes]]


def sleep(file: BinaryIO, *, seconds: float) -> Answer:
    time.sleep(seconds)
    return {"slept": seconds}, []


def allocate(file: BinaryIO, *, mebibytes: int) -> Answer:
    return {"first": bytearray(mebibytes * 2**20)[0]}, []


def die(file: BinaryIO) -> Answer:
    os._exit(139)


def refuse(file: BinaryIO) -> Answer:
    raise Undecodable("in words")


def refuse_at_length(file: BinaryIO) -> Answer:
    raise Undecodable("in words " * 100_000)


def break_down(file: BinaryIO) -> Answer:
    raise KeyError("DOE^JANE")


class Panic(BaseException):
    """As pyo3 has it: no `Exception`."""


def panic(file: BinaryIO) -> Answer:
    raise Panic("DOE^JANE")


def chatter(file: BinaryIO) -> Answer:
    print("DOE^JANE")
    return {"bytes": len(file.read())}, [b"some", b""]


def environment(file: BinaryIO) -> Answer:
    return dict(os.environ), []


CALLS = {
    each.__name__: each
    for each in (
        sleep,
        allocate,
        die,
        refuse,
        refuse_at_length,
        break_down,
        panic,
        chatter,
        environment,
    )
}
