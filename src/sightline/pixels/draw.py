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
    small = np.ascontiguousarray(_shrunk(pixels, longest))
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
    font, line = _fitting(_in_ascii(text), width)
    ascent, descent = font.getmetrics()
    padding = max(4, round(font.size / 3))
    band = Image.new("RGB", (width, ascent + descent + padding), colour)
    ImageDraw.Draw(band).text((padding, padding // 2), line, fill=_readable_on(colour), font=font)
    return np.vstack([np.array(band), pixels])


def _in_ascii(text: str) -> str:
    decomposed = unicodedata.normalize("NFKD", " ".join(text.split()))
    return "".join(
        character if character.isascii() and character.isprintable() else "?"
        for character in decomposed
        if not unicodedata.combining(character)
    )


def _at_reading_size(pixels: Pixels, colour: Colour) -> Pixels:
    pixels = _shrunk(pixels, _LONGEST)
    factor = max(1, _NARROWEST // max(pixels.shape[:2]))
    pixels = pixels.repeat(factor, axis=0).repeat(factor, axis=1)
    height, width = pixels.shape[:2]
    if width >= _NARROWEST:
        return pixels
    left = (_NARROWEST - width) // 2
    wide = np.full((height, _NARROWEST, 3), colour, dtype=np.uint8)
    wide[:, left : left + width] = pixels
    return wide


def _shrunk(pixels: Pixels, longest: int) -> Pixels:
    height, width = pixels.shape[:2]
    scale = longest / max(width, height)
    if scale >= 1.0:
        return pixels
    return resize(pixels, Size(max(1, round(width * scale)), max(1, round(height * scale))))


def _fitting(line: str, width: int) -> tuple[ImageFont.FreeTypeFont, str]:
    """The largest font for the width in which ``line`` fits, and the line, shortened where none does."""
    size = min(_LARGEST_FONT, max(_SMALLEST_FONT, width // 20))
    while size > _SMALLEST_FONT and not _fits(line, _font(size), width):
        size -= 1
    font, shown = _font(size), line
    while shown and not _fits(shown, font, width):
        line = line[:-1]
        shown = f"{line.rstrip()}…" if line else ""
    return font, shown


def _fits(line: str, font: ImageFont.FreeTypeFont, width: int) -> bool:
    return font.getlength(line) <= width - 2 * max(4, round(font.size / 3))


@lru_cache(maxsize=_LARGEST_FONT)
def _font(size: int) -> ImageFont.FreeTypeFont:
    font = ImageFont.load_default(size)
    if not isinstance(font, ImageFont.FreeTypeFont):
        raise TypeError("drawing needs a Pillow that was built with FreeType")
    return font


def _readable_on(colour: Colour) -> Colour:
    """Black or white text, whichever has the higher contrast (WCAG 2.2 relative luminance)."""
    red, green, blue = (_linear(level / 255) for level in colour)
    luminance = 0.2126 * red + 0.7152 * green + 0.0722 * blue
    return _WHITE if 1.05 / (luminance + 0.05) >= (luminance + 0.05) / 0.05 else _BLACK


def _linear(level: float) -> float:
    return float(level / 12.92) if level <= 0.04045 else float(((level + 0.055) / 1.055) ** 2.4)
