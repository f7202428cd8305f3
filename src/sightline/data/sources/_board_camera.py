"""What an inspection camera makes of a board: etched edges, light, blur, noise and a slight turn.

Copper is dark and bare board bright, as in light from behind and as in DeepPCB's pictures.
"""

import math
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from sightline.data.sources._board_sheet import SUPERSAMPLING, Mask
from sightline.values.image import Pixels, Size

Field = npt.NDArray[np.float32]
Affine = npt.NDArray[np.float64]
"""``[2, 3]``: from points of the artwork to points of the picture, both in picture pixels."""


@dataclass(frozen=True)
class Camera:
    """One camera of the line. Grey levels are of 255, lengths in pixels.

    ``contrast`` is the slope of its tone curve in the middle (1 is straight), ``falloff`` how much
    light its corners lose, ``tilt`` how much one side is brighter than the other.
    """

    name: str
    copper: float
    board: float
    contrast: float
    blur: float
    noise: float
    falloff: float
    tilt: float
    jpeg_quality: int


CAMERAS: tuple[Camera, ...] = (
    Camera("cam1", 62, 196, 1.0, 0.8, 5.0, 0.18, 0.10, 88),
    Camera("cam2", 40, 224, 2.2, 0.6, 3.5, 0.08, 0.06, 92),
    Camera("cam3", 84, 182, 1.0, 1.15, 7.0, 0.28, 0.16, 82),
)

MARGIN = 28
"""Pixels of artwork needed on every side of a picture, for its turn and shift."""


def photograph(rng: np.random.Generator, copper: Mask, size: Size, camera: Camera) -> tuple[Pixels, Affine]:
    """A picture of ``size`` of the middle of supersampled ``copper``, and where its points went."""
    height, width = (side // SUPERSAMPLING for side in copper.shape)
    affine = _pose(rng, Size(width, height), size)
    drawn = cv2.resize(copper, (width, height), interpolation=cv2.INTER_AREA)
    cover = _etched(rng, drawn.astype(np.float32) / np.float32(255))
    shot = cv2.warpAffine(cover, _between_centres(affine), (size.width, size.height), flags=cv2.INTER_LINEAR)
    shot = cv2.GaussianBlur(shot, (0, 0), camera.blur * rng.uniform(0.8, 1.25))
    bare = camera.board + _cloud(rng, size, 24, 5.0) + _cloud(rng, size, 2, 2.0)
    metal = camera.copper + _cloud(rng, size, 40, 5.0) + _cloud(rng, size, 3, 2.0)
    grey = (bare + (metal - bare) * shot) * _light(rng, size, camera)
    grey += rng.standard_normal((size.height, size.width), np.float32) * np.float32(camera.noise)
    middle = (camera.copper + camera.board) / 2
    if camera.contrast != 1.0:
        half = (camera.board - camera.copper) / 2
        grey = middle + half * np.tanh((grey - middle) / half * camera.contrast) / math.tanh(camera.contrast)
    levels = np.clip(np.round(grey), 0, 255).astype(np.uint8)
    return np.repeat(levels[:, :, None], 3, axis=2), affine


def _pose(rng: np.random.Generator, artwork: Size, size: Size) -> Affine:
    """A turn of about a degree, a shift of a few pixels and a slight zoom about the middle."""
    # The edges of a large picture move far: the bound keeps them within the margin.
    most = min(0.03, 0.5 * MARGIN / max(size.width, size.height))
    turn, zoom = rng.uniform(-most, most), rng.uniform(1.0, 1.0 + most)
    shift = rng.uniform(-6, 6, size=2)
    linear = zoom * np.array([[math.cos(turn), -math.sin(turn)], [math.sin(turn), math.cos(turn)]])
    middle = np.array([artwork.width, artwork.height]) / 2
    goal = np.array([size.width, size.height]) / 2 + shift
    return np.hstack([linear, (goal - linear @ middle)[:, None]])


def _between_centres(affine: Affine) -> Affine:
    """The same map for OpenCV, whose point (0, 0) is the middle of the first pixel, not its corner."""
    linear = affine[:, :2]
    return np.hstack([linear, (affine[:, 2] + linear @ [0.5, 0.5] - 0.5)[:, None]])


def _etched(rng: np.random.Generator, cover: Field) -> Field:
    """Corners rounded and edges roughened by a fraction of a pixel, as the etching bath leaves them."""
    size = Size(cover.shape[1], cover.shape[0])
    soft = cv2.GaussianBlur(cover, (0, 0), 0.9) + _cloud(rng, size, 2, 0.09) + _cloud(rng, size, 9, 0.04)
    return np.asarray(np.clip((soft - 0.5) * 2.2 + 0.5, 0, 1), np.float32)


def _cloud(rng: np.random.Generator, size: Size, grain: int, strength: float) -> Field:
    """Smooth noise: spots about ``grain`` pixels wide with a standard deviation near ``strength``."""
    coarse = (size.height // grain + 3, size.width // grain + 3)
    noise = rng.standard_normal(coarse, np.float32) * np.float32(strength * 1.4)
    whole = cv2.resize(noise, (coarse[1] * grain, coarse[0] * grain), interpolation=cv2.INTER_LINEAR)
    return np.asarray(whole[grain : grain + size.height, grain : grain + size.width], np.float32)


def _light(rng: np.random.Generator, size: Size, camera: Camera) -> Field:
    """Uneven light: brighter on one side, darker towards the corners; about 1 in the middle."""
    x = np.linspace(-1, 1, size.width, dtype=np.float32)[None, :]
    y = np.linspace(-1, 1, size.height, dtype=np.float32)[:, None]
    direction, strength = rng.uniform(0, 2 * math.pi), camera.tilt * rng.uniform(0.5, 1.2)
    slope = strength * (math.cos(direction) * x + math.sin(direction) * y)
    corners = camera.falloff * rng.uniform(0.7, 1.2) * (x * x + y * y) / 2
    return np.asarray(rng.uniform(0.93, 1.07) * (1 + slope - corners), np.float32)
