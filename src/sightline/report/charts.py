"""Small charts as inline SVG; colours come from the page's style sheet, so that they follow its theme."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from sightline.report.svg import element, line, picture, rectangle, words
from sightline.report.wording import percent, points
from sightline.values.evaluation import Comparison, Interval, ObjectScores, ReliabilityBin

_SIZE = (460.0, 240.0)
_LEFT, _RIGHT, _TOP, _BOTTOM = 46.0, 448.0, 14.0, 206.0
_QUARTERS = (0.0, 0.25, 0.5, 0.75, 1.0)


@dataclass(frozen=True, slots=True)
class Curve:
    """One curve; ``style`` is a class of the style sheet (``one``, ``two``)."""

    style: str
    points: Sequence[tuple[float, float]]


@dataclass(frozen=True, slots=True)
class _Frame:
    """Data coordinates to picture coordinates."""

    x: tuple[float, float]
    y: tuple[float, float]

    def at(self, x: float, y: float) -> tuple[float, float]:
        across = (x - self.x[0]) / (self.x[1] - self.x[0])
        up = (y - self.y[0]) / (self.y[1] - self.y[0])
        return _LEFT + across * (_RIGHT - _LEFT), _BOTTOM - up * (_BOTTOM - _TOP)


def whisker(interval: Interval) -> Markup:
    """A share on the way from 0 to 1, with its interval."""
    low, value, high = (100 * min(1.0, max(0.0, v)) for v in (interval.low, interval.value, interval.high))
    return element(
        "svg",
        rectangle("track", (0, 4), 100, 2),
        rectangle("range", (low, 2.5), max(0.6, high - low), 5),
        rectangle("mark", (min(99.2, max(0.0, value - 0.4)), 0), 0.8, 10),
        class_="whisker",
        viewBox="0 0 100 10",
        preserveAspectRatio="none",
        aria_hidden="true",
    )


def curves(drawn: Sequence[Curve], title: str, *, share: bool = False, best: float | None = None) -> Markup:
    """Curves over epochs; ``share`` writes percent, ``best`` marks an epoch."""
    finite = [[point for point in curve.points if math.isfinite(point[1])] for curve in drawn]
    xs = [x for kept in finite for x, _ in kept]
    ys = [y for kept in finite for _, y in kept]
    if not xs:
        return Markup("")
    ticks = _nice_ticks(min(ys), max(ys))
    frame = _Frame((min(xs), max(*xs, min(xs) + 1)), (ticks[0], ticks[-1]))
    parts = [_grid(frame, ticks, _percent_tick if share else _plain_tick), _epochs(frame, max(xs))]
    if best is not None:
        parts.append(line("best", frame.at(best, ticks[0]), frame.at(best, ticks[-1])))
    for curve, kept in zip(drawn, finite, strict=True):
        way = [frame.at(x, y) for x, y in kept]
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in way)
        parts.append(element("polyline", class_=f"curve {curve.style}", points=path))
        if len(way) == 1:
            parts.append(element("circle", class_=f"dot {curve.style}", cx=way[0][0], cy=way[0][1], r=3))
    return picture("chart", title, _SIZE, *parts)


def reliability_diagram(bins: Sequence[ReliabilityBin]) -> Markup:
    """Share answered right by top score: bars against the diagonal, wider bars for more pictures."""
    frame = _Frame((0.0, 1.0), (0.0, 1.0))
    most = max((b.count for b in bins), default=1)
    parts = [_grid(frame, _QUARTERS, _percent_tick)]
    parts += [words(f"{tick:.0%}", (frame.at(tick, 0)[0], _BOTTOM + 15)) for tick in _QUARTERS]
    parts += [_axis_name("top score"), line("diagonal", frame.at(0, 0), frame.at(1, 1))]
    return picture(
        "chart", "Share answered right by top score", _SIZE, *parts, *(_bar(frame, b, most) for b in bins)
    )


def _bar(frame: _Frame, b: ReliabilityBin, most: int) -> Markup:
    left, right = frame.at(b.low, 0)[0] + 1.5, frame.at(b.high, 0)[0] - 1.5
    top, ground = frame.at(0, b.accuracy)[1], frame.at(0, 0)[1]
    ideal = frame.at(0, b.confidence)[1]
    width = max(2.0, (right - left) * (b.count / most) ** 0.5)
    told = f"{b.count} pictures, mean score {percent(b.confidence)}: {percent(b.accuracy)} right"
    return element(
        "g",
        element("title", told),
        rectangle("bar", ((left + right - width) / 2, top), width, ground - top),
        line("ideal", (left, ideal), (right, ideal)),
    )


def precision_recall(scores: ObjectScores) -> Markup:
    """One class's precision by recall, small; a dot where its threshold lies."""
    left, right, top, ground = 22.0, 154.0, 8.0, 96.0

    def at(recall: float, precision: float) -> tuple[float, float]:
        return left + recall * (right - left), ground - precision * (ground - top)

    parts = []
    for tick in (0.0, 0.5, 1.0):
        y = at(0, tick)[1]
        parts += [line("grid", (left, y), (right, y)), words(f"{tick:.0%}"[:-1], (left - 4, y + 3), "end")]
        parts.append(words(f"{tick:.0%}"[:-1], (at(tick, 0)[0], ground + 12)))
    way = [at(*point) for point in scores.curve if all(map(math.isfinite, point))]
    if way:
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in way)
        area = f"{way[0][0]:.1f},{ground:g} {path} {way[-1][0]:.1f},{ground:g}"
        parts += [
            element("polygon", class_="area", points=area),
            element("polyline", class_="curve two", points=path),
        ]
    if scores.found:
        x, y = at(scores.recall, scores.precision)
        parts.append(element("circle", class_="dot chosen", cx=x, cy=y, r=3.5))
    return picture("chart small-chart", f"Precision by recall: {scores.name}", (160, 112), *parts)


