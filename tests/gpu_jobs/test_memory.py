"""What jobs hold in memory at once does not grow with the product of what they are given."""

from __future__ import annotations

import tracemalloc
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pytest

pytest.importorskip("torch", reason="gpu_jobs/requirements.txt is not installed")

import torch
from torch.utils._python_dispatch import TorchDispatchMode

from gpu_jobs.group import near_duplicates
from gpu_jobs.shapes import MOST, used
from gpu_jobs.snapshot import Line, Snapshot
from gpu_jobs.train import FOLDS, train


class Largest(TorchDispatchMode):
    """Notes how many numbers the largest tensor has that anything makes."""

    def __init__(self) -> None:
        super().__init__()
        self.numbers = 0

    def __torch_dispatch__(
        self,
        func: Any,
        types: Sequence[type],
        args: Sequence[Any] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        made = func(*args, **(kwargs or {}))
        if isinstance(made, torch.Tensor):
            self.numbers = max(self.numbers, made.numel())
        return made


def test_no_image_has_a_copy_of_the_weights_that_judge_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gpu_jobs.train.STEPS", 3)
    images, d, classes = 120, 32, 6
    random = np.random.default_rng(0)
    of = np.arange(images) % classes
    vectors = np.eye(classes, d)[of] + 0.1 * random.normal(size=(images, d))

    with Largest() as largest:
        train(vectors, np.eye(classes, dtype=bool)[of], np.arange(images), "multiclass")

    assert largest.numbers <= (FOLDS + 1) * images * classes  # the logits of all heads


def test_copies_of_one_image_are_joined_in_little_memory_however_many_there_are() -> None:
    images = 4_000
    vectors = np.tile(np.eye(1, 8, dtype=np.float32), (images, 1))

    tracemalloc.start()
    numbers = near_duplicates(vectors)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert set(numbers) == {0}
    assert most < 64e6  # all pairs are 256 MB


def test_a_snapshot_is_packed_line_by_line() -> None:
    lines = [
        Line(item_id=f"i{n}", blob_etag="e", container="c", path=f"{n}.jpg", class_ids=["c1"])
        for n in range(20_000)
    ]
    taken = Snapshot(lines=lines)

    tracemalloc.start()
    packed = taken.packed
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert Snapshot.unpacked(packed) == taken
    assert most < 1.5e6  # all lines are 2.5 MB of text


def test_of_very_many_images_with_shapes_some_of_each_part_are_used() -> None:
    part = np.repeat(["learn", "score", "judge"], [50_000, 300, 30_000])

    chosen = used(part, seed=0)

    names, counts = np.unique(part[chosen], return_counts=True)
    assert dict(zip(names.tolist(), counts.tolist(), strict=True)) == {**MOST, "score": 300}
    assert (np.diff(chosen) > 0).all()
