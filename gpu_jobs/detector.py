"""Networks that find things on a frozen backbone, and how they learn it: a first look, and a closer one.

The finder sees the whole image: where the middles of things are (Gaussian heatmap), and how far their edges
are from there (TTFNet: Liu et al., 2020). The refiner looks at each box with some surroundings and says for
each edge where between them it lies (side-aware boundaries: Wang et al., 2020); where people drew outlines,
also what of them the thing covers (a mask a box: He et al., 2017). Both are blind to classes, so that every
shape of a project teaches them; what it shows is for a classifier of its crop to say.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from torch.nn import functional

from gpu_jobs import CannotFinish
from gpu_jobs.embed import Backbone, Pixels, device
from labeling.assist.detection import FRAME, MARGIN, MOST_CANDIDATES

Tensor = torch.Tensor
Maps = Sequence[Tensor]
"""Four feature maps (n, channels, FRAME / stride, FRAME / stride), of strides 4, 8, 16 and 32."""

Said = Callable[[int, int], None]
"""Told how many epochs of how many are done. What it raises comes out."""

STRIDE = 8
_CELLS = FRAME // STRIDE
_TAPS = (1, 2, 4, 6)  # blocks of an EfficientNet after which the map is half as large
_BATCH = 8
_RATE, _DECAY = 3e-3, 0.05
_SPREAD = 0.09  # of the heatmap's Gaussian, of a box's side
_NEAR = 0.05  # height of the Gaussian from which on a cell answers for a box
_WINDOW = 24  # samples along a side of what the refiner looks at
_FINER = 2  # samples of a mask for each of them
DRAWN = 64
"""Samples along a side of a mask to learn from, which divides the thing's own box."""
_BATCH_BOXES = 24  # that the refiner learns from at once
_NORMALISED_ON = 48  # images


class Pyramid(nn.Module):
    """The feature maps of a backbone on the way to its embedding."""

    def __init__(self, network: Backbone) -> None:
        super().__init__()
        trunk = network.trunk
        if not all(hasattr(trunk, name) for name in ("conv_stem", "bn1", "blocks")):
            raise CannotFinish(
                f"boxes can't be found with the backbone {network.feature_id}: name an EfficientNet"
            )
        self.network = network
        self.trunk = cast("Any", trunk)

    def forward(self, images: Tensor) -> tuple[Tensor, ...]:
        """Maps of pixels (n, FRAME, FRAME, 3) of 8 bits."""
        x = images.permute(0, 3, 1, 2).float()  # (n, 3, FRAME, FRAME)
        x = (x - self.network.mean) / self.network.deviation
        x = self.trunk.bn1(self.trunk.conv_stem(x))
        maps: list[Tensor] = []
        for number, block in enumerate(self.trunk.blocks):
            x = block(x)
            if number in _TAPS:
                maps.append(x)
        return tuple(maps)


class _Normalise(nn.Module):
    """Brings each channel of the maps to mean 0 and deviation 1, as measured on some images."""

    def __init__(self, some: Maps) -> None:
        super().__init__()
        self.levels = len(some)
        for level, tensor in enumerate(some):
            self.register_buffer(f"mean{level}", tensor.mean((0, 2, 3)).view(1, -1, 1, 1))
            self.register_buffer(f"scale{level}", tensor.std((0, 2, 3)).view(1, -1, 1, 1) + 1e-4)

    def forward(self, maps: Maps) -> list[Tensor]:
        return [
            (tensor - getattr(self, f"mean{level}")) / getattr(self, f"scale{level}")
            for level, tensor in enumerate(maps)
        ]


def _block(width: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(width, width, 3, padding=1, bias=False), nn.BatchNorm2d(width), nn.ReLU(True)
    )


def _twice(x: Tensor) -> Tensor:
    return functional.interpolate(x, scale_factor=2, mode="nearest")


