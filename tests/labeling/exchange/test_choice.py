"""What of a project's labels is exported, and under which names."""

from __future__ import annotations

import csv
import io
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labeling.annotations.classes import LabelClass
from labeling.annotations.shapes import Tag
from labeling.errors import Invalid
from labeling.exchange.choice import Choice, flat_name
from labeling.exchange.formats.format import Options
from labeling.projects.record import Project
from tests.labeling.exchange.formats.any_labels import item, labeling, said
from tests.labeling.exchange.test_exports import coco, data, made, manifest, tags
from tests.world import World, decided, person, tag


@pytest.fixture
def birds(world: World) -> tuple[World, Project]:
    """Owls by ann and, a minute later, robins and a wren by bob, in two folders."""
    world.upload("a/1.png", "a/2.png", "b/1.png", "b/=2.png")
    project = world.project()
    for name, classes in (("ann", ("c1", "c1")), ("bob", ("c2", "c3"))):
        who = world.member(project, name)
        for class_id in classes:
            task = world.task(project, who, size=1)
            world.submit(project, who, task.task_id, decided(task.items[0].item_id, tag(class_id)))
        world.wait(60)
    return world, project


def test_options_choose_images_and_the_rest_is_told(birds: tuple[World, Project]) -> None:
    world, project = birds
    everything = tags(world, project, made(world, project))
    assert sorted(everything.values()) == ["Owl", "Owl", "Robin", "Wren"]
    robins = {path for path, name in everything.items() if name != "Owl"}

    for options, wanted in (
        ({"path": "a/"}, {path for path in everything if path.startswith("a/")}),
        ({"labelers": [person("bob").user]}, robins),
        ({"since": world.clock.now() - timedelta(seconds=90)}, robins),
        ({"path": "c/"}, set[str]()),
    ):
        export = made(world, project, options=options)
        assert set(tags(world, project, export)) == wanted, options
        left = {"not_chosen": 4 - len(wanted)} if len(wanted) < 4 else {}
        assert export.omitted == left
        assert manifest(world, project, export)["counts"]["items"] == 4


def test_classes_that_are_not_chosen_are_in_no_file(birds: tuple[World, Project]) -> None:
    world, project = birds

    export = made(world, project, options={"classes": ["c3", "c1"]})

    assert [category["name"] for category in coco(world, project, export)["categories"]] == [
        "Owl",
        "Wren",
    ]
    assert sorted(tags(world, project, export).values()) == ["Owl", "Owl", "Wren"]
    assert export.omitted == {"no_chosen_class": 1}


def test_classes_of_one_name_become_one(birds: tuple[World, Project]) -> None:
    world, project = birds

    export = made(world, project, options={"rename": {"c3": "Songbird", "c2": "songbird"}})

    assert [category["name"] for category in coco(world, project, export)["categories"]] == [
        "Owl",
        "songbird",
    ]
    assert sorted(tags(world, project, export).values()) == ["Owl", "Owl", "songbird", "songbird"]


@pytest.mark.parametrize(
    ("options", "pointer"),
    [
        ({"classes": ["c1", "c9"]}, "/options/classes/1"),
        ({"rename": {"c9": "x"}}, "/options/rename/c9"),
    ],
)
def test_a_class_that_is_not_there_is_refused(
    world: World, options: dict[str, Any], pointer: str
) -> None:
    project = world.project()

    with pytest.raises(Invalid, match="no class 'c9'") as refused:
        made(world, project, options=options)

    assert [fault.pointer for fault in refused.value.faults] == [pointer]


def test_names_without_folders_are_listed_with_what_they_were(birds: tuple[World, Project]) -> None:
    world, project = birds

    export = made(world, project, options={"flat": True})

    assert [file.name for file in export.files][1:] == ["images.csv", "manifest.json"]
    text = data(world, project, export, "images.csv").decode("utf-8-sig")
    rows = list(csv.DictReader(io.StringIO(text)))
    assert {row["name"] for row in rows} == set(tags(world, project, export))
    assert {row["path"] for row in rows} == {"a/1.png", "a/2.png", "b/1.png", "b/=2.png"}
    assert {row["url"] for row in rows} >= {"memory://photos/b/%3D2.png"}
    world.services.exports.delete(project.project_id, export.export_id)
    assert world.storage.blobs.list("exports").blobs == []


def test_a_format_that_must_have_whole_paths_keeps_them(birds: tuple[World, Project]) -> None:
    world, project = birds

    export = made(world, project, format="azureml", options={"flat": True, "images": "links"})

    assert b"photos/a/1.png" in data(world, project, export, "azureml/labels.jsonl")
    assert b"a/1.png,a/1.png," in data(world, project, export, "images.csv")


@given(st.sets(st.text(min_size=1).filter(lambda one: not one.endswith("/")), min_size=2))
def test_flat_names_are_each_another_one_even_without_suffix(paths: set[str]) -> None:
    stems = {flat_name(path).partition("-")[0] for path in paths}

    assert len(stems) == len(paths)
    assert not any("/" in flat_name(path) for path in paths)


def test_an_image_with_nothing_on_it_is_of_every_choice() -> None:
    classes = [LabelClass(class_id="c1", name="Owl"), LabelClass(class_id="c2", name="Wren")]
    choice = Choice(Options(classes=["c2"]), classes)

    assert choice.of(item(), labeling()) == labeling()
    assert choice.of(item(), labeling(said(Tag()))) == "no_chosen_class"
