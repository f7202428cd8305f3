"""Boxes drawn on their picture: an outline around each object, and beside it a tag that names it."""

import colorsys
import math
from collections.abc import Sequence
from typing import Literal

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw

from sightline.pixels.draw import Colour, font_of, in_ascii, readable_on, shortened
from sightline.values.boxes import Boxes
from sightline.values.image import Pixels

BoxStyle = Literal["solid", "dashed"]

PALETTE: tuple[Colour, ...] = (
    (230, 57, 70),
    (31, 119, 220),
    (255, 159, 28),
    (30, 160, 80),
    (155, 75, 225),
    (0, 178, 190),
    (240, 95, 180),
    (150, 95, 45),
    (170, 185, 10),
    (70, 70, 190),
    (255, 120, 90),
    (0, 120, 110),
    (125, 175, 250),
    (140, 20, 75),
    (245, 215, 70),
    (95, 205, 130),
    (200, 150, 235),
    (110, 115, 25),
)
"""Told apart on copper, on skin and in print; none is near black or white, so that a thin line shows."""

_CASING: Colour = (20, 22, 25)
_SMALLEST_TAG, _LARGEST_TAG = 10, 64
_GOLDEN = 0.618034
_MOST_COVERED = 0.5
"""A tag that covers more than this share of a box hides what it should explain."""

Bounds = tuple[int, int, int, int]
"""Left, top, right and bottom edge in whole pixels; the right and the bottom one lie outside."""


