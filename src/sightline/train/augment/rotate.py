"""Turn about the centre."""

from collections.abc import Mapping

import torch
from torch import Generator

from sightline.train.augment.base import Change, identity, uniform
from sightline.values.dataset import Task
from sightline.values.image import Size

AMOUNT = "largest angle in degrees, either way"
MOST = 180.0
DEFAULT: Mapping[Task, float] = {"classification": 8.0, "detection": 0.0}


def draw(amount: float, count: int, size: Size, dice: Generator) -> Change:  # noqa: ARG001
    """Turns by an angle from [-amount, amount)."""
    angle = torch.deg2rad(uniform(-amount, amount, count, dice))
    space = identity(count)
    space[:, 0, 0] = space[:, 1, 1] = torch.cos(angle)
    space[:, 0, 1], space[:, 1, 0] = -torch.sin(angle), torch.sin(angle)
    return Change(space=space)
