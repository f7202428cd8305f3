"""A small residual network for pictures of 64 px or less.

Pre-activation blocks (He et al. 2016, *Identity mappings*) behind one 3 x 3 convolution at full
resolution, which a network made for 224 px would throw away at once.
"""

from itertools import pairwise

import torch
from torch import Tensor, nn

from sightline.errors import InputError
from sightline.train.arch.base import Answer, Classifier, Network
from sightline.train.hub import HubFile
from sightline.values.dataset import Task
from sightline.values.image import Size

TASK: Task = "classification"

WIDTH = 32
"""Channels of the first convolution; ``small_resnet/48`` takes another width."""


class Block(nn.Module):
    """Two 3 x 3 convolutions around an identity, or around a 1 x 1 convolution where the shape changes."""

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.norm1 = nn.BatchNorm2d(inputs)
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)
        self.norm2 = nn.BatchNorm2d(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False)
        same = stride == 1 and inputs == outputs
        self.shortcut = nn.Identity() if same else nn.Conv2d(inputs, outputs, 1, stride, bias=False)

    def forward(self, maps: Tensor) -> Tensor:
        """Maps ``[N, outputs, H / stride, W / stride]``."""
        ready = torch.relu(self.norm1(maps))
        identity = maps if isinstance(self.shortcut, nn.Identity) else self.shortcut(ready)
        inner: Tensor = self.conv2(torch.relu(self.norm2(self.conv1(ready))))
        return inner + identity


class Body(nn.Module):
    """Stem, two blocks each at half, quarter and eighth resolution, pooling and the classifier.

    Only the stem works at full resolution, where normalisation and activation cost more than the
    convolutions: at equal time this learns more than blocks there.
    """

    def __init__(self, width: int, classes: int) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, width, 3, 1, 1, bias=False)
        widths = (width, 2 * width, 4 * width, 8 * width)
        blocks = [Block(*each) for i, o in pairwise(widths) for each in ((i, o, 2), (o, o, 1))]
        self.blocks = nn.Sequential(*blocks)
        self.norm = nn.BatchNorm2d(widths[-1])
        self.classifier = nn.Linear(widths[-1], classes)
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")


class SmallResNet(Classifier):
    """Embedding: the pooled features, eight times the width."""

    def forward(self, images: Tensor) -> Answer:
        """Logits and embedding."""
        maps = torch.relu(self.part("norm", self.part("blocks", self.part("stem", images))))
        embedding = maps.mean(dim=(2, 3))
        return Answer(self.part("classifier", embedding), embedding)


def build(variant: str, classes: int) -> Network:
    """A fresh network; ``variant`` is its width."""
    return SmallResNet(Body(_width(variant), classes), heads=("classifier",))


def input_size(variant: str) -> Size:
    """32 x 32; anything up to 64 px is sensible."""
    _width(variant)
    return Size(32, 32)


def hub(variant: str) -> HubFile | None:
    """None: it is trained from scratch."""
    _width(variant)
    return None


def _width(variant: str) -> int:
    if not variant:
        return WIDTH
    if not variant.isdigit() or not 8 <= int(variant) <= 512:
        raise InputError(f"small_resnet/WIDTH takes a width from 8 to 512, got {variant!r}")
    return int(variant)
