from typing import Protocol

import numpy as np
import numpy.typing as npt
import pytest

from sightline.evaluate.classified import Classified
from sightline.evaluate.headline import headline
from sightline.evaluate.judge import WORST, evaluate
from sightline.evaluate.measure import metrics_of


class Golden(Protocol):
    truth: npt.NDArray[np.int64]
    probabilities: npt.NDArray[np.float64]


CLASSES = ("free", "blowhole", "crack", "fray")


def paths(count: int) -> list[str]:
    return [f"{i:03}.jpg" for i in range(count)]


def test_the_whole_report(golden: Golden) -> None:
    report = evaluate(golden.truth, golden.probabilities, CLASSES, paths(60), "test")
    assert (report.split, report.pictures, report.classes) == ("test", 60, CLASSES)
    assert set(report.headline) == set(metrics_of("classification"))
    assert report.confusion == ((17, 6, 1, 5), (1, 10, 2, 3), (3, 0, 6, 2), (2, 0, 1, 1))
    assert [c.support for c in report.per_class] == [29, 16, 11, 4]
    assert [c.precision for c in report.per_class] == pytest.approx([0.73913043, 0.625, 0.6, 0.09090909])
    assert [c.recall for c in report.per_class] == pytest.approx([0.5862069, 0.625, 0.54545455, 0.25])
    assert [c.f1 for c in report.per_class] == pytest.approx([0.65384615, 0.625, 0.57142857, 0.13333333])
    assert sum(b.count for b in report.reliability) == 60


def test_every_interval_holds_its_figure_and_stays_in_range(golden: Golden) -> None:
    for interval in headline(Classified(golden.truth, golden.probabilities)).values():
        assert 0 <= interval.low <= interval.value <= interval.high <= 1
        assert interval.high - interval.low > 0.05


def test_the_worst_mistakes_come_first(golden: Golden) -> None:
    worst = evaluate(golden.truth, golden.probabilities, CLASSES, paths(60), "test").worst
    assert len(worst) == WORST
    assert [m.score for m in worst] == sorted((m.score for m in worst), reverse=True)
    assert all(m.truth != m.predicted and m.truth_score <= m.score for m in worst)
    first = int(worst[0].path[:3])
    assert worst[0].truth == CLASSES[golden.truth[first]]


def test_no_error_is_not_certainty() -> None:
    truth = np.arange(40) % 4
    probabilities = np.full((40, 4), 0.005) + np.eye(4)[truth] * 0.98
    found = headline(Classified(truth, probabilities))
    for name in ("top1", "balanced_accuracy", "macro_f1", "roc_auc"):
        assert found[name].value == found[name].high == 1.0
        assert 0.8 < found[name].low < 0.95, name
    assert found["calibration_error"].low == 0.0
    assert found["calibration_error"].high > 0.05


def test_a_rare_class_all_right_is_not_certain_either() -> None:
    truth = np.array([0] * 500 + [1] * 3)
    probabilities = np.where(truth[:, None] == [0, 1], 0.99, 0.01)
    assert headline(Classified(truth, probabilities))["balanced_accuracy"].low < 0.75


def test_calibrated_scores_do_not_rule_out_a_calibration_error_of_nought() -> None:
    rng = np.random.default_rng(2)
    reach = 0
    for _ in range(6):
        probabilities = rng.dirichlet([1.0] * 3, size=200)
        truth = (probabilities.cumsum(axis=1) < rng.random((200, 1))).sum(axis=1)
        reach += headline(Classified(truth, probabilities))["calibration_error"].low == 0.0
    assert reach >= 5
    overconfident = np.where(np.arange(200)[:, None] % 2 == [0, 1], 0.99, 0.01)
    assert headline(Classified(rng.integers(0, 2, 200), overconfident))["calibration_error"].low > 0.3


def test_the_interval_of_top1_is_near_the_score_interval() -> None:
    truth = np.zeros(400, np.int64)
    right = np.arange(400) < 360
    probabilities = np.where(right[:, None] == [True, False], 0.8, 0.2)
    top1 = headline(Classified(truth, probabilities))["top1"]
    assert top1.value == 0.9
    assert top1.low == pytest.approx(0.867, abs=0.006)
    assert top1.high == pytest.approx(0.926, abs=0.006)


def test_pictures_of_one_class_leave_the_auc_out() -> None:
    report = evaluate(np.array([1, 1]), [[0.2, 0.8], [0.6, 0.4]], ("no", "yes"), ("a", "b"), split="test")
    assert "roc_auc" not in report.headline
    assert report.headline["top1"].value == 0.5
    assert report.per_class[0].support == 0


def test_many_classes_are_no_obstacle() -> None:
    rng = np.random.default_rng(0)
    truth = rng.integers(0, 100, 150)
    probabilities = rng.dirichlet([0.1] * 100, size=150)
    names = [str(c) for c in range(100)]
    assert len(evaluate(truth, probabilities, names, paths(150), "val").confusion) == 100


@pytest.mark.parametrize(
    ("truth", "probabilities", "message"),
    [
        ([], np.zeros((0, 2)), "at least one picture"),
        ([0, 1], [[0.5, 0.5]], "wanted"),
        ([0, 2], [[0.5, 0.5], [0.5, 0.5]], "class numbers"),
        ([0, 1], [[0.5, 0.5], [0.5, 0.6]], "sum to 1"),
        ([0, 1], [[0.5, 0.5], [np.nan, 0.5]], "sum to 1"),
    ],
)
def test_what_cannot_be_judged_is_refused(
    truth: list[int], probabilities: npt.ArrayLike, message: str
) -> None:
    names = paths(len(truth))
    with pytest.raises(ValueError, match=message):
        evaluate(np.array(truth, np.int64), probabilities, ("a", "b"), names, "test")
