"""Mirror left and right."""

from collections.abc import Mapping

import torch
from torch import Generator

from sightline.train.augment.base import Change, identity
from sightline.values.dataset import Task
from sightline.values.image import Size

AMOUNT = "probability of a mirrored picture"
MOST = 1.0
DEFAULT: Mapping[Task, float] = {"classification": 0.5, "detection": 0.5}


def draw(amount: float, count: int, size: Size, dice: Generator) -> Change:  # noqa: ARG001
    """Mirrors with probability ``amount``."""
    space = identity(count)
    space[:, 0, 0] = torch.where(torch.rand(count, generator=dice) < amount, -1.0, 1.0)
    return Change(space=space)
