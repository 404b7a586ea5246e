"""Photographs of single things with a transparent ground, and photographs to put them on.

The things come from Debian's `tuxpaint-stamps-default`: real photos with alpha, GPL-2, therefore
fetched and kept in `.local/samples` and never part of this repository. Where that package cannot
be had, they are cut from the photos that scikit-image and scikit-learn ship.
"""

from __future__ import annotations

import fcntl
import shutil
import subprocess
import tempfile
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal

import numpy as np
import skimage
import sklearn
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter, ImageOps
from skimage.measure import label

from dev import LOCAL

Source = Literal["stamps", "packages"]

SAMPLES = LOCAL / "samples"
_STAMPS = SAMPLES / "stamps"
_PACKAGE = "tuxpaint-stamps-default"
_OPAQUE = 128  # alpha from here on counts as part of the thing
_SPECK = 0.01  # a loose piece smaller than this share of the thing is wiped out
_MIN_SIDE_PX = 100  # smaller stamps look like fog when enlarged


@dataclass(frozen=True)
class Cutout:
    """One thing, cropped to its visible part."""

    name: str
    image: Image.Image
    """RGBA."""


@dataclass(frozen=True)
class Library:
    """What scenes are made of."""

    source: Source
    things: Mapping[str, tuple[Cutout, ...]]
    """By class."""
    grounds: tuple[Image.Image, ...]
    """Photos that show nothing of these classes. RGB."""


_STAMP_FOLDERS = {
    "bird": ("animals/birds",),
    "mammal": ("animals/mammals", "animals/marsupials"),
    "fruit": ("food/fruit",),
    "flower": ("plants/flowers",),
    "vehicle": ("vehicles",),
    "instrument": ("hobbies/music",),
}
_DRAWN_FOLDERS = {"cartoon", "toys", "plastic"}
# Drawings, silhouettes, parts of things and pairs of things in the folders above.
_LEFT_OUT = {
    "7spoke256",
    "wheel_tractor",
    "sedan_police",
    "cementmixer",
    "hedgehog",
    "echidna",
    "gnu-sitting",
    "tamarin_emperor",
    "albino_peahen",
    "tiger_sumatran",
    "cymbal_crash",
}
# Photos of scikit-image and scikit-learn without a bird, mammal, fruit, flower, vehicle or
# instrument; the grey ones are textures and get a tint.
_GROUNDS = (
    "coffee.png",
    "china.jpg",
    "china.jpg",
    "grass.png",
    "gravel.png",
    "brick.png",
    "hubble_deep_field.jpg",
    "ihc.png",
)
_TINTS = {
    "grass.png": ("#10240c", "#dcebb4"),
    "gravel.png": ("#241d18", "#efe3d0"),
    "brick.png": ("#3a1c12", "#f0cdb4"),
}


@cache
def library(source: Source | None = None) -> Library:
    """All cut-outs and grounds; the stamps are fetched the first time (160 MB; 10 are kept).

    Args:
        source: where the things come from; None: the stamps, else what the packages ship.

    Raises:
        FileNotFoundError: the stamps were asked for by name and cannot be had.
    """
    if source != "packages":
        if _fetch_stamps():
            return Library("stamps", _stamps(), _grounds(_GROUNDS))
        if source == "stamps":
            raise FileNotFoundError(f"the Debian package {_PACKAGE} cannot be downloaded here")
    cupless = tuple(name for name in _GROUNDS if name != "coffee.png")
    return Library("packages", _cut_from_packages(), _grounds(cupless))


def package_photo(name: str) -> Path:
    """Where the photo of this name lies in scikit-image or scikit-learn."""
    folders = (
        Path(skimage.__file__).parent / "data",
        Path(sklearn.__file__).parent / "datasets/images",
    )
    return next(folder / name for folder in folders if (folder / name).exists())


