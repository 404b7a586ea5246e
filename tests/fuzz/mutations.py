"""Files that are nearly what they should be: a good one, changed here and there by chance.

`LABELRY_LONG_TESTS=1` (`make fuzz`) makes forty times as many. Another `LABELRY_FUZZ_SEED` makes others; the
same seed makes the same ones.
"""

from __future__ import annotations

import os
import random
import re
import warnings
import zipfile
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from io import BytesIO
from typing import Final

LONG: Final = bool(os.environ.get("LABELRY_LONG_TESTS"))
SEED: Final = os.environ.get("LABELRY_FUZZ_SEED", "1")

_NUMBERS: Final = [0, 1, 0x7F, 0x80, 0xFF, 0x7FFF, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF]
_WORDS: Final = [
    *(
        b"-1",
        b"0",
        b"1e999",
        b"-1e308",
        b"NaN",
        b"Infinity",
        b"9" * 400,
        b"0x10",
        b"1_0",
        b"\xd9\xa3",
    ),
    *(b"null", b"true", b"{}", b"[]", b'""', b'"\\u0000"', b"'", b'"', b"<", b">", b"&#0;", b"]]>"),
    *(b"../../x", b"\xff\xfe", b"\x00", b"\r", b"\xef\xbb\xbf", b"=1+1", b" " * 200),
]
_TOKEN: Final = re.compile(rb"-?\d+(?:\.\d+)?|\w+|[\[\]{}<>\",:;/]")


def budget(short: int) -> int:
    """How many files are made: `short`, or as many as a long run takes."""
    return short * 40 if LONG else short


def told(what: str, ends: Counter[str]) -> None:
    """Print what became of the files, the most frequent first; shown by `make fuzz`."""
    print(
        f"\n{what}: {ends.total():,} files",
        *(f"{n:7,}  {end}" for end, n in ends.most_common(12)),
        sep="\n",
    )


def mutated(files: Sequence[bytes], count: int, what: str) -> Iterator[bytes]:
    """So many files made of `files`; `what` tells one test's from another's."""
    chance = random.Random(f"{SEED}/{what}")
    for _ in range(count):
        yield _changed(chance, files)


def mutated_text(files: Sequence[bytes], count: int, what: str) -> Iterator[bytes]:
    """The same of files of text, of which words are changed too, and lines; also within archives."""
    chance = random.Random(f"{SEED}/{what}")
    for _ in range(count):
        file = chance.choice(files)
        if not file.startswith(b"PK") or chance.random() < 0.1:
            yield _changed_text(chance, file, files)
            continue
        yield _changed_archive(chance, file)


def _changed(chance: random.Random, files: Sequence[bytes]) -> bytes:
    data = bytearray(chance.choice(files))
    for _ in range(chance.choice([1, 1, 2, 4, 12])):
        chance.choice(_CHANGES)(chance, data, files)
    return bytes(data)


def _at(chance: random.Random, data: bytearray) -> int:
    """A place in a file: as often in its first bytes, where headers are, as in the rest."""
    return chance.randrange(min(len(data), 600 if chance.random() < 0.5 else len(data)) or 1)


def _flip(chance: random.Random, data: bytearray, _: Sequence[bytes]) -> None:
    if data:
        data[_at(chance, data)] ^= 1 << chance.randrange(8)


def _number(chance: random.Random, data: bytearray, _: Sequence[bytes]) -> None:
    at, size = _at(chance, data), chance.choice([1, 2, 4])
    value = chance.choice(_NUMBERS) % 256**size
    data[at : at + size] = value.to_bytes(size, chance.choice(["little", "big"]))


def _cut(chance: random.Random, data: bytearray, _: Sequence[bytes]) -> None:
    del data[_at(chance, data) :]


def _remove(chance: random.Random, data: bytearray, _: Sequence[bytes]) -> None:
    at = _at(chance, data)
    del data[at : at + chance.choice([1, 2, 16, 300])]


def _repeat(chance: random.Random, data: bytearray, _: Sequence[bytes]) -> None:
    at = _at(chance, data)
    data[at:at] = data[at : at + chance.choice([1, 4, 64])] * chance.choice([1, 2, 50])


def _noise(chance: random.Random, data: bytearray, _: Sequence[bytes]) -> None:
    at, size = _at(chance, data), chance.choice([2, 8, 64])
    data[at : at + size] = chance.randbytes(size)


def _graft(chance: random.Random, data: bytearray, files: Sequence[bytes]) -> None:
    other = chance.choice(files)
    at, size = chance.randrange(len(other)), chance.choice([4, 32, 400])
    here = _at(chance, data)
    data[here : here + size] = other[at : at + size]


_CHANGES: Final[Sequence[Callable[[random.Random, bytearray, Sequence[bytes]], None]]] = [
    *(_flip, _number, _number, _cut, _remove, _repeat, _noise, _graft)
]


def _changed_text(chance: random.Random, file: bytes, files: Sequence[bytes]) -> bytes:
    data = file
    for _ in range(chance.choice([1, 1, 2, 3, 8])):
        kind = chance.random()
        if kind < 0.6:
            data = _other_word(chance, data)
        elif kind < 0.8:
            data = _other_lines(chance, data)
        else:
            data = (
                _changed(chance, [data or b" "]) if chance.random() < 0.8 else chance.choice(files)
            )
    return data


def _other_word(chance: random.Random, data: bytes) -> bytes:
    found = list(_TOKEN.finditer(data))
    if not found:
        return data
    one, other = chance.choice(found), chance.choice(found)
    word = other.group() if chance.random() < 0.4 else chance.choice(_WORDS)
    return data[: one.start()] + word + data[one.end() :]


def _other_lines(chance: random.Random, data: bytes) -> bytes:
    lines = data.splitlines(keepends=True) or [b""]
    at = chance.randrange(len(lines))
    how = chance.randrange(3)
    if how == 0:
        del lines[at]
    elif how == 1:
        lines.insert(chance.randrange(len(lines) + 1), lines[at])
    else:
        lines[at] = lines[at].rstrip(b"\r\n")
    return b"".join(lines)


def _changed_archive(chance: random.Random, file: bytes) -> bytes:
    """An archive that opens, one of whose files is another or has another name."""
    with zipfile.ZipFile(BytesIO(file)) as packed:
        inside = [(one, packed.read(one)) for one in packed.namelist()]
    at = chance.randrange(len(inside))
    name, content = inside[at]
    kind = chance.random()
    if kind < 0.75:
        inside[at] = (name, _changed_text(chance, content, [each for _, each in inside]))
    elif kind < 0.85:
        inside[at] = (
            chance.choice(["../" + name, name.upper(), "a/" + name, name + "\x7f"]),
            content,
        )
    elif kind < 0.95:
        del inside[at]
    else:
        inside.append((name, content))
    made = BytesIO()
    with zipfile.ZipFile(made, "w") as packed, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of a name that is there twice
        for name, content in inside:
            packed.writestr(zipfile.ZipInfo(name), content)
    return made.getvalue()
