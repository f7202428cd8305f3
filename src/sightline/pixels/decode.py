"""Bytes from anywhere to upright 8-bit RGB pixels, or to the reason why not.

The first bytes name the format; only those listed are decoded. The header is read and its size checked
before any pixel, so a few bytes that declare a huge picture cost nothing. What damaged bytes make a
decoder raise becomes an ``Undecodable``; none is ever given to OpenCV, which such bytes can crash.
"""

import logging
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeVar

from sightline.pixels.jpeg import open_jpeg
from sightline.pixels.opened import NotAPicture, Opened
from sightline.pixels.pillow_file import open_bmp, open_gif, open_png, open_tiff
from sightline.pixels.pnm import open_pnm
from sightline.pixels.webp import open_webp
from sightline.values.image import Picture, Size, Undecodable

MAX_PIXELS = 100_000_000
"""A picture above this is refused; at the limit decoding takes up to 1.7 GB."""

MAX_FILE_BYTES = 640 * 1024 * 1024
"""A file above this is no picture for us: 100 megapixels of 16-bit RGB take 600 million bytes."""

EXTENSIONS: Mapping[str, frozenset[str]] = {
    "JPEG": frozenset({".jpg", ".jpeg", ".jpe", ".jfif"}),
    "PNG": frozenset({".png"}),
    "WebP": frozenset({".webp"}),
    "BMP": frozenset({".bmp", ".dib"}),
    "TIFF": frozenset({".tif", ".tiff"}),
    "GIF": frozenset({".gif"}),
    "PNM": frozenset({".pbm", ".pgm", ".ppm", ".pnm"}),
}
"""The formats that are decoded, with the extensions that their files should have."""

T = TypeVar("T")

_SIGNATURES: tuple[tuple[str, re.Pattern[bytes], Callable[[bytes], Opened]], ...] = (
    ("JPEG", re.compile(rb"\xff\xd8\xff"), open_jpeg),
    ("PNG", re.compile(rb"\x89PNG\r\n\x1a\n"), open_png),
    ("WebP", re.compile(rb"RIFF....WEBP", re.DOTALL), open_webp),
    ("BMP", re.compile(rb"BM"), open_bmp),
    ("TIFF", re.compile(rb"II[*+]\0|MM\0[*+]"), open_tiff),
    ("GIF", re.compile(rb"GIF8[79]a"), open_gif),
    ("PNM", re.compile(rb"P[456][\s#]"), open_pnm),
)
_LONGEST_REASON = 200
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Header:
    """What a file declares: its format, a key of ``EXTENSIONS``, and the size of the upright picture."""

    format: str
    size: Size


def probe(data: bytes) -> Header | Undecodable:
    """The header of the picture in ``data``; its pixels are not decoded and may still be damaged."""
    return _use(data, lambda name, opened: Header(name, opened.turn.size(opened.stored)))


def decode(data: bytes, at_least: Size | None = None) -> Picture | Undecodable:
    """The picture in ``data``, upright.

    With ``at_least`` a JPEG is decoded at the smallest of the scales 1/8, 1/4, 3/8 and 1/2 that leaves
    both sides of the upright picture at or above it; a picture that is smaller keeps its size.
    See ``sightline.pixels.colour`` for how other samples become 8-bit RGB. Never raises for what the
    bytes are.
    """
    return _use(data, lambda _, opened: _load(opened, at_least))


def _load(opened: Opened, at_least: Size | None) -> Picture:
    turn, stored = opened.turn, opened.stored
    pixels, scale = opened.load(turn.size(at_least) if at_least else None)
    extent = None
    if scale < 1.0:
        decoded = Size(pixels.shape[1], pixels.shape[0])
        extent = turn.region((0.0, 0.0, stored.width * scale, stored.height * scale), decoded)
    return Picture(turn.pixels(pixels), turn.size(stored), extent)


def _use(data: bytes, work: Callable[[str, Opened], T]) -> T | Undecodable:
    """``work`` on the opened file; the edge at which whatever a decoder raises becomes a value."""
    name, open_file = _recognise(data)
    if open_file is None:
        return Undecodable(name)
    try:
        opened = open_file(data)
        if opened.stored.area > MAX_PIXELS:
            megapixels, limit = opened.stored.area / 1e6, MAX_PIXELS / 1e6
            raise NotAPicture(
                f"a {name} file of {opened.stored} is {megapixels:,.0f} megapixels; the limit is {limit:.0f}"
            )
        return work(name, opened)
    except NotAPicture as refusal:
        return Undecodable(str(refusal))
    except MemoryError:
        return Undecodable(f"not enough memory to decode the {name} file")
    except Exception as error:  # noqa: BLE001 - the edge: decoders of strangers' bytes raise anything
        _log.debug("a %s file could not be decoded", name, exc_info=True)
        return Undecodable(f"a damaged {name} file: {_one_line(error)}")


def _recognise(data: bytes) -> tuple[str, Callable[[bytes], Opened] | None]:
    """The format's name and opener, or the reason why there is none."""
    for name, signature, open_file in _SIGNATURES:
        if signature.match(data):
            return name, open_file
    if not data:
        return "the file is empty", None
    return f"not a picture of a known format ({', '.join(EXTENSIONS)})", None


def _one_line(error: Exception) -> str:
    text = " ".join(str(error).split())
    return (text or type(error).__name__)[:_LONGEST_REASON]
