"""What an augmentation file gives."""

from collections.abc import Mapping
from typing import NamedTuple, Protocol

import torch
from torch import Generator, Tensor

from sightline.values.dataset import Task
from sightline.values.image import Size


class Tiles(NamedTuple):
    """Pictures put together from four: each corner's tile is cut out of another picture of the batch.

    ``on`` bool ``[N]`` says which pictures are; ``centre`` ``[N, 2]`` (x, y) is where the tiles meet, in
    whole pixels; ``partners`` int64 ``[N, 4]`` the pictures that the tiles top-left, top-right,
    bottom-left and bottom-right come from; ``cut`` ``[N, 4, 2]`` in [0, 1] where in them, from as far
    left and up to as far right and down as the tile fits.
    """

    on: Tensor
    centre: Tensor
    partners: Tensor
    cut: Tensor


class Change(NamedTuple):
    """What one augmentation does to each of ``N`` pictures.

    ``space`` ``[N, 3, 3]`` takes a point of the changed picture to the point of the original that it
    shows: homogeneous pixel coordinates, origin at the picture's centre, x right, y down. ``colour``
    ``[N, 3, 4]`` takes (R, G, B, 1) in [0, 1] to (R, G, B). ``tiles`` puts changed pictures together.
    None leaves that side alone.
    """

    space: Tensor | None = None
    colour: Tensor | None = None
    tiles: Tiles | None = None


class Augmentation(Protocol):
    """One augmentation. ``AMOUNT`` says in words what the amount means, ``MOST`` is the largest sensible one.

    ``DEFAULT`` is its usual amount for each task; a task that is not there cannot use it.
    """

    AMOUNT: str
    MOST: float
    DEFAULT: Mapping[Task, float]

    def draw(self, amount: float, count: int, size: Size, dice: Generator) -> Change:
        """The changes of ``count`` pictures of ``size``, all chance from ``dice``."""


def uniform(low: float, high: float, count: int, dice: Generator) -> Tensor:
    """``count`` numbers from [low, high)."""
    return torch.rand(count, generator=dice) * (high - low) + low


def identity(count: int) -> Tensor:
    """``[count, 3, 3]`` identities, to be filled in."""
    return torch.eye(3).repeat(count, 1, 1)
