import numpy as np
import pytest

from sightline.evaluate.thresholds import best_f1_thresholds


def two(scores: list[float]) -> np.ndarray:
    return np.array([[1 - s, s] for s in scores])


def test_classes_that_part_are_cut_in_the_middle_of_the_gap() -> None:
    found = best_f1_thresholds(np.array([1, 1, 0, 0]), two([0.9, 0.7, 0.3, 0.2]), ("no", "yes"))
    assert found == {"no": pytest.approx(0.5), "yes": pytest.approx(0.5)}


def test_best_f1_by_hand() -> None:
    # cutting below 0.6 gives F1 2*2/(3+3) = 0.67, below 0.4 gives 2*3/(5+3) = 0.75, below 0.8 gives 0.8
    truth = np.array([1, 1, 0, 0, 1, 0])
    found = best_f1_thresholds(truth, two([0.9, 0.8, 0.7, 0.6, 0.4, 0.1]), ("no", "yes"))
    assert found["yes"] == pytest.approx(0.75)


def test_equal_scores_are_never_parted() -> None:
    truth = np.array([1, 1, 0, 0])
    found = best_f1_thresholds(truth, two([0.6, 0.5, 0.5, 0.1]), ("no", "yes"))
    assert found["yes"] == pytest.approx(0.3)


def test_a_class_without_pictures_gets_one_half() -> None:
    found = best_f1_thresholds(np.array([0, 0]), two([0.2, 0.4]), ("no", "yes"))
    assert found["yes"] == 0.5
    assert found["no"] == pytest.approx(0.3), "all pictures are of it: half of the lowest score"


def test_no_other_threshold_does_better() -> None:
    rng = np.random.default_rng(4)
    truth = rng.integers(0, 3, 80)
    probabilities = rng.dirichlet([1.0] * 3, size=80).round(2)
    for c, threshold in enumerate(best_f1_thresholds(truth, probabilities, ("a", "b", "c")).values()):
        own, scores = truth == c, probabilities[:, c]

        def f1(cut: float, own: np.ndarray = own, scores: np.ndarray = scores) -> float:
            taken = scores >= cut
            return float(2 * (taken & own).sum() / (taken.sum() + own.sum()))

        assert f1(threshold) == max(f1(cut) for cut in np.unique(scores))
