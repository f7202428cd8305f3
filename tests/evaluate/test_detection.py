import numpy as np
import pytest

from evaluate.drawn_objects import detections, draw, objects, perfect
from sightline.evaluate.detection import evaluate_detections
from sightline.evaluate.detection_errors import MOST
from sightline.evaluate.gates import compare, explain
from sightline.evaluate.matching import match
from sightline.evaluate.measure import measure, metric_of, metrics_of
from sightline.values.boxes import Boxes
from sightline.values.objects import Detections, Objects

CLASSES = ("hole", "short", "spur")


def paths(count: int) -> list[str]:
    return [f"{i:03}.jpg" for i in range(count)]


def test_the_whole_report() -> None:
    truth, answers = draw(np.random.default_rng(0), 60)
    report = evaluate_detections(truth, answers, CLASSES, paths(60), "test", {"hole": 0.4, "short": 0.6})
    assert (report.split, report.pictures, report.classes) == ("test", 60, CLASSES)
    assert report.objects == sum(int((~each.ignored).sum()) for each in truth)
    assert report.objects == sum(each.objects for each in report.per_class)
    assert [each.threshold for each in report.per_class] == [0.4, 0.6, 0.5]
    assert set(report.headline) == set(metrics_of("detection"))
    matches = match(truth, answers, 3)
    for name, interval in report.headline.items():
        assert interval.value == measure(name, matches)
        assert 0 <= interval.low < interval.value < interval.high <= 1
        assert 0.02 < interval.high - interval.low < 0.3
    assert np.mean([each.ap for each in report.per_class]) == pytest.approx(report.headline["ap"].value)
    assert np.mean([each.ap50 for each in report.per_class]) == pytest.approx(report.headline["ap50"].value)
    for each in report.per_class:
        recalls, precisions = zip(*each.curve, strict=True)
        assert recalls == pytest.approx(np.linspace(0, 1, 101))
        assert np.mean(precisions) == pytest.approx(each.ap50)
        assert list(precisions) == sorted(precisions, reverse=True)


def by_hand() -> tuple[list[Objects], list[Detections]]:
    truth = [
        objects([[0, 0, 100, 100], [200, 200, 240, 240]], [0, 0]),
        objects([[10, 10, 30, 30], [100, 100, 150, 150]], [1, 0], [False, True]),
        objects([], []),
    ]
    answers = [
        detections(
            [[0, 0, 100, 100], [0, 0, 100, 90], [200, 200, 240, 236], [200, 200, 240, 220]],
            [0, 0, 0, 1],
            [0.95, 0.9, 0.3, 0.7],
        ),
        detections([[100, 100, 150, 150], [10, 10, 30, 30]], [0, 2], [0.8, 0.6]),
        detections([[300, 300, 350, 350]], [0], [0.5]),
    ]
    return truth, answers


def test_precision_and_recall_at_the_threshold_by_hand() -> None:
    truth, answers = by_hand()
    report = evaluate_detections(truth, answers, CLASSES, paths(3), "val", dict.fromkeys(CLASSES, 0.5))
    hole, short, spur = report.per_class
    assert (hole.objects, hole.found) == (2, 3), "a find of an ignored object is none"
    assert hole.precision == pytest.approx(1 / 3)
    assert hole.recall == 0.5
    assert (short.objects, short.found, short.precision, short.recall) == (1, 1, 0.0, 0.0)
    assert (spur.objects, spur.found, spur.curve) == (0, 1, ())
    assert np.isnan(spur.ap)
    assert np.isnan(spur.ap50)


def test_errors_by_hand() -> None:
    truth, answers = by_hand()
    report = evaluate_detections(truth, answers, CLASSES, paths(3), "val", dict.fromkeys(CLASSES, 0.5))
    hole, short = report.missed
    assert (hole.path, hole.label, hole.box) == ("000.jpg", "hole", (200, 200, 240, 240))
    assert hole.score == 0.3, "it was seen, but below the threshold"
    assert (hole.iou, hole.instead) == (0.5, "short"), "what was given in its place"
    assert (short.path, short.label, short.score, short.iou, short.instead) == (
        "001.jpg",
        "short",
        0,
        1,
        "spur",
    )
    false = [(each.path, each.label, each.score) for each in report.false_finds]
    assert false == [
        ("000.jpg", "hole", 0.9),
        ("000.jpg", "short", 0.7),
        ("001.jpg", "spur", 0.6),
        ("002.jpg", "hole", 0.5),
    ]
    twice, other, taken, nothing = report.false_finds
    assert twice.iou == pytest.approx(0.9)
    assert twice.instead == "hole"
    assert (other.iou, other.instead) == (0.5, "hole")
    assert (taken.iou, taken.instead) == (1.0, "short")
    assert (nothing.iou, nothing.instead, nothing.box) == (0.0, "", (300, 300, 350, 350))


