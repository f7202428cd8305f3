"""What a metric is."""

from typing import Protocol

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Labels = npt.NDArray[np.int64]


class Metric(Protocol):
    """A figure in [0, 1] of a classifier's probabilities against the truth.

    It is a function of a *weighted* sample, so that a bootstrap of thousands of resamples is a few
    matrix products: weights of one give the plain figure, weights that count how often each picture
    was drawn give a resample's, a weight of nought leaves a picture out.
    """

    TITLE: str
    """Its name in a report."""

    HIGHER_IS_BETTER: bool

    ZERO_IF_CALIBRATED: bool
    """Whether scores that are the true probabilities make it 0, but for the noise of few pictures."""

    def values(self, truth: Labels, probabilities: Floats, weights: Floats) -> Floats:
        """The figure under each row of weights.

        Args:
            truth: class numbers ``[N]``.
            probabilities: ``[N, C]``, rows sum to 1.
            weights: ``[B, N]``, at least 0.

        Returns:
            ``[B]``; NaN where a row's pictures do not define the figure.
        """
        ...
