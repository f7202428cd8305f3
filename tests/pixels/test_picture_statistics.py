import numpy as np
import pytest

from sightline.pixels.picture_statistics import COLUMNS, picture_statistics
from sightline.values.image import Pixels


def named(pixels: Pixels) -> dict[str, float]:
    figures = picture_statistics(pixels)
    assert figures.shape == (len(COLUMNS),)
    assert figures.dtype == np.float32
    assert np.isfinite(figures).all()
    return dict(zip(COLUMNS, figures.tolist(), strict=True))


def grey(levels: np.ndarray[tuple[int, int], np.dtype[np.float64]]) -> Pixels:
    return np.clip(np.rint(levels), 0, 255).astype(np.uint8)[:, :, None].repeat(3, axis=2)


@pytest.mark.parametrize("size", [(1, 1), (1, 7), (2, 2), (40, 30)])
def test_flat_pictures_of_any_size(size: tuple[int, int]) -> None:
    black, white, red = (
        named(np.full((*size, 3), c, dtype=np.uint8)) for c in ((0,) * 3, (255,) * 3, (255, 0, 0))
    )
    assert black == dict.fromkeys(COLUMNS, 0.0) | {"dark": 1.0}
    assert white["brightness"] == pytest.approx(1.0, abs=1e-6)
    assert (white["clipped"], white["dark"], white["saturation"]) == (1.0, 0.0, 0.0)
    assert (red["saturation"], red["red"], red["green"], red["blue"]) == (1.0, 1.0, 0.0, 0.0)
    assert red["brightness"] == pytest.approx(0.299, abs=1e-3)
    assert red["sharpness"] == red["noise"] == 0.0


def test_brightness_and_contrast_of_two_levels() -> None:
    halves = np.zeros((10, 20))
    halves[:, 10:] = 255
    figures = named(grey(halves))
    assert figures["brightness"] == pytest.approx(0.5, abs=1e-3)
    assert figures["contrast"] == pytest.approx(0.5, abs=1e-3)
    assert (figures["dark"], figures["clipped"]) == (0.5, 0.5)


@pytest.mark.parametrize("sigma", [2.0, 5.0, 15.0])
def test_noise_is_measured_in_grey_levels(sigma: float) -> None:
    slope = np.linspace(60, 180, 200)[None, :].repeat(200, axis=0)
    noisy = slope + np.random.default_rng(0).normal(0, sigma, slope.shape)
    assert named(grey(noisy))["noise"] * 255 == pytest.approx(sigma, rel=0.1)


def test_blur_lowers_sharpness() -> None:
    sharp = np.kron(np.indices((8, 8)).sum(axis=0) % 2, np.ones((8, 8))) * 200.0
    blurred = (sharp + np.roll(sharp, 1, 0) + np.roll(sharp, 1, 1) + np.roll(sharp, (1, 1), (0, 1))) / 4
    assert named(grey(blurred))["sharpness"] < 0.6 * named(grey(sharp))["sharpness"]