class Finder(nn.Module):
    """The first look: a small pyramid on frozen maps, and one answer a cell of it.

    Args:
        some: maps of some images, by which channels are normalised.
        width: channels of the pyramid.
    """

    def __init__(self, some: Maps, width: int = 64) -> None:
        super().__init__()
        self.normalise = _Normalise(some)
        self.from32, self.from16, self.from8 = (
            nn.Conv2d(tensor.shape[1], width, 1) for tensor in (some[3], some[2], some[1])
        )
        self.at16, self.at8, self.last = (_block(width) for _ in range(3))
        self.out = nn.Conv2d(width, 6, 1)
        self.drop = nn.Dropout2d(0.1)
        with torch.no_grad():
            assert self.out.bias is not None
            self.out.bias.copy_(torch.tensor([-4.0, 1.2, 1.2, 1.2, 1.2, 0.0]))

    def forward(self, maps: Maps) -> tuple[Tensor, Tensor, Tensor]:
        """Logits (n, 1, h, w) of middles, boxes (n, 4, h, w) in pixels, logits (n, 1, h, w) of their fit."""
        _, c8, c16, c32 = self.normalise(maps)
        p16 = self.at16(self.from16(self.drop(c16)) + _twice(self.from32(self.drop(c32))))
        p8 = self.at8(self.from8(c8) + _twice(p16))
        heat, sides, fit = self.out(self.last(p8)).split([1, 4, 1], 1)
        sides = functional.softplus(sides) * 16
        at = torch.arange(_CELLS, device=heat.device).float() * STRIDE + STRIDE / 2
        x, y = at.view(1, 1, -1), at.view(1, -1, 1)
        left, top, right, bottom = sides.unbind(1)
        return heat, torch.stack([x - left, y - top, x + right, y + bottom], 1), fit


class Candidates(nn.Module):
    """Maps and the best candidates of images: what is exported of the first look."""

    def __init__(self, pyramid: Pyramid, finder: Finder) -> None:
        super().__init__()
        self.pyramid = pyramid
        self.finder = finder

    def forward(self, images: Tensor) -> tuple[Tensor, ...]:
        """Boxes (n, k, 4) in pixels, peaks (n, k), fits (n, k), best first, and the four maps."""
        maps = self.pyramid(images)
        heat, boxes, fit = self.finder(maps)
        heat = heat.sigmoid()
        peaks = heat * (functional.max_pool2d(heat, 3, 1, 1) == heat)
        best, cell = peaks.flatten(1).topk(MOST_CANDIDATES, dim=1)  # (n, k)
        boxes = boxes.flatten(2).clamp(0, FRAME)  # (n, 4, h * w)
        boxes = boxes.gather(2, cell[:, None].expand(-1, 4, -1)).transpose(1, 2)  # (n, k, 4)
        return boxes, best, fit.sigmoid().flatten(1).gather(1, cell), *maps


