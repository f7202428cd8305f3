"""What the decoders of all formats have in common: a file whose header was read."""

from collections.abc import Callable
from dataclasses import dataclass

from sightline.pixels.orientation import UPRIGHT, Turn
from sightline.values.image import Pixels, Size


class NotAPicture(ValueError):
    """A file refused on purpose; its text is the reason, one line for a person."""


@dataclass(frozen=True, slots=True)
class Opened:
    """A picture file of which only the header was read.

    ``stored`` is its size as stored, before ``turn`` makes it upright. ``load(at_least)`` decodes:
    pixels as stored, and the scale at which they were decoded, which is below 1 only where both sides
    stay at or above ``at_least``. It raises whatever the format's decoder raises.
    """

    stored: Size
    load: Callable[[Size | None], tuple[Pixels, float]]
    turn: Turn = UPRIGHT
