"""Every kind of sample to 8-bit RGB.

- 16-bit samples are scaled by the range of their format (65535, or what the file declares), never by
  what one picture happens to hold: a dark picture stays dark.
- What is transparent is laid on white, as viewers show it; the colours hidden under it are arbitrary.
- CMYK goes by the plain formula, colour profiles are not applied: pictures are taken for sRGB.
- Signed, 32-bit and floating-point samples have no agreed black and white, and are refused.
"""

import numpy as np
import numpy.typing as npt
from PIL import Image
from PIL.TiffImagePlugin import BITSPERSAMPLE, PHOTOMETRIC_INTERPRETATION, TiffImageFile

from sightline.pixels.opened import NotAPicture
from sightline.values.image import Pixels

Samples = npt.NDArray[np.unsignedinteger[npt.NBitBase]]


def to_eight_bits(samples: Samples, white: int) -> npt.NDArray[np.uint8]:
    """Samples from 0 to ``white`` (at most 65535) scaled to 0 to 255 and rounded; above stays white."""
    if white == 255:
        return samples.astype(np.uint8)
    table = np.minimum(np.rint(np.arange(65_536) * (255 / white)), 255).astype(np.uint8)
    scaled: npt.NDArray[np.uint8] = table[samples]
    return scaled


def grey_to_rgb(grey: npt.NDArray[np.uint8]) -> Pixels:
    """Grey ``[H, W]`` in all three channels."""
    return np.repeat(grey[:, :, None], 3, axis=2)


def eight_bit_rgb(image: Image.Image) -> Pixels:
    """The pixels of an opened Pillow image, decoded.

    Raises:
        NotAPicture: its samples have no agreed black and white.
        Exception: whatever Pillow raises for a file that is damaged.
    """
    if image.mode.startswith("I;16"):
        return grey_to_rgb(_sixteen_bit_grey(image))
    if image.mode in {"I", "F"}:
        raise NotAPicture(
            "signed, 32-bit or floating-point samples have no agreed black and white; "
            "save the picture with 8 or 16 bits"
        )
    image.load()
    if image.has_transparency_data:
        image = _on_white(image)
    return np.array(image if image.mode == "RGB" else image.convert("RGB"))


def _sixteen_bit_grey(image: Image.Image) -> npt.NDArray[np.uint8]:
    white, inverted = 65_535, False
    if isinstance(image, TiffImageFile):
        (bits,) = image.tag_v2.get(BITSPERSAMPLE, (16,))
        white = (1 << bits) - 1
        inverted = image.tag_v2.get(PHOTOMETRIC_INTERPRETATION) == 0  # Pillow leaves 16 bits as they are
    grey = to_eight_bits(np.asarray(image), white)
    return 255 - grey if inverted else grey


def _on_white(image: Image.Image) -> Image.Image:
    seen = image.convert("RGBA")
    white = Image.new("RGB", image.size, "white")
    white.paste(seen, mask=seen.getchannel("A"))
    return white
