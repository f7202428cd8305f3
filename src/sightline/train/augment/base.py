"""What an augmentation file gives."""

from typing import NamedTuple, Protocol

import torch
from torch import Generator, Tensor

from sightline.values.image import Size


class Change(NamedTuple):
    """What one augmentation does to each of ``N`` pictures.

    ``space`` ``[N, 3, 3]`` takes a point of the changed picture to the point of the original that it
    shows: homogeneous pixel coordinates, origin at the picture's centre, x right, y down. ``colour``
    ``[N, 3, 4]`` takes (R, G, B, 1) in [0, 1] to (R, G, B). None leaves that side alone.
    """

    space: Tensor | None = None
    colour: Tensor | None = None


class Augmentation(Protocol):
    """One augmentation. ``AMOUNT`` says in words what the amount means and its sensible range."""

    AMOUNT: str
    DEFAULT: float

    def draw(self, amount: float, count: int, size: Size, dice: Generator) -> Change:
        """The changes of ``count`` pictures of ``size``, all chance from ``dice``."""


def uniform(low: float, high: float, count: int, dice: Generator) -> Tensor:
    """``count`` numbers from [low, high)."""
    return torch.rand(count, generator=dice) * (high - low) + low


def identity(count: int) -> Tensor:
    """``[count, 3, 3]`` identities, to be filled in."""
    return torch.eye(3).repeat(count, 1, 1)
