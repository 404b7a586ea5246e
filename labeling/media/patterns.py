"""Which blobs of a container a dataset means, and which of them are images.

The preview of a dataset and its ingestion both ask here, so they can't differ.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from typing import Final, Literal

Media = Literal["jpeg", "png", "bmp", "tiff", "dicom"]
Refusal = Literal["not_an_image", "folder"]

_MEDIA_OF: Final[dict[str, Media]] = {
    "jpg": "jpeg",
    "jpeg": "jpeg",
    "jpe": "jpeg",
    "jfif": "jpeg",
    "png": "png",
    "bmp": "bmp",
    "dib": "bmp",
    "tif": "tiff",
    "tiff": "tiff",
    "dcm": "dicom",
    "dicom": "dicom",
}

SHOWN_BY_BROWSERS: Final[frozenset[str]] = frozenset({"jpeg", "png", "bmp"})
"""Media whose originals a browser shows. The others are seen frame by frame, by copies only."""

MAX_NAME = 1_024
"""Characters of a blob's name."""

_FORMS = (
    "use one of three forms: folder/ for the files directly in a folder (/ for those in none), "
    "folder/** for everything below a folder, **/*.* for everything in the container"
)


@dataclass(frozen=True)
class Pattern:
    """A folder of a container, with or without the folders below it.

    `prefix` is what to list by: the folder with its closing slash, or empty for the container
    itself. `deep` takes in the folders below. Names are compared exactly, as storage does: case
    counts, and so does the Unicode form (macOS writes decomposed names).
    """

    prefix: str
    deep: bool

    @classmethod
    def parse(cls, text: str) -> Pattern:
        """The pattern of `folder/`, `folder/**`, `**/*.*` or `/`.

        A folder's name stands for itself, whatever characters it has, with one exception: `*` is
        refused, since nobody who writes `scans*/` means a folder with a star in its name.

        Raises:
            ValueError: none of these forms; the message lists them.

        >>> Pattern.parse("birds/2024/**")
        Pattern(prefix='birds/2024/', deep=True)
        """
        if why := unstorable(text):
            raise ValueError(f"this can't be a pattern: {why}")
        if text == "**/*.*":
            return cls("", deep=True)
        if text == "/":
            return cls("", deep=False)
        prefix = text.removesuffix("**")
        if prefix.startswith("/"):
            raise ValueError(f"{text!r} begins with a slash; leave it out, or {_FORMS}")
        if "*" in prefix or not prefix.endswith("/"):
            raise ValueError(f"{text!r} is not a pattern of images; {_FORMS}")
        return cls(prefix, deep=prefix != text)

    def matches(self, path: str) -> bool:
        """Whether a blob of this name is meant, image or not.

        >>> Pattern.parse("birds/").matches("birds/owl.jpg")
        True
        >>> Pattern.parse("birds/").matches("birds/2024/owl.jpg")
        False
        """
        if not path.startswith(self.prefix) or path == self.prefix:
            return False
        return self.deep or "/" not in path[len(self.prefix) :]


def unstorable(name: str) -> str:
    """Why storage can't be asked for a blob of this name, or for names that begin so; empty where it can.

    One rule for uploads, events, patterns and browsing. A listing is XML, which knows no control characters,
    no U+FFFE and no U+FFFF: a single blob of such a name makes every listing that meets it fail
    (azure-storage-blob 12.31.1). Halves of surrogate pairs are no text.

    >>> unstorable("birds/올빼미 1.jpg"), unstorable("a\\x07.jpg")
    ('', 'it has a character that storage cannot list: U+0007')
    """
    if len(name) > MAX_NAME:
        return f"it is longer than {MAX_NAME:,} characters"
    for char in name:
        if unicodedata.category(char) in ("Cc", "Cs") or ord(char) & 0xFFFE == 0xFFFE:
            return f"it has a character that storage cannot list: U+{ord(char):04X}"
    return ""


def media_of(path: str) -> Media | None:
    """The medium that a file name's extension promises, in whatever case, or None.

    >>> media_of("scans/Owl.JPG"), media_of("scans/owl.txt"), media_of("scans.png/owl")
    ('jpeg', None, None)
    """
    stem, _, extension = path.rpartition("/")[2].rpartition(".")
    return _MEDIA_OF.get(extension.lower()) if stem else None


@dataclass(frozen=True)
class Verdict:
    """Whether a blob becomes an item: as what medium, or why not. One of the two is empty."""

    media: Media | Literal[""] = ""
    reason: Refusal | Literal[""] = ""


def judge(path: str, size: int) -> Verdict:
    """What becomes of a blob that a pattern matches, by its name and its size in bytes.

    An empty file with the name of an image is accepted: it becomes an item that can't be read,
    which somebody sees, instead of a number among the skipped. An empty one without an extension
    is how accounts with a hierarchical namespace list a folder.

    >>> judge("scans/owl.jpg", 0), judge("scans/", 0)
    (Verdict(media='jpeg', reason=''), Verdict(media='', reason='folder'))
    """
    if path.endswith("/") or (size == 0 and "." not in path.rpartition("/")[2]):
        return Verdict(reason="folder")
    media = media_of(path)
    if media is None:
        return Verdict(reason="not_an_image")
    return Verdict(media)
