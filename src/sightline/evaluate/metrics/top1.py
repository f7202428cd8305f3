"""The share of pictures whose highest-scored class is the true one."""

from sightline.evaluate.confusion import ratio
from sightline.evaluate.metrics.base import Floats, Labels

TITLE = "Top-1 accuracy"
HIGHER_IS_BETTER = True
ZERO_IF_CALIBRATED = False


def values(truth: Labels, probabilities: Floats, weights: Floats) -> Floats:
    """Weight answered right over weight in all."""
    right = probabilities.argmax(axis=1) == truth
    return ratio(weights[:, right].sum(axis=1), weights.sum(axis=1))
