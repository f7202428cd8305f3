"""Draw all augmentations of a batch first, then apply them at once.

All changes of coordinates multiply to one matrix a picture, so pixels are resampled once however many
augmentations there are, and boxes can follow exactly by the same matrix. Likewise colours.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple, Self

import torch
from torch import Generator, Tensor

from sightline.errors import InputError
from sightline.train.augment import AUGMENTATIONS
from sightline.values.image import Size

if TYPE_CHECKING:
    from sightline.train.augment.base import Augmentation


class Drawn(NamedTuple):
    """All changes of a batch: ``space`` ``[N, 3, 3]`` and ``colour`` ``[N, 3, 4]``, or None for none."""

    space: Tensor | None
    colour: Tensor | None


@dataclass(frozen=True)
class Augmenter:
    """The augmentations of a recipe, loaded once, in alphabetical order."""

    steps: tuple[tuple["Augmentation", float], ...]

    @classmethod
    def of(cls, amounts: Mapping[str, float]) -> Self:
        """Raises UnknownPlugin for a name that does not exist, InputError for an amount below 0."""
        steps = [(AUGMENTATIONS.load(name), amount) for name, amount in sorted(amounts.items())]
        for plugin, amount in steps:
            if not 0 <= amount < float("inf"):
                raise InputError(f"an augmentation's amount is {plugin.AMOUNT}; got {amount}")
        return cls(tuple((plugin, amount) for plugin, amount in steps if amount > 0))

    def draw(self, count: int, size: Size, dice: Generator) -> Drawn:
        """Dice for ``count`` pictures of ``size``."""
        space: Tensor | None = None
        colour: Tensor | None = None
        for plugin, amount in self.steps:
            change = plugin.draw(amount, count, size, dice)
            if change.space is not None:
                space = change.space if space is None else space @ change.space
            if change.colour is not None:
                colour = change.colour if colour is None else _after(change.colour, colour)
        return Drawn(space, colour)


def apply_changes(images: Tensor, drawn: Drawn) -> Tensor:
    """``images`` float ``[N, 3, H, W]`` in [0, 1], changed; colours are not clipped."""
    if drawn.space is not None:
        images = _resample(images, drawn.space.to(images.device))
    if drawn.colour is not None:
        colour = drawn.colour.to(images.device, images.dtype)
        flat = images.flatten(2)
        images = torch.baddbmm(colour[:, :, 3:], colour[:, :, :3], flat).view_as(images)
    return images


def _after(second: Tensor, first: Tensor) -> Tensor:
    linear = second[:, :, :3] @ first[:, :, :3]
    offset = second[:, :, :3] @ first[:, :, 3:] + second[:, :, 3:]
    return torch.cat([linear, offset], dim=2)


def _resample(images: Tensor, space: Tensor) -> Tensor:
    height, width = images.shape[2:]
    # grid_sample counts in half widths and heights from the centre.
    scale = torch.tensor([width / 2, height / 2, 1.0], device=space.device)
    theta = (space * scale) / scale[:, None]
    grid = torch.nn.functional.affine_grid(theta[:, :2], list(images.shape), align_corners=False)
    return torch.nn.functional.grid_sample(images, grid, padding_mode="reflection", align_corners=False)


def parse_amounts(text: str) -> dict[str, float]:
    """``flip=0.5,rotate=10`` as amounts; ``basic`` is every augmentation at its default, ``none`` is none.

    Raises:
        InputError: text of another form.
        UnknownPlugin: no such augmentation.
    """
    if text == "none":
        return {}
    if text == "basic":
        return {name: AUGMENTATIONS.load(name).DEFAULT for name in AUGMENTATIONS.names()}
    amounts = {}
    for part in text.split(","):
        name, equals, amount = part.strip().partition("=")
        try:
            amounts[name] = float(amount) if equals else AUGMENTATIONS.load(name).DEFAULT
        except ValueError:
            raise InputError(f"--augment takes NAME=AMOUNT,… or basic or none, got {part!r}") from None
    Augmenter.of(amounts)
    return amounts
