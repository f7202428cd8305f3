"""The sheet on which a board's artwork is drawn: copper, and where no further copper may come."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import cv2
import numpy as np
import numpy.typing as npt

from sightline.data.sources._board_router import STEPS, Cell, Heading

SUPERSAMPLING = 3
"""Artwork is drawn this many times larger than the picture, so that its edges become antialiased."""

Mask = npt.NDArray[np.uint8]
"""255 where something is, 0 where it is not, ``[H, W]``."""

Point = tuple[float, float]
_FRACTION_BITS = 4


@dataclass(frozen=True)
class Terminal:
    """A pad that wants a net: its centre and how its net leaves it, ``distance`` cells from there.

    ``step`` is the direction in which it leaves, an index into ``STEPS``; ``None`` lets it choose.
    """

    part: int
    centre: Cell
    step: int | None
    distance: int

    def leaving(self, toward: Cell) -> Heading:
        """The first free cell of a net that goes ``toward`` a cell, and its direction there."""
        x, y = self.centre
        step = self.step
        if step is None:
            step = round(math.atan2(toward[1] - y, toward[0] - x) / (math.pi / 4)) % 8
        dx, dy = STEPS[step]
        return (x + dx * self.distance, y + dy * self.distance), step


@dataclass
class Sheet:
    """What is drawn so far. Positions are in cells of ``pitch`` picture pixels, widths in pixels.

    ``copper`` is supersampled; ``keepout`` has one pixel per picture pixel and covers the points
    where the middle of a further trace would come too close. ``discs`` are centres and radii of the
    large round pads, ``holes`` those of the holes.
    """

    copper: Mask
    keepout: Mask
    pitch: float
    trace: float
    clearance: float
    parts: int = 0
    terminals: list[Terminal] = field(default_factory=list)
    discs: list[tuple[Point, float]] = field(default_factory=list)
    holes: list[tuple[Point, float]] = field(default_factory=list)

    @property
    def cells(self) -> tuple[int, int]:
        """Columns and rows of the routing grid."""
        height, width = self.keepout.shape
        return int(width / self.pitch), int(height / self.pitch)

    def stroke(self, points: Sequence[Point], width: float) -> None:
        """Draw a trace along ``points``, with round ends and joins."""
        line(self.copper, points, self.pitch * SUPERSAMPLING, width * SUPERSAMPLING)
        line(self.keepout, points, self.pitch, width + self.reserve)

    @property
    def reserve(self) -> float:
        """What ``keepout`` adds to the width of a stroke."""
        return 2 * self.clearance + self.trace

    def fill(self, outline: Sequence[Point], border: float) -> None:
        """Draw a filled polygon, grown by half of ``border`` pixels, which rounds its corners."""
        for mask, scale in ((self.copper, self.pitch * SUPERSAMPLING), (self.keepout, self.pitch)):
            cv2.fillPoly(mask, [fixed(outline, scale)], 255, cv2.LINE_8, _FRACTION_BITS)
        self.stroke([*outline, outline[0]], max(border, 1.0))

    def pad(self, centre: Point, width: float, height: float, corner: float) -> None:
        """Draw a rectangle of ``width`` x ``height`` pixels; ``corner`` is the radius of its corners."""
        dx, dy = (max(side / 2 - corner, 0.0) / self.pitch for side in (width, height))
        x, y = centre
        self.fill([(x - dx, y - dy), (x + dx, y - dy), (x + dx, y + dy), (x - dx, y + dy)], 2 * corner)

    def disc(self, centre: Point, radius: float, hole: float = 0.0) -> None:
        """Draw a round pad; its hole of radius ``hole`` is drilled when all copper is there."""
        self.stroke([centre, centre], 2 * radius)
        if hole:
            self.holes.append((centre, hole))

    def drill(self) -> None:
        """Take the copper out of all holes."""
        for centre, radius in self.holes:
            x, y = fixed([centre], self.pitch * SUPERSAMPLING)[0].tolist()
            size = round(radius * SUPERSAMPLING * 2**_FRACTION_BITS)
            cv2.circle(self.copper, (x, y), size, 0, cv2.FILLED, cv2.LINE_8, _FRACTION_BITS)

    def is_free(self, left: float, top: float, right: float, bottom: float) -> bool:
        """Whether nothing is, or is kept out, inside a rectangle of cells that lies on the sheet."""
        columns, rows = self.cells
        if left < 0 or top < 0 or right > columns or bottom > rows:
            return False
        x0, y0, x1, y1 = (round(value * self.pitch) for value in (left, top, right, bottom))
        return not self.keepout[y0:y1, x0:x1].any()

    def open_cells(self) -> npt.NDArray[np.bool_]:
        """Cells, ``[rows, columns]``, through whose middle a trace may run."""
        columns, rows = self.cells
        x = np.round(np.arange(columns) * self.pitch).astype(int)
        y = np.round(np.arange(rows) * self.pitch).astype(int)
        return np.asarray(self.keepout[np.ix_(y, x)] == 0)


def line(mask: Mask, points: Sequence[Point], scale: float, thickness: float) -> None:
    """Draw a polyline with round ends into ``mask``: ``points`` times ``scale``, in its pixels."""
    path = fixed(points, scale)
    cv2.polylines(mask, [path], False, 255, max(1, round(thickness)), cv2.LINE_8, _FRACTION_BITS)


def fixed(points: Sequence[Point], scale: float) -> npt.NDArray[np.int32]:
    """``points`` times ``scale`` in OpenCV's fixed-point numbers."""
    array: npt.NDArray[np.float64] = np.asarray(points, np.float64) * (scale * 2**_FRACTION_BITS)
    return np.round(array).astype(np.int32)
