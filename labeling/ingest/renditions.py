"""Smaller copies of images for browsers: which there are, when they are made, and where they lie.

Made from a message after an image was measured, never while a labeler waits. An item knows which of its
copies are there (`Item.renditions`), so that handing it out asks nobody; where one is missing the
original is shown (ADR-0006).
"""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Annotated, Final, Literal

from pydantic import Field

from labeling import layout
from labeling.errors import NotFound
from labeling.ingest.turns import Turns
from labeling.items.items import Items
from labeling.items.records import Item, Rendered
from labeling.media.frames import Grey, Undecodable
from labeling.media.guard import Read, shared
from labeling.media.header import CUT_OFF, Measured
from labeling.media.patterns import SHOWN_BY_BROWSERS
from labeling.media.pixels import CONTENT_TYPE
from labeling.model import Id, Model
from labeling.projects.projects import Projects
from labeling.projects.record import Project
from labeling.storage import MAX_OPERATIONS, Storage

THUMBNAIL, MEDIUM, PREVIEW = 400, 800, 1600
"""Pixels of the longest side."""

ENOUGH_BYTES: Final = {THUMBNAIL: 40_000, MEDIUM: 120_000, PREVIEW: 400_000}
"""An image no larger than a copy would be, in pixels and in these bytes, is its own copy."""

FIRST_FRAME = "frame"
"""What an item's renditions name when the first frame in full is among them: of media no browser shows."""

MAX_BYTES = 200_000_000
"""Larger files are not read into memory: their originals are shown."""

ITEMS_A_MESSAGE = 20
"""Some seconds of work, so that several instances share a project."""
ITEMS_IN_TURN = 2
"""While somebody labels: about as long as measuring takes in its turn."""
NOTED_AT_ONCE = 19

LOOKED_THROUGH_S = 3.0
"""So long a file of several frames is looked through for damage when its first frame is made."""

Lane = Literal["people", "background"]

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
        if max(width, height) > side or (shown and size > ENOUGH_BYTES[side])
    )


def has_copy(item: Item, side: int | str) -> bool:
    """Whether the copy of this side, or the first frame, is there to be shown in place of the original.

    >>> item = Item("i1", "a.png", "e1", "0", renditions="400")
    >>> has_copy(item, THUMBNAIL), has_copy(item, PREVIEW)
    (True, False)
    """
    return str(side) in item.renditions.split(",")


class FrameFacts(Model):
    """A frame that was decoded: its size in pixels as shown, and of grey ones what the stored values mean.

    `notes` are codes of what was found odd and put right (`media.frames.Frame`).
    """

    width: int
    height: int
    grey: Grey | None = None
    notes: list[str] = []


