"""A one-stage, anchor-free detector over any backbone: ``anchor_free/BACKBONE``.

The YOLO family's outline (a pyramid that passes features down and up again, PANet, Liu et al. 2018; classes
and boxes learned apart, each from every place, YOLOX, Ge et al. 2021; distances to the four sides as FCOS,
Tian et al. 2019, has them) over a backbone with pretrained weights, thin and shallow enough to be trained on
a processor.
"""

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn.functional import interpolate

from sightline.train.arch.base import Detector, Found, Network, Target
from sightline.train.hub import HubFile
from sightline.train.pyramids import STRIDES, convolution, make_pyramid, pyramid_hub
from sightline.train.task_aligned import Places, detection_loss
from sightline.values.dataset import Task
from sightline.values.image import Size
from sightline.values.recipe import Recipe

TASK: Task = "detection"
BACKBONE = "mobilenet_v2"
WIDTH = 64
"""Channels of the pyramid and of the heads."""
REACH = 128.0
"""No side is further away than this many strides."""

_USUAL = 2.0
"""A fresh network takes every side for this many strides away."""

_RARE = 0.01
"""A fresh network takes a place for an object with this chance, so that the many empty places, which are
right from the start, do not drown the few others (Lin et al. 2017)."""


class Body(nn.Module):
    """Backbone, pyramid and heads; for each place ``classes`` logits and 4 logarithms of distances."""

    def __init__(self, backbone: str, classes: int) -> None:
        super().__init__()
        self.backbone = make_pyramid(backbone)
        levels = range(len(STRIDES))
        self.lateral = nn.ModuleList(convolution(each, WIDTH, 1, kernel=1) for each in self.backbone.channels)
        self.down = nn.ModuleList(_block() for _ in levels[1:])
        self.stride = nn.ModuleList(_block(stride=2) for _ in levels[1:])
        self.up = nn.ModuleList(_block() for _ in levels[1:])
        self.classes = nn.ModuleList(_head(classes, -math.log(1 / _RARE - 1)) for _ in levels)
        self.sides = nn.ModuleList(_head(4, math.log(_USUAL)) for _ in levels)

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """``[N, A, C]`` and ``[N, A, 4]`` over all levels, and the deepest map's mean ``[N, D]``."""
        deep = self.backbone(images)
        maps = [lateral(each) for lateral, each in zip(self.lateral, deep, strict=True)]
        for level in reversed(range(len(maps) - 1)):
            maps[level] = self.down[level](maps[level] + interpolate(maps[level + 1], scale_factor=2.0))
        for level in range(len(maps) - 1):
            maps[level + 1] = self.up[level](maps[level + 1] + self.stride[level](maps[level]))
        logits, sides = [], []
        for level, each in enumerate(maps):
            logits.append(_in_rows(self.classes[level](each)))
            sides.append(_in_rows(self.sides[level](each)))
        return torch.cat(logits, dim=1), torch.cat(sides, dim=1), deep[-1].mean(dim=(2, 3))


class AnchorFree(Detector):
    """Embedding: the mean of the backbone's deepest map."""

    def __init__(self, body: Body) -> None:
        heads = tuple(name for name, _ in body.named_children() if name != "backbone")
        stem = tuple(f"backbone.{part}" for part in body.backbone.frozen)
        super().__init__(body, heads, backbone="backbone", stem=stem)

    def forward(self, images: Tensor) -> Found:
        """Candidates at every place of every level.

        Raises:
            ValueError: a side of the pictures is no multiple of 32.
        """
        if any(side % STRIDES[-1] for side in images.shape[2:]):
            raise ValueError(f"both sides must be multiples of {STRIDES[-1]}")
        logits, sides, embedding = self.body(images)
        logits, places = logits.float(), _places(images)
        distances = sides.float().clamp(max=math.log(REACH)).exp() * places.strides[:, None]
        boxes = torch.cat([places.points - distances[..., :2], places.points + distances[..., 2:]], dim=2)
        return Found(boxes, logits.sigmoid(), embedding, (logits, places.points, places.strides))

    def loss(self, answer: Found, targets: Sequence[Target], recipe: Recipe) -> Tensor:  # noqa: ARG002
        """Task-aligned classification and regression."""
        logits, points, strides = answer.raw
        return detection_loss(logits, answer.boxes, Places(points, strides), targets)


def build(variant: str, classes: int) -> Network:
    """A fresh detector over the backbone ``variant``."""
    return AnchorFree(Body(variant or BACKBONE, classes))


def input_size(variant: str) -> Size:  # noqa: ARG001
    """640 x 640; sides must be multiples of 32."""
    return Size(640, 640)


def hub(variant: str) -> HubFile | None:
    """The backbone's weights."""
    return pyramid_hub(variant or BACKBONE)


def _block(stride: int = 1) -> nn.Sequential:
    return convolution(WIDTH, WIDTH, stride)


def _head(outputs: int, bias: float) -> nn.Sequential:
    """One block and the numbers read from it; a fresh one says ``bias`` everywhere."""
    last = nn.Conv2d(WIDTH, outputs, 1)
    nn.init.normal_(last.weight, std=0.01)
    nn.init.constant_(last.get_parameter("bias"), bias)
    return nn.Sequential(_block(), last)


def _in_rows(maps: Tensor) -> Tensor:
    """``[N, K, H, W]`` as ``[N, H * W, K]``."""
    return maps.flatten(2).transpose(1, 2)


def _places(images: Tensor) -> Places:
    """The middle of every cell of every level."""
    points, strides = [], []
    for stride in STRIDES:
        height, width = images.shape[2] // stride, images.shape[3] // stride
        y, x = torch.meshgrid(
            torch.arange(height, device=images.device, dtype=torch.float32),
            torch.arange(width, device=images.device, dtype=torch.float32),
            indexing="ij",
        )
        points.append((torch.stack([x, y], dim=2).flatten(0, 1) + 0.5) * stride)
        strides.append(torch.full((height * width,), float(stride), device=images.device))
    return Places(torch.cat(points), torch.cat(strides))
