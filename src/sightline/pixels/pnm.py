"""Binary PBM, PGM and PPM (``P4``, ``P5``, ``P6``), after the netpbm format pages.

Read here because Pillow takes over a second a megapixel, holding Python's lock, where the brightest
value is not 255: a small upload could stop a server. The text forms ``P1`` to ``P3`` are not read.
"""

import re

import numpy as np

from sightline.pixels.colour import grey_to_rgb, to_eight_bits
from sightline.pixels.opened import NotAPicture, Opened
from sightline.values.image import Pixels, Size

_GAP = rb"(?:\s|#[^\r\n]*[\r\n])+"
_HEADER = re.compile(rb"P(?:(4)|[56])%b(\d{1,9})%b(\d{1,9})(?(1)|%b(\d{1,5}))\s" % (_GAP, _GAP, _GAP))


def open_pnm(data: bytes) -> Opened:
    """Read the header.

    Raises:
        NotAPicture: the header is not one of the format, or there are fewer pixels than it says.
    """
    header = _HEADER.match(data)
    if header is None:
        raise NotAPicture("a PNM file whose header cannot be read")
    stored = Size(int(header[2]), int(header[3]))
    white = int(header[4] or 1)
    if not 0 < white < 65_536:
        raise NotAPicture(f"a PNM file whose brightest value is {white}, not one from 1 to 65535")
    kind, start = data[:2], header.end()
    return Opened(stored, lambda _: (_load(data, start, kind, stored, white), 1.0))


def _load(data: bytes, start: int, kind: bytes, stored: Size, white: int) -> Pixels:
    width, height = stored.width, stored.height
    row = (width + 7) // 8 if kind == b"P4" else width * (3 if kind == b"P6" else 1)
    samples = np.dtype(">u2" if white > 255 else "u1")
    wanted, came = row * height * samples.itemsize, len(data) - start
    if came < wanted:
        raise NotAPicture(f"a PNM file cut short: {wanted} bytes of pixels wanted, {came} came")
    array = np.frombuffer(data, samples, row * height, start).reshape(height, row)
    if kind == b"P4":
        return grey_to_rgb((1 - np.unpackbits(array, axis=1, count=width)) * np.uint8(255))
    scaled = to_eight_bits(array, white)
    return scaled.reshape(height, width, 3) if kind == b"P6" else grey_to_rgb(scaled)
