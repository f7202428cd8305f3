"""May a candidate replace the release? Both answer the same pictures, and the difference decides."""

import math

import numpy as np
import numpy.typing as npt

from sightline.evaluate.answers import OneTask, task_of
from sightline.evaluate.classified import Classified
from sightline.evaluate.measure import affordable_resamples, measure, metric_of, metrics_of
from sightline.evaluate.metrics import METRICS
from sightline.evaluate.plus_four import plus_four
from sightline.statistics.bootstrap import bootstrap
from sightline.statistics.matched_pairs import matched_difference, matched_lower, pictures_needed
from sightline.values.evaluation import Comparison, Interval, Verdict

Floats = npt.NDArray[np.float64]

MARGIN = -0.01
BUDGET = 0.01
"""The loss that a compressed variant of a model may have."""
_Z = 1.6448536269514722
_MOST = 10_000_000


def compare(
    candidate: OneTask, incumbent: OneTask, margin: float = MARGIN, metric: str | None = None
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
        candidate: its answers to N pictures, N at least 1.
        incumbent: the release's, to the same pictures in the same order, with the same classes.
        margin: in (-1, 1); how much better the candidate must be, negative to allow a loss.
        metric: name of a metric plugin of the task; without one the task's own (``metric_of``).
    """
    if candidate.pictures < 1 or not candidate.same_pictures(incumbent):
        raise ValueError(
            f"not the same pictures: the candidate answered {candidate.pictures}, "
            f"the incumbent {incumbent.pictures}, and their truths and classes must be the same"
        )
    if not -1 < margin < 1:
        raise ValueError(f"the margin is a difference in (-1, 1), got {margin}")
    name = metric or metric_of(task_of(candidate))
    if name not in metrics_of(task_of(candidate)):
        raise ValueError(f"{name!r} is no metric of {task_of(candidate)}")
    if name == "top1" and isinstance(candidate, Classified):
        difference, lower, lacking = _shares(candidate, incumbent, margin)
    else:
        difference, lower, lacking = _figures(candidate, incumbent, margin, name)
    return Comparison(
        metric=name,
        pictures=candidate.pictures,
        candidate=measure(name, candidate),
        incumbent=measure(name, incumbent),
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
    candidate: Classified, incumbent: Classified, margin: float
) -> tuple[Interval, float, int | None]:
    truth = candidate.truth
    new, old = (each.probabilities.argmax(axis=1) == truth for each in (candidate, incumbent))
    gained, lost, n = int((new & ~old).sum()), int((old & ~new).sum()), truth.size
    needed = pictures_needed(gained, lost, n, margin, _MOST)
    lacking = None if needed is None else needed - n
    return matched_difference(gained, lost, n), matched_lower(gained, lost, n), lacking


def _figures(
    candidate: OneTask, incumbent: OneTask, margin: float, metric: str
) -> tuple[Interval, float, int | None]:
    plugin = METRICS.load(metric)
    sign = 1.0 if plugin.HIGHER_IS_BETTER else -1.0
    plan = plus_four(candidate, incumbent)
    new, old = plan.answers

    def figures(weights: Floats) -> Floats:
        gain = plugin.values(new, weights) - plugin.values(old, weights)
        return np.asarray(sign * gain[:, None], np.float64)

    resamples = affordable_resamples(candidate)
    (found,) = bootstrap(figures, plan.sample, plan.population, resamples=resamples)
    if not math.isfinite(found.value):
        raise ValueError(f"these {candidate.pictures} pictures do not define {plugin.TITLE}")
    room = found.value - margin
    lacking = None
    if room > 0:
        wanted = candidate.pictures * (_Z * float(found.drawn.std()) / room) ** 2
        lacking = max(1, math.ceil(wanted) - candidate.pictures) if wanted < _MOST else None
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
