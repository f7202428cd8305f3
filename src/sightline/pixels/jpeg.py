"""JPEG by libjpeg-turbo, scaled while decoding where a smaller picture will do.

A scaled decode computes only the low frequencies of each 8x8 block (libjpeg's scaled inverse DCT):
faster, and antialiased by nature. Grey, CMYK and YCCK pictures come out as RGB. The decoder is strict:
a file that ends early is an error, never a picture with a grey half.
"""

from math import ceil

import numpy as np
import simplejpeg

from sightline.pixels.opened import NotAPicture, Opened
from sightline.pixels.orientation import UPRIGHT, turn_of_exif
from sightline.pixels.pillow_file import open_odd_jpeg
from sightline.values.image import Pixels, Size

MAX_SCANS = 64
"""Encoders write about ten. Each costs a pass over the whole picture and as few as ten bytes of file."""

_SCALES = (1 / 8, 1 / 4, 3 / 8, 1 / 2)
"""Those of libjpeg's scales that are faster than a full decode."""

_STANDALONE = frozenset({0x01, *range(0xD0, 0xD9)})
_START_OF_FRAME = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_PROGRESSIVE = frozenset({0xC2, 0xC6, 0xCA, 0xCE})
_APP1, _START_OF_SCAN, _END_OF_IMAGE = 0xE1, 0xDA, 0xD9


def open_jpeg(data: bytes) -> Opened:
    """Read the header.

    Raises:
        NotAPicture: broken segments, or scans made to keep a decoder busy.
        ValueError: libjpeg-turbo does not take the header.
    """
    exif, several_scans = _read_segments(data)
    # Inside compressed data 0xFF is followed by zero, so this counts markers (and thumbnails' in EXIF).
    if several_scans and data.count(b"\xff\xda") > MAX_SCANS:
        raise NotAPicture(f"a JPEG file of more than {MAX_SCANS} scans is made to keep decoders busy")
    try:
        height, width, _, _ = simplejpeg.decode_jpeg_header(data)
    except (ValueError, KeyError) as error:
        if isinstance(error, KeyError) or "subsampling" in str(error):
            return open_odd_jpeg(data)  # chroma of a resolution that has no name in libjpeg-turbo
        raise
    stored = Size(int(width), int(height))
    turn = turn_of_exif(exif) if exif else UPRIGHT
    return Opened(stored, lambda at_least: _load(data, stored, at_least), turn)


def _load(data: bytes, stored: Size, at_least: Size | None) -> tuple[Pixels, float]:
    scale = _smallest_scale(stored, at_least) if at_least else 1.0
    width, height = ceil(stored.width * scale), ceil(stored.height * scale)
    pixels: Pixels = simplejpeg.decode_jpeg(
        data, "RGB", min_height=height, min_width=width, min_factor=2.0 if scale < 1.0 else 1.0
    )
    if pixels.shape != (height, width, 3):
        raise NotAPicture(f"a JPEG file of {stored} was decoded to the shape {pixels.shape}")
    return np.ascontiguousarray(pixels), scale


def _smallest_scale(stored: Size, at_least: Size) -> float:
    for scale in _SCALES:
        if ceil(stored.width * scale) >= at_least.width and ceil(stored.height * scale) >= at_least.height:
            return scale
    return 1.0


def _read_segments(data: bytes) -> tuple[bytes, bool]:
    """The first EXIF block, and whether the picture's data come in several scans."""
    exif, progressive, components, position = b"", False, 0, 2
    while position + 4 <= len(data):
        if data[position] != 0xFF:
            break
        marker = data[position + 1]
        if marker == 0xFF or marker in _STANDALONE:  # 0xFF: a byte of padding before the marker
            position += 1 if marker == 0xFF else 2
            continue
        if marker == _END_OF_IMAGE:
            break
        start, end = position + 4, position + 2 + int.from_bytes(data[position + 2 : position + 4])
        if marker == _START_OF_SCAN and start < len(data):
            return exif, progressive or data[start] < components
        if marker in _START_OF_FRAME and start + 5 < len(data):
            progressive, components = marker in _PROGRESSIVE, data[start + 5]
        elif marker == _APP1 and not exif and data.startswith(b"Exif\0\0", start):
            exif = data[start:end]
        position = end
    raise NotAPicture("a JPEG file whose header ends before its picture begins")
