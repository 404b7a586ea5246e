"""The program itself, on the storage emulator: killed in the middle, and what the next one makes of it."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable
from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from dev import ROOT
from functions.services import Services, compose
from labeling import layout
from labeling.adapters.azure import AzureStorage, connect
from labeling.annotations.classes import NewClass
from labeling.assist.jobs import FeaturizeSpec
from labeling.ingest.refresh import Measure, Refresh, Register
from labeling.projects.datasets import Source
from labeling.projects.projects import NewProject, Project
from labeling.settings import Settings
from tests.world import ADMIN

pytest.importorskip("torch", reason="gpu_jobs/requirements.txt is not installed")

IMAGES = 300
"""More than one part of embeddings."""
HELD_S = 3


def image(number: int) -> bytes:
    pixels = np.random.default_rng(number).integers(256, size=(8, 8, 3), dtype=np.uint8)
    file = BytesIO()
    Image.fromarray(pixels).save(file, "png")
    return file.getvalue()


def wait_for(what: Callable[[], object], seconds: float = 200) -> None:
    until = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < until, "it did not come"
        time.sleep(0.1)


def project_of(storage: AzureStorage, services: Services) -> Project:
    """A project whose images are registered and measured, by the handlers of its messages."""
    for number in range(IMAGES):
        path = f"killed/{number}.png"
        storage.blobs.write(layout.DATASETS, path, image(number), content_type="image/png")
    wanted = NewProject(
        name=f"Killed {time.time_ns()}",
        task_type="multiclass",
        dataset_id="d1",
        classes=[NewClass(name="A"), NewClass(name="B")],
    )
    source = Source(container=layout.DATASETS, pattern="killed/")
    project = services.projects.create(wanted, source, by=ADMIN, idempotency_key="k")
    services.ingest.start(project)
    handlers = {
        layout.REFRESH_QUEUE: (Refresh, services.ingest.on_refresh),
        layout.REGISTER_QUEUE: (Register, services.ingest.on_register),
        layout.MEASURE_QUEUE: (Measure, services.ingest.on_measure),
    }
    quiet = 0
    while quiet < 3:
        quiet += 1
        for queue, (kind, handler) in handlers.items():
            while got := storage.queues.receive(queue, 60):
                quiet = 0
                handler(kind.model_validate_json(got.text))
                storage.queues.delete(got)
    services.projects.forget(project.project_id)
    return services.projects.get(project.project_id)


@pytest.mark.timeout(600)
def test_a_process_that_is_killed_is_followed_by_one_that_goes_on_where_it_was(azurite):
    storage = connect(azurite.connection_string)
    storage.create_all()
    services = compose(storage, Settings(storage=""))
    project = project_of(storage, services)
    run_id = services.runs.new_id()
    services.runs.create(project.project_id, {"featurization": run_id}, asked_by="labelry")
    spec = FeaturizeSpec(project_id=project.project_id, run_id=run_id)
    storage.queues.send(layout.GPU_JOBS_QUEUE, spec)
    environment = {
        **os.environ,
        "LABELRY_STORAGE": azurite.connection_string,
        "OMP_NUM_THREADS": "1",
    }
    command = [sys.executable, "-m", "gpu_jobs", "--held", str(HELD_S)]
    prefix = f"{project.project_id}/embeddings/"

    def parts() -> dict[str, str]:
        found = storage.blobs.list(layout.MODELS, prefix=prefix).blobs
        return {blob.path: blob.etag for blob in found}

    first = subprocess.Popen(command, cwd=ROOT, env=environment)
    wait_for(parts)
    first.kill()
    first.wait()
    before = parts()
    assert services.runs.get(project.project_id, run_id).state == "running"
    time.sleep(HELD_S + 1)

    subprocess.run(command, cwd=ROOT, env=environment, check=True, timeout=300)

    run = services.runs.get(project.project_id, run_id)
    assert (run.state, run.tries, run.metrics["images"]) == ("done", 2, IMAGES)
    assert before.items() <= parts().items()
    assert storage.queues.receive(layout.RUN_FINISHED_QUEUE, 60)
    assert storage.queues.receive(layout.GPU_JOBS_QUEUE, 60) is None
