"""What Label Studio, CVAT and others than ourselves write, by hand from their documentation."""

from __future__ import annotations

import json
from typing import Any

import pytest

from labeling.errors import Invalid
from labeling.exchange.formats import FORMATS, guessed
from labeling.exchange.formats.format import Format, Remark, Shape
from tests.labeling.exchange.formats.any_file import brought, packed, read, shapes_of

LABEL_STUDIO, CVAT = FORMATS["label_studio"], FORMATS["cvat"]
IMAGENET, YOLO, CSV, AZURE_ML, VOC = (
    FORMATS[name] for name in ("imagenet", "yolo", "csv", "azureml", "voc")
)


def task(*results: dict[str, Any], image: str = "owl.jpg", **more: Any) -> str:
    said = {"data": {"image": image}, "annotations": [{"result": list(results)}], **more}
    return json.dumps([said])


def rectangle(**more: Any) -> dict[str, Any]:
    place = {"x": 10, "y": 20, "width": 30, "height": 40, "rectanglelabels": ["owl"], **more}
    return {"value": place, "original_width": 200, "original_height": 100}


def test_label_studio_says_places_in_percent() -> None:
    polygon = {"value": {"points": [[0, 0], [50, 0], [50, 50]], "polygonlabels": ["wren"]}}
    choice = {"value": {"choices": ["day", "rain"]}}
    file = brought("a.json", task(rectangle(), polygon, choice))

    assert guessed(file) is LABEL_STUDIO
    assert shapes_of(LABEL_STUDIO, file)["owl.jpg"] == [
        Shape("owl", pytest.approx((0.1, 0.2, 0.4, 0.6))),
        Shape("wren", parts=[([(0, 0), (0.5, 0), (0.5, 0.5)], [])]),
        Shape("day"),
        Shape("rain"),
    ]


def test_a_rectangle_turned_by_a_quarter_lies_beside_its_corner() -> None:
    described, remarks = read(LABEL_STUDIO, brought("a.json", task(rectangle(rotation=90))))

    # 60 x 40 pixels from (20, 20), turned around that corner: 40 to the left, 60 down.
    assert remarks == [Remark("rotated", "owl.jpg: task 1")]
    corners = [point for one in described for s in one.shapes for point in s.parts[0][0]]
    assert [(round(x * 200), round(y * 100)) for x, y in corners] == [
        (20, 20),
        (20, 80),
        (-20, 80),
        (-20, 20),
    ]


def test_predictions_count_where_nobody_has_annotated() -> None:
    predictions = [{"score": 0.7, "result": [rectangle()]}]
    cancelled = [{"was_cancelled": True, "result": [rectangle(), rectangle()]}]
    file = brought("a.json", task(predictions=predictions, annotations=cancelled))

    assert [one.confidence for one in shapes_of(LABEL_STUDIO, file)["owl.jpg"]] == [0.7]


@pytest.mark.parametrize(
    "image",
    [
        "/data/local-files/?d=birds/owl.jpg",
        "/data/upload/3/0a1b2c3d-owl.jpg",
        "azure-blob://photos/birds/owl.jpg",
    ],
)
def test_what_label_studio_adds_to_names_is_taken_away(image: str) -> None:
    assert list(shapes_of(LABEL_STUDIO, brought("a.json", task(rectangle(), image=image)))) == [
        "owl.jpg"
    ]


def test_brushes_of_label_studio_are_told() -> None:
    brush = {"value": {"format": "rle", "rle": [1, 2], "brushlabels": ["owl"]}}
    _, remarks = read(LABEL_STUDIO, brought("a.json", task(brush)))

    assert remarks == [Remark("not_a_shape", "owl.jpg: task 1")]


def cvat(inner: str) -> str:
    return f"<?xml version='1.0'?><annotations><version>1.1</version>{inner}</annotations>"


def test_cvat_says_places_in_pixels() -> None:
    xml = cvat("""
        <image id="0" name="birds/owl.jpg" width="200" height="100">
          <box label="owl" xtl="1" ytl="2" xbr="3" ybr="4"><attribute name="a">b</attribute></box>
          <polygon label="wren" points="0,0;5,0;5,5"/>
          <tag label="day"/>
          <mask label="owl" rle="1, 2, 1, 1, 1" left="10" top="20" width="3" height="2"/>
          <polyline label="owl" points="0,0;5,0"/>
        </image>""")
    described, remarks = read(CVAT, brought("annotations.xml", xml))

    assert guessed(packed({"annotations.xml": xml, "images/owl.jpg": ""})) is CVAT
    assert remarks == [Remark("not_a_shape", "birds/owl.jpg: polyline owl")]
    (one,) = described
    assert (one.path, one.width, one.height, one.in_pixels) == ("birds/owl.jpg", 200, 100, True)
    box, polygon, tag, mask = one.shapes
    assert box == Shape("owl", (1, 2, 3, 4), attributes={"a": "b"})
    assert polygon == Shape("wren", parts=[([(0, 0), (5, 0), (5, 5)], [])])
    assert tag == Shape("day")
    # Row by row: the second and third pixel of the first, the second of the next.
    points = {point for outer, _ in mask.parts for point in outer}
    assert points == {(11, 20), (13, 20), (13, 21), (12, 21), (12, 22), (11, 22)}


