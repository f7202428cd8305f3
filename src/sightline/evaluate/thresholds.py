"""From which score on an answer is accepted."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Labels = npt.NDArray[np.int64]

UNKNOWN = 0.5


def best_f1_thresholds(
    truth: Labels, probabilities: npt.ArrayLike, classes: Sequence[str]
) -> dict[str, float]:
    """For each class the score that parts its pictures from the rest with the best F1.

    One class against the rest: a picture is taken for the class where its score is at least the
    threshold. The threshold lies midway between two scores seen, so that a difference in the last digits
    of another runtime changes no answer; of equally good ones the highest is taken. A class without a
    picture gets 0.5.

    Args:
        truth: class numbers ``[N]`` of pictures not trained on.
        probabilities: ``[N, C]``.
        classes: C names.
    """
    scores = np.asarray(probabilities, np.float64)
    return {name: _best(truth == c, scores[:, c]) for c, name in enumerate(classes)}


def _best(own: npt.NDArray[np.bool_], scores: Floats) -> float:
    if not own.any():
        return UNKNOWN
    order = np.argsort(-scores, kind="stable")
    falling, hits = scores[order], np.cumsum(own[order])
    f1 = 2 * hits / (np.arange(1, own.size + 1) + own.sum())
    after = np.append(falling[1:], 0.0)
    f1[falling == after] = -1.0  # one cannot cut between equal scores
    best = int(f1.argmax())
    return float((falling[best] + after[best]) / 2)