class Renditions:
    """Makes copies of images, and frames of those that no browser shows."""

    def __init__(self, storage: Storage, projects: Projects, turns: Turns) -> None:
        self._storage = storage
        self._projects = projects
        self._turns = turns

    def on_render(self, message: Render) -> None:
        """Make the copies of some items that are not there yet. Safe to repeat.

        One that needs copies to be seen, and of which none can be made, becomes unreadable; a photo that can't
        be decoded to its end is flagged.

        Raises:
            NotNow: it is not the turn of this message yet.
        """
        project = self._projects.find(message.project_id)
        if project is None:
            return
        self._turns.each(
            message.item_ids,
            ITEMS_A_MESSAGE,
            ITEMS_IN_TURN,
            partial(self._render_some, project, self._projects.items(project)),
        )

    def _render_some(self, project: Project, items: Items, item_ids: Sequence[str]) -> None:
        made: defaultdict[int, dict[str, Rendered]] = defaultdict(dict)
        for stored in items.read_many(item_ids):
            if stored is None or stored.item.renditions or not stored.item.width:
                continue
            item, shard = stored.item, items.shard_of(stored.item.item_id)
            try:
                if rendered := self._render(project, item):
                    made[shard][item.item_id] = rendered
            except Undecodable as why:
                _log.warning("no rendition: %s", why, extra={"item_id": item.item_id})
                if str(why) == CUT_OFF and item.media in SHOWN_BY_BROWSERS:
                    made[shard][item.item_id] = Rendered(item.blob_etag, "", str(why))
                elif item.media not in SHOWN_BY_BROWSERS:
                    items.measured(
                        shard, {item.item_id: Measured(item.blob_etag, problem=str(why))}
                    )
        step = min(NOTED_AT_ONCE, (MAX_OPERATIONS - 1) // (3 + 2 * items.lanes))
        for shard, of_shard in made.items():
            found = list(of_shard.items())
            for at in range(0, len(found), step):
                items.rendered(shard, dict(found[at : at + step]))

    def _render(self, project: Project, item: Item) -> Rendered | None:
        """Write an item's copies, unless they lie there already; None where it has none.

        Raises:
            Undecodable: none can be made.
        """
        sides = needed(item.width, item.height, item.size, item.media)
        shown = item.media in SHOWN_BY_BROWSERS
        if shown and (not sides or item.size > MAX_BYTES):
            return None
        kinds = [*(str(side) for side in sides), *([] if shown else [FIRST_FRAME])]
        rendered = Rendered(item.blob_etag, ",".join(kinds))
        container, path, etag = project.source.container, item.path, item.blob_etag
        # The smallest is written last: it is looked for first. Another project may have had them made, or
        # some of them only.
        names = {side: layout.rendition(container, path, etag, side) for side in sides}
        if all(
            self._storage.blobs.find(layout.RENDITIONS, names[side]) for side in reversed(sides)
        ) and (shown or self._kept(container, item, 0)):
            return rendered
        if not shown:
            first = self._decode(container, item, 0, sides, "background")
            if not first:
                return None
            damage = self._damage(container, item)
            if not damage and "more_frames" in first.notes:
                damage = (
                    f"it holds more frames than it states: only the first {item.frames:,} are shown"
                )
            return replace(rendered, damage=damage)
        try:
            _, copies = shared("background").call(
                "smaller", self._reader(container, path), item.size, sides=sides
            )
        except NotFound:
            return None
        if not self._is_still(container, item):
            return None
        for side, copy in zip(sides, copies, strict=True):
            self._write(names[side], copy)
        return rendered

    def frame(self, project: Project, item: Item, number: int, lane: Lane = "people") -> FrameFacts:
        """A frame of a TIFF or DICOM item: decoded now, unless somebody asked for it before.

        Args:
            project: of the item.
            item: whose frame it is.
            number: of the frame, from 0.
            lane: whether a person waits for it.

        Raises:
            NotFound: the image has no such frame, or its file is gone or was overwritten.
            Undecodable: the frame can't be shown.
        """
        container = project.source.container
        if item.media in SHOWN_BY_BROWSERS or not 0 <= number < item.frames:
            raise NotFound(f"the image has no frame {number} that is shown apart")
        try:
            facts = self._kept(container, item, number) or self._decode(
                container, item, number, (), lane
            )
        except Undecodable as why:
            said = _of_frame(number, item.frames, str(why))
            self._projects.items(project).damaged(item.item_id, item.blob_etag, said)
            raise
        if facts is None:
            raise NotFound("the image is gone, or was overwritten; reload")
        return facts

    def _kept(self, container: str, item: Item, number: int) -> FrameFacts | None:
        name = layout.frame_blob(container, item.path, item.blob_etag, number, "json")
        try:
            return FrameFacts.model_validate_json(self._storage.blobs.read(layout.RENDITIONS, name))
        except NotFound:
            return None

    def _decode(
        self,
        container: str,
        item: Item,
        number: int,
        sides: Sequence[int],
        lane: Lane,
    ) -> FrameFacts | None:
        """Decode a frame and keep what is shown of it; None where the file is not that version any more."""
        try:
            found, (shown, values, *copies) = shared(lane).call(
                "frame",
                self._reader(container, item.path),
                item.size,
                media=item.media,
                number=number,
                sides=sides,
                version=layout.rendition(container, item.path, item.blob_etag, 0),
            )
        except NotFound:
            return None
        if not self._is_still(container, item):
            return None
        facts = FrameFacts.model_validate(found)

        def name(kind: str) -> str:
            return layout.frame_blob(container, item.path, item.blob_etag, number, kind)

        for side, copy in zip(sides, copies, strict=True):
            self._write(layout.rendition(container, item.path, item.blob_etag, side), copy)
        self._write(name("webp"), shown)
        if facts.grey:
            self._storage.blobs.write(
                layout.RENDITIONS,
                name("values"),
                values,
                content_type="application/gzip",
                cache_control=_IMMUTABLE,
            )
        # Last: who finds it finds the others.
        self._storage.blobs.write(
            layout.RENDITIONS,
            name("json"),
            facts.model_dump_json().encode(),
            content_type="application/json",
            cache_control=_IMMUTABLE,
        )
        return facts

    def _damage(self, container: str, item: Item) -> str:
        """What of the frames behind the first can't be decoded, in words; empty where nothing was found."""
        if item.frames == 1:
            return ""
        try:
            found, _ = shared("background").call(
                "damage",
                self._reader(container, item.path),
                item.size,
                media=item.media,
                frames=item.frames,
                seconds=LOOKED_THROUGH_S,
            )
        except NotFound:
            return ""
        except Undecodable as why:  # it took too much time or memory
            return _of_frame(None, item.frames, str(why))
        why = str(found["why"])
        return _of_frame(found["frame"], item.frames, why) if why else ""

    def _reader(self, container: str, path: str) -> Read:
        def read(start: int, length: int) -> bytes:
            return self._storage.blobs.read(container, path, start=start, length=length)

        return read

    def _is_still(self, container: str, item: Item) -> bool:
        """Whether what was read is this version: otherwise a message about the newer one comes, or has come."""
        blob = self._storage.blobs.find(container, item.path)
        return blob is not None and blob.etag == item.blob_etag

    def _write(self, name: str, copy: bytes) -> None:
        self._storage.blobs.write(
            layout.RENDITIONS, name, copy, content_type=CONTENT_TYPE, cache_control=_IMMUTABLE
        )


def _of_frame(number: int | None, frames: int, why: str) -> str:
    """Why a frame can't be shown, counted as people count.

    >>> _of_frame(2, 3, "its pixels are cut off or damaged")
    'frame 3 of 3: its pixels are cut off or damaged'
    """
    which = "some frame" if number is None else f"frame {number + 1:,}"
    return f"{which} of {frames:,}: {why}"
