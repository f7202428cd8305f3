"""The difference of two shares measured on the same pictures, without asymptotics.

Two classifiers answer the same n pictures. Only the pictures on which exactly one of them is right
speak: ``gained`` where the candidate is, ``lost`` where the incumbent is. With ``m = gained + lost``,
``m ~ Bin(n, pi)`` and ``gained ~ Bin(m, theta)``, the difference of the two shares is
``pi * (2 * theta - 1)``. Fay and Lumbard's limits meld the exact (Clopper-Pearson) confidence
distributions of ``pi`` and ``theta``, and so agree with the exact McNemar test.

Why not others: a bootstrap of pairs that never disagree has no width and would call ten pictures
enough. Score limits (Tango 1998) and Newcombe's are better, yet where disagreements are few, which is
the usual case here, their one-sided error reaches 6.8 % instead of 5 %: with no disagreement they let
a candidate through a margin of 1 point after 268 pictures, where the exact answer is 299.

Source: Fay and Lumbard, Confidence intervals for difference in proportions for matched pairs
compatible with exact McNemar's or sign tests, Statistics in Medicine 40 (2021) 1147-1159.
"""

from math import sqrt

import numpy as np
import numpy.typing as npt

from sightline.values.evaluation import Interval

Floats = npt.NDArray[np.float64]

_CELLS = 8_000
_STRATA = 1_000


def matched_difference(gained: float, lost: float, pictures: float, level: float = 0.95) -> Interval:
    """The difference ``(gained - lost) / pictures`` and its two-sided interval."""
    one_sided = (1 + level) / 2
    return Interval(
        value=(gained - lost) / pictures,
        low=matched_lower(gained, lost, pictures, one_sided),
        high=-matched_lower(lost, gained, pictures, one_sided),
        level=level,
    )


def matched_lower(gained: float, lost: float, pictures: float, confidence: float = 0.95) -> float:
    """The lower one-sided end of the difference at ``confidence``.

    Args:
        gained: pictures that only the candidate answers right; from 0, need not be whole (counts scaled
            to another number of pictures are meaningful).
        lost: pictures that only the incumbent answers right.
        pictures: all pictures, at least ``gained + lost`` and above 0.
        confidence: of the one-sided statement.
    """
    if min(gained, lost) < 0 or pictures <= 0 or gained + lost > pictures * (1 + 1e-12):
        raise ValueError(f"not counts of one table: gained {gained}, lost {lost} of {pictures}")
    disagree = min(gained + lost, pictures)
    theta = _Beta(gained, lost + 1).quantiles((np.arange(_STRATA) + 0.5) / _STRATA)
    slope = 2 * theta - 1
    falling, rising = slope[slope < 0], slope[slope > 0]
    much, little = _Beta(disagree + 1, pictures - disagree), _Beta(disagree, pictures - disagree + 1)

    def share_below(difference: float) -> float:
        if difference < 0:
            return float(np.sum(1 - much.cdf(difference / falling))) / _STRATA
        return (_STRATA - rising.size + float(np.sum(little.cdf(difference / rising)))) / _STRATA

    low, high = -1.0, 1.0
    for _ in range(45):
        middle = (low + high) / 2
        low, high = (middle, high) if share_below(middle) <= 1 - confidence else (low, middle)
    return low


def pictures_needed(
    gained: int, lost: int, pictures: int, margin: float, most: int = 10_000_000
) -> int | None:
    """How many pictures would lift the lower end above ``margin``, were the shares to stay as seen.

    ``gained`` and ``lost`` grow in proportion. For many pictures this is the familiar
    ``z^2 * variance / (difference - margin)^2`` with the variance of the paired differences
    ``(gained + lost) / n - ((gained - lost) / n)^2``; with no disagreement at all, where that
    variance is 0, it is the exact "rule of three". ``None`` where the difference itself is not above
    the margin, or more than ``most`` would be needed.
    """
    if (gained - lost) / pictures <= margin:
        return None

    def passes(wanted: int) -> bool:
        scale = wanted / pictures
        return matched_lower(gained * scale, lost * scale, wanted) > margin

    enough = pictures
    while not passes(enough):
        enough *= 2
        if enough > most:
            return None
    short = enough // 2 if enough > pictures else pictures - 1
    while enough - short > max(1, enough // 1_000):
        middle = (enough + short) // 2
        enough, short = (middle, short) if passes(middle) else (enough, middle)
    return enough


class _Beta:
    """A beta distribution by its cumulated density on a grid; a parameter of 0 is a point mass."""

    def __init__(self, a: float, b: float) -> None:
        self._point = 0.0 if a == 0 else 1.0 if b == 0 else None
        if self._point is not None:
            return
        total = a + b
        mean, spread = a / total, sqrt(a * b / (total * total * (total + 1)))
        self._edges: Floats = np.linspace(
            max(0.0, mean - 14 * spread), min(1.0, mean + 14 * spread), _CELLS + 1
        )
        middle = (self._edges[1:] + self._edges[:-1]) / 2
        logs = (a - 1) * np.log(middle) + (b - 1) * np.log1p(-middle)
        mass = np.exp(logs - logs.max())
        self._cumulated: Floats = np.concatenate([[0.0], np.cumsum(mass)]) / mass.sum()

    def cdf(self, at: Floats) -> Floats:
        if self._point is not None:
            return (at >= self._point).astype(np.float64)
        return np.interp(at, self._edges, self._cumulated)

    def quantiles(self, shares: Floats) -> Floats:
        if self._point is not None:
            return np.full(shares.shape, self._point)
        return np.interp(shares, self._cumulated, self._edges)
