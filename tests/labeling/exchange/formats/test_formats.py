"""What holds for every format, and for every type of task it is for."""

from __future__ import annotations

import re
import tracemalloc
from collections.abc import Sequence
from dataclasses import replace
from importlib.util import find_spec
from io import BytesIO
from itertools import pairwise
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from labeling.annotations.shapes import Box, Origin, Part, Polygon, Tag, TaskType
from labeling.exchange.formats import FORMATS
from labeling.exchange.formats.format import Format, Split, Writer, features
from labeling.exchange.formats.output import Output
from labeling.items.records import Item, Labeling
from tests.labeling.exchange.formats.any_labels import (
    item,
    labeling,
    labelings,
    said,
    subject,
    written,
)

ROOT = Path(__file__).parents[4]
SQUARE = Polygon(parts=[Part(outer=[(0, 0), (1, 0), (1, 1)])])
SHAPES: dict[TaskType, Any] = {
    "multiclass": Tag(),
    "multilabel": Tag(),
    "boxes": Box(x0=0.1, y0=0.2, x1=0.3, y1=0.4),
    "polygons": SQUARE,
}
EVERY = [
    pytest.param(one, task_type, id=f"{one.name}-{task_type}")
    for one in FORMATS.values()
    if one.open
    for task_type in one.task_types
]
every_format = pytest.mark.parametrize(("made", "task_type"), EVERY)


def images(task_type: TaskType, count: int) -> list[tuple[Item, Labeling]]:
    labels = labeling(said(SHAPES[task_type], "c2"))
    return [(item(number, f"birds/{number:06d}.jpg"), labels) for number in range(count)]


@every_format
def test_the_files_it_names_are_made_and_no_others(
    tmp_path: Path, made: Format, task_type: TaskType
) -> None:
    with Output(tmp_path) as output, made.open(output, subject(task_type)) as writer:
        for one, labels in images(task_type, 3):
            assert writer.refuses(one, labels) is None
            assert writer.add(one, labels) == 1
        writer.finish()

    names = {PurePosixPath(file.name).name for file in made.files}
    assert {path.name for path in tmp_path.iterdir() if not path.name.startswith(".")} == names
    assert {PurePosixPath(file.name).parts[0] for file in made.files} == {made.name}


@every_format
def test_its_sample_loads_every_image_of_what_was_written(
    made: Format, task_type: TaskType, tmp_path: Path, monkeypatch: Any, capsys: Any
) -> None:
    written(tmp_path / made.name, made, subject(task_type), images(task_type, 3))
    monkeypatch.chdir(tmp_path)

    sample = compile(made.samples[task_type], made.name, "exec")

    readers = {"azureml": "mltable", "csv": "pandas"}
    there = made.name not in readers or find_spec(readers[made.name]) is not None
    if there and made.name not in ("imagenet", "yolo"):  # which need the images
        exec(sample, {})
        assert capsys.readouterr().out.count(".jpg") == 3


@every_format
def test_a_project_with_nothing_in_it_has_its_files(
    tmp_path: Path, made: Format, task_type: TaskType
) -> None:
    written(tmp_path, made, subject(task_type), [])

    assert all((tmp_path / PurePosixPath(file.name).name).is_file() for file in made.files)


@every_format
def test_the_same_labels_give_the_same_bytes(
    tmp_path: Path, made: Format, task_type: TaskType
) -> None:
    for name in ("one", "other"):
        written(tmp_path / name, made, subject(task_type), images(task_type, 5))

    for file in made.files:
        name = PurePosixPath(file.name).name
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "other" / name).read_bytes()


@every_format
@given(data=st.data())
@settings(max_examples=10)
def test_whoever_goes_on_with_a_file_writes_what_one_alone_had_written(
    made: Format, task_type: TaskType, data: st.DataObject
) -> None:
    assert made.open
    paths = [f"{n}/{stem}.jpg" for n in range(3) for stem in ("owl", "새", "a b")]
    labels = [data.draw(labelings(task_type)) for _ in range(2)]
    seen = [(item(n, path), labels[n % 2]) for n, path in enumerate(paths)]
    seen[4:4] = [seen[0]]  # refused where a file is looked for by the name of an image
    stops = data.draw(st.sets(st.integers(0, len(seen)), max_size=4))

    with TemporaryDirectory() as alone, TemporaryDirectory() as together:
        written(Path(alone), made, subject(task_type), seen)
        pieces: list[bytes] = []
        for start, stop in pairwise([0, *sorted(stops), len(seen)]):
            with TemporaryDirectory() as folder, Output(Path(folder)) as output:
                writer = _go_on(made, task_type, output, pieces, seen[start:stop])
                piece = BytesIO()
                output.pack(piece)
                writer.close()
                pieces.append(piece.getvalue())
        with Output(Path(together)) as output:
            writer = _go_on(made, task_type, output, pieces, [])
            writer.finish()
            writer.close()
        for file in made.files:
            name = PurePosixPath(file.name).name
            assert Path(together, name).read_bytes() == Path(alone, name).read_bytes()


