"""The list of exported images: what files call each, and where it is in storage."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Self
from urllib.parse import quote

from labeling.exchange.formats.csv import guarded
from labeling.exchange.formats.format import File
from labeling.items.records import Item

IMAGES = File("images.csv", "text/csv")


class ImageList:
    """Writes a row for each image. Addresses are not signed: who fetches needs a right to read there."""

    def __init__(self, folder: Path, address: str) -> None:
        self._address = address
        self._file = (folder / IMAGES.name).open("w", encoding="utf-8-sig", newline="")
        self._rows = csv.writer(self._file)
        self._rows.writerow(("path", "name", "url"))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *raised: object) -> None:
        self.close()

    def close(self) -> None:
        """Complete the file."""
        self._file.close()

    def add(self, item: Item, name: str) -> None:
        """An image, and the name that files have for it."""
        url = f"{self._address}/{quote(item.path)}"
        self._rows.writerow((guarded(item.path), guarded(name), url))
