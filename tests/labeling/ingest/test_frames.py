"""TIFF and DICOM, from the file that lands to what a labeler is shown of it."""

from __future__ import annotations

import gzip
import json
import logging
from io import BytesIO
from typing import Any

import numpy as np
import pydicom
import pytest
import tifffile
from PIL import Image

from labeling import layout
from labeling.ingest import renditions
from labeling.ingest.renditions import Render
from labeling.projects.access import Caller
from labeling.projects.projects import Project
from labeling.review import ItemFilter
from labeling.tasks.images import FrameView, SignRequest
from tests.labeling.ingest.test_refresh import refresh
from tests.labeling.ingest.test_renditions import copies, only, place
from tests.labeling.media.test_dicom import RAMP, SAMPLES, dicom
from tests.world import ADMIN, PHOTOS, World

SECRET = "KANDINSKY"


def tiff(*pages: Any) -> bytes:
    file = BytesIO()
    with tifffile.TiffWriter(file) as writer:
        for page in pages:
            writer.write(page, photometric="minisblack", metadata=None)
    return file.getvalue()


def broken_page() -> bytes:
    """Three pages, of which the second is none that can be unpacked."""
    file = BytesIO()
    with tifffile.TiffWriter(file) as writer:
        for _ in range(3):
            writer.write(RAMP, photometric="minisblack", metadata=None, compression="zlib")
    data = bytearray(file.getvalue())
    with tifffile.TiffFile(BytesIO(bytes(data))) as opened:
        start = opened.pages[1].dataoffsets[0]
    data[start : start + 40] = bytes(40)
    return bytes(data)


def noise() -> bytes:
    """A photo that is larger than its copies."""
    pixels = np.random.default_rng(1).integers(0, 255, (1500, 2000), np.uint8)
    file = BytesIO()
    Image.fromarray(pixels).save(file, "JPEG")
    return file.getvalue()


def frame(world: World, project: Project, labeler: Caller, number: int) -> FrameView:
    request = SignRequest(item_ids=[only(world, project).item_id], frame=number)
    answer = world.services.tasks.images.sign(world.open(project, labeler), labeler, request)
    return answer.frames[only(world, project).item_id]


def pixels(world: World, address: str) -> Any:
    with Image.open(BytesIO(world.storage.blobs.read(*place(address)))) as image:
        return np.asarray(image)


def test_a_tiff_becomes_an_item_with_its_size_frames_and_copies(world: World) -> None:
    world.upload("scan.TIFF", data=tiff(*(np.full((60, 500), n, np.uint8) for n in (9, 90, 200))))

    project = world.project()

    item = only(world, project)
    assert (item.media, item.width, item.height, item.frames) == ("tiff", 500, 60, 3)
    assert item.renditions == "400,frame"
    (shown,) = world.task(project, world.member(project, "ann")).items
    assert pixels(world, shown.images.thumbnail).shape[:2] == (48, 400)
    assert pixels(world, shown.images.full).shape[:2] == (60, 500)
    assert place(shown.images.full)[0] == layout.RENDITIONS


def test_every_frame_is_made_when_it_is_asked_for_and_once(world: World) -> None:
    world.upload("scan.tif", data=tiff(*(np.full((60, 50), n, np.uint8) for n in (9, 90, 200))))
    project = world.project()
    ann = world.member(project, "ann")
    world.task(project, ann)
    made = len(copies(world))

    third = frame(world, project, ann, 2)

    assert third.values is None
    assert abs(int(pixels(world, third.url)[0, 0, 0]) - 200) <= 2
    assert len(copies(world)) == made + 2
    world.storage.blobs.delete(PHOTOS, "scan.tif")
    assert frame(world, project, ann, 2) == third
    assert "no frame 3" in (frame(world, project, ann, 3).problem or "")


def test_stored_values_come_with_what_they_mean(world: World) -> None:
    world.upload(
        "ct.dcm", data=dicom(RescaleSlope=2, RescaleIntercept=-5, Modality="CT").getvalue()
    )
    project = world.project()
    ann = world.member(project, "ann")
    world.task(project, ann)

    first = frame(world, project, ann, 0)

    assert first.facts is not None
    assert first.facts.grey is not None
    grey = first.facts.grey
    assert (grey.type, grey.slope, grey.intercept, grey.unit) == ("int16", 2, -5, "HU")
    stored = gzip.decompress(world.storage.blobs.read(*place(first.values or "")))
    assert np.array_equal(np.frombuffer(stored, "<i2").reshape(RAMP.shape), RAMP)


