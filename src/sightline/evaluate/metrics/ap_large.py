"""COCO's average precision of objects above 96 x 96 square pixels of their picture."""

from sightline.evaluate.average_precision import mean_precision
from sightline.evaluate.matches import Matches
from sightline.evaluate.metrics.base import Floats
from sightline.values.dataset import Task

TITLE = "AP of large objects"
TASK: Task = "detection"
HIGHER_IS_BETTER = True
ZERO_IF_CALIBRATED = False


def values(answers: Matches, weights: Floats) -> Floats:
    """Mean over the classes that have such objects, NaN without any."""
    return mean_precision(answers, weights, "large")
