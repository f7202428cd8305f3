"""The same training steps in less time on a processor.

Two things that PyTorch does slowly there are done in another way while a network is trained:

- A normalisation whose statistics stay as they are is a scale and an offset of each channel. Folded into the
  convolution before it, it costs a product of weights in place of two passes over the largest maps. Gradients
  reach the same parameters as before (as in Krishnamoorthi 2018, section 3.2.2).
- The gradient of a depthwise convolution of stride 2 towards its input takes 10 to 50 times as long in
  bfloat16 as in float32 (oneDNN, PyTorch 2.13), so it is computed in float32.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise
from typing import Any, TypeGuard

import torch
from torch import Tensor, nn
from torch.nn.functional import conv2d


@contextmanager
def quickened(network: nn.Module) -> Iterator[None]:
    """``network`` computes the quick way until the end; its modules and parameters stay the same objects."""
    changed = [(module, type(module)) for module in network.modules() if _quick_kind(module)]
    for module, kind in changed:
        module.__class__ = _quick_kind(module) or kind
    try:
        yield
    finally:
        for module, kind in changed:
            module.__class__ = kind


def _quick_kind(module: nn.Module) -> type[nn.Module] | None:
    if type(module) is nn.Conv2d and _strided_depthwise(module):
        return _StridedDepthwise
    # What runs its parts in order, and says so in no way of its own.
    if type(module).forward is nn.Sequential.forward and not isinstance(module, _Folding):
        return _Folding
    return None


def _strided_depthwise(convolution: nn.Conv2d) -> bool:
    depthwise = 1 < convolution.groups == convolution.in_channels == convolution.out_channels
    return depthwise and max(convolution.stride) > 1 and convolution.padding_mode == "zeros"


class _Folding(nn.Sequential):
    """A sequence in which normalisations with fixed statistics are part of their convolutions."""

    def forward(self, values: Tensor) -> Tensor:
        """The parts in order."""
        pairs = iter(pairwise([*self, None]))
        for part, following in pairs:
            if isinstance(part, nn.Conv2d) and _is_fixed(following):
                values = _folded(part, following, values)
                next(pairs)
            else:
                values = part(values)
        return values


def _is_fixed(module: nn.Module | None) -> TypeGuard[nn.BatchNorm2d]:
    if type(module) is not nn.BatchNorm2d:
        return False
    return module.affine and module.track_running_stats and not module.training


def _folded(convolution: nn.Conv2d, norm: nn.BatchNorm2d, values: Tensor) -> Tensor:
    mean, variance = norm.get_buffer("running_mean"), norm.get_buffer("running_var")
    scale = norm.weight * torch.rsqrt(variance + norm.eps)
    offset = norm.bias - mean * scale
    if convolution.bias is not None:
        offset = offset + convolution.bias * scale
    weight = convolution.weight * scale[:, None, None, None]
    return convolution._conv_forward(values, weight, offset)  # type: ignore[no-any-return]  # untyped in torch


class _StridedDepthwise(nn.Conv2d):
    """A depthwise convolution whose gradient towards its input is computed in float32."""

    def _conv_forward(self, input: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:  # noqa: A002
        if not (input.is_cpu and torch.is_autocast_enabled("cpu")):
            return super()._conv_forward(input, weight, bias)  # type: ignore[no-any-return]  # untyped in torch
        kind = torch.get_autocast_dtype("cpu")
        bias = None if bias is None else bias.to(kind)
        values, weight = input.to(kind), weight.to(kind)
        result: Tensor = _Float32Gradient.apply(values, weight, bias, self)  # type: ignore[no-untyped-call]
        return result


class _Float32Gradient(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, values: Tensor, weight: Tensor, bias: Tensor | None, layer: nn.Conv2d) -> Tensor:
        ctx.save_for_backward(values, weight)
        ctx.layer, ctx.biased = layer, bias is not None
        return conv2d(values, weight, bias, layer.stride, layer.padding, layer.dilation, layer.groups)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        values, weight = ctx.saved_tensors
        towards_values, *others = ctx.needs_input_grad[:3]
        given = _backward(ctx, gradient, values, weight, [False, *others])
        if towards_values:
            # Of the values only their shape and layout count here.
            shape = torch.empty_like(values, dtype=torch.float32)
            slow = _backward(ctx, gradient.float(), shape, weight.float(), [True, False, False])
            given = (slow[0].to(values.dtype), *given[1:])
        return *given, None


def _backward(
    ctx: Any, gradient: Tensor, values: Tensor, weight: Tensor, wanted: list[bool]
) -> tuple[Tensor, ...]:
    layer: nn.Conv2d = ctx.layer
    sizes = [len(weight)] if ctx.biased else None
    result: tuple[Tensor, ...] = torch.ops.aten.convolution_backward(
        gradient,
        values,
        weight,
        sizes,
        layer.stride,
        layer.padding,
        layer.dilation,
        False,
        [0, 0],
        layer.groups,
        wanted,
    )
    return result