def test_what_needs_a_copy_and_has_none_yet_shows_nothing_until_it_is_asked_for(
    world: World,
) -> None:
    world.upload("ct.dcm", data=dicom().getvalue())
    project = world.project()
    item = only(world, project)
    items = world.services.projects.items(project)
    items.overwritten(item.item_id, "other", 1)
    items.overwritten(item.item_id, item.blob_etag, item.size)
    world.services.ingest.measure_items(project, [only(world, project)])
    for blob in copies(world):
        world.storage.blobs.delete(layout.RENDITIONS, blob)
    ann = world.member(project, "ann")

    (shown,) = world.task(project, ann).items

    assert shown.images.preview == shown.images.full == ""
    assert pixels(world, frame(world, project, ann, 0).url).shape[:2] == RAMP.shape


@pytest.mark.parametrize(
    ("name", "data", "reason"),
    [
        ("plan.dcm", (SAMPLES / "rtplan.dcm").read_bytes(), "this DICOM file holds no image"),
        ("cut.dcm", dicom().getvalue()[:-100], "its pixels are cut off or damaged"),
        ("photo.tif", b"\xff\xd8\xff" * 100, "not a TIFF file, or its header is damaged"),
        ("none.dicom", b"", "the file is empty"),
        ("cut.tif", tiff(RAMP)[:-500], "the page is cut off or damaged"),
    ],
)
def test_what_cant_be_decoded_becomes_unreadable_with_a_reason(
    world: World, name: str, data: bytes, reason: str
) -> None:
    world.upload(name, data=data)

    project = world.project()

    item = only(world, project)
    assert (item.state, item.barred_reason) == ("unreadable", reason)
    assert world.counters(project) == world.recount(project)


def test_a_file_that_was_replaced_by_a_good_one_is_labeled(world: World) -> None:
    world.upload("a.dcm", data=dicom().getvalue()[:-100])
    project = world.project()
    assert only(world, project).state == "unreadable"

    world.upload("a.dcm", data=dicom().getvalue())
    refresh(world, project)

    assert only(world, project).state == "available"
    assert only(world, project).renditions == "frame"


def test_a_frame_that_is_cut_off_says_so_and_the_others_are_shown(world: World) -> None:
    stack = np.stack([RAMP] * 3)
    world.upload("a.dcm", data=dicom(stack).getvalue()[:-100])
    project = world.project()
    ann = world.member(project, "ann")
    world.task(project, ann)

    assert frame(world, project, ann, 1).problem is None
    assert frame(world, project, ann, 2).problem == "its pixels are cut off or damaged"


def flags(world: World, project: Project) -> tuple[str, str, dict[str, int]]:
    """The only item's flag, its words, and the flags that progress counts."""
    opened = world.open(project, ADMIN)
    (line,) = world.services.review.list(opened, ItemFilter()).items
    assert world.counters(project) == world.recount(project)
    return line.flag, line.reason, world.services.progress.get(opened).flags


@pytest.mark.parametrize(
    ("name", "data", "why"),
    [
        (
            "a.dcm",
            dicom(np.stack([RAMP] * 3)).getvalue()[:-100],
            "frame 3 of 3: its pixels are cut off or damaged",
        ),
        (
            "a.dcm",
            dicom(np.stack([RAMP] * 3), NumberOfFrames=2).getvalue(),
            "it holds more frames than it states: only the first 2 are shown",
        ),
        ("a.tif", tiff(RAMP, RAMP, RAMP)[:-100], "frame 3 of 3: the page is cut off or damaged"),
        ("a.tif", broken_page(), "frame 2 of 3: the page is cut off or damaged"),
        ("a.jpg", noise()[:-3000], "the image is cut off or damaged"),
    ],
)
def test_damage_behind_what_is_shown_first_is_a_flag_with_words(
    world: World, name: str, data: bytes, why: str
) -> None:
    world.upload(name, data=data)

    project = world.project()

    assert only(world, project).state == "available"
    assert flags(world, project) == ("damaged", why, {"damaged": 1})


