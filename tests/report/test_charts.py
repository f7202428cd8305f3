from xml.etree import ElementTree

import pytest

from sightline.report.charts import (
    Curve,
    curves,
    difference_chart,
    precision_recall,
    reliability_diagram,
    whisker,
)
from sightline.report.svg import element
from sightline.values.evaluation import Comparison, Interval, ObjectScores, ReliabilityBin


def numbers(svg: str, name: str) -> list[float]:
    return [float(e.attrib[name]) for e in ElementTree.fromstring(svg).iter() if name in e.attrib]  # noqa: S314


def test_curves_stay_inside_and_leave_out_what_is_not_finite() -> None:
    svg = curves([Curve("one", [(1, 0.5), (2, float("nan")), (3, 4.2)])], "Loss", best=3)
    assert "nan" not in svg
    assert all(0 <= y <= 240 for y in numbers(svg, "y1"))
    assert svg.count("polyline") == 2


def test_one_epoch_is_a_dot_and_none_is_nothing() -> None:
    assert "circle" in curves([Curve("one", [(1, 0.5)])], "Loss")
    assert curves([Curve("one", [])], "Loss") == ""


@pytest.mark.parametrize("values", [(0.0, 0.0), (1.0, 1.0), (1e-6, 2e-6), (3.0, 1e6)])
def test_any_range_has_ticks(values: tuple[float, float]) -> None:
    svg = curves([Curve("two", list(enumerate(values, start=1)))], "Figures", share=True)
    assert 2 <= svg.count('class="grid"') <= 8


def test_whisker_is_cut_to_its_track() -> None:
    svg = whisker(Interval(1.0, 0.9, 1.2))
    assert max(numbers(svg, "x")) <= 100


def test_reliability_draws_a_bar_for_each_bin() -> None:
    bins = (ReliabilityBin(0.4, 0.5, 3, 0.45, 0.0), ReliabilityBin(0.9, 1.0, 50, 0.97, 0.9))
    svg = reliability_diagram(bins)
    assert svg.count('class="bar"') == 2
    assert "50 pictures, mean score 97.0%: 90.0% right" in svg
    assert min(numbers(svg, "height")) >= 0


@pytest.mark.parametrize("margin", [-0.01, 0.02])
def test_the_difference_stays_on_its_axis(margin: float) -> None:
    found = Comparison(
        "top1", 50, 0.9, 0.8, Interval(0.1, -0.02, 0.2), 0.01, margin, "better", passes=True, lacking=0
    )
    svg = difference_chart(found)
    assert all(20 <= x <= 700 for x in numbers(svg, "x1") + numbers(svg, "cx"))


def test_text_and_attributes_are_escaped() -> None:
    assert element("text", "<b>\n", title='"') == '<text title="&#34;">&lt;b&gt;\\n</text>'


def test_precision_by_recall_stays_in_its_frame_and_marks_the_threshold() -> None:
    curve = tuple((k / 100, 1.0 if k < 60 else 0.0) for k in range(101))
    svg = precision_recall(ObjectScores("spur", 9, 0.5, 0.6, 0.4, 7, 0.9, 0.55, curve))
    assert "Precision by recall: spur" in svg
    assert all(22 <= x <= 154 for x in numbers(svg, "cx"))
    assert svg.count("polyline") == 2


def test_precision_by_recall_of_a_class_that_was_never_given_has_no_dot() -> None:
    svg = precision_recall(ObjectScores("spur", 9, 0.0, 0.0, 0.4, 0, 0.0, 0.0, ()))
    assert "circle" not in svg
    assert "polyline" not in svg
