from collections.abc import Callable

import numpy as np
import pytest

from sightline.pixels.decode import decode
from sightline.pixels.draw import draw_answer, thumbnail_jpeg
from sightline.values.image import Picture, Pixels

Smooth = Callable[..., Pixels]
GREEN = (22, 128, 60)


@pytest.mark.parametrize(("width", "height"), [(400, 300), (300, 400), (1, 900), (900, 1)])
def test_thumbnails_shrink_and_never_grow(width: int, height: int, smooth: Smooth) -> None:
    for longest in (1, 100, 5000):
        picture = decode(thumbnail_jpeg(smooth(height, width), longest))
        assert isinstance(picture, Picture)
        side = max(picture.original.width, picture.original.height)
        assert side == min(longest, max(width, height))


@pytest.mark.parametrize(("width", "height"), [(1, 1), (3, 200), (32, 32), (64, 48), (500, 375), (4000, 30)])
@pytest.mark.parametrize("text", ["", "mouse bite  98.2%", "a name that is far too long for any band " * 9])
def test_the_picture_stays_whole_under_its_band(width: int, height: int, text: str, smooth: Smooth) -> None:
    picture = smooth(height, width)
    drawn = draw_answer(picture, text, GREEN)
    factor = max(1, 320 // max(width, height))
    band = drawn.shape[0] - height * factor
    left = (drawn.shape[1] - width * factor) // 2
    assert drawn.shape[1] == max(320, width * factor)
    assert 20 <= band <= 150
    assert np.array_equal(drawn[band::factor, left : left + width * factor : factor], picture)
    text_pixels = (drawn[:band] != GREEN).any(axis=2)
    assert text_pixels.any() == bool(text)
    # The first and last columns stay free: nothing of the text is cut off.
    assert not text_pixels[:, [0, 1, -2, -1]].any()


def test_text_contrasts_with_the_band(smooth: Smooth) -> None:
    picture = smooth(200, 400)
    assert draw_answer(picture, "answer", (20, 20, 90))[:20].max() == 255
    assert draw_answer(picture, "answer", (250, 220, 40))[:20].min() < 40


def test_a_picture_too_long_for_jpeg_is_shrunk() -> None:
    drawn = draw_answer(np.zeros((70_000, 1, 3), dtype=np.uint8), "tall", GREEN)
    assert drawn.shape[1] == 320
    assert drawn.shape[0] < 9000
    assert isinstance(decode(thumbnail_jpeg(drawn, 10_000)), Picture)


def test_any_script_is_drawn_without_boxes(smooth: Smooth) -> None:
    picture = smooth(100, 400)
    assert np.array_equal(draw_answer(picture, "Ärger\nñ", GREEN), draw_answer(picture, "Arger n", GREEN))
    assert np.array_equal(draw_answer(picture, "亀裂", GREEN), draw_answer(picture, "??", GREEN))
