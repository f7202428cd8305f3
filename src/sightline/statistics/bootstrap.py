"""The bootstrap: how much a figure would move had other pictures been drawn."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from sightline.values.evaluation import Interval

Floats = npt.NDArray[np.float64]
Figures = Callable[[Floats], Floats]
"""Weights ``[B, N]`` of N pictures, one row per resample, to figures ``[B, M]``."""

RESAMPLES = 2_000
_CHUNK_NUMBERS = 2_000_000


@dataclass(frozen=True, slots=True, eq=False)
class Replicates:
    """One figure, and the values ``[B]`` it took on the resamples, freed of the estimated bias."""

    value: float
    drawn: Floats

    def interval(self, level: float = 0.95, bounds: tuple[float, float] = (-np.inf, np.inf)) -> Interval:
        """The two-sided percentile interval, cut to ``bounds``; it always holds ``value``."""
        low, high = np.clip(np.quantile(self.drawn, [(1 - level) / 2, (1 + level) / 2]), *bounds)
        return Interval(self.value, float(min(low, self.value)), float(max(high, self.value)), level)

    def lower(self, confidence: float = 0.95) -> float:
        """The lower one-sided end."""
        return min(self.value, float(np.quantile(self.drawn, 1 - confidence)))


def bootstrap(
    figures: Figures, sample: Floats, population: Floats, *, resamples: int = RESAMPLES, seed: int = 0
) -> tuple[Replicates, ...]:
    """Percentile bootstrap of M figures at once, on the same resamples.

    The pictures of a resample are drawn from ``population``, weights ``[N]`` that need not equal
    those of the ``sample``: the caller may add pictures that were not seen (see
    ``evaluate.plus_four``), so that a sample without a single error does not claim certainty.

    Some figures are biased in small samples, and biased again when resampled: noise alone gives a
    perfectly calibrated model a calibration error. The bias, estimated as the mean over the resamples
    less the population's figure, is therefore taken off twice: once for the resample and once for the
    sample itself. For an unbiased figure this changes nothing but Monte Carlo noise.

    Args:
        figures: weights ``[B, N]`` to figures ``[B, M]``; NaN where a resample does not define one.
        sample: weights ``[N]`` that give the figures themselves.
        population: weights ``[N]`` to draw from; their sum, rounded, is the size of a resample.
        resamples: how many.
        seed: of the draws; the same seed gives the same intervals.

    Source: Efron and Tibshirani, An Introduction to the Bootstrap (1993), chapters 10 and 13.
    """
    values = figures(sample[None])[0]
    aim = figures(population[None])[0]
    drawn = np.concatenate([figures(weights) for weights in _resampled(population, resamples, seed)])
    return tuple(
        _unbiased(value, target, column) for value, target, column in zip(values, aim, drawn.T, strict=True)
    )


def _unbiased(value: float, target: float, drawn: Floats) -> Replicates:
    drawn = drawn[np.isfinite(drawn)]
    if not drawn.size:
        return Replicates(float(value), np.full(1, np.nan))
    return Replicates(float(value), drawn - 2 * (drawn.mean() - target))


def _resampled(population: Floats, resamples: int, seed: int) -> Iterator[Floats]:
    """Weights ``[B, N]``: how often each picture was drawn, a few rows at a time."""
    rng = np.random.default_rng(seed)
    edges = np.cumsum(population)
    draws = max(1, round(float(edges[-1])))
    rows = max(1, _CHUNK_NUMBERS // population.size)
    for start in range(0, resamples, rows):
        count = min(rows, resamples - start)
        picks = np.searchsorted(edges, rng.random((count, draws)) * edges[-1], side="right")
        picks = np.minimum(picks, population.size - 1) + np.arange(count)[:, None] * population.size
        counted = np.bincount(picks.ravel(), minlength=count * population.size)
        yield counted.reshape(count, population.size).astype(np.float64)
