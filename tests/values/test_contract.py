import pytest

from sightline.values.contract import Normalise, PixelRecipe
from sightline.values.image import Size


@pytest.mark.parametrize("fraction", [0.0, -0.1, 1.01])
def test_crop_fraction_has_limits(fraction: float) -> None:
    with pytest.raises(ValueError, match="crop_fraction"):
        PixelRecipe(Size(8, 8), crop_fraction=fraction)


@pytest.mark.parametrize("fill", [-1, 256])
def test_fill_is_a_grey_level(fill: int) -> None:
    with pytest.raises(ValueError, match="grey level"):
        PixelRecipe(Size(8, 8), fill=fill)


def test_std_is_positive() -> None:
    with pytest.raises(ValueError, match="std"):
        Normalise((0.5, 0.5, 0.5), (0.5, 0.0, 0.5))
