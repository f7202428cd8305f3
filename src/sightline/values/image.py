"""A picture in memory, its size, and the reason why a file did not become one."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Pixels = npt.NDArray[np.uint8]
"""8-bit RGB, ``[H, W, 3]``, C-contiguous."""

Region = tuple[float, float, float, float]
"""Left, top, right and bottom edge in pixels; edges may lie inside a pixel."""


@dataclass(frozen=True, slots=True, order=True)
class Size:
    """Width and height in pixels, both at least 1."""

    width: int
    height: int

    def __post_init__(self) -> None:
        if self.width < 1 or self.height < 1:
            raise ValueError(f"a size needs at least 1 x 1 pixels, got {self.width} x {self.height}")

    @property
    def area(self) -> int:
        """Pixels in all."""
        return self.width * self.height

    def halved(self, cell: int) -> "Size":
        """Half of it in whole cells; a side shorter than two cells stays."""
        width, height = (
            side if side < 2 * cell else cell * round(side / (2 * cell)) for side in (self.width, self.height)
        )
        return Size(width, height)

    def __str__(self) -> str:
        return f"{self.width}x{self.height}"


@dataclass(frozen=True, slots=True, eq=False)
class Picture:
    """Decoded pixels, upright.

    ``original`` is the size of the upright picture as its file declares it; ``pixels`` may be
    smaller where the decoder scaled while decoding. Such a decode rounds up to whole pixels:
    ``extent`` says where in them the original lies, to a fraction of a pixel (None: all of them).
    """

    pixels: Pixels
    original: Size
    extent: Region | None = None

    @property
    def region(self) -> Region:
        """Where in ``pixels`` the original lies."""
        height, width = self.pixels.shape[:2]
        return self.extent or (0.0, 0.0, float(width), float(height))


@dataclass(frozen=True, slots=True)
class Undecodable:
    """A file that is not a usable picture, and why: one line, for a person."""

    reason: str
