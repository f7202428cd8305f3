"""Average precision where an overlap, IoU, of 0.75 is wanted: boxes must fit well."""

from sightline.evaluate.average_precision import AT_75, mean_precision
from sightline.evaluate.matches import Matches
from sightline.evaluate.metrics.base import Floats
from sightline.values.dataset import Task

TITLE = "AP at IoU 0.75"
TASK: Task = "detection"
HIGHER_IS_BETTER = True
ZERO_IF_CALIBRATED = False


def values(answers: Matches, weights: Floats) -> Floats:
    """Mean over the classes that have such objects, NaN without any."""
    return mean_precision(answers, weights, ious=[AT_75])
