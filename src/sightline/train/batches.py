"""From pixels to what a network takes: order, augmentation, scaling, all decided by the seed."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.nn.functional import interpolate

from sightline.train.arch.base import Target, Targets
from sightline.train.augmentation import Augmenter, Drawn, apply_changes, move_objects
from sightline.train.pixel_cache import Indices, PixelBatch, PixelSource
from sightline.values.boxes import Boxes
from sightline.values.contract import Normalise
from sightline.values.image import Size
from sightline.values.objects import Objects

CELL = 32
"""A detector's input has whole cells of its coarsest map, in pixels."""


class Truth(Protocol):
    """What is true of every picture of a source, by index."""

    @property
    def fill(self) -> float | None:
        """The grey beyond a changed picture's edge; None where the picture may go on mirrored."""

    def of(self, indices: Indices, drawn: Drawn | None, size: Size, device: torch.device) -> Targets:
        """The truth of a batch of pictures of ``size``, after the changes that were ``drawn`` for it."""


@dataclass(frozen=True)
class Labels:
    """One class a picture: ``numbers`` int64, -1 where it is unknown."""

    numbers: npt.NDArray[np.int64]
    fill: float | None = None

    def of(self, indices: Indices, drawn: Drawn | None, size: Size, device: torch.device) -> Tensor:  # noqa: ARG002
        """Class numbers ``[N]``; no augmentation of a classifier changes them."""
        return torch.from_numpy(self.numbers[indices]).to(device)


@dataclass(frozen=True)
class AllObjects:
    """The objects of every picture, their boxes as the model's input shows them.

    ``fill`` is the grey, 0 to 1, beyond a picture's edge: mirrored objects would have no boxes.
    """

    objects: tuple[Objects, ...]
    fill: float | None

    def of(self, indices: Indices, drawn: Drawn | None, size: Size, device: torch.device) -> list[Target]:
        """Each picture's objects, moved with its pixels."""
        targets = [_target(self.objects[index], size) for index in indices.tolist()]
        moved = targets if drawn is None else move_objects(targets, drawn, size)
        return [Target(*(each.to(device) for each in target)) for target in moved]


def _target(objects: Objects, size: Size) -> Target:
    drawn = objects.boxes.size
    scale = np.array([size.width / drawn.width, size.height / drawn.height] * 2)
    return Target(
        torch.tensor(objects.boxes.xyxy * scale, dtype=torch.float32),
        torch.tensor(objects.classes),
        torch.tensor(objects.ignored),
    )


def objects_of(target: Target, size: Size) -> Objects:
    """A target as plain arrays again; ``size`` is that of its picture."""
    boxes = Boxes(target.boxes.cpu().numpy().astype(np.float64), size)
    return Objects(boxes, target.classes.cpu().numpy(), target.ignored.cpu().numpy())


@dataclass(frozen=True)
class Batch:
    """``images`` float32 ``[N, 3, H, W]`` normalised, channels last, their truth, and their indices."""

    images: Tensor
    targets: Targets
    indices: Indices


@dataclass(frozen=True)
class Scaling:
    """Pixels 0 to 255 to what the network expects, and where that happens."""

    normalise: Normalise
    device: torch.device

    def unit(self, pixels: PixelBatch) -> Tensor:
        """uint8 ``[N, H, W, 3]`` to float ``[N, 3, H, W]`` in [0, 1]; the memory stays channels last."""
        return (
            torch.from_numpy(np.ascontiguousarray(pixels))
            .to(self.device)
            .permute(0, 3, 1, 2)
            .float()
            .div_(255)
        )

    def __call__(self, images: Tensor) -> Tensor:
        """Normalise pictures in [0, 1]."""
        mean = torch.tensor(self.normalise.mean, device=images.device).view(1, 3, 1, 1)
        std = torch.tensor(self.normalise.std, device=images.device).view(1, 3, 1, 1)
        return images.sub(mean).div_(std).contiguous(memory_format=torch.channels_last)


@dataclass(frozen=True)
class Loader:
    """Batches of ``indices`` of ``source``, whose truth is ``truth``; ``half`` gives them at half size."""

    source: PixelSource
    truth: Truth
    indices: Indices
    batch_size: int
    scaling: Scaling
    augmenter: Augmenter
    half: bool = False

    def __len__(self) -> int:
        return len(self._parts(self.indices))

    @property
    def size(self) -> Size:
        """The pictures' size."""
        whole = self.source.reader.recipe.size
        return whole.halved(CELL) if self.half else whole

    def shuffled(self, seed: int, epoch: int) -> Iterator[Batch]:
        """One epoch of training: a new order and new augmentations, decided by seed and epoch alone."""
        order = np.random.default_rng((seed, epoch)).permutation(self.indices)
        dice = torch.Generator().manual_seed(seed * 1_000_003 + epoch)
        for pixels, indices in self._read_ahead(order):
            images, targets = self.changed(pixels, indices, dice)
            yield Batch(self.scaling(images), targets, indices)

    def changed(self, pixels: PixelBatch, indices: Indices, dice: torch.Generator) -> tuple[Tensor, Targets]:
        """Augmented pictures in [0, 1] and their truth."""
        images = self._sized(pixels)
        drawn = self.augmenter.draw(len(images), self.size, dice)
        changed = apply_changes(images, drawn, fill=self.truth.fill)
        return changed, self.truth.of(indices, drawn, self.size, self.scaling.device)

    def in_order(self) -> Iterator[Batch]:
        """All pictures once, in order, as they are."""
        for pixels, indices in self._read_ahead(self.indices):
            targets = self.truth.of(indices, None, self.size, self.scaling.device)
            yield Batch(self.scaling(self._sized(pixels)), targets, indices)

    def _sized(self, pixels: PixelBatch) -> Tensor:
        images = self.scaling.unit(pixels)
        if not self.half:
            return images
        sides = (self.size.height, self.size.width)
        return interpolate(images, sides, mode="bilinear", antialias=True)

    def _parts(self, order: Indices) -> list[Indices]:
        """``order`` in batches; a last picture alone, which has no variance, joins the batch before."""
        cuts = list(range(self.batch_size, len(order), self.batch_size))
        if cuts and len(order) - cuts[-1] == 1:
            cuts.pop()
        return np.split(order, cuts) if len(order) else []

    def _read_ahead(self, order: Indices) -> Iterator[tuple[PixelBatch, Indices]]:
        """Read the next batch's pixels while the caller works on this one."""
        parts = self._parts(order)
        with ThreadPoolExecutor(1, thread_name_prefix="read-ahead") as pool:
            coming = [pool.submit(self.source.read, part) for part in parts[:1]]
            for number in range(len(parts)):
                pixels, indices = coming.pop().result()
                if number + 1 < len(parts):
                    coming.append(pool.submit(self.source.read, parts[number + 1]))
                if len(indices):
                    yield pixels, indices
