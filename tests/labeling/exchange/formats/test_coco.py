from __future__ import annotations

import json
import tracemalloc
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image, ImageDraw
from pycocotools.coco import COCO

from labeling.annotations.classes import LabelClass
from labeling.annotations.shapes import Annotation, Box, Origin, Part, Point, Polygon, Tag
from labeling.exchange.formats.coco import CocoWriter, to_pixels
from labeling.exchange.formats.format import Options, Subject
from labeling.exchange.formats.output import Output
from labeling.items.records import Item, Labeling

# pycocotools 2.0.11 decodes masks by a way of making arrays that numpy 2 has deprecated.
decodes_masks = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")

CLASSES = [
    LabelClass(class_id="c2", name="Animal/Cat"),
    LabelClass(class_id="c1", name="Vehicle"),
    LabelClass(class_id="c3", name="Animal/Bird/Owl"),
]
BIRDS = Subject(
    project="올빼미",
    task_type="polygons",
    classes=CLASSES,
    address="https://account.blob.core.windows.net/photos",
    as_of=datetime(2026, 5, 4, tzinfo=UTC),
    options=Options(),
    container="photos",
)

STAR: list[Point] = [
    (0.5, 0.1),
    (0.6, 0.4),
    (0.9, 0.5),
    (0.6, 0.6),
    (0.5, 0.9),
    (0.3, 0.6),
    (0.1, 0.5),
]
FRAME: list[Point] = [(0.1, 0.1), (0.7, 0.1), (0.7, 0.8), (0.1, 0.8)]
HOLE: list[Point] = [(0.2, 0.2), (0.6, 0.25), (0.5, 0.7), (0.2, 0.6)]
ISLAND: list[Point] = [(0.3, 0.35), (0.4, 0.35), (0.35, 0.5)]
CORNER: list[Point] = [(0.8, 0.8), (1.0, 0.8), (1.0, 1.0), (0.8, 1.0)]


def item(number: int = 1, path: str = "birds/owl.jpg", size: tuple[int, int] = (640, 480)) -> Item:
    return Item(f"i{number}", path, "0x8D", "0", width=size[0], height=size[1])


def annotation(geometry: Tag | Box | Polygon, class_id: str = "c2") -> Annotation:
    return Annotation(annotation_id="a1", class_id=class_id, geometry=geometry)


def labeling(*annotations: Annotation) -> Labeling:
    return Labeling(
        outcome="labeled",
        annotations=list(annotations),
        labeler="ada",
        saved_at=datetime(2026, 5, 4, tzinfo=UTC),
        classes_version=1,
        submission_id="s1",
    )


def polygon(*parts: tuple[list[Point], list[list[Point]]]) -> Polygon:
    return Polygon(parts=[Part(outer=outer, holes=holes) for outer, holes in parts])


def written(folder: Path, *images: tuple[Item, Labeling], about: Subject = BIRDS) -> Path:
    with Output(folder) as output, CocoWriter(output, about) as coco:
        for one, said in images:
            coco.add(one, said)
        coco.finish()
    return folder / "annotations.json"


def annotations_of(folder: Path, *geometries: Tag | Box | Polygon) -> list[dict[str, Any]]:
    done = written(folder, (item(), labeling(*map(annotation, geometries))))
    return json.loads(done.read_bytes())["annotations"]


