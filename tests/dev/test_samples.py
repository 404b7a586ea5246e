from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageOps
from scipy.ndimage import binary_dilation, binary_erosion

from dev import samples
from dev.cutouts import library
from dev.outlines import Part, Pixels, bounds, outline
from dev.samples import TaskType, Truth, compose
from labeling.annotations.geometry import fault_of
from labeling.annotations.shapes import Polygon

COUNT = 9


@pytest.fixture(scope="session")
def scenes(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Truth]:
    folder = tmp_path_factory.mktemp("polygons")
    return folder, compose("polygons", COUNT, 5, folder, source="packages")


def blot() -> Pixels:
    """Two parts, one of them with a hole."""
    image = Image.new("L", (120, 90))
    draw = ImageDraw.Draw(image)
    draw.ellipse((0, 5, 70, 80), fill=255)
    draw.ellipse((20, 30, 45, 60), fill=0)
    draw.polygon(((80, 10), (119, 20), (90, 70)), fill=255)
    return np.asarray(image)


def filled(parts: tuple[Part, ...], offset: tuple[int, int], alpha: Pixels) -> Pixels:
    """The polygon drawn at nine times the resolution, then judged pixel by pixel."""
    scale, (height, width) = 9, alpha.shape
    image = Image.new("L", (width * scale, height * scale))
    draw = ImageDraw.Draw(image)
    for part in parts:
        for ring, value in ((part.outer, 255), *((hole, 0) for hole in part.holes)):
            corners = [
                ((x * SIZE[0] - offset[0]) * scale, (y * SIZE[1] - offset[1]) * scale)
                for x, y in ring
            ]
            draw.polygon(corners, fill=value)
    return np.asarray(image.resize((width, height), Image.Resampling.BOX))


SIZE = (900, 700)


@pytest.mark.parametrize("class_name", ["blot", *library("packages").things])
def test_the_polygon_is_the_alpha_within_a_pixel(class_name: str) -> None:
    alpha = (
        blot()
        if class_name == "blot"
        else np.asarray(library("packages").things[class_name][0].image.getchannel("A"))
    )
    offset = (31, 17)

    drawn = filled(outline(alpha, offset, SIZE), offset, alpha) > 127

    solid = alpha > 127
    grown = np.asarray(binary_dilation(solid), dtype=bool)
    shrunk = np.asarray(binary_erosion(solid, border_value=1), dtype=bool)
    assert not (drawn & ~grown).any()
    assert not (shrunk & ~drawn).any()


def test_parts_and_holes_are_told_apart() -> None:
    parts = outline(blot(), (0, 0), (120, 90))

    assert sorted(len(part.holes) for part in parts) == [0, 1]


def test_parts_that_run_close_to_each_other_do_not_overlap() -> None:
    y, x = np.mgrid[:600, :900]
    disc = np.hypot((x - 450) / 440, (y - 300) / 290) < 1
    gap = abs(y - 300 - 10 * np.sin(x / 5)) < 1
    alpha = np.where(disc & ~gap, 255, 0).astype(np.uint8)

    parts = outline(alpha, (0, 0), (900, 600))

    said = [{"outer": part.outer, "holes": part.holes} for part in parts]
    assert len(parts) == 2
    assert fault_of(Polygon.model_validate({"parts": said}), 900, 600) is None


def test_the_box_is_the_opaque_pixels() -> None:
    alpha = np.zeros((20, 30), np.uint8)
    alpha[4:9, 10:12] = 255

    assert bounds(alpha, (100, 200), (400, 400)) == (110 / 400, 204 / 400, 112 / 400, 209 / 400)


def test_the_same_seed_makes_the_same_bytes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[dict[str, bytes]] = []
    for kept in ("one", "two"):
        monkeypatch.setattr(samples, "SAMPLES", tmp_path / kept)
        folder = tmp_path / f"{kept}-scenes"
        compose("boxes", 3, 11, folder, source="packages")
        files = [file for file in folder.rglob("*") if file.is_file()]
        made.append({str(file.relative_to(folder)): file.read_bytes() for file in files})

    assert made[0] == made[1]
    assert len(made[0]) == 4


def test_the_truth_describes_every_file_as_it_is_seen(scenes: tuple[Path, Truth]) -> None:
    folder, truth = scenes

    on_disk = {str(f.relative_to(folder)) for f in folder.rglob("*.*") if f.name != "truth.json"}
    assert {scene.path for scene in truth.scenes} == on_disk
    assert Truth.read(folder / "truth.json") == truth
    for scene in truth.scenes:
        with Image.open(folder / scene.path) as image:
            assert ImageOps.exif_transpose(image).size == (scene.width, scene.height)


def test_the_special_files_are_there(scenes: tuple[Path, Truth]) -> None:
    folder, truth = scenes
    by_index = truth.scenes

    assert by_index[samples.EMPTY].instances == ()
    assert by_index[samples.UNICODE].path == samples.UNICODE_NAME
    assert by_index[samples.HOSTILE].path == samples.HOSTILE_NAME
    assert by_index[samples.HUGE].width * by_index[samples.HUGE].height == 12_000_000
    assert any(part.holes for i in by_index[samples.HOLED].instances for part in i.polygon)
    rotated = by_index[samples.ROTATED]
    with Image.open(folder / rotated.path) as image:
        assert image.getexif()[0x0112] == 6
        assert image.size == (rotated.height, rotated.width)


def test_the_truth_of_the_rotated_photo_is_that_of_the_upright_one(
    scenes: tuple[Path, Truth],
) -> None:
    folder, truth = scenes
    scene = truth.scenes[samples.ROTATED]
    plain = compose("polygons", 7, 5, folder / "plain", source="packages").scenes[samples.ROTATED]

    with (
        Image.open(folder / scene.path) as stored,
        Image.open(folder / "plain" / plain.path) as upright,
    ):
        turned = np.asarray(ImageOps.exif_transpose(stored), dtype=int)
        difference = np.abs(turned - np.asarray(upright.convert("RGB"), dtype=int)).mean()

    assert plain.instances == scene.instances
    assert difference < 3  # JPEG alone


@pytest.mark.parametrize("task_type", ["multiclass", "multilabel", "boxes", "polygons"])
def test_every_thing_lies_inside_and_touches_no_other(task_type: TaskType, tmp_path: Path) -> None:
    truth = compose(task_type, 4, 3, tmp_path, source="packages")

    for scene in truth.scenes:
        boxes = [instance.box for instance in scene.instances]
        assert all(0 <= x0 < x1 <= 1 and 0 <= y0 < y1 <= 1 for x0, y0, x1, y1 in boxes)
        for n, (x0, y0, x1, y1) in enumerate(boxes):
            assert all(
                x1 < a0 or a1 < x0 or y1 < b0 or b1 < y0 for a0, b0, a1, b1 in boxes[n + 1 :]
            )
        if task_type == "multiclass":
            assert len(scene.tags) == 1
