"""Values as cells of a row: bytes of any length, compressed, and JSON."""

from __future__ import annotations

import json
import zlib
from collections.abc import Mapping
from typing import cast

from labeling.errors import TooLarge
from labeling.storage import MAX_PROPERTY_BYTES, Value

MAX_LABELS_BYTES = 735 * 1024
"""Compressed labels of a submission: truth, history and, where several label an item, their own row travel
in one batch of at most 4 MiB, as base64. The emulator counts a row so too, at most 1 MiB of it."""

MAX_KEPT_BYTES = 755 * 1024
"""The same with what is found out by comparing with suggestions: it is never refused for that."""


def pack(name: str, data: bytes, *, limit: int = MAX_LABELS_BYTES) -> dict[str, Value]:
    """Bytes as cells `name0`, `name1`, ..., compressed, with their number in `name`.

    Raises:
        TooLarge: more than `limit` bytes after compression.
    """
    squeezed = zlib.compress(data, 6) if data else b""
    if len(squeezed) > limit:
        raise TooLarge(
            f"{len(squeezed):,} bytes after compression; at most {limit:,} can be kept for one image. "
            "Simplify the outlines or split the work"
        )
    chunks = [
        squeezed[at : at + MAX_PROPERTY_BYTES] for at in range(0, len(squeezed), MAX_PROPERTY_BYTES)
    ]
    return {name: len(chunks), **{f"{name}{n}": chunk for n, chunk in enumerate(chunks)}}


def unpack(name: str, cells: Mapping[str, Value]) -> bytes:
    """The bytes `pack` made cells of; empty where there are none."""
    count = int(cells.get(name, 0))
    if not count:
        return b""
    return zlib.decompress(b"".join(cast(bytes, cells[f"{name}{n}"]) for n in range(count)))


def packed_bytes(name: str, cells: Mapping[str, Value]) -> int:
    """How many bytes `pack` needed."""
    return sum(len(cast(bytes, cells[f"{name}{n}"])) for n in range(int(cells.get(name, 0))))


def as_text(value: object) -> str:
    """As JSON, without blanks."""
    return json.dumps(value, separators=(",", ":"))


def as_json(value: object) -> bytes:
    """As JSON in UTF-8, without blanks."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()


def lean(cells: Mapping[str, Value]) -> dict[str, Value]:
    """The cells that say something: what is empty or 0 is the default of whoever reads them."""
    return {name: value for name, value in cells.items() if value not in ("", 0)}