def difference_chart(comparison: Comparison) -> Markup:
    """The paired difference with its interval, against 0 and the margin; left of the margin is shaded."""
    d, margin, lower = comparison.difference, comparison.margin, comparison.lower
    reach = 1.15 * max(abs(v) for v in (d.low, d.high, margin, lower, 0.005))
    left, right, ground, middle = 20.0, 700.0, 60.0, 36.0

    def across(value: float) -> float:
        return left + (value + reach) / (2 * reach) * (right - left)

    held, nought, end = across(margin), across(0), across(lower)
    side, shift = ("end", -5) if margin < 0 else ("start", 5)
    return picture(
        "difference",
        "Paired difference, candidate less release",
        (720, 84),
        rectangle("held", (left, 12), held - left, ground - 12),
        line("axis", (left, ground), (right, ground)),
        line("margin", (held, 8), (held, ground + 4)),
        line("nought", (nought, 12), (nought, ground + 4)),
        line("range", (across(d.low), middle), (across(d.high), middle)),
        line("end", (end, middle - 10), (end, middle + 10)),
        element("circle", class_="mark", cx=across(d.value), cy=middle, r=5),
        words("no difference", (nought - shift, ground + 18), "start" if margin < 0 else "end"),
        words(f"margin {points(margin)}", (held + shift, ground + 18), side),
    )


def _grid(frame: _Frame, ticks: Sequence[float], written: Callable[[float], str]) -> Markup:
    parts = []
    for tick in ticks:
        y = frame.at(frame.x[0], tick)[1]
        parts += [line("grid", (_LEFT, y), (_RIGHT, y)), words(written(tick), (_LEFT - 7, y + 3.5), "end")]
    return Markup("").join(parts)


def _epochs(frame: _Frame, last: float) -> Markup:
    first, final = int(frame.x[0]), int(last)
    step = max(1, math.ceil((final - first) / 8))
    ticks = [*range(first, final - step // 2, step), final] if final > first else [first]
    labels = [words(str(tick), (frame.at(tick, frame.y[0])[0], _BOTTOM + 15)) for tick in ticks]
    return Markup("").join([*labels, _axis_name("epoch")])


def _axis_name(name: str) -> Markup:
    return words(name, ((_LEFT + _RIGHT) / 2, _SIZE[1] - 4), kind="name")


def _percent_tick(tick: float) -> str:
    return f"{100 * tick:g}%"


def _plain_tick(tick: float) -> str:
    return f"{tick:g}"


def _nice_ticks(low: float, high: float, wanted: int = 4) -> tuple[float, ...]:
    """About ``wanted`` steps of 1, 2 or 5 times a power of ten that enclose ``low`` and ``high``."""
    span = max(high - low, 1e-3 * max(1.0, abs(high)))
    power = 10.0 ** math.floor(math.log10(span / wanted))
    step = next(power * factor for factor in (1, 2, 5, 10, 20) if power * factor * wanted >= span)
    first, last = math.floor(low / step), math.ceil(high / step)
    return tuple(round(step * k, 10) for k in range(first, max(last, first + 1) + 1))
