"""Turning stored pixels upright, as EXIF's orientation tag says.

EXIF 2.32, tag 0x0112: a number from 1 to 8. Each is a transposition or none, then a mirroring in
either direction or none. A camera held upright writes 6 or 8 and stores a lying picture.
"""

import struct
from dataclasses import dataclass

import cv2
import numpy as np

from sightline.values.image import Pixels, Region, Size

_TAG = 0x0112
_VALUE_FORMATS = {3: "H", 4: "I"}
"""SHORT as the standard says, and LONG as some writers have it."""


@dataclass(frozen=True, slots=True)
class Turn:
    """What makes a stored picture upright: transpose, then mirror left-right, then flip top-bottom."""

    transposed: bool = False
    mirrored: bool = False
    flipped: bool = False

    def size(self, size: Size) -> Size:
        """The upright size of a picture stored as ``size``; also the other way round."""
        return Size(size.height, size.width) if self.transposed else size

    def pixels(self, stored: Pixels) -> Pixels:
        """Upright pixels."""
        turned = cv2.transpose(stored) if self.transposed else stored
        if self.mirrored or self.flipped:
            axes = -1 if self.mirrored and self.flipped else int(self.mirrored)
            turned = cv2.flip(turned, axes)
        return np.asarray(turned, dtype=np.uint8)

    def region(self, stored: Region, size: Size) -> Region:
        """Where ``stored``, a region of pixels of the stored ``size``, lies after turning."""
        left, top, right, bottom = stored
        width, height = size.width, size.height
        if self.transposed:
            left, top, right, bottom = top, left, bottom, right
            width, height = height, width
        if self.mirrored:
            left, right = width - right, width - left
        if self.flipped:
            top, bottom = height - bottom, height - top
        return left, top, right, bottom


UPRIGHT = Turn()

TURNS = {
    1: UPRIGHT,
    2: Turn(mirrored=True),
    3: Turn(mirrored=True, flipped=True),
    4: Turn(flipped=True),
    5: Turn(transposed=True),
    6: Turn(transposed=True, mirrored=True),
    7: Turn(transposed=True, mirrored=True, flipped=True),
    8: Turn(transposed=True, flipped=True),
}
"""EXIF orientation to turn."""


def turn_of_exif(exif: bytes) -> Turn:
    """The turn that an EXIF block asks for; a block that cannot be read asks for none.

    Read here and not by Pillow, which parses every tag, warns about broken ones, and holds
    Python's lock for longer than a small picture takes to decode.
    """
    tiff = exif.removeprefix(b"Exif\0\0")
    order = {b"II*\0": "<", b"MM\0*": ">"}.get(tiff[:4])
    if order is None:
        return UPRIGHT
    try:
        (offset,) = struct.unpack_from(f"{order}I", tiff, 4)
        (count,) = struct.unpack_from(f"{order}H", tiff, offset)
        for entry in range(offset + 2, offset + 2 + 12 * count, 12):
            tag, kind = struct.unpack_from(f"{order}HH", tiff, entry)
            if tag == _TAG and kind in _VALUE_FORMATS:
                (orientation,) = struct.unpack_from(order + _VALUE_FORMATS[kind], tiff, entry + 8)
                return TURNS.get(orientation, UPRIGHT)
    except struct.error:
        pass  # cut short: pictures are shown without it everywhere
    return UPRIGHT
