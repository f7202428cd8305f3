"""The artwork of a made-up circuit board: which points are copper and which are clear.

A board is laid out as a designer would: bus bundles from edge to edge, copper blocks, chips with two
rows of pads, small two-pad parts, plated holes; then nets routed between the pads on a grid with bends
of at most 45 degrees, ending in a via where no way is found; then, on most boards, a copper pour with
clearance around everything that it does not belong to.
"""

import math

import cv2
import numpy as np

from sightline.data.sources._board_parts import (
    block,
    bundle,
    chip,
    edge_net,
    plated_hole,
    test_point,
    two_pad_part,
)
from sightline.data.sources._board_router import STEPS, route
from sightline.data.sources._board_sheet import SUPERSAMPLING, Mask, Point, Sheet, Terminal
from sightline.values.image import Size


def draw_layout(rng: np.random.Generator, size: Size) -> Mask:
    """The copper of one board of ``size`` picture pixels, supersampled, 255 where there is copper."""
    pitch = rng.uniform(19, 32)
    sheet = Sheet(
        copper=np.zeros((size.height * SUPERSAMPLING, size.width * SUPERSAMPLING), np.uint8),
        keepout=np.zeros((size.height, size.width), np.uint8),
        pitch=pitch,
        trace=pitch * rng.uniform(0.36, 0.48),
        clearance=max(5.0, pitch * rng.uniform(0.22, 0.28)),
    )
    room = size.area / (640 * 640) * (24 / pitch) ** 1.5
    upright = bool(rng.random() < 0.5)
    for _ in range(rng.integers(0, 4)):
        bundle(sheet, rng, upright)
    for draw_part, least, most in (
        (block, 0.0, 4.0),
        (chip, 1.0, 4.0),
        (two_pad_part, 3.0, 10.0),
        (plated_hole, 3.0, 10.0),
        (edge_net, 2.0, 8.0),
    ):
        for _ in range(math.ceil(rng.uniform(least, most) * room)):
            draw_part(sheet, rng)
    _connect(sheet, rng)
    for _ in range(math.ceil(rng.uniform(1, 6) * room)):
        test_point(sheet, rng)
    if rng.random() < 0.6:
        _pour(sheet, rng)
    sheet.drill()
    return sheet.copper


def _connect(sheet: Sheet, rng: np.random.Generator) -> None:
    """Route most pads to a near pad of another part that is still open, else into a via."""
    waiting = [sheet.terminals[index] for index in rng.permutation(len(sheet.terminals))]
    while waiting:
        start = waiting.pop()
        if rng.random() < 0.1:
            continue
        width = sheet.trace * (rng.uniform(1.3, 1.9) if rng.random() < 0.15 else 1.0)
        for goal in _nearest(start, waiting)[:3]:
            if _join(sheet, start, goal, width):
                waiting.remove(goal)
                break
        else:
            _end_in_via(sheet, rng, start)


def _nearest(start: Terminal, waiting: list[Terminal]) -> list[Terminal]:
    others = (other for other in waiting if other.part != start.part)
    return sorted(others, key=lambda other: math.dist(other.centre, start.centre))


def _join(sheet: Sheet, start: Terminal, goal: Terminal, width: float) -> bool:
    goal_cell, step = goal.leaving(start.centre)
    path = route(sheet.open_cells(), start.leaving(goal.centre), (goal_cell, (step + 4) % 8))
    if path is None:
        return False
    sheet.stroke([start.centre, *path, goal.centre], width)
    return True


def _end_in_via(sheet: Sheet, rng: np.random.Generator, start: Terminal) -> None:
    is_open = sheet.open_cells()
    rows, columns = np.nonzero(is_open)
    distance = np.hypot(columns - start.centre[0], rows - start.centre[1])
    near = np.flatnonzero((distance > 2) & (distance < 9))
    for pick in rng.permutation(near)[:4]:
        cell = (int(columns[pick]), int(rows[pick]))
        leaving = start.leaving(cell)
        path = route(is_open, leaving, (cell, leaving[1]))
        if path:
            sheet.stroke([start.centre, *path], sheet.trace)
            radius = sheet.pitch * rng.uniform(0.4, 0.5)
            sheet.disc(cell, radius, max(2.4, radius * rng.uniform(0.3, 0.5)))
            return


def _pour(sheet: Sheet, rng: np.random.Generator) -> None:
    """Fill a part of the board with copper, away from what is there; tie some round pads to it."""
    height, width = sheet.copper.shape
    scale = sheet.pitch * SUPERSAMPLING
    region = np.zeros_like(sheet.copper)
    left, top = (rng.uniform(-0.3, 0.45, size=2) * (width, height)).round()
    right, low = (rng.uniform(0.6, 1.3, size=2) * (width, height)).round()
    cut = rng.uniform(0, 5) * scale
    outline = [(left + cut, top), (right, top), (right, low - cut), (right - cut, low), (left, low)]
    cv2.fillPoly(region, [np.array([*outline, (left, top + cut)], np.int32)], 255)
    gap = sheet.clearance * rng.uniform(1.0, 1.6)
    region[cv2.distanceTransform(255 - sheet.copper, cv2.DIST_L2, 5) <= gap * SUPERSAMPLING] = 0
    region = _without_slivers(region, 0.22 * scale)
    sheet.copper |= region
    for centre, radius in sheet.discs:
        if rng.random() < 0.4:
            _tie(sheet, region, centre, radius, radius + gap + 3)


def _tie(sheet: Sheet, region: Mask, centre: Point, radius: float, reach: float) -> None:
    """Join a round pad to the pour by four spokes, if the pour is on all sides of it."""
    height, width = region.shape
    scale = sheet.pitch * SUPERSAMPLING
    x, y = centre
    spokes: list[list[Point]] = []
    for dx, dy in STEPS[::2]:
        near, far = (length / sheet.pitch for length in (radius * 0.75, reach))
        end = (x + dx * far, y + dy * far)
        column, row = int(end[0] * scale), int(end[1] * scale)
        if not (0 <= column < width and 0 <= row < height and region[row, column]):
            return
        spokes.append([(x + dx * near, y + dy * near), end])
    for spoke in spokes:
        sheet.stroke(spoke, sheet.trace * 0.8)


def _without_slivers(region: Mask, radius: float) -> Mask:
    """Morphological opening by a disc, through two distance transforms: fast for large radii."""
    eroded = np.asarray(cv2.distanceTransform(region, cv2.DIST_L2, 5) <= radius, np.uint8)
    return np.asarray(cv2.distanceTransform(eroded, cv2.DIST_L2, 5) < radius, np.uint8) * np.uint8(255)
