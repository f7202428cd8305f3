"""May a candidate replace the release? Both answer the same pictures, and the difference decides."""

import math

import numpy as np
import numpy.typing as npt

from sightline.evaluate.judge import measure
from sightline.evaluate.metrics import METRICS
from sightline.evaluate.plus_four import plus_four
from sightline.statistics.bootstrap import bootstrap
from sightline.statistics.matched_pairs import matched_difference, matched_lower, pictures_needed
from sightline.values.evaluation import Comparison, Interval, Verdict

Floats = npt.NDArray[np.float64]
Labels = npt.NDArray[np.int64]

MARGIN = -0.01
_Z = 1.6448536269514722
_MOST = 10_000_000


def compare(
    truth: Labels,
    candidate_probabilities: npt.ArrayLike,
    incumbent_probabilities: npt.ArrayLike,
    margin: float = MARGIN,
    metric: str = "top1",
) -> Comparison:
    """Candidate minus incumbent on the same pictures, and whether the gate lets the candidate pass.

    It passes when the lower one-sided 95 % end of the difference is above ``margin``: shown to be not
    worse by that much, not merely not shown to be worse. Top-1 is a share, and its limits are exact
    (``statistics.matched_pairs``); other metrics take a bootstrap of pictures with two added pairs of
    disagreement each way (``evaluate.plus_four``). For a metric where less is better the difference is
    counted so that above 0 still means better.

    The verdict is ``better`` where the lower end is above 0, ``not worse`` where it is above the
    margin, ``worse`` where the upper end of the two-sided interval is below the margin, and
    ``undecided`` between. ``lacking`` is how many more pictures would decide for the candidate if
    everything stayed in the proportions seen: for top-1 by scaling the table of disagreements until its
    exact limit passes, for other metrics ``n * (z * spread / (difference - margin))^2 - n`` with the
    bootstrap's spread of the paired difference, which shrinks with the root of n.

    Args:
        truth: class numbers ``[N]``, N at least 1.
        candidate_probabilities: ``[N, C]``.
        incumbent_probabilities: ``[N, C]``, the same pictures and classes in the same order.
        margin: in (-1, 1); how much better the candidate must be, negative to allow a loss.
        metric: name of a metric plugin.
    """
    candidate = np.asarray(candidate_probabilities, np.float64)
    incumbent = np.asarray(incumbent_probabilities, np.float64)
    if candidate.shape != incumbent.shape or candidate.shape[:1] != truth.shape or truth.size < 1:
        raise ValueError(f"not the same pictures: {candidate.shape}, {incumbent.shape}, truth {truth.shape}")
    if not -1 < margin < 1:
        raise ValueError(f"the margin is a difference in (-1, 1), got {margin}")
    if metric == "top1":
        difference, lower, lacking = _shares(truth, candidate, incumbent, margin)
    else:
        difference, lower, lacking = _figures(truth, candidate, incumbent, margin, metric)
    return Comparison(
        metric=metric,
        pictures=truth.size,
        candidate=measure(metric, truth, candidate),
        incumbent=measure(metric, truth, incumbent),
        difference=difference,
        lower=lower,
        margin=margin,
        verdict=_verdict(difference, lower, margin),
        passes=lower > margin,
        lacking=0 if lower > margin else lacking,
    )


def explain(comparison: Comparison) -> str:
    """The comparison in the words that a person reads before deciding; one line."""
    c, title = comparison, METRICS.load(comparison.metric).TITLE
    seen = (
        f"{title} {c.candidate:.1%} against {c.incumbent:.1%} of the release, "
        f"on the same {c.pictures:,} pictures: a difference of {_points(c.difference.value)}, "
        f"and with 95% confidence no lower than {_points(c.lower)}."
    )
    if c.passes:
        shown = "better than" if c.verdict == "better" else f"not worse than (margin {_points(c.margin)})"
        return f"{seen} The candidate is {shown} the release and may replace it."
    held = f"{seen} The gate wants more than {_points(c.margin)}, so it holds."
    if c.lacking is None:
        return f"{held} More pictures alone would not help: the difference itself is not above the margin."
    more = f"{_rounded_up(c.lacking):,}"
    return f"{held} About {more} more pictures are lacking, should the difference stay as it is."


def _shares(
    truth: Labels, candidate: Floats, incumbent: Floats, margin: float
) -> tuple[Interval, float, int | None]:
    new, old = candidate.argmax(axis=1) == truth, incumbent.argmax(axis=1) == truth
    gained, lost, n = int((new & ~old).sum()), int((old & ~new).sum()), truth.size
    needed = pictures_needed(gained, lost, n, margin, _MOST)
    lacking = None if needed is None else needed - n
    return matched_difference(gained, lost, n), matched_lower(gained, lost, n), lacking


def _figures(
    truth: Labels, candidate: Floats, incumbent: Floats, margin: float, metric: str
) -> tuple[Interval, float, int | None]:
    plugin = METRICS.load(metric)
    sign = 1.0 if plugin.HIGHER_IS_BETTER else -1.0
    plan = plus_four(truth, candidate)
    new, old = plan.with_added(candidate), plan.with_added(incumbent, right_first=False)

    def figures(weights: Floats) -> Floats:
        gain = plugin.values(plan.truth, new, weights) - plugin.values(plan.truth, old, weights)
        return np.asarray(sign * gain[:, None], np.float64)

    (found,) = bootstrap(figures, plan.sample, plan.population)
    if not math.isfinite(found.value):
        raise ValueError(f"these {truth.size} pictures do not define {plugin.TITLE}")
    room = found.value - margin
    lacking = None
    if room > 0:
        wanted = truth.size * (_Z * float(found.drawn.std()) / room) ** 2
        lacking = max(1, math.ceil(wanted) - truth.size) if wanted < _MOST else None
    return found.interval(bounds=(-1.0, 1.0)), found.lower(), lacking


def _verdict(difference: Interval, lower: float, margin: float) -> Verdict:
    if lower > 0:
        return "better"
    if lower > margin:
        return "not worse"
    return "worse" if difference.high < margin else "undecided"


def _points(share: float) -> str:
    return f"{100 * share:+.1f} points"


def _rounded_up(count: int) -> int:
    """To two digits, as befits a forecast."""
    unit = int(10 ** max(0, len(str(count)) - 2))
    return -(-count // unit) * unit
