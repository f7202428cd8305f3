"""A classifier's answers against the truth, in the figures that a person asks for."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from sightline.evaluate.classified import Classified
from sightline.evaluate.confusion import counts, ratio
from sightline.evaluate.headline import headline
from sightline.statistics.calibration import reliability
from sightline.values.dataset import Split
from sightline.values.evaluation import ClassificationReport, ClassScores, Mistake

Floats = npt.NDArray[np.float64]
Labels = npt.NDArray[np.int64]

WORST = 24


def evaluate(
    truth: Labels,
    probabilities: npt.ArrayLike,
    classes: Sequence[str],
    paths: Sequence[str],
    split: Split,
    *,
    seed: int = 0,
) -> ClassificationReport:
    """Judge the answers on one split: every metric of the task with its interval, and what lies behind.

    Args:
        truth: class numbers ``[N]``, N at least 1.
        probabilities: ``[N, C]``, rows sum to 1; C at least 2.
        classes: C names in output order; some may have no picture.
        paths: N names of the pictures.
        split: which pictures these are.
        seed: of the bootstrap.
    """
    scores = _checked(truth, probabilities, classes, paths)
    table = counts(truth, scores, np.ones((1, truth.size)))
    top, confidence = scores.argmax(axis=1), scores.max(axis=1)
    return ClassificationReport(
        split=split,
        pictures=truth.size,
        classes=tuple(classes),
        headline=headline(Classified(truth, scores), seed),
        per_class=_per_class(classes, table.support[0], table.predicted[0], table.hits[0]),
        confusion=_confusion(truth, top, len(classes)),
        reliability=reliability(confidence, top == truth),
        worst=_worst(truth, scores, classes, paths),
    )


def _per_class(
    classes: Sequence[str], support: Floats, predicted: Floats, hits: Floats
) -> tuple[ClassScores, ...]:
    precision, recall = ratio(hits, predicted), ratio(hits, support)
    f1 = ratio(2 * hits, support + predicted)
    return tuple(
        ClassScores(
            name, int(support[c]), int(predicted[c]), float(precision[c]), float(recall[c]), float(f1[c])
        )
        for c, name in enumerate(classes)
    )


def _confusion(truth: Labels, top: npt.NDArray[np.intp], classes: int) -> tuple[tuple[int, ...], ...]:
    flat = np.bincount(truth * classes + top, minlength=classes * classes)
    return tuple(tuple(row) for row in flat.reshape(classes, classes).tolist())


def _worst(
    truth: Labels, scores: Floats, classes: Sequence[str], paths: Sequence[str]
) -> tuple[Mistake, ...]:
    top = scores.argmax(axis=1)
    wrong = np.flatnonzero(top != truth).tolist()
    ranked = sorted(wrong, key=lambda i: (-scores[i, top[i]], paths[i]))
    return tuple(
        Mistake(
            path=paths[i],
            truth=classes[truth[i]],
            predicted=classes[top[i]],
            score=float(scores[i, top[i]]),
            truth_score=float(scores[i, truth[i]]),
        )
        for i in ranked[:WORST]
    )


def _checked(
    truth: Labels, probabilities: npt.ArrayLike, classes: Sequence[str], paths: Sequence[str]
) -> Floats:
    scores = np.asarray(probabilities, np.float64)
    wanted = (truth.size, len(classes))
    if truth.size < 1 or len(classes) < 2 or scores.shape != wanted or len(paths) != truth.size:
        raise ValueError(
            f"wanted at least one picture, two classes, and probabilities {wanted}; "
            f"got probabilities {scores.shape} with {len(paths)} paths"
        )
    if truth.min() < 0 or truth.max() >= len(classes):
        raise ValueError(f"class numbers lie in 0..{len(classes) - 1}, got {truth.min()}..{truth.max()}")
    if not np.isfinite(scores).all() or np.abs(scores.sum(axis=1) - 1).max() > 1e-3 or scores.min() < 0:
        raise ValueError("probabilities must be at least 0 and each row must sum to 1")
    return scores
