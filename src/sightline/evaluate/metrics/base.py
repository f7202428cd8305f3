"""What a metric is."""

from typing import Protocol

import numpy as np
import numpy.typing as npt

from sightline.evaluate.answers import Answers
from sightline.values.dataset import Task

Floats = npt.NDArray[np.float64]
Labels = npt.NDArray[np.int64]


class Metric(Protocol):
    """A figure in [0, 1] of a model's answers against the truth.

    It is a function of a *weighted* sample, so that a bootstrap of thousands of resamples is a few
    matrix products or running sums: weights of one give the plain figure, weights that count how often
    each picture was drawn give a resample's, a weight of nought leaves a picture out.
    """

    TITLE: str
    """Its name in a report."""

    TASK: Task
    """Whose answers it takes: ``Classified`` in classification, ``Matches`` in detection."""

    HIGHER_IS_BETTER: bool

    ZERO_IF_CALIBRATED: bool
    """Whether scores that are the true probabilities make it 0, but for the noise of few pictures."""

    def values(self, answers: Answers, weights: Floats) -> Floats:
        """The figure under each row of weights.

        Args:
            answers: to N pictures, of the metric's own task.
            weights: ``[B, N]``, at least 0.

        Returns:
            ``[B]``; NaN where a row's pictures do not define the figure.
        """
        ...
