"""From which score on an answer is accepted.

For either task it is one class against the rest. In classification every picture has a score for the class,
and those of the class are to be taken; in detection every box of the class has one, and those that find an
object at an IoU of 0.5 are to be taken. A threshold lies midway between two scores seen, so that a
difference in the last digits of another runtime changes no answer.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from sightline.evaluate.answers import Answers
from sightline.evaluate.classified import Classified

Floats = npt.NDArray[np.float64]

UNKNOWN = 0.5


@dataclass(frozen=True, slots=True)
class PrecisionThresholds:
    """A threshold for each class, and what a class reaches that falls short of the ``wanted`` precision.

    ``short`` has the highest precision of any threshold for those classes alone; 0 for one of which
    nothing right was seen.
    """

    wanted: float
    thresholds: Mapping[str, float]
    short: Mapping[str, float]


@dataclass(frozen=True, slots=True, eq=False)
class _Ranked:
    """What a class was answered, by falling score: ``scores`` and ``right`` ``[D]``, of ``wanted`` in all."""

    scores: Floats
    right: npt.NDArray[np.bool_]
    wanted: float

    @property
    def unknown(self) -> bool:
        """Whether nothing right was seen, so that no threshold is better than another."""
        return not self.right.any()

    def cuts(self) -> tuple[npt.NDArray[np.intp], Floats]:
        """Places after which one can cut, because the next score is lower, and the thresholds there."""
        after = np.append(self.scores[1:], 0.0)
        places = np.flatnonzero(self.scores > after)
        return places, (self.scores[places] + after[places]) / 2

    def hits(self, places: npt.NDArray[np.intp]) -> Floats:
        """How many are right up to each place."""
        return np.asarray(np.cumsum(self.right)[places], np.float64)


def best_f1_thresholds(answers: Answers, classes: Sequence[str]) -> dict[str, float]:
    """For each class the score from which on its answers have the best F1; of equally good the highest.

    A class without a picture or an object, or of which nothing right was seen, gets 0.5.

    Args:
        answers: to pictures not trained on.
        classes: C names.
    """
    found = {}
    for name, ranked in zip(classes, _ranked(answers), strict=True):
        found[name] = UNKNOWN
        if not ranked.unknown:
            places, thresholds = ranked.cuts()
            f1 = 2 * ranked.hits(places) / (places + 1 + ranked.wanted)
            found[name] = float(thresholds[f1.argmax()])
    return found


def precision_thresholds(answers: Answers, classes: Sequence[str], wanted: float) -> PrecisionThresholds:
    """For each class the lowest score from which on at least a share ``wanted`` of its answers is right.

    A class where no score does so gets that of its highest precision (of equally good ones the lowest),
    and is ``short``; one without a picture or an object, or of which nothing right was seen, gets 0.5.

    Args:
        answers: to pictures not trained on.
        classes: C names.
        wanted: precision in (0, 1].
    """
    if not 0 < wanted <= 1:
        raise ValueError(f"the wanted precision lies in (0, 1], got {wanted}")
    found, short = dict.fromkeys(classes, UNKNOWN), dict.fromkeys(classes, 0.0)
    for name, ranked in zip(classes, _ranked(answers), strict=True):
        if not ranked.unknown:
            places, thresholds = ranked.cuts()
            precision = ranked.hits(places) / (places + 1)
            aim = min(wanted, float(precision.max()))
            found[name] = float(thresholds[precision >= aim][-1])
            short[name] = aim
    return PrecisionThresholds(wanted, found, {name: aim for name, aim in short.items() if aim < wanted})


def _ranked(answers: Answers) -> list[_Ranked]:
    if isinstance(answers, Classified):
        columns = enumerate(answers.probabilities.T)
        return [_by_score(scores, answers.truth == c) for c, scores in columns]
    found = []
    for table in answers.by_area["all"]:
        counted = table.counts[0]
        found.append(_Ranked(table.score[counted], table.hits[0, counted], float(table.objects.sum())))
    return found


def _by_score(scores: Floats, own: npt.NDArray[np.bool_]) -> _Ranked:
    order = np.argsort(-scores, kind="stable")
    return _Ranked(scores[order], own[order], float(own.sum()))
