"""Backbones that give maps at strides 8, 16 and 32.

Parameters are named as in the weights files of the classifiers that they come from.
"""

from abc import abstractmethod
from typing import Protocol, cast

import torch
from torch import Tensor, nn

from sightline.errors import InputError
from sightline.train.hub import HubFile
from sightline.train.torchvision_ops import import_timm, import_torchvision

STRIDES = (8, 16, 32)
BACKBONES = ("mobilenet_v2", "small", "timm")
"""What a backbone's name begins with; ``timm`` is followed by a network's."""


class Pyramid(nn.Module):
    """A backbone. ``channels`` are those of its maps; ``frozen`` is what ``Network`` calls its stem."""

    channels: tuple[int, int, int]
    frozen: tuple[str, ...] = ()

    @abstractmethod
    def forward(self, images: Tensor) -> list[Tensor]:
        """Maps ``[N, channels, H / stride, W / stride]`` at each of ``STRIDES``."""


def make_pyramid(name: str) -> Pyramid:
    """The backbone ``name``.

    ``mobilenet_v2``; ``timm/NAME``, any network of timm that has such maps; or ``small``, which has no
    pretrained weights and learns from few pictures in minutes.

    Raises:
        InputError: there is no such network, or it has no maps at these strides.
    """
    library, _, variant = name.partition("/")
    if name == "mobilenet_v2":
        return _MobileNetV2()
    if name == "small":
        return _Small()
    if library == "timm" and variant:
        return _Timm(variant)
    raise _unknown(name)


def pyramid_hub(name: str) -> HubFile | None:
    """Where the weights of the classifier are that the backbone was taken from; None where there are none."""
    from sightline.train.arch import ARCHITECTURES

    library, _, variant = name.partition("/")
    if name == "small":
        return None
    if library not in BACKBONES:
        raise _unknown(name)
    return ARCHITECTURES.load(library).hub(variant)


def _unknown(name: str) -> InputError:
    return InputError(f"no backbone {name!r} for a detector; there are mobilenet_v2, small and timm/NAME")


class _MobileNetV2(Pyramid):
    """torchvision's, without its last 1 x 1 convolution and its classifier."""

    channels = (32, 96, 320)
    # Up to stride 4, where most of the time goes: 96 channels at 320 x 320 for a picture of 640 x 640.
    frozen = tuple(f"features.{number}" for number in range(4))
    _ends = (6, 13, 17)

    def __init__(self) -> None:
        super().__init__()
        self.features = import_torchvision().models.mobilenet_v2().features[: self._ends[-1] + 1]

    def forward(self, images: Tensor) -> list[Tensor]:
        """The maps before each change of stride."""
        maps = []
        for number, layer in enumerate(self.features):
            images = layer(images)
            if number in self._ends:
                maps.append(images)
        return maps


class _Small(Pyramid):
    """Residual blocks (He et al. 2016) behind two strided convolutions.

    Little happens at high resolution, where normalisation and activation cost more than the convolutions.
    """

    channels = (64, 128, 192)

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Sequential(convolution(3, 24, 2), convolution(24, 48, 2))
        self.stages = nn.ModuleList(
            nn.Sequential(convolution(inputs, outputs, 2), *(_Residual(outputs) for _ in range(blocks)))
            for inputs, outputs, blocks in ((48, 64, 2), (64, 128, 2), (128, 192, 1))
        )

    def forward(self, images: Tensor) -> list[Tensor]:
        """The maps after each stage."""
        values = self.stem(images)
        maps = []
        for stage in self.stages:
            values = stage(values)
            maps.append(values)
        return maps


class _Residual(nn.Module):
    """Two 3 x 3 convolutions around an identity."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.first = convolution(width, width, 1)
        norm = nn.BatchNorm2d(width)
        # An identity at first, so that gradients reach the stem from the first step on (Goyal et al. 2017).
        nn.init.zeros_(norm.weight)
        self.second = nn.Sequential(nn.Conv2d(width, width, 3, 1, 1, bias=False), norm)

    def forward(self, values: Tensor) -> Tensor:
        inner: Tensor = self.second(self.first(values))
        return torch.relu(values + inner)


def convolution(inputs: int, outputs: int, stride: int, kernel: int = 3) -> nn.Sequential:
    """A convolution that keeps places in place, its normalisation and ReLU."""
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, bias=False),
        nn.BatchNorm2d(outputs),
        nn.ReLU(inplace=True),
    )


class _Timm(Pyramid):
    """Any network of timm whose features come at the three strides."""

    def __init__(self, variant: str) -> None:
        super().__init__()
        timm = import_timm()
        if not timm.is_model(variant):
            raise InputError(f"timm has no network {variant!r}")
        model = timm.create_model(variant, pretrained=False, num_classes=0)
        # One entry a map that it can give: {"num_chs": 128, "reduction": 8, "module": "layer2"}.
        given = [
            (int(each["reduction"]), int(each["num_chs"])) for each in getattr(model, "feature_info", ())
        ]
        if not set(STRIDES) <= {stride for stride, _ in given} or not hasattr(model, "forward_intermediates"):
            raise InputError(
                f"timm/{variant} has no maps at strides 8, 16 and 32, so it cannot carry a detector"
            )
        # Of several maps at one stride the last has seen the most.
        self._indices = [
            max(i for i, (found, _) in enumerate(given) if found == stride) for stride in STRIDES
        ]
        low, middle, high = (given[index][1] for index in self._indices)
        self.channels = (low, middle, high)
        # The network's own modules, so that its weights files fit by name.
        for name, module in model.named_children():
            self.add_module(name, module)
        for name, parameter in model.named_parameters(recurse=False):
            self.register_parameter(name, parameter)
        self.__dict__["_model"] = model

    def forward(self, images: Tensor) -> list[Tensor]:
        """The maps that timm gives."""
        model = cast(_Intermediates, self.__dict__["_model"])
        return model.forward_intermediates(images, indices=self._indices, intermediates_only=True)


class _Intermediates(Protocol):
    def forward_intermediates(
        self, images: Tensor, *, indices: list[int], intermediates_only: bool
    ) -> list[Tensor]: ...
