"""Tuning a network: it learns what its frozen features can't tell, harms nothing, and gives up in words."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("torch", reason="gpu_jobs/requirements.txt is not installed")

import torch
from torch import nn

from gpu_jobs import CannotFinish
from gpu_jobs import tune as tuning
from gpu_jobs.embed import Backbone, embed
from gpu_jobs.train import Head
from gpu_jobs.tune import kept, tune, varied

SIDE = 224


def tiny() -> Backbone:
    """A network of one convolution that has learned nothing yet."""
    torch.manual_seed(0)
    trunk = nn.Sequential(nn.Conv2d(3, 4, 8, 8), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten())
    return Backbone("tiny-1", trunk, ((0.5,) * 3, (0.5,) * 3)).eval().requires_grad_(False)


def stripes(n: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Photos of stripes, of the one class broad, of the other narrow; the mean colour tells nothing."""
    random = np.random.default_rng(seed)
    narrow = random.random(n) < 0.5
    column = np.arange(SIDE)
    width = np.where(narrow, 2, 16)[:, None]
    bright = (column[None] // width + random.integers(2, size=(n, 1))) % 2
    pixels = np.broadcast_to((bright * 200 + 20)[:, None, :, None], (n, SIDE, SIDE, 3))
    return pixels.astype(np.uint8), np.stack([narrow, ~narrow], axis=1)


def blank(network: Backbone) -> Head:
    return Head(np.zeros((2, 4), np.float32), np.zeros(2, np.float32), "multiclass")


def test_it_learns_what_the_frozen_network_does_not_tell(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(tuning, "RATE", 0.02)  # it has everything to learn
    monkeypatch.setattr(tuning, "TUNED", 1.0)
    monkeypatch.setattr(tuning, "varied", lambda images, random: images.float())
    network = tiny()
    pixels, truth = stripes(48)
    before = [parameter.clone() for parameter in network.parameters()]

    made = tune(network, blank(network), pixels, truth, "tiny-1-run", epochs=12, batch=8)

    fresh, answered = stripes(40, seed=1)
    vectors = np.concatenate(list(embed(made.network, [fresh])))
    right = made.head.scores(vectors).argmax(1) == answered.argmax(1)
    assert right.mean() > 0.9
    assert made.network.feature_id == "tiny-1-run"
    assert made.rate > 0
    assert all(torch.equal(a, b) for a, b in zip(before, network.parameters(), strict=True))


def test_a_batch_too_large_for_the_memory_is_halved(monkeypatch: pytest.MonkeyPatch):
    pixels, truth = stripes(16)
    sizes: list[int] = []

    def narrow(images, random):
        sizes.append(len(images))
        if len(images) > 4:
            raise torch.OutOfMemoryError
        return images.float()

    monkeypatch.setattr(tuning, "varied", narrow)
    tune(tiny(), blank(tiny()), pixels, truth, "x", epochs=1, batch=16)
    assert sizes == [16, 8, 4, 4, 4, 4]


def test_a_memory_that_holds_no_image_and_a_loss_that_is_no_number_end_it_in_words(
    monkeypatch: pytest.MonkeyPatch,
):
    pixels, truth = stripes(4)
    lost = Head(np.full((2, 4), np.nan, np.float32), np.zeros(2, np.float32), "multiclass")
    with pytest.raises(CannotFinish, match="loss is not a number"):
        tune(tiny(), lost, pixels, truth, "x", epochs=1)

    def none(images, random):
        raise torch.OutOfMemoryError

    monkeypatch.setattr(tuning, "varied", none)
    with pytest.raises(CannotFinish, match="does not hold the network and one image"):
        tune(tiny(), blank(tiny()), pixels, truth, "x", epochs=1)


def test_it_stops_between_two_steps():
    pixels, truth = stripes(8)

    def gone():
        raise InterruptedError

    with pytest.raises(InterruptedError):
        tune(tiny(), blank(tiny()), pixels, truth, "x", epochs=1, alive=gone)


def test_images_are_kept_in_order_and_in_a_file():
    pixels, _ = stripes(10)
    with kept(iter([pixels[:4], pixels[4:]]), 10) as found:
        assert isinstance(found, np.memmap)
        assert np.array_equal(found, pixels)


def test_a_varied_image_is_still_of_its_shape_and_range_and_never_twice_the_same():
    images = torch.from_numpy(stripes(4)[0])
    random = np.random.default_rng(0)
    one, other = varied(images, random), varied(images, random)
    assert one.shape == images.shape
    assert 0 <= float(one.min()) < float(one.max()) <= 255
    assert not torch.equal(one, other)
