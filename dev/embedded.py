"""Composed photos as a network sees them: embeddings and what each shows, computed once."""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from dev.cutouts import SAMPLES, only_one
from dev.samples import Objects, TaskType, compose

_AT_ONCE = 32


def embedded(
    kind: TaskType, count: int, seed: int, objects: Objects = "all"
) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Embeddings (n, 1280) of unit length of photos that show something, and what each shows (n, classes).

    They are kept in `.local/samples`. Needs the packages of the GPU jobs.

    Args:
        kind: as `samples.compose` takes them, all four.
        count: of photos.
        seed: of everything that is drawn by chance.
        objects: which things the photos show.
    """
    kept = SAMPLES / f"embeddings-{kind}-{count}-{seed}-{objects}.npz"
    with only_one(kept.stem):
        if not kept.exists():
            with tempfile.TemporaryDirectory() as folder:
                vectors, shows = _embedded(kind, count, seed, objects, Path(folder))
                np.savez(kept, vectors=vectors, shows=shows)
    with np.load(kept) as stored:
        return stored["vectors"].astype(np.float32), stored["shows"]


def _embedded(
    kind: TaskType, count: int, seed: int, objects: Objects, folder: Path
) -> tuple[NDArray[np.float16], NDArray[np.bool_]]:
    from gpu_jobs.embed import PACKAGED, backbone, embed
    from labeling.assist.preprocess import pixels_for_model

    truth = compose(kind, count, seed, folder, objects=objects)
    scenes = [scene for scene in truth.scenes if scene.tags]
    batches = (
        np.stack([pixels_for_model((folder / scene.path).read_bytes()) for scene in some])
        for some in (scenes[at : at + _AT_ONCE] for at in range(0, len(scenes), _AT_ONCE))
    )
    vectors = np.concatenate(list(embed(backbone(PACKAGED), batches)))
    return vectors, np.array([[name in scene.tags for name in truth.classes] for scene in scenes])
