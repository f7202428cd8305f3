"""The exported file: same answers, same bytes, nothing about the machine in it."""

from dataclasses import replace

import numpy as np
import onnx
import pytest
import torch

from sightline.errors import ParityError
from sightline.export.classifier import PixelsToProbabilities, classifier_file
from sightline.export.classifier_parity import classifier_parity, require_parity
from sightline.export.onnx_file import contract
from sightline.infer.runtimes import RUNTIMES
from sightline.train.arch import ARCHITECTURES
from sightline.train.weights import split_arch
from sightline.values.contract import Normalise, PixelRecipe
from sightline.values.image import Size

NORMALISE = Normalise((0.4, 0.5, 0.6), (0.2, 0.25, 0.3))


def model(size: Size, arch: str = "small_resnet", temperature: float = 1.7) -> PixelsToProbabilities:
    name, variant = split_arch(arch)
    torch.manual_seed(0)
    return PixelsToProbabilities(ARCHITECTURES.load(name).build(variant, 3), NORMALISE, size, temperature)


def pictures(count: int, size: Size) -> np.ndarray:
    return np.random.default_rng(1).integers(0, 256, (count, size.height, size.width, 3), dtype=np.uint8)


@pytest.mark.parametrize("arch", ["small_resnet", "squeezenet", "timm/resnet10t"])
def test_every_kind_of_network_answers_the_same_after_export(arch: str) -> None:
    size = Size(40, 64) if arch != "small_resnet" else Size(24, 32)
    network = model(size, arch)
    exported = classifier_file(network, PixelRecipe(size))
    parity = require_parity(classifier_parity(network, exported, pictures(5, size), "noise", 1))
    assert parity.max_score_difference < 1e-5
    session = RUNTIMES.load("onnxruntime").load(exported, 1)
    classes = contract("classification", ("a", "b", "c"), PixelRecipe(size), int(session.outputs[1].shape[1]))
    assert session.inputs == classes.inputs
    assert session.outputs == classes.outputs
    for count in (1, 4):
        answer = session.run(pictures(count, size))
        assert answer["probabilities"].shape == (count, 3)
        assert np.allclose(answer["probabilities"].sum(1), 1, atol=1e-5)


def test_scaling_and_temperature_are_inside() -> None:
    size = Size(16, 16)
    network = model(size)
    pixels = pictures(2, size)
    images = torch.from_numpy(pixels).permute(0, 3, 1, 2).float() / 255
    mean, std = (torch.tensor(each).view(1, 3, 1, 1) for each in (NORMALISE.mean, NORMALISE.std))
    network.eval()
    with torch.inference_mode():
        wanted = torch.softmax(network.network((images - mean) / std).logits / 1.7, 1).numpy()
    got = RUNTIMES.load("onnxruntime").load(classifier_file(network, PixelRecipe(size)), 1).run(pixels)
    assert np.allclose(got["probabilities"], wanted, atol=1e-5)


def test_the_same_network_gives_the_same_bytes_without_a_word_about_the_machine() -> None:
    recipe = PixelRecipe(Size(16, 16))
    first, second = (classifier_file(model(recipe.size), recipe) for _ in range(2))
    assert first == second
    parsed = onnx.load_from_string(first)
    assert not parsed.metadata_props
    assert all(not node.metadata_props and not node.doc_string for node in parsed.graph.node)
    for word in (b".py", b"/site-packages", b"/home", b"/root", b"/usr", b"File "):
        assert word not in first


def test_a_model_that_answers_otherwise_is_refused() -> None:
    size = Size(16, 16)
    exported = classifier_file(model(size, temperature=1.0), PixelRecipe(size))
    parity = classifier_parity(model(size, temperature=3.0), exported, pictures(4, size), "noise", 1)
    assert not parity.passes
    with pytest.raises(ParityError, match="4 noise"):
        require_parity(parity)
    assert require_parity(replace(parity, passes=True))
