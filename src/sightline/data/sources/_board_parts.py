"""What a board is made of: bus bundles, copper blocks, chips, small parts, holes, test points.

Each function puts one of its kind at a random free place of the sheet, or gives up after a few tries.
"""

import math

import numpy as np

from sightline.data.sources._board_router import STEPS, Cell
from sightline.data.sources._board_sheet import Point, Sheet, Terminal, line


def bundle(sheet: Sheet, rng: np.random.Generator, upright: bool) -> None:
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


def block(sheet: Sheet, rng: np.random.Generator) -> None:
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


def chip(sheet: Sheet, rng: np.random.Generator) -> None:
    """Two rows of narrow pads facing each other."""
    pins, span = int(rng.integers(3, 8)), int(rng.integers(4, 7))
    thick, length = sheet.pitch * rng.uniform(0.5, 0.62), sheet.pitch * rng.uniform(1.1, 1.5)
    _two_rows(sheet, rng, pins, span, (length, thick), thick * rng.choice([0.15, 0.48]))


def two_pad_part(sheet: Sheet, rng: np.random.Generator) -> None:
    """A resistor or capacitor: two nearly square pads."""
    along, across = sheet.pitch * rng.uniform(0.9, 1.3), sheet.pitch * rng.uniform(1.1, 1.6)
    corner = sheet.pitch * rng.uniform(0.1, 0.35)
    _two_rows(sheet, rng, 1, int(rng.integers(2, 4)), (along, across), corner)


def plated_hole(sheet: Sheet, rng: np.random.Generator) -> None:
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


def edge_net(sheet: Sheet, rng: np.random.Generator) -> None:
    """A net that comes in from outside the picture."""
    columns, rows = sheet.cells
    step = int(rng.choice([0, 2, 4, 6]))
    dx, dy = STEPS[step]
    at = (int(rng.integers(1, columns)), int(rng.integers(1, rows)))
    x, y = (
        {1: -1, 0: here, -1: count + 1}[way]
        for way, here, count in zip((dx, dy), at, (columns, rows), strict=True)
    )
    sheet.parts += 1
    sheet.terminals.append(Terminal(sheet.parts, (x, y), step, 2))


def test_point(sheet: Sheet, rng: np.random.Generator) -> None:
    """A small lone dot: copper that belongs there, and looks a little like copper that does not."""
    place = _free_place(sheet, rng, 1, 1)
    if place is not None:
        sheet.disc((place[0] + 0.5, place[1] + 0.5), rng.uniform(4.5, 9.0))


def _crosses(sheet: Sheet, paths: list[list[Point]], width: float) -> bool:
    drawn = np.zeros_like(sheet.keepout)
    for path in paths:
        line(drawn, path, sheet.pitch, width)
    return bool((drawn & sheet.keepout).any())


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


def _free_place(sheet: Sheet, rng: np.random.Generator, width: float, height: float) -> Cell | None:
    """A cell at which a rectangle of ``width`` x ``height`` cells is free, if a few tries find one."""
    columns, rows = sheet.cells
    for _ in range(12):
        x, y = int(rng.integers(0, columns)), int(rng.integers(0, rows))
        if sheet.is_free(x, y, x + width, y + height):
            return x, y
    return None