def _go_on(
    made: Format,
    task_type: TaskType,
    output: Output,
    pieces: Sequence[bytes],
    seen: Sequence[tuple[Item, Labeling]],
) -> Writer:
    """Write some images behind what was kept."""
    assert made.open
    for piece in pieces:
        output.unpack(piece)
    writer = made.open(output, subject(task_type))
    for one, labels in seen:
        if writer.refuses(one, labels) is None:
            writer.add(one, labels)
    return writer


@every_format
def test_a_class_that_is_not_listed_is_refused(
    tmp_path: Path, made: Format, task_type: TaskType
) -> None:
    labels = labeling(said(SHAPES[task_type], "c9"))

    with (
        Output(tmp_path) as output,
        made.open(output, subject(task_type)) as writer,
        pytest.raises(ValueError, match="'c9'"),
    ):
        writer.add(item(), labels)


@every_format
def test_memory_does_not_grow_with_the_number_of_images(
    tmp_path: Path, made: Format, task_type: TaskType
) -> None:
    def peak(count: int) -> int:
        folder = tmp_path / str(count)
        folder.mkdir()
        labels = labeling(said(SHAPES[task_type]))
        tracemalloc.start()
        with Output(folder) as output, made.open(output, subject(task_type)) as writer:
            for number in range(count):
                writer.add(item(number, f"birds/{number:06d}.jpg"), labels)
            writer.finish()
        most = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return most

    peak(10)
    least = peak(250)
    # The interpreter's own tables, of interned strings for one, may grow meanwhile: once, by megabytes.
    assert any(peak(1_000 + again) < least + 50_000 for again in range(2))


def test_what_formats_may_lose_is_counted() -> None:
    hole = [(0.5, 0.2), (0.7, 0.2), (0.7, 0.4)]
    holed = Polygon(parts=[Part(outer=[(0, 0), (1, 0), (1, 1)], holes=[hole])])
    parted = Polygon(parts=[*SQUARE.parts, Part(outer=[(0, 0), (0, 1), (0.5, 1)])])
    suggested = said(SQUARE).model_copy(update={"origin": Origin(prelabel="p", run_id="r")})
    framed = said(SQUARE).model_copy(update={"frame": 2})

    occluded = said(SQUARE).model_copy(update={"attributes": {"occluded": True}})

    assert +features(
        labeling(said(holed), said(parted), suggested, framed, occluded, note="dim")
    ) == {
        "outlines": 5,
        "holes": 1,
        "parts": 1,
        "suggestions": 1,
        "frames": 1,
        "attributes": 1,
        "notes": 1,
    }
    assert +features(labeling()) == {"empty": 1}
    assert +features(labeling(said(Tag()), said(Tag(), "c2"))) == {"several_tags": 1}
    assert +features(labeling(said(Tag()), said(Tag()))) == {}


@given(st.floats(0, 0.5), st.floats(0, 0.4), st.text(max_size=5))
def test_a_larger_share_takes_images_in_and_lets_none_out(
    val: float, more: float, seed: str
) -> None:
    smaller, larger = Split(val=val, seed=seed), Split(val=val + more, seed=seed)

    for number in range(50):
        if smaller.part(item(number)) == "val":
            assert larger.part(item(number)) == "val"


def test_shares_are_what_was_asked_for() -> None:
    split = Split(val=0.2, test=0.1)

    parts = [split.part(item(number)) for number in range(4_000)]

    assert parts.count("val") == pytest.approx(800, abs=100)
    assert parts.count("test") == pytest.approx(400, abs=80)
    assert parts == [split.part(item(number)) for number in range(4_000)]


def test_images_that_look_alike_are_for_the_same_thing() -> None:
    split = Split(val=0.5)

    alike = [replace(item(number), group=f"0000000a{number:04x}") for number in range(30)]
    others = [replace(item(number), group=f"{number:08x}0000") for number in range(30)]

    assert len({split.part(one) for one in alike}) == 1
    assert len({split.part(other) for other in others}) == 2


def test_nearly_everything_set_apart_is_refused() -> None:
    with pytest.raises(ValueError, match="to train with"):
        Split(val=0.5, test=0.5)


def test_the_documents_tell_of_each_format_what_it_loses() -> None:
    text = (ROOT / "docs/exports.md").read_text("utf-8")
    head, _, *rows = [
        [cell.strip().lstrip("`").partition("`")[0] for cell in line.split("|")[1:-1]]
        for line in re.findall(r"(?m)^\|.*\|$", text.partition("## What each can't say")[2])
    ]

    written = {name: one for name, one in FORMATS.items() if one.open}
    assert head[1:] == list(written), "a column for each format, in the order of the list"
    told = {
        name: {row[0] for row in rows if row[at].startswith("no")}
        for at, name in enumerate(head)
        if at
    }
    assert told == {name: set(one.loses) for name, one in written.items()}
