"""Files that somebody brought, for tests of what reads them."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Mapping
from io import BytesIO
from pathlib import PurePosixPath
from typing import Any

from labeling.exchange.formats.format import Described, Format, Remark
from labeling.exchange.formats.source import Source


def brought(name: str, content: bytes | str | Mapping[str, Any]) -> Source:
    """A file of this name: bytes, text, or a value as JSON."""
    if isinstance(content, Mapping):
        content = json.dumps(content)
    return Source(name, BytesIO(content if isinstance(content, bytes) else content.encode()))


def packed(files: Mapping[str, str], name: str = "labels.zip") -> Source:
    """A zip archive of files."""
    file = BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for path, text in files.items():
            archive.writestr(path, text)
    return Source(name, file)


def read(made: Format, source: Source) -> tuple[list[Described], list[Remark]]:
    """What a format reads in a file: of images, and what is odd."""
    assert made.read
    found = list(made.read(source))
    return (
        [one for one in found if isinstance(one, Described)],
        [one for one in found if isinstance(one, Remark)],
    )


def shapes_of(made: Format, source: Source) -> dict[str, list[Any]]:
    """The shapes of each image, by the name of its file; nothing must be odd."""
    described, remarks = read(made, source)
    assert not remarks
    found: dict[str, list[Any]] = {}
    for one in described:
        found.setdefault(PurePosixPath(one.path).name, []).extend(one.shapes)
    return found
