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
from labeling.ingest.renditions import Render
from labeling.projects.access import Caller
from labeling.projects.projects import Project
from labeling.tasks.service import FrameView, SignRequest
from tests.labeling.ingest.test_refresh import refresh
from tests.labeling.ingest.test_renditions import copies, only, place
from tests.labeling.media.test_dicom import RAMP, SAMPLES, dicom
from tests.world import PHOTOS, World

SECRET = "KANDINSKY"


def tiff(*pages: Any) -> bytes:
    file = BytesIO()
    with tifffile.TiffWriter(file) as writer:
        for page in pages:
            writer.write(page, photometric="minisblack", metadata=None)
    return file.getvalue()


def frame(world: World, project: Project, labeler: Caller, number: int) -> FrameView:
    request = SignRequest(item_ids=[only(world, project).item_id], frame=number)
    answer = world.services.tasks.sign(world.open(project, labeler), labeler, request)
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
