import numpy as np
import numpy.typing as npt
import pytest

from sightline.evaluate.classified import Classified
from sightline.evaluate.gates import compare, explain

Floats = npt.NDArray[np.float64]


def answers(truth: npt.NDArray[np.int64], wrong: range, score: float = 0.9) -> Classified:
    """Two-class answers, wrong for the pictures in ``wrong``."""
    answered = truth.copy()
    answered[list(wrong)] = 1 - answered[list(wrong)]
    return Classified(truth, np.where(answered[:, None] == [0, 1], score, 1 - score))


def pictures(count: int) -> npt.NDArray[np.int64]:
    return np.arange(count, dtype=np.int64) % 2


def test_a_clear_gain_is_better() -> None:
    truth = pictures(500)
    found = compare(answers(truth, range(10)), answers(truth, range(60)))
    assert (found.candidate, found.incumbent) == (0.98, 0.88)
    assert found.difference.value == pytest.approx(0.1)
    assert (found.verdict, found.passes, found.lacking) == ("better", True, 0)
    assert "better than the release and may replace it" in explain(found)


def test_the_same_answers_need_299_pictures() -> None:
    few, enough = pictures(100), pictures(299)
    held = compare(answers(few, range(5)), answers(few, range(5)))
    passed = compare(answers(enough, range(5)), answers(enough, range(5)))
    assert (held.verdict, held.passes, held.lacking) == ("undecided", False, 199)
    assert held.difference.low < 0 < held.difference.high, "no disagreement is not certainty"
    assert "About 200 more pictures are lacking" in explain(held)
    assert (passed.verdict, passed.passes) == ("not worse", True)


def test_a_clear_loss_is_worse_and_no_number_of_pictures_would_help() -> None:
    truth = pictures(500)
    found = compare(answers(truth, range(60)), answers(truth, range(10)))
    assert (found.verdict, found.passes, found.lacking) == ("worse", False, None)
    assert "More pictures alone would not help" in explain(found)


def test_the_margin_decides() -> None:
    truth = pictures(400)
    candidate, incumbent = answers(truth, range(8)), answers(truth, range(4, 12))
    assert not compare(candidate, incumbent, margin=-0.01).passes
    assert compare(candidate, incumbent, margin=-0.03).passes


@pytest.mark.parametrize("metric", ["balanced_accuracy", "macro_f1", "roc_auc", "calibration_error"])
def test_other_metrics_never_pass_on_identical_answers_of_few_pictures(metric: str) -> None:
    truth = pictures(60)
    same = answers(truth, range(3))
    found = compare(same, same, metric=metric)
    assert found.difference.value == 0
    assert found.verdict == "undecided"
    assert found.lacking is not None
    assert found.lacking > 60


def test_a_bootstrapped_metric_agrees_with_the_exact_limits_of_top1() -> None:
    truth = pictures(1_000)
    candidate, incumbent = answers(truth, range(40)), answers(truth, range(20, 80))
    exact = compare(candidate, incumbent)
    boot = compare(candidate, incumbent, metric="balanced_accuracy")
    assert boot.difference.value == pytest.approx(exact.difference.value)
    assert boot.lower == pytest.approx(exact.lower, abs=0.002)
    assert boot.verdict == exact.verdict == "better"


def test_less_calibration_error_is_better() -> None:
    truth = pictures(400)
    calibrated, overconfident = answers(truth, range(80), 0.8), answers(truth, range(80), 0.999)
    found = compare(calibrated, overconfident, metric="calibration_error")
    assert found.candidate < found.incumbent
    assert found.difference.value == pytest.approx(found.incumbent - found.candidate)
    assert found.verdict == "better"


def test_what_cannot_be_compared_is_refused() -> None:
    truth = pictures(4)
    four = Classified(truth, np.full((4, 2), 0.5))
    with pytest.raises(ValueError, match="not the same pictures"):
        compare(four, Classified(truth[:3], np.full((3, 2), 0.5)))
    with pytest.raises(ValueError, match="not the same pictures"):
        compare(four, Classified(1 - truth, np.full((4, 2), 0.5)))
    with pytest.raises(ValueError, match="not the same pictures"):
        Classified(truth, np.full((3, 2), 0.5))
    with pytest.raises(ValueError, match="margin"):
        compare(four, four, margin=1.0)
    with pytest.raises(ValueError, match="no metric of classification"):
        compare(four, four, metric="ap")
    one_class = Classified(np.zeros(4, np.int64), np.full((4, 2), 0.5))
    with pytest.raises(ValueError, match="ROC AUC"):
        compare(one_class, one_class, metric="roc_auc")