def raster(
    outlines: Sequence[list[Point]], holes: Sequence[list[Point]], size: tuple[int, int]
) -> NDArray[np.bool_]:
    """What Pillow fills, at eight times the size so that its thick border counts little."""
    fine = 8
    image = Image.new("1", (size[0] * fine, size[1] * fine))
    draw = ImageDraw.Draw(image)
    for rings, ink in ((outlines[:1], 1), (holes, 0), (outlines[1:], 1)):
        for ring in rings:
            draw.polygon([(x * size[0] * fine, y * size[1] * fine) for x, y in ring], fill=ink)
    return np.asarray(image)[fine // 2 :: fine, fine // 2 :: fine]


def overlap(one: NDArray[Any], other: NDArray[Any]) -> float:
    return np.logical_and(one, other).sum() / np.logical_or(one, other).sum()


def test_images_categories_and_info_are_what_pycocotools_reads(tmp_path: Path) -> None:
    done = written(tmp_path, (item(1), labeling()), (item(2, "b.png", (30, 40)), labeling()))

    coco = COCO(str(done))

    assert coco.imgs == {
        1: {
            "id": 1,
            "file_name": "birds/owl.jpg",
            "width": 640,
            "height": 480,
            "labelry_item_id": "i1",
        },
        2: {"id": 2, "file_name": "b.png", "width": 30, "height": 40, "labelry_item_id": "i2"},
    }
    assert coco.cats == {
        1: {"id": 1, "name": "Animal/Cat", "supercategory": "Animal"},
        2: {"id": 2, "name": "Vehicle", "supercategory": ""},
        3: {"id": 3, "name": "Animal/Bird/Owl", "supercategory": "Animal/Bird"},
    }
    whole = json.loads(done.read_bytes())
    assert whole["info"] == {
        "description": "올빼미",
        "contributor": "Labelry",
        "version": "1.0",
        "year": 2026,
        "date_created": "2026-05-04T00:00:00+00:00",
        "labelry_location": "photos",
    }
    assert list(whole) == ["info", "licenses", "images", "annotations", "categories"]


def test_a_file_without_images_is_a_coco_file(tmp_path: Path) -> None:
    coco = COCO(str(written(tmp_path)))

    assert (coco.imgs, coco.anns, len(coco.cats)) == ({}, {}, 3)


def test_annotations_are_numbered_from_one_and_know_their_image(tmp_path: Path) -> None:
    done = written(
        tmp_path,
        (item(1), labeling(annotation(Tag()), annotation(Tag(), "c1"))),
        (item(2), labeling()),
        (item(3), labeling(annotation(Tag(), "c3"))),
    )

    coco = COCO(str(done))

    assert [(a["id"], a["image_id"], a["category_id"]) for a in coco.anns.values()] == [
        (1, 1, 1),
        (2, 1, 2),
        (3, 3, 3),
    ]
    assert coco.getImgIds(catIds=[3]) == [3]


def test_a_class_that_is_not_listed_is_refused_and_nothing_of_the_image_written(
    tmp_path: Path,
) -> None:
    with Output(tmp_path) as output, CocoWriter(output, BIRDS) as coco:
        with pytest.raises(ValueError, match="'c9'"):
            coco.add(item(), labeling(annotation(Tag()), annotation(Tag(), "c9")))
        coco.finish()

    found = COCO(str(tmp_path / "annotations.json"))
    assert (found.imgs, found.anns) == ({}, {})


def test_a_class_said_twice_of_an_image_is_one_annotation_without_a_box(tmp_path: Path) -> None:
    assert annotations_of(tmp_path, Tag(), Tag()) == [
        {"id": 1, "image_id": 1, "category_id": 1, "iscrowd": 0}
    ]


def test_an_annotation_made_from_a_suggestion_says_so(tmp_path: Path) -> None:
    origin = Origin(prelabel="p1", run_id="run-1", changed=True)
    made = annotation(Tag()).model_copy(update={"origin": origin})

    done = written(tmp_path, (item(), labeling(made, annotation(Tag(), "c1"))))

    records = json.loads(done.read_bytes())["annotations"]
    assert records[0]["labelry_prelabel"] == {"run_id": "run-1", "changed": True}
    assert "labelry_prelabel" not in records[1]


def test_a_box_is_in_pixels_with_two_decimals(tmp_path: Path) -> None:
    assert annotations_of(tmp_path, Box(x0=1 / 3, y0=0.25, x1=2 / 3, y1=0.751)) == [
        {
            "id": 1,
            "image_id": 1,
            "category_id": 1,
            "iscrowd": 0,
            "bbox": [213.33, 120.0, 213.34, 240.48],
            "area": 51304.0,
            "segmentation": [],
        }
    ]


def test_a_polygon_without_holes_is_a_list_of_rings(tmp_path: Path) -> None:
    (one,) = annotations_of(tmp_path, polygon((ISLAND, []), (CORNER, [])))

    assert one["segmentation"] == [
        [192.0, 168.0, 256.0, 168.0, 224.0, 240.0],
        [512.0, 384.0, 640.0, 384.0, 640.0, 480.0, 512.0, 480.0],
    ]
    assert one["bbox"] == [192.0, 168.0, 448.0, 312.0]
    assert one["area"] == 64 * 72 / 2 + 128 * 96


def test_the_area_of_a_polygon_is_exact_and_without_its_holes(tmp_path: Path) -> None:
    hole: list[Point] = [(0.2, 0.2), (0.4, 0.2), (0.4, 0.5)]

    (one,) = annotations_of(tmp_path, polygon((FRAME, [hole]), (CORNER, [])))

    assert one["area"] == round((0.6 * 0.7 - 0.2 * 0.3 / 2 + 0.2 * 0.2) * 640 * 480, 2)
    assert one["bbox"] == [64.0, 48.0, 576.0, 432.0]
    assert one["iscrowd"] == 0


@decodes_masks
@pytest.mark.parametrize("size", [(640, 480), (333, 977)])
def test_the_mask_of_a_polygon_is_what_is_inside_it(tmp_path: Path, size: tuple[int, int]) -> None:
    said = labeling(annotation(polygon((STAR, []), (CORNER, []))))
    coco = COCO(str(written(tmp_path, (item(size=size), said))))

    found = coco.annToMask(coco.anns[1])

    assert found.shape == size[::-1]
    assert overlap(found, raster([STAR, CORNER], [], size)) > 0.99


@decodes_masks
@pytest.mark.parametrize("size", [(640, 480), (333, 977)])
def test_holes_are_cut_out_and_what_lies_in_them_is_not(
    tmp_path: Path, size: tuple[int, int]
) -> None:
    said = labeling(annotation(polygon((FRAME, [HOLE]), (ISLAND, []), (CORNER, []))))
    coco = COCO(str(written(tmp_path, (item(size=size), said))))

    found = coco.annToMask(coco.anns[1])

    assert found.shape == size[::-1]
    assert overlap(found, raster([FRAME, ISLAND, CORNER], [HOLE], size)) > 0.99
    assert found.sum() == pytest.approx(coco.anns[1]["area"], rel=0.01)
    assert not found[int(0.6 * size[1]), int(0.4 * size[0])]
    assert found[int(0.4 * size[1]), int(0.35 * size[0])]


@decodes_masks
def test_an_image_that_is_all_one_thing_with_a_hole_has_its_hole(tmp_path: Path) -> None:
    everything: list[Point] = [(0, 0), (1, 0), (1, 1), (0, 1)]
    hole: list[Point] = [(0, 0), (0.5, 0), (0.5, 1), (0, 1)]
    said = labeling(annotation(polygon((everything, [hole]))))
    coco = COCO(str(written(tmp_path, (item(size=(8, 4)), said))))

    assert coco.annToMask(coco.anns[1]).tolist() == [[0, 0, 0, 0, 1, 1, 1, 1]] * 4


rings = st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1)), min_size=3, max_size=6, unique=True)


