"""The shapes that flaws have: wavering strokes and uneven specks, drawn into a small window.

A window is supersampled, square, and reaches ``REACH`` picture pixels from its middle; positions are
in picture pixels from there.
"""

import math
from itertools import pairwise

import cv2
import numpy as np

from sightline.data.sources._board_sheet import SUPERSAMPLING, Mask, Point

REACH = 36
"""Half the side of a window, in picture pixels."""


def wire(rng: np.random.Generator, shape: Mask, start: Point, end: Point, width: float) -> None:
    """A wavering stroke of uneven width between two points, in pixels from the window's middle."""
    along = np.linspace(0.0, 1.0, 9)
    (x0, y0), (x1, y1) = start, end
    length = max(math.hypot(x1 - x0, y1 - y0), 1e-6)
    bow = rng.normal(0, 0.09) * length * np.sin(np.pi * along)
    sway = bow + rng.normal(0, 0.03, size=9).cumsum() * length * np.sin(np.pi * along)
    x = x0 + (x1 - x0) * along - (y1 - y0) / length * sway
    y = y0 + (y1 - y0) * along + (x1 - x0) / length * sway
    widths = width * rng.uniform(0.8, 1.25, size=9)
    path = np.round((np.stack([x, y], axis=1) + REACH) * SUPERSAMPLING).astype(np.int32)
    for index in range(8):
        ends = tuple(path[index].tolist()), tuple(path[index + 1].tolist())
        cv2.line(shape, ends[0], ends[1], 255, max(1, round(float(widths[index]) * SUPERSAMPLING)))


def speck(rng: np.random.Generator, shape: Mask, centre: Point, radius: float) -> None:
    """An uneven, often lengthy blob, or a scrawl of a few strokes about as large."""
    if rng.random() < 0.3:
        points = rng.uniform(-1.1, 1.1, size=(int(rng.integers(2, 5)), 2)) * radius + np.asarray(centre)
        for first, second in pairwise(points):
            wire(rng, shape, (first[0], first[1]), (second[0], second[1]), rng.uniform(2.6, 4.2))
        return
    angle = np.linspace(0, 2 * math.pi, 24, endpoint=False)
    swell = sum(rng.uniform(0, 0.22 / n) * np.cos(n * angle + rng.uniform(0, 6.3)) for n in (1, 2, 3, 5))
    lengthen = rng.uniform(1.0, 1.6)
    x, y = (1 + swell) * np.cos(angle) * lengthen, (1 + swell) * np.sin(angle) / lengthen
    turn = rng.uniform(0, math.pi)
    turned = np.stack(
        [x * math.cos(turn) - y * math.sin(turn), x * math.sin(turn) + y * math.cos(turn)], axis=1
    )
    outline = (turned * radius + np.asarray(centre) + REACH) * SUPERSAMPLING
    cv2.fillPoly(shape, [np.round(outline).astype(np.int32)], 255)