class Refiner(nn.Module):
    """The second look: where between the surroundings of a box and its middle each of its edges lies.

    Args:
        some: maps of some images, by which channels are normalised.
        masks: whether it says of the samples between them as well which the thing covers.
        width: channels it thinks in.
    """

    def __init__(self, some: Maps, masks: bool = False, width: int = 40) -> None:
        super().__init__()
        self.normalise = _Normalise(some)
        self.project = nn.ModuleList(nn.Conv2d(tensor.shape[1], width, 1) for tensor in some)
        self.blocks = nn.Sequential(_block(width), _block(width))
        self.sides = nn.ModuleList(
            nn.Sequential(
                nn.Conv1d(2 * width, width, 3, padding=1), nn.ReLU(True), nn.Conv1d(width, 2, 1)
            )
            for _ in range(2)
        )
        self.fit = nn.Sequential(nn.Linear(2 * width, 32), nn.ReLU(True), nn.Linear(32, 1))
        self.mask = (
            nn.Sequential(_block(width), nn.Conv2d(width, _FINER**2, 1), nn.PixelShuffle(_FINER))
            if masks
            else None
        )

    def forward(self, maps: Maps, boxes: Tensor) -> tuple[Tensor, ...]:
        """Better boxes (n, k, 4) in pixels and how well they fit (n, k) in [0, 1], of boxes (n, k, 4).

        And masks (n, k, h, w) in [0, 1] where it was made for them.
        """
        windows = padded(boxes)
        edges, fit, *masks = self.look(maps, windows)
        better = placed(windows, edges).clamp(0, FRAME)
        return better, fit.sigmoid(), *(mask.sigmoid() for mask in masks)

    def look(self, maps: Maps, windows: Tensor) -> tuple[Tensor, ...]:
        """Logits (n, k, 4, _WINDOW) of where each edge lies in windows (n, k, 4), logits of fit (n, k).

        And logits (n, k, h, w) of masks where it was made for them.
        """
        n, k = windows.shape[:2]
        at = (torch.arange(_WINDOW, device=windows.device).float() + 0.5) / _WINDOW
        corner, size = windows[..., :2], windows[..., 2:] - windows[..., :2]
        x = (corner[..., :1] + size[..., :1] * at) / FRAME * 2 - 1  # (n, k, w)
        y = (corner[..., 1:] + size[..., 1:] * at) / FRAME * 2 - 1  # (n, k, w)
        grid = torch.stack(
            [
                x[:, :, None, :].expand(-1, -1, _WINDOW, -1),
                y[:, :, :, None].expand(-1, -1, -1, _WINDOW),
            ],
            -1,
        ).reshape(n, -1, _WINDOW, 2)  # (n, k * w, w, 2)
        fine = maps[0].shape[2:]
        whole = [
            functional.interpolate(project(one), size=fine, mode="bilinear", align_corners=False)
            for project, one in zip(self.project, self.normalise(maps), strict=True)
        ]  # (n, c, FRAME / 4, FRAME / 4) each
        seen = functional.grid_sample(
            whole[0] + whole[1] + whole[2] + whole[3],
            grid,
            mode="bilinear",
            padding_mode="border",
            align_corners=False,
        )  # (n, c, k * w, w)
        width = seen.shape[1]
        seen = seen.view(n, width, k, _WINDOW, _WINDOW).transpose(1, 2)
        z = self.blocks(
            functional.relu(seen.reshape(-1, width, _WINDOW, _WINDOW))
        )  # (n * k, c, w, w)
        along_x = torch.cat([z.mean(2), z.amax(2)], 1)  # (n * k, 2 c, w)
        along_y = torch.cat([z.mean(3), z.amax(3)], 1)
        (left, right), (top, bottom) = (
            side(tensor).unbind(1)
            for side, tensor in zip(self.sides, (along_x, along_y), strict=True)
        )  # (n * k, w) each
        logits = torch.stack([left, top, right, bottom], 1).view(n, k, 4, _WINDOW)
        fit = self.fit(torch.cat([z.mean((2, 3)), z.amax((2, 3))], 1))
        if self.mask is None:
            return logits, fit.view(n, k)
        return logits, fit.view(n, k), self.mask(z).view(n, k, *[_FINER * _WINDOW] * 2)


def padded(boxes: Tensor, margin: float = MARGIN) -> Tensor:
    """Boxes (..., 4) with their surroundings, of a pixel at least."""
    size = (boxes[..., 2:] - boxes[..., :2]).clamp(min=1)
    return torch.cat([boxes[..., :2] - margin * size, boxes[..., :2] + (1 + margin) * size], -1)


def placed(windows: Tensor, edges: Tensor) -> Tensor:
    """Boxes (..., 4) in pixels of the logits (..., 4, _WINDOW) of their edges in windows (..., 4)."""
    at = (torch.arange(_WINDOW, device=edges.device).float() + 0.5) / _WINDOW
    share = (edges.softmax(-1) * at).sum(-1)  # (..., 4)
    corner, size = windows[..., :2], windows[..., 2:] - windows[..., :2]
    first = corner + torch.minimum(share[..., :2], share[..., 2:]) * size
    second = corner + torch.maximum(share[..., :2], share[..., 2:]) * size
    return torch.cat([first, second], -1)


@dataclass(frozen=True)
class Shown:
    """What the networks learn from: maps of images and their mirror images, and the boxes in each."""

    maps: tuple[Tensor, ...]
    """(2 n, channels, h, w) of half precision; the mirror image of i is at n + i."""
    boxes: list[Tensor]
    """2 n of (things, 4) in pixels."""
    masks: list[Tensor] | None = None
    """2 n of (things, DRAWN, DRAWN) of 8 bits, what each covers of its box, where outlines were drawn."""

    @property
    def images(self) -> int:
        """How many there are, mirror images not counted."""
        return len(self.boxes) // 2

    def at(self, which: NDArray[np.integer]) -> tuple[list[Tensor], list[Tensor]]:
        """Maps and boxes of these images."""
        where, index = device(), torch.from_numpy(which)
        return [tensor[index].float().to(where) for tensor in self.maps], [
            self.boxes[one].to(where) for one in which
        ]


