"""How far the top score is from the share of answers that are right: expected calibration error.

Fifteen equal bins of the top score; the mean over pictures of ``|mean score - share right|`` of their
bin (Naeini et al. 2015; Guo et al. 2017).
"""

import numpy as np

from sightline.evaluate.classified import Classified
from sightline.evaluate.confusion import class_sums, ratio
from sightline.evaluate.metrics.base import Floats
from sightline.statistics.calibration import BINS, bin_numbers
from sightline.values.dataset import Task

TITLE = "Calibration error"
TASK: Task = "classification"
HIGHER_IS_BETTER = False
ZERO_IF_CALIBRATED = True


def values(answers: Classified, weights: Floats) -> Floats:
    """Sum over the bins of ``|sum of (right - score)|``, over the weight in all."""
    confidence = answers.probabilities.max(axis=1)
    surplus = (answers.probabilities.argmax(axis=1) == answers.truth) - confidence
    gaps = class_sums(weights * surplus, bin_numbers(confidence), BINS)
    return ratio(np.abs(gaps).sum(axis=1), weights.sum(axis=1))
