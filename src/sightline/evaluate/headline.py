"""Every figure of a model with its interval."""

from dataclasses import replace

import numpy as np
import numpy.typing as npt

from sightline.evaluate.answers import OneTask, task_of
from sightline.evaluate.classified import Classified
from sightline.evaluate.measure import affordable_resamples, metrics_of
from sightline.evaluate.metrics.base import Metric
from sightline.evaluate.plus_four import plus_four
from sightline.statistics.bootstrap import bootstrap
from sightline.values.evaluation import Interval

Floats = npt.NDArray[np.float64]


def headline(answers: OneTask, seed: int = 0) -> dict[str, Interval]:
    """Every metric's figure with its 95 % interval, by the metric's name.

    The intervals are those of a bootstrap of pictures (see ``plus_four`` for why it is honest without
    errors, ``bootstrap`` for its correction of bias). A metric that these pictures do not define (ROC
    AUC where all are of one class, AP of large objects where all are small) is left out.

    A figure such as the calibration error is above 0 by noise alone, and taking off the bootstrap's
    estimate of that noise is not enough near 0. Where it is no larger than in 97.5 % of samples whose
    truths are drawn from the scores themselves (a calibrated model's, by definition), 0 is not ruled
    out, and the interval reaches it (consistency resampling: Bröcker and Smith 2007).
    """
    plan = plus_four(answers)
    (extended,) = plan.answers
    metrics = metrics_of(task_of(answers))

    def figures(weights: Floats) -> Floats:
        return np.stack([metric.values(extended, weights) for metric in metrics.values()], axis=1)

    resamples = affordable_resamples(answers)
    found = bootstrap(figures, plan.sample, plan.population, resamples=resamples, seed=seed)
    intervals = {}
    for (name, metric), replicates in zip(metrics.items(), found, strict=True):
        if np.isfinite(replicates.value):
            interval = replicates.interval(bounds=(0.0, 1.0))
            if metric.ZERO_IF_CALIBRATED and isinstance(answers, Classified):
                noise = _noise(metric, answers.probabilities, resamples // 5, seed)
                interval = replace(interval, low=0.0) if interval.value <= noise else interval
            intervals[name] = interval
    return intervals


def _noise(metric: Metric, scores: Floats, samples: int, seed: int) -> float:
    """What the figure stays below in 97.5 % of samples of a model that is calibrated."""
    rng = np.random.default_rng(seed)
    edges, ones = np.cumsum(scores, axis=1), np.ones((1, scores.shape[0]))
    figures = []
    for _ in range(samples):
        drawn = (edges < rng.random((scores.shape[0], 1)) * edges[:, -1:]).sum(axis=1)
        figures.append(float(metric.values(Classified(drawn.astype(np.int64), scores), ones)[0]))
    return float(np.quantile(figures, 0.975))