@torch.inference_mode()
def shown(
    pyramid: Pyramid,
    pixels: Sequence[Pixels],
    boxes: Sequence[NDArray[np.floating]],
    alive: Callable[[], None],
    masks: Sequence[NDArray[np.uint8]] | None = None,
) -> Shown:
    """What images show to the networks.

    Args:
        pyramid: on whose maps they stand.
        pixels: (FRAME, FRAME, 3) each.
        boxes: (things, 4) each, in pixels.
        alive: called now and then.
        masks: (things, DRAWN, DRAWN) each, where outlines were drawn.
    """
    n, where = len(pixels), device()
    maps: list[Tensor] = []
    for at in range(0, n, _BATCH):
        alive()
        batch = torch.from_numpy(np.stack(pixels[at : at + _BATCH])).to(where)
        for first, images in ((at, batch), (n + at, batch.flip(2))):
            found = pyramid(images)
            if not maps:
                maps = [torch.empty((2 * n, *one.shape[1:]), dtype=torch.half) for one in found]
            for kept, one in zip(maps, found, strict=True):
                kept[first : first + len(batch)] = one.half().cpu()
    straight = [torch.from_numpy(_of_a_pixel(box)) for box in boxes]
    mirrored = [
        torch.stack([FRAME - b[:, 2], b[:, 1], FRAME - b[:, 0], b[:, 3]], 1) for b in straight
    ]
    if masks is None:
        return Shown(tuple(maps), [*straight, *mirrored])
    drawn = [torch.from_numpy(mask) for mask in masks]
    return Shown(
        tuple(maps), [*straight, *mirrored], [*drawn, *(tensor.flip(2) for tensor in drawn)]
    )


def _of_a_pixel(boxes: NDArray[np.floating]) -> NDArray[np.float32]:
    """With sides of a pixel at least, for the smallest things."""
    boxes = np.asarray(boxes, np.float32).reshape(-1, 4).copy()
    boxes[:, 2:] = np.maximum(boxes[:, 2:], boxes[:, :2] + 1)
    return boxes


def some_maps(seen: Shown) -> list[Tensor]:
    """Maps of some images, to normalise by."""
    return [tensor[: min(seen.images, _NORMALISED_ON)].float().to(device()) for tensor in seen.maps]


def train_finder(seen: Shown, said: Said, *, seed: int = 0, epochs: int | None = None) -> Finder:
    """The first look, learned from human boxes.

    Raises:
        CannotFinish: the loss is no number.
    """
    torch.manual_seed(seed)
    finder = Finder(some_maps(seen)).to(device())
    targets = [_targets(box) for box in seen.boxes]

    def loss(which: NDArray[np.integer], _: np.random.Generator) -> Tensor:
        maps, boxes = seen.at(which)
        chosen = [targets[one] for one in which]
        return _finder_loss(finder(maps), boxes, chosen)

    epochs = epochs or epochs_of(seen.images)
    return cast("Finder", _learn(finder, loss, seen.images, epochs, seed, said))