@contextmanager
def only_one(name: str) -> Generator[None]:
    """Hold off other processes that want to make the same thing in `.local/samples`."""
    SAMPLES.mkdir(parents=True, exist_ok=True)
    with (SAMPLES / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _fetch_stamps() -> bool:
    if _STAMPS.exists():
        return True
    if not (shutil.which("apt-get") and shutil.which("dpkg-deb")):
        return False
    with only_one("stamps"), tempfile.TemporaryDirectory(dir=SAMPLES) as temporary:
        if _STAMPS.exists():
            return True
        work = Path(temporary)
        try:
            _quietly(["apt-get", "download", _PACKAGE], work)
            _quietly(["dpkg-deb", "-x", str(next(work.glob("*.deb"))), "."], work)
        except (subprocess.SubprocessError, StopIteration):
            return False
        stamps = work / "usr/share/tuxpaint/stamps"
        kept = work / "kept"
        for folder in {folder for folders in _STAMP_FOLDERS.values() for folder in folders}:
            shutil.copytree(stamps / folder, kept / folder, ignore=_sounds_and_texts)
        shutil.copy(work / f"usr/share/doc/{_PACKAGE}/copyright", kept / "copyright")
        kept.rename(_STAMPS)
    return True


def _sounds_and_texts(folder: str, names: list[str]) -> list[str]:
    return [name for name in names if not (Path(folder, name).is_dir() or name.endswith(".png"))]


def _quietly(command: list[str], folder: Path) -> None:
    subprocess.run(
        command,
        cwd=folder,
        check=True,
        timeout=600,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def _stamps() -> dict[str, tuple[Cutout, ...]]:
    return {
        class_name: tuple(
            Cutout(file.stem, image)
            for folder in folders
            for file in sorted((_STAMPS / folder).rglob("*.png"))
            if _is_photo(file) and max((image := _load(file)).size) >= _MIN_SIDE_PX
        )
        for class_name, folders in _STAMP_FOLDERS.items()
    }


def _is_photo(file: Path) -> bool:
    is_copy = file.stem.endswith(("_mirror", "_flip"))
    return not (is_copy or file.stem in _LEFT_OUT or _DRAWN_FOLDERS & set(file.parts))


def _load(file: Path) -> Image.Image:
    with Image.open(file) as image:
        return _clean(image.convert("RGBA"))


def _clean(image: Image.Image) -> Image.Image:
    """Without loose specks, cropped to what is visible: what is left is what a labeler sees."""
    pixels = np.array(image)
    pieces: NDArray[np.int_] = np.asarray(label(pixels[..., 3] >= _OPAQUE, connectivity=2))
    sizes = np.bincount(pieces.ravel())
    sizes[0] = 0
    keep = np.flatnonzero(sizes >= _SPECK * sizes.sum())
    solid = Image.fromarray(np.isin(pieces, keep).astype(np.uint8) * 255)
    near = np.asarray(solid.filter(ImageFilter.MaxFilter(5)))  # the soft edge is kept with it
    pixels[near == 0] = 0
    return Image.fromarray(pixels).crop(solid.getbbox() or (0, 0, 1, 1))


# Ellipses (centre and radii in pixels) around things in photos of the packages, by class.
_ELLIPSES = {
    "cat": (
        ("chelsea.png", (223, 118, 118, 108)),
        ("chelsea.png", (225, 105, 92, 88)),
    ),
    "person": (("astronaut.png", (224, 122, 72, 108)),),
    "cup": (
        ("coffee.png", (300, 186, 176, 158)),
        ("coffee.png", (300, 170, 120, 104)),
    ),
    "flower": (
        ("flower.jpg", (300, 215, 210, 190)),
        ("flower.jpg", (310, 215, 150, 150)),
    ),
    "motorcycle": (("motorcycle_left.png", (370, 262, 340, 215)),),
}


def _cut_from_packages() -> dict[str, tuple[Cutout, ...]]:
    things = {
        class_name: tuple(
            Cutout(f"{class_name}-{number}", _ellipse(photo, where))
            for number, (photo, where) in enumerate(places)
        )
        for class_name, places in _ELLIPSES.items()
    }
    return {**things, "coin": _coins()}


def _ellipse(photo: str, where: tuple[int, int, int, int]) -> Image.Image:
    x, y, rx, ry = where
    with Image.open(package_photo(photo)) as whole:
        image = whole.convert("RGB").crop((x - rx, y - ry, x + rx, y + ry))
    mask = Image.new("L", image.size)
    ImageDraw.Draw(mask).ellipse((1, 1, image.width - 2, image.height - 2), fill=255)
    image.putalpha(mask)
    return _clean(image)


def _coins() -> tuple[Cutout, ...]:
    """The coins stand out by brightness; the largest regions of the photo are single coins."""
    with Image.open(package_photo("coins.png")) as photo:
        image = photo.convert("L")
    bright = np.asarray(image.filter(ImageFilter.MedianFilter(5))) > 125
    pieces: NDArray[np.int_] = np.asarray(label(bright))
    sizes = np.bincount(pieces.ravel())[1:]
    coins: list[Cutout] = []
    for number in sizes.argsort()[::-1][:8]:
        rows, columns = np.nonzero(pieces == number + 1)
        top, left = int(rows.min()), int(columns.min())
        bottom, right = int(rows.max()) + 1, int(columns.max()) + 1
        if not 0.7 < (right - left) / (bottom - top) < 1.4:
            continue
        coin = _tinted(image.crop((left, top, right, bottom)), "#2a1c0c", "#ffe9b0")
        coin = coin.resize((4 * coin.width, 4 * coin.height), Image.Resampling.LANCZOS)
        mask = Image.new("L", coin.size)
        ImageDraw.Draw(mask).ellipse((0, 0, coin.width - 1, coin.height - 1), fill=255)
        coin.putalpha(mask)
        coins.append(Cutout(f"coin-{len(coins)}", _clean(coin)))
    return tuple(coins)


def _grounds(names: tuple[str, ...]) -> tuple[Image.Image, ...]:
    grounds: list[Image.Image] = []
    for name in names:
        with Image.open(package_photo(name)) as photo:
            tint = _TINTS.get(name)
            grounds.append(_tinted(photo.convert("L"), *tint) if tint else photo.convert("RGB"))
    return tuple(grounds)


def _tinted(image: Image.Image, dark: str, bright: str) -> Image.Image:
    return ImageOps.colorize(ImageOps.autocontrast(image), dark, bright)