@decodes_masks
@given(outer=rings, hole=rings, size=st.tuples(st.integers(1, 90), st.integers(1, 90)))
def test_a_mask_with_a_hole_is_the_outline_without_the_mask_of_the_hole(
    tmp_path_factory: pytest.TempPathFactory,
    outer: list[Point],
    hole: list[Point],
    size: tuple[int, int],
) -> None:
    try:
        shapes = [polygon((outer, [hole])), polygon((outer, [])), polygon((hole, []))]
    except ValueError:  # no area
        return
    said = labeling(*map(annotation, shapes))
    folder = tmp_path_factory.mktemp("coco")
    coco = COCO(str(written(folder, (item(size=size), said))))

    holed, whole, cut = (coco.annToMask(coco.anns[number]) for number in (1, 2, 3))

    assert (holed == (whole & ~cut & 1)).all()


def test_a_hole_in_a_large_image_does_not_cost_its_pixels(tmp_path: Path) -> None:
    said = labeling(annotation(polygon((FRAME, [HOLE]))))

    tracemalloc.start()
    done = written(tmp_path, (item(size=(25_000, 20_000)), said))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()

    (one,) = json.loads(done.read_bytes())["annotations"]
    assert one["segmentation"]["size"] == [20_000, 25_000]
    assert peak < 20_000_000


@given(st.floats(0, 1), st.integers(1, 30_000))
def test_a_coordinate_comes_back_from_pixels_within_half_a_hundredth(
    fraction: float, side: int
) -> None:
    rounding = 1e-12  # of the division itself

    assert abs(to_pixels(fraction, side) / side - fraction) <= 0.005 / side + rounding
    assert 0 <= to_pixels(fraction, side) <= side


@pytest.mark.parametrize(
    "path",
    [
        "유니코드/고양이와 café ñandú 🐦.jpg",
        '100% of #1/it\'s a "photo" & more\\less;=.jpg',
        "a\u0301/\u1100\u1161.png",
    ],
)
def test_file_names_come_back_as_they_were(tmp_path: Path, path: str) -> None:
    done = written(tmp_path, (item(path=path), labeling()))

    assert COCO(str(done)).imgs[1]["file_name"] == path
    assert done.read_bytes().isascii()


