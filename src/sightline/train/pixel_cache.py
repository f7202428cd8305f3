"""Pictures as model input, decoded once while they fit.

The cache is one file of uint8 ``[N, H, W, 3]``, memory-mapped. Its space is reserved before the map is
written, because writing through a map to a full disk kills the process instead of raising.
"""

import hashlib
import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from sightline.pixels.isolated import model_input
from sightline.values.contract import PixelRecipe
from sightline.values.dataset import Sample, SetAside
from sightline.values.image import Pixels, Undecodable

Indices = npt.NDArray[np.int64]
PixelBatch = npt.NDArray[np.uint8]
"""Model inputs, ``[N, H, W, 3]``."""

_TOGETHER = 256
"""Pictures decoded between two reports of progress."""


@dataclass(frozen=True)
class PictureReader:
    """Reads samples' pictures from under ``root`` as model input."""

    root: Path
    samples: Sequence[Sample]
    recipe: PixelRecipe

    def read(self, index: int) -> Pixels | Undecodable:
        """One picture; Undecodable too where its bytes are no longer those of the dataset."""
        sample = self.samples[index]
        try:
            data = (self.root / sample.path).read_bytes()
        except OSError as error:
            return Undecodable(f"cannot be read any more: {error.strerror or error}")
        if hashlib.sha256(data).hexdigest() != sample.sha256:
            return Undecodable("changed since the dataset was made")
        made = model_input(data, self.recipe)
        return made if isinstance(made, Undecodable) else made.pixels


class PixelSource:
    """Model inputs by index: the first ``cached`` from the map, the rest decoded when asked for.

    ``usable`` lists the indices of the pictures that could be read so far, and ``set_aside`` the others with
    the reason; ``note`` says how much is cached, for a person.
    """

    def __init__(self, reader: PictureReader, cache: PixelBatch, note: str, workers: int) -> None:
        self.reader = reader
        self.cache = cache
        self.note = note
        self.set_aside: dict[int, SetAside] = {}
        self._told = 0
        self._workers = ThreadPoolExecutor(workers, thread_name_prefix="decode")

    @property
    def usable(self) -> Indices:
        """Indices of all pictures not set aside."""
        return np.array(
            [i for i in range(len(self.reader.samples)) if i not in self.set_aside], dtype=np.int64
        )

    def newly_set_aside(self) -> tuple[SetAside, ...]:
        """Those that this has not given before."""
        fresh = tuple(self.set_aside.values())[self._told :]
        self._told += len(fresh)
        return fresh

    def read(self, indices: Indices) -> tuple[PixelBatch, Indices]:
        """Pixels of ``indices`` and the indices themselves, less those that turned out unreadable."""
        if indices.size == 0 or int(indices.max()) < len(self.cache):
            return self.cache[indices], indices
        made = [
            (number, pixels)
            for number, pixels in enumerate(self._workers.map(self._one, indices.tolist()))
            if pixels is not None
        ]
        batch = np.stack([pixels for _, pixels in made]) if made else self.cache[:0]
        return batch, indices[[number for number, _ in made]]

    def close(self) -> None:
        """End the decoding threads."""
        self._workers.shutdown(cancel_futures=True)

    def _one(self, index: int) -> Pixels | None:
        if index < len(self.cache):
            cached: Pixels = self.cache[index]
            return cached
        made = self.reader.read(index)
        if isinstance(made, Undecodable):
            self.set_aside[index] = SetAside(self.reader.samples[index].path, made.reason)
            return None
        return made


def open_pixels(
    reader: PictureReader,
    folder: Path,
    limit_bytes: int,
    workers: int,
    progress: Callable[[int, int], None] | None = None,
) -> PixelSource:
    """A source whose first pictures, as many as fit ``limit_bytes``, are decoded now.

    The file has no name once it is open, so that a killed process leaves nothing behind.
    """
    shape = (reader.recipe.size.height, reader.recipe.size.width, 3)
    each = int(np.prod(shape))
    count = min(len(reader.samples), limit_bytes // each)
    cache, note = _reserve(folder, count, shape)
    source = PixelSource(reader, cache[:0], note or _said(len(cache), len(reader.samples)), workers)
    with ThreadPoolExecutor(workers, thread_name_prefix="decode") as pool:
        for start in range(0, len(cache), _TOGETHER):
            rows = range(start, min(start + _TOGETHER, len(cache)))
            for row, made in zip(rows, pool.map(reader.read, rows), strict=True):
                if isinstance(made, Undecodable):
                    source.set_aside[row] = SetAside(reader.samples[row].path, made.reason)
                else:
                    cache[row] = made
            if progress:
                progress(rows.stop, len(cache))
    source.cache = cache
    return source


def _reserve(folder: Path, count: int, shape: tuple[int, int, int]) -> tuple[PixelBatch, str]:
    """An array for ``count`` pictures, or an empty one and the reason."""
    nothing: PixelBatch = np.empty((0, *shape), dtype=np.uint8)
    if count == 0:
        return nothing, ""
    size = count * int(np.prod(shape))
    path = folder / f"pixels-{os.getpid()}.cache"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with path.open("wb+") as file:
            path.unlink()
            os.posix_fallocate(file.fileno(), 0, size)
            return np.memmap(file, dtype=np.uint8, mode="r+", shape=(count, *shape)), ""
    except OSError as error:
        why = error.strerror or str(error)
        return (
            nothing,
            f"no room for a cache of {size / 1e6:,.1f} MB ({why}); pictures are decoded in every epoch",
        )


def _said(cached: int, total: int) -> str:
    if cached == total:
        return f"all {total:,} pictures are decoded once"
    return f"{cached:,} of {total:,} pictures are decoded once, the rest in every epoch"
