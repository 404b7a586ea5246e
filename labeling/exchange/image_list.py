"""The list of exported images: what files call each, and where it is in storage."""

from __future__ import annotations

import csv
from urllib.parse import quote

from labeling.exchange.formats.csv import guarded
from labeling.exchange.formats.format import File
from labeling.exchange.formats.output import Output
from labeling.items.records import Item

IMAGES = File("images.csv", "text/csv")


class ImageList:
    """Writes a row for each image. Addresses are not signed: who fetches needs a right to read there.

    `address` is that of the folder the images are in.
    """

    def __init__(self, output: Output, address: str) -> None:
        self._address = address
        begun = output.file(IMAGES.name).tell()
        self._rows = csv.writer(output.text(IMAGES.name, "utf-8-sig"))
        if not begun:
            self._rows.writerow(("path", "name", "url"))

    def add(self, item: Item, name: str, place: str) -> None:
        """An image, the name that files have for it, and its place in the folder."""
        url = f"{self._address}/{quote(place)}"
        self._rows.writerow((guarded(item.path), guarded(name), url))
