import numpy as np
import pytest

from sightline.values.image import Picture, Size


@pytest.mark.parametrize(("width", "height"), [(0, 1), (1, 0), (-3, 5)])
def test_a_size_has_pixels(width: int, height: int) -> None:
    with pytest.raises(ValueError, match="at least 1 x 1"):
        Size(width, height)


def test_a_size_in_words() -> None:
    assert (str(Size(640, 480)), Size(640, 480).area) == ("640x480", 307_200)


def test_the_region_of_a_picture_is_its_extent_or_all_of_it() -> None:
    pixels = np.zeros((188, 250, 3), dtype=np.uint8)
    assert Picture(pixels, Size(250, 188)).region == (0.0, 0.0, 250.0, 188.0)
    scaled = Picture(pixels, Size(500, 375), extent=(0.0, 0.0, 250.0, 187.5))
    assert scaled.region == (0.0, 0.0, 250.0, 187.5)
