"""A classifier's answers against the truth, in the figures that a person asks for."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from sightline.evaluate.confusion import counts, ratio
from sightline.evaluate.metrics import METRICS
from sightline.evaluate.metrics.base import Metric
from sightline.evaluate.plus_four import plus_four
from sightline.statistics.bootstrap import RESAMPLES, bootstrap
from sightline.statistics.calibration import reliability
from sightline.values.dataset import Split
from sightline.values.evaluation import ClassScores, EvalReport, Interval, Mistake

Floats = npt.NDArray[np.float64]
Labels = npt.NDArray[np.int64]

WORST = 24
_BUDGET = 2.5e8
_FEWEST_RESAMPLES = 400


def evaluate(
    truth: Labels,
    probabilities: npt.ArrayLike,
    classes: Sequence[str],
    paths: Sequence[str],
    split: Split,
    *,
    seed: int = 0,
) -> EvalReport:
    """Judge the answers on one split.

    Every metric plugin becomes a headline figure with a 95 % bootstrap interval over pictures (see
    ``plus_four`` for why it is honest without errors, ``bootstrap`` for its correction of bias). A
    metric that these pictures do not define (ROC AUC where all are of one class) is left out.

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
    return EvalReport(
        split=split,
        pictures=truth.size,
        classes=tuple(classes),
        headline=headline(truth, scores, seed),
        per_class=_per_class(classes, table.support[0], table.predicted[0], table.hits[0]),
        confusion=_confusion(truth, top, len(classes)),
        reliability=reliability(confidence, top == truth),
        worst=_worst(truth, scores, classes, paths),
    )


def measure(metric: str, truth: Labels, probabilities: npt.ArrayLike) -> float:
    """The plain figure of metric plugin ``metric``, without an interval."""
    scores = np.asarray(probabilities, np.float64)
    return float(METRICS.load(metric).values(truth, scores, np.ones((1, truth.size)))[0])


def headline(truth: Labels, probabilities: npt.ArrayLike, seed: int = 0) -> dict[str, Interval]:
    """Every metric's figure with its interval, by the metric's name.

    A figure such as the calibration error is above 0 by noise alone, and taking off the bootstrap's
    estimate of that noise is not enough near 0. Where it is no larger than in 97.5 % of samples whose
    truths are drawn from the scores themselves (a calibrated model's, by definition), 0 is not ruled
    out, and the interval reaches it (consistency resampling: Bröcker and Smith 2007).
    """
    scores = np.asarray(probabilities, np.float64)
    plan = plus_four(truth, scores)
    extended = plan.with_added(scores)
    metrics = {name: METRICS.load(name) for name in METRICS.names()}

    def figures(weights: Floats) -> Floats:
        columns = [metric.values(plan.truth, extended, weights) for metric in metrics.values()]
        return np.stack(columns, axis=1)

    found = bootstrap(figures, plan.sample, plan.population, resamples=_affordable(scores), seed=seed)
    intervals = {}
    for (name, metric), replicates in zip(metrics.items(), found, strict=True):
        if np.isfinite(replicates.value):
            interval = replicates.interval(bounds=(0.0, 1.0))
            if metric.ZERO_IF_CALIBRATED and interval.value <= _noise(metric, scores, seed):
                interval = replace(interval, low=0.0)
            intervals[name] = interval
    return intervals


def _noise(metric: Metric, scores: Floats, seed: int) -> float:
    """What the figure stays below in 97.5 % of samples of a model that is calibrated."""
    rng = np.random.default_rng(seed)
    edges, ones = np.cumsum(scores, axis=1), np.ones((1, scores.shape[0]))
    figures = []
    for _ in range(_affordable(scores) // 5):
        drawn = (edges < rng.random((scores.shape[0], 1)) * edges[:, -1:]).sum(axis=1)
        figures.append(float(metric.values(drawn.astype(np.int64), scores, ones)[0]))
    return float(np.quantile(figures, 0.975))


def _affordable(scores: Floats) -> int:
    """Resamples: the usual number, fewer where scores by the million would take minutes."""
    return int(np.clip(_BUDGET / scores.size, _FEWEST_RESAMPLES, RESAMPLES))


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
