"""Four pictures in one: more surroundings and more objects in every step (Bochkovskiy et al. 2020).

The tiles are cut out of pictures that other augmentations have changed already, and are not made smaller, so
that nothing is resampled twice.
"""

from collections.abc import Mapping

import torch
from torch import Generator

from sightline.train.augment.base import Change, Tiles, uniform
from sightline.values.dataset import Task
from sightline.values.image import Size

AMOUNT = "probability of a picture put together from four"
MOST = 1.0
DEFAULT: Mapping[Task, float] = {"detection": 0.5}
_LEAST, _MOST = 0.25, 0.75
"""Where the tiles meet, as a fraction of width and height."""


def draw(amount: float, count: int, size: Size, dice: Generator) -> Change:
    """Puts a picture together with probability ``amount``; its first tile is its own."""
    on = torch.rand(count, generator=dice) < amount
    centre = torch.stack([uniform(_LEAST, _MOST, count, dice) for _ in range(2)], dim=1)
    partners = torch.randint(count, (count, 4), generator=dice)
    partners[:, 0] = torch.arange(count)
    whole = torch.tensor([size.width, size.height], dtype=torch.float32)
    return Change(
        tiles=Tiles(on, (centre * whole).round(), partners, torch.rand(count, 4, 2, generator=dice))
    )
