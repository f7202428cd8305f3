"""WebP by Pillow, its header read here: Pillow makes room for two whole pictures before it tells the size.

The container is RIFF: chunks of a name, a length and as many bytes, padded to an even number.
https://developers.google.com/speed/webp/docs/riff_container
"""

import io

from PIL.WebPImagePlugin import WebPImageFile

from sightline.pixels.colour import eight_bit_rgb
from sightline.pixels.opened import NotAPicture, Opened
from sightline.pixels.orientation import turn_of_exif
from sightline.pixels.pillow_file import silence_pillow
from sightline.values.image import Pixels, Size

_FIRST_CHUNK = 12


def open_webp(data: bytes) -> Opened:
    """Read the header.

    Raises:
        NotAPicture: the first chunk is none that a WebP file begins with, or it is cut short.
    """
    stored = _size(data)

    def load(_: Size | None) -> tuple[Pixels, float]:
        silence_pillow()
        image = WebPImageFile(io.BytesIO(data))
        if image.size != (stored.width, stored.height):
            raise NotAPicture(f"a WebP file of {stored} whose picture is another, {Size(*image.size)}")
        return eight_bit_rgb(image), 1.0

    return Opened(stored, load, turn_of_exif(_exif(data)))


def _size(data: bytes) -> Size:
    kind, body = data[_FIRST_CHUNK : _FIRST_CHUNK + 4], data[_FIRST_CHUNK + 8 : _FIRST_CHUNK + 18]
    if len(body) == 10 and kind == b"VP8X":
        return Size(*(1 + int.from_bytes(body[at : at + 3], "little") for at in (4, 7)))
    if len(body) == 10 and kind == b"VP8 " and body[3:6] == b"\x9d\x01\x2a":
        return Size(*(int.from_bytes(body[at : at + 2], "little") & 0x3FFF for at in (6, 8)))
    if len(body) == 10 and kind == b"VP8L" and body[0] == 0x2F:
        packed = int.from_bytes(body[1:5], "little")
        return Size(1 + (packed & 0x3FFF), 1 + (packed >> 14 & 0x3FFF))
    raise NotAPicture("a WebP file whose header is damaged")


def _exif(data: bytes) -> bytes:
    """The chunk of that name; empty where there is none."""
    at = _FIRST_CHUNK
    while at + 8 <= len(data):
        length = int.from_bytes(data[at + 4 : at + 8], "little")
        if data.startswith(b"EXIF", at):
            return data[at + 8 : at + 8 + length]
        at += 8 + length + length % 2
    return b""
