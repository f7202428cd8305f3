"""The contract of every architecture, found by listing the folder."""

import pytest
import torch

from sightline.errors import InputError, UnknownPlugin
from sightline.train.arch import ARCHITECTURES
from sightline.train.arch.base import Classifier, Detector, Network, Target
from sightline.train.weights import split_arch, weights_digest
from sightline.values.dataset import Task
from sightline.values.image import Size

VARIANTS = {"timm": "resnet10t"}
NAMES = [f"{name}/{VARIANTS[name]}" if name in VARIANTS else name for name in ARCHITECTURES.names()]
TASK_OF: dict[str, Task] = {arch: ARCHITECTURES.load(split_arch(arch)[0]).TASK for arch in NAMES}
DETECTORS = [arch for arch in NAMES if TASK_OF[arch] == "detection"]


def fresh(arch: str, classes: int = 3, seed: int = 0) -> Network:
    name, variant = split_arch(arch)
    torch.manual_seed(seed)
    return ARCHITECTURES.load(name).build(variant, classes)


def size_of(arch: str) -> Size:
    """Its size, or a smaller one of a detector that takes any, to be quick."""
    name, variant = split_arch(arch)
    return Size(96, 64) if name == "anchor_free" else ARCHITECTURES.load(name).input_size(variant)


@pytest.mark.parametrize("arch", NAMES)
def test_it_answers_any_batch_as_its_task_asks(arch: str) -> None:
    network, size = fresh(arch).eval(), size_of(arch)
    with torch.inference_mode():
        one, three = (network(torch.zeros(count, 3, size.height, size.width)) for count in (1, 3))
    assert three.embedding.shape[0] == 3
    assert three.embedding.ndim == 2
    if TASK_OF[arch] == "classification":
        assert isinstance(network, Classifier)
        assert one.logits.shape == (1, 3)
        assert three.logits.shape == (3, 3)
    else:
        assert isinstance(network, Detector)
        count = one.boxes.shape[1]
        assert three.boxes.shape == (3, count, 4)
        assert three.scores.shape == (3, count, 3)
        assert ((three.scores >= 0) & (three.scores <= 1)).all()
        assert (three.boxes[..., 2:] >= three.boxes[..., :2]).all()


@pytest.mark.parametrize("arch", NAMES)
def test_its_heads_are_all_that_depends_on_the_classes(arch: str) -> None:
    few, many = fresh(arch, 3), fresh(arch, 5)
    shapes = {key: value.shape for key, value in many.body.state_dict().items()}
    differing = {key for key, value in few.body.state_dict().items() if value.shape != shapes[key]}
    assert differing
    assert all(few.is_head(key) for key in differing)
    assert not any(few.is_head(key) and few.is_stem(key) for key in shapes)
    for part in (*few.heads, *few.stem):
        few.body.get_submodule(part)


@pytest.mark.parametrize("arch", NAMES)
def test_a_seed_decides_its_weights(arch: str) -> None:
    assert len({weights_digest(fresh(arch, seed=seed)) for seed in (1, 1, 2)}) == 2


@pytest.mark.parametrize("arch", [*DETECTORS, "anchor_free/small"])
def test_a_detectors_loss_falls_on_one_picture(arch: str) -> None:
    network, size = fresh(arch), size_of(arch)
    picture = torch.zeros(2, 3, size.height, size.width)
    picture[:, :, 16:48, 20:60] = 1.0
    box = torch.tensor([[20.0, 16, 60, 48]])
    target = Target(box, torch.tensor([1]), torch.tensor([False]))
    empty = Target(torch.empty(0, 4), torch.empty(0, dtype=torch.int64), torch.empty(0, dtype=torch.bool))
    optimiser = torch.optim.AdamW(network.parameters(), lr=5e-3)
    losses = []
    for _ in range(20):
        optimiser.zero_grad()
        loss = network.loss(network(picture), [target, target], None)  # type: ignore[arg-type]  # not read
        loss.backward()  # type: ignore[no-untyped-call]  # untyped in torch
        optimiser.step()
        losses.append(loss.item())
    assert losses[-1] < 0.8 * losses[0]
    without = network.loss(network(picture), [empty, empty], None)  # type: ignore[arg-type]  # not read
    assert torch.isfinite(without)
    without.backward()  # type: ignore[no-untyped-call]  # untyped in torch


def test_a_backbones_own_parameters_are_learned_too() -> None:
    network = fresh("anchor_free/timm/hiera_tiny_224")
    assert "backbone.pos_embed" in network.body.state_dict()


def test_ssdlite_learns_an_object_under_an_ignored_one() -> None:
    network = fresh("ssdlite")
    picture = torch.rand(2, 3, 320, 320, generator=torch.Generator().manual_seed(1))
    box = torch.tensor([[40.0, 40.0, 200.0, 200.0]])
    whole = torch.tensor([[0.0, 0.0, 320.0, 320.0]])
    alone = Target(box, torch.tensor([1]), torch.tensor([False]))
    under = Target(torch.cat([box, whole]), torch.tensor([1, 0]), torch.tensor([False, True]))
    with torch.no_grad():
        losses = [network.loss(network(picture), [each, each], None) for each in (alone, under)]  # type: ignore[arg-type]
    assert losses[1] < losses[0] < 100
    anchors = network(picture).raw[2]
    with torch.autocast("cpu", torch.bfloat16):
        assert torch.equal(network(picture).raw[2], anchors)


@pytest.mark.parametrize("backbone", ["timm/resnet10t", "timm/mobilenetv3_small_050"])
def test_any_backbone_with_a_pyramid_carries_the_detector(backbone: str) -> None:
    network = fresh(f"anchor_free/{backbone}").eval()
    with torch.inference_mode():
        found = network(torch.zeros(1, 3, 64, 96))
    assert found.boxes.shape == (1, 8 * 12 + 4 * 6 + 2 * 3, 4)
    _, variant = split_arch(backbone)
    theirs = ARCHITECTURES.load("timm").build(variant, 3).body.state_dict()
    ours = {name for name in network.body.state_dict() if name.startswith("backbone.")}
    assert ours <= {f"backbone.{name}" for name in theirs}


@pytest.mark.parametrize(
    "arch",
    [
        *("small_resnet/3", "small_resnet/x", "timm/", "timm/resnet1888", "mobilenet_v2/1"),
        *(
            "ssdlite/1",
            "anchor_free/resnet18",
            "anchor_free/timm/nothing",
            "anchor_free/timm/vit_tiny_patch16_224",
        ),
    ],
)
def test_an_unknown_variant_is_refused(arch: str) -> None:
    with pytest.raises(InputError):
        fresh(arch)


def test_an_unknown_architecture_is_refused_with_the_nearest() -> None:
    with pytest.raises(UnknownPlugin, match="mobilenet_v2"):
        ARCHITECTURES.load("mobilenetv2")
