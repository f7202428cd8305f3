"""COCO's average precision of objects below 32 x 32 square pixels of their picture."""

from sightline.evaluate.average_precision import mean_precision
from sightline.evaluate.matches import Matches
from sightline.evaluate.metrics.base import Floats
from sightline.values.dataset import Task

TITLE = "AP of small objects"
TASK: Task = "detection"
HIGHER_IS_BETTER = True
ZERO_IF_CALIBRATED = False


def values(answers: Matches, weights: Floats) -> Floats:
    """Mean over the classes that have such objects, NaN without any."""
    return mean_precision(answers, weights, "small")