def test_a_whole_file_has_no_flag_and_a_whole_one_in_its_place_takes_it_away(world: World) -> None:
    stack = dicom(np.stack([RAMP] * 3)).getvalue()
    world.upload("a.dcm", data=stack[:-100])
    project = world.project()
    world.services.projects.items(project).note_missing(only(world, project).item_id, True)
    assert flags(world, project)[0] == "missing"
    world.services.projects.items(project).note_missing(only(world, project).item_id, False)
    assert flags(world, project)[0] == "damaged"

    world.upload("a.dcm", data=stack)
    refresh(world, project)

    assert flags(world, project) == ("", "", {})


def test_a_frame_that_turns_out_damaged_when_somebody_looks_is_flagged_then(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(renditions, "LOOKED_THROUGH_S", 0.0)
    world.upload("a.tif", data=broken_page())
    project = world.project()
    ann = world.member(project, "ann")
    world.task(project, ann)
    assert flags(world, project)[0] == ""

    said = frame(world, project, ann, 1).problem

    assert flags(world, project)[:2] == ("damaged", f"frame 2 of 3: {said}")


def marked() -> bytes:
    """A DICOM file with a mark in every tag that takes text, as the patient's are."""
    file = dicom(WindowCenter=40, WindowWidth=400, RescaleSlope=1, RescaleIntercept=0)
    file.seek(0)
    dataset = pydicom.dcmread(file)
    dataset.preamble = SECRET.encode().ljust(128, b"\0")
    dataset.file_meta.SourceApplicationEntityTitle = SECRET
    used = {element.tag for element in dataset}
    for tag, (vr, multiplicity, _name, retired, _keyword) in _every_tag():
        free = vr in ("PN", "LO", "SH", "ST", "LT", "UT", "UC", "AE", "CS") and not retired
        if free and multiplicity.startswith("1") and tag not in used:
            dataset.add_new(tag, vr, SECRET)
    dataset.PatientName = f"{SECRET}^WASSILY"
    dataset.RescaleType = SECRET
    dataset.VOILUTFunction = SECRET
    dataset.WindowCenterWidthExplanation = SECRET
    dataset.PhotometricInterpretation = "MONOCHROME2"
    block = dataset.private_block(0x0011, SECRET, create=True)
    block.add_new(0x01, "LO", SECRET)
    out = BytesIO()
    pydicom.dcmwrite(out, dataset)
    return out.getvalue()


def _every_tag() -> list[tuple[int, tuple[str, str, str, str, str]]]:
    from pydicom.datadict import DicomDictionary

    return [
        (tag, entry)
        for tag, entry in DicomDictionary.items()
        if 0x0008_0005 < tag < 0x7FE0_0000 and tag >> 16 != 0x0028
    ]


@pytest.mark.parametrize("cut", [0, 100, 4500])
def test_nothing_of_a_patient_reaches_a_labeler_a_name_a_reason_or_a_log(
    world: World, cut: int, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    """Text burned into the pixels is out of reach: nobody can tell it from the image."""
    caplog.set_level(logging.DEBUG)
    data = marked()
    assert data.count(SECRET.encode()) > 500
    world.upload("a.dcm", data=data[: len(data) - cut])

    project = world.project()
    ann = world.member(project, "ann")
    answer = world.ask(project, ann)
    item = only(world, project)
    world.services.renditions.on_render(
        Render(project_id=project.project_id, item_ids=[item.item_id])
    )
    said = [answer.model_dump_json(), json.dumps(item.cells())]
    if answer.task:
        said.append(frame(world, project, ann, 0).model_dump_json())
        assert "memory://photos/" not in "".join(said)  # no address of the file itself
    assert (item.state == "unreadable") == bool(cut)

    for name in copies(world):
        blob = world.storage.blobs.read(layout.RENDITIONS, name)
        said += [name, blob.decode("latin-1")]
        if name.endswith(".values"):
            said.append(gzip.decompress(blob).decode("latin-1"))
    said += [caplog.text, *capfd.readouterr()]
    assert not [one for one in said if SECRET in one or "WASSILY" in one]


def test_how_many_frames_a_file_has_is_told_of_its_item(world: World) -> None:
    world.upload("stack.tif", data=tiff(*[np.zeros((60, 80), np.uint8)] * 3))
    project = world.project()
    opened = world.open(project, ADMIN)
    (line,) = world.services.review.list(opened, ItemFilter(state="available")).items

    assert line.frames == 3
    assert world.services.review.get(opened, line.item_id).frames == 3
