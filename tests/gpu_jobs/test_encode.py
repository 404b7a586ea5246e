"""Images prepared for clicks: whole, killed in the middle, and with files that don't fit."""

from __future__ import annotations

from io import BytesIO

import numpy as np
import pytest
from PIL import Image, ImageDraw

from gpu_jobs.worker import Worker
from labeling import layout
from labeling.assist.clicks import (
    BEFORE,
    DECODER_FILE,
    ENCODER_FILE,
    HAS_BEFORE,
    IMAGE_SIZE,
    MASKS,
    POINT_LABELS,
    POINTS,
    SEEN,
    ClickRequest,
)
from labeling.assist.jobs import EncodeSpec
from labeling.projects.projects import Project
from tests import click_pair
from tests.world import World

pytest.importorskip("torch", reason="gpu_jobs/requirements.txt is not installed")

import onnxruntime

from gpu_jobs import jobs

FOLDER = "clicks/stand-in"
WIDTH, HEIGHT = 160, 80
THING = (20, 20, 60, 60)
IMAGES = 20


def picture(colour: str = "red") -> bytes:
    """A thing of a colour on grey, 160 x 80."""
    image = Image.new("RGB", (WIDTH, HEIGHT), (90, 90, 90))
    x0, y0, x1, y1 = THING
    ImageDraw.Draw(image).rectangle((x0, y0, x1 - 1, y1 - 1), fill=colour)
    file = BytesIO()
    image.save(file, "png")
    return file.getvalue()


@pytest.fixture
def place() -> tuple[World, Project]:
    world = World()
    world.upload(*(f"{n:02}.png" for n in range(IMAGES)), data=picture())
    return world, world.project(task_type="polygons")


def bring(world: World, encoder: bytes, decoder: bytes) -> None:
    """Put the files of a model where the deployment names it."""
    for name, data in ((ENCODER_FILE, encoder), (DECODER_FILE, decoder)):
        where = layout.click_file(FOLDER, name)
        world.storage.blobs.write(
            layout.MODELS, where, data, content_type="application/octet-stream"
        )


def ask_to_encode(world: World, project: Project) -> EncodeSpec:
    runs = world.services.runs
    run_id = runs.new_id()
    runs.create(project.project_id, {"encoding": run_id}, asked_by="labelry")
    spec = EncodeSpec(project_id=project.project_id, run_id=run_id, folder=FOLDER)
    world.storage.queues.send(layout.GPU_JOBS_QUEUE, spec)
    return spec


def work(world: World) -> None:
    Worker(world.storage, world.settings).work()


def prepared(world: World, project: Project) -> dict[str, str]:
    """Names of all that was prepared, and the versions."""
    found = world.storage.blobs.list(layout.MODELS, prefix=f"{project.project_id}/clicks/").blobs
    return {blob.path: blob.etag for blob in found if "/images/" in blob.path}


def test_a_labeler_can_outline_what_is_clicked_at_with_what_the_job_prepared(place):
    world, project = place
    bring(world, click_pair.encoder(), click_pair.decoder())
    spec = ask_to_encode(world, project)

    work(world)

    run = world.services.runs.get(project.project_id, spec.run_id)
    assert (run.state, run.metrics) == ("done", {"images": IMAGES, "unreadable": 0})
    lee = world.member(project, "lee")
    (item,) = world.task(project, lee, size=1).items
    wanted = ClickRequest(item_ids=[item.item_id])
    answer = world.services.clicks.links(world.open(project, lee), lee, wanted)
    assert answer.model.side == click_pair.SIDE
    assert list(answer.images) == [item.item_id]
    (stored,) = [one for one in prepared(world, project) if item.item_id in one]
    seen = np.frombuffer(world.storage.blobs.read(layout.MODELS, stored), "<f2")
    decoder = layout.click_decoder(project.project_id, answer.model.model_id)
    session = onnxruntime.InferenceSession(world.storage.blobs.read(layout.MODELS, decoder))
    scale = answer.model.side / WIDTH
    (masks,) = session.run(
        [MASKS],
        {
            SEEN: seen.astype(np.float32).reshape(1, *answer.model.shape),
            POINTS: np.array([[[40 * scale, 40 * scale], [0, 0]]], np.float32),
            POINT_LABELS: np.array([[1, -1]], np.float32),
            BEFORE: np.zeros((1, 1, click_pair.SIDE, click_pair.SIDE), np.float32),
            HAS_BEFORE: np.zeros(1, np.float32),
            IMAGE_SIZE: np.array([HEIGHT, WIDTH], np.float32),
        },
    )
    inside = masks[0, 0] > 0
    rows, columns = np.flatnonzero(inside.any(1)), np.flatnonzero(inside.any(0))
    found = columns[0], rows[0], columns[-1] + 1, rows[-1] + 1
    assert np.abs(np.subtract(found, THING)).max() <= 2  # pixels; a cell has 2.5


def test_a_killed_job_goes_on_where_it_was_and_prepares_no_image_twice(place, monkeypatch):
    world, project = place
    bring(world, click_pair.encoder(), click_pair.decoder())
    spec = ask_to_encode(world, project)

    class Dies(BaseException):
        """What no process survives."""

    write = jobs.Jobs._write

    def dies(self, where, data):
        if len(prepared(world, project)) == 7:
            raise Dies
        write(self, where, data)

    monkeypatch.setattr(jobs.Jobs, "_write", dies)
    with pytest.raises(Dies):
        work(world)
    before = prepared(world, project)
    assert len(before) == 7
    monkeypatch.undo()
    world.wait(61)

    work(world)

    run = world.services.runs.get(project.project_id, spec.run_id)
    assert (run.state, run.tries, run.metrics["images"]) == ("done", 2, IMAGES)
    assert len(prepared(world, project)) == IMAGES
    assert before.items() <= prepared(world, project).items()


def test_images_that_can_not_be_read_are_counted_and_stop_nobody(place):
    world, project = place
    bring(world, click_pair.encoder(), click_pair.decoder())
    item = next(iter(world.items(project).values()))
    world.storage.blobs.write("photos", item.path, b"no image", content_type="image/png")
    spec = ask_to_encode(world, project)

    work(world)

    run = world.services.runs.get(project.project_id, spec.run_id)
    assert (run.state, run.metrics) == ("done", {"images": IMAGES - 1, "unreadable": 1})


@pytest.mark.parametrize(
    ("encoder", "decoder", "reason"),
    [
        (None, None, "must lie in the folder clicks/stand-in"),
        (b"nothing", None, "can't be read"),
        ("decoder", "decoder", "encoder.onnx must take one image"),
        ("encoder", "encoder", "decoder.onnx must take"),
    ],
)
def test_files_that_do_not_fit_fail_the_run_with_a_reason(place, encoder, decoder, reason):
    world, project = place
    files = {"encoder": click_pair.encoder(), "decoder": click_pair.decoder()}
    if encoder is not None:
        bring(world, files.get(encoder, b"nothing"), files.get(decoder, b"nothing"))
    spec = ask_to_encode(world, project)

    work(world)

    run = world.services.runs.get(project.project_id, spec.run_id)
    assert run.state == "failed"
    assert reason in run.reason
    assert world.services.runs.state(project.project_id).clicks is None
