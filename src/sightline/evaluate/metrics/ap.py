"""COCO's own figure: average precision over ten overlaps, IoU 0.50 to 0.95, averaged over the classes."""

from sightline.evaluate.average_precision import mean_precision
from sightline.evaluate.matches import Matches
from sightline.evaluate.metrics.base import Floats
from sightline.values.dataset import Task

TITLE = "COCO AP"
TASK: Task = "detection"
HIGHER_IS_BETTER = True
ZERO_IF_CALIBRATED = False


def values(answers: Matches, weights: Floats) -> Floats:
    """Mean over the classes that have such objects, NaN without any."""
    return mean_precision(answers, weights)