def class_colour(number: int) -> Colour:
    """The colour of a class, always the same for its ``number``."""
    if number < len(PALETTE):
        return PALETTE[number]
    # Golden-ratio steps keep neighbours apart however many classes there are.
    shade = colorsys.hsv_to_rgb(number * _GOLDEN % 1.0, (0.85, 0.55)[number % 2], (0.9, 0.7)[number // 2 % 2])
    red, green, blue = (round(255 * level) for level in shade)
    return red, green, blue


def draw_boxes(
    pixels: Pixels,
    boxes: Boxes,
    captions: Sequence[str] = (),
    colours: Sequence[Colour] = (),
    style: BoxStyle = "solid",
    weight: float = 1.0,
) -> Pixels:
    """A copy of ``pixels`` with an outline around each of ``boxes``.

    Lines and letters grow with the picture. Lines run just outside a box, so that a small object stays
    visible; tags stand where they cover no box, if there is such a place beside theirs. In a crowd a tag
    that would cover another, or most of a box, is left out, the last boxes' first: colours still tell.

    Args:
        pixels: of any size: boxes are scaled from the size that they carry.
        boxes: what lies outside the picture is cut off, what is wholly outside is left out.
        captions: one for each box, or none at all; empty ones make no tag.
        colours: one for each box; the first of the palette where none are given.
        style: ``dashed`` for the truth beside answers, which are solid.
        weight: multiplies the width of lines and the height of letters, for pictures shown small.
    """
    colours = colours or [PALETTE[0]] * len(boxes)
    drawn = pixels.copy()
    height, width = pixels.shape[:2]
    line = max(1, round(weight * math.sqrt(height * width) / 250))
    bounds = _whole_pixels(boxes, width, height)
    kept = [index for index, (x0, y0, x1, y1) in enumerate(bounds) if x0 < x1 and y0 < y1]
    # From the last to the first: what comes first lies on top.
    for index in reversed(kept):
        _outline(drawn, bounds[index], line, colours[index], style)
    if captions:
        _tag_all(drawn, [(bounds[index], captions[index], colours[index]) for index in kept], line, weight)
    return drawn


def _whole_pixels(boxes: Boxes, width: int, height: int) -> list[Bounds]:
    scale = np.array([width / boxes.size.width, height / boxes.size.height] * 2)
    placed = boxes.clipped().xyxy * scale
    low, high = np.floor(placed[:, :2] + 1e-6).astype(int), np.ceil(placed[:, 2:] - 1e-6).astype(int)
    return [(a, b, c, d) for (a, b), (c, d) in zip(low.tolist(), high.tolist(), strict=True)]


def _outline(drawn: Pixels, bounds: Bounds, line: int, colour: Colour, style: BoxStyle) -> None:
    """A dark line around a coloured one around the box; of the coloured one every other dash, if dashed."""
    _edges(drawn, bounds, (line, line + max(1, line // 2)), _CASING, 0)
    _edges(drawn, bounds, (0, line), colour, 0)
    if style == "dashed":
        _edges(drawn, bounds, (0, line), (255, 255, 255), 3 * line + 1)


def _edges(drawn: Pixels, bounds: Bounds, between: tuple[int, int], colour: Colour, dash: int) -> None:
    """Paint the points that lie ``between`` two distances outside a box; with ``dash``, every other."""
    height, width = drawn.shape[:2]
    x0, y0, x1, y1 = bounds
    near, far = between
    # At the picture's edge there is no outside: the line moves into the box, rather than vanish.
    left, top = max(x0 - far, 0), max(y0 - far, 0)
    right, low = min(x1 + far, width), min(y1 + far, height)
    thick = far - near
    for rows, columns in (
        (slice(top, top + thick), slice(left, right)),
        (slice(low - thick, low), slice(left, right)),
        (slice(top, low), slice(left, left + thick)),
        (slice(top, low), slice(right - thick, right)),
    ):
        part = drawn[rows, columns]
        if dash:
            along = 0 if rows.stop - rows.start > columns.stop - columns.start else 1
            gaps = np.arange(part.shape[along]) // dash % 2 == 1
            part[(gaps, slice(None)) if along == 0 else (slice(None), gaps)] = colour
        else:
            part[...] = colour


def _tag_all(drawn: Pixels, tagged: Sequence[tuple[Bounds, str, Colour]], line: int, weight: float) -> None:
    height, width = drawn.shape[:2]
    font = font_of(round(weight * min(_LARGEST_TAG, max(_SMALLEST_TAG, math.sqrt(height * width) / 41))))
    padding = max(2, round(font.size / 5))
    ascent, descent = font.getmetrics()
    boxes = np.array([bounds for bounds, _, _ in tagged], np.float64).reshape(-1, 4)
    tags = np.empty((0, 4))
    for bounds, caption, colour in tagged:
        text = shortened(in_ascii(caption), font, width - 2 * padding)
        if not text:
            continue
        size = (round(font.getlength(text)) + 2 * padding, ascent + descent)
        at = _free_place(bounds, size, (width, height), line, boxes, tags)
        if at is None:
            continue
        tag = Image.new("RGB", size, colour)
        ImageDraw.Draw(tag).text((padding, 0), text, fill=readable_on(colour), font=font)
        drawn[at[1] : at[1] + size[1], at[0] : at[0] + size[0]] = np.array(tag)
        tags = np.vstack([tags, [*at, at[0] + size[0], at[1] + size[1]]])


def _free_place(
    bounds: Bounds,
    size: tuple[int, int],
    picture: tuple[int, int],
    line: int,
    boxes: npt.NDArray[np.float64],
    tags: npt.NDArray[np.float64],
) -> tuple[int, int] | None:
    """Where a tag of ``size`` covers least of all boxes; None where it hides a tag or a box everywhere."""
    (x0, y0, x1, y1), (wide, high), (width, height) = bounds, size, picture
    above, below = y0 - line - high, y1 + line
    wanted = (
        *((x0 - line, above), (x1 + line - wide, above), (x0 - line, below), (x1 + line - wide, below)),
        *((x1 + line, y0), (x0 - line - wide, y0)),
        *((x0, y0), (x1 - wide, y1 - high)),
    )
    x = np.clip([place[0] for place in wanted], 0, width - wide)
    y = np.array([place[1] for place in wanted])
    places = np.stack([x, y, x + wide, y + high], axis=1).astype(np.float64)
    covered = _overlap(places, boxes)
    areas = (boxes[:, 2:] - boxes[:, :2]).prod(axis=1)
    usable = (y >= 0) & (y + high <= height) & (_overlap(places, tags).sum(axis=1) == 0)
    usable &= (covered <= _MOST_COVERED * areas).all(axis=1)
    if not usable.any():
        return None
    best = int(np.where(usable, covered.sum(axis=1), np.inf).argmin())
    return int(x[best]), int(y[best])


def _overlap(places: npt.NDArray[np.float64], others: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Square pixels that each of ``places`` ``[M, 4]`` covers of each of ``others`` ``[N, 4]``."""
    low = np.maximum(places[:, None, :2], others[None, :, :2])
    high = np.minimum(places[:, None, 2:], others[None, :, 2:])
    return np.asarray(np.clip(high - low, 0, None).prod(axis=2), np.float64)
