"""Recall averaged over the classes, each counting the same however rare.

Classes without a picture have no recall and are left out, as in scikit-learn.
"""

from sightline.evaluate.classified import Classified
from sightline.evaluate.confusion import counts, mean_over_present, ratio
from sightline.evaluate.metrics.base import Floats
from sightline.values.dataset import Task

TITLE = "Balanced accuracy"
TASK: Task = "classification"
HIGHER_IS_BETTER = True
ZERO_IF_CALIBRATED = False


def values(answers: Classified, weights: Floats) -> Floats:
    """Mean recall."""
    table = counts(answers.truth, answers.probabilities, weights)
    return mean_over_present(ratio(table.hits, table.support), table.support)
