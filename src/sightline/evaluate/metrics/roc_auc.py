"""How well each class's score ranks its own pictures above the others, averaged over the classes.

One class against the rest: the chance that a picture of the class has a higher score for it than a
picture of another class, a tie counting one half (Hand and Till 2001 discuss the kinds; this is the
one-versus-rest mean, scikit-learn's ``multi_class="ovr", average="macro"``). Classes without a picture,
or with all of them, are left out; NaN where none is left.
"""

import numpy as np
import numpy.typing as npt

from sightline.evaluate.classified import Classified
from sightline.evaluate.confusion import class_sums, mean_over_present
from sightline.evaluate.metrics.base import Floats
from sightline.values.dataset import Task

TITLE = "ROC AUC"
TASK: Task = "classification"
HIGHER_IS_BETTER = True
ZERO_IF_CALIBRATED = False

_FEW = 64
"""Up to so many pictures of a class comparing every pair in one matrix product beats sorting."""


def values(answers: Classified, weights: Floats) -> Floats:
    """Mean over the classes of the area under the curve."""
    truth, probabilities = answers.truth, answers.probabilities
    classes = probabilities.shape[1]
    support = class_sums(weights, truth, classes)
    rest = weights.sum(axis=1, keepdims=True) - support
    pairs = support * rest
    areas = np.zeros_like(pairs)
    for c in np.unique(truth):
        areas[:, c] = _won_pairs(truth == c, probabilities[:, c], weights)
    areas = np.divide(areas, pairs, out=np.zeros_like(pairs), where=pairs > 0)
    return mean_over_present(areas, pairs)


def _won_pairs(own: npt.NDArray[np.bool_], scores: Floats, weights: Floats) -> Floats:
    """Weight ``[B]`` of the pairs (own, other) in which own scores higher; ties count half."""
    if own.sum() <= _FEW:
        above = (np.sign(scores[own] - scores[:, None]) / 2 + 0.5) * ~own[:, None]
        return np.asarray((weights[:, own] * (weights @ above)).sum(axis=1), np.float64)
    others = np.flatnonzero(~own)
    others = others[np.argsort(scores[others], kind="stable")]
    below = np.zeros((weights.shape[0], others.size + 1))
    np.cumsum(weights[:, others], axis=1, out=below[:, 1:])
    lower = np.searchsorted(scores[others], scores[own], side="left")
    not_higher = np.searchsorted(scores[others], scores[own], side="right")
    won = (below[:, lower] + below[:, not_higher]) / 2
    return np.asarray((weights[:, own] * won).sum(axis=1), np.float64)
