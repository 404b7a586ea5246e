"""Whatever a file of labels has in it, its import ends: with counts that add up, or with what is wrong."""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final, get_args
from zipfile import ZipFile, ZipInfo

import pytest

from labeling import layout
from labeling.annotations.shapes import Annotation, Box, Geometry, Part, Polygon, Tag, TaskType
from labeling.exchange.formats import FORMATS
from labeling.exchange.formats.format import Format, Options
from labeling.exchange.formats.output import Output
from labeling.exchange.formats.source import Problem
from labeling.exchange.imports import Import
from labeling.items.records import Item
from tests.functions.conftest import api_of
from tests.fuzz.mutations import budget, mutated_text, told
from tests.labeling.exchange.formats.any_labels import NAMES, item, labeling, subject
from tests.world import World

IMAGES: Final = 6
A_WORLD: Final = 8
"""Imports into one project, of which the later find labels of the earlier."""
EVERY: Final = [
    pytest.param(one, task_type, id=f"{one.name}-{task_type}")
    for one in FORMATS.values()
    if one.open and one.read
    for task_type in one.task_types
]
INTO: Final[list[dict[str, str]]] = [
    {"into": "labels", "unknown_classes": "create", "empty": "label"},
    {"into": "labels"},
    {"into": "suggestions"},
]
HOLED: Final = Part(
    outer=[(0.1, 0.1), (0.9, 0.1), (0.9, 0.9), (0.1, 0.9)],
    holes=[[(0.3, 0.3), (0.6, 0.3), (0.6, 0.6)]],
)
SHAPES: Final[dict[TaskType, list[Geometry]]] = {
    "multiclass": [Tag()],
    "multilabel": [Tag()],
    "boxes": [Box(x0=0.1, y0=0.2, x1=0.7, y1=0.9), Box(x0=0, y0=0, x1=1, y1=1)],
    "polygons": [
        Polygon(parts=[HOLED]),
        Polygon(parts=[Part(outer=[(0, 0), (0.4, 0), (0.4, 0.4)]), HOLED]),
        Polygon(parts=[Part(outer=[(0.5, 0), (1, 0), (1, 1)])]),
    ],
}


def said(task_type: TaskType, number: int) -> list[Annotation]:
    """What is on an image: nothing on the first, where that can be."""
    some = 1 if task_type == "multiclass" else number % 4
    return [
        Annotation(
            annotation_id=f"a{at}",
            class_id=f"c{(number + at) % len(NAMES) + 1}",
            geometry=SHAPES[task_type][at % len(SHAPES[task_type])],
            attributes={"weight, kg": 1.5, "plate": "A-7"} if at == 1 else {},
        )
        for at in range(some)
    ]


def files(made: Format, task_type: TaskType) -> list[bytes]:
    """Good files of a format."""
    every = [Options(), *([Options(azure=True)] if "azure" in made.options else [])]
    return [file_of(made, task_type, options) for options in every]


def file_of(made: Format, task_type: TaskType, options: Options) -> bytes:
    assert made.open
    images = [
        (replace(item(n, f"img{n:04d}.png"), width=8, height=6), labeling(*said(task_type, n)))
        for n in range(IMAGES)
    ]
    with TemporaryDirectory() as folder:
        with (
            Output(Path(folder)) as output,
            made.open(output, subject(task_type, options)) as writer,
        ):
            said_of = [image for image in images if writer.refuses(*image) is None]
            for one, labels in said_of:
                writer.add(one, labels)
            writer.finish()
            places = [writer.place(one, labels) for one, labels in said_of]
        content = (Path(folder) / made.files[0].name.rpartition("/")[2]).read_bytes()
    if made.images:
        return content
    archive = BytesIO()
    with ZipFile(archive, "w") as packed:
        packed.writestr(ZipInfo(made.files[0].name), content)
        for place in places:
            packed.writestr(ZipInfo(f"{made.name}/{place}"), b"")
    return archive.getvalue()


