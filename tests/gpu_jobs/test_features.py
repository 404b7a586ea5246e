"""Embeddings kept in parts: what is asked for is found, computed once, and all that is held in memory."""

from __future__ import annotations

import tracemalloc
from io import BytesIO

import numpy as np
import pytest

from labeling import layout
from tests.world import PHOTOS, World, photo

pytest.importorskip("torch", reason="gpu_jobs/requirements.txt is not installed")

from torch import nn

from gpu_jobs.embed import Backbone
from gpu_jobs.features import PART, Features
from gpu_jobs.snapshot import Source


def averages() -> Backbone:
    """Tells images apart by their mean colour."""
    trunk = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten())
    return Backbone("averages-1", trunk, ((0.0,) * 3, (1.0,) * 3))


def sources(world: World, shades: dict[str, int]) -> list[Source]:
    for name, shade in shades.items():
        world.upload(name, data=photo(shade=shade))
    return [
        Source(item_id=f"i{number}", blob_etag="e", container=PHOTOS, path=name)
        for number, name in enumerate(shades)
    ]


@pytest.fixture
def world() -> World:
    return World()


def features(world: World, project_id: str) -> Features:
    found = world.services.projects.find(project_id)
    assert found
    return Features(world.storage, world.services.projects.items(found), averages())


def test_embeddings_come_in_the_order_asked_for_without_those_that_cannot_be_read(world: World):
    project = world.project(images=1)
    some = sources(world, {f"{n:02}.png": 20 * n for n in range(10)})
    world.storage.blobs.write(PHOTOS, "03.png", b"none", content_type="image/png")
    mine = features(world, project.project_id)

    readable, vectors = mine.of(some[::-1])

    assert [source.path for source in readable] == [
        f"{n:02}.png" for n in range(9, -1, -1) if n != 3
    ]
    again, same = mine.of(some[:3])
    assert [source.path for source in again] == ["00.png", "01.png", "02.png"]
    assert np.array_equal(same, vectors[::-1][:3])


def test_an_image_goes_through_the_network_once(world: World, monkeypatch: pytest.MonkeyPatch):
    project = world.project(images=1)
    some = sources(world, {f"{n:02}.png": 20 * n for n in range(10)})
    mine = features(world, project.project_id)
    mine.of(some[:6])
    seen: list[int] = []
    real = Features._compute

    def counted(self, sources, progress):
        seen.append(len(sources))
        return real(self, sources, progress)

    monkeypatch.setattr(Features, "_compute", counted)
    mine.of(some)
    assert seen == [4]


def test_what_is_kept_of_other_images_takes_no_memory(world: World):
    project = world.project(images=1)
    own = world.services.projects.items(project)
    parts, d = 30, 1280
    ids = [f"x{n}" for n in range(parts * PART)]
    shard = own.shard_of(ids[0])
    for part in range(parts):
        file = BytesIO()
        np.savez(
            file,
            item_ids=np.array(ids[part * PART : (part + 1) * PART]),
            etags=np.array(["e"] * PART),
            vectors=np.ones((PART, d), np.float16),
        )
        place = layout.embeddings_blob(project.project_id, "averages-1", shard, part)
        world.storage.blobs.write(layout.MODELS, place, file.getvalue(), content_type="x/y")
    asked = [Source(item_id=ids[-1], blob_etag="e", container=PHOTOS, path="gone")]

    tracemalloc.start()
    _, vectors = features(world, project.project_id).of(asked)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert vectors.shape == (1, d)
    assert most < 4 * PART * d * 2  # all parts are 30 times one
