"""Pictures for people: small JPEGs, and answers written on their pictures."""

import unicodedata
from functools import lru_cache

import numpy as np
import simplejpeg
from PIL import Image, ImageDraw, ImageFont

from sightline.pixels.resize import resize
from sightline.values.image import Pixels, Size

Colour = tuple[int, int, int]
"""Red, green, blue, from 0 to 255."""

_QUALITY = 85
_NARROWEST = 320
"""A captioned picture is at least this wide, in pixels, so that the caption can be read."""

_LONGEST = 8192
"""And no longer than this: a file may declare a picture one pixel wide and millions high."""

_SMALLEST_FONT, _LARGEST_FONT = 16, 96
_WHITE, _BLACK = (255, 255, 255), (17, 17, 17)


def thumbnail_jpeg(pixels: Pixels, longest: int) -> bytes:
    """``pixels`` as JPEG, its longer side at most ``longest`` pixels; never enlarged."""
    small = np.ascontiguousarray(shrunk(pixels, longest))
    jpeg: bytes = simplejpeg.encode_jpeg(small, _QUALITY, "RGB", "420")
    return jpeg


def draw_answer(pixels: Pixels, text: str, colour: Colour) -> Pixels:
    """The picture under a band of ``colour`` with ``text``; the picture itself stays uncovered.

    A picture whose sides are both under 320 pixels is enlarged by a whole factor, its pixels left sharp;
    one still narrower than that stands on the band's colour; one over 8192 is shrunk. Text that is too
    wide gets smaller, and at the smallest size ends in an ellipsis. Pillow's own font has little beyond
    ASCII: accents are left out, other characters become question marks.
    """
    pixels = _at_reading_size(pixels, colour)
    width = pixels.shape[1]
    font, line = _fitting(in_ascii(text), width)
    ascent, descent = font.getmetrics()
    padding = max(4, round(font.size / 3))
    band = Image.new("RGB", (width, ascent + descent + padding), colour)
    ImageDraw.Draw(band).text((padding, padding // 2), line, fill=readable_on(colour), font=font)
    return np.vstack([np.array(band), pixels])


def shrunk(pixels: Pixels, longest: int) -> Pixels:
    """``pixels`` with its longer side at most ``longest``; the same array where it is already."""
    height, width = pixels.shape[:2]
    scale = longest / max(width, height)
    if scale >= 1.0:
        return pixels
    return resize(pixels, Size(max(1, round(width * scale)), max(1, round(height * scale))))


def enlarged(pixels: Pixels, longest: int) -> Pixels:
    """``pixels`` by the largest whole factor that keeps its longer side within ``longest``, left sharp."""
    factor = max(1, longest // max(pixels.shape[:2]))
    return pixels.repeat(factor, axis=0).repeat(factor, axis=1)


def in_ascii(text: str) -> str:
    """One line of ``text`` in the characters that Pillow's own font has, others as question marks."""
    decomposed = unicodedata.normalize("NFKD", " ".join(text.split()))
    return "".join(
        character if character.isascii() and character.isprintable() else "?"
        for character in decomposed
        if not unicodedata.combining(character)
    )


def _at_reading_size(pixels: Pixels, colour: Colour) -> Pixels:
    pixels = enlarged(shrunk(pixels, _LONGEST), _NARROWEST)
    height, width = pixels.shape[:2]
    if width >= _NARROWEST:
        return pixels
    left = (_NARROWEST - width) // 2
    wide = np.full((height, _NARROWEST, 3), colour, dtype=np.uint8)
    wide[:, left : left + width] = pixels
    return wide


def _fitting(line: str, width: int) -> tuple[ImageFont.FreeTypeFont, str]:
    """The largest font for the width in which ``line`` fits, and the line, shortened where none does."""
    size = min(_LARGEST_FONT, max(_SMALLEST_FONT, width // 20))
    while size > _SMALLEST_FONT and font_of(size).getlength(line) > _inside(width, size):
        size -= 1
    font = font_of(size)
    return font, shortened(line, font, _inside(width, size))


def _inside(width: int, font_size: int) -> int:
    return width - 2 * max(4, round(font_size / 3))


def shortened(line: str, font: ImageFont.FreeTypeFont, width: float) -> str:
    """``line``, or as much of it as fits into ``width`` pixels before an ellipsis."""
    shown = line
    while shown and font.getlength(shown) > width:
        line = line[:-1]
        shown = f"{line.rstrip()}…" if line else ""
    return shown


@lru_cache(maxsize=_LARGEST_FONT)
def font_of(size: int) -> ImageFont.FreeTypeFont:
    """Pillow's own font at ``size`` pixels."""
    font = ImageFont.load_default(size)
    if not isinstance(font, ImageFont.FreeTypeFont):
        raise TypeError("drawing needs a Pillow that was built with FreeType")
    return font


def readable_on(colour: Colour) -> Colour:
    """Black or white text, whichever has the higher contrast (WCAG 2.2 relative luminance)."""
    red, green, blue = (_linear(level / 255) for level in colour)
    luminance = 0.2126 * red + 0.7152 * green + 0.0722 * blue
    return _WHITE if 1.05 / (luminance + 0.05) >= (luminance + 0.05) / 0.05 else _BLACK


def _linear(level: float) -> float:
    return float(level / 12.92) if level <= 0.04045 else float(((level + 0.055) / 1.055) ** 2.4)
