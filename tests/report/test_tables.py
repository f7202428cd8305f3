from collections.abc import Callable

from sightline.report.page import ReportData
from sightline.report.tables import (
    class_counts,
    confused_pairs,
    footers,
    headlines,
    weakest_first,
    worst_found_first,
)
from sightline.values.evaluation import (
    ClassificationReport,
    ClassScores,
    DetectionReport,
    Interval,
    ObjectScores,
)

Builder = Callable[..., ReportData]


def judged(
    confusion: tuple[tuple[int, ...], ...], per_class: tuple[ClassScores, ...] = ()
) -> ClassificationReport:
    return ClassificationReport("test", 30, ("a", "b", "c"), {}, per_class, confusion, (), ())


def test_headlines_come_in_the_order_people_ask_for_and_strangers_last() -> None:
    metrics = dict.fromkeys(["roc_auc", "calibration_error", "a_strangers", "top1"], Interval(0.5, 0.4, 0.6))
    found = headlines(metrics)
    assert [h.title for h in found] == ["Top-1 accuracy", "ROC AUC", "Calibration error", "a_strangers"]
    assert [h.higher_is_better for h in found] == [True, True, False, True]


def test_confused_pairs_are_ranked_by_count_then_share() -> None:
    pairs = confused_pairs(judged(((5, 3, 0), (1, 9, 0), (0, 1, 1))))
    assert [(p.truth, p.predicted, p.count) for p in pairs] == [("a", "b", 3), ("c", "b", 1), ("b", "a", 1)]
    assert pairs[0].share == 3 / 8


def test_classes_without_pictures_are_not_the_weakest() -> None:
    scores = (
        ClassScores("a", 10, 10, 0.9, 0.9, 0.9),
        ClassScores("b", 0, 2, 0.0, 0.0, 0.0),
        ClassScores("c", 5, 5, 0.4, 0.4, 0.4),
    )
    assert [c.name for c in weakest_first(judged((), scores))] == ["c", "a", "b"]


def test_classes_are_counted_by_split(build: Builder) -> None:
    data = build(pictures=12)
    assert data.dataset is not None
    for row in class_counts(data.dataset):
        assert row.by_split == {"train": 2, "val": 2, "test": 2}
        assert (row.total, row.of_largest) == (6, 1.0)


def test_a_detectors_figures_begin_with_those_of_the_lead() -> None:
    names = ["ap_small", "ap75", "ap", "ap_large", "ap50", "ap_medium"]
    found = headlines(dict.fromkeys(names, Interval(0.5, 0.4, 0.6)))
    assert [h.name for h in found] == ["ap50", "ap", "ap75", "ap_small", "ap_medium", "ap_large"]


def test_classes_without_an_object_are_not_the_worst_found() -> None:
    scores = tuple(
        ObjectScores(name, objects, ap, ap, 0.5, 1, 0.5, 0.5, ())
        for name, objects, ap in (("a", 9, 0.9), ("b", 0, float("nan")), ("c", 9, 0.4), ("d", 9, 0.0))
    )
    report = DetectionReport("test", 5, ("a", "b", "c", "d"), {}, 27, scores, (), ())
    assert [c.name for c in worst_found_first(report)] == ["d", "c", "a", "b"]


def test_boxes_and_pictures_are_counted_apart(build_detector: Builder, build: Builder) -> None:
    dataset = build_detector().dataset
    assert dataset is not None
    boxes, pictures, empty = footers(dataset)
    assert boxes[0] == "All boxes"
    assert boxes[2] == sum(row.total for row in class_counts(dataset)) == 69
    assert pictures == ("All pictures", {"train": 6, "val": 3, "test": 15}, 24)
    assert (empty[0], empty[2]) == ("of them without an object", 3)
    classified = build().dataset
    assert classified is not None
    assert [title for title, _, _ in footers(classified)] == ["All pictures"]
