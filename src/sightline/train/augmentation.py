"""Draw all augmentations of a batch first, then apply them at once.

All changes of coordinates multiply to one matrix a picture, so pixels are resampled once however many
augmentations there are, and boxes follow exactly by the same matrix. Likewise colours.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple, Self

import torch
from torch import Generator, Tensor

from sightline.errors import InputError
from sightline.pixels.model_input import VISIBLE
from sightline.train.arch.base import Target
from sightline.train.augment import AUGMENTATIONS
from sightline.train.augment.base import Tiles
from sightline.values.dataset import TASKS, Task
from sightline.values.image import Size

if TYPE_CHECKING:
    from sightline.train.augment.base import Augmentation


class Drawn(NamedTuple):
    """All changes of a batch: ``space`` ``[N, 3, 3]``, ``colour`` ``[N, 3, 4]``, ``tiles``; None for none."""

    space: Tensor | None
    colour: Tensor | None
    tiles: Tiles | None


@dataclass(frozen=True)
class Augmenter:
    """The augmentations of a recipe, loaded once, in alphabetical order."""

    steps: tuple[tuple["Augmentation", float], ...]

    @classmethod
    def of(cls, amounts: Mapping[str, float], task: Task) -> Self:
        """The augmenter with these amounts.

        Raises:
            UnknownPlugin: a name that does not exist.
            InputError: an amount that is not sensible, or an augmentation that the task cannot use.
        """
        steps = [(name, AUGMENTATIONS.load(name), amount) for name, amount in sorted(amounts.items())]
        for name, plugin, amount in steps:
            if not 0 <= amount <= plugin.MOST:
                raise InputError(
                    f"the amount of {name!r}, 0 to {plugin.MOST:g}, is the {plugin.AMOUNT}; got {amount:g}"
                )
            if amount and task not in plugin.DEFAULT:
                raise InputError(f"augmentation {name!r} cannot be used for {task}")
        return cls(tuple((plugin, amount) for _, plugin, amount in steps if amount > 0))

    def draw(self, count: int, size: Size, dice: Generator) -> Drawn:
        """Dice for ``count`` pictures of ``size``."""
        space: Tensor | None = None
        colour: Tensor | None = None
        tiles: Tiles | None = None
        for plugin, amount in self.steps:
            change = plugin.draw(amount, count, size, dice)
            if change.space is not None:
                space = change.space if space is None else space @ change.space
            if change.colour is not None:
                colour = change.colour if colour is None else _after(change.colour, colour)
            tiles = change.tiles or tiles
        return Drawn(space, colour, tiles)


def apply_changes(images: Tensor, drawn: Drawn, *, fill: float | None = None) -> Tensor:
    """``images`` float ``[N, 3, H, W]`` in [0, 1], changed; colours are not clipped.

    Beyond a picture's edge it goes on mirrored or, where ``fill`` is given, in that grey.
    """
    if drawn.space is not None:
        space = drawn.space.to(images.device)
        images = _resample(images, space) if fill is None else _resample(images - fill, space, "zeros") + fill
    if drawn.colour is not None:
        colour = drawn.colour.to(images.device, images.dtype)
        flat = images.flatten(2)
        images = torch.baddbmm(colour[:, :, 3:], colour[:, :, :3], flat).view_as(images)
    if drawn.tiles is not None:
        size = Size(images.shape[3], images.shape[2])
        images = torch.stack(
            [_put_together(images, list(_tiles_of(drawn.tiles, n, size)), n) for n in range(len(images))]
        )
    return images


def move_objects(targets: Sequence[Target], drawn: Drawn, size: Size) -> list[Target]:
    """The objects of the changed pictures: boxes follow by their corners, and leave with what is cut off.

    A turned box becomes the upright one around its corners. An object of whose area less than 0.3 is left
    is gone.
    """
    if drawn.space is not None:
        forward = torch.linalg.inv(drawn.space)
        targets = [_follow(target, matrix, size) for target, matrix in zip(targets, forward, strict=True)]
    moved = [_inside(target, target.boxes, (0.0, 0.0, size.width, size.height)) for target in targets]
    if drawn.tiles is None:
        return moved
    return [
        _gather(moved, list(_tiles_of(drawn.tiles, number, size)), number) for number in range(len(moved))
    ]


class _Tile(NamedTuple):
    """A tile in whole pixels: where it lies, and how far from there its picture's own pixels are."""

    partner: int
    left: int
    top: int
    right: int
    bottom: int
    shift_x: int
    shift_y: int


def _tiles_of(tiles: Tiles, number: int, size: Size) -> Iterator[_Tile]:
    """The four tiles of one picture; none where it is not put together."""
    if not bool(tiles.on[number]):
        return
    x, y = (int(each) for each in tiles.centre[number].tolist())
    corners = ((0, 0, x, y), (x, 0, size.width, y), (0, y, x, size.height), (x, y, size.width, size.height))
    for place, (left, top, right, bottom) in enumerate(corners):
        across, down = tiles.cut[number, place].tolist()
        from_x = round(across * (size.width - (right - left)))
        from_y = round(down * (size.height - (bottom - top)))
        yield _Tile(int(tiles.partners[number, place]), left, top, right, bottom, from_x - left, from_y - top)