def test_each_labeled_frame_is_an_image_of_its_own_size(tmp_path: Path) -> None:
    scan = replace(item(path="scan.tif"), frames=4, frame_sizes="640x480*3,100x200*1")
    box = Box(x0=0.1, y0=0.1, x1=0.6, y1=0.6)
    said = [annotation(box).model_copy(update={"frame": frame}) for frame in (3, 1, 3)]

    file = json.loads(
        written(tmp_path, (scan, labeling(*said)), (item(2), labeling())).read_bytes()
    )

    images = [(image["id"], image["width"], image.get("labelry_frame")) for image in file["images"]]
    assert images == [(1, 640, 1), (2, 100, 3), (3, 640, None)]
    assert [(one["image_id"], one["bbox"]) for one in file["annotations"]] == [
        (1, [64, 48, 320, 240]),
        (2, [10, 20, 50, 100]),
        (2, [10, 20, 50, 100]),
    ]
    assert {image["file_name"] for image in file["images"][:2]} == {"scan.tif"}


def test_an_image_tells_what_its_owner_calls_it_and_wrote_about_it(tmp_path: Path) -> None:
    about = json.dumps({"external_id": "case 7", "site": "north"})

    file = written(tmp_path, (replace(item(), about=about), labeling()), (item(2), labeling()))

    known, plain = json.loads(file.read_bytes())["images"]
    assert known["labelry_external_id"] == "case 7"
    assert known["labelry_metadata"] == {"external_id": "case 7", "site": "north"}
    assert not plain.keys() & {"labelry_external_id", "labelry_metadata"}


COME = 1_701_989_576_108
"""When an image came, in milliseconds: 2023-12-07 22:52:56.108 UTC."""
DATASTORE = "azureml://subscriptions/s/resourcegroups/g/workspaces/w/datastores/fruit"


def as_azure(folder: Path, *said: Tag | Box | Polygon, datastore: str = "") -> dict[str, Any]:
    options = Options(azure=True, datastore=datastore)
    about = replace(BIRDS, options=options, container="fruit", folder="d-1/")
    one = replace(item(path="a b/#1.jpg"), registered_ms=COME)
    return json.loads(
        written(folder, (one, labeling(*map(annotation, said))), about=about).read_bytes()
    )


def test_as_azure_has_it_an_image_has_its_addresses(tmp_path: Path) -> None:
    (named,) = as_azure(tmp_path, datastore=DATASTORE)["images"]

    assert named == {
        "id": 1,
        "file_name": "a b/#1.jpg",
        "width": 640,
        "height": 480,
        "labelry_item_id": "i1",
        "coco_url": "AmlDatastore://fruit/d-1/a b/#1.jpg",
        "absolute_url": "https://account.blob.core.windows.net/photos/a%20b/%231.jpg",
        "date_captured": "2023-12-07T22:52:56.1080000Z",
    }


def test_as_azure_has_it_an_image_of_no_datastore_is_where_storage_has_it(tmp_path: Path) -> None:
    (image,) = as_azure(tmp_path)["images"]

    assert image["coco_url"] == image["absolute_url"]


def test_as_azure_has_it_places_are_fractions_and_masks_are_of_pixels(tmp_path: Path) -> None:
    box = Box(x0=0.1, y0=0.2, x1=0.4, y1=1)  # 0.4 - 0.1 is 0.30000000000000004 to computers
    corner: list[Point] = [(1 / 3, 0), (1, 0), (1, 0.5)]

    tag, boxed, outlined, holed = as_azure(
        tmp_path, Tag(), box, polygon((corner, [])), polygon((FRAME, [HOLE]))
    )["annotations"]

    assert (tag["area"], tag.get("bbox")) == (0.0, None)
    assert (boxed["bbox"], boxed["area"]) == ([0.1, 0.2, 0.3, 0.8], 0.24)
    assert outlined["segmentation"] == [[0.3333333333, 0.0, 1.0, 0.0, 1.0, 0.5]]
    assert outlined["area"] == pytest.approx(2 / 3 / 4)
    assert holed["segmentation"]["size"] == [480, 640]
    assert holed["bbox"] == [0.1, 0.1, 0.6, 0.7]