def test_a_turned_box_of_cvat_turns_around_its_middle() -> None:
    xml = cvat(
        '<image name="a.jpg" width="9" height="9">'
        '<box label="owl" xtl="2" ytl="4" xbr="6" ybr="6" rotation="90"/></image>'
    )
    described, remarks = read(CVAT, brought("a.xml", xml))

    assert [remark.kind for remark in remarks] == ["rotated"]
    corners = [point for one in described for s in one.shapes for point in s.parts[0][0]]
    assert {(round(x), round(y)) for x, y in corners} == {(5, 3), (5, 7), (3, 7), (3, 3)}


def test_tracks_of_cvat_are_taken_where_they_are_seen() -> None:
    box = 'xtl="1" ytl="1" xbr="2" ybr="2"'
    xml = cvat(
        "<meta><original_size><width>9</width><height>8</height></original_size></meta>"
        f'<track id="0" label="owl"><box frame="0" outside="0" {box}/>'
        f'<box frame="1" outside="1" {box}/></track>'
    )
    described, _ = read(CVAT, brought("a.xml", xml))

    assert [(one.path, one.stem, one.width) for one in described] == [("frame_000000", True, 9)]


def test_a_broken_xml_file_is_refused() -> None:
    with pytest.raises(Invalid, match="no XML"):
        read(CVAT, brought("a.xml", "<annotations><image"))


def test_yolo_says_boxes_outlines_and_how_sure_it_is() -> None:
    archive = packed(
        {
            "data.yaml": "names: [owl, wren]",
            "labels/train/1.txt": "0 0.5 0.5 0.2 0.4 0.9\n1 0 0 1 0 1 1\n\n7 0.5 0.5 1 1\n0 0.5 nan 1 1",
            "images/train/1.jpg": "",
        }
    )
    described, remarks = read(YOLO, archive)

    assert guessed(archive) is YOLO
    assert [remark.kind for remark in remarks] == ["no_such_class", "unreadable_row"]
    (one,) = described
    assert (one.path, one.stem) == ("train/1", True)
    assert one.shapes == [
        Shape("owl", pytest.approx((0.4, 0.3, 0.6, 0.7)), confidence=0.9),
        Shape("wren", parts=[([(0, 0), (1, 0), (1, 1)], [])]),
    ]


def test_yolo_without_names_of_classes_is_refused() -> None:
    with pytest.raises(Invalid, match=r"data\.yaml"):
        read(YOLO, packed({"labels/1.txt": "0 0.5 0.5 1 1"}))


@pytest.mark.parametrize("format", [IMAGENET, YOLO])
def test_images_in_folders_are_of_the_class_of_their_folder(format: Format) -> None:
    archive = packed({"train/owl/1.jpg": "", "val/wren/2.jpg": "", "notes.md": ""})

    assert guessed(archive) is IMAGENET
    assert shapes_of(format, archive) == {"1.jpg": [Shape("owl")], "2.jpg": [Shape("wren")]}


def test_folders_have_the_names_that_their_list_gives_them() -> None:
    said = "folder,class,class_id\n0-owl,'=Owl,c1\n"
    archive = packed({"folders.csv": said, "train/0-owl/1.jpg": "", "train/other/2.jpg": ""})

    assert guessed(archive) is IMAGENET
    assert shapes_of(IMAGENET, archive) == {"1.jpg": [Shape("=Owl")], "2.jpg": [Shape("other")]}


def test_tables_of_others_are_read_by_their_columns() -> None:
    file = brought(
        "a.csv", "filename;label;xmin;ymin;xmax;ymax;score\nowl.jpg;owl;1;2;3;4;0.5\n;x\n"
    )
    described, remarks = read(CSV, file)

    assert guessed(file) is CSV
    assert [remark.kind for remark in remarks] == ["unreadable_row"]
    assert [(one.in_pixels, one.shapes) for one in described] == [
        (True, [Shape("owl", (1, 2, 3, 4), confidence=0.5)])
    ]


def test_both_versions_of_azures_lines_are_read() -> None:
    lines = [
        {"image_url": "AmlDatastore://d/1.jpg", "label": "can", "label_confidence": 0.9},
        {"image_url": "azureml://s/datastores/d/paths/2.jpg", "label": ["can", "box"]},
        {
            "image_url": "AmlDatastore://d/3.jpg",
            "image_details": {"width": "499px", "height": 666},
            "label": [
                {
                    "label": "can",
                    "topX": 0.7,
                    "topY": 0.4,
                    "bottomX": 0.2,
                    "bottomY": 0.8,
                    "isCrowd": "true",
                }
            ],
        },
    ]
    file = brought("labels.jsonl", "\n".join([*map(json.dumps, lines), "{", ""]))
    described, remarks = read(AZURE_ML, file)

    assert guessed(file) is AZURE_ML
    assert [remark.kind for remark in remarks] == ["crowd", "unreadable_row"]
    assert [one.shapes for one in described] == [
        [Shape("can", confidence=0.9)],
        [Shape("can"), Shape("box")],
        [Shape("can", (0.7, 0.4, 0.2, 0.8))],
    ]
    assert (described[2].width, described[2].height) == (499, 666)


def test_a_file_of_voc_without_a_name_is_called_like_itself() -> None:
    corners = "<xmin>1</xmin><ymin>2</ymin><xmax>3</xmax><ymax>{}</ymax>"
    thing = f"<object><name>owl</name><bndbox>{corners}</bndbox></object>"
    archive = packed(
        {"Annotations/1.xml": f"<annotation>{thing.format(4)}{thing.format('x')}</annotation>"}
    )
    described, remarks = read(VOC, archive)

    assert [remark.kind for remark in remarks] == ["unreadable_shape"]
    assert [(one.path, one.stem, one.shapes) for one in described] == [
        ("Annotations/1", True, [Shape("owl", (1, 2, 3, 4))])
    ]
