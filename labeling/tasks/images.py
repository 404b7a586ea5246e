"""The images of items, as browsers may fetch them: signed addresses of files, smaller copies and frames."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Annotated

from pydantic import Field, model_validator

from labeling import layout
from labeling.errors import NotFound
from labeling.ingest.renditions import (
    FIRST_FRAME,
    MEDIUM,
    PREVIEW,
    THUMBNAIL,
    FrameFacts,
    has_copy,
)
from labeling.items.records import Item
from labeling.media.frames import Undecodable
from labeling.media.patterns import SHOWN_BY_BROWSERS
from labeling.model import Id, Model, UtcTime
from labeling.projects.access import Caller
from labeling.projects.projects import Project, ProjectAccess
from labeling.storage import Storage

FRAMES_AT_ONCE = 9
"""Frames that one request may have decoded."""


class ImageLinks(Model):
    """Signed addresses of an image, valid until `expire_at`; the same within a window of time.

    `thumbnail`, `medium` and `preview` are copies whose longest sides have 400, 800 and 1,600 pixels, or the
    image itself where it is small enough, or while they are not made yet. `full` is the original, or the first
    frame of a TIFF or DICOM file, which itself is given to nobody; all are empty while that is not made: asking
    for frame 0 makes it.
    """

    thumbnail: str
    medium: str
    preview: str
    full: str
    expire_at: UtcTime


class SignRequest(Model):
    """Items whose images shall be signed again; naming a task of mine that is over, those of it too.

    With `frame`, this frame of at most 9 items, from 0, instead: of TIFF and DICOM, decoded where it never was.
    """

    item_ids: Annotated[list[Id], Field(min_length=1, max_length=100)]
    task_id: Id | None = None
    frame: Annotated[int, Field(ge=0)] | None = None

    @model_validator(mode="after")
    def _few_frames(self) -> SignRequest:
        if self.frame is not None and len(self.item_ids) > FRAMES_AT_ONCE:
            raise ValueError(f"ask for a frame of at most {FRAMES_AT_ONCE} items at once")
        return self


class FrameView(Model):
    """One frame of an image: `url` shows it in 8 bits, `values` has the stored values where there are more.

    `values` leads to a gzip file of width times height numbers of the type `facts.grey` names, little endian,
    row by row from the top. `problem` says why the frame can't be shown; then there is nothing else.
    """

    frame: int
    url: str = ""
    values: str | None = None
    facts: FrameFacts | None = None
    problem: str | None = None


class SignAnswer(Model):
    """Signed addresses by item; items the caller may not see are left out. `frames` where one was asked for."""

    images: dict[str, ImageLinks]
    frames: dict[str, FrameView] = {}


DecodeFrame = Callable[[Project, Item, int], FrameFacts]


class Images:
    """Signs the images of items."""

    def __init__(self, storage: Storage, frame: DecodeFrame) -> None:
        self._storage = storage
        self._frame = frame

    def links(self, project: Project, item: Item) -> ImageLinks:
        """Signed addresses of an item's image: of its smaller copies where they are there."""
        container, blobs = project.source.container, self._storage.blobs
        full, until = blobs.link(container, item.path, etag=item.blob_etag)
        if item.media not in SHOWN_BY_BROWSERS:
            made = has_copy(item, FIRST_FRAME)
            full = self._frame_link(project, item, 0, "webp") if made else ""

        def copy(least: int) -> str:
            larger = (
                least_side for least_side in (THUMBNAIL, MEDIUM, PREVIEW) if least_side >= least
            )
            side = next((copy_side for copy_side in larger if has_copy(item, copy_side)), None)
            if side is None:
                return full
            name = layout.rendition(container, item.path, item.blob_etag, side)
            return blobs.link(layout.RENDITIONS, name)[0]

        return ImageLinks(
            thumbnail=copy(THUMBNAIL),
            medium=copy(MEDIUM),
            preview=copy(PREVIEW),
            full=full,
            expire_at=until,
        )

    def sign(self, opened: ProjectAccess, caller: Caller, request: SignRequest) -> SignAnswer:
        """Sign images again: for labelers those of their own open tasks, for reviewers any."""
        found = self.visible(opened, caller, request.item_ids, request.task_id)
        if request.frame is not None:
            number = request.frame
            return SignAnswer(
                images={},
                frames={item.item_id: self._shown(opened.project, item, number) for item in found},
            )
        return SignAnswer(images={item.item_id: self.links(opened.project, item) for item in found})

    def visible(
        self, opened: ProjectAccess, caller: Caller, item_ids: Sequence[str], task_id: str | None
    ) -> list[Item]:
        """Those of some items whose images the caller may see.

        For labelers those of their own open tasks, and of the task named, where it was theirs and is over; for
        reviewers any.
        """
        wanted = list(dict.fromkeys(item_ids))
        if opened.role != "labeler":
            return [stored.item for stored in opened.items.read_many(wanted) if stored]
        # A honeypot is on a page of the shard its labeler draws from, wherever it is itself.
        own = [home for home in opened.homes(caller.user) if home is not None]
        shards = sorted({*own, *(opened.items.shard_of(item_id) for item_id in wanted)})
        tasks, _ = opened.items.tasks_of(caller.user, shards)
        mine = {item.item.item_id: item.item for task in tasks for item in task.held}
        found = [mine[item_id] for item_id in wanted if item_id in mine]
        if task_id and len(found) < len(wanted):
            # Work on images that were given back meanwhile is still shown to who did it.
            over = opened.items.finished(caller.user, task_id)
            seen = [
                item_id
                for item_id in wanted
                if over and item_id in over.items and item_id not in mine
            ]
            found += [stored.item for stored in opened.items.read_many(seen) if stored]
        return found

    def _shown(self, project: Project, item: Item, number: int) -> FrameView:
        """A frame with its addresses, or why it can't be shown."""
        try:
            facts = self._frame(project, item, number)
        except (Undecodable, NotFound) as why:
            return FrameView(frame=number, problem=str(why))
        return FrameView(
            frame=number,
            url=self._frame_link(project, item, number, "webp"),
            values=self._frame_link(project, item, number, "values") if facts.grey else None,
            facts=facts,
        )

    def _frame_link(self, project: Project, item: Item, number: int, kind: str) -> str:
        name = layout.frame_blob(project.source.container, item.path, item.blob_etag, number, kind)
        return self._storage.blobs.link(layout.RENDITIONS, name)[0]