def test_the_worst_errors_come_first_and_are_few() -> None:
    truth, answers = draw(np.random.default_rng(1), 40, objects=10)
    report = evaluate_detections(truth, answers, CLASSES, paths(40), "test", dict.fromkeys(CLASSES, 0.4))
    assert len(report.missed) == len(report.false_finds) == MOST
    areas = [(each.box[2] - each.box[0]) * (each.box[3] - each.box[1]) for each in report.missed]
    assert areas == sorted(areas, reverse=True)
    scores = [each.score for each in report.false_finds]
    assert scores == sorted(scores, reverse=True)
    assert min(scores) >= 0.4
    assert all(each.score < 0.4 for each in report.missed)


def test_no_error_is_not_certainty() -> None:
    rng = np.random.default_rng(4)
    truth, _ = draw(rng, 40, crowd=0.0)
    thresholds = dict.fromkeys(CLASSES, 0.05)
    report = evaluate_detections(truth, perfect(truth, rng), CLASSES, paths(40), "test", thresholds)
    for name, interval in report.headline.items():
        assert interval.value == interval.high == 1.0
        assert 0.6 < interval.low < 0.99, name
    assert report.missed == report.false_finds == ()
    assert all(each.precision == each.recall == 1 for each in report.per_class)


def test_a_figure_without_objects_is_left_out() -> None:
    truth = [objects([[0, 0, 20, 20]], [0]), objects([], [])]
    answers = [detections([[0, 0, 20, 20]], [0], [0.9]), detections([], [], [])]
    report = evaluate_detections(truth, answers, CLASSES, paths(2), "test", {})
    assert set(report.headline) == {"ap", "ap50", "ap75", "ap_small"}
    nothing = evaluate_detections(truth[1:], answers[1:], CLASSES, paths(1), "test", {})
    assert nothing.headline == {}
    with pytest.raises(ValueError, match="at least one picture"):
        evaluate_detections([], [], CLASSES, [], "test", {})


def without_every(answers: list[Detections], step: int) -> list[Detections]:
    """Answers in which every so-many-th picture has lost its detections."""
    none = Detections(Boxes(np.empty((0, 4)), answers[0].boxes.size), np.empty(0, np.int64), np.empty(0))
    return [none if i % step == 0 else each for i, each in enumerate(answers)]


def test_the_gate_decides_by_ap() -> None:
    truth, answers = draw(np.random.default_rng(6), 150)
    good, bad = match(truth, answers, 3), match(truth, without_every(answers, 8), 3)
    better, worse = compare(good, bad), compare(bad, good)
    assert metric_of("detection") == better.metric == "ap"
    assert (better.candidate, better.incumbent) == (measure("ap", good), measure("ap", bad))
    assert better.difference.value == pytest.approx(better.candidate - better.incumbent)
    assert better.difference.low < better.lower < better.difference.value < better.difference.high
    assert (better.verdict, better.passes, better.lacking) == ("better", True, 0)
    assert (worse.verdict, worse.passes, worse.lacking) == ("worse", False, None)
    assert "COCO AP" in explain(better)
    assert "better than the release and may replace it" in explain(better)


def test_the_same_answers_need_enough_pictures() -> None:
    pictures = draw(np.random.default_rng(7), 300, objects=3, false=2)
    few, enough = match(pictures[0][:30], pictures[1][:30], 3), match(*pictures, 3)
    held, passed = compare(few, few), compare(enough, enough)
    assert (held.difference.value, held.verdict, held.passes) == (0, "undecided", False)
    assert held.lacking is not None
    assert held.lacking > 30
    assert (passed.verdict, passed.passes) == ("not worse", True)


def test_other_pictures_are_no_comparison() -> None:
    rng = np.random.default_rng(9)
    one, other = match(*draw(rng, 10), 3), match(*draw(rng, 10), 3)
    with pytest.raises(ValueError, match="not the same pictures"):
        compare(one, other)
    with pytest.raises(ValueError, match="no metric of detection"):
        compare(one, one, metric="top1")
    nothing = match([objects([], [])] * 3, [detections([], [], [])] * 3, 2)
    with pytest.raises(ValueError, match="do not define COCO AP"):
        compare(nothing, nothing)
