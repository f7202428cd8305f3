import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sightline.pixels.resize import Letterbox, centred, crop, letterbox, resize
from sightline.values.image import Pixels, Size

sides = st.integers(1, 5000)
sizes = st.builds(Size, sides, sides)


def ramp(width: int, height: int) -> Pixels:
    """Red grows to the right, green downwards, one level a pixel."""
    y, x = np.mgrid[:height, :width]
    return np.stack([x, y, np.full_like(x, 7)], axis=2).astype(np.uint8)


def stripes(width: int, height: int) -> Pixels:
    """The finest pattern there is: black and white columns."""
    return np.tile(np.array([0, 255], dtype=np.uint8), (height, width // 2))[:, :, None].repeat(3, axis=2)


@pytest.mark.parametrize("size", [Size(7, 5), Size(200, 3), Size(1, 1), Size(31, 90)])
def test_resize_gives_the_size_and_a_new_writable_array(size: Size) -> None:
    pixels = ramp(31, 17)
    made = resize(pixels, size)
    assert made.shape == (size.height, size.width, 3)
    assert made.dtype == np.uint8
    assert made.flags.writeable
    assert made.flags.c_contiguous
    same = resize(pixels, Size(31, 17))
    assert np.array_equal(same, pixels)
    assert not np.shares_memory(same, pixels)


def test_reduction_is_antialiased_in_each_direction_by_itself() -> None:
    """Without a filter, stripes one pixel wide become black or white; enlarging one side must not matter."""
    for size in (Size(60, 40), Size(60, 90), Size(37, 40)):
        assert np.abs(resize(stripes(240, 40), size)[:, 2:-2].astype(int) - 127).max() <= 3


def test_resizing_keeps_where_things_are() -> None:
    """The centre of output pixel i lies at (i + 1/2) * 4 of the input: no shift by a part of a pixel."""
    small = resize(ramp(240, 120), Size(60, 30))
    inner = slice(2, -2)
    assert np.abs(small[inner, inner, 0] - (np.arange(60)[inner] * 4 + 1.5)).max() <= 0.5
    assert np.abs(small[inner, inner, 1].T - (np.arange(30)[inner] * 4 + 1.5)).max() <= 0.5


def test_a_region_may_begin_and_end_inside_a_pixel() -> None:
    made = resize(ramp(200, 40), Size(100, 40), (0.5, 0.0, 100.5, 40.0))
    assert np.abs(made[0, 1:-1, 0].astype(float) - np.arange(1, 99) - 0.5).max() <= 0.5


@given(sizes, sizes, st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1)), min_size=1, max_size=5))
def test_letterbox_inverts_to_within_half_a_pixel(
    original: Size, size: Size, parts: list[tuple[float, float]]
) -> None:
    where = Letterbox.fit(original, size)
    points = np.array(parts) * (original.width, original.height)
    inside = where.placement.forward(points)
    assert np.abs(where.placement.inverse(inside) - points).max() < 0.5
    first = np.array([where.left, where.top])
    assert (inside >= first - 1e-6).all()
    assert (inside <= first + (where.inner.width, where.inner.height) + 1e-6).all()


@given(sizes, sizes)
def test_a_letterbox_touches_two_sides_and_keeps_the_aspect(original: Size, size: Size) -> None:
    where = Letterbox.fit(original, size)
    inner = where.inner
    assert inner.width == size.width or inner.height == size.height
    assert inner.width <= size.width
    assert inner.height <= size.height
    assert abs(2 * where.left + inner.width - size.width) <= 1
    assert abs(2 * where.top + inner.height - size.height) <= 1
    scale = min(size.width / original.width, size.height / original.height)
    assert abs(inner.width - original.width * scale) <= max(0.5, 1 - original.width * scale) + 1e-9
    assert abs(inner.height - original.height * scale) <= max(0.5, 1 - original.height * scale) + 1e-9


def test_letterboxed_pixels_lie_where_the_letterbox_says() -> None:
    pixels = ramp(100, 50)
    made, where = letterbox(pixels, Size(60, 64), fill=9)
    assert made.shape == (64, 60, 3)
    assert (where.inner, where.left, where.top) == (Size(60, 30), 0, 17)
    assert (made[:17] == 9).all()
    assert (made[47:] == 9).all()
    x, y = where.placement.forward(np.array([[50.5, 25.5]]))[0]
    assert np.abs(made[int(y), int(x), :2] - np.array([50.0, 25.0])).max() <= 1


def test_crop_covers_and_cuts_the_middle() -> None:
    """Shorter side to 64, then the middle 56 x 56: of 200 x 100 the columns 56.25 to 143.75."""
    made = crop(ramp(200, 100), Size(56, 56), 0.875)
    assert made.shape == (56, 56, 3)
    step = 100 / 64
    wanted = 56.25 + (np.arange(56) + 0.5) * step - 0.5
    assert np.abs(made[20, :, 0] - wanted).max() <= 0.6
    assert made[:, :, 0].astype(float).mean() == pytest.approx(99.5, abs=0.3)


@given(sizes, sizes, st.floats(0.05, 1.0))
def test_the_centred_part_is_inside_and_has_the_aspect(picture: Size, size: Size, fraction: float) -> None:
    left, top, right, bottom = centred((0.0, 0.0, picture.width, picture.height), size, fraction)
    assert 0 <= left < right <= picture.width
    assert 0 <= top < bottom <= picture.height
    assert (right - left) * size.height == pytest.approx((bottom - top) * size.width, rel=1e-6)
    covered = max((right - left) / picture.width, (bottom - top) / picture.height)
    assert covered == pytest.approx(fraction, rel=1e-6)
