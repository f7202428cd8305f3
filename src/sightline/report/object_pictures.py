"""Pictures of objects for the page: a sample with its boxes, and one error seen from both sides."""

from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageDraw

from sightline.pixels.draw import Colour, font_of, shrunk
from sightline.pixels.draw_boxes import BoxStyle, class_colour, draw_boxes
from sightline.pixels.resize import letterbox, resize
from sightline.values.boxes import Boxes
from sightline.values.evaluation import DetectionError
from sightline.values.image import Pixels, Region, Size
from sightline.values.objects import Detections, Objects

_PANEL = 288
"""Width and height, in pixels, of each of the two views of an error."""

_GAP, _BAND, _TITLE_SIZE = 4, 28, 18
_SURROUNDINGS = 3.0
"""A view shows so many times the error's larger side."""

_LEAST_SEEN = 48
_WEIGHT, _BOLD = 1.8, 3.0
"""The page shows views of errors at little more than half their size, and whole pictures smaller still."""

_FRAME: Colour = (38, 42, 46)
_TITLE: Colour = (226, 229, 232)
_PADDING = 30
_IGNORED: Colour = (150, 155, 160)


def draw_truth(pixels: Pixels, truth: Objects, longest: int = 320) -> Pixels:
    """A small picture with the outlines of its objects, coloured by class; for examples of a dataset.

    ``pixels`` may be of another size than the truth's picture, as a reduced decode is, or a training
    picture after augmentation with its own objects.
    """
    colours = [
        _IGNORED if ignored else class_colour(number)
        for number, ignored in zip(truth.classes.tolist(), truth.ignored.tolist(), strict=True)
    ]
    return draw_boxes(shrunk(pixels, longest), truth.boxes, colours=colours, weight=_BOLD)


def draw_error(
    pixels: Pixels, truth: Objects, answers: Detections, error: DetectionError, classes: Sequence[str]
) -> Pixels:
    """The place of one error twice, enlarged: on the left what is there, on the right what was answered.

    The object or box that the error is about is named; so is everything that overlaps it, and the rest
    has outlines only. On the side that has nothing at the error's place, dashes mark it.

    Args:
        pixels: the upright picture; of any size, as boxes are scaled to it.
        truth: all objects of the picture.
        answers: all boxes that reached their class's threshold.
        error: one of this picture's.
        classes: names in the order of their numbers.
    """
    size = truth.boxes.size
    region = _region(error, size)
    across, down = pixels.shape[1] / size.width, pixels.shape[0] / size.height
    left, top, right, low = region
    scaled = (left * across, top * down, right * across, low * down)
    factor = _PANEL / max(right - left, low - top)
    view = resize(
        pixels,
        Size(max(1, round(factor * (right - left))), max(1, round(factor * (low - top)))),
        scaled,
    )
    here = Boxes(np.array([error.box]), size)
    names = [
        f"{classes[number]} (ignored)" if ignored else classes[number]
        for number, ignored in zip(truth.classes.tolist(), truth.ignored.tolist(), strict=True)
    ]
    scored = [
        f"{classes[number]} {score:.0%}"
        for number, score in zip(answers.classes.tolist(), answers.scores.tolist(), strict=True)
    ]
    true_view = _view(view, region, (truth.boxes, truth.classes.tolist(), names), here, "dashed")
    answer_view = _view(view, region, (answers.boxes, answers.classes.tolist(), scored), here, "solid")
    return np.hstack(
        [
            _titled(true_view, "truth"),
            np.full((_PANEL + _BAND, _GAP, 3), _FRAME, np.uint8),
            _titled(answer_view, "answer"),
        ]
    )


def _region(error: DetectionError, size: Size) -> Region:
    """A square around the error, moved into the picture, and cut where the picture is smaller than it."""
    x0, y0, x1, y1 = error.box
    side = max(_LEAST_SEEN, _SURROUNDINGS * max(x1 - x0, y1 - y0))
    bounds = []
    for low, high, most in ((x0, x1, size.width), (y0, y1, size.height)):
        shown = min(side, float(most))
        start = min(max(0.0, (low + high - shown) / 2), most - shown)
        bounds.append((start, start + shown))
    (left, right), (top, bottom) = bounds
    return left, top, right, bottom


def _view(
    view: Pixels,
    region: Region,
    told: tuple[Boxes, Sequence[int], Sequence[str]],
    here: Boxes,
    style: BoxStyle,
) -> Pixels:
    boxes, numbers, captions = told
    overlaps = boxes.iou(here)[:, 0] if len(boxes) else np.empty(0)
    inside = _moved(boxes, region)
    # The place itself goes on top, and is tagged first.
    order = np.argsort(-overlaps, kind="stable").tolist()
    drawn = draw_boxes(
        view,
        Boxes(inside.xyxy[order], inside.size),
        [captions[index] if overlaps[index] > 0 else "" for index in order],
        [class_colour(numbers[index]) for index in order],
        style,
        _WEIGHT,
    )
    return drawn if overlaps.size and overlaps.max() > 0 else _marked(drawn, _moved(here, region))


def _moved(boxes: Boxes, region: Region) -> Boxes:
    """The same boxes seen from a region's upper left corner; one that it does not show has no area left."""
    left, top, right, low = region
    limit = np.array([right - left, low - top] * 2)
    # Sizes are whole numbers and a region need not be: a fine grid keeps boxes within a hundredth.
    grid = 100.0
    size = Size(max(1, round(limit[0] * grid)), max(1, round(limit[1] * grid)))
    return Boxes((boxes.xyxy - [left, top, left, top]) * grid, size)


def _marked(view: Pixels, place: Boxes) -> Pixels:
    return draw_boxes(view, place, colours=[_FRAME], style="dashed", weight=_WEIGHT)


def _titled(view: Pixels, title: str) -> Pixels:
    padded = letterbox(view, Size(_PANEL, _PANEL), fill=_PADDING)[0]
    band = Image.new("RGB", (_PANEL, _BAND), _FRAME)
    ImageDraw.Draw(band).text((10, 3), title, fill=_TITLE, font=font_of(_TITLE_SIZE))
    return np.vstack([np.array(band), padded])
