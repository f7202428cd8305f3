"""F1, the harmonic mean of precision and recall, averaged over the classes.

Classes without a picture are left out; answers that name them still cost the true class its recall.
(scikit-learn's default counts a class that was answered but has no picture as an F1 of 0; the two agree
wherever every class has a picture.)
"""

from sightline.evaluate.classified import Classified
from sightline.evaluate.confusion import counts, mean_over_present, ratio
from sightline.evaluate.metrics.base import Floats
from sightline.values.dataset import Task

TITLE = "Macro F1"
TASK: Task = "classification"
HIGHER_IS_BETTER = True
ZERO_IF_CALIBRATED = False


def values(answers: Classified, weights: Floats) -> Floats:
    """Mean of ``2 hits / (support + predicted)``."""
    table = counts(answers.truth, answers.probabilities, weights)
    return mean_over_present(ratio(2 * table.hits, table.support + table.predicted), table.support)
