"""Smaller copies of images for browsers: which there are, when they are made, and where they lie.

Made from a message after an image was measured, never while a labeler waits. An item knows which of its
copies are there (`Item.renditions`), so that handing it out asks nobody; where one is missing the
original is shown (ADR-0006).
"""

from __future__ import annotations

import logging
from collections import defaultdict
from threading import Lock
from typing import Annotated, Final

from pydantic import Field

from labeling import layout
from labeling.errors import NotFound
from labeling.items.records import Item, Rendered
from labeling.media.pixels import CONTENT_TYPE, Undecodable, shrink
from labeling.model import Id, Model
from labeling.projects.projects import Project, Projects
from labeling.storage import MAX_OPERATIONS, Storage

THUMBNAIL, MEDIUM, PREVIEW = 400, 800, 1600
"""Pixels of the longest side."""

ENOUGH_BYTES: Final = {THUMBNAIL: 40_000, MEDIUM: 120_000, PREVIEW: 400_000}
"""An image no larger than a copy would be, in pixels and in these bytes, is its own copy."""

SHOWN_BY_BROWSERS = frozenset({"jpeg", "png", "bmp"})
"""Media whose originals a browser shows. The others are seen by their copies only."""

MAX_BYTES = 200_000_000
"""Larger files are not read into memory: their originals are shown."""

ITEMS_A_MESSAGE = 20
"""Some seconds of work, so that several instances share a project."""
NOTED_AT_ONCE = 24

_IMMUTABLE = "private, max-age=31536000, immutable"

_log = logging.getLogger(__name__)


class Render(Model):
    """Make the copies of these items."""

    project_id: str
    item_ids: Annotated[list[Id], Field(max_length=ITEMS_A_MESSAGE)]


def needed(width: int, height: int, size: int, media: str) -> tuple[int, ...]:
    """The longest sides of the copies an image needs, the largest first.

    Args:
        width: of the image, in pixels.
        height: of the image, in pixels.
        size: of its file, in bytes.
        media: what the file is (`patterns.media_of`).

    >>> needed(4000, 3000, 5_000_000, "jpeg")
    (1600, 800, 400)
    >>> needed(1280, 853, 150_000, "jpeg")
    (800, 400)
    >>> needed(320, 240, 12_000, "png")
    ()
    """
    shown = media in SHOWN_BY_BROWSERS
    return tuple(
        side
        for side in (PREVIEW, MEDIUM, THUMBNAIL)
        if not shown or max(width, height) > side or size > ENOUGH_BYTES[side]
    )


def has_copy(item: Item, side: int) -> bool:
    """Whether the copy of this side is there to be shown in place of the original.

    >>> item = Item("i1", "a.png", "e1", "0", renditions="400")
    >>> has_copy(item, THUMBNAIL), has_copy(item, PREVIEW)
    (True, False)
    """
    return str(side) in item.renditions.split(",")


class Renditions:
    """Makes copies of images."""

    def __init__(self, storage: Storage, projects: Projects) -> None:
        self._storage = storage
        self._projects = projects
        self._decoding = Lock()

    def on_render(self, message: Render) -> None:
        """Make the copies of some items that are not there yet. Safe to repeat."""
        project = self._projects.find(message.project_id)
        if project is None:
            return
        items = self._projects.items(project)
        made: defaultdict[int, dict[str, Rendered]] = defaultdict(dict)
        for one in items.read_many(message.item_ids):
            if one and not one.item.renditions and (rendered := self._render(project, one.item)):
                made[items.shard_of(one.item.item_id)][one.item.item_id] = rendered
        step = min(NOTED_AT_ONCE, (MAX_OPERATIONS - 1) // (2 + 2 * items.overlap))
        for shard, of_shard in made.items():
            found = list(of_shard.items())
            for at in range(0, len(found), step):
                items.rendered(shard, dict(found[at : at + step]))

    def _render(self, project: Project, item: Item) -> Rendered | None:
        """Write an item's copies, unless they lie there already; None where it has none."""
        sides = needed(item.width, item.height, item.size, item.media) if item.width else ()
        if not sides or item.size > MAX_BYTES:
            return None
        container, path, etag = project.source.container, item.path, item.blob_etag
        rendered = Rendered(etag, ",".join(str(side) for side in sides))
        # The smallest is written last: it is looked for first. Another project may have had them made, or
        # some of them only.
        names = {side: layout.rendition(container, path, etag, side) for side in sides}
        if all(
            self._storage.blobs.find(layout.RENDITIONS, names[side]) for side in reversed(sides)
        ):
            return rendered
        with self._decoding:  # one image at a time: memory is that of the largest, whatever comes
            try:
                data = self._storage.blobs.read(container, path)
                copies = shrink(data, sides)
            except NotFound:
                return None
            except Undecodable as why:
                _log.warning("no rendition: %s", why, extra={"item_id": item.item_id})
                return None
        # Read before this look, so what was read is this version and no other.
        blob = self._storage.blobs.find(container, path)
        if blob is None or blob.etag != etag:
            return None  # overwritten: a message about the newer content comes, or has come
        for side in sides:
            self._storage.blobs.write(
                layout.RENDITIONS,
                names[side],
                copies[side],
                content_type=CONTENT_TYPE,
                cache_control=_IMMUTABLE,
            )
        return rendered
