"""The share of pictures whose highest-scored class is the true one."""

from sightline.evaluate.classified import Classified
from sightline.evaluate.confusion import ratio
from sightline.evaluate.metrics.base import Floats
from sightline.values.dataset import Task

TITLE = "Top-1 accuracy"
TASK: Task = "classification"
HIGHER_IS_BETTER = True
ZERO_IF_CALIBRATED = False


def values(answers: Classified, weights: Floats) -> Floats:
    """Weight answered right over weight in all."""
    right = answers.probabilities.argmax(axis=1) == answers.truth
    return ratio(weights[:, right].sum(axis=1), weights.sum(axis=1))
