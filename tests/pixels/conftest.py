"""Pictures made here, and one file of each format and kind that is decoded."""

import io
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from PIL import Image

from sightline.values.image import Pixels

Encode = Callable[..., bytes]


def _encode(image: Image.Image | Pixels, form: str, **options: Any) -> bytes:
    """An image as a file's bytes, by Pillow; ``orientation`` writes the EXIF tag."""
    if not isinstance(image, Image.Image):
        image = Image.fromarray(image)
    if "orientation" in options:
        exif = Image.Exif()
        exif[0x0112] = options.pop("orientation")
        options["exif"] = exif
    buffer = io.BytesIO()
    image.save(buffer, form, **options)
    return buffer.getvalue()


def _smooth(height: int, width: int, seed: int = 0) -> Pixels:
    """Colour blobs: what a lossy format keeps well, and different in every corner."""
    coarse = np.random.default_rng(seed).integers(0, 256, (4, 5, 3), dtype=np.uint8)
    return np.array(Image.fromarray(coarse).resize((width, height), Image.Resampling.BICUBIC))


@pytest.fixture(scope="session")
def encode() -> Encode:
    return _encode


@pytest.fixture(scope="session")
def smooth() -> Callable[..., Pixels]:
    return _smooth


@pytest.fixture(scope="session")
def files() -> dict[str, bytes]:
    """A small file of every kind that decodes, by name."""
    picture = Image.fromarray(_smooth(24, 40))
    grey, alpha = picture.convert("L"), picture.copy()
    alpha.putalpha(grey)
    palette, bits, cmyk = picture.quantize(16), grey.convert("1"), picture.convert("CMYK")
    sixteen = Image.fromarray(np.asarray(grey).astype(np.uint16) * np.uint16(257))
    other = picture.transpose(Image.Transpose.ROTATE_180)
    animated: dict[str, Any] = {"save_all": True, "append_images": [other]}
    made = {
        "jpeg": _encode(picture, "JPEG", orientation=6),
        "jpeg-progressive": _encode(picture, "JPEG", progressive=True),
        "jpeg-grey": _encode(grey, "JPEG"),
        "jpeg-cmyk": _encode(cmyk, "JPEG"),
        "png": _encode(picture, "PNG", orientation=6),
        "png-alpha": _encode(alpha, "PNG"),
        "png-palette": _encode(palette, "PNG", transparency=3),
        "png-16": _encode(sixteen, "PNG"),
        "png-1": _encode(bits, "PNG"),
        "png-animated": _encode(picture, "PNG", **animated),
        "webp": _encode(picture, "WEBP", orientation=6),
        "webp-alpha": _encode(alpha, "WEBP", lossless=True),
        "webp-animated": _encode(picture, "WEBP", **animated),
        "bmp": _encode(picture, "BMP"),
        "bmp-palette": _encode(palette, "BMP"),
        "gif": _encode(palette, "GIF"),
        "gif-animated": _encode(palette, "GIF", save_all=True, append_images=[other.quantize(16)]),
        "ppm": _encode(picture, "PPM"),
        "pgm": _encode(grey, "PPM"),
        "pgm-16": _encode(sixteen, "PPM"),
        "pbm": _encode(bits, "PPM"),
    }
    for compression in ("raw", "tiff_lzw", "tiff_deflate", "jpeg"):
        made[f"tiff-{compression}"] = _encode(picture, "TIFF", compression=compression, orientation=6)
    made |= {
        "tiff-16": _encode(sixteen, "TIFF"),
        "tiff-cmyk": _encode(cmyk, "TIFF"),
        "tiff-1": _encode(bits, "TIFF", compression="group4"),
        "tiff-several": _encode(picture, "TIFF", **animated),
    }
    return made
