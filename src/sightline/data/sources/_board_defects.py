"""The six kinds of defect that DeepPCB annotates, put where a factory could make them.

What makes a defect is what it does to the copper: an open parts a trace, a short joins two nets, a
mousebite and a spur change an edge and join or part nothing, spurious copper is one island more, a
pin-hole one hole more. Every defect drawn here has been checked to do exactly that, with a margin that
survives the camera.

The kinds: S. Tang et al., "Online PCB defect detector on a new PCB defect dataset" (DeepPCB), 2019.
"""

import math
from dataclasses import dataclass
from typing import Literal, NamedTuple

import cv2
import numpy as np
import numpy.typing as npt

from sightline.data.sources._board_flaws import REACH, speck, wire
from sightline.data.sources._board_sheet import SUPERSAMPLING, Mask, Point

DefectKind = Literal["open", "short", "mousebite", "spur", "copper", "pin-hole"]
DEFECT_KINDS: tuple[DefectKind, ...] = ("open", "short", "mousebite", "spur", "copper", "pin-hole")

_ADDS: frozenset[DefectKind] = frozenset({"short", "spur", "copper"})
_MARGIN = 2.5
"""Pixels by which a defect could grow and still be of its kind."""

_LOSS = 0.6
"""Pixels by which it could shrink."""

_VISIBLE = 3.5
"""Pixels by which a mousebite or spur changes an edge at least."""

_NET_AREA = 450
"""Square pixels from which on an island is more than a lone dot or pad."""

_HOLE_AREA = 120
"""Square pixels below which clear ground inside copper is a drilled hole: biting it looks like a pin-hole."""

_TRIES = 60


class Footprint(NamedTuple):
    """The points that a defect changes: ``[h, w]`` bool, at a corner ``(x, y)``, supersampled."""

    corner: tuple[int, int]
    changed: npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Ground:
    """Distances that say where a kind of defect is possible; all ``[H, W]``, in picture pixels.

    ``depth`` is how far a copper pixel is from clear ground, ``room`` how far a clear pixel is from
    copper, ``nearest`` the number of the copper island that is nearest, ``lone`` whether that is a dot
    or pad of its own, on which a cut, bite or bridge would mean nothing; ``hole`` whether the nearest
    clear ground is a small hole.
    """

    depth: npt.NDArray[np.float32]
    room: npt.NDArray[np.float32]
    nearest: npt.NDArray[np.int32]
    lone: npt.NDArray[np.bool_]
    hole: npt.NDArray[np.bool_]

    def around(self, x: int, y: int) -> "Ground":
        """The part within ``REACH`` pixels of a place."""
        part = np.s_[y - REACH : y + REACH, x - REACH : x + REACH]
        return Ground(self.depth[part], self.room[part], self.nearest[part], self.lone[part], self.hole[part])


