"""What each kind of project takes, as data: a new kind is an entry here, and nothing else tells them apart."""

from __future__ import annotations

from typing import Literal

from labeling.annotations.shapes import TaskType
from labeling.model import Model

Tool = Literal["box", "extreme", "template", "polygon", "points", "freehand", "add", "cut", "split"]


class TaskTypeRules(Model):
    """What an image of such a project gets: annotations of one geometry, drawn with these tools.

    `classes`: `one` is exactly one class an image; of `several`, none of them says that nothing is there.
    """

    task_type: TaskType
    geometry: Literal["tag", "box", "polygon"]
    classes: Literal["one", "several"]
    tools: list[Tool] = []


TASK_TYPES: dict[TaskType, TaskTypeRules] = {
    rules.task_type: rules
    for rules in (
        TaskTypeRules(task_type="multiclass", geometry="tag", classes="one"),
        TaskTypeRules(task_type="multilabel", geometry="tag", classes="several"),
        TaskTypeRules(
            task_type="boxes",
            geometry="box",
            classes="several",
            tools=["box", "extreme", "template"],
        ),
        TaskTypeRules(
            task_type="polygons",
            geometry="polygon",
            classes="several",
            tools=["polygon", "points", "freehand", "add", "cut", "split"],
        ),
    )
}
