"""Average precision where an overlap, IoU, of 0.50 is enough; Pascal VOC's figure with COCO's recalls."""

from sightline.evaluate.average_precision import AT_50, mean_precision
from sightline.evaluate.matches import Matches
from sightline.evaluate.metrics.base import Floats
from sightline.values.dataset import Task

TITLE = "AP at IoU 0.50"
TASK: Task = "detection"
HIGHER_IS_BETTER = True
ZERO_IF_CALIBRATED = False


def values(answers: Matches, weights: Floats) -> Floats:
    """Mean over the classes that have such objects, NaN without any."""
    return mean_precision(answers, weights, ious=[AT_50])
