"""Zoom in and out about the centre."""

import math
from collections.abc import Mapping

import torch
from torch import Generator

from sightline.train.augment.base import Change, identity, uniform
from sightline.values.dataset import Task
from sightline.values.image import Size

AMOUNT = "largest change of size as a fraction, either way (0.1: from 1/1.1 to 1.1)"
MOST = 3.0
DEFAULT: Mapping[Task, float] = {"classification": 0.1, "detection": 0.2}


def draw(amount: float, count: int, size: Size, dice: Generator) -> Change:  # noqa: ARG001
    """Zooms by a factor whose logarithm is uniform."""
    factor = torch.exp(uniform(-math.log1p(amount), math.log1p(amount), count, dice))
    space = identity(count)
    space[:, 0, 0] = space[:, 1, 1] = 1 / factor
    return Change(space=space)
