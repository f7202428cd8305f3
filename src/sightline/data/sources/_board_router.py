"""Ways for traces on a grid: the shortest path that bends by at most 45 degrees at a time."""

import heapq
import math
from itertools import pairwise

import numpy as np
import numpy.typing as npt

Cell = tuple[int, int]
"""Column and row."""

STEPS: tuple[Cell, ...] = ((1, 0), (1, 1), (0, 1), (-1, 1), (-1, 0), (-1, -1), (0, -1), (1, -1))
"""The eight directions, clockwise from the right; neighbours in this ring differ by 45 degrees."""

Heading = tuple[Cell, int]
"""A cell and the index into ``STEPS`` of a direction there."""

_DIAGONAL = math.sqrt(2)
_BEND_COST = 0.6
_MOST_VISITS = 2500


def route(is_open: npt.NDArray[np.bool_], start: Heading, goal: Heading) -> list[Cell] | None:
    """The cells at which a trace from ``start`` to ``goal`` bends, both included.

    A* over (cell, direction) with the octile distance as bound (Hart, Nilsson, Raphael 1968). ``None``
    when there is no way, or only one that crosses itself. A diagonal step needs both cells beside it
    open, so that parallel diagonals keep their distance.

    Args:
        is_open: ``[rows, columns]``, the cells that a trace may use.
        start: where the trace is and its direction there.
        goal: where it has to go and the direction in which it goes on from there; the way may bend
            by 45 degrees at the goal itself.
    """
    if not (_usable(is_open, start[0]) and _usable(is_open, goal[0])):
        return None
    rows: list[list[bool]] = is_open.tolist()
    came_from: dict[Heading, Heading | None] = {start: None}
    cost = {start: 0.0}
    queue = [(_octile(start[0], goal[0]), start)]
    for _ in range(_MOST_VISITS):
        if not queue:
            return None
        here = heapq.heappop(queue)[1]
        if here[0] == goal[0] and (here[1] - goal[1] + 1) % 8 <= 2:
            return _simple_bends(came_from, here)
        for turn in (0, -1, 1):
            there = _ahead(rows, here[0], (here[1] + turn) % 8)
            if there is None:
                continue
            total = cost[here] + (_DIAGONAL if there[1] % 2 else 1.0) + (_BEND_COST if turn else 0.0)
            if total < cost.get(there, math.inf):
                cost[there], came_from[there] = total, here
                heapq.heappush(queue, (total + _octile(there[0], goal[0]), there))
    return None


def _usable(is_open: npt.NDArray[np.bool_], cell: Cell) -> bool:
    (x, y), (rows, columns) = cell, is_open.shape
    return 0 <= x < columns and 0 <= y < rows and bool(is_open[y, x])


def _ahead(rows: list[list[bool]], cell: Cell, direction: int) -> Heading | None:
    (x, y), (dx, dy) = cell, STEPS[direction]
    to_x, to_y = x + dx, y + dy
    if not (0 <= to_x < len(rows[0]) and 0 <= to_y < len(rows) and rows[to_y][to_x]):
        return None
    if dx and dy and not (rows[y][to_x] and rows[to_y][x]):
        return None
    return (to_x, to_y), direction


def _octile(a: Cell, b: Cell) -> float:
    dx, dy = abs(a[0] - b[0]), abs(a[1] - b[1])
    return max(dx, dy) + (_DIAGONAL - 1) * min(dx, dy)


def _simple_bends(came_from: dict[Heading, Heading | None], last: Heading) -> list[Cell] | None:
    path = [last]
    while (before := came_from[path[-1]]) is not None:
        path.append(before)
    path.reverse()
    cells = [cell for cell, _ in path]
    middles = [(x + u, y + v) for (x, y), (u, v) in pairwise(cells)]
    if len(set(cells)) < len(cells) or len(set(middles)) < len(middles):
        return None
    bends = [cell for (cell, heading), (_, after) in pairwise(path) if heading != after and cell != cells[0]]
    return [cells[0], *bends, cells[-1]]
