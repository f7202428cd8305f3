"""The formats that Pillow decodes: PNG, BMP, TIFF, GIF and odd JPEGs; of several frames the first.

Each goes to its own class: ``Image.open`` would try further formats and consult a global registry.
"""

import io
import re
import warnings
from collections.abc import Callable

from PIL.BmpImagePlugin import BmpImageFile
from PIL.GifImagePlugin import GifImageFile
from PIL.ImageFile import ImageFile
from PIL.JpegImagePlugin import JpegImageFile
from PIL.PngImagePlugin import PngImageFile
from PIL.TiffImagePlugin import TiffImageFile

from sightline.pixels.colour import eight_bit_rgb
from sightline.pixels.opened import Opened
from sightline.pixels.orientation import UPRIGHT, turn_of_exif
from sightline.values.image import Size

_QUIET = ("ignore", None, Warning, re.compile(r"PIL\."), 0)


def opener(kind: Callable[[io.BytesIO], ImageFile]) -> Callable[[bytes], Opened]:
    """A function that reads the header of files of one Pillow class.

    It raises whatever Pillow raises for bytes that are not a sound header.
    """

    def open_file(data: bytes) -> Opened:
        silence_pillow()
        image = kind(io.BytesIO(data))
        stored = Size(*image.size)
        exif = image.info.get("exif")
        # Pillow turns TIFF by itself while loading, and declares the upright size.
        turn = UPRIGHT
        if isinstance(exif, bytes) and not isinstance(image, TiffImageFile):
            turn = turn_of_exif(exif)
        return Opened(stored, lambda _: (eight_bit_rgb(image), 1.0), turn)

    return open_file


open_png, open_bmp = opener(PngImageFile), opener(BmpImageFile)
open_tiff, open_gif, open_odd_jpeg = opener(TiffImageFile), opener(GifImageFile), opener(JpegImageFile)


def silence_pillow() -> None:
    """Have Pillow's warnings about odd metadata ignored in this process.

    ``warnings.catch_warnings`` restores global state and so cannot be used in threads, and decoding
    threads are many. The check lets a caller's own filters come and go.
    """
    if _QUIET not in warnings.filters:
        warnings.filterwarnings("ignore", module=_QUIET[3].pattern)
