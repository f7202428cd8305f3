"""From pixels to what a network takes: order, augmentation, scaling, all decided by the seed."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from sightline.train.augmentation import Augmenter, apply_changes
from sightline.train.pixel_cache import Indices, PixelBatch, PixelSource
from sightline.values.contract import Normalise
from sightline.values.image import Size

Targets = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Batch:
    """``images`` float32 ``[N, 3, H, W]`` normalised, channels last; ``targets`` int64 ``[N]``."""

    images: Tensor
    targets: Tensor
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
    """Batches of ``indices`` of ``source``; ``targets`` is indexed like the source."""

    source: PixelSource
    targets: Targets
    indices: Indices
    batch_size: int
    scaling: Scaling
    augmenter: Augmenter

    def __len__(self) -> int:
        return len(self._parts(self.indices))

    def shuffled(self, seed: int, epoch: int) -> Iterator[Batch]:
        """One epoch of training: a new order and new augmentations, decided by seed and epoch alone."""
        order = np.random.default_rng((seed, epoch)).permutation(self.indices)
        dice = torch.Generator().manual_seed(seed * 1_000_003 + epoch)
        size = self.source.reader.recipe.size
        for pixels, indices in self._read_ahead(order):
            yield self._batch(pixels, indices, dice, size)

    def in_order(self) -> Iterator[Batch]:
        """All pictures once, in order, as they are."""
        for pixels, indices in self._read_ahead(self.indices):
            yield self._batch(pixels, indices)

    def _batch(
        self,
        pixels: PixelBatch,
        indices: Indices,
        dice: torch.Generator | None = None,
        size: Size | None = None,
    ) -> Batch:
        images = self.scaling.unit(pixels)
        if dice is not None and size is not None:
            images = apply_changes(images, self.augmenter.draw(len(images), size, dice))
        targets = torch.from_numpy(self.targets[indices]).to(self.scaling.device)
        return Batch(self.scaling(images), targets, indices)

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
