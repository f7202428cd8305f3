"""The quick way gives the answers and gradients of the plain one."""

import copy
from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn
from torch.testing import assert_close

from sightline.train.arch import anchor_free, mobilenet_v2
from sightline.train.arch.base import Network
from sightline.train.quickening import quickened


def some_block() -> nn.Sequential:
    """As MobileNetV2 has them: expansion, a depthwise convolution of stride 2, projection.

    But smooth: where a ReLU starts to pass a value, rounding decides over a whole gradient.
    """
    torch.manual_seed(0)
    block = nn.Sequential(
        nn.Sequential(nn.Conv2d(4, 12, 1, bias=False), nn.BatchNorm2d(12), nn.SiLU(inplace=True)),
        nn.Sequential(nn.Conv2d(12, 12, 3, 2, 1, groups=12), nn.BatchNorm2d(12), nn.SiLU(inplace=True)),
        nn.Conv2d(12, 6, 1),
        nn.BatchNorm2d(6),
    )
    for module in block.modules():
        if isinstance(module, nn.BatchNorm2d):
            for values in (module.weight, module.bias, module.running_mean, module.running_var):
                assert values is not None
                values.data.uniform_(0.5, 1.5)
    return block


def learned(network: nn.Module, pictures: Tensor) -> dict[str, Tensor]:
    """The answer, the gradients of all parameters and of the pictures, and what changed in the buffers."""
    pictures = pictures.clone().requires_grad_()
    answer = network(pictures)
    (answer.float().square() * torch.linspace(0.5, 1.5, answer.numel()).view_as(answer)).sum().backward()
    gradients = {name: each.grad for name, each in network.named_parameters()}
    assert pictures.grad is not None
    found = {"answer": answer, "pictures": pictures.grad, **gradients, **dict(network.named_buffers())}
    return {name: each.detach().float().clone() for name, each in found.items() if each is not None}


def apart(one: Tensor, other: Tensor) -> float:
    """The difference relative to ``other``, where that is not next to nothing."""
    return float((one - other).norm() / other.norm().clamp(min=1))


@pytest.mark.parametrize("learning", ["fixed", "learned", "one of them"])
def test_answers_and_gradients_are_those_of_the_plain_network(learning: str) -> None:
    plain, pictures = some_block().train(learning != "fixed"), torch.rand(2, 4, 10, 10)
    if learning == "one of them":
        plain[0].eval()
    quick = copy.deepcopy(plain)
    with quickened(quick):
        found = learned(quick, pictures)
    wanted = learned(plain, pictures)
    assert found.keys() == wanted.keys()
    for name, values in wanted.items():
        assert apart(found[name], values) < 1e-3, name


def test_bfloat16_is_as_close_to_float32_as_the_plain_network() -> None:
    plain, pictures = some_block().eval(), torch.rand(2, 4, 10, 10)
    exact = learned(copy.deepcopy(plain), pictures)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        rounded = learned(copy.deepcopy(plain), pictures)
        with quickened(plain):
            found = learned(plain, pictures)
    for name, values in exact.items():
        assert apart(found[name], values) < 1.5 * apart(rounded[name], values) + 0.01, name


def test_the_gradient_of_a_strided_depthwise_convolution_is_not_rounded_twice() -> None:
    layer, values = nn.Conv2d(8, 8, 3, 2, 1, groups=8, bias=False), torch.rand(1, 8, 9, 9).bfloat16().float()
    layer.weight.data = layer.weight.data.bfloat16().float()
    wanted = learned(copy.deepcopy(layer), values)
    with quickened(layer), torch.autocast("cpu", dtype=torch.bfloat16):
        found = learned(layer, values)
    assert_close(found["pictures"], wanted["pictures"], rtol=0.02, atol=0.02)
    assert_close(found["weight"], wanted["weight"], rtol=0.02, atol=0.02)


def test_what_needs_no_gradient_gets_none() -> None:
    layer = nn.Conv2d(8, 8, 3, 2, 1, groups=8)
    layer.requires_grad_(requires_grad=False)
    pictures = torch.rand(1, 8, 8, 8, requires_grad=True)
    with quickened(layer), torch.autocast("cpu", dtype=torch.bfloat16):
        layer(pictures).sum().backward()
    assert pictures.grad is not None
    assert layer.weight.grad is None
    with quickened(layer), torch.autocast("cpu", dtype=torch.bfloat16):
        assert not layer(pictures.detach()).requires_grad


def test_everything_is_as_before_afterwards_also_after_an_error() -> None:
    network = anchor_free.build("", 3)
    kinds, names = [type(each) for each in network.modules()], list(network.state_dict())
    with quickened(network):
        assert [type(each) for each in network.modules()] != kinds
        assert list(network.state_dict()) == names
    assert [type(each) for each in network.modules()] == kinds
    with pytest.raises(RuntimeError, match="channels"), quickened(network):
        network(torch.rand(1, 1, 64, 64))
    assert [type(each) for each in network.modules()] == kinds


def test_a_second_time_inside_changes_nothing() -> None:
    network = some_block()
    kinds = [type(each) for each in network.modules()]
    with quickened(network):
        quick = [type(each) for each in network.modules()]
        with quickened(network):
            assert [type(each) for each in network.modules()] == quick
        assert [type(each) for each in network.modules()] == quick
    assert [type(each) for each in network.modules()] == kinds


@pytest.mark.parametrize("build", [anchor_free.build, mobilenet_v2.build])
def test_whole_networks_answer_alike(build: Callable[[str, int], Network]) -> None:
    torch.manual_seed(0)
    network = build("", 3).eval()
    pictures = torch.rand(2, 3, 64, 64)
    with torch.inference_mode():
        wanted = network(pictures)
        with quickened(network):
            found = network(pictures)
    for one, other in zip(found, wanted, strict=True):
        if isinstance(one, Tensor):
            assert_close(one, other, rtol=1e-4, atol=1e-3)
