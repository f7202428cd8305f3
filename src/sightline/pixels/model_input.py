"""The one function that makes a model's input, in training, evaluation, batch and serving."""

from dataclasses import dataclass
from math import ceil
from typing import assert_never

from sightline.pixels.decode import decode
from sightline.pixels.resize import Letterbox, Placement, centred, resize
from sightline.values.boxes import Boxes
from sightline.values.contract import PixelRecipe
from sightline.values.image import Picture, Pixels, Size, Undecodable
from sightline.values.objects import Objects

_MARGIN = 2
"""A JPEG is decoded at no less than this many times the size that is wanted.

The decoder's own reduction then leaves the last factor of two to the antialiased resize: on photographs
the input differs from that of a full decode by 0.2 to 0.4 levels of 255 on average, against 1.1 with no
margin, and a 1080p JPEG for 224 x 224 still takes half the time of a full decode.
"""


VISIBLE = 0.3
"""An object of which less of its area is in view is no longer one to find."""


@dataclass(frozen=True, slots=True, eq=False)
class ModelInput:
    """uint8 RGB ``[height, width, 3]`` of the recipe's size, and the upright size of the file's picture."""

    pixels: Pixels
    original: Size


def model_input(data: bytes, recipe: PixelRecipe) -> ModelInput | Undecodable:
    """The model's input from a file's bytes. Never raises for what the bytes are."""
    picture = decode(data, _decoded_size(recipe))
    if isinstance(picture, Undecodable):
        return picture
    return ModelInput(to_model_input(picture, recipe), picture.original)


def to_model_input(picture: Picture, recipe: PixelRecipe) -> Pixels:
    """The model's input from a decoded picture; a new, writable array ``[height, width, 3]``."""
    size, region = recipe.size, picture.region
    match recipe.fit:
        case "stretch":
            return resize(picture.pixels, size, region)
        case "letterbox":
            return Letterbox.fit(picture.original, size).draw(picture.pixels, recipe.fill, region)
        case "crop":
            return resize(picture.pixels, size, centred(region, size, recipe.crop_fraction))
        case _:
            assert_never(recipe.fit)


def placement(original: Size, recipe: PixelRecipe) -> Placement:
    """Where points of an upright picture of size ``original`` lie in the model's input."""
    size = recipe.size
    if recipe.fit == "letterbox":
        return Letterbox.fit(original, size).placement
    seen = (0.0, 0.0, float(original.width), float(original.height))
    if recipe.fit == "crop":
        seen = centred(seen, size, recipe.crop_fraction)
    left, top, right, bottom = seen
    scale = (size.width / (right - left), size.height / (bottom - top))
    return Placement(scale, (-left * scale[0], -top * scale[1]))


def placed(objects: Objects, recipe: PixelRecipe) -> Objects:
    """The objects of an upright picture as the model's input shows them, in its pixels.

    One of which less than ``VISIBLE`` is in view is left out, unless it is ignored.
    """
    points = placement(objects.boxes.size, recipe).forward(objects.boxes.xyxy.reshape(-1, 2))
    whole = Boxes(points.reshape(-1, 4), recipe.size)
    seen = whole.clipped()
    kept = ((seen.areas >= VISIBLE * whole.areas) | objects.ignored) & (seen.areas > 0)
    return Objects(Boxes(seen.xyxy[kept], recipe.size), objects.classes[kept], objects.ignored[kept])


def lifted(boxes: Boxes, recipe: PixelRecipe, original: Size) -> Boxes:
    """``boxes`` in pixels of the model's input as boxes of the upright picture, cut to it."""
    points = placement(original, recipe).inverse(boxes.xyxy.reshape(-1, 2))
    return Boxes(points.reshape(-1, 4), original).clipped()


def _decoded_size(recipe: PixelRecipe) -> Size:
    fraction = recipe.crop_fraction if recipe.fit == "crop" else 1.0
    width, height = recipe.size.width, recipe.size.height
    return Size(ceil(_MARGIN * width / fraction), ceil(_MARGIN * height / fraction))
