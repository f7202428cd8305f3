"""The contract of every architecture, found by listing the folder."""

import pytest
import torch

from sightline.errors import InputError, UnknownPlugin
from sightline.train.arch import ARCHITECTURES
from sightline.train.weights import split_arch, weights_digest

VARIANTS = {"timm": "resnet10t"}
NAMES = [f"{name}/{VARIANTS[name]}" if name in VARIANTS else name for name in ARCHITECTURES.names()]


@pytest.mark.parametrize("arch", NAMES)
def test_it_gives_logits_and_an_embedding_for_any_batch(arch: str) -> None:
    name, variant = split_arch(arch)
    plugin = ARCHITECTURES.load(name)
    network = plugin.build(variant, 3).eval()
    size = plugin.input_size(variant)
    with torch.inference_mode():
        one, three = (network(torch.zeros(count, 3, size.height, size.width)) for count in (1, 3))
    assert one.logits.shape == (1, 3)
    assert three.logits.shape == (3, 3)
    assert three.embedding.shape[0] == 3
    assert three.embedding.ndim == 2


@pytest.mark.parametrize("arch", NAMES)
def test_its_head_is_all_that_depends_on_the_classes(arch: str) -> None:
    name, variant = split_arch(arch)
    plugin = ARCHITECTURES.load(name)
    few, many = plugin.build(variant, 3), plugin.build(variant, 5)
    shapes = {key: value.shape for key, value in many.body.state_dict().items()}
    differing = {key for key, value in few.body.state_dict().items() if value.shape != shapes[key]}
    assert differing
    assert all(few.is_head(key) for key in differing)


@pytest.mark.parametrize("arch", NAMES)
def test_a_seed_decides_its_weights(arch: str) -> None:
    name, variant = split_arch(arch)
    digests = set()
    for seed in (1, 1, 2):
        torch.manual_seed(seed)
        digests.add(weights_digest(ARCHITECTURES.load(name).build(variant, 3)))
    assert len(digests) == 2


@pytest.mark.parametrize(
    "arch", ["small_resnet/3", "small_resnet/x", "timm/", "timm/resnet1888", "mobilenet_v2/1"]
)
def test_an_unknown_variant_is_refused(arch: str) -> None:
    name, variant = split_arch(arch)
    with pytest.raises(InputError):
        ARCHITECTURES.load(name).build(variant, 3)


def test_an_unknown_architecture_is_refused_with_the_nearest() -> None:
    with pytest.raises(UnknownPlugin, match="mobilenet_v2"):
        ARCHITECTURES.load("mobilenetv2")
