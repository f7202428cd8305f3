"""Shift, as cutting a window out of the padded picture does."""

from collections.abc import Mapping

from torch import Generator

from sightline.train.augment.base import Change, identity, uniform
from sightline.values.dataset import Task
from sightline.values.image import Size

AMOUNT = "largest shift as a fraction of width and height"
MOST = 1.0
DEFAULT: Mapping[Task, float] = {"classification": 0.1, "detection": 0.1}


def draw(amount: float, count: int, size: Size, dice: Generator) -> Change:
    """Shifts by up to ``amount`` of width and height; what comes in is mirrored (grey with boxes)."""
    space = identity(count)
    # Whole pixels, so that a shift alone does not blur.
    space[:, 0, 2] = (uniform(-amount, amount, count, dice) * size.width).round()
    space[:, 1, 2] = (uniform(-amount, amount, count, dice) * size.height).round()
    return Change(space=space)
