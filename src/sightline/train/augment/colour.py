"""Brightness, contrast and saturation."""

from collections.abc import Mapping

import torch
from torch import Generator

from sightline.train.augment.base import Change, uniform
from sightline.values.dataset import Task
from sightline.values.image import Size

AMOUNT = "largest change of brightness, contrast and saturation as a fraction"
MOST = 1.0
DEFAULT: Mapping[Task, float] = {"classification": 0.2, "detection": 0.2}
_LUMA = (0.299, 0.587, 0.114)
"""ITU-R BT.601 weights of R, G and B."""


def draw(amount: float, count: int, size: Size, dice: Generator) -> Change:  # noqa: ARG001
    """Each factor from [1 - amount, 1 + amount); contrast is about mid grey."""
    brightness, contrast, saturation = (uniform(1 - amount, 1 + amount, count, dice) for _ in range(3))
    grey = torch.tensor(_LUMA).expand(3, 3)
    mix = saturation[:, None, None] * torch.eye(3) + (1 - saturation)[:, None, None] * grey
    offset = 0.5 * (1 - contrast)
    linear = mix * (brightness * contrast)[:, None, None]
    return Change(colour=torch.cat([linear, offset[:, None, None].expand(count, 3, 1)], dim=2))
