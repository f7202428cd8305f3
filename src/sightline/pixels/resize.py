"""Antialiased resizing, letterboxing and the centred crop.

All resizing is Pillow's bilinear filter, widened by the factor of reduction: it takes regions whose
edges lie inside a pixel, both directions independently, and computes in integers, so that every
machine gets the same bytes. It is also what torchvision does to Pillow images.
"""

from dataclasses import dataclass
from typing import Self

import numpy as np
import numpy.typing as npt
from PIL import Image

from sightline.values.image import Pixels, Region, Size

Points = npt.NDArray[np.float64]
"""``[N, 2]``: x to the right, y downwards, in pixels; the corner of the top-left pixel is (0, 0)."""


def resize(pixels: Pixels, size: Size, region: Region | None = None) -> Pixels:
    """``region`` of ``pixels`` (default: all) stretched to ``size``; a new, writable array."""
    height, width = pixels.shape[:2]
    whole = region is None or region == (0.0, 0.0, width, height)
    if whole and size == Size(width, height):
        return pixels.copy()
    return np.array(
        Image.fromarray(pixels).resize((size.width, size.height), Image.Resampling.BILINEAR, region)
    )


def centred(region: Region, size: Size, fraction: float) -> Region:
    """The centred part of ``region`` with the aspect of ``size`` that becomes ``size`` in a crop.

    The covering resize makes the tighter side of ``region`` ``size / fraction``; this is what a window
    of ``size`` in its middle sees (``fraction`` 0.875 and 224 x 224: shorter side to 256, crop 224).
    """
    left, top, right, bottom = region
    scale = max(size.width / (right - left), size.height / (bottom - top)) / fraction
    half_width, half_height = size.width / scale / 2, size.height / scale / 2
    x, y = (left + right) / 2, (top + bottom) / 2
    return (
        max(left, x - half_width),
        max(top, y - half_height),
        min(right, x + half_width),
        min(bottom, y + half_height),
    )


@dataclass(frozen=True, slots=True)
class Placement:
    """Where a picture's points lie in another: times ``scale``, plus ``offset``, both (x, y)."""

    scale: tuple[float, float]
    offset: tuple[float, float]

    def forward(self, points: Points) -> Points:
        """Points of the original, ``[N, 2]``, as points of the other picture."""
        return np.asarray(points * np.asarray(self.scale) + self.offset, np.float64)

    def inverse(self, points: Points) -> Points:
        """Points of the other picture, ``[N, 2]``, as points of the original."""
        return np.asarray((points - self.offset) / np.asarray(self.scale), np.float64)


@dataclass(frozen=True, slots=True)
class Letterbox:
    """Where a picture of size ``original`` lies inside ``size`` when it keeps its aspect.

    ``inner`` is its size there, ``left`` and ``top`` the padding before it.
    """

    original: Size
    size: Size
    inner: Size
    left: int
    top: int

    @classmethod
    def fit(cls, original: Size, size: Size) -> Self:
        """As large as fits, centred."""
        scale = min(size.width / original.width, size.height / original.height)
        width = min(size.width, max(1, round(original.width * scale)))
        height = min(size.height, max(1, round(original.height * scale)))
        inner = Size(width, height)
        return cls(original, size, inner, (size.width - width) // 2, (size.height - height) // 2)

    @property
    def placement(self) -> "Placement":
        """How points follow; rounding to whole pixels makes the two directions differ by a little."""
        scale = (self.inner.width / self.original.width, self.inner.height / self.original.height)
        return Placement(scale, (self.left, self.top))

    def draw(self, pixels: Pixels, fill: int, region: Region | None = None) -> Pixels:
        """The letterboxed picture of the original in ``region`` of ``pixels`` (default: all)."""
        padded = np.full((self.size.height, self.size.width, 3), fill, dtype=np.uint8)
        rows = slice(self.top, self.top + self.inner.height)
        padded[rows, self.left : self.left + self.inner.width] = resize(pixels, self.inner, region)
        return padded


def letterbox(pixels: Pixels, size: Size, fill: int) -> tuple[Pixels, Letterbox]:
    """``pixels`` inside ``size`` with their aspect kept, padded with grey ``fill``; and where they lie."""
    where = Letterbox.fit(Size(pixels.shape[1], pixels.shape[0]), size)
    return where.draw(pixels, fill), where


def crop(pixels: Pixels, size: Size, fraction: float = 1.0) -> Pixels:
    """The middle of ``pixels`` as ``size``: resized to cover ``size / fraction``, then cut out."""
    height, width = pixels.shape[:2]
    return resize(pixels, size, centred((0.0, 0.0, width, height), size, fraction))
