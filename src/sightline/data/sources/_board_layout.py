"""The artwork of a made-up circuit board: which points are copper and which are clear.

A board is laid out as a designer would: bus bundles from edge to edge, copper blocks, chips with two
rows of pads, small two-pad parts, plated holes; then nets routed between the pads on a grid with bends
of at most 45 degrees, ending in a via where no way is found; then, on most boards, a copper pour with
clearance around everything that it does not belong to.
"""

import math

import cv2
import numpy as np

from sightline.data.sources._board_router import STEPS, Cell, route
from sightline.data.sources._board_sheet import SUPERSAMPLING, Mask, Point, Sheet, Terminal, line
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
        _bundle(sheet, rng, upright)
    for draw_part, least, most in (
        (_block, 0.0, 4.0),
        (_chip, 1.0, 4.0),
        (_two_pad_part, 3.0, 10.0),
        (_plated_hole, 3.0, 10.0),
        (_edge_net, 2.0, 8.0),
    ):
        for _ in range(math.ceil(rng.uniform(least, most) * room)):
            draw_part(sheet, rng)
    _connect(sheet, rng)
    for _ in range(math.ceil(rng.uniform(1, 6) * room)):
        _test_point(sheet, rng)
    if rng.random() < 0.3:
        _lettering(sheet, rng)
    if rng.random() < 0.6:
        _pour(sheet, rng)
    sheet.drill()
    return sheet.copper


def _bundle(sheet: Sheet, rng: np.random.Generator, upright: bool) -> None:
    """Parallel traces from edge to edge that jog together; spacing kept by mitring each bend."""
    columns, rows = sheet.cells
    along, across = (rows, columns) if upright else (columns, rows)
    wide = rng.random() < 0.35
    width = sheet.pitch * rng.uniform(0.9, 1.9) if wide else sheet.trace
    spacing = (width + sheet.clearance * rng.uniform(1.1, 2.2)) / sheet.pitch
    count = int(rng.integers(2, 5) if wide else rng.integers(3, 8))
    start = rng.uniform(-1, max(across - count * spacing, 0) + 1)
    jogs = np.cumsum(rng.uniform(0.25, 0.5, size=rng.integers(0, 3))) * along
    drops = rng.uniform(1, 5, size=len(jogs)) * rng.choice([-1, 1], size=len(jogs))
    paths: list[list[Point]] = []
    for offset in np.arange(count) * spacing:
        level = start + offset
        path: list[Point] = [(-2.0, level)]
        for at, drop in zip(jogs, drops, strict=True):
            bend = at - math.copysign(math.tan(math.pi / 8), drop) * offset
            path += [(bend, level), (bend + abs(drop), level + drop)]
            level += drop
        path.append((along + 3.0, level))
        paths.append([(y, x) for x, y in path] if upright else path)
    if _crosses(sheet, paths, width):
        return
    for path in paths:
        sheet.stroke(path, width)


def _crosses(sheet: Sheet, paths: list[list[Point]], width: float) -> bool:
    drawn = np.zeros_like(sheet.keepout)
    for path in paths:
        line(drawn, path, sheet.pitch, width)
    return bool((drawn & sheet.keepout).any())