def survey(copper: Mask) -> Ground:
    """Measure supersampled ``copper``."""
    height, width = (side // SUPERSAMPLING for side in copper.shape)
    small = cv2.resize(copper, (width, height), interpolation=cv2.INTER_AREA)
    solid = np.where(small > 127, np.uint8(255), np.uint8(0))
    depth, clearing = cv2.distanceTransformWithLabels(solid, cv2.DIST_L2, 5)
    room, nearest = cv2.distanceTransformWithLabels(255 - solid, cv2.DIST_L2, 5)
    areas = np.bincount(nearest[solid > 0], minlength=int(nearest.max()) + 1)
    clear_areas = np.bincount(clearing[solid == 0], minlength=int(clearing.max()) + 1)
    return Ground(
        np.asarray(depth, np.float32),
        np.asarray(room, np.float32),
        np.asarray(nearest, np.int32),
        np.asarray(areas[nearest] < _NET_AREA),
        np.asarray(clear_areas[clearing] < _HOLE_AREA),
    )


def place_defect(
    rng: np.random.Generator, kind: DefectKind, copper: Mask, ground: Ground, allowed: npt.NDArray[np.bool_]
) -> Footprint | None:
    """A defect of ``kind`` at a random possible place, not yet applied; ``None`` where there is none.

    Args:
        rng: the dice.
        kind: what to place.
        copper: supersampled artwork, without defects near allowed places.
        ground: what ``survey`` says of it.
        allowed: ``[H, W]``, the picture pixels at which a defect may be centred.
    """
    possible = np.flatnonzero(_possible(kind, ground) & allowed)
    if not len(possible):
        return None
    for index in rng.choice(possible, size=_TRIES):
        row, column = divmod(int(index), allowed.shape[1])
        found = _try_at(rng, kind, copper, ground, (column, row))
        if found is not None:
            return found
    return None


def apply_defect(copper: Mask, kind: DefectKind, footprint: Footprint) -> None:
    """Make the change in ``copper``."""
    (x, y), changed = footprint
    window = copper[y : y + changed.shape[0], x : x + changed.shape[1]]
    window[changed] = 255 if kind in _ADDS else 0


def _possible(kind: DefectKind, ground: Ground) -> npt.NDArray[np.bool_]:
    depth, room = ground.depth, ground.room
    if kind == "copper":
        return (room >= 7) & (room < 50)
    if kind == "pin-hole":
        return (depth >= 5.5) & (depth < 50)
    if kind == "open":
        ridge = depth >= cv2.dilate(depth, np.ones((3, 3), np.uint8)) - 0.01
        found = ridge & (depth >= 3.5) & (depth <= 15)
    elif kind == "short":
        found = _between_nets(ground) & (room >= 2) & (room <= 13)
    elif kind == "mousebite":
        found = (
            (depth > 0)
            & (depth < 1.6)
            & ~ground.hole
            & (cv2.dilate(depth, np.ones((21, 21), np.uint8)) >= 4.5)
        )
    else:
        found = (room > 0) & (room < 1.6) & (cv2.dilate(room, np.ones((25, 25), np.uint8)) >= 6)
    return np.asarray(found & ~ground.lone)


def _between_nets(ground: Ground) -> npt.NDArray[np.bool_]:
    """Pixels to whose right, or below which, another island is nearer, and not a lone one."""
    there = np.zeros(ground.nearest.shape, np.bool_)
    for here, beside in ((np.s_[:, :-1], np.s_[:, 1:]), (np.s_[:-1, :], np.s_[1:, :])):
        there[here] |= (ground.nearest[here] != ground.nearest[beside]) & ~ground.lone[beside]
    return there


def _try_at(
    rng: np.random.Generator, kind: DefectKind, copper: Mask, ground: Ground, at: tuple[int, int]
) -> Footprint | None:
    reach = REACH * SUPERSAMPLING
    x, y = ((value * SUPERSAMPLING + SUPERSAMPLING // 2) - reach for value in at)
    if x < 0 or y < 0 or x + 2 * reach > copper.shape[1] or y + 2 * reach > copper.shape[0]:
        return None
    window = copper[y : y + 2 * reach, x : x + 2 * reach]
    near = ground.around(*at)
    shape = _draw(rng, kind, near)
    if shape is None or not _is_of_kind(kind, window, shape):
        return None
    changed = (shape > 0) & ((window == 0) if kind in _ADDS else (window > 0))
    return Footprint((x, y), np.asarray(changed))


def _draw(rng: np.random.Generator, kind: DefectKind, near: Ground) -> Mask | None:
    """The defect's shape in a supersampled window around it."""
    shape = np.zeros((2 * REACH * SUPERSAMPLING,) * 2, np.uint8)
    here = float(near.depth[REACH, REACH]), float(near.room[REACH, REACH])
    if kind == "open":
        _cut(rng, shape, near, here[0])
    elif kind == "short":
        ends = _facing(near)
        if ends is None:
            return None
        wire(rng, shape, *ends, rng.uniform(2.5, 7.0))
    elif kind in ("mousebite", "spur"):
        _edge_flaw(rng, shape, near, kind)
    else:
        largest = here[1] - 3.5 if kind == "copper" else here[0] - 3.0
        speck(rng, shape, (0.0, 0.0), min(largest, rng.uniform(2.8, 8.0)))
    return shape


def _cut(rng: np.random.Generator, shape: Mask, near: Ground, depth: float) -> None:
    """Across the trace, through the nearest clear pixel and out at the other side."""
    normal = math.atan2(*_nearest_where(near.depth <= 0)[::-1]) + rng.uniform(-0.35, 0.35)
    length = depth / math.cos(0.35) + 3.5
    dx, dy = math.cos(normal) * length, math.sin(normal) * length
    width = rng.uniform(2.8, 5.0) if rng.random() < 0.7 else rng.uniform(5.0, 13.0)
    wire(rng, shape, (-dx, -dy), (dx, dy), width)


def _facing(near: Ground) -> tuple[Point, Point] | None:
    """The nearest points of the two islands between which the window's middle lies."""
    middle = near.nearest[REACH - 1 : REACH + 2, REACH - 1 : REACH + 2]
    islands = np.unique(middle)
    if len(islands) < 2:
        return None
    ends = []
    for island in islands[:2]:
        x, y = _nearest_where((near.depth > 0) & (near.nearest == island))
        beyond = 1 + 2.5 / max(math.hypot(x, y), 1.0)
        ends.append((x * beyond, y * beyond))
    return ends[0], ends[1]


def _edge_flaw(rng: np.random.Generator, shape: Mask, near: Ground, kind: DefectKind) -> None:
    """A bite into the copper, or a spike or bump out of it, at the window's middle."""
    field, opposite = (near.depth, near.room) if kind == "mousebite" else (near.room, near.depth)
    inward = _slope(field - opposite)
    available = float(field[REACH - 12 : REACH + 12, REACH - 12 : REACH + 12].max())
    size = rng.uniform(4.5, 9.5)
    if kind == "mousebite":
        size = min(size, available * rng.uniform(0.7, 1.3))
    if rng.random() < 0.35:
        tilt = inward + rng.uniform(-0.6, 0.6)
        far = (math.cos(tilt) * size * 1.4, math.sin(tilt) * size * 1.4)
        wire(rng, shape, (-0.15 * far[0], -0.15 * far[1]), far, rng.uniform(2.8, 4.5))
        return
    lean = size * rng.uniform(0.0, 0.5)
    speck(rng, shape, (math.cos(inward) * lean, math.sin(inward) * lean), size * 0.85)


def _slope(field: npt.NDArray[np.float32]) -> float:
    """The direction in which a field grows around the window's middle, in radians."""
    around = field[REACH - 4 : REACH + 5, REACH - 4 : REACH + 5]
    down, right = np.gradient(around)
    return math.atan2(float(down.mean()), float(right.mean()))


def _nearest_where(there: npt.NDArray[np.bool_]) -> Point:
    """The nearest of the window's marked pixels, from its middle."""
    rows, columns = np.nonzero(there)
    if not len(rows):
        return 1.0, 0.0
    dx, dy = columns - REACH, rows - REACH
    best = int(np.argmin(dx * dx + dy * dy))
    return float(dx[best]), float(dy[best])


def _is_of_kind(kind: DefectKind, window: Mask, shape: Mask) -> bool:
    """Whether the change has its kind's effect, also when the defect comes out a little different."""
    if kind in ("mousebite", "spur"):
        field = window if kind == "mousebite" else 255 - window
        change = cv2.distanceTransform(field, cv2.DIST_L2, 5)[shape > 0]
        if float(change.max(initial=0.0)) < _VISIBLE * SUPERSAMPLING:
            return False
    if not _has_effect(kind, window, _grown(shape, -_LOSS)):
        return False
    return kind in ("open", "short") or _has_effect(kind, window, _grown(shape, _MARGIN))


def _has_effect(kind: DefectKind, window: Mask, shape: Mask) -> bool:
    after = window | shape if kind in _ADDS else window & ~shape
    islands = _regions(after) - _regions(window)
    if kind == "open":
        return islands >= 1
    if kind == "short":
        return islands <= -1
    holes = _regions(255 - after) - _regions(255 - window)
    return (islands, holes) == (int(kind == "copper"), int(kind == "pin-hole"))


def _grown(shape: Mask, by: float) -> Mask:
    side = 2 * round(abs(by) * SUPERSAMPLING) + 1
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (side, side))
    return np.asarray(cv2.dilate(shape, disc) if by > 0 else cv2.erode(shape, disc), np.uint8)


def _regions(mask: Mask) -> int:
    return int(cv2.connectedComponents(mask, connectivity=4)[0])
