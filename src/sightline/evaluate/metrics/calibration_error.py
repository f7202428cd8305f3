"""How far the top score is from the share of answers that are right: expected calibration error.

Fifteen equal bins of the top score; the mean over pictures of ``|mean score - share right|`` of their
bin (Naeini et al. 2015; Guo et al. 2017).
"""

import numpy as np

from sightline.evaluate.confusion import class_sums, ratio
from sightline.evaluate.metrics.base import Floats, Labels
from sightline.statistics.calibration import BINS, bin_numbers

TITLE = "Calibration error"
HIGHER_IS_BETTER = False
ZERO_IF_CALIBRATED = True


def values(truth: Labels, probabilities: Floats, weights: Floats) -> Floats:
    """Sum over the bins of ``|sum of (right - score)|``, over the weight in all."""
    confidence = probabilities.max(axis=1)
    surplus = (probabilities.argmax(axis=1) == truth) - confidence
    gaps = class_sums(weights * surplus, bin_numbers(confidence), BINS)
    return ratio(np.abs(gaps).sum(axis=1), weights.sum(axis=1))
