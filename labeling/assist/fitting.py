"""Fitting: what somebody drew roughly is laid to the thing it is about, when asked, by the project's model.

A box is moved to the thing's edges; of a polygon, or of a box drawn where polygons are, the outline comes from
the model's mask. It is an answer and no more: what becomes of it is the labeler's, who sees it and may undo it.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from labeling.annotations.shapes import Box, Polygon
from labeling.annotations.task_types import TASK_TYPES
from labeling.assist.inference import Inference
from labeling.assist.models import UnfitModel
from labeling.assist.preprocess import Unseeable
from labeling.assist.runs import Runs
from labeling.errors import Conflict, NotFound
from labeling.model import Id, Model
from labeling.projects.access import Caller
from labeling.projects.projects import ProjectAccess
from labeling.tasks.images import Images


class FitRequest(Model):
    """A box about a thing on the first frame of an item of mine, or of a task of mine that is over."""

    item_id: Id
    task_id: Id | None = None
    box: Box


class FitAnswer(Model):
    """The thing as the project draws things; null: the model sees none there."""

    geometry: Annotated[Box | Polygon, Field(discriminator="kind")] | None


class Fitting:
    """Lays what was drawn to the thing it is about."""

    def __init__(self, runs: Runs, inference: Inference, images: Images) -> None:
        self._runs = runs
        self._inference = inference
        self._images = images

    def fit(self, opened: ProjectAccess, caller: Caller, request: FitRequest) -> FitAnswer:
        """The thing in a box.

        Raises:
            NotFound: the item is none of the caller's.
            Conflict: there is no model yet, or neither it nor the image can be used.
        """
        project = opened.project
        model_id = self._runs.state(project.project_id).model_id
        if TASK_TYPES[project.task_type].geometry == "tag" or not model_id:
            raise Conflict("there is no model yet that could find the thing; draw it by hand")
        items = self._images.visible(opened, caller, [request.item_id], request.task_id)
        if not items:
            raise NotFound("there is no such item among yours")
        try:
            found = self._inference.fit(project, model_id, items[0], request.box)
        except UnfitModel as why:
            raise Conflict(f"the model can't be used: {why}") from why
        except Unseeable as why:
            raise Conflict(f"the model can't see this image: {why}") from why
        return FitAnswer(geometry=found)
