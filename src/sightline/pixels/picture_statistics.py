"""Ten plain numbers about a picture, for telling one camera, light or focus from another.

They are what monitoring compares against the pictures a model was judged on, so a column never changes
its meaning: a new idea is a new column.
"""

import cv2
import numpy as np
import numpy.typing as npt

from sightline.values.image import Pixels

COLUMNS: tuple[str, ...] = (
    *("brightness", "contrast", "dark", "clipped", "saturation"),
    *("red", "green", "blue", "sharpness", "noise"),
)

PictureStatistics = npt.NDArray[np.float32]
"""One number for each of ``COLUMNS``, ``[10]``."""

_SECOND_DIFFERENCE = np.array([[1, -2, 1], [-2, 4, -2], [1, -2, 1]], dtype=np.float32)


def picture_statistics(pixels: Pixels) -> PictureStatistics:
    """The statistics of one picture, all of samples scaled to [0, 1]; meant for model inputs of one size.

    - ``brightness`` and ``contrast``: mean and standard deviation of the luma;
    - ``dark`` and ``clipped``: the part of pixels whose luma is at most 5/255, at least 250/255;
    - ``saturation``: mean over pixels of (max - min) / max of the channels, 0 for black;
    - ``red``, ``green``, ``blue``: the channels' means;
    - ``sharpness``: standard deviation of the luma's 3x3 Laplacian, in grey levels from 0 to 1;
    - ``noise``: standard deviation of the noise after J. Immerkær, "Fast Noise Variance Estimation"
      (CVIU 64(2), 1996): the mean absolute response to a filter that flat areas and straight edges
      do not excite.
    """
    scaled = np.multiply(pixels, 1 / 255, dtype=np.float32)
    luma = np.asarray(cv2.cvtColor(scaled, cv2.COLOR_RGB2GRAY))  # ITU-R BT.601, as in JPEG
    red, green, blue = np.moveaxis(scaled, 2, 0)
    high, low = np.maximum(np.maximum(red, green), blue), np.minimum(np.minimum(red, green), blue)
    saturation = np.divide(high - low, high, out=np.zeros_like(high), where=high > 0)
    laplacian = cv2.Laplacian(luma, cv2.CV_32F)
    noise = np.sqrt(np.pi / 2) / 6 * np.abs(cv2.filter2D(luma, cv2.CV_32F, _SECOND_DIFFERENCE)).mean()
    # Half a level of slack: sums of weighted samples are not exactly on the level.
    dark, clipped = (luma <= 5.5 / 255).mean(), (luma >= 249.5 / 255).mean()
    light = (luma.mean(), luma.std(), dark, clipped)
    colour = (saturation.mean(), red.mean(), green.mean(), blue.mean())
    return np.array([*light, *colour, laplacian.std(), noise], dtype=np.float32)