def train_refiner(seen: Shown, said: Said, *, seed: int = 0, epochs: int | None = None) -> Refiner:
    """The second look, learned from human boxes pushed out of place, and from their masks where there are any.

    Raises:
        CannotFinish: the loss is no number.
    """
    torch.manual_seed(seed)
    refiner = Refiner(some_maps(seen), masks=seen.masks is not None).to(device())

    def loss(which: NDArray[np.integer], random: np.random.Generator) -> Tensor:
        maps, boxes = seen.at(which)
        most = max(1, min(_BATCH_BOXES // len(which), max(map(len, boxes))))
        picked = torch.zeros(len(which), most, 4, device=maps[0].device)
        real = torch.zeros(len(which), most, dtype=torch.bool, device=maps[0].device)
        drawn: list[Tensor] = []
        for row, box in enumerate(boxes):
            some = torch.from_numpy(random.permutation(len(box))[:most])
            picked[row, : len(some)] = box[some]
            real[row, : len(some)] = True
            if seen.masks is not None:
                drawn.append(seen.masks[which[row]][some])
        if not real.any():
            return (
                sum(parameter.sum() for parameter in refiner.parameters()) * 0
            )  # images that show nothing
        windows = padded(_pushed(picked, random))
        edges, fit, *masks = refiner.look(maps, windows)
        value = _refiner_loss(edges[real], fit[real], windows[real], picked[real])
        for mask in masks:
            true = torch.cat(drawn).to(mask.device).float() / 255  # (boxes, DRAWN, DRAWN)
            value = value + _mask_loss(mask[real], true, windows[real], picked[real])
        return value

    epochs = epochs or max(6, epochs_of(seen.images) // 2)
    return cast("Refiner", _learn(refiner, loss, seen.images, epochs, seed, said))


def epochs_of(images: int) -> int:
    """How often the finder sees each image: fewer times where there are more of them.

    >>> epochs_of(100), epochs_of(300), epochs_of(600)
    (60, 30, 20)
    """
    return int(np.clip(round(60 * (100 / max(images, 1)) ** 0.62), 8, 80))


def _learn(
    model: nn.Module,
    loss: Callable[[NDArray[np.integer], np.random.Generator], Tensor],
    images: int,
    epochs: int,
    seed: int,
    said: Said,
) -> nn.Module:
    """Train with a warm start and a cosine's end; what is kept is the average of the weights' late history."""
    random = np.random.default_rng(seed)
    optimizer = torch.optim.AdamW(model.parameters(), lr=_RATE, weight_decay=_DECAY)
    steps, step = epochs * math.ceil(images / _BATCH), 0
    average = {name: one.detach().clone() for name, one in model.state_dict().items()}
    model.train()
    for epoch in range(epochs):
        said(epoch, epochs)
        order = random.permutation(images) + images * random.integers(0, 2, images)
        for at in range(0, images, _BATCH):
            rate = min(1, step / 30) * 0.5 * (1 + math.cos(math.pi * step / steps))
            optimizer.param_groups[0]["lr"] = _RATE * rate + 1e-5
            step += 1
            value = loss(order[at : at + _BATCH], random)
            if not torch.isfinite(value):
                raise CannotFinish("the training lost its way: its loss is not a number")
            optimizer.zero_grad()
            value.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 10)
            optimizer.step()
            follow = 1 - min(0.99, (1 + step) / (10 + step))
            for name, one in model.state_dict().items():
                if one.is_floating_point():
                    average[name].lerp_(one, follow)
                else:
                    average[name].copy_(one)
    model.load_state_dict(average)
    return model.eval()


def _targets(boxes: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Height of the Gaussians (h, w), the box each cell answers for (h, w) or -1, the cell's weight (h, w)."""
    heat = np.zeros((_CELLS, _CELLS), np.float32)
    owner = np.full((_CELLS, _CELLS), -1, np.int64)
    weight = np.zeros((_CELLS, _CELLS), np.float32)
    at = np.arange(_CELLS) * STRIDE + STRIDE / 2
    sides = (boxes[:, 2:] - boxes[:, :2]).numpy()
    middles = ((boxes[:, 2:] + boxes[:, :2]) / 2).numpy()
    areas = sides.prod(1)
    for one in np.argsort(-areas):  # what is small lies in front
        (x, y), (sx, sy) = middles[one], np.maximum(sides[one] * _SPREAD, 1e-3)
        bell = np.exp(
            -((at[None] - x) ** 2 / (2 * sx**2) + (at[:, None] - y) ** 2 / (2 * sy**2))
        ).astype(np.float32)
        row, column = (min(int(middle / STRIDE), _CELLS - 1) for middle in (y, x))
        bell[row, column] = 1
        bell[bell < 0.01] = 0
        heat = np.maximum(heat, bell)
        near = bell > _NEAR
        owner[near] = one
        weight[near] = math.log(areas[one] + 1) * bell[near] / bell[near].sum()
    return torch.from_numpy(heat), torch.from_numpy(owner), torch.from_numpy(weight)


def _finder_loss(
    answer: tuple[Tensor, Tensor, Tensor],
    boxes: Sequence[Tensor],
    targets: Sequence[tuple[Tensor, Tensor, Tensor]],
) -> Tensor:
    logits, found, fits = answer
    where = logits.device
    heat = torch.stack([target[0] for target in targets]).to(where)  # (n, h, w)
    sure = logits[:, 0].sigmoid().clamp(1e-4, 1 - 1e-4)
    things = max(1, sum(map(len, boxes)))
    middle = -(
        torch.where(
            heat == 1,
            (1 - sure) ** 2 * sure.log(),
            (1 - heat) ** 4 * sure**2 * (1 - sure).log(),
        ).sum()
        / things
    )
    ours: list[Tensor] = []
    theirs: list[Tensor] = []
    fit: list[Tensor] = []
    weight: list[Tensor] = []
    for row, (_, owner, heavy) in enumerate(targets):
        near = owner >= 0
        if near.any():
            ours.append(found[row][:, near.to(where)].T)
            theirs.append(boxes[row][owner[near].to(where)])
            fit.append(fits[row, 0][near.to(where)])
            weight.append(heavy[near].to(where))
    if not ours:
        return middle
    w = torch.cat(weight)
    overlap, general = overlaps(torch.cat(ours), torch.cat(theirs))
    apart = ((1 - general) * w).sum() / w.sum()
    said = functional.binary_cross_entropy_with_logits(
        torch.cat(fit), overlap.detach().clamp(0, 1), reduction="none"
    )
    return middle + 5 * apart + (said * w).sum() / w.sum()


def _refiner_loss(edges: Tensor, fit: Tensor, windows: Tensor, boxes: Tensor) -> Tensor:
    """Of edges (n, 4, _WINDOW) and fits (n,) in windows (n, 4), where the boxes are (n, 4)."""
    size = (windows[:, 2:] - windows[:, :2]).repeat(1, 2)
    share = (boxes - windows[:, :2].repeat(1, 2)) / size  # (n, 4) in [0, 1] where it is seen
    place = (share * _WINDOW - 0.5).clamp(0, _WINDOW - 1 - 1e-4)
    low = place.long()
    high_weight = place - low
    logs = edges.log_softmax(-1)
    near = -(
        logs.gather(-1, low[..., None])[..., 0] * (1 - high_weight)
        + logs.gather(-1, low[..., None] + 1)[..., 0] * high_weight
    ).mean()
    overlap, general = overlaps(placed(windows, edges), boxes)
    said = functional.binary_cross_entropy_with_logits(fit, overlap.detach().clamp(0, 1))
    return near + 2 * (1 - general).mean() + said


def _mask_loss(logits: Tensor, true: Tensor, windows: Tensor, boxes: Tensor) -> Tensor:
    """Of masks (n, h, w) of windows (n, 4); things cover `true` (n, DRAWN, DRAWN) of their boxes (n, 4)."""
    side = logits.shape[-1]
    at = (torch.arange(side, device=logits.device).float() + 0.5) / side
    size = boxes[:, 2:] - boxes[:, :2]
    low = (windows[:, :2] - boxes[:, :2]) / size  # of the window, in shares of the box
    step = (windows[:, 2:] - windows[:, :2]) / size
    x, y = ((low[:, axis, None] + step[:, axis, None] * at) * 2 - 1 for axis in (0, 1))
    grid = torch.stack([x[:, None, :].expand(-1, side, -1), y[:, :, None].expand(-1, -1, side)], -1)
    inside = functional.grid_sample(true[:, None], grid, align_corners=False)[:, 0]
    sure = logits.sigmoid()
    both, either = (sure * inside).sum((1, 2)), (sure**2 + inside**2).sum((1, 2))
    dice = 1 - (2 * both + 1) / (either + 1)
    return functional.binary_cross_entropy_with_logits(logits, inside) + dice.mean()


def _pushed(boxes: Tensor, random: np.random.Generator) -> Tensor:
    """Boxes (n, k, 4) a little out of place, some more than others."""
    size = (boxes[..., 2:] - boxes[..., :2]).repeat(1, 1, 2)
    far = random.uniform(0.02, 0.16, (*boxes.shape[:2], 1))
    push = np.clip(random.normal(size=boxes.shape), -2, 2) * far
    return boxes + torch.from_numpy(push.astype(np.float32)).to(boxes.device) * size


def overlaps(ours: Tensor, theirs: Tensor) -> tuple[Tensor, Tensor]:
    """Intersection over union (n,) of boxes (n, 4) one by one, and the generalised one (Rezatofighi, 2019)."""
    low, high = torch.maximum(ours[:, :2], theirs[:, :2]), torch.minimum(ours[:, 2:], theirs[:, 2:])
    both = (high - low).clamp(min=0).prod(1)
    area = [(tensor[:, 2:] - tensor[:, :2]).clamp(min=0).prod(1) for tensor in (ours, theirs)]
    either = area[0] + area[1] - both + 1e-6
    around = (
        torch.maximum(ours[:, 2:], theirs[:, 2:]) - torch.minimum(ours[:, :2], theirs[:, :2])
    ).prod(1)
    overlap = both / either
    return overlap, overlap - (around + 1e-6 - either) / (around + 1e-6)
