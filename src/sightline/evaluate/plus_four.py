"""Four pictures that were not seen, so that a sample without errors does not claim certainty.

A bootstrap can only show again what the sample has: had no picture been answered wrongly, every
resample would be perfect and the interval would have no width. Agresti and Coull (1998) showed that
adding two successes and two failures before reckoning gives a share an interval that holds what it
promises at every sample size. Here the same four are added to the *population* that the bootstrap draws
from, for any metric: two pictures answered right and two answered wrong, their weight spread evenly over
the classes that occur, so that a class of three pictures, all right, is not called certain either. The
figure itself is that of the real pictures alone.

For two models on the same pictures the four are pairs on which they disagree, two each way (compare
Agresti and Min 2005, Bonett and Price 2012).
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Labels = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class PlusFour:
    """N real pictures, then one more of each of the K classes that occur, then K again.

    ``truth`` ``[N + 2K]``; ``sample`` weighs the real pictures alone, ``population`` also the added.
    """

    truth: Labels
    sample: Floats
    population: Floats
    _typical: Labels

    def with_added(self, probabilities: Floats, *, right_first: bool = True) -> Floats:
        """Probabilities ``[N, C]`` with the added rows, ``[N + 2K, C]``.

        The added rows are each class's picture of middle confidence, once answered right and once
        wrong (the other order for ``right_first=False``): the two highest scores change places.
        """
        rows, truth = probabilities[self._typical], self.truth[self._typical]
        right, wrong = _answered_right(rows, truth), _answered_wrong(rows, truth)
        return np.concatenate([probabilities, *((right, wrong) if right_first else (wrong, right))])


def plus_four(truth: Labels, probabilities: Floats) -> PlusFour:
    """The plan of what to add to pictures with ``truth`` ``[N]``, answered with ``[N, C]``."""
    confidence = probabilities.max(axis=1)
    present = np.unique(truth)
    typical = np.array([_middle(np.flatnonzero(truth == c), confidence) for c in present], np.int64)
    real, added = np.ones(truth.size), np.full(2 * present.size, 2.0 / present.size)
    return PlusFour(
        truth=np.concatenate([truth, present, present]),
        sample=np.concatenate([real, np.zeros(added.size)]),
        population=np.concatenate([real, added]),
        _typical=typical,
    )


def _middle(indices: Labels, confidence: Floats) -> int:
    return int(indices[np.argsort(confidence[indices], kind="stable")[(indices.size - 1) // 2]])


def _answered_right(rows: Floats, truth: Labels) -> Floats:
    return _swapped(rows, truth, rows.argmax(axis=1))


def _answered_wrong(rows: Floats, truth: Labels) -> Floats:
    runner_up = np.argsort(rows, axis=1, kind="stable")[:, -2]
    right = rows.argmax(axis=1) == truth
    return _swapped(rows, truth, np.where(right, runner_up, truth))


def _swapped(rows: Floats, one: Labels, other: npt.NDArray[np.intp]) -> Floats:
    swapped, every = rows.copy(), np.arange(rows.shape[0])
    swapped[every, one], swapped[every, other] = rows[every, other], rows[every, one]
    return swapped