def _put_together(images: Tensor, tiles: Sequence[_Tile], number: int) -> Tensor:
    if not tiles:
        return images[number]
    whole = torch.empty_like(images[number])
    for t in tiles:
        rows = slice(t.top + t.shift_y, t.bottom + t.shift_y)
        columns = slice(t.left + t.shift_x, t.right + t.shift_x)
        whole[:, t.top : t.bottom, t.left : t.right] = images[t.partner, :, rows, columns]
    return whole


def _gather(targets: Sequence[Target], tiles: Sequence[_Tile], number: int) -> Target:
    if not tiles:
        return targets[number]
    parts = []
    for t in tiles:
        target = targets[t.partner]
        shifted = target.boxes - target.boxes.new_tensor([t.shift_x, t.shift_y] * 2)
        parts.append(_inside(target, shifted, (t.left, t.top, t.right, t.bottom)))
    return Target(*(torch.cat(each) for each in zip(*parts, strict=True)))


def _follow(target: Target, forward: Tensor, size: Size) -> Target:
    """Boxes whose corners went where ``forward`` ``[3, 3]`` takes them, about the picture's centre."""
    middle = target.boxes.new_tensor([size.width / 2, size.height / 2])
    x0, y0, x1, y1 = (target.boxes - middle.repeat(2)).unbind(dim=1)
    corners = torch.stack([torch.stack([x, y], dim=1) for x in (x0, x1) for y in (y0, y1)], dim=1)
    moved = corners @ forward[:2, :2].T.to(corners) + forward[:2, 2].to(corners) + middle
    return target._replace(boxes=torch.cat([moved.amin(dim=1), moved.amax(dim=1)], dim=1))


def _inside(target: Target, boxes: Tensor, region: tuple[float, float, float, float]) -> Target:
    """The objects of which enough lies in ``region``, cut to it."""
    left, top, right, bottom = region
    low = boxes.new_tensor([left, top, left, top])
    cut = torch.minimum(torch.maximum(boxes, low), boxes.new_tensor([right, bottom, right, bottom]))
    area, whole = ((each[:, 2:] - each[:, :2]).prod(dim=1) for each in (cut, boxes))
    # The rest of an ignored one still is not to be learned from.
    kept = ((area >= VISIBLE * whole) | target.ignored) & (area > 0)
    return Target(cut[kept], target.classes[kept], target.ignored[kept])


def _after(second: Tensor, first: Tensor) -> Tensor:
    linear = second[:, :, :3] @ first[:, :, :3]
    offset = second[:, :, :3] @ first[:, :, 3:] + second[:, :, 3:]
    return torch.cat([linear, offset], dim=2)


def _resample(images: Tensor, space: Tensor, beyond: str = "reflection") -> Tensor:
    height, width = images.shape[2:]
    # grid_sample counts in half widths and heights from the centre.
    scale = torch.tensor([width / 2, height / 2, 1.0], device=space.device)
    theta = (space * scale) / scale[:, None]
    grid = torch.nn.functional.affine_grid(theta[:, :2], list(images.shape), align_corners=False)
    return torch.nn.functional.grid_sample(images, grid, padding_mode=beyond, align_corners=False)


def parse_amounts(text: str, task: Task) -> dict[str, float]:
    """``flip=0.5,rotate=10`` as amounts; ``basic`` is what is usual for the task, ``none`` is none.

    Raises:
        InputError: text of another form, or an augmentation that the task cannot use.
        UnknownPlugin: no such augmentation.
    """
    if text == "none":
        return {}
    if text == "basic":
        usual = {name: AUGMENTATIONS.load(name).DEFAULT.get(task, 0.0) for name in AUGMENTATIONS.names()}
        return {name: amount for name, amount in usual.items() if amount}
    amounts = {}
    for part in text.split(","):
        name, equals, amount = part.strip().partition("=")
        defaults = AUGMENTATIONS.load(name).DEFAULT
        if task not in defaults:
            raise InputError(f"augmentation {name!r} cannot be used for {task}")
        if not equals and not defaults[task]:
            raise InputError(f"{name!r} is off for {task} unless its amount is given: {name}=NUMBER")
        try:
            amounts[name] = float(amount) if equals else defaults[task]
        except ValueError:
            raise InputError(f"--augment takes NAME=AMOUNT,… or basic or none, got {part!r}") from None
    Augmenter.of(amounts, task)
    return amounts


def check_amounts(text: str) -> None:
    """Refuse text that is right for no task, while it is not known yet which one it is for.

    Raises:
        InputError, UnknownPlugin: as ``parse_amounts`` for the task that can use the most.
    """
    refusals = []
    for task in TASKS:
        try:
            parse_amounts(text, task)
        except InputError as error:
            refusals.append(error)
        else:
            return
    raise refusals[-1]
