"""Four pictures that were not seen, so that a sample without errors does not claim certainty.

A bootstrap can only show again what the sample has: had no picture been answered wrongly, every
resample would be perfect and the interval would have no width. Agresti and Coull (1998) showed that
adding two successes and two failures before reckoning gives a share an interval that holds what it
promises at every sample size. Here the same four are added to the *population* that the bootstrap draws
from, for any metric of either task: two pictures answered right and two answered wrong, their weight
spread evenly over the classes that occur, so that a class of three pictures, all right, is not called
certain either. The figure itself is that of the real pictures alone.

For two models on the same pictures the four are pairs on which they disagree, two each way (compare
Agresti and Min 2005, Bonett and Price 2012).
"""

from dataclasses import dataclass
from typing import Generic

import numpy as np
import numpy.typing as npt

from sightline.evaluate.answers import OneTask
from sightline.evaluate.classified import Classified
from sightline.evaluate.plus_four_objects import with_objects

Floats = npt.NDArray[np.float64]
Labels = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class PlusFour(Generic[OneTask]):
    """N real pictures, then one more for each of the K classes that occur, then K again.

    ``answers`` are each model's, to the ``[N + 2K]`` pictures; ``sample`` weighs the real ones alone,
    ``population`` also the added.
    """

    answers: tuple[OneTask, ...]
    sample: Floats
    population: Floats


def plus_four(answers: OneTask, *rivals: OneTask) -> PlusFour[OneTask]:
    """Pictures with those to add.

    The first K are answered right and then K wrong, by ``rivals`` to the same pictures the other way
    round.
    """
    if isinstance(answers, Classified):
        return _weighed(answers.pictures, _with_rows(answers, rivals))
    return _weighed(answers.pictures, with_objects(answers, rivals))


def _weighed(pictures: int, answers: tuple[OneTask, ...]) -> PlusFour[OneTask]:
    more = answers[0].pictures - pictures
    real, added = np.ones(pictures), np.full(more, 4.0 / max(1, more))
    return PlusFour(
        answers=answers,
        sample=np.concatenate([real, np.zeros(more)]),
        population=np.concatenate([real, added]),
    )


def _with_rows(answers: Classified, rivals: tuple[Classified, ...]) -> tuple[Classified, ...]:
    typical = _typical(answers)
    others = (_with_rows_added(each, typical, right_first=False) for each in rivals)
    return _with_rows_added(answers, typical, right_first=True), *others


def _typical(answers: Classified) -> Labels:
    """Each class's picture of middle confidence."""
    confidence = answers.probabilities.max(axis=1)
    pictures = (np.flatnonzero(answers.truth == c) for c in np.unique(answers.truth))
    return np.array([_middle(each, confidence) for each in pictures], np.int64)


def _middle(indices: npt.NDArray[np.intp], confidence: Floats) -> int:
    return int(indices[np.argsort(confidence[indices], kind="stable")[(indices.size - 1) // 2]])


def _with_rows_added(answers: Classified, typical: Labels, *, right_first: bool) -> Classified:
    """The added answers are those of the typical pictures, the two highest scores exchanged if need be."""
    rows, truth = answers.probabilities[typical], answers.truth[typical]
    right, wrong = _answered_right(rows, truth), _answered_wrong(rows, truth)
    added = (right, wrong) if right_first else (wrong, right)
    return Classified(
        np.concatenate([answers.truth, truth, truth]), np.concatenate([answers.probabilities, *added])
    )


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
