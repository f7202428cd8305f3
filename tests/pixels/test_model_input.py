from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from sightline.pixels.decode import decode
from sightline.pixels.model_input import ModelInput, model_input, to_model_input
from sightline.values.contract import FITS, Fit, PixelRecipe
from sightline.values.image import Picture, Pixels, Size, Undecodable

Encode = Callable[..., bytes]
Smooth = Callable[..., Pixels]


def made(data: bytes, recipe: PixelRecipe) -> ModelInput:
    result = model_input(data, recipe)
    assert isinstance(result, ModelInput), result
    return result


def from_full_decode(data: bytes, recipe: PixelRecipe) -> Pixels:
    picture = decode(data)
    assert isinstance(picture, Picture)
    return to_model_input(picture, recipe)


@pytest.mark.parametrize("fit", FITS)
@pytest.mark.parametrize("size", [Size(32, 32), Size(50, 20), Size(20, 50), Size(400, 300)])
def test_every_file_becomes_an_input_of_the_recipes_size(
    fit: Fit, size: Size, files: dict[str, bytes]
) -> None:
    for data in files.values():
        result = made(data, PixelRecipe(size, fit))
        assert result.pixels.shape == (size.height, size.width, 3)
        assert result.pixels.dtype == np.uint8
        assert result.pixels.flags.writeable
        assert sorted((result.original.width, result.original.height)) == [24, 40]


def test_what_cannot_be_decoded_is_a_value() -> None:
    assert isinstance(model_input(b"no picture", PixelRecipe(Size(8, 8))), Undecodable)


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("fit", FITS)
def test_a_scaled_decode_agrees_with_a_full_one(
    fit: Fit, orientation: int, encode: Encode, smooth: Smooth
) -> None:
    """203 and 125 are no multiples of 8: a decode that ignored the last part of a pixel would shift."""
    recipe = PixelRecipe(Size(24, 24), fit, fill=0)
    data = encode(smooth(125, 203), "JPEG", quality=95, orientation=orientation)
    small = decode(data, Size(48, 48))
    assert isinstance(small, Picture)
    assert small.extent is not None
    difference = np.abs(made(data, recipe).pixels.astype(float) - from_full_decode(data, recipe))
    assert difference.mean() < 0.5
    assert difference.max() < 6


def test_fits_show_what_they_promise(encode: Encode) -> None:
    """Left third red, middle third green, right third blue."""
    thirds = np.repeat(np.eye(3, dtype=np.uint8) * 255, 20, axis=0)[None].repeat(20, axis=0)
    data = encode(thirds, "PNG")
    stretched = made(data, PixelRecipe(Size(30, 30))).pixels
    assert stretched[15, [2, 15, 27]].tolist() == (np.eye(3) * 255).tolist()
    boxed = made(data, PixelRecipe(Size(30, 30), "letterbox", fill=50)).pixels
    assert (boxed[[0, 9, 20, 29]] == 50).all()
    assert boxed[15, [2, 15, 27]].tolist() == (np.eye(3) * 255).tolist()
    cut = made(data, PixelRecipe(Size(18, 18), "crop", crop_fraction=0.9)).pixels
    assert (cut == (0, 255, 0)).all()


@pytest.mark.parametrize("side", [32, 64, 96, 224])
def test_on_photographs_scaled_and_full_decode_are_close(side: int, shared_data: Path) -> None:
    recipe = PixelRecipe(Size(side, side))
    differences = []
    for path in sorted((shared_data / "imagenet50").glob("*.JPEG"))[::5]:
        data = path.read_bytes()
        apart = made(data, recipe).pixels.astype(float) - from_full_decode(data, recipe)
        differences.append(np.abs(apart).mean())
    assert np.mean(differences) < 0.6
    assert np.max(differences) < 1.5
