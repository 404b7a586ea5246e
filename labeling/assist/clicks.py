"""Clicks: what a labeler's page needs to outline what is clicked at, without asking anybody while it does.

The model is a pair of ONNX files of the kind Segment Anything is: an encoder, which a job lets look at every
image once, and a decoder, small enough for a browser, which makes a mask of what the encoder saw and of a few
points. The deployment brings the pair (`Settings.click_model`); the names below are what its files must have.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from labeling import layout
from labeling.assist.runs import ClickModel, Runs
from labeling.errors import NotFound
from labeling.model import Id, Model, UtcTime
from labeling.projects.access import Caller
from labeling.projects.projects import ProjectAccess
from labeling.storage import Storage
from labeling.tasks.images import Images

ENCODER_FILE, DECODER_FILE = "encoder.onnx", "decoder.onnx"

SEEN = "image_embeddings"
"""What the encoder gives and the decoder takes: float32 (1, c, h, w)."""

POINTS, POINT_LABELS = "point_coords", "point_labels"
"""Of the decoder: float32 (1, n, 2), x and y in pixels of the encoder's frame; and (1, n), 1 for inside, 0 for
outside, -1 for the point at the end that stands for there being no box."""

BEFORE, HAS_BEFORE, IMAGE_SIZE = "mask_input", "has_mask_input", "orig_im_size"
"""Of the decoder: float32 (1, 1, 4 h, 4 w), (1,) and (2,), height and width that masks are wanted in."""

MASKS, QUALITY = "masks", "iou_predictions"
"""Of the decoder: float32 (1, k, height, width), above 0 inside; and (1, k), how good it thinks each is."""

MEAN, SPREAD = (123.675, 116.28, 103.53), (58.395, 57.12, 57.375)
"""Of red, green and blue: what the encoder takes is the image less the one, divided by the other."""

IMAGES_AT_ONCE = 9


class ClickRequest(Model):
    """Items of mine; naming a task of mine that is over, those of it too."""

    item_ids: Annotated[list[Id], Field(min_length=1, max_length=IMAGES_AT_ONCE)]
    task_id: Id | None = None


class ClickAnswer(Model):
    """Signed addresses of what browsers need, valid until `expire_at`.

    `decoder` leads to an ONNX file, `images` to the items that were prepared: `model.shape` numbers of 16 bits
    in floating point, little endian, of the first frame scaled to `model.side` on its longer side.
    """

    model: ClickModel
    decoder: str
    images: dict[str, str]
    expire_at: UtcTime


class Clicks:
    """Gives labelers what was prepared of their images."""

    def __init__(self, storage: Storage, runs: Runs, images: Images) -> None:
        self._storage = storage
        self._runs = runs
        self._images = images

    def links(self, opened: ProjectAccess, caller: Caller, request: ClickRequest) -> ClickAnswer:
        """What the page needs of some items; those that were not prepared are left out.

        Raises:
            NotFound: no image of the project was prepared for clicks.
        """
        project_id, blobs = opened.project_id, self._storage.blobs
        model = self._runs.state(project_id).clicks
        if model is None:
            raise NotFound("no image of this project was prepared for clicks yet")
        items = self._images.visible(opened, caller, request.item_ids, request.task_id)
        places = {
            item.item_id: layout.click_image(
                project_id, model.model_id, item.item_id, item.blob_etag
            )
            for item in items
        }
        there = {
            item_id: place for item_id, place in places.items() if blobs.find(layout.MODELS, place)
        }
        decoder = layout.click_decoder(project_id, model.model_id)
        address, until = blobs.link(layout.MODELS, decoder)
        return ClickAnswer(
            model=model,
            decoder=address,
            images={
                item_id: blobs.link(layout.MODELS, place)[0] for item_id, place in there.items()
            },
            expire_at=until,
        )
