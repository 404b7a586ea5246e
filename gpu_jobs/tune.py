"""Tunes the end of a backbone on a project's own labels, from where its frozen embeddings and a head are.

First the head, then all of it (Kumar et al., "Fine-tuning can distort pretrained features", 2022): the last
two fifths of the weights learn with a small rate that falls as a cosine, normalisation stays as it was, and
what is kept is a running mean of the weights. Images are flipped, cut and lit by chance; they come from
memory that a file backs, so that no epoch touches an original.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from torch.nn import functional

from gpu_jobs import CannotFinish
from gpu_jobs.embed import Backbone, Pixels, device
from gpu_jobs.train import Head, TaskType
from labeling.assist.preprocess import SIDE

EPOCHS = 20
BATCH = 64
TUNED = 0.4  # of the tensors, from the end
RATE = 4e-4
DECAY = 0.05
SMOOTHING = 0.1
MEMORY = 0.999  # of the running mean, once there were many steps
LEAST_SEEN = 0.5  # of an image's area, when it is cut
LIGHT = 0.2  # by which brightness and contrast change at most


@dataclass(frozen=True)
class Tuned:
    """A tuned backbone with the head that was tuned with it, and how many images a second went through."""

    network: Backbone
    head: Head
    rate: float


@contextmanager
def kept(pixels: Iterator[Pixels], n: int) -> Iterator[Pixels]:
    """n images (n, 224, 224, 3) in a file that is gone afterwards, and in memory as far as there is room.

    Args:
        pixels: batches of them, in order.
        n: how many.
    """
    with TemporaryDirectory() as folder:
        all_of_them = np.lib.format.open_memmap(
            Path(folder, "pixels.npy"), "w+", np.uint8, (n, SIDE, SIDE, 3)
        )
        at = 0
        for some in pixels:
            all_of_them[at : at + len(some)] = some
            at += len(some)
        yield all_of_them


def tune(
    network: Backbone,
    head: Head,
    pixels: Pixels,
    truth: NDArray[np.bool_],
    name: str,
    *,
    epochs: int = EPOCHS,
    batch: int = BATCH,
    seed: int = 0,
    alive: Callable[[], None] = lambda: None,
    said: Callable[[int, int], None] = lambda done, total: None,
) -> Tuned:
    """Tune a copy of a network. A batch too large for the memory is halved.

    Args:
        network: as it is; not changed.
        head: trained on its embeddings.
        pixels: (n, 224, 224, 3) of the images that teach.
        truth: (n, classes) what they show.
        name: of the tuned one; its embeddings are kept under it.
        epochs: how often each image is seen.
        batch: images a step.
        seed: of everything that is drawn by chance.
        alive: called between steps; what it raises comes out.
        said: told how many epochs are done, of how many.

    Raises:
        CannotFinish: the loss is not a number, or the memory does not hold a single image.
    """
    while True:
        try:
            return _tuned(network, head, pixels, truth, name, epochs, batch, seed, alive, said)
        except (torch.OutOfMemoryError, MemoryError) as error:
            if batch == 1:
                raise CannotFinish("the memory does not hold the network and one image") from error
        batch //= 2
        torch.cuda.empty_cache()


def _tuned(
    network: Backbone,
    head: Head,
    pixels: Pixels,
    truth: NDArray[np.bool_],
    name: str,
    epochs: int,
    batch: int,
    seed: int,
    alive: Callable[[], None],
    said: Callable[[int, int], None],
) -> Tuned:
    where = device()
    random = np.random.default_rng(seed)
    model = nn.Sequential(deepcopy(network), _linear(head)).to(where)
    model.eval()  # normalisation keeps what it learned from many more images than there are here
    learning = _learning(model)
    mean = [parameter.detach().clone() for parameter in learning]
    target = _target(truth, head.task_type)
    steps = epochs * -(-len(pixels) // batch)
    optimizer = torch.optim.AdamW(learning, RATE, weight_decay=DECAY)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
    scaler = torch.amp.GradScaler(where.type, enabled=where.type == "cuda")
    began, step = time.perf_counter(), 0
    for epoch in range(epochs):
        order = random.permutation(len(pixels))
        for at in range(0, len(order), batch):
            alive()
            some = np.sort(order[at : at + batch])
            images = varied(
                torch.from_numpy(pixels[some]).to(where), random
            )  # (batch, 224, 224, 3)
            with torch.autocast(where.type, torch.float16, enabled=where.type == "cuda"):
                logits = model(images).float()  # (batch, classes)
                loss = _loss(logits, target[some].to(where), head.task_type)
            if not torch.isfinite(loss):
                raise CannotFinish("the tuning lost its way: its loss is not a number")
            optimizer.zero_grad()
            scaler.scale(loss).backward()
            scaler.step(optimizer)
            scaler.update()
            schedule.step()
            step += 1
            memory = min(MEMORY, (1 + step) / (10 + step))
            for kept_one, now in zip(mean, learning, strict=True):
                kept_one.lerp_(now.detach(), 1 - memory)
        said(epoch + 1, epochs)
    rate = epochs * len(pixels) / (time.perf_counter() - began)
    for parameter, kept_one in zip(learning, mean, strict=True):
        parameter.data = kept_one
    made, linear = model
    made.requires_grad_(False)
    made.feature_id = name
    weight, bias = (one.detach().float().cpu().numpy() for one in (linear.weight, linear.bias))
    return Tuned(made, Head(weight, bias, head.task_type), rate)


def varied(images: torch.Tensor, random: np.random.Generator) -> torch.Tensor:
    """Images (n, h, w, 3) of 8 bits, each flipped, cut and lit by chance: the same shape, in floats."""
    n, h, w, _ = images.shape
    side = np.sqrt(random.uniform(LEAST_SEEN, 1, n))
    flip = random.choice([-1.0, 1.0], n)
    shift = random.uniform(-1, 1, (2, n)) * (1 - side)
    theta = np.zeros((n, 2, 3), np.float32)
    theta[:, 0, 0], theta[:, 1, 1] = side * flip, side
    theta[:, 0, 2], theta[:, 1, 2] = shift
    x = images.permute(0, 3, 1, 2).float()  # (n, 3, h, w)
    grid = functional.affine_grid(torch.from_numpy(theta).to(x.device), [n, 3, h, w], False)
    x = functional.grid_sample(x, grid, padding_mode="reflection", align_corners=False)
    contrast, light = (
        torch.from_numpy(random.uniform(-LIGHT, LIGHT, (n, 1, 1, 1)).astype(np.float32))
        for _ in range(2)
    )
    middle = x.mean((2, 3), keepdim=True)
    x = middle + (x - middle) * (1 + contrast.to(x.device)) + 127 * light.to(x.device)
    return x.clamp(0, 255).permute(0, 2, 3, 1)


def _linear(head: Head) -> nn.Linear:
    linear = nn.Linear(head.weight.shape[1], head.weight.shape[0])
    linear.weight.data = torch.from_numpy(head.weight.copy())
    linear.bias.data = torch.from_numpy(head.bias.copy())
    return linear


def _learning(model: nn.Module) -> list[nn.Parameter]:
    """The weights that learn: the head, and the last of the network's."""
    everything = list(model.parameters())
    frozen = int(len(everything) * (1 - TUNED))
    for number, parameter in enumerate(everything):
        parameter.requires_grad_(number >= frozen)
    return everything[frozen:]


def _target(truth: NDArray[np.bool_], task_type: TaskType) -> torch.Tensor:
    """(n, classes) what is to be said, never quite surely."""
    y = torch.from_numpy(truth.astype(np.float32))
    if task_type == "multilabel":
        return y * (1 - SMOOTHING) + SMOOTHING / 2
    return y * (1 - SMOOTHING) + SMOOTHING / y.shape[1]


def _loss(logits: torch.Tensor, y: torch.Tensor, task_type: TaskType) -> torch.Tensor:
    if task_type == "multilabel":
        return functional.binary_cross_entropy_with_logits(logits, y)
    return -(functional.log_softmax(logits, -1) * y).sum(-1).mean()