class Importing:
    """A project that files are brought to, over HTTP."""

    def __init__(self, task_type: TaskType) -> None:
        self._api = api_of(World())
        classes = [{"name": name} for name in NAMES]
        self._project = self._api.project(IMAGES, task_type=task_type, classes=classes)
        self._before = self._labels()

    def bring(self, made: Format, data: bytes, how: dict[str, str]) -> str:
        """Have a file taken in, and hold against it all that must be; how it ended, in a few words."""
        done = self._imported(made, data, how)
        labels = self._labels()
        changed = [one for one, kept in labels.items() if kept != self._before[one]]
        self._before = labels
        world = self._api.world
        project = world.services.projects.get(self._project)
        assert world.counters(project) == world.recount(project)
        if done.state == "failed":
            assert done.problem
            assert done.problem.isprintable(), done.problem
            assert len(done.problem) < 600
            assert done.problem_code in (*get_args(Problem), "broken"), done
            assert not changed
            assert not done.saved
            return f"failed: {done.problem_code}"
        left = sum(one.count for one in done.left_out.values())
        assert done.images == done.saved + done.unchanged + left, done
        if how["into"] == "suggestions":
            assert not changed
        else:
            assert len(changed) == done.saved
            assert sum(len(labels[one] or ()) for one in changed) == done.annotations
        return "done, some taken" if done.saved else "done, nothing taken"

    def _imported(self, made: Format, data: bytes, how: dict[str, str]) -> Import:
        api, base = self._api, f"projects/{self._project}/imports"
        name = f"labels.{made.files[0].name.rpartition('.')[2]}"
        begun = api("POST", base, {"file_name": name})
        assert begun.status == 201
        blob = layout.import_blob(self._project, begun["import_id"])
        api.world.storage.blobs.write(layout.IMPORTS, blob, data, content_type="text/plain")
        path = f"{base}/{begun['import_id']}"
        assert api("GET", path).status == 200  # looks into the file for its format
        assert api("POST", f"{path}/start", {"format": made.name, **how}).status == 202
        api.world.drain()
        ended = api("GET", path)
        assert ended.status == 200
        assert ended["state"] in ("done", "failed")
        assert api("GET", base).status == 200
        return Import.model_validate(
            {name: one for name, one in ended.body.items() if name in Import.model_fields}
        )

    def _labels(self) -> dict[str, list[Annotation] | None]:
        """What each image has been labeled with; None where it has not."""
        world = self._api.world
        items = world.services.projects.items(world.services.projects.get(self._project))
        found = {one.item_id: items.read(one.item_id) for one in self._items()}
        return {
            item_id: stored.labeling.annotations if stored and stored.labeling else None
            for item_id, stored in found.items()
        }

    def _items(self) -> list[Item]:
        world = self._api.world
        return list(world.items(world.services.projects.get(self._project)).values())


@pytest.mark.parametrize(("made", "task_type"), EVERY)
def test_any_file_is_taken_in_with_counts_that_add_up_or_refused_for_a_reason(
    made: Format, task_type: TaskType
) -> None:
    good = files(made, task_type)
    ends: Counter[str] = Counter()
    project = Importing(task_type)
    for number, data in enumerate(mutated_text(good, budget(8), f"import/{made.name}/{task_type}")):
        if number % A_WORLD == 0:
            project = Importing(task_type)
        began = time.process_time()

        ends[project.bring(made, data, INTO[number % len(INTO)])] += 1

        assert time.process_time() - began < 20
    told(f"imports of {made.name} into {task_type}", ends)


@pytest.mark.parametrize(("made", "task_type"), EVERY)
def test_what_is_mutated_is_taken_in_as_long_as_it_is_good(
    made: Format, task_type: TaskType
) -> None:
    for file in files(made, task_type):
        assert Importing(task_type).bring(made, file, INTO[0]) == "done, some taken"