def _block(sheet: Sheet, rng: np.random.Generator) -> None:
    """A copper area with cut corners, sometimes with a row of small holes along one side."""
    width, height = (int(side) for side in rng.integers(2, 7, size=2))
    place = _free_place(sheet, rng, width + 2, height + 2)
    if place is None:
        return
    x, y = place[0] + 1, place[1] + 1
    right, low = x + width, y + height
    cuts = rng.uniform(0.3, 1.0, size=4) * (rng.random(4) < 0.6)
    a, b, c, d = (float(cut) for cut in cuts)
    outline = [(x + a, y), (right - b, y), (right, y + b), (right, low - c)]
    outline += [(right - c, low), (x + d, low), (x, low - d), (x, y + a)]
    sheet.fill(outline, sheet.pitch * 0.3)
    sheet.parts += 1
    centre = (x + width // 2, y + height // 2)
    sheet.terminals.append(Terminal(sheet.parts, centre, STEPS.index((1, 0)), right + 1 - centre[0]))
    sheet.terminals.append(Terminal(sheet.parts, centre, STEPS.index((0, 1)), low + 1 - centre[1]))
    if rng.random() < 0.4:
        radius = max(2.2, sheet.pitch * 0.1)
        sheet.holes += [((at, y + 0.7), radius) for at in np.arange(x + 1.2, right - 1.0, 1.5)]


def _chip(sheet: Sheet, rng: np.random.Generator) -> None:
    """Two rows of narrow pads facing each other."""
    pins, span = int(rng.integers(3, 8)), int(rng.integers(4, 7))
    thick, length = sheet.pitch * rng.uniform(0.5, 0.62), sheet.pitch * rng.uniform(1.1, 1.5)
    _two_rows(sheet, rng, pins, span, (length, thick), thick * rng.choice([0.15, 0.48]))


def _two_pad_part(sheet: Sheet, rng: np.random.Generator) -> None:
    """A resistor or capacitor: two nearly square pads."""
    along, across = sheet.pitch * rng.uniform(0.9, 1.3), sheet.pitch * rng.uniform(1.1, 1.6)
    corner = sheet.pitch * rng.uniform(0.1, 0.35)
    _two_rows(sheet, rng, 1, int(rng.integers(2, 4)), (along, across), corner)


def _two_rows(
    sheet: Sheet, rng: np.random.Generator, pins: int, span: int, pad: tuple[float, float], corner: float
) -> None:
    """``pins`` pads a cell apart in each of two rows ``span`` cells apart; nets leave outwards.

    ``pad`` is their size in pixels: across the rows, and along them.
    """
    upright = bool(rng.random() < 0.5)
    reach, length = span + 4, pins + 2 if pins == 1 else pins + 1
    place = _free_place(sheet, rng, *((length, reach) if upright else (reach, length)))
    if place is None:
        return
    sheet.parts += 1
    for pin in range(pins):
        for side, sign in ((2, -1), (2 + span, 1)):
            offset, way = (side, 1 + pin), (sign, 0)
            (dx, dy), (width, height) = offset, pad
            if upright:
                dx, dy, way, width, height = dy, dx, way[::-1], height, width
            cell = (place[0] + dx, place[1] + dy)
            sheet.pad(cell, width, height, corner)
            sheet.terminals.append(Terminal(sheet.parts, cell, STEPS.index(way), 2))


def _plated_hole(sheet: Sheet, rng: np.random.Generator) -> None:
    """A round pad with its hole, or without one; now and then a large mounting pad."""
    radius = rng.uniform(0.55, 1.0) if rng.random() < 0.85 else rng.uniform(1.4, 2.6)
    reach = math.ceil(radius) + 1
    place = _free_place(sheet, rng, 2 * reach, 2 * reach)
    if place is None:
        return
    cell, pixels = (place[0] + reach, place[1] + reach), radius * sheet.pitch
    sheet.disc(cell, pixels, pixels * rng.uniform(0.2, 0.5) if rng.random() < 0.8 else 0.0)
    sheet.discs.append((cell, pixels))
    sheet.parts += 1
    sheet.terminals.append(Terminal(sheet.parts, cell, None, reach))


def _edge_net(sheet: Sheet, rng: np.random.Generator) -> None:
    """A net that comes in from outside the picture."""
    columns, rows = sheet.cells
    step = int(rng.choice([0, 2, 4, 6]))
    dx, dy = STEPS[step]
    at = (int(rng.integers(1, columns)), int(rng.integers(1, rows)))
    x, y = (
        {1: -1, 0: here, -1: count}[way]
        for way, here, count in zip((dx, dy), at, (columns, rows), strict=True)
    )
    sheet.parts += 1
    sheet.terminals.append(Terminal(sheet.parts, (x, y), step, 2))


def _test_point(sheet: Sheet, rng: np.random.Generator) -> None:
    """A small lone dot: copper that belongs there, and looks a little like copper that does not."""
    place = _free_place(sheet, rng, 1, 1)
    if place is not None:
        sheet.disc((place[0] + 0.5, place[1] + 0.5), rng.uniform(4.5, 9.0))


def _lettering(sheet: Sheet, rng: np.random.Generator) -> None:
    """A part number etched in copper."""
    text = f"SL-{rng.integers(10, 1000):03d}"
    place = _free_place(sheet, rng, 130 / sheet.pitch, 40 / sheet.pitch)
    if place is None:
        return
    x, y = (round(value * sheet.pitch) for value in place)
    for mask, scale, thickness in ((sheet.copper, SUPERSAMPLING, 4), (sheet.keepout, 1, 14)):
        origin = ((x + 8) * scale, (y + 32) * scale)
        cv2.putText(mask, text, origin, cv2.FONT_HERSHEY_SIMPLEX, 0.95 * scale, 255, thickness * scale)


def _connect(sheet: Sheet, rng: np.random.Generator) -> None:
    """Route most pads to a near pad of another part that is still open, else into a via."""
    waiting = [sheet.terminals[index] for index in rng.permutation(len(sheet.terminals))]
    while waiting:
        start = waiting.pop()
        if rng.random() < 0.1:
            continue
        others = [other for other in waiting if other.part != start.part]
        others.sort(key=lambda other, start=start: math.dist(other.centre, start.centre))  # type: ignore[misc]
        width = sheet.trace * (rng.uniform(1.3, 1.9) if rng.random() < 0.15 else 1.0)
        for goal in others[:3]:
            if _join(sheet, start, goal, width):
                waiting.remove(goal)
                break
        else:
            _end_in_via(sheet, rng, start)


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


def _free_place(sheet: Sheet, rng: np.random.Generator, width: float, height: float) -> Cell | None:
    """A cell at which a rectangle of ``width`` x ``height`` cells is free, if a few tries find one."""
    columns, rows = sheet.cells
    for _ in range(12):
        x, y = int(rng.integers(0, columns)), int(rng.integers(0, rows))
        if sheet.is_free(x, y, x + width, y + height):
            return x, y
    return None
